"""Levels whose events fall on one side of all others: what is known of their hazard ratio."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import logsumexp

from udfs.hazards import (
    Options,
    SeparatedTermError,
    cox_data,
    design,
    factor,
    fit_cox,
    numeric,
    one_sided,
    separated_column,
)

CHI2_95 = 3.841458820694124
"""95 % quantile of chi-squared with 1 df."""
LIMIT = 1e-3
"""Of a log hazard ratio: ten times the root finder's tolerance."""

TIMES = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
FIRST = np.array(["b", "b", "b", "a", "a", "a", "a", "a"])


def _partial(log_hr: float, level: np.ndarray, event: np.ndarray) -> float:
    """Cox's partial likelihood written out; times rise and have no ties."""
    eta = log_hr * (level == "b")
    return sum(eta[i] - np.log(np.exp(eta[i:]).sum()) for i in range(len(level)) if event[i])


@pytest.mark.parametrize("direction", [1, -1])
def test_the_limit_is_where_the_partial_likelihood_written_out_has_fallen(direction: int) -> None:
    event = np.ones(8, dtype=bool)
    if direction > 0:
        level = FIRST
    else:
        level = np.array(["a", "a", "a", "a", "a", "b", "b", "b"])
        event[-3:] = False
        event[-1] = False
    sup = _partial(direction * 40.0, level, event)

    def fallen(log_hr: float) -> float:
        return sup - CHI2_95 / 2 - _partial(log_hr, level, event)

    wanted = brentq(fallen, -20, 20)
    if direction > 0:
        columns = design(factor("organ", level, reference="a"))
        found = one_sided(cox_data(TIMES, event, columns), "organ", "b", Options(variance=0.0))
        assert found is not None
        assert found.is_infinite
        assert found.chi2 == pytest.approx(2 * (sup - _partial(0.0, level, event)), abs=1e-6)
    else:
        # A level without events at all is the same case towards 0.
        columns = design(factor("organ", level, reference="a"))
        found = one_sided(cox_data(TIMES, event, columns), "organ", "b", Options(variance=0.0))
        assert found is not None
        assert not found.is_infinite
    assert found.log_limit == pytest.approx(wanted, abs=LIMIT)


def _lesions(seed: int, n: int = 150) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n), 4)
    organ = rng.choice(["liver", "lung", "bone", "brain"], size=4 * n, p=[0.5, 0.3, 0.15, 0.05])
    time = rng.exponential(100 / np.exp(rng.normal(0, 0.7, n)[patient]))
    limit = rng.uniform(20, 400, 4 * n)
    event = time <= limit
    time = np.ceil(np.minimum(time, limit)) + 1
    brain = organ == "brain"
    time[brain], event[brain] = 1.0, True
    return patient, organ, time, event


@pytest.mark.parametrize("method", ["laplace", "sparse", "aghq"])
def test_a_separated_organ_is_named_whatever_the_method(method: str) -> None:
    patient, organ, time, event = _lesions(0)
    data = cox_data(time, event, design(factor("organ", organ, reference="liver")), group=patient)
    with pytest.raises(SeparatedTermError, match=r"'brain'.*infinity") as refused:
        fit_cox(data, Options(method=method))
    assert (refused.value.term, refused.value.label) == ("organ", "brain")
    assert separated_column(data) == ("organ", "brain")


def test_an_ordinary_organ_is_not_called_separated() -> None:
    patient, organ, time, event = _lesions(0)
    time = time + np.random.default_rng(1).uniform(0, 100, len(time))
    data = cox_data(time, event, design(factor("organ", organ, reference="liver")), group=patient)
    assert separated_column(data) is None


# R 4 with survival: coxph(Surv(time, event) ~ organ + x), brain without events. The profile is
# coxph with offset(b * brain) and without brain's column, its supremum coxph without brain's rows;
# the limit is where the first is qchisq(.95, 1) / 2 below the second (uniroot to 1e-10).
R_LOG_LIMIT, R_CHI2, R_P_VALUE = -2.00693576, 19.75145552, 8.8194502e-06
R_OTHERS = {"lung": -0.40861766909, "bone": 0.06091144155, "x": -0.14635848395}


def _without_events_in_brain() -> tuple[np.ndarray, ...]:
    i = np.arange(80)
    organ = np.array(["liver", "lung", "bone", "brain"])[(i * 7 + i // 4) % 4]
    event = ((i * 13) % 10 < 6) & (organ != "brain")
    return (37 * i) % 101 + 1.0, event, organ, ((i * 29) % 17) / 10


def test_a_level_without_events_has_r_s_limit_and_p_value() -> None:
    time, event, organ, x = _without_events_in_brain()
    columns = design(factor("organ", organ, reference="liver"), numeric("x", x))
    found = one_sided(cox_data(time, event, columns), "organ", "brain", Options(variance=0.0))
    assert found is not None
    assert not found.is_infinite
    assert found.log_limit == pytest.approx(R_LOG_LIMIT, abs=LIMIT)
    assert found.chi2 == pytest.approx(R_CHI2, abs=1e-5)
    assert found.p_value == pytest.approx(R_P_VALUE, rel=1e-4)


def test_the_other_levels_have_the_estimates_of_the_limit() -> None:
    """Without the rows of brain, as R's coxph has them with its coefficient at -20."""
    time, event, organ, x = _without_events_in_brain()
    rest = organ != "brain"
    columns = design(factor("organ", organ[rest], reference="liver"), numeric("x", x[rest]))
    fit = fit_cox(cox_data(time[rest], event[rest], columns), Options(variance=0.0))
    got = dict(zip((label for _, label in fit.columns), fit.coefficient, strict=True))
    assert got == pytest.approx(R_OTHERS, abs=1e-7)


@pytest.mark.parametrize("method", ["laplace", "aghq"])
def test_with_a_random_effect_the_limit_is_below_the_supremum_without_the_rows(method: str) -> None:
    """The supremum is that of the data without the level's rows, whatever stands for infinity."""
    patient, organ, time, event = _lesions(0)
    event = event & (organ != "brain")
    time = time + np.random.default_rng(1).uniform(0, 100, len(time))
    options = Options(method=method)
    data = cox_data(time, event, design(factor("organ", organ, reference="liver")), group=patient)
    found = one_sided(data, "organ", "brain", options)
    assert found is not None
    assert found.log_limit < 0
    rest = organ != "brain"
    limit = cox_data(
        time[rest],
        event[rest],
        design(factor("organ", organ[rest], reference="liver")),
        group=patient[rest],
    )
    supremum = fit_cox(limit, options).loglik_integrated
    for log_hr, fall in ((found.log_limit, CHI2_95 / 2), (0.0, found.chi2 / 2)):
        shifted = cox_data(
            time,
            event,
            design(factor("organ", np.where(rest, organ, "liver"), reference="liver")),
            group=patient,
            offset=log_hr * ~rest,
        )
        assert supremum - fit_cox(shifted, options).loglik_integrated == pytest.approx(
            fall, abs=2e-3
        )


def test_a_level_never_at_risk_when_an_event_happens_has_no_limit() -> None:
    level = np.array(["b", "b", "a", "c", "a", "c"])
    event = np.array([False, False, True, True, True, True])
    columns = design(factor("organ", level, reference="a"))
    data = cox_data(np.arange(1.0, 7.0), event, columns)
    assert one_sided(data, "organ", "b", Options(variance=0.0)) is None


def test_a_level_beside_another_that_separates_upwards_has_no_limit():
    """Three deaths among 159 patients (CDISC's pilot data, groups by organs that shrank).

    Group c can take the first death's whole likelihood, whatever the ratio of group b: worked out
    by maximising Efron's likelihood, written out, over the other groups, the profile of b is flat.
    A Newton step on the way is so long that no row keeps any weight.
    """
    file = Path(__file__).parents[1] / "data" / "hazards" / "three_deaths.csv"
    with file.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    time = np.array([float(row["days"]) for row in rows])
    event = np.array([row["died"] == "1" for row in rows])
    columns = design(factor("group", np.array([row["group"] for row in rows]), reference="a"))
    found = one_sided(cox_data(time, event, columns), "group", "b", Options(variance=0.0))
    assert found is None


def _few(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times without ties, events and groups of a few people, of whom group b has no event."""
    random = np.random.default_rng(seed)
    n = int(random.integers(6, 40))
    group, time = random.choice(list("abcd"), n), random.permutation(n) + 1.0
    event = (random.random(n) < 0.35) & (group != "b")
    kept = np.isin(group, [name for name in "abcd" if name == "b" or event[group == name].any()])
    return time[kept], event[kept], group[kept]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 8, 10, 117, 318, 343, 598])
def test_the_limit_of_few_events_is_that_of_brute_force(seed: int) -> None:
    """With four groups and a handful of events other groups separate as well: Newton's steps then
    grow until the derivatives overflow (seeds from 117 on). Brute force: Cox's likelihood written
    out, the other groups' ratios within exp(+-30), by a bounded quasi-Newton search."""
    time, event, group = _few(seed)
    others = [name for name in np.unique(group) if name not in "ab"]

    def profile(log_hr: float) -> float:
        def minus_loglik(b: np.ndarray) -> float:
            eta = log_hr * (group == "b")
            eta = eta + sum((x * (group == name) for x, name in zip(b, others, strict=True)), 0.0)
            return -sum(eta[i] - logsumexp(eta[time >= time[i]]) for i in np.flatnonzero(event))

        if not others:
            return -minus_loglik(np.empty(0))
        start = np.zeros(len(others))
        return -float(minimize(minus_loglik, start, bounds=[(-30.0, 30.0)] * len(others)).fun)

    columns = design(factor("group", group, reference="a"))
    found = one_sided(cox_data(time, event, columns), "group", "b", Options(variance=0.0))
    supremum, drop = profile(-30.0), CHI2_95 / 2
    if found is None:
        assert supremum - profile(30.0) < drop
    else:
        # To what the search's own stop (1e-5 of a slope) leaves open.
        assert supremum - profile(found.log_limit) == pytest.approx(drop, abs=2e-3)
        assert found.chi2 == pytest.approx(2 * (supremum - profile(0.0)), abs=2e-3)
