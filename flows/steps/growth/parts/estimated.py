"""What a fit says of single lesions, read back from its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.growth.parts.rebuilt import UNKNOWN, as_text, patients_of
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from warehouse.registry import StepContext

PARAMETERS = """
SELECT fit_id, lesion_id, parameter, estimate_kind, distribution, unit, gaussian_value, value
FROM analysis.growth_lesion_parameter
ORDER BY parameter, estimate_kind, lesion_id
"""
DRAWS = """
SELECT fit_id, parameter, gaussian_draws
FROM analysis.growth_draw
ORDER BY parameter, lesion_id
"""
LESIONS = """
SELECT
    lesion.lesion_id,
    lesion.patient_id,
    lesion.organ,
    lesion.baseline_volume_mm3,
    patient.line_of_therapy,
    profile.therapy,
    profile.targeting
FROM core.lesion AS lesion
LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN analysis.patient_profile AS profile ON lesion.patient_id = profile.patient_id
ORDER BY lesion.lesion_id
"""
KNOWN_ORDER = ("v0", "kg", "kd", "f", "lam", "k", "decay", "r", "q")
PREFIX = {"lognormal": "log_", "logitnormal": "logit_", "normal": ""}
COLUMN = {"kg": "kg_per_day", "kd": "kd_per_day"}
"""Names in analysis.growth_lesion."""


@dataclass(frozen=True)
class Estimated:
    """n lesions by id, p parameters."""

    fit_id: str
    parameters: tuple[str, ...]
    distributions: tuple[str, ...]
    lesions: pd.DataFrame
    """Patient, organ, treatment, in the lesions' order."""
    mode: FloatArray
    """(n, p) conditional modes, Gaussian scale."""
    mean: FloatArray
    """(n, p) conditional means, Gaussian scale."""
    natural: FloatArray
    """(n, p) conditional modes, natural scale."""
    draws: FloatArray
    """(n, d, p) Gaussian scale."""
    cluster: IntArray
    """(n,) number of the lesion's patient."""

    @property
    def gaussian_names(self) -> list[str]:
        """log_kg, log_kd, logit_f, ..."""
        return [
            f"{PREFIX[kind]}{name}"
            for name, kind in zip(self.parameters, self.distributions, strict=True)
        ]

    def words(self, column: str) -> NDArray[Any]:
        """(n,) a column of ``lesions`` as text, 'unknown' where missing."""
        return as_text(self.lesions[column])

    def kinds(self) -> dict[str, FloatArray]:
        """(n, p) modes and (n, d, p) draws by the name of their kind."""
        return {"conditional_mode": self.mode, "draws": self.draws}


def read_estimated(context: StepContext) -> list[Estimated]:
    """The published lesions' parameters and draws, fit by fit."""
    found = context.frame(PARAMETERS)
    drawn = context.arrow(DRAWS)
    which = pd.DataFrame({name: drawn[name].to_pandas() for name in ("fit_id", "parameter")})
    values = drawn["gaussian_draws"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values = values.reshape(len(which), -1) if len(which) else values
    lesions = context.frame(LESIONS).set_index("lesion_id", drop=False)
    return [
        _estimated(
            str(fit_id),
            found[found["fit_id"] == fit_id],
            which["parameter"][which["fit_id"] == fit_id].to_numpy(dtype=str),
            values[(which["fit_id"] == fit_id).to_numpy(dtype=bool)],
            lesions,
        )
        for fit_id in sorted(set(found["fit_id"]))
    ]


def _estimated(
    fit_id: str,
    found: pd.DataFrame,
    which: NDArray[np.str_],
    values: FloatArray,
    lesions: pd.DataFrame,
) -> Estimated:
    """One fit; ``which`` (k,) is the parameter of each row of the (k, d) draws ``values``."""
    names = sorted(
        found["parameter"].unique(),
        key=lambda one: (KNOWN_ORDER.index(one) if one in KNOWN_ORDER else 99, one),
    )
    parts = dict(list(found.groupby(["parameter", "estimate_kind"], sort=False)))
    first = parts[(names[0], "conditional_mode")]
    mine = lesions.loc[first["lesion_id"].to_numpy()]

    def column(name: str, kind: str, what: str) -> FloatArray:
        return parts[(name, kind)][what].to_numpy(dtype=np.float64)

    return Estimated(
        fit_id=fit_id,
        parameters=tuple(names),
        distributions=tuple(
            parts[(one, "conditional_mode")]["distribution"].iloc[0] for one in names
        ),
        lesions=mine,
        mode=np.stack([column(o, "conditional_mode", "gaussian_value") for o in names], axis=1),
        mean=np.stack([column(o, "conditional_mean", "gaussian_value") for o in names], axis=1),
        natural=np.stack([column(o, "conditional_mode", "value") for o in names], axis=1),
        draws=np.stack([values[which == one] for one in names], axis=2),
        cluster=np.unique(patients_of(mine), return_inverse=True)[1],
    )


def large_groups(words: NDArray[Any], fewest: int) -> BoolArray:
    """(n,) whether a lesion's group has ``fewest`` lesions or more, and is known."""
    _, code, counts = np.unique(words, return_inverse=True, return_counts=True)
    return np.asarray((counts[code] >= fewest) & (words != UNKNOWN))
