"""Conditional likelihood of single lesions: by hand, by finite differences, and against R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from growth.cases import one_lesion, problem_of
from scipy.stats import norm

from udfs.growth import GrowthData, GrowthDataError
from udfs.growth.kernels import loglik_at
from udfs.growth.likelihood import error_terms, loglik, phi_gradient
from udfs.growth.parameters import to_phi, to_psi

R_DIGITS = 1e-10
"""loglik_given_psi.csv has 12 significant digits."""


PSI = (0.004, 0.02, 0.3)


def by_hand(sigma, count_baseline: bool) -> float:
    """log p(y | psi) of ``one_lesion`` from scipy's normal distribution."""
    day = np.array([50.0, 100.0, 150.0, 400.0])
    f = 1000 * np.exp(0.04) * (0.3 * np.exp(0.004 * day) + 0.7 * np.exp(-0.02 * day))
    s = sigma(f)
    z = (np.array([400.0, 300.0, 350.0, 900.0]) - f) / s
    total = norm.logpdf(400, f[0], s[0]) + norm.logcdf(z[1])
    total += np.log(norm.cdf(z[2]) - norm.cdf((100 - f[2]) / s[2])) + norm.logsf(z[3])
    if count_baseline:
        total += norm.logpdf(0) - np.log(sigma(np.array([1000.0]))[0])
    return float(total)


@pytest.mark.parametrize(
    ("error", "values"),
    [("proportional", (0.3,)), ("constant", (120.0,)), ("combined", (40.0, 0.2))],
)
@pytest.mark.parametrize("count_baseline", [True, False])
def test_conditional_likelihood_by_hand(error: str, values: tuple, count_baseline: bool):
    problem = problem_of(one_lesion(), error, count_baseline=count_baseline)
    block, psi = problem.block(np.array([0])), [np.array([[x]]) for x in PSI]
    phi = to_phi(problem.model.parameters, np.stack(psi))
    ways = (
        loglik(problem.model, problem.error, block, psi, np.array(values)),
        loglik_at(problem, block, phi, np.array(values)),
    )
    sigma = {
        "proportional": lambda f: values[0] * f,
        "constant": lambda f: np.full_like(f, values[0]),
        "combined": lambda f: values[0] + values[-1] * f,
    }[error]
    for found in ways:
        assert found[0, 0] == pytest.approx(by_hand(sigma, count_baseline), rel=1e-11)


@pytest.mark.parametrize(
    ("error", "values"),
    [("proportional", (0.3,)), ("constant", (120.0,)), ("combined", (40.0, 0.2))],
)
def test_sums_over_rows_are_those_of_the_rows(hnscc: GrowthData, error: str, values: tuple):
    """Lesions with up to as many rows as the data have, some censored: more than one logarithm."""
    problem = problem_of(hnscc, error, count_baseline=False)
    block = problem.block(np.arange(problem.n_lesions))
    assert len(block.rank_sizes) > 7
    assert len(block.censored) > 100
    rng = np.random.default_rng(5)
    phi = rng.normal(0, 1.5, (3, problem.n_lesions, 6)) + np.array([-5.5, -4.0, 0.0])[:, None, None]
    psi = list(to_psi(problem.model.parameters, phi))
    by_row = loglik(problem.model, problem.error, block, psi, np.array(values))
    summed = loglik_at(problem, block, phi, np.array(values))
    np.testing.assert_allclose(summed, by_row, rtol=1e-10, atol=1e-8)


@pytest.mark.parametrize(
    ("error", "values"),
    [("proportional", (0.3,)), ("constant", (120.0,)), ("combined", (40.0, 0.2))],
)
def test_derivatives_are_those_of_the_likelihood(error: str, values: tuple):
    problem = problem_of(one_lesion(), error)
    block = problem.block(np.array([0]))
    rng = np.random.default_rng(0)
    psi0 = np.array(PSI)[:, None, None] * np.exp(rng.normal(0, 0.4, (3, 1, 20)))
    psi0[2] = np.clip(psi0[2], 0.05, 0.9)
    phi = np.stack([one.to_phi(psi0[k]) for k, one in enumerate(problem.model.parameters)])
    log_values = np.log(values)

    def value(log_error):
        return loglik(problem.model, problem.error, block, list(psi0), np.exp(log_error))

    terms = error_terms(problem.model, problem.error, block, list(psi0), np.array(values))
    h = 1e-4
    for k in range(len(values)):
        step = h * (np.arange(len(values)) == k)
        up, down = value(log_values + step), value(log_values - step)
        np.testing.assert_allclose(terms.score[k], (up - down) / (2 * h), rtol=1e-5, atol=1e-5)
        second = (up - 2 * value(log_values) + down) / h**2
        np.testing.assert_allclose(terms.curvature[k][k], second, rtol=1e-4, atol=1e-4)
    _, gradient = phi_gradient(problem.model, problem.error, block, phi, np.array(values))
    for k in range(3):
        step = np.zeros_like(phi)
        step[k] = 1e-5
        up, down = (
            phi_gradient(problem.model, problem.error, block, phi + s * step, np.array(values))[0]
            for s in (1, -1)
        )
        np.testing.assert_allclose(gradient[k], (up - down) / 2e-5, rtol=1e-5, atol=1e-5)


def test_extreme_parameters_give_numbers_or_minus_infinity():
    problem = problem_of(one_lesion())
    block = problem.block(np.array([0]))
    phi = np.random.default_rng(1).normal(0, 40, (3, 1, 5000))
    psi = [one.to_psi(phi[k]) for k, one in enumerate(problem.model.parameters)]
    terms = error_terms(problem.model, problem.error, block, psi, np.array([0.3]))
    for one in (terms.loglik, terms.score[0], terms.curvature[0][0]):
        assert np.isfinite(one).all()


@pytest.mark.parametrize(
    ("convention", "column"),
    [
        ("interval", "loglik_interval"),
        ("ignore_lower", "loglik_m3"),
        ("as_observed", "loglik_asobs"),
    ],
)
@pytest.mark.parametrize("point", ["mode", "mean_phi"])
def test_conditional_likelihood_equals_r(
    shared: Path, hnscc: GrowthData, convention: str, column: str, point: str
):
    reference = pd.read_csv(shared / "reference/nlme_growth/loglik_given_psi.csv")
    problem = problem_of(hnscc, censoring=convention)
    rows = reference[reference.point == point].set_index("lesionID")
    rows = rows.loc[hnscc.lesion[problem.order]]
    psi = [rows[name].to_numpy()[:, None] for name in ("kge", "kkill", "F")]
    everyone = problem.block(np.arange(problem.n_lesions))
    found = loglik(problem.model, problem.error, everyone, psi, np.array([0.35]))[:, 0]
    np.testing.assert_allclose(found, rows[column], rtol=R_DIGITS)
    last = problem.offsets[1:] - 1
    at_last = [x[:, 0] for x in psi]
    prediction = problem.model.predict(at_last, problem.times.take(last))
    np.testing.assert_allclose(prediction, rows.pred_last_row, rtol=R_DIGITS)


def test_baselines_are_left_out_of_the_warehouses_fits(hnscc: GrowthData):
    problem = problem_of(hnscc, count_baseline=False)
    assert problem.n_rows == 3574 - 776  # lesion 1369's baseline is not its V0 and stays
    assert problem.is_censored.sum() == 565


def test_nothing_but_baselines_or_censored_rows_is_refused():
    only = GrowthData.from_arrays(
        [1, 1], [-5.0, 40.0], [1000.0, 200.0], censoring=[0, 1], limit=[np.nan, 0.0]
    )
    with pytest.raises(GrowthDataError, match="is censored"):
        problem_of(only, count_baseline=False)
    single = GrowthData.from_arrays([1, 2], [0.0, 0.0], [10.0, 20.0], fewest_observations=1)
    with pytest.raises(GrowthDataError, match="besides its baseline"):
        problem_of(single, count_baseline=False)
