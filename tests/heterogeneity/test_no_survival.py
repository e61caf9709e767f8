"""A project whose studies tell of no death has no survival, and says so."""

from __future__ import annotations

import pytest
from heterogeneity.pipeline import run_pipeline
from sqlkit import SqlKit

SIZES = {"1": (20, 12, 12), "2": (20, 20, 20), "3": (20, 26, 30)}


def scanned(kit: SqlKit) -> None:
    """Three subjects with scans on days 1, 43 and 85, and no word on deaths."""
    kit.study("s1")
    for subject, sizes in SIZES.items():
        kit.subject(subject, arm="A")
        kit.lesion(usubjid=subject, tuloc="LIVER")
        for day, size in zip((1, 43, 85), sizes, strict=True):
            kit.size(day, size, usubjid=subject)


def test_no_curve_is_drawn_and_the_summary_says_why() -> None:
    with SqlKit() as kit:
        scanned(kit)
        run_pipeline(kit, "survival")
        assert kit.rows("analysis.survival_curve", "*", "endpoint IN ('OS', 'PPS')") == []
        assert kit.query(
            "SELECT count(*) > 0, sum(n_patients), sum(n_events), bool_and(n_missing > 0), "
            "bool_and(null_reason IS NOT NULL), count(median_days) "
            "FROM analysis.survival_summary WHERE endpoint = 'OS'"
        ) == [(True, 0, 0, True, True, 0)]


@pytest.mark.parametrize(("is_told", "expected"), [(False, (None, None)), (True, (1, 36525 / 284))])
def test_deaths_are_not_known_rather_than_none(is_told, expected) -> None:
    """With a death on day 116 (subject 1) and two alive on day 84: 1 death in 284 days."""
    with SqlKit() as kit:
        scanned(kit)
        if is_told:
            kit.add("ds", {"usubjid": "1", "dsdecod": "DEATH", "dsstdy": "117"})
        kit.build("mart.metric", "mart.metric_patient")
        formulas = dict(kit.query("SELECT metric, expression FROM mart.metric"))
        names = ("n_deaths", "deaths_per_100_patient_years")
        (found,) = kit.query(
            f"SELECT {', '.join(formulas[name] for name in names)} FROM mart.metric_patient"
        )
        assert found == pytest.approx(expected) if is_told else found == expected
