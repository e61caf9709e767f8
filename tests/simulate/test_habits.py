"""Habits of real trials in simulated ones: what is planted, and that nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.simulate import SimulatedTrials, simulate, simulate_mcrc
from udfs.simulate.habits import BONE_SCAN, CT, MRI, draw_days
from udfs.simulate.presets import MCRC, Habits

N, SEED = 400, 12
EVERYTHING = Habits(
    unscheduled=0.3,
    equivocal_confirmed=0.8,
    equivocal_gone=0.05,
    local_treatment=0.15,
    prior_response=0.6,
    partial_date=0.5,
)
"""Higher rates than the default, so that few patients show each habit often."""


@pytest.fixture(scope="module")
def trials() -> SimulatedTrials:
    return simulate(replace(MCRC, habits=EVERYTHING), N, SEED)


@pytest.fixture(scope="module")
def plain() -> SimulatedTrials:
    return simulate_mcrc(N, SEED)


def included(trials: SimulatedTrials) -> NDArray[np.bool_]:
    return trials.patients["excluded"] == ""


def test_rates_of_0_are_trials_without_habits(plain: SimulatedTrials) -> None:
    none = Habits(0.0, 6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    other = simulate(replace(MCRC, habits=none), N, SEED)
    for table in ("patients", "measurements", "assessments", "responses", "labs", "exposures"):
        for name, values in getattr(plain, table).items():
            np.testing.assert_array_equal(values, getattr(other, table)[name])


def test_the_calibrated_draws_do_not_move(trials: SimulatedTrials, plain: SimulatedTrials) -> None:
    for name in ("kg_per_day", "kd_per_day", "f"):
        np.testing.assert_array_equal(trials.truth_lesions[name], plain.truth_lesions[name])
    # Deep responders swap sizes with small lesions, some others for a baseline some days earlier.
    volumes = [np.sort(t.truth_lesions["volume_at_baseline_mm3"]) for t in (trials, plain)]
    np.testing.assert_allclose(*volumes)
    for name in ("sex", "age", "arm", "first_dose", "line"):
        np.testing.assert_array_equal(trials.patients[name], plain.patients[name])
    kinds = []
    for t in (trials, plain):
        counted = included(t)[t.lesions["patient"]] & (t.lesions["reader"] == 1)
        kinds.append(np.unique(t.lesions["type"][counted], return_counts=True))
    assert kinds[0][1].tolist() == kinds[1][1].tolist()
    # Recorded progression moves with lesions treated locally: what it is without them does not.
    progressed = [t.truth_endpoints["progression_visit_day_untreated"] for t in (trials, plain)]
    progressed = [d[included(t)] for d, t in zip(progressed, (trials, plain), strict=True)]
    means = [
        [
            np.mean(t.patients["os_days"][included(t)]),
            np.isfinite(d).mean(),
            d[np.isfinite(d)].mean(),
        ]
        for t, d in zip((trials, plain), progressed, strict=True)
    ]
    assert means[0] == pytest.approx(means[1], rel=0.05)


def test_a_visit_lies_on_days_up_to_its_own(trials: SimulatedTrials) -> None:
    m, v = trials.measurements, trials.truth_visits
    by_visit = {
        (p, n): d for p, n, d in zip(v["patient"], v["visit_number"], v["visit_day"], strict=True)
    }
    late = [
        by_visit[key] - day
        for key, day in zip(zip(m["patient"], m["scan"] + 1.0, strict=True), m["day"], strict=True)
        if key in by_visit
    ]
    assert (min(late), max(late)) == (0, EVERYTHING.spread_days)
    assert 0.1 < np.mean(np.array(late) > 0) < 0.6


def test_days_of_a_visit_by_hand() -> None:
    day = np.tile([-47, 50], (4000, 1))
    days = draw_days(Habits(spread_visits=1.0), day, 1)
    assert days.offset[:, 1].min() == -6
    # One modality of every visit is on its own day; none of a baseline before day -48.
    assert (days.offset[:, 1].max(axis=1) == 0).all()
    assert days.offset[:, 0].min() == -1
    organs = [o.organ for o in MCRC.organs]
    place = np.array([organs.index(name) for name in ("brain_cns", "bone", "bone", "lung")])
    target = np.array([True, True, False, True])
    found = days.modality(MCRC, np.arange(4), place, target)
    assert found.tolist() == [MRI, MRI, BONE_SCAN, CT]


def test_sizes_are_those_of_the_true_scan_day(trials: SimulatedTrials) -> None:
    """At baseline without error: the volume on the written day is the truth's V_b, by its curve."""
    m, truth = trials.measurements, trials.truth_lesions
    rows = np.flatnonzero((m["scan"] == 0) & (m["reader"] == 1))
    lesion = m["lesion"][rows]
    assert (m["day"][rows] == truth["baseline_day"][lesion]).all()
    assert (truth["baseline_day"][lesion] < trials.truth_visits["visit_day"].min()).any()
    # Later: ratio of the volume read to the curve on the written day has mean 1 and SD b.
    later = np.flatnonzero((m["scan"] > 0) & (m["reader"] == 1) & m["is_done"])
    treated = np.isin(m["lesion"][later], trials.truth_local_treatments["lesion"])
    later = later[~treated & (m["long_mm"][later] >= 25)]
    lesion, day = m["lesion"][later], m["day"][later].astype(float)
    kg, kd, f = (truth[name][lesion] for name in ("kg_per_day", "kd_per_day", "f"))
    curve = truth["volume_at_first_dose_mm3"][lesion] * (
        f * np.exp(kg * day) + (1 - f) * np.exp(-kd * day)
    )
    big = curve >= 8000
    read = m["long_mm"][later] ** 3 / (2 * truth["axis_ratio"][lesion] ** 2)
    ratio = (read / curve)[big & (read < 1e7)]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)


def test_local_treatments_leave_progression_where_it_was(trials: SimulatedTrials) -> None:
    local, ends = trials.truth_local_treatments, trials.truth_endpoints
    assert len(local["lesion"]) == round(0.15 * N)
    assert set(local["procedure"]) == {"RESECTION", "RADIOTHERAPY"}
    np.testing.assert_array_equal(
        ends["progression_visit_day"], ends["progression_visit_day_untreated"]
    )
    visits = trials.truth_visits
    differs = visits["overall_response"] != visits["overall_response_untreated"]
    assert differs.any()
    assert set(visits["overall_response"][differs]) == {"NE"}
    assert set(visits["patient"][differs]) <= set(local["patient"])
    m = trials.measurements
    day = dict(zip(local["lesion"].tolist(), local["day"].tolist(), strict=True))
    resected = local["lesion"][local["procedure"] == "RESECTION"]
    after = np.array(
        [
            d >= day.get(i, np.inf)
            for i, d in zip(m["lesion"].tolist(), m["day"].tolist(), strict=True)
        ]
    )
    assert (m["long_mm"][after & np.isin(m["lesion"], resected)] == 0).all()


def test_procedures_name_the_lesion_or_the_organ_of_one(trials: SimulatedTrials) -> None:
    p, lesions, local = trials.procedures, trials.lesions, trials.truth_local_treatments
    rows = np.flatnonzero(p["category"] == "LOCAL TREATMENT")
    assert sorted(p["patient"][rows]) == sorted(local["patient"])
    unnamed = rows[p["lesion"][rows] < 0]
    assert unnamed.size > 0
    for row in unnamed:
        known = (lesions["patient"] == p["patient"][row]) & (lesions["type"] != "new")
        first = known & (lesions["reader"] == 1)
        assert (lesions["organ"][first] == p["place"][row]).sum() == 1


def test_equivocal_lesions_are_confirmed_or_gone(trials: SimulatedTrials) -> None:
    a, truth = trials.assessments, trials.truth_equivocal
    course: dict[int, list[str]] = {}
    for lesion, status in zip(a["lesion"].tolist(), a["status"].tolist(), strict=True):
        course.setdefault(lesion, []).append(status)
    assert truth["is_confirmed"].any()
    assert not truth["is_confirmed"].all()
    for lesion, is_confirmed in zip(truth["lesion"], truth["is_confirmed"], strict=True):
        words = course[int(lesion)]
        assert words[0] == "EQ"
        assert set(words[1:]) == ({"SD"} if is_confirmed else {"CR"})
    gone = trials.truth_equivocal["patient"][~truth["is_confirmed"]]
    r = trials.responses
    with_new = set(r["patient"][r["is_new"] & (r["reader"] == 1)].tolist())
    certain = trials.truth_endpoints["new_lesion_day"]
    assert np.isinf(certain[gone]).sum() == len(gone) - len(with_new & set(gone.tolist()))


def test_unscheduled_scans_keep_away_from_the_visits(trials: SimulatedTrials) -> None:
    v, m = trials.truth_visits, trials.measurements
    rows = np.flatnonzero(v["is_unscheduled"])
    assert len(rows) > 30
    for row in rows:
        days = m["day"][m["patient"] == v["patient"][row]]
        assert np.abs(days - v["visit_day"][row]).min() >= 2
        assert v["overall_response"][row] == "NE"


def test_missed_visits_are_those_without_a_scan(trials: SimulatedTrials) -> None:
    truth, m = trials.truth_missed_visits, trials.measurements
    made = set(zip(m["patient"].tolist(), (m["scan"] + 1).tolist(), strict=True))
    missed = set(zip(truth["patient"].tolist(), truth["visit_number"].tolist(), strict=True))
    assert len(missed) > 50
    assert not missed & made


def test_responses_to_earlier_therapy_and_short_dates_are_from_before(
    trials: SimulatedTrials,
) -> None:
    h, p = trials.prior_responses, trials.procedures
    assert len(h["day"]) > 50
    assert h["day"].max() < -48
    assert (trials.patients["line"][h["patient"]] >= 2).all()
    assert set(p["date_length"]) == {4, 7, 10}
    assert (p["day"][p["date_length"] < 10] < 0).all()


def test_recist_1_0_calls_progression_without_5_mm() -> None:
    trials = simulate_mcrc(3000, seed=3, has_habits=True)
    r = trials.responses
    differs = r["overall"] != r["overall_1_0"]
    assert differs.any()
    assert set(r["overall_1_0"][differs]) == {"PD"}
