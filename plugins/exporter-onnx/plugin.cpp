// SPDX-License-Identifier: Apache-2.0
#include <tenon/tenon.hpp>

TENON_PLUGIN(R"("id":"tenon.exporter-onnx","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0",)"
             R"("summary":"Writes ONNX models: the serializer, and a rule for each operator of the IR")");
