// SPDX-License-Identifier: Apache-2.0
// Plans a file of intervals (id,lower,upper,size; upper is the first step without the buffer) with the CPU backend's planner.
//   plan_arena [--capacity BYTES] [--align BYTES] FILE.csv
// prints {"buffers", "height", "lower_bound", "work", "offsets"} and exits with 1 when the height is above the goal: the capacity or,
// without one, the lower bound.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "memory/arena.hpp"

namespace {

using tenon::cpu::ArenaOptions;
using tenon::cpu::ArenaPlan;
using tenon::cpu::Interval;

bool read(const std::string& path, std::vector<Interval>& intervals) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.rfind("id,lower,upper,size", 0) != 0) return false;
  while (std::getline(file, line)) {
    std::istringstream text(line);
    std::string id;
    Interval i;
    char comma = 0;
    if (!std::getline(text, id, ',') || !(text >> i.lower >> comma >> i.upper >> comma >> i.size) || i.upper <= i.lower) return false;
    --i.upper;
    intervals.push_back(i);
  }
  return true;
}

void print(const ArenaPlan& plan) {
  std::cout << "{\"buffers\": " << plan.offset.size() << ", \"height\": " << plan.height << ", \"lower_bound\": " << plan.lower_bound << ", \"work\": " << plan.work
            << ", \"offsets\": [";
  for (size_t k = 0; k < plan.offset.size(); ++k) std::cout << (k ? ", " : "") << plan.offset[k];
  std::cout << "]}\n";
}

}  // namespace

int main(int argc, char** argv) {
  ArenaOptions options;
  options.align = 1;
  // A file on its own may take ten times as long as a model's graph.
  options.most_work *= 10;
  std::string path;
  for (int k = 1; k < argc; ++k) {
    const std::string word = argv[k];
    if (word == "--capacity" && k + 1 < argc) options.capacity = std::strtoull(argv[++k], nullptr, 10);
    else if (word == "--align" && k + 1 < argc) options.align = std::max<uint64_t>(1, std::strtoull(argv[++k], nullptr, 10));
    else path = word;
  }
  std::vector<Interval> intervals;
  if (!read(path, intervals)) {
    std::cerr << "plan_arena: '" << path << "' is no file of id,lower,upper,size\n";
    return 2;
  }
  const ArenaPlan plan = plan_arena(intervals, options);
  print(plan);
  return plan.height > std::max<uint64_t>(options.capacity, plan.lower_bound) ? 1 : 0;
}
