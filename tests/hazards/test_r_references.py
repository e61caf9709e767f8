"""Against R's coxme and survival, and against an independent exact Laplace calculation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import References, in_order, numbers, relative

from udfs.hazards import (
    CoxData,
    CoxFit,
    Options,
    cox_data,
    design,
    factor,
    fit_cox,
    hazard_ratios,
    variance_test,
)

# At fixed variance both maximise the same function. coxme stops its iterations at 1e-8 of the
# penalised log-likelihood, which leaves up to 1e-7 in the integrated one and in units of standard
# errors in the coefficients; the standard errors follow the coefficients.
DENSE_LOGLIK, DENSE_COEFFICIENT, DENSE_ERROR = 1e-6, 1e-6, 1e-7
# The exact maximum-likelihood variance was searched for to 1e-5 of its logarithm.
EXACT_VARIANCE = 1e-5
# Printed to 12 digits from a search that stops within 1e-5 of the variance.
EXACT_LOGLIK, EXACT_COEFFICIENT = 1e-6, 1e-5
# coxme's default neglects products between groups in its Newton steps as well, and stops early:
# up to 0.002 standard errors at full size and more in small sets.
DEFAULT_COEFFICIENT = 0.02
DEFAULT_LOGLIK = 0.1
# Its standard errors come from the sparse Hessian, by number of rows: less so with more patients.
DEFAULT_ERROR = {"4000": 0.03, "40000": 0.01}

DENSE = {
    "eortc": ("eortc", "efron"),
    "eortc_breslow": ("eortc", "breslow"),
    "rats_dense": ("rats", "efron"),
    "rats_female_dense": ("rats_female", "efron"),
    "kidney": ("kidney", "efron"),
    "kidney_small": ("kidney_small", "efron"),
    "lung": ("lung", "efron"),
    "lung_breslow": ("lung", "breslow"),
}


@pytest.mark.parametrize("case", DENSE)
def test_fixed_variance_equals_coxme_dense(case: str, references: References) -> None:
    answer = references.small[case]
    name, ties = DENSE[case]
    data = references.data(name)
    variance = next(iter(answer["variance"].values()))["Intercept"]
    fit = fit_cox(data, Options(variance=variance, ties=ties))  # type: ignore[arg-type]
    error = in_order(data, answer["se"])
    for field in ("loglik_null", "loglik_integrated", "loglik_penalized"):
        assert getattr(fit, field) == pytest.approx(answer[field], abs=DENSE_LOGLIK)
    assert fit.loglik_partial == pytest.approx(
        answer["loglik_fitted_unpenalized"], abs=DENSE_LOGLIK
    )
    difference = (fit.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(difference).max() < DENSE_COEFFICIENT
    assert relative(fit.standard_error, error) < DENSE_ERROR
    effects = dict(zip(fit.frailty.group.astype(str), fit.frailty.effect, strict=True))
    for group, value in answer["ranef"].items():
        assert effects[group] == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("data_name", ["eortc", "rats_female"])
def test_profile_over_fixed_variances(data_name: str, references: References) -> None:
    table = references.frame(f"profile_{data_name}.csv")
    data = references.data(data_name)
    for row in table.to_dict("records"):
        is_dense = row.get("sparse", "dense") == "dense"
        method = "laplace" if is_dense else "sparse"
        fit = fit_cox(data, Options(variance=row["variance"], method=method))  # type: ignore[arg-type]
        # coxme's sparse Newton steps stop 1e-5 short of their own maximum.
        tolerance = DENSE_LOGLIK if is_dense else 1e-4
        assert fit.loglik_integrated == pytest.approx(row["loglik_integrated"], abs=tolerance)
        assert fit.loglik_penalized == pytest.approx(row["loglik_penalized"], abs=DENSE_LOGLIK)
        assert fit.loglik_penalized > row["loglik_penalized"] - 1e-9
        name = data.design.columns[0][0]
        slack = DENSE_COEFFICIENT if is_dense else 1e-4
        assert abs(fit.coefficient[0] - row[name]) < slack * fit.standard_error[0]


def test_simulated_lesions_equal_coxme_dense(references: References) -> None:
    answer = references.json("coxme_n4000_dense.json")
    data = references.data("4000")
    fit = fit_cox(data, Options(variance=answer["variance"]))
    error = in_order(data, answer["se"])
    assert fit.loglik_integrated == pytest.approx(answer["loglik_integrated"], abs=DENSE_LOGLIK)
    assert fit.loglik_penalized == pytest.approx(answer["loglik_penalized"], abs=DENSE_LOGLIK)
    difference = (fit.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(difference).max() < DENSE_COEFFICIENT
    assert relative(fit.standard_error, error) < DENSE_ERROR
    table = references.frame("ranef_n4000_dense.csv").set_index("patient").b
    # Printed to nine digits.
    np.testing.assert_allclose(fit.frailty.effect, table[fit.frailty.group], atol=1e-7)


EXACT = ["eortc", "kidney", "lung", "rats", "rats_female", "4000", "40000"]


@pytest.mark.parametrize("name", EXACT)
def test_maximum_likelihood_variance_equals_exact_laplace(
    name: str, references: References
) -> None:
    answer = references.json(f"exact_{'n' + name if name.isdigit() else name}.json")
    data = references.data(name)
    fit = fit_cox(data, Options(interval=False))
    assert fit.is_converged
    assert fit.determinant == "exact"
    assert fit.variance == pytest.approx(answer["variance"], rel=EXACT_VARIANCE)
    assert fit.loglik_integrated == pytest.approx(answer["loglik_integrated"], abs=EXACT_LOGLIK)
    assert fit.loglik_integrated > answer["loglik_integrated"] - 1e-8
    error = in_order(data, answer["se"])
    difference = (fit.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(difference).max() < EXACT_COEFFICIENT
    assert relative(fit.standard_error, error) < EXACT_COEFFICIENT
    assert fit.n_events == answer["events"]
    assert fit.n_groups == answer["groups"]
    assert fit.n_points == answer["distinct_event_times"]


@pytest.mark.parametrize("name", ["4000", "40000"])
def test_defaults_of_coxme_are_near_but_not_the_maximum(name: str, references: References) -> None:
    """At full size coxme's variance is 1.4 % below the maximum of its own objective: it leaves the
    products between patients out of its Hessian, stops its quasi-Newton steps early, and so
    searches the variance on a likelihood that is not quite maximised over the rest."""
    answer = references.json(f"coxme_n{name}.json")
    data = references.data(name)
    error = in_order(data, answer["se"])
    theirs = fit_cox(data, Options(method="sparse", variance=answer["variance"]))
    difference = (theirs.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(difference).max() < DEFAULT_COEFFICIENT
    assert theirs.loglik_penalized > answer["loglik_penalized"] - 1e-6
    ours = fit_cox(data, Options(method="sparse", interval=False))
    assert ours.loglik_integrated > theirs.loglik_integrated
    assert ours.loglik_integrated > answer["loglik_integrated"] - DEFAULT_LOGLIK
    assert ours.variance == pytest.approx(answer["variance"], rel=0.03)
    exact = fit_cox(data, Options(interval=False))
    difference = (exact.coefficient - in_order(data, answer["coef"])) / error
    assert np.abs(difference).max() < DEFAULT_COEFFICIENT
    assert relative(exact.standard_error, error) < DEFAULT_ERROR[name]


@pytest.mark.parametrize("name", ["4000", "40000"])
def test_without_random_effect_equals_coxph(name: str, references: References) -> None:
    answer = references.json(f"coxme_n{name}.json")
    data = references.data(name)
    fit = fit_cox(data, Options(variance=0.0))
    error = in_order(data, answer["coxph_se"])
    difference = (fit.coefficient - in_order(data, answer["coxph_coef"])) / error
    # R stops at 1e-9 of the log-likelihood; quadratic convergence leaves about 1e-8 here.
    assert np.abs(difference).max() < 1e-7
    assert relative(fit.standard_error, error) < 1e-7
    assert [fit.loglik_null, fit.loglik_fixed] == pytest.approx(answer["coxph_loglik"], abs=1e-8)


# Groups of 1 to 23 rows, near-boundary variances, continuous times: coxme's default settings.
READMISSION = "Surv(time,event)~chemo+sex+dukes+charlson+(1|id)"
GAP = "Surv(gap.time,new.lesions)~treatment+age+who.PS+prev.resection+(1|id)"
CALENDAR = "Surv(time0,time1,new.lesions)~treatment+who.PS+prev.resection+(1|id)"


def _factors(frame: pd.DataFrame, *names: str) -> list:
    return [factor(name, frame[name].to_numpy()) for name in names]


def _recurrent(shared: Path, formula: str) -> tuple[CoxData, pd.DataFrame]:
    """Data and answers, by the formula."""
    if formula == READMISSION:
        folder = shared / "data" / "coxme_reference"
        d = pd.read_csv(folder / "readmission.csv")
        terms = _factors(d, "chemo", "sex", "dukes", "charlson")
        # As R's factor had them: the first level is the one without treatment.
        terms[0] = factor("chemo", d.chemo, reference="NonTreated")
        data = cox_data(d.time, d.event, design(*terms), group=d.id)
    else:
        folder = shared / "data" / "ffcd_colorectal"
        d = pd.read_csv(folder / "colorectal.csv")
        if formula == GAP:
            d = d[d["gap.time"] > 0]
            terms = [
                *_factors(d, "treatment"),
                factor("age", d.age, reference="<60 years"),
                *_factors(d, "who.PS", "prev.resection"),
            ]
            data = cox_data(d["gap.time"], d["new.lesions"], design(*terms), group=d.id)
        else:
            terms = _factors(d, "treatment", "who.PS", "prev.resection")
            data = cox_data(d.time1, d["new.lesions"], design(*terms), start=d.time0, group=d.id)
    table = pd.read_csv(folder / "reference_coxme.csv")
    return data, table[table.formula == formula].set_index("term")


@pytest.mark.parametrize("formula", [READMISSION, GAP, CALENDAR])
def test_recurrent_events_against_defaults_of_coxme(formula: str, shared: Path) -> None:
    data, answer = _recurrent(shared, formula)
    variance = answer.loc["var:id.Intercept", "estimate"]
    fit = fit_cox(data, Options(method="sparse", variance=variance))
    terms = answer[~answer.index.str.startswith("var:")]
    error = in_order(data, terms.se.to_dict())
    difference = (fit.coefficient - in_order(data, terms.estimate.to_dict())) / error
    assert np.abs(difference).max() < DEFAULT_COEFFICIENT
    assert relative(fit.standard_error, error) < 0.03
    row = answer.iloc[0]
    assert fit.loglik_null == pytest.approx(row.loglik_null, abs=1e-8)
    assert fit.loglik_integrated == pytest.approx(row.loglik_integrated, abs=0.01)
    assert fit.loglik_penalized > row.loglik_penalized - 1e-6
    best = fit_cox(data, Options(method="sparse", interval=False))
    assert best.loglik_integrated > row.loglik_integrated - 0.01
    assert best.loglik_integrated >= fit.loglik_integrated - 1e-9


def test_near_boundary_variance_is_reported_as_such(shared: Path) -> None:
    """Calendar time: coxme stops at 0.0004; the likelihood is flat there and its interval starts
    at 0."""
    data, _ = _recurrent(shared, CALENDAR)
    fit = fit_cox(data)
    assert fit.variance < 0.02
    assert fit.variance_lower == 0.0
    assert 0.05 < fit.variance_upper < 5
    assert variance_test(fit).p_value > 0.3


def test_naive_hazard_ratios_equal_coxph_summary(references: References) -> None:
    import json

    answers = json.loads((references.survival / "survival_reference.json").read_text())["coxph"]
    lung = references.frame("lung.csv").dropna(subset=["age", "sex", "ph.ecog"])
    terms = design(*numbers(lung, "age", "sex", "ph.ecog"))
    data = cox_data(lung.time, lung.status - 1, terms)
    for name, ties in (("lung", "efron"), ("lung_breslow", "breslow")):
        answer = answers[name]
        fit: CoxFit = fit_cox(data, Options(ties=ties))  # type: ignore[arg-type]
        ratios = hazard_ratios(fit)
        for k, row in enumerate(answer["hr_ci"]):
            assert ratios.hazard_ratio[k] == pytest.approx(row["exp(coef)"], rel=1e-7)
            assert ratios.lower[k] == pytest.approx(row["lower .95"], rel=1e-7)
            assert ratios.upper[k] == pytest.approx(row["upper .95"], rel=1e-7)
            assert ratios.p_value[k] == pytest.approx(answer["coef_table"][k]["Pr(>|z|)"], rel=1e-6)
        assert [fit.loglik_null, fit.loglik_fixed] == pytest.approx(answer["loglik"], abs=1e-8)
    by_sex = cox_data(
        lung.time,
        lung.status - 1,
        design(*numbers(lung, "age", "ph.ecog")),
        stratum=lung.sex,
    )
    fit = fit_cox(by_sex)
    answer = answers["lung_strat_sex"]
    np.testing.assert_allclose(fit.coefficient, list(answer["coef"].values()), rtol=1e-6)
    np.testing.assert_allclose(fit.standard_error, list(answer["se"].values()), rtol=1e-7)
