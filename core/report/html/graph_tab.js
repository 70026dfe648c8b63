// SPDX-License-Identifier: Apache-2.0
// The tab with the graph before and after each step.

class GraphTab {
  constructor(report, steps, profile) {
    this.report = report, this.steps = steps, this.profile = profile;
    this.step = null, this.graph = 0, this.view = "merged", this.hops = null, this.node = null, this.center = null, this.opened = new Set();
    this.canvas = new GraphCanvas((box) => this.pick(box ? box.id : null), (box) => this.open(box));
    this.list = h("div", {class: "steps"});
    this.bar = h("div", {class: "toolbar"});
    this.note = h("div", {class: "note"});
    this.details = h("aside", {class: "details"});
    this.found = h("div", {class: "found"});
    this.element = h("div", {class: "split"}, this.list, h("div", {class: "middle"}, this.bar, this.note, this.canvas.element), this.details);
    this.fillList();
  }

  /** The step to begin with: the last that changed anything. */
  first() {
    const all = this.steps.all;
    for (let k = all.length - 1; k > 0; --k) if (all[k].added + all[k].removed + all[k].changed > 0) return k;
    return all.length - 1;
  }

  fillList() {
    const stages = this.report.stages;
    let stage = null;
    this.steps.all.forEach((s, k) => {
      if (s.stage !== stage) this.list.append(h("h3", {}, "stage " + (s.stage + 1), h("small", {}, stages[s.stage] ? stages[s.stage].kind : "")));
      stage = s.stage;
      const before = k > 0 && !(s.whole && s.whole.reset) ? this.steps.all[k - 1].nodes : null;
      this.list.append(h("button", {class: "step", "data-step": k, onclick: () => this.show({step: k})},
        h("span", {class: "name"}, h("i", {}, String(k).padStart(3, "0")), s.name),
        h("span", {class: "counts"}, h("em", {}, before === null ? count(s.nodes) + " nodes" : before === s.nodes ? count(s.nodes) : count(before) + " \u2192 " + count(s.nodes)), chips(before === null ? {} : s))));
    });
  }

  /** Changes what is shown: {step, graph, view, hops, node, find}; the first node found by "find" is shown. */
  show(what) {
    if (!this.steps.all.length) return clear(this.element, h("p", {class: "empty"}, "No graph was recorded: the run failed before there was one."));
    const fresh = what.step !== undefined && what.step !== this.step || this.step === null;
    if (fresh) this.graph = 0, this.center = null, this.opened.clear(), this.hops = null, this.node = null;
    Object.assign(this, what);
    if (fresh || this.step === null) this.begin();
    if (what.find) {
      const hit = this.hits(what.find)[0];
      what = Object.assign({}, what, {node: hit ? hit.id : null});
      this.node = what.node;
    }
    if (what.node !== undefined && what.node !== null) this.toNode(what.node);
    this.draw();
    this.pick(this.node, true);
    changeFragment({tab: "graph", step: this.step, view: this.view === "merged" ? undefined : this.view, graph: this.graph || undefined, all: this.hops === Infinity ? 1 : undefined, node: this.node === null ? undefined : this.node});
  }

  begin() {
    if (this.step === null || this.step >= this.steps.all.length) this.step = this.first();
    this.change = this.steps.change(this.step);
    for (const b of this.list.querySelectorAll(".step")) b.classList.toggle("on", Number(b.dataset.step) === this.step);
    const on = this.list.querySelector(".on");
    if (on) on.scrollIntoView({block: "nearest"});
    const touched = [...this.change.status.keys()].map((id) => (this.change.after.nodes.get(id) || this.change.before.nodes.get(id)).graph);
    if (this.hops === null) this.hops = this.change.after.nodes.size + this.change.before.nodes.size > 1200 && this.change.status.size ? 2 : Infinity;
    if (touched.length && !touched.includes(this.graph)) this.graph = touched[0];
  }

  toNode(id) {
    const node = this.change.after.nodes.get(id) || this.change.before.nodes.get(id);
    if (!node) return;
    this.graph = node.graph;
    if (this.view === "after" && !this.change.after.nodes.has(id) || this.view === "before" && !this.change.before.nodes.has(id)) this.view = "merged";
  }

  draw() {
    this.drawBar();
    const options = {graph: this.graph, view: this.view, hops: this.hops, center: this.center, opened: this.opened};
    let picture = makePicture(this.steps, this.change, options);
    if (this.node !== null && !picture.at.has(this.node)) {
      this.center = this.node, this.hops = 4;
      picture = makePicture(this.steps, this.change, Object.assign(options, {center: this.node, hops: 4}));
    }
    this.canvas.selected = this.node;
    this.canvas.show(picture);
    if (this.node !== null) this.canvas.center(this.node);
    clear(this.note, noteText(this.steps, this.change, picture, this));
  }

  choice(label, value, current, set, title) {
    return h("button", {class: value === current ? "on" : "", title, onclick: () => this.show(set)}, label);
  }

  drawBar() {
    const graphs = new Map([...this.change.before.graphs, ...this.change.after.graphs]);
    const select = graphs.size > 1 ? h("select", {"aria-label": "graph", onchange: (e) => this.show({graph: Number(e.target.value), node: null, center: null})},
      [...graphs.values()].map((g) => h("option", {value: g.id, selected: g.id === this.graph}, (g.id === 0 ? "main graph " : "nested graph ") + (g.name || g.id)))) : null;
    const search = h("input", {type: "search", placeholder: "Find node, operator or origin", "aria-label": "find", oninput: (e) => this.search(e.target.value)});
    clear(this.bar,
      h("div", {class: "group"}, this.choice("Changes", "merged", this.view, {view: "merged"}, "both states in one drawing"), this.choice("Before", "before", this.view, {view: "before"}), this.choice("After", "after", this.view, {view: "after"})),
      h("div", {class: "group"}, this.choice("All nodes", Infinity, this.hops, {hops: Infinity, center: null}), this.choice("Near changes", 2, this.hops, {hops: 2, center: null}, "changed nodes and two more in each direction")),
      select, h("div", {class: "search"}, search, this.found),
      h("div", {class: "group"}, h("button", {title: "all of the drawing", onclick: () => this.canvas.fit()}, "Fit"), h("button", {"aria-label": "zoom out", onclick: () => this.canvas.zoom(1 / 1.3)}, "\u2212"), h("button", {"aria-label": "zoom in", onclick: () => this.canvas.zoom(1.3)}, "+")),
      h("div", {class: "legend"}, ["removed", "added", "changed"].map((s) => h("span", {class: s}, s))));
    this.found.replaceChildren();
  }

  search(text) {
    this.found.replaceChildren();
    if (!text.trim()) return;
    const hits = this.hits(text);
    this.found.append(...hits.map((n) => h("button", {class: this.change.status.get(n.id) || "", onclick: () => this.show({node: n.id})}, h("b", {}, this.steps.operator(n)), " " + tail(n.name, 50))));
    if (!hits.length) this.found.append(h("p", {}, "nothing found"));
  }

  /** Up to 40 nodes whose name, operator or origin holds the text; those of that very operator or name first. */
  hits(text) {
    const wanted = text.trim().toLowerCase(), exact = [], hits = [], seen = new Set();
    for (const state of [this.change.after, this.change.before])
      for (const n of state.nodes.values()) {
        if (seen.has(n.id)) continue;
        const origins = n.origins.map((o) => this.steps.origins[o].join(" ")), operator = this.steps.operator(n).toLowerCase();
        if (![n.name, operator, ...origins].some((t) => t.toLowerCase().includes(wanted))) continue;
        seen.add(n.id);
        (n.name.toLowerCase() === wanted || operator.split("::").pop() === wanted ? exact : hits).push(n);
      }
    return exact.concat(hits).slice(0, 40);
  }

  pick(id, quiet) {
    this.node = typeof id === "string" ? null : id;
    this.canvas.selected = this.node;
    this.canvas.draw();
    clear(this.details, ...(this.node === null ? this.stepDetails() : nodeDetails(this, this.node)));
    if (!quiet) changeFragment({node: this.node === null ? undefined : this.node});
  }

  /** Draws what lies around a node too. */
  open(box) {
    if (!box || box.end) return;
    const nodes = shownNodes(this.change, this.graph, this.view);
    for (const l of allLines(this.change, this.graph, nodes, this.view)) {
      if (l.from === box.id && nodes.has(l.to)) this.opened.add(l.to);
      if (l.to === box.id && nodes.has(l.from)) this.opened.add(l.from);
    }
    this.opened.add(box.id);
    this.node = box.id;
    this.draw();
  }

  stepDetails() {
    const s = this.steps.all[this.step], stage = this.report.stages[s.stage];
    const groups = {removed: new Map(), added: new Map(), changed: new Map()};
    for (const [id, status] of this.change.status) {
      const op = this.steps.operator(status === "removed" ? this.change.before.nodes.get(id) : this.change.after.nodes.get(id));
      groups[status].set(op, (groups[status].get(op) || 0) + 1);
    }
    const lists = Object.entries(groups).filter((g) => g[1].size).map(([status, ops]) => [h("h3", {class: status}, status), h("ul", {class: "ops"}, [...ops].sort((a, b) => b[1] - a[1]).map(([op, n]) => h("li", {}, h("span", {}, op), h("b", {}, count(n)))))]);
    return [h("h2", {}, s.name), h("p", {class: "sub"}, "step " + this.step + (stage ? " of stage " + (s.stage + 1) + ", " + stage.kind : "")),
      h("dl", {}, pair("time", time(s.ms)), pair("nodes", count(s.nodes)), pair("constants", bytes(s["constant-bytes"])), s.rewritten ? pair("rewrites", count(s.rewritten)) : null),
      ...lists.flat(), h("p", {class: "hint"}, "Click a node for its attributes and origins; double-click to draw what lies around it. Wheel or drag moves, Ctrl and wheel zooms.")];
  }
}

function pair(label, ...value) {
  return [h("dt", {}, label), h("dd", {}, ...value)];
}

function chips(s) {
  return h("span", {class: "chips"}, [["removed", "\u2212"], ["added", "+"], ["changed", "~"]].filter(([k]) => s[k] > 0).map(([k, sign]) => h("span", {class: k, title: k}, sign + count(s[k]))));
}

function noteText(steps, change, picture, tab) {
  const texts = [];
  if (change.missing) return "This step is kept as numbers only: the changes of the run were too many for a page.";
  if (change.partial) texts.push("The graph has more than " + count(steps.limit) + " nodes, so the page holds counts and the surroundings of changes only.");
  if (!change.partial && change.status.size === 0 && change.before.nodes.size) texts.push("No node changed in this step, only types or names.");
  if (picture.shown < picture.total) texts.push("Showing " + count(picture.shown) + " of " + count(picture.total) + " nodes" + (tab.center === null ? " around the changes" : " around the chosen one") + (picture.cut ? ", the most that is drawn at once; search finds the others" : "") + ".");
  return texts.join(" ");
}
