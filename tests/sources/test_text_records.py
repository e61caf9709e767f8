"""No record of a CSV file is lost, whatever its quotes, its size and the number of threads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.sources.formats import stage_file
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import RECORD, Stage
from warehouse.sources.text_records import MAX_LENGTH

HEADER = "id,note,arm\n"
PAD = "p" * 1000
# Inside a quoted comment, lines that look like records: a reader that starts in their midst, as
# DuckDB's does every 8 MB, takes them for records.
COMMENT = "\n".join(f"{line},looks,like" for line in range(60))


def _records(kind: str) -> Iterator[str]:
    number = 0
    while True:
        if kind == "open quote" and number == 5:
            yield f'{number},"seen,{number}\n'
        elif kind == "record of 40 MB" and number == 5:
            yield f"{number},{'p' * 40_000_000},{number}\n"
        elif kind == "comments":
            yield f'{number},"begin\n{COMMENT}\n""end""",{number}\n'
        else:
            yield f"{number},{PAD},{number}\n"
        number += 1


def _write(path: Path, kind: str, megabytes: int) -> int:
    """Writes a file of that size; the number of its records."""
    size, count = 0, 0
    with gzip.open(path, "wt", 1) if path.suffix == ".gz" else path.open("w") as file:
        file.write(HEADER)
        for record in _records(kind):
            file.write(record)
            size, count = size + len(record), count + 1
            if size > megabytes * 1_000_000:
                return count
    raise AssertionError("never ends otherwise")


def _stage(path: Path, threads: int) -> Stage:
    config = {"threads": str(threads), "preserve_insertion_order": "true"}
    with duckdb.connect(config=config) as connection:
        return stage_file(connection, path, ReadOptions(), path.parent / "stage.parquet")


def _assert_whole(path: Path, count: int, threads: int) -> None:
    """Every record is there once, in its place: the file says of each which one it is."""
    stage = _stage(path, threads)
    assert (stage.rows, stage.rejected) == (count, ())
    counted = duckdb.sql(
        f"SELECT count(*), count(DISTINCT id), count(*) FILTER (id = arm AND id = {RECORD} - 1) "
        f"FROM {stage.relation}"
    ).fetchall()
    assert counted == [(count, count, count)]


SIZES = [
    33,
    pytest.param(30, marks=pytest.mark.slow),
    pytest.param(70, marks=pytest.mark.slow),
    pytest.param(300, marks=pytest.mark.slow),
]
SUFFIXES = [".csv", ".csv.gz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("megabytes", SIZES)
@pytest.mark.parametrize("kind", ["plain", "comments"])
def test_every_record_of_a_large_file_is_read_once(tmp_path, kind, megabytes, suffix):
    path = tmp_path / f"dm{suffix}"
    count = _write(path, kind, megabytes)
    for threads in (1, 2):
        _assert_whole(path, count, threads)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("megabytes", SIZES)
def test_a_quote_that_is_never_closed_is_named(tmp_path, megabytes, suffix):
    path = tmp_path / f"dm{suffix}"
    _write(path, "open quote", megabytes)
    for threads in (1, 2):
        with pytest.raises(LesionsError, match=r"line 7: a quote is opened and never closed"):
            _stage(path, threads)


def test_an_open_quote_in_the_last_record_is_named(tmp_path):
    path = tmp_path / "dm.csv"
    path.write_text(HEADER + '0,a,0\n1,"b,1\n')
    with pytest.raises(LesionsError, match=r"line 3: a quote is opened and never closed"):
        _stage(path, 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_record_longer_than_any_table_has_is_named(tmp_path, suffix):
    path = tmp_path / f"dm{suffix}"
    _write(path, "record of 40 MB", 41)
    with pytest.raises(LesionsError, match=r"line 7: the line has more than 4,000,000 characters"):
        _stage(path, 2)


def test_a_record_as_long_as_is_read_is_read(tmp_path):
    """Of letters that take three bytes each, so that it is longest in the reader's measure too."""
    path = tmp_path / "dm.csv"
    note = "€" * (MAX_LENGTH - 10)
    path.write_text(f"{HEADER}0,{note},0\n1,b,1\n", encoding="utf-8")
    stage = _stage(path, 2)
    lengths = duckdb.sql(f"SELECT length(note) FROM {stage.relation} ORDER BY {RECORD}").fetchall()
    assert lengths == [(len(note),), (1,)]


def test_quotes_that_can_be_read_in_two_ways_lose_nothing_in_silence(tmp_path):
    """The reader goes on after the line end inside the quotes, though the record ends later."""
    path = tmp_path / "dm.csv"
    path.write_text('id,note\nx,y\n",,"," , " ",\nb""\n\n"""')
    with pytest.raises(LesionsError, match=r"never closed|of which the reader took"):
        _stage(path, 1)


def test_blank_lines_count_where_there_is_one_column(tmp_path):
    path = tmp_path / "dm.csv"
    path.write_text("id\na\n\nb\n\n")
    assert _stage(path, 1).rows == 4
    path.write_text("id,arm\na,x\n\nb,y\n\n")
    assert _stage(path, 1).rows == 2


def test_a_record_with_a_nul_byte_is_quarantined(tmp_path):
    path = tmp_path / "dm.csv"
    path.write_text("id,arm\na,x\nb\0,y\nc,z\n")
    stage = _stage(path, 1)
    assert stage.rows == 2
    assert [(r.record, r.reason, r.text) for r in stage.rejected] == [
        (2, "the record holds a NUL byte", '{"id":"b\\u0000","arm":"y"}')
    ]
    path.write_text("id,a\0rm\na,x\n")
    with pytest.raises(LesionsError, match="a column name holds a NUL byte"):
        _stage(path, 1)
