// SPDX-License-Identifier: Apache-2.0
// plugin.hpp - registration through the seven doors. Each macro stands at namespace scope in the file of the thing that it
// registers: it puts the manifest fragment and the descriptor there, so no list names them.
#pragma once
#include "graph.hpp"
#include "lower.hpp"
#include "node.hpp"

TENON_NAMESPACE_BEGIN

using NodeFn = void (*)(const Node&);
template <NodeFn Fn> tenon_error* TENON_CALL infer_thunk(tenon_ctx* c, const tenon_node_info* n) TENON_NX {
  return guard(c, [&] { Fn(Node(n)); });
}
template <NodeFn Fn> tenon_error* TENON_CALL run_thunk(tenon_ctx* c, const tenon_node_info* n, void*, void*) TENON_NX {
  return guard(c, [&] { Fn(Node(n)); });
}
using LowerFn = void (*)(Lower&);
template <LowerFn Fn> tenon_error* TENON_CALL lower_thunk(tenon_ctx* c, tenon_graph* g, tenon_node n) TENON_NX {
  return guard(c, [&] { Lower l(c, g, n); Fn(l); });
}
/// Returns the number of rewrites.
using PassFn = uint64_t (*)(const Ctx&, Graph&);
template <PassFn Fn> tenon_error* TENON_CALL pass_thunk(tenon_ctx* c, tenon_graph* g, tenon_pass_result* r) TENON_NX {
  return guard(c, [&] {
    Graph graph(c, g);
    uint64_t before = api().ir->epoch(g);
    r->rewritten = Fn(Ctx(c), graph);
    r->matched = r->rewritten;
    r->changed = api().ir->epoch(g) != before ? 1 : 0;
  });
}
using MatchFn = int32_t (*)(const Node&);  ///< cost, < 0 = cannot
template <MatchFn Fn> tenon_error* TENON_CALL match_thunk(tenon_ctx* c, const tenon_node_info* n, int32_t* cost) TENON_NX {
  return guard(c, [&] { *cost = Fn(Node(n)); });
}

constexpr tenon_kernel make_kernel(const char* id, const char* domain, const char* name, int32_t since, const char* target,
                                   decltype(tenon_kernel::match) match, decltype(tenon_kernel::run) run) {
  return {{sizeof(tenon_kernel), TENON_KIND_KERNEL, id}, domain, name, since, 0, target, 0, 0, match, nullptr, run, nullptr};
}
constexpr tenon_operator make_operator(const char* id, const char* domain, const char* name, int32_t since, int32_t flags, const char* signature,
                                       decltype(tenon_operator::infer) infer, const tenon_kernel* reference) {
  return {{sizeof(tenon_operator), TENON_KIND_OPERATOR, id}, domain, name, since, flags, signature, infer, nullptr, reference, nullptr};
}

/// Called by the entry function: fetches the host's tables.
inline tenon_error* open(const tenon_host* h) TENON_NX {
  Api& a = api();
  a.host = h;
  a.core = static_cast<const tenon_core_api*>(h->get_interface(h, TENON_IID_CORE));
  a.buffer = static_cast<const tenon_buffer_api*>(h->get_interface(h, TENON_IID_BUFFER));
  a.ir = static_cast<const tenon_ir_api*>(h->get_interface(h, TENON_IID_IR));
  a.registry = static_cast<const tenon_registry_api*>(h->get_interface(h, TENON_IID_REGISTRY));
  a.exec = static_cast<const tenon_exec_api*>(h->get_interface(h, TENON_IID_EXEC));
  if (a.core && !a.ir) return a.core->error_new(nullptr, TENON_E_ABI, str("this host offers no " TENON_IID_IR));
  return nullptr;
}

TENON_NAMESPACE_END

/// Operator definition with its reference kernel. `infer` and `run`: void(const tenon::Node&).
/// TENON_OPERATOR("tenon", "Add", 1, TENON_OF_IN_PLACE, "(A: T(num), B: T) -> (C: T)", infer_add, run_add);
#define TENON_OPERATOR(domain_, name_, since_, flags_, signature_, infer_, run_)                                                   \
  TENON_MANIFEST("{\"kind\":\"operator\",\"id\":\"" domain_ "::" name_ "\",\"since\":" #since_ "}");                               \
  static constexpr tenon_kernel TENON_CAT_(tenon_reference_, __LINE__) = ::tenon::make_kernel(                                     \
      "reference/" domain_ "::" name_, domain_, name_, since_, "", nullptr, &::tenon::run_thunk<run_>);                            \
  static constexpr tenon_operator TENON_CAT_(tenon_operator_, __LINE__) =                                                          \
      ::tenon::make_operator(domain_ "::" name_, domain_, name_, since_, flags_, signature_, &::tenon::infer_thunk<infer_>,        \
                             &TENON_CAT_(tenon_reference_, __LINE__));                                                             \
  TENON_REGISTER(&TENON_CAT_(tenon_operator_, __LINE__).h)

/// Lowering of a foreign operator from version `since_` on. `fn_`: void(tenon::Lower&).
#define TENON_LOWERING(domain_, name_, since_, fn_)                                                                                \
  TENON_MANIFEST("{\"kind\":\"lowering\",\"id\":\"" domain_ "::" name_ "@" #since_ "\",\"op\":\"" domain_ "::" name_               \
                 "\",\"since\":" #since_ "}");                                                                                     \
  static constexpr tenon_lowering TENON_CAT_(tenon_lowering_, __LINE__) = {                                                        \
      {sizeof(tenon_lowering), TENON_KIND_LOWERING, domain_ "::" name_ "@" #since_}, domain_, name_, since_, 0,                    \
      &::tenon::lower_thunk<fn_>};                                                                                                 \
  TENON_REGISTER(&TENON_CAT_(tenon_lowering_, __LINE__).h)

/// Pass. `fn_`: uint64_t(const tenon::Ctx&, tenon::Graph&). `about_`: JSON members for the manifest, e.g.
/// R"("class":"exact","summary":"...","options":{"type":"object","properties":{...}})".
#define TENON_PASS(id_, about_, fn_)                                                                                               \
  TENON_MANIFEST("{\"kind\":\"pass\",\"id\":\"" id_ "\"," about_ "}");                                                             \
  static constexpr tenon_pass TENON_CAT_(tenon_pass_, __LINE__) = {{sizeof(tenon_pass), TENON_KIND_PASS, id_},                     \
                                                                   &::tenon::pass_thunk<fn_>};                                     \
  TENON_REGISTER(&TENON_CAT_(tenon_pass_, __LINE__).h)

/// Kernel of one operator for a backend's target. `match_`: int32_t(const Node&) cost, < 0 = cannot; `run_`: void(const Node&).
#define TENON_KERNEL(id_, target_, domain_, name_, since_, match_, run_)                                                           \
  TENON_MANIFEST("{\"kind\":\"kernel\",\"id\":\"" id_ "\",\"target\":\"" target_ "\",\"op\":\"" domain_ "::" name_                 \
                 "\",\"since\":" #since_ "}");                                                                                     \
  static constexpr tenon_kernel TENON_CAT_(tenon_kernel_, __LINE__) =                                                              \
      ::tenon::make_kernel(id_, domain_, name_, since_, target_, &::tenon::match_thunk<match_>, &::tenon::run_thunk<run_>);        \
  TENON_REGISTER(&TENON_CAT_(tenon_kernel_, __LINE__).h)

/// Once in a plugin. `about_`: JSON members, at least R"("id":"acme.npu","version":"1.0.0","vendor":"Acme","license":"MIT")".
#define TENON_PLUGIN(about_)                                                                                                       \
  TENON_MANIFEST("{" about_ ",\"abi\":{\"major\":1,\"built\":0,\"min_host\":0}}");                                                 \
  extern "C" TENON_EXPORT tenon_error* TENON_CALL tenon_plugin_entry_v1(const tenon_host* host, const tenon_plugin** out) TENON_NX { \
    static const tenon_plugin plugin = {sizeof(tenon_plugin), 0, TENON_ABI_MAJOR, TENON_ABI_MINOR, __start_tenon_desc,             \
                                        static_cast<uint64_t>(__stop_tenon_desc - __start_tenon_desc), nullptr, nullptr};          \
    *out = &plugin;                                                                                                                \
    return ::tenon::open(host);                                                                                                    \
  }                                                                                                                                \
  static_assert(true, "")
