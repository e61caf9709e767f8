"""The terminal's summary and the page: what a reader sees of results."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

from rich.console import Console

from warehouse.checks import CheckResult, summarise, write_html


def result(check_id: str, **given: object) -> CheckResult:
    values: dict[str, object] = {
        "run_id": "r7",
        "run_at": datetime(2026, 11, 20, 12, 30),
        "table_name": "core.lesion",
        "check_id": check_id,
        "expectation": "expect_rows_to_satisfy",
        "column_name": "organ",
        "severity": "critical",
        "success": True,
        "element_count": 1200,
        "unexpected_count": 0,
        "unexpected_percent": 0.0,
        "observed": None,
        "unexpected_keys": None,
        "kwargs": json.dumps({"condition": "organ <> '<b>'"}),
        "error": None,
        "description": "the organ is <b>known</b>",
    }
    return CheckResult(**{**values, **given})  # type: ignore[arg-type]


FAILED = result(
    "organ_known",
    success=False,
    unexpected_count=3,
    unexpected_percent=0.25,
    observed="organ = BODY",
    unexpected_keys=json.dumps([{"lesion_id": f"s/p/-/T0{i}"} for i in (1, 2, 3)]),
    remedy="Add the site to the site map & load again.",
)
WARNED = result("rare", success=False, severity="warning", unexpected_count=1)


def told(*results: CheckResult, max_shown: int = 12) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(summarise(results, max_shown))
    return console.export_text()


def test_the_summary_counts_and_names_what_failed() -> None:
    text = told(result("fine"), WARNED, FAILED)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "3 checks of 1 table: 1 hold, 1 critical failed, 1 warned"
    assert lines[1].startswith("critical core.lesion organ_known: the organ is <b>known</b>")
    assert lines[2] == "3 of 1,200 rows fail (organ = BODY)"
    assert lines[3] == "at lesion_id = s/p/-/T01; lesion_id = s/p/-/T02; ..."
    assert lines[4] == "→ Add the site to the site map & load again."
    assert lines[5].startswith("warning core.lesion rare")


def test_the_summary_is_one_line_when_all_hold_and_short_when_many_fail() -> None:
    assert told(result("a"), result("b")).strip() == "2 checks of 1 table: all hold"
    many = [result(f"c{i}", success=False, unexpected_count=1) for i in range(30)]
    text = told(*many, max_shown=5)
    assert text.count("critical core.lesion") == 5
    assert "and 25 more, in quality.check_result" in text


class Reader(HTMLParser):
    """Collects what a page refers to and whether its tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_stands_alone_and_is_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "checks.html"
    write_html(path, [result("fine"), FAILED, WARNED], title="My <trials>")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.references == []
    words = " ".join(" ".join(reader.text).split())
    assert "My <trials>" in words
    assert "1 critical check failed" in words
    assert "3 of 1,200 rows fail" in words
    assert "lesion_id = s/p/-/T02" in words
    assert "Add the site to the site map & load again." in words


def test_the_page_says_when_all_holds_or_nothing_ran(tmp_path: Path) -> None:
    path = tmp_path / "checks.html"
    write_html(path, [result("fine")], title="Trials")
    assert "Every check holds." in path.read_text(encoding="utf-8")
    write_html(path, [], title="Trials")
    assert "No check has run." in path.read_text(encoding="utf-8")


def test_every_table_head_and_form_field_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "checks.html"
    write_html(path, [FAILED], title="Trials")
    text = path.read_text(encoding="utf-8")
    assert text.count("<table") == text.count("<caption>") == 2
    assert not re.search(r"<th(?! scope|ead)", text)
    assert text.count("<label>") == text.count("<input") + text.count("<select") == 3
    assert '<html lang="en">' in text
