"""Joint models of lesions' growth and their patients' survival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.joint.parts.tables import (
    JOINT_CHECK,
    JOINT_EXCLUDED,
    JOINT_FIT,
    JOINT_FRAILTY,
    JOINT_LINK,
    JOINT_MODEL,
    JOINT_PARAMETER,
    JOINT_RESIDUAL,
    TABLES,
    TGI_METRIC,
    TGI_SURVIVAL,
)
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    from flows.steps.joint.parts.reading import Curves
    from flows.steps.joint.parts.rows import Row

READS = (
    "core.lesion",
    "core.measurement",
    "core.patient",
    "analysis.lesion_cutoff",
    "analysis.growth_fit",
    "analysis.growth_subset",
    "analysis.growth_population",
    "analysis.growth_lesion_parameter",
    "analysis.patient_endpoint",
    "analysis.patient_profile",
)
"""What the curves and the cohort of a joint model are read from."""
ENDPOINTS = ("OS", "PFS")
LINKS = ("organ", "value", "slope", "ttg", "kg", "shared")
COVARIATES = (
    "therapy",
    "targeting",
    "treatment",
    "treatment_class",
    "line_of_therapy",
    "kras_status",
    "race",
    "sex",
    "prior_surgery",
    "study_id",
)


@step(
    name="joint",
    reads=READS,
    writes=TABLES,
    settings=(
        "joint.links",
        "joint.endpoints",
        "joint.baseline",
        "joint.covariates",
        "joint.draws",
        "growth.count_baseline",
        "volume.limit_of_quantification_mm3",
        "run.threads",
    ),
)
def joint(context: StepContext) -> dict[str, pa.Table]:
    """Every link with every endpoint of each growth fit; empty tables where none is asked for.

    Raises:
        LesionsError: a setting names something unknown.
    """
    links = words_of(context, "joint.links", LINKS)
    endpoints = words_of(context, "joint.endpoints", ENDPOINTS)
    covariates = words_of(context, "joint.covariates", COVARIATES)
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    if links and endpoints:
        from flows.steps.joint.parts import rows as make
        from flows.steps.joint.parts.reading import Curves, read_curves

        plan = _plan(context)
        for found in read_curves(context, int(context.setting("joint.draws"))):
            if isinstance(found, Curves):
                _of_fit(context, found, endpoints, links, covariates, rows)
                continue
            reason = f"links need kg, kd and F of the two-population model, not {found.fit_id}"
            rows[JOINT_FIT.name] += make.refused_rows(
                found, endpoints, links, ("wrong_model", reason), plan
            )
    return {table.name: context.table(table.name, rows[table.name]) for table in TABLES}


def words_of(context: StepContext, setting: str, known: tuple[str, ...]) -> list[str]:
    """The words of a setting, each once.

    Raises:
        LesionsError: one of them is not known.
    """
    names = list(dict.fromkeys(str(context.setting(setting)).split()))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LesionsError(
            f"Setting {setting} in lesions.toml names {unknown[0]!r}. Possible, separated by "
            f"spaces: {', '.join(known)}."
        )
    return names


def _plan(context: StepContext) -> Row:
    return {
        "baseline": str(context.setting("joint.baseline")),
        "n_draws": 2 * -(-int(context.setting("joint.draws")) // 2),
        "seed": context.seed,
    }


def _of_fit(
    context: StepContext,
    curves: Curves,
    endpoints: list[str],
    links: list[str],
    covariates: list[str],
    rows: dict[str, list[Row]],
) -> None:
    from flows.steps.joint.parts import rows as make
    from flows.steps.joint.parts import tgi_rows
    from flows.steps.joint.parts.fitting import Group, attempts_of, best_of
    from flows.steps.joint.parts.reading import read_cohorts

    plan = _plan(context)
    rows[TGI_METRIC.name] += tgi_rows.metric_rows(curves)
    for number, cohort in enumerate(read_cohorts(context, curves, endpoints, covariates)):
        context.progress(30 + 70 * number // len(endpoints), 100, cohort.endpoint)
        rows[JOINT_EXCLUDED.name] += make.excluded_rows(curves.rebuilt, cohort)
        if cohort.events.n == 0:
            reason = ("no_follow_up", "no patient with lesions has a time after the first dose")
            rows[JOINT_FIT.name] += make.refused_rows(
                curves.rebuilt, [cohort.endpoint], links, reason, plan
            )
            continue
        group = Group.of(curves, cohort, plan["baseline"])
        regressed, why_not = tgi_rows.survival_rows(group)
        rows[TGI_SURVIVAL.name] += regressed
        if why_not:
            context.note(f"{cohort.endpoint} regressed on growth rates: {why_not}")
        attempts = attempts_of(group, links)
        best = best_of(attempts)
        rows[JOINT_FIT.name] += make.fit_rows(attempts, best, plan)
        for one in attempts:
            rows[JOINT_PARAMETER.name] += make.parameter_rows(one)
            rows[JOINT_LINK.name] += make.link_rows(one, one is best)
        if best is not None:
            rows[JOINT_FRAILTY.name] += make.frailty_rows(best)
            rows[JOINT_RESIDUAL.name] += make.residual_rows(best)
            rows[JOINT_CHECK.name] += make.check_rows(best, context.seed)
            limit = float(context.setting("volume.limit_of_quantification_mm3"))
            rows[JOINT_MODEL.name].append(make.model_row(best, curves.estimates, limit, plan))
        said = best.verdict if best else attempts[-1].verdict
        which = f"{best.link}, {said}" if best else said
        context.note(f"joint model of growth and {cohort.endpoint}: {which}")
