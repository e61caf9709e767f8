"""What Spark would work out many times is answered once, and the answer is the same."""

from __future__ import annotations

import duckdb
import pytest

from warehouse.engines.dialect import InParts, to_spark, to_spark_in_parts


def doubling(levels: int, start: str = "SELECT 1 AS x UNION ALL SELECT 2") -> str:
    """CTEs that each name the one before twice: 2 to the power of the levels of the first one."""
    ctes = [f"c0 AS ({start})"]
    ctes += [
        f"c{n} AS (SELECT a.x + b.x AS x FROM c{n - 1} AS a JOIN c{n - 1} AS b ON a.x = b.x)"
        for n in range(1, levels + 1)
    ]
    return f"WITH {', '.join(ctes)} SELECT c{levels}.x FROM c{levels} ORDER BY x"


def answered(query: InParts) -> list[tuple[int, ...]]:
    """The rows of the parts and the rest, by DuckDB, which reads these simple queries too."""
    with duckdb.connect() as connection:
        for name, text in query.parts:
            connection.execute(f"CREATE TABLE {name} AS {text}")
        return connection.execute(query.rest).fetchall()


@pytest.mark.parametrize("levels", [1, 3])
def test_a_query_that_is_worked_out_few_times_stays_whole(levels: int) -> None:
    query = to_spark_in_parts(doubling(levels), {}, "_p_")
    assert query == InParts((), to_spark(doubling(levels), {}))


def test_ctes_that_double_are_answered_in_parts() -> None:
    """Ten levels would scan the first CTE 1,024 times."""
    query = to_spark_in_parts(doubling(10), {}, "_p_")
    assert [name for name, _ in query.parts] == [f"_p_c{n}" for n in (1, 3, 5, 7, 9)]
    assert max(text.count("c0") for _, text in query.parts) <= 4
    assert answered(query) == [(1024,), (2048,)]


def test_a_recursive_cte_may_be_a_part() -> None:
    start = (
        "WITH RECURSIVE c0 AS (SELECT 1 AS x UNION ALL SELECT c0.x + 1 AS x FROM c0 WHERE x < 3), "
    )
    text = start + doubling(6).split("), ", 1)[1]
    query = to_spark_in_parts(text, {}, "_p_")
    assert len(query.parts) > 1
    assert answered(query) == [(64,), (128,), (192,)]


def test_a_table_named_as_a_cte_is_not_the_cte() -> None:
    text = doubling(6, "SELECT c1.x FROM core.c1 AS c1")
    query = to_spark_in_parts(text, {}, "_p_")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE core__c1 AS SELECT 5 AS x")
        for name, part in query.parts:
            connection.execute(f"CREATE TABLE {name} AS {part}")
        assert connection.execute(query.rest).fetchall() == [(320,)]
