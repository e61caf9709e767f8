"""The partial likelihood and its derivatives against a loop over event times."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hazards.hazard_cases import plain_eta, plain_loglik, random_data

from udfs.hazards import CoxData, cox_data, design, numeric
from udfs.hazards.problem import prepare

# Two orders of summing at most a few hundred terms of size 1 to 10.
ROUNDING = 1e-12
# A central difference with step 1e-4 leaves third derivatives times 1e-8.
DIFFERENCE = 1e-6

LAYOUTS = [
    {"truncated": t, "strata": s, "weighted": w, "offset": o}
    for t, s, w, o in product((False, True), repeat=4)
]
TIES = ["efron", "breslow"]


def test_three_events_worked_out_by_hand() -> None:
    data = cox_data([1, 2, 3], [1, 1, 1], design(numeric("x", [np.log(2), 0, 0])))
    problem = prepare(data)
    b = np.array([problem.columns.scale[0]])
    assert problem.partial(b).loglik == pytest.approx(np.log(2 / 4) + np.log(1 / 2))


def test_efron_tie_worked_out_by_hand() -> None:
    # Rows with hazards 2 and 1 die together, one of hazard 1 is left: 2/4 * 1/(4 - 3/2).
    data = cox_data([1, 1, 2], [1, 1, 0], design(numeric("x", [np.log(2), 0, 0])))
    for ties, second in (("efron", 4 - 3 / 2), ("breslow", 4.0)):
        problem = prepare(data, ties)  # type: ignore[arg-type]
        b = np.array([problem.columns.scale[0]])
        assert problem.partial(b).loglik == pytest.approx(np.log(2 / 4) + np.log(1 / second))


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_loglik_equals_loop_over_event_times(layout: dict[str, bool], ties: str) -> None:
    data = random_data(3, **layout)
    problem = prepare(data, ties)  # type: ignore[arg-type]
    b, u = _point(data)
    expected = plain_loglik(data, plain_eta(data, b, u), ties)
    # Centring a number moves every linear predictor alike, which the likelihood does not see.
    found = problem.partial(b * problem.columns.scale, u[problem.active_groups])
    assert found.loglik == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("layout", LAYOUTS[::3])
def test_gradient_and_hessian_product_equal_differences(layout: dict[str, bool], ties: str) -> None:
    problem = prepare(random_data(4, **layout), ties)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    eta = rng.normal(0, 0.7, problem.index.n_rows)
    from udfs.hazards.partial import partial_likelihood

    at = partial_likelihood(problem.index, eta)
    gradient = problem.index.event_weight - at.expected
    step = 1e-4
    for _ in range(5):
        v = rng.normal(size=len(eta))
        up, down = (partial_likelihood(problem.index, eta + s * step * v) for s in (1, -1))
        assert (up.loglik - down.loglik) / (2 * step) == pytest.approx(
            gradient @ v, rel=DIFFERENCE, abs=DIFFERENCE
        )
        slope = (up.expected - down.expected) / (2 * step)
        product_ = at.hessian_times(problem.index, v)
        np.testing.assert_allclose(product_, slope, rtol=DIFFERENCE, atol=DIFFERENCE)


def test_small_risk_set_before_millions_enter_keeps_its_digits() -> None:
    # At time 1 two rows are at risk; the rest, with hazards e^12 higher, enter later.
    n = 2000
    rng = np.random.default_rng(0)
    start = np.concatenate([[0, 0], np.full(n, 1.5)])
    stop = np.concatenate([[1, 3], rng.uniform(2, 4, n)])
    x = np.concatenate([[-1.0, -1.3], np.full(n, 12.0) + rng.normal(size=n)])
    event = np.concatenate([[1, 0], np.ones(n)])
    problem = prepare(cox_data(stop, event, design(numeric("x", x)), start=start))
    b = problem.columns.scale
    partial = problem.partial(b)
    at_one = partial.a2[0] * np.exp(-2 * (partial.shift + float(problem.columns.centre @ (b / b))))
    assert at_one == pytest.approx((np.exp(-1.0) + np.exp(-1.3)) ** -2, rel=1e-12)


def test_rows_never_at_risk_at_an_event_change_nothing() -> None:
    data = random_data(5, truncated=True)
    stop = np.concatenate([data.stop, [data.stop.max() + 3]])
    start = np.concatenate([data.start if data.start is not None else [], [data.stop.max() + 1]])
    x = np.concatenate([data.design.matrix()[:, 0], [1.0]])
    one = cox_data(data.stop, data.event, design(numeric("x", x[:-1])), start=data.start)
    two = cox_data(stop, np.append(data.event, False), design(numeric("x", x)), start=start)
    b = np.array([0.3])
    found = [prepare(d).partial(b * prepare(d).columns.scale).loglik for d in (one, two)]
    assert found[0] == pytest.approx(found[1], rel=ROUNDING)


def _point(data: CoxData) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.5, 3), rng.normal(0, 0.8, len(np.unique(data.group)))
