"""Response phases of patients of whom only the sum of diameters is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from flows.steps.heterogeneity.response_phase import (
    PHASE_SETTINGS,
    phase_columns,
    phase_rules,
)
from udfs.heterogeneity.phases import BASELINE_ZERO, NO_LATER_SCAN, response_phases
from warehouse.declarations import declared
from warehouse.registry import StepContext, step

REASONS = {
    NO_LATER_SCAN: "no sum after baseline",
    BASELINE_ZERO: "sum of 0 at baseline",
}
SUMS = """
WITH only_sum AS (
    SELECT
        stated.patient_id,
        stated.day,
        stated.sum_of_diameters_mm,
        max(stated.day) FILTER (
            WHERE stated.day <= {latest_day}
        ) OVER (PARTITION BY stated.patient_id) AS last_before_treatment,
        min(stated.day) OVER (PARTITION BY stated.patient_id) AS first_day
    FROM analysis.stated_sum AS stated
    LEFT JOIN analysis.patient_phase AS phase ON stated.patient_id = phase.patient_id
    WHERE phase.patient_id IS NULL
)

SELECT
    patient_id,
    CAST(day AS DOUBLE) AS day,
    sum_of_diameters_mm
FROM only_sum
WHERE day >= coalesce(last_before_treatment, first_day)
ORDER BY patient_id, day
"""

STATED_SUM_PHASE = declared("analysis.stated_sum_phase")


@step(
    name="stated_sum_phase",
    reads=("analysis.stated_sum", "analysis.patient_phase"),
    writes=(STATED_SUM_PHASE,),
    settings=(*PHASE_SETTINGS, "baseline.latest_day"),
)
def stated_sum_phase(context: StepContext) -> dict[str, pa.Table]:
    """Phases of every sum that stands without lesions.

    Raises:
        LesionsError: a setting is out of range.
    """
    sums = context.arrow(SUMS.format(latest_day=int(context.setting("baseline.latest_day"))))
    patient = np.asarray(sums["patient_id"].to_pylist(), dtype=object)
    first = np.flatnonzero(np.concatenate(([True], patient[1:] != patient[:-1]))[: patient.size])
    offsets = np.append(first, patient.size)
    size = sums["sum_of_diameters_mm"].to_numpy()
    phases = response_phases(sums["day"].to_numpy(), size, offsets, **phase_rules(context))
    reasons = [REASONS.get(status) for status in phases.status.tolist()]
    return {
        STATED_SUM_PHASE.name: context.table(
            STATED_SUM_PHASE.name,
            {
                "patient_id": sums["patient_id"].take(pa.array(first)),
                **phase_columns(phases),
                "n_scans": pa.array(np.diff(offsets)),
                "baseline_sum_mm": pa.array(size[first]),
                "exclusion_reason": pa.array(reasons, type=pa.string()),
            },
        )
    }
