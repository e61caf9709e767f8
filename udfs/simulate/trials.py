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

from udfs.simulate import habits as habit
from udfs.simulate.cohort import Cohort, exclude, grow, in_body_scan
from udfs.simulate.markers import draw_markers
from udfs.simulate.messages import messages_without
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
from udfs.simulate.readers import (
    draw_local_treatments,
    draw_new_lesions,
    draw_unscheduled,
    first_view,
    responses_of,
    second_view,
)
from udfs.simulate.recorded import recorded_pfs
from udfs.simulate.sampling import Columns
from udfs.simulate.tables import (
    assessment_table,
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
    grown = grow(preset, n, seed, rng)
    population = population_table(preset, grown.patients, grown.lesions)
    return _tables(exclude(grown), population, n, seed, rng[8:])


def _tables(
    cohort: Cohort, population: Columns, n: int, seed: int, rng: list[np.random.Generator]
) -> SimulatedTrials:
    preset, patients, lesions, days = cohort.preset, cohort.patients, cohort.lesions, cohort.days
    treatments = draw_local_treatments(cohort, seed)
    untreated = responses_of(cohort, cohort.not_done)
    view = first_view(cohort, treatments)
    new = draw_new_lesions(cohort, untreated, n, seed, rng[0])
    second = second_view(cohort, treatments, len(lesions["patient"]) + len(new["patient"]), rng[1])
    views = [view] if second is None else [view, second]
    studies, arms = study_tables(preset)
    patient_rows = patient_table(preset, patients, cohort.course, view, days.day)
    unscheduled = draw_unscheduled(cohort, view.responses, seed)
    procedures = procedure_table(patient_rows, rng[3])
    patient_rows |= recorded_pfs(
        view.responses.overall, days.day, patients["trial"], patient_rows["death_day"], procedures
    )
    procedures = with_local_treatments(procedures, treatments, lesions, preset)
    procedures["date_length"] = habit.shorten_dates(preset.habits, procedures, seed)
    radiomics, heterogeneity, features = draw_radiomics(
        patient_rows, lesions, lesions["diameter_mm"], in_body_scan(preset, lesions),
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
