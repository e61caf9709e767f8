"""The risk of a lesion in an organ that is still free, from landmarks, and how well it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.progression.parts.new_organs import COURSE, MIN_EVENTS, TERMS, AtRisk
from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    from udfs.progression.organs import CauseSpecific, RiskAccuracy

RISK = declared("analysis.new_organ_risk")
MODEL = declared("analysis.new_organ_model")
ACCURACY = declared("analysis.new_organ_accuracy")
CALIBRATION = declared("analysis.new_organ_calibration")
BENEFIT = declared("analysis.new_organ_benefit")
TABLES = (RISK, MODEL, ACCURACY, CALIBRATION, BENEFIT)
GROUPS = 5
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
OF_USE, OF_NO_USE = "of use", "no usable prediction"
EXTREME = "of use, risks too extreme"
APPARENT, TOO_FEW = "apparent: flatters the model", "too few events: not fitted"
SURE = 1.645
"""Standard errors by which the Brier score must be better than that of one risk for all."""
MIN_SLOPE = 0.8
"""Of the calibration, below which risks are too extreme."""
MEASURES = (
    "brier", "null_brier", "gain_error", "scaled_brier", "auc", "observed", "mean_risk",
    "calibration_slope", "calibration_intercept",
)  # fmt: skip
Rows = list[dict[str, Any]]


@step(
    name="new_organ_risk",
    reads=("analysis.new_organ_course",),
    writes=TABLES,
    settings=("progression.new_organ_horizon_days", "survival.confidence"),
)
def new_organ_risk(context: StepContext) -> dict[str, pa.Table]:
    """Risks, models and their accuracy for every organ with enough events."""
    horizon = float(context.setting("progression.new_organ_horizon_days"))
    confidence = confidence_level(context)
    risks: list[pa.Table] = []
    found: dict[str, Rows] = {table.name: [] for table in TABLES[1:]}
    keys = ("subset", "organ", "landmark_days")
    for names, rows in context.frame(COURSE).groupby(list(keys), sort=True):
        key = dict(zip(keys, names, strict=True))
        group = AtRisk.of(key, rows, context.seed)
        if int((group.cause == 1).sum()) < MIN_EVENTS:
            found[ACCURACY.name].append(_not_fitted(group, horizon))
            continue
        whole, left_out = _fit(group, horizon)
        risks.append(_risk_table(context, group, whole, left_out, horizon, confidence))
        found[MODEL.name] += _model_rows(group, whole)
        found[ACCURACY.name] += _accuracy_rows(group, whole, left_out, horizon)
        found[CALIBRATION.name] += _calibration_rows(group, left_out, horizon, confidence)
        found[BENEFIT.name] += _benefit_rows(group, left_out, horizon)
    first = pa.concat_tables(risks) if risks else context.table(RISK.name, [])
    return {RISK.name: first} | {name: context.table(name, rows) for name, rows in found.items()}


def _fit(group: AtRisk, horizon: float) -> tuple[CauseSpecific, np.ndarray]:
    """The model of all, and (n,) risks by models without the patient's fold."""
    from udfs.progression.organs import cause_specific

    whole = cause_specific(group.time, group.cause, group.x)
    left_out = np.empty(group.time.size)
    for fold in np.unique(group.fold):
        held = group.fold == fold
        if not (group.cause[~held] == 1).any():
            left_out[held] = 0.0
            continue
        model = cause_specific(group.time[~held], group.cause[~held], group.x[~held])
        left_out[held] = model.risk(group.x[held], horizon)
    return whole, np.clip(left_out, 0.0, 1.0)


def _not_fitted(group: AtRisk, horizon: float) -> dict[str, Any]:
    within = group.time <= horizon
    return {
        **group.key, "split": group.split, "horizon_days": horizon,
        "n_patients": group.time.size, "n_events": int((within & (group.cause == 1)).sum()),
        "n_deaths": int((within & (group.cause == 2)).sum()), **dict.fromkeys(MEASURES),
        "verdict": TOO_FEW,
    }  # fmt: skip


def _risk_table(
    context: StepContext,
    group: AtRisk,
    whole: CauseSpecific,
    left_out: np.ndarray,
    horizon: float,
    confidence: float,
) -> pa.Table:
    n = group.time.size
    lower, upper = whole.interval(group.x, horizon, confidence)
    return context.table(RISK.name, {
        "patient_id": group.patient, "organ": np.full(n, group.key["organ"]),
        "landmark_days": np.full(n, float(group.key["landmark_days"])),
        "horizon_days": np.full(n, horizon), "risk": whole.risk(group.x, horizon),
        "lower": lower, "upper": upper, "risk_left_out": left_out,
        "is_imputed": group.is_imputed,
    })  # fmt: skip


def _model_rows(group: AtRisk, whole: CauseSpecific) -> Rows:
    return [
        {
            **group.key, "cause": cause, "term": term, "n_patients": group.time.size,
            "n_events": int(whole.n_events[k]), "log_hr": float(whole.coefficient[j, k]),
            "standard_error": _known(whole.standard_error[j, k]),
        }
        for k, cause in enumerate(("new organ", "death"))
        for j, term in enumerate(TERMS)
    ]  # fmt: skip


def _accuracy_rows(
    group: AtRisk, whole: CauseSpecific, left_out: np.ndarray, horizon: float
) -> Rows:
    from udfs.progression.organs import risk_accuracy

    rows = []
    for split, risk in ((group.split, left_out), ("apparent", whole.risk(group.x, horizon))):
        found = risk_accuracy(group.time, group.cause, np.clip(risk, 0, 1), horizon)
        row: dict[str, Any] = {**group.key, "split": split, "horizon_days": horizon}
        row |= {"n_patients": found.n, "n_events": found.n_events, "n_deaths": found.n_competing}
        row |= {name: _known(getattr(found, name)) for name in MEASURES}
        rows.append(row | {"verdict": APPARENT if split == "apparent" else _verdict(found)})
    return rows


def _verdict(found: RiskAccuracy) -> str:
    gain = found.null_brier - found.brier
    if not (gain > SURE * found.gain_error and found.auc > 0.5):
        return OF_NO_USE
    return OF_USE if found.calibration_slope >= MIN_SLOPE else EXTREME


def _calibration_rows(
    group: AtRisk, left_out: np.ndarray, horizon: float, confidence: float
) -> Rows:
    from udfs.progression.transitions import aalen_johansen

    place = np.argsort(np.argsort(left_out, kind="stable"), kind="stable")
    fifth = place * GROUPS // left_out.size
    rows = []
    for k in range(GROUPS):
        own = fifth == k
        if own.any():
            found = aalen_johansen(group.time[own], group.cause[own], confidence=confidence)
            value, lower, upper, _ = found.at(horizon)
            rows.append({
                **group.key, "risk_group": k + 1, "n_patients": int(own.sum()),
                "mean_risk": float(left_out[own].mean()), "observed": _known(value),
                "ci_lower": _known(lower), "ci_upper": _known(upper),
            })  # fmt: skip
    return rows


def _benefit_rows(group: AtRisk, left_out: np.ndarray, horizon: float) -> Rows:
    from udfs.progression.organs import net_benefit

    rows = []
    for threshold in THRESHOLDS:
        found = net_benefit(group.time, group.cause, left_out, horizon, threshold)
        rows.append({
            **group.key, "threshold": threshold, "share_flagged": found.share_flagged,
            "net_benefit": _known(found.model), "net_benefit_all": _known(found.treat_all),
        })  # fmt: skip
    return rows


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
