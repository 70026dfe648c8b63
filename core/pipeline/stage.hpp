// SPDX-License-Identifier: Apache-2.0
// stage.hpp - one step of a pipeline, and the run that it is part of.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../exec/import.hpp"
#include "../report/graph_observer.hpp"
#include "../report/progress.hpp"
#include "../report/run_report.hpp"
#include "config.hpp"
#include "verify_stage.hpp"

namespace tenon::core {

/// State of a pipeline that runs.
struct Run {
  Session& session;
  RunReport report;
  std::unique_ptr<Model> model;
  std::vector<Leftover> leftovers;  ///< of the last import
  bool verify_all = false;          ///< check every pass
  int64_t threads = 0;              ///< of backends; 0 = theirs to choose
  GraphChecker checker;
  bool profile = false;             ///< backends that can measure each step do so
  std::vector<GraphObserver*> observers;  ///< usually none
  Progress* progress = nullptr;
  std::function<void(const std::string&)> say;  ///< a line for the reader; may be empty

  explicit Run(Session& s) : session(s) {}
  /// Tells the observers; the stage is the one that runs.
  void observe(GraphEvent e) const {
    e.stage = report.stages.size();
    for (GraphObserver* o : observers) o->changed(e);
  }
  void line(const std::string& text) const {
    if (say) say(text);
  }
};

/// What a check before the run knows.
struct PlanCheck {
  Session& session;
  std::set<std::string> produced;  ///< files that earlier stages write
  std::vector<Error> problems;
  void input_file(const std::string& path, const std::string& where);
  void output_file(const std::string& path, const std::string& where);
};

/// Properties of the graph while stages are put in order: see Stage::order.
struct OrderCheck {
  const Registry& registry;
  std::set<std::string> facts;   ///< what holds at this point
  std::set<std::string> done;    ///< passes so far
  std::set<std::string> all;     ///< passes of the whole pipeline
  std::vector<Error> problems;
};

class Stage {
 public:
  virtual ~Stage() = default;
  /// "import", "pass", ...
  virtual std::string kind() const = 0;
  /// For people: the pass, the file, the backend.
  virtual std::string name() const = 0;
  /// Everything that can be known without running: files, conditions. Adds to problems.
  virtual void check(PlanCheck&) const {}
  /// Names of the passes in it, in order.
  virtual void passes(std::vector<std::string>*) const {}
  /// Checks "after", "needs" and records "gives", "breaks".
  virtual void order(OrderCheck*) const {}
  /// Lines for --explain.
  virtual void explain(const Registry& r, const std::string& indent, std::string* out) const = 0;
  /// On error the graph is as it was before.
  virtual Status run(Run& r, StageRecord* record) = 0;
  /// One line about what happened, without the name.
  virtual std::string summary(const StageRecord& record) const;

  std::string where;  ///< position in the pipeline
};

/// "frontend x from plugin y 1.0 (path)" for --explain.
std::string supplier_text(const Registry& r, const std::string& kind, const std::string& id);
/// Adds "stage", and for something that a plugin brought "plugin" with its version. An error that knows its stage stays as it is.
Error at_stage(Error e, const Registry& r, const std::string& kind, const std::string& id);
/// "3.2 ms", "1.25 s".
std::string time_text(double ms);

}  // namespace tenon::core
