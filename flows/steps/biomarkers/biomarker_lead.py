"""Lead time of a biomarker's progression over that of the disease, and what follows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

    from udfs.biomarkers import LeadTime

LEAD = """
SELECT
    *,
    unnest(['all', 'study ' || study_id]) AS subset
FROM analysis.biomarker_lead_time
ORDER BY subset = 'all' DESC, subset, test, rule_set, patient_id
"""
SUMMARY = declared("analysis.biomarker_lead_summary")
CURVE = declared("analysis.biomarker_lead_curve")
COUNTS = {
    "n_both": "both",
    "n_marker_only": "marker only",
    "n_disease_only": "disease only",
    "n_neither": "neither",
    "n_not_known": "progression not known",
}


@step(
    name="biomarker_lead",
    reads=("analysis.biomarker_lead_time",),
    writes=(SUMMARY, CURVE),
    settings=("biomarkers.horizon_days", "survival.confidence"),
)
def biomarker_lead(context: StepContext) -> dict[str, pa.Table]:
    """Turnbull's estimate of the lead, and the incidence of progression after the marker's."""
    summaries: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    members = context.frame(LEAD)
    for names, rows in members.groupby(["subset", "test", "rule_set"], sort=False):
        key = dict(zip(("subset", "test", "rule_set"), names, strict=True))
        found = _lead(rows)
        row = {**key, "n_patients": len(rows)}
        row |= {column: int((rows["which"] == which).sum()) for column, which in COUNTS.items()}
        row |= _lead_columns(found) | _after(context, rows)
        summaries.append(row)
        curves += [{**key, **one} for one in _curve(found)]
    return {
        SUMMARY.name: context.table(SUMMARY.name, summaries),
        CURVE.name: context.table(CURVE.name, curves),
    }


def _lead(rows: pd.DataFrame) -> LeadTime:
    from udfs.biomarkers import lead_time

    both = rows[rows["which"] == "both"]
    limits = ("molecular_lower", "molecular_upper", "recist_lower", "recist_upper")
    return lead_time(*(both[name].to_numpy(float) for name in limits))


def _lead_columns(found: LeadTime) -> dict[str, Any]:
    import math

    columns = {
        "observed_median_days": found.observed_median,
        "lead_median_from_days": found.median_from,
        "lead_median_to_days": found.median_to,
        "share_before_least": found.share_before_least,
        "share_before_most": found.share_before_most,
    }
    known = {k: None if math.isnan(v) else v for k, v in columns.items()}
    return {
        **known,
        "n_surely_before": found.n_surely_before,
        "n_surely_after": found.n_surely_after,
        "loglik": found.loglik if found.n else None,
    }


def _curve(found: LeadTime) -> Iterator[dict[str, Any]]:
    total = 0.0
    for left, right, mass in zip(found.left, found.right, found.mass, strict=True):
        total += float(mass)
        yield {
            "from_days": float(left), "to_days": float(right), "mass": float(mass),
            "share_at_most": min(total, 1.0),
        }  # fmt: skip


def _after(context: StepContext, rows: pd.DataFrame) -> dict[str, Any]:
    """Progression within the horizon of the marker's, in those without it then; death competes."""
    import math

    import numpy as np

    from udfs.progression.transitions import CENSORED, COMPETING, EVENT, aalen_johansen

    horizon = float(context.setting("biomarkers.horizon_days"))
    start = rows["molecular_upper"].to_numpy(float)
    end = rows["recist_days"].to_numpy(float)
    at_risk = ~np.isnan(start) & (end > start)
    row: dict[str, Any] = {"horizon_days": horizon, "n_at_risk": int(at_risk.sum())}
    names = ("progression_after", "progression_after_lower", "progression_after_upper")
    if not at_risk.any():
        return row | dict.fromkeys(names)
    is_progression = rows["recist_upper"].notna().to_numpy()[at_risk]
    # Time to progression is censored at a death; that ends the risk where it is on that day.
    died = rows["is_dead"].fillna(False).to_numpy(bool)[at_risk]
    died &= rows["os_days"].to_numpy(float)[at_risk] <= end[at_risk]
    cause = np.where(is_progression, EVENT, np.where(died, COMPETING, CENSORED))
    found = aalen_johansen(
        end[at_risk] - start[at_risk], cause,
        confidence=confidence_level(context),
    )  # fmt: skip
    values = found.at(horizon)[:3]
    return row | {name: None if math.isnan(v) else v for name, v in zip(names, values, strict=True)}
