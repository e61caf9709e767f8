"""Reads the sources and builds the warehouse: the flow that ``lesions schedule`` serves."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from flows.build import build, one_line
from flows.copies import refresh
from flows.ingest import ingest
from flows.notices import failure_text, tell_failure, tell_findings
from flows.openlineage_events import emit_failure, emit_runs
from flows.orchestration import flow
from warehouse.errors import LesionsError
from warehouse.project import Project, open_project
from warehouse.run import RunReport

SERVED = "LESIONS_SERVED_PROJECT"
"""Variable with the folder that a scheduler serves; read by the runs that it starts."""


@flow(name="nightly")
def nightly(project_root: Path) -> RunReport:
    """Ingests, then builds, then refreshes what is made from the published warehouse.

    How it ended is said in one line on the terminal, and to whom the settings ``notify`` name.
    Notices and events of lineage that cannot be delivered are said, and fail nothing.

    Args:
        project_root: the project's folder.

    Raises:
        LesionsError: as the two flows; the published file is then as it was. Or a copy could not
            be refreshed; the published file is then the new one.
    """
    started_at = datetime.now(UTC)
    project: Project | None = None
    try:
        _refuse_another(project_root)
        project = open_project(project_root)
        ingest(project_root)
        report = build(project_root)
        tell(one_line(project, report))
        _deliver(emit_runs, project)
        _deliver(tell_findings, project)
        made = refresh(project)
    except Exception as error:
        tell(f"failed: {error}" if isinstance(error, LesionsError) else f"failed: {error!r}")
        if project is not None:
            text = failure_text(project, error)
            _deliver(tell_failure, project, error)
            _deliver(emit_failure, project, started_at, text)
        raise
    if made:
        tell(f"refreshed: {', '.join(made)}")
    return report


def _refuse_another(project_root: Path) -> None:
    """Whoever reaches Prefect's server may start a run, but of the project that is served only.

    Raises:
        LesionsError: the run was given another folder.
    """
    served = os.environ.get(SERVED)
    if served is not None and Path(project_root) != Path(served):
        raise LesionsError(f"this scheduler runs {served}, and not {project_root}.")


def tell(text: str) -> None:
    """Prints a line with the time before it."""
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}", flush=True)


def _deliver(send: Callable[..., list[str]], *given: object) -> None:
    """Sends, and says what could not be delivered: the warehouse does not depend on it."""
    try:
        problems = send(*given)
    except (LesionsError, OSError, duckdb.Error) as error:
        problems = [f"{send.__name__}: {error}"]
    for line in problems:
        tell(line)
