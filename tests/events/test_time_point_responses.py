"""Sums, responses and their days where the scans of one assessment lie on several days."""

from __future__ import annotations

import random
from typing import Any

from sqlkit import SqlKit

WEEKS = 56
"""Days between two assessments of the made-up courses."""


def _kit(**study: Any) -> SqlKit:
    kit = SqlKit()
    kit.study(**{"day_convention": "zero_based", **study})
    return kit


def _responses(kit: SqlKit, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    return kit.rows("analysis.visit_response", columns, where)


def test_a_visit_on_two_days_has_one_whole_sum() -> None:
    """70 mm at baseline (50 + 20), 28 mm at week 8 (20 + 8): -60 %, a partial response."""
    with _kit() as kit:
        kit.subject("1")
        for label, sizes in {"T1": {-7: 50, 56: 20}, "T2": {-6: 20, 57: 8}}.items():
            kit.lesion(label)
            for day, size in sizes.items():
                kit.size(day, size, label, visit="BL" if day < 0 else "W8")
        kit.build("analysis.best_overall_response", "core.lesion")
        assert _responses(
            kit,
            "day, is_complete, sum_of_diameters_mm, change_from_baseline_percent, overall_response",
        ) == [(-6, True, 70.0, 0.0, None), (57, True, 28.0, -60.0, "PR")]
        assert kit.rows(
            "analysis.best_overall_response", "best_overall_response, best_overall_response_day"
        ) == [("PR", 57)]


def _progressing(kit: SqlKit, third: dict[str, tuple[int, int]], **state: Any) -> None:
    """Two target lesions of 20 and 30 mm at days 0 and 56, and what day 112 and after show."""
    kit.subject("1")
    for label, size in (("T1", 20), ("T2", 30)):
        kit.lesion(label)
        for day, visit in ((0, "BL"), (56, "W8")):
            kit.size(day, size, label, visit=visit)
        if label in third:
            kit.size(third[label][0], third[label][1], label, visit="W16")
    if state:
        kit.lesion("NT1", "NON-TARGET")
        for day, word, visit in ((0, "PRESENT", "BL"), (56, "PRESENT", "W8"), *state["words"]):
            kit.state(day, word, "NT1", visit=visit)


def test_progression_of_the_sum_bears_the_last_scan_that_made_it() -> None:
    """50 mm, then 22 on day 112 and 40 on day 115: the sum of 62 (+24 %) is known on day 115."""
    with _kit() as kit:
        _progressing(kit, {"T1": (112, 22), "T2": (115, 40)})
        kit.build("analysis.visit_response")
        assert _responses(
            kit, "day, first_day, last_day, target_day", "overall_response = 'PD'"
        ) == [(115, 112, 115, 115)]


def test_non_target_progression_bears_its_own_scan() -> None:
    """A bone scan on day 110 shows it; CT of day 112 has no progression of the sum."""
    with _kit() as kit:
        words = ((110, "UNEQUIVOCAL PROGRESSION", "W16"),)
        _progressing(kit, {"T1": (112, 20), "T2": (113, 30)}, words=words)
        kit.build("analysis.visit_response")
        assert _responses(kit, "day, last_day, nontarget_day", "overall_response = 'PD'") == [
            (110, 113, 110)
        ]


def test_of_several_reasons_to_progress_the_first_day_counts() -> None:
    """A new lesion on day 114, the sum's progression whole on day 115: day 114."""
    with _kit() as kit:
        _progressing(kit, {"T1": (112, 22), "T2": (115, 40)})
        kit.lesion("N1", "NEW", tudy="114", visit="W16")
        kit.lesion("N2", "NEW", tudy="113", visit="W16")
        kit.build(
            "analysis.lesion_finding", "analysis.best_overall_response", "analysis.visit_response"
        )
        assert _responses(kit, "day, target_day, new_lesion_day", "overall_response = 'PD'") == [
            (113, 115, 113)
        ]
        assert kit.rows("analysis.best_overall_response", "progression_day") == [(113,)]
        # Last seen without it at the time point before, on day 56.
        assert kit.rows(
            "analysis.lesion_finding",
            "lesion_id, day, previous_day",
            "rule_id = 'recist_1_1/new/detection'",
        ) == [("s1/1/-/N1", 114, 56), ("s1/1/-/N2", 113, 56)]


def test_the_time_point_before_bounds_a_new_lesion_by_its_last_scan() -> None:
    with _kit() as kit:
        kit.subject("1")
        for label, days in (("T1", (0, 56, 112)), ("T2", (1, 59, 113))):
            kit.lesion(label)
            for day, visit in zip(days, ("BL", "W8", "W16"), strict=True):
                kit.size(day, 30, label, visit=visit)
        kit.lesion("N1", "NEW", tudy="112", visit="W16")
        kit.build("analysis.lesion_event")
        assert kit.rows(
            "analysis.lesion_event",
            "DISTINCT time_lower, time_upper",
            "lesion_type = 'new' AND is_event",
        ) == [(59.0, 112.0)]
        # A target lesion's bounds are its own scans.
        assert kit.rows("analysis.scan", "first_day, last_day, previous_day") == [
            (0, 1, None), (56, 59, 1), (112, 113, 59)
        ]  # fmt: skip


def test_a_lesion_measured_twice_at_one_time_point_counts_by_the_later_day() -> None:
    """30 mm on day 56 and 24 mm on day 58: 24; an accepted record takes precedence."""
    with _kit() as kit:
        for subject, accepted in (("1", None), ("2", "Y")):
            kit.subject(subject)
            kit.lesion("T1", usubjid=subject)
            kit.size(0, 40, "T1", subject, visit="BL")
            kit.size(56, 30, "T1", subject, visit="W8", tracptfl=accepted)
            kit.size(58, 24, "T1", subject, visit="W8")
        kit.build("analysis.visit_response", "quality.finding_time_points", "quality.row_audit")
        assert _responses(kit, "patient_id, day, sum_of_diameters_mm", "NOT is_baseline") == [
            ("s1/1", 58, 24.0),
            ("s1/2", 56, 30.0),
        ]
        assert kit.rows("quality.finding_time_points", "defect_id, patient_id, message") == [
            (
                "time.4b",
                f"s1/{subject}",
                f"The lesion was measured on 2 days of W8; that of day {day} counts.",
            )
            for subject, day in (("1", 58), ("2", 56))
        ]
        assert kit.rows("quality.row_audit", "DISTINCT is_balanced") == [(True,)]


def test_two_axes_measured_on_two_days_make_one_node() -> None:
    """The short axis counts though it was measured two days after the long one."""
    with _kit() as kit:
        kit.subject("1")
        kit.lesion("T1", tuloc="LYMPH NODE")
        for day, visit, long, short in ((0, "BL", 30, 20), (56, "W8", 25, 9)):
            kit.size(day, long, "T1", visit=visit)
            kit.size(day + 2, short, "T1", visit=visit, trtestcd="LPERP")
        kit.build("analysis.visit_response")
        assert _responses(kit, "sum_of_diameters_mm, overall_response") == [
            (9.0, "CR"),
            (20.0, None),
        ]


def test_labels_used_twice_and_sums_without_a_time_are_named() -> None:
    with _kit() as kit:
        kit.subject("1")
        kit.lesion("T1")
        for day, visit in ((0, "BL"), (56, "W8"), (112, "W8")):
            kit.size(day, 40, "T1", visit=visit)
        for visit in ("BL", "W8"):
            kit.add(
                "tr",
                {
                    "usubjid": "1",
                    "trtestcd": "SUMDIAM",
                    "trorres": "40",
                    "trorresu": "mm",
                    "visit": visit,
                },
            )
        kit.build("analysis.stated_sum", "analysis.visit_response", "quality.finding_time_points")
        assert _responses(kit, "day, overall_response") == [(0, None), (56, "SD"), (112, "SD")]
        assert kit.rows("quality.finding_time_points", "defect_id, message") == [
            ("time.4a", "W8 stands for assessments of day 56, day 112."),
            ("time.4c", "The sum has no date, and W8 is not that of one assessment."),
        ]
        assert kit.rows("analysis.stated_sum", "day, sum_of_diameters_mm") == [(0, 40.0)]


def test_twenty_undated_sums_and_tests_not_done_stop_nothing() -> None:
    with _kit() as kit:
        kit.subject("1")
        kit.lesion("T1")
        for number in range(10):
            visit = f"W{number}"
            kit.size(WEEKS * number, 40, "T1", visit=visit)
            for test in ("SUMDIAM", "SUMNLNLD"):
                row = {"usubjid": "1", "trtestcd": test, "trorres": "40", "trorresu": "mm"}
                kit.add("tr", {**row, "visit": visit})
            kit.size(None, None, "T1", visit=visit, trstat="NOT DONE")
        kit.build("analysis.stated_sum", "quality.quarantine", "core.lesion")
        assert kit.rows("quality.quarantine") == []
        assert kit.query("SELECT count(*), count(DISTINCT day) FROM analysis.stated_sum") == [
            (10, 10)
        ]


Course = list[tuple[str, str, int, str, str]]
"""Rows of a course: lesion, kind, visit number, TRTESTCD, result."""


def _course(rng: random.Random) -> Course:
    """Two to four target lesions and one or two others over five visits; some scans missed."""
    rows: Course = []
    for number in range(rng.randint(2, 4)):
        size, trend = rng.randint(15, 60), rng.choice((0.5, 0.7, 0.95, 1.2))
        for visit in range(5):
            if visit == 0 or rng.random() > 0.05:
                rows.append(
                    (f"T{number}", "TARGET", visit, "LDIAM", str(round(size * trend**visit)))
                )
    for number in range(rng.randint(1, 2)):
        rows.append((f"NT{number}", "NON-TARGET", 0, "TUMSTATE", "PRESENT"))
        for visit in range(1, 5):
            word = rng.choice(("PRESENT",) * 12 + ("ABSENT", "UNEQUIVOCAL PROGRESSION"))
            rows.append((f"NT{number}", "NON-TARGET", visit, "TUMSTATE", word))
    return rows


def _built(courses: list[Course], spread: int, *, is_visited: bool = True) -> SqlKit:
    """All courses as one study; each scan is moved by up to ``spread`` days to either side."""
    rng = random.Random(7)
    kit = _kit()
    moved: dict[tuple[int, str, int], int] = {}
    tr, tu = [], []
    for number, course in enumerate(courses):
        subject = str(number)
        kit.subject(subject)
        for label, kind in dict.fromkeys((row[0], row[1]) for row in course):
            identity = {"tulnkid": label, "tutestcd": "TUMIDENT", "tuorres": kind, "tuloc": "LIVER"}
            tu.append({"usubjid": subject, **identity})
        for label, kind, visit, test, result in course:
            key = (number, label, visit)
            moved[key] = WEEKS * visit - 10 + (rng.randint(-spread, spread) if spread else 0)
            tr.append(
                {
                    "usubjid": subject,
                    "trlnkid": label,
                    "trgrpid": kind,
                    "trtestcd": test,
                    "trorres": result,
                    "trorresu": "mm" if test == "LDIAM" else None,
                    "trdy": str(moved[key]),
                    "visit": f"VISIT {visit}" if is_visited else None,
                }
            )
    kit.add("tu", *tu)
    kit.add("tr", *tr)
    return kit.build("analysis.best_overall_response", "core.time_point")


def test_scans_moved_within_their_visit_change_no_response() -> None:
    """Thirty patients, once with each visit on one day and once within 3 days to either side.

    Grouping by the day would leave most sums incomplete: the response rate fell from 61 to 32 % on
    such a table.
    """
    rng = random.Random(20260101)
    courses = [_course(rng) for _ in range(30)]
    columns = (
        "patient_id, split_part(time_point_id, '/', 4), target_response, nontarget_response, "
        "overall_response, sum_of_diameters_mm, nadir_sum_mm"
    )
    rate = "count(*) FILTER (best_overall_response IN ('CR', 'PR')), count(*)"
    with _built(courses, 0) as still, _built(courses, 3) as moved:
        wanted = _responses(still, columns, "is_analysis_reader")
        assert _responses(moved, columns, "is_analysis_reader") == wanted
        assert len(wanted) == 150
        for kit in (still, moved):
            assert kit.query("SELECT count(*) FROM core.time_point") == [(150,)]
        answers = [kit.rows("analysis.best_overall_response", rate) for kit in (still, moved)]
        assert answers[0] == answers[1]
        assert 0 < answers[0][0][0] < 30
    # The same without the names of visits: the window of days finds them.
    with _built(courses, 3, is_visited=False) as unnamed:
        found = unnamed.query(
            "SELECT patient_id, target_response, overall_response, sum_of_diameters_mm "
            "FROM analysis.visit_response ORDER BY patient_id, last_day"
        )
        assert [row[2] for row in found] == [row[4] for row in wanted]
        assert [row[3] for row in found] == [row[5] for row in wanted]


def _standard_rows(
    kit: SqlKit, subject: str, rows: str, *, prefix: str = "", **common: Any
) -> None:
    """TR rows of the implementation guide: group, link group, lesion, test, result, visit, date."""
    for line in rows.strip().splitlines():
        group, link, label, test, result, visit, date = (
            None if cell == "-" else cell for cell in line.split()
        )
        done = result != "NOTDONE"
        text = result.replace("_", " ") if result and done else None
        is_number = text is not None and text.lstrip("-").isdigit()
        kit.add(
            "tr",
            {
                "usubjid": subject,
                "trgrpid": group,
                "trlnkgrp": link,
                "trlnkid": None if label is None else prefix + label,
                "trtestcd": test,
                "trorres": text,
                "trorresu": "mm" if is_number or text == "TOO SMALL TO MEASURE" else None,
                "trstresn": text if is_number else "5" if text == "TOO SMALL TO MEASURE" else None,
                "trstresu": "mm" if is_number or text == "TOO SMALL TO MEASURE" else None,
                "trstat": None if done else "NOT DONE",
                "visit": visit,
                "trdtc": date,
                **common,
            },
        )


SCREEN_TO_WEEK_12 = """
TARGET     A1 T01   DIAMETER 17                   SCREEN 2010-01-01
TARGET     A1 T02   DIAMETER 16                   SCREEN 2010-01-01
TARGET     A1 T03   DIAMETER 15                   SCREEN 2010-01-02
TARGET     A1 T04   DIAMETER 14                   SCREEN 2010-01-03
TARGET     A1 -     SUMDIAM  62                   SCREEN -
TARGET     A1 -     SUMNLNLD 47                   SCREEN -
NON-TARGET A1 NT01  TUMSTATE PRESENT              SCREEN 2010-01-01
NON-TARGET A1 NT02  TUMSTATE PRESENT              SCREEN 2010-01-02
TARGET     A2 T01   DIAMETER 0                    WEEK-6 2010-02-18
TARGET     A2 T02   DIAMETER TOO_SMALL_TO_MEASURE WEEK-6 2010-02-18
TARGET     A2 T03   DIAMETER 12                   WEEK-6 2010-02-19
TARGET     A2 T04.1 DIAMETER 6                    WEEK-6 2010-02-20
TARGET     A2 T04.2 DIAMETER 7                    WEEK-6 2010-02-20
TARGET     A2 -     SUMDIAM  30                   WEEK-6 -
TARGET     A2 -     SUMNLNLD 18                   WEEK-6 -
NON-TARGET A2 NT01  TUMSTATE PRESENT              WEEK-6 2010-02-18
NON-TARGET A2 NT02  TUMSTATE PRESENT              WEEK-6 2010-02-19
TARGET     A3 T01   DIAMETER 0                    WEEK-12 2010-04-02
TARGET     A3 T02   DIAMETER 6                    WEEK-12 2010-04-02
TARGET     A3 T03   DIAMETER NOTDONE              WEEK-12 -
TARGET     A3 T04   DIAMETER NOTDONE              WEEK-12 -
NON-TARGET A3 NT02  TUMSTATE NOTDONE              WEEK-12 -
"""
"""TR of example 2 of SDTMIG 3.4, section 6.3.12.3 (subject 44444), without the percentages."""


def test_the_standards_own_example_of_three_scans_at_a_visit() -> None:
    """SDTMIG 3.4, 6.3.12.3 example 2, with the responses of 6.3.9.3.1 example 1.

    Its sums: 62 mm at screening, 30 mm at week 6 (-32 mm, -52 %); its responses: PR at week 6 and
    NE at week 12. Scans lie on three days at screening and at week 6; sums bear no date.
    """
    with _kit(day_convention="sdtm") as kit:
        kit.subject("44444", first_dose="2010-01-04")
        sites = (("T01", "LIVER"), ("T02", "KIDNEY"), ("T03", "CERVICAL LYMPH NODE"),
                 ("T04", "SKIN OF THE TRUNK"))  # fmt: skip
        for label, site in sites:
            kit.lesion(label, "TARGET", "44444", tuloc=site, visit="SCREEN", tudtc="2010-01-01")
        for label, site in (("NT01", "THYROID GLAND"), ("NT02", "CEREBELLUM")):
            kit.lesion(label, "NON-TARGET", "44444", tuloc=site, visit="SCREEN", tudtc="2010-01-01")
        for label in ("T04.1", "T04.2"):
            more = {"tutestcd": "TUSPLIT", "tuloc": "SKIN OF THE TRUNK", "tudtc": "2010-02-20"}
            kit.lesion(label, "TARGET", "44444", visit="WEEK 6", **more)
        _standard_rows(kit, "44444", SCREEN_TO_WEEK_12)
        for test, result, visit, date, link in (
            ("TRGRESP", "PR", "WEEK-6", "2010-02-18", None),
            ("OVRLRESP", "PR", "WEEK-6", "2010-02-18", "A2"),
            ("TRGRESP", "NE", "WEEK-12", "2010-04-02", None),
        ):
            more = {"rstestcd": test, "rsorres": result, "visit": visit, "rsdtc": date}
            kit.add("rs", {"usubjid": "44444", "rscat": "RECIST 1.1", "rslnkgrp": link, **more})
        kit.build("analysis.visit_response", "core.response", "quality.quarantine")
        assert _responses(
            kit,
            "day, sum_of_diameters_mm, round(change_from_baseline_percent), change_from_nadir_mm, "
            "target_response",
        ) == [
            (-1, 62.0, 0.0, None, None),
            (47, 30.0, -52.0, -32.0, "PR"),
            (88, 6.0, None, None, "NE"),
        ]
        assert kit.rows(
            "core.response",
            "day, target_response, overall_response, sum_of_diameters_mm, "
            "stated_sum_of_diameters_mm",
        ) == [(45, "PR", "PR", 30.0, 30.0), (88, "NE", "NE", 6.0, None)]
        assert kit.rows("quality.quarantine") == []


READER_1 = """
TARGET     A1 T01   DIAMETER 20          SCREEN 2010-01-02
TARGET     A1 T02   DIAMETER 15          SCREEN 2010-01-01
TARGET     A1 T03   DIAMETER 15          SCREEN 2010-01-01
TARGET     A1 -     SUMDIAM  50          SCREEN -
TARGET     A1 -     SUMNLNLD 30          SCREEN -
NON-TARGET A1 NT01  TUMSTATE PRESENT     SCREEN 2010-01-02
NON-TARGET A1 NT02  TUMSTATE PRESENT     SCREEN 2010-01-04
TARGET     A2 T01   DIAMETER 12          WEEK-6 2010-02-18
TARGET     A2 T02   DIAMETER 0           WEEK-6 2010-02-19
TARGET     A2 T03   DIAMETER 13          WEEK-6 2010-02-19
TARGET     A2 -     SUMDIAM  25          WEEK-6 -
TARGET     A2 -     SUMNLNLD 13          WEEK-6 -
NON-TARGET A2 NT01  TUMSTATE ABSENT      WEEK-6 2010-02-19
NON-TARGET A2 NT02  TUMSTATE ABSENT      WEEK-6 2010-02-18
NEW        A2 NEW01 TUMSTATE EQUIVOCAL   WEEK-6 2010-02-18
TARGET     A3 T01   DIAMETER 7           WEEK-12 2010-04-02
TARGET     A3 T02   DIAMETER 20          WEEK-12 2010-04-02
TARGET     A3 T03   DIAMETER 10          WEEK-12 2010-04-02
TARGET     A3 -     SUMDIAM  37          WEEK-12 -
TARGET     A3 -     SUMNLNLD 30          WEEK-12 -
NON-TARGET A3 NT01  TUMSTATE ABSENT      WEEK-12 2010-04-02
NON-TARGET A3 NT02  TUMSTATE ABSENT      WEEK-12 2010-04-02
NEW        A3 NEW01 TUMSTATE EQUIVOCAL   WEEK-12 2010-04-02
NEW        A3 NEW02 TUMSTATE UNEQUIVOCAL WEEK-12 2010-04-02
"""
"""TR of example 3 of SDTMIG 3.4, section 6.3.12.3 (subject 55555), without the percentages."""


def test_the_standards_own_example_of_an_independent_reader() -> None:
    """SDTMIG 3.4, 6.3.12.3 example 3, with the responses of 6.3.9.3.1 example 2.

    Its sums: 50, 25 (-50 %) and 37 mm (+12 mm, +48 % from the nadir); its responses: PR with
    non-target CR and an equivocal new lesion at week 6, PD at week 12.
    """
    evaluator = {"eval": "INDEPENDENT ASSESSOR", "evalid": "RADIOLOGIST 1"}
    tu_reader = {f"tu{name}": value for name, value in evaluator.items()}
    with _kit(day_convention="sdtm") as kit:
        kit.subject("55555", first_dose="2010-01-04")
        for label, kind, site, date, visit in (
            ("T01", "TARGET", "CERVICAL LYMPH NODE", "2010-01-02", "SCREEN"),
            ("T02", "TARGET", "LIVER", "2010-01-01", "SCREEN"),
            ("T03", "TARGET", "THYROID GLAND", "2010-01-01", "SCREEN"),
            ("NT01", "NON-TARGET", "KIDNEY", "2010-01-01", "SCREEN"),
            ("NT02", "NON-TARGET", "CEREBELLUM", "2010-01-02", "SCREEN"),
            ("NEW01", "NEW", "LUNG", "2010-02-20", "WEEK-6"),
            ("NEW02", "NEW", "CEREBELLUM", "2010-04-02", "WEEK-12"),
        ):
            more = {"tuloc": site, "tudtc": date, "visit": visit, **tu_reader}
            kit.lesion(f"R1-{label}", kind, "55555", **more)
        reader = {f"tr{name}": value for name, value in evaluator.items()}
        _standard_rows(kit, "55555", READER_1, prefix="R1-", **reader)
        kit.build("analysis.visit_response", "analysis.stated_sum", "quality.quarantine")
        assert _responses(
            kit,
            "day, sum_of_diameters_mm, change_from_baseline_percent, change_from_nadir_percent, "
            "target_response, nontarget_response, overall_response",
        ) == [
            (-2, 50.0, 0.0, None, None, None, None),
            (46, 25.0, -50.0, -50.0, "PR", "CR", "PR"),
            (88, 37.0, -26.0, 48.0, "PD", "CR", "PD"),
        ]
        assert kit.rows("analysis.stated_sum", "day, sum_of_diameters_mm") == [
            (0, 50.0),
            (47, 25.0),
            (88, 37.0),
        ]
        assert kit.rows("quality.quarantine") == []
