"""Hazard ratios, contrasts, and tests of terms and of the variance."""

from __future__ import annotations

import numpy as np
import pytest
from hazards.hazard_cases import random_data
from scipy.stats import chi2, norm

from udfs.hazards import (
    Options,
    against_mean,
    coefficient_tests,
    contrasts,
    fit_cox,
    hazard_ratios,
    level_weights,
    simulate_lesions,
    term_tests,
    variance_test,
)


@pytest.fixture(scope="module")
def fitted() -> tuple:
    data = simulate_lesions(250, 2000, seed=6).data()
    return data, fit_cox(data, Options(interval=False))


def test_intervals_and_p_values_are_walds(fitted: tuple) -> None:
    _, fit = fitted
    ratios = hazard_ratios(fit, 0.9)
    z = norm.ppf(0.95)
    np.testing.assert_allclose(
        ratios.upper, np.exp(fit.coefficient + z * np.sqrt(np.diag(fit.covariance))), rtol=1e-12
    )
    np.testing.assert_allclose(ratios.lower * ratios.upper, ratios.hazard_ratio**2, rtol=1e-12)
    np.testing.assert_allclose(
        ratios.p_value, 2 * norm.sf(np.abs(fit.coefficient) / fit.standard_error), rtol=1e-12
    )
    k = fit.position("organ", "liver")
    assert (ratios.term[k], ratios.level[k], ratios.reference[k]) == ("organ", "liver", "abdomen")
    assert ratios.reference[fit.position("age_years")] == ""


def test_difference_of_two_levels_equals_another_reference(fitted: tuple) -> None:
    data, fit = fitted
    from udfs.hazards import design, factor

    organ = data.design.terms[0]
    names = np.array((organ.reference, *organ.labels))[organ.codes]
    other = design(factor("organ", names, reference="liver"), *data.design.terms[1:])
    again = fit_cox(data.with_design(other), Options(variance=fit.variance))
    weights = np.zeros((1, len(fit.columns)))
    weights[0, fit.position("organ", "lung")] = 1
    weights[0, fit.position("organ", "liver")] = -1
    found = contrasts(fit, weights, [("organ", "lung", "liver")])
    k = again.position("organ", "lung")
    assert found.log_hr[0] == pytest.approx(again.coefficient[k], abs=1e-6)
    assert found.standard_error[0] == pytest.approx(again.standard_error[k], rel=1e-6)


def test_levels_against_their_mean(fitted: tuple) -> None:
    _, fit = fitted
    found = against_mean(fit, "organ")
    log_hr = np.concatenate([[0.0], fit.coefficient[:19]])
    assert found.level[0] == "abdomen"
    np.testing.assert_allclose(found.log_hr, log_hr - log_hr.mean(), atol=1e-12)
    assert found.log_hr.sum() == pytest.approx(0, abs=1e-12)
    # A random draw of the coefficients has the variances said.
    draws = np.random.default_rng(0).multivariate_normal(
        fit.coefficient[:19], fit.covariance[:19, :19], 40_000
    )
    draws = np.hstack([np.zeros((len(draws), 1)), draws])
    spread = (draws - draws.mean(axis=1, keepdims=True)).std(axis=0)
    np.testing.assert_allclose(found.standard_error, spread, rtol=0.02)
    levels, weights = level_weights(fit, "organ")
    assert weights.shape == (20, len(fit.columns))
    assert levels == found.level


def test_term_test_is_the_fall_of_the_refitted_likelihood(fitted: tuple) -> None:
    data, fit = fitted
    tests = {t.term: t for t in term_tests(data, fit)}
    assert [tests[n].df for n in ("organ", "treatment", "age_years", "log_size")] == [19, 3, 1, 1]
    smaller = fit_cox(data.with_design(data.design.without("treatment")), Options(interval=False))
    expected = 2 * (fit.loglik_integrated - smaller.loglik_integrated)
    found = tests["treatment"]
    assert found.chi2 == pytest.approx(expected, abs=1e-6)
    assert found.p_value == pytest.approx(chi2.sf(expected, 3), rel=1e-5)
    assert found.variance_without == pytest.approx(smaller.variance, rel=1e-5)
    b = fit.coefficient[19:22]
    wald = b @ np.linalg.inv(fit.covariance[19:22, 19:22]) @ b
    assert found.wald_chi2 == pytest.approx(wald, rel=1e-9)


def test_test_of_one_level_merges_it_with_the_reference(fitted: tuple) -> None:
    data, fit = fitted
    from udfs.hazards import factor

    (found, age) = coefficient_tests(
        data, fit, [("treatment", "anti-EGFR"), ("age_years", "age_years")]
    )
    treatment = data.design.terms[1]
    names = np.array((treatment.reference, *treatment.labels))[treatment.codes]
    names[names == "anti-EGFR"] = treatment.reference
    merged = data.design.without("treatment").plus(
        factor("treatment", names, reference=treatment.reference)
    )
    smaller = fit_cox(data.with_design(merged), Options(interval=False))
    expected = max(0.0, 2 * (fit.loglik_integrated - smaller.loglik_integrated))
    assert (found.term, found.label, found.df) == ("treatment", "anti-EGFR", 1)
    assert found.chi2 == pytest.approx(expected, abs=1e-6)
    k = fit.position("treatment", "anti-EGFR")
    z = fit.coefficient[k] / fit.standard_error[k]
    assert found.wald_chi2 == pytest.approx(z**2, rel=1e-9)
    (whole,) = term_tests(data, fit, ["age_years"])
    assert age.chi2 == pytest.approx(whole.chi2, abs=1e-7)
    assert len(coefficient_tests(data, fit)) == len(fit.columns)


def test_term_test_of_the_naive_model_is_coxs() -> None:
    data = random_data(40, n=300)
    fit = fit_cox(data, Options(variance=0.0))
    smaller = fit_cox(data.with_design(data.design.without("x")), Options(variance=0.0))
    (found,) = term_tests(data, fit, ["x"])
    assert found.chi2 == pytest.approx(2 * (fit.loglik_fixed - smaller.loglik_fixed), abs=1e-9)


def test_term_without_effect_never_has_a_negative_statistic() -> None:
    from udfs.hazards import numeric

    smallest = np.inf
    for seed in range(12):
        data = random_data(50 + seed, n=300, n_groups=60)
        noise = np.random.default_rng(seed).normal(size=60)[np.asarray(data.group)]
        wider = data.with_design(data.design.plus(numeric("noise", noise)))
        fit = fit_cox(wider, Options(interval=False))
        (found,) = term_tests(wider, fit, ["noise"])
        smallest = min(smallest, found.chi2)
        assert found.p_value <= 1
    assert smallest >= 0


def test_variance_test_halves_chi_squared() -> None:
    data = random_data(41, n=300, n_groups=30)
    fit = fit_cox(data)
    found = variance_test(fit)
    assert found.chi2 == pytest.approx(2 * (fit.loglik_integrated - fit.loglik_fixed))
    assert found.p_value == pytest.approx(chi2.sf(found.chi2, 1) / 2)
    naive = variance_test(fit_cox(data, Options(variance=0.0)))
    assert (naive.chi2, naive.p_value) == (0.0, 1.0)
