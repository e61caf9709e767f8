"""Prediction-corrected visual predictive check (Bergstrand 2011).

Measurements and simulations are divided by their own population prediction and multiplied by the
bin's median one, so that lesions of 300 and of 300,000 mm3 can share a picture. Percentiles of the
measurements per bin of time should run inside the band of the same percentiles of simulations.
Censored measurements enter as draws from their conditional distribution; how many are censored is
checked apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    censored_median: FloatArray
    """(k,)"""
    censored_upper: FloatArray
    """(k,)"""
    level: float
    """Coverage of the bands."""
    raw_observed: FloatArray
    """(k, q) as ``observed`` without prediction correction, mm3."""
    raw_lower: FloatArray
    """(k, q) as ``lower`` without prediction correction."""
    raw_median: FloatArray
    """(k, q)"""
    raw_upper: FloatArray
    """(k, q)"""
    followed_observed: FloatArray | None = None
    """(k,) where patients leave in the simulations too (``vpc_dropout``): Kaplan-Meier share of
    patients who have neither progressed nor died by ``day_middle``; else None, as the next three.
    """
    followed_lower: FloatArray | None = None
    """(k,) lower limit of that share in simulations."""
    followed_median: FloatArray | None = None
    """(k,)"""
    followed_upper: FloatArray | None = None
    """(k,)"""

    @property
    def simulates_dropout(self) -> bool:
        """Whether simulated patients leave; else they stay as long as the real ones did."""
        return self.followed_observed is not None


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
    everyone = {"": np.ones(len(residuals.data_row), dtype=bool)}
    found = predictive_checks(
        fit,
        residuals,
        everyone,
        n_bins=n_bins,
        rows_per_bin=1,
        n_simulations=n_simulations,
        level=level,
        seed=seed,
    )
    return found[""]


def predictive_checks(
    fit: GrowthFit,
    residuals: Residuals,
    strata: Mapping[str, BoolArray],
    *,
    n_bins: int = 12,
    rows_per_bin: int = 50,
    n_simulations: int = 200,
    level: float = 0.90,
    seed: int = 20230607,
) -> dict[str, PredictiveCheck]:
    """The same for several sets of rows from one set of simulations.

    Args:
        strata: name -> (m,) rows of ``residuals`` that belong to it, at least one.
        rows_per_bin: a stratum with fewer rows than ``n_bins`` times that has fewer bins.
        n_bins, n_simulations, level, seed: as in ``predictive_check``.
    """
    problem = fit.problem
    order = np.argsort(problem.rows)
    day = problem.data.time[residuals.data_row]
    usual = usual_limit(np.where(residuals.is_censored, problem.upper[order], np.nan))
    bins = {
        name: _bins(day, np.flatnonzero(rows), n_bins, rows_per_bin)
        for name, rows in strata.items()
    }
    typical = {
        name: [float(np.median(residuals.population_mm3[rows])) for rows in groups]
        for name, groups in bins.items()
    }
    simulated = {name: np.empty((n_simulations, len(g), 3)) for name, g in bins.items()}
    raw = {name: np.empty((n_simulations, len(g), 3)) for name, g in bins.items()}
    censored = {name: np.empty((n_simulations, len(g))) for name, g in bins.items()}
    for start in range(0, n_simulations, BATCH):
        count = min(BATCH, n_simulations - start)
        y = simulate_rows(problem, fit.population, count, seed, batch=start // BATCH)[order]
        now = slice(start, start + count)
        relative = y / residuals.population_mm3[:, None]
        for name, groups in bins.items():
            for one, rows in enumerate(groups):
                # A percentile of corrected values: the bin's factor can be multiplied afterwards.
                found = np.percentile(relative[rows], PERCENTILES, axis=0).T
                simulated[name][now, one] = found * typical[name][one]
                raw[name][now, one] = np.percentile(y[rows], PERCENTILES, axis=0).T
                censored[name][now, one] = (y[rows] < usual).mean(axis=0)
    tail = 0.5 * (1.0 - level)
    tails = [tail, 0.5, 1.0 - tail]
    is_left = residuals.is_censored & (problem.upper[order] == problem.y[order])
    out = {}
    for name, groups in bins.items():
        out[name] = check_of(
            day,
            residuals,
            is_left,
            groups,
            typical[name],
            np.quantile(simulated[name], tails, axis=0),
            np.quantile(raw[name], tails, axis=0),
            np.quantile(censored[name], tails, axis=0),
            level,
        )
    return out


def check_of(
    day: FloatArray,
    residuals: Residuals,
    is_below: BoolArray,
    groups: Sequence[IntArray],
    typical: Sequence[float] | FloatArray,
    bands: FloatArray,
    raw_bands: FloatArray,
    censored: FloatArray,
    level: float,
) -> PredictiveCheck:
    """The measurements of k bins beside the bands that simulations left.

    Args:
        day: (m,) of the measured rows.
        residuals: m measurements and their population predictions.
        is_below: (m,) they are below the limit of quantification.
        groups: rows of each bin.
        typical: (k,) median population prediction of each bin's rows.
        bands: (3, k, q) lower limit, median and upper limit of the simulated percentiles, mm3.
        raw_bands: (3, k, q) the same without prediction correction.
        censored: (3, k) the same of the share below the limit.
    """
    measured = residuals.observed_mm3
    corrected = measured / residuals.population_mm3
    observed = np.array([np.percentile(corrected[rows], PERCENTILES) for rows in groups])
    observed *= np.asarray(typical)[:, None]
    lower, median, upper = bands
    few, half, many = censored
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
        censored_observed=np.array([is_below[rows].mean() for rows in groups]),
        censored_lower=few,
        censored_median=half,
        censored_upper=many,
        level=level,
        raw_observed=np.array([np.percentile(measured[rows], PERCENTILES) for rows in groups]),
        raw_lower=raw_bands[0],
        raw_median=raw_bands[1],
        raw_upper=raw_bands[2],
    )


def bin_edges(day: FloatArray, n_bins: int, rows_per_bin: int) -> FloatArray:
    """Limits of bins of about equal numbers of rows, first and last day included."""
    count = max(1, min(n_bins, len(day) // rows_per_bin))
    return np.unique(np.quantile(day, np.linspace(0.0, 1.0, count + 1)))


def bins_of(day: FloatArray, edges: FloatArray) -> IntArray:
    """The bin of each day; a day on a limit belongs to the later one, the last day to the last."""
    return np.clip(np.searchsorted(edges, day, "right") - 1, 0, max(len(edges) - 2, 0))


def _bins(day: FloatArray, rows: IntArray, n_bins: int, rows_per_bin: int) -> list[IntArray]:
    """Rows of each bin of time; equal days share a bin."""
    bin_of = bins_of(day[rows], bin_edges(day[rows], n_bins, rows_per_bin))
    return [rows[bin_of == one] for one in np.unique(bin_of)]
