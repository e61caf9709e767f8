"""The rules of quality.defect at their edges: a few rows in, the findings out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlkit import SqlKit


def found(
    kit: SqlKit, part: str, defect_id: str, columns: str = "source_row"
) -> list[tuple[Any, ...]]:
    """Findings of one defect."""
    kit.build(f"quality.finding_{part}")
    return kit.rows(f"quality.finding_{part}", columns, f"defect_id = '{defect_id}'")


def course(kit: SqlKit, *sizes: Any, label: str = "T01", **more: Any) -> None:
    """A target lesion with a size every 42 days, the first on the day of the first dose."""
    kit.lesion(label)
    for number, size in enumerate(sizes):
        kit.size(42 * number + 1, size, label, **more)


@pytest.mark.parametrize(
    ("sizes", "days"),
    [
        ((10, 0, 10), [42]),
        ((10, 0, 9), []),
        ((9, 0, 10), []),
        ((10, 0, 0, 12), []),
        ((0, 12), []),
        ((12, 0), []),
    ],
)
def test_a_zero_between_two_sizes_of_10_mm(
    kit: SqlKit, sizes: tuple[int, ...], days: list[int]
) -> None:
    course(kit, *sizes)
    assert found(kit, "sizes", "sizes.3c", "day") == [(day,) for day in days]


@pytest.mark.parametrize(
    ("sizes", "days"),
    [
        ((10, 50, 10), [42]),
        ((10, 49, 10), []),
        ((10, 50, 11), []),
        ((50, 10, 50), [42]),
        ((50, 10), []),
        ((50, 0, 50), []),
        ((50, "TOO SMALL TO MEASURE", 50), []),
    ],
)
def test_an_outlier_is_five_times_both_neighbours(
    kit: SqlKit, sizes: tuple[Any, ...], days: list[int]
) -> None:
    course(kit, *sizes)
    assert found(kit, "sizes", "sizes.4f", "day") == [(day,) for day in days]


@pytest.mark.parametrize(
    ("size", "unit", "n"),
    [
        (4.9, "mm", 1),
        (4.9, None, 1),
        (5, "mm", 0),
        (0, "mm", 0),
        (0.4, "cm", 0),
        ("TOO SMALL TO MEASURE", "mm", 0),
    ],
)
def test_a_target_lesion_that_begins_below_5_mm(
    kit: SqlKit, size: Any, unit: str | None, n: int
) -> None:
    course(kit, size, 30, trorresu=unit)
    assert len(found(kit, "sizes", "sizes.4b")) == n


def test_too_small_is_never_taken_for_centimetres() -> None:
    """2 mm by the setting: imputed, and so no first size below 5 mm."""
    with SqlKit({"too_small.default_mm": 2.0}) as kit:
        kit.study("s1")
        kit.subject("1")
        course(kit, "TOO SMALL TO MEASURE", 12)
        assert found(kit, "sizes", "sizes.4b") == []


@pytest.mark.parametrize(
    ("diameter", "n"), [("20", 0), ("12", 0), ("15", 1)], ids=["long", "short", "neither"]
)
def test_diameter_is_the_long_or_the_short_axis(kit: SqlKit, diameter: str, n: int) -> None:
    kit.lesion()
    kit.size(1, 20)
    kit.size(1, 12, trtestcd="LPERP")
    kit.size(1, diameter, trtestcd="DIAMETER")
    assert len(found(kit, "records", "rows.1b")) == n


def test_two_sizes_of_one_day_are_one_finding_with_both(kit: SqlKit) -> None:
    kit.lesion()
    kit.size(1, 12)
    kit.size(1, 41)
    assert found(kit, "records", "rows.1b", "value, source_row") == [("LDIAM 12, LDIAM 41", 4)]


def test_one_lesion_at_one_visit_on_two_dates(kit: SqlKit) -> None:
    kit.lesion()
    for test in ("LDIAM", "LPERP"):
        kit.size(None, 12, trtestcd=test, visitnum="3", trdtc="2020-03-01")
        kit.size(None, 11, trtestcd=test, visitnum="3", trdtc="2020-06-01")
    assert found(kit, "records", "rows.5g", "value, source_row") == [("2020-06-01", 6)]


def test_unscheduled_visits_without_numbers_are_several(kit: SqlKit) -> None:
    kit.lesion()
    kit.size(None, 12, visit="UNSCHEDULED", trdtc="2020-03-01")
    kit.size(None, 11, visit="UNSCHEDULED", trdtc="2020-06-01")
    assert found(kit, "records", "rows.5g") == []


def test_a_study_without_standard_results_lacks_none(kit: SqlKit) -> None:
    course(kit, 20, 18)
    assert found(kit, "records", "rows.5h") == []
    kit.size(200, 15, trstresn="15")
    assert len(found(kit, "records", "rows.5h")) == 2


def test_a_site_that_no_lesion_has_is_one_finding(kit: SqlKit) -> None:
    kit.subject("2")
    kit.lesion("T01", usubjid="1")
    kit.lesion("T01", usubjid="2")
    columns = "lesion_id, message"
    assert found(kit, "sites", "rows.3a", columns) == [
        (None, "None of the 2 target lesions of the study has a site.")
    ]
    kit.lesion("T02", usubjid="2", tuloc="LIVER")
    assert [lesion for lesion, _ in found(kit, "sites", "rows.3a", columns)] == [
        "s1/1/-/T01",
        "s1/2/-/T01",
    ]


def test_a_site_without_an_organ_is_found_once_unless_the_study_says_so(kit: SqlKit) -> None:
    kit.add("study_site", {"site_raw": "WHOLE BODY", "organ": "unknown"})
    for number, site in enumerate(["BODY", "BODY", "17", "WHOLE BODY", "LIVER"], start=1):
        kit.lesion(f"T0{number}", tuloc=site)
    assert found(kit, "sites", "rows.3e", "value, lesion_id") == [("BODY", None)]
    assert found(kit, "sites", "rows.3g", "value, lesion_id") == [("17", "s1/1/-/T03")]


def test_lesion_numbers_may_run_through_the_types(kit: SqlKit) -> None:
    for label, kind in (("1", "TARGET"), ("2", "TARGET"), ("3", "NON-TARGET"), ("5", "NEW")):
        kit.lesion(label, kind)
    assert found(kit, "identity", "identity.1h", "value, message") == [
        ("5", "Lesion number 5 follows number 3.")
    ]


def test_lesion_numbers_that_run_through_the_study_have_no_gap(kit: SqlKit) -> None:
    for subject, label in (("1", "T01"), ("2", "T02"), ("3", "T03")):
        if subject != "1":
            kit.subject(subject)
        kit.lesion(label, usubjid=subject)
    assert found(kit, "identity", "identity.1h") == []


def test_never_measured_is_a_lesion_without_any_row(kit: SqlKit) -> None:
    for label in ("T01", "T02", "T03"):
        kit.lesion(label)
    kit.lesion("N01", "NEW")
    kit.size(1, 20, "T01")
    kit.size(1, "NOT EVALUABLE", "T02")
    assert found(kit, "identity", "identity.4a", "value") == [("T03",)]


def test_an_id_of_another_table_is_named_by_what_is_wrong_with_it(kit: SqlKit) -> None:
    kit.subject("007")
    kit.add("ex", {"usubjid": "7"}, {"usubjid": "1.0"}, {"usubjid": "8"}, {"usubjid": "007"})
    columns = "value, patient_id"
    assert found(kit, "identity", "identity.1c", columns) == [("7", "s1/007")]
    assert found(kit, "identity", "identity.1d", columns) == [("1.0", "s1/1")]
    assert found(kit, "identity", "identity.4b", columns) == [("8", "s1/8")]


def test_a_study_without_dm_has_no_strangers() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        course(kit, 20, 18)
        assert found(kit, "identity", "identity.4b") == []


@pytest.mark.parametrize(
    ("rule", "n"), [(None, 1), ("first dose", 1), ("randomisation", 1), ("first MRI", 0)]
)
def test_a_late_baseline_needs_a_day_0_of_treatment(rule: str | None, n: int) -> None:
    with SqlKit() as kit:
        kit.study("s1", day_zero_rule=rule)
        kit.subject("1")
        kit.lesion()
        kit.size(15, 20)
        assert len(found(kit, "time", "time.1d")) == n


def test_study_day_against_date_row_by_row_or_once(kit: SqlKit) -> None:
    """21 rows, one of them off: a slip. Of 20 rows one is 5 %, and 2 of 22 are more."""
    kit.lesion()
    for number in range(20):
        kit.size(number + 1, 20, trdtc=f"2020-01-{number + 1:02d}")
    kit.size(30, 20, trdtc="2020-01-28")
    assert found(kit, "time", "time.1f", "day, value") == [(29, "30")]
    kit.size(40, 20, trdtc="2020-01-29")
    assert found(kit, "time", "time.1f", "message") == [
        ("Study day and date disagree on 2 of 22 rows, of 1 subjects, by up to 11 days.",)
    ]


def test_a_planned_day_after_death_is_no_scan_after_death() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1", dthfl="Y", dthdtc="2020-02-10")
        kit.lesion()
        kit.size(43, 20, trdtc="2020-02-10")
        kit.size(44, 21, trdtc="2020-02-11")
        assert found(kit, "time", "time.2i", "day, message") == [
            (41, "Assessed on day 41; DM has the death on day 40.")
        ]


def test_partial_and_old_dates_of_medical_history_are_left_alone(kit: SqlKit) -> None:
    kit.add("ae", {"usubjid": "1", "aestdtc": "1948", "aeendtc": "2019-05"})
    kit.add("pr", {"usubjid": "1", "prstdtc": "2014-03"})
    kit.add("ds", {"usubjid": "1", "dsdecod": "DEATH", "dsstdtc": "2020-05"})
    assert found(kit, "dates", "time.2b", "domain, value") == [("ds", "2020-05")]
    assert found(kit, "dates", "time.2e") == []


def test_a_partial_date_without_a_study_day_is_in_quarantine_only(kit: SqlKit) -> None:
    kit.lesion()
    kit.size(1, 20, trdtc="2020-01-01")
    kit.size(None, 20, trdtc="2020-02")
    kit.size(60, 20, trdtc="2020-02")
    assert found(kit, "dates", "time.2b") == [(5,)]
    assert kit.rows("quality.quarantine", "source_row, defect_id") == [(4, "time.2b")]


def test_one_old_calendar_is_one_finding() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1", "1900-03-05")
        kit.lesion(tudtc="1900-03-01")
        assert found(kit, "dates", "time.2e", "domain, column_name, value, message") == [
            ("dm", "rfstdtc", "1900-03-05", "3 dates of the subject are before 1950.")
        ]


@pytest.mark.parametrize(
    ("arm", "with_dictionary", "defect_id"),
    [
        ("AMG 954", False, "rows.4b"),
        ("MPDL3280A", False, None),
        ("Study_2_Arm_1", False, "rows.4c"),
        ("Cohort B", False, "rows.4c"),
        ("Xanomeline High Dose", False, None),
        ("Xanomeline High Dose", True, "rows.4b"),
        ("FOLFOX4", True, None),
        ("Known", True, None),
    ],
)
def test_arms_that_nothing_translates(
    arm: str, with_dictionary: bool, defect_id: str | None
) -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1", arm=arm)
        kit.subject("2", arm="Screen Failure", armcd="SCRNFAIL")
        if with_dictionary:
            kit.add("study_arm", {"arm": "Known", "treatment": "x", "treatment_class": "other"})
        kit.build("quality.finding_treatment")
        wanted = [] if defect_id is None else [(defect_id, arm)]
        assert kit.rows("quality.finding_treatment", "defect_id, value") == wanted


def test_crossover_is_judged_by_the_arm_as_treated() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1", arm="FOLFOX", actarm="FOLFOX plus bevacizumab")
        kit.subject("2", arm="FOLFOX")
        kit.subject("3", arm="Arm A")
        for subject in "123":
            kit.add("ex", {"usubjid": subject, "extrt": "AVASTIN", "exstdy": "50"})
        assert found(kit, "treatment", "rows.4d", "patient_id, day") == [("s1/2", 49)]


def test_only_procedures_on_a_lesion_under_treatment_count(kit: SqlKit) -> None:
    kit.lesion("T01")
    radiation = {"usubjid": "1", "prdecod": "RADIOTHERAPY"}
    kit.add("pr", {**radiation, "prlnkid": "T01", "prstdy": "-20"})
    kit.add("pr", {**radiation, "prstdy": "30"})
    kit.add("pr", {**radiation, "prlnkid": "T01", "prstdy": "60"})
    kit.add("pr", {**radiation, "prlnkid": "T01", "prstdy": "40"})
    assert found(kit, "treatment", "rows.4e", "lesion_id, day, message") == [
        ("s1/1/-/T01", 39, "Procedure of this lesion on day 39, the first of 2.")
    ]


def test_deaths_that_tables_tell_differently() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("dead", dthfl="Y", dthdtc="2020-06-01")
        kit.subject("alive")
        kit.subject("undated", dthfl="Y")
        for subject in ("dead", "alive", "undated"):
            kit.add("ds", {"usubjid": subject, "dsdecod": "DEATH", "dsstdtc": "2020-06-01"})
            kit.add("ae", {"usubjid": subject, "aeout": "FATAL", "aeendtc": "2020-06-02"})
        kit.add("ss", {"usubjid": "dead", "ssstresc": "ALIVE", "ssdtc": "2020-05-31"})
        kit.add("ss", {"usubjid": "dead", "ssstresc": "ALIVE", "ssdtc": "2020-06-01"})
        kit.add("dd", {"usubjid": "alive", "ddtestcd": "PRCDTH"})
        kit.build("quality.finding_deaths")
        assert kit.rows("quality.finding_deaths", "defect_id, patient_id, domain") == [
            ("rows.5a", "s1/undated", "dm"),
            ("rows.5b", "s1/alive", "ds"),
            ("rows.5c", "s1/alive", "ae"),
            ("rows.5c", "s1/dead", "ae"),
            ("rows.5d", "s1/alive", "dd"),
            ("rows.5d", "s1/dead", "ss"),
        ]
        told = kit.rows("quality.finding_deaths", "message", "defect_id = 'rows.5a'")
        assert told == [
            (
                "DM says that the subject died, and not when; the day that another table gives "
                "was taken.",
            )
        ]


def test_a_dm_that_tells_of_no_deaths_contradicts_none(kit: SqlKit) -> None:
    kit.add("ds", {"usubjid": "1", "dsdecod": "DEATH", "dsstdtc": "2020-06-01"})
    kit.build("quality.finding_deaths")
    assert kit.rows("quality.finding_deaths") == []


def test_a_day_of_death_is_as_good_as_a_date() -> None:
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1", None, dthfl="Y", dthdy="300")
        assert found(kit, "deaths", "rows.5a") == []


@pytest.mark.parametrize(
    ("category", "response", "n"),
    [
        ("RECIST 1.1", "SD", 1),
        ("RECIST 1.1", "PD", 0),
        ("RECIST 1.1", "NE", 1),
        ("IRECIST", "SD", 0),
    ],
)
def test_a_new_lesion_is_progression(kit: SqlKit, category: str, response: str, n: int) -> None:
    common = {"usubjid": "1", "rsdy": "43", "rseval": "INVESTIGATOR"}
    kit.add("rs", {**common, "rscat": "RECIST 1.1", "rstestcd": "NEWLIND", "rsstresc": "Y"})
    kit.add("rs", {**common, "rscat": category, "rstestcd": "OVRLRESP", "rsstresc": response})
    assert len(found(kit, "visits", "rows.5f")) == n


def test_missing_dates_count_where_others_have_one(kit: SqlKit) -> None:
    kit.lesion("T01")
    assert found(kit, "visits", "rows.5j") == []
    kit.lesion("T02", tudy="1")
    assert found(kit, "visits", "rows.5j", "source_row, column_name") == [(2, "tudy")]
    kit.lesion("T03", tudtc="2020-01-01")
    assert found(kit, "visits", "rows.5j", "source_row, column_name") == [
        (2, "tudtc"),
        (3, "tudtc"),
    ]


@pytest.mark.parametrize(
    ("visits", "numbers"),
    [
        ([("1", "", "2020-01-01"), ("2", "", "2020-03-01"), ("3", "", "2020-02-01")], ["3"]),
        ([("1", "", "2020-01-01"), ("10", "", "2020-03-01"), ("2", "", "2020-02-01")], []),
        ([("1", "UNSCHEDULED", "2020-05-01"), ("2", "", "2020-03-01")], []),
        ([("2.1", "UNSCHEDULED", "2020-05-01"), ("3", "", "2020-03-01")], ["3"]),
        # A visit far too late: the next one is named, not all that follow.
        (
            [("1", "", "2020-01-01"), ("2", "", "2029-03-01"), ("3", "", "2020-05-01"),
             ("4", "", "2020-07-01")],
            ["3"],
        ),
    ],
)  # fmt: skip
def test_visits_out_of_order(
    kit: SqlKit, visits: list[tuple[str, str, str]], numbers: list[str]
) -> None:
    kit.lesion()
    for number, visit, date in visits:
        kit.size(None, 20, visitnum=number, visit=visit, trdtc=date)
    messages = [message for (message,) in found(kit, "visits", "rows.5m", "message")]
    assert [message.split()[1] for message in messages] == numbers


def test_not_done_has_no_visit_of_its_own(kit: SqlKit) -> None:
    kit.lesion()
    kit.size(None, 20, visitnum="1", trdtc="2020-01-01")
    kit.size(None, None, visitnum="2", trdtc="2020-01-01", trstat="NOT DONE")
    assert found(kit, "visits", "rows.5l") == []
    kit.size(None, 20, visitnum="1.1", trdtc="2020-01-01T11:45")
    assert found(kit, "visits", "rows.5l", "value, message") == [
        ("1.1", "Visits 1 and 1.1 are both of 2020-01-01.")
    ]


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("2020-02-31", 1),
        ("2020-25-06", 1),
        ("31/02/2020", 1),
        ("2020-02-29", 0),
        ("2020-02", 0),
        ("20200229", 0),
        ("29FEB2020", 0),
        ("2020-02-29T11:45+02:00", 0),
        ("UNKNOWN", 0),
        ("", 0),
    ],
)
def test_a_text_that_is_no_date(kit: SqlKit, text: str, n: int) -> None:
    kit.lesion()
    kit.size(1, 20, trdtc="2020-01-01")
    kit.size(60, 20, trdtc=text)
    assert found(kit, "dates", "time.2l", "domain, column_name, value") == (
        [("tr", "trdtc", text)] if n else []
    )


def test_texts_that_are_no_dates_are_one_finding_per_column(kit: SqlKit) -> None:
    kit.lesion()
    for day in (1, 43, 85):
        kit.size(day, 20, trdtc=f"2020-13-{day % 28 + 1:02}")
    assert found(kit, "dates", "time.2l", "value, left(message, 21)") == [
        ("2020-13-02", "3 texts are no dates.")
    ]


def test_doses_that_end_before_they_begin_or_are_negative(kit: SqlKit) -> None:
    for start, end, dose in ((1, 15, "85"), (15, 15, "0"), (29, 15, "85"), (43, 57, "-85")):
        kit.add(
            "ex",
            {"usubjid": "1", "extrt": "FOLFOX", "exdose": dose, "exstdy": start, "exendy": end},
        )
    assert found(kit, "treatment", "rows.4k", "day, value") == [(14, "14")]
    assert found(kit, "treatment", "rows.4l", "day, value") == [(42, "-85.0")]
