// SPDX-License-Identifier: Apache-2.0
// reports.hpp - what --report and --netron ask for.
#pragma once
#include "../report/graph_recorder.hpp"
#include "../report/netron.hpp"
#include "app.hpp"

namespace tenon::core::cli {

/// Adds --report and --netron; both need `needed` where it is given.
void add_reports(CLI::App& app, Common& c, CLI::Option* needed = nullptr);

/// Watches a run as far as the reports asked for need it, and writes them.
class Reports {
 public:
  Reports(const Common& c, Run* run);
  /// JSON files hold `own`, or the report where there is none; a page always shows the report. Stops at the first file that cannot be written.
  Status write(const Json& report, const Json* own = nullptr) const;

 private:
  const Common& common_;
  Run* run_;
  std::unique_ptr<GraphRecorder> recorder_;
  std::unique_ptr<NetronWriter> netron_;
  Status write_page_file(const std::string& path, const Json& report) const;
};

/// For what failed before there was a run: the reports say so. Returns the error.
Status report_failure(const Common& c, Error e);

}  // namespace tenon::core::cli
