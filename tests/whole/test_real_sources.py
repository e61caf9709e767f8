"""Real trial tables through the whole path: their counts, and what is odd in them, come out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import QUICK

from warehouse.project import Project, create_project, open_project
from warehouse.run import run_project

STUDIES = Path(__file__).resolve().parents[1] / "data" / "studies"
FILES = {
    "openbtai_mets": [
        "openbtai_mets/OpenBTAI_METS_ClinicalData_Nov2023.xlsx",
        "openbtai_mets/OpenBTAI_MORPHOLOGICAL_MEASUREMENTS.xlsx",
    ],
    "laleh_fir": ["laleh2022_fir_poplar_imvigor/s006_Study1.csv"],
    "laleh_poplar": ["laleh2022_fir_poplar_imvigor/s006_Study2.csv"],
    "laleh_imvigor210": ["laleh2022_fir_poplar_imvigor/s006_Study5.csv"],
    "poplar_clinical": ["laleh2022_fir_poplar_imvigor/poplar_clinical.csv"],
    "hnscc265": ["hnscc265_zhou2023/265target_monolix.csv"],
}
pytestmark = pytest.mark.slow
"""Builds every source that is beside the checkout."""
PHARMAVERSE = ("dm", "suppdm", "ds", "ex", "ae", "tu_onco", "tr_onco", "rs_onco")


def build(root: Path, files: dict[str, list[Path]], settings: str = QUICK) -> Project:
    create_project(root)
    (root / "lesions.toml").write_text(settings)
    project = open_project(root)
    for study, paths in files.items():
        folder = project.studies / study
        folder.mkdir()
        shutil.copy(STUDIES / study / "study.yml", folder)
        for path in paths:
            (folder / path.name).symlink_to(path)
    run_project(project)
    return project


def pharmaverse(shared: Path, kind: str) -> dict[str, list[Path]]:
    folder = shared / "data" / "pharmaverse_sdtm_onco" / kind
    return {
        "pharmaverse_onco": [
            next(path for path in sorted(folder.iterdir()) if path.name.split(".")[0] == stem)
            for stem in PHARMAVERSE
        ]
    }


def all_sources(shared: Path) -> dict[str, list[Path]]:
    files = {study: [shared / "data" / name for name in names] for study, names in FILES.items()}
    return files | pharmaverse(shared, "csv")


@pytest.fixture(scope="session")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One warehouse of all real sources."""
    return build(tmp_path_factory.mktemp("real") / "project", all_sources(shared))


def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def one(project: Project, sql: str) -> Any:
    return rows(project, sql)[0]


def test_every_hop_balances(real: Project) -> None:
    unbalanced = rows(
        real,
        "SELECT step FROM quality.row_audit WHERE rows_in <> "
        "rows_out + rows_quarantined + rows_excluded + rows_collapsed",
    )
    assert unbalanced == []


def test_hnscc_lesions_rows_and_censored_rows(real: Project) -> None:
    """777 lesions, 3,574 rows, 565 below 200 mm3, 433 of size 0: the source's own counts."""
    assert one(
        real,
        "SELECT count(DISTINCT lesion_id), count(*), count_if(is_below_limit), "
        "count_if(diameter_mm = 0), count(patient_id) "
        "FROM core.measurement WHERE study_id = 'hnscc265'",
    ) == (777, 3574, 565, 433, 0)


def test_hnscc_volumes_are_those_of_the_source(real: Project, shared: Path) -> None:
    source = shared / "data" / FILES["hnscc265"][0]
    worst = one(
        real,
        f"WITH source AS (SELECT volume, row_number() OVER () AS row FROM read_csv('{source}')) "
        "SELECT count(*), max(abs(measurement.volume_mm3 - source.volume) / (source.volume + 1)) "
        "FROM core.measurement JOIN source ON measurement.source_row = source.row "
        "WHERE study_id = 'hnscc265'",
    )
    assert worst[0] == 3574
    assert worst[1] < 1e-8  # the source prints ten digits


def test_hnscc_lesion_with_a_wrong_baseline_is_reported(real: Project) -> None:
    different = rows(
        real, "SELECT lesion_label FROM core.lesion WHERE is_stated_baseline_different"
    )
    assert different == [("1369",)]


def test_unknown_patients_are_null_with_a_flag_and_skipped_with_a_word(real: Project) -> None:
    assert one(
        real,
        "SELECT count_if(is_patient_unknown), count(patient_id) FROM core.lesion "
        "WHERE study_id = 'hnscc265'",
    ) == (777, 0)
    notes = " ".join(note for (note,) in rows(real, "SELECT note FROM meta.run_note"))
    assert "777 target lesions of unknown patients skipped" in notes


def test_openbtai_units_keys_and_unmeasured_lesions(real: Project, shared: Path) -> None:
    flat = shared / "data" / "openbtai_mets" / "morphological_measurements.csv"
    worst = one(
        real,
        "SELECT count(*), max(abs(m.diameter_mm - 10 * flat.MAXDIAMETER3D)), "
        "max(abs(m.volume_mm3 - 1000 * flat.TOTALVOLUME)), count_if(m.volume_source = 'measured') "
        "FROM core.measurement AS m JOIN core.lesion USING (lesion_id) "
        "JOIN core.patient ON patient.patient_id = m.patient_id "
        f"JOIN read_csv('{flat}') AS flat ON patient.usubjid = lpad(CAST(PATIENT AS VARCHAR), 6, "
        "'0') AND lesion.lesion_label = CAST(flat.LESION AS VARCHAR) "
        "AND m.day = date_diff('day', DATE '1900-01-01', "
        "CAST(strptime(CAST(\"TIME POINT\" AS VARCHAR), '%Y%m%d') AS DATE)) "
        "WHERE m.study_id = 'openbtai_mets'",
    )
    assert worst[0] == worst[3] == 499
    assert worst[1] < 1e-9
    assert worst[2] < 1e-6
    unmeasured = rows(
        real,
        "SELECT patient.usubjid || '-' || lesion_label FROM core.lesion JOIN core.patient "
        "USING (patient_id) WHERE lesion.study_id = 'openbtai_mets' AND n_measurements = 0 "
        "ORDER BY 1",
    )
    assert [name for (name,) in unmeasured] == [
        "040001-2", "040011-1", "040058-2", "040084-2", "040109-2", "040156-1",
    ]  # fmt: skip


def test_laleh_sizes_as_text_ids_and_double_measurement(real: Project) -> None:
    counts = rows(
        real,
        "SELECT study_id, count(DISTINCT patient_id), count(*), count_if(is_imputed) "
        "FROM core.measurement WHERE study_id LIKE 'laleh%' GROUP BY study_id ORDER BY study_id",
    )
    # 456 - 2 not evaluable; 835 - 12 not evaluable - 1 blank day - 2 duplicates - 1 of two sizes;
    # 966 - 14 not evaluable - 2 blank - 1 duplicate
    assert counts == [
        ("laleh_fir", 76, 454, 0),
        ("laleh_imvigor210", 143, 819, 3),
        ("laleh_poplar", 165, 949, 7),
    ]
    assert rows(
        real,
        "SELECT patient_id, day + 1, diameter_mm FROM core.measurement WHERE has_conflict "
        "AND study_id LIKE 'laleh%'",
    ) == [("laleh_imvigor210/2457866781645406208", 57, 41.0)]


def test_poplar_clinical_patients_stay_without_lesions(real: Project) -> None:
    """Deaths by arm as in the source's own survival analysis: 90 of 144 and 110 of 143."""
    assert rows(
        real,
        "SELECT treatment, count(*), count_if(os_event), count_if(is_analysed), "
        "count(exclusion_reason) FROM core.patient WHERE study_id = 'poplar_clinical' "
        "GROUP BY treatment ORDER BY treatment",
    ) == [("atezolizumab", 144, 90, 0, 144), ("docetaxel", 143, 110, 0, 143)]


def test_pharmaverse_readers_missing_rows_and_partial_dates(real: Project) -> None:
    assert (
        one(
            real,
            "SELECT count(*), count(DISTINCT reader) FROM core.lesion "
            "JOIN core.patient USING (patient_id) WHERE lesion.study_id = 'pharmaverse_onco'",
        )[1]
        == 3
    )
    assert one(real, "SELECT count(*) FROM core.patient WHERE study_id = 'pharmaverse_onco'") == (
        306,
    )
    not_done = one(
        real,
        "SELECT count(*) FROM raw.tr WHERE _study_id = 'pharmaverse_onco' AND trstat = 'NOT DONE'",
    )
    assert not_done == (820,)
    one_reader = rows(
        real,
        "SELECT patient_id FROM core.lesion WHERE is_analysis_reader "
        "AND study_id = 'pharmaverse_onco' GROUP BY patient_id HAVING count(DISTINCT reader) > 1",
    )
    assert one_reader == []


@pytest.mark.slow  # by default the simulated project has these fits, the real one the others
def test_the_settings_as_they_come_run_on_all_sources(shared: Path, tmp_path: Path) -> None:
    project = build(tmp_path / "project", all_sources(shared), settings="")
    query = "SELECT has_patient_effects, n_lesions, n_patients < n_lesions FROM analysis.growth_fit"
    assert one(project, query) == (True, 2333, True)
    assert one(project, "SELECT count(*) FROM analysis.growth_extended_fit") == (2,)
    # patients' effects hold the model without them: the likelihood cannot be lower
    assert one(project, "SELECT minus2ll_gain > 0 FROM analysis.growth_fit") == (True,)


@pytest.mark.slow  # tests/sql_models compares the same core tables without a whole run
def test_xpt_and_csv_give_the_same_core_tables(shared: Path, real: Project, tmp_path: Path) -> None:
    xpt = build(tmp_path / "project", pharmaverse(shared, "xpt"))
    tables = rows(
        xpt,
        "SELECT table_name, string_agg('\"' || column_name || '\"', ', ' ORDER BY column_index) "
        "FILTER (WHERE column_name <> 'source_file'), bool_or(column_name = 'study_id'), "
        "bool_or(column_name = 'patient_id'), bool_or(column_name = 'lesion_id') "
        "FROM duckdb_columns() WHERE schema_name = 'core' GROUP BY table_name ORDER BY table_name",
    )
    compared = 0
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{real.published}' AS csv (READ_ONLY)")
        connection.execute(f"ATTACH '{xpt.published}' AS xpt (READ_ONLY)")
        for table, columns, has_study, has_patient, has_lesion in tables:
            key = "study_id" if has_study else "patient_id" if has_patient else "lesion_id"
            if not (has_study or has_patient or has_lesion):
                continue
            where = f"WHERE {key} LIKE 'pharmaverse_onco%'"
            for first, second in (("csv", "xpt"), ("xpt", "csv")):
                extra = connection.execute(
                    f"SELECT {columns} FROM {first}.core.{table} {where} "
                    f"EXCEPT ALL SELECT {columns} FROM {second}.core.{table} {where} LIMIT 3"
                ).fetchall()
                assert extra == [], table
            compared += 1
    assert compared >= 10
