"""Lesions within patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, QUICK

from udfs.growth import (
    DropOut,
    FitInterruptedError,
    GrowthDataError,
    GrowthFit,
    fit_growth,
    fit_second_level,
    simulate_data,
)
from udfs.growth.nested import nested_curvature, nested_sums
from udfs.growth.newton import newton_direction
from udfs.growth.patient_nodes import (
    Around,
    PatientNodes,
    TwoLevelPoint,
    approximate_effects,
    members_of,
    nodes_around,
)
from udfs.growth.population import Population
from udfs.growth.proposals import make_nodes
from udfs.growth.total_population import under_total_variance
from udfs.growth.two_level_theta import free_directions, split_start, two_level_point

FAR = 3.5
"""Standard errors from the truth."""
BETWEEN = {"kg": 0.5, "kd": 0.55, "f": 0.9}
WITHIN = CRC_LIKE | {"omega_kg": 0.6, "omega_kd": 0.7, "omega_f": 1.2}


def nodes_of_all(fit: GrowthFit, point: TwoLevelPoint, count: int) -> PatientNodes:
    """``count`` nodes per axis for every patient."""
    patients, member = np.unique(fit.problem.data.patient[fit.problem.order], return_inverse=True)
    around = approximate_effects(fit, point, member)
    everyone = np.arange(len(patients))
    return nodes_around(around, point.between, members_of(member), everyone, count)


def two_level_data(schedule: Callable, n: int, seed: int, between: dict[str, float]):
    """Four lesions per patient."""
    base = replace(schedule(n, seed), patient=np.arange(n) // 4)
    return simulate_data(base, WITHIN, patient_omega=between, seed=seed)


def test_planted_variance_between_patients_is_recovered(schedule: Callable):
    fit = fit_growth(two_level_data(schedule, 480, 21, BETWEEN), settings=QUICK)
    found = fit_second_level(fit)
    truth = WITHIN | {f"gamma_{name}": value for name, value in BETWEEN.items()}
    z = (found.estimates - [truth[name] for name in found.labels]) / found.standard_errors
    assert found.is_converged
    assert np.abs(z).max() < FAR
    gammas = [k for k, name in enumerate(found.labels) if name.startswith("gamma")]
    assert np.abs(z[gammas]).max() < 2.0
    assert found.minus2ll_gain > 50
    assert found.minus2ll == pytest.approx(fit.minus2ll - found.minus2ll_gain, abs=12)
    assert found.n_patients == 120
    assert (found.patient_share > 0.15).all()
    assert np.isfinite(found.mean_phi).all()
    # a patient's mean effect is that of their lesions: known within the posterior's spread
    spread = found.patient_mean.var(axis=0) + (found.patient_sd**2).mean(axis=0)
    np.testing.assert_allclose(spread, found.estimates[gammas] ** 2, rtol=0.15)


def test_no_variance_between_patients_is_found_where_there_is_none(schedule: Callable):
    fit = fit_growth(two_level_data(schedule, 160, 22, {}), settings=QUICK)
    found = fit_second_level(fit)
    assert found.minus2ll_gain < 12
    assert (found.patient_share < 0.25).all()
    assert np.isfinite(found.standard_errors).all()


@pytest.mark.parametrize(
    ("omega", "has_dropout"), [("diagonal", False), ("full", False), ("diagonal", True)]
)
def test_nested_score_and_information_are_the_derivatives(
    schedule: Callable, omega: str, has_dropout: bool
):
    base = schedule(16, 23)
    data = replace(base, patient=np.arange(16) // 4, covariates={"age": np.arange(16.0)})
    data = simulate_data(data, WITHIN, patient_omega=BETWEEN, seed=23)
    large = fit_growth(
        data, omega=omega, covariates={"f": ["age"]}, settings=replace(QUICK, most_newton_steps=2)
    )
    # any point will do: take the simulated truth, not the poor estimate from 16 lesions
    coefficients = np.zeros(large.problem.design.mask.shape)
    coefficients[0] = [np.log(0.0033), np.log(0.015), np.log(3 / 7)]
    inner = np.diag([0.8, 0.9, 1.5]) ** 2
    fit = replace(
        large, theta=large.structure.pack(Population(coefficients, inner, np.array([0.25])))
    )
    dropout = None
    if has_dropout:
        exposure = np.array([[100.0, 20.0], [100.0, 400.0], [60.0, 0.0], [0.0, 0.0], [40.0, 0.0]])
        events = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
        # four patients with lesions, and one without
        dropout = DropOut(exposure, events, np.array([0.0, 100.0, np.inf]), 4)
    theta = split_start(fit, dropout)
    if has_dropout:
        theta[-5:-2] = [0.9, -0.4, 0.3]
    groups = [(make_nodes(3, 56, 1), nodes_of_all(fit, two_level_point(fit, theta), 3))]

    def sums(at):
        return nested_sums(fit, two_level_point(fit, at), groups, 1, None, dropout=dropout)

    now = sums(theta)
    curve = nested_curvature(fit, two_level_point(fit, theta), theta, now, groups)
    h = 1e-4
    for k in range(len(theta)):
        step = h * (np.arange(len(theta)) == k)
        up, down = sums(theta + step), sums(theta - step)
        slope = (up.loglik - down.loglik) / (2 * h)
        assert curve.score[k] == pytest.approx(slope, rel=1e-5, abs=1e-4)
        bend = (up.score - down.score) / (2 * h)
        scale = np.abs(curve.complete).max()
        np.testing.assert_allclose(-curve.observed[k] / scale, bend / scale, atol=2e-6)


def test_a_vanishing_second_level_gives_the_single_level_likelihood(schedule: Callable):
    fit = fit_growth(two_level_data(schedule, 40, 24, BETWEEN), settings=QUICK)
    tiny = TwoLevelPoint(fit.population, np.full(3, 1e-4))
    groups = [(make_nodes(3, 1792, 1), nodes_of_all(fit, tiny, 3))]
    found = nested_sums(fit, tiny, groups, 1, None)
    tolerance = 4 * fit.minus2ll_mc_se + 0.5
    assert -2 * found.loglik == pytest.approx(fit.minus2ll, abs=tolerance)


def test_the_last_steps_are_where_many_nodes_see_the_maximum(schedule: Callable):
    """What more nodes of the patients move is within the error that the fit states."""
    fit = fit_growth(two_level_data(schedule, 160, 27, BETWEEN), settings=QUICK)
    found = fit_second_level(fit, n_nodes=448)
    patients, member = np.unique(fit.problem.data.patient[fit.problem.order], return_inverse=True)
    point = two_level_point(fit, found.theta)
    spread = np.einsum("na,ab->nab", found.patient_sd**2, np.eye(3))
    around = Around(found.patient_mean, spread)
    everyone = np.arange(len(patients))
    where = nodes_around(around, point.between, members_of(member), everyone, 10)
    groups = [(make_nodes(3, 896, 5), where)]
    sums = nested_sums(fit, point, groups, 1, None, is_rough=True)
    curve = nested_curvature(fit, point, found.theta, sums, groups)
    step = newton_direction(free_directions(fit, found.theta, curve))
    error = np.sqrt(np.diag(np.linalg.pinv(curve.observed)))
    assert found.is_converged
    assert np.abs(step / error).max() < 0.3
    assert -2 * sums.loglik == pytest.approx(found.minus2ll, abs=4 * found.minus2ll_mc_se + 2)


def test_a_spread_that_starts_too_large_is_found_all_the_same(
    schedule: Callable,
):
    """Fixed nodes that are too wide would hide a small spread, and inflate the likelihood."""
    fit = fit_growth(two_level_data(schedule, 160, 28, {"kg": 0.5, "f": 0.9}), settings=QUICK)
    usual = fit_second_level(fit, n_nodes=224)
    values = {"gamma_kg": 0.8, "gamma_kd": 0.9, "gamma_f": 1.5}
    far = fit_second_level(fit, start=values, n_nodes=224)
    assert far.minus2ll_gain > -2 - 4 * far.minus2ll_mc_se
    assert far.minus2ll == pytest.approx(usual.minus2ll, abs=2 + 4 * usual.minus2ll_mc_se)
    shift = (far.estimates - usual.estimates)[:6] / usual.standard_errors[:6]
    assert np.abs(shift).max() < 0.3


def test_single_precision_weights_are_near_enough(schedule: Callable):
    fit = fit_growth(two_level_data(schedule, 60, 26, BETWEEN), settings=QUICK)
    point = two_level_point(fit, split_start(fit))
    groups = [(make_nodes(3, 224, 1), nodes_of_all(fit, point, 4))]
    double = nested_sums(fit, point, groups, 1, None)
    single = nested_sums(fit, point, groups, 1, None, is_rough=True)
    assert single.loglik == pytest.approx(double.loglik, rel=1e-7)
    np.testing.assert_allclose(single.score, double.score, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(single.mean_phi, double.mean_phi, atol=1e-4)
    scale = np.abs(double.missing).max()
    np.testing.assert_allclose(single.missing / scale, double.missing / scale, atol=1e-5)


def test_a_second_level_needs_patients_with_several_lesions(schedule: Callable):
    data = simulate_data(schedule(40, 25), CRC_LIKE, seed=25)
    fit = fit_growth(data, settings=QUICK)
    with pytest.raises(GrowthDataError, match="needs the patient"):
        fit_second_level(fit)
    alone = fit_growth(replace(data, patient=np.arange(40)), settings=QUICK)
    with pytest.raises(GrowthDataError, match="no patient has two"):
        fit_second_level(alone)
    pairs = fit_growth(replace(data, patient=np.arange(40) // 2), settings=QUICK)
    with pytest.raises(FitInterruptedError):
        fit_second_level(pairs, progress=lambda state: False)


def test_lesions_whose_nodes_miss_are_learnt_anew_under_the_total_variance(schedule: Callable):
    fit = fit_growth(two_level_data(schedule, 160, 25, BETWEEN), settings=QUICK)
    two = fit_second_level(fit)
    good = under_total_variance(fit, two)
    missed = np.array([3, 40, 77])
    mean = fit.proposal.mean.copy()
    mean[..., missed] += 6.0 * np.sqrt(
        np.einsum("kabn,kabn->kan", fit.proposal.factor, fit.proposal.factor)[..., missed]
    )
    poor = replace(fit, proposal=replace(fit.proposal, mean=mean))
    found = under_total_variance(poor, two)
    place = fit.problem.order[missed]
    assert found.lesions.ess.min() >= 44.8  # a tenth of 448 nodes
    # two estimates of a mean from 45 effective nodes or more: 0.15 standard deviations each
    off = (found.lesions.mean_phi - good.lesions.mean_phi)[place] / good.lesions.sd_phi[place]
    assert np.abs(off).max() < 0.6
    rest = np.setdiff1d(np.arange(160), place)
    np.testing.assert_array_equal(found.lesions.mean_phi[rest], good.lesions.mean_phi[rest])
