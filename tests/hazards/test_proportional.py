"""Tests of proportional hazards against R's cox.zph, and with a random effect by brute force."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import References, numbers, random_data

from udfs.hazards import (
    CoxData,
    Options,
    check_proportional,
    cox_data,
    design,
    factor,
    fit_cox,
    simulate_lesions,
)

# R's score tests are evaluated at coefficients converged to 1e-9 of the log-likelihood.
ZPH = 1e-6


def _case(name: str, references: References) -> CoxData:
    def read(file: str) -> pd.DataFrame:
        return pd.read_csv(references.survival / file)

    if name == "colon":
        d = read("colon.csv")
        d = d[d.etype == 2].dropna(subset=["nodes"])
        terms = [
            factor("rx", d.rx, reference="Obs"),
            *numbers(d, "sex", "age", "obstruct", "nodes"),
        ]
        return cox_data(d.time, d.status, design(*terms))
    if name.startswith("vet"):
        d = read("veteran.csv")
        if name == "vet":
            terms = [
                *numbers(d, "trt"),
                factor("celltype", d.celltype, reference="squamous"),
                *numbers(d, "karno", "diagtime", "age", "prior"),
            ]
            return cox_data(d.time, d.status, design(*terms))
        terms = numbers(d, "trt", "karno", "age")
        return cox_data(d.time, d.status, design(*terms), stratum=d.celltype)
    d = read("lung.csv").dropna(subset=["age", "sex", "ph.ecog"])
    if name == "lung_strat_sex":
        terms = numbers(d, "age", "ph.ecog")
        return cox_data(d.time, d.status - 1, design(*terms), stratum=d.sex)
    return cox_data(d.time, d.status - 1, design(*numbers(d, "age", "sex", "ph.ecog")))


@pytest.mark.parametrize(
    "name", ["colon", "lung", "lung_breslow", "vet", "vet_strat_cell", "lung_strat_sex"]
)
def test_tests_equal_cox_zph(name: str, references: References) -> None:
    answers: Any = json.loads((references.survival / "survival_reference.json").read_text())
    data = _case(name, references)
    ties = "breslow" if name.endswith("breslow") else "efron"
    fit = fit_cox(data, Options(ties=ties))  # type: ignore[arg-type]
    found = {t.term: t for t in check_proportional(data, fit).tests}
    expected = answers["coxph"][name]["zph"]
    assert sorted(found) == sorted(row["term"] for row in expected)
    for row in expected:
        assert found[row["term"]].chi2 == pytest.approx(row["chisq"], rel=ZPH)
        assert found[row["term"]].df == row["df"]
        assert found[row["term"]].p_value == pytest.approx(row["p"], rel=ZPH)


# Of lesions_4000: cox.zph (survival 3.5-3) of coxph(Surv(time, status) ~ organ + trt + offset(u)),
# u being the random effects that fit_cox predicts, written with 17 digits.
ZPH_WITH_OFFSET = {
    "km": {"organ": 12.93200738, "trt": 4.09621568, "GLOBAL": 17.34758556},
    "rank": {"organ": 16.5234727, "trt": 4.6590844, "GLOBAL": 21.4526411},
    "identity": {"organ": 10.88767832, "trt": 3.05375581, "GLOBAL": 14.29522674},
}
# The variance, and with it u, is found to 1e-5 of itself.
ZPH_AT_VARIANCE = 1e-5


def test_with_known_random_effects_equals_cox_zph_with_an_offset(references: References) -> None:
    data = references.data("4000")
    fit = fit_cox(data, Options(interval=False))
    for transform, expected in ZPH_WITH_OFFSET.items():
        check = check_proportional(data, fit, transform, "known")  # type: ignore[arg-type]
        found = [test.chi2 for test in check.tests]
        assert found == pytest.approx(list(expected.values()), rel=ZPH_AT_VARIANCE)


@pytest.mark.parametrize("frailty", ["known", "estimated"])
def test_with_a_random_effect_equals_dense_score_test(frailty: str) -> None:
    data = random_data(
        70, n=250, n_groups=20, truncated=True, strata=True, weighted=True, offset=True
    )
    fit = fit_cox(data, Options(variance=0.6))
    from udfs.hazards.problem import prepare

    problem = prepare(data)
    index = problem.index
    x = data.design.matrix()[problem.rows]
    z = np.eye(20)[problem.row_group]
    g = index.point_time - index.point_time[index.event_points].mean()
    # Split each row at every point: a column times g is then a column of numbers.
    split = [
        (i, t) for i in range(len(x)) for t in range(int(index.first[i]), int(index.last[i]) + 1)
    ]
    rows = np.array([i for i, _ in split])
    points = np.array([t for _, t in split])
    event = np.isin(rows, index.event_rows) & (points == index.last[rows])
    inside = cox_data(
        points + 1.0,
        event,
        design(n_rows=len(rows)),
        start=points.astype(float),
        weight=index.weight[rows],
        offset=problem.linear_predictor(
            fit.coefficient * problem.columns.scale, fit.frailty.effect
        )[rows],
    )
    fine = prepare(inside)
    at = fine.partial(np.zeros(0))
    columns = np.hstack([x[rows], z[rows], x[rows] * g[points][:, None]])[fine.rows]
    information = np.array([columns.T @ at.hessian_times(fine.index, c) for c in columns.T])
    information[3:23, 3:23] += np.eye(20) / 0.6
    score = columns.T @ (fine.index.event_weight - at.expected)
    others = np.arange(3) if frailty == "known" else np.arange(23)
    found = check_proportional(data, fit, "identity", frailty)  # type: ignore[arg-type]
    for test, at_columns in zip(found.tests, ([23], [24, 25], [23, 24, 25]), strict=True):
        keep = np.concatenate([others, at_columns])
        u = np.concatenate([np.zeros(len(others)), score[at_columns]])
        expected = u @ np.linalg.solve(information[np.ix_(keep, keep)], u)
        assert test.chi2 == pytest.approx(expected, rel=1e-6)


def test_a_hazard_ratio_that_fades_is_found_and_its_direction_shown() -> None:
    rng = np.random.default_rng(5)
    n = 3000
    group = np.repeat(np.arange(n // 6), 6)
    x = rng.normal(size=n)
    u = rng.normal(0, 0.6, n // 6)[group]
    # Log hazard ratio 1 before time 1, 0 after it.
    first = rng.exponential(1 / np.exp(x + u))
    later = 1 + rng.exponential(1 / np.exp(u))
    stop = np.where(first < 1, first, later)
    data = cox_data(stop, stop < 3, design(factor("arm", x > 0)), group=group)
    from udfs.hazards import numeric

    data = data.with_design(design(numeric("x", x)))
    fit = fit_cox(data, Options(interval=False))
    found = check_proportional(data, fit, "rank")
    assert found.tests[0].p_value < 1e-6
    assert found.drift[0] < 0
    early = found.g < np.quantile(found.g, 0.3)
    late = found.g > np.quantile(found.g, 0.8)
    assert found.residual[early].mean() == pytest.approx(1, abs=0.25)
    assert found.residual[late].mean() == pytest.approx(0, abs=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("frailty", ["known", "estimated"])
def test_size_of_the_test_with_a_random_effect(frailty: str) -> None:
    """Proportional hazards hold: 5 % tests reject in 5 % or less (known), or about 5 %."""
    rejected: dict[str, list[bool]] = {}
    for seed in range(200):
        lesions = simulate_lesions(300, 2500, seed=seed, n_trials=1, schedule="day")
        organ = np.where(np.isin(lesions.organ, ["liver", "lung"]), lesions.organ, "abdomen")
        terms = design(factor("organ", organ), factor("treatment", lesions.treatment))
        data = cox_data(lesions.time_days, lesions.is_event, terms, group=lesions.patient)
        fit = fit_cox(data, Options(interval=False))
        for test in check_proportional(data, fit, frailty=frailty).tests:  # type: ignore[arg-type]
            rejected.setdefault(test.term, []).append(test.p_value < 0.05)
    # Three binomial standard errors of 200.
    for share in (np.mean(v) for v in rejected.values()):
        assert share < 0.05 + 0.046
        assert frailty == "known" or share > 0.004


def test_events_at_one_time_tell_of_no_change():
    """g is the same at all of them, so nothing is left to test: no number, and no exception."""
    days = np.array([56.0] * 8 + [112.0] * 8)
    status = np.array([True] * 8 + [False] * 8)
    data = cox_data(days, status, design(factor("site", np.array(["a", "b"] * 8), reference="a")))
    check = check_proportional(data, fit_cox(data, Options(variance=0.0)))
    assert [test.df for test in check.tests] == [1, 1]
    assert all(np.isnan(test.chi2) and np.isnan(test.p_value) for test in check.tests)
    assert np.isnan(check.drift).all()
