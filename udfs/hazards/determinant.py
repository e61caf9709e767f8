"""log |I + s2 H|, the Laplace approximation's integral over the random effects.

H, minus the Hessian of the log partial likelihood in the K groups' effects, is a diagonal less a
matrix whose rank is at most the number of jumps of the baseline, so the exact determinant never
needs K x K numbers unless K is the smaller. Four ways:

exact    per block (see ``blocks``) the smaller of two dense matrices: I - s2 L'P'W P L over event
         points, summed from pairs of knots of one group; or K x K over groups.
lanczos  the diagonal, the largest eigenvalues of what is left, and the traces of the rest's powers
         by fixed probes. For blocks with thousands of event points.
sparse   R coxme's default: with 50 groups or more, products between two groups that have 2 % of the
         rows or less each are left out. Not the maximum of the likelihood it stands for.

Source for the matrix identity: |D - F F'| = |D| |I - F' D^-1 F|.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.linalg import LinAlgError, cholesky
from scipy.sparse.linalg import LinearOperator, eigsh

from udfs.hazards.arrays import FloatArray, IntArray, sum_by, unit
from udfs.hazards.blocks import Block
from udfs.hazards.groups import GroupHessian
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem

DeterminantKind = Literal["exact", "lanczos", "sparse"]

EXACT_COST = 4e9
"""Multiplications per evaluation beyond which ``auto`` takes Lanczos; some 0.2 seconds."""
SPARSE_LEVELS, SPARSE_SHARE = 50, 0.02
MIN_WIDTH, CELLS = 64, 2_000_000
"""Of a stretch of points in the matrix over groups: at least so wide, about so many numbers."""
FIRST_EIGENVALUES, PROBES = 8, 16
LANCZOS_ERROR = 2e-5
"""Standard error at which no more eigenvalues are taken."""


@dataclass
class Determinant:
    """Computes log |I + s2 H| for one problem, always in the same way."""

    problem: CoxProblem
    kind: DeterminantKind
    n_eigenvalues: dict[int, int] = field(default_factory=dict)
    """How many each block's Lanczos takes, once chosen: a number that changed on the way would
    make the profile jump."""

    def value(self, partial: Partial, variance: float) -> float:
        """log |I + variance H| at a point."""
        hessian = self.problem.group_hessian(partial)
        if self.kind == "sparse":
            return _sparse(self.problem, hessian, variance)
        blocks = [(block, block.part(hessian)) for block in self.problem.blocks]
        if self.kind == "lanczos":
            return sum(self._lanczos(k, part, variance) for k, (_, part) in enumerate(blocks))
        total = float(np.log1p(variance * hessian.d).sum())
        return total + sum(_log_det(block_matrix(b, part, variance)) for b, part in blocks)

    def _lanczos(self, block: int, hessian: GroupHessian, variance: float) -> float:
        if block in self.n_eigenvalues:
            return lanczos_log_det(hessian, variance, self.n_eigenvalues[block])[0]
        most = len(hessian.d) // 2
        m = min(FIRST_EIGENVALUES * len(hessian.bounds), most)
        while True:
            value, error = lanczos_log_det(hessian, variance, m)
            if error < LANCZOS_ERROR or m == most:
                self.n_eigenvalues[block] = m
                return value
            m = min(2 * m, most)


def determinant_for(
    problem: CoxProblem, kind: Literal["auto", "exact", "lanczos", "sparse"]
) -> Determinant:
    """The way to compute the determinant; ``auto`` is exact unless that is dear.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in ("auto", "exact", "lanczos", "sparse"):
        raise ValueError(f"determinant is {kind!r}; it is 'auto', 'exact', 'lanczos' or 'sparse'")
    if kind in ("lanczos", "sparse"):
        return Determinant(problem, kind)
    cost = sum(min(_points_cost(block), _groups_cost(block)) for block in problem.blocks)
    if kind == "auto" and cost > EXACT_COST:
        return Determinant(problem, "lanczos")
    return Determinant(problem, "exact")


def block_matrix(block: Block, hessian: GroupHessian, variance: float) -> FloatArray:
    """The dense matrix whose log determinant is what a block's diagonal 1 + s2 d leaves out.

    ``hessian`` is the block's own.
    """
    l11 = np.sqrt(hessian.a2)
    l21 = l22 = np.zeros(0)
    if len(block.tied) and hessian.b2 is not None and hessian.c2 is not None:
        l21 = -hessian.b2[block.tied] / l11[block.tied]
        l22 = np.sqrt(np.maximum(hessian.c2[block.tied] - l21**2, 0.0))
    inverse = variance / (1.0 + variance * hessian.d)
    if _groups_cost(block) < _points_cost(block):
        return _groups_matrix(block, hessian, (l11, l21, l22), inverse)
    return _points_matrix(block, hessian, (l11, l21, l22), inverse)


def _points_cost(block: Block) -> float:
    return block.rank**3 / 3 + 20.0 * block.rank**2 + 20.0 * block.n_pairs


def _groups_cost(block: Block) -> float:
    return block.n_groups**3 / 3 + block.n_groups**2 * float(block.rank)


Factors = tuple[FloatArray, FloatArray, FloatArray]
"""Cholesky factors of the points' 2 x 2 matrices: (T,) l11, and at tied points (T2,) l21, l22."""


def _points_matrix(
    block: Block, hessian: GroupHessian, factors: Factors, inverse: FloatArray
) -> FloatArray:
    """I - F' diag(inverse) F, (T + T2) square; F (K, T + T2) is never written out."""
    l11, l21, l22 = factors
    n, tied = block.n_points, block.tied
    point, group = block.knot_point, block.knot_group
    c = hessian.c
    i, j = block.pairs
    product = c[i] * c[j] * inverse[group[i]]
    product[i == j] /= 2
    rr = sum_by(point[i] * n + point[j], product, n * n).reshape(n, n)
    rr += rr.T.copy()
    block.reverse_cumsum(rr, 0)
    block.reverse_cumsum(rr, 1)
    matrix = np.zeros((block.rank, block.rank))
    matrix[:n, :n] = rr * l11[:, None] * l11
    if len(tied) and hessian.e is not None:
        m = len(tied)
        e = hessian.e
        i, j = block.tied_pairs
        row = block.tied_place[point[i]]
        weighted = e[i] * inverse[group[i]]
        er = sum_by(row * n + point[j], weighted * c[j], m * n).reshape(m, n)
        block.reverse_cumsum(er, 1)
        column = block.tied_place[point[j]]
        both = column >= 0
        ee = sum_by(row[both] * m + column[both], weighted[both] * e[j[both]], m * m).reshape(m, m)
        cross = er * l21[:, None] * l11
        matrix[tied, :n] += cross
        matrix[:n, tied] += cross.T
        matrix[np.ix_(tied, tied)] += ee * l21[:, None] * l21
        lower = er * l22[:, None] * l11
        lower[:, tied] += ee * l22[:, None] * l21
        matrix[n:, :n] = lower
        matrix[:n, n:] = lower.T
        matrix[n:, n:] = ee * l22[:, None] * l22
    np.negative(matrix, out=matrix)
    matrix.flat[:: block.rank + 1] += 1.0
    return matrix


def _groups_matrix(
    block: Block, hessian: GroupHessian, factors: Factors, inverse: FloatArray
) -> FloatArray:
    """I - W F F' W with W = diag(inverse)^1/2, K square; F in stretches of points."""
    l11, l21, l22 = factors
    k, root = block.n_groups, np.sqrt(inverse)
    matrix = np.eye(k)
    width = max(MIN_WIDTH, CELLS // k)
    order = np.argsort(block.knot_point, kind="stable")
    sorted_points = block.knot_point[order]
    for first, end in block.bounds:
        level = np.zeros(k)
        for b in range(end, first, -width):
            a = max(first, b - width)
            inside = order[np.searchsorted(sorted_points, a) : np.searchsorted(sorted_points, b)]
            risk = _scatter(block, hessian.c, inside, a, b)
            risk = np.cumsum(risk[:, ::-1], axis=1)[:, ::-1] + level[:, None]
            level = risk[:, 0].copy()
            here = risk * l11[a:b]
            lo, hi = np.searchsorted(block.tied, [a, b])
            if hi > lo and hessian.e is not None:
                columns = block.tied[lo:hi] - a
                event = _scatter(block, hessian.e, inside, a, b)[:, columns]
                here[:, columns] += event * l21[lo:hi]
                extra = root[:, None] * event * l22[lo:hi]
                matrix -= extra @ extra.T
            here *= root[:, None]
            matrix -= here @ here.T
    return matrix


def _scatter(block: Block, x: FloatArray, inside: IntArray, a: int, b: int) -> FloatArray:
    flat = block.knot_group[inside] * (b - a) + block.knot_point[inside] - a
    return sum_by(flat, x[inside], block.n_groups * (b - a)).reshape(-1, b - a)


def _log_det(matrix: FloatArray) -> float:
    try:
        # The transpose of a symmetric matrix in C order is itself in LAPACK's order.
        factor = cholesky(matrix.T, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return -np.inf
    return 2.0 * float(np.log(np.diag(factor)).sum())


def whole_log_det(hessian: FloatArray, variance: float) -> float:
    """log |I + s2 H| of a small problem's H (K, K) written out; minus infinity where rounding
    leaves it without a factor."""
    matrix = variance * hessian
    matrix.flat[:: len(matrix) + 1] += 1.0
    return _log_det(matrix)


def lanczos_log_det(hessian: GroupHessian, variance: float, m: int) -> tuple[float, float]:
    """log |I + s2 H| from m eigenvalues, and the standard error of the probes' part of it."""
    rest = ScaledRest(hessian, variance)
    values, vectors = largest(rest, m)
    # log(1 - x) = -x - x^2/2 - x^3/3 - x^4/4 - ..., and the trace of G is known.
    total = float(np.log(rest.diagonal).sum() - rest.own.sum())
    total += float((np.log1p(-values) + values).sum())
    probes = np.random.default_rng(1).choice([-1.0, 1.0], size=(PROBES, len(rest.own)))
    probes -= (probes @ vectors) @ vectors.T
    powers = np.empty((PROBES, 3))
    for k, probe in enumerate(probes):
        once = rest.times(probe)
        twice = rest.times(once)
        powers[k] = once @ once, once @ twice, twice @ twice
    sums = powers @ (1 / 2, 1 / 3, 1 / 4)
    return total - float(sums.mean()), float(sums.std() / np.sqrt(PROBES - 1))


class ScaledRest:
    """G in I + s2 H = D^1/2 (I - G) D^1/2, where D = 1 + s2 d holds the expected events: positive
    semidefinite, all eigenvalues below 1, most of them about 0."""

    def __init__(self, hessian: GroupHessian, variance: float) -> None:
        self._hessian = hessian
        self.diagonal = 1.0 + variance * hessian.d
        """(K,) D"""
        self.own = variance * (hessian.d - hessian.diagonal) / self.diagonal
        """(K,) the diagonal of G"""
        self._root = np.sqrt(variance / self.diagonal)

    def times(self, v: FloatArray) -> FloatArray:
        """(K,) G times v (K,)."""
        scaled = self._root * v
        return self._root * (self._hessian.d * scaled - self._hessian.times(scaled))


def largest(rest: ScaledRest, m: int) -> tuple[FloatArray, FloatArray]:
    """The m largest eigenvalues of G, ascending, to 1e-8 of themselves, and their vectors.

    Fewer where the trace shows that there is nothing to find.
    """
    k = len(rest.own)
    if m < 1 or rest.own.sum() < 1e-9:
        return np.zeros(0), np.zeros((k, 0))
    g = LinearOperator((k, k), matvec=lambda v: rest.times(v.ravel()), dtype=float)
    start = np.random.default_rng(0).standard_normal(k)
    values, vectors = eigsh(g, k=m, which="LA", v0=start, tol=1e-4, ncv=min(k, 2 * m + 12))
    order = np.argsort(values)
    return values[order], vectors[:, order]


def _sparse(problem: CoxProblem, hessian: GroupHessian, variance: float) -> float:
    diagonal = 1.0 + variance * hessian.diagonal
    rows = problem.rows_per_group
    share = rows[problem.active_groups] / rows.sum()
    many = len(rows) >= SPARSE_LEVELS
    dense = np.flatnonzero(share > SPARSE_SHARE) if many else np.arange(len(share))
    is_sparse = np.ones(len(share), dtype=bool)
    is_sparse[dense] = False
    total = float(np.log(diagonal[is_sparse]).sum())
    if len(dense) == 0:
        return total
    columns = np.empty((len(diagonal), len(dense)))
    for j, group in enumerate(dense):
        one = unit(len(diagonal), int(group))
        columns[:, j] = one + variance * hessian.times(one)
    across = columns[is_sparse]
    schur = columns[dense] - across.T @ (across / diagonal[is_sparse, None])
    return total + _log_det((schur + schur.T) / 2)
