"""What the test codes of TR mean: sizes, states, sums, and what is no size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlkit import SqlKit

from warehouse.sources.spec import TEST_MEANINGS

SEED = Path(__file__).resolve().parents[2] / "sql" / "seeds" / "staging.test_code.csv"


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """A study of zero-based days with subject 1."""
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1")
        yield kit


def node(kit: SqlKit, code: str, sizes: dict[int, float], label: str = "T02", **tr: Any) -> None:
    kit.lesion(label, tuloc="AXILLARY LYMPH NODE", tudy="-6")
    for day, size in sizes.items():
        kit.size(day, size, label, trtestcd=code, **tr)


def responses(kit: SqlKit) -> list[tuple[Any, ...]]:
    kit.build("analysis.visit_response")
    return kit.rows("analysis.visit_response", "day, sum_of_diameters_mm, target_response")


def test_every_code_of_cdiscs_list_is_there_once() -> None:
    """75 terms of C96779 in the terminology of 2025-03-25."""
    found = duckdb.sql(
        f"SELECT count(*), count(DISTINCT test_code), count(DISTINCT source) FROM '{SEED}' "
        "WHERE source LIKE 'CDISC C%'"
    ).fetchall()
    assert found == [(75, 75, 75)]


@pytest.mark.parametrize("code", ["LPERP", "SAXIS", "LNSADIAM", "SHAXIS", "saxis"])
def test_a_node_counts_by_its_short_axis_under_any_code(kit: SqlKit, code: str) -> None:
    """50, 60 and 75 mm: +25 % and +25 mm from the nadir of 50 is progression on day 84."""
    kit.lesion("T01", tuloc="LUNG", tudy="-6")
    for day in (-6, 42, 84):
        kit.size(day, 30)
    node(kit, code, {-6: 20, 42: 30, 84: 45})
    assert responses(kit) == [(-6, 50.0, None), (42, 60.0, "PD"), (84, 75.0, "PD")]


def test_a_node_below_10_mm_and_a_lesion_gone_are_a_complete_response(kit: SqlKit) -> None:
    kit.lesion("T01", tuloc="LUNG", tudy="-6")
    for day, size in ((-6, 25), (42, 18), (84, 0)):
        kit.size(day, size)
    node(kit, "LNSADIAM", {-6: 20, 42: 12, 84: 8})
    assert responses(kit) == [(-6, 45.0, None), (42, 30.0, "PR"), (84, 8.0, "CR")]


def test_cdiscs_own_code_comes_before_diameter_and_a_sponsors(kit: SqlKit) -> None:
    kit.lesion("T01", tuloc="LUNG")
    for code, size in (("LNGDIA", 14), ("DIAMETER", 13), ("LDIAM", 12)):
        kit.size(0, size, trtestcd=code)
    kit.size(42, 11, trtestcd="DIAMETER")
    kit.size(84, 10, trtestcd="LNGDIA")
    kit.build("core.measurement")
    assert kit.rows("core.measurement", "day, diameter_mm") == [(0, 12.0), (42, 11.0), (84, 10.0)]


def test_a_viable_diameter_stands_only_where_there_is_no_long_axis(kit: SqlKit) -> None:
    for label in ("T01", "T02"):
        kit.lesion(label, tuloc="LIVER")
    kit.size(0, 40, "T01", trtestcd="LDIAM")
    for label in ("T01", "T02"):
        kit.size(0, 30, label, trtestcd="VDIAM")
        kit.size(42, 20, label, trtestcd="VDIAM")
    kit.build("core.measurement", "quality.finding_lesions", "quality.row_audit")
    assert kit.rows("core.measurement", "lesion_id, day, diameter_mm") == [
        ("s1/1/-/T01", 0, 40.0),
        ("s1/1/-/T02", 0, 30.0),
        ("s1/1/-/T02", 42, 20.0),
    ]
    assert kit.rows("quality.finding_lesions", "defect_id, value, message") == [
        ("sizes.7b", "VDIAM", "2 numbers of 1 target lesions are not used: Viable Diameter.")
    ]
    assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []


def test_volumes_are_converted_as_volumes(kit: SqlKit) -> None:
    kit.lesion("T01", tuloc="LIVER")
    kit.size(0, 3, trtestcd="TUMVOL", trorresu="cm3")
    kit.size(42, 20, trtestcd="VOLUME", trorresu="mm")
    kit.build("core.measurement", "quality.quarantine")
    assert kit.rows("core.measurement", "day, volume_mm3, volume_source") == [
        (0, 3000.0, "measured")
    ]
    assert kit.rows("quality.quarantine", "reason_id, defect_id") == [("unknown_unit", None)]


def test_numbers_that_are_not_used_are_counted_by_code(kit: SqlKit) -> None:
    kit.lesion("T01", tuloc="LIVER")
    kit.lesion("NT01", "NON-TARGET", tuloc="LIVER")
    for day in (0, 42):
        kit.size(day, 20)
        kit.size(day, 7.5, trtestcd="SUVMAX", trorresu=None)
        kit.size(day, 22, trtestcd="MYSIZE")
        kit.size(day, 9, "NT01", trtestcd="MYSIZE")
        kit.size(day, None, trtestcd="MYSIZE", trstat="NOT DONE")
    kit.build("quality.finding_lesions")
    assert kit.rows("quality.finding_lesions", "defect_id, study_id, value, message") == [
        ("sizes.7a", "s1", "MYSIZE", "2 numbers of 1 target lesions are not used."),
        (
            "sizes.7b",
            "s1",
            "SUVMAX",
            "2 numbers of 1 target lesions are not used: Standardized Uptake Value Maximum.",
        ),
    ]


def test_study_yml_says_what_a_code_means(kit: SqlKit) -> None:
    for code, meaning in (
        ("MYLONG", "long_axis"),
        ("MYNODE", "short_axis"),
        ("MYVOL", "volume"),
        ("MYSTATE", "state"),
        ("MYSUM", "sum_of_diameters"),
        ("LDIAM", "other"),
    ):
        kit.add("study_test_code", {"test_code": code, "meaning": meaning})
    kit.lesion("T01", tuloc="LUNG")
    kit.lesion("NT01", "NON-TARGET", tuloc="LUNG")
    kit.size(0, 30, trtestcd="MYLONG")
    kit.size(0, 99, trtestcd="LDIAM")
    kit.size(0, 500, trtestcd="myvol", trorresu="mm3")
    kit.size(0, 30, None, trtestcd="MYSUM")
    kit.size(0, 7, "NT01", trtestcd="SUMXDIAM")
    kit.state(0, "PRESENT", "NT01", trtestcd="MYSTATE")
    node(kit, "MYNODE", {0: 15})
    kit.build("core.measurement", "core.lesion_assessment")
    assert kit.rows(
        "core.measurement", "lesion_id, long_axis_mm, short_axis_mm, volume_mm3 = 500"
    ) == [
        ("s1/1/-/T01", 30.0, None, True),
        ("s1/1/-/T02", None, 15.0, False),
    ]
    assert kit.rows("core.lesion_assessment", "lesion_id, status") == [("s1/1/-/NT01", "SD")]
    assert kit.rows("staging.tumor_result", "test_code, sum_mm", "result_kind = 'sum'") == [
        ("MYSUM", 30.0),
        ("SUMXDIAM", 7.0),
    ]


def test_every_meaning_of_study_yml_makes_a_kind(kit: SqlKit) -> None:
    for number, meaning in enumerate(TEST_MEANINGS):
        kit.add("study_test_code", {"test_code": f"CODE{number}", "meaning": meaning})
        kit.size(0, 30, trtestcd=f"CODE{number}")
    kit.build("staging.study_test_code")
    assert kit.query(
        "SELECT s.meaning, t.kind, t.quantity FROM staging.study_test_code AS t INNER JOIN "
        "raw.study_test_code AS s ON t.test_code = s.test_code WHERE t.is_study_stated "
        "ORDER BY t.test_code"
    ) == [
        ("long_axis", "size", "long"),
        ("short_axis", "size", "short"),
        ("diameter", "size", "long"),
        ("viable_diameter", "size", "viable"),
        ("volume", "size", "volume"),
        ("state", "state", None),
        ("sum_of_diameters", "sum", "diameter"),
        ("other", "other", None),
    ]


@pytest.mark.parametrize(
    ("words", "responses_"),
    [
        (("PATHOLOGICAL", "NONPATHOLOGICAL"), ("NON-CR/NON-PD", "CR")),
        (("PATHOLOGICAL", "NON-PATHOLOGICAL"), ("NON-CR/NON-PD", "CR")),
        (("PATHOLOGICAL", "PATHOLOGICAL"), ("NON-CR/NON-PD", "NON-CR/NON-PD")),
    ],
)
def test_the_state_of_a_non_target_node(
    kit: SqlKit, words: tuple[str, str], responses_: tuple[str, str]
) -> None:
    kit.lesion("T01", tuloc="LIVER", tudy="-7")
    kit.lesion("N01", "NON-TARGET", tuloc="LYMPH NODE", tudy="-7")
    for day, word in ((-7, "PATHOLOGICAL"), (42, words[0]), (84, words[1])):
        kit.size(day, 50 if day < 0 else 0)
        kit.state(day, word, "N01", trtestcd="LNSTATE", trgrpid="NON-TARGET")
    kit.build("analysis.visit_response")
    assert kit.rows("analysis.visit_response", "day, nontarget_response", "day > 0") == [
        (42, responses_[0]),
        (84, responses_[1]),
    ]


def test_the_state_of_all_nodes_is_no_lesions(kit: SqlKit) -> None:
    """SDTM implementation guide 3.4, TR example 2: LNSTATE without a link id or a date."""
    kit.lesion("T01", tuloc="LIVER")
    kit.size(0, 20)
    kit.state(None, "PATHOLOGICAL", None, trtestcd="LNSTATE", trgrpid="TARGET")
    kit.size(None, -32, None, trtestcd="ACNSD")
    kit.size(None, -52, None, trtestcd="PCBSD", trorresu="%")
    kit.build("core.lesion", "quality.quarantine")
    assert kit.rows("quality.quarantine") == []
    assert kit.rows("core.lesion", "lesion_label") == [("T01",)]
    assert kit.rows("staging.tumor_result", "test_code, result_kind", "test_code <> 'LDIAM'") == [
        ("ACNSD", "derived"),
        ("LNSTATE", "other"),
        ("PCBSD", "derived"),
    ]
