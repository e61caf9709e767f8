"""A second level: lesions within patients.

phi_ij = mean_ij + u_i + eta_ij with u_i ~ N(0, Gamma) shared by all lesions of patient i (Gamma
diagonal) and eta_ij ~ N(0, Omega) the lesion's own. The likelihood is a nested importance sum,

    L_i = mean_k N(u_k; 0, Gamma) / q_i(u_k)
          prod_j mean_s p(y_ij | phi_s) N(phi_s; mean_ij + u_k, Omega) / q_ij(phi_s)

over nodes u_k of the patient and phi_s of each lesion. The latter are those of a fit without the
second level, whose proposals are wide enough. Score and Louis' information follow as in
``importance``, the complete data being (u, phi); Newton's method finds the maximum.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.growth.blas import one_blas_thread
from udfs.growth.data import GrowthDataError
from udfs.growth.information import Curvature
from udfs.growth.nested import (
    PatientNodes,
    PatientSums,
    TwoLevelPoint,
    nested_curvature,
    nested_sums,
    patient_nodes,
)
from udfs.growth.newton import newton_direction
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.proposals import Nodes, make_nodes
from udfs.growth.result import GrowthFit
from udfs.growth.settings import FitInterruptedError, FitProgress, Progress

FIRST_SHARE = 0.35
"""Share of the total variance that is between patients, to begin with."""
SMALLEST_RATIO = 0.02
"""Of a patient's standard deviation to the lesion's: below this it counts as 0."""
LARGEST_STEP = 0.4
TOLERANCE = 1e-4
MOST_STEPS = 25
NESTED_PURPOSE = 50


@dataclass(frozen=True)
class TwoLevelFit:
    """A growth model with patient and lesion effects. ``size`` estimates."""

    labels: tuple[str, ...]
    """As in ``GrowthFit``, with gamma_<parameter> for the patients' standard deviations."""
    estimates: FloatArray
    """(size,) natural scale."""
    standard_errors: FloatArray
    """(size,) Louis' information; 0 for a patient effect that was estimated as none."""
    minus2ll: float
    minus2ll_gain: float
    """-2 log-likelihood without the second level, on the same nodes, minus ``minus2ll``."""
    aic: float
    bic: float
    """With the number of patients, which are the independent units."""
    n_patients: int
    n_lesions: int
    patient_share: FloatArray
    """(p,) gamma^2 / (gamma^2 + omega^2): how much of the variance lies between patients."""
    is_boundary: BoolArray
    """(p,) the patients' effect was estimated as none."""
    patient: NDArray[np.generic]
    """(n_patients,) ids."""
    patient_mean: FloatArray
    """(n_patients, p) conditional mean of u, Gaussian scale."""
    patient_sd: FloatArray
    """(n_patients, p) conditional standard deviation of u."""
    mean_phi: FloatArray
    """(n, p) conditional means of the lesions' phi given all data of their patient; order of
    the first fit's ``lesions``."""
    sd_phi: FloatArray
    """(n, p) conditional standard deviations."""
    smallest_ess: float
    """Effective number of a patient's nodes, at the worst patient."""
    is_converged: bool
    newton_decrement: float
    theta: FloatArray
    """(size,) optimiser's scale."""


def fit_second_level(
    fit: GrowthFit,
    *,
    n_nodes: int = 448,
    n_patient_nodes: int = 128,
    seed: int = 20230607,
    threads: int = 1,
    progress: Progress | None = None,
) -> TwoLevelFit:
    """Split the variance between lesions into patients and lesions.

    Starts from a fit without the second level of data that hold ``patient``. Where patients have
    one lesion each the split is not identified: the information then is nearly singular and
    ``is_converged`` False.

    Args:
        fit: the fit without patients' effects, of the same data.
        n_nodes: nodes per lesion (rounded up to 7 * 2^k).
        n_patient_nodes: nodes per patient, a power of two.
        seed: of the nodes.
        threads: blocks of patients worked on at once.
        progress: called after each Newton step; returning False ends the fit.

    Raises:
        GrowthDataError: the data hold no patients, or no patient has two lesions.
        FitInterruptedError: the callback returned False.
    """
    patient = fit.problem.data.patient
    if patient is None:
        raise GrowthDataError("a second level needs the patient of each lesion (patient=...)")
    ids, member = np.unique(patient[fit.problem.order], return_inverse=True)
    if len(ids) == len(member):
        raise GrowthDataError("no patient has two fitted lesions: there is no second level")
    p = fit.structure.p
    omega = fit.population.omega
    theta = split_start(fit)
    nodes = make_nodes(p, n_nodes, seed, NESTED_PURPOSE)
    own = ThreadPoolExecutor(threads) if threads > 1 else nullcontext()
    with one_blas_thread(), own as pool:
        for tolerance in (1e-2, TOLERANCE):
            where = patient_nodes(fit, two_level_point(fit, theta), member, n_patient_nodes, seed)
            climb = _Climb(fit, nodes, where, threads, pool, progress)
            theta, sums, curve, decrement = climb.run(theta, tolerance)
        alone = fit.structure.unpack(fit.theta)
        tiny = TwoLevelPoint(alone, np.full(p, SMALLEST_RATIO * 0.05) * np.sqrt(np.diag(omega)))
        narrow = patient_nodes(fit, tiny, member, n_patient_nodes, seed)
        without = nested_sums(fit, tiny, nodes, narrow, threads, pool)
    return _result(fit, ids, theta, sums, curve, decrement, without.loglik)


def split_start(fit: GrowthFit) -> FloatArray:
    """Theta with the total variance split in a fixed proportion."""
    structure = fit.structure
    split = structure.n_effects
    theta = fit.theta.copy()
    theta[split : split + structure.p] += 0.5 * np.log(1.0 - FIRST_SHARE)
    if structure.omega_kind == "full":
        off = slice(split + structure.p, split + structure.n_omega)
        theta[off] *= np.sqrt(1.0 - FIRST_SHARE)
    between = np.log(fit.population.sd) + 0.5 * np.log(FIRST_SHARE)
    end = split + structure.n_omega
    return np.concatenate([theta[:end], between, theta[end:]])


def two_level_point(fit: GrowthFit, theta: FloatArray) -> TwoLevelPoint:
    """Population point and patients' standard deviations of a theta."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = np.concatenate([theta[:start], theta[stop:]])
    return TwoLevelPoint(fit.structure.unpack(inner), np.exp(theta[start:stop]))


@dataclass
class _Climb:
    """Newton's method on the nested likelihood with fixed nodes."""

    fit: GrowthFit
    nodes: Nodes
    where: PatientNodes
    threads: int
    pool: ThreadPoolExecutor | None
    progress: Progress | None
    n_steps: int = 0

    def evaluate(self, theta: FloatArray) -> tuple[PatientSums, Curvature]:
        """Sums and second-order expansion at theta."""
        point = two_level_point(self.fit, theta)
        sums = nested_sums(self.fit, point, self.nodes, self.where, self.threads, self.pool)
        self.n_steps += 1
        if self.progress is not None:
            values = dict(zip(_labels(self.fit), _natural(self.fit, theta).tolist(), strict=True))
            state = FitProgress("newton", self.n_steps, MOST_STEPS, -2.0 * sums.loglik, values)
            if self.progress(state) is False:
                raise FitInterruptedError(state)
        return sums, nested_curvature(self.fit, point, theta, sums)

    def run(
        self, theta: FloatArray, tolerance: float
    ) -> tuple[FloatArray, PatientSums, Curvature, float]:
        """Climb until the decrement is below ``tolerance``; patients' effects stay above 0."""
        sums, curve = self.evaluate(theta)
        for _ in range(MOST_STEPS):
            direction = newton_direction(_free(self.fit, theta, curve))
            decrement = float(curve.score @ direction)
            if decrement < tolerance:
                break
            step = direction * min(1.0, LARGEST_STEP / float(np.abs(direction).max()))
            for _ in range(5):
                trial = _floored(self.fit, theta + step)
                new_sums, new_curve = self.evaluate(trial)
                if new_sums.loglik > sums.loglik - 1e-3:
                    break
                step = 0.5 * step
            else:
                break
            theta, sums, curve = trial, new_sums, new_curve
        return theta, sums, curve, decrement


def _at_floor(fit: GrowthFit, theta: FloatArray) -> BoolArray:
    """(p,) patients' effects at their floor."""
    point = two_level_point(fit, theta)
    return point.between <= 1.001 * SMALLEST_RATIO * point.population.sd


def _floored(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """Patients' standard deviations kept at or above the floor."""
    point = two_level_point(fit, theta)
    start = fit.structure.n_effects + fit.structure.n_omega
    out = theta.copy()
    least = np.log(SMALLEST_RATIO * point.population.sd)
    out[start : start + fit.structure.p] = np.maximum(out[start : start + fit.structure.p], least)
    return out


def _free(fit: GrowthFit, theta: FloatArray, curve: Curvature) -> Curvature:
    """The expansion without the directions that push a floored effect further down."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stuck = start + np.flatnonzero(_at_floor(fit, theta))
    stuck = stuck[curve.score[stuck] <= 0]
    if len(stuck) == 0:
        return curve
    score, observed = curve.score.copy(), curve.observed.copy()
    score[stuck] = 0.0
    observed[stuck] = 0.0
    observed[:, stuck] = 0.0
    observed[stuck, stuck] = np.maximum(np.diag(curve.complete)[stuck], 1.0)
    return Curvature(score, observed, curve.complete, curve.score_error)


def _labels(fit: GrowthFit) -> tuple[str, ...]:
    end = fit.structure.n_effects + fit.structure.n_omega
    between = [f"gamma_{name}" for name in fit.parameter_names]
    return (*fit.labels[:end], *between, *fit.labels[end:])


def _natural(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = fit.structure.natural(np.concatenate([theta[:start], theta[stop:]]))
    return np.concatenate([inner[:start], np.exp(theta[start:stop]), inner[start:]])


def _result(
    fit: GrowthFit,
    ids: NDArray[np.generic],
    theta: FloatArray,
    sums: PatientSums,
    curve: Curvature,
    decrement: float,
    loglik_without: float,
) -> TwoLevelFit:
    size, start = len(theta), fit.structure.n_effects + fit.structure.n_omega
    at_floor = _at_floor(fit, theta)
    free = np.setdiff1d(np.arange(size), start + np.flatnonzero(at_floor))
    slopes = np.empty((size, size))
    for k in range(size):
        shift = np.zeros(size)
        shift[k] = 1e-5
        slopes[:, k] = (_natural(fit, theta + shift) - _natural(fit, theta - shift)) / 2e-5
    observed = curve.observed[np.ix_(free, free)]
    is_regular = bool(np.linalg.eigvalsh(observed)[0] > 0)
    covariance = np.zeros((size, size))
    covariance[np.ix_(free, free)] = np.linalg.pinv(observed, hermitian=True)
    errors = np.sqrt(np.maximum(np.diag(slopes @ covariance @ slopes.T), 0.0))
    point = two_level_point(fit, theta)
    between = np.where(at_floor, 0.0, point.between)
    natural = _natural(fit, theta)
    natural[start : start + fit.structure.p] = between
    back = np.argsort(fit.problem.order)
    n_free = len(free)
    return TwoLevelFit(
        labels=_labels(fit),
        estimates=natural,
        standard_errors=errors,
        minus2ll=-2.0 * sums.loglik,
        minus2ll_gain=2.0 * (sums.loglik - loglik_without),
        aic=-2.0 * sums.loglik + 2.0 * n_free,
        bic=-2.0 * sums.loglik + n_free * float(np.log(len(ids))),
        n_patients=len(ids),
        n_lesions=fit.n_lesions,
        patient_share=between**2 / (between**2 + point.population.sd**2),
        is_boundary=at_floor,
        patient=ids,
        patient_mean=sums.patient_mean,
        patient_sd=sums.patient_sd,
        mean_phi=sums.mean_phi[back],
        sd_phi=sums.sd_phi[back],
        smallest_ess=float(sums.ess.min()),
        is_converged=decrement < 4.0 * TOLERANCE and is_regular,
        newton_decrement=decrement,
        theta=theta,
    )
