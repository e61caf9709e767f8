"""Times, intervals, sources and censoring of lesion events."""

from __future__ import annotations

from typing import Any

import pytest
from events.event_tables import Core, event


def row(
    core: Core, endpoint: str = "progression", lesion_id: str = "T1", rule_set: str = "recist_1_1"
) -> dict[str, Any]:
    with core.build_events() as con:
        return event(con, lesion_id, endpoint, rule_set)


def interval(found: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    return found["time_lower"], found["time_days"], found["time_upper"]


def test_an_event_lies_between_the_scan_before_and_the_scan_with_it(core: Core) -> None:
    core.target({0: 25, 40: 26, 85: 30})
    found = row(core)
    assert interval(found) == (40, 85, 85)
    assert (found["is_event"], found["event_probability"]) == (True, 1.0)


def test_an_event_on_the_first_scan_reaches_back_to_the_baseline_scan(core: Core) -> None:
    core.target({-14: 25, 43: 30}, baseline_day=-14)
    assert interval(row(core)) == (-14, 43, 43)


def test_a_missed_visit_widens_the_interval(core: Core) -> None:
    core.target({0: 25, 42: 25, 168: 40})  # days 84 and 126 were missed
    assert interval(row(core)) == (42, 168, 168)


def test_a_scan_without_a_size_does_not_bound_the_interval(core: Core) -> None:
    core.target({0: 25, 42: 25, 84: None, 126: 40})
    assert interval(row(core)) == (42, 126, 126)


def test_an_event_at_an_unscheduled_visit_counts_on_its_own_day(core: Core) -> None:
    core.target({0: 25, 42: 25, 61: 31, 84: 31})
    assert interval(row(core)) == (42, 61, 61)


def test_an_event_keeps_the_row_that_it_was_read_from(core: Core) -> None:
    core.target({0: 25, 42: 25, 84: 31})
    found = row(core)
    where = (found["source_table"], found["source_file"], found["source_row"])
    assert where == ("core.measurement", "tr.csv", 3)
    assert (found["quantity"], found["observed_value"], found["reference_value"]) == (
        "diameter",
        31,
        25,
    )


def test_a_nontarget_event_keeps_its_row(core: Core) -> None:
    core.nontarget({42: "SD", 84: "PD"})
    found = row(core, lesion_id="NT1")
    assert (found["source_table"], found["source_row"]) == ("core.lesion_assessment", 1001)
    assert interval(found) == (42, 84, 84)


def test_a_nontarget_scan_that_was_not_evaluable_does_not_bound_the_interval(core: Core) -> None:
    core.nontarget({42: "SD", 84: "NE", 126: "PD"})
    assert interval(row(core, lesion_id="NT1")) == (42, 126, 126)


def test_a_new_lesion_appeared_since_the_patients_scan_before(core: Core) -> None:
    core.target({0: 20, 42: 20, 84: 20})
    core.nontarget({60: "SD"})
    core.new(84)
    found = row(core, lesion_id="N1")
    assert interval(found) == (60, 84, 84)
    assert (found["source_table"], found["source_file"]) == ("core.lesion", "tu.csv")


def test_scans_of_another_reader_do_not_bound_a_new_lesion(core: Core) -> None:
    core.target({0: 20, 42: 20}, reader="A")
    core.target({0: 20, 70: 20}, "T2", reader="B", is_analysed=False)
    core.new(84, reader="A")
    assert interval(row(core, lesion_id="N1")) == (42, 84, 84)


def test_a_size_too_small_to_measure_counts_and_says_so(core: Core) -> None:
    core.target({0: 15, 42: 5}, imputed=[42])
    found = row(core, "response")
    assert (found["is_event"], found["is_imputed"]) == (True, True)


def test_a_lesion_too_small_to_measure_throughout_is_stable(core: Core) -> None:
    core.target({0: 15, 42: 5, 84: 5}, imputed=[42, 84])
    assert not row(core)["is_event"]


# Censoring ------------------------------------------------------------------------------------


BOTH_CLOCKS = pytest.mark.parametrize("censoring", ["last_scan", "last_day"])


@BOTH_CLOCKS
def test_a_lesion_without_event_is_censored(core: Core, censoring: str) -> None:
    """At its last scan, as nobody looked later; or at the patient's last day, as Zhou 2023 did."""
    core.settings["rules.censoring"] = censoring
    core.target({0: 20, 42: 20, 84: 21})
    core.target({0: 20, 126: 20}, "T2")
    found = row(core)
    assert interval(found) == (84, 84 if censoring == "last_scan" else 400, None)
    assert (found["is_event"], found["event_probability"]) == (False, 0.0)
    assert (found["rule_id"], found["last_assessment_day"]) == (None, 84)
    assert found["censor_reason"] == "end_of_follow_up"
    assert (found["source_table"], found["source_row"]) == ("core.measurement", 3)


@BOTH_CLOCKS
def test_a_lesion_of_a_patient_who_died_is_censored_by_death(censoring: str) -> None:
    core = Core(settings={"rules.censoring": censoring})
    core.patient(last_day=300, os_days=300, os_event=True)
    core.target({0: 20, 42: 20})
    found = row(core)
    day = 42 if censoring == "last_scan" else 300
    assert (found["time_days"], found["censor_reason"]) == (day, "death")


@BOTH_CLOCKS
def test_an_assessment_after_the_last_day_moves_the_censoring_there(censoring: str) -> None:
    core = Core(settings={"rules.censoring": censoring})
    core.patient(last_day=80)
    core.target({0: 20, 42: 20, 84: 20})
    assert row(core)["time_days"] == 84


@BOTH_CLOCKS
def test_a_lesion_never_seen_after_baseline_says_so(core: Core, censoring: str) -> None:
    core.settings["rules.censoring"] = censoring
    core.target({-14: 20, 42: None}, baseline_day=-14)
    found = row(core)
    day = 0 if censoring == "last_scan" else 400
    assert (found["time_days"], found["censor_reason"]) == (day, "no_assessment_after_baseline")
    assert found["last_assessment_day"] == -14


def test_a_nontarget_lesion_never_assessed_says_so(core: Core) -> None:
    core.nontarget({42: "NE"})
    found = row(core, lesion_id="NT1")
    assert found["censor_reason"] == "no_assessment_after_baseline"
    assert (found["time_lower"], found["source_table"]) == (None, "core.lesion")


def test_a_lesion_without_baseline_says_so(core: Core) -> None:
    core.target({42: 20, 84: 40}, baseline_day=None)
    found = row(core)
    assert (found["is_event"], found["censor_reason"]) == (False, "no_baseline")


def test_a_lesion_measured_by_volume_only_has_no_baseline_for_recist(core: Core) -> None:
    """It is judged by volume (doubled: progression), and by diameter there is nothing to judge."""
    core.target({0: None, 42: None}, volumes={0: 4000, 42: 8000})
    for endpoint in ("response", "progression"):
        found = row(core, endpoint)
        assert (found["is_event"], found["censor_reason"]) == (False, "no_baseline_diameter")
        assert found["last_assessment_day"] is None
    found = row(core, rule_set="zhou2023")
    assert (found["is_event"], found["time_days"], found["censor_reason"]) == (True, 42, None)


def test_a_baseline_of_zero_has_no_response_but_may_progress(core: Core) -> None:
    core.target({0: 0, 42: 0, 84: 6})
    response, progression = row(core, "response"), row(core)
    assert (response["is_event"], response["censor_reason"]) == (False, "baseline_zero")
    assert progression["rule_id"] == "recist_1_1/target/reappearance"


def test_a_new_lesion_without_a_day_says_so(core: Core) -> None:
    core.new(None)
    found = row(core, lesion_id="N1")
    assert (found["is_event"], found["censor_reason"]) == (False, "detection_day_unknown")


@pytest.mark.parametrize("day", [-5, 0])
def test_a_new_lesion_seen_before_treatment_is_not_new(core: Core, day: int) -> None:
    core.new(day)
    found = row(core, lesion_id="N1")
    assert (found["is_event"], found["censor_reason"]) == (False, "detected_before_treatment")


def test_a_lesion_of_an_unknown_patient_is_censored_at_its_own_last_assessment() -> None:
    core = Core()
    core.target({0: 20, 42: 20, 84: 21}, patient_id=None)
    found = row(core)
    assert (found["patient_id"], found["time_days"]) == (None, 84)
    with core.build() as con:
        assert con.execute("SELECT count(*) FROM analysis.organ_event").fetchone() == (0,)
        assert con.execute("SELECT count(*) FROM analysis.visit_response").fetchone() == (0,)


def test_a_new_lesion_that_stayed_equivocal_is_no_event(core: Core) -> None:
    core.new(42, words={42: "NE"})
    found = row(core, lesion_id="N1")
    assert (found["is_event"], found["censor_reason"]) == (False, "equivocal")


@pytest.mark.parametrize("detection", ["not_found", "not_evaluable", "no_tumor"])
def test_a_new_lesion_that_was_never_found_is_no_event(core: Core, detection: str) -> None:
    core.new(42, detection=detection)
    found = row(core, lesion_id="N1")
    assert (found["is_event"], found["censor_reason"]) == (False, detection)


def test_a_new_lesion_that_proved_certain_counts_from_the_day_it_was_first_seen(core: Core) -> None:
    core.new(42, words={42: "NE", 84: "PD"})
    assert row(core, lesion_id="N1")["time_days"] == 42
