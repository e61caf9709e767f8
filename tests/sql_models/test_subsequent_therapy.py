"""Another anticancer therapy in PR, DS, EX and CM, word by word; what it censors and ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlkit import SqlKit


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """Subject 1: dosed from day 0 to day 83, alive on day 300."""
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        kit.add("ex", {"usubjid": "1", "extrt": "DRUG", "exstdy": "1", "exendy": "84"})
        kit.add("ss", {"usubjid": "1", "sstestcd": "SURVSTAT", "ssorres": "ALIVE", "ssdy": "301"})
        yield kit


def therapies(kit: SqlKit, columns: str = "day, source, rule_id") -> list[tuple[Any, ...]]:
    kit.build("core.subsequent_therapy")
    return kit.rows("core.subsequent_therapy", columns)


LATER = {"pr": "prstdy", "ds": "dsstdy", "ex": "exstdy", "cm": "cmstdy"}


@pytest.mark.parametrize(
    ("table", "row", "rule"),
    [
        ("pr", {"prcat": "Subsequent anti-cancer therapy"}, "pr_subsequent"),
        ("ds", {"dsterm": "START OF NEW ANTI-CANCER THERAPY"}, "ds_new_therapy"),
        ("ex", {"extrt": "OTHER", "excat": "CROSSOVER TREATMENT"}, "ex_subsequent"),
        ("ex", {"extrt": "OTHER", "epoch": "POST-PROGRESSION TREATMENT"}, "ex_subsequent"),
        ("cm", {"cmcat": "SUBSEQUENT ANTI-CANCER THERAPY"}, "cm_subsequent"),
        ("cm", {"cmcat": "CANCER", "cmscat": "FOLLOW-UP THERAPY"}, "cm_subsequent"),
        ("cm", {"cmcat": "ANTI-CANCER MEDICATIONS"}, "cm_antineoplastic"),
        ("cm", {"cmclascd": "L01XX", "cmclas": "ANTINEOPLASTICS"}, "cm_class"),
        ("cm", {"cmindc": "Disease progression"}, "cm_indication"),
        # What is none.
        ("cm", {"cmcat": "PRIOR ANTI-CANCER THERAPY"}, None),
        ("cm", {"cmcat": "SUPPORTIVE CARE", "cmclascd": "L01XX"}, None),
        ("cm", {"cmcat": "GENERAL CONMED", "cmindc": "CANCER PAIN"}, None),
        ("cm", {"cmclascd": "N02BE"}, None),
        ("ex", {"extrt": "OTHER", "epoch": "TREATMENT"}, None),
        ("pr", {"prcat": "RADIOTHERAPY"}, None),
        ("ds", {"dsterm": "COMPLETED"}, None),
    ],
)
def test_words_say_what_another_therapy_is(kit, table, row, rule) -> None:
    kit.add(table, {"usubjid": "1", **row, LATER[table]: "121"})
    assert therapies(kit) == ([(120, table, rule)] if rule else [])


def test_a_medication_during_treatment_counts_only_where_it_is_called_later(kit) -> None:
    """Day 60 lies before the last dose on day 83; day 83 is not after it."""
    for day in ("61", "84", "85"):
        kit.add("cm", {"usubjid": "1", "cmtrt": "X", "cmcat": "ANTI-CANCER", "cmstdy": day})
    kit.add("cm", {"usubjid": "1", "cmtrt": "Y", "cmcat": "NEW CANCER THERAPY", "cmstdy": "61"})
    kit.add("cm", {"usubjid": "1", "cmtrt": "Z", "cmcat": "NEW CANCER THERAPY"})
    kit.add("cm", {"usubjid": "1", "cmtrt": "P", "cmcat": "NEW CANCER THERAPY", "cmstdy": "-9"})
    kit.build("quality.finding_treatment", "quality.row_audit")
    assert therapies(kit, "day, therapy") == [(60, "Y"), (84, "X")]
    assert kit.rows(
        "quality.finding_treatment", "defect_id, day, value", "defect_id IN ('rows.4i', 'rows.4j')"
    ) == [("rows.4i", 60, "X"), ("rows.4i", 83, "X"), ("rows.4j", None, "Z")]
    assert kit.query("SELECT step FROM quality.row_audit WHERE NOT is_balanced") == []


def test_a_crossover_is_not_the_last_dose_of_the_trials_treatment(kit) -> None:
    """The other drug goes on to day 200: what begins on day 120 is after the trial's last dose."""
    kit.add(
        "ex",
        {"usubjid": "1", "extrt": "B", "excat": "CROSSOVER", "exstdy": "101", "exendy": "201"},
    )
    kit.add("cm", {"usubjid": "1", "cmtrt": "X", "cmcat": "ANTI-CANCER", "cmstdy": "121"})
    assert therapies(kit, "day, source") == [(100, "ex"), (120, "cm")]


def test_it_ends_time_to_next_treatment_and_censors_progression(kit) -> None:
    """Scans on days 0, 42, 84; another therapy on day 100; progression on day 126."""
    kit.lesion("T01", tuloc="LIVER")
    for day, size in ((1, 20), (43, 20), (85, 20), (127, 30)):
        kit.size(day, size)
    kit.add("cm", {"usubjid": "1", "cmcat": "SUBSEQUENT THERAPY", "cmtrt": "X", "cmstdy": "101"})
    kit.subject("2")
    kit.add("ss", {"usubjid": "2", "sstestcd": "SURVSTAT", "ssorres": "ALIVE", "ssdy": "201"})
    kit.build("analysis.patient_endpoint")
    assert kit.rows(
        "analysis.patient_endpoint",
        "patient_id, endpoint, time_days, is_event, rule_id, source_file",
        "is_counted AND endpoint IN ('PFS', 'TTNT') AND time_days IS NOT NULL "
        "AND NOT (patient_id = 's1/2' AND endpoint = 'PFS')",
    ) == [
        ("s1/1", "PFS", 84.0, False, "PFS/subsequent_therapy", "tr.csv"),
        ("s1/1", "TTNT", 100.0, True, "TTNT/subsequent_therapy", "cm.csv"),
        ("s1/2", "TTNT", 200.0, False, "TTNT/last_contact", "dm.csv"),
    ]


def test_each_rules_example_is_decided_by_that_rule() -> None:
    with SqlKit() as kit:
        kit.build("staging.subsequent_therapy_rule")
        found = kit.query(
            "SELECT ours.rule_id, arg_min(other.rule_id, other.priority) "
            "FROM staging.subsequent_therapy_rule AS ours "
            "INNER JOIN staging.subsequent_therapy_rule AS other "
            "ON ours.domain = other.domain AND ours.field = other.field "
            "AND regexp_matches(upper(ours.example), other.pattern) GROUP BY ours.rule_id"
        )
        assert len(found) == kit.query("SELECT count(*) FROM staging.subsequent_therapy_rule")[0][0]
        assert [pair for pair in found if pair[0] != pair[1]] == []


def test_a_therapy_of_a_known_month_censors_what_comes_after_the_month() -> None:
    """April 2020 is day 91 to 120 of a first dose on 1 January: PD on day 182 came after it.

    Progression in April itself may have been before the therapy, and counts.
    """
    for last, expected in (("2020-07-01", ("PFS/subsequent_therapy", 65.0)),
                           ("2020-04-30", ("PFS/progression", 120.0))):  # fmt: skip
        with SqlKit() as kit:
            kit.study("s1")
            kit.subject("1")
            kit.lesion(tuloc="LIVER")
            for date, size in (("2019-12-28", 50), ("2020-03-06", 50), (last, 80)):
                kit.size(None, size, trdtc=date)
            kit.add(
                "cm",
                {"usubjid": "1", "cmtrt": "X", "cmcat": "SUBSEQUENT THERAPY", "cmstdtc": "2020-04"},
            )
            kit.build("analysis.patient_endpoint", "quality.finding_treatment")
            assert therapies(kit, "day, earliest_day, latest_day") == [(None, 91, 120)]
            assert kit.rows(
                "analysis.patient_endpoint",
                "rule_id, time_days",
                "endpoint = 'PFS' AND basis = 'derived'",
            ) == [expected]
            where = "endpoint = 'TTNT' AND basis = 'derived'"
            assert kit.rows("analysis.patient_endpoint", "rule_id, time_days", where) == [
                ("TTNT/subsequent_therapy_day_unknown", None)
            ]
            assert kit.rows("quality.finding_treatment", "message", "defect_id = 'rows.4j'") == [
                (
                    "X began between day 91 and day 120: "
                    "it censors what comes after the later of them.",
                )
            ]


def test_a_month_that_overlaps_the_treatment_says_nothing_under_a_weaker_rule(kit) -> None:
    """The last dose is on 24 March (day 83): March may be before it, April is not."""
    for month in ("2020-03", "2020-04"):
        kit.add("cm", {"usubjid": "1", "cmtrt": month, "cmcat": "ANTI-CANCER", "cmstdtc": month})
    assert therapies(kit, "therapy, earliest_day") == [("2020-04", 91)]
