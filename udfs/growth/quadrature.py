"""Gauss-Hermite quadrature in several dimensions."""

from __future__ import annotations

import numpy as np

from udfs.growth.parameters import FloatArray


def gauss_hermite(p: int, per_axis: int) -> tuple[FloatArray, FloatArray]:
    """(K, p) nodes z and (K,) log weights: the integral of g over R^p is about sum(weight g(z)).

    Exact for g = normal density times a polynomial of degree below 2 ``per_axis`` in each axis.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(per_axis)
    grid = np.stack(np.meshgrid(*[nodes] * p, indexing="ij"), axis=-1).reshape(-1, p)
    product = np.stack(np.meshgrid(*[np.log(weights)] * p, indexing="ij"), axis=-1)
    return grid, product.reshape(-1, p).sum(axis=1) + 0.5 * (grid**2).sum(axis=1)
