"""Gower distances against hand calculations and a loop over pairs and variables."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.heterogeneity import Variable, distances, gower_matrix, gower_means, gower_pairs

# Sums of at most ten terms in another order: a few units in the last place.
ROUNDING = 1e-13

NAN = math.nan


def test_two_variables_worked_out_by_hand() -> None:
    matrix = gower_matrix(
        [Variable("size", [10, 20, 40]), Variable("liver", [0, 1, 1], "symmetric")]
    )
    expected = [[0, 2 / 3, 1], [2 / 3, 0, 1 / 3], [1, 1 / 3, 0]]
    np.testing.assert_allclose(matrix, expected, rtol=1e-15)


def test_every_kind_worked_out_by_hand() -> None:
    variables = [
        Variable("size", [10, 20, 50, NAN]),  # range 40
        Variable("rate", [1, 10, 1000, 100], "logratio"),  # logs 0, 1, 3, 2: range 3
        Variable("grade", ["I", "III", "II", None], "ordinal", levels=["I", "II", "III"]),
        Variable("organ", ["liver", "lung", "liver", None], "nominal"),
        Variable("female", [True, False, None, True], "symmetric"),
        Variable("liver", [0, 0, 1, 1], "asymmetric", weight=2),
    ]
    expected = {
        (0, 1): (10 / 40 + 1 / 3 + 1 + 1 + 1) / 5,  # both lack the liver: not counted
        (0, 2): (40 / 40 + 1 + 1 / 2 + 0 + 2) / 6,
        (0, 3): (2 / 3 + 0 + 2) / 4,
        (1, 2): (30 / 40 + 2 / 3 + 1 / 2 + 1 + 2) / 6,
        (1, 3): (1 / 3 + 1 + 2) / 4,
        (2, 3): (1 / 3 + 0) / 3,  # both have the liver: counted, alike
    }
    matrix = gower_matrix(variables)
    for (i, j), distance in expected.items():
        assert matrix[i, j] == pytest.approx(distance, rel=1e-14), (i, j)


def test_five_variables_of_a_patient_with_three_lesions() -> None:
    # Zhou 2021: phases as binaries, nadir and last ratio over the patient's range, always over 5
    variables = [
        Variable("has_response", [1, 1, 0], "symmetric"),
        Variable("has_stable", [1, 1, 1], "symmetric"),
        Variable("has_relapse", [0, 1, 1], "symmetric"),
        Variable("nadir_ratio", [0.5, 0.6, 1.0]),
        Variable("last_ratio", [0.5, 0.8, 1.5]),
    ]
    pairs = gower_pairs(variables, [7, 7, 7])
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(0, 1), (0, 2), (1, 2)]
    expected = [(1 + 0.2 + 0.3) / 5, (2 + 1 + 1) / 5, (1 + 0.8 + 0.7) / 5]
    np.testing.assert_allclose(pairs.distance, expected, rtol=1e-14)
    means = gower_means(pairs, [7, 7, 7])
    np.testing.assert_allclose(means.row_mean, [0.55, 0.40, 0.65], rtol=1e-14)
    assert means.group.tolist() == [7]
    assert means.group_mean[0] == pytest.approx(np.mean(pairs.distance), rel=1e-14)


def test_a_range_of_zero_counts_with_distance_zero() -> None:
    constant = Variable("constant", [5, 5, 5])
    binary = Variable("binary", [0, 1, 0], "symmetric")
    assert gower_matrix([constant, binary])[0].tolist() == [0, 0.5, 0]
    assert gower_matrix([replace(constant, limits=(5, 5)), binary])[0].tolist() == [0, 0.5, 0]


def test_rows_that_nothing_can_compare_have_no_distance() -> None:
    size = Variable("size", [1, NAN, 2, NAN])
    liver = Variable("liver", [1, 0, None, 0], "asymmetric")
    found = gower_matrix([size, liver])
    expected = [[0, 1, 1, 1], [1, 0, NAN, NAN], [1, NAN, 0, NAN], [1, NAN, NAN, 0]]
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(gower_matrix([replace(size, weight=0)])[0, 2])
    assert np.isnan(gower_matrix([Variable("unknown", [NAN, NAN])])[0, 1])


def test_a_least_weight_hides_pairs_with_too_little_in_common() -> None:
    size = Variable("size", [1, 3, NAN])
    liver = Variable("liver", [0, 1, 1], "symmetric", weight=0.5)
    every, some = gower_matrix([size, liver]), gower_matrix([size, liver], least_weight=0.5)
    assert every.tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(some, [[0, 1, NAN], [1, 0, NAN], [NAN, NAN, 0]])


def test_two_presences_match_even_where_no_row_lacks_them() -> None:
    # Gower 1971; R's daisy shifts the constant column to 0 and drops it: 1 instead of 1/2
    liver = Variable("liver", [1, 1], "asymmetric")
    assert gower_matrix([liver, Variable("size", [1, 2])])[0, 1] == 0.5


def test_given_limits_take_the_place_of_the_range_of_the_data() -> None:
    assert gower_matrix([Variable("size", [10, 20], limits=(0, 40))])[0, 1] == 0.25
    rate = Variable("rate", [1, 10], "logratio", limits=(0.1, 1000))
    assert gower_matrix([rate])[0, 1] == pytest.approx(1 / 4, rel=1e-15)


def test_ranks_of_levels_count_absent_levels_and_ranks_of_numbers_do_not() -> None:
    numbers = Variable("grade", [1, 2, 9], "ordinal")
    assert gower_matrix([numbers])[0].tolist() == [0, 0.5, 1]
    levels = replace(numbers, levels=range(1, 10))
    assert gower_matrix([levels])[0].tolist() == [0, 1 / 8, 1]


def test_ranges_and_ranks_are_the_groups_own_or_everyones() -> None:
    size = Variable("size", [1, 3, 0, 10])
    group = [0, 0, 1, 1]
    assert gower_pairs([size], group).distance.tolist() == [1, 1]
    over_all = gower_pairs([size], group, range_over="all")
    np.testing.assert_allclose(over_all.distance, [0.2, 1], rtol=1e-15)
    ranks = Variable("size", [1, 3, 0, 10], "ordinal")
    assert gower_pairs([ranks], group).distance.tolist() == [1, 1]
    over_all = gower_pairs([ranks], group, range_over="all")
    np.testing.assert_allclose(over_all.distance, [1 / 3, 1], rtol=1e-15)


def test_rows_without_a_group_are_in_no_pair_and_no_range() -> None:
    size = Variable("size", [1, 99, 2, 4])
    group = [0, -1, 0, 0]
    for range_over in ("group", "all"):
        pairs = gower_pairs([size], group, range_over=range_over)  # type: ignore[arg-type]
        np.testing.assert_allclose(pairs.distance, [1 / 3, 1, 2 / 3], rtol=1e-15)
    means = gower_means(pairs, group)
    np.testing.assert_allclose(means.row_mean, [2 / 3, NAN, 1 / 2, 5 / 6], rtol=1e-15)
    assert gower_pairs([size], [-1] * 4).distance.size == 0


def test_a_row_alone_in_its_group_has_no_mean_or_the_one_given() -> None:
    size, group = Variable("size", [1, 2, 9, 5]), [4, 4, 6, -1]
    pairs = gower_pairs([size], group)
    none = gower_means(pairs, group)
    np.testing.assert_array_equal(none.row_mean, [1, 1, NAN, NAN])
    np.testing.assert_array_equal(none.group_mean, [1, NAN])
    zero = gower_means(pairs, group, single=0)
    np.testing.assert_array_equal(zero.row_mean, [1, 1, 0, NAN])
    np.testing.assert_array_equal(zero.group_mean, [1, 0])
    assert zero.group.tolist() == [4, 6]
    assert zero.n_rows.tolist() == [2, 1]


def test_means_over_all_count_the_distance_to_itself() -> None:
    """The row means of the whole matrix, its zero diagonal with it: R's rowMeans(as.matrix(d))."""
    sizes = Variable("size", np.array([0.0, 0.2, 1.0, 3.0, 3.5, 9.0]))
    group = [0, 0, 0, 1, 1, 2]
    pairs = gower_pairs([sizes], group)
    means = gower_means(pairs, group, over="all", single=0)
    first = np.abs(np.subtract.outer([0.0, 0.2, 1.0], [0.0, 0.2, 1.0])).mean(axis=1)
    np.testing.assert_allclose(means.row_mean, [*first, 0.5, 0.5, 0], rtol=1e-15)
    np.testing.assert_allclose(means.group_mean, [first.mean(), 0.5, 0], rtol=1e-15)
    others = gower_means(pairs, group)
    np.testing.assert_allclose(means.group_mean[:2], others.group_mean[:2] * [2 / 3, 1 / 2])
    with pytest.raises(ValueError, match="over is 'each'"):
        gower_means(pairs, group, over="each")  # type: ignore[arg-type]


def test_pairs_without_distance_are_left_out_of_means() -> None:
    size = Variable("size", [0, 4, NAN, 1])
    means = gower_means(gower_pairs([size], [0, 0, 0, 0]), [0, 0, 0, 0])
    np.testing.assert_allclose(means.row_mean, [(1 + 0.25) / 2, 1.75 / 2, NAN, 0.5])
    assert means.group_mean[0] == pytest.approx((0.625 + 0.875 + 0.5) / 3)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (Variable("x", [1, 2], "count"), "x: kind 'count' is none of numeric"),  # type: ignore[arg-type]
        (Variable("x", [1, 2], weight=-1), "x: weight -1 must be 0 or more"),
        (Variable("x", [1, 2], weight=NAN), "x: weight nan"),
        (Variable("x", [1, math.inf]), "x: row 1 is infinite"),
        (Variable("x", ["a", "b"]), "x: numeric values must be numbers"),
        (Variable("x", [1, 2, 3]), r"x: shape \(3,\), wanted \(2,\)"),
        (Variable("x", [1, 0], "logratio"), "x: a logratio value must be above 0"),
        (Variable("x", [1, 2], limits=(2, 3)), "x: row 0 lies outside the limits"),
        (Variable("x", [1, 2], limits=(3, 2)), "x: limits .* are no range"),
        (Variable("x", [1, 0], "symmetric", limits=(0, 1)), "x: only numbers have limits"),
        (Variable("x", [0, 2], "symmetric"), "x: row 1 is 2; a binary is 0, 1 or missing"),
        (Variable("x", [0, 2], "asymmetric"), "x: row 1 is 2; a binary is 0, 1 or missing"),
        (Variable("x", ["I", "II"], "ordinal"), "x: ordinal texts need their levels"),
        (Variable("x", ["I", "V"], "ordinal", levels=["I"]), "x: row 1, 'V' is not a level"),
    ],
)
def test_wrong_variables_are_named(variable: Variable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gower_matrix([Variable("right", [1, 2]), variable])
    with pytest.raises(ValueError, match=message):
        gower_pairs([Variable("right", [1, 2]), variable], [0, 0])


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="no variable"):
        gower_matrix([])
    with pytest.raises(ValueError, match="'group' or 'all'"):
        gower_pairs([Variable("x", [1])], [0], range_over="patient")  # type: ignore[arg-type]
    assert gower_matrix([Variable("x", [])]).shape == (0, 0)


def in_a_plain_loop(variables: list[Variable], i: int, j: int, rows: list[int]) -> float:
    """Gower's formula for one pair, variable by variable, with ranges over ``rows``."""
    weighted = weight = 0.0
    for variable in variables:
        values: Any = variable.values
        x, y = values[i], values[j]
        if x is None or y is None:
            continue
        if variable.kind == "asymmetric" and x == 0 and y == 0:
            continue
        if variable.kind in ("nominal", "symmetric", "asymmetric"):
            distance = float(x != y)
        else:
            present = sorted({values[row] for row in rows if values[row] is not None})
            if variable.kind == "ordinal":
                x, y, present = present.index(x), present.index(y), range(len(present))
            elif variable.kind == "logratio":
                x, y, present = math.log(x), math.log(y), [math.log(v) for v in present]
            span = present[-1] - present[0]
            distance = abs(x - y) / span if span else 0.0
        weighted += variable.weight * distance
        weight += variable.weight
    return min(1.0, weighted / weight) if weight else NAN


def values_of(kind: str) -> st.SearchStrategy[Any]:
    if kind == "nominal":
        return st.sampled_from(["liver", "lung", "node"])
    if kind in ("symmetric", "asymmetric"):
        return st.integers(0, 1)
    return st.integers(1, 12) if kind == "logratio" else st.integers(-5, 12)


@st.composite
def mixtures(draw: st.DrawFn) -> list[Variable]:
    n = draw(st.integers(1, 9))
    kinds = ["numeric", "logratio", "ordinal", "nominal", "symmetric", "asymmetric"]
    variables = []
    for place, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))):
        value = st.one_of(st.none(), values_of(kind)) if draw(st.booleans()) else values_of(kind)
        values = draw(st.lists(value, min_size=n, max_size=n))
        weight = draw(st.sampled_from([1.0, 1.0, 0.3, 2.0, 0.0]))
        variables.append(
            Variable(f"v{place}", np.array(values, dtype=object), kind, weight)  # type: ignore[arg-type]
        )
    return variables


def assert_close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


@settings(deadline=None)
@given(mixtures())
def test_matrix_equals_a_plain_loop(variables: list[Variable]) -> None:
    matrix = gower_matrix(variables)
    n = matrix.shape[0]
    expected = [
        [0.0 if i == j else in_a_plain_loop(variables, i, j, list(range(n))) for j in range(n)]
        for i in range(n)
    ]
    assert_close(matrix, expected)


@settings(deadline=None)
@given(mixtures(), st.data(), st.booleans())
def test_groups_equal_a_plain_loop(
    variables: list[Variable], data: st.DataObject, is_within: bool
) -> None:
    n = len(variables[0].values)  # type: ignore[arg-type]
    group = data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n))
    pairs = gower_pairs(variables, group, range_over="group" if is_within else "all")
    grouped = [row for row in range(n) if group[row] >= 0]
    expected = {}
    for i in grouped:
        for j in grouped:
            if i < j and group[i] == group[j]:
                own = [row for row in grouped if group[row] == group[i]]
                expected[i, j] = in_a_plain_loop(variables, i, j, own if is_within else grouped)
    found = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found == sorted(expected, key=lambda pair: (group[pair[0]], pair))
    assert_close(pairs.distance, [expected[pair] for pair in found])

    means = gower_means(pairs, group)
    for row in range(n):
        known = [d for pair, d in expected.items() if row in pair and not math.isnan(d)]
        assert_close(means.row_mean[row], math.fsum(known) / len(known) if known else NAN)
    for g, mean in zip(means.group, means.group_mean, strict=True):
        inside = [d for pair, d in expected.items() if group[pair[0]] == g]
        if inside and not any(math.isnan(d) for d in inside):
            assert_close(mean, math.fsum(inside) / len(inside))


@settings(deadline=None)
@given(mixtures(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(variables: list[Variable], random: Any) -> None:
    n = len(variables[0].values)  # type: ignore[arg-type]
    order = list(range(n))
    random.shuffle(order)
    shuffled = [replace(v, values=np.asarray(v.values)[order]) for v in variables]
    matrix = gower_matrix(variables)
    np.testing.assert_array_equal(gower_matrix(shuffled), matrix[np.ix_(order, order)])


def test_tiles_and_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    variables = [
        Variable("size", np.where(rng.random(50) < 0.1, NAN, rng.normal(size=50))),
        Variable("organ", rng.integers(0, 4, 50), "nominal"),
        Variable("liver", rng.integers(0, 2, 50), "asymmetric"),
    ]
    group = rng.integers(-1, 6, 50)
    matrix, pairs = gower_matrix(variables), gower_pairs(variables, group)
    monkeypatch.setattr(distances, "TILE", 7)
    monkeypatch.setattr(distances, "CHUNK", 5)
    np.testing.assert_array_equal(gower_matrix(variables), matrix)
    np.testing.assert_array_equal(gower_pairs(variables, group).distance, pairs.distance)
