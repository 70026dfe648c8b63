// SPDX-License-Identifier: Apache-2.0
// Reads bytes as an .npz or .npy file, every entry.
#include <core/data/npz.hpp>

#include "heap_limit.hpp"

using namespace tenon::core;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  HeapLimit heap(size);
  auto npz = Npz::from_bytes(wrap_buffer(data, size, nullptr, nullptr), "input");
  if (!npz) return 0;
  for (const auto& name : npz->names()) (void)npz->read(name);
  return 0;
}
