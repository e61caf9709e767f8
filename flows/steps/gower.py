"""Gower distances between a patient's lesions: the heterogeneity of response (Zhou 2021)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.comparisons.arrays import TIE_DECIMALS
from udfs.gower import GowerMeans, GowerPairs, Variable, gower_means, gower_pairs
from warehouse.registry import StepContext, TableDoc, step

LESIONS = """
SELECT
    lesion_id,
    patient_id,
    dense_rank() OVER (ORDER BY patient_id) - 1 AS patient_index,
    nadir_ratio IS NOT NULL AS has_phases,
    CAST(coalesce(has_response, FALSE) AS TINYINT) AS has_response,
    CAST(coalesce(has_stable, FALSE) AS TINYINT) AS has_stable,
    CAST(coalesce(has_relapse, FALSE) AS TINYINT) AS has_relapse,
    coalesce(nadir_ratio, 'nan'::DOUBLE) AS nadir_ratio,
    coalesce(last_ratio, 'nan'::DOUBLE) AS last_ratio
FROM analysis.lesion_phase
WHERE patient_id IS NOT NULL
ORDER BY patient_id, lesion_id
"""
UNKNOWN_PATIENTS = "SELECT count(*) AS n FROM analysis.lesion_phase WHERE patient_id IS NULL"

VARIABLES = ("has_response", "has_stable", "has_relapse", "nadir_ratio", "last_ratio")
"""What lesions are compared by: three that are there or not, and two ratios."""
GOWER_SETTINGS = ("gower.range", "gower.mean", "gower.single_lesion")
"""The settings that ``gower_distances`` reads."""

SINGLE_LESION = "one lesion with phases"
NO_LESION = "no lesion with phases"

_ABOUT = (
    "The variables are has_response, has_stable, has_relapse (binary) and nadir_ratio, last_ratio "
    "(difference over range) of analysis.lesion_phase. A variable's range is that of the patient's "
    "lesions, or of all patients' (gower.range); a range of 0 counts as a difference of 0.\n"
    "Reference: Gower, Biometrics 1971; Zhou et al., Cancer Res 2021, Methods, Gower distance"
)

GOWER_PAIR = TableDoc(
    name="analysis.gower_pair",
    description=f"How differently two lesions of one patient responded, from 0 to 1.\n{_ABOUT}",
    grain="one row per pair of lesions of one patient that both have phases, each pair once",
    key=("lesion_id", "other_lesion_id"),
    columns={
        "patient_id": "core.patient",
        "lesion_id": "core.lesion; less than other_lesion_id",
        "other_lesion_id": "core.lesion",
        "distance": "mean difference over the five variables; 0 alike, 1 as unlike as can be",
    },
    tags=("public",),
)
GOWER_LESION = TableDoc(
    name="analysis.gower_lesion",
    description=f"How differently a lesion responded from its patient's other lesions.\n{_ABOUT}",
    grain="one row per lesion_id of analysis.lesion_phase whose patient is known",
    key=("lesion_id",),
    columns={
        "lesion_id": "core.lesion",
        "patient_id": "core.patient",
        "gower_distance": "mean distance to the patient's other lesions (or to all with its own 0, "
        "where gower.mean is all); null without phases, and for an only lesion unless "
        "gower.single_lesion is zero",
    },
    tags=("public",),
)
GOWER_PATIENT = TableDoc(
    name="analysis.gower_patient",
    description=(
        f"Heterogeneity of response among a patient's lesions, one number per patient.\n{_ABOUT}"
    ),
    grain="one row per patient_id of analysis.lesion_phase",
    key=("patient_id",),
    columns={
        "patient_id": "core.patient",
        "n_lesions": "lesions with phases",
        "gower_distance": "mean of the lesions' gower_distance: the mean over the pairs, or "
        "(n_lesions - 1) / n_lesions of it where gower.mean is all; null where null_reason says "
        "why",
        "null_reason": "why there is no distance; null where there is one",
    },
    tags=("public",),
)


@step(
    name="gower",
    reads=("analysis.lesion_phase",),
    writes=(GOWER_PAIR, GOWER_LESION, GOWER_PATIENT),
    settings=GOWER_SETTINGS,
)
def gower(context: StepContext) -> dict[str, pa.Table]:
    """Distances of all pairs of lesions within patients, and their means."""
    unknown = int(context.frame(UNKNOWN_PATIENTS)["n"].iloc[0])
    if unknown:
        context.note(
            f"{unknown} target lesion{'' if unknown == 1 else 's'} of unknown patients skipped: "
            "which lesions are one patient's is not known"
        )
    lesions = context.arrow(LESIONS)
    patient = lesions["patient_index"].to_numpy().astype(np.int64)
    group = np.where(lesions["has_phases"].to_numpy(), patient, -1)
    pairs, means = gower_distances(
        context, {name: lesions[name].to_numpy() for name in VARIABLES}, group
    )
    patients, rows = np.unique(patient, return_index=True)
    n_lesions = np.zeros(patients.size, dtype=np.int64)
    distance = np.full(patients.size, np.nan)
    n_lesions[means.group] = means.n_rows
    distance[means.group] = means.group_mean
    return {
        GOWER_PAIR.name: _pair_table(lesions, pairs),
        GOWER_LESION.name: pa.table(
            {
                "lesion_id": lesions["lesion_id"],
                "patient_id": lesions["patient_id"],
                "gower_distance": pa.array(means.row_mean, from_pandas=True),
            }
        ),
        GOWER_PATIENT.name: pa.table(
            {
                "patient_id": lesions["patient_id"].take(pa.array(rows)),
                "n_lesions": pa.array(n_lesions),
                "gower_distance": pa.array(distance, from_pandas=True),
                "null_reason": _null_reasons(n_lesions, distance),
            }
        ),
    }


def gower_distances(
    context: StepContext, values: dict[str, NDArray[Any]], group: NDArray[np.int64]
) -> tuple[GowerPairs, GowerMeans]:
    """Distances of the lesions of a group by the five variables of Zhou 2021, and their means,
    rounded to ``TIE_DECIMALS``: they are cut at quartiles and ranked.

    Args:
        values: (n,) each of ``VARIABLES``.
        group: (n,) each lesion's patient; -1 where it has no phases.
    """
    pairs = gower_pairs(
        [
            *(Variable(name, values[name], "symmetric") for name in VARIABLES[:3]),
            *(Variable(name, values[name]) for name in VARIABLES[3:]),
        ],
        group,
        range_over="group" if context.setting("gower.range") == "patient" else "all",
    )
    single = 0.0 if context.setting("gower.single_lesion") == "zero" else np.nan
    means = gower_means(pairs, group, over=context.setting("gower.mean"), single=single)
    return (
        replace(pairs, distance=pairs.distance.round(TIE_DECIMALS)),
        replace(
            means,
            row_mean=means.row_mean.round(TIE_DECIMALS),
            group_mean=means.group_mean.round(TIE_DECIMALS),
        ),
    )


def _pair_table(lesions: pa.Table, pairs: GowerPairs) -> pa.Table:
    first = pa.array(pairs.first)
    return pa.table(
        {
            "patient_id": lesions["patient_id"].take(first),
            "lesion_id": lesions["lesion_id"].take(first),
            "other_lesion_id": lesions["lesion_id"].take(pa.array(pairs.second)),
            "distance": pa.array(pairs.distance, from_pandas=True),
        }
    )


def _null_reasons(n_lesions: NDArray[np.int64], distance: NDArray[np.float64]) -> pa.Array:
    reasons = np.where(n_lesions == 0, NO_LESION, SINGLE_LESION)
    return pa.array(reasons, mask=~np.isnan(distance), type=pa.string())
