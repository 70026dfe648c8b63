// SPDX-License-Identifier: Apache-2.0
#include "heap_limit.hpp"

#include <sanitizer/allocator_interface.h>

#include <cstdint>
#include <cstdio>

namespace {

bool counting = false;
int64_t live = 0, limit = 0;

void on_malloc(const volatile void*, size_t size) {
  if (!counting) return;
  live += static_cast<int64_t>(size);
  if (live <= limit) return;
  counting = false;
  std::fprintf(stderr, "heap limit: %lld bytes live, %lld allowed\n", static_cast<long long>(live), static_cast<long long>(limit));
  __builtin_trap();
}
void on_free(const volatile void* p) {
  if (counting && p) live -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(p)));
}

}  // namespace

HeapLimit::HeapLimit(size_t input_bytes) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  (void)installed;
  live = 0;
  limit = static_cast<int64_t>(10 * input_bytes + (64u << 20));
  counting = true;
}
HeapLimit::~HeapLimit() { counting = false; }
