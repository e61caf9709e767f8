"""Against exact integration over both random effects, in R: tests/data/growth, with its script."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from references import DATA

from udfs.growth import GrowthData, GrowthFit, SteinFojo, fit_growth, minus2ll_at
from udfs.growth.likelihood import loglik
from udfs.growth.problem import compile_problem
from udfs.growth.residual_error import ResidualError

R_DIGITS = 1e-10
"""Relative; differences of normal probabilities lose four digits of R's fifteen."""
DISTANCE = 0.02
"""Standard errors from the exact maximum: three times what two seeds of its nodes differ by."""
SE = 0.005
"""Relative, of standard errors; the information by the same nodes, ten times their difference."""
MINUS2LL = 0.01
"""Of the fit's own -2LL; two seeds are 7e-4 apart."""
MONTE_CARLO = 4.0
"""Errors as the likelihood states them itself."""
POSTERIOR = 0.01
"""Of a lesion's standard deviation; two seeds are 2e-3 apart."""


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return json.loads((DATA / "growth" / "reference.json").read_text())


@pytest.fixture(scope="module")
def by_lesion() -> pd.DataFrame:
    return pd.read_csv(DATA / "growth" / "lesions_reference.csv", float_precision="round_trip")


@pytest.fixture(scope="module")
def data() -> GrowthData:
    d = pd.read_csv(DATA / "growth" / "lesions.csv")
    zero = np.where(d.is_censored == 1, 0.0, np.nan)
    return GrowthData.from_arrays(
        d.lesion, d.day, d.volume, d.v0, np.zeros(len(d)), d.is_censored, zero
    )


@pytest.fixture(scope="module")
def fit(data: GrowthData) -> GrowthFit:
    return fit_growth(data, model=SteinFojo(), count_baseline=False, seed=1)


@pytest.mark.parametrize("convention", ["interval", "ignore_lower", "as_observed"])
def test_likelihood_of_given_rates_equals_r(
    data: GrowthData, by_lesion: pd.DataFrame, answers: Any, convention: str
):
    problem = compile_problem(
        data,
        model=SteinFojo(),
        error=ResidualError("proportional"),
        covariates={},
        references={},
        censoring=convention,
        count_baseline=True,
    )
    rows = by_lesion.set_index("lesion").loc[data.lesion[problem.order]]
    psi = [rows[name].to_numpy()[:, None] for name in ("kg", "kd")]
    everyone = problem.block(np.arange(problem.n_lesions))
    error = np.array([answers["b_given"]])
    found = loglik(problem.model, problem.error, everyone, psi, error)[:, 0]
    np.testing.assert_allclose(found, rows[convention], rtol=R_DIGITS)


def test_estimates_are_at_the_exact_maximum(fit: GrowthFit, answers: Any):
    exact, se = (
        np.array([answers[what][label.removesuffix("_pop")] for label in fit.labels])
        for what in ("estimate", "se")
    )
    # Two starts of the reference's own search.
    again = answers["minus2ll_from_another_start"]
    assert answers["minus2ll"] == pytest.approx(again, abs=1e-6)
    assert fit.convergence.is_converged
    assert np.abs((fit.estimates - exact) / se).max() < DISTANCE
    np.testing.assert_allclose(fit.standard_errors / se, 1.0, atol=SE)
    assert fit.minus2ll == pytest.approx(answers["minus2ll"], abs=MINUS2LL)


def test_likelihood_at_another_point_is_the_exact_one(fit: GrowthFit, answers: Any):
    given = dict(answers["given"])
    expected = given.pop("minus2ll")
    point = {label: given[label.removesuffix("_pop")] for label in fit.labels}
    found = minus2ll_at(fit, point)
    assert found.minus2ll == pytest.approx(expected, abs=MONTE_CARLO * found.mc_se)
    # It lies 37.2 above the minimum.
    assert MONTE_CARLO * found.mc_se < 1


def test_lesions_have_their_exact_means_and_spreads(fit: GrowthFit, by_lesion: pd.DataFrame):
    rows = by_lesion.set_index("lesion").loc[fit.lesions.lesion]
    mean = rows[["mean_log_kg", "mean_log_kd"]].to_numpy()
    sd = rows[["sd_log_kg", "sd_log_kd"]].to_numpy()
    assert np.abs((fit.lesions.mean_phi - mean) / sd).max() < POSTERIOR
    np.testing.assert_allclose(fit.lesions.sd_phi / sd, 1.0, atol=POSTERIOR)
