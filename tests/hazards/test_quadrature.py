"""Adaptive Gauss-Hermite quadrature against integrals and maxima found otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hazards.hazard_cases import random_data
from scipy.integrate import quad
from scipy.optimize import minimize

from udfs.hazards import CoxData, Options, fit_cox, hazard_ratios
from udfs.hazards.prior import Prior
from udfs.hazards.quadrature import posteriors

# 15 nodes on a density that is nearly normal.
NODES = 1e-7


@pytest.mark.parametrize("variance", [0.05, 0.8, 4.0])
@pytest.mark.parametrize(("events", "cumulative"), [(0, 0.3), (1, 0.2), (3, 5.0), (40, 22.0)])
def test_integral_and_moments_equal_numerical_integration(
    events: float, cumulative: float, variance: float
) -> None:
    found = posteriors(np.array([events]), np.array([cumulative]), variance, 31)

    def density(u: float) -> float:
        exponent = events * u - cumulative * np.exp(u) - u**2 / (2 * variance)
        return float(np.exp(exponent - found.log_integral) / np.sqrt(2 * np.pi * variance))

    def moment(function) -> float:  # type: ignore[no-untyped-def]
        reach = 12 * np.sqrt(variance)
        points = [float(found.mean[0])]
        return quad(
            lambda u: function(u) * density(u),
            -reach,
            reach,
            points=points,
            epsabs=1e-13,
            limit=500,
        )[0]

    mean = moment(lambda u: u)
    exp_mean = moment(np.exp)
    # A variance of 4 with hardly an event is as far from normal as posteriors here come.
    assert moment(lambda u: 1.0) == pytest.approx(1, rel=1e-5)
    assert found.mean[0] == pytest.approx(mean, rel=1e-4, abs=1e-7)
    assert found.variance[0] == pytest.approx(moment(lambda u: (u - mean) ** 2), rel=1e-4)
    assert found.exp_mean[0] == pytest.approx(exp_mean, rel=1e-4)
    assert found.exp_variance[0] == pytest.approx(
        moment(lambda u: (np.exp(u) - exp_mean) ** 2), rel=1e-3
    )


def plain_marginal(data: CoxData, b: np.ndarray, log_jumps: np.ndarray, variance: float) -> float:
    """log likelihood of Breslow's model with a jump per event time, by a fine grid over u."""
    times = np.unique(data.stop[data.event])
    jumps = np.exp(log_jumps)
    u = np.linspace(-10, 10, 2001) * np.sqrt(variance)
    log_prior = -(u**2) / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)
    x = data.design.matrix() @ b
    total = 0.0
    for g in np.unique(data.group):
        log_density = log_prior.copy()
        for i in np.flatnonzero(np.asarray(data.group) == g):
            hazard = np.sum(jumps[times <= data.stop[i]]) * np.exp(x[i])
            log_density -= hazard * np.exp(u)
            if data.event[i]:
                log_density += log_jumps[times == data.stop[i]][0] + x[i] + u
        top = log_density.max()
        total += top + np.log(np.sum(np.exp(log_density - top)) * (u[1] - u[0]))
    return total


def test_fixed_variance_equals_brute_force_maximum() -> None:
    data = random_data(20, n=60, n_groups=8)
    variance = 0.9
    fit = fit_cox(data, Options(method="aghq", ties="breslow", variance=variance))
    n_jumps = len(np.unique(data.stop[data.event]))

    def minus(v: np.ndarray) -> float:
        return -plain_marginal(data, v[:3], v[3:], variance)

    start = np.concatenate([np.zeros(3), np.full(n_jumps, -2.0)])
    found = minimize(minus, start, method="BFGS", options={"gtol": 1e-5})
    count = np.unique(data.stop[data.event], return_counts=True)[1]
    constant = float(np.sum(count * np.log(count) - count))
    assert fit.loglik_integrated == pytest.approx(-found.fun - constant, abs=1e-6)
    assert np.abs((fit.coefficient - found.x[:3]) / fit.standard_error).max() < 1e-3
    # The inverse of the whole observed information, by differences of its log-likelihood.
    step = 1e-3
    size = len(found.x)
    at = np.concatenate([fit.coefficient, found.x[3:]])
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            moved = [at.copy() for _ in range(4)]
            for m, (a, c) in zip(moved, ((1, 1), (1, -1), (-1, 1), (-1, -1)), strict=True):
                m[i] += a * step
                m[j] += c * step
            values = [minus(m) for m in moved]
            hessian[i, j] = values[0] - values[1] - values[2] + values[3]
            hessian[j, i] = hessian[i, j]
    hessian /= 4 * step**2
    error = np.sqrt(np.diag(np.linalg.inv(hessian)))[:3]
    np.testing.assert_allclose(fit.standard_error, error, rtol=1e-3)


def test_efron_ties_are_those_of_the_partial_likelihood_as_the_variance_vanishes() -> None:
    data = random_data(21, n=300, n_groups=40, truncated=True, strata=True, weighted=True)
    naive = fit_cox(data, Options(variance=0.0))
    fit = fit_cox(data, Options(method="aghq", variance=1e-7))
    # The integrated likelihood is linear in a small variance.
    assert fit.loglik_integrated == pytest.approx(naive.loglik_fixed, abs=1e-4)
    difference = (fit.coefficient - naive.coefficient) / naive.standard_error
    assert np.abs(difference).max() < 1e-4
    np.testing.assert_allclose(fit.standard_error, naive.standard_error, rtol=1e-4)
    np.testing.assert_allclose(fit.baseline.hazard, naive.baseline.hazard, rtol=1e-4)


def test_more_nodes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from udfs.hazards import quadrature
    from udfs.hazards.problem import prepare
    from udfs.hazards.quadrature import QuadratureObjective
    from udfs.hazards.solver import maximise, snapshot

    problem = prepare(random_data(22, n=300, n_groups=40))
    start = np.zeros(3)
    taken = snapshot(problem, problem.partial(start), with_groups=False)
    fixed = maximise(problem, Prior(1.0), start, np.zeros(0), taken)
    values = [
        QuadratureObjective(problem, fixed, nodes).solve(0.8).loglik_integrated
        for nodes in (quadrature.NODES, 45)
    ]
    assert values[0] == pytest.approx(values[1], abs=NODES * 40)


def test_laplace_and_quadrature_agree_on_large_groups() -> None:
    data = random_data(23, n=3000, n_groups=40)
    laplace = fit_cox(data, Options(interval=False))
    aghq = fit_cox(data, Options(method="aghq", interval=False))
    # 75 rows a group, but ties on 15 days, which the two approximate differently.
    assert aghq.variance == pytest.approx(laplace.variance, rel=0.05)
    difference = (aghq.coefficient - laplace.coefficient) / laplace.standard_error
    assert np.abs(difference).max() < 0.1
    np.testing.assert_allclose(
        hazard_ratios(aghq).standard_error, hazard_ratios(laplace).standard_error, rtol=0.02
    )
