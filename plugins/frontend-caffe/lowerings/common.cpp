// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <algorithm>
#include <cmath>

#include "parse/schema.hpp"

namespace tenon::caffe {
namespace {

constexpr int64_t kMostNumber = int64_t{1} << 28;

bool is_group(std::string_view name) {
  const auto& fields = Schema::get().message("LayerParameter").fields;
  return std::any_of(fields.begin(), fields.end(), [&](const FieldDef& f) { return f.name == name; });
}

bool ends_with(std::string_view s, std::string_view end) { return s.size() >= end.size() && s.substr(s.size() - end.size()) == end; }

Dims without_leading_ones(Dims d) {
  while (!d.empty() && d.front() == 1) d.erase(d.begin());
  return d;
}

bool fits(const Dims& expected, const Dims& found) {
  return expected.size() == found.size() && std::equal(expected.begin(), expected.end(), found.begin(), [](int64_t e, int64_t f) { return e < 0 || e == f; });
}

/// Leading dimensions may be absent or 1; unknown ones are taken from what is there.
bool matches(const Dims& expected, const Dims& found) {
  if (fits(expected, found)) return true;
  Dims f = without_leading_ones(found), e = expected;
  while (!e.empty() && e.size() > f.size() && (e.front() == 1 || e.front() < 0)) e.erase(e.begin());
  while (f.size() < e.size()) f.insert(f.begin(), 1);
  return fits(e, f);
}

}  // namespace

OwnedAttrs::OwnedAttrs(const Attrs& from) {
  for (const auto& a : from.all()) {
    std::string name(view(a.name));
    switch (a.type) {
      case TENON_AT_INT: list_.add(name, a.v.i); break;
      case TENON_AT_FLOAT: list_.add(name, a.v.f); break;
      case TENON_AT_STR: list_.add(name, view(a.v.strs[0])); break;
      case TENON_AT_INTS: list_.add(name, Ints(a.v.ints, a.v.ints + a.count)); break;
      case TENON_AT_FLOATS: list_.add(name, std::vector<double>(a.v.floats, a.v.floats + a.count)); break;
      case TENON_AT_STRS: list_.add(name, from.strings(name)); break;
      case TENON_AT_TENSORS: tensors_.assign(a.v.tensors, a.v.tensors + a.count); break;
      default: list_.add(name, "bytes"); break;  // a field that no schema has: check() refuses it by its name
    }
  }
  static_cast<Attrs&>(*this) = Attrs({list_.data(), list_.size()});
}

std::string text(const Dims& d) {
  std::string s = "[";
  for (size_t k = 0; k < d.size(); ++k) s += (k ? ", " : "") + (d[k] < 0 ? "?" : std::to_string(d[k]));
  return s + "]";
}

std::string Layer::key(std::string_view name) const {
  std::string k = prefix_ + std::string(name);
  read_.insert(k);
  return k;
}

double Layer::f(std::string_view name, double otherwise) const { return attrs_.f(key(name), static_cast<double>(static_cast<float>(otherwise))); }

void Layer::ignore(std::initializer_list<std::string_view> names) const {
  for (auto n : names) read_.insert(prefix_ + std::string(n));
}

int64_t Layer::at_least(std::string_view name, int64_t least, int64_t otherwise) const {
  int64_t v = i(name, otherwise);
  if (v < least || v > kMostNumber) throw invalid("parameter '" + std::string(name) + "' has the value " + std::to_string(v)).with("expected", "at least " + std::to_string(least));
  return v;
}

// The parameters of other types that a layer also has are nothing to Caffe either.
void Layer::check() const {
  std::set<std::string> foreign;
  for (const auto& a : attrs_.all()) {
    std::string name(view(a.name));
    if (read_.count(name) || ends_with(name, ".engine") || name.find("filler.") != name.npos) continue;
    std::string group = name.substr(0, name.find('.'));
    if (name.rfind(prefix_, 0) == 0) throw unsupported("parameter '" + name + "' is not known").with("hint", "the model comes from a fork of Caffe; a plugin can lower its layers");
    if (!is_group(group)) throw unsupported("the layer has the unknown parameter '" + name + "'").with("hint", "give the network as text, or choose the fork with \"dialect\"");
    foreign.insert(group);
  }
  for (const auto& g : foreign) ctx().warn("layer '" + name() + "' has a " + g + ", which layers of its type do not use");
}

void Layer::arity(uint64_t least, uint64_t most, uint64_t tops) const {
  uint64_t n = bottoms();
  if (n < least || n > most)
    throw invalid("wrong number of bottoms").with("expected", least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most)).with("found", std::to_string(n));
  if (l_.n_out() > tops || l_.n_out() == 0) throw invalid("wrong number of tops").with("expected", "1 to " + std::to_string(tops)).with("found", std::to_string(l_.n_out()));
}

tenon_value Layer::in(uint64_t k) const {
  tenon_value v = l_.in(k);
  if (!v) throw invalid("bottom " + std::to_string(k) + " is missing");
  return v;
}

int64_t Layer::rank(tenon_value v) const {
  int64_t r = info(v).rank();
  if (r < 0) throw unsupported("the rank of a bottom is not known").with("hint", "give the shapes of the model's inputs with \"shapes\"");
  return r;
}

int64_t Layer::axis(int64_t axis, int64_t rank, bool end) const {
  int64_t a = axis < 0 ? axis + rank + (end ? 1 : 0) : axis;
  if (a < 0 || a >= rank + (end ? 1 : 0)) throw invalid("axis " + std::to_string(axis) + " is out of range").with("expected", "an axis of a blob of " + std::to_string(rank) + " dimensions");
  return a;
}

tenon_value Layer::reshaped(tenon_value v, const Dims& dims) const {
  uint64_t offset = 0;
  Buffer b = graph().constant_buffer(v, &offset);
  ValueInfo i = info(v);
  return graph().add_constant(i.name(), i.type(), dims, b, offset);
}

namespace {

constexpr uint64_t kMostFilled = uint64_t{1} << 23;  // a few bytes of text must not ask for more

/// Weights that a filler decides: a constant, or bilinear interpolation for a deconvolution that enlarges.
std::optional<std::vector<float>> filled(const Attrs& l, const std::string& filler, const Dims& dims) {
  std::string type = l.s(filler + ".type", l.has(filler + ".value") ? "constant" : "");
  uint64_t n = 1;
  for (int64_t d : dims)
    if (d < 0 || __builtin_mul_overflow(n, static_cast<uint64_t>(d), &n) || n > kMostFilled) return std::nullopt;
  if (type == "constant") return std::vector<float>(n, static_cast<float>(l.f(filler + ".value", 0)));
  if (type != "bilinear" || dims.size() != 4 || dims[2] != dims[3]) return std::nullopt;
  std::vector<float> r(n);
  auto side = static_cast<uint64_t>(dims[3]);
  float factor = std::ceil(static_cast<float>(side) / 2.0f), center = static_cast<float>((2 * factor - 1 - std::fmod(factor, 2.0f)) / (2.0 * factor));
  for (uint64_t k = 0; k < n; ++k) {
    float x = static_cast<float>(k % side), y = static_cast<float>(k / side % side);
    r[k] = (1 - std::fabs(x / factor - center)) * (1 - std::fabs(y / factor - center));
  }
  return r;
}

}  // namespace

tenon_value Layer::blob(uint64_t k, const Dims& expected, std::string_view filler) const {
  if (k >= blobs()) {
    auto data = blobs() == 0 && !filler.empty() ? filled(attrs_, prefix_ + std::string(filler), expected) : std::nullopt;
    if (!data) throw unsupported("the layer has no weights (blob " + std::to_string(k) + ")").with("hint", "\"model\" is the .caffemodel and \"network\" the .prototxt");
    ctx().warn("layer '" + name() + "' has no weights in the model; they come from its " + std::string(filler));
    return constant(expected, *data);
  }
  tenon_value v = attrs_.blobs()[k];
  Dims found = info(v).dims(), want = expected;
  if (!matches(expected, found)) throw invalid("blob " + std::to_string(k) + " of the layer has the wrong shape").with("expected", text(expected)).with("found", text(found));
  if (found == expected) return v;
  while (found.size() > want.size()) found.erase(found.begin());
  while (found.size() < want.size()) found.insert(found.begin(), 1);
  return reshaped(v, found);
}

tenon_value Layer::channel_blob(uint64_t k, int64_t n) const {
  if (k >= blobs()) return blob(k, {n});
  tenon_value v = attrs_.blobs()[k];
  Dims found = info(v).dims();
  int64_t count = info(v).count();
  bool one_axis = std::count_if(found.begin(), found.end(), [](int64_t d) { return d != 1; }) <= 1;
  if (!one_axis || (n >= 0 && count != n)) throw invalid("blob " + std::to_string(k) + " of the layer has the wrong shape").with("expected", text({n})).with("found", text(found));
  return reshaped(v, {count});
}

std::vector<float> Layer::blob_data(uint64_t k) const {
  tenon_value v = attrs_.blobs()[k];
  auto bytes = graph().constant_bytes(v);
  std::vector<float> r(static_cast<size_t>(info(v).count()));
  if (!r.empty()) std::memcpy(r.data(), bytes.p, r.size() * 4);
  return r;
}

tenon_value Layer::reduce(std::string_view op, tenon_value v, const Ints& axes, bool keep) const {
  return emit(op, {v, ints(axes)}, AttrList{}.set("keepdims", keep ? 1 : 0));
}

bool Layer::top_used(uint64_t k) const {
  if (!l_.has_out(k)) return false;
  ValueInfo v = info(l_.out(k));
  return v.n_uses() > 0 || v.is_output();
}

void Layer::done(const Values& with) const {
  check();
  l_.done(with);
}

Shape& Shape::of(tenon_value v, int64_t k) {
  int64_t d = l_.dim(v, k);
  return d >= 0 ? number(d) : value(dim_value(l_, v, k));
}

tenon_value Shape::get() const {
  Values pieces;
  Ints run;
  auto flush = [&] {
    if (!run.empty()) pieces.push_back(l_.ints(run));
    run.clear();
  };
  for (const auto& p : parts_) {
    if (!p.v) {
      run.push_back(p.number);
      continue;
    }
    flush();
    pieces.push_back(p.v);
  }
  flush();
  if (pieces.empty()) return l_.ints({});
  return pieces.size() == 1 ? pieces[0] : l_.emit("Concat", pieces, AttrList{}.set("axis", 0));
}

tenon_value reshape(const Layer& l, tenon_value v, const Shape& s) { return l.emit("Reshape", {v, s.get()}, AttrList{}.set("allowzero", 1)); }

tenon_value dim_value(const Layer& l, tenon_value v, int64_t k) { return l.emit("Shape", {v}, AttrList{}.set("start", k).set("end", k + 1)); }

}  // namespace tenon::caffe
