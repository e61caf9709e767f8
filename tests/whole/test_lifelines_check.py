"""``lesions check --deep``: the published survival tables beside what lifelines makes of them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import duckdb
import pytest
from projects import copy_of_clean

from warehouse.checking.lifelines_check import TOLERANCE, compare_survival, summary
from warehouse.display import Display
from warehouse.project import Project
from warehouse.recheck import DIFFERENCES, check_published


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_clean(tmp_path_factory)


def test_lifelines_comes_to_the_published_numbers(
    built: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    check_published(built, Display(), is_deep=True)
    assert "Survival, worked out again by lifelines" in capsys.readouterr().err
    with (built.state / DIFFERENCES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with duckdb.connect(str(built.published), read_only=True) as connection:
        n_ratios = connection.execute(
            "SELECT count(*) FROM analysis.survival_cox WHERE log_hr IS NOT NULL"
        ).fetchall()[0][0]
    assert sum(row["quantity"] == "log hazard ratio" for row in rows) == n_ratios > 50
    assert {row["quantity"] for row in rows} == set(TOLERANCE)
    assert {row["is_met"] for row in rows} == {"True"}


@pytest.mark.parametrize(
    ("change", "quantity", "n"),
    [
        (
            "UPDATE analysis.survival_cox SET log_hr = log_hr + 0.01 "
            "WHERE subset = 'all' AND term = 'patient_gower_distance' AND endpoint = 'OS'",
            "log hazard ratio",
            1,
        ),
        (
            "UPDATE analysis.survival_curve SET survival = survival - 1e-6 WHERE subset = 'all' "
            "AND grouping = 'everyone' AND endpoint = 'OS' AND time_days > 400",
            "survival",
            1,
        ),
        (
            "UPDATE analysis.survival_test SET statistic = statistic + 0.01 WHERE subset = 'all' "
            "AND grouping = 'Gower halves' AND endpoint = 'PFS' AND test = 'log-rank'",
            "log-rank statistic",
            1,
        ),
    ],
)
def test_a_wrong_number_is_named(
    built: Project, tmp_path: Path, change: str, quantity: str, n: int
) -> None:
    shutil.copy(built.published, tmp_path / "altered.duckdb")
    (tmp_path / "altered.duckdb").chmod(0o600)
    with duckdb.connect(str(tmp_path / "altered.duckdb")) as connection:
        connection.execute(change)
        found = compare_survival(connection)
    assert [(one.quantity, one.subset) for one in found if not one.is_met] == [(quantity, "all")]
    assert {row[0]: row[-1] for row in summary(found)}[quantity] == n
