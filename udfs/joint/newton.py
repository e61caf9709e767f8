"""Newton's method on the likelihood of events, with fixed draws.

theta <- theta + I^-1 score, I being Louis' information. With fixed draws the function is smooth and
deterministic; a step that lowers it is halved.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from udfs.joint.arrays import FloatArray
from udfs.joint.likelihood import EventModel, EventSums

TOLERANCE = 1e-8
"""Squared distance to the maximum in standard errors at which the search ends."""
MAX_STEPS, MAX_HALVINGS = 60, 12
MIN_SHARE = 0.02
"""Floor of the eigenvalues of complete^-1 observed: for a step no direction is flatter."""
MAX_STEP = 2.0
"""Of any linear predictor's parameter."""


@dataclass(frozen=True)
class Maximum:
    """Where Newton's steps ended."""

    theta: FloatArray
    sums: EventSums
    decrement: float
    """score' I^-1 score."""
    n_steps: int
    is_converged: bool


def maximise(
    model: EventModel,
    start: FloatArray | None = None,
    *,
    threads: int = 1,
    pool: ThreadPoolExecutor | None = None,
) -> Maximum:
    """From ``start``, or from a likely baseline without links."""
    theta = model.start() if start is None else start
    sums = model.evaluate(theta, threads=threads, pool=pool)
    for number in range(MAX_STEPS):
        score = sums.score.sum(axis=0)
        step = direction(sums.information, sums.complete, score)
        decrement = float(score @ step)
        if decrement < TOLERANCE:
            return Maximum(theta, sums, decrement, number, True)
        step /= max(1.0, float(np.abs(step).max()) / MAX_STEP)
        for _ in range(MAX_HALVINGS):
            tried = model.evaluate(theta + step, threads=threads, pool=pool)
            if tried.total > sums.total - 1e-9 * abs(sums.total):
                break
            step = 0.5 * step
        else:
            return Maximum(theta, sums, decrement, number, False)
        theta, sums = theta + step, tried
    return Maximum(theta, sums, decrement, MAX_STEPS, False)


def direction(information: FloatArray, complete: FloatArray, score: FloatArray) -> FloatArray:
    """I^-1 score, I made safe where it is nearly singular or not positive."""
    values, vectors = np.linalg.eigh(0.5 * (complete + complete.T))
    values = np.maximum(values, 1e-10 * values[-1])
    root = vectors / np.sqrt(values)
    share, turn = np.linalg.eigh(root.T @ information @ root)
    basis = root @ turn
    return np.asarray(basis @ ((basis.T @ score) / np.maximum(share, MIN_SHARE)))
