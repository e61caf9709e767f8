"""What the report is declared with fits the tables, the charts and the page."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from warehouse.catalogue import installed_graph
from warehouse.errors import LesionsError
from warehouse.report.gather import gather
from warehouse.report.labels import with_settings
from warehouse.report.page import SCRIPTS, Facts, asset, page
from warehouse.report.parts import Count, Figure, Filter, Section
from warehouse.report.sections import SECTIONS
from warehouse.report.sections.own import own_section
from warehouse.settings import default_values

FIGURES = [figure for section in SECTIONS for figure in section.figures]


def section(*figures: Figure) -> tuple[Section, ...]:
    return (Section("test", "Test", "A test.", figures),)


def figure(**changes: object) -> Figure:
    given = {
        "name": "sizes", "title": "Sizes", "table": "mart.fig_size", "chart": "table",
        "method": "Counted.", "counts": (Count("patients", distinct="patient_id"),),
        "query": "SELECT * FROM mart.fig_size ORDER BY patient_id, day",
    }  # fmt: skip
    return Figure(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
def mart() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("CREATE SCHEMA mart")
    con.execute(
        "CREATE TABLE mart.fig_size AS SELECT * FROM (VALUES ('A', 0, 'x', 2), ('A', 5, 'x', 3), "
        "('B', 0, 'y', 9)) AS t(patient_id, day, arm, size)"
    )
    return con


def test_names_are_unique_and_every_chart_exists() -> None:
    names = [one.name for one in FIGURES] + [one.name for one in SECTIONS]
    assert len(names) == len(set(names))
    scripts = "\n".join(asset(name) for name in SCRIPTS)
    charts = set(re.findall(r"^CHARTS\.(\w+) =", scripts, re.MULTILINE))
    assert {one.chart for one in FIGURES} <= charts


def test_figures_read_figures_and_measures_of_the_mart_and_the_results_of_checks_only() -> None:
    tables = {table for one in FIGURES for table in one.needs if not table.startswith("mart.fig_")}
    assert tables == {"mart.metric", "mart.metric_value", "quality.check_result"}


def test_queries_name_no_table_that_is_not_declared() -> None:
    for one in FIGURES:
        for sql in (one.sql, *one.sources.values()):
            named = set(re.findall(r"\b(?:mart|quality|core|analysis|staging|raw|meta)\.\w+", sql))
            assert named <= set(one.needs), one.name


def test_queries_say_in_which_order_rows_come_where_their_table_exists() -> None:
    known = installed_graph().producer
    for one in FIGURES:
        if one.table in known:
            assert "ORDER BY" in one.sql, one.name


def test_a_figure_table_that_no_figure_shows_is_not_forgotten() -> None:
    shown = {table for one in FIGURES for table in one.needs}
    made = {name for name in installed_graph().producer if name.startswith("mart.fig_")}
    assert sorted(made - shown) == []


def test_counts_are_those_of_the_rows_shown_at_first(mart: duckdb.DuckDBPyConnection) -> None:
    counts = (
        Count("rows"),
        Count("patients", distinct="patient_id"),
        Count("in all", total="size"),
        Count("largest", largest="size"),
        Count("largest of each", each="patient_id", largest="size"),
    )
    (found,) = gather(mart, section(figure(counts=counts))).values()
    assert [number for _, number in found.counts] == [3, 2, 14, 9, 12]
    filtered = figure(counts=counts, filters=(Filter("arm", "Arm", "x"),))
    (found,) = gather(mart, section(filtered)).values()
    assert found.chosen == ("x",)
    assert [number for _, number in found.counts] == [2, 1, 5, 3, 3]


def test_a_filter_without_its_default_begins_with_the_first_value(
    mart: duckdb.DuckDBPyConnection,
) -> None:
    filters = (
        Filter("arm", "Arm", "z"),
        Filter("day", "Day"),
        Filter("size", "", is_optional=True),
    )
    (found,) = gather(mart, section(figure(filters=filters))).values()
    assert found.chosen == ("x", "0", "")


def test_a_missing_or_empty_table_leaves_the_figure_out_and_says_why(
    mart: duckdb.DuckDBPyConnection,
) -> None:
    mart.execute("CREATE TABLE mart.fig_none AS SELECT 1 AS patient_id WHERE false")
    declared = section(
        figure(),
        figure(name="gone", title="Gone & lost", table="mart.fig_gone", query=""),
        figure(name="none", table="mart.fig_none", query="", if_empty="Nobody came."),
    )
    rows = gather(mart, declared)
    html = page(Facts("p", "r", "now", "1", "recist_1_1"), declared, rows)
    assert html.count("<figure ") == 1
    assert "Gone &amp; lost" in html
    assert "This warehouse has no table mart.fig_gone" in html
    assert "Nobody came." in html


def test_a_table_with_other_columns_is_an_error_and_no_empty_picture(
    mart: duckdb.DuckDBPyConnection,
) -> None:
    broken = section(figure(query="SELECT volume FROM mart.fig_size"))
    with pytest.raises(LesionsError, match=r"figure sizes .*mart\.fig_size.*lesions run"):
        gather(mart, broken)


def test_words_of_the_data_cannot_break_the_page(mart: duckdb.DuckDBPyConnection) -> None:
    evil = "</script><script>alert(1)</script>'\""
    mart.execute("UPDATE mart.fig_size SET arm = ?", [evil])
    declared = section(figure(title=evil, filters=(Filter("arm", evil),)))
    html = page(Facts(evil, "r", "now", "1", "x"), declared, gather(mart, declared))
    assert "alert(1)</script>" not in html


def test_licences_of_the_libraries_are_in_the_page(mart: duckdb.DuckDBPyConnection) -> None:
    declared = section(figure())
    html = page(Facts("p", "r", "now", "1", "x"), declared, gather(mart, declared))
    assert "Permission to use, copy, modify, and/or distribute this software" in html
    assert "Copyright (c) 2013 Mikola Lysenko" in html
    folder = Path(__file__).resolve().parents[2] / "warehouse" / "report" / "vendor"
    named = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    assert all(file.name in named for file in folder.glob("*.js"))


def page_words(declared: tuple[Section, ...]) -> str:
    """Every word that the sections put on the page."""
    return " ".join(
        str(words)
        for one in declared
        for words in (
            one.about,
            *(v for f in one.figures for v in (f.title, f.method, f.legend, f.options, f.if_empty)),
        )
    )


def settings(**changes: object) -> dict[str, str]:
    given = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: str(value) for name, value in {**default_values(), **given}.items()}


def test_labels_are_those_of_the_settings() -> None:
    """Limits of growth, joint models, predictions, shares, ROC areas and standardised differences
    have no setting: 95 %."""
    words = page_words(
        with_settings(
            SECTIONS,
            settings(survival__confidence=0.8, hazards__confidence=0.9, hazards__method="aghq"),
        )
    )
    assert "Kaplan-Meier estimates with 80 % bands" in words
    assert "HR (80 % interval)" in words
    assert "(adaptive Gauss-Hermite quadrature), 90 % intervals" in words
    assert "HR (90 % interval), events / lesions" in words
    assert "Laplace" not in words
    assert not re.search(r"\{[a-z_.]+\}", words)
    fixed = {
        figure.name
        for part in with_settings(
            SECTIONS, settings(survival__confidence=0.8, hazards__confidence=0.8)
        )
        for figure in part.figures
        if "95 %" in page_words((Section("", "", "", (figure,)),))
    }
    fixed_parts = {"growth", "progression", "prediction", "characteristics", "joint", "dynamic"}
    assert {name.split("-")[0] for name in fixed} <= fixed_parts
    assert "progression-survival" not in fixed


def test_the_default_labels_say_what_is_done_by_default() -> None:
    words = page_words(with_settings(SECTIONS, settings()))
    assert "(Laplace approximation), 95 % intervals" in words


def test_a_setting_that_the_warehouse_does_not_have_is_an_error() -> None:
    with pytest.raises(LesionsError, match=r"survival\.confidence.*lesions run"):
        with_settings(SECTIONS, {"hazards.confidence": "0.95", "hazards.method": "laplace"})


def test_a_warehouse_of_a_version_without_own_tables_asks_for_a_run() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA meta")
        con.execute("CREATE TABLE meta.model (name VARCHAR)")
        with pytest.raises(LesionsError, match=r"another version: 'lesions run'"):
            own_section(con)
