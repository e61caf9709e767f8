"""From a file's columns to a domain's variables."""

from __future__ import annotations

import json

import pytest

from warehouse.errors import LesionsError

STUDY = """\
study_id: trial
layout: mapped
patients: known
files:
  - file: sizes.csv
    domain: tr
    columns:
      usubjid: {sql: "lpad(ID, 4, '0')"}
      trlnkid: lesion
      trtestcd: {value: LDIAM}
      trorres: Size (cm)
      trorresu: {column: UNIT, map: {"1": mm, "2": cm, "9": ""}}
      trdy: {sql: "CAST(DAY AS DOUBLE) * 7"}
    derive:
      - domain: dm
        distinct_on: [usubjid]
        require: [age]
        columns: {usubjid: ID, age: AGE}
      - domain: suppdm
        columns: {usubjid: ID, qnam: {value: ECOG}, qval: AGE}
"""
SIZES = """\
ID,Lesion,Size (cm),UNIT,DAY,AGE
7,a,1.5,2,0,
7,b,2.5,1,1,61
7,b,2.5,1,1,62
,b,9,1,1,70
8,a,x,9,0.5,63
9,a,x,cm,,
"""


def test_constants_maps_and_expressions(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY)
    report = workspace.load()
    assert workspace.table("tr", "usubjid, trlnkid, trtestcd, trorres, trorresu, trdy") == [
        ("0007", "a", "LDIAM", "1.5", "cm", "0"),
        ("0007", "b", "LDIAM", "2.5", "mm", "7"),
        ("0007", "b", "LDIAM", "2.5", "mm", "7"),
        ("0008", "a", "LDIAM", "x", None, "3.5"),
        ("0009", "a", "LDIAM", "x", "cm", None),
    ]
    file = report.files[0]
    assert (file.rows_in_file, file.rows_loaded, file.rows_quarantined) == (6, 5, 1)
    original = json.loads(workspace.table("tr", "_source_values")[0][0])
    assert original == {
        **{"ID": "7", "Lesion": "a", "Size (cm)": "1.5"},
        **{"UNIT": "2", "DAY": "0", "AGE": None},
    }


def test_derived_rows_are_the_first_of_each_key_and_counted(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY)
    workspace.load()
    # Record 1 says no age, so record 2 is the first of subject 7 that counts; 9 never says one.
    assert workspace.table("dm", "usubjid, age, _source_row") == [("7", "61", 2), ("8", "63", 5)]
    assert workspace.table("derivation", "domain, rows_in, rows_out, rows_collapsed") == [
        ("dm", 5, 2, 3),
        ("suppdm", 5, 5, 0),
    ]


def test_a_record_quarantined_derives_nothing(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY)
    workspace.load()
    assert workspace.table("suppdm", "usubjid, qval, _source_row") == [
        ("7", None, 1),
        ("7", "61", 2),
        ("7", "62", 3),
        ("8", "63", 5),
        ("9", None, 6),
    ]


def test_a_missing_column_is_named_with_those_that_are_there(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY.replace("lesion", "Leson"))
    with pytest.raises(
        LesionsError,
        match=r"sizes\.csv: the file has no column 'Leson', which study.yml names for tr\.trlnkid"
        r"\. Did you mean 'Lesion'\? Columns in the file: ID, Lesion, Size \(cm\)",
    ):
        workspace.load()


def test_a_missing_column_of_an_expression_is_named(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY.replace("CAST(DAY", "CAST(DAYS"))
    with pytest.raises(LesionsError, match=r"no column 'DAYS'.*tr\.trdy.*Did you mean 'DAY'"):
        workspace.load()


def test_a_value_that_an_expression_cannot_take_is_placed(workspace):
    workspace.write({"sizes.csv": SIZES.replace("0.5,63", "soon,63")}, STUDY)
    with pytest.raises(LesionsError, match=r"sizes\.csv, record 5: the expression.*DAY='soon'"):
        workspace.load()


def test_an_expression_without_columns_that_fails_is_placed(workspace):
    study = STUDY.replace("CAST(DAY AS DOUBLE)", "CAST('soon' AS DOUBLE)")
    workspace.write({"sizes.csv": SIZES}, study)
    with pytest.raises(LesionsError, match=r"record 1: the expression.*Values there: none"):
        workspace.load()


def test_an_expression_that_does_not_fit_is_refused(workspace):
    workspace.write({"sizes.csv": SIZES}, STUDY.replace("CAST(DAY AS DOUBLE)", "DAY"))
    with pytest.raises(LesionsError, match=r"for tr\.trdy fails: .*Its columns are all text"):
        workspace.load()


def test_unknown_patients_load_without_a_subject(workspace):
    study = STUDY.replace("known", "unknown").replace(
        "      usubjid: {sql: \"lpad(ID, 4, '0')\"}\n", ""
    )
    workspace.write({"sizes.csv": SIZES}, study)
    report = workspace.load()
    assert report.files[0].rows_loaded == 6
    assert {row[0] for row in workspace.table("tr", "usubjid")} == {None}


def test_sdtm_keeps_other_columns_and_takes_renamed_ones(workspace):
    workspace.write(
        {"dm.csv": "SUBJ,ARM,DOMAIN\n1,a,DM\n", "ex.csv": "USUBJID,EXTRT\n1,drug\n"},
        "study_id: trial\nfiles:\n  - {file: dm.csv, columns: {usubjid: SUBJ}}\n",
    )
    workspace.load()
    assert workspace.table("dm", "usubjid, subj, arm, domain, _source_values") == [
        ("1", "1", "a", "DM", '{"SUBJ":"1","ARM":"a","DOMAIN":"DM"}')
    ]
    assert workspace.table("ex", "extrt, _source_values") == [("drug", None)]
    columns = workspace.columns("dm")
    assert columns[-8:] == [
        *("domain", "subj", "_study_id", "_source_file", "_source_row", "_loaded_at"),
        *("_sha256", "_source_values"),
    ]


def test_one_file_may_be_listed_twice_and_each_entry_balances(workspace):
    entry = """\
  - file: sizes.csv
    domain: tr
    columns:
      usubjid: ID
      trlnkid: Lesion
      trtestcd: {value: VOLUME}
      trorres: Size (cm)
      trdy: DAY
"""
    workspace.write({"sizes.csv": SIZES}, STUDY + entry)
    workspace.load()
    audit = workspace.table("load_audit", "domain, rows_in_file, rows_loaded, rows_quarantined")
    assert audit == [("tr", 6, 5, 1), ("tr", 6, 5, 1)]
    assert len(workspace.table("tr")) == 10
    assert len(workspace.table("reject")) == 2


LONG = """\
Patient,Lesion,Day,Size_mm,short_axis_mm,volume_cm3,Site,Study_Arm,sex
p1,1,40,21,12,1.5,LIVER,A,M
p1,1,-3,20,11,,LIVER,A,M
p1,2,-3,8,,,LUNG,A,M
p2,1,0,30,9,2,LIVER,B,F
"""


def test_lesion_long_finds_its_columns_by_name(workspace):
    workspace.write(
        {"sizes.csv": LONG}, "study_id: trial\nlayout: lesion_long\nfiles: [{file: sizes.csv}]\n"
    )
    workspace.load()
    assert workspace.table("tr", "usubjid, trlnkid, trtestcd, trorres, trorresu, trdy, trgrpid")[
        :6
    ] == [
        ("p1", "1", "LDIAM", "21", "mm", "40", "TARGET"),
        ("p1", "1", "LPERP", "12", "mm", "40", "TARGET"),
        ("p1", "1", "VOLUME", "1.5", "cm3", "40", "TARGET"),
        ("p1", "1", "LDIAM", "20", "mm", "-3", "TARGET"),
        ("p1", "1", "LPERP", "11", "mm", "-3", "TARGET"),
        ("p1", "1", "VOLUME", None, "cm3", "-3", "TARGET"),
    ]
    # The first day is the lesion's earliest, wherever its row stands.
    assert workspace.table("tu", "usubjid, tulnkid, tuorres, tuloc, tudy") == [
        ("p1", "1", "TARGET", "LIVER", "-3"),
        ("p1", "2", "TARGET", "LUNG", "-3"),
        ("p2", "1", "TARGET", "LIVER", "0"),
    ]
    assert workspace.table("dm", "usubjid, arm, sex") == [("p1", "A", "M"), ("p2", "B", "F")]
    assert workspace.table("load_audit", "rows_in_file, rows_loaded") == [(4, 4)] * 3


@pytest.mark.parametrize(
    ("content", "extra", "message"),
    [
        ("PERSON,Lesion,Day,Size_mm\n1,1,1,1\n", "", "no column for subject.*PERSON"),
        ("Patient,Lesion,Visit_x,Size_mm\n1,1,1,1\n", "", "no column for day or date"),
        ("Patient,Lesion,Day,Size\n1,1,1,1\n", "", "unit of 'Size' is not stated.*unit: mm"),
        ("Patient,Lesion,Day,Size\n1,1,1,1\n", ", unit: inch", "unknown unit 'inch'"),
        ("Patient,Lesion,Day,Size\n1,1,1,1\n", ", columns: {subjet: X}", "Did you mean 'subject'"),
    ],
)
def test_lesion_long_says_what_is_missing(workspace, content, extra, message):
    study = f"study_id: trial\nlayout: lesion_long\nfiles: [{{file: sizes.csv{extra}}}]\n"
    workspace.write({"sizes.csv": content}, study)
    with pytest.raises(LesionsError, match=message):
        workspace.load()


def test_lesion_long_takes_stated_columns_and_unit(workspace):
    workspace.write(
        {"sizes.csv": "PERSON,L,D,Size,rd\n1,1,1,2.1,INV\n"},
        "study_id: trial\nlayout: lesion_long\nfiles:\n  - file: sizes.csv\n    unit: cm\n"
        "    lesion_type: NON-TARGET\n"
        "    columns: {subject: PERSON, lesion: L, day: D, reader: rd}\n",
    )
    workspace.load()
    assert workspace.table("tr", "usubjid, trorres, trorresu, trgrpid, treval") == [
        ("1", "2.1", "cm", "NON-TARGET", "INV")
    ]


def test_records_of_which_an_expression_makes_a_nul_are_quarantined(workspace):
    sql = """replace(AGE, '61', 'a' || chr(0))"""
    study = STUDY.replace("qval: AGE", f'qval: {{sql: "{sql}"}}').replace(
        "\"lpad(ID, 4, '0')\"", "\"lpad(first(ID) OVER (PARTITION BY ID), 4, '0')\""
    )
    workspace.write({"sizes.csv": SIZES}, study)
    file = workspace.load().files[0]
    assert (file.rows_in_file, file.rows_loaded, file.rows_quarantined) == (6, 4, 2)
    rejected = workspace.table("reject", "source_row, reason")
    assert (2, "an expression of study.yml makes a NUL byte of the record") in rejected
    assert workspace.table("suppdm", "usubjid, qval")[1] == ("7", "62")


def test_records_that_become_several_rows_are_one_error_that_names_the_file(workspace, monkeypatch):
    monkeypatch.setattr("warehouse.sources.expressions._check_function", lambda *of: None)
    monkeypatch.setattr("warehouse.sources.expressions._FORBIDDEN", frozenset())
    workspace.write(
        {"sizes.csv": SIZES},
        STUDY.replace("trlnkid: lesion", "trlnkid: {sql: \"unnest(['a', 'b'])\"}"),
    )
    said = r"sizes.csv: 6 records became 10 rows of tr and 1 quarantined"
    with pytest.raises(LesionsError, match=said):
        workspace.load()


def test_an_expression_that_gives_a_constant_or_nothing(workspace):
    """DuckDB 2.0 fails where nullif() of such a CASE stands in a filter, as 'require' makes one."""
    study = (
        "study_id: trial\nlayout: mapped\nfiles:\n  - file: r.csv\n    domain: rs\n    columns:\n"
        "      usubjid: ID\n      rstestcd: {value: BESTRESP}\n      rsorres: B\n"
        "      rsstat: {sql: \"CASE WHEN B = '77' THEN 'NOT DONE' END\"}\n    derive:\n"
        "      - domain: ds\n        require: [dsterm]\n        columns:\n          usubjid: ID\n"
        "          dsterm: {sql: \"CASE WHEN B = '5' THEN 'PROGRESSED' END\"}\n"
    )
    workspace.write({"r.csv": "ID,B\n1,3\n2,5\n"}, study)
    workspace.load()
    assert workspace.table("rs", "rsstat") == [(None,), (None,)]
    assert workspace.table("ds", "usubjid, dsterm") == [("2", "PROGRESSED")]
