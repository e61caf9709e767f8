"""The lesions command: results, exit codes, one-paragraph errors."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from warehouse.project import Project

ROOT = Path(__file__).resolve().parents[2]


def test_help_lists_the_commands(call) -> None:  # type: ignore[no-untyped-def]
    shown = call("--help")
    assert shown.status == 0
    for command in ("demo", "init", "simulate", "load", "plan", "run", "check", "query",
                    "connect", "publish",
                    "lineage", "doctor", "schedule", "benchmarks"):  # fmt: skip
        assert f"\n  {command} " in shown.out
        assert call(command, "--help").status == 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from warehouse.cli import lesions; "
        "heavy = ('duckdb', 'pandas', 'numpy', 'sqlglot', 'rich', 'prefect'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_query_as_csv_json_and_parquet(call, built: Project, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sql = "SELECT patient_id, age_years FROM core.patient ORDER BY patient_id LIMIT 3"
    shown = call("query", "-C", built.root, "-f", "csv", sql)
    assert shown.status == 0
    as_csv = list(csv.DictReader(io.StringIO(shown.out)))
    as_json = json.loads(call("query", "-C", built.root, "-f", "json", sql).out)
    assert [row["patient_id"] for row in as_csv] == [row["patient_id"] for row in as_json]
    assert len(as_json) == 3
    file = tmp_path / "result.parquet"
    assert call("query", "-C", built.root, "-f", "parquet", "-o", file, sql).status == 0
    assert duckdb.sql(f"SELECT patient_id FROM read_parquet('{file}')").fetchall() == [
        (row["patient_id"],) for row in as_json
    ]
    assert call("query", "-C", built.root, "-f", "parquet", sql).status == 1


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM core.nothing", "does not exist"),
        ("SELEC 1", "syntax error"),
        ("DELETE FROM core.patient", "read-only"),
        ("SELECT * FROM read_csv('/etc/hostname')", "disabled"),
        ("COPY core.patient TO 'stolen.csv'", "disabled"),
        ("SELECT 1; SELECT 2", "more than one statement"),
    ],
)
def test_query_refused(call, built: Project, sql: str, words: str) -> None:  # type: ignore[no-untyped-def]
    before = built.published.read_bytes()
    shown = call("query", "-C", built.root, sql)
    assert shown.status == 1
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert built.published.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("query", "SELECT 1 AS a", "-o", "nowhere/x.xlsx"), "nowhere is no folder"),
        (("query", "SELECT 1 AS a", "-o", "x.tsv"), "the ending .tsv says no format"),
        (("query", "SELECT 1 AS a", "--rows", "0"), "x>=1"),
        (("query", "SELECT 1 AS a", "-o", "."), "is a folder"),
        (("docs", "-o", "."), "is a folder"),
        (("report", "-o", "."), "is a folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_paragraph(  # type: ignore[no-untyped-def]
    call, built: Project, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shown = call(*arguments, "-C", built.root)
    assert shown.status in (1, 2)
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert not list((tmp_path / "here").iterdir())


def test_letters_that_the_terminal_lacks_do_not_stop_a_query(built: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "warehouse.cli", "query", "-C", built.root, "SELECT 'é' AS a"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout


def test_load_obeys_project_also_for_a_study_of_another_project(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("mine", "theirs"):
        assert call("init", tmp_path / name).status == 0
    study = tmp_path / "theirs/studies/t"
    study.mkdir()
    (study / "study.yml").write_text("study_id: t\n")
    (study / "dm.csv").write_text("USUBJID,ARM\n1,x\n")
    assert call("load", study, "-C", tmp_path / "mine").status == 0
    assert (tmp_path / "mine/studies/t").resolve() == study
    assert (tmp_path / "mine/.lesions/raw/t").is_dir()
    assert not (tmp_path / "theirs/.lesions").exists()
    assert call("load", study).status == 0
    assert (tmp_path / "theirs/.lesions/raw/t").is_dir()


def test_a_file_that_is_a_link_out_of_its_study_is_read_and_named(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert call("init", tmp_path / "mine").status == 0
    study = tmp_path / "mine/studies/t"
    study.mkdir()
    (study / "study.yml").write_text("study_id: t\n")
    (tmp_path / "patients").write_text("USUBJID,ARM\n1,x\n")
    (study / "dm.csv").symlink_to(tmp_path / "patients")
    said = call("load", study).err
    assert f"t/dm.csv is a link out of the study's folder: {tmp_path / 'patients'}" in said
    examined = " ".join(call("doctor", "-C", tmp_path / "mine").out.split())
    assert "t reads dm.csv ->" in examined


def test_a_study_that_cannot_be_loaded_is_not_linked(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert call("init", tmp_path / "mine").status == 0
    study = tmp_path / "outside"
    study.mkdir()
    (study / "study.yml").write_text("study_id: t\ntitel: x\n")
    shown = call("load", study, "-C", tmp_path / "mine")
    assert shown.status == 1
    assert "titel" in shown.err
    assert list((tmp_path / "mine/studies").iterdir()) == []


def test_a_damaged_warehouse_is_named_with_what_to_do(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert call("init", tmp_path).status == 0
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 999)
    for command in (("query", "SELECT 1"), ("report",), ("run",)):
        shown = call(*command, "-C", tmp_path)
        assert shown.status == 1
        assert "move it away" in shown.err
        assert len(shown.err.strip().splitlines()) == 1
    shown = call("doctor", "-C", tmp_path)
    assert shown.status == 1
    assert "move it away" in " ".join(shown.out.split())


def test_a_negative_seed_is_refused(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shown = call("simulate", tmp_path / "new", "--patients", "20", "--seed", "-1")
    assert shown.status == 2
    assert "x>=0" in shown.err
    assert not (tmp_path / "new").exists()


def test_what_init_says_to_type_can_be_typed(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shown = call("init", tmp_path / "my trials")
    assert f"lesions run --project '{tmp_path / 'my trials'}'" in shown.out


def test_check_after_a_run_of_selected_models_checks_what_it_can(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert call("init", tmp_path).status == 0
    study = tmp_path / "studies/t"
    study.mkdir()
    (study / "study.yml").write_text("study_id: t\n")
    (study / "dm.csv").write_text("USUBJID,ARM,RFSTDTC\n1,x,2020-01-01\n")
    assert call("run", "-q", "-C", tmp_path, "+core.exposure").status == 0
    shown = call("check", "-C", tmp_path)
    assert shown.status == 0, shown.err
    assert "could not run" not in shown.err
    assert "tables were not checked" in shown.err
    shown = call("publish", "-C", tmp_path, "--to", tmp_path / "marts")
    assert shown.status == 1
    assert "has no table of mart" in shown.err


def test_lineage_of_a_table_and_of_a_column(call, built: Project) -> None:  # type: ignore[no-untyped-def]
    table = call("lineage", "-C", built.root, "core.measurement").out
    assert "raw.tr" in table
    assert "analysis.lesion_event" in table
    column = call("lineage", "-C", built.root, "core.measurement.volume_mm3").out
    assert "raw.tr.trorres" in column
    column = call("lineage", "-C", built.root, "core.measurement.diameter_mm").out
    impact = column.partition("\ninfluences")[2]
    # By the sum that an event is looked for in, and by Python steps that read tables whole.
    for name in ("analysis.patient_endpoint: ", "analysis.lesion_event: ", "mart.metric_value: "):
        assert name in impact
    assert "core.study" not in impact
    assert call("lineage", "-C", built.root, "core.measurement.volum").status == 1


def test_plan_check_and_doctor_on_a_built_project(call, built: Project) -> None:  # type: ignore[no-untyped-def]
    assert "up to date" in call("plan", "-C", built.root).out
    checked = call("check", "-C", built.root)
    assert checked.status == 0, checked.err
    assert built.check_page.is_file()
    examined = call("doctor", "-C", built.root)
    assert examined.status == 0, examined.out


def test_outside_a_project(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for command in ("plan", "run", "check"):
        shown = call(command, "-C", tmp_path)
        assert shown.status == 2
        assert shown.err.startswith("error: ")
        assert "lesions init" in shown.err
        assert len(shown.err.strip().splitlines()) == 1


def test_a_run_before_any_study_says_what_to_do(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert call("init", tmp_path / "new").status == 0
    shown = call("run", "-C", tmp_path / "new")
    assert shown.status == 1
    assert "studies" in shown.err


def test_demo_refuses_a_folder_that_holds_something_else(call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "mine.txt").write_text("mine")
    shown = call("demo", tmp_path)
    assert shown.status == 1
    assert "not empty" in shown.err
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert call("init", tmp_path / "trials").status == 0
    shown = call("demo", tmp_path / "trials")
    assert shown.status == 1
    assert "no demonstration" in shown.err


def test_the_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """The SQL, the seeds and the suites travel inside the package."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wheel = next(tmp_path.glob("*.whl"))
    inside = tmp_path / "inside"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(inside)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"warehouse", "flows", "udfs"}
    code = (
        "import warehouse, sys; from warehouse.catalogue import installed_graph; "
        "from warehouse.checks import load_suites; from warehouse.contents import content_folder; "
        "assert warehouse.__file__.startswith(sys.path[0]), warehouse.__file__; "
        "print(len(installed_graph().nodes), len(load_suites(content_folder('expectations'))))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(inside)!r}); {code}"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    nodes, suites = map(int, shown.stdout.split())
    assert nodes > 90
    assert suites > 50
