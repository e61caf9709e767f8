"""Growth of target lesions: a population fit, each lesion's curve, and the events on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.growth.parts.share import Share
from flows.steps.growth.parts.tables import (
    GROWTH_CURVE,
    GROWTH_DROPOUT,
    GROWTH_EXCLUDED,
    GROWTH_FIT,
    GROWTH_INFLUENCE,
    GROWTH_LESION,
    GROWTH_POPULATION,
    GROWTH_TRACE,
    MODELLED_EVENT,
    TABLES,
    empty_tables,
    fit_table,
)
from warehouse.registry import StepContext, step
from warehouse.result_tables import joined

if TYPE_CHECKING:
    from flows.steps.growth.parts.estimates import Fitted
    from flows.steps.growth.parts.fitting import Reporter
    from flows.steps.growth.parts.reading import TargetLesions
    from udfs.growth.data import GrowthDataError

NOT_ANALYSED = """
SELECT coalesce(lesion.exclusion_reason, 'not analysed') AS reason, count(*) AS n
FROM core.lesion AS lesion
INNER JOIN analysis.growth_subset AS membership
    ON coalesce(lesion.patient_id, lesion.lesion_id) = membership.member_id
WHERE lesion.lesion_type = 'target' AND NOT lesion.is_analysed AND membership.subset = '{subset}'
GROUP BY ALL
ORDER BY ALL
"""
LESIONS_OF = """
SELECT lesion.lesion_id
FROM core.lesion AS lesion
INNER JOIN analysis.growth_subset AS membership
    ON coalesce(lesion.patient_id, lesion.lesion_id) = membership.member_id
WHERE lesion.lesion_type = 'target' AND lesion.is_analysed AND membership.subset = '{subset}'
ORDER BY lesion.lesion_id
"""
TOO_SMALL, NO_FIT = "small_subset", "no_fit"
"""Why a lesion is excluded together with all of its subset."""


@step(
    name="growth",
    reads=(
        "core.lesion",
        "core.measurement",
        "core.patient",
        "analysis.lesion_cutoff",
        "analysis.scan",
        "staging.event_rule",
        "analysis.growth_follow_up",
        "analysis.growth_subset",
    ),
    writes=TABLES,
    settings=(
        "growth.model",
        "growth.count_baseline",
        "growth.fewest_lesions",
        "growth.draws",
        "growth.event_baseline",
        "growth.event_horizon_days",
        "rules.censoring",
        "growth.patient_effects",
        "growth.dropout",
        "growth.warm_start",
        "volume.limit_of_quantification_mm3",
        "volume.axis_ratio",
        "run.threads",
    ),
)
def growth(context: StepContext) -> dict[str, pa.Table]:
    """Fits the analysed target lesions of each subset at once; no rows of those it cannot fit."""
    from flows.steps.growth.parts.reading import target_lesions_by_subset

    subsets = target_lesions_by_subset(context)
    if not subsets:
        context.note("no growth model: there are no analysed target lesions")
    parts = [
        _of_subset(context, name, targets, Share(number, len(subsets)))
        for number, (name, targets) in enumerate(subsets.items())
    ]
    context.progress(100, 100)
    return {doc.name: joined(doc, [part[doc.name] for part in parts]) for doc in TABLES}


def _of_subset(
    context: StepContext, name: str, targets: TargetLesions | GrowthDataError, share: Share
) -> dict[str, pa.Table]:
    """Tables of one subset; where it cannot be fitted its lesions are excluded with the reason."""
    from numpy.linalg import LinAlgError

    from udfs.growth.data import GrowthDataError

    fewest = int(context.setting("growth.fewest_lesions"))
    try:
        if isinstance(targets, GrowthDataError):
            raise targets
        usable = 0 if targets.data is None else targets.data.n_lesions
        if usable >= fewest:
            return _analysed(context, name, targets, share)
        reason_id = TOO_SMALL
        reason = f"{usable} target lesions can be used, growth.fewest_lesions asks for {fewest}"
        why = _why_not(context, name, targets)
    except GrowthDataError as error:
        reason_id, reason, why = NO_FIT, str(error), ""
    except LinAlgError as error:
        reason_id, why = NO_FIT, ""
        reason = f"the measurements do not identify the model: {error} during the fit"
    context.note(f"no growth model{_of(name)}: {reason}{why}")
    return {**empty_tables(), **_not_fitted(context, name, reason_id, reason)}


def _of(subset: str) -> str:
    return "" if subset == "all" else f" of {subset}"


def _not_fitted(
    context: StepContext, subset: str, reason_id: str, reason: str
) -> dict[str, pa.Table]:
    """Every analysed target lesion of a subset without a fit, as excluded."""
    lesions = context.frame(LESIONS_OF.format(subset=subset.replace("'", "''")))["lesion_id"]
    columns = {
        "fit_id": [f"{subset}/{context.setting('growth.model')}"] * len(lesions),
        "lesion_id": lesions.tolist(),
        "reason_id": [reason_id] * len(lesions),
        "reason": [f"the subset has no fit: {reason}"] * len(lesions),
    }
    return {GROWTH_EXCLUDED.name: fit_table(GROWTH_EXCLUDED, columns)}


def _why_not(context: StepContext, subset: str, targets: TargetLesions) -> str:
    """The commonest reasons why target lesions cannot be used, in words; empty without any."""
    from collections import Counter

    from udfs.growth.check_data import REASONS

    sql = NOT_ANALYSED.format(subset=subset.replace("'", "''"))
    reasons = Counter(dict(context.frame(sql).itertuples(index=False)))
    if targets.data is not None:
        reasons.update(REASONS[str(one)] for one in targets.data.set_aside.reason_id)
    shown = [f"{count}: {reason.rstrip('.')}" for reason, count in reasons.most_common(3)]
    return f". Not used are {'; '.join(shown)}" if shown else ""


def _analysed(
    context: StepContext, subset: str, targets: TargetLesions, share: Share
) -> dict[str, pa.Table]:
    from flows.steps.growth.parts import estimates
    from flows.steps.growth.parts.curves import curve_rows
    from flows.steps.growth.parts.fitting import Reporter, fitted

    assert targets.data is not None  # checked by the caller
    told = Reporter(context, share, subset)
    found = fitted(context, told, subset, targets, targets.data)
    excluded = targets.excluded(found.fit)
    _say(context, found, excluded)
    return {
        GROWTH_FIT.name: estimates.fit_rows(
            found, len(excluded), bool(context.setting("growth.count_baseline"))
        ),
        GROWTH_POPULATION.name: estimates.population_rows(found),
        GROWTH_DROPOUT.name: estimates.dropout_rows(found),
        GROWTH_TRACE.name: estimates.trace_rows(found),
        GROWTH_LESION.name: estimates.lesion_rows(found),
        GROWTH_EXCLUDED.name: estimates.excluded_rows(found, excluded),
        GROWTH_INFLUENCE.name: estimates.influence_rows(found),
        GROWTH_CURVE.name: curve_rows(found),
        MODELLED_EVENT.name: _events(context, found, told),
    }


def _events(context: StepContext, found: Fitted, told: Reporter) -> pa.Table:
    """Events on the curves; none where the model is not the one their formulae are of."""
    from flows.steps.growth.parts.events import end_of_observation, event_rows, read_rules
    from flows.steps.growth.parts.fitting import AFTER_DRAWS

    if not found.has_two_populations:
        context.note(
            f"no modelled events: they need a two_population model, not {found.model_name}"
        )
        return fit_table(MODELLED_EVENT)
    return event_rows(
        found,
        end_of_observation(context, found.lesions),
        read_rules(context),
        float(context.setting("volume.axis_ratio")),
        str(context.setting("growth.event_baseline")),
        lambda: told.at(AFTER_DRAWS, "events"),
    )


def _say(context: StepContext, found: Fitted, excluded: list[tuple[str, str, str]]) -> None:
    from udfs.growth.kernels import FEWEST_LESIONS, has_numba

    fit = found.fit
    context.note(
        f"growth of {fit.n_lesions} target lesions{_of(found.subset)} ({len(excluded)} set aside), "
        f"{fit.n_observations} measurements, {fit.n_censored} of them below the limit; "
        f"{found.verdict}"
    )
    if fit.n_lesions >= FEWEST_LESIONS and not has_numba():
        context.note(
            f"growth{_of(found.subset)}: Numba is not installed; the fit took several times as "
            "long, and its last digits are those of NumPy"
        )
    for note in fit.problem.data.notes:
        context.note(note if found.subset == "all" else f"{found.subset}: {note}")
