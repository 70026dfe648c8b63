// SPDX-License-Identifier: Apache-2.0
// Elements and texts. Every text from the model goes through text nodes, never through markup.

/** An element: attributes by name, "on..." as listeners, children as elements or texts. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false).map((c) => (c instanceof Node ? c : String(c))));
  return element;
}

function clear(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
  return element;
}

function count(n) {
  return Number(n).toLocaleString("en-US");
}

function bytes(n) {
  if (n === undefined || n === null) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let k = 0;
  while (n >= 1024 && k + 1 < units.length) n /= 1024, ++k;
  return (k === 0 ? n : n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2)) + " " + units[k];
}

function time(ms) {
  if (ms === undefined || ms === null) return "";
  if (ms >= 1000) return (ms / 1000).toFixed(2) + " s";
  if (ms >= 10) return ms.toFixed(1) + " ms";
  return ms >= 0.1 ? ms.toFixed(2) + " ms" : (ms * 1000).toFixed(1) + " \u00b5s";
}

/** Largest of f over a list that may be too long for the arguments of a call. */
function largest(list, f, least = 0) {
  let most = least;
  for (const item of list) most = Math.max(most, f(item));
  return most;
}

function plural(n, word) {
  return count(n) + " " + word + (n === 1 ? "" : "s");
}

/** The end of a path or of a long name, which tells names apart better than their beginning. */
function tail(text, most) {
  return text.length <= most ? text : "\u2026" + text.slice(text.length - most + 1);
}

/** A table: columns are {title, number?, cell(row)}; rows beyond `most` wait for a click. */
function table(columns, rows, most = 200) {
  const body = h("tbody");
  const fill = (from, to) => {
    for (const row of rows.slice(from, to)) {
      const line = h("tr", row && row.rowClass ? {class: row.rowClass} : {}, columns.map((c) => h("td", {class: c.number ? "number" : c.class}, c.cell(row))));
      if (row && row.onOpen) line.addEventListener("click", row.onOpen), line.classList.add("link");
      body.append(line);
    }
  };
  fill(0, most);
  const result = h("table", {}, h("thead", {}, h("tr", {}, columns.map((c) => h("th", {class: c.number ? "number" : undefined}, c.title)))), body);
  if (rows.length <= most) return result;
  const more = h("button", {onclick: () => (fill(most), more.remove())}, "Show all " + count(rows.length) + " rows");
  return h("div", {}, result, more);
}

/** A number with a bar behind it that shows its part of the largest. */
function bar(text, part, kind) {
  return h("div", {class: "bar " + (kind || "")}, h("i", {style: "width:" + Math.max(0, Math.min(100, part * 100)).toFixed(1) + "%"}), h("span", {}, text));
}

function card(title, ...children) {
  return h("section", {class: "card"}, title ? h("h2", {}, title) : null, ...children);
}

function fact(label, value, note) {
  return h("div", {class: "fact"}, h("small", {}, label), h("b", {}, value), note ? h("span", {}, note) : null);
}
