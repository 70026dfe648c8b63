// SPDX-License-Identifier: Apache-2.0
// session.hpp - one run of the host: its plugins, its log, and the context that a plugin call is given.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "registry.hpp"

namespace tenon::core {

/// One line of the log; warnings and errors are also listed in the report.
struct LogLine {
  int32_t level;
  std::string plugin, stage, text;
};

class Session {
 public:
  Session();
  ~Session();
  Registry registry;
  int32_t log_level = 2;                             ///< lines below are dropped
  std::function<void(const LogLine&)> on_log;        ///< e.g. writes to standard error; may be empty
  std::function<void(uint64_t done, uint64_t total, std::string_view what)> on_progress;
  std::atomic<bool> cancelled{false};

  void log(LogLine line);
  std::vector<LogLine> warnings;                     ///< level >= 3, in order, without repeats
  std::mutex mutex;
};

}  // namespace tenon::core

/// One call into a plugin. Lives on the caller's stack.
struct tenon_ctx {
  tenon::core::Session* session = nullptr;
  const tenon::core::LoadedPlugin* plugin = nullptr;
  std::string stage;              ///< what the call is for, as shown in errors
  tenon::core::Json options = tenon::core::Json::object();  ///< checked and filled with defaults
  std::string options_text;       ///< options.dump(), made when asked for
  std::map<std::string, double> metrics;
  std::vector<std::string> strings;  ///< keeps what opt_str handed out
};

namespace tenon::core {

/// The host's table for a plugin (also fills the interfaces).
std::unique_ptr<tenon_host> make_host();
/// A context for calls into the plugin that owns `descriptor`.
tenon_ctx make_ctx(Session& s, const void* descriptor, std::string stage, Json options = Json::object());

}  // namespace tenon::core
