"""The analysis datasets of a trial worked out by hand.

One subject, first dose on 2020-01-10; sums of diameters 60, 36, 36, 46 mm. The sum falls by 40 %
(partial response, 2020-02-21), and then rises from its nadir of 36 mm by 10 mm, 27.8 %
(progression, 2020-05-15). Death on 2020-09-01.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlkit import SqlKit

SCANS = {
    "BASELINE": ("2020-01-01", 40, 20),
    "WEEK 6": ("2020-02-21", 24, 12),
    "WEEK 12": ("2020-04-03", 24, 12),
    "WEEK 18": ("2020-05-15", 34, 12),
}
TABLES = ("adsl", "adtr", "adrs", "adtte", "adlb", "adles", "adhet")


@pytest.fixture(scope="module")
def trial() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1")
        kit.add("study_reader", {"reader": "INVESTIGATOR", "priority": 1})
        kit.add(
            "dm",
            {"usubjid": "01", "subjid": "1", "rfstdtc": "2020-01-10", "rfxstdtc": "2020-01-10",
             "dthfl": "Y", "dthdtc": "2020-09-01", "age": "70", "ageu": "YEARS", "sex": "F",
             "arm": "A", "actarm": "A", "studyid": "TRIAL"},
            {"usubjid": "02", "subjid": "2", "armcd": "SCRNFAIL", "arm": "Screen Failure",
             "actarm": "Screen Failure", "studyid": "TRIAL"},
        )  # fmt: skip
        kit.add("ex", {"usubjid": "01", "extrt": "X", "exstdtc": "2020-01-10", "exseq": "1",
                       "exendtc": "2020-05-01"})  # fmt: skip
        organs = {"T01": "LIVER", "T02": "LUNG"}
        for number, (label, site) in enumerate(organs.items(), start=1):
            kit.add("tu", {"usubjid": "01", "tulnkid": label, "tutestcd": "TUMIDENT",
                           "tustresc": "TARGET", "tuorres": "TARGET", "tuloc": site,
                           "tueval": "INVESTIGATOR", "tudtc": "2020-01-01",
                           "tuseq": str(number)})  # fmt: skip
        sequence = 100
        for visit, (day, *sizes) in SCANS.items():
            for label, size in zip(organs, sizes, strict=True):
                sequence += 1
                kit.add("tr", {"usubjid": "01", "trlnkid": label, "trtestcd": "LDIAM",
                               "trorres": str(size), "trorresu": "mm", "trstresn": str(size),
                               "trstresu": "mm", "visit": visit, "trdtc": day,
                               "treval": "INVESTIGATOR", "trseq": str(sequence)})  # fmt: skip
        kit.add(
            "lb",
            {"usubjid": "01", "lbtestcd": "CEA", "lbtest": "Carcinoembryonic antigen",
             "lbstresn": "8", "lbstresu": "ug/L", "lbdtc": "2020-01-08", "lbseq": "1"},
            {"usubjid": "01", "lbtestcd": "CEA", "lbtest": "Carcinoembryonic antigen",
             "lbstresn": "6", "lbstresu": "ug/L", "lbdtc": "2020-02-21", "lbseq": "2"},
        )  # fmt: skip
        kit.build(*(f"adam.{name}" for name in TABLES))
        yield kit


def test_adsl_has_every_subject_with_populations_and_dates(trial: SqlKit) -> None:
    got = trial.rows("adam.adsl", "usubjid, studyid, age, agegr1, ittfl, saffl, dthfl, dthady")
    assert got == [
        ("01", "TRIAL", 70.0, ">=65", "Y", "Y", "Y", 236.0),
        ("02", "TRIAL", None, None, "N", "N", None, None),
    ]
    # 2020-01-10 to 2020-05-01: 21 + 29 + 31 + 30 + 1 days, and one.
    assert trial.rows("adam.adsl", "trtsdt, trtedt, trtdurd, dthdt, dthdom", "usubjid = '01'") == [
        (date(2020, 1, 10), date(2020, 5, 1), 113.0, date(2020, 9, 1), "DM")
    ]


def test_adtr_has_the_sum_with_changes_from_baseline_and_nadir(trial: SqlKit) -> None:
    got = trial.query(
        "SELECT avisitn, ady, aval, base, chg, round(pchg, 2), nadir, chgnad, round(pchgnad, 2), "
        "ablfl, anl01fl, crit1fl, crit2fl FROM adam.adtr WHERE paramcd = 'SDIAM' ORDER BY ady"
    )
    assert got == [
        (0, -9, 60, 60, None, None, None, None, None, "Y", "Y", None, None),
        (1, 43, 36, 60, -24, -40.0, 60, -24, -40.0, None, "Y", "N", "Y"),
        (2, 85, 36, 60, -24, -40.0, 36, 0, 0.0, None, "Y", "N", "Y"),
        (3, 127, 46, 60, -14, -23.33, 36, 10, 27.78, None, "Y", "Y", "N"),
    ]


def test_adtr_leads_a_size_to_its_record_and_a_sum_to_a_size_in_it(trial: SqlKit) -> None:
    sizes = trial.query(
        "SELECT paramcd, aval, srcdom, srcvar, srcseq FROM adam.adtr "
        "WHERE paramcd LIKE 'LDIAM%' ORDER BY srcseq"
    )
    values = [size for _, *sizes_of_day in SCANS.values() for size in sizes_of_day]
    assert [row[1] for row in sizes] == values
    assert [row[2:4] for row in sizes] == [("TR", "TRSTRESN")] * 8
    assert [row[4] for row in sizes] == list(range(101, 109))
    # Both lesions are of the day of the sum: the one of the lower ASEQ stands for it.
    leads = trial.query(
        "SELECT s.aval, l.paramcd, l.adt = s.adt FROM adam.adtr AS s INNER JOIN adam.adtr AS l "
        "ON s.srcdom = 'ADTR' AND s.patient_id = l.patient_id AND s.srcseq = l.aseq "
        "WHERE s.paramcd = 'SDIAM' ORDER BY s.ady"
    )
    assert leads == [(total, "LDIAM1", True) for total in (60, 36, 36, 46)]


def test_adrs_has_the_responses_by_visit_and_the_best(trial: SqlKit) -> None:
    by_visit = trial.query(
        "SELECT ady, avalc, aval FROM adam.adrs WHERE paramcd = 'OVRLRESP' ORDER BY ady"
    )
    assert by_visit == [(43, "PR", 2), (85, "PR", 2), (127, "PD", 5)]
    best = trial.query(
        "SELECT paramcd, avalc, adt FROM adam.adrs WHERE patient_id = 's1/01' AND paramcd IN "
        "('BOR', 'CBOR', 'RSP', 'CRSP', 'PD', 'DEATH') ORDER BY paramn"
    )
    assert best == [
        ("BOR", "PR", date(2020, 2, 21)),
        ("CBOR", "PR", date(2020, 2, 21)),
        ("RSP", "Y", date(2020, 2, 21)),
        ("CRSP", "Y", date(2020, 2, 21)),
        ("PD", "Y", date(2020, 5, 15)),
        ("DEATH", "Y", date(2020, 9, 1)),
    ]


def test_adrs_leads_the_best_response_to_its_visit_and_that_to_its_sum(trial: SqlKit) -> None:
    got = trial.query(
        "SELECT best.paramcd, visit.paramcd, visit.avalc, total.aval FROM adam.adrs AS best "
        "INNER JOIN adam.adrs AS visit ON best.srcdom = 'ADRS' AND best.srcseq = visit.aseq "
        "AND best.patient_id = visit.patient_id INNER JOIN adam.adtr AS total "
        "ON visit.srcdom = 'ADTR' AND visit.srcseq = total.aseq "
        "AND visit.patient_id = total.patient_id WHERE best.paramcd IN ('BOR', 'PD') "
        "ORDER BY best.paramn"
    )
    assert got == [("BOR", "OVRLRESP", "PR", 36.0), ("PD", "OVRLRESP", "PD", 46.0)]


def test_adtte_counts_the_first_day_as_1(trial: SqlKit) -> None:
    got = trial.query(
        "SELECT paramcd, startdt, adt, aval, cnsr, evntdesc, cnsdtdsc FROM adam.adtte "
        "WHERE paramcd IN ('OS', 'PFS', 'TTR', 'DOR') ORDER BY paramn"
    )
    first, response = date(2020, 1, 10), date(2020, 2, 21)
    progression, death = date(2020, 5, 15), date(2020, 9, 1)
    assert got == [
        ("OS", first, death, 236, 0, "Death", None),
        ("PFS", first, progression, 127, 0, "Progression", None),
        ("TTR", first, response, 43, 0, "Response", None),
        ("DOR", response, progression, 85, 0, "Progression", None),
    ]


def test_adtte_has_organs_and_lesions(trial: SqlKit) -> None:
    # T01 grows from 24 to 34 mm, T02 stays at 12 mm.
    got = trial.query(
        "SELECT paramcd, aval, cnsr, lesorg FROM adam.adtte WHERE parcat1 <> 'Patient' "
        "AND (paramcd LIKE 'PG%' OR paramcd LIKE 'LPROG%') ORDER BY paramn"
    )
    assert [row for row in got if row[2] == 0] == [
        ("PGLIVER", 127.0, 0.0, "liver"),
        ("LPROG1", 127.0, 0.0, "liver"),
    ]
    assert {row[0] for row in got if row[2] == 1} == {"PGLUNG", "LPROG2"}


def test_adlb_takes_the_last_value_before_treatment_as_baseline(trial: SqlKit) -> None:
    got = trial.query(
        "SELECT paramcd, param, ady, aval, base, chg, pchg, ablfl, srcseq FROM adam.adlb "
        "ORDER BY ady"
    )
    param = "Carcinoembryonic antigen (ug/L)"
    assert got == [
        ("CEA", param, -2, 8, 8, None, None, "Y", 1),
        ("CEA", param, 43, 6, 8, -2, -25, None, 2),
    ]


def test_adles_has_one_row_for_each_lesion(trial: SqlKit) -> None:
    got = trial.query(
        "SELECT lnkid, lestype, lesorg, bldiam, rspdays, rspcnsr, prgdays, prgcnsr, srcseq "
        "FROM adam.adles ORDER BY aseq"
    )
    last_scan = 127
    assert got == [
        ("T01", "TARGET", "liver", 40, 43, 0, 127, 0, 1),
        ("T02", "TARGET", "lung", 20, 43, 0, last_scan, 1, 2),
    ]
