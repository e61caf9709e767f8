"""The whole fit against brute force, other programs, and itself in another order."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import plain_eta, plain_loglik, random_data
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from udfs.hazards import (
    CoxData,
    CoxFit,
    Options,
    cox_data,
    design,
    factor,
    fit_cox,
    numeric,
    simulate_lesions,
)

# scipy's BFGS on a function with numerical derivatives, in units of standard errors and of the
# log-likelihood.
BRUTE_COEFFICIENT, BRUTE_LOGLIK = 1e-4, 1e-7
# In standard errors. lifelines stops when its Newton decrement is below the precision asked for,
# 1e-18 here, whose root this is 100 times: the rest is rounding in its sums.
LIFELINES = 1e-7


def plain_integrated(data: CoxData, variance: float, ties: str) -> tuple[float, np.ndarray]:
    """Laplace's integrated log-likelihood and coefficients, by a general minimiser and a Hessian by
    differences: nothing here is shared with the package."""
    groups = np.unique(data.group)
    p = len(data.design.columns)

    def minus(v: np.ndarray) -> float:
        eta = plain_eta(data, v[:p], v[p:])
        return -plain_loglik(data, eta, ties) + float(v[p:] @ v[p:]) / (2 * variance)

    start = np.zeros(p + len(groups))
    found = minimize(minus, start, method="BFGS", options={"gtol": 1e-7})
    step = 1e-3
    k = len(groups)
    hessian = np.empty((k, k))
    at = found.x
    for i, j in product(range(k), repeat=2):
        if j < i:
            hessian[i, j] = hessian[j, i]
            continue
        total = 0.0
        for a, b in product((1, -1), repeat=2):
            moved = at.copy()
            moved[p + i] += a * step
            moved[p + j] += b * step
            total += a * b * minus(moved)
        hessian[i, j] = total / (4 * step**2)
    log_det = np.linalg.slogdet(hessian)[1] + k * np.log(variance)
    return -found.fun - log_det / 2, at[:p]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"truncated": True, "strata": True, "weighted": True, "offset": True},
        {"truncated": True, "nested": True},
    ],
)
def test_fixed_variance_equals_brute_force(layout: dict[str, bool], ties: str) -> None:
    data = random_data(8, n=50, n_groups=6, **layout)
    expected, b = plain_integrated(data, 0.6, ties)
    fit = fit_cox(data, Options(variance=0.6, ties=ties))  # type: ignore[arg-type]
    # The Hessian's differences are good to 1e-6 of its elements.
    assert fit.loglik_integrated == pytest.approx(expected, abs=1e-5)
    assert np.abs((fit.coefficient - b) / fit.standard_error).max() < BRUTE_COEFFICIENT
    assert fit.variance == 0.6
    assert fit.is_variance_given


def test_variance_is_where_the_profile_peaks_and_the_interval_where_it_has_fallen() -> None:
    data = random_data(9, n=600, n_groups=60, strata=True, truncated=True)
    fit = fit_cox(data)

    def profile(variance: float) -> float:
        return fit_cox(data, Options(variance=variance)).loglik_integrated

    step = 0.02
    values = [profile(fit.variance * np.exp(k * step)) for k in (-2, -1, 0, 1, 2)]
    first = (values[0] - 8 * values[1] + 8 * values[3] - values[4]) / (12 * step)
    second = (-values[0] + 16 * values[1] - 30 * values[2] + 16 * values[3] - values[4]) / (
        12 * step**2
    )
    assert abs(first / second) < 1e-6  # relative error of the variance
    for limit in (fit.variance_lower, fit.variance_upper):
        # 3.8415 is the 95 % point of chi-squared with one degree of freedom.
        assert 2 * (fit.loglik_integrated - profile(limit)) == pytest.approx(3.841459, abs=1e-4)
    assert 0 < fit.variance_lower < fit.variance < fit.variance_upper


@pytest.mark.parametrize("method", ["laplace", "sparse", "aghq"])
def test_order_of_rows_does_not_matter_to_the_last_bit(method: str) -> None:
    data = random_data(
        10, n=400, n_groups=50, truncated=True, strata=True, weighted=True, offset=True
    )
    fit = fit_cox(data, Options(method=method))  # type: ignore[arg-type]
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(data.n_rows)
        again = fit_cox(data.rows(order), Options(method=method))  # type: ignore[arg-type]
        _assert_same(fit, again)


def test_number_of_threads_does_not_matter_to_the_last_bit() -> None:
    data = simulate_lesions(300, 2500, seed=3).data(by_trial=True)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(fit_cox(data))
    _assert_same(*fits)


def test_labels_of_groups_and_strata_do_not_matter() -> None:
    data = random_data(11, n=300, n_groups=30, strata=True)
    fit = fit_cox(data, Options(interval=False))
    renamed = replace(
        data,
        group=np.array([f"patient {9999 - g}" for g in np.asarray(data.group)]),
        stratum=np.array([f"trial {'CAB'[s]}" for s in np.asarray(data.stratum)]),
    )
    again = fit_cox(renamed, Options(interval=False))
    np.testing.assert_allclose(again.coefficient, fit.coefficient, rtol=1e-9)
    assert again.variance == pytest.approx(fit.variance, rel=1e-6)


def test_location_and_unit_of_a_number_only_rescale_its_coefficient() -> None:
    data = simulate_lesions(200, 1500, seed=4).data()
    fit = fit_cox(data, Options(variance=0.5))
    age = data.design.matrix()[:, -2]
    moved = data.design.without("age_years").plus(numeric("age_days", 1e6 + 365.25 * age))
    again = fit_cox(data.with_design(moved), Options(variance=0.5))
    k, j = fit.position("age_years"), again.position("age_days")
    assert again.coefficient[j] * 365.25 == pytest.approx(fit.coefficient[k], rel=1e-7)
    assert again.standard_error[j] * 365.25 == pytest.approx(fit.standard_error[k], rel=1e-7)
    assert again.loglik_integrated == pytest.approx(fit.loglik_integrated, abs=1e-8)


@pytest.mark.parametrize(
    "layout",
    [{}, {"truncated": True}, {"strata": True}, {"weighted": True}],
)
def test_zero_variance_equals_lifelines(layout: dict[str, bool]) -> None:
    from lifelines import CoxPHFitter

    data = random_data(12, n=400, n_groups=40, **layout)
    if "weighted" in layout:
        data = replace(data, weight=np.round(np.asarray(data.weight)) + 1)
    fit = fit_cox(data, Options(variance=0.0))
    names = [f"{term}{label}" for term, label in fit.columns]
    frame = pd.DataFrame(data.design.matrix(), columns=names)
    frame["stop"], frame["event"] = data.stop, data.event
    optional = {"entry_col": data.start, "weights_col": data.weight, "strata": data.stratum}
    given = {key: value for key, value in optional.items() if value is not None}
    for key, value in given.items():
        frame[key] = value
    other = CoxPHFitter()
    other.fit(frame, "stop", "event", fit_options={"precision": 1e-18}, **{k: k for k in given})
    error = fit.standard_error
    difference = (fit.coefficient - other.params_[names].to_numpy()) / error
    assert np.abs(difference).max() < LIFELINES
    assert fit.loglik_fixed == pytest.approx(other.log_likelihood_, abs=1e-8)
    np.testing.assert_allclose(error, other.standard_errors_[names], rtol=1e-6)
    assert fit.method == "naive"
    assert fit.variance == 0.0


def test_data_without_groups_is_fitted_as_with_variance_zero() -> None:
    data = random_data(13)
    with_groups = fit_cox(data, Options(variance=0.0))
    without = fit_cox(replace(data, group=None))
    # Sorting by group sums in another order.
    np.testing.assert_allclose(without.coefficient, with_groups.coefficient, rtol=1e-10)
    assert without.n_groups == 0


def test_boundary_is_flagged_and_fitted_without_random_effect() -> None:
    rng = np.random.default_rng(1)
    n = 600
    # Groups more alike than chance: everyone has the same mix of early and late events.
    group = np.repeat(np.arange(n // 6), 6)
    stop = np.tile([1.0, 2, 3, 4, 5, 6], n // 6) + rng.uniform(0, 0.01, n)
    data = cox_data(stop, np.ones(n), design(numeric("x", rng.normal(size=n))), group=group)
    fit = fit_cox(data)
    naive = fit_cox(data, Options(variance=0.0))
    assert fit.is_boundary
    assert fit.is_converged
    assert fit.variance == fit.variance_lower == 0.0
    assert 0 < fit.variance_upper < 0.2
    assert not fit.frailty.effect.any()
    assert fit.notes
    np.testing.assert_array_equal(fit.coefficient, naive.coefficient)
    assert fit.loglik_integrated == naive.loglik_integrated == fit.loglik_fixed
    assert not naive.is_boundary


def test_predicted_effects_and_their_sd_equal_the_dense_inverse() -> None:
    data = random_data(14, n=300, n_groups=25, truncated=True, weighted=True)
    fit = fit_cox(data, Options(variance=0.7))
    from udfs.hazards.problem import prepare

    problem = prepare(data)
    b = fit.coefficient * problem.columns.scale
    partial = problem.partial(b, fit.frailty.effect)
    columns = np.hstack(
        [
            np.array([problem.columns.times(row) for row in np.eye(3)]).T,
            np.eye(25)[problem.row_group],
        ]
    )
    whole = np.array([columns.T @ partial.hessian_times(problem.index, c) for c in columns.T])
    whole[3:, 3:] += np.eye(25) / 0.7
    inverse = np.linalg.inv(whole)
    np.testing.assert_allclose(fit.frailty.sd, np.sqrt(np.diag(inverse)[3:]), rtol=1e-7)
    scale = problem.columns.scale
    np.testing.assert_allclose(fit.covariance, inverse[:3, :3] / np.outer(scale, scale), rtol=1e-8)


def test_group_never_at_risk_has_effect_zero_and_the_prior_sd() -> None:
    data = random_data(15, n=200, n_groups=20)
    late = replace(
        data,
        stop=np.append(data.stop, [0.5, 0.5]),
        event=np.append(data.event, [False, False]),
        group=np.append(np.asarray(data.group), [99, 99]),
        design=design(
            numeric("x", np.append(data.design.matrix()[:, 0], [0.0, 1.0])),
        ),
    )
    early = replace(data, design=design(numeric("x", data.design.matrix()[:, 0])))
    fit, without = fit_cox(late), fit_cox(early)
    assert fit.n_groups == without.n_groups + 1
    assert fit.frailty.effect[-1] == 0.0
    assert fit.frailty.sd[-1] == pytest.approx(np.sqrt(fit.variance))
    assert fit.variance == pytest.approx(without.variance, rel=1e-6)
    assert fit.loglik_integrated == pytest.approx(without.loglik_integrated, abs=1e-9)


def test_model_of_the_random_effect_alone() -> None:
    data = random_data(16, n=300, n_groups=30)
    fit = fit_cox(replace(data, design=design(n_rows=300)))
    assert fit.coefficient.shape == (0,)
    assert fit.variance > 0
    assert fit.loglik_integrated > fit.loglik_null == pytest.approx(fit.loglik_fixed)


def test_coefficient_that_runs_off_is_not_called_converged() -> None:
    # Level b dies first, always: its hazard ratio has no upper bound.
    stop = np.concatenate([np.arange(1, 21), np.arange(101, 141)]).astype(float)
    level = np.repeat(["b", "a"], [20, 40])
    fit = fit_cox(cox_data(stop, np.ones(60), design(factor("level", level))))
    assert not fit.is_converged
    assert any("diverges" in note and "level: b" in note for note in fit.notes)


def test_variance_without_bound_is_not_called_converged() -> None:
    # Lesions of a patient all have their event within a thousandth of each other.
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 4)
    stop = rng.exponential(1, 40)[group] + rng.uniform(0, 1e-3, 160)
    data = cox_data(stop, np.ones(160), design(numeric("x", rng.normal(size=160))), group=group)
    fit = fit_cox(data)
    assert not fit.is_converged
    assert fit.variance_upper == np.inf
    assert any("very large" in note for note in fit.notes)


def test_strata_that_share_groups_and_many_small_strata_are_fitted_exactly() -> None:
    lesions = simulate_lesions(300, 2400, seed=12)
    terms = design(numeric("log_size", lesions.log_size))
    for stratum in (lesions.organ, lesions.patient % 60):
        data = cox_data(
            lesions.time_days, lesions.is_event, terms, group=lesions.patient, stratum=stratum
        )
        fit = fit_cox(data, Options(interval=False))
        assert fit.is_converged
        assert fit.determinant == "exact"
        lanczos = fit_cox(data, Options(determinant="lanczos", variance=fit.variance))
        assert lanczos.loglik_integrated == pytest.approx(fit.loglik_integrated, abs=0.01)


def test_lanczos_fit_equals_exact_fit() -> None:
    data = simulate_lesions(500, 4000, seed=5, schedule="exact").data(by_trial=True)
    exact = fit_cox(data, Options(determinant="exact", interval=False))
    lanczos = fit_cox(data, Options(determinant="lanczos", interval=False))
    assert (exact.determinant, lanczos.determinant) == ("exact", "lanczos")
    # The probes' error hardly changes with the variance, so its maximum stays where it is.
    assert lanczos.variance == pytest.approx(exact.variance, rel=1e-4)
    difference = (lanczos.coefficient - exact.coefficient) / exact.standard_error
    assert np.abs(difference).max() < 1e-4
    assert lanczos.loglik_integrated == pytest.approx(exact.loglik_integrated, abs=1e-3)


def _assert_same(one: CoxFit, two: CoxFit) -> None:
    assert one.variance == two.variance
    assert one.loglik_integrated == two.loglik_integrated
    assert (one.variance_lower, one.variance_upper) == (two.variance_lower, two.variance_upper)
    np.testing.assert_array_equal(one.coefficient, two.coefficient)
    np.testing.assert_array_equal(one.covariance, two.covariance)
    np.testing.assert_array_equal(one.frailty.effect, two.frailty.effect)
    np.testing.assert_array_equal(one.frailty.sd, two.frailty.sd)
    np.testing.assert_array_equal(one.baseline.hazard, two.baseline.hazard)
