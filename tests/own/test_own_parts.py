"""A project's own model, rules, site, checks, step, figure: built, checked, in lineage, report."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from warehouse.cli import lesions
from warehouse.contents import content_folder
from warehouse.database import open_published
from warehouse.display import Display
from warehouse.errors import CommandError, LesionsError
from warehouse.judging import judge
from warehouse.loading import load_one
from warehouse.own import MERGED, REPLACED, ProjectSuites, has_own_parts, project_graph
from warehouse.project import Project, create_project, open_project
from warehouse.reference.describe import describe
from warehouse.report.make import make_report
from warehouse.run import plan_project, run_project
from warehouse.starts import write_start

STUDY = "study_id: t\nlayout: lesion_long\nday_convention: zero_based\nfiles: [{file: d.csv}]\n"
ROWS = "patient,lesion,day,diameter_mm,site,arm\n"


def make_project(root: Path) -> Project:
    """Ten patients with two lesions each, one of 60 mm in a site that only the project knows."""
    project = create_project(root)
    folder = project.studies / "t"
    folder.mkdir()
    (folder / "study.yml").write_text(STUDY)
    lines = []
    for n in range(1, 11):
        for day, factor in ((-7, 1.0), (56, 0.74), (112, 1.0 + n / 20)):
            lines.append(f"{n},A,{day},{round(60 * factor, 1)},Xyzzyum,{'AB'[n % 2]}")
            lines.append(f"{n},B,{day},{round((15 + n) * factor, 1)},LUNG,{'AB'[n % 2]}")
    (folder / "d.csv").write_text(ROWS + "\n".join(lines) + "\n")
    return open_project(root)


def own_rules(root: Path) -> None:
    """A rule set 'clinic': RECIST 1.1 with a response at 25 % less; and a site."""
    seeds = content_folder("sql") / "seeds"
    (root / "rules").mkdir()
    for name, key in (("staging.rule_set", "rule_set"), ("staging.event_rule", "rule_id")):
        with (seeds / f"{name}.csv").open(newline="") as handle:
            rows = [row for row in csv.DictReader(handle) if row["rule_set"] == "recist_1_1"]
        for row in rows:
            row["rule_set"] = "clinic"
            row[key] = row[key].replace("recist_1_1", "clinic")
            if "sort_order" in row:
                row["sort_order"] = "4"
            if row.get("relative_change") == "-0.3":
                row["relative_change"] = "-0.25"
        with (root / "rules" / f"{name}.csv").open("w", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    (root / "rules" / "staging.site_map.csv").write_text(
        "priority,site_raw_pattern,organ,example\n9001,XYZZY,liver,Xyzzyum\n"
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Project:
    """A project with one part of each kind, run."""
    root = tmp_path_factory.mktemp("own") / "p"
    project = make_project(root)
    own_rules(root)
    write_start(project, "model", "analysis.large_lesion")
    write_start(project, "figure", "fig_target_organ")
    write_start(project, "check", "analysis.large_lesion")
    write_start(project, "step", "analysis.day_median")
    project = open_project(root)
    run_project(project)
    return project


def query(project: Project, sql: str) -> list[tuple]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_own_tables_are_built_from_the_shipped_ones(built):
    large = query(built, "SELECT count(*), min(baseline_diameter_mm) FROM analysis.large_lesion")
    assert large == [(10, 60.0)]
    medians = dict(query(built, "SELECT day, diameter_mm FROM analysis.day_median"))
    # At baseline ten lesions of 60 mm and ten of 16 to 25 mm: the median lies between 25 and 60.
    assert medians[-7] == pytest.approx((25 + 60) / 2)


def test_a_site_of_the_project_has_its_organ(built):
    assert query(built, "SELECT DISTINCT organ FROM core.lesion WHERE site_raw = 'Xyzzyum'") == [
        ("liver",)
    ]


def test_a_rule_set_of_the_project_is_evaluated_beside_the_shipped_ones(built):
    """26 % less on day 56: a response by the project's 25 %, none by RECIST's 30 %."""
    found = query(
        built,
        "SELECT rule_set, count(*) FILTER (is_event) FROM analysis.lesion_event "
        "WHERE endpoint = 'response' AND source = 'observed' "
        "AND rule_set IN ('clinic', 'recist_1_1') GROUP BY 1 ORDER BY 1",
    )
    assert found == [("clinic", 20), ("recist_1_1", 0)]


def test_own_checks_are_made_with_the_shipped_ones(built):
    found = query(
        built,
        "SELECT check_id, severity, success FROM quality.check_result "
        "WHERE table_name = 'analysis.large_lesion' AND check_id = 'project_has_rows'",
    )
    assert found == [("project_has_rows", "warning", True)]


def test_origin_says_what_is_the_projects(built):
    origins = dict(query(built, "SELECT name, origin FROM meta.model"))
    assert origins["analysis.large_lesion"] == "project"
    assert origins["analysis.day_median"] == "project"
    assert origins["staging.event_rule"] == MERGED
    assert origins["core.lesion"] == "shipped"


def test_lineage_goes_through_own_tables(built):
    edges = query(
        built,
        "SELECT from_table, from_column FROM meta.lineage_column "
        "WHERE table_name = 'analysis.large_lesion' AND column_name = 'organ'",
    )
    assert ("core.lesion", "organ") in edges
    shown = CliRunner().invoke(lesions, ["lineage", "core.lesion", "-C", str(built.root)])
    assert "analysis.large_lesion" in shown.output


def test_the_report_and_the_catalogue_show_own_tables(built):
    page = make_report(built).read_text(encoding="utf-8")
    assert "Of this project" in page
    assert "Target lesions by organ" in page
    done = CliRunner().invoke(lesions, ["docs", "-C", str(built.root)])
    assert done.exit_code == 0, done.output
    with open_published(built.published) as connection:
        tables = {table["name"] for table in describe(connection, built)["tables"]}
    assert {"analysis.large_lesion", "analysis.day_median"} <= tables


def test_a_change_of_an_own_part_rebuilds_what_depends_on_it(built, tmp_path):
    assert plan_project(built).plan.is_empty
    model = built.root / "sql" / "analysis" / "large_lesion.sql"
    text = model.read_text()
    try:
        model.write_text(text.replace(">= 50", ">= 20"))
        assert plan_project(built).plan.chosen == {"analysis.large_lesion"}
    finally:
        model.write_text(text)
    steps = built.root / "own_steps.py"
    code = steps.read_text()
    try:
        steps.write_text(code.replace(".median()", ".mean()"))
        assert "day_median" in plan_project(built).plan.chosen
    finally:
        steps.write_text(code)


def test_load_judges_with_the_projects_sites(built, capsys):
    load_one(built.studies / "t", built.root, Display(), is_named=True)
    assert "Xyzzyum" not in capsys.readouterr().err
    without = judge(built.raw, "t", built.values)
    assert without.unmapped == (("Xyzzyum", 10),)


def test_a_model_in_place_of_a_shipped_one(tmp_path):
    project = create_project(tmp_path / "p")
    shipped = content_folder("sql") / "mart" / "dim_organ.sql"
    own = project.root / "sql" / "mart" / "dim_organ.sql"
    own.parent.mkdir(parents=True)
    shutil.copyfile(shipped, own)
    assert project_graph(project).nodes["mart.dim_organ"].origin == REPLACED
    own.write_text(
        "/* Organs.\n   Grain: one row per organ\n   Key: organ\n*/\n"
        "SELECT organ -- the organ\nFROM core.organ\n"
    )
    with pytest.raises(LesionsError, match=r"in place of the shipped mart.dim_organ and lacks"):
        project_graph(project)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("sql/analysis/a.sql", "SELECT 1", "begins with no"),
        ("sql/analysis/a.sql", "/* A.\n   Grain: g\n   Key: k\n*/\nSELECT k -- k\nFROM no.table\n",
         "no.table"),
        ("rules/staging.site_mapp.csv", "a\n1\n", "no shipped seed.*mean 'staging.site_map'"),
        ("rules/staging.site_map.csv", "priority,organs\n1,x\n", "has no column 'organs'"),
        ("rules/staging.site_map.csv", "priority,organ\n,liver\n", "'priority' is blank"),
        ("rules/staging.site_map.csv", "priority,organ\n1,liver\n1,lung\n", "there twice"),
        ("rules/staging.site_map.csv", "priority,organ\n1\n", "more or fewer fields"),
    ],
)  # fmt: skip
def test_own_parts_that_do_not_fit(tmp_path, file, text, message):
    project = create_project(tmp_path / "p")
    path = project.root / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(LesionsError, match=message):
        project_graph(project)


def test_an_own_row_replaces_the_shipped_row_of_its_key(tmp_path):
    project = create_project(tmp_path / "p")
    (project.root / "rules").mkdir()
    (project.root / "rules" / "staging.site_map.csv").write_text("priority,organ\n8,liver\n")
    seed = project_graph(project).nodes["staging.site_map"].seed
    assert seed is not None
    with seed.path.open(newline="") as handle:
        rows = {row["priority"]: row for row in csv.DictReader(handle)}
    assert rows["8"]["organ"] == "liver"
    assert rows["8"]["site_raw_pattern"] == r"\bLYMPHANG"


def test_an_own_check_replaces_the_shipped_check_of_its_id(tmp_path):
    project = create_project(tmp_path / "p")
    shipped = ProjectSuites(project)["mart.fig_load"]
    path = project.root / "expectations" / "mart" / "fig_load.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "- expect_rows_to_satisfy: {condition: rows_in_file >= 0}\n  id: rows_add_up\n"
        "  description: files have rows\n"
    )
    own = ProjectSuites(project)["mart.fig_load"]
    assert len(own.checks) == len(shipped.checks)
    changed = next(check for check in own.checks if check.check_id == "rows_add_up")
    assert "rows_in_file >= 0" in json.dumps(dict(changed.kwargs))


def test_steps_that_cannot_be_imported(tmp_path):
    project = create_project(tmp_path / "p")
    (project.root / "lesions.toml").write_text('[project]\nsteps = "mine"\n')
    with pytest.raises(LesionsError, match=r"names the module 'mine', and .* is not there"):
        project_graph(open_project(project.root))
    (project.root / "mine.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(LesionsError, match="cannot be imported: ModuleNotFoundError"):
        project_graph(open_project(project.root))


def test_a_project_without_own_parts_has_the_shipped_graph(tmp_path):
    project = create_project(tmp_path / "p")
    assert not has_own_parts(project)
    assert set(project_graph(project).nodes) == set(project_graph(project).nodes)


def test_starts_that_are_wrong_or_there(tmp_path):
    project = create_project(tmp_path / "p")
    write_start(project, "rule", "staging.event_rule")
    with pytest.raises(LesionsError, match="is there already"):
        write_start(project, "rule", "staging.event_rule")
    for kind, name, message in (
        ("rule", "staging.event_rulee", "Did you mean 'staging.event_rule'"),
        ("check", "core.lesionn", "Did you mean 'core.lesion'"),
        ("figure", "lesions", "is named mart.fig_"),
        ("model", "Large", "is no table"),
        ("model", "silver.x", "is no layer"),
    ):
        with pytest.raises(CommandError, match=message):
            write_start(project, kind, name)


def test_the_rule_set_of_later_analyses_may_be_the_projects(tmp_path):
    project = create_project(tmp_path / "p")
    (project.root / "lesions.toml").write_text('[rules]\nrule_set = "clinic"\n')
    with pytest.raises(LesionsError, match="'clinic' is not one of recist_1_1, zhou2023"):
        project_graph(open_project(project.root))
    own_rules(project.root)
    assert "staging.rule_set" in project_graph(open_project(project.root)).nodes
