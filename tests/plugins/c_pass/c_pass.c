/* SPDX-License-Identifier: Apache-2.0
 * A plugin in plain C: a pass that removes pairs of negations, Neg(Neg(x)) -> x. */
#include <tenon/abi.h>

static const tenon_core_api* core;
static const tenon_ir_api* ir;

static tenon_str text(const char* s) {
  tenon_str r = {s, 0};
  while (s[r.len]) ++r.len;
  return r;
}

static tenon_error* run(tenon_ctx* c, tenon_graph* g, tenon_pass_result* r) {
  const tenon_view* v;
  tenon_op neg = ir->op_intern(text("tenon"), text("Neg"), 1);
  tenon_error* e = ir->view(c, g, &v);
  if (e) return e;
  for (uint64_t row = 0; row < v->n_nodes; ++row) {
    uint32_t in, producer;
    tenon_value from, to;
    if (v->op[row] != neg) continue;
    in = v->in_val[v->in_off[row]];
    producer = v->producer[in];
    if (producer == TENON_ROW_NONE || v->op[producer] != neg) continue;
    ++r->matched;
    from = v->value[v->out_val[v->out_off[row]]];
    to = v->value[v->in_val[v->in_off[producer]]];
    if ((e = ir->replace_uses(c, g, 1, &from, &to))) return e;
    if ((e = ir->erase_nodes(c, g, 1, &v->node[row]))) return e;
    ++r->rewritten;
  }
  r->changed = r->rewritten > 0;
  core->metric(c, text("pairs"), (double)r->rewritten);
  return 0;
}

static const tenon_pass pass = {{sizeof(tenon_pass), TENON_KIND_PASS, "example.c/remove-double-neg"}, run};

TENON_MANIFEST("{\"id\":\"example.c\",\"version\":\"1.0.0\",\"vendor\":\"Example\",\"license\":\"Apache-2.0\",\"abi\":{\"major\":1,\"built\":0,\"min_host\":0}}");
TENON_MANIFEST("{\"kind\":\"pass\",\"id\":\"example.c/remove-double-neg\",\"class\":\"exact\",\"summary\":\"Neg(Neg(x)) -> x\"}");

tenon_error* tenon_plugin_entry_v1(const tenon_host* host, const tenon_plugin** out) {
  static const tenon_desc* const descriptors[] = {&pass.h};
  static const tenon_plugin plugin = {sizeof(tenon_plugin), 0, TENON_ABI_MAJOR, TENON_ABI_MINOR, descriptors, 1, 0, 0};
  core = (const tenon_core_api*)host->get_interface(host, TENON_IID_CORE);
  ir = (const tenon_ir_api*)host->get_interface(host, TENON_IID_IR);
  *out = &plugin;
  return 0;
}
