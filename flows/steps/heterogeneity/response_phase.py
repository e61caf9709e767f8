"""Response phases of target lesions and of their patients' sums of diameters (Zhou 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.heterogeneity.phases import (
    BASELINE_ZERO,
    NO_LATER_SCAN,
    NOT_MEASURED,
    ResponsePhases,
    SumSeries,
    consistent_with_total,
    response_phases,
    sum_carried_forward,
    sum_over_complete_days,
)
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step
from warehouse.result_tables import result_table

LESION_REASONS = {
    NOT_MEASURED: "no diameter at baseline",
    NO_LATER_SCAN: "no diameter after baseline",
    BASELINE_ZERO: "diameter of 0 at baseline",
}
PATIENT_REASONS = {
    NOT_MEASURED: "no lesion with phases",
    NO_LATER_SCAN: "no day after baseline with every lesion measured",
}

RULES = ("response_ratio", "relapse_ratio", "relapse_reference", "mixed_response", "threshold_day")
PHASE_SETTINGS = tuple(f"phases.{name}" for name in RULES)
"""The settings that ``phase_rules`` reads."""

LESIONS = """
SELECT
    lesion.lesion_id,
    lesion.patient_id,
    row_number() OVER (ORDER BY lesion.lesion_id) - 1 AS lesion_index,
    CASE
        WHEN lesion.patient_id IS NULL THEN -1
        ELSE dense_rank() OVER (ORDER BY lesion.patient_id NULLS LAST) - 1
    END AS patient_index
FROM core.lesion AS lesion
WHERE lesion.lesion_type = 'target' AND lesion.is_analysed
ORDER BY lesion.lesion_id
"""

SCANS = f"""
WITH target_lesion AS ({LESIONS})

SELECT
    target_lesion.lesion_index,
    CAST(measurement.day AS DOUBLE) AS day,
    CAST(measurement.diameter_mm AS DOUBLE) AS diameter_mm
FROM target_lesion
INNER JOIN core.lesion AS lesion ON target_lesion.lesion_id = lesion.lesion_id
INNER JOIN core.measurement AS measurement ON target_lesion.lesion_id = measurement.lesion_id
LEFT JOIN analysis.lesion_cutoff AS cutoff ON target_lesion.lesion_id = cutoff.lesion_id
WHERE
    measurement.day >= lesion.baseline_day
    AND measurement.diameter_mm IS NOT NULL
    AND coalesce(measurement.day < cutoff.cutoff_day, TRUE)
QUALIFY min(measurement.day) OVER (PARTITION BY target_lesion.lesion_index) = lesion.baseline_day
ORDER BY target_lesion.lesion_index, measurement.day
"""

PHASE_COLUMNS = (
    "has_response",
    "has_stable",
    "has_relapse",
    "time_to_response_days",
    "stable_days",
    "relapse_days",
    "follow_up_days",
    "nadir_ratio",
    "last_ratio",
    "is_mixed_response",
)
"""What is said of each lesion and sum (analysis.lesion_phase)."""

LESION_PHASE = declared("analysis.lesion_phase")
PATIENT_PHASE = declared("analysis.patient_phase")


@dataclass(frozen=True)
class _Sums:
    """The patients' sums, and their phases in the order of all patients."""

    phases: ResponsePhases
    n_lesions: NDArray[np.int64]
    n_scans: NDArray[np.int64]
    baseline_mm: NDArray[np.float64]


@step(
    name="response_phase",
    reads=("core.lesion", "core.measurement", "analysis.lesion_cutoff"),
    writes=(LESION_PHASE, PATIENT_PHASE),
    settings=(*PHASE_SETTINGS, "phases.sum_days"),
)
def response_phase(context: StepContext) -> dict[str, pa.Table]:
    """Phases of every analysed target lesion, of every patient's sum, and whether they agree.

    Raises:
        LesionsError: a setting is out of range.
    """
    rules = phase_rules(context)
    lesions = context.arrow(LESIONS)
    scans = context.arrow(SCANS)
    patient = lesions["patient_index"].to_numpy().astype(np.int64)
    patient_ids = _distinct_patients(lesions)

    n_scans = np.bincount(scans["lesion_index"].to_numpy(), minlength=patient.size)
    offsets = np.concatenate(([0], np.cumsum(n_scans)))
    day, diameter = scans["day"].to_numpy(), scans["diameter_mm"].to_numpy()
    phases = response_phases(day, diameter, offsets, **rules)
    summed = np.where(phases.is_evaluable, patient, -1)
    carries = context.setting("phases.sum_days") == "carried_forward"
    add_up = sum_carried_forward if carries else sum_over_complete_days
    series = add_up(summed, day, diameter, offsets)
    sums = _sums(series, len(patient_ids), rules)

    totals = sums.phases.take(patient)
    is_compared = phases.is_evaluable & totals.is_evaluable
    is_consistent = consistent_with_total(phases, totals)
    n_inconsistent = np.bincount(patient[is_compared & ~is_consistent], minlength=len(patient_ids))
    _say_what_is_left_out(context, phases, patient)
    return {
        LESION_PHASE.name: context.table(
            LESION_PHASE.name,
            {
                "lesion_id": lesions["lesion_id"],
                "patient_id": lesions["patient_id"],
                **phase_columns(phases),
                "is_consistent_with_total": pa.array(is_consistent, mask=~is_compared),
                "n_scans": pa.array(n_scans),
                "exclusion_reason": _reasons(phases, LESION_REASONS),
            },
        ),
        PATIENT_PHASE.name: _patient_table(patient_ids, sums, n_inconsistent),
    }


def _patient_table(
    patient_ids: pa.Array, sums: _Sums, n_inconsistent: NDArray[np.int64]
) -> pa.Table:
    unknown = ~sums.phases.is_evaluable
    return result_table(
        PATIENT_PHASE,
        {
            "patient_id": patient_ids,
            **phase_columns(sums.phases),
            "n_lesions": pa.array(sums.n_lesions),
            "n_inconsistent_lesions": pa.array(n_inconsistent, mask=unknown),
            "n_scans": pa.array(sums.n_scans),
            "baseline_sum_mm": pa.array(sums.baseline_mm, from_pandas=True),
            "exclusion_reason": _reasons(sums.phases, PATIENT_REASONS),
        },
    )


def phase_rules(context: StepContext) -> dict[str, Any]:
    """The rules of ``response_phases`` from the settings.

    Raises:
        LesionsError: a setting is out of range.
    """
    rules = {name: context.setting(f"phases.{name}") for name in RULES}
    if not 0 < rules["response_ratio"] < 1:
        raise LesionsError(
            f"phases.response_ratio = {rules['response_ratio']} in lesions.toml must lie between "
            "0 and 1: it is the share of the baseline size down to which a lesion must shrink. "
            "The default is 0.7."
        )
    if not 1 <= rules["relapse_ratio"] < np.inf:
        raise LesionsError(
            f"phases.relapse_ratio = {rules['relapse_ratio']} in lesions.toml must be 1 or more: "
            "it is the share of the smallest size above which a lesion has regrown. "
            "The default is 1.2."
        )
    return rules


def _distinct_patients(lesions: pa.Table) -> pa.Array:
    """Patient ids in the order of their index."""
    index = lesions["patient_index"].to_numpy()
    indices, rows = np.unique(index, return_index=True)
    return lesions["patient_id"].take(pa.array(rows[indices >= 0])).combine_chunks()


def _sums(series: SumSeries, n_patients: int, rules: dict[str, Any]) -> _Sums:
    phases = response_phases(series.day, series.size, series.offsets, **rules)
    place = np.full(n_patients, -1, dtype=np.int64)
    place[series.patient] = np.arange(series.patient.size)
    n_lesions, n_scans = np.zeros((2, n_patients), dtype=np.int64)
    n_lesions[series.patient] = series.n_lesions
    n_scans[series.patient] = np.diff(series.offsets)
    baseline = np.full(n_patients, np.nan)
    baseline[series.patient] = series.size[series.offsets[:-1]]
    return _Sums(phases.take(place), n_lesions, n_scans, baseline)


def phase_columns(phases: ResponsePhases) -> dict[str, pa.Array]:
    """The columns of ``PHASE_COLUMNS``; null where there are no phases."""
    unknown = ~phases.is_evaluable
    columns = {name: getattr(phases, name) for name in PHASE_COLUMNS if hasattr(phases, name)}
    columns["is_mixed_response"] = phases.is_mixed
    return {name: pa.array(columns[name], mask=unknown) for name in PHASE_COLUMNS}


def _reasons(phases: ResponsePhases, texts: dict[int, str]) -> pa.Array:
    return pa.array([texts.get(status) for status in phases.status.tolist()], type=pa.string())


def _say_what_is_left_out(
    context: StepContext, phases: ResponsePhases, patient: NDArray[np.int64]
) -> None:
    for status, reason in LESION_REASONS.items():
        count = int((phases.status == status).sum())
        if count:
            context.note(f"{_lesions(count)} without phases: {reason}")
    unknown = int((patient < 0).sum())
    if unknown:
        context.note(
            f"{_lesions(unknown)} of unknown patients: phases of their own, but no sum to "
            "compare them with"
        )


def _lesions(count: int) -> str:
    return f"{count} target lesion{'' if count == 1 else 's'}"
