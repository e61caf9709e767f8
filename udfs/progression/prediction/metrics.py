"""How good predicted probabilities are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.progression.prediction.areas import area_under_curve, macro_area, micro_area
from udfs.progression.prediction.design import FloatArray, IntArray


def macro_f1(predicted: IntArray, actual: IntArray) -> float:
    """Unweighted mean of F1 over the classes that occur in ``actual`` or ``predicted``."""
    scores = []
    for k in np.unique(np.concatenate((predicted, actual))):
        both = int(((predicted == k) & (actual == k)).sum())
        total = int((predicted == k).sum() + (actual == k).sum())
        scores.append(2 * both / total)
    return float(np.mean(scores)) if scores else float("nan")


def metrics(
    probability: FloatArray, actual: IntArray, classes: list[str]
) -> list[tuple[str, str, float]]:
    """Every figure as (class or 'all', name, value); NaN where it cannot be had.

    Per class: n, precision, recall, f1, roc_auc (one against the rest), brier. Over all: accuracy,
    accuracy_largest_class (of always saying the most frequent class), precision, recall, f1 and
    roc_auc as unweighted means over the classes that occur (macro averages), roc_auc_micro,
    log_loss, brier (sum over classes, 0 to 2), calibration_error (mean over classes of the mean
    difference in ten groups, weighted).

    Args:
        probability: (n, k)
        actual: (n,)
        classes: (k,) names.
    """
    predicted = probability.argmax(axis=1)
    rows: list[tuple[str, str, float]] = []
    per_class: dict[str, list[float]] = {"precision": [], "recall": [], "f1": []}
    errors = []
    for k, name in enumerate(classes):
        is_k, says_k = actual == k, predicted == k
        hits = float((is_k & says_k).sum())
        n_is, n_says = int(is_k.sum()), int(says_k.sum())
        found = {
            "n": float(n_is),
            "precision": hits / n_says if n_says else float("nan"),
            "recall": hits / n_is if n_is else float("nan"),
            "f1": 2 * hits / (n_is + n_says) if n_is + n_says else float("nan"),
            "roc_auc": area_under_curve(probability[:, k], is_k),
            "brier": float(((probability[:, k] - is_k) ** 2).mean()),
        }
        rows += [(name, metric, value) for metric, value in found.items()]
        if n_is:
            per_class["recall"].append(found["recall"])
            per_class["f1"].append(found["f1"])
            per_class["precision"].append(0.0 if n_says == 0 else found["precision"])
        bins = calibration(probability[:, k], is_k)
        errors.append(float((np.abs(bins.predicted - bins.observed) * bins.n).sum() / is_k.size))
    rows.append(("all", "n", float(actual.size)))
    rows.append(("all", "accuracy", float((predicted == actual).mean())))
    most = np.bincount(actual, minlength=len(classes)).max() / actual.size
    rows.append(("all", "accuracy_largest_class", float(most)))
    rows += [("all", metric, float(np.mean(values))) for metric, values in per_class.items()]
    rows.append(("all", "roc_auc", macro_area(probability, actual)))
    rows.append(("all", "roc_auc_micro", micro_area(probability, actual)))
    at = np.clip(probability[np.arange(actual.size), actual], 1e-15, 1)
    rows.append(("all", "log_loss", float(-np.log(at).mean())))
    hot = np.eye(len(classes))[actual]
    rows.append(("all", "brier", float(((probability - hot) ** 2).sum(axis=1).mean())))
    rows.append(("all", "calibration_error", float(np.mean(errors))))
    return rows


@dataclass(frozen=True)
class Calibration:
    """Groups of patients with like probabilities, ascending."""

    predicted: FloatArray
    """(b,) mean probability."""
    observed: FloatArray
    """(b,) share in the class."""
    lower: FloatArray
    """(b,) Wilson's 95 % limits of the share."""
    upper: FloatArray
    n: IntArray


def calibration(probability: FloatArray, is_class: np.ndarray, groups: int = 10) -> Calibration:
    """Predicted and observed shares in groups of like size; equal probabilities stay together."""
    order = np.argsort(probability, kind="stable")
    p, hit = probability[order], is_class[order]
    edges = np.searchsorted(p, p[np.linspace(0, p.size, groups + 1)[1:-1].astype(int)])
    starts = np.unique(np.concatenate(([0], edges)))
    n = np.diff(np.append(starts, p.size))
    share = np.add.reduceat(hit.astype(np.float64), starts) / n
    lower, upper = wilson(share * n, n.astype(np.float64))
    return Calibration(np.add.reduceat(p, starts) / n, share, lower, upper, n.astype(np.int64))


def wilson(
    hits: FloatArray, n: FloatArray, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Limits of a proportion (Wilson 1927), in 0 to 1. 0 of 10 at 95 %: 0 to 0.278."""
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    share = hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def roc_curve(
    score: FloatArray, is_class: np.ndarray, points: int = 100
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """False positive rate, true positive rate and threshold, from (0, 0) to (1, 1).

    Thinned to about ``points`` of the distinct thresholds.

    Raises:
        ValueError: not both in the class and out of it.
    """
    n_in, n_out = int(is_class.sum()), int((~is_class).sum())
    if n_in == 0 or n_out == 0:
        raise ValueError("a ROC curve needs patients in the class and out of it")
    order = np.argsort(-score, kind="stable")
    s, hit = score[order], is_class[order]
    last = np.append(np.flatnonzero(np.diff(s) != 0), s.size - 1)
    true, false = hit.cumsum()[last] / n_in, (~hit).cumsum()[last] / n_out
    if last.size > points:
        kept = np.unique(np.linspace(0, last.size - 1, points).round().astype(np.int64))
        last, true, false = last[kept], true[kept], false[kept]
    zero = np.zeros(1)
    return (
        np.concatenate((zero, false)),
        np.concatenate((zero, true)),
        np.concatenate((np.full(1, np.inf), s[last])),
    )
