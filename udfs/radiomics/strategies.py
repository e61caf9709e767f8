"""Which lesions of a patient are looked at: strategies, and the subsets that each may choose.

A strategy is a few words: ``random 2``, ``random per_site 3``, ``largest 5 per_site 2 without
bone``, ``target``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import Literal

import numpy as np

from udfs.radiomics.variation import BoolArray, FloatArray, IntArray

Order = Literal["random", "largest", "smallest", "target", "all"]
ORDERS = ("random", "largest", "smallest", "target", "all")

PUBLISHED = (
    "random 1",
    "random 2",
    "random 3",
    "random per_site 2",
    "random per_site 3",
    "random per_site 2 without bone",
)
"""The six strategies of Henry 2022; the last is its RECIST-like one."""


@dataclass(frozen=True)
class Strategy:
    """How lesions are chosen: in an order, at most so many in all and per site."""

    name: str
    order: str
    most: int | None = None
    per_site: int | None = None
    without: tuple[str, ...] = ()

    @property
    def is_random(self) -> bool:
        return self.order == "random"


@dataclass(frozen=True)
class Lesions:
    """A patient's n lesions."""

    site: tuple[str, ...]
    """(n,) organ."""
    size: FloatArray
    """(n,) any measure of size; NaN where not known."""
    is_target: BoolArray
    """(n,) measured as a target lesion."""


@dataclass(frozen=True)
class Subsets:
    """s subsets of k lesions each, all equally probable."""

    rows: IntArray
    """(s, k) lesions, ascending in each row."""
    is_exact: bool
    """Every subset that the strategy may choose, as often as it is chosen; else a random sample."""


class UnknownStrategyError(ValueError):
    """The words name no strategy."""


def parse_strategy(text: str) -> Strategy:
    """A strategy from its words: ORDER [N] [per_site M] [without SITE ...].

    Raises:
        UnknownStrategyError: says what is wrong, and how one is written.
    """
    words = text.split()
    name = " ".join(words)
    pattern = r"(\w+)(?: (\d+))?(?: per_site (\d+))?(?: without ([\w ]+))?"
    found = re.fullmatch(pattern, name)
    if found is None or found[1] not in ORDERS:
        raise UnknownStrategyError(
            f"{text!r} is no sampling strategy. One is written: random, largest, smallest, target "
            "or all; how many lesions; per_site and how many of each; without and organs. For "
            "example 'random 2', 'random per_site 3', 'largest 5 per_site 2 without bone'."
        )
    order, most, per_site, without = found.groups()
    limits = [int(number) for number in (most, per_site) if number is not None]
    if order in ("random", "largest", "smallest") and not limits:
        raise UnknownStrategyError(f"{text!r} does not say how many lesions: '{order} 2', say.")
    if any(limit < 1 for limit in limits):
        raise UnknownStrategyError(f"{text!r} chooses no lesion: say at least 1.")
    return Strategy(
        name=name,
        order=order,
        most=int(most) if most else None,
        per_site=int(per_site) if per_site else None,
        without=tuple(without.split()) if without else (),
    )


def parse_strategies(text: str) -> tuple[Strategy, ...]:
    """Strategies with commas between; each once.

    Raises:
        UnknownStrategyError: see ``parse_strategy``.
    """
    found = dict.fromkeys(" ".join(part.split()) for part in text.split(",") if part.strip())
    return tuple(parse_strategy(name) for name in found)


def choose(
    strategy: Strategy,
    lesions: Lesions,
    *,
    simulations: int,
    most_exact: int,
    rng: Callable[[], np.random.Generator],
) -> Subsets | None:
    """The subsets that a strategy chooses from a patient's lesions.

    Random strategies with a limit per site draw that many of each site first, and where there is a
    limit in all, that many of those drawn. They are enumerated where there are no more than
    ``most_exact`` outcomes, all equally probable. Other orders have one outcome; of lesions of one
    size the first goes first.

    Args:
        strategy: how lesions are chosen.
        lesions: the patient's.
        simulations: subsets drawn where there are too many to enumerate.
        most_exact: outcomes up to which all are enumerated.
        rng: makes the random numbers of this patient and strategy; called where they are needed.

    Returns:
        None where the order needs what is not known: sizes, or target lesions.
    """
    if strategy.is_random:
        outcomes = number_of_outcomes(strategy, lesions.site)
        if outcomes <= most_exact:
            return enumerated(strategy, _pattern(strategy, lesions.site))
        return Subsets(_drawn(strategy, lesions.site, simulations, rng()), is_exact=False)
    eligible = _eligible(strategy, lesions.site)
    if strategy.order == "target":
        if not lesions.is_target.any():
            return None
        eligible = eligible[lesions.is_target[eligible]]
    elif strategy.order in ("largest", "smallest"):
        if np.isnan(lesions.size).any():
            return None
        sign = -1 if strategy.order == "largest" else 1
        eligible = eligible[np.argsort(sign * lesions.size[eligible], kind="stable")]
    chosen: list[int] = []
    count: dict[str, int] = {}
    for row in eligible:
        site = lesions.site[row]
        if strategy.per_site is not None and count.get(site, 0) >= strategy.per_site:
            continue
        if strategy.most is not None and len(chosen) >= strategy.most:
            break
        count[site] = count.get(site, 0) + 1
        chosen.append(int(row))
    return Subsets(np.sort(np.asarray([chosen], dtype=np.int64), axis=1), is_exact=True)


def number_of_outcomes(strategy: Strategy, site: Sequence[str]) -> int:
    """Equally probable outcomes of a random strategy."""
    groups = _groups(strategy, site)
    total = math.prod(math.comb(len(rows), kept) for rows, kept in groups)
    drawn = sum(kept for _, kept in groups)
    return total * (math.comb(drawn, min(strategy.most, drawn)) if strategy.most else 1)


def _pattern(strategy: Strategy, site: tuple[str, ...]) -> tuple[str, ...]:
    """Sites by the order in which they appear, so that patients with as many lesions of each share
    their subsets; those that the strategy leaves out keep their names.
    """
    if strategy.per_site is None and not strategy.without:
        return ("",) * len(site)
    names: dict[str, str] = {}
    return tuple(
        name if name in strategy.without else names.setdefault(name, str(len(names)))
        for name in site
    )


@lru_cache(maxsize=16384)
def enumerated(strategy: Strategy, site: tuple[str, ...]) -> Subsets:
    """Every outcome of a random strategy, each as often as it may come about."""
    groups = _groups(strategy, site)
    rows = []
    for parts in product(*(combinations(members, kept) for members, kept in groups)):
        drawn = sorted(row for part in parts for row in part)
        most = min(strategy.most, len(drawn)) if strategy.most else len(drawn)
        rows += list(combinations(drawn, most))
    found = np.asarray(rows, dtype=np.int64).reshape(len(rows), -1)
    found.setflags(write=False)
    return Subsets(found, is_exact=True)


def random_orders(n: int, k: int, times: int, rng: np.random.Generator) -> IntArray:
    """(times, k) the first k of n lesions in random orders."""
    keys = rng.random((times, n))
    if k < n:
        first = np.argpartition(keys, k, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(keys, first, axis=1), axis=1)
        return np.take_along_axis(first, order, axis=1)
    return np.argsort(keys, axis=1)


def _eligible(strategy: Strategy, site: Sequence[str]) -> IntArray:
    return np.asarray([i for i, name in enumerate(site) if name not in strategy.without], np.int64)


def _groups(strategy: Strategy, site: Sequence[str]) -> list[tuple[list[int], int]]:
    """Lesions that are drawn from together, with how many: each site, or all."""
    eligible = _eligible(strategy, site).tolist()
    if strategy.per_site is None:
        assert strategy.most is not None
        return [(eligible, min(strategy.most, len(eligible)))]
    by_site: dict[str, list[int]] = {}
    for row in eligible:
        by_site.setdefault(site[row], []).append(row)
    return [(rows, min(strategy.per_site, len(rows))) for rows in by_site.values()]


def _drawn(
    strategy: Strategy, site: Sequence[str], times: int, rng: np.random.Generator
) -> IntArray:
    """(times, k) random outcomes."""
    groups = _groups(strategy, site)
    if strategy.per_site is None:
        rows, kept = groups[0]
        picked = np.asarray(rows)[random_orders(len(rows), kept, times, rng)]
    else:
        picked = np.concatenate(
            [np.asarray(rows)[random_orders(len(rows), kept, times, rng)] for rows, kept in groups],
            axis=1,
        )
        if strategy.most is not None and strategy.most < picked.shape[1]:
            order = random_orders(picked.shape[1], strategy.most, times, rng)
            picked = np.take_along_axis(picked, order, axis=1)
    return np.sort(picked, axis=1)
