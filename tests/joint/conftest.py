"""Reference answers of joint models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from growth.cases import QUICK
from joint.cases import Trial, growth_data

from udfs.growth import GrowthFit, fit_growth
from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.population import Population
from udfs.joint import Longitudinal


@pytest.fixture(scope="session")
def joint_reference(shared: Path) -> Path:
    """Folder of the reference answers; skips without it."""
    folder = shared / "reference" / "joint"
    if not folder.is_dir():
        pytest.skip("no reference answers of joint models beside this checkout")
    return folder


@pytest.fixture(scope="session")
def trial(joint_reference: Path) -> Trial:
    """The simulated trial with known truth."""
    return Trial.load(joint_reference)


@pytest.fixture(scope="session")
def growth(trial: Trial) -> GrowthFit:
    """Without patients' effects, with organs and arms."""
    return fit_growth(
        growth_data(trial),
        covariates=dict.fromkeys(("kg", "kd", "f"), ("organ", "arm")),
        references={"organ": "liver", "arm": "a"},
        settings=QUICK,
    )


@pytest.fixture(scope="session")
def known(trial: Trial, growth: GrowthFit) -> Longitudinal:
    """The longitudinal part at its truth."""
    truth = trial.truth
    of = {"": lambda level: truth["mu"], "arm": lambda level: truth["beta_arm"]}
    of["organ"] = lambda level: truth["beta_organ"][level]
    columns = growth.problem.design.columns
    coefficients = np.array([of[one.covariate](one.level) for one in columns], dtype=float)
    omega = np.diag(np.square(truth["omega"]))
    population = Population(coefficients, omega, np.array([truth["b"]]))
    return Longitudinal(growth, TwoLevelPoint(population, np.array(truth["gamma"])), None)


@pytest.fixture(scope="session")
def ids(trial: Trial) -> np.ndarray:
    return trial.patient["patient"].astype(int)


@pytest.fixture(scope="session")
def organ(trial: Trial) -> dict[int, str]:
    lesions = trial.lesion["lesion"].astype(int).tolist()
    return dict(zip(lesions, trial.lesion["organ"].tolist(), strict=True))
