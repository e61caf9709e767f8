"""The first lesion of an organ, and of a patient."""

from __future__ import annotations

from events.event_tables import Core, records

RECIST = "rule_set = 'recist_1_1'"


def test_an_organ_progresses_with_its_first_lesion(core: Core) -> None:
    core.target({0: 25, 42: 25, 84: 31}, "T1")
    core.target({0: 25, 42: 31, 84: 31}, "T2")
    core.nontarget({126: "PD"}, "NT1")
    with core.build() as con:
        (row,) = records(
            con, f"SELECT * FROM analysis.organ_event WHERE endpoint = 'progression' AND {RECIST}"
        )
    assert (row["time_days"], row["time_lower"], row["lesion_id"]) == (42, 0, "T2")
    assert (row["n_lesions"], row["n_lesion_events"]) == (3, 3)


def test_an_organ_responds_with_its_first_lesion_though_their_sum_does_not(core: Core) -> None:
    core.target({0: 10, 42: 7}, "T1")
    core.target({0: 90, 42: 95}, "T2")  # sum 100 -> 102
    with core.build() as con:
        (row,) = records(
            con, f"SELECT * FROM analysis.organ_event WHERE endpoint = 'response' AND {RECIST}"
        )
    assert (row["is_event"], row["lesion_id"], row["n_lesion_events"]) == (True, "T1", 1)


def test_organs_are_kept_apart_and_a_new_lesion_brings_its_own(core: Core) -> None:
    core.target({0: 25, 84: 31}, "T1", organ="liver")
    core.new(42, "N1", organ="bone")
    with core.build() as con:
        rows = records(
            con,
            "SELECT organ, endpoint, is_event, time_days FROM analysis.organ_event "
            f"WHERE {RECIST} ORDER BY organ, endpoint",
        )
    assert [tuple(row.values()) for row in rows] == [
        ("bone", "progression", True, 42.0),
        ("liver", "progression", True, 84.0),
        ("liver", "response", False, 400.0),
    ]


def test_an_organ_without_event_is_censored_with_the_lesion_followed_longest() -> None:
    core = Core()
    core.patient(last_day=None)
    core.target({0: 25, 42: 25}, "T1")
    core.target({0: 25, 84: 25}, "T2")
    with core.build() as con:
        (row,) = records(
            con, f"SELECT * FROM analysis.organ_event WHERE endpoint = 'progression' AND {RECIST}"
        )
    assert (row["is_event"], row["time_days"], row["lesion_id"]) == (False, 84, "T2")
    assert row["censor_reason"] == "end_of_follow_up"


def test_a_patient_progresses_with_the_first_lesion_anywhere(core: Core) -> None:
    core.target({0: 25, 84: 31}, "T1", organ="liver")
    core.target({0: 25, 84: 31}, "T2", organ="lung")
    core.target({0: 25, 126: 31}, "T3", organ="bone")
    with core.build() as con:
        (row,) = records(
            con,
            f"SELECT * FROM analysis.patient_event WHERE endpoint = 'progression' AND {RECIST}",
        )
    assert (row["time_days"], row["lesion_id"], row["organ"]) == (84, "T1", "liver")
    assert (row["n_lesions"], row["n_lesion_events"], row["n_organs_at_first_event"]) == (3, 3, 2)


def test_a_patient_without_event_has_no_organ_at_a_first_event(core: Core) -> None:
    core.target({0: 25, 84: 25})
    with core.build() as con:
        rows = records(con, f"SELECT * FROM analysis.patient_event WHERE {RECIST}")
    assert {(row["is_event"], row["n_organs_at_first_event"]) for row in rows} == {(False, 0)}


def test_modelled_events_stand_beside_observed_ones(core: Core) -> None:
    core.target({0: 25, 42: 25, 84: 31}, "T1")
    core.modelled.append(
        {"lesion_id": "T1", "endpoint": "progression", "rule_set": "recist_1_1",
         "source": "modelled", "patient_id": "S/1", "organ": "liver", "lesion_type": "target",
         "time_days": 63.5, "time_lower": 50.0, "time_upper": 70.0, "is_event": True,
         "event_probability": 0.9, "source_table": "analysis.growth_lesion"}
    )  # fmt: skip
    query = (
        "SELECT source, time_days, time_lower FROM analysis.{} "
        f"WHERE endpoint = 'progression' AND {RECIST} ORDER BY source"
    )
    wanted = [("modelled", 63.5, 50.0), ("observed", 84.0, 42.0)]
    with core.build() as con:
        for table in ("lesion_event", "organ_event", "patient_event"):
            assert con.execute(query.format(table)).fetchall() == wanted
        (compared,) = con.execute(
            "SELECT n_lesions, n_events, median_event_days FROM analysis.rule_set_difference "
            f"WHERE endpoint = 'progression' AND {RECIST}"
        ).fetchall()
        assert compared == (1, 1, 84.0)
