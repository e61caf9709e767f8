"""Rows of predictions at landmarks and of what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.steps.joint.parts.fitting import Group
from flows.steps.joint.parts.landmarks import (
    EVERY_LESION,
    KAPLAN_MEIER,
    MIN_IN_WINDOW,
    MODELS,
    Landmark,
)
from flows.steps.joint.parts.rows import keys
from udfs.joint.accuracy import accuracy, calibration_groups, compare_predictions
from warehouse.result_tables import nulls

SAMPLES = 200
"""Bootstrap samples of patients."""
NUMBERS = ("value", "lower", "upper", "difference", "difference_lower", "difference_upper")
Row = dict[str, Any]


def few_rows(fit_id: str, endpoint: str, said: str) -> list[Row]:
    """One row that says why nothing is predicted."""
    return [
        {
            "fit_id": fit_id,
            "subset": fit_id.rpartition("/")[0],
            "endpoint": endpoint,
            "landmark_day": 0.0,
            "horizon_days": 0.0,
            "model": "none",
            "metric": "none",
            **nulls(("n_patients", "n_events", "n_censored")),
            **nulls(NUMBERS),
            "verdict_id": "few_events",
            "verdict": said,
        }
    ]


def prediction_rows(
    group: Group, folds: NDArray[np.str_], found: Landmark, horizons: list[float]
) -> list[Row]:
    """Of every patient at risk, by every lesion."""
    start = keys(group.curves.rebuilt, group.cohort.endpoint)
    patients = group.cohort.patients[found.patients].tolist()
    return [
        {
            **start,
            "patient_id": patient,
            "landmark_day": found.day,
            "horizon_days": window,
            "fold": str(folds[found.patients[k]]),
            "last_scan_day": float(found.last_scan[k]),
            "survival": float(found.survival[EVERY_LESION][k, h]),
            "lower": float(found.lower[k, h]),
            "upper": float(found.upper[k, h]),
        }
        for k, patient in enumerate(patients)
        for h, window in enumerate(horizons)
    ]


def metric_rows(group: Group, found: Landmark, k: int, window: float, seed: int) -> list[Row]:
    """Discrimination, Brier score and calibration of each model."""
    events = group.cohort.events
    x, died = events.time[found.patients] - found.day, events.is_event[found.patients]
    is_in = x <= window
    start = {
        **keys(group.curves.rebuilt, group.cohort.endpoint),
        "landmark_day": found.day,
        "horizon_days": window,
        "n_patients": len(x),
        "n_events": int((is_in & died).sum()),
        "n_censored": int((is_in & ~died).sum()),
    }
    n_later = int((~is_in).sum())
    if start["n_events"] < MIN_IN_WINDOW or n_later < MIN_IN_WINDOW:
        said = (
            f"{start['n_events']} deaths up to the horizon and {n_later} patients followed beyond, "
            f"{MIN_IN_WINDOW} of each are needed"
        )
        why = {"verdict_id": "few_events", "verdict": said}
        return [{**start, "model": "none", "metric": "none", **nulls(NUMBERS), **why}]
    survival = np.stack([found.survival[name][:, k] for name in MODELS])
    compared = compare_predictions(
        x, died, survival, window=window, samples=SAMPLES, seed=seed % 2**32
    )
    rows = []
    for place, name in enumerate(MODELS):
        for metric, one in compared.items():
            if name == KAPLAN_MEIER and metric == "auc":
                continue  # the same for everyone of a fold
            is_first = name == EVERY_LESION
            values = dict(
                zip(
                    NUMBERS,
                    (
                        one.value[place],
                        one.lower[place],
                        one.upper[place],
                        None if is_first else one.difference[place],
                        None if is_first else one.difference_lower[place],
                        None if is_first else one.difference_upper[place],
                    ),
                    strict=True,
                )
            )
            rows.append(_metric(start, name, metric, values))
        if name != KAPLAN_MEIER:
            own = accuracy(x, died, survival[place], window=window)
            for metric in ("observed_over_expected", "calibration_slope"):
                value = getattr(own, metric)
                rows.append(_metric(start, name, metric, {**nulls(NUMBERS), "value": value}))
    return rows


def _metric(start: Row, model: str, metric: str, values: Row) -> Row:
    numbers = {
        name: None if one is None or not np.isfinite(one) else float(one)
        for name, one in values.items()
    }
    is_known = numbers["value"] is not None
    return {
        **start,
        "model": model,
        "metric": metric,
        **numbers,
        "verdict_id": "estimated" if is_known else "not_defined",
        "verdict": "of patients that the hazard was estimated without"
        if is_known
        else "the predictions are all alike",
    }


def calibration_rows(group: Group, found: Landmark, k: int, window: float) -> list[Row]:
    """Fifths of the predicted risk, where there are deaths enough."""
    events = group.cohort.events
    x, died = events.time[found.patients] - found.day, events.is_event[found.patients]
    if int(((x <= window) & died).sum()) < MIN_IN_WINDOW:
        return []
    start = keys(group.curves.rebuilt, group.cohort.endpoint)
    return [
        {
            **start,
            "landmark_day": found.day,
            "horizon_days": window,
            "model": name,
            "group_number": number + 1,
            "n_patients": one.n,
            "predicted": one.mean_risk,
            "observed": one.observed,
            "lower": one.lower,
            "upper": one.upper,
        }
        for name in MODELS
        if name != KAPLAN_MEIER
        for number, one in enumerate(
            calibration_groups(x, died, found.survival[name][:, k], window=window)
        )
    ]
