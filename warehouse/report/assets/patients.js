/* The patient browser: a list to choose from, and the chosen patient's lesions. */
let openPatient = () => {};

function spans(column, rows, owners) {
  const starts = new Int32Array(owners + 1);
  for (let row = 0; row < rows; row++) starts[column[row] + 1]++;
  for (let owner = 0; owner < owners; owner++) starts[owner + 1] += starts[owner];
  return starts;
}

CHARTS.patients = (context) => {
  const { frame, sources } = context;
  const { lesion, scan, curve } = sources;
  const lesionsOf = spans(lesion.byName.get("patient").values, lesion.rows, frame.rows);
  const scansOf = spans(scan.byName.get("lesion").values, scan.rows, lesion.rows);
  const curvesOf = spans(curve.byName.get("lesion").values, curve.rows, lesion.rows);
  const part = (table, starts, owner) => table.pick(d3.range(starts[owner], starts[owner + 1]));
  const patients = frame.all().map((row, at) => ({ ...row, at }));

  const control = (label, element) => make("label", {}, `${label} `, element);
  const options = (values, all) => [make("option", { value: "" }, all), ...values.map((value) => make("option", { value }, value))];
  const search = make("input", { type: "search", name: "search", placeholder: "part of an id" });
  const study = make("select", { name: "study" }, ...options(unique(patients.map((p) => p.study_id)), "all"));
  const treatment = make("select", { name: "treatment" }, ...options(unique(patients.map((p) => p.treatment)).filter((t) => t !== null).sort(), "all"));
  const response = make("select", { name: "response" }, ...options(RESPONSES.filter((r) => patients.some((p) => p.best_overall_response === r)), "all"));
  const order = make("select", { name: "order" }, ...[["patient_id", "id"], ["gower_distance", "most heterogeneous first"], ["n_lesions", "most lesions first"], ["best_change_percent", "best response first"]].map(([value, text]) => make("option", { value }, text)));
  const scale = make("select", { name: "scale" }, ...[["log", "volume, log"], ["linear", "volume"], ["diameter", "diameter"]].map(([value, text]) => make("option", { value }, text)));
  const list = make("select", { name: "patient", size: "9", "aria-label": "Patients" });
  const found = make("output", { "aria-live": "polite" });
  const view = make("div", { class: "patient", "aria-live": "polite" });
  let listed = patients, chosen = 0;

  const refill = () => {
    const text = search.value.trim().toLowerCase();
    listed = patients.filter((p) => (!text || p.patient_id.toLowerCase().includes(text)) && (!study.value || p.study_id === study.value) && (!treatment.value || p.treatment === treatment.value) && (!response.value || p.best_overall_response === response.value));
    if (order.value === "best_change_percent") listed.sort((a, b) => d3.ascending(a[order.value] ?? Infinity, b[order.value] ?? Infinity) || a.at - b.at);
    else if (order.value !== "patient_id") listed.sort((a, b) => d3.descending(a[order.value] ?? -1, b[order.value] ?? -1) || a.at - b.at);
    list.replaceChildren(...listed.map((p) => make("option", { value: p.at }, `${p.patient_id}  ${p.best_overall_response ?? ""}  ${p.n_lesions} lesions`)));
    found.textContent = `${listed.length.toLocaleString("en")} of ${patients.length.toLocaleString("en")} patients`;
    if (listed.length) choose(listed.some((p) => p.at === chosen) ? chosen : listed[0].at);
    else view.replaceChildren(make("p", {}, "No patient matches."));
  };
  const choose = (at) => {
    chosen = at;
    list.value = String(at);
    const lesions = part(lesion, lesionsOf, at).map((row, position) => ({ ...row, scans: part(scan, scansOf, lesionsOf[at] + position), curve: part(curve, curvesOf, lesionsOf[at] + position) }));
    view.replaceChildren(...patientView(context, patients[at], lesions, scale.value));
    context.download = () => patientRows(patients[at], lesions);
  };
  const step = (by) => {
    const at = listed.findIndex((p) => p.at === chosen) + by;
    if (listed[at]) choose(listed[at].at);
  };
  openPatient = (id) => {
    const patient = patients.find((p) => p.patient_id === id);
    if (!patient) return;
    search.value = study.value = treatment.value = response.value = "";
    chosen = patient.at;
    refill();
    document.getElementById(context.id).scrollIntoView({ behavior: "smooth" });
    list.focus({ preventScroll: true });
  };
  const form = make("form", { class: "browser", "aria-label": "Find a patient", onsubmit: (event) => event.preventDefault() },
    make("div", { class: "choices" }, control("Search", search), control("Study", study), control("Treatment", treatment), control("Best response", response), control("Order", order), control("Scale", scale)),
    make("div", { class: "list" }, list, make("div", { class: "pager" },
      make("button", { type: "button", class: "plain", name: "previous", onclick: () => step(-1) }, "Previous patient"),
      make("button", { type: "button", class: "plain", name: "next", onclick: () => step(1) }, "Next patient"), found)));
  for (const one of [search, study, treatment, response, order]) one.addEventListener("input", refill);
  list.addEventListener("input", () => choose(Number(list.value)));
  scale.addEventListener("input", () => choose(chosen));
  refill();
  return [form, view];
};

function patientView(context, patient, lesions, scale) {
  const facts = [
    ["Treatment", patient.treatment], ["Age, sex", [patient.age_years === null ? null : `${number(patient.age_years)} years`, patient.sex].filter(Boolean).join(", ")], ["KRAS", patient.kras_status],
    ["Best response", patient.best_overall_response], ["Best change", patient.best_change_percent === null ? null : `${number(patient.best_change_percent)} %`],
    ["Progression", patient.progression_day === null ? "none seen" : `day ${number(patient.progression_day)}`],
    ["Survival", patient.os_days === null ? null : `${number(patient.os_days)} days, ${patient.os_event ? "died" : "censored"}`],
    ["Lesions", `${patient.n_lesions}, ${patient.n_target_lesions} target, ${patient.n_new_lesions} new`], ["Gower distance", patient.gower_distance === null ? "none (one lesion, or no phases)" : number(patient.gower_distance)],
  ].filter(([, value]) => value);
  const list = make("dl", { class: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  const sized = lesions.filter((one) => one.scans.some((s) => s.volume_mm3 !== null || s.diameter_mm !== null));
  const judged = lesions.filter((one) => !sized.includes(one));
  const days = lesions.flatMap((one) => [...one.scans.map((s) => s.day), ...(one.curve.length ? [d3.max(one.curve, (c) => c.day)] : [])]);
  const x = { domain: [Math.min(0, d3.min(days) ?? 0), d3.max(days) ?? 1] };
  const wide = context.width;
  const columns = wide < 560 ? 1 : wide < 900 ? 2 : 3;
  const panels = make("div", { class: "panels", style: `--columns:${columns}` }, ...sized.map((one) => lesionPanel(context, one, x, wide / columns - 12, scale)));
  return [make("h4", { class: "patient-id" }, patient.patient_id), list, panels, judged.length ? statusStrip(context, judged, x) : null].filter(Boolean);
}

function lesionPanel(context, one, x, width, scale) {
  const isDiameter = scale === "diameter";
  const size = isDiameter ? "diameter_mm" : "volume_mm3";
  const points = one.scans.filter((s) => s[size] !== null).map((s) => ({ ...s, height: s[size], isHollow: s.is_below_limit || s.is_imputed }));
  const floor = isDiameter ? 0 : 30;
  const log = scale === "log";
  const height = (value) => (log ? Math.max(floor, value) : value);
  const events = [["R", one.response_day, KNOWN_COLOURS.response], ["P", one.progression_day, KNOWN_COLOURS.progression]].filter(([, day]) => day !== null);
  const rates = one.kd_per_day === null ? "" : `kd ${number(one.kd_per_day)}, kg ${number(one.kg_per_day)} per day, f ${number(one.f)}`;
  const name = `${one.lesion_label ?? ""} ${one.display_name ?? ""}, ${one.lesion_type}`;
  const curve = isDiameter ? [] : one.curve;
  return make("div", { class: "panel" }, make("h5", {}, name), make("p", {}, rates || "\u00a0"), draw({ ...context, width }, {
    height: 196, marginLeft: 56, marginBottom: 36, marginTop: 14, marginRight: 10,
    ariaLabel: `${name}: ${points.length} sizes${points.length ? `, from ${number(points[0].height)} to ${number(points[points.length - 1].height)} ${isDiameter ? "mm" : "mm3"}` : ""}`,
    x: { ...x, label: "days", labelAnchor: "center", labelArrow: "none", ticks: 5 },
    y: { type: log ? "log" : "linear", label: isDiameter ? "mm" : "mm3", grid: true, zero: !log, ticks: 4, tickFormat: log ? (d) => (/^1/.test(d.toExponential()) ? number(d) : "") : "~s" },
    marks: [
      curve.length ? Plot.areaY(curve, { x: "day", y1: (c) => height(c.volume_lower_mm3), y2: (c) => height(c.volume_upper_mm3), fill: COLOURS[0], fillOpacity: 0.2 }) : null,
      curve.length ? Plot.line(curve, { x: "day", y: (c) => height(c.volume_mm3), stroke: COLOURS[0], strokeWidth: 1.8 }) : null,
      Plot.ruleX(events, { x: ([, day]) => day, stroke: ([, , colour]) => colour, strokeDasharray: "3 3" }),
      Plot.text(events, { x: ([, day]) => day, frameAnchor: "top", dy: -10, text: ([letter]) => letter, fill: ([, , colour]) => colour, fontWeight: "bold" }),
      Plot.dot(points, { x: "day", y: (p) => height(p.height), r: 3.6, fill: (p) => (p.isHollow ? "var(--paper)" : "currentColor"), stroke: "currentColor", strokeWidth: 1.3, tip: true, title: (p) => trackTitle([["day", p.day], ["diameter", `${number(p.diameter_mm)} mm`], ["volume", `${number(p.volume_mm3)} mm3`], [p.isHollow ? "stands for" : "", p.is_imputed ? "too small to measure" : p.is_below_limit ? "below the limit of quantification" : ""]]) }),
    ],
  }));
}

const STATUS_SHAPES = { CR: "circle", PR: "triangle", SD: "square2", PD: "diamond2", NE: "times" };

function statusStrip(context, lesions, x) {
  const labels = lesions.map((one) => `${one.lesion_label ?? ""} ${one.display_name ?? ""}, ${one.lesion_type}`);
  const { room, lines, most } = labelRoom(labels, context.width);
  const points = lesions.flatMap((one, at) => one.scans.filter((s) => s.status !== null).map((s) => ({ ...s, at, name: labels[at] })));
  const step = Math.max(20, most * 14 + 2);
  const statuses = Object.keys(STATUS_SHAPES).filter((status) => points.some((p) => p.status === status));
  return make("div", {}, make("h5", {}, "Lesions judged in words"), key(statuses.map((name) => ({ name, colour: KNOWN_COLOURS[name], shape: STATUS_SHAPES[name] }))), draw(context, {
    height: lesions.length * step + 44, marginLeft: room, marginBottom: 38, marginTop: 6,
    ariaLabel: `Assessments of ${lesions.length} lesions over time`,
    x: { ...x, label: "days", labelAnchor: "center", labelArrow: "none", grid: true }, y: { domain: [lesions.length, 0], axis: null },
    marks: [
      ...statuses.map((status) => Plot.dot(points.filter((p) => p.status === status), { x: "day", y: (p) => p.at + 0.5, symbol: STATUS_SHAPES[status], r: 4.2, fill: status === "NE" ? "none" : KNOWN_COLOURS[status], stroke: KNOWN_COLOURS[status], strokeWidth: 1.5, tip: true, title: (p) => trackTitle([["lesion", p.name], ["day", p.day], ["status", p.status]]) })),
      ...trackLabels(lines, room),
    ],
  }));
}

function patientRows(patient, lesions) {
  const rows = lesions.flatMap((one) => {
    const base = { patient_id: patient.patient_id, lesion_label: one.lesion_label, lesion_type: one.lesion_type, organ: one.display_name };
    return [...one.scans.map((s) => ({ ...base, kind: "scan", ...s })), ...one.curve.map((c) => ({ ...base, kind: "fitted curve", ...c }))];
  });
  return { rows, names: ["patient_id", "lesion_label", "lesion_type", "organ", "kind", "day", "diameter_mm", "volume_mm3", "volume_lower_mm3", "volume_upper_mm3", "is_below_limit", "is_imputed", "status"] };
}
