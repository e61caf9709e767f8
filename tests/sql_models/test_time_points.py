"""Which rows of TU, TR and RS belong to one assessment: core.time_point."""

from __future__ import annotations

from typing import Any

from sqlkit import SqlKit

Size = tuple[int, float, str, str | None]


def _patient(sizes: list[Size], settings: dict[str, Any] | None = None) -> SqlKit:
    """One patient of one reader; sizes are day, mm, lesion and visit."""
    kit = SqlKit(settings)
    kit.study(day_convention="zero_based")
    kit.subject("1")
    for label in dict.fromkeys(size[2] for size in sizes):
        kit.lesion(label)
    for day, value, label, visit in sizes:
        kit.size(day, value, label, visit=visit)
    return kit


def _points(kit: SqlKit) -> list[tuple[Any, ...]]:
    kit.build("core.time_point")
    return kit.rows("core.time_point", "first_day, last_day, n_days, grouping, visit")


def test_scans_of_one_visit_on_several_days_are_one_time_point() -> None:
    kit = _patient(
        [(-7, 50, "T1", "BL"), (-6, 20, "T2", "BL"), (56, 20, "T1", "W8"), (57, 8, "T2", "W8")]
    )
    assert _points(kit) == [(-7, -6, 2, "visit", "BL"), (56, 57, 2, "visit", "W8")]
    assert kit.rows("core.time_point", "time_point_id") == [("s1/1/-/BL",), ("s1/1/-/W8",)]


def test_unscheduled_visits_go_by_the_window() -> None:
    """UNSCHEDULED on days 50, 52 and 200: the first two are three days apart at most."""
    kit = _patient(
        [
            (50, 50, "T1", "UNSCHEDULED"),
            (52, 20, "T2", "UNSCHEDULED"),
            (200, 20, "T1", "UNSCHEDULED"),
        ]
    )
    assert _points(kit) == [(50, 52, 2, "window", None), (200, 200, 1, "day", None)]


def test_scans_without_a_visit_go_together_until_a_lesion_is_measured_again() -> None:
    """Days 0: T1, 3: T2, 5: T1, 7: T2: two whole assessments, not four parts."""
    kit = _patient(
        [(40, 9, "T1", None), (43, 9, "T2", None), (45, 9, "T1", None), (47, 9, "T2", None)]
    )
    assert _points(kit) == [(40, 43, 2, "window", None), (45, 47, 2, "window", None)]


def test_a_window_spans_at_most_its_days() -> None:
    sizes: list[Size] = [(40, 9, "T1", None), (44, 9, "T2", None), (48, 9, "T3", None)]
    assert _points(_patient(sizes))[0] == (40, 44, 2, "window", None)
    assert _points(_patient(sizes, {"time_point.window_days": 8}))[0] == (40, 48, 3, "window", None)
    assert len(_points(_patient(sizes, {"time_point.window_days": 0}))) == 3


def test_a_visit_label_used_twice_far_apart_is_split() -> None:
    """A lesion measured again eight days later under one label; a stray scan 22 days later."""
    kit = _patient([(50, 50, "T1", "W8"), (58, 48, "T1", "W8"), (59, 20, "T2", "W8")])
    assert _points(kit) == [(50, 50, 1, "visit", "W8"), (58, 59, 2, "visit", "W8")]
    assert kit.rows("core.time_point", "time_point_id") == [("s1/1/-/W8",), ("s1/1/-/W8 (day 58)",)]
    stray = _patient([(50, 50, "T1", "W8"), (72, 20, "T2", "W8")])
    assert _points(stray) == [(50, 50, 1, "visit", "W8"), (72, 72, 1, "visit", "W8")]


def test_a_scan_without_a_visit_completes_the_visit_beside_it() -> None:
    """A bone scan two days later under no visit; a lesion measured again does not complete it."""
    kit = _patient([(56, 50, "T1", "W8"), (58, 20, "B1", "UNSCHEDULED"), (61, 40, "T1", None)])
    assert _points(kit) == [(56, 58, 2, "visit", "W8"), (61, 61, 1, "day", None)]


def test_link_groups_hold_whatever_the_visit_says() -> None:
    kit = _patient([])
    kit.lesion("T1")
    kit.size(56, 50, "T1", visit="W8", trlnkgrp="A2")
    kit.size(60, 50, "T2", visit="W9", trlnkgrp="A2")
    kit.size(61, 50, "N1", visit="W8")
    kit.add(
        "rs",
        {"usubjid": "1", "rstestcd": "OVRLRESP", "rsorres": "SD", "rsdy": "75", "rslnkgrp": "A2"},
    )
    kit.build("core.time_point", "core.response")
    assert kit.rows("core.time_point", "first_day, last_day, n_days, grouping, visit") == [
        (56, 61, 3, "link group", "W8")
    ]
    assert kit.rows("core.response", "day, time_point_id") == [(75, "s1/1/-/W8")]


def test_a_link_group_of_two_visits_that_measure_the_same_lesion_is_two_time_points() -> None:
    """'NA' for all unscheduled visits, here three days apart; the second scan is repeated."""
    kit = _patient([])
    for day, number in ((99, "9.2"), (102, "9.3"), (103, "9.3")):
        more = {"visit": f"UNSCHEDULED {number}", "visitnum": number, "trlnkgrp": "R1-NA"}
        kit.size(day, 50, "T1", **more)
    assert _points(kit) == [(99, 99, 1, "link group", None), (102, 103, 2, "link group", None)]


def test_screening_scans_without_a_visit_are_one_baseline() -> None:
    """Within the four weeks that RECIST gives a baseline; not a scan of the same lesion before."""
    kit = _patient(
        [(-40, 9, "T1", None), (-20, 9, "T1", None), (-3, 9, "T2", None), (0, 9, "T3", None)]
    )
    assert _points(kit) == [(-40, -40, 1, "day", None), (-20, 0, 3, "window", None)]


def test_responses_find_their_scans_by_visit_day_or_window() -> None:
    """Readers date a response by the day of reading; one without scans stands by itself.

    Of two equal responses at one time point the first row counts.
    """
    kit = _patient([(56, 50, "T1", "W8"), (112, 50, "T1", None)])
    for day, visit in (("60", "W8"), ("113", None), ("168", "W24"), ("170", "W24"), ("400", "W24")):
        kit.add(
            "rs",
            {"usubjid": "1", "rstestcd": "OVRLRESP", "rsorres": "SD", "rsdy": day, "visit": visit},
        )
    kit.build("core.time_point", "core.response")
    assert kit.rows("core.response", "day, time_point_id") == [
        (60, "s1/1/-/W8"),
        (113, "s1/1/-/day 112"),
        (168, "s1/1/-/W24"),
        (400, "s1/1/-/W24 (day 400)"),
    ]
    assert kit.rows("core.time_point", "visit, has_scan, first_day, last_day", "NOT has_scan") == [
        ("W24", False, 168, 170),
        ("W24", False, 400, 400),
    ]


def test_sums_and_tests_not_done_need_no_day() -> None:
    """The standard leaves TRDTC of sums blank; a sum that names no visit stands nowhere."""
    kit = _patient([(56, 50, "T1", "W8")])
    for test, visit in (("SUMDIAM", "W8"), ("SUMDIAM", None)):
        kit.add(
            "tr",
            {"usubjid": "1", "trtestcd": test, "trorres": "50", "trorresu": "mm", "visit": visit},
        )
    kit.size(None, None, trstat="NOT DONE")
    kit.build("staging.tumor_result", "quality.quarantine")
    assert kit.rows("staging.tumor_result", "result_kind, time_point_id", "day IS NULL") == [
        ("not_done", None),
        ("sum", "s1/1/-/W8"),
    ]
    assert kit.rows("quality.quarantine", "reason_id") == [("no_day",)]


def test_readers_have_time_points_of_one_name() -> None:
    kit = _patient([])
    for day, reader in ((56, "READER 1"), (57, "READER 2")):
        kit.size(day, 50, "T1", visit="W8", treval=reader)
    kit.build("core.time_point")
    assert kit.rows("core.time_point", "time_point_id") == [
        ("s1/1/READER_1/W8",),
        ("s1/1/READER_2/W8",),
    ]


def test_lesions_of_unknown_patients_stand_each_by_itself() -> None:
    kit = SqlKit()
    kit.study(day_convention="zero_based", patients="unknown")
    kit.size(5, 50, "T1", usubjid=None)
    kit.size(6, 50, "T2", usubjid=None)
    kit.build("core.time_point")
    assert kit.rows("core.time_point", "time_point_id, patient_id, n_days") == [
        ("s1/?/-/T1/day 5", None, 1),
        ("s1/?/-/T2/day 6", None, 1),
    ]
