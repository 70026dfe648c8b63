// SPDX-License-Identifier: Apache-2.0
// progress.hpp - one line on a terminal that says what is going on; nothing anywhere else.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace tenon::core {

/// Writes to standard error, only when that is a terminal, and only for what has taken more than a second. Thread-safe.
class Progress {
 public:
  /// `enabled` false keeps it silent.
  explicit Progress(bool enabled);
  ~Progress() { clear(); }
  /// What follows is about this stage.
  void stage(std::string name);
  void update(uint64_t done, uint64_t total, std::string_view what);
  /// Removes the line, before other output.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool enabled_, shown_ = false;
  std::string stage_;
  Clock::time_point began_ = Clock::now(), drawn_{};
  std::mutex mutex_;
};

}  // namespace tenon::core
