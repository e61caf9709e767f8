"""What every simulated SDTM table needs: ids, dates, visits and readers of the subjects.

The numbers come from a simulator found by its entry point; what is read of them is described in
:class:`Numbers`. Days that count from 0 at the first dose become SDTM study days, which have no day
0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[Any]
Columns = Mapping[str, Array]
Tables = dict[str, pa.Table]

PATIENT = "_patient"
"""Column with the position of the patient, dropped when a table is written."""

SIGNIFICANT_DIGITS = 9
"""Of the numbers in the truth: the last bits of exp and log differ between processors."""
READERS = ("INDEPENDENT ASSESSOR", "INVESTIGATOR")


@dataclass(frozen=True)
class FileStyle:
    """How one trial writes its tables; real trials differ in just these ways."""

    unit: str = "mm"
    has_too_small_text: bool = False
    states: str = "recist"
    has_capital_sites: bool = True


STYLES = (
    FileStyle(unit="cm"),
    FileStyle(has_too_small_text=True),
    FileStyle(states="sdtm", has_capital_sites=False),
    FileStyle(has_too_small_text=True),
    FileStyle(),
    FileStyle(has_too_small_text=True),
    FileStyle(has_capital_sites=False),
    FileStyle(has_too_small_text=True, states="sdtm"),
)


class Numbers(Protocol):
    """What is read of a simulation: tables as column name -> array, days from the first dose."""

    @property
    def studies(self) -> Columns: ...
    @property
    def arms(self) -> Columns: ...
    @property
    def patients(self) -> Columns: ...
    @property
    def lesions(self) -> Columns: ...
    @property
    def measurements(self) -> Columns: ...
    @property
    def assessments(self) -> Columns: ...
    @property
    def responses(self) -> Columns: ...
    @property
    def prior_responses(self) -> Columns: ...
    @property
    def exposures(self) -> Columns: ...
    @property
    def procedures(self) -> Columns: ...
    @property
    def labs(self) -> Columns: ...
    @property
    def truth_lesions(self) -> Columns: ...
    @property
    def truth_population(self) -> Columns: ...
    @property
    def radiomics(self) -> Columns: ...
    @property
    def truth_radiomic_features(self) -> Columns: ...


def pick(labels: Sequence[str | None], index: Array) -> pa.Array:
    """Text by position in a short list; ``None`` is a blank field."""
    return pa.array(list(labels), type=pa.string()).take(
        pa.array(np.asarray(index, dtype=np.int64))
    )


def encode(values: Array, empty: str = "") -> pa.Array:
    """Text column of few distinct values; ``empty`` becomes a blank field."""
    labels, index = np.unique(values, return_inverse=True)
    return pick([None if str(label) == empty else str(label) for label in labels], index)


def significant(values: Array) -> Array:
    """Rounded to the digits that are the same on every machine."""
    if values.dtype.kind != "f":
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.floor(np.log10(np.abs(values)))
        magnitude = np.where(np.isfinite(magnitude), magnitude, 0)
        digits = 10.0 ** (SIGNIFICANT_DIGITS - 1 - magnitude)
        return np.where(np.isfinite(values), np.rint(values * digits) / digits, values)


def subject_id(study_id: str, number: int) -> str:
    """USUBJID: study, hospital and running number, with their leading zeros."""
    return f"{study_id}-{number:06d}"


class Subjects:
    """The patients and what every table needs of them."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.patients = numbers.patients
        self.trial = numbers.patients["trial"]
        self.study_ids = [str(x) for x in numbers.studies["study_id"]]
        ids = zip(self.trial, numbers.patients["subject_number"], strict=True)
        self.usubjid = [subject_id(self.study_ids[t], int(s)) for t, s in ids]
        self.first_dose = numbers.patients["first_dose"].astype("datetime64[D]")
        self.styles = [STYLES[i % len(STYLES)] for i in range(len(self.study_ids))]
        start = self.first_dose.min() - np.timedelta64(2000, "D")
        calendar = np.arange(start, self.first_dose.max() + np.timedelta64(2500, "D"))
        self._calendar_start = start
        self._calendar = pa.array(np.datetime_as_string(calendar), type=pa.string())

    def keys(self, patient: Array, domain: str | None = None) -> dict[str, pa.Array]:
        out = {
            PATIENT: pa.array(patient.astype(np.int64)),
            "STUDYID": pick(self.study_ids, self.trial[patient]),
        }
        if domain is not None:
            out["DOMAIN"] = pick([domain], np.zeros(len(patient)))
        return out | {"USUBJID": pick(self.usubjid, patient)}

    def short_date(self, patient: Array, day: Array, length: Array) -> pa.Array:
        """ISO date of a day from the first dose, cut to so many characters (10, 7 or 4)."""
        texts = self.date(patient, day).to_numpy(zero_copy_only=False).astype("<U10")
        parts = [texts.astype(f"<U{k}") for k in (4, 7)]
        return encode(np.select([length == 4, length == 7], parts, texts))

    def date(self, patient: Array, day: Array, known: Array | None = None) -> pa.Array:
        """ISO date of a day from the first dose."""
        offset = (self.first_dose[patient] - self._calendar_start).astype(np.int64) + day
        return self._calendar.take(pa.array(offset, mask=None if known is None else ~known))

    def visit(self, patient: Array, scan: Array, is_between: Array | None = None) -> pa.Array:
        """BASELINE, WEEK 6, ... by the trial's plan; UNSCHEDULED between two of them."""
        studies, trial = self.numbers.studies, self.trial[patient]
        early = np.minimum(scan, studies["n_first_scans"][trial])
        week = early * studies["first_scan_interval_days"][trial]
        week = (week + (scan - early) * studies["later_scan_interval_days"][trial]) // 7
        labels = ["BASELINE", *(f"WEEK {w}" for w in range(1, int(week.max(initial=0)) + 1))]
        if is_between is not None:
            week = np.where(is_between, len(labels), week)
        return pick([*labels, "UNSCHEDULED"], week)

    def reader(self, patient: Array, reader: Array) -> pa.Array:
        """Who read: the only reader of a trial is the investigator."""
        has_two = self.numbers.studies["has_two_readers"][self.trial[patient]]
        return pick(READERS, np.where(has_two, reader - 1, 1))


def lesion_labels(numbers: Numbers) -> Array:
    """TULNKID of each lesion: T01, NT01, N01; with the reader before it where there are two."""
    lesions = numbers.lesions
    kinds = np.select([lesions["type"] == "target", lesions["type"] == "new"], ["T", "N"], "NT")
    has_two = numbers.studies["has_two_readers"][numbers.patients["trial"][lesions["patient"]]]
    prefix = np.where(has_two, np.where(lesions["reader"] == 1, "R1-", "INV-"), "")
    texts = np.asarray([f"{i:02d}" for i in range(int(lesions["number"].max(initial=0)) + 1)])
    return np.char.add(np.char.add(prefix, kinds), texts[lesions["number"]]).astype("<U12")


def visit_number(scan: Array, is_between: Array | None = None) -> pa.Array:
    """VISITNUM: 1 at baseline, 2, ...; 2.5 between the visits 2 and 3."""
    top = int(scan.max(initial=0)) + 1
    labels = [str(k + 1) for k in range(top)] + [f"{k + 1}.5" for k in range(top)]
    return pick(labels, scan if is_between is None else scan + top * is_between)


def study_day(day: Array) -> Array:
    """SDTM study day of a day that counts from 0: 0 -> 1, 1 -> 2, -1 -> -1."""
    return day + (day >= 0)


def sequence(patient: Array) -> Array:
    """1, 2, ... within each patient; rows are sorted by patient."""
    if not len(patient):
        return np.zeros(0, dtype=np.int64)
    start = np.flatnonzero(np.r_[True, np.diff(patient) != 0])
    return 1 + np.arange(len(patient)) - np.repeat(start, np.diff(np.r_[start, len(patient)]))


def blank(n: int) -> pa.Array:
    """(n,) texts that are NULL."""
    return pa.nulls(n, pa.string())
