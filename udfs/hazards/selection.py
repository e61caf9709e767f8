"""Which covariates belong in the model: likelihood-ratio tests, each kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from udfs.hazards.arrays import BoolArray, FloatArray
from udfs.hazards.data import CoxData
from udfs.hazards.design import Term, factor, is_missing, numeric
from udfs.hazards.errors import HazardDataError, NoEventError
from udfs.hazards.estimate import (
    CLOSE_ENOUGH_TO_TEST,
    Options,
    check_collinear,
    estimate,
    maximum_near,
)
from udfs.hazards.problem import CoxProblem, prepare
from udfs.hazards.solver import snapshot
from udfs.threads import single_blas_thread

SelectionMode = Literal["each", "forward", "backward"]


@dataclass(frozen=True)
class Candidate:
    """A covariate that may enter the model."""

    name: str
    values: ArrayLike
    """(n,) numbers, or a factor's levels; None, NaN or empty where not known."""
    kind: Literal["numeric", "factor"]
    reference: Any = None
    """A factor's reference level; by default the first."""


@dataclass(frozen=True)
class CandidateTest:
    """A covariate's test at one step."""

    step: int
    """From 1."""
    name: str
    chi2: float
    """Likelihood ratio, the variance re-estimated; NaN where the model cannot be fitted."""
    df: int
    p_value: float
    is_selected: bool
    """Whether the step took it in (``backward``: kept it)."""
    n_rows: int
    """Rows that both models of the test were fitted to: those where the covariate is known."""
    n_events: int
    weight: float
    """Sum of these rows' case weights; their number without weights."""
    problem: str
    """Why it could not be tested; else empty."""


@dataclass(frozen=True)
class Selection:
    """What was tested and what was selected."""

    selected: tuple[str, ...]
    """In the order of the candidates."""
    tests: tuple[CandidateTest, ...]


@single_blas_thread
def select_covariates(
    data: CoxData,
    candidates: Sequence[Candidate],
    options: Options | None = None,
    *,
    level: float = 0.05,
    mode: SelectionMode = "each",
) -> Selection:
    """Test covariates beside the terms that the data's design has already.

    ``each`` adds every covariate alone and selects those with p < level (as Zhou et al. 2023 read);
    ``forward`` adds the one with the smallest p until none is below level; ``backward`` starts with
    all and takes out the one with the largest p until all are below it. A test's two models are
    fitted to the same rows: those where the covariates of the larger model are known.

    Args:
        data: with the terms that are always in the model.
        candidates: covariates, of the data's rows.
        options: how to fit; an interval is not computed.
        level: significance.
        mode: how to select.

    Raises:
        ValueError: an unknown mode, or two candidates or a candidate and a term of one name.
    """
    if mode not in get_args(SelectionMode):
        raise ValueError(f"mode is {mode!r}; it is one of {', '.join(get_args(SelectionMode))}")
    names = [candidate.name for candidate in candidates]
    doubled = [n for k, n in enumerate(names) if n in names[:k] or n in data.design.slices]
    if doubled:
        raise ValueError(f"covariate {doubled[0]!r} is given twice, or is a term already")
    tester = _Tester(data, replace(options or Options(), interval=False), level)
    if mode == "each":
        found = [tester.test(1, candidate, []) for candidate in candidates]
        tests, selected = found, {t.name for t in found if t.p_value < level}
    elif mode == "forward":
        tests, selected = _forward(tester, candidates)
    else:
        tests, selected = _backward(tester, candidates)
    return Selection(tuple(n for n in names if n in selected), tuple(tests))


def _forward(
    tester: _Tester, candidates: Sequence[Candidate]
) -> tuple[list[CandidateTest], set[str]]:
    inside: list[Candidate] = []
    tests: list[CandidateTest] = []
    left = list(candidates)
    while left:
        step = [tester.test(len(inside) + 1, candidate, inside) for candidate in left]
        best = min(step, key=lambda t: (not t.p_value < tester.level, t.p_value))
        is_in = best.p_value < tester.level
        tests += [replace(t, is_selected=is_in and t.name == best.name) for t in step]
        if not is_in:
            break
        inside.append(next(c for c in left if c.name == best.name))
        left = [c for c in left if c.name != best.name]
    return tests, {candidate.name for candidate in inside}


def _backward(
    tester: _Tester, candidates: Sequence[Candidate]
) -> tuple[list[CandidateTest], set[str]]:
    inside = list(candidates)
    tests: list[CandidateTest] = []
    step = 1
    while inside:
        found = [tester.test(step, c, [o for o in inside if o.name != c.name]) for c in inside]
        # What cannot be tested goes first.
        worst = max(found, key=lambda t: (bool(t.problem), t.p_value))
        goes = not worst.p_value < tester.level
        tests += [replace(t, is_selected=not (goes and t.name == worst.name)) for t in found]
        if not goes:
            break
        inside = [c for c in inside if c.name != worst.name]
        step += 1
    return tests, {candidate.name for candidate in inside}


@dataclass(frozen=True)
class _Fitted:
    """A model's likelihood, and where its maximum is, unless it was only tested."""

    loglik: float
    variance: float
    coefficient: dict[tuple[str, str], float] = field(default_factory=dict)
    """By column, in the data's units."""
    effect: FloatArray | None = None
    """(K,) random effects of the groups ever at risk."""


class _Tester:
    """Fits models on the rows where their covariates are known; remembers those fitted."""

    def __init__(self, data: CoxData, options: Options, level: float) -> None:
        self.data, self.options, self.level = data, options, level
        self._fitted: dict[tuple[tuple[str, ...], bytes], _Fitted] = {}
        self._curvature: float | None = None

    def test(self, step: int, candidate: Candidate, beside: list[Candidate]) -> CandidateTest:
        """Of one candidate beside others."""
        rows = np.ones(self.data.n_rows, dtype=bool)
        for one in (candidate, *beside):
            rows &= ~is_missing(np.asarray(one.values))
        n_rows, n_events = int(rows.sum()), int(self.data.event[rows].sum())
        weight = float(n_rows if self.data.weight is None else self.data.weight[rows].sum())
        blank = CandidateTest(
            step, candidate.name, np.nan, 0, np.nan, False, n_rows, n_events, weight, ""
        )
        try:
            df = len(_term(candidate, rows).labels)
            without = self._fit(beside, rows, None)
            with_it = self._fit([*beside, candidate], rows, without)
        except HazardDataError as error:
            return replace(blank, problem=str(error))
        chi2 = max(0.0, 2 * (with_it.loglik - without.loglik))
        p_value = float(chdtrc(df, chi2))
        return replace(blank, chi2=chi2, df=df, p_value=p_value, is_selected=p_value < self.level)

    def _fit(
        self, covariates: list[Candidate], rows: BoolArray, smaller: _Fitted | None
    ) -> _Fitted:
        """The fit of a model; ``smaller`` is that of one without one of the covariates."""
        key = tuple(sorted(c.name for c in covariates)), rows.tobytes()
        if key not in self._fitted:
            if not self.data.event[rows].any():
                raise NoEventError("no event among the rows where it is known")
            kept = self.data.rows(rows)
            ordered = sorted(covariates, key=lambda c: c.name)
            design = kept.design.plus(*(_term(c, rows) for c in ordered))
            problem = prepare(kept.with_design(design), self.options.ties)
            self._fitted[key] = self._maximum(problem, smaller)
        return self._fitted[key]

    def _maximum(self, problem: CoxProblem, smaller: _Fitted | None) -> _Fitted:
        scale = problem.columns.scale
        if smaller is None or smaller.effect is None:
            near = None if smaller is None else smaller.variance or None
            found = estimate(problem, self.options, near, CLOSE_ENOUGH_TO_TEST)
            if found.best is None:
                return _Fitted(found.loglik, found.variance)
            b = dict(zip(problem.design.columns, found.best.b / scale, strict=True))
            return _Fitted(found.loglik, found.variance, b, found.best.u)
        columns = problem.design.columns
        start = np.array([smaller.coefficient.get(column, 0.0) for column in columns]) * scale
        at = problem.partial(np.zeros(len(columns)))
        check_collinear(problem, at, snapshot(problem, at, with_groups=False).bb)
        near_by = maximum_near(
            problem, self.options, smaller.variance, (start, smaller.effect), self._curvature
        )
        self._curvature = near_by.curvature
        return _Fitted(near_by.loglik, near_by.variance)


def _term(candidate: Candidate, rows: BoolArray) -> Term:
    values = np.asarray(candidate.values)[rows]
    if candidate.kind == "numeric":
        return numeric(candidate.name, values)
    return factor(candidate.name, values, reference=candidate.reference)
