"""Readers of a published file in processes of their own: run by other Pythons than the tests'.

Each loop opens the file, asks whether it is one whole state, and closes it, until a file named
``stop`` lies beside the results. Needs only the client it tries.

    python clients.py duckdb|sqlalchemy|held FILE RESULT STOP
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

WHOLE = """
SELECT
    (SELECT count(*) FROM meta.run),
    (SELECT n_tables FROM meta.run ORDER BY finished_at DESC LIMIT 1)
        = (SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database())
        + (SELECT count(*) FROM duckdb_views()
           WHERE NOT internal AND database_name = current_database()),
    (SELECT run_id FROM meta.run ORDER BY finished_at DESC LIMIT 1)
        = (SELECT run_id FROM meta.model WHERE name = 'mart.dim_organ'),
    (SELECT rows FROM meta.model WHERE name = 'mart.dim_lesion')
        = (SELECT count(*) FROM mart.dim_lesion),
    (SELECT sum(n_rows) FROM mart.metric_value WHERE metric = 'n_lesions' AND dimension = 'organ')
        = (SELECT count(*) FROM mart.metric_lesion),
    (SELECT count(tumor_volume_mm3(x)) FROM range(3) AS t (x)) = 3
"""
"""How many runs the state has seen; then facts that hold in every whole state."""


def by_duckdb(path):
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(WHOLE).fetchall()[0], duckdb.__version__


def by_sqlalchemy(path):
    import duckdb
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
    with engine.connect() as connection:
        row = connection.execute(sqlalchemy.text(WHOLE)).fetchall()[0]
    engine.dispose()
    return tuple(row), f"{duckdb.__version__} by SQLAlchemy {sqlalchemy.__version__}"


def main(kind, path, result, stop):
    import duckdb

    ask = by_sqlalchemy if kind == "sqlalchemy" else by_duckdb
    states, client, errors, n = {}, "", [], 0
    held = duckdb.connect(path, read_only=True) if kind == "held" else None
    first = held.execute(WHOLE).fetchall()[0] if held else None
    while not Path(stop).exists():
        time.sleep(0.05)
        try:
            if held:
                row, client = held.execute(WHOLE).fetchall()[0], duckdb.__version__
                if row != first:
                    errors.append(f"a file held open changed: {first} to {row}")
            else:
                row, client = ask(path)
            n += 1
            states[row[0]] = states.get(row[0], 0) + 1
            if not all(row[1:]):
                errors.append(f"a mixed state: {row}")
        except Exception as error:  # noqa: BLE001  (the reader reports what it met)
            errors.append(f"{type(error).__name__}: {error}")
    found = {"client": client, "n": n, "states": states, "errors": errors}
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
