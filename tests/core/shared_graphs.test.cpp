// SPDX-License-Identifier: Apache-2.0
// Graphs that several nodes hold.
#include <catch2/catch.hpp>

#include <cstring>

#include "core/exec/infer.hpp"
#include "core/ir/text.hpp"
#include "core/ir/verifier.hpp"
#include "core/model/tenon_file.hpp"

using namespace tenon::core;

namespace {

const char* const kModel = R"(tenon 1
const %w: f32[2] = dense<1.0, 2.0>
shared graph @block(%a: f32[2]) -> (%b) {
  %b: f32[2] = tenon::Add(%a, %w)
}
shared graph @block#2(%c: f32[2]) -> (%e) {
  %d: f32[2] = tenon::Call(%c) {body = @block}
  %e: f32[2] = tenon::Call(%d) {body = @block}
}
graph @main(%x: f32[2]) -> (%z) {
  %y: f32[2] = tenon::Call(%x) {body = @block#2} name "first"
  %z: f32[2] = tenon::Call(%y) {body = @block#2} name "second"
}
)";

std::unique_ptr<Model> parsed(std::string_view text) {
  auto m = parse(text);
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}
std::string full_text(const Model& m) {
  PrintOptions o;
  o.full = true;
  return print(m, o);
}
std::string written(const Model& m) {
  std::string bytes;
  REQUIRE(write_tenon(m, [&](const void* p, uint64_t n) -> Status {
    bytes.append(static_cast<const char*>(p), n);
    return {};
  }));
  return bytes;
}
std::unique_ptr<Model> read(const std::string& bytes) {
  auto b = alloc_buffer(bytes.size());
  REQUIRE(b);
  std::memcpy(b->writable(), bytes.data(), bytes.size());
  auto m = read_tenon(std::move(*b));
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}
std::string problem(Model& m) {
  Session s;
  auto ok = verify(s, m);
  return ok || ok.error().causes.empty() ? std::string() : ok.error().causes[0].message;
}
tenon_node named(const Model& m, std::string_view name) {
  for (Slot n = 1; n < m.nodes.name.size(); ++n)
    if (m.nodes.name[n] == name) return m.node_id(n);
  return 0;
}
size_t living(const Model& m) {
  size_t n = 0;
  for (const auto& g : m.graphs) n += g.alive;
  return n;
}
tenon_graph& body_of(const Model& m, tenon_node n) { return *m.attrs(n)->data()[0].v.graph; }

Session& session() {
  static Session s;
  static const bool loaded = bool(s.registry.discover({{}, {TENON_TEST_PLUGINS}, false}));
  REQUIRE(loaded);
  return s;
}

}  // namespace

TEST_CASE("shared graphs: text, file and copy keep them shared") {
  const auto m = parsed(kModel);
  CHECK(full_text(*m) == kModel);
  CHECK(problem(*m) == "");
  CHECK(m->n_nodes() == 5);
  CHECK(full_text(*m->clone()) == kModel);
  const auto bytes = written(*m);
  CHECK(bytes[10] == 2);
  CHECK(full_text(*read(bytes)) == kModel);
  CHECK(written(*read(bytes)) == bytes);
}

TEST_CASE("shared graphs: a file without any is of the first version") {
  CHECK(written(*parsed("tenon 1\ngraph @main(%x: f32[2]) -> (%y) {\n  %y: f32[2] = tenon::Relu(%x)\n}\n"))[10] == 1);
}

TEST_CASE("shared graphs: what the text must not say") {
  for (const char* body : {
           "shared graph @b(%a) -> (%a) {\n}\ngraph @main(%x) -> (%x) {\n}\n",                                     // held by nobody
           "graph @main(%x) -> (%y) {\n  %y = a::B(%x) {g = @b}\n}\n",                                           // not defined
           "shared graph @b(%a) -> (%c) {\n  %c = a::B(%a) {g = @b}\n}\ngraph @main(%x) -> (%x) {\n}\n",         // holds itself
           "shared graph @b() -> (%x) {\n}\ngraph @main(%x) -> (%y) {\n  %y = a::B(%x) {g = @b}\n}\n",           // reads a value of main
           "shared graph @b() -> () {\n}\nshared graph @b() -> () {\n}\ngraph @main() -> () {\n}\n",             // one name twice
           "graph @main(%x) -> (%y) {\n  %y = a::B(%x) {g = graph @b#2() -> () {\n}}\n}\n"}) {                   // a number, but not shared
    INFO(body);
    const auto m = parse("tenon 1\n" + std::string(body));
    REQUIRE_FALSE(m);
    CHECK(m.error().code == TENON_E_INVALID);
  }
}

TEST_CASE("shared graphs: they live as long as any node holds them") {
  auto m = parsed(kModel);
  REQUIRE(living(*m) == 3);
  const tenon_node first = named(*m, "first"), second = named(*m, "second");
  std::vector<tenon_value> in, out;
  m->inputs(second, &in);
  m->outputs(second, &out);
  REQUIRE(m->replace_uses(out[0], in[0]));
  REQUIRE(m->erase_nodes(&second, 1));
  CHECK(living(*m) == 3);
  CHECK_FALSE(body_of(*m, first).shared());
  CHECK(body_of(*m, first).parent == 0);
  CHECK(problem(*m) == "");
  CHECK(full_text(*m).find("@block#2") == std::string::npos);
  m->outputs(first, &out);
  m->inputs(first, &in);
  REQUIRE(m->replace_uses(out[0], in[0]));
  REQUIRE(m->erase_nodes(&first, 1));
  CHECK(living(*m) == 1);
  CHECK(m->n_nodes() == 0);
  CHECK(problem(*m) == "");
}

TEST_CASE("shared graphs: inlining copies while others hold the graph, and moves at last") {
  auto m = parsed(kModel);
  for (const char* name : {"first", "second"}) {
    const tenon_node call = named(*m, name);
    std::vector<tenon_value> in, out;
    m->inputs(call, &in);
    m->outputs(call, &out);
    tenon_value made = 0;
    REQUIRE(m->inline_graph(m->main(), body_of(*m, call), call, in.data(), 1, &made, 1));
    REQUIRE(m->replace_uses(out[0], made));
    REQUIRE(m->erase_nodes(&call, 1));
    CHECK(problem(*m) == "");
  }
  CHECK(living(*m) == 2);
  CHECK(m->main().n_nodes == 4);
  CHECK(full_text(*m) == R"(tenon 1
const %w: f32[2] = dense<1.0, 2.0>
shared graph @block(%a: f32[2]) -> (%b) {
  %b: f32[2] = tenon::Add(%a, %w)
}
graph @main(%x: f32[2]) -> (%e#2 as "z") {
  %d: f32[2] = tenon::Call(%x) {body = @block}
  %e: f32[2] = tenon::Call(%d) {body = @block}
  %d#2: f32[2] = tenon::Call(%e) {body = @block}
  %e#2: f32[2] = tenon::Call(%d#2) {body = @block}
}
)");
}

TEST_CASE("shared graphs: a nested graph is copied with its holder") {
  auto m = parsed(R"(tenon 1
shared graph @b(%c: bool[], %a: f32[2]) -> (%r) {
  %n: f32[2] = tenon::Neg(%a)
  %r: f32[2] = tenon::If(%c) {then_branch = graph @t() -> (%t) {
    %t: f32[2] = tenon::Relu(%n)
  }, else_branch = graph @e() -> (%e) {
    %e: f32[2] = tenon::Abs(%a)
  }}
}
graph @main(%k: bool[], %x: f32[2]) -> (%y, %z) {
  %y: f32[2] = tenon::Call(%k, %x) {body = @b} name "first"
  %z: f32[2] = tenon::Call(%k, %y) {body = @b} name "second"
}
)");
  const tenon_node call = named(*m, "first");
  std::vector<tenon_value> in, out;
  m->inputs(call, &in);
  m->outputs(call, &out);
  tenon_value made = 0;
  REQUIRE(m->inline_graph(m->main(), body_of(*m, call), call, in.data(), 2, &made, 1));
  REQUIRE(m->replace_uses(out[0], made));
  REQUIRE(m->erase_nodes(&call, 1));
  CHECK(problem(*m) == "");
  const auto text = full_text(*m);
  CHECK(text.find("%t: f32[2] = tenon::Relu(%n)") != std::string::npos);
  CHECK(text.find("%e: f32[2] = tenon::Abs(%x)") != std::string::npos);
}

TEST_CASE("shared graphs: the verifier finds one that reads from outside, and one that holds itself") {
  auto m = parsed(kModel);
  tenon_graph& block = body_of(*m, named(*m, "first"));
  std::vector<tenon_value> in{m->main().inputs[0]};
  REQUIRE(m->set_inputs(m->node_id(block.first), in.data(), 1));
  CHECK(problem(*m) == "a graph that several nodes hold reads a value of another graph");
  in[0] = block.inputs[0];
  REQUIRE(m->set_inputs(m->node_id(block.first), in.data(), 1));
  CHECK(problem(*m) == "");
  tenon_attr a{};
  a.name = {"body", 4};
  a.type = TENON_AT_GRAPH;
  a.count = 1;
  a.v.graph = &block;
  REQUIRE(m->set_attrs(m->node_id(block.first), &a, 1));
  CHECK(problem(*m) == "a graph holds itself");
}

TEST_CASE("shared graphs: values inside have the types that are true for all calls") {
  auto m = parsed(R"(tenon 1
shared graph @b(%a) -> (%r) {
  %r = tenon::Relu(%a)
}
graph @main(%x: f32[N, 3, 4], %y: f32[N, 5, 4]) -> (%p, %q, %s) {
  %p = tenon::Call(%x) {body = @b}
  %q = tenon::Call(%y) {body = @b}
  %s = tenon::Call(%x) {body = @b}
}
)");
  REQUIRE(infer_graph(session(), *m, m->main()));
  CHECK(full_text(*m) == R"(tenon 1
shared graph @b(%a: f32[N, ?, 4]) -> (%r) {
  %r: f32[N, ?, 4] = tenon::Relu(%a)
}
graph @main(%x: f32[N, 3, 4], %y: f32[N, 5, 4]) -> (%p, %q, %s) {
  %p: f32[N, 3, 4] = tenon::Call(%x) {body = @b}
  %q: f32[N, 5, 4] = tenon::Call(%y) {body = @b}
  %s: f32[N, 3, 4] = tenon::Call(%x) {body = @b}
}
)");
}

TEST_CASE("shared graphs: a size that only the data tells is another one in each call") {
  auto m = parsed(R"(tenon 1
shared graph @b(%a) -> (%r) {
  %r = tenon::NonZero(%a)
}
graph @main(%x: f32[4]) -> (%p, %q) {
  %p = tenon::Call(%x) {body = @b}
  %q = tenon::Call(%x) {body = @b}
}
)");
  REQUIRE(infer_graph(session(), *m, m->main()));
  const auto p = m->type(m->main().outputs[0]), q = m->type(m->main().outputs[1]);
  REQUIRE(p.dims.size() == 2);
  CHECK(p.dims[1] < TENON_DIM_UNKNOWN);
  CHECK(p.dims[1] != q.dims[1]);
}

TEST_CASE("shared graphs: a shape that is an argument is known in the body") {
  auto m = parsed(R"(tenon 1
const %s: i64[2] = dense<3, 4>
shared graph @b(%a, %t) -> (%r) {
  %r = tenon::Reshape(%a, %t)
}
graph @main(%x: f32[12], %y: f32[N, 6]) -> (%p, %q) {
  %d: i64[2] = tenon::Shape(%y)
  %z = tenon::Relu(%y)
  %p = tenon::Call(%x, %s) {body = @b}
  %q = tenon::Call(%z, %d) {body = @b}
}
)");
  REQUIRE(infer_graph(session(), *m, m->main()));
  const auto text = full_text(*m);
  CHECK(text.find("%p: f32[3, 4]") != std::string::npos);
  CHECK(text.find("%q: f32[N, 6]") != std::string::npos);
}
