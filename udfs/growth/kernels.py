"""Which lesions are worth compiled loops, and the arrays that these take."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from udfs.growth.likelihood import (
    ErrorTerms,
    RowSums,
    add_censored,
    censored_pull,
    error_terms,
    loglik,
    loglik_of_sums,
    phi_gradient,
    row_constant,
    row_sums,
    standard_bounds,
    terms_of_sums,
)
from udfs.growth.models import TwoPopulation
from udfs.growth.parameters import FloatArray, IntArray, to_psi
from udfs.growth.population import Population
from udfs.growth.problem import Block, Problem
from udfs.growth.proposals import (
    Bells,
    Nodes,
    Proposal,
    bells_density,
    node_places,
    proposal_bells,
    shift_of,
)
from udfs.growth.residual_error import log_interval_probability

FEWEST_LESIONS = 2000
"""Of a fit, for compiled loops. Loading them takes half a second, compiling them for the first time
some seconds: less than a hundred thousandth of which they save per lesion. What is done depends on
the data alone, so that the same data give the same bytes."""


def kernels(problem: Problem) -> ModuleType | None:
    """``compiled`` where it holds the problem's model and pays, else (or without Numba) None."""
    if problem.n_lesions < FEWEST_LESIONS or not has_kernels(problem) or not has_numba():
        return None
    return import_module("udfs.growth.compiled")


@lru_cache(maxsize=1)
def has_numba() -> bool:
    """Whether the compiler is there; without it all is done by NumPy, with other last digits."""
    return find_spec("numba") is not None


def has_kernels(problem: Problem) -> bool:
    """Whether loops for the problem's model are written."""
    model = problem.model
    is_known = type(model) is TwoPopulation and model.baseline == "regressor"
    return is_known and problem.error.kind == "proportional"


def draw_nodes(
    problem: Problem, proposal: Proposal, nodes: Nodes, lesions: IntArray
) -> tuple[FloatArray, FloatArray]:
    """(p, n, R) phi at the nodes of some lesions, and the (n, R) density of the proposal there."""
    loops = kernels(problem)
    bells = proposal_bells(problem, proposal, lesions, nodes.prior_share)
    if loops is None:
        phi = node_places(nodes, bells, lesions)
        return phi, bells_density(bells, phi)
    shift, turn = shift_of(nodes, lesions)
    phi = np.empty((problem.n_parameters, len(lesions), nodes.count))
    turned = bells.factor @ turn[:, None]
    points = nodes.bells_by_shift, nodes.normal_by_shift
    loops.place_nodes(*points, shift, turned, bells.centre, phi)
    return phi, _density(loops, bells, phi)


def proposal_density(
    problem: Problem, proposal: Proposal, lesions: IntArray, phi: FloatArray
) -> FloatArray:
    """(n, R) density of the proposal of some lesions at (p, n, R) points."""
    loops = kernels(problem)
    bells = proposal_bells(problem, proposal, lesions)
    if loops is None:
        return bells_density(bells, phi)
    return _density(loops, bells, np.ascontiguousarray(phi))


def _density(loops: ModuleType, bells: Bells, phi: FloatArray) -> FloatArray:
    out = np.empty(phi.shape[1:])
    loops.node_density(phi, bells.centre, bells.inverse, bells.scale, bells.normal_scale, out)
    return out


def sums_at(problem: Problem, block: Block, phi: FloatArray) -> RowSums:
    """Sums over the rows of each lesion of a block at (p, n, R) points; no combined error."""
    loops = kernels(problem)
    if loops is None:
        psi = [one.to_psi(phi[k]) for k, one in enumerate(problem.model.parameters)]
        return row_sums(problem.model, problem.error, block, psi)
    place = np.full(len(block.y), -1)
    place[block.censored] = np.arange(len(block.censored))
    times = block.times
    rows = (times.since_baseline, times.before_dose, times.since_dose, times.v0, block.y)
    log_scale, square = np.empty((2, *phi.shape[1:]))
    at_censored = np.empty((len(block.censored), phi.shape[2]))
    loops.two_population_sums(
        np.ascontiguousarray(phi),
        np.array(block.rank_sizes),
        *(one[:, 0] for one in rows),
        place,
        log_scale,
        square,
        at_censored,
    )
    return RowSums(log_scale, square, at_censored)


def loglik_at(problem: Problem, block: Block, phi: FloatArray, values: FloatArray) -> FloatArray:
    """(n, R) log p(y | phi) at (p, n, R) points, with the (e,) error parameters ``values``."""
    if problem.error.kind == "combined":
        psi = to_psi(problem.model.parameters, phi)
        return loglik(problem.model, problem.error, block, list(psi), values)
    return loglik_of_sums(problem.error, block, sums_at(problem, block, phi), values)


def error_terms_at(
    problem: Problem, block: Block, phi: FloatArray, values: FloatArray
) -> ErrorTerms:
    """The same with its derivatives in the log error parameters."""
    if problem.error.kind == "combined":
        psi = to_psi(problem.model.parameters, phi)
        return error_terms(problem.model, problem.error, block, list(psi), values)
    return terms_of_sums(problem.error, block, sums_at(problem, block, phi), values)


def gradient_at(
    problem: Problem, block: Block, phi: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) log p(y | phi) and (p, n) its gradient in phi, for (p, n) phi of a block's lesions."""
    loops = kernels(problem)
    if loops is None:
        value, gradient = phi_gradient(problem.model, problem.error, block, phi[:, :, None], values)
        return value[:, 0], gradient[:, :, 0]
    parameters = problem.model.parameters
    psi = to_psi(parameters, phi)
    times, b = block.times, float(values[0])
    is_measured = np.ones(len(block.y))
    is_measured[block.censored] = 0.0
    rows = (times.since_baseline, times.before_dose, times.since_dose, times.v0, block.y)
    value, gradient = np.empty(psi.shape[1]), np.empty(psi.shape)
    volume, slopes = np.empty(len(block.y)), np.empty((len(psi), len(block.y)))
    loops.two_population_gradient(
        psi,
        np.array(block.rank_sizes),
        *(one[:, 0] for one in rows),
        is_measured,
        b,
        value,
        gradient,
        volume,
        slopes,
    )
    value -= block.n_measured[:, 0] * row_constant(problem.error, values)
    if len(block.censored):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            f = volume[block.censored, None]
            low, high = standard_bounds(problem.error, block, f, values)
            log_p = log_interval_probability(low, high)
            by_f = censored_pull(problem.error, low, high, log_p, values) / (b * f)
            pulled = np.nan_to_num(
                by_f * slopes[:, block.censored].T, nan=0.0, posinf=1e150, neginf=-1e150
            )
        add_censored(block, value, log_p[:, 0])
        for k, into in enumerate(gradient):
            add_censored(block, into, pulled[:, k])
    for k, one in enumerate(parameters):
        gradient[k] *= one.slope(psi[k])
    return value, gradient


def weights_of(
    problem: Problem,
    population: Population,
    lesions: IntArray,
    phi: FloatArray,
    density: FloatArray,
    total: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(n, R) normalised weights of nodes, and (n,) log of their mean.

    Args:
        phi: (p, n, R)
        density: (n, R) of the proposal.
        total: (n, R) log p(y | phi); in place, log p(y, phi).
    """
    loops = kernels(problem)
    mean = problem.design.mean(population.coefficients, lesions)
    if loops is None:
        total += log_population(phi - mean[:, :, None], population.omega)
        top = np.maximum(total.max(axis=1, keepdims=True), -1e300)
        weight = total - top
        np.exp(weight, out=weight)
        weight /= density
        sums = weight.sum(axis=1, keepdims=True)
        value = (top + np.log(np.maximum(sums, 1e-300) / phi.shape[2]))[:, 0]
        weight *= 1.0 / np.maximum(sums, 1e-300)
        return weight, value
    weight, value = np.empty_like(total), np.empty(len(total))
    precision = np.linalg.inv(population.omega)
    constant = -0.5 * (len(phi) * np.log(2.0 * np.pi) + np.linalg.slogdet(population.omega)[1])
    loops.weigh_nodes(
        phi, np.ascontiguousarray(mean.T), precision, constant, density, total, weight, value
    )
    return weight, value


def log_population(off: FloatArray, omega: FloatArray) -> FloatArray:
    """(...) log density of N(0, omega) at (p, ...) deviations."""
    p = len(off)
    precision = np.linalg.inv(omega)
    total = np.zeros(off.shape[1:])
    for k in range(p):
        total += precision[k, k] * off[k] * off[k]
        for other in range(k):
            if precision[k, other] != 0.0:
                total += (2.0 * precision[k, other]) * off[k] * off[other]
    total *= -0.5
    total -= 0.5 * (p * np.log(2.0 * np.pi) + np.linalg.slogdet(omega)[1])
    return total
