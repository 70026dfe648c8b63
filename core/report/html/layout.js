// SPDX-License-Identifier: Apache-2.0
// Layered drawing from top to bottom: cycles are broken, layers are longest paths, crossings are reduced by barycenters
// (Sugiyama, Tagawa, Toda 1981), and x coordinates are least squares under the order of each layer (pool adjacent violators).

const kGapX = 26, kGapY = 34, kLongestRoute = 40;

/** Edges against the direction of a depth-first search are turned around. Returns lists of successors, by position. */
function acyclic(n, edges) {
  const out = Array.from({length: n}, () => []), state = new Uint8Array(n), next = Array.from({length: n}, () => []);
  for (const [a, b] of edges) if (a !== b) out[a].push(b);
  for (let root = 0; root < n; ++root) {
    if (state[root]) continue;
    const stack = [[root, 0]];
    state[root] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1];
      const [v, k] = top;
      if (k === out[v].length) {
        state[v] = 2;
        stack.pop();
        continue;
      }
      ++top[1];
      const w = out[v][k];
      if (state[w] === 1) next[w].push(v);
      else next[v].push(w);
      if (state[w] === 0) state[w] = 1, stack.push([w, 0]);
    }
  }
  return next;
}

/** Longest path from the top; what no input of the graph leads to, such as a computed constant, then moves down to its first user. */
function layersOf(n, next, items) {
  const degree = new Int32Array(n), layer = new Int32Array(n), order = [];
  for (const list of next) for (const w of list) ++degree[w];
  const fed = Uint8Array.from(items, (item) => (item.end ? 1 : 0));
  for (let v = 0; v < n; ++v) if (degree[v] === 0) order.push(v);
  for (let k = 0; k < order.length; ++k)
    for (const w of next[order[k]]) {
      layer[w] = Math.max(layer[w], layer[order[k]] + 1);
      fed[w] |= fed[order[k]];
      if (--degree[w] === 0) order.push(w);
    }
  for (let k = order.length - 1; k >= 0; --k) {
    const v = order[k];
    if (!fed[v] && next[v].length) layer[v] = Math.min(...next[v].map((w) => layer[w])) - 1;
  }
  // What flows from the inputs runs straight, and constants give way.
  const any = fed.includes(1);
  items.forEach((item, v) => (item.weight = any && !fed[v] ? 0.05 : 1));
  return layer;
}

/** Positions nearest to the wanted ones that keep order and distance; x, width, wanted by place in the row. */
function placeRow(row, items, wanted) {
  const blocks = [];
  let offset = 0;
  for (let k = 0; k < row.length; ++k) {
    const item = items[row[k]];
    if (k > 0) offset += (items[row[k - 1]].w + item.w) / 2 + kGapX * (item.dummy && items[row[k - 1]].dummy ? 0.5 : 1);
    item.shift = offset;
    blocks.push({sum: (wanted[k] - offset) * item.weight, weight: item.weight, count: 1});
    while (blocks.length > 1) {
      const b = blocks[blocks.length - 1], a = blocks[blocks.length - 2];
      if (a.sum / a.weight <= b.sum / b.weight) break;
      blocks.pop();
      a.sum += b.sum, a.weight += b.weight, a.count += b.count;
    }
  }
  let k = 0;
  for (const b of blocks) for (let i = 0; i < b.count; ++i, ++k) items[row[k]].x = b.sum / b.weight + items[row[k]].shift;
}

/** Routes: an item without size in every layer that an edge passes, unless it passes very many. */
function withRoutes(items, next, layer) {
  const routes = new Map(), n = next.length, up = Array.from({length: n}, () => []), down = Array.from({length: n}, () => []);
  const link = (a, b) => (down[a].push(b), up[b].push(a));
  for (let a = 0; a < n; ++a)
    for (const b of new Set(next[a])) {
      const path = [];
      let last = a;
      const span = layer[b] - layer[a];
      if (span <= kLongestRoute)
        for (let l = layer[a] + 1; l < layer[b]; ++l) {
          const d = items.length;
          items.push({w: 8, h: 0, dummy: true, weight: 0.6, layer: l});
          up.push([]), down.push([]);
          link(last, d);
          path.push(d);
          last = d;
        }
      if (span <= kLongestRoute) link(last, b);
      routes.set(a * n + b, path);
    }
  return {routes, up, down};
}

function barycenters(rows, items, from, to, neighbours, place) {
  for (let l = from; l !== to; l += from < to ? 1 : -1) {
    const row = rows[l];
    row.forEach((v, k) => {
      const near = neighbours[v];
      items[v].key = near.length ? near.reduce((s, w) => s + place[w], 0) / near.length : k;
    });
    row.sort((a, b) => items[a].key - items[b].key || place[a] - place[b]);
    row.forEach((v, k) => (place[v] = k));
  }
}

/** Connected parts as lists of positions, by the first of each. */
function partsOf(n, edges) {
  const root = Int32Array.from({length: n}, (_, k) => k), find = (v) => {
    while (root[v] !== v) v = root[v] = root[root[v]];
    return v;
  };
  for (const [a, b] of edges) root[Math.max(find(a), find(b))] = Math.min(find(a), find(b));
  const parts = new Map();
  for (let v = 0; v < n; ++v) {
    const r = find(v);
    if (!parts.has(r)) parts.set(r, []);
    parts.get(r).push(v);
  }
  return [...parts.values()];
}

/** Sets x, y (center) of each item {w, h}: connected parts side by side in rows. Returns {width, height, path(a, b)}; path gives the points of a line. */
function layered(items, edges) {
  const part = new Int32Array(items.length), place = new Int32Array(items.length), own = [], lists = partsOf(items.length, edges);
  lists.forEach((list, p) => list.forEach((v, k) => (part[v] = p, place[v] = k)));
  lists.forEach(() => own.push([]));
  for (const [a, b] of edges) own[part[a]].push([place[a], place[b]]);
  const boxes = lists.map((list) => list.map((v) => items[v]));
  const sizes = boxes.map((list, p) => layeredPart(list, own[p]));
  const most = Math.max(1300, ...sizes.map((s) => s.width));
  let x = 0, y = 0, tall = 0, width = 0;
  sizes.forEach((s, p) => {
    if (x > 0 && x + s.width > most) y += tall + 2 * kGapY, x = tall = 0;
    for (const item of boxes[p]) item.x += x, item.y += y;
    x += s.width + 3 * kGapX, tall = Math.max(tall, s.height), width = Math.max(width, x - 3 * kGapX);
  });
  return {width, height: y + tall, path: (a, b) => sizes[part[a]].path(place[a], place[b])};
}

/** One connected part, from 0, 0 on; adds the items of its routes to the list. */
function layeredPart(items, edges) {
  const n = items.length, next = acyclic(n, edges), layer = layersOf(n, next, items);
  items.forEach((item, v) => (item.layer = layer[v]));
  const {routes, up, down} = withRoutes(items, next, layer);
  const rows = [];
  items.forEach((item, v) => (rows[item.layer] = rows[item.layer] || []).push(v));
  for (let l = 0; l < rows.length; ++l) rows[l] = rows[l] || [];
  const place = new Float64Array(items.length), sweeps = items.length > 6000 ? 4 : 12;
  rows.forEach((row) => row.forEach((v, k) => (place[v] = k)));
  for (let s = 0; s < sweeps; ++s) {
    barycenters(rows, items, 1, rows.length, up, place);
    if (rows.length > 1) barycenters(rows, items, rows.length - 2, -1, down, place);
  }
  placeColumns(rows, items, up, down, sweeps);
  let y = 0;
  for (const row of rows) {
    const tall = largest(row, (v) => items[v].h);
    for (const v of row) items[v].y = y + tall / 2;
    for (const v of row) if (items[v].dummy) items[v].h = tall;
    y += tall + kGapY;
  }
  const left = items.reduce((m, i) => Math.min(m, i.x - i.w / 2), Infinity), right = items.reduce((m, i) => Math.max(m, i.x + i.w / 2), -Infinity);
  for (const item of items) item.x -= left;
  // A line passes a row straight, so that it crosses no box of it.
  const points = (list) => list.flatMap((d) => [{x: items[d].x, y: items[d].y - items[d].h / 2}, {x: items[d].x, y: items[d].y + items[d].h / 2}]);
  const path = (a, b) => (routes.has(a * n + b) ? points(routes.get(a * n + b)) : points(routes.get(b * n + a) || []).reverse());
  return {width: n ? right - left : 0, height: n ? y - kGapY : 0, path};
}

/** Alternately under the nodes above and over those below. */
function placeColumns(rows, items, up, down, sweeps) {
  for (const row of rows) placeRow(row, items, row.map((_, k) => k * 40 - row.length * 20));
  const mean = (v, near) => {
    const sum = near.reduce((s, w) => s + items[w].weight, 0);
    return sum ? near.reduce((s, w) => s + items[w].x * items[w].weight, 0) / sum : items[v].x;
  };
  const pull = (row, near) => placeRow(row, items, row.map((v) => mean(v, near(v))));
  for (let s = 0; s < sweeps; ++s) {
    for (let l = 1; l < rows.length; ++l) pull(rows[l], (v) => up[v]);
    for (let l = rows.length - 2; l >= 0; --l) pull(rows[l], (v) => (s + 1 < sweeps ? down[v] : up[v].concat(down[v])));
  }
  for (let l = 1; l < rows.length; ++l) pull(rows[l], (v) => up[v].concat(down[v]));
}
