/* Curves with bands, points in a plane, square matrices, cross tables. */

CHARTS.lines = (context) => {
  const { options, width } = context;
  const every = options.group ? unique(context.rows.map((row) => row[options.group])) : [null];
  const highest = d3.rollup(context.rows, (part) => d3.max(part, (row) => row[options.y]), (row) => row[options.group]);
  const groups = options.top && every.length > options.top ? d3.sort(every, (name) => -highest.get(name)).slice(0, options.top) : every;
  const facets = options.facet ? unique(context.rows.map((row) => row[options.facet])) : [null];
  const columns = facets.length === 1 ? 1 : width < 620 ? 1 : width < 900 ? 2 : 3;
  const ylabel = context.rows[0]?.[options.ylabelby] ?? options.ylabel, xlabel = context.rows[0]?.[options.xlabelby] ?? options.xlabel;
  const logX = options.logx && context.rows[0]?.[options.logx.column] === options.logx.value;
  const picture = (facet, at) => {
    const rows = facet === null ? context.rows : context.rows.filter((row) => row[options.facet] === facet);
    const positive = (row, name) => options.scale !== "log" || row[name] > 0;
    const has = (name) => name && rows.some((row) => row[name] !== null);
    const curve = options.curve ?? "linear";
    return draw({ ...context, width: width / columns - (columns > 1 ? 14 : 0) }, {
      height: facets.length > 1 ? 230 : width < 560 ? 300 : 380, marginLeft: 62, marginBottom: 42, marginTop: 26, marginRight: 20,
      ariaLabel: facet === null ? undefined : `${context.alt}: ${plain(String(facet))}`,
      x: { type: logX ? "log" : "linear", label: xlabel, labelAnchor: "center", labelArrow: "none", ticks: Math.max(3, width / columns / 90), tickFormat: logX ? (d) => number(d, 2) : undefined },
      y: { type: options.scale ?? "linear", label: ylabel, grid: true, ticks: 6, tickFormat: options.scale === "log" ? (d) => (/^1e/.test(d.toExponential()) ? (d < 1e6 ? number(d) : d.toExponential().replace("+", "")) : "") : undefined, ...(options.domain ? { domain: options.domain } : {}) },
      marks: [
        options.diagonal ? Plot.line([[0, 0], [1, 1]], { strokeDasharray: "3 3", strokeOpacity: 0.6 }) : null,
        options.reference === undefined ? null : Plot.ruleY([options.reference], { strokeDasharray: "3 3" }),
        options.chosen ? Plot.ruleX(unique(rows.filter((row) => row[options.chosen]).map((row) => row[options.x])), { strokeDasharray: "2 3", strokeWidth: 2 }) : null,
        ...groups.flatMap((group, position) => {
          const mine = rows.filter((row) => (options.group ? row[options.group] : null) === group);
          const banded = mine.filter((row) => row[options.lo] !== null && row[options.hi] !== null && positive(row, options.lo));
          return [
            has(options.lo) ? Plot.areaY(banded, { x: options.x, y1: options.lo, y2: options.hi, fill: COLOURS[position % COLOURS.length], fillOpacity: 0.16, curve }) : null,
            has(options.expected) ? Plot.line(mine, { x: options.x, y: options.expected, stroke: COLOURS[position % COLOURS.length], strokeDasharray: "2 3", strokeWidth: 1.4 }) : null,
            Plot.line(mine.filter((row) => positive(row, options.y)), { x: options.x, y: options.y, stroke: COLOURS[position % COLOURS.length], strokeWidth: 2, strokeDasharray: DASHES[position % DASHES.length] || undefined, curve }),
            options.points ? Plot.dot(mine, { x: options.x, y: options.y, symbol: SHAPES[position % SHAPES.length], r: 3.5, fill: COLOURS[position % COLOURS.length] }) : null,
          ];
        }),
        Plot.tip(rows.filter((row) => !options.group || groups.includes(row[options.group])), Plot.pointer({ x: options.x, y: options.y, maxRadius: 40, title: (row) => trackTitle([[options.group ? plain(options.group) : "", options.group ? row[options.group] : ""], [xlabel, number(row[options.x])], [ylabel, number(row[options.y])], ["from", number(row[options.lo])], ["to", number(row[options.hi])]]) })),
      ],
    });
  };
  const parts = groups.length > 1 ? [key(groups.map((name, at) => ({ name: plain(String(name)), colour: COLOURS[at % COLOURS.length], dash: DASHES[at % DASHES.length] })))] : [];
  if (groups.length < every.length) parts.push(make("p", { class: "note" }, `The ${groups.length} highest of ${every.length} are drawn; all are in the rows behind it.`));
  if (facets.length === 1) return [...parts, picture(facets[0], 0)];
  return [...parts, make("div", { class: "multiples", style: `--columns:${columns}` }, ...facets.map((facet, at) => make("div", {}, make("h4", {}, plain(String(facet))), picture(facet, at))))];
};

/* Courses over their baseline on a logarithmic axis: the marker, and the sum of diameters beside it. */
CHARTS.markers = (context) => {
  const sums = "Sum of diameters";
  const many = new Set(context.rows.map((row) => row.patient_id)).size;
  const panels = unique(context.rows.map((row) => row.quantity)).sort((a, b) => (a === sums) - (b === sums));
  const columns = context.width < 700 ? 1 : panels.length;
  const last = d3.max(context.rows, (row) => row.day);
  const picture = (quantity) => {
    const rows = context.rows.filter((row) => row.quantity === quantity);
    const bounds = quantity === sums ? [0.7, 1.2] : [0.5];
    return opensPatients(draw({ ...context, width: context.width / columns - (columns > 1 ? 14 : 0) }, {
      height: 340, marginLeft: 56, marginBottom: 40, marginTop: 26,
      ariaLabel: `${context.alt}: ${quantity}`,
      x: { label: "Days from first dose", labelAnchor: "center", labelArrow: "none", domain: [d3.min(context.rows, (row) => row.day), last] },
      y: { type: "log", label: "Over baseline", grid: true, tickFormat: (d) => (/^1e/.test(d.toExponential()) ? number(d) : "") },
      marks: [
        Plot.ruleY([1]), Plot.ruleY(bounds, { strokeDasharray: "5 4", strokeOpacity: 0.8 }),
        Plot.line(rows, { x: "day", y: "ratio_to_baseline", z: "patient_id", stroke: (row) => colourOf(row.best_overall_response, 7), strokeOpacity: many > 150 ? 0.3 : 0.6, strokeWidth: 1.1 }),
        Plot.dot(rows.filter((row) => row.is_below_limit), { x: "day", y: "ratio_to_baseline", r: 2.4, stroke: (row) => colourOf(row.best_overall_response, 7), fill: "var(--paper)", strokeOpacity: 0.8 }),
        Plot.tip(rows, Plot.pointer({ x: "day", y: "ratio_to_baseline", maxRadius: 25, title: (row) => trackTitle([["patient", row.patient_id], ["day", row.day], ["over baseline", `${row.is_below_limit ? "< " : ""}${number(row.ratio_to_baseline)}`], ["best response", row.best_overall_response]]) })),
      ],
    }));
  };
  return [responseKey(context.rows, []), make("div", { class: panels.length > 1 ? "multiples" : "", style: `--columns:${columns}` }, ...panels.map((quantity) => make("div", {}, make("h4", {}, quantity), picture(quantity))))];
};

/* Named points in a plane. */
CHARTS.plane = (context) => {
  const { rows, options, width } = context;
  const height = width < 560 ? 480 : Math.min(width * 0.7, 560);
  const margins = { left: 62, right: 20, top: 26, bottom: 46 };
  const isLog = (name) => options.log ?? rows[0]?.[name]?.startsWith("log_");
  const [xlo, xhi, ylo, yhi] = options.whiskers ?? [];
  const line = options.line ?? [];
  const [fitted, lower, upper] = line;
  const along = d3.sort(rows, (row) => row[options.x]);
  const axis = (value, kind) => {
    const ends = !options.whiskers ? [] : options.diagonal ? [options.x, options.y, ...options.whiskers] : value === options.x ? [xlo, xhi] : [ylo, yhi];
    const middles = rows.flatMap((row) => (options.diagonal ? [row[options.x], row[options.y]] : [row[value]]));
    const floor = isLog(kind) ? d3.min(middles) / 4 : -Infinity;
    const all = [...middles, ...rows.flatMap((row) => [...ends, ...(value === options.y ? line : [])].map((name) => row[name])).filter((one) => one !== null && one > floor)];
    const pad = isLog(kind) ? [0.93, 1.07] : [1, 1];
    const [low, high] = d3.extent(all), gap = isLog(kind) ? 0 : (high - low) * 0.08;
    return { type: isLog(kind) ? "log" : "linear", domain: [low * pad[0] - gap, high * pad[1] + gap] };
  };
  const x = axis(options.x, options.xname), y = axis(options.y, options.yname);
  const scale = (one, range) => (one.type === "log" ? d3.scaleLog : d3.scaleLinear)(one.domain, range);
  const toX = scale(x, [margins.left, width - margins.right]), toY = scale(y, [height - margins.bottom, margins.top]);
  const labels = placeLabels(rows.map((row) => ({ row, x: toX(row[options.x]), y: toY(row[options.y]), text: row[options.label], r: options.size ? 2.5 + 13.5 * Math.sqrt(row[options.size] / d3.max(rows, (one) => one[options.size])) : 5 })), width - margins.right, height - margins.bottom, margins);
  const within = (one) => (bound) => Math.min(one.domain[1], Math.max(one.domain[0], bound));
  const title = (name) => options.axes?.[name] ? `${rows[0]?.[name]}: ${plain(rows[0]?.[options.axes[name]] ?? "")}${options.log ? " (log axis)" : ""}` : ({ log_kg: plain("kg_per_day"), log_kd: plain("kd_per_day"), logit_f: plain("f"), log_volume: "baseline volume, mm3" })[rows[0]?.[name]] ?? plain(rows[0]?.[name] ?? "");
  const ticks = (one, size) => (one.type === "log" ? logTicks(...one.domain, size) : undefined);
  const facts = Object.entries(options.facts ?? {}).map(([column, words]) => (rows[0]?.[column] === null ? null : `${words} ${column.startsWith("p_") ? pvalue(rows[0][column]) : number(rows[0][column])}`)).filter(Boolean);
  return [
    facts.length ? make("p", { class: "note" }, `${facts.join("; ")}.`) : null,
    draw(context, {
      height, marginLeft: margins.left, marginRight: margins.right, marginTop: margins.top, marginBottom: margins.bottom,
      x: { ...x, label: title(options.xname), labelAnchor: "center", labelArrow: "none", grid: true, ticks: ticks(x, width), tickFormat: (d) => number(d, 2) },
      y: { ...y, label: title(options.yname), grid: true, ticks: ticks(y, height), tickFormat: (d) => number(d, 2) },
      r: { range: [2.5, 16] },
      marks: [
        options.diagonal ? Plot.line([[Math.max(x.domain[0], y.domain[0]), Math.max(x.domain[0], y.domain[0])], [Math.min(x.domain[1], y.domain[1]), Math.min(x.domain[1], y.domain[1])]], { stroke: "currentColor", strokeOpacity: 0.5, strokeDasharray: "4 4" }) : null,
        options.whiskers ? Plot.link(rows.filter((row) => row[xlo] !== null), { x1: (row) => within(x)(row[xlo]), x2: (row) => within(x)(row[xhi]), y1: options.y, y2: options.y, stroke: COLOURS[0], strokeOpacity: 0.6 }) : null,
        options.whiskers ? Plot.link(rows.filter((row) => row[ylo] !== null), { x1: options.x, x2: options.x, y1: (row) => within(y)(row[ylo]), y2: (row) => within(y)(row[yhi]), stroke: COLOURS[0], strokeOpacity: 0.6 }) : null,
        line.length ? Plot.areaY(along, { x: options.x, y1: lower, y2: upper, fill: "currentColor", fillOpacity: 0.1 }) : null,
        line.length ? Plot.line(along, { x: options.x, y: fitted, strokeDasharray: "5 4" }) : null,
        Plot.dot(rows, { x: options.x, y: options.y, r: options.size ?? 5, fill: COLOURS[0], fillOpacity: options.size ? 0.75 : 1, tip: true, title: (row) => trackTitle([["", row[options.label]], [title(options.xname), number(row[options.x])], [title(options.yname), number(row[options.y])], ["lesions", row.x_n === undefined ? number(row.n_lesions) : `${number(row.x_n)} and ${number(row.y_n)}`]]) }),
        ...labels.map((one) => Plot.text([one.row], { x: options.x, y: options.y, text: () => one.text, dx: one.dx, dy: one.dy, textAnchor: one.anchor, stroke: "var(--paper)", strokeWidth: 3, fill: "currentColor" })),
      ],
    }),
  ];
};

/* A square of cells by place, such as a clustered correlation matrix. */
CHARTS.matrix = (context) => {
  const { rows, options, width } = context;
  const n = d3.max(rows, (row) => Math.max(row[options.x], row[options.y]));
  const named = n <= 40 ? d3.sort(d3.group(rows, (row) => row[options.y]).values(), ([row]) => row[options.y]).map(([row]) => row[options.row]) : [];
  // One line each: what does not fit loses its beginning, which many share; the tip has all of it.
  const texts = named.map((name) => name.split("/").pop().replaceAll("_", " "));
  const room = texts.length ? Math.min(Math.max(...texts.map((text) => text.length), 4) * 6.9 + 16, Math.max(90, Math.min(width * 0.5, 340))) : 10;
  const fit = Math.floor((room - 14) / 6.9);
  const labels = texts.map((text) => (text.length > fit ? `…${text.slice(1 - fit)}` : text));
  const side = Math.min(width - room, Math.max(220, Math.min(600, n * 26)));
  return [draw(context, {
    width: side + room, height: Math.max(side * 0.9, n * 16) + 20, marginLeft: room, marginBottom: 10, marginTop: 10, marginRight: 10,
    x: { axis: null, domain: [0, n] }, y: { axis: null, domain: [n, 0] },
    color: { domain: [options.domain[0], options.domain[1] ?? d3.max(rows, (row) => row[options.value])], range: ["#eef4f9", "#0a3f66"], interpolate: "lab", legend: true, label: options.words, width: Math.min(240, side), marginLeft: 12, marginRight: 12 },
    marks: [
      Plot.rect(rows, { x1: (row) => row[options.x] - 1, x2: options.x, y1: (row) => row[options.y] - 1, y2: options.y, fill: options.value, inset: n > 60 ? 0 : 0.5, tip: true,
        title: (row) => trackTitle([["row", row[options.row]], ["column", row[options.column]], [options.words, number(row[options.value])]]) }),
      ...trackLabels(labels.map((label) => [label]), room),
    ],
  })];
};

/* Cells printed under the names of one column, a line for each value of others. */
CHARTS.crosstab = (context) => {
  const { rows, options } = context;
  const heads = unique(rows.map((row) => row[options.column]));
  const lines = d3.groups(rows, (row) => options.lines.map((name) => row[name]).join("\u0000"));
  const table = lines.map(([, part]) => ({
    ...Object.fromEntries(options.lines.map((name) => [name, name === "variable" ? plain(part[0][name]) : part[0][name]])),
    ...Object.fromEntries(heads.map((head) => [head, part.find((row) => row[options.column] === head)?.[options.cell] ?? ""])),
    ...(options.last ? { [options.last]: part[0][options.last] } : {}),
  }));
  return [rowsTable({ rows: table, columns: [...options.lines, ...heads, ...(options.last ? [options.last] : [])], comments: context.comments, perPage: 40, label: context.title })];
};
