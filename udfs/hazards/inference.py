"""Hazard ratios with intervals, and tests of terms and of the variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from udfs.hazards.arrays import FloatArray, IntArray
from udfs.hazards.data import CoxData
from udfs.hazards.design import Design
from udfs.hazards.estimate import Options, estimate, maximum_near
from udfs.hazards.problem import prepare
from udfs.hazards.result import CoxFit
from udfs.threads import single_blas_thread


@dataclass(frozen=True)
class HazardRatios:
    """m log hazard ratios with Wald intervals and tests."""

    term: tuple[str, ...]
    level: tuple[str, ...]
    reference: tuple[str, ...]
    """What each is compared with; empty for numbers (per unit)."""
    log_hr: FloatArray
    standard_error: FloatArray
    hazard_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    """(m,) two-sided, exp(log_hr) = 1, from the normal distribution."""
    covariance: FloatArray
    """(m, m) of the log hazard ratios."""


@dataclass(frozen=True)
class TermTest:
    """A term or one of its columns left out, everything else re-estimated."""

    term: str
    label: str
    """The column left out; empty where the whole term was."""
    chi2: float
    """Twice the fall of the integrated log-likelihood, 0 where it rises (the coefficients maximise
    the penalised likelihood, not this one)."""
    df: int
    p_value: float
    wald_chi2: float
    """b' V^-1 b over the columns left out."""
    wald_p_value: float
    variance_without: float
    """s2 of the model without them."""


@dataclass(frozen=True)
class VarianceTest:
    """Of no random effect."""

    chi2: float
    p_value: float
    """From the 50:50 mixture of chi-squared with 0 and 1 degrees of freedom, since 0 is at the edge
    of what the variance can be; 1 where the statistic is 0."""


def hazard_ratios(fit: CoxFit, confidence: float = 0.95) -> HazardRatios:
    """All coefficients of a fit."""
    terms, labels = zip(*fit.columns, strict=True) if fit.columns else ((), ())
    return _ratios(terms, labels, fit.references, fit.coefficient, fit.covariance, confidence)


def contrasts(
    fit: CoxFit,
    weights: FloatArray,
    names: Sequence[tuple[str, str, str]],
    confidence: float = 0.95,
) -> HazardRatios:
    """Weighted sums of coefficients, such as the difference of two levels.

    Args:
        fit: the fit.
        weights: (m, p).
        names: (m,) term, level and reference to be shown.
        confidence: of the intervals.
    """
    terms, levels, references = zip(*names, strict=True)
    covariance = weights @ fit.covariance @ weights.T
    return _ratios(terms, levels, references, weights @ fit.coefficient, covariance, confidence)


def against_mean(fit: CoxFit, term: str, confidence: float = 0.95) -> HazardRatios:
    """Every level of a factor, the reference first, against the mean log hazard of its levels.

    Unlike hazard ratios against the reference these do not all share the error of one level.
    Hand-worked: log hazard ratios 0 (reference), 0.3 and 0.6 have mean 0.3, so -0.3, 0 and 0.3.

    Raises:
        ValueError: the fit has no such factor.
    """
    levels, weights = level_weights(fit, term)
    names = [(term, level, "mean") for level in levels]
    return contrasts(fit, weights - weights.mean(axis=0), names, confidence)


def level_weights(fit: CoxFit, term: str) -> tuple[tuple[str, ...], FloatArray]:
    """The levels of a factor, the reference first, and the (k + 1, p) weights that pick their log
    hazard ratios against the reference.

    Raises:
        ValueError: the fit has no such factor.
    """
    at = [j for j, (name, _) in enumerate(fit.columns) if name == term and fit.references[j]]
    if not at:
        factors = sorted({n for (n, _), r in zip(fit.columns, fit.references, strict=True) if r})
        raise ValueError(f"the fit has no factor {term!r}; factors: {', '.join(factors) or 'none'}")
    weights = np.zeros((len(at) + 1, len(fit.columns)))
    weights[np.arange(1, len(at) + 1), at] = 1.0
    return (fit.references[at[0]], *(fit.columns[j][1] for j in at)), weights


@single_blas_thread
def term_tests(
    data: CoxData, fit: CoxFit, terms: Sequence[str] | None = None
) -> tuple[TermTest, ...]:
    """Likelihood-ratio and Wald tests of terms of a fit to the data.

    Args:
        data: what was fitted.
        fit: the fit.
        terms: which; by default all.

    Raises:
        ValueError: no such term.
    """
    names = list(data.design.slices) if terms is None else list(terms)
    designs = [data.design.without(name) for name in names]
    places = [data.design.slices[name] for name in names]
    columns = [np.arange(place.start, place.stop) for place in places]
    return _tests(data, fit, [(name, "") for name in names], designs, columns)


@single_blas_thread
def coefficient_tests(
    data: CoxData, fit: CoxFit, columns: Sequence[tuple[str, str]] | None = None
) -> tuple[TermTest, ...]:
    """Likelihood-ratio and Wald tests of single coefficients: of a factor's level, that its hazard
    is its reference's.

    Args:
        data: what was fitted.
        fit: the fit.
        columns: terms and labels, as in ``CoxFit.columns``; by default all.

    Raises:
        ValueError: no such term or column.
    """
    names = list(fit.columns) if columns is None else list(columns)
    designs = [data.design.less(*name) for name in names]
    places = [np.array([fit.columns.index(name)]) for name in names]
    return _tests(data, fit, names, designs, places)


def variance_test(fit: CoxFit) -> VarianceTest:
    """Likelihood-ratio test that the random effect's variance is 0."""
    chi2 = max(0.0, 2 * (fit.loglik_integrated - fit.loglik_fixed))
    return VarianceTest(chi2, float(chdtrc(1, chi2)) / 2 if chi2 > 0 else 1.0)


def options_of(fit: CoxFit) -> Options:
    """The options that a fit was made with, but for the interval, which is left out."""
    determinant = fit.determinant if fit.determinant in ("exact", "lanczos") else "auto"
    given = 0.0 if fit.method == "naive" else fit.variance if fit.is_variance_given else None
    return Options(
        ties=fit.ties,
        method="laplace" if fit.method == "naive" else fit.method,
        determinant=determinant,  # type: ignore[arg-type]
        variance=given,
        interval=False,
        confidence=fit.confidence,
    )


def _tests(
    data: CoxData,
    fit: CoxFit,
    names: Sequence[tuple[str, str]],
    designs: Sequence[Design],
    columns: Sequence[IntArray],
) -> tuple[TermTest, ...]:
    """Of the full fit against each smaller design, which lacks the columns beside it."""
    problem = prepare(data, fit.ties)
    options = options_of(fit)
    effect = fit.frailty.effect[problem.active_groups]
    curvature = None
    results = []
    for (term, label), design, place in zip(names, designs, columns, strict=True):
        smaller = problem.with_design(design)
        if fit.variance > 0:
            start = np.delete(fit.coefficient, place) * smaller.columns.scale
            near = maximum_near(smaller, options, fit.variance, (start, effect), curvature)
            loglik, variance, curvature = near.loglik, near.variance, near.curvature
        else:
            found = estimate(smaller, options)
            loglik, variance = found.loglik, found.variance
        df = len(place)
        chi2 = max(0.0, 2 * (fit.loglik_integrated - loglik))
        b = fit.coefficient[place]
        wald = float(b @ np.linalg.solve(fit.covariance[np.ix_(place, place)], b))
        p_values = float(chdtrc(df, chi2)), float(chdtrc(df, wald))
        results.append(TermTest(term, label, chi2, df, p_values[0], wald, p_values[1], variance))
    return tuple(results)


def _ratios(
    terms: Sequence[str],
    levels: Sequence[str],
    references: Sequence[str],
    log_hr: FloatArray,
    covariance: FloatArray,
    confidence: float,
) -> HazardRatios:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must be between 0 and 1")
    error = np.sqrt(np.diag(covariance))
    reach = float(ndtri((1 + confidence) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(log_hr) / error
    return HazardRatios(
        tuple(terms),
        tuple(levels),
        tuple(references),
        log_hr,
        error,
        np.exp(log_hr),
        np.exp(log_hr - reach),
        np.exp(log_hr + reach),
        2 * ndtr(-z),
        covariance,
    )
