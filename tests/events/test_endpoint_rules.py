"""Each rule of staging.endpoint_rule by name: a patient whom it decides, and the days by hand.

Lesions are scanned every 42 days; progression is 30 mm after 20 mm (50 %, 10 mm), response 12 mm.
All cases are one build: each patient is in a study of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest
from events.event_models import SQL, records
from events.event_tables import Core
from events.test_endpoints import (
    MODELS,
    PROGRESSED,
    RESPONSE,
    SCHEDULED,
    STABLE,
    course,
    therapy,
)

SEED = SQL / "seeds" / "staging.endpoint_rule.csv"
IDS = ("patient_id", "study_id", "lesion_id", "subsequent_therapy_id", "time_to_event_id")

Time = tuple[float | None, bool | None, float | None]
"""Days, whether they end in an event, last day without it."""
NONE: Time = (None, None, None)


def dead_on_unknown_day(core: Core) -> Core:
    core.patients[0]["is_dead"] = True
    core.sources["staging.death"] = [
        {"patient_id": "S/1", "source": "dm", "precedence": 3, "day": None,
         "source_file": "dm.csv", "source_row": 7},
    ]  # fmt: skip
    return core


def new_only(death_day: int | None = None) -> Core:
    """A new lesion on day 84 and none at baseline."""
    core = course({}, death_day=death_day)
    core.new(84)
    return core


def without_first_dose() -> Core:
    """A lesion whose rows have dates and no days."""
    core = course({})
    core.lesion("T1", first_day=None)
    core.sources["staging.tumor_result_screen"] = [
        {"patient_id": "S/1", "reason_id": "no_reference_date"}
    ]
    return core


def locally_treated(core: Core, day: int) -> Core:
    core.treatments.append(
        {"lesion_id": "T1", "patient_id": "S/1", "first_day": day, "is_patient_censored": True}
    )
    return core


def adtte(core: Core, endpoint: str, days: float, is_event: bool, **more: Any) -> Core:
    core.sources.setdefault("staging.time_to_event", []).append(
        {"time_to_event_id": endpoint, "patient_id": "S/1", "endpoint": endpoint,
         "time_days": days, "is_event": is_event, "source_file": "adtte.csv", "source_row": 9,
         **more},
    )  # fmt: skip
    return core


def told_of_another(core: Core) -> Core:
    """A second patient of the study, for whom RS and a later therapy are recorded."""
    core.patient("S/2", is_dead=False, last_contact_day=400)
    core.sources["staging.analysis_reader"] = [{"patient_id": "S/2", "reader": ""}]
    core.responses.append({"patient_id": "S/2", "reader": "", "day": 42, "overall_response": "SD"})
    core.sources.setdefault("core.subsequent_therapy", []).append(
        {"subsequent_therapy_id": "S/2/PR1", "patient_id": "S/2", "study_id": "S", "day": 50}
    )
    return core


def by_another_criterion(core: Core) -> Core:
    """S/1's response is by a criterion that does not count, that of S/2 by the one that does."""
    core = told_of_another(core)
    core.responses.append(
        {"patient_id": "S/1", "reader": "", "day": 42, "overall_response": "PD",
         "criterion": "RECIST 1.0", "is_analysis_criterion": False},
    )  # fmt: skip
    return core


def open_therapy(core: Core, earliest: int, latest: int) -> Core:
    """Another therapy of which a partial date says no more than between which days it began."""
    core = therapy(core, latest)
    (row,) = core.sources["core.subsequent_therapy"]
    row.update(day=None, earliest_day=earliest, latest_day=latest)
    return core


def also_on(core: Core, day: int) -> Core:
    core.sources["core.subsequent_therapy"].append(
        {"subsequent_therapy_id": "S/1/PR2", "patient_id": "S/1", "study_id": "S", "day": day}
    )
    return core


def undated_progression(
    responses: dict[int, str], from_day: int | None, death_day: int | None = None
) -> Core:
    """RS states these responses, and a progression in a month that begins on from_day."""
    core = course({}, death_day=death_day)
    core.sources["staging.analysis_reader"] = [{"patient_id": "S/1", "reader": ""}]
    core.sources["staging.undated_progression"] = [
        {"patient_id": "S/1", "first_possible_day": from_day}
    ]
    for day, response in responses.items():
        core.responses.append(
            {"patient_id": "S/1", "reader": "", "day": day, "overall_response": response}
        )
    return core


def without(core: Core, *, deaths: bool = False, contact: bool = False) -> Core:
    """The study says nothing of deaths; or nothing is known of the patient's last contact."""
    if deaths:
        core.sources["staging.survival_reporting"] = []
    if contact:
        core.patients[0]["last_contact_day"] = None
    return core


def only_adtte_tells(core: Core) -> Core:
    core.patients[0].update(is_dead=True, death_day=150)
    return adtte(core, "OS", 150, True)


# Rule, the rows, what comes out; "stated" in the name's place where that side is meant.
Case = tuple[str, str, Callable[[], Core], Time]
CASES: list[Case] = [
    ("OS/stated_event", "stated", lambda: adtte(course(STABLE), "OS", 200, True),
     (200, True, None)),
    ("OS/stated_censored", "stated", lambda: adtte(course(STABLE), "OS", 200, False),
     (200, False, 200)),
    ("OS/not_stated", "stated", lambda: course(STABLE), NONE),
    ("OS/death_only_stated", "derived", lambda: only_adtte_tells(course(STABLE)), NONE),
    ("OS/death", "derived", lambda: course(STABLE, death_day=150), (150, True, 150)),
    ("OS/death_day_unknown", "derived", lambda: dead_on_unknown_day(course(STABLE)), NONE),
    ("OS/deaths_not_reported", "derived", lambda: without(course(STABLE), deaths=True), NONE),
    ("OS/last_contact", "derived", lambda: course(STABLE), (400, False, 400)),
    ("OS/unknown", "derived", lambda: without(course(STABLE), contact=True), NONE),
    ("PFS/stated_event", "stated", lambda: adtte(course(PROGRESSED), "PFS", 100.5, True),
     (100.5, True, None)),
    ("PFS/stated_censored", "stated", lambda: adtte(course(PROGRESSED), "PFS", 100.5, False),
     (100.5, False, 100.5)),
    ("PFS/not_assessed_in_study", "derived", lambda: course({}), NONE),
    ("PFS/no_first_dose", "derived", without_first_dose, NONE),
    ("PFS/not_assessed", "stated", lambda: told_of_another(course(STABLE)), NONE),
    ("PFS/death_before_first_assessment", "derived", lambda: course({0: 20}, death_day=30),
     (30, True, 0)),
    ("PFS/no_baseline", "derived", new_only, (0, False, 0)),
    ("PFS/other_criterion", "stated", lambda: by_another_criterion(course({})), (0, False, 0)),
    ("PFS/never_assessed", "derived", lambda: course({0: 20}), (0, False, 0)),
    # Day 99 is more than two intervals of 42 and 14 days after day 0.
    ("PFS/never_assessed", "derived", lambda: course({0: 20}, death_day=99), (0, False, 0)),
    ("PFS/subsequent_therapy", "derived", lambda: therapy(course(PROGRESSED), 100),
     (84, False, 84)),
    ("PFS/subsequent_therapy", "derived", lambda: therapy(course(PROGRESSED), 84),
     (84, False, 84)),
    ("PFS/local_treatment", "derived", lambda: locally_treated(course(PROGRESSED), 84),
     (42, False, 42)),
    # Begun between day 90 and 120: progression on day 126 came later, that on day 120 perhaps not.
    ("PFS/subsequent_therapy", "derived", lambda: open_therapy(course(PROGRESSED), 90, 120),
     (84, False, 84)),
    ("PFS/subsequent_therapy", "derived", lambda: open_therapy(course(PROGRESSED), 60, 120),
     (42, False, 42)),
    ("PFS/progression", "derived", lambda: open_therapy(course(PROGRESSED), 96, 126),
     (126, True, 84)),
    # 98 days after day 84 are still in the window, 99 are not.
    ("PFS/death", "derived", lambda: course(STABLE, death_day=182), (182, True, 84)),
    ("PFS/missed_assessments", "derived", lambda: course(STABLE, death_day=183), (84, False, 84)),
    ("PFS/missed_assessments", "derived", lambda: course({**STABLE, 210: 30}), (84, False, 84)),
    ("PFS/progression", "derived", lambda: course(PROGRESSED), (126, True, 84)),
    ("PFS/progression", "derived", lambda: course(PROGRESSED, death_day=200), (126, True, 84)),
    ("PFS/progression", "derived", lambda: therapy(course(PROGRESSED), 126), (126, True, 84)),
    ("PFS/death", "derived", lambda: course(STABLE, death_day=150), (150, True, 84)),
    ("PFS/death_day_unknown", "derived", lambda: dead_on_unknown_day(course(STABLE)),
     (84, False, 84)),
    ("PFS/undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100), (84, False, 84)),
    ("PFS/undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, None), (84, False, 84)),
    # What is scanned in the month, or after it, may be after the progression.
    ("PFS/undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD", 126: "SD"}, 100), (84, False, 84)),
    ("PFS/progression", "stated",
     lambda: undated_progression({42: "SD", 126: "PD"}, 100), (126, True, 42)),
    ("PFS/death_after_undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100, 150), (150, True, 84)),
    ("PFS/no_event", "derived", lambda: course(STABLE), (84, False, 84)),
    # A scan that cannot be evaluated gives no day.
    ("PFS/no_event", "derived", lambda: course({**STABLE, 126: None}), (84, False, 84)),
    ("TTP/stated_event", "stated", lambda: adtte(course(STABLE), "TTP", 90, True),
     (90, True, None)),
    ("TTP/stated_censored", "stated", lambda: adtte(course(STABLE), "TTP", 90, False),
     (90, False, 90)),
    ("TTP/not_assessed_in_study", "derived", lambda: course({}), NONE),
    ("TTP/no_first_dose", "derived", without_first_dose, NONE),
    ("TTP/not_assessed", "stated", lambda: told_of_another(course(STABLE)), NONE),
    ("TTP/death_before_first_assessment", "derived", lambda: course({0: 20}, death_day=30),
     (30, False, 30)),
    ("TTP/no_baseline", "derived", new_only, (0, False, 0)),
    ("TTP/other_criterion", "stated", lambda: by_another_criterion(course({})), (0, False, 0)),
    ("TTP/never_assessed", "derived", lambda: course({0: 20}), (0, False, 0)),
    ("TTP/subsequent_therapy", "derived", lambda: therapy(course(PROGRESSED), 100),
     (84, False, 84)),
    ("TTP/local_treatment", "derived", lambda: locally_treated(course(PROGRESSED), 84),
     (42, False, 42)),
    ("TTP/missed_assessments", "derived", lambda: course(STABLE, death_day=183), (84, False, 84)),
    ("TTP/progression", "derived", lambda: course(PROGRESSED), (126, True, 84)),
    ("TTP/death", "derived", lambda: course(STABLE, death_day=150), (150, False, 150)),
    ("TTP/death_day_unknown", "derived", lambda: dead_on_unknown_day(course(STABLE)),
     (84, False, 84)),
    ("TTP/undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100, 150), (84, False, 84)),
    ("TTP/no_event", "derived", lambda: course(STABLE), (84, False, 84)),
    # Response on day 42, or by the source's own start on day 40.
    ("DOR/stated_event", "stated",
     lambda: adtte(course(RESPONSE), "DOR", 61, True, start_day=40), (61, True, None)),
    ("DOR/stated_censored", "stated", lambda: adtte(course(RESPONSE), "DOR", 61, False),
     (61, False, 61)),
    ("DOR/not_assessed_in_study", "derived", lambda: course({}), NONE),
    ("DOR/no_first_dose", "derived", without_first_dose, NONE),
    ("DOR/not_assessed", "stated", lambda: told_of_another(course(RESPONSE)), NONE),
    ("DOR/no_response", "derived", lambda: course(STABLE), NONE),
    ("DOR/subsequent_therapy", "derived",
     lambda: therapy(course({**RESPONSE, 126: 30}), 90), (42, False, 42)),
    ("DOR/local_treatment", "derived",
     lambda: locally_treated(course({**RESPONSE, 126: 30}), 100), (42, False, 42)),
    ("DOR/missed_assessments", "derived", lambda: course(RESPONSE, death_day=200),
     (42, False, 42)),
    ("DOR/progression", "derived", lambda: course({**RESPONSE, 126: 30}), (84, True, 42)),
    ("DOR/death", "derived", lambda: course(RESPONSE, death_day=100), (58, True, 42)),
    ("DOR/death_day_unknown", "derived", lambda: dead_on_unknown_day(course(RESPONSE)),
     (42, False, 42)),
    ("DOR/undated_progression", "stated",
     lambda: undated_progression({42: "PR", 84: "PR"}, 100), (42, False, 42)),
    ("DOR/death_after_undated_progression", "stated",
     lambda: undated_progression({42: "PR", 84: "PR"}, 100, 150), (108, True, 42)),
    ("DOR/no_event", "derived", lambda: course(RESPONSE), (42, False, 42)),
    ("DOSD/stated_event", "stated", lambda: adtte(course(STABLE), "DOSD", 90, True),
     (90, True, None)),
    ("DOSD/stated_censored", "stated", lambda: adtte(course(STABLE), "DOSD", 90, False),
     (90, False, 90)),
    ("DOSD/not_assessed_in_study", "derived", lambda: course({}), NONE),
    ("DOSD/no_first_dose", "derived", without_first_dose, NONE),
    ("DOSD/not_assessed", "stated", lambda: told_of_another(course(STABLE)), NONE),
    ("DOSD/not_stable", "derived", lambda: course(RESPONSE), NONE),
    ("DOSD/subsequent_therapy", "derived", lambda: therapy(course(PROGRESSED), 100),
     (84, False, 84)),
    ("DOSD/local_treatment", "derived", lambda: locally_treated(course(PROGRESSED), 100),
     (84, False, 84)),
    ("DOSD/missed_assessments", "derived", lambda: course(STABLE, death_day=183),
     (84, False, 84)),
    ("DOSD/progression", "derived", lambda: course(PROGRESSED), (126, True, 84)),
    ("DOSD/death", "derived", lambda: course(STABLE, death_day=150), (150, True, 84)),
    ("DOSD/death_day_unknown", "derived", lambda: dead_on_unknown_day(course(STABLE)),
     (84, False, 84)),
    ("DOSD/undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100), (84, False, 84)),
    ("DOSD/death_after_undated_progression", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100, 150), (150, True, 84)),
    ("DOSD/no_event", "derived", lambda: course(STABLE), (84, False, 84)),
    ("TTR/stated_event", "stated", lambda: adtte(course(RESPONSE), "TTR", 40, True),
     (40, True, None)),
    ("TTR/stated_censored", "stated", lambda: adtte(course(STABLE), "TTR", 90, False),
     (90, False, 90)),
    ("TTR/not_assessed_in_study", "derived", lambda: course({}), NONE),
    ("TTR/no_first_dose", "derived", without_first_dose, NONE),
    ("TTR/not_assessed", "stated", lambda: told_of_another(course(STABLE)), NONE),
    ("TTR/no_baseline", "derived", new_only, (0, False, 0)),
    ("TTR/other_criterion", "stated", lambda: by_another_criterion(course({})), (0, False, 0)),
    ("TTR/never_assessed", "derived", lambda: course({0: 20}), (0, False, 0)),
    ("TTR/subsequent_therapy", "derived",
     lambda: therapy(course({**STABLE, 126: 12}), 90), (84, False, 84)),
    ("TTR/local_treatment", "derived",
     lambda: locally_treated(course({**STABLE, 126: 12}), 90), (84, False, 84)),
    ("TTR/response", "derived", lambda: course(RESPONSE), (42, True, 0)),
    ("TTR/response", "derived", lambda: course({0: 20, 42: 20, 84: 12}), (84, True, 42)),
    ("TTR/progression", "derived", lambda: course(PROGRESSED), (126, False, 126)),
    ("TTR/no_event", "derived", lambda: course(STABLE), (84, False, 84)),
    # The death is dated before the last scan, and before the response that it shows.
    ("TTR/no_event", "derived", lambda: course(STABLE, death_day=60), (60, False, 60)),
    ("TTR/no_event", "derived", lambda: course({0: 20, 42: 20, 84: 12}, death_day=60),
     (60, False, 60)),
    ("PPS/stated_event", "stated",
     lambda: adtte(course(PROGRESSED), "PPS", 70, True, start_day=120), (70, True, None)),
    ("PPS/stated_censored", "stated", lambda: adtte(course(PROGRESSED), "PPS", 70, False),
     (70, False, 70)),
    ("PPS/pfs_unknown", "derived", lambda: course({}), NONE),
    # The source dates progression before the first dose.
    ("PPS/pfs_before_first_dose", "stated", lambda: adtte(course(STABLE), "PFS", -5, True), NONE),
    ("PPS/progression_day_unknown", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100), NONE),
    ("PPS/progression_day_unknown", "stated",
     lambda: undated_progression({42: "SD", 84: "SD"}, 100, 150), NONE),
    ("PPS/no_progression", "derived", lambda: course(STABLE), NONE),
    ("PPS/os_unknown", "derived", lambda: without(course(PROGRESSED), deaths=True), NONE),
    # ADTTE's survival ends on day 100, before the scan of day 126.
    ("PPS/os_before_progression", "derived",
     lambda: adtte(course(PROGRESSED), "OS", 100, False), NONE),
    ("PPS/died_without_progression", "derived", lambda: course(STABLE, death_day=150), NONE),
    ("PPS/death", "derived", lambda: course(PROGRESSED, death_day=200), (74, True, 74)),
    ("PPS/last_contact", "derived", lambda: course(PROGRESSED), (274, False, 274)),
    ("TTNT/stated_event", "stated", lambda: adtte(course(STABLE), "TTNT", 90, True),
     (90, True, None)),
    ("TTNT/stated_censored", "stated", lambda: adtte(course(STABLE), "TTNT", 90, False),
     (90, False, 90)),
    ("TTNT/not_stated", "stated", lambda: course(STABLE), NONE),
    ("TTNT/not_recorded_in_study", "derived", lambda: course(PROGRESSED), NONE),
    ("TTNT/subsequent_therapy", "derived", lambda: therapy(course(PROGRESSED), 140),
     (140, True, 140)),
    ("TTNT/subsequent_therapy_day_unknown", "derived",
     lambda: open_therapy(course(PROGRESSED, death_day=150), 130, 160), NONE),
    # The other therapy can only have begun after the one whose day is known.
    ("TTNT/subsequent_therapy", "derived",
     lambda: also_on(open_therapy(course(PROGRESSED), 150, 180), 140), (140, True, 140)),
    ("TTNT/death", "derived", lambda: told_of_another(course(STABLE, death_day=150)),
     (150, True, 150)),
    ("TTNT/death_day_unknown", "derived",
     lambda: told_of_another(dead_on_unknown_day(course(STABLE))), NONE),
    ("TTNT/last_contact", "derived", lambda: told_of_another(course(STABLE)), (400, False, 400)),
    ("TTNT/unknown", "derived", lambda: told_of_another(without(course(STABLE), contact=True)),
     NONE),
]  # fmt: skip


WITHOUT_SCHEDULE = ("PFS/death_without_schedule", "TTP/death_without_schedule")


def apart(row: dict[str, Any], number: int) -> dict[str, Any]:
    """The row with ids that belong to one case."""
    return {key: f"{number}:{row[key]}" if key in IDS else row[key] for key in row}


def together(cores: list[Core]) -> Core:
    """All cases as one core layer, each in a study of its own."""
    whole = Core(settings=dict(SCHEDULED))
    for number, core in enumerate(cores):
        for rows in ("patients", "lesions", "measurements", "responses", "treatments"):
            getattr(whole, rows).extend(apart(row, number) for row in getattr(core, rows))
        for table, rows in core.sources.items():
            whole.sources.setdefault(table, []).extend(apart(row, number) for row in rows)
    return whole


@pytest.fixture(scope="module")
def decided() -> dict[tuple[int, str, str], dict[str, Any]]:
    """Rows of analysis.patient_endpoint by case, endpoint and basis."""
    with together([make() for _, _, make, _ in CASES]).build(*MODELS) as con:
        rows = records(con, "SELECT * FROM analysis.patient_endpoint WHERE patient_id LIKE '%:S/1'")
    return {
        (int(row["patient_id"].split(":")[0]), row["endpoint"], row["basis"]): row for row in rows
    }


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_rule_by_name(
    decided: dict[tuple[int, str, str], dict[str, Any]], number: int
) -> None:
    rule, basis, _, (time, is_event, lower) = CASES[number]
    row = decided[number, rule.split("/")[0], basis]
    assert row["rule_id"] == rule
    assert (row["time_days"], row["is_event"]) == (time, is_event)
    assert row["time_lower_days"] == lower
    assert row["time_upper_days"] == (time if is_event else None)
    assert (row["censor_reason"] is None) == (is_event is not False)
    assert (row["missing_reason"] is None) == (time is not None)


def test_every_rule_of_the_table_has_a_case() -> None:
    with SEED.open(encoding="utf-8") as file:
        rules = {row["rule_id"] for row in csv.DictReader(file)}
    assert rules == {rule for rule, *_ in CASES} | set(WITHOUT_SCHEDULE)


@pytest.mark.parametrize("rule", WITHOUT_SCHEDULE)
def test_a_death_is_kept_where_no_schedule_is_known(rule: str) -> None:
    """No scan after baseline in the whole study: how many were missed by day 300 is not known."""
    core = course({0: 20}, death_day=300)
    core.settings = {}
    with core.build(*MODELS) as con:
        (row,) = records(con, f"SELECT * FROM analysis.patient_endpoint WHERE rule_id = '{rule}'")
    assert (row["time_days"], row["is_event"]) == (300, rule.startswith("PFS"))


def test_a_stated_duration_counts_from_its_own_start(
    decided: dict[tuple[int, str, str], dict[str, Any]],
) -> None:
    starts = {
        CASES[number][0]: row["start_day"]
        for (number, endpoint, basis), row in decided.items()
        if CASES[number][0] == f"{endpoint}/stated_event" and basis == "stated"
    }
    assert (starts["DOR/stated_event"], starts["PPS/stated_event"], starts["PFS/stated_event"]) == (
        40, 120, 0,
    )  # fmt: skip
