"""Averaged ROC areas, their limits, and what class shares alone give."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from udfs.progression.prediction import (
    area_under_curve,
    areas,
    bootstrap_areas,
    delong_variance,
    macro_area,
    micro_area,
    micro_area_of_shares,
)

ROUNDED = 5e-5
"""Published with four decimals."""
SAME_SPREAD = 0.06
"""Standard deviation of 4,000 resamples against DeLong's standard error: the Monte Carlo error is
1 / sqrt(2 x 4000) = 1.1 %, and DeLong divides by m - 1 where the bootstrap has m (0.4 % of 120)."""

# DeLong, DeLong and Clarke-Pearson 1988: albumin, total protein, K-G score and outcome of patients
# with ovarian cancer, those that have all three (SAS/STAT 9.22, PROC LOGISTIC, example 51.8).
OVARIAN = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1
3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0
2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1
3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0
3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1
3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""


def example(n: int, seed: int, signal: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four classes of unlike size, rounded so that there are ties."""
    rng = np.random.default_rng(seed)
    actual = rng.choice(4, n, p=[0.5, 0.25, 0.15, 0.1])
    raw = rng.normal(size=(n, 4)) + signal * np.eye(4)[actual] + np.log([0.5, 0.25, 0.15, 0.1])
    probability = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    return probability.round(2), actual


def test_both_averages_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import label_binarize

    probability, actual = example(400, 1)
    hot = label_binarize(actual, classes=range(4))
    for average, found in (("micro", micro_area), ("macro", macro_area)):
        expected = roc_auc_score(hot, probability, average=average)
        assert found(probability, actual) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("test", "area", "error"),
    [(0, 0.7366, 0.0927), (1, 0.6478, 0.1000), (2, 0.7258, 0.1028)],
    ids=["albumin", "total protein", "K-G score"],
)
def test_delong_gives_the_published_areas_and_errors(test: int, area: float, error: float) -> None:
    rows = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    score = -rows[:, test] if test == 2 else rows[:, test]
    assert area_under_curve(score, rows[:, 3] == 1) == pytest.approx(area, abs=ROUNDED)
    assert delong_variance(score, rows[:, 3] == 1) ** 0.5 == pytest.approx(error, abs=ROUNDED)


def test_delong_by_every_pair() -> None:
    probability, actual = example(60, 2)
    score, inside = probability[:, 1], actual == 1
    won = np.array(
        [[(a > b) + 0.5 * (a == b) for b in score[~inside]] for a in score[inside]], dtype=float
    )
    m, n = won.shape
    by_pairs = won.mean(axis=1).var(ddof=1) / m + won.mean(axis=0).var(ddof=1) / n
    assert delong_variance(score, inside) == pytest.approx(by_pairs, abs=1e-12)


def test_a_resample_is_those_patients_as_often_as_drawn() -> None:
    """Weights in one sorted pass give what scikit-learn gives for the rows themselves."""
    from sklearn.metrics import roc_auc_score

    probability, actual = example(80, 3)
    found = bootstrap_areas(probability, actual, 5, seed=9)
    rng = np.random.default_rng([9, 3])
    for macro, micro in found:
        while True:
            rows = rng.integers(0, actual.size, actual.size)
            if np.unique(actual[rows]).size == 4:
                break
        hot = np.eye(4)[actual[rows]]
        expected = [
            roc_auc_score(hot, probability[rows], average=average) for average in ("macro", "micro")
        ]
        assert [macro, micro] == pytest.approx(expected, abs=1e-12)


def test_the_bootstrap_spreads_as_delong_says() -> None:
    """Of two classes the macro average is the area of either, whose variance DeLong knows."""
    rng = np.random.default_rng(4)
    actual = (rng.random(300) < 0.4).astype(int)
    score = rng.normal(size=300) + actual
    probability = np.column_stack((-score, score))
    found = bootstrap_areas(probability, actual, 4000, seed=1)[:, 0].std(ddof=1)
    expected = delong_variance(score, actual == 1) ** 0.5
    assert found == pytest.approx(expected, rel=SAME_SPREAD)


def test_limits_hold_the_truth_as_often_as_they_say() -> None:
    """200 samples of 150 patients; the truth is the area in 100,000. Between 91 and 98.5 % is where
    a true 95 % is found in 99 % of runs (binomial)."""
    truth = example(100_000, 5)
    true = {"roc_auc": macro_area(*truth), "roc_auc_micro": micro_area(*truth)}
    true["b"] = area_under_curve(truth[0][:, 1], truth[1] == 1)
    held = dict.fromkeys(true, 0)
    for seed in range(200):
        found = areas(*example(150, 1000 + seed), list("abcd"), resamples=300, seed=seed)
        for name, value in true.items():
            area = found["b", "roc_auc"] if name == "b" else found["all", name]
            held[name] += area.lower <= value <= area.upper
    assert all(182 <= count <= 197 for count in held.values()), held


@pytest.mark.parametrize(
    ("share", "area"),
    [([0.6, 0.3, 0.1], 0.75), ([0.5, 0.5], 0.5), ([0.25] * 4, 0.5), ([0.9, 0.1], 0.9)],
)
def test_micro_average_of_shares_alone(share: list[float], area: float) -> None:
    """By hand: of .6, .3, .1 see the function; of .9 and .1, .9 x .9 won and .9 x .1 + .1 x .9 tied
    count half: .81 + .09."""
    assert micro_area_of_shares(np.array(share)) == pytest.approx(area, abs=1e-12)


def test_shares_given_to_every_patient_have_the_area_that_is_said() -> None:
    _, actual = example(500, 6)
    share = np.bincount(actual) / actual.size
    same = np.tile(share, (actual.size, 1))
    found = areas(same, actual, list("abcd"), resamples=100, seed=0)
    assert found["all", "roc_auc_micro"].by_shares == pytest.approx(micro_area(same, actual))
    assert found["all", "roc_auc_micro"].by_shares > 0.65
    assert found["all", "roc_auc"].value == found["all", "roc_auc"].by_shares == 0.5


def test_areas_hang_together_and_are_the_same_again() -> None:
    probability, actual = example(200, 7)
    found = areas(probability, actual, list("abcd"), resamples=200, seed=3)
    assert set(found) == {
        *product("abcd", ["roc_auc"]),
        ("all", "roc_auc"),
        ("all", "roc_auc_micro"),
    }
    mean = np.mean([found[name, "roc_auc"].value for name in "abcd"])
    assert found["all", "roc_auc"].value == pytest.approx(mean)
    assert [found["a", "roc_auc"].method, found["all", "roc_auc"].method] == ["DeLong", "bootstrap"]
    assert found == areas(probability, actual, list("abcd"), resamples=200, seed=3)
    one = found["c", "roc_auc"]
    half = 1.959964 * delong_variance(probability[:, 2], actual == 2) ** 0.5
    assert (one.lower, one.upper) == pytest.approx((one.value - half, one.value + half), abs=1e-6)


@pytest.mark.parametrize(
    ("actual", "why"),
    [([0, 0, 0, 1, 1, 2], "one patient of a class"), ([0, 0, 0, 1, 1, 1], "a perfect score"),
     ([0] * 6, "one class")],
)  # fmt: skip
def test_no_limits_where_they_cannot_be_had(actual: list[int], why: str) -> None:
    label = np.array(actual)
    probability = np.eye(3)[label] * 0.8 + 0.1
    found = areas(probability, label, list("abc"), resamples=100, seed=0)
    macro = found["all", "roc_auc"]
    assert (math.isnan(macro.lower), math.isnan(macro.upper), macro.method) == (True, True, ""), why
    assert math.isnan(macro.value) == (why == "one class")
