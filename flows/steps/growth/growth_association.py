"""Growth parameters of lesions against each other, their organs, treatments and burden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.growth.parts.association_tables import (
    BASELINE,
    BASELINE_ORGAN,
    BY_ORGAN,
    COMPARISON,
    CORRELATION,
    EFFECT,
    TABLES,
)
from flows.steps.growth.parts.tables import fit_table
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    import pandas as pd

COVARIATE = """
SELECT
    fit_id, parameter, covariate, level, reference, n_lesions, n_reference, effect, standard_error,
    ci_lower, ci_upper, ratio, p_value
FROM analysis.growth_covariate
ORDER BY covariate, parameter, level
"""
RANDOM_EFFECT = """
SELECT fit_id, x, y, estimate, ci_lower, ci_upper, p_value
FROM analysis.growth_random_effect
WHERE extension = 'correlated' AND x IS NOT NULL
ORDER BY parameter
"""


@step(
    name="growth_association",
    reads=(
        "core.lesion",
        "core.patient",
        "analysis.growth_lesion_parameter",
        "analysis.growth_draw",
        "analysis.growth_covariate",
        "analysis.growth_random_effect",
        "analysis.patient_profile",
    ),
    writes=TABLES,
    settings=("comparisons.correction",),
)
def growth_association(context: StepContext) -> dict[str, pa.Table]:
    """Correlations, tests and effects; empty tables where nothing was fitted."""
    from flows.steps.growth.parts import associations
    from flows.steps.growth.parts.estimated import read_estimated

    correction = context.setting("comparisons.correction")
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
    for found in read_estimated(context):
        covariate = _of_fit(context.frame(COVARIATE), found.fit_id)
        organs = covariate[covariate["covariate"] == "organ"]
        effects = _of_fit(context.frame(RANDOM_EFFECT), found.fit_id)
        rows[BY_ORGAN.name] += associations.organ_rows(found)
        rows[CORRELATION.name] += associations.correlation_rows(found, organs, effects)
        rows[COMPARISON.name] += associations.comparison_rows(found, correction)
        over_organs, points = associations.organ_baseline_rows(found)
        rows[BASELINE.name] += associations.baseline_rows(found) + over_organs
        rows[BASELINE_ORGAN.name] += points
        rows[EFFECT.name] += associations.effect_rows(found, covariate, correction)
    return {table.name: fit_table(table, rows[table.name]) for table in TABLES}


def _of_fit(rows: pd.DataFrame, fit_id: str) -> pd.DataFrame:
    return rows[rows["fit_id"] == fit_id].reset_index(drop=True)
