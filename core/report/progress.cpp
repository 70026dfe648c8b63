// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace tenon::core {

Progress::Progress(bool enabled) : enabled_(enabled && isatty(STDERR_FILENO)) {}

void Progress::stage(std::string name) {
  clear();
  std::lock_guard lock(mutex_);
  stage_ = std::move(name);
  began_ = Clock::now();
}

void Progress::update(uint64_t done, uint64_t total, std::string_view what) {
  using namespace std::chrono_literals;
  if (!enabled_) return;
  std::lock_guard lock(mutex_);
  auto now = Clock::now();
  if (now - began_ < 1s || now - drawn_ < 100ms) return;
  drawn_ = now;
  shown_ = true;
  std::string amount = total ? fmt::format("{:3.0f} %", 100.0 * static_cast<double>(done) / static_cast<double>(total)) : fmt::format("{}", done);
  fmt::print(stderr, "\r\x1b[K{}: {} {}", stage_, amount, what.substr(0, 40));
  std::fflush(stderr);
}

void Progress::clear() {
  std::lock_guard lock(mutex_);
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace tenon::core
