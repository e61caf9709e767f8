"""From files to a proposal: reads the tables, says what each is, and puts the parts together."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from warehouse.database import OFFLINE
from warehouse.errors import LesionsError
from warehouse.proposing import entries as entries_of
from warehouse.proposing.day_zero import add_day_zero, day_convention
from warehouse.proposing.features import feature_entry
from warehouse.proposing.files import Table, data_files, iter_tables
from warehouse.proposing.joint import (
    add_readers,
    add_sites,
    add_words,
    arms_of,
    demographics_in,
    even_subjects,
    subject_values,
    with_columns_of,
)
from warehouse.proposing.profile import profile_table
from warehouse.proposing.proposal import Entry, Proposal
from warehouse.proposing.sdtm import SdtmTable, propose_sdtm, sdtm_table
from warehouse.proposing.tables import View, understand
from warehouse.proposing.written import columns_used
from warehouse.sources.formats import unread_files

_ORDER = (
    *("patients", "sizes", "wide", "sums", "lesions", "features", "responses", "stretches"),
    "doses",
)
_NO_PATIENTS = ("doses", "responses", "stretches")
"""Kinds of tables that give no rows of DM."""


def propose(paths: Sequence[Path], study_id: str) -> Proposal:
    """A study.yml for files that nobody has described.

    Args:
        paths: data files, or folders that hold them.
        study_id: id of the study.

    Raises:
        LesionsError: no data file, or none of them can be used.
    """
    files, others = data_files(paths)
    proposal = Proposal(study_id)
    for other in others:
        if other.name != "study.yml":
            advice = dict(unread_files(other.parent)).get(other.name)
            proposal.not_read.append((other.name, advice or "no format that is known"))
    with (
        tempfile.TemporaryDirectory(prefix="lesions-map-") as work,
        duckdb.connect(config={**OFFLINE, "temp_directory": work}) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")
        sdtm: list[SdtmTable] = []
        views: list[View] = []
        for table in iter_tables(connection, _one_of_each(files, proposal), Path(work)):
            if not isinstance(table, Table):
                proposal.not_read.append((table[0].name, table[1]))
                continue
            known = sdtm_table(connection, table)
            if known is not None:
                sdtm.append(known)
            else:
                views.append(understand(connection, table, profile_table(connection, table)))
        _compose(connection, sdtm, views, proposal)
    if not proposal.entries and proposal.layout != "sdtm":
        reasons = "; ".join(f"{name}: {why}" for name, why in proposal.not_read)
        raise LesionsError(
            f"no table that could be told was found in {', '.join(map(str, paths))}. {reasons}. "
            "docs/study_yml.md says how to map a file by hand."
        )
    return proposal


def _one_of_each(files: list[Path], proposal: Proposal) -> list[Path]:
    """The files, but of one table in two formats the one that keeps types and labels."""
    from warehouse.sources.formats import data_stem, suffix_of

    order = (".xpt", ".sas7bdat", ".json", ".ndjson", ".parquet", ".csv", ".csv.gz", ".xlsx")
    best: dict[str, Path] = {}
    for file in files:
        stem = data_stem(file.name)
        other = best.get(stem)
        if other is None:
            best[stem] = file
            continue
        ranked = sorted(
            (other, file),
            key=lambda f: order.index(suffix_of(f)) if suffix_of(f) in order else len(order),
        )
        best[stem] = ranked[0]
        proposal.not_read.append((ranked[1].name, f"{ranked[0].name} holds the same table"))
    return sorted(best.values())


def _compose(
    connection: duckdb.DuckDBPyConnection,
    sdtm: list[SdtmTable],
    views: list[View],
    proposal: Proposal,
) -> None:
    loaded = propose_sdtm(connection, sdtm, proposal) if sdtm else []
    has_dm = any(table.domain == "dm" for table in loaded)
    if loaded:
        proposal.layout = "sdtm"
        proposal.day_convention = "sdtm"
    views = _chosen(connection, views, proposal)
    even_subjects(connection, views, proposal)
    day_convention(connection, loaded, views, proposal)
    main = None if has_dm else _of_patients(views)
    has_dm = has_dm or main is not None
    for view in sorted(views, key=lambda v: (v is not main, _ORDER.index(v.kind), v.name)):
        is_main = view is main
        if is_main and view.kind == "patients":
            entry = entries_of.patient_entry(view, proposal)
            entries = [with_columns_of(connection, entry, view, views)]
        elif view.kind == "patients":
            entries = entries_of.about_patients(view, proposal)
        elif view.kind == "sizes":
            entries = entries_of.size_entries(connection, view, proposal, with_dm=is_main)
        elif view.kind == "wide":
            entries = entries_of.wide_entries(view, proposal, with_dm=is_main)
        elif view.kind == "sums":
            entries = [entries_of.sum_entry(view, proposal, with_dm=is_main)]
        elif view.kind == "lesions":
            entries = [entries_of.lesion_entry(view, proposal, with_dm=is_main)]
        elif view.kind == "features":
            entries = [feature_entry(view, proposal, with_dm=is_main)]
        elif view.kind == "responses":
            entries = [entries_of.response_entry(view, proposal)]
        elif view.kind == "stretches":
            entries = [entries_of.stretch_entry(view, proposal)]
        else:
            entries = [entries_of.dose_entry(view, proposal)]
        if not entries:
            proposal.not_read.append((view.name, "it says nothing that is not said elsewhere"))
        proposal.entries += entries
    if views and not any("subject" in view.taken for view in views) and not loaded:
        proposal.patients = "unknown"
        proposal.ask(
            "No column names the patient. Is that so?",
            "patients: unknown; each lesion then stands for itself",
            "usubjid: COLUMN",
        )
    add_day_zero(connection, views, proposal)
    add_readers(connection, loaded, views, proposal)
    add_sites(connection, loaded, views, proposal)
    add_words(connection, views, proposal)
    proposal.arms = arms_of(connection, loaded, views)
    proposal.entries = _unused_once(proposal.entries)


def _of_patients(views: list[View]) -> View | None:
    """The table that tells most of the patients, those of one row per patient first."""
    named = [view for view in views if "subject" in view.taken and view.kind not in _NO_PATIENTS]
    return max(
        named,
        key=lambda v: (v.kind == "patients", *demographics_in(v), v.name),
        default=None,
    )


def _unused_once(entries: list[Entry]) -> list[Entry]:
    """Names the unused columns of a file below its last entry, those that no entry uses."""
    used: dict[tuple[str, object], set[str]] = {}
    last: dict[tuple[str, object], int] = {}
    for place, entry in enumerate(entries):
        key = (entry.file, entry.options)
        used.setdefault(key, set()).update(columns_used(entry))
        last[key] = place
    joined = {
        (join["file"], name)
        for entry in entries
        for join in entry.joins
        for name in (*join["columns"].values(), *join["on"].values())
    }
    made = []
    for place, entry in enumerate(entries):
        key = (entry.file, entry.options)
        left = tuple(
            name
            for name in entry.unused
            if name not in used[key] and (entry.file, name) not in joined
        )
        made.append(replace(entry, unused=left if last[key] == place else ()))
    return made


def _chosen(
    connection: duckdb.DuckDBPyConnection, views: list[View], proposal: Proposal
) -> list[View]:
    """The tables that are used: of two that hold the same measurements, the fuller one."""
    used: list[View] = []
    for view in sorted(views, key=lambda v: (-len(v.taken), -v.table.stage.rows, v.name)):
        if view.kind == "none":
            proposal.not_read.append((view.name, view.why))
            continue
        if view.kind == "undated":
            columns = ", ".join(
                name
                for name, profile in view.profiles.items()
                if profile.whole > 0.95 and profile.distinct > 2
            )
            proposal.not_read.append((view.name, f"{view.why}; whole numbers are in {columns}"))
            continue
        twin = next((u for u in used if _is_twin(connection, u, view)), None)
        if twin is not None:
            proposal.ask(
                f"{view.name} and {twin.name} hold {view.kind} of the same patients. Are they two "
                "tables of one thing?",
                f"{twin.name} only",
                f"{view.name}",
            )
            proposal.not_read.append((view.name, f"{twin.name} holds {view.kind} too"))
            continue
        used.append(view)
    return used


def _is_twin(connection: duckdb.DuckDBPyConnection, one: View, other: View) -> bool:
    """Whether two tables of one kind have most of their subjects in common."""
    if one.kind != other.kind or one.kind in ("patients", "doses"):
        return False
    if "subject" not in one.taken or "subject" not in other.taken:
        return False
    mine = subject_values(connection, one)
    theirs = subject_values(connection, other)
    return len(mine & theirs) > 0.5 * min(len(mine), len(theirs))


def study_id_of(folder: Path) -> str:
    """A study_id from a folder's name: letters, digits and '_'."""
    text = re.sub(r"[^A-Za-z0-9._-]+", "_", folder.name).strip("._-").lower()
    return text or "my_study"
