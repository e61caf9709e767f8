"""Kaplan-Meier curves of lesions by organ and arm: times to response and to progression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

KEY = ("subset", "arm", "organ", "endpoint", "source")
# The lesions with each group that they are in; limits of the event's time beside its day.
LESIONS = """
WITH lesion AS (
    SELECT
        event.endpoint,
        event.source,
        event.time_days,
        event.is_event,
        event.time_lower,
        event.time_upper,
        coalesce(event.patient_id, event.lesion_id) AS cluster,
        event.organ,
        'study ' || lesion.study_id AS study,
        coalesce(patient.arm, 'unknown') AS arm
    FROM analysis.lesion_event AS event
    INNER JOIN core.lesion AS lesion ON event.lesion_id = lesion.lesion_id
    LEFT JOIN core.patient AS patient ON event.patient_id = patient.patient_id
    WHERE
        event.rule_set = '{rule_set}'
        AND event.lesion_type <> 'new'
        AND event.time_days >= 0
        AND (
            event.is_event
            OR event.censor_reason IN ('death', 'end_of_follow_up', 'local_treatment')
        )
),

placed AS (
    SELECT
        lesion.*,
        place.subset,
        place.arm_name
    FROM lesion
    CROSS JOIN LATERAL (
        SELECT 'all' AS subset, 'all' AS arm_name
        UNION ALL
        SELECT lesion.study, 'all'
        UNION ALL
        SELECT lesion.study, lesion.arm
    ) AS place
)

SELECT
    subset,
    arm_name AS arm,
    in_organ.organ AS organ,
    endpoint,
    source,
    cluster,
    time_days,
    is_event,
    time_lower,
    time_upper
FROM placed
CROSS JOIN LATERAL (
    SELECT 'all' AS organ
    UNION ALL
    SELECT placed.organ
) AS in_organ
ORDER BY ALL
"""

LESION_SURVIVAL_CURVE = declared("analysis.lesion_survival_curve")
LESION_SURVIVAL_SUMMARY = declared("analysis.lesion_survival_summary")


@step(
    name="lesion_survival",
    reads=("analysis.lesion_event", "core.lesion", "core.patient"),
    writes=(LESION_SURVIVAL_CURVE, LESION_SURVIVAL_SUMMARY),
    settings=("rules.rule_set", "survival.confidence", "survival.interval"),
)
def lesion_survival(context: StepContext) -> dict[str, pa.Table]:
    """Curves and medians of every group that has lesions.

    Raises:
        LesionsError: a setting is out of range.
    """
    from udfs.survival import clustered_kaplan_meier

    confidence, interval = confidence_level(context), context.setting("survival.interval")
    lesions = context.frame(LESIONS.format(rule_set=context.setting("rules.rule_set")))
    curves: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for names, rows in lesions.groupby(list(KEY), sort=True):
        key = dict(zip(KEY, names, strict=True))
        curve = clustered_kaplan_meier(
            rows["time_days"].to_numpy(float),
            rows["is_event"].to_numpy(bool),
            rows["cluster"].to_numpy(str),
            confidence=confidence,
            interval=interval,
        )
        columns = {
            "time_days": curve.time,
            "survival": curve.survival,
            "ci_lower": curve.lower,
            "ci_upper": curve.upper,
            "n_at_risk": curve.n_at_risk,
            "n_events": curve.n_events,
            "n_censored": curve.n_censored,
        }
        curves += [
            {**key, **dict(zip(columns, values, strict=True))}
            for values in zip(*(column.tolist() for column in columns.values()), strict=True)
        ]
        median = curve.median
        summaries.append(
            {
                **key,
                "n_lesions": len(rows),
                "n_patients": rows["cluster"].nunique(),
                "n_events": curve.events,
                "median_days": median.days,
                "median_lower": median.lower,
                "median_upper": median.upper,
                "is_median_reached": not np.isnan(median.days),
                "longest_days": float(curve.time[-1]),
                "confidence": confidence,
                "method": f"{interval}, clustered by patient",
            }
        )
    return {
        LESION_SURVIVAL_CURVE.name: context.table(LESION_SURVIVAL_CURVE.name, curves),
        LESION_SURVIVAL_SUMMARY.name: context.table(LESION_SURVIVAL_SUMMARY.name, summaries),
    }
