"""The tables of a simulated cohort, as columns: what was recorded, one row per record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.simulate.course import Course
from udfs.simulate.habits import LocalTreatments, ScanDays
from udfs.simulate.lesions import NEW, TARGET
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, FloatArray, IntArray, systematic_counts
from udfs.simulate.scans import (
    NONE,
    PD,
    RESPONSES,
    BoolArray,
    CodeArray,
    Readings,
    best_response,
)

EQUIVOCAL = "EQ"
"""Status of a new lesion that may be none."""
UPPER_LIMIT_LDH = 250.0
"""Upper limit of normal, U/L."""
CTDNA_LIMIT = 0.1
"""Detection limit of the mutant allele fraction, percent."""


@dataclass(frozen=True)
class Responses:
    """RECIST 1.1 at every scan: (patients, m + 1), ``status`` (non-target lesions, m + 1)."""

    target: CodeArray
    sum_mm: FloatArray
    status: CodeArray
    nontarget: CodeArray
    is_new: BoolArray
    overall: CodeArray


@dataclass(frozen=True)
class ReaderView:
    """What one reader made of the scans."""

    reader: int
    first_lesion: int
    """Position of the reader's first lesion in the table of lesions."""
    lesions: Columns
    readings: Readings
    not_done: BoolArray
    is_made: BoolArray
    """(patients, m + 1) which scans the reader saw."""
    responses: Responses
    overall_1_0: CodeArray
    """(patients, m + 1) overall response by RECIST 1.0."""


def study_tables(preset: Preset) -> tuple[Columns, Columns]:
    """Trials, and the arms of each with the drugs."""
    trials = preset.trials
    studies = {
        "study_id": np.asarray([t.study_id for t in trials]),
        "title": np.asarray([t.title for t in trials]),
        "line_of_therapy": np.asarray([t.line_of_therapy for t in trials]),
        "first_scan_interval_days": np.asarray([t.schedule.first_days for t in trials]),
        "n_first_scans": np.asarray([t.schedule.n_first for t in trials]),
        "later_scan_interval_days": np.asarray([t.schedule.later_days for t in trials]),
        "has_two_readers": np.asarray([t.has_two_readers for t in trials]),
        "has_short_axis": np.asarray([t.has_short_axis for t in trials]),
        "has_second_criterion": np.asarray(
            [t.has_second_criterion and preset.habits is not None for t in trials]
        ),
    }
    pairs = [(i, preset.arms[arm]) for i, t in enumerate(trials) for arm, _ in t.arms]
    arms = {
        "trial": np.asarray([i for i, _ in pairs]),
        "arm": np.asarray([a.label for _, a in pairs]),
        "armcd": np.asarray([a.armcd for _, a in pairs]),
        "treatment_class": np.asarray([a.treatment_class for _, a in pairs]),
        "backbone": np.asarray([a.backbone for _, a in pairs]),
        "has_bevacizumab": np.asarray([a.has_bevacizumab for _, a in pairs]),
        "has_panitumumab": np.asarray([a.has_panitumumab for _, a in pairs]),
    }
    return studies, arms


def patient_table(
    preset: Preset, patients: Columns, course: Course, view: ReaderView, day: IntArray
) -> Columns:
    """Baseline of each patient with survival and best response as recorded.

    ``os_days`` runs to death or (censored) to the last contact. Progression-free survival needs the
    later therapies too: ``recorded.recorded_pfs``.
    """
    keys = (
        *("patient", "trial", "subject_number", "site", "first_dose", "sex", "age", "race"),
        *("country", "bmi", "bsa", "ecog", "ldh_ratio", "line", "primary_site", "surgery"),
        *("primary_resected", "adjuvant", "resected_liver", "resected_lung", "resected_ln"),
        *("radiation", "kras", "excluded"),
    )
    out = {key: patients[key] for key in keys}
    arms = preset.arms
    for name in ("label", "armcd", "backbone", "has_bevacizumab", "has_panitumumab"):
        out[{"label": "arm"}.get(name, name)] = np.asarray(
            [getattr(arms[a], name) for a in patients["arm"]]
        )
    last_scan_day = np.where(view.is_made, day, -10_000).max(axis=1)
    last_scan_day = np.where(view.is_made.any(axis=1), last_scan_day, 0)
    is_dead = course.death_day <= course.censor_day
    last_day = np.where(is_dead, course.death_day, np.maximum(course.censor_day, last_scan_day))
    pd_day = np.where(view.responses.overall == PD, day, 10**6).min(axis=1)
    has_pd = pd_day < 10**6
    stop = np.where(has_pd, np.minimum(pd_day, last_day), np.maximum(last_scan_day, 1))
    out |= {
        "death_day": np.where(is_dead, course.death_day, -1).astype(np.int64),
        "last_day": last_day.astype(np.int64),
        "last_scan_day": last_scan_day,
        "treatment_end_day": np.maximum(stop, 1).astype(np.int64),
        "stop_reason": np.where(
            has_pd, "PROGRESSIVE DISEASE",
            np.where(is_dead & (course.stop_reason == "DEATH"), "DEATH",
                     np.where(course.stop_reason == "WITHDRAWAL BY SUBJECT", course.stop_reason,
                              np.where(is_dead, "ADVERSE EVENT", "STUDY TERMINATED"))),
        ),
        "os_days": last_day.astype(np.int64),
        "os_event": is_dead,
        "best_response": RESPONSES[best_response(view.responses.overall[:, 1:], day[:, 1:])],
        "has_visit": (view.responses.overall != NONE).any(axis=1),
    }  # fmt: skip
    return out


def lesion_table(views: list[ReaderView], new: Columns, days: ScanDays, preset: Preset) -> Columns:
    """Lesions of every reader: target and non-target ones, then new ones.

    ``same_lesion`` is the position of the first reader's row for the same lesion.
    """
    parts: list[Columns] = []
    for view in views:
        rows = view.lesions
        n = len(rows["patient"])
        own = view.first_lesion + np.arange(n)
        parts.append({
            "patient": rows["patient"],
            "reader": np.full(n, view.reader),
            "type": rows["type"],
            "organ_index": rows["organ"],
            "number": _numbers_within(rows["patient"], rows["type"]),
            "is_short_axis": rows["is_short_axis"],
            "first_day": days.of_lesions(rows["patient"], rows["modality"])[:, 0],
            "modality": rows["modality"],
            "equivocal": np.zeros(n, dtype=np.int64),
            "same_lesion": rows.get("same_lesion", own),
        })  # fmt: skip
        seen = view.is_made[new["patient"], new["scan"]]
        patient, scan = new["patient"][seen], new["scan"][seen]
        kind = np.full(len(patient), NEW)
        own_new = view.first_lesion + n + np.arange(len(patient))
        parts.append({
            "patient": patient,
            "reader": np.full(len(patient), view.reader),
            "type": kind,
            "organ_index": new["organ"][seen],
            "number": _numbers_within(patient, kind),
            "is_short_axis": np.zeros(len(patient), dtype=bool),
            "first_day": days.of(patient, scan, new["modality"][seen]),
            "modality": new["modality"][seen],
            "equivocal": new["equivocal"][seen],
            "same_lesion": own_new if view.reader == 1
            else views[0].first_lesion + len(views[0].lesions["patient"]) + np.flatnonzero(seen),
        })  # fmt: skip
    out = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    out["organ"] = np.asarray([o.organ for o in preset.organs])[out["organ_index"]]
    out["lesion"] = np.arange(len(out["patient"]))
    return out


def _numbers_within(patient: IntArray, kind: object) -> IntArray:
    """1, 2, ... within patient and type; rows of one patient and type stand together."""
    labels = np.asarray(kind)
    if not len(patient):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, (np.diff(patient) != 0) | (labels[1:] != labels[:-1])])
    length = np.diff(np.r_[starts, len(patient)])
    return 1 + np.arange(len(patient)) - np.repeat(starts, length)


def measurement_table(views: list[ReaderView], days: ScanDays) -> Columns:
    """Target lesions, one row per scan made: sizes as read, ``is_done`` False where not measured.

    ``long_mm`` 0 is a lesion that was not seen, 1 to 4 one too small to measure. ``short_mm`` is -1
    except for lymph nodes that are measured by the short axis.
    """
    parts: list[Columns] = []
    for view in views:
        of_target = np.flatnonzero(view.lesions["type"] == TARGET)
        patient = view.lesions["patient"][of_target]
        row, scan = np.nonzero(view.is_made[patient])
        lesion = of_target[row]
        parts.append({
            "lesion": view.first_lesion + lesion,
            "patient": patient[row],
            "reader": np.full(len(row), view.reader),
            "scan": scan,
            "day": days.of(patient[row], scan, view.lesions["modality"][lesion]),
            "long_mm": view.readings.long_mm[lesion, scan],
            "short_mm": view.readings.short_mm[lesion, scan],
            "is_done": ~view.not_done[lesion, scan],
        })  # fmt: skip
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assessment_table(
    views: list[ReaderView], new: Columns, days: ScanDays, unscheduled: Columns
) -> Columns:
    """Non-target lesions at every scan and new lesions from their first scan on, with a status.

    ``is_unscheduled`` marks what was scanned between the visit ``scan`` and the next one; a new
    lesion that is gone (``equivocal`` 2) has one more scan, with status CR.
    """
    parts: list[Columns] = []
    for view in views:
        other = np.flatnonzero(view.lesions["type"] != TARGET)
        patient = view.lesions["patient"][other]
        row, scan = np.nonzero(view.is_made[patient])
        day = days.of(patient[row], scan, view.lesions["modality"][other[row]])
        parts.append(_assessed(view, other[row], patient[row], scan, day,
                               RESPONSES[view.responses.status[row, scan]]))  # fmt: skip
        parts.append(_between(view, other, patient, unscheduled))
        seen = view.is_made[new["patient"], new["scan"]]
        patient, equivocal = new["patient"][seen], new["equivocal"][seen]
        at = np.arange(view.is_made.shape[1]) >= new["scan"][seen][:, None]
        at &= view.is_made[patient]
        is_second = np.cumsum(at, axis=1)
        row, scan = np.nonzero(at & ((equivocal != 2)[:, None] | (is_second <= 2)))
        lesion = len(view.lesions["patient"]) + row
        is_first = is_second[row, scan] == 1
        status = np.where(is_first & (equivocal[row] > 0), EQUIVOCAL, "SD")
        status = np.where(~is_first & (equivocal[row] == 2), "CR", status)
        day = days.of(patient[row], scan, new["modality"][seen][row])
        parts.append(_assessed(view, lesion, patient[row], scan, day, status))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _assessed(
    view: ReaderView,
    lesion: IntArray,
    patient: IntArray,
    scan: IntArray,
    day: IntArray,
    status: object,
    is_unscheduled: bool = False,
) -> Columns:
    return {
        "lesion": view.first_lesion + lesion,
        "patient": patient,
        "reader": np.full(len(patient), view.reader),
        "scan": scan,
        "day": day,
        "status": np.asarray(status).astype("<U2"),
        "is_unscheduled": np.full(len(patient), is_unscheduled),
    }


def _between(view: ReaderView, other: IntArray, patient: IntArray, unscheduled: Columns) -> Columns:
    """Non-target lesions at an unscheduled scan: as at the visit before."""
    scan_of = np.full(len(view.is_made), -1)
    day_of = np.zeros(len(view.is_made), dtype=np.int64)
    is_read = view.is_made[unscheduled["patient"], unscheduled["scan"]]
    scan_of[unscheduled["patient"][is_read]] = unscheduled["scan"][is_read]
    day_of[unscheduled["patient"]] = unscheduled["day"]
    rows = np.flatnonzero(scan_of[patient] >= 0)
    scan = scan_of[patient[rows]]
    status = RESPONSES[view.responses.status[rows, scan]]
    return _assessed(
        view, other[rows], patient[rows], scan, day_of[patient[rows]], status, is_unscheduled=True
    )


def response_table(views: list[ReaderView], day: IntArray) -> Columns:
    """RECIST responses at each scan, baseline too (there only the sum of diameters)."""
    parts: list[Columns] = []
    for view in views:
        r = view.responses
        patient, scan = np.nonzero(view.is_made & ((r.target != NONE) | ~np.isnan(r.sum_mm)))
        parts.append({
            "patient": patient,
            "reader": np.full(len(patient), view.reader),
            "scan": scan,
            "day": day[patient, scan],
            "sum_mm": r.sum_mm[patient, scan],
            "target": RESPONSES[r.target[patient, scan]],
            "nontarget": np.where(scan == 0, "", RESPONSES[r.nontarget[patient, scan]]),
            "is_new": r.is_new[patient, scan],
            "overall": RESPONSES[r.overall[patient, scan]],
            "overall_1_0": RESPONSES[view.overall_1_0[patient, scan]],
        })  # fmt: skip
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def exposure_table(patients: Columns, rng: np.random.Generator) -> Columns:
    """One row per patient and drug, from the first dose to the end of treatment."""
    n = len(patients["patient"])
    end = patients["treatment_end_day"]
    parts: list[Columns] = []
    dose = {"BEVACIZUMAB": (5.0, "mg/kg"), "PANITUMUMAB": (6.0, "mg/kg"), "FOLFOX": (85.0, "mg/m2"),
            "FOLFIRI": (180.0, "mg/m2")}  # fmt: skip
    shorter = np.where(rng.random(n) < 0.15, rng.random(n), 1.0)
    for drug in ("BACKBONE", "BEVACIZUMAB", "PANITUMUMAB"):
        gets = np.ones(n, dtype=bool) if drug == "BACKBONE" else patients[f"has_{drug.lower()}"]
        rows = np.flatnonzero(gets)
        name = patients["backbone"][rows] if drug == "BACKBONE" else np.full(len(rows), drug)
        name = np.char.upper(name.astype("<U40"))
        stop = end[rows] if drug == "BACKBONE" else np.ceil(end[rows] * shorter[rows])
        amounts = [dose.get(str(x), (75.0, "mg/m2")) for x in name]
        parts.append({
            "patient": rows,
            "drug": name,
            "dose": np.asarray([a for a, _ in amounts], dtype=float),
            "unit": np.asarray([u for _, u in amounts], dtype="<U8"),
            "start_day": np.zeros(len(rows), dtype=np.int64),
            "end_day": np.maximum(np.minimum(stop, patients["last_day"][rows]), 0).astype(np.int64),
        })  # fmt: skip
    out = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.lexsort((np.arange(len(out["patient"])), out["patient"]))
    return {key: values[order] for key, values in out.items()}


def procedure_table(patients: Columns, rng: np.random.Generator) -> Columns:
    """Earlier operations and irradiations, days before the first dose; and later lines of
    therapy of patients who stopped, always after their last scan.
    """
    n = len(patients["patient"])
    colon = np.where(patients["primary_site"] == "RECTUM", "rectum", "colon")
    kinds = [
        ("RESECTION", patients["primary_resected"] == "Y", colon, 60, 1200),
        ("RESECTION", patients["resected_liver"] == "Y", np.full(n, "liver"), 60, 700),
        ("RESECTION", patients["resected_lung"] == "Y", np.full(n, "lung"), 60, 700),
        ("RESECTION", patients["resected_ln"] == "Y", np.full(n, "lymph node"), 60, 900),
        ("RADIOTHERAPY", patients["radiation"] == "Y", np.full(n, "pelvis"), 90, 1500),
    ]
    parts: list[Columns] = []
    for kind, has, place, low, high in kinds:
        rows = np.flatnonzero(has)
        parts.append({
            "patient": rows,
            "procedure": np.full(len(rows), kind, dtype="<U16"),
            "category": np.full(len(rows), "PRIOR TREATMENT", dtype="<U40"),
            "place": place[rows].astype("<U16"),
            "day": -rng.integers(low, high, len(rows)),
        })  # fmt: skip
    gap = rng.integers(14, 70, n)
    later = patients["last_scan_day"] + gap
    rows = np.flatnonzero((rng.random(n) < 0.55) & (later + 7 < patients["last_day"]))
    parts.append({
        "patient": rows,
        "procedure": np.full(len(rows), "CHEMOTHERAPY", dtype="<U16"),
        "category": np.full(len(rows), "SUBSEQUENT ANTI-CANCER THERAPY", dtype="<U40"),
        "place": np.full(len(rows), "", dtype="<U16"),
        "day": later[rows],
    })  # fmt: skip
    out = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.lexsort((out["day"], out["patient"]))
    return {key: values[order] for key, values in out.items()}


def with_local_treatments(
    procedures: Columns, treatments: LocalTreatments, lesions: Columns, preset: Preset
) -> Columns:
    """Procedures with those on target lesions during the trial, sorted by patient and day."""
    n = len(treatments.lesion)
    name = np.where(treatments.is_resection, "RESECTION", "RADIOTHERAPY")
    organ = np.asarray([o.organ for o in preset.organs])[lesions["organ"][treatments.lesion]]
    more: Columns = {
        "patient": lesions["patient"][treatments.lesion],
        "procedure": name,
        "category": np.full(n, "LOCAL TREATMENT"),
        "place": organ,
        "day": treatments.day,
        "lesion": np.where(treatments.names_lesion, treatments.lesion, -1),
    }
    before = procedures | {"lesion": np.full(len(procedures["patient"]), -1)}
    out = {name: np.concatenate([before[name], more[name]]) for name in more}
    order = np.lexsort((np.arange(len(out["day"])), out["day"], out["patient"]))
    return {name: values[order] for name, values in out.items()}


def lab_table(
    preset: Preset,
    patients: Columns,
    is_made: BoolArray,
    total: FloatArray,
    day: IntArray,
    rng: np.random.Generator,
) -> Columns:
    """LDH, CEA and, in some trials, ctDNA at each scan; they follow the sum of diameters."""
    patient, scan = np.nonzero(is_made)
    base = total[:, :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.log(np.maximum(total, 1.0)) - np.log(np.maximum(base, 1.0))
    change = np.where(np.isnan(change), 0.0, change)[patient, scan]
    noise = rng.standard_normal((3, len(patient)))
    level = rng.standard_normal((2, len(patients["patient"])))
    ldh = UPPER_LIMIT_LDH * patients["ldh_ratio"][patient]
    ldh = ldh * np.where(scan == 0, 1.0, np.exp(0.35 * change + 0.12 * noise[0]))
    cea = np.exp(3.2 + 1.5 * level[0][patient] + 1.3 * change + 0.25 * noise[1])
    ctdna = np.exp(0.4 + 1.3 * level[1][patient] + 2.2 * change + 0.4 * noise[2])
    has_ctdna = np.asarray([t.has_ctdna for t in preset.trials])[patients["trial"][patient]]
    parts = [
        _lab(patient, scan, day, "LDH", np.rint(ldh), "U/L"),
        _lab(patient, scan, day, "CEA", np.round(cea, 1), "ug/L"),
        _lab(patient[has_ctdna], scan[has_ctdna], day, "CTDNA", np.round(ctdna[has_ctdna], 2), "%"),
    ]
    out = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.lexsort((np.arange(len(out["patient"])), out["scan"], out["patient"]))
    return {key: values[order] for key, values in out.items()}


def _lab(
    patient: IntArray, scan: IntArray, day: IntArray, test: str, value: FloatArray, unit: str
) -> Columns:
    return {
        "patient": patient,
        "scan": scan,
        "day": day[patient, scan],
        "test": np.full(len(patient), test, dtype="<U8"),
        "value": value,
        "unit": np.full(len(patient), unit, dtype="<U8"),
    }


def with_samples(labs: Columns, samples: Columns) -> Columns:
    """The labs with further samples behind each patient's own, which keep their order."""
    out = {key: np.concatenate([values, samples[key]]) for key, values in labs.items()}
    n, k = len(labs["patient"]), len(samples["patient"])
    out["is_between"] = np.concatenate([np.zeros(n, dtype=bool), samples["is_between"]])
    order = np.lexsort((np.arange(n + k), out["patient"]))
    return {key: values[order] for key, values in out.items()}


def draw_ldh_ratio(
    preset: Preset, lesions: Columns, n: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(n,) LDH over its upper limit, higher with more tumor, and the standardised latent value.

    The published share of patients has a ratio of 1.5 or more.
    """
    burden = np.log(np.bincount(lesions["patient"], lesions["diameter_mm"], minlength=n) + 1)
    latent = 0.5 * (burden - burden.mean()) / (burden.std() + 1e-9) + 0.87 * rng.standard_normal(n)
    high = systematic_counts([preset.mix.ldh_high_share, 1 - preset.mix.ldh_high_share], n, rng)[0]
    ranked = np.sort(latent)
    cut = (ranked[n - high - 1] + ranked[n - high]) / 2 if 0 < high < n else latent.max() + 1
    return np.round(np.maximum(1.5 * np.exp(0.6 * (latent - cut)), 0.35), 2), latent
