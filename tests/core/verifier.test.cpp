// SPDX-License-Identifier: Apache-2.0
#include "core/ir/verifier.hpp"

#include <catch2/catch.hpp>
#include <tenon/dtype.hpp>

#include "core/ir/signature.hpp"
#include "core/ir/text.hpp"

using namespace tenon::core;

namespace {

std::unique_ptr<Model> model(std::string_view body) {
  auto m = parse("tenon 1\n" + std::string(body));
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}
std::unique_ptr<Model> sound() {
  return model(R"(const %c: f32[2] = dense<1.0, 2.0>
graph @main(%x: f32[N]) -> (%z) {
  %y: f32[N] = a::B(%x, %c) name "first"
  %z: f32[N] = a::If(%y) {then = graph @t() -> (%i) {
    %i: f32[N] = a::C(%y, %x)
  }, t = %c}
})");
}
/// Messages of all findings.
std::vector<std::string> findings(Model& m) {
  Session s;
  std::vector<std::string> r;
  auto ok = verify(s, m);
  if (ok) return r;
  CHECK(ok.error().code == TENON_E_INTERNAL);
  for (const auto& c : ok.error().causes) r.push_back(c.message);
  return r;
}
Slot named(const Model& m, std::string_view name) {
  for (Slot v = 1; v < m.values.name.size(); ++v)
    if (m.values.name[v] == name) return v;
  return 0;
}
/// Contradictions of the only node of a model to a signature.
std::vector<std::string> contradictions(const char* signature, std::string_view body) {
  auto s = parse_signature(signature);
  INFO((s ? std::string() : to_text(s.error())));
  REQUIRE(s);
  const auto m = model(body);
  std::vector<std::string> r;
  check_signature(*s, *m, m->node_id(m->main().first), [&](Error e) { r.push_back(e.message); });
  return r;
}
using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("verifier: a sound graph passes, also when copied") {
  auto m = sound();
  CHECK(findings(*m) == Messages{});
  CHECK(findings(*m->clone()) == Messages{});
}

TEST_CASE("verifier: broken links are found") {
  auto m = sound();
  SECTION("uses miscounted") {
    ++m->values.n_uses[named(*m, "y")];
    CHECK(findings(*m) == Messages{"the uses of a value are miscounted"});
  }
  SECTION("an erased input") {
    ++m->values.generation[named(*m, "x")];
    CHECK(findings(*m).size() >= 2);
  }
  SECTION("a stale generation in an operand") {
    m->operand_ids[1] += 1ull << 32;
    CHECK(findings(*m).size() == 1);
  }
  SECTION("producer") {
    m->values.producer[named(*m, "y")] = slot(m->main().last);
    CHECK(findings(*m).size() == 2);
  }
  SECTION("order of nodes") {
    m->nodes.next[m->main().last] = m->main().first;
    CHECK(!findings(*m).empty());
  }
  SECTION("tensor attribute") {
    m->values.extra_uses[named(*m, "c")] = 0;
    CHECK(findings(*m) == Messages{"the uses of a value as output or attribute are miscounted"});
  }
  SECTION("holder") {
    m->graphs[1].holders = {m->node_id(m->main().first)};
    CHECK(findings(*m) == Messages{"a graph attribute is not held by its node"});
  }
}

TEST_CASE("verifier: cycles and values out of reach are found") {
  auto m = sound();
  const Slot first = m->main().first;
  SECTION("cycle through a nested graph") {
    const tenon_value in[] = {m->value_id(named(*m, "z"))};
    REQUIRE(m->set_inputs(m->node_id(first), in, 1));
    CHECK(findings(*m) == Messages{"the graph has a cycle"});
  }
  SECTION("inner value used outside") {
    const tenon_value in[] = {m->value_id(named(*m, "i"))};
    REQUIRE(m->set_inputs(m->node_id(first), in, 1));
    CHECK(findings(*m) == Messages{"a node reads a value of a graph that is not around it"});
  }
}

TEST_CASE("verifier: contents and names are checked") {
  auto m = sound();
  SECTION("constant too short") {
    m->constants[m->values.constant[named(*m, "c")]].bytes = 4;
    CHECK(findings(*m) == Messages{"a constant's contents do not fit its type"});
  }
  SECTION("unnamed output") {
    m->main().output_names[0].clear();
    CHECK(findings(*m) == Messages{"an output of the model has no name"});
  }
  SECTION("negative dimension, and all problems in one go") {
    const int64_t d[] = {m->symbols.apply(TENON_DIM_SUB, 2, 4)};
    REQUIRE(m->set_type(m->value_id(named(*m, "y")), tenon::dt::f32, 1, d));
    m->values.quantization[named(*m, "y")] = std::make_shared<Quantization>(Quantization{3, {1.0f}, {0}});
    CHECK(findings(*m) == Messages{"a dimension is negative", "the quantization of a value does not fit its shape"});
  }
}

TEST_CASE("signature: types, variables and counts") {
  const char* s = "(X: T(float), W: T, B?: T, I?: index) -> (Y: T, N?: i64)";
  CHECK(contradictions(s, "graph @main(%x: f32[*], %w: f32[*]) -> () { %y: f32[*] = a::B(%x, %w) }") == Messages{});
  CHECK(contradictions(s, "graph @main(%x: f32[*], %w, %i: i32[*]) -> () { %y = a::B(%x, %w, _, %i) }") == Messages{});
  CHECK(contradictions(s, "graph @main(%x: f32[*], %w: f64[*]) -> () { %y: f32[*] = a::B(%x, %w) }").size() == 1);
  CHECK(contradictions(s, "graph @main(%x: i32[*]) -> () { () = a::B(%x, _, _, _, %x) }").size() == 4);
  CHECK(contradictions(s, "graph @main(%x: f32[*], %w: seq(f32)[*]) -> () { (%y, %n: i32[*]) = a::B(%x, %w) }").size() == 2);
  CHECK(contradictions("(X*: T(any)) -> (Y: seq(T))", "graph @main(%x: f32[*]) -> () { %y: seq(f32)[*] = a::B(%x, %x, %x) }") == Messages{});
  CHECK(contradictions("(X: seq(T)) -> (Y: optional(T)|bool)", "graph @main(%x: seq(f32)[*]) -> () { %y: optional(f64)[*] = a::B(%x) }").size() == 1);
}

TEST_CASE("signature: attributes") {
  const char* s = "() -> () {a: int, b?: float, c?: ints, d?: string|tensor}";
  CHECK(contradictions(s, "graph @main() -> () { () = a::B() {a = 1, b = 1, c = floats []} }") == Messages{});
  CHECK(contradictions(s, "graph @main() -> () { () = a::B() {a = 1, c = [1], d = \"x\"} }") == Messages{});
  CHECK(contradictions(s, "graph @main() -> () { () = a::B() {a = 1.0, e = 1} }") ==
        Messages{"attribute 'a' is of the wrong kind", "attribute 'e' is not known to the operator"});
  CHECK(contradictions(s, "graph @main() -> () { () = a::B() }") == Messages{"attribute 'a' is missing"});
}

TEST_CASE("signature: malformed ones are refused") {
  for (const char* s : {"", "()", "() -> ", "(x) -> ()", "(X: nope) -> ()", "(X*: any, Y: any) -> ()", "() -> () {a}", "() -> () {a: nope}", "() -> () x", "(X: T(T(T(T(T(T(T(T(T(T(f32))))))))))) -> ()"}) {
    INFO(s);
    CHECK(!parse_signature(s));
  }
}
