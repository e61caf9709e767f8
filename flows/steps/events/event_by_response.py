"""Times to response and to progression of target lesions by the patient's best overall response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas

    from udfs.hazards import CoxData, CoxFit, Options

RESPONSES = ("CR", "PR", "SD", "PD")
"""The best first: the groups that are compared."""
NOT_COMPARED = ("NE",)
REFERENCE = "SD"
EVERYONE = "all"
MIN_EVENTS = 5
"""Of a group, for a hazard ratio."""
MIXED = "mixed-effects Cox"

LESIONS = """
SELECT
    event.endpoint,
    event.source,
    event.lesion_id,
    event.patient_id,
    event.time_days,
    event.is_event,
    CASE coalesce(patient.best_overall_response, best.best_overall_response)
        WHEN 'NON-CR/NON-PD' THEN 'SD'
        ELSE coalesce(patient.best_overall_response, best.best_overall_response)
    END AS response
FROM analysis.lesion_event AS event
INNER JOIN core.patient AS patient ON event.patient_id = patient.patient_id
LEFT JOIN analysis.best_overall_response AS best
    ON patient.patient_id = best.patient_id AND best.basis = 'derived' AND best.is_counted_reader
WHERE
    event.rule_set = '{rule_set}'
    AND event.lesion_type = 'target'
    AND event.time_days >= 0
    AND (
        event.is_event
        OR event.censor_reason IN (
            'death', 'end_of_follow_up', 'local_treatment', 'merged', 'split'
        )
    )
ORDER BY event.endpoint, event.source, event.lesion_id
"""

EVENT_BY_RESPONSE = declared("analysis.event_by_response")
EVENT_BY_RESPONSE_TEST = declared("analysis.event_by_response_test")
BOX = (
    "mean_days",
    "percentile_10",
    "first_quartile",
    "median_event_days",
    "third_quartile",
    "percentile_90",
)
"""Of the lesions with the event; NULL without any."""
RATIO = ("hazard_ratio", "ci_lower", "ci_upper")


@step(
    name="event_by_response",
    reads=("analysis.lesion_event", "analysis.best_overall_response", "core.patient"),
    writes=(EVENT_BY_RESPONSE, EVENT_BY_RESPONSE_TEST),
    settings=(
        "rules.rule_set",
        "comparisons.correction",
        "hazards.confidence",
        "hazards.ties",
        "hazards.method",
        "survival.confidence",
        "survival.interval",
    ),
)
def event_by_response(context: StepContext) -> dict[str, pa.Table]:
    """Summaries and tests of each endpoint and source.

    Raises:
        LesionsError: a setting is out of range.
    """
    lesions = context.frame(LESIONS.format(rule_set=context.setting("rules.rule_set")))
    correction = context.setting("comparisons.correction")
    confidence, interval = confidence_level(context), context.setting("survival.interval")
    summaries: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for (endpoint, source), rows in lesions.groupby(["endpoint", "source"], sort=True):
        key = {"endpoint": endpoint, "source": source}
        fitted = _mixed_model(rows, context)
        if isinstance(fitted, str):
            context.note(f"no hazards by best overall response ({endpoint}, {source}): {fitted}")
        else:
            tests += [{**key, **_mixed_test(*fitted)}]
        ratios = {} if isinstance(fitted, str) else _ratios(fitted[1])
        if ratios:
            ratios |= _limits(rows, ratios, context)
        summaries += [{**key, **row} for row in _summaries(rows, ratios, confidence, interval)]
        tests += [{**key, **row} for row in _tests(rows, correction)]
    return {
        EVENT_BY_RESPONSE.name: context.table(EVENT_BY_RESPONSE.name, summaries),
        EVENT_BY_RESPONSE_TEST.name: context.table(EVENT_BY_RESPONSE_TEST.name, tests),
    }


def _summaries(
    rows: pandas.DataFrame,
    ratios: dict[str, tuple[float | None, ...]],
    confidence: float,
    interval: Any,
) -> list[dict[str, Any]]:
    from udfs.comparisons import summarise
    from udfs.survival import kaplan_meier

    found = []
    for place, name in enumerate((*RESPONSES, *NOT_COMPARED)):
        here = rows[rows["response"] == name]
        if here.empty:
            continue
        day, event = here["time_days"].to_numpy(float), here["is_event"].to_numpy(bool)
        median = kaplan_meier(day, event, confidence=confidence, interval=interval).median
        row: dict[str, Any] = {
            "best_overall_response": name,
            "response_order": place + 1,
            "n_patients": here["patient_id"].nunique(),
            "n_lesions": len(here),
            "n_events": int(event.sum()),
            "median_days": median.days,
            "median_lower": median.lower,
            "median_upper": median.upper,
            **dict(zip(RATIO, ratios.get(name, (None, None, None)), strict=True)),
            **nulls(BOX),
        }
        if event.any():
            box = summarise(day[event])
            values = (box.mean, box.percentile_10, box.first_quartile, box.median)
            row |= dict(zip(BOX, (*values, box.third_quartile, box.percentile_90), strict=True))
        found.append(row)
    return found


def _tests(rows: pandas.DataFrame, correction: Any) -> list[dict[str, Any]]:
    """Rank tests of lesions with the event, log-rank tests of all."""
    from udfs.comparisons import dunn_tests, kruskal_wallis
    from udfs.survival import log_rank, log_rank_trend

    chosen = rows[rows["response"].isin(RESPONSES)]
    code = chosen["response"].map(RESPONSES.index).to_numpy(int)
    day, event = chosen["time_days"].to_numpy(float), chosen["is_event"].to_numpy(bool)
    found = []
    if len(np.unique(code[event])) > 1:
        n = int(event.sum())
        whole = kruskal_wallis(day[event], code[event])
        found.append(_of_all("Kruskal-Wallis", n, whole.statistic, whole.df, whole.p_value))
        pairs = dunn_tests(day[event], code[event], correction)
        count = np.bincount(code[event], minlength=len(RESPONSES))
        for k, (a, b) in enumerate(zip(pairs.group_a, pairs.group_b, strict=True)):
            found.append(
                {
                    "test": "Dunn",
                    "group_a": RESPONSES[a],
                    "group_b": RESPONSES[b],
                    "n_a": int(count[a]),
                    "n_b": int(count[b]),
                    "statistic": float(pairs.z[k]),
                    "df": None,
                    "p_value": float(pairs.p_value[k]),
                    "p_adjusted": float(pairs.p_adjusted[k]),
                }
            )
    if len(np.unique(code)) > 1 and event.any():
        test = log_rank(day, event, code)
        trend = log_rank_trend(test)
        found.append(_of_all("log-rank", len(chosen), test.statistic, test.df, test.p_value))
        found.append(_of_all("log-rank trend", len(chosen), trend.z, None, trend.p_value))
    return found


def _of_all(test: str, n: int, statistic: float, df: int | None, p_value: float) -> dict[str, Any]:
    return {
        "test": test,
        "group_a": EVERYONE,
        "group_b": EVERYONE,
        "n_a": n,
        "n_b": n,
        "statistic": statistic,
        "df": df,
        "p_value": p_value,
        "p_adjusted": p_value,
    }


def _mixed_model(rows: pandas.DataFrame, context: StepContext) -> tuple[CoxData, CoxFit] | str:
    """A Cox model of the response with a random effect of the patient; why there is none."""
    from udfs.hazards import HazardDataError, fit_cox

    n_events = rows[rows["is_event"]]["response"].value_counts()
    enough = [name for name in RESPONSES if n_events.get(name, 0) >= MIN_EVENTS]
    if REFERENCE not in enough or len(enough) < 2:
        return f"fewer than two groups with {MIN_EVENTS} events, {REFERENCE} among them"
    chosen = rows[rows["response"].isin(enough)]
    levels = [name for name in enough if name != REFERENCE]
    try:
        data = _data(chosen, [REFERENCE, *levels])
        fit = fit_cox(data, _options(context))
    except HazardDataError as error:
        return str(error)
    return (data, fit) if fit.is_converged else "; ".join(fit.notes)


def _data(rows: pandas.DataFrame, levels: list[str]) -> CoxData:
    from udfs.hazards import cox_data, design, factor

    texts = rows["response"].to_numpy(str)
    return cox_data(
        rows["time_days"].to_numpy(float),
        rows["is_event"].to_numpy(bool),
        design(factor("response", texts, reference=REFERENCE, levels=levels)),
        group=rows["patient_id"].to_numpy(str),
    )


def _options(context: StepContext) -> Options:
    from udfs.hazards import Options

    return Options(
        ties=context.setting("hazards.ties"),
        method=context.setting("hazards.method"),
        confidence=confidence_level(context, "hazards.confidence"),
        interval=False,
    )


def _limits(
    rows: pandas.DataFrame, fitted: dict[str, tuple[float | None, ...]], context: StepContext
) -> dict[str, tuple[float | None, ...]]:
    """Responses without any event: hazard ratio 0 and the end of its profile-likelihood interval.

    The fit without their lesions is the limit of the one with them.
    """
    from udfs.hazards import one_sided

    found: dict[str, tuple[float | None, ...]] = {}
    for name in RESPONSES:
        here = rows[rows["response"] == name]
        if here.empty or here["is_event"].any():
            continue
        levels = [*fitted, name]
        data = _data(rows[rows["response"].isin(levels)], levels)
        ratio = one_sided(data, "response", name, _options(context))
        if ratio is not None:
            found[name] = 0.0, 0.0, float(np.exp(ratio.log_limit))
    return found


def _mixed_test(data: CoxData, fit: CoxFit) -> dict[str, Any]:
    from udfs.hazards import term_tests

    (test,) = term_tests(data, fit)
    return _of_all(MIXED, data.n_rows, test.chi2, test.df, test.p_value)


def _ratios(fit: CoxFit) -> dict[str, tuple[float | None, ...]]:
    from udfs.hazards import hazard_ratios

    found = hazard_ratios(fit, fit.confidence)
    ratios: dict[str, tuple[float | None, ...]] = {REFERENCE: (1.0, None, None)}
    for k, level in enumerate(found.level):
        limits = found.hazard_ratio[k], found.lower[k], found.upper[k]
        ratios[level] = tuple(float(value) for value in limits)
    return ratios
