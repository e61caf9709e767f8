"""The final hazard models again, with each event somewhere between two scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.hazards.hazard_tables import SETTINGS
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    from flows.steps.hazards.parts.models import Model
    from flows.steps.hazards.parts.rules import Rules
    from udfs.hazards.interval import IntervalModel

LIMITS = """
SELECT event.lesion_id, event.endpoint, event.time_lower, event.time_upper
FROM analysis.lesion_event AS event
WHERE event.rule_set = '{rule_set}' AND event.source = 'observed'
"""
INTERVAL = "interval censored"

HAZARD_INTERVAL = declared("analysis.hazard_interval")


@step(
    name="hazard_interval",
    reads=(
        "analysis.hazard_fit",
        "analysis.lesion_event",
        "core.patient",
        "core.study",
    ),
    writes=(HAZARD_INTERVAL,),
    settings=("rules.rule_set", *SETTINGS),
)
def hazard_interval(context: StepContext) -> dict[str, pa.Table]:
    """Each final model from the scans' intervals, beside that from the scans' days.

    Raises:
        LesionsError: a setting is out of range.
    """
    from flows.steps.hazards.parts.finals import final_models
    from flows.steps.hazards.parts.lesions import ENDPOINTS, SEEN, at_risk, read_lesions
    from flows.steps.hazards.parts.models import fit_model
    from flows.steps.hazards.parts.rules import read_rules

    rules = read_rules(context)
    limits = context.frame(LIMITS.format(rule_set=context.setting("rules.rule_set")))
    lesions = read_lesions(context, rules, SEEN)
    lesions = lesions[lesions["lesion_type"] != "new"]
    frames = {
        endpoint: at_risk(lesions, endpoint, rules)[0].merge(limits, on=["lesion_id", "endpoint"])
        for endpoint in ENDPOINTS
    }
    rows: list[dict[str, Any]] = []
    for question, frame in final_models(context, frames, INTERVAL):
        if frame["tumor_type"].nunique() > 1:
            model: Model | str = "several tumor types have baselines of their own"
        else:
            model = fit_model(frame, question, rules, has_limits=False)
        rows += _rows(question.endpoint, question.stratum, model, rules)
    return {HAZARD_INTERVAL.name: context.table(HAZARD_INTERVAL.name, rows)}


def _rows(endpoint: str, stratum: str, model: Model | str, rules: Rules) -> list[dict[str, Any]]:
    from udfs.hazards.interval import IntervalModelError

    key = {"endpoint": endpoint, "stratum": stratum}
    if isinstance(model, str):
        return [_no_model(key, model)]
    if not model.compares_organs:
        return [_no_model(key, "one organ alone has a finite hazard ratio")]
    try:
        found = _interval_fit(model)
    except IntervalModelError as error:
        return [_no_model(key, str(error))]
    return [{**key, **row} for row in _estimates(model, found, rules.confidence)]


def _no_model(key: dict[str, str], reason: str) -> dict[str, Any]:
    return {
        **nulls(HAZARD_INTERVAL.columns),
        **key,
        "term": "none",
        "level": "none",
        "null_reason": reason,
    }


def _interval_fit(model: Model) -> IntervalModel:
    """The model's lesions and terms, each event in (last scan without, scan with]."""
    import numpy as np

    from flows.steps.hazards.parts.prepared import covariate_term
    from udfs.hazards import design, factor
    from udfs.hazards.interval import interval_model

    frame, ready = model.prepared.frame, model.prepared
    terms = [factor("organ", frame["organ"].to_numpy(dtype=str), reference=ready.reference)]
    for term in ready.terms[1:]:
        # Which level is the commonest may differ between all rows and the collapsed ones.
        own = covariate_term(frame, term.name, term.reference)
        assert own is not None, "a term of the collapsed rows is one of all rows"
        terms.append(own)
    columns = design(*terms)
    assert columns.columns == model.fit.columns, "the same terms as the right-censored model"
    is_event = frame["is_event"].to_numpy(dtype=bool)
    # A last scan at baseline says that the event came some time after the first dose.
    lower = np.fmax(frame["time_lower"].to_numpy(dtype=float), 0.0)
    upper = np.where(is_event, np.fmax(frame["time_upper"].to_numpy(dtype=float), lower), np.inf)
    has_effect = model.fit.method != "naive"
    group = frame["patient"].to_numpy() if has_effect else None
    return interval_model(lower, upper, columns.matrix(), group)


def _estimates(model: Model, found: IntervalModel, confidence: float) -> list[dict[str, Any]]:
    import numpy as np
    from scipy.special import ndtr, ndtri

    z = float(ndtri((1 + confidence) / 2))
    scan = model.fit
    scan_error = np.sqrt(np.diag(scan.covariance))
    has_effect = scan.method != "naive"
    rows = []
    for k, ((term, label), reference) in enumerate(zip(scan.columns, scan.references, strict=True)):
        b, error = float(found.coefficient[k]), float(found.standard_error[k])
        rows.append(
            {
                "term": term,
                "level": label or "per unit",
                "reference": reference or None,
                "n_lesions": found.n,
                "n_events": found.n_events,
                "n_patients": int(model.prepared.frame["patient"].nunique()),
                "log_hr": b,
                "standard_error": error,
                "hazard_ratio": float(np.exp(b)),
                "ci_lower": float(np.exp(b - z * error)),
                "ci_upper": float(np.exp(b + z * error)),
                "p_value": float(2 * ndtr(-abs(b / error))),
                "scan_log_hr": float(scan.coefficient[k]),
                "scan_standard_error": float(scan_error[k]),
                "frailty_variance": found.variance if has_effect else None,
                "scan_frailty_variance": scan.variance if has_effect else None,
                "is_converged": found.is_converged,
                "null_reason": None,
            }
        )
    return rows
