"""How far arms, and classes of treatment, differ at baseline: standardised differences."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.columns import COUNT, NUMBER, TEXT, table_of_rows
from warehouse.registry import StepContext, TableDoc, step

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
BALANCE = TableDoc(
    name="analysis.baseline_balance",
    description=(
        "How far two arms, or classes of treatment, differ in a characteristic at baseline.\n"
        "Why: Table 1 by arm. In standard deviations a difference means the same in small and "
        "large trials, which a p-value does not.\n"
        "How: measured, (mean a - mean b) / sqrt((s_a^2 + s_b^2) / 2) (Austin 2009); counted, the "
        "Mahalanobis distance of the shares (Yang and Dalton 2012), which for two levels is "
        "Austin's. Of patients with a value only.\n"
        "Caveats: 0.1 is often taken as a lack of balance, but chance alone gives up to about "
        "4 / sqrt(n) for n patients in two arms of one size: look at the limits. Missing values "
        "may differ between arms themselves.\n"
        "Reference: Austin, Stat Med 2009, 28:3083; Yang and Dalton, SAS Global Forum 2012, 335"
    ),
    grain="one row per grouping, subset, variable, group_a and group_b",
    key=("grouping", "subset", "variable", "group_a", "group_b"),
    columns={
        "grouping": "treatment class, or arm",
        "subset": "all, or study and its id",
        "variable": "analysis.patient_characteristic",
        "group_a": "class of the treatment, or arm",
        "group_b": "another, later by name",
        "kind": "continuous, binary or multi-category; with a single level, binary",
        "n_a": "patients of group_a with a value",
        "n_b": "patients of group_b",
        "difference": "standardised difference, a - b; of two levels that of the share of the one "
        "last by name; of more levels it has no sign",
        "ci_lower": "lower 95 % limit",
        "ci_upper": "upper 95 % limit",
        "null_reason": "why there is no difference; NULL where there is one",
    },
    tags=("public",),
)
TYPES = dict.fromkeys(BALANCE.columns, TEXT) | {
    **dict.fromkeys(("n_a", "n_b"), COUNT),
    **dict.fromkeys(("difference", "ci_lower", "ci_upper"), NUMBER),
}


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
    return {BALANCE.name: table_of_rows(rows, TYPES)}


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
