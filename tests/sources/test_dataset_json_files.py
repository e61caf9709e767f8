"""CDISC Dataset-JSON: v1.1 as JSON and NDJSON, v1.0's shape."""

from __future__ import annotations

import json
import zlib

import pytest

from warehouse.errors import LesionsError
from warehouse.sources import dataset_json

NAMES = ["STUDYID", "USUBJID", "AGE", "NOTE"]
ROWS = [
    ["S", "007", 63, 'a "b"\n, é'],
    ["S", "-9", 32.32, ""],
    ["S", "3", 21.0, None],
    ["S", "4", 9007199254740993, "x" * 50],
]
EXPECTED = [
    ("007", "63", 'a "b"\n, é'),
    ("-9", "32.32", None),
    ("3", "21", None),
    ("4", "9007199254740993", "x" * 50),
]


def columns(names=NAMES):
    return [
        {"itemOID": f"IT.DM.{name}", "name": name, "label": name, "dataType": "string"}
        for name in names
    ]


def metadata(**changes):
    return {
        "datasetJSONCreationDateTime": "2024-12-05T11:53:27",
        "datasetJSONVersion": "1.1.0",
        "sourceSystem": {"name": "rows", "version": "[1]"},
        "itemGroupOID": "IG.DM",
        "records": len(ROWS),
        "name": "DM",
        "label": "Demographics",
        "columns": columns(),
        **changes,
    }


def version_1_0(kind="clinicalData"):
    items = [{"OID": "ITEMGROUPDATASEQ", "name": "ITEMGROUPDATASEQ", "type": "integer"}]
    items += [{"OID": f"IT.DM.{name}", "name": name, "type": "string"} for name in NAMES]
    data = [[number, *row] for number, row in enumerate(ROWS, 1)]
    group = {"records": len(ROWS), "name": "DM", "label": "x", "items": items, "itemData": data}
    return json.dumps(
        {
            "datasetJSONVersion": "1.0.0",
            kind: {"studyOID": "S", "itemGroupData": {"IG.DM": group}},
        }
    )


def ndjson(*first, rows=ROWS):
    return "\n".join(json.dumps(value) for value in [*first, *rows]) + "\n"


SHAPES = {
    "json": ("dm.json", json.dumps({**metadata(), "rows": ROWS})),
    "indented": ("dm.json", json.dumps({**metadata(), "rows": ROWS}, indent=2)),
    "with bom": ("dm.json", "\ufeff" + json.dumps({**metadata(), "rows": ROWS})),
    "rows first": ("dm.json", json.dumps({"rows": ROWS, **metadata()})),
    "no count": ("dm.json", json.dumps({"columns": columns(), "rows": ROWS})),
    "1.0": ("dm.json", version_1_0()),
    "1.0 reference": ("dm.json", version_1_0("referenceData")),
    "ndjson": ("dm.ndjson", ndjson(metadata())),
    "ndjson crlf": ("dm.ndjson", ndjson(metadata()).replace("\n", "\r\n")),
    "ndjson two objects": (
        "dm.ndjson",
        ndjson(
            {key: value for key, value in metadata().items() if key != "columns"},
            {"columns": columns()},
        ),
    ),
    "ndjson records as objects": (
        "dm.ndjson",
        ndjson(metadata(), rows=[dict(zip(NAMES, row, strict=True)) for row in ROWS]),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_every_shape_gives_the_same_rows(workspace, monkeypatch, shape, block):
    """The size of the blocks that are read does not show."""
    monkeypatch.setattr(dataset_json, "_BLOCK", block)
    name, content = SHAPES[shape]
    workspace.write({name: content})
    report = workspace.load()
    assert workspace.table("dm", "usubjid, age, note") == EXPECTED
    assert report.files[0].rows_in_file == 4
    assert "itemgroupdataseq" not in workspace.columns("dm")


def test_metadata_without_rows_is_a_table_without_rows(workspace):
    workspace.write({"dm.json": json.dumps(metadata(records=0))})
    workspace.load()
    assert workspace.table("dm") == []


def test_a_record_of_another_length_is_quarantined(workspace):
    rows = [ROWS[0], ["S", "5"], ROWS[1]]
    workspace.write({"dm.json": json.dumps({**metadata(records=3), "rows": rows})})
    report = workspace.load()
    assert (report.files[0].rows_loaded, report.files[0].rows_quarantined) == (2, 1)
    assert workspace.table("dm", "usubjid, _source_row") == [("007", 1), ("-9", 3)]
    assert workspace.table("reject", "source_row, value, defect_id") == [
        (2, '["S", "5"]', "rows.2e")
    ]


WHOLE = json.dumps({**metadata(), "rows": ROWS})
REFUSED = {
    "cut in a record": ("dm.json", WHOLE[:-40], "is not whole JSON.*cut off"),
    "cut after a record": ("dm.json", WHOLE[: WHOLE.rindex(", [")], "is not whole JSON"),
    "cut ndjson": ("dm.ndjson", ndjson(metadata())[:-20], "line 5 is not JSON"),
    "ndjson without its end": (
        "dm.ndjson",
        ndjson(metadata(), rows=ROWS[:3]),
        "holds 3 records, but its 'records' says 4",
    ),
    "something after": ("dm.json", WHOLE + "{}", "something follows"),
    "other JSON": ("dm.json", '{"a": [1, 2]}', "is not CDISC Dataset-JSON"),
    "a list": ("dm.json", "[1, 2]", "is not whole JSON: { is missing"),
    "nameless column": (
        "dm.json",
        json.dumps({**metadata(columns=[{"label": "x"}]), "rows": []}),
        "a column has no 'name'",
    ),
    "not UTF-8": ("dm.json", WHOLE.encode().replace(b"Demo", b"D\xe9mo"), "is not UTF-8: line 1"),
    "empty": ("dm.json", "", "is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(workspace, case):
    name, content, message = REFUSED[case]
    workspace.write({name: content})
    with pytest.raises(LesionsError, match=message) as told:
        workspace.load()
    assert name in str(told.value)


def compressed(text: str) -> bytes:
    """As CDISC's .dsjc: NDJSON, deflated by zlib."""
    return zlib.compress(text.encode())


def test_compressed_dataset_json(workspace):
    text = "\n".join(json.dumps(part) for part in [metadata(), *ROWS])
    workspace.write({"dm.dsjc": compressed(text)})
    workspace.load()
    assert workspace.table("dm", "usubjid, age, note") == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (compressed("x" * 5000)[:-9], r"dm.dsjc is cut off: it ends amid its data"),
        (b"not zlib at all", r"dm.dsjc is not compressed Dataset-JSON \(zlib\)"),
        (compressed("{}\n"), r"dm.dsjc is not CDISC Dataset-JSON"),
    ],
)
def test_compressed_files_that_are_wrong(workspace, content, message):
    workspace.write({"dm.dsjc": content})
    with pytest.raises(LesionsError, match=message):
        workspace.load()


def test_a_compressed_file_that_grows_without_bound_is_refused(workspace, monkeypatch):
    monkeypatch.setattr(dataset_json, "MAX_GZIP_BYTES", 1000)
    workspace.write({"dm.dsjc": compressed("a" * 1_000_000)})
    with pytest.raises(LesionsError, match=r"more than 100 times as large"):
        workspace.load()
