"""What is handed on: tables of texts, and figures with the table behind each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True)
class Table:
    """A table as it is printed."""

    number: str
    name: str
    """Of its files."""
    title: str
    population: str
    columns: tuple[str, ...]
    """Heads; the first column holds the rows' words."""
    rows: tuple[tuple[str, ...], ...]
    """Texts, one per column; a row whose other cells are all empty heads those below it."""
    notes: tuple[str, ...] = ()

    @property
    def is_listing(self) -> bool:
        """A line per lesion or subject: section 16 of a report."""
        return self.number.startswith("16")


@dataclass(frozen=True)
class Figure:
    """A figure, drawn from the very rows of its table."""

    number: str
    name: str
    title: str
    population: str
    data: Table
    draw: Callable[[], Drawing]
    notes: tuple[str, ...] = ()


def number(value: float, digits: int = 1) -> str:
    """A number with so many decimals; NE (not estimable) where there is none."""
    return "NE" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(lower: float, upper: float, digits: int = 1) -> str:
    """Limits in brackets."""
    return f"({number(lower, digits)}, {number(upper, digits)})"


def share(n: int, total: int) -> str:
    """A count with its percentage."""
    return f"{n} ({100 * n / total:.1f})" if total else f"{n}"


def p_text(p: float) -> str:
    """A p-value, as tables print it."""
    if math.isnan(p):
        return "NE"
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def months(days: float) -> float:
    """Days as months of 30.4375 days."""
    return days / DAYS_PER_MONTH
