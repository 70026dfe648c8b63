// SPDX-License-Identifier: Apache-2.0
// import_stage.hpp - {"import": frontend, "model": file, ...}
#pragma once
#include "stage.hpp"

namespace tenon::core {

/// Does the file begin like one of the host's own format?
bool is_native_file(const std::string& path);

class ImportStage : public Stage {
 public:
  /// `json` is checked; paths in it are resolved by `config`.
  ImportStage(const Registry& r, const Config& config, const Json& json);
  std::string kind() const override { return "import"; }
  std::string name() const override { return request_.model; }
  void check(PlanCheck& c) const override;
  void explain(const Registry& r, const std::string& indent, std::string* out) const override;
  Status run(Run& r, StageRecord* record) override;
  std::string summary(const StageRecord& record) const override;

 private:
  ImportRequest request_;
  Status read_native(Run& r, StageRecord* record) const;
  Status import_foreign(Run& r, StageRecord* record) const;
  static Status sound(Run& r);
  static Status fit_options(const Registry& r, ImportRequest* request);
  Status set_shapes(Model& m) const;
};

}  // namespace tenon::core
