// SPDX-License-Identifier: Apache-2.0
#include "core/ir/text.hpp"

#include <catch2/catch.hpp>
#include <tenon/dtype.hpp>

#include <cmath>

#include "core/ir/walk.hpp"

using namespace tenon::core;

namespace {

const char* const kModel = R"(tenon 1
meta "producer" = "a \"tool\"\n"
const %w: f32[2, 2] = dense<1.0, -0.0, 1e-10, nan>
const %s: string[2] = dense<"", "a b">
const %b: bool[2] = dense<true, false>
const %i4: i4[3] = dense<-8, 7, 0>
const %u: u64[] = dense<18446744073709551615>
const %h: f16[2] = base64<"AAEAAg==">
const %e: i64[0] = dense<>
graph @main(%x: f32[N, 2*N + 1, ?], %"odd name": seq(map(string, f32))[*], %y) -> (%1 as "scores", %x#2, %w) {
  %1: f32[N, 4] quantized(1, [0.5, 0.25], [0, -3]) = tenon::Conv(%x, _, %w) {f = 1.0, g = 1e-05f, i = 1, empty = ints [], none = floats [], "odd name" = "s", list = [1, 2], reals = [1.0, inf], texts = ["a", "b"], t = %w, ts = [%s, %b], raw = raw "AAE=", nan = nan(0x7ff8000000000001)} name "conv" origin("conv1": "acme::Conv", "bn1": "acme::Norm")
  (%x#2: optional(seq(i64))[*], _) = acme::Foo@7(%1, %"odd name") {body = graph @then() -> (%2) {
    %2: none[3] = tenon::Inner(%1, %i4)
  }, more = [graph @a(%3) -> (%3) {
  }, graph @""() -> () {
  }]}
  () = acme::Sink@13(%x#2, %u, %h, %e) origin("conv1": "acme::Conv")
}
)";

std::unique_ptr<Model> parsed(std::string_view text) {
  auto m = parse(text);
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}
PrintOptions full() {
  PrintOptions o;
  o.full = true;
  return o;
}
/// Where the error is, empty when there is none.
std::string position(const std::string& text) {
  auto m = parse(text);
  return m ? "" : std::string(m.error().detail("position"));
}

}  // namespace

TEST_CASE("text: what is printed reads back, and prints the same again") {
  const auto m = parsed(kModel);
  const std::string once = print(*m, full());
  CHECK(once == kModel);
  CHECK(print(*parsed(once), full()) == once);
}

TEST_CASE("text: the parsed model is what the text says") {
  const auto m = parsed(kModel);
  const tenon_graph& g = m->main();
  REQUIRE(g.inputs.size() == 3);
  const ValueType x = m->type(g.inputs[0]);
  CHECK(tenon::dtype_name(x.dtype) == "f32");
  CHECK(m->symbols.text(x.dims[1]) == "2*N + 1");
  CHECK(x.dims[2] == TENON_DIM_UNKNOWN);
  CHECK(m->type(g.inputs[2]).rank == TENON_RANK_UNKNOWN);
  CHECK(g.output_names == std::vector<std::string>{"scores", "x", "w"});
  CHECK(g.n_nodes == 3);
  const Slot conv = g.first;
  CHECK(m->nodes.name[conv] == "conv");
  CHECK(m->origin_names(m->node_id(conv)) == std::vector<std::string>{"conv1", "bn1"});
  const AttrSet* a = m->attrs(m->node_id(conv));
  REQUIRE(a->size() == 13);
  CHECK(a->data()[0].type == TENON_AT_FLOAT);
  CHECK(a->data()[1].v.f == static_cast<double>(1e-05f));
  CHECK(a->data()[2].type == TENON_AT_INT);
  CHECK(a->data()[4].type == TENON_AT_FLOATS);
  CHECK(op_name(m->nodes.op[g.last]).version == 13);
  for (tenon_value v : walk(*m).constants)
    if (m->value_name(v) == "i4") {
      const auto [data, bytes] = m->constant_bytes(v);
      REQUIRE(bytes == 2);
      CHECK(data[0] == 0x78);
    }
}

TEST_CASE("text: large constants are left out unless asked for") {
  std::string text = "tenon 1\nconst %w: f32[3] = dense<1.0, 2.0, 3.0>\ngraph @main() -> (%w) {\n}\n";
  const auto m = parsed(text);
  PrintOptions o;
  o.inline_elements = 2;
  const std::string shortened = print(*m, o);
  CHECK(shortened.find("elided<") != std::string::npos);
  CHECK(position(shortened) == "2:20");
  o.full = true;
  CHECK(print(*parsed(print(*m, o))) == text);
}

TEST_CASE("text: errors say where") {
  CHECK(position("") == "1:1");
  CHECK(position("tenon 2") == "1:1");
  CHECK(position("tenon 1\ngraph @main() -> (%x) {\n}") == "2:19");
  CHECK(position("tenon 1\ngraph @main(%x: f33[2]) -> () {}") == "2:17");
  CHECK(position("tenon 1\ngraph @main(%x: f32[2 +]) -> () {}") == "2:21");
  CHECK(position("tenon 1\ngraph @main(%x, %x) -> () {}") == "2:17");
  CHECK(position("tenon 1\ngraph @main() -> () {\n  %1 = a::B(%2)\n}") == "3:13");
  CHECK(position("tenon 1\ngraph @main() -> () {\n  %1 = a::B() {x = []}\n}") == "3:21");
  CHECK(position("tenon 1\ngraph @main() -> () {\n  %1 = a::B() {x = [1, 2.0]}\n}") == "3:21");
  CHECK(position("tenon 1\ngraph @main() -> () {\n  %1 = a::B() {x = 1, x = 2}\n}") == "3:23");
  CHECK(position("tenon 1\nconst %c: i4[2] = dense<1, 8>\ngraph @main() -> () {}") == "2:28");
  CHECK(position("tenon 1\nconst %c: f32[2] = dense<1.0>\ngraph @main() -> () {}") == "2:26");
  CHECK(position("tenon 1\nconst %c: f32[9223372036854775807, 4] = dense<>\ngraph @main() -> () {}") == "2:7");
}

TEST_CASE("text: a value of an inner graph stays there") {
  const char* text = "tenon 1\ngraph @main() -> () {\n  () = a::If() {then = graph @t() -> (%1) {\n %1 = a::B()\n}, else = graph @e() -> (%1) {\n}}\n}\n";
  CHECK(position(text) == "5:26");
}

TEST_CASE("text: no text makes the parser fall over") {
  const std::string whole = kModel;
  for (size_t n = 0; n < whole.size(); ++n) {
    (void)parse(whole.substr(0, n));
    for (char c : {'\0', '"', '(', '}', '9', '%'}) {
      std::string broken = whole;
      broken[n] = c;
      if (auto m = parse(broken)) (void)print(**m, full());
    }
  }
  std::string deep = "tenon 1\ngraph @main() -> () {";
  for (int k = 0; k < 10000; ++k) deep += "() = a::B() {g = graph @x() -> () {";
  CHECK(!position(deep).empty());
}
