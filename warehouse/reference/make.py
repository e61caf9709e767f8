"""Writes the catalogue of a published warehouse."""

from __future__ import annotations

import base64
import json
import zlib
from html import escape
from pathlib import Path

from warehouse.database import open_published
from warehouse.pages import write_page
from warehouse.project import Project
from warehouse.reference.describe import describe
from warehouse.report.page import asset as shared_asset

FILE_NAME = "catalogue.html"
_HERE = Path(__file__).parent


def make_catalogue(project: Project, output: Path | None = None) -> Path:
    """Writes the catalogue; the file is replaced as a whole.

    Args:
        project: the project; its published warehouse gives types, rows, lineage and results of
            checks, the installation gives descriptions and sources.
        output: the file to write; ``catalogue.html`` in the project's folder where None.

    Returns:
        The file written.

    Raises:
        LesionsError: there is no published warehouse.
    """
    target = output or project.root / FILE_NAME
    with open_published(project.published) as connection:
        content = describe(connection, project)
    write_page(target, _page(project.root.name, content))
    return target


def _page(name: str, content: dict[str, object]) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")
    title = escape(f"{name}: catalogue")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n'
        f"<style>{shared_asset('assets/base.css')}{_asset('catalogue.css')}</style>\n</head>\n"
        '<body>\n<a class="skip" href="#main" id="skip">To the table</a>\n'
        f'<aside aria-label="Tables"><h1>{title}</h1>'
        '<label>Search <input type="search" id="search" placeholder="table, column or meaning">'
        '</label><output id="found" aria-live="polite"></output>'
        '<nav aria-label="Pages"><a href="#overview">Overview</a> '
        '<a href="#settings">Settings</a> <a href="#macros">Macros</a></nav>'
        '<div id="list"></div></aside>\n<main id="main" tabindex="-1">'
        "<noscript><p>This page needs JavaScript. The same descriptions are stored in the "
        "warehouse as comments of its tables and columns.</p></noscript></main>\n"
        f'<script type="application/octet-stream" id="content">{packed}</script>\n'
        f"<script>\n{_asset('graph.js')}\n{_asset('catalogue.js')}</script>\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")
