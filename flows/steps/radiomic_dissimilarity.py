"""Cosine distances between a patient's lesions, and the indices of them (Henry 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.columns import COUNT, FLAG, NUMBER, TEXT, nulls, table_of_rows
from flows.steps.radiomic_parts.matrix import (
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
from warehouse.registry import StepContext, TableDoc, step

SELECTED = """
SELECT DISTINCT study_id, feature FROM analysis.radiomic_robustness WHERE is_selected
ORDER BY study_id, feature
"""
LESIONS, REGIONS = "lesions", "regions"

_ABOUT = (
    "The distance is radiomics.cosine on the features selected in analysis.radiomic_robustness, "
    "scaled by radiomics.scaling over all lesions of the study. 1 - cos reaches 2 (opposite "
    "directions); it stays below 1 only for features that are never negative (min-max).\n"
    "Reference: Henry et al. 2022, Methods, Data analysis"
)
DISSIMILARITY = TableDoc(
    name="analysis.radiomic_dissimilarity",
    description=(
        "How unlike two lesions of one patient look: the distance of their features. Where a "
        "lesion has several regions, two of its regions are compared too.\n" + _ABOUT
    ),
    grain="one row per pair of lesions of one patient in the reference region, and per pair of "
    "regions of one lesion, each pair once",
    key=("lesion_id", "region", "other_lesion_id", "other_region"),
    columns={
        "patient_id": "core.patient",
        "lesion_id": "core.lesion; less than other_lesion_id where two lesions are compared",
        "other_lesion_id": "core.lesion; the same where two regions of a lesion are compared",
        "cosine_distance": "distance, 0 = alike; see variant",
        "region": "region of the one",
        "other_region": "region of the other",
        "compared": "lesions or regions",
        "variant": "variant of the cosine distance (radiomics.cosine)",
    },
    tags=("public",),
)
CLUSTER = TableDoc(
    name="analysis.radiomic_lesion_cluster",
    description=(
        "Clusters of a patient's lesions that look alike, and their order in the heat map.\n"
        "How: hierarchical, radiomics.linkage, cut at radiomics.lesion_cluster_distance.\n" + _ABOUT
    ),
    grain="one row per lesion_id in the reference region that was compared, or not for a reason",
    key=("lesion_id",),
    columns={
        "lesion_id": "core.lesion",
        "patient_id": "core.patient",
        "organ": "organ of the lesion",
        "cluster": "number of the cluster within the patient, from 1; NULL where not compared",
        "place": "place in the heat map, from 1",
        "mean_distance": "mean distance to the patient's other lesions; NULL for an only one",
        "null_reason": "why the lesion was not compared; NULL where it was",
    },
    tags=("public",),
)
HETEROGENEITY = TableDoc(
    name="analysis.radiomic_heterogeneity",
    description=(
        "How heterogeneous a patient's lesions look: average tumoral heterogeneity and maximal "
        "tumoral divergence, over the pairs of lesions (and, where lesions have several regions, "
        "over the pairs of regions within lesions).\n" + _ABOUT
    ),
    grain="one row per patient_id and compared",
    key=("patient_id", "compared"),
    columns={
        "patient_id": "core.patient",
        "average_tumoral_heterogeneity": "mean distance over the pairs i < j; null_reason where "
        "there is none",
        "maximal_tumoral_divergence": "greatest distance",
        "compared": "lesions or regions",
        "study_id": "core.study",
        "n_lesions": "lesions (or regions) that were compared",
        "n_left_out": "lesions (or regions) that could not be compared",
        "n_pairs": "pairs compared",
        "n_features": "features that the distance rests on",
        "variant": "variant of the cosine distance",
        "scaling": "scaling of the features",
        "largest_possible": "greatest value that the variant can take",
        "is_exhaustive": "the source says that every visible lesion was segmented",
        "null_reason": "why there is no index; NULL where there is one",
    },
    tags=("public",),
)
PAIR_TYPES = {
    **dict.fromkeys(("patient_id", "lesion_id", "other_lesion_id"), TEXT),
    "cosine_distance": NUMBER,
    **dict.fromkeys(("region", "other_region", "compared", "variant"), TEXT),
}
CLUSTER_TYPES = {
    **dict.fromkeys(("lesion_id", "patient_id", "organ"), TEXT),
    **dict.fromkeys(("cluster", "place"), COUNT),
    "mean_distance": NUMBER,
    "null_reason": TEXT,
}
INDEX_TYPES = {
    "patient_id": TEXT,
    **dict.fromkeys(("average_tumoral_heterogeneity", "maximal_tumoral_divergence"), NUMBER),
    **dict.fromkeys(("compared", "study_id"), TEXT),
    **dict.fromkeys(("n_lesions", "n_left_out", "n_pairs", "n_features"), COUNT),
    **dict.fromkeys(("variant", "scaling"), TEXT),
    "largest_possible": NUMBER,
    "is_exhaustive": FLAG,
    "null_reason": TEXT,
}
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
        DISSIMILARITY.name: _joined(result.pairs, PAIR_TYPES),
        CLUSTER.name: table_of_rows(result.lesions, CLUSTER_TYPES),
        HETEROGENEITY.name: table_of_rows(result.indices, INDEX_TYPES),
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
            pa.table(
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
                schema=pa.schema(PAIR_TYPES),
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


def _joined(tables: list[pa.Table], types: dict[str, pa.DataType]) -> pa.Table:
    return pa.concat_tables([pa.schema(types).empty_table(), *tables])
