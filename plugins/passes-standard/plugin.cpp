// SPDX-License-Identifier: Apache-2.0
// The standard passes. Each file of this folder registers one; each file of pipelines/ is a named pipeline.
#include <tenon/plugin.hpp>

TENON_PLUGIN(R"("id":"tenon.passes-standard","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0","summary":"the standard optimization passes and the pipelines O1 and O2")");
