"use strict";
/* Layered graphs as SVG whose boxes are links. */
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/* Draws nodes in columns. nodes: {id, text, href, column, kind}; edges: [from, to]. */
function drawGraph({ nodes, edges, label, boxWidth = 210, gap = 70, step = 26 }) {
  const columns = [...new Set(nodes.map((node) => node.column))].sort((a, b) => a - b);
  const placed = new Map();
  const byColumn = columns.map((column) => nodes.filter((node) => node.column === column));
  order(byColumn, edges);
  const most = Math.max(...byColumn.map((column) => column.length));
  byColumn.forEach((column, at) => {
    const top = ((most - column.length) * step) / 2;
    column.forEach((node, row) => placed.set(node.id, { ...node, x: at * (boxWidth + gap), y: 10 + top + row * step }));
  });
  const width = columns.length * (boxWidth + gap) - gap + 2, height = most * step + 16;
  const picture = svg("svg", { viewBox: `-1 0 ${width} ${height}`, width, height, role: "group", "aria-label": label, class: "graph" });
  const lines = svg("g", { class: "edges", "aria-hidden": "true" });
  for (const [from, to] of edges) {
    const a = placed.get(from), b = placed.get(to);
    if (!a || !b) continue;
    const x1 = a.x + boxWidth, y1 = a.y + 10, x2 = b.x, y2 = b.y + 10;
    const bend = a.column === b.column ? 40 : Math.max(30, (x2 - x1) / 2);
    const path = a.column === b.column
      ? `M${a.x + boxWidth},${y1} C${a.x + boxWidth + bend},${y1} ${b.x + boxWidth + bend},${y2} ${b.x + boxWidth},${y2}`
      : `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
    lines.append(svg("path", { d: path, "data-from": from, "data-to": to }));
  }
  picture.append(lines);
  for (const node of placed.values()) {
    const shown = node.text.length > boxWidth / 7 ? `${node.text.slice(0, Math.floor(boxWidth / 7) - 1)}…` : node.text;
    const link = svg("a", { href: node.href, class: `node ${node.kind ?? ""}`, "data-id": node.id },
      svg("title", {}, node.title ?? node.text),
      svg("rect", { x: node.x, y: node.y, width: boxWidth, height: 20, rx: 4 }),
      svg("text", { x: node.x + 7, y: node.y + 14 }, shown));
    const mark = (on) => {
      for (const line of lines.children) line.classList.toggle("lit", on && (line.dataset.from === node.id || line.dataset.to === node.id));
    };
    for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) link.addEventListener(event, () => mark(on));
    picture.append(link);
  }
  const holder = document.createElement("div");
  holder.className = "scroll graph-holder";
  holder.tabIndex = 0;
  holder.setAttribute("role", "region");
  holder.setAttribute("aria-label", label);
  holder.append(picture);
  /* What the graph is about is in view at first. */
  const chosen = [...placed.values()].find((node) => node.kind?.includes("chosen"));
  if (chosen) requestAnimationFrame(() => { holder.scrollLeft = chosen.x - holder.clientWidth / 2 + boxWidth / 2; holder.scrollTop = chosen.y - holder.clientHeight / 2; });
  return holder;
}

/* Sorts the boxes of each column by the mean place of their neighbours in the column before. */
function order(byColumn, edges) {
  for (let sweep = 0; sweep < 4; sweep++) {
    for (let at = 1; at < byColumn.length; at++) sortBy(byColumn[at], byColumn.slice(0, at).flat(), edges);
    for (let at = byColumn.length - 2; at >= 0; at--) sortBy(byColumn[at], byColumn.slice(at + 1).flat(), edges);
  }
}

function sortBy(column, others, edges) {
  const place = new Map(others.map((node, at) => [node.id, at]));
  const middle = new Map(column.map((node, at) => {
    const near = edges.flatMap(([from, to]) => (from === node.id ? [place.get(to)] : to === node.id ? [place.get(from)] : [])).filter((value) => value !== undefined);
    return [node.id, near.length ? near.reduce((a, b) => a + b, 0) / near.length : at];
  }));
  column.sort((a, b) => middle.get(a.id) - middle.get(b.id) || (a.id < b.id ? -1 : 1));
}

/* Everything within some steps of a start, with its distance: negative towards the sources. */
function around(start, sourcesOf, usersOf, steps) {
  const distance = new Map([[start, 0]]);
  for (const [next, sign] of [[sourcesOf, -1], [usersOf, 1]]) {
    let edge = [start];
    for (let at = 1; at <= steps && edge.length; at++) {
      const found = edge.flatMap((id) => next(id)).filter((id) => !distance.has(id));
      edge = [...new Set(found)];
      for (const id of edge) distance.set(id, sign * at);
    }
  }
  return distance;
}
