"""The sentences that the demonstration ends with."""

from __future__ import annotations

import duckdb
import pytest

from warehouse.demo_findings import SENTENCES, findings, with_limits


@pytest.fixture
def mart() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("CREATE SCHEMA mart")
    con.execute(
        "CREATE TABLE mart.paper_measure "
        "(item VARCHAR, value DOUBLE, ci_lower DOUBLE, ci_upper DOUBLE)"
    )
    con.execute("CREATE TABLE mart.fig_paper_comparison (agreement VARCHAR)")
    return con


def test_numbers_stand_with_their_limits() -> None:
    assert with_limits(1.449, 1.311, 1.602) == "1.45 (1.31 to 1.60)"
    assert with_limits(1471.4, 1455.0, 1489.6) == "1,471 (1,455 to 1,490)"
    assert with_limits(0.931, None, None) == "0.93"
    assert with_limits(546.0, 500.0, None) == "546"


def test_a_sentence_without_its_numbers_is_left_out(mart: duckdb.DuckDBPyConnection) -> None:
    assert findings(mart) == []
    mart.execute(
        "INSERT INTO mart.paper_measure VALUES ('response hazard: liver', 1.6, 1.5, 1.8), "
        "('progression hazard: liver', 1.82, 1.57, 2.11), ('response hazard: bone', NULL, 1, 2)"
    )
    mart.execute("INSERT INTO mart.fig_paper_comparison VALUES ('yes'), ('no'), ('not here')")
    liver, agreement = findings(mart)
    assert liver == (
        "Of two lesions of a patient, one in the liver responds 1.60 (1.50 to 1.80) times as "
        "readily as one in the abdomen, and progresses 1.82 (1.57 to 2.11) times as readily.",
        "analysis.hazard_ratio",
    )
    assert agreement[0] == "Of 2 published findings that it has a number for, 1 agree."


def test_ten_lines_each_with_its_table(mart: duckdb.DuckDBPyConnection) -> None:
    for sentence in SENTENCES:
        for item in sentence.items:
            mart.execute("INSERT INTO mart.paper_measure VALUES (?, 1, 1, 1)", [item])
    mart.execute("INSERT INTO mart.fig_paper_comparison VALUES ('yes')")
    lines = findings(mart)
    assert len(lines) == 10
    assert all(table.split(".")[0] in ("analysis", "mart") for _, table in lines)
    assert not any("{" in text for text, _ in lines)
