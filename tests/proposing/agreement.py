"""How much of a study.yml written by hand a proposed one says too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.sources.expressions import expression_columns
from warehouse.sources.spec import ColumnRule, Study
from warehouse.studies import read_study

Fact = tuple[str, str, str, str]
"""File, domain, variable, and where it comes from."""


@dataclass(frozen=True)
class Agreement:
    """Facts of the hand-written file: in all, found, and those that are missing."""

    facts: int
    found: int
    missing: tuple[Fact, ...]

    @property
    def share(self) -> float:
        return self.found / self.facts if self.facts else 1.0


def agreement(by_hand: Path, proposed: Path) -> Agreement:
    """Compares two study folders by what each variable of each domain comes from."""
    wanted, given = Counter(_facts(read_study(by_hand))), Counter(_facts(read_study(proposed)))
    missing = wanted - given
    total = wanted.total()
    return Agreement(total, total - missing.total(), tuple(sorted(missing.elements())))


def _facts(study: Study) -> Iterator[Fact]:
    for entry in study.entries:
        if entry.keep_columns and not entry.columns:
            yield entry.file, entry.domain, "", "its own columns"
        for rule in entry.columns:
            yield entry.file, entry.domain, rule.variable, _source(rule)
        if entry.radiomics is not None and entry.features is None:
            yield entry.file, "rf", "features", "pyradiomics"
        if entry.features is not None:
            for name in entry.features.columns or (entry.features.names,):
                yield entry.file, "rf", "features", name
            for region in entry.features.regions:
                yield entry.file, "rf", "region", region
        options = entry.options
        for name in ("sheet", "header_rows", "stop_value", "delimiter", "encoding"):
            if getattr(options, name):
                yield entry.file, "", name, str(getattr(options, name))
        for inner in entry.derive:
            for rule in inner.columns:
                yield entry.file, inner.domain, rule.variable, _source(rule)
    for place, reader in enumerate(study.readers):
        yield "", "readers", str(place), reader
    for word in study.too_small_values:
        yield "", "too_small", word, ""
    yield "", "study", "day_convention", study.day_convention
    yield "", "study", "patients", study.patients


def _source(rule: ColumnRule) -> str:
    """A column, a constant, or the columns of an expression; values mapped count apart."""
    if rule.value is not None:
        return f"= {rule.value}"
    if rule.sql is not None:
        names = expression_columns(rule.sql)
        return " ".join(names) if names else f"= {rule.sql}"
    mapped = " mapped" if any(new for _, new in rule.mapping) else ""
    return f"{rule.column}{mapped}"
