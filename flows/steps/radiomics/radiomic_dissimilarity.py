"""Cosine distances between a patient's lesions, and the indices of them (Henry 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.radiomics.parts.matrix import (
    VALUES,
    FloatArray,
    StudyFeatures,
    study_features,
)
from udfs.radiomics.distances import (
    LARGEST,
    cluster_lesions,
    cosine_distances,
    pair_rows,
    scale_features,
)
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import joined, nulls, result_table

SELECTED = """
SELECT DISTINCT study_id, feature FROM analysis.radiomic_robustness WHERE is_selected
ORDER BY study_id, feature
"""
LESIONS, REGIONS = "lesions", "regions"

DISSIMILARITY = declared("analysis.radiomic_dissimilarity")
CLUSTER = declared("analysis.radiomic_lesion_cluster")
HETEROGENEITY = declared("analysis.radiomic_heterogeneity")
LACKING = "a selected feature is missing"
NO_DIRECTION = "every selected feature is at the study's centre"
"""A vector of zeros has no angle to another."""


@step(
    name="radiomic_dissimilarity",
    reads=(VALUES, "analysis.radiomic_robustness"),
    writes=(DISSIMILARITY, CLUSTER, HETEROGENEITY),
    settings=(
        "radiomics.cosine",
        "radiomics.scaling",
        "radiomics.linkage",
        "radiomics.lesion_cluster_distance",
    ),
)
def radiomic_dissimilarity(context: StepContext) -> dict[str, pa.Table]:
    """Distances between lesions, and between regions of a lesion, within each patient."""
    selected: dict[str, list[str]] = {}
    for row in context.frame(SELECTED).itertuples(index=False):
        selected.setdefault(str(row.study_id), []).append(str(row.feature))
    result = _Result(context)
    for study in study_features(context):
        features = selected.get(study.study_id, [])
        if len(features) == 1:
            context.note(
                f"{study.study_id}: one radiomic feature is selected ({features[0]}). The cosine "
                "of one number is 1 or -1, so its distances say only on which side of the mean "
                "lesions lie. For more features lower radiomics.ccc_threshold or "
                "radiomics.cluster_distance, or set radiomics.clusters."
            )
        result.add_study(study, features)
    return {
        DISSIMILARITY.name: joined(DISSIMILARITY, result.pairs),
        CLUSTER.name: context.table(CLUSTER.name, result.lesions),
        HETEROGENEITY.name: context.table(HETEROGENEITY.name, result.indices),
    }


class _Result:
    """The three tables as they grow."""

    def __init__(self, context: StepContext) -> None:
        self.variant = str(context.setting("radiomics.cosine"))
        self.scaling = str(context.setting("radiomics.scaling"))
        self.linkage = str(context.setting("radiomics.linkage"))
        self.cut = float(context.setting("radiomics.lesion_cluster_distance"))
        self.pairs: list[pa.Table] = []
        self.lesions: list[dict[str, Any]] = []
        self.indices: list[dict[str, Any]] = []

    def add_study(self, study: StudyFeatures, features: list[str]) -> None:
        place = {name: i for i, name in enumerate(study.feature)}
        x = study.reference[:, [place[name] for name in features]]
        is_complete = ~np.isnan(x).any(axis=1)
        scaled = np.full(x.shape, np.nan)
        scaled[is_complete] = scale_features(x[is_complete], self.scaling)
        has_direction = is_complete & (np.abs(scaled) > 0).any(axis=1)
        members: dict[str, list[int]] = {}
        for row, patient in enumerate(study.patient):
            if patient is not None:
                members.setdefault(patient, []).append(row)
        for patient in sorted(members):
            rows = np.asarray(members[patient])
            own = rows[study.is_reference_region[rows]]
            self._add_lesions(study, patient, own, scaled, is_complete, has_direction)
            if len({study.region[i] for i in rows}) > 1:
                self._add_regions(study, patient, rows, scaled, has_direction)

    def _add_lesions(
        self,
        study: StudyFeatures,
        patient: str,
        rows: Any,
        scaled: FloatArray,
        is_complete: Any,
        has_direction: Any,
    ) -> None:
        compared = rows[has_direction[rows]]
        distance = cosine_distances(scaled[compared], self.variant)
        if compared.size > 1:
            self._add_pairs(study, patient, compared, distance, LESIONS)
        self._add_index(study, patient, LESIONS, rows, compared.size, distance, scaled.shape[1])
        found = cluster_lesions(distance, compared.size, cut=self.cut, linkage=self.linkage)
        first, second = pair_rows(compared.size)
        total = np.bincount(first, distance, compared.size)
        total += np.bincount(second, distance, compared.size)
        where = {int(row): i for i, row in enumerate(compared)}
        for row in rows:
            lesion: dict[str, Any] = {
                "lesion_id": study.lesion[row],
                "patient_id": patient,
                "organ": study.organ[row],
                **nulls(("cluster", "place", "mean_distance", "null_reason")),
            }
            i = where.get(int(row))
            if i is None:
                lesion["null_reason"] = _why_not(scaled.shape[1], bool(is_complete[row]))
            else:
                lesion |= {"cluster": int(found.cluster[i]), "place": int(found.place[i]) + 1}
                if compared.size > 1:
                    lesion["mean_distance"] = float(total[i] / (compared.size - 1))
            self.lesions.append(lesion)

    def _add_regions(
        self,
        study: StudyFeatures,
        patient: str,
        rows: Any,
        scaled: FloatArray,
        has_direction: Any,
    ) -> None:
        """Pairs of regions of one lesion; the indices over all the patient's such pairs."""
        distances, n_compared = [], 0
        for lesion in sorted({study.lesion[i] for i in rows}):
            own = np.asarray([i for i in rows if study.lesion[i] == lesion and has_direction[i]])
            n_compared += own.size
            if own.size > 1:
                distance = cosine_distances(scaled[own], self.variant)
                self._add_pairs(study, patient, own, distance, REGIONS)
                distances.append(distance)
        joined = np.concatenate(distances) if distances else np.zeros(0)
        self._add_index(study, patient, REGIONS, rows, n_compared, joined, scaled.shape[1])

    def _add_pairs(
        self, study: StudyFeatures, patient: str, rows: Any, distance: FloatArray, compared: str
    ) -> None:
        first, second = (rows[part] for part in pair_rows(rows.size))
        n = distance.size
        self.pairs.append(
            result_table(
                DISSIMILARITY,
                {
                    "patient_id": [patient] * n,
                    "lesion_id": [study.lesion[i] for i in first],
                    "other_lesion_id": [study.lesion[i] for i in second],
                    "cosine_distance": distance,
                    "region": [study.region[i] for i in first],
                    "other_region": [study.region[i] for i in second],
                    "compared": [compared] * n,
                    "variant": [self.variant] * n,
                },
            )
        )

    def _add_index(
        self,
        study: StudyFeatures,
        patient: str,
        compared: str,
        rows: Any,
        n_compared: int,
        distance: FloatArray,
        n_features: int,
    ) -> None:
        row: dict[str, Any] = {
            "patient_id": patient,
            "compared": compared,
            "study_id": study.study_id,
            "n_lesions": n_compared,
            "n_left_out": len(rows) - n_compared,
            "n_pairs": distance.size,
            "n_features": n_features,
            "variant": self.variant,
            "scaling": self.scaling,
            "largest_possible": LARGEST[self.variant],
            "is_exhaustive": bool(study.is_exhaustive[rows].all()) if len(rows) else False,
            **nulls(("average_tumoral_heterogeneity", "maximal_tumoral_divergence", "null_reason")),
        }
        if distance.size:
            row["average_tumoral_heterogeneity"] = float(distance.mean())
            row["maximal_tumoral_divergence"] = float(distance.max())
        elif n_features == 0:
            row["null_reason"] = "no feature is selected"
        else:
            row["null_reason"] = f"{n_compared} {compared} compared: 2 are needed"
        self.indices.append(row)


def _why_not(n_features: int, is_complete: bool) -> str:
    if n_features == 0:
        return "no feature is selected"
    return NO_DIRECTION if is_complete else LACKING
