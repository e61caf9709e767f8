"""Areas under ROC curves of several classes, their limits, and what class shares alone give.

One class is judged against the rest. The macro average is the unweighted mean of the classes'
areas; the micro average is one area over all pairs of patient and class (binarised labels). A score
that gives every patient the shares of the classes has a macro average of 1/2 but a micro average
above it wherever shares differ, so a micro average means nothing without that of the shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from udfs.progression.prediction.design import FloatArray, IntArray

CONFIDENCE = 0.95
FEWEST = 2
"""Patients that a class must have for limits: of one, nobody knows how it spreads."""


def area_under_curve(score: FloatArray, is_class: np.ndarray) -> float:
    """Area under the ROC curve: the share of pairs (in the class, not in it) in which the first has
    the higher score, ties one half (Hanley and McNeil 1982). NaN without both.
    """
    n_in = int(is_class.sum())
    n_out = is_class.size - n_in
    if n_in == 0 or n_out == 0:
        return float("nan")
    rank = rankdata(score)
    return float((rank[is_class].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out))


def macro_area(probability: FloatArray, actual: IntArray) -> float:
    """Unweighted mean of the areas of the classes that occur and are not all; NaN without any."""
    areas = [area_under_curve(probability[:, k], actual == k) for k in range(probability.shape[1])]
    known = [a for a in areas if not np.isnan(a)]
    return float(np.mean(known)) if known else float("nan")


def micro_area(probability: FloatArray, actual: IntArray) -> float:
    """Area over all n k pairs of patient and class: is it the patient's class or not."""
    is_actual = np.eye(probability.shape[1], dtype=bool)[actual]
    return area_under_curve(probability.ravel(), is_actual.ravel())


def micro_area_of_shares(share: FloatArray) -> float:
    """Micro average of giving each patient the classes' shares: sum over classes j, k of
    s_j (1 - s_k) ([s_j > s_k] + [s_j = s_k] / 2), over k - 1.

    Shares of .6, .3 and .1: (.6 x 1.8 + .3 x 1.25 + .1 x .45) / 2 = .75.

    Args:
        share: (k,) of two classes or more, adding up to 1.
    """
    higher = (share[:, None] > share) + 0.5 * (share[:, None] == share)
    return float((share[:, None] * higher * (1 - share)).sum() / (share.size - 1))


def delong_variance(score: FloatArray, is_class: np.ndarray) -> float:
    """Variance of the area (DeLong, DeLong and Clarke-Pearson 1988): that of the patients' mean
    shares of pairs won, in the class over its number, plus the same of the others; by mid-ranks
    (Sun and Xu 2014). NaN with fewer than two in the class or out of it.
    """
    n_in, n_out = int(is_class.sum()), int((~is_class).sum())
    if min(n_in, n_out) < FEWEST:
        return float("nan")
    rank, inside, outside = rankdata(score), score[is_class], score[~is_class]
    won = (rank[is_class] - rankdata(inside)) / n_out
    lost = (rank[~is_class] - rankdata(outside)) / n_in
    return float(won.var(ddof=1) / n_in + lost.var(ddof=1) / n_out)


class _Weighted:
    """The area of one score for many weightings of its values."""

    def __init__(self, score: FloatArray, is_class: np.ndarray) -> None:
        self.order = np.argsort(score, kind="stable")
        ordered = score[self.order]
        self.start = np.flatnonzero(np.append(True, np.diff(ordered) != 0))
        self.is_class = is_class[self.order]

    def area(self, weight: FloatArray) -> float:
        w = weight[self.order]
        inside = np.add.reduceat(w * self.is_class, self.start)
        outside = np.add.reduceat(w * ~self.is_class, self.start)
        below = outside.cumsum() - outside / 2
        return float((inside * below).sum() / (inside.sum() * outside.sum()))


def bootstrap_areas(
    probability: FloatArray, actual: IntArray, resamples: int, seed: int
) -> FloatArray:
    """Macro and micro averages in resamples of the patients, drawn with replacement.

    A resample that lacks a class is drawn again, so that each average is over the same classes.

    Args:
        probability: (n, k) of k classes, at least two of which occur.
        actual: (n,)
        resamples: how many.
        seed: of the draws.

    Returns:
        (resamples, 2) macro and micro averages.
    """
    rng = np.random.default_rng([seed, 3])
    n, k = probability.shape
    is_actual = np.eye(k, dtype=bool)[actual]
    here = np.flatnonzero(is_actual.any(axis=0))
    each = [_Weighted(probability[:, c], is_actual[:, c]) for c in here]
    pooled = _Weighted(probability.ravel(), is_actual.ravel())
    out = np.empty((resamples, 2))
    done = 0
    while done < resamples:
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        if (np.bincount(actual, weights=weight, minlength=k)[here] == 0).any():
            continue
        out[done] = np.mean([one.area(weight) for one in each]), pooled.area(np.repeat(weight, k))
        done += 1
    return out


@dataclass(frozen=True)
class Area:
    """An area with its limits; NaN where it cannot be had."""

    value: float
    lower: float
    upper: float
    method: str
    """Of the limits: DeLong, or bootstrap; '' without."""
    by_shares: float
    """What the classes' shares alone give."""


def areas(
    probability: FloatArray, actual: IntArray, classes: list[str], *, resamples: int, seed: int
) -> dict[tuple[str, str], Area]:
    """Area of each class, macro and micro average, with 95 % limits.

    Of a class DeLong's normal limits, of the averages percentiles of the bootstrap. No limits where
    a class that occurs has one patient only, or where a perfect score leaves no variance to see.
    The limits are of patients: that a model of other training patients differs is not in them.

    Args:
        probability: (n, k) of patients held back.
        actual: (n,)
        classes: (k,) names.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        (class, 'roc_auc'), ('all', 'roc_auc') for macro and ('all', 'roc_auc_micro') -> area.
    """
    z, nan = float(ndtri((1 + CONFIDENCE) / 2)), float("nan")
    out: dict[tuple[str, str], Area] = {}
    for k, name in enumerate(classes):
        is_k = actual == k
        value, half = area_under_curve(probability[:, k], is_k), nan
        if (variance := delong_variance(probability[:, k], is_k)) > 0:
            half = z * variance**0.5
        limits = np.clip([value - half, value + half], 0, 1)
        out[name, "roc_auc"] = _area(value, limits, "DeLong", nan if value != value else 0.5)
    count = np.bincount(actual, minlength=len(classes))
    macro = macro_area(probability, actual)
    spread = np.full((2, 2), nan)
    if macro == macro and count[count > 0].min() >= FEWEST:
        drawn = bootstrap_areas(probability, actual, resamples, seed)
        spread = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0).T
        spread[np.ptp(drawn, axis=0) == 0] = nan
    micro = micro_area(probability, actual)
    shares = micro_area_of_shares(count / actual.size)
    found = [("roc_auc", macro, nan if macro != macro else 0.5), ("roc_auc_micro", micro, shares)]
    for (name, value, by_shares), pair in zip(found, spread, strict=True):
        out["all", name] = _area(value, pair, "bootstrap", by_shares)
    return out


def _area(value: float, limits: FloatArray, method: str, by_shares: float) -> Area:
    lower, upper = limits.tolist()
    return Area(value, lower, upper, "" if np.isnan(limits).any() else method, by_shares)
