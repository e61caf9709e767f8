"""Each kind of check on rows that pass and on rows that fail, and what the results say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from warehouse.checking.kinds import KINDS
from warehouse.checks import CheckResult, check_tables, gate, load_suites, write_check_results
from warehouse.errors import LesionsError

RUN_AT = datetime(2026, 11, 20, 12, 30)
KEYS = {"core.size": ("lesion_id", "day"), "core.lesion": ("lesion_id",)}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two lesions: 'a' measured on days 0 and 42, 'b' on day 0."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE SCHEMA core;
            CREATE TABLE core.lesion AS
                SELECT * FROM (VALUES ('a', 'liver'), ('b', 'lung')) AS t(lesion_id, organ);
            CREATE TABLE core.size (
                lesion_id VARCHAR, day INTEGER, long_mm DOUBLE, short_mm DOUBLE, sum_mm DOUBLE,
                kind VARCHAR, is_baseline BOOLEAN);
            INSERT INTO core.size VALUES
                ('a', 0, 20, 10, 30, 'measured', TRUE),
                ('a', 42, 15, 8, 23, 'measured', FALSE),
                ('b', 0, 12, NULL, NULL, 'derived', TRUE);
            """
        )
        yield connection


def run(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *expectations: dict[str, Any],
    table: str = "core.size",
) -> list[CheckResult]:
    """Results of the suite's own checks, without those that every table gets."""
    path = (folder / table.replace(".", "/")).with_suffix(".yml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(list(expectations), sort_keys=False), encoding="utf-8")
    results = check_tables(
        connection, [table], load_suites(folder), run_id="r1", run_at=RUN_AT, keys=KEYS
    )
    return results[-len(expectations) :]


def expect(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {kind: kwargs, "severity": severity, "id": "it"}


WRONG = "INSERT INTO core.size VALUES ('z', 84, -3, 30, 28, 'guessed', TRUE)"
FOUND = [{"lesion_id": "z", "day": 84}]


@pytest.mark.parametrize(
    ("check", "keys"),
    [
        (expect("expect_column_values_to_be_between", column="long_mm", min_value=0), FOUND),
        (
            expect(
                "expect_column_values_to_be_in_set",
                column="kind",
                value_set=["measured", "derived"],
            ),
            FOUND,
        ),
        (
            expect("expect_column_values_to_not_be_in_set", column="kind", value_set=["guessed"]),
            FOUND,
        ),
        (expect("expect_column_values_to_match_regex", column="kind", regex="ed$|^x"), None),
        (expect("expect_column_values_to_match_regex", column="kind", regex="^(m|d)"), FOUND),
        (
            expect(
                "expect_column_pair_values_a_to_be_greater_than_b",
                column_A="long_mm",
                column_B="short_mm",
                ignore_row_if="either_value_is_missing",
            ),
            FOUND,
        ),
        (expect("expect_rows_to_satisfy", condition="short_mm <= long_mm"), FOUND),
        (
            expect("expect_rows_to_satisfy", condition="short_mm <= long_mm", where="day < 50"),
            None,
        ),
        (
            expect("expect_column_to_equal", column="sum_mm", expression="long_mm + short_mm"),
            FOUND,
        ),
        (
            expect(
                "expect_column_to_equal",
                column="sum_mm",
                expression="long_mm + short_mm",
                relative_tolerance=0.1,
            ),
            None,
        ),
        (
            expect("expect_values_to_exist_in", column="lesion_id", table="core.lesion"),
            FOUND,
        ),
        (
            expect(
                "expect_groups_to_satisfy",
                by="lesion_id",
                condition="min(day) = 0 AND count(*) FILTER (is_baseline) = 1",
            ),
            [{"lesion_id": "z"}],
        ),
        (
            expect(
                "unexpected_rows_expectation",
                unexpected_rows_query="SELECT lesion_id, day, kind FROM {batch} "
                "WHERE regexp_matches(kind, '^g.{{2}}')",
            ),
            FOUND,
        ),
    ],
)
def test_a_check_of_rows_passes_then_names_the_row_that_breaks_it(
    warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    check: dict[str, Any],
    keys: list[dict[str, Any]] | None,
) -> None:
    (before,) = run(warehouse, tmp_path, check)
    assert (before.success, before.error, before.unexpected_count) == (True, None, 0)
    warehouse.execute(WRONG)
    (after,) = run(warehouse, tmp_path, check)
    assert after.error is None
    assert after.success == (keys is None)
    assert after.keys == (keys or [])
    assert after.element_count == 4


@pytest.mark.parametrize(
    ("check", "observed"),
    [
        (expect("expect_column_max_to_be_between", column="day", max_value=50), "84"),
        (expect("expect_column_min_to_be_between", column="long_mm", min_value=5), "-3"),
        (expect("expect_column_mean_to_be_between", column="long_mm", min_value=12), "11"),
        (expect("expect_column_median_to_be_between", column="day", max_value=20), "21"),
        (expect("expect_column_sum_to_be_between", column="long_mm", min_value=47), "44"),
        (
            expect("expect_column_unique_value_count_to_be_between", column="kind", max_value=2),
            "3",
        ),
        (expect("expect_table_row_count_to_be_between", max_value=3), "4"),
        (expect("expect_table_row_count_to_equal", value=3), "4"),
    ],
)
def test_a_check_of_an_aggregate_passes_then_tells_the_value(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, check: dict[str, Any], observed: str
) -> None:
    (before,) = run(warehouse, tmp_path, check)
    assert before.success
    warehouse.execute(WRONG)
    (after,) = run(warehouse, tmp_path, check)
    assert (after.success, after.error, after.observed) == (False, None, observed)


@pytest.mark.parametrize(
    ("check", "keys"),
    [
        (
            expect("expect_column_values_to_not_be_null", column="short_mm"),
            [{"lesion_id": "b", "day": 0}],
        ),
        (
            expect("expect_column_values_to_be_null", column="short_mm"),
            [{"lesion_id": "a", "day": 0}, {"lesion_id": "a", "day": 42}],
        ),
        (expect("expect_column_values_to_not_be_null", column="short_mm", mostly=0.6), [1]),
        (
            expect("expect_column_values_to_be_unique", column="lesion_id"),
            [{"lesion_id": "a", "day": 0}, {"lesion_id": "a", "day": 42}],
        ),
        (
            expect("expect_compound_columns_to_be_unique", column_list=["lesion_id", "kind"]),
            [{"lesion_id": "a", "day": 0}, {"lesion_id": "a", "day": 42}],
        ),
        (
            expect(
                "expect_column_pair_values_to_be_equal", column_A="long_mm", column_B="short_mm"
            ),
            None,
        ),
        (
            expect(
                "expect_column_distinct_values_to_equal_set", column="kind", value_set=["measured"]
            ),
            None,
        ),
        (
            expect(
                "expect_column_distinct_values_to_contain_set", column="kind", value_set=["guess"]
            ),
            None,
        ),
        (
            expect(
                "expect_column_proportion_of_non_null_values_to_be_between",
                column="short_mm",
                min_value=0.7,
            ),
            None,
        ),
    ],
)
def test_other_kinds_find_what_is_wrong_in_the_three_rows(
    warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    check: dict[str, Any],
    keys: list[Any] | None,
) -> None:
    (result,) = run(warehouse, tmp_path, check)
    assert result.error is None
    assert result.success == ("mostly" in next(iter(check.values())))
    if keys is not None and not result.success:
        assert result.keys == keys


def test_every_kind_is_known_to_great_expectations_or_is_one_of_sql() -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    for kind in KINDS.values():
        if not kind.is_sql:
            fields = set(get_expectation_impl(kind.name).__fields__)
            assert set(kind.arguments) <= fields, kind.name


def test_null_equals_only_null(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    check = expect("expect_column_to_equal", column="sum_mm", expression="long_mm + short_mm")
    warehouse.execute("UPDATE core.size SET sum_mm = 12 WHERE lesion_id = 'b'")
    (result,) = run(warehouse, tmp_path, check)
    assert result.keys == [{"lesion_id": "b", "day": 0}]
    assert result.observed == "sum_mm = 12, long_mm = 12, short_mm = None, expected = None"


def test_a_check_that_raises_is_a_failure_with_its_error(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    of_rows, of_a_column, good = run(
        warehouse,
        tmp_path,
        expect("expect_rows_to_satisfy", "warning", condition="kind::INTEGER > 1") | {"id": "a"},
        expect("expect_column_values_to_be_between", column="kind", min_value=0),
        expect("expect_table_row_count_to_equal", value=3) | {"id": "c"},
    )
    assert not of_rows.success
    assert "Could not convert string 'measured'" in str(of_rows.error)
    assert not of_a_column.success
    assert "Cannot compare values of type VARCHAR" in str(of_a_column.error)
    assert good.success
    with pytest.raises(LesionsError, match="it could not run: Binder Error"):
        gate([of_rows, of_a_column, good])


def test_only_a_critical_failure_closes_the_gate(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    def failing(severity: str) -> list[CheckResult]:
        check = expect("expect_rows_to_satisfy", severity, condition="day < 42")
        results = run(warehouse, tmp_path, check)
        assert [result.success for result in results] == [False]
        return results

    gate([])
    gate(failing("warning"))
    gate(failing("info"))
    with pytest.raises(
        LesionsError,
        match=r"^1 critical check failed\. core\.size, it: day < 42; 1 of 3 rows fails, "
        r"for example lesion_id = a, day = 42\.$",
    ):
        gate(failing("critical"))


def test_every_table_has_its_key_and_its_numbers_checked(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute(
        "INSERT INTO core.size VALUES ('a', 42, 'nan'::DOUBLE, 1, 1, 'measured', FALSE), "
        "('c', NULL, 1, 1, 'inf'::DOUBLE, 'measured', FALSE)"
    )
    results = {
        result.check_id: result
        for result in check_tables(warehouse, ["core.size"], {}, "r1", RUN_AT, keys=KEYS)
    }
    assert results["key_is_given"].keys == [{"lesion_id": "c", "day": None}]
    assert results["key_is_unique"].keys == [{"lesion_id": "a", "day": 42}]
    assert results["numbers_are_finite"].unexpected_count == 2
    assert all(result.is_critical_failure for result in results.values())


def test_a_table_that_is_absent_is_a_critical_failure(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (result,) = check_tables(warehouse, ["core.lesions"], {}, "r1", RUN_AT)
    assert result.is_critical_failure
    assert result.error == "there is no table core.lesions"


def test_a_column_that_the_table_has_not_names_the_file(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(LesionsError, match=r"core/size\.yml: check 'it' names the column 'dya'"):
        run(warehouse, tmp_path, expect("expect_column_values_to_be_unique", column="dya"))


def test_an_empty_table_passes_what_its_rows_must_satisfy(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("DELETE FROM core.size")
    results = run(
        warehouse,
        tmp_path,
        expect("expect_column_values_to_not_be_null", column="day") | {"id": "a"},
        expect("expect_column_to_equal", column="sum_mm", expression="1") | {"id": "b"},
        expect("expect_table_row_count_to_be_between", min_value=1),
    )
    assert [result.success for result in results] == [True, True, False]


def test_at_most_twenty_keys_are_kept_in_their_order(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute(
        "INSERT INTO core.size SELECT 'x', 1000 - i, 1, 1, 2, 'bad', FALSE FROM range(100) t(i)"
    )
    results = run(
        warehouse,
        tmp_path,
        expect("expect_column_values_to_not_be_in_set", column="kind", value_set=["bad"]),
        expect("expect_rows_to_satisfy", condition="kind <> 'bad'") | {"id": "sql"},
    )
    for result in results:
        assert result.unexpected_count == 100
        assert [key["day"] for key in result.keys] == list(range(901, 921))
    assert results[0].observed == "bad (100x)"


def test_decimals_hugeints_and_enums_are_looked_at_as_numbers_and_texts(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute(
        "CREATE TABLE core.odd AS SELECT 1.5 AS d, 3::HUGEINT AS h, 'a'::ENUM('a', 'b') AS e"
    )
    results = run(
        warehouse,
        tmp_path,
        expect("expect_column_values_to_be_between", column=["d", "h"], min_value=1.2, max_value=2),
        expect("expect_column_values_to_be_in_set", column="e", value_set=["b"]),
        table="core.odd",
    )
    assert [(r.check_id, r.error) for r in results] == [("it:h", None), ("it", None)]
    assert [r.success for r in results] == [False, False]


def test_results_replace_those_of_the_tables_checked_and_keep_the_others(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    check = expect("expect_rows_to_satisfy", condition="day < 42")
    both = check_tables(warehouse, ["core.size", "core.lesion"], {}, "r1", RUN_AT, keys=KEYS)
    write_check_results(warehouse.cursor(), both)
    again = run(warehouse, tmp_path, check)
    write_check_results(warehouse.cursor(), again)
    rows = warehouse.execute(
        "SELECT table_name, check_id, success, unexpected_count, unexpected_keys, run_at "
        "FROM quality.check_result ORDER BY ALL"
    ).fetchall()
    assert [row[:2] for row in rows] == [
        ("core.lesion", "key_is_given"),
        ("core.lesion", "key_is_unique"),
        ("core.size", "it"),
    ]
    assert rows[-1][2:] == (False, 1, '[{"lesion_id": "a", "day": 42}]', RUN_AT)
    comments = warehouse.execute(
        "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'check_result' "
        "AND comment IS NULL"
    ).fetchall()
    assert comments == [(0,)]


def test_progress_counts_the_tables(warehouse: duckdb.DuckDBPyConnection) -> None:
    seen: list[tuple[int, int]] = []
    check_tables(
        warehouse,
        ["core.size", "core.lesion"],
        {},
        "r1",
        RUN_AT,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(0, 2), (1, 2), (2, 2)]
