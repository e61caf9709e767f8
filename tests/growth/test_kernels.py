"""Compiled loops against NumPy, operation by operation and over a whole pass."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import problem_of

from udfs.growth import GrowthData, GrowthFit, TwoPopulation, kernels
from udfs.growth.importance import lesion_moments
from udfs.growth.kernels import draw_nodes, gradient_at, proposal_density, sums_at, weights_of
from udfs.growth.proposals import make_nodes

compiled = pytest.importorskip("udfs.growth.compiled", reason="Numba is not installed")

LAST_DIGITS = 4e-16
"""Two units in the last place."""
SAME = 1e-11
"""Rounding of some ten operations, enlarged where a large exponent or a squared residual is the
difference of near numbers."""
OF_TAILS = 1e-6
"""Where a curve is far above a limit the probability below it is the difference of two that agree
to ten digits."""


@pytest.fixture
def by_numpy(monkeypatch: pytest.MonkeyPatch):
    """Switches between the two ways."""

    def choose(is_numpy: bool) -> None:
        monkeypatch.setattr(kernels, "FEWEST_LESIONS", 10**9 if is_numpy else 1)

    return choose


def test_exponential_and_logarithm_have_all_their_digits() -> None:
    """Against the arithmetic of 50 digits."""
    from decimal import Decimal, getcontext

    getcontext().prec = 50
    rng = np.random.default_rng(3)
    exponents = np.concatenate([rng.uniform(-690, 690, 2000), rng.normal(0, 0.4, 1000), [0.0]])
    for x in exponents.tolist():
        exact = Decimal(x).exp()
        assert abs(Decimal(compiled.exponential(x)) / exact - 1) < LAST_DIGITS
    numbers = np.concatenate([np.exp(rng.uniform(-600, 600, 2000)), rng.uniform(0.6, 1.6, 1000)])
    for x in numbers.tolist():
        exact = Decimal(x).ln()
        assert abs(Decimal(compiled.logarithm(x)) - exact) <= Decimal(LAST_DIGITS) * abs(exact)
    assert compiled.exponential(0.0) == 1.0
    assert compiled.logarithm(1.0) == 0.0
    assert math.isclose(compiled.logarithm(math.e), 1.0, rel_tol=LAST_DIGITS)


@pytest.mark.parametrize("pretreatment", ["growth", "flat"])
def test_loops_give_what_numpy_gives(
    simulated_fit: GrowthFit, hnscc: GrowthData, by_numpy, pretreatment: str
) -> None:
    """Lesions with up to as many rows as the data have, some censored."""
    compiled_problem = problem_of(hnscc, count_baseline=False)
    problem = replace(
        compiled_problem,
        model=TwoPopulation(pretreatment=pretreatment),
        times=TwoPopulation(pretreatment=pretreatment).times(
            hnscc.time[compiled_problem.rows],
            hnscc.v0[hnscc.row_lesion[compiled_problem.rows]],
            hnscc.t0[hnscc.row_lesion[compiled_problem.rows]],
        ),
    )
    block = problem.block(np.arange(problem.n_lesions))
    assert len(block.rank_sizes) > 7
    assert len(block.censored) > 100
    rng = np.random.default_rng(5)
    centre = np.array([-5.5, -4.0, 0.0])[:, None, None]
    phi = rng.normal(0, 1.0, (3, problem.n_lesions, 16)) + centre
    found = []
    for is_numpy in (True, False):
        by_numpy(is_numpy)
        sums = sums_at(problem, block, phi)
        found.append((sums.log_scale, sums.square, sums.censored))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=SAME)


def test_the_gradient_is_that_of_numpy(hnscc: GrowthData, by_numpy) -> None:
    """Also far from any mode, where a censored row's probability is tiny."""
    problem = problem_of(hnscc, count_baseline=False)
    lesions = np.repeat(np.arange(problem.n_lesions), 8)
    block = problem.block(lesions)
    rng = np.random.default_rng(6)
    phi = rng.normal(0, 0.7, (3, len(lesions))) + np.array([-5.5, -4.0, 0.0])[:, None]
    found = []
    for is_numpy in (True, False):
        by_numpy(is_numpy)
        found.append(gradient_at(problem, block, phi, np.array([0.3])))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=OF_TAILS, atol=OF_TAILS)


def test_nodes_and_weights_are_those_of_numpy(simulated_fit: GrowthFit, by_numpy) -> None:
    fit = simulated_fit
    problem, nodes = fit.problem, make_nodes(3, 224, 1)
    lesions = np.arange(0, problem.n_lesions, 3)
    found = []
    for is_numpy in (True, False):
        by_numpy(is_numpy)
        phi, density = draw_nodes(problem, fit.proposal, nodes, lesions)
        again = proposal_density(problem, fit.proposal, lesions, phi)
        total = np.sin(100.0 * phi).sum(axis=0)
        weight, value = weights_of(problem, fit.population, lesions, phi, density, total)
        found.append((phi, density, again, total, weight, value))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=SAME, atol=SAME)


def test_a_pass_over_the_data_is_the_same(simulated_fit: GrowthFit, by_numpy) -> None:
    fit = simulated_fit
    groups = [(np.arange(fit.n_lesions), make_nodes(3, 448, 1))]
    found = []
    for is_numpy in (True, False):
        by_numpy(is_numpy)
        found.append(
            lesion_moments(
                fit.structure,
                fit.problem,
                fit.population,
                fit.proposal,
                groups,
                threads=1,
                pool=None,
            )
        )
    assert found[1].total == pytest.approx(found[0].total, rel=1e-12)
    np.testing.assert_allclose(found[1].features, found[0].features, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found[1].spread, found[0].spread, rtol=1e-8, atol=1e-6)


def test_few_lesions_and_other_models_take_numpy(simulated: GrowthData) -> None:
    problem = problem_of(simulated)
    assert problem.n_lesions < kernels.FEWEST_LESIONS
    assert kernels.kernels(problem) is None
    assert kernels.has_kernels(problem)
    assert not kernels.has_kernels(problem_of(simulated, "constant"))
    assert not kernels.has_kernels(replace(problem, model=TwoPopulation(baseline="parameter")))
