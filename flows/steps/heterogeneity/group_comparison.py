"""Groups of lesions and of patients compared by rank tests (Zhou 2021, Fig. 2 to 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.steps.survival.survival import EVERYONE, confidence_level
from udfs.comparisons import (
    adjusted,
    clustered_p_value,
    dominance_of,
    dunn_tests,
    kruskal_wallis,
    mann_whitney,
    shift_between,
    summarise,
)
from udfs.comparisons.arrays import TIE_DECIMALS
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas

PATIENT_VARIABLES = (
    "patient_gower_distance",
    "baseline_sum_mm",
    "n_lesions",
    "sum_nadir_ratio",
    "sum_last_ratio",
)
THREE_ORGANS = ("liver", "lung", "ln")
"""The organs of Zhou 2021, Fig. 3E and 4E."""

PLAN = """
SELECT
    plan.level,
    plan.variables,
    plan.grouping,
    plan.organs,
    planned.subset
FROM staging.comparison_plan AS plan
INNER JOIN analysis.planned_subset AS planned ON plan.subset_kind = planned.subset_kind
ORDER BY plan.plan_order, planned.subset
"""
PATIENTS = f"""
SELECT
    patient_id,
    therapy,
    targeting,
    kras_status AS "KRAS",
    os_quarter AS "survival quarter",
    liver_response AS "liver response",
    {", ".join(PATIENT_VARIABLES)}
FROM analysis.patient_profile
ORDER BY patient_id
"""
LESIONS = """
SELECT
    phase.patient_id,
    pooled_organ.organ_class AS organ,
    pooled_organ.pooled_organ AS "pooled organ",
    pooled_organ.sort_order,
    phase.nadir_ratio,
    phase.last_ratio,
    phase.time_to_response_days,
    phase.stable_days,
    phase.relapse_days,
    gower.gower_distance
FROM analysis.lesion_phase AS phase
INNER JOIN core.lesion AS lesion ON phase.lesion_id = lesion.lesion_id
INNER JOIN analysis.pooled_organ AS pooled_organ ON lesion.organ = pooled_organ.organ
LEFT JOIN analysis.gower_lesion AS gower ON phase.lesion_id = gower.lesion_id
WHERE phase.patient_id IS NOT NULL AND phase.nadir_ratio IS NOT NULL
ORDER BY phase.lesion_id
"""
SUBSETS = "SELECT subset, patient_id FROM analysis.patient_subset ORDER BY subset, patient_id"
READS = (
    "analysis.patient_profile",
    "analysis.lesion_phase",
    "analysis.gower_lesion",
    "analysis.pooled_organ",
    "analysis.patient_subset",
    "core.lesion",
    "analysis.planned_subset",
)
"""The tables that ``observations_of`` reads, and studies."""

GROUP_ORDER = {
    "organ": THREE_ORGANS,
    "targeting": ("targeted plus chemotherapy", "chemotherapy alone"),
    "KRAS": ("mutant", "wild-type"),
    "survival quarter": ("high", "low"),
}
"""Groups in their order: effects are those of the first over the second. Only these groups are
compared. Therapies stand by name, chemotherapy alone last; pooled organs in the organs' order."""
LAST = "chemotherapy alone"

GROUP_COMPARISON = declared("analysis.group_comparison")
GROUP_SUMMARY = declared("analysis.group_summary")
TESTED = ("statistic", "p_value", "p_adjusted", "is_exact")
APART = (
    "median_a",
    "median_b",
    "effect_name",
    "effect_size",
    "effect_lower",
    "effect_upper",
    "shift",
    "shift_lower",
    "shift_upper",
)
"""How far two groups lie apart; NULL where there are not two."""


@dataclass(frozen=True)
class Observations:
    """Lesions with phases and patients, and who belongs to which subset."""

    patients: pandas.DataFrame
    lesions: pandas.DataFrame
    """With the columns of their patients."""
    subsets: dict[str, NDArray[Any]]
    """Patient ids of each subset."""

    def of(self, level: str, subset: str) -> pandas.DataFrame:
        """Rows of a level, in a subset of the patients."""
        table = self.patients if level == "patient" else self.lesions
        chosen = self.subsets.get(subset, np.array([], dtype=object))
        return table[table["patient_id"].isin(chosen)]


@dataclass(frozen=True)
class Comparison:
    """One variable in groups, missing values left out."""

    key: dict[str, Any]
    names: list[str]
    """(g,) groups that have a value, in their order."""
    values: list[NDArray[np.float64]]
    """(g,) the values of each."""
    n_patients: list[int]
    n_missing: list[int]
    patients: list[NDArray[Any]] | None = None
    """(g,) the patient of each value of a lesion; None where patients are compared."""


@step(
    name="group_comparison",
    reads=("staging.comparison_plan", *READS),
    writes=(GROUP_COMPARISON, GROUP_SUMMARY),
    settings=("comparisons.correction", "survival.confidence"),
)
def group_comparison(context: StepContext) -> dict[str, pa.Table]:
    """Every comparison of the plan.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_level(context)
    correction = context.setting("comparisons.correction")
    tests: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for comparison in _comparisons(context):
        found = comparison_tests(comparison, confidence, correction)
        tests += with_patients_as_clusters(found, comparison, correction)
        summaries += comparison_summaries(comparison, confidence)
    return {
        GROUP_COMPARISON.name: context.table(GROUP_COMPARISON.name, tests),
        GROUP_SUMMARY.name: context.table(GROUP_SUMMARY.name, summaries),
    }


def observations_of(context: StepContext) -> Observations:
    """The lesions and patients that comparisons and correlations are made of; numbers are rounded
    to ``TIE_DECIMALS``, as tests rank them."""
    patients = context.frame(PATIENTS).round(TIE_DECIMALS)
    lesions = context.frame(LESIONS).round(TIE_DECIMALS)
    groups = ["patient_id", "therapy", "KRAS", "n_lesions"]
    lesions = lesions.merge(patients[groups], on="patient_id", how="inner")
    members = context.frame(SUBSETS)
    subsets = {str(name): rows["patient_id"].to_numpy() for name, rows in members.groupby("subset")}
    return Observations(patients, lesions, subsets)


def _comparisons(context: StepContext) -> Iterator[Comparison]:
    found = observations_of(context)
    for plan in context.frame(PLAN).itertuples(index=False):
        rows = found.of(plan.level, plan.subset)
        organs: tuple[str | None, ...] = THREE_ORGANS if plan.organs == "each" else (None,)
        for organ in organs:
            chosen = rows if organ is None else rows[rows["organ"] == organ]
            order = _group_order(plan.grouping, chosen)
            for variable in plan.variables.split():
                key = {
                    "subset": plan.subset if organ is None else f"{plan.subset}; {organ}",
                    "variable": variable,
                    "grouping": plan.grouping,
                    "level": plan.level,
                    "patient_subset": plan.subset,
                    "organ": organ,
                }
                yield _comparison(key, chosen, order)


def _group_order(grouping: str, rows: pandas.DataFrame) -> list[str]:
    present = rows[grouping].dropna()
    if grouping == "pooled organ":
        first = rows.groupby(grouping)["sort_order"].min()
        return [str(name) for name in first.sort_values(kind="stable").index]
    names = sorted(str(name) for name in present.unique())
    if grouping in GROUP_ORDER:
        return [name for name in GROUP_ORDER[grouping] if name in names]
    return sorted(names, key=lambda name: (name == LAST, name))


def _comparison(key: dict[str, Any], rows: pandas.DataFrame, order: list[str]) -> Comparison:
    names, values, patients, n_missing = [], [], [], []
    label, value = rows[key["grouping"]].to_numpy(), rows[key["variable"]].to_numpy(np.float64)
    patient = rows["patient_id"].to_numpy()
    for name in order:
        here = label == name
        known = here & ~np.isnan(value)
        if known.any():
            names.append(name)
            values.append(value[known])
            patients.append(patient[known])
            n_missing.append(int((here & ~known).sum()))
    n_patients = [len(set(group)) for group in patients]
    is_of_lesions = key["level"] == "lesion"
    return Comparison(
        key, names, values, n_patients, n_missing, patients if is_of_lesions else None
    )


def with_patients_as_clusters(
    rows: list[dict[str, Any]], comparison: Comparison, correction: Any
) -> list[dict[str, Any]]:
    """The tests with ``p_clustered``: of each pair of groups of lesions, corrected likewise."""
    of_name = {name: k for k, name in enumerate(comparison.names)}
    for row in rows:
        row["p_clustered"] = None
    if comparison.patients is None:
        return rows
    pairs = [r for r in rows if r["group_a"] in of_name and r["group_b"] in of_name]
    found = []
    for row in pairs:
        a, b = of_name[row["group_a"]], of_name[row["group_b"]]
        values, patients = comparison.values, comparison.patients
        found.append(clustered_p_value(values[a], values[b], patients[a], patients[b]))
    if pairs:
        for row, p_value in zip(pairs, adjusted(found, correction).tolist(), strict=True):
            row["p_clustered"] = None if np.isnan(p_value) else p_value
    return rows


def comparison_tests(
    comparison: Comparison, confidence: float, correction: Any
) -> list[dict[str, Any]]:
    """Rows of a comparison: the test of all groups, then of each pair; one with the reason where
    there is nothing to compare."""
    names, values = comparison.names, comparison.values
    if len(names) < 2:
        only = names[0] if names else "none"
        reason = f"one group only: {only}" if names else "no value in any group"
        pair = {"group_a": only, "group_b": "none", "test": "Mann-Whitney", "null_reason": reason}
        counts = {"n_a": values[0].size if names else 0, "n_b": 0}
        return [{**nulls((*TESTED, *APART)), **comparison.key, **pair, **counts}]
    found: dict[str, Any]
    if len(names) == 2:
        test = mann_whitney(*values)
        found = {"test": "Mann-Whitney", "statistic": test.u, "is_exact": test.is_exact}
        found |= {"p_value": test.p_value, "p_adjusted": test.p_value}
        return [_described(comparison, 0, 1, confidence) | found]
    together = np.concatenate(values)
    code = np.repeat(np.arange(len(names)), [v.size for v in values])
    whole = kruskal_wallis(together, code)
    equal = "all values are equal" if np.isnan(whole.p_value) else None
    rows = [
        {
            **nulls(("n_b", *APART)),
            **comparison.key,
            "group_a": EVERYONE,
            "group_b": EVERYONE,
            "test": "Kruskal-Wallis",
            "statistic": whole.statistic,
            "p_value": whole.p_value,
            "p_adjusted": whole.p_value,
            "n_a": together.size,
            "effect_name": "epsilon squared",
            "effect_size": whole.epsilon_squared,
            "is_exact": False,
            "null_reason": equal,
        }
    ]
    pairs = dunn_tests(together, code, correction)
    for k, (a, b) in enumerate(zip(pairs.group_a.tolist(), pairs.group_b.tolist(), strict=True)):
        found = {"test": "Dunn", "statistic": float(pairs.z[k]), "is_exact": False}
        found |= {"p_value": float(pairs.p_value[k]), "p_adjusted": float(pairs.p_adjusted[k])}
        rows.append(_described(comparison, a, b, confidence) | found | {"null_reason": equal})
    return rows


def _described(comparison: Comparison, a: int, b: int, confidence: float) -> dict[str, Any]:
    """Two groups: their size, medians and how far they lie apart."""
    x, y = comparison.values[a], comparison.values[b]
    effect = dominance_of(x, y, confidence=confidence)
    shift = shift_between(x, y, confidence=confidence)
    is_equal = min(x.min(), y.min()) == max(x.max(), y.max())
    return {
        **comparison.key,
        "group_a": comparison.names[a],
        "group_b": comparison.names[b],
        "n_a": x.size,
        "n_b": y.size,
        "median_a": float(np.median(x)),
        "median_b": float(np.median(y)),
        "effect_name": "rank-biserial correlation",
        "effect_size": effect.delta,
        "effect_lower": effect.lower,
        "effect_upper": effect.upper,
        "shift": shift.estimate,
        "shift_lower": shift.lower,
        "shift_upper": shift.upper,
        "null_reason": "all values are equal" if is_equal else None,
    }


def comparison_summaries(comparison: Comparison, confidence: float) -> list[dict[str, Any]]:
    """Rows of a comparison: each group with its counts and quantiles."""
    rows = []
    for place, (name, values) in enumerate(zip(comparison.names, comparison.values, strict=True)):
        row = {**comparison.key, "group_name": name, "group_order": place + 1}
        row |= {"n_patients": comparison.n_patients[place]}
        row |= {"n_missing": comparison.n_missing[place]}
        rows.append(row | vars(summarise(values, confidence=confidence)))
    return rows
