// SPDX-License-Identifier: Apache-2.0
#include <tenon/dtype.hpp>

#include "../ir/model.hpp"
#include "host_tables.hpp"
#include "session.hpp"

namespace tenon::core {
namespace {

tenon_error* TENON_CALL error_new(tenon_ctx* c, int32_t code, tenon_str message) noexcept {
  auto* e = new tenon_error(code, std::string(view(message)));
  if (c && c->plugin) e->with("plugin", c->plugin->manifest->id + " " + c->plugin->manifest->version);
  if (c && !c->stage.empty()) e->with("stage", c->stage);
  return e;
}
void TENON_CALL error_detail(tenon_error* e, tenon_str key, tenon_str text) noexcept { e->with(std::string(view(key)), std::string(view(text))); }
void TENON_CALL error_locate(tenon_error* e, tenon_graph* g, tenon_node n) noexcept {
  if (!g || !g->model->alive_node(n)) return;
  const Model& m = *g->model;
  OpName op = op_name(m.nodes.op[slot(n)]);
  e->with("node", m.nodes.name[slot(n)]).with("operator", std::string(op.domain) + "::" + std::string(op.name));
  for (const auto& o : m.origin_names(n))
    if (o != m.nodes.name[slot(n)]) e->with("origin", o);
}
int32_t TENON_CALL error_get(const tenon_error* e, tenon_str* message) noexcept {
  if (message) *message = str(e->message);
  return e->code;
}
void TENON_CALL error_free(tenon_error* e) noexcept { delete e; }

int32_t TENON_CALL log_enabled(tenon_ctx* c, int32_t level) noexcept { return c && c->session && level >= c->session->log_level; }
void TENON_CALL log(tenon_ctx* c, int32_t level, tenon_str message) noexcept {
  if (!c || !c->session) return;
  c->session->log({level, c->plugin ? c->plugin->manifest->id : std::string(), c->stage, std::string(view(message))});
}
int32_t TENON_CALL progress(tenon_ctx* c, uint64_t done, uint64_t total, tenon_str what) noexcept {
  if (!c || !c->session) return 0;
  if (c->session->on_progress) c->session->on_progress(done, total, view(what));
  return c->session->cancelled ? 1 : 0;
}

void TENON_CALL options_json(tenon_ctx* c, tenon_str* out) noexcept {
  if (c->options_text.empty()) c->options_text = c->options.dump();
  *out = str(c->options_text);
}
const Json* option(tenon_ctx* c, const char* pointer) noexcept {
  try {
    Json::json_pointer p{std::string(pointer)};
    if (!c->options.contains(p)) return nullptr;
    return &c->options.at(p);
  } catch (...) {
    return nullptr;
  }
}
int32_t TENON_CALL opt_i64(tenon_ctx* c, const char* pointer, int64_t* out) noexcept {
  const Json* j = option(c, pointer);
  if (!j) return 0;
  if (j->is_boolean()) *out = j->get<bool>();
  else if (j->is_number_integer()) *out = j->get<int64_t>();
  else if (j->is_number_float() && j->get<double>() == static_cast<double>(static_cast<int64_t>(j->get<double>()))) *out = static_cast<int64_t>(j->get<double>());
  else return 0;
  return 1;
}
int32_t TENON_CALL opt_f64(tenon_ctx* c, const char* pointer, double* out) noexcept {
  const Json* j = option(c, pointer);
  if (!j || !j->is_number()) return 0;
  *out = j->get<double>();
  return 1;
}
int32_t TENON_CALL opt_str(tenon_ctx* c, const char* pointer, tenon_str* out) noexcept {
  const Json* j = option(c, pointer);
  if (!j || !j->is_string()) return 0;
  *out = str(j->get_ref<const std::string&>());
  return 1;
}
void TENON_CALL metric(tenon_ctx* c, tenon_str key, double value) noexcept {
  if (c) c->metrics[std::string(view(key))] += value;
}

tenon_error* TENON_CALL buffer_alloc(tenon_ctx*, uint64_t size, tenon_buffer** out) noexcept {
  return protect([&]() -> Status {
    auto b = alloc_buffer(size);
    if (!b) return fail(std::move(b.error()));
    *out = b->release();
    return {};
  });
}
tenon_error* TENON_CALL buffer_wrap(tenon_ctx*, const void* data, uint64_t size, void(TENON_CALL* release)(void*) noexcept, void* user, tenon_buffer** out) noexcept {
  return protect([&]() -> Status {
    *out = wrap_buffer(data, size, release, user).release();
    return {};
  });
}
tenon_error* TENON_CALL buffer_slice(tenon_ctx*, tenon_buffer* b, uint64_t offset, uint64_t size, tenon_buffer** out) noexcept {
  return protect([&]() -> Status {
    auto s = slice_buffer(b, offset, size);
    if (!s) return fail(std::move(s.error()));
    *out = s->release();
    return {};
  });
}
void TENON_CALL buffer_ref(tenon_buffer* b) noexcept { b->refs.fetch_add(1, std::memory_order_relaxed); }
void TENON_CALL buffer_unref(tenon_buffer* b) noexcept { unref(b); }
uint64_t TENON_CALL buffer_size(const tenon_buffer* b) noexcept { return b->size; }
const void* TENON_CALL buffer_data(const tenon_buffer* b) noexcept { return b->data; }
void* TENON_CALL buffer_writable(tenon_buffer* b) noexcept {
  return b->heap && b->refs.load(std::memory_order_acquire) == 1 ? const_cast<uint8_t*>(b->data) : nullptr;
}

const void* TENON_CALL get_interface(const tenon_host*, const char* id) noexcept {
  std::string_view name(id);
  if (name == TENON_IID_CORE) return &core_table();
  if (name == TENON_IID_BUFFER) return &buffer_table();
  if (name == TENON_IID_IR) return &ir_table();
  if (name == TENON_IID_REGISTRY) return &registry_table();
  if (name == TENON_IID_EXEC) return &exec_table();
  if (name == TENON_IID_REWRITING) return &rewriting_table();
  return nullptr;
}

}  // namespace

const tenon_core_api& core_table() {
  static const tenon_core_api t{sizeof(tenon_core_api), 0, error_new, error_detail, error_locate, error_get, error_free, log_enabled, log,
                                progress, options_json, opt_i64, opt_f64, opt_str, metric};
  return t;
}
const tenon_buffer_api& buffer_table() {
  static const tenon_buffer_api t{sizeof(tenon_buffer_api), 0, buffer_alloc, buffer_wrap, buffer_slice, buffer_ref, buffer_unref, buffer_size, buffer_data, buffer_writable};
  return t;
}

std::unique_ptr<tenon_host> make_host() {
  auto h = std::make_unique<tenon_host>();
  *h = {TENON_ABI_MAJOR, TENON_ABI_MINOR, nullptr, get_interface};
  return h;
}

void Session::log(LogLine line) {
  std::lock_guard lock(mutex);
  if (line.level >= 3) {
    for (const auto& w : warnings)
      if (w.text == line.text && w.stage == line.stage) return;
    warnings.push_back(line);
  }
  if (line.level >= log_level && on_log) on_log(line);
}

tenon_ctx make_ctx(Session& s, const void* descriptor, std::string stage, Json options) {
  tenon_ctx c;
  c.session = &s;
  c.plugin = descriptor ? s.registry.plugin_of(descriptor) : nullptr;
  c.stage = std::move(stage);
  c.options = std::move(options);
  return c;
}

}  // namespace tenon::core
