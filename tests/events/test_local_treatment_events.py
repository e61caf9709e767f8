"""What a lesion's local treatment leaves of sums, responses and events, worked out by hand."""

from __future__ import annotations

import duckdb
import pytest
from events.event_models import records
from events.event_tables import Core, event


def visits(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    columns = "day, n_target_measured, is_complete, target_response, nontarget_response"
    return con.execute(
        f"SELECT {columns}, overall_response FROM analysis.visit_response "
        "WHERE NOT is_baseline ORDER BY day"
    ).fetchall()


def test_a_treated_target_lesion_leaves_the_sum_incomplete(core: Core) -> None:
    # Without the irradiation of day 70: 60 -> 40 (PR) -> 10 + 20 = 30 (PR).
    core.target({0: 30, 56: 20, 112: 10}, "T1")
    core.target({0: 30, 56: 20, 112: 20}, "T2")
    core.treated("T1", 70)
    assert visits(core.build()) == [
        (56, 2, True, "PR", "NONE", "PR"),
        (112, 1, False, "NE", "NONE", "NE"),
    ]


def test_what_is_left_still_shows_progression(core: Core) -> None:
    # Nadir 40 mm on day 56. The other lesion alone reaches 50 mm: +25 % and +10 mm.
    core.target({0: 30, 56: 20, 112: 5}, "T1")
    core.target({0: 30, 56: 20, 112: 50}, "T2")
    core.treated("T1", 70)
    assert visits(core.build())[1] == (112, 1, False, "PD", "NONE", "PD")


def test_the_day_of_the_procedure_counts_as_after_it(core: Core) -> None:
    core.target({0: 30, 56: 20, 112: 10})
    core.treated("T1", 112)
    assert visits(core.build())[1][3] == "NE"


@pytest.mark.parametrize(("censoring", "day"), [("last_scan", 56), ("last_day", 70)])
def test_a_lesion_s_events_end_at_its_treatment(core: Core, censoring: str, day: int) -> None:
    core.settings["rules.censoring"] = censoring
    # 30 -> 24 (-20 %) -> 9 after the irradiation: no response of the drug, and no progression.
    core.target({0: 30, 56: 24, 112: 9, 168: 40}, "T1")
    core.treated("T1", 70)
    con = core.build()
    for endpoint in ("response", "progression"):
        found = event(con, "T1", endpoint)
        assert (found["is_event"], found["time_days"]) == (False, day)
        assert (found["censor_reason"], found["last_assessment_day"]) == ("local_treatment", 56)


def test_an_event_before_the_treatment_stays(core: Core) -> None:
    core.target({0: 30, 56: 20, 112: 40}, "T1")
    core.treated("T1", 70)
    con = core.build()
    assert (event(con, "T1", "response")["time_days"]) == 56
    assert event(con, "T1", "progression")["censor_reason"] == "local_treatment"


@pytest.mark.parametrize(("censoring", "day"), [("last_scan", 0), ("last_day", 20)])
def test_a_lesion_treated_before_its_first_scan_could_have_no_event(
    core: Core, censoring: str, day: int
) -> None:
    core.settings["rules.censoring"] = censoring
    core.target({0: 30, 56: 9}, "T1")
    core.treated("T1", 20)
    found = event(core.build(), "T1", "response")
    assert (found["time_days"], found["censor_reason"]) == (day, "no_assessment_after_baseline")


def test_a_treated_non_target_lesion_is_not_assessed(core: Core) -> None:
    core.target({0: 30, 56: 0, 112: 0})
    core.nontarget({56: "CR", 112: "CR"}, "NT1")
    core.nontarget({56: "SD", 112: "CR"}, "NT2")
    core.treated("NT2", 70)
    con = core.build()
    # All that is left is gone, but NT2 cannot tell: no complete response (RECIST 1.1, table 1).
    assert [row[4:] for row in visits(con)] == [("NON-CR/NON-PD", "PR"), ("NE", "PR")]
    assert event(con, "NT1", "response")["is_event"]
    assert event(con, "NT2", "response")["censor_reason"] == "local_treatment"


def test_without_a_day_from_which_it_is_not_evaluable_nothing_changes(core: Core) -> None:
    core.target({0: 30, 56: 20, 112: 10})
    core.treatments.append({"lesion_id": "T1", "not_evaluable_from": None})
    con = core.build()
    assert [row[3] for row in visits(con)] == ["PR", "PR"]
    (changed,) = records(
        con, "SELECT count(*) AS n FROM analysis.lesion_change WHERE is_after_local_treatment"
    )
    assert changed["n"] == 0
