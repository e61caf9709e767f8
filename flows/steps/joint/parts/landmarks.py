"""Predictions at landmarks by hazards estimated without the patients that are predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.growth.parts.reading import MEASUREMENTS, growth_data
from flows.steps.joint.parts.fitting import Group
from flows.steps.joint.parts.reading import N_NODES
from udfs.growth.check_data import GrowthDataError
from udfs.growth.parameters import FloatArray, IntArray
from udfs.joint import CurveDraws, Lesions, draw_curves, fit_events, lesions_of
from udfs.joint.dynamic import FittedHazard, at_landmark, predict_survival
from udfs.joint.landmark import landmark_cox
from udfs.survival import kaplan_meier
from warehouse.registry import StepContext

EVERY_LESION, GROWTH_JOINT, SUM_JOINT, SUM_COX, KAPLAN_MEIER = (
    "every_lesion",
    "growth_joint",
    "sum_joint",
    "sum_cox",
    "kaplan_meier",
)
LINKS = {EVERY_LESION: ("organ",), GROWTH_JOINT: ("kg",), SUM_JOINT: ("value",)}
MODELS = (EVERY_LESION, GROWTH_JOINT, SUM_JOINT, SUM_COX, KAPLAN_MEIER)
MIN_OF_STUDY, MIN_STUDIES, FOLDS = 20, 3, 5
"""A study is a fold of its own with so many events; with fewer such studies patients are drawn into
folds."""
MIN_IN_WINDOW = 10
"""Deaths up to the horizon."""
REST = "the other studies"


@dataclass(frozen=True)
class Landmark:
    """Predictions of the patients at risk at one landmark."""

    day: float
    patients: IntArray
    """(R,) places in the cohort."""
    last_scan: FloatArray
    """(R,) days."""
    survival: dict[str, FloatArray]
    """(R, H) by model."""
    lower: FloatArray
    """(R, H) of every_lesion."""
    upper: FloatArray


def folds_of(group: Group, study: NDArray[np.str_]) -> NDArray[np.str_]:
    """(P,) studies with events enough, the others together; or fifths of the patients by id."""
    events = group.cohort.events
    names, code = np.unique(study, return_inverse=True)
    n_events = np.bincount(code, weights=events.is_event, minlength=len(names))
    large = n_events >= MIN_OF_STUDY
    if large.sum() >= MIN_STUDIES:
        return np.where(large[code], study, REST)
    digest = [
        blake2b(str(one).encode(), digest_size=8).digest() for one in group.cohort.patients.tolist()
    ]
    place = [int.from_bytes(one, "big") % FOLDS + 1 for one in digest]
    return np.array([f"fifth {one}" for one in place])


def hazards_by_fold(
    group: Group, folds: NDArray[np.str_]
) -> dict[str, dict[str, tuple[FittedHazard, IntArray]]]:
    """By model, then by fold: the hazard without the fold, and the covariates that it has."""
    out: dict[str, dict[str, tuple[FittedHazard, IntArray]]] = {}
    events = group.cohort.events
    for name, links in LINKS.items():
        model = group.model(links)
        out[name] = {}
        for fold in np.unique(folds).tolist():
            others = np.flatnonzero(folds != fold)
            x = events.covariates[others]
            died = events.is_event[others, None]
            known = np.flatnonzero((np.ptp(x, axis=0) > 0) & ((x * died).sum(axis=0) > 0))
            kept = model.some(others)
            kept = type(kept)(kept.events.only(known), kept.baseline, kept.nodes, kept.links)
            fit = fit_events(kept, threads=group.threads)
            hazard = FittedHazard.of(fit, group.longitudinal, links)
            out[name][fold] = (hazard, known)
    return out


def predictions(
    context: StepContext,
    group: Group,
    folds: NDArray[np.str_],
    days: list[float],
    horizons: list[float],
) -> Iterator[Landmark]:
    """At each landmark with patients at risk and a size after the baseline."""
    hazards = hazards_by_fold(group, folds)
    rows = context.frame(MEASUREMENTS)
    rows = rows[rows["patient_id"].isin(group.cohort.patients)]
    events = group.cohort.events
    for day in days:
        at_risk = np.flatnonzero((events.time > day) & (events.entry <= day))
        early = rows[rows["day"] <= day]
        ids = group.cohort.patients[at_risk]
        early = early[early["patient_id"].isin(ids)]
        found = _curves_at(context, group, early, ids, day)
        if found is None:
            continue
        yield _at(group, folds, hazards, early, at_risk, found, day, horizons)


def _curves_at(
    context: StepContext, group: Group, early: pd.DataFrame, ids: NDArray[np.str_], day: float
) -> tuple[CurveDraws, Lesions] | None:
    """Draws given sizes up to the landmark; None where nothing can be drawn."""
    try:
        data = growth_data(context, early, 1)
        if data is None or len(ids) == 0:
            return None
        part = at_landmark(
            group.longitudinal, data, n_nodes=N_NODES, seed=context.seed, threads=group.threads
        )
    except GrowthDataError as error:
        context.note(f"no prediction on day {day:g}: {error}")
        return None
    draws = draw_curves(
        part.fit,
        part.point,
        ids,
        n_draws=group.draws.n_draws,
        seed=context.seed,
        threads=group.threads,
    )
    organs = [group.lesions.organs[code] for code in group.lesions.organ]
    named = dict(zip(group.draws.lesion.tolist(), organs, strict=True))
    d0 = dict(zip(group.draws.lesion.tolist(), group.lesions.d0.tolist(), strict=True))
    lesions = lesions_of(
        part.fit,
        draws,
        named,
        d0=[d0[one] for one in draws.lesion.tolist()],
        organs=group.lesions.organs,
    )
    return draws, lesions


def _at(
    group: Group,
    folds: NDArray[np.str_],
    hazards: dict[str, dict[str, tuple[FittedHazard, IntArray]]],
    early: pd.DataFrame,
    at_risk: IntArray,
    found: tuple[CurveDraws, Lesions],
    day: float,
    horizons: list[float],
) -> Landmark:
    draws, lesions = found
    events = group.cohort.events
    shape = (len(at_risk), len(horizons))
    survival = {name: np.full(shape, np.nan) for name in MODELS}
    lower, upper = np.full(shape, np.nan), np.full(shape, np.nan)
    columns, last_scan = _sums(early, draws.patient, group.cohort.events.covariates[at_risk])
    x, died = events.time[at_risk] - day, events.is_event[at_risk]
    for fold in np.unique(folds[at_risk]).tolist():
        mine = np.flatnonzero(folds[at_risk] == fold)
        others = np.flatnonzero(folds[at_risk] != fold)
        own, keep = draws.take(mine)
        part = lesions.taken(keep, own.owner, len(own.patient))
        for name, by_fold in hazards.items():
            hazard, known = by_fold[fold]
            covariates = events.covariates[np.ix_(at_risk[mine], known)]
            out = predict_survival(hazard, part, own, covariates, landmark=day, horizons=horizons)
            survival[name][mine] = out.survival
            if name == EVERY_LESION:
                lower[mine], upper[mine] = out.lower, out.upper
        curve = kaplan_meier(x[others], died[others])
        survival[KAPLAN_MEIER][mine] = curve.at(horizons)[0]
        for k, window in enumerate(horizons):
            used = np.flatnonzero(np.ptp(columns[others], axis=0) > 0)
            survival[SUM_COX][mine, k] = landmark_cox(
                x[others], died[others], columns[others][:, used], columns[mine][:, used], window
            )
    return Landmark(day, at_risk, last_scan, survival, lower, upper)


def _sums(
    early: pd.DataFrame, patients: NDArray[np.generic], covariates: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Covariates of the Cox model at the landmark, and each patient's last scan.

    The sum is that of the lesions' last sizes (a lesion not measured keeps its last one).
    """
    ordered = early.sort_values(["patient_id", "lesion_id", "day"], kind="stable")
    by_lesion = ordered.groupby(["patient_id", "lesion_id"], sort=True)["volume_mm3"]
    ends = pd.DataFrame({"first": by_lesion.first(), "last": by_lesion.last()})
    diameter = np.cbrt(6.0 * ends / np.pi)
    total = diameter.groupby(level="patient_id").sum().loc[list(patients)]
    last = early.groupby("patient_id")["day"].max().loc[list(patients)]
    now, start = (np.log(np.maximum(total[one].to_numpy(), 1.0)) for one in ("last", "first"))
    columns = np.column_stack([now, now - start, covariates])
    return columns, last.to_numpy(dtype=np.float64)
