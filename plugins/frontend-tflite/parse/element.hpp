// SPDX-License-Identifier: Apache-2.0
// element.hpp - element of a vector of the file. FlatBuffers' verifier checks the alignment of a vector's length alone, so elements of
// 8 bytes may lie anywhere.
#pragma once
#include <flatbuffers/flatbuffers.h>

#include <cstring>

namespace tenon::tflite {

template <class T>
T element(const flatbuffers::Vector<T>& v, uint32_t i) {
  T x;
  std::memcpy(&x, v.Data() + sizeof(T) * i, sizeof x);
  return flatbuffers::EndianScalar(x);
}

}  // namespace tenon::tflite
