// An execution as a waterfall: a tree at the left, time at the right. Only the rows in view exist, however many segments
// there are; equal siblings without children are one row until it is opened.
const ROW = 28;
const KEEP = 8;

const duration = (ms) => ms >= 10_000 ? `${(ms / 1000).toPrecision(3)} s` : `${ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3)} ms`;

function tree(told) {
  const root = { name: "whole execution", kind: "", status: told.status, offset_ms: 0, duration_ms: told.duration_ms, children: [], depth: 0, count: 1 };
  const nodes = told.bars.map((bar) => ({ ...bar, children: [] }));
  for (const node of nodes) (node.parent === null ? root : nodes[node.parent]).children.push(node);
  for (const node of [root, ...nodes]) node.children = folded(node.children);
  return root;
}

function folded(children) {
  const groups = new Map();
  for (const child of children) {
    const key = child.children.length ? child : JSON.stringify([child.kind, child.name, child.peer]);
    groups.set(key, [...(groups.get(key) ?? []), child]);
  }
  return [...groups.values()].map((group) => group.length === 1 ? group[0] : {
    ...group[0],
    status: group.some((one) => one.status === "error") ? "error" : group[0].status,
    duration_ms: group.reduce((sum, one) => sum + one.duration_ms, 0),
    count: group.reduce((sum, one) => sum + one.count, 0),
    usual_ms: null,
    folds: group,
    children: group,
    closed: true,
  });
}

function rowsOf(node, rows = []) {
  rows.push(node);
  if (!node.closed) for (const child of node.children) rowsOf(child, rows);
  return rows;
}

// Stretches of a bar in which nothing below it ran.
function own(node) {
  if (!node.children.length || node.folds) return [];
  const end = node.offset_ms + node.duration_ms;
  const spans = node.children.flatMap((one) => one.folds ?? [one]).filter((one) => one.offset_ms !== null)
    .map((one) => [one.offset_ms, one.offset_ms + one.duration_ms]).sort((a, b) => a[0] - b[0]);
  const free = [];
  let reached = node.offset_ms;
  for (const [from, until] of spans) {
    if (from > reached) free.push([reached, Math.min(from, end)]);
    reached = Math.max(reached, until);
  }
  if (reached < end) free.push([reached, end]);
  return free;
}

class Waterfall {
  constructor(place, told) {
    this.root = tree(told);
    this.total = Math.max(told.duration_ms, ...told.bars.map((bar) => (bar.offset_ms ?? 0) + bar.duration_ms), 1e-9);
    this.list = document.createElement("div");
    this.list.className = "rows";
    this.list.setAttribute("role", "treegrid");
    this.list.setAttribute("aria-label", "Segments of the execution");
    this.room = document.createElement("div");
    this.list.append(this.room);
    place.replaceChildren(this.list);
    this.shown = new Map();
    this.focus = 0;
    this.list.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("keydown", (pressed) => this.keys(pressed));
    new ResizeObserver(() => this.draw()).observe(this.list);
    this.layout();
  }

  layout() {
    this.rows = rowsOf(this.root);
    this.room.style.height = `${this.rows.length * ROW}px`;
    this.list.style.height = `${Math.min(this.rows.length * ROW, 25 * ROW)}px`;
    this.list.setAttribute("aria-rowcount", this.rows.length);
    for (const row of this.shown.values()) row.remove();
    this.shown.clear();
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - KEEP);
    const last = Math.min(this.rows.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + KEEP);
    for (const [index, row] of this.shown) {
      if (index < first || index >= last) {
        row.remove();
        this.shown.delete(index);
      }
    }
    for (let index = first; index < last; index++) {
      if (!this.shown.has(index)) {
        const row = this.row(this.rows[index], index);
        this.shown.set(index, row);
        this.list.append(row);
      }
    }
  }

  row(node, index) {
    const row = document.createElement("div");
    row.className = node.status === "error" ? "row error" : "row";
    row.style.top = `${index * ROW}px`;
    row.tabIndex = index === this.focus ? 0 : -1;
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", node.depth + 1);
    row.setAttribute("aria-rowindex", index + 1);
    if (node.children.length) row.setAttribute("aria-expanded", String(!node.closed));
    const name = document.createElement("div");
    name.className = "name";
    name.setAttribute("role", "gridcell");
    name.style.paddingLeft = `${0.5 + node.depth}rem`;
    const mark = node.children.length ? (node.closed ? "▸ " : "▾ ") : "";
    name.textContent = `${mark}${node.name}${node.count > 1 ? ` × ${node.count}` : ""}${node.peer ? ` → ${node.peer}` : ""}`;
    name.title = name.textContent;
    const track = document.createElement("div");
    track.className = "track";
    track.setAttribute("role", "gridcell");
    track.setAttribute("aria-label", this.words(node));
    for (const one of node.folds ?? [node]) this.bars(track, one);
    this.took(track, node);
    row.append(name, track);
    row.addEventListener("click", () => { this.go(index); this.toggle(node); });
    return row;
  }

  words(node) {
    const parts = [`${duration(node.duration_ms)}`];
    if (node.usual_ms != null) parts.push(`usually ${duration(node.usual_ms)}`);
    if (node.call_gap_ms != null) parts.push(`call gap ${duration(node.call_gap_ms)}`);
    if (node.status === "error") parts.push("failed");
    return parts.join(", ");
  }

  bars(track, node) {
    if (node.offset_ms === null) return;
    this.piece(track, "bar", node.offset_ms, node.duration_ms);
    for (const [from, until] of own(node)) this.piece(track, "own", from, until - from);
    if (node.call_gap_ms > 0) this.piece(track, "gap", node.offset_ms + node.duration_ms - node.call_gap_ms, node.call_gap_ms);
    if (node.usual_ms != null) this.piece(track, "ghost", node.offset_ms, node.usual_ms);
  }

  piece(track, kind, from, length) {
    const piece = document.createElement("div");
    piece.className = kind;
    piece.style.left = `${Math.min(100, 100 * from / this.total)}%`;
    piece.style.width = `${Math.max(0, Math.min(100 - 100 * from / this.total, 100 * length / this.total))}%`;
    track.append(piece);
  }

  took(track, node) {
    const told = document.createElement("span");
    told.className = "took";
    told.setAttribute("aria-hidden", "true");
    told.textContent = duration(node.duration_ms);
    // Behind its bar; before it where there is no room behind, and on it where there is none before either.
    const spans = (node.folds ?? [node]).filter((one) => one.offset_ms !== null);
    const begin = Math.min(...spans.map((one) => 100 * one.offset_ms / this.total), 100);
    const end = Math.max(...spans.map((one) => 100 * (one.offset_ms + one.duration_ms) / this.total), 0);
    if (end <= 80) told.style.left = `${end}%`;
    else told.style.right = begin < 15 ? "0" : `${100 - begin}%`;
    track.append(told);
  }

  toggle(node) {
    if (!node.children.length) return;
    node.closed = !node.closed;
    this.layout();
    this.shown.get(this.focus)?.focus();
  }

  go(index) {
    const wanted = Math.max(0, Math.min(this.rows.length - 1, index));
    if (this.shown.has(this.focus)) this.shown.get(this.focus).tabIndex = -1;
    this.focus = wanted;
    const top = wanted * ROW;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
    this.draw();
    const row = this.shown.get(wanted);
    if (row) {
      row.tabIndex = 0;
      row.focus();
    }
  }

  keys(pressed) {
    const node = this.rows[this.focus];
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.focus, End: this.rows.length };
    if (pressed.key in moves) this.go(this.focus + moves[pressed.key]);
    else if (pressed.key === "ArrowRight" && node.closed) this.toggle(node);
    else if (pressed.key === "ArrowLeft" && node.children.length && !node.closed) this.toggle(node);
    else if (pressed.key === "Enter" || pressed.key === " ") this.toggle(node);
    else return;
    pressed.preventDefault();
  }
}

const place = document.getElementById("waterfall");
const answer = await fetch(`/api/v1/exemplars/${encodeURIComponent(place.dataset.anomaly)}`);
if (answer.ok) new Waterfall(place, (await answer.json()).execution);
else place.textContent = (await answer.json()).detail;
