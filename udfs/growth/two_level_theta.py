"""The parameters of a two-level fit as the vector that the optimiser moves.

``theta`` is that of one level (see ``population``) with the log standard deviations of the
patients' effects after omega's entries.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from udfs.growth.individual import population_from_natural
from udfs.growth.information import Curvature
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.result import GrowthFit

FIRST_SHARE = 0.35
"""Share of the total variance that is between patients, to begin with."""
SMALLEST_RATIO = 0.02
"""Of a patient's standard deviation to the lesion's: below this it counts as 0."""


def split_start(fit: GrowthFit) -> FloatArray:
    """Theta with the total variance split in a fixed proportion."""
    structure = fit.structure
    split = structure.n_effects
    theta = fit.theta.copy()
    theta[split : split + structure.p] += 0.5 * np.log(1.0 - FIRST_SHARE)
    if structure.omega_kind == "full":
        off = slice(split + structure.p, split + structure.n_omega)
        theta[off] *= np.sqrt(1.0 - FIRST_SHARE)
    between = np.log(fit.population.sd) + 0.5 * np.log(FIRST_SHARE)
    end = split + structure.n_omega
    return np.concatenate([theta[:end], between, theta[end:]])


def theta_of(fit: GrowthFit, values: Mapping[str, float]) -> FloatArray:
    """Theta of values by label; what is missing comes from ``split_start``."""
    theta = split_start(fit)
    found = dict(zip(two_level_labels(fit), two_level_natural(fit, theta).tolist(), strict=True))
    unknown = set(values) - set(found)
    if unknown:
        raise ValueError(f"start holds unknown labels: {', '.join(sorted(unknown))}")
    found |= values
    sd = {name: found[name] for name in found if name.startswith(("omega_", "gamma_"))}
    least = SMALLEST_RATIO * max(sd.values())
    found |= {name: max(value, least) for name, value in sd.items()}
    inner = population_from_natural(
        fit.structure, np.array([found[label] for label in fit.labels], dtype=np.float64)
    )
    between = np.array([found[f"gamma_{name}"] for name in fit.parameter_names])
    own = fit.structure.pack(inner)
    at = fit.structure.n_effects + fit.structure.n_omega
    return np.concatenate([own[:at], np.log(between), own[at:]])


def two_level_point(fit: GrowthFit, theta: FloatArray) -> TwoLevelPoint:
    """Population point and patients' standard deviations of a theta."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = np.concatenate([theta[:start], theta[stop:]])
    return TwoLevelPoint(fit.structure.unpack(inner), np.exp(theta[start:stop]))


def at_floor(fit: GrowthFit, theta: FloatArray) -> BoolArray:
    """(p,) patients' effects at their floor."""
    point = two_level_point(fit, theta)
    return point.between <= 1.001 * SMALLEST_RATIO * point.population.sd


def floored(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """Patients' standard deviations kept at or above the floor."""
    point = two_level_point(fit, theta)
    start = fit.structure.n_effects + fit.structure.n_omega
    out = theta.copy()
    least = np.log(SMALLEST_RATIO * point.population.sd)
    out[start : start + fit.structure.p] = np.maximum(out[start : start + fit.structure.p], least)
    return out


def free_directions(fit: GrowthFit, theta: FloatArray, curve: Curvature) -> Curvature:
    """The expansion without the directions that push a floored effect further down."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stuck = start + np.flatnonzero(at_floor(fit, theta))
    stuck = stuck[curve.score[stuck] <= 0]
    if len(stuck) == 0:
        return curve
    score, observed = curve.score.copy(), curve.observed.copy()
    score[stuck] = 0.0
    observed[stuck] = 0.0
    observed[:, stuck] = 0.0
    observed[stuck, stuck] = np.maximum(np.diag(curve.complete)[stuck], 1.0)
    return Curvature(score, observed, curve.complete, curve.score_error)


def two_level_labels(fit: GrowthFit) -> tuple[str, ...]:
    end = fit.structure.n_effects + fit.structure.n_omega
    between = [f"gamma_{name}" for name in fit.parameter_names]
    return (*fit.labels[:end], *between, *fit.labels[end:])


def two_level_natural(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = fit.structure.natural(np.concatenate([theta[:start], theta[stop:]]))
    return np.concatenate([inner[:start], np.exp(theta[start:stop]), inner[start:]])
