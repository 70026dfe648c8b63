// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

#include "../pipeline/schema.hpp"

namespace tenon::core::cli {
namespace {

std::atomic<bool>* cancel_flag = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

extern "C" void on_interrupt(int) {
  if (cancel_flag && !cancel_flag->exchange(true)) return;
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
}

void print_log(const LogLine& l) {
  static const char* const kLevels[] = {"trace", "debug", "info", "warning", "error"};
  std::string from = l.plugin.empty() ? l.stage : l.stage.empty() ? l.plugin : l.plugin + ", " + l.stage;
  fmt::print(stderr, "{}: {}{}\n", kLevels[std::clamp(l.level, 0, 4)], l.text, from.empty() ? "" : " (" + from + ")");
}

/// As a shell takes it: plain, or in single quotes.
std::string shell_word(const std::string& s) {
  if (!s.empty() && s.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./,:@%") == std::string::npos) return s;
  std::string r = "'";
  for (char c : s) r += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return r + "'";
}

}  // namespace

Work::Work(const Common& c) : progress(!c.quiet), common_(c) {
  session.log_level = c.verbose ? 1 : 3;
  session.on_log = [this](const LogLine& l) {
    progress.clear();
    if (!common_.quiet || l.level >= 4) print_log(l);
  };
  session.on_progress = [this](uint64_t done, uint64_t total, std::string_view what) { progress.update(done, total, what); };
  cancel_flag = &session.cancelled;
  std::signal(SIGINT, on_interrupt);
}

Work::~Work() {
  std::signal(SIGINT, SIG_DFL);
  cancel_flag = nullptr;
  session.registry.stop_all();
}

Status Work::discover(Discovery more) {
  Discovery d;
  d.files = common_.plugin_files;
  for (auto& f : more.files) d.files.push_back(std::move(f));
  d.folders = std::move(more.folders);
  for (const auto& f : common_.plugin_folders) {
    std::error_code ec;
    if (!std::filesystem::is_directory(f, ec)) return fail(Error(TENON_E_CONFIG, "the folder with plugins does not exist").with("file", f));
    d.folders.push_back(f);
  }
  return session.registry.discover(d);
}

void add_common(CLI::App& app, Common& c) {
  app.add_option("--plugin-dir", c.plugin_folders, "Folder with plugins, before the installed ones")->type_name("DIR")->allow_extra_args(false);
  app.add_option("--plugin", c.plugin_files, "One plugin file, before all others")->type_name("FILE")->allow_extra_args(false);
  app.add_flag("-q,--quiet", c.quiet, "Print results only");
  app.add_flag("-v,--verbose", c.verbose, "Print what happens, to standard error");
}

void print_line(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

int run_command(int argc, char** argv) {
  Common common;
  for (int k = 0; k < argc; ++k) common.command += (k ? " " : "") + shell_word(argv[k]);
  CLI::App app("Tenon: a trained model in, a verified and faster model out.");
  try {
    app.set_version_flag("--version", std::string("tenon ") + TENON_VERSION);
    app.require_subcommand(0, 1);
    app.fallthrough(false);
    add_pipeline(app, common);
    add_run(app, common);
    add_bench(app, common);
    add_convert(app, common);
    add_inspect(app, common);
    add_check(app, common);
    add_bisect(app, common);
    add_reduce(app, common);
    add_compare(app, common);
    add_plugins(app, common);
    add_schema(app, common);
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& e) {
      return app.exit(e);
    } catch (const CLI::ParseError& e) {
      app.exit(e);
      return 2;
    }
    if (common.status) return 0;
    std::fputs(to_text(common.status.error()).c_str(), stderr);
    return exit_code(common.status.error());
  } catch (const std::bad_alloc&) {
    std::fputs("error (no-memory): out of memory\n", stderr);
    return 6;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error (internal): %s\n  hint: this is a bug in the host; please report it with the command that you gave\n", e.what());
    return 70;
  }
}

}  // namespace tenon::core::cli
