"""Fitted models as rows of the tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from flows.steps.hazards.hazard_tables import (
    HAZARD_EXCLUSION,
    HAZARD_FIT,
    HAZARD_FRAILTY,
    HAZARD_PH_TEST,
    HAZARD_RATIO,
    HAZARD_TERM_TEST,
)
from flows.steps.hazards.parts.lesions import LeftOut
from flows.steps.hazards.parts.models import Model
from flows.steps.hazards.parts.prepared import ANTIBODY, FINAL, WITHIN
from flows.steps.hazards.parts.rules import Rules
from flows.steps.hazards.parts.separation import Separated
from flows.steps.hazards.parts.strata import Outcome
from udfs.hazards import CoxFit, HazardRatios, against_mean, hazard_ratios, variance_test
from warehouse.registry import TableDoc
from warehouse.result_tables import joined, nulls, result_table

PER_UNIT = "per unit"
NAIVE = "naive"


def finite_table(doc: TableDoc, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table; NaN and infinite numbers are null."""
    return result_table(doc, [{name: _value(value) for name, value in row.items()} for row in rows])


def model_rows(outcome: Outcome, lesions: pd.DataFrame, rules: Rules) -> dict[str, pa.Table]:
    """The tables of fits, hazard ratios, term tests and patients' effects."""
    fits: list[dict[str, Any]] = []
    ratios: list[dict[str, Any]] = []
    frailty: list[pa.Table] = []
    for model in outcome.models:
        for fit in model.fits:
            fits.append(_fit_row(model, fit, rules))
            ratios += _ratio_rows(model, fit, rules)
        ratios += [_separated_row(model, one) for one in model.separated]
        if model.question.model == FINAL and len(model.fits) == 2:
            frailty.append(_frailty_table(model, lesions))
    return {
        HAZARD_FIT.name: finite_table(HAZARD_FIT, fits),
        HAZARD_RATIO.name: finite_table(HAZARD_RATIO, ratios),
        HAZARD_TERM_TEST.name: finite_table(HAZARD_TERM_TEST, _test_rows(outcome, rules)),
        HAZARD_PH_TEST.name: finite_table(HAZARD_PH_TEST, _proportional_rows(outcome)),
        HAZARD_FRAILTY.name: joined(HAZARD_FRAILTY, frailty),
    }


def left_out_rows(left_out: list[LeftOut]) -> pa.Table:
    """What is left out, by rule; lesions that a rule took in several turns added up."""
    total: dict[tuple[str, ...], list[int]] = {}
    for one in left_out:
        key = (one.endpoint, one.stratum, one.model, one.rule, one.level)
        counted = total.setdefault(key, [0, 0])
        counted[0] += one.n_lesions
        counted[1] += one.n_events
    names = list(HAZARD_EXCLUSION.columns)
    return finite_table(
        HAZARD_EXCLUSION,
        (dict(zip(names, (*key, *n), strict=True)) for key, n in total.items()),
    )


def _value(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def _head(model: Model, fit: CoxFit) -> dict[str, Any]:
    asked = model.question
    return {
        "model_id": asked.model_id(fit.method),
        "endpoint": asked.endpoint,
        "stratum": asked.stratum,
        "model": asked.model,
        "method": fit.method,
        "is_primary": fit is model.fit,
    }


def _fit_row(model: Model, fit: CoxFit, rules: Rules) -> dict[str, Any]:
    has_effect = fit.method != NAIVE
    test = variance_test(fit)
    terms = [term.name for term in model.prepared.terms if term.name not in ("organ", ANTIBODY)]
    return {
        **_head(model, fit),
        "organ_reference": model.prepared.reference,
        "covariates": ", ".join(terms),
        "n_lesions": len(model.prepared.frame),
        "n_events": fit.n_events,
        "n_patients": int(model.prepared.frame["patient"].nunique()),
        "n_coefficients": len(fit.columns),
        "frailty_variance": fit.variance if has_effect else None,
        "frailty_variance_lower": fit.variance_lower if has_effect else None,
        "frailty_variance_upper": fit.variance_upper if has_effect else None,
        "variance_chi2": test.chi2 if has_effect else None,
        "variance_p_value": test.p_value if has_effect else None,
        "loglik_null": fit.loglik_null,
        "loglik_fixed": fit.loglik_fixed,
        "loglik_integrated": fit.loglik_integrated,
        "ties": fit.ties,
        "determinant": fit.determinant,
        "n_evaluations": fit.n_evaluations,
        "is_boundary": fit.is_boundary,
        "is_converged": fit.is_converged,
        "notes": "; ".join(dict.fromkeys((*model.prepared.notes, *fit.notes))),
    }


def _ratio_rows(model: Model, fit: CoxFit, rules: Rules) -> list[dict[str, Any]]:
    head = _head(model, fit)
    counts = _level_counts(model)
    tested = _level_p_values(model) if fit is model.fit else {}
    found = _rows_of(hazard_ratios(fit, rules.confidence), head, counts, tested)
    if model.question.model != WITHIN and model.compares_organs:
        found += _rows_of(against_mean(fit, "organ", rules.confidence), head, counts, {})
    return found


def _separated_row(model: Model, found: Separated) -> dict[str, Any]:
    """Of a level without a finite hazard ratio: the end of its interval that there is."""
    ratio = found.ratio
    limit = math.exp(ratio.log_limit)
    return {
        **_head(model, model.fit),
        "term": found.term,
        "level": found.level,
        "reference": found.reference,
        "is_separated": True,
        "n_lesions": found.n_lesions,
        "n_events": found.n_events,
        "hazard_ratio": None if ratio.is_infinite else 0.0,
        "ci_lower": limit if ratio.is_infinite else 0.0,
        "ci_upper": None if ratio.is_infinite else limit,
        "lr_p_value": ratio.p_value,
        **nulls(("log_hr", "standard_error", "p_value")),
    }


def _rows_of(
    ratios: HazardRatios,
    head: dict[str, Any],
    counts: dict[tuple[str, str], tuple[int, int]],
    tested: dict[tuple[str, str], float],
) -> list[dict[str, Any]]:
    rows = []
    for k, (term, label) in enumerate(zip(ratios.term, ratios.level, strict=True)):
        n_lesions, n_events = counts[term, label]
        rows.append(
            {
                **head,
                "term": term,
                "level": label.split(" within ")[-1] if term == ANTIBODY else label,
                "reference": ratios.reference[k] or PER_UNIT,
                "is_separated": False,
                "n_lesions": n_lesions,
                "n_events": n_events,
                "log_hr": ratios.log_hr[k],
                "standard_error": ratios.standard_error[k],
                "hazard_ratio": ratios.hazard_ratio[k],
                "ci_lower": ratios.lower[k],
                "ci_upper": ratios.upper[k],
                "p_value": ratios.p_value[k],
                "lr_p_value": tested.get((term, label)),
            }
        )
    return rows


def _level_counts(model: Model) -> dict[tuple[str, str], tuple[int, int]]:
    """Lesions and events by term and label, the reference of organ too."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    event, weight = model.data.event, model.data.weight
    for term in model.data.design.terms:
        if term.codes is None:
            for label in term.labels:
                counts[term.name, label] = (len(model.prepared.frame), int(event.sum()))
            continue
        n = np.bincount(term.codes, weight, minlength=len(term.labels) + 1)
        n_events = np.bincount(term.codes[event], minlength=len(term.labels) + 1)
        for k, label in enumerate((term.reference, *term.labels)):
            counts[term.name, label] = (round(n[k]), int(n_events[k]))
    return counts


def _level_p_values(model: Model) -> dict[tuple[str, str], float]:
    """Likelihood-ratio p-values of single coefficients that were computed."""
    found = {(test.term, test.label): test.p_value for test in model.level_tests}
    for test in model.tests:
        labels = [label for term, label in model.fit.columns if term == test.term]
        if len(labels) == 1:
            found[test.term, labels[0]] = test.p_value
    return found


def _test_rows(outcome: Outcome, rules: Rules) -> list[dict[str, Any]]:
    rows = []
    for asked, test in outcome.screening:
        fitted = outcome.final(asked.endpoint, asked.stratum)
        rows.append(
            {
                "model_id": asked.model_id(fitted.fit.method if fitted else rules.options.method),
                "test": "screening",
                "step": test.step,
                "term": test.name,
                "endpoint": asked.endpoint,
                "stratum": asked.stratum,
                "chi2": test.chi2,
                "df": test.df if test.df else None,
                "p_value": test.p_value,
                "n_lesions": round(test.weight),
                "n_events": test.n_events,
                "is_selected": test.is_selected,
                "problem": test.problem or None,
                **nulls(("wald_chi2", "wald_p_value", "variance_without")),
            }
        )
    for model in outcome.models:
        for final in model.tests:
            rows.append(
                {
                    "model_id": model.question.model_id(model.fit.method),
                    "test": "final",
                    "step": 0,
                    "term": final.term,
                    "endpoint": model.question.endpoint,
                    "stratum": model.question.stratum,
                    "chi2": final.chi2,
                    "df": final.df,
                    "p_value": final.p_value,
                    "wald_chi2": final.wald_chi2,
                    "wald_p_value": final.wald_p_value,
                    "variance_without": final.variance_without,
                    "n_lesions": len(model.prepared.frame),
                    "n_events": model.fit.n_events,
                    "is_selected": True,
                    "problem": None,
                }
            )
    return rows


def _proportional_rows(outcome: Outcome) -> list[dict[str, Any]]:
    rows = []
    for model in outcome.models:
        asked = model.question
        for frailty, check in model.proportional:
            for test in check.tests:
                mine = [k for k, (name, _) in enumerate(model.fit.columns) if name == test.term]
                known = [k for k in mine if np.isfinite(check.drift[k])]
                steepest = max(known, key=lambda k: abs(check.drift[k]), default=None)
                rows.append(
                    {
                        "model_id": asked.model_id(model.fit.method),
                        "frailty": frailty,
                        "term": test.term,
                        "endpoint": asked.endpoint,
                        "stratum": asked.stratum,
                        "transform": check.transform,
                        "chi2": test.chi2,
                        "df": test.df,
                        "p_value": test.p_value,
                        "steepest_level": None
                        if steepest is None
                        else model.fit.columns[steepest][1],
                        "steepest_change": None if steepest is None else check.drift[steepest],
                    }
                )
    return rows


def _frailty_table(model: Model, lesions: pd.DataFrame) -> pa.Table:
    effect = model.fit.frailty
    ids = lesions.drop_duplicates("patient").set_index("patient")["patient_id"]
    n = len(effect.group)
    return result_table(
        HAZARD_FRAILTY,
        {
            "endpoint": [model.question.endpoint] * n,
            "stratum": [model.question.stratum] * n,
            "patient_id": ids.loc[effect.group].to_numpy(dtype=str),
            "log_hazard": effect.effect,
            "standard_deviation": effect.sd,
        },
    )
