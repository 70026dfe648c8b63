// SPDX-License-Identifier: Apache-2.0
// key_table.hpp - values by keys of bytes. All keys lie in one piece of memory, and the last ones can be taken back.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::passes {

class KeyTable {
 public:
  /// The value that the key was given first; *fresh: it is this one.
  uint64_t find_or_add(std::string_view key, uint64_t value, bool* fresh) {
    if ((entries_.size() + 1) * 2 > places_.size()) grow();
    const uint64_t h = hash(key);
    uint32_t& place = places_[find(h, key)];
    *fresh = place == 0;
    if (place) return entries_[place - 1].value;
    entries_.push_back({h, bytes_.size(), key.size(), value});
    bytes_ += key;
    place = static_cast<uint32_t>(entries_.size());
    return value;
  }
  size_t size() const { return entries_.size(); }
  /// Forgets all keys but the first `size` ones. The last one added stands behind all that its place was looked for in, so clearing its
  /// place hides no other.
  void shrink(size_t size) {
    while (entries_.size() > size) {
      const Entry& last = entries_.back();
      places_[find(last.hash, key_of(last))] = 0;
      bytes_.resize(last.begin);
      entries_.pop_back();
    }
  }

 private:
  struct Entry {
    uint64_t hash;
    size_t begin, size;
    uint64_t value;
  };
  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> places_;  ///< position in entries_ + 1; linear probing over a power of two

  std::string_view key_of(const Entry& e) const { return std::string_view(bytes_).substr(e.begin, e.size); }
  static uint64_t hash(std::string_view key) {
    uint64_t h = key.size();
    const auto mix = [&](uint64_t w) {
      h = (h ^ w) * 0x9e3779b97f4a7c15ull;
      h ^= h >> 32;
    };
    size_t at = 0;
    for (uint64_t w = 0; at + 8 <= key.size(); at += 8) {
      std::memcpy(&w, key.data() + at, 8);
      mix(w);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, key.data() + at, key.size() - at);
    mix(rest);
    return h;
  }
  /// Place of the key, or the free one where it belongs.
  size_t find(uint64_t h, std::string_view key) const {
    const size_t mask = places_.size() - 1;
    for (size_t at = h & mask;; at = (at + 1) & mask) {
      if (!places_[at]) return at;
      const Entry& e = entries_[places_[at] - 1];
      if (e.hash == h && key_of(e) == key) return at;
    }
  }
  void grow() {
    places_.assign(places_.empty() ? 64 : places_.size() * 2, 0);
    for (size_t k = 0; k < entries_.size(); ++k) places_[find(entries_[k].hash, key_of(entries_[k]))] = static_cast<uint32_t>(k + 1);
  }
};

}  // namespace tenon::passes
