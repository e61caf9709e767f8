"""What the values of a column look like: counts, ranges, dates, decimal commas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from warehouse.proposing.files import Table
from warehouse.sources.radiomics import is_pyradiomics
from warehouse.sources.values import strptime_format
from warehouse.sources.wording import identifier, literal

DATE_FORMATS = (
    *("dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "mm-dd-yyyy", "yyyy/mm/dd"),
    *("dd-mmm-yyyy", "dd mmm yyyy", "dd.mm.yy", "dd/mm/yy", "mm/dd/yy", "yyyy.mm.dd"),
    *("dd.mm.yyyy hh:mm", "dd/mm/yyyy hh:mm", "mm/dd/yyyy hh:mm"),
)
_ISO = "iso"
_TOP = 60
_MAX_PROFILED = 400
"""Columns of a table that are looked at; beyond them are features of images."""


@dataclass(frozen=True)
class Profile:
    """One column of a table.

    Attributes:
        name: its name; ``label``: its file's label.
        rows: records; ``filled``: records with a value; ``distinct``: different values.
        numeric: part of the values that are numbers; ``whole``: that are whole numbers.
        commas: part of the values that are numbers with a decimal comma.
        low, high, median: of the numbers.
        dates: format -> part of the values that are dates by it; 'iso' for what needs no format.
        proof: format -> a value that no other format of the table's takes.
        values: the most frequent values, with their counts.
    """

    name: str
    label: str
    rows: int
    filled: int
    distinct: int
    numeric: float
    whole: float
    commas: float
    low: float
    high: float
    median: float
    dates: Mapping[str, float]
    values: tuple[tuple[str, int], ...]

    @property
    def is_blank(self) -> bool:
        return self.filled == 0

    @property
    def words(self) -> tuple[str, ...]:
        """The frequent values, lower case and trimmed."""
        return tuple(value.strip().lower() for value, _ in self.values)

    def share_of(self, words: frozenset[str]) -> float:
        """Part of the frequent values' records whose value is one of some words."""
        total = sum(count for _, count in self.values)
        known = sum(count for value, count in self.values if value.strip().lower() in words)
        return known / total if total else 0.0


def profile_table(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, Profile]:
    """The profiles of a table's columns, by name."""
    columns = [name for name in table.stage.columns if not is_pyradiomics(name)][:_MAX_PROFILED]
    return {name: _profile(connection, table, name) for name in columns}


def _profile(connection: duckdb.DuckDBPyConnection, table: Table, name: str) -> Profile:
    relation = f"(SELECT nullif(trim({identifier(name)}), '') AS v FROM {table.stage.relation})"
    number = "TRY_CAST(replace(v, ',', '.') AS DOUBLE)"
    row = connection.execute(
        f"SELECT count(*), count(v), count(DISTINCT v), "
        f"count(*) FILTER (isfinite({number})), "
        f"count(*) FILTER (isfinite({number}) AND {number} = round({number})), "
        "count(*) FILTER (regexp_matches(v, '^[+-]?[0-9]+,[0-9]+$')), "
        f"min({number}) FILTER (isfinite({number})), max({number}) FILTER (isfinite({number})), "
        f"median({number}) FILTER (isfinite({number})), "
        "count(*) FILTER (regexp_matches(v, '[0-9][-./ ][0-9A-Za-z]+[-./ ][0-9]') "
        "OR regexp_matches(v, '^[0-9]{2}[A-Za-z]{3}[0-9]{4}$') OR regexp_matches(v, "
        f"'^(19|20)[0-9]{{6}}$')) FROM {relation}"
    ).fetchall()[0]
    rows, filled, distinct, numbers, whole, commas, low, high, median, dated = row
    values = connection.execute(
        f"SELECT v, count(*) AS n FROM {relation} WHERE v IS NOT NULL GROUP BY v "
        f"ORDER BY n DESC, v LIMIT {_TOP}"
    ).fetchall()
    part = 1 / filled if filled else 0.0
    dates = _dates(connection, relation, filled) if dated and dated * part > 0.5 else {}
    return Profile(
        name=name,
        label=table.labels.get(name, ""),
        rows=rows,
        filled=filled,
        distinct=distinct,
        numeric=numbers * part,
        whole=whole * part,
        commas=commas * part,
        low=low if low is not None else 0.0,
        high=high if high is not None else 0.0,
        median=median if median is not None else 0.0,
        dates=dates,
        values=tuple((str(value), int(count)) for value, count in values),
    )


def _dates(connection: duckdb.DuckDBPyConnection, relation: str, filled: int) -> dict[str, float]:
    """Format -> part of the values that are dates between 1850 and 2100 by it."""
    iso = (
        "coalesce(CASE WHEN regexp_matches(v, '^[0-9]{4}-') THEN TRY_CAST(left(v, 10) AS DATE) "
        "END, CAST(try_strptime(v, ['%Y%m%d', '%d%b%Y']) AS DATE))"
    )
    # A month or year alone counts for the standard's own form of dates, as in 2014-01.
    partial = "regexp_matches(v, '^(19|20)[0-9]{2}(-[0-9]{2})?$')"
    tries = {_ISO: f"(year({iso}) BETWEEN 1850 AND 2100 OR {partial})"}
    for words in DATE_FORMATS:
        form = strptime_format(words)
        assert form is not None
        tries[words] = f"year(try_strptime(v, {literal(form)})) BETWEEN 1850 AND 2100"
    cells = ", ".join(f"count(*) FILTER (WHERE {test})" for test in tries.values())
    counts = connection.execute(f"SELECT {cells} FROM {relation}").fetchall()[0]
    return {words: count / filled for words, count in zip(tries, counts, strict=True) if count}


def date_format(profile: Profile) -> tuple[str | None, tuple[str, ...], str]:
    """The format of a column's dates.

    Returns:
        The format ('iso' where none is needed; None where it is no date), other formats that fit
        as well, and the proof in words.
    """
    if not profile.dates:
        return None, (), ""
    best = max(profile.dates.values())
    if best < 0.9:
        return None, (), ""
    fits = [words for words, share in profile.dates.items() if share >= best - 1e-9]
    if _ISO in fits:
        return _ISO, (), "dates as the standard writes them"
    # yyyy goes before yy, which takes the first two digits of a year for one.
    fits.sort(key=lambda words: ("yyyy" not in words, DATE_FORMATS.index(words)))
    chosen = fits[0]
    rivals = tuple(words for words in fits[1:] if "yyyy" in words and "mmm" not in words)
    swapped = [words for words in DATE_FORMATS if _is_swapped(words, chosen)]
    proof = _proof(profile, chosen, swapped)
    return chosen, rivals, proof


def _is_swapped(words: str, other: str) -> bool:
    swap = other.replace("dd", "#").replace("mm", "dd").replace("#", "mm")
    return words == swap and words != other


def _proof(profile: Profile, chosen: str, swapped: list[str]) -> str:
    share = profile.dates[chosen]
    if swapped:
        other = profile.dates.get(swapped[0], 0.0)
        for value, _ in profile.values:
            first = value.strip().replace("/", ".").replace("-", ".").split(".")
            place = 0 if chosen.startswith("dd") else 1
            if len(first) > 1 and first[place].isdigit() and 12 < int(first[place]) <= 31:
                return f"{value!r} cannot be {swapped[0]}; {share:.0%} fit"
        if other < share:
            return f"{share:.0%} of the values fit, and {other:.0%} fit {swapped[0]}"
        return f"no value tells {chosen} from {swapped[0]}"
    return f"{share:.0%} of the values fit"
