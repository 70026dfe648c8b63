// SPDX-License-Identifier: Apache-2.0
#include <tenon/plugin.hpp>

TENON_PLUGIN(R"("id":"tenon.passes-saturate","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0","summary":"a search for the cheapest of all equal graphs, by equality saturation")");
