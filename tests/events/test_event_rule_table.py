"""The rules as a table: complete, without contradiction, and with the numbers of their sources."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from events.event_models import load_seeds, records

RULE_SETS = ("recist_1_1", "zhou2023", "recist_volume")


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        load_seeds(con)
        return records(con, "SELECT * FROM staging.event_rule")


def rule(rules: list[dict[str, Any]], rule_id: str) -> dict[str, Any]:
    (found,) = [row for row in rules if row["rule_id"] == rule_id]
    return found


def test_every_rule_set_has_every_endpoint_of_every_lesion_type(
    rules: list[dict[str, Any]],
) -> None:
    has = {(row["rule_set"], row["lesion_type"], row["endpoint"]) for row in rules}
    wanted = {
        (name, kind, endpoint)
        for name in RULE_SETS
        for kind, endpoint in (
            ("target", "response"),
            ("target", "progression"),
            ("non-target", "response"),
            ("non-target", "progression"),
            ("new", "progression"),
        )
    }
    assert has == wanted


def test_priorities_are_unique_within_rule_set_lesion_type_and_endpoint(
    rules: list[dict[str, Any]],
) -> None:
    places = [
        (row["rule_set"], row["lesion_type"], row["endpoint"], row["priority"]) for row in rules
    ]
    assert len(places) == len(set(places))


def test_rule_ids_name_their_rule_set_and_lesion_type(rules: list[dict[str, Any]]) -> None:
    for row in rules:
        assert row["rule_id"].startswith(f"{row['rule_set']}/{row['lesion_type']}/")
        assert row["sentence"].endswith(".")
        assert row["reference_text"]


def test_a_rule_with_two_thresholds_says_how_they_combine_and_no_other_does(
    rules: list[dict[str, Any]],
) -> None:
    for row in rules:
        has_two = row["relative_change"] is not None and row["absolute_change"] is not None
        assert (row["combine"] in ("and", "or")) == has_two, row["rule_id"]


def test_size_rules_say_what_they_compare_and_word_rules_do_not(
    rules: list[dict[str, Any]],
) -> None:
    for row in rules:
        is_size = row["quantity"] in ("diameter", "volume")
        parts = (row["reference"], row["reference_state"], row["direction"])
        assert all(part is not None for part in parts) == is_size, row["rule_id"]
        assert (row["status"] is not None) == (row["quantity"] == "status"), row["rule_id"]
        sign = -1 if row["direction"] == "decrease" else 1
        for change in (row["relative_change"], row["absolute_change"]):
            assert change is None or change * sign > 0, row["rule_id"]


def test_the_numbers_are_those_of_the_sources(rules: list[dict[str, Any]]) -> None:
    decrease = rule(rules, "recist_1_1/target/decrease")
    assert (decrease["reference"], decrease["relative_change"]) == ("baseline", -0.30)
    increase = rule(rules, "recist_1_1/target/increase")
    assert increase["reference"] == "nadir"
    assert (increase["relative_change"], increase["absolute_change"]) == (0.20, 5)
    assert (increase["absolute_unit"], increase["combine"]) == ("mm", "and")
    assert rule(rules, "zhou2023/target/decrease")["relative_change"] == -0.20
    increase = rule(rules, "zhou2023/target/increase")
    assert (increase["relative_change"], increase["absolute_change"]) == (0.30, 200)
    assert (increase["absolute_unit"], increase["combine"]) == ("mm3", "or")


def test_recist_in_volume_is_the_cube_of_recist_in_diameter(rules: list[dict[str, Any]]) -> None:
    for name in ("decrease", "increase"):
        diameter = rule(rules, f"recist_1_1/target/{name}")["relative_change"]
        volume = rule(rules, f"recist_volume/target/{name}")
        assert volume["relative_change"] == pytest.approx((1 + diameter) ** 3 - 1, abs=1e-12)
        assert volume["absolute_change"] is None


def test_every_combination_of_parts_has_an_overall_response() -> None:
    with duckdb.connect() as con:
        load_seeds(con)
        rows = records(con, "SELECT * FROM staging.overall_response_rule ORDER BY priority")
    for target in ("CR", "PR", "SD", "PD", "NE", "NONE"):
        for nontarget in ("CR", "NON-CR/NON-PD", "PD", "NE", "NONE"):
            for is_new in (True, False):
                assert any(
                    row["target_response"] in (target, "*")
                    and row["nontarget_response"] in (nontarget, "*")
                    and row["has_new_lesion"] in (is_new, None)
                    for row in rows
                ), (target, nontarget, is_new)
