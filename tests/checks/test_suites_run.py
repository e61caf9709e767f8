"""The suites on a small warehouse: each check runs, and tampering is found where it was done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from projects import copy_of_messy

from warehouse.catalogue import installed_graph
from warehouse.checks import CheckResult, check_tables, load_suites, read_check_results
from warehouse.contents import content_folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a small messy simulation."""
    return copy_of_messy(tmp_path_factory).published


@pytest.fixture
def connection(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of it to tamper with."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{published}' AS made (READ_ONLY)")
        connection.execute("COPY FROM DATABASE made TO memory")
        connection.execute("DETACH made")
        yield connection


def test_every_suite_ran_and_no_check_raised(connection: duckdb.DuckDBPyConnection) -> None:
    results = read_check_results(connection)
    assert [(r.table_name, r.check_id, r.error) for r in results if r.error] == []
    ran = {(result.table_name, result.check_id) for result in results}
    suites = load_suites(content_folder("expectations"))
    wanted = {(check.table, check.check_id) for suite in suites.values() for check in suite.checks}
    # Suites of the analysis datasets are asked when these are published, or by lesions check.
    wanted = {(table, check_id) for table, check_id in wanted if not table.startswith("adam.")}
    assert sorted(wanted - ran) == []


def check(connection: duckdb.DuckDBPyConnection, table: str) -> list[CheckResult]:
    keys = {name: doc.key for name, doc in installed_graph().table_docs.items()}
    suites = load_suites(content_folder("expectations"))
    return check_tables(connection, [table], suites, "test", datetime(2026, 1, 1), keys=keys)


TAMPERED = [
    (
        "core.measurement",
        "UPDATE core.measurement SET volume_mm3 = volume_mm3 * 1.001 WHERE rowid = 3",
        {"volume_from_diameter", "volume_from_axes"},
    ),
    (
        "core.measurement",
        "UPDATE core.measurement SET lesion_id = 'nobody' WHERE rowid = 3",
        {"values_to_exist_in:lesion_id"},
    ),
    (
        "core.measurement",
        "DELETE FROM core.measurement WHERE rowid = 3",
        {"no_size_lost"},
    ),
    (
        "core.measurement",
        "INSERT INTO core.measurement FROM core.measurement LIMIT 1",
        {"key_is_unique"},
    ),
    (
        "analysis.lesion_event",
        "UPDATE analysis.lesion_event SET time_days = last_assessment_day + 1, "
        "time_upper = last_assessment_day + 1 WHERE is_event AND lesion_type = 'target'",
        {"event_within_own_scans"},
    ),
    (
        "analysis.lesion_phase",
        "UPDATE analysis.lesion_phase SET stable_days = stable_days + 1 WHERE has_stable",
        {"days_add_up"},
    ),
    (
        "analysis.visit_response",
        "UPDATE analysis.visit_response SET nadir_sum_mm = baseline_sum_mm + 1",
        {"nadir_at_most_baseline"},
    ),
    (
        "quality.row_audit",
        "UPDATE quality.row_audit SET rows_out = rows_out - 1 WHERE rows_out > 0",
        {"balanced", "balance_told"},
    ),
    ("quality.load_audit", "DELETE FROM raw.tr", {"raw_holds_them"}),
    (
        "quality.load_audit",
        "DELETE FROM raw.ex WHERE _study_id = (SELECT min(_study_id) FROM raw.ex)",
        {"raw_holds_them"},
    ),
    (
        "quality.load_audit",
        "INSERT INTO raw.dm FROM raw.dm LIMIT 1",
        {"raw_holds_them"},
    ),
    (
        "quality.load_audit",
        "INSERT INTO quality.quarantine BY NAME SELECT study_id, source_file, i AS source_row, "
        "domain, 'no id' AS reason, 'load' AS stage, "
        "FROM (FROM quality.load_audit ORDER BY rows_in_file DESC LIMIT 1), "
        "range(1, rows_in_file // 9 + 10) AS r(i)",
        {"few_quarantined_in_loading"},
    ),
    (
        "mart.fig_consort",
        "UPDATE mart.fig_consort SET n_lesions = n_lesions + 1 WHERE step = 'loaded'",
        {"adds_up"},
    ),
]


@pytest.mark.parametrize(("table", "tampering", "found"), TAMPERED)
def test_tampering_is_found(
    connection: duckdb.DuckDBPyConnection, table: str, tampering: str, found: set[str]
) -> None:
    connection.execute(tampering)
    results = check(connection, table)
    failed = {result.check_id for result in results if result.is_critical_failure}
    assert failed & found, failed
