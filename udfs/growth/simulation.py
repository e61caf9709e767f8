"""Simulated measurements: from a fit, or on the schedule of given data with known truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from udfs.growth.data import GrowthData
from udfs.growth.individual import population_from_natural
from udfs.growth.likelihood import LARGEST_VOLUME, SMALLEST_VOLUME
from udfs.growth.model_base import GrowthModel
from udfs.growth.models import TwoPopulation
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem, compile_problem
from udfs.growth.residual_error import ErrorKind, ResidualError
from udfs.growth.result import GrowthFit
from udfs.volume import AXIS_RATIO

SIMULATION_PURPOSE = 20


def simulate_rows(
    problem: Problem, population: Population, n_replicates: int, seed: int, batch: int = 0
) -> FloatArray:
    """(m, k) volumes of the evaluated rows (fit order), new lesions and new errors each time.

    Nothing is censored: the volumes are what would have been measured without a limit.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(SIMULATION_PURPOSE, batch))
    rng = np.random.Generator(np.random.SFC64(sequence))
    p, n = problem.n_parameters, problem.n_lesions
    root = np.linalg.cholesky(population.omega)
    mean = problem.design.mean(population.coefficients)
    eta = rng.standard_normal((p, n, n_replicates))
    phi = mean[:, :, None] + np.einsum("pq,qnk->pnk", root, eta)
    f = predicted_rows(problem, phi)
    noise = rng.standard_normal(f.shape)
    return f + problem.error.sigma(f, population.error) * noise


def predicted_rows(problem: Problem, phi: FloatArray) -> FloatArray:
    """(m, k) predictions of the evaluated rows (fit order) for (p, n, k) phi."""
    lesion = np.repeat(np.arange(problem.n_lesions), np.diff(problem.offsets))
    psi = [one.to_psi(phi[k])[lesion] for k, one in enumerate(problem.model.parameters)]
    times = problem.times.take(np.arange(problem.n_rows)[:, None])
    return np.clip(problem.model.predict(psi, times), SMALLEST_VOLUME, LARGEST_VOLUME)


def simulate_from_fit(fit: GrowthFit, n_replicates: int = 1, *, seed: int = 20230607) -> FloatArray:
    """(k, m) simulated volumes, mm3, in the order of the data's rows; NaN in rows not evaluated.

    Each replicate has new lesions (drawn from the fitted population) on the real schedule and
    baselines, and new residual errors. Volumes below the limit of quantification are not censored;
    proportional errors can make a volume negative.
    """
    out = np.full((n_replicates, fit.problem.data.n_rows), np.nan)
    out[:, fit.problem.rows] = simulate_rows(fit.problem, fit.population, n_replicates, seed).T
    return out


def simulate_schedule(n_lesions: int, seed: int = 20230607) -> GrowthData:
    """Days and baselines of lesions as in the colorectal trials of Zhou 2023; no volumes yet.

    One scan up to 28 days before the first dose, then one about every 7 weeks: 4.9 scans per lesion
    (94,174 of 19,180 lesions in the paper). Baselines are log-normal, median 8,100 mm3 (27 mm).
    """
    rng = np.random.Generator(np.random.SFC64(seed))
    t0 = -rng.integers(0, 29, n_lesions).astype(np.float64)
    v0 = np.maximum(300.0, np.exp(rng.normal(9.0, 1.2, n_lesions)))
    visits = np.minimum(rng.geometric(0.25, n_lesions), 20)
    lesion = np.repeat(np.arange(n_lesions), visits + 1)
    visit = np.arange(len(lesion)) - np.repeat(np.cumsum(visits + 1) - visits - 1, visits + 1)
    day = visit * 49.0 + rng.integers(-7, 8, len(visit))
    time = np.where(visit == 0, t0[lesion], day)
    volume = np.where(visit == 0, v0[lesion], 1.0)
    return GrowthData.from_arrays(lesion, time, volume, v0[lesion], t0[lesion])


def simulate_data(
    schedule: GrowthData,
    truth: Mapping[str, float],
    *,
    model: GrowthModel | None = None,
    error: ErrorKind = "proportional",
    covariates: Mapping[str, tuple[str, ...]] | None = None,
    references: Mapping[str, str] | None = None,
    patient_omega: Mapping[str, float] | None = None,
    patient_effect: FloatArray | None = None,
    limit_mm3: float | None = 200.0,
    lower_mm3: float = 0.0,
    drops_out_at: float | None = None,
    rounds_to_mm: bool = False,
    seed: int = 20230607,
) -> GrowthData:
    """Data with known truth on the days, baselines and covariates of ``schedule``.

    Args:
        truth: estimates by label (kg_pop, ..., omega_kg, ..., b; beta_ and corr_ where they apply).
        patient_omega: standard deviations of a patient's own effects by parameter, on top of the
            lesion's; needs ``schedule.patient``.
        patient_effect: (n_patients, p) these effects themselves, patients by ascending id, where
            something else is to depend on them too.
        limit_mm3: volumes below it become rows censored in [lower, limit]; None censors nothing.
        lower_mm3: 0, or -inf: errors can make a volume negative, above all with a constant part.
        drops_out_at: a lesion is no longer measured after a volume of so many times its smallest
            one so far (progression-triggered drop-out; RECIST's 20 % in diameter is 1.728).
        rounds_to_mm: diameters are rounded to whole mm before they become volumes again.

    Raises:
        ValueError: a label without a value, or an impossible value.
    """
    problem = compile_problem(
        schedule,
        model=model or TwoPopulation(),
        error=ResidualError(error),
        censoring="as_observed",
        count_baseline=False,
        covariates=dict(covariates or {}),
        references=dict(references or {}),
    )
    has_correlation = any(name.startswith("corr_") for name in truth)
    structure = Structure(
        problem.model, problem.error, "full" if has_correlation else "diagonal", problem.design
    )
    missing = [name for name in structure.labels if name not in truth]
    if missing:
        raise ValueError(f"truth lacks {', '.join(missing)}")
    natural = np.array([truth[name] for name in structure.labels])
    population = population_from_natural(structure, natural)
    rng = np.random.Generator(np.random.SFC64(seed))
    mean = problem.design.mean(population.coefficients)
    root = np.linalg.cholesky(population.omega)
    phi = mean + np.einsum("pq,qn->pn", root, rng.standard_normal(mean.shape))
    if patient_omega is not None or patient_effect is not None:
        phi = phi + _patient_effects(problem, patient_omega or {}, patient_effect, rng)
    f = predicted_rows(problem, phi[:, :, None])[:, 0]
    y = f + problem.error.sigma(f, population.error) * rng.standard_normal(len(f))
    if rounds_to_mm:
        y = _rounded(y)
    volume = schedule.volume.copy()
    volume[problem.rows] = y
    is_new = np.zeros(schedule.n_rows, dtype=bool)
    is_new[problem.rows] = True
    is_kept = np.ones(schedule.n_rows, dtype=bool)
    if drops_out_at is not None:
        is_kept = _still_followed(schedule, volume, drops_out_at)
    return _with_volumes(schedule, volume, is_new, is_kept, limit_mm3, lower_mm3)


def _patient_effects(
    problem: Problem,
    patient_omega: Mapping[str, float],
    effect: FloatArray | None,
    rng: np.random.Generator,
) -> FloatArray:
    """(p, n) effects of the lesions' patients, fit order."""
    if problem.data.patient is None:
        raise ValueError("patient effects need the patients of the lesions")
    _, patient = np.unique(problem.data.patient, return_inverse=True)
    names = [one.name for one in problem.model.parameters]
    if effect is None:
        sd = np.array([patient_omega.get(name, 0.0) for name in names])
        effect = (sd[:, None] * rng.standard_normal((len(names), patient.max() + 1))).T
    return effect.T[:, patient[problem.order]]


def _rounded(volume: FloatArray) -> FloatArray:
    """Volumes of the diameters in whole mm."""
    diameter = np.cbrt(2.0 * AXIS_RATIO**2 * np.maximum(volume, 0.0))
    return np.asarray(np.round(diameter) ** 3 / (2.0 * AXIS_RATIO**2))


def _still_followed(data: GrowthData, volume: FloatArray, ratio: float) -> BoolArray:
    """Rows up to and including the first whose volume exceeds ratio times the smallest so far."""
    is_kept = np.ones(data.n_rows, dtype=bool)
    for start, stop in zip(data.offsets[:-1], data.offsets[1:], strict=True):
        series = volume[start:stop]
        smallest = np.minimum.accumulate(np.maximum(series, 1e-9))
        over = np.flatnonzero(series[1:] > ratio * smallest[:-1])
        if len(over):
            is_kept[start + over[0] + 2 : stop] = False
    return is_kept


def _with_volumes(
    data: GrowthData,
    volume: FloatArray,
    is_new: BoolArray,
    is_kept: BoolArray,
    limit: float | None,
    lowest: float,
) -> GrowthData:
    """The data with new volumes, censored below the limit."""
    is_censored = np.zeros(data.n_rows, dtype=bool)
    if limit is not None:
        is_censored = is_new & (volume < limit)
        volume = np.where(is_censored, limit, volume)
    lower = np.where(is_censored, lowest, volume)
    lesion = data.row_lesion[is_kept]
    counts = np.bincount(lesion, minlength=data.n_lesions)
    return replace(
        data,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        time=data.time[is_kept],
        volume=volume[is_kept],
        lower=lower[is_kept],
        upper=volume[is_kept],
        is_censored=is_censored[is_kept],
        is_own_baseline=data.is_own_baseline[is_kept],
        source_row=data.source_row[is_kept],
    )
