"""Planters of the section 'plausibility' of the catalogue: rows that other rows make doubtful."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

from warehouse.simulation.planters import EVERYTHING, LESION, Change, Planted, planter
from warehouse.simulation.sheets import Row, Trial, as_date, later, millimetres, set_size

BACKBONES = {"FOLFOX": "FOLFIRI", "FOLFIRI": "FOLFOX"}
_RESULT = ("TRORRES", "TRORRESU", "TRSTRESC", "TRSTRESN", "TRSTRESU")


def _is_exchangeable(long: list[Row], short: list[Row]) -> bool:
    """Whether two lesions on three scans in a row differ so much that exchanging the middle shows.

    The rule asks for 1.5 times and a factor of 1.25; the planter stays clear of both edges, and
    below the five times of an outlier (sizes.4f).
    """
    if [row["TRDTC"] for row in long] != [row["TRDTC"] for row in short]:
        return False
    a, b = [millimetres(row) for row in long], [millimetres(row) for row in short]
    if not all(1.6 * y <= x <= 4 * y for x, y in zip(a, b, strict=True)):
        return False
    if not (b[1] <= 0.75 * min(a[0], a[2]) and a[1] >= 1.35 * max(b[0], b[2])):
        return False
    return all(abs(math.log(x[1] / math.sqrt(x[0] * x[2]))) <= math.log(1.2) for x in (a, b))


@planter("plausibility.1a", LESION)
def exchanged_sizes(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    lesions = dict(trial.plain_targets(subject, 3))
    for (one, long), (two, short) in permutations(lesions.items(), 2):
        for i in range(1, min(len(long), len(short)) - 1):
            if not _is_exchangeable(long[i - 1 : i + 2], short[i - 1 : i + 2]):
                continue
            original = long[i]["TRORRES"]
            for column in _RESULT:
                values = short[i][column], long[i][column]
                long[i].values[column], short[i].values[column] = values
            place = Planted("tr", long[i], "TRORRES", long[i]["TRORRES"], original)
            return Change([place], (one, two))
    return None


@planter("plausibility.1b", LESION)
def last_size_ten_times(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 2):
        before, last = millimetres(rows[-2]), millimetres(rows[-1])
        if before >= 10 and 0.6 * before <= last <= 60:
            original = rows[-1]["TRORRES"]
            set_size(rows[-1], 10 * last)
            place = Planted("tr", rows[-1], "TRORRES", rows[-1]["TRORRES"], original)
            return Change([place], (label,))
    return None


@planter("plausibility.1c", LESION)
def other_standard_result(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 3):
        row, original = rows[1], rows[1]["TRSTRESN"]
        row.values["TRSTRESN"] = f"{millimetres(row) + 9:g}"
        return Change([Planted("tr", row, "TRSTRESN", row["TRSTRESN"], original)], (label,))
    return None


@planter("plausibility.1d", LESION)
def missing_at_one_visit(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    """Takes a size out, and the stated sum of that visit with it."""
    everything = trial.rows("tr", subject)
    for label, rows in trial.plain_targets(subject, 3):
        gone = rows[1]
        others = [r for r in everything if r["TRDTC"] == gone["TRDTC"] and millimetres(r) >= 0]
        others = [r for r in others if r["TREVAL"] == trial.reader and r is not gone]
        if len({r["TRLNKID"] for r in others if r["TRTESTCD"] == "LDIAM"}) < 2:
            continue
        sums = [r for r in others if r["TRTESTCD"] == "SUMDIAM"]
        everything[:] = [r for r in everything if r is not gone and not any(r is s for s in sums)]
        return Change([Planted("tr", rows[0], "TRDTC", rows[0]["TRDTC"])], (label,))
    return None


@planter("plausibility.1f", LESION)
def new_at_baseline(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("tu", subject, lambda r: r["TUEVAL"] == trial.reader and bool(r["TUDTC"]))
    baseline = min((r.text("TUDTC") for r in rows if r["TUORRES"] == "TARGET"), default="")
    if not baseline or baseline > trial.dm(subject).text("RFSTDTC"):
        return None
    for row in rows:
        label, original = row.text("TULNKID"), row.text("TUDTC")
        if row["TUORRES"] == "NEW" and original > baseline and trial.is_free(subject, label):
            row.values.update({"TUDTC": baseline, "TUDY": trial.study_day(subject, baseline)})
            return Change([Planted("tu", row, "TUDTC", baseline, original)], (label,))
    return None


def _calm_visits(trial: Trial, subject: str) -> list[Row]:
    """OVRLRESP rows of the analysed reader without a new lesion, up to the first progression."""
    rows = trial.rows("rs", subject, lambda r: r["RSEVAL"] == trial.reader)
    is_new = {r["RSDTC"]: r["RSSTRESC"] == "Y" for r in rows if r["RSTESTCD"] == "NEWLIND"}
    calm = []
    for row in [r for r in rows if r["RSTESTCD"] == "OVRLRESP"]:
        if row["RSSTRESC"] == "PD" or is_new.get(row["RSDTC"], False):
            break
        calm.append(row)
    return calm


def _diameters(trial: Trial, subject: str) -> dict[str, dict[str, float]]:
    """Sizes by date and lesion; none where a node may count by its short axis."""
    rows = trial.rows("tr", subject, lambda r: r["TREVAL"] == trial.reader)
    if any(r["TRTESTCD"] == "LPERP" for r in rows):
        return {}
    out: dict[str, dict[str, float]] = {}
    for row in [r for r in rows if r["TRTESTCD"] == "LDIAM" and millimetres(r) >= 0]:
        out.setdefault(row.text("TRDTC"), {})[row.text("TRLNKID")] = millimetres(row)
    return out


def _respond(row: Row, word: str) -> Planted:
    original = row["RSSTRESC"]
    row.values.update({"RSORRES": word, "RSSTRESC": word})
    return Planted("rs", row, "RSSTRESC", word, original)


@planter("plausibility.2a", "rs")
def complete_with_targets(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    sizes = _diameters(trial, subject)
    for row in _calm_visits(trial, subject):
        large = [mm for mm in sizes.get(row.text("RSDTC"), {}).values() if mm > 15]
        if len(large) >= 2:
            return Change([_respond(row, "CR")])
    return None


@planter("plausibility.2b", "rs")
def response_after_progression(
    trial: Trial, subject: str, rng: np.random.Generator
) -> Change | None:
    """Two visits without much change become a progression and a partial response."""
    sizes = _diameters(trial, subject)
    calm = [row for row in _calm_visits(trial, subject) if row["RSSTRESC"] == "SD"]
    if not sizes or len(calm) < 2 or len(trial.scans(subject)) != len(sizes):
        return None
    baseline, then = sizes[min(sizes)], sizes.get(calm[1].text("RSDTC"), {})
    if set(baseline) != set(then) or sum(then.values()) < 0.85 * sum(baseline.values()):
        return None
    _respond(calm[0], "PD")
    return Change([_respond(calm[1], "PR")])


@planter("plausibility.2c", "rs")
def progression_before_first_dose(
    trial: Trial, subject: str, rng: np.random.Generator
) -> Change | None:
    scans = trial.scans(subject)
    if not scans or len(scans[0]) != 10 or scans[0] >= trial.dm(subject).text("RFSTDTC"):
        return None
    for row in trial.rows("rs", subject, lambda r: r["RSEVAL"] == trial.reader):
        if row["RSTESTCD"] == "OVRLRESP" and row["RSSTRESC"] == "PD":
            original, when = row["RSDTC"], scans[0]
            row.values.update({"RSDTC": when, "RSDY": trial.study_day(subject, when)})
            return Change([Planted("rs", row, "RSDTC", when, original)])
    return None


@planter("plausibility.3a", "death", "ex")
def dose_after_death(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    death, rows = trial.dm(subject)["DTHDTC"], trial.rows("ex", subject)
    if not death or not rows:
        return None
    original, when = rows[-1]["EXENDTC"], later(death, 12)
    rows[-1].values.update({"EXENDTC": when, "EXENDY": trial.study_day(subject, when)})
    return Change([Planted("ex", rows[-1], "EXENDTC", when, original)])


@planter("plausibility.3b", "arm", "ex")
def drug_of_another_arm(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    arm = trial.dm(subject).text("ACTARM").upper()
    for row in trial.rows("ex", subject):
        drug = row.text("EXTRT")
        if drug in BACKBONES and drug in arm:
            row.values["EXTRT"] = BACKBONES[drug]
            return Change([Planted("ex", row, "EXTRT", row["EXTRT"], drug)])
    return None


@planter("plausibility.3c", "dm", "death")
def last_contact_before_last_scan(
    trial: Trial, subject: str, rng: np.random.Generator
) -> Change | None:
    dm, scans = trial.dm(subject), trial.scans(subject)
    if dm["DTHFL"] or len(scans) < 3 or any(len(when) != 10 for when in scans):
        return None
    when, original = later(scans[-1], -15), dm["RFPENDTC"]
    if as_date(when) <= as_date(dm.text("RFSTDTC")):
        return None
    dm.values["RFPENDTC"] = when
    return Change([Planted("dm", dm, "RFPENDTC", when, original)])


@planter("plausibility.4a", EVERYTHING)
def copied_patient(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    """Every row of a subject once more, under an id that nobody has."""
    sizes = [millimetres(row) for rows in trial.targets(subject).values() for row in rows]
    sizes = [mm for mm in sizes if mm > 0]
    if len(sizes) < 8 or len(set(sizes)) < 5:
        return None
    site = subject.rpartition("-")[0]
    taken = {trial.dm(other)["USUBJID"] for other in trial.subjects}
    name = next(x for x in (f"{site}-{n}" for n in range(990001, 1000000)) if x not in taken)
    for sheet in trial.sheets.values():
        copies = [row.copy(USUBJID=name) for row in sheet.rows(subject)]
        sheet.rows(name).extend(copies)
    dm = trial.sheets["dm"].rows(name)[0]
    dm.values["SUBJID"] = name.rpartition("-")[2]
    return Change([Planted("dm", dm, "USUBJID", name, subject)])


@planter("plausibility.4b", "suppdm")
def performance_status(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for row in trial.rows("suppdm", subject, lambda r: r["QNAM"] == "ECOG"):
        original = row["QVAL"]
        row.values["QVAL"] = "7"
        return Change([Planted("suppdm", row, "QVAL", "7", original)])
    return None
