// SPDX-License-Identifier: Apache-2.0
// pool.hpp - the threads that kernels use. It is OpenMP's pool, because oneDNN uses that one: so there is never a second pool
// that competes for the same cores.
#pragma once
#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace tenon::cpu {

/// Threads that a parallel loop started from this thread will use.
inline int thread_count() { return omp_get_max_threads(); }

/// Sets thread_count() of the calling thread, and restores the former one when it goes.
class ThreadScope {
  int before_;

 public:
  explicit ThreadScope(int n) : before_(omp_get_max_threads()) { set(n); }
  ~ThreadScope() { set(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;
  static void set(int n) {
    if (n != omp_get_max_threads()) omp_set_num_threads(n);
  }
};

/// body(begin, end) over [0, n), one contiguous part for each thread and none smaller than `grain`. The body must not throw.
/// The parts depend on n, grain and the number of threads only.
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& body) {
  if (n <= 0) return;
  const int64_t parts = std::min<int64_t>(thread_count(), n / std::max<int64_t>(grain, 1));
  if (parts <= 1 || omp_in_parallel()) {
    body(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(static_cast<int>(parts))
  {
    const int64_t t = omp_get_thread_num(), m = omp_get_num_threads();
    const int64_t begin = n * t / m, end = n * (t + 1) / m;
    if (begin < end) body(begin, end);
  }
}

}  // namespace tenon::cpu
