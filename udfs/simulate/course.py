"""What becomes of each patient: progression, new lesions, drop-out and death."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.growth import EVENT_RULES, EventRule, LesionCurves, event_days
from udfs.simulate.heterogeneity import gower_up_to, log_hazard_ratio
from udfs.simulate.lesions import TARGET
from udfs.simulate.messages import FIRST_ORGANS
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, FloatArray, IntArray, systematic_counts
from udfs.simulate.scans import PD, CodeArray, Schedule

BoolArray = NDArray[np.bool_]

PROGRESSION_WINDOW_DAYS = 60
"""Organs that progress within this time of the first progression count as progressing together."""
LATER_ODDS = 1 / 3
"""Of a further new lesion to be seen at the patient's last scan, not with the first."""
LIVER_SHRANK = 0.7
"""Sum of the liver's lesions over its baseline, at most, to have shrunk (30 %)."""
LOST_AFTER_WITHDRAWAL = 0.25
STOP_REASONS = ("PROGRESSIVE DISEASE", "WITHDRAWAL BY SUBJECT", "DEATH", "STUDY TERMINATED")


@dataclass(frozen=True)
class Course:
    """Times of n patients in days from the first dose; infinite where never."""

    new_lesion_day: FloatArray
    first_organ: IntArray
    """(n,) position of the organ that truly progresses first, -1 where none does."""
    first_progression_day: FloatArray
    n_progressing: IntArray
    frailty: FloatArray
    """(n,) log hazard of death that nothing else explains."""
    death_day: FloatArray
    censor_day: FloatArray
    last_scan: IntArray
    """(n,) position of the last scan that was made (0 is the baseline)."""
    heterogeneity: FloatArray
    """(n,) Gower distance between the target lesions up to the progression; NaN below two."""
    stop_reason: NDArray[np.str_]


def new_lesion_days(preset: Preset, patients: Columns, rng: np.random.Generator) -> FloatArray:
    """(n,) when the first new lesion can be seen: exponential, with a hazard that varies much
    between patients and is higher where lesions grow faster.
    """
    n, f = len(patients["patient"]), preset.follow_up
    spread = f.new_lesion_spread * rng.standard_normal(n)
    hazard = f.new_lesion * np.exp(0.9 * patients["log_kg_patient"] + spread)
    return rng.exponential(size=n) / hazard


def first_progression(
    preset: Preset, patients: Columns, lesions: Columns, curves: LesionCurves, new_day: FloatArray
) -> FloatArray:
    """(patients, organs) day on which each organ truly progresses first, seen or not."""
    by_organ = np.full((len(new_day), len(preset.organs)), np.inf)
    per_root = size_per_root(lesions)
    target = event_days(curves, EVENT_RULES[0], per_root)[1]
    rule = EventRule("nontarget", False, 0.7, preset.follow_up.nontarget_ratio, 5.0, True)
    other = event_days(curves, rule, per_root)[1]
    day = np.where(lesions["type"] == TARGET, target, other)
    np.minimum.at(by_organ, (lesions["patient"], lesions["organ"]), day)
    np.minimum.at(by_organ, (np.arange(len(new_day)), patients["new_organ"]), new_day)
    return by_organ


def size_per_root(lesions: Columns) -> FloatArray:
    """(lesions,) measured axis, the short one of some nodes, over the cube root of the volume."""
    long = np.cbrt(2 * lesions["axis_ratio"] ** 2)
    return np.where(lesions["is_short_axis"], long / lesions["axis_ratio"], long)


def follow(
    preset: Preset,
    patients: Columns,
    schedule: Schedule,
    overall: CodeArray,
    organ_days: FloatArray,
    new_day: FloatArray,
    targets: Columns,
    target_mm: FloatArray,
    rng: np.random.Generator,
) -> Course:
    """Death, withdrawal, end of the study and so the last scan of each patient.

    Death has a constant hazard before the progression that scans would show and a higher one after
    it, times the effects of the first organ, of further organs, performance status and frailty;
    after the progression also of how unlike the target lesions responded up to it.

    Args:
        overall: (n, m + 1) responses if every planned scan of ``schedule.is_made`` took place.
        organ_days: (n, organs) from ``first_progression``.
        new_day: (n,) from ``new_lesion_days``.
        targets: the target lesions.
        target_mm: (targets, m + 1) their sizes as written at each planned scan.
    """
    f, n = preset.follow_up, len(patients["patient"])
    first_organ = np.where(np.isfinite(organ_days.min(axis=1)), organ_days.argmin(axis=1), -1)
    has_pd = (overall == PD).any(axis=1)
    pd_scan = np.where(has_pd, (overall == PD).argmax(axis=1), overall.shape[1])
    day = np.concatenate([schedule.baseline_day[:, None], schedule.day], axis=1).astype(float)
    padded = np.concatenate([day, np.full((n, 1), np.inf)], axis=1)
    pd_day = _pick(padded, pd_scan)
    frailty = 0.45 * rng.standard_normal(n)
    risk = frailty + 0.3 * (patients["ecog"] != "0") + 0.25 * patients["log_kg_patient"]
    risk = risk + 0.15 * patients["ldh_latent"] + _log_hazard(preset, patients)
    window = np.where(np.isfinite(pd_day), pd_day, 1e9)[:, None] + PROGRESSION_WINDOW_DAYS
    n_progressing = (organ_days <= window).sum(axis=1)
    planned = np.concatenate([np.ones((n, 1), dtype=bool), schedule.is_made], axis=1)
    heterogeneity = gower_up_to(targets, target_mm, day, planned, pd_scan)
    unlike = log_hazard_ratio(heterogeneity, preset.messages.heterogeneity_death)
    counts = planned & (np.arange(day.shape[1]) <= pd_scan[:, None])
    liver = _liver_ratio(preset, n, targets, target_mm, counts)
    unlike = unlike + _log_hazard_after(preset, first_organ, n_progressing, liver)
    after = f.death_after * np.exp(risk + unlike)
    death = _death_days(pd_day, f.death_before * np.exp(risk), after, rng)
    first_made = 1 + schedule.is_made.argmax(axis=1)
    death = np.maximum(np.ceil(death), _pick(day, first_made) + 2)
    censor = np.floor(rng.uniform(f.censor_first_day, f.censor_last_day, n))
    withdrawal = rng.exponential(size=n) / f.withdrawal
    is_lost = (rng.random(n) < LOST_AFTER_WITHDRAWAL) & ~has_pd
    censor = np.where(is_lost, np.minimum(censor, np.ceil(withdrawal) + 30), censor)
    extra = np.where(rng.random(n) < f.continue_after_progression, 1 + (rng.random(n) < 0.3), 0)
    limit = _pick(padded, np.minimum(pd_scan + extra, day.shape[1]))
    ends = np.stack([limit, withdrawal, death - 1, censor])
    last = np.maximum(_last_allowed(schedule, ends.min(axis=0)), first_made)
    return Course(
        new_lesion_day=new_day,
        first_organ=first_organ,
        first_progression_day=organ_days.min(axis=1),
        n_progressing=n_progressing,
        frailty=frailty,
        death_day=death,
        censor_day=np.maximum(censor, _pick(day, last)),
        last_scan=last,
        heterogeneity=heterogeneity,
        stop_reason=np.asarray(STOP_REASONS)[ends.argmin(axis=0)],
    )


def _pick(table: FloatArray, column: IntArray) -> FloatArray:
    """One value of each row."""
    return np.take_along_axis(table, column[:, None], axis=1)[:, 0]


def _log_hazard_after(
    preset: Preset, first_organ: IntArray, n_progressing: IntArray, liver_ratio: FloatArray
) -> FloatArray:
    """(n,) log hazard of death after the progression by the first organ, the number of others and
    what became of the liver.
    """
    m = preset.messages
    by_organ = [m.first_organ_death * FIRST_ORGANS.get(o.organ, 0.0) for o in preset.organs]
    others = np.clip(n_progressing - 1, 0, 4)
    kept = np.where(liver_ratio > LIVER_SHRANK, m.liver_death, 0.0)
    return np.asarray([*by_organ, 0.0])[first_organ] + m.further_organ_death * others + kept


def _log_hazard(preset: Preset, patients: Columns) -> FloatArray:
    """(n,) log hazard of death at any time by what is known at baseline and planted."""
    m = preset.messages
    return (
        m.kras_death * (patients["kras"] == "MUTANT") + m.low_high_death * patients["is_low_high"]
    )


def _liver_ratio(
    preset: Preset, n: int, targets: Columns, target_mm: FloatArray, counts: BoolArray
) -> FloatArray:
    """(n,) smallest sum of the liver's target lesions over its baseline, on the scans that count;
    0 for patients without any.
    """
    names = [o.organ for o in preset.organs]
    rows = targets["organ"] == (names.index("liver") if "liver" in names else -1)
    total = np.zeros(counts.shape)
    np.add.at(total, targets["patient"][rows], target_mm[rows])
    base = total[:, :1]
    later = np.where(counts[:, 1:], total[:, 1:], np.inf).min(axis=1)
    has = (base[:, 0] > 0) & np.isfinite(later)
    return np.where(has, later / np.where(has, base[:, 0], 1.0), 0.0)


def _death_days(
    pd_day: FloatArray, before: FloatArray, after: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(n,) death with hazard ``before`` up to the progression and ``after`` it, by inversion."""
    needed = rng.exponential(size=len(pd_day))
    used = before * np.minimum(pd_day, 1e6)
    return np.where(needed > used, pd_day + (needed - used) / after, needed / before)


def _last_allowed(schedule: Schedule, end: FloatArray) -> IntArray:
    """(n,) position of the last scan made by that day, 0 (the baseline) where there is none."""
    allowed = schedule.is_made & (schedule.day <= end[:, None])
    last = allowed.shape[1] - allowed[:, ::-1].argmax(axis=1)
    return np.where(allowed.any(axis=1), last, 0)


def new_lesion_rows(
    preset: Preset,
    wanted: int,
    is_included: BoolArray,
    seen: BoolArray,
    new_organ: IntArray,
    spreads: BoolArray,
    rng: np.random.Generator,
) -> Columns:
    """New lesions that were seen: one per patient with any, and more so that the total is
    ``wanted``. Of those a quarter is seen at the patient's last scan; more in patients whose liver
    progressed first, and there in any organ (``liver_first_spread``).

    Args:
        wanted: new lesions among the patients to be included.
        is_included: (n,) who counts for ``wanted``.
        seen: (n, m + 1) scans at which the first new lesion is there.
        new_organ: (n,) organ of the first one.
        spreads: (n,) whose liver progressed first.

    Returns:
        patient, organ and scan (position) of each, sorted by patient and scan.
    """
    patient = np.flatnonzero(seen.any(axis=1))
    scan = seen.argmax(axis=1)[patient]
    counted = is_included[patient]
    extra = np.zeros(len(patient), dtype=np.int64)
    if counted.any():
        weights = rng.gamma(0.8, size=len(patient)) * counted
        extra = systematic_counts(weights, max(wanted - int(counted.sum()), 0), rng)
    more = np.repeat(np.arange(len(patient)), extra)
    last = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    is_spreading = spreads[patient[more]] & (preset.messages.liver_first_spread != 0)
    odds = LATER_ODDS * np.exp(preset.messages.liver_first_spread * is_spreading)
    is_later = rng.random(len(more)) < odds / (1 + odds)
    more_scan = np.where(is_later, last[patient[more]], scan[more])
    weights = np.asarray([o.new_weight for o in preset.organs])
    other = rng.choice(len(weights), size=len(more), p=weights / weights.sum())
    same = (rng.random(len(more)) < 0.5) & ~(is_later & is_spreading)
    rows = {
        "patient": np.concatenate([patient, patient[more]]),
        "organ": np.concatenate(
            [new_organ[patient], np.where(same, new_organ[patient[more]], other)]
        ),
        "scan": np.concatenate([scan, more_scan]),
    }
    order = np.lexsort((np.arange(len(rows["scan"])), rows["scan"], rows["patient"]))
    return {name: values[order] for name, values in rows.items()}


def draw_new_organs(
    preset: Preset, patients: Columns, lesions: Columns, rng: np.random.Generator
) -> IntArray:
    """(n,) organ of a patient's first new lesion; one that bears lesions already is likelier."""
    n, k = len(patients["patient"]), len(preset.organs)
    weights = np.asarray([o.new_weight for o in preset.organs])
    present = np.zeros((n, k))
    present[lesions["patient"], lesions["organ"]] = 1.0
    mixed = weights * (1 + present * 1.2)
    return (np.log(mixed) + rng.gumbel(size=(n, k))).argmax(axis=1)


def choose_not_done(
    lesions: Columns,
    made: BoolArray,
    pd_scan: IntArray,
    is_included: BoolArray,
    wanted: int,
    rng: np.random.Generator,
) -> BoolArray:
    """Measurements of target lesions that were not done, so many that ``wanted`` are left.

    None at baseline, at the scan that shows progression, or at a patient's last scan.

    Args:
        lesions: target lesions.
        made: (patients, m + 1) scans that took place.
        pd_scan: (patients,) position of the first progression.
        is_included: (patients,) who counts for ``wanted``.

    Returns:
        (lesions, m + 1) True where not done.
    """
    m = made.shape[1]
    last = m - 1 - made[:, ::-1].argmax(axis=1)
    position = np.arange(m)
    open_ = made & (position > 0) & (position < last[:, None]) & (position != pd_scan[:, None])
    patient = lesions["patient"]
    total = int(made.sum(axis=1)[patient[is_included[patient]]].sum())
    rows, columns = np.nonzero(open_[patient] & is_included[patient][:, None])
    n = int(np.clip(total - wanted, 0, 0.25 * len(rows)))
    chosen = rng.choice(len(rows), size=n, replace=False) if n else np.zeros(0, dtype=np.int64)
    out = np.zeros((len(patient), m), dtype=bool)
    out[rows[chosen], columns[chosen]] = True
    return out
