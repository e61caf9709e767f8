"""When a new lesion is detected: what is found counts, not the row that names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlkit import SqlKit

# Zero-based days. A row is a day of TR with a word or a size in mm; "TU" is the day of TU.
Course = Sequence[tuple[int, str | float]]


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """A study of zero-based days with subject 1 and a target lesion that does not change."""
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1")
        kit.lesion("T01", tudy="-7")
        for day in (-7, 56, 112, 168):
            kit.size(day, 50)
        yield kit


def follow(kit: SqlKit, course: Course, label: str = "W01", tu: str = "NEW") -> None:
    """A new lesion with what its rows say, day by day."""
    for day, said in course:
        if said == "TU":
            kit.lesion(label, tu, tudy=str(day))
        elif isinstance(said, str):
            kit.state(day, said, label, trgrpid="NEW")
        else:
            kit.size(day, said, label, trgrpid="NEW")


COURSES: list[tuple[Course, int | None, str | None]] = [
    # What says no, before what is found.
    (((56, "ABSENT"), (168, "UNEQUIVOCAL"), (168, "TU")), 168, None),
    (((56, "NOT DONE"), (168, "UNEQUIVOCAL"), (168, "TU")), 168, None),
    (((56, "NOT EVALUABLE"), (168, "PRESENT")), 168, None),
    (((56, "NORMAL"), (112, "NON-PATHOLOGICAL"), (168, "PATHOLOGICAL")), 168, None),
    (((56, 0), (168, 12)), 168, None),
    (((-7, "ABSENT"), (56, "PRESENT")), 56, None),
    (((56, "NOT EXAMINED"), (112, "NOT DONE")), None, "detection_day_unknown"),
    # Found, by a word or a size, or by TU alone.
    (((56, "PRESENT"),), 56, None),
    (((56, 12),), 56, None),
    (((56, "TU"),), 56, None),
    (((-7, "PRESENT"), (56, "PRESENT")), None, "detected_before_treatment"),
    # A word takes precedence over a size of the same day: a node of 8 mm that is called absent.
    (((56, 8), (56, "ABSENT"), (112, 12)), 112, None),
    # Never found.
    (((56, "ABSENT"), (112, 0)), None, "not_found"),
    (((56, "NOT EVALUABLE"),), None, "not_evaluable"),
    (((56, "TU"), (56, "NOT EVALUABLE")), None, "not_evaluable"),
    # Equivocal: dated back when confirmed, by the chain of findings since the last absence.
    (((56, "EQUIVOCAL"), (112, "UNEQUIVOCAL")), 56, None),
    (((56, "EQUIVOCAL"), (112, "EQUIVOCAL"), (168, 15)), 56, None),
    (((56, "EQUIVOCAL"), (112, "NOT DONE"), (168, "PRESENT")), 56, None),
    (((56, "EQUIVOCAL"), (112, "ABSENT"), (168, "UNEQUIVOCAL")), 168, None),
    (((56, "EQUIVOCAL"), (84, "ABSENT"), (112, "EQUIVOCAL"), (168, "PRESENT")), 112, None),
    (((56, "EQUIVOCAL"), (112, "ABSENT")), None, "equivocal"),
    (((56, "EQUIVOCAL"),), None, "equivocal"),
    (((56, 9), (56, "EQUIVOCAL")), None, "equivocal"),
    (((56, "PRESENT"), (112, "ABSENT"), (168, "PRESENT")), 56, None),
    # TU dates the finding; TR says how sure it was.
    (((112, "TU"), (112, "EQUIVOCAL"), (168, "ABSENT")), None, "equivocal"),
    (((48, "TU"), (46, "EQUIVOCAL"), (88, "EQUIVOCAL")), None, "equivocal"),
    (((48, "TU"), (46, "EQUIVOCAL"), (88, "UNEQUIVOCAL")), 46, None),
    (((48, "TU"), (46, "EQUIVOCAL")), None, "equivocal"),
    (((56, "TU"), (112, "PRESENT")), 56, None),
    (((56, "TU"), (112, "EQUIVOCAL")), None, "equivocal"),
    (((56, "TU"), (112, "EQUIVOCAL"), (168, "PRESENT")), 56, None),
    (((56, "TU"), (112, "ABSENT"), (168, "PRESENT")), 56, None),
    (((56, "TU"), (56, "ABSENT"), (168, "PRESENT")), 168, None),
    (((56, "TU"), (112, "NOT EVALUABLE")), 56, None),
    (((56, "TU"), (112, "NOT DONE")), 56, None),
]
"""What the rows of a new lesion say, the day that it is detected, and why it never is."""


def test_a_new_lesion_is_detected_when_something_is_found(kit: SqlKit) -> None:
    """One build for all: lesions do not know of each other."""
    for number, (course, _, _) in enumerate(COURSES):
        follow(kit, course, f"W{number:02}")
    kit.build("analysis.new_lesion")
    found = kit.rows("analysis.new_lesion", "lesion_id, detected_day, not_counted_because")
    for (course, day, reason), (_, found_day, found_reason) in zip(COURSES, found, strict=True):
        assert (found_day, found_reason) == (day, reason), course


def test_the_own_words_of_tu_count(kit: SqlKit) -> None:
    words = ("NEW - EQUIVOCAL", "EQUIVOCAL NEW LESION", "UNEQUIVOCAL NEW", "NEW LESION, NOT SEEN")
    for number, word in enumerate(words):
        follow(kit, ((56, "TU"),), f"W{number}", tu=word)
    kit.build("analysis.new_lesion")
    assert kit.rows("analysis.new_lesion", "lesion_id, detected_day, not_counted_because") == [
        ("s1/1/-/W0", None, "equivocal"),
        ("s1/1/-/W1", None, "equivocal"),
        ("s1/1/-/W2", 56, None),
        ("s1/1/-/W3", None, "not_found"),
    ]


def test_the_response_of_a_patient_follows_what_is_found(kit: SqlKit) -> None:
    """ABSENT on day 56 is no progression; the lesion that is there on day 168 is."""
    follow(kit, ((56, "ABSENT"), (168, "UNEQUIVOCAL"), (168, "TU")))
    kit.add(
        "rs",
        *(
            {"usubjid": "1", "rstestcd": "OVRLRESP", "rsorres": word, "rsdy": day}
            for day, word in (("56", "SD"), ("168", "PD"))
        ),
    )
    kit.build("analysis.visit_response", "core.response", "analysis.lesion_event")
    assert kit.rows("analysis.visit_response", "day, has_new_lesion, overall_response") == [
        (-7, False, None),
        (56, False, "SD"),
        (112, False, "SD"),
        (168, True, "PD"),
    ]
    assert kit.rows("core.response", "day, has_new_lesion") == [(56, False), (168, True)]
    assert kit.rows(
        "analysis.lesion_event",
        "time_days, is_event, time_lower",
        "lesion_type = 'new' AND rule_set = 'recist_1_1'",
    ) == [(168.0, True, 112.0)]


def test_an_equivocal_lesion_is_reported_and_is_no_event(kit: SqlKit) -> None:
    follow(kit, ((112, "TU"), (112, "EQUIVOCAL"), (168, "ABSENT")))
    follow(kit, ((56, "ABSENT"),), label="W02")
    kit.build("analysis.visit_response", "analysis.lesion_event", "quality.finding_lesions")
    assert kit.rows("analysis.visit_response", "day", "has_new_lesion") == []
    assert kit.rows(
        "analysis.lesion_event", "censor_reason", "lesion_type = 'new' AND rule_set = 'zhou2023'"
    ) == [("equivocal",), ("not_found",)]
    assert kit.rows("quality.finding_lesions", "defect_id, value, day") == [
        ("rows.6b", "W01", 112),
        ("rows.6c", "W02", None),
    ]


def test_the_type_that_tu_gives_holds_whatever_the_group_says(kit: SqlKit) -> None:
    kit.lesion("W01", "NEW", tudy="56")
    for day, group in ((56, "NEW"), (112, "NON-TARGET"), (168, "TARGET")):
        kit.state(day, "PRESENT", "W01", trgrpid=group)
    kit.build("core.lesion", "quality.finding_lesions")
    assert kit.rows(
        "core.lesion", "lesion_type, first_day, n_assessments", "lesion_label = 'W01'"
    ) == [("new", 56, 3)]
    assert kit.rows("quality.finding_lesions", "defect_id, lesion_id, value, message") == [
        (
            "identity.5a",
            "s1/1/-/W01",
            "non-target, target",
            "TU calls the lesion new; the group of 2 rows says another type.",
        )
    ]


def test_tu_without_a_reader_gives_the_type_of_a_reader_who_has_no_row_there(kit: SqlKit) -> None:
    kit.lesion("W01", "NEW", tudy="56")
    for day, group in ((56, "NEW"), (112, "NON-TARGET")):
        kit.state(day, "PRESENT", "W01", trgrpid=group, treval="INVESTIGATOR")
    kit.build("core.lesion")
    assert kit.rows("core.lesion", "lesion_id, lesion_type", "lesion_label = 'W01'") == [
        ("s1/1/INVESTIGATOR/W01", "new")
    ]


def test_a_link_id_of_two_types_in_tu_stays_two_lesions(kit: SqlKit) -> None:
    kit.lesion("1", "TARGET", tudy="-7")
    kit.lesion("1", "NON-TARGET", tudy="-7")
    kit.state(56, "PRESENT", "1", trgrpid="NON-TARGET")
    kit.build("core.lesion", "quality.finding_lesions")
    assert kit.rows("core.lesion", "lesion_id", "lesion_label = '1'") == [
        ("s1/1/-/1:non-target",),
        ("s1/1/-/1:target",),
    ]
    assert kit.rows("quality.finding_lesions") == []


def test_what_tu_calls_benign_is_no_tumor(kit: SqlKit) -> None:
    kit.lesion("B01", "BENIGN", tudy="56")
    kit.size(56, 12, "B01", trgrpid="TARGET")
    kit.state(112, "PRESENT", "B01", trgrpid="NEW")
    kit.build("core.lesion", "quality.finding_lesions", "quality.row_audit")
    assert kit.rows("core.lesion", "lesion_label") == [("T01",)]
    assert kit.rows("quality.finding_lesions", "defect_id, value, message") == [
        ("identity.5c", "BENIGN", "TU calls B01 no tumor: left out, with its results.")
    ]
    assert kit.rows("quality.row_disposition", "step, n_rows", "reason_id = 'not_a_tumor'") == [
        ("raw.tr -> staging.tumor_result", 2),
        ("raw.tu -> staging.tumor_identification", 1),
    ]
    assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []


def test_a_lesion_that_tu_also_calls_benign_stays_and_a_new_one_is_not_counted(kit: SqlKit) -> None:
    kit.lesion("T01", "CYST", tudy="112")
    follow(kit, ((56, "TU"), (56, "PRESENT")))
    kit.lesion("W01", "BENIGN", tudy="168")
    kit.build("analysis.new_lesion", "quality.finding_lesions")
    assert kit.rows("analysis.new_lesion", "detected_day, not_counted_because") == [
        (None, "no_tumor")
    ]
    assert kit.rows("core.lesion", "lesion_label, lesion_type") == [
        ("T01", "target"),
        ("W01", "new"),
    ]
    assert kit.rows("quality.finding_lesions", "defect_id, lesion_id") == [
        ("identity.5b", "s1/1/-/T01"),
        ("identity.5b", "s1/1/-/W01"),
        ("rows.6c", "s1/1/-/W01"),
    ]
