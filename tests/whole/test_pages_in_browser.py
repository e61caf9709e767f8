"""The report and the catalogue in a browser without network: clicked through as a reader would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from whole.browser import Page, browser

from warehouse.database import open_published
from warehouse.project import Project
from warehouse.reference.make import make_catalogue
from warehouse.report.make import make_report

DESKTOP, PHONE = 1280, 390


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_report(built, tmp_path_factory.mktemp("pages") / "report.html")


@pytest.fixture(scope="module")
def catalogue(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_catalogue(built, tmp_path_factory.mktemp("pages") / "catalogue.html")


@pytest.fixture
def at_report(page: Page, report: Path) -> Iterator[Page]:
    page.errors.clear()
    page.open(report, width=DESKTOP)
    yield page
    assert page.errors == []


@pytest.fixture
def at_catalogue(page: Page, catalogue: Path) -> Iterator[Page]:
    page.errors.clear()
    page.open(catalogue, width=DESKTOP)
    yield page
    assert page.errors == []


def n_of(page: Page, figure: str) -> int:
    text = page.js(f"document.querySelector('#{figure} .n').textContent")
    return int(text.split()[2].replace(",", ""))


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_every_figure_is_drawn_and_nothing_sticks_out(page: Page, report: Path, width: int) -> None:
    page.errors.clear()
    page.open(report, width=width)
    states = page.js(
        "Object.fromEntries([...document.querySelectorAll('figure[data-chart]')]"
        ".map((f) => [f.id, f.dataset.state]))"
    )
    assert states
    assert {name for name, state in states.items() if state != "drawn"} == set()
    empty = page.js(
        "[...document.querySelectorAll('figure[data-chart]')].filter((f) => "
        "!f.querySelector('.chart :is(path, rect, circle, line, td, dd, li)')).map((f) => f.id)"
    )
    assert empty == []
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    assert page.errors == []


def test_pictures_have_names_and_controls_have_labels(at_report: Page) -> None:
    unnamed = at_report.js(
        "[...document.querySelectorAll('svg[role=img]')]"
        ".filter((s) => !s.getAttribute('aria-label')).length"
    )
    unlabelled = at_report.js(
        "[...document.querySelectorAll('select, input')]"
        ".filter((e) => !e.labels.length && !e.getAttribute('aria-label')).map((e) => e.name)"
    )
    assert (unnamed, unlabelled) == (0, [])


def test_patients_are_gone_through(at_report: Page, built: Project) -> None:
    browser_of = "document.querySelector('#patient-browser')"
    name = f"{browser_of}.querySelector('.patient-id').textContent"
    with open_published(built.published) as con:
        ids = [
            row[0]
            for row in con.execute("SELECT patient_id FROM mart.fig_patient ORDER BY 1").fetchall()
        ]
        ((sized,),) = con.execute(
            "SELECT count(DISTINCT lesion_id) FROM mart.fig_patient_scan "
            "WHERE patient_id = ? AND (volume_mm3 IS NOT NULL OR diameter_mm IS NOT NULL)",
            [ids[1]],
        ).fetchall()
    assert at_report.js(name) == ids[0]
    at_report.js(f"{browser_of}.querySelector('[name=next]').click()")
    assert at_report.js(name) == ids[1]
    assert at_report.js(f"{browser_of}.querySelectorAll('.panel').length") == sized
    at_report.choose("#patient-browser [name=search]", ids[-1].lower())
    assert at_report.js(name) == ids[-1]
    at_report.choose("#patient-browser [name=scale]", "diameter")
    assert at_report.js(f"{browser_of}.querySelectorAll('.panel svg').length") > 0
    at_report.choose("#patient-browser [name=search]", "nobody at all")
    assert "No patient" in at_report.js(f"{browser_of}.querySelector('.patient').textContent")


def test_a_bar_of_the_waterfall_opens_its_patient(at_report: Page) -> None:
    wanted = at_report.js(
        "(() => { const figure = figures.find((f) => f.id === 'waterfall'); "
        "const picture = figure.place.querySelector('.opens'); "
        "picture.value = figure.context.rows[3]; picture.dispatchEvent(new Event('click')); "
        "return figure.context.rows[3].patient_id; })()"
    )
    assert at_report.js("document.querySelector('.patient-id').textContent") == wanted


def test_filters_change_the_picture_and_its_n(at_report: Page, built: Project) -> None:
    with open_published(built.published) as con:
        study, wanted = con.execute(
            "SELECT study_id, count(*) FROM mart.fig_waterfall GROUP BY ALL ORDER BY ALL"
        ).fetchall()[-1]
    before = n_of(at_report, "waterfall")
    at_report.choose("#waterfall select", study)
    assert n_of(at_report, "waterfall") == wanted < before
    assert at_report.js("document.querySelector('#waterfall').dataset.state") == "drawn"


def test_a_choice_leaves_only_those_that_go_with_it(at_report: Page, built: Project) -> None:
    with open_published(built.published) as con:
        known = con.execute(
            "SELECT DISTINCT subset, grouping FROM mart.fig_survival_curve"
        ).fetchall()
    subset = sorted({subset for subset, _ in known if subset != "all"})[0]
    at_report.choose("#survival select[name=subset]", subset)
    offered = at_report.js(
        "[...document.querySelector('#survival select[name=grouping]').options].map((o) => o.value)"
    )
    assert sorted(offered) == sorted(grouping for of, grouping in known if of == subset)


def test_each_choice_of_every_figure_can_be_drawn(at_report: Page) -> None:
    failed = at_report.js(
        """(async () => {
          const failed = [];
          for (const figure of figures) for (let at = 0; at < figure.selects.length; at++) {
            const values = [...figure.selects[at].options].map((option) => option.value);
            for (const value of values) {
              figure.selects[at].value = value;
              figure.offer(at + 1);
              await figure.redraw();
              const text = figure.place.textContent;
              if (figure.element.dataset.state !== "drawn" || text.includes("No rows")) failed.push([figure.id, at, value]);
            }
          }
          return failed;
        })()"""  # noqa: E501
    )
    assert failed == []


def test_a_hazard_ratio_of_0_or_infinity_has_its_limit_and_an_arrow(at_report: Page) -> None:
    found = at_report.js(
        """(() => {
          const row = (label, hazard_ratio, ci_lower, ci_upper, is_separated) =>
            ({ label, hazard_ratio, ci_lower, ci_upper, is_separated, n_events: 3, n_lesions: 9 });
          const parts = CHARTS.intervals({ width: 900, title: "t", alt: "t", rows: [
            row("usual", 2, 1, 4, false), row("none", 0, 0, 3.5, true),
            row("all", null, 0.25, null, true), row("no limit", 0, null, null, true)],
            options: { label: "label", scale: "log", reference: 1, sort: "value", text: "hr",
              texttitle: "HR", axis: "Hazard ratio",
              series: [{ x: "hazard_ratio", lo: "ci_lower", hi: "ci_upper", name: "HR",
                         separated: "is_separated" }] } });
          const place = document.createElement("div");
          place.append(...parts.filter(Boolean));
          const texts = [...place.querySelectorAll("text")].map((text) => text.textContent);
          const turned = [...place.querySelectorAll("path")]
            .map((path) => path.getAttribute("transform") ?? "").filter((how) => how.includes("rotate"));
          return [texts, turned.length, place.textContent];
        })()"""  # noqa: E501
    )
    texts, arrows, everything = found
    rows = [text for text in texts if text.endswith("3 / 9")]
    assert rows == ["∞ (from 0.25)  3 / 9", "2.00 (1.00–4.00)  3 / 9", "0 (to 3.50)  3 / 9",
                    "0  3 / 9"]  # fmt: skip
    assert arrows == 3
    assert "it has the one limit" in everything
    assert {"0.5", "1", "2"} <= set(texts), "chosen ticks of a log axis are all labelled"


def test_rows_behind_a_picture_and_their_download(at_report: Page, built: Project) -> None:
    at_report.js("document.querySelector('#organ-lesions .behind').open = true")
    at_report.wait("document.querySelectorAll('#organ-lesions .behind tbody tr').length > 0")
    at_report.js(
        "window.saved = []; URL.createObjectURL = (blob) => { saved.push(blob); return '#'; }; "
        "document.querySelector('#organ-lesions .csv').click()"
    )
    at_report.wait("window.saved.length === 1")
    lines = at_report.js("saved[0].text()").strip().split("\r\n")
    with open_published(built.published) as con:
        ((rows, lesions),) = con.execute(
            "SELECT count(*), sum(n_lesions) FROM mart.fig_organ_lesions"
        ).fetchall()
    assert len(lines) == rows + 1
    column = lines[0].split(",").index("n_lesions")
    assert sum(int(line.split(",")[column]) for line in lines[1:]) == lesions


def test_the_keyboard_reaches_everything_in_order(at_report: Page) -> None:
    at_report.press("Tab")
    assert at_report.js("document.activeElement.className") == "skip"
    outline = at_report.js("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    seen = []
    for _ in range(14):
        at_report.press("Tab")
        seen.append(at_report.js("document.activeElement.textContent.slice(0, 20)"))
    assert seen[0] == "Cohort"
    assert "Print" in seen
    assert "Rows behind it" in seen


def test_a_figure_is_saved_as_a_picture_of_its_own(at_report: Page) -> None:
    saved = at_report.js(
        """(async () => {
          const figure = figures.find((one) => one.id === "waterfall");
          const picture = pictureOf(figure.place, figure.title);
          const png = new Uint8Array(await (await asPng(picture)).arrayBuffer());
          const wide = new DataView(png.buffer).getUint32(16);
          const bars = figure.place.querySelectorAll("svg rect").length;
          return {text: picture.text, width: picture.width, png: [...png.slice(1, 4)], wide, bars};
        })()"""
    )
    root = ElementTree.fromstring(saved["text"])
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert "Best change of the sum of diameters (waterfall)" in texts
    assert {"PR", "PD"} <= set(texts), "the key is in the picture"
    # One rectangle more than on the page: the white ground.
    assert len(list(root.iter(f"{space}rect"))) == saved["bars"] + 1
    assert "class" not in {name for element in root.iter() for name in element.attrib}
    assert bytes(saved["png"]) == b"PNG"
    assert saved["wide"] == 2 * saved["width"]


def test_names_are_words_with_their_units(at_report: Page) -> None:
    for name, words in {
        "target_volume_mm3": "volume of target lesions, mm3",
        "p_text": "p",
        "n_lesions": "number of lesions",
        "stable_days": "stable, days",
        "conditional_mode": "conditional mode",
        "MCRC01_x": "MCRC01_x",
    }.items():
        assert at_report.js(f"plain('{name}')") == words
    meanings = at_report.js(
        "[...document.querySelectorAll('#growth-parameters tbody tr')]"
        ".map((row) => row.cells[0].textContent)"
    )
    assert "typical lesion: growth rate" in meanings
    assert "spread between patients: resistant share" in meanings


def test_the_checks_are_folded_by_stage_and_opened_by_a_search(page: Page, built: Project) -> None:
    page.errors.clear()
    page.open(built.check_page, width=DESKTOP, until="document.readyState === 'complete'")
    assert page.js("document.querySelectorAll('#checks .stage[open]').length") == 0
    assert page.js("document.documentElement.scrollHeight") < 4000
    page.choose("[name=text]", "core.lesion")
    shown, found, total = page.js(
        """(() => {
          const rows = [...document.querySelectorAll("#checks tbody tr")];
          return [document.querySelectorAll("#checks .stage[open] tbody tr:not([hidden])").length,
            rows.filter((row) => row.textContent.includes("core.lesion")).length, rows.length];
        })()"""
    )
    assert 0 < shown == found < total / 10
    assert page.errors == []


def test_the_catalogue_is_searched_and_clicked_through(at_catalogue: Page) -> None:
    assert at_catalogue.js("document.querySelectorAll('.graph .node').length") > 150
    at_catalogue.choose("#search", "best_change_percent")
    found = at_catalogue.js(
        "[...document.querySelectorAll('#list li > a')].map((a) => a.textContent)"
    )
    assert "fig_waterfall" in found
    assert len(found) < 10
    at_catalogue.js(
        "[...document.querySelectorAll('#list li > a')]"
        ".find((a) => a.textContent === 'fig_waterfall').click()"
    )
    at_catalogue.wait("document.querySelector('main h2').textContent === 'mart.fig_waterfall'")
    at_catalogue.js(
        "[...document.querySelectorAll('main td, main th a')]"
        ".find((a) => a.textContent === 'best_change_percent').click()"
    )
    at_catalogue.wait("document.getElementById('column-lineage') !== null")
    nodes = at_catalogue.js(
        "[...document.querySelectorAll('section[aria-labelledby=column-lineage] .node')]"
        ".map((n) => n.dataset.id)"
    )
    assert sorted(nodes) == [
        "mart.fct_patient_outcome.best_change_percent",
        "mart.fig_waterfall.best_change_percent",
    ]
    at_catalogue.js(
        "document.querySelector('section[aria-labelledby=lineage] "
        ".node[data-id=\"mart.dim_patient\"]').dispatchEvent(new MouseEvent('click', "
        "{bubbles: true, cancelable: true}))"
    )
    at_catalogue.wait("document.querySelector('main h2').textContent === 'mart.dim_patient'")
    assert "SELECT" in at_catalogue.js("document.querySelector('main pre').textContent")


def test_the_catalogue_fits_a_phone(page: Page, catalogue: Path) -> None:
    page.errors.clear()
    page.open(catalogue, width=PHONE)
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    assert page.errors == []
