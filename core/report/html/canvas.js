// SPDX-License-Identifier: Apache-2.0
// Draws a picture on a canvas with zoom and pan; only what is in sight is drawn.

/** A colour of the page's style sheet. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function palette() {
  const names = ["surface", "text", "faint", "line", "accent", "same", "removed", "added", "changed", "removed-fill", "added-fill", "changed-fill", "same-fill", "end-fill", "background"];
  return Object.fromEntries(names.map((n) => [n, colour(n)]));
}

/** A hue for each operator, the same in every picture. */
function hue(text) {
  let x = 7;
  for (const c of text) x = (x * 31 + c.charCodeAt(0)) % 9973;
  return (x * 47) % 360;
}

class GraphCanvas {
  constructor(onPick, onOpen) {
    this.canvas = h("canvas", {class: "graph", tabindex: 0, "aria-label": "graph"});
    this.map = h("canvas", {class: "map"});
    this.element = h("div", {class: "stage"}, this.canvas, this.map);
    this.scale = 1, this.x = 0, this.y = 0, this.selected = null, this.picture = null;
    this.onPick = onPick, this.onOpen = onOpen;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  listen() {
    let drag = null;
    this.canvas.addEventListener("pointerdown", (e) => {
      drag = {x: e.clientX, y: e.clientY, moved: false};
      this.canvas.setPointerCapture(e.pointerId);
    });
    this.canvas.addEventListener("pointermove", (e) => {
      if (!drag) return;
      const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
      drag.moved = drag.moved || Math.abs(dx) + Math.abs(dy) > 4;
      if (!drag.moved) return;
      this.x += dx, this.y += dy, drag.x = e.clientX, drag.y = e.clientY;
      this.draw();
    });
    this.canvas.addEventListener("pointerup", (e) => {
      if (drag && !drag.moved) this.onPick(this.boxAt(e));
      drag = null;
    });
    this.canvas.addEventListener("dblclick", (e) => this.onOpen(this.boxAt(e)));
    this.canvas.addEventListener("wheel", (e) => this.wheel(e), {passive: false});
    const jump = (e) => (e.buttons || e.type === "pointerdown") && this.jump(e.offsetX, e.offsetY);
    this.map.addEventListener("pointerdown", jump);
    this.map.addEventListener("pointermove", jump);
    this.canvas.addEventListener("keydown", (e) => this.key(e));
  }

  key(e) {
    const step = 80, moves = {ArrowUp: [0, step], ArrowDown: [0, -step], ArrowLeft: [step, 0], ArrowRight: [-step, 0], PageDown: [0, -500], PageUp: [0, 500]};
    if (moves[e.key]) this.x += moves[e.key][0], this.y += moves[e.key][1];
    else if (e.key === "+" || e.key === "=") this.zoom(1.2);
    else if (e.key === "-") this.zoom(1 / 1.2);
    else return;
    e.preventDefault();
    this.draw();
  }

  /** A wheel moves; with Ctrl, as with a pinch, it zooms. */
  wheel(e) {
    e.preventDefault();
    if (e.ctrlKey || e.metaKey) this.zoom(Math.exp(-e.deltaY * 0.01), e.offsetX, e.offsetY);
    else this.x -= e.shiftKey ? e.deltaY : e.deltaX, this.y -= e.shiftKey ? 0 : e.deltaY;
    this.draw();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.max(0.02, Math.min(3, this.scale * factor));
    this.x = x - (x - this.x) * scale / this.scale, this.y = y - (y - this.y) * scale / this.scale;
    this.scale = scale;
    this.draw();
  }

  show(picture) {
    this.picture = picture;
    this.rows = [...picture.boxes].sort((a, b) => a.y - b.y);
    this.start();
  }

  /** Width into sight where that stays legible; the first change, or the top. */
  start() {
    const p = this.picture, w = this.canvas.clientWidth || 800, room = w - 130;
    this.scale = Math.max(0.7, Math.min(1, room / Math.max(1, p.width)));
    const first = this.rows.find((b) => b.status !== "same") || this.rows[0];
    this.x = 20 + Math.max(0, (room - p.width * this.scale) / 2);
    if (first && p.width * this.scale > room) this.x = w / 2 - first.x * this.scale;
    this.y = first ? Math.min(30, 160 - (first.y - first.h / 2) * this.scale) : 30;
    this.draw();
  }

  fit() {
    const p = this.picture, w = this.canvas.clientWidth - 130, t = this.canvas.clientHeight - 40;
    this.scale = Math.max(0.02, Math.min(1, w / Math.max(1, p.width), t / Math.max(1, p.height)));
    this.x = 20 + (w - p.width * this.scale) / 2, this.y = 20 + (t - p.height * this.scale) / 2;
    this.draw();
  }

  center(id) {
    const k = this.picture.at.get(id);
    if (k === undefined) return false;
    const b = this.picture.boxes[k];
    this.scale = Math.max(this.scale, 0.7);
    this.x = this.canvas.clientWidth / 2 - b.x * this.scale, this.y = this.canvas.clientHeight / 2 - b.y * this.scale;
    this.draw();
    return true;
  }

  boxAt(e) {
    const x = (e.offsetX - this.x) / this.scale, y = (e.offsetY - this.y) / this.scale;
    return this.picture ? this.picture.boxes.find((b) => Math.abs(x - b.x) <= b.w / 2 && Math.abs(y - b.y) <= b.h / 2) || null : null;
  }

  context(canvas) {
    const ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, t = canvas.clientHeight;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(t * ratio)) canvas.width = Math.round(w * ratio), canvas.height = Math.round(t * ratio);
    const c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, t);
    return c;
  }

  draw() {
    if (!this.picture || !this.canvas.clientWidth) return;
    const c = this.context(this.canvas), colours = palette();
    c.translate(this.x, this.y);
    c.scale(this.scale, this.scale);
    const view = {left: -this.x / this.scale, top: -this.y / this.scale, right: (this.canvas.clientWidth - this.x) / this.scale, bottom: (this.canvas.clientHeight - this.y) / this.scale};
    for (const line of this.picture.lines) drawLine(c, this.picture.boxes[line.a], this.picture.boxes[line.b], line, view, colours, this);
    for (const box of this.rows) {
      if (box.y + box.h < view.top) continue;
      if (box.y - box.h > view.bottom) break;
      if (box.x + box.w > view.left && box.x - box.w < view.right) drawBox(c, box, colours, this);
    }
    this.drawMap(view, colours);
  }

  mapScale() {
    return Math.min(this.map.clientWidth / Math.max(1, this.picture.width), this.map.clientHeight / Math.max(1, this.picture.height));
  }

  drawMap(view, colours) {
    const c = this.context(this.map), s = this.mapScale(), p = this.picture;
    c.translate((this.map.clientWidth - p.width * s) / 2, 0);
    for (const b of p.boxes) {
      c.fillStyle = b.status === "same" ? colours.line : colours[b.status];
      c.fillRect((b.x - b.w / 2) * s, (b.y - b.h / 2) * s, Math.max(1.5, b.w * s), Math.max(1.5, b.h * s));
    }
    c.strokeStyle = colours.accent;
    const left = Math.max(0, view.left), top = Math.max(0, view.top);
    c.strokeRect(left * s, top * s + 0.5, Math.max(6, (Math.min(p.width, view.right) - left) * s), Math.max(4, (Math.min(p.height, view.bottom) - top) * s - 1));
  }

  jump(x, y) {
    const s = this.mapScale();
    x -= (this.map.clientWidth - this.picture.width * s) / 2;
    this.x = this.canvas.clientWidth / 2 - x / s * this.scale, this.y = this.canvas.clientHeight / 2 - y / s * this.scale;
    this.draw();
  }
}

function drawLine(c, a, b, line, view, colours, owner) {
  const up = a.y > b.y, points = [{x: a.x, y: a.y + (up ? -a.h : a.h) / 2}, ...line.points, {x: b.x, y: b.y + (up ? b.h : -b.h) / 2}];
  const xs = points.map((p) => p.x), top = Math.min(points[0].y, points[points.length - 1].y), bottom = Math.max(points[0].y, points[points.length - 1].y);
  if (bottom < view.top || top > view.bottom || Math.max(...xs) < view.left || Math.min(...xs) > view.right) return;
  const chosen = owner.selected !== null && (a.id === owner.selected || b.id === owner.selected);
  c.beginPath();
  c.moveTo(points[0].x, points[0].y);
  for (let k = 1; k < points.length; ++k) {
    const p = points[k - 1], q = points[k], bend = (q.y - p.y) * 0.45;
    c.bezierCurveTo(p.x, p.y + bend, q.x, q.y - bend, q.x, q.y);
  }
  c.strokeStyle = chosen ? colours.accent : line.status === "same" ? colours.same : colours[line.status];
  c.lineWidth = chosen ? 2 : 1.2;
  c.setLineDash(line.status === "removed" ? [5, 4] : []);
  c.stroke();
  c.setLineDash([]);
  drawArrow(c, points[points.length - 1], up);
}

function drawArrow(c, at, up) {
  const d = up ? 1 : -1;
  c.fillStyle = c.strokeStyle;
  c.beginPath();
  c.moveTo(at.x, at.y);
  c.lineTo(at.x - 3.5, at.y + 7 * d);
  c.lineTo(at.x + 3.5, at.y + 7 * d);
  c.fill();
}

/** Stronger colours where boxes are too small for their texts. */
function boxFill(box, colours, scale) {
  if (scale >= 0.3) return colours[(box.end ? "end" : box.status) + "-fill"];
  return box.end ? colours.faint : box.status === "same" ? "hsl(" + hue(box.title) + " 35% 62%)" : colours[box.status];
}

function drawBox(c, box, colours, owner) {
  const x = box.x - box.w / 2, y = box.y - box.h / 2;
  c.beginPath();
  c.roundRect(x, y, box.w, box.h, box.end ? box.h / 2 : 6);
  c.fillStyle = boxFill(box, colours, owner.scale);
  c.fill();
  c.strokeStyle = owner.selected === box.id ? colours.accent : box.status === "same" ? colours.line : colours[box.status];
  c.lineWidth = owner.selected === box.id ? 3 : box.status === "same" ? 1 : 2;
  c.stroke();
  if (owner.scale < 0.18) return;
  if (!box.end && box.status === "same") {
    c.fillStyle = "hsl(" + hue(box.title) + " 45% 55%)";
    c.beginPath();
    c.roundRect(x + 1, y + 1, 4, box.h - 2, [5, 0, 0, 5]);
    c.fill();
  }
  drawTexts(c, box, colours);
}

function drawTexts(c, box, colours) {
  const top = box.y - box.h / 2;
  c.textAlign = "center";
  c.font = kTitleFont;
  c.fillStyle = colours.text;
  c.fillText(box.title, box.x + 2, top + 17);
  c.font = kTextFont;
  c.fillStyle = colours.faint;
  box.lines.forEach((text, k) => c.fillText(text, box.x + 2, top + 32 + 15 * k));
  if (box.status !== "same") {
    c.fillStyle = colours[box.status];
    c.font = "700 12px system-ui, sans-serif";
    c.fillText({removed: "\u2212", added: "+", changed: "~"}[box.status], box.x - box.w / 2 + 8, top + 16);
  }
  c.fillStyle = colours.faint;
  c.font = "10px system-ui, sans-serif";
  if (box.fewer) c.fillText("\u22ee " + box.fewer, box.x, top - 5);
  if (box.more) c.fillText("\u22ee " + box.more, box.x, top + box.h + 12);
}
