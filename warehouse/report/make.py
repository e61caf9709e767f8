"""Writes the report of a published warehouse."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from warehouse.database import open_published, refuse_older
from warehouse.pages import write_page
from warehouse.project import Project
from warehouse.report.gather import gather
from warehouse.report.labels import with_settings
from warehouse.report.page import Facts, page
from warehouse.report.parts import Chapter
from warehouse.report.sections import SECTIONS
from warehouse.report.sections.own import own_section

FILE_NAME = "report.html"
CHAPTER_GROUP = "lesion_warehouse.chapters"
"""Entry points: a function of the published file that gives a heading and HTML for each part."""


def make_report(project: Project, output: Path | None = None) -> Path:
    """Makes the report from the mart's figure tables; the file is replaced as a whole.

    Args:
        project: the project; its published warehouse is read, nothing is built.
        output: the file to write; ``report.html`` in the project's folder where None.

    Returns:
        The file written.

    Raises:
        LesionsError: there is no published warehouse, or it is of another version.
    """
    target = output or project.root / FILE_NAME
    with open_published(project.published) as connection:
        refuse_older(connection, project.published)
        runs = connection.execute(
            "SELECT run_id, strftime(finished_at, '%Y-%m-%d %H:%M'), version, (SELECT value "
            "FROM meta.setting WHERE name = 'rules.rule_set') FROM meta.run "
            "ORDER BY started_at DESC, run_id LIMIT 1"
        ).fetchall()
        settings = dict(connection.execute("SELECT name, value FROM meta.setting").fetchall())
        own = own_section(connection)
        sections = with_settings((*SECTIONS, own) if own is not None else SECTIONS, settings)
        rows = gather(connection, sections)
    facts = Facts(project.root.name, *(runs[0] if runs else ("", "", "", "")))
    write_page(target, page(facts, sections, rows, (_tables_by_arm(project.published),)))
    return target


def _tables_by_arm(published: Path) -> Chapter:
    parts = tuple(
        part
        for entry in entry_points(group=CHAPTER_GROUP, name="tables")
        for part in entry.load()(published)
    )
    return Chapter(
        "tables",
        "Tables by arm",
        "Disposition, characteristics at baseline, response, times to events, restricted means and "
        "subgroups of each study with arms, from its analysis datasets. 'lesions tlf' writes the "
        "same tables, with figures and the listing of lesions, as a page, for Word and as CSV, and "
        "stratifies or takes another reference arm.",
        parts,
        "No study of this warehouse has subjects with an arm.",
    )
