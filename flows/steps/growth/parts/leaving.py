"""When and why patients' observation ended, and the fitted model of it."""

from __future__ import annotations

import numpy as np

from flows.steps.growth.parts.rebuilt import Rebuilt
from udfs.growth.leaving import Leaving, ObservedEnds
from udfs.growth.parameters import FloatArray
from warehouse.registry import StepContext

DROPOUT = """
SELECT fit_id, kind, term, from_day, estimate
FROM analysis.growth_dropout
ORDER BY fit_id, kind, from_day, term
"""
BETWEEN = """
SELECT fit_id, parameter, estimate
FROM analysis.growth_population
WHERE starts_with(parameter, 'gamma_')
ORDER BY fit_id, parameter
"""
RULE = """
SELECT relative_change, absolute_change
FROM staging.event_rule
WHERE rule_id = 'recist_1_1/target/increase'
"""
ENDS = """
WITH course AS (
    SELECT patient_id, min(target_day) FILTER (WHERE target_response = 'PD') AS target_day
    FROM analysis.visit_response
    WHERE is_analysis_reader
    GROUP BY patient_id
),

study AS (
    SELECT patient_id, min(study_id) AS study_id
    FROM core.lesion
    GROUP BY patient_id
)

SELECT
    follow_up.patient_id,
    follow_up.time_days,
    follow_up.is_event,
    course.target_day,
    coalesce(study.study_id, '') AS study_id,
    membership.subset
FROM analysis.growth_follow_up AS follow_up
INNER JOIN analysis.growth_subset AS membership ON follow_up.patient_id = membership.member_id
LEFT JOIN course ON follow_up.patient_id = course.patient_id
LEFT JOIN study ON follow_up.patient_id = study.patient_id
ORDER BY follow_up.patient_id
"""


def read_leaving(context: StepContext, found: Rebuilt) -> Leaving | None:
    """The fit's part that says who leaves; None where the fit has none."""
    rows = context.frame(DROPOUT)
    rows = rows[rows["fit_id"] == found.fit_id]
    if rows.empty:
        return None
    between = context.frame(BETWEEN)
    between = between[between["fit_id"] == found.fit_id].set_index("parameter")["estimate"]
    effects = rows[rows["kind"] == "effect"].set_index("term")["estimate"]
    rates = rows[rows["kind"] == "rate"].sort_values("from_day")
    names = [one.name for one in found.fit.problem.model.parameters]
    rule = context.frame(RULE).iloc[0]
    return Leaving(
        between=between.loc[[f"gamma_{name}" for name in names]].to_numpy(dtype=np.float64),
        alpha=effects.loc[names].to_numpy(dtype=np.float64),
        rate=rates["estimate"].to_numpy(dtype=np.float64),
        cuts=np.append(rates["from_day"].to_numpy(dtype=np.float64), np.inf),
        relative_change=float(rule["relative_change"]),
        absolute_change_mm=float(rule["absolute_change"]),
    )


def read_ends(context: StepContext, subset: str) -> ObservedEnds:
    """Until when each patient of a subset was followed: progression or death, or the last scan."""
    rows = context.frame(ENDS)
    rows = rows[rows["subset"] == subset]
    time = rows["time_days"].to_numpy(dtype=np.float64)
    happened = rows["is_event"].to_numpy(dtype=bool)
    target = rows["target_day"].to_numpy(dtype=np.float64, na_value=np.inf)
    event = np.where(happened, time, np.inf)
    first = np.minimum(event, target)
    has_left = np.isfinite(first)
    return ObservedEnds.from_arrays(
        rows["patient_id"].to_numpy(dtype=str),
        np.where(has_left, first, time),
        has_left,
        has_left & (event <= target),
        rows["study_id"].to_numpy(dtype=str),
    )


def volume_per_cube(found: Rebuilt, axis_ratio: float) -> FloatArray:
    """(n,) each lesion's baseline volume over its cubed diameter, as modelled events take it."""
    diameter = found.lesions["baseline_diameter_mm"].to_numpy(dtype=np.float64)
    volume = found.lesions["baseline_volume_mm3"].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = volume / diameter**3
    return np.where(np.isfinite(own) & (own > 0), own, 0.5 / axis_ratio**2)
