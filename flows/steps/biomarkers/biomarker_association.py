"""What a biomarker's response at the landmark, and its slope, go with: survival, lesion growth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

SURVIVAL = """
SELECT
    landmark.test,
    landmark.rule_set,
    landmark.patient_id,
    landmark.study_id,
    landmark.response,
    endpoint.time_days,
    endpoint.is_event
FROM analysis.biomarker_landmark AS landmark
LEFT JOIN analysis.patient_endpoint AS endpoint
    ON
        landmark.patient_id = endpoint.patient_id
        AND endpoint.endpoint = 'OS'
        AND endpoint.is_counted
ORDER BY landmark.test, landmark.rule_set, landmark.patient_id
"""
GROWTH = """
WITH growth AS (
    SELECT
        patient_id,
        sum(ln(kg_per_day) ORDER BY lesion_id) / count(*) AS log_kg
    FROM analysis.growth_lesion
    WHERE subset = 'all' AND estimate_kind = 'conditional_mean' AND kg_per_day > 0
    GROUP BY patient_id
),

size AS (
    SELECT
        patient_id,
        arg_max(
            ln(sum_of_diameters_mm / baseline_sum_mm),
            struct_pack(day := last_day, id := time_point_id)
        ) AS log_size
    FROM analysis.visit_response
    WHERE
        is_analysis_reader AND NOT is_baseline AND is_complete
        AND sum_of_diameters_mm > 0 AND baseline_sum_mm > 0 AND last_day <= {early}
    GROUP BY patient_id
)

SELECT
    kinetics.test,
    kinetics.time_window,
    kinetics.patient_id,
    kinetics.slope_conditional_mean AS slope,
    growth.log_kg,
    CASE kinetics.time_window WHEN 'early' THEN size.log_size END AS log_size
FROM analysis.biomarker_kinetics AS kinetics
LEFT JOIN growth ON kinetics.patient_id = growth.patient_id
LEFT JOIN size ON kinetics.patient_id = size.patient_id
WHERE kinetics.slope_conditional_mean IS NOT NULL
ORDER BY kinetics.test, kinetics.time_window, kinetics.patient_id
"""
ASSOCIATION = declared("analysis.biomarker_association")
OUTCOMES = {"log_kg": "lesion growth rate (log kg)", "log_size": "log change of the sum"}
MIN_EVENTS = 5
"""Deaths on each side below which a log hazard ratio is not given: its normal limits do not
hold."""
ESTIMATE = ("estimate", "standard_error", "ci_lower", "ci_upper", "p_value")


@step(
    name="biomarker_association",
    reads=(
        "analysis.biomarker_landmark",
        "analysis.biomarker_kinetics",
        "analysis.patient_endpoint",
        "analysis.growth_lesion",
        "analysis.visit_response",
    ),
    writes=(ASSOCIATION,),
    settings=(
        "biomarkers.landmark_day",
        "biomarkers.landmark_window_days",
        "biomarkers.early_days",
        "survival.confidence",
    ),
)
def biomarker_association(context: StepContext) -> dict[str, pa.Table]:
    """Cox models from the landmark on, and rank correlations with the growth of lesions."""
    confidence = confidence_level(context)
    start = float(context.setting("biomarkers.landmark_day"))
    start += float(context.setting("biomarkers.landmark_window_days"))
    rows = [
        *_of_survival(context.frame(SURVIVAL), start, confidence),
        *_of_growth(
            context.frame(GROWTH.format(early=int(context.setting("biomarkers.early_days")))),
            confidence,
        ),
    ]
    return {ASSOCIATION.name: context.table(ASSOCIATION.name, rows)}


def _of_survival(
    members: pd.DataFrame, start: float, confidence: float
) -> Iterator[dict[str, Any]]:
    """Who is at risk when the last sample that may count is drawn: no survival is guaranteed."""
    for names, rows in members.groupby(["test", "rule_set"], sort=True):
        test, rule_set = names
        is_told = rows["response"].isin(["yes", "no"]).to_numpy()
        time = rows["time_days"].to_numpy(float)
        is_at_risk = np.nan_to_num(time, nan=-1.0) > start
        used = rows[is_told & is_at_risk]
        row: dict[str, Any] = {
            "test": test, "predictor": f"response by {rule_set}", "outcome": "OS",
            "measure": "log hazard ratio, yes against no", "start_days": start,
            "n_patients": len(used), "n_not_told": int((~is_told).sum()),
            "n_not_at_risk": int((is_told & ~is_at_risk).sum()),
        }  # fmt: skip
        yield row | _cox(used, start, confidence)


def _cox(rows: pd.DataFrame, start: float, confidence: float) -> dict[str, Any]:
    from udfs.survival import cox_model

    is_yes = rows["response"].eq("yes").to_numpy()
    event = rows["is_event"].fillna(False).to_numpy(bool)
    n_events = int(event.sum())
    row: dict[str, Any] = {"n_events": n_events, **dict.fromkeys(ESTIMATE)}
    if min(int((event & is_yes).sum()), int((event & ~is_yes).sum())) < MIN_EVENTS:
        return row | {"null_reason": f"fewer than {MIN_EVENTS} deaths on one side"}
    model = cox_model(
        rows["time_days"].to_numpy(float) - start, event, is_yes[:, None].astype(float),
        rows["study_id"].to_numpy(str),
    )  # fmt: skip
    if not model.is_converged:
        return row | {"null_reason": "no maximum of the partial likelihood"}
    lower, upper = model.interval(confidence)
    values = (model.coefficient, model.standard_error, lower, upper, model.p_value)
    found = {name: float(value[0]) for name, value in zip(ESTIMATE, values, strict=True)}
    return row | found | {"null_reason": None}


def _of_growth(members: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    from udfs.comparisons.correlation import correlation

    for names, rows in members.groupby(["test", "time_window"], sort=True):
        test, window = names
        for column, outcome in OUTCOMES.items():
            pair = rows[["slope", column]].dropna()
            if column == "log_size" and window != "early":
                continue
            row: dict[str, Any] = {
                "test": test, "predictor": f"{window} slope", "outcome": outcome,
                "measure": "Spearman's rank correlation", "start_days": None,
                "n_patients": len(pair), "n_events": None, "n_not_at_risk": None,
                "n_not_told": len(rows) - len(pair), **dict.fromkeys(ESTIMATE),
            }  # fmt: skip
            if len(pair) < 4 or pair.nunique().min() < 2:
                yield row | {"null_reason": "fewer than 4 patients, or one value only"}
                continue
            found = correlation(
                pair["slope"].to_numpy(float), pair[column].to_numpy(float), "spearman",
                confidence=confidence,
            )  # fmt: skip
            row |= {"estimate": found.estimate, "p_value": found.p_value}
            yield row | {"ci_lower": found.lower, "ci_upper": found.upper, "null_reason": None}
