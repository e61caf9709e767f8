"""Covariate effects of a fit: Wald tests that know lesions of a patient are alike, and LR tests.

A model without a second level takes all lesions as independent. What is the same for all lesions of
a patient, such as treatment, then gets errors far too small. The sandwich I^-1 B I^-1, B being the
sum over patients of the outer products of their lesions' summed scores, does without that
assumption (Huber 1967; Liang and Zeger 1986). Likelihood ratios do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from udfs.growth.convergence import tested_effects, wald_chi2
from udfs.growth.covariates import Design
from udfs.growth.importance import lesion_moments
from udfs.growth.newton import newton_direction, run_newton
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.population import OmegaKind, Population, Structure
from udfs.growth.problem import worker_pool
from udfs.growth.proposals import make_nodes
from udfs.growth.result import GrowthFit
from udfs.growth.settings import FitSettings
from udfs.threads import one_blas_thread

DROP_PURPOSE = 63
TOLERANCE, MOST_STEPS = 0.1, 12
"""Newton's method may end with -2 log-likelihood so far above its minimum; as a parabola says how
far, what is left is of third order (below a hundredth)."""
Smaller = tuple[Design, OmegaKind, BoolArray]
"""Design and kind of omega of a smaller model, and which entries of theta it keeps."""


def clustered_covariance(fit: GrowthFit, cluster: ArrayLike) -> FloatArray:
    """(size, size) covariance of ``fit.theta`` when lesions of a cluster are alike.

    Args:
        cluster: (n,) patient of each lesion, in the order of ``fit.lesions``.

    Raises:
        ValueError: fewer clusters than estimates: the sandwich would be singular.
    """
    names, code = np.unique(np.asarray(cluster), return_inverse=True)
    count, size = len(names), fit.structure.size
    if count <= size:
        raise ValueError(f"{count} patients do not carry {size} estimates")
    sums = np.zeros((count, size))
    np.add.at(sums, code, fit.scores)
    meat = sums.T @ sums * count / (count - 1)
    return fit.theta_covariance @ meat @ fit.theta_covariance


@dataclass(frozen=True)
class TermTest:
    """Joint Wald test of a covariate's levels on one parameter."""

    parameter: str
    covariate: str
    places: tuple[int, ...]
    """Positions of its effects in ``fit.theta``."""
    chi2: float
    df: int
    p_value: float
    """F test with the clusters' degrees of freedom: chi2 / df on df and clusters - 1."""


def term_tests(fit: GrowthFit, covariance: FloatArray, n_clusters: int) -> list[TermTest]:
    """Every covariate on every parameter it acts on, with the given covariance of theta."""
    found = []
    for parameter, covariate, places in tested_effects(fit):
        chi2 = wald_chi2(fit.theta[places], covariance[np.ix_(places, places)])
        df = len(places)
        p_value = float(fdtrc(df, n_clusters - 1, max(chi2, 0.0) / df))
        found.append(TermTest(parameter, covariate, tuple(places), chi2, df, p_value))
    return found


@dataclass(frozen=True)
class LikelihoodRatio:
    """A covariate left out of all parameters at once."""

    covariate: str
    chi2: float
    """-2 log-likelihood without it minus that with it, on the same nodes."""
    df: int
    p_value: float
    smaller: Population
    """Where the smaller model's likelihood is largest."""


def likelihood_ratios(
    fit: GrowthFit,
    covariates: Sequence[str | None],
    *,
    n_nodes: int = 0,
    seed: int = 20230607,
    threads: int = 1,
) -> list[LikelihoodRatio]:
    """Likelihood-ratio test of each covariate given the others, or of all (None), by refitting.

    All likelihoods are climbed on the same nodes, so that the Monte Carlo error of a difference is
    small. The tests take lesions as independent.

    Raises:
        ValueError: the fit has no such covariate.
    """
    design = fit.problem.design
    smaller = []
    for covariate in covariates:
        is_out = np.array(
            [bool(one.covariate) and covariate in (None, one.covariate) for one in design.columns]
        )
        if not is_out.any():
            raise ValueError(f"the fit has no covariate {covariate!r}")
        kept = Design(design.values, design.columns, design.mask & ~is_out[:, None])
        is_kept = np.ones(fit.structure.size, dtype=bool)
        is_kept[: fit.structure.n_effects] = kept.mask[fit.structure.effect_places]
        smaller.append((kept, fit.structure.omega_kind, is_kept))
    gains = _gains(fit, smaller, n_nodes, seed, threads)
    return [
        LikelihoodRatio(covariate or "", chi2, df, float(chdtrc(df, chi2)), point)
        for covariate, (chi2, df, point) in zip(covariates, gains, strict=True)
    ]


def correlation_ratio(
    fit: GrowthFit, *, n_nodes: int = 0, seed: int = 20230607, threads: int = 1
) -> LikelihoodRatio:
    """Likelihood-ratio test of all correlations of a fit with ``omega="full"``.

    Raises:
        ValueError: the fit has independent random effects.
    """
    if fit.structure.omega_kind != "full":
        raise ValueError("the fit has no correlations: fit it with omega='full'")
    structure = fit.structure
    is_kept = np.ones(structure.size, dtype=bool)
    is_kept[structure.n_effects + structure.p : structure.n_effects + structure.n_omega] = False
    smaller: Smaller = (fit.problem.design, "diagonal", is_kept)
    ((chi2, df, point),) = _gains(fit, [smaller], n_nodes, seed, threads)
    return LikelihoodRatio("", chi2, df, float(chdtrc(df, chi2)), point)


def _gains(
    fit: GrowthFit, smaller: Sequence[Smaller], n_nodes: int, seed: int, threads: int
) -> list[tuple[float, int, Population]]:
    """What each smaller model loses in -2 log-likelihood and in estimates, and where it ends."""
    count = n_nodes or FitSettings().first_nodes(fit.n_lesions) // 2
    nodes = [(np.arange(fit.n_lesions), make_nodes(fit.structure.p, count, seed, DROP_PURPOSE))]

    def top(design: Design, kind: OmegaKind, start: FloatArray) -> tuple[float, Population]:
        """The largest log-likelihood of a model, and where it is."""
        problem = replace(fit.problem, design=design)
        structure = Structure(problem.model, problem.error, kind, design)
        run = run_newton(
            structure,
            start,
            lambda theta: lesion_moments(
                structure,
                problem,
                structure.unpack(theta),
                fit.proposal,
                nodes,
                threads=threads,
                pool=pool,
            ),
            tolerance=TOLERANCE,
            most_steps=MOST_STEPS,
            on_step=lambda theta, total: None,
        )
        if not run.is_converged:
            return run.moments.total, structure.unpack(run.theta)
        end = structure.unpack(run.theta + newton_direction(run.curvature))
        return run.moments.total + 0.5 * run.decrement, end

    with one_blas_thread(), worker_pool(threads) as pool:
        with_it, _ = top(fit.problem.design, fit.structure.omega_kind, fit.theta)
        found = []
        for design, kind, is_kept in smaller:
            without, point = top(design, kind, _without(fit, is_kept))
            gain = max(2.0 * (with_it - without), 0.0)
            found.append((gain, int(np.count_nonzero(~is_kept)), point))
    return found


def _without(fit: GrowthFit, is_kept: BoolArray) -> FloatArray:
    """Theta of a smaller model where the parabola of the larger one's likelihood has its maximum.

    With covariance S of theta, k what is kept and d what is dropped: theta_k - S_kd S_dd^-1 theta_d
    (what a Wald test assumes; Newton's method then begins within some tenths of an error).
    """
    covariance = fit.theta_covariance
    dropped = np.linalg.lstsq(covariance[np.ix_(~is_kept, ~is_kept)], fit.theta[~is_kept])[0]
    return np.asarray(fit.theta[is_kept] - covariance[np.ix_(is_kept, ~is_kept)] @ dropped)
