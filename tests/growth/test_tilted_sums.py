"""Sums over nodes and grids: the product of exponentials against the exponential of the sum."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.growth.quadrature import gauss_hermite, tensor_grid
from udfs.growth.tilted_sums import TiltedSums, monomials

SAME = {np.float64: 1e-11, np.float32: 3e-4}
"""Largest difference of a log sum or a mean of order 1. In single precision exponents of up to some
hundred are rounded at 1e-5, and several thousand terms are added."""


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("p", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [0.5, 3.0, 60.0])
def test_sums_are_those_of_an_exponential_per_node_and_point(
    kind: type[np.float64 | np.float32], p: int, scale: float
) -> None:
    """Mild and wild slopes; with the wildest a product of two factors alone would overflow."""
    rng = np.random.default_rng(p)
    n, count, per_axis = 5, 150, 4
    slopes = scale * rng.standard_normal((n, p, count))
    log_weight = -rng.gamma(2.0, 4.0, (n, count))
    log_weight[0, 3] = -1e30
    features = rng.standard_normal((n, 6, count))
    z = gauss_hermite(1, per_axis)[0][:, 0]

    sums = TiltedSums(log_weight, slopes, z, kind)
    log_total, mean = sums.means(features.astype(kind))

    grid = tensor_grid(z, p)
    exponent = log_weight[:, None] + np.einsum("ka,nas->nks", grid, slopes)
    wanted = np.logaddexp.reduce(exponent, axis=2)
    share = np.exp(exponent - wanted[..., None])
    limit = SAME[kind] * max(1.0, scale if kind is np.float32 else 1.0)
    assert log_total == pytest.approx(wanted, rel=1e-6 if kind is np.float32 else 1e-12, abs=limit)
    expected = np.einsum("nks,nfs->nfk", share, features)
    assert np.abs(mean - expected).max() < limit

    weight = rng.dirichlet(np.ones(per_axis**p), n)
    found = sums.node_weights(weight)
    of_nodes = np.einsum("nk,kh,nks->nhs", weight, monomials(grid), share)
    assert np.abs(found - of_nodes).max() < limit


def test_monomials_of_a_point_by_hand() -> None:
    assert monomials(np.array([2.0, 3.0, 5.0])).tolist() == [1, 2, 3, 5, 4, 6, 9, 10, 15, 25]
