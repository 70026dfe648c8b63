// SPDX-License-Identifier: Apache-2.0
#include <tenon/tenon.hpp>

TENON_PLUGIN(R"("id":"tenon.frontend-tflite","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0",)"
             R"("summary":"Reads TFLite models: the parser, and the lowerings of the builtin operators")");
