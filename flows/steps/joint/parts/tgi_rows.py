"""Rows of the metrics of tumor growth inhibition, and of survival regressed on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from flows.steps.joint.parts.fitting import MIN_EVENTS, Group
from flows.steps.joint.parts.reading import Curves
from flows.steps.joint.parts.rows import NORMAL_95, keys
from udfs.growth.parameters import FloatArray
from udfs.joint import JointDataError, lesions_of
from udfs.joint.arrays import mean_by
from udfs.joint.tgi import DISTRIBUTIONS, SurvivalRegression, sum_metrics, survival_regression

N_DRAWS = 20
EVENTS_PER_PARAMETER = 10
Row = dict[str, Any]


def log_kg_of(curves: Curves) -> FloatArray:
    """(P, M) mean of the lesions' log kg of each patient in each draw."""
    draws = curves.draws
    return mean_by(draws.phi[:, :N_DRAWS, 0], draws.owner, len(draws.patient))


def metric_rows(curves: Curves) -> list[Row]:
    """One row per patient of the growth fit."""
    draws = curves.draws
    group = dict(zip(draws.lesion.tolist(), curves.organ.tolist(), strict=True))
    lesions = lesions_of(curves.longitudinal.fit, draws, group, d0=curves.d0)
    found = sum_metrics(lesions, draws.phi[:, :N_DRAWS])
    log_kg = log_kg_of(curves)
    n_lesions = np.bincount(draws.owner, minlength=len(draws.patient))
    n_measured = np.bincount(draws.owner, weights=draws.is_measured, minlength=len(draws.patient))
    rebuilt = curves.rebuilt
    return [
        {
            "fit_id": rebuilt.fit_id,
            "subset": rebuilt.subset,
            "patient_id": patient,
            "n_lesions": int(n_lesions[k]),
            "n_measured": int(n_measured[k]),
            "sum_day_0_mm": float(found.sld_day_0_mm[k].mean()),
            "kg_per_day": float(np.exp(log_kg[k].mean())),
            "log_kg_sd": float(log_kg[k].std(ddof=1)),
            "time_to_growth_days": float(found.time_to_growth_days[k].mean()),
            "time_to_growth_sd": float(found.time_to_growth_days[k].std(ddof=1)),
            "week_8_ratio": float(found.ratio_week_8[k].mean()),
            "week_8_ratio_sd": float(found.ratio_week_8[k].std(ddof=1)),
            "depth": float(found.depth[k].mean()),
            "depth_sd": float(found.depth[k].std(ddof=1)),
        }
        for k, patient in enumerate(draws.patient.tolist())
    ]


def survival_rows(group: Group) -> tuple[list[Row], str]:
    """Each distribution, pooled over draws, and why some are missing; empty where none is."""
    events = group.cohort.events
    names = ("log_kg", "log_sum_day_0", *events.covariate_names)
    if events.n_events < max(MIN_EVENTS, EVENTS_PER_PARAMETER * len(names)):
        said = f"{events.n_events} events, {EVENTS_PER_PARAMETER} are needed for each of "
        return [], f"{said}{', '.join(names)}"
    log_kg = log_kg_of(group.curves)[group.cohort.place]
    zero = np.zeros((len(group.lesions.d0), 1))
    log_d = group.lesions.log_diameter(group.draws.phi[:, :N_DRAWS], zero)[..., 0]
    total = np.zeros((events.n, log_d.shape[1]))
    np.add.at(total, group.lesions.patient, np.exp(log_d))
    pooled: dict[str, list[SurvivalRegression]] = {}
    missing: list[str] = []
    for name in DISTRIBUTIONS:
        try:
            fits = [
                survival_regression(
                    events.time,
                    events.is_event,
                    np.column_stack([log_kg[:, m], np.log(total[:, m]), events.covariates]),
                    names,
                    name,
                )
                for m in range(log_kg.shape[1])
            ]
        except (JointDataError, np.linalg.LinAlgError) as error:
            missing.append(f"{name}: {error}")
            continue
        if all(one.is_converged for one in fits):
            pooled[name] = fits
        else:
            missing.append(f"{name} did not converge")
    aic = {name: float(np.mean([one.aic for one in fits])) for name, fits in pooled.items()}
    rows: list[Row] = []
    for label, each in pooled.items():
        is_best = aic[label] == min(aic.values())
        rows += _pooled(group, label, each, aic[label], is_best)
    return rows, "; ".join(missing)


def _pooled(
    group: Group, name: str, fits: list[SurvivalRegression], aic: float, is_best: bool
) -> list[Row]:
    """Rubin's rules: total variance is that within, and (1 + 1/m) that between draws."""
    events = group.cohort.events
    each = np.stack([one.estimates for one in fits])
    within = np.mean([np.diag(one.covariance) for one in fits], axis=0)
    between = (1.0 + 1.0 / len(fits)) * each.var(axis=0, ddof=1)
    mean, error = each.mean(axis=0), np.sqrt(within + between)
    return [
        {
            **keys(group.curves.rebuilt, group.cohort.endpoint),
            "distribution": name,
            "parameter": label,
            "n_patients": events.n,
            "n_events": events.n_events,
            "estimate": float(mean[k]),
            "standard_error": float(error[k]),
            "between_share": float(between[k] / (within[k] + between[k])),
            "ci_lower": float(mean[k] - NORMAL_95 * error[k]),
            "ci_upper": float(mean[k] + NORMAL_95 * error[k]),
            "p_value": None
            if label in ("intercept", "log_scale")
            else float(2.0 * ndtr(-abs(mean[k]) / error[k])),
            "aic": aic,
            "is_best": is_best,
        }
        for k, label in enumerate(fits[0].labels)
    ]
