"""Builds, checks and publishes the warehouse: what ``lesions run`` does, as a flow."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from flows.artifacts import Progress, markdown_artifact, table_artifact
from flows.orchestration import errors_without_locals, flow, run_logger
from warehouse.checks import failures
from warehouse.database import open_published
from warehouse.display import Display, Stage
from warehouse.errors import LesionsError
from warehouse.project import Project, open_project
from warehouse.run import RunReport, plan_project, run_project

BUILT_UNIT = "models built"

FAILED_CHECKS = """
SELECT table_name, check_id, severity, description, unexpected_count, observed, remedy
FROM quality.check_result
WHERE NOT success
ORDER BY severity, table_name, check_id
"""


@dataclass
class FlowDisplay(Display):
    """Shows a run in Prefect: its lines in the run's log, its models as a progress bar."""

    console: Console = field(default_factory=lambda: Console(file=io.StringIO()))
    planned: int = 1
    built: int = 0
    bar: Progress | None = None

    def say(self, text: str) -> None:
        run_logger().info("%s", text)

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Stage]:
        with super().stage(title, total, unit) as stage:
            yield stage
        if unit == BUILT_UNIT and self.bar is not None:
            self.built += total
            self.bar.show(100 * min(self.built / self.planned, 1), f"{title.strip()} built")


@flow(name="build")
def build(project_root: Path, selectors: Sequence[str] = (), force: bool = False) -> RunReport:
    """Brings a project's warehouse up to date and publishes it.

    Args:
        project_root: the project's folder.
        selectors: models to build, as for ``lesions run``; all that is out of date where empty.
        force: build even what has not changed.

    Raises:
        LesionsError: as :func:`warehouse.run.run_project`; the published file is then as it was.
    """
    project = open_project(project_root)
    plan = plan_project(project, selectors, force).plan
    display = FlowDisplay(
        planned=max(len(plan.chosen), 1), bar=Progress("warehouse-progress", "models built")
    )
    before = _changed_at(project.failed)
    try:
        with errors_without_locals():
            report = run_project(project, selectors=selectors, force=force, display=display)
    except LesionsError as error:
        kept = _changed_at(project.failed) != before
        table_artifact(
            "warehouse-failed-checks", "Failed checks", kept_checks(project) if kept else []
        )
        markdown_artifact("warehouse-summary", "Last run", failure_text(project, error))
        raise
    table_artifact("warehouse-built", "What was built", built_rows(report, plan.reasons))
    table_artifact("warehouse-failed-checks", "Failed checks", check_rows(report))
    markdown_artifact("warehouse-summary", "Last run", summary_text(project, report))
    return report


def built_rows(report: RunReport, reasons: Mapping[str, str]) -> list[dict[str, object]]:
    """A table of what was built: one row per table; seconds are those of the model that made it."""
    return [
        {
            "table": table,
            "model": node.name,
            "rows": rows,
            "seconds": round(node.seconds, 2),
            "reason": reasons.get(node.name, ""),
        }
        for node in report.built
        for table, rows in node.rows.items()
    ]


def check_rows(report: RunReport) -> list[dict[str, object]]:
    """A table of a run's failed checks, critical ones first."""
    return [
        {
            "table": check.table_name,
            "check": check.check_id,
            "severity": check.severity,
            "what": check.description,
            "failing": check.unexpected_count,
            "observed": check.observed,
            "remedy": check.remedy,
        }
        for check in failures(report.checks)
    ]


def kept_checks(project: Project) -> list[dict[str, object]]:
    """The same table from the file in which a run that a check stopped is kept."""
    names = ("table", "check", "severity", "what", "failing", "observed", "remedy")
    with open_published(project.failed) as connection:
        rows = connection.execute(FAILED_CHECKS).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def one_line(project: Project, report: RunReport) -> str:
    """How a run ended, in a line."""
    if report.is_unchanged:
        return f"{project.published} is up to date"
    failed = len(failures(report.checks))
    warned = f", {failed} failed with a warning" if failed else ""
    return (
        f"published {project.published}: {len(report.built)} models built, "
        f"{len(report.checks)} checks made{warned}, {report.seconds:.1f} s"
    )


def summary_text(project: Project, report: RunReport) -> str:
    """The run in Markdown, with links to the published file and the page of checks."""
    lines = [
        f"# {project.root.name}",
        f"{one_line(project, report)}.",
        f"- Warehouse: [{project.published}]({project.published.as_uri()})",
    ]
    if project.check_page.exists():
        lines.append(f"- Checks: [{project.check_page}]({project.check_page.as_uri()})")
    if not report.is_unchanged:
        lines.append(f"- Run: `{report.run_id}`")
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:]) + "\n"


def failure_text(project: Project, error: LesionsError) -> str:
    """A run that published nothing, in Markdown."""
    text = f"# {project.root.name}\n\nNothing was published. {error}\n"
    if project.check_page.exists():
        text += f"\n- Checks: [{project.check_page}]({project.check_page.as_uri()})\n"
    return text


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
