"""Looks for what would keep an installation or a project from working."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from warehouse.display import console, table
from warehouse.errors import LesionsError
from warehouse.project import Project, check_writable

DISTRIBUTION = "lesion-warehouse"
OLDEST_JAVA = 17
GET_JAVA = (
    "Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17; "
    "else: conda install openjdk=17, or adoptium.net, and JAVA_HOME"
)


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what came of it."""

    subject: str
    state: Literal["ok", "warning", "wrong"]
    text: str


def examine(start: Path) -> bool:
    """Prints all findings; True where nothing is wrong."""
    findings = [*_installation(), *_machine(), *_project(start)]
    rows = [(finding.state, finding.subject, finding.text) for finding in findings]
    console().print(table("", ("state", "what", "found"), rows))
    return not any(finding.state == "wrong" for finding in findings)


def _installation() -> Iterator[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", "ok" if supported else "wrong", platform.python_version())
    wrong = [unmet for text in requires(DISTRIBUTION) or [] if (unmet := _unmet(text))]
    for unmet in wrong:
        yield Finding("package", "wrong", f"{unmet}; install with -c constraints.txt")
    if not wrong:
        yield Finding("packages", "ok", f"{DISTRIBUTION} {version(DISTRIBUTION)}, all in range")
    yield _models()
    yield _duckdb()
    yield _spark()


def _unmet(text: str) -> str:
    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} {found} is outside {requirement.specifier}"


def _models() -> Finding:
    from warehouse.catalogue import installed_graph

    try:
        graph = installed_graph()
    except (LesionsError, FileNotFoundError) as error:
        return Finding("models", "wrong", str(error))
    steps = sum(node.kind == "python" for node in graph.nodes.values())
    if not steps:
        return Finding("models", "wrong", "no Python steps are installed; install again")
    return Finding("models", "ok", f"{len(graph.nodes)} nodes, {steps} of them Python steps")


def _duckdb() -> Finding:
    import duckdb

    from warehouse.database import open_work

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "try.duckdb"
        with open_work(path, threads=1) as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS x")
            connection.execute("CHECKPOINT")
    return Finding("DuckDB", "ok", f"{duckdb.__version__} writes and reads a file")


def _spark() -> Finding:
    """Whether the engine spark can run: it is an extra, and needs Java."""
    try:
        found = version("pyspark")
    except PackageNotFoundError:
        return Finding("Spark", "ok", "not installed; the extra 'spark' brings it")
    java = _java_version()
    if java is None:
        return Finding("Spark", "warning", f"pyspark {found} is there, Java is not. {GET_JAVA}")
    if java < OLDEST_JAVA:
        return Finding(
            "Spark", "warning", f"pyspark {found} does not run on Java {java}. {GET_JAVA}"
        )
    return Finding("Spark", "ok", f"pyspark {found} on Java {java}")


def _java_version() -> int | None:
    """The Java that Spark would take: of JAVA_HOME, else the one on the path; None without one."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else "java"
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(number[1]) if number else None


def _machine() -> Iterator[Finding]:
    yield Finding("cores", "ok", str(os.cpu_count()))
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    yield Finding("free disk", "ok" if free > 2 else "warning", f"{free:.0f} GB (temporary files)")


def _writable(project: Project) -> Finding:
    try:
        check_writable(project)
    except LesionsError as error:
        return Finding("folder", "wrong", str(error))
    return Finding("folder", "ok", "can be written")


def _project(start: Path) -> Iterator[Finding]:
    import duckdb

    from warehouse.database import open_published, refuse_older
    from warehouse.project import open_project
    from warehouse.published import altered_tables
    from warehouse.studies import find_studies, links_out, read_study

    try:
        project = open_project(start)
    except LesionsError as error:
        yield Finding("project", "warning", str(error))
        return
    yield Finding("project", "ok", str(project.root))
    yield _writable(project)
    free = shutil.disk_usage(project.root).free / 1e9
    yield Finding("free disk", "ok" if free > 2 else "warning", f"{free:.0f} GB (project)")
    try:
        studies = find_studies(project.studies)
        read = [read_study(study.path) for study in studies]
        yield Finding("studies", "ok" if studies else "warning", f"{len(studies)} in studies/")
        for study in read:
            if links := links_out(study):
                shown = ", ".join(f"{name} -> {place}" for name, place in list(links.items())[:3])
                more = f" and {len(links) - 3} more" if len(links) > 3 else ""
                yield Finding("links", "warning", f"{study.study_id} reads {shown}{more}")
    except LesionsError as error:
        yield Finding("studies", "wrong", str(error))
    try:
        with open_published(project.published) as connection:
            refuse_older(connection, project.published)
            row = connection.execute("SELECT max(finished_at) FROM meta.run").fetchone()
            altered = altered_tables(connection)
        if altered:
            shown = ", ".join(list(altered)[:5])
            yield Finding("warehouse", "wrong", f"not as it was published: {shown}; 'lesions run'")
        else:
            yield Finding("warehouse", "ok", f"published {row[0] if row else 'never'} UTC")
    except LesionsError as error:
        is_there = project.published.exists()
        yield Finding("warehouse", "wrong" if is_there else "warning", str(error))
    except duckdb.Error as error:
        yield Finding("warehouse", "wrong", f"{error}; 'lesions run' builds it anew")
