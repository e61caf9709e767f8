"""``lesions predict``: new patients from a file or another warehouse, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import numpy as np
import pytest
from progression.sequence_tables import database, planted_tables, run

from flows.predict import predict
from udfs.progression.prediction import SavedModel
from warehouse.cli import lesions
from warehouse.errors import LesionsError


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with baseline tables, clusters and the model of them."""
    file = tmp_path_factory.mktemp("made") / "warehouse.duckdb"
    con = database(planted_tables(n=200, seed=2)[0])
    for name in ("progression_cluster", "progression_prediction"):
        run(con, name)
    con.execute(f"ATTACH '{file}' AS out")
    con.execute("CREATE SCHEMA out.analysis")
    for table in ("baseline_feature", "baseline_organ", "progression_model"):
        con.execute(f"CREATE TABLE out.analysis.{table} AS FROM analysis.{table}")
    con.close()
    return file


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_file_and_warehouse_give_the_same(warehouse: Path, tmp_path: Path) -> None:
    """Patients written to a CSV as the template says are predicted as from their tables."""
    template, model = tmp_path / "t.csv", tmp_path / "model.json"
    said: list[str] = []
    predict(None, warehouse=warehouse, template=template, save_model=model, say=said.append)
    columns = template.read_text().strip().split(",")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        patients = con.sql("FROM analysis.baseline_feature ORDER BY patient_id LIMIT 9").df()
        organs = con.sql("FROM analysis.baseline_organ").df()
    wide = patients.copy()
    for name in columns:
        for prefix, column in (
            ("n_lesions_in_", "n_lesions"), ("target_volume_mm3_in_", "target_volume_mm3"),
        ):  # fmt: skip
            if name.startswith(prefix):
                here = organs[organs["organ"] == name.removeprefix(prefix)]
                by_patient = here.set_index("patient_id")[column]
                wide[name] = by_patient.reindex(wide["patient_id"]).to_numpy()
    wide[columns].to_csv(tmp_path / "new.csv", index=False)
    from_file, from_tables = tmp_path / "a.csv", tmp_path / "b.csv"
    predict(
        tmp_path / "new.csv", warehouse=None, model_file=model, output=from_file, say=said.append
    )
    predict(warehouse, warehouse=warehouse, output=from_tables, say=said.append)
    found = {row["patient_id"]: row for row in read(from_tables)}
    assert [found[row["patient_id"]] for row in read(from_file)] == read(from_file)
    assert "9 patients; trained on 240 of T0, T1" in said[2]
    first = read(from_file)[0]
    shares = {k: float(v) for k, v in first.items() if k.startswith("probability")}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert max(shares, key=lambda name: shares[name]) == f"probability {first['predicted']}"


def test_stored_model_is_that_of_all_patients(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        (row,) = con.execute(
            "SELECT content, n_patients FROM analysis.progression_model"
        ).fetchall()
    model = SavedModel.from_text(row[0])
    assert model.metadata["n_patients"] == row[1] == 240
    assert set(model.metadata) >= {"parameters", "seed", "settings", "trials", "out_of_fold"}
    assert np.isfinite(model.metadata["out_of_fold"]["roc_auc"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text.replace("age_years", "age_year"), "Rename age_year"),
        (
            lambda text: text.replace(",COLON", ",61,COLON", 1),
            "row 1: 45 fields, but the header has 44",
        ),
        (lambda text: text.replace("55.5", "old"), "row 1: age_years = 'old' is not a number"),
        (lambda text: text.replace("55.5", "-4"), "age_years is below 0"),
        (lambda text: text.replace("new/1", ""), "patient_id of its own"),
        (lambda text: "", "is empty"),
        (lambda text: text.replace("55.5", "inf"), "row 1: age_years is infinite"),
        (lambda text: text.replace("race", "sex"), "has sex twice"),
        (
            lambda text: text.replace("new/1,55.5" + "," * 10, "new/1,55.5" + "," * 10 + "5"),
            "row 1: prior_surgery = '5' is not true or false",
        ),
        (lambda text: text.replace(",", ";").replace("55.5", "55,5"), "'55,5' is not a number"),
    ],
)
def test_files_that_cannot_be_used_are_refused(
    warehouse: Path, tmp_path: Path, change: object, word: str
) -> None:
    template, file = tmp_path / "t.csv", tmp_path / "new.csv"
    predict(None, warehouse=warehouse, template=template, say=lambda text: None)
    header = template.read_text().strip()
    values = {"patient_id": "new/1", "age_years": "55.5", "primary_site": "COLON", "sex": "F"}
    row = ",".join(values.get(name, "") for name in header.split(","))
    file.write_text(change(f"{header}\n{row}\n"))  # type: ignore[operator]
    with pytest.raises(LesionsError, match=word):
        predict(file, warehouse=warehouse, say=lambda text: None)


def test_unknown_values_may_stay_empty(warehouse: Path, tmp_path: Path) -> None:
    template, file = tmp_path / "t.csv", tmp_path / "new.csv"
    predict(None, warehouse=warehouse, template=template, say=lambda text: None)
    header = template.read_text().strip()
    file.write_text(f"{header}\nnew/1{',' * header.count(',')}\n")
    said: list[str] = []
    predict(file, warehouse=warehouse, say=said.append)
    assert said[0].splitlines()[1].startswith("new/1,")


@pytest.mark.parametrize(("separator", "mark"), [(";", ""), ("\t", ""), (";", "\ufeff")])
def test_separators_and_words_are_taken_as_they_come(
    warehouse: Path, tmp_path: Path, separator: str, mark: str
) -> None:
    """Case and spaces of words change nothing; a level that the model does not know is named."""
    template, file = tmp_path / "t.csv", tmp_path / "new.csv"
    predict(None, warehouse=warehouse, template=template, say=lambda text: None)
    columns = template.read_text().strip().split(",")
    given = [("new/1", "F", "COLON"), ("new/2", " f ", "Colon"), ("new/3", "F", "Caecum")]
    rows = [
        separator.join({"patient_id": p, "sex": s, "primary_site": o}.get(c, "") for c in columns)
        for p, s, o in given
    ]
    file.write_text(mark + "\n".join([separator.join(columns), *rows]) + "\n", encoding="utf-8")
    said: list[str] = []
    doubts: list[str] = []
    predict(file, warehouse=warehouse, say=said.append, warn=doubts.append)
    first, second, _ = said[0].splitlines()[1:]
    assert first.split(",")[1:] == second.split(",")[1:]
    assert doubts == [
        "primary_site: Caecum counts as another than the model knows (COLON, RECTUM)."
    ]


def test_what_is_no_warehouse_and_another_subset_are_refused(
    warehouse: Path, tmp_path: Path
) -> None:
    junk, model = tmp_path / "junk.duckdb", tmp_path / "model.json"
    junk.write_text("no database")
    with pytest.raises(LesionsError, match="cannot be opened as a warehouse"):
        predict(junk, warehouse=warehouse)
    with pytest.raises(LesionsError, match="cannot be opened as a warehouse"):
        predict(None, warehouse=junk)
    predict(None, warehouse=warehouse, save_model=model, say=lambda text: None)
    with pytest.raises(LesionsError, match="of the subset 'all', not of 'lung'"):
        predict(warehouse, warehouse=None, model_file=model, subset="lung")


def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="'lesions run' makes it"):
        predict(None, warehouse=tmp_path / "none.duckdb")
    empty = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(empty)) as con:
        con.execute("CREATE SCHEMA analysis")
    with pytest.raises(LesionsError, match="Run 'lesions run' again"):
        predict(None, warehouse=empty)
    with duckdb.connect(str(empty)) as con:
        con.execute("CREATE TABLE analysis.progression_model (subset VARCHAR, content VARCHAR)")
    with pytest.raises(LesionsError, match="too few patients"):
        predict(None, warehouse=empty)


def test_the_command_takes_a_saved_model(warehouse: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    model = tmp_path / "model.json"
    predict(None, warehouse=warehouse, save_model=model, say=lambda text: None)
    done = CliRunner().invoke(lesions, ["predict", str(warehouse), "--model", str(model)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("patient_id,predicted,probability")
    model.write_text(model.read_text().replace("Liver-First", "Liver first"))
    with pytest.raises(LesionsError, match="changed after it was written"):
        predict(warehouse, warehouse=None, model_file=model)
