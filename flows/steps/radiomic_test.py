"""Does variation differ between patients with few and with many lesions (Henry 2022)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, FLAG, NUMBER, TEXT, nulls, table_of_rows
from flows.steps.radiomic_parts.matrix import confidence_of
from udfs.radiomics.groups import lesion_group, one_sample, two_sample
from warehouse.registry import StepContext, TableDoc, step

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

TEST = TableDoc(
    name="analysis.radiomic_test",
    description=(
        "Whether the selected features vary between a patient's lesions at all, and whether they "
        "vary otherwise in patients with few lesions (oligo: 2 to 5) than in those with many "
        "(multi: 15 or more).\n"
        "How: the patients' absolute coefficients of variation; Student's one-sample test of mean "
        "0 in all patients and in each group, Wilcoxon's rank sum test between the groups (exact "
        "where R's is); intervals by bootstrap of patients.\n"
        "Caveats: an absolute coefficient of variation cannot be negative, so that its mean is "
        "other than 0 says little; the interval says more. A small p-value is significant below "
        "radiomics.significance, which was 0.05 / 32 for the paper's 8 features and 4 tests.\n"
        "Reference: Henry et al. 2022, Methods, Data analysis"
    ),
    grain="one row per study_id, feature, test and population",
    key=("study_id", "feature", "test", "population"),
    columns={
        "study_id": "core.study",
        "feature": "name of the feature, selected in analysis.radiomic_robustness",
        "test": "one-sample t or Wilcoxon rank sum",
        "population": "all, oligo, multi, or 'oligo and multi'",
        "n_patients": "patients with a coefficient, of both groups",
        "estimate": "mean coefficient; between groups the mean of oligo minus that of multi",
        "ci_lower": "lower bootstrap limit (radiomics.confidence)",
        "ci_upper": "upper bootstrap limit",
        "statistic": "t, or Wilcoxon's W of oligo",
        "p_value": "two-sided",
        "p_bonferroni": "p_value times the number of tests of the study, at most 1",
        "threshold": "p-values below it are significant",
        "is_significant": "p_value lies below the threshold",
        "is_exact": "the p-value is exact",
        "null_reason": "why there is no test; NULL where there is one",
    },
    tags=("public",),
)
RESULT = ("estimate", "ci_lower", "ci_upper", "statistic", "p_value", "is_exact")
TYPES = {
    **dict.fromkeys(("study_id", "feature", "test", "population"), TEXT),
    "n_patients": COUNT,
    **dict.fromkeys(("estimate", "ci_lower", "ci_upper", "statistic", "p_value"), NUMBER),
    **dict.fromkeys(("p_bonferroni", "threshold"), NUMBER),
    **dict.fromkeys(("is_significant", "is_exact"), FLAG),
    "null_reason": TEXT,
}


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
    return {TEST.name: table_of_rows(rows, TYPES)}


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
