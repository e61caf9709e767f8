"""Sixty simulated patients through everything: nothing lost, truth found again, same twice."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.meta import META_DOCS
from warehouse.project import Project, open_project
from warehouse.run import plan_project, run_project

CLOCKS = {"_loaded_at"}
"""Columns that hold a time of day."""
MM = {"mm": 1, "cm": 10}


def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def source_rows(project: Project, domain: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted(project.studies.glob(f"*/{domain}.csv")):
        with path.open(newline="") as handle:
            found += csv.DictReader(handle)
    return found


def test_every_row_of_every_file_is_in_raw(built: Project) -> None:
    audit = rows(built, "SELECT domain, sum(rows_in_file), sum(rows_loaded + rows_quarantined) "
                        "FROM raw.load_audit GROUP BY domain")  # fmt: skip
    assert len(audit) >= 8
    for domain, in_file, accounted in audit:
        assert in_file == accounted == len(source_rows(built, domain)), domain


def test_every_hop_balances(built: Project) -> None:
    hops = rows(
        built,
        "SELECT step, rows_in, rows_out + rows_quarantined + rows_excluded + rows_collapsed "
        "FROM quality.row_audit",
    )
    assert len(hops) > 10
    assert [hop for hop in hops if hop[1] != hop[2]] == []


def test_measured_sizes_are_those_of_the_files(built: Project) -> None:
    wanted = {
        (row["USUBJID"], row["TREVAL"], row["TRLNKID"], row["TRDTC"]): pytest.approx(
            float(row["TRORRES"]) * MM[row["TRORRESU"]], rel=1e-12
        )
        for row in source_rows(built, "tr")
        if row["TRTESTCD"] == "LDIAM" and row["TRORRES"].replace(".", "", 1).isdigit()
    }
    found = {
        (subject, reader, label, date): size
        for subject, reader, label, date, size in rows(
            built,
            "SELECT patient.usubjid, measurement.reader, lesion.lesion_label, tr.trdtc, "
            "measurement.long_axis_mm FROM core.measurement "
            "JOIN core.lesion USING (lesion_id) "
            "JOIN core.patient ON patient.patient_id = lesion.patient_id "
            "JOIN raw.tr ON tr._study_id = lesion.study_id "
            "AND tr._source_file = measurement.source_file "
            "AND tr._source_row = measurement.source_row",
        )
    }
    assert len(wanted) > 500
    assert {key: found.get(key) for key in wanted} == wanted


def test_volumes_follow_the_formula(built: Project) -> None:
    wrong = rows(
        built,
        "SELECT count(*) FROM core.measurement WHERE short_axis_mm IS NULL "
        "AND abs(volume_mm3 - long_axis_mm * (long_axis_mm / 1.31) ** 2 / 2) > 1e-9 * volume_mm3",
    )
    assert wrong == [(0,)]


def test_patients_left_out_are_those_the_simulation_left_out(built: Project) -> None:
    truth = built.root / "truth" / "excluded.parquet"
    excluded = {
        key for (key,) in duckdb.sql(f"SELECT usubjid FROM read_parquet('{truth}')").fetchall()
    }
    assert len(excluded) >= 2
    found = rows(built, "SELECT usubjid FROM core.patient WHERE NOT is_analysed")
    assert {usubjid for (usubjid,) in found} == excluded


def test_organ_of_each_lesion_is_the_true_one(built: Project) -> None:
    truth = built.root / "truth" / "lesions.parquet"
    with duckdb.connect(str(built.published), read_only=True) as connection:
        connection.execute(f"CREATE TEMP TABLE truth AS SELECT * FROM read_parquet('{truth}')")
        counted = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE lesion.organ = truth.organ) FROM core.lesion "
            "JOIN core.patient USING (patient_id) JOIN truth ON truth.usubjid = patient.usubjid "
            "AND truth.lesion_label = lesion.lesion_label"
        ).fetchone()
    assert counted is not None
    assert counted[0] > 400
    assert counted[0] == counted[1]


def test_lesion_means_of_gower_are_the_means_of_its_pairs(built: Project) -> None:
    differing = rows(
        built,
        "WITH pair AS (SELECT lesion_id, distance FROM analysis.gower_pair UNION ALL "
        "SELECT other_lesion_id, distance FROM analysis.gower_pair), mean AS ("
        "SELECT lesion_id, avg(distance) AS mean FROM pair GROUP BY lesion_id) "
        "SELECT count(*), count(*) FILTER (WHERE abs(mean - gower_distance) > 1e-12) "
        "FROM mean JOIN analysis.gower_lesion USING (lesion_id)",
    )
    assert differing[0][0] > 100
    assert differing[0][1] == 0


def test_all_public_tables_have_comments_on_every_column(built: Project) -> None:
    bare = rows(
        built,
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "WHERE comment IS NULL AND NOT internal AND schema_name <> 'raw'",
    )
    assert bare == []


def test_a_second_run_has_nothing_to_do(built: Project) -> None:
    assert plan_project(built).plan.is_empty
    assert run_project(built).is_unchanged


def test_same_input_gives_the_same_rows_with_one_thread_and_with_several(
    built: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(built.studies, folder / "studies")
    (folder / "lesions.toml").write_text("[run]\nthreads = 1\n")
    again = open_project(folder)
    run_project(again, is_gated=False)  # results of checks are left out below
    engine = {doc.name for doc in META_DOCS} | {"quality.check_result"}
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{built.published}' AS one (READ_ONLY)")
        connection.execute(f"ATTACH '{again.published}' AS two (READ_ONLY)")
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'one' AND NOT internal ORDER BY ALL"
        ).fetchall():
            columns.setdefault(table, []).append(column)
        assert len(columns) > 90
        for table in sorted(set(columns) - engine):
            kept = ", ".join(f'"{c}"' for c in columns[table] if c not in CLOCKS)
            for first, second in (("one", "two"), ("two", "one")):
                extra = connection.execute(
                    f"SELECT {kept} FROM {first}.{table} "
                    f"EXCEPT ALL SELECT {kept} FROM {second}.{table} LIMIT 3"
                ).fetchall()
                assert extra == [], table
