"""Suites read from files: what is accepted, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.checks import load_suites, tables_to_check
from warehouse.errors import LesionsError


def write(folder: Path, *checks: Any) -> Path:
    """A suite of core.lesion."""
    path = folder / "core" / "lesion.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(list(checks), sort_keys=False), encoding="utf-8")
    return path


def entry(kind: str, severity: str | None = None, **kwargs: Any) -> dict[str, Any]:
    return {kind: kwargs} | ({} if severity is None else {"severity": severity})


def test_a_suite_is_keyed_by_its_table_and_names_its_checks(tmp_path: Path) -> None:
    write(tmp_path, entry("expect_column_values_to_not_be_null", column="organ"))
    suite = load_suites(tmp_path)["core.lesion"]
    (check,) = suite.checks
    assert (check.check_id, check.severity, check.columns) == (
        "column_values_to_not_be_null:organ",
        "critical",
        ("organ",),
    )
    assert check.description == "organ is never null"


def test_a_list_of_columns_is_one_check_per_column(tmp_path: Path) -> None:
    given = entry("expect_column_values_to_be_between", column=["a", "b"], min_value=0)
    write(tmp_path, {**given, "id": "sizes", "remedy": "weigh again"})
    checks = load_suites(tmp_path)["core.lesion"].checks
    assert [check.check_id for check in checks] == ["sizes:a", "sizes:b"]
    assert [check.kwargs["column"] for check in checks] == ["a", "b"]
    assert {check.remedy for check in checks} == {"weigh again"}


def test_columns_named_inside_a_condition_are_known(tmp_path: Path) -> None:
    given = entry(
        "expect_rows_to_satisfy",
        condition="nadir_mm <= baseline_mm AND EXISTS (SELECT 1 FROM core.organ WHERE x = 1)",
        where="has_response",
    )
    write(tmp_path, {**given, "id": "nadir"})
    (check,) = load_suites(tmp_path)["core.lesion"].checks
    assert set(check.columns) == {"nadir_mm", "baseline_mm", "has_response"}


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        (
            entry("expect_column_values_to_not_be_nul", column="organ"),
            "nearest is 'expect_column_values_to_not_be_null'",
        ),
        (
            entry("expect_column_values_to_be_between", column="organ", min_vlaue=0),
            "nearest is 'min_value'",
        ),
        (entry("expect_column_values_to_be_in_set", column="organ"), "'value_set' is missing"),
        (
            entry("expect_column_values_to_be_unique", "fatal", column="organ"),
            "severity is 'fatal'; wanted one of critical, warning, info",
        ),
        ({"expect_column_values_to_be_unique": {}}, "'column' is missing"),
        ({"id": "x"}, "names no kind; wanted one kind of check"),
        (
            entry("expect_column_values_to_be_unique", column="a")
            | entry("expect_column_values_to_not_be_null", column="a"),
            "wanted one kind of check, and beside it no more than id,",
        ),
        (
            {"expect_column_values_to_be_unique": {"column": "a"}, "sevrity": "info"},
            "'sevrity'; wanted one kind of check",
        ),
        (entry("expect_column_values_to_be_unique", column="a") | {"id": 7}, "id is 7; wanted a"),
        (entry("expect_rows_to_satisfy", condition="a = 1"), "needs a name"),
        (
            {**entry("expect_rows_to_satisfy", condition="a = = 1"), "id": "x"},
            "cannot be parsed as SQL: a = = 1",
        ),
        (
            {
                **entry("unexpected_rows_expectation", unexpected_rows_query="SELECT 1"),
                "id": "x",
            },
            "must name its table as {batch}",
        ),
        (
            {
                **entry(
                    "unexpected_rows_expectation",
                    unexpected_rows_query="SELECT {'a': 1} FROM {batch}",
                ),
                "id": "x",
            },
            "must be doubled",
        ),
        (["expect_column_values_to_be_unique"], "wanted 'kind: {arguments}'"),
    ],
)
def test_a_mistake_names_the_file_and_the_remedy(
    tmp_path: Path, expectation: Any, told: str
) -> None:
    write(tmp_path, expectation)
    with pytest.raises(LesionsError) as raised:
        load_suites(tmp_path)
    assert str(raised.value).startswith("expectations/core/lesion.yml: check 1")
    assert told in str(raised.value)


def test_two_checks_of_one_name_are_refused(tmp_path: Path) -> None:
    same = entry("expect_column_values_to_be_unique", column="organ")
    write(tmp_path, same, same)
    with pytest.raises(LesionsError, match="another check is named"):
        load_suites(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {a: 1\n- b\n", r"lesion\.yml: is not YAML: .*line 3"),
        ("checks: []\n", "wanted a list of checks"),
        (
            "- expect_column_values_to_be_unique: {column: a}\n"
            "  expect_column_values_to_be_unique: {column: b}\n",
            "a key is there twice",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(LesionsError, match=f"(?s){told}"):
        load_suites(tmp_path)


def test_words_and_days_in_a_set_stay_texts(tmp_path: Path) -> None:
    write(tmp_path).write_text(
        "- expect_column_values_to_be_in_set:\n"
        "    {column: a, value_set: [NO, Y, on, trueish, 2026-11-20, 1, 0.5, 1e-9, true]}\n",
        encoding="utf-8",
    )
    (check,) = load_suites(tmp_path)["core.lesion"].checks
    assert check.kwargs["value_set"] == [
        "NO",
        "Y",
        "on",
        "trueish",
        "2026-11-20",
        1,
        0.5,
        1e-9,
        True,
    ]


@pytest.mark.parametrize("name", ["core.lesion.json", "core/lesion.yaml", "lesion.yml"])
def test_a_file_that_would_not_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / name).write_text("[]", encoding="utf-8")
    with pytest.raises(LesionsError, match=r"is not read\. A suite is expectations/<schema>/"):
        load_suites(tmp_path)


def test_an_unknown_column_or_table_is_refused_where_columns_are_known(tmp_path: Path) -> None:
    write(tmp_path, entry("expect_column_values_to_not_be_null", column="orgn"))
    with pytest.raises(LesionsError, match=r"names the column 'orgn'.*nearest is 'organ'"):
        load_suites(tmp_path, {"core.lesion": ["lesion_id", "organ"]})
    with pytest.raises(
        LesionsError, match=r"no table core\.lesion; the nearest is 'core\.lesions'"
    ):
        load_suites(tmp_path, {"core.lesions": ["organ"]})


def test_sql_is_a_block_of_lines(tmp_path: Path) -> None:
    lines = [
        "SELECT l.lesion_id",
        "FROM {batch} AS l",
        "WHERE l.organ NOT IN (SELECT organ FROM core.organ)",
    ]
    block = "".join(f"      {line}\n" for line in lines)
    write(tmp_path).write_text(
        f"- unexpected_rows_expectation:\n    unexpected_rows_query: |\n{block}  id: organs\n",
        encoding="utf-8",
    )
    (check,) = load_suites(tmp_path)["core.lesion"].checks
    assert check.kwargs["unexpected_rows_query"] == "\n".join(lines)
    assert check.tables == {"core.organ"}


def test_tables_whose_suites_read_what_was_built_are_checked_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        entry("expect_values_to_exist_in", column="organ", table="core.organ"),
        entry("expect_column_values_to_not_be_null", column="organ"),
    )
    reads = {table: suite.tables for table, suite in load_suites(tmp_path).items()}
    assert tables_to_check(["core.organ", "core.study"], reads) == [
        "core.organ",
        "core.study",
        "core.lesion",
    ]
    assert tables_to_check(["core.study"], reads) == ["core.study"]
