// SPDX-License-Identifier: Apache-2.0
#include "manifest.hpp"

#include <algorithm>
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../ir/buffer.hpp"

namespace tenon::core {
namespace {

constexpr uint64_t kMaxFragment = 64 * 1024;

// Put together at run time, so that the host's own binary does not hold the mark.
std::string mark() { return std::string("\x7f") + "TN" + "MANIFEST" + std::string("\x01\r\n\x1a\0", 5); }

tl::unexpected<Error> malformed(const std::string& path, std::string why) {
  return fail(Error(TENON_E_ABI, "the plugin's manifest is malformed: " + std::move(why)).with("file", path));
}

Result<std::vector<Json>> fragments(const std::string& path, const BufferRef& file) {
  std::vector<Json> found;
  const std::string magic = mark();
  const uint8_t* p = file.data();
  const uint8_t* end = p + file.size();
  while (p && p < end) {
    p = static_cast<const uint8_t*>(memmem(p, static_cast<size_t>(end - p), magic.data(), magic.size()));
    if (!p) break;
    uint64_t length = 0;
    auto left = static_cast<uint64_t>(end - p);
    if (left < 24) break;
    std::memcpy(&length, p + 16, 8);
    if (length > kMaxFragment || length > left - 24) return malformed(path, "a fragment claims " + std::to_string(length) + " bytes");
    try {
      found.push_back(Json::parse(p + 24, p + 24 + length));
    } catch (const Json::exception& e) {
      return malformed(path, e.what());
    }
    if (!found.back().is_object()) return malformed(path, "a fragment is no object");
    p += 24 + length;
  }
  return found;
}

std::string text(const Json& j, const char* key) {
  auto it = j.find(key);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Result<Manifest> read_manifest(const std::string& path) {
  auto file = map_file(path);
  if (!file) return fail(std::move(file.error()));
  auto all = fragments(path, *file);
  if (!all) return fail(std::move(all.error()));
  Manifest m;
  m.path = path;
  for (auto& j : *all) {
    if (j.contains("kind")) {
      Provided p{text(j, "kind"), text(j, "id"), std::move(j)};
      if (p.kind.empty() || p.id.empty()) return malformed(path, "an entry has no kind or no id");
      m.provides.push_back(std::move(p));
    } else {
      if (!m.id.empty()) return malformed(path, "it names two plugins: " + m.id + " and " + text(j, "id"));
      m.id = text(j, "id");
      m.version = text(j, "version");
      m.vendor = text(j, "vendor");
      m.license = text(j, "license");
      m.about = std::move(j);
    }
  }
  if (m.id.empty() && m.provides.empty()) return fail(Error(TENON_E_NOT_FOUND, "not a plugin: the file holds no manifest").with("file", path));
  if (m.id.empty() || m.version.empty()) return malformed(path, "no id or no version");
  std::sort(m.provides.begin(), m.provides.end(), [](const Provided& a, const Provided& b) { return std::tie(a.kind, a.id) < std::tie(b.kind, b.id); });
  for (size_t i = 1; i < m.provides.size(); ++i)
    if (m.provides[i].kind == m.provides[i - 1].kind && m.provides[i].id == m.provides[i - 1].id)
      return malformed(path, "it provides " + m.provides[i].kind + " '" + m.provides[i].id + "' twice");
  m.bytes_hash = XXH3_64bits(file->data(), file->size());
  return m;
}

}  // namespace tenon::core
