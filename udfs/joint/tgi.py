"""Metrics of tumor growth inhibition from curves, and survival regressed on them.

Of a patient's sum of diameters SLD(t): its size on day 0, the ratio of week 8 to it, the time to
growth (the day of the smallest sum, 0 if it grows from the start, cut at 3,000 days), and the depth
(the smallest over that of day 0). Of draws these are metrics with a spread: what a patient who died
early left open is not taken as measured.

    log T = x' beta + sigma W

with W normal (log-normal T), logistic (log-logistic) or of the smallest extreme value (Weibull), T
right-censored (Claret et al. 2009, J Clin Oncol 27:4103; R's ``survreg``). With z = (log t - x'
beta) / sigma the log-likelihood is the sum of d (log f(z) - log sigma) + (1 - d) log S(z), of log
times; ``loglik`` is that of times (less log t per event), as in R.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr

from udfs.joint.arrays import FloatArray, log_sum_by
from udfs.joint.errors import JointDataError
from udfs.joint.lesions import Lesions

WEEK_8_DAYS = 56.0
LAST_DAY, GRID_STEP = 3000.0, 5.0
GOLDEN_STEPS = 60
TOLERANCE, MAX_STEPS = 1e-10, 60

Distribution = Literal["lognormal", "loglogistic", "weibull"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("lognormal", "loglogistic", "weibull")


@dataclass(frozen=True)
class SumMetrics:
    """Of P patients in M draws; NaN for patients without lesions."""

    sld_day_0_mm: FloatArray
    """(P, M)"""
    ratio_week_8: FloatArray
    time_to_growth_days: FloatArray
    """0 where the sum grows from the start, 3,000 where it still shrinks then."""
    depth: FloatArray


def sum_metrics(lesions: Lesions, phi: FloatArray) -> SumMetrics:
    """Metrics of every patient in every draw.

    The minimum is looked for on a grid of 5 days, then by golden sections.

    Args:
        phi: (n, M, 3) Gaussian scale.
    """
    p, draws = lesions.n_patients, phi.shape[1]
    # Each draw of a lesion as a lesion, so that each may have a day of its own.
    wide = replace(
        lesions,
        v0=np.repeat(lesions.v0, draws),
        t0=np.repeat(lesions.t0, draws),
        d0=np.repeat(lesions.d0, draws),
    )
    flat = phi.reshape(-1, 1, phi.shape[2])

    def log_sld(days: FloatArray) -> FloatArray:
        """(P, M) on (P, M) days."""
        each = wide.log_diameter(flat, days[lesions.patient].reshape(-1, 1))[:, 0, 0]
        each = each.reshape(len(phi), draws)
        return log_sum_by(each, lesions.patient, p)

    zero = np.zeros((p, draws))
    start = log_sld(zero)
    best, lowest = zero.copy(), start.copy()
    for day in np.arange(GRID_STEP, LAST_DAY + GRID_STEP, GRID_STEP):
        now = log_sld(np.full((p, draws), day))
        is_lower = now < lowest
        best[is_lower], lowest[is_lower] = day, now[is_lower]
    low, high = np.maximum(best - GRID_STEP, 0.0), np.minimum(best + GRID_STEP, LAST_DAY)
    share = 0.5 * (np.sqrt(5.0) - 1.0)
    for _ in range(GOLDEN_STEPS):
        a, b = high - share * (high - low), low + share * (high - low)
        is_left = log_sld(a) <= log_sld(b)
        low, high = np.where(is_left, low, a), np.where(is_left, b, high)
    middle = 0.5 * (low + high)
    found = log_sld(middle)
    # The ends are minima too: growth from the start, shrinkage to the end.
    day = np.where(best == 0.0, np.where(found < start - 1e-12, middle, 0.0), middle)
    is_last = best >= LAST_DAY
    day = np.where(is_last & (found >= lowest), LAST_DAY, day)
    lowest = np.minimum(np.minimum(found, lowest), start)
    nobody = ~np.isin(np.arange(p), lesions.patient)
    week_8 = np.exp(log_sld(np.full((p, draws), WEEK_8_DAYS)) - start)
    out = [np.exp(start), week_8, day, np.exp(lowest - start)]
    for one in out:
        one[nobody] = np.nan
    return SumMetrics(*out)


@dataclass(frozen=True)
class SurvivalRegression:
    """A fitted accelerated failure time model of S = p + 1 parameters."""

    distribution: Distribution
    labels: tuple[str, ...]
    """intercept, covariates, log_scale."""
    estimates: FloatArray
    """(S,)"""
    covariance: FloatArray
    """(S, S) inverse of the observed information."""
    loglik: float
    n: int
    n_events: int
    is_converged: bool

    @property
    def standard_errors(self) -> FloatArray:
        """(S,) roots of the covariance's diagonal."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def aic(self) -> float:
        """-2 log-likelihood + 2 S."""
        return -2.0 * self.loglik + 2.0 * len(self.estimates)

    def survival(self, columns: FloatArray, days: ArrayLike) -> FloatArray:
        """(n, t) S(t | x) of patients with (n, p) covariates."""
        t, sigma = np.asarray(days, dtype=np.float64), np.exp(self.estimates[-1])
        centre = self.estimates[0] + columns @ self.estimates[1:-1]
        z = (np.log(t) - centre[:, None]) / sigma
        return np.asarray(np.exp(_LOG_SURVIVAL[self.distribution](z)[0]), dtype=np.float64)

    def median_of_group(self, columns: FloatArray) -> float:
        """Day on which the mean survival of the patients is a half."""
        low, high = -50.0, 50.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            is_above = self.survival(columns, [np.exp(middle)]).mean() > 0.5
            low, high = (middle, high) if is_above else (low, middle)
        return float(np.exp(0.5 * (low + high)))


def survival_regression(
    time: ArrayLike,
    is_event: ArrayLike,
    columns: FloatArray,
    names: Sequence[str],
    distribution: Distribution,
) -> SurvivalRegression:
    """Maximum likelihood by Newton's method.

    Args:
        time: (n,) above 0.
        is_event: (n,) False where right-censored.
        columns: (n, p) covariates, none missing.
        names: (p,)

    Raises:
        JointDataError: lengths differ, a time is not above 0, no event, a covariate is missing, or
            the covariates are linearly dependent.
    """
    t, died = np.asarray(time, dtype=np.float64), np.asarray(is_event).astype(bool)
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution {distribution!r} is none of {', '.join(DISTRIBUTIONS)}")
    if not len(t) == len(died) == len(columns) or columns.shape[1] != len(names):
        raise JointDataError(
            f"{len(t)} times, {len(died)} events and {columns.shape} covariates do not fit"
        )
    if not (np.isfinite(t) & (t > 0)).all() or not np.isfinite(columns).all():
        raise JointDataError("a time is not above 0 or a covariate is missing")
    x = np.column_stack([np.ones(len(t)), columns])
    if not died.any():
        raise JointDataError("no patient has the event: survival cannot be regressed")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise JointDataError(f"the covariates {', '.join(names)} depend on each other")
    log_t = np.log(t)
    theta = np.zeros(x.shape[1] + 1)
    theta[:-1] = np.linalg.lstsq(x, log_t, rcond=None)[0]
    theta[-1] = np.log(max(float((log_t - x @ theta[:-1]).std()), 1e-3))
    value, score, information = _expansion(theta, x, log_t, died, distribution)
    is_converged = False
    for _ in range(MAX_STEPS):
        values, vectors = np.linalg.eigh(information)
        safe = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
        step = vectors @ ((vectors.T @ score) / safe)
        if float(score @ step) < TOLERANCE and values[0] > 0:
            is_converged = True
            break
        for _ in range(30):
            tried = _expansion(theta + step, x, log_t, died, distribution)
            if tried[0] > value - 1e-12 * abs(value):
                break
            step = 0.5 * step
        theta = theta + step
        value, score, information = tried
    covariance = np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)
    return SurvivalRegression(
        distribution,
        ("intercept", *names, "log_scale"),
        theta,
        covariance,
        value - float(log_t[died].sum()),
        len(t),
        int(died.sum()),
        is_converged,
    )


Derivatives = tuple[FloatArray, FloatArray, FloatArray]
"""A function of z with its first and second derivative."""


def _expansion(
    theta: FloatArray,
    x: FloatArray,
    log_t: FloatArray,
    died: np.ndarray,
    distribution: Distribution,
) -> tuple[float, FloatArray, FloatArray]:
    """Log-likelihood of log times, score and observed information.

    With l(z) the term of a patient, dz/dbeta = -x / sigma, dz/dlog sigma = -z.
    """
    sigma = float(np.exp(theta[-1]))
    z = (log_t - x @ theta[:-1]) / sigma
    density, alive = _LOG_DENSITY[distribution](z), _LOG_SURVIVAL[distribution](z)
    value, first, second = (np.where(died, a, b) for a, b in zip(density, alive, strict=True))
    d = died.astype(np.float64)
    score = np.append(-(x * first[:, None]).sum(axis=0) / sigma, (-first * z - d).sum())
    p = x.shape[1]
    information = np.empty((p + 1, p + 1))
    information[:p, :p] = -(x * second[:, None]).T @ x / sigma**2
    cross = -(x * (second * z + first)[:, None]).sum(axis=0) / sigma
    information[:p, p] = information[p, :p] = cross
    information[p, p] = -(second * z**2 + first * z).sum()
    return float(value.sum() - d.sum() * theta[-1]), score, information


def _normal_density(z: FloatArray) -> Derivatives:
    return -0.5 * z**2 - 0.5 * np.log(2.0 * np.pi), -z, np.full_like(z, -1.0)


def _normal_survival(z: FloatArray) -> Derivatives:
    value = log_ndtr(-z)
    hazard = np.exp(-0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - value)
    return value, -hazard, -hazard * (hazard - z)


def _logistic_survival(z: FloatArray) -> Derivatives:
    value = -np.logaddexp(0.0, z)
    share = np.exp(z + value)
    return value, -share, -share * (1.0 - share)


def _logistic_density(z: FloatArray) -> Derivatives:
    value, first, second = _logistic_survival(z)
    return z + 2.0 * value, 1.0 + 2.0 * first, 2.0 * second


def _extreme_survival(z: FloatArray) -> Derivatives:
    rise = np.exp(np.minimum(z, 300.0))
    return -rise, -rise, -rise


def _extreme_density(z: FloatArray) -> Derivatives:
    rise = np.exp(np.minimum(z, 300.0))
    return z - rise, 1.0 - rise, -rise


_LOG_DENSITY: dict[Distribution, Callable[[FloatArray], Derivatives]] = {
    "lognormal": _normal_density,
    "loglogistic": _logistic_density,
    "weibull": _extreme_density,
}
_LOG_SURVIVAL: dict[Distribution, Callable[[FloatArray], Derivatives]] = {
    "lognormal": _normal_survival,
    "loglogistic": _logistic_survival,
    "weibull": _extreme_survival,
}
