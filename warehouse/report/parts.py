"""What a report is declared with: sections, figures, their filters and their counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ALL_ROWS = "SELECT count(*) FROM shown"


@dataclass(frozen=True)
class Count:
    """A number that a figure rests on, worked out from the rows that the figure shows.

    Exactly one of the ways is given; none counts rows.
    """

    words: str
    """What is counted, in the plural: ``patients``."""
    distinct: str = ""
    """Column whose different values are counted."""
    total: str = ""
    """Column that is added up."""
    largest: str = ""
    """Column whose largest value it is (where each row states the same number)."""
    each: str = ""
    """With ``largest``: add up the largest values within each value of this column."""

    @property
    def sql(self) -> str:
        """The number as a query of the rows ``shown``; NULL or 0 where there are none."""
        if self.each:
            return (
                f'SELECT sum(one) FROM (SELECT max("{self.largest}") AS one FROM shown '
                f'GROUP BY "{self.each}")'
            )
        if self.distinct:
            return f'SELECT count(DISTINCT "{self.distinct}") FROM shown'
        if self.total:
            return f'SELECT sum("{self.total}") FROM shown'
        return f'SELECT max("{self.largest}") FROM shown' if self.largest else _ALL_ROWS


@dataclass(frozen=True)
class Filter:
    """A choice that the reader has over a figure: one value of a column."""

    column: str
    label: str
    default: str | None = None
    """Value chosen at first: the first one where None; where it is absent, the first one too."""
    is_optional: bool = False
    """The reader may also see all values at once; that is then the first choice."""


@dataclass(frozen=True)
class Figure:
    """One picture or table: where its rows come from, how it is drawn, what it rests on."""

    name: str
    title: str
    table: str
    """The table that is named under the figure; the figure is left out where it is missing or
    empty."""
    chart: str
    """Name of a chart function of ``assets/charts``."""
    method: str
    """How the numbers came about, in a sentence or two."""
    counts: tuple[Count, ...]
    query: str = ""
    """Rows and their order; ``SELECT * FROM table`` where empty."""
    options: Mapping[str, Any] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """Further rows by name, as queries."""
    tables: tuple[str, ...] = ()
    """Further tables that the queries read."""
    legend: str = ""
    """How to read the picture: what a point, a line, a colour is."""
    if_empty: str = "The table has no rows."
    """Why there may be no rows."""

    @property
    def sql(self) -> str:
        """The query of the figure's own rows."""
        return self.query or f"SELECT * FROM {self.table}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Every table that it reads."""
        return (self.table, *self.tables)


@dataclass(frozen=True)
class Chapter:
    """A chapter that is HTML already: folded parts, each with a heading."""

    name: str
    title: str
    about: str
    parts: tuple[tuple[str, str], ...]
    """Heading and HTML of each; empty where there is nothing to show."""
    if_empty: str


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    name: str
    title: str
    about: str
    figures: tuple[Figure, ...]
