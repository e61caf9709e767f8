"""Planters of the section 'identity' of the catalogue."""

from __future__ import annotations

import re

import numpy as np

from warehouse.simulation.planters import EVERYTHING, Change, Planted, planter
from warehouse.simulation.sheets import Row, Trial, insert_after, millimetres, next_number, set_size

NEIGHBOURS = ("9007199254740992", "9007199254740993")
"""2^53 and the next whole number, which a 64-bit float cannot tell apart."""


def _rename(trial: Trial, subject: str, name: str) -> Planted:
    """Gives a subject another id in every table."""
    row = trial.dm(subject)
    original = row["USUBJID"]
    for sheet in trial.sheets.values():
        for other in sheet.rows(subject):
            other.values["USUBJID"] = name
    row.values["SUBJID"] = name
    return Planted("dm", row, "USUBJID", name, original)


@planter("identity.1a", EVERYTHING)
def beyond_two_to_the_53(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    taken = {row["USUBJID"] for s in trial.subjects for row in [trial.dm(s)]}
    if taken & set(NEIGHBOURS):
        return None
    free = [s for s in trial.subjects if s != subject and not trial.used.get(s)]
    if not free:
        return None
    trial.used.setdefault(free[0], set()).add(EVERYTHING)
    pairs = zip((subject, free[0]), NEIGHBOURS, strict=True)
    return Change([_rename(trial, old, new) for old, new in pairs])


@planter("identity.1b", EVERYTHING)
def negative_id(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return Change([_rename(trial, subject, f"-{trial.dm(subject).text('SUBJID')}")])


def _in_one_table(trial: Trial, subject: str, domain: str, name: str) -> Change | None:
    rows = trial.rows(domain, subject)
    if not rows:
        return None
    places = []
    for row in rows:
        places.append(Planted(domain, row, "USUBJID", name, row["USUBJID"]))
        row.values["USUBJID"] = name
    return Change(places)


@planter("identity.1c", "ex")
def lost_zeros(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    name = re.sub(r"-0+(?=\d)", "-", subject)
    return None if name == subject else _in_one_table(trial, subject, "ex", name)


@planter("identity.1d", "lb")
def decimal_id(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _in_one_table(trial, subject, "lb", f"{subject}.0")


def _labelled(trial: Trial, subject: str, label: str) -> list[tuple[str, str, Row]]:
    """(domain, link column, row) of every TU and TR row of a lesion."""
    return [
        (domain, column, row)
        for domain, column in (("tu", "TULNKID"), ("tr", "TRLNKID"))
        for row in trial.rows(domain, subject)
        if row[column] == label
    ]


@planter("identity.1f", "tr")
def number_restarts(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    if trial.n_readers > 1:
        return None
    others = [r.text("TULNKID") for r in trial.rows("tu", subject) if r["TUORRES"] == "NON-TARGET"]
    if not others or "T01" not in trial.targets(subject):
        return None
    places = []
    for domain, column, row in _labelled(trial, subject, others[-1]):
        places.append(Planted(domain, row, column, "T01", others[-1]))
        row.values[column] = "T01"
    return Change(places)


@planter("identity.1h", "tr")
def gap_in_numbers(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    labels = list(trial.targets(subject))
    if len(labels) < 3 or trial.n_readers > 1:
        return None
    for domain, _, row in _labelled(trial, subject, labels[1]):
        trial.rows(domain, subject).remove(row)
    after = _labelled(trial, subject, labels[2])[0][2]
    return Change([Planted("tu", after, "TULNKID", labels[2], labels[1])])


@planter("identity.2b", "tr", two_readers=True)
def partly_accepted(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("tr", subject, lambda row: row["TRACPTFL"] == "Y")
    if len(rows) < 4:
        return None
    places = []
    for row in rows[::2]:
        row.values["TRACPTFL"] = None
        places.append(Planted("tr", row, "TRACPTFL", None, "Y"))
    return Change(places)


def _identified(trial: Trial, subject: str, label: str) -> Row:
    return next(r for r in trial.rows("tu", subject) if r["TULNKID"] == label)


@planter("identity.3a", "tr")
def split_lesion(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 4):
        parts = rows[2:]
        if min(millimetres(row) for row in parts) < 20:
            continue
        tu, tr = trial.rows("tu", subject), trial.rows("tr", subject)
        parent = _identified(trial, subject, label)
        places = []
        for part, share in (("2", 0.45), ("1", 0.55)):
            name = f"{label}.{part}"
            new = parent.copy(
                TUSEQ=next_number(tu, "TUSEQ"), TULNKID=name, TUTESTCD="TUSPLIT",
                TUTEST="Tumor Split", TUDTC=parts[0]["TRDTC"], TUDY=parts[0]["TRDY"],
            )  # fmt: skip
            insert_after(tu, parent, new)
            places.append(Planted("tu", new, "TULNKID", name, label))
            for row in parts:
                piece = row.copy(TRSEQ=next_number(tr, "TRSEQ"), TRLNKID=name)
                set_size(piece, round(millimetres(row) * share))
                insert_after(tr, row, piece)
        for row in parts:
            tr.remove(row)
        return Change(places)
    return None


@planter("identity.3b", "tr")
def merged_lesions(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    lesions = dict(trial.plain_targets(subject, 4))
    site = {label: _identified(trial, subject, label)["TULOC"] for label in lesions}
    for one in lesions:
        for other in lesions:
            if other <= one or site[one] != site[other] or len(lesions[one]) != len(lesions[other]):
                continue
            tu, tr = trial.rows("tu", subject), trial.rows("tr", subject)
            name = f"{one}/{other}"
            parent = _identified(trial, subject, one)
            parts = lesions[one][2:]
            new = parent.copy(
                TUSEQ=next_number(tu, "TUSEQ"), TULNKID=name, TUTESTCD="TUMERGE",
                TUTEST="Tumor Merge", TUDTC=parts[0]["TRDTC"], TUDY=parts[0]["TRDY"],
            )  # fmt: skip
            insert_after(tu, parent, new)
            for row, second in zip(parts, lesions[other][2:], strict=True):
                row.values["TRLNKID"] = name
                set_size(row, millimetres(row) + millimetres(second))
                tr.remove(second)
            return Change([Planted("tu", new, "TULNKID", name, f"{one}, {other}")])
    return None


@planter("identity.3c", "tr")
def marked_twice(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    if trial.n_readers > 1:
        return None
    labels = list(trial.targets(subject))
    for label, rows in trial.plain_targets(subject, 5):
        sizes = [millimetres(row) for row in rows if millimetres(row) >= 10]
        if len(sizes) < 5 or len(set(sizes)) < 3:
            continue
        tu, tr = trial.rows("tu", subject), trial.rows("tr", subject)
        name = f"T{len(labels) + 1:02d}"
        last = _identified(trial, subject, labels[-1])
        twin = _identified(trial, subject, label).copy(TUSEQ=next_number(tu, "TUSEQ"), TULNKID=name)
        insert_after(tu, last, twin)
        places = [Planted("tu", twin, "TULNKID", name, label)]
        for row in rows:
            copy = row.copy(TRSEQ=next_number(tr, "TRSEQ"), TRLNKID=name)
            insert_after(tr, row, copy)
            places.append(Planted("tr", copy, "TRLNKID", name, label))
        return Change(places)
    return None


@planter("identity.4a", "tr")
def never_measured(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    if trial.n_readers > 1:
        return None
    labels = list(trial.targets(subject))
    if not labels:
        return None
    tu = trial.rows("tu", subject)
    last = _identified(trial, subject, labels[-1])
    name = f"T{len(labels) + 1:02d}"
    new = insert_after(tu, last, last.copy(TUSEQ=next_number(tu, "TUSEQ"), TULNKID=name))
    return Change([Planted("tu", new, "TULNKID", name)])


@planter("identity.4b", "lb")
def unknown_subject(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    rows = trial.rows("lb", subject)
    if not rows:
        return None
    name = f"{trial.study_id}-999901"
    new = [row.copy(USUBJID=name) for row in rows[:2]]
    rows.extend(new)
    return Change([Planted("lb", row, "USUBJID", name) for row in new])
