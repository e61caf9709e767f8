"""``lesions report``: what the page holds, against the warehouse."""

from __future__ import annotations

import math
import re
import shutil
from html import unescape
from importlib.metadata import entry_points
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from report.blocks import block_of, read_block

from flows.tlf import write_tlf
from warehouse.cli import lesions
from warehouse.database import open_published
from warehouse.demo import run_demo
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.report.encode import SINGLE_PRECISION
from warehouse.report.labels import with_settings
from warehouse.report.make import CHAPTER_GROUP, make_report
from warehouse.report.sections import SECTIONS
from warehouse.settings import default_values

FIGURES = {
    figure.name: figure
    for section in with_settings(SECTIONS, {k: str(v) for k, v in default_values().items()})
    for figure in section.figures
}


@pytest.fixture(scope="module")
def html(built: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = make_report(built, tmp_path_factory.mktemp("report") / "r.html")
    return path.read_text(encoding="utf-8")


def figures_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'<figure id="([^"]+)"(.*?)</figure>', html, re.DOTALL))


def one(project: Project, sql: str) -> tuple[object, ...]:
    with open_published(project.published) as con:
        return con.execute(sql).fetchall()[0]


def test_the_page_loads_nothing(html: str) -> None:
    markup = re.sub(r"<script>.*?</script>|<!--.*?-->", "", html, flags=re.DOTALL)
    links = re.findall(r'(?:src|href|action)="([^"]*)"', markup)
    assert {link for link in links if not link.startswith("#")} == {"data:,"}
    assert "url(" not in markup
    assert "@import" not in markup


def test_every_figure_is_drawn_or_says_why_not(html: str, built: Project) -> None:
    with open_published(built.published) as con:
        present = {
            f"{schema}.{table}"
            for schema, table in con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE estimated_size > 0"
            ).fetchall()
        }
    drawn = figures_of(html)
    for name, figure in FIGURES.items():
        if figure.table not in present:
            assert f'<article class="left-out" id="{name}">' in html
    assert set(drawn) <= set(FIGURES)
    assert {"consort", "waterfall", "patient-browser", "hazard-organ", "survival"} <= set(drawn)


def test_every_figure_says_n_method_and_table(html: str) -> None:
    for name, text in figures_of(html).items():
        assert re.search(r"<b class='n'>n = [1-9][\d,]* ", text), name
        assert f"<code>{FIGURES[name].table}</code>" in text
        assert FIGURES[name].method in unescape(text)
        assert "Download CSV" in text
        assert "Rows behind it" in text


@pytest.mark.parametrize(
    ("figure", "sql"),
    [
        ("waterfall", "SELECT count(*) FROM mart.fct_patient_outcome "
         "WHERE is_analysed AND best_change_percent IS NOT NULL"),
        ("consort", "SELECT count(*) FROM core.patient"),
        ("characteristics", "SELECT count(*) FROM core.patient WHERE is_analysed"),
        ("patient-browser", "SELECT count(*) FROM core.patient WHERE is_analysed"),
        ("organ-lesions", "SELECT count(*) FROM core.lesion WHERE is_analysed"),
        ("growth-fit", "SELECT n_lesions FROM analysis.growth_fit"),
        ("checks", "SELECT count(*) FROM quality.check_result"),
    ],
)  # fmt: skip
def test_n_is_what_the_tables_behind_the_mart_count(
    html: str, built: Project, figure: str, sql: str
) -> None:
    found = re.search(r"<b class='n'>n = ([\d,]+) ", figures_of(html)[figure])
    assert found is not None
    assert int(found.group(1).replace(",", "")) == one(built, sql)[0]


def test_the_rows_inside_are_the_tables_rows(html: str, built: Project) -> None:
    found = read_block(block_of(html, "waterfall"))
    with open_published(built.published) as con:
        wanted = con.execute(
            "SELECT patient_id, best_change_percent, bar_order FROM mart.fig_waterfall "
            "ORDER BY bar_order"
        ).fetchall()
    assert found["patient_id"] == [row[0] for row in wanted]
    assert found["bar_order"] == [row[2] for row in wanted]
    for stored, (_, value, _) in zip(found["best_change_percent"], wanted, strict=True):
        assert math.isclose(stored, value, rel_tol=SINGLE_PRECISION)


def test_the_patient_browser_holds_each_lesions_scans_and_curve(html: str, built: Project) -> None:
    patients = read_block(block_of(html, "patient-browser"))
    lesions = read_block(block_of(html, "patient-browser-lesion"))
    scans = read_block(block_of(html, "patient-browser-scan"))
    curves = read_block(block_of(html, "patient-browser-curve"))
    lesion = lesions["lesion_type"].index("target")
    owner = patients["patient_id"][lesions["patient"][lesion]]
    label = lesions["lesion_label"][lesion]
    with open_published(built.published) as con:
        ((lesion_id,),) = con.execute(
            "SELECT lesion_id FROM core.lesion WHERE patient_id = ? AND lesion_label = ? "
            "AND is_analysed",
            [owner, label],
        ).fetchall()
        measured = con.execute(
            "SELECT day, diameter_mm FROM core.measurement WHERE lesion_id = ? ORDER BY day",
            [lesion_id],
        ).fetchall()
        points = con.execute(
            "SELECT day, volume_mm3 FROM analysis.growth_curve WHERE lesion_id = ? ORDER BY day",
            [lesion_id],
        ).fetchall()
    shown = [
        (scans["day"][row], scans["diameter_mm"][row])
        for row, number in enumerate(scans["lesion"])
        if number == lesion and scans["diameter_mm"][row] is not None
    ]
    assert shown == [pytest.approx(row, rel=SINGLE_PRECISION) for row in measured]
    drawn = [
        (curves["day"][row], curves["volume_mm3"][row])
        for row, number in enumerate(curves["lesion"])
        if number == lesion
    ]
    assert drawn == [pytest.approx(row, rel=SINGLE_PRECISION) for row in points]


def test_the_same_warehouse_gives_the_same_bytes(html: str, built: Project, tmp_path: Path) -> None:
    again = make_report(built, tmp_path / "again.html").read_text(encoding="utf-8")
    assert again == html


def test_a_table_that_is_not_there_leaves_its_figure_out(built: Project, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(built.published, copy / "warehouse.duckdb")
    with duckdb.connect(str(copy / "warehouse.duckdb")) as con:
        con.execute("DROP TABLE mart.fig_waterfall")
        con.execute("DELETE FROM mart.fig_swimmer")
    page = make_report(Project(copy, built.values)).read_text(encoding="utf-8")
    drawn = figures_of(page)
    assert "waterfall" not in drawn
    assert "swimmer" not in drawn
    assert "consort" in drawn
    assert "This warehouse has no table mart.fig_waterfall" in page


def test_the_words_are_those_of_the_warehouse_s_own_settings(
    built: Project, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(built.published, copy / "warehouse.duckdb")
    with duckdb.connect(str(copy / "warehouse.duckdb")) as con:
        con.execute("UPDATE meta.setting SET value = '0.8' WHERE name LIKE '%.confidence'")
        con.execute("UPDATE meta.setting SET value = 'aghq' WHERE name = 'hazards.method'")
    drawn = figures_of(make_report(Project(copy, built.values)).read_text(encoding="utf-8"))
    assert "80 % bands" in drawn["survival"]
    assert "95 %" not in drawn["survival"]
    assert "(adaptive Gauss-Hermite quadrature), 80 % intervals" in drawn["hazard-organ"]
    assert "HR (80 % interval)" in unescape(drawn["hazard-organ"])
    assert "Laplace" not in drawn["hazard-organ"]


def test_the_tables_by_arm_are_those_of_tlf(html: str, built: Project, tmp_path: Path) -> None:
    if not entry_points(group=CHAPTER_GROUP):
        pytest.skip("installed before the report had chapters: pip install -e .")
    write_tlf(built.published, tmp_path, formats=("html",), say=lambda line: None)
    pages = sorted(tmp_path.glob("*/tlf.html"))
    assert pages
    chapter = html[html.index('<h2 id="tables">') :]
    assert chapter.count("<details class='tables'>") == len(pages)
    for page in pages:
        tables = re.findall(r"<table>.*?</table>", page.read_text(encoding="utf-8"), re.DOTALL)
        shown = [table for table in tables if table in chapter]
        # The listing of lesions is left to the command.
        assert len(shown) == len(tables) - 1 >= 5


def test_without_a_warehouse_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="lesions run"):
        make_report(Project(tmp_path, {}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["report", "docs"])
def test_the_commands_write_where_they_are_told(
    built: Project, tmp_path: Path, command: str
) -> None:
    target = tmp_path / "folder" / "page.html"
    done = CliRunner().invoke(lesions, [command, "-C", str(built.root), "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"Wrote {target} (")
    assert [file.name for file in target.parent.iterdir()] == ["page.html"]


def test_the_demonstration_writes_the_report_and_opens_it(
    built: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    run_demo(built.root, patients=None, seed=1, open_page=True, quiet=True)
    page = built.root / "report.html"
    assert opened == [page.as_uri()]
    assert f"Report     {page}" in capsys.readouterr().out
    assert "<figure" in page.read_text(encoding="utf-8")
    page.unlink()
