"""Judges a loaded study as a run would: what of it can be used, what is quarantined, and why.

The models that read dates, days, units, sites and readers are built for this one study in memory;
nothing of the project changes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse import meta
from warehouse.build import Builder
from warehouse.catalogue import graph_behind
from warehouse.database import OFFLINE
from warehouse.display import Display, console, table
from warehouse.memory import Memory
from warehouse.own import has_own_parts, project_graph
from warehouse.project import Project
from warehouse.settings import thread_count

TABLES = (
    *("quality.quarantine", "quality.unmapped_site", "core.measurement", "core.lesion"),
    *("core.patient", "core.response", "core.radiomic_feature"),
)
_SHOWN = 12


@dataclass(frozen=True)
class Quarantined:
    """Rows that one reason quarantines.

    ``example``: file and row of the first one; ``value``: its value.
    """

    domain: str
    column: str
    reason: str
    remedy: str
    rows: int
    example: str
    value: str


@dataclass(frozen=True)
class TimePoint:
    """One size of the patient that is shown."""

    day: int
    visit: str
    lesion: str
    organ: str
    diameter_mm: float | None
    as_written: str


@dataclass(frozen=True)
class Verdict:
    """What a run would make of a study.

    Attributes:
        counts: what can be used: patients, lesions, measurements, ...
        first_day, last_day: of the measurements, from the first dose.
        readers: reader and number of measurements.
        quarantined: rows that cannot be used, by reason.
        unmapped: sites without an organ, and their lesions.
        patient: the patient of ``time_points``: one with many.
        lacks: what nothing was found of, in sentences with a remedy.
    """

    study_id: str
    counts: Mapping[str, int]
    first_day: int | None
    last_day: int | None
    readers: tuple[tuple[str, int], ...]
    quarantined: tuple[Quarantined, ...]
    unmapped: tuple[tuple[str, int], ...]
    patient: str
    time_points: tuple[TimePoint, ...]
    lacks: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether any size, feature or response can be used, or any patient's time."""
        return any(
            self.counts[name] for name in ("measurements", "responses", "features", "patients")
        )


def judge(
    raw_folder: Path,
    study_id: str,
    values: Mapping[str, Any],
    memory_file: Path | None = None,
    project: Project | None = None,
) -> Verdict:
    """Builds the models that judge rows for one loaded study, in memory, and looks at them.

    Args:
        raw_folder: folder of the loaded studies.
        study_id: the study.
        values: the project's settings.
        memory_file: where what is known of the models is kept between commands.
        project: whose own models, seeds and rules count too.

    Raises:
        LesionsError: a model could not be built.
    """
    memory = Memory(memory_file) if memory_file is not None else None
    has_own = project is not None and has_own_parts(project)
    graph = project_graph(project, memory) if project and has_own else graph_behind(TABLES, memory)
    if memory is not None:
        memory.save(forgets=False)
    names = set(TABLES).union(*(graph.ancestors(name) for name in TABLES))
    with (
        tempfile.TemporaryDirectory(prefix="lesions-judge-") as folder,
        duckdb.connect(config={**OFFLINE, "temp_directory": folder}) as connection,
    ):
        (Path(folder) / study_id).symlink_to((raw_folder / study_id).absolute())
        connection.execute("SET enable_progress_bar = false")
        threads = thread_count(values)
        connection.execute(f"SET threads = {threads}")
        if values["run.memory_limit"]:
            connection.execute(f"SET memory_limit = '{values['run.memory_limit']}'")
        meta.create_schemas(connection)
        meta.write_settings(connection, values)
        for macro in graph.macros.values():
            connection.execute(macro.with_values(values))
        Builder(connection, graph, values, Path(folder), threads).build(sorted(names))
        return _verdict(connection, study_id)


def _verdict(connection: duckdb.DuckDBPyConnection, study_id: str) -> Verdict:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM core.patient), (SELECT count(*) FROM core.lesion), "
        "(SELECT count(*) FROM core.lesion WHERE lesion_type = 'target'), "
        "(SELECT count(*) FROM core.lesion WHERE lesion_type = 'new'), "
        "(SELECT count(*) FROM core.measurement), (SELECT count(*) FROM core.response), "
        "(SELECT count(*) FROM core.radiomic_feature), "
        "(SELECT count(*) FROM core.patient WHERE os_days IS NOT NULL), "
        "(SELECT count(*) FROM core.patient WHERE arm IS NOT NULL), "
        "(SELECT count(*) FROM core.lesion WHERE organ <> 'unknown'), "
        "(SELECT count(*) FROM staging.tumor_result_screen WHERE test_kind = 'sum' "
        "AND disposition = 'kept'), "
        "(SELECT count(*) FROM quality.quarantine)"
    ).fetchall()[0]
    keys = (
        *("patients", "lesions", "target lesions", "new lesions", "measurements", "responses"),
        *("features", "patients with survival", "patients with an arm", "lesions with an organ"),
        *("stated sums", "rows quarantined"),
    )
    counts = dict(zip(keys, (int(number) for number in row), strict=True))
    days = connection.execute("SELECT min(day), max(day) FROM core.measurement").fetchall()[0]
    readers = connection.execute(
        "SELECT reader, count(*) FROM core.measurement GROUP BY reader ORDER BY 2 DESC, 1"
    ).fetchall()
    aside = connection.execute(
        "SELECT domain, coalesce(column_name, ''), reason, remedy, count(*), "
        "min_by(source_file || ', row ' || source_row, source_row), "
        "coalesce(min_by(value, source_row), '') FROM quality.quarantine "
        "GROUP BY ALL ORDER BY 5 DESC, 1, 2, 3"
    ).fetchall()
    unmapped = connection.execute(
        "SELECT site_raw, n_lesions FROM quality.unmapped_site WHERE NOT is_blank "
        "ORDER BY 2 DESC, 1"
    ).fetchall()
    patient, points = _time_points(connection)
    return Verdict(
        study_id=study_id,
        counts=counts,
        first_day=days[0],
        last_day=days[1],
        readers=tuple((str(name), int(n)) for name, n in readers),
        quarantined=tuple(Quarantined(*item) for item in aside),
        unmapped=tuple((str(site), int(n)) for site, n in unmapped),
        patient=patient,
        time_points=points,
        lacks=_lacks(counts),
    )


def _time_points(connection: duckdb.DuckDBPyConnection) -> tuple[str, tuple[TimePoint, ...]]:
    """The first time points of a patient (or lesion) with many of them, by one reader."""
    found = connection.execute(
        "SELECT coalesce(m.patient_id, m.lesion_id), m.reader FROM core.measurement AS m "
        "LEFT JOIN core.patient AS p ON m.patient_id = p.patient_id "
        "GROUP BY ALL ORDER BY bool_or(m.reader = p.analysis_reader) DESC NULLS LAST, "
        "least(count(DISTINCT m.day), 4) DESC, least(count(DISTINCT m.lesion_id), 3) DESC, 1, 2 "
        "LIMIT 1"
    ).fetchall()
    if not found:
        return "", ()
    patient, reader = found[0]
    rows = connection.execute(
        "SELECT m.day, coalesce(m.visit, ''), l.lesion_label, l.organ, m.diameter_mm, "
        "coalesce(m.value_raw, '') "
        "FROM core.measurement AS m JOIN core.lesion AS l ON m.lesion_id = l.lesion_id "
        "WHERE coalesce(m.patient_id, m.lesion_id) = ? AND m.reader = ? "
        "ORDER BY m.day, l.lesion_number LIMIT ?",
        [patient, reader, _SHOWN],
    ).fetchall()
    name = str(patient) + (f", reader {reader}" if reader else "")
    return name, tuple(TimePoint(*row) for row in rows)


def _lacks(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What a study has nothing of, and what that means."""
    lacks = []
    if not counts["measurements"] and counts["stated sums"]:
        lacks.append(
            "There are sums of diameters, and no size of a lesion: nothing by lesion or organ can "
            "be said."
        )
    elif not counts["measurements"] and not counts["features"]:
        lacks.append(
            "No size of a lesion can be used: there will be no sums, no growth and no progression "
            "by sizes. Name a table of measurements (domain tr), or correct what its rows are "
            "quarantined for."
        )
    if counts["measurements"] and not counts["lesions with an organ"]:
        lacks.append(
            "No lesion has an organ: nothing by organ can be said. Map the site (tuloc, or 'site' "
            "in lesion_long), or list sites under 'sites:'."
        )
    if not counts["patients with survival"]:
        lacks.append(
            "No patient has a time of survival: there will be none by arm or organ. Map adtte, "
            "or a date of death and of last contact."
        )
    return tuple(lacks)


def print_verdict(verdict: Verdict, display: Display, *, with_time_points: bool = True) -> None:
    """Says what will be usable, what not and why, and shows the first time points of a patient."""
    out = console()
    if verdict.quarantined:
        rows = [
            (
                item.rows,
                f"{item.domain}.{item.column}",
                item.reason,
                item.example,
                item.value[:60],
                item.remedy,
            )
            for item in verdict.quarantined
        ]
        columns = ("rows", "variable", "why quarantined", "first", "value", "remedy")
        out.print(table("Rows that a run would quarantine (quality.quarantine)", columns, rows))
    for site, lesions in verdict.unmapped[:10]:
        display.say(
            f"site {site!r} ({lesions:,} lesions) has no organ: name it under 'sites:' in study.yml"
        )
    if len(verdict.unmapped) > 10:
        display.say(f"and {len(verdict.unmapped) - 10} more such sites (quality.unmapped_site)")
    if with_time_points and verdict.time_points:
        points = [
            (p.day, p.visit, p.lesion, p.organ, p.diameter_mm, p.as_written)
            for p in verdict.time_points
        ]
        names = ("day", "visit", "lesion", "organ", "mm", "as written")
        out.print(table(f"First time points of {verdict.patient}", names, points))
    for text in verdict.lacks:
        display.say(text)
    display.say(usable_text(verdict))


def usable_text(verdict: Verdict) -> str:
    """What a run will use, in one line."""
    counts = verdict.counts
    parts = [
        f"{counts[name]:,} {name}"
        for name in (
            *("patients", "lesions", "measurements", "stated sums", "responses", "features"),
            *("patients with survival",),
        )
        if counts[name]
    ]
    if not parts:
        return "Usable: nothing."
    days = ""
    if verdict.first_day is not None:
        days = f"; days {verdict.first_day} to {verdict.last_day}"
    by = [f"{name or 'no reader named'} ({n:,})" for name, n in verdict.readers]
    readers = f"; measured by {', '.join(by)}" if len(by) > 1 else ""
    aside = counts["rows quarantined"]
    return f"Usable: {', '.join(parts)}{days}{readers}. Quarantined: {aside:,} rows."
