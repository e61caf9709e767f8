"""Days: from study days and dates to days since the first dose."""

from __future__ import annotations

import pytest
from sqlkit import SqlKit


def days(kit: SqlKit) -> list[int]:
    kit.build("core.measurement")
    return [row[0] for row in kit.rows("core.measurement", "day")]


@pytest.mark.parametrize(
    ("stated", "expected"), [("1", 0), ("2", 1), ("-1", -1), ("-14", -14), ("43.0", 42), ("0", 0)]
)
def test_sdtm_has_no_day_0_so_day_1_is_the_first_dose(kit, stated, expected):
    kit.size(stated, 12)
    assert days(kit) == [expected]


def test_zero_based_days_stay_as_they_are():
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1", first_dose=None)
        for day in (-22, 0, 1, 42):
            kit.size(day, 12)
        assert days(kit) == [-22, 0, 1, 42]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2020-01-01", 0),
        ("2019-12-31", -1),
        ("2020-02-12", 42),
        ("2020-02-12T11:45", 42),
        ("2020-02-12T23:30:00-05:00", 42),
        ("2020-02-12 00:00:00", 42),
        ("20200212", 42),
        ("12FEB2020", 42),
        ("2020-03-01", 60),
    ],
)
def test_without_a_study_day_the_date_counts(kit, date, expected):
    kit.size(None, 12, trdtc=date)
    assert days(kit) == [expected]


def test_a_stated_day_goes_before_a_date(kit):
    kit.size(43, 12, trdtc="2020-06-01")
    assert days(kit) == [42]


def test_a_partial_date_with_a_study_day_is_used_and_flagged(kit):
    kit.size(1, 12, trdtc="2020-01")
    assert days(kit) == [0]
    assert kit.rows("staging.tumor_result", "is_date_partial") == [(True,)]


@pytest.mark.parametrize(
    ("day", "date", "column", "value", "reason_id"),
    [
        (None, "2020-01", "trdtc", "2020-01", "partial_date"),
        (None, "2020", "trdtc", "2020", "partial_date"),
        (None, "2020-02-30", "trdtc", "2020-02-30", "bad_date"),
        (None, "last week", "trdtc", "last week", "bad_date"),
        ("4x", None, "trdy", "4x", "bad_day"),
        ("42.5", None, "trdy", "42.5", "bad_day"),
        (None, None, "trdtc", None, "no_day"),
    ],
)
def test_a_row_without_a_day_is_quarantined(kit, day, date, column, value, reason_id):
    kit.size(1, 10)
    kit.size(day, 12, trdtc=date)
    assert days(kit) == [0]
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "column_name, value, reason_id") == [
        (column, value, reason_id)
    ]


def test_a_reader_none_of_whose_rows_has_a_day_is_told_apart(kit):
    kit.size(None, 12, treval="A")
    kit.size(1, 12, treval="B")
    kit.size(None, 13, treval="B")
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id, defect_id") == [
        ("no_day", "time.2a"),
        ("visits_without_days", "time.2f"),
    ]


def test_a_date_without_a_first_dose_to_count_from_is_quarantined(kit):
    kit.subject("2", first_dose=None)
    kit.size(None, 12, trdtc="2020-01-01", usubjid="2")
    assert days(kit) == []
    kit.build("quality.quarantine")
    assert kit.rows("quality.quarantine", "reason_id, value") == [
        ("no_reference_date", "2020-01-01")
    ]


def test_study_days_that_count_from_randomisation_are_moved_to_the_first_dose(kit):
    # Randomised on 1 January, first dose on 5 January: study day 5 is the first dose.
    kit.add("dm", {"usubjid": "2", "rfstdtc": "2020-01-01", "rfxstdtc": "2020-01-05"})
    kit.size(5, 12, usubjid="2")
    kit.size(None, 13, usubjid="2", trdtc="2020-01-06")
    kit.size(-3, 14, usubjid="2")
    assert days(kit) == [-7, 0, 1]


@pytest.mark.parametrize(
    ("rule", "latest", "expected"),
    [("last_before_first_dose", 1, 1), ("last_before_first_dose", 0, -3), ("first", 1, -30)],
)
def test_baseline_follows_the_settings(rule, latest, expected):
    with SqlKit(settings={"baseline.rule": rule, "baseline.latest_day": latest}) as kit:
        kit.study("s1", day_convention="zero_based")
        for day in (-30, -3, 1, 40):
            kit.size(day, 12)
        kit.build("core.measurement")
        assert kit.rows("core.measurement", "day", "is_baseline") == [(expected,)]


def test_a_lesion_first_measured_after_the_first_dose_has_no_baseline(kit):
    kit.size(40, 12)
    kit.size(80, 9)
    kit.build("core.lesion")
    assert kit.rows("core.lesion", "baseline_day, baseline_diameter_mm") == [(None, None)]


def test_a_new_lesion_has_no_baseline(kit):
    kit.lesion("N01", "NEW", tudy="85")
    kit.size(85, 12, label="N01")
    kit.build("core.lesion")
    assert kit.rows("core.lesion", "first_day, baseline_day, n_measurements") == [(84, None, 1)]
    assert kit.rows("core.measurement", "is_baseline") == [(False,)]
