"""Gradient boosting (scikit-learn's), and the fitted model in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from udfs.progression.prediction.design import FloatArray, IntArray

SAME = 1e-9
"""The plain model's probabilities equal scikit-learn's to this: the same sums in another order."""


@dataclass(frozen=True)
class Parameters:
    """Of the boosting; Zhou 2023, Supplementary Table 4 has those of its own model."""

    iterations: int = 60
    learning_rate: float = 0.1
    leaves: int = 4
    min_samples_leaf: int = 20
    is_balanced: bool = False
    """Whether classes weigh the same, however many patients they have."""


@dataclass(frozen=True)
class Tree:
    """One tree of m nodes, the root first."""

    feature: IntArray
    threshold: FloatArray
    """(m,) at most this goes left; the largest number where only missing values go right."""
    missing_left: IntArray
    """(m,) 1 where a missing value goes left."""
    left: IntArray
    """(m,) 0 in a leaf."""
    right: IntArray
    value: FloatArray
    """(m,) what a leaf adds."""

    def add_to(self, matrix: FloatArray, out: FloatArray) -> None:
        """Adds each row's leaf to ``out``."""
        node = np.zeros(len(matrix), dtype=np.int64)
        rows = np.arange(len(matrix))
        while True:
            inner = self.left[node] > 0
            if not inner.any():
                out += self.value[node]
                return
            at, where = rows[inner], node[inner]
            x = matrix[at, self.feature[where]]
            goes_left = np.where(
                np.isnan(x), self.missing_left[where] == 1, x <= self.threshold[where]
            )
            node[inner] = np.where(goes_left, self.left[where], self.right[where])


@dataclass(frozen=True)
class PlainBoosting:
    """A fitted model of k classes that needs no library but NumPy."""

    baseline: FloatArray
    """(k,) or (1,) for two classes: raw prediction before the first tree."""
    trees: Sequence[Sequence[Tree]]
    """Per iteration one tree per raw prediction."""

    def probability(self, matrix: FloatArray) -> FloatArray:
        """(n, k) by softmax of the sums, or the logistic function for two classes."""
        raw = np.tile(self.baseline, (len(matrix), 1))
        for iteration in self.trees:
            for k, tree in enumerate(iteration):
                tree.add_to(matrix, raw[:, k])
        if raw.shape[1] == 1:
            second = 1 / (1 + np.exp(-raw[:, 0]))
            return np.column_stack((1 - second, second))
        raised = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def to_dict(self) -> dict[str, Any]:
        """Lists and numbers only."""
        return {
            "baseline": self.baseline.tolist(),
            "trees": [
                [{name: value.tolist() for name, value in asdict(t).items()} for t in iteration]
                for iteration in self.trees
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PlainBoosting:
        """Reads what ``to_dict`` wrote.

        Raises:
            ValueError: something is missing, or a tree points outside itself.
        """
        try:
            trees = tuple(tuple(_read_tree(t) for t in iteration) for iteration in data["trees"])
            baseline = np.asarray(data["baseline"], dtype=np.float64)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the model lacks {error}") from error
        for iteration in trees:
            for tree in iteration:
                m, place = tree.value.size, np.arange(tree.value.size)
                inner = tree.left > 0
                after = np.concatenate((tree.left[inner], tree.right[inner]))
                before = np.concatenate((place[inner], place[inner]))
                if m == 0 or (after >= m).any() or (after <= before).any():
                    raise ValueError("a tree of the model points outside itself")
        return cls(baseline, trees)


def fit_boosting(matrix: FloatArray, label: IntArray, parameters: Parameters, seed: int) -> Any:
    """scikit-learn's HistGradientBoostingClassifier, without early stopping.

    Args:
        matrix: (n, p) with NaN where missing.
        label: (n,) classes 0 to k - 1.
        parameters: of the boosting.
        seed: of nothing that is drawn with these parameters; set for the record.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=parameters.iterations,
        learning_rate=parameters.learning_rate,
        max_leaf_nodes=parameters.leaves,
        min_samples_leaf=parameters.min_samples_leaf,
        class_weight="balanced" if parameters.is_balanced else None,
        max_bins=64,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(matrix, label)


def plain_boosting(model: Any, matrix: FloatArray) -> PlainBoosting:
    """The fitted model in plain numbers, checked against scikit-learn on ``matrix``.

    scikit-learn offers no public view of these trees; what is read is its ``_predictors``, and a
    version that keeps them otherwise is refused.

    Raises:
        ValueError: this version of scikit-learn keeps its trees otherwise, or the probabilities
            differ.
    """
    try:
        trees = tuple(
            tuple(_tree(predictor.nodes) for predictor in iteration)
            for iteration in model._predictors
        )
        baseline = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)
    except (AttributeError, KeyError, ValueError) as error:
        raise ValueError(f"scikit-learn keeps its trees otherwise here: {error}") from error
    plain = PlainBoosting(baseline, trees)
    apart = np.abs(plain.probability(matrix) - model.predict_proba(matrix)).max(initial=0.0)
    if not apart <= SAME:
        raise ValueError(f"the plain model's probabilities differ by {apart:.1e}")
    return plain


def _read_tree(data: Mapping[str, Any]) -> Tree:
    def whole(name: str) -> IntArray:
        return np.asarray(data[name], dtype=np.int64)

    return Tree(
        feature=whole("feature"),
        threshold=np.asarray(data["threshold"], dtype=np.float64),
        missing_left=whole("missing_left"),
        left=whole("left"),
        right=whole("right"),
        value=np.asarray(data["value"], dtype=np.float64),
    )


def _tree(nodes: np.ndarray) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    most = np.finfo(np.float64).max
    return Tree(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, np.minimum(nodes["num_threshold"], most)).astype(np.float64),
        missing_left=np.where(leaf, 0, nodes["missing_go_to_left"]).astype(np.int64),
        left=np.where(leaf, 0, nodes["left"]).astype(np.int64),
        right=np.where(leaf, 0, nodes["right"]).astype(np.int64),
        value=nodes["value"].astype(np.float64),
    )
