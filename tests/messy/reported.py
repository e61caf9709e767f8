"""What a warehouse reports, set beside what was planted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from messy.trials import Planted, Row, ask

from warehouse.project import Project

FEWER_FINDINGS_THAN_ROWS = {
    "identity.1c": "one finding per table, not per row with the id",
    "identity.1d": "one finding per table, not per row with the id",
    "identity.1f": "one finding per link id",
    "identity.2b": "one finding per subject and reader",
    "identity.3c": "one finding per lesion; its rows of TR are listed too",
    "identity.4b": "one finding per table, not per row with the id",
    "rows.1c": "one finding per lesion; the wrong volume stands on each of its rows",
    "rows.5l": "one finding per date",
    "rows.5m": "one finding per pair of visits",
    "sizes.4b": "one finding per lesion, at its first size",
    "sizes.5a": "one finding per lesion, at its first short axis",
    "sizes.6a": "one finding per sum",
    "time.1d": "sizes of target lesions; states and sums of the moved scan are listed too",
    "time.2j": "the scans after the therapy; the therapy's own row is listed too",
}
"""Defects whose finding stands for several of the listed places, and why."""

FOLLOWS_FROM_ANOTHER = {
    "rows.7k": "a planted row of RS that is quarantined leaves the parts of its response",
    "sizes.6d": "a size with a planted defect is not that of the trial's own sum",
    "time.1g": "the first scan that time.1d moves shows non-target lesions too",
}
"""Findings that are right, about rows that another planted defect is listed for."""

ID_AS_WRITTEN = ("identity.1c", "identity.1d", "identity.4b")
"""The planted subject is the odd id, which the finding has as its value."""


def reported_rows(project: Project) -> dict[str, set[Row]]:
    """Rows in quality.finding and quality.quarantine, by defect_id ('' where it has none)."""
    found: dict[str, set[Row]] = defaultdict(set)
    for defect_id, *place in ask(
        project,
        "SELECT defect_id, study_id, source_file, source_row FROM quality.finding UNION ALL "
        "SELECT coalesce(defect_id, ''), study_id, source_file, source_row FROM quality.quarantine",
    ):
        found[defect_id].add((place[0], place[1], place[2]))
    return dict(found)


def found_subjects(project: Project) -> dict[str, set[tuple[str, str]]]:
    """(study, subject) of each finding that names one subject."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for defect_id, study_id, usubjid, value in ask(
        project,
        "SELECT finding.defect_id, finding.study_id, patient.usubjid, finding.value "
        "FROM quality.finding JOIN core.patient USING (patient_id)",
    ):
        found[defect_id].add((study_id, value if defect_id in ID_AS_WRITTEN else usubjid))
    return dict(found)


def assert_all_found_and_nothing_else(project: Project, truth: Mapping[str, Planted]) -> None:
    """Each detectable defect is reported in the planted rows, and no other row is reported."""
    wanted = {key: planted for key, planted in truth.items() if planted.is_detectable}
    rows, subjects = reported_rows(project), found_subjects(project)
    assert set(rows) - set(FOLLOWS_FROM_ANOTHER) == set(wanted)
    for key, planted in wanted.items():
        if key in FEWER_FINDINGS_THAN_ROWS:
            assert rows[key] <= planted.rows, key
            assert {study for study, _, _ in rows[key]} == {s for s, _ in planted.subjects}, key
        else:
            assert rows[key] == planted.rows, key
        if key in subjects:
            assert subjects[key] == planted.subjects, key
    assert _reported_twice(project) == []


def _reported_twice(project: Project) -> list[tuple[object, ...]]:
    """Rows that one defect is reported of more than once."""
    return ask(
        project,
        "SELECT defect_id, study_id, source_file, source_row FROM quality.finding "
        "GROUP BY ALL HAVING count(*) > 1",
    )


def assert_balanced(project: Project) -> None:
    """Rows in = rows out + quarantined + excluded + collapsed, at every hop."""
    unbalanced = ask(
        project,
        "SELECT step FROM quality.row_audit WHERE rows_in <> "
        "rows_out + rows_quarantined + rows_excluded + rows_collapsed OR NOT is_balanced",
    )
    assert unbalanced == []
    assert len(ask(project, "SELECT step FROM quality.row_audit")) > 20
