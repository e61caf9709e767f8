"""The demonstration with the paper's validation trial beside the colorectal ones."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from warehouse.cli import lesions
from warehouse.demo import VALIDATION_PATIENTS


@pytest.mark.slow
def test_organs_of_both_tumor_types_are_compared_in_one_chart(tmp_path: Path) -> None:
    folder = tmp_path / "both"
    run = CliRunner().invoke(
        lesions, ["demo", str(folder), "--patients", "120", "--with-validation", "--quiet"]
    )
    assert run.exit_code == 0, run.output
    assert (folder / "studies" / "HNSCC01").is_dir()
    assert (folder / "truth" / "lesions.parquet").is_file()
    assert (folder / "truth" / "hnscc" / "lesions.parquet").is_file()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        patients = dict(con.execute(
            "SELECT study.tumor_type LIKE '%head and neck%', count(*) FROM core.patient "
            "JOIN core.study USING (study_id) WHERE is_analysed GROUP BY ALL"
        ).fetchall())  # fmt: skip
        rows = con.execute(
            "SELECT organ, count(DISTINCT tumor_type), max(n_tumor_types), "
            "any_value(probability_same) FROM mart.fig_anatomical_chart "
            "WHERE comparator = 'mean' GROUP BY organ"
        ).fetchall()
        probabilities = {
            organ: sum(by_quadrant)
            for organ, by_quadrant in con.execute(
                "SELECT organ, list(p ORDER BY phenotype) FROM (SELECT one.organ, one.phenotype, "
                "one.probability * other.probability AS p FROM analysis.organ_phenotype AS one "
                "JOIN analysis.organ_phenotype AS other USING (organ, comparator, phenotype) "
                "WHERE one.comparator = 'mean' AND one.stratum LIKE '%colorectal%' "
                "AND other.stratum LIKE '%head and neck%') GROUP BY organ"
            ).fetchall()
        }
    assert patients == {False: 120, True: 120}
    assert VALIDATION_PATIENTS == 393
    shared = {organ: same for organ, found, _, same in rows if found > 1}
    assert {found == said for _, found, said, _ in rows} == {True}
    assert len(shared) >= 2, rows
    assert shared == pytest.approx(probabilities, rel=1e-9)
    assert all(same is None for organ, found, _, same in rows if found == 1)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "The same organs in several tumor types" in report
