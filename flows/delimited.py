"""Text files that people hand to a command."""

from __future__ import annotations

DELIMITERS = (",", ";", "\t")


def delimiter_of(header: str) -> str:
    """Comma, semicolon or tab: whichever the first line has most of; a comma without any."""
    return max(DELIMITERS, key=header.count)
