"""The seeds and models of events as files, run by hand on tables of a test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse.contents import table_file
from warehouse.models import SqlModel, read_macros, read_model, read_seeds
from warehouse.settings import BY_NAME

SQL = Path(__file__).resolve().parents[2] / "sql"

SEEDS = (
    "staging.rule_set",
    "staging.event_rule",
    "staging.event_day_rule",
    "staging.overall_response_rule",
    "staging.confirmed_response_rule",
    "staging.response_category",
    "staging.endpoint",
    "staging.endpoint_rule",
    "staging.endpoint_difference",
    "staging.irecist_rule",
    "staging.irecist_category",
)


def load_seeds(con: duckdb.DuckDBPyConnection) -> None:
    """Creates the macros, and the rule tables from their CSV files with the types beside them."""
    for macro in read_macros(SQL).values():
        con.execute(macro.sql)
    con.execute("CREATE SCHEMA IF NOT EXISTS staging")
    for seed in read_seeds(SQL):
        if seed.name in SEEDS:
            con.execute(
                f"CREATE TABLE {seed.name} AS SELECT * FROM "
                f"read_csv(?, header = true, columns = {dict(seed.types)})",
                [str(seed.path)],
            )


def _file(name: str) -> Path:
    path = table_file(SQL, name)
    assert path is not None, name
    return path


@cache
def model(name: str) -> SqlModel:
    """One model as the engine reads it: header, key, comments, parsed SELECT."""
    return read_model(_file(name), frozenset(BY_NAME), frozenset())


def run_model(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Creates one model's table from its file as it stands and checks its declared key."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
    text = _file(name).read_text(encoding="utf-8")
    con.execute(f"CREATE TABLE {name} AS {text}")
    key = ", ".join(model(name).doc.key)
    repeated = con.execute(f"SELECT {key} FROM {name} GROUP BY ALL HAVING count(*) > 1").fetchall()
    assert not repeated, f"{name}: key {key} is not unique: {repeated[:3]}"


def records(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
