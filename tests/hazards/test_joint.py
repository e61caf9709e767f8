"""What two models share in error: against lifelines' clustered errors, and against a bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from udfs.hazards import (
    Options,
    cox_data,
    design,
    fit_cox,
    joint_covariance,
    numeric,
    patient_bootstrap,
    score_residuals,
    simulate_lesions,
)


def test_without_random_effect_it_is_the_clustered_sandwich() -> None:
    """A model with itself: V (sum s s') V, which lifelines computes on its own way."""
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(4)
    n = 400
    group = np.arange(n) // 4
    x = rng.normal(size=(n, 2))
    x[:, 1] = x[group * 4, 1]
    time = rng.exponential(size=n) * np.exp(-x @ [0.5, -0.3] - rng.normal(size=100)[group])
    event = rng.random(n) < 0.8
    data = cox_data(
        time, event, design(numeric("a", x[:, 0]), numeric("b", 3 * x[:, 1])), group=group
    )
    fit = fit_cox(data, Options(variance=0.0))
    ours = joint_covariance((data, fit), (data, fit))
    frame = pd.DataFrame({"a": x[:, 0], "b": 3 * x[:, 1], "t": time, "e": event, "g": group})
    theirs = lifelines.CoxPHFitter().fit(frame, "t", "e", cluster_col="g").standard_errors_
    assert np.sqrt(np.diag(ours)) == pytest.approx(theirs.to_numpy(), rel=1e-5)


def test_residuals_sum_to_nothing_and_their_squares_to_the_information() -> None:
    """With tied events, weights and a random effect; the second is Bartlett's identity, which holds
    on the average: over 24 coefficients of one data set to a few percent."""
    data = simulate_lesions(1500, 12_000, seed=3).data()
    fit = fit_cox(data, Options(interval=False))
    labels, residual = score_residuals(data, fit)
    assert len(labels) == residual.shape[0] <= 1500
    assert np.abs(residual.sum(axis=0)).max() < 1e-8 * np.abs(residual).sum(axis=0).max()
    share = np.diag(residual.T @ residual @ fit.covariance)
    assert share.mean() == pytest.approx(1.0, abs=0.05)
    assert share.min() > 0.6


def test_weights_stand_for_rows() -> None:
    data = simulate_lesions(200, 2500, seed=5).data()
    doubled = np.flatnonzero(~data.event)[::3]
    repeated = data.rows(np.concatenate([np.arange(data.n_rows), doubled]))
    weight = np.ones(data.n_rows)
    weight[doubled] = 2.0
    weighted = cox_data(data.stop, data.event, data.design, group=data.group, weight=weight)
    results = []
    for one in (repeated, weighted):
        fit = fit_cox(one, Options(variance=0.5))
        results.append(joint_covariance((one, fit), (one, fit)))
    assert results[0] == pytest.approx(results[1], rel=1e-6, abs=1e-12)


def test_agrees_with_patients_drawn_with_replacement() -> None:
    """Two endpoints of the same lesions whose times share their chances and, with the opposite
    sign, part of the patient's effect."""
    rng = np.random.default_rng(5)
    n = 500
    first = rng.normal(0, 0.9, n)
    second = -0.5 * first + rng.normal(0, 0.75, n)
    data = [
        simulate_lesions(n, 4000, seed=7, frailty=u).data(covariates=False) for u in (first, second)
    ]
    fits = [fit_cox(one, Options(interval=False)) for one in data]
    expected = patient_bootstrap(data, fits, n_replicates=40, seed=1)
    ours = np.diag(joint_covariance((data[0], fits[0]), (data[1], fits[1])))
    scale = fits[0].standard_error * fits[1].standard_error
    organs = slice(0, 19)
    theirs = np.diag(expected.covariance(0, 1)) / np.sqrt(
        np.diag(expected.covariance(0, 0)) * np.diag(expected.covariance(1, 1))
    )
    correlation = (ours / scale)[organs]
    assert correlation.mean() == pytest.approx(theirs[organs].mean(), abs=0.1)
    assert correlation.mean() > 0.5
    assert np.abs((ours / scale)[19:]).max() < 0.35
