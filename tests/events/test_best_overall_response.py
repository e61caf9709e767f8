"""Best overall response of RECIST 1.1, unconfirmed and confirmed, on courses worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pytest
from events.event_models import load_seeds, records, run_model

COLUMNS = (
    "patient_id VARCHAR, basis VARCHAR, reader VARCHAR, day INTEGER, overall_response VARCHAR, "
    "is_counted_reader BOOLEAN"
)
DAYS = ("stable_min_days", "confirmation_min_days")
PATIENT = "CREATE TABLE core.patient (patient_id VARCHAR, best_overall_response VARCHAR)"


def best_of(
    course: dict[int, str],
    settings: tuple[int, int] = (42, 28),
    therapy_day: int | None = None,
    kind: str = "target",
) -> dict[str, Any]:
    """The row of analysis.best_overall_response for overall responses by day."""
    with duckdb.connect() as con:
        load_seeds(con)
        con.execute("CREATE SCHEMA core")
        con.execute("CREATE TABLE core.lesion AS SELECT 'P' AS patient_id, '' AS reader")
        con.execute("ALTER TABLE core.lesion ADD COLUMN is_analysis_reader BOOLEAN DEFAULT TRUE")
        con.execute(f"ALTER TABLE core.lesion ADD COLUMN lesion_type VARCHAR DEFAULT '{kind}'")
        con.execute(PATIENT)
        con.execute("CREATE SCHEMA meta")
        con.execute("CREATE TABLE meta.setting (name VARCHAR, value VARCHAR)")
        for name, value in zip(DAYS, settings, strict=True):
            con.execute("INSERT INTO meta.setting VALUES (?, ?)", [f"endpoints.{name}", str(value)])
        con.execute(
            "CREATE TABLE core.subsequent_therapy AS SELECT 'P' AS patient_id, "
            "CAST(? AS INTEGER) AS latest_day",
            [therapy_day],
        )
        con.execute("CREATE SCHEMA analysis")
        con.execute(f"CREATE TABLE analysis.response_course ({COLUMNS})")
        for day, response in course.items():
            con.execute(
                "INSERT INTO analysis.response_course VALUES ('P', 'derived', '', ?, ?, true)",
                [day, response],
            )
        run_model(con, "analysis.best_overall_response")
        (row,) = records(con, "SELECT * FROM analysis.best_overall_response")
    return row


def both(course: dict[int, str]) -> tuple[str, str]:
    row = best_of(course)
    return row["best_overall_response"], row["confirmed_best_overall_response"]


TABLE_3_LONG = [
    ("CR", "CR", "CR"),
    ("CR", "PR", "SD"),  # the table leaves SD, PD or PR to the reader; see the seed
    ("CR", "SD", "SD"),
    ("CR", "PD", "SD"),
    ("CR", "NE", "SD"),
    ("PR", "CR", "PR"),
    ("PR", "PR", "PR"),
    ("PR", "SD", "SD"),
    ("PR", "PD", "SD"),
    ("PR", "NE", "SD"),
    ("NE", "NE", "NE"),
]


@pytest.mark.parametrize(("first", "second", "best"), TABLE_3_LONG)
def test_recist_table_3_where_stable_disease_lasted_six_weeks(
    first: str, second: str, best: str
) -> None:
    assert best_of({42: first, 84: second})["confirmed_best_overall_response"] == best


TABLE_3_SHORT = [
    ("CR", "CR", "CR"),
    ("CR", "SD", "PD"),
    ("CR", "PD", "PD"),
    ("CR", "NE", "NE"),
    ("PR", "PR", "PR"),
    ("PR", "SD", "SD"),  # the published table asks for no duration in this line
    ("PR", "PD", "PD"),
    ("PR", "NE", "NE"),
]


@pytest.mark.parametrize(("first", "second", "best"), TABLE_3_SHORT)
def test_recist_table_3_where_it_did_not(first: str, second: str, best: str) -> None:
    assert best_of({10: first, 40: second})["confirmed_best_overall_response"] == best


@pytest.mark.parametrize(
    ("course", "unconfirmed", "confirmed"),
    [
        ({42: "PR", 70: "PR"}, "PR", "PR"),  # confirmed at 28 days
        ({42: "PR", 69: "PR"}, "PR", "SD"),  # 27 days are too few
        ({42: "PR", 56: "PR", 70: "PR"}, "PR", "PR"),  # one too early, the next in time
        ({42: "PR", 84: "NE", 126: "PR"}, "PR", "PR"),  # not evaluable in between
        ({42: "PR", 84: "SD", 126: "PR"}, "PR", "SD"),
        ({42: "PR", 84: "SD", 126: "PR", 168: "CR"}, "CR", "PR"),
        ({42: "SD", 84: "PR", 126: "CR", 168: "CR"}, "CR", "CR"),
        ({42: "CR", 84: "NE", 126: "CR"}, "CR", "CR"),
        ({42: "SD", 84: "PD"}, "SD", "SD"),  # stable at 42 days
        ({41: "SD", 84: "PD"}, "PD", "PD"),  # 41 days are too few
        ({41: "SD"}, "NE", "NE"),
        ({41: "SD", 60: "SD"}, "SD", "SD"),
        ({42: "PD", 84: "CR", 126: "CR"}, "PD", "PD"),  # what comes after progression is not seen
        ({42: "NE", 84: "NE"}, "NE", "NE"),
        ({42: "NE", 84: "PD"}, "PD", "PD"),
        ({42: "NON-CR/NON-PD", 84: "CR", 126: "CR"}, "CR", "CR"),
        ({42: "NON-CR/NON-PD", 84: "PD"}, "NON-CR/NON-PD", "NON-CR/NON-PD"),
        ({}, "NE", "NE"),
    ],
)
def test_best_overall_response(course: dict[int, str], unconfirmed: str, confirmed: str) -> None:
    assert both(course) == (unconfirmed, confirmed)


@pytest.mark.parametrize(
    ("course", "confirmed", "day"),
    [
        ({42: "NON-CR/NON-PD", 84: "CR", 126: "PD"}, "NON-CR/NON-PD", 42),
        ({42: "CR", 84: "PD"}, "NON-CR/NON-PD", 42),
        ({42: "CR", 84: "CR"}, "CR", 42),
        ({10: "CR", 40: "PD"}, "PD", 40),
    ],
)
def test_without_target_lesions_no_disease_is_called_stable(
    course: dict[int, str], confirmed: str, day: int
) -> None:
    """RECIST 1.1, table 2: there is no SD of non-target lesions alone."""
    row = best_of(course, kind="non-target")
    assert row["confirmed_best_overall_response"] == confirmed
    assert row["confirmed_best_overall_response_day"] == day


def test_the_days_are_those_of_the_responses() -> None:
    row = best_of({42: "SD", 84: "PR", 126: "PR", 168: "PD", 210: "PR"})
    assert row["best_overall_response_day"] == 84
    assert row["confirmed_best_overall_response_day"] == 84
    assert row["progression_day"] == 168
    assert row["n_assessments"] == 4
    assert (row["stable_min_days"], row["confirmation_min_days"]) == (42, 28)


CATEGORIES = ["CR", "PR", "SD", "PD", "NE"]


def test_stable_disease_made_of_an_unconfirmed_response_is_dated_when_it_counts() -> None:
    """PR on day 28, not confirmed: six weeks are over on the scan of day 56, not of day 28."""
    row = best_of({28: "PR", 56: "SD", 84: "PD"})
    assert row["confirmed_best_overall_response"] == "SD"
    assert row["confirmed_best_overall_response_day"] == 56
    # A response after six weeks keeps its own day; without such a scan, the deciding scan's day.
    assert best_of({48: "PR", 56: "SD"})["confirmed_best_overall_response_day"] == 48
    assert best_of({20: "PR", 35: "SD"})["confirmed_best_overall_response_day"] == 35


def confirmed_by_hand(course: dict[int, str]) -> str:
    """RECIST 1.1, section 4.4 and table 3, written as loops instead of joins."""
    days = sorted(course)
    if "PD" in course.values():
        first_progression = min(day for day in days if course[day] == "PD")
        days = [day for day in days if day <= first_progression]
    seen = [(day, course[day]) for day in days]
    stable = any(day >= 42 and what in ("CR", "PR", "SD") for day, what in seen)
    found = ["NE"] + (["PD"] if "PD" in dict(seen).values() else [])
    found += ["SD" for day, what in seen if what == "SD" and day >= 42]
    for place, (day, what) in enumerate(seen):
        if what not in ("CR", "PR"):
            continue
        good = {"CR"} if what == "CR" else {"CR", "PR"}
        verdict = "NE"
        for later_day, later in seen[place + 1 :]:
            if later == "NE" or (later in good and later_day - day < 28):
                continue
            verdict = what if later in good else later
            break
        if verdict == what:
            found.append(what)
        elif stable or (what, verdict) == ("PR", "SD"):  # the table asks for no duration there
            found.append("SD")
        elif verdict != "NE":
            found.append("PD")
    return min(found, key=CATEGORIES.index)


def test_random_courses_agree_with_loops() -> None:
    draw = np.random.default_rng(20230607)
    courses: dict[str, dict[int, str]] = {}
    for place in range(400):
        days = np.cumsum(draw.integers(8, 45, size=draw.integers(1, 7)))
        words = draw.choice(CATEGORIES, size=len(days), p=[0.2, 0.3, 0.2, 0.1, 0.2])
        courses[f"P{place:03}"] = dict(zip(days.tolist(), words.tolist(), strict=True))
    assert any(later - day == 28 for c in courses.values() for day, later in pairwise(sorted(c)))
    with duckdb.connect() as con:
        load_seeds(con)
        con.execute("CREATE SCHEMA core")
        con.execute("CREATE SCHEMA meta")
        con.execute("CREATE TABLE meta.setting (name VARCHAR, value VARCHAR)")
        con.execute(
            "INSERT INTO meta.setting VALUES ('endpoints.stable_min_days', '42'), "
            "('endpoints.confirmation_min_days', '28')"
        )
        con.execute("CREATE TABLE core.subsequent_therapy (patient_id VARCHAR, latest_day INTEGER)")
        con.execute("CREATE SCHEMA analysis")
        con.execute(f"CREATE TABLE analysis.response_course ({COLUMNS})")
        con.executemany(
            "INSERT INTO analysis.response_course VALUES (?, 'derived', '', ?, ?, true)",
            [(who, day, what) for who, course in courses.items() for day, what in course.items()],
        )
        con.execute(
            "CREATE TABLE core.lesion AS SELECT DISTINCT patient_id, reader, "
            "true AS is_analysis_reader, 'target' AS lesion_type FROM analysis.response_course"
        )
        con.execute(PATIENT)
        run_model(con, "analysis.best_overall_response")
        found = dict(
            con.execute(
                "SELECT patient_id, confirmed_best_overall_response "
                "FROM analysis.best_overall_response"
            ).fetchall()
        )
    assert found == {who: confirmed_by_hand(course) for who, course in courses.items()}
