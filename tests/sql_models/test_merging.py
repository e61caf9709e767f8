"""Lesions that merge or split: the survivor, the sums, and no event by the merging alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlkit import SqlKit

Sizes = Mapping[int, float | str]


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """A study of zero-based days with subject 1."""
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1")
        yield kit


def lesion(kit: SqlKit, label: str, course: Sizes, site: str = "LIVER", **tu: Any) -> None:
    """A lesion; a number is its size in mm on the day, a word its state, 'size / word' both."""
    kit.lesion(label, tuloc=site, tudy="-6", **tu)
    for day, said in course.items():
        for part in str(said).split(" / "):
            if part.replace(".", "").isdigit():
                kit.size(day, part, label)
            else:
                kit.state(day, part, label, trgrpid="TARGET")


def merged(kit: SqlKit) -> list[tuple[str, str, int]]:
    """Survivor, the lesion that went into it, and the day."""
    kit.build("core.lesion_lineage")
    rows = kit.rows("core.lesion_lineage", "lesion_id, related_lesion_id, day, relation")
    assert {row[3] for row in rows} <= {"merged"}
    return [(survivor[7:], other[7:], day) for survivor, other, day, _ in rows]


COALESCED = "COALESCED"


@pytest.mark.parametrize(
    ("courses", "expected"),
    [
        # The one that is measured afterwards, whatever its number.
        (
            {
                "T01": {-6: 30, 42: 28, 84: "45 / COALESCED"},
                "T02": {-6: 20, 42: 22, 84: COALESCED},
            },
            [("T01", "T02", 84)],
        ),
        (
            {
                "T01": {-6: 30, 42: 28, 84: COALESCED},
                "T02": {-6: 20, 42: 22, 84: "45 / COALESCED"},
            },
            [("T02", "T01", 84)],
        ),
        # A word on one lesion alone: on the one that is gone, or on the survivor.
        (
            {"T01": {-6: 30, 42: 28, 84: "TUMOR MERGED"}, "T02": {-6: 20, 42: 22, 84: 45}},
            [("T02", "T01", 84)],
        ),
        (
            {"T01": {-6: 30, 42: 28, 84: "45 / TUMOR MERGED"}, "T02": {-6: 20, 42: 22}},
            [("T01", "T02", 84)],
        ),
        # Three lesions in one, and the word repeated at the next visit.
        (
            {
                "T01": {-6: 30, 42: 28, 84: COALESCED, 126: COALESCED},
                "T02": {-6: 20, 42: 22, 84: "60 / COALESCED", 126: "62 / COALESCED"},
                "T03": {-6: 15, 42: 14, 84: COALESCED, 126: COALESCED},
            },
            [("T02", "T01", 84), ("T02", "T03", 84)],
        ),
        # One after the other.
        (
            {
                "T01": {-6: 30, 42: "45 / COALESCED", 84: "60 / COALESCED"},
                "T02": {-6: 20, 42: COALESCED, 84: COALESCED},
                "T03": {-6: 15, 42: 14, 84: COALESCED},
            },
            [("T01", "T02", 42), ("T01", "T03", 84)],
        ),
        # The merged size entered on both: one lesion, the first.
        (
            {
                "T01": {-6: 30, 42: 28, 84: "45 / COALESCED"},
                "T02": {-6: 20, 42: 22, 84: "45 / COALESCED"},
            },
            [("T01", "T02", 84)],
        ),
        # Two sizes: a plane between them can be seen, both are measured (RECIST 1.1, 4.3.1).
        (
            {
                "T01": {-6: 30, 42: 28, 84: "29 / COALESCED"},
                "T02": {-6: 20, 42: 22, 84: "23 / COALESCED"},
            },
            [],
        ),
        # A link id of its own for what came of them.
        (
            {
                "T01": {-6: 30, 42: 28, 84: COALESCED},
                "T02": {-6: 20, 42: 22, 84: COALESCED},
                "T03": {-6: 15, 42: 14, 84: 14},
                "T05": {84: 45},
            },
            [("T05", "T01", 84), ("T05", "T02", 84)],
        ),
        # Two lesions are still measured: into which of them it went is not known.
        (
            {
                "T01": {-6: 30, 42: 28, 84: COALESCED},
                "T02": {-6: 20, 42: 22, 84: 35},
                "T03": {-6: 15, 42: 14, 84: 24},
            },
            [],
        ),
    ],
)
def test_the_lesion_that_carries_the_size_afterwards_is_the_survivor(
    kit: SqlKit, courses: Mapping[str, Sizes], expected: list[tuple[str, str, int]]
) -> None:
    for label, course in courses.items():
        lesion(kit, label, course)
    assert merged(kit) == expected


def test_a_lesion_of_the_same_site_comes_before_others_of_the_organ(kit: SqlKit) -> None:
    lesion(kit, "T01", {-6: 30, 42: 28, 84: COALESCED}, "LIVER, SEGMENT 2")
    lesion(kit, "T02", {-6: 20, 42: 22, 84: 45}, "LIVER, SEGMENT 7")
    lesion(kit, "T03", {-6: 15, 42: 14, 84: 24}, "LIVER, SEGMENT 2")
    assert merged(kit) == [("T03", "T01", 84)]


def test_lesions_of_two_organs_do_not_merge(kit: SqlKit) -> None:
    lesion(kit, "T01", {-6: 30, 84: COALESCED})
    lesion(kit, "T02", {-6: 20, 84: 45}, "LUNG")
    kit.build("core.lesion_lineage", "quality.finding_lesions")
    assert kit.rows("core.lesion_lineage") == []
    assert kit.rows("quality.finding_lesions", "defect_id, lesion_id, day") == [
        ("identity.3d", "s1/1/-/T01", 84)
    ]


@pytest.mark.parametrize(("first", "second"), [("45 / COALESCED", COALESCED), ("TUMOR MERGED", 45)])
def test_no_event_arises_from_a_merging_alone(kit: SqlKit, first: str, second: str | float) -> None:
    """30 + 20 mm, 28 + 22 mm, then one lesion of 45 mm: 45 against 50 is stable disease."""
    lesion(kit, "T01", {-6: 30, 42: 28, 84: first})
    lesion(kit, "T02", {-6: 20, 42: 22, 84: second})
    kit.build("analysis.visit_response", "analysis.lesion_event")
    assert kit.rows(
        "analysis.visit_response", "day, sum_of_diameters_mm, is_complete, target_response"
    ) == [(-6, 50.0, True, None), (42, 50.0, True, "SD"), (84, 45.0, True, "SD")]
    assert kit.query(
        "SELECT count(*) FROM analysis.lesion_event WHERE is_event AND rule_set = 'recist_1_1'"
    ) == [(0,)]
    assert kit.rows(
        "analysis.lesion_event",
        "lesion_id, endpoint, time_days, censor_reason, last_assessment_day",
        "rule_set = 'recist_1_1'",
    ) == [
        (f"s1/1/-/{label}", endpoint, 42.0, "merged", 42.0)
        for label in ("T01", "T02")
        for endpoint in ("progression", "response")
    ]
    assert kit.rows(
        "analysis.lesion_change", "day, diameter_mm, nadir_diameter_mm", "diameter_mm = 45"
    ) == [(84, 45.0, None)]


def test_an_event_before_the_merging_stays(kit: SqlKit) -> None:
    lesion(kit, "T01", {-6: 30, 42: 18, 84: "45 / COALESCED"})
    lesion(kit, "T02", {-6: 20, 42: 22, 84: COALESCED})
    kit.build("analysis.lesion_event")
    assert kit.rows(
        "analysis.lesion_event",
        "lesion_id, endpoint, time_days",
        "rule_set = 'recist_1_1' AND is_event",
    ) == [("s1/1/-/T01", "response", 42.0)]


def test_the_merged_size_makes_the_patients_progression(kit: SqlKit) -> None:
    """One lesion of 75 mm where 30 + 20 were: +50 % and +25 mm for the sum, not for a lesion."""
    lesion(kit, "T01", {-6: 30, 42: 28, 84: "75 / COALESCED"})
    lesion(kit, "T02", {-6: 20, 42: 22, 84: COALESCED})
    kit.build("analysis.visit_response", "analysis.lesion_event")
    assert kit.rows("analysis.visit_response", "target_response", "day = 84") == [("PD",)]
    assert kit.query(
        "SELECT count(*) FROM analysis.lesion_event WHERE is_event AND rule_set = 'recist_1_1'"
    ) == [(0,)]


def test_a_lesion_that_split_did_not_shrink(kit: SqlKit) -> None:
    """SDTM implementation guide 3.4, TU/TR example 2: T04 of 14 mm becomes 6 and 7 mm."""
    lesion(kit, "T04", {-6: 14, 48: 0})
    for part, size in (("T04.1", 6), ("T04.2", 7)):
        kit.lesion(part, tuloc="LIVER", tutestcd="TUSPLIT", tugrpid="T04", tudy="48")
        kit.size(48, size, part)
    kit.build("analysis.visit_response", "analysis.lesion_event")
    assert kit.rows("analysis.visit_response", "day, sum_of_diameters_mm, target_response") == [
        (-6, 14.0, None),
        (48, 13.0, "SD"),
    ]
    assert kit.query(
        "SELECT count(*) FROM analysis.lesion_event WHERE is_event AND rule_set = 'recist_1_1'"
    ) == [(0,)]


def test_a_lesion_that_split_goes_on_as_one_of_its_parts(kit: SqlKit) -> None:
    """T04 keeps its link id for the larger part; TUGRPID says where the new id came from."""
    lesion(kit, "T04", {-6: 14, 48: 7})
    kit.lesion("T09", tuloc="LIVER", tutestcd="TUSPLIT", tugrpid="T04", tudy="48")
    kit.size(48, 6, "T09")
    kit.build("analysis.visit_response", "analysis.lesion_event")
    assert kit.rows("core.lesion_lineage", "lesion_id, related_lesion_id, relation, day") == [
        ("s1/1/-/T09", "s1/1/-/T04", "split", 48)
    ]
    assert kit.rows("analysis.visit_response", "day, sum_of_diameters_mm, target_response") == [
        (-6, 14.0, None),
        (48, 13.0, "SD"),
    ]
    assert kit.query(
        "SELECT count(*) FROM analysis.lesion_event WHERE is_event AND rule_set = 'recist_1_1'"
    ) == [(0,)]
