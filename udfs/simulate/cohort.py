"""The patients of a simulated trial: lesions, curves, scans and course, before any reader."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from udfs.simulate import course as courses
from udfs.simulate import habits as habit
from udfs.simulate import scans, sequences
from udfs.simulate.growth import LesionCurves
from udfs.simulate.lesions import TARGET, draw_lesions, draw_parameters
from udfs.simulate.messages import LOW_HIGH_ORGANS, draw_refractory, draw_refractory_lesions
from udfs.simulate.patients import (
    BASELINE_ONLY,
    EXCLUDED_KINDS,
    NO_LESION,
    NO_TARGET,
    draw_patients,
)
from udfs.simulate.presets import Preset
from udfs.simulate.responders import choose_responders
from udfs.simulate.sampling import Columns, FloatArray, take
from udfs.simulate.scans import PD, BoolArray, Readings, Schedule
from udfs.simulate.tables import Responses, draw_ldh_ratio


@dataclass(frozen=True)
class Cohort:
    """What the tables are made from."""

    preset: Preset
    patients: Columns
    lesions: Columns
    curves: LesionCurves
    schedule: Schedule
    readings: Readings
    course: courses.Course
    is_made: BoolArray
    not_done: BoolArray
    days: habit.ScanDays
    organ_days: FloatArray
    planted: sequences.PlantedGroups | None = None


def _with_scan_days(preset: Preset, lesions: Columns, days: habit.ScanDays) -> Columns:
    """How each lesion is scanned, and on which day at baseline."""
    patient = lesions["patient"]
    modality = days.modality(preset, patient, lesions["organ"], lesions["type"] == TARGET)
    return {"modality": modality, "baseline_day": days.of_lesions(patient, modality)[:, 0]}


def grow(preset: Preset, n: int, seed: int, rng: list[np.random.Generator]) -> Cohort:
    """Everything up to which scans were made, each stage with its own random numbers."""
    n_excluded = max(len(EXCLUDED_KINDS), round(n * preset.excluded_share))
    patients = draw_patients(preset, n, n_excluded, rng[0])
    patients["is_refractory"] = draw_refractory(preset.messages, len(patients["patient"]), seed)
    lesions = draw_lesions(preset, patients, rng[1])
    patients["is_low_high"] = _bears(preset, lesions, len(patients["patient"]), LOW_HIGH_ORGANS)
    lesions["is_refractory"] = draw_refractory_lesions(
        patients["is_refractory"], lesions["patient"], seed
    )
    lesions |= draw_parameters(preset, patients, lesions, rng[2])
    n_all = len(patients["patient"])
    schedule = scans.draw_schedule(preset, patients, rng[3])
    days = habit.draw_days(preset.habits, schedule.days(), seed)
    lesions |= _with_scan_days(preset, lesions, days)
    lesions |= choose_responders(
        lesions, _curves(lesions), schedule, patients["excluded"] == "",
        preset.follow_up.cleared, rng[14],
    )  # fmt: skip
    patients["ldh_ratio"], patients["ldh_latent"] = draw_ldh_ratio(preset, lesions, n_all, rng[2])
    patients["log_kg_patient"] = np.zeros(n_all)
    patients["log_kg_patient"][lesions["patient"]] = lesions["log_kg_patient"]
    planted = None
    if preset.sequence_groups is not None:
        planted = sequences.plant_groups(preset.sequence_groups, preset, schedule, rng[13])
        lesions |= sequences.lesions_gone(lesions)
    curves = _curves(lesions)
    scanned = days.of_lesions(lesions["patient"], lesions["modality"])
    readings = scans.read_lesions(curves, lesions, scanned, preset, rng[4])
    new_day = courses.new_lesion_days(preset, patients, rng[5])
    patients["new_organ"] = courses.draw_new_organs(preset, patients, lesions, rng[5])
    organ_days = courses.first_progression(preset, patients, lesions, curves, new_day)
    if planted is not None:
        organ_days, new_day = sequences.planted_days(planted, schedule, len(preset.organs))
        patients["new_organ"] = planted.first(n_all)[1]
    planned = np.concatenate([np.ones((n_all, 1), dtype=bool), schedule.is_made], axis=1)
    nothing = np.zeros((len(lesions["patient"]), planned.shape[1]), dtype=bool)
    overall = respond(preset, lesions, readings, schedule.days(), planned, new_day, nothing).overall
    is_target = lesions["type"] == TARGET
    course = courses.follow(
        preset, patients, schedule, overall, organ_days, new_day, take(lesions, is_target),
        readings.axis_mm()[is_target], rng[6],
    )  # fmt: skip
    if planted is not None:
        course = sequences.followed_to_the_end(course, planted, schedule)
    is_made = planned & (np.arange(planned.shape[1]) <= course.last_scan[:, None])
    not_done = _not_done(preset, patients, lesions, is_made, overall, n, rng[7])
    return Cohort(preset, patients, lesions, curves, schedule, readings, course, is_made, not_done,
                   days, organ_days, planted)  # fmt: skip


def _bears(preset: Preset, lesions: Columns, n: int, organs: tuple[str, ...]) -> BoolArray:
    """(n,) patients with a lesion in one of the organs at baseline."""
    is_one = np.isin([o.organ for o in preset.organs], organs)
    return np.bincount(lesions["patient"][is_one[lesions["organ"]]], minlength=n) > 0


def in_body_scan(preset: Preset, lesions: Columns) -> BoolArray:
    """(lesions,) those that a CT of thorax, abdomen and pelvis shows: all but the brain's."""
    is_brain = np.asarray([o.organ == "brain_cns" for o in preset.organs])
    return np.asarray(~is_brain[lesions["organ"]])


def _curves(lesions: Columns) -> LesionCurves:
    return LesionCurves(
        lesions["volume_at_baseline_mm3"],
        lesions["baseline_day"].astype(float),
        lesions["kg_per_day"],
        lesions["kd_per_day"],
        lesions["f"],
    )


def _not_done(
    preset: Preset,
    patients: Columns,
    lesions: Columns,
    is_made: BoolArray,
    overall: scans.CodeArray,
    n: int,
    rng: np.random.Generator,
) -> BoolArray:
    """(lesions, m + 1) measurements that were not done, so that the published number is left."""
    wanted = int(np.floor(preset.n_measurements * n / preset.n_patients + rng.random()))
    pd_scan = np.where((overall == PD).any(axis=1), (overall == PD).argmax(axis=1), -1)
    is_target = lesions["type"] == TARGET
    out = np.zeros((len(is_target), is_made.shape[1]), dtype=bool)
    out[is_target] = courses.choose_not_done(
        take(lesions, is_target), is_made, pd_scan, patients["excluded"] == "", wanted, rng
    )
    return out


def respond(
    preset: Preset,
    lesions: Columns,
    readings: Readings,
    day: scans.IntArray,
    is_made: BoolArray,
    new_day: FloatArray,
    not_done: BoolArray,
    progression_mm: float = scans.PROGRESSION_MM,
) -> Responses:
    """RECIST 1.1 at every scan; 1.0 with ``progression_mm`` 0."""
    is_target = lesions["type"] == TARGET
    of_target, of_other = take(lesions, is_target), take(lesions, ~is_target)
    target, total = scans.target_response(
        Readings(readings.long_mm[is_target], readings.short_mm[is_target]),
        of_target,
        is_made[of_target["patient"]] & ~not_done[is_target],
        is_made,
        progression_mm,
    )
    status = scans.nontarget_status(
        Readings(readings.long_mm[~is_target], readings.short_mm[~is_target]),
        preset.follow_up.nontarget_ratio,
        is_made[of_other["patient"]],
    )
    other = scans.nontarget_response(status, of_other["patient"], len(is_made))
    is_new = is_made & (day >= new_day[:, None]) & (target != scans.NONE)
    is_new[:, 0] = False
    overall = scans.overall_response(target, other, is_new)
    return Responses(target, total, status, other, is_new, overall)


def exclude(cohort: Cohort) -> Cohort:
    """Take away what makes a patient one to be excluded: lesions, target lesions or later scans."""
    kind = cohort.patients["excluded"]
    of_lesion = kind[cohort.lesions["patient"]]
    is_target = cohort.lesions["type"] == TARGET
    keep = (of_lesion != NO_LESION) & ~((of_lesion == NO_TARGET) & is_target)
    is_made = cohort.is_made.copy()
    is_made[kind == BASELINE_ONLY, 1:] = False
    is_made[kind == NO_LESION] = False
    c, r = cohort.curves, cohort.readings
    return replace(
        cohort,
        lesions=take(cohort.lesions, keep),
        curves=LesionCurves(
            c.volume_at_baseline_mm3[keep], c.baseline_day[keep], c.kg_per_day[keep],
            c.kd_per_day[keep], c.f[keep],
        ),
        readings=Readings(r.long_mm[keep], r.short_mm[keep]),
        is_made=is_made,
        not_done=cohort.not_done[keep],
    )  # fmt: skip
