"""Scores of rows that do not hang on other rows; checks in strata."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, QUICK
from scipy.stats import kstest

from udfs.growth import (
    GrowthFit,
    conditional_draws,
    conditional_modes,
    fit_growth,
    prediction_errors,
    predictive_check,
    residuals,
    simulate_data,
    simulate_schedule,
)
from udfs.growth.marginal import population_scores, row_uniforms
from udfs.growth.vpc import predictive_checks


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    """A fifth of the rows are below the limit of quantification."""
    base = simulate_schedule(300, 31)
    small = replace(base, v0=np.maximum(base.v0 * 0.05, 250.0))
    return fit_growth(simulate_data(small, CRC_LIKE, seed=31), settings=QUICK)


def test_a_row_keeps_its_number_whatever_other_rows_there_are(fit: GrowthFit) -> None:
    found = row_uniforms(fit, 1)
    assert kstest(found, "uniform").pvalue > 1e-3
    data = fit.problem.data
    kept = np.arange(0, data.n_lesions, 3)
    part = replace(fit, problem=replace(fit.problem, data=data.take(kept)))
    np.testing.assert_array_equal(row_uniforms(part, 1), found[np.isin(data.row_lesion, kept)])
    assert (row_uniforms(fit, 2) != found).all()


def test_scores_of_the_truth_are_standard_normal(fit: GrowthFit) -> None:
    uniform = row_uniforms(fit, 1)
    scores = population_scores(fit, uniform)
    # Rows of a lesion are correlated: the first row of each lesion is taken.
    lesion = fit.problem.data.row_lesion[np.sort(fit.problem.rows)]
    first = np.flatnonzero(np.diff(lesion, prepend=-1))
    n = len(first)
    assert abs(scores[first].mean()) < 3.5 / np.sqrt(n)
    assert abs(scores[first].var() - 1) < 3.5 * np.sqrt(2 / n)
    assert kstest(scores[first], "norm").pvalue > 1e-3
    wrong = replace(fit, theta=fit.theta + np.array([0.8, 0, 0, 0, 0, 0, 0]))
    assert population_scores(wrong, uniform).mean() < scores.mean() - 0.1


def test_marginal_scores_are_ranks_among_simulations(fit: GrowthFit) -> None:
    from scipy.special import ndtr

    from udfs.growth.simulation import simulate_rows

    scores = population_scores(fit, row_uniforms(fit, 1))
    simulated = simulate_rows(fit.problem, fit.population, 2000, 9)
    rank = (simulated < fit.problem.y[:, None]).mean(axis=1)[np.argsort(fit.problem.rows)]
    measured = ~fit.problem.is_censored[np.argsort(fit.problem.rows)]
    off = ndtr(scores[measured]) - rank[measured]
    assert np.abs(off).max() < 5 * 0.5 / np.sqrt(2000)


def test_strata_share_simulations_and_add_up(fit: GrowthFit) -> None:
    uniform = row_uniforms(fit, 1)
    errors = prediction_errors(fit, n_nodes=448, uniform=uniform)
    again = prediction_errors(fit, n_nodes=448, uniform=uniform, seed=20230607)
    np.testing.assert_array_equal(errors.npde, again.npde)
    found = residuals(
        fit, conditional_modes(fit), conditional_draws(fit, 10), errors, uniform=uniform
    )
    drawn = found.observed_mm3[found.is_censored]
    assert ((drawn >= 0) & (drawn <= 200)).all()
    whole = predictive_check(fit, found, n_simulations=60)
    half = np.arange(len(found.data_row)) % 2 == 0
    strata = {
        "all": np.ones_like(half),
        "even": half,
        "odd": ~half,
        "few": half & (np.cumsum(half) < 60),
    }
    checks = predictive_checks(fit, found, strata, n_simulations=60, rows_per_bin=50)
    np.testing.assert_allclose(checks["all"].observed, whole.observed)
    np.testing.assert_allclose(checks["all"].lower, whole.lower)
    # Where the population prediction is 1 everywhere, there is nothing to correct.
    flat = replace(found, population_mm3=np.ones_like(found.population_mm3))
    plain = predictive_check(fit, flat, n_simulations=60)
    for name in ("observed", "lower", "median", "upper"):
        np.testing.assert_allclose(getattr(whole, f"raw_{name}"), getattr(plain, name))
    assert not np.allclose(whole.raw_observed, whole.observed)
    assert checks["even"].n_rows.sum() + checks["odd"].n_rows.sum() == len(half)
    assert len(checks["few"].n_rows) == 1
    # Half of the rows scatter more: the medians' bands are wider.
    width = [np.mean((c.upper / c.lower)[:, 1]) for c in (checks["all"], checks["even"])]
    assert width[1] > width[0]
    assert (whole.censored_lower <= whole.censored_median).all()
    assert (whole.censored_median <= whole.censored_upper).all()
