"""Until when patients were followed, why no longer, and what a fit says of it.

``ObservedEnds`` is what happened, ``Leaving`` the model of it: the hazard of a fit with drop-out
(see ``dropout``), and the rule by which the target lesions themselves end a patient's scans,
RECIST 1.1's sum of diameters unless told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.growth.check_data import GrowthDataError
from udfs.growth.dropout import LARGEST_LOG_RISK
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.second_level import TwoLevelFit
from udfs.growth.two_level_theta import ALPHA, RATE

RELATIVE_CHANGE, ABSOLUTE_CHANGE_MM = 0.2, 5.0
"""RECIST 1.1 (Eisenhauer 2009, section 4.3.1)."""


@dataclass(frozen=True)
class ObservedEnds:
    """The last day on which each patient's target lesions count, and why it is the last.

    Measurements made after progression are of patients whom someone chose to go on with: they are
    left out on both sides of the check.
    """

    patient: NDArray[np.generic]
    """(n,) ids, ascending, each once."""
    day: FloatArray
    """(n,) days from the first dose: progression or death, else the last assessment."""
    has_left: BoolArray
    """(n,) True for progression of any kind and death; False where censored."""
    is_event: BoolArray
    """(n,) True where an event of the hazard (non-target progression, new lesion, death) came
    first, or on the same day as progression of the target lesions."""
    study: NDArray[np.generic]
    """(n,) label of the study: patients of one study have one plan of visits."""

    @classmethod
    def from_arrays(
        cls,
        patient: ArrayLike,
        day: ArrayLike,
        has_left: ArrayLike,
        is_event: ArrayLike,
        study: ArrayLike | None = None,
    ) -> ObservedEnds:
        """Checked and sorted.

        Raises:
            GrowthDataError: lengths differ, a patient comes twice, a day is not a number, or an
                event did not end the observation.
        """
        ids, days = np.asarray(patient), np.asarray(day, dtype=np.float64)
        left, event = np.asarray(has_left, dtype=bool), np.asarray(is_event, dtype=bool)
        label = np.full(len(ids), "") if study is None else np.asarray(study)
        lengths = {len(ids), len(days), len(left), len(event), len(label)}
        if len(lengths) > 1:
            raise GrowthDataError(f"ends of observation: columns of {sorted(lengths)} rows")
        if not np.isfinite(days).all():
            place = int(np.flatnonzero(~np.isfinite(days))[0])
            raise GrowthDataError(f"observation of patient {ids[place]} ends on day {days[place]}")
        if (event & ~left).any():
            place = int(np.flatnonzero(event & ~left)[0])
            raise GrowthDataError(f"patient {ids[place]} has an event and has not left")
        values, first, counts = np.unique(ids, return_index=True, return_counts=True)
        if (counts > 1).any():
            raise GrowthDataError(f"ends of observation hold {values[counts > 1][0]} twice")
        return cls(values, days[first], left[first], event[first], label[first])


@dataclass(frozen=True)
class Leaving:
    """Why simulated patients leave: p parameters, k pieces of time."""

    between: FloatArray
    """(p,) standard deviations of the patients' effects."""
    alpha: FloatArray
    """(p,) log hazard ratio per unit of a patient's effect."""
    rate: FloatArray
    """(k,) hazard per day of a patient without effects, in each piece."""
    cuts: FloatArray
    """(k + 1,) days; the first is 0, the last infinite."""
    relative_change: float = RELATIVE_CHANGE
    """Least growth of the sum of diameters, of its smallest value so far."""
    absolute_change_mm: float = ABSOLUTE_CHANGE_MM
    """Least growth of the sum of diameters, mm; both are asked for."""

    @classmethod
    def of(cls, two: TwoLevelFit) -> Leaving:
        """That of a fit with drop-out, with RECIST's rule.

        Raises:
            ValueError: the fit has no drop-out.
        """
        if two.dropout is None:
            raise ValueError("the fit has no drop-out (follow_up=...): nothing says who leaves")
        values = dict(zip(two.labels, two.estimates.tolist(), strict=True))
        names = [name.removeprefix(ALPHA) for name in two.labels if name.startswith(ALPHA)]
        return cls(
            between=np.array([values[f"gamma_{name}"] for name in names]),
            alpha=np.array([values[ALPHA + name] for name in names]),
            rate=np.array([values[f"{RATE}{k + 1}"] for k in range(two.dropout.n_pieces)]),
            cuts=two.dropout.cuts,
        )

    def cumulative(self, day: FloatArray) -> FloatArray:
        """Integral of the rate from day 0, of a patient without effects; any shape."""
        return np.interp(day, *self._corners(float(np.max(day, initial=1.0))))

    def day_of(self, cumulative: FloatArray) -> FloatArray:
        """The day on which the integral reaches a value: inverse of ``cumulative``."""
        wanted = float(np.max(cumulative, initial=1.0))
        days, sums = self._corners(wanted / float(self.rate[-1]) + self.cuts[-2])
        return np.interp(cumulative, sums, days)

    def risk(self, u: FloatArray) -> FloatArray:
        """(...) hazard ratios of patients' effects (p, ...)."""
        return np.exp(
            np.clip(np.einsum("p,p...->...", self.alpha, u), -LARGEST_LOG_RISK, LARGEST_LOG_RISK)
        )

    def _corners(self, last_day: float) -> tuple[FloatArray, FloatArray]:
        days = np.append(self.cuts[:-1], max(last_day, self.cuts[-2]) + 1.0)
        return days, np.concatenate([[0.0], np.cumsum(self.rate * np.diff(days))])
