"""Reference series of biomarkers, put through LB and the models."""

from __future__ import annotations

import csv

import pytest
from sqlkit import SqlKit

MODELS = ("analysis.biomarker_event", "analysis.biomarker_landmark", "analysis.biomarker_course")
UNITS = {"CTC": "/7.5 mL"}


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def lab(kit, subject, code, day, result, **more):
    """A result of LB; days of the reference have the first dose on day 0."""
    stated = int(day) + (1 if int(day) >= 0 else 0)
    kit.add(
        "lb", {"usubjid": subject, "lbtestcd": code, "lborres": result, "lbdy": str(stated)}, **more
    )


@pytest.fixture(scope="module")
def reference(shared):
    """The models on every hand-made series: patient ids are those of the reference."""
    folder = shared / "reference" / "biology"
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        series = rows_of(folder / "ctdna_series.csv")
        for patient in dict.fromkeys(row["patient_id"] for row in series):
            kit.subject(patient)
        for row in series:
            result = row["value"] or "<0.1"
            lab(kit, row["patient_id"], "CTDNA", row["day"], result, lborresu="%", lblloq="0.1")
        _markers(kit, rows_of(folder / "marker_series.csv"))
        yield kit.build(*MODELS)


def _markers(kit, series):
    """Each kind of cancer that has circulating tumor cells is a study of its own."""
    for test in dict.fromkeys(row["test"] for row in series):
        code, _, tumor = test.partition("_")
        if tumor:
            kit.study(f"s_{tumor.lower()}", tumor_type=tumor.lower())
        rows = [row for row in series if row["test"] == test]
        for patient in dict.fromkeys(row["patient_id"] for row in rows):
            kit.subject(patient)
        for row in rows:
            lab(
                kit, row["patient_id"], code, row["day"], row["value"], lborresu=row["unit"],
                lbornrhi=row["upper_limit_normal"] or None,
            )  # fmt: skip
