// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include "../plugin/host_tables.hpp"
#include "interpreter.hpp"
#include "variables.hpp"

namespace tenon::core {
namespace {

/// A program of a backend plugin.
class PluginProgram : public Program {
  Session& session_;
  const tenon_backend* backend_;
  Json options_;
  void* program_ = nullptr;
  tenon_ctx ctx_;

 public:
  PluginProgram(Session& s, const tenon_backend* b, Json options) : session_(s), backend_(b), options_(std::move(options)), ctx_(make_ctx(s, b, std::string("execute ") + b->h.id, options_)) {}
  PluginProgram(const PluginProgram&) = delete;
  PluginProgram& operator=(const PluginProgram&) = delete;
  ~PluginProgram() override {
    if (program_ && backend_->release) backend_->release(program_);
  }
  Status compile(Model& m) { return take(backend_->compile(&ctx_, &m.main(), &program_)); }
  Result<std::vector<const tenon_tensor*>> run(const std::vector<const tenon_tensor*>& in) override {
    const tenon_tensor* const* out = nullptr;
    uint32_t n = 0;
    TENON_TRY(take(backend_->run(&ctx_, program_, in.data(), static_cast<uint32_t>(in.size()), &out, &n)));
    return std::vector<const tenon_tensor*>(out, out + n);
  }
  Json describe() override {
    Json j = Json::object();
    tenon_str text{};
    if (TENON_DESC_HAS(backend_, describe) && take(backend_->describe(&ctx_, program_, &text))) j = Json::parse(view(text), nullptr, false);
    if (!j.is_object()) j = Json::object();
    j["backend"] = backend_->h.id;
    return j;
  }
};

}  // namespace

Result<std::unique_ptr<Program>> compile(Session& s, Model& m, std::string_view backend, const Json& options) {
  m.variables = std::make_shared<Variables>();
  if (backend == "reference") {
    auto p = Interpreter::make(s, m, m.main(), nullptr);
    if (!p) return fail(std::move(p.error()));
    return std::unique_ptr<Program>(std::move(*p));
  }
  auto b = s.registry.backend(backend);
  if (!b) return fail(std::move(b.error()));
  auto p = std::make_unique<PluginProgram>(s, *b, options);
  TENON_TRY(p->compile(m));
  return std::unique_ptr<Program>(std::move(p));
}

}  // namespace tenon::core
