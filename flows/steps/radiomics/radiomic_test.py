"""Does variation differ between patients with few and with many lesions (Henry 2022)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.radiomics.parts.matrix import confidence_of
from udfs.radiomics.groups import lesion_group, one_sample, two_sample
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import pandas as pd

VARIATION = """
SELECT v.study_id, v.patient_id, v.feature, v.cv_abs, max(v.n_lesions) OVER (
    PARTITION BY v.patient_id
) AS n_lesions, v.null_reason
FROM analysis.radiomic_variation AS v
INNER JOIN (
    SELECT DISTINCT study_id, feature FROM analysis.radiomic_robustness WHERE is_selected
) AS selected ON v.study_id = selected.study_id AND v.feature = selected.feature
WHERE v.organ = 'all'
ORDER BY v.study_id, v.feature, v.patient_id
"""
GROUPS = ("all", "oligo", "multi")
BETWEEN = "oligo and multi"

TEST = declared("analysis.radiomic_test")
RESULT = ("estimate", "ci_lower", "ci_upper", "statistic", "p_value", "is_exact")


@step(
    name="radiomic_test",
    reads=("analysis.radiomic_variation", "analysis.radiomic_robustness"),
    writes=(TEST,),
    settings=("radiomics.significance", "radiomics.resamples", "radiomics.confidence"),
)
def radiomic_test(context: StepContext) -> dict[str, pa.Table]:
    """The tests of every study's selected features.

    Raises:
        LesionsError: a setting is out of range.
    """
    confidence = confidence_of(context)
    rows: list[dict[str, Any]] = []
    for study_id, table in context.frame(VARIATION).groupby("study_id", sort=True):
        own = [
            {"study_id": study_id, **row}
            for feature, values in table.groupby("feature", sort=True)
            for row in _tests(context, str(study_id), str(feature), values, confidence)
        ]
        n_tests = sum(row["p_value"] is not None for row in own)
        wanted = float(context.setting("radiomics.significance"))
        threshold = wanted or 0.05 / max(n_tests, 1)
        for row in own:
            p = row["p_value"]
            row |= {"threshold": threshold, **nulls(("p_bonferroni", "is_significant"))}
            if p is not None:
                row |= {"p_bonferroni": min(1.0, p * n_tests), "is_significant": p < threshold}
        rows += own
    return {TEST.name: context.table(TEST.name, rows)}


def _tests(
    context: StepContext, study_id: str, feature: str, values: pd.DataFrame, confidence: float
) -> Iterator[dict[str, Any]]:
    """Four tests of one feature."""
    resamples = int(context.setting("radiomics.resamples"))
    stream = np.random.default_rng([context.seed, zlib.crc32(f"{study_id}\n{feature}".encode())])
    known = values[values["cv_abs"].notna()]
    group = known["n_lesions"].map(lambda n: lesion_group(int(n)))
    refused = values["null_reason"].dropna()
    refused = refused[refused.str.startswith("standardised")]
    cv = {name: known.loc[group == name, "cv_abs"].to_numpy(float) for name in GROUPS[1:]}
    cv["all"] = known["cv_abs"].to_numpy(float)
    for name in GROUPS:
        key = {"feature": feature, "test": "one-sample t", "population": name}
        n = cv[name].size
        if n < 2:
            reason = refused.iloc[0] if len(refused) else f"{n} patients: 2 are needed"
            yield {**key, "n_patients": n, **nulls(RESULT), "null_reason": reason}
            continue
        one = one_sample(cv[name], stream, resamples=resamples, confidence=confidence)
        is_same = bool(np.isnan(one.p_value))
        yield {
            **key,
            "n_patients": n,
            "estimate": one.mean,
            "ci_lower": one.lower,
            "ci_upper": one.upper,
            "statistic": one.statistic,
            "p_value": None if is_same else one.p_value,
            "is_exact": None if is_same else True,
            "null_reason": "the same in every patient" if is_same else None,
        }
    a, b = cv["oligo"], cv["multi"]
    key = {"feature": feature, "test": "Wilcoxon rank sum", "population": BETWEEN}
    if a.size == 0 or b.size == 0:
        reason = f"{a.size} patients with 2 to 5 lesions, {b.size} with 15 or more"
        reason = refused.iloc[0] if len(refused) else reason
        yield {**key, "n_patients": a.size + b.size, **nulls(RESULT), "null_reason": reason}
        return
    two = two_sample(a, b, stream, resamples=resamples, confidence=confidence)
    is_same = bool(np.isnan(two.p_value))
    yield {
        **key,
        "n_patients": a.size + b.size,
        "estimate": two.difference,
        "ci_lower": two.lower,
        "ci_upper": two.upper,
        "statistic": two.statistic,
        "p_value": None if is_same else two.p_value,
        "is_exact": two.is_exact,
        "null_reason": "the same in every patient" if is_same else None,
    }
