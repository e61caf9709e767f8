"""Runs the SQL models on literal rows: given rows in raw tables, the rows of any model.

    with SqlKit() as kit:
        kit.study("s1")
        kit.add("tr", {"usubjid": "1", "trlnkid": "T01", "trtestcd": "LDIAM", "trorres": "12"})
        kit.build("core.measurement")
        assert kit.rows("core.measurement", "day, diameter_mm") == [(0, 12.0)]

Only what the wanted models need is built: macros, seeds and models in the order that their own
text gives, on the raw tables as the engine declares them. A model is not asked again as long as
the raw tables and settings that it goes back to are the same: most tests fill two or three of them.
"""

from __future__ import annotations

import ast
import itertools
import re
import time
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow

from warehouse.models import Seed, SqlModel, read_macros, read_models, read_seeds
from warehouse.raw import RAW_TABLES, build_raw_table
from warehouse.registry import installed_steps
from warehouse.settings import BY_NAME, default_values

SQL = Path(__file__).resolve().parents[1] / "sql"
INSERTED_AT_ONCE = 200
SCHEMAS = ("raw", "staging", "core", "analysis", "quality", "mart", "adam", "meta")


@cache
def _nodes() -> dict[str, SqlModel | Seed]:
    nodes: list[SqlModel | Seed] = [*read_seeds(SQL), *read_models(SQL, frozenset(BY_NAME))]
    return {node.name: node for node in nodes}


_MADE: dict[tuple[str, str, frozenset[str]], tuple[str, pyarrow.Table]] = {}
"""The columns and rows of each model that was built, by what it was made of."""
MAX_ROWS = 100
"""A table of more is built each time."""
UNKEPT = re.compile(r"\b(U?HUGEINT|ENUM|INTERVAL|TIME|BIT)\b")
"""Types that Arrow does not give back as they were."""


NUMBERS = itertools.count()


@cache
def server(threads: int) -> duckdb.DuckDBPyConnection:
    """The DuckDB of all kits of this process: to start one takes longer than most models."""
    return duckdb.connect(config={"threads": threads})


@cache
def _template(threads: int, values: str) -> str:
    """The name of a database with empty raw tables, settings of these values and every macro."""
    name = f"template_{next(NUMBERS)}"
    settings = dict(ast.literal_eval(values))
    with server(threads).cursor() as connection:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"USE {name}")
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA {schema}")
        for table, columns in RAW_TABLES.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'CREATE TABLE raw."{table}" ({listed})')
        connection.execute("CREATE TABLE meta.setting (name VARCHAR, value VARCHAR, type VARCHAR)")
        rows = [
            (
                setting,
                str(value).lower() if isinstance(value, bool) else str(value),
                type(value).__name__,
            )
            for setting, value in settings.items()
        ]
        connection.executemany("INSERT INTO meta.setting VALUES (?, ?, ?)", rows)
        for macro in read_macros(SQL).values():
            connection.execute(macro.with_values(settings))
    return name


@cache
def _seed_rows(path: Path) -> pyarrow.Table:
    """A seed as text."""
    options = "all_varchar = true, header = true, delim = ',', quote = '\"'"
    with duckdb.connect() as connection:
        return connection.sql(f"FROM read_csv('{path}', {options})").to_arrow_table()


def model_names(*layers: str) -> list[str]:
    """Every SQL model of the given layers."""
    return [
        name
        for name, node in _nodes().items()
        if isinstance(node, SqlModel) and name.split(".")[0] in layers
    ]


class SqlKit:
    """A DuckDB in memory with empty raw tables, the settings and every macro."""

    def __init__(self, settings: dict[str, Any] | None = None, threads: int = 1) -> None:
        values = {**default_values(), **(settings or {})}
        self._values = repr(sorted(values.items()))
        self._server = server(threads)
        self._catalog = f"kit_{next(NUMBERS)}"
        self._server.execute(f"ATTACH ':memory:' AS {self._catalog}")
        template = _template(threads, self._values)
        self._server.execute(f"COPY FROM DATABASE {template} TO {self._catalog}")
        self.connection = self._server.cursor()
        self.connection.execute(f"USE {self._catalog}")
        # A handful of rows: optimizing the plans takes longer than running them.
        self.connection.execute("PRAGMA disable_optimizer")
        self.seconds: dict[str, float] = {}
        self._study_id = "s1"
        self._row = 0

    def __enter__(self) -> SqlKit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()
        self._server.execute(f"DETACH {self._catalog}")

    def study(self, study_id: str = "s1", **values: Any) -> None:
        """A row of raw.study; rows added after it belong to this study."""
        row = {
            "study_id": study_id,
            "title": study_id,
            "layout": "sdtm",
            "day_convention": "sdtm",
            "patients": "known",
            **values,
        }
        self._insert("study", [row])
        self._study_id = study_id

    def take(self, raw_folder: Path) -> SqlKit:
        """Puts the loaded studies of a folder in the place of the raw tables."""
        self.connection.execute("PRAGMA enable_optimizer")
        for table in RAW_TABLES:
            build_raw_table(self.connection, raw_folder, table)
        return self

    def add(self, table: str, *rows: dict[str, Any], **common: Any) -> None:
        """Rows of a raw table; columns not given are NULL, file and row number are made up."""
        filled = []
        for row in rows:
            if "_study_id" in RAW_TABLES[table]:
                self._row += 1
                made_up = {
                    "_study_id": self._study_id,
                    "_source_file": f"{table}.csv",
                    "_source_row": self._row,
                }
            else:
                made_up = {"study_id": self._study_id}
            filled.append({**made_up, **common, **row})
        self._insert(table, filled)

    def subject(self, usubjid: str = "1", first_dose: str | None = "2020-01-01", **dm: Any) -> None:
        """A subject in DM whose first dose and reference start are the given date."""
        self.add("dm", {"usubjid": usubjid, "rfstdtc": first_dose, "rfxstdtc": first_dose, **dm})

    def lesion(
        self, label: str = "T01", kind: str = "TARGET", usubjid: str = "1", **tu: Any
    ) -> None:
        """A lesion in TU."""
        self.add(
            "tu",
            {"usubjid": usubjid, "tulnkid": label, "tutestcd": "TUMIDENT", "tuorres": kind, **tu},
        )

    def size(self, day: Any, value: Any, label: str = "T01", usubjid: str = "1", **tr: Any) -> None:
        """A longest diameter in mm in TR."""
        self.add(
            "tr",
            {
                "usubjid": usubjid,
                "trlnkid": label,
                "trtestcd": "LDIAM",
                "trorres": None if value is None else str(value),
                "trorresu": "mm",
                "trdy": None if day is None else str(day),
                **tr,
            },
        )

    def state(
        self, day: Any, word: str, label: str = "NT01", usubjid: str = "1", **tr: Any
    ) -> None:
        """A tumor state in TR."""
        self.add(
            "tr",
            {
                "usubjid": usubjid,
                "trlnkid": label,
                "trtestcd": "TUMSTATE",
                "trorres": word,
                "trdy": None if day is None else str(day),
                **tr,
            },
        )

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        listed = ", ".join(f'"{name}"' for name in names)
        marks = f"({', '.join('?' for _ in names)})"
        for start in range(0, len(rows), INSERTED_AT_ONCE):
            part = rows[start : start + INSERTED_AT_ONCE]
            self.connection.execute(
                f'INSERT INTO raw."{table}" ({listed}) VALUES {", ".join([marks] * len(part))}',
                [row.get(name) for row in part for name in names],
            )

    def build(self, *names: str) -> SqlKit:
        """Builds the named models and all that they need; what a Python step writes stays empty."""
        nodes = _nodes()
        written = {table.name: table for step in installed_steps() for table in step.writes}
        needs: dict[str, set[str]] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in needs or name.startswith("raw."):
                continue
            if name in written:
                nulls = ", ".join(
                    f'CAST(NULL AS {kind}) AS "{column}"'
                    for column, kind in written[name].types.items()
                )
                self.connection.execute(
                    f"CREATE OR REPLACE VIEW {name} AS SELECT {nulls} WHERE FALSE"
                )
                continue
            node = nodes[name]
            reads = node.reads if isinstance(node, SqlModel) else ()
            waiting.extend(reads)
            needs[name] = {read for read in reads if read in nodes}
        inputs = self._inputs()
        traces: dict[str, frozenset[str]] = {}
        for name in TopologicalSorter(needs).static_order():
            started = time.perf_counter()
            node = nodes[name]
            reads = node.reads if isinstance(node, SqlModel) else ()
            own = {f"{read} {inputs[read]}" for read in reads if read in inputs}
            if not set(reads) <= inputs.keys() | nodes.keys() | written.keys():
                own.add(f"{name} {next(NUMBERS)}")  # it reads what the test made: never the same
            traces[name] = frozenset(own).union(*(traces[read] for read in needs[name]))
            key = (name, self._values, traces[name])
            if key in _MADE:
                columns, rows = _MADE[key]
                self.connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
                if len(rows):
                    self.connection.execute(f"INSERT INTO {name} FROM rows")
            else:
                self._build_one(node)
                if isinstance(node, SqlModel):
                    self._keep(key)
            self.seconds[name] = time.perf_counter() - started
        return self

    def _inputs(self) -> dict[str, str]:
        """A digest of the rows of each raw table and of the settings."""
        tables = (*(f"raw.{table}" for table in RAW_TABLES), "meta.setting")
        rows = "SELECT '{0}', md5(string_agg(t::VARCHAR, chr(10))) FROM {0} AS t"
        return {
            table: str(found)
            for table, found in self.query(" UNION ALL ".join(map(rows.format, tables)))
        }

    def _keep(self, key: tuple[str, str, frozenset[str]]) -> None:
        name = key[0]
        columns = ", ".join(f'"{n}" {kind}' for n, kind, *_ in self.query(f"DESCRIBE {name}"))
        is_small = self.query(f"SELECT count(*) <= {MAX_ROWS} FROM {name}")[0][0]
        if is_small and not UNKEPT.search(columns):
            _MADE[key] = columns, self.connection.sql(f"FROM {name}").to_arrow_table()

    def build_one(self, name: str) -> SqlKit:
        """Builds one model or seed on the tables as they are."""
        self._build_one(_nodes()[name])
        return self

    def _build_one(self, node: SqlModel | Seed) -> None:
        if isinstance(node, SqlModel):
            query = node.text
        else:
            typed = ", ".join(
                f"CAST({name} AS {kind}) AS {name}" for name, kind in node.types.items()
            )
            seed_rows = _seed_rows(node.path)  # noqa: F841  (the query names it)
            query = f"SELECT {typed} FROM seed_rows"
        self.connection.execute(f"CREATE OR REPLACE TABLE {node.name} AS {query}")

    def rows(self, table: str, columns: str = "*", where: str = "TRUE") -> list[tuple[Any, ...]]:
        """Rows of a table, ordered by the asked columns."""
        return self.query(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.connection.execute(sql).fetchall()
