"""Messy trials: every detectable defect is named where it was planted, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from messy.reported import assert_all_found_and_nothing_else, assert_balanced
from messy.trials import Planted, ask, build, read_truth

from warehouse.project import Project


def test_the_truth_lists_every_defect_that_is_planted(
    messy: Project, truth: Mapping[str, Planted]
) -> None:
    planted = ask(messy, "SELECT defect_id FROM quality.defect WHERE is_planted")
    assert sorted(truth) == sorted(key for (key,) in planted)


def test_each_detectable_defect_is_found_where_it_is_and_no_other(
    messy: Project, truth: Mapping[str, Planted]
) -> None:
    assert_all_found_and_nothing_else(messy, truth)


def test_quarantined_and_kept_defects_are_where_the_catalogue_says(messy: Project) -> None:
    wrong = ask(
        messy,
        "SELECT defect_id FROM quality.defect_count WHERE (n_quarantined > 0 AND handling <> "
        "'quarantined') OR (n_findings > 0 AND handling <> 'finding')",
    )
    assert wrong == []


def test_every_hop_balances(messy: Project) -> None:
    assert_balanced(messy)


def test_the_undetectable_are_listed_with_their_reason(messy: Project) -> None:
    listed = ask(
        messy,
        "SELECT defect_id, reason_undetectable FROM quality.defect_count WHERE NOT is_detectable",
    )
    assert {key for key, _ in listed} >= {"sizes.3b", "sizes.4e", "identity.1e", "rows.1d"}
    assert all(reason for _, reason in listed)
    counted = ask(
        messy,
        "SELECT count(*) FROM quality.defect_count WHERE is_detectable = "
        "(reason_undetectable IS NOT NULL)",
    )
    assert counted == [(0,)]


@pytest.mark.parametrize(
    "defect_id",
    ["identity.1a", "identity.1b", "identity.3a", "identity.3b", "time.2c", "time.2d", "rows.3d"],
)
def test_what_is_handled_as_normal_is_counted(
    messy: Project, truth: Mapping[str, Planted], defect_id: str
) -> None:
    (handled,) = ask(
        messy, f"SELECT n_handled FROM quality.defect_count WHERE defect_id = '{defect_id}'"
    )
    assert handled == (len(truth[defect_id].rows),)


def test_what_is_handled_as_normal_occurs_more_often_than_in_clean_trials(
    messy: Project, clean: Project
) -> None:
    """Two baselines, reversed rows and single spaces; the counts of the clean trials are 0."""
    query = (
        "SELECT n_handled FROM quality.defect_count "
        "WHERE defect_id IN ('time.1b', 'time.2g', 'rows.2d') ORDER BY defect_id"
    )
    assert ask(clean, query) == [(0,), (0,), (0,)]
    assert all(n > 0 for (n,) in ask(messy, query))


def test_a_finding_says_what_is_odd_and_what_to_do(messy: Project) -> None:
    (finding,) = ask(
        messy,
        "SELECT severity, domain, column_name, value, message, remedy FROM quality.finding "
        "WHERE defect_id = 'sizes.3c'",
    )
    assert finding[:4] == ("warning", "tr", "trorres", "0")
    assert finding[4].startswith("0 mm between ")
    assert "NOT DONE" in finding[5]


def test_clean_trials_have_no_finding_and_nothing_in_quarantine(clean: Project) -> None:
    assert ask(clean, "SELECT * FROM quality.finding") == []
    assert ask(clean, "SELECT * FROM quality.quarantine") == []
    assert ask(clean, "SELECT sum(n_findings + n_quarantined) FROM quality.defect_count") == [(0,)]
    assert_balanced(clean)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [17, 20230607])
def test_larger_trials_hold_each_defect_twice_and_all_are_found(tmp_path: Path, seed: int) -> None:
    project = build(tmp_path / "project", patients=450, seed=seed, messy=True)
    truth = read_truth(project.root)
    assert all(len(planted.subjects) >= 2 for planted in truth.values())
    assert_all_found_and_nothing_else(project, truth)
    assert_balanced(project)
