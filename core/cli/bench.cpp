// SPDX-License-Identifier: Apache-2.0
// host bench MODEL
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>

#include "../pipeline/execute_stage.hpp"
#include "../report/memory.hpp"
#include "model_arguments.hpp"
#include "reports.hpp"

namespace tenon::core::cli {
namespace {

struct Options {
  std::string inputs, backend;
  std::vector<std::string> dims;
  ImportArguments import;
  PipelineArgument pipeline;
  int64_t runs = 20, warmup = 3, seed = 0;
  bool serve = false;
};

constexpr int64_t kMostRuns = 1000000000;

/// A compiled model with its inputs.
class Bench {
  Run& run_;
  TensorSet inputs_;
  std::vector<const tenon_tensor*> last_;

 public:
  Compiled compiled;
  explicit Bench(Run& r) : run_(r) {}

  Status prepare(const Options& o, const std::string& backend, int64_t threads) {
    auto dims = dims_json(o.dims);
    if (!dims) return fail(std::move(dims.error()));
    auto inputs = [&]() -> Result<std::vector<Tensor>> {
      if (o.inputs.empty()) return made_inputs(*run_.model, static_cast<uint64_t>(o.seed), dims->get<DimValues>());
      auto file = Npz::open(o.inputs);
      if (!file) return fail(std::move(file.error()));
      return inputs_from_file(*file, *run_.model);
    }();
    if (!inputs) return fail(std::move(inputs.error()));
    inputs_ = TensorSet(std::move(*inputs));
    auto c = compile_for(run_.session, *run_.model, {backend}, Json::object(), threads);
    if (!c) return fail(std::move(c.error()));
    compiled = std::move(*c);
    return {};
  }
  Result<std::vector<double>> times(int64_t n) {
    std::vector<double> ms;
    ms.reserve(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      Stopwatch watch;
      auto out = compiled.program->run(inputs_.pointers());
      ms.push_back(watch.ms());
      if (!out) return fail(std::move(out.error()));
      last_ = std::move(*out);
      if (run_.session.cancelled) return fail(TENON_E_CANCELLED, "cancelled");
    }
    return ms;
  }
  Status write_outputs(const std::string& path) {
    if (last_.empty()) {
      auto once = times(1);
      if (!once) return fail(std::move(once.error()));
    }
    auto out = copy_all(last_);
    if (!out) return fail(std::move(out.error()));
    return write_outputs_file(path, *run_.model, *out);
  }
};

Json serve_line(Bench& b, const std::string& line) {
  auto failed = [](const Error& e) { return Json{{"error", error_json(e)}}; };
  if (line.compare(0, 4, "run ") == 0) {
    int64_t n = 0;
    auto [p, ec] = std::from_chars(line.data() + 4, line.data() + line.size(), n);
    if (ec != std::errc{} || p != line.data() + line.size() || n < 1 || n > kMostRuns) return failed(Error(TENON_E_CONFIG, "run takes a number of runs").with("found", line));
    auto ms = b.times(n);
    return ms ? Json{{"ms", *ms}} : failed(ms.error());
  }
  if (line.compare(0, 8, "outputs ") == 0) {
    Status s = b.write_outputs(line.substr(8));
    return s ? Json{{"ok", true}} : failed(s.error());
  }
  return failed(Error(TENON_E_CONFIG, "unknown command").with("found", line).with("expected", "run K, outputs PATH.npz, or quit"));
}

/// Answers every line on standard input with one line of JSON.
void serve(Bench& b, double ready_ms) {
  print_line(Json{{"ready", true}, {"backend", b.compiled.backend}, {"compile_ms", b.compiled.ms}, {"load_ms", ready_ms}}.dump());
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line == "quit") return;
    if (!line.empty()) print_line(serve_line(b, line).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

Status load(Run& run, const Options& o) {
  auto stages = model_stages(run.session.registry, o.import, o.pipeline);
  if (!stages) return fail(std::move(stages.error()));
  return run_stages(run, std::move(*stages));
}

/// The measurement as a stage of its own; its time is that of compiling and of the timed runs.
StageRecord bench_record(const Run& run, const Json& j) {
  StageRecord r;
  r.kind = "execute";
  r.name = j["backend"];
  r.nodes_before = r.nodes_after = run.model->n_nodes();
  r.peak_bytes = peak_memory();
  r.details = j;
  r.ms = j["compile-ms"].get<double>() + j["ms-median"].get<double>() * j["runs"].get<double>();
  return r;
}

Status measure(const Common& c, const Options& o, Work& work, Run& run, Json* report) {
  Stopwatch watch;
  TENON_TRY(work.discover());
  TENON_TRY(load(run, o));
  double load_ms = watch.ms();
  Bench b(run);
  TENON_TRY(b.prepare(o, o.backend.empty() ? default_backend(work.session.registry) : o.backend, c.threads));
  if (o.serve) {
    serve(b, load_ms);
    return {};
  }
  if (auto warm = b.times(o.warmup); !warm) return fail(std::move(warm.error()));
  auto ms = b.times(o.runs);
  if (!ms) return fail(std::move(ms.error()));
  double least = *std::min_element(ms->begin(), ms->end()), middle = median(*ms);
  Json j{{"model", o.import.model}, {"backend", b.compiled.backend}, {"nodes", run.model->n_nodes()}, {"load-ms", load_ms}, {"compile-ms", b.compiled.ms}, {"runs", o.runs}, {"ms-min", least}, {"ms-median", middle}};
  if (c.json || !c.reports.empty()) j["program"] = b.compiled.program->describe();
  run.report.stages.push_back(bench_record(run, j));
  *report = j;
  if (c.json)
    print_line(j.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_line(fmt::format("{}: {} nodes on {}, loaded in {}, compiled in {}; {} runs: min {}, median {}", o.import.model, run.model->n_nodes(), b.compiled.backend, time_text(load_ms), time_text(b.compiled.ms), o.runs, time_text(least), time_text(middle)));
  return {};
}

Status bench(const Common& c, const Options& o) {
  Work work(c);
  Run run(work.session);
  run.report.pipeline = "command line";
  Reports reports(c, &run);
  Json own;
  Status s = measure(c, o, work, run, &own);
  Status written = reports.write(run.report.json(work.session, s ? nullptr : &s.error()), own.is_null() ? nullptr : &own);
  return s ? written : s;
}

}  // namespace

void add_bench(CLI::App& app, Common& c) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("bench", "Time a model");
  add_import(*sub, o->import);
  sub->add_option("--inputs", o->inputs, ".npz or .npy file; without it inputs are made up")->type_name("FILE");
  sub->add_option("--backend", o->backend, "Backend, or \"reference\"");
  add_pipeline_name(*sub, o->pipeline);
  sub->add_option("--runs", o->runs, "Timed runs")->check(CLI::Range(int64_t{1}, kMostRuns));
  sub->add_option("--warmup", o->warmup, "Runs before, not timed")->check(CLI::Range(int64_t{0}, kMostRuns));
  sub->add_option("--dim", o->dims, "Size of a symbolic dimension of made-up inputs: NAME=4")->allow_extra_args(false);
  sub->add_option("--seed", o->seed, "Seed of made-up inputs")->check(CLI::NonNegativeNumber);
  sub->add_option("--threads", c.threads, "Threads of the backend")->check(CLI::PositiveNumber);
  sub->add_flag("--serve", o->serve, "Take commands from standard input, a line each: run K, outputs PATH.npz, quit");
  add_reports(*sub, c);
  sub->add_flag("--json", c.json, "Print as JSON");
  add_common(*sub, c);
  sub->callback([&c, o] { c.status = bench(c, *o); });
}

}  // namespace tenon::core::cli
