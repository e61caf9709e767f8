"""A YAML file as nested mappings and lists of text that remember their lines.

Every scalar stays text: ``N``, ``1e5`` and ``010005`` mean what they say. A key used twice is an
error, which YAML readers otherwise pass over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, overload

import yaml

from warehouse.errors import LesionsError
from warehouse.sources.wording import did_you_mean, listed

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


MAX_DEPTH = 20
MAX_EVENTS = 1_000_000


@dataclass(frozen=True)
class Section:
    """One mapping of a YAML file: its values, the line of each key, and where it stands."""

    file: Path
    where: str
    line: int
    values: dict[str, Any]
    lines: dict[str, int]

    def fail(self, message: str, key: str | None = None) -> NoReturn:
        """Raises an error that names the file, the line and the place."""
        line = self.lines.get(key, self.line) if key is not None else self.line
        place = f" ({self.where})" if self.where else ""
        raise LesionsError(f"{self.file}, line {line}{place}: {message}")

    def only(self, allowed: Iterable[str]) -> None:
        """Refuses a key that is not allowed here."""
        names = list(allowed)
        for key in self.values:
            if key not in names:
                self.fail(
                    f"unknown key {key!r}.{did_you_mean(key, names)} "
                    f"Keys known here: {listed(names)}.",
                    key,
                )

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text, or ``default`` when the key is absent or blank."""
        value = self.values.get(key)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            self.fail(f"{key!r} must be one text, not {_kind(value)}.", key)
        return value

    def needed(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if value is None:
            self.fail(f"{key!r} is missing. Add the line '{key}: ...'.")
        return value

    @overload
    def choice(self, key: str, choices: Iterable[str], default: str) -> str: ...

    @overload
    def choice(self, key: str, choices: Iterable[str], default: None) -> str | None: ...

    def choice(self, key: str, choices: Iterable[str], default: str | None) -> str | None:
        """One of ``choices``; the default when absent."""
        names = list(choices)
        value = self.text(key, default) or default
        if value is not None and value not in names:
            self.fail(
                f"{key!r} cannot be {value!r}.{did_you_mean(value, names)} "
                f"It is one of: {listed(names)}.",
                key,
            )
        return value

    def number(self, key: str) -> float | None:
        """A number, or None when absent."""
        value = self.text(key)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"{key!r} must be a number, not {value!r}.", key)

    def whole(self, key: str) -> int | None:
        """A whole number from 1, or None when absent."""
        value = self.text(key)
        return None if value is None else self._whole(key, value)

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers from 1."""
        return tuple(self._whole(key, value) for value in self.texts(key))

    def _whole(self, key: str, value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or int(value) < 1:
            self.fail(f"{key!r} must be a whole number from 1, not {value[:40]!r}.", key)
        return int(value)

    def flag(self, key: str) -> bool | None:
        """true or false, or None when absent."""
        value = self.text(key)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            self.fail(f"{key!r} must be true or false, not {value!r}.", key)
        return value.lower() == "true"

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        value = self.values.get(key)
        if value is None or value == "":
            return ()
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, str):
                self.fail(f"{key!r} must be a list of texts, not of {_kind(item)}.", key)
        return tuple(items)

    def section(self, key: str) -> Section | None:
        """A mapping, or None when absent."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, Section):
            self.fail(f"{key!r} must be a mapping (name: value), not {_kind(value)}.", key)
        return value

    def sections(self, key: str) -> tuple[Section, ...]:
        """A list of mappings."""
        value = self.values.get(key)
        if value is None or value == "":
            return ()
        if not isinstance(value, list) or not all(isinstance(item, Section) for item in value):
            self.fail(f"{key!r} must be a list of entries, each begun with '-'.", key)
        return tuple(value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A mapping of texts to texts, in the file's order."""
        inner = self.section(key)
        if inner is None:
            return ()
        for name, value in inner.values.items():
            if not isinstance(value, str):
                inner.fail(f"{name!r} must be one text, not {_kind(value)}.", name)
        return tuple(inner.values.items())


def read_document(file: Path) -> Section:
    """The top mapping of a YAML file.

    Raises:
        LesionsError: not readable, not UTF-8, not YAML, not a mapping, or a key used twice.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LesionsError(
            f"{file} is not UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise LesionsError(f"{file} cannot be read: {error.strerror}.") from error
    _check_extent(file, text)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise LesionsError(
            f"{file}{line}: this is not YAML: {problem}. Look at the quotes, colons and "
            "indentation there."
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise LesionsError(f"{file} must hold 'name: value' lines, beginning with 'study_id: ...'.")
    return _section(file, "", node)


def _check_extent(file: Path, text: str) -> None:
    """Goes through the events of a file, which takes no memory, before anything is made of them.

    Raises:
        LesionsError: aliases, which can make a small file as large as one likes, or more levels or
            more items than a description of a study has.
    """
    depth = 0
    try:
        for number, event in enumerate(yaml.parse(text, Loader=_Loader), 1):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                raise LesionsError(
                    f"{file}, line {line}: '*{event.anchor}' repeats another part of the file. "
                    "Write the part out."
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise LesionsError(
                    f"{file}, line {line}: more than {MAX_DEPTH} levels, one in another. A "
                    "description of a study has fewer than ten."
                )
            if number > MAX_EVENTS:
                raise LesionsError(
                    f"{file}, line {line}: more than {MAX_EVENTS:,} items. Is this a study.yml?"
                )
    except yaml.YAMLError:
        return  # said with its line where the text is composed


def _section(file: Path, where: str, node: yaml.MappingNode) -> Section:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line, place = key_node.start_mark.line + 1, f" ({where})" if where else ""
        if not isinstance(key_node, yaml.ScalarNode):
            kind = "list" if isinstance(key_node, yaml.SequenceNode) else "mapping"
            raise LesionsError(
                f"{file}, line {line}{place}: a {kind} stands where a key must. Write one text "
                "before the colon; a text that begins with '[', '{' or '?' stands in quotes."
            )
        key = str(key_node.value)
        if key in values:
            raise LesionsError(
                f"{file}, line {line}{place}: the key {key!r} is there twice, first on line "
                f"{lines[key]}. Keep one of them."
            )
        _check_characters(file, f"{where}.{key}" if where else key, key_node)
        values[key] = _value(file, f"{where}.{key}" if where else key, value_node)
        lines[key] = line
    return Section(file, where, node.start_mark.line + 1, values, lines)


def _value(file: Path, where: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _section(file, where, node)
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(file, f"{where}[{number}]", item) for number, item in enumerate(node.value, 1)
        ]
    _check_characters(file, where, node)
    value = str(node.value)
    return "" if not node.style and value in ("~", "null") else value


def _check_characters(file: Path, where: str, node: yaml.Node) -> None:
    """Escapes such as "\\0" make control characters, which end SQL and no database takes."""
    for sign in str(node.value):
        if unicodedata.category(sign) == "Cc" and sign not in "\t\n":
            raise LesionsError(
                f"{file}, line {node.start_mark.line + 1} ({where}): the text holds the control "
                f"character U+{ord(sign):04X}. Take it out."
            )


def _kind(value: object) -> str:
    if isinstance(value, Section | Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else "a text"
