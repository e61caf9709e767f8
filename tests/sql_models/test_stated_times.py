"""ADTTE's times: the first dose is day 0, whatever AVAL calls it and wherever STARTDT lies."""

from __future__ import annotations

from typing import Any

import pytest
from sqlkit import SqlKit


def stated(kit: SqlKit, usubjid: str = "1", **row: Any) -> None:
    kit.add("adtte", {"usubjid": usubjid, "paramcd": "OS", "avalu": "DAYS", "cnsr": "0", **row})


def times(kit: SqlKit, columns: str = "time_days", where: str = "true") -> list[tuple[Any, ...]]:
    kit.build("staging.time_to_event")
    return kit.rows("staging.time_to_event", columns, where)


# Day 100 is 2020-04-10; three days before the first dose is 2019-12-29.
DAY_100 = "2020-04-10"
RANDOMIZED = "2019-12-29"


@pytest.mark.parametrize(
    ("row", "days", "dated_by"),
    [
        # CDISC: ADT - STARTDT + 1.
        ({"aval": "101", "startdt": "2020-01-01", "adt": DAY_100}, 100, "adt"),
        # The same without the 1, in months, or unreadable: the dates decide.
        ({"aval": "100", "startdt": "2020-01-01", "adt": DAY_100}, 100, "adt"),
        ({"aval": "3.3", "avalu": "MONTHS", "adt": DAY_100}, 100, "adt"),
        ({"aval": "not known", "adt": DAY_100}, 100, "adt"),
        # From randomization, three days before the first dose: 104 days, of which 100 from it.
        ({"aval": "104", "startdt": RANDOMIZED, "adt": DAY_100}, 100, "adt"),
        ({"aval": "104", "startdt": RANDOMIZED}, 100, "startdt and aval"),
        # A partial date is none.
        ({"aval": "101", "adt": "2020-04"}, 100, "aval"),
        ({"aval": "101"}, 100, "aval"),
        ({"aval": "1"}, 0, "aval"),
        # 10.1 weeks are 70.7 days.
        ({"aval": "10.1", "avalu": "WEEKS"}, 69.7, "aval"),
        # Less than a month, rounded to 0: on day 0, for the time may be a day long.
        ({"aval": "0.0", "avalu": "MONTHS"}, 0, "aval"),
    ],
)
def test_the_day_of_the_end_by_what_the_row_has(kit, row, days, dated_by) -> None:
    stated(kit, **row)
    assert times(kit, "time_days, dated_by") == [(pytest.approx(days, abs=1e-9), dated_by)]


def test_a_study_that_counts_from_0_is_taken_at_its_word() -> None:
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1")
        stated(kit, aval="100")
        assert times(kit, "time_days, first_day_number, first_day_from") == [
            (100.0, 0, "day_convention")
        ]


@pytest.mark.parametrize(("aval", "first", "days"), [("50", 0, 100), ("51", 1, 99)])
def test_rows_with_dates_say_what_the_others_count_from(kit, aval, first, days) -> None:
    """Subject 2's death is on day 50, stated as 50 or 51; subject 1's AVAL of 100 has no date."""
    kit.subject("2")
    stated(kit, "2", aval=aval, startdt="2020-01-01", adt="2020-02-20")
    stated(kit, aval="100")
    assert times(kit, "time_days, first_day_number, first_day_from", "dated_by = 'aval'") == [
        (float(days), first, "dates of the study")
    ]


def test_months_that_are_too_coarse_say_nothing_of_the_first_day(kit) -> None:
    """2.0 months are 60.9 days, give or take 1.5: day 60 may be the 60th or the 61st."""
    kit.subject("2")
    stated(kit, "2", aval="2.0", avalu="MONTHS", adt="2020-03-01")
    stated(kit, aval="100")
    assert times(kit, "time_days, first_day_from", "dated_by = 'aval'") == [
        (99.0, "day_convention")
    ]


def test_a_time_of_0_days_says_that_the_study_counts_from_0(kit) -> None:
    kit.subject("2")
    stated(kit, "2", aval="0")
    stated(kit, aval="100")
    assert sorted(times(kit, "time_days, first_day_from")) == [
        (0.0, "a time of 0 days"), (100.0, "a time of 0 days"),
    ]  # fmt: skip


def test_a_duration_counts_from_its_own_start(kit) -> None:
    """Response on day 40, progression on day 100: 60 days, which ADaM counts as 61."""
    for row in ({"adt": DAY_100}, {}):
        stated(kit, paramcd="DOR", aval="61", startdt="2020-02-10", **row)
    assert times(kit, "time_days, start_day, endpoint") == [(60.0, 40, "DOR")] * 2
    kit.build("analysis.patient_endpoint")
    assert kit.rows(
        "analysis.patient_endpoint",
        "time_days, start_day, rule_id",
        "endpoint = 'DOR' AND basis = 'stated'",
    ) == [(60.0, 40.0, "DOR/stated_event")]


@pytest.mark.parametrize(
    ("row", "death", "is_conflict"),
    [
        ({"aval": "101"}, DAY_100, False),
        ({"aval": "101", "adt": DAY_100}, DAY_100, False),
        ({"aval": "104", "startdt": RANDOMIZED}, DAY_100, False),
        ({"aval": "100"}, DAY_100, True),
        # 3.3 months: 100.4 days, give or take 1.5.
        ({"aval": "3.3", "avalu": "MONTHS"}, DAY_100, False),
        ({"aval": "3.3", "avalu": "MONTHS"}, "2020-04-14", True),
    ],
)
def test_deaths_conflict_by_more_than_a_way_of_counting(row, death, is_conflict) -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1", dthfl="Y", dthdtc=death)
        stated(kit, **row)
        kit.build("core.patient")
        assert kit.rows("core.patient", "has_death_conflict") == [(is_conflict,)]


def test_survival_that_is_stated_and_derived_agrees(kit) -> None:
    kit.subject("2", dthfl="Y", dthdtc=DAY_100)
    stated(kit, "2", aval="101")
    kit.build("analysis.endpoint_agreement")
    assert kit.rows(
        "analysis.endpoint_agreement", "endpoint, is_agreed, derived_days, stated_days"
    ) == [("OS", True, 100.0, 100.0)]


def test_what_was_assumed_or_corrected_is_a_finding(kit) -> None:
    kit.subject("2")
    stated(kit, aval="104", startdt=RANDOMIZED, adt=DAY_100)
    stated(kit, "2", aval="90", startdt="2020-01-01", adt=DAY_100)
    stated(kit, "2", paramcd="PFS", aval="80")
    kit.build("quality.finding_stated_times")
    assert kit.rows("quality.finding_stated_times", "defect_id, patient_id, message") == [
        (
            "time.5a",
            None,
            "OS of 1 subjects counts from a day other than the first dose (days -3 to -3); here it "
            "counts from the first dose.",
        ),
        ("time.5b", "s1/2", "OS is stated as 90 days, and its dates make it 100."),
        (
            "time.5c",
            None,
            "1 rows of PFS have no date of their end: their first day was taken for day 1, by "
            "dates of the study.",
        ),
    ]


INVESTIGATOR = {"paramcd": "PFSINV", "param": "PFS by investigator", "aval": "57", "cnsr": "1"}
INDEPENDENT = {"paramcd": "PFSIRC", "param": "PFS by IRC", "aval": "113", "cnsr": "0"}
NO_READER = {"paramcd": "PFS", "param": "PFS", "aval": "100", "cnsr": "0"}


def pfs_of(rows, readers=(), settings=None) -> tuple[Any, ...]:
    """PFS of core.patient and of the stated endpoint, with the finding's message."""
    with SqlKit(settings) as kit:
        kit.study("s1")
        kit.subject("1")
        for priority, reader in enumerate(readers, start=1):
            kit.add("study_reader", {"reader": reader, "priority": priority})
        for row in rows:
            stated(kit, **row)
        kit.build("core.patient", "analysis.patient_endpoint", "quality.finding_stated_times")
        ((time, event),) = kit.rows("core.patient", "pfs_days, pfs_event")
        where = "endpoint = 'PFS' AND basis = 'stated'"
        assert kit.rows("analysis.patient_endpoint", "time_days, is_event", where) == [
            (time, event)
        ]
        found = kit.rows(
            "quality.finding_stated_times", "defect_id, message", "defect_id > 'time.5c'"
        )
    return time, event, found


@pytest.mark.parametrize(
    ("rows", "readers", "settings", "days", "defect", "why"),
    [
        ((INVESTIGATOR, INDEPENDENT), ["Investigator"], None, 56, "time.5d",
         "PFSINV counts, by the order of readers; PFSIRC does not."),
        ((INVESTIGATOR, INDEPENDENT), ["INDEPENDENT ASSESSOR", "INVESTIGATOR"], None, 112,
         "time.5d", "PFSIRC counts, by the order of readers; PFSINV does not."),
        ((INVESTIGATOR, INDEPENDENT), ["INVESTIGATOR"],
         {"endpoints.stated_parameters": "PFS, pfsirc"}, 112, "time.5d",
         "PFSIRC counts, by endpoints.stated_parameters; PFSINV does not."),
        ((INVESTIGATOR, INDEPENDENT, NO_READER), [], None, 99, "time.5d",
         "PFS counts, by its name; PFSINV, PFSIRC does not."),
        # Nothing says which.
        ((INVESTIGATOR, INDEPENDENT), [], None, 56, "time.5e",
         "PFSINV counts, as the first of their names; PFSIRC does not."),
        # One PARAMCD, told apart by PARAM, or not at all.
        (({**INVESTIGATOR, "paramcd": "PFS"}, {**INDEPENDENT, "paramcd": "PFS"}),
         ["INDEPENDENT ASSESSOR"], None, 112, "time.5d",
         "PFS counts, by the order of readers; another time of PFS does not."),
        ((NO_READER, {**NO_READER, "aval": "120"}), [], None, 99, "time.5e",
         "PFS counts, as the first of their names; another time of PFS does not."),
    ],
)  # fmt: skip
def test_of_several_times_of_one_endpoint_the_readers_say_which_counts(
    rows, readers, settings, days, defect, why
) -> None:
    """Investigator: censored on day 56. Independent review: progression on day 112."""
    message = f"PFS of 1 subjects is stated several times: {why}"
    for order in (rows, rows[::-1]):
        assert pfs_of(order, readers, settings) == (days, days != 56, [(defect, message)])


def test_the_progression_after_the_next_one_is_not_progression_free_survival() -> None:
    """PFS2 runs to the second progression."""
    assert pfs_of(({**NO_READER, "paramcd": "PFS2"}, NO_READER)) == (99.0, True, [])


def test_two_times_of_one_row_of_a_wide_table_are_both_kept(kit) -> None:
    """A row with a column for each endpoint gives two rows of ADTTE with one source row."""
    for endpoint in ("OS", "PFS"):
        stated(kit, paramcd=endpoint, aval="100", _source_row=1)
    assert times(kit, "endpoint, is_counted") == [("OS", True), ("PFS", True)]
