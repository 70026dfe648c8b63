// SPDX-License-Identifier: Apache-2.0
#include "export_stage.hpp"

#include <fmt/format.h>

#include <deque>
#include <filesystem>

#include "../data/output_file.hpp"
#include "../model/tenon_file.hpp"
#include "options_schema.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace fs = std::filesystem;
namespace {

/// The main file of an export and the files beside it.
class Files {
 public:
  struct Sink {
    tenon_sink s{};
    std::string path;
    OutputFile file;
    Files* owner = nullptr;
  };

  Result<Sink*> open(std::string path) {
    auto f = OutputFile::create(path);
    if (!f) return fail(std::move(f.error()));
    sinks_.push_back({{}, std::move(path), std::move(*f), this});
    Sink& k = sinks_.back();
    k.s.struct_size = sizeof(tenon_sink);
    k.s.self = &k;
    k.s.path = {k.path.data(), k.path.size()};
    k.s.write = &write;
    k.s.sibling = &sibling;
    return &k;
  }
  /// The main file is renamed last: when it is there, all is there.
  Status commit() {
    for (auto& k : sinks_) TENON_TRY(k.file.finish());
    for (auto it = sinks_.rbegin(); it != sinks_.rend(); ++it) TENON_TRY(it->file.commit());
    return {};
  }
  Json list() const {
    Json j = Json::array();
    for (const auto& k : sinks_) j.push_back(Json{{"file", k.path}, {"bytes", k.file.size()}});
    return j;
  }

 private:
  std::deque<Sink> sinks_;

  static tenon_error* TENON_CALL write(const tenon_sink* s, const void* data, uint64_t size) TENON_NX {
    return give(static_cast<Sink*>(s->self)->file.write(data, size));
  }
  static tenon_error* TENON_CALL sibling(tenon_ctx*, const tenon_sink* s, tenon_str relative, const tenon_sink** out) TENON_NX {
    auto* self = static_cast<Sink*>(s->self);
    fs::path name = std::string(relative.data, relative.len);
    bool inside = !name.empty() && name.is_relative();
    for (const auto& part : name) inside = inside && part != "..";
    if (!inside) return give(Error(TENON_E_INVALID, "an export may only write files beside its main file").with("found", name.string()));
    auto k = self->owner->open((fs::path(self->owner->sinks_.front().path).parent_path() / name).string());
    if (!k) return give(std::move(k.error()));
    *out = &(*k)->s;
    return nullptr;
  }
};

}  // namespace

ExportStage::ExportStage(const Registry& r, const Config& config, const Json& json)
    : format_(json["export"]), path_(config.resolve(json["model"])), options_(json.value("options", Json::object())) {
  fill_defaults(options_of(r, "exporter", format_), &options_);
}

void ExportStage::explain(const Registry& r, const std::string& indent, std::string* out) const {
  *out += fmt::format("{}export {} as {} by {}\n", indent, path_, format_, format_ == kNativeFormat ? "the host" : supplier_text(r, "exporter", format_));
}

Status ExportStage::run(Run& r, StageRecord* record) {
  Files files;
  auto main = files.open(path_);
  if (!main) return fail(std::move(main.error()));
  auto save = [&]() -> Status {
    if (format_ == kNativeFormat) return write_tenon(*r.model, [&](const void* p, uint64_t n) { return (*main)->file.write(p, n); });
    auto exporter = r.session.registry.exporter(format_);
    if (!exporter) return fail(std::move(exporter.error()));
    tenon_ctx ctx = make_ctx(r.session, *exporter, "export " + format_, options_);
    return take((*exporter)->save(&ctx, &r.model->main(), &(*main)->s));
  };
  Status s = save();
  if (s) s = files.commit();
  if (!s) return fail(at_stage(std::move(s.error()), r.session.registry, "exporter", format_));
  record->details["format"] = format_;
  record->details["files"] = files.list();
  return {};
}

std::string ExportStage::summary(const StageRecord& record) const {
  uint64_t bytes = 0;
  for (const auto& f : record.details["files"]) bytes += f["bytes"].get<uint64_t>();
  return fmt::format("{}, {} bytes, {}", format_, bytes, time_text(record.ms));
}

}  // namespace tenon::core
