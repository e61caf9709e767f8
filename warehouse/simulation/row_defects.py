"""Planters of the section 'rows' of the catalogue."""

from __future__ import annotations

import numpy as np

from warehouse.simulation.planters import LESION, Change, Planted, planter
from warehouse.simulation.sheets import (
    Sheet,
    Trial,
    as_date,
    insert_after,
    later,
    millimetres,
    next_number,
    set_size,
    table_of,
)

ANTIBODIES = ("BEVACIZUMAB", "PANITUMUMAB")


@planter("rows.1a", LESION)
def exact_duplicate(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    new = insert_after(trial.rows("tr", subject), row, row.copy())
    return Change([Planted("tr", new, "TRSEQ", new["TRSEQ"])], (label,))


@planter("rows.1b", LESION)
def two_sizes_on_one_day(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    rows = trial.rows("tr", subject)
    new = row.copy(TRSEQ=next_number(rows, "TRSEQ"))
    set_size(new, 2 * millimetres(row) + 5)
    insert_after(rows, row, new)
    return Change([Planted("tr", new, "TRORRES", new["TRORRES"], row["TRORRES"])], (label,))


@planter("rows.1c", "tr")
def baseline_from_wrong_row(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    lesions = dict(trial.plain_targets(subject, 2))
    if len(lesions) < 2 or len(lesions) < len(trial.targets(subject)):
        return None
    volume = {x: millimetres(rows[0]) ** 3 / (2 * 1.31**2) for x, rows in lesions.items()}
    wrong, *others = lesions
    other = next((x for x in others if abs(volume[x] / volume[wrong] - 1) > 0.1), None)
    if other is None:
        return None
    if "XBASEVOL" not in trial.sheets["tr"].columns:
        trial.sheets["tr"].columns.append("XBASEVOL")
    places = []
    for label, rows in lesions.items():
        for row in rows:
            row.values["XBASEVOL"] = f"{volume[label if label != wrong else other]:.1f}"
            if label == wrong:
                places.append(
                    Planted("tr", row, "XBASEVOL", row["XBASEVOL"], f"{volume[wrong]:.1f}")
                )
    return Change(places)


@planter("rows.2d", "tr")
def single_space(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("tr", subject)
    if not rows:
        return None
    places = []
    for row in rows:
        for column in ("TRSTAT", "TRREASND", "TREVALID"):
            if row[column] is None:
                row.values[column] = " "
                places.append(Planted("tr", row, column, " "))
    return Change(places[:1])


@planter("rows.2e", "lb")
def ragged_record(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("lb", subject)
    return Change([Planted("lb", rows[-1], is_ragged=True)]) if rows else None


def _site(trial: Trial, subject: str, text: str | None, wanted: str = "") -> Change | None:
    for row in trial.rows("tu", subject):
        label = row.text("TULNKID")
        is_wanted = wanted in row.text("TULOC").upper()
        if row["TUEVAL"] == trial.reader and is_wanted and trial.is_free(subject, label):
            original = row["TULOC"]
            row.values["TULOC"] = text
            return Change([Planted("tu", row, "TULOC", text, original)], (label,))
    return None


@planter("rows.3a", LESION)
def blank_site(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _site(trial, subject, None)


@planter("rows.3d", LESION)
def detailed_site(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _site(trial, subject, "LIVER SEGMENT VI", "LIVER")


@planter("rows.3e", LESION)
def no_organ(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _site(trial, subject, "BODY")


@planter("rows.3g", LESION)
def numeric_site(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _site(trial, subject, "17")


def _antibodies(trial: Trial, subject: str) -> set[str]:
    """Antibodies that the subject was given."""
    return {row.text("EXTRT") for row in trial.rows("ex", subject)} & set(ANTIBODIES)


@planter("rows.4a", "arm")
def other_arm(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    row = trial.dm(subject)
    given = _antibodies(trial, subject)
    others = [
        arm
        for arm in trial.arms
        if arm[0] != row["ARMCD"] and all(drug in arm[1].upper() for drug in given)
    ]
    if not others:
        return None
    original = row["ACTARMCD"]
    row.values.update({"ACTARMCD": others[0][0], "ACTARM": others[0][1]})
    return Change([Planted("dm", row, "ACTARMCD", others[0][0], original)])


def _label_arm(trial: Trial, subject: str, code: str, label: str) -> Change | None:
    if _antibodies(trial, subject):
        return None
    row = trial.dm(subject)
    original = row["ARM"]
    row.values.update({"ARMCD": code, "ARM": label, "ACTARMCD": code, "ACTARM": label})
    return Change([Planted("dm", row, "ARM", label, original)])


@planter("rows.4b", "arm")
def code_name(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _label_arm(trial, subject, "AMG954", "AMG 954")


@planter("rows.4c", "arm")
def no_dictionary(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _label_arm(trial, subject, "S2A1", "Study_2_Arm_1")


@planter("rows.4d", "arm", "ex")
def crossover(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("ex", subject)
    dm = trial.dm(subject)
    if not rows or _antibodies(trial, subject):
        return None
    start = later(rows[0].text("EXENDTC"), 7)
    end = later(start, 28)
    if end > dm.text("RFPENDTC"):
        return None
    new = rows[-1].copy(
        EXSEQ=next_number(rows, "EXSEQ"), EXTRT="BEVACIZUMAB", EXDOSE="5", EXDOSU="mg/kg",
        EXSTDTC=start, EXENDTC=end, EXSTDY=trial.study_day(subject, start),
        EXENDY=trial.study_day(subject, end),
    )  # fmt: skip
    rows.append(new)
    return Change([Planted("ex", new, "EXTRT", "BEVACIZUMAB")])


def _treated_lesion(trial: Trial, subject: str, what: str) -> Change | None:
    rows, scans = trial.rows("pr", subject), trial.scans(subject)
    lesions = [r for r in trial.rows("tu", subject) if r["TUORRES"] == "TARGET"]
    lesions = [r for r in lesions if r["TUEVAL"] == trial.reader]
    if not rows or len(scans) < 3 or not lesions or scans[-1] < trial.dm(subject).text("RFSTDTC"):
        return None
    when = later(scans[-1], -10)
    if as_date(when) <= as_date(trial.dm(subject).text("RFSTDTC")):
        return None
    new = rows[-1].copy(
        PRSEQ=next_number(rows, "PRSEQ"), PRTRT=what, PRDECOD=what, PRCAT="ON-STUDY PROCEDURE",
        PRLOC=lesions[0].text("TULOC").upper(), PRLNKID=lesions[0]["TULNKID"], PRSTDTC=when,
        PRSTDY=trial.study_day(subject, when),
    )  # fmt: skip
    rows.append(new)
    return Change([Planted("pr", new, "PRLNKID", new["PRLNKID"])])


@planter("rows.4e", "pr")
def irradiated(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _treated_lesion(trial, subject, "RADIOTHERAPY")


@planter("rows.4f", "pr")
def resected(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _treated_lesion(trial, subject, "RESECTION")


@planter("rows.5a", "death")
def death_without_date(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    row = trial.dm(subject)
    original = row["DTHDTC"]
    if not original:
        return None
    row.values.update({"DTHDTC": None, "DTHDY": None})
    return Change([Planted("dm", row, "DTHDTC", None, original)])


@planter("rows.5b", "death")
def other_death_date(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for row in trial.rows("ds", subject, lambda r: r["DSDECOD"] == "DEATH"):
        original = row.text("DSSTDTC")
        when = later(original, 7)
        row.values.update({"DSSTDTC": when, "DSSTDY": trial.study_day(subject, when)})
        return Change([Planted("ds", row, "DSSTDTC", when, original)])
    return None


@planter("rows.5c", "death")
def fatal_event(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    death = trial.dm(subject)["DTHDTC"]
    if not death or "ae" in trial.sheets:
        return None
    start, end = later(death, -9), later(death, 3)
    values = {
        "STUDYID": trial.study_id, "DOMAIN": "AE", "USUBJID": subject, "AESEQ": "1",
        "AETERM": "Sepsis", "AEDECOD": "Sepsis", "AESEV": "SEVERE", "AESER": "Y",
        "AEOUT": "FATAL", "AESDTH": "Y", "AESTDTC": start, "AEENDTC": end,
        "AESTDY": trial.study_day(subject, start), "AEENDY": trial.study_day(subject, end),
    }  # fmt: skip
    trial.sheets["ae"] = Sheet(table_of({name: [value] for name, value in values.items()}))
    row = trial.sheets["ae"].rows(subject)[0]
    return Change([Planted("ae", row, "AEENDTC", end, death)])


@planter("rows.5d", "death")
def alive_after_death(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    death = trial.dm(subject)["DTHDTC"]
    rows = trial.rows("ss", subject)
    if not death or not rows:
        return None
    when = later(death, 30)
    new = rows[-1].copy(
        SSSEQ=next_number(rows, "SSSEQ"), SSORRES="ALIVE", SSSTRESC="ALIVE", SSDTC=when,
        SSDY=trial.study_day(subject, when),
    )  # fmt: skip
    rows.append(new)
    return Change([Planted("ss", new, "SSSTRESC", "ALIVE")])


@planter("rows.5f", "rs")
def new_lesion_no_progression(
    trial: Trial, subject: str, rng: np.random.Generator
) -> Change | None:
    rows = [r for r in trial.rows("rs", subject) if r["RSEVAL"] == trial.reader]
    calm = {
        r["RSDTC"] for r in rows if r["RSTESTCD"] == "OVRLRESP" and r["RSSTRESC"] in ("SD", "PR")
    }
    for row in rows:
        if row["RSTESTCD"] == "NEWLIND" and row["RSSTRESC"] == "N" and row["RSDTC"] in calm:
            row.values.update({"RSORRES": "Y", "RSSTRESC": "Y"})
            return Change([Planted("rs", row, "RSSTRESC", "Y", "N")])
    return None


@planter("rows.5h", LESION)
def no_standard_number(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    original = row["TRSTRESN"]
    row.values["TRSTRESN"] = None
    return Change([Planted("tr", row, "TRSTRESN", None, original)], (label,))


@planter("rows.5j", LESION)
def no_identification_date(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for row in trial.rows("tu", subject):
        label = row.text("TULNKID")
        if row["TUEVAL"] == trial.reader and trial.is_free(subject, label):
            original = row["TUDTC"]
            row.values.update({"TUDTC": None, "TUDY": None})
            return Change([Planted("tu", row, "TUDTC", None, original)], (label,))
    return None


@planter("rows.5k", "rs")
def no_response_date(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for row in trial.rows("rs", subject, lambda r: r["RSTESTCD"] == "TRGRESP"):
        original = row["RSDTC"]
        row.values["RSDTC"] = None
        return Change([Planted("rs", row, "RSDTC", None, original)])
    return None


@planter("rows.5l", "tr")
def one_date_at_two_visits(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    if len(scans) < 3:
        return None
    rows = trial.rows("tr", subject)
    places = []
    for row in [r for r in rows if r["TRDTC"] == scans[1] and r["TRTESTCD"] != "SUMDIAM"]:
        new = row.copy(
            TRSEQ=next_number(rows, "TRSEQ"),
            VISITNUM=f"{row['VISITNUM']}.1",
            VISIT="UNSCHEDULED",
        )
        insert_after(rows, row, new)
        places.append(Planted("tr", new, "VISITNUM", new["VISITNUM"], row["VISITNUM"]))
    return Change(places)


@planter("rows.5m", "tr")
def visits_out_of_order(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    scans = trial.scans(subject)
    if len(scans) < 4:
        return None
    names = {}
    for row in trial.rows("tr", subject):
        names[row["TRDTC"]] = (row["VISITNUM"], row["VISIT"])
    places = []
    for here, there in ((scans[1], scans[2]), (scans[2], scans[1])):
        for row in [r for r in trial.rows("tr", subject) if r["TRDTC"] == here]:
            number, label = names[there]
            places.append(Planted("tr", row, "VISITNUM", number, row["VISITNUM"]))
            row.values.update({"VISITNUM": number, "VISIT": label})
    return Change(places)
