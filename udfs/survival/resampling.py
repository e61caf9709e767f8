"""Cox models of many samples of the same subjects: random subsets, and the bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.survival.checked import FloatArray, IntArray
from udfs.survival.cox import CoxSubjects, fit_rows


@dataclass(frozen=True)
class Resamples:
    """Cox models of b samples. NaN where a sample has no estimate."""

    coefficient: FloatArray
    """(b, p) log hazard ratio per unit of the covariate."""
    standard_error: FloatArray
    """(b, p)"""
    n: IntArray
    """(b,) subjects, those drawn twice counted twice."""
    n_events: IntArray
    """(b,)"""

    @property
    def p_value(self) -> FloatArray:
        """(b, p) two-sided, by Wald's test."""
        from scipy.special import ndtr

        return np.asarray(2 * ndtr(-np.abs(self.coefficient / self.standard_error)))


def subset_rows(n: int, share: float, times: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Rows of random subsets, drawn without replacement; each has round(share * n) rows.

    Raises:
        ValueError: share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share {share} must be above 0 and at most 1")
    size = max(round(share * n), 1)
    for _ in range(times):
        yield np.sort(rng.permutation(n)[:size])


def bootstrap_rows(n: int, times: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Rows of bootstrap samples: n rows drawn with replacement (Efron, Annals of Stat. 1979)."""
    for _ in range(times):
        yield np.sort(rng.integers(0, n, n))


def cox_of_samples(
    subjects: CoxSubjects, samples: Iterable[IntArray], *, start: ArrayLike
) -> Resamples:
    """Stratified Cox models, one per sample.

    Args:
        subjects: all subjects.
        samples: rows of ``subjects`` in their sorted order, ascending; see ``subset_rows`` and
            ``bootstrap_rows``.
        start: (p,) log hazard ratios to start from, best those of all subjects.
    """
    first = np.asarray(start, dtype=np.float64)
    models = [fit_rows(subjects, rows, first, with_null=False) for rows in samples]
    p = first.size
    return Resamples(
        coefficient=np.array([m.coefficient for m in models]).reshape(-1, p),
        standard_error=np.array([m.standard_error for m in models]).reshape(-1, p),
        n=np.asarray([m.n for m in models], dtype=np.int64),
        n_events=np.asarray([m.n_events for m in models], dtype=np.int64),
    )
