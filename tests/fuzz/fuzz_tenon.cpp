// SPDX-License-Identifier: Apache-2.0
// Reads bytes as a .tenon file and, when that is one, writes it again.
#include <core/model/tenon_file.hpp>

#include "heap_limit.hpp"

using namespace tenon::core;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  HeapLimit heap(size);
  auto model = read_tenon(wrap_buffer(data, size, nullptr, nullptr));
  if (model) (void)write_tenon(**model, [](const void*, uint64_t) { return Status{}; });
  return 0;
}
