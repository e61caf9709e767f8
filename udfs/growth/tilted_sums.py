"""Weighted sums over a lesion's nodes at all points of a grid of its patient's effect.

With weights a_s of the nodes s of one lesion, features F_s, and the grid u_k = centre + L z_k, the
nested importance sum needs, for every k,

    T_k = sum_s a_s exp(sum_j z_kj g_sj),    E_k = sum_s a_s exp(sum_j z_kj g_sj) F_s / T_k,

g_s = L' Omega^-1 r_s being the slope of the exponent along each axis of the grid. On a grid of m
points per axis the exponential is a product over the axes: that of the first p - 1 axes makes the
left, that of the last times the features the right factor of one matrix product. So there are
m^(p-1) + m exponentials of a node instead of m^p, and the same sums.

Once the grid's points have weights w_k, sums over k of w_k z_k z_k' E_k[F F'] and the like need
each node's share of them,

    b_s = sum_k w_k h(z_k) a_s exp(sum_j z_kj g_sj) / T_k,    h = 1, z_a, z_a z_b,

whose weighted sum of F F' is the wanted one: the products of features are then summed once for
each of the (p + 1) (p + 2) / 2 monomials h, not once for each of the m^p points.
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.quadrature import lower_pairs, tensor_grid

LARGEST_SPREAD = {np.dtype(np.float32): 40.0, np.dtype(np.float64): 300.0}
"""By how much the last axis may move log weights between nodes that matter: the product of two
factors then neither overflows nor loses what counts. Lesions beyond it are summed in double
precision, those beyond that directly."""
LOG_SMALLEST = {np.dtype(np.float32): -60.0, np.dtype(np.float64): -400.0}
"""Log weight over the largest one at a point of the first axes: nodes with less nowhere matter."""

Kind = type[np.floating[Any]]


def monomials(z: FloatArray) -> FloatArray:
    """(..., h) of (..., p) points: 1; each z_a; z_a z_b by ``tril_indices``."""
    rows, columns = lower_pairs(z.shape[-1])
    return np.concatenate([np.ones((*z.shape[:-1], 1)), z, z[..., rows] * z[..., columns]], axis=-1)


class TiltedSums:
    """The sums of n lesions with R nodes each on grids of K = m^p points, the last axis fastest."""

    def __init__(
        self, log_weight: FloatArray, slopes: FloatArray, z: FloatArray, kind: Kind
    ) -> None:
        """Make the factors.

        Args:
            log_weight: (n, R) log a_s.
            slopes: (n, p, R) g_s.
            z: (m,) points of an axis, ascending.
            kind: precision of the weights and products.
        """
        self.n, self.p, self.count = slopes.shape
        self.n_points, self.kind = len(z) ** self.p, kind
        near = _Factored(log_weight, slopes, z, kind)
        is_far = near.spread > LARGEST_SPREAD[np.dtype(kind)]
        self.groups: list[tuple[IntArray | slice, _Factored | _Direct]] = [(slice(None), near)]
        if not is_far.any():
            return
        kept, far = np.flatnonzero(~is_far), np.flatnonzero(is_far)
        self.groups = [(kept, near.some(kept))]
        double = _Factored(log_weight[far], slopes[far], z, np.float64)
        is_farther = double.spread > LARGEST_SPREAD[np.dtype(np.float64)]
        for some, way in ((far[~is_farther], _Factored), (far[is_farther], _Direct)):
            self.groups.append((some, way(log_weight[some], slopes[some], z, np.float64)))
        self.groups = [(some, group) for some, group in self.groups if len(group)]

    def means(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, K) log T_k and (n, f, K) E_k of (n, f, R) finite features of the same precision."""
        log_total = np.empty((self.n, self.n_points))
        mean = np.empty((self.n, features.shape[1], self.n_points))
        for places, group in self.groups:
            log_total[places], mean[places] = group.means(features[places])
        return log_total, mean

    def node_weights(self, weight: FloatArray) -> FloatArray:
        """(n, h, R) b_s of each of the h ``monomials``, for (n, K) weights; after ``means``."""
        out: FloatArray = np.empty((self.n, len(_exponents(self.p)), self.count), self.kind)
        for places, group in self.groups:
            out[places] = group.node_weights(weight[places])
        return out


class _Factored:
    """Exponentials as products of two factors."""

    def __init__(
        self, log_weight: FloatArray, slopes: FloatArray, z: FloatArray, kind: Kind
    ) -> None:
        p, self.z = slopes.shape[1], z
        self.outer = tensor_grid(z, p - 1)
        axes = np.concatenate([self.outer, np.ones((len(self.outer), 1))], axis=1).astype(kind)
        exponent = np.concatenate([slopes[:, :-1], log_weight[:, None]], axis=1, dtype=kind)
        left = axes @ exponent
        self.top = left.max(axis=2)
        left -= self.top[..., None]
        matters = left.max(axis=1) > LOG_SMALLEST[left.dtype]
        self.left = np.exp(left, out=left)
        last, at = slopes[:, -1].astype(kind), z.astype(kind)
        most = np.where(matters, last, -np.inf).max(axis=1)
        least = np.where(matters, last, np.inf).min(axis=1)
        self.spread = np.abs(at).max() * (most - least)
        self.high = np.where(at >= 0, at * most[:, None], at * least[:, None])
        right = at[:, None] * last[:, None]
        right -= self.high[..., None]
        np.minimum(right, 0.0, out=right)
        self.right = np.exp(right, out=right)
        self.total: FloatArray = np.empty(0)

    def __len__(self) -> int:
        return len(self.left)

    def some(self, lesions: IntArray) -> _Factored:
        """The same of some lesions."""
        out = copy(self)
        for name in ("left", "top", "right", "high", "spread"):
            setattr(out, name, getattr(self, name)[lesions])
        return out

    def means(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        n, f, count = features.shape
        columns = np.empty((n, 1 + f, len(self.z), count), dtype=self.left.dtype)
        columns[:, 0] = self.right
        np.multiply(features[:, :, None], self.right[:, None], out=columns[:, 1:])
        sums = columns.reshape(n, -1, count) @ self.left.transpose(0, 2, 1)
        sums = sums.reshape(n, 1 + f, len(self.z), -1).swapaxes(2, 3)
        self.total = sums[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_total = self.top[..., None] + self.high[:, None] + np.log(self.total)
            mean = sums[:, 1:] / sums[:, :1]
        return log_total.reshape(n, -1), mean.reshape(n, f, -1)

    def node_weights(self, weight: FloatArray) -> FloatArray:
        n, points, m = self.total.shape
        share = (weight.reshape(n, points, m) / self.total).astype(self.left.dtype)
        powers = monomials(self.outer).T.astype(self.left.dtype)
        weights = share.swapaxes(1, 2)[:, :, None] * powers
        along = weights.reshape(n, -1, points) @ self.left
        by_point = along.reshape(n, m, len(powers), -1)
        by_point *= self.right[:, :, None]
        inner = _inner_powers(tuple(self.z.tolist()), self.outer.shape[1])
        return inner.astype(self.left.dtype) @ along


class _Direct:
    """An exponential for each node and point."""

    def __init__(
        self, log_weight: FloatArray, slopes: FloatArray, z: FloatArray, kind: Kind
    ) -> None:
        self.grid = tensor_grid(z, slopes.shape[1])
        weight = (self.grid @ slopes).astype(kind)
        weight += log_weight[:, None]
        self.top = weight.max(axis=2)
        weight -= self.top[..., None]
        self.weight = np.exp(weight, out=weight)

    def __len__(self) -> int:
        return len(self.weight)

    def means(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        total = self.weight.sum(axis=2)
        self.weight /= total[..., None]
        return self.top + np.log(total), features @ self.weight.transpose(0, 2, 1)

    def node_weights(self, weight: FloatArray) -> FloatArray:
        return (weight[:, None] * monomials(self.grid).T) @ self.weight


def _exponents(p: int) -> list[tuple[int, ...]]:
    """Of each of the ``monomials`` of p variables."""
    unit = np.eye(p, dtype=np.int64)
    rows, columns = lower_pairs(p)
    return [tuple(one) for one in [[0] * p, *unit.tolist(), *(unit[rows] + unit[columns]).tolist()]]


@lru_cache(maxsize=16)
def _inner_powers(z: tuple[float, ...], n_outer: int) -> FloatArray:
    """(h, m q) what takes the monomials of the first axes (q) at each point z of the last one,
    already weighted, to those of all axes."""
    outer = {one: place for place, one in enumerate(_exponents(n_outer))}
    out = np.zeros((len(_exponents(n_outer + 1)), len(z), len(outer)))
    for place, powers in enumerate(_exponents(n_outer + 1)):
        out[place, :, outer[powers[:-1]]] = np.array(z) ** powers[-1]
    return out.reshape(len(out), -1)
