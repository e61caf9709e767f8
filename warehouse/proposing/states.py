"""Lesions of which no size is taken: their states in words, and rows of theirs without a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from warehouse.proposing.meaning import seed_words
from warehouse.proposing.proposal import Derived, Line, Rule
from warehouse.proposing.vocabulary import vocabulary
from warehouse.sources.wording import identifier, literal

if TYPE_CHECKING:
    from warehouse.proposing.tables import View

_OF_SIZES = ("trtestcd", "trtest", "trorres", "trorresu", "trstat")


def state_rows(view: View, lines: Sequence[Line]) -> list[Derived]:
    """Rows of TR for the states, where a column has them.

    Args:
        view: a table of one row per lesion and scan.
        lines: what says of which patient, lesion and scan its rows are.
    """
    if "state" not in view.taken:
        return []
    state = view.line("trorres", "state", _state_rule(view))
    test = [Line("trtestcd", {"value": "TUMSTATE"}), Line("trtest", {"value": "Tumor State"})]
    kept = [line for line in lines if line.variable not in _OF_SIZES]
    return [Derived("tr", (*kept, *test, state), (), ("trorres",), why="states in words")]


def _state_rule(view: View) -> Rule:
    """The column, words that the warehouse does not know mapped to those that it does."""
    column = view.column("state")
    known = seed_words("staging.tumor_state_word", "word")
    mapped = {
        value: meant
        for value, _ in view.profiles[column].values
        for meant, words in vocabulary().words["state"].items()
        if value.strip().lower() not in known and value.strip().lower() in words
    }
    return {"column": column, "map": mapped} if mapped else column


def missing_size_lines(
    connection: duckdb.DuckDBPyConnection, view: View, concept: str
) -> list[Line]:
    """TRSTAT, NOT DONE, for rows without a size of lesions that need none: it would be missed in
    those rows otherwise, and they quarantined."""
    cell = f"nullif(trim({identifier(view.column(concept))}), '')"
    conditions = []
    if "lesion_type" in view.taken:
        kind = f"lower(trim({identifier(view.column('lesion_type'))}))"
        words = sorted(
            value.strip().lower()
            for value, _ in view.profiles[view.column("lesion_type")].values
            if _is_not_target(value)
        )
        if words:
            conditions.append(f"{kind} IN ({', '.join(map(literal, words))})")
    if "state" in view.taken:
        state = f"nullif(trim({identifier(view.column('state'))}), '')"
        conditions.append(f"{state} IS NOT NULL")
    if not conditions:
        return []
    test = f"{cell} IS NULL AND ({' OR '.join(conditions)})"
    (n,) = connection.execute(
        f"SELECT count(*) FROM {view.table.stage.relation} WHERE {test}"
    ).fetchall()[0]
    if not n:
        return []
    rule: Rule = {"sql": f"CASE WHEN {test} THEN 'NOT DONE' END"}
    return [Line("trstat", rule, f"{n:,} rows without a size are of lesions not measured")]


def _is_not_target(value: str) -> bool:
    word = value.strip().lower()
    others = vocabulary().words["lesion_type"]
    return (
        word.startswith(("non", "new"))
        or word in ("nt", "ntl", "nl")
        or any(word in others[kind] for kind in ("NON-TARGET", "NEW"))
    )
