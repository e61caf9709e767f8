"""Every public table has its suite, and every suite fits the table that the models make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from warehouse.checks import Suite, load_suites
from warehouse.models import LAYERS, SETTING_TABLE, read_models, read_seeds
from warehouse.raw import RAW_TABLES
from warehouse.registry import TableDoc, installed_steps
from warehouse.settings import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
CHECKED_LAYERS = ("staging", "core", "analysis", "quality", "mart", "adam")
PUBLIC_TAGS = {"public", "figure", "dataset"}


@pytest.fixture(scope="module")
def docs() -> Mapping[str, TableDoc]:
    """What each table of the project is, by name: models, seeds and tables of Python steps."""
    made = [
        *(model.doc for model in read_models(ROOT / "sql", frozenset(BY_NAME))),
        *(seed.doc for seed in read_seeds(ROOT / "sql")),
        *(doc for step in installed_steps() for doc in step.writes),
    ]
    return {doc.name: doc for doc in made}


@pytest.fixture(scope="module")
def public(docs: Mapping[str, TableDoc]) -> set[str]:
    """The tables that are relied upon: those with the tag, and the seeds."""
    seeds = {seed.name for seed in read_seeds(ROOT / "sql")}
    return {
        name
        for name, doc in docs.items()
        if name.split(".")[0] in CHECKED_LAYERS and (PUBLIC_TAGS & set(doc.tags) or name in seeds)
    }


@pytest.fixture(scope="module")
def suites() -> dict[str, Suite]:
    return load_suites(ROOT / "expectations")


def test_every_suite_names_a_table_and_columns_that_exist(docs: Mapping[str, TableDoc]) -> None:
    load_suites(ROOT / "expectations", {name: tuple(doc.columns) for name, doc in docs.items()})


def test_every_public_table_has_a_suite(public: set[str], suites: dict[str, Suite]) -> None:
    assert sorted(public - set(suites)) == []


LOADED = {f"raw.{table}" for table in RAW_TABLES}
"""Tables that loading makes, before any model."""


def test_a_suite_reads_tables_that_exist_in_its_own_layer_or_before(
    docs: Mapping[str, TableDoc], suites: dict[str, Suite]
) -> None:
    for name, suite in suites.items():
        for table in suite.tables - {SETTING_TABLE} - LOADED:
            assert table in docs, f"{suite.path.name} reads {table}, which no model makes"
            assert LAYERS.index(table.split(".")[0]) <= LAYERS.index(name.split(".")[0]), (
                f"{suite.path.name} reads {table}, which is a later layer"
            )


def test_values_are_looked_for_under_columns_that_the_other_table_has(
    docs: Mapping[str, TableDoc], suites: dict[str, Suite]
) -> None:
    for suite in suites.values():
        for check in suite.checks:
            if "table" in check.kwargs:
                wanted = check.kwargs.get("table_column", check.kwargs["column"])
                for column in [wanted] if isinstance(wanted, str) else wanted:
                    other = check.kwargs["table"]
                    assert column in docs[other].columns, f"{suite.path.name}: {other}.{column}"


def test_settings_that_suites_read_exist(suites: dict[str, Suite]) -> None:
    for suite in suites.values():
        for check in suite.checks:
            text = " ".join(str(value) for value in check.kwargs.values())
            if SETTING_TABLE in text:
                assert any(f"'{name}'" in text for name in BY_NAME), check.check_id
                assert text.count(SETTING_TABLE) == sum(text.count(f"'{n}'") for n in BY_NAME)


def test_a_warning_says_what_to_do(suites: dict[str, Suite]) -> None:
    missing = [
        f"{suite.table} {check.check_id}"
        for suite in suites.values()
        for check in suite.checks
        if check.severity != "critical" and not check.remedy
    ]
    assert missing == []


FAR_ABOVE_ROUNDING = {
    "days_add_up": "days of a course, up to 1e4, are kept to 1e-12",
    "volume_from_diameter": "relative to the volume, and a single formula",
    "volume_from_axes": "the same",
    "sum_of_measurements": "mm of ten lesions at most, kept to 1e-12",
}
"""Conservation of what was measured, whose tolerance is a million times rounding."""
TOLERANCE = re.compile(r"\d[eE]-\d+")
LIMITS = re.compile(r"\b(ci|median|effect|shift|typical|fitted)_lower <= ")


def test_what_rounding_can_break_stops_no_publish(suites: dict[str, Suite]) -> None:
    """Numbers compared within a tolerance, and estimates between limits, warn."""
    found = [
        f"{suite.table} {check.check_id}"
        for suite in suites.values()
        for check in suite.checks
        if check.severity == "critical" and check.check_id not in FAR_ABOVE_ROUNDING
        for text in (str(check.kwargs.get("condition", check.kwargs.get("unexpected_rows_query"))),)
        if TOLERANCE.search(text)
        or LIMITS.search(text)
        or check.kwargs.get("relative_tolerance")
        or check.kwargs.get("absolute_tolerance")
    ]
    assert found == []


def test_what_may_fail_in_some_rows_is_a_warning(suites: dict[str, Suite]) -> None:
    for suite in suites.values():
        for check in suite.checks:
            if "mostly" in check.kwargs:
                assert check.severity == "warning", f"{suite.table} {check.check_id}"


def test_each_warning_has_a_dated_reason_for_stopping_nothing(suites: dict[str, Suite]) -> None:
    missing = [
        f"{suite.table} {check.check_id}"
        for suite in suites.values()
        for check in suite.checks
        if check.severity == "warning"
        and not re.match(r"20\d\d-\d\d-\d\d: .{20}", check.reason or "")
    ]
    assert missing == []


def test_keys_and_references_are_critical(suites: dict[str, Suite]) -> None:
    kinds = {"expect_values_to_exist_in", "expect_column_values_to_be_unique"}
    for suite in suites.values():
        for check in suite.checks:
            if check.kind in kinds:
                assert check.severity == "critical", f"{suite.table} {check.check_id}"
