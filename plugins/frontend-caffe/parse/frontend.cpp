// SPDX-License-Identifier: Apache-2.0
// frontend.cpp - the door: probe and load.
#include <algorithm>

#include "build.hpp"

namespace tenon::caffe {
namespace {

bool is_text_name(std::string_view extension) { return extension == ".prototxt" || extension == ".pbtxt" || extension == ".txt"; }

tenon_error* TENON_CALL probe(tenon_ctx* c, const tenon_source* s, int32_t* score) TENON_NX {
  return guard(c, [&] {
    bool weights = view(s->extension) == ".caffemodel", text = view(s->extension) == ".prototxt";
    int binary = binary_score(s->head, s->head_len, s->head_len == s->size), words = text_score(s->head, s->head_len);
    int best = std::max(binary, words);
    *score = best && (weights || text) ? 95 : best > 30 ? best - 10 : 0;
  });
}

/// Text or binary: what the bytes look like decides, then the name.
bool is_text(const File& file, std::string_view extension) {
  Bytes b = file.bytes();
  if (!b.n) throw invalid("the file is empty").with("file", file.path);
  uint64_t head = std::min<uint64_t>(b.n, 1 << 16);
  return text_score(b.p, head) > 0 || (is_text_name(extension) && !binary_score(b.p, head, head == b.n));
}

Message read_net(const File& file, const Dialect& dialect, std::string_view extension) {
  const MessageDef& net = Schema::get().message("NetParameter");
  return is_text(file, extension) ? read_text(file, net, dialect) : read_binary(file, net, dialect);
}

Message read_weights(const File& file, const Dialect& dialect, std::string_view extension) {
  return is_text(file, extension) ? read_net(file, dialect, extension) : read_binary_weights(file, dialect);
}

std::string extension_of(const std::string& path) {
  size_t dot = path.rfind('.');
  return dot == path.npos ? "" : path.substr(dot);
}

State read_state(const Ctx& ctx, const Message& net) {
  State s;
  s.phase = ctx.option("/phase", std::string("TEST"));
  if (s.phase != "TEST") ctx.warn("the network is the one of phase " + s.phase + "; its layers compute as at test time");
  if (const Message* own = net.message("state")) {
    s.level = own->integer("level");
    s.stages = own->texts("stage");
  }
  s.level = ctx.option("/level", s.level);
  for (size_t k = 0;; ++k) {
    std::string stage = ctx.option(("/stages/" + std::to_string(k)).c_str(), std::string());
    if (stage.empty()) return s;
    s.stages.push_back(stage);
  }
}

bool any_blobs(const Net& net) {
  return std::any_of(net.layers.begin(), net.layers.end(), [](const LayerProto& l) { return l.m.has("blobs"); });
}

void warn_unknown(const Ctx& ctx, const Message& net) {
  for (const auto& f : net.fields)
    if (!f.def) ctx.warn("field '" + f.name + "' of the network is unknown; it is not used");
  if (const Message* s = net.message("state"); s && s->has("phase")) ctx.log(2, "the network states a phase; the option \"phase\" decides");
}

void load_one(const Ctx& ctx, const File& file, const Dialect& dialect, std::string_view extension, tenon_graph* g) {
  Message m = read_net(file, dialect, extension);
  warn_unknown(ctx, m);
  State state = read_state(ctx, m);
  Net net = upgrade(file, std::move(m));
  filter(file, net, state);
  build(ctx, file, net, nullptr, g);
}

void load_two(const Ctx& ctx, const File& weights, const File& network, const Dialect& dialect, std::string_view extension, tenon_graph* g) {
  Message m = read_net(network, dialect, extension_of(network.path));
  warn_unknown(ctx, m);
  State state = read_state(ctx, m);
  Net net = upgrade(network, std::move(m));
  filter(network, net, state);
  Weights w{weights, upgrade(weights, read_weights(weights, dialect, extension))};
  if (!any_blobs(w.net) && any_blobs(net))
    throw Error(TENON_E_CONFIG, "the model has no weights, but the network has").with("hint", "\"model\" is the .caffemodel and \"network\" the .prototxt");
  if (!any_blobs(w.net)) ctx.warn("the model file has no weights");
  build(ctx, network, net, &w, g);
}

tenon_error* TENON_CALL load(tenon_ctx* c, const tenon_source* s, tenon_graph* empty) TENON_NX {
  return guard(c, [&] {
    Ctx ctx(c);
    Dialect dialect(ctx.option("/dialect", std::string("auto")));
    File file{Buffer::borrow(s->bytes), std::string(view(s->path))};
    std::string network = ctx.option("/network", std::string());
    if (network.empty()) return load_one(ctx, file, dialect, view(s->extension), empty);
    tenon_buffer* b{};
    ok(s->sibling(c, s, str(network), &b));
    load_two(ctx, file, File{Buffer(b), network}, dialect, view(s->extension), empty);
  });
}

TENON_MANIFEST(R"({"kind":"frontend","id":"caffe","formats":["caffe"],"extensions":[".caffemodel",".prototxt"],"reshape":true,)"
               R"("summary":"Caffe models, text and binary, of every form since 2013 and of the forks",)"
               R"("inputs":["Input","Data","ImageData","HDF5Data","MemoryData","WindowData","AnnotatedData","VideoData"],)"
               R"("drops":["Accuracy","ContrastiveLoss","EuclideanLoss","HingeLoss","MultinomialLogisticLoss","HDF5Output","Silence","DetectionEvaluate","MultiBoxLoss","SmoothL1Loss"],)"
               R"("options":{"type":"object","properties":{)"
               R"("network":{"type":"string","format":"path","description":"the .prototxt; without it the structure in the model file is used"},)"
               R"("dialect":{"type":"string","enum":["auto","bvlc","mnn","ncnn","nvidia","rcnn","segnet","ssd"],"default":"auto","description":"whose meaning of field numbers counts in a binary file"},)"
               R"("phase":{"type":"string","enum":["TEST","TRAIN"],"default":"TEST"},)"
               R"("level":{"type":"integer","description":"level of the network's state, for min_level and max_level"},)"
               R"("stages":{"type":"array","items":{"type":"string"},"description":"stages of the network's state"}},"additionalProperties":false}})");
constexpr tenon_frontend frontend = {{sizeof(tenon_frontend), TENON_KIND_FRONTEND, "caffe"}, &probe, &load};
TENON_REGISTER(&frontend.h);

}  // namespace
}  // namespace tenon::caffe
