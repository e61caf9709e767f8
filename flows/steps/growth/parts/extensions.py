"""Rows of the tables of larger models: covariates, correlated random effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from flows.steps.growth.parts.rebuilt import Rebuilt
from udfs.comparisons.adjust import adjusted
from udfs.growth.clustered import normal_interval
from udfs.growth.effects import LikelihoodRatio, clustered_covariance, term_tests
from udfs.growth.parameters import LARGEST_EXPONENT, FloatArray
from udfs.growth.result import LARGEST_MC_SHARE, GrowthFit
from warehouse.result_tables import nulls

FEW = "few lesions"
ALPHA = 0.05
LARGEST_RELATIVE = 100.0
"""Standard error over estimate; beyond it an interval is as good as infinite."""
LARGEST_DECREMENT, SMALLEST_EIGENVALUE = 1e-2, 1e-3
Row = dict[str, Any]


@dataclass(frozen=True)
class Extended:
    """A larger model and what its estimates are worth when lesions of a patient are alike."""

    extension: str
    fit: GrowthFit
    covariance: FloatArray
    """(size, size) of theta, by patient."""
    natural_covariance: FloatArray
    """(size, size) of the estimates."""
    n_patients: int

    @staticmethod
    def of(extension: str, fit: GrowthFit, cluster: Any) -> Extended:
        """Sandwich by patient, or Louis' covariance where there are too few patients for it."""
        n_patients = len(np.unique(cluster))
        covariance = fit.theta_covariance
        if n_patients > 2 * fit.structure.size:
            covariance = clustered_covariance(fit, cluster)
        slopes = fit.structure.natural_slopes(fit.theta)
        return Extended(extension, fit, covariance, slopes @ covariance @ slopes.T, n_patients)

    @property
    def errors(self) -> FloatArray:
        """(size,) standard errors of the estimates."""
        return np.sqrt(np.maximum(np.diag(self.natural_covariance), 0.0))


def is_converged(fit: GrowthFit) -> bool:
    """Whether every estimate is exact to a fifth of its standard error."""
    state = fit.convergence
    return bool(
        state.newton_decrement < LARGEST_DECREMENT
        and np.max(state.mc_share) < LARGEST_MC_SHARE
        and state.smallest_eigenvalue > SMALLEST_EIGENVALUE
    )


def joined_levels(words: NDArray[Any], fewest: int) -> NDArray[Any]:
    """(n,) levels, those with fewer than ``fewest`` lesions as one.

    If these are too few together, they are counted with the most frequent level.
    """
    names, code, counts = np.unique(words, return_inverse=True, return_counts=True)
    joined = np.where(counts[code] < fewest, FEW, names[code])
    is_few = joined == FEW
    if 0 < np.count_nonzero(is_few) < fewest:
        joined = np.where(is_few, names[np.argmax(counts)], joined)
    return joined


def fit_row(found: Rebuilt, extended: Extended, ratio: LikelihoodRatio) -> Row:
    """A row of ``growth_extended_fit``."""
    fit = extended.fit
    return {
        "fit_id": found.fit_id,
        "extension": extended.extension,
        "n_lesions": fit.n_lesions,
        "n_patients": extended.n_patients,
        "n_estimates": fit.structure.size,
        "minus2ll": float(fit.minus2ll),
        "minus2ll_mc_se": float(fit.minus2ll_mc_se),
        "gain": ratio.chi2,
        "df": ratio.df,
        "p_value": ratio.p_value,
        "aic_gain": ratio.chi2 - 2.0 * ratio.df,
        "largest_mc_share": float(np.max(fit.convergence.mc_share)),
        "newton_decrement": float(fit.convergence.newton_decrement),
        "is_converged": is_converged(fit),
    }


def ratio_of(effect: float) -> float | None:
    """exp(effect); None where it is too large for a number."""
    return float(np.exp(effect)) if effect < LARGEST_EXPONENT else None


def covariate_rows(found: Rebuilt, extended: Extended, correction: Any) -> list[Row]:
    """Rows of ``growth_covariate``, by parameter, covariate and level."""
    fit = extended.fit
    structure, design = fit.structure, fit.problem.design
    column, parameter = structure.effect_places
    places = [k for k, c in enumerate(column) if design.columns[c].covariate]
    rows = []
    for place in places:
        one = fit.problem.model.parameters[parameter[place]]
        what = design.columns[column[place]]
        words = fit.problem.data.covariates[what.covariate][fit.problem.order]
        effect, error = float(fit.theta[place]), float(extended.errors[place])
        low, high = normal_interval(effect, error)
        is_ratio = one.distribution != "normal"
        base = fit.population.coefficients[0, parameter[place]]
        rows.append(
            {
                "fit_id": found.fit_id,
                "parameter": one.name,
                "covariate": what.covariate,
                "level": what.level,
                "reference": what.reference,
                "n_lesions": int(np.sum(words == what.level)),
                "n_reference": int(np.sum(words == what.reference)),
                "effect": effect,
                "standard_error": error,
                "standard_error_lesions": float(fit.standard_errors[place]),
                "ci_lower": low,
                "ci_upper": high,
                "ratio": ratio_of(effect) if is_ratio else None,
                "ratio_lower": ratio_of(low) if is_ratio else None,
                "ratio_upper": ratio_of(high) if is_ratio else None,
                "typical": float(one.to_psi(base + effect)),
                "p_value": 2.0 * float(stdtr(extended.n_patients - 1, -abs(effect) / error)),
            }
        )
    _adjust(rows, correction)
    return rows


def _adjust(rows: list[Row], correction: Any) -> None:
    """Corrects for the levels of each covariate and parameter, in place."""
    groups = pd.Series([f"{row['parameter']}\n{row['covariate']}" for row in rows], dtype=object)
    for members in groups.groupby(groups).groups.values():
        values = np.array([rows[k]["p_value"] for k in members])
        for k, value in zip(members, adjusted(values, correction), strict=True):
            row = rows[k]
            row["p_adjusted"] = float(value)
            direction = "higher" if row["effect"] > 0 else "lower"
            row["shows_vs_reference"] = direction if value < ALPHA else "no difference shown"


def test_rows(found: Rebuilt, extended: Extended, ratios: Sequence[LikelihoodRatio]) -> list[Row]:
    """Rows of ``growth_covariate_test``."""
    rows = [
        {
            "fit_id": found.fit_id,
            "covariate": one.covariate,
            "parameter": one.parameter,
            "test": "Wald by patient",
            "chi2": one.chi2,
            "df": one.df,
            "p_value": one.p_value,
        }
        for one in term_tests(extended.fit, extended.covariance, extended.n_patients)
    ]
    rows += [
        {
            "fit_id": found.fit_id,
            "covariate": one.covariate,
            "parameter": "all",
            "test": "likelihood ratio",
            "chi2": one.chi2,
            "df": one.df,
            "p_value": one.p_value,
        }
        for one in ratios
    ]
    return rows


def random_effect_rows(found: Rebuilt, extended: Extended, ratio: LikelihoodRatio) -> list[Row]:
    """Rows of ``growth_random_effect``: standard deviations, then correlations.

    Args:
        ratio: of the extended model against the one without covariates.
    """
    fit, names = extended.fit, extended.fit.parameter_names
    start = fit.structure.n_effects
    without = dict(zip((f"omega_{name}" for name in names), ratio.smaller.sd, strict=True))
    rows: list[Row] = []
    for k, label in enumerate(fit.labels[start : start + fit.structure.n_omega], start):
        value, error = float(fit.estimates[k]), float(extended.errors[k])
        row: Row = {
            "fit_id": found.fit_id,
            "extension": extended.extension,
            "parameter": label,
            "estimate": value,
            "standard_error": error,
            **nulls(("x", "y", "p_value", "explained_share")),
        }
        if label.startswith("omega_"):
            reach = min(error / value, LARGEST_RELATIVE)
            low, high = np.exp(normal_interval(np.log(value), reach))
            if extended.extension == "covariates":
                row["explained_share"] = float(1.0 - (value / without[label]) ** 2)
        else:
            bounded = float(np.clip(value, -1 + 1e-9, 1 - 1e-9))
            scale = error / (1.0 - bounded**2)
            low, high = np.tanh(normal_interval(float(np.arctanh(bounded)), scale))
            pair = [(x, y) for x in names for y in names if label == f"corr_{x}_{y}"]
            row["x"], row["y"] = pair[0]
            t = abs(float(np.arctanh(bounded))) / scale
            row["p_value"] = 2.0 * float(stdtr(extended.n_patients - 1, -t))
        row["ci_lower"], row["ci_upper"] = float(low), float(high)
        rows.append(row)
    return rows
