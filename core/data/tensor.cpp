// SPDX-License-Identifier: Apache-2.0
#include "tensor.hpp"

#include <cstring>

#include "shape.hpp"

namespace tenon::core {
namespace {

Result<Tensor> copy_sequence(const tenon_tensor& t) {
  Tensor r;
  r.type = t.type;
  r.items = std::make_shared<std::vector<Tensor>>();
  if (t.rank < 1 || !t.dim || t.dim[0] < 0) return fail(TENON_E_INVALID, "a sequence must have rank 1 and a known length");
  if (is_map(t.type) && t.dim[0] != 2) return fail(TENON_E_INVALID, "a map must have two items, keys and values");
  auto* items = static_cast<const tenon_tensor* const*>(t.data);
  if (!items && t.dim[0] > 0) return fail(TENON_E_INVALID, "a sequence has no contents");
  for (int64_t i = 0; i < t.dim[0]; ++i) {
    if (!items[i]) return fail(TENON_E_INVALID, "a sequence has a missing item");
    auto item = Tensor::copy(*items[i]);
    if (!item) return fail(std::move(item.error()));
    r.items->push_back(std::move(*item));
  }
  r.dims = {t.dim[0]};
  return r;
}

Result<Tensor> copy_strings(const tenon_tensor& t, Tensor r) {
  auto n = element_count(r.dims);
  if (!n) return fail(std::move(n.error()));
  auto* s = static_cast<const tenon_str*>(t.data);
  if (!s && *n > 0) return fail(TENON_E_INVALID, "a string tensor has no contents");
  r.strings = std::make_shared<std::vector<std::string>>();
  r.strings->reserve(static_cast<size_t>(*n));
  for (int64_t i = 0; i < *n; ++i) r.strings->emplace_back(s[i].data ? s[i].data : "", static_cast<size_t>(s[i].len));
  return r;
}

}  // namespace

Result<Tensor> Tensor::zeros(tenon_dtype t, std::vector<int64_t> dims) {
  auto bytes = dense_bytes(t, dims);
  if (!bytes) return fail(std::move(bytes.error()));
  Tensor r;
  r.type = t;
  if (t.code == TENON_DT_STRING) {
    r.strings = std::make_shared<std::vector<std::string>>(static_cast<size_t>(count_of(dims.data(), static_cast<int32_t>(dims.size()))));
  } else {
    auto b = alloc_buffer(*bytes ? *bytes : 1);
    if (!b) return fail(std::move(b.error()));
    r.buffer = std::move(*b);
  }
  r.dims = std::move(dims);
  return r;
}

Result<Tensor> Tensor::copy(const tenon_tensor& t) {
  if (t.type.flags & TENON_DTF_OPTIONAL && t.rank == TENON_RANK_UNKNOWN && !t.data) {
    Tensor r;
    r.type = t.type;
    r.present = false;
    return r;
  }
  if (t.type.flags & (TENON_DTF_SEQUENCE | TENON_DTF_MAP)) return copy_sequence(t);
  if (t.rank < 0) return fail(TENON_E_INVALID, "a tensor has no known shape");
  Tensor r;
  r.type = t.type;
  r.dims.assign(t.dim, t.dim + t.rank);
  if (t.type.code == TENON_DT_STRING) return copy_strings(t, std::move(r));
  auto bytes = dense_bytes(element(t.type), r.dims);
  if (!bytes) return fail(std::move(bytes.error()));
  if (*bytes > t.bytes || (*bytes && !t.data))
    return fail(Error(TENON_E_INVALID, "a tensor holds fewer bytes than its shape says").with("expected", std::to_string(*bytes)).with("found", std::to_string(t.data ? t.bytes : 0)));
  auto z = alloc_buffer(*bytes ? *bytes : 1);
  if (!z) return fail(std::move(z.error()));
  r.buffer = std::move(*z);
  if (*bytes) std::memcpy(r.buffer.writable(), t.data, *bytes);
  return r;
}

TensorView::TensorView(const Tensor& x) {
  t.struct_size = sizeof(tenon_tensor);
  t.type = x.type;
  t.rank = TENON_RANK_UNKNOWN;
  if (!x.present) return;
  t.rank = static_cast<int32_t>(x.dims.size());
  t.dim = x.dims.data();
  if (x.items) {
    item_ptrs.reserve(x.items->size() + 1);
    for (const auto& item : *x.items) {
      items.push_back(std::make_unique<TensorView>(item));
      item_ptrs.push_back(&items.back()->t);
    }
    t.data = item_ptrs.data();
    t.bytes = item_ptrs.size() * sizeof(item_ptrs[0]);
    return;
  }
  if (x.strings) {
    strs.reserve(x.strings->size() + 1);
    for (const auto& s : *x.strings) strs.push_back(str(s));
    t.data = strs.data();
    t.bytes = strs.size() * sizeof(tenon_str);
    return;
  }
  t.data = x.buffer.writable();
  t.bytes = bytes_of(x.type, static_cast<uint64_t>(x.count()));
  t.buffer = x.buffer.get();
}

}  // namespace tenon::core
