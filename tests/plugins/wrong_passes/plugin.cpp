// SPDX-License-Identifier: Apache-2.0
// Passes that are wrong on purpose, for the tests of bisect, reduce and verification.
#include <tenon/plugin.hpp>

TENON_PLUGIN(R"("id":"test.wrong-passes","version":"1.0.0","vendor":"Tests","license":"Apache-2.0")");
