"""A Markov chain over organs: where a walk that follows observed steps spends its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.threads import single_blas_thread

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Chain:
    """Of g organs. NaN for organs outside the largest class that can be reached from itself."""

    probability: FloatArray
    """(g, g) of the next organ given the last, within the class; rows of the class add up to 1."""
    in_class: BoolArray
    """(g,) organs that all lead to each other by steps that were seen."""
    steady_state: FloatArray
    """(g,) long-run share of steps."""
    total_variation: FloatArray
    """(g,) half the sum of |row - steady state|: 0 where the next organ is drawn as if the last one
    did not matter."""
    first_passage: FloatArray
    """(g, g) mean steps from an organ to another; on the diagonal those back to it."""


@single_blas_thread
def chain(counts: ArrayLike) -> Chain:
    """Maximum likelihood chain of the steps counted: P_ij = n_ij / sum_j n_ij.

    Steady state pi P = pi, mean first passage (I - P without j) m = 1 (Newton et al., PLoS ONE
    2012). The steady state of a chain does not tell the chain: 1 pi' has the same. How far each row
    is from pi is therefore given beside it.

    Args:
        counts: (g, g) steps seen from organ to organ, or probabilities.

    Raises:
        ValueError: counts are not square, or one is below 0.
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 2 or n.shape[0] != n.shape[1] or not (n >= 0).all():
        raise ValueError(f"counts of shape {n.shape} must be square and not below 0")
    inside = _largest_class(n)
    g = len(n)
    p, passage = np.full((g, g), np.nan), np.full((g, g), np.nan)
    pi, away = np.full(g, np.nan), np.full(g, np.nan)
    if inside.any():
        part = n[np.ix_(inside, inside)]
        part = part / part.sum(axis=1, keepdims=True)
        state = steady_state(part)
        p[np.ix_(inside, inside)] = part
        pi[inside] = state
        away[inside] = np.abs(part - state).sum(axis=1) / 2
        passage[np.ix_(inside, inside)] = first_passage(part)
    return Chain(p, inside, pi, away, passage)


def _largest_class(n: FloatArray) -> BoolArray:
    """Organs that lead to each other; the class of most steps, ties to the first organ."""
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(n > 0, directed=True, connection="strong")
    steps = np.array([n[np.ix_(label == k, label == k)].sum() for k in range(label.max() + 1)])
    if not steps.size or steps.max() == 0:
        return np.zeros(len(n), dtype=bool)
    best = [k for k in range(len(steps)) if steps[k] == steps.max()]
    return np.asarray(label == min(best, key=lambda k: int(np.flatnonzero(label == k)[0])))


def steady_state(p: ArrayLike) -> FloatArray:
    """(g,) pi with pi P = pi and sum 1, of an irreducible chain; by least squares."""
    matrix = np.asarray(p, dtype=np.float64)
    g = len(matrix)
    system = np.vstack([matrix.T - np.eye(g), np.ones(g)])
    found, *_ = np.linalg.lstsq(system, np.append(np.zeros(g), 1.0), rcond=None)
    return np.asarray(found)


def first_passage(p: ArrayLike) -> FloatArray:
    """(g, g) mean steps from i until j is first reached, i = j: until it is reached again.

    m_ij = (z_jj - z_ij) / pi_j with Z = (I - P + 1 pi')^-1, and m_jj = 1 / pi_j (Kemeny and Snell
    1960): one inverse for all organs instead of a system for each.
    """
    matrix = np.asarray(p, dtype=np.float64)
    pi = steady_state(matrix)
    z = np.linalg.inv(np.eye(len(matrix)) - matrix + pi)
    return np.asarray((np.diag(z) - z + np.eye(len(matrix))) / pi)
