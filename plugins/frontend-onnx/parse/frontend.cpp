// SPDX-License-Identifier: Apache-2.0
// frontend.cpp - the door: probe and load.
#include "build.hpp"
#include "schema.hpp"

namespace tenon::onnx {
namespace {

constexpr int64_t kNewestIr = 14;      // newer files are read all the same, with a warning
constexpr int64_t kNewestOpset = 28;

File open(const tenon_source* s) { return {{s->bytes ? static_cast<const uint8_t*>(api().buffer->data(s->bytes)) : nullptr, s->size}, std::string(view(s->path))}; }

// ModelProto's fields and their wire types; anything else in the first tags is another format.
bool plausible(uint32_t field, uint64_t wire) {
  namespace f = schema::ModelProto;
  switch (field) {
    case f::ir_version:
    case f::model_version: return wire == 0;
    case f::producer_name:
    case f::producer_version:
    case f::domain:
    case f::doc_string:
    case f::graph:
    case f::opset_import:
    case f::metadata_props:
    case f::training_info:
    case f::functions:
    case schema::newer::ModelProto::configuration: return wire == 2;
    default: return false;
  }
}

struct Peek {
  bool fits = false, ir_version = false, graph = false;
};

// Looks at the top-level fields as far as the head goes.
Peek peek(const uint8_t* p, uint64_t n) {
  Peek r;
  const uint8_t* end = p + n;
  auto number = [&](uint64_t* v) {
    *v = 0;
    for (unsigned shift = 0; p != end && shift < 64; shift += 7) {
      *v |= static_cast<uint64_t>(*p & 0x7f) << shift;
      if (!(*p++ & 0x80)) return true;
    }
    return false;
  };
  while (p != end) {
    uint64_t tag{}, v{};
    if (!number(&tag) || !number(&v)) return r;
    if (tag >> 32 || !plausible(static_cast<uint32_t>(tag >> 3), tag & 7)) return {};
    if (tag >> 3 == schema::ModelProto::ir_version) r.ir_version = v > 0 && v < 1000;
    r.graph = r.graph || tag >> 3 == schema::ModelProto::graph;
    r.fits = true;
    if ((tag & 7) == 0) continue;
    if (v > static_cast<uint64_t>(end - p)) return r;
    p += v;
  }
  return r;
}

tenon_error* TENON_CALL probe(tenon_ctx* c, const tenon_source* s, int32_t* score) TENON_NX {
  return guard(c, [&] {
    Peek p = peek(s->head, s->head_len);
    bool named = view(s->extension) == ".onnx";
    *score = p.ir_version && p.graph ? (named ? 100 : 80) : p.ir_version ? (named ? 90 : 40) : named ? 50 : 0;
  });
}

void report(const Ctx& ctx, const Ast& ast) {
  for (const auto& [message, field] : ast.unknown)
    ctx.warn("field " + std::to_string(field) + " of " + message + " is in no ONNX release known here; it is not used");
  if (ast.training) ctx.warn("the model's training information is not used");
  if (ast.ir_version > kNewestIr) ctx.warn("IR version " + std::to_string(ast.ir_version) + " is newer than the newest known one, " + std::to_string(kNewestIr));
  auto opset = ast.opsets.find("");
  if (opset != ast.opsets.end() && opset->second > kNewestOpset)
    ctx.warn("opset " + std::to_string(opset->second) + " is newer than the newest known one, " + std::to_string(kNewestOpset) + "; operators are taken as in that one");
}

tenon_error* TENON_CALL load(tenon_ctx* c, const tenon_source* s, tenon_graph* empty) TENON_NX {
  return guard(c, [&] {
    Ctx ctx(c);
    File file = open(s);
    if (!file.bytes.n) throw invalid("the file is empty").with("file", file.path);
    Ast ast = read_model(file);
    expand_functions(file, ast, ctx);
    report(ctx, ast);
    build(ctx, s, file, ast, empty);
  });
}

TENON_MANIFEST(R"({"kind":"frontend","id":"onnx","formats":["onnx"],"extensions":[".onnx"],"summary":"ONNX models of every IR version",)"
               R"("options":{"type":"object","properties":{},"additionalProperties":false}})");
constexpr tenon_frontend frontend = {{sizeof(tenon_frontend), TENON_KIND_FRONTEND, "onnx"}, &probe, &load};
TENON_REGISTER(&frontend.h);

}  // namespace
}  // namespace tenon::onnx
