"""Names that careless code runs or breaks on, carried from the sources through every output."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from projects import made_once
from whole.browser import DRAWN, Page, browser
from whole.hostile import WORDS, write_hostile_project

from warehouse.project import Project, open_project
from warehouse.publishing.folder import publish_to_folder
from warehouse.publishing.postgres import publish_to_postgres
from warehouse.query import run_query
from warehouse.reference.make import make_catalogue
from warehouse.report.make import make_report
from warehouse.run import run_project

pytestmark = pytest.mark.slow

PATIENTS = "SELECT * FROM mart.dim_patient ORDER BY ALL"


def _build(folder: Path) -> None:
    run_project(open_project(write_hostile_project(folder)))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built. Tests only add pages."""
    (folder,) = made_once(tmp_path_factory, "hostile", _build).iterdir()
    return open_project(folder)


def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_every_patient_and_lesion_is_there_under_its_own_name(hostile: Project) -> None:
    written: dict[str, set[str]] = {"dm": set(), "tu": set()}
    for domain, column in (("dm", "USUBJID"), ("tu", "TULNKID")):
        for path in hostile.studies.glob(f"*/{domain}.csv"):
            with path.open(newline="") as handle:
                written[domain] |= {row[column] for row in csv.DictReader(handle)}
    found = {name for (name,) in rows(hostile, "SELECT usubjid FROM core.patient")}
    assert found == written["dm"]
    labels = {name for (name,) in rows(hostile, "SELECT lesion_label FROM core.lesion")}
    assert labels <= written["tu"]
    assert len(labels) > 10
    for word in WORDS:
        assert any(name.startswith(word) for name in found), word
    arms = " ".join(arm for (arm,) in rows(hostile, "SELECT DISTINCT arm FROM core.patient"))
    assert sum(word in arms for word in WORDS) >= 8


@pytest.mark.parametrize("kind", ["report", "catalogue", "checks"])
def test_no_name_is_run_by_a_page(hostile: Project, page: Page, kind: str, tmp_path: Path) -> None:
    target = tmp_path / f"{kind}.html"
    if kind == "report":
        make_report(hostile, target)
    elif kind == "catalogue":
        make_catalogue(hostile, target)
    else:
        target.write_bytes(hostile.check_page.read_bytes())
    text = target.read_text(encoding="utf-8")
    for raw in ("<script>document", "<img src=x onerror=document", "<svg onload=document"):
        assert raw not in text
    page.errors.clear()
    loaded = f"document.readyState === 'complete' && location.href.endsWith('{kind}.html')"
    page.open(target, width=1280, until=loaded if kind == "checks" else DRAWN)
    page.js(
        "for (const s of document.querySelectorAll('select')) { s.selectedIndex = s.length - 1;"
        "s.dispatchEvent(new Event('change', { bubbles: true })); }"
        "for (const d of document.querySelectorAll('details')) d.open = true"
    )
    states = page.js(
        "[...document.querySelectorAll('figure[data-chart]')].map((f) => f.dataset.state)"
    )
    assert set(states) <= {"drawn"}
    assert page.js("document.title") != "owned"
    assert page.js("document.querySelectorAll('main [onerror], main [onload]').length") == 0
    assert page.errors == []


def test_a_table_of_the_report_opens_in_a_spreadsheet_without_formulas(
    hostile: Project, page: Page, tmp_path: Path
) -> None:
    page.open(make_report(hostile, tmp_path / "report.html"), width=1280)
    rows_given = [{"a": word, "b": -1.5} for word in WORDS]
    text = page.js(f"asCsv({json.dumps(rows_given)}, ['a', 'b'])")
    found = list(csv.reader(io.StringIO(text, newline="")))[1:]
    led = ["'" * word.startswith(("=", "+", "-", "@")) + word for word in WORDS]
    assert [row[0] for row in found] == led
    assert not any(row[0].startswith(("=", "+", "-", "@")) for row in found)
    assert {row[1] for row in found} == {"-1.5"}


def test_files_of_a_query_hold_the_names_as_they_are(hostile: Project, tmp_path: Path) -> None:
    wanted = rows(hostile, PATIENTS)
    sql = f"-- {WORDS[1]}\n{PATIENTS}"
    for ending in ("csv", "json", "parquet", "xlsx"):
        run_query(hostile.published, sql, "table", tmp_path / f"out.{ending}", 10)
    with duckdb.connect() as connection:
        parquet = connection.execute(f"FROM '{tmp_path}/out.parquet'").fetchall()
    assert parquet == wanted
    names = [row[0] for row in wanted]
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as handle:
        assert [row[0] for row in csv.reader(handle)][1:] == names
    objects = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [next(iter(row.values())) for row in objects] == names
    import openpyxl

    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    cells = [cell for row in book["result"].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b", "d"}
    shown = [row[0].value for row in book["result"].iter_rows(min_row=2)]
    # A workbook is XML, which has no control characters.
    assert shown == ["".join("\ufffd" if s in "\x1b\x07" else s for s in name) for name in names]
    assert {c.data_type for row in book["query"].iter_rows() for c in row if c.value} == {"s"}


def test_the_parquet_folder_and_the_mirror_hold_the_same(
    hostile: Project, database: Any, tmp_path: Path
) -> None:
    import psycopg

    wanted = rows(hostile, PATIENTS)
    target = tmp_path / "marts ' {x}"
    publish_to_folder(hostile.published, target)
    columns = [row[0] for row in rows(hostile, "DESCRIBE mart.dim_patient")]
    listed = ", ".join(f'"{column}"' for column in columns)
    with duckdb.connect() as connection:
        files = str(target / "current/dim_patient/**/*.parquet").replace("'", "''")
        found = connection.execute(
            f"SELECT {listed} FROM read_parquet('{files}', hive_partitioning = false) ORDER BY ALL"
        ).fetchall()
    assert found == wanted
    url = database("publisher")
    publish_to_postgres(hostile.published, url)
    with psycopg.connect(url) as mirror:
        found = mirror.execute(f"SELECT {listed} FROM mart.dim_patient").fetchall()
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


def test_superset_files_are_the_same_whatever_the_names(
    hostile: Project, call: Any, tmp_path: Path
) -> None:
    target = tmp_path / "s.zip"
    shown = call("connect", "-C", hostile.root, "--superset", target)
    assert shown.status == 0, shown.err
    with zipfile.ZipFile(target) as archive:
        documents = {name: archive.read(name).decode() for name in archive.namelist()}
    for name, text in documents.items():
        assert not name.startswith("/")
        assert ".." not in name
        assert isinstance(yaml.safe_load(text), dict)
        if "/databases/" not in name:  # where the file's own path stands
            assert not any(word in text for word in WORDS)


def test_what_a_command_prints_steers_no_terminal(hostile: Project, call: Any) -> None:
    for arguments in (
        ("plan",), ("check",), ("doctor",), ("connect",), ("lineage", "core.lesion"),
        ("load", hostile.studies / "MCRC03"),
        ("query", "SELECT usubjid, arm FROM core.patient"),
        ("query", "SELECT * FROM core.patient"),
    ):  # fmt: skip
        place = () if arguments[0] == "load" else ("-C", hostile.root)
        shown = call(*arguments, *place)
        assert shown.status == 0, shown.err
        assert "\x1b" not in shown.out + shown.err, arguments
        assert "\x07" not in shown.out + shown.err, arguments
