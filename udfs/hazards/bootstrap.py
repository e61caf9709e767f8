"""Patients drawn with replacement, so that what two models share in error can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from udfs.hazards.arrays import FloatArray, IntArray
from udfs.hazards.data import CoxData
from udfs.hazards.design import Design
from udfs.hazards.errors import HazardDataError
from udfs.hazards.estimate import estimate
from udfs.hazards.inference import options_of
from udfs.hazards.problem import prepare
from udfs.hazards.result import CoxFit
from udfs.threads import single_blas_thread


@dataclass(frozen=True)
class Bootstrap:
    """B replicates of several models fitted to the same drawn patients."""

    coefficient: tuple[FloatArray, ...]
    """Of each model: (B, p); NaN where the replicate's patients cannot tell it (a level without
    events among them)."""
    variance: FloatArray
    """(B, n_models) of the random effect."""

    def covariance(self, first: int = 0, second: int = 0) -> FloatArray:
        """(p_first, p_second) covariance of two models' coefficients (or of one's) over the
        replicates that have both."""
        x, y = self.coefficient[first], self.coefficient[second]
        result = np.full((x.shape[1], y.shape[1]), np.nan)
        for i in range(x.shape[1]):
            for j in range(y.shape[1]):
                both = np.isfinite(x[:, i]) & np.isfinite(y[:, j])
                if both.sum() > 2:
                    result[i, j] = np.cov(x[both, i], y[both, j])[0, 1]
        return result


@single_blas_thread
def patient_bootstrap(
    data: Sequence[CoxData],
    fits: Sequence[CoxFit],
    *,
    n_replicates: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Bootstrap:
    """Fit models again to patients drawn with replacement, the same draw for all of them.

    A patient drawn twice counts as two. Replicate k is drawn from a generator of its own, so it
    does not depend on how many there are.

    Args:
        data: of each model, with groups; their labels say which patients are the same.
        fits: of each model, whose options and variance are used.
        n_replicates: B.
        seed: of the draws.
        progress: called with the number done and B.

    Raises:
        ValueError: a data set has no groups, or there are not as many fits as data sets.
    """
    if len(data) != len(fits):
        raise ValueError(f"{len(data)} data sets but {len(fits)} fits")
    if any(d.group is None for d in data):
        raise ValueError("every data set needs its groups: they are what is drawn")
    everyone = np.unique(np.concatenate([np.asarray(d.group) for d in data]))
    members = [_members(d, everyone) for d in data]
    coefficient = [np.full((n_replicates, len(fit.columns)), np.nan) for fit in fits]
    variance = np.full((n_replicates, len(fits)), np.nan)
    for k, child in enumerate(np.random.SeedSequence(seed).spawn(n_replicates)):
        drawn = np.random.default_rng(child).integers(0, len(everyone), len(everyone))
        for m, (one, fit) in enumerate(zip(data, fits, strict=True)):
            coefficient[m][k], variance[k, m] = _refit(_drawn(one, members[m], drawn), fit)
        if progress is not None:
            progress(k + 1, n_replicates)
    return Bootstrap(tuple(coefficient), variance)


def _members(data: CoxData, everyone: np.ndarray) -> tuple[IntArray, IntArray]:
    """Rows sorted by patient, and where each patient's begin."""
    patient = np.searchsorted(everyone, np.asarray(data.group))
    order = np.argsort(patient, kind="stable")
    return order, np.searchsorted(patient[order], np.arange(len(everyone) + 1))


def _drawn(data: CoxData, members: tuple[IntArray, IntArray], drawn: IntArray) -> CoxData:
    order, starts = members
    sizes = starts[drawn + 1] - starts[drawn]
    group = np.repeat(np.arange(len(drawn)), sizes)
    ends = np.cumsum(sizes)
    rows = order[np.arange(int(ends[-1])) - np.repeat(ends - sizes - starts[drawn], sizes)]
    return replace(data.rows(rows), group=group)


def _refit(data: CoxData, fit: CoxFit) -> tuple[FloatArray, float]:
    """Coefficients in the fit's order, and the variance."""
    result = np.full(len(fit.columns), np.nan)
    try:
        kept, place = _without_empty_levels(data)
        problem = prepare(kept, fit.ties)
        found = estimate(problem, options_of(fit), near=fit.variance or None)
    except HazardDataError:
        return result, np.nan
    b = found.fixed.b if found.best is None else found.best.b
    result[place] = b / problem.columns.scale
    return result, found.variance


def _without_empty_levels(data: CoxData) -> tuple[CoxData, IntArray]:
    """The data without the rows of levels that have no event, and where its columns were."""
    keep = np.ones(data.n_rows, dtype=bool)
    place: list[int] = []
    recoded = []
    for term in data.design.terms:
        start = data.design.slices[term.name].start
        if term.codes is None:
            place += range(start, start + len(term.labels))
            recoded.append(term)
            continue
        has_event = np.bincount(term.codes[data.event], minlength=len(term.labels) + 1) > 0
        keep &= has_event[term.codes]
        left = np.flatnonzero(has_event[1:])
        if len(left) == 0:
            continue
        place += (start + left).tolist()
        code = np.zeros(len(has_event), dtype=np.intp)
        code[1 + left] = np.arange(1, len(left) + 1)
        labels = tuple(term.labels[j] for j in left)
        recoded.append(replace(term, labels=labels, codes=code[term.codes]))
    smaller = Design((), data.n_rows).plus(*recoded)
    return data.with_design(smaller).rows(keep), np.array(place, dtype=np.intp)
