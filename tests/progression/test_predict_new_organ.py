"""``lesions predict --what new-organ``: a file's patients have the risks of the warehouse's."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from progression.sequence_tables import database, run

from flows.predict import predict
from warehouse.errors import LesionsError

ORGANS = ("liver", "lung", "skin", "bone", "kidney")
LANDMARKS = (0.0, 90.0)


def patients(n: int = 400) -> pd.DataFrame:
    """Patients of two trials, each at two landmarks: organs, sums, and what happened then."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(n):
        organs = [organ for organ in ORGANS[:3] if rng.random() < 0.5] or ["skin"]
        baseline = float(rng.integers(20, 200))
        for day in LANDMARKS:
            nadir = baseline if day == 0 else float(np.round(baseline * rng.uniform(0.4, 1.0)))
            size = nadir if day == 0 else float(np.round(nadir * rng.uniform(1.0, 1.5)))
            rows.append((f"t{i % 2}/{i:03d}", day, organs, size, baseline, nadir))
    return pd.DataFrame(
        rows,
        columns=[
            *("patient_id", "landmark_days", "organs", "sum_mm", "baseline_sum_mm", "nadir_mm"),
        ],
    )


def course_of(given: pd.DataFrame) -> pd.DataFrame:
    """Rows of analysis.new_organ_course: any organ, bone, and kidney, which almost nobody gets."""
    rng = np.random.default_rng(5)
    parts = []
    for organ, mean in (("any", 300.0), ("bone", 900.0), ("kidney", 90_000.0)):
        after = given["landmark_days"] > 0
        liver = given["organs"].map(lambda one: "liver" in one).astype(float)
        lesion = rng.exponential(mean / (1 + 2 * liver))
        death, end = rng.exponential(600, len(given)), rng.uniform(50, 500, len(given))
        first = np.minimum(death, end)
        parts.append(
            given[["patient_id", "landmark_days"]].assign(
                organ=organ,
                subset="all",
                study_id=given["patient_id"].str[:2],
                time_days=np.ceil(np.minimum(lesion, first)),
                cause=np.where(lesion <= first, 1, np.where(death <= end, 2, 0)),
                n_organs=given["organs"].map(len).astype(float),
                has_liver=liver,
                has_lung=given["organs"].map(lambda one: "lung" in one).astype(float),
                log_sum=np.log1p(given["sum_mm"]),
                log_change=np.where(
                    after, np.log1p(given["sum_mm"]) - np.log1p(given["baseline_sum_mm"]), np.nan
                ),
                log_regrowth=np.where(
                    after, np.log1p(given["sum_mm"]) - np.log1p(given["nadir_mm"]), np.nan
                ),
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("made") / "warehouse.duckdb"
    con = database({"analysis.new_organ_course": course_of(patients())})
    run(con, "new_organ_risk")
    con.execute(f"ATTACH '{file}' AS out")
    for schema in ("analysis", "core", "meta"):
        con.execute(f"CREATE SCHEMA out.{schema}")
    for table in ("course", "risk", "accuracy"):
        name = f"analysis.new_organ_{table}"
        con.execute(f"CREATE TABLE out.{name} AS FROM {name}")
    con.execute("CREATE TABLE out.core.organ AS SELECT unnest(?) AS organ", [list(ORGANS)])
    con.execute(
        "CREATE TABLE out.meta.setting AS FROM (VALUES "
        "('progression.new_organ_horizon_days', '180'), ('survival.confidence', '0.95')) "
        "AS t (name, value)"
    )
    con.close()
    return file


def asked(warehouse: Path, source: Path | None, tmp_path: Path, **more: Any) -> list[str]:
    said: list[str] = []
    predict(
        source, warehouse=warehouse, what="new-organ", say=said.append, warn=said.append, **more
    )
    return said


def test_patients_of_a_file_have_the_risks_of_the_warehouse(
    warehouse: Path, tmp_path: Path
) -> None:
    template = tmp_path / "template.csv"
    asked(warehouse, None, tmp_path, template=template)
    columns = template.read_text().strip().split(",")
    given = patients().head(20)
    written = given.assign(organs=given["organs"].map("; ".join))
    written.loc[3, "sum_mm"] = None  # at day 90: nothing is known of it but its organs
    written[columns].to_csv(tmp_path / "new.csv", index=False)
    said = asked(warehouse, tmp_path / "new.csv", tmp_path, output=tmp_path / "risk.csv")
    with (tmp_path / "risk.csv").open(newline="") as file:
        found = {
            (row["patient_id"], row["organ"], float(row["landmark_days"])): row
            for row in csv.DictReader(file)
        }
    with duckdb.connect(str(warehouse), read_only=True) as con:
        own = con.sql("SELECT * EXCLUDE (risk_left_out) FROM analysis.new_organ_risk").df()
    own = own[own["patient_id"].isin(given["patient_id"])]
    # Ten patients, two landmarks, 'any' and bone; kidney has no model, and that is said.
    assert len(found) == len(own) == 10 * 2 * 2
    assert any("kidney" in text for text in said)
    imputed = [key for key, row in found.items() if row["is_imputed"] == "true"]
    name = given.loc[3, "patient_id"]
    assert sorted(imputed) == [(name, "any", 90.0), (name, "bone", 90.0)]
    for row in own.itertuples():
        key = (row.patient_id, row.organ, row.landmark_days)
        if key not in imputed:
            # Written with six decimals.
            for column in ("risk", "lower", "upper"):
                assert float(found[key][column]) == pytest.approx(getattr(row, column), abs=6e-7)
        assert found[key]["verdict"] in ("of use", "of use, risks too extreme",
                                         "no usable prediction")  # fmt: skip


def test_an_organ_that_has_lesions_is_not_asked_for(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(
        "patient_id,landmark_days,organs,sum_mm,baseline_sum_mm,nadir_mm\n1,0,Bone ;liver,50,,\n"
    )
    (text, *_) = [
        one for one in asked(warehouse, tmp_path / "new.csv", tmp_path) if one.startswith("patient")
    ]
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["any"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,30,liver,50,60,40", "row 1: landmark_days = '30' is no day .* 0, 90"),
        ("1,0,,50,,", "row 1: organs is empty"),
        ("1,0,liver;spine,50,,", "row 1: organs has 'spine'. Known are bone, kidney"),
        ("1,90,liver,50,60,55", "row 1: sum_mm is below nadir_mm"),
        ("1,90,liver,60,20,50", "row 1: baseline_sum_mm is below nadir_mm"),
        ("1,0,;,50,,", "row 1: organs is empty"),
        ("1,0,liver,1e6,,", "row 1: sum_mm is more than 10000 mm"),
        ("1,0,liver,big,,", "row 1: sum_mm = 'big' is not a number"),
        ("1,0,liver,50,,\n1,0,lung,50,,", "row 2: every row needs a patient_id, once"),
    ],
)
def test_values_that_cannot_be_used_are_named(
    row: str, message: str, warehouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text(
        f"patient_id,landmark_days,organs,sum_mm,baseline_sum_mm,nadir_mm\n{row}\n"
    )
    with pytest.raises(LesionsError, match=message):
        asked(warehouse, tmp_path / "new.csv", tmp_path)


def test_other_subsets_and_older_warehouses_are_refused(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="--subset must be one of: all"):
        asked(warehouse, tmp_path / "new.csv", tmp_path, subset="tumor type CRC")
    old = tmp_path / "old.duckdb"
    duckdb.connect(str(old)).close()
    with pytest.raises(LesionsError, match="has no tables of new organs"):
        asked(old, tmp_path / "new.csv", tmp_path)
    with pytest.raises(LesionsError, match="takes its model from a project"):
        asked(warehouse, None, tmp_path, save_model=tmp_path / "model.json")
