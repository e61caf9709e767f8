"""Small tools for messages and SQL text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NO_ID = (
    "",
    *(".", "-", "--", "NAN", "NA", "N/A", "#N/A", "<NA>"),
    "NULL",
    "NONE",
    "NAT",
    "MISSING",
)
"""Texts, upper case, that stand for a missing id; sql/macros/known_id.sql has them too."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like ``word``, or None when none is near (letter case aside)."""
    by_folded = {choice.casefold(): choice for choice in choices}
    found = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``" Did you mean 'x'?"``, or nothing when no choice is near."""
    guess = nearest(word, choices)
    return f" Did you mean {guess!r}?" if guess is not None else ""


def listed(words: Iterable[str], limit: int = 40) -> str:
    """``a, b, c``, cut after ``limit`` words."""
    texts = list(words)
    shown = ", ".join(texts[:limit])
    return shown + (f" and {len(texts) - limit} more" if len(texts) > limit else "")


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def names_subject(column: str) -> str:
    """SQL condition: a column names a subject, and is not blank or a word for a missing value."""
    blanks = "chr(32) || chr(9) || chr(10) || chr(13) || chr(160)"
    words = ", ".join(literal(word) for word in NO_ID)
    return f"upper(trim(trim(coalesce({column}, '')), {blanks})) NOT IN ({words})"
