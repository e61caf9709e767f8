"use strict";
/* Reads the tables that encode.py wrote: see its description of a block. */
const NULL_INTEGER = -(2 ** 31);

class Frame {
  constructor(rows, columns) {
    this.rows = rows;
    this.columns = columns;
    this.byName = new Map(columns.map((column) => [column.name, column]));
  }
  get names() {
    return this.columns.map((column) => column.name);
  }
  value(name, row) {
    const column = this.byName.get(name);
    const found = column.values[row];
    if (column.kind === "text") return found < 0 ? null : column.words[found];
    if (column.kind === "boolean") return found < 0 ? null : found === 1;
    if (column.kind === "integer") return found === NULL_INTEGER ? null : found;
    return Number.isNaN(found) ? null : found;
  }
  row(index) {
    const made = {};
    for (const name of this.names) made[name] = this.value(name, index);
    return made;
  }
  pick(indices) {
    return Array.from(indices, (index) => this.row(index));
  }
  all() {
    return this.pick(Array(this.rows).keys());
  }
  where(choices) {
    const kept = [];
    for (let row = 0; row < this.rows; row++) {
      if (choices.every(([name, wanted]) => String(this.value(name, row)) === wanted)) kept.push(row);
    }
    return kept;
  }
}

function together(bytes, rows, width) {
  const made = new Uint8Array(rows * width);
  for (let plane = 0; plane < width; plane++) {
    for (let row = 0; row < rows; row++) made[row * width + plane] = bytes[plane * rows + row];
  }
  return made.buffer;
}

function values(column, bytes, rows) {
  const width = column.width ?? 1;
  const buffer = together(bytes, rows, width);
  if (column.kind === "number") return width === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
  const whole = { 1: Int8Array, 2: Int16Array, 4: Int32Array }[width];
  const made = new whole(buffer);
  if (column.steps) for (let row = 1; row < rows; row++) made[row] += made[row - 1];
  return made;
}

const frames = new Map();

function readFrame(name) {
  if (!frames.has(name)) frames.set(name, unpack(name));
  return frames.get(name);
}

async function unpack(name) {
  const element = document.getElementById(`data-${name}`);
  const text = atob(element.textContent);
  element.textContent = "";
  const packed = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) packed[at] = text.charCodeAt(at);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const column of head.columns) {
    const size = head.rows * (column.width ?? 1);
    column.values = values(column, new Uint8Array(buffer, at, size), head.rows);
    at += size;
  }
  return new Frame(head.rows, head.columns);
}

/* For a spreadsheet: a text that would run as a formula there is led by an apostrophe. */
function asCsv(rows, names) {
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value).replace(/^(?=[=+\-@\t\r])/, "'");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => names.map((name) => cell(row[name])).join(","));
  return [names.join(","), ...lines].join("\r\n") + "\r\n";
}

function download(name, content, type = "text/csv;charset=utf-8") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
