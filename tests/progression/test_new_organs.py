"""Organs together, the chain over them, and risks of the next one, against R and other formulas."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from references import DATA

from udfs.progression.organs import (
    cause_specific,
    chain,
    net_benefit,
    pairs,
    pseudo_values,
    risk_accuracy,
)

COVARIATES = ("trtS", "age6069", "age70", "ps1", "ps2", "resected")
COEFFICIENT = 1e-6
"""Of a log hazard ratio: both end their Newton steps well below."""
RISK = 1e-9
"""Of a predicted risk: the coefficients' error carried on."""
EXACT = 1e-12
CALIBRATION = 1e-6
"""Scoring steps end at a small change of the deviance, its root of the estimates."""


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def biology(shared):
    return shared / "reference" / "biology"


@pytest.fixture(scope="module")
def reference(biology):
    return {
        (row["quantity"], row["term"]): float(row["value"])
        for row in rows_of(biology / "prediction_reference.csv")
    }


@pytest.fixture(scope="module")
def ffcd(biology):
    """Time in years, cause, covariates, and the risks that riskRegression predicts."""
    rows = rows_of(biology / "ffcd_first_new_lesion.csv")
    risks = rows_of(biology / "prediction_risk.csv")
    return (
        np.array([float(r["time"]) for r in rows]),
        np.array([int(r["status"]) for r in rows]),
        np.array([[float(r[name]) for name in COVARIATES] for r in rows]),
        {name: np.array([float(r[name]) for r in risks]) for name in risks[0]},
    )


def test_pairs_are_those_of_the_reference(biology):
    rows = rows_of(biology / "organ_presence.csv")
    organs = list(rows[0])[1:]
    presence = np.array([[int(r[o]) for o in organs] for r in rows])
    expected = {
        (r["item"], r["quantity"]): (float(r["value"]), r["note"])
        for r in rows_of(biology / "organ_reference.csv")
        if r["topic"] == "cooccurrence"
    }
    found = pairs(presence)
    assert len(found) == 6
    for pair in found:
        item = f"{organs[pair.first]}-{organs[pair.second]}"
        value, note = expected[item, "log_or_haldane_0.5"]
        assert pair.log_odds_ratio == pytest.approx(value, abs=EXACT)
        assert pair.standard_error == pytest.approx(float(note.split("=")[1]), abs=1e-9)
        assert pair.lift == pytest.approx(expected[item, "lift"][0], abs=EXACT)
        assert pair.p_value == pytest.approx(expected[item, "fisher_p_two_sided"][0], abs=1e-9)
        # Six pairs: 1 - 0.05 / 6 of a normal is 2.638257.
        assert pair.upper - pair.lower == pytest.approx(2 * 2.638257 * pair.standard_error, 1e-6)
    # Benjamini and Hochberg by hand: the two least p of six are 0.003276 and 0.004012.
    small = sorted(p.p_adjusted for p in found)[:2]
    assert small == pytest.approx([0.0120353172, 0.0120353172], abs=1e-9)


def test_the_chain_of_the_reference(biology):
    matrix = np.loadtxt(biology / "organ_chain_ergodic.csv", delimiter=",", skiprows=1)
    rows = rows_of(biology / "organ_reference.csv")
    expected = {(r["item"], r["quantity"]): float(r["value"]) for r in rows}
    found = chain(matrix)
    for i in range(4):
        assert found.steady_state[i] == pytest.approx(
            expected[f"state{i + 1}", "steady_state"], abs=1e-12
        )
    assert found.first_passage[0, 1] == pytest.approx(
        expected["state1->state2", "mean_first_passage_steps"], abs=1e-10
    )
    # The linear system without the organ that is to be reached, for each of them.
    for j in range(4):
        keep = np.arange(4) != j
        steps = np.linalg.solve(np.eye(3) - matrix[np.ix_(keep, keep)], np.ones(3))
        np.testing.assert_allclose(found.first_passage[keep, j], steps, rtol=1e-10)
    # Steps back to a state are 1 over its share (Kac).
    np.testing.assert_allclose(np.diag(found.first_passage), 1 / found.steady_state, rtol=1e-10)
    # A chain that forgets at once has the same steady state, and every row on it.
    forgetful = chain(np.outer(np.ones(4), found.steady_state))
    np.testing.assert_allclose(forgetful.steady_state, found.steady_state, atol=1e-12)
    assert forgetful.total_variation.max() < 1e-12 < 0.05 < found.total_variation.min()


def test_the_matrix_of_newton_2012(biology):
    with (biology / "newton2012_transition_matrix.csv").open(newline="") as file:
        sites, *lines = list(csv.reader(file))
    matrix = np.array([[float(x) for x in line[1:]] for line in lines])
    found = chain(matrix)
    lung = sites.index("Lung") - 1
    for row in rows_of(biology / "newton2012_reference.csv"):
        at = sites.index(row["site"]) - 1
        assert found.steady_state[at] == pytest.approx(float(row["steady_state"]), abs=1e-9)
        assert found.first_passage[lung, at] == pytest.approx(
            float(row["mean_first_passage_steps_from_lung"]), rel=1e-6
        )


def test_organs_without_a_way_back_are_outside():
    found = chain([[0, 3, 1], [2, 0, 0], [0, 0, 0]])
    assert found.in_class.tolist() == [True, True, False]
    np.testing.assert_allclose(found.steady_state[:2], [0.5, 0.5])
    assert np.isnan(found.steady_state[2])
    assert not chain(np.zeros((2, 2))).in_class.any()


def test_cause_specific_risks_are_those_of_risk_regression(ffcd, reference):
    time, cause, x, risks = ffcd
    found = cause_specific(time, cause, x)
    for k, quantity in enumerate(("cause_specific_cox_new_lesion", "cause_specific_cox_death")):
        for j, name in enumerate(COVARIATES):
            assert found.coefficient[j, k] == pytest.approx(
                reference[quantity, name], abs=COEFFICIENT
            )
    np.testing.assert_allclose(found.risk(x, 1.0), risks["risk_csc_1y"], atol=RISK)


def test_accuracy_is_that_of_score(ffcd, reference):
    time, cause, _, risks = ffcd
    p = risks["risk_csc_1y"]
    found = risk_accuracy(time, cause, p, 1.0)
    assert found.brier == pytest.approx(reference["brier_ipcw_km_t1", "csc"], abs=EXACT)
    assert found.null_brier == pytest.approx(reference["brier_ipcw_km_t1", "Null model"], abs=EXACT)
    assert found.auc == pytest.approx(reference["auc_ipcw_km_t1", "csc"], abs=EXACT)
    assert found.observed == pytest.approx(
        reference["calibration_mean_t1", "observed_aj"], abs=EXACT
    )
    # glm ends at a relative change of 1e-8 of its deviance.
    assert found.calibration_slope == pytest.approx(
        reference["calibration_pseudo_cloglog_t1", "slope"], abs=1e-4
    )
    assert found.calibration_intercept == pytest.approx(
        reference["calibration_pseudo_cloglog_t1", "intercept"], abs=1e-4
    )
    np.testing.assert_allclose(pseudo_values(time, cause, 1.0), risks["pseudo"], atol=1e-9)


def test_left_out_by_fifths_the_prediction_is_of_no_use(ffcd, reference):
    """The honest answer of the reference: Brier above the null model's, slope about 0."""
    time, cause, x, risks = ffcd
    fold = np.arange(1, time.size + 1) % 5
    p = np.empty(time.size)
    for k in range(5):
        train = fold != k
        fitted = cause_specific(time[train], cause[train], x[train], min_events=0)
        p[~train] = fitted.risk(x[~train], 1.0)
    np.testing.assert_allclose(p, risks["risk_csc_cv5"], atol=RISK)
    found = risk_accuracy(time, cause, p, 1.0)
    assert found.brier == pytest.approx(reference["cv5_id_mod_5", "brier_t1"], abs=1e-9)
    assert found.calibration_slope == pytest.approx(
        reference["cv5_id_mod_5", "calibration_slope"], abs=1e-4
    )
    assert found.scaled_brier < 0


@pytest.mark.parametrize("threshold", [0.2, 0.3, 0.4, 0.5])
def test_net_benefit(ffcd, reference, threshold):
    time, cause, _, risks = ffcd
    found = net_benefit(time, cause, risks["risk_csc_1y"], 1.0, threshold)
    assert found.model == pytest.approx(
        reference["net_benefit_t1", f"model_{threshold}"], abs=EXACT
    )
    assert found.treat_all == pytest.approx(
        reference["net_benefit_t1", f"treat_all_{threshold}"], abs=EXACT
    )


@pytest.fixture(scope="module")
def answers():
    return json.loads((DATA / "progression" / "reference.json").read_text())


@pytest.fixture(scope="module")
def first_event():
    rows = rows_of(DATA / "progression" / "first_event.csv")
    return (
        np.array([float(r["time"]) for r in rows]),
        np.array([int(r["status"]) for r in rows]),
        np.array([[float(r["x1"]), float(r["x2"])] for r in rows]),
    )


def test_pairs_of_simulated_patients_are_those_of_r(answers):
    rows = rows_of(DATA / "progression" / "organs.csv")
    organs = list(rows[0])
    found = pairs(np.array([[int(r[o]) for o in organs] for r in rows]))
    assert len(found) == len(answers["pairs"]) == 6
    for pair, expected in zip(found, answers["pairs"], strict=True):
        assert [organs[pair.first], organs[pair.second]] == [expected["first"], expected["second"]]
        for name in ("lift", "log_odds_ratio", "standard_error"):
            assert getattr(pair, name) == pytest.approx(expected[name], rel=EXACT)
        for name in ("p_value", "p_adjusted"):
            assert getattr(pair, name) == pytest.approx(expected[name], rel=1e-9)


def test_a_chain_is_that_of_eigenvectors_and_the_fundamental_matrix(answers):
    expected = answers["chain"]
    found = chain(expected["counts"])
    np.testing.assert_allclose(found.steady_state, expected["steady_state"], rtol=1e-10)
    np.testing.assert_allclose(found.first_passage, expected["first_passage"], rtol=1e-10)


def test_risks_of_simulated_patients_are_those_of_coxph(first_event, answers):
    time, cause, x = first_event
    found = cause_specific(time, cause, x)
    expected = [[one[name] for one in answers["hazards"]] for name in ("x1", "x2")]
    np.testing.assert_allclose(found.coefficient, expected, atol=COEFFICIENT)
    np.testing.assert_allclose(found.risk(x, 1.0), answers["risk"], atol=RISK)
    np.testing.assert_allclose(pseudo_values(time, cause, 1.0), answers["pseudo"], atol=1e-9)


def test_accuracy_of_simulated_patients_is_that_of_r(first_event, answers):
    time, cause, _ = first_event
    p, expected = np.array(answers["risk"]), answers["accuracy"]
    found = risk_accuracy(time, cause, p, 1.0)
    for name in ("brier", "null_brier", "auc", "observed"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=EXACT), name
    for name in ("calibration_slope", "calibration_intercept"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=CALIBRATION)
    for row in answers["net_benefit"]:
        benefit = net_benefit(time, cause, p, 1.0, row["threshold"])
        assert benefit.model == pytest.approx(row["model"], abs=EXACT)
        assert benefit.treat_all == pytest.approx(row["treat_all"], abs=EXACT)


def test_risks_are_calibrated_where_the_hazards_are_as_modelled():
    """Known hazards of both causes: predicted risks against the true ones of new patients."""
    rng = np.random.default_rng(22)
    slopes = []
    for _ in range(20):
        x = rng.normal(size=(1200, 2))
        one, two = 0.002 * np.exp(x @ [0.7, -0.3]), 0.001 * np.exp(x @ [0.2, 0.5])
        t = rng.exponential(1 / (one + two))
        c = np.where(rng.random(1200) < one / (one + two), 1, 2)
        censor = rng.uniform(100, 900, 1200)
        c, t = np.where(t > censor, 0, c), np.minimum(t, censor)
        p = cause_specific(t[:600], c[:600], x[:600]).risk(x[600:], 365)
        true = one / (one + two) * (1 - np.exp(-(one + two) * 365))
        assert np.abs(p - true[600:]).mean() < 0.06
        slopes.append(risk_accuracy(t[600:], c[600:], p, 365).calibration_slope)
    # Fitted to 600 patients with two covariates: shrinkage of new data is a few percent.
    assert np.mean(slopes) == pytest.approx(1.0, abs=3 * np.std(slopes) / np.sqrt(20) + 0.05)
