"""Planting the catalogue's defects in simulated trials, each where it can be found again.

Subjects are shared out so that no two defects touch the same rows.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.contents import content_folder
from warehouse.simulation import (  # noqa: F401  (they register their planters)
    identity_defects,
    plausibility_defects,
    row_defects,
    size_defects,
    time_defects,
)
from warehouse.simulation.planters import (
    EVERYTHING,
    LESION,
    PLANTERS,
    Change,
    Planted,
    _Registered,
)
from warehouse.simulation.sheets import Sheet, Trial

LARGE = 400
"""From so many patients on each defect is planted twice, in different trials where possible."""


@dataclass
class Planting:
    """Result: lines for defects.csv, defects that found no place, records to make ragged."""

    lines: list[dict[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    ragged: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """(study, file) -> rows."""


def catalogue() -> dict[str, dict[str, str]]:
    """The catalogue of defects (seed quality.defect), by id."""
    file = content_folder("sql") / "seeds" / "quality.defect.csv"
    with Path(file).open(encoding="utf-8", newline="") as lines:
        return {row["defect_id"]: row for row in csv.DictReader(lines)}


def plant(
    tables: dict[str, list[pa.Table]],
    study_ids: Sequence[str],
    readers: Sequence[Sequence[str]],
    seed: int,
) -> Planting:
    """Plants every defect that the catalogue calls planted; changes ``tables``.

    Args:
        tables: domain -> one table per trial; gains the domain ae.
        study_ids: of the trials.
        readers: of each trial, the analysed one first.
        seed: decides who gets which defect.
    """

    trials = [
        _open(tables, number, study_id, readers[number])
        for number, study_id in enumerate(study_ids)
    ]
    n_patients = sum(len(trial.subjects) for trial in trials)
    repeats = 2 if n_patients >= LARGE and len(trials) > 1 else 1
    rng = np.random.default_rng([seed, 777])
    result = Planting()
    found: list[tuple[str, Trial, str, Planted]] = []
    for number, registered in enumerate(sorted(PLANTERS, key=_difficulty)):
        done: list[Trial] = []
        for repeat in range(repeats):
            order = np.roll(np.arange(len(trials)), -(number + repeat * 3))
            others = [trials[i] for i in order if trials[i] not in done]
            placed = _place(registered, others + done, rng)
            if placed is None:
                continue
            trial, subject, change = placed
            done.append(trial)
            found += [(registered.defect_id, trial, subject, place) for place in change.places]
        if not done:
            result.skipped.append(registered.defect_id)
    _close(tables, trials)
    _list(result, found)
    return result


def _difficulty(registered: _Registered) -> tuple[int, str]:
    """Those that need a whole subject choose first."""
    scope = registered.scope
    rank = 0 if EVERYTHING in scope else 1 if registered.needs_two_readers else 2
    return (rank if LESION not in scope else 3, registered.defect_id)


def _open(
    tables: dict[str, list[pa.Table]], number: int, study_id: str, readers: Sequence[str]
) -> Trial:
    sheets = {
        domain: Sheet(parts[number]) for domain, parts in tables.items() if parts[number].num_rows
    }
    dm = tables["dm"][number]
    subjects = [str(x) for x in dm["USUBJID"].to_pylist()]
    arms = set(zip(dm["ARMCD"].to_pylist(), dm["ARM"].to_pylist(), strict=True))
    return Trial(study_id, sheets, subjects, readers[0], len(readers), sorted(arms))


def _place(
    registered: _Registered, trials: list[Trial], rng: np.random.Generator
) -> tuple[Trial, str, Change] | None:
    """The first trial and subject, the least used ones first, that suit."""
    for trial in trials:
        if registered.needs_two_readers and trial.n_readers < 2:
            continue
        shuffled = [trial.subjects[i] for i in rng.permutation(len(trial.subjects))]
        for subject in sorted(shuffled, key=lambda s: len(trial.used.get(s, ()))):
            if not _is_open(trial.used.get(subject, set()), registered.scope):
                continue
            change = registered.plant(trial, subject, rng)
            if change is not None:
                occupied = (registered.scope - {LESION}) | set(change.labels)
                trial.used.setdefault(subject, set()).update(occupied)
                return trial, subject, change
    return None


def _is_open(used: set[str], scope: frozenset[str]) -> bool:
    """Whether a defect of this scope can share the subject with what is there."""
    if EVERYTHING in used or (EVERYTHING in scope and used):
        return False
    tables = {"dm", "suppdm", "arm", "death", "ex", "ds", "ss", "pr", "lb", "rs", "tr", "ae"}
    has_lesions = bool(used - tables)
    if LESION in scope and "tr" in used:
        return False
    if "tr" in scope and has_lesions:
        return False
    return not (used & scope)


def _close(tables: dict[str, list[pa.Table]], trials: list[Trial]) -> None:
    """Puts the sheets back as tables."""
    for number, trial in enumerate(trials):
        for domain, sheet in trial.sheets.items():
            if domain not in tables:
                tables[domain] = [pa.table({}) for _ in trials]
            tables[domain][number] = sheet.finish()


def _list(result: Planting, found: list[tuple[str, Trial, str, Planted]]) -> None:
    known = catalogue()
    for defect_id, trial, subject, place in sorted(
        found, key=lambda x: (x[0], x[1].study_id, x[3].domain, x[3].row.number)
    ):
        entry = known[defect_id]
        result.lines.append(
            {
                "defect_id": defect_id,
                "study": trial.study_id,
                "file": f"{place.domain}.csv",
                "row": str(place.row.number),
                "subject": place.row["USUBJID"] or subject,
                "column": place.column,
                "planted_value": place.value or "",
                "original_value": place.original or "",
                "detectable": entry["is_detectable"],
                "how": entry["rule"] or entry["reason_undetectable"],
            }
        )
        if place.is_ragged:
            key = (trial.study_id, f"{place.domain}.csv")
            result.ragged.setdefault(key, []).append(place.row.number)


def make_ragged(file: Path, row: int) -> None:
    """Gives a record of a CSV file one field more than its header names."""
    lines = file.read_bytes().split(b"\n")
    lines[row] += b',"extra"'
    file.write_bytes(b"\n".join(lines))
