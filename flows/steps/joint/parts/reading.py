"""What a joint model stands on: a published growth fit, and the patients' times and covariates."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.growth.parts.rebuilt import Rebuilt, as_text, rebuild
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.two_level_theta import at_floor, between_part, theta_of, two_level_point
from udfs.joint import CurveDraws, Events, Longitudinal, draw_curves
from udfs.joint.draws import growth_covariance
from udfs.joint.estimate import MIN_EVENTS, OTHER_ORGAN
from udfs.joint.lesions import PARAMETERS
from warehouse.registry import StepContext

COVARIATES = {
    "therapy": "profile.therapy",
    "targeting": "profile.targeting",
    "treatment": "profile.treatment",
    "treatment_class": "profile.treatment_class",
    "line_of_therapy": "patient.line_of_therapy",
    "kras_status": "profile.kras_status",
    "race": "patient.race",
    "sex": "patient.sex",
    "prior_surgery": "patient.prior_surgery",
    "study_id": "patient.study_id",
}
"""Of the hazard: setting -> column."""
MODES = """
SELECT lesion_id, parameter, gaussian_value
FROM analysis.growth_lesion_parameter
WHERE estimate_kind = 'conditional_mode'
ORDER BY lesion_id, parameter
"""
POPULATION = "SELECT fit_id, parameter, estimate FROM analysis.growth_population ORDER BY parameter"
TIMES = """
SELECT
    endpoint.patient_id,
    endpoint.endpoint,
    endpoint.start_day,
    endpoint.start_day + endpoint.time_days AS end_day,
    endpoint.is_event,
    endpoint.missing_reason,
    membership.subset
FROM analysis.patient_endpoint AS endpoint
INNER JOIN analysis.growth_subset AS membership ON endpoint.patient_id = membership.member_id
WHERE endpoint.is_counted AND endpoint.endpoint IN ('OS', 'PFS')
ORDER BY endpoint.endpoint, endpoint.patient_id
"""
PATIENTS = f"""
SELECT
    patient.patient_id,
    scan.last_scan_day,
    {", ".join(f"{column} AS {name}" for name, column in COVARIATES.items())}
FROM core.patient AS patient
LEFT JOIN analysis.patient_profile AS profile ON patient.patient_id = profile.patient_id
LEFT JOIN (
    SELECT lesion.patient_id, max(measurement.day) AS last_scan_day
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND lesion.is_analysed
    GROUP BY lesion.patient_id
) AS scan ON patient.patient_id = scan.patient_id
ORDER BY patient.patient_id
"""
DEATHS = """
SELECT
    fit.fit_id,
    count(*) FILTER (endpoint.is_event AND endpoint.start_day + endpoint.time_days > 0) AS n_deaths
FROM analysis.growth_fit AS fit
LEFT JOIN analysis.growth_subset AS membership ON fit.subset = membership.subset
LEFT JOIN analysis.patient_endpoint AS endpoint
    ON membership.member_id = endpoint.patient_id
    AND endpoint.endpoint = 'OS'
    AND endpoint.is_counted
GROUP BY fit.fit_id
ORDER BY fit.fit_id
"""
N_NODES = 448
"""Per lesion: the rebuilt fit is only a proposal for the draws."""


@dataclass(frozen=True)
class Curves:
    """All patients of one growth fit with draws of their curves."""

    rebuilt: Rebuilt
    longitudinal: Longitudinal
    draws: CurveDraws
    organ: NDArray[np.str_]
    """(n,) of the lesions of ``draws``."""
    d0: FloatArray
    """(n,) mm, baseline diameters; of spheres where only volumes are known."""
    estimates: dict[str, float]
    """Published estimates of growth by label."""


@dataclass(frozen=True)
class Cohort:
    """The patients of one joint model, ascending by id; P of them."""

    endpoint: str
    patients: NDArray[np.str_]
    """(P,)"""
    place: IntArray
    """(P,) in the draws."""
    events: Events
    last_scan: FloatArray
    """(P,) days; 0 where nothing was measured after the first dose."""
    excluded: list[tuple[str, str, str]]
    """Patient, reason_id and reason."""


def n_deaths_by_fit(context: StepContext) -> dict[str, int]:
    """Deaths with a day after the first dose, among the patients of each growth fit."""
    found = context.frame(DEATHS)
    return dict(zip(found["fit_id"], found["n_deaths"].astype(int), strict=True))


def study_of(context: StepContext, patients: NDArray[np.str_]) -> NDArray[np.str_]:
    """(P,) study of each patient."""
    return as_text(context.frame(PATIENTS).set_index("patient_id").loc[patients, "study_id"])


def read_curves(
    context: StepContext, n_draws: int, only: Collection[str] | None = None
) -> Iterator[Rebuilt | Curves]:
    """Each growth fit with draws; only the fit where its model is not of two populations.

    Args:
        only: ids of the fits that are wanted; None for all.
    """
    population = context.frame(POPULATION)
    modes = context.frame(MODES)
    # Who died before the first scan counts: curves are then drawn from the population.
    for found in rebuild(context, modes=modes, n_nodes=N_NODES, fewest_observations=1, only=only):
        if tuple(found.fit.parameter_names) != PARAMETERS:
            yield found
            continue
        mine = population[population["fit_id"] == found.fit_id]
        values = dict(zip(mine["parameter"], mine["estimate"].astype(float), strict=True))
        yield curves_of(found, values, n_draws, context.seed)


def curves_of(found: Rebuilt, values: dict[str, float], n_draws: int, seed: int) -> Curves:
    """Draws of all patients at the published point."""
    fit = found.fit
    values = {f"gamma_{name}": 0.0 for name in PARAMETERS} | values
    theta = theta_of(fit, values)
    full = two_level_point(fit, theta)
    point = TwoLevelPoint(full.population, full.between)
    patient = fit.problem.data.patient
    assert patient is not None  # lesions of unknown patients stand for themselves
    draws = draw_curves(
        fit, point, np.unique(patient), n_draws=n_draws, seed=seed, threads=found.threads
    )
    none = at_floor(fit, theta)
    held = between_part(fit).start + np.flatnonzero(none)
    free = np.setdiff1d(np.arange(len(theta)), held)
    covariance = growth_covariance(fit, point, draws, free)
    rows = found.targets.lesions.loc[draws.lesion]
    volume = rows["baseline_volume_mm3"].to_numpy(dtype=np.float64)
    diameter = rows["baseline_diameter_mm"].to_numpy(dtype=np.float64, na_value=np.nan)
    sphere = np.cbrt(6.0 * volume / np.pi)
    return Curves(
        found,
        Longitudinal(fit, point, covariance),
        draws,
        as_text(rows["organ"]),
        np.where(diameter > 0, diameter, sphere),
        values,
    )


def read_cohorts(
    context: StepContext, curves: Curves, endpoints: list[str], covariates: list[str]
) -> Iterator[Cohort]:
    """The patients of each endpoint that can be in a joint model, and why others cannot."""
    times = context.frame(TIMES)
    times = times[times["subset"] == curves.rebuilt.subset]
    patients = context.frame(PATIENTS).set_index("patient_id")
    for endpoint in endpoints:
        rows = times[times["endpoint"] == endpoint].set_index("patient_id")
        yield _cohort(curves, endpoint, rows, patients, covariates)


def _cohort(
    curves: Curves,
    endpoint: str,
    rows: pd.DataFrame,
    patients: pd.DataFrame,
    covariates: list[str],
) -> Cohort:
    known = set(curves.draws.patient.tolist())
    excluded, kept = [], []
    for patient, row in rows.iterrows():
        if patient not in known:
            why = ("no_lesion", "no analysed target lesion with a baseline volume")
        elif pd.isna(row["end_day"]) or pd.isna(row["is_event"]):
            stated = row["missing_reason"]
            why = ("no_time", str(stated) if isinstance(stated, str) else "the time is not known")
        elif row["end_day"] <= max(row["start_day"], 0.0):
            why = ("before_first_dose", "the time does not go beyond the first dose")
        else:
            kept.append(patient)
            continue
        excluded.append((str(patient), *why))
    ids = np.array(sorted(kept), dtype=str)
    mine = rows.loc[ids]
    died = mine["is_event"].to_numpy(dtype=bool)
    columns = _columns(patients.loc[ids], covariates, died)
    events = Events.of(
        mine["end_day"].to_numpy(dtype=np.float64),
        died,
        entry=np.maximum(mine["start_day"].to_numpy(dtype=np.float64), 0.0),
        covariates=columns,
    )
    last_scan = patients.loc[ids, "last_scan_day"].to_numpy(dtype=np.float64, na_value=0.0)
    place = np.searchsorted(curves.draws.patient, ids)
    return Cohort(endpoint, ids, place, events, np.maximum(last_scan, 0.0), excluded)


def _columns(
    patients: pd.DataFrame, covariates: list[str], died: NDArray[np.bool_]
) -> dict[str, FloatArray]:
    """Indicators of levels against the one with most events; levels with few events are other."""
    out: dict[str, FloatArray] = {}
    for name in covariates:
        words = as_text(patients[name])
        levels, code = np.unique(words, return_inverse=True)
        n_events = np.bincount(code, weights=died, minlength=len(levels))
        few = n_events < MIN_EVENTS
        words = np.where(few[code], OTHER_ORGAN, words) if len(words) else words
        levels, code = np.unique(words, return_inverse=True)
        n_events = np.bincount(code, weights=died, minlength=len(levels))
        if len(levels) < 2:
            continue
        reference = int(np.argmax(n_events))
        for k, level in enumerate(levels.tolist()):
            column = (code == k).astype(np.float64)
            is_new = not any(np.array_equal(column, one) for one in out.values())
            if k != reference and n_events[k] > 0 and is_new:
                out[f"{name}: {level} against {levels[reference]}"] = column
    return out
