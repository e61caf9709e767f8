"""Baseline characteristics as the prediction takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from udfs.progression.prediction.design import Features, Kind, features_of

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (
    "age_years",
    "bmi_kg_m2",
    "ecog",
    "ldh_ratio",
    "line_of_therapy",
    "n_lesions",
    "n_target_lesions",
    "n_nontarget_lesions",
    "n_organs",
    "sum_of_diameters_mm",
)
FLAGS = (
    "prior_surgery",
    "prior_surgery_liver",
    "prior_surgery_lung",
    "prior_surgery_ln",
    "prior_radiation",
    "prior_adjuvant",
    "has_bevacizumab",
    "has_panitumumab",
)
VOLUMES = ("target_volume_mm3", "largest_volume_mm3")
"""Taken as the logarithm of one more than the volume: they spread over five powers of ten."""
WORDS = ("sex", "race", "kras_status", "primary_site", "treatment", "treatment_class", "backbone")
MIN_IN_ORGAN = 20
"""An organ is a characteristic of its own when so many patients bear lesions there."""

PATIENTS = f"""
SELECT
    patient_id,
    study_id,
    {", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in (*NUMBERS, *FLAGS, *VOLUMES))},
    {", ".join(WORDS)}
FROM analysis.baseline_feature
ORDER BY patient_id
"""
ORGANS = """
SELECT
    patient_id,
    organ,
    CAST(n_lesions AS DOUBLE) AS n_lesions,
    CAST(target_volume_mm3 AS DOUBLE) AS target_volume_mm3
FROM analysis.baseline_organ
WHERE organ <> 'unknown'
ORDER BY patient_id, organ
"""


def organs_in_use(patients: pd.DataFrame, organs: pd.DataFrame) -> list[str]:
    """Organs with lesions in at least 20 of the patients, by name."""
    here = organs[organs["patient_id"].isin(patients["patient_id"])]
    count = here.groupby("organ", sort=True)["patient_id"].size()
    return [str(organ) for organ, n in count.items() if n >= MIN_IN_ORGAN]


def kinds(organs: list[str]) -> dict[str, Kind]:
    """Name and kind of every characteristic, in order."""
    out: dict[str, Kind] = dict.fromkeys((*NUMBERS, *FLAGS), "number")
    out |= {f"log_{name}": "number" for name in VOLUMES}
    out |= dict.fromkeys(WORDS, "category")
    for organ in organs:
        out[f"n_lesions in {organ}"] = "number"
        out[f"log_volume_mm3 in {organ}"] = "number"
    return out


def baseline_features(
    patients: pd.DataFrame, organs: pd.DataFrame, kind: dict[str, Kind]
) -> Features:
    """Characteristics of the patients, in their order.

    Args:
        patients: as ``PATIENTS`` gives them.
        organs: as ``ORGANS`` gives them; of other patients too.
        kind: see ``kinds``.

    Raises:
        ValueError: a column is missing or no number.
    """
    columns: dict[str, Any] = {}
    for name in kind:
        if name.startswith("n_lesions in "):
            columns[name] = _of_organ(patients, organs, name.split(" in ")[1], "n_lesions")
        elif name.startswith("log_volume_mm3 in "):
            volume = _of_organ(patients, organs, name.split(" in ")[1], "target_volume_mm3")
            columns[name] = np.log1p(volume)
        elif name.startswith("log_"):
            columns[name] = np.log1p(patients[name.removeprefix("log_")].to_numpy(np.float64))
        else:
            columns[name] = patients[name].to_numpy()
    return features_of(kind, columns)


def _of_organ(patients: pd.DataFrame, organs: pd.DataFrame, organ: str, column: str) -> np.ndarray:
    """A number of the patients' organ; 0 where it bears no lesion, or none with a size."""
    here = organs[organs["organ"] == organ].set_index("patient_id")[column]
    found = here.reindex(patients["patient_id"]).to_numpy(dtype=np.float64)
    return np.asarray(np.nan_to_num(found))
