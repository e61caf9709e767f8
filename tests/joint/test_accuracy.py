"""Discrimination, Brier score and calibration at a landmark."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from joint.cases import read
from references import DATA

from udfs.joint.accuracy import accuracy, accuracy_at, calibration_groups, compare_predictions
from udfs.joint.errors import JointDataError
from udfs.joint.landmark import landmark_cox
from udfs.survival import cox_model

DIGITS = 1e-9
"""Of formulas that are the same."""


@pytest.fixture
def pbc(joint_reference: Path) -> dict[str, np.ndarray]:
    """202 patients at risk after 5 years, with a prediction of 2 more."""
    return read(joint_reference / "accuracy_input_pbc2_5_7.csv")


def of(folder: Path, measure: str, how: str) -> float:
    table = read(folder / "accuracy_pbc2_5_7.csv")
    is_it = [
        m == measure and h.startswith(how)
        for m, h in zip(table["measure"], table["how"], strict=True)
    ]
    return float(table["value"][is_it][0])


def test_measures_equal_those_of_r(pbc: dict[str, np.ndarray], joint_reference: Path):
    found = accuracy(pbc["years"] - 5, pbc["is_event"], pbc["p_survive_5_to_7"], window=2)
    r = "riskRegression"
    assert found.auc == pytest.approx(of(joint_reference, "AUC(5,2)", r), rel=DIGITS)
    assert found.auc == pytest.approx(of(joint_reference, "AUC(5,2)", "timeROC"), rel=DIGITS)
    assert found.brier == pytest.approx(of(joint_reference, "Brier(5,2)", r), rel=DIGITS)
    null = of(joint_reference, "Brier(5,2) null model", r)
    assert found.brier_of_curve == pytest.approx(null, rel=DIGITS)
    ratio = of(joint_reference, "observed over expected", "n (1")
    assert found.observed_over_expected == pytest.approx(ratio, rel=DIGITS)
    # Not what weights the wrong way round give.
    wrong = of(joint_reference, "AUC(5,2) with weights inverted", "what dividing")
    assert abs(found.auc - wrong) > 1e-3


def test_fifths_equal_those_of_r(pbc: dict[str, np.ndarray], joint_reference: Path):
    table = read(joint_reference / "accuracy_pbc2_5_7_calibration.csv")
    found = calibration_groups(pbc["years"] - 5, pbc["is_event"], pbc["p_survive_5_to_7"], window=2)
    assert [one.n for one in found] == table["n"].tolist()
    np.testing.assert_allclose([one.mean_risk for one in found], table["mean_predicted"], rtol=1e-9)
    np.testing.assert_allclose(
        [one.observed for one in found], table["observed_km"], rtol=1e-9, atol=1e-12
    )
    assert all(one.lower <= one.observed <= one.upper for one in found)


def test_limits_hold_the_values_and_agree_with_the_standard_errors_of_r(
    pbc: dict[str, np.ndarray], joint_reference: Path
):
    found = accuracy_at(
        pbc["years"],
        pbc["is_event"],
        pbc["p_survive_5_to_7"],
        landmark=5,
        window=2,
        samples=400,
    )
    assert (found.n, found.n_events, found.n_censored) == (202, 33, 40)
    table = read(joint_reference / "accuracy_pbc2_5_7.csv")
    for name, row in (("auc", 1), ("brier", 2)):
        lower, value, upper = (
            getattr(one, name) for one in (found.lower, found.value, found.upper)
        )
        assert lower < value < upper
        # 400 samples: a percentile's own error is about a tenth of a standard error.
        assert upper - lower == pytest.approx(2 * 1.96 * table["se"][row], rel=0.2)


def test_measures_of_simulated_patients_equal_those_of_r():
    """Inverse probability of censoring weights by survfit, the formulas written out in R."""
    folder = DATA / "joint"
    table = read(folder / "survival.csv")
    expected = json.loads((folder / "reference.json").read_text())["accuracy"]
    given = (table["os_days"], table["is_death"], table["p_survive"])
    found = accuracy(*given, window=expected["window"])
    for name in ("auc", "brier", "brier_of_curve", "observed_over_expected"):
        assert getattr(found, name) == pytest.approx(expected[name], rel=DIGITS), name
    groups = calibration_groups(*given, window=expected["window"])
    for group, wanted in zip(groups, expected["groups"], strict=True):
        assert group.n == wanted["n"]
        assert group.mean_risk == pytest.approx(wanted["mean_risk"], rel=DIGITS)
        assert group.observed == pytest.approx(wanted["observed"], rel=DIGITS)


def test_measures_worked_by_hand():
    """Five patients, window 2: deaths at 1 and 2, censored at 1.5, two beyond.

    G is 1 before 1.5 and 1 - 1 / 4 after: of four at risk one is censored. Weights 1, 4/3 (the
    death at 2), 4/3, 4/3. Risks .8 (1), .3 (2), .5 (1.5), .4 and .1: pairs won 1 * (4/3 + 4/3) by
    the first, 4/3 * 4/3 of the second against .1: AUC = (8/3 + 16/9) / (7/3 * 8/3) = 5 / 7.
    Brier: (.04 + 4/3 (.49 + .16 + .01)) / 5 = .184.
    """
    found = accuracy([1, 2, 1.5, 3, 4], [1, 1, 0, 0, 1], [0.2, 0.7, 0.5, 0.6, 0.9], window=2)
    assert found.auc == pytest.approx(5 / 7)
    assert found.brier == pytest.approx(0.184)
    # Survival at 2: 4/5 (1 - 1/3) = 8/15.
    assert found.observed_over_expected == pytest.approx(5 * 7 / 15 / 2.1)


def test_a_right_model_is_calibrated_and_beats_a_wrong_one():
    rng = np.random.default_rng(8)
    rate = np.exp(rng.normal(-6, 0.8, 3000))
    death, out = rng.exponential(1 / rate), rng.uniform(50, 900, 3000)
    x, died = np.minimum(death, out), death <= out
    right = accuracy(x, died, np.exp(-rate * 365), window=365)
    extreme = accuracy(x, died, np.exp(-(rate**1.5) / rate.mean() ** 0.5 * 365), window=365)
    assert right.calibration_slope == pytest.approx(1, abs=0.1)
    assert right.observed_over_expected == pytest.approx(1, abs=0.06)
    assert extreme.calibration_slope == pytest.approx(1 / 1.5, abs=0.1)
    assert extreme.auc == pytest.approx(right.auc)
    assert extreme.brier > right.brier
    assert right.scaled_brier > 0.05


def test_impossible_predictions_are_refused():
    with pytest.raises(JointDataError, match="patient 2 has a predicted survival outside"):
        accuracy([1, 2], [1, 0], [0.5, 1.2], window=1)
    with pytest.raises(JointDataError, match="patient 1 is not at risk at the landmark"):
        accuracy_at([5, 8], [1, 0], [0.5, 0.2], landmark=5, window=1)
    with pytest.raises(JointDataError, match="nobody"):
        accuracy([], [], [], window=1)


def test_a_cox_model_at_a_landmark_predicts_with_breslows_baseline():
    """Written out, over five patients of whom two die together."""
    time = np.array([10.0, 20.0, 20.0, 30.0, 90.0, 70.0])
    died = np.array([True, True, True, False, True, False])
    x = np.array([0.3, -0.2, 1.0, 0.4, -0.9, 0.1])[:, None]
    new = np.array([[0.5], [-0.5]])
    found = landmark_cox(time, died, x, new, window=50.0)
    b = cox_model(np.minimum(time, 50), died & (time <= 50), x).coefficient[0]
    risk = np.exp(x[:, 0] * b)
    baseline = sum(1 / risk[time >= t].sum() for t in (10, 20, 20))
    np.testing.assert_allclose(found, np.exp(-baseline * np.exp(new[:, 0] * b)), rtol=1e-12)


def test_predictions_are_compared_on_the_same_patients():
    rng = np.random.default_rng(5)
    x, died = rng.exponential(100, 200), rng.random(200) < 0.8
    survival = rng.random((3, 200))
    found = compare_predictions(x, died, survival, window=80.0, samples=50)
    for k in range(3):
        alone = accuracy(x, died, survival[k], window=80.0)
        assert found["auc"].value[k] == pytest.approx(alone.auc, rel=1e-12)
        assert found["brier"].value[k] == pytest.approx(alone.brier, rel=1e-12)
    assert found["auc"].difference[0] == found["auc"].difference_upper[0] == 0
    assert (found["brier"].difference_lower <= found["brier"].difference).all()
