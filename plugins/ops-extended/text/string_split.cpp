// SPDX-License-Identifier: Apache-2.0
// StringSplit: the parts of each string along a new last axis, filled up with empty strings, and how many there are. Without a
// delimiter, runs of white space separate, and there are no empty parts; `maxsplit` separations at most, the last part keeps the rest.
#include "text/text.hpp"

namespace tenon::ops {
namespace {

using Parts = std::vector<std::string_view>;
constexpr std::string_view kSpace = " \t\n\v\f\r";

Parts split_space(std::string_view s, int64_t most) {
  Parts r;
  for (size_t at = s.find_first_not_of(kSpace); at != s.npos; at = s.find_first_not_of(kSpace, at)) {
    size_t end = static_cast<int64_t>(r.size()) == most ? s.size() : std::min(s.find_first_of(kSpace, at), s.size());
    r.push_back(s.substr(at, end - at));
    at = end;
  }
  return r;
}

Parts split_at(std::string_view s, std::string_view delimiter, int64_t most) {
  Parts r;
  size_t at = 0;
  for (size_t next; static_cast<int64_t>(r.size()) != most && (next = s.find(delimiter, at)) != s.npos; at = next + delimiter.size())
    r.push_back(s.substr(at, next - at));
  r.push_back(s.substr(at));
  return r;
}

void infer(const Node& node) {
  const Tensor x = node.in(0);
  if (!x.has_rank()) {
    node.set_out_unranked(0, dt::string);
    node.set_out_unranked(1, dt::i64);
    return;
  }
  Dims dims = x.dims().vec();
  node.set_out(1, dt::i64, dims);
  dims.push_back(node.fresh_symbol());
  node.set_out(0, dt::string, dims);
}

void run(const Node& node) {
  const Tensor x = node.in(0);
  const std::string delimiter = node.s("delimiter");
  const int64_t most = node.i("maxsplit", -1);
  std::vector<Parts> all;
  int64_t widest = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    all.push_back(delimiter.empty() ? split_space(text_at(x, i), most) : split_at(text_at(x, i), delimiter, most));
    widest = std::max(widest, static_cast<int64_t>(all.back().size()));
  }
  Dims dims = x.dims().vec();
  dims.push_back(widest);
  if (node.has_out(0)) {
    node.alloc_out<tenon_str>(0, dt::string, dims);
    for (size_t i = 0; i < all.size(); ++i)
      for (size_t k = 0; k < all[i].size(); ++k) node.string_out(0, i * static_cast<uint64_t>(widest) + k, all[i][k]);
  }
  if (!node.has_out(1)) return;
  for (size_t i = 0; i < all.size(); ++i) node.out(1).mutable_data<int64_t>()[i] = static_cast<int64_t>(all[i].size());
}

}  // namespace

TENON_OPERATOR("tenon", "StringSplit", 1, 0, "(X: string) -> (Y: string, Z?: i64) {delimiter?: string, maxsplit?: int}", infer, run);
}  // namespace tenon::ops
