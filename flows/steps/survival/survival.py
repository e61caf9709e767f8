"""Survival by group: curves, medians and log-rank tests (Zhou 2021, Fig. 2 to 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.comparisons.adjust import adjusted
from udfs.survival import LogRank, SurvivalCurve, kaplan_meier, log_rank, log_rank_trend
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step

EVERYONE = "all"
"""Stands for all groups in the tests that compare them together."""

PLANNED = """
SELECT
    row_number() OVER (ORDER BY plan.plan_order, planned.subset, endpoint.sort_order) - 1
        AS analysis,
    plan.subset_kind,
    planned.subset,
    plan.grouping,
    endpoint.endpoint,
    plan.is_ordered,
    plan.is_guarantee_time_free,
    CASE plan.clock WHEN 'landmark' THEN CAST({landmark} AS DOUBLE) END AS landmark_days
FROM staging.survival_plan AS plan
INNER JOIN analysis.planned_subset AS planned ON plan.subset_kind = planned.subset_kind
CROSS JOIN staging.endpoint AS endpoint
WHERE
    list_contains(string_split(plan.endpoints, ' '), endpoint.endpoint)
ORDER BY analysis
"""
MEMBERS = f"""
WITH planned AS ({PLANNED})

SELECT
    planned.analysis,
    patient_group.group_order,
    patient_group.group_name,
    CASE
        WHEN coalesce(endpoint.time_days > planned.landmark_days, endpoint.time_days IS NOT NULL)
            THEN endpoint.time_days - coalesce(planned.landmark_days, 0)
        ELSE 'nan'::DOUBLE
    END AS time_days,
    coalesce(endpoint.is_event, FALSE) AS is_event
FROM planned
INNER JOIN analysis.patient_group AS patient_group
    ON planned.subset = patient_group.subset AND planned.grouping = patient_group.grouping
INNER JOIN analysis.patient_endpoint AS endpoint
    ON patient_group.patient_id = endpoint.patient_id AND planned.endpoint = endpoint.endpoint
WHERE endpoint.is_counted
ORDER BY planned.analysis, patient_group.group_order, endpoint.time_days, endpoint.patient_id
"""
READS = (
    "staging.survival_plan",
    "staging.endpoint",
    "analysis.planned_subset",
    "analysis.patient_group",
    "analysis.patient_endpoint",
)
"""The tables that ``analyses_of`` reads."""

LANDMARK = (
    "days from the first dose to where time_days counts from, in patients at risk then; NULL "
    "where it counts as the endpoint says"
)

SURVIVAL_CURVE = declared("analysis.survival_curve")
SURVIVAL_SUMMARY = declared("analysis.survival_summary")
SURVIVAL_TEST = declared("analysis.survival_test")


@dataclass(frozen=True)
class Analysis:
    """The patients of one planned comparison of groups, those without time left out."""

    key: dict[str, str]
    """subset, grouping and endpoint."""
    is_ordered: bool
    names: list[str]
    """(g,) the groups, in their order."""
    code: NDArray[np.int64]
    """(n,) each patient's group."""
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    n_missing: NDArray[np.int64]
    """(g,) patients without the endpoint."""
    is_guarantee_time_free: bool
    """The groups are known when the clock starts."""
    landmark_days: float | None = None
    """From the first dose to where the clock starts; None where the endpoint says it."""

    def rows(self, group: int) -> NDArray[np.bool_]:
        return np.asarray(self.code == group)


@step(
    name="survival",
    reads=READS,
    writes=(SURVIVAL_CURVE, SURVIVAL_SUMMARY, SURVIVAL_TEST),
    settings=(
        "survival.confidence",
        "survival.interval",
        "survival.landmark_days",
        "comparisons.correction",
    ),
)
def survival(context: StepContext) -> dict[str, pa.Table]:
    """Curves, medians and tests of every comparison that the plan lists.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence, interval = confidence_level(context), context.setting("survival.interval")
    correction = context.setting("comparisons.correction")
    curves: list[tuple[dict[str, str], SurvivalCurve]] = []
    summaries: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for analysis in analyses_of(context):
        together = log_rank(analysis.time, analysis.event, analysis.code)
        for group, name in enumerate(analysis.names):
            chosen = analysis.rows(group)
            curve = kaplan_meier(
                analysis.time[chosen],
                analysis.event[chosen],
                confidence=confidence,
                interval=interval,
            )
            key = {**analysis.key, "group_name": name}
            if curve.n:
                curves.append((key, curve))
            summaries.append(summary_row(key, group, analysis, curve, together))
        tests += log_rank_rows(analysis, together, correction)
    return {
        SURVIVAL_CURVE.name: context.table(SURVIVAL_CURVE.name, curve_columns(curves)),
        SURVIVAL_SUMMARY.name: context.table(SURVIVAL_SUMMARY.name, summaries),
        SURVIVAL_TEST.name: context.table(SURVIVAL_TEST.name, tests),
    }


def confidence_level(context: StepContext, name: str = "survival.confidence") -> float:
    """A setting that is the confidence of intervals.

    Raises:
        LesionsError: it is not between 0 and 1.
    """
    level = float(context.setting(name))
    if not 0 < level < 1:
        raise LesionsError(
            f"{name} = {level} in lesions.toml must lie between 0 and 1: it is the "
            "share of intervals that hold the truth. The default is 0.95."
        )
    return level


def analyses_of(context: StepContext) -> Iterator[Analysis]:
    """Every planned comparison, also those without patients, in the order of the plan."""
    landmark = int(context.setting("survival.landmark_days"))
    planned = context.frame(PLANNED.format(landmark=landmark))
    members = context.arrow(MEMBERS.format(landmark=landmark))
    number = members["analysis"].to_numpy()
    order = members["group_order"].to_numpy().astype(np.int64)
    names = members["group_name"].to_pylist()
    time, event = members["time_days"].to_numpy(), members["is_event"].to_numpy()
    starts = np.searchsorted(number, np.arange(len(planned) + 1))
    for i, plan in enumerate(planned.itertuples(index=False)):
        rows = slice(int(starts[i]), int(starts[i + 1]))
        _, first, code = np.unique(order[rows], return_index=True, return_inverse=True)
        known = ~np.isnan(time[rows])
        yield Analysis(
            key={"subset": plan.subset, "grouping": plan.grouping, "endpoint": plan.endpoint},
            is_ordered=bool(plan.is_ordered),
            names=[names[rows.start + k] for k in first.tolist()],
            code=code[known],
            time=time[rows][known],
            event=event[rows][known],
            n_missing=np.bincount(code[~known], minlength=first.size),
            is_guarantee_time_free=bool(plan.is_guarantee_time_free),
            landmark_days=None if np.isnan(plan.landmark_days) else float(plan.landmark_days),
        )


def summary_row(
    key: dict[str, str], group: int, analysis: Analysis, curve: SurvivalCurve, test: LogRank
) -> dict[str, Any]:
    """The row of one group: counts, median with limits, and why there is no median."""
    median = curve.median
    reason = None
    if curve.n == 0:
        reason = "no patient of the group has the endpoint"
    elif np.isnan(median.days):
        reason = "fewer than half had the event while under observation"
    place = np.flatnonzero(test.group == group)
    is_compared = test.group.size > 1 and place.size > 0
    return {
        **key,
        "group_order": group + 1,
        "is_guarantee_time_free": analysis.is_guarantee_time_free,
        "landmark_days": analysis.landmark_days,
        "n_patients": curve.n,
        "n_missing": int(analysis.n_missing[group]),
        "n_events": curve.events,
        "n_expected": float(test.expected[place[0]]) if is_compared else None,
        "median_days": median.days,
        "median_lower": median.lower,
        "median_upper": median.upper,
        "first_quartile_days": curve.quantile(0.25).days,
        "third_quartile_days": curve.quantile(0.75).days,
        "longest_days": float(curve.time[-1]) if curve.n else None,
        "null_reason": reason,
    }


def log_rank_rows(analysis: Analysis, together: LogRank, correction: Any) -> list[dict[str, Any]]:
    """Rows of the tests: of all groups, for trend where they are ordered, and of each pair."""
    everyone = {"group_a": EVERYONE, "group_b": EVERYONE}
    rows = [_test_row(analysis, together, everyone)]
    if analysis.is_ordered:
        trend = log_rank_trend(together)
        row = _test_row(analysis, together, everyone) | {"test": "log-rank trend"}
        if row["null_reason"] is None:
            row |= {"statistic": trend.statistic, "df": 1, "p_value": trend.p_value}
            row |= {"p_adjusted": trend.p_value, "direction": int(np.sign(trend.z))}
        rows.append(row)
    if together.group.size > 2:
        rows += _pair_rows(analysis, together, correction)
    return rows


def _pair_rows(analysis: Analysis, together: LogRank, correction: Any) -> list[dict[str, Any]]:
    rows = []
    for a, b in combinations(together.group.tolist(), 2):
        chosen = analysis.rows(a) | analysis.rows(b)
        test = log_rank(analysis.time[chosen], analysis.event[chosen], analysis.code[chosen])
        pair = {"group_a": analysis.names[a], "group_b": analysis.names[b]}
        rows.append(_test_row(analysis, test, pair))
    p_values = [np.nan if row["p_value"] is None else row["p_value"] for row in rows]
    for row, p_adjusted in zip(rows, adjusted(p_values, correction), strict=True):
        row["p_adjusted"] = float(p_adjusted)
    return rows


def _test_row(analysis: Analysis, test: LogRank, pair: dict[str, str]) -> dict[str, Any]:
    n_events = round(float(test.observed.sum()))
    reason = None
    if test.group.size == 0:
        reason = "no patient has both a group and the endpoint"
    elif test.group.size == 1:
        reason = f"one group only: {analysis.names[int(test.group[0])]}"
    elif n_events == 0:
        reason = "no event in any group"
    elif np.isnan(test.p_value):
        reason = "the groups were never at risk at the same time"
    return {
        **analysis.key,
        "test": "log-rank",
        **pair,
        "statistic": None if reason else test.statistic,
        "df": None if reason else test.df,
        "direction": None,
        "p_value": None if reason else test.p_value,
        "p_adjusted": None if reason else test.p_value,
        "is_guarantee_time_free": analysis.is_guarantee_time_free,
        "landmark_days": analysis.landmark_days,
        "n_groups": test.group.size,
        "n_patients": int(test.n.sum()),
        "n_events": n_events,
        "is_ordered": analysis.is_ordered,
        "null_reason": reason,
    }


def curve_columns(curves: list[tuple[dict[str, str], SurvivalCurve]]) -> dict[str, Any]:
    """All curves one under the other, each from day 0: columns of a table of curves."""
    if not curves:
        return {}
    parts: dict[str, list[NDArray[Any]]] = {}
    length = []
    for _, curve in curves:
        begins = curve.time[0] > 0
        first = {"time_days": 0.0, "survival": 1.0, "ci_lower": 1.0, "ci_upper": 1.0}
        first |= {"n_at_risk": curve.n, "n_events": 0, "n_censored": 0}
        values = {
            "time_days": curve.time,
            "survival": curve.survival,
            "ci_lower": curve.lower,
            "ci_upper": curve.upper,
            "n_at_risk": curve.n_at_risk,
            "n_events": curve.n_events,
            "n_censored": curve.n_censored,
        }
        for name, column in values.items():
            whole = np.concatenate(([first[name]], column)) if begins else column
            parts.setdefault(name, []).append(whole)
        length.append(curve.time.size + int(begins))
    which = np.repeat(np.arange(len(curves)), length)
    keys = {
        name: pa.array([key[name] for key, _ in curves], pa.string()).take(which)
        for name in ("subset", "grouping", "group_name", "endpoint")
    }
    return keys | {name: np.concatenate(columns) for name, columns in parts.items()}
