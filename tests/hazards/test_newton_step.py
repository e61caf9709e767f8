"""Newton's step by the Hessian written out against products with it, which differences test."""

from __future__ import annotations

import numpy as np
import pytest
from hazards.hazard_cases import random_data

from udfs.hazards import Options, fit_cox
from udfs.hazards import problem as problem_module
from udfs.hazards.arrays import unit
from udfs.hazards.determinant import Determinant, whole_log_det
from udfs.hazards.prior import Prior
from udfs.hazards.problem import prepare
from udfs.hazards.solver import PenalisedHessian, maximise, snapshot

ROUNDING = 1e-11
"""Of sums of a few hundred terms of order 1."""
SEARCH = 1e-6
"""Of estimates: the search for the variance ends at a step of 1e-5 of its logarithm, near which
values differ by that step's square."""
MODE = 1e-8
"""Of coefficients and effects at a mode: steps end where a squared distance is below 1e-18."""
LAYOUTS = [
    {},
    {"strata": True, "weighted": True},
    {"nested": True, "weighted": True, "offset": True},
]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_hessian_written_out_is_that_of_the_products(
    layout: dict[str, bool], ties: str
) -> None:
    problem = prepare(random_data(6, **layout), ties)  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    p, k = problem.n_columns, problem.n_groups
    partial = problem.partial(rng.normal(0, 0.4, p), rng.normal(0, 0.8, k))
    times = PenalisedHessian(problem, partial, Prior(np.inf)).times
    columns = [np.concatenate(times((v[:p], v[p:]))) for v in np.eye(p + k)]
    found = problem.information(partial, with_groups=True)
    np.testing.assert_allclose(found, np.array(columns).T, rtol=ROUNDING, atol=ROUNDING)
    bare = [times((unit(p, j), np.zeros(0)))[0] for j in range(p)]
    found = problem.information(partial, with_groups=False)
    np.testing.assert_allclose(found, np.array(bare).T, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fits_are_the_same_by_either_step(
    layout: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = random_data(4, n=240, n_groups=30, **layout)  # type: ignore[arg-type]
    direct = fit_cox(data, Options())
    assert prepare(data).is_small
    monkeypatch.setattr(problem_module, "SMALL", 0)
    assert not prepare(data).is_small
    iterated = fit_cox(data, Options())
    assert direct.variance == pytest.approx(iterated.variance, rel=SEARCH)
    np.testing.assert_allclose(direct.coefficient, iterated.coefficient, atol=SEARCH)
    np.testing.assert_allclose(direct.covariance, iterated.covariance, atol=SEARCH)


@pytest.mark.parametrize("far", [0.0, 0.5, 2.0])
def test_a_factor_from_elsewhere_leads_to_the_same_mode(far: float) -> None:
    problem = prepare(random_data(6))
    prior = Prior(0.6)
    rng = np.random.default_rng(5)
    start = np.zeros(problem.n_columns), np.zeros(problem.n_groups)
    taken = snapshot(problem, problem.partial(*start))
    own = maximise(problem, prior, *start, taken)
    elsewhere = problem.partial(own.b, own.u + far * rng.normal(size=problem.n_groups))
    given = problem.information(elsewhere, with_groups=True)
    found = maximise(problem, prior, *start, taken, given)
    assert own.is_converged
    assert found.is_converged
    np.testing.assert_allclose(found.b, own.b, rtol=0, atol=MODE)
    np.testing.assert_allclose(found.u, own.u, rtol=0, atol=MODE)


def test_the_determinant_written_out_is_that_of_the_blocks() -> None:
    problem = prepare(random_data(6))
    p = problem.n_columns
    partial = problem.partial(np.full(p, 0.2), np.linspace(-0.5, 0.5, problem.n_groups))
    whole = whole_log_det(problem.information(partial, with_groups=True)[p:, p:], 0.7)
    blocks = Determinant(problem, "exact").value(partial, 0.7)
    assert whole == pytest.approx(blocks, rel=ROUNDING)


def test_rows_that_enter_late_are_iterated() -> None:
    assert not prepare(random_data(6, truncated=True)).is_small
