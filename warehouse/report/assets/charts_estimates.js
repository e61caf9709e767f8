/* Charts of estimates: survival curves, the anatomical chart, goodness of fit. */

// Limits of a median, where the rows have them; the upper one is often not reached.
const medianLimits = (row) => (row.median_lower === undefined || row.median_lower === null ? ""
  : ` (${number(row.median_lower)} to ${row.median_upper === null ? "not reached" : number(row.median_upper)})`);

CHARTS.survival = (context) => {
  const { rows, width, sources, choices } = context;
  const groups = unique(rows.map((row) => row.group_name));
  const colour = (name) => COLOURS[groups.indexOf(name) % COLOURS.length];
  const dash = (name) => DASHES[groups.indexOf(name) % DASHES.length];
  const steps = groups.flatMap((name) => {
    const part = rows.filter((row) => row.group_name === name);
    return part[0]?.time_days > 0 ? [{ ...part[0], time_days: 0, survival: 1, ci_lower: 1, ci_upper: 1, is_censoring: false }, ...part] : part;
  });
  const facts = groups.map((name) => rows.find((row) => row.group_name === name));
  const medians = facts.filter((row) => row.median_days !== null);
  const last = d3.max(rows, (row) => row.time_days);
  const margins = { marginLeft: 52, marginRight: 18 };
  const every = Math.ceil(last / 180 / Math.max(3, Math.floor((width - 70) / 62))) * 180;
  const ticks = d3.range(0, last + 1, every);
  const x = { domain: [0, last], ticks, label: null };
  const curve = draw(context, {
    ...margins, height: width < 560 ? 290 : 360, marginBottom: 40, marginTop: 26,
    x: { ...x, label: "Days", labelAnchor: "center", labelArrow: "none" },
    y: { domain: [0, 1], label: `${rows[0]?.endpoint ?? ""}, share without event`, grid: true },
    marks: [
      Plot.areaY(steps.filter((row) => row.ci_lower !== null), { x: "time_days", y1: "ci_lower", y2: "ci_upper", z: "group_name", fill: (row) => colour(row.group_name), fillOpacity: 0.13, curve: "step-after" }),
      ...groups.map((name) => Plot.line(steps.filter((row) => row.group_name === name), { x: "time_days", y: "survival", stroke: colour(name), strokeWidth: 2, strokeDasharray: dash(name) || undefined, curve: "step-after" })),
      Plot.dot(rows.filter((row) => row.is_censoring), { x: "time_days", y: "survival", stroke: (row) => colour(row.group_name), symbol: { draw(path) { path.moveTo(0, -3.5); path.lineTo(0, 3.5); } }, strokeWidth: 1, strokeOpacity: 0.75 }),
      Plot.link(medians, { x1: "median_days", x2: "median_days", y1: 0, y2: 0.5, stroke: (row) => colour(row.group_name), strokeDasharray: "1 3", strokeWidth: 1.5 }),
      medians.length ? Plot.link(medians, { x1: 0, x2: "median_days", y1: 0.5, y2: 0.5, strokeDasharray: "1 3", strokeOpacity: 0.6 }) : null,
      Plot.ruleY([0]),
      Plot.tip(steps, Plot.pointer({ x: "time_days", y: "survival", maxRadius: 30, title: (row) => trackTitle([["group", row.group_name], ["day", number(row.time_days)], ["without event", `${number(100 * row.survival)} % (${number(100 * row.ci_lower)} to ${number(100 * row.ci_upper)})`]]) })),
    ],
  });
  const risk = sources.risk ? sources.risk.pick(sources.risk.where(choices)).filter((row) => ticks.includes(row.day)) : groups.flatMap((name) => {
    const mine = rows.filter((row) => row.group_name === name);
    return ticks.map((day) => ({ group_name: name, day, n_at_risk: mine.find((row) => row.time_days >= day)?.n_at_risk ?? 0 }));
  });
  const table = draw(context, {
    ...margins, height: groups.length * 32 + 22, marginTop: 20, marginBottom: 2, ariaLabel: `Numbers at risk: ${context.alt}`,
    x: { ...x, axis: null }, y: { domain: [groups.length, 0], axis: null },
    marks: [
      Plot.text(["Numbers at risk"], { frameAnchor: "top-left", dx: -46, dy: -18, fontWeight: "bold", textAnchor: "start", text: (d) => d }),
      Plot.text(groups, { frameAnchor: "left", textAnchor: "start", dx: -46, dy: -7, y: (name) => groups.indexOf(name) + 0.5, text: (d) => d, fill: colour, fontWeight: 600 }),
      Plot.text(risk, { x: "day", y: (row) => groups.indexOf(row.group_name) + 0.5, dy: 7, text: (row) => number(row.n_at_risk) }),
    ],
  });
  const test = facts[0]?.log_rank_p_value;
  return [
    key(facts.map((row) => ({ name: `${row.group_name}: n ${number(row.n_patients)}, median ${row.median_days === null ? "not reached" : `${number(row.median_days)} days`}${medianLimits(row)}`, colour: colour(row.group_name), dash: dash(row.group_name) }))),
    groups.length > 1 && test !== null ? make("p", { class: "note" }, `Log-rank test of all groups: p ${test < 0.0001 ? "< 0.0001" : `= ${pvalue(test)}`}.`) : null,
    curve, table,
  ];
};

const QUADRANTS = ["high-high", "high-low", "low-high", "low-low"];

/* With options.by, organs of several groups (tumor types) in one chart: a shape each, a line from each organ to itself. */
CHARTS.anatomy = (context) => {
  const { width, options: { by } } = context;
  const rows = context.rows.filter((row) => row.response_hr > 0 && row.progression_hr > 0);
  const narrow = width < 560;
  const height = narrow ? 520 : Math.min(width * 0.82, 640);
  const margins = { left: 54, right: 20, top: 26, bottom: 46 };
  const bounds = (name) => {
    const points = rows.map((row) => row[`${name}_hr`]);
    const limits = rows.flatMap((row) => [row[`${name}_lower`], row[`${name}_upper`]]).filter((value) => value !== null);
    return [Math.max(d3.min([...limits, ...points, 0.9]), d3.min(points) / 2.2), Math.min(d3.max([...limits, ...points, 1.1]), d3.max(points) * 2.2) * 1.12];
  };
  const [x0, x1] = bounds("progression"), [y0, y1] = bounds("response");
  const inX = (v) => Math.min(x1, Math.max(x0, v)), inY = (v) => Math.min(y1, Math.max(y0, v));
  const toX = d3.scaleLog([x0, x1], [margins.left, width - margins.right]), toY = d3.scaleLog([y0, y1], [height - margins.bottom, margins.top]);
  const labels = placeLabels(rows.map((row) => ({ row, x: toX(row.progression_hr), y: toY(row.response_hr), text: narrow ? row.display_name.replace(/lymph nodes/i, "LN") : row.display_name })), width - margins.right, height - margins.bottom, margins);
  const colour = (row) => KNOWN_COLOURS[row.probable_phenotype];
  const groups = by ? [...new Set(rows.map((row) => row[by]))] : [];
  const same = d3.groups(rows, (row) => row.organ).flatMap(([, points]) => d3.pairs(points));
  const kinds = by
    ? groups.map((name, place) => [rows.filter((row) => row[by] === name), SHAPES[place % SHAPES.length]])
    : [true, false].map((isPrivileged) => [rows.filter((row) => row.is_immune_privileged === isPrivileged), isPrivileged ? "diamond2" : "circle"]);
  const corner = (text, anchor, dx, dy) => Plot.text([text], { frameAnchor: anchor, dx, dy, text: (d) => d, fillOpacity: 0.65, fontStyle: "italic" });
  const picture = draw(context, {
    height, marginLeft: margins.left, marginRight: margins.right, marginTop: margins.top, marginBottom: margins.bottom,
    x: { type: "log", domain: [x0, x1], label: "Hazard ratio of progression", labelAnchor: "center", labelArrow: "none", ticks: logTicks(x0, x1, width), tickFormat: (d) => number(d, 2), grid: true },
    y: { type: "log", domain: [y0, y1], label: "Hazard ratio of response", ticks: logTicks(y0, y1, height), tickFormat: (d) => number(d, 2), grid: true },
    marks: [
      Plot.ruleX([1]), Plot.ruleY([1]),
      ...(narrow ? [] : [
        corner("responds, progresses rarely", "top-left", 5, 5), corner("responds, progresses", "top-right", -5, 5),
        corner("resists, progresses rarely", "bottom-left", 5, -5), corner("resists, progresses", "bottom-right", -5, -5),
      ]),
      Plot.link(rows.filter((row) => row.progression_lower !== null), { x1: (r) => inX(r.progression_lower), x2: (r) => inX(r.progression_upper), y1: "response_hr", y2: "response_hr", stroke: colour, strokeOpacity: 0.45 }),
      Plot.link(rows.filter((row) => row.response_lower !== null), { x1: "progression_hr", x2: "progression_hr", y1: (r) => inY(r.response_lower), y2: (r) => inY(r.response_upper), stroke: colour, strokeOpacity: 0.45 }),
      by ? Plot.link(same, { x1: ([a]) => a.progression_hr, x2: ([, b]) => b.progression_hr, y1: ([a]) => a.response_hr, y2: ([, b]) => b.response_hr, stroke: "currentColor", strokeOpacity: 0.4, strokeDasharray: "3 3" }) : null,
      ...kinds.map(([mine, symbol]) => Plot.dot(mine, { x: "progression_hr", y: "response_hr", r: 5.5, symbol, fill: (r) => (r.is_assigned ? colour(r) : "var(--paper)"), stroke: colour, strokeWidth: 1.8 })),
      ...labels.map((one) => Plot.text([one.row], { x: "progression_hr", y: "response_hr", text: () => one.text, dx: one.dx, dy: one.dy, textAnchor: one.anchor, stroke: "var(--paper)", strokeWidth: 3, fill: "currentColor" })),
      Plot.tip(rows, Plot.pointer({ x: "progression_hr", y: "response_hr", maxRadius: 30, title: (r) => trackTitle([["organ", r.display_name], ...(by ? [["of", r[by]], ["same quadrant", r.n_tumor_types > 1 ? `probability ${number(r.probability_same)}` : "no other tumor type has it"]] : []), ["response", `${number(r.response_hr)} (${number(r.response_lower)} to ${number(r.response_upper)}), ${number(r.n_responses)} of ${number(r.n_lesions_response)}`], ["progression", `${number(r.progression_hr)} (${number(r.progression_lower)} to ${number(r.progression_upper)}), ${number(r.n_progressions)} of ${number(r.n_lesions_progression)}`], ["quadrant", `${r.probable_phenotype}, probability ${number(r.probability)}`]]) })),
    ],
  });
  const here = QUADRANTS.filter((name) => rows.some((row) => row.probable_phenotype === name));
  return [
    key(here.map((name) => ({ name: `${name} (response, progression)`, colour: KNOWN_COLOURS[name], shape: "circle" }))),
    by ? key(groups.map((name, place) => ({ name, colour: "currentColor", shape: SHAPES[place % SHAPES.length] }))) : null,
    picture,
  ];
};

/* A place beside each point for its name, where it covers the fewest names and points. */
function placeLabels(points, right, bottom, margins) {
  const reach = (point) => (point.r ?? 5) + 2;
  const taken = points.map((point) => ({ x0: point.x - reach(point), x1: point.x + reach(point), y0: point.y - reach(point), y1: point.y + reach(point) }));
  const places = [[9, 0, "start"], [-9, 0, "end"], [0, -14, "middle"], [0, 15, "middle"], [8, -11, "start"], [8, 12, "start"], [-8, -11, "end"], [-8, 12, "end"], [0, -26, "middle"], [0, 27, "middle"], [14, -22, "start"], [14, 22, "start"], [-14, -22, "end"], [-14, 22, "end"]];
  const overlap = (a, b) => Math.max(0, Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0)) * Math.max(0, Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0));
  return points.map((point) => {
    const wide = point.text.length * 6.6;
    let best = null;
    places.forEach(([left, down, anchor], order) => {
      const more = reach(point) - 7, dx = left + Math.sign(left) * more, dy = down + Math.sign(down) * more;
      const x0 = point.x + dx - (anchor === "end" ? wide : anchor === "middle" ? wide / 2 : 0);
      const box = { x0, x1: x0 + wide, y0: point.y + dy - 7, y1: point.y + dy + 7 };
      const out = Math.max(0, margins.left - box.x0) + Math.max(0, box.x1 - right) + Math.max(0, box.y1 - bottom) + Math.max(0, margins.top - box.y0);
      const cost = d3.sum(taken, (other) => overlap(box, other)) + out * 60 + order * 3;
      if (best === null || cost < best.cost) best = { cost, box, dx, dy, anchor };
    });
    taken.push(best.box);
    return { ...point, ...best };
  });
}

CHARTS.goodness = (context) => {
  const { rows, width } = context;
  const side = Math.min(width, 620);
  const low = d3.min(rows, (row) => Math.min(row.bin_predicted, row.bin_observed)), high = d3.max(rows, (row) => row.bin_observed) + 0.6;
  const past = d3.sum(rows.filter((row) => row.bin_predicted > high - 0.1), (row) => row.n_observations);
  const from = Math.max(low, 0);
  const axis = { domain: [from, high], ticks: d3.range(Math.ceil(from), Math.floor(high) + 1, side < 500 ? 2 : 1), tickFormat: (d) => (d <= 5 ? number(10 ** d) : `1e${d}`), grid: true };
  const picture = draw(context, {
    width: side, height: side * 0.86, marginLeft: 66, marginBottom: 44, marginTop: 22,
    x: { ...axis, label: "Fitted volume, mm3", labelAnchor: "center", labelArrow: "none" },
    y: { ...axis, label: "Measured volume, mm3" },
    color: { type: "log", range: ["#d3e5f3", "#08365a"], interpolate: "lab", legend: true, marginLeft: 12, marginRight: 12, label: "Sizes in the cell", ticks: 4, tickFormat: ",d", width: Math.min(240, side - 40) },
    marks: [
      Plot.rect(rows.filter((row) => row.bin_predicted >= from && row.bin_predicted <= high - 0.1), { x1: "bin_predicted", x2: (r) => r.bin_predicted + 0.1, y1: "bin_observed", y2: (r) => r.bin_observed + 0.1, fill: "n_observations", tip: true, title: (r) => trackTitle([["fitted from", `${number(10 ** r.bin_predicted)} mm3`], ["measured from", `${number(10 ** r.bin_observed)} mm3`], ["sizes", number(r.n_observations)], ["below the limit", number(r.n_below_limit)]]) }),
      Plot.line([[from, from], [high, high]], { stroke: COLOURS[1], strokeWidth: 1.5 }),
    ],
  });
  return [picture, past ? make("p", { class: "note" }, `${number(past)} sizes have a fitted volume past the axis.`) : null];
};
