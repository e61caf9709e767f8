"""Loading a study: fingerprints, replacing the former load, the raw tables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from warehouse import raw
from warehouse.contents import content_folder
from warehouse.errors import LesionsError
from warehouse.loading import read_state
from warehouse.sources import loading
from warehouse.studies import load_study, study_fingerprint

LOADED_AT = datetime(2026, 1, 1)

DM = "USUBJID,ARM\n01,A\n02,B\n"
EX = "USUBJID,EXTRT\n01,drug\n"


@pytest.fixture
def loaded(workspace):
    workspace.write({"dm.csv": DM, "ex.csv": EX, "notes.csv": "x\n"})
    workspace.report = workspace.load()
    return workspace


def test_the_report_and_the_audit_say_where_each_record_went(loaded):
    assert loaded.report.study_id == "trial"
    assert not loaded.report.is_unchanged
    assert loaded.report.ignored_files == ("notes.csv",)
    files = [(f.source_file, f.domain, f.rows_in_file, f.rows_loaded) for f in loaded.report.files]
    assert files == [("dm.csv", "dm", 2, 2), ("ex.csv", "ex", 1, 1)]
    columns = "source_file, domain, rows_in_file, rows_loaded, rows_quarantined, sha256"
    audit = loaded.table("load_audit", columns)
    assert audit[0][:5] == ("dm.csv", "dm", 2, 2, 0)
    # coreutils' sha256sum is the other way to get it.
    done = subprocess.run(
        ["sha256sum", loaded.folder / "dm.csv"], check=True, capture_output=True, text=True
    )
    assert audit[0][5] == done.stdout.split()[0]
    assert {row[0] for row in loaded.table("dm", "_sha256")} == {audit[0][5]}


def test_an_unchanged_study_is_not_read_again(loaded, monkeypatch):
    monkeypatch.setattr(loading, "stage_file", None)
    report = loaded.load()
    assert report.is_unchanged
    assert report.files == loaded.report.files


def test_a_correction_with_the_same_size_and_time_is_seen_where_a_load_is_asked_for(loaded):
    file = loaded.folder / "dm.csv"
    state = file.stat()
    file.write_text(DM.replace("01,A", "01,B"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert loaded.load().is_unchanged
    report = load_study(loaded.folder, loaded.raw_dir, loaded_at=LOADED_AT, is_hashed=True)
    assert not report.is_unchanged
    assert loaded.table("dm", "usubjid, arm") == [("01", "B"), ("02", "B")]


def test_a_file_that_goes_away_while_it_is_read_is_named(workspace, monkeypatch):
    workspace.write({"dm.csv": DM, "ex.csv": EX})
    stage = loading.stage_file

    def lose(connection, path, options, out):
        (workspace.folder / "ex.csv").unlink(missing_ok=True)
        return stage(connection, path, options, out)

    monkeypatch.setattr(loading, "stage_file", lose)
    with pytest.raises(LesionsError, match=r"ex\.csv (went away|cannot be read)") as told:
        workspace.load()
    assert "room on the disk" not in str(told.value)


def test_a_study_id_too_long_for_a_file_name_gets_advice_that_helps(workspace):
    workspace.write({"dm.csv": DM}, f"study_id: {'a' * 300}\n")
    with pytest.raises(LesionsError, match="shorter study_id"):
        workspace.load()


@pytest.mark.parametrize("damage", ["gone", "emptied", "altered"])
def test_a_loaded_file_that_is_lost_or_altered_is_loaded_again(loaded, damage):
    part = loaded.raw_dir / "trial" / "ex.parquet"
    sound = part.read_bytes()
    if damage == "gone":
        part.unlink()
    else:
        part.write_bytes(b"" if damage == "emptied" else sound[:-20] + b"x" + sound[-19:])
    state = read_state(loaded.folder.parent, loaded.raw_dir)
    assert state.to_load == {"trial": "loaded files missing or altered: ex.parquet"}
    assert not loaded.load().is_unchanged
    assert loaded.table("ex", "usubjid, extrt") == [("01", "drug")]
    assert read_state(loaded.folder.parent, loaded.raw_dir).to_load == {}


@pytest.mark.parametrize("table", ["ex", "load_audit"])
def test_a_loaded_file_damaged_under_the_same_size_and_time_is_not_used(loaded, table):
    part = loaded.raw_dir / "trial" / f"{table}.parquet"
    state, content = part.stat(), bytearray(part.read_bytes())
    content[len(content) // 3] ^= 1
    part.write_bytes(content)
    os.utime(part, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read_state(loaded.folder.parent, loaded.raw_dir).to_load == {}
    assert loaded.table("dm", "usubjid") == [("01",), ("02",)]
    with pytest.raises(LesionsError, match=rf"{table}\.parquet is not as it was written.*Remove"):
        loaded.table(table)
    shutil.rmtree(part.parent)  # what the message says
    loaded.load()
    assert loaded.table("ex", "usubjid, extrt") == [("01", "drug")]


def test_a_change_of_one_file_changes_its_domain_only(loaded):
    before = {table: raw.raw_fingerprint(loaded.raw_dir, table) for table in raw.RAW_TABLES}
    loaded.write({"ex.csv": EX + "02,drug\n"})
    assert not loaded.load().is_unchanged
    after = {table: raw.raw_fingerprint(loaded.raw_dir, table) for table in raw.RAW_TABLES}
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"ex", "load_audit", "derivation", "reject", "join_audit"}
    loaded.write({}, "study_id: trial\ntitle: new\n")
    loaded.load()
    last = {table: raw.raw_fingerprint(loaded.raw_dir, table) for table in raw.RAW_TABLES}
    changed = {table for table in after if after[table] != last[table]}
    assert changed == {"study", "study_reader", "study_arm", "study_site", "study_test_code"}


def test_a_sha_is_taken_over_where_size_and_time_are_the_same(loaded):
    manifest = json.loads((loaded.raw_dir / "trial" / "manifest.json").read_text())
    manifest["files"]["dm.csv"]["sha256"] = "taken over"
    assert study_fingerprint(loaded.folder, manifest)["files"]["dm.csv"]["sha256"] == "taken over"
    os.utime(loaded.folder / "dm.csv", ns=(1, 1))
    again = study_fingerprint(loaded.folder, manifest)
    assert again["files"]["dm.csv"]["sha256"] != "taken over"


def test_the_former_load_stays_when_a_load_fails(loaded):
    before = sorted(path.name for path in (loaded.raw_dir / "trial").iterdir())
    loaded.write({"ex.csv": "USUBJID,EXTRT\n01,\xe9\n".encode("latin-1")})
    with pytest.raises(LesionsError, match="is not UTF-8"):
        loaded.load()
    assert loaded.table("ex", "extrt") == [("drug",)]
    assert sorted(path.name for path in (loaded.raw_dir / "trial").iterdir()) == before
    assert [path.name for path in loaded.raw_dir.iterdir()] == ["trial"]


def test_what_a_killed_load_left_is_removed(loaded):
    for name in (".trial.loading.999999999", ".trial.former.999999999"):
        (loaded.raw_dir / name).mkdir()
        (loaded.raw_dir / name / "dm.parquet").write_text("half")
    shutil.rmtree(loaded.raw_dir / "trial")
    assert loaded.table("dm") == []
    loaded.load()
    assert loaded.table("dm", "usubjid") == [("01",), ("02",)]
    assert [path.name for path in loaded.raw_dir.iterdir()] == ["trial"]


FULL_DISK = """
import resource, sys
from datetime import datetime
from pathlib import Path
from warehouse.errors import LesionsError
from warehouse.studies import load_study
import warehouse.sources.text
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    load_study(Path(sys.argv[1]), Path(sys.argv[2]), loaded_at=datetime(2026, 1, 1))
except LesionsError as error:
    print(error)
"""


def test_a_disk_that_fills_leaves_the_former_load(loaded):
    """The system's limit on a file's size stands for the full disk."""
    lines = "".join(f"{n},{n**7 % 999_983}\n" for n in range(60_000))
    loaded.write({"dm.csv": "USUBJID,ARM\n" + lines})
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, loaded.folder, loaded.raw_dir],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(raw.__file__).parents[1],
    )
    assert "the study trial cannot be written to" in done.stdout
    assert "File too large" in done.stdout
    assert loaded.table("dm", "usubjid") == [("01",), ("02",)]


def test_every_declared_table_and_column_is_there_without_any_study(workspace):
    for table, declared in raw.RAW_TABLES.items():
        assert workspace.columns(table) == list(declared)
        assert workspace.table(table) == []
        assert set(raw.RAW_COLUMN_COMMENTS[table]) == set(declared)
        assert raw.RAW_COMMENTS[table]


def test_types_of_the_study_tables(workspace):
    lesions = "USUBJID,TULNKID,TUORRES,TUEVAL\n01,T1,TARGET,A\n01,T1,TARGET,B\n"
    workspace.write(
        {"dm.csv": DM, "tu.csv": lesions},
        "study_id: trial\ntoo_small: {values: [X], becomes_mm: 2.5}\nline_of_therapy: 1\n"
        "readers: [B, A]\narms: {A: {treatment: t, has_bevacizumab: true}}\nsites: {s: liver}\n",
    )
    workspace.load()
    columns = "too_small_mm, too_small_values, line_of_therapy, title, patients, day_convention"
    assert workspace.table("study", columns) == [(2.5, ["X"], 1, None, "known", "sdtm")]
    assert workspace.table("study_reader", "reader, priority") == [("B", 1), ("A", 2)]
    arms = workspace.table("study_arm", "arm, treatment, has_bevacizumab, has_panitumumab")
    assert arms == [("A", "t", True, None)]
    assert workspace.table("study_site", "site_raw, organ") == [("s", "liver")]


def test_readers_in_a_study_without_lesions_are_an_error(workspace):
    workspace.write({"dm.csv": DM}, "study_id: trial\nreaders: [A]\n")
    with pytest.raises(LesionsError, match="'readers' names A, and the study has no table of"):
        workspace.load()


@pytest.mark.parametrize(
    ("readers", "error"),
    [
        ("[INDEPENDENT ASSESSOR, INVESTIGATOR]", None),
        ("[independent assessor / radiologist 1]", None),
        ("[RADIOLOGIST 1]", None),
        ("[INVESTIGATOR, CENTRAL]", "names 'CENTRAL', and no row of TU or TR has that reader. The"),
        ("[INVESTIGTOR]", "Did you mean 'INVESTIGATOR'?"),
        ("[CENTRAL]", "INDEPENDENT ASSESSOR / RADIOLOGIST 1, INVESTIGATOR"),
    ],
)
def test_readers_of_the_order_must_be_there(workspace, readers, error):
    table = "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRDY,TREVAL,TREVALID\n"
    rows = "1,T1,LDIAM,10,1,INVESTIGATOR,\n1,T1,LDIAM,10,1,INDEPENDENT ASSESSOR,RADIOLOGIST 1\n"
    workspace.write({"tr.csv": table + rows}, f"study_id: trial\nreaders: {readers}\n")
    if error is None:
        workspace.load()
        return
    with pytest.raises(LesionsError, match=re.escape(error)):
        workspace.load()


def test_studies_stand_in_the_order_of_id_file_and_record(make_workspace):
    first, second = make_workspace(), make_workspace()
    first.write({"dm.csv": DM, "dm2.csv": DM}, "study_id: b\ndomains: {dm2: dm}\n")
    second.write({"dm.csv": "USUBJID,EXTRA\n9,x\n"}, "study_id: a\n")
    second.raw_dir = first.raw_dir
    first.load()
    second.load()
    assert first.table("dm", "_study_id, _source_file, _source_row, usubjid, arm, extra") == [
        ("a", "dm.csv", 1, "9", None, "x"),
        ("b", "dm.csv", 1, "01", "A", None),
        ("b", "dm.csv", 2, "02", "B", None),
        ("b", "dm2.csv", 1, "01", "A", None),
        ("b", "dm2.csv", 2, "02", "B", None),
    ]
    assert raw.remove_unlisted(first.raw_dir, {"b"}) == ["a"]
    assert {row[0] for row in first.table("dm", "_study_id")} == {"b"}


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_show(workspace, threads):
    lines = "".join(f"{n % 997},{n}\n" for n in range(200_000))
    workspace.write({"dm.csv": "USUBJID,ARM\n" + lines})
    load_study(workspace.folder, workspace.raw_dir, loaded_at=LOADED_AT, threads=threads)
    wrong = workspace.table("dm", "count(*) FILTER (CAST(arm AS BIGINT) + 1 <> _source_row)")
    assert wrong == [(0,)]


def test_the_check_of_raw_against_the_audit_names_every_domain():
    suite = (content_folder("expectations") / "quality" / "load_audit.yml").read_text()
    assert set(re.findall(r"FROM raw\.(\w+)\s+GROUP BY _study_id", suite)) == set(raw.DOMAINS)
