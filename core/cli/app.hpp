// SPDX-License-Identifier: Apache-2.0
// app.hpp - the command line: options that every verb shares, and the session that a verb works in.
#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "../pipeline/runner.hpp"

namespace tenon::core::cli {

/// Options of the whole command.
struct Common {
  std::vector<std::string> plugin_folders, plugin_files;
  std::vector<std::string> reports;  ///< paths: a page for .html, else JSON
  std::string netron;    ///< folder for the graph after each change
  std::string command;   ///< as it was given, for reports
  bool json = false;     ///< data on standard output as JSON
  bool quiet = false, verbose = false;
  int64_t threads = 0;
  Status status;         ///< how the verb ended
};

/// A session with its plugins found, log and progress attached. `more` comes first (a pipeline's own plugins).
class Work {
 public:
  explicit Work(const Common& c);
  ~Work();
  Status discover(Discovery more = {});
  Session session;
  Progress progress;

 private:
  const Common& common_;
};

/// Adds --plugin-dir, --plugin, --quiet, --verbose; with `threads` also --threads.
void add_common(CLI::App& app, Common& c);
/// Runs a pipeline: plan, stages, report, output. `verify_all` checks every pass.
struct RunOptions {
  bool dry_run = false, explain = false, verify_all = false;
};
Status run_config(const Common& c, const Config& config, const RunOptions& o);
/// A line, or several, on standard output.
void print_line(const std::string& text);
// one for each verb
void add_pipeline(CLI::App& app, Common& c);
void add_plugins(CLI::App& app, Common& c);
void add_inspect(CLI::App& app, Common& c);
void add_check(CLI::App& app, Common& c);
void add_run(CLI::App& app, Common& c);
void add_bench(CLI::App& app, Common& c);
void add_convert(CLI::App& app, Common& c);
void add_schema(CLI::App& app, Common& c);
void add_bisect(CLI::App& app, Common& c);
void add_reduce(CLI::App& app, Common& c);
void add_compare(CLI::App& app, Common& c);

/// The whole command; returns the exit code.
int run_command(int argc, char** argv);

}  // namespace tenon::core::cli
