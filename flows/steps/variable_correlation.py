"""Correlations, first of all of heterogeneity with the number of lesions (Zhou 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, FLAG, NUMBER, TEXT, nulls, table_of_rows
from flows.steps.group_comparison import READS, observations_of
from flows.steps.survival import confidence_level
from udfs.comparisons import correlation
from warehouse.registry import StepContext, TableDoc, step

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

VARIABLE_CORRELATION = TableDoc(
    name="analysis.variable_correlation",
    description=(
        "Correlation of two variables of lesions or patients.\n"
        "Why: heterogeneity should not be another word for many lesions.\n"
        "How: staging.correlation_plan. Intervals by Fisher's transformation; p-values exact for "
        "few values without ties (Kendall below 50, Spearman up to 9).\n"
        "Caveats: lesions are counted as if independent.\n"
        "Reference: Zhou et al., Cancer Res 2021, Results (tau = 0.005, p = 0.71); Bonett and "
        "Wright, Psychometrika 2000"
    ),
    grain="one row per subset, x, y, min_lesions and method",
    key=("subset", "x", "y", "min_lesions", "method"),
    columns={
        "subset": "analysis.patient_subset: in which patients",
        "x": "one variable",
        "y": "the other",
        "min_lesions": "patients with at least so many target lesions with phases",
        "method": "kendall (tau-b), spearman or pearson",
        "level": "what is counted: patient or lesion",
        "n": "pairs of values",
        "estimate": "correlation, -1 to 1",
        "ci_lower": "lower limit (survival.confidence)",
        "ci_upper": "upper limit",
        "statistic": "z or T (Kendall), S (Spearman) or t (Pearson)",
        "p_value": "two-sided",
        "is_exact": "the p-value is exact",
        "null_reason": "why there is no correlation; NULL where there is one",
    },
    tags=("public",),
)
RESULT = ("estimate", "ci_lower", "ci_upper", "statistic", "p_value", "is_exact")
TYPES = {
    **dict.fromkeys(("subset", "x", "y"), TEXT),
    "min_lesions": COUNT,
    **dict.fromkeys(("method", "level"), TEXT),
    "n": COUNT,
    **dict.fromkeys(("estimate", "ci_lower", "ci_upper", "statistic", "p_value"), NUMBER),
    "is_exact": FLAG,
    "null_reason": TEXT,
}


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
    return {VARIABLE_CORRELATION.name: table_of_rows(rows, TYPES)}


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
