"""The papers' messages: planted with their sizes, and not there where a size is 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from udfs.simulate import SimulatedTrials, simulate_mcrc
from udfs.simulate.lesions import PARAMETERS, _placed
from udfs.simulate.messages import (
    BALANCE,
    FULL_DEPTH,
    NAMES,
    NO_DEPTH,
    Messages,
    deepened,
    messages_without,
)
from udfs.simulate.presets import MCRC, MCRC_MESSAGES, MESSAGES
from udfs.simulate.trials import simulate
from udfs.survival import cox_model, log_rank
from warehouse.errors import LesionsError
from warehouse.simulate import write_trials

N = 1077
"""A quarter of the published size."""


@pytest.fixture(scope="module")
def planted() -> SimulatedTrials:
    return simulate_mcrc(N, seed=1, has_messages=True)


@pytest.fixture(scope="module")
def nothing() -> SimulatedTrials:
    return simulate_mcrc(N, seed=1, has_messages=True, without=NAMES)


def test_a_message_that_is_left_out_is_zero_and_no_other_is() -> None:
    left = messages_without(MESSAGES, ("kras_death",))
    assert left == replace(MESSAGES, kras_death=0.0)
    assert messages_without(MESSAGES, NAMES) == Messages()
    with pytest.raises(ValueError, match="no message is called 'kras': they are refractory, "):
        messages_without(MESSAGES, ("kras",))


def test_the_truth_states_each_size(planted: SimulatedTrials, nothing: SimulatedTrials) -> None:
    for trials, messages in ((planted, MESSAGES), (nothing, Messages())):
        effects = trials.truth_effects
        rows = effects["kind"] == "message"
        sizes = dict(zip(effects["level"][rows], effects["effect"][rows], strict=True))
        assert sizes == {name: getattr(messages, name) for name in NAMES}


def test_an_antibody_deepens_by_hand() -> None:
    x = np.array([-5.0, FULL_DEPTH, (FULL_DEPTH + NO_DEPTH) / 2, NO_DEPTH, 1.0])
    moved = deepened(x, np.full(5, -1.0), 1.0) - x
    assert moved == pytest.approx([-1, -1, -0.5 + BALANCE / 2, BALANCE, BALANCE])
    assert deepened(x, np.full(5, -1.0), 0.0) == pytest.approx(x - 1)
    assert deepened(x, np.zeros(5), 1.0) == pytest.approx(x)
    assert (np.diff(deepened(np.linspace(-6, 3, 400), np.full(400, -1.3), 1.0)) > 0).all()


def test_deepening_moves_neither_mean_nor_spread() -> None:
    rng = np.random.default_rng(0)
    drug = np.where(rng.random(5000) < 0.5, -1.0, 0.0)
    fixed, whole = rng.normal(0, 0.4, 5000), rng.standard_normal(5000)
    counted = rng.random(5000) < 0.6
    plain = _placed(fixed, drug, whole, counted, -1.6, 1.8, 0.0)[0][counted]
    value = _placed(fixed, drug, whole, counted, -1.6, 1.8, 1.0)[0][counted]
    # 30 fixed-point steps, each of which leaves less than half of what was amiss: 0.5^30 = 1e-9.
    assert value.mean() == pytest.approx(plain.mean(), abs=1e-8)
    assert value.std() == pytest.approx(plain.std(), rel=1e-8)


def test_lesions_under_an_antibody_are_more_alike_by_the_stated_part() -> None:
    trials = simulate_mcrc(4308, seed=3, has_messages=True)
    truth, p = trials.truth_lesions, trials.patients
    under = (p["has_bevacizumab"] | p["has_panitumumab"])[truth["patient"]]
    chosen = truth["is_target"] & (p["excluded"] == "")[truth["patient"]]
    for name in PARAMETERS:
        own = truth[f"{name}_lesion_effect"]
        a, b = own[chosen & under], own[chosen & ~under]
        share = len(a) / (len(a) + len(b))
        less = 1 - MESSAGES.antibody_alike
        wanted = less / np.sqrt((1 - share * less**2) / (1 - share))
        # A ratio of two standard deviations of some 9,500 normal numbers each: error 0.01.
        assert a.std() / b.std() == pytest.approx(wanted, abs=0.035)


def test_refractory_patients_are_so_many_and_grow(planted: SimulatedTrials) -> None:
    is_refractory = planted.truth_patients["is_refractory"]
    n, share = len(is_refractory), MESSAGES.refractory
    assert is_refractory.sum() == pytest.approx(n * share, abs=4 * np.sqrt(n * share))
    best = planted.patients["best_response"]
    assert (best[is_refractory] == "PD").mean() > 4 * (best[~is_refractory] == "PD").mean()


def test_what_cannot_be_planted_is_said(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="preset mcrc only"):
        write_trials(tmp_path, "hnscc", patients=5, seed=1, messages=True)
    with pytest.raises(LesionsError, match="no message is called 'kras': they are refractory, "):
        write_trials(tmp_path, "mcrc", patients=5, seed=1, messages=True, without=("kras",))


def first_of_target(trials: SimulatedTrials) -> float:
    """Share of patients with PD as best response whose target lesions had progressed at it."""
    r = trials.responses
    rows = np.flatnonzero((r["reader"] == 1) & (r["overall"] == "PD"))
    rows = rows[np.lexsort((r["day"][rows], r["patient"][rows]))]
    rows = rows[np.r_[True, np.diff(r["patient"][rows]) != 0]]
    is_best = trials.patients["best_response"][r["patient"][rows]] == "PD"
    return float((r["target"][rows][is_best] == "PD").mean())


def test_progression_as_best_response_is_of_target_lesions_only_where_planted(
    planted: SimulatedTrials, nothing: SimulatedTrials
) -> None:
    assert first_of_target(planted) > 0.4
    assert first_of_target(nothing) < 0.2


def kras_p(trials: SimulatedTrials) -> float:
    p = trials.patients
    rows = (p["excluded"] == "") & (p["kras"] != "")
    return log_rank(p["os_days"][rows], p["os_event"][rows], p["kras"][rows]).p_value


def low_high_p(trials: SimulatedTrials) -> float:
    p, lesions = trials.patients, trials.lesions
    rows = (lesions["type"] != "new") & np.isin(lesions["organ"], ["bone", "brain_cns"])
    has = np.bincount(lesions["patient"][rows], minlength=len(p["patient"])) > 0
    counted = p["excluded"] == ""
    return log_rank(p["os_days"][counted], p["os_event"][counted], has[counted]).p_value


SEEDS = range(20)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "p_value", "least_power"),
    [("kras_death", kras_p, 0.3), ("low_high_death", low_high_p, 0.6)],
)
def test_a_message_is_found_and_not_where_it_is_zero(message, p_value, least_power) -> None:  # type: ignore[no-untyped-def]
    """At a quarter of the published size, over 20 seeds."""
    found = np.mean([p_value(simulate_mcrc(N, seed=s, has_messages=True)) < 0.05 for s in SEEDS])
    false = np.sum(
        [p_value(simulate_mcrc(N, seed=s, has_messages=True, without=NAMES)) < 0.05 for s in SEEDS]
    )
    assert found >= least_power
    assert false <= 4  # of 20 at 5 %, more than 4 come about in 0.3 % of the series


def test_death_goes_by_what_is_planted_at_baseline() -> None:
    """With nothing else planted, a Cox model holds the planted log hazards in its intervals."""
    messages = Messages(kras_death=0.4, low_high_death=0.35)
    trials = simulate(replace(MCRC, messages=messages), None, 20230607)
    p, lesions = trials.patients, trials.lesions
    rows = (lesions["type"] != "new") & np.isin(lesions["organ"], ["bone", "brain_cns"])
    low_high = np.bincount(lesions["patient"][rows], minlength=len(p["patient"])) > 0
    counted = p["excluded"] == ""
    x = np.column_stack((p["kras"] == "MUTANT", low_high)).astype(float)[counted]
    # The patient's own hazard is known to the simulation: without it hazard ratios shrink to 1.
    frailty = trials.truth_patients["log_hazard_of_death_effect"][counted]
    growth = trials.truth_patients["log_kg_effect"][counted]
    ecog = (p["ecog"] != "0")[counted]
    found = cox_model(
        p["os_days"][counted], p["os_event"][counted],
        np.column_stack((x, frailty, np.nan_to_num(growth), ecog)),
    )  # fmt: skip
    lower, upper = found.interval(0.99)
    for k, size in enumerate((0.4, 0.35)):
        assert lower[k] < size < upper[k]
        assert lower[k] > 0


@pytest.fixture(scope="module")
def full() -> SimulatedTrials:
    return simulate_mcrc(has_messages=True)


def test_counts_responses_and_survival_stay_as_published(full: SimulatedTrials) -> None:
    p, lesions = full.patients, full.lesions
    counted = p["excluded"] == ""
    rows = counted[lesions["patient"]] & (lesions["reader"] == 1)
    counts = [int((lesions["type"][rows] == k).sum()) for k in ("target", "non-target", "new")]
    assert [int(counted.sum()), *counts] == [4308, 19180, 18594, 2838]
    published = {"CR": 2.7, "PR": 34.2, "SD": 41.9, "PD": 18.1, "NE": 3.0}
    for response, percent in published.items():
        assert 100 * (p["best_response"][counted] == response).mean() == pytest.approx(
            percent, abs=3
        )
    # As for the cohort without messages: medians move by weeks, for they fall on planned scans.
    assert np.median(p["pfs_days"][counted]) == pytest.approx(247, abs=25)
    assert np.median(p["os_days"][counted]) == pytest.approx(443, abs=22)


def test_the_messages_cohort_is_the_other_but_for_what_is_stated() -> None:
    changed = {"messages", "population", "arm_effects", "follow_up"}
    for name, value in vars(MCRC_MESSAGES).items():
        assert (name in changed) == (value != getattr(MCRC, name)), name


def test_messages_are_found_at_full_size(full: SimulatedTrials) -> None:
    assert kras_p(full) < 0.001
    assert low_high_p(full) < 0.001
    assert first_of_target(full) > 0.4
