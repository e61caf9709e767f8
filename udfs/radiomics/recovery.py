"""How much of a patient's heterogeneity a sample of the lesions shows.

Two definitions. ``pairs``: the index of the sample is the mean (or greatest) distance over its
pairs i < j, as the index of all lesions is; a random sample then recovers 100 % of the average on
average, and only its scatter tells it from the whole. ``published``: the mean over the sample's
full k x k matrix with its zero diagonal, which is (k - 1) / k of that: what Henry 2022 must have
computed, since its 48 % and 67 % for two and three random lesions are 1/2 and 2/3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from udfs.radiomics.variation import FloatArray, IntArray

Definition = Literal["pairs", "published"]
Scope = Literal["pooled", "within_site"]
DEFINITIONS: tuple[Definition, ...] = ("pairs", "published")
SCOPES: tuple[Scope, ...] = ("pooled", "within_site")
INDEXES = ("average", "maximum")
CHUNK = 1 << 22
"""Distances gathered at a time."""


@dataclass(frozen=True)
class Recovered:
    """Shares of the indices of p patients that s subsets show."""

    average: FloatArray
    """(p, s) share of the average tumoral heterogeneity; NaN where that is 0."""
    maximum: FloatArray
    """(p, s) share of the maximal tumoral divergence; NaN where that is 0."""


@dataclass(frozen=True)
class Spread:
    """A share over the subsets of each of p patients."""

    mean: FloatArray
    lower: FloatArray
    """2.5 % quantile for a confidence of 0.95."""
    upper: FloatArray
    standard_error: FloatArray
    """Monte Carlo error of the mean; 0 where all subsets were enumerated."""


def recovered(
    distance: ArrayLike,
    rows: ArrayLike,
    site: ArrayLike,
    *,
    scopes: Sequence[Scope] = ("pooled",),
) -> dict[tuple[Definition, Scope], Recovered]:
    """Shares of both indices that each subset recovers, of the indices over all pairs of lesions.

    A subset of fewer than two lesions has no pair and recovers 0. ``within_site`` looks only at
    pairs of lesions of one site: under ``pairs`` at all such pairs together; under ``published`` at
    each site by itself (its full matrix; 0 for one lesion), then at the mean over the sites.

    Hand-worked: distances 0.2 (1, 2), 0.4 (1, 3), 0.9 (2, 3), so indices 0.5 and 0.9. The subset
    (1, 3) recovers 0.4 / 0.5 = 0.8 of the average by pairs, half of it as published, and 0.4 / 0.9
    of the maximum.

    Args:
        distance: (p, m) distances of the pairs i < j of n lesions each of p patients.
        rows: (s, k) subsets, the same for all patients, or (p, s, k).
        site: (n,) or (p, n) organ of each lesion, as a number from 0.
        scopes: pooled (all pairs of the subset) and within_site, or one of them.

    Returns:
        For each definition and scope.

    Raises:
        ValueError: m is not n (n - 1) / 2, or an unknown scope.
    """
    d = np.atleast_2d(np.asarray(distance, dtype=np.float64))
    codes = np.atleast_2d(np.asarray(site, dtype=np.int64))
    chosen = np.asarray(rows, dtype=np.int64)
    chosen = chosen[None] if chosen.ndim == 2 else chosen
    n = codes.shape[1]
    if d.shape[1] != n * (n - 1) // 2 or not set(scopes) <= set(SCOPES):
        raise ValueError(f"{d.shape[1]} distances for {n} lesions, or scopes {tuple(scopes)}")
    s, k = chosen.shape[1:]
    pairs = max(1, k * (k - 1) // 2)
    step = max(1, CHUNK // max(1, s * pairs))
    parts = [
        _indices(d[i : i + step], _part(chosen, i, step), _part(codes, i, step), scopes)
        for i in range(0, d.shape[0], step)
    ]
    keys = [(definition, scope) for scope in scopes for definition in DEFINITIONS]
    whole = d.mean(axis=1), d.max(axis=1)
    return {
        key: Recovered(
            *(
                _share(np.concatenate([part[key][i] for part in parts]), whole[i][:, None])
                for i in (0, 1)
            )
        )
        for key in keys
    }


def spread_of(share: FloatArray, *, is_exact: bool, confidence: float = 0.95) -> Spread:
    """Mean and quantiles of (p, s) shares over their s equally probable subsets.

    A quantile is the least share that at least so many subsets do not exceed (R's type 1): of 120
    the third for 2.5 %, although 120 (1 - 0.95) / 2 is a little more than 3 in floating point.
    """
    s = share.shape[1]
    ordered = np.sort(share, axis=1)
    tail = (1 - confidence) / 2
    lower, upper = (
        ordered[:, max(math.ceil(wanted * s - 1e-9 * s), 1) - 1] for wanted in (tail, 1 - tail)
    )
    error = np.zeros(share.shape[0])
    if not is_exact and s > 1:
        error = share.std(axis=1, ddof=1) / np.sqrt(s)
    return Spread(share.mean(axis=1), lower, upper, error)


def least_lesions(number: Sequence[int], share: Sequence[float], wanted: float) -> int | None:
    """The least number of lesions from which on a share stays at or above ``wanted``.

    Hand-worked: shares 0.5, 0.8, 0.7, 0.9 of 2 to 5 lesions and 0.75 wanted: 5, since 4 fall short.

    Returns:
        None where it does not.
    """
    needed = None
    for k, value in sorted(zip(number, share, strict=True), reverse=True):
        if not value >= wanted - 1e-12:
            break
        needed = k
    return needed


def pair_position(i: IntArray, j: IntArray, n: int) -> IntArray:
    """Position of the pair i < j among the pairs (0, 1), (0, 2), ..., (n - 2, n - 1)."""
    return np.asarray(n * i - i * (i + 1) // 2 + j - i - 1)


_Pair = tuple[FloatArray, FloatArray]


def _part(values: IntArray, begin: int, step: int) -> IntArray:
    """Rows of some patients; what all share is not cut."""
    return values if values.shape[0] == 1 else values[begin : begin + step]


def _indices(
    d: FloatArray, rows: IntArray, codes: IntArray, scopes: Sequence[Scope]
) -> dict[tuple[Definition, Scope], _Pair]:
    """Average and greatest distance of each patient and subset, by definition and scope."""
    shape = (d.shape[0], rows.shape[1])
    k, n = rows.shape[2], codes.shape[1]
    if k < 2:
        nothing = np.zeros(shape)
        return {(name, scope): (nothing, nothing) for name in DEFINITIONS for scope in scopes}
    first, second = np.triu_indices(k, 1)
    position = pair_position(rows[..., first], rows[..., second], n)
    gathered = d[np.arange(d.shape[0])[:, None, None], position]
    found: dict[tuple[Definition, Scope], _Pair] = {}
    if "pooled" in scopes:
        total, greatest = gathered.sum(axis=2), gathered.max(axis=2)
        found["pairs", "pooled"] = (total / first.size, greatest)
        found["published", "pooled"] = (2 * total / k**2, greatest)
    if "within_site" in scopes:
        patient = np.arange(max(rows.shape[0], codes.shape[0]))[:, None, None]
        sites = codes[patient % codes.shape[0], rows]
        for definition in DEFINITIONS:
            value = _within_site(gathered, sites, first, second, definition)
            found[definition, "within_site"] = value
    return found


def _within_site(
    gathered: FloatArray, sites: IntArray, first: IntArray, second: IntArray, definition: Definition
) -> _Pair:
    """Over the pairs of lesions of one site; a subset's number of lesions of a site may vary."""
    is_same = sites[..., first] == sites[..., second]
    same = np.where(is_same, gathered, 0.0)
    if definition == "pairs":
        n_pairs = np.maximum(is_same.sum(axis=2), 1)
        return same.sum(axis=2) / n_pairs, same.max(axis=2)
    mean, greatest = np.zeros(same.shape[:2]), np.zeros(same.shape[:2])
    n_sites = np.zeros(sites.shape[:2])
    for code in range(int(sites.max()) + 1):
        count = (sites == code).sum(axis=2)
        own = np.where(sites[..., first] == code, same, 0.0)
        mean += 2 * own.sum(axis=2) / np.maximum(count, 1) ** 2
        greatest += own.max(axis=2)
        n_sites = n_sites + (count > 0)
    return mean / n_sites, greatest / n_sites


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def share_missed(has_finding: ArrayLike, rows: ArrayLike) -> FloatArray:
    """(p,) share of the subsets in which no lesion has a finding that some lesion has.

    Hand-worked: only the first of three lesions relapsed; of the subsets (1, 2), (1, 3), (2, 3) one
    misses it: 1/3.

    Args:
        has_finding: (p, n) of each patient's lesions.
        rows: (s, k) subsets, the same for all patients, or (p, s, k).

    Returns:
        NaN where no lesion has the finding.
    """
    flags = np.atleast_2d(np.asarray(has_finding, dtype=bool))
    chosen = np.asarray(rows, dtype=np.int64)
    chosen = chosen[None] if chosen.ndim == 2 else chosen
    found = flags[np.arange(flags.shape[0])[:, None, None], chosen].any(axis=2)
    return np.where(flags.any(axis=1), (~found).mean(axis=1), np.nan)


def share_alike(has_finding: ArrayLike, rows: ArrayLike) -> FloatArray:
    """(p,) share of the subsets whose lesions all have a finding, or all lack it, where not all of
    the patient's lesions are alike.

    Hand-worked: only the first of three lesions responded; of (1, 2), (1, 3), (2, 3) the last looks
    alike: 1/3.

    Args:
        has_finding, rows: as for ``share_missed``.

    Returns:
        NaN where all lesions have the finding, or none has.
    """
    flags = np.atleast_2d(np.asarray(has_finding, dtype=bool))
    chosen = np.asarray(rows, dtype=np.int64)
    chosen = chosen[None] if chosen.ndim == 2 else chosen
    of_subset = flags[np.arange(flags.shape[0])[:, None, None], chosen]
    is_alike = of_subset.all(axis=2) | ~of_subset.any(axis=2)
    is_mixed = flags.any(axis=1) & ~flags.all(axis=1)
    return np.where(is_mixed, is_alike.mean(axis=1), np.nan)
