"""The likelihood of the population: against brute force and against its own finite differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, one_lesion, problem_of
from scipy.stats import qmc
from scipy.stats import t as student

from udfs.growth import GrowthData, simulate_data
from udfs.growth.importance import lesion_moments
from udfs.growth.information import curvature, lesion_scores
from udfs.growth.learning import learn_again
from udfs.growth.likelihood import loglik
from udfs.growth.minus2ll import minus2_loglik
from udfs.growth.models import TwoPopulation
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem, compile_problem
from udfs.growth.proposals import (
    Parts,
    Proposal,
    make_nodes,
    make_proposal,
    sobol,
    student4_quantile,
)
from udfs.growth.residual_error import ResidualError

GRID = 90
"""Points per axis of the brute-force integral over +-6 standard deviations: its own error, seen by
halving the spacing, is below 1e-4 on these wide posteriors."""
SAMPLED = 0.01
"""Error of one lesion's log-likelihood from 28,672 nodes: about 1 / sqrt(effective nodes)."""


def wide_proposal(problem: Problem, population: Population) -> Proposal:
    """Bells as wide as the population, one part for all."""
    n = problem.n_lesions
    mean = problem.design.mean(population.coefficients)
    cover = np.repeat(population.omega[:, :, None], n, axis=2)
    return make_proposal(Parts(np.stack([mean] * 3), np.stack([cover] * 3)), population)


def point(problem: Problem, full: bool = False) -> Population:
    """A population point near lesions' usual values."""
    omega = np.diag([0.8, 0.9, 1.5]) ** 2
    if full:
        omega[0, 2] = omega[2, 0] = 0.4 * 0.8 * 1.5
        omega[1, 2] = omega[2, 1] = -0.3 * 0.9 * 1.5
    coefficients = np.zeros(problem.design.mask.shape)
    coefficients[0] = [np.log(0.0033), np.log(0.015), np.log(3 / 7)]
    coefficients[1:] = 0.2 * problem.design.mask[1:]
    values = {"proportional": [0.3], "constant": [150.0], "combined": [50.0, 0.2]}
    return Population(coefficients, omega, np.array(values[problem.error.kind]))


def brute_force(problem: Problem, population: Population) -> float:
    """log of the integral over a grid, of one lesion."""
    sd, mean = population.sd, population.coefficients[0]
    axes = [np.linspace(-6, 6, GRID)] * 3
    z = np.stack([one.ravel() for one in np.meshgrid(*axes, indexing="ij")])
    phi = mean[:, None] + sd[:, None] * z
    psi = [one.to_psi(phi[k])[None] for k, one in enumerate(problem.model.parameters)]
    block = problem.block(np.array([0]))
    total = loglik(problem.model, problem.error, block, psi, population.error)[0]
    off = phi - mean[:, None]
    inverse = np.linalg.inv(population.omega)
    total = total - 0.5 * np.einsum("ks,kl,ls->s", off, inverse, off)
    top = total.max()
    cell = np.prod(sd * 12 / (GRID - 1))
    norm = np.sqrt((2 * np.pi) ** 3 * np.linalg.det(population.omega))
    return float(top + np.log(np.exp(total - top).sum() * cell / norm))


@pytest.mark.parametrize(
    ("error", "full"), [("proportional", False), ("proportional", True), ("combined", False)]
)
def test_likelihood_equals_a_brute_force_integral(error: str, full: bool):
    problem = problem_of(one_lesion(), error, count_baseline=False)
    population = point(problem, full)
    found = minus2_loglik(
        problem,
        population,
        make_proposal(learn_again(problem, population, np.array([0]), seed=1), population),
        [(np.array([0]), make_nodes(3, 28672, 1))],
        threads=1,
        pool=None,
    )
    assert found.minus2ll == pytest.approx(-2 * brute_force(problem, population), abs=2 * SAMPLED)
    assert found.mc_se < 4 * SAMPLED


def few_lesions(schedule: Callable[[int, int], GrowthData]) -> GrowthData:
    """Twelve lesions with an organ and an age."""
    base = schedule(12, 3)
    covariates = {"organ": np.array(["liver", "lung", "node"] * 4), "age": np.arange(12.0)}
    return simulate_data(replace(base, covariates=covariates), CRC_LIKE, seed=3)


@pytest.mark.parametrize(
    ("error", "omega", "covariates"),
    [
        ("proportional", "diagonal", {}),
        ("proportional", "full", {}),
        ("constant", "diagonal", {}),
        ("combined", "full", {"kg": ("organ",), "f": ("organ", "age")}),
    ],
)
def test_score_and_information_are_the_derivatives_of_the_likelihood(
    schedule: Callable, error: str, omega: str, covariates: dict
):
    problem = compile_problem(
        few_lesions(schedule),
        model=TwoPopulation(),
        error=ResidualError(error),
        censoring="interval",
        count_baseline=False,
        covariates=covariates,
        references={},
    )
    structure = Structure(problem.model, problem.error, omega, problem.design)
    theta = structure.pack(point(problem, omega == "full"))
    proposal = wide_proposal(problem, structure.unpack(theta))
    nodes = [(np.arange(problem.n_lesions), make_nodes(3, 448, 1))]

    def moments(at):
        return lesion_moments(
            structure, problem, structure.unpack(at), proposal, nodes, threads=1, pool=None
        )

    now = moments(theta)
    design = problem.design.values
    found = curvature(structure, theta, design, now)
    by_lesion = lesion_scores(structure, structure.unpack(theta), design, now)
    np.testing.assert_allclose(by_lesion.sum(axis=0), found.score, rtol=1e-9, atol=1e-9)
    h = 1e-4
    for k in range(structure.size):
        step = h * (np.arange(structure.size) == k)
        up, down = moments(theta + step), moments(theta - step)
        slope = (up.total - down.total) / (2 * h)
        assert found.score[k] == pytest.approx(slope, rel=1e-5, abs=1e-4)
        bend = (
            curvature(structure, theta + step, design, up).score
            - curvature(structure, theta - step, design, down).score
        ) / (2 * h)
        scale = np.abs(found.complete).max()
        np.testing.assert_allclose(-found.observed[k] / scale, bend / scale, atol=2e-6)


def test_theta_and_natural_scale_are_inverse(schedule: Callable):
    problem = compile_problem(
        few_lesions(schedule),
        model=TwoPopulation(),
        error=ResidualError("combined"),
        censoring="interval",
        count_baseline=False,
        covariates={"kg": ("organ",), "f": ("age",)},
        references={"organ": "liver"},
    )
    structure = Structure(problem.model, problem.error, "full", problem.design)
    population = point(problem, full=True)
    again = structure.unpack(structure.pack(population))
    np.testing.assert_allclose(again.omega, population.omega, rtol=1e-12)
    np.testing.assert_allclose(again.coefficients, population.coefficients)
    natural = dict(
        zip(structure.labels, structure.natural(structure.pack(population)), strict=True)
    )
    assert natural["kg_pop"] == pytest.approx(0.0033)
    assert natural["beta_kg_organ_lung"] == pytest.approx(0.2)
    assert natural["omega_f"] == pytest.approx(1.5)
    assert natural["corr_kg_f"] == pytest.approx(0.4)
    assert natural["corr_kd_f"] == pytest.approx(-0.3)
    assert natural["a"] == pytest.approx(50.0)


def test_sobol_points_are_scipys():
    ours = sobol(8, 256)
    theirs = qmc.Sobol(8, scramble=False).random_base2(8).T
    assert set(map(tuple, ours.T)) == set(map(tuple, theirs.T))


def test_student_quantiles_are_scipys():
    u = np.array([1e-12, 0.01, 0.3, 0.5, 0.7, 0.999])
    np.testing.assert_allclose(student4_quantile(u), student.ppf(u, 4), rtol=1e-9, atol=1e-12)
