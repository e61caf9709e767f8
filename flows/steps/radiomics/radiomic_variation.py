"""How much each radiomic feature varies between a patient's lesions (Henry 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.radiomics.parts.matrix import (
    VALUES,
    StudyFeatures,
    note_unknown_patients,
    standardised_features,
    study_features,
)
from udfs.radiomics.variation import variation_within
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import joined, result_table

ALL = "all"
ONE_LESION = "fewer than two lesions"
MEAN_ZERO = "the mean is 0"

VARIATION = declared("analysis.radiomic_variation")


@step(name="radiomic_variation", reads=(VALUES,), writes=(VARIATION,))
def radiomic_variation(context: StepContext) -> dict[str, pa.Table]:
    """Coefficients of variation by patient, and by patient and organ."""
    parts = []
    for study in study_features(context):
        note_unknown_patients(context, study)
        refused = standardised_features(study)
        if refused:
            _note_refusal(context, study, refused)
        parts += list(_varying(study, refused))
    return {VARIATION.name: joined(VARIATION, parts)}


def _note_refusal(context: StepContext, study: StudyFeatures, refused: dict[str, str]) -> None:
    reason = max(set(refused.values()), key=list(refused.values()).count)
    first = next(name for name in study.feature if refused.get(name) == reason)
    context.note(
        f"{study.study_id}: no coefficient of variation for {len(refused)} of "
        f"{len(study.feature)} radiomic features ({first}, say): {reason}. sd over a mean of 0 is "
        "no variation but a division by 0. Load the features as they were extracted, before "
        "standardising; distances do not need it."
    )


def _varying(study: StudyFeatures, refused: dict[str, str]) -> Iterator[pa.Table]:
    """One table per feature: patients first, then patients and organs."""
    rows = np.flatnonzero(
        study.is_reference_region & np.asarray([patient is not None for patient in study.patient])
    )
    patients = [str(study.patient[i]) for i in rows]
    places = [(patient, study.organ[i]) for patient, i in zip(patients, rows, strict=True)]
    by_patient = sorted(set(patients))
    by_place = sorted(set(places))
    patient_number = {name: i for i, name in enumerate(by_patient)}
    place_number = {name: i for i, name in enumerate(by_place)}
    of_patient = np.asarray([patient_number[name] for name in patients], dtype=np.int64)
    of_place = np.asarray([place_number[name] for name in places], dtype=np.int64)
    all_organs = [(name, ALL) for name in by_patient]
    for column, feature in enumerate(study.feature):
        values = study.reference[rows, column]
        for group, names in ((of_patient, all_organs), (of_place, by_place)):
            found = variation_within(values, group)
            counts = found.n >= (1 if names is all_organs else 2)
            shown = np.flatnonzero(counts)
            if not shown.size:
                continue
            reason = refused.get(feature)
            cv = np.full(shown.size, np.nan) if reason else found.cv_abs[shown]
            own = [
                reason or (ONE_LESION if found.n[i] < 2 else MEAN_ZERO if np.isnan(x) else None)
                for i, x in zip(shown, found.cv_abs[shown], strict=True)
            ]
            yield _table(study, column, [names[i] for i in shown], cv, found, shown, own)


def _table(
    study: StudyFeatures,
    column: int,
    names: list[tuple[str, str]],
    cv: Any,
    found: Any,
    shown: Any,
    reasons: list[str | None],
) -> pa.Table:
    n = len(names)
    columns = {
        "patient_id": [patient for patient, _ in names],
        "organ": [organ for _, organ in names],
        "feature": [study.feature[column]] * n,
        "study_id": [study.study_id] * n,
        "feature_class": [study.feature_class[column]] * n,
        "cv_abs": cv,
        "n_lesions": found.n[shown],
        "mean": found.mean[shown],
        "sd": found.sd[shown],
        "null_reason": reasons,
    }
    return result_table(VARIATION, columns)
