"""What looking at a few lesions loses of how differently a patient's lesions respond.

The sampling study of Henry 2022 on the Gower distances of Zhou 2021: what the rule of RECIST 1.1,
five target lesions, two per organ, misses in response.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, NUMBER, TEXT, table_of_rows
from flows.steps.radiomic_parts.matrix import confidence_of
from flows.steps.radiomic_parts.sampling import (
    SETTINGS,
    sampling_docs,
    sampling_tables,
    strategies_of,
)
from udfs.radiomics.recovery import share_missed
from udfs.radiomics.sampling import Patient, choices_of
from udfs.radiomics.strategies import Lesions, Strategy
from warehouse.registry import StepContext, TableDoc, step

if TYPE_CHECKING:
    import pandas as pd

LESIONS = """
SELECT
    phase.patient_id,
    lesion.study_id,
    lesion.organ,
    lesion.baseline_diameter_mm AS diameter,
    phase.has_response,
    phase.has_relapse
FROM analysis.lesion_phase AS phase
INNER JOIN core.lesion AS lesion ON phase.lesion_id = lesion.lesion_id
WHERE phase.patient_id IS NOT NULL AND phase.nadir_ratio IS NOT NULL
ORDER BY phase.patient_id, phase.lesion_id
"""
DISTANCES = """
SELECT patient_id, distance
FROM analysis.gower_pair
ORDER BY patient_id, lesion_id, other_lesion_id
"""
ALL = "all"
DOCS = sampling_docs(
    "gower",
    "heterogeneity of response (Gower distance)",
    "Why: RECIST 1.1 measures five target lesions, two per organ. Caveats: all lesions are all "
    "target lesions that were followed, which is not every lesion: lesions that a trial never "
    "measured are missed on top.",
)
MISSED = TableDoc(
    name="analysis.gower_missed",
    description=(
        "How often a choice of few target lesions misses what a lesion shows.\n"
        "Why: a relapse that is not measured is no progression of the sum.\n"
        "How: of the patients with the finding in some followed target lesion, the mean share of "
        "samples in which no chosen lesion has it; for 'unlike response', in which the chosen "
        "lesions all responded or all did not.\n"
        "Caveats: progression by non-target and new lesions is not counted.\n"
        "Reference: Zhou et al. 2021 (phases); Eisenhauer et al. 2009, RECIST 1.1 (five lesions, "
        "two per organ)"
    ),
    grain="one row per cohort, strategy and finding",
    key=("cohort", "strategy", "finding"),
    columns={
        "cohort": "core.study, or 'all' for all studies",
        "strategy": "order of choice, how many lesions, per_site how many, without organ",
        "finding": "relapse, response, or unlike response (some lesions responded, some did not)",
        "n_patients": "patients with the finding",
        "missed_mean": "mean share of samples that miss it",
        "n_patients_partial": "of them, patients in whom the strategy leaves lesions out",
        "missed_mean_partial": "mean over those; NULL where there are none",
    },
    tags=("public",),
)
MISSED_TYPES = {
    **dict.fromkeys(("cohort", "strategy", "finding"), TEXT),
    "n_patients": COUNT,
    "missed_mean": NUMBER,
    "n_patients_partial": COUNT,
    "missed_mean_partial": NUMBER,
}


@step(
    name="gower_sampling",
    reads=("analysis.lesion_phase", "analysis.gower_pair", "core.lesion"),
    writes=(*DOCS, MISSED),
    settings=("radiomics.growth_strategies", *SETTINGS),
)
def gower_sampling(context: StepContext) -> dict[str, pa.Table]:
    """Every strategy on every patient with two or more lesions whose phases are known.

    Raises:
        LesionsError: a setting is out of range.
    """
    strategies = strategies_of(context, "radiomics.growth_strategies")
    confidence = confidence_of(context)
    lesions = context.frame(LESIONS)
    pairs = context.frame(DISTANCES)
    patients, findings = _cohort(lesions, pairs)
    tables = sampling_tables(context, DOCS, patients, strategies, confidence)
    rows = list(_missed(context, patients, findings, strategies))
    return {**tables, MISSED.name: table_of_rows(rows, MISSED_TYPES)}


def _cohort(
    lesions: pd.DataFrame, pairs: pd.DataFrame
) -> tuple[list[Patient], list[dict[str, Any]]]:
    """Patients with two lesions or more; their lesions' findings."""
    names, first, n = np.unique(
        lesions["patient_id"].to_numpy(str), return_index=True, return_counts=True
    )
    m = n * (n - 1) // 2
    begin = np.concatenate(([0], np.cumsum(m)))
    distance = pairs["distance"].to_numpy(float)
    organ = lesions["organ"].to_numpy(object)
    study = lesions["study_id"].to_numpy(object)
    size = lesions["diameter"].to_numpy(float, na_value=np.nan)
    responded = lesions["has_response"].to_numpy(bool)
    relapsed = lesions["has_relapse"].to_numpy(bool)
    patients, findings = [], []
    for i in np.flatnonzero(n > 1):
        rows = slice(first[i], first[i] + n[i])
        patients.append(
            Patient(
                name=str(names[i]),
                cohorts=(str(study[first[i]]), ALL),
                lesions=Lesions(tuple(organ[rows]), size[rows], np.ones(n[i], dtype=bool)),
                distance=distance[begin[i] : begin[i + 1]],
            )
        )
        findings.append({"response": responded[rows], "relapse": relapsed[rows]})
    return patients, findings


def _missed(
    context: StepContext,
    patients: Sequence[Patient],
    findings: Sequence[dict[str, Any]],
    strategies: Sequence[Strategy],
) -> Iterator[dict[str, Any]]:
    """Shares of samples that miss a finding, by strategy."""
    for strategy in strategies:
        chosen = choices_of(
            patients,
            strategy,
            seed=context.seed,
            simulations=int(context.setting("radiomics.simulations")),
            most_exact=int(context.setting("radiomics.exact_subsets")),
        )
        shares: dict[str, list[tuple[int, float, bool]]] = {}
        for i, (patient, subsets) in enumerate(zip(patients, chosen, strict=True)):
            if subsets is None:
                continue
            is_partial = subsets.rows.shape[1] < patient.n
            for name, missed in _patient_missed(findings[i], subsets.rows).items():
                shares.setdefault(name, []).append((i, missed, is_partial))
        for finding in sorted(shares):
            yield from _by_cohort(patients, shares[finding], strategy.name, finding)


def _patient_missed(finding: dict[str, Any], rows: Any) -> dict[str, float]:
    """Finding -> share of samples that miss it, for the findings that the patient has."""
    responded, relapsed = finding["response"], finding["relapse"]
    found = {}
    if relapsed.any():
        found["relapse"] = float(share_missed(relapsed, rows)[0])
    if responded.any():
        found["response"] = float(share_missed(responded, rows)[0])
    if responded.any() and not responded.all():
        n_responded = responded[rows].sum(axis=1)
        is_alike = (n_responded == 0) | (n_responded == rows.shape[1])
        found["unlike response"] = float(is_alike.mean())
    return found


def _by_cohort(
    patients: Sequence[Patient],
    shares: Sequence[tuple[int, float, bool]],
    strategy: str,
    finding: str,
) -> Iterator[dict[str, Any]]:
    cohorts = sorted({name for i, _, _ in shares for name in patients[i].cohorts})
    for cohort in cohorts:
        own = [(share, partial) for i, share, partial in shares if cohort in patients[i].cohorts]
        partial = [share for share, is_partial in own if is_partial]
        yield {
            "cohort": cohort,
            "strategy": strategy,
            "finding": finding,
            "n_patients": len(own),
            "missed_mean": float(np.mean([share for share, _ in own])),
            "n_patients_partial": len(partial),
            "missed_mean_partial": float(np.mean(partial)) if partial else None,
        }
