// SPDX-License-Identifier: Apache-2.0
// python.cpp - layers whose code is Python. The region proposal of py-faster-rcnn is known; the others need a plugin.
#include <charconv>

#include "common.hpp"

namespace tenon::caffe {
namespace {

/// Numbers behind a key of the layer's param_str, which is YAML: "'feat_stride': 16", "{'scales': [8, 16]}". Empty where it is absent.
std::vector<double> numbers(const std::string& yaml, const std::string& key) {
  std::vector<double> r;
  size_t at = yaml.find(key);
  if (at == yaml.npos) return r;
  at = yaml.find(':', at);
  if (at == yaml.npos) return r;
  ++at;
  for (bool list = false; at < yaml.size(); ++at) {
    char c = yaml[at];
    if (c == '[' || c == '(') list = true;
    if (c == ']' || c == ')' || c == '}' || c == '\n' || (c == ',' && !list)) break;
    double v = 0;
    auto [end, e] = std::from_chars(yaml.data() + at, yaml.data() + yaml.size(), v);
    if (e != std::errc()) continue;
    r.push_back(v);
    at = static_cast<size_t>(end - yaml.data()) - 1;
  }
  return r;
}

/// Keys of param_str that are none of these would be lost.
void check_keys(const std::string& yaml) {
  for (size_t at = yaml.find(':'); at != yaml.npos; at = yaml.find(':', at + 1)) {
    size_t end = yaml.find_last_not_of(" '\"", at ? at - 1 : 0), begin = end == yaml.npos ? yaml.npos : yaml.find_last_of(" '\"{,\n", end);
    std::string key = end == yaml.npos ? "" : yaml.substr(begin == yaml.npos ? 0 : begin + 1, end - (begin == yaml.npos ? 0 : begin + 1) + 1);
    if (key != "feat_stride" && key != "scales") throw unsupported("parameter '" + key + "' of a region proposal in Python is not known").with("expected", "feat_stride, scales");
  }
}

// Ratios, limits and threshold are those that py-faster-rcnn has at test time.
void lower_proposal(const Layer& l) {
  l.arity(3, 3, 2);
  std::string yaml = l.s("param_str");
  check_keys(yaml);
  auto stride = numbers(yaml, "feat_stride"), scales = numbers(yaml, "scales");
  if (stride.size() != 1) throw invalid("a region proposal in Python needs feat_stride in param_str").with("found", yaml);
  AttrList a;
  a.add("feat_stride", stride[0]).add("base_size", 16.0).add("min_size", 16.0).add("ratio", std::vector<double>{0.5, 1, 2});
  a.add("scale", scales.empty() ? std::vector<double>{8, 16, 32} : scales).add("pre_nms_topn", 6000).add("post_nms_topn", 300).add("nms_thresh", 0.7);
  Values r = l.emit_n("Proposal", {l.in(0), l.in(1), l.in(2)}, a, 2, {true, l.tops() == 2});
  r.resize(l.tops());
  l.done(r);
}

void lower_python(Lower& lower) {
  Layer l(lower, "python_param");
  l.ignore({"share_in_parallel"});
  std::string module = l.s("module"), layer = l.s("layer");
  if (module == "rpn.proposal_layer" && layer == "ProposalLayer") return lower_proposal(l);
  throw unsupported("the layer's code is the Python class " + module + "." + layer).with("hint", "a plugin can lower caffe::Python, or define what it computes");
}
TENON_LOWERING("caffe", "Python", 1, lower_python);

}  // namespace
}  // namespace tenon::caffe
