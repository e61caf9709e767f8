"""Small studies with the right answer, loaded, derived, checked and published together.

Each is a folder of ../shared/cases as a project would hold it; what must hold stands beside each
test. They are no part of this repository.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.project import Project, create_project, open_project
from warehouse.run import run_project

CASES = ("criteria", "merged_lesions", "sums", "test_codes", "time_points", "zero_baseline")


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One warehouse of all cases, a study each; that it publishes is what zero_baseline is for."""
    root = tmp_path_factory.mktemp("cases") / "project"
    create_project(root)
    project = open_project(root)
    folders = [*(shared / "cases" / name for name in CASES)]
    folders += sorted((shared / "cases" / "no_survival").glob("[ab]"))
    for folder in folders:
        study = project.studies / folder.name
        study.mkdir()
        for path in folder.iterdir():
            if path.name != "expected.csv":
                shutil.copyfile(path, study / path.name)
    run_project(project)
    return project


def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def derived(project: Project, study: str, columns: str) -> dict[str, Any]:
    found = rows(
        project,
        f"SELECT split_part(patient_id, '/', 2), {columns} FROM analysis.best_overall_response "
        f"WHERE patient_id LIKE '{study}/%' AND basis = 'derived'",
    )
    return {patient: row[0] if len(row) == 1 else tuple(row) for patient, *row in found}


def pfs(project: Project, study: str) -> dict[str, tuple[float, bool]]:
    return {
        patient: (days, is_event)
        for patient, days, is_event in rows(
            project,
            "SELECT split_part(patient_id, '/', 2), time_days, is_event "
            "FROM analysis.patient_endpoint "
            f"WHERE endpoint = 'PFS' AND is_counted AND patient_id LIKE '{study}/%'",
        )
    }


def test_every_hop_balances(cases: Project) -> None:
    assert (
        rows(
            cases,
            "SELECT step FROM quality.row_audit WHERE rows_in <> "
            "rows_out + rows_quarantined + rows_excluded + rows_collapsed",
        )
        == []
    )


def test_time_points(cases: Project) -> None:
    assert derived(cases, "time_points", "best_overall_response") == {
        "abs": "PR",  # ABSENT on day 56 is no new lesion; it is there on day 168
        "nd": "PR",  # NOT DONE says nothing of it
        "eq": "PR",  # equivocal and never confirmed
        "two": "PR",  # days 56 and 57 are one time point: 28 against 70 mm
        "ln": "CR",  # the node is no longer pathological
        "early": "NE",
        "prior": "SD",
    }
    assert pfs(cases, "time_points") == {
        "abs": (168, True),
        "nd": (168, True),
        "eq": (168, False),
        "two": (57, False),
        "ln": (56, False),
        "early": (20, True),
        "prior": (56, False),
    }
    assert rows(
        cases,
        "SELECT first_day, last_day, sum_of_diameters_mm, change_from_baseline_percent "
        "FROM analysis.visit_response WHERE patient_id = 'time_points/two' AND NOT is_baseline",
    ) == [(56, 57, 28, -60)]


def test_criteria(cases: Project) -> None:
    assert pfs(cases, "criteria") == {"two": (84, False), "old": (84, False), "odd": (42, False)}
    assert derived(cases, "criteria", "best_overall_response")["old"] == "SD"
    history = rows(
        cases,
        "SELECT response_term FROM core.response_history WHERE patient_id = 'criteria/old' "
        "ORDER BY response_term",
    )
    assert history == [("CR",), ("PD",)]
    assert rows(
        cases,
        "SELECT nontarget_response FROM core.response WHERE patient_id = 'criteria/odd'",
    ) == [("NON-CR/NON-PD",)]
    assert rows(
        cases,
        "SELECT defect_id, value FROM quality.finding WHERE patient_id = 'criteria/odd'",
    ) == [("rows.7b", "SD")]


def test_codes_of_the_short_axis(cases: Project) -> None:
    sums = rows(
        cases,
        "SELECT patient_id, list(sum_of_diameters_mm ORDER BY day) FROM analysis.visit_response "
        "WHERE patient_id LIKE 'test_codes/%' GROUP BY patient_id ORDER BY patient_id",
    )
    assert sums == [("test_codes/P1", [50, 60, 75]), ("test_codes/P2", [45, 30, 8])]
    # 60 against 50 mm is 20 % and 10 mm more: progression on day 42 already.
    columns = "best_overall_response, progression_day"
    assert derived(cases, "test_codes", columns) == {"P1": ("PD", 42), "P2": ("CR", None)}


@pytest.mark.parametrize(("patient", "survivor"), [("P1", "T01"), ("P2", "T02")])
def test_merged_lesions(cases: Project, patient: str, survivor: str) -> None:
    who = f"merged_lesions/{patient}"
    assert rows(
        cases,
        "SELECT sum_of_diameters_mm, overall_response FROM analysis.visit_response "
        f"WHERE patient_id = '{who}' AND day = 84",
    ) == [(45, "SD")]
    assert rows(
        cases,
        "SELECT lesion_id, day FROM core.lesion_lineage "
        f"WHERE relation = 'merged' AND lesion_id LIKE '{who}/%'",
    ) == [(f"{who}/-/{survivor}", 84)]
    progressed = rows(
        cases,
        "SELECT lesion_id, rule_set FROM analysis.lesion_event WHERE endpoint = 'progression' "
        f"AND is_event AND patient_id = '{who}' AND source = 'observed' AND time_days >= 84",
    )
    assert progressed == []


def test_sums_pass_the_checks_of_sizes(cases: Project) -> None:
    rejected = rows(
        cases,
        "SELECT source_row, reason_id FROM quality.quarantine WHERE study_id = 's' "
        "AND domain = 'tr' ORDER BY source_row",
    )
    assert [row for row, _ in rejected] == [4, 6, 8]
    assert [reason for _, reason in rejected] == ["impossible_size", "no_result", "not_a_number"]


def test_a_study_that_says_nothing_of_deaths_has_no_overall_survival(cases: Project) -> None:
    assert rows(
        cases,
        "SELECT count(*), count(os_days), count(os_missing_reason) FROM core.patient "
        "WHERE study_id = 'a'",
    ) == [(6, 0, 6)]
    assert rows(
        cases,
        "SELECT n_patients, n_missing, median_days FROM analysis.survival_summary "
        "WHERE endpoint = 'OS' AND group_name = 'drug x'",
    ) == [(6, 6, 170)]
