"""Ways in for analysts: open_warehouse, lesions query's formats, connect and publish."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
import yaml

from warehouse import open_warehouse
from warehouse.cli import main
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.query import run_query


def lesions(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "warehouse.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_relations_and_frames_are_read_only(built: Project) -> None:
    before = built.published.read_bytes()
    mine = pd.DataFrame({"sex": ["F", "M"], "word": ["woman", "man"]})
    with open_warehouse(built.root / "studies") as warehouse:
        frame = warehouse.frame(
            "SELECT word, count(*) AS n FROM mart.dim_patient INNER JOIN mine USING (sex) "
            "WHERE age_years > ? GROUP BY word ORDER BY word",
            [40],
        )
        assert list(frame["word"]) == ["man", "woman"]
        assert len(mine) == 2
        table = warehouse.table("core.lesion")
        n = table.filter("is_analysed").aggregate("count(*)").fetchall()
        assert n == warehouse.sql("SELECT count(*) FROM core.lesion WHERE is_analysed").fetchall()
        assert warehouse.arrow("FROM mart.dim_organ").num_rows == 25
        columns = warehouse.describe("mart.metric_patient").set_index("name")
        assert columns.loc["ecog", "meaning"] == "ECOG performance status"
        listed = warehouse.tables("mart").set_index("name")
        assert listed.loc["mart.metric_patient", "description"].startswith("One analysed patient")
        assert "tables in adam, analysis, core, mart" in repr(warehouse)
        assert "<b>Warehouse</b>" in warehouse._repr_html_()
        for sql in ("DELETE FROM mart.dim_organ", "CREATE TABLE mart.x AS SELECT 1",
                    "DROP VIEW mart.metric_patient"):  # fmt: skip
            with pytest.raises(duckdb.Error, match="read-only"):
                warehouse.connection.execute(sql)
    with pytest.raises(LesionsError, match="closed"):
        warehouse.frame("SELECT 1")
    assert built.published.read_bytes() == before


def test_a_warehouse_stays_as_it_was_until_it_is_refreshed(tmp_path: Path, built: Project) -> None:
    file = tmp_path / "copy.duckdb"
    file.write_bytes(built.published.read_bytes())
    warehouse = open_warehouse(file)
    newer = tmp_path / "newer.duckdb"
    newer.write_bytes(built.published.read_bytes())
    with duckdb.connect(str(newer)) as connection:
        connection.execute("DELETE FROM mart.dim_organ WHERE organ = 'heart'")
    newer.replace(file)
    second = open_warehouse(file)
    count = "SELECT count(*) FROM mart.dim_organ"
    assert warehouse.sql(count).fetchall() == [(25,)]
    assert second.sql(count).fetchall() == [(24,)]
    assert warehouse.refresh().sql(count).fetchall() == [(24,)]
    warehouse.close()
    second.close()


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="lesions run"):
        open_warehouse(tmp_path / "none.duckdb")
    with pytest.raises(LesionsError, match="not in a project"):
        open_warehouse(tmp_path)
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(LesionsError, match="cannot be opened"):
        open_warehouse(tmp_path / "text.duckdb")


def test_excel_holds_the_values_and_no_formula(built: Project, tmp_path: Path) -> None:
    sql = (
        "SELECT '=1+1' AS formula, NULL::INTEGER AS nothing, 'nan'::DOUBLE AS nan, true AS flag, "
        "9007199254740993 AS large, DATE '2020-02-29' AS day, 'a' || chr(7) AS bell, "
        "[1, 2] AS list, 0.5::DOUBLE AS half, TIMESTAMPTZ '2020-01-01 00:00:00+00' AS moment, "
        "'infinity'::DOUBLE AS inf, 1.25 AS exact"
    )
    file = tmp_path / "result.xlsx"
    run_query(built.published, sql, "table", file, 40)
    book = openpyxl.load_workbook(file)
    header, values = list(book["result"].iter_rows(values_only=True))
    row = dict(zip(header, values, strict=True))
    assert row["formula"] == "=1+1"
    assert book["result"]["A2"].data_type == "s"
    assert (row["nothing"], row["nan"], row["flag"]) == (None, None, True)
    assert row["large"] == "9007199254740993"
    assert row["day"].date().isoformat() == "2020-02-29"
    assert row["bell"] == "a\N{REPLACEMENT CHARACTER}"
    assert row["list"] == "[1, 2]"
    assert (row["half"], row["inf"], row["exact"]) == (0.5, "inf", 1.25)
    assert row["moment"].startswith("2020-01-01")
    assert book["query"]["A1"].value == sql
    lesion = "SELECT lesion_id, day, diameter_mm FROM core.measurement ORDER BY ALL"
    run_query(built.published, lesion, "excel", file, 40)
    with duckdb.connect(str(built.published), read_only=True) as connection:
        wanted = connection.execute(lesion).fetchall()
    found = list(openpyxl.load_workbook(file)["result"].iter_rows(min_row=2, values_only=True))
    assert found == wanted


def test_excel_refuses_what_it_cannot_hold(built: Project, tmp_path: Path) -> None:
    file = tmp_path / "result.xlsx"
    with pytest.raises(LesionsError, match="1,048,575 rows"):
        run_query(built.published, "FROM range(1048576)", "excel", file, 40)
    with pytest.raises(LesionsError, match="32,767"):
        run_query(built.published, "SELECT repeat('x', 40000)", "excel", file, 40)
    with pytest.raises(LesionsError, match="--output"):
        run_query(built.published, "SELECT 1", "excel", None, 40)


FULL = """
import resource, sys
from pathlib import Path
from warehouse.publishing.excel import write_excel
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    write_excel(["a"], 1, [[1]], "SELECT 1 AS a", Path(sys.argv[1]))
except OSError:
    print("refused")
"""


def test_excel_on_a_full_disk_is_the_error_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "x.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_a_wide_result_in_a_narrow_terminal_leaves_nothing_out(built: Project) -> None:
    wide = "SELECT * FROM mart.fct_patient_outcome ORDER BY patient_id"
    shown = lesions("query", "-C", built.root, wide, COLUMNS="60").stdout
    assert max(map(len, shown.splitlines())) <= 60
    with duckdb.connect(str(built.published), read_only=True) as connection:
        columns = connection.sql(wide).columns
        n = connection.sql(wide).aggregate("count(*)").fetchall()[0][0]
    for column in columns:
        assert f"{column}  " in shown
    assert f"3 of {n} rows, {len(columns)} columns" in shown
    narrow = lesions("query", "-C", built.root, "SELECT 1 AS a, 'b' AS b", COLUMNS="60").stdout
    assert "┌" in narrow


def test_connect_prints_ways_and_no_password(built: Project) -> None:
    secret = "geheim"
    shown = lesions(
        "connect", "-C", built.root, "--postgres", f"postgresql://ana:{secret}@db.example:5433/t"
    )
    assert shown.returncode == 0
    assert secret not in shown.stdout + shown.stderr
    for text in (
        f"duckdb:///{built.published}", f"jdbc:duckdb:{built.published}", "{DuckDB Driver}",
        "jdbc:postgresql://db.example:5433/t?user=ana&currentSchema=mart", "untested",
        "postgresql+psycopg://ana@db.example:5433/t", "psycopg[binary]",
    ):  # fmt: skip
        assert text in shown.stdout, text
    assert lesions("connect", "-C", built.root, "--postgres", "mysql://x/y").returncode == 1


def test_the_python_that_connect_prints_runs(built: Project) -> None:
    lines = [line.strip() for line in lesions("connect", "-C", built.root).stdout.splitlines()]
    start = lines.index("from warehouse import open_warehouse")
    code = "\n".join([*lines[start : start + 2], f"print({lines[start + 2]}.shape)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(24, 5)"


def test_publish_from_the_command(
    built: Project, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    url = database("publisher").replace("publisher@", "publisher:geheim@")
    calls = [("--to", url), ("--to", tmp_path / "parquet")]
    for arguments in calls:
        monkeypatch.setattr(sys, "argv", ["lesions", "publish", "-C", str(built.root),
                                          *map(str, arguments)])  # fmt: skip
        main()
    shown = capsys.readouterr()
    assert "geheim" not in shown.out + shown.err
    assert "The role lesions_reader reads them." in shown.out
    manifest = json.loads((tmp_path / "parquet/current/manifest.json").read_text())
    assert f"Wrote {len(manifest['tables'])} tables" in shown.out
    for target in ("mysql://x/y", tmp_path / "dashboards.zip"):
        assert lesions("publish", "-C", built.root, "--to", target).returncode == 1


@pytest.mark.parametrize("mirror", [None, "postgresql://ana:geheim@db.example/trials"])
def test_the_superset_file_is_whole(built: Project, tmp_path: Path, mirror: str | None) -> None:
    """Every id that one file names is another file's, and every measure is mart.metric's."""
    target = tmp_path / "dashboards.zip"
    more = ["--postgres", mirror] if mirror else []
    shown = lesions("connect", "-C", built.root, "--superset", target, *more)
    assert shown.returncode == 0, shown.stderr
    with zipfile.ZipFile(target) as archive:
        assert "geheim" not in "".join(archive.read(n).decode() for n in archive.namelist())
        content = {name: yaml.safe_load(archive.read(name)) for name in archive.namelist()}
    kinds: dict[str, list[dict[str, object]]] = {}
    for name, value in content.items():
        kinds.setdefault(name.split("/")[1], []).append(value)
    assert len(kinds["databases"]) == 1
    database_id = kinds["databases"][0]["uuid"]
    assert {d["database_uuid"] for d in kinds["datasets"]} == {database_id}
    datasets = {d["uuid"]: d for d in kinds["datasets"]}
    charts = {c["uuid"]: c for c in kinds["charts"]}
    for chart in charts.values():
        dataset = datasets[chart["dataset_uuid"]]
        measures = {m["metric_name"] for m in dataset["metrics"]}
        columns = {c["column_name"] for c in dataset["columns"]}
        (query,) = json.loads(chart["query_context"])["queries"]
        assert set(query["metrics"]) <= measures
        used = [c["sqlExpression"] if isinstance(c, dict) else c for c in query["columns"]]
        assert set(used) | {f["col"] for f in query["filters"]} <= columns
    placed = [
        item["meta"]["uuid"]
        for dashboard in kinds["dashboards"]
        for item in dashboard["position"].values()
        if isinstance(item, dict) and item["type"] == "CHART"
    ]
    assert sorted(placed) == sorted(charts)
    again = tmp_path / "again.zip"
    assert lesions("connect", "-C", built.root, "--superset", again, *more).returncode == 0
    assert again.read_bytes() == target.read_bytes()
