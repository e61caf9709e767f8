"""How the target lesions of each organ of a patient responded together (Zhou 2021, Fig. 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.steps.heterogeneity.response_phase import (
    PHASE_SETTINGS,
    SCANS,
    phase_columns,
    phase_rules,
)
from udfs.heterogeneity.phases import (
    THRESHOLD_TOLERANCE,
    ResponsePhases,
    SumSeries,
    response_phases,
    sum_carried_forward,
    sum_over_complete_days,
)
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step

COMPLEMENTS = ("liver", "lung", "ln")
"""Organ classes whose patients' other organs are summed too."""

ORGAN_SETTINGS = (
    *PHASE_SETTINGS,
    "phases.sum_days",
    "heterogeneity.shrinkage_percent",
    "heterogeneity.organ_shrinkage",
)
"""The settings that ``organ_sums`` reads."""

LESIONS = """
SELECT
    lesion.lesion_id,
    lesion.patient_id,
    CASE WHEN lesion.patient_id IS NULL THEN -1
         ELSE dense_rank() OVER (ORDER BY lesion.patient_id NULLS LAST) - 1 END AS patient_index,
    lesion.patient_id IS NOT NULL AND phase.nadir_ratio IS NOT NULL AS is_counted,
    pooled_organ.organ_class,
    coalesce(phase.nadir_ratio, 'nan'::DOUBLE) AS nadir_ratio
FROM core.lesion AS lesion
INNER JOIN analysis.lesion_phase AS phase ON lesion.lesion_id = phase.lesion_id
INNER JOIN analysis.pooled_organ AS pooled_organ ON lesion.organ = pooled_organ.organ
WHERE lesion.lesion_type = 'target' AND lesion.is_analysed
ORDER BY lesion.lesion_id
"""

ORGAN_PHASE = declared("analysis.organ_phase")


@step(
    name="organ_phase",
    reads=(
        "core.lesion",
        "core.measurement",
        "analysis.lesion_phase",
        "analysis.lesion_cutoff",
        "analysis.pooled_organ",
    ),
    writes=(ORGAN_PHASE,),
    settings=ORGAN_SETTINGS,
)
def organ_phase(context: StepContext) -> dict[str, pa.Table]:
    """Phases of the sum of each organ of each patient, and of all organs but one.

    Raises:
        LesionsError: a setting is out of range.
    """
    lesions = context.arrow(LESIONS)
    counted = lesions["is_counted"].to_numpy()
    nadir = lesions["nadir_ratio"].to_numpy()
    sums = organ_sums(context, lesions, counted, nadir, Scans.read(context, lesions.num_rows))
    series, phases, sets = sums.series, sums.phases, sums.sets
    return {
        ORGAN_PHASE.name: context.table(
            ORGAN_PHASE.name,
            {
                "patient_id": sums.patient_id,
                "organ_set": pa.array(sets, type=pa.string()),
                "is_complement": pa.array([s.startswith("not ") for s in sets], type=pa.bool_()),
                "n_lesions": pa.array(series.n_lesions),
                "baseline_sum_mm": pa.array(series.size[series.offsets[:-1]]),
                **phase_columns(phases),
                "is_carried_forward": pa.array(sums.is_carried),
                "n_shrunk_lesions": pa.array(sums.n_shrunk),
                "is_shrunk": pa.array(sums.is_shrunk, mask=~phases.is_evaluable),
            },
        )
    }


@dataclass(frozen=True)
class Scans:
    """Diameters of the target lesions, one lesion after the other by lesion_id."""

    day: NDArray[np.float64]
    diameter: NDArray[np.float64]
    """(s,) mm."""
    offsets: NDArray[np.int64]
    """(n + 1,) where each lesion begins."""

    @classmethod
    def read(cls, context: StepContext, n_lesions: int, until: float = np.inf) -> Scans:
        """Scans up to and with a day."""
        rows = context.arrow(SCANS)
        day, diameter = rows["day"].to_numpy(), rows["diameter_mm"].to_numpy()
        known = day <= until
        n_scans = np.bincount(rows["lesion_index"].to_numpy()[known], minlength=n_lesions)
        return cls(day[known], diameter[known], np.concatenate(([0], np.cumsum(n_scans))))


@dataclass(frozen=True)
class OrganSums:
    """Sums of diameters of sets of organs, one per patient and set."""

    patient_id: pa.ChunkedArray
    sets: list[str]
    series: SumSeries
    phases: ResponsePhases
    is_carried: NDArray[np.bool_]
    n_shrunk: NDArray[np.int64]
    is_shrunk: NDArray[np.bool_]
    """Means nothing where the phases are not evaluable."""


def organ_sums(
    context: StepContext,
    lesions: pa.Table,
    counted: NDArray[np.bool_],
    nadir: NDArray[np.float64],
    scans: Scans,
) -> OrganSums:
    """The sums of the lesions that count.

    Args:
        lesions: rows of ``LESIONS``.
        counted: (n,) lesions with phases.
        nadir: (n,) their smallest size over baseline.
        scans: of the same lesions.

    Raises:
        LesionsError: a setting is out of range.
    """
    rules = phase_rules(context)
    percent = context.setting("heterogeneity.shrinkage_percent")
    if not 0 <= percent < 100:
        raise LesionsError(
            f"heterogeneity.shrinkage_percent = {percent} in lesions.toml must be 0 or more and "
            "below 100: it is the decrease beyond which an organ shrank. The default is 30."
        )
    lesion, owner, sets = _owners(lesions, counted)
    rows, bounds = _repeated(lesion, scans.offsets)
    day, diameter = scans.day, scans.diameter
    always = context.setting("phases.sum_days") == "carried_forward"
    carried = sum_carried_forward(owner, day[rows], diameter[rows], bounds)
    complete = sum_over_complete_days(owner, day[rows], diameter[rows], bounds)
    is_carried = np.full(carried.patient.size, always) | (np.diff(complete.offsets) < 2)
    series = _chosen(complete, carried, is_carried)
    phases = response_phases(series.day, series.size, series.offsets, **rules)

    below = (1 - percent / 100) * (1 - THRESHOLD_TOLERANCE)
    n_shrunk = np.bincount(owner[nadir[lesion] < below], minlength=series.patient.size)
    shrunk = _is_shrunk(
        context.setting("heterogeneity.organ_shrinkage"), phases, below, n_shrunk, series.n_lesions
    )
    _, first = np.unique(owner, return_index=True)
    patient_id = lesions["patient_id"].take(pa.array(lesion[first]))
    return OrganSums(patient_id, sets, series, phases, is_carried, n_shrunk, shrunk)


def _owners(
    lesions: pa.Table, is_counted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Lesions by the sums that they belong to.

    Returns:
        (k,) rows of lesions, a lesion being there for its organ and for each complement; (k,) the
        sum each belongs to, numbered by patient and name; the sums' names, by number.
    """
    counted = np.flatnonzero(is_counted)
    patient = lesions["patient_index"].to_numpy().astype(np.int64)[counted]
    organ = np.asarray(lesions["organ_class"].to_pylist(), dtype=object)[counted]
    parts = [(counted, patient, organ)]
    for name in COMPLEMENTS:
        outside = organ != name
        names = np.full(int(outside.sum()), f"not {name}", dtype=object)
        parts.append((counted[outside], patient[outside], names))
    lesion, patients, names = (np.concatenate(column) for column in zip(*parts, strict=True))
    kinds, kind = np.unique(names.astype(str), return_inverse=True)
    codes, owner = np.unique(patients * max(kinds.size, 1) + kind, return_inverse=True)
    return lesion, owner, [str(kinds[code % kinds.size]) for code in codes]


def _repeated(
    lesion: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the scans of the lesions given, one after the other, and where each lesion begins."""
    length = np.diff(offsets)[lesion]
    bounds = np.concatenate(([0], np.cumsum(length)))
    rows = np.arange(bounds[-1]) + np.repeat(offsets[lesion] - bounds[:-1], length)
    return rows, bounds


def _chosen(first: SumSeries, second: SumSeries, takes_second: NDArray[np.bool_]) -> SumSeries:
    """The second series of the sums where that is wanted, the first of the others."""
    length = np.where(takes_second, np.diff(second.offsets), np.diff(first.offsets))
    begin = np.where(takes_second, second.offsets[:-1] + first.day.size, first.offsets[:-1])
    offsets = np.concatenate(([0], np.cumsum(length)))
    rows = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], length)
    return SumSeries(
        patient=first.patient,
        offsets=offsets,
        day=np.concatenate((first.day, second.day))[rows],
        size=np.concatenate((first.size, second.size))[rows],
        n_lesions=first.n_lesions,
    )


def _is_shrunk(
    rule: str,
    phases: ResponsePhases,
    below: float,
    n_shrunk: NDArray[np.int64],
    n_lesions: NDArray[np.int64],
) -> NDArray[np.bool_]:
    if rule == "every_lesion":
        return np.asarray(n_shrunk == n_lesions)
    if rule == "any_lesion":
        return np.asarray(n_shrunk > 0)
    return np.asarray(phases.nadir_ratio < below)
