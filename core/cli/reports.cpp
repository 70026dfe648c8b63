// SPDX-License-Identifier: Apache-2.0
#include "reports.hpp"

#include <algorithm>

#include "../data/output_file.hpp"
#include "../report/page.hpp"

namespace tenon::core::cli {
namespace {

bool is_page(const std::string& path) { return path.size() > 5 && path.compare(path.size() - 5, 5, ".html") == 0; }

Status write_json_file(const std::string& path, const Json& report) {
  auto f = OutputFile::create(path);
  if (!f) return fail(std::move(f.error()));
  const std::string text = report.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
  TENON_TRY(f->write(text.data(), text.size()));
  return f->commit();
}

}  // namespace

void add_reports(CLI::App& app, Common& c, CLI::Option* needed) {
  auto* report = app.add_option("--report", c.reports, "Write a report of the run: JSON, or for .html a page with graphs, memory and profile; may be repeated")->type_name("FILE")->allow_extra_args(false);
  auto* netron = app.add_option("--netron", c.netron, "Write the graph after each change, as files for the viewer Netron")->type_name("FOLDER");
  if (needed) report->needs(needed), netron->needs(needed);
}

Reports::Reports(const Common& c, Run* run) : common_(c), run_(run) {
  if (std::any_of(c.reports.begin(), c.reports.end(), is_page)) {
    recorder_ = std::make_unique<GraphRecorder>();
    run->observers.push_back(recorder_.get());
    run->profile = true;
  }
  if (c.netron.empty()) return;
  netron_ = std::make_unique<NetronWriter>(c.netron);
  run->observers.push_back(netron_.get());
}

Status Reports::write_page_file(const std::string& path, const Json& report) const {
  auto f = OutputFile::create(path);
  if (!f) return fail(std::move(f.error()));
  const auto write = [&](std::string_view text) { return f->write(text.data(), text.size()); };
  TENON_TRY(write_page(about_run(run_->session.registry, common_.command), report, recorder_ ? recorder_->json() : "null", write));
  return f->commit();
}

Status Reports::write(const Json& report, const Json* own) const {
  for (const auto& path : common_.reports) TENON_TRY(is_page(path) ? write_page_file(path, report) : write_json_file(path, own ? *own : report));
  return netron_ ? netron_->status() : Status();
}

Status report_failure(const Common& c, Error e) {
  Work work(c);
  Run run(work.session);
  run.report.pipeline = "command line";
  Reports(c, &run).write(run.report.json(work.session, &e));
  return fail(std::move(e));
}

}  // namespace tenon::core::cli
