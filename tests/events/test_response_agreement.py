"""Derived beside reported responses, and rule sets beside each other, counted by hand."""

from __future__ import annotations

from events.event_models import records
from events.event_tables import Core


def test_derived_and_reported_responses_are_counted_by_pair() -> None:
    core = Core()
    core.patient(best_overall_response="SD")
    core.target({0: 100, 42: 70, 84: 72, 126: 100})  # PR, SD (-28 %), PD (+42.9 %)
    for day, response in ((42, "PR"), (84, "PR"), (168, "PD")):
        core.responses.append(
            {
                "patient_id": "S/1",
                "reader": "",
                "day": day,
                "target_response": response,
                "overall_response": response,
                "has_new_lesion": False,
            }
        )
    with core.build() as con:
        rows = records(con, "SELECT * FROM analysis.response_agreement")
    counted = {
        (row["derived"], row["reported"]): (row["n"], row["is_equal"])
        for row in rows
        if row["part"] == "overall"
    }
    assert counted == {
        ("PR", "PR"): (1, True),
        ("SD", "PR"): (1, False),
        ("PD", "not reported"): (1, False),
        ("not derived", "PD"): (1, False),
    }
    best = [(row["derived"], row["reported"]) for row in rows if row["part"] == "best overall"]
    assert best == [("PR", "SD")]
    new = {
        (row["derived"], row["reported"]): row["n"] for row in rows if row["part"] == "new lesion"
    }
    assert new == {("no", "no"): 2, ("no", "not reported"): 1, ("not derived", "no"): 1}


def test_rule_sets_are_compared_lesion_by_lesion(core: Core) -> None:
    core.target({0: 10, 42: 12, 84: 15}, "T1")  # volume sets at 42, RECIST at 84
    core.target({0: 30, 42: 30}, "T2")  # none
    core.target({0: 30, 42: 33}, "T3")  # zhou2023 only: +33 % in volume
    core.target({0: 30, 42: 45}, "T4")  # all at 42
    with core.build() as con:
        rows = records(
            con, "SELECT * FROM analysis.rule_set_difference WHERE endpoint = 'progression'"
        )
    found = {row["rule_set"]: row for row in rows}
    counts = {
        name: (
            row["n_lesions"],
            row["n_events"],
            row["n_events_both"],
            row["n_events_only_here"],
            row["n_events_only_recist"],
            row["n_agree_with_recist"],
            row["n_same_day_as_recist"],
            row["n_earlier_than_recist"],
            row["median_event_days"],
        )
        for name, row in found.items()
    }
    assert counts == {
        "recist_1_1": (4, 2, 2, 0, 0, 4, 2, 0, 63),
        "zhou2023": (4, 3, 2, 1, 0, 3, 1, 1, 42),
        "recist_volume": (4, 2, 2, 0, 0, 4, 1, 1, 42),
    }
