"""The radiomic features of each study as matrices: one row per lesion and region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.steps.survival.survival import confidence_level
from udfs.radiomics.variation import is_nonnegative, standardised
from warehouse.registry import StepContext

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

VALUES = "analysis.radiomic_value"
ITEMS = """
SELECT
    study_id,
    lesion_id,
    region,
    min(patient_id) AS patient_id,
    min(organ) AS organ,
    bool_or(is_reference_region) AS is_reference_region,
    bool_and(is_exhaustive) AS is_exhaustive
FROM analysis.radiomic_value
WHERE study_id = {study}
GROUP BY study_id, lesion_id, region
ORDER BY lesion_id, region
"""
FEATURES = """
SELECT feature, min(feature_class) AS feature_class, min(unit) AS unit
FROM analysis.radiomic_value
WHERE study_id = {study}
GROUP BY feature
ORDER BY feature
"""
SEGMENTATIONS = """
SELECT segmentation, bool_or(is_reference_segmentation) AS is_reference
FROM analysis.radiomic_value
WHERE study_id = {study}
GROUP BY segmentation
ORDER BY bool_or(is_reference_segmentation) DESC, segmentation
"""
CELLS = """
WITH ranked AS (
    SELECT
        segmentation,
        value,
        dense_rank() OVER (ORDER BY lesion_id, region) - 1 AS item,
        dense_rank() OVER (ORDER BY feature) - 1 AS feature
    FROM analysis.radiomic_value
    WHERE study_id = {study}
)
SELECT item, feature, value FROM ranked WHERE segmentation = {segmentation}
"""
STUDIES = "SELECT DISTINCT study_id FROM analysis.radiomic_value ORDER BY study_id"


@dataclass(frozen=True)
class StudyFeatures:
    """A study's features: n items (a lesion in one region) and f features."""

    study_id: str
    lesion: list[str]
    region: list[str]
    patient: list[str | None]
    organ: list[str]
    is_reference_region: BoolArray
    is_exhaustive: BoolArray
    feature: list[str]
    feature_class: list[str]
    unit: list[str | None]
    segmentations: list[str]
    """The reference segmentation first."""
    values: dict[str, FloatArray]
    """(n, f) by segmentation; NaN where there is none."""

    @property
    def reference(self) -> FloatArray:
        return self.values[self.segmentations[0]]


def study_features(
    context: StepContext, *, all_segmentations: bool = False
) -> Iterator[StudyFeatures]:
    """Each study's features, by study_id."""
    for study_id in context.frame(STUDIES)["study_id"]:
        yield _study(context, str(study_id), all_segmentations)


def standardised_features(study: StudyFeatures) -> dict[str, str]:
    """Feature -> why it counts as standardised, for those that do."""
    found = {}
    for place, feature in enumerate(study.feature):
        reason = standardised(
            study.reference[:, place],
            is_nonnegative=is_nonnegative(feature, study.feature_class[place], study.unit[place]),
        )
        if reason is not None:
            found[feature] = reason
    return found


def note_unknown_patients(context: StepContext, study: StudyFeatures) -> None:
    """Says how many lesions have no patient to be compared in."""
    n = sum(patient is None for patient in study.patient)
    if n:
        context.note(
            f"{study.study_id}: {n} lesions of unknown patients skipped: which lesions are one "
            "patient's is not known"
        )


def confidence_of(context: StepContext) -> float:
    """The setting radiomics.confidence.

    Raises:
        LesionsError: it is not between 0 and 1.
    """
    return confidence_level(context, "radiomics.confidence")


def _study(context: StepContext, study_id: str, all_segmentations: bool) -> StudyFeatures:
    study = _quoted(study_id)
    items = context.arrow(ITEMS.format(study=study))
    features = context.arrow(FEATURES.format(study=study))
    segmentations = context.arrow(SEGMENTATIONS.format(study=study))["segmentation"].to_pylist()
    shape = (items.num_rows, features.num_rows)
    used = segmentations if all_segmentations else segmentations[:1]
    return StudyFeatures(
        study_id=study_id,
        lesion=items["lesion_id"].to_pylist(),
        region=items["region"].to_pylist(),
        patient=items["patient_id"].to_pylist(),
        organ=items["organ"].to_pylist(),
        is_reference_region=_flags(items["is_reference_region"]),
        is_exhaustive=_flags(items["is_exhaustive"]),
        feature=features["feature"].to_pylist(),
        feature_class=features["feature_class"].to_pylist(),
        unit=features["unit"].to_pylist(),
        segmentations=segmentations,
        values={
            name: _matrix(
                context.arrow(CELLS.format(study=study, segmentation=_quoted(name))), shape
            )
            for name in used
        },
    )


def _matrix(cells: pa.Table, shape: tuple[int, int]) -> FloatArray:
    matrix = np.full(shape, np.nan)
    item, feature = (cells[name].to_numpy().astype(np.int64) for name in ("item", "feature"))
    matrix[item, feature] = cells["value"].to_numpy()
    return matrix


def _flags(column: pa.ChunkedArray) -> BoolArray:
    return np.asarray(column.to_pylist(), dtype=bool)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
