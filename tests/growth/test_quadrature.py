"""Fits of a model with one parameter against its likelihood integrated on a grid.

Everything that can be on in one fit is on: rows below, above and between limits, each residual
error, patients' effects, drop-out. The grid shares no code with the fit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import log_ndtr, logsumexp
from scipy.stats import norm

from udfs.growth import Exponential, FollowUp, GrowthData, GrowthFit, fit_growth, fit_second_level

N, T0, DAYS = 60, -10.0, np.array([30.0, 70.0, 110.0])
GRID = np.linspace(-7.0, 7.0, 1601)
LOG_WEIGHT = norm.logpdf(GRID) + np.log(GRID[1] - GRID[0])
ERRORS = {"proportional": (0.2,), "constant": (900.0,), "combined": (300.0, 0.15)}
LOW, HIGH, HIGHEST = 2500.0, 20_000.0, 60_000.0
LARGEST_DIFFERENCE = 0.01
"""In -2 log-likelihood; and of one Newton step on the grid, in standard errors. Nodes place some
hundreds of points where a posterior of one dimension is."""
SE_TOLERANCE = 0.01
"""Second differences over a tenth of a standard error are right to (0.1)^2 / 12 or so."""


def sigma(f: np.ndarray, kind: str, values: np.ndarray) -> np.ndarray:
    return {
        "proportional": lambda: values[0] * f,
        "constant": lambda: np.full_like(f, values[0]),
        "combined": lambda: values[0] + values[-1] * f,
    }[kind]()


def measured(kind: str, seed: int, rate: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 3) volumes with the bounds of censored ones, and (n,) baselines."""
    rng = np.random.default_rng(seed)
    v0 = rng.lognormal(9.0, 0.6, len(rate))
    f = v0[:, None] * np.exp(rate[:, None] * (DAYS - T0))
    y = f + sigma(f, kind, np.array(ERRORS[kind])) * rng.standard_normal(f.shape)
    low, high = y.copy(), y.copy()
    is_low, is_high, has_bound = y < LOW, y > HIGH, rng.random(y.shape) < 0.5
    high[is_low] = LOW
    low[is_low] = np.where(has_bound[is_low], 0.0 if kind == "proportional" else -5000.0, -np.inf)
    low[is_high] = np.where(y[is_high] > HIGHEST, HIGHEST, HIGH)
    high[is_high] = np.where(has_bound[is_high] & (y[is_high] <= HIGHEST), HIGHEST, np.inf)
    return {"y": y, "low": low, "high": high, "v0": v0}


def as_data(rows: dict[str, np.ndarray], patient: np.ndarray | None = None) -> GrowthData:
    n = len(rows["v0"])
    is_low, is_high = rows["high"] == LOW, (rows["low"] == HIGH) | (rows["low"] == HIGHEST)
    volume = np.where(is_low, rows["high"], rows["low"])
    limit = np.where(is_low, rows["low"], np.where(is_high, rows["high"], np.nan))
    lesion = np.repeat(np.arange(n), len(DAYS) + 1)
    return GrowthData.from_arrays(
        lesion,
        np.tile([T0, *DAYS], n),
        np.column_stack([rows["v0"], volume]).ravel(),
        rows["v0"][lesion],
        np.full(len(lesion), T0),
        np.column_stack([np.zeros(n), is_low * 1.0 - is_high]).ravel(),
        np.column_stack([np.full(n, np.nan), limit]).ravel(),
        patient=None if patient is None else patient[lesion],
    )


def lesion_loglik(
    rows: dict[str, np.ndarray], rate: np.ndarray, kind: str, values: np.ndarray
) -> np.ndarray:
    """(n, g) log-likelihood of each lesion's rows at (n, g) or (g,) rates."""
    grid = np.broadcast_to(rate, (len(rows["v0"]), np.shape(rate)[-1]))[:, None, :]
    f = rows["v0"][:, None, None] * np.exp(np.clip(grid * (DAYS - T0)[:, None], -300, 300))
    spread = sigma(f, kind, values)
    y, low, high = (rows[name][:, :, None] for name in ("y", "low", "high"))
    with np.errstate(all="ignore"):
        a, b = (low - f) / spread, (high - f) / spread
        a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
        interval = log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b)))
        density = norm.logpdf((y - f) / spread) - np.log(spread)
    total = np.where(low == high, density, interval).sum(axis=1)
    return np.nan_to_num(total, nan=-1e6, neginf=-1e6)


def step_and_errors(
    minus2ll: Callable[[np.ndarray], float], at: np.ndarray, errors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's step from ``at`` and standard errors there, both in units of ``errors``."""
    size, h = len(at), 0.1
    unit = np.eye(size) * h
    value = {}

    def f(shift: np.ndarray) -> float:
        key = tuple(np.round(shift, 6))
        if key not in value:
            value[key] = 0.5 * minus2ll(at + shift * errors)
        return value[key]

    score = np.array([(f(one) - f(-one)) / (2 * h) for one in unit])
    information = np.array([
        [(f(a + b) - f(a - b) - f(b - a) + f(-a - b)) / (4 * h * h) for a in unit] for b in unit
    ])  # fmt: skip
    inverse = np.linalg.inv(information)
    return -inverse @ score, np.sqrt(np.diag(inverse))


@pytest.mark.parametrize("kind", ERRORS)
def test_every_kind_of_censoring_under_every_error(kind: str):
    rate = np.random.default_rng(1).normal(-0.006, 0.008, N)
    rows = measured(kind, 2, rate)
    data = as_data(rows)
    is_right = data.is_censored & (data.lower == data.volume)
    is_interval = data.is_censored & np.isfinite(data.lower) & np.isfinite(data.upper)
    assert min(np.sum(is_right), np.sum(is_interval), np.sum(np.isinf(data.lower))) > 5
    fit = fit_growth(data, model=Exponential(), error=kind)

    def minus2ll(at: np.ndarray) -> float:
        of_rows = lesion_loglik(rows, at[0] + at[1] * GRID, kind, at[2:])
        return -2.0 * float(logsumexp(of_rows + LOG_WEIGHT, axis=1).sum())

    assert fit.convergence.is_converged
    assert fit.minus2ll == pytest.approx(minus2ll(fit.estimates), abs=LARGEST_DIFFERENCE)
    step, errors = step_and_errors(minus2ll, fit.estimates, fit.standard_errors)
    assert np.abs(step).max() < LARGEST_DIFFERENCE * 2
    np.testing.assert_allclose(errors, 1.0, atol=SE_TOLERANCE)


def two_levels() -> tuple[GrowthFit, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(40), rng.integers(1, 5, 40))
    effect = rng.normal(0.0, 0.005, 40)
    rate = -0.004 + effect[patient] + rng.normal(0.0, 0.004, len(patient))
    rows = measured("proportional", 4, rate)
    return fit_growth(as_data(rows, patient), model=Exponential()), rows, patient, effect


def patient_loglik(
    rows: dict[str, np.ndarray], patient: np.ndarray, u: np.ndarray, value: dict[str, float]
) -> np.ndarray:
    """(patients, nodes) log-likelihood of each patient's sizes at effects u (nodes,)."""
    middle, spread = value["k_pop"], value["omega_k"]
    grid = middle + 8.0 * np.hypot(spread, value["gamma_k"]) * np.linspace(-1, 1, 1001)
    of_rows = lesion_loglik(rows, grid, "proportional", np.array([value["b"]]))
    prior = norm.pdf(grid[:, None], middle + u, spread) * (grid[1] - grid[0])
    top = of_rows.max(axis=1, keepdims=True)
    of_lesions = top + np.log(np.exp(of_rows - top) @ prior)
    out = np.zeros((patient.max() + 1, len(u)))
    np.add.at(out, patient, of_lesions)
    return out


def test_patients_effects_and_drop_out():
    fit, rows, patient, effect = two_levels()
    rng = np.random.default_rng(5)
    days = rng.exponential(1.0 / (0.004 * np.exp(80.0 * effect)))
    end = rng.uniform(50.0, 400.0, 40)
    time = np.append(np.minimum(days, end), [20.0, 30.0, 300.0])  # three without lesions
    is_event = np.append(days < end, [True, True, False])
    u = np.linspace(-6.0, 6.0, 121)
    weight = norm.logpdf(u) + np.log(u[1] - u[0])

    two = fit_second_level(fit)
    value = dict(zip(two.labels, two.estimates, strict=True))

    def minus2ll(at: np.ndarray) -> float:
        now = dict(zip(two.labels, at, strict=True))
        of_sizes = patient_loglik(rows, patient, now["gamma_k"] * u, now)
        return -2.0 * float(logsumexp(of_sizes + weight, axis=1).sum())

    assert two.is_converged
    assert two.minus2ll == pytest.approx(minus2ll(two.estimates), abs=LARGEST_DIFFERENCE)
    step, errors = step_and_errors(minus2ll, two.estimates, two.standard_errors)
    assert np.abs(step).max() < LARGEST_DIFFERENCE * 2
    np.testing.assert_allclose(errors, 1.0, atol=SE_TOLERANCE)

    joint = fit_second_level(fit, follow_up=FollowUp.from_arrays(np.arange(43), time, is_event))
    assert joint.dropout is not None
    value = dict(zip(joint.labels, joint.estimates, strict=True))
    nodes = value["gamma_k"] * u
    of_sizes = np.zeros((43, len(u)))
    of_sizes[:40] = patient_loglik(rows, patient, nodes, value)
    rates = [rate for name, rate in value.items() if name.startswith("rate_")]
    for who, (day, has_event) in enumerate(zip(time, is_event, strict=True)):
        hazard = 0.0
        for rate, (start, stop) in zip(rates, pairwise(joint.dropout.cuts), strict=True):
            hazard += rate * max(0.0, min(day, stop) - start)
            if has_event and start < day <= stop:
                of_sizes[who] += np.log(rate) + value["alpha_k"] * nodes
        of_sizes[who] -= hazard * np.exp(value["alpha_k"] * nodes)
    exact = -2.0 * float(logsumexp(of_sizes + weight, axis=1).sum())
    assert joint.minus2ll == pytest.approx(exact, abs=LARGEST_DIFFERENCE)
    # the log hazard ratio per day^-1 is of order 100: steps are measured per standard deviation
    assert joint.is_converged
