"""Patients' endpoints: one named case per rule, and random courses against loops."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from events.event_models import records
from events.event_tables import Core

MODELS = tuple(
    f"analysis.{name}"
    for name in (
        "lineage_change",
        "lesion_cutoff",
        "lesion_change",
        "scan",
        "new_lesion",
        "sum_of_diameters",
        "visit_response",
        "response_course",
        "best_overall_response",
        "endpoint_course",
        "endpoint_decided",
        "patient_endpoint",
    )
)
SCHEDULED = {"endpoints.assessment_interval_days": 42}
"""Two missed visits and the window: an event later than 2 * 42 + 14 = 98 days is censored."""


def endpoints(core: Core) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of S/1 by endpoint and basis."""
    with core.build(*MODELS) as con:
        rows = records(con, "SELECT * FROM analysis.patient_endpoint WHERE patient_id = 'S/1'")
    return {(row["endpoint"], row["basis"]): row for row in rows}


def derived(core: Core, endpoint: str) -> dict[str, Any]:
    return endpoints(core)[endpoint, "derived"]


def course(sizes: dict[int, float | None], **patient: Any) -> Core:
    """S/1 with one target lesion; scans every six weeks."""
    core = Core(settings=dict(SCHEDULED))
    core.sources["staging.survival_reporting"] = [{"study_id": "S"}]
    death = patient.pop("death_day", None)
    core.patient(is_dead=death is not None, death_day=death, last_contact_day=400, **patient)
    if death is not None:
        core.sources["staging.death"] = [
            {"patient_id": "S/1", "source": "dm", "precedence": 3, "day": death,
             "source_file": "dm.csv", "source_row": 7},
        ]  # fmt: skip
    if sizes:
        core.target(sizes)
    return core


def therapy(core: Core, day: int) -> Core:
    core.sources["core.subsequent_therapy"] = [
        {"subsequent_therapy_id": "S/1/PR1", "patient_id": "S/1", "study_id": "S", "day": day,
         "source_file": "pr.csv", "source_row": 3},
    ]  # fmt: skip
    return core


STABLE = {0: 20, 42: 20, 84: 20}
RESPONSE = {0: 20, 42: 12, 84: 12}
PROGRESSED = {**STABLE, 126: 30}


def test_a_patient_without_baseline_is_censored_on_day_0() -> None:
    core = course({})
    core.new(84)
    row = derived(core, "PFS")
    assert (row["rule_id"], row["time_days"], row["is_event"]) == ("PFS/no_baseline", 0, False)


def test_a_study_that_says_nothing_of_deaths_has_no_overall_survival() -> None:
    core = course(STABLE)
    core.sources["staging.survival_reporting"] = []
    rows = endpoints(core)
    assert rows["OS", "derived"]["rule_id"] == "OS/deaths_not_reported"
    assert rows["OS", "derived"]["time_days"] is None
    assert rows["PFS", "derived"]["time_days"] == 84


def test_a_study_without_tumors_has_no_derived_progression() -> None:
    row = derived(course({}), "PFS")
    assert (row["rule_id"], row["time_days"]) == ("PFS/not_assessed_in_study", None)


def test_the_source_row_is_that_of_the_day() -> None:
    row = derived(course(PROGRESSED), "PFS")
    assert (row["source_table"], row["source_file"], row["source_row"]) == (
        "analysis.response_course", "tr.csv", 4,
    )  # fmt: skip
    row = derived(course(STABLE, death_day=150), "PFS")
    assert (row["source_table"], row["source_file"], row["source_row"]) == (
        "staging.death", "dm.csv", 7,
    )  # fmt: skip


def test_missed_assessments_are_a_setting_and_the_interval_the_studys_own() -> None:
    never = course(STABLE, death_day=300)
    never.settings = {"endpoints.missed_assessments": 0}
    assert derived(never, "PFS")["rule_id"] == "PFS/death"
    # Scans 42 and 84: the study's own interval is 42 days.
    own = course(STABLE, death_day=183)
    own.settings = {}
    assert derived(own, "PFS")["rule_id"] == "PFS/missed_assessments"


def assessed_once(size: float) -> Core:
    """One scan after baseline, on day 56."""
    core = course({0: 20, 56: size})
    core.settings = {}
    return core


def test_days_from_the_first_dose_to_the_only_scan_are_an_interval() -> None:
    """56 days each: the last day in time is 56 + 2 * 56 + 14 = 182."""
    for death, expected in ((182, "PFS/death"), (183, "PFS/missed_assessments")):
        core = assessed_once(20)
        core.patients[0].update(is_dead=True, death_day=death)
        assert derived(core, "PFS")["rule_id"] == expected
    # Never scanned, where another patient was on day 56: 126 days are over by day 127.
    in_time, late = "PFS/death_before_first_assessment", "PFS/never_assessed"
    for death, expected in ((126, in_time), (127, late)):
        core = course({0: 20}, death_day=death)
        core.settings = {}
        core.patient("S/2")
        core.target({0: 20, 56: 20}, "S/2/T1", patient_id="S/2")
        assert derived(core, "PFS")["rule_id"] == expected


def test_a_visit_that_was_not_evaluable_is_one_of_the_schedule() -> None:
    """Visits each 56 days, NE on 112 and 168: PD on 224 is 168 days after SD, more than 126."""
    core = course({0: 20, 56: 20, 112: None, 168: None, 224: 30})
    core.settings = {}
    row = derived(core, "PFS")
    assert (row["rule_id"], row["time_days"]) == ("PFS/missed_assessments", 56)
    # The same as RS states it, where no lesion is known.
    core = course({})
    core.settings = {}
    core.sources["staging.analysis_reader"] = [{"patient_id": "S/1", "reader": ""}]
    for day, response in ((56, "SD"), (112, "NE"), (168, "NE"), (224, "PD")):
        core.responses.append(
            {"patient_id": "S/1", "reader": "", "day": day, "overall_response": response}
        )
    row = endpoints(core)["PFS", "stated"]
    assert (row["rule_id"], row["time_days"]) == ("PFS/missed_assessments", 56)


def test_a_local_treatment_censors_where_the_policy_says_so() -> None:
    for is_censored, expected in (
        (True, ("PFS/local_treatment", 42)),
        (False, ("PFS/progression", 126)),
    ):
        core = course(PROGRESSED)
        core.treatments.append(
            {"lesion_id": "T1", "patient_id": "S/1", "first_day": 84,
             "is_patient_censored": is_censored},
        )  # fmt: skip
        row = derived(core, "PFS")
        assert (row["rule_id"], row["time_days"]) == expected


def test_a_confirmed_response_is_a_setting() -> None:
    """PR on day 42, confirmed on 84 or not at all."""
    for last, expected in ((12, ("TTR/response", 42)), (15, ("TTR/no_event", 84))):
        core = course({0: 20, 42: 12, 84: last})
        core.settings["endpoints.confirmed_response"] = True
        row = derived(core, "TTR")
        assert (row["rule_id"], row["time_days"]) == expected


def with_both(basis: str) -> dict[tuple[str, str], dict[str, Any]]:
    """RS calls progression on day 84, the sizes on day 126."""
    core = course(PROGRESSED)
    core.settings["endpoints.basis"] = basis
    core.sources["staging.analysis_reader"] = [{"patient_id": "S/1", "reader": ""}]
    for day, word in ((42, "SD"), (84, "PD")):
        core.responses.append(
            {"patient_id": "S/1", "reader": "", "day": day, "overall_response": word}
        )
    return endpoints(core)


@pytest.mark.parametrize(
    ("basis", "counted"), [("stated_else_derived", "stated"), ("derived_else_stated", "derived")]
)
def test_a_setting_says_which_of_two_counts(basis: str, counted: str) -> None:
    rows = with_both(basis)
    assert rows["PFS", "stated"]["time_days"] == 84
    assert rows["PFS", "derived"]["time_days"] == 126
    assert rows["PFS", counted]["is_counted"]
    assert not rows["PFS", {"stated": "derived", "derived": "stated"}[counted]]["is_counted"]


def test_where_the_source_says_nothing_the_derivation_counts() -> None:
    rows = endpoints(course(PROGRESSED))
    assert rows["PFS", "derived"]["is_counted"]
    assert not rows["PFS", "stated"]["is_counted"]
    assert rows["PFS", "stated"]["rule_id"] == "PFS/not_assessed_in_study"


def test_adtte_is_taken_as_stated() -> None:
    core = course(PROGRESSED)
    core.sources["staging.time_to_event"] = [
        {"time_to_event_id": "1", "patient_id": "S/1", "endpoint": "PFS", "time_days": 100.5,
         "is_event": False, "source_file": "adtte.csv", "source_row": 9},
    ]  # fmt: skip
    row = endpoints(core)["PFS", "stated"]
    assert (row["rule_id"], row["time_days"], row["is_event"]) == (
        "PFS/stated_censored", 100.5, False,
    )  # fmt: skip
    assert (row["source_file"], row["source_row"], row["is_counted"]) == ("adtte.csv", 9, True)


def pfs_by_hand(sizes: dict[int, float], death: int | None) -> tuple[float, bool]:
    """RECIST 1.1 for one lesion and the rules for progression-free survival, as a loop."""
    baseline = nadir = sizes[0]
    last, progression = 0, None
    for day in sorted(day for day in sizes if day > 0):
        size = sizes[day]
        if progression is None and size - nadir >= max(0.2 * nadir, 5):
            progression = day
        if progression is None:
            last = day
        nadir = min(nadir, size)
    assert baseline > 0
    ends = [day for day in (progression, death) if day is not None]
    if not ends:
        return float(last), False
    end = min(ends)
    before = max([0, *(day for day in sizes if 0 < day < end)])
    return (float(before), False) if end - before > 98 else (float(end), True)


def test_random_courses_agree_with_loops() -> None:
    draw = np.random.default_rng(14)
    core = Core(settings=dict(SCHEDULED))
    expected: dict[str, tuple[float, bool]] = {}
    deaths: list[dict[str, Any]] = []
    for k in range(300):
        who = f"S/{k}"
        days = np.cumsum(draw.choice([42, 42, 42, 84, 126, 49], size=draw.integers(0, 6)))
        sizes = {0: 30.0} | {int(day): float(draw.integers(12, 45)) for day in days}
        last = max(sizes)
        death = int(max(last, 0) + draw.integers(1, 160)) if draw.random() < 0.5 else None
        core.patient(who, is_dead=death is not None, death_day=death, last_contact_day=900)
        core.target(dict(sizes), f"{k}/T", patient_id=who)
        if death is not None:
            deaths.append({"patient_id": who, "source": "dm", "precedence": 3, "day": death})
        expected[who] = pfs_by_hand(sizes, death)
    core.sources["staging.death"] = deaths
    con: duckdb.DuckDBPyConnection
    with core.build(*MODELS) as con:
        found = con.execute(
            "SELECT patient_id, time_days, is_event FROM analysis.patient_endpoint "
            "WHERE endpoint = 'PFS' AND basis = 'derived'"
        ).fetchall()
    assert {who: (time, event) for who, time, event in found} == expected
    assert len({event for _, event in expected.values()}) == 2
