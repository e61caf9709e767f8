"""How lesions had responded up to the landmark of survival: what groups may be made of then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from flows.steps.heterogeneity.gower import GOWER_SETTINGS, VARIABLES, gower_distances
from flows.steps.heterogeneity.organ_phase import LESIONS, ORGAN_SETTINGS, Scans, organ_sums
from flows.steps.heterogeneity.response_phase import phase_rules
from udfs.heterogeneity.phases import response_phases
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

LANDMARK_GOWER = declared("analysis.landmark_gower")
LANDMARK_ORGAN = declared("analysis.landmark_organ")


@step(
    name="landmark_response",
    reads=(
        "core.lesion",
        "core.measurement",
        "analysis.lesion_phase",
        "analysis.lesion_cutoff",
        "analysis.pooled_organ",
    ),
    writes=(LANDMARK_GOWER, LANDMARK_ORGAN),
    settings=("survival.landmark_days", *ORGAN_SETTINGS, *GOWER_SETTINGS),
)
def landmark_response(context: StepContext) -> dict[str, pa.Table]:
    """Gower distances and shrinkage of organs from the scans up to the landmark.

    Raises:
        LesionsError: a setting is out of range.
    """
    landmark = float(context.setting("survival.landmark_days"))
    lesions = context.arrow(LESIONS)
    scans = Scans.read(context, lesions.num_rows, until=landmark)
    phases = response_phases(scans.day, scans.diameter, scans.offsets, **phase_rules(context))
    patient = lesions["patient_index"].to_numpy().astype(np.int64)
    counted = phases.is_evaluable & (patient >= 0)
    values = {name: getattr(phases, name) for name in VARIABLES}
    group = np.where(counted, patient, -1)
    _, means = gower_distances(context, values, group)
    known = ~np.isnan(means.group_mean)
    _, rows = np.unique(patient, return_index=True)
    first = dict(zip(patient[rows].tolist(), rows.tolist(), strict=True))
    at = [first[index] for index in means.group[known].tolist()]
    sums = organ_sums(context, lesions, counted, phases.nadir_ratio, scans)
    is_unknown = ~sums.phases.is_evaluable
    return {
        LANDMARK_GOWER.name: context.table(
            LANDMARK_GOWER.name,
            {
                "patient_id": lesions["patient_id"].take(pa.array(at, type=pa.int64())),
                "landmark_days": np.full(len(at), landmark),
                "n_lesions": pa.array(means.n_rows[known]),
                "gower_distance": pa.array(means.group_mean[known]),
            },
        ),
        LANDMARK_ORGAN.name: context.table(
            LANDMARK_ORGAN.name,
            {
                "patient_id": sums.patient_id,
                "organ_set": pa.array(sums.sets, type=pa.string()),
                "is_complement": pa.array([s.startswith("not ") for s in sums.sets], pa.bool_()),
                "landmark_days": np.full(len(sums.sets), landmark),
                "n_lesions": pa.array(sums.series.n_lesions),
                "nadir_ratio": pa.array(sums.phases.nadir_ratio, mask=is_unknown),
                "is_shrunk": pa.array(sums.is_shrunk, mask=is_unknown),
            },
        ),
    }
