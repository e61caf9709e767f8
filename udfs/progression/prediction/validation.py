"""Predictions of patients that a model has not seen: folds, and trials left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from udfs.progression.prediction.areas import macro_area
from udfs.progression.prediction.boosting import Parameters, fit_boosting
from udfs.progression.prediction.design import Design, Features, FloatArray, IntArray, Scaling
from udfs.progression.prediction.metrics import macro_f1
from udfs.threads import single_thread

Model = Literal["gradient boosting", "logistic regression"]
GRID = tuple(
    Parameters(learning_rate=rate, leaves=leaves, is_balanced=balanced)
    for (rate, leaves), balanced in product(((0.1, 4), (0.1, 8), (0.05, 8)), (False, True))
)
"""What the grid search tries."""


@dataclass(frozen=True)
class Fitted:
    """A model that knows its columns."""

    design: Design
    classes: IntArray
    """Labels that its probabilities stand for, ascending."""
    estimator: Any
    scaling: Scaling | None

    def probability(self, features: Features, k: int) -> FloatArray:
        """(n, k) probabilities; 0 for classes that it was not trained on."""
        matrix = self.design.matrix(features)
        if self.scaling is not None:
            matrix = self.scaling.transform(matrix)
        out = np.zeros((features.n, k))
        out[:, self.classes] = self.estimator.predict_proba(matrix)
        return out


@dataclass(frozen=True)
class Split:
    """One set of patients held back."""

    name: str
    held_back: IntArray
    parameters: Parameters
    fitted: Fitted


def fit_model(
    features: Features, label: IntArray, model: Model, parameters: Parameters, seed: int
) -> Fitted:
    """Trains on all given patients; their columns are learnt from them too."""
    design = Design.learn(features)
    matrix = design.matrix(features)
    classes, code = np.unique(label, return_inverse=True)
    if model == "gradient boosting":
        return Fitted(design, classes, fit_boosting(matrix, code, parameters, seed), None)
    from sklearn.linear_model import LogisticRegression

    scaling = Scaling.learn(matrix)
    linear = LogisticRegression(C=0.1, max_iter=200, tol=1e-3)
    return Fitted(design, classes, linear.fit(scaling.transform(matrix), code), scaling)


def smallest_class(label: IntArray) -> int:
    """Patients of the class that fewest have."""
    return int(np.unique(label, return_counts=True)[1].min())


def stratified_folds(label: IntArray, folds: int, seed: int) -> list[IntArray]:
    """Positions held back in each fold; every class spread evenly (a 4:1 split for five folds).

    No more folds than the smallest class has patients, so that each class is in each of them; a
    class of a single patient, as a trial left out may leave, is in one of two.
    """
    from sklearn.model_selection import StratifiedKFold

    folds = max(2, min(folds, smallest_class(label)))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class in y has only 1")
        return [np.asarray(held) for _, held in splitter.split(np.zeros(label.size), label)]


@single_thread
def cross_validate(
    features: Features,
    label: IntArray,
    k: int,
    held_back: Sequence[tuple[str, IntArray]],
    *,
    model: Model = "gradient boosting",
    grid: Sequence[Parameters] = (Parameters(),),
    inner_folds: int = 5,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> tuple[FloatArray, list[Split]]:
    """Predicts each set of patients by a model trained on all others.

    With more than one set of parameters the best is sought anew within each training set (nested
    cross-validation): the mean macro F1 over ``inner_folds`` stratified folds of it, the first of
    equals. What is learnt of columns and levels is learnt from training patients too.

    Args:
        features: of n patients, in one fixed order.
        label: (n,) 0 to k - 1.
        k: classes.
        held_back: name and positions of each set.
        model: which.
        grid: parameters of the boosting to choose from.
        inner_folds: see above.
        seed: of inner folds.
        progress: called after each set.

    Returns:
        (n, k) probabilities, NaN for patients in no set, and the sets with their models.
    """
    out = np.full((label.size, k), np.nan)
    splits = []
    for name, held in held_back:
        rows = np.ones(label.size, dtype=bool)
        rows[held] = False
        training = features.take(rows)
        chosen = grid[0]
        if model == "gradient boosting" and len(grid) > 1:
            chosen = best_parameters(training, label[rows], grid, inner_folds, seed)
        fitted = fit_model(training, label[rows], model, chosen, seed % 2**31)
        out[held] = fitted.probability(features.take(held), k)
        splits.append(Split(name, held, chosen, fitted))
        progress()
    return out, splits


@single_thread
def best_parameters(
    features: Features, label: IntArray, grid: Sequence[Parameters], folds: int, seed: int
) -> Parameters:
    """The parameters with the highest mean macro F1 over stratified folds, the first of equals."""
    parts = stratified_folds(label, folds, seed + 1)
    scores = []
    for parameters in grid:
        each = []
        for held in parts:
            rows = np.ones(label.size, dtype=bool)
            rows[held] = False
            fitted = fit_model(
                features.take(rows), label[rows], "gradient boosting", parameters, seed % 2**31
            )
            k = int(label.max()) + 1
            predicted = fitted.probability(features.take(held), k).argmax(axis=1)
            each.append(macro_f1(predicted, label[held]))
        scores.append(float(np.mean(each)))
    return grid[int(np.argmax(scores))]


@single_thread
def permutation_importance(
    features: Features, label: IntArray, k: int, splits: Sequence[Split], seed: int
) -> dict[str, FloatArray]:
    """How much the macro ROC area of patients held back falls when a characteristic is permuted
    among them (Breiman 2001), one permutation per set.

    Returns:
        name -> (sets,) fall of the area.
    """
    rng = np.random.default_rng([seed, 2])
    out: dict[str, list[float]] = {name: [] for name in features.kind}
    for split in splits:
        held = features.take(split.held_back)
        actual = label[split.held_back]
        whole = macro_area(split.fitted.probability(held, k), actual)
        for name in features.kind:
            other = held.with_permuted(name, rng.permutation(held.n))
            out[name].append(whole - macro_area(split.fitted.probability(other, k), actual))
    return {name: np.array(values) for name, values in out.items()}
