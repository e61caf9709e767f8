"""Levels whose events fall on one side of all others: what is known of their hazard ratio."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from udfs.hazards import (
    Options,
    SeparatedTermError,
    cox_data,
    design,
    factor,
    fit_cox,
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
        assert found.is_infinite
        assert found.chi2 == pytest.approx(2 * (sup - _partial(0.0, level, event)), abs=1e-6)
    else:
        # A level without events at all is the same case towards 0.
        columns = design(factor("organ", level, reference="a"))
        found = one_sided(cox_data(TIMES, event, columns), "organ", "b", Options(variance=0.0))
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
