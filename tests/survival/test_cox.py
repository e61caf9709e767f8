"""Cox models against R, lifelines, the mixed model of this package and hand calculations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references import folder_with

from udfs.survival import (
    CoxModel,
    CoxSubjects,
    bootstrap_rows,
    cox_model,
    cox_of_samples,
    subset_rows,
)

R_ESTIMATE = 1e-8
"""R stops when its log-likelihood changes by 1e-9 of itself; its estimates are good to about 1e-9,
of coefficients of the order of 1."""
R_LOGLIK = 1e-11
LAST_STEP = 1e-6
"""Of standard errors: theirs is the curvature where Newton's last step began, up to 3e-5 standard
errors (the root of ``CONVERGED``) from the maximum; it changes by a few hundredths of itself per
standard error. In R's own data sets the last step was so short that R_ESTIMATE holds."""

# name: file, covariates (a level of a factor as "column=level"), strata
MODELS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "lung": ("lung.csv", ("age", "sex", "ph.ecog"), None),
    "lung_strat_sex": ("lung.csv", ("age", "ph.ecog"), "sex"),
    "lung_strat_inst": ("lung.csv", ("age", "sex"), "inst"),
    "vet_strat_cell": ("veteran.csv", ("trt", "karno", "age"), "celltype"),
    "vet": (
        "veteran.csv",
        ("trt", "celltype=smallcell", "celltype=adeno", "celltype=large", "karno", "diagtime",
         "age", "prior"),
        None,
    ),
    "colon": ("colon.csv", ("rx=Lev", "rx=Lev+5FU", "sex", "age", "obstruct", "nodes"), None),
    "trial": ("trial.csv", ("arm=single", "arm=double", "age", "ps", "female"), None),
    "trial_strat_site": ("trial.csv", ("age", "ps", "female"), "site"),
}  # fmt: skip


def read(folder: Path, name: str) -> tuple[list[float], list[bool], np.ndarray, list[str] | None]:
    file, terms, stratum = MODELS[name]
    with (folder / file).open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row.get("etype", "2") == "2"]
    needed = [term.split("=")[0] for term in terms] + ([stratum] if stratum else [])
    rows = [row for row in rows if all(row[key] not in ("", "NA") for key in needed)]
    event = "2" if file == "lung.csv" else "1"
    columns = np.array(
        [
            [
                float(row[t]) if "=" not in t else float(row[t.split("=")[0]] == t.split("=")[1])
                for t in terms
            ]
            for row in rows
        ]
    )
    return (
        [float(row["time"]) for row in rows],
        [row["status"] == event for row in rows],
        columns,
        [row[stratum] for row in rows] if stratum else None,
    )


@pytest.mark.parametrize("name", MODELS)
def test_estimates_errors_and_likelihoods_are_those_of_r(
    request: pytest.FixtureRequest, name: str
) -> None:
    folder = folder_with(request, MODELS[name][0], "survival", "reference/survival")
    reference = json.loads((folder / "survival_reference.json").read_text())["coxph"][name]
    found = cox_model(*read(folder, name))
    assert (found.n, found.n_events) == (reference["n"], reference["nevent"])
    np.testing.assert_allclose(
        found.coefficient, list(reference["coef"].values()), atol=R_ESTIMATE, rtol=R_ESTIMATE
    )
    error = LAST_STEP if MODELS[name][0] == "trial.csv" else R_ESTIMATE
    np.testing.assert_allclose(found.standard_error, list(reference["se"].values()), rtol=error)
    assert [found.loglik_null, found.loglik] == pytest.approx(reference["loglik"], rel=R_LOGLIK)
    assert found.score == pytest.approx(reference["score"]["test"], rel=1e-9)
    chi2, df, p_value = found.likelihood_ratio
    assert chi2 == pytest.approx(reference["lrt"]["test"], rel=1e-9)
    assert (df, p_value) == (
        reference["lrt"]["df"],
        pytest.approx(reference["lrt"]["pvalue"], rel=1e-8),
    )
    lower, upper = found.interval(0.95)
    table = reference["hr_ci"]
    np.testing.assert_allclose(np.exp(lower), [line["lower .95"] for line in table], rtol=1e-7)
    np.testing.assert_allclose(np.exp(upper), [line["upper .95"] for line in table], rtol=1e-7)
    p_values = [line["Pr(>|z|)"] for line in reference["coef_table"]]
    np.testing.assert_allclose(found.p_value, p_values, rtol=1e-6)


def test_four_subjects_by_hand() -> None:
    found = cox_model([1, 2, 3, 4], [1, 1, 1, 0], [[1], [0], [1], [0]])
    r = (1 + np.sqrt(17)) / 2
    assert found.coefficient[0] == pytest.approx(np.log(r), abs=1e-9)
    likelihood = r / (2 * r + 2) / (r + 2) * r / (r + 1)
    assert found.loglik == pytest.approx(np.log(likelihood), abs=1e-12)
    assert found.loglik_null == pytest.approx(-np.log(24), abs=1e-12)
    # minus the second derivative: 2 r / (r + 1)^2 + 2 r / (r + 2)^2
    information = 2 * r / (r + 1) ** 2 + 2 * r / (r + 2) ** 2
    assert found.standard_error[0] == pytest.approx(information**-0.5, rel=1e-7)


def test_two_tied_events_by_hand() -> None:
    """Efron: of three at risk, two die together: r * 1 / ((r + 2) (r + 2 - (r + 1) / 2))."""
    found = cox_model([1, 1, 2], [1, 1, 0], [[1], [0], [0]])
    r = np.exp(found.coefficient[0])
    # d/db of log: 1 - r / (r + 2) - r / (r + 3) = 0, so r^2 = 6
    assert r == pytest.approx(np.sqrt(6), rel=1e-8)
    assert found.loglik == pytest.approx(np.log(r / ((r + 2) * (r + 3) / 2)), abs=1e-12)


def test_units_and_order_of_subjects_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    time, event = np.ceil(rng.exponential(40, 120)), rng.random(120) < 0.7
    columns, stratum = rng.normal(size=(120, 2)), rng.integers(0, 3, 120)
    one = cox_model(time, event, columns, stratum)
    order = rng.permutation(120)
    moved = columns[order] * [1000, 0.01] + 5
    other = cox_model(time[order], event[order], moved, stratum[order])
    np.testing.assert_allclose(other.coefficient, one.coefficient / [1000, 0.01], rtol=1e-9)
    assert other.loglik == pytest.approx(one.loglik, rel=1e-12)


def test_equal_to_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(6)
    table = pandas.DataFrame(
        {"x": rng.normal(size=200), "y": rng.integers(0, 2, 200), "s": rng.integers(0, 3, 200)}
    )
    table["t"] = np.ceil(rng.exponential(30 * np.exp(-0.5 * table["x"])))
    table["e"] = rng.random(200) < 0.7
    peer = lifelines.CoxPHFitter().fit(
        table, "t", "e", strata=["s"], fit_options={"precision": 1e-12}
    )
    found = cox_model(table["t"], table["e"], table[["x", "y"]], table["s"])
    np.testing.assert_allclose(found.coefficient, peer.params_.to_numpy(), atol=1e-8)
    np.testing.assert_allclose(found.standard_error, peer.standard_errors_.to_numpy(), rtol=1e-7)


def test_equal_to_the_mixed_model_without_random_effect() -> None:
    from udfs.hazards import cox_data, design, fit_cox, numeric

    rng = np.random.default_rng(7)
    x, stratum = rng.normal(size=150), rng.integers(0, 2, 150)
    time, event = np.ceil(rng.exponential(30, 150)), rng.random(150) < 0.7
    peer = fit_cox(cox_data(time, event, design(numeric("x", x)), stratum=stratum))
    found = cox_model(time, event, x[:, None], stratum)
    assert found.coefficient[0] == pytest.approx(peer.coefficient[0], abs=1e-8)
    assert found.loglik == pytest.approx(peer.loglik_fixed, rel=1e-10)


def test_no_maximum_is_no_estimate() -> None:
    for time, event, x in [
        ([1, 2, 3, 4], [1, 1, 0, 0], [1, 1, 0, 0]),  # the covariate separates the events
        ([1, 2, 3, 4], [0, 0, 0, 0], [1, 0, 1, 0]),  # no event
        ([1, 2, 3, 4], [0, 0, 0, 1], [1, 0, 1, 0]),  # one event, nobody else at risk
    ]:
        found = cox_model(time, event, np.array(x, dtype=float)[:, None])
        assert not found.is_converged
        assert np.isnan(found.coefficient).all()
        assert np.isnan(found.standard_error).all()


def test_strata_of_very_different_risk_keep_their_precision() -> None:
    """Hazards e^30 apart: sums over one stratum must not lose those of the other."""
    rng = np.random.default_rng(9)
    x = np.r_[rng.normal(size=40), rng.normal(size=40) + 30]
    stratum = np.repeat([0, 1], 40)
    time, event = np.ceil(rng.exponential(30, 80)), rng.random(80) < 0.8
    found = cox_model(time, event, x[:, None], stratum)
    centred = x - 30 * stratum
    alone = cox_model(time, event, centred[:, None], stratum)
    assert found.coefficient[0] == pytest.approx(alone.coefficient[0], rel=1e-8)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([[1], [1]], "covariate 0 is the same in everyone"),
        ([[1], [np.nan]], "missing or infinite"),
        ([1, 2], r"wanted \(2, p\)"),
    ],
)
def test_wrong_input_is_refused(columns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cox_model([1, 2], [1, 1], columns)


def test_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no subject"):
        cox_model([], [], np.zeros((0, 1)))


@pytest.fixture(scope="module")
def cohort() -> tuple[CoxSubjects, CoxModel, dict[str, np.ndarray]]:
    rng = np.random.default_rng(10)
    n = 400
    columns, stratum = rng.normal(size=(n, 2)), rng.integers(0, 3, n)
    time = np.ceil(rng.exponential(60 * np.exp(-0.3 * columns[:, 0])))
    event = rng.random(n) < 0.7
    subjects = CoxSubjects.of(time, event, columns, stratum)
    data = {"time": time, "event": event, "columns": columns, "stratum": stratum}
    return subjects, cox_model(*data.values()), data


def test_each_sample_is_the_model_of_its_rows(cohort: Any) -> None:
    """With and without repeated rows, as if they were subjects of their own."""
    subjects, everyone, data = cohort
    rng = np.random.default_rng(11)
    samples = [*subset_rows(400, 0.8, 3, rng), *bootstrap_rows(400, 3, rng)]
    found = cox_of_samples(subjects, samples, start=everyone.coefficient)
    for i, places in enumerate(samples):
        rows = subjects.order[places]
        alone = cox_model(*(values[rows] for values in data.values()))
        np.testing.assert_allclose(found.coefficient[i], alone.coefficient, atol=1e-8)
        np.testing.assert_allclose(found.standard_error[i], alone.standard_error, rtol=1e-6)
        assert (found.n[i], found.n_events[i]) == (alone.n, alone.n_events)


def test_subsets_are_drawn_without_replacement_and_the_bootstrap_with() -> None:
    subsets = list(subset_rows(50, 0.8, 20, np.random.default_rng(1)))
    assert {rows.size for rows in subsets} == {40}
    assert all(np.unique(rows).size == 40 for rows in subsets)
    drawn = np.bincount(np.concatenate(subsets), minlength=50)
    assert drawn.min() > 0  # chance of a miss: 50 * 0.2^20
    boots = list(bootstrap_rows(50, 20, np.random.default_rng(1)))
    assert {rows.size for rows in boots} == {50}
    assert any(np.unique(rows).size < 50 for rows in boots)


def test_the_same_seed_draws_the_same_rows() -> None:
    for draw in (lambda r: subset_rows(30, 0.5, 4, r), lambda r: bootstrap_rows(30, 4, r)):
        one, other = (list(draw(np.random.default_rng(3))) for _ in range(2))
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_spread_of_the_bootstrap_is_the_standard_error(cohort: Any) -> None:
    subjects, everyone, _ = cohort
    samples = bootstrap_rows(400, 300, np.random.default_rng(12))
    found = cox_of_samples(subjects, samples, start=everyone.coefficient)
    spread = found.coefficient.std(axis=0)
    # The standard deviation of 300 draws has a relative error of 4 %; three of those, and the
    # bootstrap's own excess at 280 events of a few per cent.
    np.testing.assert_allclose(spread, everyone.standard_error, rtol=0.17)


def test_samples_without_estimate_are_missing() -> None:
    subjects = CoxSubjects.of([1, 2, 3, 4], [1, 1, 0, 1], [[1.0], [0.0], [1.0], [0.5]], [0] * 4)
    found = cox_of_samples(subjects, [np.array([0, 1]), np.array([2])], start=[0.0])
    assert np.isnan(found.coefficient).all()
    assert np.isnan(found.p_value).all()


def test_a_share_must_be_a_share() -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        next(subset_rows(10, 1.2, 1, np.random.default_rng(0)))
