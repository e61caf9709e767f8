"""Larger growth models from a published fit: covariates, correlated random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.growth.parts.covariate_tables import (
    COVARIATE,
    COVARIATE_TEST,
    EXTENDED_FIT,
    RANDOM_EFFECT,
    TABLES,
)
from flows.steps.growth.parts.tables import fit_table
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    from flows.steps.growth.parts.extensions import Extended, Row
    from flows.steps.growth.parts.rebuilt import Rebuilt

COVARIATES = {
    "organ": "lesion.organ",
    "therapy": "profile.therapy",
    "targeting": "profile.targeting",
    "treatment": "profile.treatment",
    "treatment_class": "profile.treatment_class",
    "line_of_therapy": "patient.line_of_therapy",
    "kras_status": "profile.kras_status",
    "race": "patient.race",
    "sex": "patient.sex",
    "prior_surgery": "patient.prior_surgery",
    "study_id": "lesion.study_id",
}
"""Setting -> column."""
ALONE = "chemotherapy alone"
LESIONS = f"""
SELECT
    lesion.lesion_id,
    {", ".join(f"{column} AS {name}" for name, column in COVARIATES.items())}
FROM core.lesion AS lesion
LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN analysis.patient_profile AS profile ON lesion.patient_id = profile.patient_id
ORDER BY lesion.lesion_id
"""
MODES = """
SELECT lesion_id, parameter, gaussian_value
FROM analysis.growth_lesion_parameter
WHERE estimate_kind = 'conditional_mode'
ORDER BY lesion_id, parameter
"""
FEWEST_SHARE = 3
"""A level has at least growth.fewest_lesions over this."""


@step(
    name="growth_covariate",
    reads=(
        "core.lesion",
        "core.measurement",
        "core.patient",
        "analysis.lesion_cutoff",
        "analysis.growth_fit",
        "analysis.growth_subset",
        "analysis.growth_population",
        "analysis.growth_lesion_parameter",
        "analysis.patient_profile",
    ),
    writes=TABLES,
    settings=(
        "growth.count_baseline",
        "growth.covariates",
        "growth.correlated",
        "growth.fewest_lesions",
        "comparisons.correction",
        "volume.limit_of_quantification_mm3",
        "run.threads",
    ),
)
def growth_covariate(context: StepContext) -> dict[str, pa.Table]:
    """Extends each published fit; empty tables where nothing was fitted or asked for.

    Raises:
        LesionsError: growth.covariates names something else than covariates.
    """
    names = _names(context)
    is_correlated = bool(context.setting("growth.correlated"))
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    if names or is_correlated:
        from flows.steps.growth.parts.rebuilt import rebuild

        for found in rebuild(context, modes=context.frame(MODES)):
            context.progress(30, 100, found.fit_id)
            if names:
                _with_covariates(context, found, names, rows)
            context.progress(70, 100, found.fit_id)
            if is_correlated:
                _correlated(context, found, rows)
    return {table.name: fit_table(table, rows[table.name]) for table in TABLES}


def _names(context: StepContext) -> list[str]:
    names = list(dict.fromkeys(str(context.setting("growth.covariates")).split()))
    unknown = [name for name in names if name not in COVARIATES]
    if unknown:
        raise LesionsError(
            f"Setting growth.covariates in lesions.toml names {unknown[0]!r}, which is no "
            f"covariate. Possible, separated by spaces: {', '.join(COVARIATES)}."
        )
    return names


def _with_covariates(
    context: StepContext, found: Rebuilt, names: list[str], rows: dict[str, list[Row]]
) -> None:
    from dataclasses import replace

    import numpy as np

    from flows.steps.growth.parts import extensions
    from flows.steps.growth.parts.rebuilt import as_text
    from udfs.growth.data import GrowthDataError
    from udfs.growth.effects import likelihood_ratios
    from udfs.growth.restore import extend_fit

    data = found.fit.problem.data
    frame = context.frame(LESIONS).set_index("lesion_id").loc[data.lesion]
    fewest = max(int(context.setting("growth.fewest_lesions")) // FEWEST_SHARE, 2)
    words = {name: extensions.joined_levels(as_text(frame[name]), fewest) for name in names}
    fitted = np.sort(found.fit.problem.order)
    used = [name for name in names if len(np.unique(words[name][fitted])) > 1]
    for name in names:
        if name not in used:
            context.note(
                f"growth{_of(found)}: {name} is the same for all lesions that count, no covariate"
            )
    if not used:
        return
    references = {
        name: ALONE
        for name in used
        if name in ("therapy", "targeting") and ALONE in words[name][fitted]
    }
    try:
        fit = extend_fit(
            found.fit,
            data=replace(data, covariates={name: words[name] for name in used}),
            covariates=dict.fromkeys(found.fit.parameter_names, tuple(used)),
            references=references,
            seed=context.seed,
            threads=found.threads,
        )
    except (GrowthDataError, np.linalg.LinAlgError) as error:
        context.note(f"no growth model{_of(found)} with covariates: {error}")
        return
    extended = extensions.Extended.of("covariates", fit, found.cluster)
    ratio, *ratios = likelihood_ratios(fit, [None, *used], seed=context.seed, threads=found.threads)
    correction = context.setting("comparisons.correction")
    rows[EXTENDED_FIT.name].append(extensions.fit_row(found, extended, ratio))
    rows[COVARIATE.name] += extensions.covariate_rows(found, extended, correction)
    rows[COVARIATE_TEST.name] += extensions.test_rows(found, extended, ratios)
    rows[RANDOM_EFFECT.name] += extensions.random_effect_rows(found, extended, ratio)
    _say(context, found, extended)


def _correlated(context: StepContext, found: Rebuilt, rows: dict[str, list[Row]]) -> None:
    from flows.steps.growth.parts import extensions
    from udfs.growth.effects import correlation_ratio
    from udfs.growth.restore import extend_fit

    if len(found.fit.parameter_names) < 2:
        return
    fit = extend_fit(found.fit, omega="full", seed=context.seed, threads=found.threads)
    extended = extensions.Extended.of("correlated", fit, found.cluster)
    ratio = correlation_ratio(fit, seed=context.seed, threads=found.threads)
    rows[EXTENDED_FIT.name].append(extensions.fit_row(found, extended, ratio))
    rows[RANDOM_EFFECT.name] += extensions.random_effect_rows(found, extended, ratio)
    _say(context, found, extended)


def _of(found: Rebuilt) -> str:
    return "" if found.subset == "all" else f" of {found.subset}"


def _say(context: StepContext, found: Rebuilt, extended: Extended) -> None:
    from flows.steps.growth.parts.extensions import is_converged

    if not is_converged(extended.fit):
        context.note(
            f"growth model{_of(found)} with extension {extended.extension}: not exact to a fifth "
            "of a standard error; see largest_mc_share and newton_decrement in "
            "analysis.growth_extended_fit"
        )
