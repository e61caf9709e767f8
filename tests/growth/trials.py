"""Trials whose patients leave, made patient by patient from the joint model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from growth.cases import CRC_LIKE, problem_of

from udfs.growth import GrowthData, GrowthFit, Residuals, TwoPopulation
from udfs.growth.leaving import Leaving, ObservedEnds
from udfs.growth.parameters import FloatArray
from udfs.growth.restore import fit_at
from udfs.growth.simulation import predicted_rows

WITHIN = CRC_LIKE | {"omega_kg": 0.5, "omega_kd": 0.6, "omega_f": 1.0, "b": 0.2}
BETWEEN = np.array([0.7, 0.5, 0.9])
LEAVING = Leaving(
    between=BETWEEN,
    alpha=np.array([1.2, 0.0, 0.3]),
    rate=np.array([0.002]),
    cuts=np.array([0.0, np.inf]),
)
AT_VISIT = 0.8
"""Share of the events that a visit shows; the others are deaths."""
TOTAL = WITHIN | {
    f"omega_{name}": float(np.hypot(WITHIN[f"omega_{name}"], sd))
    for name, sd in zip(("kg", "kd", "f"), BETWEEN, strict=True)
}
"""Both levels' variance together."""
LAST_PLANNED_DAY = 600
CUBE = 0.5 / 1.31**2


@dataclass
class Patient:
    """What was seen of one."""

    days: list[float]
    volumes: list[FloatArray]
    v0: FloatArray
    t0: float
    end_day: float
    has_left: bool
    is_event: bool


def follow(rng: np.random.Generator, every: float) -> Patient:
    """One patient, by the model's formulae written out."""
    n = int(rng.integers(1, 5))
    v0, t0 = np.exp(rng.normal(9.0, 1.0, n)), -float(rng.integers(0, 29))
    u = BETWEEN * rng.standard_normal(3)
    sd = np.array([WITHIN["omega_kg"], WITHIN["omega_kd"], WITHIN["omega_f"]])
    kg, kd, logit = (u + sd * rng.standard_normal((n, 3))).T
    kg, kd = WITHIN["kg_pop"] * np.exp(kg), WITHIN["kd_pop"] * np.exp(kd)
    f = 1.0 / (1.0 + np.exp(-(np.log(WITHIN["f_pop"] / (1.0 - WITHIN["f_pop"])) + logit)))
    hazard = float(LEAVING.rate[0] * np.exp(LEAVING.alpha @ u))
    death = rng.exponential() / ((1.0 - AT_VISIT) * hazard)
    censored = min(rng.uniform(150.0, 900.0), 60.0 + rng.exponential(1500.0))
    planned = np.arange(every, LAST_PLANNED_DAY + 1.0, every)
    planned = planned + rng.integers(-4, 5, len(planned))
    days: list[float] = []
    volumes: list[FloatArray] = []
    nadir, before = float(np.cbrt(v0 / CUBE).sum()), 0.0
    for day in planned:
        if death < day and death < censored:
            return Patient(days, volumes, v0, t0, death, True, True)
        if censored < day:
            break
        curve = v0 * np.exp(-kg * t0) * (f * np.exp(kg * day) + (1.0 - f) * np.exp(-kd * day))
        days.append(float(day))
        volumes.append(curve * (1.0 + WITHIN["b"] * rng.standard_normal(n)))
        total = float(np.cbrt(np.maximum(volumes[-1], 0.0) / CUBE).sum())
        is_event = bool(rng.random() < min(1.0, AT_VISIT * hazard * (day - before)))
        has_grown = total >= 1.2 * nadir and total >= nadir + 5.0
        if is_event or has_grown:
            return Patient(days, volumes, v0, t0, float(day), True, is_event)
        nadir, before = min(nadir, total), float(day)
    return Patient(days, volumes, v0, t0, days[-1] if days else 0.0, False, False)


def trial(n_patients: int, seed: int) -> tuple[GrowthData, ObservedEnds]:
    """Two studies, with visits every six and every eight weeks; nobody is measured after the end.

    With b = 0.2 a volume below 0 is five standard deviations off: nothing is done about it.
    """
    rng = np.random.default_rng(seed)
    study = np.arange(n_patients) % 2
    made = [follow(rng, 42.0 + 14.0 * one) for one in study]
    rows: list[tuple[str, int, float, float, float, float]] = []
    for number, one in enumerate(made):
        for lesion, first in enumerate(one.v0):
            name = f"{number:05d}/{lesion}"
            rows.append((name, number, one.t0, first, first, one.t0))
            rows += [
                (name, number, day, float(sizes[lesion]), first, one.t0)
                for day, sizes in zip(one.days, one.volumes, strict=True)
            ]
    lesion, patient, time, volume, v0, t0 = (np.array(column) for column in zip(*rows, strict=True))
    data = GrowthData.from_arrays(lesion, time, volume, v0, t0, patient=patient)
    ends = ObservedEnds.from_arrays(
        np.arange(n_patients),
        [one.end_day for one in made],
        [one.has_left for one in made],
        [one.is_event for one in made],
        study,
    )
    return data, ends


def at_truth(template: GrowthFit, data: GrowthData) -> tuple[GrowthFit, Residuals]:
    """The fit whose estimates are the truth, and what a predictive check needs of its residuals."""
    problem = problem_of(data, count_baseline=False)
    fit = replace(template, problem=problem)
    typical = problem.design.mean(fit.population.coefficients)
    order = np.argsort(problem.rows)
    nothing = np.full(problem.n_rows, np.nan)
    found = Residuals(
        data_row=problem.rows[order],
        population_mm3=predicted_rows(problem, typical[:, :, None])[order, 0],
        individual_mm3=nothing,
        observed_mm3=problem.y[order],
        individual=nothing,
        individual_from_draws=nothing,
        npde=nothing,
        is_censored=problem.is_censored[order],
    )
    return fit, found


def template_fit() -> GrowthFit:
    """A fit at the truth, of few lesions."""
    return fit_at(trial(20, 0)[0], TOTAL, model=TwoPopulation())
