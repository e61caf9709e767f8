"""How a file writes its dates and numbers: the keys ``date_format`` and ``decimal`` of an entry.

Dates become ISO 8601 and decimal commas points, in the variables that hold dates and numbers only,
so that a lesion called "1,2" keeps its name. What does not fit stays as it is: the warehouse
quarantines such a row and shows the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from warehouse.sources.wording import literal

_TOKENS = {"yyyy": "%Y", "yy": "%y", "mmm": "%b", "mm": "%m", "dd": "%d"}
_TOKEN = re.compile(r"yyyy|yy|mmm|mm|dd")
_CLOCK = re.compile(r"[ t]hh:mm(:ss)?$")
EXCEL = "excel"
"""Word for days counted from 1899-12-30, as a workbook's numbers are when it is saved as CSV."""
FORMATS = (
    *("dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "dd-mmm-yyyy", "yyyy/mm/dd"),
    *("dd.mm.yy", "mm/dd/yy", "dd.mm.yyyy hh:mm", EXCEL),
)
"""Examples for messages; any order and any sign between the parts will do."""

_DATES = ("startdt", "adt")
_NUMBERS = frozenset({
    "trorres", "trstresc", "trstresn", "lborres", "lbstresc", "lbstresn", "lblloq", "aval", "age",
    "exdose", "qval", "rforres", "xbasevol", "simkg", "simkd", "simf", "simb", "visitnum",
})  # fmt: skip


def is_date_variable(variable: str) -> bool:
    """Whether a variable of a domain holds dates."""
    return variable.endswith("dtc") or variable in _DATES


def is_number_variable(variable: str) -> bool:
    """Whether a variable of a domain holds numbers, days among them."""
    return variable in _NUMBERS or (variable.endswith("dy") and len(variable) > 2)


def strptime_format(words: str) -> str | None:
    """A format in words (``dd.mm.yyyy``) as strptime has it; None where it is no whole date.

    >>> strptime_format("dd.mm.yyyy")
    '%d.%m.%Y'
    """
    lower = words.strip().lower()
    clock = _CLOCK.search(lower)
    date = lower[: clock.start()] if clock else lower
    tokens = _TOKEN.findall(date)
    rest = _TOKEN.sub("", date)
    if sorted(token[0] for token in tokens) != ["d", "m", "y"] or re.search(r"[\w%]", rest):
        return None
    text = _TOKEN.sub(lambda found: _TOKENS[found[0]], date)
    if clock is None:
        return text
    return f"{text}{clock[0][0].upper()}%H:%M{':%S' if clock[1] else ''}"


def _month_format(words: str) -> str | None:
    """The same without the day: ``dd.mm.yyyy`` -> ``%m.%Y``; None where the day is in between."""
    lower = _CLOCK.sub("", words.strip().lower())
    without = re.sub(r"^dd[^\w]?|[^\w]?dd$", "", lower)
    if without == lower:
        return None
    return _TOKEN.sub(lambda found: _TOKENS[found[0]], without)


def date_sql(cell: str, formats: Sequence[str]) -> str:
    """SQL of a cell's date as ISO 8601, partial where the cell's is; the cell itself where none.

    Args:
        cell: SQL of the cell, a text.
        formats: formats in words; the first that fits counts.
    """
    stripped = f"trim({cell})"
    tries = []
    for words in formats:
        if words == EXCEL:
            tries.append(
                f"CASE WHEN regexp_matches({stripped}, '^[0-9]{{4,6}}(\\.[0-9]+)?$') THEN "
                f"strftime(DATE '1899-12-30' + CAST(floor(TRY_CAST({stripped} AS DOUBLE)) "
                "AS INTEGER), '%Y-%m-%d') END"
            )
            continue
        whole = strptime_format(words)
        assert whole is not None  # checked where study.yml is read
        tries.append(f"strftime(try_strptime({stripped}, {literal(whole)}), '%Y-%m-%d')")
        # A date without its time of day, and one without its day.
        if _CLOCK.search(words.strip().lower()):
            day = strptime_format(_CLOCK.sub("", words.strip().lower()))
            assert day is not None
            tries.append(f"strftime(try_strptime({stripped}, {literal(day)}), '%Y-%m-%d')")
        month = _month_format(words)
        if month is not None:
            tries.append(f"strftime(try_strptime({stripped}, {literal(month)}), '%Y-%m')")
    return f"coalesce({', '.join(tries)}, {cell})"


def number_sql(cell: str) -> str:
    """SQL of a cell whose decimal sign is a comma ('1.234,5' = 1234.5); other text stays."""
    stripped = f"trim({cell})"
    return (
        f"CASE WHEN regexp_matches({stripped}, '^[+-]?([0-9]+|[0-9]{{1,3}}([. ][0-9]{{3}})+)"
        f"?,[0-9]+([eE][+-]?[0-9]+)?$') THEN "
        f"replace(replace(replace({stripped}, '.', ''), ' ', ''), ',', '.') ELSE {cell} END"
    )


def value_sql(variable: str, cell: str, formats: Sequence[str], decimal: str) -> str:
    """A cell as the variable it becomes takes it."""
    if formats and is_date_variable(variable):
        return date_sql(cell, formats)
    if decimal == "," and is_number_variable(variable):
        return number_sql(cell)
    return cell
