// SPDX-License-Identifier: Apache-2.0
// The IR's operators. Each file below this folder registers one.
#include <tenon/plugin.hpp>

TENON_PLUGIN(R"("id":"tenon.ops-standard","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0","summary":"the operators of the IR with inference and reference kernels")");
