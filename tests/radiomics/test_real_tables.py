"""Real feature tables through every radiomic table: readers, regions, z-scores, serial scans."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from heterogeneity.pipeline import run_node
from scipy.spatial.distance import pdist
from sqlkit import SqlKit

TABLES = (
    "radiomic_value",
    "radiomic_robustness",
    "radiomic_variation",
    "radiomic_test",
    "radiomic_dissimilarity",
    "radiomic_lesion_cluster",
    "radiomic_heterogeneity",
    "radiomic_sampling",
    "radiomic_recovery",
)


def one(kit: SqlKit, sql: str) -> tuple[object, ...]:
    [row] = kit.query(sql)
    return row


def test_every_cell_of_every_table_is_accounted_for(real: SqlKit) -> None:
    assert real.query("SELECT step FROM quality.row_audit WHERE NOT is_balanced") == []
    counted = "count(*), count(DISTINCT patient_id), count(DISTINCT lesion_id)"
    assert real.query(
        f"SELECT study_id, {counted} FROM core.radiomic_feature GROUP BY study_id ORDER BY study_id"
    ) == [
        ("crlm_regions", 90 * 525, 90, 90),
        ("lidc_nodules", 6859 * 20, 875, 2651),
        ("ocana_tienda", 67 * 1130, 67, 67),
        ("openbtai_radiomics", 499 * 8, 75, 154),
    ]


@pytest.mark.parametrize("study", ["lidc_nodules", "openbtai_radiomics"])
def test_every_table_has_the_study(real: SqlKit, study: str) -> None:
    for table in TABLES:
        columns = real.query(f"DESCRIBE analysis.{table}")
        key = "study_id" if "study_id" in {row[0] for row in columns} else "patient_id"
        found = real.query(
            f"SELECT count(*) FROM analysis.{table} WHERE starts_with({key}, '{study}')"
        )
        assert found[0][0] > 0, table


def test_readers_are_segmentations_and_their_concordance_is_known(
    real: SqlKit, shared: Path
) -> None:
    with (shared / "data/lidc_nodules/reference_ccc_reader1_vs_2.csv").open(newline="") as file:
        wanted = {row["feature"]: float(row["ccc_biased"]) for row in csv.DictReader(file)}
    found = dict(
        real.rows(
            "analysis.radiomic_robustness",
            "feature, ccc",
            "study_id = 'lidc_nodules' AND comparison = 'reader 2' AND n_lesions = 1882",
        )
    )
    assert len(found) == 20
    for feature, ccc in wanted.items():
        assert found[feature] == pytest.approx(ccc, abs=5e-4), feature


def test_robust_features_of_the_nodules_are_those_of_size(real: SqlKit) -> None:
    kept = {
        name
        for (name,) in real.rows(
            "analysis.radiomic_robustness",
            "DISTINCT feature",
            "is_kept AND study_id = 'lidc_nodules'",
        )
    }
    assert {"volume_mm3", "long_axis_mm", "surface_mm2", "max_area_mm2"} <= kept
    assert not kept & {"malignancy", "spiculation", "circularity", "elongation", "flatness"}
    decided = real.rows(
        "analysis.radiomic_robustness",
        "DISTINCT reason",
        "study_id = 'lidc_nodules' AND reason LIKE '%reader 5%'",
    )
    assert decided == []  # 14 nodules are too few to decide


def test_one_selected_feature_is_told(real: SqlKit) -> None:
    notes = real.query("SELECT note FROM notes WHERE step = 'radiomic_dissimilarity'")
    assert any("lidc_nodules: one radiomic feature is selected" in note for (note,) in notes)


@pytest.mark.parametrize(("study", "features"), [("crlm_regions", 105), ("ocana_tienda", 1130)])
def test_z_scored_tables_meet_the_refusal(real: SqlKit, study: str, features: int) -> None:
    assert one(
        real,
        "SELECT count(DISTINCT feature), count(cv_abs), min(null_reason), max(null_reason) "
        f"FROM analysis.radiomic_variation WHERE study_id = '{study}'",
    ) == (features, 0, "standardised: mean 0", "standardised: mean 0")
    [(note,)] = real.query(
        f"SELECT note FROM notes WHERE step = 'radiomic_variation' AND note LIKE '{study}%'"
    )
    assert f"for {features} of {features} radiomic features" in note
    assert "before standardising" in note


def test_z_scored_regions_still_have_cosine_distances(real: SqlKit) -> None:
    """Five regions of each patient's liver: ten pairs, worked out again by scipy."""
    assert one(
        real,
        "SELECT count(*), count(DISTINCT patient_id), count(DISTINCT compared) FROM "
        "analysis.radiomic_dissimilarity WHERE starts_with(patient_id, 'crlm_regions/')",
    ) == (900, 90, 1)
    values = real.query(
        "SELECT lesion_id, region, feature, value FROM analysis.radiomic_value "
        "WHERE study_id = 'crlm_regions' AND feature IN (SELECT feature FROM "
        "analysis.radiomic_robustness WHERE study_id = 'crlm_regions' AND is_selected) "
        "ORDER BY lesion_id, region, feature"
    )
    items = sorted({row[:2] for row in values})
    x = np.array([row[3] for row in values]).reshape(len(items), -1)
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    first = items[0][0]
    rows = [i for i, item in enumerate(items) if item[0] == first]
    found = real.query(
        "SELECT cosine_distance FROM analysis.radiomic_dissimilarity "
        f"WHERE lesion_id = '{first}' ORDER BY region, other_region"
    )
    np.testing.assert_allclose([d for (d,) in found], pdist(x[rows], "cosine"), rtol=1e-12)


def test_a_patient_with_one_lesion_has_a_reason(real: SqlKit) -> None:
    assert real.query(
        "SELECT DISTINCT null_reason FROM analysis.radiomic_heterogeneity "
        "WHERE study_id = 'ocana_tienda'"
    ) == [("1 lesions compared: 2 are needed",)]


def test_serial_scans_count_on_one_day(real: SqlKit) -> None:
    """Patients' lesions of the first MRI where it shows any, else of a later one."""
    rows = real.query(
        "SELECT count(DISTINCT patient_id), count(DISTINCT lesion_id), max(days) FROM (SELECT "
        "patient_id, lesion_id, count(DISTINCT day) OVER (PARTITION BY patient_id) AS days "
        "FROM analysis.radiomic_value WHERE study_id = 'openbtai_radiomics')"
    )
    assert rows[0][0] == 75
    assert rows[0][2] == 1


def test_heterogeneity_is_the_mean_of_the_distances(real: SqlKit) -> None:
    wrong = real.query(
        "SELECT count(*) FROM analysis.radiomic_heterogeneity AS h JOIN (SELECT patient_id, "
        "compared, avg(cosine_distance) AS mean, count(*) AS n "
        "FROM analysis.radiomic_dissimilarity GROUP BY ALL) AS d USING (patient_id, compared) "
        "WHERE abs(h.average_tumoral_heterogeneity - d.mean) > 1e-12 OR h.n_pairs <> d.n"
    )
    assert wrong == [(0,)]


def test_more_features_by_a_lower_threshold(real: SqlKit) -> None:
    """At 0.5 shape counts too, and the nodules' distances are no longer 0 or 2 only."""
    nodules = real.connection.sql(
        "SELECT * FROM analysis.radiomic_value WHERE study_id = 'lidc_nodules'"
    ).to_arrow_table()
    with SqlKit() as kit:
        kit.connection.register("nodules", nodules)
        kit.connection.execute("CREATE TABLE analysis.radiomic_value AS FROM nodules")
        run_node(kit, "radiomic_robustness", radiomics__ccc_threshold=0.5)
        assert run_node(kit, "radiomic_dissimilarity") == []
        n_features, distances = one(
            kit,
            "SELECT max(n_features), (SELECT count(DISTINCT round(cosine_distance, 3)) FROM "
            "analysis.radiomic_dissimilarity) FROM analysis.radiomic_heterogeneity",
        )
    assert n_features >= 4
    assert distances > 1000
