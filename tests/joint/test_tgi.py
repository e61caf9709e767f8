"""Metrics of tumor growth inhibition, and survival regressed on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joint.cases import Trial, read
from references import DATA

from udfs.joint.errors import JointDataError
from udfs.joint.tgi import SurvivalRegression, sum_metrics, survival_regression

NAMES = ("log_kg_mean", "log(sld0)", "arm")


def test_metrics_of_true_curves_equal_the_reference(trial: Trial, joint_reference: Path):
    table = read(joint_reference / "tgi_metrics.csv")
    found = sum_metrics(trial.lesions, trial.true_phi)
    # The reference has 9 digits.
    np.testing.assert_allclose(found.sld_day_0_mm[:, 0], table["sld0"], rtol=1e-8)
    np.testing.assert_allclose(found.ratio_week_8[:, 0], table["ratio_week8"], rtol=1e-8)
    np.testing.assert_allclose(found.depth[:, 0], table["depth_nadir"], rtol=1e-8)
    # A minimum is flat: a day is known to the root of the precision of the sums.
    np.testing.assert_allclose(
        found.time_to_growth_days[:, 0], table["ttg_sld_days"], rtol=1e-5, atol=2e-3
    )


@pytest.fixture
def columns(joint_reference: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    table = read(joint_reference / "tgi_metrics.csv")
    x = np.stack([table["log_kg_mean"], np.log(table["sld0"]), table["arm"]], axis=1)
    return table, x


def fitted(columns: tuple[dict[str, np.ndarray], np.ndarray], name: str) -> SurvivalRegression:
    table, x = columns
    return survival_regression(table["os_days"], table["is_death"], x, NAMES, name)


@pytest.mark.parametrize("name", ["lognormal", "weibull", "loglogistic"])
def test_regressions_equal_survreg(
    columns: tuple[dict[str, np.ndarray], np.ndarray], joint_reference: Path, name: str
):
    found = fitted(columns, name)
    table = read(joint_reference / "tgi_os_survreg.csv")
    mine = table["model"] == name
    assert found.is_converged
    np.testing.assert_allclose(found.estimates, table["estimate"][mine], rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors, table["se"][mine], rtol=1e-5)
    fit = read(joint_reference / "tgi_os_loglik.csv")
    assert found.loglik == pytest.approx(fit["logLik"][fit["model"] == name][0], rel=1e-9)
    assert found.aic == pytest.approx(fit["aic"][fit["model"] == name][0], rel=1e-9)


def test_a_new_arm_is_predicted_as_in_r(
    columns: tuple[dict[str, np.ndarray], np.ndarray], joint_reference: Path
):
    fit, (table, x) = fitted(columns, "lognormal"), columns
    base = x[table["arm"] == 1]
    new = base + np.array([np.log(0.7), 0, 0])
    expected = read(joint_reference / "tgi_os_new_arm.csv")
    for group, name in ((base, "survival_arm1"), (new, "survival_new")):
        found = fit.survival(group, expected["day"]).mean(axis=0)
        np.testing.assert_allclose(found, expected[name], rtol=1e-6)
    medians = read(joint_reference / "tgi_os_new_arm_median.csv")["value"]
    found = [fit.median_of_group(group) for group in (base, new)]
    np.testing.assert_allclose(found, medians, rtol=1e-6)


@pytest.fixture(scope="module")
def simulated() -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, Any]]:
    """160 simulated patients, and what R says of them."""
    folder = DATA / "joint"
    table = read(folder / "survival.csv")
    x = np.stack([table["log_kg_mean"], np.log(table["sld0"]), table["arm"]], axis=1)
    return table, x, json.loads((folder / "reference.json").read_text())


@pytest.mark.parametrize("name", ["lognormal", "weibull", "loglogistic"])
def test_regressions_of_simulated_patients_equal_survreg(simulated, name: str):
    table, x, answers = simulated
    found, expected = fitted((table, x), name), answers["regression"][name]
    assert found.is_converged
    np.testing.assert_allclose(found.estimates, expected["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors, expected["se"], rtol=1e-5)
    assert found.loglik == pytest.approx(expected["loglik"], rel=1e-9)
    assert found.aic == pytest.approx(expected["aic"], rel=1e-9)


def test_a_new_arm_of_simulated_patients_is_predicted_as_in_r(simulated):
    table, x, answers = simulated
    fit, expected = fitted((table, x), "lognormal"), answers["new_arm"]
    base = x[table["arm"] == 1]
    new = base + np.array([np.log(0.7), 0, 0])
    for group, name in ((base, "survival_arm1"), (new, "survival_new")):
        found = fit.survival(group, expected["day"]).mean(axis=0)
        np.testing.assert_allclose(found, expected[name], rtol=1e-6)
    medians = [fit.median_of_group(group) for group in (base, new)]
    np.testing.assert_allclose(medians, expected["medians"], rtol=1e-6)


def test_what_cannot_be_regressed_is_refused():
    x = np.arange(4.0)[:, None]
    with pytest.raises(JointDataError, match="no patient has the event"):
        survival_regression([1, 2, 3, 4], [0, 0, 0, 0], x, ("a",), "weibull")
    with pytest.raises(JointDataError, match="depend on each other"):
        survival_regression([1, 2, 3, 4], [1, 1, 0, 1], np.hstack([x, x]), ("a", "b"), "weibull")
