"""The report's HTML: one file with style, scripts and data inside, which loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from warehouse.report.encode import encode
from warehouse.report.gather import Rows
from warehouse.report.parts import Chapter, Figure, Section

_HERE = Path(__file__).parent
SCRIPTS = (
    "assets/data.js",
    "assets/marks.js",
    "assets/charts_general.js",
    "assets/charts_cohort.js",
    "assets/charts_estimates.js",
    "assets/charts_curves.js",
    "assets/patients.js",
    "assets/pictures.js",
    "assets/figures.js",
)


@dataclass(frozen=True)
class Facts:
    """What heads the report."""

    project: str
    run_id: str
    finished: str
    version: str
    rule_set: str


@cache
def asset(name: str) -> str:
    """Text of a file of this package."""
    return (_HERE / name).read_text(encoding="utf-8")


def libraries() -> str:
    """The vendored libraries as script elements, with their licences."""
    scripts = "".join(
        f"<script>{asset(f'vendor/{name}')}</script>\n" for name in ("d3.min.js", "plot.umd.min.js")
    )
    return f"<!--\n{asset('vendor/LICENSES.txt')}-->\n{scripts}"


def page(
    facts: Facts,
    sections: Sequence[Section],
    rows: Mapping[str, Rows],
    chapters: Sequence[Chapter] = (),
) -> str:
    """The report as HTML text.

    Args:
        facts: project, run and version.
        sections: the chapters in their order.
        rows: what ``gather`` found for them.
        chapters: what stands behind them, ready made.
    """
    title = f"{facts.project}: lesion report"
    body = "\n".join([*(_section(section, rows) for section in sections), *map(_chapter, chapters)])
    data = "\n".join(_data(found) for found in rows.values() if not found.missing)
    scripts = "\n".join(asset(name) for name in SCRIPTS)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{asset('assets/base.css')}{asset('assets/report.css')}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">To the content</a>\n'
        f"{_header(facts, (*sections, *chapters))}\n<main id='content'>\n{body}\n</main>\n"
        f"{_footer(facts)}\n{data}\n{libraries()}<script>\n{scripts}\n</script>\n</body>\n</html>\n"
    )


def _header(facts: Facts, sections: Sequence[Section | Chapter]) -> str:
    links = "".join(
        f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in sections
    )
    return (
        f"<header><h1>{escape(facts.project)}</h1><p>Lesion by lesion: growth, response and "
        f"progression. Warehouse of {escape(facts.finished)} UTC, run {escape(facts.run_id)}, "
        f"lesion-warehouse {escape(facts.version)}. Events by rule set "
        f"<code>{escape(facts.rule_set)}</code> unless stated otherwise.</p>"
        '<noscript><p class="left-out">The pictures need JavaScript, which is off in this '
        "browser. Each figure names its table in the warehouse.</p></noscript></header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul>'
        '<button type="button" id="print" class="plain">Print</button></nav>'
    )


def _footer(facts: Facts) -> str:
    return (
        "<footer><p>Numbers in the pictures and downloads carry six significant digits; the "
        "warehouse holds them in full. Every table named here has its columns described in the "
        "warehouse itself, and in the catalogue that <code>lesions docs</code> writes. An "
        "association of what was seen during follow-up with survival is no prediction from "
        "it.</p><p>Drawn with D3 and Observable Plot (ISC licence; the text is in this file's "
        "source).</p></footer>"
    )


def _section(section: Section, rows: Mapping[str, Rows]) -> str:
    figures = "\n".join(
        _left_out(rows[figure.name]) if rows[figure.name].missing else _figure(rows[figure.name])
        for figure in section.figures
    )
    return (
        f'<section aria-labelledby="{section.name}"><h2 id="{section.name}">'
        f"{escape(section.title)}</h2><p class='about'>{escape(section.about)}</p>\n"
        f"{figures}\n</section>"
    )


def _chapter(chapter: Chapter) -> str:
    parts = "\n".join(
        f"<details class='tables'><summary>{escape(heading)}</summary>\n{html}\n</details>"
        for heading, html in chapter.parts
    )
    left_out = f"<article class='left-out'><p>{escape(chapter.if_empty)}</p></article>"
    return (
        f'<section aria-labelledby="{chapter.name}"><h2 id="{chapter.name}">'
        f"{escape(chapter.title)}</h2><p class='about'>{escape(chapter.about)}</p>\n"
        f"{parts or left_out}\n</section>"
    )


def _left_out(found: Rows) -> str:
    figure = found.figure
    return (
        f'<article class="left-out" id="{figure.name}"><h3>{escape(figure.title)}</h3>'
        f"<p>Not drawn. {escape(found.missing)} (Table <code>{escape(figure.table)}</code>.)</p>"
        "</article>"
    )


def _figure(found: Rows) -> str:
    figure = found.figure
    numbers = ", ".join(f"{number:,} {escape(words)}" for words, number in found.counts)
    filters = "".join(_filter(figure, number) for number in range(len(figure.filters)))
    legend = f"<p class='legend'>{escape(figure.legend)}</p>" if figure.legend else ""
    return (
        f'<figure id="{figure.name}" data-chart="{figure.chart}" '
        f"data-config='{_json(_config(found))}'>"
        f"<h3>{escape(figure.title)}</h3>"
        f'<form class="filters" aria-label="Choices for {escape(figure.title)}">{filters}</form>'
        '<div class="chart" aria-busy="true"></div>'
        f"<figcaption>{legend}<p><b class='n'>n = {numbers}.</b> "
        f"<span class='method'>{escape(figure.method)}</span> "
        f"Table <code>{escape(figure.table)}</code>.</p></figcaption>"
        '<details class="behind"><summary>Rows behind it</summary>'
        '<div class="rows"></div></details>'
        f'<button type="button" class="csv plain" aria-label="Download CSV: '
        f'{escape(figure.title)}">Download CSV</button> '
        f'<button type="button" class="csv plain picture" data-kind="svg" aria-label="Save SVG: '
        f'{escape(figure.title)}">Save SVG</button> '
        f'<button type="button" class="csv plain picture" data-kind="png" aria-label="Save PNG: '
        f'{escape(figure.title)}">Save PNG</button></figure>'
    )


def _filter(figure: Figure, number: int) -> str:
    one = figure.filters[number]
    name = f"{figure.name}-filter-{number}"
    return (
        f'<label for="{name}">{escape(one.label)} '
        f'<select id="{name}" name="{escape(one.column)}"></select></label>'
    )


def _config(found: Rows) -> dict[str, object]:
    figure = found.figure
    return {
        "options": dict(figure.options),
        "filters": [
            {"column": one.column, "optional": one.is_optional, "chosen": value}
            for one, value in zip(figure.filters, found.chosen, strict=True)
        ],
        "counts": [
            {"words": c.words, "distinct": c.distinct, "total": c.total, "largest": c.largest,
             "each": c.each}
            for c in figure.counts
        ],
        "sources": list(figure.sources),
    }  # fmt: skip


def _json(value: object) -> str:
    """JSON for an attribute in single quotes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return escape(text, quote=False).replace("'", "&#39;")


def _data(found: Rows) -> str:
    """The figure's rows, each set in an element that the browser does not run."""
    name = found.figure.name
    tables = {"": found.table, **(found.sources or {})}
    return "".join(
        f'<script type="application/octet-stream" id="data-{name}{"-" + key if key else ""}">'
        f"{encode(table, found.comments or {})}</script>\n"
        for key, table in tables.items()
        if table is not None
    )
