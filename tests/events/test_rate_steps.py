"""Response rates and lesions' curves of a small study, worked out by hand."""

from __future__ import annotations

import pytest
from events.event_models import run_model
from heterogeneity.pipeline import run_node
from sqlkit import SqlKit

# Diameter on days 1, 43 and 85 of one liver lesion each: PR twice (one confirmed), SD, PD.
SIZES = {"1": (20, 12, 12), "2": (20, 12, 15), "3": (20, 20, 20), "4": (20, 26, 30)}


@pytest.fixture(scope="module")
def kit():
    with SqlKit() as kit:
        kit.study("s1")
        for subject, sizes in SIZES.items():
            kit.subject(subject, arm="A" if subject in "12" else "B")
            kit.lesion(usubjid=subject, tuloc="LIVER")
            for day, size in zip((1, 43, 85), sizes, strict=True):
                kit.size(day, size, usubjid=subject)
        kit.build("analysis.patient_endpoint", "analysis.lesion_event", "core.organ")
        for step in ("response_rate", "lesion_survival"):
            run_node(kit, step)
        yield kit


def test_rates_of_the_study_and_its_arms(kit) -> None:
    rows = kit.rows(
        "analysis.response_rate",
        "group_name, definition, measure, n, n_responders",
        "subset = 'study s1' AND grouping IN ('all', 'arm')",
    )
    assert rows == [
        ("A", "confirmed", "DCR", 2, 2),
        ("A", "confirmed", "ORR", 2, 1),
        ("A", "unconfirmed", "DCR", 2, 2),
        ("A", "unconfirmed", "ORR", 2, 2),
        ("B", "confirmed", "DCR", 2, 1),
        ("B", "confirmed", "ORR", 2, 0),
        ("B", "unconfirmed", "DCR", 2, 1),
        ("B", "unconfirmed", "ORR", 2, 0),
        ("all", "confirmed", "DCR", 4, 3),
        ("all", "confirmed", "ORR", 4, 1),
        ("all", "unconfirmed", "DCR", 4, 3),
        ("all", "unconfirmed", "ORR", 4, 2),
    ]


def test_a_median_that_is_not_reached_says_so(kit) -> None:
    """Two of four respond on day 42: survival is 0.5 from then on, to the last day, 84."""
    rows = kit.rows(
        "analysis.lesion_survival_summary",
        "endpoint, n_lesions, n_patients, n_events, is_median_reached, median_days",
        "subset = 'all' AND arm = 'all' AND organ = 'liver'",
    )
    assert rows == [
        ("progression", 4, 4, 1, False, None),
        ("response", 4, 4, 2, True, 63.0),
    ]


def test_the_figure_has_organs_within_arms_and_arms_within_organs(kit) -> None:
    """Subject 4 of arm B alone progresses, on day 42: a quarter of all, half of arm B."""
    run_model(kit.connection, "mart.fig_lesion_survival")
    rows = kit.rows(
        "mart.fig_lesion_survival",
        "subset, grouping, stratum, group_name, survival, n_at_risk, is_median_reached",
        "endpoint = 'progression' AND time_days = 42",
    )
    whole, arm_b = (0.75, 4, False), (0.5, 2, True)
    assert rows == [
        ("all", "organ", "All arms", "All organs", *whole),
        ("all", "organ", "All arms", "Liver", *whole),
        ("study s1", "arm", "All organs", "B", *arm_b),
        ("study s1", "arm", "Liver", "B", *arm_b),
        ("study s1", "organ", "All arms", "All organs", *whole),
        ("study s1", "organ", "All arms", "Liver", *whole),
        ("study s1", "organ", "B", "All organs", *arm_b),
        ("study s1", "organ", "B", "Liver", *arm_b),
    ]


def test_who_was_never_assessed_is_in_the_denominator() -> None:
    """RECIST 1.1, 4.7: three of six respond, by sizes or as stated, though three have no scan.

    A screen failure, and a study with neither lesions nor responses, take no part.
    """
    with SqlKit() as kit:
        for study in ("sizes", "stated", "nothing"):
            kit.study(study)
            for subject in "123456":
                kit.subject(subject, dthfl="Y" if subject > "3" else "N")
            kit.subject("7", armcd="SCRNFAIL", arm="Screen Failure")
            kit.add("ds", *({"usubjid": one, "dsdecod": "DEATH", "dsstdy": "31"} for one in "456"))
            for subject in "123":
                if study == "sizes":
                    kit.lesion(usubjid=subject, tuloc="LIVER")
                    for day, size in ((1, 50), (57, 30), (113, 30)):
                        kit.size(day, size, usubjid=subject)
                if study == "stated":
                    kit.add(
                        "rs",
                        *({"usubjid": subject, "rstestcd": "OVRLRESP", "rscat": "RECIST 1.1",
                           "rsstresc": "PR", "rsdy": day} for day in ("57", "113")),
                    )  # fmt: skip
        kit.build("analysis.patient_endpoint")
        run_node(kit, "response_rate")
        rows = kit.rows(
            "analysis.response_rate",
            "subset, n, n_responders, n_not_evaluable, n_not_assessed, n_stated, rate",
            "grouping = 'all' AND measure = 'ORR' AND definition = 'confirmed'",
        )
    assert rows == [
        ("all", 12, 6, 6, 6, 6, 0.5),
        ("study sizes", 6, 3, 3, 3, 0, 0.5),
        ("study stated", 6, 3, 3, 3, 6, 0.5),
    ]


def test_a_best_response_alone_counts_as_a_stated_one() -> None:
    """One patient with BESTRESP = PR, one with a visit of SD: 1 of 2, and both were assessed."""
    with SqlKit() as kit:
        kit.study("s1")
        for subject, code, word in (("1", "BESTRESP", "PR"), ("2", "OVRLRESP", "SD")):
            kit.subject(subject)
            row = {"rstestcd": code, "rsorres": word, "rscat": "RECIST 1.1", "rsdy": "57"}
            kit.add("rs", {"usubjid": subject, **row})
        kit.build("analysis.patient_endpoint")
        run_node(kit, "response_rate")
        assert (
            kit.rows(
                "analysis.response_rate",
                "n, n_responders, n_not_evaluable, n_not_assessed, n_stated",
                "subset = 'study s1' AND grouping = 'all' AND measure = 'ORR'",
            )
            == [(2, 1, 0, 0, 2)] * 2
        )


def test_a_lesion_is_at_risk_up_to_its_last_scan(kit) -> None:
    """Patient 3 neither responds nor progresses and is scanned on day 84 for the last time, though
    known to be alive for a year: nobody looked after day 84."""
    with SqlKit() as other:
        other.study("s1")
        other.subject("3", arm="A", rfpendtc="2021-01-01")
        other.lesion(usubjid="3", tuloc="LIVER")
        for day, size in zip((1, 43, 85), SIZES["3"], strict=True):
            other.size(day, size, usubjid="3")
        other.add("ds", {"usubjid": "3", "dsdecod": "COMPLETED", "dsstdtc": "2021-01-01"})
        other.build("analysis.patient_endpoint", "analysis.lesion_event", "core.organ")
        run_node(other, "lesion_survival")
        longest = "DISTINCT longest_days"
        assert other.rows("analysis.lesion_survival_summary", longest) == [(84.0,)]
