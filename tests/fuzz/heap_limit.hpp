// SPDX-License-Identifier: Apache-2.0
// heap_limit.hpp - a fuzzed call may hold at most 10 times its input plus 64 MB on the heap at any time.
#pragma once
#include <cstddef>

/// Counts the heap from here to its end and aborts the process, with a message, beyond the limit. One at a time, one thread.
class HeapLimit {
 public:
  explicit HeapLimit(size_t input_bytes);
  ~HeapLimit();
};
