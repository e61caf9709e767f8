"""Lines through logarithms of biomarkers with results below the limit, and lead times."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from references import DATA

from udfs.biomarkers import lead_time, left_censored_lines, mixed_lines, mixed_loglik

SLOPE = 1e-8
"""Of a slope per day: the reference's own two programs agree to 1.2e-10."""
SIGMA = 1e-6
"""Its simplex search ends at 1e-10 of the logarithm, on a likelihood flat to second order."""
LOGLIK = 1e-9
QUADRATURE = 0.003
"""Of the log-likelihood of 60 series with 9 nodes instead of 25 for each effect."""
SURVREG = 1e-6
"""survreg stops at a change of 1e-12 of its log-likelihood; the root of that."""
LME_LOGLIK = 1e-6
LME = 1e-3
"""Of a standard error: searches that end within 1e-6 of the log-likelihood's maximum, its root."""
SHARE_OF_ERROR = 0.01
"""Of a standard error: the reference says to take its estimates to no more."""


def _series(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["patient_id"] for row in rows]
    starts = [i for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
    return (
        np.log([float(row["value"]) for row in rows]),
        np.array([float(row["day"]) for row in rows]),
        np.array([row["is_below_limit"] == "1" for row in rows]),
        np.array([*starts, len(rows)]),
        [names[i] for i in starts],
    )


@pytest.fixture(scope="module")
def biology(shared):
    return shared / "reference" / "biology"


def test_each_patients_line_is_that_of_survreg(biology):
    *series, names = _series(biology / "kinetics_series.csv")
    found = left_censored_lines(*series)
    with (biology / "kinetics_tobit_per_patient.csv").open(newline="") as file:
        expected = {row["patient_id"]: row for row in csv.DictReader(file)}
    refused = 0
    for i, name in enumerate(names):
        row = expected[name]
        assert found.n_seen[i] == int(row["n_above_limit"])
        if not row["slope_per_day"]:
            assert found.reason[i] == "fewer than 3 results above the limit"
            assert np.isnan(found.slope[i])
            refused += 1
            continue
        assert found.slope[i] == pytest.approx(float(row["slope_per_day"]), abs=SLOPE)
        assert found.sigma[i] == pytest.approx(float(row["sigma"]), abs=SIGMA)
        assert found.loglik[i] == pytest.approx(float(row["loglik"]), abs=LOGLIK)
    assert refused == 8


@pytest.fixture(scope="module")
def answers():
    """Simulated series, and R's lines through them."""
    folder = DATA / "biomarkers"
    return _series(folder / "kinetics.csv"), json.loads((folder / "reference.json").read_text())


def test_each_simulated_patients_line_is_that_of_survreg(answers):
    (*series, names), expected = answers
    found = left_censored_lines(*series)
    assert [row["patient_id"] for row in expected["tobit"]] == names
    refused = 0
    for i, row in enumerate(expected["tobit"]):
        assert found.n_seen[i] == row["n_above_limit"]
        if row["slope"] is None:
            assert found.reason[i] == "fewer than 3 results above the limit"
            refused += 1
            continue
        for name in ("slope", "sigma", "loglik"):
            assert getattr(found, name)[i] == pytest.approx(row[name], rel=SURVREG, abs=SURVREG)
    assert 0 < refused < 20


def test_the_populations_likelihood_is_that_of_normal_probabilities(answers):
    (*series, _), expected = answers
    given = expected["censored"]["given"]
    at = mixed_loglik(
        *series, mean=given["mean"], sd=given["sd"], correlation=0.0, sigma=given["sigma"]
    )
    assert at == pytest.approx(given["loglik"], abs=QUADRATURE)
    found = mixed_lines(*series, is_correlated=False)
    best = expected["censored"]
    assert found.is_converged
    assert found.loglik == pytest.approx(best["loglik"], abs=QUADRATURE)
    for mean, k in ((found.intercept_mean, 0), (found.slope_mean, 1)):
        off = mean - best["estimate"]["mean"][k]
        assert abs(off) < SHARE_OF_ERROR * best["error_of_mean"][k]
    sds = np.log([found.intercept_sd, found.slope_sd, found.sigma])
    off = sds - np.log([*best["estimate"]["sd"], best["estimate"]["sigma"]])
    assert (np.abs(off) < SHARE_OF_ERROR * np.array(best["error_of_log"])).all()
    assert found.slope_error == pytest.approx(best["error_of_mean"][1], rel=0.02)


def test_lines_without_a_limit_are_those_of_lme(answers):
    """The same values, all taken as measured; maximum likelihood, intercept and slope correlate."""
    (y, day, below, offsets, _), expected = answers
    found = mixed_lines(y, day, np.zeros_like(below), offsets)
    lme = expected["measured"]
    assert found.loglik == pytest.approx(lme["loglik"], abs=LME_LOGLIK)
    for mean, k in ((found.intercept_mean, 0), (found.slope_mean, 1)):
        assert abs(mean - lme["mean"][k]) < LME * lme["standard_error"][k]
    ours = [found.intercept_sd, found.slope_sd, found.correlation, found.sigma]
    assert ours == pytest.approx([*lme["sd"], lme["correlation"], lme["sigma"]], rel=10 * LME)
    assert found.slope_error == pytest.approx(lme["standard_error"][1], rel=0.02)


def test_without_a_limit_it_is_the_regression():
    """Against numpy's least squares, with the t interval of a regression."""
    rng = np.random.default_rng(3)
    day = np.array([0.0, 21, 42, 70, 84])
    y = 1.5 - 0.01 * day + 0.2 * rng.standard_normal(5)
    found = left_censored_lines(y, day, np.zeros(5, bool), [0, 5])
    design = np.column_stack([np.ones(5), day])
    line, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    error = np.sqrt(squares[0] / 3 * np.linalg.inv(design.T @ design)[1, 1])
    assert found.slope[0] == pytest.approx(line[1], rel=1e-9)
    assert found.intercept[0] == pytest.approx(line[0], rel=1e-9)
    assert found.slope_error[0] == pytest.approx(error, rel=1e-8)
    lower, upper = found.slope_interval(0.95)
    # 3.182446: Student's t of 3 degrees of freedom, 0.975.
    assert (upper[0] - lower[0]) / 2 == pytest.approx(3.182446 * error, rel=1e-6)


def test_what_has_no_line_says_why():
    y = np.log([1.0, 2, 4, 1, 1, 3, 5, 6, 7])
    day = [0.0, 1, 2, 0, 1, 1, 5, 5, 5]
    found = left_censored_lines(y, day, np.zeros(9, bool), [0, 3, 6, 9])
    assert found.reason == ("results on one line", "evaluable", "one day")
    assert np.isnan(found.slope[[0, 2]]).all()


def test_the_populations_likelihood_and_estimates_are_the_references(biology):
    *series, _ = _series(biology / "kinetics_series.csv")
    with (biology / "kinetics_mixed_reference.csv").open(newline="") as file:
        known = {row["quantity"]: float(row["value"]) for row in csv.DictReader(file)}
    at = mixed_loglik(
        *series,
        mean=(known["mu_intercept_log"], known["mu_slope_per_day"]),
        sd=(known["sd_intercept"], known["sd_slope"]),
        correlation=0.0,
        sigma=known["sigma"],
    )
    assert at == pytest.approx(
        known["loglik_adaptive_gauss_hermite_25_at_the_same_point"], abs=QUADRATURE
    )
    found = mixed_lines(*series, is_correlated=False)
    assert found is not None
    assert found.is_converged
    error = found.slope_error
    assert abs(found.slope_mean - known["mu_slope_per_day"]) < SHARE_OF_ERROR * error
    # Their standard errors are 0.13, 0.0009 and 0.017 (inverse Hessian of the same likelihood).
    assert found.intercept_mean == pytest.approx(known["mu_intercept_log"], abs=0.0013)
    assert found.slope_sd == pytest.approx(known["sd_slope"], abs=0.000009)
    assert found.sigma == pytest.approx(known["sigma"], abs=0.00017)
    # The limit put in the place of what is below it makes the slope 13 % too small.
    assert abs(found.slope_mean - known["substitute_LOD_mu_slope"]) > error


def test_closed_form_and_quadrature_agree_without_a_limit(monkeypatch):
    """A limit far below every result: the integral by nodes is the normal density."""
    from udfs.biomarkers import mixed

    rng = np.random.default_rng(5)
    day = np.tile([0.0, 30, 60, 90], 12)
    y = np.repeat(rng.normal(1, 0.7, 12), 4) + 0.01 * day + rng.normal(0, 0.3, 48)
    nothing, offsets = np.zeros(48, bool), np.arange(0, 49, 4)
    theta = np.array([1.0, 0.01, -0.4, 0.001, -4.6, -1.2])
    block = mixed.Block.of(y, day, nothing, offsets)
    closed, nodes = mixed._closed(block, theta), mixed._quadrature(block, theta)
    # Gauss-Hermite is exact for a normal integrand about its own mode.
    for name in ("loglik", "mean", "cov", "sigma_score"):
        np.testing.assert_allclose(
            getattr(closed, name), getattr(nodes, name), rtol=1e-7, atol=1e-10
        )


def test_the_score_is_the_derivative():
    from udfs.biomarkers import mixed

    rng = np.random.default_rng(6)
    y, day = rng.normal(0, 1, 40), np.tile([0.0, 1, 2, 3], 10)
    below = y < -0.6
    block = mixed.Block.of(np.where(below, -0.6, y), day, below, np.arange(0, 41, 4))
    theta = np.array([0.1, 0.05, -0.2, 0.1, -0.8, -0.3])
    score = mixed._score(mixed._moments(block, theta), theta)
    for i in range(6):
        move = np.zeros(6)
        move[i] = 1e-5
        up, down = (float(mixed._moments(block, theta + s * move).loglik.sum()) for s in (1, -1))
        # Quadrature of 9 nodes: the score of the sum and the sum's derivative differ by its error.
        assert score[i] == pytest.approx((up - down) / 2e-5, abs=2e-3)


@pytest.mark.slow
def test_slopes_are_unbiased_and_covered_with_results_below_the_limit():
    """100 populations of 40 patients with a known slope, a seventh of the results below."""
    covered, slopes = 0, []
    day = np.array([0.0, 28, 56, 84])
    offsets = np.arange(0, 161, 4)
    for seed in range(100):
        rng = np.random.default_rng([22, seed])
        a, b = rng.normal(0.5, 1.0, 40), rng.normal(-0.012, 0.006, 40)
        y = (a[:, None] + b[:, None] * day + rng.normal(0, 0.3, (40, 4))).ravel()
        below = y < -1.2
        found = mixed_lines(np.where(below, -1.2, y), np.tile(day, 40), below, offsets)
        lower, upper = found.interval(0.95)
        covered += lower <= -0.012 <= upper
        slopes.append(found.slope_mean)
    slopes = np.asarray(slopes)
    # Within three standard errors of the mean of 100; coverage of 95 % is 88 to 100 of them.
    assert abs(slopes.mean() + 0.012) < 3 * slopes.std() / 10
    assert 88 <= covered <= 100


def test_lead_time_of_resected_lung_cancer_is_that_of_survfit(biology):
    """Leads in months; R's survfit puts the mass of an interval at its end."""
    with (biology / "ctdna_nsclc_lead_time.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["lead"] != "NA"]
    lead = np.array([float(row["lead"]) for row in rows])
    before = np.array([float(row["prev"]) for row in rows])
    upper = np.array([float(row["upper"]) for row in rows])
    # The relapse's day is known; the marker turned positive in (relapse - upper, relapse - lead].
    relapse = upper + before
    is_ordered = upper >= lead
    found = lead_time(
        before[is_ordered], (relapse - lead)[is_ordered], relapse[is_ordered], relapse[is_ordered]
    )
    assert found.observed_median == pytest.approx(np.median(lead[is_ordered]))
    assert found.median_from <= 8.91666666666667 <= found.median_to


def test_lead_time_by_hand():
    """One patient: marker in (21, 42], lesions in (56, 112]: lead in (14, 91], 70 by visits."""
    found = lead_time([21], [42], [56], [112])
    assert (found.median_from, found.median_to, found.observed_median) == (14, 91, 70)
    assert (found.n_surely_before, found.share_before_least) == (1, 1.0)
    # Marker in (50, 90], lesions in (40, 80]: -50 to 30, either may be first.
    either = lead_time([50], [90], [40], [80])
    assert (either.share_before_least, either.share_before_most) == (0.0, 1.0)
    assert lead_time([], [], [], []).n == 0
    with pytest.raises(ValueError, match="no lead"):
        lead_time([1], [2], [3], [np.inf])
