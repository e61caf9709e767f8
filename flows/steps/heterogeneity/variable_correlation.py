"""Correlations, first of all of heterogeneity with the number of lesions (Zhou 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.heterogeneity.group_comparison import READS, observations_of
from flows.steps.survival.survival import confidence_level
from udfs.comparisons import correlation
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

PLAN = """
SELECT
    plan.level,
    plan.x,
    plan.y,
    plan.min_lesions,
    plan.methods,
    planned.subset
FROM staging.correlation_plan AS plan
INNER JOIN analysis.planned_subset AS planned ON plan.subset_kind = planned.subset_kind
ORDER BY plan.plan_order, planned.subset
"""

VARIABLE_CORRELATION = declared("analysis.variable_correlation")
RESULT = ("estimate", "ci_lower", "ci_upper", "statistic", "p_value", "is_exact")


@step(
    name="variable_correlation",
    reads=("staging.correlation_plan", *READS),
    writes=(VARIABLE_CORRELATION,),
    settings=("survival.confidence",),
)
def variable_correlation(context: StepContext) -> dict[str, pa.Table]:
    """Every correlation of the plan.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_level(context)
    found = observations_of(context)
    rows: list[dict[str, Any]] = []
    for plan in context.frame(PLAN).itertuples(index=False):
        table = found.of(plan.level, plan.subset)
        table = table[table["n_lesions"] >= plan.min_lesions][[plan.x, plan.y]].dropna()
        x, y = (table[name].to_numpy(np.float64) for name in (plan.x, plan.y))
        key = {"subset": plan.subset, "x": plan.x, "y": plan.y, "level": plan.level}
        key |= {"min_lesions": int(plan.min_lesions), "n": x.size}
        for method in plan.methods.split():
            rows.append({**key, "method": method, **_correlated(x, y, method, confidence)})
    return {VARIABLE_CORRELATION.name: context.table(VARIABLE_CORRELATION.name, rows)}


def _correlated(x: Any, y: Any, method: Any, confidence: float) -> dict[str, Any]:
    if x.size < 3:
        return {**nulls(RESULT), "null_reason": f"{x.size} pairs of values: 3 are needed"}
    result = correlation(x, y, method, confidence=confidence)
    if np.isnan(result.estimate):
        return {**nulls(RESULT), "null_reason": "a variable is the same everywhere"}
    return {
        "estimate": result.estimate,
        "ci_lower": result.lower,
        "ci_upper": result.upper,
        "statistic": result.statistic if np.isfinite(result.statistic) else None,
        "p_value": result.p_value,
        "is_exact": result.is_exact,
        "null_reason": None,
    }
