"""Nothing that is known only after baseline reaches a prediction."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlkit import SqlKit

from warehouse.simulate import write_trials
from warehouse.studies import load_study

BASELINE = ("analysis.baseline_lesion", "analysis.baseline_feature", "analysis.baseline_organ")
NEEDED = ("core.patient", "core.organ", "core.lesion", *BASELINE)
LATEST = 1
"""The setting baseline.latest_day."""
OUTCOMES = ("rs", "ds", "ss", "dd", "ae", "adtte", "lb")
"""Domains of what comes after baseline: all their rows go."""


@pytest.fixture(scope="module", params=[False, True], ids=["clean", "with defects"])
def raw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trials")
    write_trials(folder, "mcrc", patients=30, seed=5, messy=request.param)
    for study in sorted((folder / "studies").iterdir()):
        load_study(study, folder / "raw", loaded_at=datetime(2026, 1, 2))
    return folder / "raw"


def rows(kit: SqlKit) -> dict[str, list[tuple[object, ...]]]:
    return {name: kit.rows(name) for name in BASELINE}


def test_deleting_every_row_after_baseline_changes_no_feature(raw: Path) -> None:
    with SqlKit() as kit:
        kit.take(raw)
        kit.build(*NEEDED)
        before = rows(kit)
        lesions = kit.query("SELECT count(*) FROM core.lesion WHERE lesion_type = 'new'")
        gone = 0
        for domain, table in (("tr", "tumor_result"), ("tu", "tumor_identification")):
            late = f"SELECT source_file, source_row, study_id FROM staging.{table}"
            late += f" WHERE day > {LATEST}"
            condition = f"(_source_file, _source_row, _study_id) IN ({late})"
            gone += kit.query(f"SELECT count(*) FROM raw.{domain} WHERE {condition}")[0][0]
            kit.connection.execute(f"CREATE TEMP TABLE late_{domain} AS {late}")
        for domain in ("tr", "tu"):
            kit.connection.execute(
                f"DELETE FROM raw.{domain} WHERE (_source_file, _source_row, _study_id) IN "
                f"(SELECT * FROM late_{domain})"
            )
        for domain in OUTCOMES:
            kit.connection.execute(f"DELETE FROM raw.{domain}")
        kit.connection.execute("UPDATE raw.dm SET dthdtc = NULL, dthfl = NULL, rfendtc = NULL")
        kit.build(*NEEDED)
        after = rows(kit)
        assert lesions[0][0] > 0
        assert gone > 200, "there was something to delete"
        # One defect is a new lesion on the baseline scan itself: it stays.
        later = (
            f"SELECT count(*) FROM core.lesion WHERE lesion_type = 'new' AND first_day > {LATEST}"
        )
        assert kit.query(later) == [(0,)]
    assert len(before["analysis.baseline_lesion"]) > 150
    for name in BASELINE:
        assert after[name] == before[name], name


def test_baseline_lesions_are_those_of_core(raw: Path) -> None:
    """Where no defect was planted: every analysed target and non-target lesion, at its size."""
    if (raw.parent / "truth" / "defects.csv").exists():
        pytest.skip("defects are planted: core settles some of them by later rows")
    with SqlKit() as kit:
        kit.take(raw)
        kit.build(*NEEDED)
        known = kit.rows(
            "core.lesion",
            "lesion_id, lesion_type, organ, baseline_volume_mm3",
            "is_analysis_reader AND lesion_type <> 'new'",
        )
        found = kit.rows("analysis.baseline_lesion", "lesion_id, lesion_type, organ, volume_mm3")
    assert found == known
