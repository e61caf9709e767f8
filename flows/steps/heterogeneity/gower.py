"""Gower distances between a patient's lesions: the heterogeneity of response (Zhou 2021)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.comparisons.arrays import TIE_DECIMALS
from udfs.heterogeneity import GowerMeans, GowerPairs, Variable, gower_means, gower_pairs
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import result_table

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


GOWER_PAIR = declared("analysis.gower_pair")
GOWER_LESION = declared("analysis.gower_lesion")
GOWER_PATIENT = declared("analysis.gower_patient")


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
        GOWER_LESION.name: context.table(
            GOWER_LESION.name,
            {
                "lesion_id": lesions["lesion_id"],
                "patient_id": lesions["patient_id"],
                "gower_distance": pa.array(means.row_mean, from_pandas=True),
            },
        ),
        GOWER_PATIENT.name: context.table(
            GOWER_PATIENT.name,
            {
                "patient_id": lesions["patient_id"].take(pa.array(rows)),
                "n_lesions": pa.array(n_lesions),
                "gower_distance": pa.array(distance, from_pandas=True),
                "null_reason": _null_reasons(n_lesions, distance),
            },
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
    return result_table(
        GOWER_PAIR,
        {
            "patient_id": lesions["patient_id"].take(first),
            "lesion_id": lesions["lesion_id"].take(first),
            "other_lesion_id": lesions["lesion_id"].take(pa.array(pairs.second)),
            "distance": pa.array(pairs.distance, from_pandas=True),
        },
    )


def _null_reasons(n_lesions: NDArray[np.int64], distance: NDArray[np.float64]) -> pa.Array:
    reasons = np.where(n_lesions == 0, NO_LESION, SINGLE_LESION)
    return pa.array(reasons, mask=~np.isnan(distance), type=pa.string())
