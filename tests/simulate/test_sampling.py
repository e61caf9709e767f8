"""Fixed totals: what the quotas promise."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.simulate.sampling import by_rank, quota, rank_within, systematic_counts, tilted_pmf


def test_whole_expectations_come_out_exactly() -> None:
    counts = systematic_counts([2538, 1770], 4308, np.random.default_rng(1))
    assert counts.tolist() == [2538, 1770]


def test_counts_are_the_expectation_rounded_up_or_down_and_right_on_average() -> None:
    weights, n, draws = np.array([0.5, 0.3, 0.13, 0.07]), 7, 4000
    counts = np.array(
        [systematic_counts(weights, n, np.random.default_rng(seed)) for seed in range(draws)]
    )
    assert (counts.sum(axis=1) == n).all()
    assert (np.abs(counts - n * weights) < 1).all()
    # Each count is one of two neighbours: its standard deviation is at most 0.5.
    np.testing.assert_allclose(counts.mean(axis=0), n * weights, atol=4 * 0.5 / np.sqrt(draws))


def test_quota_gives_each_value_its_count() -> None:
    values = quota(["a", "b"], [3, 1], 400, np.random.default_rng(2))
    assert (values == "a").sum() == 300
    assert (values[:200] == "a").sum() not in (0, 200)


def test_tilted_distribution_has_the_mean_asked_for() -> None:
    p = tilted_pmf([1, 1, 1], 1, 2.5)
    assert p.sum() == pytest.approx(1)
    assert (p * np.array([1, 2, 3])).sum() == pytest.approx(2.5, abs=1e-9)
    # p ~ r^i with r + 2 r^2 + 3 r^3 = 2.5 (r + r^2 + r^3): r^2 - r - 3 = 0, r = (1 + sqrt 13) / 2.
    assert p[1] / p[0] == pytest.approx((1 + np.sqrt(13)) / 2, rel=1e-9)


def test_by_rank_keeps_the_values_and_orders_them() -> None:
    assert by_rank(np.array([5, 1, 3]), np.array([0.2, 0.9, 0.1])).tolist() == [3, 5, 1]


def test_rank_within_a_group() -> None:
    group = np.array([1, 0, 1, 1, 0])
    key = np.array([0.1, 0.5, 0.9, 0.4, 0.7])
    assert rank_within(group, key).tolist() == [2, 1, 0, 1, 0]
