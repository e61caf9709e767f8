"""When a lesion began, where its sizes before treatment, or a stated growth rate, tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

SIZES = """
WITH sized AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        measurement.day,
        measurement.volume_mm3
    FROM core.lesion AS lesion
    INNER JOIN core.measurement AS measurement ON lesion.lesion_id = measurement.lesion_id
    WHERE
        lesion.is_analysed
        AND lesion.lesion_type = 'target'
        AND measurement.day <= 0
        AND measurement.volume_mm3 > 0
        AND NOT measurement.is_below_limit
)

SELECT
    lesion_id,
    max(patient_id) AS patient_id,
    count(DISTINCT day) AS n_scans,
    max(day) AS day,
    arg_max(volume_mm3, day) AS volume_mm3,
    regr_slope(ln(volume_mm3), day ORDER BY day) AS rate,
    regr_sxx(ln(volume_mm3), day ORDER BY day) AS spread
FROM sized
GROUP BY lesion_id
ORDER BY lesion_id
"""
FOUND = """
SELECT
    lesion.lesion_id,
    lesion.patient_id,
    detected.detected_day,
    event.time_lower
FROM analysis.new_lesion AS detected
INNER JOIN core.lesion AS lesion ON detected.lesion_id = lesion.lesion_id
LEFT JOIN analysis.lesion_event AS event
    ON
        lesion.lesion_id = event.lesion_id
        AND event.endpoint = 'progression'
        AND event.source = 'observed'
        AND event.rule_set = '{rule_set}'
WHERE lesion.is_analysis_reader AND detected.detected_day IS NOT NULL
ORDER BY lesion.lesion_id
"""
ONSET = declared("analysis.lesion_onset")
ONE_SCAN = "one scan before treatment and no stated growth rate (onset.prior_doubling_days)"
NOT_GROWING = "the rate may be 0 or below: no lower limit"
SMALLER = "smaller than the visible size"
GOMPERTZ = "two growth parameters are not told by sizes within one decade"
FIRST_SCAN = "no scan without it before"


@step(
    name="lesion_onset",
    reads=("core.lesion", "core.measurement", "analysis.new_lesion", "analysis.lesion_event"),
    writes=(ONSET,),
    settings=(
        "rules.rule_set",
        "onset.visible_mm",
        "onset.size_log_sd",
        "onset.prior_doubling_days",
        "onset.prior_log_sd",
        "survival.confidence",
    ),
)
def lesion_onset(context: StepContext) -> dict[str, pa.Table]:
    """Onsets by exponential growth backwards, intervals of detection, and refusals."""
    sizes = context.frame(SIZES)
    parts = [_exponential(context, sizes, start) for start in ("one cell", "visible size")]
    parts.append(_refused(sizes, "gompertz", "one cell", GOMPERTZ))
    found = context.frame(FOUND.format(rule_set=context.setting("rules.rule_set")))
    parts.append(_detected(found))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in ONSET.types}
    return {ONSET.name: context.table(ONSET.name, _typed(columns))}


def _typed(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """NaN and empty texts are NULL."""
    numbers = {"onset_day", "onset_lower", "onset_upper"}
    return {
        name: pa.array(values, mask=~np.isfinite(values.astype(float)))
        if name in numbers
        else values
        if name in ("is_identified", "is_prior")
        else [value or None for value in values.tolist()]
        for name, values in columns.items()
    }


def _frame(rows: pd.DataFrame, model: str, start: str) -> dict[str, np.ndarray]:
    n = len(rows)
    return {
        "lesion_id": rows["lesion_id"].to_numpy(object),
        "model": np.full(n, model, dtype=object),
        "start": np.full(n, start, dtype=object),
        "patient_id": rows["patient_id"].fillna("").to_numpy(object),
        "onset_day": np.full(n, np.nan),
        "onset_lower": np.full(n, np.nan),
        "onset_upper": np.full(n, np.nan),
        "is_identified": np.zeros(n, dtype=bool),
        "is_prior": np.zeros(n, dtype=bool),
        "refusal": np.full(n, "", dtype=object),
    }


def _refused(rows: pd.DataFrame, model: str, start: str, why: str) -> dict[str, np.ndarray]:
    out = _frame(rows, model, start)
    out["refusal"][:] = why
    return out


def _exponential(context: StepContext, rows: pd.DataFrame, start: str) -> dict[str, np.ndarray]:
    """Rates of the lesion's own scans; a stated rate for lesions with one."""
    from udfs.onset import CELLS_PER_MM3, cells_of_diameter, exponential_onset

    out = _frame(rows, "exponential", start)
    if not len(rows):
        return out
    doubling = float(context.setting("onset.prior_doubling_days"))
    is_own = rows["n_scans"].to_numpy() >= 2
    with np.errstate(divide="ignore", invalid="ignore"):
        own_sd = float(context.setting("onset.size_log_sd")) / np.sqrt(
            rows["spread"].to_numpy(float)
        )
    prior = np.log(2) / doubling if doubling > 0 else np.nan
    rate = np.where(is_own, rows["rate"].to_numpy(float), prior)
    # A doubling time that is log-normal: the rate's standard deviation by the delta method.
    prior_sd = prior * float(context.setting("onset.prior_log_sd"))
    sd = np.where(is_own, own_sd, prior_sd)
    is_known = np.isfinite(rate) & np.isfinite(sd) & (sd > 0)
    visible = float(cells_of_diameter(float(context.setting("onset.visible_mm"))))
    cells = rows["volume_mm3"].to_numpy(float) * CELLS_PER_MM3
    found = exponential_onset(
        np.where(is_known, rate, 1.0), np.where(is_known, sd, 1.0), cells,
        1.0 if start == "one cell" else visible, rows["day"].to_numpy(float),
    )  # fmt: skip
    is_smaller = found.log_ratio < 0
    is_told = is_known & found.is_identified
    confidence = confidence_level(context)
    for name, share in (
        ("onset_day", 0.5), ("onset_lower", (1 - confidence) / 2),
        ("onset_upper", (1 + confidence) / 2),
    ):  # fmt: skip
        out[name] = np.where(is_told, found.at(share), np.nan)
    out["is_identified"] = is_told & is_own
    out["is_prior"] = is_told & ~is_own
    out["refusal"] = np.select(
        [is_told, ~is_known, is_smaller], ["", ONE_SCAN, SMALLER], NOT_GROWING
    ).astype(object)
    return out


def _detected(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """A new lesion became visible between two scans; where in between is not known."""
    out = _frame(rows, "detection", "visible on a scan")
    lower = rows["time_lower"].to_numpy(float)
    upper = rows["detected_day"].to_numpy(float)
    is_told = np.isfinite(lower) & (lower < upper)
    out["onset_lower"] = np.where(is_told, lower, np.nan)
    out["onset_upper"] = np.where(is_told, upper, np.nan)
    out["is_identified"] = is_told
    out["refusal"] = np.where(is_told, "", FIRST_SCAN).astype(object)
    return out
