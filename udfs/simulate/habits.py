"""Habits of real trials: scans of one visit on several days, local treatment, findings that stay
equivocal, unscheduled scans. Rates stand in ``presets.Habits``.

Each habit draws from a stream of its own, a child of the seed, and is laid over the finished
course: with its rate at 0 nothing else moves. The truth says what each visit and endpoint is
without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from udfs.simulate.lesions import TARGET
from udfs.simulate.presets import Habits, Preset
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import PD, BoolArray, CodeArray, Readings

CT, MRI, BONE_SCAN = range(3)
MODALITIES = np.asarray(["CT SCAN", "MRI", "BONE SCAN"])
FIRST_STREAM = 100
"""Streams of habits are children of the seed from this number on."""
EARLIEST_BASELINE_DAY = -48
CLEAR_DAYS = 8
"""What lies between two visits keeps so far away from both, so that it belongs to neither."""
IRRADIATED_PART = 0.6
"""Diameter of an irradiated lesion over what it would be."""


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one habit."""
    names = ("days", "modality", "local", "equivocal", "unscheduled", "history", "dates", "markers")
    return np.random.default_rng([seed, FIRST_STREAM + names.index(name)])


@dataclass(frozen=True)
class ScanDays:
    """On which day each part of a visit is scanned; n patients, m planned scans."""

    day: IntArray
    """(n, m + 1) day of the visit: that of its last scan; column 0 is the baseline."""
    offset: IntArray
    """(n, m + 1, 3) days of CT, MRI and bone scan after it: 0 or before."""
    liver_by_mri: BoolArray
    """(n,) patients whose liver is scanned by MRI."""

    def of(self, patient: IntArray, scan: IntArray, modality: IntArray) -> IntArray:
        """Day of each scan."""
        return self.day[patient, scan] + self.offset[patient, scan, modality]

    def of_lesions(self, patient: IntArray, modality: IntArray) -> IntArray:
        """(lesions, m + 1) days on which each lesion is scanned."""
        return self.day[patient] + self.offset[patient, :, modality]

    def modality(
        self, preset: Preset, patient: IntArray, organ: IntArray, is_target: BoolArray
    ) -> IntArray:
        """Brain by MRI, bone by bone scan (what is measured there by MRI), the liver by MRI in some
        patients, all else by CT.
        """
        name = np.asarray([o.organ for o in preset.organs])[organ]
        liver = (name == "liver") & self.liver_by_mri[patient]
        by_mri = (name == "brain_cns") | ((name == "bone") & is_target) | liver
        found: IntArray = np.select([by_mri, name == "bone"], [MRI, BONE_SCAN], CT)
        return found


def draw_days(habits: Habits | None, day: IntArray, seed: int) -> ScanDays:
    """In some visits one modality, any of the three, comes last and the others up to some days
    before it.
    """
    n, m = day.shape
    offset = np.zeros((n, m, len(MODALITIES)), dtype=np.int64)
    liver = np.zeros(n, dtype=bool)
    if habits is not None:
        rng = stream(seed, "days")
        is_spread = rng.random((n, m)) < habits.spread_visits
        before = rng.integers(1, habits.spread_days + 1, offset.shape)
        last = rng.integers(0, len(MODALITIES), (n, m))
        moved = is_spread[:, :, None] & (np.arange(len(MODALITIES)) != last[:, :, None])
        offset = np.where(moved, -before, 0)
        # No baseline moves to before the earliest one that trials allow.
        earliest = np.minimum(EARLIEST_BASELINE_DAY - day[:, 0], 0)
        offset[:, 0] = np.maximum(offset[:, 0], earliest[:, None])
        liver = np.asarray(stream(seed, "modality").random(n) < habits.liver_by_mri)
    return ScanDays(day, offset, liver)


@dataclass(frozen=True)
class LocalTreatments:
    """Procedures on target lesions during the trial, one per patient at most."""

    lesion: IntArray
    day: IntArray
    is_resection: BoolArray
    names_lesion: BoolArray
    """False: the record names the organ only, in which the patient has no other lesion."""
    after: BoolArray
    """(lesions, m + 1) scans of a treated lesion from the procedure on."""


def no_treatments(shape: tuple[int, ...]) -> LocalTreatments:
    """Nothing treated locally, in lesions and scans of this shape."""
    none = np.zeros(0, dtype=np.int64)
    return LocalTreatments(none, none, none > 0, none > 0, np.zeros(shape, dtype=bool))


def draw_treatments(
    habits: Habits,
    lesions: Columns,
    days: ScanDays,
    is_made: BoolArray,
    can_be_treated: BoolArray,
    respond: Callable[[BoolArray], CodeArray],
    seed: int,
) -> LocalTreatments:
    """Chooses lesions that are resected or irradiated between two scans.

    The patient's first progression stays where it was: who would lose it is not chosen, so that
    progression-free survival is that without the treatment.

    Args:
        lesions: sorted by patient.
        is_made: (n, m + 1) scans that took place.
        can_be_treated: (n,) patients to choose from; ``local_treatment`` is their part.
        respond: overall responses (n, m + 1) where the lesions of a mask are not evaluable.
    """
    rng, patient = stream(seed, "local"), lesions["patient"]
    is_target = lesions["type"] == TARGET
    n, m = is_made.shape
    order = rng.permutation(len(patient))
    chosen = np.full(n, -1)
    rows = order[is_target[order] & can_be_treated[patient[order]]]
    chosen[patient[rows]] = rows
    fraction, kind, named = rng.random((3, n))
    after = np.zeros((len(patient), m), dtype=bool)
    day = np.zeros(n, dtype=np.int64)
    for i in np.flatnonzero(chosen >= 0):
        made = np.flatnonzero(is_made[i])
        if made.size < 3:
            chosen[i] = -1
            continue
        at = 1 + int(fraction[i] * (made.size - 2))
        low = days.day[i, made[at]] + CLEAR_DAYS
        high = days.day[i, made[at + 1]] - CLEAR_DAYS
        day[i] = low + int(fraction[i] * 1000) % max(high - low, 1)
        after[chosen[i], made[at] + 1 :] = True
    nothing = np.zeros_like(after)
    before_treatment, with_it = respond(nothing), respond(after)
    is_kept = (chosen >= 0) & (_first(before_treatment == PD) == _first(with_it == PD))
    wanted = round(habits.local_treatment * int(can_be_treated.sum()))
    kept = np.sort(rng.permutation(np.flatnonzero(is_kept))[:wanted])
    lesion = chosen[kept]
    after[np.setdiff1d(np.arange(len(patient)), lesion)] = False
    same = patient * (lesions["organ"].max(initial=0) + 1) + lesions["organ"]
    is_only = np.bincount(same, minlength=1)[same][lesion] == 1
    is_only = np.asarray(is_only & (days.day[kept, 0] < day[kept]), dtype=bool)
    return LocalTreatments(
        lesion,
        day[kept],
        kind[kept] < habits.resected,
        (named[kept] >= habits.unnamed_lesion) | ~is_only,
        after,
    )


def treated_readings(
    readings: Readings, treatments: LocalTreatments, rows: IntArray | None = None
) -> Readings:
    """What readers write of treated lesions: nothing left of a resected one, less of an irradiated
    one.

    Args:
        rows: where the readings are of some of the lesions only, which.
    """
    part = np.full(len(treatments.after), IRRADIATED_PART)
    part[treatments.lesion[treatments.is_resection]] = 0.0
    after = treatments.after
    if rows is not None:
        part, after = part[rows], after[rows]

    def changed(size: IntArray) -> IntArray:
        left = np.rint(size * part[:, None]).astype(np.int64)
        return np.where(after & (size > 0), left, size)

    return Readings(changed(readings.long_mm), changed(readings.short_mm))


def _first(flags: BoolArray) -> IntArray:
    """(n,) position of the first True of each row, -1 without any."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), -1)


def call_equivocal(
    habits: Habits,
    preset: Preset,
    new: Columns,
    is_made: BoolArray,
    overall: CodeArray,
    can_have: BoolArray,
    seed: int,
) -> Columns:
    """Some new lesions are equivocal when first seen and confirmed at the next scan, and some
    more, in patients without any, are gone at the next.

    Args:
        new: new lesions as ``new_lesion_rows`` gives them.
        overall: (n, m + 1) responses.
        can_have: (n,) patients for those that are gone.

    Returns:
        The new lesions with ``equivocal``: 0 certain, 1 confirmed later, 2 gone.
    """
    rng, m = stream(seed, "equivocal"), is_made.shape[1]
    later = is_made & (np.arange(m) > 0)
    is_followed = (later[new["patient"]] & (np.arange(m) > new["scan"][:, None])).any(axis=1)
    is_confirmed = is_followed & (rng.random(len(new["scan"])) < habits.equivocal_confirmed)
    first_pd = np.where((overall == PD).any(axis=1), (overall == PD).argmax(axis=1), m)
    last = m - 1 - later[:, ::-1].argmax(axis=1)
    open_ = later & (np.arange(m) < np.minimum(first_pd, last)[:, None]) & can_have[:, None]
    open_[new["patient"]] = False
    fits = np.flatnonzero(open_.any(axis=1))
    wanted = min(round(habits.equivocal_gone * int(can_have.sum())), fits.size)
    patient = np.sort(rng.permutation(fits)[:wanted])
    scan = np.where(open_[patient], rng.random((wanted, m)), -1).argmax(axis=1)
    weights = np.asarray([o.new_weight for o in preset.organs])
    organ = rng.choice(len(weights), size=wanted, p=weights / weights.sum())
    rows = {
        "patient": np.concatenate([new["patient"], patient]),
        "organ": np.concatenate([new["organ"], organ]),
        "scan": np.concatenate([new["scan"], scan]),
        "equivocal": np.concatenate([is_confirmed.astype(np.int64), np.full(wanted, 2)]),
    }
    order = np.lexsort((np.arange(len(rows["scan"])), rows["scan"], rows["patient"]))
    return {name: values[order] for name, values in rows.items()}


def n_gone(habits: Habits | None, n_included: int) -> int:
    """New lesions that are to be gone at the next scan: part of the published number."""
    return 0 if habits is None else round(habits.equivocal_gone * n_included)


def draw_unscheduled(
    habits: Habits, day: IntArray, is_made: BoolArray, overall: CodeArray, fits: BoolArray,
    seed: int,
) -> Columns:  # fmt: skip
    """Scans between two visits, before any progression, of non-target lesions only.

    Args:
        fits: (n,) patients with a non-target lesion.

    Returns:
        patient, scan (position of the visit before it) and day, one per patient at most.
    """
    rng = stream(seed, "unscheduled")
    m = day.shape[1]
    following = np.full(day.shape, -1)
    after = np.full(len(day), -1)
    for k in range(m - 1, -1, -1):
        following[:, k] = after
        after = np.where(is_made[:, k], k, after)
    next_day = np.take_along_axis(day, np.maximum(following, 0), axis=1)
    is_open = is_made & (following > 0) & (next_day - day >= 2 * CLEAR_DAYS + 1)
    is_open[:, 0] = False
    is_open &= ~np.logical_or.accumulate(overall == PD, axis=1) & fits[:, None]
    draw = rng.random((3, len(day)))
    scan = np.where(is_open, rng.random(day.shape), -1).argmax(axis=1)
    patient = np.flatnonzero(is_open.any(axis=1) & (draw[0] < habits.unscheduled))
    scan = scan[patient]
    low, high = day[patient, scan] + CLEAR_DAYS, next_day[patient, scan] - CLEAR_DAYS
    between = low + np.floor(draw[1][patient] * (high - low)).astype(np.int64)
    return {"patient": patient, "scan": scan, "day": between}


def draw_history(habits: Habits | None, patients: Columns, seed: int) -> Columns:
    """Responses to an earlier therapy, of some patients who had one."""
    n = len(patients["patient"])
    rng = stream(seed, "history")
    rate = 0.0 if habits is None else habits.prior_response
    has = (patients["line"] >= 2) & (rng.random(n) < rate)
    day = -rng.integers(90, 500, n)
    overall = rng.choice(["PR", "SD", "PD"], size=n, p=[0.2, 0.4, 0.4])
    rows = np.flatnonzero(has)
    return {"patient": rows, "day": day[rows], "overall": overall[rows]}


def shorten_dates(habits: Habits | None, procedures: Columns, seed: int) -> IntArray:
    """How many characters of its date each earlier procedure has: 10, or 7 (month), or 4 (year)."""
    n = len(procedures["day"])
    draw = stream(seed, "dates").random(n)
    rate = 0.0 if habits is None else habits.partial_date
    length = np.select([draw < 0.25 * rate, draw < rate], [4, 7], 10)
    return np.where(procedures["category"] == "PRIOR TREATMENT", length, 10)


def time_point_days(days: ScanDays, lesions: Columns, m: int) -> tuple[FloatArray, FloatArray]:
    """(n, m) first and last day on which a visit scans a lesion; NaN for patients without any."""
    n = len(days.day)
    scanned = days.of_lesions(lesions["patient"], lesions["modality"])
    first, last = np.full((n, m), np.inf), np.full((n, m), -np.inf)
    np.minimum.at(first, lesions["patient"], scanned)
    np.maximum.at(last, lesions["patient"], scanned)
    return np.where(np.isfinite(first), first, np.nan), np.where(np.isfinite(last), last, np.nan)


__all__ = [
    "MODALITIES",
    "LocalTreatments",
    "ScanDays",
    "call_equivocal",
    "draw_days",
    "draw_history",
    "draw_treatments",
    "draw_unscheduled",
    "n_gone",
    "no_treatments",
    "shorten_dates",
    "time_point_days",
    "treated_readings",
]
