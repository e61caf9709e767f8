"""The simulator's planted link between heterogeneity and survival is found."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.heterogeneity import Variable, gower_means, gower_pairs
from udfs.heterogeneity.phases import response_phases
from udfs.simulate import SimulatedTrials, simulate_mcrc
from udfs.survival import CoxModel, cox_model


@pytest.fixture(scope="module")
def trials() -> SimulatedTrials:
    return simulate_mcrc()


def planted(trials: SimulatedTrials) -> float:
    effects = trials.truth_effects
    row = effects["kind"] == "heterogeneity"
    assert effects["level"][row].tolist() == ["per 0.1 Gower distance"]
    assert effects["parameter"][row].tolist() == ["log_hazard_of_death_after_progression"]
    return float(effects["effect"][row][0])


def observed(trials: SimulatedTrials) -> dict[str, np.ndarray]:
    """Gower distance, burden and number of lesions of each patient, as measured to the end."""
    m, n = trials.measurements, len(trials.patients["patient"])
    rows = np.flatnonzero(
        m["is_done"] & (m["reader"] == 1) & (trials.patients["excluded"][m["patient"]] == "")
    )
    rows = rows[np.lexsort((m["day"][rows], m["lesion"][rows]))]
    size = np.where(m["short_mm"] >= 0, m["short_mm"], m["long_mm"])[rows].astype(float)
    _, first = np.unique(m["lesion"][rows], return_index=True)
    phases = response_phases(m["day"][rows], size, np.append(first, rows.size))
    patient = m["patient"][rows][first]
    group = np.where(phases.is_evaluable, patient, -1)
    flags = ("has_response", "has_stable", "has_relapse")
    variables = [Variable(name, getattr(phases, name), "symmetric") for name in flags]
    variables += [Variable(name, getattr(phases, name)) for name in ("nadir_ratio", "last_ratio")]
    means = gower_means(gower_pairs(variables, group), group)
    gower = np.full(n, np.nan)
    gower[means.group] = means.group_mean
    return {
        "gower": gower,
        "burden": np.bincount(patient, weights=size[first], minlength=n),
        "n_lesions": np.bincount(patient, minlength=n),
    }


def model(trials: SimulatedTrials, endpoint: str) -> CoxModel:
    """Fig. 2D's model: Gower per 0.1, burden and number of lesions, strata by arm."""
    p, x = trials.patients, observed(trials)
    os, died = p["os_days"].astype(float), p["os_event"]
    rows = ~np.isnan(x["gower"])
    time = os
    if endpoint == "PPS":
        pfs = p["pfs_days"].astype(float)
        rows &= p["pfs_event"] & (os >= pfs) & ~(died & (os == pfs))
        time = os - pfs
    columns = np.column_stack((x["gower"] / 0.1, x["burden"], x["n_lesions"]))
    return cox_model(time[rows], died[rows], columns[rows], p["arm"][rows].astype(str))


def test_the_link_is_found_where_it_acts(trials: SimulatedTrials) -> None:
    """After progression: its sign beyond doubt, and its size within the interval."""
    found = model(trials, "PPS")
    lower, upper = (float(limit[0]) for limit in found.interval(0.95))
    assert found.p_value[0] < 0.001
    assert 0 < lower < planted(trials) < upper


def test_the_link_is_found_in_overall_survival(trials: SimulatedTrials) -> None:
    found = model(trials, "OS")
    assert found.coefficient[0] > 0
    assert found.p_value[0] < 0.001


def test_the_distance_of_the_truth_is_that_of_the_scans_up_to_progression(
    trials: SimulatedTrials,
) -> None:
    """What is measured to the end goes with it, and where no scan follows it is the same."""
    truth = trials.truth_patients["gower_distance_at_progression"]
    seen = observed(trials)["gower"]
    known = ~np.isnan(truth) & ~np.isnan(seen)
    assert known.sum() > 3500
    assert np.corrcoef(truth[known], seen[known])[0, 1] > 0.8
    assert (np.abs(truth[known] - seen[known]) < 1e-12).mean() > 0.3


def test_without_the_plant_there_is_nothing_after_progression() -> None:
    from dataclasses import replace

    from udfs.simulate.presets import MCRC
    from udfs.simulate.trials import simulate

    plain = replace(MCRC, messages=replace(MCRC.messages, heterogeneity_death=0.0))
    found = model(simulate(plain, None, 20230607), "PPS")
    lower, upper = (float(limit[0]) for limit in found.interval(0.99))
    assert lower < 0 < upper
