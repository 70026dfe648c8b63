// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "npz.hpp"

namespace tenon::core {
namespace {

constexpr uint64_t kMost32 = 0xfffffffe;
constexpr uint64_t kDate = 0x21;  ///< 1980-01-01, the earliest that zip can say: the same tensors give the same bytes on any day

void put(std::string* s, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; ++i) *s += static_cast<char>(v >> (8 * i) & 0xff);
}

struct Written {
  std::string name;
  uint64_t size = 0, offset = 0, crc = 0;
};

/// What local and central headers share, from "version needed" to the sizes.
void put_common(std::string* s, const Written& w, bool wide) {
  put(s, wide ? 45 : 20, 2);
  put(s, 0x800, 2);  // names are UTF-8
  put(s, 0, 2);      // stored
  put(s, 0, 2);
  put(s, kDate, 2);
  put(s, w.crc, 4);
  put(s, wide ? 0xffffffff : w.size, 4);
  put(s, wide ? 0xffffffff : w.size, 4);
  put(s, w.name.size(), 2);
}

std::string local_header(const Written& w) {
  bool wide = w.size > kMost32;
  std::string s;
  put(&s, 0x04034b50, 4);
  put_common(&s, w, wide);
  put(&s, wide ? 20 : 0, 2);
  s += w.name;
  if (wide) {
    put(&s, 1, 2);
    put(&s, 16, 2);
    put(&s, w.size, 8);
    put(&s, w.size, 8);
  }
  return s;
}

std::string central_header(const Written& w) {
  bool wide = w.size > kMost32, far = w.offset > kMost32;
  std::string extra;
  if (wide) put(&extra, w.size, 8), put(&extra, w.size, 8);
  if (far) put(&extra, w.offset, 8);
  std::string s;
  put(&s, 0x02014b50, 4);
  put(&s, wide || far ? 45 : 20, 2);
  put_common(&s, w, wide);
  put(&s, extra.empty() ? 0 : extra.size() + 4, 2);
  put(&s, 0, 2);  // comment
  put(&s, 0, 2);  // disk
  put(&s, 0, 2);  // attributes
  put(&s, 0, 4);
  put(&s, far ? 0xffffffff : w.offset, 4);
  s += w.name;
  if (!extra.empty()) {
    put(&s, 1, 2);
    put(&s, extra.size(), 2);
    s += extra;
  }
  return s;
}

std::string end_records(uint64_t count, uint64_t at, uint64_t bytes) {
  bool wide = count > 0xfffe || at > kMost32 || bytes > kMost32;
  std::string s;
  if (wide) {
    put(&s, 0x06064b50, 4);
    put(&s, 44, 8);
    put(&s, 45, 2);
    put(&s, 45, 2);
    put(&s, 0, 8);
    put(&s, count, 8);
    put(&s, count, 8);
    put(&s, bytes, 8);
    put(&s, at, 8);
    put(&s, 0x07064b50, 4);
    put(&s, 0, 4);
    put(&s, at + bytes, 8);
    put(&s, 1, 4);
  }
  put(&s, 0x06054b50, 4);
  put(&s, 0, 4);
  put(&s, wide ? 0xffff : count, 2);
  put(&s, wide ? 0xffff : count, 2);
  put(&s, wide ? 0xffffffff : bytes, 4);
  put(&s, wide ? 0xffffffff : at, 4);
  put(&s, 0, 2);
  return s;
}

/// Name, size and checksum of an entry, without writing it.
Result<Written> measure(const NamedTensor& t) {
  Written w{t.first + ".npy", 0, 0, crc32_z(0, nullptr, 0)};
  if (w.name.size() > 0xffff) return fail(Error(TENON_E_UNSUPPORTED, "a name is too long for a zip file").with("found", std::to_string(w.name.size()) + " bytes"));
  TENON_TRY(write_npy(t.second, [&](const void* p, uint64_t n) -> Status {
    if (n) w.crc = crc32_z(w.crc, static_cast<const Bytef*>(p), n);
    w.size += n;
    return {};
  }));
  return w;
}

}  // namespace

Status write_npz(const std::vector<NamedTensor>& all, const WriteFn& write) {
  uint64_t at = 0;
  auto emit = [&](const void* p, uint64_t n) -> Status {
    at += n;
    return write(p, n);
  };
  std::vector<Written> done;
  for (const auto& t : all) {
    auto w = measure(t);
    if (!w) return fail(std::move(w.error().with("value", t.first)));
    w->offset = at;
    std::string head = local_header(*w);
    TENON_TRY(emit(head.data(), head.size()));
    TENON_TRY(write_npy(t.second, emit));
    done.push_back(std::move(*w));
  }
  uint64_t directory = at;
  for (const auto& w : done) {
    std::string head = central_header(w);
    TENON_TRY(emit(head.data(), head.size()));
  }
  std::string end = end_records(done.size(), directory, at - directory);
  return emit(end.data(), end.size());
}

}  // namespace tenon::core
