"""Simulated TU, TR and RS: lesions identified, measured and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.simulation.subjects import (
    PATIENT,
    Array,
    Columns,
    FileStyle,
    Numbers,
    Subjects,
    blank,
    encode,
    lesion_labels,
    pick,
    sequence,
    study_day,
    visit_number,
)

SITE_TEXTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "liver": (("LIVER",), ("Liver",)),
    "lung": (("LUNG",), ("Lung",)),
    "ln_regional": (("REGIONAL LYMPH NODE",), ("Regional lymph nodes",)),
    "ln_distal": (("DISTANT LYMPH NODE",), ("Distant lymph nodes",)),
    "ln": (("LYMPH NODE",), ("Lymph nodes",)),
    "peritoneum": (("PERITONEUM", "OMENTUM"), ("Peritoneum",)),
    "abdomen": (("ABDOMINAL CAVITY",), ("Abdomen",)),
    "pelvis": (("PELVIS",), ("Pelvis",)),
    "bone": (("BONE",), ("Bone",)),
    "brain_cns": (("BRAIN",), ("Brain",)),
    "adrenal": (("ADRENAL GLAND",), ("Adrenal gland",)),
    "spleen": (("SPLEEN",), ("Spleen",)),
    "kidney": (("KIDNEY",), ("Kidney",)),
    "pancreas": (("PANCREAS",), ("Pancreas",)),
    "gi_tract": (("COLON", "RECTUM", "SMALL INTESTINE"), ("Colon", "Rectum")),
    "gr": (("BLADDER", "OVARY"), ("Bladder", "Ovary")),
    "skin": (("SKIN",), ("Skin",)),
    "muscle": (("MUSCLE",), ("Muscle",)),
    "soft_tissue": (("SOFT TISSUE",), ("Soft tissue",)),
    "chest": (("CHEST WALL",), ("Chest wall",)),
    "pleura": (("PLEURA",), ("Pleura",)),
    "head_neck": (("OROPHARYNX", "LARYNX", "TONGUE"), ("Oropharynx",)),
    "other": (("OTHER",), ("Other",)),
}
"""Organ -> texts of TULOC in trials that write capitals and in those that do not."""

TOO_SMALL_TEXT = "TOO SMALL TO MEASURE"
TOO_SMALL_MM = 5
METHODS = ("CT SCAN", "MRI", "BONE SCAN")
NOT_DONE_REASONS = ("NOT ASSESSED", "SCAN NOT READABLE", "OUTSIDE THE SCANNED AREA")
_TEST_NAMES = {
    "LDIAM": "Longest Diameter",
    "LPERP": "Longest Perpendicular",
    "SUMDIAM": "Sum of Diameter",
    "TUMSTATE": "Tumor State",
}
_RESPONSE_NAMES = {
    "TRGRESP": "Target Response",
    "NTRGRESP": "Non-target Response",
    "NEWLIND": "New Lesion Indicator",
    "OVRLRESP": "Overall Response",
    "BESTRESP": "Best Response",
}
_RELATIVE_TIME = ("RSENRTPT", "RSENTPT")
_STATES = {
    "recist": {"CR": "CR", "PR": "PR", "SD": "SD", "PD": "PD"},
    "sdtm": {"CR": "ABSENT", "PR": "PRESENT", "SD": "PRESENT", "PD": "UNEQUIVOCAL PROGRESSION"},
}


def site_texts(numbers: Numbers, styles: Sequence[FileStyle]) -> pa.Array:
    """TULOC of each lesion as its trial writes it."""
    lesions = numbers.lesions
    trial = numbers.patients["trial"][lesions["patient"]]
    capital = np.asarray([style.has_capital_sites for style in styles])[trial]
    labels: list[str] = []
    index = np.zeros(len(trial), dtype=np.int64)
    for organ in np.unique(lesions["organ"]):
        for is_capital, texts in zip((True, False), SITE_TEXTS[str(organ)], strict=True):
            rows = np.flatnonzero((lesions["organ"] == organ) & (capital == is_capital))
            variant = lesions["patient"][rows] % len(texts)
            index[rows] = len(labels) + variant
            labels += texts
    return pick(labels, index)


def tumor_rows(s: Subjects) -> pa.Table:
    """TU: a row per lesion and reader."""
    lesions = s.numbers.lesions
    kind = np.select([lesions["type"] == "target", lesions["type"] == "new"], [0, 2], 1)
    order = np.lexsort((lesions["number"], kind, lesions["reader"], lesions["patient"]))
    patient, reader = lesions["patient"][order], lesions["reader"][order]
    n, zero = len(order), np.zeros(len(order))
    words = pick(["TARGET", "NON-TARGET", "NEW"], kind[order])
    return pa.table(s.keys(patient, "TU") | {
        "TUSEQ": pa.array(sequence(patient)),
        "TULNKID": encode(lesion_labels(s.numbers)[order]),
        "TUTESTCD": pick(["TUMIDENT"], zero), "TUTEST": pick(["Tumor Identification"], zero),
        "TUORRES": words, "TUSTRESC": words,
        "TULOC": site_texts(s.numbers, s.styles).take(pa.array(order)),
        "TUMETHOD": pick(METHODS, lesions["modality"][order]),
        "TUEVAL": s.reader(patient, reader), "TUEVALID": blank(n),
        "TUACPTFL": _accepted(s, patient, reader),
        "TUDTC": s.date(patient, lesions["first_day"][order]),
        "TUDY": pa.array(study_day(lesions["first_day"][order])),
    })  # fmt: skip


def _accepted(s: Subjects, patient: Array, reader: Array) -> pa.Array:
    has_two = s.numbers.studies["has_two_readers"][s.trial[patient]]
    return pick(["Y", None], (~(has_two & (reader == 1))).astype(np.int64))


@dataclass(frozen=True)
class _Results:
    """Rows of TR of one test; ``code`` -1 a number, else the position in ``_Results.words``."""

    patient: Array
    reader: Array
    scan: Array
    day: Array
    lesion: Array
    test: int
    value: Array
    word: Array
    is_unscheduled: Array


_TESTS = ("LDIAM", "LPERP", "TUMSTATE", "SUMDIAM")
_WORDS = (TOO_SMALL_TEXT, "NOT DONE", "CR", "PR", "SD", "PD", "ABSENT", "PRESENT",
          "UNEQUIVOCAL PROGRESSION", "EQUIVOCAL", "")  # fmt: skip
_NUMBER = len(_WORDS) - 1


def result_rows(s: Subjects) -> pa.Table:
    """TR: sizes, states and sums, by patient, reader and scan."""
    parts = [_sizes(s, "long_mm", 0), _sizes(s, "short_mm", 1), _states(s), _sums(s)]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            "patient",
            "reader",
            "scan",
            "day",
            "lesion",
            "value",
            "word",
            "is_unscheduled",
        )
    }
    test = np.concatenate([np.full(len(part.patient), part.test) for part in parts])
    by_lesion = np.where(joined["lesion"] < 0, 10**9, joined["lesion"])
    order = np.lexsort((test, by_lesion, joined["is_unscheduled"], joined["scan"],
                        joined["reader"], joined["patient"]))  # fmt: skip
    rows = {name: values[order] for name, values in joined.items()}
    return _result_table(s, rows, test[order])


def _sizes(s: Subjects, column: str, test: int) -> _Results:
    """LDIAM of every target lesion, or LPERP of the nodes that have a short axis."""
    m = s.numbers.measurements
    rows = np.flatnonzero(m[column] >= 0)
    size = m[column][rows]
    has_text = np.asarray([style.has_too_small_text for style in s.styles])
    is_small = (size > 0) & (size < TOO_SMALL_MM)
    word = np.where(is_small & has_text[s.trial[m["patient"][rows]]], 0, _NUMBER)
    word = np.where(m["is_done"][rows], word, 1)
    return _Results(
        m["patient"][rows], m["reader"][rows], m["scan"][rows], m["day"][rows], m["lesion"][rows],
        test, np.where(is_small, TOO_SMALL_MM, size).astype(float), word, np.zeros(len(rows), bool),
    )  # fmt: skip


def _states(s: Subjects) -> _Results:
    """TUMSTATE of non-target and new lesions; PRESENT at baseline, and a new lesion is PRESENT,
    EQUIVOCAL or ABSENT.
    """
    a = s.numbers.assessments
    style = np.asarray([x.states == "sdtm" for x in s.styles])[s.trial[a["patient"]]]
    is_new = s.numbers.lesions["type"][a["lesion"]] == "new"
    word = np.full(len(a["status"]), _WORDS.index("PRESENT"))
    for status in ("CR", "PR", "SD", "PD"):
        there = (a["status"] == status) & ~is_new & (a["scan"] > 0)
        texts = [_WORDS.index(_STATES[name][status]) for name in ("recist", "sdtm")]
        word = np.where(there, np.where(style, texts[1], texts[0]), word)
    word = np.where(is_new & (a["status"] == "CR"), _WORDS.index("ABSENT"), word)
    word = np.where(a["status"] == "EQ", _WORDS.index("EQUIVOCAL"), word)
    n = len(word)
    return _Results(a["patient"], a["reader"], a["scan"], a["day"], a["lesion"], 2,
                    np.full(n, np.nan), word, a["is_unscheduled"])  # fmt: skip


def _sums(s: Subjects) -> _Results:
    r = s.numbers.responses
    rows = np.flatnonzero(~np.isnan(r["sum_mm"]))
    n = len(rows)
    return _Results(r["patient"][rows], r["reader"][rows], r["scan"][rows], r["day"][rows],
                    np.full(n, -1), 3, r["sum_mm"][rows], np.full(n, _NUMBER),
                    np.zeros(n, bool))  # fmt: skip


def _result_table(s: Subjects, rows: Columns, test: Array) -> pa.Table:
    patient, scan, lesion = rows["patient"], rows["scan"], rows["lesion"]
    is_number = rows["word"] == _NUMBER
    is_not_done = rows["word"] == 1
    in_cm = np.asarray([style.unit == "cm" for style in s.styles])[s.trial[patient]]
    value = np.where(is_number, rows["value"], 0).astype(np.int64)
    top = int(value.max(initial=0)) + 1
    texts = [str(i) for i in range(top)] + [f"{i / 10:.1f}" for i in range(top)]
    number = np.where(in_cm, top, 0) + value
    words: list[str | None] = [None if word == "NOT DONE" else word for word in _WORDS]
    original = pick([*texts, *words], np.where(is_number, number, 2 * top + rows["word"]))
    standard = pick([*texts, *words], np.where(is_number, value, 2 * top + rows["word"]))
    has_lesion = lesion >= 0
    labels = np.append(lesion_labels(s.numbers), "")
    kinds = np.append(s.numbers.lesions["type"], "").astype("<U12")
    n, is_between = len(patient), rows["is_unscheduled"]
    reason = (patient * 7 + scan * 3 + lesion) % len(NOT_DONE_REASONS)
    return pa.table(s.keys(patient, "TR") | {
        "TRSEQ": pa.array(sequence(patient)),
        "TRGRPID": encode(np.char.upper(kinds[lesion])),
        "TRLNKGRP": _link_group(scan, is_between),
        "TRLNKID": encode(np.where(has_lesion, labels[lesion], "")),
        "TRTESTCD": pick(_TESTS, test), "TRTEST": pick([_TEST_NAMES[t] for t in _TESTS], test),
        "TRORRES": original, "TRORRESU": pick(["mm", "cm", None], np.where(is_number, in_cm, 2)),
        "TRSTRESC": standard, "TRSTRESN": pa.array(value, mask=~is_number),
        "TRSTRESU": pick(["mm", None], ~is_number),
        "TRSTAT": pick(["NOT DONE", None], ~is_not_done),
        "TRREASND": pick([*NOT_DONE_REASONS, None], np.where(is_not_done, reason, 3)),
        "TRMETHOD": pick([*METHODS, None], np.append(s.numbers.lesions["modality"], 3)[lesion]),
        "TREVAL": s.reader(patient, rows["reader"]), "TREVALID": blank(n),
        "TRACPTFL": _accepted(s, patient, rows["reader"]),
        "VISITNUM": visit_number(scan, is_between), "VISIT": s.visit(patient, scan, is_between),
        "TRDTC": s.date(patient, rows["day"]), "TRDY": pa.array(study_day(rows["day"])),
    })  # fmt: skip


def _link_group(scan: Array, is_between: Array) -> pa.Array:
    """A0, A1, ... by visit; U1, ... between a visit and the next."""
    top = int(scan.max(initial=0)) + 1
    labels = [f"A{i}" for i in range(top)] + [f"U{i}" for i in range(top)]
    return pick(labels, scan + top * is_between)


def response_rows(s: Subjects) -> pa.Table:
    """RS by RECIST 1.1; by RECIST 1.0 too where a trial has a second criterion; and responses to
    an earlier therapy.
    """
    parts = [_recist_rows(s), *_other_rows(s)]
    joined = pa.concat_tables(parts).sort_by([(PATIENT, "ascending"), ("_part", "ascending"),
                                              ("RSSEQ", "ascending")])  # fmt: skip
    patient = joined[PATIENT].to_numpy()
    number = joined.schema.get_field_index("RSSEQ")
    dropped = ["_part"] if len(s.numbers.prior_responses["day"]) else ["_part", *_RELATIVE_TIME]
    return joined.set_column(number, "RSSEQ", pa.array(sequence(patient))).drop_columns(dropped)


def _other_rows(s: Subjects) -> list[pa.Table]:
    """Overall responses by RECIST 1.0, and those to an earlier therapy."""
    r = s.numbers.responses
    has_second = s.numbers.studies["has_second_criterion"][s.trial[r["patient"]]]
    rows = np.flatnonzero(has_second & (r["overall_1_0"] != ""))
    patient, scan, day = r["patient"][rows], r["scan"][rows], r["day"][rows]
    second = _overall_rows(
        s, 1, patient, r["reader"][rows], day, r["overall_1_0"][rows], "RECIST 1.0", None,
        {
            "RSLNKGRP": _link_group(scan, np.zeros(len(rows), bool)),
            "VISITNUM": visit_number(scan), "VISIT": s.visit(patient, scan),
        },
    )  # fmt: skip
    h = s.numbers.prior_responses
    n = len(h["patient"])
    before = _overall_rows(
        s, 2, h["patient"], np.full(n, 2), h["day"], h["overall"], "RECIST 1.1", "BEFORE",
        {"RSLNKGRP": blank(n), "VISITNUM": blank(n), "VISIT": blank(n)},
    )  # fmt: skip
    return [second, before]


def _overall_rows(
    s: Subjects, part: int, patient: Array, reader: Array, day: Array, overall: Array,
    criterion: str, relation: str | None, visit: dict[str, pa.Array],
) -> pa.Table:  # fmt: skip
    n, zero = len(patient), np.zeros(len(patient))
    result = encode(overall)
    return pa.table(s.keys(patient, "RS") | {
        "_part": pa.array(np.full(n, part)),
        "RSSEQ": pa.array(np.arange(n)),
        "RSLNKGRP": visit["RSLNKGRP"],
        "RSTESTCD": pick(["OVRLRESP"], zero), "RSTEST": pick(["Overall Response"], zero),
        "RSCAT": pick([criterion], zero),
        "RSORRES": result, "RSSTRESC": result, "RSSTAT": blank(n), "RSREASND": blank(n),
        "RSEVAL": s.reader(patient, reader), "RSEVALID": blank(n),
        "RSACPTFL": _accepted(s, patient, reader),
        "RSENRTPT": pick([relation], zero),
        "RSENTPT": pick([None if relation is None else "FIRST DOSE OF STUDY TREATMENT"], zero),
        "VISITNUM": visit["VISITNUM"], "VISIT": visit["VISIT"],
        "RSDTC": s.date(patient, day), "RSDY": pa.array(study_day(day)),
    })  # fmt: skip


def _recist_rows(s: Subjects) -> pa.Table:
    r = s.numbers.responses
    visits = np.flatnonzero(r["overall"] != "")
    words = ["CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "Y", "N"]
    code = {word: i for i, word in enumerate(words)}
    nontarget = np.where(r["nontarget"] == "SD", "NON-CR/NON-PD", r["nontarget"])
    new = np.where(r["is_new"], "Y", "N")
    parts: list[tuple[int, Array, Array]] = []
    for number, text in enumerate((r["target"], nontarget, new, r["overall"])):
        rows = visits[text[visits] != ""]
        parts.append((number, rows, np.asarray([code[str(x)] for x in text[rows]], dtype=np.int64)))
    first, best = _best_rows(s, visits, code)
    parts.append((4, first, best))
    row = np.concatenate([rows for _, rows, _ in parts])
    test = np.concatenate([np.full(len(rows), number) for number, rows, _ in parts])
    value = np.concatenate([values for _, _, values in parts])
    is_best = test == 4
    order = np.lexsort((test, r["scan"][row], is_best, r["reader"][row], r["patient"][row]))
    row, test, value = row[order], test[order], value[order]
    patient, scan, day = r["patient"][row], r["scan"][row], r["day"][row]
    n, zero = len(row), np.zeros(len(row))
    result = pick(words, value)
    return pa.table(s.keys(patient, "RS") | {
        "_part": pa.array(np.zeros(n, np.int64)),
        "RSSEQ": pa.array(np.arange(n)),
        "RSLNKGRP": _link_group(scan, np.zeros(n, bool)),
        "RSTESTCD": pick(list(_RESPONSE_NAMES), test),
        "RSTEST": pick(list(_RESPONSE_NAMES.values()), test),
        "RSCAT": pick(["RECIST 1.1"], zero),
        "RSORRES": result, "RSSTRESC": result, "RSSTAT": blank(n), "RSREASND": blank(n),
        "RSEVAL": s.reader(patient, r["reader"][row]), "RSEVALID": blank(n),
        "RSACPTFL": _accepted(s, patient, r["reader"][row]),
        "RSENRTPT": blank(n), "RSENTPT": blank(n),
        "VISITNUM": visit_number(scan), "VISIT": s.visit(patient, scan),
        "RSDTC": s.date(patient, day), "RSDY": pa.array(study_day(day)),
    })  # fmt: skip


def _best_rows(s: Subjects, visits: Array, code: Mapping[str, int]) -> tuple[Array, Array]:
    """Last visit of each patient of the first reader, with the best response."""
    r = s.numbers.responses
    mine = visits[r["reader"][visits] == 1]
    is_last = np.r_[np.diff(r["patient"][mine]) != 0, True][: len(mine)]
    rows = mine[is_last]
    best = s.patients["best_response"][r["patient"][rows]]
    return rows, np.asarray([code[str(x)] for x in best], dtype=np.int64)
