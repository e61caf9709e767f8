"""What a fit returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from udfs.growth.information import lesion_scores
from udfs.growth.minus2ll import Likelihood
from udfs.growth.newton import NewtonRun
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem
from udfs.growth.proposals import Proposal

LARGEST_MC_SHARE = 0.2
"""Monte Carlo over standard error above which an estimate is not called converged."""
LARGEST_DECREMENT = 2.5e-3
"""Newton decrement (squared distance in standard errors) above which it is not either."""
LOW_ESS = 30.0
"""Effective nodes below which a lesion's conditional moments are called poor."""
LARGEST_POOR_SHARE = 0.01


@dataclass(frozen=True)
class Convergence:
    """How exact the fit is."""

    is_converged: bool
    verdict: str
    """One sentence for people."""
    newton_decrement: float
    """Squared distance to the maximum of the sampled likelihood, in standard errors."""
    n_newton_steps: int
    mc_share: FloatArray
    """(size,) Monte Carlo standard error over standard error, per estimate (an upper bound)."""
    smallest_ess: float
    """Effective number of nodes of the worst lesion."""
    median_ess: float
    n_poor_lesions: int
    """Lesions with fewer than 30 effective nodes."""
    smallest_eigenvalue: float
    """Of the observed information relative to the complete one; near 0: not identified."""
    n_unseen_modes: int
    """Lesions with a second mode that the nodes hardly reach (see ``second_modes``)."""


@dataclass(frozen=True)
class LesionEstimates:
    """What the data say of each lesion's parameters; (n, ...) in the order of ``lesion``.

    Conditional on the population estimates. ``phi`` is the Gaussian scale.
    """

    lesion: NDArray[np.generic]
    """(n,) ids of the fitted lesions."""
    position: NDArray[np.int64]
    """(n,) their positions in the data."""
    mean_phi: FloatArray
    """(n, p) conditional means."""
    sd_phi: FloatArray
    """(n, p) conditional standard deviations."""
    cov_phi: FloatArray
    """(n, p, p) conditional covariances."""
    mean_psi: FloatArray
    """(n, p) conditional means on the natural scale."""
    sd_psi: FloatArray
    """(n, p) conditional standard deviations on the natural scale."""
    typical_phi: FloatArray
    """(n, p) population mean for the lesion's covariates."""
    loglik: FloatArray
    """(n,) log-likelihood of the lesion's data."""
    ess: FloatArray
    """(n,) effective number of importance nodes."""


@dataclass(frozen=True)
class GrowthFit:
    """A fitted growth model. Population arrays have one entry per label (size)."""

    labels: tuple[str, ...]
    """Monolix's names: kg_pop, omega_kg, corr_kg_kd, beta_f_organ_liver, b."""
    units: tuple[str, ...]
    estimates: FloatArray
    """Natural scale: typical values, covariate effects (on phi), sds, correlations, error."""
    standard_errors: FloatArray
    """From Louis' observed information, by the delta method."""
    covariance: FloatArray
    """(size, size) of ``estimates``."""
    minus2ll: float
    minus2ll_mc_se: float
    """Monte Carlo standard error of ``minus2ll`` (an upper bound)."""
    aic: float
    """minus2ll + 2 size."""
    bic: float
    """minus2ll + size log(number of lesions)."""
    n_lesions: int
    n_observations: int
    """Rows that were evaluated."""
    n_censored: int
    """Rows among them that contributed a probability."""
    convergence: Convergence
    lesions: LesionEstimates
    theta: FloatArray
    """(size,) the estimates on the optimiser's scale (see ``population``)."""
    theta_covariance: FloatArray
    """(size, size)"""
    saem_trace: FloatArray
    """(iterations, size) theta after each SAEM iteration."""
    seed: int
    problem: Problem = field(repr=False)
    structure: Structure = field(repr=False)
    proposal: Proposal = field(repr=False)
    scores: FloatArray = field(repr=False)
    """(n, size) each lesion's score in theta at the maximum, order of ``lesions``."""
    best_phi: FloatArray = field(repr=False)
    """(n, p) the best point seen for each lesion: where the search for its mode starts."""

    @property
    def population(self) -> Population:
        """The fitted population point."""
        return self.structure.unpack(self.theta)

    @property
    def rse_percent(self) -> FloatArray:
        """(size,) standard error over |estimate|, percent."""
        return 100.0 * self.standard_errors / np.abs(self.estimates)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the p parameters that vary between lesions."""
        return tuple(one.name for one in self.problem.model.parameters)

    def estimate(self, label: str) -> float:
        """One estimate by label.

        Raises:
            KeyError: no such label.
        """
        if label not in self.labels:
            raise KeyError(f"no estimate is called {label!r}; there are {', '.join(self.labels)}")
        return float(self.estimates[self.labels.index(label)])


def assemble_fit(
    problem: Problem,
    structure: Structure,
    newton: NewtonRun,
    likelihood: Likelihood,
    proposal: Proposal,
    trace: FloatArray,
    seed: int,
    *,
    n_unseen_modes: int = 0,
) -> GrowthFit:
    """Put a fit's parts together; lesions return to the order of the data."""
    theta, population = newton.theta, structure.unpack(newton.theta)
    theta_covariance, smallest = safe_inverse(newton)
    slopes = structure.natural_slopes(theta)
    covariance = slopes @ theta_covariance @ slopes.T
    errors = np.sqrt(np.diag(covariance))
    mc_share = monte_carlo_shares(structure, newton)
    back = np.argsort(problem.order)
    moments = newton.moments
    position = problem.order[back]
    lesions = LesionEstimates(
        lesion=problem.data.lesion[position],
        position=position,
        mean_phi=moments.mean[back],
        sd_phi=np.sqrt(np.maximum(np.einsum("npp->np", moments.covariance), 0.0))[back],
        cov_phi=moments.covariance[back],
        mean_psi=likelihood.mean_psi[back],
        sd_psi=likelihood.sd_psi[back],
        typical_phi=problem.design.mean(population.coefficients).T[back],
        loglik=likelihood.by_lesion[back],
        ess=moments.ess[back],
    )
    size = structure.size
    return GrowthFit(
        labels=structure.labels,
        units=structure.units,
        estimates=structure.natural(theta),
        standard_errors=errors,
        covariance=covariance,
        minus2ll=likelihood.minus2ll,
        minus2ll_mc_se=likelihood.mc_se,
        aic=likelihood.minus2ll + 2.0 * size,
        bic=likelihood.minus2ll + size * float(np.log(problem.n_lesions)),
        n_lesions=problem.n_lesions,
        n_observations=problem.n_rows,
        n_censored=int(problem.is_censored.sum()),
        convergence=_convergence(structure, newton, mc_share, smallest, n_unseen_modes),
        lesions=lesions,
        theta=theta,
        theta_covariance=theta_covariance,
        saem_trace=trace,
        seed=seed,
        problem=problem,
        structure=structure,
        proposal=proposal,
        scores=lesion_scores(structure, population, problem.design.values, moments)[back],
        best_phi=moments.best[back],
    )


def monte_carlo_shares(structure: Structure, newton: NewtonRun) -> FloatArray:
    """(size,) Monte Carlo standard error over standard error of each estimate, an upper bound."""
    theta_covariance, _ = safe_inverse(newton)
    slopes = structure.natural_slopes(newton.theta)
    noise = theta_covariance @ newton.curvature.score_error @ theta_covariance
    variance = np.diag(slopes @ theta_covariance @ slopes.T)
    return np.sqrt(np.maximum(np.diag(slopes @ noise @ slopes.T), 0.0) / variance)


def safe_inverse(newton: NewtonRun) -> tuple[FloatArray, float]:
    """Inverse of the observed information, and its smallest eigenvalue relative to the complete.

    Eigenvalues below 1e-4 of the complete information are raised to it, so that the result has no
    NaN; the convergence verdict says when that happened.
    """
    complete = newton.curvature.complete
    values, vectors = np.linalg.eigh(0.5 * (complete + complete.T))
    root = vectors / np.sqrt(np.maximum(values, 1e-8 * values[-1]))
    share, turn = np.linalg.eigh(root.T @ newton.curvature.observed @ root)
    basis = root @ turn
    inverse = (basis / np.maximum(share, 1e-4)) @ basis.T
    return 0.5 * (inverse + inverse.T), float(share[0])


def _convergence(
    structure: Structure,
    newton: NewtonRun,
    mc_share: FloatArray,
    smallest: float,
    n_unseen_modes: int,
) -> Convergence:
    ess = newton.moments.ess
    n_poor = int(np.count_nonzero(ess < LOW_ESS))
    worst = int(np.argmax(mc_share))
    faults = []
    if newton.decrement > LARGEST_DECREMENT:
        faults.append(
            f"Newton's method stopped {np.sqrt(max(newton.decrement, 0.0)):.2f} standard errors "
            "from the maximum"
        )
    if smallest < 1e-3:
        faults.append("the data do not identify all parameters (information nearly singular)")
    if mc_share[worst] > LARGEST_MC_SHARE:
        faults.append(
            f"the Monte Carlo error of {structure.labels[worst]} is {mc_share[worst]:.0%} of its "
            "standard error: ask for more nodes"
        )
    if n_poor > LARGEST_POOR_SHARE * len(ess):
        faults.append(f"{n_poor} lesions have fewer than {LOW_ESS:.0f} effective nodes")
    if n_unseen_modes:
        faults.append(
            f"{n_unseen_modes} lesions have a second mode that the nodes hardly reach: their "
            "likelihood, and what the Monte Carlo errors say, cannot be relied on"
        )
    exact_to = max(float(mc_share[worst]), 0.01)
    verdict = f"converged: every estimate is exact to {exact_to:.2f} standard errors or better"
    if faults:
        verdict = "not converged: " + "; ".join(faults)
    return Convergence(
        is_converged=not faults,
        verdict=verdict,
        newton_decrement=newton.decrement,
        n_newton_steps=newton.n_steps,
        mc_share=mc_share,
        smallest_ess=float(ess.min()),
        median_ess=float(np.median(ess)),
        n_poor_lesions=n_poor,
        smallest_eigenvalue=smallest,
        n_unseen_modes=n_unseen_modes,
    )
