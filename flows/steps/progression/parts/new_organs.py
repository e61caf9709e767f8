"""Who is at risk of a lesion in an organ that is free, at a landmark, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

COURSE = """
SELECT *
FROM analysis.new_organ_course
WHERE time_days > 0
ORDER BY subset, organ, landmark_days, patient_id
"""
TERMS = ("n_organs", "has_liver", "has_lung", "log_sum", "log_change", "log_regrowth")
MIN_EVENTS = 30
"""Lesions in an organ, of all patients at risk, below which no model is fitted: five for each of
six covariates."""
FOLDS = 5


@dataclass(frozen=True)
class AtRisk:
    """Patients at risk of one organ at one landmark."""

    key: dict[str, Any]
    patient: np.ndarray
    time: np.ndarray
    cause: np.ndarray
    x: np.ndarray
    """(n, p) with medians in the place of what is missing."""
    is_imputed: np.ndarray
    median: np.ndarray
    """(p,) of those at risk; NaN where nobody has a value."""
    fold: np.ndarray
    """(n,) the trial; with one trial a fifth of the patients."""
    split: str

    @classmethod
    def of(cls, key: dict[str, Any], rows: pd.DataFrame, seed: int) -> AtRisk:
        """Of the rows of analysis.new_organ_course with this key."""
        given = rows[list(TERMS)].to_numpy(float)
        is_known = ~np.isnan(given).all(axis=0)
        median = np.full(given.shape[1], np.nan)
        median[is_known] = np.nanmedian(given[:, is_known], axis=0)
        x, is_imputed = _filled(given, median)
        trials, fold = np.unique(rows["study_id"].to_numpy(str), return_inverse=True)
        split = "by trial"
        if trials.size == 1:
            split = "by patient"
            fold = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
        return cls(
            key, rows["patient_id"].to_numpy(str), rows["time_days"].to_numpy(float),
            rows["cause"].to_numpy(np.int64), x, is_imputed, median, fold, split,
        )  # fmt: skip

    def filled(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m, p) covariates of others with these medians for what is missing; (m,) where it was."""
        return _filled(x, self.median)


def _filled(x: np.ndarray, median: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    missing, is_known = np.isnan(x), ~np.isnan(median)
    return (
        np.where(missing | ~is_known, np.where(is_known, median, 0.0), x),
        (missing & is_known).any(axis=1),
    )
