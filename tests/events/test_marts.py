"""The star and the figure tables, on a small trial counted by hand."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from events.event_models import SQL, model, records, run_model
from events.event_tables import ANALYSIS, MART, Core
from progression.sequence_tables import run as run_step

TOO_FEW = "target lesion with sizes on fewer than two days"
OTHER_READER = "another reader's lesion"


def small_trial() -> Core:
    core = Core()
    core.patient(
        "S/1", last_day=300, os_event=True, age_years=60.0, sex="M", treatment="A",
        best_overall_response="PR", kras_status="mutant", pfs_days=126.0, pfs_event=True,
        prior_surgery=True, prior_adjuvant=False, ecog=0, ldh_ratio=1.5,
    )  # fmt: skip
    core.target({0: 30, 42: 20, 84: 18, 126: 32}, "1/T1", patient_id="S/1")
    core.target({0: 20, 42: 15, 84: 12, 126: 12}, "1/T2", patient_id="S/1", organ="lung")
    core.nontarget({42: "SD", 84: "SD", 126: "SD"}, "1/NT1", patient_id="S/1", organ="bone")
    core.new(126, "1/N1", patient_id="S/1", organ="bone")
    core.patient(
        "S/2", last_day=200, age_years=70.0, sex="F", treatment="B", kras_status="mutant", ecog=1,
        ldh_ratio=1.2,
    )  # fmt: skip
    core.target({0: 40, 42: 44, 84: 40}, "2/T1", patient_id="S/2")
    core.target(
        {0: 40, 42: 40}, "2/R", patient_id="S/2", is_analysed=False, is_analysis_reader=False,
        exclusion_reason=OTHER_READER, reader="B",
    )  # fmt: skip
    core.patient("S/3", last_day=30, is_analysed=False, exclusion_reason=TOO_FEW)
    core.target(
        {0: 25}, "3/T1", patient_id="S/3", is_analysed=False, exclusion_reason="patient excluded"
    )
    for level, patient_id, lesion_id, order, reason in (
        ("patient", "S/3", None, 3, TOO_FEW),
        ("lesion", "S/3", "3/T1", 9, "patient excluded"),
        ("lesion", "S/2", "2/R", 1, OTHER_READER),
    ):
        core.exclusions.append(
            {
                "exclusion_id": f"{level}:{lesion_id or patient_id}",
                "level": level,
                "patient_id": patient_id,
                "lesion_id": lesion_id,
                "reason_id": reason,
                "exclusion_order": order,
                "reason": reason,
            }
        )
    return core


@pytest.fixture(scope="module")
def mart() -> Iterator[duckdb.DuckDBPyConnection]:
    with small_trial().build_marts() as con:
        yield con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return con.execute(query).fetchall()


def test_the_consort_boxes_add_up(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(mart, "SELECT * FROM mart.fig_consort ORDER BY step_order")
    assert found == [
        (1, "loaded", None, 3, 7, 14),
        (2, "patient excluded", TOO_FEW, 1, 1, 1),
        (3, "lesion excluded", OTHER_READER, 0, 1, 2),
        (4, "analysed", None, 2, 5, 11),
    ]


def test_lesions_are_counted_by_organ_and_type(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        mart,
        "SELECT organ, lesion_type, n_lesions, n_patients, n_organ_lesions "
        "FROM mart.fig_organ_lesions ORDER BY ALL",
    )
    assert found == [
        ("bone", "new", 1, 1, 2),
        ("bone", "non-target", 1, 1, 2),
        ("liver", "target", 2, 2, 2),
        ("lung", "target", 1, 1, 1),
    ]


def test_characteristics_are_those_of_analysed_patients(mart: duckdb.DuckDBPyConnection) -> None:
    table = {
        (row["variable"], row["level"]): row
        for row in records(mart, "SELECT * FROM mart.fig_characteristics")
    }
    age = table["Age, years", "all"]
    assert (age["n"], age["mean"], age["median"]) == (2, 65, 65)
    assert age["sd"] == pytest.approx(50**0.5)
    assert (age["q1"], age["q3"]) == (62.5, 67.5)
    assert (table["Sex", "F"]["n"], table["Sex", "F"]["percent"]) == (1, 50)
    assert table["KRAS status", "mutant"]["percent"] == 100
    assert table["Best overall response", "unknown"]["n"] == 1
    assert table["Prior surgery", "yes"]["n"] == table["Prior surgery", "unknown"]["n"] == 1
    organs = {level: row["n"] for (name, level), row in table.items() if name.startswith("Organs")}
    assert organs == {"1": 1, "3": 1}
    assert table["Lesions per patient", "all"]["mean"] == 2.5
    # One patient's is stated by no one, and derived: the rule's day and basis stand beside it.
    assert table["Observed to progression, death or censoring, days", "all"]["percent"] == 100
    # The study has body surface for nobody; adjuvant therapy of one patient; ECOG of both.
    variables = {name for name, _ in table}
    assert {"Body surface area, m2", "LDH at least 1.5 times the upper limit of normal"} < variables
    for name in ("Body surface area, m2", "Primary tumor resected before", "Race"):
        assert [(level, table[name, level]["n"]) for one, level in table if one == name] == [
            ("not collected", 2)
        ]
    assert table["Prior adjuvant therapy", "no"]["n"] == 1
    assert table["Prior adjuvant therapy", "unknown"]["n"] == 1
    assert {level: table[name, level]["n"] for name, level in table if name.startswith("ECOG")} == {
        "0": 1, "1": 1,
    }  # fmt: skip
    assert table["LDH at least 1.5 times the upper limit of normal", "yes"]["percent"] == 50
    # S/1 has liver, lung and bone; S/2 one lesion in the liver.
    assert table["Lesions at baseline in the liver only", "yes"]["n"] == 1
    assert table["Lesions at baseline in the liver only", "no"]["n"] == 1


def test_arms_stand_side_by_side_with_their_standardised_difference() -> None:
    """Ages 60, 64, 68 against 70, 70, 76: -8 / sqrt((16 + 12) / 2). Men 2 of 3 against 0 of 2, one
    not known. ECOG is 0 in all of one arm and 1 in all of the other."""
    core = Core()
    people = [
        ("A", 60.0, "F", 0), ("A", 64.0, "M", 0), ("A", 68.0, "M", 0),
        ("B", 70.0, "F", 1), ("B", 70.0, "F", 1), ("B", 76.0, None, 1),
    ]  # fmt: skip
    for i, (arm, age, sex, ecog) in enumerate(people, start=1):
        core.patient(f"S/{i}", arm=arm, age_years=age, sex=sex, ecog=ecog, last_day=90)
        core.target({0: 30, 42: 20}, f"{i}/T1", patient_id=f"S/{i}")
    core.patient("S/9", arm="C", age_years=20.0, is_analysed=False, exclusion_reason=TOO_FEW)
    with core.build_marts() as con:
        run_step(con, "baseline_balance")
        run_model(con, "mart.fig_characteristics_arm")
        balance = {row["variable"]: row for row in records(con, "FROM analysis.baseline_balance")}
        cells = {
            (row["variable"], row["level"], row["group_name"]): row["cell"]
            for row in records(con, "FROM mart.fig_characteristics_arm")
        }
        text = dict(
            rows(con, "SELECT variable, max(difference_text) FROM mart.fig_characteristics_arm "
                 "GROUP BY variable")
        )  # fmt: skip
    age = balance["Age, years"]
    assert [age[name] for name in ("grouping", "subset", "group_a", "group_b")] == [
        "arm", "study S", "A", "B",
    ]  # fmt: skip
    assert age["difference"] == pytest.approx(-8 / 14**0.5)
    sex = balance["Sex"]
    assert (sex["kind"], sex["n_a"], sex["n_b"]) == ("binary", 3, 2)
    assert sex["difference"] == pytest.approx((2 / 3) / (1 / 9) ** 0.5), "of M, 2/3 against 0"
    assert balance["ECOG performance status"]["null_reason"] == "the groups share no level"
    assert balance["Body surface area, m2"]["null_reason"] == "fewer than two values in a group"
    assert balance["Organs with lesions at baseline"]["difference"] == 0
    assert cells["Age, years", "all", "A"] == "64.0 (4.0)"
    assert cells["Sex", "F", "A"] == "1 (33.3 %)"
    assert cells["Sex", "M", "B"] == "0 (0.0 %)"
    assert cells["Sex", "unknown", "B"] == "1 (33.3 %)"
    assert cells["Body surface area, m2", "not collected", "A"] == "3 (100.0 %)"
    assert text["Age, years"].startswith("-2.14 (")
    assert text["ECOG performance status"] == "none: the groups share no level"


def test_an_outcome_row_brings_a_patients_course_together(mart: duckdb.DuckDBPyConnection) -> None:
    (row,) = records(mart, "SELECT * FROM mart.fct_patient_outcome WHERE patient_id = 'S/1'")
    # Sums 50, 35 (-30 %), 30 (-40 %), 44 (+47 %) with a new lesion.
    assert (row["best_overall_response"], row["confirmed_best_overall_response"]) == ("PR", "PR")
    assert (row["baseline_sum_mm"], row["best_change_percent"]) == (50, -40)
    assert (row["progression_day"], row["reported_best_overall_response"]) == (126, "PR")
    counts = [row[f"n_{kind}lesions"] for kind in ("", "target_", "nontarget_", "new_")]
    assert (counts, row["n_baseline_organs"]) == ([4, 2, 1, 1], 3)
    assert (row["first_lesion_response_days"], row["first_lesion_response_organ"]) == (42, "liver")
    assert row["first_lesion_progression_days"] == 126


def test_every_patient_has_an_outcome_analysed_or_not(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        mart, "SELECT patient_id, is_analysed, n_lesions FROM mart.fct_patient_outcome ORDER BY ALL"
    )
    assert found == [("S/1", True, 4), ("S/2", True, 1), ("S/3", False, 0)]


def test_the_waterfall_falls(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        mart,
        "SELECT bar_order, patient_id, best_change_percent FROM mart.fig_waterfall ORDER BY ALL",
    )
    assert found == [(1, "S/2", 0), (2, "S/1", -40)]


def test_the_spider_starts_at_zero(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        mart,
        "SELECT day, change_from_baseline_percent FROM mart.fig_spider "
        "WHERE patient_id = 'S/1' ORDER BY day",
    )
    assert found == [(0, 0), (42, -30), (84, -40), (126, -12)]


def test_the_swimmers_marks(mart: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        mart, "SELECT mark, day FROM mart.fig_swimmer WHERE patient_id = 'S/1' ORDER BY day, mark"
    )
    assert found == [
        ("first response", 42),
        ("new lesion", 126),
        ("progression", 126),
        ("death", 300),
    ]
    assert ("end of follow-up", 200) in rows(
        mart, "SELECT mark, day FROM mart.fig_swimmer WHERE patient_id = 'S/2'"
    )


def test_events_by_organ_and_their_rate(mart: duckdb.DuckDBPyConnection) -> None:
    (row,) = records(
        mart,
        "SELECT * FROM mart.fig_events_by_organ WHERE organ = 'liver' "
        "AND endpoint = 'progression' AND rule_set = 'recist_1_1'",
    )
    # 1/T1: 18 -> 32 mm on day 126. 2/T1: none, last seen on day 84.
    assert (row["n_lesions"], row["n_events"], row["events_percent"]) == (2, 1, 50)
    assert row["lesion_days"] == 210
    assert row["events_per_100_lesion_years"] == pytest.approx(100 * 365.25 / 210)


def test_a_measurement_carries_its_changes(mart: duckdb.DuckDBPyConnection) -> None:
    (row,) = records(
        mart, "SELECT * FROM mart.fct_measurement WHERE lesion_id = '1/T1' AND day = 126"
    )
    assert (row["baseline_diameter_mm"], row["nadir_diameter_mm"]) == (30, 18)
    assert row["change_from_baseline_percent"] == pytest.approx(100 * 2 / 30)
    assert (row["change_from_nadir_mm"], row["volume_ratio_to_nadir"]) == (
        14,
        pytest.approx((32 / 18) ** 3),
    )


def test_facts_keep_every_row_of_what_they_show(mart: duckdb.DuckDBPyConnection) -> None:
    for fact, source in (
        ("fct_measurement", "core.measurement"),
        ("fct_lesion_event", "analysis.lesion_event"),
        ("fct_organ_event", "analysis.organ_event"),
        ("fct_visit_response", "analysis.visit_response"),
        ("fct_response_phase", "analysis.lesion_phase"),
        ("dim_lesion", "core.lesion"),
        ("dim_patient", "core.patient"),
        ("dim_organ", "core.organ"),
    ):
        assert rows(mart, f"SELECT count(*) FROM mart.{fact}") == rows(
            mart, f"SELECT count(*) FROM {source}"
        ), fact


def test_a_project_without_data_builds_empty_marts() -> None:
    with Core().build_marts() as con:
        assert rows(con, "SELECT * FROM mart.fig_consort") == [
            (1, "loaded", None, 0, 0, 0),
            (2, "analysed", None, 0, 0, 0),
        ]
        assert rows(con, "SELECT count(*) FROM mart.fct_lesion_event") == [(0,)]


ALL = [*(f"analysis.{name}" for name in ANALYSIS), *(f"mart.{name}" for name in MART)]


@pytest.mark.parametrize("name", ALL)
def test_a_model_says_what_it_is_and_what_its_columns_are(name: str) -> None:
    doc = model(name).doc
    assert doc.key
    assert "Why:" in doc.description
    assert set(doc.key) <= set(doc.columns)
    assert all(len(comment) >= 3 for comment in doc.columns.values())


def test_no_mart_of_these_tables_is_left_out_here() -> None:
    """Marts that rest on analyses made elsewhere are tested with those; measures in tests/bi."""
    steps = ("analysis.lesion_phase", "analysis.gower_lesion", "analysis.gower_patient")
    known = {*ALL, *steps}
    names = {path.stem for path in (SQL / "mart").rglob("*.sql") if "metric" not in path.stem}
    reads = {name: model(f"mart.{name}").reads for name in names}
    assert set(MART) == {
        name
        for name, tables in reads.items()
        if all(table.split(".")[0] in ("core", "staging") or table in known for table in tables)
    }


def test_both_thread_counts_give_the_same_rows() -> None:
    contents = []
    for threads in (1, 4):
        with small_trial().build_marts(threads=threads) as con:
            contents.append({name: rows(con, f"SELECT * FROM {name} ORDER BY ALL") for name in ALL})
    assert contents[0] == contents[1]


def test_the_patient_browser_lists_analysed_patients_with_their_course(
    mart: duckdb.DuckDBPyConnection,
) -> None:
    listed = records(mart, "SELECT * FROM mart.fig_patient ORDER BY patient_id")
    assert [row["patient_id"] for row in listed] == ["S/1", "S/2"]
    first = listed[0]
    assert (first["best_overall_response"], first["best_change_percent"]) == ("PR", -40)
    assert (first["progression_day"], first["os_days"], first["os_event"]) == (126, 300, True)
    assert (first["n_lesions"], first["n_target_lesions"], first["n_new_lesions"]) == (4, 2, 1)


def test_studies_are_counted_for_the_report(mart: duckdb.DuckDBPyConnection) -> None:
    (study,) = records(mart, "SELECT * FROM mart.fig_study")
    assert (study["n_patients"], study["n_analysed_patients"]) == (3, 2)
    assert (study["n_lesions"], study["n_analysed_lesions"]) == (7, 5)
    assert study["n_measurements"] == 14
