"""Prediction for a patient at a landmark, from the sizes up to then.

With draws b_m of the curves given the sizes up to landmark t (never those of the whole record), and
the patient alive at t,

    pi(t + dt | t) = sum_m S(t + dt | b_m) / sum_m S(t | b_m),   w_m = S(t | b_m) / sum S(t | b).

A measured size on a later day is, given b_m, N(V_m, (b V_m)^2): its quantiles and the probability
of progression are those of the mixture with weights w_m. The mean is not given: a few draws with a
large kg rule it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from udfs.growth.data import GrowthData
from udfs.growth.population import Population
from udfs.growth.restore import fit_at
from udfs.joint.arrays import FloatArray
from udfs.joint.draws import CurveDraws
from udfs.joint.errors import JointDataError
from udfs.joint.estimate import JointFit, Longitudinal
from udfs.joint.hazards import Baseline
from udfs.joint.lesions import Lesions
from udfs.joint.likelihood import MAX_LOG_HAZARD, PATIENTS_PER_BLOCK
from udfs.joint.links import link_labels, link_values

PROGRESSION_RATIO, PROGRESSION_MM = 1.2, 5.0
"""RECIST 1.1 for the sum, here of one lesion: a fifth and 5 mm above the smallest diameter."""
THETA_PURPOSE = 74
MAX_ESTIMATES = 100
"""Draws of the hazard's estimates, which the curves take by turns."""


@dataclass(frozen=True)
class FittedHazard:
    """A hazard with links, and the error of its estimates."""

    baseline: Baseline
    links: tuple[str, ...]
    theta: FloatArray
    """(S,) alpha, covariates, baseline."""
    covariance: FloatArray
    """(S, S)"""
    log_kg_centre: float = 0.0

    @classmethod
    def of(cls, fit: JointFit, longitudinal: Longitudinal, links: Sequence[str]) -> FittedHazard:
        """Of a joint fit with these links."""
        centre = float(longitudinal.point.population.coefficients[0, 0])
        return cls(fit.model.baseline, tuple(links), fit.theta, fit.covariance, centre)

    def cumulative(
        self,
        lesions: Lesions,
        draws: CurveDraws,
        covariates: FloatArray,
        start: float,
        stop: float,
        theta: FloatArray,
    ) -> FloatArray:
        """(P, M) integral of the hazard from ``start`` to ``stop``.

        Args:
            covariates: (P, C)
            theta: (S,) for all draws, or (R, S) that they take by turns.
        """
        p, k = len(draws.patient), len(link_labels(self.links, lesions.organs))
        rows = np.atleast_2d(theta)
        c, turn = covariates.shape[1], np.arange(draws.n_draws) % len(rows)
        out = np.empty((p, draws.n_draws))
        for begin in range(0, p, PATIENTS_PER_BLOCK):
            part = slice(begin, min(begin + PATIENTS_PER_BLOCK, p))
            mine, own = lesions.some(part)
            n = part.stop - part.start
            nodes = self.baseline.nodes(np.full(n, start), np.full(n, stop)).that_count()
            values = link_values(
                self.links,
                mine,
                draws.phi[own],
                draws.u[part],
                nodes.days,
                log_kg_centre=self.log_kg_centre,
            )
            eta = np.einsum("Pmqk,mk->Pmq", values, rows[turn, :k], optimize=True)
            eta += (covariates[part] @ rows[:, k : k + c].T)[:, turn, None]
            risk = np.exp(np.minimum(eta, MAX_LOG_HAZARD))
            weight = np.stack(
                [self.baseline.weights(nodes, one[k + c :]).value for one in rows], axis=1
            )
            out[part] = (risk * weight[:, turn]).sum(axis=2)
        return out


@dataclass(frozen=True)
class PredictedSurvival:
    """Of P patients alive at the landmark, at H horizons."""

    landmark: float
    horizons: FloatArray
    """(H,) days from the landmark."""
    survival: FloatArray
    """(P, H) pi."""
    lower: FloatArray
    """(P, H) quantile of S(t + dt | b) / S(t | b) over curves and estimates."""
    upper: FloatArray
    weight: FloatArray
    """(P, M) of the draws, given that the patient lives at the landmark."""


def at_landmark(
    longitudinal: Longitudinal,
    data: GrowthData,
    *,
    n_nodes: int = 0,
    seed: int = 20230607,
    threads: int = 1,
) -> Longitudinal:
    """The same longitudinal model on sizes up to a landmark.

    Args:
        data: with the covariates of the fit, sizes up to the landmark (or of new patients).
        n_nodes, seed, threads: see ``fit_at``.

    Raises:
        JointDataError: the data lack a level of a covariate that the fit has.
    """
    old, point = longitudinal.fit, longitudinal.point
    problem = old.problem
    total = Population(
        point.population.coefficients,
        point.population.omega + np.diag(point.between**2),
        point.population.error,
    )
    labels = old.structure.labels
    natural = old.structure.natural(old.structure.pack(total))
    columns, mask = problem.design.columns, problem.design.mask
    covariates: dict[str, list[str]] = {name: [] for name in old.parameter_names}
    references = {}
    for column, acts_on in zip(columns, mask, strict=True):
        for name, acts in zip(old.parameter_names, acts_on, strict=True):
            if column.covariate and acts and column.covariate not in covariates[name]:
                covariates[name].append(column.covariate)
        if column.level:
            references[column.covariate] = column.reference
    fit = fit_at(
        data,
        dict(zip(labels, natural.tolist(), strict=True)),
        model=problem.model,
        error=problem.error.kind,
        omega=old.structure.omega_kind,
        covariates=covariates,
        references=references,
        censoring=problem.censoring,
        count_baseline=problem.count_baseline,
        n_nodes=n_nodes,
        seed=seed,
        threads=threads,
    )
    if [(one.covariate, one.level) for one in fit.problem.design.columns] != [
        (one.covariate, one.level) for one in columns
    ]:
        raise JointDataError("the sizes up to the landmark lack a level of a covariate of the fit")
    return Longitudinal(fit, point, longitudinal.covariance)


def predict_survival(
    hazard: FittedHazard,
    lesions: Lesions,
    draws: CurveDraws,
    covariates: FloatArray,
    *,
    landmark: float,
    horizons: Sequence[float],
    confidence: float = 0.95,
    seed: int = 20230607,
) -> PredictedSurvival:
    """For each patient of the draws.

    Args:
        lesions: those of ``draws``.
        draws: given sizes up to the landmark.
        covariates: (P, C) of the hazard.
        landmark: day, above 0.
        horizons: days from it.
        seed: of the estimates that the limits are drawn with.
    """
    tail = 0.5 * (1.0 - confidence)
    rng = np.random.default_rng([seed, THETA_PURPOSE])
    several = rng.multivariate_normal(
        hazard.theta, hazard.covariance, size=min(draws.n_draws, MAX_ESTIMATES), method="eigh"
    )
    before, spread = (
        hazard.cumulative(lesions, draws, covariates, 0.0, landmark, theta)
        for theta in (hazard.theta, several)
    )
    weight, own = _weights(-before), _weights(-spread)
    shape = (len(draws.patient), len(horizons))
    survival, lower, upper = np.empty(shape), np.empty(shape), np.empty(shape)
    for h, days in enumerate(horizons):
        ahead, wide = (
            hazard.cumulative(lesions, draws, covariates, landmark, landmark + days, theta)
            for theta in (hazard.theta, several)
        )
        survival[:, h] = (weight * np.exp(-ahead)).sum(axis=1)
        lower[:, h], upper[:, h] = (
            _weighted_quantile(np.exp(-wide), own, q) for q in (tail, 1.0 - tail)
        )
    return PredictedSurvival(
        landmark, np.asarray(horizons, dtype=np.float64), survival, lower, upper, weight
    )


@dataclass(frozen=True)
class PredictedSizes:
    """Of n lesions measured on a later day, given that the patient lives at the landmark."""

    median_mm3: FloatArray
    """(n,)"""
    lower_mm3: FloatArray
    upper_mm3: FloatArray
    progression: FloatArray
    """(n,) P(diameter >= max(1.2 nadir, nadir + 5 mm))."""


def predict_sizes(
    lesions: Lesions,
    draws: CurveDraws,
    weight: FloatArray,
    error: float,
    nadir_mm: FloatArray,
    day: float,
    *,
    confidence: float = 0.9,
) -> PredictedSizes:
    """The next measurement of each lesion, under a proportional error.

    Args:
        weight: (P, M) of ``PredictedSurvival``.
        error: b, coefficient of variation of a measured volume.
        nadir_mm: (n,) smallest diameter up to the landmark, baseline included.
        day: of the measurement.
    """
    days = np.full((len(lesions.v0), 1), day)
    log_ratio = 3.0 * (lesions.log_diameter(draws.phi, days)[..., 0] - np.log(lesions.d0)[:, None])
    log_volume = np.log(lesions.v0)[:, None] + log_ratio
    own = weight[lesions.patient]
    limit_mm = np.maximum(PROGRESSION_RATIO * nadir_mm, nadir_mm + PROGRESSION_MM)
    log_limit = np.log(lesions.v0) + 3.0 * (np.log(limit_mm) - np.log(lesions.d0))
    tail = 0.5 * (1.0 - confidence)
    median, lower, upper = (
        np.exp(_mixture_quantile(log_volume, own, error, q)) for q in (0.5, tail, 1.0 - tail)
    )
    return PredictedSizes(median, lower, upper, 1.0 - _below(log_limit, log_volume, own, error))


def _below(
    log_size: FloatArray, log_volume: FloatArray, weight: FloatArray, error: float
) -> FloatArray:
    """(n,) P(measured <= size) = sum_m w_m Phi((size / V_m - 1) / b)."""
    ratio = np.exp(np.minimum(log_size[:, None] - log_volume, MAX_LOG_HAZARD))
    return np.asarray((weight * ndtr((ratio - 1.0) / error)).sum(axis=1))


def _mixture_quantile(
    log_volume: FloatArray, weight: FloatArray, error: float, share: float
) -> FloatArray:
    """(n,) log sizes, by bisection between the extremes of the draws."""
    low = log_volume.min(axis=1) - 3.0
    high = log_volume.max(axis=1) + np.log1p(8.0 * error)
    for _ in range(60):
        middle = 0.5 * (low + high)
        is_below = _below(middle, log_volume, weight, error) < share
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray(0.5 * (low + high))


def _weights(log_weight: FloatArray) -> FloatArray:
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _weighted_quantile(values: FloatArray, weight: FloatArray, share: float) -> FloatArray:
    """(P,) smallest value whose cumulated weight reaches ``share``."""
    order = np.argsort(values, axis=1, kind="stable")
    reached = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1) >= share - 1e-12
    place = np.argmax(reached, axis=1)
    found = np.take_along_axis(values, order, axis=1)[np.arange(len(values)), place]
    return np.asarray(found, dtype=np.float64)
