// SPDX-License-Identifier: Apache-2.0
// The tabs with outputs and with messages.

function outputsTab(report) {
  const stages = report.stages.map((s, k) => ({s, k})).filter((x) => Array.isArray(x.s.outputs) && x.s.outputs.length);
  if (!stages.length) return h("div", {class: "page"}, card("Outputs", h("p", {class: "empty"}, "No stage of this run gave outputs.")));
  return h("div", {class: "page"}, stages.map(({s, k}) => card("Outputs of stage " + (k + 1) + ", " + (s.backend || s.name), outputTable(s),
    s.accuracy ? h("p", {}, "Accuracy " + count(s.accuracy.right) + " of " + count(s.accuracy.count) + " (" + (100 * s.accuracy.ratio).toFixed(2) + " %)") : null)));
}

function outputTable(s) {
  const verdict = (o) => (o.agrees === undefined ? h("span", {class: "sub"}, "not compared") : h("span", {class: "tag " + (o.agrees ? "added" : "removed")}, o.agrees ? "agrees" : "differs"));
  return table([{title: "Output", class: "wrap", cell: (o) => o.name}, {title: "Type", cell: (o) => h("code", {}, o.type + (o.shape ? "[" + o.shape.join(", ") + "]" : o.absent ? " absent" : ""))},
    {title: "Expected", cell: verdict}, {title: "Comparison", class: "wrap", cell: (o) => o.text || ""}], s.outputs);
}

function messagesTab(report) {
  const left = report.leftovers || [];
  return h("div", {class: "page"},
    card(plural(report.errors.length, "error"), report.errors.length ? report.errors.map(errorText) : h("p", {class: "empty"}, "The run ended well.")),
    card(plural(report.warnings.length, "warning"), report.warnings.length ? table([{title: "Warning", class: "wrap", cell: (w) => w.text}, {title: "From", cell: (w) => [w.plugin, w.stage].filter(Boolean).join(", ")}], report.warnings) : h("p", {class: "empty"}, "None.")),
    left.length ? card("Operators that nobody could lower", table([{title: "Operator", cell: (l) => l.operator}, {title: "Version", number: true, cell: (l) => l.version}, {title: "Nodes", number: true, cell: (l) => count(l.count)}, {title: "Reason", class: "wrap", cell: (l) => l.reason}, {title: "Supplier", class: "wrap", cell: (l) => l.supplier}], left)) : null);
}
