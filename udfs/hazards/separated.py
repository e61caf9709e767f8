"""Levels whose events all fall on one side: what their data still says of the hazard ratio."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from udfs.hazards.data import CoxData
from udfs.hazards.design import Design
from udfs.hazards.errors import SeparatedTermError
from udfs.hazards.estimate import (
    Estimate,
    Near,
    Options,
    check_separated,
    estimate,
    fixed_effects,
    maximum_near,
)
from udfs.hazards.index import Ties
from udfs.hazards.problem import prepare
from udfs.threads import single_blas_thread

AT_INFINITY = 18.0
"""Log hazard ratio that stands for an infinite one: a factor of 6.6e7. At 20 events among 10,000
rows the likelihood is within 2e-4 of its supremum; sums over rows at risk keep 8 digits."""
LIMIT_TOLERANCE = 1e-4
"""Of the limit's log hazard ratio: far below any standard error."""
LAST_STEP = 3e-3
"""A secant's step below this is the last: what it leaves is of the order of its square."""
MAX_SECANTS = 8
"""Steps of the search for the limit before it is bracketed instead."""


@dataclass(frozen=True)
class OneSided:
    """The hazard ratio of a level that has no finite estimate."""

    is_infinite: bool
    """The estimate is infinity; else it is 0."""
    log_limit: float
    """Profile-likelihood limit of the log hazard ratio: lower where infinite, else upper."""
    chi2: float
    """Likelihood-ratio statistic of a hazard ratio of 1, 1 df."""
    p_value: float


def separated_column(data: CoxData, ties: Ties = "efron") -> tuple[str, str] | None:
    """Term and label of the column that most separates the events; None where none does.

    Raises:
        TermError: the data cannot carry the columns for another reason.
    """
    problem = prepare(data, ties)
    try:
        check_separated(problem, fixed_effects(problem).fixed)
    except SeparatedTermError as error:
        return error.term, error.label
    return None


@dataclass
class _Profile:
    """The profile log-likelihood of the level's log hazard ratio: all else is estimated anew.

    Attributes:
        data: with the separated level; design: without it.
        is_level: (n,) rows of the level.
        options, near: as for ``one_sided``.
        known: log hazard ratio -> log-likelihood.
        first: the estimate at the first point, from which the others start.
        last: the maximum at the point before, whose variance is hardly another.
    """

    data: CoxData
    design: Design
    is_level: NDArray[np.bool_]
    options: Options
    near: float | None
    known: dict[float, float] = field(default_factory=dict)
    first: Estimate | None = None
    last: Near | None = None

    def __call__(self, log_hr: float) -> float:
        if log_hr not in self.known:
            self.known[log_hr] = self._maximum(log_hr)
        return self.known[log_hr]

    def _maximum(self, log_hr: float) -> float:
        data = self.data
        before = np.zeros(data.n_rows) if data.offset is None else data.offset
        shifted = replace(data, design=self.design, offset=before + log_hr * self.is_level)
        problem = prepare(shifted, self.options.ties)
        if self.first is None:
            self.first = estimate(problem, self.options, self.near)
            return self.first.loglik
        best = self.first.best
        if best is None or len(best.u) != problem.n_groups:
            return estimate(problem, self.options, self.first.variance or None).loglik
        variance = (self.last.variance if self.last else 0) or best.variance
        curvature = self.last.curvature if self.last else None
        self.last = maximum_near(problem, self.options, variance, (best.b, best.u), curvature)
        return self.last.loglik


@single_blas_thread
def one_sided(
    data: CoxData, term: str, label: str, options: Options, near: float | None = None
) -> OneSided | None:
    """Limit of a hazard ratio whose likelihood rises to infinity, or to 0; None where the
    likelihood does not change, as no row of the level is at risk when an event happens.

    The limit is where the profile log-likelihood, all else estimated anew, is below its supremum by
    half the chi-squared quantile of ``options.confidence`` with 1 df: the end that is left of the
    two-sided profile interval (Heinze and Schemper, Biometrics 2001, for Cox's model).

    Args:
        data: with the separated level.
        term: a factor.
        label: its level.
        options: of the model.
        near: a variance that the random effect's is thought to be near.

    Raises:
        HazardDataError: the model without the level cannot be fitted either.
    """
    place = data.design.columns.index((term, label))
    codes = next(t for t in data.design.terms if t.name == term).codes
    assert codes is not None
    is_level = codes == place - data.design.slices[term].start + 1
    profile = _Profile(data, data.design.less(term, label), is_level, options, near)
    sign = -1.0
    if data.event[is_level].any():
        sign = float(np.sign(fixed_effects(prepare(data, options.ties)).fixed.b[place]))
    supremum = profile(sign * AT_INFINITY)
    drop = float(chdtri(1, 1 - options.confidence)) / 2

    def fallen(log_hr: float) -> float:
        """Above 0 where the profile is lower than at the limit."""
        return supremum - drop - profile(log_hr)

    limit = _by_secant(fallen, drop, sign)
    if limit is None:
        limit = _by_bisection(fallen, sign if fallen(0.0) > 0 else -sign)
    if limit is None:
        return None
    chi2 = max(0.0, 2 * (supremum - profile(0.0)))
    return OneSided(sign > 0, limit, chi2, float(chdtrc(1, chi2)))


def _by_secant(fallen: Callable[[float], float], drop: float, sign: float) -> float | None:
    """Where ``fallen`` is 0, by the secant of the fall's logarithm; None where it leaves the range.

    A level without events takes exp(b) times its expected events from the log-likelihood, nearly,
    so the fall's logarithm is nearly a line of slope 1 in b: three or four fits find the limit.
    """

    def log_fall(log_hr: float) -> float:
        fall = fallen(log_hr) + drop
        return math.log(fall / drop) if fall > 0 else math.nan

    at, value = 0.0, log_fall(0.0)
    following = at + sign * value
    for _ in range(MAX_SECANTS):
        if not abs(following) < AT_INFINITY:  # NaN as well
            return None
        before, last, at, value = at, value, following, log_fall(following)
        if at == before or value == last:
            return at if abs(value) <= LIMIT_TOLERANCE else None
        following = at - value * (at - before) / (value - last)
        if abs(following - at) <= LAST_STEP:
            return following
    return None


def _by_bisection(fallen: Callable[[float], float], step: float) -> float | None:
    """Where ``fallen`` is 0, from 0 on in the direction of a step of length 1; None where it is not
    before ``AT_INFINITY``."""
    near = 0.0
    far = step
    while fallen(far) * fallen(0.0) > 0:
        if abs(far) >= AT_INFINITY:
            return None
        near, far = far, max(-AT_INFINITY, min(AT_INFINITY, 2 * far))
    return float(brentq(fallen, *sorted((near, far)), xtol=LIMIT_TOLERANCE))
