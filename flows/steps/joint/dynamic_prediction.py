"""Survival predicted at landmarks, cross-validated, beside simpler predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from flows.steps.joint.joint import COVARIATES, READS, words_of
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step

if TYPE_CHECKING:
    from flows.steps.joint.parts.fitting import Group
    from flows.steps.joint.parts.prediction_rows import Row
    from flows.steps.joint.parts.reading import Curves

DYNAMIC_PREDICTION = declared("analysis.dynamic_prediction")
DYNAMIC_PREDICTION_METRIC = declared("analysis.dynamic_prediction_metric")
DYNAMIC_CALIBRATION = declared("analysis.dynamic_calibration")
TABLES = (DYNAMIC_PREDICTION, DYNAMIC_PREDICTION_METRIC, DYNAMIC_CALIBRATION)
ENDPOINT = "OS"


@step(
    name="dynamic_prediction",
    reads=READS,
    writes=TABLES,
    settings=(
        "joint.landmarks",
        "joint.horizons",
        "joint.fewest_prediction_events",
        "joint.baseline",
        "joint.covariates",
        "joint.draws",
        "growth.count_baseline",
        "volume.limit_of_quantification_mm3",
        "run.threads",
    ),
)
def dynamic_prediction(context: StepContext) -> dict[str, pa.Table]:
    """Overall survival of each growth fit's patients; a verdict where there are few deaths.

    Raises:
        LesionsError: a setting is no list of days, or names something unknown.
    """
    days, horizons = _days(context, "joint.landmarks"), _days(context, "joint.horizons")
    covariates = words_of(context, "joint.covariates", COVARIATES)
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    if days and horizons:
        from flows.steps.joint.parts.prediction_rows import few_rows
        from flows.steps.joint.parts.reading import Curves, n_deaths_by_fit, read_curves

        fewest = int(context.setting("joint.fewest_prediction_events"))
        n_deaths = n_deaths_by_fit(context)
        enough = {fit_id for fit_id, n in n_deaths.items() if n >= fewest}
        for fit_id, n in n_deaths.items():
            if fit_id not in enough:
                said = f"{n} deaths, {fewest} are needed (joint.fewest_prediction_events)"
                rows[DYNAMIC_PREDICTION_METRIC.name] += few_rows(fit_id, ENDPOINT, said)
                context.note(f"no prediction of survival{_of(fit_id)}: {said}")
        if enough:
            n_draws = int(context.setting("joint.draws"))
            for found in read_curves(context, n_draws, only=enough):
                if isinstance(found, Curves):
                    _of_fit(context, found, days, horizons, covariates, rows)
    return {table.name: context.table(table.name, rows[table.name]) for table in TABLES}


def _of(fit_id: str) -> str:
    subset = fit_id.rpartition("/")[0]
    return "" if subset == "all" else f" of {subset}"


def _days(context: StepContext, setting: str) -> list[float]:
    words = str(context.setting(setting)).split()
    try:
        days = sorted({float(one) for one in words})
    except ValueError:
        days = [-1.0]
    if any(not 0 < one < 36525 for one in days):
        raise LesionsError(
            f"Setting {setting} in lesions.toml is {' '.join(words)!r}. Wanted are days above 0, "
            "separated by spaces."
        )
    return days


def _of_fit(
    context: StepContext,
    curves: Curves,
    days: list[float],
    horizons: list[float],
    covariates: list[str],
    rows: dict[str, list[Row]],
) -> None:
    from flows.steps.joint.parts import prediction_rows as make
    from flows.steps.joint.parts.fitting import Group
    from flows.steps.joint.parts.landmarks import folds_of, predictions
    from flows.steps.joint.parts.reading import read_cohorts, study_of

    cohort = next(iter(read_cohorts(context, curves, [ENDPOINT], covariates)))
    group: Group = Group.of(curves, cohort, context.setting("joint.baseline"))
    folds = folds_of(group, study_of(context, cohort.patients))
    for number, found in enumerate(predictions(context, group, folds, days, horizons)):
        context.progress(40 + 60 * number // len(days), 100, f"day {found.day:g}")
        rows[DYNAMIC_PREDICTION.name] += make.prediction_rows(group, folds, found, horizons)
        for k, window in enumerate(horizons):
            rows[DYNAMIC_PREDICTION_METRIC.name] += make.metric_rows(
                group, found, k, window, context.seed
            )
            rows[DYNAMIC_CALIBRATION.name] += make.calibration_rows(group, found, k, window)
