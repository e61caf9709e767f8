"""Proposals that depend on the population point alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growth.cases import QUICK

from udfs.growth import GrowthData, GrowthFit, fit_growth
from udfs.growth.proposals import (
    Parts,
    longest_axis,
    make_nodes,
    memberships,
    parts_from_sums,
)
from udfs.growth.sharpening import parts_around_modes, sharpened

POINTS = 448


@pytest.fixture(scope="module")
def fit(simulated: GrowthData) -> GrowthFit:
    return fit_growth(simulated, settings=QUICK)


def parts_at(fit: GrowthFit, move: float, near: np.ndarray | None, rounds: int) -> Parts:
    """Parts at the fit's point, moved by so many standard errors."""
    theta = fit.theta + move * fit.standard_errors / np.maximum(np.abs(fit.estimates), 1e-9)
    point = fit.structure.unpack(theta)
    parts = parts_around_modes(fit.problem, point, near, threads=1, pool=None)
    nodes = make_nodes(3, POINTS, 1)
    return sharpened(fit.problem, point, parts, nodes, rounds=rounds, threads=1, pool=None)[0]


def shift(a: Parts, b: Parts) -> np.ndarray:
    """(n,) largest difference between centres, in standard deviations."""
    sd = np.sqrt(np.einsum("kaan->kan", a.covariance))
    return (np.abs(a.mean - b.mean) / sd).max(axis=(0, 1))


def test_parts_do_not_depend_on_where_the_modes_were_looked_for(fit: GrowthFit):
    place = np.argsort(np.argsort(fit.problem.order))
    near = fit.lesions.mean_phi[place].T
    # the same modes to the search's own tolerance, but for a lesion with two modes
    apart = shift(parts_at(fit, 0.0, None, 3), parts_at(fit, 0.0, near, 3))
    assert np.mean(apart < 1e-3) > 0.99


def test_parts_follow_the_point_without_jumps(fit: GrowthFit):
    here = parts_at(fit, 0.0, None, 3)
    steps = [0.01, 0.1]
    small, large = (shift(here, parts_at(fit, step, None, 3)) for step in steps)
    # a tenth of a standard error moves a lesion's posterior by hundredths of its width, and ten
    # times less far ten times less: with cuts or signs that jump, some lesions would move by one
    assert np.quantile(large, 0.99) < 0.2
    assert np.quantile(small, 0.99) < 0.04
    assert np.median(large) / np.median(small) == pytest.approx(10.0, rel=0.3)


def test_more_rounds_leave_the_weights_more_even(fit: GrowthFit):
    point, fresh = fit.population, make_nodes(3, POINTS, 2)
    found = []
    for rounds in (1, 3):
        parts = parts_at(fit, 0.0, None, rounds)
        found.append(sharpened(fit.problem, point, parts, fresh, rounds=1, threads=1, pool=None)[1])
    assert np.quantile(found[1], 0.01) > np.quantile(found[0], 0.01)
    assert np.median(found[1]) > 0.4 * POINTS


def test_memberships_are_shares_without_jumps():
    x = np.linspace(-3, 3, 6001)
    share = memberships(x)
    np.testing.assert_allclose(share.sum(axis=0), 1.0, rtol=1e-12)
    assert share.min() >= 0.0
    assert np.abs(np.diff(share, axis=1)).max() < 0.002
    # thirds of a normal, up to the ramps
    draws = memberships(np.random.default_rng(1).standard_normal(200_000)).mean(axis=1)
    np.testing.assert_allclose(draws, 1 / 3, atol=0.01)


def test_an_axis_that_chance_decides_is_not_trusted():
    sd = np.ones(3)
    long = np.diag([4.0, 1.0, 1.0])
    covariance = np.stack([long, np.eye(3), np.diag([1.0, 1.0, 1.1])], axis=2)
    axis, sureness = longest_axis(covariance, sd)
    np.testing.assert_allclose(np.abs(axis[:, 0]), [0.5, 0.0, 0.0], atol=1e-12)
    assert sureness[0] == 1.0
    assert sureness[1] == 0.0
    assert 0.0 < sureness[2] < 1.0
    weight = np.full((3, 1), 1 / 3)
    first = np.array([[-1.0], [0.0], [1.0]])[:, None] / 3
    second = np.array([1.2, 0.1, 1.2])[:, None, None, None] / 3
    whole = parts_from_sums(weight, first, second, np.zeros((1, 1)), np.zeros(1))
    np.testing.assert_allclose(whole.mean, 0.0, atol=1e-12)
    own = parts_from_sums(weight, first, second, np.zeros((1, 1)), np.ones(1))
    np.testing.assert_allclose(own.mean.ravel(), [-1.0, 0.0, 1.0])


def test_fits_from_two_starts_differ_by_less_than_their_monte_carlo_error(
    fit: GrowthFit, simulated: GrowthData
):
    other = {name: 1.4 * value for name, value in zip(fit.labels, fit.estimates, strict=True)}
    again = fit_growth(simulated, settings=replace(QUICK, n_explore=40), start=other)
    apart = np.abs(again.estimates - fit.estimates) / fit.standard_errors
    # with proposals that keep what the chains happened to visit it would be the error times 1.4
    assert apart.max() < 0.05
    assert np.median(apart / fit.convergence.mc_share) < 0.2
