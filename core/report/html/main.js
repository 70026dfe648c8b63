// SPDX-License-Identifier: Apache-2.0
// The page: header, tabs, and the part of the address behind "#" that says what is shown, such as #tab=graph&step=3&node=12.

const page = {tabs: [], now: null, graph: null};

function fragment() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** Sets members of the address; undefined removes one. The history keeps no entry for it. */
function changeFragment(members) {
  const all = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(members)) value === undefined ? all.delete(name) : all.set(name, value);
  history.replaceState(null, "", "#" + all.toString());
}

function openTab(id, what) {
  const tab = page.tabs.find((t) => t.id === id) || page.tabs[0];
  page.now = tab.id;
  for (const t of page.tabs) t.button.setAttribute("aria-selected", t === tab);
  tab.element = tab.element || tab.make();
  document.getElementById("main").replaceChildren(tab.element);
  if (tab.id !== "graph") history.replaceState(null, "", "#tab=" + tab.id);
  else page.graph.show(what || {});
}

function modelName(report) {
  const stage = report.stages.find((s) => s.model !== undefined);
  return stage ? String(stage.model).split("/").pop() : report.pipeline;
}

function drawHead(data) {
  const failed = data.report.errors.length > 0;
  document.title = modelName(data.report) + " \u2013 Tenon report";
  clear(document.getElementById("head"), h("b", {class: "brand"}, "Tenon"), h("h1", {}, modelName(data.report)), h("span", {class: "tag " + (failed ? "removed" : "added")}, failed ? "failed" : "done"),
    h("span", {class: "sub"}, data.about.made + "  \u00b7  " + (data.about.machine.processor || data.about.machine.system || "")));
}

/** What the address asks for, as options of the graph's tab. */
function wanted(f) {
  const what = {};
  if (/^\d+$/.test(f.step)) what.step = Number(f.step);
  if (f.stage !== undefined && f.step === undefined) {
    const k = page.graph.steps.all.map((s) => s.stage + 1).lastIndexOf(Number(f.stage));
    if (k >= 0) what.step = k;
  }
  if (["merged", "before", "after"].includes(f.view)) what.view = f.view;
  if (f.graph !== undefined) what.graph = Number(f.graph);
  if (f.all) what.hops = Infinity;
  if (/^\d+$/.test(f.node)) what.node = Number(f.node);
  if (f.find) what.find = f.find;
  return what;
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = new Steps(data.graph), profile = makeProfile(data.report);
  page.graph = new GraphTab(data.report, steps, profile);
  const messages = data.report.errors.length + data.report.warnings.length;
  page.tabs = [
    {id: "overview", title: "Overview", make: () => overviewTab(data, steps)},
    {id: "graph", title: "Graph", make: () => page.graph.element},
    {id: "memory", title: "Memory", make: () => memoryTab(data)},
    {id: "profile", title: "Profile", make: () => profileTab(profile)},
    {id: "outputs", title: "Outputs", make: () => outputsTab(data.report)},
    {id: "messages", title: "Messages" + (messages ? " (" + messages + ")" : ""), make: () => messagesTab(data.report)},
  ];
  drawHead(data);
  for (const t of page.tabs) t.button = h("button", {role: "tab", onclick: () => openTab(t.id)}, t.title);
  clear(document.getElementById("tabs"), page.tabs.map((t) => t.button));
  const f = fragment();
  openTab(f.tab || "overview", wanted(f));
  if (f.fit && page.now === "graph" && steps.all.length) page.graph.canvas.fit();
}
