"""Prediction of the progression cluster at baseline (Zhou 2023, Fig. S11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.progression.parts import NO_PROGRESSION
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from udfs.progression.prediction import Features, Parameters, Split

PREDICTION = declared("analysis.progression_prediction")
PROBABILITY = declared("analysis.progression_prediction_probability")
METRIC = declared("analysis.progression_prediction_metric")
SPLIT = declared("analysis.progression_prediction_split")
CALIBRATION = declared("analysis.progression_prediction_calibration")
CURVE = declared("analysis.progression_prediction_curve")
IMPORTANCE = declared("analysis.progression_prediction_importance")
MODEL = declared("analysis.progression_model")
TABLES = (PREDICTION, PROBABILITY, METRIC, SPLIT, CALIBRATION, CURVE, IMPORTANCE, MODEL)


CLASSES = """
SELECT patient_id, subset, cluster_name
FROM analysis.progression_cluster
WHERE subset = 'all' OR (subset LIKE 'tumor type %' AND subset NOT LIKE '%, hetero-organ')
ORDER BY subset, patient_id
"""
BOOSTING, LOGISTIC = "gradient boosting", "logistic regression"
FOLDS, TRIALS = "stratified folds", "trial left out"
TOGETHER = {FOLDS: FOLDS, TRIALS: "trials left out"}

SETTINGS = (
    "prediction.grid_search",
    "prediction.folds",
    "prediction.no_progression",
    "prediction.fewest_patients",
    "prediction.iterations",
    "prediction.learning_rate",
    "prediction.leaves",
    "prediction.resamples",
)
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class _Task:
    """What is to be predicted in one subset."""

    subset: str
    patients: pd.DataFrame
    features: Features
    classes: list[str]
    label: np.ndarray


@step(
    name="progression_prediction",
    reads=(
        "analysis.baseline_feature",
        "analysis.baseline_organ",
        "analysis.progression_cluster",
    ),
    writes=TABLES,
    settings=SETTINGS,
)
def progression_prediction(context: StepContext) -> dict[str, pa.Table]:
    """Out-of-fold predictions, what they are worth, and a model of all patients."""
    from flows.libraries import load_scikit_learn

    rows: Rows = {table.name: [] for table in TABLES}
    tasks = _tasks(context)
    if tasks:
        load_scikit_learn()
    for task in tasks:
        _say_fewer_folds(context, task)
        held_back = _held_back(task, context.setting("prediction.folds"), context.seed)
        total, done = 2 * sum(len(sets) for sets in held_back.values()), [0]

        def one_more(total: int = total, done: list[int] = done) -> None:
            done[0] += 1
            context.progress(done[0], total)

        for scheme, sets in held_back.items():
            for model in (BOOSTING, LOGISTIC):
                probability, splits = _validate(context, task, model, sets, one_more)
                _add_predictions(rows, task, model, scheme, probability, splits)
                _add_metrics(context, rows, task, model, scheme, probability, splits)
                _add_splits(rows, task, model, splits, context.setting("prediction.grid_search"))
                if scheme == FOLDS and model == BOOSTING:
                    _add_importance(rows, task, splits, context.seed)
        _add_model(context, rows, task, _of_all(context, task))
    return {table.name: context.table(table.name, rows[table.name]) for table in TABLES}


def _tasks(context: StepContext) -> list[_Task]:
    """Subsets with clusters and enough patients in two classes of them."""
    import numpy as np

    from flows.steps.progression.parts.features import (
        ORGANS,
        PATIENTS,
        baseline_features,
        kinds,
        organs_in_use,
    )

    members = context.frame(CLASSES)
    patients, organs = context.frame(PATIENTS), context.frame(ORGANS)
    fewest = context.setting("prediction.fewest_patients")
    tasks = []
    if members.empty:
        context.note("no clusters of progression sequences, so nothing to predict.")
    for subset, chosen in members.groupby("subset", sort=True):
        if context.setting("prediction.no_progression") == "left_out":
            chosen = chosen[chosen["cluster_name"] != NO_PROGRESSION]
        count = chosen["cluster_name"].value_counts()
        rare = sorted(str(name) for name, n in count.items() if n < fewest)
        classes = sorted(str(name) for name, n in count.items() if n >= fewest)
        if rare:
            context.note(
                f"{subset}: not predicted, fewer than {fewest} patients each "
                f"(prediction.fewest_patients): {', '.join(rare)}."
            )
        if len(classes) < 2:
            context.note(f"{subset}: fewer than two clusters are large enough to be predicted.")
            continue
        chosen = chosen[chosen["cluster_name"].isin(classes)]
        merged = patients.merge(chosen, on="patient_id").sort_values("patient_id")
        kind = kinds(organs_in_use(merged, organs))
        label = np.searchsorted(classes, merged["cluster_name"].to_numpy(dtype=str))
        features = baseline_features(merged, organs, kind)
        tasks.append(_Task(str(subset), merged, features, classes, label.astype(np.int64)))
    return tasks


def _say_fewer_folds(context: StepContext, task: _Task) -> None:
    from udfs.progression.prediction import smallest_class

    folds, fewest = context.setting("prediction.folds"), smallest_class(task.label)
    if folds > fewest:
        context.note(
            f"{task.subset}: {fewest} folds in place of {folds} (prediction.folds): the smallest "
            f"cluster that is predicted has {fewest} patients."
        )


def _held_back(task: _Task, folds: int, seed: int) -> dict[str, list[tuple[str, Any]]]:
    """Sets of patients to be held back, by scheme."""
    import numpy as np

    from udfs.progression.prediction import stratified_folds

    parts = stratified_folds(task.label, folds, seed)
    out = {FOLDS: [(f"fold {i + 1}", held) for i, held in enumerate(parts)]}
    trial = task.patients["study_id"].to_numpy(dtype=str)
    names = np.unique(trial)
    if names.size > 1:
        sets = [(f"trial {name}", np.flatnonzero(trial == name)) for name in names.tolist()]
        sets = [one for one in sets if np.unique(np.delete(task.label, one[1])).size > 1]
        if sets:
            out[TRIALS] = sets
    return out


def _validate(
    context: StepContext,
    task: _Task,
    model: Any,
    sets: list[tuple[str, Any]],
    one_more: Any,
) -> tuple[Any, list[Split]]:
    """Probabilities of the patients held back; each training set searches the grid for itself."""
    from udfs.progression.prediction import cross_validate

    return cross_validate(
        task.features,
        task.label,
        len(task.classes),
        sets,
        model=model,
        grid=_grid(context),
        inner_folds=context.setting("prediction.folds"),
        seed=context.seed,
        progress=one_more,
    )


def _grid(context: StepContext) -> tuple[Parameters, ...]:
    """What is tried: with a grid search its grid, where iterations are those of the settings; else
    what the settings say."""
    from dataclasses import replace

    from udfs.progression.prediction import GRID, Parameters

    iterations = context.setting("prediction.iterations")
    if context.setting("prediction.grid_search"):
        return tuple(replace(parameters, iterations=iterations) for parameters in GRID)
    rate, leaves = context.setting("prediction.learning_rate"), context.setting("prediction.leaves")
    return (Parameters(iterations=iterations, learning_rate=rate, leaves=leaves),)


def _of_all(context: StepContext, task: _Task) -> Parameters:
    """Parameters of the model of all patients, which is not judged on any of them."""
    from udfs.progression.prediction import best_parameters

    grid, folds = _grid(context), context.setting("prediction.folds")
    if len(grid) == 1:
        return grid[0]
    return best_parameters(task.features, task.label, grid, folds, context.seed)


def _add_predictions(
    rows: Rows, task: _Task, model: str, scheme: str, probability: Any, splits: list[Split]
) -> None:
    import numpy as np

    from udfs.progression.prediction import calibration, roc_curve

    key = {"subset": task.subset, "model": model}
    known = np.flatnonzero(~np.isnan(probability[:, 0]))
    fold = np.full(task.label.size, "", dtype=object)
    for split in splits:
        fold[split.held_back] = split.name
    patient = task.patients["patient_id"].to_numpy(dtype=str)
    best = probability[known].argmax(axis=1)
    for i, k in zip(known.tolist(), best.tolist(), strict=True):
        actual = int(task.label[i])
        one = {"patient_id": str(patient[i]), **key, "scheme": scheme}
        found = {"fold": fold[i], "actual": task.classes[actual], "predicted": task.classes[k]}
        found |= {"probability_of_actual": float(probability[i, actual])}
        found |= {"probability_of_predicted": float(probability[i, k])}
        rows[PREDICTION.name].append(one | found)
        rows[PROBABILITY.name] += [
            {**one, "class": name, "probability": float(p), "is_actual": j == actual}
            for j, (name, p) in enumerate(zip(task.classes, probability[i], strict=True))
        ]
    for k, name in enumerate(task.classes):
        is_class = task.label[known] == k
        one = {**key, "scheme": scheme, "class": name}
        bins = calibration(probability[known, k], is_class)
        for b in range(bins.n.size):
            rows[CALIBRATION.name].append(
                {**one, "bin": b + 1, "n": int(bins.n[b]), "predicted": float(bins.predicted[b]),
                 "observed": float(bins.observed[b]), "ci_lower": float(bins.lower[b]),
                 "ci_upper": float(bins.upper[b])}
            )  # fmt: skip
        if is_class.any() and not is_class.all():
            false, true, threshold = roc_curve(probability[known, k], is_class)
            for p in range(false.size):
                at: dict[str, Any] = {"point": p + 1, "false_positive_rate": float(false[p])}
                at |= {"true_positive_rate": float(true[p])}
                at |= {"threshold": float(threshold[p]) if p else None}
                rows[CURVE.name].append(one | at)


def _add_metrics(
    context: StepContext,
    rows: Rows,
    task: _Task,
    model: str,
    scheme: str,
    probability: Any,
    splits: list[Split],
) -> None:
    """Figures of each set held back and of all sets together; limits of the areas."""
    import numpy as np

    from udfs.progression.prediction import areas, metrics

    known = np.flatnonzero(~np.isnan(probability[:, 0]))
    resamples = context.setting("prediction.resamples")
    for name, held in [(s.name, s.held_back) for s in splits] + [(TOGETHER[scheme], known)]:
        given = probability[held], task.label[held], task.classes
        found = areas(*given, resamples=resamples, seed=context.seed)
        for who, metric, value in metrics(*given):
            row: dict[str, Any] = {"subset": task.subset, "model": model, "split": name}
            row |= {"class": who, "metric": metric, "value": value}
            row |= nulls(("ci_lower", "ci_upper", "ci_method", "by_shares"))
            if area := found.get((who, metric)):
                row |= {"ci_lower": area.lower, "ci_upper": area.upper}
                row |= {"ci_method": area.method or None, "by_shares": area.by_shares}
            rows[METRIC.name].append(row)


def _add_splits(
    rows: Rows, task: _Task, model: str, splits: list[Split], is_searched: bool
) -> None:
    for split in splits:
        row: dict[str, Any] = {"subset": task.subset, "model": model, "split": split.name}
        row |= {"n_trained": task.label.size - split.held_back.size}
        row |= {"n_held_back": split.held_back.size}
        row |= {"is_grid_searched": is_searched and model == BOOSTING}
        row |= _of_parameters(split.parameters) if model == BOOSTING else nulls(PARAMETERS)
        rows[SPLIT.name].append(row)


PARAMETERS = ("iterations", "learning_rate", "leaves", "is_balanced")
"""Of the boosting."""


def _of_parameters(parameters: Any) -> dict[str, Any]:
    return {name: getattr(parameters, name) for name in PARAMETERS}


def _add_importance(rows: Rows, task: _Task, splits: list[Split], seed: int) -> None:
    from udfs.progression.prediction import permutation_importance

    found = permutation_importance(task.features, task.label, len(task.classes), splits, seed)
    order = sorted(found, key=lambda name: (-float(found[name].mean()), name))
    for rank, name in enumerate(order):
        falls = found[name]
        sd = float(falls.std(ddof=1)) if falls.size > 1 else None
        row = {"subset": task.subset, "feature": name, "rank": rank + 1, "sd_fall": sd}
        row |= {"mean_fall": float(falls.mean()), "n_folds": falls.size}
        rows[IMPORTANCE.name].append(row)


def _add_model(context: StepContext, rows: Rows, task: _Task, parameters: Any) -> None:
    """Trains on all patients and writes the model down."""
    import sklearn

    from udfs.progression.prediction import SavedModel, fit_model, plain_boosting
    from udfs.threads import single_thread

    fitted = single_thread(fit_model)(
        task.features, task.label, "gradient boosting", parameters, context.seed % 2**31
    )
    plain = plain_boosting(fitted.estimator, fitted.design.matrix(task.features))
    whole = {
        row["metric"]: row["value"]
        for row in rows[METRIC.name]
        if row["subset"] == task.subset and row["model"] == BOOSTING
        and row["split"] == FOLDS and row["class"] == "all"
    }  # fmt: skip
    metadata = {
        "subset": task.subset,
        "n_patients": int(task.label.size),
        "trials": sorted(set(task.patients["study_id"].astype(str))),
        "patients_in_class": {
            name: int((task.label == k).sum()) for k, name in enumerate(task.classes)
        },
        "parameters": _of_parameters(parameters),
        "seed": context.seed,
        "settings": {name: context.setting(name) for name in SETTINGS},
        "scikit_learn": sklearn.__version__,
        "out_of_fold": {name: value for name, value in whole.items() if value == value},
    }
    saved = SavedModel(tuple(task.classes), fitted.design, plain, metadata)
    split = {"subset": task.subset, "model": BOOSTING, "split": "all", "n_held_back": 0}
    split |= {"n_trained": int(task.label.size), **_of_parameters(parameters)}
    split |= {"is_grid_searched": context.setting("prediction.grid_search")}
    rows[SPLIT.name].append(split)
    row = {"subset": task.subset, "n_patients": int(task.label.size)}
    row |= {"n_classes": len(task.classes), "roc_auc": whole["roc_auc"]}
    rows[MODEL.name].append(row | {"content": saved.to_text()})
