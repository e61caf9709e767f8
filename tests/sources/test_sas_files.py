"""SAS transport files and sas7bdat."""

from __future__ import annotations

import math
import shutil
import subprocess
from datetime import date, datetime

import pandas as pd
import pyreadstat
import pytest

from warehouse.errors import LesionsError
from warehouse.sources import sas

FRAME = pd.DataFrame(
    {
        "USUBJID": ["01-001", " 007", "Zürich"],
        "AGE": [63.0, math.nan, -1.0],
        "SIZE": [21.0, 32.32, 1e-5],
        "BIG": [2.0**53, 1e20, -0.125],
        "DMDTC": ["2014-01", "", "2014-01-02T11:45"],
        "BRTH": [date(1950, 12, 26), None, date(1959, 12, 31)],
        "STAMP": pd.to_datetime(["2014-01-02 11:45:00", None, "2014-01-02 00:00:00"]),
    }
)
EXPECTED = [
    ("01-001", "63", "21", "9007199254740992", "2014-01", "1950-12-26", "2014-01-02T11:45:00"),
    (" 007", None, "32.32", "1e+20", None, None, None),
    ("Zürich", "-1", "1e-05", "-0.125", "2014-01-02T11:45", "1959-12-31", "2014-01-02"),
]
COLUMNS = "usubjid, age, size, big, dmdtc, brth, stamp"


def transport(path, frame=FRAME, version=5):
    pyreadstat.write_xport(frame, str(path), table_name="DM", file_format_version=version)
    return path.read_bytes()


@pytest.mark.parametrize("version", [5, 8])
@pytest.mark.parametrize("chunk", [1, 2, 50_000])
def test_transport_files_give_text(workspace, monkeypatch, version, chunk):
    """21.0 -> 21, dates in ISO 8601, blank -> NULL; the seams between chunks do not show."""
    monkeypatch.setattr(sas, "_CHUNK_ROWS", chunk)
    workspace.write({})
    transport(workspace.folder / "dm.xpt", version=version)
    report = workspace.load()
    assert workspace.table("dm", COLUMNS) == EXPECTED
    assert workspace.table("dm", "_source_row") == [(1,), (2,), (3,)]
    assert report.files[0].rows_in_file == 3


def test_a_transport_file_without_records_is_a_table_without_rows(workspace):
    workspace.write({})
    transport(workspace.folder / "dm.xpt", FRAME.head(0))
    workspace.load()
    assert workspace.table("dm") == []


def test_an_encoding_is_refused_and_taken_when_stated(workspace):
    workspace.write({})
    content = transport(workspace.folder / "dm.xpt", pd.DataFrame({"USUBJID": ["K~ln"]}))
    workspace.write({"dm.xpt": content.replace(b"K~ln", b"K\xf6ln")})
    with pytest.raises(LesionsError, match=r"dm\.xpt holds text that is not UTF-8.*latin-1"):
        workspace.load()
    for name in ("latin-1", "cp1252"):
        workspace.write({}, f"study_id: trial\nfiles:\n  - file: dm.xpt\n    encoding: {name}\n")
        workspace.load()
        assert workspace.table("dm", "usubjid") == [("Köln",)]


LONG = pd.DataFrame(
    {"USUBJID": [f"{n:04d}" for n in range(50)], "NOTE": ["x" * 150] * 50, "AGE": [1.0] * 50}
)


@pytest.mark.parametrize(
    ("version", "cut", "message"),
    [
        (5, -1, r"its [\d,]+ bytes are not a multiple of 80"),
        (5, -80, r"after 49 whole records of 162 bytes comes a part of one"),
        (5, -800, "comes a part of one"),
        (8, -800, "comes a part of one"),
        (5, 800, "in its headers"),
        (5, 240, "in its headers"),
    ],
)
def test_a_transport_file_that_is_cut_off(workspace, version, cut, message):
    workspace.write({})
    content = transport(workspace.folder / "dm.xpt", LONG, version)
    workspace.write({"dm.xpt": content[:cut]})
    with pytest.raises(LesionsError, match=rf"dm\.xpt is cut off.*{message}"):
        workspace.load()


def test_a_version_8_file_cut_between_records_is_known_by_its_count(workspace):
    frame = pd.DataFrame({"USUBJID": [f"{n:080d}" for n in range(5)]})
    workspace.write({})
    content = transport(workspace.folder / "dm.xpt", frame, 8)
    workspace.write({"dm.xpt": content[:-80]})
    with pytest.raises(LesionsError, match="it holds 5 records, but 4 are there"):
        workspace.load()


def test_what_is_no_transport_file_or_more_than_one(workspace):
    workspace.write({"dm.xpt": b"USUBJID,ARM\n" * 20})
    with pytest.raises(LesionsError, match=r"dm\.xpt is not a SAS transport file"):
        workspace.load()
    workspace.write({"dm.xpt": b"**COMPRESSED** " * 80})
    with pytest.raises(LesionsError, match="written by PROC CPORT"):
        workspace.load()
    content = transport(workspace.folder / "dm.xpt")
    # The library header takes three records; what follows it is a member.
    workspace.write({"dm.xpt": content + content[240:]})
    with pytest.raises(LesionsError, match="holds more than one dataset"):
        workspace.load()


@pytest.fixture
def sas7bdat(tmp_path):
    """A sas7bdat file of LONG, made with ReadStat's command line."""
    if shutil.which("readstat") is None:
        pytest.skip("no writer of sas7bdat here (the command readstat)")
    frame = LONG.assign(SIZE=[n / 4 for n in range(50)])
    pyreadstat.write_sav(frame, str(tmp_path / "dm.sav"))
    out = tmp_path / "dm.sas7bdat"
    subprocess.run(["readstat", tmp_path / "dm.sav", out], check=True, capture_output=True)
    return out.read_bytes()


def test_sas7bdat_gives_text(workspace, sas7bdat, monkeypatch):
    monkeypatch.setattr(sas, "_CHUNK_ROWS", 20)
    workspace.write({"dm.sas7bdat": sas7bdat})
    workspace.load()
    rows = workspace.table("dm", "usubjid, age, size, _source_row")
    assert len(rows) == 50
    assert rows[:3] == [("0000", "1", "0", 1), ("0001", "1", "0.25", 2), ("0002", "1", "0.5", 3)]
    assert rows[-1] == ("0049", "1", "12.25", 50)


@pytest.mark.parametrize("part", [0.9, 0.5, 0.01])
def test_a_sas7bdat_that_is_cut_off(workspace, sas7bdat, part):
    workspace.write({"dm.sas7bdat": sas7bdat[: int(len(sas7bdat) * part)]})
    with pytest.raises(LesionsError, match=r"dm\.sas7bdat cannot be read as a SAS file.*cut off"):
        workspace.load()


@pytest.mark.parametrize(
    ("sas_format", "value", "expected"),
    [
        ("DATE9", 19725.0, "2014-01-02"),
        ("YYMMDD10", -1.0, "1959-12-31"),
        ("E8601DA", 0.0, "1960-01-01"),
        ("YYMMDDN8.", 19725.0, "2014-01-02"),
        ("DATETIME20.", 1704282300.0, "2014-01-02T11:45:00"),
        ("E8601DT19", 1704240000.0, "2014-01-02"),
        ("TIME8", 42300.0, "11:45:00"),
        ("HHMM5.", 90000.0, "25:00:00"),
        ("BEST12", 19725.0, "19725"),
        ("", 0.1, "0.1"),
        (None, 1e17, "100000000000000000"),
        ("DOLLAR8.2", 21.5, "21.5"),
    ],
)
def test_formats_of_sas_by_hand(workspace, sas_format, value, expected):
    """Day 19,725 after 1960-01-01 is 2014-01-02: 54 years of 365 days, 14 leap days, one day."""
    assert 19725 == 54 * 365 + 14 + 1
    assert datetime(2014, 1, 2, 11, 45) - datetime(1960, 1, 1) == pd.Timedelta(seconds=1704282300)
    sql = sas._cell("x", sas_format, "double")
    query = f"SELECT {sql} FROM (SELECT CAST({value!r} AS DOUBLE) AS x)"
    assert workspace.connection.sql(query).fetchall() == [(expected,)]


def _transport(tmp_path, version: int, zeros: bool = False) -> bytes:
    """A transport file of three records, the last of which ends in NUL bytes (AVAL = 0)."""
    frame = pd.DataFrame({"USUBJID": ["a", "b", "c"], "AVAL": [1.0, 2.0, 0.0]})
    if zeros:
        frame = pd.DataFrame({"AVAL": [1.0, 2.0, 0.0]})
    file = tmp_path / "made.xpt"
    pyreadstat.write_xport(frame, str(file), file_format_version=version, table_name="DM")
    return file.read_bytes()


def _data_at(content: bytes) -> int:
    return content.rfind(b"HEADER RECORD*******OBS") + 80


def test_a_version_8_file_that_states_0_records_is_read(workspace, tmp_path):
    content = _transport(tmp_path, 8)
    at = content.find(b"HEADER RECORD*******OBSV8") + 48
    assert content[at : at + 15].strip() == b"3"
    changed = content[:at] + b"0".rjust(15) + content[at + 15 :]
    workspace.write({"dm.xpt": changed})
    workspace.load()
    assert workspace.table("dm", "usubjid") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("version", [5, 8])
def test_nul_behind_the_last_record_is_no_record(workspace, tmp_path, version):
    """As SAS/R writers that fill the last block with NUL; 3 records of 9 bytes leave 53."""
    content = _transport(tmp_path, version)
    at = _data_at(content)
    if version == 8:
        stated = content.find(b"HEADER RECORD*******OBSV8") + 48
        content = content[:stated] + b"0".rjust(15) + content[stated + 15 :]
    records = content[at : at + 27]
    workspace.write({"dm.xpt": content[:at] + records + b"\0" * 53})
    report = workspace.load()
    assert report.files[0].rows_in_file == 3
    assert workspace.table("dm", "usubjid, aval") == [("a", "1"), ("b", "2"), ("c", "0")]


def test_a_record_of_zeros_stays_where_nothing_says_that_it_is_filling(workspace, tmp_path):
    """Ten records of one number fill a block: the NUL bytes of the last one are its zero."""
    frame = pd.DataFrame({"AGE": [float(n) for n in range(9, -1, -1)]})
    file = tmp_path / "made.xpt"
    pyreadstat.write_xport(frame, str(file), file_format_version=5, table_name="DM")
    workspace.write({"dm.xpt": file.read_bytes()}, "study_id: trial\npatients: unknown\n")
    workspace.load()
    assert workspace.table("dm", "age")[-1] == ("0",)
    assert len(workspace.table("dm", "age")) == 10
