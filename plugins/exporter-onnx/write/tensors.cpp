// SPDX-License-Identifier: Apache-2.0
#include "tensors.hpp"

#include "schema.hpp"

namespace tenon::to_onnx {
namespace {

namespace field = onnx::schema::TensorProto;
constexpr uint64_t kSmall = 1024;   // bytes below which data stays in the model: readers want shapes at hand
constexpr uint64_t kAlignment = 64;  // of data in the file beside the model, for readers that map it

void entry(Message& m, std::string_view key, std::string_view value) {
  namespace f = onnx::schema::StringStringEntryProto;
  Message e;
  e.text(f::key, key);
  e.text(f::value, value);
  m.message(field::external_data, std::move(e));
}

}  // namespace

void Tensors::strings(Message& m, Span<uint8_t> bytes, uint64_t count) const {
  std::vector<uint64_t> offsets(count + 1);
  std::memcpy(offsets.data(), bytes.data(), offsets.size() * sizeof(uint64_t));
  const char* text = reinterpret_cast<const char*>(bytes.data() + offsets.size() * sizeof(uint64_t));
  for (uint64_t i = 0; i < count; ++i) m.text(field::string_data, {text + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])});
}

void Tensors::elsewhere(Message& m, Span<uint8_t> bytes) {
  if (!file_) {
    const std::string path(main_.path());
    location_ = path.substr(path.find_last_of('/') + 1) + ".data";
    file_ = main_.sibling(location_);
  }
  static constexpr char zeros[kAlignment] = {};
  if (const uint64_t gap = (kAlignment - at_ % kAlignment) % kAlignment) {
    file_->write(zeros, gap);
    at_ += gap;
  }
  entry(m, "location", location_);
  entry(m, "offset", std::to_string(at_));
  entry(m, "length", std::to_string(bytes.size()));
  m.integer(field::data_location, field::DataLocation::EXTERNAL);
  file_->write(bytes.data(), bytes.size());
  at_ += bytes.size();
}

Message Tensors::proto(tenon_value constant, std::string_view name, bool may_leave) {
  const ValueInfo i = g_.info(constant);
  const auto bytes = g_.constant_bytes(constant);
  Message m;
  if (i.rank() > 0) m.integers(field::dims, i.dims().vec());
  m.integer(field::data_type, data_type(i.type()));
  if (!name.empty()) m.text(field::name, name);
  if (i.type() == dt::string) strings(m, bytes, static_cast<uint64_t>(i.count()));
  else if (external_ && may_leave && bytes.size() >= kSmall) elsewhere(m, bytes);
  else m.borrowed(field::raw_data, bytes.data(), bytes.size());
  return m;
}

}  // namespace tenon::to_onnx
