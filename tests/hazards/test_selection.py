"""Covariates that matter are found, those that do not are left, and each test is kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from udfs.hazards import (
    Candidate,
    CoxData,
    Options,
    fit_cox,
    numeric,
    select_covariates,
    simulate_lesions,
)


@pytest.fixture(scope="module")
def case() -> tuple[CoxData, list[Candidate]]:
    lesions = simulate_lesions(300, 2400, seed=9, treatment_log_hr=[0, -0.8, -0.9, 0.7], n_trials=1)
    data = lesions.data(covariates=False)
    base = data.with_design(data.design.without("treatment"))
    rng = np.random.default_rng(0)
    noise = rng.normal(size=300)[lesions.patient]
    sex = rng.choice(["F", "M"], 300)[lesions.patient].astype(object)
    sex[lesions.patient % 10 == 0] = None
    single = np.where(lesions.patient == 5, "yes", "no")
    return base, [
        Candidate("treatment", lesions.treatment, "factor", reference="chemotherapy"),
        Candidate("noise", noise, "numeric"),
        Candidate("sex", sex, "factor"),
        Candidate("log_size", lesions.log_size, "numeric"),
        Candidate("constant", np.where(single == "yes", "no", "no"), "factor"),
    ]


def test_each_alone(case: tuple[CoxData, list[Candidate]]) -> None:
    data, candidates = case
    found = select_covariates(data, candidates)
    assert found.selected == ("treatment", "log_size")
    tests = {t.name: t for t in found.tests}
    base = fit_cox(data, Options(interval=False))
    wider = data.design.plus(numeric("log_size", candidates[3].values))
    with_size = fit_cox(data.with_design(wider), Options(interval=False))
    expected = 2 * (with_size.loglik_integrated - base.loglik_integrated)
    assert tests["log_size"].chi2 == pytest.approx(expected, abs=1e-5)
    assert tests["log_size"].p_value == pytest.approx(chi2.sf(expected, 1), rel=1e-3)
    assert tests["treatment"].df == 3
    assert not tests["noise"].is_selected


def test_unknown_values_leave_their_rows_out_of_both_models(
    case: tuple[CoxData, list[Candidate]],
) -> None:
    data, candidates = case
    (found,) = select_covariates(data, [candidates[2]]).tests
    sex = np.asarray(candidates[2].values)
    known = np.array([s is not None for s in sex])
    assert found.n_rows == known.sum() < data.n_rows
    assert found.n_events == data.event[known].sum()
    kept = data.rows(known)
    base = fit_cox(kept, Options(interval=False))
    wider = kept.design.plus(numeric("male", (sex[known] == "M").astype(float)))
    with_sex = fit_cox(kept.with_design(wider), Options(interval=False))
    expected = max(0.0, 2 * (with_sex.loglik_integrated - base.loglik_integrated))
    assert found.chi2 == pytest.approx(expected, abs=1e-5)


def test_covariate_that_cannot_be_tested_says_why(
    case: tuple[CoxData, list[Candidate]],
) -> None:
    data, candidates = case
    for mode in ("each", "backward"):
        found = select_covariates(data, candidates, mode=mode)  # type: ignore[arg-type]
        failed = next(t for t in found.tests if t.name == "constant")
        assert "every row has level 'no'" in failed.problem
        assert np.isnan(failed.p_value)
        assert "constant" not in found.selected


@pytest.mark.parametrize("mode", ["forward", "backward"])
def test_stepwise(mode: str, case: tuple[CoxData, list[Candidate]]) -> None:
    data, candidates = case
    found = select_covariates(data, candidates[:4], mode=mode)  # type: ignore[arg-type]
    assert found.selected == ("treatment", "log_size")
    steps = [t.step for t in found.tests]
    assert steps == sorted(steps)
    last = [t for t in found.tests if t.step == max(steps)]
    if mode == "forward":
        assert [t.step for t in found.tests] == [1] * 4 + [2] * 3 + [3] * 2
        assert not any(t.is_selected for t in last)
    else:
        assert all(t.p_value < 0.05 for t in last)
        assert {t.name for t in last} == {"treatment", "log_size"}


def test_level_is_a_setting(case: tuple[CoxData, list[Candidate]]) -> None:
    data, candidates = case
    assert len(select_covariates(data, candidates[:4], level=1.0).selected) == 4
    assert select_covariates(data, candidates[:4], level=1e-30).selected == ()


def test_naive_models_can_be_selected_too(case: tuple[CoxData, list[Candidate]]) -> None:
    data, candidates = case
    found = select_covariates(data, candidates[:2], Options(variance=0.0))
    base = fit_cox(data, Options(variance=0.0))
    wider = data.design.plus(numeric("noise", candidates[1].values))
    with_noise = fit_cox(data.with_design(wider), Options(variance=0.0))
    expected = 2 * (with_noise.loglik_fixed - base.loglik_fixed)
    assert found.tests[1].chi2 == pytest.approx(expected, abs=1e-8)
