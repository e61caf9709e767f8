"""Lesions of patients, and their diameters over time.

The curves are those of the growth fit (Zhou 2023, ``udfs.growth.models.TwoPopulation``), from the
first dose on:

    V(t) = V0 exp(-kg T0) (F exp(kg t) + (1 - F) exp(-kd t))
    D(t) = D0 (V(t) / V0)^(1/3)

in logs, so that no size overflows: with s = phi_F + (kg + kd) t, phi_F = logit F,

    log V(t) = log V0 - kg T0 + log(1 - F) - kd t + log(1 + e^s)
    d/dt log D(t) = (kg p - kd (1 - p)) / 3,    p = 1 / (1 + e^-s)

Hand-worked: V0 = 1000 on day -20, kg = .01, kd = .05, F = .2. Day 40: 496.7 mm3 (see there), so a
diameter of 12.407 mm on day -20 is 12.407 (.4967)^(1/3) = 9.825 mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from udfs.joint.arrays import FloatArray, IntArray
from udfs.joint.errors import JointDataError

PARAMETERS = ("kg", "kd", "f")
"""What ``phi`` holds, on the Gaussian scale: log kg, log kd (per day), logit F."""
MAX_LOG_RATE = 6.0
"""Log of a rate per day: nothing grows or shrinks faster, and products with days stay finite."""


def sphere_diameter(volume: FloatArray) -> FloatArray:
    """Diameter in mm of a sphere of that volume in mm3."""
    return np.asarray(np.cbrt(6.0 * volume / np.pi), dtype=np.float64)


@dataclass(frozen=True)
class Lesions:
    """n lesions of P patients, sorted by patient."""

    patient: IntArray
    """(n,) places of their patients, ascending, 0 to P - 1; some patients may have none."""
    n_patients: int
    """P."""
    v0: FloatArray
    """(n,) mm3, on day ``t0``."""
    t0: FloatArray
    """(n,) day of the baseline, from the first dose; usually 0 or negative."""
    d0: FloatArray
    """(n,) mm, diameter on day ``t0``."""
    organ: IntArray
    """(n,) places in ``organs``."""
    organs: tuple[str, ...]
    """Groups of organs."""
    is_flat: bool = False
    """The volume is V0 until the first dose, not growing (``pretreatment="flat"``)."""

    @classmethod
    def of(
        cls,
        patient: ArrayLike,
        v0: ArrayLike,
        t0: ArrayLike,
        organ: ArrayLike,
        *,
        n_patients: int,
        organs: tuple[str, ...],
        d0: ArrayLike | None = None,
        is_flat: bool = False,
    ) -> Lesions:
        """Checked.

        Args:
            patient: (n,) places of the patients, ascending.
            v0: (n,) mm3, above 0.
            t0: (n,) days.
            organ: (n,) names, each one of ``organs``.
            n_patients: P.
            organs: groups of organs in the order of the report.
            d0: (n,) mm; by default that of a sphere of volume ``v0``.
            is_flat: see the field.

        Raises:
            JointDataError: lengths differ, patients are not in order, a size is not above 0, or an
                organ is unknown.
        """
        place, volume = np.asarray(patient, dtype=np.int64), np.asarray(v0, dtype=np.float64)
        day = np.asarray(t0, dtype=np.float64)
        diameter = sphere_diameter(volume) if d0 is None else np.asarray(d0, dtype=np.float64)
        names = np.asarray(organ).astype(str)
        if not len(place) == len(volume) == len(day) == len(diameter) == len(names):
            raise JointDataError(
                f"lesions have {len(place)} patients, {len(volume)} volumes, {len(day)} days, "
                f"{len(diameter)} diameters and {len(names)} organs"
            )
        if len(place) and (place[0] < 0 or place[-1] >= n_patients or np.any(np.diff(place) < 0)):
            raise JointDataError(f"lesions must be sorted by patient, 0 to {n_patients - 1}")
        bad = ~(np.isfinite(volume) & (volume > 0) & np.isfinite(diameter) & (diameter > 0))
        bad |= ~np.isfinite(day)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise JointDataError(
                f"lesion {row + 1} has a volume of {volume[row]:g} mm3, a diameter of "
                f"{diameter[row]:g} mm on day {day[row]:g}: each must be known, sizes above 0"
            )
        unknown = sorted(set(names.tolist()) - set(organs))
        if unknown:
            raise JointDataError(
                f"no group of organs is called {unknown[0]!r}; there are {', '.join(organs)}"
            )
        code = np.array([organs.index(name) for name in names.tolist()], dtype=np.int64)
        return cls(place, n_patients, volume, day, diameter, code, organs, is_flat)

    def some(self, patients: slice) -> tuple[Lesions, slice]:
        """The lesions of a run of patients, renumbered from 0, and where they stand in here."""
        start, stop, _ = patients.indices(self.n_patients)
        first, last = np.searchsorted(self.patient, [start, stop])
        rows = slice(int(first), int(last))
        return (
            Lesions(
                self.patient[rows] - start,
                stop - start,
                self.v0[rows],
                self.t0[rows],
                self.d0[rows],
                self.organ[rows],
                self.organs,
                self.is_flat,
            ),
            rows,
        )

    def taken(self, keep: IntArray, patient: IntArray, n_patients: int) -> Lesions:
        """Some lesions, of ``n_patients`` patients at these places."""
        return Lesions(
            patient,
            n_patients,
            self.v0[keep],
            self.t0[keep],
            self.d0[keep],
            self.organ[keep],
            self.organs,
            self.is_flat,
        )

    def log_diameter(self, phi: FloatArray, days: FloatArray) -> FloatArray:
        """(n, M, Q) log mm.

        Args:
            phi: (n, M, 3) Gaussian scale.
            days: (n, Q) since the first dose, 0 or later.
        """
        kg, kd, logit_f = _rates(phi)
        t = days[:, None, :]
        bend = (kg + kd)[..., None] * t
        bend += logit_f[..., None]
        out = np.logaddexp(0.0, bend, out=bend)
        out -= kd[..., None] * t
        constant = -np.logaddexp(0.0, logit_f)
        if not self.is_flat:
            constant -= kg * self.t0[:, None]
        out += constant[..., None]
        out /= 3.0
        out += np.log(self.d0)[:, None, None]
        return np.asarray(out, dtype=np.float64)

    def log_slope(self, phi: FloatArray, days: FloatArray) -> FloatArray:
        """(n, M, Q) d/dt log D, per day; arguments as in ``log_diameter``."""
        kg, kd, logit_f = _rates(phi)
        share = expit(logit_f[..., None] + (kg + kd)[..., None] * days[:, None, :])
        return np.asarray(((kg + kd)[..., None] * share - kd[..., None]) / 3.0, dtype=np.float64)


def time_to_growth(phi: FloatArray) -> FloatArray:
    """(...,) days from the first dose to the smallest size; 0 where a lesion grows from the start.

        max(0, log((1 - F) kd / (F kg)) / (kg + kd))

    Hand-worked: kg = .01, kd = .05, F = .2: log(.8 .05 / (.2 .01)) / .06 = log(20) / .06 = 49.9 d.

    Args:
        phi: (..., 3) Gaussian scale.
    """
    kg, kd, logit_f = _rates(phi)
    turn = (np.log(kd) - np.log(kg) - logit_f) / (kg + kd)
    return np.asarray(np.maximum(turn, 0.0), dtype=np.float64)


def _rates(phi: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    rate = np.exp(np.minimum(phi[..., :2], MAX_LOG_RATE))
    return rate[..., 0], rate[..., 1], phi[..., 2]
