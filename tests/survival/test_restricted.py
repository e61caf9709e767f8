"""Restricted mean survival time: by hand, against R's survfit, lifelines and resampling."""

from __future__ import annotations

import json

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from references import DATA
from survival.test_curve import curve_of, folder_of_survival, table

from udfs.survival import kaplan_meier, restricted_difference, restricted_mean

FOLDER = DATA / "survival"
MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NOT_MAINTAINED = (
    [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45],
    [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1],
)
"""R's survival, data set aml: weeks of remission and relapse."""


def test_the_area_worked_by_hand() -> None:
    found = restricted_mean(kaplan_meier([2, 3, 3, 5, 8], [1, 1, 0, 0, 1]), 6.0)
    assert found.days == pytest.approx(4.6, abs=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(0.608), abs=1e-12)
    assert found.upper - found.days == pytest.approx(1.959963984540054 * np.sqrt(0.608), abs=1e-9)


@pytest.mark.parametrize(
    ("data", "wanted"), [(MAINTAINED, (52.6, 19.83)), (NOT_MAINTAINED, (22.7, 4.18))]
)
def test_the_mean_of_r_survfit(
    data: tuple[list[int], list[int]], wanted: tuple[float, float]
) -> None:
    """summary(survfit(Surv(time, status) ~ x, data = aml))$table, rmean to the last time, 161."""
    found = restricted_mean(kaplan_meier(*data), 161.0)
    assert (round(found.days, 1), round(found.standard_error, 2)) == wanted


@pytest.mark.parametrize(
    ("key", "name", "data"),
    [
        ("vet_trt", "trt", "veteran.csv"),
        ("vet_cell", "celltype", "veteran.csv"),
        ("lung_sex", "sex", "lung.csv"),
    ],
)
def test_means_and_errors_are_those_of_r(
    request: pytest.FixtureRequest, key: str, name: str, data: str
) -> None:
    """survfit's table, rmean "common": up to the longest time of all groups. R carries the last
    survival of a shorter group on (one, women of the lung trial); here it has no mean."""
    folder = folder_of_survival(request, data)
    wanted = json.loads((folder / "survival_reference.json").read_text())["km"][key]["table"]
    rows = table(folder, data)
    horizon = max(float(row["time"]) for row in rows)
    for line in wanted:
        group = line["stratum"].split("=")[1]
        found = restricted_mean(
            curve_of([row for row in rows if row[name] == group], data), horizon
        )
        if (key, group) == ("lung_sex", "2"):
            assert np.isnan(found.days)
            continue
        assert found.days == pytest.approx(line["rmean"], rel=1e-11)
        assert found.standard_error == pytest.approx(line["se(rmean)"], rel=1e-11)


def test_means_up_to_a_horizon_and_their_difference_are_those_of_r() -> None:
    """survfit's table with rmean = 104, and survRM2's rmst2 with tau = 104, weeks."""
    wanted = json.loads((FOLDER / "survival_reference.json").read_text())["restricted"]
    rows = table(FOLDER, "trial.csv")
    means = {}
    for line in wanted["table"]:
        curve = curve_of([row for row in rows if row["arm"] == line["arm"]], "trial.csv")
        found = means[line["arm"]] = restricted_mean(curve, wanted["horizon"])
        assert found.days == pytest.approx(line["rmean"], rel=1e-11)
        assert found.standard_error == pytest.approx(line["se(rmean)"], rel=1e-11)
    difference = restricted_difference(means["control"], means["double"], 0.95)
    for name in ("days", "lower", "upper"):
        expected = wanted["double_less_control"][name]
        assert getattr(difference, name) == pytest.approx(expected, rel=1e-11)


def test_a_horizon_that_nobody_reached_has_no_mean() -> None:
    curve = kaplan_meier([2, 3, 5], [1, 1, 0])
    assert np.isnan(restricted_mean(curve, 6.0).days)
    assert restricted_mean(curve, 5.0).days == pytest.approx(2 + 2 / 3 + 2 / 3)
    assert restricted_mean(kaplan_meier([2, 3], [1, 1]), 6.0).days == 2.5  # nobody is left
    assert np.isnan(restricted_mean(kaplan_meier([], []), 6.0).days)
    with pytest.raises(ValueError, match="horizon"):
        restricted_mean(curve, 0.0)


def sample(rng: np.random.Generator, mean: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Days to an exponential event, censored at random up to day 900."""
    event, censored = rng.exponential(mean, n), rng.uniform(200.0, 900.0, n)
    return np.ceil(np.minimum(event, censored)), event <= censored


def test_the_area_is_that_of_lifelines() -> None:
    time, event = sample(np.random.default_rng(2), 300.0, 200)
    fitted = KaplanMeierFitter().fit(time, event)
    for horizon in (50.0, 365.0, 600.5):
        wanted = restricted_mean_survival_time(fitted, t=horizon)
        assert restricted_mean(kaplan_meier(time, event), horizon).days == pytest.approx(wanted)


def test_errors_and_limits_are_those_of_many_samples() -> None:
    """2,000 pairs of groups whose true means up to day 365 are 300 (1 - exp(-365 / 300)) and with
    500. The spread of the differences is the stated error within 5 % (of 2,000 samples it is known
    to 1.6 %), and 95 % of the limits hold the true difference, within three binomial errors."""
    rng = np.random.default_rng(3)
    truth = (
        500 * (1 - np.exp(-365 / 500))
        - 300 * (1 - np.exp(-365 / 300))
        + 0.5 * (np.exp(-365 / 300) - np.exp(-365 / 500))
    )  # days are whole, rounded up
    found = []
    for _ in range(2000):
        means = [restricted_mean(kaplan_meier(*sample(rng, m, 120)), 365.0) for m in (300.0, 500.0)]
        one = restricted_difference(means[0], means[1], 0.95)
        found.append((one.days, one.standard_error, one.lower <= truth <= one.upper))
    days, error, is_covered = np.array(found).T
    assert days.std() == pytest.approx(error.mean(), rel=0.05)
    assert abs(is_covered.mean() - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 2000)
    assert abs(days.mean() - truth) < 3 * days.std() / np.sqrt(2000)
