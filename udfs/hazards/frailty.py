"""How well each random effect is known."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from udfs.hazards.arrays import FloatArray, unit
from udfs.hazards.determinant import ScaledRest, largest
from udfs.hazards.groups import GroupHessian
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem

DENSE_GROUPS = 500
EIGENVALUES_PER_STRATUM = 6


def conditional_variance(problem: CoxProblem, partial: Partial, variance: float) -> FloatArray:
    """(K,) diagonal of (H + I/s2)^-1: the random effects' variance at known coefficients.

    Exact in blocks of up to 500 groups. Beyond, with I + s2 H = D^1/2 (I - G) D^1/2 (see
    ``ScaledRest``) and G = V L V' + R, V its first eigenvectors, the diagonal of (I - G)^-1 is that
    of V L (I - L)^-1 V' + (I - R)^-1, where R is taken as diagonal: its other elements are what one
    of many groups does to another beyond what all do to each, 2e-4 of the variance or less.
    """
    whole = problem.group_hessian(partial)
    result = np.empty(problem.n_groups)
    for block in problem.blocks:
        hessian = block.part(whole)
        if block.n_groups <= DENSE_GROUPS:
            result[block.groups] = _dense(hessian, variance)
            continue
        rest = ScaledRest(hessian, variance)
        values, vectors = largest(rest, EIGENVALUES_PER_STRATUM * len(block.bounds))
        own = rest.own - vectors**2 @ values
        inner = vectors**2 @ (values / (1.0 - values)) + 1.0 / (1.0 - own)
        result[block.groups] = variance * inner / rest.diagonal
    return result


def _dense(hessian: GroupHessian, variance: float) -> FloatArray:
    k = len(hessian.d)
    matrix = np.empty((k, k))
    for j in range(k):
        matrix[:, j] = variance * hessian.times(unit(k, j))
    matrix.flat[:: k + 1] += 1.0
    inverse = cho_solve(cho_factor((matrix + matrix.T) / 2), np.eye(k))
    return variance * np.diag(inverse).copy()
