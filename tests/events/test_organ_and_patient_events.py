"""The first lesion of an organ, and of a patient."""

from __future__ import annotations

import hashlib

import pytest
from events.event_models import records, run_model
from events.event_tables import Core

RECIST = "rule_set = 'recist_1_1'"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


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
        ("liver", "response", False, 84.0),
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
    # Liver and lung are tied in all but the hash of patient and organ.
    first = min(("T1", "liver"), ("T2", "lung"), key=lambda pair: md5(f"S/1/{pair[1]}"))
    assert (row["time_days"], row["lesion_id"], row["organ"]) == (84, *first)
    assert row["is_tied"]
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


@pytest.mark.parametrize("ties", ["arbitrary", "organ_order"])
def test_every_table_names_the_same_first_organ_and_flags_the_tie(core: Core, ties: str) -> None:
    """40 patients whose lung and liver progress on day 84; the lung was last seen without on day 70
    in every fourth: there the liver, last seen without on day 42, is first by the earlier scan.
    """
    core.settings["progression.ties"] = ties
    for number in range(40):
        person = f"S/P{number}"
        core.patient(person)
        liver = {0: 25, 42: 25, 84: 31}
        lung = {**liver, 70: 25} if number % 4 == 0 else liver
        core.target(lung, f"A{number}", organ="lung", patient_id=person)
        core.target(dict(sorted(liver.items())), f"B{number}", organ="liver", patient_id=person)
    with core.build_marts() as con:
        for table in ("progression_sequence", "progression_patient"):
            run_model(con, f"analysis.{table}")
        events = con.execute(
            "SELECT patient_id, organ, is_tied, n_organs_at_first_event "
            "FROM analysis.patient_event "
            f"WHERE endpoint = 'progression' AND {RECIST} ORDER BY patient_id"
        ).fetchall()
        firsts = [
            con.execute(query).fetchall()
            for query in (
                "SELECT patient_id, organ, is_tied FROM analysis.organ_event WHERE event_order = 1 "
                f"AND endpoint = 'progression' AND {RECIST} ORDER BY patient_id",
                "SELECT patient_id, organ, is_tied FROM analysis.progression_sequence "
                f"WHERE position = 1 AND source = 'observed' AND {RECIST} ORDER BY patient_id",
                "SELECT patient_id, first_organ, is_first_tied FROM analysis.progression_patient "
                f"WHERE source = 'observed' AND {RECIST} ORDER BY patient_id",
                "SELECT patient_id, first_lesion_progression_organ, is_first_progression_tied "
                "FROM mart.fct_patient_outcome WHERE n_lesions > 0 ORDER BY patient_id",
            )
        ]
    assert [row[2:] for row in events] == [(True, 2)] * 40
    for rows in firsts:
        assert rows == [row[:3] for row in events]
    organ = {row[0]: row[1] for row in events}
    assert all(organ[f"S/P{number}"] == "liver" for number in range(0, 40, 4))
    others = {organ[f"S/P{number}"] for number in range(40) if number % 4}
    assert others == ({"liver"} if ties == "organ_order" else {"liver", "lung"})
