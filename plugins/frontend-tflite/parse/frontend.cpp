// SPDX-License-Identifier: Apache-2.0
// frontend.cpp - the door: probe and load.
#include <cstring>

#include "build.hpp"

namespace tenon::tflite {
namespace {

tenon_error* TENON_CALL probe(tenon_ctx* c, const tenon_source* s, int32_t* score) TENON_NX {
  return guard(c, [&] {
    bool magic = s->head_len >= 8 && std::memcmp(s->head + 4, "TFL3", 4) == 0, named = view(s->extension) == ".tflite";
    *score = magic ? 100 : named ? 40 : 0;
  });
}

tenon_error* TENON_CALL load(tenon_ctx* c, const tenon_source* s, tenon_graph* empty) TENON_NX {
  return guard(c, [&] {
    Ctx ctx(c);
    File file = open_file(s);
    build(ctx, s, file, choose_entry(ctx, file, ctx.option("/signature", "")), empty);
  });
}

TENON_MANIFEST(R"({"kind":"frontend","id":"tflite","formats":["tflite"],"extensions":[".tflite"],"summary":"TFLite models of format version 3",)"
               R"("options":{"type":"object","properties":{"signature":{"type":"string","description":"which function of the model; its inputs and outputs take the signature's names"}},"additionalProperties":false}})");
constexpr tenon_frontend frontend = {{sizeof(tenon_frontend), TENON_KIND_FRONTEND, "tflite"}, &probe, &load};
TENON_REGISTER(&frontend.h);

}  // namespace
}  // namespace tenon::tflite
