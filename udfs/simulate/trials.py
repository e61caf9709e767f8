"""One simulated cohort from its preset: baseline, curves, scans, course, and all its tables.

What is drawn, in this order, each stage with its own stream of random numbers: patients (quotas),
lesions present at baseline (quotas), growth parameters, planned scans, sizes of the deepest
responders' lesions (swapped with small ones), readings, new lesions, death and drop-out,
measurements that were not done, radiomic features. RECIST 1.1 is then read off the sizes as
written. Habits of real trials (``habits``) are laid over that from streams of their own.

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
from udfs.simulate import habits as habit
from udfs.simulate import scans, sequences
from udfs.simulate.growth import LesionCurves
from udfs.simulate.lesions import TARGET, draw_lesions, draw_parameters
from udfs.simulate.markers import draw_markers
from udfs.simulate.messages import (
    LOW_HIGH_ORGANS,
    draw_refractory,
    draw_refractory_lesions,
    messages_without,
)
from udfs.simulate.patients import (
    BASELINE_ONLY,
    EXCLUDED_KINDS,
    NO_LESION,
    NO_TARGET,
    draw_patients,
)
from udfs.simulate.presets import (
    HABITS,
    HNSCC,
    MARKERS,
    MCRC,
    MCRC_MESSAGES,
    Preset,
    SequenceGroups,
)
from udfs.simulate.radiomics import draw_radiomics
from udfs.simulate.recorded import recorded_pfs
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
    with_local_treatments,
    with_samples,
)
from udfs.simulate.truth import (
    effect_table,
    lesion_event_table,
    lesion_truth,
    organ_truth,
    patient_truth,
    population_table,
)
from udfs.simulate.visit_truth import (
    endpoint_truth,
    equivocal_truth,
    missed_truth,
    treatment_truth,
    visit_truth,
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
    """One row per patient, reader and scan after the baseline; ``overall_1_0`` by RECIST 1.0."""
    prior_responses: Columns
    """One row per response to an earlier therapy, by the investigator."""
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
    truth_visits: Columns
    """One row per patient and time point after the baseline, as the first reader sees it: RECIST
    1.1 as recorded, and as it would be without local treatment."""
    truth_endpoints: Columns
    """One row per patient: best response and progression, with local treatment and without."""
    truth_local_treatments: Columns
    """One row per target lesion that was treated locally during the trial."""
    truth_equivocal: Columns
    """One row per new lesion that was equivocal when first seen."""
    truth_missed_visits: Columns
    """One row per planned visit that a patient missed before the last one."""
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
    truth_markers: Columns
    """One row per patient whose ctDNA follows the tumor's volume: shedding, true nadir and rise."""


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
    days: habit.ScanDays
    organ_days: FloatArray
    planted: sequences.PlantedGroups | None = None


def simulate_mcrc(
    n_patients: int | None = None,
    seed: int = DEFAULT_SEED,
    *,
    sequence_separation: float | None = None,
    has_habits: bool = False,
    has_markers: bool = False,
    has_messages: bool = False,
    without: tuple[str, ...] = (),
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
        has_habits: scans of a visit on several days and the other ``Habits`` of real trials; there
            are none where groups of sequences are planted.
        has_markers: ctDNA every four weeks in two trials, from the true volume of the tumor. No
            other number changes.
        has_messages: plants what the papers found (``messages.Messages``), with other hazards and a
            higher typical F, so that counts, responses and survival stay as published.
        without: messages (``messages.NAMES``) that are not planted.

    Raises:
        ValueError: fewer than 1 patient, an unknown message, or a separation that is not between 0
            and 1.
    """
    cohort = MCRC_MESSAGES if has_messages else MCRC
    preset = _planted(cohort, sequence_separation, has_habits)
    preset = replace(preset, markers=MARKERS) if has_markers else preset
    preset = replace(preset, messages=messages_without(preset.messages, without))
    return simulate(preset, n_patients, seed)


def simulate_hnscc(
    n_patients: int | None = None,
    seed: int = DEFAULT_SEED,
    *,
    sequence_separation: float | None = None,
    has_habits: bool = False,
) -> SimulatedTrials:
    """One head-and-neck trial: 393 patients with 1,892 lesions in eleven organs (Zhou 2023).

    Args:
        n_patients: patients to be included; None for full size.
        seed: same seed, same numbers.
        sequence_separation: as for ``simulate_mcrc``.
        has_habits: as for ``simulate_mcrc``.

    Raises:
        ValueError: fewer than 1 patient, or a separation that is not between 0 and 1.
    """
    return simulate(_planted(HNSCC, sequence_separation, has_habits), n_patients, seed)


def _planted(preset: Preset, separation: float | None, has_habits: bool) -> Preset:
    if separation is None:
        return replace(preset, habits=HABITS) if has_habits else preset
    if not 0 <= separation <= 1:
        raise ValueError(f"separation is {separation}: it lies between 0 and 1")
    return replace(preset, sequence_groups=SequenceGroups(separation), habits=None)


def simulate(preset: Preset, n_patients: int | None, seed: int) -> SimulatedTrials:
    """Any preset; see ``simulate_mcrc``."""
    n = preset.n_patients if n_patients is None else n_patients
    if n < 1:
        raise ValueError(f"n_patients is {n}; a simulation needs at least 1 patient")
    rng = [np.random.default_rng([seed, stage]) for stage in range(16)]
    grown = _grow(preset, n, seed, rng)
    population = population_table(preset, grown.patients, grown.lesions)
    return _tables(_exclude(grown), population, n, seed, rng[8:])


def _with_scan_days(preset: Preset, lesions: Columns, days: habit.ScanDays) -> Columns:
    """How each lesion is scanned, and on which day at baseline."""
    patient = lesions["patient"]
    modality = days.modality(preset, patient, lesions["organ"], lesions["type"] == TARGET)
    return {"modality": modality, "baseline_day": days.of_lesions(patient, modality)[:, 0]}


def _grow(preset: Preset, n: int, seed: int, rng: list[np.random.Generator]) -> _Cohort:
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
    overall = _respond(
        preset, lesions, readings, schedule.days(), planned, new_day, nothing
    ).overall
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
                   days, organ_days, planted)  # fmt: skip


def _bears(preset: Preset, lesions: Columns, n: int, organs: tuple[str, ...]) -> BoolArray:
    """(n,) patients with a lesion in one of the organs at baseline."""
    is_one = np.isin([o.organ for o in preset.organs], organs)
    return np.bincount(lesions["patient"][is_one[lesions["organ"]]], minlength=n) > 0


def _in_body_scan(preset: Preset, lesions: Columns) -> BoolArray:
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


def _respond(
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


def _responses(
    cohort: _Cohort, not_evaluable: BoolArray, progression_mm: float = scans.PROGRESSION_MM
) -> Responses:
    """Of the first reader."""
    return _respond(
        cohort.preset, cohort.lesions, cohort.readings, cohort.days.day, cohort.is_made,
        cohort.course.new_lesion_day, not_evaluable, progression_mm,
    )  # fmt: skip


def _treat(cohort: _Cohort, seed: int) -> habit.LocalTreatments:
    """Lesions that are treated locally during the trial."""
    if cohort.preset.habits is None:
        return habit.no_treatments(cohort.not_done.shape)
    return habit.draw_treatments(
        cohort.preset.habits, cohort.lesions, cohort.days, cohort.is_made,
        cohort.patients["excluded"] == "",
        lambda after: _responses(cohort, cohort.not_done | after).overall, seed,
    )  # fmt: skip


def _first_view(cohort: _Cohort, treatments: habit.LocalTreatments) -> ReaderView:
    not_evaluable = cohort.not_done | treatments.after
    readings = habit.treated_readings(cohort.readings, treatments)
    return ReaderView(
        1, 0, cohort.lesions, readings, cohort.not_done, cohort.is_made,
        _responses(cohort, not_evaluable), _responses(cohort, not_evaluable, 0.0).overall,
    )  # fmt: skip


def _second_view(
    cohort: _Cohort, treatments: habit.LocalTreatments, first: int, rng: np.random.Generator
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
        _respond(
            cohort.preset, lesions, readings, cohort.days.day, is_made,
            cohort.course.new_lesion_day, not_done | treatments.after[rows], progression_mm,
        )
        for progression_mm in (scans.PROGRESSION_MM, 0.0)
    ]  # fmt: skip
    return ReaderView(
        2, first, lesions, habit.treated_readings(readings, treatments, rows), not_done, is_made,
        by_rules[0], by_rules[1].overall,
    )  # fmt: skip


def _new_lesions(
    cohort: _Cohort, responses: Responses, n: int, seed: int, rng: np.random.Generator
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


def _unscheduled(cohort: _Cohort, responses: Responses, seed: int) -> Columns:
    if cohort.preset.habits is None:
        none = np.zeros(0, dtype=np.int64)
        return {"patient": none, "scan": none, "day": none}
    has_other = np.zeros(len(cohort.patients["patient"]), dtype=bool)
    has_other[cohort.lesions["patient"][cohort.lesions["type"] != TARGET]] = True
    return habit.draw_unscheduled(
        cohort.preset.habits, cohort.days.day, cohort.is_made, responses.overall,
        has_other & (cohort.patients["excluded"] == ""), seed,
    )  # fmt: skip


def _tables(
    cohort: _Cohort, population: Columns, n: int, seed: int, rng: list[np.random.Generator]
) -> SimulatedTrials:
    preset, patients, lesions, days = cohort.preset, cohort.patients, cohort.lesions, cohort.days
    treatments = _treat(cohort, seed)
    untreated = _responses(cohort, cohort.not_done)
    view = _first_view(cohort, treatments)
    new = _new_lesions(cohort, untreated, n, seed, rng[0])
    second = _second_view(cohort, treatments, len(lesions["patient"]) + len(new["patient"]), rng[1])
    views = [view] if second is None else [view, second]
    studies, arms = study_tables(preset)
    patient_rows = patient_table(preset, patients, cohort.course, view, days.day)
    unscheduled = _unscheduled(cohort, view.responses, seed)
    procedures = procedure_table(patient_rows, rng[3])
    patient_rows |= recorded_pfs(
        view.responses.overall, days.day, patients["trial"], patient_rows["death_day"], procedures
    )
    procedures = with_local_treatments(procedures, treatments, lesions, preset)
    procedures["date_length"] = habit.shorten_dates(preset.habits, procedures, seed)
    radiomics, heterogeneity, features = draw_radiomics(
        patient_rows, lesions, lesions["diameter_mm"], _in_body_scan(preset, lesions),
        days.day[:, 0] + days.offset[:, 0, habit.CT], seed,
    )  # fmt: skip
    labs = lab_table(preset, patient_rows, view.is_made, untreated.sum_mm, days.day, rng[4])
    marked = () if preset.markers is None else preset.markers.trials
    in_trial = np.isin([trial.study_id for trial in preset.trials], marked)
    samples, marker_truth = draw_markers(
        preset.markers, cohort.curves, lesions["patient"], days.day, cohort.is_made,
        in_trial[patients["trial"]] & (patients["excluded"] == ""), habit.stream(seed, "markers"),
    )  # fmt: skip
    return SimulatedTrials(
        preset=preset.name,
        tumor_type=preset.tumor_type,
        seed=seed,
        studies=studies,
        arms=arms,
        patients=patient_rows,
        lesions=lesion_table(views, new, days, preset),
        measurements=measurement_table(views, days),
        assessments=assessment_table(views, new, days, unscheduled),
        responses=response_table(views, days.day),
        prior_responses=habit.draw_history(preset.habits, patient_rows, seed),
        exposures=exposure_table(patient_rows, rng[2]),
        procedures=procedures,
        labs=with_samples(labs, samples),
        truth_lesions=lesion_truth(lesions, cohort.curves),
        truth_events=lesion_event_table(lesions, cohort.curves),
        truth_organs=organ_truth(preset, cohort.organ_days, patients),
        truth_patients=patient_truth(preset, patients, lesions, cohort.course, cohort.planted),
        truth_visits=visit_truth(view, untreated, new, days, unscheduled),
        truth_endpoints=endpoint_truth(view, untreated, new, days, patient_rows),
        truth_local_treatments=treatment_truth(treatments, lesions),
        truth_equivocal=equivocal_truth(new, days, len(lesions["patient"])),
        truth_missed_visits=missed_truth(cohort.is_made),
        truth_effects=effect_table(preset, patients, lesions),
        truth_population=population,
        radiomics=radiomics,
        truth_radiomic_patients=heterogeneity,
        truth_radiomic_features=features,
        truth_markers=marker_truth,
    )
