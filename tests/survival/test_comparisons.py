"""Rank tests, effects and correlations against R, scipy, brute force and hand calculations."""

from __future__ import annotations

import csv
import json
import math
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import HERE_AND_SHARED, folder_of
from scipy.special import ndtri

from udfs.comparisons import (
    adjusted,
    clustered_p_value,
    correlation,
    dominance_of,
    dunn_tests,
    kruskal_wallis,
    mann_whitney,
    shift_between,
    signed_rank,
    summarise,
)
from udfs.comparisons import effects as effects_module

R_DIGITS = 1e-12
"""R's numbers were written with 14 digits."""
R_ROOT_SEARCH = 1e-4
"""R finds the shift of many values, or of tied ones, and its limits with uniroot to 1e-4 of the
values' unit; here they are order statistics of the differences."""


@pytest.fixture(scope="module", params=HERE_AND_SHARED)
def folder(request: pytest.FixtureRequest) -> Path:
    return folder_of(request, "comparisons", "reference/tests")


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return json.loads((folder / "tests_reference.json").read_text())


@pytest.fixture(scope="module")
def data(folder: Path) -> dict[str, np.ndarray]:
    with (folder / "tests_input.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {k: np.array([float(r[k]) for r in rows]) for k in ("growth", "score", "shrink")}
    numbers |= {k: np.array([float(r[k]) for r in rows]) for k in ("pre", "post")}
    return numbers | {k: np.array([r[k] for r in rows]) for k in ("organ", "arm")}


@pytest.mark.parametrize(
    ("variable", "name"), [("growth", "growth_arm"), ("score", "score_arm_ties")]
)
def test_mann_whitney_with_ties_is_that_of_r(
    reference: Any, data: Any, variable: str, name: str
) -> None:
    a, b = (data[variable][data["arm"] == arm] for arm in ("A", "B"))
    found = mann_whitney(a, b)
    assert found.u == reference["wilcox"][name]["statistic"]["W"]
    assert found.p_value == pytest.approx(reference["wilcox"][name]["p.value"], rel=R_DIGITS)
    assert not found.is_exact


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("growth_arm_nocorrect", {"continuity": False}),
        ("growth_arm_less", {"alternative": "less"}),
    ],
)
def test_mann_whitney_otherwise_is_that_of_r(
    reference: Any, data: Any, name: str, options: Any
) -> None:
    a, b = (data["growth"][data["arm"] == arm] for arm in ("A", "B"))
    found = mann_whitney(a, b, **options)
    assert found.p_value == pytest.approx(reference["wilcox"][name]["p.value"], rel=R_DIGITS)


@pytest.mark.parametrize("name", ["paired", "signed_rank_small_exact", "signed_rank_zero"])
def test_signed_ranks_are_those_of_r(reference: Any, data: Any, name: str) -> None:
    r = reference["wilcox"][name]
    found = signed_rank(r["x"] if "x" in r else data["pre"] - data["post"])
    assert found.v == r["statistic"]["V"]
    assert found.p_value == pytest.approx(r["p.value"], rel=1e-11)
    assert found.is_exact == (name == "signed_rank_small_exact")
    if "conf.int" in r:
        limits = (found.lower, found.upper)
        assert found.pseudo_median == pytest.approx(
            r["estimate"]["(pseudo)median"], abs=R_ROOT_SEARCH
        )
        assert limits == pytest.approx(tuple(r["conf.int"]), abs=R_ROOT_SEARCH)


def test_signed_ranks_by_hand() -> None:
    found = signed_rank([1, 2, -3, 4])
    assert (found.v, found.p_value, found.is_exact) == (7, pytest.approx(0.625), True)
    # Means of pairs: -3, -1, -0.5, 0.5, 1, 1.5, 2, 2.5, 3, 4; P(V = 0) = 1/16 is more than 2.5 %.
    assert found.pseudo_median == 1.25
    assert np.isnan(found.lower)
    assert np.isnan(signed_rank([0, 0]).p_value)
    # Of seven, P(V <= 2) = 3/128 <= 2.5 % < P(V <= 3) = 5/128: from the third smallest mean on.
    seven = np.array([0.31, -1.2, 2.4, 1.15, -0.2, 0.9, 1.7])
    means = np.sort([(a + b) / 2 for i, a in enumerate(seven) for b in seven[i:]])
    found = signed_rank(seven)
    assert (found.lower, found.upper) == pytest.approx((means[2], means[-3]))


def test_mann_whitney_of_few_is_exact_as_in_r(reference: Any) -> None:
    r = reference["wilcox"]["small_exact"]
    found = mann_whitney(r["x"], r["y"])
    assert (found.u, found.is_exact) == (r["statistic"]["W"], True)
    assert found.p_value == pytest.approx(r["p.value"], rel=R_DIGITS)


def test_shifts_and_their_limits_are_those_of_r(reference: Any, data: Any) -> None:
    r = reference["wilcox"]["small_exact"]
    found = shift_between(r["x"], r["y"])
    assert found.is_exact
    assert found.estimate == pytest.approx(r["estimate"]["difference in location"], rel=R_DIGITS)
    assert (found.lower, found.upper) == pytest.approx(tuple(r["conf.int"]), rel=R_DIGITS)
    r = reference["wilcox"]["growth_arm"]
    a, b = (data["growth"][data["arm"] == arm] for arm in ("A", "B"))
    found = shift_between(a, b)
    assert found.estimate == pytest.approx(
        r["estimate"]["difference in location"], abs=R_ROOT_SEARCH
    )
    assert (found.lower, found.upper) == pytest.approx(tuple(r["conf.int"]), abs=R_ROOT_SEARCH)


@pytest.mark.parametrize(
    ("variable", "name"), [("growth", "growth_organ"), ("score", "score_organ_ties")]
)
def test_kruskal_wallis_is_that_of_r(reference: Any, data: Any, variable: str, name: str) -> None:
    found = kruskal_wallis(data[variable], data["organ"])
    r = reference["kruskal"][name]
    assert found.statistic == pytest.approx(
        r["statistic"]["Kruskal-Wallis chi-squared"], rel=R_DIGITS
    )
    assert found.df == r["parameter"]["df"]
    assert found.p_value == pytest.approx(r["p.value"], rel=1e-11)


def test_epsilon_squared_of_groups_of_one_value_is_1_and_no_more() -> None:
    """H is n - 1 then, but for rounding."""
    for n in range(2, 60):
        found = kruskal_wallis(np.arange(n, dtype=float), np.arange(n))
        assert 1 - 1e-12 <= found.epsilon_squared <= 1


@pytest.mark.parametrize("variable", ["growth", "score"])
@pytest.mark.parametrize(
    ("correction", "column"), [("bonferroni", "p_bonferroni"), ("holm", "p_holm"), ("bh", "p_bh")]
)
def test_dunn_is_that_of_r(
    reference: Any, data: Any, variable: str, correction: Any, column: str
) -> None:
    found = dunn_tests(data[variable], data["organ"], correction)
    expected = reference["dunn"][f"{variable}_organ"]
    assert found.group_a.tolist() == [line["a"] for line in expected]
    assert found.group_b.tolist() == [line["b"] for line in expected]
    np.testing.assert_allclose(found.z, [line["z"] for line in expected], rtol=1e-11)
    np.testing.assert_allclose(found.p_value, [line["p"] for line in expected], rtol=1e-11)
    np.testing.assert_allclose(found.p_adjusted, [line[column] for line in expected], rtol=1e-11)


@pytest.mark.parametrize(("correction", "name"), [("bonferroni",) * 2, ("holm",) * 2, ("bh", "BH")])
def test_corrections_are_those_of_r(reference: Any, correction: Any, name: str) -> None:
    r = reference["padjust"]
    np.testing.assert_allclose(adjusted(r["p"], correction), r[name], rtol=R_DIGITS)


CORRELATIONS = {
    "kendall_ties": ("kendall", "growth", "score", "tau", "z"),
    "kendall_growth_shrink": ("kendall", "growth", "shrink", "tau", "z"),
    "pearson": ("pearson", "growth", "shrink", "cor", "t"),
    "pearson_prepost": ("pearson", "pre", "post", "cor", "t"),
    "spearman_ties": ("spearman", "growth", "score", "rho", "S"),
}


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlations_are_those_of_r(reference: Any, data: Any, name: str) -> None:
    method, x, y, estimate, statistic = CORRELATIONS[name]
    r = reference["cor"][name]
    found = correlation(data[x], data[y], method)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(r["estimate"][estimate], rel=R_DIGITS)
    assert found.statistic == pytest.approx(r["statistic"][statistic], rel=1e-11)
    assert found.p_value == pytest.approx(r["p.value"], rel=1e-9)
    if "conf.int" in r:
        assert (found.lower, found.upper) == pytest.approx(tuple(r["conf.int"]), rel=1e-11)


def test_kendall_corrected_for_continuity_is_that_of_r(reference: Any, data: Any) -> None:
    r = reference["cor"]["kendall_continuity"]
    found = correlation(data["growth"], data["score"], "kendall", continuity=True)
    assert found.statistic == pytest.approx(r["statistic"]["z"], rel=1e-11)
    assert found.p_value == pytest.approx(r["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "method"), [("kendall_exact_small", "kendall"), ("spearman_small_exact", "spearman")]
)
def test_correlations_of_few_are_exact_as_in_r(reference: Any, name: str, method: Any) -> None:
    pairs, r = reference["cor"]["kendall_exact_small"], reference["cor"][name]
    found = correlation(pairs["x"], pairs["y"], method)
    assert found.is_exact
    assert found.statistic == next(iter(r["statistic"].values()))
    assert found.estimate == pytest.approx(next(iter(r["estimate"].values())), rel=R_DIGITS)
    assert found.p_value == pytest.approx(r["p.value"], rel=R_DIGITS)


def test_mann_whitney_by_hand() -> None:
    found = mann_whitney([1, 4], [2, 3, 5])
    assert (found.u, found.is_exact) == (2, True)
    assert found.p_value == pytest.approx(0.8, rel=1e-12)


def test_dominance_by_hand() -> None:
    found = dominance_of([1, 4], [2, 3, 5])
    assert found.delta == pytest.approx(-1 / 3)
    assert found.delta == pytest.approx(2 * 2 / 6 - 1)  # the rank-biserial correlation


def test_the_interval_of_dominance_is_cliffs_written_out() -> None:
    a, b = np.array([3, 5, 8, 9, 2.0]), np.array([4, 6, 1, 5.0])
    d = np.sign(np.subtract.outer(a, b))
    n, m, delta = 5, 4, float(d.mean())
    rows, columns = ((d.mean(axis=k) - delta) ** 2 for k in (1, 0))
    cells = ((d - delta) ** 2).sum()
    variance = (m**2 * rows.sum() + n**2 * columns.sum() - cells) / (n * m * (n - 1) * (m - 1))
    z = 1.959963984540054
    half = z * variance**0.5 * ((1 - delta**2) ** 2 + z**2 * variance) ** 0.5
    divisor = 1 - delta**2 + z**2 * variance
    found = dominance_of(a, b)
    assert found.delta == pytest.approx(delta, rel=1e-14)
    assert found.lower == pytest.approx((delta - delta**3 - half) / divisor, rel=1e-12)
    assert found.upper == pytest.approx((delta - delta**3 + half) / divisor, rel=1e-12)


def test_clusters_by_hand() -> None:
    p_value = clustered_p_value([1, 4, 6], [2, 3, 5], ["p", "p", "q"], ["r", "s", "t"])
    z = (1 / 9) / (256 / 729 + 4 / 81) ** 0.5
    assert p_value == pytest.approx(math.erfc(z / 2**0.5), rel=1e-12)
    assert np.isnan(clustered_p_value([1, 4], [2, 3], ["p", "p"], ["r", "s"]))
    with pytest.raises(ValueError, match="one cluster for each value"):
        clustered_p_value([1, 4], [2, 3], ["p"], ["r", "s"])


def test_the_error_with_clusters_is_that_of_whole_patients_drawn_again() -> None:
    """Patients with lesions in both groups; 2,000 bootstrap samples have a standard deviation known
    to 1.6 % (standard error), and the bootstrap's own bias of order 1/60 besides.
    """
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(60), 4)
    is_a = np.tile([True, True, False, False], 60)
    is_a[:40] = True
    value = np.round(rng.normal(size=60)[patient] + rng.normal(size=240) + 0.6 * is_a, 1)

    def delta(rows: np.ndarray) -> float:
        a, b = value[rows][is_a[rows]], value[rows][~is_a[rows]]
        return float(np.sign(np.subtract.outer(a, b)).mean())

    everything = np.arange(240)
    p_value = clustered_p_value(value[is_a], value[~is_a], patient[is_a], patient[~is_a])
    z = -float(ndtri(p_value / 2))
    draws = rng.integers(0, 60, (2000, 60))
    spread = np.std([delta((4 * d[:, None] + np.arange(4)).ravel()) for d in draws])
    assert delta(everything) / z == pytest.approx(spread, rel=0.06)
    alone = clustered_p_value(value[is_a], value[~is_a], everything[is_a], everything[~is_a])
    # One value per cluster: DeLong's variance, from the matrix of signs.
    signs = np.sign(np.subtract.outer(value[is_a], value[~is_a]))
    error = (np.var(signs.mean(1), ddof=1) / is_a.sum()
             + np.var(signs.mean(0), ddof=1) / (~is_a).sum()) ** 0.5  # fmt: skip
    assert alone == pytest.approx(math.erfc(signs.mean() / error / 2**0.5), rel=1e-9)


def test_groups_that_do_not_overlap() -> None:
    found = dominance_of([5, 6, 7, 8, 9], [1, 2, 3, 4])
    z2 = 1.959963984540054**2
    assert (found.delta, found.upper) == (1, 1)
    assert found.lower == pytest.approx((4 - z2) / (4 + z2))
    mirrored = dominance_of([1, 2, 3, 4], [5, 6, 7, 8, 9])
    assert (mirrored.delta, mirrored.lower, mirrored.upper) == (-1, -1, -found.lower)


def test_dominance_holds_its_interval() -> None:
    """Normal samples half a standard deviation apart: delta is 2 Phi(0.5 / sqrt 2) - 1."""
    from scipy.special import ndtr

    truth = 2 * ndtr(0.5 / 2**0.5) - 1
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        found = dominance_of(rng.normal(0.5, 1, 30), rng.normal(0, 1, 40))
        held += found.lower <= truth <= found.upper
    assert held / 400 == pytest.approx(0.95, abs=0.033)  # three standard errors of 400 draws


def test_shift_by_hand() -> None:
    assert shift_between([1, 4], [2, 3, 5]).estimate == -1
    # Two and three values: the least tail is 1/10, above 2.5 %, so there is no interval.
    assert np.isnan(shift_between([1, 4], [2, 3, 5]).lower)
    # Four and four: P(U = 0) = 1/70 < 2.5 % < P(U <= 1) = 2/70: all differences but none.
    found = shift_between([1, 2, 3, 4], [10.1, 20.2, 30.3, 40.4])
    assert (found.lower, found.upper) == pytest.approx((1 - 40.4, 4 - 10.1))


@pytest.mark.parametrize("few_pairs", [4, 40, 1 << 20])
@given(
    a=st.lists(st.integers(-6, 6), min_size=1, max_size=14),
    b=st.lists(st.integers(-6, 6), min_size=1, max_size=14),
    unit=st.sampled_from([1.0, 0.1, 1 / 3]),
)
@settings(max_examples=60, deadline=None)
def test_order_statistics_of_differences_are_those_of_the_whole_list(
    few_pairs: int, a: list[int], b: list[int], unit: float
) -> None:
    x, y = np.sort(a) * unit, np.sort(b) * unit
    whole = np.sort(np.subtract.outer(x, y).ravel())
    kept = effects_module.FEW_PAIRS
    effects_module.FEW_PAIRS = few_pairs
    try:
        found = effects_module.difference_order(x, y, list(range(whole.size)))
    finally:
        effects_module.FEW_PAIRS = kept
    np.testing.assert_allclose(found, whole, atol=1e-12)


def test_the_distribution_of_the_rank_sum_counts_ways() -> None:
    from math import comb

    for n, m in [(1, 1), (2, 3), (4, 5)]:
        ways = np.zeros(n * m + 1)
        for places in {tuple(sorted(p[:n])) for p in permutations(range(n + m))}:
            ways[sum(places) - n * (n - 1) // 2] += 1
        found = effects_module._rank_sum_distribution(n, m)
        np.testing.assert_allclose(found, np.cumsum(ways) / comb(n + m, n), rtol=1e-12)


def test_kruskal_wallis_by_hand() -> None:
    found = kruskal_wallis([1, 2, 3, 4, 5, 6], ["a", "a", "b", "b", "c", "c"])
    # Rank sums 3, 7, 11: 12 / 42 * (9 + 49 + 121) / 2 - 21 = 32 / 7.
    assert found.statistic == pytest.approx(32 / 7)
    assert found.epsilon_squared == pytest.approx(32 / 35)


def test_dunn_by_hand() -> None:
    found = dunn_tests([1, 2, 3, 4, 5, 6], ["a", "a", "b", "b", "c", "c"])
    np.testing.assert_allclose(found.z, np.array([-2, -4, -2]) / 3.5**0.5)


def test_corrections_by_hand_and_missing_p_values() -> None:
    p = [0.01, 0.04, 0.03]
    np.testing.assert_allclose(adjusted(p, "bonferroni"), [0.03, 0.12, 0.09])
    np.testing.assert_allclose(adjusted(p, "holm"), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(adjusted(p, "bh"), [0.03, 0.04, 0.04])
    np.testing.assert_array_equal(adjusted(p, "none"), p)
    np.testing.assert_allclose(adjusted([0.01, np.nan, 0.04]), [0.02, np.nan, 0.08])
    assert adjusted([]).size == 0


@pytest.mark.parametrize("correction", ["bonferroni", "holm", "bh"])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_correction_never_makes_a_p_value_smaller(correction: Any, p: list[float]) -> None:
    assert (adjusted(p, correction) >= p).all()


def test_the_largest_p_value_stays_the_same_to_the_last_bit() -> None:
    """0.9014274576114836 * 6 / 6 is less than it in binary."""
    largest = 0.9014274576114836
    p = [0.1, 0.2, 0.3, 0.4, 0.5, largest]
    assert adjusted(p, "bh")[-1] == largest


def test_spearmans_exact_distribution_is_that_of_all_orders() -> None:
    from udfs.comparisons.correlation import _spearman_distribution

    for n in (2, 3, 5):
        ways = np.zeros((n**3 - n) // 3 + 1)
        for order in permutations(range(n)):
            ways[sum((i - j) ** 2 for i, j in enumerate(order))] += 1
        np.testing.assert_array_equal(_spearman_distribution(n), ways)


@pytest.mark.parametrize(
    ("method", "rho"), [("pearson", 0.5), ("spearman", 0.4826), ("kendall", 1 / 3)]
)
def test_intervals_of_correlations_hold_the_truth(method: Any, rho: float) -> None:
    """Normal pairs of correlation 1/2: Spearman 6/pi asin(1/4), Kendall 2/pi asin(1/2) = 1/3."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        x = rng.normal(size=60)
        y = 0.5 * x + 0.75**0.5 * rng.normal(size=60)
        found = correlation(x, y, method)
        held += found.lower <= rho <= found.upper
    assert held / 400 == pytest.approx(0.95, abs=0.033)


def test_summary_by_hand() -> None:
    found = summarise([6, 1, 2, 4, 3, 5])
    assert (found.n, found.mean, found.minimum, found.maximum) == (6, 3.5, 1, 6)
    assert (found.first_quartile, found.median, found.third_quartile) == (2.25, 3.5, 4.75)
    assert found.sd == pytest.approx(3.5**0.5)
    assert (found.median_lower, found.median_upper) == (1, 6)
    five = summarise([1, 2, 3, 4, 5])
    assert np.isnan(five.median_lower)  # 1/32 in each tail is more than 2.5 %


@pytest.mark.parametrize("n", [7, 20, 101, 5000])
def test_the_interval_of_a_median_has_its_confidence(n: int) -> None:
    """Between the k-th smallest and k-th largest of 1 to n; binomial tails from scipy."""
    from scipy.stats import binom

    found = summarise(np.arange(1, n + 1))
    k = int(found.median_lower)
    assert found.median_upper == n + 1 - k
    assert binom.cdf(k - 1, n, 0.5) <= 0.025 < binom.cdf(k, n, 0.5)


def test_all_equal_or_one_group_has_no_test() -> None:
    assert np.isnan(mann_whitney([2, 2], [2, 2, 2]).p_value)
    assert mann_whitney([2, 2], [2, 2, 2]).u == 3
    assert np.isnan(kruskal_wallis([1, 1, 1], ["a", "b", "c"]).p_value)
    assert np.isnan(kruskal_wallis([1, 2, 3], ["a", "a", "a"]).p_value)
    assert np.isnan(dunn_tests([1, 1, 1], ["a", "b", "c"]).p_value).all()
    assert dunn_tests([1, 2], ["a", "a"]).z.size == 0
    assert np.isnan(correlation([1, 1, 1, 1], [1, 2, 3, 4], "kendall").estimate)
    assert np.isnan(correlation([1, 2], [1, 2], "pearson").estimate)
    assert np.isnan(dominance_of([1], [2, 3]).lower)


def test_a_perfect_correlation() -> None:
    for method in ("pearson", "spearman", "kendall"):
        found = correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10], method)  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(1)
        assert (found.lower, found.upper) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mann_whitney([], [1]), "both need one"),
        (lambda: mann_whitney([np.nan], [1]), "a: row 0 is nan"),
        (lambda: shift_between([1], []), "b is empty"),
        (lambda: kruskal_wallis([1, 2], ["a"]), "1 labels for 2 values"),
        (lambda: dunn_tests([1, 2], ["a"]), "1 labels for 2 values"),
        (lambda: adjusted([0.5], "tukey"), "correction 'tukey'"),  # type: ignore[arg-type]
        (lambda: adjusted([1.5]), "between 0 and 1"),
        (lambda: correlation([1, 2, 3], [1, 2], "pearson"), "y has shape"),
        (lambda: correlation([1], [1], "gamma"), "method 'gamma'"),  # type: ignore[arg-type]
        (lambda: summarise([]), "no value"),
    ],
)
def test_wrong_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
