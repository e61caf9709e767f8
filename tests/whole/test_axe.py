"""The pages by axe-core's rules of accessibility, as wide as a screen, a tablet and a phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bi.other_pythons import python_of
from whole.browser import DRAWN, browser

from warehouse.project import Project
from warehouse.reference.make import make_catalogue
from warehouse.report.make import make_report

pytestmark = pytest.mark.external

COMPLETE = "document.readyState === 'complete'"
RUN = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map(
  (rule) => [rule.id, rule.impact, ...rule.nodes.slice(0, 3).map((node) => node.html)]))"""


def test_no_page_breaks_a_rule(built: Project, tmp_path: Path) -> None:
    (script,) = python_of("axe").parents[1].glob("lib/*/site-packages/*/axe.min.js")
    pages = {
        make_report(built, tmp_path / "report.html"): DRAWN,
        make_catalogue(built, tmp_path / "catalogue.html"): DRAWN,
        built.check_page: COMPLETE,
    }
    with browser(tmp_path / "profile") as page:
        for path, until in pages.items():
            for width in (1400, 800, 390):
                page.open(path, width=width, until=until)
                page.js(f"eval({json.dumps(script.read_text('utf-8'))}); null")
                assert page.js(RUN) == [], (path.name, width)
