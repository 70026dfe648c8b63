// SPDX-License-Identifier: Apache-2.0
// The tab with the stages of the run and what each did.

const kShownKeys = new Set(["kind", "name", "ms", "peak-bytes", "nodes-before", "nodes-after", "failed"]);

function overviewTab(data, steps) {
  const r = data.report, stages = r.stages, all = steps.all;
  const first = stages.find((s) => s["nodes-before"] > 0), last = stages[stages.length - 1];
  const execute = stages.filter((s) => s["ms-min"] !== undefined).pop();
  const facts = h("div", {class: "facts"},
    first && last ? fact("Nodes", count(first["nodes-before"]) + " \u2192 " + count(last["nodes-after"]), "file to end") : null,
    all.length ? fact("Constants", bytes(all[0]["constant-bytes"]) + " \u2192 " + bytes(all[all.length - 1]["constant-bytes"]), "in use") : null,
    fact("Whole run", time(r.ms), stages.length + " stages"), fact("Peak memory", bytes(r["peak-bytes"]), "of the process"),
    execute ? fact("One run", time(execute["ms-median"]), plural(execute.runs || 1, "run") + ", median; on " + (execute.backend || execute.name)) : null);
  return h("div", {class: "page"}, errorBox(r), facts, card("Stages", stageTable(data, steps)), operatorCard(steps), aboutCard(data, steps));
}

function errorBox(r) {
  return r.errors.length ? h("section", {class: "card failed"}, h("h2", {}, "The run failed"), r.errors.map(errorText)) : null;
}

function errorText(e) {
  const known = new Set(["code", "message", "causes"]);
  return h("div", {class: "error"}, h("p", {}, h("b", {}, e.message), h("small", {}, " " + e.code)),
    h("dl", {}, Object.entries(e).filter(([k]) => !known.has(k)).map(([k, v]) => pair(k, String(v)))), (e.causes || []).length ? h("div", {class: "causes"}, e.causes.map(errorText)) : null);
}

/** Constant bytes after each stage: of its last step, else those before it. */
function constantsAfter(steps, stages) {
  const after = [];
  let now = null;
  for (let k = 0; k < stages; ++k) {
    for (const s of steps.all) if (s.stage === k) now = s["constant-bytes"];
    after.push(now);
  }
  return after;
}

function stageTable(data, steps) {
  const stages = data.report.stages, slowest = Math.max(1e-9, ...stages.map((s) => s.ms)), most = Math.max(1, ...stages.map((s) => s["nodes-before"]));
  const constants = constantsAfter(steps, stages.length);
  const rows = stages.map((s, k) => {
    const last = steps.all.reduce((found, step, i) => (step.stage === k ? i : found), -1);
    return {s, k, rowClass: s.failed ? "failed" : undefined, onOpen: last >= 0 ? () => openTab("graph", {step: last}) : undefined, last};
  });
  return table([
    {title: "#", number: true, cell: (r) => r.k + 1},
    {title: "Stage", class: "stage-name", cell: (r) => [h("b", {}, r.s.kind), " ", r.s.kind === "repeat" ? plural(r.s.name.split(", ").length, "pass").replace(/passs$/, "passes") : r.s.name.includes("/") ? r.s.name.split("/").pop() : r.s.name, r.s.failed ? h("span", {class: "tag removed"}, "failed") : null]},
    {title: "Nodes", number: true, cell: (r) => bar(r.s["nodes-before"] === r.s["nodes-after"] ? count(r.s["nodes-after"]) : count(r.s["nodes-before"]) + " \u2192 " + count(r.s["nodes-after"]), r.s["nodes-after"] / most)},
    {title: "Constants", number: true, cell: (r) => bytes(constants[r.k])},
    {title: "Time", number: true, cell: (r) => bar(time(r.s.ms), r.s.ms / slowest, "time")},
    {title: "Peak memory", number: true, cell: (r) => bytes(r.s["peak-bytes"])},
    {title: "What it did", class: "did", cell: (r) => didWhat(r.s, steps, r.k)},
  ], rows, 500);
}

function didWhat(s, steps, k) {
  const texts = [];
  const mine = steps.all.filter((x) => x.stage === k && !(x.whole && x.whole.reset));
  const sum = (key) => mine.reduce((n, x) => n + x[key], 0);
  if (s.operators) texts.push(s.frontend + ": " + plural(s.operators.length, "operator kind") + " lowered");
  if (s.rewritten) texts.push(plural(s.rewritten, "rewrite"));
  if (s.changed === false) texts.push("nothing to do");
  if (s.rounds) texts.push(plural(s.rounds, "round"));
  if (s["ms-min"] !== undefined) texts.push("compiled in " + time(s["compile-ms"]) + ", " + plural(s.runs, "run") + ": min " + time(s["ms-min"]));
  if (s.files) texts.push(s.files.map((f) => f.file.split("/").pop() + " " + bytes(f.bytes)).join(", "));
  if (s.verify) texts.push(s.verify.ok === true ? "verified" : "not verified" + (s.verify.skipped ? ": " + s.verify.skipped : ""));
  for (const [name, n] of Object.entries(s.metrics || {})) texts.push(name + " " + count(n));
  return [texts.join(", "), " ", chips({removed: sum("removed"), added: sum("added"), changed: sum("changed")}), s.passes ? passLines(s.passes) : null];
}

function passLines(passes) {
  const did = Object.entries(passes).filter(([, p]) => p.changed > 0);
  return did.length > 0 && h("ul", {class: "passes"}, did.map(([name, p]) => h("li", {}, h("b", {}, name), " " + plural(p.rewritten, "rewrite") + ", " + time(p.ms) + Object.entries(p.metrics || {}).map(([m, n]) => ", " + m + " " + count(n)).join("") + (p.verify && p.verify.ok === true ? ", verified" : ""))));
}

/** Operators of the file and of the last graph side by side. */
function operatorCard(steps) {
  if (!steps.all.length) return null;
  const counts = (step) => new Map(step.count.map(([op, n]) => [steps.operators[op], n]));
  const ends = [counts(steps.all[0]), counts(steps.all[steps.all.length - 1])];
  const column = (title, ops) => h("div", {}, h("h3", {}, title), table([{title: "Operator", cell: (o) => o[0]}, {title: "Nodes", number: true, cell: (o) => bar(count(o[1]), o[1] / Math.max(...ops.values()))}], [...ops].sort((a, b) => b[1] - a[1]), 30));
  return card("Operators", h("div", {class: "columns"}, column("first graph", ends[0]), column("last graph", ends[1])));
}

function aboutCard(data, steps) {
  const a = data.about, m = a.machine;
  return card("About this run", h("dl", {class: "wide"}, pair("command", h("code", {}, a.command)), pair("pipeline", data.report.pipeline), pair("made", a.made + " by Tenon " + a.tenon),
    pair("machine", [m.processor, plural(m.threads, "thread"), m.memory, m.system].filter(Boolean).join(", ")), pair("plugins", a.plugins.map((p) => p.id + " " + p.version).join(", ") || "none"),
    steps.all.length ? pair("recording", time(steps.recordingMs) + " went into keeping graphs for this page; it is part of the times of the stages") : null));
}
