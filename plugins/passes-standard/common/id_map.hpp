// SPDX-License-Identifier: Apache-2.0
// id_map.hpp - numbers by 64-bit keys in one piece of memory. Keys lie by their low bits, so ids that were given out one after the other
// are neighbours, and a walk over the graph in its order goes through the map in order too.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenon::passes {

/// Key 0 is none, and so is the number 0.
class IdMap {
 public:
  void reserve(size_t keys) {
    if (keys * 2 > entries_.size()) grow(keys * 2);
  }
  uint64_t find(uint64_t key) const { return entries_.empty() ? 0 : entries_[place(key)].number; }
  /// The number of the key, which may be set; it is 0 for a new key.
  uint64_t& operator[](uint64_t key) {
    if ((size_ + 1) * 2 > entries_.size()) grow(entries_.size() * 2);
    Entry& e = entries_[place(key)];
    size_ += e.key == 0;
    e.key = key;
    return e.number;
  }

 private:
  struct Entry {
    uint64_t key = 0, number = 0;
  };
  std::vector<Entry> entries_;  ///< a power of two of them, at most half in use; linear probing
  size_t size_ = 0;

  size_t place(uint64_t key) const {
    const size_t mask = entries_.size() - 1;
    size_t at = key & mask;
    while (entries_[at].key != 0 && entries_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow(size_t least) {
    size_t n = 64;
    while (n < least) n *= 2;
    std::vector<Entry> old(n);
    old.swap(entries_);
    for (const Entry& e : old)
      if (e.key) entries_[place(e.key)] = e;
  }
};

}  // namespace tenon::passes
