"""Times to events by arm: Kaplan-Meier tables, restricted means, subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from flows.tlf.baseline import COUNTED, ITT, heads
from flows.tlf.content import Table, interval, months, number, p_text, share
from flows.tlf.study import Study
from udfs.survival import (
    CoxModel,
    SurvivalCurve,
    cox_model,
    kaplan_meier,
    log_rank,
    restricted_difference,
    restricted_mean,
)

if TYPE_CHECKING:
    import pandas as pd

ENDPOINTS = {
    "OS": "Overall Survival",
    "PFS": "Progression-Free Survival",
    "DOR": "Duration of Response",
}
LANDMARK_MONTHS = (6, 12, 18, 24)
SUBGROUPS = {**COUNTED}
MIN_EVENTS = 5
"""A subgroup with fewer events in all has no hazard ratio."""


@dataclass(frozen=True)
class Subgroup:
    """One level of a subgroup: sizes by arm (reference, other) and the hazard ratio."""

    variable: str
    level: str
    n: tuple[int, int]
    n_events: tuple[int, int]
    hazard_ratio: float
    lower: float
    upper: float
    interaction_p: float
    """Likelihood-ratio test of the variable's interaction with the arm; NaN but on level one."""


def days(rows: pd.DataFrame) -> np.ndarray:
    """Times from day 0: ADTTE counts the first day as 1."""
    return rows["aval"].to_numpy(float) - 1


def events(rows: pd.DataFrame) -> np.ndarray:
    """Whether the event happened."""
    return np.asarray(rows["cnsr"].to_numpy() == 0)


def curves(study: Study, endpoint: str) -> dict[str, SurvivalCurve]:
    """Kaplan-Meier curve of each arm, in days; arms without a time are left out."""
    rows = study.times(endpoint)
    found = {}
    for arm in study.arms:
        part = rows[rows["trt01p"] == arm]
        if len(part):
            found[arm] = kaplan_meier(
                days(part),
                events(part),
                confidence=study.confidence,
                interval=cast(Literal["log", "log-log", "plain"], study.interval),
            )
    return found


def hazard(rows: pd.DataFrame, arms: Sequence[str], stratum: pd.Series | None = None) -> CoxModel:
    """Cox model of the arms after the first, against it."""
    columns = np.column_stack([(rows["trt01p"] == arm).to_numpy(float) for arm in arms[1:]])
    labels = None if stratum is None else stratum.to_numpy()
    return cox_model(days(rows), events(rows), columns, labels)


def strata_of(rows: pd.DataFrame, strata: Sequence[str]) -> pd.Series:
    """One label for each combination of strata; what is not known is a stratum of its own."""
    known = rows[list(strata)].astype(object).where(rows[list(strata)].notna(), "unknown")
    return known.astype(str).agg(" / ".join, axis=1)


def time_to_event(study: Study, endpoint: str, at: int, strata: Sequence[str] = ()) -> Table:
    """Events, quartiles, landmark rates with numbers at risk, hazard ratio and log-rank tests."""
    rows = study.times(endpoint)
    found = curves(study, endpoint)
    parts = [rows[rows["trt01p"] == arm] for arm in study.arms]
    percent = f"{100 * study.confidence:g}% CI"
    timed = zip(parts, study.size.values(), strict=True)
    lines: list[tuple[str, ...]] = [
        ("Subjects with a time", *(share(len(p), n) for p, n in timed)),
        ("Events", *(share(int(events(p).sum()), len(p)) for p in parts)),
        ("Censored", *(share(int((~events(p)).sum()), len(p)) for p in parts)),
        ("Time to event (months)", *("",) * len(parts)),
    ]  # fmt: skip
    for quantile, words in ((0.25, "25th percentile"), (0.5, "Median"), (0.75, "75th percentile")):
        times = [found[a].quantile(quantile) if a in found else None for a in study.arms]
        cells = (
            f"{number(months(t.days))} {interval(months(t.lower), months(t.upper))}" if t else ""
            for t in times
        )
        lines.append((f"  {words} ({percent})", *cells))
    lines.append((f"Event-free rate in % ({percent}), number at risk", *("",) * len(parts)))
    for month in LANDMARK_MONTHS:
        rates = tuple(_landmark(found.get(arm), month) for arm in study.arms)
        if any(rates):
            lines.append((f"  At {month} months", *rates))
    notes = [
        f"Kaplan-Meier estimates, limits on the scale '{study.interval}'; quartiles after "
        "Brookmeyer and Crowley. NE: not estimable. A month is 30.4375 days.",
        f"Times and censoring: ADTTE, PARAMCD = {endpoint}.",
    ]
    if len(found) > 1:
        lines += _comparison(study, rows, "Unstratified", None)
        notes.append(
            f"Hazard ratios against {study.arms[0]}: Cox model, ties after Efron, Wald limits; "
            "two-sided log-rank test."
        )
        if strata:
            lines += _comparison(study, rows, "Stratified", strata_of(rows, strata))
            notes.append(f"Strata: {', '.join(name.upper() for name in strata)}.")
    return Table(
        f"14.2.{at}", f"time_to_event_{endpoint.lower()}", ENDPOINTS[endpoint],
        ITT if endpoint != "DOR" else "Subjects with a response",
        ("", *heads(study, with_total=False)), tuple(lines), tuple(notes),
    )  # fmt: skip


def _landmark(curve: SurvivalCurve | None, month: int) -> str:
    """Rate, limits and number at risk; '' beyond the last time."""
    if curve is None:
        return ""
    day = month * 30.4375
    if curve.time[-1] < day and curve.survival[-1] > 0:
        return ""
    rate, lower, upper = (float(values[0]) for values in curve.at([day]))
    return f"{number(100 * rate)} {interval(100 * lower, 100 * upper)}, {at_risk(curve, day)}"


def at_risk(curve: SurvivalCurve, day: float) -> int:
    """Subjects whose time is not before a day."""
    place = int(np.searchsorted(curve.time, day, side="left"))
    return int(curve.n_at_risk[place]) if place < curve.time.size else 0


def _comparison(
    study: Study, rows: pd.DataFrame, kind: str, stratum: pd.Series | None
) -> list[tuple[str, ...]]:
    rows = rows[rows["trt01p"].isin(study.arms)]
    stratum = None if stratum is None else stratum[rows.index]
    labels = None if stratum is None else stratum.to_numpy()
    test = log_rank(days(rows), events(rows), rows["trt01p"].to_numpy(), stratum=labels)
    present = [arm for arm in study.arms if (rows["trt01p"] == arm).any()]
    model = hazard(rows, present, stratum)
    lower, upper = model.interval(study.confidence)
    ratios = {
        arm: f"{number(np.exp(model.coefficient[at]), 3)} "
        f"{interval(np.exp(lower[at]), np.exp(upper[at]), 3)}"
        for at, arm in enumerate(present[1:])
    }
    percent = f"{100 * study.confidence:g}% CI"
    last = ("",) * (len(study.arms) - 2)
    return [
        (f"{kind} hazard ratio ({percent})", *(ratios.get(a, "") for a in study.arms)),
        (f"{kind} log-rank p-value", "", p_text(test.p_value), *last),
    ]


def restricted_means(study: Study, endpoints: Sequence[str], at: int) -> Table:
    """Restricted mean times up to the longest time that all arms are followed for."""
    lines: list[tuple[str, ...]] = []
    percent = f"{100 * study.confidence:g}% CI"
    for endpoint in endpoints:
        found = curves(study, endpoint)
        if set(found) != set(study.arms):
            continue
        horizon = min(float(curve.time[-1]) for curve in found.values())
        if horizon <= 0:
            continue
        means = [restricted_mean(found[arm], horizon) for arm in study.arms]
        head = f"{ENDPOINTS[endpoint]}, up to {number(months(horizon))} months"
        lines.append((head, *("",) * len(means)))
        with_errors = (
            f"{number(months(m.days), 2)} ({number(months(m.standard_error), 2)})" for m in means
        )
        lines.append(("  Restricted mean, months (SE)", *with_errors))
        lines.append(
            (f"  {percent}", *(interval(months(m.lower), months(m.upper), 2) for m in means))
        )
        if len(means) > 1:
            apart = [restricted_difference(means[0], m, study.confidence) for m in means[1:]]
            lines.append(("  Difference, months", "", *(number(months(d.days), 2) for d in apart)))
            limits = (interval(months(d.lower), months(d.upper), 2) for d in apart)
            lines.append((f"  {percent}", "", *limits))
            lines.append(("  p-value", "", *(p_text(d.p_value) for d in apart)))
    notes = ["Area under the Kaplan-Meier curve up to the earliest of the arms' last times."]
    if len(study.arms) > 1:
        notes.append(f"Differences from {study.arms[0]}; variances add up.")
    return Table(
        f"14.2.{at}", "restricted_means", "Restricted Mean Times", ITT,
        ("", *heads(study, with_total=False)), tuple(lines), tuple(notes),
    )  # fmt: skip


def subgroups(study: Study, endpoint: str, other: str) -> list[Subgroup]:
    """Hazard ratio of an arm against the reference in all, and in each level of each subgroup."""
    rows = study.times(endpoint)
    rows = rows[rows["trt01p"].isin([study.arms[0], other])].reset_index(drop=True)
    found = [_subgroup(study, rows, "All subjects", "", other, float("nan"))]
    for variable, words in SUBGROUPS.items():
        known = rows[rows[variable].notna()]
        levels = sorted(known[variable].unique())
        if len(levels) < 2:
            continue
        p_value = _interaction(study, known, variable, levels, other)
        for place, level in enumerate(levels):
            part = known[known[variable] == level]
            label = f"{level:g}" if isinstance(level, float) else str(level)
            label = {"Y": "Yes", "N": "No", "F": "Female", "M": "Male"}.get(label, label)
            p = p_value if place == 0 else float("nan")
            found.append(_subgroup(study, part, words, label, other, p))
    return found


def _subgroup(
    study: Study, rows: pd.DataFrame, variable: str, level: str, other: str, p_value: float
) -> Subgroup:
    parts = [rows[rows["trt01p"] == arm] for arm in (study.arms[0], other)]
    n_events = [int(events(part).sum()) for part in parts]
    ratio = (float("nan"),) * 3
    if min(len(p) for p in parts) and sum(n_events) >= MIN_EVENTS:
        model = hazard(rows, (study.arms[0], other))
        if model.is_converged:
            lower, upper = model.interval(study.confidence)
            found = np.exp([model.coefficient[0], lower[0], upper[0]])
            ratio = (float(found[0]), float(found[1]), float(found[2]))
    return Subgroup(
        variable, level, (len(parts[0]), len(parts[1])), (n_events[0], n_events[1]), *ratio, p_value
    )


def _interaction(
    study: Study, rows: pd.DataFrame, variable: str, levels: Sequence[object], other: str
) -> float:
    """p-value of the likelihood-ratio test of arm by level, main effects in both models."""
    from scipy.special import chdtrc

    arm = (rows["trt01p"] == other).to_numpy(float)
    level = np.column_stack([(rows[variable] == one).to_numpy(float) for one in levels[1:]])
    both = level * arm[:, None]
    if arm.min() == arm.max() or any(np.unique(column).size < 2 for column in both.T):
        return float("nan")
    main = cox_model(days(rows), events(rows), np.column_stack([arm, level]))
    full = cox_model(days(rows), events(rows), np.column_stack([arm, level, both]))
    if not (main.is_converged and full.is_converged):
        return float("nan")
    statistic = 2 * (full.loglik - main.loglik)
    return float(chdtrc(both.shape[1], max(statistic, 0.0)))


def forest(study: Study, endpoint: str, other: str, at: int) -> tuple[Table, list[Subgroup]]:
    """Subgroups as a table, and as they are."""
    found = subgroups(study, endpoint, other)
    lines = []
    former = ""
    for one in found:
        if one.level and one.variable != former:
            lines.append((one.variable, "", "", "", p_text(one.interaction_p)))
        former = one.variable
        lines.append(
            (f"  {one.level}" if one.level else one.variable,
             f"{one.n_events[0]}/{one.n[0]}", f"{one.n_events[1]}/{one.n[1]}",
             f"{number(one.hazard_ratio, 2)} {interval(one.lower, one.upper, 2)}", "")
        )  # fmt: skip
    percent = f"{100 * study.confidence:g}% CI"
    table = Table(
        f"14.2.{at}", f"subgroups_{endpoint.lower()}_{study.arms.index(other)}",
        f"{ENDPOINTS[endpoint]} by Subgroup", ITT,
        ("", f"{study.arms[0]}\nevents/N", f"{other}\nevents/N", f"Hazard ratio\n({percent})",
         "Interaction\np-value"),
        tuple(lines),
        (
            f"Hazard ratio of {other} against {study.arms[0]}: Cox model of the subgroup, not "
            f"adjusted; NE with fewer than {MIN_EVENTS} events.",
            "Interaction: likelihood-ratio test of arm by subgroup, subjects with a known value.",
        ),
    )  # fmt: skip
    return table, found
