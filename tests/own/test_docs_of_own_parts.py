"""The rule set that docs/own_parts.md shows has what the checks of rules ask for."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_rule_set_of_the_docs_has_the_columns_and_the_common_rules() -> None:
    text = (ROOT / "docs/own_parts.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    shown = list(csv.DictReader(io.StringIO(block)))
    with (ROOT / "sql/seeds/staging.event_rule.csv").open(encoding="utf-8", newline="") as handle:
        shipped = list(csv.DictReader(handle))
    assert list(shown[0]) == list(shipped[0])
    assert all(len(row) == len(shown[0]) and None not in row.values() for row in shown)

    def common(rows: list[dict[str, str]]) -> set[tuple[str, str, str]]:
        return {
            (row["endpoint"], row["lesion_type"], row["status"])
            for row in rows
            if row["quantity"] in ("status", "detection")
        }

    assert common(shown) == common([row for row in shipped if row["rule_set"] == "recist_1_1"])
    assert {row["rule_set"] for row in shown} == {"half"}
    words = {name: {row[name] for row in shipped} for name in ("quantity", "reference", "combine")}
    assert all(row[name] in words[name] for row in shown for name in words)
