"""Lesion and patient progression as interval-censored times: between two scans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, FLAG, NUMBER, TEXT, table_of_rows
from flows.steps.lesion_survival import LESIONS
from warehouse.registry import StepContext, TableDoc, step

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

_WORDS = {
    "level": "lesion: single lesions by their own rules; patient: time to progression (TTP) as "
    "analysis.patient_endpoint counts it",
    "subset": "all, or study and its id",
    "arm": "arm of the study; all for every arm together",
    "organ": "organ of the lesions; all for every organ and for patients",
    "endpoint": "response or progression; of patients progression only",
}
_HOW = (
    "How: who had the event had it after the last scan without and up to the scan that showed it; "
    "who had not is censored at the last scan, not at the last day alive. The estimate of greatest "
    "likelihood has mass in the innermost intervals only, and says nothing of where in one. The "
    "lesions are the observed ones of analysis.lesion_survival_curve.\n"
    "Caveats: lesions of one patient are taken as independent, which leaves the estimate as it is; "
    "there are no limits: between scans it converges too slowly for a bootstrap to hold.\n"
    "Reference: Turnbull, JRSS B 1976; Wang, Comput Stat Data Anal 2007"
)
INTERVAL_SURVIVAL_CURVE = TableDoc(
    name="analysis.interval_survival_curve",
    description=(
        "Turnbull's estimate of the time to response and progression: one interval with mass.\n"
        "Why: a scan shows an event weeks after it happened; Kaplan-Meier dates it to the scan.\n"
        + _HOW
    ),
    grain="one row per level, subset, arm, organ, endpoint and to_days",
    key=(*KEY, "to_days"),
    columns={
        **_WORDS,
        "from_days": "the event happened after this day from the first dose (or on it, where "
        "to_days is the same)",
        "to_days": "and up to this day",
        "mass": "probability of the event in the interval",
        "survival": "share without event after to_days",
    },
    tags=("public",),
)
INTERVAL_SURVIVAL_SUMMARY = TableDoc(
    name="analysis.interval_survival_summary",
    description=(
        "Turnbull's estimate of the time to response and progression in a line.\n"
        "Why: the median as an interval, beside that which takes scans for events.\n" + _HOW
    ),
    grain="one row per level, subset, arm, organ and endpoint",
    key=KEY,
    columns={
        **_WORDS,
        "n_members": "lesions or patients",
        "n_patients": "patients that they are of",
        "n_events": "of n_members, with the event",
        "mean_width_days": "mean days between the last scan without and the scan with the event",
        "n_intervals": "intervals that have mass, one of no end counted",
        "median_from_days": "half have had the event after this day; NULL where not reached",
        "median_to_days": "and up to this one; NULL where not reached",
        "is_median_reached": "half had the event",
        "scan_median_days": "Kaplan-Meier median with events on the day of the scan; NULL where "
        "not reached",
        "loglik": "log-likelihood",
        "gap": "it is at most so far from its largest value",
    },
    tags=("public",),
)
CURVE_TYPES = {
    **dict.fromkeys(KEY, TEXT),
    **dict.fromkeys(("from_days", "to_days", "mass", "survival"), NUMBER),
}
SUMMARY_TYPES = {
    **dict.fromkeys(KEY, TEXT),
    **dict.fromkeys(("n_members", "n_patients", "n_events"), COUNT),
    "mean_width_days": NUMBER,
    "n_intervals": COUNT,
    **dict.fromkeys(("median_from_days", "median_to_days"), NUMBER),
    "is_median_reached": FLAG,
    **dict.fromkeys(("scan_median_days", "loglik", "gap"), NUMBER),
}


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
        INTERVAL_SURVIVAL_CURVE.name: table_of_rows(curves, CURVE_TYPES),
        INTERVAL_SURVIVAL_SUMMARY.name: table_of_rows(summaries, SUMMARY_TYPES),
    }
