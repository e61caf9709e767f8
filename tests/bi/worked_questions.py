"""Reads docs/queries.md, runs its SQL, and writes its results.

Each question is a heading, a sentence or two, a ```sql block, and a ```text block with the result
on the demo, which this script writes:

    python tests/bi/worked_questions.py lesions_demo
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.reader import Warehouse

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "queries.md"
QUESTION = re.compile(
    r"^## (?P<title>[^\n]+)\n(?P<text>.*?)```sql\n(?P<sql>.*?)```\n\n```text\n(?P<result>.*?)```",
    re.MULTILINE | re.DOTALL,
)
SHOWN = 12


@dataclass(frozen=True)
class Question:
    """One worked question of the document."""

    title: str
    sql: str
    result: str


def questions(text: str) -> Iterator[Question]:
    """The questions of the document, in order."""
    for found in QUESTION.finditer(text):
        yield Question(found["title"], found["sql"], found["result"])


def answer(warehouse: Warehouse, sql: str) -> str:
    """The result of a query as plain text: names, first rows, how many there are."""
    relation = warehouse.sql(sql)
    rows = relation.fetchall()
    shown = [[_text(value) for value in row] for row in rows[:SHOWN]]
    names = list(relation.columns)
    widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]
    right = [
        all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(names))
    ]
    lines = [
        "  ".join(
            value.rjust(width) if is_right else value.ljust(width)
            for value, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [names, ["-" * width for width in widths], *shown]
    ]
    more = f" ({len(rows) - SHOWN} more)" if len(rows) > SHOWN else ""
    return "\n".join([*lines, f"{len(rows)} row{'s' * (len(rows) != 1)}{more}"]) + "\n"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def write_results(document: Path, warehouse: Warehouse) -> int:
    """Replaces every result of the document; returns the number of questions."""
    text = document.read_text(encoding="utf-8")
    found = list(questions(text))
    for question in found:
        old = f"```sql\n{question.sql}```\n\n```text\n{question.result}```"
        new = f"```sql\n{question.sql}```\n\n```text\n{answer(warehouse, question.sql)}```"
        text = text.replace(old, new)
    document.write_text(text, encoding="utf-8")
    return len(found)


if __name__ == "__main__":
    from warehouse import open_warehouse

    with open_warehouse(sys.argv[1]) as opened:
        print(f"{write_results(DOCUMENT, opened)} results written to {DOCUMENT}")
