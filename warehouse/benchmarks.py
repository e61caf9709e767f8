"""Measures the engine on this machine, with a peer in the same run.

``lesions benchmarks`` prints the seconds of each part of the main job on simulated trials of
published size, and the time to rebuild ten trivial models beside dbt's for the same ten.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

import duckdb

from warehouse.display import Display, console, table
from warehouse.errors import LesionsError
from warehouse.leftovers import replacing
from warehouse.project import Project, create_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

_T = TypeVar("_T")
SQL_STAGES = ("raw", "staging", "core", "analysis", "quality", "mart")
BENCHMARK_GROUP = "lesion_warehouse.benchmarks"
TRIVIAL_MODELS = 10
DBT_INSTALL = (
    "python -m venv dbt && dbt/bin/pip install 'dbt-core<1.12' dbt-duckdb, then --dbt dbt/bin/dbt"
)


@dataclass(frozen=True)
class Measure:
    """One line of the result."""

    what: str
    seconds: float | None
    """None where it could not be measured; the note says why."""
    note: str = ""


def run_benchmarks(*, scale: int, seed: int, dbt: Path | None, output: Path | None) -> None:
    """Runs all measurements in a temporary folder and prints them.

    Args:
        scale: simulated trials are this many times the published size.
        seed: seed of the simulation.
        dbt: the dbt executable to compare with; where None, one on the PATH, if any.
        output: JSON file for the figures.
    """
    display = Display()
    with tempfile.TemporaryDirectory(prefix="lesions-") as scratch:
        measures = [
            *_engine_overhead(Path(scratch), dbt or _on_path("dbt"), display),
            *_main_job(Path(scratch) / "trials", scale, seed, display),
        ]
    _show(measures, seed, output)


def run_part(part: str, *, scale: int, seed: int, output: Path | None) -> None:
    """Runs the measurements of one part, which an installed package offers, and prints them.

    Args:
        part: name in the entry point group ``lesion_warehouse.benchmarks``; it is called with
            ``scale`` and ``seed`` and gives what was measured, seconds and a note, for each figure.
        scale: times the published size.
        seed: seed of the simulation.
        output: JSON file for the figures.

    Raises:
        LesionsError: there is no such part.
    """
    offered = {entry.name: entry for entry in entry_points(group=BENCHMARK_GROUP)}
    if part not in offered:
        raise LesionsError(
            f"there is no benchmark {part!r}. Parts: {', '.join(sorted(offered)) or 'none'}; "
            "without a part the main job is measured."
        )
    measure = offered[part].load()
    _show([Measure(*row) for row in measure(scale=scale, seed=seed)], seed, output)


def _show(measures: list[Measure], seed: int, output: Path | None) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    rows = [(measure.what, measure.seconds, measure.note) for measure in measures]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    title = f"{machine}, DuckDB {duckdb.__version__}, seed {seed}, peak memory {peak:.1f} GB"
    console().print(table(title, ("what", "seconds", "note"), rows))
    if output is not None:
        figures = [dict(zip(("what", "seconds", "note"), row, strict=True)) for row in rows]
        text = json.dumps({"machine": machine, "seed": seed, "peak_gb": peak, "figures": figures})
        with replacing(output) as beside:
            beside.write_text(text)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def timed(function: Callable[[], _T]) -> tuple[float, _T]:
    """Seconds that a call takes, and what it gives."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def _main_job(folder: Path, scale: int, seed: int, display: Display) -> list[Measure]:
    patients = None if scale == 1 else 4308 * scale
    simulate = timed(lambda: write_trials(folder, "mcrc", patients=patients, seed=seed))[0]
    project = create_project(folder)
    report = run_project(project, display=display)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM raw.tr), (SELECT count(*) FROM core.measurement)"
        ).fetchone()
    assert counted is not None
    note = f"{counted[0]:,} rows of TR, {counted[1]:,} measurements"
    stages = report.stage_seconds
    models = sum(stages.get(stage, 0.0) for stage in SQL_STAGES)
    checks = sum(seconds for stage, seconds in stages.items() if stage.startswith("check "))
    measures = [
        Measure("simulate trials", simulate, note),
        Measure("load sources", stages["load"]),
        Measure("models raw to mart, without checks", models, "SQL and Python steps"),
        *(Measure(f"  {s}", stages[s]) for s in SQL_STAGES if s in stages),
        Measure("checks", checks, f"{len(report.checks)} checks"),
        Measure("whole first run", report.seconds),
    ]
    return [*measures, *_small_changes(project)]


def _small_changes(project: Project) -> list[Measure]:
    command = [sys.executable, "-m", "warehouse.cli"]
    where = ["--project", str(project.root)]

    def call(*arguments: str) -> float:
        whole = [*command, *arguments]
        return timed(lambda: subprocess.run(whole, check=True, stdout=subprocess.DEVNULL))[0]

    def best(*arguments: str) -> float:
        return min(call(*arguments) for _ in range(3))

    selected = timed(lambda: run_project(project, selectors=["mart.dim_organ"], force=True))[0]
    return [
        Measure(
            "lesions --help", min(call("--help") for _ in range(3)), "whole process, best of 3"
        ),
        Measure(
            "lesions plan, nothing changed", min(call("plan", *where) for _ in range(3)), "same"
        ),
        Measure("lesions run, nothing changed", min(call("run", *where) for _ in range(3)), "same"),
        Measure("rebuild one mart model", selected, "with its checks and the publish"),
    ]


def _engine_overhead(scratch: Path, dbt: Path | None, display: Display) -> list[Measure]:
    note = "whole process, best of 3"
    built, checked = (_trivial_ours(scratch, mode) for mode in ("unchecked", "checked"))
    ours = [
        Measure("ten trivial models built, ours", built, note),
        Measure("the same with keys checked, ours", checked, f"{note}; Great Expectations starts"),
    ]
    if dbt is None:
        display.say(f"No dbt to compare with. To install one: {DBT_INSTALL}.")
        return ours
    theirs = [_trivial_dbt(scratch, dbt, mode) for mode in ("run", "build")]
    return [
        ours[0],
        Measure("ten trivial models built, dbt run", theirs[0], f"{theirs[0] / built:.1f} x ours"),
        ours[1],
        Measure(
            "the same with keys checked, dbt build", theirs[1], f"{theirs[1] / checked:.1f} x ours"
        ),
    ]


def _trivial_sql(number: int) -> tuple[str, str]:
    """Name and SELECT of a trivial model: a chain of two, five times."""
    if number % 2 == 0:
        return f"trivial_{number}", f"SELECT range AS id FROM range({1000 * (number + 1)})"
    return f"trivial_{number}", f"SELECT id + 1 AS id FROM core.trivial_{number - 1}"


OURS = """
import sys
from pathlib import Path
from warehouse.graph import make_graph
from warehouse.models import read_models
from warehouse.project import open_project
from warehouse.run import run_project
sql = Path(sys.argv[2])
graph = make_graph(sources=[], seeds=[], models=read_models(sql, frozenset()), steps=[], macros={},
                   sql_folder=sql)
project = open_project(Path(sys.argv[1]))
report = run_project(project, graph=graph, force=True, is_gated=sys.argv[3] == "checked")
assert len(report.built) == 10
"""


def _trivial_ours(scratch: Path, mode: str) -> float:
    sql = scratch / f"sql-{mode}" / "core"
    sql.mkdir(parents=True)
    for number in range(TRIVIAL_MODELS):
        name, select = _trivial_sql(number)
        header = "/* A number.\n   Grain: one row per id\n   Key: id\n*/\n"
        body = select.replace(" AS id", " AS id -- a number\n", 1)
        (sql / f"{name}.sql").write_text(header + body)
    project = create_project(scratch / mode)
    command = [sys.executable, "-c", OURS, str(project.root), str(sql.parent), mode]
    return min(timed(lambda: subprocess.run(command, check=True))[0] for _ in range(3))


def _trivial_dbt(scratch: Path, dbt: Path, mode: str) -> float:
    folder = scratch / f"dbt-{mode}"
    (folder / "models").mkdir(parents=True)
    documented = ["models:"]
    for number in range(TRIVIAL_MODELS):
        name, select = _trivial_sql(number)
        upstream = f"core.trivial_{number - 1}"
        text = select.replace(upstream, f"{{{{ ref('trivial_{number - 1}') }}}}")
        config = "{{ config(materialized='table') }}\n"
        (folder / "models" / f"{name}.sql").write_text(config + text)
        documented.append(
            f"  - {{name: {name}, columns: [{{name: id, data_tests: [unique, not_null]}}]}}"
        )
    (folder / "models" / "schema.yml").write_text("\n".join(documented) + "\n")
    (folder / "dbt_project.yml").write_text(
        "name: trivial\nversion: '1.0'\nprofile: trivial\n"
        "flags:\n  send_anonymous_usage_stats: false\n"
    )
    (folder / "profiles.yml").write_text(
        "trivial:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
        f"      path: {folder / 'trivial.duckdb'}\n      threads: 2\n"
    )
    command = [str(dbt), mode, "--project-dir", str(folder), "--profiles-dir", str(folder)]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def run() -> None:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise LesionsError(f"dbt failed: {done.stdout.strip()[-500:]}")

    return min(timed(run)[0] for _ in range(3))
