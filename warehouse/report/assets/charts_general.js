/* Charts that many figures use: bars, intervals (forest plots), boxes, heat maps, histograms, tables. */

function trackTitle(lines) {
  return lines.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => `${name}: ${value}`).join("\n");
}

/* The labels of tracks 0, 1, 2, ... down the left side. */
function trackLabels(lines, room) {
  return lines.map((line, at) => Plot.text([line.join("\n")], { x: null, y: () => at + 0.5, text: (d) => d, frameAnchor: "left", textAnchor: "end", dx: -10, lineHeight: 1.05 }));
}

CHARTS.bars = (context) => {
  const { rows, options, width } = context;
  const mode = options.mode;
  const labels = unique(rows.map((row) => row[options.label]));
  const written = (value) => (options.decimals === undefined ? number(value) : value.toFixed(options.decimals));
  const groups = options.group ? unique(rows.map((row) => row[options.group])) : [null];
  const place = new Map(labels.map((label, at) => [label, at]));
  const tally = new Map();
  for (const row of rows) {
    const id = JSON.stringify([row[options.label], options.group ? row[options.group] : null]);
    tally.set(id, (tally.get(id) ?? 0) + (row[options.value] ?? 0));
  }
  const { room, lines, most } = labelRoom(labels, width);
  const across = mode === "group" ? groups.length : 1;
  const step = Math.max(across * 13 + 7, most * 14 + 4, 22);
  const bars = [];
  const ends = new Map();
  groups.forEach((group, position) => {
    for (const label of labels) {
      const value = tally.get(JSON.stringify([label, group])) ?? (mode === "group" ? null : 0);
      if (value === null) continue;
      const from = mode === "stack" ? (ends.get(label) ?? 0) : 0;
      const top = place.get(label) + 0.08 + (mode === "group" ? (0.84 * position) / across : 0);
      bars.push({ label, group, value, x1: from, x2: from + value, y1: top, y2: top + 0.84 / across });
      ends.set(label, from + value);
    }
  });
  const colours = groups.map((group, position) => (options.ordered ? SEQUENCE[Math.min(position, SEQUENCE.length - 1)] : colourOf(group, position)));
  const colour = (bar) => colours[groups.indexOf(bar.group)];
  const dark = (bar) => d3.lab(colour(bar)).l < 60;
  const texts = mode === "stack"
    ? [Plot.text(bars.filter((bar) => bar.value >= (options.inside ?? Infinity)), { x: (b) => (b.x1 + b.x2) / 2, y: (b) => (b.y1 + b.y2) / 2, text: (b) => written(b.value), fill: (b) => (dark(b) ? "white" : "#111") }),
       ...(options.inside ? [] : [Plot.text(labels, { x: (label) => ends.get(label), y: (label) => place.get(label) + 0.5, text: (label) => number(ends.get(label)), textAnchor: "start", dx: 4 })])]
    : [Plot.text(bars, { x: (b) => Math.max(0, b.x2), y: (b) => (b.y1 + b.y2) / 2, text: (b) => written(b.value), textAnchor: "start", dx: 4 })];
  const picture = draw(context, {
    height: labels.length * step + 46,
    marginLeft: room, marginRight: options.inside ? 12 : 46, marginTop: 6, marginBottom: 40,
    x: { label: options.axis, labelAnchor: "center", labelArrow: "none", grid: true, domain: options.domain ?? [d3.min(bars, (b) => Math.min(0, b.x2)), Math.max(0, d3.max(bars, (b) => b.x2)) || (d3.some(bars, (b) => b.x2 < 0) ? 0 : 1)] },
    y: { domain: [labels.length, 0], axis: null },
    marks: [
      Plot.rect(bars, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: colour, stroke: "var(--paper)", strokeWidth: 0.7, tip: true,
        title: (b) => trackTitle([[plain(options.label === "display_name" ? "organ" : options.label), b.label], [options.group ? plain(options.group) : "", b.group], [options.axis, number(b.value, 4)]]) }),
      ...texts,
      ...trackLabels(lines, room),
      Plot.ruleX([0]),
    ],
  });
  const names = groups.filter((group) => group !== null);
  return names.length ? [key(names.map((name, at) => ({ name, colour: colours[at] }))), picture] : [picture];
};

CHARTS.intervals = (context) => {
  const { options, width } = context;
  const narrow = width < 560;
  const first = options.series[0];
  // A hazard ratio of 0, or infinite (null), has one limit: a line from it to the axis' end, with an arrow.
  const oneSide = (row, one) => (!row[one.separated] ? null : row[one.x] === null ? "up" : "down");
  const rows = context.rows.filter((row) => options.series.some((one) => row[one.x] !== null || oneSide(row, one)));
  const rank = (row) => (oneSide(row, first) === "up" ? Infinity : row[first.x]);
  if (options.sort === "value") rows.sort((a, b) => d3.descending(rank(a), rank(b)));
  const log = options.scale === "log" && !rows.some((row) => options.series.some((one) => row[one.x] < 0));
  const points = rows.flatMap((row, at) => options.series.map((one, position) => ({ row, at, one, position, x: row[one.x], lo: row[one.lo], hi: row[one.hi], way: oneSide(row, one) }))).filter((point) => point.way || (point.x !== null && (!log || point.x > 0)));
  const xs = points.map((point) => (point.way === "up" ? point.lo : point.way ? point.hi : point.x)).filter((x) => x !== null && x !== undefined);
  const spread = points.flatMap((point) => (point.way === "up" ? [point.lo] : point.way ? [point.hi] : [point.lo ?? point.x, point.hi ?? point.x])).filter((x) => x !== null);
  let [low, high] = d3.extent([...spread, ...(options.reference === undefined ? [] : [options.reference])]);
  if (log) [low, high] = [Math.max(low, d3.min(xs) / 6) * 0.93, Math.min(high, d3.max(xs) * 6) * 1.07];
  else [low, high] = [low - (high - low) * 0.04, high + (high - low) * 0.04];
  if (options.domain) [low, high] = [options.domain[0] ?? low, options.domain[1] ?? high];
  const cut = points.some((point) => !point.way && ((point.lo ?? point.x) < low || (point.hi ?? point.x) > high));
  const oneSided = points.some((point) => point.way);
  const inside = (value) => Math.min(high, Math.max(low, value));
  const { room, lines, most } = labelRoom(rows.map((row) => row[options.label]), width);
  const several = options.series.length > 1;
  const step = Math.max(several ? 26 : 20, most * 14 + 3);
  const hr = options.text === "hr";
  const side = options.text && !narrow ? (hr ? (rows.some((row) => "n_events" in row && "n_lesions" in row) ? 215 : 140) : 80) : 14;
  const text = (row) => {
    const counts = "n_events" in row && "n_lesions" in row ? `  ${number(row.n_events)} / ${number(row.n_lesions)}` : "";
    const way = oneSide(row, first);
    if (hr && way) {
      const limit = way === "up" ? row[first.lo] : row[first.hi];
      return `${way === "up" ? "∞" : "0"}${limit === null ? "" : way === "up" ? ` (from ${limit.toFixed(2)})` : ` (to ${limit.toFixed(2)})`}${counts}`;
    }
    if (!hr) return /^p_|p_value/.test(options.text) ? pvalue(row[options.text]) : number(row[options.text]);
    const limits = row[first.lo] === null ? (row[first.x] === 1 && options.reference === 1 ? " reference" : "") : ` (${row[first.lo].toFixed(2)}–${row[first.hi].toFixed(2)})`;
    return `${row[first.x] === null ? "" : row[first.x].toFixed(2)}${limits}${counts}`;
  };
  const shift = (point) => (several ? point.at + 0.5 + (point.position - (options.series.length - 1) / 2) * 0.36 : point.at + 0.5);
  const marks = options.series.flatMap((one, position) => {
    const mine = points.filter((point) => point.position === position);
    const colour = COLOURS[position];
    return [
      Plot.link(mine.filter((point) => point.way), { x1: (p) => (p.way === "up" ? inside(p.lo ?? high) : low), x2: (p) => (p.way === "up" ? high : inside(p.hi ?? low)), y1: shift, y2: shift, stroke: colour, strokeWidth: position ? 1.2 : 2 }),
      ...["down", "up"].map((way) => Plot.dot(mine.filter((point) => point.way === way), { x: way === "up" ? high : low, y: shift, r: 5, symbol: "triangle", rotate: way === "up" ? 90 : -90, fill: colour, tip: true,
        title: (p) => trackTitle([["", p.row[options.label]], [one.name, way === "up" ? "infinite" : "0"], [way === "up" ? "from" : "to", number(way === "up" ? p.lo : p.hi)], ["p", pvalue(p.row.lr_p_value ?? p.row.p_value)], ["lesions", number(p.row.n_lesions)], ["events", number(p.row.n_events)], ["patients", number(p.row.n_patients)]]).replace(/^: /, "") })),
      ...[["lo", low, -90], ["hi", high, 90]].map(([end, bound, rotate]) => Plot.dot(mine.filter((point) => !point.way && point[end] !== null && (end === "lo" ? point.lo < low : point.hi > high)), { x: bound, y: shift, r: 3, symbol: "triangle", rotate, fill: colour })),
      Plot.link(mine.filter((point) => !point.way && point.lo !== null && point.hi !== null), { x1: (p) => inside(p.lo), x2: (p) => inside(p.hi), y1: shift, y2: shift, stroke: colour, strokeWidth: position ? 1.2 : 2 }),
      Plot.dot(mine.filter((point) => !point.way), { x: (p) => inside(p.x), y: shift, r: 4.5, symbol: position ? "diamond2" : "square2", fill: position ? "var(--paper)" : colour, stroke: colour, strokeWidth: 1.5, tip: true,
        title: (p) => trackTitle([["", p.row[options.label]], [one.name, number(p.x)], ["from", number(p.lo)], ["to", number(p.hi)], ["p", pvalue(p.row.p_value)], ["lesions", number(p.row.n_lesions)], ["events", number(p.row.n_events)], ["patients", number(p.row.n_patients)]]).replace(/^: /, "") }),
    ];
  });
  const picture = draw(context, {
    height: rows.length * step + 62,
    marginLeft: room, marginRight: side, marginTop: options.text && !narrow ? 22 : 6, marginBottom: 40,
    x: { type: log ? "log" : "linear", domain: [low, high], label: options.axis, labelAnchor: "center", labelArrow: "none", grid: true, ticks: log ? logTicks(low, high, width - room - side) : Math.max(3, width / 110), tickFormat: (d) => number(d, 2) },
    y: { domain: [rows.length, 0], axis: null },
    marks: [
      Plot.rect(rows.filter((row, at) => at % 2 === 1), { x1: low, x2: high, y1: (row) => rows.indexOf(row), y2: (row) => rows.indexOf(row) + 1, fill: "currentColor", fillOpacity: 0.04 }),
      options.reference === undefined ? null : Plot.ruleX([options.reference], { strokeDasharray: "3 3" }),
      ...marks,
      ...trackLabels(lines, room),
      options.text && !narrow ? Plot.text(rows, { frameAnchor: "right", textAnchor: "end", dx: side - 2, y: (row) => rows.indexOf(row) + 0.5, text, fontVariant: "tabular-nums" }) : null,
      options.text && !narrow ? Plot.text([options.texttitle], { frameAnchor: "top-right", textAnchor: "end", dx: side - 2, dy: -12, text: (d) => d, fillOpacity: 0.75 }) : null,
    ],
  });
  const parts = [];
  if (several) parts.push(key(options.series.map((one, at) => ({ name: one.name, colour: COLOURS[at], shape: at ? "diamond2" : "square2", hollow: at > 0 }))));
  parts.push(picture);
  const notes = Object.entries(options.detail ?? {}).map(([column, words]) => `${words} ${pvalue(rows[0]?.[column])}`);
  if (cut) notes.push("Intervals that pass the axis are cut at it, with an arrow");
  if (oneSided) notes.push("A line that ends in a large arrow is a hazard ratio of 0 or infinity (no event in one of the two): it has the one limit");
  if (notes.length) parts.push(make("p", { class: "note" }, `${notes.join("; ")}.`));
  return parts;
};

function logTicks(low, high, width) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of [1, 2, 5]) all.push(Number(`${step}e${power}`));
  }
  const within = all.filter((tick) => tick >= low && tick <= high);
  const powers = within.filter((tick) => String(tick.toExponential())[0] === "1");
  if (within.length >= 3) return within.length <= width / 45 ? within : powers.length > 1 ? powers : unique([within[0], ...powers, within[within.length - 1]]);
  return d3.ticks(low, high, width < 560 ? 3 : 5);
}

/* Quartiles, median, whiskers at the 10th and 90th percentile; on a log axis where the option says so for what is drawn. */
CHARTS.boxes = (context) => {
  const { rows, width, options } = context;
  const ends = ["percentile_10", "first_quartile", "median_lower", "median", "median_upper", "third_quartile", "percentile_90"];
  const positive = rows.flatMap((row) => ends.map((end) => row[end])).filter((value) => value > 0);
  const log = (options.log ?? []).includes(rows[0]?.[options.logby]) && positive.length > 0;
  // What is 0 has no place on a log axis: it stands at its foot, which the note says.
  const lowest = log ? d3.min(positive) * 0.9 : -Infinity;
  const at = (end) => (row) => Math.max(row[end], lowest);
  const isCut = rows.some((row) => ends.some((end) => row[end] < lowest));
  const labels = rows.map((row) => row[options.label ?? "display_name"]);
  const { room, lines, most } = labelRoom(labels, width);
  const step = Math.max(26, most * 14 + 4);
  const colour = COLOURS[0];
  const picture = draw(context, {
    height: rows.length * step + 50,
    marginLeft: room, marginRight: 64, marginTop: 8, marginBottom: 40,
    x: { type: log ? "log" : "linear", label: `${plain(rows[0]?.axis ?? rows[0]?.variable ?? "")}${log ? " (log axis)" : ""}`, labelAnchor: "center", labelArrow: "none", grid: true, nice: !log, ...(log ? { ticks: logTicks(lowest, d3.max(rows, (row) => row.percentile_90), width - room - 64), tickFormat: (d) => number(d, 2) } : { ticks: Math.max(3, width / 110) }) },
    y: { domain: [rows.length, 0], axis: null },
    marks: [
      Plot.link(rows, { x1: at("percentile_10"), x2: at("percentile_90"), y1: (r) => rows.indexOf(r) + 0.5, y2: (r) => rows.indexOf(r) + 0.5, stroke: colour }),
      ...["percentile_10", "percentile_90"].map((end) => Plot.link(rows, { x1: at(end), x2: at(end), y1: (r) => rows.indexOf(r) + 0.36, y2: (r) => rows.indexOf(r) + 0.64, stroke: colour })),
      Plot.rect(rows, { x1: at("first_quartile"), x2: at("third_quartile"), y1: (r) => rows.indexOf(r) + 0.2, y2: (r) => rows.indexOf(r) + 0.8, fill: colour, fillOpacity: 0.22, stroke: colour, tip: true,
        title: (r) => trackTitle([["group", r[options.label ?? "display_name"]], ["n", number(r.n)], ["median", `${number(r.median)}${medianLimits(r)}`], ["quartiles", `${number(r.first_quartile)}, ${number(r.third_quartile)}`], ["10th and 90th percentile", `${number(r.percentile_10)}, ${number(r.percentile_90)}`], ["mean", number(r.mean)]]) }),
      Plot.link(rows.filter((r) => r.median_lower !== null && r.median_lower !== undefined), { x1: at("median_lower"), x2: at("median_upper"), y1: (r) => rows.indexOf(r) + 0.5, y2: (r) => rows.indexOf(r) + 0.5, stroke: colour, strokeWidth: 4, strokeOpacity: 0.6 }),
      Plot.link(rows, { x1: at("median"), x2: at("median"), y1: (r) => rows.indexOf(r) + 0.14, y2: (r) => rows.indexOf(r) + 0.86, stroke: "currentColor", strokeWidth: 2.2 }),
      ...trackLabels(lines, room),
      Plot.text(rows, { frameAnchor: "right", textAnchor: "start", dx: 6, y: (r) => rows.indexOf(r) + 0.5, text: (r) => `n ${number(r.n)}` }),
    ],
  });
  const notes = Object.entries(options.detail ?? {}).filter(([column]) => rows[0]?.[column] !== null && rows[0]?.[column] !== undefined)
    .map(([column, words]) => `${words} ${/_p(_|$)|^p_/.test(column) ? `p ${pvalue(rows[0][column])}` : number(rows[0][column])}`);
  if (isCut) notes.push("Ends at 0 stand at the foot of the log axis");
  return [picture, notes.length ? make("p", { class: "note" }, `${notes.join("; ")}.`) : null];
};

CHARTS.heat = (context) => {
  const { rows, options, width } = context;
  const sum = d3.rollups(rows, (part) => d3.sum(part, (row) => row[options.value]), (row) => String(row[options.x] ?? "none"), (row) => String(row[options.y] ?? "none"))
    .flatMap(([x, inner]) => inner.map(([y, value]) => ({ x, y, value })));
  const order = (values) => {
    if (options.keep) return unique(values);
    const wanted = options.order ?? [];
    return unique(values).sort((a, b) => (wanted.indexOf(a) + 100) % 100 - (wanted.indexOf(b) + 100) % 100 || d3.ascending(a, b));
  };
  const by = (name, column) => (options[name] ? d3.sort(rows, (row) => row[options[name]]) : rows).map((row) => String(row[column] ?? "none"));
  const xs = order(by("xorder", options.x)), ys = order(by("yorder", options.y));
  const { room } = labelRoom(ys, width);
  const side = Math.max(20, Math.min(90, (width - room - 40) / xs.length));
  const longest = Math.max(...xs.map((name) => name.length));
  const most = d3.max(sum, (cell) => cell.value);
  const tight = side < 56;
  const written = (value) => (!tight ? number(value) : value >= 1000 ? d3.format(".2~s")(value) : value > 0 && value < 0.01 ? "<.01" : number(value, 2));
  const foot = tight && longest > 4 ? Math.min(190, longest * 5.6 + 40) : 46;
  const picture = draw(context, {
    width: room + 40 + side * xs.length, height: (ys.length > 10 ? 27 : Math.max(36, side * 0.6)) * ys.length + foot + 18,
    marginLeft: room + 30, marginBottom: foot, marginTop: 10,
    x: { domain: xs, tickRotate: tight && longest > 4 ? -60 : 0, label: options.xlabel, labelAnchor: "center", labelArrow: "none" },
    y: { domain: ys, label: options.ylabel, labelAnchor: "center", labelArrow: "none", labelOffset: room + 24 },
    color: options.log ? { type: "linear", domain: [0, Math.log10(most + 1)], range: ["#e8f1f8", "#0a3f66"], interpolate: "lab" } : { type: "sqrt", domain: [0, most], range: ["#e8f1f8", "#0a3f66"], interpolate: "lab" },
    marks: [
      Plot.cell(sum, { x: "x", y: "y", fill: (c) => (options.log ? Math.log10(c.value + 1) : c.value), inset: 0.5, tip: true, title: (c) => trackTitle([[options.ylabel, c.y], [options.xlabel, c.x], [options.words, number(c.value)]]) }),
      side < 34 ? null : Plot.text(sum, { x: "x", y: "y", fontSize: tight ? 10 : 12, text: (c) => written(c.value), fill: (c) => ((options.log ? Math.log10(c.value + 1) / Math.log10(most + 1) : Math.sqrt(c.value / most)) > 0.55 ? "white" : "#111") }),
    ],
  });
  if (room + 40 + side * xs.length <= width) return [picture];
  picture.style.maxWidth = "none";
  return [make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${context.title}: scrolls sideways` }, picture)];
};

CHARTS.histogram = (context) => {
  const { rows, options } = context;
  return [draw(context, {
    height: 280, marginLeft: 52, marginBottom: 42,
    x: { label: options.axis, labelAnchor: "center", labelArrow: "none" },
    y: { label: options.words, grid: true },
    marks: [
      Plot.rectY(rows, Plot.binX({ y: "count" }, { x: options.value, thresholds: 40, fill: COLOURS[0], tip: true })),
      options.reference === undefined ? null : Plot.ruleX([options.reference], { strokeDasharray: "4 3" }),
      options.reference === undefined ? null : Plot.text([options.reference], { x: (d) => d, frameAnchor: "top", text: () => options.referencelabel, textAnchor: "end", dx: -5 }),
      Plot.ruleY([0]),
    ],
  })];
};

CHARTS.bins = (context) => {
  const { rows, options, width } = context;
  const facets = unique(rows.map((row) => row[options.facet]));
  const columns = width < 620 ? 1 : facets.length;
  const holder = make("div", { class: "multiples", style: `--columns:${columns}` });
  for (const facet of facets) {
    const part = rows.filter((row) => row[options.facet] === facet);
    const isLog = (options.log10 ?? []).includes(facet);
    const counted = part.map((row) => ({ ...row, height: row[options.value] }));
    const most = d3.sum(part, (row) => row[options.value]);
    const kept = isLog ? counted.filter((row) => row.height > most * 2e-4) : counted;
    holder.append(make("div", {}, make("h4", {}, plain(facet)), draw({ ...context, width: width / columns - (columns > 1 ? 14 : 0) }, {
      height: 220, marginLeft: 50, marginBottom: 40, ariaLabel: `${context.alt}: ${plain(facet)}`,
      x: { label: isLog ? "per day, log scale" : "share", labelAnchor: "center", labelArrow: "none", ticks: 4, tickFormat: isLog ? (d) => number(10 ** d, 1) : undefined },
      y: { label: options.axis, grid: true, ticks: 5 },
      marks: [
        Plot.rect(kept, { x1: options.lower, x2: options.upper, y1: 0, y2: "height", fill: COLOURS[0], inset: 0.5, tip: true, title: (r) => trackTitle([["from", number(isLog ? 10 ** r[options.lower] : r[options.lower])], ["to", number(isLog ? 10 ** r[options.upper] : r[options.upper])], ["lesions", number(r.height)]]) }),
        Plot.ruleY([0]),
      ],
    })));
  }
  return [holder];
};

CHARTS.table = (context) => [rowsTable({
  rows: context.rows,
  columns: context.options.columns ?? context.frame.names, names: context.options.names,
  comments: context.comments, perPage: context.options.shown ?? 25, label: context.title,
})];

CHARTS.facts = (context) => context.rows.map((row) => {
  const list = make("dl", { class: "facts" });
  for (const name of context.options.columns) {
    if (row[name] === null) continue;
    list.append(make("div", {}, make("dt", { title: context.comments[name] }, context.options.names?.[name] ?? plain(name)), make("dd", {}, shown(row[name]))));
  }
  return list;
});

CHARTS.tiles = ({ rows }) => [make("dl", { class: "facts tiles" }, ...rows.map((row) =>
  make("div", { title: row.description }, make("dt", {}, row.title), make("dd", {}, row.value === null ? "not known" : d3.format(row.number_format)(row.value), " ", make("small", {}, row.value === null ? "" : row.unit)))))];

CHARTS.checks = (context) => {
  const { rows } = context;
  const states = ["holds", "info failed", "warning failed", "critical failed"].filter((state) => rows.some((row) => row.state === state));
  const bars = d3.rollups(rows, (part) => part.length, (row) => row.layer, (row) => row.state)
    .flatMap(([layer, inner]) => inner.map(([state, n]) => ({ layer, state, n })))
    .sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
  const order = ["raw", "staging", "core", "analysis", "quality", "mart", "adam", "meta"];
  bars.sort((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer));
  const parts = CHARTS.bars({ ...context, rows: bars, options: { label: "layer", value: "n", group: "state", mode: "stack", axis: "Checks" } });
  const failed = rows.filter((row) => row.state !== "holds");
  parts.push(failed.length
    ? rowsTable({ rows: failed, columns: ["state", "table_name", "description", "unexpected_count", "remedy"], caption: "Checks that failed", perPage: 10 })
    : make("p", { class: "note" }, `All ${rows.length.toLocaleString("en")} checks shown hold.`));
  return parts;
};
