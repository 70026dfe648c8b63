// SPDX-License-Identifier: Apache-2.0
// The tab with the arena of each program over its steps, as the backend describes it.

/** Programs with an arena: {title, program, depth}; nested ones after the program that holds them. */
function programsOf(report) {
  const found = [];
  const visit = (title, program, depth) => {
    found.push({title, program, depth});
    for (const n of program.nested || []) visit(title + " \u203a " + (n.node || "nested"), n.program || n, depth + 1);
  };
  report.stages.forEach((s, k) => s.program && visit("stage " + (k + 1) + ", " + (s.backend || s.name), s.program, 0));
  return found;
}

function memoryTab(data) {
  const programs = programsOf(data.report).filter((p) => Array.isArray(p.program.arena) && p.program.arena.length);
  if (!programs.length) return h("div", {class: "page"}, card("Memory", h("p", {class: "empty"}, "No program of this run describes an arena.")));
  return h("div", {class: "page"}, programs.map((p) => card("Arena of " + p.title, new ArenaView(p.program).element)));
}

class ArenaView {
  constructor(program) {
    this.program = program, this.buffers = program.arena;
    this.size = largest(this.buffers, (b) => b.offset + b.bytes, program.arena_bytes || 0);
    this.bound = program.arena_lower_bound || 0;
    this.steps = largest(this.buffers, (b) => b.to + 1, Math.max(1, (program.nodes || []).length));
    this.canvas = h("canvas", {class: "arena"});
    this.tip = h("div", {class: "tip", hidden: true});
    const ratio = this.bound ? (program.arena_bytes / this.bound).toFixed(3) : "";
    this.element = h("div", {},
      h("div", {class: "facts"}, fact("Arena", bytes(program.arena_bytes)), this.bound ? fact("Lower bound", bytes(this.bound), "most bytes that live at once") : null, ratio ? fact("Arena / bound", ratio) : null,
        fact("Buffers", count(this.buffers.length)), fact("Without sharing", bytes(this.buffers.reduce((n, b) => n + b.bytes, 0)))),
      h("div", {class: "chart"}, this.canvas, this.tip),
      table([{title: "Value", cell: (b) => b.value}, {title: "Bytes", number: true, cell: (b) => bytes(b.bytes)}, {title: "Offset", number: true, cell: (b) => count(b.offset)}, {title: "Steps", number: true, cell: (b) => b.from + " \u2013 " + b.to}], [...this.buffers].sort((a, b) => b.bytes - a.bytes), 15));
    this.canvas.addEventListener("pointermove", (e) => this.hover(e));
    this.canvas.addEventListener("pointerleave", () => this.over(null));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  frame() {
    return {left: 70, top: 14, width: this.canvas.clientWidth - 84, height: this.canvas.clientHeight - 48};
  }

  rectangle(b, f) {
    const x = f.left + (b.from / this.steps) * f.width, right = f.left + ((b.to + 1) / this.steps) * f.width;
    const y = f.top + f.height * (1 - (b.offset + b.bytes) / this.size);
    return {x, y, w: Math.max(1, right - x), h: Math.max(1, (b.bytes / this.size) * f.height)};
  }

  draw() {
    if (!this.canvas.clientWidth) return;
    const c = GraphCanvas.prototype.context.call(null, this.canvas), f = this.frame(), colours = palette();
    this.axes(c, f, colours);
    for (const b of this.buffers) {
      const r = this.rectangle(b, f);
      c.fillStyle = "hsl(" + hue(b.value) + " 48% 58% / " + (b === this.chosen ? 1 : 0.62) + ")";
      c.fillRect(r.x, r.y, r.w, r.h);
      c.strokeStyle = b === this.chosen ? colours.text : colours.surface;
      c.lineWidth = b === this.chosen ? 2 : 0.7;
      c.strokeRect(r.x, r.y, r.w, r.h);
      this.label(c, b, r, colours);
    }
    if (this.bound) this.line(c, f, colours);
  }

  label(c, b, r, colours) {
    if (r.h < 13 || r.w < 46) return;
    c.font = "11px system-ui, sans-serif";
    c.textAlign = "center";
    c.fillStyle = colours.text;
    const most = Math.floor(r.w / 6.5);
    c.fillText(tail(b.value, most), r.x + r.w / 2, r.y + r.h / 2 + 4);
  }

  axes(c, f, colours) {
    c.font = "11px system-ui, sans-serif";
    c.strokeStyle = colours.line;
    c.fillStyle = colours.faint;
    c.lineWidth = 1;
    c.textAlign = "right";
    for (let k = 0; k <= 4; ++k) {
      const y = f.top + f.height * (1 - k / 4);
      c.beginPath(), c.moveTo(f.left, y), c.lineTo(f.left + f.width, y), c.stroke();
      c.fillText(bytes(this.size * k / 4), f.left - 6, y + 4);
    }
    c.textAlign = "center";
    const every = Math.max(1, Math.ceil(this.steps / 12));
    for (let k = 0; k < this.steps; k += every) c.fillText(k, f.left + ((k + 0.5) / this.steps) * f.width, f.top + f.height + 16);
    c.fillText("step", f.left + f.width / 2, f.top + f.height + 31);
  }

  line(c, f, colours) {
    const y = f.top + f.height * (1 - this.bound / this.size);
    c.strokeStyle = colours.removed;
    c.lineWidth = 1.5;
    c.setLineDash([6, 4]);
    c.beginPath(), c.moveTo(f.left, y), c.lineTo(f.left + f.width, y), c.stroke();
    c.setLineDash([]);
    c.textAlign = "right";
    c.fillStyle = colours.removed;
    c.fillText("lower bound " + bytes(this.bound), f.left + f.width - 4, y + (y < f.top + 14 ? 13 : -5));
  }

  hover(e) {
    const f = this.frame();
    const hit = this.buffers.find((b) => {
      const r = this.rectangle(b, f);
      return e.offsetX >= r.x && e.offsetX <= r.x + r.w && e.offsetY >= r.y && e.offsetY <= r.y + r.h;
    });
    this.over(hit || null, e);
  }

  over(b, e) {
    if (b !== this.chosen) this.chosen = b, this.draw();
    this.tip.hidden = !b;
    if (!b) return;
    clear(this.tip, h("b", {}, b.value), h("div", {}, bytes(b.bytes) + " at " + count(b.offset)), h("div", {}, "steps " + b.from + " to " + b.to + (b.scratch ? ", scratch of one step" : "")));
    this.tip.style.left = Math.min(e.offsetX + 14, this.canvas.clientWidth - 220) + "px";
    this.tip.style.top = e.offsetY + 14 + "px";
  }
}
