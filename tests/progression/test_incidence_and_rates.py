"""Cumulative incidence and intensities: hand calculations, lifelines, scipy and identities."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.comparisons.tables import table_test
from udfs.progression.transitions import (
    COMPETING,
    EVENT,
    aalen_johansen,
    first_of_all,
    poisson_rate,
    rate_ratio,
    transition,
)
from udfs.survival import kaplan_meier

ROUNDING = 1e-12


def test_hand_worked_incidence() -> None:
    """Days 1 (event), 2 (competing), 3 (event), 4 (censored), and the variance term by term."""
    found = aalen_johansen([1, 2, 3, 4], [1, 2, 1, 0])
    np.testing.assert_allclose(found.incidence, [0.25, 0.25, 0.5, 0.5], atol=ROUNDING)
    assert found.n_at_risk.tolist() == [4, 3, 2, 1]
    at_three = sum(
        [
            (0.5 - 0.25) ** 2 * 1 / (4 * 3) + 1 * 1 * 3 / 64 - 2 * (0.5 - 0.25) * 1 * 1 / 16,
            (0.5 - 0.25) ** 2 * 1 / (3 * 2),
            0 + 0.5**2 * 1 * 1 / 8,
        ]
    )
    assert found.standard_error[2] ** 2 == pytest.approx(at_three, abs=ROUNDING)
    assert found.at(0.5)[:3] == (0.0, 0.0, 0.0)
    assert found.at(3)[0] == 0.5
    assert np.isnan(found.at(5)[0])


def cohort(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first, second = rng.exponential(100, n), rng.exponential(200, n)
    end = rng.uniform(10, 300, n)
    time = np.minimum(np.minimum(first, second), end)
    return time, np.where(time == end, 0, np.where(time == first, EVENT, COMPETING))


def test_without_competing_events_it_is_one_minus_kaplan_meier() -> None:
    time, cause = cohort(200, 1)
    time, cause = np.ceil(time / 10) * 10, np.where(cause == COMPETING, 0, cause)
    found = aalen_johansen(time, cause)
    curve = kaplan_meier(time, cause == EVENT)
    np.testing.assert_allclose(1 - found.incidence, curve.survival, atol=ROUNDING)
    inside = curve.survival > 0
    greenwood = curve.survival[inside] * curve.log_standard_error[inside]
    np.testing.assert_allclose(found.standard_error[inside], greenwood, atol=1e-10)


def test_both_incidences_and_survival_make_one() -> None:
    time, cause = cohort(300, 2)
    time = np.ceil(time / 7) * 7
    other = np.where(cause == EVENT, COMPETING, np.where(cause == COMPETING, EVENT, 0))
    free = kaplan_meier(time, cause > 0).survival
    total = aalen_johansen(time, cause).incidence + aalen_johansen(time, other).incidence + free
    np.testing.assert_allclose(total, 1, atol=ROUNDING)


def test_without_ties_it_is_that_of_lifelines() -> None:
    from lifelines import AalenJohansenFitter

    time, cause = cohort(150, 3)
    assert np.unique(time).size == time.size
    found = aalen_johansen(time, cause)
    peer = AalenJohansenFitter(calculate_variance=True, seed=0).fit(time, cause, EVENT)
    theirs = peer.cumulative_density_.iloc[1:, 0].to_numpy()
    np.testing.assert_allclose(found.incidence, theirs, atol=1e-10)
    variance = peer.variance_.to_numpy().ravel()[-time.size :]
    given = ~np.isnan(variance)
    assert given.sum() >= time.size - 1, "lifelines has none where all at risk go"
    ours = found.standard_error[given] ** 2
    np.testing.assert_allclose(ours, variance[given], rtol=1e-6, atol=1e-9)


def test_limits_hold_the_truth_as_often_as_they_say() -> None:
    """Hazards 1/100 and 1/200: incidence by day 60 is 2/3 (1 - exp(-0.9))."""
    truth = 2 / 3 * (1 - np.exp(-60 * (1 / 100 + 1 / 200)))
    hits = 0
    for seed in range(400):
        _, lower, upper, _ = aalen_johansen(*cohort(120, 100 + seed)).at(60)
        hits += lower <= truth <= upper
    assert 0.92 < hits / 400 < 0.98, "three standard errors of 95 % in 400 are 3.3 %"


@pytest.mark.parametrize(("events", "time"), [(0, 10.0), (5, 10.0), (37, 4.2)])
def test_poisson_limits_are_chi_squared_quantiles(events: int, time: float) -> None:
    from scipy.stats import chi2

    found = poisson_rate(events, time)
    lower = chi2.ppf(0.025, 2 * events) / 2 / time if events else 0.0
    assert found.lower == pytest.approx(lower, rel=1e-10)
    assert found.upper == pytest.approx(chi2.ppf(0.975, 2 * events + 2) / 2 / time, rel=1e-10)


def test_rate_ratio_limits_are_those_of_the_exact_binomial_test() -> None:
    from scipy.stats import binomtest

    a, b = poisson_rate(12, 30.0), poisson_rate(7, 50.0)
    interval = binomtest(12, 19).proportion_ci(method="exact")
    odds = [p / (1 - p) * 50 / 30 for p in (interval.low, interval.high)]
    assert rate_ratio(a, b) == pytest.approx((12 / 30 / (7 / 50), *odds), rel=1e-8)
    assert rate_ratio(poisson_rate(3, 1.0), poisson_rate(0, 1.0))[2] == np.inf
    assert np.isnan(rate_ratio(poisson_rate(0, 1.0), poisson_rate(0, 1.0))[0])


def test_transitions_of_four_patients_by_hand() -> None:
    """Columns liver, lung, bone; from liver to lung.

    A: liver 10, lung 30, followed to 50: at risk 20 days, one transition.
    B: liver and lung on day 20: the same day, no time.
    C: bone 5, liver 25, followed to 45: 20 days after the liver; 20 days after bone, liver free.
    D: bone 10, lung 40: 30 days and a transition after bone, liver free.
    """
    inf = np.inf
    days = np.array([[10, 30, inf], [20, 20, inf], [25, inf, 5], [inf, 40, 10]])
    end = np.array([50.0, 60.0, 45.0, 60.0])
    found = transition(days, end, 0, 1)
    assert (found.n_at_risk, found.n_same_day) == (2, 1)
    assert (found.after.events, found.after.time) == (1, 40.0)
    assert (found.otherwise.events, found.otherwise.time) == (1, 50.0)
    assert found.ratio == pytest.approx(50 / 40)
    first = first_of_all(days, end, days[:, 0])
    assert (first.events, first.time) == (2, 10.0 + 20 + 5 + 10)


def test_known_intensities_are_found() -> None:
    """Lung progresses at 1/50 after the liver has, at 1/200 before; the intervals hold both."""
    rng = np.random.default_rng(4)
    n = 3000
    liver, bone = rng.exponential(100, n), rng.exponential(60, n)
    early, late = rng.exponential(200, n), rng.exponential(50, n)
    lung = np.where(early < liver, early, liver + late)
    end = np.full(n, 300.0)
    days = np.where(np.stack((liver, lung, bone), axis=1) <= 300, 0, np.inf)
    days = days + np.stack((liver, lung, bone), axis=1)
    found = transition(days, end, 0, 1)
    assert found.after.lower < 1 / 50 < found.after.upper
    assert found.otherwise.lower < 1 / 200 < found.otherwise.upper
    assert found.ratio_lower < 4 < found.ratio_upper


def test_table_test_by_hand_and_beside_scipy() -> None:
    from scipy.stats import chi2_contingency, fisher_exact

    found = table_test([[10, 20], [20, 10]], seed=1)
    assert found.statistic == pytest.approx(20 / 3)
    assert found.cramers_v == pytest.approx(1 / 3)
    larger = np.array([[20, 30, 25], [30, 15, 40]])
    expected = chi2_contingency(larger, correction=False)
    found = table_test(np.vstack((larger, np.zeros((1, 3), dtype=int))), seed=1)
    assert (found.statistic, found.df) == pytest.approx((expected.statistic, 2))
    assert found.p_value == pytest.approx(expected.pvalue)
    small = np.array([[6, 1], [2, 7]])
    found = table_test(small, seed=1, permutations=20000)
    assert found.method == "permutation"
    exact = fisher_exact(small).pvalue
    assert found.p_value == pytest.approx(exact, abs=0.01), "three standard errors of 20,000 draws"
    assert np.isnan(table_test([[3, 4]], seed=1).p_value)


def test_what_is_no_incidence_is_refused() -> None:
    with pytest.raises(ValueError, match="not below 0"):
        aalen_johansen([-1.0], [1])
    with pytest.raises(ValueError, match="causes are"):
        aalen_johansen([1.0], [3])
