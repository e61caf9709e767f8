"""Printed numbers against R's survival 3.5-3 on the study of ``made_up`` (the R code stands there),
lifelines, and counts worked out by hand."""

from __future__ import annotations

import pytest
from lifelines.statistics import logrank_test
from tlf.made_up import BEST, N, made_up_study

from flows.tlf import baseline, listings, survival
from flows.tlf.content import Table
from flows.tlf.study import Study


@pytest.fixture(scope="module")
def study() -> Study:
    return made_up_study()


def cells(table: Table, label: str) -> tuple[str, ...]:
    """The cells of the first row with a label."""
    return next(row[1:] for row in table.rows if row[0].strip() == label)


def test_quartiles_landmarks_and_numbers_at_risk_are_those_of_survfit(study: Study) -> None:
    table = survival.time_to_event(study, "OS", 2)
    assert cells(table, "Events") == ("26 (43.3)", "51 (85.0)")
    assert cells(table, "25th percentile (95% CI)") == ("10.7 (7.0, 15.2)", "8.6 (5.1, 12.8)")
    assert cells(table, "Median (95% CI)") == ("16.2 (13.9, NE)", "16.6 (12.8, 21.1)")
    assert cells(table, "75th percentile (95% CI)") == ("20.0 (17.6, NE)", "24.6 (21.1, 27.3)")
    assert cells(table, "At 6 months") == ("87.0 (78.4, 96.5), 43", "81.5 (72.2, 92.0), 48")
    assert cells(table, "At 12 months") == ("70.9 (59.0, 85.3), 26", "64.0 (52.8, 77.7), 36")
    assert cells(table, "At 18 months") == ("38.3 (24.0, 61.0), 7", "45.9 (34.6, 60.9), 24")
    assert cells(table, "At 24 months") == ("0.0 (NE, NE), 0", "25.4 (15.9, 40.6), 12")


def test_hazard_ratios_and_log_rank_tests_are_those_of_coxph_and_survdiff(study: Study) -> None:
    table = survival.time_to_event(study, "OS", 2, ["sex"])
    assert cells(table, "Unstratified hazard ratio (95% CI)") == ("", "0.867 (0.513, 1.465)")
    assert cells(table, "Unstratified log-rank p-value") == ("", "0.5983")
    assert cells(table, "Stratified hazard ratio (95% CI)") == ("", "0.881 (0.521, 1.491)")
    assert cells(table, "Stratified log-rank p-value") == ("", "0.6432")


def test_the_log_rank_test_is_that_of_lifelines(study: Study) -> None:
    rows = study.times("OS")
    a, b = (rows[rows["trt01p"] == arm] for arm in study.arms)
    theirs = logrank_test(a["aval"], b["aval"], 1 - a["cnsr"], 1 - b["cnsr"]).p_value
    table = survival.time_to_event(study, "OS", 2)
    assert cells(table, "Unstratified log-rank p-value")[1] == f"{theirs:.4f}"


def test_restricted_means_are_those_of_survfit(study: Study) -> None:
    table = survival.restricted_means(study, ["OS"], 3)
    assert table.rows[0][0] == "Overall Survival, up to 20.4 months"
    assert cells(table, "Restricted mean, months (SE)") == ("14.61 (0.86)", "14.13 (0.88)")
    assert cells(table, "Difference, months") == ("", "-0.48")
    assert table.rows[4][1:] == ("", "(-2.89, 1.93)")
    assert cells(table, "p-value") == ("", "0.6962")


def test_subgroups_and_their_interaction_are_those_of_coxph(study: Study) -> None:
    table, _ = survival.forest(study, "OS", "B", 4)
    by_label = {row[0].strip(): row[1:] for row in table.rows}
    assert by_label["All subjects"] == ("26/60", "51/60", "0.87 (0.51, 1.47)", "")
    assert by_label["Sex"][-1] == "0.7728"
    assert by_label["Female"][2] == "0.82 (0.33, 2.05)"
    assert by_label["Male"][2] == "0.91 (0.48, 1.74)"


def test_response_counts_everybody_who_entered(study: Study) -> None:
    table = baseline.response(study)
    # Subject 5 of arm B, a PD by the pattern, was not assessed.
    of_arm = {arm: [BEST[k % 7] for k in range(N) if k % 2 == at] for at, arm in enumerate("AB")}
    for level in ("CR", "PR", "SD"):
        counts = [of_arm[arm].count(level) for arm in "AB"]
        assert cells(table, level) == tuple(f"{n} ({100 * n / 60:.1f})" for n in counts)
    n_pd = of_arm["B"].count("PD") - 1
    assert cells(table, "PD")[1] == f"{n_pd} ({100 * n_pd / 60:.1f})"
    assert cells(table, "Not assessed") == ("0 (0.0)", "1 (1.7)")
    n = [of_arm[arm].count("CR") + of_arm[arm].count("PR") for arm in "AB"]
    rates = cells(table, "Objective response rate (CR or PR)")
    assert rates == tuple(f"{k} ({100 * k / 60:.1f})" for k in n)
    difference = next(row for row in table.rows if row[0] == "  Difference")
    assert difference[2] == f"{100 * (n[1] - n[0]) / 60:.1f}"


def test_disposition_adds_up(study: Study) -> None:
    table = baseline.disposition(study)
    assert cells(table, "Screened") == ("", "", "122")
    assert cells(table, "Screen failures") == ("", "", "2")
    assert cells(table, "Entered the trial") == ("60 (100.0)", "60 (100.0)", "120 (100.0)")
    assert cells(table, "Not treated") == ("0 (0.0)", "1 (1.7)", "1 (0.8)")
    assert cells(table, "Not in it") == ("12 (20.0)", "0 (0.0)", "12 (10.0)")
    assert cells(table, "No lesion has a baseline.") == cells(table, "Not in it")


def test_baseline_is_counted_by_arm(study: Study) -> None:
    table = baseline.characteristics(study)
    ages = [[40 + k % 50 for k in range(N) if k % 2 == at] for at in (0, 1)]
    means = [sum(a) / 60 for a in ages]
    assert [c.split(" (")[0] for c in cells(table, "Mean (SD)")[:2]] == [f"{m:.1f}" for m in means]
    n_female = [sum(1 for k in range(N) if k % 2 == at and k % 3 == 0) for at in (0, 1)]
    assert cells(table, "Female")[:2] == tuple(f"{n} ({100 * n / 60:.1f})" for n in n_female)
    assert not any("Race" in row[0] for row in table.rows), "a variable of nobody has no rows"


def test_lesions_are_listed_with_their_events(study: Study) -> None:
    table = listings.lesions(study)
    assert table.rows == (
        ("000", "A", "1: T01", "target", "liver", "30.0", "-50.0", "-20.0", "43", "127"),
        ("001", "B", "1: T01", "target", "liver", "20.0", "", "", "300+", "300+"),
    )
