/* The life of a figure: read its rows, offer its choices, draw when it comes near, give its data. */
class Figure {
  constructor(element) {
    this.element = element;
    this.id = element.id;
    this.title = element.querySelector("h3").textContent;
    this.config = JSON.parse(element.dataset.config);
    this.place = element.querySelector(".chart");
    this.selects = [...element.querySelectorAll(".filters select")];
    this.drawnWidth = 0;
    this.context = null;
    element.querySelector(".csv").addEventListener("click", () => this.save());
    for (const button of element.querySelectorAll(".picture")) {
      button.hidden = true;
      button.addEventListener("click", () => this.savePicture(button.dataset.kind));
    }
    element.querySelector(".behind").addEventListener("toggle", () => this.showRows());
    this.selects.forEach((select, at) => select.addEventListener("input", () => { this.offer(at + 1); this.redraw(); }));
    element.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  }

  start() {
    this.started ??= this.read().catch((error) => this.fail(error));
    return this.started;
  }

  async read() {
    this.frame = await readFrame(this.id);
    this.sources = {};
    for (const name of this.config.sources) this.sources[name] = await readFrame(`${this.id}-${name}`);
    this.comments = Object.fromEntries(this.frame.columns.map((column) => [column.name, column.comment]));
    this.offer(0);
    await this.redraw();
  }

  choices(before = this.selects.length) {
    return this.config.filters.slice(0, before).map((filter, at) => [filter.column, this.selects[at].value]).filter(([, value]) => value !== "");
  }

  /* Fills the selects from a position on, each with what the ones before it leave. */
  offer(from) {
    for (let at = from; at < this.selects.length; at++) {
      const filter = this.config.filters[at], select = this.selects[at];
      const wanted = select.options.length ? select.value : filter.chosen;
      const kept = this.frame.where(this.choices(at));
      const values = unique(kept.map((row) => this.frame.value(filter.column, row))).filter((value) => value !== null).map(String);
      const items = filter.optional ? ["", ...values] : values;
      select.replaceChildren(...items.map((value) => make("option", { value }, value === "" ? "all" : plain(value))));
      const fallback = items.includes(filter.chosen) ? filter.chosen : items[0] ?? "";
      select.value = items.includes(wanted) ? wanted : fallback;
    }
  }

  rows() {
    return this.frame.pick(this.frame.where(this.choices()));
  }

  async redraw() {
    try {
      const rows = this.rows();
      this.drawnWidth = chartWidth ||= this.place.clientWidth;
      this.context = {
        id: this.id, title: this.title, alt: `${this.title}. The rows behind it are below as a table.`,
        frame: this.frame, sources: this.sources, comments: this.comments, rows, choices: this.choices(),
        options: this.config.options, width: Math.max(240, this.drawnWidth),
      };
      const parts = rows.length ? CHARTS[this.element.dataset.chart](this.context) : [make("p", {}, "No rows for these choices.")];
      this.place.replaceChildren(...parts.filter(Boolean));
      this.place.removeAttribute("aria-busy");
      const isDrawn = this.place.querySelector("svg") !== null;
      for (const button of this.element.querySelectorAll(".picture")) button.hidden = !isDrawn;
      this.element.dataset.state = "drawn";
      this.count(rows);
      this.showRows();
    } catch (error) {
      this.fail(error);
    }
  }

  /* The numbers behind the picture, for the rows that it now shows. */
  count(rows) {
    const texts = this.config.counts.map(({ words, distinct, total, largest, each }) => {
      const n = distinct ? new Set(rows.map((row) => row[distinct]).filter((v) => v !== null)).size
        : total ? d3.sum(rows, (row) => row[total])
        : each ? d3.sum(d3.rollups(rows, (part) => d3.max(part, (row) => row[largest]), (row) => row[each]), ([, v]) => v)
        : largest ? d3.max(rows, (row) => row[largest]) ?? 0 : rows.length;
      return `${Math.round(n).toLocaleString("en")} ${words}`;
    });
    this.element.querySelector(".n").textContent = `n = ${texts.join(", ")}.`;
  }

  showRows() {
    const behind = this.element.querySelector(".behind");
    if (!behind.open || !this.context) return;
    const { rows, names } = this.data();
    behind.querySelector(".rows").replaceChildren(rowsTable({ rows, columns: names, comments: this.comments, caption: `Rows behind ${this.title}` }));
  }

  data() {
    return this.context?.download?.() ?? { rows: this.rows(), names: this.frame.names };
  }

  async save() {
    await this.start();
    const { rows, names } = this.data();
    download(`${this.id}.csv`, asCsv(rows, names));
  }

  async savePicture(kind) {
    await this.start();
    const picture = pictureOf(this.place, this.title);
    if (kind === "svg") return download(`${this.id}.svg`, `<?xml version="1.0" encoding="UTF-8"?>\n${picture.text}\n`, "image/svg+xml");
    return download(`${this.id}.png`, await asPng(picture), "image/png");
  }

  fail(error) {
    this.element.dataset.state = "failed";
    this.place.replaceChildren(make("p", { class: "left-out" }, `This figure could not be drawn: ${error.message}`));
    console.error(this.id, error);
  }
}

/* Of every figure's place, until the window is resized: to ask for it lays the whole page out. */
let chartWidth = 0;

const figures = [...document.querySelectorAll("figure[data-chart]")].map((element) => new Figure(element));

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    figures.find((figure) => figure.element === entry.target).start();
  }
}, { rootMargin: "300px" });
figures.forEach((figure) => near.observe(figure.element));

/* The rest is drawn while the reader reads, so that all is there for print and for find-in-page. */
const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));
const BUSY_MS = 50;
async function drawRest() {
  let since = performance.now();
  for (const figure of figures) {
    await figure.start();
    if (performance.now() - since < BUSY_MS) continue;
    await new Promise((done) => idle(done, { timeout: 100 }));
    since = performance.now();
  }
  document.documentElement.dataset.state = "drawn";
}
window.addEventListener("load", () => setTimeout(drawRest, 50));

let resizing = 0;
window.addEventListener("resize", () => {
  chartWidth = 0;
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    for (const figure of figures) if (figure.drawnWidth && Math.abs(figure.place.clientWidth - figure.drawnWidth) > 8) figure.redraw();
  }, 200);
});

document.getElementById("print").addEventListener("click", async () => {
  await Promise.all(figures.map((figure) => figure.start()));
  window.print();
});
