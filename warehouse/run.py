"""A run: load the studies, build what is out of date beside the published file, check, swap."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb

from warehouse import checks as checking
from warehouse import meta, record
from warehouse.build import Builder, BuiltNode, doc_digests
from warehouse.catalogue import installed_graph
from warehouse.contents import content_folder
from warehouse.database import STORAGE_VERSION, open_work, qualified, quoted
from warehouse.display import Display, Stage
from warehouse.errors import LesionsError
from warehouse.fingerprints import Fingerprint, fingerprint_graph
from warehouse.gates import Gate, suite_digests
from warehouse.graph import Graph
from warehouse.loading import load_studies, read_state
from warehouse.memory import Memory
from warehouse.models import LAYERS
from warehouse.plan import Built, Plan, make_plan, read_built
from warehouse.project import Project, single_writer
from warehouse.settings import thread_count

CHECK_TABLE = "quality.check_result"


@dataclass(frozen=True)
class RunReport:
    """What a run did."""

    run_id: str
    built: tuple[BuiltNode, ...]
    checks: tuple[checking.CheckResult, ...]
    seconds: float
    stage_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_unchanged(self) -> bool:
        return not self.run_id


@dataclass(frozen=True)
class Planned:
    """A plan with all that it was made from."""

    graph: Graph
    plan: Plan
    wanted: Mapping[str, Fingerprint]
    built: Mapping[str, Built]
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
    memory = Memory(project.state / "definitions.json")
    is_whole = graph is None
    graph = graph or installed_graph(memory=memory)
    state = read_state(project.studies, project.raw)
    wanted = fingerprint_graph(graph, project.values, state.fingerprint, memory)
    if is_whole:
        memory.save()
    built = read_built(project.published)
    digests = (doc_digests(graph), suite_digests(content_folder("expectations")))
    plan = make_plan(graph, wanted, built, digests, selectors, force)
    return Planned(graph, plan, wanted, built, state.to_load, bool(state.folders))


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
    with single_writer(project):
        planned = plan_project(project, selectors, force, graph)
        if not planned.has_studies and any(
            n.kind == "source" for n in planned.graph.nodes.values()
        ):
            raise LesionsError(
                f"there is no study in {project.studies}: put a folder with its tables and a "
                "study.yml there, or simulate trials with 'lesions simulate'."
            )
        if planned.plan.is_empty and not planned.studies_to_load:
            return RunReport("", (), (), time.perf_counter() - started)
        if is_gated:
            checking.preload()
        run = _Run(project, display, datetime.now(UTC), tuple(selectors), force, is_gated)
        run.log("started", f"process {os.getpid()}")
        try:
            report = run.execute(planned)
        except BaseException as error:
            run.log("failed", f"{type(error).__name__}: {error}")
            if isinstance(error, OSError | duckdb.Error):
                raise LesionsError(
                    f"reading or writing in {project.root} failed: {error}. "
                    "The published warehouse is as it was."
                ) from error
            raise
        finally:
            remove_database(project.work)
        run.log("published", f"{len(report.built)} nodes")
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
        self.stage_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Stage]:
        """Shows a stage, notes its start in the log, and keeps its duration."""
        self.log("stage", title)
        started = time.perf_counter()
        with self.display.stage(title, total, unit) as stage:
            yield stage
        self.stage_seconds[title] = time.perf_counter() - started

    def execute(self, planned: Planned) -> RunReport:
        with self.stage("load", len(planned.studies_to_load), "studies") as stage:
            load_studies(self.project, planned.studies_to_load, self.started_at, stage.observe)
        planned = plan_project(self.project, self.selectors, self.force, planned.graph)
        if planned.plan.is_empty:
            return RunReport("", (), (), time.perf_counter() - self.clock)
        remove_database(self.project.work)
        spill = self.project.state / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        is_kept = bool(planned.built) and not set(planned.graph.nodes) <= planned.plan.chosen
        if is_kept:
            with self.stage("carry", len(planned.built), "tables"):
                shutil.copyfile(self.project.published, self.project.work)
        with open_work(
            self.project.work,
            threads=self.threads,
            memory_limit=self.project.values["run.memory_limit"],
            temp=spill,
        ) as connection:
            if is_kept:
                _drop(connection, planned)
            else:
                meta.create_schemas(connection)
            built, checks = self._fill(connection, planned)
            standing = checking.read_check_results(connection)
            connection.execute("CHECKPOINT")
            is_loose = _is_loose(connection)
        if is_loose:
            with self.stage("compact", 1, "file"):
                compact(self.project.work)
        shutil.rmtree(spill, ignore_errors=True)
        with self.stage("publish", 1, "file"):
            publish(self.project.work, self.project.published)
        title = f"Checks of {self.project.root.name}"
        checking.write_html(self.project.check_page, standing, title)
        return RunReport(
            self.run_id,
            tuple(built),
            tuple(checks),
            time.perf_counter() - self.clock,
            self.stage_seconds,
        )

    def _fill(
        self, connection: duckdb.DuckDBPyConnection, planned: Planned
    ) -> tuple[list[BuiltNode], list[checking.CheckResult]]:
        graph, plan = planned.graph, planned.plan
        connection.execute("DELETE FROM meta.setting")
        meta.write_settings(connection, self.project.values)
        for macro in graph.macros.values():
            connection.execute(macro.with_values(self.project.values))
        checking.write_check_results(connection, [])
        gate = Gate(
            project=self.project,
            suites=checking.load_suites(content_folder("expectations")),
            keys={doc.name: doc.key for doc in graph.table_docs.values()},
            run_id=self.run_id,
            run_at=self.started_at,
            display=self.display,
            stage=self.stage,
            left_out=tuple(name for name in plan.reasons if name not in plan.chosen),
        )
        built: list[BuiltNode] = []
        checks: list[checking.CheckResult] = []
        for layer in LAYERS:
            names = [n for n in graph.nodes if n in plan.chosen and graph.nodes[n].layer == layer]
            made = self._build_layer(connection, graph, layer, names) if names else []
            built += made
            if layer != "raw" and self.is_gated:
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
        graph: Graph,
        layer: str,
        names: Sequence[str],
    ) -> list[BuiltNode]:
        with self.stage(layer, len(names), "models built") as stage:
            builder = Builder(
                connection,
                graph,
                self.project.values,
                self.project.raw,
                self.threads,
                stage.observe,
                self.project.published,
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
        digests = (doc_digests(graph), suite_digests(content_folder("expectations")))
        remade = [table for node in built for table in node.rows]
        present = _tables(connection)
        record.write_models(
            connection, graph, planned.wanted, built, digests, self.run_id, now, present
        )
        record.write_notes(connection, built, self.run_id)
        record.write_lineage(connection, graph, remade)
        meta.write_comments(connection, meta.described_tables(graph), present)
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
    for table in planned.built:
        node = planned.graph.producer.get(table)
        if node is None or node in planned.plan.chosen:
            connection.execute(f"DROP {'VIEW' if table in views else 'TABLE'} {qualified(table)}")
            connection.execute(f"DELETE FROM {CHECK_TABLE} WHERE table_name = ?", [table])
    present = [name for (name,) in connection.execute(
        "SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro' "
        "AND NOT internal AND schema_name = 'main'"
    ).fetchall()]  # fmt: skip
    for name in set(present) - set(planned.graph.macros):
        connection.execute(f'DROP MACRO "{name}"')


def _is_loose(connection: duckdb.DuckDBPyConnection) -> bool:
    """True where more than a third of the file is blocks that tables dropped have left free."""
    size = connection.execute(
        "SELECT free_blocks, total_blocks FROM pragma_database_size()"
    ).fetchone()
    return size is not None and size[0] * 3 > size[1]


def compact(work: Path) -> None:
    """Writes a database anew without its free blocks, in the same place."""
    tight = work.with_name("compact.duckdb")
    remove_database(tight)
    with open_work(work, threads=1) as connection:
        name = connection.execute("SELECT current_database()").fetchall()[0][0]
        connection.execute(
            f"ATTACH {quoted(str(tight))} AS tight (STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        connection.execute(f'COPY FROM DATABASE "{name}" TO tight')
        connection.execute("DETACH tight")
    tight.replace(work)


def publish(work: Path, published: Path) -> None:
    """Puts a finished file in the published one's place: readers see the old or the new, whole."""
    with work.open("rb") as handle:
        os.fsync(handle.fileno())
    work.replace(published)
    folder = os.open(published.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_database(path: Path) -> None:
    """Removes a database file and its log, where they are there."""
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)
