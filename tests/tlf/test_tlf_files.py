"""The files of ``lesions tlf``: the same numbers in each, letters as outlines, the same bytes."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from adam.conftest import built
from docx import Document
from PIL import Image
from tlf.made_up import made_up_study
from whole.calling import call

from flows.tlf import documents, figures
from flows.tlf.content import Figure, Table
from flows.tlf.study import Study
from flows.tlf.survival import forest
from flows.tlf.write import contents
from warehouse.project import Project

__all__ = ["built", "call"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def study() -> Study:
    return made_up_study()


@pytest.fixture(scope="module")
def made(study: Study) -> tuple[list[Table], list[Figure]]:
    return contents(study, ["sex"])


def test_every_kind_of_table_and_figure_is_there(made: tuple[list[Table], list[Figure]]) -> None:
    tables, drawn = made
    assert [t.name for t in tables] == [
        "disposition", "baseline_characteristics", "response", "time_to_event_os",
        "restricted_means", "subgroups_os_1", "lesions",
    ]  # fmt: skip
    assert [f.name for f in drawn] == [
        "figure_km_os", "figure_forest_os_1", "figure_waterfall", "figure_spider", "figure_swimmer",
    ]  # fmt: skip


def test_csv_html_and_docx_have_the_same_cells(
    study: Study, made: tuple[list[Table], list[Figure]], tmp_path: Path
) -> None:
    tables, drawn = made
    documents.write_html(study, tables, drawn, tmp_path / "tlf.html")
    documents.write_docx(study, tables, drawn, tmp_path / "tlf.docx")
    page = (tmp_path / "tlf.html").read_text(encoding="utf-8")
    in_page = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    in_document = Document(str(tmp_path / "tlf.docx")).tables
    assert len(in_page) == len(in_document) == len(tables)
    for table, body, printed in zip(tables, in_page, in_document, strict=True):
        documents.write_csv(table, tmp_path / f"{table.name}.csv")
        with (tmp_path / f"{table.name}.csv").open(newline="", encoding="utf-8") as handle:
            rows = [tuple(row) for row in csv.reader(handle)][1:]
        assert rows == list(table.rows)
        cells = [
            tuple(
                cell.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
                for cell in re.findall(r"<td>(.*?)</td>", row)
            )
            for row in re.findall(r"<tr>(.*?)</tr>", body)
        ]
        assert cells == rows
        assert [tuple(c.text for c in row.cells) for row in printed.rows[1:]] == rows
    outside = re.findall(r"(?:src|href)=.(?:https?:)?//\S+", page)
    assert outside == [], "the page asks the network for nothing"


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_same_study_gives_the_same_bytes(
    suffix: str, made: tuple[list[Table], list[Figure]]
) -> None:
    for figure in made[1]:
        assert documents.picture(figure, suffix) == documents.picture(figure, suffix), figure.name


def test_a_document_has_the_same_bytes_again(
    study: Study, made: tuple[list[Table], list[Figure]], tmp_path: Path
) -> None:
    for name in ("a.docx", "b.docx"):
        documents.write_docx(study, made[0], made[1][:1], tmp_path / name)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


def test_a_vector_figure_needs_no_font(made: tuple[list[Table], list[Figure]]) -> None:
    for figure in made[1]:
        root = ElementTree.fromstring(documents.picture(figure, "svg"))
        assert root.tag == f"{SVG}svg"
        assert not list(root.iter(f"{SVG}text")), "letters are outlines"
        assert not list(root.iter(f"{SVG}image")), "and nothing is a bitmap"
        assert len(list(root.iter(f"{SVG}path"))) > 10


def test_a_png_has_200_dots_per_inch(
    made: tuple[list[Table], list[Figure]], tmp_path: Path
) -> None:
    file = tmp_path / "km.png"
    file.write_bytes(documents.picture(made[1][0], "png"))
    with Image.open(file) as image:
        assert round(image.info["dpi"][0]) == 200
        assert image.width > 1200
        assert len(np.unique(np.asarray(image.convert("L")))) > 20, "something is drawn"


def test_curves_are_drawn_from_the_rows_of_their_table(study: Study) -> None:
    figure = figures.kaplan_meier_figure(study, "OS", 2)
    upper, lower = figure.draw().axes
    for line, arm in zip(upper.get_lines()[::2], study.arms, strict=True):
        rows = [row for row in figure.data.rows if row[0] == arm]
        assert line.get_label() == arm
        assert list(line.get_xdata()) == [float(row[1]) for row in rows]
        assert list(line.get_ydata()) == [float(row[2]) for row in rows]
    texts = [text.get_text() for text in lower.texts]
    assert texts[:3] == ["60", "43", "26"], "at 0, 6 and 12 months, as in the table"


def test_a_waterfall_has_a_bar_for_each_row(study: Study) -> None:
    figure = figures.waterfall(study, 5)
    axes = figure.draw().axes
    for axis, arm in zip(axes, study.arms, strict=True):
        heights = [bar.get_height() for bar in axis.patches]
        assert heights == [float(row[2]) for row in figure.data.rows if row[1] == arm]
        assert heights == sorted(heights, reverse=True)


def test_a_forest_has_the_hazard_ratios_of_its_table(study: Study) -> None:
    figure = figures.forest_figure(study, "OS", "B", *forest(study, "OS", "B", 4))
    (axis,) = figure.draw().axes
    drawn = [text.get_text() for text in axis.texts]
    printed = ["NE" if "NE" in row[3] else row[3] for row in figure.data.rows if row[3]]
    assert drawn == printed


def test_the_command_writes_each_study(built: Project, tmp_path: Path, call) -> None:
    folder = tmp_path / "tlf"
    done = call("tlf", str(folder), "-C", str(built.root), "--study", "MCRC06", "--format", "html",
                "--format", "csv")  # fmt: skip
    assert done.status == 0, done.err
    assert "MCRC06:" in done.out
    assert (folder / "MCRC06" / "tlf.html").is_file()
    assert not list(folder.rglob("*.docx"))
    for arguments, words in (
        (("--study", "XX"), "there is no study 'XX'"),
        (("--reference", "XX"), "there is no arm 'XX'"),
        (("--strata", "XX"), "no variable XX"),
    ):
        done = call("tlf", str(folder), "-C", str(built.root), *arguments)
        assert (done.status, words in done.err) == (1, True), done.err
