"""What looking at a few lesions loses of a patient's radiomic heterogeneity (Henry 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from flows.steps.radiomics.parts.matrix import VALUES, confidence_of
from flows.steps.radiomics.parts.sampling import (
    SETTINGS,
    sampling_docs,
    sampling_tables,
    strategies_of,
)
from udfs.radiomics.sampling import Patient
from udfs.radiomics.strategies import Lesions
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

PATIENTS = """
SELECT study_id, patient_id, is_exhaustive
FROM analysis.radiomic_heterogeneity
WHERE compared = 'lesions' AND n_lesions >= 2
ORDER BY patient_id
"""
# Sizes of the lesions: the baseline's diameter, else the first of these features.
SIZE_FEATURES = (
    *("VoxelVolume", "MeshVolume", "volume_mm3", "TOTALVOLUME", "volume"),
    *("Maximum3DDiameter", "Maximum2DDiameterSlice", "long_axis_mm", "MAXDIAMETER3D"),
)
LESIONS = f"""
WITH sized AS (
    SELECT
        lesion_id,
        arg_min(
            value, list_position({list(SIZE_FEATURES)!r}, regexp_extract(feature, '[^_]*$'))
        ) FILTER (
            WHERE list_contains({list(SIZE_FEATURES)!r}, regexp_extract(feature, '[^_]*$'))
        ) AS by_short_name,
        arg_min(value, list_position({list(SIZE_FEATURES)!r}, feature)) FILTER (
            WHERE list_contains({list(SIZE_FEATURES)!r}, feature)
        ) AS by_name
    FROM analysis.radiomic_value
    WHERE is_reference_segmentation AND is_reference_region
    GROUP BY lesion_id
)
SELECT
    cluster.patient_id,
    cluster.lesion_id,
    cluster.organ,
    lesion.lesion_type = 'target' AND NOT lesion.is_type_assumed AS is_target,
    lesion.baseline_diameter_mm AS diameter,
    coalesce(sized.by_name, sized.by_short_name) AS feature_size
FROM analysis.radiomic_lesion_cluster AS cluster
INNER JOIN core.lesion AS lesion ON cluster.lesion_id = lesion.lesion_id
LEFT JOIN sized ON cluster.lesion_id = sized.lesion_id
WHERE cluster.null_reason IS NULL
ORDER BY cluster.patient_id, cluster.lesion_id
"""
DISTANCES = """
SELECT patient_id, cosine_distance
FROM analysis.radiomic_dissimilarity
WHERE compared = 'lesions'
ORDER BY patient_id, lesion_id, other_lesion_id
"""
DOCS = sampling_docs("radiomic")


@step(
    name="radiomic_sampling",
    reads=(
        VALUES,
        "analysis.radiomic_heterogeneity",
        "analysis.radiomic_lesion_cluster",
        "analysis.radiomic_dissimilarity",
        "core.lesion",
    ),
    writes=DOCS,
    settings=("radiomics.strategies", *SETTINGS),
)
def radiomic_sampling(context: StepContext) -> dict[str, pa.Table]:
    """Every strategy on every patient whose lesions were all segmented.

    Raises:
        LesionsError: a setting is out of range.
    """
    strategies = strategies_of(context, "radiomics.strategies")
    confidence = confidence_of(context)
    patients = context.frame(PATIENTS)
    _note_not_exhaustive(context, patients)
    counted = patients[patients["is_exhaustive"]]
    lesions = dict(iter(context.frame(LESIONS).groupby("patient_id", sort=False)))
    distances = dict(iter(context.frame(DISTANCES).groupby("patient_id", sort=False)))
    cohort = [
        Patient(
            name=str(row.patient_id),
            cohorts=(str(row.study_id),),
            lesions=_lesions(lesions[row.patient_id]),
            distance=distances[row.patient_id]["cosine_distance"].to_numpy(float),
        )
        for row in counted.itertuples(index=False)
    ]
    return sampling_tables(context, DOCS, cohort, strategies, confidence)


def _note_not_exhaustive(context: StepContext, patients: pd.DataFrame) -> None:
    left_out = patients[~patients["is_exhaustive"]]
    for study_id, rows in left_out.groupby("study_id", sort=True):
        context.note(
            f"{study_id}: {len(rows)} patients with two radiomic lesions or more are not in the "
            "sampling study, because the source does not say that every visible lesion was "
            "segmented. Where it was, map rfallfl to Y (layout radiomics: 'exhaustive: true')."
        )


def _lesions(rows: pd.DataFrame) -> Lesions:
    """A patient's lesions, all sized by the same measure."""
    size = rows["diameter"].to_numpy(float, na_value=np.nan)
    if np.isnan(size).any():
        size = rows["feature_size"].to_numpy(float, na_value=np.nan)
    return Lesions(tuple(rows["organ"]), size, rows["is_target"].to_numpy(bool))
