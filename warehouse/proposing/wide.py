"""Wide sheets: one measure at several visits, a column for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.proposing.meaning import VALUE_TESTS
from warehouse.proposing.profile import Profile
from warehouse.proposing.vocabulary import vocabulary, words_of

_LEAST = 2
CONCEPTS = ("diameter", "short_axis", "volume", "sum")


@dataclass(frozen=True)
class Wave:
    """One visit of a wide sheet: its column, its name, its day if the name tells it."""

    concept: str
    column: str
    visit: str
    day: int | None


def waves(profiles: Mapping[str, Profile]) -> list[Wave]:
    """The columns of the largest group that differ by a visit only; [] where there is none."""
    groups: dict[tuple[str, str], list[Wave]] = {}
    for profile in profiles.values():
        split = _split(words_of(profile.name.replace("_", " ")))
        if split is None:
            continue
        stem, visit, day = split
        concept = _concept(stem, profile)
        if concept is not None:
            wave = Wave(concept, profile.name, visit, day)
            groups.setdefault((concept, stem), []).append(wave)
    found = max(groups.values(), key=len, default=[])
    days = [wave.day for wave in found if wave.day is not None]
    # Two columns for one day are two measures, not two visits.
    if len(found) < _LEAST or len(set(days)) < len(days) or not days:
        return []
    return found


def _split(words: str) -> tuple[str, str, int | None] | None:
    """A name's words without the visit, the visit, and its day."""
    for pattern, factor in reversed(vocabulary().words["visits"]):
        found = re.search(pattern, words)
        if found is None:
            continue
        stem = " ".join((words[: found.start()] + words[found.end() :]).split())
        if not factor:
            return stem, found[0], None
        number = float(found[1]) * float(factor) if found.groups() else float(factor)
        return stem, found[0], round(number)
    return None


def _concept(stem: str, profile: Profile) -> str | None:
    fits, _ = VALUE_TESTS["size"](profile)
    if not fits:
        return None
    for name in CONCEPTS:
        concept = vocabulary().concepts[name]
        if concept.never is not None and concept.never.search(stem):
            continue
        bare = stem.replace(" ", "")
        if bare in concept.names or (concept.words is not None and concept.words.search(stem)):
            return name
    return None
