"""Which lesions a strategy chooses: by hand, and by simulation of its definition."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from udfs.radiomics.strategies import (
    PUBLISHED,
    Lesions,
    UnknownStrategyError,
    choose,
    number_of_outcomes,
    parse_strategies,
    parse_strategy,
    random_orders,
)

SITE = ("liver", "liver", "liver", "lung", "bone", "bone")
SIZE = np.array([30.0, 50, 50, 10, 80, 5])


def lesions(**changes: object) -> Lesions:
    given = {"site": SITE, "size": SIZE, "is_target": np.array([1, 0, 1, 0, 0, 1], bool), **changes}
    return Lesions(**given)  # type: ignore[arg-type]


def chosen(text: str, of: Lesions | None = None, most_exact: int = 500, times: int = 500) -> Any:
    return choose(
        parse_strategy(text),
        of or lesions(),
        simulations=times,
        most_exact=most_exact,
        rng=lambda: np.random.default_rng(4),
    )


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("largest 1", [4]),
        ("largest 3", [1, 2, 4]),
        ("largest 2 per_site 1", [1, 4]),
        ("largest 5 per_site 2 without bone", [1, 2, 3]),
        ("smallest 2", [3, 5]),
        ("smallest 3 per_site 1", [0, 3, 5]),
        ("target", [0, 2, 5]),
        ("target 2", [0, 2]),
        ("all without bone", [0, 1, 2, 3]),
        ("largest 9", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_fixed_orders_by_hand(text: str, rows: list[int]) -> None:
    """Of two lesions of 50 mm the first goes first."""
    found = chosen(text)
    assert found.rows.tolist() == [rows]
    assert found.is_exact


def test_random_subsets_are_all_combinations() -> None:
    found = chosen("random 2")
    assert [tuple(row) for row in found.rows.tolist()] == list(combinations(range(6), 2))


def test_per_site_by_hand() -> None:
    """Two of three livers, the lung, both bones: 3 outcomes; without bone two lesions fewer."""
    assert chosen("random per_site 2").rows.tolist() == [
        [0, 1, 3, 4, 5], [0, 2, 3, 4, 5], [1, 2, 3, 4, 5],
    ]  # fmt: skip
    assert chosen("random per_site 2 without bone").rows.tolist() == [
        [0, 1, 3], [0, 2, 3], [1, 2, 3],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["random 3", "random per_site 1", "random 2 per_site 1", "random 3 per_site 2"]
)
def test_drawn_subsets_are_as_frequent_as_enumerated_ones(text: str) -> None:
    exact = Counter(map(tuple, chosen(text).rows.tolist()))
    n = 20_000
    drawn = Counter(map(tuple, chosen(text, most_exact=0, times=n).rows.tolist()))
    assert set(drawn) == set(exact)
    for rows, count in exact.items():
        p = count / exact.total()
        # Four binomial errors: one of some forty frequencies beyond it in 400 runs.
        assert drawn[rows] / n == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n))


@pytest.mark.parametrize("text", [*PUBLISHED, "random 3 per_site 1", "random 2 without lung bone"])
def test_outcomes_are_counted_as_they_are_listed(text: str) -> None:
    strategy = parse_strategy(text)
    assert number_of_outcomes(strategy, SITE) == len(chosen(text, most_exact=10**6).rows)


def test_nothing_is_left_to_choose() -> None:
    found = chosen("random per_site 2 without liver lung bone")
    assert found.rows.shape == (1, 0)


def test_what_is_not_known_cannot_be_ordered_by() -> None:
    unknown = lesions(size=np.array([1, 2, np.nan, 4, 5, 6]), is_target=np.zeros(6, bool))
    assert chosen("largest 2", unknown) is None
    assert chosen("target", unknown) is None
    assert chosen("random 2", unknown) is not None


def test_random_orders_are_nested_and_uniform() -> None:
    rng = np.random.default_rng(0)
    orders = random_orders(5, 3, 30_000, rng)
    assert (np.sort(orders, axis=1)[:, 1:] != np.sort(orders, axis=1)[:, :-1]).all()
    first = np.bincount(orders[:, 0], minlength=5) / 30_000
    third = np.bincount(orders[:, 2], minlength=5) / 30_000
    np.testing.assert_allclose([first, third], 0.2, atol=4 * np.sqrt(0.16 / 30_000))


def test_strategies_are_read_once_each() -> None:
    names = [found.name for found in parse_strategies("random 2,  largest   5, random 2 ,")]
    assert names == ["random 2", "largest 5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rendom 2", "no sampling strategy"),
        ("random", "does not say how many"),
        ("largest without bone", "does not say how many"),
        ("random 0", "chooses no lesion"),
        ("random two", "no sampling strategy"),
    ],
)
def test_other_words_are_refused_with_examples(text: str, message: str) -> None:
    with pytest.raises(UnknownStrategyError, match=message):
        parse_strategy(text)
