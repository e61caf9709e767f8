"""One line per patient through the logarithms of a biomarker, some of them below the limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.biomarkers.series import Block, BoolArray, FloatArray, IntArray
from udfs.threads import single_blas_thread

MIN_SEEN = 3
"""Results above the limit that a line needs: with two, any line goes through them exactly."""
MAX_STEPS = 60
CONVERGED = 1e-11
"""Newton's decrement at which the search ends: the log-likelihood is within half of it."""
ON_A_LINE = 1e-6
"""Standard deviation about the line, of logarithms, below which results are no sample of noise."""

EVALUABLE, TOO_FEW, ON_LINE, ONE_DAY, NOT_CONVERGED = (
    "evaluable", "fewer than 3 results above the limit", "results on one line", "one day",
    "not converged",
)  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """Of n series. NaN in all that is estimated where ``reason`` is not 'evaluable'."""

    n_results: IntArray
    n_seen: IntArray
    """(n,) results above the limit."""
    intercept: FloatArray
    """(n,) logarithm on day 0."""
    slope: FloatArray
    """(n,) per day."""
    sigma: FloatArray
    """(n,) standard deviation about the line, by maximum likelihood."""
    slope_error: FloatArray
    """(n,) standard error of the slope, of ``n_results - 2`` degrees of freedom."""
    loglik: FloatArray
    reason: tuple[str, ...]

    def slope_interval(self, confidence: float) -> tuple[FloatArray, FloatArray]:
        """(n,), (n,) limits by Student's t: those of the regression where nothing is below."""
        from scipy.special import stdtrit

        freedom = np.maximum(self.n_results - 2, 1)
        half = stdtrit(freedom, (1 + confidence) / 2) * self.slope_error
        return self.slope - half, self.slope + half


@single_blas_thread
def left_censored_lines(
    y: ArrayLike, day: ArrayLike, is_below: ArrayLike, offsets: ArrayLike
) -> Lines:
    """Tobit's regression (1958) of each series by itself.

    log-likelihood = sum over results seen of log phi((y - a - b t) / s) / s
                     + sum over those below of log Phi((y - a - b t) / s)

    In h = 1 / s, a / s and b / s it is concave (Olsen, Econometrica 1978), so that Newton's steps
    with halving find the one maximum. The standard error is from the information there, times
    sqrt(n / (n - 2)): without results below the limit it is the usual one of a regression.

    Args:
        y: (k,) natural logarithms of the results, those of the limit where below it.
        day: (k,) their days.
        is_below: (k,)
        offsets: (n + 1,) where each series begins, and k.

    Raises:
        ValueError: as ``Block.of``.
    """
    block = Block.of(y, day, is_below, offsets)
    n = block.y.shape[0]
    n_results, n_seen = block.is_there.sum(axis=1), block.is_seen.sum(axis=1)
    reason = np.full(n, EVALUABLE, dtype=object)
    spread = _spread(block)
    reason[spread == 0] = ONE_DAY
    reason[n_seen < MIN_SEEN] = TOO_FEW
    out = {name: np.full(n, np.nan) for name in ("a", "b", "s", "error", "loglik")}
    rows = reason == EVALUABLE
    if rows.any():
        part = block.take(rows)
        first = _first(part)
        flat = first[:, 2] < ON_A_LINE
        fitted, error, loglik, is_converged = _maximise(part, first, flat)
        why = np.where(flat, ON_LINE, np.where(is_converged, EVALUABLE, NOT_CONVERGED))
        for name, values in zip(out, (*fitted.T, error, loglik), strict=True):
            out[name][rows] = np.where(why == EVALUABLE, values, np.nan)
        reason[rows] = why
    return Lines(
        n_results, n_seen, out["a"], out["b"], out["s"], out["error"], out["loglik"],
        tuple(reason.tolist()),
    )  # fmt: skip


def _spread(block: Block) -> FloatArray:
    """(n,) days from the first to the last result that was seen."""
    seen = block.is_seen
    if not seen.size:
        return np.zeros(seen.shape[0])
    high = np.where(seen, block.day, -np.inf).max(axis=1)
    low = np.where(seen, block.day, np.inf).min(axis=1)
    return np.asarray(np.where(seen.any(axis=1), high - low, 0.0))


def _first(block: Block) -> FloatArray:
    """(n, 3) intercept, slope and spread of the results seen, by least squares."""
    w = block.is_seen.astype(float)
    k = w.sum(axis=1)
    t0 = (w * block.day).sum(axis=1) / k
    y0 = (w * block.y).sum(axis=1) / k
    t, v = w * (block.day - t0[:, None]), w * (block.y - y0[:, None])
    b = (t * v).sum(axis=1) / (t * t).sum(axis=1)
    left = v - b[:, None] * t
    s = np.sqrt((left**2).sum(axis=1) / k)
    return np.column_stack([y0 - b * t0, b, s])


def _maximise(
    block: Block, first: FloatArray, flat: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Newton's steps of all series at once, in (a / s, b / s, 1 / s) on scaled days."""
    scale = np.maximum(np.abs(block.day).max(axis=1), 1.0)
    t = block.day / scale[:, None]
    s = np.maximum(first[:, 2], ON_A_LINE)
    p = np.column_stack([first[:, 0] / s, first[:, 1] * scale / s, 1 / s])
    value, gradient, minus_hessian = _olsen(block, t, p)
    done = flat.copy()
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(minus_hessian, gradient[:, :, None])[:, :, 0]
        done |= (gradient * step).sum(axis=1) < CONVERGED
        if done.all():
            break
        length = np.where(done, 0.0, 1.0)
        for _ in range(40):
            new = p + length[:, None] * step
            with np.errstate(invalid="ignore", divide="ignore"):
                at = _value(block, t, new)
            worse = ~(at >= value - 1e-13 * np.abs(value)) & (length > 0)
            if not worse.any():
                break
            length[worse] /= 2
        p = p + length[:, None] * step
        value, gradient, minus_hessian = _olsen(block, t, p)
    # In (a, b): the inverse of the information there, sigma profiled out by the third row.
    inverse = np.linalg.inv(minus_hessian)
    h = p[:, 2]
    jacobian = np.column_stack([np.zeros(len(h)), 1 / h, -p[:, 1] / h**2])
    variance = np.einsum("ni,nij,nj->n", jacobian, inverse, jacobian)
    n = block.is_there.sum(axis=1)
    error = np.sqrt(np.maximum(variance, 0.0) * n / np.maximum(n - 2, 1)) / scale
    fitted = np.column_stack([p[:, 0] / h, p[:, 1] / h / scale, 1 / h])
    return fitted, error, value, done


def _standard(block: Block, t: FloatArray, p: FloatArray) -> FloatArray:
    """(n, m) (y - a - b t) / s."""
    return np.asarray(p[:, 2:] * block.y - p[:, :1] - p[:, 1:2] * t)


def _value(block: Block, t: FloatArray, p: FloatArray) -> FloatArray:
    from scipy.special import log_ndtr

    u = _standard(block, t, p)
    seen = np.log(p[:, 2:]) - 0.5 * u**2 - 0.5 * np.log(2 * np.pi)
    each = np.where(block.is_below, log_ndtr(u), seen)
    return np.asarray(np.where(block.is_there, each, 0.0).sum(axis=1))


def _olsen(block: Block, t: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n,) log-likelihood, (n, 3) gradient and (n, 3, 3) minus its Hessian."""
    u = _standard(block, t, p)
    du = np.stack([np.full_like(t, -1.0), -t, block.y], axis=2)
    mills = mills_ratio(u)
    seen, below = block.is_seen, block.is_there & block.is_below
    slope = np.where(seen, -u, np.where(below, mills, 0.0))
    bend = np.where(seen, 1.0, np.where(below, mills * (mills + u), 0.0))
    gradient = (slope[:, :, None] * du).sum(axis=1)
    minus_hessian = np.einsum("nm,nmi,nmj->nij", bend, du, du)
    k = seen.sum(axis=1)
    gradient[:, 2] += k / p[:, 2]
    minus_hessian[:, 2, 2] += k / p[:, 2] ** 2
    return _value(block, t, p), gradient, minus_hessian


def mills_ratio(u: FloatArray) -> FloatArray:
    """phi(u) / Phi(u), also far below 0."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(-0.5 * u**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(u)))
