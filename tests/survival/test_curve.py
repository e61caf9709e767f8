"""Kaplan-Meier curves, intervals and quantiles against R, lifelines and hand calculations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import folder_with

from udfs.survival import SurvivalCurve, kaplan_meier

R_CSV_DIGITS = 1e-11
"""R's curves were written with 12 significant digits or more."""
R_JSON_DIGITS = 1e-11
"""The same for its summaries."""

CURVES = [
    ("km_colon_os_rx.csv", "colon.csv", "rx", ("Obs", "Lev", "Lev+5FU")),
    ("km_lung_sex.csv", "lung.csv", "sex", ("1", "2")),
    ("km_veteran_trt.csv", "veteran.csv", "trt", ("1", "2")),
    ("km_arm.csv", "trial.csv", "arm", ("control", "single", "double")),
]
SUMMARIES = {
    "lung_sex": ("lung.csv", "sex", "log"),
    "lung_sex_loglog": ("lung.csv", "sex", "log-log"),
    "lung_sex_plain": ("lung.csv", "sex", "plain"),
    "vet_trt": ("veteran.csv", "trt", "log"),
    "vet_cell": ("veteran.csv", "celltype", "log"),
    "colon_os_rx": ("colon.csv", "rx", "log"),
    "arm": ("trial.csv", "arm", "log"),
    "arm_loglog": ("trial.csv", "arm", "log-log"),
    "arm_plain": ("trial.csv", "arm", "plain"),
    "ps": ("trial.csv", "ps", "log"),
}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row.get("etype", "2") == "2"] if name == "colon.csv" else rows


def curve_of(rows: list[dict[str, str]], name: str, **options: Any) -> SurvivalCurve:
    event = "2" if name == "lung.csv" else "1"
    times = [float(row["time"]) for row in rows]
    return kaplan_meier(times, [row["status"] == event for row in rows], **options)


def folder_of_survival(request: pytest.FixtureRequest, file: str) -> Path:
    """That of the trial simulated for it (tests/data), or of R's own data sets (../shared)."""
    return folder_with(request, file, "survival", "reference/survival")


@pytest.mark.parametrize(("reference", "data", "key", "groups"), CURVES)
def test_every_step_is_that_of_r(
    request: pytest.FixtureRequest, reference: str, data: str, key: str, groups: tuple[str, ...]
) -> None:
    folder = folder_of_survival(request, data)
    expected = table(folder, reference)
    rows = table(folder, data)
    for group in groups:
        curve = curve_of([row for row in rows if row[key] == group], data)
        wanted = [row for row in expected if row["stratum"] == f"{key}={group}"]

        def column(name: str, wanted: list[dict[str, str]] = wanted) -> list[float]:
            return [float(row[name] or "nan") if row[name] != "NA" else np.nan for row in wanted]

        assert curve.time.tolist() == column("time")
        assert curve.n_at_risk.tolist() == column("n.risk")
        assert curve.n_events.tolist() == column("n.event")
        assert curve.n_censored.tolist() == column("n.censor")
        np.testing.assert_allclose(curve.survival, column("surv"), rtol=R_CSV_DIGITS, atol=1e-14)
        np.testing.assert_allclose(curve.lower, column("lower"), rtol=R_CSV_DIGITS)
        np.testing.assert_allclose(curve.upper, column("upper"), rtol=R_CSV_DIGITS)
        error = np.array(column("std.err_log"))
        known = np.isfinite(error)
        np.testing.assert_allclose(curve.log_standard_error[known], error[known], rtol=1e-11)


@pytest.mark.parametrize("name", SUMMARIES)
def test_quantiles_and_their_limits_are_those_of_r(
    request: pytest.FixtureRequest, name: str
) -> None:
    data, key, interval = SUMMARIES[name]
    folder = folder_of_survival(request, data)
    reference = json.loads((folder / "survival_reference.json").read_text())["km"][name]
    rows = table(folder, data)
    for i, line in enumerate(reference["quantiles"]["quantile"]):
        group = line["stratum"].split("=")[1]
        chosen = [row for row in rows if row[key] == group]
        curve = curve_of(chosen, data, interval=interval)
        for share in (25, 50, 75):
            found = curve.quantile(share / 100)
            wanted = [
                reference["quantiles"][k][i][str(share)] for k in ("quantile", "lower", "upper")
            ]
            for number, value in zip((found.days, found.lower, found.upper), wanted, strict=True):
                assert np.isnan(number) if value is None else number == value, (group, share)


@pytest.mark.parametrize("name", SUMMARIES)
def test_survival_at_given_times_is_that_of_r(request: pytest.FixtureRequest, name: str) -> None:
    data, key, interval = SUMMARIES[name]
    folder = folder_of_survival(request, data)
    reference = json.loads((folder / "survival_reference.json").read_text())["km"][name]
    rows = table(folder, data)
    for line in reference["at_times"]:
        group = line["stratum"].split("=")[1]
        curve = curve_of([r for r in rows if r[key] == group], data, interval=interval)
        survival, lower, upper = (float(v[0]) for v in curve.at([line["time"]]))
        assert survival == pytest.approx(line["surv"], rel=R_JSON_DIGITS, abs=1e-12)
        for number, wanted in ((lower, line["lower"]), (upper, line["upper"])):
            if wanted is None:
                assert np.isnan(number)
            else:
                assert number == pytest.approx(wanted, rel=R_JSON_DIGITS)


def test_five_subjects_by_hand() -> None:
    curve = kaplan_meier([2, 3, 3, 5, 8], [1, 1, 0, 0, 1])
    assert curve.time.tolist() == [2, 3, 5, 8]
    assert curve.n_at_risk.tolist() == [5, 4, 2, 1]
    np.testing.assert_allclose(curve.survival, [4 / 5, 3 / 5, 3 / 5, 0], atol=1e-15)
    np.testing.assert_allclose(curve.log_standard_error[:2] ** 2, [1 / 20, 2 / 15], rtol=1e-14)
    assert np.isnan(curve.log_standard_error[-1])
    assert np.isnan(curve.lower[-1])
    assert curve.median.days == 8
    assert (curve.n, curve.events) == (5, 3)


def test_a_curve_that_is_level_at_one_half_has_its_median_in_the_middle() -> None:
    assert kaplan_meier([1, 2, 3, 6], [1, 1, 1, 1]).median.days == 2.5
    # Seven tenths times five sevenths is one half, but not in binary.
    assert kaplan_meier([1] * 3 + [2] * 2 + [4] * 5, [1] * 10).median.days == 3


def test_a_median_at_the_end_of_the_curve_reaches_to_the_last_time() -> None:
    # As quantile.survfit: survival is 1/2 from 2 on, and nobody dies any more.
    assert kaplan_meier([1, 2, 3, 9], [1, 1, 0, 0]).median.days == 5.5


def test_nobody_dies() -> None:
    curve = kaplan_meier([1, 2, 3], [0, 0, 0])
    assert curve.survival.tolist() == [1, 1, 1]
    assert np.isnan(curve.median.days)
    assert curve.lower.tolist() == [1, 1, 1]


def test_nobody_at_all() -> None:
    curve = kaplan_meier([], [])
    assert (curve.n, curve.events) == (0, 0)
    assert np.isnan(curve.median.days)


@pytest.mark.parametrize(
    ("time", "event", "options", "message"),
    [
        ([1, -1], [1, 1], {}, "row 1: time -1.0"),
        ([1, np.nan], [1, 1], {}, "row 1: time nan"),
        ([1, 2], [1, 2], {}, "row 1: event 2.0"),
        ([1, 2], [1], {}, "flat and alike"),
        ([1], [1], {"interval": "logit"}, "interval is 'logit'"),
        ([1], [1], {"confidence": 95}, "between 0 and 1"),
    ],
)
def test_wrong_input_is_refused(time: Any, event: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kaplan_meier(time, event, **options)


subjects = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


@given(subjects)
@settings(max_examples=60, deadline=None)
def test_equal_to_the_product_written_out(rows: list[tuple[int, bool]]) -> None:
    curve = kaplan_meier([t for t, _ in rows], [e for _, e in rows])
    survival = 1.0
    for k, time in enumerate(sorted({t for t, _ in rows})):
        at_risk = sum(t >= time for t, _ in rows)
        died = sum(t == time and e for t, e in rows)
        survival *= 1 - died / at_risk
        assert curve.survival[k] == pytest.approx(survival, abs=1e-14)
        assert (curve.n_at_risk[k], curve.n_events[k]) == (at_risk, died)


def test_equal_to_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(5)
    time, event = np.ceil(rng.exponential(200, 300)), rng.random(300) < 0.6
    curve = kaplan_meier(time, event, interval="log-log")
    peer = lifelines.KaplanMeierFitter().fit(time, event)
    np.testing.assert_allclose(
        curve.survival, peer.survival_function_.iloc[1:, 0].to_numpy(), rtol=1e-12
    )
    limits = peer.confidence_interval_.iloc[1:].to_numpy()
    known = curve.survival > 0
    np.testing.assert_allclose(curve.lower[known], limits[known, 0], rtol=1e-9)
    np.testing.assert_allclose(curve.upper[known], limits[known, 1], rtol=1e-9)


def test_times_that_differ_by_rounding_alone_are_tied() -> None:
    """Differences of months: 0.3 five times in fractions, four different doubles."""
    pairs = [(0.4, 0.1), (0.5, 0.2), (1.2, 0.9), (12.55, 12.25), (20.1, 19.8)]
    times = [death - progression for death, progression in pairs]
    assert len(set(times)) > 1
    curve = kaplan_meier([*times, 0.31], [1] * 6)
    assert curve.n_events.tolist() == [5, 1]
    np.testing.assert_allclose(curve.survival, [1 / 6, 0], atol=1e-15)
    # 1e-7 of a month is a difference, as in R (timefix: the root of the machine's epsilon).
    assert kaplan_meier([0.3, 0.3000001], [1, 1]).n_events.tolist() == [1, 1]
