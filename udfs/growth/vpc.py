"""Prediction-corrected visual predictive check (Bergstrand 2011).

Measurements and simulations are divided by their own population prediction and multiplied by the
bin's median one, so that lesions of 300 and of 300,000 mm3 can share a picture. Percentiles of the
measurements per bin of time should run inside the band of the same percentiles of simulations.
Censored measurements enter as draws from their conditional distribution; how many are censored is
checked apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.npde import usual_limit
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.residuals import Residuals
from udfs.growth.result import GrowthFit
from udfs.growth.simulation import simulate_rows

PERCENTILES = (5.0, 50.0, 95.0)
BATCH = 20
"""Replicates simulated at a time."""


@dataclass(frozen=True)
class PredictiveCheck:
    """Bins of time (k) and percentiles (q)."""

    day_from: FloatArray
    """(k,)"""
    day_to: FloatArray
    """(k,)"""
    day_middle: FloatArray
    """(k,) median day of the bin's rows."""
    n_rows: IntArray
    """(k,)"""
    percentile: FloatArray
    """(q,)"""
    observed: FloatArray
    """(k, q) percentiles of the prediction-corrected measurements, mm3."""
    lower: FloatArray
    """(k, q) lower limit of the simulated percentiles."""
    median: FloatArray
    """(k, q) their median."""
    upper: FloatArray
    """(k, q) their upper limit."""
    is_inside: BoolArray
    """(k, q) lower <= observed <= upper."""
    censored_observed: FloatArray
    """(k,) share of the rows that are left-censored."""
    censored_lower: FloatArray
    """(k,) lower limit of that share in simulations under the same limits of quantification."""
    censored_upper: FloatArray
    """(k,)"""
    level: float
    """Coverage of the bands."""


def predictive_check(
    fit: GrowthFit,
    residuals: Residuals,
    *,
    n_bins: int = 12,
    n_simulations: int = 200,
    level: float = 0.90,
    seed: int = 20230607,
) -> PredictiveCheck:
    """Compare the measurements with simulations of the same schedule.

    Args:
        residuals: from ``residuals(fit, ...)``: the measurements, censored ones drawn.
        n_bins: bins of about equal numbers of rows; days that are equal share a bin.
        n_simulations: replicates of the whole data set.
    """
    problem = fit.problem
    order = np.argsort(problem.rows)
    day = problem.data.time[residuals.data_row]
    edges = np.unique(np.quantile(day, np.linspace(0.0, 1.0, n_bins + 1)))
    bin_of = np.clip(np.searchsorted(edges, day, "right") - 1, 0, max(len(edges) - 2, 0))
    used, bin_of = np.unique(bin_of, return_inverse=True)
    k = len(used)
    middle = np.array([np.median(residuals.population_mm3[bin_of == one]) for one in range(k)])
    factor = middle[bin_of] / residuals.population_mm3
    limit = np.where(residuals.is_censored, problem.upper[order], np.nan)
    usual = usual_limit(limit)
    groups = [np.flatnonzero(bin_of == one) for one in range(k)]
    simulated = np.empty((n_simulations, k, len(PERCENTILES)))
    censored = np.empty((n_simulations, k))
    for start in range(0, n_simulations, BATCH):
        count = min(BATCH, n_simulations - start)
        y = simulate_rows(problem, fit.population, count, seed, batch=start // BATCH)[order]
        corrected = y * factor[:, None]
        for one, rows in enumerate(groups):
            simulated[start : start + count, one] = np.percentile(
                corrected[rows], PERCENTILES, axis=0
            ).T
            censored[start : start + count, one] = (y[rows] < usual).mean(axis=0)
    tail = 0.5 * (1.0 - level)
    lower, median, upper = np.quantile(simulated, [tail, 0.5, 1.0 - tail], axis=0)
    censored_lower, censored_upper = np.quantile(censored, [tail, 1.0 - tail], axis=0)
    measured = residuals.observed_mm3 * factor
    observed = np.array([np.percentile(measured[rows], PERCENTILES) for rows in groups])
    is_left = residuals.is_censored & (problem.upper[order] == problem.y[order])
    return PredictiveCheck(
        day_from=np.array([day[rows].min() for rows in groups]),
        day_to=np.array([day[rows].max() for rows in groups]),
        day_middle=np.array([np.median(day[rows]) for rows in groups]),
        n_rows=np.array([len(rows) for rows in groups]),
        percentile=np.array(PERCENTILES),
        observed=observed,
        lower=lower,
        median=median,
        upper=upper,
        is_inside=(lower <= observed) & (observed <= upper),
        censored_observed=np.array([is_left[rows].mean() for rows in groups]),
        censored_lower=censored_lower,
        censored_upper=censored_upper,
        level=level,
    )
