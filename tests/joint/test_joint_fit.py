"""Draws of curves, and estimates, on the simulated trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from joint.cases import Trial, read

from udfs.growth import FollowUp, GrowthFit, fit_second_level
from udfs.growth.dropout import DropOut
from udfs.growth.nested import nested_sums
from udfs.growth.patient_nodes import (
    approximate_effects,
    members_of,
    nodes_around,
)
from udfs.growth.proposals import make_nodes
from udfs.joint import (
    CurveDraws,
    EventModel,
    Events,
    JointDataError,
    JointFit,
    LinkDraws,
    Longitudinal,
    Piecewise,
    Weibull,
    draw_curves,
    fit_events,
    fit_joint,
    lesions_of,
    link_labels,
    link_tests,
    link_values,
    organ_groups,
    prepare_model,
)
from udfs.joint.draws import longitudinal_scores

EXACT = (1, 4, 2, 8, 11)
"""Patients of the exact answers, one to three lesions."""
REFERENCE_MISSES = 0.01
"""Of a patient's log-likelihood of sizes, two or three lesions, as the reference says."""
MONTE_CARLO = 4.0
"""Errors of the two answers together."""


@pytest.fixture(scope="session")
def fine(known: Longitudinal, ids: np.ndarray) -> CurveDraws:
    """Many draws of many nodes."""
    return draw_curves(
        known.fit, known.point, ids, n_draws=1000, n_nodes=1792, per_axis=7, threads=2
    )


@pytest.fixture(scope="session")
def joint(trial: Trial, known: Longitudinal, ids: np.ndarray, organ: dict[int, str]) -> JointFit:
    return fit_joint(known, ids, trial.events, organ, baseline="weibull", n_draws=300)


def test_sizes_have_the_exact_likelihood(fine: CurveDraws, joint_reference: Path):
    table = read(joint_reference / "exact_loglik.csv")
    for patient in EXACT:
        row = (table["patient"] == patient) & (table["link"] == "none (sizes only)")
        expected = table["loglik"][row][0]
        # The root mean square of many patients: one half difference says little of its own error.
        alike = np.bincount(fine.owner) >= table["n_lesions"][row][0]
        own = np.sqrt((fine.sizes_mc_error[alike] ** 2).mean())
        tolerance = MONTE_CARLO * np.hypot(own, REFERENCE_MISSES)
        assert fine.sizes_loglik[patient - 1] == pytest.approx(expected, abs=tolerance)
    assert own < 0.05


def test_patients_without_sizes_are_drawn_from_the_population(
    trial: Trial, known: Longitudinal, fine: CurveDraws
):
    without = np.setdiff1d(np.arange(400), np.unique(trial.size["patient"]).astype(int) - 1)
    assert len(without) == 9
    z = fine.u[without] / known.point.between
    assert np.abs(z.mean(axis=(0, 1))).max() < 0.01
    assert np.abs(z.std(axis=(0, 1)) - 1).max() < 0.01
    rows = np.isin(fine.owner, without)
    assert (~fine.is_measured[rows]).all()
    own = fine.phi[rows] - fine.typical[rows, None] - fine.u[fine.owner[rows]]
    assert np.abs(own.std(axis=(0, 1)) / trial.truth["omega"] - 1).max() < 0.02


def test_typical_lesions_are_those_of_the_truth(trial: Trial, fine: CurveDraws):
    place = fine.lesion.astype(int) - 1
    np.testing.assert_allclose(fine.typical, trial.typical[place], rtol=1e-12)


@pytest.mark.parametrize("link", ["organ", "value", "slope", "kg", "shared"])
def test_events_have_the_exact_likelihood_given_sizes(
    trial: Trial,
    known: Longitudinal,
    fine: CurveDraws,
    organ: dict[int, str],
    joint_reference: Path,
    link: str,
):
    table, truth = read(joint_reference / "exact_loglik.csv"), trial.truth
    lesions = lesions_of(known.fit, fine, organ)
    alpha = truth[f"alpha_{link}"]
    alpha = list(alpha.values()) if link == "organ" else np.atleast_1d(alpha)
    rate = truth["weibull_lambda" if link == "organ" else f"lambda_{link}"]
    theta = [*alpha, truth["direct_arm"], np.log(rate), np.log(truth["weibull_shape"])]
    for patient in EXACT:
        part = slice(patient - 1, patient)
        mine, rows = lesions.some(part)
        events, baseline = trial.events.some(part), Weibull()
        nodes = baseline.nodes(events.entry, events.time)
        days = np.concatenate([nodes.days, events.time[:, None]], axis=1)
        values = link_values(
            (link,), mine, fine.phi[rows], fine.u[part], days, log_kg_centre=truth["mu"][0]
        )
        weight = np.full((1, fine.n_draws), -np.log(fine.n_draws))
        labels = link_labels((link,), mine.organs)
        links = LinkDraws(values[:, :, :-1], values[:, :, -1], weight, labels)
        found = EventModel(events, baseline, nodes, links).evaluate(np.array(theta))
        of = table["patient"] == patient
        with_it, none = (
            np.flatnonzero(of & (table["link"] == one)) for one in (link, "none (sizes only)")
        )
        expected = table["loglik"][with_it[0]] - table["loglik"][none[0]]
        own = 1 / found.effective[0] - 1 / fine.n_draws
        theirs = table["rqmc_relative_se"][[with_it[0], none[0]]]
        tolerance = MONTE_CARLO * np.sqrt(own + (theirs**2).sum())
        assert found.total == pytest.approx(expected, abs=tolerance), patient


def test_estimates_equal_the_reference_at_the_longitudinal_truth(
    joint: JointFit, joint_reference: Path
):
    table = read(joint_reference / "two_stage_comparison.csv")
    names = ["alpha_liver", "alpha_lung", "alpha_lymph_node", "direct_arm"]
    names += ["log_lambda", "log_shape"]
    row = {name: k for k, name in enumerate(table["estimator"].tolist())}

    def of(name: str) -> np.ndarray:
        return np.array([table[one][row[name]] for one in names])

    error = np.hypot(of("half difference of two halves of the draws"), joint.mc_error)
    # Beside Monte Carlo: the reference's 15 plain nodes in time and its search that ends at 1e-3.
    tolerance = MONTE_CARLO * error + 0.01 * of("standard error of joint (inverse BFGS Hessian)")
    off = joint.theta - of("joint given longitudinal truth")
    assert (np.abs(off) < tolerance).all(), off / tolerance
    np.testing.assert_allclose(
        joint.standard_errors, of("standard error of joint (inverse BFGS Hessian)"), rtol=0.02
    )
    expected = table["loglik_event_part"][row["joint given longitudinal truth"]]
    assert joint.loglik == pytest.approx(expected, abs=0.05 + MONTE_CARLO * joint.loglik_mc_error)
    assert joint.is_converged
    assert joint.n_poor == 0
    assert joint.n_events == 254


def test_known_curves_give_the_reference_of_known_curves(trial: Trial, joint_reference: Path):
    lesions, events, baseline = trial.lesions, trial.events, Weibull()
    nodes = baseline.nodes(events.entry, events.time)
    days = np.concatenate([nodes.days, events.time[:, None]], axis=1)
    values = link_values(("organ",), lesions, trial.true_phi, trial.true_u, days)
    labels = link_labels(("organ",), lesions.organs)
    links = LinkDraws(values[:, :, :-1], values[:, :, -1], np.zeros((400, 1)), labels)
    found = fit_events(EventModel(events, baseline, nodes, links))
    table = read(joint_reference / "two_stage_comparison.csv")
    row = int(np.flatnonzero(table["estimator"] == "true curves known")[0])
    names = ("alpha_liver", "alpha_lung", "alpha_lymph_node", "direct_arm", "log_lambda")
    expected = np.array([table[one][row] for one in (*names, "log_shape")])
    # The reference's 15 plain nodes in time: a hundredth of a standard error.
    assert (np.abs(found.theta - expected) < 0.01 * found.standard_errors).all()
    assert np.isnan(found.mc_error).all()


def test_estimates_are_where_the_likelihood_is_largest(joint: JointFit):
    assert np.abs(joint.maximum.sums.score.sum(axis=0)).max() < 1e-2
    for k, error in enumerate(joint.standard_errors):
        for sign in (-1, 1):
            theta = joint.theta.copy()
            theta[k] += 0.1 * sign * error
            assert joint.model.evaluate(theta).total < joint.maximum.sums.total


def test_links_are_tested_by_refitting(joint: JointFit):
    links = joint.model.links.labels
    found = link_tests(joint, {"all": links, "organ_lymph_node": ("organ_lymph_node",)})
    assert found["all"].df == 3
    assert found["all"].chi2 > 70
    # Wald and likelihood-ratio statistics differ by less than a tenth at these sizes.
    wald = (joint.theta[2] / joint.standard_errors[2]) ** 2
    assert found["organ_lymph_node"].chi2 == pytest.approx(wald, rel=0.12)
    assert max(one.mc_error for one in found.values()) < 1.0


def test_order_of_patients_and_threads_change_no_byte(
    trial: Trial, known: Longitudinal, ids: np.ndarray, organ: dict[int, str]
):
    turn = np.random.default_rng(3).permutation(400)
    options = {"links": ("organ",), "baseline": "piecewise", "n_draws": 20}
    one = fit_joint(known, ids, trial.events, organ, **options)
    two = fit_joint(known, ids[turn], trial.events.some(turn), organ, threads=2, **options)
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.covariance.tobytes() == two.covariance.tobytes()


def test_the_shared_link_is_the_hazard_of_the_growth_fit(
    trial: Trial, known: Longitudinal, fine: CurveDraws, organ: dict[int, str]
):
    """The same events in the nested sum over patients' effects, which needs no draws."""
    fit, point = known.fit, known.point
    patient = fit.problem.data.patient[fit.problem.order]
    measured, member = np.unique(patient, return_inverse=True)
    at = measured.astype(int) - 1
    died, time = trial.patient["is_death"][at] > 0, trial.patient["os_days"][at]
    dropout = DropOut.prepare(FollowUp.from_arrays(measured, time, died), measured)
    alpha, rates = np.array([0.7, 0.1, -0.2]), dropout.start(3).log_rate
    hazard = replace(dropout.start(3), alpha=alpha)
    everyone = np.arange(len(measured))
    where = nodes_around(
        approximate_effects(fit, point, member), point.between, members_of(member), everyone, 5
    )
    groups = [(make_nodes(3, 448, 5, 7), where)]
    with_it = nested_sums(
        fit, replace(point, dropout=hazard), groups, 1, None, dropout=dropout
    ).loglik
    expected = with_it - nested_sums(fit, point, groups, 1, None).loglik
    events = Events.of(time, died)
    # Event times lie on cuts in both.
    baseline = Piecewise(dropout.cuts)
    nodes = baseline.nodes(events.entry, events.time)
    u = fine.u[at]
    shape = (len(at), fine.n_draws, nodes.days.shape[1], 3)
    weight = np.full(shape[:2], -np.log(fine.n_draws))
    links = LinkDraws(np.broadcast_to(u[:, :, None], shape), u, weight, ("a", "b", "c"))
    found = EventModel(events, baseline, nodes, links).evaluate(np.concatenate([alpha, rates]))
    error = np.sqrt((1 / found.effective - 1 / fine.n_draws).sum())
    assert found.total == pytest.approx(expected, abs=MONTE_CARLO * error)


def log_joint(trial: Trial, draws: CurveDraws, theta: np.ndarray, rows: slice, m: int) -> float:
    """log p(y, phi, u) of the first patient in draw m, written out."""
    effects, omega = theta[:12].reshape(3, 4), np.exp(theta[12:15])
    gamma, b = np.exp(theta[15:18]), np.exp(theta[18])
    other = replace(trial, truth=trial.truth | {"b": b})
    u, total = draws.u[0, m], 0.0
    total -= 0.5 * ((u / gamma) ** 2).sum() + np.log(gamma).sum()
    for row in range(rows.start, rows.stop):
        typical = effects @ draws.design[row]
        z = (draws.phi[row, m] - typical - u) / omega
        total -= 0.5 * (z**2).sum() + np.log(omega).sum()
        total += other.log_density_of_sizes(int(draws.lesion[row]), draws.phi[row, m][None])[0]
    return total


def test_scores_of_the_longitudinal_parameters_equal_central_differences(
    trial: Trial, known: Longitudinal, fine: CurveDraws
):
    population = known.point.population
    patient = 1  # two lesions
    part = slice(patient, patient + 1)
    rows = fine.rows(part)
    moved = replace(fine, u=fine.u[part])
    theta = np.concatenate(
        [
            population.coefficients.T.ravel(),
            0.5 * np.log(np.diag(population.omega)),
            np.log(known.point.between),
            np.log(population.error),
        ]
    )
    found = longitudinal_scores(known.fit, known.point, fine, part)
    for m in (0, 7, 500):
        for k in range(len(theta)):
            shift = np.zeros(len(theta))
            shift[k] = 1e-5
            up, down = (log_joint(trial, moved, theta + sign * shift, rows, m) for sign in (1, -1))
            assert found[0, m, k] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_groups_of_organs_need_patients_and_events():
    owner = np.concatenate([np.arange(60), np.arange(40), np.arange(29), np.arange(35)])
    organ = ["liver"] * 60 + ["lung"] * 40 + ["brain"] * 29 + ["bone"] * 35
    is_event = np.zeros(60, dtype=bool)
    is_event[:19] = True
    is_event[37:] = True
    groups, of = organ_groups(organ, owner, is_event)
    assert groups == ("liver", "lung", "other")
    assert of == {"liver": "liver", "lung": "lung", "brain": "other", "bone": "other"}


def test_what_cannot_be_drawn_is_refused(known: Longitudinal, ids: np.ndarray):
    with pytest.raises(JointDataError, match="comes twice"):
        draw_curves(known.fit, known.point, np.append(ids, 3))
    with pytest.raises(JointDataError, match="patient 400 has lesions but no follow-up; 1 such"):
        draw_curves(known.fit, known.point, ids[:-1])


def test_models_of_the_same_draws_are_compared_by_aic(
    trial: Trial, known: Longitudinal, fine: CurveDraws, organ: dict[int, str]
):
    """The link that made the data wins over its rivals."""
    few = replace(
        fine, u=fine.u[:, :100], phi=fine.phi[:, :100], error_score=fine.error_score[:, :100]
    )
    lesions = lesions_of(known.fit, few, organ)
    aic = {}
    for links in (("organ",), ("value",), ("slope",), ("kg",), ("ttg",)):
        model = prepare_model(known, few, lesions, trial.events, links=links, baseline="piecewise")
        found = fit_events(model)
        assert found.is_converged, links
        aic[links[0]] = found.aic
    assert min(aic, key=lambda one: aic[one]) == "organ"


def test_the_two_level_fit_recovers_what_was_planted(
    trial: Trial, growth: GrowthFit, joint: JointFit, ids: np.ndarray, organ: dict[int, str]
):
    longitudinal = Longitudinal.of(growth, fit_second_level(growth))
    found = fit_joint(longitudinal, ids, trial.events, organ, baseline="weibull")
    truth = [*trial.truth["alpha_organ"].values(), trial.truth["direct_arm"]]
    z = (found.theta[:4] - truth) / found.standard_errors[:4]
    assert found.is_converged
    assert np.abs(z).max() < 2.5
    # Sizes say so much of these lesions that theta_L's error moves and widens little.
    assert (np.abs(found.theta - joint.theta) < 0.3 * joint.standard_errors).all()
    given = np.sqrt(np.diag(found.covariance_given_growth))
    assert (found.standard_errors > given).all()
    assert (found.standard_errors < 1.05 * given).all()
    sandwich = np.sqrt(np.diag(found.covariance_sandwich))
    np.testing.assert_allclose(sandwich, given, rtol=0.25)
