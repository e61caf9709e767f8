"""How far arms, and classes of treatment, differ at baseline: standardised differences."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from warehouse.declarations import declared
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

VALUES = """
SELECT grouped.grouping, grouped.subset, grouped.group_name, one.variable, one.kind, one.level,
    one.amount
FROM analysis.patient_characteristic AS one
INNER JOIN analysis.characteristic_group AS grouped ON one.patient_id = grouped.patient_id
WHERE one.is_baseline AND one.is_known
ORDER BY grouped.grouping, grouped.subset, one.variable_order, one.patient_id
"""
GROUPS = """
SELECT DISTINCT grouping, subset, group_name
FROM analysis.characteristic_group
ORDER BY grouping, subset, group_name
"""
VARIABLES = """
SELECT DISTINCT variable, kind, variable_order
FROM analysis.patient_characteristic
WHERE is_baseline
ORDER BY variable_order
"""
BALANCE = declared("analysis.baseline_balance")


@step(
    name="baseline_balance",
    reads=("analysis.patient_characteristic", "analysis.characteristic_group"),
    writes=(BALANCE,),
)
def baseline_balance(context: StepContext) -> dict[str, pa.Table]:
    """Every pair of groups in every characteristic."""
    values, variables = context.frame(VALUES), context.frame(VARIABLES)
    parts = dict(list(values.groupby(["grouping", "subset", "variable", "group_name"])))
    rows = []
    for (grouping, subset), part in context.frame(GROUPS).groupby(["grouping", "subset"]):
        for a, b in combinations(part["group_name"], 2):
            for one in variables.itertuples(index=False):
                key = (grouping, subset, one.variable)
                pair = [parts.get((*key, name), values.iloc[:0]) for name in (a, b)]
                row = {"grouping": grouping, "subset": subset, "variable": one.variable}
                row |= {"group_a": a, "group_b": b, **_compared(one.kind, *pair)}
                rows.append(row)
    return {BALANCE.name: context.table(BALANCE.name, rows)}


def _compared(kind: str, a: pd.DataFrame, b: pd.DataFrame) -> dict[str, Any]:
    from udfs.comparisons import standardized_mean_difference, standardized_share_difference

    if kind == "measured":
        words = "continuous"
        found = standardized_mean_difference(a["amount"], b["amount"])
    else:
        levels = sorted({*a["level"], *b["level"]})
        words = "multi-category" if len(levels) > 2 else "binary"
        counts = [part["level"].value_counts().reindex(levels, fill_value=0) for part in (a, b)]
        found = standardized_share_difference(*counts)
    return {
        "kind": words, "n_a": len(a), "n_b": len(b), "difference": found.value,
        "ci_lower": found.lower, "ci_upper": found.upper, "null_reason": found.reason or None,
    }  # fmt: skip
