"""Simulated trials written as a project would hold them, and the truth that made them beside it.

``directory/studies/<trial>/`` gets study.yml and one CSV per SDTM domain; ``directory/truth/`` gets
Parquet files that no step of the warehouse reads. The numbers come from a simulator registered
under the entry point group ``lesion_warehouse.simulators``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from warehouse.errors import LesionsError
from warehouse.simulation.defects import Planting, make_ragged, plant
from warehouse.simulation.lesion_tables import TOO_SMALL_MM, TOO_SMALL_TEXT
from warehouse.simulation.subjects import PATIENT, READERS, STYLES
from warehouse.simulation.tables import sdtm_tables
from warehouse.simulation.truth import write_truth

ENTRY_POINTS = "lesion_warehouse.simulators"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SimulationReport:
    """What was written."""

    directory: Path
    preset: str
    seed: int
    n_patients: int
    """Patients to be included; ``n_excluded`` more are to be excluded."""
    n_excluded: int
    n_target: int
    n_nontarget: int
    n_new: int
    n_measurements: int
    """Sizes of target lesions by the first reader, of included patients."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows written per domain."""
    n_defects: int = 0
    not_planted: tuple[str, ...] = ()
    """Defects for which these trials hold no suitable row."""
    truth: str = "truth"
    """Folder of the truth within the directory."""

    def __str__(self) -> str:
        lines = [
            f"Simulated {self.preset}, seed {self.seed}: {self.n_patients:,} patients "
            f"(and {self.n_excluded} to be excluded), {self.n_target:,} target, "
            f"{self.n_nontarget:,} non-target and {self.n_new:,} new lesions, "
            f"{self.n_measurements:,} sizes.",
            f"Trials in {self.directory / 'studies'}, truth in {self.directory / self.truth}.",
        ]
        if self.n_defects:
            lines.append(f"Planted {self.n_defects} defects; truth/defects.csv lists them.")
        if self.not_planted:
            lines.append(f"No suitable row for {', '.join(self.not_planted)}.")
        return "\n".join(lines)


def write_trials(
    directory: Path,
    preset: str,
    *,
    patients: int | None,
    seed: int,
    messy: bool = False,
    habits: bool = False,
    markers: bool = False,
    messages: bool = False,
    without: tuple[str, ...] = (),
    sequence_separation: float | None = None,
    truth: str = "truth",
    progress: Progress | None = None,
) -> SimulationReport:
    """Simulates a preset and writes it. The same arguments give the same bytes.

    Args:
        directory: gets ``studies`` and ``truth``.
        truth: the truth's folder within it.
        preset: name of a simulator's entry point (mcrc, hnscc).
        patients: to be included; None for full size.
        seed: of all random numbers.
        messy: plant the catalogue's defects and list them in ``truth/defects.csv``.
        habits: scans of a visit on several days, unscheduled ones, equivocal new lesions, local
            treatment, responses to earlier therapy, a second criterion and partial dates.
        markers: ctDNA every four weeks in two trials, from the true volume of the tumor (mcrc).
        messages: plant what the papers found (mcrc; ``docs/messages.md``).
        without: messages that are not planted.
        sequence_separation: plant groups of progression sequences, so far apart (0 to 1; 0.98 is
            clear); None plants none.
        progress: called with trials written and trials in all.

    Raises:
        LesionsError: unknown preset, fewer than 1 patient, habits together with defects or groups
            of sequences, markers with defects or of another preset, messages of another preset or
            an unknown one, or a trial's folder is there already.
    """
    if patients is not None and patients < 1:
        raise LesionsError(f"{patients} patients cannot be simulated. Ask for at least 1.")
    if habits and (messy or sequence_separation is not None):
        raise LesionsError(
            "Habits of real trials are not planted together with defects (--messy) or groups of "
            "sequences (--sequence-groups): these are placed in trials with one day per visit. "
            "Leave out --habits, or the other."
        )
    if markers and (messy or preset != "mcrc"):
        raise LesionsError(
            "Samples of ctDNA between scans (--markers) are simulated for the preset mcrc without "
            "defects (--messy). Leave out --markers, or the other."
        )
    if (messages or without) and preset != "mcrc":
        raise LesionsError(
            "What the papers found is planted in the preset mcrc only. Leave out --messages and "
            "--without."
        )
    options: dict[str, Any] = {}
    if sequence_separation is not None:
        options["sequence_separation"] = sequence_separation
    if habits:
        options["has_habits"] = True
    if markers:
        options["has_markers"] = True
    if messages:
        options["has_messages"] = True
    if without:
        options["without"] = without
    try:
        numbers = _simulator(preset)(patients, seed, **options)
    except ValueError as error:
        if not without:
            raise
        raise LesionsError(f"{error}.") from error
    return write_numbers(
        directory, numbers, messy=messy, truth=truth, progress=progress or (lambda *_: None)
    )


def write_numbers(
    directory: Path,
    numbers: Any,
    *,
    messy: bool = False,
    truth: str = "truth",
    progress: Progress = lambda *_: None,
) -> SimulationReport:
    """Writes what a simulator returned; see :func:`write_trials`."""
    study_ids = [str(x) for x in numbers.studies["study_id"]]
    for study_id in study_ids:
        if (directory / "studies" / study_id).exists():
            raise LesionsError(
                f"{directory / 'studies' / study_id} is there already. Simulate into another "
                "folder, or remove it first."
            )
    tables = {
        name: by_trial(table, numbers)
        for name, table in sdtm_tables(numbers).items()
        # Defects are of the other tables; a subject renamed there would be lost to this one.
        if not (messy and name == "rf")
    }
    truth_folder = directory / truth
    truth_folder.mkdir(parents=True, exist_ok=True)
    planting = _plant(tables, numbers, truth_folder) if messy else Planting()
    rows: dict[str, int] = {}
    for number, study_id in enumerate(study_ids):
        progress(number + 1, len(study_ids))
        if not tables["dm"][number].num_rows:
            continue  # so few patients that this trial has none
        folder = directory / "studies" / study_id
        folder.mkdir(parents=True)
        (folder / "study.yml").write_text(study_document(numbers, number), encoding="utf-8")
        for domain, parts in tables.items():
            if parts[number].num_rows:
                _write_csv(parts[number], folder / f"{domain}.csv")
                rows[domain] = rows.get(domain, 0) + parts[number].num_rows
        for file in (folder / f"{domain}.csv" for domain in tables):
            for row in sorted(planting.ragged.get((study_id, file.name), ())):
                make_ragged(file, row)
    write_truth(truth_folder, numbers, messy)
    return _report(directory, truth, numbers, rows, planting)


def _plant(tables: dict[str, list[pa.Table]], numbers: Any, truth: Path) -> Planting:
    """Plants the catalogue's defects and lists them in ``truth``."""
    planting = plant(
        tables,
        [str(x) for x in numbers.studies["study_id"]],
        [READERS if has_two else READERS[1:] for has_two in numbers.studies["has_two_readers"]],
        numbers.seed,
    )
    _write_csv(pa.Table.from_pylist(planting.lines), truth / "defects.csv")
    return planting


def _simulator(preset: str) -> Callable[..., Any]:
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if preset not in found:
        known = ", ".join(sorted(found)) or "none is installed"
        raise LesionsError(
            f"There is no simulator called {preset!r} (known: {known}). Simulators are found by "
            f"the entry point group {ENTRY_POINTS}; reinstall lesion-warehouse if its own are "
            "missing."
        )
    simulator: Callable[[int | None, int], Any] = found[preset].load()
    return simulator


def by_trial(table: pa.Table, numbers: Any) -> list[pa.Table]:
    """One table per trial; rows are sorted by patient and patients by trial."""
    n_trials = len(numbers.studies["study_id"])
    trial = numbers.patients["trial"][table[PATIENT].to_numpy()]
    edges = np.searchsorted(trial, np.arange(n_trials + 1))
    bare = table.drop_columns([PATIENT])
    return [bare.slice(a, b - a) for a, b in pairwise(edges)]


def _write_csv(table: pa.Table, file: Path) -> None:
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(table, file, options)


def study_document(numbers: Any, number: int) -> str:
    """study.yml of one trial."""
    studies, arms = numbers.studies, numbers.arms
    style = STYLES[number % len(STYLES)]
    readers = READERS if studies["has_two_readers"][number] else READERS[1:]
    lines = [
        f"study_id: {studies['study_id'][number]}",
        f"title: {json.dumps('Simulated: ' + str(studies['title'][number]))}",
        f"tumor_type: {numbers.tumor_type}",
        'phase: "3"',
        "layout: sdtm",
        "day_convention: sdtm",
        f"line_of_therapy: {studies['line_of_therapy'][number]}",
        f"readers: {json.dumps(list(readers))}",
    ]
    if style.has_too_small_text:
        lines.append(f"too_small: {{values: [{TOO_SMALL_TEXT}], becomes_mm: {TOO_SMALL_MM}}}")
    lines.append("arms:")
    for i in np.flatnonzero(arms["trial"] == number):
        flags = [
            f"{name}: {str(bool(arms[name][i])).lower()}"
            for name in ("has_bevacizumab", "has_panitumumab")
        ]
        lines += [
            f"  {arms['arm'][i]}:",
            f"    {{treatment: {arms['arm'][i]}, treatment_class: {arms['treatment_class'][i]}, "
            f"backbone: {arms['backbone'][i]}, {', '.join(flags)}}}",
        ]
    return "\n".join(lines) + "\n"


def _report(
    directory: Path, truth: str, numbers: Any, rows: Mapping[str, int], planting: Planting
) -> SimulationReport:
    is_included = numbers.patients["excluded"] == ""
    lesions, m = numbers.lesions, numbers.measurements
    counted = is_included[lesions["patient"]] & (lesions["reader"] == 1)
    kinds = {
        kind: int((counted & (lesions["type"] == kind)).sum())
        for kind in ("target", "non-target", "new")
    }
    sizes = m["is_done"] & (m["reader"] == 1) & is_included[m["patient"]]
    return SimulationReport(
        directory=directory,
        truth=truth,
        preset=numbers.preset,
        seed=numbers.seed,
        n_patients=int(is_included.sum()),
        n_excluded=int((~is_included).sum()),
        n_target=kinds["target"],
        n_nontarget=kinds["non-target"],
        n_new=kinds["new"],
        n_measurements=int(sizes.sum()),
        rows=dict(rows),
        n_defects=len({line["defect_id"] for line in planting.lines}),
        not_planted=tuple(planting.skipped),
    )


__all__ = ["SimulationReport", "write_numbers", "write_trials"]
