"""Draws of all lesions of all patients, and what the longitudinal parameters make of them.

Patients of whom nothing was measured after the baseline, and lesions of which nothing was, are
drawn from the population: they belong in the likelihood with what the model says of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from udfs.growth.covariates import Design
from udfs.growth.information import score_map
from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.result import GrowthFit
from udfs.joint.arrays import FloatArray, IntArray
from udfs.joint.errors import JointDataError
from udfs.joint.lesions import PARAMETERS
from udfs.joint.sampling import (
    LESION_PURPOSE,
    N_NODES,
    PATIENT_PURPOSE,
    PER_AXIS,
    PatientDraws,
    generator_of,
    patient_draws,
)

N_DRAWS = 200
SCORED_AT_ONCE = 64
"""Patients."""


@dataclass(frozen=True)
class CurveDraws:
    """M draws of P patients and their n lesions, sorted by patient, then by id.

    Even and odd draws are two sets with nodes and random numbers of their own: what differs between
    them is the whole Monte Carlo error.
    """

    patient: NDArray[np.generic]
    """(P,) ids, ascending."""
    lesion: NDArray[np.generic]
    """(n,) ids."""
    owner: IntArray
    """(n,) places of the lesions' patients, ascending."""
    is_measured: NDArray[np.bool_]
    """(n,) False where drawn from the population given the patient's effect."""
    u: FloatArray
    """(P, M, p) patients' effects."""
    phi: FloatArray
    """(n, M, p) Gaussian scale."""
    typical: FloatArray
    """(n, p) phi of a typical lesion of these covariates."""
    design: FloatArray
    """(n, c) its covariates."""
    error_score: FloatArray
    """(n, M, e) derivative of log p(y | phi) in the log error parameters."""
    sizes_loglik: FloatArray
    """(P,) log-likelihood of each patient's sizes; 0 where none was measured."""
    sizes_mc_error: FloatArray
    """(P,) of it: half the difference between the two sets."""

    @property
    def n_draws(self) -> int:
        """M."""
        return int(self.u.shape[1])

    def take(self, patients: IntArray) -> tuple[CurveDraws, IntArray]:
        """Some patients, ascending places, and (n',) the places of their lesions in here."""
        keep = np.flatnonzero(np.isin(self.owner, patients))
        chosen = CurveDraws(
            self.patient[patients],
            self.lesion[keep],
            np.searchsorted(patients, self.owner[keep]),
            self.is_measured[keep],
            self.u[patients],
            self.phi[keep],
            self.typical[keep],
            self.design[keep],
            self.error_score[keep],
            self.sizes_loglik[patients],
            self.sizes_mc_error[patients],
        )
        return chosen, keep

    def rows(self, patients: slice) -> slice:
        """Lesions of a run of patients."""
        start, stop, _ = patients.indices(len(self.patient))
        first, last = np.searchsorted(self.owner, [start, stop])
        return slice(int(first), int(last))


def draw_curves(
    fit: GrowthFit,
    point: TwoLevelPoint,
    patients: NDArray[np.generic],
    *,
    n_draws: int = N_DRAWS,
    n_nodes: int = N_NODES,
    per_axis: int = PER_AXIS,
    seed: int = 20230607,
    threads: int = 1,
    pool: ThreadPoolExecutor | None = None,
) -> CurveDraws:
    """Draws given sizes of every patient's curves, at a point of the two-level model.

    Args:
        fit: the fit without patients' effects, of data that hold ``patient``.
        point: of the two-level model.
        patients: (P,) ids in any order; patients that are not in the data have no lesions.
        n_draws: M, rounded up to an even number.
        n_nodes, per_axis: see ``patient_draws``.
        seed: of everything.

    Raises:
        JointDataError: an id comes twice, or patients in the data are not among ``patients``.
    """
    if tuple(fit.parameter_names) != PARAMETERS:
        raise JointDataError(
            f"links need the parameters {', '.join(PARAMETERS)} of the two-population model; the "
            f"fit has {', '.join(fit.parameter_names)}"
        )
    ids, data = np.unique(patients), fit.problem.data
    if len(ids) < len(patients):
        raise JointDataError("a patient comes twice among the events")
    if data.patient is None:
        raise JointDataError("the growth fit does not know the patient of each lesion")
    place = np.searchsorted(ids, data.patient)
    is_known = ids[np.minimum(place, len(ids) - 1)] == data.patient
    if not is_known.all():
        raise JointDataError(
            f"patient {data.patient[~is_known][0]} has lesions but no follow-up; "
            f"{len(np.unique(data.patient[~is_known]))} such patients must be left out of the fit"
        )
    rows = np.lexsort((np.arange(data.n_lesions), place))
    owner, design = place[rows], design_rows(fit, rows)
    typical = design @ point.population.coefficients
    sets = [
        _one_set(
            fit,
            point,
            _Wanted(ids, rows, owner, typical),
            -(-n_draws // 2),
            n_nodes=n_nodes,
            per_axis=per_axis,
            seed=2 * seed + which,
            threads=threads,
            pool=pool,
        )
        for which in (0, 1)
    ]
    return CurveDraws(
        ids,
        data.lesion[rows],
        owner,
        fit.problem.back[rows] >= 0,
        _interleaved(sets[0].u, sets[1].u),
        _interleaved(sets[0].phi, sets[1].phi),
        typical,
        design,
        _interleaved(sets[0].error_score, sets[1].error_score),
        np.logaddexp(sets[0].loglik, sets[1].loglik) - np.log(2.0),
        0.5 * np.abs(sets[0].loglik - sets[1].loglik),
    )


@dataclass(frozen=True)
class _Wanted:
    """Who is drawn."""

    ids: NDArray[np.generic]
    rows: IntArray
    """(n,) places of the lesions in the data."""
    owner: IntArray
    typical: FloatArray


def _one_set(
    fit: GrowthFit,
    point: TwoLevelPoint,
    wanted: _Wanted,
    n_draws: int,
    *,
    n_nodes: int,
    per_axis: int,
    seed: int,
    threads: int,
    pool: ThreadPoolExecutor | None,
) -> PatientDraws:
    """Draws of everyone, lesions in the order of ``wanted``."""
    ids, rows, data, p = wanted.ids, wanted.rows, fit.problem.data, fit.structure.p
    back, measured = fit.problem.back[rows], np.unique(wanted.owner[fit.problem.back[rows] >= 0])
    found = patient_draws(
        fit,
        point,
        n_draws,
        n_nodes=n_nodes,
        per_axis=per_axis,
        seed=seed,
        threads=threads,
        pool=pool,
    )
    u = np.empty((len(ids), n_draws, p))
    u[measured] = found.u
    loglik = np.zeros(len(ids))
    loglik[measured] = found.loglik
    for k in np.setdiff1d(np.arange(len(ids)), measured).tolist():
        u[k] = point.between * _normal(seed, PATIENT_PURPOSE, ids[k], n_draws, p)
    phi = np.empty((len(rows), n_draws, p))
    error_score = np.zeros((len(rows), n_draws, found.error_score.shape[2]))
    phi[back >= 0] = found.phi[back[back >= 0]]
    error_score[back >= 0] = found.error_score[back[back >= 0]]
    root = np.linalg.cholesky(point.population.omega)
    for k in np.flatnonzero(back < 0).tolist():
        own = _normal(seed, LESION_PURPOSE, data.lesion[rows[k]], n_draws, p) @ root.T
        phi[k] = wanted.typical[k] + u[wanted.owner[k]] + own
    return PatientDraws(u, phi, error_score, loglik)


def population_draws(
    draws: CurveDraws, point: TwoLevelPoint, n_draws: int, seed: int
) -> CurveDraws:
    """The same patients and lesions drawn from the population, as if nothing but their baselines
    were known."""
    p = draws.u.shape[2]
    root = np.linalg.cholesky(point.population.omega)
    u = np.stack(
        [
            point.between * _normal(seed, PATIENT_PURPOSE, one, n_draws, p)
            for one in draws.patient.tolist()
        ]
    )
    own = np.empty((len(draws.lesion), n_draws, p))
    for k, one in enumerate(draws.lesion.tolist()):
        own[k] = _normal(seed, LESION_PURPOSE, one, n_draws, p) @ root.T
    return replace(
        draws,
        is_measured=np.zeros(len(draws.lesion), dtype=bool),
        u=u,
        phi=draws.typical[:, None] + u[draws.owner] + own,
        error_score=np.zeros((len(draws.lesion), n_draws, draws.error_score.shape[2])),
        sizes_loglik=np.zeros(len(draws.patient)),
        sizes_mc_error=np.zeros(len(draws.patient)),
    )


def growth_covariance(
    fit: GrowthFit, point: TwoLevelPoint, draws: CurveDraws, free: IntArray
) -> FloatArray:
    """(L, L) covariance of theta_L from the scores of the patients' sizes (Berndt et al. 1974).

        V_L = (sum_i s_i s_i')^-1,   s_i = E[d log p(y, phi, u) / d theta_L | sizes]

    Args:
        free: places in theta_L of what was estimated; 0 elsewhere (an effect held at none).
    """
    found = []
    for start in range(0, len(draws.patient), SCORED_AT_ONCE):
        part = slice(start, min(start + SCORED_AT_ONCE, len(draws.patient)))
        found.append(longitudinal_scores(fit, point, draws, part).mean(axis=1))
    score = np.concatenate(found)
    off = (score - score.mean(axis=0))[:, free]
    out = np.zeros((score.shape[1], score.shape[1]))
    out[np.ix_(free, free)] = np.linalg.pinv(off.T @ off, hermitian=True)
    return out


def _interleaved(first: FloatArray, second: FloatArray) -> FloatArray:
    """(n, 2 m, k) of two (n, m, k), by turns."""
    n, m, k = first.shape
    return np.stack([first, second], axis=2).reshape(n, 2 * m, k)


def _normal(seed: int, purpose: int, identifier: object, count: int, p: int) -> FloatArray:
    """(count, p) standard normal numbers, each axis spread evenly (Latin hypercube)."""
    rng = generator_of(seed, purpose, identifier)
    level = np.stack([rng.permutation(count) for _ in range(p)], axis=1)
    return np.asarray(ndtri((level + rng.random((count, p))) / count), dtype=np.float64)


def design_rows(fit: GrowthFit, rows: IntArray) -> FloatArray:
    """(n, c) covariates of lesions, given by their places in the data, also of unfitted ones."""
    design: Design = fit.problem.design
    data, first = fit.problem.data, fit.problem.order[0]
    out = np.ones((len(rows), len(design.columns)))
    for k, column in enumerate(design.columns):
        if not column.covariate:
            continue
        values = data.covariates[column.covariate]
        if column.level:
            out[:, k] = values[rows].astype(str) == column.level
        else:
            # The mean that was subtracted is exact in the design, rounded in the column's words.
            mean = float(values[first]) - design.values[0, k]
            out[:, k] = values[rows].astype(np.float64) - mean
    return out


def longitudinal_scores(
    fit: GrowthFit, point: TwoLevelPoint, draws: CurveDraws, patients: slice
) -> FloatArray:
    """(P', M, L) derivatives of log p(y, phi, u; theta_L) of a run of patients in each draw.

    theta_L is the two-level theta without drop-out: fixed effects, omega's entries, log gamma, log
    error (see ``udfs.growth.two_level_theta``).
    """
    structure, rows = fit.structure, draws.rows(patients)
    start = patients.indices(len(draws.patient))[0]
    owner, u = draws.owner[rows] - start, draws.u[patients]
    own = draws.phi[rows] - draws.typical[rows, None] - u[owner]
    first, second = structure.lower
    features = np.concatenate(
        [own, own[..., first] * own[..., second], draws.error_score[rows]], axis=2
    )
    matrix, constant = score_map(structure, point.population)
    base = features @ matrix.T + constant
    column, parameter = structure.effect_places
    by_lesion = np.concatenate(
        [
            base[..., parameter] * draws.design[rows][:, None, column],
            base[..., structure.p :],
        ],
        axis=2,
    )
    summed = np.zeros((len(u), u.shape[1], by_lesion.shape[2]))
    np.add.at(summed, owner, by_lesion)
    end = structure.n_effects + structure.n_omega
    between = (u / point.between) ** 2 - 1.0
    return np.concatenate([summed[..., :end], between, summed[..., end:]], axis=2)
