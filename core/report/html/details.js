// SPDX-License-Identifier: Apache-2.0
// What the panel beside a graph says about one node.

function nodeDetails(tab, id) {
  const {before, after, status} = tab.change, node = after.nodes.get(id) || before.nodes.get(id), old = before.nodes.get(id);
  if (!node) return [h("p", {class: "empty"}, "The node is not in this step.")];
  const state = after.nodes.has(id) ? after : before, kind = status.get(id), steps = tab.steps;
  const sub = [kind ? h("span", {class: "tag " + kind}, kind) : null, node.name || "without a name"];
  const was = kind === "changed" && old ? old : null;
  return [h("h2", {}, steps.operator(node)), h("p", {class: "sub"}, ...sub),
    was && was.op !== node.op ? h("p", {class: "was"}, "was " + steps.operator(was)) : null,
    ...attributes(node, was), ...valueList(tab, "Inputs", node.in, state, was ? was.in : null, before), ...valueList(tab, "Outputs", node.out, state, null, before),
    ...nestedGraphs(tab, node, state), ...profileOf(tab, node), ...originList(steps, node)].filter(Boolean);
}

function attributes(node, was) {
  const rows = new Map(node.attrs.map(([name, text]) => [name, {now: text}]));
  if (was) for (const [name, text] of was.attrs) rows.set(name, Object.assign(rows.get(name) || {}, {old: text}));
  if (!rows.size) return [];
  const line = ([name, t]) => pair(name, t.now !== undefined ? t.now : null, was && t.old !== t.now ? h("span", {class: "was"}, t.old === undefined ? " new" : (t.now === undefined ? "removed, was " : " was ") + t.old) : null);
  return [h("h3", {}, "Attributes"), h("dl", {}, [...rows].map(line))];
}

function valueList(tab, title, list, state, oldList, before) {
  if (!list.length) return [];
  const lines = list.map((v, k) => {
    const value = state.values.get(v), old = oldList && oldList[k] !== v ? before.values.get(oldList[k]) : null;
    const moved = oldList && oldList[k] !== v;
    return h("li", {class: moved ? "changed" : undefined}, value ? valueText(tab, title, value, state) : h("span", {class: "sub"}, "absent"), old ? h("div", {class: "was"}, "was " + (old.name || "unnamed") + "  " + old.type) : null);
  });
  return [h("h3", {}, title), h("ol", {class: "values", start: 0}, lines)];
}

function valueText(tab, title, value, state) {
  const links = title === "Inputs" ? producersOf(tab, value.id, state) : usersOf(tab, value.id, state);
  return [h("code", {}, value.type), " ", h("span", {class: "value"}, value.name || "unnamed"), value.bytes >= 0 ? h("small", {}, " constant, " + bytes(value.bytes)) : null, links.length ? h("div", {class: "links"}, links) : null];
}

function nodeLink(tab, node, mark) {
  return h("button", {class: tab.change.status.get(node.id) || "", title: node.name, onclick: () => tab.show({node: node.id})}, mark + " " + shortOperator(tab.steps.operator(node), ""));
}

function producersOf(tab, value, state) {
  for (const n of state.nodes.values()) if (n.out.includes(value)) return [nodeLink(tab, n, "\u2190")];
  return [];
}

function usersOf(tab, value, state) {
  const users = [];
  for (const n of state.nodes.values()) if (n.in.includes(value)) users.push(n);
  return users.slice(0, 12).map((n) => nodeLink(tab, n, "\u2192"));
}

function nestedGraphs(tab, node, state) {
  if (!node.graphs.length) return [];
  const link = (k) => h("button", {onclick: () => tab.show({graph: k, node: null, center: null, hops: Infinity})}, "Open graph " + ((state.graphs.get(k) || {}).name || k));
  return [h("h3", {}, "Nested graphs"), h("div", {class: "links"}, node.graphs.map(link))];
}

function profileOf(tab, node) {
  const operator = tab.steps.operator(node).replace(/@\d+$/, "").split("::").pop();
  const entries = (tab.profile.byName.get(node.name) || []).filter((e) => String(e.operator).split("::").pop() === operator);
  if (!node.name || !entries.length) return [];
  return [h("h3", {}, "In the program"), h("dl", {}, entries.map((e) => [pair("kernel", e.kernel), e.ms === undefined ? null : pair("time", time(e.ms) + ", " + (100 * e.share).toFixed(1) + " %")]))];
}

function originList(steps, node) {
  if (!node.origins.length) return [];
  const rest = node.originCount - node.origins.length;
  return [h("h3", {}, "Origins in the model file"), h("ul", {class: "origins"}, node.origins.map((k) => h("li", {}, h("b", {}, steps.origins[k][1]), " " + steps.origins[k][0])), rest > 0 ? h("li", {}, "and " + count(rest) + " more") : null)];
}
