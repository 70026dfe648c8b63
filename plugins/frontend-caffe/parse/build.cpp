// SPDX-License-Identifier: Apache-2.0
#include "build.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "attributes.hpp"
#include "blobs.hpp"
#include "kinds.hpp"

namespace tenon::caffe {
namespace {

using Names = std::unordered_set<std::string>;

/// Which layers become nodes.
struct Plan {
  std::vector<uint8_t> kept;  ///< by layer
  Names needed;               ///< blobs that a kept layer reads
  Names silenced;             ///< blobs that only layers without a result read
};

bool reads_any(const Names& names, const std::vector<std::string>& blobs) {
  return std::any_of(blobs.begin(), blobs.end(), [&](const auto& b) { return names.count(b) != 0; });
}
bool reads_all(const Names& names, const std::vector<std::string>& blobs) {
  return !blobs.empty() && std::all_of(blobs.begin(), blobs.end(), [&](const auto& b) { return names.count(b) != 0; });
}

/// Backwards: a loss or metric stays only where something reads its result; a Split that feeds nothing but those goes with them.
Plan make_plan(const Net& net) {
  Plan p;
  p.kept.assign(net.layers.size(), 1);
  Names dropped_reads;
  for (size_t k = net.layers.size(); k-- > 0;) {
    const LayerProto& l = net.layers[k];
    auto tops = l.tops(), bottoms = l.bottoms();
    bool needed = reads_any(p.needed, tops), dead = !needed && is_evaluation(l.type()) && !is_prediction_with_loss(l.type());
    bool dead_split = !needed && l.type() == "Split" && reads_all(dropped_reads, tops);
    if (dead || dead_split) {
      p.kept[k] = 0;
      dropped_reads.insert(bottoms.begin(), bottoms.end());
      if (l.type() == "Silence") p.silenced.insert(bottoms.begin(), bottoms.end());
      continue;
    }
    bool label_dropped = is_prediction_with_loss(l.type()) && (tops.empty() || !p.needed.count(tops[0]));
    if (label_dropped && bottoms.size() > 1) {
      dropped_reads.insert(bottoms.begin() + 1, bottoms.end());
      bottoms.resize(1);
    }
    if (!is_source(l.type())) p.needed.insert(bottoms.begin(), bottoms.end());
  }
  return p;
}

class Builder {
  const Ctx& ctx_;
  const File& file_;
  const Net& net_;
  Graph graph_;
  Blobs blobs_;
  Plan plan_;
  std::unordered_map<std::string, tenon_value> now_;    ///< blob -> its latest value
  std::unordered_map<std::string, size_t> last_write_;  ///< blob -> layer
  Names read_;                                          ///< blobs whose latest value something reads
  std::vector<std::string> made_;                       ///< blobs that layers made, in order
  Names known_;                                         ///< the same
  std::vector<std::string> dropped_;

  Error bad(const LayerProto& l, std::string text) const { return invalid(std::move(text)).with("file", file_.path).with("node", l.name()); }

  /// Shape of top k of a layer that gives data; empty where the file does not say.
  static Dims source_dims(const LayerProto& l, size_t k) {
    if (const Message* p = l.m.message("input_param")) {
      const auto* shapes = p->messages("shape");
      if (!shapes || shapes->empty()) return {};
      return (*shapes)[shapes->size() == 1 ? 0 : std::min(k, shapes->size() - 1)].integers("dim");
    }
    const Message* p = l.m.message("memory_data_param");
    if (!p) return image_dims(l, k);
    if (k) return {p->integer("batch_size")};
    return {p->integer("batch_size"), p->integer("channels"), p->integer("height"), p->integer("width")};
  }
  /// Layers that read files know their batch and the size that they crop to; 0 = not known.
  static Dims image_dims(const LayerProto& l, size_t k) {
    int64_t batch = 0, crop = 0, height = 0, width = 0;
    for (const char* name : {"data_param", "image_data_param", "window_data_param", "hdf5_data_param"})
      if (const Message* p = l.m.message(name)) {
        batch = p->integer("batch_size", 0);
        crop = p->integer("crop_size", 0);
        height = p->integer("new_height", 0);
        width = p->integer("new_width", 0);
      }
    if (const Message* t = l.m.message("transform_param"); t && t->integer("crop_size")) crop = t->integer("crop_size");
    if (k || l.type() == "HDF5Data") return {};
    return {batch, 0, crop ? crop : height, crop ? crop : width};
  }
  /// Scaling, mean and cropping are the caller's.
  static std::string untransformed(const LayerProto& l, size_t k) { return !k && l.m.has("transform_param") ? ", transformed already as its transform_param says" : ""; }
  void add_source(const LayerProto& l) {
    auto tops = l.tops();
    bool declared = l.type() == "Input";
    if (!l.bottoms().empty()) throw bad(l, "a layer of type " + l.type() + " has inputs");
    if (const Message* p = l.m.message("input_param"); p && p->messages("shape") && p->messages("shape")->size() > 1 && p->messages("shape")->size() != tops.size())
      throw bad(l, "the layer has not one shape for each top");
    for (size_t k = 0; k < tops.size(); ++k) {
      if (!declared && !plan_.needed.count(tops[k])) continue;
      Dims dims = source_dims(l, k);
      int64_t count = 1;
      for (size_t i = 0; i < dims.size(); ++i) {
        if (dims[i] < 0) throw bad(l, "the input has a negative dimension").with("found", std::to_string(dims[i]));
        // the limit of Caffe's blobs
        if (dims[i] && dims[i] > INT32_MAX / count) throw bad(l, "the input has too many elements").with("expected", "at most " + std::to_string(INT32_MAX));
        if (dims[i]) count *= dims[i];
        if (dims[i] == 0) dims[i] = graph_.symbol(tops[k] + "_dim_" + std::to_string(i));
      }
      bool known = !dims.empty() || (declared && l.m.message("input_param"));
      tenon_value v = known ? graph_.add_input(tops[k], dt::f32, dims) : graph_.add_input(tops[k], dt::f32, TENON_RANK_UNKNOWN, nullptr);
      define(l, tops[k], v, false);
      if (!declared) ctx_.warn("layer '" + l.name() + "' (" + l.type() + ") reads data; its blob '" + tops[k] + "' is an input of the graph" + untransformed(l, k));
    }
  }

  void define(const LayerProto& l, const std::string& blob, tenon_value v, bool in_place) {
    if (blob.empty()) throw bad(l, "a top has no name");
    if (now_.count(blob) && !in_place) throw bad(l, "blob '" + blob + "' is made by two layers");
    now_[blob] = v;
    read_.erase(blob);
  }

  std::vector<tenon_value> inputs(const LayerProto& l, const std::vector<std::string>& bottoms) {
    std::vector<tenon_value> r;
    for (const auto& b : bottoms) {
      auto at = now_.find(b);
      if (at == now_.end()) throw bad(l, "nothing makes blob '" + b + "'").with("hint", "a layer that makes it may belong to another phase");
      r.push_back(at->second);
      read_.insert(b);
    }
    return r;
  }

  void drop(const LayerProto& l) { dropped_.push_back("'" + l.name() + "' (" + l.type() + ")"); }

  /// A loss whose predictions stay: reads them alone, and makes what the layer's second top is.
  void trim_loss(const LayerProto& l, std::vector<std::string>* bottoms, std::vector<std::string>* tops) {
    if (!is_prediction_with_loss(l.type()) || (!tops->empty() && plan_.needed.count((*tops)[0]))) return;
    if (bottoms->empty()) throw bad(l, "the layer has no inputs");
    bottoms->resize(1);
    std::string out = tops->size() > 1 ? (*tops)[1] : l.name() + "/predictions";
    *tops = {out};
    ctx_.warn("layer '" + l.name() + "' (" + l.type() + ") is a loss: the graph has its predictions, '" + out + "', and no loss");
  }

  std::string value_name(const std::string& blob, const LayerProto& l, size_t layer) const {
    auto at = last_write_.find(blob);
    return at == last_write_.end() || at->second == layer ? blob : blob + "/" + l.name();
  }

  void add_node(const LayerProto& l, size_t index) {
    auto bottoms = l.bottoms(), tops = l.tops();
    if (l.type().empty()) throw bad(l, "a layer has no type").with("hint", "a file with weights alone needs the network, as \"network\"");
    trim_loss(l, &bottoms, &tops);
    auto in = inputs(l, bottoms);
    Attributes attributes;
    attributes.add_layer(l);
    if (auto blobs = blobs_.of(l); !blobs.empty()) attributes.add_blobs(std::move(blobs));
    std::vector<std::string> names;
    std::vector<tenon_str> out_names;
    for (const auto& t : tops) names.push_back(value_name(t, l, index));
    for (const auto& n : names) out_names.push_back(str(n));
    std::vector<tenon_value> made(tops.size());
    std::string name = l.name(), type = l.type();
    tenon_node_desc d{};
    d.struct_size = sizeof d;
    d.op = Graph::op("caffe", type, 1);
    d.name = str(name);
    d.in = in.data();
    d.n_in = in.size();
    d.attr = attributes.list().data();
    d.n_attr = attributes.list().size();
    d.out_name = out_names.data();
    d.n_out = out_names.size();
    const tenon_node_desc* list = &d;
    tenon_node node{};
    ok(api().ir->add_nodes(ctx_.raw(), graph_.raw(), 1, &list, &node, made.data()));
    for (size_t k = 0; k < tops.size(); ++k) {
      bool in_place = std::find(bottoms.begin(), bottoms.end(), tops[k]) != bottoms.end();
      define(l, tops[k], made[k], in_place);
      if (known_.insert(tops[k]).second) made_.push_back(tops[k]);
    }
  }

  /// As in Caffe: what is made and never read.
  void set_outputs() {
    std::vector<tenon_value> values;
    std::vector<std::string> names;
    for (const auto& blob : made_) {
      if (read_.count(blob) || plan_.silenced.count(blob)) continue;
      values.push_back(now_.at(blob));
      names.push_back(blob);
    }
    if (values.empty()) throw invalid("the network has no output").with("file", file_.path).with("hint", "every blob is read by a layer; is it the network of another phase?");
    graph_.set_outputs(values, names);
  }

 public:
  Builder(const Ctx& ctx, const File& file, const Net& net, const Weights* weights, tenon_graph* g)
      : ctx_(ctx), file_(file), net_(net), graph_(ctx.raw(), g), blobs_(ctx, g, file, weights), plan_(make_plan(net)) {}

  void run() {
    for (size_t k = 0; k < net_.layers.size(); ++k)
      for (const auto& t : net_.layers[k].tops()) last_write_[t] = k;
    for (size_t k = 0; k < net_.layers.size(); ++k) {
      const LayerProto& l = net_.layers[k];
      if (k % 1024 == 0) ctx_.progress(k, net_.layers.size(), "layers");
      if (!plan_.kept[k]) drop(l);
      else if (is_source(l.type())) add_source(l);
      else add_node(l, k);
    }
    blobs_.report(net_);
    set_outputs();
    report_dropped();
  }

  void report_dropped() const {
    if (dropped_.empty()) return;
    std::string list;
    for (size_t k = 0; k < dropped_.size() && k < 8; ++k) list += (k ? ", " : "") + dropped_[k];
    if (dropped_.size() > 8) list += " and " + std::to_string(dropped_.size() - 8) + " more";
    ctx_.warn("layers that only measure or write results are dropped: " + list);
  }
};

}  // namespace

void build(const Ctx& ctx, const File& file, const Net& net, const Weights* weights, tenon_graph* g) {
  Graph graph(ctx.raw(), g);
  graph.set_metadata("format", "caffe");
  if (!net.name.empty()) graph.set_metadata("network", net.name);
  Builder(ctx, file, net, weights, g).run();
}

}  // namespace tenon::caffe
