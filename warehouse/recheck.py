"""Checks a published warehouse again, as it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from warehouse import checks
from warehouse.checking import lifelines_check
from warehouse.database import open_published, refuse_older
from warehouse.display import Display, table
from warehouse.errors import LesionsError
from warehouse.own import ProjectSuites, project_graph
from warehouse.project import Project
from warehouse.published import altered_tables

DIFFERENCES = "lifelines.csv"
"""In the project's state folder: what lifelines makes of the published survival tables."""


def check_published(project: Project, display: Display, *, is_deep: bool = False) -> None:
    """Runs every check on the published file, shows a summary and writes the page of results.

    Args:
        is_deep: also have lifelines work out survival from the published tables.

    Raises:
        LesionsError: there is no published file, a critical check failed, or lifelines comes to
            other numbers.
    """
    checks.preload()
    docs = project_graph(project).table_docs
    with open_published(project.published) as connection:
        refuse_older(connection, project.published)
        altered = altered_tables(connection)
        suites = ProjectSuites(project)
        built = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM meta.model WHERE kind <> 'source' ORDER BY name"
            ).fetchall()
        ]
        there = {
            name
            for (name,) in connection.execute(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            ).fetchall()
        }
        # A run of selected models may have left out a table that the checks of another one read.
        present = [
            name for name in built if name not in suites or there.issuperset(suites[name].tables)
        ]
        with display.stage("check", len(present), "tables") as stage:
            results = checks.check_tables(
                connection,
                present,
                suites,
                "recheck",
                datetime.now(UTC).replace(tzinfo=None),
                progress=lambda done, total: stage.observe("", "done"),
                keys={name: doc.key for name, doc in docs.items()},
            )
        beyond = _compare_with_lifelines(connection, project, there, display) if is_deep else 0
    display.console.print(checks.summarise(results))
    checks.write_html(project.check_page, results, f"Checks of {project.root.name}")
    display.say(f"Page: {project.check_page}")
    if len(present) < len(built):
        display.say(
            f"{len(built) - len(present)} tables were not checked: their checks read tables that "
            "are not built. 'lesions run' builds them."
        )
    if altered:
        listed = ", ".join(f"{table} ({what})" for table, what in list(altered.items())[:5])
        raise LesionsError(
            f"{project.published} is not as it was published: {listed}"
            f"{' and others' if len(altered) > 5 else ''}. 'lesions run' builds these tables anew."
        )
    checks.gate(results)
    if beyond:
        raise LesionsError(
            f"{beyond} numbers of survival differ from what lifelines makes of the same tables: "
            f"see {project.state / DIFFERENCES}. Please report them."
        )


def _compare_with_lifelines(
    connection: duckdb.DuckDBPyConnection, project: Project, there: set[str], display: Display
) -> int:
    """How many numbers lie beyond their tolerance; shows all by kind and writes each to a file."""
    lacking = sorted(set(lifelines_check.READS) - there)
    if lacking:
        display.say(f"lifelines was not asked: {', '.join(lacking)} are not built.")
        return 0
    with display.stage("lifelines", 1, "comparison") as stage:
        found = lifelines_check.compare_survival(connection)
        stage.observe("", "done")
    rows = lifelines_check.summary(found)
    columns = ("quantity", "compared", "largest difference", "allowed", "beyond")
    display.console.print(table("Survival, worked out again by lifelines", columns, rows))
    lifelines_check.write_differences(project.state / DIFFERENCES, found)
    display.say(f"Each number: {project.state / DIFFERENCES}")
    return sum(row[-1] for row in rows)
