// SPDX-License-Identifier: Apache-2.0
#include "input_sets.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include "../exec/program.hpp"
#include "config.hpp"
#include "missing.hpp"

namespace tenon::core {
namespace {

/// Flags of all operators in the graph, nested graphs included.
int32_t operator_flags(Session& s, const Model& m) {
  int32_t flags = 0;
  for (const auto* g : m.nested(m.main()))
    for (Slot n = g->first; n; n = m.nodes.next[n]) {
      auto def = s.registry.find_operator(m.nodes.op[n]);
      if (def && *def) flags |= (*def)->flags;
    }
  return flags;
}

/// Sizes and integers in the order in which they are tried: a graph may only run on images of a certain size, or on small indices.
std::vector<InputManner> ordinary_manners(const VerifyOptions& o) {
  struct Try {
    IntegerManner integers;
    int64_t other;
    int32_t rank;
  };
  using I = IntegerManner;
  constexpr Try kTries[] = {{I::small, 8, 1}, {I::bits, 8, 1}, {I::zeros, 8, 2}, {I::ones, 8, 2}, {I::small, 32, 4}, {I::bits, 32, 4}, {I::small, 64, 3}, {I::bits, 64, 3}, {I::small, 2, 2}, {I::ones, 1, 0}, {I::small, 224, 4}, {I::small, 512, 2}, {I::small, 4096, 2}};
  std::vector<InputManner> all;
  for (const Try& t : kTries) {
    InputManner m;
    m.seed = o.seed;
    m.dims = o.dims;
    m.integers = t.integers;
    m.other = t.other;
    m.rank = t.rank;
    m.present = t.other != 8;
    all.push_back(m);
  }
  return all;
}

/// For graphs that want sizes of their own for each open one: some are 1 and the others large, all ways where there are few of them, else
/// one that differs from the rest.
std::vector<InputManner> manners_by_size(const Model& m, const VerifyOptions& o) {
  constexpr size_t kFew = 4, kMany = 16;
  const size_t n = open_sizes(m, o.dims);
  if (n < 2 || n > kMany) return {};
  std::vector<uint64_t> large;
  const uint64_t every = (uint64_t{1} << n) - 1;
  for (uint64_t k = 1; n <= kFew && k < every; ++k) large.push_back(k);
  for (size_t k = 0; n > kFew && k < n; ++k) large.insert(large.end(), {uint64_t{1} << k, every ^ (uint64_t{1} << k)});
  std::vector<InputManner> all;
  for (int64_t size : {8, 64, 256})
    for (uint64_t set : large) {
      InputManner manner;
      manner.seed = o.seed;
      manner.dims = o.dims;
      for (size_t k = 0; k < n; ++k) manner.sizes.push_back(set >> k & 1 ? size : 1);
      all.push_back(manner);
    }
  return all;
}

/// Sizes of 1 become `ones`, the others `many` times as large.
InputManner scaled(InputManner m, int64_t ones, int64_t many) {
  for (int64_t& size : m.sizes) size = size == 1 ? ones : size * many;
  return m;
}

std::vector<InputManner> other_sizes(const InputManner& like) {
  if (!like.sizes.empty()) {
    std::vector<InputManner> all = {scaled(like, 2, 1), scaled(like, 3, 1), scaled(like, 1, 2)};
    for (InputManner& m : all) ++m.seed, m.present = !like.present;
    return all;
  }
  std::vector<InputManner> all;
  for (auto [leading, other] : {std::pair<int64_t, int64_t>{2, 7}, {3, 5}, {2, like.other}, {1, 2 * like.other}}) {
    InputManner m = like;
    ++m.seed;
    m.leading = leading;
    m.other = other;
    m.present = !like.present;
    all.push_back(m);
  }
  return all;
}

std::vector<InputManner> edge_values(const InputManner& like) {
  InputManner m = like;
  ++m.seed;
  m.edges = true;
  InputManner wild = m;
  wild.integers = IntegerManner::edges;
  return {wild, m};
}

std::vector<InputManner> no_elements(const InputManner& like) {
  InputManner first = like;
  first.leading = 0;
  first.items = 0;
  InputManner all = first;
  all.other = 0;
  if (!like.sizes.empty()) first = scaled(first, 0, 1), all = scaled(all, 0, 0);
  return {first, all};
}

bool has_elements_that_matter(const TensorSet& set) {
  for (const Tensor& t : set.tensors())
    if (t.present && (t.items || is_float(t.type) || t.type.code == TENON_DT_COMPLEX || (is_int(t.type) && t.type.code != TENON_DT_BOOL))) return true;
  return false;
}

/// A run that takes longer is repeated no more often than need be.
constexpr double kSlow = 2;
/// Random outputs of few possible values are alike in some runs by chance.
constexpr int kRepeats = 8;

/// Of this process and of children that ended.
double cpu_seconds() {
  double sum = 0;
  for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage u{};
    getrusage(who, &u);
    sum += static_cast<double>(u.ru_utime.tv_sec) + 1e-6 * static_cast<double>(u.ru_utime.tv_usec);
  }
  return sum;
}

Tolerance same_bits() {
  Tolerance t;
  t.bits = true;
  return t;
}

}  // namespace

int runs_of(Session& s, const Model& m) { return operator_flags(s, m) & TENON_OF_SIDE_EFFECTS ? 2 : 1; }

Result<Outputs> run_graph(Session& s, Model& m, const std::string& backend, const TensorSet& inputs, int runs) {
  TENON_TRY(require_operators(s, m));
  auto program = compile(s, m, backend, Json::object());
  if (!program) return fail(std::move(program.error()));
  Outputs copies;
  for (int k = 0; k < runs; ++k) {
    auto out = (*program)->run(inputs.pointers());
    if (!out) return fail(std::move(out.error()));
    for (const tenon_tensor* t : *out) {
      auto c = Tensor::copy(*t);
      if (!c) return fail(std::move(c.error()));
      copies.push_back(std::move(*c));
    }
  }
  return copies;
}

struct InputSets::Maker {
  Session& session;
  Model& model;
  const VerifyOptions& options;
  std::string backend;
  const GraphRunner& run;
  InputSets& all;
  bool random;  ///< an operator in the graph says that it may be

  Status compute(InputSet* set) const {
    const double before = cpu_seconds();
    auto out = run(session, model, backend, set->inputs, all.runs);
    if (!out) return fail(std::move(out.error()));
    set->cpu_seconds = cpu_seconds() - before;
    set->steady.assign(out->size(), true);
    if (random) TENON_TRY(find_steady(set, *out));
    set->outputs = std::move(*out);
    return {};
  }
  Status find_steady(InputSet* set, const Outputs& first) const {
    const int times = set->cpu_seconds > kSlow / kRepeats ? 1 : kRepeats;
    for (int k = 0; k < times; ++k) {
      auto again = run(session, model, backend, set->inputs, all.runs);
      if (!again) return fail(std::move(again.error()));
      for (size_t i = 0; i < first.size(); ++i) set->steady[i] = set->steady[i] && i < again->size() && compare((*again)[i], first[i], same_bits()).ok();
    }
    return {};
  }
  /// The first manner on which the graph runs; the error is that of the first one.
  Result<InputManner> add(const std::string& name, bool exact_only, const std::vector<InputManner>& manners) const {
    std::optional<Error> why;
    for (const InputManner& manner : manners) {
      auto made = made_inputs(model, manner);
      InputSet set{name, exact_only, {}, {}, {}, 0};
      Status s = made ? Status() : fail(made.error());
      if (s) set.inputs = TensorSet(std::move(*made));
      if (s && exact_only && manner.edges && !has_elements_that_matter(set.inputs)) return fail(TENON_E_NOT_FOUND, "no input has special values");
      if (s) s = compute(&set);
      if (s) {
        all.sets.push_back(std::move(set));
        return manner;
      }
      if (s.error().code == TENON_E_CANCELLED || s.error().code == TENON_E_NO_MEMORY) return fail(std::move(s.error()));
      if (!why) why = std::move(s.error());
    }
    return fail(std::move(*why));
  }
  Status add_more(const std::string& name, bool exact_only, const std::vector<InputManner>& manners) const {
    auto added = add(name, exact_only, manners);
    if (added || added.error().code == TENON_E_NOT_FOUND) return {};
    if (added.error().code == TENON_E_CANCELLED) return fail(std::move(added.error()));
    all.notes.push_back("the graph does not run on " + name + ", so it was not compared on them: " + added.error().message);
    return {};
  }
  Status from_file(const std::string& path) const {
    auto file = Npz::open(path);
    if (!file) return fail(std::move(file.error()));
    auto read = inputs_from_file(*file, model);
    if (!read) return fail(std::move(read.error()));
    InputSet set{path, false, TensorSet(std::move(*read)), {}, {}, 0};
    TENON_TRY(compute(&set));
    all.sets.push_back(std::move(set));
    return {};
  }
  /// The error is that of the plainest manner.
  Result<InputManner> add_ordinary() const {
    auto like = add("made up", false, ordinary_manners(options));
    if (like || like.error().code == TENON_E_CANCELLED || like.error().code == TENON_E_NO_MEMORY) return like;
    const auto by_size = manners_by_size(model, options);
    if (by_size.empty()) return like;
    auto found = add("made up", false, by_size);
    return found ? found : like;
  }
  Status made_up(bool exact) const {
    auto like = add_ordinary();
    if (!like) return fail(std::move(like.error()).with("hint", "verification ran the graph on made-up inputs; give \"inputs\" or \"dims\" in \"verify\" when it needs special ones"));
    if (like->integers != IntegerManner::small || like->other != InputManner().other || !like->sizes.empty()) all.notes.push_back("made-up inputs are mild ones, because the graph does not run on others");
    for (int64_t k = 1; k < options.sets && !model.main().inputs.empty(); ++k) {
      InputManner next = *like;
      next.seed += static_cast<uint64_t>(k) << 32;
      TENON_TRY(add_more(fmt::format("made up, set {}", k + 1), false, {next}));
    }
    if (!options.edges.value_or(true)) return {};
    if (!options.edges && all.sets.front().cpu_seconds > kSlow) {
      all.notes.push_back(fmt::format("one run of the graph takes more than {} s, so it was compared on ordinary inputs only; \"edges\": true, or --edges, asks for the others", kSlow));
      return {};
    }
    const bool open = has_open_sizes(model);
    if (open) TENON_TRY(add_more("inputs of other sizes", false, other_sizes(*like)));
    if (!exact) return {};
    TENON_TRY(add_more("edge values", true, edge_values(*like)));
    if (open) TENON_TRY(add_more("inputs without elements", true, no_elements(*like)));
    return {};
  }
};

Status InputSets::prepare(Session& s, Model& m, const VerifyOptions& o, const std::string& file, bool exact, const GraphRunner& run) {
  sets.clear();
  notes.clear();
  runs = runs_of(s, m);
  const bool random = (operator_flags(s, m) & TENON_OF_NONDETERMINISTIC) != 0;
  const Maker maker{s, m, o, o.backend.empty() ? "reference" : o.backend, run, *this, random};
  TENON_TRY(file.empty() ? maker.made_up(exact) : maker.from_file(file));
  size_t unsteady = 0;
  for (bool steady : sets.front().steady) unsteady += !steady;
  if (unsteady) notes.push_back(fmt::format("{} of {} outputs are random and were not compared", unsteady, sets.front().steady.size()));
  return {};
}

void compare_outputs(const Outputs& after, const InputSet& before, const std::vector<std::string>& names, const Tolerance& t, SetComparison* r) {
  const Outputs& expected = *before.outputs;
  if (after.size() != expected.size()) {
    r->misses.push_back(Error(TENON_E_MISMATCH, "the stage changed the number of outputs").with("expected", std::to_string(expected.size())).with("found", std::to_string(after.size())));
    return;
  }
  for (size_t k = 0; k < expected.size(); ++k) {
    if (!before.steady[k]) continue;
    r->any = true;
    const std::string& name = names[k % names.size()];
    const Comparison c = compare(after[k], expected[k], t);
    if (!c.ok() || !r->outputs.contains(name)) r->outputs[name] = c.json();
    if (c.ok()) continue;
    Error e = Error(TENON_E_MISMATCH, "the stage changed what output \"" + name + "\" computes: " + c.text()).with("value", name).with("tolerance", t.text()).with("inputs", before.name);
    if (k >= names.size()) e.with("found", fmt::format("only in run {} of the same program", k / names.size() + 1));
    r->misses.push_back(std::move(e));
  }
}

}  // namespace tenon::core
