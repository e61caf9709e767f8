"""A fit as text, laid out as Monolix lays out its results."""

from __future__ import annotations

from udfs.growth.individual import Shrinkage
from udfs.growth.population import Structure
from udfs.growth.result import GrowthFit


def format_fit(fit: GrowthFit, shrinkage: Shrinkage | None = None) -> str:
    """Population parameters with standard errors, likelihood, shrinkage and the verdict."""
    lines = ["ESTIMATION OF THE POPULATION PARAMETERS", ""]
    lines.append(f"{'':<28}{'VALUE':>14}{'S.E.':>14}{'R.S.E.(%)':>12}")
    heads = _headings(fit.structure)
    for k, label in enumerate(fit.labels):
        if k in heads:
            lines.append(heads[k])
        unit = f" ({fit.units[k]})" if fit.units[k] else ""
        lines.append(
            f"{label + unit:<28}{fit.estimates[k]:>14.5g}{fit.standard_errors[k]:>14.4g}"
            f"{fit.rse_percent[k]:>12.2f}"
        )
    lines += ["", "ESTIMATION OF THE LOG-LIKELIHOOD (importance sampling)", ""]
    lines.append(
        f"{'-2 x log-likelihood':<28}{fit.minus2ll:>14.2f}"
        f"   (Monte Carlo standard error {fit.minus2ll_mc_se:.2f})"
    )
    lines.append(f"{'Akaike (AIC)':<28}{fit.aic:>14.2f}")
    lines.append(f"{'Bayesian (BIC)':<28}{fit.bic:>14.2f}")
    if shrinkage is not None:
        lines += ["", "SHRINKAGE (%)", "", f"{'':<28}{'modes':>14}{'means':>14}"]
        for k, name in enumerate(shrinkage.parameter):
            lines.append(
                f"{name:<28}{100 * shrinkage.of_modes[k]:>14.1f}"
                f"{100 * shrinkage.of_means[k]:>14.1f}"
            )
    lines += ["", _counts(fit), fit.convergence.verdict]
    return "\n".join(lines)


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
