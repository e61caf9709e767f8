"""Weighted sums over a lesion's nodes at all points of a grid of its patient's effect.

With weights a_s of the nodes s of one lesion, features F_s, and the grid u_k = centre + L z_k, the
nested importance sum needs, for every k,

    T_k = sum_s a_s exp(sum_j z_kj g_sj),    E_k = sum_s a_s exp(sum_j z_kj g_sj) F_s / T_k,

g_s = L' Omega^-1 r_s being the slope of the exponent along each axis of the grid. On a grid of m
points per axis the exponential is a product over the axes: that of the first p - 1 axes makes the
left, that of the last times the features the right factor of one matrix product. So there are
m^(p-1) + m exponentials of a node instead of m^p, and the same sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from udfs.growth.parameters import FloatArray
from udfs.growth.quadrature import tensor_grid

LARGEST_SPREAD = {np.dtype(np.float32): 40.0, np.dtype(np.float64): 300.0}
"""By how much the last axis may move log weights between nodes that matter: the product of two
factors then neither overflows nor loses what counts. Lesions beyond it are summed directly."""
LOG_SMALLEST = {np.dtype(np.float32): -60.0, np.dtype(np.float64): -400.0}
"""Log weight over the largest one at a point of the first axes: nodes with less nowhere matter."""


def tilted_sums(
    log_weight: FloatArray,
    slopes: FloatArray,
    z: FloatArray,
    features: FloatArray,
    kind: type[np.floating[Any]],
) -> tuple[FloatArray, FloatArray]:
    """Sums over the nodes of n lesions at each of the m^p points of their grids.

    Args:
        log_weight: (n, R) log a_s.
        slopes: (n, p, R) g_s.
        z: (m,) points of an axis.
        features: (n, f, R) F_s, finite.
        kind: precision of the weights and products.

    Returns:
        (n, K) log T_k and (n, K, f) E_k, the last axis running fastest in K.
    """
    n, p, count = slopes.shape
    m = len(z)
    outer = tensor_grid(z, p - 1)
    outer = np.concatenate([outer, np.ones((len(outer), 1))], axis=1).astype(kind)
    left = outer @ np.concatenate([slopes[:, :-1], log_weight[:, None]], axis=1).astype(kind)
    top = left.max(axis=2)
    left -= top[..., None]
    matters = (left.max(axis=1) > LOG_SMALLEST[left.dtype])[:, None]
    np.exp(left, out=left)
    along = z.astype(kind)[:, None] * slopes[:, -1:].astype(kind)
    high = np.where(matters, along, -np.inf).max(axis=2)
    low = np.where(matters, along, np.inf).min(axis=2)
    along -= high[..., None]
    right = np.exp(np.minimum(along, 0.0, out=along), out=along)
    wanted = np.empty((n, 1 + features.shape[1], count), dtype=kind)
    wanted[:, 0], wanted[:, 1:] = 1.0, features
    columns = (right[:, :, None] * wanted[:, None]).reshape(n, -1, count)
    sums = (left @ columns.transpose(0, 2, 1)).reshape(n, len(outer), m, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_total = top[..., None] + high[:, None] + np.log(sums[..., 0])
        mean = sums[..., 1:] / sums[..., :1]
    total, expected = log_total.reshape(n, -1), mean.reshape(n, m**p, -1)
    far = np.flatnonzero((high - low).max(axis=1) > LARGEST_SPREAD[left.dtype])
    if len(far):
        grid = tensor_grid(z, p)
        for one in far:
            part = slice(one, one + 1)
            total[part], expected[part] = _direct_sums(
                log_weight[part], slopes[part], grid, wanted[part], kind
            )
    return total, expected


def _direct_sums(
    log_weight: FloatArray,
    slopes: FloatArray,
    grid: FloatArray,
    wanted: FloatArray,
    kind: type[np.floating[Any]],
) -> tuple[FloatArray, FloatArray]:
    """The same, an exponential for each node and point; ``wanted`` begins with ones."""
    weight = (grid @ slopes).astype(kind)
    weight += log_weight.astype(kind)[:, None]
    top = weight.max(axis=2)
    weight -= top[..., None]
    np.exp(weight, out=weight)
    sums = weight @ wanted.transpose(0, 2, 1)
    return top + np.log(sums[..., 0]), sums[..., 1:] / sums[..., :1]
