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

from udfs.hazards.blocks import Block, blocks_of
from udfs.hazards.design import FloatArray, IntArray
from udfs.hazards.groups import GroupHessian
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem

DeterminantKind = Literal["exact", "lanczos", "sparse"]

EXACT_COST = 4e9
"""Multiplications per evaluation beyond which ``auto`` takes Lanczos; some 0.2 seconds."""
SPARSE_LEVELS, SPARSE_SHARE = 50, 0.02
LANCZOS_FIRST, LANCZOS_PER_STRATUM, LANCZOS_PROBES = 24, 10, 16
LANCZOS_ERROR = 1e-7
"""Wanted size of what the eigenvalues left out add beyond their fourth powers."""


@dataclass
class Determinant:
    """Computes log |I + s2 H| for one problem, always in the same way."""

    problem: CoxProblem
    kind: DeterminantKind
    blocks: list[Block] = field(default_factory=list)
    n_eigenvalues: int = 0

    def value(self, partial: Partial, variance: float) -> float:
        """log |I + variance H| at a point."""
        expected = self.problem.by_group(partial.expected)
        hessian = GroupHessian(self.problem.groups, partial, expected)
        if self.kind == "sparse":
            return _sparse(self.problem, hessian, variance)
        if self.kind == "lanczos":
            return self._lanczos(hessian, variance)
        total = float(np.log1p(variance * hessian.d).sum())
        for block in self.blocks:
            total += _log_det(block_matrix(block, hessian, variance))
        return total

    def _lanczos(self, hessian: GroupHessian, variance: float) -> float:
        k = hessian.groups.n_groups
        if not self.n_eigenvalues:
            strata = len(hessian.groups.bounds)
            self.n_eigenvalues = LANCZOS_FIRST + LANCZOS_PER_STRATUM * (strata - 1)
        while True:
            m = min(self.n_eigenvalues, k // 2)
            value, error = lanczos_log_det(hessian, variance, m)
            if error < LANCZOS_ERROR or m == k // 2:
                return value
            self.n_eigenvalues *= 2


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
    blocks = blocks_of(problem.index, problem.groups)
    cost = sum(min(_points_cost(block), _groups_cost(block)) for block in blocks)
    if kind == "auto" and cost > EXACT_COST:
        return Determinant(problem, "lanczos")
    return Determinant(problem, "exact", blocks)


def block_matrix(block: Block, hessian: GroupHessian, variance: float) -> FloatArray:
    """The block's dense matrix, whose log determinant is what the diagonal 1 + s2 d leaves out."""
    partial = hessian.partial
    l11 = np.sqrt(partial.a2[block.points])
    l21 = l22 = np.zeros(0)
    if len(block.tied) and partial.b2 is not None and partial.c2 is not None:
        at = block.points[block.tied]
        l21 = -partial.b2[at] / l11[block.tied]
        l22 = np.sqrt(np.maximum(partial.c2[at] - l21**2, 0.0))
    inverse = variance / (1.0 + variance * hessian.d[block.groups])
    if _groups_cost(block) < _points_cost(block):
        return groups_matrix(block, hessian, (l11, l21, l22), inverse)
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
    c = hessian.c[block.knots]
    i, j = block.pairs
    product = c[i] * c[j] * inverse[group[i]]
    product[i == j] /= 2
    rr = np.bincount(point[i] * n + point[j], product, n * n).reshape(n, n)
    rr += rr.T.copy()
    block.reverse_cumsum(rr, 0)
    block.reverse_cumsum(rr, 1)
    matrix = np.zeros((block.rank, block.rank))
    matrix[:n, :n] = rr * l11[:, None] * l11
    if len(tied) and hessian.e is not None:
        m = len(tied)
        e = hessian.e[block.knots]
        i, j = block.tied_pairs
        row = block.tied_place[point[i]]
        weighted = e[i] * inverse[group[i]]
        er = np.bincount(row * n + point[j], weighted * c[j], m * n).reshape(m, n)
        block.reverse_cumsum(er, 1)
        column = block.tied_place[point[j]]
        both = column >= 0
        ee = np.bincount(
            row[both] * m + column[both], weighted[both] * e[j[both]], m * m
        ).reshape(m, m)
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


def groups_matrix(
    block: Block, hessian: GroupHessian, factors: Factors, inverse: FloatArray
) -> FloatArray:
    """I - W F F' W with W = diag(inverse)^1/2, K square; F in stretches of points."""
    l11, l21, l22 = factors
    k, root = block.n_groups, np.sqrt(inverse)
    matrix = np.eye(k)
    width = max(64, int(2e6) // k)
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
    return np.bincount(flat, x[block.knots[inside]], block.n_groups * (b - a)).reshape(-1, b - a)


def _log_det(matrix: FloatArray) -> float:
    try:
        # The transpose of a symmetric matrix in C order is itself in LAPACK's order.
        factor = cholesky(matrix.T, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return -np.inf
    return 2.0 * float(np.log(np.diag(factor)).sum())


def lanczos_log_det(hessian: GroupHessian, variance: float, m: int) -> tuple[float, float]:
    """log |I + s2 H| from m eigenvalues, and an estimate of the error."""
    g, diagonal = scaled_rest(hessian, variance)
    total = float(np.log(diagonal).sum())
    values, vectors = largest(g, m)
    if len(values) == 0:
        return total, 0.0
    total += float((np.log1p(-values) + values).sum())
    probes = np.random.default_rng(1).choice([-1.0, 1.0], size=(LANCZOS_PROBES, len(diagonal)))
    probes -= (probes @ vectors) @ vectors.T
    powers = np.zeros(3)
    for probe in probes:
        once = g @ probe
        twice = g @ once
        powers += once @ once, once @ twice, twice @ twice
    powers /= LANCZOS_PROBES
    # log(1 - x) = -x - x^2/2 - x^3/3 - x^4/4 - ..., and the trace of G is 0.
    total -= float(powers @ (1 / 2, 1 / 3, 1 / 4))
    return total, float(values[0] * powers[2]) / 5


def scaled_rest(hessian: GroupHessian, variance: float) -> tuple[LinearOperator, FloatArray]:
    """G and d with I + s2 H = d^1/2 (I - G) d^1/2; G has a diagonal of zeros."""
    diagonal = 1.0 + variance * hessian.diagonal()
    root = 1.0 / np.sqrt(diagonal)
    k = len(diagonal)

    def times(v: FloatArray) -> FloatArray:
        scaled = root * v.ravel()
        return v.ravel() - root * (scaled + variance * hessian.times(scaled))

    return LinearOperator((k, k), matvec=times, dtype=float), diagonal


def largest(g: LinearOperator, m: int, tolerance: float = 1e-4) -> tuple[FloatArray, FloatArray]:
    """The m largest eigenvalues, ascending, and their vectors; none of a matrix of about zero.

    ``tolerance`` is the relative residual; the eigenvalues' relative error is its square.
    """
    k = g.shape[0]
    start = np.random.default_rng(0).standard_normal(k)
    if m < 1 or np.linalg.norm(g @ start) < 1e-9 * np.linalg.norm(start):
        return np.zeros(0), np.zeros((k, 0))
    values, vectors = eigsh(g, k=m, which="LA", v0=start, tol=tolerance, ncv=min(k, 2 * m + 8))
    order = np.argsort(values)
    return values[order], vectors[:, order]


def _sparse(problem: CoxProblem, hessian: GroupHessian, variance: float) -> float:
    diagonal = 1.0 + variance * hessian.diagonal()
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
        unit = np.eye(1, len(diagonal), group)[0]
        columns[:, j] = unit + variance * hessian.times(unit)
    across = columns[is_sparse]
    schur = columns[dense] - across.T @ (across / diagonal[is_sparse, None])
    return total + _log_det((schur + schur.T) / 2)
