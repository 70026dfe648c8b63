// SPDX-License-Identifier: Apache-2.0
#include "npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace tenon::core {
namespace {

// Signatures and sizes from PKWARE's APPNOTE 6.3.
constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint64_t kEndBytes = 22, kLocatorBytes = 20, kCentralBytes = 46, kLocalBytes = 30;
// Deflate cannot shrink by more than 1032:1, so a larger claim is a lie.
constexpr uint64_t kMostRatio = 1040;

uint64_t le(const uint8_t* p, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) v |= static_cast<uint64_t>(p[i]) << (8 * i);
  return v;
}

std::string without_suffix(std::string name) {
  if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0) name.resize(name.size() - 4);
  return name;
}

}  // namespace

Error Npz::damaged(std::string what) const { return Error(TENON_E_IO, "not a valid .npz file: " + std::move(what)).with("file", path_); }

Result<Npz> Npz::open(const std::string& path) {
  auto file = map_file(path);
  if (!file) return fail(std::move(file.error()));
  return from_bytes(std::move(*file), path);
}

Result<Npz> Npz::from_bytes(BufferRef file, std::string path) {
  Npz z;
  z.file_ = std::move(file);
  z.path_ = std::move(path);
  if (z.file_.size() >= 6 && std::memcmp(z.file_.data(), "\x93NUMPY", 6) == 0) {
    z.single_ = true;
    z.entries_[""] = {};
    return z;
  }
  TENON_TRY(z.read_directory());
  return z;
}

Status Npz::read_directory() {
  const uint8_t* p = file_.data();
  uint64_t n = file_.size();
  if (n < kEndBytes) return fail(damaged("it is too short"));
  uint64_t stop = n - kEndBytes > 0xffff ? n - kEndBytes - 0xffff : 0, end = n - kEndBytes;
  while (le(p + end, 4) != kEnd || end + kEndBytes + le(p + end + 20, 2) != n) {
    if (end == stop) return fail(damaged("it has no end record; it may be cut off"));
    --end;
  }
  uint64_t count = le(p + end + 10, 2), bytes = le(p + end + 12, 4), at = le(p + end + 16, 4);
  if (end >= kLocatorBytes && le(p + end - kLocatorBytes, 4) == kLocator64) {
    uint64_t end64 = le(p + end - kLocatorBytes + 8, 8);
    if (end64 > n || n - end64 < 56 || le(p + end64, 4) != kEnd64) return fail(damaged("its 64-bit end record is wrong"));
    count = le(p + end64 + 32, 8);
    bytes = le(p + end64 + 40, 8);
    at = le(p + end64 + 48, 8);
  }
  if (at > end || bytes > end - at) return fail(damaged("its directory lies outside the file"));
  uint64_t dir_end = at + bytes;
  for (uint64_t i = 0; i < count; ++i) TENON_TRY(read_entry(&at, dir_end));
  return {};
}

Status Npz::read_entry(uint64_t* at, uint64_t end) {
  const uint8_t* p = file_.data() + *at;
  if (end - *at < kCentralBytes || le(p, 4) != kCentral) return fail(damaged("its directory is cut off"));
  uint64_t name_bytes = le(p + 28, 2), extra_bytes = le(p + 30, 2), comment = le(p + 32, 2);
  uint64_t all = kCentralBytes + name_bytes + extra_bytes + comment;
  if (end - *at < all) return fail(damaged("its directory is cut off"));
  Entry e{static_cast<uint16_t>(le(p + 10, 2)), static_cast<uint16_t>(le(p + 8, 2)), static_cast<uint32_t>(le(p + 16, 4)), le(p + 20, 4), le(p + 24, 4), le(p + 42, 4)};
  std::string name(reinterpret_cast<const char*>(p + kCentralBytes), name_bytes);
  const uint8_t* extra = p + kCentralBytes + name_bytes;
  for (uint64_t i = 0; i + 4 <= extra_bytes;) {
    uint64_t id = le(extra + i, 2), size = le(extra + i + 2, 2), k = i + 4;
    uint64_t field_end = std::min(extra_bytes, k + size);
    i = k + size;
    if (id != 1) continue;
    for (uint64_t* field : {&e.size, &e.packed, &e.offset})
      if (*field == 0xffffffffu && k + 8 <= field_end) {
        *field = le(extra + k, 8);
        k += 8;
      }
  }
  *at += all;
  if (name.size() < 4 || name.compare(name.size() - 4, 4, ".npy") != 0) return {};
  if (!entries_.emplace(without_suffix(name), e).second) return fail(damaged("it holds two entries named \"" + without_suffix(name) + "\""));
  return {};
}

std::vector<std::string> Npz::names() const {
  std::vector<std::string> r;
  for (const auto& e : entries_) r.push_back(e.first);
  return r;
}

Result<std::vector<uint8_t>> Npz::inflate_entry(const std::string& name, const Entry& e, const uint8_t* data) const {
  if (e.size / kMostRatio > e.packed) return fail(damaged("entry \"" + name + "\" claims more bytes than it can hold"));
  std::vector<uint8_t> out(e.size + 1);
  z_stream z{};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return fail(TENON_E_NO_MEMORY, "out of memory");
  uint64_t in = 0, made = 0;
  int rc = Z_OK;
  while (rc == Z_OK) {
    constexpr uint64_t kStep = 1u << 30;
    z.next_in = const_cast<Bytef*>(data + in);
    z.avail_in = static_cast<uInt>(std::min(kStep, e.packed - in));
    z.next_out = out.data() + made;
    z.avail_out = static_cast<uInt>(std::min(kStep, out.size() - made));
    uInt had_in = z.avail_in, had_out = z.avail_out;
    rc = inflate(&z, Z_NO_FLUSH);
    in += had_in - z.avail_in;
    made += had_out - z.avail_out;
    if (had_in == z.avail_in && had_out == z.avail_out) break;
  }
  inflateEnd(&z);
  if (rc != Z_STREAM_END || made != e.size) return fail(damaged("entry \"" + name + "\" cannot be decompressed"));
  out.pop_back();
  return out;
}

Result<Tensor> Npz::read(const std::string& name) const {
  auto located = [&](Result<Tensor> t) -> Result<Tensor> {
    if (!t && t.error().code == TENON_E_INVALID) t.error().code = TENON_E_IO;
    if (!t && t.error().detail("file").empty()) t.error().with("file", single_ ? path_ : path_ + " (entry " + name + ")");
    return t;
  };
  if (single_) return located(read_npy({file_.data(), file_.size()}));
  auto it = entries_.find(name);
  if (it == entries_.end()) return fail(Error(TENON_E_NOT_FOUND, "the file has no entry \"" + name + "\"").with("file", path_));
  const Entry& e = it->second;
  if (e.flags & 1) return fail(Error(TENON_E_UNSUPPORTED, "entry \"" + name + "\" is encrypted").with("file", path_));
  if (file_.size() < kLocalBytes || e.offset > file_.size() - kLocalBytes || le(file_.data() + e.offset, 4) != kLocal) return fail(damaged("entry \"" + name + "\" is not where the directory says"));
  uint64_t skip = kLocalBytes + le(file_.data() + e.offset + 26, 2) + le(file_.data() + e.offset + 28, 2);
  if (file_.size() - e.offset < skip || file_.size() - e.offset - skip < e.packed) return fail(damaged("entry \"" + name + "\" is cut off"));
  const uint8_t* data = file_.data() + e.offset + skip;
  auto checked = [&](const uint8_t* bytes, uint64_t size) -> Result<Tensor> {
    if (crc32_z(0, bytes, size) != e.crc) return fail(damaged("entry \"" + name + "\" has a wrong checksum"));
    return located(read_npy({bytes, size}));
  };
  if (e.method == 0) return e.packed == e.size ? checked(data, e.size) : fail(damaged("entry \"" + name + "\" has two sizes"));
  if (e.method != 8) return fail(Error(TENON_E_UNSUPPORTED, "entry \"" + name + "\" is compressed by an unknown method").with("file", path_).with("found", std::to_string(e.method)).with("expected", "stored or deflate"));
  auto bytes = inflate_entry(name, e, data);
  if (!bytes) return fail(std::move(bytes.error()));
  return checked(bytes->data(), bytes->size());
}

}  // namespace tenon::core
