"""The truth of a simulation as Parquet files beside the trials, which no step reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from warehouse.simulation.subjects import lesion_labels, significant, subject_id

HABITS = ("visits", "endpoints", "local_treatments", "equivocal", "missed_visits")
RADIOMICS = ("radiomic_patients", "radiomic_features", "markers")


def write_truth(folder: Path, numbers: Any, messy: bool) -> None:
    """Writes what the trials were made from, with the ids of their tables."""
    patients, lesions = numbers.patients, numbers.lesions
    study = np.asarray(numbers.studies["study_id"])[patients["trial"]]
    usubjid = np.asarray(
        [subject_id(str(s), int(n)) for s, n in zip(study, patients["subject_number"], strict=True)]
    )
    labels = lesion_labels(numbers)
    organs = lesions["organ"]

    def keyed(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        rest = {k: v for k, v in columns.items() if k not in ("lesion", "patient", "organ_index")}
        if "lesion" in columns:
            row = columns["lesion"]
            patient = lesions["patient"][row]
            keys = {"study_id": study[patient], "usubjid": usubjid[patient],
                    "lesion_label": labels[row]}  # fmt: skip
            return keys | ({"organ": organs[row]} if "organ_index" in columns else {}) | rest
        if "patient" in columns:
            row = columns["patient"]
            return {"study_id": study[row], "usubjid": usubjid[row]} | rest
        return dict(rest)

    for name in ("lesions", "events", "organs", "patients", "effects", "population", *RADIOMICS,
                 *HABITS):  # fmt: skip
        columns = keyed(getattr(numbers, f"truth_{name}"))
        _write_parquet(columns, folder / f"{name}.parquet")
    excluded = np.flatnonzero(patients["excluded"] != "")
    _write_parquet(
        {
            "study_id": study[excluded],
            "usubjid": usubjid[excluded],
            "kind": patients["excluded"][excluded],
        },
        folder / "excluded.parquet",
    )
    (folder / "README.txt").write_text(_truth_readme(numbers, messy), encoding="utf-8")


def _write_parquet(columns: Mapping[str, NDArray[Any]], file: Path) -> None:
    arrays = {}
    for name, values in columns.items():
        rounded = significant(values)
        is_blank = ~np.isfinite(rounded) if rounded.dtype.kind == "f" else None
        arrays[name] = pa.array(rounded, mask=is_blank)
    pyarrow.parquet.write_table(pa.table(arrays), file, compression="zstd")


def _truth_readme(numbers: Any, messy: bool) -> str:
    text = f"""The truth behind the simulated trials ({numbers.preset}, seed {numbers.seed}).
Nothing in the warehouse reads this folder; sim.csv in each trial's folder repeats the growth
parameters of its target lesions, for analysis.growth_truth. Days count from the first dose (day 0);
mm, mm3.

lesions.parquet     one row per target and non-target lesion: its curve
    V(t) = V_b exp(kg (t - t_b))                                    before the first dose,
    V(t) = V_b exp(-kg t_b) (F exp(kg t) + (1 - F) exp(-kd t))      after it,
    with V_b = volume_at_baseline_mm3 on t_b = baseline_day, from a diameter d by
    V = d (d / axis_ratio)^2 / 2. The columns ..._effect are the random effects of the patient,
    of the organ within the patient and of the lesion on logit F, log kg and log kd.
events.parquet      one row per lesion and rule set: days of response and progression on the curve
    without noise, follow-up without end; empty where never.
organs.parquet      one row per patient and organ that ever progresses: the first true day.
patients.parquet    random effects of each patient, is_refractory (most of its lesions grow under
    treatment: simulate --messages), true day of death, organ that progresses first,
    Gower distance between the target lesions on the scans up to the progression; sequence_group,
    the planted group, where groups of progression sequences were asked for.
effects.parquet     fixed effects of organ, arm (mean over target lesions) and covariate on logit
    F, log kg and log kd, and what sets refractory patients' lesions apart; of heterogeneity (per
    0.1 Gower distance) on the log hazard of death after progression; the size of each message of
    the papers (simulate --messages), 0 where it is not planted; separation of planted groups of
    sequences: the probability that each progression of the group is there.
population.parquet  typical value and standard deviation (omega) of each parameter over the target
    lesions of the patients to be included, as asked for and as drawn; b is the proportional error.
radiomic_patients.parquet  heterogeneity of each patient whose lesions have radiomic features (rf):
    the hidden numbers behind the features have variance 1 over all lesions, and this squared
    between the lesions of one patient; sizes follow the diameters.
radiomic_features.parquet  cluster of each feature (1 is volume, 2 diameters), and whether it holds
    under other contours.
markers.parquet     one row per patient whose ctDNA follows the tumor (simulate --markers):
    percent = shedding_percent_per_cm3 x volume of all lesions in cm3 delay_days before; nadir and
    progression_day (1.2 times the nadir and 0.1 points above it) of the course without noise, up
    to the last scan, on a grid of a week; empty where it does not rise.
visits.parquet      one row per patient and time point after the baseline of the first reader: the
    days of its scans, RECIST 1.1 as recorded and as it would be without local treatment
    (..._untreated), RECIST 1.0; an unscheduled scan is a time point of its own.
endpoints.parquet   one row per patient: best response (not confirmed) and the visit that first
    shows progression, with local treatment and without; the planted treatments leave the first
    progression where it was. new_lesion_day: first scan with a new lesion that is one.
local_treatments.parquet  one row per target lesion resected or irradiated during the trial.
equivocal.parquet   one row per new lesion that was equivocal when first seen: confirmed at the next
    scan (progression counts from the first) or gone.
missed_visits.parquet     one row per planned visit that was missed before a patient's last one.
excluded.parquet    patients that the inclusion criteria exclude, and why: no_lesion, no_target,
    baseline_only (no longitudinal target lesion), early_baseline (more than 12 weeks before).

What is counted: a measurement is one size (LDIAM) of a target lesion by the first reader, done or
too small; a non-target or new lesion counts once, however often it was assessed.
"""
    if messy:
        text += """
defects.csv         defects planted: id, study, file, row (1 = first after the header), subject,
    column, value, value before. Subjects that were renamed have their old names in the other files.
"""
    return text
