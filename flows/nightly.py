"""Reads the sources and builds the warehouse: the flow that ``lesions schedule`` serves."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from flows.build import build, one_line
from flows.ingest import ingest
from flows.orchestration import flow
from warehouse.errors import LesionsError
from warehouse.project import open_project
from warehouse.run import RunReport

SERVED = "LESIONS_SERVED_PROJECT"
"""Variable with the folder that a scheduler serves; read by the runs that it starts."""


@flow(name="nightly")
def nightly(project_root: Path) -> RunReport:
    """Ingests, then builds; says in one line on the terminal how it ended.

    Args:
        project_root: the project's folder.

    Raises:
        LesionsError: as the two flows; the published file is then as it was.
    """
    try:
        _refuse_another(project_root)
        project = open_project(project_root)
        ingest(project_root)
        report = build(project_root)
    except LesionsError as error:
        tell(f"failed: {error}")
        raise
    tell(one_line(project, report))
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
