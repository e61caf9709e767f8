"""What cannot be fitted is refused with its name and a remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hazards.hazard_cases import random_data

from udfs.hazards import (
    Candidate,
    Options,
    check_proportional,
    cox_data,
    design,
    factor,
    factor_within,
    fit_cox,
    hazard_ratios,
    level_weights,
    numeric,
    patient_bootstrap,
    predict_survival,
    select_covariates,
    term_tests,
)

STOP = [5.0, 3, 8, 2, 9, 4]
EVENT = [1, 1, 0, 1, 1, 0]
ORGAN = ["liver", "liver", "lung", "lung", "bone", "bone"]
GROUP = [1, 1, 2, 2, 3, 3]


def test_level_without_events_is_named_with_its_rows() -> None:
    event = [1, 1, 1, 1, 0, 0]
    data = cox_data(STOP, event, design(factor("organ", ORGAN, reference="lung")))
    with pytest.raises(ValueError, match=r"'organ': level 'bone' has 2 rows but no event.*merge"):
        fit_cox(data)
    data = cox_data(STOP, event, design(factor("organ", ORGAN, reference="bone")))
    with pytest.raises(ValueError, match="the reference level 'bone' has 2 rows but no event"):
        fit_cox(data)


def test_constant_columns_are_named() -> None:
    data = cox_data(STOP, EVENT, design(numeric("age", np.full(6, 60.0))))
    with pytest.raises(ValueError, match="column 'age' is 60 in every row"):
        fit_cox(data)
    with pytest.raises(ValueError, match="every row has level 'x'"):
        factor("arm", ["x"] * 6)
    kept = cox_data(STOP, EVENT, design(factor("organ", ORGAN))).rows(np.array([0, 1]))
    with pytest.raises(ValueError, match="every row has level 'liver', a constant column"):
        fit_cox(kept)


def test_collinear_terms_are_named_with_what_they_follow_from() -> None:
    data = random_data(30, n=200, n_groups=20)
    x = data.design.matrix()[:, 0]
    with pytest.raises(ValueError, match="column 'twice' follows from column 'x'"):
        fit_cox(data.with_design(design(numeric("x", x), numeric("twice", 3 - 2 * x))))
    y = np.random.default_rng(0).normal(size=200)
    both = design(numeric("x", x), numeric("y", y), numeric("sum", x + y))
    with pytest.raises(ValueError, match="column 'sum' follows from column 'x', column 'y'"):
        fit_cox(data.with_design(both))
    level = data.design.terms[1]
    assert level.codes is not None
    copy = factor("copy", level.codes)
    with pytest.raises(ValueError, match="term 'copy', column '1' follows from term 'level'"):
        fit_cox(data.with_design(design(level, copy)))


def test_column_constant_within_strata_is_named() -> None:
    data = random_data(31, n=200, n_groups=20, strata=True)
    column = numeric("trial_year", 2000 + np.asarray(data.stratum, dtype=float))
    with pytest.raises(ValueError, match=r"'trial_year' is the same in all rows at risk together"):
        fit_cox(data.with_design(data.design.plus(column)))


def test_groups_without_repetition_are_refused() -> None:
    data = cox_data(STOP, EVENT, design(numeric("x", range(6))), group=np.arange(6))
    with pytest.raises(ValueError, match="each of the 6 groups has one row"):
        fit_cox(data)
    assert fit_cox(data, Options(variance=0.0)).method == "naive"
    with pytest.raises(ValueError, match="all rows are of one group"):
        fit_cox(replace(data, group=np.zeros(6)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stop": [1, 2, np.nan]}, "stop is missing or infinite in 1 of 3 rows.*row 2"),
        ({"stop": ["a", "b", "c"]}, "stop: .*numbers are wanted"),
        ({"event": [0, 1, 2]}, "event is 2 in row 2; it must be 0"),
        ({"event": [0, 0, 0]}, "none of the 3 rows has an event"),
        ({"event": [0, 1]}, r"event has shape \(2,\), not \(3,\)"),
        ({"start": [0, 2, 0]}, "row 1 stops at 2 but starts at 2"),
        ({"weight": [1, 0, 1]}, "row 1 has weight 0; weights must be above 0"),
        ({"offset": [0, np.inf, 0]}, "offset is missing or infinite"),
        ({"group": ["a", None, "b"]}, "group is missing in 1 of 3 rows, the first is row 1"),
        ({"stratum": ["a", "b"]}, r"stratum has shape \(2,\)"),
    ],
)
def test_bad_columns_are_refused(given: dict[str, Any], message: str) -> None:
    columns = {"stop": [1.0, 2, 3], "event": [1, 1, 0]} | given
    terms = design(numeric("x", [1.0, 2, 4]))
    with pytest.raises(ValueError, match=message):
        cox_data(columns.pop("stop"), columns.pop("event"), terms, **columns)


def test_no_rows_and_wrong_designs_are_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        cox_data([], [], design(n_rows=0))
    with pytest.raises(ValueError, match="the design has 2 rows, but there are 3"):
        cox_data([1, 2, 3], [1, 1, 1], design(numeric("x", [1, 2])))
    with pytest.raises(ValueError, match="term 'x' is given twice"):
        design(numeric("x", [1, 2]), numeric("x", [1, 2]))
    with pytest.raises(ValueError, match="term 'y' has 3 rows, not 2"):
        design(numeric("x", [1, 2]), numeric("y", [1, 2, 3]))
    with pytest.raises(ValueError, match="needs n_rows"):
        design()
    with pytest.raises(ValueError, match="no term 'z'"):
        design(numeric("x", [1, 2])).without("z")


def test_bad_terms_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'age': 2 of 3 rows are missing or infinite.*row 0"):
        numeric("age", [np.nan, 1, np.inf])
    with pytest.raises(ValueError, match=r"'age': .*numbers are wanted"):
        numeric("age", ["old", "young"])
    with pytest.raises(ValueError, match="'organ': 1 of 2 rows have no level, the first is row 1"):
        factor("organ", ["liver", None])
    with pytest.raises(ValueError, match="no row has the reference level 'skin'; choose one of"):
        factor("organ", ["liver", "lung"], reference="skin")
    with pytest.raises(ValueError, match="value 'lung' is not among its levels liver, bone"):
        factor("organ", ["liver", "lung"], levels=["liver", "bone"])
    with pytest.raises(ValueError, match="no row has the reference level 'z'"):
        factor_within("t", ["a", "b"], ["c", "d"], reference="z", sources=("x", "y"))
    term = factor("organ", ["liver", "lung"])
    with pytest.raises(ValueError, match="level 'skin' is not in the model; it knows 'liver'"):
        term.encode({"organ": ["skin"]})
    with pytest.raises(ValueError, match="no values for 'organ'"):
        term.encode({})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "reml"}, "method is 'reml'; it must be one of laplace, sparse, aghq"),
        ({"ties": "exact"}, "ties is 'exact'; it must be one of efron, breslow"),
        ({"variance": -1.0}, "variance is -1.0; it must be 0 or more"),
        ({"confidence": 95}, "confidence is 95; it must be between 0 and 1"),
        ({"determinant": "dense"}, "determinant is 'dense'"),
    ],
)
def test_unknown_options_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**given)


def test_questions_that_a_fit_cannot_answer_are_refused() -> None:
    data = random_data(32, n=150, n_groups=15, strata=True)
    fit = fit_cox(data)
    row = data.design.matrix()[:1]
    with pytest.raises(ValueError, match="no coefficient organ: liver; there are x: x"):
        fit.position("organ", "liver")
    with pytest.raises(ValueError, match="no factor 'x'; factors: level"):
        level_weights(fit, "x")
    with pytest.raises(ValueError, match="confidence is 2"):
        hazard_ratios(fit, 2)
    with pytest.raises(ValueError, match="no term 'organ'"):
        term_tests(data, fit, ["organ"])
    with pytest.raises(ValueError, match="the data has 3 strata"):
        predict_survival(data, fit, row, [1])
    with pytest.raises(ValueError, match="stratum 9 is not in the data"):
        predict_survival(data, fit, row, [1], stratum=[9])
    with pytest.raises(ValueError, match="group 99 is not in the data"):
        predict_survival(data, fit, row, [1], stratum=[0], frailty="group", group=[99])
    with pytest.raises(ValueError, match="needs the group of each of the 1 rows"):
        predict_survival(data, fit, row, [1], stratum=[0], frailty="group")
    with pytest.raises(ValueError, match="rows has 2 columns; the model has 3"):
        predict_survival(data, fit, row[:, :2], [1], stratum=[0])
    with pytest.raises(ValueError, match="frailty is 'mean'"):
        predict_survival(data, fit, row, [1], stratum=[0], frailty="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="transform is 'sqrt'"):
        check_proportional(data, fit, "sqrt")  # type: ignore[arg-type]


def test_survival_in_a_stratum_without_events_is_refused() -> None:
    data = random_data(34, n=150, strata=True)
    quiet = data.event & (np.asarray(data.stratum) != 2)
    data = replace(data, event=quiet)
    fit = fit_cox(data, Options(variance=0.5))
    row = data.design.matrix()[:1]
    assert predict_survival(data, fit, row, [3], stratum=[1]).survival[0, 0] < 1
    with pytest.raises(ValueError, match="stratum 2 has no event"):
        predict_survival(data, fit, row, [3], stratum=[2])


def test_bad_selections_and_bootstraps_are_refused() -> None:
    data = random_data(33)
    fit = fit_cox(data, Options(variance=0.5))
    with pytest.raises(ValueError, match="mode is 'both'"):
        select_covariates(data, [], mode="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="covariate 'x' is given twice, or is a term already"):
        select_covariates(data, [Candidate("x", np.arange(120.0), "numeric")])
    with pytest.raises(ValueError, match="1 data sets but 2 fits"):
        patient_bootstrap([data], [fit, fit], n_replicates=1, seed=1)
    with pytest.raises(ValueError, match="needs its groups"):
        patient_bootstrap([replace(data, group=None)], [fit], n_replicates=1, seed=1)
