// SPDX-License-Identifier: Apache-2.0
// cpu_time.hpp - time that the process computed, however busy the machine is with others.
#pragma once
#include <time.h>

namespace tenon::core {

/// Milliseconds of all threads since the process began.
inline double cpu_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

}  // namespace tenon::core
