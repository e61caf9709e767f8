/* Charts of patients: CONSORT, characteristics, waterfall, spider, swimmer. */

CHARTS.consort = ({ rows }) => {
  const counts = (row) => ["patients", "lesions", "measurements"].map((what) => `${number(row[`n_${what}`])} ${what}`).filter((text) => !text.startsWith("0 ")).join(", ");
  const list = make("ol", { class: "consort" });
  for (const row of rows) {
    const isExit = row.step.endsWith("excluded");
    const titles = { loaded: "Loaded", analysed: "Analysed", "patient excluded": "Patient excluded", "lesion excluded": "Lesion excluded" };
    list.append(make("li", { class: isExit ? "exit" : "stage" },
      make("div", {}, make("b", {}, titles[row.step] ?? row.step), row.reason ? make("span", {}, row.reason) : null, make("span", { class: "counts" }, counts(row)))));
  }
  return [list];
};

CHARTS.characteristics = ({ rows, title }) => {
  const body = make("tbody");
  for (const [variable, part] of d3.groups(rows, (row) => row.variable)) {
    const row = part.find((one) => one.level === "all" && one.mean !== null);
    if (row) {
      const digits = Math.abs(row.mean) < 10 ? 2 : 1;
      body.append(make("tr", { class: "variable" }, make("th", { scope: "row" }, variable),
        make("td", { class: "number" }, number(row.n)), make("td", {}, `${row.mean.toFixed(digits)} (${row.sd === null ? "" : row.sd.toFixed(digits)})`),
        make("td", {}, `${number(row.median, 4)} [${number(row.q1, 4)} to ${number(row.q3, 4)}]`)));
    } else {
      body.append(make("tr", { class: "variable" }, make("th", { scope: "rowgroup", colspan: "4" }, variable)));
    }
    for (const row of part.filter((one) => one.level !== "all")) {
      body.append(make("tr", {}, make("th", { scope: "row", class: "level" }, row.level),
        make("td", { class: "number" }, number(row.n)), make("td", {}, `${row.percent === null ? "" : row.percent.toFixed(1)} %`), make("td", {})));
    }
  }
  const head = make("tr", {}, ...["Characteristic", "n", "% or mean (SD)", "Median [quartiles]"].map((text, at) => make("th", { scope: "col", class: at === 1 ? "number" : null }, text)));
  return [make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    make("table", { class: "characteristics" }, make("caption", { class: "hidden" }, title), make("thead", {}, head), body))];
};

const RESPONSES = ["CR", "PR", "SD", "PD", "NE"];

function responseKey(rows, extra = []) {
  const here = RESPONSES.filter((name) => rows.some((row) => row.best_overall_response === name));
  return key([...here.map((name) => ({ name, colour: KNOWN_COLOURS[name] })), ...extra]);
}

/* Opens the patient under the pointer, where a chart marks one. */
function opensPatients(picture) {
  picture.addEventListener("click", () => {
    if (picture.value?.patient_id) openPatient(picture.value.patient_id);
  });
  picture.classList.add("opens");
  return picture;
}

CHARTS.waterfall = (context) => {
  const rows = [...context.rows].sort((a, b) => a.bar_order - b.bar_order).map((row, at) => ({ ...row, at, height: Math.min(100, row.best_change_percent) }));
  const past = rows.filter((row) => row.best_change_percent > 100).length;
  const edge = context.width / rows.length > 4 ? 0.5 : 0;
  const picture = draw(context, {
    height: context.width < 560 ? 300 : 390, marginLeft: 48, marginBottom: 24, marginTop: 26,
    x: { label: "Patients", labelAnchor: "center", labelArrow: "none", labelOffset: 18, ticks: [], domain: [0, rows.length] },
    y: { domain: [-100, d3.max(rows, (row) => Math.max(25, row.height))], label: "Best change, percent", grid: true },
    marks: [
      Plot.rect(rows, { x1: "at", x2: (row) => row.at + 1, y1: 0, y2: (row) => row.height || 0.4, fill: (row) => colourOf(row.best_overall_response, 7), insetLeft: edge / 2, insetRight: edge / 2, shapeRendering: "crispEdges" }),
      Plot.ruleY([0]), Plot.ruleY([-30, 20], { strokeDasharray: "5 4", strokeOpacity: 0.8 }),
      Plot.tip(rows, Plot.pointerX({ x: (row) => row.at + 0.5, y: "height", title: (row) => trackTitle([["patient", row.patient_id], ["best change", `${number(row.best_change_percent)} %`], ["best response", row.best_overall_response], ["treatment", row.treatment]]) })),
    ],
  });
  const parts = [responseKey(rows), opensPatients(picture)];
  if (past) parts.push(make("p", { class: "note" }, `${past} bars above 100 % are cut there.`));
  return parts;
};

CHARTS.spider = (context) => {
  const { rows } = context;
  const shownRows = rows.map((row) => ({ ...row, height: Math.min(150, row.change_from_baseline_percent) }));
  const past = rows.filter((row) => row.change_from_baseline_percent > 150).length;
  const many = new Set(rows.map((row) => row.patient_id)).size;
  const medians = d3.rollups(rows.filter((row) => row.day > 0), (part) => ({ n: part.length, middle: d3.median(part, (row) => row.change_from_baseline_percent) }), (row) => Math.floor(row.day / 91.3125))
    .filter(([, found]) => found.n >= Math.max(5, many / 10)).map(([quarter, found]) => ({ day: (quarter + 0.5) * 91.3125, ...found })).sort((a, b) => a.day - b.day);
  if (medians.length) medians.unshift({ day: 0, middle: 0, n: many });
  const picture = draw(context, {
    height: context.width < 560 ? 320 : 430, marginLeft: 48, marginBottom: 40, marginTop: 26,
    x: { label: "Days from first dose", labelAnchor: "center", labelArrow: "none" },
    y: { domain: [-100, d3.max(shownRows, (row) => Math.max(30, row.height))], label: "Change from baseline, percent", grid: true },
    marks: [
      Plot.ruleY([0]), Plot.ruleY([-30, 20], { strokeDasharray: "5 4", strokeOpacity: 0.8 }),
      Plot.line(shownRows, { x: "day", y: "height", z: "patient_id", stroke: (row) => colourOf(row.best_overall_response, 7), strokeOpacity: many > 150 ? 0.3 : 0.6, strokeWidth: 1.1 }),
      Plot.line(medians, { x: "day", y: "middle", stroke: "var(--paper)", strokeWidth: 6 }),
      Plot.line(medians, { x: "day", y: "middle", stroke: "currentColor", strokeWidth: 3 }),
      Plot.tip(shownRows, Plot.pointer({ x: "day", y: "height", maxRadius: 25, title: (row) => trackTitle([["patient", row.patient_id], ["day", row.day], ["change", `${number(row.change_from_baseline_percent)} %`], ["best response", row.best_overall_response], ["treatment", row.treatment]]) })),
    ],
  });
  const parts = [responseKey(rows, [{ name: "median", colour: "currentColor", dash: "" }]), opensPatients(picture)];
  if (past) parts.push(make("p", { class: "note" }, `${past} sums above +150 % are drawn at it.`));
  return parts;
};

const MARKS = {
  "first response": { colour: "#0072B2", shape: "triangle" },
  "complete response": { colour: "#009E73", shape: "star" },
  progression: { colour: "#D55E00", shape: "square2", hollow: true, size: 5.2 },
  "new lesion": { colour: "#a8487f", shape: "diamond2", size: 3 },
  death: { colour: "currentColor", shape: "times", hollow: true },
  "end of follow-up": { colour: "#8a8f98", shape: "circle", hollow: true },
};

CHARTS.swimmer = (context) => {
  const perPage = 40;
  const lanes = d3.groups(context.rows, (row) => row.patient_id).map(([id, marks]) => ({ id, marks, end: d3.max(marks, (mark) => mark.day) })).sort((a, b) => d3.descending(a.end, b.end) || d3.ascending(a.id, b.id));
  const pages = Math.max(1, Math.ceil(lanes.length / perPage));
  const holder = make("div");
  const place = make("output", { "aria-live": "polite" });
  const show = (page) => {
    const part = lanes.slice(page * perPage, (page + 1) * perPage);
    const at = new Map(part.map((lane, position) => [lane.id, position]));
    const marks = part.flatMap((lane) => lane.marks).map((mark) => ({ ...mark, at: at.get(mark.patient_id) }));
    const short = context.width < 560;
    holder.replaceChildren(opensPatients(draw(context, {
      height: part.length * 15 + 56, marginLeft: short ? 70 : 130, marginBottom: 40, marginTop: 8, marginRight: 16,
      x: { label: "Days from first dose", labelAnchor: "center", labelArrow: "none", grid: true },
      y: { domain: [part.length, 0], axis: null },
      marks: [
        Plot.rect(part, { x1: 0, x2: "end", y1: (lane) => at.get(lane.id) + 0.25, y2: (lane) => at.get(lane.id) + 0.75, fill: COLOURS[5], fillOpacity: 0.35 }),
        Plot.ruleX([0]),
        ...Object.entries(MARKS).map(([name, { colour, shape, hollow, size }]) => Plot.dot(marks.filter((mark) => mark.mark === name), { x: "day", y: (mark) => mark.at + 0.5, symbol: shape, r: size ?? 4, fill: hollow ? "none" : colour, stroke: colour, strokeWidth: hollow ? 1.8 : 1.2 })),
        Plot.text(part, { frameAnchor: "left", textAnchor: "end", dx: -6, y: (lane) => at.get(lane.id) + 0.5, text: (lane) => (short ? lane.id.split("/").pop().slice(-8) : lane.id.split("/").pop().slice(-18)), fontSize: 10.5 }),
        Plot.tip(marks, Plot.pointer({ x: "day", y: (mark) => mark.at + 0.5, maxRadius: 20, title: (mark) => trackTitle([["patient", mark.patient_id], [mark.mark, `day ${number(mark.day)}`], ["treatment", mark.treatment]]) })),
      ],
    })));
    place.textContent = `Patients ${page * perPage + 1} to ${page * perPage + part.length} of ${lanes.length}`;
    back.disabled = page === 0;
    on.disabled = page >= pages - 1;
    current = page;
  };
  let current = 0;
  const back = make("button", { type: "button", class: "plain", onclick: () => show(current - 1) }, "Previous patients");
  const on = make("button", { type: "button", class: "plain", onclick: () => show(current + 1) }, "Next patients");
  show(0);
  const names = Object.keys(MARKS).filter((name) => context.rows.some((row) => row.mark === name));
  return [key(names.map((name) => ({ name, ...MARKS[name] }))), holder,
    make("div", { class: "pager" }, back, on, place)];
};
