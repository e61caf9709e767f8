"""Events on the curves of the fitted lesions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from flows.steps.growth.parts.estimates import Fitted
from flows.steps.growth.parts.tables import MODELLED_EVENT, fit_table
from udfs.growth.parameters import FloatArray
from udfs.growth_events import EventRule, GrowthCurve, event_time, first_event
from warehouse.registry import StepContext

RULES = """
SELECT
    rule_id, rule_set, endpoint, quantity, relative_change, absolute_change, combine
FROM staging.event_rule
WHERE lesion_type = 'target' AND reference_state <> 'zero' AND coalesce(relative_change, 0) > -1
ORDER BY rule_set, endpoint, priority, rule_id
"""
LAST_SCANS = """
SELECT lesion.lesion_id, CAST(max(scan.last_day) AS DOUBLE) AS last_scan_day
FROM core.lesion AS lesion
INNER JOIN analysis.scan AS scan
    ON lesion.patient_id = scan.patient_id AND coalesce(lesion.reader, '') = scan.reader
WHERE lesion.is_analysed AND lesion.lesion_type = 'target'
GROUP BY lesion.lesion_id
"""
TAIL = 0.05
SOURCE_TABLE = "analysis.growth_lesion"


def read_rules(context: StepContext) -> dict[tuple[str, str], list[EventRule]]:
    """Rules that a curve can meet, by rule set and endpoint, in order of priority."""
    found: dict[tuple[str, str], list[EventRule]] = {}
    for row in context.frame(RULES).itertuples(index=False):
        rule = EventRule(
            row.rule_id,
            row.endpoint,
            row.quantity,
            _number(row.relative_change),
            _number(row.absolute_change),
            "or" if row.combine == "or" else "and",
        )
        found.setdefault((row.rule_set, row.endpoint), []).append(rule)
    return found


def end_of_observation(context: StepContext, lesions: pd.DataFrame) -> FloatArray:
    """(n,) last day on which an event of each lesion counts.

    growth.event_horizon_days after the last scan of the patient by the lesion's reader, not after
    the patient's last day or the lesion's cut-off; these alone under rules.censoring = last_day.
    Nobody looks after the last scan: on a curve
    that went on to the last day alive, who lives longer would progress in more organs.
    """
    followed: FloatArray = lesions["censor_day"].to_numpy(dtype=np.float64)
    if context.setting("rules.censoring") == "last_day":
        return followed
    scanned = context.frame(LAST_SCANS).set_index("lesion_id")["last_scan_day"]
    last_scan = np.fmax(
        scanned.reindex(lesions.index).to_numpy(dtype=np.float64),
        lesions["last_measured_day"].to_numpy(dtype=np.float64),
    )
    horizon = float(context.setting("growth.event_horizon_days"))
    return np.minimum(last_scan + horizon, followed)


def event_rows(
    found: Fitted,
    end: FloatArray,
    rules: dict[tuple[str, str], list[EventRule]],
    axis_ratio: float,
    baseline_kind: str,
    pulse: Callable[[], None] = lambda: None,
) -> pa.Table:
    """Rows of ``modelled_event``, by rule set, endpoint and lesion; ``end``: (n,) last days."""
    lesions = found.lesions
    diameter = lesions["baseline_diameter_mm"].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = found.v0 / diameter**3
    factor = np.where(np.isfinite(own) & (own > 0), own, 0.5 / axis_ratio**2)
    at_mode, of_draws = found.curve(found.modes.phi), found.curve(found.draws.phi)
    parts = []
    for (rule_set, endpoint), some in sorted(rules.items()):
        time, which = first_event(_times(found, at_mode, some, factor, end, baseline_kind))
        drawn, _ = first_event(
            _times(found, of_draws, some, factor[:, None], end[:, None], baseline_kind)
        )
        pulse()
        parts.append(_rows(found, rule_set, endpoint, some, time, which, drawn, end))
    return pa.concat_tables(parts) if parts else fit_table(MODELLED_EVENT)


def _times(
    found: Fitted,
    curve: GrowthCurve,
    rules: list[EventRule],
    factor: FloatArray,
    end: FloatArray,
    baseline_kind: str,
) -> list[FloatArray]:
    if baseline_kind == "predicted":
        baseline = np.exp(np.minimum(curve.log_start, 690.0))
    else:
        baseline = found.v0.reshape(factor.shape)
    return [event_time(curve, rule, baseline, factor, end) for rule in rules]


def _rows(
    found: Fitted,
    rule_set: str,
    endpoint: str,
    rules: list[EventRule],
    time: FloatArray,
    which: np.ndarray[Any, Any],
    drawn: FloatArray,
    end: FloatArray,
) -> pa.Table:
    lesions, n = found.lesions, len(time)
    is_event = np.isfinite(time)
    # Whole order statistics: an interpolated quantile of times that never come is no number.
    ordered = np.sort(drawn, axis=1)
    n_draws = drawn.shape[1]
    lower = ordered[:, int(np.floor(TAIL * (n_draws - 1)))]
    upper = ordered[:, int(np.ceil((1.0 - TAIL) * (n_draws - 1)))]
    death = lesions["death_day"].to_numpy(dtype=np.float64)
    cutoff = lesions["cutoff_day"].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        reason = np.where(death <= end, "death", "end_of_follow_up")
        reason = np.where(cutoff <= end, lesions["cutoff_reason"].fillna(""), reason)
    nothing = [None] * n
    return fit_table(
        MODELLED_EVENT,
        {
            "lesion_id": lesions.index.tolist(),
            "endpoint": [endpoint] * n,
            "rule_set": [rule_set] * n,
            "source": ["modelled"] * n,
            "patient_id": lesions["patient_id"].tolist(),
            "organ": lesions["organ"].tolist(),
            "lesion_type": ["target"] * n,
            "time_days": np.where(is_event, time, end),
            "time_lower": np.minimum(lower, end),
            "time_upper": np.where(np.isfinite(upper), upper, np.nan),
            "is_event": is_event,
            "event_probability": np.isfinite(drawn).mean(axis=1),
            "rule_id": _texts(np.array([rule.rule_id for rule in rules])[which], is_event),
            "source_table": [SOURCE_TABLE] * n,
            "source_row": nothing,
            "source_file": nothing,
            "censor_reason": _texts(reason, ~is_event),
            "last_assessment_day": lesions["last_measured_day"].to_numpy(dtype=np.float64),
            "quantity": _texts(np.array([rule.quantity for rule in rules])[which], is_event),
            "observed_value": nothing,
            "reference_value": nothing,
            "is_imputed": nothing,
        },
    )


def _texts(values: np.ndarray[Any, Any], is_given: np.ndarray[Any, Any]) -> list[str | None]:
    return [str(v) if given else None for v, given in zip(values, is_given, strict=True)]


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
