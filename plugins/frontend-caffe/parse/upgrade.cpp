// SPDX-License-Identifier: Apache-2.0
#include "upgrade.hpp"

#include <algorithm>
#include <unordered_map>

namespace tenon::caffe {
namespace {

/// Names of the types of 2014; those that are not here (MVN, LRN) keep theirs with other letters only.
const std::map<std::string, std::string, std::less<>>& v1_types() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"NONE", ""}, {"ABSVAL", "AbsVal"}, {"ACCURACY", "Accuracy"}, {"ARGMAX", "ArgMax"}, {"BNLL", "BNLL"}, {"CONCAT", "Concat"},
      {"CONTRASTIVE_LOSS", "ContrastiveLoss"}, {"CONVOLUTION", "Convolution"}, {"DATA", "Data"}, {"DECONVOLUTION", "Deconvolution"},
      {"DROPOUT", "Dropout"}, {"DUMMY_DATA", "DummyData"}, {"EUCLIDEAN_LOSS", "EuclideanLoss"}, {"ELTWISE", "Eltwise"}, {"EXP", "Exp"},
      {"FLATTEN", "Flatten"}, {"HDF5_DATA", "HDF5Data"}, {"HDF5_OUTPUT", "HDF5Output"}, {"HINGE_LOSS", "HingeLoss"}, {"IM2COL", "Im2col"},
      {"IMAGE_DATA", "ImageData"}, {"INFOGAIN_LOSS", "InfogainLoss"}, {"INNER_PRODUCT", "InnerProduct"}, {"LRN", "LRN"},
      {"MEMORY_DATA", "MemoryData"}, {"MULTINOMIAL_LOGISTIC_LOSS", "MultinomialLogisticLoss"}, {"MVN", "MVN"}, {"POOLING", "Pooling"},
      {"POWER", "Power"}, {"RELU", "ReLU"}, {"SIGMOID", "Sigmoid"}, {"SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss"},
      {"SILENCE", "Silence"}, {"SOFTMAX", "Softmax"}, {"SOFTMAX_LOSS", "SoftmaxWithLoss"}, {"SPLIT", "Split"}, {"SLICE", "Slice"},
      {"TANH", "TanH"}, {"WINDOW_DATA", "WindowData"}, {"THRESHOLD", "Threshold"}};
  return all;
}

const std::map<std::string, std::string, std::less<>>& v0_types() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"accuracy", "Accuracy"}, {"bnll", "BNLL"}, {"concat", "Concat"}, {"conv", "Convolution"}, {"data", "Data"}, {"dropout", "Dropout"},
      {"euclidean_loss", "EuclideanLoss"}, {"flatten", "Flatten"}, {"hdf5_data", "HDF5Data"}, {"hdf5_output", "HDF5Output"},
      {"im2col", "Im2col"}, {"images", "ImageData"}, {"infogain_loss", "InfogainLoss"}, {"innerproduct", "InnerProduct"}, {"lrn", "LRN"},
      {"multinomial_logistic_loss", "MultinomialLogisticLoss"}, {"pool", "Pooling"}, {"relu", "ReLU"}, {"sigmoid", "Sigmoid"},
      {"softmax", "Softmax"}, {"softmax_loss", "SoftmaxWithLoss"}, {"split", "Split"}, {"tanh", "TanH"}, {"window_data", "WindowData"}};
  return all;
}

struct Place {
  const char *type, *field, *param, *to;  ///< a field of the form of 2013, for a type, and where it went; type "" = every type
};

constexpr Place kPlaces[] = {
    {"conv", "num_output", "convolution_param", "num_output"}, {"innerproduct", "num_output", "inner_product_param", "num_output"},
    {"conv", "biasterm", "convolution_param", "bias_term"}, {"innerproduct", "biasterm", "inner_product_param", "bias_term"},
    {"conv", "weight_filler", "convolution_param", "weight_filler"}, {"innerproduct", "weight_filler", "inner_product_param", "weight_filler"},
    {"conv", "bias_filler", "convolution_param", "bias_filler"}, {"innerproduct", "bias_filler", "inner_product_param", "bias_filler"},
    {"conv", "pad", "convolution_param", "pad"}, {"pool", "pad", "pooling_param", "pad"}, {"im2col", "pad", "convolution_param", "pad"},
    {"conv", "kernelsize", "convolution_param", "kernel_size"}, {"pool", "kernelsize", "pooling_param", "kernel_size"}, {"im2col", "kernelsize", "convolution_param", "kernel_size"},
    {"conv", "group", "convolution_param", "group"}, {"conv", "stride", "convolution_param", "stride"}, {"pool", "stride", "pooling_param", "stride"},
    {"im2col", "stride", "convolution_param", "stride"}, {"pool", "pool", "pooling_param", "pool"},
    {"dropout", "dropout_ratio", "dropout_param", "dropout_ratio"}, {"lrn", "local_size", "lrn_param", "local_size"},
    {"lrn", "alpha", "lrn_param", "alpha"}, {"lrn", "beta", "lrn_param", "beta"}, {"lrn", "k", "lrn_param", "k"},
    {"data", "source", "data_param", "source"}, {"hdf5_data", "source", "hdf5_data_param", "source"}, {"images", "source", "image_data_param", "source"},
    {"window_data", "source", "window_data_param", "source"}, {"infogain_loss", "source", "infogain_loss_param", "source"},
    {"", "scale", "transform_param", "scale"}, {"", "meanfile", "transform_param", "mean_file"}, {"", "cropsize", "transform_param", "crop_size"},
    {"", "mirror", "transform_param", "mirror"}, {"data", "batchsize", "data_param", "batch_size"}, {"hdf5_data", "batchsize", "hdf5_data_param", "batch_size"},
    {"images", "batchsize", "image_data_param", "batch_size"}, {"window_data", "batchsize", "window_data_param", "batch_size"},
    {"data", "rand_skip", "data_param", "rand_skip"}, {"images", "rand_skip", "image_data_param", "rand_skip"},
    {"images", "shuffle_images", "image_data_param", "shuffle"}, {"images", "new_height", "image_data_param", "new_height"},
    {"images", "new_width", "image_data_param", "new_width"}, {"concat", "concat_dim", "concat_param", "concat_dim"},
    {"window_data", "det_fg_threshold", "window_data_param", "fg_threshold"}, {"window_data", "det_bg_threshold", "window_data_param", "bg_threshold"},
    {"window_data", "det_fg_fraction", "window_data_param", "fg_fraction"}, {"window_data", "det_context_pad", "window_data_param", "context_pad"},
    {"window_data", "det_crop_mode", "window_data_param", "crop_mode"}, {"hdf5_output", "hdf5_output_param", "", "hdf5_output_param"}};

/// The field under a new name, in a message of the newest form.
void move_field(Field&& f, Message& to, std::string_view name) {
  const FieldDef* d = field_of(to, name);
  Field& x = to.at_name(name, d);
  f.name = x.name;
  f.def = d;
  x = std::move(f);
}

Error in_layer(const File& file, const std::string& name, std::string text) { return invalid(std::move(text)).with("file", file.path).with("node", name); }

bool is_one_of(std::string_view s, std::initializer_list<std::string_view> all) { return std::find(all.begin(), all.end(), s) != all.end(); }

void place_v0(const File& file, const std::string& name, const std::string& type, Field&& f, LayerProto& to) {
  for (const Place& p : kPlaces) {
    if (f.name != p.field || (*p.type && type != p.type)) continue;
    Message& m = *p.param ? sub_message(to.m, p.param) : to.m;
    std::string where = p.to;
    return move_field(std::move(f), m, where);
  }
  throw in_layer(file, name, "field '" + f.name + "' has no meaning for a layer of type '" + type + "'");
}

/// `layers { layer { ... } bottom top }`
LayerProto upgrade_v0(const File& file, Message&& connection) {
  LayerProto to{new_message("LayerParameter")};
  Message v0 = std::move(connection.find("layer")->messages.back());
  std::string type = v0.text("type"), name = v0.text("name");
  auto at = v0_types().find(type);
  if (at == v0_types().end()) throw in_layer(file, name, "unknown layer type '" + type + "' of the oldest form");
  set_text(to.m, "name", name);
  set_text(to.m, "type", at->second);
  for (auto& f : connection.fields) {
    if (is_one_of(f.name, {"bottom", "top", "loss_weight", "include", "exclude"})) move_field(std::move(f), to.m, std::string(f.name));
    else if (f.name != "layer") throw in_layer(file, name, "a layer of the oldest form has a field of a newer one").with("found", f.name);
  }
  for (auto& f : v0.fields) {
    if (is_one_of(f.name, {"name", "type", "blobs_lr", "weight_decay"})) continue;
    if (f.name == "blobs") move_field(std::move(f), to.m, "blobs");
    else place_v0(file, name, type, std::move(f), to);
  }
  return to;
}

void name_params(LayerProto& to, const std::vector<std::string>& names) {
  Field& f = to.m.at_name("param", field_of(to.m, "param"));
  for (const auto& n : names) {
    f.messages.push_back(new_message("ParamSpec"));
    set_text(f.messages.back(), "name", n);
  }
}

LayerProto upgrade_v1(const File& file, Message&& m) {
  if (m.message("layer")) return upgrade_v0(file, std::move(m));
  LayerProto to{new_message("LayerParameter")};
  std::string name = m.text("name");
  for (auto& f : m.fields) {
    if (is_one_of(f.name, {"blobs_lr", "weight_decay", "blob_share_mode"})) continue;
    if (f.name == "type") set_text(to.m, "type", v1_types().at(f.texts.back()));
    else if (f.name == "param") name_params(to, f.texts);
    else if (f.def) move_field(std::move(f), to.m, std::string(f.name));
    else to.m.fields.push_back(std::move(f));
  }
  return to;
}

bool is_padding(const Message& connection) {
  const Message* v0 = connection.message("layer");
  return v0 && v0->text("type") == "padding";
}

/// Padding layers of the oldest form belong to the convolution or pooling that reads them.
void fold_padding(const File& file, std::vector<Message>& layers) {
  std::unordered_map<std::string, Message*> producer;
  for (auto& c : layers) {
    Field* bottoms = c.find("bottom");
    for (size_t k = 0; bottoms && k < bottoms->texts.size(); ++k) {
      auto at = producer.find(bottoms->texts[k]);
      if (at == producer.end() || !is_padding(*at->second)) continue;
      Message* v0 = c.message("layer") ? &c.find("layer")->messages.back() : nullptr;
      const Message& padding = *at->second;
      if (!v0 || !is_one_of(v0->text("type"), {"conv", "pool"}) || padding.texts("bottom").size() != 1)
        throw in_layer(file, v0 ? v0->text("name") : "", "a padding layer stands before something else than a convolution or a pooling");
      v0->at_name("pad", field_of(*v0, "pad")).ints = {padding.message("layer")->integer("pad")};
      bottoms->texts[k] = padding.texts("bottom")[0];
    }
    for (const auto& top : c.texts("top")) producer[top] = &c;
  }
  std::erase_if(layers, is_padding);
}

}  // namespace

Message new_message(std::string_view type) {
  Message m;
  m.def = &Schema::get().message(type);
  return m;
}

const FieldDef* field_of(const Message& m, std::string_view name) {
  for (const auto& f : m.def->fields)
    if (f.name == name) return &f;
  throw Error(TENON_E_INTERNAL, m.def->name + " has no field '" + std::string(name) + "'");
}

void set_text(Message& m, std::string_view name, std::string value) { m.at_name(name, field_of(m, name)).texts = {std::move(value)}; }

Message& sub_message(Message& m, std::string_view name) {
  const FieldDef* d = field_of(m, name);
  Field& f = m.at_name(name, d);
  if (f.messages.empty()) {
    f.messages.emplace_back();
    f.messages.back().def = d->message;
  }
  return f.messages.back();
}

void upgrade_layers(const File& file, std::vector<Message> from, std::vector<LayerProto>* to) {
  fold_padding(file, from);
  for (auto& m : from) to->push_back(upgrade_v1(file, std::move(m)));
}

}  // namespace tenon::caffe
