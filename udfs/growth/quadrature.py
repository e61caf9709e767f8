"""Gauss-Hermite quadrature in several dimensions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from udfs.growth.parameters import FloatArray, IntArray


@lru_cache(maxsize=64)
def lower_pairs(size: int) -> tuple[IntArray, IntArray]:
    """``np.tril_indices``, kept."""
    rows, columns = np.tril_indices(size)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def gauss_hermite(p: int, per_axis: int) -> tuple[FloatArray, FloatArray]:
    """(K, p) nodes z and (K,) log weights: the integral of g over R^p is about sum(weight g(z)).

    Exact for g = normal density times a polynomial of degree below 2 ``per_axis`` in each axis.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(per_axis)
    grid = tensor_grid(nodes, p)
    product = tensor_grid(np.log(weights), p)
    return grid, product.sum(axis=1) + 0.5 * (grid**2).sum(axis=1)


def tensor_grid(axis: FloatArray, p: int) -> FloatArray:
    """(m^p, p) all points with coordinates of the (m,) axis, the last one running fastest."""
    if p == 0:
        return np.zeros((1, 0))
    return np.stack(np.meshgrid(*[axis] * p, indexing="ij"), axis=-1).reshape(-1, p)
