"""Residual error and censoring."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, truncnorm

from udfs.growth.residual_error import log_interval_probability, truncated_normal_draw

TAIL = 1e-8
"""Relative error of a probability, also where the plain difference would lose all digits."""


@pytest.mark.parametrize(
    ("low", "high"),
    [(-3, 1), (-2.8, -2.7), (0.5, 4), (-0.1, 0.1), (3, 3.5), (-8, -7.9), (1, 1.001)],
)
def test_interval_probability_is_the_integral_of_the_density(low: float, high: float):
    exact, _ = quad(norm.pdf, low, high, epsabs=0, epsrel=1e-12)
    found = log_interval_probability(np.array([low * 1.0]), np.array([high * 1.0]))[0]
    assert np.expm1(found - np.log(exact)) == pytest.approx(0, abs=TAIL)


def test_interval_probability_in_the_far_tails():
    # phi(x)/x (1 - 1/x^2 + 3/x^4 - 15/x^6): the next term is below 1e-8 from x = 30 on
    def log_tail(x):
        return norm.logpdf(x) - np.log(x) + np.log1p(-(x**-2.0) + 3 * x**-4.0 - 15 * x**-6.0)

    found = log_interval_probability(np.array([-np.inf, 40.0]), np.array([-30.0, np.inf]))
    np.testing.assert_allclose(found, [log_tail(30.0), log_tail(40.0)], rtol=1e-10)
    high = -50.0 + 2.0**-30
    narrow = log_interval_probability(np.array([-50.0]), np.array([high]))
    assert narrow[0] == pytest.approx(norm.logpdf(50.0) + np.log(2.0**-30), abs=1e-6)


def test_interval_probability_is_never_nan():
    rng = np.random.default_rng(0)
    low = np.concatenate([rng.normal(0, 100, 3000), np.full(500, -np.inf), [-1e200]])
    high = low + np.exp(rng.normal(-10, 15, len(low)))
    high[~np.isfinite(low)] = rng.normal(0, 1e3, (~np.isfinite(low)).sum())
    keep = high > low
    values = log_interval_probability(low[keep], high[keep])
    assert not np.isnan(values).any()
    assert values.max() <= 1e-12


def test_truncated_draws_have_the_truncated_normals_quantiles():
    u = np.linspace(0.001, 0.999, 500)
    for low, high in ((-2.5, -1.0), (1.0, 3.0), (-np.inf, -4.0), (5.0, np.inf), (-0.2, 0.3)):
        found = truncated_normal_draw(np.full(500, low), np.full(500, high), u)
        np.testing.assert_allclose(found, truncnorm.ppf(u, low, high), rtol=1e-6, atol=1e-9)
