"""-2 log-likelihood by importance sampling, with moments on the natural scale."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem, Pulse, run_blocks
from udfs.growth.proposals import Nodes, Proposal
from udfs.growth.weights import tasks_of, weigh


@dataclass(frozen=True)
class Likelihood:
    """-2 log-likelihood at a population point."""

    minus2ll: float
    mc_se: float
    """Monte Carlo standard error of ``minus2ll``, as if the nodes were independent: an upper
    bound, since low-discrepancy points do better."""
    n_nodes: int
    """Nodes per lesion."""
    by_lesion: FloatArray
    """(n,) log-likelihood of each lesion, fit order."""
    ess: FloatArray
    """(n,) effective number of nodes."""
    mean_psi: FloatArray
    """(n, p) conditional means on the natural scale."""
    sd_psi: FloatArray
    """(n, p) conditional standard deviations on the natural scale."""
    mean_phi: FloatArray
    """(n, p) conditional means on the Gaussian scale."""
    cov_phi: FloatArray
    """(n, p, p) conditional covariances on the Gaussian scale."""


def minus2_loglik(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Sequence[tuple[IntArray, Nodes]],
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> Likelihood:
    """-2 log-likelihood by importance sampling, with moments on the natural scale."""
    tasks = tasks_of(problem, nodes)

    def one(k: int) -> tuple[FloatArray, ...]:
        lesions, group = tasks[k]
        w = weigh(problem, population, proposal, group, lesions, with_derivatives=False)
        ess = 1.0 / np.maximum(np.einsum("ns,ns->n", w.weight, w.weight), 1e-300)
        mean, sd = np.empty((2, len(lesions), problem.n_parameters))
        for j, parameter in enumerate(problem.model.parameters):
            psi = parameter.to_psi(w.phi[j])
            mean[:, j] = np.einsum("ns,ns->n", w.weight, psi)
            off = psi - mean[:, j, None]
            off *= off
            sd[:, j] = np.sqrt(np.einsum("ns,ns->n", w.weight, off))
        mean_phi = np.einsum("ns,pns->np", w.weight, w.phi)
        away = w.phi - mean_phi.T[:, :, None]
        cov_phi = np.einsum("ns,pns,qns->npq", w.weight, away, away, optimize=True)
        return w.loglik, ess, mean, sd, mean_phi, cov_phi

    done = run_blocks(one, len(tasks), threads, pool, pulse)
    order = np.argsort(np.concatenate([lesions for lesions, _ in tasks]))
    by_lesion, ess, mean_psi, sd_psi, mean_phi, cov_phi = (
        np.concatenate([part[k] for part in done])[order] for k in range(6)
    )
    count = np.concatenate([np.full(len(lesions), group.count) for lesions, group in tasks])[order]
    variance = np.maximum(1.0 / ess - 1.0 / count, 0.0).sum()
    return Likelihood(
        -2.0 * float(np.sum(by_lesion)),
        2.0 * float(np.sqrt(variance)),
        int(count.min()),
        by_lesion,
        ess,
        mean_psi,
        sd_psi,
        mean_phi,
        cov_phi,
    )
