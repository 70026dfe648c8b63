// SPDX-License-Identifier: Apache-2.0
#include <tenon/tenon.hpp>

TENON_PLUGIN(R"("id":"tenon.frontend-onnx-microsoft","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0",)"
             R"("summary":"Lowerings of the operators of com.microsoft that exporters and quantizers emit")");
