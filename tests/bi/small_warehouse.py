"""A tiny published warehouse made by hand, whose every row says which state it is of."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

ODD_TEXTS = (
    "",
    " ",
    "a,b",
    'say "x"',
    "two\nlines",
    "\\N",
    "NULL",
    "back\\slash",
    "é",
    "it's",
    "\t",
)
"""Values that a careless copy turns into something else."""


def write_warehouse(path: Path, state: int, *, n_rows: int = 500, extra: bool = False) -> None:
    """Writes ``path`` beside itself and renames it, as a run publishes.

    Args:
        path: the published file.
        state: a number that every row of every mart carries.
        n_rows: rows of the fact.
        extra: the fact has one column more, and there is one mart more.
    """
    beside = path.with_name(f"beside-{os.getpid()}.duckdb")
    with duckdb.connect(str(beside), config={"storage_compatibility_version": "v1.5.0"}) as c:
        c.execute("CREATE SCHEMA meta; CREATE SCHEMA mart")
        c.execute(
            "CREATE TABLE meta.run AS SELECT $1 AS run_id, TIMESTAMP '2026-01-01 10:00:00' "
            "+ to_minutes($2) AS finished_at, '0.1.0' AS version",
            [f"run-{state}", state],
        )
        more = ", 1.5::DOUBLE AS extra" if extra else ""
        c.execute(f"CREATE TABLE mart.fct AS SELECT range AS id, {state} AS state{more} "
                  f"FROM range({n_rows})")  # fmt: skip
        c.execute("CREATE TABLE mart.dim (name VARCHAR, text VARCHAR, state INTEGER)")
        for number, text in enumerate((*ODD_TEXTS, None)):
            c.execute("INSERT INTO mart.dim VALUES (?, ?, ?)", [f"t{number:02}", text, state])
        c.execute(
            "CREATE TABLE mart.kinds AS SELECT 1 AS id, true AS b, 9007199254740993::BIGINT AS i, "
            "0.1::DOUBLE AS d, 12.30::DECIMAL(6,2) AS n, DATE '2020-02-29' AS day, "
            "TIMESTAMP '2020-02-29 01:02:03.456789' AS t, [1, 2] AS l, 'inf'::DOUBLE AS inf, "
            f"1::HUGEINT AS h, {state} AS state "
            f"UNION ALL SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, {state}"
        )
        c.execute("CREATE VIEW mart.total AS SELECT state, count(*) AS n FROM mart.fct GROUP BY 1")
        c.execute("COMMENT ON TABLE mart.fct IS 'One thing.'; COMMENT ON VIEW mart.total IS 'Sum.'")
        c.execute("COMMENT ON COLUMN mart.fct.state IS 'which state; it''s the same everywhere'")
        c.execute("COMMENT ON COLUMN mart.total.n IS 'rows'")
        models = [("fct", "id", n_rows), ("dim", "name", len(ODD_TEXTS) + 1), ("kinds", "id", 2),
                  ("total", "state", 1)]  # fmt: skip
        if extra:
            c.execute(f"CREATE TABLE mart.more AS SELECT 1 AS id, {state} AS state")
            models.append(("more", "id", 1))
        c.execute("CREATE TABLE meta.model (name VARCHAR, grain VARCHAR, key_columns VARCHAR, "
                  "rows BIGINT, run_id VARCHAR)")  # fmt: skip
        c.executemany(
            "INSERT INTO meta.model VALUES ('mart.' || ?, 'one row each', ?, ?, ?)",
            [[*model, f"run-{state}"] for model in models],
        )
    beside.replace(path)
