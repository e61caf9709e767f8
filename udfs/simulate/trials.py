"""One simulated cohort from its preset: baseline, curves, scans, course, and all its tables.

What is drawn, in this order, each stage with its own stream of random numbers: patients (quotas),
lesions present at baseline (quotas), growth parameters, planned scans, sizes of the deepest
responders' lesions (swapped with small ones), readings, new lesions, death and drop-out,
measurements that were not done, radiomic features. RECIST 1.1 is then read off the sizes as
written.

What counts: a measurement is one size of a target lesion by the first reader at one scan. The
paper's 116,542 observations are taken as these (94,174) and one row for each non-target and new
lesion (18,594 + 2,838): 115,606, its remaining 936 unexplained. Its 'median, IQR' of
progression-free and overall survival are read as quartiles of the recorded days, events and
censored patients alike: an overall survival of 443 days by Kaplan-Meier would not go with its
groups' 385 to 770 days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from udfs.simulate import course as courses
from udfs.simulate import scans, sequences
from udfs.simulate.growth import LesionCurves
from udfs.simulate.lesions import TARGET, draw_lesions, draw_parameters
from udfs.simulate.patients import (
    BASELINE_ONLY,
    EXCLUDED_KINDS,
    NO_LESION,
    NO_TARGET,
    draw_patients,
)
from udfs.simulate.presets import HNSCC, MCRC, Preset, SequenceGroups
from udfs.simulate.radiomics import draw_radiomics
from udfs.simulate.responders import choose_responders
from udfs.simulate.sampling import Columns, FloatArray, take
from udfs.simulate.scans import PD, BoolArray, Readings, Schedule
from udfs.simulate.tables import (
    ReaderView,
    Responses,
    assessment_table,
    draw_ldh_ratio,
    exposure_table,
    lab_table,
    lesion_table,
    measurement_table,
    patient_table,
    procedure_table,
    response_table,
    study_tables,
)
from udfs.simulate.truth import (
    effect_table,
    lesion_event_table,
    lesion_truth,
    organ_truth,
    patient_truth,
    population_table,
)

DEFAULT_SEED = 20230607


@dataclass(frozen=True)
class SimulatedTrials:
    """Trials as numbers. Each table is column name -> array.

    ``patient`` is the position of a patient in ``patients``, ``lesion`` that of a lesion in
    ``lesions``; ``reader`` is 1 (the one that is analysed) or 2. Days count from the first dose,
    which is day 0; sizes are in mm, volumes in mm3.
    """

    preset: str
    tumor_type: str
    seed: int
    studies: Columns
    """One row per trial."""
    arms: Columns
    """One row per trial and arm."""
    patients: Columns
    """One row per patient; ``excluded`` says why the paper's criteria exclude one, else ''."""
    lesions: Columns
    """One row per lesion and reader: type, organ, ``first_day`` when it was first seen."""
    measurements: Columns
    """One row per target lesion, reader and scan; ``is_done`` False where it was not measured."""
    assessments: Columns
    """One row per non-target or new lesion, reader and scan, with its status."""
    responses: Columns
    """One row per patient, reader and scan after the baseline."""
    exposures: Columns
    """One row per patient and drug."""
    procedures: Columns
    """One row per earlier operation or irradiation."""
    labs: Columns
    """One row per patient, day and test."""
    truth_lesions: Columns
    """One row per target and non-target lesion: parameters, their parts, volumes."""
    truth_events: Columns
    """One row per target or non-target lesion and rule set: days on the curve without noise."""
    truth_organs: Columns
    """One row per patient and organ: true first day of progression."""
    truth_patients: Columns
    """One row per patient: random effects, true times, why excluded."""
    truth_effects: Columns
    """One row per fixed effect and parameter."""
    truth_population: Columns
    """One row per growth parameter: typical value and spread over the target lesions."""
    radiomics: Columns
    """One row per lesion, feature and segmentation, of some patients of one trial; ``feature`` is
    the position in ``truth_radiomic_features``."""
    truth_radiomic_patients: Columns
    """One row per patient with radiomic features: heterogeneity between its lesions, 0 to 1."""
    truth_radiomic_features: Columns
    """One row per radiomic feature: its cluster, whether it is robust."""


@dataclass(frozen=True)
class _Cohort:
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
    organ_days: FloatArray
    planted: sequences.PlantedGroups | None = None


def simulate_mcrc(
    n_patients: int | None = None,
    seed: int = DEFAULT_SEED,
    *,
    sequence_separation: float | None = None,
) -> SimulatedTrials:
    """Eight colorectal trials with the published mix of patients, lesions and outcomes.

    Full size is 4,308 patients with 19,180 target, 18,594 non-target and 2,838 new lesions and
    94,174 measurements (Zhou 2023); 48 more patients are to be excluded. A smaller number keeps the
    mixes; at least one patient is to be excluded for each reason.

    Args:
        n_patients: patients to be included; None for full size.
        seed: same seed, same numbers.
        sequence_separation: plants groups of progression sequences (``SequenceGroups``); None
            plants none.

    Raises:
        ValueError: fewer than 1 patient, or a separation that is not between 0 and 1.
    """
    return simulate(_planted(MCRC, sequence_separation), n_patients, seed)


def simulate_hnscc(
    n_patients: int | None = None,
    seed: int = DEFAULT_SEED,
    *,
    sequence_separation: float | None = None,
) -> SimulatedTrials:
    """One head-and-neck trial: 393 patients with 1,892 lesions in eleven organs (Zhou 2023).

    Args:
        n_patients: patients to be included; None for full size.
        seed: same seed, same numbers.
        sequence_separation: as for ``simulate_mcrc``.

    Raises:
        ValueError: fewer than 1 patient, or a separation that is not between 0 and 1.
    """
    return simulate(_planted(HNSCC, sequence_separation), n_patients, seed)


def _planted(preset: Preset, separation: float | None) -> Preset:
    if separation is None:
        return preset
    if not 0 <= separation <= 1:
        raise ValueError(f"separation is {separation}: it lies between 0 and 1")
    return replace(preset, sequence_groups=SequenceGroups(separation))


def simulate(preset: Preset, n_patients: int | None, seed: int) -> SimulatedTrials:
    """Any preset; see ``simulate_mcrc``."""
    n = preset.n_patients if n_patients is None else n_patients
    if n < 1:
        raise ValueError(f"n_patients is {n}; a simulation needs at least 1 patient")
    rng = [np.random.default_rng([seed, stage]) for stage in range(16)]
    grown = _grow(preset, n, rng)
    population = population_table(preset, grown.patients, grown.lesions)
    return _tables(_exclude(grown), population, n, seed, rng[8:])


def _grow(preset: Preset, n: int, rng: list[np.random.Generator]) -> _Cohort:
    """Everything up to which scans were made, each stage with its own random numbers."""
    n_excluded = max(len(EXCLUDED_KINDS), round(n * preset.excluded_share))
    patients = draw_patients(preset, n, n_excluded, rng[0])
    lesions = draw_lesions(preset, patients, rng[1])
    lesions |= draw_parameters(preset, patients, lesions, rng[2])
    n_all = len(patients["patient"])
    schedule = scans.draw_schedule(preset, patients, rng[3])
    lesions |= choose_responders(
        lesions, _curves(lesions, schedule), schedule, patients["excluded"] == "",
        preset.follow_up.cleared, rng[14],
    )  # fmt: skip
    patients["ldh_ratio"], patients["ldh_latent"] = draw_ldh_ratio(preset, lesions, n_all, rng[2])
    patients["log_kg_patient"] = np.zeros(n_all)
    patients["log_kg_patient"][lesions["patient"]] = lesions["log_kg_patient"]
    planted = None
    if preset.sequence_groups is not None:
        planted = sequences.plant_groups(preset.sequence_groups, preset, schedule, rng[13])
        lesions |= sequences.lesions_gone(lesions)
    curves = _curves(lesions, schedule)
    readings = scans.read_lesions(curves, lesions, schedule, preset, rng[4])
    new_day = courses.new_lesion_days(preset, patients, rng[5])
    patients["new_organ"] = courses.draw_new_organs(preset, patients, lesions, rng[5])
    organ_days = courses.first_progression(preset, patients, lesions, curves, new_day)
    if planted is not None:
        organ_days, new_day = sequences.planted_days(planted, schedule, len(preset.organs))
        patients["new_organ"] = planted.first(n_all)[1]
    planned = np.concatenate([np.ones((n_all, 1), dtype=bool), schedule.is_made], axis=1)
    nothing = np.zeros((len(lesions["patient"]), planned.shape[1]), dtype=bool)
    overall = _respond(preset, lesions, readings, schedule, planned, new_day, nothing).overall
    is_target = lesions["type"] == TARGET
    course = courses.follow(
        preset, patients, schedule, overall, organ_days, new_day, take(lesions, is_target),
        readings.axis_mm()[is_target], rng[6],
    )  # fmt: skip
    if planted is not None:
        course = sequences.followed_to_the_end(course, planted, schedule)
    is_made = planned & (np.arange(planned.shape[1]) <= course.last_scan[:, None])
    not_done = _not_done(preset, patients, lesions, is_made, overall, n, rng[7])
    return _Cohort(preset, patients, lesions, curves, schedule, readings, course, is_made, not_done,
                   organ_days, planted)  # fmt: skip


def _curves(lesions: Columns, schedule: Schedule) -> LesionCurves:
    return LesionCurves(
        lesions["volume_at_baseline_mm3"],
        schedule.baseline_day[lesions["patient"]].astype(float),
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


def _respond(
    preset: Preset,
    lesions: Columns,
    readings: Readings,
    schedule: Schedule,
    is_made: BoolArray,
    new_day: FloatArray,
    not_done: BoolArray,
) -> Responses:
    """RECIST 1.1 at every scan."""
    is_target = lesions["type"] == TARGET
    of_target, of_other = take(lesions, is_target), take(lesions, ~is_target)
    target, total = scans.target_response(
        Readings(readings.long_mm[is_target], readings.short_mm[is_target]),
        of_target,
        is_made[of_target["patient"]] & ~not_done[is_target],
        is_made,
    )
    status = scans.nontarget_status(
        Readings(readings.long_mm[~is_target], readings.short_mm[~is_target]),
        preset.follow_up.nontarget_ratio,
        is_made[of_other["patient"]],
    )
    other = scans.nontarget_response(status, of_other["patient"], len(is_made))
    day = np.concatenate([schedule.baseline_day[:, None], schedule.day], axis=1)
    is_new = is_made & (day >= new_day[:, None]) & (target != scans.NONE)
    is_new[:, 0] = False
    overall = scans.overall_response(target, other, is_new)
    return Responses(target, total, status, other, is_new, overall)


def _exclude(cohort: _Cohort) -> _Cohort:
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


def _first_view(cohort: _Cohort) -> ReaderView:
    responses = _respond(
        cohort.preset, cohort.lesions, cohort.readings, cohort.schedule, cohort.is_made,
        cohort.course.new_lesion_day, cohort.not_done,
    )  # fmt: skip
    return ReaderView(
        1, 0, cohort.lesions, cohort.readings, cohort.not_done, cohort.is_made, responses
    )


def _second_view(cohort: _Cohort, first: int, rng: np.random.Generator) -> ReaderView | None:
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
    readings = scans.read_lesions(curves, lesions, cohort.schedule, cohort.preset, rng, True)
    is_made = cohort.is_made & is_read[:, None]
    not_done = cohort.not_done[rows]
    responses = _respond(
        cohort.preset, lesions, readings, cohort.schedule, is_made, cohort.course.new_lesion_day,
        not_done,
    )  # fmt: skip
    return ReaderView(2, first, lesions, readings, not_done, is_made, responses)


def _tables(
    cohort: _Cohort, population: Columns, n: int, seed: int, rng: list[np.random.Generator]
) -> SimulatedTrials:
    preset, patients, lesions = cohort.preset, cohort.patients, cohort.lesions
    schedule, course = cohort.schedule, cohort.course
    view = _first_view(cohort)
    new = courses.new_lesion_rows(
        preset,
        int(np.floor(preset.n_new * n / preset.n_patients + rng[0].random())),
        patients["excluded"] == "",
        view.responses.is_new,
        patients["new_organ"],
        rng[0],
    )
    if cohort.planted is not None:
        new = sequences.planted_rows(cohort.planted, view.is_made)
    second = _second_view(cohort, len(lesions["patient"]) + len(new["patient"]), rng[1])
    views = [view] if second is None else [view, second]
    day = np.concatenate([schedule.baseline_day[:, None], schedule.day], axis=1)
    studies, arms = study_tables(preset)
    patient_rows = patient_table(preset, patients, course, view, day)
    radiomics, heterogeneity, features = draw_radiomics(
        patient_rows, lesions, lesions["diameter_mm"], seed
    )
    return SimulatedTrials(
        preset=preset.name,
        tumor_type=preset.tumor_type,
        seed=seed,
        studies=studies,
        arms=arms,
        patients=patient_rows,
        lesions=lesion_table(views, new, day, preset),
        measurements=measurement_table(views, day),
        assessments=assessment_table(views, new, day),
        responses=response_table(views, day),
        exposures=exposure_table(patient_rows, rng[2]),
        procedures=procedure_table(patient_rows, rng[3]),
        labs=lab_table(preset, patient_rows, view, day, rng[4]),
        truth_lesions=lesion_truth(lesions, cohort.curves),
        truth_events=lesion_event_table(lesions, cohort.curves),
        truth_organs=organ_truth(preset, cohort.organ_days, patients),
        truth_patients=patient_truth(preset, patients, lesions, course, cohort.planted),
        truth_effects=effect_table(preset, patients),
        truth_population=population,
        radiomics=radiomics,
        truth_radiomic_patients=heterogeneity,
        truth_radiomic_features=features,
    )
