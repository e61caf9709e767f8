"""Rows of the tables of joint models."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from flows.steps.growth.parts.rebuilt import Rebuilt
from flows.steps.joint.parts.fitting import (
    NONE,
    Attempt,
    Group,
    far_event_share,
    near_fit,
)
from flows.steps.joint.parts.reading import Cohort
from udfs.growth.parameters import FloatArray
from udfs.joint import JointFit, Piecewise
from udfs.joint.check import simulated_survivors
from udfs.joint.draws import population_draws
from udfs.joint.dynamic import FittedHazard
from udfs.joint.lesions import PARAMETERS
from udfs.joint.links import ORGAN_UNIT_MM
from udfs.joint.saved import SavedJointModel
from udfs.survival import kaplan_meier
from warehouse.result_tables import nulls

NORMAL_95 = 1.959963984540054
LOG_2 = float(np.log(2.0))
MAX_LOG = 690.0
"""Of a hazard ratio: exp(709) is the largest number there is."""
CHECK_DAYS = 12
CHECK_DRAWS = 100
"""Simulated trials."""
CHECK_QUANTILE = 0.95
"""Of the times: survival is checked up to there."""
UNITS = {
    "value": "log of the sum of diameters",
    "slope": "relative change of the sum in 30 days",
    "ttg": "100 days of time to growth",
    "kg": "log kg",
}
STEPS = {
    "value": ("sum of diameters doubled", LOG_2),
    "slope": ("sum growing 10 % faster in 30 days", 0.1),
    "ttg": ("growth 100 days later", 1.0),
    "kg": ("kg doubled", LOG_2),
}
FIT_NUMBERS = (
    "n_parameters",
    "loglik",
    "loglik_mc_error",
    "aic",
    "aic_difference",
    "chi2",
    "df",
    "p_value",
    "chi2_mc_error",
    "effective_draws",
    "n_few_draws",
    "n_steps",
    "newton_decrement",
)
"""NULL where there are no estimates."""
Row = dict[str, Any]


def keys(found: Rebuilt, endpoint: str) -> Row:
    """What every row begins with."""
    return {"fit_id": found.fit_id, "subset": found.subset, "endpoint": endpoint}


def refused_rows(
    found: Rebuilt, endpoints: list[str], links: list[str], reason: tuple[str, str], plan: Row
) -> list[Row]:
    """Of a growth fit that no joint model stands on."""
    return [
        {
            **keys(found, endpoint),
            "link": link,
            **plan,
            "covariates": "",
            "n_patients": 0,
            "n_events": 0,
            **nulls(FIT_NUMBERS),
            "is_best": False,
            "is_converged": False,
            "verdict_id": reason[0],
            "verdict": reason[1],
        }
        for endpoint in endpoints
        for link in (NONE, *links)
    ]


def fit_rows(attempts: list[Attempt], best: Attempt | None, plan: Row) -> list[Row]:
    """One row per attempt."""
    smallest = min((one.fit.aic for one in attempts if one.fit is not None), default=0.0)
    rows = []
    for one in attempts:
        cohort = one.group.cohort
        row = {
            **keys(one.group.curves.rebuilt, cohort.endpoint),
            "link": one.link,
            **plan,
            "covariates": ", ".join(cohort.events.covariate_names),
            "n_patients": cohort.events.n,
            "n_events": cohort.events.n_events,
            **nulls(FIT_NUMBERS),
            "is_best": one is best,
            "is_converged": one.fit is not None,
            "verdict_id": one.verdict_id,
            "verdict": one.verdict,
        }
        if one.fit is not None:
            row |= _numbers(one, one.fit, smallest)
        rows.append(row)
    return rows


def _numbers(attempt: Attempt, fit: JointFit, smallest: float) -> Row:
    out: Row = {
        "n_parameters": len(fit.labels),
        "loglik": fit.loglik,
        "loglik_mc_error": 0.0 if attempt.link == NONE else fit.loglik_mc_error,
        "aic": fit.aic,
        "aic_difference": fit.aic - smallest,
        "n_steps": fit.n_steps,
        "newton_decrement": fit.decrement,
    }
    if attempt.tests is not None:
        test = attempt.tests["all"]
        out |= {
            "chi2": test.chi2,
            "df": test.df,
            "p_value": test.p_value,
            "chi2_mc_error": test.mc_error,
            "effective_draws": float(np.quantile(fit.effective, 0.05)),
            "n_few_draws": fit.n_poor,
        }
    return out


def parameter_rows(attempt: Attempt) -> list[Row]:
    """Estimates with limits; none where there are no estimates."""
    fit, cohort = attempt.fit, attempt.group.cohort
    if fit is None:
        return []
    given, robust = (
        np.sqrt(np.maximum(np.diag(one), 0.0))
        for one in (fit.covariance_given_growth, fit.covariance_sandwich)
    )
    base = fit.model.baseline
    first = len(fit.labels) - len(base.labels)
    rows = []
    for k, label in enumerate(fit.labels):
        is_baseline = k >= first
        estimate, error = float(fit.theta[k]), float(fit.standard_errors[k])
        mc_error = 0.0 if attempt.link == NONE else float(fit.mc_error[k])
        start, stop = None, None
        if is_baseline and isinstance(base, Piecewise):
            start, stop = (float(one) for one in base.cuts[k - first : k - first + 2])
        p_value = None if is_baseline else float(2.0 * ndtr(-abs(estimate) / error))
        rows.append(
            {
                **keys(attempt.group.curves.rebuilt, cohort.endpoint),
                "link": attempt.link,
                "parameter": label,
                "kind": "baseline"
                if is_baseline
                else ("link" if k < len(attempt.labels) else "covariate"),
                "estimate": estimate,
                "standard_error": error,
                "standard_error_given_growth": float(given[k]),
                "standard_error_sandwich": float(robust[k]),
                "mc_error": mc_error,
                "ci_lower": estimate - NORMAL_95 * error,
                "ci_upper": estimate + NORMAL_95 * error,
                "p_value": p_value,
                "from_day": start,
                "to_day": stop if stop is not None and np.isfinite(stop) else None,
            }
        )
    return rows


def link_rows(attempt: Attempt, is_best: bool) -> list[Row]:
    """One row per coefficient of a link that is estimated."""
    fit, group = attempt.fit, attempt.group
    if fit is None or attempt.link == NONE or attempt.tests is None:
        return []
    near = near_fit(attempt) if is_best else None
    far = far_event_share(group) if is_best else None
    rows = []
    for k, label in enumerate(attempt.labels):
        estimate, error = float(fit.theta[k]), float(fit.standard_errors[k])
        term, unit, per, step = _readable(group, attempt.link, label)
        has = group.patients_with(term) if attempt.link == "organ" else slice(None)
        test = attempt.tests["all" if len(attempt.labels) == 1 else label]
        naive, naive_error = None, None
        if attempt.naive is not None and attempt.naive.is_converged:
            naive = float(attempt.naive.theta[k])
            naive_error = float(attempt.naive.standard_errors[k])
        is_clear = naive is not None and abs(estimate) > error
        low, high = sorted((estimate + sign * NORMAL_95 * error) * step for sign in (-1, 1))
        shift = None if near is None else float(near.theta[k] - estimate) / error
        events = group.cohort.events
        rows.append(
            {
                **keys(group.curves.rebuilt, group.cohort.endpoint),
                "link": attempt.link,
                "term": term,
                "unit": unit,
                "n_patients": int(np.arange(events.n)[has].size),
                "n_events": int(events.is_event[has].sum()),
                "estimate": estimate,
                "standard_error": error,
                "per": per,
                "log_step": step,
                "hazard_ratio": _ratio(estimate * step),
                "ci_lower": _ratio(low),
                "ci_upper": _ratio(high),
                "chi2": test.chi2,
                "p_value": test.p_value,
                "chi2_mc_error": test.mc_error,
                "naive_estimate": naive,
                "naive_standard_error": naive_error,
                "naive_ratio": naive / estimate if is_clear and naive is not None else None,
                "near_estimate": None if near is None else float(near.theta[k]),
                "near_shift": shift,
                "far_event_share": far,
            }
        )
    return rows


def _ratio(log_ratio: float) -> float:
    return float(np.exp(np.clip(log_ratio, -MAX_LOG, MAX_LOG)))


def _readable(group: Group, link: str, label: str) -> tuple[str, str, str, float]:
    """Term, unit of the estimate, what the hazard ratio is per, and that in units."""
    if link == "organ":
        term = label.removeprefix("organ_")
        size = group.size_at_start(term)
        step = float(np.log((size + 2 * ORGAN_UNIT_MM) / (size + ORGAN_UNIT_MM)))
        return term, "log(1 + sum / 10 mm)", f"10 mm more at a sum of {size:.0f} mm there", step
    if link == "shared":
        term = label.removeprefix("shared_")
        sd = float(group.longitudinal.point.between[PARAMETERS.index(term)])
        return term, f"patient's effect on {term}", "one standard deviation between patients", sd
    return label, UNITS[link], *STEPS[link]


def excluded_rows(found: Rebuilt, cohort: Cohort) -> list[Row]:
    """Patients in no joint model of the endpoint."""
    start = keys(found, cohort.endpoint)
    return [
        {**start, "patient_id": patient, "reason_id": reason_id, "reason": reason}
        for patient, reason_id, reason in cohort.excluded
    ]


def frailty_rows(best: Attempt) -> list[Row]:
    """What the lesions add to each patient's hazard."""
    fit, cohort = best.fit, best.group.cohort
    assert fit is not None  # it is the best
    alpha = fit.theta[: len(best.labels)]
    each = np.asarray(fit.model.links.at_end, dtype=np.float64) @ alpha
    weight = fit.maximum.sums.weight
    mean = (weight * each).sum(axis=1)
    sd = np.sqrt(np.maximum((weight * (each - mean[:, None]) ** 2).sum(axis=1), 0.0))
    centred = mean - mean.mean()
    start = keys(best.group.curves.rebuilt, cohort.endpoint)
    return [
        {
            **start,
            "link": best.link,
            "patient_id": patient,
            "log_hazard_ratio": float(centred[k]),
            "standard_deviation": float(sd[k]),
            "hazard_ratio": _ratio(float(centred[k])),
            "effective_draws": float(fit.effective[k]),
        }
        for k, patient in enumerate(cohort.patients.tolist())
    ]


def residual_rows(best: Attempt) -> list[Row]:
    """Cox-Snell and martingale residuals."""
    fit, cohort = best.fit, best.group.cohort
    assert fit is not None  # it is the best
    each = fit.model.cumulative_hazards(fit.theta)
    marginal = -(np.logaddexp.reduce(-each, axis=1) - np.log(each.shape[1]))
    mean, events = fit.maximum.sums.cumulative, cohort.events
    start = keys(best.group.curves.rebuilt, cohort.endpoint)
    return [
        {
            **start,
            "link": best.link,
            "patient_id": patient,
            "entry_day": float(events.entry[k]),
            "end_day": float(events.time[k]),
            "is_event": bool(events.is_event[k]),
            "cox_snell": float(max(marginal[k], 0.0)),
            "martingale": float(events.is_event[k]) - float(mean[k]),
            "cumulative_hazard": float(mean[k]),
        }
        for k, patient in enumerate(cohort.patients.tolist())
    ]


def check_rows(best: Attempt, seed: int) -> list[Row]:
    """Kaplan-Meier beside simulated trials, of all and of each level of a covariate."""
    fit, group = best.fit, best.group
    assert fit is not None  # it is the best
    events = group.cohort.events
    is_whole = events.entry == 0
    last = float(np.quantile(events.time[is_whole], CHECK_QUANTILE)) if is_whole.any() else 0.0
    days = np.unique(np.round(np.arange(1, CHECK_DAYS + 1) * last / CHECK_DAYS))
    days = days[days > 0]
    if len(days) == 0:
        return []
    point = group.longitudinal.point
    prior = population_draws(group.draws, point, CHECK_DRAWS, seed)
    hazard = FittedHazard.of(fit, group.longitudinal, (best.link,))
    alive = simulated_survivors(hazard, group.lesions, prior, events.covariates, days, seed=seed)
    rows = []
    groups = {"all": np.ones(events.n, dtype=bool)}
    for name, column in zip(events.covariate_names, events.covariates.T, strict=True):
        groups[name.partition(" against ")[0]] = column > 0
    for name, is_in in groups.items():
        mine = is_in & is_whole
        if mine.any():
            rows += _check_of(best, name, mine, alive[mine].mean(axis=0), days)
    return rows


def _check_of(
    best: Attempt, name: str, mine: np.ndarray, share: FloatArray, days: FloatArray
) -> list[Row]:
    events = best.group.cohort.events
    curve = kaplan_meier(events.time[mine], events.is_event[mine])
    observed = curve.at(days)
    low, high = np.quantile(share, [0.025, 0.975], axis=0)
    start = keys(best.group.curves.rebuilt, best.group.cohort.endpoint)
    rows = []
    for k, day in enumerate(days.tolist()):
        value, lower, upper = (float(one[k]) for one in observed)
        lower = 0.0 if np.isnan(lower) else lower
        upper = value if np.isnan(upper) else upper
        rows.append(
            {
                **start,
                "link": best.link,
                "group_name": name,
                "day": day,
                "n_patients": int(mine.sum()),
                "n_at_risk": int((events.time[mine] >= day).sum()),
                "observed": value,
                "observed_lower": lower,
                "observed_upper": upper,
                "simulated": float(share[:, k].mean()),
                "simulated_lower": float(low[k]),
                "simulated_upper": float(high[k]),
                "is_within": bool(low[k] <= upper and lower <= high[k]),
            }
        )
    return rows


def model_row(best: Attempt, growth: dict[str, float], limit_mm3: float, plan: Row) -> Row:
    """The best model as text."""
    fit, group = best.fit, best.group
    assert fit is not None  # it is the best
    keep = group.curves.draws.take(group.cohort.place)[1]
    organ, code = group.curves.organ[keep].tolist(), group.lesions.organ.tolist()
    of = {one: group.lesions.organs[k] for one, k in zip(organ, code, strict=True)}
    flat = group.lesions.is_flat
    saved = SavedJointModel(
        "two_population_flat" if flat else "two_population",
        dict(sorted(growth.items())),
        FittedHazard.of(fit, group.longitudinal, (best.link,)),
        group.cohort.events.covariate_names,
        group.lesions.organs,
        dict(sorted(of.items())),
        limit_mm3,
        {"n_patients": fit.n_patients, "n_events": fit.n_events, **plan},
    )
    return {
        **keys(group.curves.rebuilt, group.cohort.endpoint),
        "link": best.link,
        "n_patients": fit.n_patients,
        "content": saved.to_text(),
    }
