"""Predictive checks in which simulated patients leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growth.cases import problem_of
from growth.trials import AT_VISIT, CUBE, LEAVING, TOTAL, at_truth, template_fit, trial

from udfs.growth import (
    GrowthData,
    GrowthDataError,
    GrowthFit,
    ObservedEnds,
    PredictiveCheck,
    TwoPopulation,
    dropout_checks,
    vpc_dropout,
)
from udfs.growth.leaving_simulation import Simulator
from udfs.growth.visits import plan_visits
from udfs.growth.vpc import predictive_checks
from udfs.survival import kaplan_meier

N_BINS, LATE = 8, slice(4, None)
FAR = 3.5
"""Standard errors, of means over repeats."""


@pytest.fixture(scope="module")
def template() -> GrowthFit:
    return template_fit()


def both_checks(
    template: GrowthFit, n_patients: int, n_simulations: int, seed: int
) -> tuple[PredictiveCheck, PredictiveCheck]:
    """With patients who leave, and without, at the truth that made the data."""
    data, ends = trial(n_patients, seed)
    fit, found = at_truth(template, data)
    strata = {"": np.ones(len(found.data_row), dtype=bool)}
    options = {"n_bins": N_BINS, "n_simulations": n_simulations, "seed": seed}
    leaving = dropout_checks(fit, found, strata, LEAVING, ends, **options)[""]
    return leaving, predictive_checks(fit, found, strata, **options)[""]


def assert_bands_cover(template: GrowthFit, repeats: int, patients: int, simulations: int) -> None:
    """Of n exchangeable simulations the interpolated 5th and 95th percentile hold another one with
    probability 0.9 (n - 1) / (n + 1)."""
    wanted = 0.9 * (simulations - 1) / (simulations + 1)
    sizes, followed, without = [], [], []
    for seed in range(repeats):
        found, old = both_checks(template, patients, simulations, 100 + seed)
        assert found.simulates_dropout
        assert not old.simulates_dropout
        sizes.append(found.is_inside)
        without.append(old.is_inside)
        share = found.followed_observed
        followed.append((found.followed_lower <= share) & (share <= found.followed_upper))

    def z(values: np.ndarray) -> float:
        """Bins of one data set go together: the error is that over data sets."""
        means = values.reshape(repeats, -1).mean(axis=1)
        return (means.mean() - wanted) / (means.std(ddof=1) / np.sqrt(repeats))

    inside, share, old_inside = np.array(sizes), np.array(followed), np.array(without)
    print("wanted", wanted, "sizes", inside.mean(), "followed", share.mean())
    print("by bin", inside.mean(axis=0).round(2).T.tolist(), share.mean(axis=0).round(2).tolist())
    print("nobody leaves", old_inside.mean(axis=0).round(2).T.tolist())
    assert abs(z(inside)) < FAR
    assert abs(z(inside[:, LATE])) < FAR
    assert abs(z(share)) < FAR
    # The late bins of a check in which nobody leaves miss, of medians and 95th percentiles.
    assert old_inside[:, LATE, 1:].mean() < 0.25 < 0.75 < inside[:, LATE, 1:].mean()


def test_bands_cover_where_patients_leave(template: GrowthFit) -> None:
    assert_bands_cover(template, repeats=30, patients=150, simulations=100)


@pytest.mark.slow
def test_bands_cover_over_many_trials(template: GrowthFit) -> None:
    assert_bands_cover(template, repeats=300, patients=400, simulations=200)


def test_wrong_growth_and_a_wrong_hazard_leave_the_bands(template: GrowthFit) -> None:
    """Five trials of 600 patients. Of 90 % bands so few would hold at the truth with p < 1e-6, were
    bins independent; the truth beside them shows what bins that are not come to."""
    slow = template.theta.copy()
    slow[0] += np.log(0.75)
    wrong = {
        "none": (template, LEAVING),
        "growth": (replace(template, theta=slow), LEAVING),
        "rate": (template, replace(LEAVING, rate=1.3 * LEAVING.rate)),
    }
    sizes, followed = {name: [] for name in wrong}, {name: [] for name in wrong}
    for seed in range(5):
        data, ends = trial(600, 7000 + seed)
        for name, (one, leaving) in wrong.items():
            fit, found = at_truth(one, data)
            strata = {"": np.ones(len(found.data_row), dtype=bool)}
            check = dropout_checks(
                fit, found, strata, leaving, ends, n_bins=N_BINS, n_simulations=100
            )[""]
            share = check.followed_observed
            sizes[name].append(check.is_inside[:, 1:].mean())
            followed[name].append(
                ((check.followed_lower <= share) & (share <= check.followed_upper)).mean()
            )
    assert np.mean(sizes["none"]) > 0.75
    assert np.mean(followed["none"]) > 0.75
    assert np.mean(sizes["growth"]) < 0.5
    assert np.mean(followed["rate"]) < 0.5


def test_simulated_patients_leave_as_those_of_other_trials_do(template: GrowthFit) -> None:
    """Means per patient of 60 trials made patient by patient and of 5 simulations of each."""
    made, simulated = [], []
    for seed in range(60):
        data, ends = trial(300, 5000 + seed)
        fit = at_truth(template, data)[0]
        visits = plan_visits(fit.problem, ends)
        cube = np.full(len(visits.lesion), CUBE)
        work = Simulator.prepare(fit.problem, fit.population, LEAVING, visits, cube)
        course = work.run(5, seed, 0)
        seen = np.isfinite(course.end_day)
        pairs = seen.size
        is_death = course.has_left & seen
        is_death &= ~(course.end_day[:, None] == visits.day[:, :, None]).any(axis=1)
        simulated.append(
            [
                seen.sum() / pairs,
                (course.has_left & seen).sum() / pairs,
                is_death.sum() / pairs,
                len(course.volume) / pairs,
                np.where(seen, course.end_day, 0.0).sum() / pairs,
            ]
        )
        was_seen = np.isin(ends.patient, data.patient)
        last = np.append(ends.day[was_seen], 0.0)
        was_dead = ends.is_event & ~np.isin(ends.day, data.time) & was_seen
        made.append(
            [
                was_seen.mean(),
                (ends.has_left & was_seen).mean(),
                was_dead.mean(),
                fit.problem.n_rows / 300,
                last.sum() / 300,
            ]
        )
    shift = np.mean(simulated, axis=0) - np.mean(made, axis=0)
    error = np.std(np.array(simulated) - np.array(made), axis=0, ddof=1) / np.sqrt(60)
    print("seen, left, died, sizes, days", np.mean(simulated, axis=0), np.mean(made, axis=0), error)
    assert (np.abs(shift) < FAR * error).all()
    assert AT_VISIT < 1.0  # or the deaths would not be tested


def test_visits_go_on_as_usual_in_the_study() -> None:
    """Two studies, seen every 40 and every 60 days; by hand."""
    rows = [("a", day) for day in (-5.0, 40.0, 80.0, 120.0, 160.0)]
    rows += [("b", day) for day in (-5.0, 41.0, 81.0)]
    rows += [("c", day) for day in (-5.0, 60.0, 120.0, 180.0)]
    rows += [("d", day) for day in (-5.0, 60.0)]
    rows += [("e", day) for day in (-5.0, 33.0)]
    patient, day = (np.array(column) for column in zip(*rows, strict=True))
    data = GrowthData.from_arrays(patient, day, np.arange(1.0, 1 + len(day)), patient=patient)
    ends = ObservedEnds.from_arrays(
        ["a", "b", "c", "d"],
        [160.0, 81.0, 180.0, 75.0],
        [False, True, False, True],
        [False, True, False, True],
        ["s", "s", "t", "t"],
    )
    visits = plan_visits(problem_of(data, count_baseline=False), ends)
    wanted = [[40, 80, 120, 160], [41, 81, 121], [60, 120, 180], [60, 120, 180], [33]]
    assert visits.n_visits.tolist() == [4, 3, 3, 3, 1]
    for found, days in zip(visits.day, wanted, strict=True):
        assert found[np.isfinite(found)].tolist() == days
    np.testing.assert_array_equal(visits.next_day, [200.0, 121.0, 240.0, 120.0, 33.0])
    # of the two events a visit showed one; who has no end was censored on their last day
    assert visits.share_at_visit == 0.5
    assert visits.end_day.tolist() == [160.0, 81.0, 180.0, 75.0, 33.0]
    assert visits.has_left.tolist() == [False, True, False, True, False]
    # a stays as long as they did; b, who left, as long as a: nobody else was censored
    most = visits.censoring(np.random.default_rng(0), 7)
    np.testing.assert_array_equal(most, np.repeat([[4], [3], [3], [3], [1]], 7, axis=1))


def test_withdrawal_is_drawn_given_that_it_is_later(template: GrowthFit) -> None:
    data, ends = trial(600, 1)
    fit, _ = at_truth(template, data)
    visits = plan_visits(fit.problem, ends)
    most = visits.censoring(np.random.default_rng(0), 400)
    made = (visits.day <= visits.end_day[:, None]).sum(axis=1)
    assert (most[~visits.has_left] == made[~visits.has_left, None]).all()
    assert (most >= made[:, None]).all()
    # Both together are the Kaplan-Meier estimate again: of withdrawal between visits
    for study in (0, 1):
        mine = visits.study == study
        time = np.where(visits.has_left, visits.end_day, (visits.end_day + visits.next_day) / 2)
        curve = kaplan_meier(time[mine], ~visits.has_left[mine])
        for k in range(2, 9):
            later = visits.day[mine, k]
            wanted = curve.at(later[np.isfinite(later)])[0].mean()
            found = (most[mine] > k)[np.isfinite(later)].mean()
            assert found == pytest.approx(wanted, abs=0.01)


def test_as_many_events_are_expected_of_the_visits_as_of_the_days_at_risk(
    template: GrowthFit,
) -> None:
    data, ends = trial(300, 2)
    problem = at_truth(template, data)[0].problem
    visits = plan_visits(problem, ends)
    cuts = np.array([0.0, 55.0, 130.0, np.inf])
    leaving = replace(LEAVING, rate=np.array([0.001, 0.003, 0.002]), cuts=cuts)
    cube = np.full(len(visits.lesion), CUBE)
    work = Simulator.prepare(problem, template.population, leaving, visits, cube)
    was_made = visits.day <= visits.end_day[:, None]
    for piece in range(3):
        is_inside = was_made & (visits.day > cuts[piece]) & (visits.day <= cuts[piece + 1])
        at_risk = np.clip(ends.day, cuts[piece], cuts[piece + 1]) - cuts[piece]
        wanted = visits.share_at_visit * leaving.rate[piece] * at_risk.sum()
        assert work.shown[is_inside].sum() == pytest.approx(wanted)


def test_cumulated_hazard_by_hand() -> None:
    leaving = replace(LEAVING, rate=np.array([0.001, 0.003]), cuts=np.array([0.0, 100.0, np.inf]))
    days, sums = np.array([0.0, 50.0, 100.0, 300.0]), np.array([0.0, 0.05, 0.1, 0.7])
    np.testing.assert_allclose(leaving.day_of(sums), days)
    assert leaving.day_of(np.array([2.0]))[0] == pytest.approx(100.0 + 1.9 / 0.003)
    effect = np.array([0.5, 1.0, -1.0])
    assert leaving.risk(effect) == pytest.approx(np.exp(1.2 * 0.5 - 0.3))


def test_the_same_bytes_for_any_threads_and_any_order_of_rows(template: GrowthFit) -> None:
    data, ends = trial(80, 3)
    rows = np.random.default_rng(0).permutation(data.n_rows)
    lesion = data.row_lesion[rows]
    mixed = GrowthData.from_arrays(
        data.lesion[lesion], data.time[rows], data.volume[rows], data.v0[lesion], data.t0[lesion],
        patient=data.patient[lesion],
    )  # fmt: skip
    patients = np.random.default_rng(1).permutation(len(ends.patient))
    others = ObservedEnds.from_arrays(
        ends.patient[patients], ends.day[patients], ends.has_left[patients],
        ends.is_event[patients], ends.study[patients],
    )  # fmt: skip
    found = []
    for given, known, threads in ((data, ends, 1), (data, ends, 2), (mixed, others, 1)):
        fit, of_fit = at_truth(template, given)
        strata = {"": np.ones(len(of_fit.data_row), dtype=bool)}
        one = dropout_checks(fit, of_fit, strata, LEAVING, known, n_simulations=60, threads=threads)
        found.append(b"".join(np.asarray(value).tobytes() for value in vars(one[""]).values()))
    assert found[0] == found[1] == found[2]


def test_strata_and_bins_that_nobody_reaches(template: GrowthFit) -> None:
    data, ends = trial(120, 4)
    fit, found = at_truth(template, data)
    lesion = data.row_lesion[found.data_row]
    is_odd = ends.study[data.patient.astype(int)][lesion] == 1
    strata = {"all": np.ones(len(lesion), dtype=bool), "odd": is_odd, "even": ~is_odd}
    options = {"n_simulations": 40, "n_bins": 5}
    checks = dropout_checks(fit, found, strata, LEAVING, ends, **options)
    kept = data.time[found.data_row] <= ends.day[data.patient.astype(int)][lesion]
    assert checks["all"].n_rows.sum() == kept.sum() == len(kept)  # nobody goes on in these trials
    assert checks["odd"].n_rows.sum() + checks["even"].n_rows.sum() == kept.sum()
    assert checks["odd"].day_from[0] >= 52  # seen every eight weeks
    # observed: the Kaplan-Meier estimate of the patients of the stratum
    mine = np.isin(ends.patient, data.patient) & (ends.study == 1)
    curve = kaplan_meier(ends.day[mine], ends.has_left[mine])
    by_hand = curve.at(checks["odd"].day_middle)[0]
    np.testing.assert_array_equal(checks["odd"].followed_observed, by_hand)
    # with a hazard that leaves nobody after the first visit late bins have no band
    deadly = replace(LEAVING, alpha=np.zeros(3), rate=np.array([0.05]))
    gone = dropout_checks(fit, found, strata, deadly, ends, **options)["all"]
    assert np.isfinite(gone.lower[0]).all()
    assert np.isnan(gone.lower[-1]).all()
    assert not gone.is_inside[-1].any()
    # ... and where nobody comes to any, none has
    none = dropout_checks(
        fit, found, strata, replace(LEAVING, rate=np.array([50.0])), ends, **options
    )["all"]
    assert np.isnan(none.lower).all()
    assert np.isnan(none.followed_upper).all()
    with pytest.raises(ValueError, match="some rows of a lesion"):
        dropout_checks(fit, found, {"part": np.arange(len(lesion)) % 2 == 0}, LEAVING, ends)


def test_without_correction_sizes_stand_as_they_are(
    template: GrowthFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every population prediction is 1, there is nothing to correct."""
    data, ends = trial(80, 6)
    fit, found = at_truth(template, data)
    strata = {"": np.ones(len(found.data_row), dtype=bool)}
    check = dropout_checks(fit, found, strata, LEAVING, ends, n_simulations=40)[""]
    at_visits = vpc_dropout._at_visits
    monkeypatch.setattr(
        vpc_dropout,
        "_at_visits",
        lambda *given: np.where(np.isfinite(at_visits(*given)), 1.0, np.nan),
    )
    flat = replace(found, population_mm3=np.ones_like(found.population_mm3))
    plain = dropout_checks(fit, flat, strata, LEAVING, ends, n_simulations=40)[""]
    for name in ("observed", "lower", "median", "upper"):
        np.testing.assert_allclose(getattr(check, f"raw_{name}"), getattr(plain, name))
    assert not np.allclose(check.raw_observed, check.observed)


def test_measurements_after_progression_are_left_out(template: GrowthFit) -> None:
    data, ends = trial(100, 5)
    fit, found = at_truth(template, data)
    strata = {"": np.ones(len(found.data_row), dtype=bool)}
    day, patient = data.time[found.data_row], data.patient[data.row_lesion[found.data_row]]
    early = replace(ends, day=np.where(ends.has_left, np.minimum(ends.day, 100.0), ends.day))
    check = dropout_checks(fit, found, strata, LEAVING, early, n_simulations=20)[""]
    kept = day <= early.day[patient.astype(int)]
    assert check.n_rows.sum() == kept.sum() < len(kept)


def test_what_cannot_be_simulated_is_refused(template: GrowthFit) -> None:
    data, ends = trial(30, 6)
    fit, found = at_truth(template, data)
    strata = {"": np.ones(len(found.data_row), dtype=bool)}
    # all variance between patients is the limit of what can be
    full = replace(
        LEAVING, between=np.array([TOTAL[f"omega_{name}"] for name in ("kg", "kd", "f")])
    )
    limit = dropout_checks(fit, found, strata, full, ends, n_simulations=20)[""]
    assert np.isfinite(limit.observed).all()
    assert np.isfinite(limit.median[0]).all()
    wide = replace(LEAVING, between=np.full(3, 2.0))
    with pytest.raises(ValueError, match="variance of both levels"):
        dropout_checks(fit, found, strata, wide, ends)
    alone = replace(fit, problem=replace(fit.problem, data=replace(data, patient=None)))
    with pytest.raises(GrowthDataError, match="hold none"):
        dropout_checks(alone, found, strata, LEAVING, ends)
    own = replace(fit, problem=replace(fit.problem, model=TwoPopulation(baseline="parameter")))
    with pytest.raises(ValueError, match="measured baselines"):
        dropout_checks(own, found, strata, LEAVING, ends)


def test_ends_are_checked() -> None:
    good = ObservedEnds.from_arrays(["b", "a"], [3.0, 2.0], [True, False], [True, False])
    assert good.patient.tolist() == ["a", "b"]
    assert good.day.tolist() == [2.0, 3.0]
    with pytest.raises(GrowthDataError, match="hold a twice"):
        ObservedEnds.from_arrays(["a", "a"], [1.0, 2.0], [True, True], [True, True])
    with pytest.raises(GrowthDataError, match="patient b ends on day nan"):
        ObservedEnds.from_arrays(["a", "b"], [1.0, np.nan], [True, True], [True, True])
    with pytest.raises(GrowthDataError, match="patient a has an event and has not left"):
        ObservedEnds.from_arrays(["a"], [1.0], [False], [True])
    with pytest.raises(GrowthDataError, match=r"columns of \[1, 2\] rows"):
        ObservedEnds.from_arrays(["a", "b"], [1.0], [False], [False])
