// SPDX-License-Identifier: Apache-2.0
#include "core/model/tenon_file.hpp"

#include <catch2/catch.hpp>
#include <tenon/dtype.hpp>

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/ir/text.hpp"
#include "core/ir/walk.hpp"

using namespace tenon::core;

namespace {

const char* const kModel = R"(tenon 1
meta "producer" = "tool"
const %w: f32[2, 2] = dense<1.0, -0.0, 1e-10, nan>
const %s: string[2] = dense<"", "a b">
const %i4: i4[3] = dense<-8, 7, 0>
const %e: i64[0] = dense<>
graph @main(%x: f32[N, floor((N + 1) / 2), ?], %"odd name": seq(map(string, f32))[*], %y) -> (%1 as "scores", %x#2, %w) {
  %1: f32[N, 4] quantized(1, [0.5, 0.25], [0, -3]) = tenon::Conv(%x, _, %w) {f = -0.0, g = 1e-05f, i = 1, empty = ints [], none = floats [], s = "\x00\xff", list = [1, 2], texts = ["a", "b"], t = %w, ts = [%s, %i4], raw = raw "AAE=", nan = nan(0x7ff8000000000001)} name "conv" origin("conv1": "acme::Conv", "bn1": "acme::Norm")
  (%x#2: optional(seq(i64))[*], _) = acme::Foo@7(%1, %"odd name") {body = graph @then() -> (%2) {
    %2: none[3] = tenon::Inner(%1, %i4)
  }, more = [graph @a(%3) -> (%3) {
  }, graph @""() -> () {
  }], no = graphs []}
  () = acme::Sink@13(%x#2, %e) origin("conv1": "acme::Conv")
}
)";

std::unique_ptr<Model> parsed(std::string_view text) {
  auto m = parse(text);
  INFO((m ? std::string() : to_text(m.error())));
  REQUIRE(m);
  return std::move(*m);
}
std::string written(const Model& m) {
  std::string bytes;
  auto ok = write_tenon(m, [&](const void* p, uint64_t n) -> Status {
    bytes.append(static_cast<const char*>(p), n);
    return {};
  });
  REQUIRE(ok);
  return bytes;
}
Result<std::unique_ptr<Model>> read(const std::string& bytes) {
  auto b = alloc_buffer(bytes.size());
  REQUIRE(b);
  if (!bytes.empty()) std::memcpy(b->writable(), bytes.data(), bytes.size());
  return read_tenon(std::move(*b));
}
std::string full_text(const Model& m) {
  PrintOptions o;
  o.full = true;
  return print(m, o);
}
template <class T>
T field(const std::string& bytes, size_t at) {
  T v;
  std::memcpy(&v, bytes.data() + at, sizeof v);
  return v;
}
/// Makes the checksum fit again, so that what is behind it is tested.
void sign(std::string& bytes) {
  const auto offset = field<uint64_t>(bytes, 24), size = field<uint64_t>(bytes, 32);
  if (offset > bytes.size() || size > bytes.size() - offset) return;
  const uint64_t hash = XXH64(bytes.data() + offset, size, 0);
  std::memcpy(bytes.data() + 56, &hash, sizeof hash);
}

}  // namespace

TEST_CASE("tenon file: everything of a model survives") {
  const auto m = parsed(kModel);
  REQUIRE(full_text(*m) == kModel);
  auto back = read(written(*m));
  INFO((back ? std::string() : to_text(back.error())));
  REQUIRE(back);
  CHECK(full_text(**back) == kModel);
}

TEST_CASE("tenon file: the same graph gives the same bytes, however it was made") {
  const auto m = parsed(kModel);
  const std::string bytes = written(*m);
  CHECK(written(*m->clone()) == bytes);
  CHECK(written(**read(bytes)) == bytes);
  // Other slots and a constant that nobody uses change nothing.
  std::string text = kModel;
  const auto other = parsed(text.insert(text.find("const"), "const %unused: f32[2] = dense<1.0, 2.0>\n"));
  CHECK(written(*other) == bytes);
}

TEST_CASE("tenon file: constants are aligned, shared and not copied") {
  auto m = parsed("tenon 1\nconst %a: f32[3] = dense<1.0, 2.0, 3.0>\nconst %b: f32[3] = dense<1.0, 2.0, 4.0>\ngraph @main() -> (%a, %b, %a as \"c\") {\n}\n");
  const auto constants = walk(*m).constants;
  REQUIRE(constants.size() == 2);
  const size_t apart = written(*m).size();
  m->constants[m->values.constant[slot(constants[1])]].buffer = m->constants[m->values.constant[slot(constants[0])]].buffer;
  const std::string bytes = written(*m);
  CHECK(apart - bytes.size() == 64);
  auto back = read(bytes);
  REQUIRE(back);
  const auto [a, a_bytes] = (*back)->constant_bytes((*back)->main().outputs[0]);
  const auto [b, b_bytes] = (*back)->constant_bytes((*back)->main().outputs[1]);
  CHECK(a == b);
  CHECK(a_bytes == 12);
  CHECK(b_bytes == 12);
  CHECK(reinterpret_cast<uintptr_t>(a) % 64 == 0);
  CHECK(written(**back) == bytes);
}

TEST_CASE("tenon file: a newer format is refused, a newer minor version is not") {
  std::string bytes = written(*parsed(kModel));
  bytes[8] = 9;
  CHECK(read(bytes));
  bytes[10] = 3;
  auto r = read(bytes);
  REQUIRE(!r);
  CHECK(r.error().code == TENON_E_UNSUPPORTED);
  CHECK(r.error().detail("found") == "format 3");
}

TEST_CASE("tenon file: damaged files are refused") {
  const std::string bytes = written(*parsed(kModel));
  const auto graph_end = field<uint64_t>(bytes, 24) + field<uint64_t>(bytes, 32);
  for (size_t n = 0; n < bytes.size(); ++n) CHECK(!read(bytes.substr(0, n)));
  for (size_t at = 0; at < graph_end; ++at)
    for (int flip : {0x01, 0x80, 0xff}) {
      std::string broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      if (at >= 64) CHECK(!read(broken));
      sign(broken);
      auto r = read(broken);
      if (r) (void)full_text(**r);
      else CHECK((r.error().code == TENON_E_INVALID || r.error().code == TENON_E_UNSUPPORTED));
    }
}

TEST_CASE("tenon file: what the format has no place for is refused") {
  auto m = parsed("tenon 1\ngraph @main(%x: dtype<77, 8, 1, 0>[2]) -> (%x) {\n}\n");
  auto r = write_tenon(*m, [](const void*, uint64_t) -> Status { return {}; });
  REQUIRE(!r);
  CHECK(r.error().code == TENON_E_UNSUPPORTED);
}
