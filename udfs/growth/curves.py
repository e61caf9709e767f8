"""Curves of single lesions with bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.growth.individual import ConditionalDraws
from udfs.growth.modes import ConditionalModes
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.result import GrowthFit


@dataclass(frozen=True)
class Curves:
    """Predicted volumes of k lesions on d days, mm3."""

    position: IntArray
    """(k,) positions in ``fit.lesions``."""
    day: FloatArray
    """(d,) or (k, d) days since the first dose."""
    volume_mm3: FloatArray
    """(k, d) at the conditional mode, or the median of the draws without modes."""
    lower: FloatArray
    """(k, d) lower limit of the band."""
    upper: FloatArray
    """(k, d) upper limit of the band."""
    population_mm3: FloatArray
    """(k, d) curve of a typical lesion with this baseline and these covariates."""


def individual_curves(
    fit: GrowthFit,
    day: ArrayLike,
    draws: ConditionalDraws,
    *,
    modes: ConditionalModes | None = None,
    positions: ArrayLike | None = None,
    level: float = 0.90,
) -> Curves:
    """Each lesion's curve with a pointwise band for the curve itself (not for measurements).

    Args:
        day: (d,) the same days for all, or (k, d) for each lesion.
        draws: from ``conditional_draws``; the band is their quantiles.
        modes: from ``conditional_modes``; the line is the curve at the mode.
        positions: (k,) places in ``fit.lesions``; all by default.
        level: coverage of the band.
    """
    places = (
        np.arange(fit.n_lesions) if positions is None else np.asarray(positions, dtype=np.int64)
    )
    days = np.asarray(day, dtype=np.float64)
    grid = np.broadcast_to(days, (len(places), days.shape[-1]))
    tail = 0.5 * (1.0 - level)
    samples = _predict(fit, draws.phi[places].transpose(2, 0, 1), places, grid)
    lower, middle, upper = np.quantile(samples, [tail, 0.5, 1.0 - tail], axis=2)
    if modes is not None:
        middle = _predict(fit, modes.phi[places].T[:, :, None], places, grid)[:, :, 0]
    typical = fit.lesions.typical_phi[places].T[:, :, None]
    return Curves(places, days, middle, lower, upper, _predict(fit, typical, places, grid)[:, :, 0])


def _predict(fit: GrowthFit, phi: FloatArray, places: IntArray, grid: FloatArray) -> FloatArray:
    """(k, d, s) volumes for (p, k, s) phi on the (k, d) days."""
    data, model = fit.problem.data, fit.problem.model
    position = fit.lesions.position[places]
    v0 = np.broadcast_to(data.v0[position, None], grid.shape)
    t0 = np.broadcast_to(data.t0[position, None], grid.shape)
    times = model.times(grid, v0, t0).take((..., None))
    psi = [one.to_psi(phi[k])[:, None, :] for k, one in enumerate(model.parameters)]
    return model.predict(psi, times)
