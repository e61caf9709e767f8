"""Restricted mean survival of each planned group, and its difference from the first group's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, FLAG, NUMBER, TEXT, nulls, table_of_rows
from flows.steps.survival import (
    GUARANTEE,
    KEYS,
    LANDMARK,
    READS,
    Analysis,
    analyses_of,
    confidence_level,
)
from udfs.survival import RestrictedMean, kaplan_meier, restricted_difference, restricted_mean
from warehouse.registry import StepContext, TableDoc, step

SURVIVAL_RMST = TableDoc(
    name="analysis.survival_rmst",
    description=(
        "Restricted mean survival of one group: mean days without event up to survival.rmst_days, "
        "and how many more or less than in the first group.\n"
        "Why: a difference in days, without proportional hazards, also where no median is "
        "reached.\n"
        "How: the area under the Kaplan-Meier curve with Greenwood's variance; variances of two "
        "groups add up. The groups and endpoints are those of staging.survival_plan.\n"
        "Caveats: NULL where the group is not followed up to the horizon. p-values are not "
        "corrected for the number of groups.\n"
        "Reference: Royston and Parmar, BMC Med Res Methodol 2013; Uno et al., J Clin Oncol 2014"
    ),
    grain="one row per subset, grouping, group_name and endpoint",
    key=("subset", "grouping", "group_name", "endpoint"),
    columns={
        "subset": KEYS["subset"],
        "grouping": KEYS["grouping"],
        "group_name": "analysis.patient_group",
        "endpoint": KEYS["endpoint"],
        "group_order": "order of the groups",
        "is_guarantee_time_free": GUARANTEE,
        "landmark_days": LANDMARK,
        "horizon_days": "survival.rmst_days",
        "n_patients": "patients of the group with the endpoint",
        "n_events": "events up to the horizon",
        "mean_days": "mean days without event up to the horizon",
        "standard_error": "of it",
        "ci_lower": "lower limit (survival.confidence)",
        "ci_upper": "upper limit",
        "reference": "the first group; NULL for itself",
        "difference_days": "mean_days less that of the reference",
        "difference_standard_error": "of it",
        "difference_lower": "lower limit",
        "difference_upper": "upper limit",
        "p_value": "two-sided, Wald, that there is no difference",
        "null_reason": "why there is no mean; NULL where there is one",
    },
    tags=("public",),
)
DIFFERENCE = (
    "difference_days",
    "difference_standard_error",
    "difference_lower",
    "difference_upper",
)
"""From the first group; NULL for it."""
TYPES = {
    **dict.fromkeys(("subset", "grouping", "group_name", "endpoint"), TEXT),
    "group_order": COUNT,
    "is_guarantee_time_free": FLAG,
    **dict.fromkeys(("landmark_days", "horizon_days"), NUMBER),
    **dict.fromkeys(("n_patients", "n_events"), COUNT),
    **dict.fromkeys(("mean_days", "standard_error", "ci_lower", "ci_upper"), NUMBER),
    "reference": TEXT,
    **dict.fromkeys((*DIFFERENCE, "p_value"), NUMBER),
    "null_reason": TEXT,
}


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
    return {SURVIVAL_RMST.name: table_of_rows(rows, TYPES)}


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
