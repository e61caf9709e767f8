"""A small study folder to load, and real feature tables carried through every radiomic table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from heterogeneity.pipeline import run_node
from sources.studykit import Workspace
from sqlkit import SqlKit

from warehouse.studies import load_study

STUDIES = Path(__file__).parents[1] / "data" / "studies"
FILES = {
    "lidc_nodules": "lidc_nodules/annotations.csv",
    "openbtai_radiomics": "openbtai_mets/morphological_measurements.csv",
    "crlm_regions": "radmlbench_mets/Colorectal-Liver-Metastases.csv.gz",
    "ocana_tienda": "radmlbench_mets/OcanaTienda2023.csv.gz",
}
STEPS = (
    "radiomic_robustness",
    "radiomic_variation",
    "radiomic_test",
    "radiomic_dissimilarity",
    "radiomic_sampling",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with duckdb.connect() as connection:
        yield Workspace(tmp_path / "project", connection)


@pytest.fixture(scope="session")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlKit]:
    """The four real feature tables side by side; the steps' notes are in the table notes."""
    root = tmp_path_factory.mktemp("features")
    for study, file in FILES.items():
        place = root / "studies" / study
        place.mkdir(parents=True)
        (place / "study.yml").write_text((STUDIES / study / "study.yml").read_text("utf-8"))
        (place / Path(file).name).symlink_to(shared / "data" / file)
        load_study(place, root / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit() as kit:
        kit.take(root / "raw")
        kit.build("core.patient", "core.study", "quality.row_audit", "analysis.radiomic_value")
        notes = [(step, note) for step in STEPS for note in run_node(kit, step)]
        kit.connection.execute("CREATE TABLE notes (step VARCHAR, note VARCHAR)")
        kit.connection.executemany("INSERT INTO notes VALUES (?, ?)", notes)
        yield kit
