"""analysis.progression_sequence and progression_patient on literal events."""

from __future__ import annotations

from typing import Any

import pytest
from sqlkit import SqlKit

COLUMNS = (
    "lesion_id VARCHAR, patient_id VARCHAR, organ VARCHAR, lesion_type VARCHAR, endpoint VARCHAR, "
    "rule_set VARCHAR, source VARCHAR, time_days DOUBLE, time_lower DOUBLE, is_event BOOLEAN, "
    "last_assessment_day DOUBLE"
)
LESIONS = "lesion_id VARCHAR, organ VARCHAR, lesion_type VARCHAR, patient_id VARCHAR, "
LESIONS += "baseline_volume_mm3 DOUBLE, lesion_number INTEGER, is_analysed BOOLEAN"
Event = tuple[str, str, str, str, float, float | None, bool]
# lesion, organ, type, source, day, last scan without the event, is event
EVENTS: list[Event] = [
    ("a1", "liver", "target", "observed", 90, 30, True),
    ("a2", "liver", "target", "observed", 60, 30, True),
    ("a3", "lung", "target", "observed", 60, 0, True),
    ("a4", "bone", "new", "observed", 150, 120, True),
    ("a5", "skin", "non-target", "observed", 200, 200, False),
    ("a1", "liver", "target", "modelled", 70, 50, True),
    ("a3", "lung", "target", "modelled", 95, 80, True),
]


def build(events: list[Event], patients: int = 1, **settings: str) -> SqlKit:
    """The same events in as many patients."""
    kit = SqlKit({f"progression.{name}": value for name, value in settings.items()})
    kit.build("core.organ")
    con = kit.connection
    con.execute(f"CREATE TABLE analysis.lesion_event ({COLUMNS})")
    con.execute(f"CREATE TABLE core.lesion ({LESIONS})")
    for number, (lesion, organ, kind, source, day, lower, is_event) in enumerate(events):
        row: list[Any] = [lesion, organ, kind, source, day, lower, is_event, patients]
        con.execute(
            "INSERT INTO analysis.lesion_event SELECT 's/' || i || '/' || $1, 's/' || i, $2, $3, "
            "'progression', 'recist_1_1', $4, $5, $6, $7, 200.0 FROM range($8) AS r (i)",
            row,
        )
        if source == "observed":
            con.execute(
                "INSERT INTO core.lesion SELECT 's/' || i || '/' || $1, $2, $3, 's/' || i, $4, $5, "
                "TRUE FROM range($6) AS r (i)",
                [lesion, organ, kind, 1000.0 * number, number, patients],
            )
    return kit.build_one("analysis.progression_sequence").build_one("analysis.progression_patient")


def sequence(kit: SqlKit, source: str) -> list[tuple[Any, ...]]:
    columns = "position, organ, time_days, interval_days, is_tied"
    return kit.rows("analysis.progression_sequence", columns, f"source = '{source}'")


def test_organs_stand_in_the_order_of_their_first_lesion() -> None:
    """Liver and lung on one scan: the lung's last scan without it is the earlier one."""
    with build(EVENTS) as kit:
        assert sequence(kit, "observed") == [
            (1, "lung", 60, 60, True),
            (2, "liver", 60, 0, True),
            (3, "bone", 150, 90, False),
        ]


def test_modelled_and_combined_times() -> None:
    """Combined: a1 and a3 by their curves, a2 (no curve) and a4 (new) as observed."""
    with build(EVENTS) as kit:
        assert sequence(kit, "modelled") == [
            (1, "liver", 70, 70, False), (2, "lung", 95, 25, False),
        ]  # fmt: skip
        assert sequence(kit, "combined") == [
            (1, "liver", 60, 60, False),
            (2, "lung", 95, 35, False),
            (3, "bone", 150, 55, False),
        ]


def test_a_patient_in_a_line() -> None:
    with build(EVENTS) as kit:
        columns = "n_progressive_organs, n_organs_followed, organ_sequence, first_days, "
        columns += "second_interval_days, third_interval_days, mean_interval_days, mean_time_days"
        (row,) = kit.rows("analysis.progression_patient", columns, "source = 'observed'")
        assert row == (3, 4, "lung > liver > bone", 60, 0, 90, 50, 90)


def test_patients_without_progression_have_a_line_of_their_own() -> None:
    with build([("b1", "liver", "target", "observed", 200, 200, False)]) as kit:
        assert sequence(kit, "observed") == []
        columns = "level, n_progressive_organs, first_organ, last_assessment_day"
        found = kit.rows("analysis.progression_patient", columns, "source = 'observed'")
        assert found == [("no progression", 0, None, 200)]


@pytest.mark.parametrize("ties", ["arbitrary", "organ_order"])
def test_ties_follow_the_rule(ties: str) -> None:
    """By core.organ the liver goes before bone in everybody; arbitrarily in about half."""
    tied: list[Event] = [
        ("c1", "bone", "target", "observed", 60, 30, True),
        ("c2", "liver", "target", "observed", 60, 30, True),
    ]
    n = 200
    with build(tied, n, ties=ties) as kit:
        first = [row[1] for row in sequence(kit, "observed") if row[0] == 1]
    assert len(first) == n
    if ties == "organ_order":
        assert set(first) == {"liver"}
    else:
        assert 70 < first.count("liver") < 130, "four standard errors of 100 in 200"


def test_lesions_of_one_organ_can_be_sites() -> None:
    """Numbered by baseline volume: a2 (1,000 mm3) is larger than a1 (0)."""
    with build(EVENTS, sites="lesion") as kit:
        assert [row[1] for row in sequence(kit, "observed")] == [
            "lung lesion 1", "liver lesion 1", "liver lesion 2", "bone new lesion",
        ]  # fmt: skip
