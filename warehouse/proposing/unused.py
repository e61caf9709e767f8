"""What of a study's files its study.yml leaves unused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from warehouse.database import OFFLINE
from warehouse.proposing.files import Source, read_table
from warehouse.proposing.meaning import all_meanings
from warehouse.proposing.profile import Profile, profile_table
from warehouse.proposing.vocabulary import vocabulary
from warehouse.sources.domains import DOMAIN_COLUMNS
from warehouse.sources.expressions import expression_columns
from warehouse.sources.lesion_long import plain_entries
from warehouse.sources.radiomics import feature_columns, plain_features
from warehouse.sources.spec import FileEntry, Study
from warehouse.sources.wording import listed


def unused_parts(study: Study) -> Iterator[str]:
    """A sentence for each file, column and value that nothing uses.

    Raises:
        LesionsError: a file that cannot be read.
    """
    for name in study.ignored:
        yield f"{name}: no entry of study.yml reads it."
    with (
        tempfile.TemporaryDirectory(prefix="lesions-check-") as work,
        duckdb.connect(config={**OFFLINE, "temp_directory": work}) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")
        files = list(dict.fromkeys((entry.file, entry.options) for entry in study.entries))
        for number, (file, options) in enumerate(files):
            entries = [e for e in study.entries if (e.file, e.options) == (file, options)]
            source = Source(study.folder / file, options)
            table = read_table(connection, source, Path(work) / f"{number}.parquet")
            used: set[str] = set()
            for entry in entries:
                used |= _used(entry, table.stage.columns, study)
            folded = {name.casefold() for name in used}
            left = [name for name in table.stage.columns if name.casefold() not in folded]
            profiles = profile_table(connection, table)
            blank = [n for n in left if n in profiles and profiles[n].is_blank]
            filled = [name for name in left if name not in blank]
            if filled:
                yield f"{source.title}: not used: {listed(filled, 30)}."
            if blank:
                yield f"{source.title}: blank throughout: {listed(blank, 30)}."
            for meaning in all_meanings({n: profiles[n] for n in filled if n in profiles}):
                if meaning.confidence == "sure":
                    says = vocabulary().concepts[meaning.concept].says
                    yield f"{source.title}: {meaning.column} may be {says} ({meaning.because})."
            yield from _unused_maps(entries, profiles)


def _used(entry: FileEntry, columns: tuple[str, ...], study: Study) -> set[str]:
    """Columns of a file that an entry reads."""
    place, has_patients = entry.file, study.patients == "known"
    if entry.long_table is not None:
        plain = plain_entries(entry, columns, place=place, has_patients=has_patients)
        return set().union(*(_used(item, columns, study) for item in plain))
    if entry.radiomics is not None:
        entry = plain_features(
            entry, columns, place=place, has_patients=has_patients, first_day="0"
        )
    rules = [*entry.columns, *(rule for inner in entry.derive for rule in inner.columns)]
    used = {rule.column for rule in rules if rule.column is not None}
    used |= {
        name for rule in rules if rule.sql is not None for name in expression_columns(rule.sql)
    }
    used |= {here for join in entry.joins for here, _ in join.on}
    if entry.keep_columns:
        known = DOMAIN_COLUMNS[entry.domain]
        used |= {name for name in columns if name.lower() in known or name.upper() == "DOMAIN"}
    if entry.features is not None:
        used |= set(feature_columns(entry, columns, place))
    return used


def _unused_maps(entries: list[FileEntry], profiles: dict[str, Profile]) -> Iterator[str]:
    """Values of 'map' that no record has, which are typos or left over."""
    for entry in entries:
        rules = [*entry.columns, *(rule for inner in entry.derive for rule in inner.columns)]
        for rule in rules:
            profile = profiles.get(rule.column or "")
            if not rule.mapping or profile is None:
                continue
            values = {value for value, _ in profile.values}
            if profile.distinct > len(values):
                continue
            gone = [old for old, _ in rule.mapping if old not in values]
            if gone:
                yield (
                    f"{entry.file}: no record of {rule.column} is {listed(map(repr, gone))}, which "
                    f"'map' of {rule.variable} names."
                )
