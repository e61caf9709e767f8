"""Prediction at a landmark by a Cox model of what is known there: the peer of a joint model."""

from __future__ import annotations

import numpy as np

from udfs.joint.arrays import BoolArray, FloatArray
from udfs.survival import cox_model


def landmark_cox(
    time: FloatArray, is_event: BoolArray, columns: FloatArray, new: FloatArray, window: float
) -> FloatArray:
    """(m,) probability of surviving the window, by a Cox model with Breslow's baseline.

        S(dt | x) = exp(-exp(x'b) sum_(deaths up to dt) 1 / sum_(at risk) exp(x_j'b))

    Follow-up is cut at the end of the window, as van Houwelingen (2007, Scand J Stat 34:70) has it.

    Args:
        time: (n,) from the landmark, above 0.
        is_event: (n,)
        columns: (n, p) known at the landmark.
        new: (m, p) of those to be predicted.
        window: dt.
    """
    end, died = np.minimum(time, window), is_event & (time <= window)
    b = np.nan_to_num(cox_model(end, died, columns).coefficient)
    centre = columns.mean(axis=0)
    risk = np.exp((columns - centre) @ b)
    order = np.argsort(-end, kind="stable")
    # At risk at a death are all whose time is not shorter: ties are at risk together.
    below = np.cumsum(risk[order])
    last = np.searchsorted(-end[order], -end[died], side="right") - 1
    baseline = float((1.0 / below[last]).sum())
    return np.asarray(np.exp(-baseline * np.exp((new - centre) @ b)), dtype=np.float64)
