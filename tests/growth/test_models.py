"""Growth models against hand calculations and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.growth import (
    MODELS,
    Claret,
    Exponential,
    Gompertz,
    GrowthModel,
    Logistic,
    SteinFojo,
    TwoPopulation,
    growth_model,
)
from udfs.growth.parameters import Parameter

RELATIVE = 1e-12
"""Hand calculations use the same exponentials."""
DIFFERENCE = 1e-6
"""Central differences with step 1e-6: truncation and rounding stay below this relative error."""


def curve(model: GrowthModel, psi: list[float], days: list[float], v0: float, t0: float):
    """Predictions for one lesion."""
    t = np.array(days, dtype=float)
    times = model.times(t, np.full_like(t, v0), np.full_like(t, t0))
    return model.predict([np.full_like(t, x) for x in psi], times)


def test_two_populations_grow_before_and_split_at_the_first_dose():
    at = curve(TwoPopulation(), [0.01, 0.05, 0.2], [-20, -10, 0, 40], 1000, -20)
    day0 = 1000 * np.exp(0.2)
    by_hand = [1000, 1000 * np.exp(0.1), day0, day0 * (0.2 * np.exp(0.4) + 0.8 * np.exp(-2.0))]
    np.testing.assert_allclose(at, by_hand, rtol=RELATIVE)
    np.testing.assert_allclose(at[3], 496.7, atol=0.05)  # the docstring's number


def test_equation_two_of_the_paper_is_flat_before_the_first_dose():
    model = TwoPopulation(pretreatment="flat")
    at = curve(model, [0.01, 0.05, 0.2], [-20, 0, 40], 1000, -20)
    by_hand = [1000, 1000, 1000 * (0.2 * np.exp(0.4) + 0.8 * np.exp(-2.0))]
    np.testing.assert_allclose(at, by_hand, rtol=RELATIVE)


def test_stein_fojo_by_hand():
    at = curve(SteinFojo(), [0.01, 0.02], [-10, 0, 50], 500, -10)
    day0 = 500 * np.exp(0.1)
    np.testing.assert_allclose(
        at, [500, day0, day0 * (np.exp(0.5) + np.exp(-1.0) - 1)], rtol=RELATIVE
    )


def test_claret_by_hand():
    at = curve(Claret(), [0.005, 0.03, 0.02], [-10, 100], 500, -10)
    killed = 0.03 / 0.02 * (1 - np.exp(-2.0))
    np.testing.assert_allclose(at, [500, 500 * np.exp(0.005 * 110 - killed)], rtol=RELATIVE)


def test_exponential_gompertz_and_logistic_by_hand():
    np.testing.assert_allclose(
        curve(Exponential(), [-0.01], [-10, 90], 500, -10), [500, 500 * np.exp(-1)], rtol=RELATIVE
    )
    gompertz = curve(Gompertz(), [-0.02, 0.01], [-10, 90, 1e6], 500, -10)
    by_hand = [500, 500 * np.exp(-2 * (1 - np.exp(-1))), 500 * np.exp(-2)]
    np.testing.assert_allclose(gompertz, by_hand, rtol=RELATIVE)
    logistic = curve(Logistic(), [0.02, 0.4], [-10, 90, 1e5], 500, -10)
    by_hand = [500, 500 * 0.4 / (1 - 0.6 * np.exp(-2)), 200]
    np.testing.assert_allclose(logistic, by_hand, rtol=RELATIVE)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("baseline", ["regressor", "parameter"])
def test_curves_pass_through_their_baseline(name: str, baseline: str):
    model = MODELS[name](baseline=baseline)
    psi = [one.start for one in model.parameters]
    if baseline == "regressor":
        assert curve(model, psi, [-15.0], 700, -15)[0] == pytest.approx(700, rel=RELATIVE)
    else:
        assert curve(model, psi, [0.0], 1, 0)[0] == pytest.approx(psi[0], rel=RELATIVE)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("baseline", ["regressor", "parameter"])
@pytest.mark.parametrize("pretreatment", ["growth", "flat"])
def test_slopes_are_the_derivatives(name: str, baseline: str, pretreatment: str):
    model = MODELS[name](baseline=baseline, pretreatment=pretreatment)
    rng = np.random.default_rng(1)
    days = np.array([-20.0, -5.0, 0.0, 30.0, 200.0])
    times = model.times(days, np.full(5, 900.0), np.full(5, -20.0))
    psi = [np.full(5, one.start * np.exp(rng.normal(0, 0.3))) for one in model.parameters]
    f, slopes = model.predict_with_slopes(psi, times)
    np.testing.assert_allclose(f, model.predict(psi, times), rtol=RELATIVE)
    for k in range(len(psi)):
        h = DIFFERENCE * np.abs(psi[k])
        up = model.predict([x + h * (j == k) for j, x in enumerate(psi)], times)
        down = model.predict([x - h * (j == k) for j, x in enumerate(psi)], times)
        scale = np.abs(f / psi[k])
        np.testing.assert_allclose(
            slopes[k] / scale, (up - down) / (2 * h) / scale, atol=10 * DIFFERENCE
        )


@pytest.mark.parametrize("name", MODELS)
def test_predictions_stay_numbers_far_from_any_lesion(name: str):
    model = MODELS[name]()
    days = np.array([[-30.0], [0.0], [2000.0]])
    times = model.times(days, np.full((3, 1), 1e6), np.full((3, 1), -30.0))
    phi = np.random.default_rng(2).normal(0, 60, (len(model.parameters), 3, 500))
    psi = [one.to_psi(phi[k]) for k, one in enumerate(model.parameters)]
    assert not np.isnan(model.predict(psi, times)).any()


def test_ridge_move_keeps_what_regrowth_shows_and_can_be_undone():
    model = TwoPopulation()
    rng = np.random.default_rng(3)
    phi = np.stack([rng.normal(-5, 1, 200), rng.normal(-4, 1, 200), rng.normal(-3, 2, 200)])
    step, last = rng.normal(0, 0.5, 200), np.full(200, 150.0)
    moved, log_jacobian = model.ridge_move(phi, step, last)
    ok = np.isfinite(log_jacobian)
    assert ok.mean() > 0.5

    def regrown(x):
        return -np.logaddexp(0, -x[2]) + np.exp(x[0]) * last

    np.testing.assert_allclose(regrown(moved)[ok], regrown(phi)[ok], rtol=1e-9)
    back, log_back = model.ridge_move(moved, -step, last)
    np.testing.assert_allclose(back[:, ok], phi[:, ok], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(log_back[ok], -log_jacobian[ok], atol=1e-9)


def test_ridge_moves_jacobian_is_its_volume_change():
    model = TwoPopulation()
    phi, step, last = np.array([[-5.0], [-4.0], [-1.0]]), np.array([0.2]), np.array([100.0])
    _, log_jacobian = model.ridge_move(phi, step, last)
    h = 1e-6
    columns = []
    for k in range(3):
        shift = np.zeros((3, 1))
        shift[k] = h
        up, down = (model.ridge_move(phi + s * shift, step, last)[0] for s in (1, -1))
        columns.append(((up - down) / (2 * h))[:, 0])
    determinant = np.linalg.det(np.array(columns).T)
    assert np.log(determinant) == pytest.approx(log_jacobian[0], abs=1e-7)


@pytest.mark.parametrize(
    ("distribution", "value"), [("lognormal", 0.02), ("logitnormal", 0.3), ("normal", -0.4)]
)
def test_transforms_invert_and_have_the_right_slope(distribution: str, value: float):
    one = Parameter("x", "", distribution, value)
    phi = one.to_phi(value)
    assert one.to_psi(phi) == pytest.approx(value, rel=RELATIVE)
    h = 1e-6
    slope = (one.to_psi(phi + h) - one.to_psi(phi - h)) / (2 * h)
    assert one.slope(np.asarray(value)) == pytest.approx(slope, rel=1e-8)


def test_unknown_model_names_the_known_ones():
    with pytest.raises(ValueError, match="two_population, stein_fojo"):
        growth_model("weibull")
