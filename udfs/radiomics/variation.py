"""How much a feature varies between lesions: the absolute coefficient of variation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CENTRED = 1e-6
"""Mean over standard deviation below which a column was centred: nothing measured comes so near."""
STANDARD_MEAN, STANDARD_SD = 0.01, 0.02
"""A z-scored column has mean 0 and standard deviation 1; rounding moves them by less than this."""

CENTRED_REASON = "standardised: mean 0"
NEGATIVE_REASON = "standardised: negative, though what it measures cannot be"


class StandardisedFeatureError(ValueError):
    """A coefficient of variation was asked of a feature whose mean says nothing."""


@dataclass(frozen=True)
class Variation:
    """Variation of c groups."""

    group: IntArray
    """(c,) the groups' numbers, ascending."""
    n: IntArray
    """(c,) lesions with a value."""
    mean: FloatArray
    """(c,) mean; NaN without a value."""
    sd: FloatArray
    """(c,) standard deviation, divisor n - 1; NaN for fewer than two values."""
    cv_abs: FloatArray
    """(c,) sd / abs(mean), 1 = 100 %; NaN for fewer than two values or a mean of 0."""


def standardised(values: ArrayLike, *, is_nonnegative: bool = False) -> str | None:
    """Why a column of a feature table is no measurement any more but a z-score; None where it is.

    A column counts as standardised where its mean is 0 (less than 1e-6 standard deviations), where
    its mean is within 0.01 of 0 and its standard deviation within 0.02 of 1, or where it is
    negative although it measures what cannot be (a volume, say): so are parts of standardised
    tables found too.

    Args:
        values: (n,) the feature in all lesions of the table; NaN is left out.
        is_nonnegative: the feature cannot be negative by its definition.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    if x.size > 1 and np.ptp(x) > 0:
        mean, sd = abs(float(x.mean())), float(x.std())
        is_standard = mean <= STANDARD_MEAN and abs(sd - 1) <= STANDARD_SD
        if mean <= CENTRED * sd or is_standard:
            return CENTRED_REASON
    return NEGATIVE_REASON if is_nonnegative and (x < 0).any() else None


def coefficient_of_variation(values: ArrayLike, *, name: str = "the feature") -> float:
    """abs(sd / mean) of one group of values, divisor n - 1.

    Hand-worked: 1, 2, 3, 4, 5 have mean 3 and sd sqrt(10 / 4), so 0.527.

    Raises:
        ValueError: fewer than two values.
        StandardisedFeatureError: the values are standardised.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    if x.size < 2:
        raise ValueError(f"{name}: {x.size} values; a coefficient of variation needs two")
    refuse_standardised(x, name=name)
    found = variation_within(x, np.zeros(x.size, dtype=np.int64))
    return float(found.cv_abs[0])


def refuse_standardised(
    values: ArrayLike, *, name: str = "the feature", is_nonnegative: bool = False
) -> None:
    """Raises where a coefficient of variation would mean nothing.

    Raises:
        StandardisedFeatureError: says which feature, what gave it away, and what to do.
    """
    reason = standardised(values, is_nonnegative=is_nonnegative)
    if reason is not None:
        x = np.asarray(values, dtype=np.float64)
        raise StandardisedFeatureError(
            f"{name} has no coefficient of variation: it is {reason} (mean {np.nanmean(x):.3g}, "
            f"standard deviation {np.nanstd(x):.3g}), and sd over a mean of 0 is no variation but "
            "a division by 0. Load the features as they were extracted, before standardising."
        )


def variation_within(values: ArrayLike, group: ArrayLike) -> Variation:
    """Variation of the values of each group, all groups at once.

    Standardised columns are the caller's to refuse, over the whole table: see ``standardised``.

    Args:
        values: (n,) a feature; NaN is left out.
        group: (n,) each value's group as a number from 0; -1 is left out.

    Raises:
        ValueError: the two differ in length.
    """
    x, groups = np.asarray(values, dtype=np.float64), np.asarray(group, dtype=np.int64)
    if x.shape != groups.shape or x.ndim != 1:
        raise ValueError(f"{x.shape} values in {groups.shape} groups: both must be (n,)")
    names = np.unique(groups[groups >= 0])
    counts = ~np.isnan(x) & (groups >= 0)
    place = np.searchsorted(names, groups[counts])
    x = x[counts]
    n = np.bincount(place, minlength=names.size)
    mean = _ratio(np.bincount(place, x, names.size), n, n > 0)
    squares = np.bincount(place, (x - mean[place]) ** 2, names.size)
    sd = np.sqrt(_ratio(squares, n - 1, n > 1))
    cv = _ratio(sd, np.abs(mean), (n > 1) & (mean != 0))
    return Variation(names, n, mean, sd, cv)


def _ratio(above: NDArray[Any], below: NDArray[Any], known: BoolArray) -> FloatArray:
    return np.divide(above, below, out=np.full(known.size, np.nan), where=known)


MAY_BE_NEGATIVE = frozenset(
    {
        *("imc1", "clustershade", "correlation", "mcc"),
        *("mean", "median", "minimum", "maximum", "10percentile", "90percentile"),
        *("skewness", "kurtosis"),
        *("skew", "kurt", "min", "max", "p10", "p90", "cov", "qcod", "i", "shade", "corr", "corr1"),
    }
)
"""Ends of the names of pyradiomics' and MIRP's features that a measurement may make negative."""
LENGTHS = frozenset({"mm", "mm2", "mm3", "cm", "cm2", "cm3", "mL", "1/mm"})


def is_nonnegative(feature: str, feature_class: str, unit: str | None) -> bool:
    """Whether a feature cannot be negative, by its unit or by pyradiomics' definition of it."""
    if unit in LENGTHS:
        return True
    name = feature.rpartition("_")[2].casefold()
    return feature_class != "other" and name != feature.casefold() and name not in MAY_BE_NEGATIVE
