"""Against R's coxme and survival on simulated lesions: tests/data/hazards, with its script."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import in_order, numbers, relative
from references import DATA

from udfs.hazards import (
    CoxData,
    CoxFit,
    Options,
    check_proportional,
    cox_data,
    design,
    factor,
    fit_cox,
    hazard_ratios,
)

# coxme was told to go on until its penalised log-likelihood stays within 1e-12 of itself, or 2e-9;
# the root of that, 5e-5 standard errors, is how far off it may be, and Newton's last step squares
# it. The rest is rounding.
LOGLIK, COEFFICIENT, ERROR = 1e-7, 1e-6, 1e-6
# The maximum of a likelihood that is good to 1e-9 is known to the root of that.
LOG_VARIANCE = 5e-5
# coxph's answers are good to 15 digits less what sums lose; ours to the step that we end with.
NAIVE = 1e-7
# A score test's statistic, at coefficients known to NAIVE; twice that, and sums of 600 rows.
ZPH = 1e-6
CASES = {"plain": "efron", "breslow": "breslow", "late": "efron"}


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return json.loads((DATA / "hazards" / "reference.json").read_text())


@pytest.fixture(scope="module")
def lesions() -> pd.DataFrame:
    return pd.read_csv(DATA / "hazards" / "lesions.csv")


def data_of(lesions: pd.DataFrame, case: str) -> CoxData:
    """Late entry and strata in the case "late"."""
    terms = [factor("organ", lesions.organ, reference="liver")]
    terms += numbers(lesions, "treated", "log_size")
    more = {"start": lesions.start, "stratum": lesions.trial} if case == "late" else {}
    return cox_data(lesions.stop, lesions.status, design(*terms), group=lesions.patient, **more)


def assert_same(fit: CoxFit, data: CoxData, answer: dict[str, Any]) -> None:
    """Likelihoods, coefficients, their covariance, and patients' effects."""
    error = in_order(data, answer["se"])
    for field in ("loglik_null", "loglik_integrated", "loglik_penalized", "loglik_partial"):
        assert getattr(fit, field) == pytest.approx(answer[field], abs=LOGLIK), field
    off = (fit.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(off).max() < COEFFICIENT
    assert relative(fit.standard_error, error) < ERROR
    scale = np.outer(error, error)
    np.testing.assert_allclose(fit.covariance / scale, answer["vcov"] / scale, atol=2 * ERROR)
    effects = dict(zip(fit.frailty.group.astype(str), fit.frailty.effect, strict=True))
    assert effects.keys() == answer["ranef"].keys()
    for patient, value in answer["ranef"].items():
        assert effects[patient] == pytest.approx(value, abs=COEFFICIENT)


@pytest.mark.parametrize("case", CASES)
def test_given_variance_equals_coxme(case: str, lesions: pd.DataFrame, answers: Any) -> None:
    data, answer = data_of(lesions, case), answers["mixed"][case]
    options = Options(variance=answer["variance"], ties=CASES[case])  # type: ignore[arg-type]
    assert_same(fit_cox(data, options), data, answer)


@pytest.mark.parametrize("case", CASES)
def test_variance_is_where_coxmes_likelihood_is_highest(
    case: str, lesions: pd.DataFrame, answers: Any
) -> None:
    data, answer = data_of(lesions, case), answers["mixed"][case]
    fit = fit_cox(data, Options(interval=False, ties=CASES[case]))  # type: ignore[arg-type]
    assert fit.is_converged
    assert np.log(fit.variance / answer["variance"]) == pytest.approx(0, abs=LOG_VARIANCE)
    assert fit.loglik_integrated == pytest.approx(answer["loglik_integrated"], abs=LOGLIK)
    if case in answers["own_search"]:
        theirs = answers["own_search"][case]
        assert fit.loglik_integrated > theirs["loglik_integrated"] - LOGLIK
        error = in_order(data, theirs["se"])
        off = (fit.coefficient - in_order(data, theirs["coef"])) / error
        # coxme's own search ends within 1e-4 of the variance.
        assert np.abs(off).max() < 1e-4


def test_profile_over_given_variances(lesions: pd.DataFrame, answers: Any) -> None:
    data = data_of(lesions, "plain")
    assert len(answers["profile"]) == 4
    for row in answers["profile"]:
        fit = fit_cox(data, Options(variance=row["variance"]))
        assert fit.loglik_integrated == pytest.approx(row["loglik_integrated"], abs=LOGLIK)
        assert fit.loglik_penalized == pytest.approx(row["loglik_penalized"], abs=LOGLIK)
        off = (fit.coefficient - in_order(data, row["coef"])) / fit.standard_error
        assert np.abs(off).max() < COEFFICIENT


@pytest.mark.parametrize("case", CASES)
def test_without_random_effect_equals_coxph(case: str, lesions: pd.DataFrame, answers: Any) -> None:
    data, answer = data_of(lesions, case), answers["naive"][case]
    fit = fit_cox(data, Options(variance=0.0, ties=CASES[case]))  # type: ignore[arg-type]
    error = in_order(data, answer["se"])
    assert np.abs((fit.coefficient - in_order(data, answer["coef"])) / error).max() < NAIVE
    assert relative(fit.standard_error, error) < NAIVE
    assert [fit.loglik_null, fit.loglik_fixed] == pytest.approx(answer["loglik"], abs=LOGLIK)
    ratios = hazard_ratios(fit)
    limits = {row["term"]: row for row in answer["hr_ci"]}
    p_values = {row["term"]: row["Pr(>|z|)"] for row in answer["coef_table"]}
    for found, name in ((ratios.hazard_ratio, "exp(coef)"), (ratios.lower, "lower .95"),
                        (ratios.upper, "upper .95")):  # fmt: skip
        expected = in_order(data, {term: row[name] for term, row in limits.items()})
        assert relative(found, expected) < NAIVE
    # A p-value moves by z * z of the relative change of z.
    np.testing.assert_allclose(ratios.p_value, in_order(data, p_values), rtol=100 * NAIVE)
    hazard = pd.DataFrame(answer["hazard"])
    # R lists times without an event as well.
    step = hazard.hazard.groupby(hazard.strata).diff().fillna(hazard.hazard)
    hazard = hazard[step > 0]
    np.testing.assert_array_equal(fit.baseline.time, hazard.time)
    np.testing.assert_allclose(fit.baseline.cumulative, hazard.hazard, rtol=1e-6)
    tests = {test.term: test for test in check_proportional(data, fit).tests}
    for row in answer["zph"]:
        test = tests.pop("stratum" if row["term"] == "strata(trial)" else row["term"])
        assert (test.df, test.chi2) == (row["df"], pytest.approx(row["chisq"], rel=ZPH))
        assert test.p_value == pytest.approx(row["p"], rel=10 * ZPH)
    assert not tests


def test_proportionality_with_known_effects_equals_cox_zph_with_an_offset(
    lesions: pd.DataFrame, answers: Any
) -> None:
    data = data_of(lesions, "plain")
    fit = fit_cox(data, Options(variance=answers["mixed"]["plain"]["variance"]))
    found = {test.term: test.chi2 for test in check_proportional(data, fit, "km", "known").tests}
    expected = {row["term"]: row["chisq"] for row in answers["zph_given_effects"]}
    assert found == pytest.approx(expected, rel=10 * ZPH)
