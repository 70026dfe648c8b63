// SPDX-License-Identifier: Apache-2.0
// What of a step is drawn: boxes and lines from two states of a graph.

const kMostDrawn = 4000;
let measurer = null;

function textWidth(text, font) {
  measurer = measurer || document.createElement("canvas").getContext("2d");
  measurer.font = font;
  return measurer.measureText(text).width;
}

/** Nodes of one graph on the sides that are shown: "merged" takes both. */
function shownNodes(change, graph, view) {
  const nodes = new Map();
  if (view !== "before") for (const [id, n] of change.after.nodes) if (n.graph === graph) nodes.set(id, n);
  if (view !== "after") for (const [id, n] of change.before.nodes) if (n.graph === graph && !nodes.has(id)) nodes.set(id, n);
  return nodes;
}

/** Lines between nodes: {from, to, value, status}; "from" and "to" are node ids, or "in:VALUE" and "out:K" for the graph's own. */
function linesOf(state, graph, nodes) {
  const producer = new Map(), g = state.graphs.get(graph), lines = new Map();
  for (const n of nodes.values()) if (state.nodes.has(n.id)) for (const v of state.nodes.get(n.id).out) producer.set(v, n.id);
  if (g) g.in.forEach((v) => producer.set(v, "in:" + v));
  const add = (v, to) => {
    const from = producer.get(v);
    if (from !== undefined) lines.set(from + ">" + to + ">" + v, {from, to, value: v});
  };
  for (const id of nodes.keys()) if (state.nodes.has(id)) for (const v of state.nodes.get(id).in) if (v >= 0) add(v, id);
  if (g) g.out.forEach((v, k) => add(v, "out:" + k));
  return lines;
}

function allLines(change, graph, nodes, view) {
  const before = view === "after" ? new Map() : linesOf(change.before, graph, nodes);
  const after = view === "before" ? new Map() : linesOf(change.after, graph, nodes);
  const lines = [...after.values()];
  const compare = view === "merged" && change.before.nodes.size > 0;
  for (const [key, line] of after) line.status = compare && !before.has(key) ? "added" : "same";
  for (const [key, line] of before) if (!after.has(key)) lines.push(Object.assign(line, {status: compare ? "removed" : "same"}));
  return lines;
}

/** Changed nodes and what is at most `hops` lines away; all nodes when hops is Infinity. At most kMostDrawn. */
function chosen(nodes, lines, seeds, hops) {
  if (hops === Infinity && nodes.size <= kMostDrawn) return {ids: new Set(nodes.keys()), cut: false};
  const near = new Map();
  for (const l of lines) {
    if (!nodes.has(l.from) || !nodes.has(l.to)) continue;
    if (!near.has(l.from)) near.set(l.from, []);
    if (!near.has(l.to)) near.set(l.to, []);
    near.get(l.from).push(l.to), near.get(l.to).push(l.from);
  }
  let ring = seeds.length ? seeds : [...nodes.keys()].slice(0, 1);
  const ids = new Set(ring.slice(0, kMostDrawn));
  for (let k = 0; k < hops && ring.length && ids.size < kMostDrawn; ++k) {
    const wider = [];
    for (const id of ring) for (const other of near.get(id) || []) if (!ids.has(other) && ids.size < kMostDrawn) ids.add(other), wider.push(other);
    ring = wider;
  }
  return {ids, cut: ids.size < nodes.size && ids.size >= kMostDrawn};
}

function constantsText(state, node) {
  const all = node.in.map((v) => state.values.get(v)).filter((v) => v && v.bytes >= 0);
  if (!all.length) return "";
  const total = all.reduce((s, v) => s + v.bytes, 0);
  return all.length === 1 ? all[0].type + "  " + bytes(total) : all.length + " constants  " + bytes(total);
}

const kTitleFont = "600 13px system-ui, sans-serif", kTextFont = "11px system-ui, sans-serif";

function nodeBox(steps, change, node, usual) {
  const state = change.after.nodes.has(node.id) ? change.after : change.before;
  const title = shortOperator(steps.operator(node), usual), status = change.status.get(node.id) || "same";
  const label = node.name || (node.origins.length ? steps.origins[node.origins[0]][0] : "");
  const lines = [tail(label, 30), constantsText(state, node), outputText(state, node)].filter(Boolean);
  const w = Math.max(64, textWidth(title, kTitleFont), ...lines.map((t) => textWidth(t, kTextFont))) + (status === "same" ? 22 : 34);
  return {id: node.id, title, lines, w, h: 24 + lines.length * 15, status};
}

function endBox(id, name, type) {
  return {id, title: tail(name, 40), lines: [type], w: Math.max(textWidth(tail(name, 40), kTitleFont), textWidth(type, kTextFont)) + 28, h: 39, status: "same", end: true};
}

/** Everything to draw: {boxes, lines, width, height, hidden, cut}. */
function makePicture(steps, change, options) {
  const nodes = shownNodes(change, options.graph, options.view);
  const lines = allLines(change, options.graph, nodes, options.view);
  const seeds = options.center !== null && nodes.has(options.center) ? [options.center] : [...nodes.keys()].filter((id) => change.status.has(id));
  const {ids, cut} = chosen(nodes, lines, seeds, options.hops);
  for (const id of options.opened) if (nodes.has(id)) ids.add(id);
  const usual = usualDomain(steps.operators, nodes.values());
  const boxes = [...ids].sort((a, b) => a - b).map((id) => nodeBox(steps, change, nodes.get(id), usual));
  const at = new Map(boxes.map((b, k) => [b.id, k]));
  addEnds(change, options, lines, boxes, at);
  const drawn = [];
  for (const l of lines) {
    const a = at.get(l.from), b = at.get(l.to);
    if (a !== undefined && b !== undefined) drawn.push(Object.assign(l, {a, b}));
    else if (a !== undefined) boxes[a].more = (boxes[a].more || 0) + 1;
    else if (b !== undefined) boxes[b].fewer = (boxes[b].fewer || 0) + 1;
  }
  const items = boxes.slice();
  const size = layered(items, drawn.map((l) => [l.a, l.b]));
  for (const l of drawn) l.points = size.path(l.a, l.b);
  return {boxes, lines: drawn, width: size.width, height: size.height, total: nodes.size, shown: ids.size, cut, at};
}

/** Inputs and outputs of the graph that lie beside a drawn node. */
function addEnds(change, options, lines, boxes, at) {
  const state = options.view === "before" ? change.before : change.after, g = state.graphs.get(options.graph);
  for (const l of lines) {
    for (const end of [l.from, l.to]) {
      if (typeof end !== "string" || at.has(end)) continue;
      if (!at.has(end === l.from ? l.to : l.from)) continue;
      const value = state.values.get(l.value) || change.before.values.get(l.value);
      const name = end.startsWith("out:") && g && g.outputNames[end.slice(4)] ? g.outputNames[end.slice(4)] : value ? value.name : "";
      at.set(end, boxes.length);
      boxes.push(endBox(end, name, value ? shortType(value.type) : ""));
    }
  }
}

function outputText(state, node) {
  const value = node.out.length ? state.values.get(node.out[0]) : null;
  return value ? "\u2192 " + shortType(value.type) + (node.out.length > 1 ? "  +" + (node.out.length - 1) : "") : "";
}
