"""A fit as text, laid out as Monolix lays out its results."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from udfs.growth.individual import Shrinkage
from udfs.growth.population import Structure
from udfs.growth.result import GrowthFit

MOST_CORRELATED = 16
"""With more estimates than this the matrix of their correlations is left out."""


def format_fit(fit: GrowthFit, shrinkage: Shrinkage | None = None) -> str:
    """Population parameters, correlations of the estimates, likelihood, shrinkage, the verdict.

    P-values are Wald's, of effects of covariates. BICc = minus2ll + log(lesions) k + log(rows) e
    with e parameters of the residual error and k others (Delattre, Lavielle and Poursat 2014,
    Electron. J. Statist. 8:456).
    """
    column, _ = fit.structure.effect_places
    is_effect = [fit.problem.design.columns[c].covariate != "" for c in column]
    has_effects = any(is_effect)
    lines = ["ESTIMATION OF THE POPULATION PARAMETERS", ""]
    lines.append(f"{'':<28}{'VALUE':>14}{'S.E.':>14}{'R.S.E.(%)':>12}" + "   P-VALUE" * has_effects)
    heads = _headings(fit.structure)
    for k, label in enumerate(fit.labels):
        if k in heads:
            lines.append(heads[k])
        unit = f" ({fit.units[k]})" if fit.units[k] else ""
        lines.append(
            f"{label + unit:<28}{fit.estimates[k]:>14.5g}{fit.standard_errors[k]:>14.4g}"
            f"{fit.rse_percent[k]:>12.2f}"
        )
        if k < len(is_effect) and is_effect[k]:
            z = abs(fit.estimates[k] / fit.standard_errors[k])
            lines[-1] += f"{2.0 * ndtr(-z):>10.3g}"
    if len(fit.labels) <= MOST_CORRELATED:
        lines += _correlations(fit)
    lines += ["", "ESTIMATION OF THE LOG-LIKELIHOOD (importance sampling)", ""]
    lines.append(
        f"{'-2 x log-likelihood':<28}{fit.minus2ll:>14.2f}"
        f"   (Monte Carlo standard error {fit.minus2ll_mc_se:.2f})"
    )
    lines.append(f"{'Akaike (AIC)':<28}{fit.aic:>14.2f}")
    lines.append(f"{'Bayesian (BIC)':<28}{fit.bic:>14.2f}")
    n_error = len(fit.structure.error.names)
    corrected = fit.bic + n_error * float(np.log(fit.n_observations / fit.n_lesions))
    lines.append(f"{'Corrected Bayesian (BICc)':<28}{corrected:>14.2f}")
    if shrinkage is not None:
        lines += ["", "SHRINKAGE (%)", "", f"{'':<28}{'modes':>14}{'means':>14}"]
        for k, name in enumerate(shrinkage.parameter):
            lines.append(
                f"{name:<28}{100 * shrinkage.of_modes[k]:>14.1f}"
                f"{100 * shrinkage.of_means[k]:>14.1f}"
            )
    lines += ["", _counts(fit), fit.convergence.verdict]
    return "\n".join(lines)


def _correlations(fit: GrowthFit) -> list[str]:
    """Lower triangle of the correlations of the estimates, and the matrix' eigenvalues."""
    matrix = fit.covariance / np.outer(fit.standard_errors, fit.standard_errors)
    values = np.linalg.eigvalsh(matrix)
    lines = ["", "CORRELATION OF THE ESTIMATES", ""]
    for k, label in enumerate(fit.labels):
        lines.append(f"{label:<28}" + "".join(f"{one:>8.3f}" for one in matrix[k, : k + 1]))
    lines.append(
        f"eigenvalues: smallest {values[0]:.3g}, largest {values[-1]:.3g}, "
        f"ratio {values[-1] / max(values[0], 1e-300):.3g}"
    )
    return lines


def _headings(structure: Structure) -> dict[int, str]:
    start = structure.n_effects
    return {
        0: "Fixed effects",
        start: "Standard deviations of the random effects",
        start + structure.n_omega: "Residual error",
    } | ({start + structure.p: "Correlations"} if structure.omega_kind == "full" else {})


def _counts(fit: GrowthFit) -> str:
    aside = len(fit.problem.data.set_aside.lesion) + len(fit.problem.idle)
    return (
        f"{fit.n_lesions} lesions ({aside} set aside), {fit.n_observations} measurements, "
        f"{fit.n_censored} of them censored; {fit.problem.model.label}, seed {fit.seed}"
    )
