// SPDX-License-Identifier: Apache-2.0
// rewrite_search.hpp - the first rewrite of a pass that breaks a graph, by halves.
#pragma once
#include "bisect.hpp"

namespace tenon::core {

class RewriteSearch {
 public:
  /// Is the graph still right? Called in a child.
  using Judge = std::function<Status(Model&)>;
  /// `judge` empty: only the pass itself, types and the verifier count.
  RewriteSearch(Session& s, Model& before, const PassSpec& pass, Judge judge, double seconds);
  ~RewriteSearch();
  /// Fills in what is about the rewrite.
  Status find(Culprit* c);
  size_t probes() const { return probes_; }

 private:
  struct Probe {
    Status status;
    bool finished = false;   ///< the pass came to its end
    bool asked = false;
    uint64_t made = 0;
    Rewrite last;
    uint64_t tried_after = 0;  ///< rewrites made when the last one was tried
    Rewrite tried;
  };
  Probe probe(uint64_t limit);
  void name_rewrite(Culprit* c, const Probe& p) const;
  void list_changes(Culprit* c) const;

  Session& session_;
  Model& before_;
  const PassSpec& pass_;
  Judge judge_;
  double seconds_;
  size_t probes_ = 0;
  char* page_;               ///< shared with the child: the rewrite that it tries
};

}  // namespace tenon::core
