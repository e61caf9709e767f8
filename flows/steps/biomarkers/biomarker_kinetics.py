"""How fast biomarkers rise and fall: lines through their logarithms, by patient and population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

    from udfs.biomarkers import Lines, MixedLines

COURSE = """
SELECT
    course.patient_id,
    course.test,
    CASE WHEN course.day <= {early} THEN 'early' ELSE 'late' END AS time_window,
    course.day,
    course.value,
    course.is_below_limit,
    marker.kind
FROM analysis.biomarker_course AS course
INNER JOIN staging.biomarker AS marker ON course.test = marker.marker
WHERE course.is_baseline OR course.is_after_baseline
ORDER BY course.test, time_window, course.patient_id, course.day
"""
KINETICS = declared("analysis.biomarker_kinetics")
POPULATION = declared("analysis.biomarker_population")
COUNTS = "a count of cells has no line"
TOO_FEW = "fewer than 10 patients with two results"
NO_LIMIT = "a result below a limit of 0"
MAX_CORRELATION = 0.99
"""Of levels and slopes. Beyond it the data tell no correlation: the two are fitted as independent,
and the row has none."""


@step(
    name="biomarker_kinetics",
    reads=("analysis.biomarker_course", "staging.biomarker"),
    writes=(KINETICS, POPULATION),
    settings=("biomarkers.early_days", "survival.confidence"),
)
def biomarker_kinetics(context: StepContext) -> dict[str, pa.Table]:
    """Slopes with results below the limit as such, in two windows fixed by the calendar."""
    early = int(context.setting("biomarkers.early_days"))
    confidence = confidence_level(context)
    patients: list[dict[str, Any]] = []
    populations: list[dict[str, Any]] = []
    for names, rows in context.frame(COURSE.format(early=early)).groupby(
        ["test", "time_window"], sort=True
    ):
        key = dict(zip(("test", "time_window"), names, strict=True))
        one, population = _window(key, rows, confidence)
        patients += one
        populations.append(population)
    return {
        KINETICS.name: context.table(KINETICS.name, patients),
        POPULATION.name: context.table(POPULATION.name, populations),
    }


def _window(
    key: dict[str, str], rows: pd.DataFrame, confidence: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from udfs.biomarkers import left_censored_lines, mixed_lines

    names, first = np.unique(rows["patient_id"].to_numpy(str), return_index=True)
    offsets = np.append(first, len(rows))
    is_count = bool((rows["kind"] == "cells").any())
    value = rows["value"].to_numpy(float)
    if is_count or (value <= 0).any():
        reason = COUNTS if is_count else NO_LIMIT
        return _refused(key, rows, names.tolist(), offsets, reason)
    series = (
        np.log(value), rows["day"].to_numpy(float), rows["is_below_limit"].to_numpy(bool), offsets
    )  # fmt: skip
    lines, population = left_censored_lines(*series), mixed_lines(*series)
    if population is not None and abs(population.correlation) > MAX_CORRELATION:
        population = mixed_lines(*series, is_correlated=False)
    return (
        _patient_rows(key, names.tolist(), lines, population, confidence),
        _population_row(key, len(names), rows, population, confidence),
    )


def _refused(
    key: dict[str, str], rows: pd.DataFrame, names: list[str], offsets: Any, reason: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    below = np.add.reduceat(rows["is_below_limit"].to_numpy(np.int64), offsets[:-1])
    length = np.diff(offsets)
    patients = [
        {**key, "patient_id": name, "n_results": int(n), "n_above_limit": int(n - b),
         **dict.fromkeys(LINE), **dict.fromkeys(CONDITIONAL), "reason": reason}
        for name, n, b in zip(names, length, below, strict=True)
    ]  # fmt: skip
    return patients, _population_row(key, len(names), rows, None, 0.95) | {"reason": reason}


LINE = (
    "slope_per_day", "slope_lower", "slope_upper", "sigma", "loglik",
    "direction", "days_to_double_or_halve", "days_lower", "days_upper",
)  # fmt: skip
CONDITIONAL = ("slope_conditional_mean", "slope_conditional_sd")


def _time_to_double(slope: float, lower: float, upper: float) -> dict[str, Any]:
    """log 2 over the slope, with limits where those of the slope are on one side of 0.

    Where they are not, the time may be either side of infinity: doubling or halving.
    """
    limits: tuple[float | None, float | None]
    if lower <= 0 <= upper:
        direction, limits = "doubling or halving", (None, None)
    else:
        direction = "doubling" if slope > 0 else "halving"
        ends = sorted((np.log(2) / abs(lower), np.log(2) / abs(upper)))
        limits = (float(ends[0]), float(ends[1]))
    return {
        "direction": direction,
        "days_to_double_or_halve": float(np.log(2) / abs(slope)) if slope else None,
        "days_lower": limits[0],
        "days_upper": limits[1],
    }


def _patient_rows(
    key: dict[str, str],
    names: list[str],
    lines: Lines,
    population: MixedLines | None,
    confidence: float,
) -> list[dict[str, Any]]:
    lower, upper = lines.slope_interval(confidence)
    rows = []
    for i, name in enumerate(names):
        row: dict[str, Any] = {**key, "patient_id": name}
        row |= {"n_results": int(lines.n_results[i]), "n_above_limit": int(lines.n_seen[i])}
        row |= dict.fromkeys(LINE) | dict.fromkeys(CONDITIONAL) | {"reason": lines.reason[i]}
        if lines.reason[i] == "evaluable":
            slope, low, high = float(lines.slope[i]), float(lower[i]), float(upper[i])
            row |= {"slope_per_day": slope, "slope_lower": low, "slope_upper": high}
            row |= {"sigma": float(lines.sigma[i]), "loglik": float(lines.loglik[i])}
            row |= _time_to_double(slope, low, high) | {"reason": None}
        if population is not None:
            row["slope_conditional_mean"] = float(population.slope[i])
            row["slope_conditional_sd"] = float(population.slope_sd_given[i])
        rows.append(row)
    return rows


def _population_row(
    key: dict[str, str],
    n_patients: int,
    rows: pd.DataFrame,
    found: MixedLines | None,
    confidence: float,
) -> dict[str, Any]:
    row: dict[str, Any] = {**key, "n_patients": n_patients, "n_results": len(rows)}
    row |= {"n_below_limit": int(rows["is_below_limit"].sum())}
    estimates = (
        "intercept_mean", "slope_mean", "slope_error", "intercept_sd", "slope_sd", "correlation",
        "sigma", "loglik",
    )  # fmt: skip
    if found is None:
        return row | dict.fromkeys(
            ("slope_lower", "slope_upper", *LINE[5:], *estimates, "is_converged")
        ) | {"reason": TOO_FEW}  # fmt: skip
    lower, upper = found.interval(confidence)
    row |= {name: _finite(getattr(found, name)) for name in estimates}
    if not found.is_correlated:
        row["correlation"] = None
    row |= {"slope_lower": _finite(lower), "slope_upper": _finite(upper)}
    row |= {"is_converged": found.is_converged, "reason": None}
    if np.isfinite(lower):
        return row | _time_to_double(found.slope_mean, lower, upper)
    return row | dict.fromkeys(LINE[5:]) | {"reason": "a variance is 0 at the maximum"}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
