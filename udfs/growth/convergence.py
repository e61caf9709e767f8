"""Does a fit depend on its seed or on where it started? And which model fits best?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.growth.data import GrowthData
from udfs.growth.fit import fit_growth
from udfs.growth.model_base import GrowthModel
from udfs.growth.parameters import FloatArray
from udfs.growth.result import GrowthFit

LARGEST_SPREAD = 0.5
"""Standard errors that runs may lie apart and still be called one answer."""


@dataclass(frozen=True)
class ConvergenceStudy:
    """The same fit from several seeds and starting values (r runs)."""

    labels: tuple[str, ...]
    seed: NDArray[np.int64]
    """(r,)"""
    start: NDArray[np.int64]
    """(r,) number of the starting point, from 0."""
    estimates: FloatArray
    """(r, size)"""
    minus2ll: FloatArray
    """(r,)"""
    is_converged: NDArray[np.bool_]
    """(r,) each run's own verdict."""
    spread: FloatArray
    """(size,) largest distance of a run from the median run, in standard errors."""
    mc_se: FloatArray
    """(size,) standard deviation over the runs: the Monte Carlo standard error of one run."""
    standard_errors: FloatArray
    """(size,) median over the runs."""
    agrees: bool
    verdict: str


def assess_convergence(
    data: GrowthData,
    *,
    starts: Sequence[Mapping[str, float]] = ({},),
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    **options: Any,
) -> ConvergenceStudy:
    """Fit from every start with every seed (Monolix: "convergence assessment").

    Args:
        starts: starting values by label; {} is the model's own.
        options: passed on to ``fit_growth``.
    """
    runs = [
        (number, seed, fit_growth(data, start=start, seed=seed, **options))
        for number, start in enumerate(starts)
        for seed in seeds
    ]
    fits = [fit for _, _, fit in runs]
    estimates = np.array([fit.estimates for fit in fits])
    errors = np.median([fit.standard_errors for fit in fits], axis=0)
    spread = np.abs(estimates - np.median(estimates, axis=0)).max(axis=0) / errors
    is_converged = np.array([fit.convergence.is_converged for fit in fits])
    worst = int(np.argmax(spread))
    agrees = bool(spread.max() <= LARGEST_SPREAD)
    verdict = (
        f"{len(fits)} runs agree to {spread[worst]:.2f} standard errors"
        if agrees
        else f"runs differ by {spread[worst]:.2f} standard errors in {fits[0].labels[worst]}"
    )
    return ConvergenceStudy(
        labels=fits[0].labels,
        seed=np.array([seed for _, seed, _ in runs]),
        start=np.array([number for number, _, _ in runs]),
        estimates=estimates,
        minus2ll=np.array([fit.minus2ll for fit in fits]),
        is_converged=is_converged,
        spread=spread,
        mc_se=estimates.std(axis=0, ddof=1) if len(fits) > 1 else np.zeros(len(spread)),
        standard_errors=errors,
        agrees=agrees,
        verdict=verdict,
    )


@dataclass(frozen=True)
class ModelComparison:
    """Several models fitted to the same rows."""

    model: tuple[str, ...]
    n_parameters: NDArray[np.int64]
    minus2ll: FloatArray
    minus2ll_mc_se: FloatArray
    aic: FloatArray
    bic: FloatArray
    delta_bic: FloatArray
    """BIC minus the smallest BIC among the fits that converged."""
    is_converged: NDArray[np.bool_]
    fits: tuple[GrowthFit, ...]


def compare_models(
    data: GrowthData, models: Sequence[GrowthModel], **options: Any
) -> ModelComparison:
    """Fit each model with the same options and compare their information criteria.

    All models must see the same rows: with a baseline regressor the baseline rows do not count, so
    that a model which estimates the baseline cannot be compared with one that takes it as given,
    unless ``count_baseline=True``.

    Raises:
        ValueError: models that evaluate different numbers of rows.
    """
    fits = [fit_growth(data, model=model, **options) for model in models]
    counts = {fit.n_observations for fit in fits}
    if len(counts) > 1:
        raise ValueError(
            "models that take the baseline as given and models that estimate it evaluate "
            f"different rows ({', '.join(str(one) for one in sorted(counts))}); their likelihoods "
            "cannot be compared"
        )
    bic = np.array([fit.bic for fit in fits])
    is_converged = np.array([fit.convergence.is_converged for fit in fits])
    best = bic[is_converged].min() if is_converged.any() else bic.min()
    return ModelComparison(
        model=tuple(model.label for model in models),
        n_parameters=np.array([fit.structure.size for fit in fits]),
        minus2ll=np.array([fit.minus2ll for fit in fits]),
        minus2ll_mc_se=np.array([fit.minus2ll_mc_se for fit in fits]),
        aic=np.array([fit.aic for fit in fits]),
        bic=bic,
        delta_bic=bic - best,
        is_converged=is_converged,
        fits=tuple(fits),
    )


@dataclass(frozen=True)
class EffectTest:
    """Wald test of one covariate on one parameter (all its levels together)."""

    parameter: str
    covariate: str
    levels: tuple[str, ...]
    """Levels tested against the reference; empty for a number."""
    reference: str
    effect: FloatArray
    """(k,) effects on the Gaussian scale (log or logit)."""
    standard_error: FloatArray
    """(k,)"""
    chi2: float
    df: int
    p_value: float


def tested_effects(fit: GrowthFit) -> Iterator[tuple[str, str, list[int]]]:
    """Every covariate on every parameter it acts on: parameter, covariate, positions in theta."""
    column, parameter = fit.structure.effect_places
    names = [fit.problem.design.columns[c].covariate for c in column]
    for k, one in enumerate(fit.problem.model.parameters):
        for covariate in dict.fromkeys(name for name in names if name):
            places = [j for j, name in enumerate(names) if name == covariate and parameter[j] == k]
            if places:
                yield one.name, covariate, places


def wald_chi2(effect: FloatArray, covariance: FloatArray) -> float:
    """effect' covariance^-1 effect."""
    return float(effect @ np.linalg.solve(covariance, effect))


def effect_tests(fit: GrowthFit) -> tuple[EffectTest, ...]:
    """Joint Wald test of every covariate on every parameter it acts on."""
    from scipy.special import chdtrc

    column, _ = fit.structure.effect_places
    tests = []
    for parameter, covariate, places in tested_effects(fit):
        effect = fit.theta[places]
        block = fit.theta_covariance[np.ix_(places, places)]
        chi2 = wald_chi2(effect, block)
        columns = [fit.problem.design.columns[column[j]] for j in places]
        tests.append(
            EffectTest(
                parameter,
                covariate,
                tuple(item.level for item in columns if item.level),
                columns[0].reference,
                effect,
                np.sqrt(np.diag(block)),
                chi2,
                len(places),
                float(chdtrc(len(places), chi2)),
            )
        )
    return tuple(tests)
