// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include <algorithm>
#include <filesystem>

#include "../plugin/host_tables.hpp"

namespace tenon::core {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kHead = 64 * 1024;

tenon_error* TENON_CALL read_sibling(tenon_ctx*, const tenon_source* s, tenon_str relative, tenon_buffer** out) noexcept {
  return protect([&]() -> Status {
    auto b = static_cast<Source*>(s->self)->sibling(view(relative));
    if (!b) return fail(std::move(b.error()));
    *out = b->release();
    return {};
  });
}

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string& path) {
  auto s = std::make_unique<Source>();
  auto file = map_file(path);
  if (!file) return fail(std::move(file.error()));
  s->bytes_ = std::move(*file);
  s->path_ = path;
  std::error_code e;
  s->folder_ = fs::canonical(fs::absolute(path).parent_path(), e).string();
  s->extension_ = fs::path(path).extension().string();
  std::transform(s->extension_.begin(), s->extension_.end(), s->extension_.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  s->source_ = {sizeof(tenon_source), 0, str(s->path_), str(s->extension_), s->bytes_.data(), std::min(kHead, s->bytes_.size()), s->bytes_.size(), s->bytes_.get(), s.get(), read_sibling};
  return s;
}

Result<BufferRef> Source::sibling(std::string_view relative) {
  std::string name(relative);
  if (auto it = siblings_.find(name); it != siblings_.end()) return it->second;
  fs::path p(name);
  if (allowed_.count(name)) {
    auto b = map_file(name);
    if (!b) return fail(std::move(b.error()));
    return siblings_[name] = *b;
  }
  auto refuse = [&](const char* why) {
    return fail(Error(TENON_E_INVALID, std::string("external data must lie in the model's folder: ") + why)
                    .with("file", path_)
                    .with("found", name)
                    .with("expected", "a relative path below " + folder_));
  };
  if (name.empty() || name.find('\0') != std::string::npos) return refuse("the name is empty or has a zero byte");
  if (p.is_absolute()) return refuse("the path is absolute");
  if (std::find(p.begin(), p.end(), "..") != p.end()) return refuse("the path has '..'");
  std::error_code e;
  fs::path full = fs::canonical(fs::path(folder_) / p, e);
  if (e) return fail(Error(TENON_E_IO, "cannot open the model's external data: " + e.message()).with("file", (fs::path(folder_) / p).string()).with("hint", "keep the data file beside the model"));
  auto inside = fs::relative(full, folder_, e);
  if (e || inside.empty() || *inside.begin() == "..") return refuse("a link leads out of it");
  auto b = map_file(full.string());
  if (!b) return fail(std::move(b.error()));
  siblings_[name] = *b;
  return *b;
}

}  // namespace tenon::core
