"""The public oncology files of pharmaverse: responses by a second criterion are kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlkit import SqlKit

from warehouse.studies import load_study

STUDIES = Path(__file__).parents[1] / "data" / "studies"
FILES = ("dm.csv", "ex.csv", "tu_onco.csv", "tr_onco.csv.gz", "rs_onco.csv")

# Rows of pharmaversesdtm's rs_onco_ca125 and rs_onco_pcwg3 (Apache-2.0), of one subject each.
OTHER = """STUDYID,DOMAIN,USUBJID,RSSEQ,RSTESTCD,RSCAT,RSORRES,RSSTRESC,RSEVAL,RSDTC,RSDY
CDISCPILOT01,RS,01-701-1130,901,OVRLRESP,CA125,Non-Response/ Non-PD,SD,INVESTIGATOR,2014-03-08,
CDISCPILOT01,RS,01-701-1130,902,OVRLRESP,CA125,Progressive Disease,PD,INVESTIGATOR,2014-03-29,
CDISCPILOT01,RS,01-701-1130,903,OVRLRESP,RECIST 1.1 - CA125,PD,PD,INVESTIGATOR,2014-03-29,
CDISCPILOT01,RS,01-701-1115,904,SFTSRESP,RECIST 1.1,NED,NED,INVESTIGATOR,2013-01-23,55
CDISCPILOT01,RS,01-701-1115,905,OVRLRESP,PCWG SCHER PROSTATE CANCER 2016,PDu,PDu,INVESTIGATOR,,55
CDISCPILOT01,RS,01-701-1118,906,OVRLRESP,IMWG,VGPR,VGPR,INVESTIGATOR,2014-06-05,84
"""


def load(shared: Path, root: Path, *, with_others: bool) -> SqlKit:
    source = shared / "data" / "pharmaverse_sdtm_onco" / "csv"
    place = root / "studies" / "pharmaverse_onco"
    place.mkdir(parents=True)
    described = (STUDIES / "pharmaverse_onco" / "study.yml").read_text("utf-8")
    files = list(FILES)
    if with_others:
        described = described.replace(
            "rs_onco_irecist: ignore", "rs_onco_irecist: rs\n  rs_others: rs"
        )
        files.append("rs_onco_irecist.csv")
        (place / "rs_others.csv").write_text(OTHER, "utf-8")
    else:
        described = described.replace("  rs_onco_irecist: ignore\n", "")
    (place / "study.yml").write_text(described, "utf-8")
    for file in files:
        (place / file).symlink_to(source / file)
    load_study(place, root / "raw", loaded_at=datetime(2026, 1, 2))
    kit = SqlKit().take(root / "raw")
    return kit.build(
        "core.response", "core.patient", "quality.row_audit", "quality.finding_responses"
    )


@pytest.fixture(scope="module")
def alone(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlKit]:
    with load(shared, tmp_path_factory.mktemp("alone"), with_others=False) as kit:
        yield kit


@pytest.fixture(scope="module")
def several(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlKit]:
    with load(shared, tmp_path_factory.mktemp("several"), with_others=True) as kit:
        yield kit


def test_other_criteria_move_no_endpoint_by_recist(alone: SqlKit, several: SqlKit) -> None:
    endpoints = "patient_id, best_overall_response, pfs_days, pfs_event, pfs_source"
    assert alone.rows("core.patient", endpoints) == several.rows("core.patient", endpoints)
    assert alone.rows("core.response") == several.rows(
        "core.response", "*", "is_analysis_criterion"
    )


def test_each_criterion_stands_by_itself(several: SqlKit) -> None:
    assert several.rows("staging.study_criterion", "criterion, chosen_by, n_patients") == [
        ("GCIG CA-125", None, 1),
        ("IMWG", None, 1),
        ("PCWG3", None, 1),
        ("RECIST 1.1", "recist_family", 205),  # as PROVENANCE counts them
        ("RECIST 1.1 and GCIG CA-125", None, 1),
        ("iRECIST", None, 26),
    ]
    terms = several.rows(
        "staging.disease_response_screen",
        "response_term, response",
        "criterion = 'iRECIST' AND test_code = 'OVRLRESP' AND response IS NOT NULL",
    )
    # As the file has them: 75 overall responses, two of them NOT DONE.
    assert {pair: terms.count(pair) for pair in set(terms)} == {
        ("NE", "NE"): 7,
        ("NON-iCR/NON-iUPD", "NON-CR/NON-PD"): 3,
        ("iCPD", "PD"): 2,
        ("iCR", "CR"): 10,
        ("iPR", "PR"): 16,
        ("iSD", "SD"): 14,
        ("iUPD", "PD"): 21,
    }
    assert several.query("SELECT step FROM quality.row_audit WHERE NOT is_balanced") == []


def test_words_that_do_not_fit_are_named(several: SqlKit) -> None:
    assert several.rows(
        "quality.finding_responses", "count(*), value", "defect_id = 'rows.7a' GROUP BY value"
    ) == [(3, "CHECK")]
    misused = several.query(
        "SELECT value, count(*) FROM quality.finding_responses WHERE defect_id = 'rows.7b' "
        "GROUP BY value ORDER BY value"
    )
    assert misused == [("IPR", 1), ("ISD", 2)]


def test_progression_that_the_source_does_not_call_is_said_to_be_so(alone: SqlKit) -> None:
    """197 of 205 subjects agree on PFS; of the others each target sum says PD, and RS another word.

    01-703-1119: sums of 83.0, 42.1 and 51.0 mm. 51.0 is 21 % and 8.9 mm above the nadir, and 39 %
    below baseline: progression by RECIST 1.1, and the source calls it PR.
    """
    alone.build("analysis.endpoint_agreement")
    assert alone.rows(
        "analysis.endpoint_agreement",
        "is_agreed, reason_id, count(*)",
        "endpoint = 'PFS' GROUP BY is_agreed, reason_id",
    ) == [(False, "stated_response_differs", 8), (True, None, 197)]
    differing = "endpoint = 'PFS' AND NOT is_agreed"
    assert alone.rows(
        "analysis.endpoint_agreement",
        "DISTINCT derived_response, split_part(derived_progression, ',', 1)",
        differing,
    ) == [("PD", "target")]
    assert alone.rows(
        "analysis.visit_response",
        "round(sum_of_diameters_mm, 1), round(change_from_nadir_mm, 1), overall_response",
        "patient_id = 'pharmaverse_onco/01-703-1119' AND is_analysis_reader",
    ) == [(42.1, -40.9, "PR"), (51.0, 8.9, "PD"), (83.0, None, None)]
    assert alone.rows(
        "analysis.endpoint_agreement",
        "difference_days, stated_there, derived_end, stated_end",
        f"{differing} AND patient_id LIKE '%/01-703-1119'",
    ) == [(0.0, "PR", "progression", "censored")]
