"""The log-determinant by all ways against a dense Cholesky factor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hazards.hazard_cases import random_data

from udfs.hazards import determinant as determinant_module
from udfs.hazards.determinant import determinant_for
from udfs.hazards.frailty import conditional_variance
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem, prepare

# Rounding of a factorisation of at most 500 rows; the sum is of order 100.
EXACT = 1e-12
# Fixed probes estimate what 8 or more eigenvalues leave (stops at a standard error of 2e-5); a
# hundred groups leave more than the thousands that it is meant for.
LANCZOS = 2e-4
VARIANCE = 0.8

LAYOUTS = [
    {},
    {"truncated": True},
    {"strata": True, "weighted": True},
    {"nested": True, "truncated": True},
    {"nested": True, "weighted": True, "offset": True},
]


def dense_hessian(problem: CoxProblem, partial: Partial) -> np.ndarray:
    """From row-wise Hessian products, which are tested by differences."""
    k = problem.n_groups
    return np.array(
        [
            problem.by_group(partial.hessian_times(problem.index, problem.by_row(row)))
            for row in np.eye(k)
        ]
    )


def _at(layout: dict[str, bool], ties: str, n: int = 900, n_groups: int = 90) -> tuple:
    problem = prepare(random_data(6, n=n, n_groups=n_groups, **layout), ties)  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    u = rng.normal(0, 0.8, problem.n_groups)
    partial = problem.partial(rng.normal(0, 0.4, 3), u)
    hessian = dense_hessian(problem, partial)
    factor = np.linalg.cholesky(np.eye(len(u)) + VARIANCE * hessian)
    return problem, partial, hessian, 2 * float(np.log(np.diag(factor)).sum())


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_exact_equals_dense_cholesky(layout: dict[str, bool], ties: str) -> None:
    problem, partial, hessian, expected = _at(layout, ties)
    found = determinant_for(problem, "exact").value(partial, VARIANCE)
    assert found == pytest.approx(expected, rel=EXACT)
    group = problem.group_hessian(partial)
    np.testing.assert_allclose(group.diagonal, np.diag(hessian), rtol=1e-9, atol=1e-12)
    v = np.random.default_rng(3).normal(size=len(hessian))
    np.testing.assert_allclose(group.times(v), hessian @ v, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_points_side_and_groups_side_agree(
    layout: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, partial, _, expected = _at(layout, "efron")
    for cost in (np.inf, -np.inf):
        monkeypatch.setattr(determinant_module, "_groups_cost", _constant(cost))
        found = determinant_for(problem, "exact").value(partial, VARIANCE)
        assert found == pytest.approx(expected, rel=EXACT)


def test_groups_side_in_stretches_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, partial, _, expected = _at({"strata": True, "truncated": True}, "efron")
    monkeypatch.setattr(determinant_module, "_groups_cost", _constant(-np.inf))
    monkeypatch.setattr(determinant_module, "CELLS", 64 * problem.n_groups // 10)
    monkeypatch.setattr(determinant_module, "MIN_WIDTH", 3)
    found = determinant_for(problem, "exact").value(partial, VARIANCE)
    assert found == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lanczos_is_near_and_always_the_same(layout: dict[str, bool]) -> None:
    problem, partial, _, expected = _at(layout, "efron")
    found = [determinant_for(problem, "lanczos").value(partial, VARIANCE) for _ in range(2)]
    assert found[0] == pytest.approx(expected, abs=LANCZOS)
    assert found[0] == found[1]


def test_sparse_keeps_the_diagonal_and_whole_rows_of_large_groups() -> None:
    # 60 groups; the first has a third of the rows, the others below 2 % each.
    data = random_data(7, n=1200, n_groups=60)
    group = np.where(np.arange(1200) < 400, 0, np.asarray(data.group))
    problem = prepare(type(data)(data.stop, data.event, data.design, None, group))
    rows = problem.rows_per_group
    large = rows[problem.active_groups] > 0.02 * rows.sum()
    partial = problem.partial(np.zeros(3), np.zeros(problem.n_groups))
    hessian = dense_hessian(problem, partial)
    hessian[~large[:, None] & ~large[None, :] & ~np.eye(len(large), dtype=bool)] = 0
    expected = np.linalg.slogdet(np.eye(len(large)) + VARIANCE * hessian)[1]
    found = determinant_for(problem, "sparse").value(partial, VARIANCE)
    assert found == pytest.approx(expected, rel=EXACT)
    assert 0 < large.sum() < len(large)


def test_sparse_is_exact_below_fifty_groups() -> None:
    problem, partial, _, expected = _at({}, "efron", n=300, n_groups=40)
    found = determinant_for(problem, "sparse").value(partial, VARIANCE)
    assert found == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conditional_variance_equals_dense_inverse(
    layout: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    from udfs.hazards import frailty

    problem, partial, hessian, _ = _at(layout, "efron")
    expected = np.diag(np.linalg.inv(hessian + np.eye(len(hessian)) / VARIANCE))
    np.testing.assert_allclose(
        conditional_variance(problem, partial, VARIANCE), expected, rtol=1e-10
    )
    monkeypatch.setattr(frailty, "DENSE_GROUPS", 0)
    # What is left out falls with the square of the number of groups; these are 30 to a block.
    np.testing.assert_allclose(
        conditional_variance(problem, partial, VARIANCE), expected, rtol=2e-2
    )


@pytest.mark.parametrize("schedule", ["exact", "scan"])
def test_full_rank_choices_by_size(schedule: str) -> None:
    from udfs.hazards import simulate_lesions

    lesions = simulate_lesions(600, 5000, seed=2, schedule=schedule)  # type: ignore[arg-type]
    problem = prepare(lesions.data())
    kind = determinant_for(problem, "auto").kind
    assert kind == "exact"  # 600 groups are few enough for one side or the other
    partial = problem.partial(np.zeros(problem.n_columns), np.zeros(problem.n_groups))
    exact = determinant_for(problem, "exact").value(partial, VARIANCE)
    lanczos = determinant_for(problem, "lanczos").value(partial, VARIANCE)
    assert lanczos == pytest.approx(exact, abs=1e-4)


def _constant(cost: float) -> Callable[[object], float]:
    return lambda _: cost
