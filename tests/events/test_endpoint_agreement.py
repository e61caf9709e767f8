"""Derived against stated endpoints: each reason for a difference by name, on one patient's rows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest
from events.event_models import SQL, records
from events.event_tables import Core
from events.test_endpoints import MODELS, PROGRESSED, RESPONSE, STABLE, course, therapy

SEED = SQL / "seeds" / "staging.endpoint_difference.csv"


def agreement(core: Core, endpoint: str) -> dict[str, Any]:
    with core.build(*MODELS, "analysis.endpoint_agreement") as con:
        (row,) = records(
            con, f"SELECT * FROM analysis.endpoint_agreement WHERE endpoint = '{endpoint}'"
        )
    return row


def adtte(
    core: Core, endpoint: str, days: float, is_event: bool, rounding_days: float = 0.5
) -> Core:
    core.sources.setdefault("staging.time_to_event", []).append(
        {"time_to_event_id": endpoint, "patient_id": "S/1", "endpoint": endpoint,
         "time_days": days, "is_event": is_event, "rounding_days": rounding_days,
         "source_file": "adtte.csv", "source_row": 9},
    )  # fmt: skip
    return core


def rs(core: Core, words: dict[int, str], reader: str = "") -> Core:
    core.sources["staging.analysis_reader"] = [{"patient_id": "S/1", "reader": ""}]
    for day, word in words.items():
        core.responses.append(
            {"patient_id": "S/1", "reader": reader, "day": day, "overall_response": word}
        )
    return core


def locally_treated(core: Core, day: int) -> Core:
    core.treatments.append({"lesion_id": "T1", "patient_id": "S/1", "first_day": day})
    return core


def confirmed(core: Core) -> Core:
    core.settings["endpoints.confirmed_response"] = True
    return core


def two_days(core: Core) -> Core:
    """Days 84 and 126, of scans, and two days later, of the stated response, are one visit each."""
    core.visits = {84: "WEEK 12", 86: "WEEK 12", 126: "WEEK 18", 128: "WEEK 18"}
    return core


CALLED = {42: "SD", 84: "SD", 126: "PD"}

# Reason, endpoint, the rows, stated less derived days.
CASES: list[tuple[str, str, Callable[[], Core], float | None]] = [
    # Day 126 is 4.1396 months: written 4.1, that is 124.79375 days.
    ("unit_rounding", "PFS",
     lambda: adtte(course(PROGRESSED), "PFS", 124.79375, True, 1.521875), -1.20625),
    ("day_1_convention", "PFS", lambda: adtte(course(PROGRESSED), "PFS", 127, True), 1),
    ("day_1_convention", "OS", lambda: adtte(course(STABLE, death_day=150), "OS", 151, True), 1),
    # CR on day 42 by the source, on day 84 by sizes; no progression until the last scan.
    ("other_start", "DOR",
     lambda: rs(course({0: 20, 42: 20, 84: 12}), {42: "PR", 84: "PR"}), 42),
    ("one_has_none", "DOR", lambda: rs(course(STABLE), {42: "PR", 84: "PR"}), None),
    ("subsequent_therapy", "PFS",
     lambda: adtte(therapy(course(PROGRESSED), 100), "PFS", 126, True), 42),
    ("subsequent_therapy", "OS",
     lambda: adtte(therapy(course(PROGRESSED, death_day=200), 100), "OS", 100, False), -100),
    ("local_treatment", "PFS",
     lambda: adtte(locally_treated(course(PROGRESSED), 100), "PFS", 84, False), -42),
    ("missed_assessments", "PFS",
     lambda: adtte(course(STABLE, death_day=183), "PFS", 183, True), 99),
    ("not_assessed", "PFS", lambda: rs(course({0: 20}), {42: "SD", 84: "SD"}), 84),
    ("same_assessment", "PFS",
     lambda: two_days(rs(course(PROGRESSED), {42: "SD", 84: "SD", 128: "PD"})), 2),
    ("same_assessment", "PFS",
     lambda: two_days(rs(course(STABLE), {42: "SD", 86: "SD"})), 2),
    ("other_reader", "PFS",
     lambda: rs(course(PROGRESSED), {42: "SD", 84: "PD"}, reader="INVESTIGATOR"), -42),
    # PR on day 42: by sizes it is confirmed on day 84, the source has SD there.
    ("confirmation", "TTR", lambda: confirmed(rs(course(RESPONSE), {42: "PR", 84: "SD"})), 42),
    ("stated_response_differs", "PFS",
     lambda: rs(course(PROGRESSED), {42: "SD", 84: "SD", 126: "SD"}), 0),
    ("stated_response_differs", "TTR", lambda: rs(course(RESPONSE), {42: "SD", 84: "PR"}), 42),
    ("no_stated_response", "PFS", lambda: rs(course(PROGRESSED), {42: "SD", 84: "SD"}), -42),
    ("derived_response_differs", "PFS", lambda: rs(course(PROGRESSED), {42: "SD", 84: "PD"}), -42),
    # ADTTE alone dates progression to a scan that shows none.
    ("derived_response_differs", "PFS", lambda: adtte(course(PROGRESSED), "PFS", 84, True), -42),
    # Clinical progression between two scans.
    ("no_derived_response", "PFS", lambda: rs(course(PROGRESSED), {42: "SD", 100: "PD"}), -26),
    ("no_derived_response", "PFS", lambda: adtte(course(PROGRESSED), "PFS", 100, True), -26),
    ("death", "PFS", lambda: adtte(course(STABLE, death_day=150), "PFS", 84, False), -66),
    ("death", "OS", lambda: adtte(course(STABLE, death_day=150), "OS", 140, False), -10),
    ("death_day", "OS", lambda: adtte(course(STABLE, death_day=150), "OS", 160, True), 10),
    ("last_contact", "OS", lambda: adtte(course(STABLE), "OS", 380, False), -20),
    ("last_assessment", "PFS", lambda: rs(course(STABLE), {42: "SD", 84: "NE"}), -42),
    ("event_not_counted", "PFS", lambda: adtte(course(PROGRESSED), "PFS", 84, False), -42),
    ("not_explained", "PFS", lambda: adtte(course(PROGRESSED), "PFS", 300, True), 174),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "endpoint", "core", "difference"),
    CASES,
    ids=[f"{case[0]}-{case[1]}-{place}" for place, case in enumerate(CASES)],
)
def test_each_reason_by_name(
    reason: str, endpoint: str, core: Callable[[], Core], difference: float | None
) -> None:
    row = agreement(core(), endpoint)
    assert (row["reason_id"], row["is_agreed"]) == (reason, False)
    assert row["difference_days"] == difference
    assert row["reason"]


def test_every_reason_of_the_table_has_a_case() -> None:
    with SEED.open(encoding="utf-8") as file:
        listed = [row["reason_id"] for row in csv.DictReader(file)]
    assert set(listed) == {reason for reason, *_ in CASES}


def test_two_that_are_the_same_agree_and_have_no_reason() -> None:
    row = agreement(rs(course(PROGRESSED), CALLED), "PFS")
    assert (row["is_agreed"], row["reason_id"], row["reason"]) == (True, None, None)
    assert (row["derived_days"], row["stated_days"], row["stated_by"]) == (126, 126, "rs")


def test_two_without_a_time_agree() -> None:
    row = agreement(rs(course(PROGRESSED), CALLED), "DOR")
    assert (row["is_agreed"], row["derived_days"], row["stated_days"]) == (True, None, None)


def test_an_event_against_a_censoring_on_one_day_is_no_agreement() -> None:
    row = agreement(rs(course(PROGRESSED), {42: "SD", 84: "SD", 126: "SD"}), "PFS")
    assert (row["difference_days"], row["is_same_kind"], row["is_agreed"]) == (0, False, False)
    assert (row["derived_response"], row["stated_there"]) == ("PD", "SD")
    assert row["derived_progression"] == "target"


def test_an_endpoint_that_one_side_says_nothing_of_has_no_row() -> None:
    with course(PROGRESSED).build(*MODELS, "analysis.endpoint_agreement") as con:
        assert records(con, "SELECT * FROM analysis.endpoint_agreement") == []
