"""Lesion and patient progression as interval-censored times: between two scans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.lesion_survival import LESIONS
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

KEY = ("level", "subset", "arm", "organ", "endpoint")
OBSERVED = "observed"
PATIENTS = """
SELECT
    place.subset,
    place.arm_name AS arm,
    'all' AS organ,
    'progression' AS endpoint,
    endpoint.patient_id AS cluster,
    endpoint.time_days,
    endpoint.is_event,
    endpoint.time_lower_days AS time_lower,
    endpoint.time_upper_days AS time_upper
FROM analysis.patient_endpoint AS endpoint
INNER JOIN core.patient AS patient ON endpoint.patient_id = patient.patient_id
CROSS JOIN LATERAL (
    SELECT 'all' AS subset, 'all' AS arm_name
    UNION ALL
    SELECT 'study ' || patient.study_id, 'all'
    UNION ALL
    SELECT 'study ' || patient.study_id, coalesce(patient.arm, 'unknown')
) AS place
WHERE endpoint.endpoint = 'TTP' AND endpoint.is_counted AND endpoint.time_days IS NOT NULL
ORDER BY ALL
"""

INTERVAL_SURVIVAL_CURVE = declared("analysis.interval_survival_curve")
INTERVAL_SURVIVAL_SUMMARY = declared("analysis.interval_survival_summary")


@step(
    name="interval_survival",
    reads=("analysis.lesion_event", "analysis.patient_endpoint", "core.lesion", "core.patient"),
    writes=(INTERVAL_SURVIVAL_CURVE, INTERVAL_SURVIVAL_SUMMARY),
    settings=("rules.rule_set",),
)
def interval_survival(context: StepContext) -> dict[str, pa.Table]:
    """Turnbull's estimate of every group of lesions and of patients."""
    import pandas as pd

    from udfs.survival import kaplan_meier, turnbull

    lesions = context.frame(LESIONS.format(rule_set=context.setting("rules.rule_set")))
    members = pd.concat(
        [
            lesions[lesions["source"] == OBSERVED].assign(level="lesion"),
            context.frame(PATIENTS).assign(level="patient"),
        ]
    )
    curves: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for names, rows in members.groupby(list(KEY), sort=True):
        key = dict(zip(KEY, names, strict=True))
        is_event = rows["is_event"].to_numpy(bool)
        # A last scan at baseline says that the event came some time after the first dose.
        lower = np.fmax(rows["time_lower"].to_numpy(float), 0.0)
        upper = np.where(is_event, np.fmax(rows["time_upper"].to_numpy(float), lower), np.inf)
        found = turnbull(lower, upper)
        is_seen = np.isfinite(found.right)
        columns = (found.left, found.right, found.mass, found.survival)
        curves += [
            {**key, **dict(zip(("from_days", "to_days", "mass", "survival"), values, strict=True))}
            for values in zip(*(column[is_seen].tolist() for column in columns), strict=True)
        ]
        start, end = found.quantile(0.5)
        scans = kaplan_meier(np.where(is_event, upper, lower), is_event)
        summaries.append(
            {
                **key,
                "n_members": found.n,
                "n_patients": rows["cluster"].nunique(),
                "n_events": found.n_events,
                "mean_width_days": (upper - lower)[is_event].mean() if is_event.any() else None,
                "n_intervals": found.mass.size,
                "median_from_days": start,
                "median_to_days": end,
                "is_median_reached": not np.isnan(end),
                "scan_median_days": scans.median.days,
                "loglik": found.loglik,
                "gap": found.gap,
            }
        )
    return {
        INTERVAL_SURVIVAL_CURVE.name: context.table(INTERVAL_SURVIVAL_CURVE.name, curves),
        INTERVAL_SURVIVAL_SUMMARY.name: context.table(INTERVAL_SURVIVAL_SUMMARY.name, summaries),
    }
