"""Reads the sources and builds the warehouse: the flow that ``lesions schedule`` serves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from flows.build import build, one_line
from flows.ingest import ingest
from flows.orchestration import flow
from warehouse.errors import LesionsError
from warehouse.project import open_project
from warehouse.run import RunReport


@flow(name="nightly")
def nightly(project_root: Path) -> RunReport:
    """Ingests, then builds; says in one line on the terminal how it ended.

    Args:
        project_root: the project's folder.

    Raises:
        LesionsError: as the two flows; the published file is then as it was.
    """
    try:
        project = open_project(project_root)
        ingest(project_root)
        report = build(project_root)
    except LesionsError as error:
        tell(f"failed: {error}")
        raise
    tell(one_line(project, report))
    return report


def tell(text: str) -> None:
    """Prints a line with the time before it."""
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}", flush=True)
