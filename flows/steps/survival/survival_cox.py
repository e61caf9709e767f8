"""Cox models: hazard ratios between groups, and of the Gower distance (Zhou 2021, Fig. 2D)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.steps.survival.survival import (
    READS,
    Analysis,
    analyses_of,
    confidence_level,
)
from udfs.survival import CoxModel, cox_model
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas

PLANNED = """
SELECT
    plan.model,
    plan.subset_kind,
    planned.subset,
    plan.endpoints,
    plan.covariates,
    plan.stratum
FROM staging.cox_plan AS plan
INNER JOIN analysis.planned_subset AS planned ON plan.subset_kind = planned.subset_kind
ORDER BY plan.plan_order, planned.subset
"""
PATIENTS = """
SELECT
    subset.subset,
    endpoint.endpoint,
    endpoint.time_days,
    endpoint.is_event,
    coalesce(profile.treatment, profile.study_id) AS treatment,
    profile.study_id,
    profile.patient_gower_distance,
    profile.baseline_sum_mm,
    profile.n_lesions
FROM analysis.patient_subset AS subset
INNER JOIN analysis.patient_endpoint AS endpoint ON subset.patient_id = endpoint.patient_id
INNER JOIN analysis.patient_profile AS profile ON subset.patient_id = profile.patient_id
WHERE
    endpoint.is_counted
    AND endpoint.time_days IS NOT NULL
    AND subset.subset_kind IN (SELECT plan.subset_kind FROM staging.cox_plan AS plan)
ORDER BY subset.subset, endpoint.endpoint, subset.patient_id
"""
MODEL_READS = (
    "staging.cox_plan",
    "analysis.planned_subset",
    "analysis.patient_subset",
    "analysis.patient_endpoint",
    "analysis.patient_profile",
)
"""The tables that ``models_of`` reads."""
UNIT_SETTINGS = ("survival.gower_unit", "survival.burden_unit_mm")
MAX_LOG = 690.0
"""Of a hazard ratio: exp(709) is the largest number there is."""

SURVIVAL_COX = declared("analysis.survival_cox")
ESTIMATES = (
    "log_hr",
    "standard_error",
    "hazard_ratio",
    "ci_lower",
    "ci_upper",
    "p_value",
    "lr_p_value",
    "model_chi2",
    "model_df",
    "model_p_value",
)
"""NULL where null_reason says why."""


@dataclass(frozen=True)
class NumberModel:
    """One planned Cox model of numbers, with its patients."""

    key: dict[str, str]
    """subset, model and endpoint."""
    covariates: list[str]
    units: list[float]
    labels: list[str]
    """The units in words."""
    stratum_name: str | None
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    columns: NDArray[np.float64]
    """(n, p) in units of ``units``."""
    stratum: NDArray[Any]
    """(n,)"""
    n_left_out: int


@step(
    name="survival_cox",
    reads=tuple(dict.fromkeys((*READS, *MODEL_READS))),
    writes=(SURVIVAL_COX,),
    settings=("survival.confidence", "survival.landmark_days", *UNIT_SETTINGS),
)
def survival_cox(context: StepContext) -> dict[str, pa.Table]:
    """Every model of both plans.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_level(context)
    rows: list[dict[str, Any]] = []
    for analysis in analyses_of(context):
        rows += group_rows(analysis, confidence)
    for model in models_of(context):
        rows += _number_rows(model, confidence)
    return {SURVIVAL_COX.name: context.table(SURVIVAL_COX.name, rows)}


def models_of(context: StepContext) -> Iterator[NumberModel]:
    """Every planned model of numbers, also those without patients.

    Raises:
        LesionsError: a unit is 0.
    """
    units = _units(context)
    patients = context.frame(PATIENTS)
    for plan in context.frame(PLANNED).itertuples(index=False):
        covariates = plan.covariates.split()
        for endpoint in plan.endpoints.split():
            chosen = patients[(patients["subset"] == plan.subset)]
            chosen = chosen[chosen["endpoint"] == endpoint]
            known = chosen.dropna(subset=covariates)
            scale = [units[name][0] for name in covariates]
            yield NumberModel(
                key={"subset": plan.subset, "model": plan.model, "endpoint": endpoint},
                covariates=covariates,
                units=scale,
                labels=[units[name][1] for name in covariates],
                stratum_name=plan.stratum if isinstance(plan.stratum, str) else None,
                time=known["time_days"].to_numpy(dtype=np.float64),
                event=known["is_event"].to_numpy(dtype=bool),
                columns=known[covariates].to_numpy(dtype=np.float64) / scale,
                stratum=_strata(known, plan.stratum),
                n_left_out=len(chosen) - len(known),
            )


def _strata(patients: pandas.DataFrame, column: Any) -> NDArray[Any]:
    if not isinstance(column, str):
        return np.zeros(len(patients), dtype=np.int64)
    return patients[column].to_numpy(dtype=str)


def _units(context: StepContext) -> dict[str, tuple[float, str]]:
    gower, burden = (float(context.setting(name)) for name in UNIT_SETTINGS)
    for name, unit in zip(UNIT_SETTINGS, (gower, burden), strict=True):
        if not unit > 0:
            raise LesionsError(
                f"{name} = {unit:g} in lesions.toml must be above 0: hazard ratios are per this "
                "much."
            )
    return {
        "patient_gower_distance": (gower, f"per {gower:g}"),
        "baseline_sum_mm": (burden, f"per {burden:g} mm"),
        "n_lesions": (1.0, "per lesion"),
        "sum_nadir_ratio": (1.0, "per 1"),
    }


def group_rows(analysis: Analysis, confidence: float) -> list[dict[str, Any]]:
    """Hazard ratios of the groups against the first; of groups without event their one limit."""
    key = {"subset": analysis.key["subset"], "model": analysis.key["grouping"]}
    key |= {"endpoint": analysis.key["endpoint"], "term": analysis.key["grouping"]}
    g = len(analysis.names)
    n_events = np.bincount(analysis.code[analysis.event], minlength=g)
    reference = analysis.names[0] if g else None
    rows: list[dict[str, Any]] = []
    common = {
        "n_left_out": 0,
        "n_strata": 1,
        "reference": reference,
        "is_separated": False,
        "is_guarantee_time_free": analysis.is_guarantee_time_free,
        "landmark_days": analysis.landmark_days,
        **nulls(("unit", "stratum", "adjusted_for", "null_reason", *ESTIMATES)),
    }
    if g < 2:
        reason = "no patient has both a group and the endpoint" if g == 0 else "one group only"
        level = analysis.names[0] if g else "none"
        counts = {"n_patients": analysis.time.size, "n_events": int(n_events.sum())}
        nothing = {"level": level, "reference": None, "null_reason": reason}
        return [{**key, **common, **counts, **nothing}]
    compared = [j for j in range(1, g) if n_events[j] > 0 and n_events[0] > 0]
    used = np.isin(analysis.code, [0, *compared])
    columns = (analysis.code[used, None] == np.array(compared, dtype=np.int64)).astype(np.float64)
    fit = cox_model(analysis.time[used], analysis.event[used], columns) if compared else None
    for j in range(1, g):
        row = {**key, **common, "level": analysis.names[j]}
        if fit is not None and j in compared:
            row |= _estimates(fit, compared.index(j), confidence)
        else:
            silent = j if n_events[0] > 0 else 0
            what = "event" if (analysis.code == silent).any() else "patient with the endpoint"
            row |= {"n_patients": analysis.time.size, "n_events": int(n_events.sum())}
            row["null_reason"] = f"no {what} in group {analysis.names[silent]}"
            row |= _limit(analysis, j, n_events, confidence)
        rows.append(row)
    return rows


def _limit(
    analysis: Analysis, j: int, n_events: NDArray[np.int64], confidence: float
) -> dict[str, Any]:
    """Of a group against the first, where one of the two has no event: the hazard ratio is 0 or
    infinite, and its interval has one end. Empty where neither has one, or nobody of the group
    without is at risk at an event."""
    from udfs.hazards import Options, cox_data, design, factor, one_sided

    if (n_events[j] > 0) == (n_events[0] > 0):
        return {}
    silent, other = (j, 0) if n_events[0] > 0 else (0, j)
    if not (analysis.code == silent).any():
        return {}
    used = (n_events > 0)[analysis.code] | (analysis.code == silent)
    names = np.array(analysis.names)[analysis.code[used]]
    columns = design(factor("group", names, reference=analysis.names[other]))
    data = cox_data(analysis.time[used], analysis.event[used], columns)
    found = one_sided(
        data, "group", analysis.names[silent], Options(variance=0.0, confidence=confidence)
    )
    if found is None:
        return {}
    # The other group's ratio to the one without events is the inverse.
    limit = float(np.exp(found.log_limit if silent == j else -found.log_limit))
    ratio: dict[str, Any] = {"hazard_ratio": 0.0, "ci_lower": 0.0, "ci_upper": limit}
    ratio["null_reason"] = None
    if silent == 0:
        reason = f"infinite: no event in group {analysis.names[0]}"
        ratio = {"ci_lower": limit, "null_reason": reason}
    counts = {"n_patients": int(used.sum()), "n_events": int(analysis.event[used].sum())}
    return {"is_separated": True, "lr_p_value": found.p_value, **counts, **ratio}


def _number_rows(model: NumberModel, confidence: float) -> list[dict[str, Any]]:
    fit, reason = _fit(model)
    rows = []
    for k, (term, label) in enumerate(zip(model.covariates, model.labels, strict=True)):
        others = [name for name in model.covariates if name != term]
        row = {
            **model.key,
            "term": term,
            "level": label,
            "unit": model.units[k],
            # Heterogeneity is of the whole follow-up, which the dead are not scanned through.
            "is_guarantee_time_free": "patient_gower_distance" not in model.covariates,
            "n_patients": model.time.size,
            "n_events": int(model.event.sum()),
            "n_strata": np.unique(model.stratum).size,
            "n_left_out": model.n_left_out,
            "stratum": model.stratum_name,
            "adjusted_for": ", ".join(others) or None,
            "null_reason": reason,
            "is_separated": False,
            **nulls(("reference", "landmark_days", *ESTIMATES)),
        }
        rows.append(row if fit is None else row | _estimates(fit, k, confidence))
    return rows


def _fit(model: NumberModel) -> tuple[CoxModel | None, str | None]:
    if model.time.size == 0:
        return None, "no patient has the endpoint and every covariate"
    if not model.event.any():
        return None, "no event"
    constant = np.flatnonzero(np.ptp(model.columns, axis=0) == 0)
    if constant.size:
        return None, f"{model.covariates[int(constant[0])]} is the same in every patient"
    return cox_model(model.time, model.event, model.columns, model.stratum), None


def _estimates(fit: CoxModel, k: int, confidence: float) -> dict[str, Any]:
    counts = {"n_patients": fit.n, "n_events": fit.n_events}
    if not fit.is_converged:
        reason = "the likelihood has no maximum: too few events, or covariates that separate them"
        return {**counts, "null_reason": reason}
    lower, upper = fit.interval(confidence)
    chi2, df, p_value = fit.likelihood_ratio
    return {
        **counts,
        "log_hr": float(fit.coefficient[k]),
        "standard_error": float(fit.standard_error[k]),
        **_ratio(float(fit.coefficient[k]), float(lower[k]), float(upper[k])),
        "p_value": float(fit.p_value[k]),
        "model_chi2": chi2,
        "model_df": df,
        "model_p_value": p_value,
    }


def _ratio(log_hr: float, lower: float, upper: float) -> dict[str, Any]:
    """A hazard ratio and its limits; none where one is beyond what a number can hold."""
    if max(abs(log_hr), abs(lower), abs(upper)) > MAX_LOG:
        return {
            "null_reason": "the hazard ratio, or a limit, is too large for a number: see log_hr"
        }
    ratio = {"hazard_ratio": log_hr, "ci_lower": lower, "ci_upper": upper}
    return {name: float(np.exp(value)) for name, value in ratio.items()}
