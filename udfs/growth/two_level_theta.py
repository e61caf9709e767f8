"""The parameters of a two-level fit as the vector that the optimiser moves.

``theta`` is that of one level (see ``population``) with the log standard deviations of the
patients' effects after omega's entries and, where drop-out is modelled (see ``dropout``), its log
hazard ratios and log rates at the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from udfs.growth.dropout import DropOut, DropOutPoint
from udfs.growth.individual import population_from_natural
from udfs.growth.information import Curvature
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.result import GrowthFit

FIRST_SHARE = 0.35
"""Share of the total variance that is between patients, to begin with."""
SMALLEST_RATIO = 0.02
"""Of a patient's standard deviation to the lesion's: it is kept at or above this."""
NONE_RATIO = 0.05
"""Below this it counts as 0: with 0.25 % of the lesion's variance the likelihood is flat."""
SMALLEST_HAZARD_RATIO = 0.1
"""Below it the effect has no hazard: with 1 % of the lesion's variance it could not be told."""
ALPHA, RATE = "alpha_", "rate_"
"""Prefixes of the labels of drop-out."""


def between_part(fit: GrowthFit) -> slice:
    """Where theta holds the log standard deviations of the patients' effects."""
    start = fit.structure.n_effects + fit.structure.n_omega
    return slice(start, start + fit.structure.p)


def error_part(fit: GrowthFit) -> slice:
    """Where theta holds the residual error."""
    stop = between_part(fit).stop
    return slice(stop, stop + len(fit.structure.error.names))


def dropout_part(fit: GrowthFit, theta: FloatArray) -> slice:
    """Where theta holds the drop-out; empty without one."""
    return slice(error_part(fit).stop, len(theta))


def inner_theta(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """Theta of the same point with one level."""
    return np.concatenate([theta[: between_part(fit).start], theta[error_part(fit)]])


def split_start(fit: GrowthFit, dropout: DropOut | None = None) -> FloatArray:
    """Theta with the total variance split in a fixed proportion; drop-out without association."""
    structure = fit.structure
    split = structure.n_effects
    theta = fit.theta.copy()
    theta[split : split + structure.p] += 0.5 * np.log(1.0 - FIRST_SHARE)
    if structure.omega_kind == "full":
        off = slice(split + structure.p, split + structure.n_omega)
        theta[off] *= np.sqrt(1.0 - FIRST_SHARE)
    between = np.log(fit.population.sd) + 0.5 * np.log(FIRST_SHARE)
    end = split + structure.n_omega
    parts = [theta[:end], between, theta[end:]]
    if dropout is not None:
        point = dropout.start(structure.p)
        parts += [point.alpha, point.log_rate]
    return np.concatenate(parts)


def theta_of(
    fit: GrowthFit, values: Mapping[str, float], dropout: DropOut | None = None
) -> FloatArray:
    """Theta of values by label; what is missing comes from ``split_start``."""
    theta = split_start(fit, dropout)
    labels = two_level_labels(fit, theta)
    found = dict(zip(labels, two_level_natural(fit, theta).tolist(), strict=True))
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
    at = between_part(fit).start
    theta = np.concatenate([own[:at], np.log(between), own[at:]])
    alpha = np.array([found[label] for label in labels if label.startswith(ALPHA)])
    rate = np.array([found[label] for label in labels if label.startswith(RATE)])
    return np.concatenate([theta, alpha, np.log(rate)])


def two_level_point(fit: GrowthFit, theta: FloatArray) -> TwoLevelPoint:
    """Population point, patients' standard deviations and drop-out of a theta."""
    tail = theta[dropout_part(fit, theta)]
    p = fit.structure.p
    return TwoLevelPoint(
        fit.structure.unpack(inner_theta(fit, theta)),
        np.exp(theta[between_part(fit)]),
        DropOutPoint(tail[:p], tail[p:]) if len(tail) else None,
    )


def at_floor(fit: GrowthFit, theta: FloatArray) -> BoolArray:
    """(p,) patients' effects that count as none."""
    point = two_level_point(fit, theta)
    return point.between <= NONE_RATIO * point.population.sd


def has_no_hazard(fit: GrowthFit, theta: FloatArray) -> BoolArray:
    """(p,) patients' effects too small to carry a hazard."""
    point = two_level_point(fit, theta)
    return point.between <= SMALLEST_HAZARD_RATIO * point.population.sd


def floored(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """Patients' standard deviations kept at or above the floor; small effects without hazard."""
    point = two_level_point(fit, theta)
    out = theta.copy()
    between = between_part(fit)
    out[between] = np.maximum(out[between], np.log(SMALLEST_RATIO * point.population.sd))
    tail = dropout_part(fit, theta)
    if tail.stop > tail.start:
        alpha = slice(tail.start, tail.start + fit.structure.p)
        out[alpha] = np.where(has_no_hazard(fit, out), 0.0, out[alpha])
    return out


def held_effects(fit: GrowthFit, theta: FloatArray) -> IntArray:
    """Places in theta of the effects at their floor."""
    return between_part(fit).start + np.flatnonzero(at_floor(fit, theta))


def held_hazards(fit: GrowthFit, theta: FloatArray) -> IntArray:
    """Places in theta of the hazards of effects too small for one."""
    tail = dropout_part(fit, theta)
    small = np.flatnonzero(has_no_hazard(fit, theta))
    return tail.start + small if tail.stop > tail.start else small[:0]


def free_directions(
    fit: GrowthFit, theta: FloatArray, curve: Curvature, *, may_leave: bool = True
) -> Curvature:
    """The expansion without what is held: hazards of small effects, and floored effects.

    Args:
        may_leave: a floored effect that is pushed up is let go.
    """
    stuck = held_effects(fit, theta)
    if may_leave:
        stuck = stuck[curve.score[stuck] <= 0]
    stuck = np.concatenate([stuck, held_hazards(fit, theta)])
    if len(stuck) == 0:
        return curve
    score, observed = curve.score.copy(), curve.observed.copy()
    score[stuck] = 0.0
    observed[stuck] = 0.0
    observed[:, stuck] = 0.0
    observed[stuck, stuck] = np.maximum(np.diag(curve.complete)[stuck], 1.0)
    return Curvature(score, observed, curve.complete, curve.score_error)


def two_level_labels(fit: GrowthFit, theta: FloatArray) -> tuple[str, ...]:
    """Labels of ``two_level_natural``: alpha_<parameter> and rate_<piece> where drop-out is."""
    end = between_part(fit).start
    names = fit.parameter_names
    between = [f"gamma_{name}" for name in names]
    tail = dropout_part(fit, theta)
    pieces = tail.stop - tail.start - fit.structure.p
    dropout: list[str] = []
    if pieces > 0:
        dropout = [*(ALPHA + name for name in names), *(f"{RATE}{k + 1}" for k in range(pieces))]
    return (*fit.labels[:end], *between, *fit.labels[end:], *dropout)


def is_of_dropout(label: str) -> bool:
    """Whether a label is one of the hazard of drop-out."""
    return label.startswith((ALPHA, RATE))


def two_level_natural(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """The estimates of a theta on the scale that is reported."""
    point = two_level_point(fit, theta)
    inner = fit.structure.natural(inner_theta(fit, theta))
    start = between_part(fit).start
    tail = [] if point.dropout is None else [point.dropout.alpha, np.exp(point.dropout.log_rate)]
    return np.concatenate([inner[:start], point.between, inner[start:], *tail])
