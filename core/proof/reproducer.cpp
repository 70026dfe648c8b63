// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "../data/npz.hpp"
#include "../data/output_file.hpp"
#include "../model/tenon_file.hpp"
#include "reduce.hpp"

namespace tenon::core {
namespace {

namespace fs = std::filesystem;

Status write_file(const fs::path& path, const std::function<Status(const WriteFn&)>& content) {
  auto f = OutputFile::create(path.string());
  if (!f) return fail(std::move(f.error()));
  TENON_TRY(content([&](const void* p, uint64_t n) { return f->write(p, n); }));
  return f->commit();
}
Status write_text(const fs::path& path, const std::string& text) {
  return write_file(path, [&](const WriteFn& write) { return write(text.data(), text.size()); });
}

/// Entries as inputs_from_file reads them.
Status flatten(const std::string& name, const Tensor& t, std::vector<NamedTensor>* out) {
  if (!t.present) return {};
  if (!t.items) {
    out->emplace_back(name, t);
    return {};
  }
  for (size_t k = 0; k < t.items->size(); ++k) TENON_TRY(flatten(item_name(name, t.type, k), (*t.items)[k], out));
  if (!t.items->empty()) return {};
  auto none = Tensor::zeros(dt::i64, {});
  if (!none) return fail(std::move(none.error()));
  out->emplace_back(name + "/count", std::move(*none));
  return {};
}

Json tolerance_json(const Tolerance& t) {
  if (t.bits) return {{"absolute", 0}, {"relative", 0}};
  return {{"absolute", t.absolute}, {"relative", t.relative}, {"of", t.of_peak ? "peak" : "element"}};
}

Json pass_json(const PassSpec& p) {
  if (p.options.empty()) return {{"pass", p.id}};
  return {{"pass", p.id}, {"options", p.options}};
}

Json verify_json(const Reduced& r, const ProofOptions& o) {
  Json v{{"edges", false}};
  if (!r.sample.inputs.empty()) v["inputs"] = "inputs.npz";
  if (o.verify.tolerance || r.passes.size() > 1) v["tolerance"] = tolerance_json(r.tolerance);
  if (!o.verify.backend.empty()) v["backend"] = o.verify.backend;
  return v;
}

Json pipeline_json(const Reduced& r, const ProofOptions& o) {
  Json stages = Json::array({Json{{"import", "tenon"}, {"model", "model.tenon"}}});
  if (r.compared && r.passes.size() > 1) {
    Json group = Json::array();
    for (const auto& p : r.passes) group.push_back(pass_json(p));
    stages.push_back({{"repeat", group}, {"at-most", 1}, {"verify", verify_json(r, o)}});
    return stages;
  }
  for (const auto& p : r.passes) stages.push_back(pass_json(p));
  if (r.compared) stages.back()["verify"] = verify_json(r, o);
  return stages;
}

std::string readme(const Reduced& r, const std::string& about) {
  std::string s = about + "\n\nRun it in this folder:\n\n  tenon --pipeline pipeline.json\n\n(in a build tree: build/bin/host). It shows:\n\n" + to_text(r.error);
  s += fmt::format("\nThe model has {} nodes; the one that it was cut from had {}. The values that the cut went through are in inputs.npz.\n", r.sample.model->n_nodes(), r.nodes_before);
  return s;
}

}  // namespace

Status write_reproducer(const std::string& folder, const Reduced& r, const ProofOptions& o, const Json& plugins, const Json& prefer, const std::string& about) {
  std::error_code ec;
  const fs::path at = folder;
  fs::create_directories(at, ec);
  if (ec) return fail(Error(TENON_E_IO, "cannot make the folder: " + ec.message()).with("file", folder));
  TENON_TRY(write_file(at / "model.tenon", [&](const WriteFn& write) { return write_tenon(*r.sample.model, write); }));
  std::vector<NamedTensor> entries;
  const auto& inputs = r.sample.model->main().inputs;
  for (size_t k = 0; k < inputs.size(); ++k) TENON_TRY(flatten(std::string(r.sample.model->value_name(inputs[k])), r.sample.inputs[k], &entries));
  if (!inputs.empty()) TENON_TRY(write_file(at / "inputs.npz", [&](const WriteFn& write) { return write_npz(entries, write); }));
  Json pipeline{{"version", 1}, {"stages", pipeline_json(r, o)}};
  if (!plugins.empty()) pipeline["plugins"] = plugins;
  if (!prefer.empty()) pipeline["prefer"] = prefer;
  TENON_TRY(write_text(at / "pipeline.json", pipeline.dump(2) + '\n'));
  return write_text(at / "README.txt", readme(r, about));
}

int run_pipeline_file(const std::string& path, double seconds) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return -1;
  if (pid == 0) {
    const int none = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(none, fd);
    execl("/proc/self/exe", "host", "--quiet", "--pipeline", path.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int how = 0;
  while (waitpid(pid, &how, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &how, 0);
    return -1;
  }
  return WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
}

}  // namespace tenon::core
