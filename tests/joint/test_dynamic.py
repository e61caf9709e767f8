"""Predictions at a landmark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from joint.cases import ORGANS, Trial, growth_data

from udfs.joint import CurveDraws, Lesions, Longitudinal, Weibull, draw_curves, lesions_of
from udfs.joint.dynamic import FittedHazard, at_landmark, predict_sizes, predict_survival
from udfs.joint.lesions import sphere_diameter

LANDMARK, AHEAD, NEXT = 112.0, 182.0, 56.0
EXACT = (1, 4, 2, 8, 11)
USABLE = 0.02
"""Of the reference: its own relative error."""
DRAWS = 2000


def exact_answers(folder: Path) -> dict[str, np.ndarray]:
    """The file's quantities hold commas without quotes: its last three columns count from the
    end."""
    lines = (folder / "exact_dynamic.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    return {
        "patient": np.array([int(one[0]) for one in rows]),
        "quantity": np.array([",".join(one[3:-3]) for one in rows]),
        "lesion_number": np.array([int(one[-3] or 0) for one in rows]),
        "value": np.array([float(one[-2]) for one in rows]),
        "relative_se": np.array([float(one[-1]) for one in rows]),
    }


def some_patients(trial: Trial, patients: np.ndarray) -> Trial:
    """Their sizes up to the landmark; their baselines."""
    at = trial.lesion["patient"]
    kept = np.isin(trial.lesion["lesion"], trial.lesion["lesion"][np.isin(at, patients)])
    lesion = {name: one[kept] for name, one in trial.lesion.items()}
    rows = np.isin(trial.size["patient"], patients) & (trial.size["day"] <= LANDMARK)
    return replace(trial, lesion=lesion, size={k: one[rows] for k, one in trial.size.items()})


@pytest.fixture(scope="session")
def hazard(trial: Trial) -> FittedHazard:
    truth = trial.truth
    rates = [np.log(truth["weibull_lambda"]), np.log(truth["weibull_shape"])]
    theta = np.array([*truth["alpha_organ"].values(), truth["direct_arm"], *rates])
    return FittedHazard(Weibull(), ("organ",), theta, np.zeros((6, 6)))


def test_predictions_equal_the_exact_ones(
    trial: Trial, known: Longitudinal, hazard: FittedHazard, joint_reference: Path
):
    """Of five patients by themselves, with the population of the fit."""
    patients = np.array(sorted(EXACT))
    few = some_patients(trial, patients)
    early = at_landmark(known, growth_data(few))
    draws = draw_curves(early.fit, early.point, patients, n_draws=DRAWS, n_nodes=3584, per_axis=7)
    lesions = lesions_of(early.fit, draws, organ_of(trial), organs=ORGANS)
    arm = trial.patient["arm"][patients - 1, None]
    found = predict_survival(hazard, lesions, draws, arm, landmark=LANDMARK, horizons=(AHEAD,))
    smallest = sphere_diameter(lesions.v0)
    at = np.searchsorted(draws.lesion, few.size["lesion"].astype(int))
    np.minimum.at(smallest, at, sphere_diameter(few.size["volume_mm3"]))
    b = trial.truth["b"]
    sizes = predict_sizes(lesions, draws, found.weight, b, smallest, LANDMARK + NEXT)
    table = exact_answers(joint_reference)
    is_alive = np.char.startswith(table["quantity"], "P(alive")
    is_progress = np.char.startswith(table["quantity"], "P(measured")
    checked = 0
    for k, patient in enumerate(patients.tolist()):
        mine = table["patient"] == patient
        expected = table["value"][mine & is_alive][0]
        # Survival given the curve differs between draws by far less than .1.
        tolerance = 4 * 0.1 / np.sqrt(DRAWS)
        assert found.survival[k, 0] == pytest.approx(expected, abs=tolerance)
        rows = np.flatnonzero(draws.owner == k)
        for place in np.flatnonzero(mine & is_progress).tolist():
            if table["relative_se"][place] > USABLE:
                continue
            p, own = table["value"][place], rows[int(table["lesion_number"][place]) - 1]
            tolerance = 4 * np.hypot(np.sqrt(p / DRAWS), p * table["relative_se"][place])
            assert sizes.progression[own] == pytest.approx(p, abs=tolerance)
            checked += 1
    assert checked >= 5


def organ_of(trial: Trial) -> dict[int, str]:
    lesions = trial.lesion["lesion"].astype(int).tolist()
    return dict(zip(lesions, trial.lesion["organ"].tolist(), strict=True))


def test_a_known_curve_is_predicted_by_hand():
    """One lesion that neither grows nor shrinks, no link: S = exp(-lambda t)."""
    lesions = Lesions.of([0], [1000.0], [0.0], ["lung"], n_patients=1, organs=("lung",))
    phi = np.broadcast_to([-20.0, -20.0, 0.0], (1, 50, 3))
    one = CurveDraws(
        np.array([1]),
        np.array([1]),
        np.array([0]),
        np.array([True]),
        np.zeros((1, 50, 3)),
        phi,
        phi[:, 0],
        np.ones((1, 1)),
        np.zeros((1, 50, 1)),
        np.zeros(1),
        np.zeros(1),
    )
    theta, cover = np.array([0.0, np.log(0.001), 0.0]), np.zeros((3, 3))
    cover[1, 1] = 0.04
    hazard = FittedHazard(Weibull(), ("value",), theta, cover)
    found = predict_survival(
        hazard, lesions, one, np.zeros((1, 0)), landmark=100, horizons=(200, 0.001)
    )
    assert found.survival[0, 0] == pytest.approx(np.exp(-0.2), rel=1e-9)
    assert found.survival[0, 1] == pytest.approx(1, abs=1e-5)
    # The limits hold the error of lambda: exp(-.2 e^(+-1.96 .2)), from 50 draws.
    assert found.lower[0, 0] == pytest.approx(np.exp(-0.2 * np.exp(0.392)), abs=0.05)
    assert found.upper[0, 0] == pytest.approx(np.exp(-0.2 * np.exp(-0.392)), abs=0.03)
    sizes = predict_sizes(lesions, one, found.weight, 0.2, np.array([10.0]), 300.0)
    assert sizes.median_mm3[0] == pytest.approx(1000, rel=1e-6)
    assert sizes.upper_mm3[0] == pytest.approx(1000 * (1 + 0.2 * 1.6448536), rel=1e-6)
    assert sizes.lower_mm3[0] == pytest.approx(1000 * (1 - 0.2 * 1.6448536), rel=1e-6)
