"""Restricted mean survival of each planned group, and its difference from the first group's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import (
    READS,
    Analysis,
    analyses_of,
    confidence_level,
)
from udfs.survival import RestrictedMean, kaplan_meier, restricted_difference, restricted_mean
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

SURVIVAL_RMST = declared("analysis.survival_rmst")
DIFFERENCE = (
    "difference_days",
    "difference_standard_error",
    "difference_lower",
    "difference_upper",
)
"""From the first group; NULL for it."""


@step(
    name="survival_rmst",
    reads=READS,
    writes=(SURVIVAL_RMST,),
    settings=("survival.rmst_days", "survival.confidence", "survival.landmark_days"),
)
def survival_rmst(context: StepContext) -> dict[str, pa.Table]:
    """Restricted means of every comparison that the plan lists.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_level(context)
    horizon = float(context.setting("survival.rmst_days"))
    rows = [
        row for analysis in analyses_of(context) for row in _rows(analysis, horizon, confidence)
    ]
    return {SURVIVAL_RMST.name: context.table(SURVIVAL_RMST.name, rows)}


def _rows(analysis: Analysis, horizon: float, confidence: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    first: RestrictedMean | None = None
    for group, name in enumerate(analysis.names):
        chosen = analysis.rows(group)
        curve = kaplan_meier(analysis.time[chosen], analysis.event[chosen], confidence=confidence)
        mean = restricted_mean(curve, horizon)
        row = {
            **analysis.key,
            "group_name": name,
            "group_order": group + 1,
            "is_guarantee_time_free": analysis.is_guarantee_time_free,
            "landmark_days": analysis.landmark_days,
            "horizon_days": horizon,
            "n_patients": curve.n,
            "n_events": int(curve.n_events[curve.time <= horizon].sum()),
            **_numbers(mean, ("mean_days", "standard_error", "ci_lower", "ci_upper")),
            **nulls(("reference", *DIFFERENCE, "p_value", "null_reason")),
        }
        if curve.n == 0:
            row["null_reason"] = "no patient of the group has the endpoint"
        elif np.isnan(mean.days):
            row["null_reason"] = f"followed to day {curve.time[-1]:g} only"
        if first is None:
            first = mean
        else:
            apart = restricted_difference(first, mean, confidence)
            row |= _numbers(apart, DIFFERENCE)
            row["reference"] = analysis.names[0]
            row["p_value"] = apart.p_value
        rows.append(row)
    return rows


def _numbers(mean: RestrictedMean, names: tuple[str, ...]) -> dict[str, float]:
    values = (mean.days, mean.standard_error, mean.lower, mean.upper)
    return dict(zip(names, values, strict=True))
