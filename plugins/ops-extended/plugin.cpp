// SPDX-License-Identifier: Apache-2.0
// Operators that few models need: classical machine learning, text, images, optionals, detection. Each file below this folder registers one.
#include <tenon/plugin.hpp>

TENON_PLUGIN(R"("id":"tenon.ops-extended","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0","summary":"operators of classical machine learning, text, images and optionals, with inference and reference kernels")");
