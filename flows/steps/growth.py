"""Growth of target lesions: a population fit, each lesion's curve, and the events on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.growth_parts.tables import (
    GROWTH_CURVE,
    GROWTH_DROPOUT,
    GROWTH_EXCLUDED,
    GROWTH_FIT,
    GROWTH_INFLUENCE,
    GROWTH_LESION,
    GROWTH_POPULATION,
    MODELLED_EVENT,
    TABLES,
    empty_tables,
    make_table,
)
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    from flows.steps.growth_parts.estimates import Fitted
    from flows.steps.growth_parts.reading import TargetLesions

NOT_ANALYSED = """
SELECT coalesce(exclusion_reason, 'not analysed') AS reason, count(*) AS n
FROM core.lesion
WHERE lesion_type = 'target' AND NOT is_analysed
GROUP BY ALL
ORDER BY ALL
"""


@step(
    name="growth",
    reads=(
        "core.lesion",
        "core.measurement",
        "core.patient",
        "analysis.local_treatment",
        "staging.event_rule",
        "analysis.growth_follow_up",
    ),
    writes=TABLES,
    settings=(
        "growth.model",
        "growth.count_baseline",
        "growth.fewest_lesions",
        "growth.draws",
        "growth.event_baseline",
        "growth.patient_effects",
        "growth.dropout",
        "growth.warm_start",
        "volume.limit_of_quantification_mm3",
        "volume.axis_ratio",
        "run.threads",
    ),
)
def growth(context: StepContext) -> dict[str, pa.Table]:
    """Fits the analysed target lesions of a project at once; empty tables where it cannot."""
    from flows.steps.growth_parts.reading import read_target_lesions
    from udfs.growth.data import GrowthDataError

    fewest = int(context.setting("growth.fewest_lesions"))
    try:
        targets = read_target_lesions(context)
        usable = 0 if targets.data is None else targets.data.n_lesions
        if usable < fewest:
            context.note(
                f"no growth model: {usable} target lesions can be used, growth.fewest_lesions "
                f"asks for {fewest}{_why_not(context, targets)}"
            )
            return empty_tables()
        return _analysed(context, targets)
    except GrowthDataError as error:
        context.note(f"no growth model: {error}")
        return empty_tables()


def _why_not(context: StepContext, targets: TargetLesions) -> str:
    """The commonest reasons why target lesions cannot be used, in words; empty without any."""
    from collections import Counter

    from udfs.growth.data import REASONS

    reasons = Counter(dict(context.frame(NOT_ANALYSED).itertuples(index=False)))
    if targets.data is not None:
        reasons.update(REASONS[str(one)] for one in targets.data.set_aside.reason_id)
    shown = [f"{count}: {reason.rstrip('.')}" for reason, count in reasons.most_common(3)]
    return f". Not used are {'; '.join(shown)}" if shown else ""


def _analysed(context: StepContext, targets: TargetLesions) -> dict[str, pa.Table]:
    from flows.steps.growth_parts import estimates
    from flows.steps.growth_parts.curves import curve_rows
    from flows.steps.growth_parts.fitting import fitted

    assert targets.data is not None  # checked by the step
    found = fitted(context, targets, targets.data)
    excluded = targets.excluded(found.fit)
    _say(context, found, excluded)
    tables = {
        GROWTH_FIT.name: estimates.fit_rows(
            found, len(excluded), bool(context.setting("growth.count_baseline"))
        ),
        GROWTH_POPULATION.name: estimates.population_rows(found),
        GROWTH_DROPOUT.name: estimates.dropout_rows(found),
        GROWTH_LESION.name: estimates.lesion_rows(found),
        GROWTH_EXCLUDED.name: estimates.excluded_rows(found, excluded),
        GROWTH_INFLUENCE.name: estimates.influence_rows(found),
        GROWTH_CURVE.name: curve_rows(found),
        MODELLED_EVENT.name: _events(context, found),
    }
    context.progress(100, 100)
    return tables


def _events(context: StepContext, found: Fitted) -> pa.Table:
    """Events on the curves; none where the model is not the one their formulae are of."""
    from flows.steps.growth_parts.events import event_rows, read_rules
    from flows.steps.growth_parts.fitting import AFTER_DRAWS

    if not found.has_two_populations:
        context.note(
            f"no modelled events: they need a two_population model, not {found.model_name}"
        )
        return make_table(MODELLED_EVENT)
    return event_rows(
        found,
        read_rules(context),
        float(context.setting("volume.axis_ratio")),
        str(context.setting("growth.event_baseline")),
        lambda: context.progress(AFTER_DRAWS, 100, "events"),
    )


def _say(context: StepContext, found: Fitted, excluded: list[tuple[str, str, str]]) -> None:
    fit = found.fit
    context.note(
        f"growth of {fit.n_lesions} target lesions ({len(excluded)} set aside), "
        f"{fit.n_observations} measurements, {fit.n_censored} of them below the limit; "
        f"{found.verdict}"
    )
    for note in fit.problem.data.notes:
        context.note(note)
