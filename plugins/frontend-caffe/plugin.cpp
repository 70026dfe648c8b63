// SPDX-License-Identifier: Apache-2.0
#include <tenon/tenon.hpp>

TENON_PLUGIN(R"("id":"tenon.frontend-caffe","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0",)"
             R"("summary":"Reads Caffe models, text and binary, and the lowerings of the layers of Caffe and its forks")");
