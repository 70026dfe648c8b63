// SPDX-License-Identifier: Apache-2.0
#include "constants.hpp"

#include "text.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::tflite {
namespace {

constexpr uint64_t kLarge = 1 << 20;         // bytes from which a misaligned tensor is used as it is
constexpr uint64_t kFreeCopies = 16 << 20;   // copies up to here do not matter even for small files
constexpr uint64_t kFreeDense = 32 << 20;    // bytes that sparse tensors may always fill,
constexpr uint64_t kDensePerByte = 8;        // and for each byte of the file

uint64_t alignment(tenon_dtype t) { return t.code == TENON_DT_COMPLEX ? t.bits / 16u : t.bits <= 8 ? 1 : t.bits / 8u; }

uint32_t read_u32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

}  // namespace

Error Constants::bad(const fb::Tensor& t, const std::string& text) const { return file_->bad(&t, "tensor '" + tensor_name(t) + "': " + text); }

Constants::Range Constants::in_file(const void* at, uint64_t offset, uint64_t size) const {
  if (offset > file_->size || size > file_->size - offset)
    throw file_->bad(at, "data outside the flatbuffer reaches past the end of the file")
        .with("expected", std::to_string(size) + " bytes at " + std::to_string(offset))
        .with("found", "a file of " + std::to_string(file_->size) + " bytes");
  return {file_->mapped, offset, size};
}

Constants::Range Constants::external(const fb::Tensor& t) {
  const fb::ExternalBuffer* found = nullptr;
  if (file_->model->external_buffers())
    for (const auto* b : *file_->model->external_buffers())
      if (b->id() == t.external_buffer()) found = b;
  const auto* groups = file_->model->external_buffer_groups();
  if (!found || !groups || found->group() >= groups->size()) throw bad(t, "external buffer " + std::to_string(t.external_buffer()) + " is not in the model");
  if (found->packing() && found->packing()->size())
    throw unsupported("tensor '" + tensor_name(t) + "': packed external buffers are not known").with("file", file_->path).with("found", utf8({found->packing()->c_str(), found->packing()->size()}));
  auto [at, fresh] = external_.try_emplace(found->group());
  const auto* name = groups->Get(found->group())->name();
  if (!name || !name->size()) throw bad(t, "its external buffer names no file");
  if (fresh) {
    tenon_buffer* b{};
    ok(source_->sibling(ctx_, source_, str(std::string_view(name->c_str(), name->size())), &b));
    at->second = Buffer(b);
  }
  uint64_t size = at->second.size();
  if (found->offset() > size || found->length() > size - found->offset())
    throw bad(t, "its external buffer reaches past the end of '" + utf8({name->c_str(), name->size()}) + "'").with("found", "a file of " + std::to_string(size) + " bytes");
  return {at->second, found->offset(), found->length()};
}

// Buffer 0 stands for "no contents"; an offset of 0 or 1 for "inside the flatbuffer".
std::optional<Constants::Range> Constants::stored(const fb::Tensor& t) {
  if (t.external_buffer()) return external(t);
  if (t.buffer() == 0) return std::nullopt;
  const auto* buffers = file_->model->buffers();
  if (!buffers || t.buffer() >= buffers->size()) throw bad(t, "buffer " + std::to_string(t.buffer()) + " is not in the model").with("expected", "fewer than " + std::to_string(buffers ? buffers->size() : 0));
  const fb::Buffer* b = buffers->Get(t.buffer());
  if (b->offset() > 1) return in_file(b, b->offset(), b->size());
  if (!b->data() || b->data()->size() == 0) return std::nullopt;
  return Range{file_->mapped, file_->position(b->data()->data()), b->data()->size()};
}

Constant Constants::place(const Range& r, Constant c) {
  auto address = reinterpret_cast<uintptr_t>(r.buffer.data()) + r.offset;
  uint64_t budget = std::max(kFreeCopies, file_->size / 10);
  if (address % alignment(c.type) == 0 || r.size >= kLarge || copied_ + r.size > budget) {
    c.buffer = r.buffer;
    c.offset = r.offset;
    return c;
  }
  c.buffer = Buffer::alloc(ctx_, r.size);
  std::memcpy(c.buffer.writable(), static_cast<const uint8_t*>(r.buffer.data()) + r.offset, r.size);
  copied_ += r.size;
  return c;
}

Constant Constants::clean_booleans(Constant c, uint64_t n) {
  const uint8_t* from = static_cast<const uint8_t*>(c.buffer.data()) + c.offset;
  if (std::all_of(from, from + n, [](uint8_t b) { return b <= 1; })) return c;
  Buffer b = Buffer::alloc(ctx_, n);
  auto* to = static_cast<uint8_t*>(b.writable());
  for (uint64_t i = 0; i < n; ++i) to[i] = from[i] != 0;
  c.buffer = b;
  c.offset = 0;
  return c;
}

// The file: i32 count, i32 offsets[count + 1] from the beginning, text. The IR: u64 offsets[count + 1] into the text behind them.
Constant Constants::strings(const fb::Tensor& t, const Range& r, Constant c, uint64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(r.buffer.data()) + r.offset;
  if (r.size < 4 || read_u32(p) != n || (n + 2) > r.size / 4) throw bad(t, "its strings do not fit its shape").with("expected", std::to_string(n) + " strings");
  uint64_t first = read_u32(p + 4), last = read_u32(p + 4 + 4 * n);
  if (first > last || last > r.size) throw bad(t, "its strings reach past its buffer");
  c.buffer = Buffer::alloc(ctx_, 8 * (n + 1) + (last - first));
  auto* offsets = static_cast<uint64_t*>(c.buffer.writable());
  for (uint64_t i = 0; i <= n; ++i) {
    uint64_t at = read_u32(p + 4 + 4 * i);
    if (at < first + (i ? offsets[i - 1] : 0) || at > last) throw bad(t, "the offsets of its strings are not in order");
    offsets[i] = at - first;
  }
  std::memcpy(offsets + n + 1, p + first, last - first);
  return c;
}

Constant Constants::sparse(const fb::Tensor& t, const Range& r, Constant c, uint64_t n) {
  if (c.type.bits < 8 || c.type == dt::string) throw unsupported("sparse tensor '" + tensor_name(t) + "' of " + dtype_name(c.type) + " is not supported").with("file", file_->path);
  uint64_t width = c.type.bits / 8u, bytes = n * width;
  if (expanded_ + bytes > std::max(kFreeDense, kDensePerByte * file_->size))
    throw unsupported("sparse tensor '" + tensor_name(t) + "' would fill " + std::to_string(bytes) + " bytes").with("file", file_->path).with("hint", "tensors this thin must stay sparse, which the IR does not have");
  expanded_ += bytes;
  c.buffer = Buffer::alloc(ctx_, bytes);
  densify(*file_, t, c.dims, static_cast<const uint8_t*>(r.buffer.data()) + r.offset, r.size / width, width, static_cast<uint8_t*>(c.buffer.writable()));
  return c;
}

std::optional<Constant> Constants::get(const fb::Tensor& t) {
  auto range = stored(t);
  if (!range) return std::nullopt;
  Constant c;
  c.type = element_type(t.type());
  if (c.type == dt::none) throw bad(t, "a constant cannot have this element type").with("found", std::to_string(static_cast<int>(t.type())));
  c.dims = stored_dims(*file_, t);
  uint64_t n = element_count(*file_, t, c.dims, c.type);
  if (t.sparsity()) return sparse(t, *range, std::move(c), n);
  if (c.type == dt::string) return strings(t, *range, std::move(c), n);
  if (range->size != bytes_of(c.type, n))
    throw bad(t, "its buffer does not fit its shape and type").with("expected", std::to_string(bytes_of(c.type, n)) + " bytes").with("found", std::to_string(range->size) + " bytes");
  c = place(*range, std::move(c));
  return c.type == dt::boolean ? clean_booleans(std::move(c), n) : c;
}

std::string Constants::text(uint32_t index, uint64_t* size) const {
  const auto* buffers = file_->model->buffers();
  *size = 0;
  if (!buffers || index >= buffers->size() || !buffers->Get(index)->data()) return {};
  const auto* data = buffers->Get(index)->data();
  *size = data->size();
  return std::string(reinterpret_cast<const char*>(data->data()), strnlen(reinterpret_cast<const char*>(data->data()), std::min<size_t>(data->size(), 256)));
}

}  // namespace tenon::tflite
