"""Rules of quality.defect's plausibility.5 to 7: each rule at its edges, and each defect seeded
into a clean simulated trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlkit import SqlKit

from warehouse.simulate import write_trials
from warehouse.studies import load_study

PATIENTS, RECORDS = "quality.finding_plausible_patients", "quality.finding_plausible_records"


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1")
        yield kit


def found(
    kit: SqlKit, table: str, defect_id: str, columns: str = "patient_id, value"
) -> list[tuple[Any, ...]]:
    """Findings of one kind, without the study's name before a patient's."""
    kit.build(table)
    rows = kit.rows(table, columns, f"defect_id = '{defect_id}'")
    return [tuple(x.removeprefix("s1/") if isinstance(x, str) else x for x in row) for row in rows]


def doses(kit: SqlKit, *usubjids: str) -> None:
    kit.add("ex", *({"usubjid": who, "extrt": "A", "exstdtc": "2020-01-01"} for who in usubjids))


def adults(kit: SqlKit, n: int, **dm: Any) -> None:
    for number in range(n):
        kit.subject(f"a{number:02d}", **{"age": "60", **dm})


def test_ages_that_no_patient_of_the_trial_has(kit: SqlKit) -> None:
    adults(kit, 9)
    for age in ("17", "18", "100", "101", "-1"):
        kit.subject(age, age=age)
    kit.subject("months", age="130", ageu="MONTHS")
    assert found(kit, PATIENTS, "plausibility.5a") == [("-1", "-1"), ("101", "101")]
    kit.query("UPDATE raw.dm SET age = '60', ageu = NULL WHERE usubjid IN ('-1', 'months')")
    assert found(kit, PATIENTS, "plausibility.5a", "patient_id, message") == [
        ("101", "An age of 101 years."),
        ("17", "An age of 17 years; 14 of the study's 15 patients are 18 or older."),
    ]


def test_children_in_a_trial_of_children_are_as_they_should_be(kit: SqlKit) -> None:
    adults(kit, 20, age="9")
    kit.subject("infant", age="0")
    assert found(kit, PATIENTS, "plausibility.5a") == []


def test_ages_and_sexes_that_cannot_be_read(kit: SqlKit) -> None:
    words = [("60", "M"), ("NK", "unknown"), (None, None), ("65-69", "female"), ("60", "X")]
    for number, (age, sex) in enumerate(words):
        kit.subject(str(number), age=age, sex=sex)
    assert found(kit, PATIENTS, "plausibility.5b") == [("3", "65-69")]
    assert found(kit, PATIENTS, "plausibility.5c") == [("4", "X")]


def test_what_more_than_one_patient_in_20_and_five_show_is_one_finding(kit: SqlKit) -> None:
    for number in range(6):
        kit.subject(str(number), sex=str(number % 2 + 1))
    message = "SEX 1 is neither M nor F: taken as not known. So, or likewise, of 6 patients of "
    assert found(kit, PATIENTS, "plausibility.5c", "patient_id, message") == [
        (None, message + "the study.")
    ]
    kit.query("UPDATE raw.dm SET sex = 'F' WHERE usubjid = '5'")
    assert len(found(kit, PATIENTS, "plausibility.5c")) == 5


def lab(kit: SqlKit, who: str, value: Any, test: str = "LDH", unit: str = "U/L") -> None:
    kit.add("lb", {"usubjid": who, "lbtestcd": test, "lborres": str(value), "lborresu": unit,
                   "lbdy": "1"})  # fmt: skip


def test_laboratory_results_are_held_against_those_of_the_study(kit: SqlKit) -> None:
    adults(kit, 39)
    kit.subject("x")
    for number in range(39):
        who = f"a{number:02d}"
        # 181 to 219 around 200: a robust deviation is small, so 50 times the median counts.
        lab(kit, who, 181 + number)
        lab(kit, who, number - 19, test="BE", unit="mmol/L")
        # Powers of ten from 0.1 to 10000: a thousandfold is nothing unusual.
        lab(kit, who, 10 ** (number % 6) / 10, test="CEA", unit="ug/L")
    for value in (9000, 11000, 3.7, 4.3, -5):
        lab(kit, "x", value)
    lab(kit, "x", 20000, test="CEA", unit="ug/L")
    assert found(kit, PATIENTS, "plausibility.5d") == [("x", "-5")]
    # The median of the 43 positive results is 200: a fiftieth is 4, fifty times 10000.
    assert found(kit, PATIENTS, "plausibility.5e") == [("x", "11000"), ("x", "3.7")]


def test_few_patients_say_nothing_of_one_result_far_off(kit: SqlKit) -> None:
    adults(kit, 19)
    for number in range(19):
        for value in (180 + number, 200):
            lab(kit, f"a{number:02d}", value)
    lab(kit, "a00", 200000)
    assert found(kit, PATIENTS, "plausibility.5e") == []
    kit.subject("x")
    lab(kit, "x", 200)
    assert found(kit, PATIENTS, "plausibility.5e") == [("a00", "200000")]


def test_covariates_that_no_patient_has(kit: SqlKit) -> None:
    values = {"LDHRATIO": ("0.05", "1000", "-1.2"), "BMI": ("8", "250"), "BSA": ("4", "18", "NK")}
    kit.subject("1")
    for name, texts in values.items():
        kit.add("suppdm", *({"usubjid": "1", "qnam": name, "qval": text} for text in texts))
    assert found(kit, PATIENTS, "plausibility.5f", "value") == [
        ("-1.2",), ("1000",), ("18",), ("250",)
    ]  # fmt: skip


def test_arms_and_doses_that_are_missing_or_contradict(kit: SqlKit) -> None:
    adults(kit, 9, arm="A", actarm="A")
    kit.subject("none")
    kit.subject("screened", None)
    kit.subject("code", armcd="A")
    kit.subject("untreated", arm="A", actarm="Not Treated")
    kit.subject("failure", None, arm="Screen Failure", armcd="SCRNFAIL")
    kit.subject("undosed", arm="A", actarm="A")
    doses(kit, *(f"a{n:02d}" for n in range(9)), "none", "untreated")
    kit.add("ex", {"usubjid": "undosed", "extrt": "A", "exdose": "0"})
    kit.study("s2")  # nobody has an arm, and nobody a dose: the study's way
    kit.subject("x")
    assert found(kit, PATIENTS, "plausibility.6a") == [("code", "A"), ("none", None)]
    assert found(kit, PATIENTS, "plausibility.6b", "patient_id, message") == [
        ("untreated", "Not Treated by DM; EX has 1 rows of doses, the first of day 0.")
    ]
    assert found(kit, PATIENTS, "plausibility.6c", "patient_id, message") == [
        ("undosed", "EX has no dose; 9 of 10 patients of the arm have one.")
    ]


def test_an_arm_that_is_not_dosed_lacks_no_dose(kit: SqlKit) -> None:
    adults(kit, 12, arm="A", actarm="A")
    doses(kit, *(f"a{n:02d}" for n in range(5)))
    assert found(kit, PATIENTS, "plausibility.6c") == []


@pytest.mark.parametrize(
    ("death", "n"),
    [({"dthdtc": "2020-05-01"}, 4), ({"dthdtc": "2020-05-02"}, 0), ({"dthdtc": "2020-05"}, 0)],
    ids=["before", "on the day", "no day"],
)
def test_records_after_death(kit: SqlKit, death: dict[str, str], n: int) -> None:
    kit.subject("1", dthfl="Y", **death)
    day = "2020-05-02"
    kit.add("pr", {"usubjid": "1", "prtrt": "IRINOTECAN", "prstdtc": day})
    kit.add("cm", {"usubjid": "1", "cmtrt": "IRINOTECAN", "cmstdtc": day})
    kit.add("ae", {"usubjid": "1", "aeterm": "NAUSEA", "aestdtc": day})
    for value in (200, 210):
        kit.add("lb", {"usubjid": "1", "lbtestcd": "LDH", "lborres": str(value), "lbdtc": day})
    rows = found(kit, PATIENTS, "plausibility.6d", "domain, message")
    assert len(rows) == n
    if n:
        assert rows[1] == ("cm", "IRINOTECAN on day 122; the patient died on day 121.")
        assert rows[2] == ("lb", "LDH on day 122; the patient died on day 121; 2 such rows.")


def test_an_end_before_the_first_dose(kit: SqlKit) -> None:
    kit.subject("1", rfendtc="2019-12-31", rfpendtc="2020-01-01")
    kit.subject("2", rfpendtc="2019-06-01")
    assert found(kit, PATIENTS, "plausibility.6e", "column_name, value") == [
        ("rfendtc", "2019-12-31"), ("rfpendtc", "2019-06-01")
    ]  # fmt: skip


def test_a_date_of_death_without_the_flag(kit: SqlKit) -> None:
    kit.subject("1", dthdtc="2020-05-01")
    kit.subject("2", dthdtc="2020-05", dthfl="N")
    assert found(kit, RECORDS, "plausibility.7a") == []  # DTHFL is not in use
    kit.subject("3", dthdtc="2020-05-01", dthfl="Y")
    assert found(kit, RECORDS, "plausibility.7a", "patient_id, message") == [
        ("1", "DTHDTC 2020-05-01 without a death flag: taken as dead."),
        ("2", "DTHDTC 2020-05, and by DTHFL alive: the date was not used."),
    ]


@pytest.mark.parametrize(
    ("day", "word", "n"),
    [("50", "SD", 0), ("51", "SD", 1), ("51", "NE", 0), ("36", "PD", 0), ("35", "PD", 1)],
)
def test_a_response_on_a_day_without_a_scan(kit: SqlKit, day: str, word: str, n: int) -> None:
    """The scans are of days 1 and 43; a week from one is still its time point."""
    kit.subject("1")
    kit.lesion()
    kit.size(1, 20)
    kit.size(43, 22)
    kit.add("rs", {"usubjid": "1", "rstestcd": "OVRLRESP", "rscat": "RECIST 1.1", "rsorres": word,
                   "rsstresc": word, "rsdy": day})  # fmt: skip
    assert len(found(kit, RECORDS, "plausibility.7b")) == n


def test_a_response_to_a_scan_that_was_quarantined_is_not_named(kit: SqlKit) -> None:
    kit.subject("1")
    kit.lesion()
    kit.size(1, 20)
    kit.size(None, 22, visit="WEEK 12")
    kit.add("rs", *({"usubjid": "1", "rstestcd": "OVRLRESP", "rscat": "RECIST 1.1",
                     "rsstresc": "SD", "rsdy": day, "visit": visit}
                    for day, visit in (("85", "WEEK 12"), ("169", "WEEK 24"))))  # fmt: skip
    assert found(kit, RECORDS, "plausibility.7b") == [("1", "168")]


@pytest.mark.parametrize(
    ("first", "second", "n"),
    [
        ("LIVER", "LUNG", 1),
        ("LIVER", "LIVER, SEGMENT 4", 0),
        ("LYMPH NODE, AXILLARY", "LYMPH NODE", 0),
        ("LIVER", "OTHER", 0),
        ("LIVER", None, 0),
    ],
)
def test_a_lesion_in_two_organs(kit: SqlKit, first: str, second: str | None, n: int) -> None:
    kit.subject("1")
    for day, site in (("1", first), ("43", second)):
        kit.lesion(tuloc=site, tudy=day)
    rows = found(kit, RECORDS, "plausibility.7c", "value, message")
    message = "LUNG here and LIVER before: the lesion was taken to be of the first."
    assert rows == ([("LUNG", message)] if n else [])


def test_a_size_without_a_unit_where_others_have_one(kit: SqlKit) -> None:
    kit.subject("1")
    kit.lesion()
    kit.size(1, 20)
    kit.size(43, 22, trorresu=None)
    kit.size(85, 0, trorresu=None)
    kit.size(127, "TOO SMALL TO MEASURE", trorresu=None)
    assert found(kit, RECORDS, "plausibility.7d") == [("1", "22")]
    kit.size(169, 23, trorresu=None)
    assert found(kit, RECORDS, "plausibility.7d") == []


def test_rows_of_another_study(kit: SqlKit) -> None:
    kit.subject("1", studyid="A")
    kit.lesion(studyid="A")
    for day, name in ((1, "A"), (43, "A"), (85, "B"), (127, None)):
        kit.size(day, 20, studyid=name)
    assert found(kit, RECORDS, "plausibility.7e", "patient_id, domain, value, message") == [
        ("1", "tr", "B", "1 rows of 1 subjects are of the study B; the others of A.")
    ]


# Each changes the rows of one subject of a clean simulated study, {who}.
SEEDED = {
    "plausibility.5a": "UPDATE raw.dm SET age = '7' WHERE {who}",
    "plausibility.5b": "UPDATE raw.dm SET age = 'SIXTY' WHERE {who}",
    "plausibility.5c": "UPDATE raw.dm SET sex = 'X' WHERE {who}",
    "plausibility.5d": "UPDATE raw.lb SET lborres = '-' || lborres, lbstresc = '-' || lbstresc, "
    "lbstresn = '-' || lbstresn WHERE {who} AND lbtestcd = 'LDH' AND visitnum = '1'",
    "plausibility.5e": "UPDATE raw.lb SET lborres = lborres || '000', lbstresc = lbstresc || '000',"
    " lbstresn = CAST(1000 * CAST(lbstresn AS DOUBLE) AS VARCHAR) "
    "WHERE {who} AND lbtestcd = 'LDH' AND visitnum = '1'",
    "plausibility.5f": "UPDATE raw.suppdm SET qval = '-1.5' WHERE {who} AND qnam = 'LDHRATIO'",
    "plausibility.6a": "UPDATE raw.dm SET arm = NULL, actarm = NULL WHERE {who}",
    "plausibility.6b": "UPDATE raw.dm SET actarm = 'Not Treated', actarmcd = 'NOTTRT' WHERE {who}",
    "plausibility.6c": "DELETE FROM raw.ex WHERE {who}",
    "plausibility.6d": "INSERT INTO raw.pr (_study_id, _source_file, _source_row, usubjid, prtrt, "
    "prcat, prstdtc) SELECT _study_id, 'pr.csv', 9999, usubjid, 'IRINOTECAN', "
    "'SUBSEQUENT THERAPY', CAST(CAST(dthdtc AS DATE) + 30 AS VARCHAR) FROM raw.dm WHERE {who}",
    "plausibility.6e": "UPDATE raw.dm SET rfendtc = "
    "CAST(CAST(rfstdtc AS DATE) - 30 AS VARCHAR) WHERE {who}",
    "plausibility.7a": "UPDATE raw.dm SET dthfl = NULL WHERE {who}",
    "plausibility.7b": "UPDATE raw.rs SET rsdtc = CAST(CAST(rsdtc AS DATE) + 20 AS VARCHAR), "
    "rsdy = CAST(CAST(rsdy AS INTEGER) + 20 AS VARCHAR) "
    "WHERE {who} AND rstestcd = 'OVRLRESP' AND visitnum = '2'",
    "plausibility.7c": "INSERT INTO raw.tu BY NAME SELECT * REPLACE ('BONE' AS tuloc, "
    "CAST(tudtc AS DATE) + 42 AS tudtc, CAST(tudy AS INTEGER) + 42 AS tudy, 9999 AS _source_row) "
    "FROM raw.tu WHERE {who} AND tutestcd = 'TUMIDENT' AND tuorres = 'TARGET' "
    "AND tuloc NOT LIKE '%BONE%' LIMIT 1",
    "plausibility.7d": "UPDATE raw.tr SET trorresu = NULL, trstresu = NULL "
    "WHERE {who} AND trtestcd = 'LDIAM' AND visitnum = '2'",
    "plausibility.7e": "UPDATE raw.tr SET studyid = 'OTHER' WHERE {who}",
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw tables of the largest of eight clean simulated trials: 93 patients."""
    folder = tmp_path_factory.mktemp("plausible")
    write_trials(folder, "mcrc", patients=450, seed=11)
    load_study(folder / "studies" / "MCRC06", folder / "raw", loaded_at=datetime(2024, 1, 1))
    return folder / "raw"


def named_in(kit: SqlKit) -> set[tuple[Any, ...]]:
    kit.build(PATIENTS, RECORDS)
    columns = "defect_id, patient_id"
    return {*kit.rows(PATIENTS, columns), *kit.rows(RECORDS, columns)}


def test_each_kind_is_named_where_it_is_seeded_and_nowhere_else(study: Path) -> None:
    """One subject for each kind, of those who died, were scanned twice and have an LDH."""
    with SqlKit() as kit:
        kit.take(study)
        assert named_in(kit) == set()
        subjects = kit.query(
            "SELECT usubjid FROM raw.dm WHERE length(dthdtc) = 10 AND usubjid IN "
            "(SELECT usubjid FROM raw.lb WHERE lbtestcd = 'LDH' AND visitnum = '1') "
            "AND usubjid IN (SELECT usubjid FROM raw.rs WHERE rstestcd = 'OVRLRESP' "
            "AND visitnum = '2' AND rsstresc <> 'NE') ORDER BY _source_row"
        )
        assert len(subjects) >= len(SEEDED)
        for sql, (subject,) in zip(SEEDED.values(), subjects, strict=False):
            kit.query(sql.format(who=f"usubjid = '{subject}'"))
        assert named_in(kit) == {
            (kind, f"MCRC06/{subject}") for kind, (subject,) in zip(SEEDED, subjects, strict=False)
        }
