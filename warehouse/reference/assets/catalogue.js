/* The catalogue: a list to search, a page per table, lineage to click through. */
const LAYERS = ["raw", "staging", "core", "analysis", "quality", "mart", "adam", "meta"];
const KINDS = { source: "loaded from study files", seed: "seed: a table kept as CSV", sql: "SQL model", python: "Python step", engine: "kept by the engine itself" };
let content, byName, users, columnSources, columnUsers;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function start() {
  const packed = Uint8Array.from(atob(document.getElementById("content").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  content = JSON.parse(await new Response(stream).text());
  for (const table of content.tables) for (const column of table.columns) column.comment ??= "A column of the source files beyond those declared, kept as it was.";
  byName = new Map(content.tables.map((table) => [table.name, table]));
  users = new Map();
  for (const table of content.tables) for (const read of table.reads) push(users, read, table.name);
  columnSources = new Map();
  columnUsers = new Map();
  for (const [table, column, fromTable, fromColumn] of content.columnEdges) {
    push(columnSources, `${table}.${column}`, `${fromTable}.${fromColumn}`);
    push(columnUsers, `${fromTable}.${fromColumn}`, `${table}.${column}`);
  }
  document.getElementById("search").addEventListener("input", list);
  window.addEventListener("hashchange", () => show(true));
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); document.getElementById("main").focus(); });
  list();
  show(false);
  document.documentElement.dataset.state = "drawn";
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

const layerOf = (name) => name.split(".")[0];
const tableLink = (name) => make("a", { href: `#table=${name}` }, make("code", {}, name));

/* The list at the left: all tables, or those that a search finds, with the columns that match. */
function list() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text) => words.every((word) => text.toLowerCase().includes(word));
  const found = [];
  for (const table of content.tables) {
    const columns = words.length ? table.columns.filter((column) => has(`${column.name} ${column.comment}`)) : [];
    const rank = !words.length || has(table.name) ? 0 : columns.some((column) => has(column.name)) ? 1 : has(`${table.name} ${table.description}`) || columns.length ? 2 : null;
    if (rank !== null) found.push({ table, columns, rank });
  }
  const holder = document.getElementById("list");
  holder.replaceChildren();
  for (const layer of [...LAYERS, ...new Set(content.tables.map((table) => layerOf(table.name)))].filter((layer, at, all) => all.indexOf(layer) === at)) {
    const part = found.filter(({ table }) => layerOf(table.name) === layer).sort((a, b) => (words.length ? a.rank - b.rank : 0) || (a.table.name < b.table.name ? -1 : 1));
    if (!part.length) continue;
    const items = part.map(({ table, columns }) => make("li", {},
      make("a", { href: `#table=${table.name}` }, table.name.slice(layer.length + 1)),
      columns.length ? make("span", { class: "hits" }, ...columns.slice(0, 4).flatMap((column, at) => [at ? ", " : "", make("a", { href: `#table=${table.name}&column=${column.name}` }, column.name)]), columns.length > 4 ? ` and ${columns.length - 4} more` : null) : null));
    holder.append(make("details", { open: words.length > 0 || layer === "mart" || layer === "core" }, make("summary", {}, `${layer} (${part.length})`), make("ul", {}, ...items)));
  }
  document.getElementById("found").textContent = words.length ? `${found.length} of ${content.tables.length} tables` : `${content.tables.length} tables, ${content.tables.reduce((sum, table) => sum + table.columns.length, 0).toLocaleString("en")} columns`;
}

function show(isMove) {
  const hash = new URLSearchParams(location.hash.slice(1));
  const main = document.getElementById("main");
  const name = hash.get("table");
  const pages = { settings, macros, overview };
  const page = Object.keys(pages).find((key) => hash.has(key)) ?? "overview";
  const parts = name === null ? pages[page]() : byName.has(name) ? tablePage(byName.get(name), hash.get("column")) : [make("p", {}, `There is no table ${name}.`)];
  main.replaceChildren(...parts.filter(Boolean));
  document.title = `${name ?? page} – ${document.querySelector("h1").textContent}`;
  for (const link of document.querySelectorAll("aside a")) link.toggleAttribute("aria-current", link.getAttribute("href") === `#table=${name}` || (name === null && link.getAttribute("href") === `#${page}`));
  if (isMove) {
    main.focus({ preventScroll: true });
    const row = main.querySelector("tr.chosen");
    if (row) document.getElementById("column-lineage").scrollIntoView(); else window.scrollTo(0, 0);
  }
}

/* One layer, folded: its tables with the first sentence of what each is, and how many it reads of each layer. */
function layerList(layer, text) {
  const tables = content.tables.filter((table) => layerOf(table.name) === layer);
  const reads = new Map();
  for (const other of tables.flatMap((table) => table.reads).map(layerOf)) if (other !== layer) reads.set(other, (reads.get(other) ?? 0) + 1);
  const from = [...reads].sort((a, b) => b[1] - a[1]).map(([name]) => name).join(", ");
  return make("details", { class: "layer" },
    make("summary", {}, make("b", {}, layer), ` ${tables.length} tables: ${text}${from ? ` (reads ${from})` : ""}`),
    make("ul", {}, ...tables.map((table) => make("li", {}, make("a", { href: `#table=${table.name}` }, table.name.split(".")[1]), ` ${table.description.split("\n")[0]}`))));
}

function overview() {
  const column = (name) => LAYERS.indexOf(layerOf(name));
  const nodes = content.tables.filter((table) => column(table.name) >= 0 && layerOf(table.name) !== "meta")
    .map((table) => ({ id: table.name, text: table.name.split(".")[1], title: `${table.name}: ${table.description.split("\n")[0]}`, href: `#table=${table.name}`, column: column(table.name), kind: table.kind }));
  const edges = content.tables.flatMap((table) => table.reads.map((read) => [read, table.name]));
  const layers = {
    raw: "source values as text, shaped like SDTM", staging: "typed, cleaned, one row per source row", core: "studies, patients, lesions, measurements", analysis: "growth, events, hazards, heterogeneity, survival",
    quality: "checks, quarantine, accounts of rows", mart: "a star for BI, and a table per figure", adam: "analysis datasets to hand on", meta: "runs, settings, lineage",
  };
  return [
    make("h2", {}, "Overview"),
    make("p", {}, "Layers in their order, from the source values to what is handed on: a table reads its own layer or the ones before it. Open a layer for its tables, and a table for its columns, checks and source."),
    ...Object.entries(layers).map(([layer, text]) => layerList(layer, text)),
    make("details", {}, make("summary", {}, "Every table in one picture"),
      make("p", {}, "A line leads from a table to one that reads it. Point at a table to light its lines."),
      drawGraph({ nodes, edges, label: "All tables and what they read", boxWidth: 168, gap: 34, step: 23 })),
  ];
}

function tablePage(table, column) {
  const facts = [
    ["Grain", table.grain], ["Key", table.key.join(", ")], ["Made by", table.kind === "python" ? `Python step ${table.node}` : KINDS[table.kind]],
    ["Rows", table.rows === null ? null : table.rows.toLocaleString("en")], ["Built", table.built ? `${table.built} UTC, ${table.seconds.toFixed(1)} s` : null],
    ["Settings read", table.settings.map((name) => `${name} = ${content.settings.find((one) => one.name === name)?.value}`).join(", ")], ["Tags", table.tags.join(", ")],
  ].filter(([, value]) => value);
  return [
    make("h2", {}, make("code", {}, table.name)),
    ...paragraphs(table.description).map((text) => make("p", { class: "about" }, text)),
    make("dl", { class: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    lineageOfTable(table),
    make("h3", { id: "columns" }, `Columns (${table.columns.length})`), columnTable(table, column),
    column === null ? null : lineageOfColumn(table, column),
    make("h3", {}, `Checks (${table.checks.length})`), checkTable(table),
    sourceOf(table),
  ];
}

/* A description's lines are broken for the file; a new paragraph begins with a label. */
function paragraphs(text) {
  const found = [];
  for (const line of text.split("\n")) {
    if (found.length && !/^[A-Z][a-z]+:/.test(line)) found[found.length - 1] += ` ${line}`;
    else found.push(line);
  }
  return found;
}

function depthChoice() {
  return make("select", {}, ...[["1", "direct neighbours"], ["2", "two steps"], ["99", "all the way"]].map(([value, text]) => make("option", { value }, text)));
}

function lineageOfTable(table) {
  const holder = make("section", { "aria-labelledby": "lineage" });
  const depth = depthChoice();
  const place = make("div");
  const redraw = () => {
    const distance = around(table.name, (name) => byName.get(name)?.reads ?? [], (name) => users.get(name) ?? [], Number(depth.value));
    const nodes = [...distance].map(([name, at]) => ({ id: name, text: name, title: `${name}: ${byName.get(name)?.description.split("\n")[0] ?? ""}`, href: `#table=${name}`, column: at, kind: `${byName.get(name)?.kind ?? ""}${at === 0 ? " chosen" : ""}` }));
    const edges = [...distance.keys()].flatMap((name) => (byName.get(name)?.reads ?? []).filter((read) => distance.has(read)).map((read) => [read, name]));
    place.replaceChildren(nodes.length > 1 ? drawGraph({ nodes, edges, label: `What ${table.name} reads, and what reads it` }) : make("p", {}, "It reads no table, and none reads it."));
  };
  depth.addEventListener("input", redraw);
  redraw();
  holder.append(make("h3", { id: "lineage" }, "Lineage"), make("label", { class: "inline" }, "Shown: ", depth), place);
  return holder;
}

function columnTable(table, chosen) {
  const rows = table.columns.map((column) => {
    const full = `${table.name}.${column.name}`;
    const sources = columnSources.get(full) ?? [];
    return make("tr", { class: column.name === chosen ? "chosen" : null },
      make("th", { scope: "row" }, make("a", { href: `#table=${table.name}&column=${column.name}`, title: "Its lineage" }, make("code", {}, column.name)), table.key.includes(column.name) ? make("span", { class: "badge" }, "key") : null),
      make("td", {}, column.type.toLowerCase()), make("td", {}, column.unit), make("td", {}, column.comment),
      make("td", {}, sources.length ? `${sources.length} ${sources.length === 1 ? "column" : "columns"}` : table.kind === "python" ? "the step" : ""));
  });
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Columns of ${table.name}` }, make("table", {},
    make("thead", {}, make("tr", {}, ...["Column", "Type", "Unit", "Meaning", "From"].map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows)));
}

function lineageOfColumn(table, column) {
  const full = `${table.name}.${column}`;
  const tableOf = (name) => name.slice(0, name.lastIndexOf("."));
  const depth = depthChoice();
  const place = make("div");
  const redraw = () => {
    const distance = around(full, (name) => columnSources.get(name) ?? [], (name) => columnUsers.get(name) ?? [], Number(depth.value));
    const nodes = [...distance].map(([name, at]) => ({ id: name, text: name, href: `#table=${tableOf(name)}&column=${name.slice(name.lastIndexOf(".") + 1)}`, column: at, kind: `${byName.get(tableOf(name))?.kind ?? ""}${at === 0 ? " chosen" : ""}` }));
    const edges = [...distance.keys()].flatMap((name) => (columnSources.get(name) ?? []).filter((read) => distance.has(read)).map((read) => [read, name]));
    const ends = [...distance].filter(([name, at]) => at <= 0 && byName.get(tableOf(name))?.kind === "python").map(([name]) => byName.get(tableOf(name)));
    const steps = [...new Map(ends.map((one) => [one.node, one])).values()];
    place.replaceChildren(
      nodes.length > 1 ? drawGraph({ nodes, edges, label: `What ${full} is computed from, and what uses it`, boxWidth: 300 }) : make("p", {}, "No SQL computes it from another stored column, and none uses it."),
      ...steps.map((step) => make("p", {}, `Computed in Python by step ${step.node} from `, ...step.reads.flatMap((read, at) => [at ? ", " : "", tableLink(read)]), "; its lineage by column is not known.")));
  };
  depth.addEventListener("input", redraw);
  redraw();
  return make("section", { "aria-labelledby": "column-lineage" },
    make("h3", { id: "column-lineage" }, `Lineage of column ${column}`),
    make("p", {}, table.columns.find((one) => one.name === column)?.comment ?? "There is no such column."),
    make("label", { class: "inline" }, "Shown: ", depth), place);
}

function checkTable(table) {
  if (!table.checks.length) return make("p", {}, "None.");
  const state = (check) => (check.success === null ? "not run" : check.success ? "✓ holds" : "✕ failed");
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Checks of ${table.name}` }, make("table", {},
    make("thead", {}, make("tr", {}, ...["State", "What must hold", "Severity", "Kind", "Arguments"].map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...table.checks.map((check) => make("tr", {}, make("td", {}, state(check)), make("td", {}, check.meaning, check.remedy ? make("span", { class: "hits" }, `What to do: ${check.remedy}`) : null), make("td", {}, check.severity), make("td", {}, check.kind.replaceAll("_", " ")), make("td", {}, make("code", {}, check.arguments)))))));
}

function sourceOf(table) {
  const parts = [make("h3", {}, "Source"), make("p", {}, make("code", {}, table.path))];
  if (table.text) parts.push(make("pre", { tabindex: "0" }, table.text));
  for (const name of table.macros) parts.push(make("details", {}, make("summary", {}, `Macro ${name}`), make("pre", { tabindex: "0" }, content.macros[name])));
  for (const path of table.modules) {
    const holder = make("details", {}, make("summary", {}, path));
    holder.addEventListener("toggle", () => { if (holder.children.length === 1) holder.append(make("pre", { tabindex: "0" }, content.sources[path])); });
    parts.push(holder);
  }
  return make("section", {}, ...parts);
}

function settings() {
  return [make("h2", {}, "Settings"), make("p", {}, "As this warehouse was made; defaults stand beside. They live in lesions.toml."),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...["Setting", "Value", "Default", "Type", "Meaning", "Read by"].map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...content.settings.map((one) => make("tr", {}, make("th", { scope: "row" }, make("code", {}, one.name)), make("td", {}, one.value), make("td", {}, one.default), make("td", {}, one.type), make("td", {}, one.meaning),
        make("td", {}, ...content.tables.filter((table) => table.settings.includes(one.name)).flatMap((table, at) => [at ? ", " : "", tableLink(table.name)])))))))];
}

function macros() {
  return [make("h2", {}, "Macros"), make("p", {}, "SQL functions stored in the warehouse, for every client."), ...Object.entries(content.macros).map(([name, sql]) => make("section", {}, make("h3", {}, make("code", {}, name)), make("pre", { tabindex: "0" }, sql)))];
}

start();
