// SPDX-License-Identifier: Apache-2.0
#include "file.hpp"

#include <algorithm>

namespace tenon::tflite {
namespace {

constexpr uint32_t kMaxDepth = 64;
// Large weights may follow the flatbuffer; it ends below 2 GB.
constexpr uint64_t kMaxFlatbuffer = FLATBUFFERS_MAX_BUFFER_SIZE - 1;

void verify(const File& f) {
  if (f.size < 8) throw invalid("the file is too short to be a TFLite model").with("file", f.path).with("found", std::to_string(f.size) + " bytes");
  if (!fb::ModelBufferHasIdentifier(f.data))
    throw invalid("the file is no TFLite model").with("file", f.path).with("position", "byte 4").with("expected", "the identifier TFL3");
  uint64_t size = std::min(f.size, kMaxFlatbuffer);
  flatbuffers::Verifier verifier(f.data, size, kMaxDepth, static_cast<uint32_t>(size / 8 + 1024));
  if (!fb::VerifyModelBuffer(verifier))
    throw invalid("the file is a damaged TFLite model: its flatbuffer points outside of itself, or is cut off").with("file", f.path).with("found", std::to_string(f.size) + " bytes");
}

}  // namespace

Error File::bad(const void* at, std::string text) const {
  Error e = invalid(std::move(text));
  e.with("file", path);
  if (at) e.with("position", "byte " + std::to_string(position(at)));
  return e;
}

File open_file(const tenon_source* source) {
  File f;
  f.path = std::string(view(source->path));
  f.size = source->size;
  if (!source->bytes || !f.size) throw invalid("the file is empty").with("file", f.path);
  f.mapped = Buffer::borrow(source->bytes);
  f.data = static_cast<const uint8_t*>(f.mapped.data());
  verify(f);
  f.model = fb::GetModel(f.data);
  if (f.model->version() != 3)
    throw unsupported("this version of the TFLite format is not known").with("file", f.path).with("expected", "3").with("found", std::to_string(f.model->version()));
  return f;
}

void Budget::spend(uint64_t units, const void* at) {
  if (units > left_) throw file_->bad(at, "the file describes a model far larger than itself").with("hint", "the file is damaged or made to harm");
  left_ -= units;
}

}  // namespace tenon::tflite
