// SPDX-License-Identifier: Apache-2.0
// export_stage.hpp - {"export": format, "model": file}
#pragma once
#include "stage.hpp"

namespace tenon::core {

class ExportStage : public Stage {
 public:
  ExportStage(const Registry& r, const Config& config, const Json& json);
  std::string kind() const override { return "export"; }
  std::string name() const override { return path_; }
  void check(PlanCheck& c) const override { c.output_file(path_, where); }
  void explain(const Registry& r, const std::string& indent, std::string* out) const override;
  Status run(Run& r, StageRecord* record) override;
  std::string summary(const StageRecord& record) const override;

 private:
  std::string format_, path_;
  Json options_;
};

}  // namespace tenon::core
