"""Growth parameters of lesions against each other, their organs, treatments and burden."""

from __future__ import annotations

import pyarrow as pa

from flows.steps.growth_parts.association_tables import (
    BASELINE,
    BY_ORGAN,
    COMPARISON,
    CORRELATION,
    EFFECT,
    TABLES,
)
from warehouse.registry import StepContext, step

COVARIATE = """
SELECT
    parameter, covariate, level, reference, n_lesions, n_reference, effect, standard_error,
    ci_lower, ci_upper, ratio, p_value
FROM analysis.growth_covariate
ORDER BY covariate, parameter, level
"""
RANDOM_EFFECT = """
SELECT x, y, estimate, ci_lower, ci_upper, p_value
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
    writes=tuple(table.doc for table in TABLES),
    settings=("comparisons.correction",),
)
def growth_association(context: StepContext) -> dict[str, pa.Table]:
    """Correlations, tests and effects; empty tables where nothing was fitted."""
    from flows.steps.growth_parts import associations
    from flows.steps.growth_parts.estimated import read_estimated

    found = read_estimated(context)
    if found is None:
        return {table.name: table.of_columns() for table in TABLES}
    correction = context.setting("comparisons.correction")
    covariate = context.frame(COVARIATE)
    organs = covariate[covariate["covariate"] == "organ"]
    return {
        BY_ORGAN.name: BY_ORGAN.of_rows(associations.organ_rows(found)),
        CORRELATION.name: CORRELATION.of_rows(
            associations.correlation_rows(found, organs, context.frame(RANDOM_EFFECT))
        ),
        COMPARISON.name: COMPARISON.of_rows(associations.comparison_rows(found, correction)),
        BASELINE.name: BASELINE.of_rows(associations.baseline_rows(found)),
        EFFECT.name: EFFECT.of_rows(associations.effect_rows(found, covariate, correction)),
    }
