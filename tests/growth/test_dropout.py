"""Drop-out that target lesions do not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, QUICK
from scipy.integrate import trapezoid
from scipy.stats import norm

from udfs.growth import (
    DropOut,
    FollowUp,
    GrowthData,
    GrowthDataError,
    Leaving,
    TwoLevelFit,
    fit_growth,
    fit_second_level,
    simulate_data,
)
from udfs.growth.dropout import DropOutPoint

FAR = 3.5
"""Standard errors from the truth."""
WITHIN = CRC_LIKE | {"omega_kg": 0.6, "omega_kd": 0.7, "omega_f": 1.2}
BETWEEN = {"kg": 0.7, "kd": 0.5, "f": 0.9}
ALPHA = {"kg": 1.2, "kd": 0.0, "f": 0.3}
RATE = 0.0025
FEW = {"n_nodes": 224, "n_patient_nodes": 4}
TRUTH = (
    WITHIN
    | {f"gamma_{name}": value for name, value in BETWEEN.items()}
    | {f"alpha_{name}": value for name, value in ALPHA.items()}
)


def planted(schedule: GrowthData, seed: int) -> tuple[GrowthData, FollowUp]:
    """Four lesions per patient; no size after an event whose hazard depends on growth."""
    n = schedule.n_lesions // 4
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((n, 3)) * list(BETWEEN.values())
    event = rng.exponential(size=n) / (RATE * np.exp(u @ list(ALPHA.values())))
    base = replace(schedule, patient=np.arange(schedule.n_lesions) // 4)
    data = simulate_data(base, WITHIN, patient_effect=u, seed=seed)
    last = np.zeros(n)
    np.maximum.at(last, data.patient[data.row_lesion], data.time)
    seen = np.minimum(event, last)
    keep = data.time <= event[data.patient[data.row_lesion]]
    row = data.row_lesion[keep]
    left = GrowthData.from_arrays(
        data.lesion[row],
        data.time[keep],
        data.volume[keep],
        data.v0[row],
        data.t0[row],
        data.is_censored[keep].astype(float),
        np.where(data.is_censored[keep], 0.0, np.nan),
        patient=data.patient[row],
    )
    return left, FollowUp.from_arrays(np.arange(n), seen, event <= last)


def distance(found: TwoLevelFit) -> dict[str, float]:
    """Standard errors from the truth, of all but the rates."""
    return {
        name: (value - TRUTH[name]) / error
        for name, value, error in zip(
            found.labels, found.estimates, found.standard_errors, strict=True
        )
        if name in TRUTH
    }


def test_time_at_risk_is_cut_at_event_times():
    days = np.concatenate([np.arange(1.0, 41.0), [500.0, 15.0]])
    is_event = np.concatenate([np.ones(40, bool), [False, False]])
    found = DropOut.prepare(FollowUp.from_arrays(np.arange(42), days, is_event), np.arange(43))
    assert found is not None
    # 40 events make two pieces; the median event time is a cut, and belongs to the first
    np.testing.assert_array_equal(found.cuts, [0.0, 20.0, np.inf])
    np.testing.assert_array_equal(found.events.sum(axis=0), [20, 20])
    np.testing.assert_array_equal(found.exposure[19], [20.0, 0.0])
    np.testing.assert_array_equal(found.exposure[20], [20.0, 1.0])
    np.testing.assert_array_equal(found.exposure[40], [20.0, 480.0])
    np.testing.assert_array_equal(found.exposure[42], [0.0, 0.0])  # of unknown follow-up
    assert found.n_measured == len(found.exposure) == 43
    np.testing.assert_array_equal(found.exposure.sum(axis=1)[:42], days)
    # the likelihood without association is that of a piecewise exponential, by hand
    first, second = 20 / found.exposure[:, 0].sum(), 20 / found.exposure[:, 1].sum()
    assert found.loglik_without() == pytest.approx(20 * np.log(first) + 20 * np.log(second) - 40)


def test_patients_without_lesions_come_last_and_count():
    days = np.arange(1.0, 31.0)
    follow_up = FollowUp.from_arrays(np.arange(30), days, days > 0)
    ids = np.array([3, 7, 29, 40])
    found = DropOut.prepare(follow_up, ids)
    assert found is not None
    assert (found.n_measured, len(found.exposure), found.n_events) == (4, 31, 30)
    np.testing.assert_array_equal(found.exposure.sum(axis=1)[:4], [4.0, 8.0, 30.0, 0.0])
    assert found.exposure.sum() == days.sum()
    # their likelihood by plain integration over u, one axis at a time as alpha has one entry
    at = DropOutPoint(np.array([0.8, 0.0, 0.0]), np.array([-4.0]))
    more = found.unmeasured(np.array([0.7, 0.5, 0.9]), at)
    assert more is not None
    left = np.setdiff1d(np.arange(30), ids)
    u = np.linspace(-6, 6, 20_001) * 0.7
    hazard = np.exp(-4.0 + 0.8 * u)
    density = norm.pdf(u, scale=0.7)
    inside = density * hazard * np.exp(-hazard * days[left, None])
    assert more.loglik == pytest.approx(np.log(trapezoid(inside, u, axis=1)).sum(), abs=1e-5)


def test_tied_events_leave_no_piece_without_one():
    days = np.repeat([30.0, 60.0, 60.0, 200.0], 25)
    found = DropOut.prepare(FollowUp.from_arrays(np.arange(100), days, days > 0), np.arange(100))
    assert found is not None
    assert (found.events.sum(axis=0) > 0).all()
    assert found.n_events == 100


def test_few_events_are_not_modelled():
    follow_up = FollowUp.from_arrays(np.arange(50), np.full(50, 9.0), np.arange(50) < 19)
    assert DropOut.prepare(follow_up, np.arange(50)) is None


def test_times_before_the_first_dose_and_wrong_ones():
    kept = FollowUp.from_arrays(["a", "b"], [0.0, 3.0], [True, True])
    assert kept.patient.tolist() == ["b"]
    with pytest.raises(GrowthDataError, match="patient b is nan days"):
        FollowUp.from_arrays(["a", "b"], [1.0, np.nan], [True, True])
    with pytest.raises(GrowthDataError, match="patient a twice"):
        FollowUp.from_arrays(["a", "a"], [1.0, 2.0], [True, True])
    with pytest.raises(GrowthDataError, match="2 patients, 1 times"):
        FollowUp.from_arrays(["a", "b"], [1.0], [True, True])


def test_drop_out_that_depends_on_growth_is_seen(schedule: Callable):
    data, follow_up = planted(schedule(800, 31), 31)
    alone = fit_growth(data, settings=QUICK)
    without = fit_second_level(alone, **FEW)
    found = fit_second_level(alone, follow_up=follow_up, **FEW)
    assert found.is_converged
    assert np.abs(list(distance(found).values())).max() < FAR
    place = found.labels.index("alpha_kg")
    assert found.estimates[place] > 3 * found.standard_errors[place]
    # without it growth is too slow, by more than the estimates' error
    assert found.estimate("kg_pop") > 1.05 * without.estimate("kg_pop")
    # -2LL: measurements and events; without association it is the sum of both
    assert found.dropout is not None
    apart = without.minus2ll - 2 * found.dropout.loglik_without()
    assert found.minus2ll < apart - 20
    # what predictive checks simulate by is that of the fit
    leaving = Leaving.of(found)
    assert leaving.alpha.tolist() == [found.estimate(f"alpha_{name}") for name in ALPHA]
    assert leaving.between.tolist() == [found.estimate(f"gamma_{name}") for name in ALPHA]
    rates = [found.estimate(f"rate_{k + 1}") for k in range(found.dropout.n_pieces)]
    assert leaving.rate.tolist() == rates
    with pytest.raises(ValueError, match="no drop-out"):
        Leaving.of(without)
    # started where it ended, it ends there again
    start = dict(zip(found.labels, found.estimates.tolist(), strict=True))
    warm = fit_second_level(alone, follow_up=follow_up, start=start, **FEW)
    shift = (warm.estimates - found.estimates) / found.standard_errors
    assert np.abs(shift).max() < 0.05


def test_follow_up_that_says_nothing_changes_nothing(schedule: Callable):
    base = schedule(240, 32)
    patients = np.arange(240) // 4
    data = simulate_data(replace(base, patient=patients), WITHIN, patient_omega=BETWEEN, seed=32)
    days = np.random.default_rng(5).exponential(400.0, 60)
    alone = fit_growth(data, settings=QUICK)
    follow_up = FollowUp.from_arrays(np.arange(60), days, np.ones(60, bool))
    without = fit_second_level(alone, **FEW)
    found = fit_second_level(alone, follow_up=follow_up, **FEW)
    shift = found.estimates[: len(without.estimates)] - without.estimates
    assert np.abs(shift / without.standard_errors).max() < 0.5
    z = {
        name: value / error
        for name, value, error in zip(
            found.labels, found.estimates, found.standard_errors, strict=True
        )
    }
    assert max(abs(z[f"alpha_{name}"]) for name in ("kg", "kd", "f")) < 3.0


def test_rough_nodes_do_not_lead_the_climb_astray(schedule: Callable):
    """Data on which the first climb, with few nodes that follow, saw the likelihood fall with every
    step and ended at a patients' spread of kd near 0, with a hazard to match."""
    data, follow_up = planted(schedule(1200, 7039), 39)
    found = fit_second_level(fit_growth(data, settings=QUICK), follow_up=follow_up)
    assert found.is_converged
    assert max(abs(one) for one in distance(found).values()) < 3.5


@pytest.mark.slow
def test_the_joint_model_is_unbiased_and_covers_over_repeats(schedule: Callable):
    """50 data sets of 1,200 lesions: mean z within 3.5 Monte Carlo errors or 0.3."""
    z, biased = [], []
    for seed in range(50):
        data, follow_up = planted(schedule(1200, 7000 + seed), seed)
        alone = fit_growth(data, settings=QUICK)
        z.append(list(distance(fit_second_level(alone, follow_up=follow_up)).values()))
        biased.append(fit_second_level(alone).estimate("kg_pop") / TRUTH["kg_pop"] - 1)
    values = np.array(z)
    # an effect that was estimated as none has no interval
    values = np.where(np.isfinite(values), values, np.nan)
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    covered = (np.abs(values[np.isfinite(values)]) < 1.96).mean()
    print("without an interval", np.isnan(values).sum(), "of", values.size)
    print("mean z", mean.round(2), "sd", spread.round(2), "coverage", covered)
    print("kg without the hazard, percent", 100 * np.mean(biased))
    assert (np.abs(mean) < np.maximum(0.3, 3.5 * spread / np.sqrt(50))).all()
    assert 0.91 <= covered <= 0.98
    assert np.mean(biased) < -0.03
