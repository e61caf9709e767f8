"""The final hazard models again, with patients nested in sites or in studies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.hazards.hazard_tables import SETTINGS
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas as pd

    from flows.steps.hazards.parts.models import Model
    from flows.steps.hazards.parts.prepared import Question
    from flows.steps.hazards.parts.rules import Rules
    from udfs.hazards import NestedFit

PATIENTS = "SELECT patient_id, study_id, site_id FROM core.patient ORDER BY patient_id"
NAME = "nested"
NOT_STATED = "site not stated"
FIT = declared("analysis.hazard_nested_fit")
RATIO = declared("analysis.hazard_nested_ratio")
SITE = declared("analysis.hazard_site")


@step(
    name="hazard_nested",
    reads=("analysis.hazard_fit", "analysis.lesion_event", "core.patient", "core.study"),
    writes=(FIT, RATIO, SITE),
    settings=("rules.rule_set", "hazards.random_effect", *SETTINGS),
)
def hazard_nested(context: StepContext) -> dict[str, pa.Table]:
    """Each final model with effects of sites and of patients within them.

    Raises:
        LesionsError: a setting is out of range.
    """
    wanted = context.setting("hazards.random_effect")
    fits: list[dict[str, Any]] = []
    ratios: list[dict[str, Any]] = []
    sites: list[dict[str, Any]] = []
    if wanted != "patient":
        from flows.steps.hazards.parts.finals import final_models
        from flows.steps.hazards.parts.lesions import ENDPOINTS, at_risk, read_lesions
        from flows.steps.hazards.parts.rules import read_rules

        rules = read_rules(context)
        if rules.options.method != "laplace":
            context.note("nested random effects: by Laplace's approximation (not hazards.method)")
        lesions = read_lesions(context, rules, rules.event_source)
        lesions = lesions.merge(_sites(context, wanted), on="patient_id", how="left")
        frames = {endpoint: at_risk(lesions, endpoint, rules)[0] for endpoint in ENDPOINTS}
        for question, frame in final_models(context, frames, NAME):
            found = _fitted(question, frame, rules)
            fits.append({**_key(question), "random_effect": wanted, **_fit_row(found)})
            if not isinstance(found, str):
                ratios += [{**_key(question), **row} for row in _ratio_rows(*found, rules)]
                sites += [{**_key(question), **row} for row in _site_rows(*found)]
    return {
        FIT.name: context.table(FIT.name, fits),
        RATIO.name: context.table(RATIO.name, ratios),
        SITE.name: context.table(SITE.name, sites),
    }


def _key(question: Question) -> dict[str, str]:
    return {"endpoint": question.endpoint, "stratum": question.stratum}


def _sites(context: StepContext, wanted: str) -> pd.DataFrame:
    """Each patient's site (or study), and whether it is stated."""
    patients = context.frame(PATIENTS)
    if wanted == "study/patient":
        return patients.assign(site=patients["study_id"], has_site=True)[
            ["patient_id", "site", "has_site"]
        ]
    own = patients["study_id"] + f"/{NOT_STATED}"
    return patients.assign(
        site=patients["site_id"].fillna(own), has_site=patients["site_id"].notna()
    )[["patient_id", "site", "has_site"]]


def _fitted(question: Question, frame: pd.DataFrame, rules: Rules) -> tuple[Model, NestedFit] | str:
    """The model with the patient's effect alone, and with the sites' too; or why there is none."""
    from flows.steps.hazards.parts.models import fit_model
    from udfs.hazards import HazardDataError, fit_nested

    model = fit_model(frame, question, rules, has_limits=False)
    if isinstance(model, str):
        return model
    if model.fit.method == "naive":
        return "each patient has one lesion"
    if not model.fit.columns:
        return "no term has a finite hazard ratio"
    is_class = question.stratum in set(frame["treatment_class"].dropna())
    options = replace(rules.options, method="laplace", interval=not is_class)
    try:
        nested = fit_nested(model.data, model.prepared.rows["site"].to_numpy(dtype=str), options)
    except HazardDataError as error:
        return str(error)
    return model, nested


def _fit_row(found: tuple[Model, NestedFit] | str) -> dict[str, Any]:
    from math import isfinite

    from scipy.special import chdtrc

    if isinstance(found, str):
        counted = list(FIT.columns)[3:]
        return {**nulls(counted), "null_reason": found}
    model, fit = found
    frame = model.prepared.frame
    patients = frame.drop_duplicates("patient")
    chi2 = max(0.0, 2 * (fit.loglik_integrated - fit.loglik_group))
    upper = {
        "site_variance_upper": fit.site_variance_upper,
        "patient_variance_upper": fit.variance_upper,
    }
    return {
        "n_sites": len(fit.site.group),
        "n_patients": len(patients),
        "n_patients_without_site": int((~patients["has_site"].astype(bool)).sum()),
        "n_lesions": len(frame),
        "n_events": fit.n_events,
        "site_variance": fit.site_variance,
        "site_variance_lower": fit.site_variance_lower,
        "patient_variance": fit.variance,
        "patient_variance_lower": fit.variance_lower,
        **{name: value if isfinite(value) else None for name, value in upper.items()},
        "patient_variance_alone": fit.variance_alone,
        "site_chi2": chi2,
        "site_p_value": float(chdtrc(1, chi2)) / 2 if chi2 > 0 else 1.0,
        "loglik_null": fit.loglik_null,
        "loglik_fixed": fit.loglik_fixed,
        "loglik_patient": fit.loglik_group,
        "loglik_site": fit.loglik_site,
        "loglik_integrated": fit.loglik_integrated,
        "n_evaluations": fit.n_evaluations,
        "is_boundary": fit.is_boundary,
        "is_converged": fit.is_converged,
        "null_reason": None,
    }


def _ratio_rows(model: Model, fit: NestedFit, rules: Rules) -> list[dict[str, Any]]:
    import numpy as np
    from scipy.special import ndtr, ndtri

    z = float(ndtri((1 + rules.confidence) / 2))
    rows = []
    for k, ((term, label), reference) in enumerate(zip(fit.columns, fit.references, strict=True)):
        b, error = float(fit.coefficient[k]), float(fit.standard_error[k])
        rows.append(
            {
                "term": term,
                "level": label,
                "reference": reference or None,
                "log_hr": b,
                "standard_error": error,
                "hazard_ratio": float(np.exp(b)),
                "ci_lower": float(np.exp(b - z * error)),
                "ci_upper": float(np.exp(b + z * error)),
                "p_value": float(2 * ndtr(-abs(b / error))),
                "patient_log_hr": float(model.fit.coefficient[k]),
                "patient_standard_error": float(model.fit.standard_error[k]),
            }
        )
    return rows


def _site_rows(model: Model, fit: NestedFit) -> list[dict[str, Any]]:
    by_site = model.prepared.frame.groupby("site")
    counted = by_site.agg(
        n_patients=("patient", "nunique"),
        n_lesions=("patient", "size"),
        n_events=("is_event", "sum"),
    )
    return [
        {
            "site_id": str(site),
            "n_patients": int(counted["n_patients"][site]),
            "n_lesions": int(counted["n_lesions"][site]),
            "n_events": int(counted["n_events"][site]),
            "log_hazard": float(effect),
            "standard_deviation": float(sd),
        }
        for site, effect, sd in zip(fit.site.group, fit.site.effect, fit.site.sd, strict=True)
    ]
