"""Builds nodes into the work database: several at a time, each on its own cursor."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot

from warehouse.database import qualified, quoted
from warehouse.engines.base import DuckEngine, Engine
from warehouse.errors import LesionsError
from warehouse.fingerprints import digest
from warehouse.graph import Graph, Node
from warehouse.models import ON_DEMAND, Seed, table_names
from warehouse.raw import raw_query
from warehouse.registry import Columns, Rows, Step, cpu_seconds_here

if TYPE_CHECKING:
    import pandas
    import pyarrow

NodeObserver = Callable[[str, str], None]
"""Called with a node's name and 'start', 'done', 'note: ...' or 'i/n' and what it is at."""


@dataclass(frozen=True)
class BuiltNode:
    """A node just built."""

    name: str
    rows: Mapping[str, int | None]
    """Rows of each of its tables; None of a view that is worked out when it is read."""
    seconds: float
    notes: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    """Of the thread that built it and of the threads that it started."""


@dataclass
class Builder:
    """Builds nodes of one graph into one database."""

    connection: duckdb.DuckDBPyConnection
    graph: Graph
    values: Mapping[str, Any]
    raw_folder: Path
    threads: int
    observe: NodeObserver = field(default=lambda name, event: None)
    published_file: Path | None = None
    """The warehouse as it was before this run, where there is one."""
    engine: Engine = field(default_factory=DuckEngine)
    cursors: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    """Cursors at work, to be interrupted when the run stops."""
    is_stopped: bool = False

    def build(self, names: Sequence[str]) -> list[BuiltNode]:
        """Builds the named nodes, parents first, independent ones side by side.

        Raises:
            LesionsError: a node could not be built; those under way are waited for.
        """
        chosen = set(names)
        waiting = {
            name: {p for p in self.graph.parents(name) if p in chosen}
            for name in self.graph.nodes
            if name in chosen
        }
        built: dict[str, BuiltNode] = {}
        running: dict[Future[BuiltNode], str] = {}
        has_steps = any(self.graph.nodes[name].step is not None for name in chosen)
        with (
            one_blas_thread() if has_steps else nullcontext(),
            ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="build") as pool,
        ):
            try:
                while waiting or running:
                    for name in [n for n, needs in waiting.items() if not needs - set(built)]:
                        del waiting[name]
                        running[pool.submit(self._build_one, self.graph.nodes[name])] = name
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        built[running.pop(future)] = future.result()
            except BaseException:
                self.is_stopped = True
                for future in running:
                    future.cancel()
                for cursor in tuple(self.cursors):
                    cursor.interrupt()
                self.engine.interrupt()
                raise
        return [built[name] for name in self.graph.nodes if name in built]

    def _build_one(self, node: Node) -> BuiltNode:
        self.observe(node.name, "start")
        started, spent = time.perf_counter(), cpu_seconds_here()
        notes: list[str] = []
        with self.connection.cursor() as cursor:
            self.cursors.append(cursor)
            try:
                if node.model is not None and node.model.is_view:
                    cursor.execute(f"CREATE VIEW {qualified(node.name)} AS {node.model.text}")
                elif node.model is not None:
                    self.engine.create(cursor, node.model)
                elif node.seed is not None:
                    self.engine.keep(cursor, node.name, _seed_query(node.seed))
                elif node.step is not None:
                    notes = self._run_step(cursor, node.step)
                else:
                    query = raw_query(cursor, self.raw_folder, node.name.split(".")[1])
                    self.engine.keep(cursor, node.name, query)
            except duckdb.Error as error:
                raise LesionsError(f"{node.name} could not be built: {error}") from error
            finally:
                self.cursors.remove(cursor)
            rows = {
                table.name: None if node.layer in ON_DEMAND else count_rows(cursor, table.name)
                for table in node.tables
            }
        self.observe(node.name, "done")
        return BuiltNode(
            node.name,
            rows,
            time.perf_counter() - started,
            tuple(notes),
            cpu_seconds_here() - spent,
        )

    def _observe_step(self, name: str, event: str) -> None:
        """Passes a step's event on; ends the step where the run has stopped."""
        if self.is_stopped:
            raise LesionsError(f"step {name}: stopped with the run.")
        self.observe(name, event)

    def _run_step(self, cursor: duckdb.DuckDBPyConnection, step: Step) -> list[str]:
        context = StepRun(cursor, step, self.values, self._observe_step, self.published_file)
        result = step.function(context)
        wanted = {table.name for table in step.writes}
        if set(result) != wanted:
            raise LesionsError(
                f"step {step.name}: gave {sorted(result)} where it declares {sorted(wanted)}."
            )
        for table in step.writes:
            cursor.register("step_result", result[table.name])
            given = cursor.table("step_result")
            found = dict(zip(given.columns, map(str, given.types), strict=True))
            if list(found.items()) != list(table.types.items()):
                raise LesionsError(
                    f"step {step.name}: {table.name} has the columns {_columns_text(found)}; "
                    f"declared are {_columns_text(table.types)}."
                )
            self.engine.keep(cursor, table.name, "SELECT * FROM step_result")
            cursor.unregister("step_result")
        return context.notes


def _columns_text(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Holds BLAS to one thread from before the first step to after the last one.

    A sum split over threads depends on their number in its last digits. Steps limit it for their
    fits, but what one computes beside that would have one thread or several, as another step
    happens to be in a fit or not.
    """
    import numpy  # noqa: F401  (each brings a BLAS of its own, which can be limited once loaded)
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


@dataclass
class StepRun:
    """What a running step is given (see ``registry.StepContext``)."""

    cursor: duckdb.DuckDBPyConnection
    declared: Step
    values: Mapping[str, Any]
    observe: NodeObserver
    published_file: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def seed(self) -> int:
        """The project's seed and the step's name, as one number."""
        return int(digest(f"{self.values['run.seed']}/{self.declared.name}"), 16) % 2**63

    def frame(self, sql: str) -> pandas.DataFrame:
        """Result of a query on the tables that the step reads."""
        self._check(sql)
        return self.cursor.sql(sql).df()

    def arrow(self, sql: str) -> pyarrow.Table:
        """The same as an Arrow table."""
        self._check(sql)
        return self.cursor.sql(sql).to_arrow_table()

    def _check(self, sql: str) -> None:
        expression = sqlglot.parse_one(sql, read="duckdb")
        undeclared = table_names(expression) - set(self.declared.reads)  # type: ignore[arg-type]
        if undeclared:
            raise LesionsError(
                f"step {self.declared.name}: reads {', '.join(sorted(undeclared))} undeclared."
            )

    def setting(self, name: str) -> Any:
        """Value of a declared setting."""
        if name not in self.declared.settings:
            raise LesionsError(f"step {self.declared.name}: uses the setting {name} undeclared.")
        return self.values[name]

    def table(self, name: str, given: Rows | Columns) -> pyarrow.Table:
        """One of the step's own tables from rows or columns."""
        from warehouse.result_tables import result_table  # brings NumPy and Arrow along

        own = {doc.name: doc for doc in self.declared.writes}
        if name not in own:
            raise LesionsError(f"step {self.declared.name}: {name} is none of its own tables.")
        return result_table(own[name], given)

    def published(self, table: str) -> pandas.DataFrame | None:
        """One of the step's own tables in the published warehouse; None where there is none."""
        if table not in {doc.name for doc in self.declared.writes}:
            raise LesionsError(f"step {self.declared.name}: {table} is none of its own tables.")
        if self.published_file is None or not self.published_file.exists():
            return None
        with duckdb.connect(str(self.published_file), read_only=True) as connection:
            try:
                return connection.sql(f"SELECT * FROM {qualified(table)}").df()
            except duckdb.CatalogException:
                return None

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Shows how far the step is; ends it where the run has stopped."""
        self.observe(self.declared.name, f"{done}/{total} {text}".rstrip())

    def note(self, text: str) -> None:
        """Says something that the user should know."""
        self.notes.append(text)
        self.observe(self.declared.name, f"note: {text}")


def _seed_query(seed: Seed) -> str:
    columns = ", ".join(
        f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in seed.types.items()
    )
    return (
        f"SELECT {columns} FROM read_csv("
        f"{quoted(str(seed.path))}, all_varchar = true, header = true, delim = ',', quote = '\"')"
    )


def count_rows(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
    """Number of rows of a table."""
    row = cursor.execute(f"SELECT count(*) FROM {qualified(table)}").fetchone()
    assert row is not None  # an aggregate without GROUP BY gives one row
    return int(row[0])


def doc_digests(graph: Graph) -> dict[str, str]:
    """Digest of each table's description, by table."""
    return {
        name: digest(json.dumps([doc.description, doc.grain, doc.key, dict(doc.columns)]))
        for name, doc in graph.table_docs.items()
    }
