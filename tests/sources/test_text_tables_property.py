"""Any table of text comes through every format with the same cells, and the counts balance."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.studykit import Workspace

from warehouse.sources.wording import NO_ID

AWKWARD = st.sampled_from(
    [
        '"',
        '""',
        ",",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "'",
        "\\",
        "é",
        "日本",
        "😀",
        "\u2028",
        "\x85",
        ".",
    ]
)
CELL = st.one_of(
    st.just(""),
    st.lists(AWKWARD | st.sampled_from("abz019-"), max_size=6).map("".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8),
)
TABLE = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12)
)


def names(rows):
    return ["USUBJID", *(f"X{place}" for place in range(1, len(rows[0]) if rows else 2))]


def write_csv(path: Path, rows, line_end, quoting=csv.QUOTE_MINIMAL):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end, quoting=quoting)
        writer.writerow(names(rows))
        writer.writerows(rows)


def write_parquet(path: Path, rows):
    columns = zip(*rows, strict=True) if rows else ([] for _ in names(rows))
    pq.write_table(
        pa.table(
            {
                name: pa.array(list(cells), pa.string())
                for name, cells in zip(names(rows), columns, strict=True)
            }
        ),
        path,
    )


def dataset(rows):
    columns = [{"itemOID": n, "name": n, "label": n, "dataType": "string"} for n in names(rows)]
    return {"datasetJSONVersion": "1.1.0", "records": len(rows), "columns": columns}


def write_json(path: Path, rows):
    path.write_text(json.dumps({**dataset(rows), "rows": rows}, ensure_ascii=False), "utf-8")


def write_ndjson(path: Path, rows):
    lines = [json.dumps(value) for value in (dataset(rows), *rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


WRITERS = {
    # Python's writer leaves a lone carriage return bare unless all is quoted.
    "dm.csv": lambda path, rows: write_csv(path, rows, "\n", csv.QUOTE_ALL),
    "dm_crlf.csv": lambda path, rows: write_csv(path, rows, "\r\n"),
    "dm.parquet": write_parquet,
    "dm.json": write_json,
    "dm.ndjson": write_ndjson,
}


@settings(max_examples=15, deadline=None)
@given(rows=TABLE)
def test_text_tables_come_through(rows):
    expected = [
        (number, *(cell or None for cell in row))
        for number, row in enumerate(rows, 1)
        if row[0].strip(" ").strip(" \t\n\r\xa0").upper() not in NO_ID
    ]
    columns = ", ".join(["_source_row", *names(rows)])
    with tempfile.TemporaryDirectory() as root, duckdb.connect() as connection:
        for place, (name, write) in enumerate(WRITERS.items()):
            workspace = Workspace(Path(root) / str(place), connection)
            target = "dm." + name.partition(".")[2]
            workspace.write({})
            write(workspace.folder / target, rows)
            file = workspace.load().files[0]
            assert file.rows_in_file == len(rows), name
            assert file.rows_loaded == len(expected), name
            assert file.rows_in_file == file.rows_loaded + file.rows_quarantined, name
            assert workspace.table("dm", columns) == expected, name
            assert len(workspace.table("reject")) == file.rows_quarantined, name
