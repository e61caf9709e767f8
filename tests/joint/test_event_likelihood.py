"""Baseline hazards, their integrals, and the likelihood of events over draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from joint.cases import Trial, read
from scipy.integrate import quad
from scipy.optimize import minimize

from udfs.joint import (
    EventModel,
    Events,
    JointDataError,
    LinkDraws,
    Piecewise,
    Weibull,
    link_values,
)

QUADRATURE = 1e-6
"""Of integrals over time: relative, for links that bend as lesions do."""
JM = 1e-3
"""The reference's own integral: 40 by 40 nodes, 64 in time."""
BASELINES = {
    "piecewise": (Piecewise(np.array([0.0, 90.0, 260.0, np.inf])), [-7.0, -6.0, -6.5]),
    "weibull": (Weibull(), [-9.0, np.log(1.35)]),
    "early": (Weibull(), [-4.0, np.log(0.6)]),
}


def hazard_of(name: str):
    psi = BASELINES[name][1]
    if name == "piecewise":
        return lambda t: np.exp(np.array(psi)[np.searchsorted([90.0, 260.0], t)])
    k = np.exp(psi[1])
    return lambda t: np.exp(psi[0]) * k * t ** (k - 1)


def link_at(t: np.ndarray) -> np.ndarray:
    """A sum of diameters that shrinks and grows again."""
    return np.log1p(3 * (0.2 * np.exp(0.002 * t) + 0.8 * np.exp(-t / 55 / 3)))


@pytest.mark.parametrize("name", BASELINES)
def test_integrals_over_time_equal_adaptive_quadrature(name: str):
    baseline, psi = BASELINES[name]
    entry, time = np.array([0.0, 0.0, 40.0, 300.0]), np.array([70.0, 800.0, 500.0, 301.0])
    nodes = baseline.nodes(entry, time)
    weights = baseline.weights(nodes, np.array(psi))
    found = (weights.value * np.exp(0.7 * link_at(nodes.days))).sum(axis=1)
    h0 = hazard_of(name)
    for k in range(4):
        stops = [one for one in (90.0, 260.0) if entry[k] < one < time[k]]
        expected = quad(
            lambda t: h0(t) * np.exp(0.7 * link_at(t)),
            entry[k],
            time[k],
            points=stops or None,
            epsabs=0,
            epsrel=1e-11,
            limit=500,
        )[0]
        assert found[k] == pytest.approx(expected, rel=QUADRATURE)


@pytest.mark.parametrize("name", BASELINES)
def test_derivatives_of_baselines_are_those_of_their_values(name: str):
    baseline, psi = BASELINES[name]
    psi, time = np.array(psi), np.array([70.0, 260.0, 800.0])
    nodes = baseline.nodes(np.array([0.0, 0.0, 30.0]), time)
    for what in (lambda at: baseline.weights(nodes, at), lambda at: baseline.log_hazard(time, at)):
        here = what(psi)
        for k in range(len(psi)):
            shift = np.zeros(len(psi))
            shift[k] = 1e-5
            up, down = what(psi + shift), what(psi - shift)
            scale = np.abs(here.value).max()
            np.testing.assert_allclose(
                (up.value - down.value) / 2e-5, here.first[..., k], atol=1e-8 * scale, rtol=1e-6
            )
            np.testing.assert_allclose(
                (up.first - down.first) / 2e-5,
                here.second[..., k],
                atol=1e-7 * np.abs(here.first).max(),
                rtol=1e-6,
            )


def random_model(name: str) -> EventModel:
    """20 patients, 30 draws, 2 links, 2 covariates, delayed entry for some."""
    rng = np.random.default_rng(4)
    entry = np.where(rng.random(20) < 0.3, 25.0, 0.0)
    time = entry + rng.uniform(10, 700, 20)
    x = {"a": rng.normal(size=20), "b": rng.integers(0, 2, 20)}
    events = Events.of(time, rng.random(20) < 0.6, entry=entry, covariates=x)
    baseline = BASELINES[name][0]
    nodes = baseline.nodes(entry, time)
    level, rise = rng.normal(0, 0.5, (2, 20, 30, 1))

    def values(days: np.ndarray) -> np.ndarray:
        t = days[:, None] / 365
        return np.stack([level + rise * t, rise + 0 * t], axis=-1)

    weight = rng.normal(size=(20, 30))
    weight -= np.logaddexp.reduce(weight, axis=1)[:, None]
    links = LinkDraws(values(nodes.days), values(time[:, None])[:, :, 0], weight, ("v", "s"))
    return EventModel(events, baseline, nodes, links)


@pytest.mark.parametrize("name", BASELINES)
def test_score_and_information_equal_central_differences(name: str):
    model = random_model(name)
    theta = np.array([0.6, -0.4, 0.3, -0.2, *BASELINES[name][1]])
    here, step = model.evaluate(theta), 1e-4
    for k in range(len(theta)):
        shift = np.zeros(len(theta))
        shift[k] = step
        up, down = model.evaluate(theta + shift), model.evaluate(theta - shift)
        slope = (up.loglik - down.loglik) / (2 * step)
        np.testing.assert_allclose(slope, here.score[:, k], atol=1e-6)
        bend = (up.score.sum(axis=0) - down.score.sum(axis=0)) / (2 * step)
        # The differences' own error is step^2 times fourth derivatives.
        np.testing.assert_allclose(-bend, here.information[k], rtol=1e-6, atol=2e-5)


def test_without_links_the_likelihood_is_that_of_the_events_alone():
    model = random_model("weibull")
    theta = np.concatenate([[0.0, 0.0, 0.3, -0.2], BASELINES["weibull"][1]])
    events, k = model.events, np.exp(theta[5])
    eta = events.covariates @ theta[2:4]
    hazard = np.log(k) + theta[4] + (k - 1) * np.log(events.time) + eta
    cumulative = np.exp(theta[4] + eta) * (events.time**k - events.entry**k)
    expected = events.is_event * hazard - cumulative
    np.testing.assert_allclose(model.evaluate(theta).loglik, expected, rtol=1e-9)
    np.testing.assert_allclose(model.evaluate(theta).cumulative, cumulative, rtol=1e-9)


def test_threads_do_not_change_a_byte():
    model = random_model("piecewise")
    theta = np.array([0.6, -0.4, 0.3, -0.2, *BASELINES["piecewise"][1]])
    one, two = model.evaluate(theta), model.evaluate(theta, threads=2)
    assert one.information.tobytes() == two.information.tobytes()
    assert one.score.tobytes() == two.score.tobytes()


def test_events_that_cannot_be_are_refused():
    with pytest.raises(JointDataError, match="patient 2 is at risk from day 5 to day 5"):
        Events.of([3, 5], [1, 0], entry=[0, 5])
    with pytest.raises(JointDataError, match="covariate 'x' is missing for patient 1"):
        Events.of([3, 5], [1, 0], covariates={"x": [np.nan, 1]})
    with pytest.raises(JointDataError, match="'x' is 1 for every patient"):
        Events.of([3, 5], [1, 0], covariates={"x": [1, 1]})


# --- JM's models: a straight line per patient, whose conditional distribution is Gaussian.


def jm_estimates(folder: Path, fit: str) -> dict[tuple[str, str], float]:
    table = read(folder / "jm_estimates.csv")
    rows = table["fit"] == fit
    keys = zip(table["block"][rows], table["parameter"][rows], strict=True)
    return dict(zip(keys, table["estimate"][rows], strict=True))


def jm_loglik(folder: Path, fit: str) -> float:
    """Log-likelihood at JM's estimates: exact for the line, 20 by 20 Gauss-Hermite nodes of its
    conditional distribution (which is Gaussian) for the event."""
    at = jm_estimates(folder, fit)
    is_aids = fit.startswith("aids")
    table = read(folder / ("aids.csv" if is_aids else "pbc2.csv"))
    ids = table["patient" if is_aids else "id"]
    day = table["obstime" if is_aids else "year"]
    y = table["CD4"] if is_aids else np.log(table["serBilir"])
    time = table["Time" if is_aids else "years"]
    died = table["death" if is_aids else "status2"]
    treated = table["drug"] == ("ddI" if is_aids else "D-penicil")
    slope_name = "obstime" if is_aids else "year"
    beta = at["longitudinal", "(Intercept)"], at["longitudinal", slope_name]
    by_drug = at.get(("longitudinal", "obstime:drugddI"), 0.0)
    d = np.array([[at["random", f"D[{max(i, j)},{min(i, j)}]"] for j in (1, 2)] for i in (1, 2)])
    sigma = at["longitudinal", "sigma"]
    z, w = np.polynomial.hermite_e.hermegauss(20)
    grid = np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1).reshape(-1, 2)
    log_weight = np.add.outer(np.log(w), np.log(w)).ravel() - np.log(2 * np.pi)
    sizes, level, rise, first = 0.0, [], [], []
    for one in np.unique(ids):
        rows = np.flatnonzero(ids == one)
        first.append(rows[0])
        a = np.stack([np.ones(len(rows)), day[rows]], axis=1)
        line = np.array([beta[0], beta[1] + by_drug * treated[rows[0]]])
        cover = a @ d @ a.T + sigma**2 * np.eye(len(rows))
        off = y[rows] - a @ line
        sizes += -0.5 * (
            off @ np.linalg.solve(cover, off) + np.linalg.slogdet(2 * np.pi * cover)[1]
        )
        spread = np.linalg.inv(a.T @ a / sigma**2 + np.linalg.inv(d))
        b = spread @ a.T @ off / sigma**2 + grid @ np.linalg.cholesky(spread).T
        level.append(line[0] + b[:, 0])
        rise.append(line[1] + b[:, 1])
    level, rise, first = np.array(level), np.array(rise), np.array(first)
    x = {"drug": treated[first].astype(float)}
    gamma = [at["event", "drugddI" if is_aids else "drugD-penicil"]]
    if not is_aids:
        x["age"] = table["age"][first]
        gamma.append(at["event", "age"])
    events = Events.of(time[first], died[first] > 0, covariates=x)
    if "weibull" in fit:
        # Years and months: the nodes are put by the time scale, not by days.
        baseline = Weibull(bend_days=2.0, nodes_per_part=20)
        psi = [at["event", "(Intercept)"], np.log(at["event", "sigma.t (Weibull shape)"])]
    else:
        knots = (
            [6.227144, 11.07857, 12.53, 13.93, 15.97, 17.8]
            if is_aids
            else [2.306899, 4.115495, 5.638172, 6.825259, 8.522773, 10.3079]
        )
        baseline = Piecewise(np.array([0.0, *knots, np.inf]))
        psi = [np.log(at["event", f"xi{k}"]) for k in range(1, 8)]
    nodes = baseline.nodes(events.entry, events.time)

    def values(days: np.ndarray) -> np.ndarray:
        line = level[..., None] + rise[..., None] * days[:, None]
        return np.stack([line, np.broadcast_to(rise[..., None], line.shape)], axis=-1)

    alpha = [at["event", "Assoct"], at.get(("event", "Assoct.s"), 0.0)]
    links = LinkDraws(
        values(nodes.days),
        values(events.time[:, None])[:, :, 0],
        np.broadcast_to(log_weight, level.shape),
        ("value", "slope"),
    )
    theta = np.array([*alpha, *gamma, *psi])
    return sizes + EventModel(events, baseline, nodes, links).evaluate(theta).total


@pytest.mark.parametrize(
    "fit", ["aids_weibull_aGH", "aids_piecewise_aGH", "pbc2_weibull_value", "pbc2_weibull_both"]
)
def test_likelihood_equals_brute_force_at_the_estimates_of_jm(joint_reference: Path, fit: str):
    table = read(joint_reference / "jm_exact_loglik.csv")
    expected = table["logLik_brute_force_40x40_at_JM_estimates"][table["fit"] == fit][0]
    assert jm_loglik(joint_reference, fit) == pytest.approx(expected, abs=JM)


# --- One lesion: the whole integral by Gauss-Hermite quadrature.


def grid_around_mode(trial: Trial, patient: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(R, 3) nodes of phi and (R,) log weights of p(y | phi) p(phi) there."""
    truth, typical = trial.truth, trial.typical[trial.owner == patient - 1][0]
    lesion = int(trial.lesion["lesion"][trial.owner == patient - 1][0])
    sd = np.hypot(truth["omega"], truth["gamma"])

    def log_joint(phi: np.ndarray) -> np.ndarray:
        z = (phi - typical) / sd
        prior = -0.5 * (z**2).sum(axis=1) - np.log(sd).sum() - 1.5 * np.log(2 * np.pi)
        return prior + trial.log_density_of_sizes(lesion, phi)

    found = minimize(lambda x: -log_joint(x[None])[0], typical, method="BFGS").x
    step = 1e-3
    shifts = step * np.eye(3)
    hessian = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            four = [found + a * shifts[i] + b * shifts[j] for a in (1, -1) for b in (1, -1)]
            up, down_j, down_i, both = log_joint(np.array(four))
            hessian[i, j] = -(up - down_j - down_i + both) / (4 * step**2)
    root = 1.15 * np.linalg.cholesky(np.linalg.inv(hessian))
    z, w = np.polynomial.hermite_e.hermegauss(count)
    grid = np.stack(np.meshgrid(z, z, z, indexing="ij"), axis=-1).reshape(-1, 3)
    weight = np.log(w)[:, None, None] + np.log(w)[:, None] + np.log(w)
    log_weight = weight.ravel() + 0.5 * (grid**2).sum(axis=1) + np.log(np.diag(root)).sum()
    phi = found + grid @ root.T
    return phi, log_weight + log_joint(phi)


@pytest.mark.parametrize("patient", [1, 4])
def test_likelihood_of_a_patient_with_one_lesion_equals_the_exact_one(
    trial: Trial, joint_reference: Path, patient: int
):
    phi, log_weight = grid_around_mode(trial, patient, 32)
    sizes = np.logaddexp.reduce(log_weight)
    truth, row = trial.truth, slice(patient - 1, patient)
    lesions, _ = trial.lesions.some(row)
    died, time = trial.patient["is_death"][row] > 0, trial.patient["os_days"][row]
    events = Events.of(time, died)
    events = Events(time, died, np.zeros(1), trial.patient["arm"][row][:, None], ("arm",))
    baseline = Weibull()
    nodes = baseline.nodes(events.entry, time)
    table = read(joint_reference / "exact_loglik.csv")
    mine = table["patient"] == patient
    wanted = dict(zip(table["link"][mine], table["loglik_gauss_hermite_48"][mine], strict=True))
    other = dict(zip(table["link"][mine], table["loglik_gauss_hermite_32"][mine], strict=True))
    found = {"none (sizes only)": sizes}
    u = np.zeros((1, len(phi), 3))
    for link in ("organ", "value", "slope", "kg"):
        days = np.concatenate([nodes.days, time[:, None]], axis=1)
        values = link_values((link,), lesions, phi[None], u, days, log_kg_centre=truth["mu"][0])
        labels = tuple(str(k) for k in range(values.shape[3]))
        draws = LinkDraws(values[:, :, :-1], values[:, :, -1], (log_weight - sizes)[None], labels)
        alpha = list(truth["alpha_organ"].values()) if link == "organ" else [truth[f"alpha_{link}"]]
        rate = truth["weibull_lambda" if link == "organ" else f"lambda_{link}"]
        theta = [*alpha, truth["direct_arm"], np.log(rate), np.log(truth["weibull_shape"])]
        sums = EventModel(events, baseline, nodes, draws).evaluate(np.array(theta))
        found[link] = sizes + sums.total
    for link, value in found.items():
        # The reference's own error: between its 32 and 48 nodes per axis, and 1e-4 as it says.
        tolerance = abs(wanted[link] - other[link]) + 1e-4
        assert value == pytest.approx(wanted[link], abs=tolerance), link
