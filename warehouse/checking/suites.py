"""Suites of checks, read from ``expectations/<schema>.<table>.json`` and judged before they run.

A file has Great Expectations' own keys::

    {"name": "core.measurement",
     "expectations": [
       {"type": "expect_column_values_to_be_between",
        "kwargs": {"column": ["diameter_mm", "short_axis_mm"], "min_value": 0},
        "severity": "critical",
        "meta": {"id": "sizes", "remedy": "...", "reason": "2026-11-20: ..."}}]}

``type`` is one of ``warehouse.checking.kinds.KINDS``. Where a check of one column is given a list,
it becomes one check per column; SQL may be a list of lines. ``severity`` is always written:
``critical`` stops a publish, ``warning`` and ``info`` do not. ``meta.id`` names the check (checks
of SQL need one; the others are named for their type and column), ``meta.description`` says what
must hold, ``meta.remedy`` what to do when it does not, and ``meta.reason`` why a threshold is what
it is, with its date. A suite reads only its own layer and the ones before it, as a model does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

from warehouse.checking.kinds import (
    EXIST,
    GROUPS,
    KINDS,
    QUERY,
    ROWS,
    SQL_ARGUMENTS,
    Kind,
    columns_named,
    sentence,
    tables_named,
)
from warehouse.errors import LesionsError

SEVERITIES = ("critical", "warning", "info")
_SUITE_KEYS = ("name", "meta", "expectations")
_CHECK_KEYS = ("type", "kwargs", "severity", "meta")
_META_KEYS = ("id", "description", "remedy", "reason")


@dataclass(frozen=True)
class Check:
    """One thing that must hold of one table."""

    table: str
    check_id: str
    """Name, unique in its table."""
    kind: str
    kwargs: Mapping[str, Any]
    severity: str
    description: str
    remedy: str | None = None
    reason: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns that the check names."""
        return columns_named(self.kwargs)

    @property
    def tables(self) -> frozenset[str]:
        """The other tables that the check reads, ``schema.table``."""
        return tables_named(self.kwargs)


@dataclass(frozen=True)
class Suite:
    """The checks of one table, as its file gives them."""

    table: str
    path: Path
    checks: tuple[Check, ...]

    @cached_property
    def tables(self) -> frozenset[str]:
        """The other tables that its checks read, ``schema.table``."""
        return frozenset[str]().union(*(check.tables for check in self.checks))


def tables_to_check(built: Iterable[str], suites: Mapping[str, Suite]) -> list[str]:
    """The tables whose checks may come out differently once some tables are built anew.

    Args:
        built: the tables built, ``schema.table``.
        suites: what ``load_suites`` returned.

    Returns:
        The tables built, in their order, then those whose suites read one of them, by name.
    """
    first = list(dict.fromkeys(built))
    others = {name for name, suite in suites.items() if not suite.tables.isdisjoint(first)}
    return first + sorted(others.difference(first))


def load_suites(
    folder: Path, columns: Mapping[str, Collection[str]] | None = None
) -> dict[str, Suite]:
    """Every suite of a folder, keyed ``schema.table``.

    Args:
        folder: holds ``<schema>.<table>.json`` files.
        columns: the columns of each table; where given, every column that a suite names must be
            among them, and every suite's table too.

    Raises:
        LesionsError: a file that is not JSON, a wrong key, type, argument or severity, two checks
            of one name, or a column or table that does not exist; it names the file.
    """
    suites = {suite.table: suite for suite in map(read_suite, sorted(folder.glob("*.json")))}
    if columns is not None:
        for suite in suites.values():
            if suite.table not in columns:
                raise LesionsError(
                    f"{suite.path.name}: there is no table {suite.table}"
                    f"{_nearest(suite.table, columns)}. Name the file for the table it checks."
                )
            check_columns(suite, columns[suite.table])
    return suites


def check_columns(suite: Suite, columns: Collection[str]) -> None:
    """Refuses a suite that names a column its table has not.

    Raises:
        LesionsError: names the file, the check and the nearest column.
    """
    for check in suite.checks:
        for name in check.columns:
            if name not in columns:
                raise LesionsError(
                    f"{suite.path.name}: check {check.check_id!r} names the column {name!r}, "
                    f"which {suite.table} has not{_nearest(name, columns)}."
                )


def read_suite(path: Path) -> Suite:
    """One suite from its file.

    Raises:
        LesionsError: see ``load_suites``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise LesionsError(f"{path.name}: is not JSON: {error}.") from error
    _check_keys(path, "the suite", content, _SUITE_KEYS, needed=("name", "expectations"))
    if content["name"] != path.stem:
        raise LesionsError(
            f'{path.name}: its "name" is {content["name"]!r}; the file\'s name says {path.stem!r}. '
            "Make them the same."
        )
    checks: dict[str, Check] = {}
    for position, entry in enumerate(content["expectations"], start=1):
        for check in _read_checks(path, f"expectation {position}", entry):
            if check.check_id in checks:
                raise LesionsError(
                    f"{path.name}: expectation {position}: another check is named "
                    f'{check.check_id!r} already; give this one an "id" of its own in "meta".'
                )
            checks[check.check_id] = check
    return Suite(path.stem, path, tuple(checks.values()))


def _read_checks(path: Path, place: str, entry: Any) -> list[Check]:
    _check_keys(path, place, entry, _CHECK_KEYS, needed=("type", "kwargs", "severity"))
    kind = KINDS.get(entry["type"])
    if kind is None:
        raise LesionsError(
            f"{path.name}: {place}: there is no expectation type {entry['type']!r}"
            f"{_nearest(str(entry['type']), KINDS)}."
        )
    place = f"{place} ({kind.name})"
    _check_keys(path, place, entry["kwargs"], kind.arguments, needed=kind.required)
    given = {name: _joined(name, value) for name, value in entry["kwargs"].items()}
    meta = entry.get("meta", {})
    _check_keys(path, f'{place}, "meta"', meta, _META_KEYS)
    if entry["severity"] not in SEVERITIES:
        raise LesionsError(
            f"{path.name}: {place}: severity is {entry['severity']!r}; "
            f"wanted one of {', '.join(SEVERITIES)}."
        )
    _check_arguments(path, place, kind, given, meta)
    return [
        Check(
            table=path.stem,
            check_id=check_id,
            kind=kind.name,
            kwargs=kwargs,
            severity=entry["severity"],
            description=meta.get("description") or sentence(kind.name, kwargs),
            remedy=meta.get("remedy"),
            reason=meta.get("reason"),
        )
        for check_id, kwargs in _one_per_column(kind, given, meta.get("id"))
    ]


def _joined(argument: str, value: Any) -> Any:
    return "\n".join(value) if argument in SQL_ARGUMENTS and isinstance(value, list) else value


def _check_arguments(
    path: Path, place: str, kind: Kind, kwargs: Mapping[str, Any], meta: Mapping[str, Any]
) -> None:
    if kind.name in (ROWS, GROUPS, QUERY) and "id" not in meta:
        raise LesionsError(f'{path.name}: {place}: needs a name: {{"meta": {{"id": "..."}}}}.')
    query = kwargs.get("unexpected_rows_query", "{batch}")
    try:
        named = "batch" in {part[1] for part in Formatter().parse(query)}
        columns_named(kwargs)
        tables_named(kwargs)
    except (KeyError, IndexError) as error:
        raise LesionsError(
            f"{path.name}: {place}: a brace that is not {{batch}} must be doubled, {{{{ or }}}}."
        ) from error
    except ValueError as error:
        raise LesionsError(f"{path.name}: {place}: {error}") from error
    if not named:
        raise LesionsError(f"{path.name}: {place}: the query must name its table as {{batch}}.")


def _one_per_column(
    kind: Kind, kwargs: Mapping[str, Any], given: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """The check's name and arguments; one of each per column where a column check lists several."""
    short = given or kind.name.removeprefix("expect_")
    column = kwargs.get("column")
    if kind.name != EXIST and isinstance(column, list):
        return [(f"{short}:{name}", {**kwargs, "column": name}) for name in column]
    if given is None:
        columns = columns_named({k: v for k, v in kwargs.items() if k.startswith("column")})
        return [(":".join([short, *columns]), dict(kwargs))]
    return [(short, dict(kwargs))]


def _check_keys(
    path: Path, place: str, content: Any, known: Collection[str], needed: Collection[str] = ()
) -> None:
    if not isinstance(content, dict):
        raise LesionsError(f"{path.name}: {place}: wanted an object {{...}}, found {content!r}.")
    for key in content:
        if key not in known:
            raise LesionsError(
                f"{path.name}: {place}: there is no key {key!r}{_nearest(key, known)}. "
                f"Known here: {', '.join(known) or 'none'}."
            )
    for key in needed:
        if key not in content:
            raise LesionsError(f"{path.name}: {place}: the key {key!r} is missing.")


def _nearest(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; the nearest is {close[0]!r}" if close else ""


def automatic_checks(table: str, key: tuple[str, ...], numbers: Collection[str]) -> list[Check]:
    """The checks that every table gets without a file: its key holds, its numbers are numbers.

    Args:
        table: ``schema.table``.
        key: columns declared to identify a row; empty where none is.
        numbers: the columns of floating point type.
    """
    base = Check(table, "", ROWS, {}, "critical", "")
    checks = []
    if key:
        given = " AND ".join(f'"{name}" IS NOT NULL' for name in key)
        checks.append(
            replace(
                base,
                check_id="key_is_given",
                kwargs={"condition": given},
                description=f"the key ({', '.join(key)}) is never null",
                remedy="Mend the model: its Key line names columns that a row may lack.",
            )
        )
        checks.append(
            replace(
                base,
                check_id="key_is_unique",
                kind=GROUPS,
                kwargs={"by": list(key), "condition": "count(*) = 1"},
                description=f"the key ({', '.join(key)}) identifies one row",
                remedy="Look at the rows of one key, then for the join that doubled them.",
            )
        )
    if numbers:
        finite = " AND ".join(f'isfinite("{name}")' for name in numbers)
        checks.append(
            replace(
                base,
                check_id="numbers_are_finite",
                kwargs={"condition": finite},
                description="no number is NaN or infinite (what is missing is NULL)",
                remedy="Mend the model or step: divide with nullif, and write NULL for missing.",
            )
        )
    return checks
