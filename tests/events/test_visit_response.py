"""RECIST 1.1 at one time point: sums, target, non-target and overall response, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from events.event_models import records
from events.event_tables import Core

MODELS = (
    "analysis.lineage_change",
    "analysis.lesion_cutoff",
    "analysis.lesion_change",
    "analysis.scan",
    "analysis.new_lesion",
    "analysis.sum_of_diameters",
    "analysis.visit_response",
)


def visits(core: Core, reader: str = "") -> dict[int, dict[str, Any]]:
    """Rows of analysis.visit_response by day."""
    with core.build(*MODELS) as con:
        rows = records(con, f"SELECT * FROM analysis.visit_response WHERE reader = '{reader}'")
    return {row["day"]: row for row in rows}


def targets(core: Core) -> dict[int, str | None]:
    return {day: row["target_response"] for day, row in visits(core).items()}


def overalls(core: Core) -> dict[int, str | None]:
    return {day: row["overall_response"] for day, row in visits(core).items()}


# Sums -----------------------------------------------------------------------------------------


def test_a_sum_runs_over_the_targets_and_is_compared_with_baseline_and_nadir(core: Core) -> None:
    core.target({0: 30, 42: 20, 84: 24}, "T1")
    core.target({0: 50, 42: 40, 84: 41}, "T2")
    found = visits(core)
    assert [found[day]["sum_of_diameters_mm"] for day in (0, 42, 84)] == [80, 60, 65]
    assert [found[day]["nadir_sum_mm"] for day in (0, 42, 84)] == [None, 80, 60]
    assert found[84]["change_from_baseline_percent"] == pytest.approx(-18.75)
    assert found[84]["change_from_nadir_percent"] == pytest.approx(100 * 5 / 60)
    assert found[84]["change_from_nadir_mm"] == 5


def test_a_sum_of_tenths_is_exact(core: Core) -> None:
    # Added as binary fractions, 0.1 + 0.2 + ... would not be 4.5.
    for place in range(1, 10):
        core.target({0: place / 10, 42: place / 10}, f"T{place}")
    assert visits(core)[42]["sum_of_diameters_mm"] == 4.5


def test_baseline_scans_on_different_days_make_one_baseline_sum(core: Core) -> None:
    core.target({-20: 30, 42: 30}, "T1", baseline_day=-20)
    core.target({-9: 50, 42: 50}, "T2", baseline_day=-9)
    found = visits(core)
    assert list(found) == [-9, 42]
    assert (found[-9]["sum_of_diameters_mm"], found[-9]["is_baseline"]) == (80, True)
    assert found[-9]["overall_response"] is None


def test_readers_are_kept_apart(core: Core) -> None:
    core.target({0: 30, 42: 30}, "A1", reader="A")
    core.target({0: 40, 42: 20}, "B1", reader="B", is_analysed=False, is_analysis_reader=False)
    assert visits(core, "A")[42]["overall_response"] == "SD"
    assert visits(core, "B")[42]["overall_response"] == "PR"
    assert not visits(core, "B")[42]["is_analysis_reader"]


def test_a_target_lesion_first_measured_during_follow_up_is_in_no_sum(core: Core) -> None:
    core.target({0: 30, 42: 30, 84: 30}, "T1")
    core.target({42: 50, 84: 90}, "T2", baseline_day=42)
    found = visits(core)
    assert [row["sum_of_diameters_mm"] for row in found.values()] == [30, 30, 30]
    assert found[84]["n_target_lesions"] == 1


def test_a_baseline_after_the_first_dose_is_still_a_baseline(core: Core) -> None:
    core.target({3: 30, 45: 20}, "T1", baseline_day=3)
    core.target({5: 30, 45: 20}, "T2", baseline_day=5)
    found = visits(core)
    assert [row["sum_of_diameters_mm"] for row in found.values()] == [60, 40]
    assert list(found) == [5, 45]


# Target response ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "response"),
    [
        ({0: 100, 42: 70}, "PR"),  # exactly -30 %
        ({0: 100, 42: 70.1}, "SD"),
        ({0: 17.3, 42: 12.11}, "PR"),  # exactly -30 % in decimals
        ({0: 20, 42: 24}, "SD"),  # +20 % but 4 mm
        ({0: 25, 42: 30}, "PD"),  # exactly +20 % and 5 mm
        ({0: 31.1, 42: 37.32}, "PD"),  # exactly +20 % in decimals
        ({0: 30, 42: 35}, "SD"),  # +5 mm but 16.7 %
        ({0: 12, 42: 0}, "CR"),
        ({0: 12, 42: None}, "NE"),
    ],
)
def test_target_response_of_one_lesion(
    core: Core, sizes: dict[int, float | None], response: str
) -> None:
    core.target(sizes)
    assert targets(core) == {0: None, 42: response}


def test_progression_is_from_the_nadir_response_from_baseline(core: Core) -> None:
    core.target({0: 100, 42: 60, 84: 68, 126: 72})
    # 84: +13 % from 60, -32 % from 100; 126: +20 % and +12 mm from 60
    assert targets(core) == {0: None, 42: "PR", 84: "PR", 126: "PD"}


def test_the_nodes_rule_nodes_below_10_mm_are_gone(core: Core) -> None:
    core.target({0: 20, 42: 0}, "T1")
    core.target({0: 16, 42: 9.9}, "T2", is_nodal=True)
    found = visits(core)[42]
    assert (found["target_response"], found["sum_of_diameters_mm"]) == ("CR", 9.9)


def test_a_node_of_10_mm_is_not_gone(core: Core) -> None:
    core.target({0: 20, 42: 0}, "T1")
    core.target({0: 16, 42: 10}, "T2", is_nodal=True)
    assert targets(core)[42] == "PR"


def test_another_lesion_below_10_mm_is_not_gone(core: Core) -> None:
    core.target({0: 20, 42: 0}, "T1")
    core.target({0: 16, 42: 9}, "T2")
    assert targets(core)[42] == "PR"


def test_a_node_that_grows_back_to_10_mm_after_complete_response_is_progression(
    core: Core,
) -> None:
    core.target({0: 16, 42: 8, 84: 10}, is_nodal=True)  # +25 % but 2 mm
    assert targets(core) == {0: None, 42: "CR", 84: "PD"}


def test_nodes_that_grow_below_10_mm_stay_gone(core: Core) -> None:
    core.target({0: 16, 42: 3, 84: 9}, is_nodal=True)  # +200 % and 6 mm, but normal
    assert targets(core) == {0: None, 42: "CR", 84: "CR"}


def test_a_lesion_not_measured_leaves_the_targets_not_evaluable(core: Core) -> None:
    core.target({0: 30, 42: 15}, "T1")
    core.target({0: 30, 42: None}, "T2")
    core.target({0: 30}, "T3")
    found = visits(core)[42]
    assert (found["n_target_lesions"], found["n_target_measured"]) == (3, 1)
    assert (found["is_complete"], found["target_response"]) == (False, "NE")
    assert found["change_from_baseline_percent"] is None


def test_lesions_measured_may_reach_progression_alone(core: Core) -> None:
    core.target({0: 30, 42: 50}, "T1")
    core.target({0: 10, 42: None}, "T2")  # 50 without it is +25 % and +10 mm from 40
    assert targets(core)[42] == "PD"


def test_a_partial_sum_is_no_nadir(core: Core) -> None:
    core.target({0: 30, 42: 10, 84: 30}, "T1")
    core.target({0: 30, 42: None, 84: 30}, "T2")
    assert targets(core) == {0: None, 42: "NE", 84: "SD"}
    assert visits(core)[84]["nadir_sum_mm"] == 60


def test_one_lesion_back_among_others_is_judged_by_the_sum(core: Core) -> None:
    core.target({0: 30, 42: 0, 84: 4}, "T1")
    core.target({0: 60, 42: 60, 84: 60}, "T2")
    assert targets(core)[84] == "SD"


def test_a_lesion_back_after_complete_response_is_progression_at_any_size(core: Core) -> None:
    core.target({0: 30, 42: 0, 84: None, 126: 2})
    assert targets(core) == {0: None, 42: "CR", 84: "NE", 126: "PD"}


def test_a_lesion_back_while_a_nontarget_lesion_stayed_is_judged_by_the_sum(core: Core) -> None:
    core.target({0: 30, 42: 0, 84: 2})
    core.nontarget({0: "SD", 42: "SD", 84: "SD"})
    assert overalls(core) == {0: None, 42: "PR", 84: "PR"}


# Lineage --------------------------------------------------------------------------------------


def test_the_parts_of_a_split_lesion_take_its_place_in_the_sum(core: Core) -> None:
    core.target({0: 40, 42: 36}, "T1")
    core.target({84: 15, 126: 14}, "T1.1", baseline_day=84)
    core.target({84: 9, 126: 9}, "T1.2", baseline_day=84)
    for part in ("T1.1", "T1.2"):
        core.lineages.append(
            {"lesion_id": part, "related_lesion_id": "T1", "relation": "split", "day": 84}
        )
    found = visits(core)
    assert (found[42]["n_target_lesions"], found[84]["n_target_lesions"]) == (1, 2)
    assert (found[84]["sum_of_diameters_mm"], found[84]["target_response"]) == (24, "PR")


def test_a_lesion_merged_from_two_takes_their_place_in_the_sum(core: Core) -> None:
    core.target({0: 20, 42: 22}, "T1")
    core.target({0: 20, 42: 22}, "T2")
    core.target({84: 52}, "T1/T2", baseline_day=84)
    for part in ("T1", "T2"):
        core.lineages.append(
            {"lesion_id": "T1/T2", "related_lesion_id": part, "relation": "merged", "day": 84}
        )
    found = visits(core)[84]
    assert (found["sum_of_diameters_mm"], found["is_complete"]) == (52, True)
    assert found["target_response"] == "PD"


def test_of_two_lesions_that_coalesced_one_goes_on_for_both(core: Core) -> None:
    core.target({0: 20, 42: 22}, "T1")
    core.target({0: 20, 42: 22, 84: 52}, "T2")
    core.lineages.append(
        {"lesion_id": "T2", "related_lesion_id": "T1", "relation": "merged", "day": 84}
    )
    found = visits(core)
    assert [row["sum_of_diameters_mm"] for row in found.values()] == [40, 44, 52]
    assert all(row["is_complete"] for row in found.values())


def test_a_lesion_marked_twice_is_in_the_sum_once(core: Core) -> None:
    core.target({0: 20, 42: 20}, "T1")
    core.target({0: 20, 42: 20}, "T2")
    core.lineages.append(
        {"lesion_id": "T2", "related_lesion_id": "T1", "relation": "duplicate", "day": 0}
    )
    assert visits(core)[42]["sum_of_diameters_mm"] == 20


# Non-target response, new lesions, overall response --------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "response"),
    [
        ("CR", "CR", "CR"),
        ("CR", "SD", "NON-CR/NON-PD"),
        ("PR", "SD", "NON-CR/NON-PD"),
        ("CR", "NE", "NE"),
        ("SD", "NE", "NON-CR/NON-PD"),
        ("NE", "NE", "NE"),
        ("CR", "PD", "PD"),
        ("NE", "PD", "PD"),
    ],
)
def test_nontarget_response_of_two_lesions(
    core: Core, first: str, second: str, response: str
) -> None:
    core.nontarget({42: first}, "NT1")
    core.nontarget({42: second}, "NT2")
    assert visits(core)[42]["nontarget_response"] == response


TABLE_1 = [
    ("CR", "CR", False, "CR"),
    ("CR", "NONE", False, "CR"),
    ("CR", "NON-CR/NON-PD", False, "PR"),
    ("CR", "NE", False, "PR"),
    ("PR", "NON-CR/NON-PD", False, "PR"),
    ("PR", "CR", False, "PR"),
    ("PR", "NE", False, "PR"),
    ("SD", "NON-CR/NON-PD", False, "SD"),
    ("SD", "NE", False, "SD"),
    ("NE", "NON-CR/NON-PD", False, "NE"),
    ("PD", "CR", False, "PD"),
    ("PD", "NE", True, "PD"),
    ("CR", "PD", False, "PD"),
    ("NE", "PD", False, "PD"),
    ("CR", "CR", True, "PD"),
    ("NE", "NE", True, "PD"),
]
TABLE_2 = [
    ("NONE", "CR", False, "CR"),
    ("NONE", "NON-CR/NON-PD", False, "NON-CR/NON-PD"),
    ("NONE", "NE", False, "NE"),
    ("NONE", "PD", False, "PD"),
    ("NONE", "PD", True, "PD"),
    ("NONE", "CR", True, "PD"),
]
SIZE = {"CR": 0.0, "PR": 20.0, "SD": 40.0, "PD": 60.0, "NE": None}
STATUS = {"CR": "CR", "NON-CR/NON-PD": "SD", "NE": "NE", "PD": "PD"}


@pytest.mark.parametrize(("target", "nontarget", "is_new", "overall"), TABLE_1 + TABLE_2)
def test_overall_response_by_recist_tables_1_and_2(
    core: Core, target: str, nontarget: str, is_new: bool, overall: str
) -> None:
    if target != "NONE":
        core.target({0: 40, 42: SIZE[target]})
    if nontarget != "NONE":
        core.nontarget({42: STATUS[nontarget]})
    if is_new:
        core.new(42)
    found = visits(core)[42]
    assert (found["target_response"], found["nontarget_response"]) == (target, nontarget)
    assert (found["has_new_lesion"], found["overall_response"]) == (is_new, overall)


def test_a_new_lesion_is_progression_on_a_day_of_its_own_and_ever_after(core: Core) -> None:
    core.target({0: 40, 42: 20, 84: 20})
    core.new(60)
    assert overalls(core) == {0: None, 42: "PR", 60: "PD", 84: "PD"}
    assert targets(core) == {0: None, 42: "PR", 60: "NE", 84: "PR"}


def test_a_new_lesion_seen_before_baseline_is_not_new(core: Core) -> None:
    core.target({0: 40, 42: 20})
    core.new(-3)
    assert overalls(core) == {0: None, 42: "PR"}


def test_an_equivocal_new_lesion_is_no_progression(core: Core) -> None:
    core.target({0: 40, 42: 20, 84: 20})
    core.new(42, words={42: "NE", 84: "NE"})
    assert overalls(core) == {0: None, 42: "PR", 84: "PR"}


def test_a_new_lesion_that_proves_certain_was_progression_when_first_seen(core: Core) -> None:
    core.target({0: 40, 42: 20, 84: 20})
    core.new(42, words={42: "NE", 84: "PD"})
    assert overalls(core) == {0: None, 42: "PD", 84: "PD"}


def test_a_nontarget_lesion_back_after_complete_response_is_progression(core: Core) -> None:
    core.target({0: 40, 42: 0, 84: 0})
    core.nontarget({42: "CR", 84: "SD"})
    assert overalls(core) == {0: None, 42: "CR", 84: "PD"}


def test_the_same_where_there_is_no_target_lesion(core: Core) -> None:
    core.nontarget({42: "CR", 84: "NE", 126: "SD", 168: "SD"})
    assert overalls(core) == {42: "CR", 84: "NE", 126: "PD", 168: "NON-CR/NON-PD"}
