"""Simulated radiomic features as the table rf."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from warehouse.simulation.subjects import (
    Subjects,
    blank,
    encode,
    lesion_labels,
    pick,
    study_day,
)

SEGMENTATIONS = ("original", "eroded", "dilated")


def feature_rows(s: Subjects) -> pa.Table:
    """One row per lesion, feature and segmentation, on the day of the baseline's CT."""
    x, truth = s.numbers.radiomics, s.numbers.truth_radiomic_features
    patient, feature, day = x["patient"], x["feature"], x["day"]
    zero = np.zeros(len(patient))
    return pa.table(s.keys(patient, "RF") | {
        "RFLNKID": encode(lesion_labels(s.numbers)[x["lesion"]]),
        "RFREGION": blank(len(patient)),
        "RFSEGM": pick(SEGMENTATIONS, x["segmentation"]),
        "RFTESTCD": pick([str(name) for name in truth["feature"]], feature),
        "RFCAT": pick([str(name) for name in truth["feature_class"]], feature),
        "RFORRES": encode(np.char.mod("%.6g", x["value"])),
        "RFORRESU": pick([str(unit) or None for unit in truth["unit"]], feature),
        "RFALLFL": pick(["Y"], zero),
        "RFDTC": s.date(patient, day), "RFDY": pa.array(study_day(day)),
    })  # fmt: skip
