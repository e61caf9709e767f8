"""A fit's data laid out for fast evaluation.

Lesions are put in *fit order*: by number of evaluated rows, most first. A ``Block`` holds some of
them with their rows rank by rank (the first row of every lesion, then the second of those that have
one, ...), so that sums over a lesion's rows are additions of contiguous stretches. All sums over
lesions run over blocks whose limits depend on the data alone: results do not depend on the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np

from udfs.growth.check_data import GrowthDataError
from udfs.growth.covariates import Design, build_design
from udfs.growth.data import GrowthData
from udfs.growth.model_base import GrowthModel, Times, TwoRates
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.residual_error import ResidualError
from udfs.helper_time import CountedPool

Censoring = Literal["interval", "ignore_lower", "as_observed"]

Result = TypeVar("Result")
Pulse = Callable[[], None]
"""Called now and then in long work, so that it can be interrupted."""

SMALLEST_RESIDUAL = 1e-4
"""Residual error of a median size, as a share of it. No measurement of a lesion is that good."""


@dataclass(frozen=True)
class Rank:
    """The k-th row of each lesion of a block that has so many: the first ``size`` of them."""

    size: int
    times: Times
    """(size, 1) arrays."""
    y: FloatArray
    """(size, 1) volumes; 1 where the row is censored."""
    censored: IntArray
    """(c,) lesions of the block whose row of this rank is censored."""


@dataclass(frozen=True)
class Block:
    """Rows of some lesions, rank by rank."""

    lesions: IntArray
    """(n,) positions in fit order."""
    gather: IntArray
    """(m,) position of each row's lesion within the block."""
    rank_sizes: tuple[int, ...]
    """Lesions with a first row, with a second, ...; their sum is m."""
    times: Times
    """(m, 1) arrays."""
    y: FloatArray
    """(m, 1) volumes."""
    censored: IntArray
    """(c,) rows that are censored."""
    lower: FloatArray
    """(c, 1)"""
    upper: FloatArray
    """(c, 1)"""
    has_zero_lower: bool
    """All lower bounds are 0 (then the standardised bound is -1 / b under proportional error)."""
    n_rows: FloatArray
    """(n, 1) rows per lesion."""

    @cached_property
    def ranks(self) -> tuple[Rank, ...]:
        """The rows again, each rank by itself."""
        is_censored = np.zeros(len(self.y), dtype=bool)
        is_censored[self.censored] = True
        y = np.where(is_censored[:, None], 1.0, self.y)
        out, start = [], 0
        for size in self.rank_sizes:
            rows = slice(start, start + size)
            censored = np.flatnonzero(is_censored[rows])
            out.append(Rank(size, self.times.take(rows), y[rows], censored))
            start += size
        return tuple(out)

    @cached_property
    def n_measured(self) -> FloatArray:
        """(n, 1) rows per lesion that are not censored."""
        censored = np.bincount(self.gather[self.censored], minlength=len(self.lesions))
        return self.n_rows - censored[:, None]

    def per_row(self, values: FloatArray) -> FloatArray:
        """(n, s) values per lesion -> (m, s) per row."""
        return np.take(values, self.gather, axis=0)

    def per_lesion(self, values: FloatArray) -> FloatArray:
        """(m, s) values per row -> (n, s) their sums per lesion."""
        out = np.zeros((len(self.lesions), values.shape[1]))
        start = 0
        for size in self.rank_sizes:
            out[:size] += values[start : start + size]
            start += size
        return out


@dataclass(frozen=True)
class Problem:
    """Data, model and conventions of one fit; arrays over lesions are in fit order."""

    data: GrowthData
    model: GrowthModel
    error: ResidualError
    censoring: Censoring
    count_baseline: bool
    design: Design
    """Covariates of the lesions, in fit order."""
    order: IntArray
    """(n,) fit order -> position in ``data``."""
    back: IntArray
    """(n,) position in ``data`` -> fit order."""
    offsets: IntArray
    """(n + 1,) rows of each lesion."""
    rows: IntArray
    """(m,) evaluated rows -> rows of ``data``."""
    times: Times
    """(m,) arrays."""
    y: FloatArray
    lower: FloatArray
    upper: FloatArray
    is_censored: BoolArray
    last_day: FloatArray
    """(n,) last day on which the lesion was measured."""
    idle: IntArray
    """Positions in ``data`` of lesions without any evaluated row; they are not fitted."""

    @property
    def n_lesions(self) -> int:
        """Number of fitted lesions."""
        return len(self.order)

    @property
    def n_rows(self) -> int:
        """Number of evaluated rows."""
        return len(self.y)

    @property
    def n_parameters(self) -> int:
        """Number of parameters that vary between lesions (p)."""
        return len(self.model.parameters)

    def block(self, lesions: IntArray) -> Block:
        """The rows of some lesions, given in fit order (repeats allowed), rank by rank."""
        starts = self.offsets[lesions]
        counts = self.offsets[lesions + 1] - starts
        sizes = tuple(int(np.count_nonzero(counts > rank)) for rank in range(counts.max()))
        picked = np.concatenate([starts[:size] + rank for rank, size in enumerate(sizes)])
        gather = np.concatenate([np.arange(size) for size in sizes])
        censored = np.flatnonzero(self.is_censored[picked])
        lower = self.lower[picked][censored]
        times = self.times.take(picked)
        return Block(
            lesions=lesions,
            gather=gather,
            rank_sizes=sizes,
            times=Times(
                times.since_baseline[:, None],
                times.before_dose[:, None],
                times.since_dose[:, None],
                times.v0[:, None],
            ),
            y=self.y[picked][:, None],
            censored=censored,
            lower=lower[:, None],
            upper=self.upper[picked][censored][:, None],
            has_zero_lower=bool(np.all(lower == 0)),
            n_rows=counts[:, None].astype(np.float64),
        )

    def two_rates(self, lesions: IntArray) -> TwoRates:
        """What pairs of measurements alone say of the rates of some lesions (fit order).

        The pairs: the baseline against the median, the largest and the first size after the first
        dose; and the first such size against the last, that against the smallest, and the smallest
        against the last.
        """
        found = self._two_rates
        return TwoRates(found.before[lesions], found.after[lesions], found.last_day[lesions])

    @cached_property
    def _two_rates(self) -> TwoRates:
        """Of all lesions, those with equally many rows at once."""
        before, after = np.full((2, self.n_lesions, 3), np.nan)
        counts = np.diff(self.offsets)
        for count in np.unique(counts):
            some = np.flatnonzero(counts == count)
            rows = self.offsets[some, None] + np.arange(count)
            has_later = (self.times.since_dose[rows] > 0).any(axis=1)
            some, rows = some[has_later], rows[has_later]
            before[some], after[some] = self._rates_of(rows)
        return TwoRates(before, after, self.last_day)

    def _rates_of(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """(n, 3) each, of n lesions with the (n, c) rows, some after the first dose."""
        each = np.arange(len(rows))
        day, size = self.times.since_dose[rows], np.log(np.maximum(self.y[rows], 1e-6))
        waited = self.times.before_dose[rows].max(axis=1)
        is_later = day > 0
        first = np.argmax(is_later, axis=1)
        last = rows.shape[1] - 1 - np.argmax(is_later[:, ::-1], axis=1)
        low = np.argmin(np.where(is_later, size, np.inf), axis=1)
        middle = np.nanmedian(np.where(is_later, size, np.nan), axis=1)
        largest = np.where(is_later, size, -np.inf).max(axis=1)
        before = np.stack([middle, largest, size[each, first]], axis=1)
        before -= np.log(self.times.v0[rows[:, :1]])
        before /= np.where(waited > 0, waited, np.nan)[:, None]
        after = np.full_like(before, np.nan)
        for k, (i, j) in enumerate(((first, last), (first, low), (low, last))):
            days = day[each, j] - day[each, i]
            rise = size[each, j] - size[each, i]
            after[:, k] = rise / np.where(days > 0, days, np.nan)
        return before, after

    def spans(self, rows_per_span: int) -> list[tuple[int, int]]:
        """Cut the lesions into runs of about that many rows each (at least one lesion)."""
        spans: list[tuple[int, int]] = []
        start = 0
        while start < self.n_lesions:
            stop = int(np.searchsorted(self.offsets, self.offsets[start] + rows_per_span, "right"))
            stop = max(start + 1, min(stop - 1, self.n_lesions))
            spans.append((start, stop))
            start = stop
        return spans

    def in_data_order(self, values: FloatArray) -> FloatArray:
        """(n, ...) values in fit order -> in the order of ``data`` (lesions without rows: NaN)."""
        out = np.full((self.data.n_lesions, *values.shape[1:]), np.nan)
        out[self.order] = values
        return out

    def refuse_exact_curves(self, error: FloatArray) -> None:
        """Stops a fit whose residual error goes to 0: its likelihood then grows without end.

        Args:
            error: (e,) error parameters, natural scale.

        Raises:
            GrowthDataError: the error of a median size is below 1e-4 of it.
        """
        typical = np.array(float(np.median(self.y[~self.is_censored])))
        share = float(self.error.sigma(typical, error) / typical)
        if share < SMALLEST_RESIDUAL:
            raise GrowthDataError(
                f"the curves go through every measurement (residual error {share:.0e} of a size), "
                "so the likelihood has no largest value: sizes that do not vary within a lesion, "
                "or are too few in each, cannot be fitted"
            )


def compile_problem(
    data: GrowthData,
    *,
    model: GrowthModel,
    error: ResidualError,
    censoring: Censoring,
    count_baseline: bool,
    covariates: Mapping[str, Sequence[str]] | None,
    references: Mapping[str, str] | None,
) -> Problem:
    """Choose the rows to evaluate and lay them out.

    Args:
        covariates: names of covariates for each parameter; a text is one name.

    Raises:
        GrowthDataError: no row is left to evaluate, all are censored, one is 0 under a
            proportional error, or a covariate is unknown, missing for a lesion or constant.
    """
    is_used = np.ones(data.n_rows, dtype=bool)
    if model.baseline == "regressor" and not count_baseline:
        is_used = ~data.is_own_baseline
    counts = np.bincount(data.row_lesion[is_used], minlength=data.n_lesions)
    order = np.lexsort((np.arange(data.n_lesions), -counts))
    n_fitted = int(np.count_nonzero(counts))
    if n_fitted == 0:
        raise GrowthDataError(
            "no lesion has a measurement besides its baseline: nothing can be learnt about growth"
        )
    fitted, idle = order[:n_fitted], np.sort(order[n_fitted:])
    back = np.full(data.n_lesions, -1)
    back[fitted] = np.arange(n_fitted)
    rows = _rows_in_order(data, is_used, fitted)
    lesion = data.row_lesion[rows]
    is_censored, low, high = _bounds(data, rows, censoring)
    if is_censored.all():
        raise GrowthDataError(
            "every measurement besides the baselines is censored: no growth can be estimated; "
            "check the censoring column and the limit of quantification"
        )
    _refuse_zeros(data.volume[rows][~is_censored], error)
    named = {
        name: (which,) if isinstance(which, str) else tuple(which)
        for name, which in (covariates or {}).items()
    }
    return Problem(
        data=data,
        model=model,
        error=error,
        censoring=censoring,
        count_baseline=count_baseline,
        design=build_design(data, fitted, model, named, dict(references or {})),
        order=fitted,
        back=back,
        offsets=np.concatenate([[0], np.cumsum(counts[fitted])]),
        rows=rows,
        times=model.times(data.time[rows], data.v0[lesion], data.t0[lesion]),
        y=data.volume[rows],
        lower=low,
        upper=high,
        is_censored=is_censored,
        last_day=data.time[data.offsets[fitted + 1] - 1],
        idle=idle,
    )


def _refuse_zeros(measured: FloatArray, error: ResidualError) -> None:
    """A size of 0 whose error is in proportion to the curve: the likelihood has no maximum.

    As the curve f of such a row falls to 0, its density exp(-1 / (2 b^2)) / (b f) has no bound.
    """
    count = int(np.count_nonzero(measured <= 0))
    if error.kind == "proportional" and count:
        raise GrowthDataError(
            f"{count} measured volume(s) are 0: with a proportional error their likelihood has no "
            "maximum. Censor them at the limit of quantification, or choose an error with a "
            "constant part"
        )


def _rows_in_order(data: GrowthData, is_used: BoolArray, fitted: IntArray) -> IntArray:
    """Used rows of the fitted lesions, lesion by lesion."""
    rank = np.full(data.n_lesions, len(fitted))
    rank[fitted] = np.arange(len(fitted))
    rows = np.flatnonzero(is_used)
    return rows[np.argsort(rank[data.row_lesion[rows]], kind="stable")]


def _bounds(
    data: GrowthData, rows: IntArray, censoring: Censoring
) -> tuple[BoolArray, FloatArray, FloatArray]:
    is_censored = data.is_censored[rows]
    low, high = data.lower[rows], data.upper[rows]
    if censoring == "as_observed":
        return np.zeros_like(is_censored), low, high
    if censoring == "ignore_lower":
        is_left = is_censored & (high == data.volume[rows])
        low = np.where(is_left, -np.inf, low)
    return is_censored, low, high


def run_blocks(
    task: Callable[[int], Result],
    count: int,
    threads: int,
    pool: ThreadPoolExecutor | None = None,
    pulse: Pulse | None = None,
) -> list[Result]:
    """Results of ``task(0) .. task(count - 1)`` in that order, whatever the threads.

    ``pulse`` is called after each task and may raise to end the work; tasks that have not begun
    are then dropped.
    """
    if threads <= 1 or count <= 1:
        return _collected(map(task, range(count)), pulse)
    if pool is not None:
        return _collected(pool.map(task, range(count)), pulse)
    with CountedPool(threads) as own:
        return _collected(own.map(task, range(count)), pulse)


def worker_pool(threads: int) -> AbstractContextManager[ThreadPoolExecutor | None]:
    """A pool of threads for ``run_blocks``, or nothing for one thread."""
    return CountedPool(threads) if threads > 1 else nullcontext()


def _collected(results: Iterator[Result], pulse: Pulse | None) -> list[Result]:
    out = []
    for one in results:
        out.append(one)
        if pulse is not None:
            pulse()
    return out


def sum_in_order(parts: Sequence[FloatArray]) -> FloatArray:
    """Sum of arrays, first to last."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total
