// SPDX-License-Identifier: Apache-2.0
// The graph after each step, put together from the differences that the page holds.

/** Nodes: {id, op, name, graph, in, out, attrs, origins, originCount, graphs}; values: {id, name, type, bytes}; -1 stands for an absent input. */
class Steps {
  constructor(data) {
    this.operators = data ? data.operators : [];
    this.origins = data ? data.origins : [];
    this.all = data ? data.steps : [];
    this.limit = data ? data.limit : 0;
    this.recordingMs = data ? data["recording-ms"] : 0;
    this.values = new Map();
    this.cache = null;
  }

  node(n) {
    return {id: n[0], op: n[1], name: n[2], graph: n[3], in: n[4], out: n[5], attrs: n[6], origins: n[7], originCount: n[8], graphs: n[9]};
  }

  operator(node) {
    return this.operators[node.op];
  }

  /** Does the page hold whole graphs on both sides of this step? */
  isWhole(k) {
    return k >= 0 && k < this.all.length && this.all[k].whole !== undefined;
  }

  static empty() {
    return {nodes: new Map(), values: new Map(), graphs: new Map()};
  }

  apply(state, step) {
    const whole = step.whole;
    if (whole.reset) state = Steps.empty();
    for (const id of whole.gone) state.nodes.delete(id);
    for (const n of whole.set) state.nodes.set(n[0], this.node(n));
    for (const v of whole.values) state.values.set(v[0], {id: v[0], name: v[1], type: v[2], bytes: v[3]});
    for (const g of whole.graphs) state.graphs.set(g[0], {id: g[0], name: g[1], in: g[2], out: g[3], outputNames: g[4]});
    return state;
  }

  /** State after step k; the caller must not change it, and it is good until the next call. */
  after(k) {
    let at = this.cache && this.cache.k <= k ? this.cache.k : -1;
    let state = at >= 0 ? this.cache.state : Steps.empty();
    for (let i = at + 1; i <= k; ++i) if (this.all[i].whole) state = this.apply(state, this.all[i]);
    this.cache = {k, state};
    return state;
  }

  copy(state) {
    return {nodes: new Map(state.nodes), values: new Map(state.values), graphs: new Map(state.graphs)};
  }

  part(step) {
    const side = (list) => {
      const state = Steps.empty();
      for (const n of list) state.nodes.set(n[0], this.node(n));
      for (const v of step.part.values) state.values.set(v[0], {id: v[0], name: v[1], type: v[2], bytes: v[3]});
      for (const n of state.nodes.values()) if (!state.graphs.has(n.graph)) state.graphs.set(n.graph, {id: n.graph, name: n.graph === 0 ? "main" : "graph " + n.graph, in: [], out: [], outputNames: []});
      return state;
    };
    return {before: side(step.part.before), after: side(step.part.after)};
  }

  /** {before, after, status: id -> "removed" | "added" | "changed", partial, missing}. */
  change(k) {
    const step = this.all[k];
    let before, after;
    if (step.whole) {
      before = step.whole.reset || k === 0 ? Steps.empty() : this.copy(this.after(k - 1));
      after = this.after(k);
    } else if (step.part) {
      ({before, after} = this.part(step));
    } else {
      return {before: Steps.empty(), after: Steps.empty(), status: new Map(), missing: true};
    }
    const status = new Map();
    if (before.nodes.size > 0 || step.part) {
      for (const id of before.nodes.keys()) if (!after.nodes.has(id)) status.set(id, "removed");
      for (const [id, node] of after.nodes) {
        const old = before.nodes.get(id);
        if (!old) status.set(id, "added");
        else if (old !== node && different(old, node)) status.set(id, "changed");
      }
    }
    return {before, after, status, partial: !step.whole};
  }
}

function different(a, b) {
  return a.op !== b.op || String(a.in) !== String(b.in) || JSON.stringify(a.attrs) !== JSON.stringify(b.attrs);
}

/** "Name" of "domain::Name@3": the domain that most operators have is left out, and shown in the details. */
function shortOperator(text, usual) {
  return usual && text.startsWith(usual + "::") ? text.slice(usual.length + 2) : text;
}

/** A type with its long symbolic sizes cut. */
function shortType(text) {
  return text.replace(/\[(.*)\]$/, (_, dims) => "[" + dims.split(", ").map((d) => (d.length > 10 ? d.slice(0, 8) + "\u2026" : d)).join(", ") + "]");
}

function usualDomain(operators, nodes) {
  const counts = new Map();
  for (const n of nodes) {
    const domain = operators[n.op].split("::")[0];
    counts.set(domain, (counts.get(domain) || 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map((c) => c[0])[0];
}
