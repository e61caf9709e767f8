"""Progression that target lesions do not show: until when a patient was free of it, by hand."""

from __future__ import annotations

from events.event_models import records
from events.event_tables import Core
from events.test_visit_response import MODELS as VISIT_MODELS

MODELS = (*VISIT_MODELS, "analysis.growth_follow_up")


def follow_up(core: Core) -> tuple[float, bool, str]:
    """Time, event and cause of the one patient."""
    with core.build(*MODELS) as con:
        (row,) = records(con, "SELECT * FROM analysis.growth_follow_up")
    return row["time_days"], row["is_event"], row["cause"]


def stable(core: Core, **patient: object) -> None:
    core.patients.clear()
    core.patient(**patient)
    core.target({0: 30, 42: 28, 84: 29})


def test_without_an_event_the_last_assessment_censors(core: Core) -> None:
    stable(core)
    assert follow_up(core) == (84, False, "none")


def test_a_new_lesion_is_an_event_from_the_scan_that_showed_it(core: Core) -> None:
    stable(core)
    core.new(42)
    assert follow_up(core) == (42, True, "new lesion")


def test_a_non_target_lesion_that_progresses_is_an_event(core: Core) -> None:
    stable(core)
    core.nontarget({0: "SD", 42: "SD", 84: "PD"})
    assert follow_up(core) == (84, True, "non-target lesion")


def test_both_on_one_scan(core: Core) -> None:
    stable(core)
    core.nontarget({0: "SD", 42: "PD", 84: "PD"})
    core.new(42)
    assert follow_up(core) == (42, True, "non-target and new lesion")


def test_the_first_of_them_names_the_cause(core: Core) -> None:
    stable(core)
    core.nontarget({0: "SD", 42: "PD", 84: "PD"})
    core.new(84)
    assert follow_up(core) == (42, True, "non-target lesion")


def test_progression_of_targets_does_not_end_the_time_at_risk(core: Core) -> None:
    core.patients.clear()
    core.patient()
    core.target({0: 30, 42: 45, 84: 60})
    core.new(84)
    assert follow_up(core) == (84, True, "new lesion")


def test_death_soon_after_the_last_assessment_is_an_event(core: Core) -> None:
    stable(core, last_day=84 + 112, os_event=True)
    assert follow_up(core) == (84 + 112, True, "death")


def test_a_later_death_is_not_why_measuring_ended(core: Core) -> None:
    stable(core, last_day=84 + 113, os_event=True)
    assert follow_up(core) == (84, False, "none")


def test_nor_is_a_death_after_targets_progressed(core: Core) -> None:
    core.patients.clear()
    core.patient(last_day=90, os_event=True)
    core.target({0: 30, 42: 45})
    assert follow_up(core) == (42, False, "none")


def test_death_on_an_unknown_day_is_no_event(core: Core) -> None:
    stable(core, last_day=None, os_event=True)
    assert follow_up(core) == (84, False, "none")


def test_other_readers_do_not_count(core: Core) -> None:
    stable(core)
    core.new(42, is_analysis_reader=False, is_analysed=False, reader="second")
    assert follow_up(core) == (84, False, "none")


def test_early_death_without_a_second_scan_is_an_event(core: Core) -> None:
    core.patients.clear()
    core.patient(last_day=30, os_event=True)
    core.target({-5: 30}, baseline_day=-5)
    assert follow_up(core) == (30, True, "death")


def test_a_patient_scanned_once_and_alive_was_never_at_risk(core: Core) -> None:
    core.patients.clear()
    core.patient()
    core.target({-5: 30}, baseline_day=-5)
    assert follow_up(core) == (0, False, "none")


def test_patients_excluded_for_another_reason_are_not_followed(core: Core) -> None:
    stable(core)
    reasons = ("early_baseline", "not_longitudinal")
    core.exclusions = [
        {"level": "patient", "patient_id": "S/1", "reason_id": reasons[0]},
        {"level": "patient", "patient_id": "S/2", "reason_id": reasons[1]},
    ]
    core.patient("S/2")
    core.target({0: 30, 42: 28}, "T2", patient_id="S/2")
    with core.build(*MODELS) as con:
        rows = records(con, "SELECT patient_id FROM analysis.growth_follow_up")
    assert rows == [{"patient_id": "S/2"}]
