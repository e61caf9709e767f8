"""Newton's method on the importance-sampled likelihood.

theta <- theta + I^-1 score, I being Louis' observed information at theta. The nodes stay fixed, so
the function is smooth and deterministic and convergence quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from udfs.growth.importance import LesionMoments
from udfs.growth.information import Curvature, curvature
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Structure


@dataclass(frozen=True)
class NewtonSettings:
    """How far a Newton step may go."""

    smallest_share: float = 0.02
    """Floor of the eigenvalues of complete^-1 observed: no direction is flatter than that for a
    step. On the paper's data they run from .07 to .8."""
    largest_step: float = 0.5
    """Of a typical phi, in standard deviations of its random effect."""
    largest_log_step: float = 0.3
    """Of log omega and log error."""


NEWTON = NewtonSettings()


@dataclass(frozen=True)
class NewtonRun:
    """Where Newton's method ended."""

    theta: FloatArray
    moments: LesionMoments
    """At ``theta``."""
    curvature: Curvature
    decrement: float
    """score' I^-1 score at ``theta``: squared distance to the maximum in standard errors."""
    n_steps: int
    is_converged: bool


def run_newton(
    structure: Structure,
    theta: FloatArray,
    evaluate: Callable[[FloatArray], LesionMoments],
    *,
    tolerance: float,
    most_steps: int,
    on_step: Callable[[FloatArray, float], None],
) -> NewtonRun:
    """Climb from ``theta``; a step that lowers the likelihood is halved."""
    design = structure.design.values
    moments = evaluate(theta)
    now = curvature(structure, theta, design, moments)
    on_step(theta, moments.total)
    for number in range(most_steps):
        direction = newton_direction(now)
        decrement = float(now.score @ direction)
        if decrement < tolerance:
            return NewtonRun(theta, moments, now, decrement, number, True)
        step = _capped(structure, theta, direction)
        for _ in range(6):
            trial = theta + step
            tried = evaluate(trial)
            on_step(trial, tried.total)
            if tried.total > moments.total - 0.1 * np.sqrt(tolerance):
                break
            step = 0.5 * step
        else:
            return NewtonRun(theta, moments, now, decrement, number, False)
        theta, moments = trial, tried
        now = curvature(structure, theta, design, moments)
    decrement = float(now.score @ newton_direction(now))
    return NewtonRun(theta, moments, now, decrement, most_steps, decrement < tolerance)


def stand_at(
    structure: Structure, theta: FloatArray, moments: LesionMoments, n_steps: int
) -> NewtonRun:
    """A run that ends at ``theta``, the moments there being known."""
    now = curvature(structure, theta, structure.design.values, moments)
    decrement = float(now.score @ newton_direction(now))
    return NewtonRun(theta, moments, now, decrement, n_steps, True)


def newton_direction(now: Curvature) -> FloatArray:
    """I^-1 score, the information made safe where it is nearly singular or not positive."""
    values, vectors = np.linalg.eigh(0.5 * (now.complete + now.complete.T))
    values = np.maximum(values, 1e-8 * values[-1])
    root = vectors / np.sqrt(values)
    share, turn = np.linalg.eigh(root.T @ now.observed @ root)
    basis = root @ turn
    return basis @ ((basis.T @ now.score) / np.maximum(share, NEWTON.smallest_share))


def _capped(structure: Structure, theta: FloatArray, step: FloatArray) -> FloatArray:
    sd = structure.unpack(theta).sd
    limits = np.full(structure.size, NEWTON.largest_log_step)
    limits[: structure.n_effects] = NEWTON.largest_step * sd[structure.effect_places[1]]
    return step / max(1.0, float(np.max(np.abs(step) / limits)))
