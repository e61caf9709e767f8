"""A run: load the studies, build what is out of date beside the published file, check, swap."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb

from warehouse import checks as checking
from warehouse import meta, record
from warehouse.build import Builder, BuiltNode, doc_digests
from warehouse.database import (
    STORAGE_VERSION,
    fit_threads,
    ident,
    open_work,
    qualified,
    quoted,
)
from warehouse.display import Display, Stage
from warehouse.engines.base import Engine
from warehouse.engines.make import engine_of
from warehouse.engines.store import remove_unused_parquet
from warehouse.errors import CommandError, LesionsError, MachineError
from warehouse.fingerprints import Fingerprint, fingerprint_graph
from warehouse.gates import Gate
from warehouse.graph import Graph
from warehouse.leftovers import remove_leftovers
from warehouse.loading import load_studies, read_state
from warehouse.memory import Memory
from warehouse.meta import CHECK_TABLE
from warehouse.models import LAYERS, ON_DEMAND
from warehouse.own import ProjectSuites, project_graph, project_suite_digests
from warehouse.plan import Plan, Published, make_plan, read_published
from warehouse.project import Project, single_writer
from warehouse.published import (
    beside_target,
    drop_foreign,
    holder,
    is_as_left,
    note_as_left,
    publish,
    readable,
    set_log_aside,
    write_digests,
)
from warehouse.settings import thread_count
from warehouse.sources.loading import remove_unfinished


@dataclass(frozen=True)
class RunReport:
    """What a run did."""

    run_id: str
    built: tuple[BuiltNode, ...]
    checks: tuple[checking.CheckResult, ...]
    seconds: float
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    stage_cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    """Of the whole process while each stage ran."""

    @property
    def is_unchanged(self) -> bool:
        return not self.run_id


@dataclass(frozen=True)
class Planned:
    """A plan with all that it was made from."""

    graph: Graph
    plan: Plan
    wanted: Mapping[str, Fingerprint]
    published: Published
    source: Path | None
    """Where the published file can be read; None where there is nothing to carry on from it."""
    studies_to_load: Mapping[str, str]
    has_studies: bool


def plan_project(
    project: Project,
    selectors: Sequence[str] = (),
    force: bool = False,
    graph: Graph | None = None,
) -> Planned:
    """What a run would do now; reads source files' fingerprints, loads nothing.

    Raises:
        LesionsError: settings, studies, models or selectors that are wrong.
    """
    with readable(project.published, project.state, lambda text: None) as source:
        return _plan(project, source, selectors, force, graph)


def _plan(
    project: Project,
    source: Path | None,
    selectors: Sequence[str],
    force: bool,
    graph: Graph | None,
) -> Planned:
    """The plan from the published file as it can be read.

    Its tables are compared with their digests where the file is not the one that the last run left.
    """
    memory = Memory.of_project(project.state, "definitions.json")
    is_whole = graph is None
    graph = graph or project_graph(project, memory)
    state = read_state(project.studies, project.raw)
    wanted = fingerprint_graph(graph, project.values, state.fingerprint, memory)
    if is_whole:
        memory.save()
    is_trusted = source == project.published and is_as_left(project)
    published = read_published(source, is_compared=not is_trusted)
    if selectors and source is not None and not published.tables:
        # A selection alone would take the place of a whole warehouse.
        raise CommandError(
            f"{project.published} cannot be carried on: an older version published it, or its "
            "records are altered. Run 'lesions run' without a selection first: it builds "
            "everything anew."
        )
    digests = (doc_digests(graph), project_suite_digests(project))
    plan = make_plan(graph, wanted, published.tables, digests, selectors, force, published.altered)
    return Planned(graph, plan, wanted, published, source, state.to_load, bool(state.folders))


def _remove_leftovers(project: Project) -> None:
    """Removes what runs, loads and publishes that were killed have left; nobody else writes now."""
    remove_leftovers(project.state)
    remove_leftovers(project.root)
    remove_database(project.work)
    remove_database(_compacted(project.work))
    for copy in project.state.glob("published_copy.*"):
        copy.unlink(missing_ok=True)
    beside_target(project.published.resolve()).unlink(missing_ok=True)
    shutil.rmtree(project.state / "spill", ignore_errors=True)
    remove_unfinished(project.raw)


def _leave_readable(project: Project, source: Path | None, display: Display) -> None:
    """Leaves a file of which nothing is out of date such that it opens.

    Where another program holds it for writing, nobody else can: the copy that was read and compared
    takes its place.
    """
    if source is not None and source != project.published:
        shutil.copyfile(source, project.work)
        try:
            mode = project.values["run.published_mode"]
            publish(project.work, project.published, mode, display.say)
        finally:
            remove_database(project.work)
    note_as_left(project)


def run_project(
    project: Project,
    *,
    selectors: Sequence[str] = (),
    force: bool = False,
    display: Display | None = None,
    graph: Graph | None = None,
    is_gated: bool = True,
) -> RunReport:
    """Brings a project's warehouse up to date; the published file changes as a whole or not at all.

    Args:
        project: the project.
        selectors: what to build of what is out of date; everything where empty.
        force: build the selected models even where nothing changed.
        display: shows progress; nothing is shown where None.
        graph: the models; those of this installation where None.
        is_gated: False leaves the checks out, to measure the engine alone; no command does so.

    Raises:
        LesionsError: bad input, a model that failed, a critical check that failed, a full disk.
    """
    display = display or Display(quiet=True)
    started = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(single_writer(project))
        _remove_leftovers(project)
        remove_unused_parquet(project)
        if not holder(project.published):
            set_log_aside(project.published, project.state, display.say)
        source = stack.enter_context(readable(project.published, project.state, display.say))
        planned = _plan(project, source, selectors, force, graph)
        if not planned.has_studies and any(
            n.kind == "source" for n in planned.graph.nodes.values()
        ):
            raise LesionsError(
                f"there is no study in {project.studies}: put a folder with its tables and a "
                "study.yml there, or simulate trials with 'lesions simulate'."
            )
        if planned.plan.is_empty and not planned.studies_to_load:
            _leave_readable(project, source, display)
            return RunReport("", (), (), time.perf_counter() - started)
        if is_gated:
            checking.preload()
        run = _Run(project, display, datetime.now(UTC), tuple(selectors), force, is_gated)
        try:
            run.log("started", f"process {os.getpid()}")
            report = run.execute(planned)
            run.log("published", f"{len(report.built)} nodes")
        except BaseException as error:
            with suppress(OSError):  # a full disk, say, which the error tells of
                run.log("failed", f"{type(error).__name__}: {error}")
            if isinstance(error, OSError | duckdb.Error):
                left = "is the new one" if run.is_published else "is as it was"
                raise MachineError(
                    f"reading or writing in {project.root} failed: {error}. "
                    f"The published warehouse {left}."
                ) from error
            raise
        finally:
            remove_database(project.work)
        return report


@dataclass
class _Run:
    """One run's own state."""

    project: Project
    display: Display
    started_at: datetime
    selectors: tuple[str, ...]
    force: bool
    is_gated: bool

    def __post_init__(self) -> None:
        self.run_id = f"{self.started_at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self.threads = thread_count(self.project.values)
        self.clock = time.perf_counter()
        self.is_published = False
        self.stage_seconds: dict[str, float] = {}
        self.stage_cpu_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Stage]:
        """Shows a stage, notes its start in the log, and keeps its duration."""
        self.log("stage", title)
        started, spent = time.perf_counter(), time.process_time()
        with self.display.stage(title, total, unit) as stage:
            yield stage
        self.stage_seconds[title] = time.perf_counter() - started
        self.stage_cpu_seconds[title] = time.process_time() - spent

    def execute(self, planned: Planned) -> RunReport:
        with self.stage("load", len(planned.studies_to_load), "studies") as stage:
            load_studies(
                *(self.project, planned.studies_to_load, self.started_at),
                *(stage.observe, self.display.say),
            )
        if planned.studies_to_load:
            planned = _plan(self.project, planned.source, self.selectors, self.force, planned.graph)
        for table, what in planned.published.altered.items():
            self.display.say(f"{table} in the published file: {what}.")
        if planned.plan.is_empty:
            return RunReport("", (), (), time.perf_counter() - self.clock)
        remove_database(self.project.work)
        spill = self.project.state / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        tables = planned.published.tables
        is_kept = bool(tables) and not set(planned.graph.nodes) <= planned.plan.chosen
        if is_kept:
            assert planned.source is not None  # it has tables
            with self.stage("carry", len(tables), "tables"):
                shutil.copyfile(planned.source, self.project.work)
            if not planned.published.is_compared and not is_as_left(self.project):
                raise LesionsError(
                    f"{self.project.published} was changed while it was read. Nothing was "
                    "published. Run 'lesions run' again: it compares each table with its digest."
                )
        with open_work(
            self.project.work,
            threads=self.threads,
            memory_limit=self.project.values["run.memory_limit"],
            temp=spill,
        ) as connection:
            if is_kept:
                # A file of an older version may lack a layer.
                for layer in LAYERS:
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
                _drop(connection, planned)
            else:
                meta.create_schemas(connection)
            with engine_of(self.project, planned.graph, self.run_id) as engine:
                built, checks = self._fill(connection, planned, engine)
            standing = checking.read_check_results(connection)
            connection.execute("CHECKPOINT")
            is_loose = _is_loose(connection)
        if is_loose:
            with self.stage("compact", 1, "file"):
                compact(self.project.work)
        shutil.rmtree(spill, ignore_errors=True)
        with self.stage("publish", 1, "file"):
            mode = self.project.values["run.published_mode"]
            publish(self.project.work, self.project.published, mode, self.display.say)
        self.is_published = True
        note_as_left(self.project)
        remove_database(self.project.failed)
        title = f"Checks of {self.project.root.name}"
        checking.write_html(self.project.check_page, standing, title)
        return RunReport(
            self.run_id,
            tuple(built),
            tuple(checks),
            time.perf_counter() - self.clock,
            self.stage_seconds,
            self.stage_cpu_seconds,
        )

    def _fill(
        self, connection: duckdb.DuckDBPyConnection, planned: Planned, engine: Engine
    ) -> tuple[list[BuiltNode], list[checking.CheckResult]]:
        graph, plan = planned.graph, planned.plan
        connection.execute("DELETE FROM meta.setting")
        meta.write_settings(connection, self.project.values)
        for macro in graph.macros.values():
            connection.execute(macro.with_values(self.project.values))
        checking.write_check_results(connection, [])
        suites = ProjectSuites(self.project)
        memory = Memory.of_project(self.project.state, "suites.json")
        gate = Gate(
            project=self.project,
            suites=suites,
            reads=suites.tables_read(memory),
            keys={doc.name: doc.key for doc in graph.table_docs.values()},
            run_id=self.run_id,
            run_at=self.started_at,
            display=self.display,
            stage=self.stage,
            left_out=tuple(name for name in plan.reasons if name not in plan.chosen),
        )
        memory.save()
        built: list[BuiltNode] = []
        checks: list[checking.CheckResult] = []
        for layer in LAYERS:
            fit_threads(connection, self.threads)
            names = [n for n in graph.nodes if n in plan.chosen and graph.nodes[n].layer == layer]
            made = self._build_layer(connection, planned, engine, names) if names else []
            built += made
            if layer not in ("raw", *ON_DEMAND) and self.is_gated:
                tables = [table for node in made for table in node.rows]
                changed = [table for table in plan.rechecked if table.startswith(f"{layer}.")]
                due = gate.due(tables, changed, _tables(connection))
                checks += gate.check(connection, layer, due) if due else []
        with self.stage("describe", len(graph.table_docs), "tables"):
            self._record(connection, planned, built, checks)
        return built, checks

    def _build_layer(
        self,
        connection: duckdb.DuckDBPyConnection,
        planned: Planned,
        engine: Engine,
        names: Sequence[str],
    ) -> list[BuiltNode]:
        layer = planned.graph.nodes[names[0]].layer
        with self.stage(layer, len(names), "models built") as stage:
            builder = Builder(
                connection,
                planned.graph,
                self.project.values,
                self.project.raw,
                self.threads,
                stage.observe,
                # What another program altered is no place to start from.
                None if planned.published.altered else planned.source,
                engine,
            )
            made = builder.build(names)
        for node in made:
            for note in node.notes:
                self.display.say(f"                {node.name}: {note}")
        return made

    def _record(
        self,
        connection: duckdb.DuckDBPyConnection,
        planned: Planned,
        built: Sequence[BuiltNode],
        checks: Sequence[checking.CheckResult],
    ) -> None:
        """Writes what this run did into the tables of meta, and the comments."""
        graph = planned.graph
        now = datetime.now(UTC)
        digests = (doc_digests(graph), project_suite_digests(self.project))
        remade = [table for node in built for table in node.rows]
        present = _tables(connection)
        record.write_models(
            connection, graph, planned.wanted, built, digests, self.run_id, now, present
        )
        record.write_notes(connection, built, self.run_id)
        memory = Memory.of_project(self.project.state, "lineage.json")
        record.write_lineage(connection, graph, remade, memory)
        # Of what is out of date and not selected, the description of today may not be true.
        left = [
            graph.nodes[name] for name in planned.plan.reasons if name not in planned.plan.chosen
        ]
        stale = {table.name for node in left for table in node.tables}
        meta.write_comments(connection, meta.described_tables(graph), present - stale)
        row = (
            self.run_id,
            self.started_at.replace(tzinfo=None),
            now.replace(tzinfo=None),
            (now - self.started_at).total_seconds(),
            version("lesion-warehouse"),
            duckdb.__version__,
            self.threads,
            self.project.values["run.seed"],
            " ".join(self.selectors),
            len(built),
            len(present),
            len(checks),
            sum(not check.success for check in checks),
        )
        meta.insert(connection, "meta.run", [row])
        own = [doc.name for doc in meta.META_DOCS]
        write_digests(connection, {*remade, *own, CHECK_TABLE}, present)

    def log(self, status: str, text: str) -> None:
        """Adds a line to the project's log of runs."""
        line = {"run_id": self.run_id, "at": datetime.now(UTC).isoformat(), "status": status}
        with self.project.log.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({**line, "text": text.splitlines()[0] if text else ""}) + "\n")


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table and view, ``schema.table``."""
    rows = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()")
    return {row[0] for row in rows.fetchall()} | meta.view_names(connection)


def _drop(connection: duckdb.DuckDBPyConnection, planned: Planned) -> None:
    """Drops from a copy of the published file what this run makes anew, and what is gone."""
    views = meta.view_names(connection)
    for table in sorted(_tables(connection) & {*planned.published.tables, *planned.plan.removed}):
        node = planned.graph.producer.get(table)
        if node is None or node in planned.plan.chosen:
            kind = "VIEW" if table in views else "TABLE"
            connection.execute(f"DROP {kind} IF EXISTS {qualified(table)}")
            connection.execute(f"DELETE FROM {CHECK_TABLE} WHERE table_name = ?", [table])
    drop_foreign(connection, planned.graph.macros)


def _is_loose(connection: duckdb.DuckDBPyConnection) -> bool:
    """True where more than a third of the file is blocks that tables dropped have left free."""
    size = connection.execute(
        "SELECT free_blocks, total_blocks FROM pragma_database_size()"
    ).fetchone()
    return size is not None and size[0] * 3 > size[1]


def compact(work: Path) -> None:
    """Writes a database anew without its free blocks, in the same place."""
    tight = _compacted(work)
    remove_database(tight)
    with open_work(work, threads=1) as connection:
        name = connection.execute("SELECT current_database()").fetchall()[0][0]
        connection.execute(
            f"ATTACH {quoted(str(tight))} AS tight (STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        connection.execute(f"COPY FROM DATABASE {ident(name)} TO tight")
        connection.execute("DETACH tight")
    tight.replace(work)


def _compacted(work: Path) -> Path:
    return work.with_name("compact.duckdb")


def remove_database(path: Path) -> None:
    """Removes a database file and its log, where they are there."""
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)
