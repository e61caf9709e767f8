"""Exact limits of shares, and Kaplan-Meier limits of clustered lesions."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.comparisons import clopper_pearson
from udfs.survival import clustered_kaplan_meier, kaplan_meier

PRINTED = 5e-7
"""R prints binom.test's limits with seven digits."""


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper"),
    [
        # By hand: the upper limit of 0 of n is 1 - 0.025^(1/n), the lower of n of n 0.025^(1/n).
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),
        (10, 10, 0.025 ** (1 / 10), 1.0),
        (0, 1, 0.0, 0.975),
        # R's binom.test(682, 925), the example of its help page.
        (682, 925, 0.7076683, 0.7654066),
    ],
)
def test_exact_limits(x: int, n: int, lower: float, upper: float) -> None:
    found = clopper_pearson(x, n)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=PRINTED)
    assert found.share == x / n


def test_exact_limits_are_where_the_tails_of_the_binomial_are_half_of_alpha() -> None:
    from scipy.stats import binom

    for x, n, confidence in [(3, 17, 0.95), (9, 12, 0.8), (1, 40, 0.99)]:
        found = clopper_pearson(x, n, confidence=confidence)
        half = (1 - confidence) / 2
        assert binom.sf(x - 1, n, found.lower) == pytest.approx(half, rel=1e-9)
        assert binom.cdf(x, n, found.upper) == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize(("x", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_counts_that_make_no_share_are_refused(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="share"):
        clopper_pearson(x, n)


def lesions(seed: int = 3, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.integers(1, 25, n).astype(float), draw.random(n) < 0.6, draw.integers(0, 20, n)


def test_lesions_that_are_patients_of_their_own_have_greenwoods_limits() -> None:
    time, event, _ = lesions()
    alone = clustered_kaplan_meier(time, event, np.arange(time.size))
    plain = kaplan_meier(time, event)
    np.testing.assert_allclose(alone.log_standard_error, plain.log_standard_error, rtol=1e-12)
    np.testing.assert_allclose(alone.upper, plain.upper, rtol=1e-12)
    np.testing.assert_array_equal(alone.survival, plain.survival)


def test_the_same_lesion_twice_in_a_patient_tells_nothing_more() -> None:
    time, event, _ = lesions()
    once = kaplan_meier(time, event)
    patient = np.tile(np.arange(time.size), 2)
    twice = clustered_kaplan_meier(np.tile(time, 2), np.tile(event, 2), patient)
    np.testing.assert_allclose(twice.survival, once.survival, rtol=1e-12)
    np.testing.assert_allclose(twice.log_standard_error, once.log_standard_error, rtol=1e-9)


def test_influences_are_derivatives_by_the_lesions_weights() -> None:
    """Log survival with a patient's lesions weighted a little more, by differences."""
    time, event, patient = lesions(5, 40)
    curve = clustered_kaplan_meier(time, event, patient)
    change = 1e-6

    def log_survival(weight: np.ndarray) -> np.ndarray:
        total = np.zeros(curve.time.size)
        for k, day in enumerate(curve.time):
            at_risk = weight[time >= day].sum()
            total[k] = np.log1p(-weight[(time == day) & event].sum() / at_risk)
        return np.cumsum(total)

    by_patient = [
        (log_survival(1 + change * (patient == who)) - log_survival(1 - change * (patient == who)))
        / (2 * change)
        for who in np.unique(patient)
    ]
    expected = np.sqrt((np.array(by_patient) ** 2).sum(axis=0))
    known = np.isfinite(curve.log_standard_error)
    np.testing.assert_allclose(curve.log_standard_error[known], expected[known], rtol=1e-5)
