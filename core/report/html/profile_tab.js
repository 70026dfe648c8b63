// SPDX-License-Identifier: Apache-2.0
// The tab with what each program ran: kernels, times, and sums by operator and by kernel.

/** Steps of all programs by node name, with each one's share of its program's time. */
function makeProfile(report) {
  const byName = new Map();
  const programs = programsOf(report).filter((p) => Array.isArray(p.program.nodes) && p.program.nodes.length);
  for (const p of programs) {
    const total = p.program.nodes.reduce((s, n) => s + (n.ms || 0), 0);
    p.rows = p.program.nodes.map((n, k) => Object.assign({k, share: total ? (n.ms || 0) / total : 0}, n));
    p.timed = total > 0, p.total = total;
    for (const n of p.rows) if (n.name) byName.set(n.name, (byName.get(n.name) || []).concat(n));
  }
  return {byName, programs};
}

function sums(rows, key) {
  const groups = new Map();
  for (const n of rows) {
    const name = n[key] || "none", g = groups.get(name) || {name, count: 0, ms: 0, share: 0};
    g.count += 1, g.ms += n.ms || 0, g.share += n.share;
    groups.set(name, g);
  }
  return [...groups.values()].sort((a, b) => b.ms - a.ms || b.count - a.count);
}

function profileTab(profile) {
  if (!profile.programs.length) return h("div", {class: "page"}, card("Profile", h("p", {class: "empty"}, "No program of this run describes its steps.")));
  return h("div", {class: "page"}, profile.programs.map(programCards));
}

function timeColumns(p) {
  return p.timed ? [{title: "Time", number: true, cell: (n) => time(n.ms)}, {title: "Share", number: true, cell: (n) => bar((100 * n.share).toFixed(1) + " %", n.share, "time")}] : [];
}

function programCards(p) {
  const sumTable = (title, key) => h("div", {}, h("h3", {}, "By " + title), table([{title: title[0].toUpperCase() + title.slice(1), cell: (g) => g.name}, {title: "Steps", number: true, cell: (g) => count(g.count)}, ...timeColumns(p)], sums(p.rows, key), 25));
  const steps = table([
    {title: "Step", number: true, cell: (n) => n.k}, {title: "Node", class: "wrap", cell: (n) => h("span", {title: n.name}, tail(n.name || "", 70))}, {title: "Operator", cell: (n) => n.operator}, {title: "Kernel", cell: (n) => n.kernel}, ...timeColumns(p),
    {title: "Origins", class: "wrap small", cell: (n) => h("span", {title: (n.origins || []).join("\n")}, originsText(n))},
  ], p.timed ? [...p.rows].sort((a, b) => b.share - a.share) : p.rows, 100);
  const facts = h("div", {class: "facts"}, fact("Steps", count(p.rows.length)), p.timed ? fact("Time of all steps", time(p.total), "mean of the runs") : null, p.program.threads ? fact("Threads", p.program.threads) : null);
  return [card("Program of " + p.title, facts, h("div", {class: "columns"}, sumTable("operator", "operator"), sumTable("kernel", "kernel"))), card("Steps" + (p.timed ? ", slowest first" : ""), steps)];
}

/** A node that is its only origin needs no second mention. */
function originsText(n) {
  const origins = (n.origins || []).map(String);
  if (origins.length === 1 && origins[0] === n.name) return "";
  const shown = origins.slice(0, 3).map((o) => tail(o, 40)).join(", ");
  return origins.length > 3 ? shown + " and " + count(origins.length - 3) + " more" : shown;
}
