"""The two steps on small tables, one after the other, against phases worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

import flows.steps.heterogeneity.gower as gower_module
import flows.steps.heterogeneity.response_phase as phase_module
from udfs.heterogeneity import Variable, gower_means, gower_pairs
from warehouse.build import StepRun
from warehouse.errors import LesionsError
from warehouse.registry import Step, installed_steps
from warehouse.settings import default_values

# lesion, patient, type, is_analysed, baseline day
LESIONS = [
    ("a1", "A", "target", True, -7),
    ("a2", "A", "target", True, -7),
    ("a3", "A", "target", True, -7),
    ("a4", "A", "non-target", True, -7),
    ("a5", "A", "target", False, -7),
    ("b1", "B", "target", True, 0),
    ("c1", "C", "target", True, 0),
    ("c2", "C", "target", True, None),
    ("d1", "D", "target", True, 0),
    ("d2", "D", "target", True, 0),
    ("u1", None, "target", True, 0),
]
# lesion: (day, diameter) of each scan
SCANS: dict[str, list[tuple[int, float]]] = {
    "a1": [(-30, 99), (-7, 20), (35, 14), (77, 13), (119, 16)],
    "a2": [(-7, 10), (35, 10), (119, 11)],
    "a3": [(-7, 15), (35, 12), (77, 12), (119, 12)],
    "a4": [(-7, 50), (35, 5)],
    "a5": [(-7, 50), (35, 5)],
    "b1": [(0, 10), (42, 12), (84, 12.1)],
    "c1": [(0, 0), (42, 5)],
    "c2": [(42, 5)],
    "d1": [(0, 10), (42, 9)],
    "d2": [(0, 10), (84, 9)],
    "u1": [(0, 10), (42, 6)],
}
PHASES = "has_response, has_stable, has_relapse, time_to_response_days, stable_days, relapse_days"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA analysis")
        connection.execute(
            "CREATE TABLE core.lesion (lesion_id VARCHAR, patient_id VARCHAR, "
            "lesion_type VARCHAR, is_analysed BOOLEAN, baseline_day INTEGER)"
        )
        connection.execute(
            "CREATE TABLE core.measurement (lesion_id VARCHAR, day INTEGER, diameter_mm DOUBLE)"
        )
        connection.execute(
            "CREATE TABLE analysis.lesion_cutoff (lesion_id VARCHAR, cutoff_day INTEGER)"
        )
        connection.executemany("INSERT INTO core.lesion VALUES (?, ?, ?, ?, ?)", LESIONS[::-1])
        rows = [(lesion, *scan) for lesion, scans in SCANS.items() for scan in scans]
        connection.executemany("INSERT INTO core.measurement VALUES (?, ?, ?)", rows[::-1])
        yield connection


def step_of(module: Any, name: str) -> Step:
    function = getattr(module, name)
    return next(step for step in installed_steps() if step.function is function)


def run(con: duckdb.DuckDBPyConnection, module: Any, name: str, **settings: Any) -> list[str]:
    """Runs a step as the engine does, writes its tables and returns its notes."""
    step = step_of(module, name)
    given = {key.replace("__", "."): value for key, value in settings.items()}
    context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None)
    result = step.function(context)
    assert list(result) == [table.name for table in step.writes]
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns), table.name
        con.register("columns", columns)
        con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        key = ", ".join(table.key)
        repeated = f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        assert con.execute(repeated).fetchall() == []
    return context.notes


def run_both(con: duckdb.DuckDBPyConnection, **settings: Any) -> list[str]:
    notes = run(con, phase_module, "response_phase", **settings)
    return notes + run(con, gower_module, "gower", **settings)


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def test_phases_of_each_lesion(con: duckdb.DuckDBPyConnection) -> None:
    run(con, phase_module, "response_phase")
    nothing = (None,) * 6
    assert rows(
        con,
        f"SELECT lesion_id, patient_id, {PHASES}, exclusion_reason "
        "FROM analysis.lesion_phase ORDER BY lesion_id",
    ) == [
        ("a1", "A", True, True, True, 42, 84, 0, None),
        ("a2", "A", False, True, False, 0, 126, 0, None),
        ("a3", "A", False, True, False, 0, 126, 0, None),
        ("b1", "B", False, True, True, 0, 84, 0, None),
        ("c1", "C", *nothing, "diameter of 0 at baseline"),
        ("c2", "C", *nothing, "no diameter at baseline"),
        ("d1", "D", False, True, False, 0, 42, 0, None),
        ("d2", "D", False, True, False, 0, 84, 0, None),
        ("u1", None, True, False, False, 42, 0, 0, None),
    ]


def test_ratios_and_scans_of_each_lesion(con: duckdb.DuckDBPyConnection) -> None:
    run(con, phase_module, "response_phase")
    assert rows(
        con,
        "SELECT lesion_id, round(nadir_ratio, 12), round(last_ratio, 12), n_scans, "
        "is_consistent_with_total, follow_up_days "
        "FROM analysis.lesion_phase ORDER BY lesion_id",
    ) == [
        ("a1", 0.65, 0.8, 4, False, 126),
        ("a2", 1.0, 1.1, 3, True, 126),
        ("a3", 0.8, 0.8, 4, True, 126),
        ("b1", 1.2, 1.21, 3, True, 84),
        ("c1", None, None, 2, None, None),
        ("c2", None, None, 0, None, None),
        ("d1", 0.9, 0.9, 2, None, 42),
        ("d2", 0.9, 0.9, 2, None, 84),
        ("u1", 0.6, 0.6, 2, None, 42),
    ]


def test_scans_after_a_lesions_cutoff_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    # b1 grows to 1.2 and then 1.21 times its baseline; cut off before day 84, it never relapses.
    con.execute("INSERT INTO analysis.lesion_cutoff VALUES ('b1', 84)")
    run(con, phase_module, "response_phase")
    assert rows(
        con,
        "SELECT lesion_id, round(last_ratio, 12), n_scans, has_relapse FROM analysis.lesion_phase "
        "WHERE lesion_id IN ('a1', 'b1') ORDER BY lesion_id",
    ) == [("a1", 0.8, 4, True), ("b1", 1.2, 2, False)]


def test_phases_of_each_patients_sum(con: duckdb.DuckDBPyConnection) -> None:
    run(con, phase_module, "response_phase")
    nothing = (None,) * 6
    # A: 20 + 10 + 15 = 45, 36 and 39 on the days with all three (day 77 lacks a2)
    assert rows(
        con,
        f"SELECT patient_id, {PHASES}, n_lesions, n_inconsistent_lesions, n_scans, "
        "baseline_sum_mm, exclusion_reason FROM analysis.patient_phase ORDER BY patient_id",
    ) == [
        ("A", False, True, False, 0, 126, 0, 3, 1, 3, 45, None),
        ("B", False, True, True, 0, 84, 0, 1, 0, 3, 10, None),
        ("C", *nothing, 0, None, 0, None, "no lesion with phases"),
        ("D", *nothing, 2, None, 1, 20, "no day after baseline with every lesion measured"),
    ]
    ratios = rows(con, "SELECT nadir_ratio, last_ratio FROM analysis.patient_phase LIMIT 1")[0]
    assert ratios == pytest.approx((36 / 45, 39 / 45), rel=1e-15)


def test_distances_between_the_lesions_of_a_patient(con: duckdb.DuckDBPyConnection) -> None:
    run_both(con)
    # A: response 1 0 0, stable alike, relapse 1 0 0, nadir 0.65 1 0.8, last 0.8 1.1 0.8
    expected = {
        ("a1", "a2"): (1 + 0 + 1 + 1 + 1) / 5,
        ("a1", "a3"): (1 + 0 + 1 + 0.15 / 0.35 + 0) / 5,
        ("a2", "a3"): (0 + 0 + 0 + 0.20 / 0.35 + 1) / 5,
        ("d1", "d2"): 0,
    }
    found = rows(con, "SELECT lesion_id, other_lesion_id, distance FROM analysis.gower_pair")
    assert {(a, b): d for a, b, d in found} == pytest.approx(expected, rel=1e-12)

    lesion = dict(rows(con, "SELECT lesion_id, gower_distance FROM analysis.gower_lesion"))
    a1, a2, a3 = (expected[pair] for pair in list(expected)[:3])
    known = {"a1": (a1 + a2) / 2, "a2": (a1 + a3) / 2, "a3": (a2 + a3) / 2, "d1": 0, "d2": 0}
    assert [lesion.pop(alone) for alone in ("b1", "c1", "c2")] == [None, None, None]
    assert lesion == pytest.approx(known, rel=1e-12)

    patient = rows(con, "SELECT * FROM analysis.gower_patient ORDER BY patient_id")
    assert [row[:2] for row in patient] == [("A", 3), ("B", 1), ("C", 0), ("D", 2)]
    assert patient[0][2] == pytest.approx((a1 + a2 + a3) / 3, rel=1e-12)
    assert [row[2] for row in patient[1:]] == [None, None, 0]
    reasons = [None, "one lesion with phases", "no lesion with phases", None]
    assert [row[3] for row in patient] == reasons


def test_patients_with_the_same_lesions_in_another_order_are_tied() -> None:
    """Means of the same distances added up in another order differ by 1e-16: no tie, and another
    side of a quartile."""
    lesions = np.array([
        [1, 1, 0, 0.7, 0.8], [0, 1, 0, 0.9, 1.0], [0, 1, 1, 0.75, 1.3], [1, 0, 0, 0.5, 0.6],
    ])  # fmt: skip
    both = np.concatenate((lesions, lesions[[0, 2, 3, 1]]))
    values = {name: both[:, k] for k, name in enumerate(gower_module.VARIABLES)}
    patient = np.repeat([0, 1], 4)
    chosen = {"gower.range": "patient", "gower.mean": "others", "gower.single_lesion": "null"}
    context = SimpleNamespace(setting=chosen.__getitem__)
    variables = [
        Variable(name, values[name], "symmetric" if k < 3 else "numeric")
        for k, name in enumerate(gower_module.VARIABLES)
    ]
    first, second = gower_means(gower_pairs(variables, patient), patient).group_mean
    assert first != second
    _, means = gower_module.gower_distances(context, values, patient)
    assert means.group_mean[0] == means.group_mean[1] == pytest.approx(first, abs=1e-12)
    assert means.row_mean[[0, 1, 2, 3]].tolist() == means.row_mean[[4, 7, 5, 6]].tolist()


def test_settings_of_the_distance(con: duckdb.DuckDBPyConnection) -> None:
    run_both(con, gower__range="cohort", gower__single_lesion="zero")
    # over all five lesions with patients: nadir ratios 0.65 to 1.2, last ratios 0.8 to 1.21
    found = rows(con, "SELECT distance FROM analysis.gower_pair WHERE other_lesion_id = 'a2'")
    expected = (2 + 0.35 / 0.55 + 0.30 / 0.41) / 5
    assert found[0][0] == pytest.approx(expected, rel=1e-12)
    single = rows(con, "SELECT * FROM analysis.gower_patient WHERE patient_id IN ('B', 'C')")
    assert sorted(single) == [("B", 1, 0, None), ("C", 0, None, "no lesion with phases")]
    assert rows(con, "SELECT gower_distance FROM analysis.gower_lesion WHERE lesion_id = 'b1'") == [
        (0,)
    ]


def test_means_over_all_lesions(con: duckdb.DuckDBPyConnection) -> None:
    run_both(con)
    others = dict(rows(con, "SELECT patient_id, gower_distance FROM analysis.gower_patient"))
    run_both(con, gower__mean="all")
    assert rows(con, "SELECT n_lesions, gower_distance FROM analysis.gower_patient") == [
        (n, None if others[patient] is None else pytest.approx(others[patient] * (n - 1) / n))
        for patient, n in rows(con, "SELECT patient_id, n_lesions FROM analysis.gower_patient")
    ]


def test_what_is_left_out_is_said(con: duckdb.DuckDBPyConnection) -> None:
    assert run_both(con) == [
        "1 target lesion without phases: no diameter at baseline",
        "1 target lesion without phases: diameter of 0 at baseline",
        "1 target lesion of unknown patients: phases of their own, but no sum to compare them with",
        "1 target lesion of unknown patients skipped: which lesions are one patient's is not known",
    ]


def test_a_study_of_unknown_patients_gives_phases_and_no_distance(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("UPDATE core.lesion SET patient_id = NULL")
    notes = run_both(con)
    assert notes[-1].startswith("9 target lesions of unknown patients skipped")
    assert rows(con, "SELECT count(*) FROM analysis.lesion_phase WHERE has_stable") == [(6,)]
    for table in ("patient_phase", "gower_pair", "gower_lesion", "gower_patient"):
        assert rows(con, f"SELECT count(*) FROM analysis.{table}") == [(0,)]


def test_empty_tables_give_empty_tables_of_the_same_types(con: duckdb.DuckDBPyConnection) -> None:
    types = "SELECT table_name, column_name, data_type FROM duckdb_columns() ORDER BY ALL"
    run_both(con)
    filled = rows(con, types)
    con.execute("DELETE FROM core.lesion")
    assert run_both(con) == []
    assert rows(con, types) == filled
    kinds = {(table, column): kind for table, column, kind in filled}
    assert kinds["lesion_phase", "has_response"] == "BOOLEAN"
    assert kinds["patient_phase", "stable_days"] == "DOUBLE"
    assert kinds["gower_patient", "n_lesions"] == "BIGINT"
    assert kinds["gower_patient", "null_reason"] == "VARCHAR"


def test_phases_follow_their_settings(con: duckdb.DuckDBPyConnection) -> None:
    run(con, phase_module, "response_phase", phases__response_ratio=0.6)
    responding = "SELECT lesion_id FROM analysis.lesion_phase WHERE has_response"
    assert rows(con, responding) == [("u1",)]
    run(con, phase_module, "response_phase", phases__relapse_reference="baseline")
    relapsing = "SELECT lesion_id FROM analysis.lesion_phase WHERE has_relapse"
    assert rows(con, relapsing) == [("b1",)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("phases.response_ratio", 1.0), ("phases.relapse_ratio", 0.8)],
)
def test_a_setting_out_of_range_is_one_clear_error(
    con: duckdb.DuckDBPyConnection, name: str, value: float
) -> None:
    with pytest.raises(LesionsError, match=f"{name} = {value} in lesions.toml must"):
        run(con, phase_module, "response_phase", **{name: value})
