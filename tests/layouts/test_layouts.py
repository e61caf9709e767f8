"""Each shipped layout: its five made-up patients load, derive, and are what they were made from.

All examples are of the same five patients, written as each trial writes them: sizes, organs and
days come back as tests/data/layouts/expected.csv has them, whatever the layout.
"""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from warehouse import meta
from warehouse.build import Builder
from warehouse.catalogue import installed_graph
from warehouse.cli import lesions
from warehouse.layouts import layout_files, layout_names, layout_title, write_layout
from warehouse.settings import default_values
from warehouse.studies import load_study

EXPECTED = Path(__file__).parents[1] / "data" / "layouts"
BY_LESION = (
    *("lesion_dates", "panitumumab_bsc", "pfizer_a6181122", "prime", "recist_form"),
    *("sanofi_efc", "velour", "wide_visits"),
)
BY_SUM = ("horizon_iii", "monolix", "pacce", "peak", "prime_legacy", "spectrum")
WITHOUT_ORGANS = ("sanofi_efc",)
WITHOUT_SURVIVAL = (
    *("lesion_dates", "monolix", "pfizer_a6181122", "recist_form", "velour", "wide_visits"),
)
WITH_BEST_RESPONSE = ("horizon_iii", "pacce", "peak", "prime_legacy", "spectrum")
TABLES = ("core.patient", "core.measurement", "core.lesion", "quality.quarantine")
READ_TO = ("staging.tumor_result_screen", "staging.time_to_event", "core.response", *TABLES)


def rows(name: str) -> list[dict[str, str]]:
    with (EXPECTED / name).open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module", params=layout_names())
def built(request, tmp_path_factory):
    """A layout's name, and a database with its example up to the core."""
    name = request.param
    root = tmp_path_factory.mktemp(name)
    folder = write_layout(name, root / "studies", with_example=True)
    report = load_study(folder, root / "raw", loaded_at=datetime(2026, 1, 1))
    assert report.ignored_files == ()
    graph, values = installed_graph(), default_values()
    wanted = set(READ_TO).union(*(graph.ancestors(table) for table in READ_TO))
    with duckdb.connect() as connection:
        meta.create_schemas(connection)
        meta.write_settings(connection, values)
        for macro in graph.macros.values():
            connection.execute(macro.with_values(values))
        Builder(connection, graph, values, root / "raw", 1).build(sorted(wanted))
        yield name, connection


def test_every_layout_is_tested():
    assert set(BY_LESION) | set(BY_SUM) == set(layout_names())


def test_nothing_is_quarantined(built):
    _, connection = built
    assert connection.sql("SELECT reason, value FROM quality.quarantine").fetchall() == []
    assert connection.sql("SELECT count(*) FROM core.patient").fetchall() == [(5,)]


def test_sizes_organs_and_days_are_those_of_the_patients(built):
    name, connection = built
    if name not in BY_LESION:
        pytest.skip("the layout has sums only")
    found = connection.sql(
        "SELECT CAST(CAST(p.usubjid AS INTEGER) AS VARCHAR), "
        "regexp_extract(l.lesion_label, '([0-9]+)$', 1), l.organ, m.day, m.diameter_mm "
        "FROM core.measurement AS m JOIN core.lesion AS l USING (lesion_id) "
        "JOIN core.patient AS p ON m.patient_id = p.patient_id "
        "WHERE m.reader = p.analysis_reader ORDER BY ALL"
    ).fetchall()
    wanted = [
        (
            row["patient"],
            row["lesion"],
            "unknown" if name in WITHOUT_ORGANS else row["organ"],
            int(row["day"]),
            float(row["diameter_mm"]),
        )
        for row in rows("expected.csv")
    ]
    assert found == sorted(wanted)


def test_sums_are_those_of_the_patients(built):
    name, connection = built
    if name not in BY_SUM:
        pytest.skip("the layout has sizes")
    # Centimetres become millimetres to within the rounding of a binary fraction.
    found = connection.sql(
        "SELECT CAST(CAST(usubjid AS INTEGER) AS VARCHAR), day, round(sum_mm, 9) "
        "FROM staging.tumor_result_screen WHERE disposition = 'kept' AND sum_mm IS NOT NULL "
        "ORDER BY ALL"
    ).fetchall()
    sums: dict[tuple[str, int], float] = {}
    for row in rows("expected.csv"):
        key = (row["patient"], int(row["day"]))
        sums[key] = sums.get(key, 0) + float(row["diameter_mm"])
    assert found == sorted((*key, total) for key, total in sums.items())


def test_survival_and_best_responses(built):
    name, connection = built
    found = connection.sql(
        "SELECT CAST(CAST(usubjid AS INTEGER) AS VARCHAR), os_days, CAST(os_event AS INTEGER), "
        "best_overall_response FROM core.patient ORDER BY ALL"
    ).fetchall()
    wanted = rows("expected_patients.csv")
    if name not in WITHOUT_SURVIVAL:
        times = [(row["patient"], int(row["os_days"]), int(row["died"])) for row in wanted]
        assert [row[:3] for row in found] == times
    if name in WITH_BEST_RESPONSE:
        assert [row[3] for row in found] == [row["best_response"] for row in wanted]


def test_init_writes_layouts_into_a_project(tmp_path):
    run = CliRunner().invoke
    made = run(lesions, ["init", str(tmp_path / "p"), "--layout", "prime", "--layout", "velour"])
    assert made.exit_code == 0, made.output
    assert "adls_pds2019.*, adsl_pds2019.*" in made.output
    assert sorted(path.name for path in (tmp_path / "p" / "studies").iterdir()) == [
        *("prime", "velour"),
    ]
    more = run(lesions, ["init", str(tmp_path / "p"), "--layout", "monolix", "--example"])
    assert more.exit_code == 0
    assert (tmp_path / "p" / "studies" / "monolix" / "data.csv").is_file()
    again = run(lesions, ["init", str(tmp_path / "p"), "--layout", "monolix"])
    assert "is there already" in str(again.exception)
    wrong = run(lesions, ["init", str(tmp_path / "p"), "--layout", "prim"])
    assert wrong.exit_code == 2
    assert "They are: horizon_iii" in wrong.output


def test_layouts_say_what_they_are():
    listed = CliRunner().invoke(lesions, ["init", "x", "--layout", "list"]).output
    for name in layout_names():
        assert layout_title(name) in listed
        assert layout_files(name)
        assert f"`{name}`" in (Path(__file__).parents[2] / "docs" / "layouts.md").read_text()
