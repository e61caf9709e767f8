"""Differences of shares: published limits, and the restricted shares by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from udfs.comparisons.rate_difference import _restricted, miettinen_nurminen

# Newcombe, Stat Med 1998; 17:873, Table II, the method of Miettinen and Nurminen.
PUBLISHED = [
    ((56, 70, 48, 80), (0.0528, 0.3382)),
    ((9, 10, 3, 10), (0.1700, 0.8406)),
    ((6, 7, 2, 7), (0.0342, 0.8534)),
    ((5, 56, 0, 29), (-0.0326, 0.1933)),
    ((0, 10, 0, 20), (-0.1658, 0.2844)),
    ((0, 10, 0, 10), (-0.2879, 0.2879)),
    ((10, 10, 0, 20), (0.7156, 1.0)),
    ((10, 10, 0, 10), (0.6636, 1.0)),
]


@pytest.mark.parametrize(("counts", "limits"), PUBLISHED)
def test_limits_are_the_published_ones(
    counts: tuple[int, int, int, int], limits: tuple[float, float]
) -> None:
    got = miettinen_nurminen(*counts)
    assert (round(got.lower, 4), round(got.upper, 4)) == limits
    turned = miettinen_nurminen(*counts[2:], *counts[:2])
    assert (turned.lower, turned.upper) == pytest.approx((-got.upper, -got.lower), abs=1e-9)


def test_restricted_shares_have_the_greatest_likelihood() -> None:
    random = np.random.default_rng(7)
    for _ in range(300):
        n, m = random.integers(1, 60, 2)
        x, y = random.integers(0, n + 1), random.integers(0, m + 1)
        d = random.uniform(-0.99, 0.99)

        def loss(q: float) -> float:
            counts = ((x, q + d), (n - x, 1 - q - d), (y, q), (m - y, 1 - q))  # noqa: B023
            return -sum(k * np.log(max(p, 1e-300)) for k, p in counts if k)

        limits = (max(0.0, -d), min(1.0, 1 - d))
        found = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-10})
        p, q = _restricted(int(x), int(n), int(y), int(m), d)
        assert p - q == pytest.approx(d, abs=1e-12)
        # The search ends within 1e-10 of the minimum, beside which the loss is flat.
        assert loss(q) <= found.fun + 1e-8


def test_limits_are_where_the_score_is_the_normal_quantile() -> None:
    got = miettinen_nurminen(120, 300, 90, 310, confidence=0.9)
    for d in (got.lower, got.upper):
        p, q = _restricted(120, 300, 90, 310, d)
        variance = (p * (1 - p) / 300 + q * (1 - q) / 310) * 610 / 609
        assert abs(120 / 300 - 90 / 310 - d) / variance**0.5 == pytest.approx(1.644854, abs=1e-6)


@pytest.mark.parametrize("counts", [(3, 2, 1, 2), (-1, 2, 1, 2), (1, 0, 1, 2)])
def test_counts_that_are_none_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        miettinen_nurminen(*counts)
    with pytest.raises(ValueError, match="confidence"):
        miettinen_nurminen(1, 2, 1, 2, confidence=1.0)
