"""What each reader sees of a simulated cohort: responses, treated lesions, new lesions."""

from __future__ import annotations

import numpy as np

from udfs.simulate import course as courses
from udfs.simulate import habits as habit
from udfs.simulate import scans, sequences
from udfs.simulate.cohort import Cohort, respond
from udfs.simulate.growth import LesionCurves
from udfs.simulate.lesions import TARGET
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, take
from udfs.simulate.scans import BoolArray
from udfs.simulate.tables import ReaderView, Responses


def responses_of(
    cohort: Cohort, not_evaluable: BoolArray, progression_mm: float = scans.PROGRESSION_MM
) -> Responses:
    """Of the first reader."""
    return respond(
        cohort.preset, cohort.lesions, cohort.readings, cohort.days.day, cohort.is_made,
        cohort.course.new_lesion_day, not_evaluable, progression_mm,
    )  # fmt: skip


def draw_local_treatments(cohort: Cohort, seed: int) -> habit.LocalTreatments:
    """Lesions that are treated locally during the trial."""
    if cohort.preset.habits is None:
        return habit.no_treatments(cohort.not_done.shape)
    return habit.draw_treatments(
        cohort.preset.habits, cohort.lesions, cohort.days, cohort.is_made,
        cohort.patients["excluded"] == "",
        lambda after: responses_of(cohort, cohort.not_done | after).overall, seed,
    )  # fmt: skip


def first_view(cohort: Cohort, treatments: habit.LocalTreatments) -> ReaderView:
    """What the first reader sees, whose measurements count."""
    not_evaluable = cohort.not_done | treatments.after
    readings = habit.treated_readings(cohort.readings, treatments)
    return ReaderView(
        1, 0, cohort.lesions, readings, cohort.not_done, cohort.is_made,
        responses_of(cohort, not_evaluable), responses_of(cohort, not_evaluable, 0.0).overall,
    )  # fmt: skip


def second_view(
    cohort: Cohort, treatments: habit.LocalTreatments, first: int, rng: np.random.Generator
) -> ReaderView | None:
    """The second reader of trials that have two: own reading error, and some lesions not chosen."""
    has_two = np.asarray([t.has_two_readers for t in cohort.preset.trials])
    is_read = has_two[cohort.patients["trial"]]
    patient = cohort.lesions["patient"]
    number = cohort.lesions["number"]
    chosen = is_read[patient] & ((number == 1) | (rng.random(len(patient)) < 0.92))
    if not chosen.any():
        return None
    rows = np.flatnonzero(chosen)
    lesions = take(cohort.lesions, rows) | {"same_lesion": rows}
    c = cohort.curves
    curves = LesionCurves(
        c.volume_at_baseline_mm3[rows], c.baseline_day[rows], c.kg_per_day[rows],
        c.kd_per_day[rows], c.f[rows],
    )  # fmt: skip
    scanned = cohort.days.of_lesions(lesions["patient"], lesions["modality"])
    readings = scans.read_lesions(curves, lesions, scanned, cohort.preset, rng, True)
    is_made = cohort.is_made & is_read[:, None]
    not_done = cohort.not_done[rows]
    by_rules = [
        respond(
            cohort.preset, lesions, readings, cohort.days.day, is_made,
            cohort.course.new_lesion_day, not_done | treatments.after[rows], progression_mm,
        )
        for progression_mm in (scans.PROGRESSION_MM, 0.0)
    ]  # fmt: skip
    return ReaderView(
        2, first, lesions, habit.treated_readings(readings, treatments, rows), not_done, is_made,
        by_rules[0], by_rules[1].overall,
    )  # fmt: skip


def draw_new_lesions(
    cohort: Cohort, responses: Responses, n: int, seed: int, rng: np.random.Generator
) -> Columns:
    """New lesions with ``equivocal`` and ``modality``; those that are gone count as new ones."""
    preset, patients = cohort.preset, cohort.patients
    is_included = patients["excluded"] == ""
    wanted = int(np.floor(preset.n_new * n / preset.n_patients + rng.random()))
    new = courses.new_lesion_rows(
        preset, wanted - habit.n_gone(preset.habits, int(is_included.sum())), is_included,
        responses.is_new, patients["new_organ"], _liver_first(preset, cohort.course), rng,
    )  # fmt: skip
    if cohort.planted is not None:
        new = sequences.planted_rows(cohort.planted, cohort.is_made)
    if preset.habits is None:
        new["equivocal"] = np.zeros(len(new["scan"]), dtype=np.int64)
    else:
        new = habit.call_equivocal(
            preset.habits, preset, new, cohort.is_made, responses.overall, is_included, seed
        )
    no_target = np.zeros(len(new["scan"]), dtype=bool)
    new["modality"] = cohort.days.modality(preset, new["patient"], new["organ"], no_target)
    return new


def _liver_first(preset: Preset, course: courses.Course) -> BoolArray:
    names = np.asarray([o.organ for o in preset.organs] + [""])
    return np.asarray(names[course.first_organ] == "liver")


def draw_unscheduled(cohort: Cohort, responses: Responses, seed: int) -> Columns:
    """Scans between visits, which see non-target lesions only; none without habits."""
    if cohort.preset.habits is None:
        none = np.zeros(0, dtype=np.int64)
        return {"patient": none, "scan": none, "day": none}
    has_other = np.zeros(len(cohort.patients["patient"]), dtype=bool)
    has_other[cohort.lesions["patient"][cohort.lesions["type"] != TARGET]] = True
    return habit.draw_unscheduled(
        cohort.preset.habits, cohort.days.day, cohort.is_made, responses.overall,
        has_other & (cohort.patients["excluded"] == ""), seed,
    )  # fmt: skip
