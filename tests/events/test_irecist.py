"""iRECIST beside RECIST 1.1: the rows of the guideline's tables 2 and 3, on courses by hand.

Seymour et al. 2017, Lancet Oncol 18:e143. Scans are six weeks apart (days 42, 84, 126, ...), which
is within the window of four to eight weeks for confirmation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest
from events.event_models import load_seeds, records, run_model
from events.event_tables import Core
from events.test_visit_response import MODELS as VISIT_MODELS

MODELS = (
    *VISIT_MODELS,
    "analysis.irecist_response",
    "analysis.irecist_best_response",
)


def irecist(core: Core, columns: str = "irecist_response") -> list[Any]:
    """The time points in order of day: one value, or a tuple of several."""
    with core.build(*MODELS) as con:
        rows = con.execute(
            f"SELECT {columns} FROM analysis.irecist_response ORDER BY day"
        ).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def best(core: Core) -> dict[str, Any]:
    with core.build(*MODELS) as con:
        (row,) = records(con, "SELECT * FROM analysis.irecist_best_response")
    return row


def measured_new(core: Core, sizes: Mapping[int, float], lesion_id: str, **more: Any) -> None:
    """Adds a new lesion with its diameter by day."""
    core.new(min(sizes), lesion_id, **more)
    for day, size in sizes.items():
        core.measurements.append(
            {
                "lesion_id": lesion_id,
                "day": day,
                "patient_id": "S/1",
                "reader": "",
                "diameter_mm": size,
                "is_baseline": False,
            }
        )


# Table 2, no iUPD before: the response is that of RECIST 1.1, with its prefix -----------------


@pytest.mark.parametrize(
    ("target", "nontarget", "expected"),
    [
        (0, "CR", "iCR"),
        (0, "SD", "iPR"),
        (60, "SD", "iPR"),
        (100, "SD", "iSD"),
        (100, "PD", "iUPD"),
        (60, "PD", "iUPD"),
        (0, "PD", "iUPD"),
        (130, "SD", "iUPD"),
        (130, "CR", "iUPD"),
        (130, "PD", "iUPD"),
    ],
)
def test_table_2_without_an_earlier_progression(core: Core, target, nontarget, expected) -> None:
    core.target({0: 100, 42: target})
    core.nontarget({0: "SD", 42: nontarget})
    assert irecist(core) == [expected]


def test_a_new_lesion_is_unconfirmed_progression(core: Core) -> None:
    core.target({0: 100, 42: 60})
    core.new(42, words={42: "PD"})
    assert irecist(core) == ["iUPD"]


def test_without_target_lesions_neither_is_a_category_of_its_own(core: Core) -> None:
    core.nontarget({0: "SD", 42: "SD", 84: "CR", 126: "PD"})
    assert irecist(core) == ["NON-iCR/NON-iUPD", "iCR", "iUPD"]


# Table 2, with an iUPD in the category before --------------------------------------------------


@pytest.mark.parametrize(
    ("next_size", "expected", "by"),
    [
        (135, "iCPD", "target"),  # 5 mm more than the iUPD of 130
        (134.9, "iUPD", None),  # not 5 mm more
        (130, "iUPD", None),  # no change
        (125, "iUPD", None),  # smaller, still 20 % above the nadir
        (110, "iSD", None),
        (70, "iPR", None),
        (0, "iCR", None),
    ],
)
def test_target_lesions_confirm_by_5_mm(core: Core, next_size, expected, by) -> None:
    core.target({0: 100, 42: 130, 84: next_size})
    assert irecist(core, "irecist_response, confirmed_by") == [("iUPD", None), (expected, by)]


def test_a_further_nontarget_lesion_confirms(core: Core) -> None:
    core.target({0: 100, 42: 70, 84: 70, 126: 70})
    core.nontarget({0: "SD", 42: "PD", 84: "PD", 126: "PD"}, "NT1")
    core.nontarget({0: "SD", 42: "SD", 84: "SD", 126: "PD"}, "NT2")
    columns = "irecist_response, confirmed_by, iupd_day"
    assert irecist(core, columns) == [
        ("iUPD", None, None),
        ("iUPD", None, None),  # no change of what progressed
        ("iCPD", "non-target", 84),
    ]


def test_small_growths_since_the_first_iupd_add_up(core: Core) -> None:
    # 3 mm from scan to scan: day 126 has 6 mm more than day 42, 84 days before.
    core.target({0: 100, 42: 130, 84: 133, 126: 136})
    columns = "irecist_response, confirmed_by, iupd_day"
    assert irecist(core, columns) == [
        ("iUPD", None, None),
        ("iUPD", None, None),
        ("iCPD", "target", 42),
    ]


def test_growth_confirms_nothing_where_no_iupd_came_in_time_before(core: Core) -> None:
    core.target({0: 100, 42: 130, 126: 140})
    assert irecist(core) == ["iUPD", "iUPD"]


@pytest.mark.parametrize(("later", "expected"), [(31, "iCPD"), (30, "iUPD"), (29, "iUPD")])
def test_a_measured_nontarget_lesion_confirms_by_any_growth(core: Core, later, expected) -> None:
    core.target({0: 100, 42: 70, 84: 70})
    core.nontarget({0: "SD", 42: "PD", 84: "PD"}, "NT1")
    for day, size in {0: 20, 42: 30, 84: later}.items():
        core.measurements.append(
            {
                "lesion_id": "NT1",
                "day": day,
                "patient_id": "S/1",
                "reader": "",
                "diameter_mm": size,
                "is_baseline": day == 0,
            }
        )
    assert irecist(core) == ["iUPD", expected]


@pytest.mark.parametrize(
    ("sizes", "expected", "by"),
    [
        ({42: 12, 84: 17}, "iCPD", "new lesion"),  # measured as a target: 5 mm more
        ({42: 12, 84: 16}, "iUPD", None),
        ({42: 12, 84: 12}, "iUPD", None),  # no change in number or size
        ({42: 8, 84: 9}, "iCPD", "new lesion"),  # too small for a target: any growth
        ({42: 8, 84: 8}, "iUPD", None),
        ({42: 12, 84: 0}, "iPR", None),  # gone: the other lesions say what it is
    ],
)
def test_new_lesions_confirm_by_growth(core: Core, sizes, expected, by) -> None:
    core.target({0: 100, 42: 60, 84: 60})
    measured_new(core, sizes, "N1")
    assert irecist(core, "irecist_response, confirmed_by") == [("iUPD", None), (expected, by)]


def test_new_lesions_confirm_by_number(core: Core) -> None:
    core.target({0: 100, 42: 60, 84: 60})
    core.new(42, "N1", words={42: "PD"})
    core.new(84, "N2", words={84: "PD"})
    assert irecist(core, "irecist_response, confirmed_by, n_new_lesions") == [
        ("iUPD", None, 1),
        ("iCPD", "new lesion", 2),
    ]


def test_of_new_lesions_two_of_an_organ_are_measured_together(core: Core) -> None:
    """The third of the liver is no target: 1 mm of growth is enough."""
    core.target({0: 100, 42: 60, 84: 60})
    measured_new(core, {42: 30, 84: 30}, "N1")
    measured_new(core, {42: 20, 84: 22}, "N2")
    measured_new(core, {42: 15, 84: 15}, "N3")
    columns = "irecist_response, new_target_sum_mm"
    assert irecist(core, columns) == [("iUPD", 50), ("iUPD", 52)]
    measured_new(core, {42: 12, 84: 13}, "N4")
    assert irecist(core, columns)[1] == ("iCPD", 52)


def test_a_node_of_less_than_15_mm_is_no_new_target(core: Core) -> None:
    core.target({0: 100, 42: 60, 84: 60})
    measured_new(core, {42: 14, 84: 15}, "N1", is_nodal=True)
    assert irecist(core, "irecist_response, new_target_sum_mm") == [("iUPD", None), ("iCPD", None)]


def test_progression_of_another_category_confirms(core: Core) -> None:
    core.target({0: 100, 42: 130, 84: 130})
    core.new(84, "N1", words={84: "PD"})
    assert irecist(core, "irecist_response, confirmed_by") == [
        ("iUPD", None),
        ("iCPD", "other category"),
    ]


# The window, the reset of the bar -------------------------------------------------------------


@pytest.mark.parametrize(
    ("days_later", "expected"),
    [(27, "iUPD"), (28, "iCPD"), (56, "iCPD"), (57, "iUPD")],
)
def test_confirmation_takes_four_to_eight_weeks(core: Core, days_later, expected) -> None:
    core.target({0: 100, 42: 130, 42 + days_later: 150})
    assert irecist(core) == ["iUPD", expected]


def test_an_early_scan_does_not_hide_the_growth_since_the_first(core: Core) -> None:
    core.target({0: 100, 42: 130, 56: 133, 84: 136})
    assert irecist(core, "irecist_response, iupd_day") == [
        ("iUPD", None),
        ("iUPD", None),  # two weeks later
        ("iCPD", 42),  # 6 mm in six weeks, 3 mm since the early scan
    ]


def test_the_bar_is_set_anew_by_a_response(core: Core) -> None:
    """iUPD, then iSD: progression has to occur again, against the nadir of 100."""
    core.target({0: 100, 42: 130, 84: 110, 126: 136, 168: 142})
    columns = "irecist_response, run, iupd_day"
    assert irecist(core, columns) == [
        ("iUPD", 0, None),
        ("iSD", 1, None),
        ("iUPD", 1, None),
        ("iCPD", 1, 126),
    ]
    row = best(core)
    assert (row["best_overall_response"], row["best_overall_response_day"]) == ("iSD", 84)
    assert (row["progression_day"], row["confirmed_day"]) == (126, 168)


def test_a_time_point_that_was_not_evaluable_does_not_set_the_bar_anew(core: Core) -> None:
    core.target({0: 60, 28: 82, 56: None, 84: 88}, "T1")
    core.target({0: 40, 28: 40, 56: 40, 84: 40}, "T2")
    assert irecist(core, "irecist_response, run") == [("iUPD", 0), ("NE", 0), ("iCPD", 0)]


def test_what_follows_a_confirmed_progression_counts_for_nothing(core: Core) -> None:
    core.target({0: 100, 42: 130, 84: 140, 126: 60})
    columns = "irecist_response, is_after_confirmed_progression"
    assert irecist(core, columns) == [("iUPD", False), ("iCPD", False), ("iPR", True)]
    row = best(core)
    assert (row["best_overall_response"], row["best_overall_response_day"]) == ("iCPD", 84)
    assert (row["progression_day"], row["is_progression_confirmed"]) == (42, True)


def test_pseudoprogression_is_a_response_by_irecist_and_progression_by_recist(core: Core) -> None:
    core.target({0: 100, 42: 130, 84: 60, 126: 55})
    assert irecist(core, "overall_response, irecist_response") == [
        ("PD", "iUPD"),
        ("PR", "iPR"),
        ("PR", "iPR"),
    ]
    row = best(core)
    assert (row["best_overall_response"], row["progression_day"]) == ("iPR", None)


# Table 3 ---------------------------------------------------------------------------------------

COLUMNS = (
    "patient_id VARCHAR, reader VARCHAR, day INTEGER, run INTEGER, is_analysis_reader BOOLEAN, "
    "irecist_response VARCHAR, is_after_confirmed_progression BOOLEAN"
)


def best_of(*course: str) -> dict[str, Any]:
    """The row of analysis.irecist_best_response for responses six weeks apart."""
    with duckdb.connect() as con:
        load_seeds(con)
        con.execute("CREATE SCHEMA analysis")
        con.execute(f"CREATE TABLE analysis.irecist_response ({COLUMNS})")
        con.execute("CREATE SCHEMA meta")
        con.execute(
            "CREATE TABLE meta.setting AS SELECT 'endpoints.stable_min_days' AS name, '42' AS value"
        )
        run, is_after = 0, False
        for number, response in enumerate(course, start=1):
            run += response in ("iCR", "iPR", "iSD")
            con.execute(
                "INSERT INTO analysis.irecist_response VALUES ('P', '', ?, ?, true, ?, ?)",
                [42 * number, run, response, is_after],
            )
            is_after = is_after or response == "iCPD"
        run_model(con, "analysis.irecist_best_response")
        (row,) = records(con, "SELECT * FROM analysis.irecist_best_response")
    return row


TABLE_3 = [
    # Each line of the table, with one of the alternatives that it lists for each time point.
    (("iCR", "iCR", "iUPD", "iUPD", "iCPD"), "iCR"),
    (("iCR", "NE", "iPR", "iUPD", "iCPD"), "iCR"),
    (("iUPD", "iPR", "iCR", "iUPD", "iCPD"), "iCR"),
    (("iUPD", "NE", "iCR", "iSD", "NE"), "iCR"),
    (("iUPD", "iPR", "iSD", "iUPD", "iCPD"), "iPR"),
    (("iUPD", "iPR", "iUPD", "iCPD", "NE"), "iPR"),
    (("iUPD", "iSD", "iPR", "iUPD", "iCPD"), "iPR"),
    (("iUPD", "NE", "iPR", "NE", "NE"), "iPR"),
    (("iUPD", "iSD", "iUPD", "iCPD", "iSD"), "iSD"),
    (("iUPD", "iSD", "NE", "iSD", "iUPD"), "iSD"),
    (("iUPD", "iCPD", "iPR", "iCR", "iSD"), "iCPD"),
    (("iUPD", "iUPD", "iCPD", "iCR", "iPR"), "iCPD"),
    (("iUPD", "NE", "NE", "NE", "NE"), "iUPD"),
    (("NE", "NE"), "NE"),
]


@pytest.mark.parametrize(("course", "expected"), TABLE_3, ids=str)
def test_table_3_best_overall_response(course: tuple[str, ...], expected: str) -> None:
    assert best_of(*course)["best_overall_response"] == expected


@pytest.mark.parametrize(
    ("course", "day", "is_confirmed"),
    [
        (("iUPD", "iCPD"), 42, True),  # dated to the first iUPD
        (("iUPD", "iUPD", "iCPD"), 42, True),
        (("iUPD", "NE"), 42, False),  # never refuted
        (("iUPD",), 42, False),
        (("iUPD", "iSD", "iSD"), None, False),  # refuted
        (("iUPD", "iPR", "iUPD", "iCPD"), 126, True),
        (("iUPD", "iPR", "iUPD"), 126, False),
        (("iSD", "NE"), None, False),
    ],
)
def test_progression_is_dated_to_the_first_iupd_that_counts(course, day, is_confirmed) -> None:
    row = best_of(*course)
    assert (row["progression_day"], row["is_progression_confirmed"]) == (day, is_confirmed)
