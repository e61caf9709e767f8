"""Event times of lesions with known hazards: for tests of coverage, and for benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.hazards.arrays import BoolArray, FloatArray, IntArray
from udfs.hazards.data import CoxData, cox_data
from udfs.hazards.design import design, factor, numeric

# name, share of lesions in percent, log hazard ratio against the first
_ORGANS = (
    ("abdomen", 6, 0.0),
    ("adrenal", 3, 0.25),
    ("bone", 4, -0.1),
    ("brain_cns", 1, 0.5),
    ("chest", 2, 0.05),
    ("gi_tract", 2, -0.15),
    ("gr", 2, 0.1),
    ("head_neck", 1, 0.2),
    ("kidney", 3, -0.2),
    ("liver", 26, 0.55),
    ("ln_distal", 9, -0.45),
    ("ln_regional", 9, -0.4),
    ("lung", 18, -0.3),
    ("muscle", 1, 0.15),
    ("pancreas", 2, 0.35),
    ("pelvis", 3, 0.1),
    ("peritoneum", 3, 0.2),
    ("pleura", 2, 0.05),
    ("skin", 1, -0.05),
    ("spleen", 2, 0.3),
)
ORGANS = tuple(name for name, _, _ in _ORGANS)
ORGAN_SHARE = np.array([share for _, share, _ in _ORGANS]) / 100
ORGAN_LOG_HR = np.array([log_hr for _, _, log_hr in _ORGANS])
TREATMENTS = ("chemotherapy", "chemotherapy+anti-EGFR", "chemotherapy+anti-VEGF", "anti-EGFR")
TREATMENT_SHARE = np.array([0.4, 0.25, 0.2, 0.15])
TREATMENT_LOG_HR = np.array([0, -0.22, -0.35, 0.1])
AGE_LOG_HR, SIZE_LOG_HR = 0.006, 0.25
WEIBULL_SHAPE = 1.3


@dataclass(frozen=True)
class SimulatedLesions:
    """n lesions of m patients, and the truth they were drawn from."""

    patient: IntArray
    """(n,) 0 to m - 1, ascending."""
    trial: IntArray
    """(n,) the patient's trial; a stratum of the baseline hazard."""
    organ: NDArray[Any]
    """(n,) texts."""
    treatment: NDArray[Any]
    """(n,) texts, the same within a patient."""
    age_years: FloatArray
    """(n,)"""
    log_size: FloatArray
    """(n,) standardised logarithm of the lesion's size."""
    time_days: FloatArray
    """(n,)"""
    is_event: BoolArray
    """(n,)"""
    frailty: FloatArray
    """(m,)"""
    log_hazard_ratio: dict[tuple[str, str], float]
    """By term and label, as in ``CoxFit.columns``."""

    def data(self, *, by_trial: bool = False, covariates: bool = True) -> CoxData:
        """For fitting: 24 columns (19 of organ, 3 of treatment, age, size), or 22 without the last
        two; the trials as strata if asked for."""
        terms = [
            factor("organ", self.organ, reference=ORGANS[0]),
            factor("treatment", self.treatment, reference=TREATMENTS[0]),
        ]
        if covariates:
            terms += [numeric("age_years", self.age_years), numeric("log_size", self.log_size)]
        return cox_data(
            self.time_days,
            self.is_event,
            design(*terms),
            group=self.patient,
            stratum=self.trial if by_trial else None,
        )


def simulate_lesions(
    n_patients: int,
    n_lesions: int,
    *,
    seed: int,
    frailty_variance: float = 0.8,
    schedule: Literal["exact", "day", "scan"] = "scan",
    scan_days: float = 42.0,
    median_days: float = 240.0,
    follow_up_days: float = 280.0,
    n_trials: int = 8,
    organ_log_hr: ArrayLike | None = None,
    treatment_log_hr: ArrayLike | None = None,
    frailty: ArrayLike | None = None,
) -> SimulatedLesions:
    """Lesions with Weibull times, a Gaussian effect of the patient, and censoring by patient.

    Args:
        n_patients: m.
        n_lesions: n, at least m: everyone has one, the rest are spread unevenly.
        seed: of the generator.
        frailty_variance: s2, where ``frailty`` is not given.
        schedule: events at their ``exact`` times, on whole days (``day``), or at the next of the
            patient's own scans (``scan``), every ``scan_days`` give or take 3.
        scan_days: days between scans.
        median_days: about the median time of a reference lesion; sets the share of events.
        follow_up_days: mean of the exponential time to censoring, which is the patient's.
        n_trials: trials, whose baseline hazards are multiples of each other; none if 1.
        organ_log_hr: (20,) by organ as in ``ORGANS``.
        treatment_log_hr: (4,) as in ``TREATMENTS``.
        frailty: (m,) the patients' effects.
    """
    rng = np.random.default_rng(seed)
    spread = rng.multinomial(n_lesions - n_patients, rng.dirichlet(np.full(n_patients, 1.2)))
    patient = np.repeat(np.arange(n_patients), 1 + spread)
    organ = rng.choice(len(ORGANS), n_lesions, p=ORGAN_SHARE)
    treatment = rng.choice(len(TREATMENTS), n_patients, p=TREATMENT_SHARE)[patient]
    trial = rng.integers(0, n_trials, n_patients)[patient]
    age = np.round(rng.normal(60, 11, n_patients).clip(18, 90), 1)[patient]
    size = np.round(rng.standard_normal(n_lesions), 3)
    drawn = rng.normal(0, np.sqrt(frailty_variance), n_patients)
    effect = drawn if frailty is None else np.asarray(frailty, dtype=float)
    by_organ = ORGAN_LOG_HR if organ_log_hr is None else np.asarray(organ_log_hr, dtype=float)
    by_treatment = (
        TREATMENT_LOG_HR if treatment_log_hr is None else np.asarray(treatment_log_hr, dtype=float)
    )
    log_hazard = (
        by_organ[organ]
        + by_treatment[treatment]
        + AGE_LOG_HR * (age - 60)
        + SIZE_LOG_HR * size
        + effect[patient]
        + (0.1 * (trial - (n_trials - 1) / 2) if n_trials > 1 else 0.0)
    )
    exact = (
        median_days * np.exp(-log_hazard / WEIBULL_SHAPE) * rng.weibull(WEIBULL_SHAPE, n_lesions)
    )
    end = np.ceil(rng.exponential(follow_up_days, n_patients) + 20).clip(max=900)[patient]
    if schedule == "scan":
        number = np.ceil(exact.clip(1, 2000) / scan_days).astype(int)
        jitter = rng.integers(-3, 4, size=(n_patients, int(number.max()) + 1))
        seen = scan_days * number + jitter[patient, number]
    else:
        seen = np.ceil(exact) if schedule == "day" else exact
    is_event = seen <= end
    truth = {("organ", o): float(by_organ[k] - by_organ[0]) for k, o in enumerate(ORGANS) if k}
    truth |= {
        ("treatment", t): float(by_treatment[k] - by_treatment[0])
        for k, t in enumerate(TREATMENTS)
        if k
    }
    truth |= {("age_years", "age_years"): AGE_LOG_HR, ("log_size", "log_size"): SIZE_LOG_HR}
    return SimulatedLesions(
        patient,
        trial,
        np.array(ORGANS)[organ],
        np.array(TREATMENTS)[treatment],
        age,
        size,
        np.where(is_event, seen, end),
        is_event,
        effect,
        truth,
    )
