"""Suites of checks, read from ``expectations/<schema>/<table>.yml`` and judged before they run.

A file is a list of checks. Each names its kind, one of ``warehouse.checking.kinds.KINDS`` (Great
Expectations' own names, and some of ours), with its arguments::

    - expect_column_values_to_be_between: {column: [diameter_mm, short_axis_mm], min_value: 0}
    - expect_rows_to_satisfy:
        condition: is_event = (rule_id IS NOT NULL)
        where: source = 'observed'
      id: event_has_rule
      description: an event has the rule that set it, and only an event
      severity: warning
      remedy: ...
      reason: "2026-11-20: ..."

Where a check of one column is given a list, it becomes one check per column. ``severity`` is
``critical``, which stops a publish, unless a check says ``warning`` or ``info``, which do not.
``id`` names the check (checks of SQL need one; the others are named for their type and column),
``description`` says what must hold, ``remedy`` what to do when it does not, and ``reason`` why a
threshold is what it is, with its date. A suite reads only its own layer and the ones before it, as
a model does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

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
from warehouse.contents import shown_path, table_of
from warehouse.errors import LesionsError

SEVERITIES = ("critical", "warning", "info")
DEFAULT_SEVERITY = "critical"
_TEXT_KEYS = ("id", "description", "severity", "remedy", "reason")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads plain words as YAML 1.2 does: only ``true`` and ``false`` are truth values, and no word
    is a date, but 1e-9 is a number. A key used twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are all different."""
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is there twice", node.start_mark
            )
        return found


_OTHER_WORDS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] not in _OTHER_WORDS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+e[-+]?[0-9]+$"), list("-+0123456789")
)


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


def tables_to_check(built: Iterable[str], reads: Mapping[str, frozenset[str]]) -> list[str]:
    """The tables whose checks may come out differently once some tables are built anew.

    Args:
        built: the tables built, ``schema.table``.
        reads: the other tables that the checks of each table read.

    Returns:
        The tables built, in their order, then those whose suites read one of them, by name.
    """
    first = list(dict.fromkeys(built))
    others = {name for name, tables in reads.items() if not tables.isdisjoint(first)}
    return first + sorted(others.difference(first))


def suite_files(folder: Path) -> dict[str, Path]:
    """The files of a folder by the table that each checks, ``schema.table``.

    Raises:
        LesionsError: a file that would not be read.
    """
    paths = sorted(folder.rglob("*.*"))
    for path in paths:
        place = path.relative_to(folder)
        if path.suffix in (".json", ".yaml") or (
            path.suffix == ".yml" and len(place.parts) not in (2, 3)
        ):
            raise LesionsError(
                f"expectations/{place}: is not read. A suite is expectations/<schema>/<table>.yml."
            )
    return {table_of(path): path for path in paths if path.suffix == ".yml"}


def load_suites(
    folder: Path, columns: Mapping[str, Collection[str]] | None = None
) -> dict[str, Suite]:
    """Every suite of a folder, keyed ``schema.table``.

    Args:
        folder: holds ``<schema>/<table>.yml`` and ``<schema>/<word>/<table>.yml`` files.
        columns: the columns of each table; where given, every column that a suite names must be
            among them, and every suite's table too.

    Raises:
        LesionsError: a file that is not YAML, a wrong key, type, argument or severity, two checks
            of one name, or a column or table that does not exist; it names the file.
    """
    suites = {table: read_suite(path) for table, path in suite_files(folder).items()}
    if columns is not None:
        for suite in suites.values():
            if suite.table not in columns:
                raise LesionsError(
                    f"{_file(suite.path)}: there is no table {suite.table}"
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
                    f"{_file(suite.path)}: check {check.check_id!r} names the column {name!r}, "
                    f"which {suite.table} has not{_nearest(name, columns)}."
                )


def read_suite(path: Path) -> Suite:
    """One suite from its file.

    Raises:
        LesionsError: see ``load_suites``.
    """
    table = table_of(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LesionsError(
            f"{_file(path)}: is not YAML: {' '.join(str(error).split())}."
        ) from error
    if not isinstance(content, list):
        raise LesionsError(f"{_file(path)}: wanted a list of checks, each begun with '- '.")
    checks: dict[str, Check] = {}
    for position, entry in enumerate(content, start=1):
        for check in _read_checks(path, f"check {position}", entry):
            if check.check_id in checks:
                raise LesionsError(
                    f"{_file(path)}: check {position}: another check is named "
                    f"{check.check_id!r} already; give this one an id of its own."
                )
            checks[check.check_id] = check
    return Suite(table, path, tuple(checks.values()))


def _read_checks(path: Path, place: str, entry: Any) -> list[Check]:
    if not isinstance(entry, dict):
        raise LesionsError(
            f"{_file(path)}: {place}: wanted 'kind: {{arguments}}', found {entry!r}."
        )
    kinds = [key for key in entry if key not in _TEXT_KEYS]
    if len(kinds) != 1:
        raise LesionsError(
            f"{_file(path)}: {place}: names {', '.join(map(repr, kinds)) or 'no kind'}; wanted one "
            f"kind of check, and beside it no more than {', '.join(_TEXT_KEYS)}."
        )
    kind = KINDS.get(kinds[0])
    if kind is None:
        raise LesionsError(
            f"{_file(path)}: {place}: there is no kind of check {kinds[0]!r}"
            f"{_nearest(str(kinds[0]), (*KINDS, *_TEXT_KEYS))}. There are: {', '.join(KINDS)}."
        )
    place = f"{place} ({kind.name})"
    _check_keys(path, place, entry[kind.name], kind.arguments, needed=kind.required)
    given = {name: _sql(name, value) for name, value in entry[kind.name].items()}
    texts = {key: value for key, value in entry.items() if key != kind.name}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise LesionsError(f"{_file(path)}: {place}: {key} is {value!r}; wanted a text.")
    severity = texts.get("severity", DEFAULT_SEVERITY)
    if severity not in SEVERITIES:
        raise LesionsError(
            f"{_file(path)}: {place}: severity is {severity!r}; "
            f"wanted one of {', '.join(SEVERITIES)}."
        )
    _check_arguments(path, place, kind, given, texts)
    return [
        Check(
            table=table_of(path),
            check_id=check_id,
            kind=kind.name,
            kwargs=kwargs,
            severity=severity,
            description=texts.get("description") or sentence(kind.name, kwargs),
            remedy=texts.get("remedy"),
            reason=texts.get("reason"),
        )
        for check_id, kwargs in _one_per_column(kind, given, texts.get("id"))
    ]


def _sql(argument: str, value: Any) -> Any:
    """The value, without the line break at the end of a block of SQL."""
    return value.strip() if argument in SQL_ARGUMENTS and isinstance(value, str) else value


def _check_arguments(
    path: Path, place: str, kind: Kind, kwargs: Mapping[str, Any], texts: Mapping[str, str]
) -> None:
    if kind.name in (ROWS, GROUPS, QUERY) and "id" not in texts:
        raise LesionsError(f"{_file(path)}: {place}: needs a name: 'id: ...'.")
    query = kwargs.get("unexpected_rows_query", "{batch}")
    try:
        named = "batch" in {part[1] for part in Formatter().parse(query)}
        columns_named(kwargs)
        tables_named(kwargs)
    except (KeyError, IndexError) as error:
        raise LesionsError(
            f"{_file(path)}: {place}: a brace that is not {{batch}} must be doubled, {{{{ or }}}}."
        ) from error
    except ValueError as error:
        raise LesionsError(f"{_file(path)}: {place}: {error}") from error
    if not named:
        raise LesionsError(f"{_file(path)}: {place}: the query must name its table as {{batch}}.")


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
        raise LesionsError(f"{_file(path)}: {place}: wanted an object {{...}}, found {content!r}.")
    for key in content:
        if key not in known:
            raise LesionsError(
                f"{_file(path)}: {place}: there is no key {key!r}{_nearest(key, known)}. "
                f"Known here: {', '.join(known) or 'none'}."
            )
    for key in needed:
        if key not in content:
            raise LesionsError(f"{_file(path)}: {place}: the key {key!r} is missing.")


def _file(path: Path) -> str:
    return shown_path("expectations", path)


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
                remedy="Correct the model: its Key line names columns that a row may lack.",
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
                remedy="Correct the model or step: divide with nullif, and write NULL for missing.",
            )
        )
    return checks
