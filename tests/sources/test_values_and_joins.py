"""Dates and numbers as a file writes them, constants in every layout, and a second file by key."""

from __future__ import annotations

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.sources.values import date_sql, number_sql, strptime_format


def one(sql: str) -> str | None:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {sql}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "formats", "date"),
    [
        ("31.01.2020", ["dd.mm.yyyy"], "2020-01-31"),
        (" 3.1.2020 ", ["dd.mm.yyyy"], "2020-01-03"),
        ("01.2020", ["dd.mm.yyyy"], "2020-01"),
        ("31.01.2020 14:05", ["dd.mm.yyyy hh:mm"], "2020-01-31"),
        ("31.01.2020", ["dd.mm.yyyy hh:mm"], "2020-01-31"),
        ("1/31/2020", ["mm/dd/yyyy"], "2020-01-31"),
        ("31-Jan-2020", ["dd-mmm-yyyy"], "2020-01-31"),
        ("31.01.20", ["dd.mm.yy"], "2020-01-31"),
        ("43861", ["excel"], "2020-01-31"),
        ("2020-01-31", ["dd.mm.yyyy"], "2020-01-31"),
        ("31/01/2020", ["dd.mm.yyyy", "dd/mm/yyyy"], "2020-01-31"),
        ("32.01.2020", ["dd.mm.yyyy"], "32.01.2020"),
        ("unknown", ["dd.mm.yyyy"], "unknown"),
        (None, ["dd.mm.yyyy"], None),
    ],
)
def test_dates_become_iso_and_what_does_not_fit_stays(text, formats, date):
    cell = "CAST(NULL AS VARCHAR)" if text is None else f"'{text}'"
    assert one(date_sql(cell, formats)) == date


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12,5", "12.5"),
        ("-0,25", "-0.25"),
        ("1.234,5", "1234.5"),
        ("12.5", "12.5"),
        ("12", "12"),
        ("1,2,3", "1,2,3"),
        ("TOO SMALL, NOT MEASURED", "TOO SMALL, NOT MEASURED"),
        ("1,5e3", "1.5e3"),
    ],
)
def test_decimal_commas(text, number):
    assert one(number_sql(f"'{text}'")) == number


@pytest.mark.parametrize("words", ["dd.mm", "dd.dd.yyyy", "d.m.y", "dd.mm.yyyy%", "", "ddmmyyyyx"])
def test_what_is_no_date_format(words):
    assert strptime_format(words) is None


LONG = """study_id: trial
layout: lesion_long
files:
  - file: sizes.csv
    delimiter: ";"
    date_format: dd.mm.yyyy
    decimal: ","
    unit: mm
    columns: {lesion: {value: T1}, diameter: Groesse, first_dose: Beginn}
"""


def test_a_long_table_with_german_dates_and_numbers(workspace):
    workspace.write(
        {
            "sizes.csv": "patient;date;Groesse;Beginn\n"
            "1;15.02.2020;12,5;03.01.2020\n1;01.12.2019;14,25;03.01.2020\n"
        },
        LONG,
    )
    workspace.load()
    rows = workspace.table("tr", "trlnkid, trdtc, trorres")
    assert rows == [("T1", "2020-02-15", "12.5"), ("T1", "2019-12-01", "14.25")]
    # As text, 01.12.2019 comes after 15.02.2020 by neither day nor year: the earliest date counts.
    assert workspace.table("tu", "tudtc") == [("2019-12-01",)]
    assert workspace.table("dm", "usubjid, rfxstdtc") == [("1", "2020-01-03")]
    # The source's own values stay beside.
    assert '"Groesse":"12,5"' in workspace.table("tr", "_source_values")[0][0]


def test_what_a_long_table_derives_itself_stands_in_place_of_its_own(workspace):
    study = LONG + (
        "    derive:\n"
        "      - {domain: dm, distinct_on: [usubjid], columns: {usubjid: patient, country: C}}\n"
        "      - {domain: ds, columns: {usubjid: patient, dsterm: C}}\n"
    )
    study = study.replace("first_dose: Beginn", "").replace(", }", "}")
    workspace.write({"sizes.csv": "patient;date;Groesse;C\n1;15.02.2020;12,5;DE\n"}, study)
    workspace.load()
    assert workspace.table("dm", "country") == [("DE",)]
    assert workspace.table("ds", "dsterm") == [("DE",)]
    assert workspace.table("tu", "tulnkid") == [("T1",)]


JOINED = """study_id: trial
layout: mapped
day_convention: zero_based
files:
  - file: change.csv
    join:
      - file: baseline.csv
        on: {{SUBJID: PATIENT, LSNO: LSNO}}
        columns: {{BASELINE: LSLD}}{extra}
    domain: tr
    columns:
      usubjid: SUBJID
      trlnkid: LSNO
      trtestcd: {{value: LDIAM}}
      trorres: {{sql: "CAST(BASELINE AS DOUBLE) * (1 + CAST(PCH AS DOUBLE) / 100)"}}
      trorresu: {{value: mm}}
      trdy: DAY
"""
BASELINE = "PATIENT,LSNO,LSLD\n1,1,40\n1,2,20\n2,1,10\n"


def test_sizes_from_a_baseline_and_changes(workspace):
    """40 mm less 25 % is 30 mm; a lesion without a baseline has no size."""
    workspace.write(
        {
            "change.csv": "SUBJID,LSNO,DAY,PCH\n1,1,50,-25\n1,2,50,10\n1,3,50,5\n",
            "baseline.csv": BASELINE,
        },
        JOINED.format(extra=""),
    )
    report = workspace.load()
    assert workspace.table("tr", "trlnkid, trorres") == [("1", "30"), ("2", "22"), ("3", None)]
    assert workspace.table("join_audit") == [("trial", "change.csv", "baseline.csv", 3, 2, 3, 1)]
    assert report.joins[0].rows_in - report.joins[0].rows_matched == 1
    assert workspace.load().joins == report.joins


def test_a_change_of_the_second_file_loads_again(workspace):
    workspace.write(
        {"change.csv": "SUBJID,LSNO,DAY,PCH\n1,1,50,-25\n", "baseline.csv": BASELINE},
        JOINED.format(extra=""),
    )
    workspace.load()
    workspace.write({"baseline.csv": BASELINE.replace("40", "80")}, JOINED.format(extra=""))
    assert not workspace.load().is_unchanged
    assert workspace.table("tr", "trorres") == [("60",)]


def test_keys_that_are_numbers_written_in_two_ways(workspace):
    files = {"change.csv": "SUBJID,LSNO,DAY,PCH\n001,1.0,50,0\n", "baseline.csv": BASELINE}
    workspace.write(files, JOINED.format(extra=""))
    with pytest.raises(LesionsError, match=r"'001', '1.0' here, '1', '1' there.*match: num"):
        workspace.load()
    workspace.write(files, JOINED.format(extra="\n        match: number"))
    workspace.load()
    assert workspace.table("tr", "trorres") == [("40",)]


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        (BASELINE + "1,1,41\n", "PATIENT=1, LSNO=1 has 2 different rows for BASELINE"),
        (BASELINE.replace("LSLD", "SIZE"), "no column 'LSLD', which 'join' names"),
        (BASELINE + "1,1\n", "record 4: the record has fewer fields"),
    ],
)
def test_a_second_file_that_cannot_be_joined(workspace, baseline, message):
    workspace.write(
        {"change.csv": "SUBJID,LSNO,DAY,PCH\n1,1,50,-25\n", "baseline.csv": baseline},
        JOINED.format(extra=""),
    )
    with pytest.raises(LesionsError, match=message):
        workspace.load()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("date_format: dd.mm", "'date_format' cannot be 'dd.mm'.*dd.mm.yyyy"),
        ("decimal: ;", "'decimal' cannot be ';'"),
        ("join: [{file: b.csv, columns: {A: A}}]", "'on' is missing"),
        ("join: [{file: b.csv, on: {A: A}}]", "'columns' is missing"),
    ],
)
def test_wrong_keys(workspace, line, message):
    study = LONG.replace('    date_format: dd.mm.yyyy\n    decimal: ","\n', f"    {line}\n")
    workspace.write({"sizes.csv": "patient;date;Groesse\n1;15.02.2020;12,5\n"}, study)
    with pytest.raises(LesionsError, match=message):
        workspace.load()
