"""CSV and TSV files: what is read, what is quarantined, what is refused."""

from __future__ import annotations

import gzip

import pytest

from warehouse.errors import LesionsError

TR = "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRDY\n"


def test_cells_stay_text_exactly_and_blank_is_null(workspace):
    workspace.write(
        {
            "dm.csv": 'USUBJID,AGE,ARM\n00123,063,"a ""b"", c"\n'
            '-7282073724334012416, 21.0 ,"two\nlines"\n9007199254740993,"",NA\n'
        }
    )
    workspace.load()
    assert workspace.table("dm", "usubjid, age, arm, _source_row") == [
        ("00123", "063", 'a "b", c', 1),
        ("-7282073724334012416", " 21.0 ", "two\nlines", 2),
        ("9007199254740993", None, "NA", 3),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dm.csv", b"USUBJID,ARM\n1,x\n2,y\n"),
        ("dm.csv", b"\xef\xbb\xbfUSUBJID,ARM\r\n1,x\r\n2,y\r\n"),
        ("dm.csv", b"USUBJID,ARM\r\n1,x\n2,y"),
        ("dm.csv", b'USUBJID,ARM\n1,"x"\r\n2,y\n'),
        ("dm.csv", b"USUBJID,ARM\r1,x\r2,y\r"),
        ("dm.csv", b"USUBJID,ARM\n\n1,x\n\n2,y\n\n"),
        ("DM.CSV.GZ", gzip.compress(b"USUBJID,ARM\n1,x\n2,y\n")),
        ("dm.csv", b"\n\r\n\nUSUBJID,ARM\n1,x\n2,y\n"),
        ("dm.csv", b"\xef\xbb\xbf\r\nUSUBJID,ARM\r\n1,x\r\n2,y\r\n"),
        ("dm.csv.gz", gzip.compress(b"\nUSUBJID,ARM\n1,x\n2,y\n")),
        ("dm.tsv", b"USUBJID\tARM\n1\tx\n2\ty\n"),
        ("DM.TSV", b"USUBJID\tARM\n1\tx\n2\ty\n"),
        ("dm.tsv.gz", gzip.compress(b"USUBJID\tARM\n1\tx\n2\ty\n")),
    ],
    ids=[
        "plain",
        "bom",
        "mixed ends",
        "mixed ends, quoted",
        "cr",
        "blank lines",
        "gz",
        "blank lines first",
        "bom and a blank line first",
        "gz, a blank line first",
        "tsv",
        "TSV",
        "tgz",
    ],
)
def test_every_kind_of_text_file_gives_the_same_rows(workspace, name, content):
    workspace.write({name: content})
    workspace.load()
    assert workspace.table("dm", "usubjid, arm, _source_row") == [("1", "x", 1), ("2", "y", 2)]


def test_ragged_records_are_quarantined_with_their_number_and_text(workspace):
    workspace.write(
        {
            "tr.csv": TR + "1,T1,LDIAM,21,1\n"
            '1,T1,LDIAM,"2\n2",43\n'
            "1,T1,LDIAM\n"
            "\n"
            "1,T1,LDIAM,23,85,extra\n"
            "1,T1,LDIAM,24,127\n"
            '1,T1,"LD"IAM,25,169\n'
            "1,T1,LDIAM,26,211\n"
        }
    )
    report = workspace.load()
    assert [(f.rows_in_file, f.rows_loaded, f.rows_quarantined) for f in report.files] == [
        (7, 4, 3)
    ]
    assert workspace.table("tr", "trorres, _source_row") == [
        ("21", 1),
        ("2\n2", 2),
        ("24", 5),
        ("26", 7),
    ]
    assert workspace.table("reject", "source_file, source_row, domain, value, defect_id") == [
        ("tr.csv", 3, "tr", "1,T1,LDIAM", "rows.2e"),
        ("tr.csv", 4, "tr", "1,T1,LDIAM,23,85,extra", "rows.2e"),
        ("tr.csv", 6, "tr", '1,T1,"LD"IAM,25,169', "rows.2e"),
    ]
    reasons = [row[0] for row in workspace.table("reject", "reason")]
    assert reasons == [
        "the record has fewer fields than the header's 5",
        "the record has more fields than the header's 5",
        "text stands after a closing quote",
    ]


def test_record_numbers_hold_in_a_file_larger_than_the_readers_buffer(workspace):
    """Brute force: the file says of each record which one it is."""
    lines, ragged = ["USUBJID,ARM,SITEID"], []
    for record in range(1, 60_001):
        filler = "x" * 600
        if record % 9_973 == 0:
            lines += ["", f"{record},short"]
            ragged.append(record)
        elif record % 5_003 == 0:
            lines.append(f'{record},"{filler}\n\n{filler}",{record}')
        else:
            lines.append(f"{record},{filler},{record}")
    workspace.write({"dm.csv": "\n".join(lines) + "\n"})
    workspace.load()
    assert [row[0] for row in workspace.table("reject", "source_row")] == ragged
    wrong = workspace.table("dm", "count(*) FILTER (CAST(siteid AS BIGINT) <> _source_row)")
    assert wrong == [(0,)]


def test_a_record_without_subject_is_quarantined(workspace):
    workspace.write({"dm.csv": "USUBJID,ARM\n1,x\n,y\n ,z\n"})
    report = workspace.load()
    assert (report.files[0].rows_loaded, report.files[0].rows_quarantined) == (1, 2)
    assert workspace.table("reject", "source_row, column_name, value, reason") == [
        (2, "usubjid", '{"USUBJID":null,"ARM":"y"}', "the record names no subject"),
        (3, "usubjid", '{"USUBJID":" ","ARM":"z"}', "the record names no subject"),
    ]


def test_a_word_for_a_missing_value_is_no_subject(workspace):
    words = ("nan", "NaN", "NA", "n/a", ".", "None", "<NA>", "NULL", "\t", "\u00a0")
    workspace.write({"dm.csv": "USUBJID,ARM\n" + "".join(f"{word},x\n" for word in (*words, "1"))})
    report = workspace.load()
    assert (report.files[0].rows_in_file, report.files[0].rows_loaded) == (11, 1)
    assert workspace.table("dm", "usubjid") == [("1",)]
    assert workspace.table("reject", "source_row, column_name") == [
        (row, "usubjid") for row in range(1, 11)
    ]


def test_a_header_repeated_among_the_records_is_quarantined(workspace):
    part = "USUBJID,ARM,AGE\n1,x,60\n"
    workspace.write(
        {"dm.csv": part + "2,short\n" + part.replace("1,", "3,") + " usubjid ,Arm,age\n"}
    )
    report = workspace.load()
    assert [(f.rows_in_file, f.rows_loaded, f.rows_quarantined) for f in report.files] == [
        (5, 2, 3)
    ]
    assert workspace.table("dm", "usubjid, _source_row") == [("1", 1), ("3", 4)]
    assert workspace.table("reject", "source_row, reason") == [
        (2, "the record has fewer fields than the header's 3"),
        (3, "the record repeats the header line"),
        (5, "the record repeats the header line"),
    ]


def test_utf_16_is_told_from_western_text(workspace):
    workspace.write({"dm.csv": "USUBJID,ARM\n1,x\n".encode("utf-16")})
    with pytest.raises(LesionsError, match=r"begins as UTF-16 does\. Write 'encoding: utf-16'"):
        workspace.load()


LATIN = "USUBJID,ARM\n1,x\n2,Köln\n".encode("latin-1")


def test_another_encoding_is_refused_and_its_name_helps(workspace):
    workspace.write({"dm.csv": LATIN})
    with pytest.raises(
        LesionsError, match=r"dm\.csv is not UTF-8: line 3, byte 20 is 0xF6"
    ) as told:
        workspace.load()
    assert "encoding: latin-1" in str(told.value)
    workspace.write({}, "study_id: trial\nfiles:\n  - file: dm.csv\n    encoding: latin-1\n")
    workspace.load()
    assert workspace.table("dm", "arm") == [("x",), ("Köln",)]
    (workspace.folder / "dm.csv").rename(workspace.folder / "people.csv")
    workspace.write(
        {},
        "study_id: trial\ndomains: {people: dm}\n"
        "files:\n  - file: people.csv\n    encoding: latin-1\n",
    )
    workspace.load()
    assert workspace.table("dm", "arm, _source_file") == [
        ("x", "people.csv"),
        ("Köln", "people.csv"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1251", "gb18030"])
def test_encodings_that_study_yml_names(workspace, encoding):
    text = "USUBJID,ARM\n1,Москва\n"
    study = f"study_id: trial\nfiles:\n  - file: dm.csv\n    encoding: {encoding}\n"
    workspace.write({"dm.csv": text.encode(encoding)}, study)
    workspace.load()
    assert workspace.table("dm", "arm") == [("Москва",)]


def test_a_bad_byte_far_inside_a_file_is_placed_exactly(workspace):
    body = b"USUBJID,ARM\n" + b"".join(b"%d,%s\n" % (n, b"y" * 90) for n in range(40_000))
    at = body.index(b"\n39000,") + 8
    workspace.write({"dm.csv": body[:at] + b"\xe9" + body[at + 1 :]})
    with pytest.raises(LesionsError, match=rf"line 39002, byte {at + 1} is 0xE9"):
        workspace.load()


GZIPPED = gzip.compress(
    b"USUBJID,ARM\n" + b"".join(b"%d,%d\n" % (n, n**5 % 7919) for n in range(9999))
)
REFUSED = {
    "empty": (b"", "is empty"),
    "only blank lines": (b"\n\n", "is empty"),
    "repeated column": (b"USUBJID,ARM,arm\n1,2,3\n", "used twice: 'ARM' .column 2., 'arm'"),
    "other delimiter": (b"USUBJID;ARM\n1;x\n", "has no ',', but it has ';'.*add delimiter: ';'"),
    "no record fits": (b"USUBJID,ARM\n1\n2\n", "no record fits the header's 2 columns"),
    "quote never closed": (
        b'USUBJID,ARM\n1,"x\n2,y\n3,z\n',
        "line 2: a quote is opened and never closed",
    ),
    "no usubjid": (b"SUBJECT,ARM\n1,x\n", "dm needs usubjid.*there. Columns.*SUBJECT, ARM"),
    "reserved name": (b"USUBJID,_sha256\n1,x\n", "'_sha256' is kept for the warehouse"),
    "cut gzip": (GZIPPED[:-2000], "is not a whole gzip file"),
    "changed gzip": (GZIPPED[:9000] + bytes(9) + GZIPPED[9009:], "is not a whole gzip file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(workspace, case):
    content, message = REFUSED[case]
    name = "dm.csv.gz" if "gzip" in case else "dm.csv"
    workspace.write({name: content})
    with pytest.raises(LesionsError, match=message) as told:
        workspace.load()
    assert name in str(told.value)
    assert "\n" not in str(told.value).strip()
    assert not list(workspace.raw_dir.glob("*"))


def test_a_needed_variable_that_is_missing_is_named_with_the_nearest_column(workspace):
    workspace.write({"tr.csv": "USUBJID,TRLNKID,TRTESTDC,TRORRES,TRDY\n1,T1,LDIAM,21,1\n"})
    with pytest.raises(LesionsError, match=r"tr needs trtestcd.*Did you mean 'TRTESTDC'"):
        workspace.load()


def test_a_header_alone_is_a_table_without_rows(workspace):
    workspace.write({"dm.csv": "USUBJID,ARM\n1,x\n", "dd.csv": "USUBJID,DDTESTCD,DDORRES"})
    workspace.load()
    assert workspace.table("dd") == []
    assert workspace.table("load_audit", "domain, rows_in_file") == [("dd", 0), ("dm", 1)]


def test_stated_delimiter_and_unfit_option(workspace):
    workspace.write(
        {"dm.csv": "USUBJID|ARM\n1|a,b\n"},
        "study_id: trial\nfiles:\n  - {file: dm.csv, delimiter: '|'}\n",
    )
    workspace.load()
    assert workspace.table("dm", "usubjid, arm") == [("1", "a,b")]
    workspace.write({}, "study_id: trial\nfiles:\n  - {file: dm.csv, sheet: A}\n")
    with pytest.raises(LesionsError, match=r"dm\.csv: the option 'sheet' has no meaning"):
        workspace.load()


def test_the_encoding_of_windows_is_proposed_where_its_signs_are(workspace):
    """0x96 is a dash in cp1252 and a control character in latin-1."""
    workspace.write({"dm.csv": "USUBJID,SITEID\n1,Köln – Süd\n".encode("cp1252")})
    with pytest.raises(LesionsError, match=r"write 'encoding: cp1252'"):
        workspace.load()
