"""Rows of the tables that say what a fit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import ndtr

from flows.steps.growth.parts.reading import TargetLesions
from flows.steps.growth.parts.tables import (
    GROWTH_DROPOUT,
    GROWTH_EXCLUDED,
    GROWTH_FIT,
    GROWTH_INFLUENCE,
    GROWTH_LESION,
    GROWTH_POPULATION,
    GROWTH_TRACE,
    fit_table,
)
from udfs.growth.individual import ConditionalDraws, influence, shrinkage
from udfs.growth.models import TwoPopulation
from udfs.growth.modes import ConditionalModes
from udfs.growth.parameters import FloatArray
from udfs.growth.result import GrowthFit
from udfs.growth.second_level import TwoLevelFit
from udfs.growth.settings import FitProgress
from udfs.growth.two_level_theta import ALPHA, RATE, is_of_dropout
from udfs.growth_events import GrowthCurve

NORMAL_95 = 1.959963984540054
PARAMETERS = ("kg_per_day", "kd_per_day", "f")
GAUSSIAN = ("log_kg", "log_kd", "logit_f")


@dataclass(frozen=True)
class Fitted:
    """A fit and what was computed from it."""

    fit_id: str
    subset: str
    model_name: str
    fit: GrowthFit
    """Lesions under the population of both levels together."""
    alone: GrowthFit
    """The fit that takes lesions as independent; the same as ``fit`` without patients' effects."""
    two_level: TwoLevelFit | None
    modes: ConditionalModes
    draws: ConditionalDraws
    targets: TargetLesions
    lesions: pd.DataFrame
    """Of the fitted lesions, in the order of the fit."""
    v0: FloatArray
    t0: FloatArray
    grows_before: bool
    is_warm_start: bool = False
    trace: tuple[FitProgress, ...] = ()
    """Where the fit has been, in order."""

    @property
    def is_converged(self) -> bool:
        """Of the fit with patients' effects, where there is one: the other is its start."""
        two = self.two_level
        return self.alone.convergence.is_converged if two is None else two.is_converged

    @property
    def verdict(self) -> str:
        """Convergence in a sentence."""
        two = self.two_level
        if two is None:
            return self.alone.convergence.verdict
        if not two.is_converged:
            text = (
                f"not converged: {two.newton_decrement**0.5:.2f} standard errors from the maximum"
            )
            if np.isfinite(two.mc_share).any():
                worst = np.nanmax(two.mc_share)
                text += f", Monte Carlo error {worst:.0%} of a standard error"
            if two.minus2ll_gain < 0:
                more = -two.minus2ll_gain
                text += f", -2LL {more:,.1f} above that of lesions by themselves"
            return text
        return (
            "converged: with patients' effects every estimate is exact to "
            f"{max(float(two.mc_share.max()), 0.01):.2f} standard errors or better"
        )

    @property
    def has_two_populations(self) -> bool:
        """Whether the model has kg, kd and F as Zhou 2023 has them."""
        return isinstance(self.fit.problem.model, TwoPopulation)

    def curve(self, phi: FloatArray) -> GrowthCurve:
        """Curves of (n, 3) or (n, d, 3) parameters."""
        shape = (-1,) + (1,) * (phi.ndim - 2)
        return GrowthCurve.from_phi(
            phi, self.v0.reshape(shape), self.t0.reshape(shape), grows_before=self.grows_before
        )


def fit_rows(found: Fitted, n_excluded: int, counts_baseline: bool) -> pa.Table:
    """The one row of ``growth_fit``."""
    fit, state, two = found.fit, found.alone.convergence, found.two_level
    stated = found.alone if two is None else two
    shares = state.mc_share if two is None else two.mc_share
    decrement = state.newton_decrement if two is None else two.newton_decrement
    row = {
        "fit_id": found.fit_id,
        "model": found.model_name,
        "subset": found.subset,
        "n_lesions": fit.n_lesions,
        "n_patients": None if two is None else two.n_patients,
        "n_excluded": n_excluded,
        "n_observations": int(fit.n_observations),
        "n_censored": int(fit.n_censored),
        "censoring_method": "interval",
        "error_model": "proportional",
        "is_baseline_counted": counts_baseline,
        "has_patient_effects": two is not None,
        "has_dropout": two is not None and two.dropout is not None,
        "n_dropout_events": None if two is None or two.dropout is None else two.dropout.n_events,
        "minus2ll": float(stated.minus2ll),
        "minus2ll_mc_se": float(stated.minus2ll_mc_se),
        "aic": float(stated.aic),
        "bic": float(stated.bic),
        "minus2ll_gain": None if two is None else float(two.minus2ll_gain),
        "is_converged": found.is_converged,
        "verdict": found.verdict,
        "newton_decrement": float(decrement),
        "largest_mc_share": float(np.max(shares)),
        "smallest_ess": float(np.min(fit.lesions.ess)),
        "is_warm_start": found.is_warm_start,
        "seed": fit.seed,
    }
    return fit_table(GROWTH_FIT, {name: [value] for name, value in row.items()})


def population_rows(found: Fitted) -> pa.Table:
    """Estimates with intervals; shrinkage beside the standard deviations between lesions."""
    fit, two = found.fit, found.two_level
    stated = fit if two is None else two
    growth = [k for k, label in enumerate(stated.labels) if not is_of_dropout(label)]
    labels = tuple(stated.labels[k] for k in growth)
    value, error = stated.estimates[growth], stated.standard_errors[growth]
    # A patients' effect that was estimated as none has neither standard error nor interval.
    error = np.where(error > 0, error, np.nan)
    relative = error / np.where(value != 0, np.abs(value), np.nan)
    low, high = _intervals(found, labels, value, error)
    shrunk = shrinkage(fit, found.modes)
    of_modes = dict(zip((f"omega_{p}" for p in shrunk.parameter), shrunk.of_modes, strict=True))
    of_means = dict(zip((f"omega_{p}" for p in shrunk.parameter), shrunk.of_means, strict=True))
    totals = dict(zip(fit.labels, fit.estimates.tolist(), strict=True))
    units = dict(zip(fit.labels, fit.units, strict=True))
    return fit_table(
        GROWTH_POPULATION,
        {
            "fit_id": [found.fit_id] * len(value),
            "parameter": list(labels),
            "estimate": value,
            "standard_error": error,
            "rse_percent": 100.0 * relative,
            "ci_lower": low,
            "ci_upper": high,
            "unit": [units.get(label) or None for label in labels],
            "total_sd": [totals[label] if label.startswith("omega_") else None for label in labels],
            "shrinkage_modes": [of_modes.get(label) for label in labels],
            "shrinkage_means": [of_means.get(label) for label in labels],
        },
    )


def trace_rows(found: Fitted) -> pa.Table:
    """Estimates of growth at each point of the fit's way; steps are numbered over all stages."""
    rows = [
        (step, state.stage, name, value, state.minus2ll)
        for step, state in enumerate(found.trace, start=1)
        for name, value in state.estimates.items()
        if not is_of_dropout(name)
    ]
    names = ("step", "stage", "parameter", "estimate", "minus2ll")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    return fit_table(GROWTH_TRACE, {"fit_id": [found.fit_id] * len(rows), **columns})


def dropout_rows(found: Fitted) -> pa.Table:
    """Hazard ratios of the patients' effects, then the rates; no rows without drop-out."""
    two = found.two_level
    if two is None or two.dropout is None:
        return fit_table(GROWTH_DROPOUT)
    rows = [_effect_row(two, name) for name in found.fit.parameter_names]
    rows += [_rate_row(two, k) for k in range(two.dropout.n_pieces)]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]}
    return fit_table(GROWTH_DROPOUT, {"fit_id": [found.fit_id] * len(rows), **columns})


def _effect_row(two: TwoLevelFit, name: str) -> dict[str, Any]:
    """Log hazard ratio alpha; exp(alpha gamma) with limits by the delta method."""
    assert two.dropout is not None  # checked by the caller
    places = [two.labels.index(f"{ALPHA}{name}"), two.labels.index(f"gamma_{name}")]
    alpha, gamma = two.estimates[places]
    slopes = np.array([gamma, alpha])
    spread = float(np.sqrt(slopes @ two.covariance[np.ix_(places, places)] @ slopes))
    error = float(two.standard_errors[places[0]])
    reach = NORMAL_95 * spread if np.isfinite(error) else np.nan
    return {
        "kind": "effect",
        "term": name,
        "from_day": np.nan,
        "to_day": np.nan,
        "n_events": two.dropout.n_events,
        "estimate": float(alpha),
        "standard_error": error,
        "p_value": float(2.0 * ndtr(-abs(alpha / error))) if error > 0 else np.nan,
        "hazard_ratio": float(np.exp(alpha * gamma)),
        "ci_lower": float(np.exp(alpha * gamma - reach)),
        "ci_upper": float(np.exp(alpha * gamma + reach)),
    }


def _rate_row(two: TwoLevelFit, piece: int) -> dict[str, Any]:
    assert two.dropout is not None  # checked by the caller
    place = two.labels.index(f"{RATE}{piece + 1}")
    rate, error = float(two.estimates[place]), float(two.standard_errors[place])
    reach = np.exp(NORMAL_95 * error / rate)
    end = float(two.dropout.cuts[piece + 1])
    return {
        "kind": "rate",
        "term": str(piece + 1),
        "from_day": float(two.dropout.cuts[piece]),
        "to_day": end if np.isfinite(end) else np.nan,
        "n_events": int(two.dropout.events[:, piece].sum()),
        "estimate": rate,
        "standard_error": error,
        "p_value": np.nan,
        "hazard_ratio": np.nan,
        "ci_lower": rate / reach,
        "ci_upper": rate * reach,
    }


def _intervals(
    found: Fitted, labels: tuple[str, ...], value: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """95 % limits, symmetric on the scale of estimation."""
    scale = {f"{one.name}_pop": one.distribution for one in found.fit.problem.model.parameters}
    kind = np.array([scale.get(label, "lognormal") for label in labels])
    odds = np.where(kind == "logitnormal", 1.0 - value, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A patient's effect that was estimated as none has no interval.
        reach = np.exp(NORMAL_95 * error / np.abs(value * odds))
        # On the logit scale the odds are multiplied, on the log scale the value.
        low = np.where(kind == "logitnormal", value / (value + odds * reach), value / reach)
        high = np.where(
            kind == "logitnormal", value * reach / (value * reach + odds), value * reach
        )
    is_plain = kind == "normal"
    low = np.where(is_plain, value - NORMAL_95 * error, low)
    return low, np.where(is_plain, value + NORMAL_95 * error, high)


def lesion_rows(found: Fitted) -> pa.Table:
    """Conditional modes, then conditional means."""
    fit = found.fit
    tables = [
        _lesion_rows(found, "conditional_mode", found.modes.phi, found.modes.sd_phi),
        _lesion_rows(found, "conditional_mean", fit.lesions.mean_phi, fit.lesions.sd_phi),
    ]
    return pa.concat_tables(tables)


def _lesion_rows(found: Fitted, kind: str, phi: FloatArray, sd_phi: FloatArray) -> pa.Table:
    fit = found.fit
    is_mode = kind == "conditional_mode"
    parameters = fit.problem.model.parameters
    psi = np.stack([one.to_psi(phi[:, k]) for k, one in enumerate(parameters)], axis=1)
    slope = np.stack([one.slope(psi[:, k]) for k, one in enumerate(parameters)], axis=1)
    share = sd_phi**2 / np.diag(fit.population.omega)
    nadir = nadir_volume = np.full(fit.n_lesions, np.nan)
    if found.has_two_populations:
        curve = found.curve(phi)
        nadir = curve.nadir_day()
        nadir_volume = np.exp(curve.log_volume(nadir))
    n = fit.n_lesions
    columns: dict[str, Any] = {
        "fit_id": [found.fit_id] * n,
        "lesion_id": fit.lesions.lesion.tolist(),
        "estimate_kind": [kind] * n,
        "patient_id": found.lesions["patient_id"].tolist(),
        "organ": found.lesions["organ"].tolist(),
        "nadir_day": nadir,
        "nadir_volume_mm3": nadir_volume,
        "n_modes": found.modes.n_modes.tolist() if is_mode else [None] * n,
        "is_converged": found.modes.is_converged.tolist() if is_mode else [None] * n,
    }
    known = {one.name: k for k, one in enumerate(parameters)}
    missing = np.full(n, np.nan)
    for place, name in enumerate(("kg", "kd", "f")):
        k = known.get(name)
        columns[PARAMETERS[place]] = missing if k is None else psi[:, k]
        columns[f"{name}_sd"] = missing if k is None else sd_phi[:, k] * slope[:, k]
        columns[f"{GAUSSIAN[place]}_sd"] = missing if k is None else sd_phi[:, k]
        columns[f"{name}_shrinkage"] = missing if k is None else share[:, k]
    return fit_table(GROWTH_LESION, columns)


def excluded_rows(found: Fitted, excluded: list[tuple[str, str, str]]) -> pa.Table:
    """Lesions set aside."""
    names = ("lesion_id", "reason_id", "reason")
    columns = {name: [row[k] for row in excluded] for k, name in enumerate(names)}
    return fit_table(GROWTH_EXCLUDED, {"fit_id": [found.fit_id] * len(excluded), **columns})


def influence_rows(found: Fitted) -> pa.Table:
    """Influence of each lesion on the estimates."""
    fit = found.alone
    moved = influence(fit)
    return fit_table(
        GROWTH_INFLUENCE,
        {
            "fit_id": [found.fit_id] * fit.n_lesions,
            "lesion_id": fit.lesions.lesion.tolist(),
            "parameter": moved.label.tolist(),
            "largest_shift": moved.largest_shift,
            "distance": moved.distance,
            "is_influential": moved.is_influential,
            "has_contradictory_baseline": fit.problem.data.has_contradictory_baseline[
                fit.lesions.position
            ],
        },
    )
