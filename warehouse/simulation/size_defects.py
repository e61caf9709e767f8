"""Planters of the section 'sizes' of the catalogue; the ids say which defect each one makes."""

from __future__ import annotations

import numpy as np

from warehouse.simulation.planters import LESION, Change, Planted, planter
from warehouse.simulation.sheets import Trial, insert_after, millimetres, next_number, set_size

_RESULT = ("TRORRES", "TRSTRESC", "TRSTRESN")


def _overwrite(
    trial: Trial, subject: str, text: str | None, standard: str | None, unit: str | None = None
) -> Change | None:
    """Replaces one size by a text that is no size."""
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    original = row["TRORRES"]
    row.values.update({"TRORRES": text, "TRSTRESC": standard, "TRSTRESN": None})
    row.values.update({"TRORRESU": unit, "TRSTRESU": unit})
    return Change([Planted("tr", row, "TRORRES", text, original)], (label,))


@planter("sizes.1b", LESION)
def not_evaluable(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _overwrite(trial, subject, "NOT EVALUABLE", "NOT EVALUABLE")


@planter("sizes.1c", LESION)
def no_result(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _overwrite(trial, subject, None, None)


@planter("sizes.1f", LESION)
def single_point(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _overwrite(trial, subject, ".", ".", "mm")


@planter("sizes.3c", LESION)
def zero_not_done(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 3):
        for before, row, after in zip(rows, rows[1:], rows[2:], strict=False):
            if min(millimetres(before), millimetres(after)) >= 10:
                original = row["TRORRES"]
                set_size(row, 0)
                return Change([Planted("tr", row, "TRORRES", row["TRORRES"], original)], (label,))
    return None


@planter("sizes.4b", LESION)
def centimetres_labelled_mm(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 2):
        if rows[0]["TRORRESU"] == "mm" and 10 <= millimetres(rows[0]) < 50:
            places = []
            for row in rows:
                original = row["TRORRES"]
                set_size(row, millimetres(row) / 10)
                places.append(Planted("tr", row, "TRORRES", row["TRORRES"], original))
            return Change(places, (label,))
    return None


def _in_other_unit(trial: Trial, subject: str, unit: str) -> Change | None:
    chosen = trial.middle_size(subject)
    if chosen is None:
        return None
    label, row = chosen
    first = trial.targets(subject)[label][0]
    size, original = millimetres(row), row["TRORRES"]
    value = size * size / 1.31 if unit == "mm2" else 100 * size / millimetres(first)
    text = f"{value:.0f}"
    row.values.update(dict.fromkeys(_RESULT, text) | {"TRORRESU": unit, "TRSTRESU": unit})
    return Change([Planted("tr", row, "TRORRES", text, original)], (label,))


@planter("sizes.4c", LESION)
def area(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _in_other_unit(trial, subject, "mm2")


@planter("sizes.4d", LESION)
def percent_of_baseline(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    return _in_other_unit(trial, subject, "%")


@planter("sizes.4f", LESION)
def ten_times_too_large(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 3):
        for before, row, after in zip(rows, rows[1:], rows[2:], strict=False):
            size = millimetres(row)
            # A size of a metre would be quarantined instead (measurement.largest_mm).
            if size < 100 and size >= 0.6 * max(millimetres(before), millimetres(after)):
                original = row["TRORRES"]
                set_size(row, 10 * size)
                return Change([Planted("tr", row, "TRORRES", row["TRORRES"], original)], (label,))
    return None


@planter("sizes.5a", LESION)
def short_axis_by_ratio(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    for label, rows in trial.plain_targets(subject, 3):
        if rows[0]["TRORRESU"] != "mm" or len({millimetres(row) for row in rows}) < 3:
            continue
        everything = trial.rows("tr", subject)
        places = []
        for row in rows:
            text = f"{millimetres(row) / 1.31:.2f}"
            new = row.copy(
                TRSEQ=next_number(everything, "TRSEQ"), TRTESTCD="LPERP",
                TRTEST="Longest Perpendicular", TRORRES=text, TRSTRESC=text, TRSTRESN=text,
            )  # fmt: skip
            insert_after(everything, row, new)
            places.append(Planted("tr", new, "TRORRES", text))
        return Change(places, (label,))
    return None


@planter("sizes.6a", "tr")
def repeated_sum(trial: Trial, subject: str, rng: np.random.Generator) -> Change | None:
    everything = trial.rows("tr", subject)
    mine = [r for r in everything if r["TREVAL"] == trial.reader]
    sums = [r for r in mine if r["TRTESTCD"] == "SUMDIAM"]
    if not sums:
        return None
    total = sums[-1]
    labels = [
        r["TRLNKID"] for r in mine if r["TRTESTCD"] == "LDIAM" and r["TRDTC"] == total["TRDTC"]
    ]
    if len(labels) < 2:
        return None
    places = []
    for label in labels:
        new = total.copy(
            TRSEQ=next_number(everything, "TRSEQ"), TRLNKID=label, TRGRPID="TARGET"
        )  # fmt: skip
        insert_after(everything, total, new)
        places.append(Planted("tr", new, "TRLNKID", label))
    everything.remove(total)
    return Change(places)
