"""A second level: lesions within patients.

phi_ij = mean_ij + u_i + eta_ij with u_i ~ N(0, Gamma) shared by all lesions of patient i (Gamma
diagonal) and eta_ij ~ N(0, Omega) the lesion's own. The likelihood is a nested importance sum,

    L_i = mean_k N(u_k; 0, Gamma) / q_i(u_k)
          prod_j mean_s p(y_ij | phi_s) N(phi_s; mean_ij + u_k, Omega) / q_ij(phi_s)

over nodes u_k of the patient and phi_s of each lesion. The latter are those of a fit without the
second level, whose proposals are wide enough. Score and Louis' information follow as in
``importance``, the complete data being (u, phi); Newton's method finds the maximum, first with few
nodes, then with more, put where the first ones found each patient's effect.

Why it matters: a patient leaves a trial when any of his lesions progresses. Given all that was
measured of the patient this drop-out is ignorable; for lesions taken one by one it is not, and kg
comes out too small, F too large (see docs/growth.md for how much). With a ``FollowUp`` the
patient's effects also carry the hazard of progression that target lesions do not show (see
``dropout``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.growth.check_data import GrowthDataError
from udfs.growth.dropout import DropOut, FollowUp
from udfs.growth.minus2ll import minus2_loglik
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.problem import worker_pool
from udfs.growth.proposals import nodes_at_least
from udfs.growth.result import LARGEST_MC_SHARE, GrowthFit
from udfs.growth.settings import Progress
from udfs.growth.two_level_climb import (
    CLIMB,
    NESTED_PURPOSE,
    Climb,
    Reached,
)
from udfs.growth.two_level_theta import (
    at_floor,
    between_part,
    held_effects,
    held_hazards,
    theta_of,
    two_level_labels,
    two_level_natural,
    two_level_point,
)
from udfs.threads import one_blas_thread

NODE_BUDGET, FEWEST_NODES, MOST_NODES = 800_000, 448, 896
LARGEST_LOSS = 2.0
"""Of -2 log-likelihood against the fit without patients' effects, beside four Monte Carlo errors:
the larger model holds the smaller one, so that more says that the nodes missed."""


@dataclass(frozen=True)
class TwoLevelFit:
    """A growth model with patient and lesion effects. ``size`` estimates."""

    labels: tuple[str, ...]
    """As in ``GrowthFit``, with gamma_<parameter> for the patients' standard deviations; with
    drop-out alpha_<parameter> (log hazard ratio per unit of the patient's effect) and rate_<k>
    (hazard per day in piece k)."""
    estimates: FloatArray
    """(size,) natural scale."""
    standard_errors: FloatArray
    """(size,) Louis' information; 0 for a patient effect that was estimated as none, NaN for the
    hazard of an effect below a tenth of the lesions' (held at 0)."""
    minus2ll: float
    """Of the measurements; with drop-out of measurements and events together."""
    minus2ll_mc_se: float
    """Monte Carlo error of ``minus2ll``: half the difference between two sets of nodes; NaN where
    the climb did not end."""
    minus2ll_gain: float
    """-2 log-likelihood without the second level, on the same nodes, minus ``minus2ll``; events
    then have no association."""
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
    is_converged: bool
    newton_decrement: float
    mc_share: FloatArray
    """(size,) Monte Carlo over standard error: how far other nodes move each estimate, halved."""
    theta: FloatArray
    """(size,) optimiser's scale."""
    covariance: FloatArray
    """(size, size) of ``estimates``."""
    dropout: DropOut | None = None
    """Times at risk and events, where drop-out was modelled."""

    def estimate(self, label: str) -> float:
        """One estimate by label.

        Raises:
            KeyError: no such label.
        """
        if label not in self.labels:
            raise KeyError(f"no estimate is called {label!r}; there are {', '.join(self.labels)}")
        return float(self.estimates[self.labels.index(label)])


def fit_second_level(
    fit: GrowthFit,
    *,
    follow_up: FollowUp | None = None,
    start: Mapping[str, float] | None = None,
    n_nodes: int = 0,
    n_patient_nodes: int = 0,
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
        follow_up: progression and death apart from target lesions; with fewer than 20 events, or
            None, drop-out is not modelled (``dropout`` of the result is None).
        start: values by label (omega_ and gamma_ included), for example of an earlier fit.
        n_nodes: nodes per lesion (rounded up to 7 * 2^k) of the last steps; 0 chooses by their
            number. The climb to them takes a quarter, but no fewer than 224.
        n_patient_nodes: nodes per patient and parameter, of adaptive Gauss-Hermite quadrature, of
            the climb; 0 chooses 4, or 5 with few lesions. The last steps take 7 or more.
        seed: of the nodes.
        threads: blocks of patients worked on at once.
        progress: called after each Newton step; returning False ends the fit.

    Raises:
        GrowthDataError: the data hold no patients, or no patient has two lesions; or the curves go
            through every measurement.
        ValueError: an unknown label in ``start``, or an impossible value.
        FitInterruptedError: the callback returned False.
    """
    patient = fit.problem.data.patient
    if patient is None:
        raise GrowthDataError("a second level needs the patient of each lesion (patient=...)")
    ids, member = np.unique(patient[fit.problem.order], return_inverse=True)
    if len(ids) == len(member):
        raise GrowthDataError("no patient has two fitted lesions: there is no second level")
    with one_blas_thread(), worker_pool(threads) as pool:
        n_nodes = n_nodes or _node_count(fit.n_lesions)
        n_patient_nodes = n_patient_nodes or (5 if fit.n_lesions < CLIMB.few_lesions else 4)
        dropout = None if follow_up is None else DropOut.prepare(follow_up, ids)
        climb = Climb(fit, member, seed, threads, pool, progress, dropout)
        if start:
            climb.theta = theta_of(fit, start, dropout)
        found = climb.all_stages(n_nodes, n_patient_nodes)
        fit.problem.refuse_exact_curves(two_level_point(fit, found.theta).population.error)
        everyone = [(np.arange(fit.n_lesions), climb.lesion_nodes(n_nodes, NESTED_PURPOSE))]
        without = minus2_loglik(
            fit.problem, fit.population, fit.proposal, everyone, threads=threads, pool=pool
        )
    return _result(fit, ids, found, without.minus2ll, dropout)


def _node_count(n_lesions: int) -> int:
    return nodes_at_least(min(max(NODE_BUDGET // n_lesions, FEWEST_NODES), MOST_NODES))


def _result(
    fit: GrowthFit,
    ids: NDArray[np.generic],
    found: Reached,
    minus2ll_without: float,
    dropout: DropOut | None,
) -> TwoLevelFit:
    theta, sums = found.theta, found.sums
    size, is_at_floor = len(theta), at_floor(fit, theta)
    none, hazardless = held_effects(fit, theta), held_hazards(fit, theta)
    free = np.setdiff1d(np.arange(size), np.concatenate([none, hazardless]))
    slopes = np.empty((size, size))
    for k in range(size):
        shift = np.zeros(size)
        shift[k] = 1e-5
        slopes[:, k] = (
            two_level_natural(fit, theta + shift) - two_level_natural(fit, theta - shift)
        ) / 2e-5
    observed = found.curve.observed[np.ix_(free, free)]
    is_regular = bool(np.linalg.eigvalsh(observed)[0] > 0)
    inverse = np.zeros((size, size))
    inverse[np.ix_(free, free)] = np.linalg.pinv(observed, hermitian=True)
    covariance = slopes @ inverse @ slopes.T
    # Where the likelihood is flat or bends the wrong way, an estimate has no standard error.
    variance = np.diag(covariance)
    is_known = (variance > 0) | np.isin(np.arange(size), none)
    errors = np.where(is_known, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    mc_step = np.full(size, np.nan) if found.mc_step is None else found.mc_step
    mc_share = np.abs(slopes @ mc_step) / np.where(errors > 0, errors, 1.0)
    point = two_level_point(fit, theta)
    between = np.where(is_at_floor, 0.0, point.between)
    natural = two_level_natural(fit, theta)
    natural[between_part(fit)] = between
    back = np.argsort(fit.problem.order)
    if dropout is not None:
        minus2ll_without -= 2.0 * dropout.loglik_without()
    minus2ll, n_free = -2.0 * sums.loglik, len(free)
    mc_error, gain = 2.0 * found.mc_loglik, minus2ll_without - minus2ll
    is_exact = (
        found.decrement < CLIMB.largest_decrement
        and float(mc_share.max()) <= LARGEST_MC_SHARE
        and gain > -LARGEST_LOSS - 4.0 * mc_error
    )
    return TwoLevelFit(
        labels=two_level_labels(fit, theta),
        estimates=natural,
        standard_errors=errors,
        minus2ll=minus2ll,
        minus2ll_mc_se=mc_error,
        minus2ll_gain=gain,
        aic=minus2ll + 2.0 * n_free,
        bic=minus2ll + n_free * float(np.log(len(ids))),
        n_patients=len(ids),
        n_lesions=fit.n_lesions,
        patient_share=between**2 / (between**2 + point.population.sd**2),
        is_boundary=is_at_floor,
        patient=ids,
        patient_mean=sums.patient_mean,
        patient_sd=np.sqrt(np.maximum(np.einsum("Paa->Pa", sums.patient_cov), 0.0)),
        mean_phi=sums.mean_phi[back],
        sd_phi=sums.sd_phi[back],
        is_converged=is_exact and is_regular,
        newton_decrement=found.decrement,
        mc_share=mc_share,
        theta=theta,
        covariance=covariance,
        dropout=dropout,
    )
