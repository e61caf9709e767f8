"""What looking at a few lesions loses of how differently a patient's lesions respond.

The sampling study of Henry 2022 on the Gower distances of Zhou 2021: what the rule of RECIST 1.1,
five target lesions, two per organ, misses in response.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.steps.radiomics.parts.matrix import confidence_of
from flows.steps.radiomics.parts.sampling import (
    SETTINGS,
    sampling_docs,
    sampling_tables,
    strategies_of,
)
from udfs.radiomics.recovery import share_alike, share_missed
from udfs.radiomics.sampling import Patient, choices_of
from udfs.radiomics.strategies import Lesions, Subsets
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

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
FINDINGS = ("relapse", "response", "unlike response")
DOCS = sampling_docs("gower")
MISSED = declared("analysis.gower_missed")


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
    patients, responded, relapsed = _cohort(lesions, pairs)
    choices = [
        choices_of(
            patients,
            strategy,
            seed=context.seed,
            simulations=int(context.setting("radiomics.simulations")),
            most_exact=int(context.setting("radiomics.exact_subsets")),
        )
        for strategy in strategies
    ]
    tables = sampling_tables(context, DOCS, patients, strategies, confidence, choices)
    members = _members(patients)
    rows = [
        row
        for strategy, chosen in zip(strategies, choices, strict=True)
        for finding, share in _missed(chosen, responded, relapsed).items()
        for row in _by_cohort(members, share, _is_partial(patients, chosen), strategy.name, finding)
    ]
    return {**tables, MISSED.name: context.table(MISSED.name, rows)}


Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


def _cohort(
    lesions: pd.DataFrame, pairs: pd.DataFrame
) -> tuple[list[Patient], list[Flags], list[Flags]]:
    """Patients with two lesions or more; which of their lesions responded, and relapsed."""
    names, first, n = np.unique(
        lesions["patient_id"].to_numpy(str), return_index=True, return_counts=True
    )
    m = n * (n - 1) // 2
    begin = np.concatenate(([0], np.cumsum(m)))
    distance = pairs["distance"].to_numpy(float)
    organ = lesions["organ"].to_numpy(object)
    study = lesions["study_id"].to_numpy(object)
    size = lesions["diameter"].to_numpy(float, na_value=np.nan)
    has_response = lesions["has_response"].to_numpy(bool)
    has_relapse = lesions["has_relapse"].to_numpy(bool)
    patients, responded, relapsed = [], [], []
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
        responded.append(has_response[rows])
        relapsed.append(has_relapse[rows])
    return patients, responded, relapsed


def _members(patients: Sequence[Patient]) -> dict[str, Flags]:
    """Cohort -> which patients are in it."""
    cohorts = sorted({name for patient in patients for name in patient.cohorts})
    return {name: np.asarray([name in patient.cohorts for patient in patients]) for name in cohorts}


def _is_partial(patients: Sequence[Patient], chosen: Sequence[Subsets | None]) -> Flags:
    """Patients in whom lesions are left out."""
    return np.asarray(
        [
            subsets is not None and subsets.rows.shape[1] < patient.n
            for patient, subsets in zip(patients, chosen, strict=True)
        ],
        dtype=bool,
    )


def _missed(
    chosen: Sequence[Subsets | None], responded: Sequence[Flags], relapsed: Sequence[Flags]
) -> dict[str, Shares]:
    """Finding -> share of each patient's samples that miss it; NaN where the patient has it not."""
    shares = {name: np.full(len(chosen), np.nan) for name in FINDINGS}
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, subsets in enumerate(chosen):
        if subsets is not None:
            alike.setdefault((responded[i].size, *subsets.rows.shape), []).append(i)
    for group in alike.values():
        rows = np.stack([subsets.rows for i in group if (subsets := chosen[i]) is not None])
        response = np.stack([responded[i] for i in group])
        relapse = np.stack([relapsed[i] for i in group])
        shares["relapse"][group] = share_missed(relapse, rows)
        shares["response"][group] = share_missed(response, rows)
        shares["unlike response"][group] = share_alike(response, rows)
    return shares


def _by_cohort(
    members: Mapping[str, Flags],
    share: Shares,
    is_partial: Flags,
    strategy: str,
    finding: str,
) -> Iterator[dict[str, Any]]:
    for cohort, is_member in members.items():
        own = is_member & ~np.isnan(share)
        partial = own & is_partial
        if own.any():
            yield {
                "cohort": cohort,
                "strategy": strategy,
                "finding": finding,
                "n_patients": int(own.sum()),
                "missed_mean": float(share[own].mean()),
                "n_patients_partial": int(partial.sum()),
                "missed_mean_partial": float(share[partial].mean()) if partial.any() else None,
            }
