"""What a proposed study.yml holds, before it is written: lines with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from warehouse.sources.spec import ReadOptions

_USUAL = ReadOptions()

Rule = str | dict[str, Any]
"""A column's name, or a mapping as study.yml has it: value, sql, column and map."""


@dataclass(frozen=True)
class Line:
    """One variable of an entry: where it comes from, and why."""

    variable: str
    rule: Rule
    why: str = ""


@dataclass(frozen=True)
class Derived:
    """Rows of another domain from the same file."""

    domain: str
    lines: tuple[Line, ...]
    distinct_on: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Entry:
    """One file entry.

    Attributes:
        file: name of the file in the study's folder.
        domain: its domain; None for an entry of the layout radiomics.
        lines: its columns.
        derived: what it derives.
        options, reasons: how the file is read, and why.
        date_format, decimal: how it writes values.
        features: the key ``features``, where it is a table of features.
        unused: columns that nothing uses.
        title: what the table is, in words.
    """

    file: str
    domain: str | None
    lines: tuple[Line, ...]
    derived: tuple[Derived, ...] = ()
    options: ReadOptions = _USUAL
    reasons: dict[str, str] = field(default_factory=dict)
    date_format: tuple[str, ...] = ()
    decimal: str = "."
    features: Any = None
    joins: tuple[dict[str, Any], ...] = ()
    unused: tuple[str, ...] = ()
    title: str = ""

    def also(self, *derived: Derived) -> Entry:
        """The entry with more derived rows."""
        return replace(self, derived=(*self.derived, *derived))


@dataclass(frozen=True)
class Question:
    """What could not be decided: the question, what was taken, and the candidates."""

    text: str
    taken: str
    candidates: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" Candidates: {'; '.join(self.candidates)}." if self.candidates else ""
        return f"{self.text} Taken: {self.taken}.{shown}"


@dataclass
class Proposal:
    """A study.yml in the making."""

    study_id: str
    layout: str = "mapped"
    day_convention: str = "zero_based"
    day_why: str = ""
    day_zero_rule: str | None = None
    patients: str = "known"
    readers: tuple[str, ...] = ()
    readers_why: str = ""
    too_small: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    sites: tuple[tuple[str, str, str], ...] = ()
    """Site, organ or '' where it is not known, and why."""
    domains: tuple[tuple[str, str, str], ...] = ()
    """File stem, domain or ignore, and why."""
    entries: list[Entry] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    not_read: list[tuple[str, str]] = field(default_factory=list)
    """File, and why nothing of it is used."""

    def ask(self, text: str, taken: str, *candidates: str) -> None:
        """Notes what could not be decided."""
        self.questions.append(Question(text, taken, tuple(candidates)))
