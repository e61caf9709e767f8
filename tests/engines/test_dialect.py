"""DuckDB's SQL as Spark's means the same."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from engines.dialect_cases import CASES, Case

from warehouse.catalogue import installed_graph
from warehouse.engines.dialect import to_spark
from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.settings import default_values

BY_DUCKDB = [pytest.param(case, id=case.name) for case in CASES]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return installed_graph()


@pytest.fixture(scope="module")
def macros(graph: Graph) -> dict[str, str]:
    return {name: macro.with_values(default_values()) for name, macro in graph.macros.items()}


@pytest.fixture(scope="module")
def by_duckdb(macros: dict[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in macros.values():
            connection.execute(statement)
        yield connection


@pytest.mark.parametrize("case", BY_DUCKDB)
def test_duckdb_answers_as_the_case_says(case: Case, by_duckdb: duckdb.DuckDBPyConnection) -> None:
    assert by_duckdb.execute(case.sql).fetchall() == case.rows


def test_every_model_has_a_form_in_spark(graph: Graph, macros: dict[str, str]) -> None:
    models = [node.model for node in graph.nodes.values() if node.model and node.layer != "adam"]
    written = [to_spark(model.text, macros) for model in models]
    assert len(written) > 200
    left = [name for name in macros if any(f"{name.upper()}(" in text for text in written)]
    assert not left, "macros that are not written out"


REFUSED = {
    "rows of no order": "SELECT row_number() OVER () FROM core.lesion",
    "the first match with a group": r"SELECT regexp_replace(x, '(a)b', '\1') FROM core.lesion",
    "another format of days": "SELECT try_strptime(x, ['%d.%m.%Y']) FROM core.lesion",
    "a format of printf's": "SELECT printf('%05d', 3)",
    "a union by name of which no column is named": "WITH u AS (SELECT * FROM core.a UNION ALL "
    "BY NAME SELECT * FROM core.b) SELECT * FROM u",
    "a walk through aggregates beside DISTINCT": "SELECT DISTINCT unnest([count(*)]) FROM core.a",
    "a format that is not known": "SELECT printf(x, 3) FROM core.lesion",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_known_to_mean_the_same_is_refused(sql: str) -> None:
    with pytest.raises(LesionsError, match="no form in Spark"):
        to_spark(sql, {})


def test_rows_of_raw_are_numbered_by_their_place() -> None:
    text = to_spark("SELECT row_number() OVER () AS tr_row FROM raw.tr", {})
    assert text == "SELECT _row AS tr_row FROM raw__tr AS tr"
