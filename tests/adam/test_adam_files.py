"""The files of the analysis datasets: read back by three readers, limits, define.xml, folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pandas as pd
import pyreadstat
import pytest
from whole.calling import call

from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.publishing.adam import publish_adam
from warehouse.publishing.adam_datasets import ORDER, StudyDataset, open_datasets
from warehouse.publishing.transport_file import not_ascii, write_transport_file
from warehouse.sources.dataset_json import stage_dataset_json
from warehouse.sources.sas import stage_sas
from warehouse.sources.spec import ReadOptions

__all__ = ["call"]

STUDY = "MCRC01"
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
DEF = "{http://www.cdisc.org/ns/def/v2.1}"
NAMES = [name.lower() for name in ORDER]


@pytest.fixture(scope="module")
def contents(built: Project) -> dict[str, StudyDataset]:
    """What the warehouse has of one study, by dataset."""
    with open_datasets(built.published) as datasets:
        return {c.dataset.name.lower(): c for c in datasets.of_study(STUDY)}


def plain(content: StudyDataset) -> pd.DataFrame:
    """Its rows as text: '' for nothing, ISO 8601 dates, numbers by their shortest digits."""
    columns = {}
    for variable in content.dataset.variables:
        values = content.frame[variable.name]
        if variable.kind == "date":
            texts = values.astype("datetime64[s]").dt.strftime("%Y-%m-%d")
        elif variable.kind == "text":
            texts = values
        else:
            texts = values.astype("float64").map(number, na_action="ignore")
        columns[variable.name] = texts.astype(object).where(texts.notna(), "")
    return pd.DataFrame(columns)


def number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(float(value))


@pytest.mark.parametrize("name", NAMES)
def test_a_transport_file_has_the_same_values_labels_and_types(
    name: str, handed: Path, contents: dict[str, StudyDataset]
) -> None:
    content = contents[name]
    frame, meta = pyreadstat.read_xport(str(handed / STUDY / f"{name}.xpt"))
    assert meta.table_name == name.upper()
    assert meta.file_label == content.dataset.label
    assert meta.column_names == [v.name for v in content.dataset.variables]
    assert meta.column_labels == [v.label for v in content.dataset.variables]
    got = {}
    for variable in content.dataset.variables:
        values = frame[variable.name]
        if variable.kind == "date":
            texts = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        elif variable.kind == "text":
            texts = values
        else:
            assert values.dtype == "float64"
            texts = values.map(number, na_action="ignore")
        got[variable.name] = texts.astype(object).where(texts.notna(), "")
    pd.testing.assert_frame_equal(pd.DataFrame(got), plain(content), check_dtype=False)


@pytest.mark.parametrize("suffix", ["xpt", "json", "ndjson"])
@pytest.mark.parametrize("name", NAMES)
def test_this_projects_own_readers_read_the_same_values(
    name: str,
    suffix: str,
    handed: Path,
    contents: dict[str, StudyDataset],
    tmp_path: Path,
) -> None:
    file = handed / STUDY / f"{name}.{suffix}"
    stage = stage_sas if suffix == "xpt" else stage_dataset_json
    out = tmp_path / "staged.parquet"
    with duckdb.connect() as connection:
        stage(connection, file, ReadOptions(), out)
        got = connection.sql(f"SELECT * FROM '{out}'").df().fillna("")
    want = plain(contents[name])
    got = got[[c for c in got.columns if c.upper() in want.columns]]
    got.columns = [c.upper() for c in got.columns]
    assert list(got.columns) == list(want.columns)
    for column in want.columns:
        if contents[name].frame[column].dtype == "float64":
            assert (
                got[column]
                .replace("", "nan")
                .astype(float)
                .equals(want[column].replace("", "nan").astype(float))
            ), column
        else:
            assert got[column].astype(str).tolist() == want[column].astype(str).tolist(), column


READ_IN_R = """
suppressMessages(library(haven))
arguments <- commandArgs(TRUE)
d <- as.data.frame(read_xpt(arguments[1]))
for (n in names(d)) if (inherits(d[[n]], "Date")) d[[n]] <- format(d[[n]])
numbers <- sapply(d, is.numeric)
d[numbers] <- lapply(d[numbers], function(x) ifelse(is.na(x), "", sprintf("%.17g", x)))
d[!numbers] <- lapply(d[!numbers], function(x) ifelse(is.na(x), "", as.character(x)))
write.csv(d, arguments[2], row.names = FALSE, fileEncoding = "UTF-8")
"""


@pytest.mark.parametrize("name", NAMES)
def test_haven_reads_the_same_values(
    name: str, handed: Path, contents: dict[str, StudyDataset], tmp_path: Path
) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed")
    there = subprocess.run(
        [rscript, "-e", "quit(status = !requireNamespace('haven', quietly = TRUE))"], check=False
    )
    if there.returncode:
        pytest.skip("R has no package haven")
    script, out = tmp_path / "read.R", tmp_path / "read.csv"
    script.write_text(READ_IN_R)
    subprocess.run([rscript, script, handed / STUDY / f"{name}.xpt", out], check=True)
    got = pd.read_csv(out, dtype=str, keep_default_na=False)
    want = plain(contents[name])
    for variable in contents[name].dataset.variables:
        column = variable.name
        if variable.kind in ("float", "integer"):
            same = (
                got[column]
                .replace("", "nan")
                .astype(float)
                .equals(want[column].replace("", "nan").astype(float))
            )
        else:
            same = got[column].tolist() == want[column].tolist()
        assert same, column


def test_the_same_warehouse_gives_the_same_bytes(
    built: Project, handed: Path, tmp_path: Path
) -> None:
    publish_adam(built.published, tmp_path / "again")
    files = sorted(p.relative_to(handed) for p in handed.rglob("*") if p.is_file())
    assert [
        f for f in files if (handed / f).read_bytes() != (tmp_path / "again" / f).read_bytes()
    ] == []
    assert len(files) == 8 * (3 * len(ORDER) + 1) + 1


def test_every_row_of_the_layer_is_in_one_studys_file(built: Project, handed: Path) -> None:
    manifest = json.loads((handed / "manifest.json").read_text())
    with duckdb.connect(str(built.published), read_only=True) as connection:
        for name in NAMES:
            ((n,),) = connection.execute(f"SELECT count(*) FROM adam.{name}").fetchall()
            assert sum(study["rows"].get(name.upper(), 0) for study in manifest["studies"]) == n


def test_define_xml_fits_the_schema_of_cdisc(handed: Path) -> None:
    odmlib = pytest.importorskip("odmlib", reason="odmlib, which has the schema, is not installed")
    xmlschema = pytest.importorskip("xmlschema")
    folder = Path(odmlib.__file__).parent / "schemas" / "define" / "2.1"
    schema = xmlschema.XMLSchema(str(next(folder.rglob("define2-1-0.xsd"))))
    file = handed / STUDY / "define.xml"
    assert [error.reason for error in schema.iter_errors(str(file))] == []
    broken = file.read_text(encoding="utf-8").replace('Repeating="Yes"', 'Repeating="Perhaps"', 1)
    assert not schema.is_valid(broken)


def test_define_xml_names_every_variable_with_its_label_method_and_codes(
    handed: Path, contents: dict[str, StudyDataset]
) -> None:
    root = ElementTree.parse(handed / STUDY / "define.xml").getroot()
    items = {item.get("OID"): item for item in root.iter(f"{ODM}ItemDef")}
    methods = {m.get("OID"): m for m in root.iter(f"{ODM}MethodDef")}
    lists = {c.get("OID"): c for c in root.iter(f"{ODM}CodeList")}
    groups = {g.get("Name"): g for g in root.iter(f"{ODM}ItemGroupDef")}
    assert list(groups) == [c.dataset.name for c in contents.values()]
    for content in contents.values():
        references = groups[content.dataset.name].findall(f"{ODM}ItemRef")
        assert [r.get("ItemOID").split(".")[-1] for r in references] == list(content.frame.columns)
        for reference, variable in zip(references, content.dataset.variables, strict=True):
            item = items[reference.get("ItemOID")]
            assert item.find(f"{ODM}Description/{ODM}TranslatedText").text == variable.label
            origin = item.find(f"{DEF}Origin").get("Type")
            assert (reference.get("MethodOID") in methods) == (origin == "Derived")
            code = item.find(f"{ODM}CodeListRef")
            if code is not None:
                coded = {c.get("CodedValue") for c in lists[code.get("CodeListOID")]}
                texts = plain(content)[variable.name]
                assert set(texts) - {""} == coded
    method = methods["MT.ADTR.PCHG"].find(f"{ODM}Description/{ODM}TranslatedText").text
    assert method.startswith("100 * CHG / BASE. Computed from")
    assert "analysis.sum_of_diameters.sum_of_diameters_mm" in method


def one_row(contents: dict[str, StudyDataset], **values: object) -> StudyDataset:
    """ADSL with one row, some of whose values are others."""
    content = contents["adsl"]
    frame = content.frame.head(1).copy()
    for name, value in values.items():
        frame[name] = [value]
    lengths = {
        name: max(len(str(frame[name].iloc[0] or "").encode()), 1) for name in content.lengths
    }
    return replace(content, frame=frame, lengths=lengths)


def test_what_a_transport_file_does_not_hold_is_one_error(
    contents: dict[str, StudyDataset], tmp_path: Path
) -> None:
    file, at = tmp_path / "adsl.xpt", "2026-01-02T03:04:05"
    write_transport_file(one_row(contents, ARM="x" * 200), file, at)
    assert pyreadstat.read_xport(str(file))[0]["ARM"][0] == "x" * 200
    with pytest.raises(LesionsError, match=r"ADSL\.ARM of .* has 201 bytes.*study\.yml"):
        write_transport_file(one_row(contents, ARM="x" * 201), file, at)
    with pytest.raises(LesionsError, match=r"ADSL\.ARM of .* has 202 bytes"):
        write_transport_file(one_row(contents, ARM="é" * 101), file, at)
    with pytest.raises(LesionsError, match=r"ADSL\.AGE of .* larger than"):
        write_transport_file(one_row(contents, AGE=1e77), file, at)
    assert not_ascii(one_row(contents, ARM="Sorafénib")) == ["ADSL.ARM"]


@pytest.mark.parametrize("value", [0.1, -273.15, 1 / 3, 2.0**53, 1e-70, 4e74, 5e-324])
def test_numbers_come_back_to_the_last_digit(
    value: float, contents: dict[str, StudyDataset], tmp_path: Path
) -> None:
    file = tmp_path / "adsl.xpt"
    write_transport_file(one_row(contents, AGE=value), file, "2026-01-02T03:04:05")
    got = pyreadstat.read_xport(str(file))[0]["AGE"][0]
    # The smallest number of IBM's format is 16 ** -65, about 5.4e-79; what is smaller becomes 0.
    assert got == (value if abs(value) > 16.0**-65 else 0.0)


def test_the_times_of_writing_are_those_of_the_run(
    contents: dict[str, StudyDataset], tmp_path: Path
) -> None:
    file = tmp_path / "adsl.xpt"
    write_transport_file(one_row(contents), file, "2026-01-02T03:04:05")
    assert file.read_bytes().count(b"02JAN26:03:04:05") == 4


def test_a_folder_that_holds_something_else_is_left_alone(built: Project, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.docx").write_text("x")
    with pytest.raises(LesionsError, match="holds other files"):
        publish_adam(built.published, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]


def test_publishing_again_replaces_the_studies(
    handed: Path, built: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(handed, folder)
    (folder / STUDY / "adsl.xpt").write_bytes(b"torn")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "GONE").mkdir()
    manifest["studies"].append({"study_id": "GONE", "folder": "GONE", "rows": {}})
    (folder / "manifest.json").write_text(json.dumps(manifest))
    publish_adam(built.published, folder, ["xpt"])
    assert not (folder / "GONE").exists()
    assert (folder / STUDY / "adsl.xpt").read_bytes() == (handed / STUDY / "adsl.xpt").read_bytes()
    assert not list(folder.rglob("*.json"))[1:]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_command_writes_them_and_says_what(built: Project, tmp_path: Path, call) -> None:
    folder = tmp_path / "handed"
    done = call("publish", "--to", "adam", str(folder), "--format", "json", "-C", str(built.root))
    assert done.status == 0, done.err
    assert "analysis datasets of 8 studies" in done.out
    assert f"{STUDY}: ADSL" in done.out
    assert not list(folder.rglob("*.xpt"))
    done = call("publish", "--to", "adam", "-C", str(built.root))
    assert done.status == 1
    assert "lesions publish --to adam FOLDER" in done.err
