"""Columns of a second file beside the records of a first, by key: ``join`` of an entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.spec import Join
from warehouse.sources.stage import RECORD, Stage, write_stage
from warehouse.sources.wording import did_you_mean, identifier, listed


@dataclass(frozen=True)
class JoinReport:
    """What a second file gave: rows_in = rows_matched + records without a partner."""

    source_file: str
    joined_file: str
    rows_in: int
    rows_matched: int
    keys_in_joined: int
    keys_unused: int


def join_stage(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    other: Stage,
    join: Join,
    *,
    source_file: str,
    place: str,
    out: Path,
) -> tuple[Stage, JoinReport]:
    """The stage with the columns that a join adds; blank where the second file has no such key.

    Args:
        connection: the load's database.
        stage: the entry's own file.
        other: the second file.
        join: which columns go together, and which come over.
        source_file: the entry's file, as the report names it.
        place: how to name the entry's file in a message.
        out: Parquet file to write.

    Raises:
        LesionsError: a column that is not there, a name that is taken, a key with two values in
            the second file, or no key in common.
    """
    second = str(Path(place).parent / join.file)
    for here, there in join.on:
        _check_column(here, stage, place)
        _check_column(there, other, second)
    for name, there in join.columns:
        _check_column(there, other, second)
        if name.casefold() in {column.casefold() for column in stage.columns}:
            raise LesionsError(
                f"{place}: 'join' would add a column {name!r}, which the file has already. Give "
                f"it another name there, as 'joined_{name}: {there}'."
            )
    if other.rejected:
        first = other.rejected[0]
        raise LesionsError(
            f"{second}, record {first.record}: {first.reason}. A file that another one is joined "
            f"with must be whole: {first.remedy}."
        )
    keys = [(_key(here, join.match), _key(there, join.match)) for here, there in join.on]
    theirs = ", ".join(f"{there} AS _key_{n}" for n, (_, there) in enumerate(keys))
    cells = ", ".join(f"{identifier(there)} AS {identifier(name)}" for name, there in join.columns)
    named = " AND ".join(f"_key_{n} IS NOT NULL" for n in range(len(keys)))
    values = (
        f"(SELECT DISTINCT * FROM (SELECT {theirs}, {cells} FROM {other.relation}) WHERE {named})"
    )
    _check_single(connection, values, join, len(keys), second)
    matched = " AND ".join(f"{here} = o._key_{n}" for n, (here, _) in enumerate(keys))
    own = ", ".join(f"s.{identifier(name)}" for name in (*stage.columns, RECORD))
    added = ", ".join(f"o.{identifier(name)}" for name, _ in join.columns)
    columns = (*stage.columns, *(name for name, _ in join.columns))
    counts = connection.execute(
        f"SELECT count(*), count(o._key_0), count(DISTINCT CASE WHEN o._key_0 IS NOT NULL THEN "
        f"({', '.join(f'o._key_{n}' for n in range(len(keys)))},) END), "
        f"(SELECT count(*) FROM {values}) "
        f"FROM {stage.relation} AS s LEFT JOIN {values} AS o ON {matched}"
    ).fetchall()[0]
    rows, found, used, known = (int(count) for count in counts)
    if rows and known and not found:
        raise LesionsError(_no_key(connection, stage, other, join, place, second))
    write_stage(
        connection,
        f"SELECT {own}, {added} FROM {stage.relation} AS s LEFT JOIN {values} AS o ON {matched} "
        f"ORDER BY s.{RECORD}",
        columns,
        out,
    )
    report = JoinReport(source_file, join.file, rows, found, known, known - used)
    return Stage(out, columns, stage.rows, stage.rejected), report


def _key(column: str, match: str) -> str:
    cell = f"nullif(trim({identifier(column)}), '')"
    return f"TRY_CAST({cell} AS DECIMAL(38, 3))" if match == "number" else cell


def _check_column(name: str, stage: Stage, place: str) -> None:
    if name not in stage.columns:
        raise LesionsError(
            f"{place}: the file has no column {name!r}, which 'join' names."
            f"{did_you_mean(name, stage.columns)} Columns in the file: {listed(stage.columns)}."
        )


def _check_single(
    connection: duckdb.DuckDBPyConnection, values: str, join: Join, n_keys: int, second: str
) -> None:
    """Each key has one row of values, or a record would become several."""
    keys = ", ".join(f"_key_{n}" for n in range(n_keys))
    twice = connection.execute(
        f"SELECT {keys}, count(*) FROM {values} GROUP BY {keys} HAVING count(*) > 1 "
        f"ORDER BY {keys} LIMIT 1"
    ).fetchall()
    if twice:
        *found, times = twice[0]
        shown = listed(f"{there}={value}" for (_, there), value in zip(join.on, found, strict=True))
        raise LesionsError(
            f"{second}: {shown} has {times} different rows for {listed(n for n, _ in join.columns)}"
            ", so it cannot be told which one counts. Name more columns under 'on:', or keep one "
            "row of each key."
        )


def _no_key(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    other: Stage,
    join: Join,
    place: str,
    second: str,
) -> str:
    examples = []
    for relation, place_in_pair in ((stage.relation, 0), (other.relation, 1)):
        columns = ", ".join(identifier(pair[place_in_pair]) for pair in join.on)
        row = connection.execute(
            f"SELECT {columns} FROM {relation} ORDER BY {RECORD} LIMIT 1"
        ).fetchall()
        examples.append(listed(repr(value) for value in row[0]))
    remedy = (
        "Look at which columns 'on:' names."
        if join.match == "number"
        else "Where both are the same number written in two ways ('010005', '10005.0'), add "
        "'match: number' to the join."
    )
    return (
        f"{place}: no record has a key of {second}: {examples[0]} here, {examples[1]} there. "
        f"{remedy}"
    )
