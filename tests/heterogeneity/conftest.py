"""A small made-up trial whose groups and times were worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from heterogeneity.pipeline import run_pipeline
from sqlkit import SqlKit

# patient: (arm, months of OS or None, died, months of PFS or None, progressed or died)
PATIENTS = {
    "1": ("BEV + FOLFOX", 20, True, 10, True),
    "2": ("BEV + FOLFOX", 25, False, 12, True),
    "3": ("FOLFOX", 10, True, 10, True),
    "4": ("FOLFOX", 8, True, 5, True),
    "5": ("FOLFOX", 30, False, 30, False),
    "6": ("FOLFOX", None, False, None, False),
    "7": ("BEV + FOLFOX", 4, True, 6, True),
}
# patient: lesion: organ, sizes in mm on days 0, 42, 84
LESIONS = {
    "1": {"T1": ("LIVER", [50, 30, 30]), "T2": ("LUNG", [20, 19, 18])},
    "2": {"T1": ("LIVER", [50, 30, 30]), "T2": ("LIVER", [40, 20, 20])},
    "3": {"T1": ("LIVER", [50, 48, 47]), "T2": ("LYMPH NODE", [30, 18, 18])},
    "4": {
        "T1": ("LIVER", [50, 60, 70]),
        "T2": ("LUNG", [30, 31, 38]),
        "T3": ("BONE", [20, 20, 25]),
    },
    "5": {"T1": ("LUNG", [30, 12, 12]), "T2": ("LYMPH NODE", [20, 19, 20])},
}


@pytest.fixture(scope="session")
def trial() -> Iterator[SqlKit]:
    """Seven patients; 6 and 7 have no lesion, 6 no survival, and 7 dies before the progression."""
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        for patient, (arm, os, died, pfs, progressed) in PATIENTS.items():
            kit.subject(patient, arm=arm)
            for code, time, event in (("OS", os, died), ("PFS", pfs, progressed)):
                if time is not None:
                    kit.add(
                        "adtte",
                        {
                            "usubjid": patient,
                            "paramcd": code,
                            # From months; ADaM counts the first day as day 1.
                            "aval": f"{time * 30.4375 + 1:.6f}",
                            "avalu": "DAYS",
                            "cnsr": "0" if event else "1",
                        },
                    )
        for patient, lesions in LESIONS.items():
            for label, (organ, sizes) in lesions.items():
                kit.lesion(label, usubjid=patient, tuloc=organ)
                for day, size in zip((1, 43, 85), sizes, strict=True):
                    kit.size(day, size, label, usubjid=patient)
        run_pipeline(kit)
        yield kit
