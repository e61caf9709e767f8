"""Rows without a full date: the day of their visit, one imputed by a stated rule, or none.

The first dose is on 1 January 2020 (day 0), so 1 February is day 31 and 1 March day 60.
"""

from __future__ import annotations

import pytest
from sqlkit import SqlKit


def sizes(kit: SqlKit) -> list[tuple]:
    kit.build("core.measurement")
    return kit.rows("core.measurement", "lesion_id, day, date_flag")


def test_a_partial_date_takes_the_day_of_its_visit(kit):
    kit.size(None, 20, "T01", trdtc="2020-02-26", visitnum="3")
    kit.size(None, 30, "T02", trdtc="2020-02", visitnum="3.0")
    assert sizes(kit) == [("s1/1/-/T01", 56, None), ("s1/1/-/T02", 56, "D")]
    kit.build("quality.finding")
    assert (
        "time.2b",
        "2020-02",
        "The date is partial: day 56 of its visit was taken.",
    ) in kit.rows("quality.finding", "defect_id, value, message")


def test_of_several_days_of_a_visit_the_one_that_most_rows_bear(kit):
    for label, date in (("T01", "2020-02-26"), ("T02", "2020-02-27"), ("T03", "2020-02-27")):
        kit.size(None, 20, label, trdtc=date, visit="WEEK 8")
    kit.size(None, 30, "T04", trdtc="2020", visit="Week 8")
    assert sizes(kit)[-1] == ("s1/1/-/T04", 57, "M")


def test_a_visit_outside_the_month_says_nothing(kit):
    kit.size(None, 20, "T01", trdtc="2020-02-26", visitnum="3")
    kit.size(None, 30, "T02", trdtc="2020-03", visitnum="3")
    assert sizes(kit) == [("s1/1/-/T01", 56, None)]
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id, value") == [("partial_date", "2020-03")]


def test_the_readers_own_dates_go_before_those_of_others(kit):
    kit.size(None, 20, "T01", trdtc="2020-02-26", visitnum="3", treval="A")
    kit.size(None, 20, "T01", trdtc="2020-02-20", visitnum="3", treval="B")
    kit.size(None, 30, "T02", trdtc="2020-02", visitnum="3", treval="B")
    kit.size(None, 30, "T02", trdtc="2020-02", visitnum="3", treval="C")
    found = {lesion: day for lesion, day, _ in sizes(kit)}
    assert found["s1/1/B/T02"] == 50
    assert found["s1/1/C/T02"] == 50  # B and A have one row each: the first day
    assert len(found) == 4


@pytest.mark.parametrize(
    ("rule", "date", "expected"),
    [
        ("unknown", "2020-03", None),
        ("first", "2020-03", (60, "D")),
        ("middle", "2020-03", (74, "D")),
        # After the visit of 26 February (day 56), which has a lower number...
        ("first", "2020-02", (57, "D")),
        # ... and before that of 8 April (day 98).
        ("middle", "2020-04", (97, "D")),
        ("middle", "2020", (97, "M")),
        ("first", "2020---07", (57, "M")),
        # The visits around it contradict it.
        ("first", "2020-05", None),
        ("first", "2019-12", None),
    ],
)
def test_an_imputed_day_lies_between_the_visits_around_it(rule, date, expected):
    with SqlKit({"dates.partial": rule}) as kit:
        kit.study("s1")
        kit.subject()
        kit.size(None, 20, trdtc="2020-02-26", visitnum="3")
        kit.size(None, 21, trdtc=date, visitnum="4")
        kit.size(None, 22, trdtc="2020-04-08", visitnum="5")
        kit.size(None, 22, trdtc="2020-01-01", visitnum="1")
        kit.build("core.measurement", "quality.quarantine")
        found = kit.rows("core.measurement", "diameter_mm, day, date_flag")
        rejected = kit.rows("quality.quarantine", "reason_id")
    if expected is None:
        assert 21 not in {size for size, *_ in found}
        assert rejected == [("partial_date",)]
    else:
        assert next((day, flag) for size, day, flag in found if size == 21) == expected
        assert rejected == []


def response(kit: SqlKit, word: str, **rs: object) -> None:
    kit.add(
        "rs",
        {"usubjid": "1", "rstestcd": "OVRLRESP", "rsstresc": word, "rscat": "RECIST 1.1", **rs},
    )


def test_a_response_without_a_date_is_one_of_the_last_scan_of_its_visit(kit):
    kit.size(None, 20, "T01", trdtc="2020-02-26", visitnum="3")
    kit.size(None, 30, "T02", trdtc="2020-02-28", visitnum="3")
    kit.size(None, 30, "T03", trdtc="2020-02-26", visitnum="3")
    response(kit, "PR", visitnum="3")
    response(kit, "SD", visitnum="4", rsdtc="2020-03-20")
    response(kit, "PD", visitnum="9")
    response(kit, "PD", rsdy="101")
    kit.build("core.response", "quality.finding", "quality.quarantine")
    assert kit.rows("core.response", "overall_response, day, date_flag") == [
        ("PD", 100, None),
        ("PR", 58, "Y"),
        ("SD", 79, None),
    ]
    assert kit.rows("quality.quarantine", "reason_id, source_row") == [("no_day", 7)]
    told = kit.rows("quality.finding", "day, message", "defect_id = 'rows.5k'")
    assert told == [
        (58, "OVRLRESP PR has no date: day 58 of its visit was taken."),
        (100, "OVRLRESP PD has no date: day 100, by its study day, was taken."),
        (None, "OVRLRESP PD has no date."),
    ]


def test_a_visit_that_stands_for_two_assessments_dates_no_response(kit):
    kit.size(None, 20, trdtc="2020-02-26", visit="FOLLOW-UP")
    kit.size(None, 30, trdtc="2020-06-26", visit="FOLLOW-UP")
    response(kit, "PR", visit="FOLLOW-UP")
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id") == [("no_day",)]


def test_an_unscheduled_visit_dates_nothing(kit):
    kit.size(None, 20, trdtc="2020-02-26", visit="UNSCHEDULED", visitnum="99")
    response(kit, "PR", visit="UNSCHEDULED", visitnum="99")
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id") == [("no_day",)]


@pytest.mark.parametrize(("rule", "days"), [("unknown", None), ("first", 60), ("middle", 74)])
def test_treatments_and_procedures_follow_the_setting(rule, days):
    with SqlKit({"dates.partial": rule}) as kit:
        kit.study("s1")
        kit.subject()
        kit.add("ex", {"usubjid": "1", "extrt": "A", "exstdtc": "2020-03", "exendtc": "2020-03"})
        kit.add("cm", {"usubjid": "1", "cmtrt": "B", "cmstdtc": "2020-03"})
        kit.add("pr", {"usubjid": "1", "prtrt": "SURGERY", "prstdtc": "2020-03"})
        kit.add("ds", {"usubjid": "1", "dsdecod": "COMPLETED", "dsstdtc": "2020-03"})
        kit.build(
            "staging.exposure", "staging.medication", "staging.procedure", "staging.disposition"
        )
        assert kit.rows("staging.exposure", "start_day, end_day") == [(days, days)]
        for table in ("medication", "procedure", "disposition"):
            assert kit.rows(f"staging.{table}", "day") == [(days,)]


def test_the_first_dose_and_the_start_of_dosing_bound_an_imputed_day():
    with SqlKit({"dates.partial": "first"}) as kit:
        kit.study("s1")
        kit.subject(first_dose="2020-01-10")
        kit.add("ex", {"usubjid": "1", "extrt": "A", "exstdtc": "2020-01", "exendtc": "2020-01"})
        kit.add("ex", {"usubjid": "1", "extrt": "A", "exstdtc": "2020-03-20", "exendtc": "2020-03"})
        kit.build("staging.exposure")
        assert kit.rows("staging.exposure", "start_day, end_day") == [(0, 0), (70, 70)]


def test_imputed_days_of_treatment_and_death_are_named_with_the_day():
    """March 2020 from a first dose on 1 January: it begins on day 60; the last contact is 65."""
    settings = {"dates.partial": "first", "dates.partial_death": "first"}
    with SqlKit(settings) as kit:
        kit.study("s1")
        kit.subject("1", dthfl="Y", dthdtc="2020-03")
        kit.size(None, 20, trdtc="2020-03-06")
        month = {"usubjid": "1", "visit": "X"}
        kit.add("ex", {**month, "extrt": "A", "exstdtc": "2020-03", "exendtc": "2020-03"})
        kit.add("ds", {"usubjid": "1", "dsdecod": "COMPLETED", "dsstdtc": "2020-03"})
        kit.add("cm", {"usubjid": "1", "cmtrt": "X", "cmstdtc": "2020-03"})
        kit.add("pr", {"usubjid": "1", "prtrt": "X", "prstdtc": "2020-03"})
        kit.build("quality.finding_dates")
        found = kit.rows(
            "quality.finding_dates", "domain, column_name, message", "defect_id = 'time.2b'"
        )
    first = "The date is partial: day 60 was imputed."
    assert found == [
        ("cm", "cmstdtc", first),
        ("dm", "dthdtc", "The date is partial: day 65 was imputed."),
        ("ds", "dsstdtc", first),
        ("ex", "exendtc", first),
        ("ex", "exstdtc", first),
        ("pr", "prstdtc", first),
    ]


def test_an_undated_progression_is_named_by_the_censoring(kit):
    """SD on day 65; PD in May, of a visit without a scan: no day, and not 'no progression'."""
    response(kit, "SD", visit="W8", rsdtc="2020-03-06")
    response(kit, "PD", visit="W16", rsdtc="2020-05")
    kit.build("analysis.patient_endpoint", "quality.finding_responses")
    where = "endpoint = 'PFS' AND basis = 'stated'"
    columns = "rule_id, time_days, is_event, censor_reason"
    assert kit.rows("analysis.patient_endpoint", columns, where) == [
        ("PFS/undated_progression", 65.0, False,
         "Progression is stated on a day that is not known: "
         "censored at the last evaluable assessment before it."),
    ]  # fmt: skip
    assert kit.rows("quality.finding_responses", "defect_id, value, message") == [
        ("rows.7m", "2020-05",
         "Progression by RECIST 1.1 is stated on a day that is not known (2020-05): "
         "endpoints end before it, or with the death."),
    ]  # fmt: skip
