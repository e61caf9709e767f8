"""The target lesions of a project, as the growth model wants them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from udfs.growth.check_data import GrowthDataError
from udfs.growth.data import GrowthData
from udfs.growth.dropout import FollowUp
from udfs.growth.result import GrowthFit
from warehouse.registry import StepContext

LESIONS = """
SELECT
    lesion.lesion_id,
    lesion.patient_id,
    lesion.organ,
    lesion.baseline_day,
    lesion.baseline_volume_mm3,
    lesion.baseline_diameter_mm,
    membership.subset,
    coalesce(evaluable.last_day, lesion.last_measured_day) AS last_measured_day,
    CAST(cutoff.cutoff_day AS DOUBLE) AS cutoff_day,
    cutoff.cutoff_reason,
    least(greatest(patient.last_day, lesion.last_measured_day), cutoff.cutoff_day) AS censor_day,
    CASE WHEN patient.os_event THEN patient.os_days END AS death_day
FROM core.lesion AS lesion
INNER JOIN analysis.growth_subset AS membership
    ON coalesce(lesion.patient_id, lesion.lesion_id) = membership.member_id
LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN analysis.lesion_cutoff AS cutoff ON lesion.lesion_id = cutoff.lesion_id
LEFT JOIN (
    SELECT measurement.lesion_id, max(measurement.day) AS last_day
    FROM core.measurement AS measurement
    INNER JOIN analysis.lesion_cutoff AS cutoff
        ON measurement.lesion_id = cutoff.lesion_id
        AND measurement.day < cutoff.cutoff_day
    GROUP BY measurement.lesion_id
) AS evaluable ON lesion.lesion_id = evaluable.lesion_id
WHERE lesion.is_analysed AND lesion.lesion_type = 'target'
ORDER BY lesion.lesion_id
"""
MEASUREMENTS = """
SELECT
    measurement.lesion_id,
    lesion.patient_id,
    measurement.day,
    measurement.volume_mm3,
    measurement.is_baseline,
    lesion.baseline_day,
    lesion.baseline_volume_mm3
FROM core.measurement AS measurement
INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
LEFT JOIN analysis.lesion_cutoff AS cutoff ON measurement.lesion_id = cutoff.lesion_id
WHERE
    lesion.is_analysed
    AND lesion.lesion_type = 'target'
    AND measurement.day >= lesion.baseline_day
    AND measurement.volume_mm3 IS NOT NULL
    AND coalesce(measurement.day < cutoff.cutoff_day, TRUE)
ORDER BY measurement.lesion_id, measurement.day
"""
FOLLOW_UP = """
SELECT
    follow_up.patient_id,
    follow_up.time_days,
    follow_up.is_event,
    membership.subset
FROM analysis.growth_follow_up AS follow_up
INNER JOIN analysis.growth_subset AS membership ON follow_up.patient_id = membership.member_id
ORDER BY follow_up.patient_id
"""
FEWEST_OBSERVATIONS = 2
"""Of a lesion whose growth is fitted, its baseline included."""
NO_VOLUME = ("no_volume", "no measurement from the baseline on has a volume")
ONLY_BASELINE = ("only_baseline", "no measurement counts besides the baseline")
CUT_OFF = {
    "local_treatment": "every measurement after the baseline came after a local treatment of the "
    "lesion",
    "merged": "every measurement after the baseline came after the lesion merged with another",
    "split": "every measurement after the baseline came after the lesion split",
}


@dataclass(frozen=True)
class TargetLesions:
    """Analysed target lesions and their measurements from the baseline on."""

    lesions: pd.DataFrame
    """Index lesion_id, ascending; baseline, last days, organ, patient."""
    data: GrowthData | None
    """None without any measurement."""

    def of(self, fit: GrowthFit) -> pd.DataFrame:
        """Rows of the fitted lesions, in the order of ``fit.lesions``."""
        return self.lesions.loc[fit.lesions.lesion]

    def excluded(self, fit: GrowthFit) -> list[tuple[str, str, str]]:
        """Lesion, reason_id and reason of every target lesion that is not fitted, by lesion."""
        data = fit.problem.data
        aside = data.set_aside
        found = {
            str(lesion): (str(reason), str(detail))
            for lesion, reason, detail in zip(
                aside.lesion, aside.reason_id, aside.detail, strict=True
            )
        }
        found |= {str(lesion): ONLY_BASELINE for lesion in data.lesion[fit.problem.idle]}
        only_after = self.lesions["last_measured_day"] <= self.lesions["baseline_day"]
        reason = self.lesions["cutoff_reason"]
        cut = reason[only_after.fillna(False).astype(bool) & reason.notna()]
        found |= {lesion: (why, CUT_OFF[why]) for lesion, why in cut.items() if lesion in found}
        fitted = set(fit.lesions.lesion.tolist())
        for lesion in self.lesions.index:
            if lesion not in fitted:
                found.setdefault(lesion, NO_VOLUME)
        return [(lesion, *found[lesion]) for lesion in sorted(found)]


def read_target_lesions(context: StepContext) -> TargetLesions:
    """All of them; volumes below the limit are censored in [0, limit].

    Raises:
        GrowthDataError: no lesion can be used.
    """
    lesions, rows = _frames(context)
    return TargetLesions(lesions, growth_data(context, rows))


def target_lesions_by_subset(
    context: StepContext, fewest_observations: int = FEWEST_OBSERVATIONS
) -> dict[str, TargetLesions | GrowthDataError]:
    """The same by subset of ``analysis.growth_subset``, in the order of their names.

    Where no lesion of a subset can be used, the error that says so.

    Args:
        fewest_observations: of a lesion, its baseline included; 1 keeps lesions of which nothing
            but the baseline was measured.
    """
    lesions, rows = _frames(context)
    found: dict[str, TargetLesions | GrowthDataError] = {}
    for subset in sorted(set(lesions["subset"])):
        mine = lesions[lesions["subset"] == subset]
        try:
            found[str(subset)] = TargetLesions(
                mine,
                growth_data(context, rows[rows["lesion_id"].isin(mine.index)], fewest_observations),
            )
        except GrowthDataError as error:
            found[str(subset)] = error
    return found


def _frames(context: StepContext) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lesions, with their id as index, and measurements."""
    lesions = context.frame(LESIONS).set_index("lesion_id", drop=False)
    return lesions, context.frame(MEASUREMENTS)


def growth_data(
    context: StepContext, rows: pd.DataFrame, fewest_observations: int = FEWEST_OBSERVATIONS
) -> GrowthData | None:
    """Rows of ``MEASUREMENTS`` as data; None without any."""
    if rows.empty:
        return None
    limit = float(context.setting("volume.limit_of_quantification_mm3"))
    volume = rows["volume_mm3"].to_numpy(dtype=np.float64)
    counts_baseline = bool(context.setting("growth.count_baseline"))
    is_censored = volume < limit
    if not counts_baseline:
        # The baseline is the regressor: it is taken as it stands and not evaluated.
        is_censored &= ~rows["is_baseline"].to_numpy(dtype=bool)
    return GrowthData.from_arrays(
        rows["lesion_id"].to_numpy(dtype=str),
        rows["day"].to_numpy(dtype=np.float64),
        np.where(is_censored, limit, volume),
        rows["baseline_volume_mm3"].to_numpy(dtype=np.float64),
        rows["baseline_day"].to_numpy(dtype=np.float64),
        is_censored.astype(np.float64),
        np.where(is_censored, 0.0, np.nan),
        patient=rows["patient_id"].fillna(rows["lesion_id"]).to_numpy(dtype=str),
        fewest_observations=fewest_observations,
    )


def read_follow_up(context: StepContext, subset: str) -> FollowUp:
    """When each patient of a subset progressed apart from target lesions, or how long not."""
    rows = context.frame(FOLLOW_UP)
    rows = rows[rows["subset"] == subset]
    return FollowUp.from_arrays(
        rows["patient_id"].to_numpy(dtype=str),
        rows["time_days"].to_numpy(dtype=np.float64),
        rows["is_event"].to_numpy(dtype=bool),
    )
