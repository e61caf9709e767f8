"""Estimates by patient, against by-hand values, a bootstrap and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, kstest, skew, spearmanr, ttest_1samp

from udfs.growth.clustered import (
    clustered_contrast,
    clustered_correlation,
    clustered_mean,
    pool_clustered,
    spearman,
)
from udfs.growth.score_tests import score_tests


def clusters(seed: int, n_patients: int = 150) -> tuple[np.ndarray, ...]:
    """Lesions of patients with effects of their own: patient, group, two variables."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 7, n_patients))
    is_a = (np.arange(n_patients) % 2 == 0)[patient]
    shared = rng.normal(size=(n_patients, 2))[patient]
    values = shared + rng.normal(size=(len(patient), 2))
    values[:, 1] += 0.5 * values[:, 0]
    return patient, is_a, values


def test_correlation_against_a_bootstrap_of_patients() -> None:
    patient, _, values = clusters(1)
    found = clustered_correlation(values[:, 0], values[:, 1], patient)
    assert found.estimate == pytest.approx(np.corrcoef(values.T)[0, 1])
    rng = np.random.default_rng(2)
    rows = [np.flatnonzero(patient == one) for one in np.unique(patient)]
    again = []
    for _ in range(600):
        taken = np.concatenate([rows[k] for k in rng.integers(0, len(rows), len(rows))])
        again.append(np.corrcoef(values[taken].T)[0, 1])
    # A standard deviation of 600 is known to 3 %; three of these, and what asymptotics lack.
    assert found.standard_error == pytest.approx(np.std(again), rel=0.12)
    alone = clustered_correlation(values[:, 0], values[:, 1], np.arange(len(patient)))
    assert alone.standard_error < 0.8 * found.standard_error


def test_contrast_by_hand() -> None:
    """Two lesions in each of four patients; two patients a side."""
    values = np.array([1.0, 2.0, 3.0, 6.0, 0.0, 1.0, 2.0, 1.0])
    is_a = np.array([True] * 4 + [False] * 4)
    patient = np.repeat([0, 1, 2, 3], 2)
    found = clustered_contrast(values, is_a, patient)
    # Means 3 and 1; sums of residuals by patient -3, 3, -1, 1; divided by 4 lesions a side.
    variance = (9 + 9 + 1 + 1) / 16 * (4 / 3) * (7 / 6)
    assert found.difference.estimate == pytest.approx(2.0)
    assert found.difference.standard_error == pytest.approx(np.sqrt(variance))
    spread = np.sqrt((4 + 1 + 0 + 9 + 1 + 0 + 1 + 0) / 6)
    assert found.standardised.estimate == pytest.approx(2.0 / spread)
    shifted = values + np.array([10.0, 0, 10, 0, 10, 0, 10, 0])
    within = clustered_contrast(shifted, is_a, patient, np.array(["x", "y"] * 4))
    assert within.difference.estimate == pytest.approx(2.0)
    with pytest.raises(ValueError, match="share no label"):
        clustered_contrast(values, is_a, patient, is_a)
    with pytest.raises(ValueError, match="three are needed"):
        clustered_contrast(values, is_a, patient // 2)


def test_intervals_cover_in_clusters() -> None:
    inside = {"by patient": 0, "by lesion": 0}
    for seed in range(300):
        patient, is_a, values = clusters(100 + seed, 60)
        for name, cluster in (("by patient", patient), ("by lesion", np.arange(len(patient)))):
            found = clustered_contrast(values[:, 0], is_a, cluster).difference
            inside[name] += found.ci_lower <= 0.0 <= found.ci_upper
    # 300 repeats of 95 %: standard error 1.3 points.
    assert 0.91 <= inside["by patient"] / 300 <= 0.985
    assert inside["by lesion"] / 300 < 0.88


def test_pooling_by_hand() -> None:
    found = pool_clustered(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.5, 0.5]), df=20.0)
    between = (1 + 1 / 3) * 1.0
    share = between / (0.5 + between)
    assert found.estimate == 2.0
    assert found.standard_error == pytest.approx(np.sqrt(0.5 + between))
    assert found.missing_share == pytest.approx(share)
    # Barnard and Rubin 1999: smaller than both kinds of freedom by themselves.
    of_draws, of_data = 2 / share**2, 21 / 23 * 20 * (1 - share)
    from scipy.stats import t

    reach = t.ppf(0.975, 1 / (1 / of_draws + 1 / of_data)) * found.standard_error
    assert found.ci_upper - 2.0 == pytest.approx(reach)
    known = pool_clustered(np.array([2.0]), np.array([0.5]), df=20.0)
    assert known.ci_upper - 2.0 == pytest.approx(t.ppf(0.975, 20) * np.sqrt(0.5))
    assert known.missing_share == 0.0


def test_draws_of_one_value_change_nothing() -> None:
    patient, is_a, values = clusters(3)
    draws = np.repeat(values[:, :1], 7, axis=1)
    one, many = (clustered_contrast(v, is_a, patient).difference for v in (values[:, 0], draws))
    assert many.standard_error == pytest.approx(one.standard_error)
    assert many.p_value == pytest.approx(one.p_value)
    assert clustered_mean(draws, patient).estimate == pytest.approx(values[:, 0].mean())
    assert np.isnan(clustered_mean(values[:1, 0], patient[:1]).ci_lower)
    rho = spearmanr(values[:, 0], values[:, 1]).statistic
    assert spearman(values[:, 0], values[:, 1]) == pytest.approx(rho)


def test_score_tests_equal_scipys() -> None:
    scores = np.random.default_rng(4).normal(0.05, 1.1, 500)
    found = score_tests(scores)
    assert found.mean_p_value == pytest.approx(ttest_1samp(scores, 0).pvalue)
    below = chi2.cdf(499 * scores.var(ddof=1), 499)
    assert found.variance_p_value == pytest.approx(2 * min(below, 1 - below))
    assert found.skewness == pytest.approx(skew(scores))
    reference = kstest(scores, "norm")
    assert found.ks_statistic == pytest.approx(reference.statistic)
    assert found.ks_p_value == pytest.approx(reference.pvalue, abs=0.01)  # Stephens' form
    assert found.share_beyond_2 == np.mean(np.abs(scores) > 1.959963984540054)
    with pytest.raises(ValueError, match="no scores"):
        score_tests([])
