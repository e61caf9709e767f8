"""Log-rank tests against R, lifelines, hand calculations and a sum written out."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import folder_with

from udfs.survival import LogRank, log_rank, log_rank_trend

R_DIGITS = 1e-10
"""R's numbers were written with 12 decimals, expected events being up to 160."""

# name: file, group, stratum, rho
TESTS: dict[str, tuple[str, str, str | None, float]] = {
    "colon_rx": ("colon.csv", "rx", None, 0),
    "lung_sex": ("lung.csv", "sex", None, 0),
    "lung_sex_rho1": ("lung.csv", "sex", None, 1),
    "vet_trt": ("veteran.csv", "trt", None, 0),
    "vet_cell": ("veteran.csv", "celltype", None, 0),
    "lung_sex_strat_inst": ("lung.csv", "sex", "inst", 0),
    "vet_trt_strat_cell": ("veteran.csv", "trt", "celltype", 0),
    "arm": ("trial.csv", "arm", None, 0),
    "arm_rho1": ("trial.csv", "arm", None, 1),
    "arm_strat_site": ("trial.csv", "arm", "site", 0),
}
GROUPS = {
    "rx": ["Obs", "Lev", "Lev+5FU"],
    "sex": ["1", "2"],
    "trt": ["1", "2"],
    "arm": ["control", "single", "double"],
    "celltype": ["squamous", "smallcell", "adeno", "large"],
}


@pytest.mark.parametrize("name", TESTS)
def test_statistic_expected_and_variance_are_those_of_r(
    request: pytest.FixtureRequest, name: str
) -> None:
    file, key, stratum, rho = TESTS[name]
    folder = folder_with(request, file, "survival", "reference/survival")
    reference = json.loads((folder / "survival_reference.json").read_text())["logrank"][name]
    with (folder / file).open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row.get("etype", "2") == "2"]
    rows = [row for row in rows if stratum is None or row[stratum]]
    event = "2" if file == "lung.csv" else "1"
    order = GROUPS[key]
    found = log_rank(
        [float(row["time"]) for row in rows],
        [row["status"] == event for row in rows],
        [order.index(row[key]) for row in rows],
        stratum=None if stratum is None else [row[stratum] for row in rows],
        rho=rho,
    )
    assert found.n.tolist() == reference["n"]
    np.testing.assert_allclose(found.observed, reference["obs"], rtol=R_DIGITS)
    np.testing.assert_allclose(found.expected, reference["exp"], rtol=R_DIGITS)
    np.testing.assert_allclose(found.covariance, reference["var"], rtol=R_DIGITS)
    assert found.statistic == pytest.approx(reference["chisq"], rel=R_DIGITS)
    assert found.df == reference["df"]
    assert found.p_value == pytest.approx(reference["p"], rel=1e-9)


def small() -> LogRank:
    return log_rank([1, 4, 2, 5], [1, 1, 1, 0], ["A", "A", "B", "B"])


def test_four_subjects_by_hand() -> None:
    found = small()
    np.testing.assert_allclose(found.observed, [2, 1])
    np.testing.assert_allclose(found.expected, [4 / 3, 5 / 3], rtol=1e-14)
    assert found.covariance[0, 0] == pytest.approx(13 / 18, rel=1e-14)
    assert found.statistic == pytest.approx(8 / 13, rel=1e-13)
    assert found.df == 1


def test_the_trend_of_two_groups_is_the_test_itself() -> None:
    found = small()
    trend = log_rank_trend(found)
    assert trend.statistic == pytest.approx(found.statistic, rel=1e-13)
    assert trend.p_value == pytest.approx(found.p_value, rel=1e-12)
    assert trend.z < 0  # the second group has fewer events than expected


def test_a_trend_is_the_test_of_the_scores() -> None:
    """s'(O - E) over its standard deviation, with O - E and V taken from the test by hand."""
    rng = np.random.default_rng(2)
    group = rng.integers(0, 3, 90)
    time, event = np.ceil(rng.exponential(50 / (1 + group))), rng.random(90) < 0.8
    test = log_rank(time, event, group)
    s = [0, 1, 5]
    difference = sum(a * (o - e) for a, o, e in zip(s, test.observed, test.expected, strict=True))
    variance = sum(s[i] * s[j] * test.covariance[i, j] for i in range(3) for j in range(3))
    trend = log_rank_trend(test, s)
    assert trend.statistic == pytest.approx(difference**2 / variance, rel=1e-12)
    assert trend.z > 0
    shifted = log_rank_trend(test, [10, 11, 15])
    assert shifted.statistic == pytest.approx(trend.statistic, rel=1e-8)


def test_what_cannot_be_compared_has_no_statistic() -> None:
    for time, event, group in [
        ([1, 2], [1, 1], ["A", "A"]),
        ([1, 2], [0, 0], ["A", "B"]),
        ([1, 2], [0, 1], ["A", "B"]),  # A has gone before B's event
        ([], [], []),
    ]:
        found = log_rank(time, event, group)
        assert np.isnan(found.statistic)
        assert np.isnan(found.p_value)
        assert np.isnan(log_rank_trend(found).statistic)


def test_a_group_that_was_never_at_risk_takes_no_degree_of_freedom() -> None:
    found = log_rank([1, 4, 2, 5, 0.5], [1, 1, 1, 0, 0], ["A", "A", "B", "B", "C"])
    assert found.df == 1
    assert found.statistic == pytest.approx(8 / 13, rel=1e-13)


def test_strata_add_up() -> None:
    rng = np.random.default_rng(3)
    time, event = np.ceil(rng.exponential(30, 80)), rng.random(80) < 0.7
    group, stratum = rng.integers(0, 2, 80), rng.integers(0, 3, 80)
    parts = [
        log_rank(time[stratum == s], event[stratum == s], group[stratum == s]) for s in range(3)
    ]
    found = log_rank(time, event, group, stratum=stratum)
    np.testing.assert_allclose(found.expected, sum(p.expected for p in parts), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, sum(p.covariance for p in parts), rtol=1e-12)


@given(st.lists(st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 2)), min_size=2))
@settings(max_examples=60, deadline=None)
def test_equal_to_the_sum_written_out(rows: list[tuple[int, bool, int]]) -> None:
    found = log_rank(*([row[k] for row in rows] for k in range(3)))
    expected = dict.fromkeys(found.group.tolist(), 0.0)
    for time in {t for t, e, _ in rows if e}:
        at_risk = [g for t, _, g in rows if t >= time]
        deaths = sum(t == time and e for t, e, _ in rows)
        for g in expected:
            expected[g] += deaths * at_risk.count(g) / len(at_risk)
    np.testing.assert_allclose(found.expected, list(expected.values()), atol=1e-12)
    assert found.observed.sum() == pytest.approx(found.expected.sum())


def test_equal_to_lifelines() -> None:
    statistics = pytest.importorskip("lifelines.statistics")
    rng = np.random.default_rng(8)
    time, event = np.ceil(rng.exponential(200, 300)), rng.random(300) < 0.6
    group = rng.integers(0, 4, 300)
    peer = statistics.multivariate_logrank_test(time, group, event)
    found = log_rank(time, event, group)
    assert found.statistic == pytest.approx(peer.test_statistic, rel=1e-10)
    assert found.p_value == pytest.approx(peer.p_value, rel=1e-9)


@pytest.mark.parametrize(
    ("group", "options", "message"),
    [(["A"], {}, "group has shape"), (["A", "B"], {"stratum": [1]}, "stratum has shape")],
)
def test_wrong_input_is_refused(group: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_rank([1, 2], [1, 1], group, **options)


def test_scores_must_fit() -> None:
    with pytest.raises(ValueError, match="3 scores for 2 groups"):
        log_rank_trend(small(), [1, 2, 3])
