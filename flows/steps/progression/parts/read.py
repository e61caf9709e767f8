"""Sequences and patients as the steps read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from udfs.progression import NONE, Sequences, sequences_of
from warehouse.errors import LesionsError
from warehouse.registry import StepContext

if TYPE_CHECKING:
    import pandas as pd

CHOICE = ("rules.rule_set", "progression.event_source")
"""Settings that say which sequences are analysed."""
READS = (
    "analysis.progression_sequence",
    "analysis.progression_patient",
    "core.patient",
    "core.study",
    "core.organ",
)
"""Tables that this module reads."""

SEQUENCES = """
SELECT patient_id, position, organ, time_days
FROM analysis.progression_sequence
WHERE rule_set = '{rule_set}' AND source = '{source}'
ORDER BY patient_id, position
"""
PATIENTS = """
WITH named AS (
    SELECT
        study_id,
        coalesce(tumor_type, 'not stated') AS tumor_type
    FROM core.study
),

chosen AS (
    SELECT
        progression.patient_id,
        patient.study_id,
        named.tumor_type,
        coalesce(patient.treatment_class, 'not stated') AS treatment_class,
        CAST(CASE WHEN patient.os_event IS NOT NULL THEN patient.os_days END AS DOUBLE) AS os_days,
        coalesce(patient.os_event, FALSE) AS os_event,
        CAST(
            CASE WHEN patient.is_death_date_known THEN patient.death_day END AS DOUBLE
        ) AS death_day,
        progression.n_progressive_organs,
        progression.first_organ,
        CAST(progression.first_days AS DOUBLE) AS first_days,
        CAST(progression.second_interval_days AS DOUBLE) AS second_interval_days,
        CAST(progression.third_interval_days AS DOUBLE) AS third_interval_days,
        CAST(progression.fourth_interval_days AS DOUBLE) AS fourth_interval_days,
        CAST(progression.mean_interval_days AS DOUBLE) AS mean_interval_days,
        CAST(progression.mean_time_days AS DOUBLE) AS mean_time_days,
        CAST(progression.last_assessment_day AS DOUBLE) AS last_assessment_day
    FROM analysis.progression_patient AS progression
    INNER JOIN core.patient AS patient ON progression.patient_id = patient.patient_id
    INNER JOIN named ON patient.study_id = named.study_id
    WHERE progression.rule_set = '{rule_set}' AND progression.source = '{source}'
)

SELECT
    chosen.*,
    CASE
        WHEN (SELECT count(DISTINCT tumor_type) FROM chosen) > 1 THEN 'tumor type ' || tumor_type
        ELSE 'all'
    END AS subset
FROM chosen
ORDER BY patient_id
"""
HETERO = "hetero-organ"


@dataclass(frozen=True)
class Subset:
    """Patients who are clustered together: all of one tumor type."""

    name: str
    patients: pd.DataFrame
    """Progressing or not, by patient_id."""
    sequences: Sequences
    """Of the patients with a progression, with the organs of the subset."""

    @property
    def second_round(self) -> str:
        """Name of its patients with many progressive organs."""
        return HETERO if self.name == "all" else f"{self.name}, {HETERO}"

    def survival(self, patient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Overall survival of some patients: days (NaN where unknown) and deaths."""
        rows = self.patients.set_index("patient_id").loc[patient]
        time = rows["os_days"].to_numpy(dtype=np.float64, na_value=np.nan)
        return time, rows["os_event"].to_numpy(dtype=bool)


def with_empty(subset: Subset) -> Sequences:
    """The sequences with those of the patients without a progression, which are empty."""
    known = subset.sequences
    patient = subset.patients["patient_id"].to_numpy(dtype=np.str_)
    order = np.full((patient.size, known.order.shape[1]), NONE, dtype=np.int64)
    days = np.full((patient.size, known.organ.size), np.inf)
    rows = np.searchsorted(patient, known.patient)
    order[rows], days[rows] = known.order, known.days
    return Sequences(patient, known.organ, order, days)


def chosen_words(context: StepContext) -> dict[str, str]:
    """rule_set and source of the sequences to be analysed."""
    return {
        "rule_set": context.setting("rules.rule_set"),
        "source": context.setting("progression.event_source"),
    }


def read_patients(context: StepContext) -> pd.DataFrame:
    """Analysed patients, one row each, with the subset that they are in."""
    return context.frame(PATIENTS.format(**chosen_words(context)))


def read_subsets(context: StepContext) -> list[Subset]:
    """The subsets in alphabetical order."""
    patients = read_patients(context)
    rows = context.frame(SEQUENCES.format(**chosen_words(context)))
    subsets = []
    for name, members in patients.groupby("subset", sort=True):
        chosen = rows[rows["patient_id"].isin(members["patient_id"])]
        sequences = sequences_of(
            chosen["patient_id"].to_numpy(dtype=np.str_),
            chosen["position"].to_numpy(dtype=np.int64),
            chosen["organ"].to_numpy(dtype=np.str_),
            chosen["time_days"].to_numpy(dtype=np.float64),
        )
        subsets.append(Subset(str(name), members.reset_index(drop=True), sequences))
    return subsets


def organ_names(context: StepContext) -> dict[str, str]:
    """Organs as they are shown."""
    rows = context.frame("SELECT organ, display_name FROM core.organ ORDER BY organ")
    return dict(zip(rows["organ"], rows["display_name"], strict=True))


def landmark_days(context: StepContext) -> list[float]:
    """The setting progression.landmarks.

    Raises:
        LesionsError: it is no list of days above 0.
    """
    text: Any = context.setting("progression.landmarks")
    try:
        days = sorted({float(part) for part in str(text).split(",") if part.strip()})
    except ValueError:
        days = [0.0]
    if any(not 0 < day < np.inf for day in days):
        raise LesionsError(
            f"progression.landmarks = {text!r} in lesions.toml must be days above 0 with commas "
            "between, such as '90, 180, 365'."
        )
    return days
