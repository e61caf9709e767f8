"""Small tools for messages and SQL text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
