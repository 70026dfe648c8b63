// SPDX-License-Identifier: Apache-2.0
// Backend "cpu": compiles a graph into flat plans over oneDNN, own and reference kernels.
#include <tenon/plugin.hpp>
#include <thread>

#include "program/program.hpp"

namespace tenon::cpu {
namespace {

int thread_option(const Ctx& c) {
  const int64_t asked = c.option("/threads", int64_t{0});
  if (asked > 0) return static_cast<int>(std::min<int64_t>(asked, 1024));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

tenon_error* TENON_CALL compile(tenon_ctx* c, tenon_graph* g, void** program) TENON_NX {
  return guard(c, [&] {
    tenon_graph* copy{};
    ok(api().exec->clone(c, g, &copy));
    auto p = std::make_unique<Program>(c, OwnedGraph(copy), thread_option(Ctx(c)), 0, Ctx(c).option("/profile", int64_t{0}) != 0);
    p->prepare(c);
    *program = p.release();
  });
}

tenon_error* TENON_CALL run(tenon_ctx* c, void* program, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor* const** out, uint32_t* n_out) TENON_NX {
  return guard(c, [&] {
    const auto& results = static_cast<Program*>(program)->run(c, in, n_in);
    *out = results.data();
    *n_out = static_cast<uint32_t>(results.size());
  });
}

tenon_error* TENON_CALL describe(tenon_ctx* c, void* program, tenon_str* json) TENON_NX {
  return guard(c, [&] { *json = str(static_cast<Program*>(program)->describe(c)); });
}

void TENON_CALL release(void* program) TENON_NX { delete static_cast<Program*>(program); }

constexpr tenon_backend kBackend = {{sizeof(tenon_backend), TENON_KIND_BACKEND, "cpu"}, nullptr, compile, run, describe, release};

}  // namespace
}  // namespace tenon::cpu

TENON_PLUGIN(R"("id":"tenon.backend-cpu","version":"0.1.0","vendor":"Tenon","license":"Apache-2.0")");
TENON_MANIFEST(R"({"kind":"backend","id":"cpu","target":"cpu","summary":"Runs on the processor: oneDNN, own SIMD kernels, reference kernels for the rest",)"
               R"("options":{"type":"object","additionalProperties":false,"properties":{)"
               R"("threads":{"type":"integer","minimum":0,"maximum":1024,"default":0,"description":"Threads for one run; 0 = one for each core"},)"
               R"("profile":{"type":"boolean","default":false,"description":"Measure the time of each step for the report"}}}})");
TENON_REGISTER(&tenon::cpu::kBackend.h);
