"""A joint model as text: all that predicting a new patient's survival needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.joint.arrays import FloatArray
from udfs.joint.dynamic import FittedHazard
from udfs.joint.errors import JointDataError
from udfs.joint.hazards import Baseline, Piecewise, Weibull

FORMAT = 1


@dataclass(frozen=True)
class SavedJointModel:
    """Growth's population and the hazard."""

    growth_model: str
    """two_population or two_population_flat."""
    growth: dict[str, float]
    """Estimates by label: kg_pop, ..., omega_, gamma_, b."""
    hazard: FittedHazard
    covariates: tuple[str, ...]
    organs: tuple[str, ...]
    """Groups of organs."""
    group_of: dict[str, str]
    """Organ -> group; others count as the last group."""
    limit_mm3: float
    """Limit of quantification of volumes."""
    metadata: dict[str, Any]

    def to_text(self) -> str:
        """JSON; the same model gives the same text."""
        base = self.hazard.baseline
        content = {
            "format": FORMAT,
            "growth_model": self.growth_model,
            "growth": self.growth,
            "links": list(self.hazard.links),
            "theta": self.hazard.theta.tolist(),
            "covariance": self.hazard.covariance.tolist(),
            "log_kg_centre": self.hazard.log_kg_centre,
            "baseline": _baseline_to(base),
            "covariates": list(self.covariates),
            "organs": list(self.organs),
            "group_of": self.group_of,
            "limit_mm3": self.limit_mm3,
            "metadata": self.metadata,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> SavedJointModel:
        """Of ``to_text``.

        Raises:
            JointDataError: not such a text, or of another format.
        """
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise JointDataError(
                    f"a joint model of format {content['format']} cannot be read, only {FORMAT}"
                )
            theta = np.array(content["theta"], dtype=np.float64)
            covariance = np.array(content["covariance"], dtype=np.float64)
            if covariance.shape != (len(theta), len(theta)):
                raise ValueError("its covariance has another size than its estimates")
            hazard = FittedHazard(
                _baseline_from(content["baseline"]),
                tuple(content["links"]),
                theta,
                covariance,
                float(content["log_kg_centre"]),
            )
            return cls(
                content["growth_model"],
                content["growth"],
                hazard,
                tuple(content["covariates"]),
                tuple(content["organs"]),
                content["group_of"],
                float(content["limit_mm3"]),
                content["metadata"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise JointDataError(f"not a joint model: {error}") from error


def _baseline_to(baseline: Baseline) -> dict[str, Any]:
    if isinstance(baseline, Piecewise):
        inner: FloatArray = baseline.cuts[1:-1]
        return {"kind": "piecewise", "cuts": inner.tolist()}
    return {"kind": "weibull"}


def _baseline_from(content: dict[str, Any]) -> Baseline:
    if content["kind"] == "weibull":
        return Weibull()
    return Piecewise(np.concatenate([[0.0], content["cuts"], [np.inf]]))
