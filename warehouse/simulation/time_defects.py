"""Planters of the section 'time' of the catalogue."""

from __future__ import annotations

import numpy as np

from warehouse.simulation.planters import EVERYTHING, LESION, Change, Planted, planter
from warehouse.simulation.sheets import Row, Trial, as_date, later, next_number

NEW_CALENDAR = "1900-03-05"
"""First dose in the shifted calendar: after the 29 February 1900 that spreadsheets believe in."""
NEXT_THERAPY = "SUBSEQUENT ANTI-CANCER THERAPY"


def _at(trial: Trial, subject: str, when: str) -> list[Row]:
    """TR rows of one scan, of every reader."""
    return trial.rows("tr", subject, lambda row: row["TRDTC"] == when)


def _move(trial: Trial, subject: str, domain: str, row: Row, when: str) -> Planted:
    prefix = domain.upper()
    original = row[f"{prefix}DTC"]
    row.values.update({f"{prefix}DTC": when, f"{prefix}DY": trial.study_day(subject, when)})
    return Planted(domain, row, f"{prefix}DTC", when, original)


@planter("time.1b", "tr")
def two_baselines(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    first_dose = trial.dm(subject).text("RFSTDTC")
    if not scans or not 0 <= (as_date(first_dose) - as_date(scans[0])).days <= 40:
        return None
    rows = trial.rows("tr", subject)
    earlier = later(scans[0], -21)
    new: list[Row] = []
    for row in _at(trial, subject, scans[0]):
        copy = row.copy(
            TRSEQ=next_number(rows + new, "TRSEQ"),
            TRLNKGRP="AS",
            VISITNUM="0",
            VISIT="SCREENING",
        )
        new.append(copy)
        _move(trial, subject, "tr", copy, earlier)
    rows[:0] = new
    return Change([Planted("tr", row, "TRDTC", earlier) for row in new])


@planter("time.1d", "tr")
def baseline_after_first_dose(
    trial: Trial, subject: str, rng: np.random.Generator
) -> Change | None:
    scans = trial.scans(subject)
    first_dose = trial.dm(subject).text("RFSTDTC")
    if len(scans) < 3 or not trial.targets(subject) or scans[0] > first_dose:
        return None
    if (as_date(scans[1]) - as_date(first_dose)).days < 20:
        return None
    when = later(first_dose, 5)
    places = [
        _move(trial, subject, domain, row, when)
        for domain in ("tu", "tr")
        for row in trial.rows(domain, subject)
        if row[f"{domain.upper()}DTC"] == scans[0]
    ]
    return Change([place for place in places if place.domain == "tr"])


@planter("time.1e", "tr")
def study_day_zero(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    first_dose = trial.dm(subject).text("RFSTDTC")
    if len(scans) < 2 or scans[0] > first_dose:
        return None
    places = []
    for domain in ("tu", "tr"):
        for row in trial.rows(domain, subject):
            if row[f"{domain.upper()}DTC"] == scans[0]:
                _move(trial, subject, domain, row, first_dose)
                if domain == "tr":
                    row.values["TRDY"] = "0"
                    places.append(Planted("tr", row, "TRDY", "0", "1"))
    return Change(places)


@planter("time.2a", LESION)
def no_day(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    original = row["TRDTC"]
    row.values.update({"TRDTC": None, "TRDY": None})
    return Change([Planted("tr", row, "TRDTC", None, original)], (label,))


@planter("time.2b", LESION)
def partial_date(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    original = row.text("TRDTC")
    row.values["TRDTC"] = original[:7]
    return Change([Planted("tr", row, "TRDTC", original[:7], original)], (label,))


def _with_time(trial: Trial, subject: str, time: str) -> Change | None:
    scans = trial.scans(subject)
    if len(scans) < 2:
        return None
    places = []
    for row in _at(trial, subject, scans[1]):
        row.values["TRDTC"] = scans[1] + time
        places.append(Planted("tr", row, "TRDTC", row["TRDTC"], scans[1]))
    return Change(places)


@planter("time.2c", "tr")
def time_of_day(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _with_time(trial, subject, "T11:45")


@planter("time.2d", "tr")
def time_zone(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _with_time(trial, subject, "T23:30+09:00")


@planter("time.2e", EVERYTHING)
def calendar_of_1900(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    dm = trial.dm(subject)
    original = dm.text("RFSTDTC")
    days = (as_date(NEW_CALENDAR) - as_date(original)).days
    for sheet in trial.sheets.values():
        for row in sheet.rows(subject):
            for column, value in row.values.items():
                if column.endswith("DTC") and value:
                    row.values[column] = later(value, days)
    return Change([Planted("dm", dm, "RFSTDTC", dm["RFSTDTC"], original)])


@planter("time.2f", "tr")
def no_dates(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    if not trial.targets(subject) or len(trial.scans(subject)) < 2:
        return None
    places = []
    for row in trial.rows("tr", subject):
        if row["TRSTAT"] != "NOT DONE":  # needs no day
            places.append(Planted("tr", row, "TRDTC", None, row["TRDTC"]))
        row.values.update({"TRDTC": None, "TRDY": None})
    return Change(places)


@planter("time.2g", "tr")
def unsorted(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("tr", subject)
    if len(trial.scans(subject)) < 3:
        return None
    rows.reverse()
    return Change([Planted("tr", rows[0])])


@planter("time.2h", "tr")
def changing_labels(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    if len(scans) < 3:
        return None
    places = []
    for number, when in enumerate(scans[1:]):
        for row in _at(trial, subject, when):
            label = ("W6", "Week 12", "UNSCHEDULED", str(number + 1))[number % 4]
            places.append(Planted("tr", row, "VISIT", label, row["VISIT"]))
            row.values["VISIT"] = label
    return Change(places)


@planter("time.2i", "tr", "death", "pr")
def after_death(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    death = trial.dm(subject)["DTHDTC"]
    scans = trial.scans(subject)
    has_next = trial.rows("pr", subject, lambda row: row["PRCAT"] == NEXT_THERAPY)
    if not death or len(scans) < 2 or has_next:
        return None
    rows = trial.rows("tr", subject)
    last = _at(trial, subject, scans[-1])
    new: list[Row] = []
    for row in last:
        copy = row.copy(
            TRSEQ=next_number(rows + new, "TRSEQ"),
            VISITNUM=str(int(row.text("VISITNUM")) + 1),
            VISIT="FOLLOW-UP",
            TRLNKGRP=f"A{row['VISITNUM']}",
        )
        new.append(copy)
        _move(trial, subject, "tr", copy, later(death, 10))
    rows.extend(new)
    return Change([Planted("tr", row, "TRDTC", row["TRDTC"], death) for row in new])


@planter("time.2j", "tr", "pr")
def after_next_therapy(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    rows = trial.rows("pr", subject)
    if len(scans) < 3 or not rows or any(row["PRCAT"] == NEXT_THERAPY for row in rows):
        return None
    when = later(scans[-1], -5)
    new = rows[-1].copy(
        PRSEQ=next_number(rows, "PRSEQ"), PRTRT="CHEMOTHERAPY", PRDECOD="CHEMOTHERAPY",
        PRCAT=NEXT_THERAPY, PRLOC=None, PRSTDTC=when, PRSTDY=trial.study_day(subject, when),
    )  # fmt: skip
    rows.append(new)
    late = _at(trial, subject, scans[-1])
    return Change(
        [Planted("pr", new, "PRSTDTC", when)]
        + [Planted("tr", row, "TRDTC", row["TRDTC"], row["TRDTC"]) for row in late]
    )
