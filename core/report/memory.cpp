// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace tenon::core {

void reset_peak_memory() {
  // proc(5): 5 resets the peak resident set size (VmHWM).
  std::ofstream("/proc/self/clear_refs") << "5";
}

uint64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  rusage u{};
  return getrusage(RUSAGE_SELF, &u) == 0 ? static_cast<uint64_t>(u.ru_maxrss) * 1024 : 0;
}

}  // namespace tenon::core
