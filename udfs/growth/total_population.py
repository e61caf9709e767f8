"""Lesions under the population of a two-level fit, each by its own data.

A lesion of unknown patient varies around the typical one with variance omega^2 + gamma^2. Modes,
means and draws under that population say what one lesion's own measurements say of it. (The
two-level fit's own ``mean_phi`` also use the patient's other lesions, which makes the lesions of a
patient alike: not for work on how they differ.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from udfs.growth.learning import learn_again, worst_lesions
from udfs.growth.minus2ll import minus2_loglik
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population
from udfs.growth.problem import Pulse, worker_pool
from udfs.growth.proposals import make_nodes, make_proposal
from udfs.growth.result import GrowthFit
from udfs.growth.second_level import TwoLevelFit
from udfs.growth.two_level_theta import two_level_point
from udfs.threads import one_blas_thread

TOTAL_PURPOSE = 52
POOR_SHARE, MORE_NODES = 0.1, 4
"""Share of effective nodes below which a lesion is learnt anew; it then gets so many times more."""


def under_total_variance(
    fit: GrowthFit,
    two: TwoLevelFit,
    *,
    n_nodes: int = 448,
    seed: int = 20230607,
    threads: int = 1,
    pulse: Pulse | None = None,
) -> GrowthFit:
    """``fit`` with its lesions given the population of ``two``, both levels' variance together.

    Args:
        fit: the fit from which ``two`` was made.
        n_nodes: nodes per lesion; lesions whose weights are uneven are learnt anew by chains and
            get four times as many.

    Returns:
        A fit whose ``theta``, ``estimates``, ``standard_errors``, ``covariance``, ``minus2ll`` (of
        lesions as if independent) and ``lesions`` are those of that population. Convergence, trace
        and scores are still those of ``fit``.
    """
    point = two_level_point(fit, two.theta)
    inner = point.population
    between = np.where(two.is_boundary, 0.0, point.between)
    population = Population(inner.coefficients, inner.omega + np.diag(between**2), inner.error)
    problem, structure = fit.problem, fit.structure
    nodes = make_nodes(structure.p, n_nodes, seed, TOTAL_PURPOSE)
    groups, proposal = [(np.arange(problem.n_lesions), nodes)], fit.proposal
    with one_blas_thread(), worker_pool(threads) as pool:
        found = minus2_loglik(
            problem, population, proposal, groups, threads=threads, pool=pool, pulse=pulse
        )
        is_poor = worst_lesions(found.ess, POOR_SHARE * nodes.count)
        if is_poor.any():
            poor = np.flatnonzero(is_poor)
            again = learn_again(problem, population, poor, seed, pulse)
            proposal = proposal.replaced(poor, make_proposal(again, population))
            more = make_nodes(structure.p, MORE_NODES * n_nodes, seed, TOTAL_PURPOSE)
            groups = [(np.flatnonzero(~is_poor), nodes), (poor, more)]
            found = minus2_loglik(
                problem, population, proposal, groups, threads=threads, pool=pool, pulse=pulse
            )
    back = np.argsort(problem.order)
    spread = np.maximum(np.einsum("npp->np", found.cov_phi), 0.0)
    lesions = replace(
        fit.lesions,
        mean_phi=found.mean_phi[back],
        sd_phi=np.sqrt(spread)[back],
        cov_phi=found.cov_phi[back],
        mean_psi=found.mean_psi[back],
        sd_psi=found.sd_psi[back],
        typical_phi=problem.design.mean(population.coefficients).T[back],
        loglik=found.by_lesion[back],
        ess=found.ess[back],
    )
    theta = structure.pack(population)
    slopes = total_slopes(fit, two)
    covariance = slopes @ two.covariance @ slopes.T
    return replace(
        fit,
        theta=theta,
        estimates=structure.natural(theta),
        standard_errors=np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        covariance=covariance,
        minus2ll=found.minus2ll,
        minus2ll_mc_se=found.mc_se,
        proposal=proposal,
        lesions=lesions,
    )


def total_slopes(fit: GrowthFit, two: TwoLevelFit) -> FloatArray:
    """(size, size + p) derivatives of the fit's estimates (omega: both levels) in those of ``two``.

    sd = sqrt(omega^2 + gamma^2) has the slopes omega / sd and gamma / sd. Correlations of a full
    omega are taken as they are.
    """
    slopes = np.zeros((len(fit.labels), len(two.labels)))
    for row, label in enumerate(fit.labels):
        column = two.labels.index(label)
        slopes[row, column] = 1.0
        if label.startswith("omega_"):
            patient = two.labels.index(f"gamma_{label.removeprefix('omega_')}")
            own, between = two.estimates[column], two.estimates[patient]
            total = float(np.hypot(own, between))
            slopes[row, column], slopes[row, patient] = own / total, between / total
    return slopes
