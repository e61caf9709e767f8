"""Tables and figures as files: CSV, HTML, DOCX, SVG, PNG. The same content gives the same bytes."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.tlf.content import Figure, Table
from flows.tlf.study import Study

if TYPE_CHECKING:
    from docx.document import Document

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
MAX_PRINTED = 2000
"""Rows of a listing that a document prints; the CSV has all."""
STYLE = """
body{font:14px/1.45 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;
 color:#111}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2.5rem 0 .2rem}
p.population{margin:0 0 .6rem;color:#444}
div.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;border:solid #111;border-width:2px 0}
th{border-bottom:1px solid #111;white-space:pre-line;vertical-align:bottom;padding:.3rem .7rem}
td{padding:.12rem .7rem;text-align:center;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:pre-wrap}
ul.notes{font-size:12px;color:#333;padding-left:1.1rem;max-width:60rem}
svg{max-width:100%;height:auto}
@media print{body{max-width:none;margin:0}div.wide{overflow:visible}table{font-size:9px}
 td,th{white-space:normal}h2{break-before:page}}
"""


def write_csv(table: Table, target: Path) -> None:
    """Writes the cells as they are printed."""
    with target.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow([column.replace("\n", " ") for column in table.columns])
        out.writerows(table.rows)


def write_figure(figure: Figure, stem: Path, formats: Sequence[str]) -> None:
    """Writes a figure as SVG, its letters as outlines, and PNG of 200 dots per inch."""
    for suffix in formats:
        stem.with_suffix(f".{suffix}").write_bytes(picture(figure, suffix))


def picture(figure: Figure, suffix: str) -> bytes:
    """A figure's bytes as ``svg`` or ``png``."""
    import matplotlib

    settings: dict[Any, Any] = {
        "svg.hashsalt": figure.name,
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "font.size": 9,
    }
    held = io.BytesIO()
    with matplotlib.rc_context(settings):
        drawing = figure.draw()
        metadata: dict[str, str | None] = {"Software": None}
        if suffix == "svg":
            metadata = {"Title": figure.title, "Date": None, "Creator": "lesion-warehouse"}
        drawing.savefig(held, format=suffix, dpi=200, metadata=metadata, bbox_inches="tight")
    return held.getvalue()


def write_html(
    study: Study, tables: Sequence[Table], figures: Sequence[Figure], target: Path
) -> None:
    """Writes everything as one page that needs no network."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{_text(study.study_id)}: tables, listings and figures</title>"
        f"<style>{STYLE}</style><body><main><h1>{_text(study.title)}</h1>"
        f"<p>Study {_text(study.study_id)}. Tables, listings and figures from the analysis "
        f"datasets of the run that ended on {study.finished_at} UTC, lesion-warehouse "
        f"{study.version}.</p>"
    ]
    parts += [html_item(table) for table in tables]
    for figure in figures:
        parts.append(_heading("Figure", figure))
        parts.append(_html_svg(figure))
        parts.append(_html_notes(figure.notes))
    target.write_text("\n".join([*parts, "</main></body></html>\n"]), encoding="utf-8")


def html_item(table: Table, *, level: int = 2, prefix: str = "") -> str:
    """A table with its heading and notes.

    Args:
        table: what is printed.
        level: of the heading.
        prefix: of its id, where a page holds the tables of several studies.
    """
    heading = _heading("Listing" if table.is_listing else "Table", table, level, prefix)
    return "\n".join((heading, _html_table(table), _html_notes(_all_notes(table))))


def _text(words: str) -> str:
    return html.escape(words)


def _heading(kind: str, item: Table | Figure, level: int = 2, prefix: str = "") -> str:
    return (
        f"<h{level} id='{_text(prefix)}{item.name}'>{kind} {item.number}. {_text(item.title)}"
        f"</h{level}>"
        f"<p class='population'>{_text(item.population)}</p>"
    )


def _all_notes(table: Table) -> tuple[str, ...]:
    left_out = len(table.rows) - MAX_PRINTED
    if left_out <= 0:
        return table.notes
    return (*table.notes, f"{left_out:,} more rows are in {table.name}.csv.")


def _html_table(table: Table) -> str:
    head = "".join(f"<th scope='col'>{_text(c) or 'Row'}</th>" for c in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows[:MAX_PRINTED]
    )
    return (
        f"<div class='wide' tabindex='0' role='region' aria-label='{_text(table.title)}'><table>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _html_notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return "<ul class='notes'>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>"


def _html_svg(figure: Figure) -> str:
    """The picture inside the page; ids of several pictures must not be the same."""
    text = picture(figure, "svg").decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{figure.name}-", text)
    label = f'<svg role="img" aria-label="{_text(figure.title)}" '
    return f"<div class='wide'>{text.replace('<svg ', label, 1)}</div>"


def write_docx(
    study: Study, tables: Sequence[Table], figures: Sequence[Figure], target: Path
) -> None:
    """Writes everything as one Word document, landscape, one item a page."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.shared import Inches, Pt

    document = Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Inches(11), Inches(8.5)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Inches(0.7))
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Arial", Pt(8)
    made_at = datetime.fromisoformat(study.finished_at)
    properties = document.core_properties
    properties.author, properties.title = (
        "lesion-warehouse",
        f"{study.study_id}: tables and figures",
    )
    properties.created = properties.modified = made_at
    properties.last_modified_by, properties.revision = "lesion-warehouse", 1
    document.add_heading(study.title, level=1)
    document.add_paragraph(
        f"Study {study.study_id}; run of {study.finished_at} UTC, lesion-warehouse {study.version}."
    )
    for table in tables:
        _docx_heading(document, "Listing" if table.is_listing else "Table", table)
        _docx_table(document, table)
        for note in _all_notes(table):
            document.add_paragraph(note)
    for figure in figures:
        _docx_heading(document, "Figure", figure)
        document.add_picture(io.BytesIO(picture(figure, "png")), width=Inches(8.5))
        for note in figure.notes:
            document.add_paragraph(note)
    held = io.BytesIO()
    document.save(held)
    _write_zip(held, target)


def _docx_heading(document: Document, kind: str, item: Table | Figure) -> None:
    heading = document.add_heading(f"{kind} {item.number}. {item.title}", level=2)
    heading.paragraph_format.page_break_before = True
    document.add_paragraph(item.population)


def _docx_table(document: Document, table: Table) -> None:
    """A table whose head repeats on each page; rows are written at once, for a listing has many."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    def cell(text: str, *, is_first: bool, is_head: bool) -> str:
        lines = "<w:br/>".join(
            f'<w:t xml:space="preserve">{html.escape(_printable(line), quote=False)}</w:t>'
            for line in text.split("\n")
        )
        side = "left" if is_first else "center"
        bold = "<w:rPr><w:b/></w:rPr>" if is_head else ""
        return (
            '<w:tc><w:tcPr><w:tcW w:w="0" w:type="auto"/></w:tcPr><w:p><w:pPr><w:spacing '
            f'w:before="0" w:after="0"/><w:jc w:val="{side}"/></w:pPr><w:r>{bold}{lines}</w:r>'
            "</w:p></w:tc>"
        )

    def line(cells: Sequence[str], *, is_head: bool) -> str:
        mark = "<w:trPr><w:tblHeader/></w:trPr>" if is_head else ""
        inside = "".join(cell(c, is_first=k == 0, is_head=is_head) for k, c in enumerate(cells))
        return f"<w:tr>{mark}{inside}</w:tr>"

    borders = "".join(f'<w:{side} w:val="single" w:sz="8"/>' for side in ("top", "bottom"))
    body = "".join(line(row, is_head=False) for row in table.rows[:MAX_PRINTED])
    xml = (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="5000" w:type="pct"/>'
        f"<w:tblBorders>{borders}</w:tblBorders></w:tblPr><w:tblGrid>"
        + "<w:gridCol/>" * len(table.columns)
        + f"</w:tblGrid>{line(table.columns, is_head=True)}{body}</w:tbl>"
    )
    paragraph = document.add_paragraph()
    paragraph._p.addprevious(parse_xml(xml))


def _printable(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\N{REPLACEMENT CHARACTER}", text)


def _write_zip(held: io.BytesIO, target: Path) -> None:
    """The same parts with one date, so that the bytes follow from the content."""
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(target, "w") as out:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, source.read(name))
