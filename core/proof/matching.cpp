// SPDX-License-Identifier: Apache-2.0
#include "matching.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace tenon::core {
namespace {

/// One of the models, with the places of everything in its order.
struct Side {
  const Model& m;
  std::vector<tenon_node> order;
  std::unordered_map<tenon_node, std::vector<std::string>> origins;
  std::map<std::string, size_t> last;            ///< origin -> place of the last node that has it
  std::map<std::string, std::vector<tenon_value>> by_name;
  std::unordered_map<tenon_value, tenon_node> maker;

  explicit Side(const Model& model) : m(model) {
    auto sorted = m.topological(m.main());
    if (sorted) order = std::move(*sorted);
    std::vector<tenon_value> out;
    for (size_t k = 0; k < order.size(); ++k) {
      origins[order[k]] = m.origin_names(order[k]);
      for (const auto& o : origins[order[k]]) last[o] = k;
      m.outputs(order[k], &out);
      for (tenon_value v : out) {
        if (!v) continue;
        maker[v] = order[k];
        if (!m.value_name(v).empty()) by_name[std::string(m.value_name(v))].push_back(v);
      }
    }
  }
  size_t place(const std::string& origin) const {
    auto it = last.find(origin);
    return it == last.end() ? 0 : it->second + 1;
  }
};

/// The origin whose work a node completes: the one that comes last in the unfused order.
std::string work_of(const Side& side, const Side& other, tenon_node n) {
  const auto& all = side.origins.at(n);
  if (all.empty()) return {};
  return *std::max_element(all.begin(), all.end(), [&](const std::string& x, const std::string& y) {
    const auto key = [&](const std::string& o) { return std::pair(other.place(o), side.place(o)); };
    return key(x) < key(y);
  });
}

std::map<std::string, tenon_node> last_by_work(const Side& side, const Side& other) {
  std::map<std::string, tenon_node> r;
  for (tenon_node n : side.order) {
    std::string work = work_of(side, other, n);
    if (!work.empty()) r[std::move(work)] = n;
  }
  return r;
}

class Matcher {
 public:
  Matcher(const Model& a, const Model& b) : a_(a), b_(b), work_a_(last_by_work(a_, b_)), work_b_(last_by_work(b_, a_)) {}
  std::vector<Match> run() {
    outputs();
    for (tenon_node n : a_.order) node(n);
    std::unordered_map<tenon_value, size_t> place;
    std::vector<tenon_value> ids;
    for (size_t k = 0; k < a_.order.size(); ++k) {
      a_.m.outputs(a_.order[k], &ids);
      for (tenon_value v : ids) place[v] = k;
    }
    std::stable_sort(found_.begin(), found_.end(), [&](const Match& x, const Match& y) { return place[x.a] < place[y.a]; });
    return std::move(found_);
  }

 private:
  void add(tenon_value a, tenon_value b, const std::string& name, bool output) {
    if (!a || !b || !a_.maker.count(a) || !b_.maker.count(b) || !seen_a_.insert(a).second) return;
    if (!seen_b_.insert(b).second) seen_a_.erase(a);
    else found_.push_back({a, b, name, output});
  }
  void outputs() {
    const auto &out_a = a_.m.main().outputs, &out_b = b_.m.main().outputs;
    const auto &names_a = a_.m.main().output_names, &names_b = b_.m.main().output_names;
    for (size_t k = 0; k < out_a.size(); ++k) {
      auto same = std::find(names_b.begin(), names_b.end(), names_a[k]);
      if (same != names_b.end()) add(out_a[k], out_b[static_cast<size_t>(same - names_b.begin())], names_a[k], true);
    }
    for (size_t k = 0; out_a.size() == out_b.size() && k < out_a.size(); ++k) add(out_a[k], out_b[k], names_a[k], true);
  }
  void node(tenon_node n) {
    std::vector<tenon_value> mine, theirs;
    a_.m.outputs(n, &mine);
    const std::string work = work_of(a_, b_, n);
    auto same = work_b_.find(work);
    if (same != work_b_.end() && work_a_.at(work) == n) {
      b_.m.outputs(same->second, &theirs);
      for (size_t k = 0; k < mine.size() && mine.size() == theirs.size(); ++k) add(mine[k], theirs[k], work, false);
    }
    for (tenon_value v : mine)
      if (v && !a_.m.value_name(v).empty()) value(v, std::string(a_.m.value_name(v)), work);
  }
  void value(tenon_value v, const std::string& name, const std::string& work) {
    auto named = b_.by_name.find(name);
    if (named == b_.by_name.end() || named->second.size() != 1 || a_.by_name.at(name).size() != 1) return;
    const std::string other = work_of(b_, a_, b_.maker.at(named->second[0]));
    const bool known = !work.empty() && !other.empty() && (a_.last.count(other) || b_.last.count(work));
    if (!known || work == other) add(v, named->second[0], name, false);
  }

  Side a_, b_;
  std::map<std::string, tenon_node> work_a_, work_b_;
  std::vector<Match> found_;
  std::set<tenon_value> seen_a_, seen_b_;
};

}  // namespace

std::vector<Match> match_values(const Model& a, const Model& b) { return Matcher(a, b).run(); }

}  // namespace tenon::core
