// SPDX-License-Identifier: Apache-2.0
// pass_stage.hpp - {"pass": id, "options": {...}}, and groups of passes that are repeated.
#pragma once
#include "stage.hpp"

namespace tenon::core {

/// A pass with its options, ready to run.
struct PassSpec {
  std::string id;
  Json options = Json::object();  ///< checked, with defaults
  VerifyOptions verify;
};
/// What one run of a pass did.
struct PassOutcome {
  bool changed = false;
  uint64_t matched = 0, rewritten = 0;
  std::map<std::string, double> metrics;
  Json verify;
  bool settled = false;           ///< not run: it left this very graph as it was
  std::unique_ptr<Model> before;  ///< null when nothing has changed
};

/// Runs the pass; then what has changed is inferred and checked. On error the graph is as before.
Result<PassOutcome> apply_pass(Run& r, const PassSpec& p);

class PassStage : public Stage {
 public:
  explicit PassStage(PassSpec p) : pass_(std::move(p)) {}
  std::string kind() const override { return "pass"; }
  std::string name() const override { return pass_.id; }
  const PassSpec& spec() const { return pass_; }
  void check(PlanCheck& c) const override;
  void passes(std::vector<std::string>* out) const override { out->push_back(pass_.id); }
  void order(OrderCheck* o) const override;
  void explain(const Registry& r, const std::string& indent, std::string* out) const override;
  Status run(Run& r, StageRecord* record) override;
  std::string summary(const StageRecord& record) const override;

 private:
  PassSpec pass_;
};

/// Rounds over a list of passes until a whole round changes nothing.
class RepeatStage : public Stage {
 public:
  RepeatStage(std::vector<std::unique_ptr<PassStage>> passes, int64_t at_most, VerifyOptions v) : passes_(std::move(passes)), at_most_(at_most), verify_(std::move(v)) {}
  std::string kind() const override { return "repeat"; }
  std::string name() const override;
  const std::vector<std::unique_ptr<PassStage>>& list() const { return passes_; }
  int64_t at_most() const { return at_most_; }
  void check(PlanCheck& c) const override;
  void passes(std::vector<std::string>* out) const override;
  void order(OrderCheck* o) const override;
  void explain(const Registry& r, const std::string& indent, std::string* out) const override;
  Status run(Run& r, StageRecord* record) override;
  std::string summary(const StageRecord& record) const override;

 private:
  std::vector<std::unique_ptr<PassStage>> passes_;
  int64_t at_most_;
  VerifyOptions verify_;
  Result<bool> round(Run& r, Json* account, std::unique_ptr<Model>* before);
  Status verify_all(Run& r, Model& before, StageRecord* record);
  std::optional<Tolerance> tolerance(const Registry& r) const;
};

/// Tolerance of a pass: the one given, the one in its manifest, or that of its class.
std::optional<Tolerance> pass_tolerance(const Registry& r, const PassSpec& p);

}  // namespace tenon::core
