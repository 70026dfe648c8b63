// SPDX-License-Identifier: Apache-2.0
// The registry and execution interfaces for plugins.
#include <algorithm>

#include "../exec/evaluate.hpp"
#include "../exec/infer.hpp"
#include "../exec/node_exec.hpp"
#include "host_tables.hpp"

namespace tenon::core {
namespace {

// Operators and kernels are asked for without a context; there is one session in a process that runs plugins.
Session* g_session = nullptr;

const tenon_operator* TENON_CALL find_operator(tenon_op op) noexcept {
  try {
    if (!g_session) return nullptr;
    auto d = g_session->registry.find_operator(op);
    return d ? *d : nullptr;
  } catch (...) {
    return nullptr;
  }
}
void TENON_CALL find_kernels(tenon_op op, const char* target, const tenon_kernel* const** kernels, uint64_t* count) noexcept {
  *count = 0;
  try {
    if (!g_session) return;
    auto k = g_session->registry.kernels(op, target);
    if (!k) {
      g_session->log({3, "", "", k.error().message});
      return;
    }
    *kernels = (*k)->data();
    *count = (*k)->size();
  } catch (...) {
    *count = 0;
  }
}

tenon_error* TENON_CALL infer(tenon_ctx* c, tenon_graph* g) noexcept {
  return protect([&] { return g->index == 0 ? infer_changes(*c->session, *g->model) : infer_graph(*c->session, *g->model, *g); });
}
tenon_error* TENON_CALL clone(tenon_ctx*, tenon_graph* g, tenon_graph** out) noexcept {
  return protect([&]() -> Status {
    auto m = g->model->clone();
    *out = &m->graphs[g->index];
    m.release();  // freed by free_graph
    return {};
  });
}
void TENON_CALL free_graph(tenon_graph* g) noexcept {
  if (g) delete g->model;
}
tenon_error* TENON_CALL evaluate_node(tenon_ctx* c, tenon_graph* g, tenon_node n, uint64_t max_bytes, tenon_value* outs, uint64_t n_outs) noexcept {
  return protect([&]() -> Status {
    auto r = evaluate(*c->session, *g->model, n, max_bytes);
    if (!r) return fail(std::move(r.error()));
    if (r->size() != n_outs) return fail(TENON_E_INVALID, "evaluate: the node has another number of outputs");
    std::copy(r->begin(), r->end(), outs);
    return {};
  });
}
tenon_error* TENON_CALL exec_new(tenon_ctx* c, tenon_graph* g, tenon_node n, const tenon_kernel* kernel, const tenon_exec_callbacks* cb, tenon_exec** out) noexcept {
  return protect([&]() -> Status {
    TENON_TRY(g->model->check_node(n));
    auto e = make_exec(*c->session, *g->model, n, kernel, cb);
    if (!e) return fail(std::move(e.error()));
    *out = e->release();
    return {};
  });
}
tenon_error* TENON_CALL exec_run(tenon_ctx*, tenon_exec* e, const tenon_tensor* const* in, uint32_t n_in, const tenon_tensor** out, uint32_t n_out) noexcept {
  return protect([&] { return e->run(in, n_in, out, n_out); });
}
void TENON_CALL exec_free(tenon_exec* e) noexcept { delete e; }
const tenon_kernel* TENON_CALL exec_kernel(const tenon_exec* e) noexcept { return e->kernel; }

}  // namespace

Session::Session() : registry(*this) { g_session = this; }
Session::~Session() {
  registry.stop_all();
  if (g_session == this) g_session = nullptr;
}

const tenon_registry_api& registry_table() {
  static const tenon_registry_api t{sizeof(tenon_registry_api), 0, find_operator, find_kernels};
  return t;
}
const tenon_exec_api& exec_table() {
  static const tenon_exec_api t{sizeof(tenon_exec_api), 0, infer, clone, free_graph, evaluate_node, exec_new, exec_run, exec_free, exec_kernel};
  return t;
}

}  // namespace tenon::core
