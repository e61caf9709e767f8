"""Suites read from files: what is accepted, and what each mistake is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from warehouse.checks import load_suites, tables_to_check
from warehouse.errors import LesionsError


def write(folder: Path, *expectations: dict[str, Any], name: str = "core.lesion") -> Path:
    content = {"name": name, "expectations": list(expectations)}
    path = folder / "core.lesion.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def entry(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity}


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
    write(tmp_path, {**given, "meta": {"id": "sizes", "remedy": "weigh again"}})
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
    write(tmp_path, {**given, "meta": {"id": "nadir"}})
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
        ({"type": "expect_column_values_to_be_unique", "kwargs": {}}, "'severity' is missing"),
        (entry("expect_rows_to_satisfy", condition="a = 1"), "needs a name"),
        (
            {**entry("expect_rows_to_satisfy", condition="a = = 1"), "meta": {"id": "x"}},
            "cannot be parsed as SQL: a = = 1",
        ),
        (
            {
                **entry("unexpected_rows_expectation", unexpected_rows_query="SELECT 1"),
                "meta": {"id": "x"},
            },
            "must name its table as {batch}",
        ),
        (
            {
                **entry(
                    "unexpected_rows_expectation",
                    unexpected_rows_query="SELECT {'a': 1} FROM {batch}",
                ),
                "meta": {"id": "x"},
            },
            "must be doubled",
        ),
        (["expect_column_values_to_be_unique"], "wanted an object"),
    ],
)
def test_a_mistake_names_the_file_and_the_remedy(
    tmp_path: Path, expectation: Any, told: str
) -> None:
    write(tmp_path, expectation)
    with pytest.raises(LesionsError) as raised:
        load_suites(tmp_path)
    assert str(raised.value).startswith("core.lesion.json: expectation 1")
    assert told in str(raised.value)


def test_two_checks_of_one_name_are_refused(tmp_path: Path) -> None:
    same = entry("expect_column_values_to_be_unique", column="organ")
    write(tmp_path, same, same)
    with pytest.raises(LesionsError, match="another check is named"):
        load_suites(tmp_path)


def test_a_name_that_is_not_the_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, name="core.leison")
    with pytest.raises(LesionsError, match=r"the file's name says 'core\.lesion'"):
        load_suites(tmp_path)


def test_broken_json_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "core.lesion.json").write_text('{"name": "core.lesion",\n', encoding="utf-8")
    with pytest.raises(LesionsError, match=r"core\.lesion\.json: is not JSON: .* line 2"):
        load_suites(tmp_path)


def test_an_unknown_column_or_table_is_refused_where_columns_are_known(tmp_path: Path) -> None:
    write(tmp_path, entry("expect_column_values_to_not_be_null", column="orgn"))
    with pytest.raises(LesionsError, match=r"names the column 'orgn'.*nearest is 'organ'"):
        load_suites(tmp_path, {"core.lesion": ["lesion_id", "organ"]})
    with pytest.raises(
        LesionsError, match=r"no table core\.lesion; the nearest is 'core\.lesions'"
    ):
        load_suites(tmp_path, {"core.lesions": ["organ"]})


def test_sql_may_be_a_list_of_lines(tmp_path: Path) -> None:
    lines = [
        "SELECT lesion_id FROM {batch} AS l",
        "WHERE l.organ NOT IN (SELECT organ FROM core.organ)",
    ]
    given = entry("unexpected_rows_expectation", unexpected_rows_query=lines)
    write(tmp_path, {**given, "meta": {"id": "organs"}})
    (check,) = load_suites(tmp_path)["core.lesion"].checks
    assert check.kwargs["unexpected_rows_query"] == "\n".join(lines)
    assert check.tables == {"core.organ"}


def test_tables_whose_suites_read_what_was_built_are_checked_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        entry("expect_values_to_exist_in", column="organ", table="core.organ"),
        entry("expect_column_values_to_not_be_null", column="organ"),
    )
    suites = load_suites(tmp_path)
    assert tables_to_check(["core.organ", "core.study"], suites) == [
        "core.organ",
        "core.study",
        "core.lesion",
    ]
    assert tables_to_check(["core.study"], suites) == ["core.study"]
