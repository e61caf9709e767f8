/* What all charts share: colours that colour-blind readers tell apart (Okabe and Ito 2008), shapes,
   dashes, number formats, elements, and a plot of the page's width. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8f98", "#a07d3a"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 3", "12 4", "6 2 1 2"];
const SHAPES = ["circle", "square2", "triangle", "diamond2", "cross", "star", "wye", "times"];
const KNOWN_COLOURS = {
  CR: "#009E73", PR: "#56B4E9", SD: "#8a8f98", "NON-CR/NON-PD": "#8a8f98", PD: "#D55E00", NE: "#CC79A7",
  target: "#0072B2", "non-target": "#E69F00", new: "#D55E00",
  response: "#0072B2", progression: "#D55E00",
  "high-high": "#CC79A7", "high-low": "#009E73", "low-high": "#D55E00", "low-low": "#0072B2",
  holds: "#009E73", "critical failed": "#D55E00", "warning failed": "#E69F00", "info failed": "#56B4E9",
};
const SEQUENCE = ["#cfe3f2", "#7fb3d9", "#2f7fb8", "#0a3f66"];

const CHARTS = {};

function colourOf(name, position) {
  return KNOWN_COLOURS[name] ?? COLOURS[position % COLOURS.length];
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function unique(items) {
  return [...new Set(items)];
}

// Made once: a page writes some hundred thousand numbers into its tips, and a format costs far more than its use.
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function number(value, digits = 3) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  if (size >= 1e9 || (size !== 0 && size < 0.001)) return value.toExponential(2);
  const short = Number.isInteger(value) || size >= 1000 ? Math.round(value) : Number(value.toPrecision(digits));
  return Math.abs(short) >= 1000 ? WHOLE.format(short) : String(short);
}

function pvalue(value) {
  if (value === null || value === undefined) return "";
  return value < 0.0001 ? "< 0.0001" : value < 0.01 ? value.toFixed(4) : value.toFixed(2);
}

function shown(value) {
  if (value === null || value === undefined) return "";
  if (value === true) return "yes";
  if (value === false) return "no";
  return typeof value === "number" ? number(value, 4) : String(value);
}

const UNITS = { _kg_m2: "kg/m2", _m2: "m2", _mm3: "mm3", _mm: "mm", _per_day: "per day", _days: "days", _day: "day", _years: "years", _percent: "%" };
const WORDS = {
  p_text: "p", p_value: "p", p_adjusted: "p, corrected", ci_lower: "lower limit", ci_upper: "upper limit",
  kg: "growth rate kg", kd: "shrinkage rate kd", aic: "AIC", bic: "BIC", stability_ari: "stability (adjusted Rand index)", sd: "standard deviation",
  kg_per_day: "growth rate kg, per day", kd_per_day: "shrinkage rate kd, per day", f: "resistant share f",
  kras_status: "KRAS status", ecog: "ECOG performance status", ldh_ratio: "LDH over its upper limit",
  bmi_kg_m2: "body mass index, kg/m2", bsa_m2: "body surface area, m2", target_volume_mm3: "volume of target lesions, mm3",
  prior_surgery_ln: "lymph node metastases resected before", prior_surgery_liver: "liver metastases resected before",
  prior_surgery_lung: "lung metastases resected before",
};

/* A column's or a value's name in words, its unit behind a comma; what holds other digits is an id and stays. */
function plain(name) {
  if (WORDS[name]) return WORDS[name];
  const unit = Object.keys(UNITS).find((end) => name.endsWith(end) && name.length > end.length);
  const stem = unit ? name.slice(0, -unit.length) : name;
  if (/[0-9]/.test(stem)) return name;
  const words = stem.replace(/^n_(?=[a-z])/, "number of ").replaceAll("_", " ");
  return unit ? `${words}, ${UNITS[unit]}` : words;
}

/* A plot as wide as its place, named for those who cannot see it. */
function draw(context, options) {
  const inside = (options.width ?? context.width) - (options.marginLeft ?? 40) - (options.marginRight ?? 20);
  if ((options.x?.label?.length ?? 0) * 6 > inside) options = { ...options, x: { ...options.x, labelAnchor: "right" } };
  // A log scale leaves out labels of its own accord; ticks that were chosen are all labelled.
  for (const [name, mark] of [["x", "axisX"], ["y", "axisY"]]) {
    const { type, ticks, tickFormat, label, labelAnchor, labelArrow } = options[name] ?? {};
    if (type !== "log" || !Array.isArray(ticks) || !tickFormat) continue;
    options = { ...options, marks: [...options.marks, Plot[mark](ticks, { text: tickFormat, label, labelAnchor, labelArrow })] };
  }
  const made = Plot.plot({
    width: context.width,
    style: { fontSize: "12px", fontFamily: "inherit", overflow: "visible" },
    ...options,
  });
  const [picture, ...legends] = made.tagName.toLowerCase() === "svg" ? [made] : [...made.querySelectorAll(":scope > svg")].reverse();
  for (const legend of legends) legend.setAttribute("aria-hidden", "true");
  for (const part of picture.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", options.ariaLabel ?? context.alt);
  return made;
}

/* Names with their colour, dash or shape. */
function key(items) {
  const list = make("ul", { class: "key", "aria-label": "Key" });
  for (const { name, colour, dash, shape, hollow } of items) {
    const sample = shape
      ? `<path transform="translate(12 7)" d="${d3.symbol(symbolOf(shape), 60)()}" fill="${hollow ? "none" : colour}" stroke="${colour}" stroke-width="1.5"/>`
      : dash === undefined
        ? `<rect x="5" y="1" width="13" height="12" fill="${colour}"/>`
        : `<line x1="0" x2="24" y1="7" y2="7" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/>`;
    const item = make("li");
    item.innerHTML = `<svg width="24" height="14" aria-hidden="true">${sample}</svg>`;
    item.append(name);
    list.append(item);
  }
  return list;
}

function symbolOf(shape) {
  return { circle: d3.symbolCircle, square2: d3.symbolSquare2, triangle: d3.symbolTriangle, diamond2: d3.symbolDiamond2, cross: d3.symbolCross, star: d3.symbolStar, wye: d3.symbolWye, times: d3.symbolTimes, x: d3.symbolTimes, plus: d3.symbolCross }[shape] ?? d3.symbolCircle;
}

/* Labels at the left of a chart: room for them, broken over lines where they are long. */
function labelRoom(labels, width) {
  const texts = labels.map((label) => String(label).replaceAll("_", " "));
  const longest = Math.max(...texts.map((text) => text.length), 4);
  const fit = (share) => {
    const room = Math.min(longest * 6.9 + 17, Math.max(90, Math.min(width * share, 310)));
    const perLine = Math.max(8, Math.floor((room - 14) / 6.9));
    const lines = texts.map((text) => wrap(text, perLine));
    return { room, lines, most: Math.max(1, ...lines.map((line) => line.length)) };
  };
  const found = fit(0.36);
  return found.most > 2 ? fit(0.5) : found;
}

function wrap(text, perLine) {
  const lines = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && (line + " " + word).length > perLine) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

/* A table of rows, some at a time. */
function rowsTable({ rows, columns, names = {}, comments = {}, perPage = 25, caption, label }) {
  const holder = make("div", { class: "rows-table" });
  const numeric = new Set(columns.filter((name) => rows.some((row) => typeof row[name] === "number")));
  let page = 0;
  const pages = Math.max(1, Math.ceil(rows.length / perPage));
  const body = make("tbody");
  const place = make("output", { "aria-live": "polite" });
  const head = make("tr", {}, ...columns.map((name) =>
    make("th", { scope: "col", class: numeric.has(name) ? "number" : null, title: comments[name] }, names[name] ?? plain(name))));
  const table = make("table", {}, make("caption", { class: caption ? null : "hidden" }, caption ?? label), make("thead", {}, head), body);
  const show = (wanted) => {
    page = Math.min(pages - 1, Math.max(0, wanted));
    const part = rows.slice(page * perPage, (page + 1) * perPage);
    body.replaceChildren(...part.map((row) => make("tr", {}, ...columns.map((name) =>
      make("td", { class: numeric.has(name) ? "number" : null }, name.includes("p_value") ? pvalue(row[name]) : shown(row[name]))))));
    place.textContent = rows.length ? `Rows ${page * perPage + 1} to ${page * perPage + part.length} of ${rows.length.toLocaleString("en")}` : "No rows";
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
  };
  const back = make("button", { type: "button", class: "plain", onclick: () => show(page - 1) }, "Previous rows");
  const on = make("button", { type: "button", class: "plain", onclick: () => show(page + 1) }, "Next rows");
  holder.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label ?? caption }, table));
  if (pages > 1) holder.append(make("div", { class: "pager" }, back, on, place));
  show(0);
  return holder;
}
