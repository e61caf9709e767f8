"""The words of vocabulary.yml, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Concept:
    """What a column may hold, and how it is recognised."""

    name: str
    says: str
    names: frozenset[str]
    words: re.Pattern[str] | None
    label: re.Pattern[str] | None
    weak: re.Pattern[str] | None
    never: re.Pattern[str] | None
    values: str


@dataclass(frozen=True)
class Vocabulary:
    """All concepts, and the words of values, units and visits."""

    concepts: Mapping[str, Concept]
    words: Mapping[str, Any]

    def set_of(self, name: str) -> frozenset[str]:
        """A list of words of values, lower case."""
        return frozenset(str(word).lower() for word in self.words[name])

    def unit_in(self, kind: str, words: str) -> str | None:
        """The unit that the words of a column's name say, for a size or a time."""
        for pattern, unit in self.words["name_units"][kind]:
            if re.search(pattern, words):
                return str(unit)
        return None


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    content = yaml.safe_load(Path(__file__).with_name("vocabulary.yml").read_text(encoding="utf-8"))
    concepts = {name: _concept(name, item) for name, item in content.pop("concepts").items()}
    return Vocabulary(concepts, content)


def _concept(name: str, item: Mapping[str, Any]) -> Concept:
    def pattern(key: str) -> re.Pattern[str] | None:
        return re.compile(item[key], re.IGNORECASE) if key in item else None

    return Concept(
        name=name,
        says=item["says"],
        names=frozenset(item.get("names", ())),
        words=pattern("words"),
        label=pattern("label"),
        weak=pattern("weak"),
        never=pattern("never"),
        values=item["values"],
    )


_PART = re.compile(r"[A-Z]+(?![a-zà-ÿ])[0-9]*|[A-ZÀ-Ý]?[a-zß-ÿ]+[0-9]*|[0-9]+|[|%]")


def words_of(name: str) -> str:
    """The words of a column's name, lower case, parted by blanks.

    >>> words_of("TargetLesionLongDiam_mm")
    'target lesion long diam mm'
    """
    return " ".join(_PART.findall(name)).lower()


def compact(name: str) -> str:
    """A name's letters and digits, lower case: ``PID_A`` -> ``pida``."""
    return re.sub(r"[^0-9a-zà-ÿ]", "", name.lower())
