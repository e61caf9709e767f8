"""Excel workbooks."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest

from warehouse.errors import LesionsError
from warehouse.sources.excel import cell_text


def book(rows, *, title="Sheet", merge=(), more=()):
    """A workbook's bytes: rows of cells, merged ranges, titles of further sheets."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            if value is not None:
                sheet.cell(number, place, value)
    for area in merge:
        sheet.merge_cells(area)
    for name in more:
        workbook.create_sheet(name).append(["x"])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def entry(**options):
    lines = "".join(f"    {key}: {value}\n" for key, value in options.items())
    return f"study_id: trial\nfiles:\n  - file: dm.xlsx\n{lines}"


PLAIN = [
    ["USUBJID", "AGE", "BRTH", "NOTE"],
    ["010005", 21.0, date(2014, 1, 2), " "],
    [10005.0, 0.1, datetime(2014, 1, 2, 11, 45), "a\nb"],
    [-5, True, "2014-01", None],
]


def test_cells_become_text(workspace):
    workspace.write({"dm.xlsx": book(PLAIN)})
    report = workspace.load()
    assert workspace.table("dm", "usubjid, age, brth, note, _source_row") == [
        ("010005", "21", "2014-01-02", None, 2),
        ("10005", "0.1", "2014-01-02T11:45:00", "a\nb", 3),
        ("-5", "TRUE", "2014-01", None, 4),
    ]
    assert report.files[0].rows_in_file == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" \u00a0", None),
        (" x ", " x "),
        (False, "FALSE"),
        (2**60, "1152921504606846976"),
        (1e17, "100000000000000000"),
        (0.783567266501615, "0.783567266501615"),
        (datetime(1900, 1, 1), "1900-01-01"),
        (time(11, 45), "11:45:00"),
        (timedelta(hours=25, minutes=1), "25:01:00"),
    ],
)
def test_text_of_a_cell(value, expected):
    assert cell_text(value) == expected


def test_days_before_march_1900_are_those_that_excel_shows(workspace):
    """Excel counts 1 = 1900-01-01 and a 29 February 1900: 59 = 28 February, 61 = 1 March."""
    rows = [["USUBJID", "D"], ["1", 1], ["2", 59], ["3", 61], ["4", 41641]]
    workbook = openpyxl.load_workbook(io.BytesIO(book(rows)))
    for number in range(2, 6):
        workbook.active.cell(number, 2).number_format = "yyyy-mm-dd"
    content = io.BytesIO()
    workbook.save(content)
    workspace.write({"dm.xlsx": content.getvalue()})
    workspace.load()
    assert workspace.table("dm", "d") == [
        ("1900-01-01",),
        ("1900-02-28",),
        ("1900-03-01",),
        ("2014-01-02",),
    ]


LEGEND = [
    ["Codes: 1 = female"],
    [],
    ["Patient", None, "Dose (1)", None, "Dose (2)", None, "Note"],
    ["id", " age\u00a0 ", "Begin", "End", "Begin", "End", None],
    ["01", 40, 1, 2, 3, 4, "a"],
    [],
    ["02", 41, 5, 6, 7, 8, None],
    [],
    ["Times are days"],
]
MERGED = ("A3:B3", "C3:D3", "E3:F3", "G3:G4")
MAPPED = """\
study_id: trial
layout: mapped
files:
  - file: table.xlsx
    domain: dm
    header_rows: [3, 4]
    stop_at: {{column: "Patient{join}id", value: Times are days}}
    skip_blank: {skip}
    columns:
      usubjid: Patient{join}id
      age: Patient{join}age
      arm: Dose (2){join}End
      race: Note
"""


@pytest.mark.parametrize("join", [" | ", "_"])
def test_legends_and_merged_headers(workspace, join):
    study = MAPPED.format(skip="true", join=join).replace(
        "    skip", f'    header_join: "{join}"\n    skip'
    )
    workspace.write({"table.xlsx": book(LEGEND, merge=MERGED)}, study)
    report = workspace.load()
    assert workspace.table("dm", "usubjid, age, arm, race, _source_row") == [
        ("01", "40", "4", "a", 5),
        ("02", "41", "8", None, 7),
    ]
    assert report.files[0].rows_in_file == 2


def test_a_blank_row_inside_is_a_record_and_at_the_end_is_not(workspace):
    study = MAPPED.format(skip="false", join=" | ")
    workspace.write({"table.xlsx": book(LEGEND, merge=MERGED)}, study)
    report = workspace.load()
    file = report.files[0]
    assert (file.rows_in_file, file.rows_loaded, file.rows_quarantined) == (3, 2, 1)
    assert workspace.table("reject", "source_row, reason") == [(6, "the record names no subject")]


def test_first_row_and_nameless_columns(workspace):
    rows = [
        ["USUBJID", None, "AGE", None],
        ["(text)", None, "(years)", None],
        ["1", None, 2, "kept"],
    ]
    workspace.write({"dm.xlsx": book(rows)}, entry(first_row=3))
    workspace.load()
    assert workspace.table("dm", "usubjid, age, column_4") == [("1", "2", "kept")]
    assert "column_2" not in workspace.columns("dm")


REFUSED = {
    "several sheets": (book(PLAIN, more=["B"]), {}, "has 2 sheets: Sheet, B. Say which one"),
    "no such sheet": (
        book(PLAIN, title="Lesions"),
        {"sheet": "Lesion"},
        r"no sheet 'Lesion'\. Did you mean 'Lesions'\?",
    ),
    "no header": (book([[], ["USUBJID"]]), {}, "row 1 of the sheet holds no header"),
    "header below": (book(PLAIN), {"header_rows": "[9]"}, "row 9 of the sheet holds no header"),
    "stop column": (
        book(PLAIN),
        {"stop_at": "{column: AG, value: x}"},
        r"names the column 'AG', which is not there\. Did you mean 'AGE'\?",
    ),
    "repeated name": (book([["USUBJID", "AGE", "Age"], [1, 2, 3]]), {}, "used twice: 'AGE'"),
    "no workbook": (b"USUBJID,AGE\n", {}, "cannot be read as an Excel workbook"),
    "cut off": (book(PLAIN)[:-900], {}, "cannot be read as an Excel workbook"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(workspace, case):
    content, options, message = REFUSED[case]
    workspace.write({"dm.xlsx": content}, entry(**options))
    with pytest.raises(LesionsError, match=message) as told:
        workspace.load()
    assert "dm.xlsx" in str(told.value)


def restate_size(content, stated):
    """The same workbook with another size stated for its sheet."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = re.sub(
                rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % stated, old.read(name)
            )
            new.writestr(name, data)
    return changed.getvalue()


def test_a_sheet_whose_stated_size_is_wrong_is_read_whole(workspace):
    workspace.write({"dm.xlsx": restate_size(book(PLAIN), b"A1:A1")})
    workspace.load()
    assert len(workspace.table("dm")) == 3
    assert workspace.table("dm", "age")[0] == ("21",)


def test_cells_right_of_the_table_are_kept_or_quarantined_never_lost(workspace):
    rows = [["USUBJID", "AGE"], ["1", 2], ["2", 3, None, None, "left over"]]
    workspace.write({"dm.xlsx": book(rows)})
    workspace.load()
    # The sheet states five columns, so the fifth is a column without a name.
    assert workspace.table("dm", "usubjid, column_5") == [("1", None), ("2", "left over")]
    workspace.write({"dm.xlsx": restate_size(book(rows), b"A1:B3")})
    report = workspace.load()
    assert report.files[0].rows_quarantined == 1
    assert workspace.table("reject", "source_row, value, defect_id") == [
        (3, "2 | 3 |  |  | left over", "rows.2e")
    ]
