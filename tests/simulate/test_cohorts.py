"""Simulated cohorts against what is published, and against their own truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.simulate import SimulatedTrials, simulate_hnscc, simulate_mcrc
from udfs.simulate.presets import MCRC
from udfs.simulate.scans import MAX_READ_MM

N = 300


@pytest.fixture(scope="module")
def small() -> SimulatedTrials:
    return simulate_mcrc(N, seed=11)


def included(trials: SimulatedTrials) -> NDArray[np.bool_]:
    return trials.patients["excluded"] == ""


def counted_lesions(trials: SimulatedTrials) -> NDArray[np.str_]:
    lesions = trials.lesions
    rows = included(trials)[lesions["patient"]] & (lesions["reader"] == 1)
    return lesions["type"][rows]


def sizes_per_lesion(trials: SimulatedTrials) -> NDArray[np.int64]:
    m = trials.measurements
    rows = m["is_done"] & (m["reader"] == 1) & included(trials)[m["patient"]]
    counts = np.bincount(m["lesion"][rows])
    return counts[counts > 0]


def share(values: NDArray[np.str_], wanted: str) -> float:
    return float((values == wanted).mean())


def test_numbers_scale_with_the_patients(small: SimulatedTrials) -> None:
    scale = N / 4308
    assert included(small).sum() == N
    types = counted_lesions(small)
    for kind, full in (("target", 19180), ("non-target", 18594), ("new", 2838)):
        assert abs((types == kind).sum() - full * scale) <= 1
    assert sizes_per_lesion(small).sum() == pytest.approx(94174 * scale, rel=0.06)


def test_quotas_leave_less_than_one_patient_of_error(small: SimulatedTrials) -> None:
    p = {name: values[included(small)] for name, values in small.patients.items()}
    published = MCRC.mix.race | MCRC.mix.primary_site | {"M": 2538, "F": 1770}
    columns = [p["race"], p["primary_site"], p["sex"]]
    for column in columns:
        for level in np.unique(column):
            assert abs((column == level).sum() - published[str(level)] * N / 4308) < 1


def test_same_seed_same_numbers(small: SimulatedTrials) -> None:
    again = simulate_mcrc(N, seed=11)
    for field in dataclasses.fields(small):
        one, other = getattr(small, field.name), getattr(again, field.name)
        if isinstance(one, dict):
            for name, values in one.items():
                np.testing.assert_array_equal(values, other[name])


def test_another_seed_other_numbers(small: SimulatedTrials) -> None:
    other = simulate_mcrc(N, seed=12)
    assert not np.array_equal(small.truth_lesions["f"], other.truth_lesions["f"])


@pytest.mark.parametrize("n", [1, 2, 8])
def test_the_smallest_cohorts_can_be_simulated(n: int) -> None:
    trials = simulate_mcrc(n, seed=n)
    assert included(trials).sum() == n
    assert len(trials.truth_lesions["f"]) > 0


def test_no_patients_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        simulate_mcrc(0)


def test_every_included_patient_has_a_target_lesion_followed_over_time(
    small: SimulatedTrials,
) -> None:
    m = small.measurements
    rows = m["is_done"] & (m["reader"] == 1)
    for patient in np.flatnonzero(included(small)):
        mine = rows & (m["patient"] == patient)
        assert (m["day"][mine] > 0).any()
        assert m["day"][mine].min() >= -48


def test_excluded_patients_are_what_their_kind_says() -> None:
    trials = simulate_mcrc(720, seed=4)  # eight to be excluded, two of each kind
    kind = trials.patients["excluded"]
    assert sorted(kind[kind != ""].tolist()) == sorted(
        2 * ["no_lesion", "no_target", "baseline_only", "early_baseline"]
    )
    m, lesions = trials.measurements, trials.lesions
    for patient in np.flatnonzero(kind != ""):
        types = set(lesions["type"][lesions["patient"] == patient])
        days = m["day"][(m["patient"] == patient)]
        if kind[patient] == "no_lesion":
            assert not types
        elif kind[patient] == "no_target":
            assert "target" not in types
        elif kind[patient] == "baseline_only":
            assert days.size
            assert (days <= 0).all()
        else:
            assert days.min() < -84


def test_sizes_are_the_curve_with_the_stated_error() -> None:
    trials = simulate_mcrc(1000, seed=21)
    truth, m = trials.truth_lesions, trials.measurements
    rows = m["is_done"] & (m["reader"] == 1) & (m["scan"] > 0) & (m["short_mm"] < 0)
    lesion, day = m["lesion"][rows], m["day"][rows].astype(float)
    kg, kd, f = (truth[name][lesion] for name in ("kg_per_day", "kd_per_day", "f"))
    curve = truth["volume_at_first_dose_mm3"][lesion] * (
        f * np.exp(kg * day) + (1 - f) * np.exp(-kd * day)
    )
    seen = m["long_mm"][rows]
    volume = seen**3 / (2 * 1.31**2)
    large = (curve > 10000) & (seen > 0) & (seen < MAX_READ_MM)
    error = volume[large] / curve[large] - 1
    # 0.25 from the model; rounding a diameter of 33 mm or more adds at most 3 * 0.29 / 33 = 0.026.
    assert large.sum() > 2000
    assert error.std() == pytest.approx(0.25, rel=4 / np.sqrt(2 * large.sum()) + 0.01)
    assert error.mean() == pytest.approx(0, abs=4 * 0.25 / np.sqrt(large.sum()))


def test_baseline_sizes_carry_rounding_only(small: SimulatedTrials) -> None:
    truth, m = small.truth_lesions, small.measurements
    rows = (m["scan"] == 0) & (m["reader"] == 1)
    d = truth["diameter_at_baseline_mm"][m["lesion"][rows]]
    assert np.abs(m["long_mm"][rows] - d).max() <= 0.5 + 1e-9


def test_growth_parameters_have_the_spread_asked_for() -> None:
    trials = simulate_mcrc(2000, seed=5)
    truth = trials.truth_lesions
    rows = truth["is_target"] & included(trials)[truth["patient"]]
    population = MCRC.population
    asked = {
        "kg_per_day": (np.log(population.kg_per_day), population.omega_kg),
        "kd_per_day": (np.log(population.kd_per_day), population.omega_kd),
    }
    logs = {name: np.log(truth[name][rows]) for name in asked}
    f = truth["f"][rows]
    asked["f"] = (np.log(population.f / (1 - population.f)), population.omega_f)
    logs["f"] = np.log(f / (1 - f))
    for name, (mean, omega) in asked.items():
        # Half of the variance is shared by a patient's lesions: the mean's standard error is about
        # omega * sqrt(0.52 * 1.3 / patients), the factor 1.3 for unequal numbers of lesions.
        se = omega * np.sqrt(0.52 * 1.3 / 2000)
        assert logs[name].mean() == pytest.approx(mean, abs=4 * se)
        assert logs[name].std() == pytest.approx(omega, rel=0.06)


def test_lesions_of_a_patient_and_of_an_organ_are_alike() -> None:
    trials = simulate_mcrc(2000, seed=6)
    truth = trials.truth_lesions
    total = sum(truth[f"log_kd_{level}_effect"] for level in ("patient", "patient_organ", "lesion"))
    patient = truth["patient"]
    first = np.flatnonzero(np.r_[False, patient[1:] == patient[:-1]])
    same = truth["organ_index"][first] == truth["organ_index"][first - 1]
    pairs = [(total[first[rows] - 1], total[first[rows]]) for rows in (same, ~same)]
    within_organ, between = (np.corrcoef(*pair)[0, 1] for pair in pairs)
    # Shares of the variance: patient 0.52, organ of the patient 0.13.
    assert between == pytest.approx(0.52, abs=0.05)
    assert within_organ == pytest.approx(0.65, abs=0.05)


def test_responses_follow_from_the_sizes_as_written(small: SimulatedTrials) -> None:
    m, r = small.measurements, small.responses
    size = np.where(m["short_mm"] >= 0, m["short_mm"], m["long_mm"])
    size = np.where((size > 0) & (size < 5), 5, size)
    local = small.truth_local_treatments
    treated = dict(zip(local["lesion"].tolist(), local["day"].tolist(), strict=True))
    same = dict(zip(small.lesions["lesion"], small.lesions["same_lesion"], strict=True))
    sums: dict[tuple[int, int, int], float] = {}
    for row in range(len(size)):
        key = (m["patient"][row], m["reader"][row], m["scan"][row])
        is_after = m["day"][row] >= treated.get(int(same[m["lesion"][row]]), np.inf)
        value = size[row] if m["is_done"][row] and not is_after else np.nan
        sums[key] = sums.get(key, 0.0) + value
    for row in range(len(r["sum_mm"])):
        key = (r["patient"][row], r["reader"][row], r["scan"][row])
        np.testing.assert_equal(r["sum_mm"][row], sums[key])
        if r["target"][row] == "PR":
            assert r["sum_mm"][row] <= 0.7 * sums[(*key[:2], 0)] + 1e-9


def test_the_second_reader_reads_the_same_lesions_differently() -> None:
    trials = simulate_mcrc(500, seed=8)
    lesions, studies = trials.lesions, trials.studies
    two = studies["has_two_readers"][trials.patients["trial"][lesions["patient"]]]
    assert set(lesions["reader"][~two]) == {1}
    second = lesions["reader"] == 2
    assert second.any()
    first = lesions["same_lesion"][second]
    assert (lesions["patient"][first] == lesions["patient"][second]).all()
    assert (lesions["organ"][first] == lesions["organ"][second]).all()
    m = trials.measurements
    size = {(a, b): c for a, b, c in zip(m["lesion"], m["scan"], m["long_mm"], strict=True)}
    other = dict(zip(lesions["lesion"][second], first, strict=True))
    pairs = [(size[key], size[(other[key[0]], key[1])]) for key in size if key[0] in other]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.9
    assert any(a != b for a, b in pairs)


def median_survival(days: NDArray[np.int64], events: NDArray[np.bool_]) -> float:
    """Kaplan-Meier, events before censoring on one day."""
    order = np.lexsort((~events, days))
    left = len(days) - np.arange(len(days))
    survival = np.cumprod(1 - events[order] / left)
    return float(days[order][np.argmax(survival <= 0.5)])


@pytest.fixture(scope="module")
def full() -> SimulatedTrials:
    return simulate_mcrc()


@pytest.mark.slow
class TestFullSize:
    """Zhou 2023, Table 1 and text. What is handed out by quota must be exact."""

    def test_lesions_and_measurements(self, full: SimulatedTrials) -> None:
        types = counted_lesions(full)
        counts = [(types == kind).sum() for kind in ("target", "non-target", "new")]
        assert counts == [19180, 18594, 2838]
        assert sizes_per_lesion(full).sum() == pytest.approx(94174, rel=0.02)
        assert np.percentile(sizes_per_lesion(full), [25, 50, 75]) == pytest.approx(
            [3, 4, 6], abs=1
        )
        per_patient = np.bincount(
            full.lesions["patient"][full.lesions["reader"] == 1], minlength=len(included(full))
        )[included(full)]
        assert np.percentile(per_patient, [25, 50, 75]).tolist() == [6, 9, 12]

    def test_baseline_table(self, full: SimulatedTrials) -> None:
        p = {name: values[included(full)] for name, values in full.patients.items()}
        exact = {
            "sex": {"M": 2538},
            "race": {"WHITE": 3883, "BLACK OR AFRICAN AMERICAN": 104, "ASIAN": 142, "OTHER": 179},
            "primary_site": {"COLON": 2581, "RECTUM": 1359, "UNSPECIFIED": 368},
            "surgery": {"Y": 2993, "N": 1315},
            "primary_resected": {"Y": 2663},
            "kras": {"WILD TYPE": 795, "MUTANT": 593, "": 2920},
            "arm": {
                "Bevacizumab plus chemotherapy": 376,
                "Bevacizumab plus FOLFOX": 630,
                "FOLFIRI alone": 1303,
                "FOLFOX alone": 762,
                "Panitumumab plus bevacizumab plus chemotherapy": 372,
                "Panitumumab plus FOLFOX": 441,
                "Panitumumab plus FOLFIRI": 424,
            },
        }
        for column, levels in exact.items():
            for level, count in levels.items():
                assert (p[column] == level).sum() == count, (column, level)
        # Quotas within trials or within those operated on: off by rounding in each part.
        near = {"radiation": {"Y": 445, "N": 3345, "": 518}, "resected_liver": {"Y": 261},
                "resected_lung": {"Y": 27}, "resected_ln": {"Y": 206}}  # fmt: skip
        for column, levels in near.items():
            for level, count in levels.items():
                assert abs((p[column] == level).sum() - count) <= 8, (column, level)
        # Means: four standard errors (10.8 and 5.1 over the square root of 4,308).
        assert p["age"].mean() == pytest.approx(60.2, abs=0.66)
        assert p["age"].std() == pytest.approx(10.8, abs=0.5)
        assert p["bmi"].mean() == pytest.approx(26.2, abs=0.31)
        assert p["bmi"].std() == pytest.approx(5.1, abs=0.3)

    def test_number_of_metastatic_organs(self, full: SimulatedTrials) -> None:
        lesions = full.lesions
        rows = (lesions["reader"] == 1) & (lesions["type"] != "new")
        pairs = np.unique(
            np.stack([lesions["patient"][rows], lesions["organ_index"][rows]]), axis=1
        )
        organs = np.bincount(pairs[0], minlength=len(included(full)))[included(full)]
        counts = [
            (organs == 1).sum(),
            (organs == 2).sum(),
            (organs == 3).sum(),
            (organs >= 4).sum(),
        ]
        np.testing.assert_allclose(counts, [553, 1159, 1146, 1450], atol=10)

    def test_outcomes(self, full: SimulatedTrials) -> None:
        p = {name: values[included(full)] for name, values in full.patients.items()}
        published = {"CR": 2.7, "PR": 34.2, "SD": 41.9, "PD": 18.1, "NE": 3.0}
        for response, percent in published.items():
            assert 100 * share(p["best_response"], response) == pytest.approx(percent, abs=3)
        # Medians of recorded days move by weeks between seeds: they fall on planned scans.
        assert np.median(p["pfs_days"]) == pytest.approx(247, abs=25)
        assert np.median(p["os_days"]) == pytest.approx(443, abs=25)

    def test_survival_by_the_organ_that_progresses_first(self, full: SimulatedTrials) -> None:
        p, first = full.patients, full.truth_patients["first_progressing_organ"]
        rows = included(full)
        medians = [
            median_survival(p["os_days"][group], p["os_event"][group])
            for group in (
                rows & (first == "liver"),
                rows & ~np.isin(first, ["liver", "lung"]),
                rows & (first == "lung"),
            )
        ]
        assert medians[0] < medians[1] < medians[2]  # published: 450, 581 and 679 days

    def test_organs_rank_as_in_the_figures(self, full: SimulatedTrials) -> None:
        truth = full.truth_lesions
        organ = full.lesions["organ"][: len(truth["f"])]
        counted = truth["is_target"]
        names = np.unique(organ)
        medians = {
            column: {o: np.median(truth[column][counted & (organ == o)]) for o in names}
            for column in ("f", "kg_per_day", "kd_per_day")
        }
        assert max(medians["f"], key=medians["f"].__getitem__) in ("bone", "brain_cns", "skin")
        assert max(medians["kg_per_day"], key=medians["kg_per_day"].__getitem__) == "gr"
        assert min(medians["kd_per_day"], key=medians["kd_per_day"].__getitem__) == "kidney"
        abundant = ("liver", "lung", "ln_regional", "ln_distal")
        assert min(abundant, key=medians["f"].__getitem__) == "liver"
        assert max(abundant, key=medians["kg_per_day"].__getitem__) == "liver"
        counts = dict(zip(*np.unique(organ, return_counts=True), strict=True))
        largest = sorted(counts, key=counts.__getitem__, reverse=True)[:4]
        assert set(largest) == set(abundant)


class TestHeadAndNeck:
    def test_published_numbers(self) -> None:
        trials = simulate_hnscc()
        types = counted_lesions(trials)
        assert included(trials).sum() == 393
        assert len(types) == 1892
        assert (types == "target").sum() == 777
        assert sizes_per_lesion(trials).sum() == pytest.approx(3574, rel=0.03)
        assert len(np.unique(trials.lesions["organ"])) == 11
        assert set(trials.patients["arm"]) == {
            "Chemotherapy alone",
            "Panitumumab plus chemotherapy",
        }
