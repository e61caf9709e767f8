"""Baseline hazards and survival of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import References, numbers, random_data

from udfs.hazards import Options, cox_data, design, fit_cox, predict_survival, simulate_lesions


@pytest.mark.parametrize("column", ["uncentered"])
def test_baseline_equals_r(column: str, references: References) -> None:
    lung = references.frame("lung.csv").dropna(subset=["age", "sex", "ph.ecog"])
    data = cox_data(lung.time, lung.status - 1, design(*numbers(lung, "age", "sex", "ph.ecog")))
    fit = fit_cox(data)
    table = pd.read_csv(references.survival / f"basehaz_lung_efron_{column}.csv")
    # R lists censoring times as well.
    table = table[table.time.isin(fit.baseline.time)]
    np.testing.assert_allclose(fit.baseline.time, table.time)
    # R's coefficients are converged to 1e-9 of the log-likelihood.
    np.testing.assert_allclose(fit.baseline.cumulative, table.hazard, rtol=1e-6)


def test_baseline_hand_worked() -> None:
    # Three deaths, no covariate: 1/3, then 1/2, then 1; two strata add up on their own.
    data = cox_data([1, 2, 3, 1, 2], [1] * 5, design(n_rows=5), stratum=list("aaabb"))
    fit = fit_cox(data)
    np.testing.assert_allclose(fit.baseline.cumulative, [1 / 3, 5 / 6, 11 / 6, 1 / 2, 3 / 2])
    assert fit.baseline.stratum.tolist() == list("aaabb")
    found = predict_survival(data, fit, np.zeros((1, 0)), [0.5, 1, 2.5], stratum=["b"])
    np.testing.assert_allclose(found.survival[0], np.exp([0, -1 / 2, -3 / 2]))
    assert found.lower[0, 0] == found.upper[0, 0] == 1
    # Greenwood-like: 1/2^2, then + 1; on the log scale divided by the hazard.
    np.testing.assert_allclose(found.log_hazard_se[0, 1:], [1, np.sqrt(1 / 4 + 1) / 1.5])


@pytest.fixture(scope="module")
def fitted() -> tuple:
    data = simulate_lesions(150, 1200, seed=7, n_trials=2).data(by_trial=True, covariates=False)
    return data, fit_cox(data, Options(interval=False))


def test_conditional_marginal_and_group_predictions(fitted: tuple) -> None:
    data, fit = fitted
    rows = data.design.encode(
        {"organ": ["liver", "abdomen"], "treatment": ["chemotherapy", "anti-EGFR"]}
    )
    times, strata = [50.0, 200.0, 500.0], [0, 1]
    zero = predict_survival(data, fit, rows, times, frailty="zero", stratum=strata)
    for i, s in enumerate(strata):
        here = fit.baseline.stratum == s
        for q, t in enumerate(times):
            hazard = fit.baseline.hazard[here & (fit.baseline.time <= t)].sum()
            expected = np.exp(-hazard * np.exp(rows[i] @ fit.coefficient))
            assert zero.survival[i, q] == pytest.approx(expected, rel=1e-10)
    marginal = predict_survival(data, fit, rows, times, stratum=strata)
    u = np.random.default_rng(0).normal(0, np.sqrt(fit.variance), 400_000)
    hazard = np.exp(zero.log_hazard[0, 1])
    assert marginal.survival[0, 1] == pytest.approx(np.exp(-hazard * np.exp(u)).mean(), abs=2e-3)
    known = predict_survival(data, fit, rows, times, frailty="group", group=[3, 17], stratum=strata)
    shift = fit.frailty.effect[np.searchsorted(fit.frailty.group, [3, 17])]
    np.testing.assert_allclose(known.log_hazard, zero.log_hazard + shift[:, None], rtol=1e-10)
    for found in (zero, marginal, known):
        assert (found.lower < found.survival).all()
        assert (found.survival < found.upper).all()


def test_standard_errors_equal_the_delta_method_with_dense_matrices(fitted: tuple) -> None:
    data, fit = fitted
    from udfs.hazards.problem import prepare

    problem = prepare(data)
    k, p = problem.n_groups, problem.n_columns
    scale = problem.columns.scale
    effect = fit.frailty.effect[problem.active_groups]
    partial = problem.partial(fit.coefficient * scale, effect)
    columns = np.hstack([data.design.matrix()[problem.rows], np.eye(k)[problem.row_group]])
    whole = np.array([columns.T @ partial.hessian_times(problem.index, c) for c in columns.T])
    whole[p:, p:] += np.eye(k) / fit.variance
    inverse = np.linalg.inv(whole)
    row = np.concatenate([data.design.matrix()[5], np.eye(k)[4]])
    member = problem.group_labels[problem.active_groups[4]]
    time, stratum = 150.0, 1

    def log_hazard(theta: np.ndarray) -> float:
        at = problem.partial(theta[:p] * scale, theta[p:])
        jumps = at.a1 * np.exp(-at.shift)
        index = problem.index
        chosen = (index.point_stratum == stratum) & (index.point_time <= time)
        return float(np.log(jumps[chosen].sum()) + row @ theta)

    theta = np.concatenate([fit.coefficient, effect])
    gradient = np.array(
        [
            (log_hazard(theta + 1e-5 * e) - log_hazard(theta - 1e-5 * e)) / 2e-5
            for e in np.eye(p + k)
        ]
    )
    index = problem.index
    chosen = (index.point_stratum == stratum) & (index.point_time <= time)
    own = partial.a2[chosen].sum() / partial.a1[chosen].sum() ** 2
    expected = np.sqrt(own + gradient @ inverse @ gradient)
    found = predict_survival(
        data, fit, row[None, :p], [time], frailty="group", group=[member], stratum=[stratum]
    )
    assert found.log_hazard_se[0, 0] == pytest.approx(expected, rel=1e-6)


def test_survival_of_everyone_sums_to_the_events() -> None:
    # At the fitted effects, expected events equal those seen (the score of the baseline).
    data = random_data(60, n=400, n_groups=40)
    fit = fit_cox(data, Options(ties="breslow"))
    found = predict_survival(
        data,
        fit,
        data.design.matrix(),
        np.unique(data.stop),
        frailty="group",
        group=np.asarray(data.group).tolist(),
    )
    own = np.searchsorted(np.unique(data.stop), data.stop)
    hazard = -np.log(found.survival[np.arange(400), own])
    assert hazard.sum() == pytest.approx(data.event.sum(), rel=1e-6)
