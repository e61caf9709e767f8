"""A published growth fit against its measurements: residuals, predictive check, draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.growth.parts.check_tables import (
    DRAW,
    FIT_CHECK,
    LESION_PARAMETER,
    RESIDUAL,
    TABLES,
    VPC,
)
from warehouse.registry import StepContext, step
from warehouse.result_tables import joined

if TYPE_CHECKING:
    from flows.steps.growth.parts.rebuilt import Rebuilt

STRATA = {
    "none": (),
    "treatment_class": ("treatment_class",),
    "organ": ("organ",),
    "both": ("treatment_class", "organ"),
}
NPDE_NODES = 448
MODES = """
UNPIVOT (
    SELECT lesion_id, ln(kg_per_day) AS kg, ln(kd_per_day) AS kd, ln(f) - ln(1 - f) AS f
    FROM analysis.growth_lesion
    WHERE estimate_kind = 'conditional_mode' AND f > 0 AND f < 1
    ORDER BY lesion_id
)
ON kg, kd, f
INTO NAME parameter VALUE gaussian_value
"""
"""Of models with kg, kd and F; others are sought anew."""


@step(
    name="growth_check",
    reads=(
        "core.lesion",
        "core.measurement",
        "core.patient",
        "analysis.lesion_cutoff",
        "staging.event_rule",
        "analysis.growth_dropout",
        "analysis.growth_fit",
        "analysis.growth_follow_up",
        "analysis.growth_lesion",
        "analysis.growth_population",
        "analysis.growth_subset",
        "analysis.visit_response",
    ),
    writes=TABLES,
    settings=(
        "growth.count_baseline",
        "growth.check_strata",
        "growth.vpc_simulations",
        "growth.pooled_draws",
        "volume.axis_ratio",
        "volume.limit_of_quantification_mm3",
        "run.threads",
    ),
)
def growth_check(context: StepContext) -> dict[str, pa.Table]:
    """Checks each fit without refitting; empty tables where nothing was fitted."""
    from flows.steps.growth.parts.rebuilt import rebuild

    parts = [_checked(context, found) for found in rebuild(context, modes=context.frame(MODES))]
    context.progress(100, 100)
    return {table.name: joined(table, [part[table.name] for part in parts]) for table in TABLES}


def _checked(context: StepContext, found: Rebuilt) -> dict[str, pa.Table]:
    from flows.steps.growth.parts import checks
    from udfs.growth.individual import conditional_draws
    from udfs.growth.marginal import population_scores, row_uniforms
    from udfs.growth.modes import conditional_modes
    from udfs.growth.npde import prediction_errors
    from udfs.growth.residuals import residuals
    from udfs.growth.restore import nearest_modes

    fit, seed, threads = found.fit, context.seed, found.threads
    context.progress(50, 100, found.fit_id)
    if found.near is None:
        modes = conditional_modes(fit, threads=threads)
    else:
        modes = nearest_modes(fit, found.near, threads=threads)
    draws = conditional_draws(
        fit, int(context.setting("growth.pooled_draws")), seed=seed, threads=threads
    )
    context.progress(75, 100, found.fit_id)
    uniform = row_uniforms(fit, seed)
    errors = prediction_errors(fit, n_nodes=NPDE_NODES, seed=seed, uniform=uniform, threads=threads)
    scores = residuals(fit, modes, draws, errors, uniform=uniform)
    population = population_scores(fit, uniform, seed=seed)
    rows = checks.row_lesions(found, scores)
    strata = checks.strata_of(rows, STRATA[str(context.setting("growth.check_strata"))])
    context.progress(85, 100, found.fit_id)
    return {
        RESIDUAL.name: checks.residual_rows(found, scores, population, rows),
        VPC.name: checks.vpc_rows(found, checks.simulated_checks(context, found, scores, strata)),
        FIT_CHECK.name: checks.fit_check_rows(found, scores, population, strata),
        LESION_PARAMETER.name: checks.parameter_rows(found, modes),
        DRAW.name: checks.draw_rows(found, draws),
    }
