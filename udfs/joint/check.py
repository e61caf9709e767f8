"""Trials simulated from baseline under a joint model."""

from __future__ import annotations

import numpy as np

from udfs.joint.arrays import BoolArray, FloatArray
from udfs.joint.draws import CurveDraws
from udfs.joint.dynamic import FittedHazard
from udfs.joint.lesions import Lesions
from udfs.joint.sampling import generator_of

EXPONENTIAL_PURPOSE = 75


def simulated_survivors(
    hazard: FittedHazard,
    lesions: Lesions,
    draws: CurveDraws,
    covariates: FloatArray,
    days: FloatArray,
    *,
    seed: int = 20230607,
) -> BoolArray:
    """(P, M, D) whether each patient lives beyond each day, in M simulated trials.

    A patient of trial m has draw m of the curves, and dies when the cumulative hazard reaches a
    unit exponential number.

    Args:
        lesions: those of ``draws``.
        draws: of the population (``population_draws``), or given sizes.
        covariates: (P, C) of the hazard.
        days: (D,) ascending, above 0.
        seed: of the exponential numbers; they hang on the patients' ids.
    """
    p, m = len(draws.patient), draws.n_draws
    limit = np.stack(
        [
            generator_of(seed, EXPONENTIAL_PURPOSE, one).exponential(size=m)
            for one in draws.patient.tolist()
        ]
    )
    alive = np.empty((p, m, len(days)), dtype=bool)
    reached = np.zeros((p, m))
    before = 0.0
    for k, day in enumerate(days.tolist()):
        reached += hazard.cumulative(lesions, draws, covariates, before, day, hazard.theta)
        alive[..., k] = reached < limit
        before = day
    return alive
