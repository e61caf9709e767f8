"""Correlations, group comparisons and effect sizes against R, by hand and from draws."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from references import HERE_AND_SHARED, folder_of

from udfs.growth import compare_groups, correlations, effect_size
from udfs.growth.associations import average_ranks, holm, regression_line
from udfs.growth.pooling import pool_chi2, pool_estimates

R_DIGITS = 1e-10
"""The reference holds 14 digits."""


@pytest.fixture(scope="module", params=HERE_AND_SHARED)
def r_tests(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, dict]:
    """Input and answers of R's tests."""
    folder = folder_of(request, "comparisons", "reference/tests")
    answers = json.loads((folder / "tests_reference.json").read_text())
    return pd.read_csv(folder / "tests_input.csv"), answers


@pytest.mark.parametrize(
    ("column", "kruskal", "dunn"),
    [("growth", "growth_organ", "growth_organ"), ("score", "score_organ_ties", "score_organ")],
)
def test_kruskal_wallis_and_dunn_equal_r(r_tests, column: str, kruskal: str, dunn: str):
    data, answers = r_tests
    found = compare_groups(data[column], data.organ)
    reference = answers["kruskal"][kruskal]
    (statistic,) = reference["statistic"].values()
    assert found.statistic == pytest.approx(statistic, rel=R_DIGITS)
    assert found.p_value == pytest.approx(reference["p.value"], rel=1e-9)
    for k, (a, b) in enumerate(found.pair):
        pair = next(
            one
            for one in answers["dunn"][dunn]
            if (one["a"], one["b"]) == (found.group[a], found.group[b])
        )
        assert found.z[k] == pytest.approx(pair["z"], rel=R_DIGITS)
        assert found.pair_p_value[k] == pytest.approx(pair["p"], rel=R_DIGITS)
        assert found.pair_p_adjusted[k] == pytest.approx(pair["p_holm"], rel=R_DIGITS)


def test_pearson_and_spearman_equal_r(r_tests):
    data, answers = r_tests
    (found,) = correlations(["growth", "shrink"], data[["growth", "shrink"]].to_numpy())
    reference = answers["cor"]["pearson"]
    assert found.r == pytest.approx(reference["estimate"]["cor"], rel=R_DIGITS)
    assert found.p_value == pytest.approx(reference["p.value"], rel=1e-8)
    np.testing.assert_allclose([found.ci_lower, found.ci_upper], reference["conf.int"], rtol=1e-8)
    values = data[["growth", "score"]].to_numpy()
    (found,) = correlations(["growth", "score"], values, method="spearman")
    reference = answers["cor"]["spearman_ties"]
    assert found.r == pytest.approx(reference["estimate"]["rho"], rel=R_DIGITS)


def test_mann_whitney_equals_r_without_continuity_correction(r_tests):
    data, answers = r_tests
    found = effect_size(data.growth, data.arm, "A", "B")
    assert found.p_value == pytest.approx(
        answers["wilcox"]["growth_arm_nocorrect"]["p.value"], rel=1e-9
    )


def test_effect_sizes_by_hand():
    found = effect_size([3.0, 5.0, 7.0, 1.0, 2.0, 3.0], ["a"] * 3 + ["b"] * 3, "a", "b")
    # means 5 and 2, variances 4 and 1, pooled sd sqrt(2.5); Hedges 1 - 3 / 15
    assert found.hedges_g == pytest.approx(3 / np.sqrt(2.5) * (1 - 3 / 15))
    assert found.cliff_delta == pytest.approx((8 - 0) / 9)  # 8 pairs higher, 1 equal
    with pytest.raises(ValueError, match="'c' have 3 and 0"):
        effect_size([1.0, 2, 3, 4, 5, 6], ["a"] * 3 + ["b"] * 3, "a", "c")


def test_organ_correlations_use_organ_means():
    organ = np.repeat(["liver", "lung", "node", "bone"], 3)
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    y = np.array([2.0, 2, 2, 3, 3, 3, 1, 1, 1, 5, 5, 5])
    (found,) = correlations(["x", "y"], np.stack([x, y], axis=1), group=organ)
    assert found.level == "organ"
    assert found.n == 4
    assert found.r == pytest.approx(np.corrcoef([2, 5, 8, 11], [2, 3, 1, 5])[0, 1])
    with pytest.raises(ValueError, match="at least three points"):
        correlations(["x", "y"], np.ones((6, 2)), group=["a"] * 3 + ["b"] * 3)


def test_identical_draws_give_the_answer_of_one_estimate():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(40, 2))
    group = rng.choice(["a", "b", "c"], 40)
    draws = np.repeat(values[:, None], 7, axis=1)
    (one,), (many,) = correlations("xy", values), correlations("xy", draws)
    assert many.from_draws
    assert many.r == pytest.approx(one.r)
    assert many.ci_upper == pytest.approx(one.ci_upper)
    single, pooled = compare_groups(values[:, 0], group), compare_groups(draws[..., 0], group)
    assert pooled.p_value == pytest.approx(single.p_value, rel=1e-5)  # F(2, inf) = chi2 / 2
    np.testing.assert_allclose(pooled.z, single.z)


def test_noisy_draws_widen_the_interval():
    rng = np.random.default_rng(2)
    truth = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 60)
    draws = truth[:, None] + rng.normal(0, 0.5, (60, 30, 2))
    (exact,), (found,) = correlations("xy", truth), correlations("xy", draws)
    assert found.ci_upper - found.ci_lower > exact.ci_upper - exact.ci_lower
    assert found.r < exact.r


def test_rubins_rules_by_hand():
    found = pool_estimates(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.5, 0.5]))
    between = (1 + 1 / 3) * 1.0
    assert found.estimate == 2
    assert found.standard_error == pytest.approx(np.sqrt(0.5 + between))
    # Li, Meng, Raghunathan & Rubin: r = (4/3) var(1, 2, 3) = 4/3, mean(d)/k = 14/6
    value, _ = pool_chi2(np.array([1.0, 4.0, 9.0]), 2)
    assert value == pytest.approx((14 / 6 - 4 / 2 * 4 / 3) / (1 + 4 / 3))


def test_ranks_and_holm_by_hand():
    np.testing.assert_array_equal(average_ranks(np.array([3.0, 1, 3, 2])), [3.5, 1, 3.5, 2])
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])


def test_a_line_and_its_limits_equal_those_of_r():
    """predict(lm(dist ~ speed, cars), interval = "confidence") at speeds 4, 10 and 25."""
    speed = np.repeat(
        [4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25],
        [2, 2, 1, 1, 3, 2, 4, 4, 4, 3, 2, 3, 4, 3, 5, 1, 1, 4, 1],
    )
    dist = [2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60,
            80, 20, 26, 54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66,
            54, 70, 92, 93, 120, 85]  # fmt: skip
    line = regression_line(speed, dist)
    found = np.stack([line.fitted, line.lower, line.upper], axis=1)[[0, 6, 49]]
    expected = [
        [-1.849459854, -12.32954333, 8.630623621],
        [21.744992701, 15.46191734, 28.028068062],
        [80.731124088, 71.59608265, 89.866165522],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="three points"):
        regression_line([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
