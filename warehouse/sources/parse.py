"""study.yml -> :class:`~warehouse.sources.spec.Study`, everything checked that needs no data."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from warehouse.contents import content_folder
from warehouse.errors import LesionsError
from warehouse.sources import spec
from warehouse.sources.document import Section, read_document
from warehouse.sources.domains import DOMAIN_COLUMNS
from warehouse.sources.file_entries import file_entry, unknown_domain
from warehouse.sources.formats import data_stem, is_data_file, unread_files
from warehouse.sources.wording import did_you_mean, listed

_TOP_KEYS = (
    *("study_id", "title", "tumor_type", "phase", "sponsor", "registry_id"),
    "layout",
    *("day_convention", "day_zero_rule", "patients", "readers", "too_small"),
    *(
        "local_treatment",
        "line_of_therapy",
        "primary_site",
        "arms",
        "sites",
        "test_codes",
        "domains",
        "files",
    ),
)
_ARM_KEYS = ("treatment", "treatment_class", "backbone", "has_bevacizumab", "has_panitumumab")
_IGNORE = "ignore"


def read_study_id(file: Path) -> str:
    """The study_id that a study.yml gives, checked for its form only."""
    return _study_id(read_document(file))


def parse_study(folder: Path) -> spec.Study:
    """The study.yml of a folder, with the files of an sdtm folder found by their names.

    Raises:
        LesionsError: see :func:`warehouse.studies.read_study`.
    """
    file = folder / spec.STUDY_FILE
    if not file.is_file():
        raise LesionsError(
            f"{folder} holds no {spec.STUDY_FILE}. Write one there; it needs at least the line "
            "'study_id: my_study'."
        )
    top = read_document(file)
    top.only(_TOP_KEYS)
    study = _described(folder, top)
    stems = _stems(top)
    named = [(section, _found_file(section, folder)) for section in top.sections("files")]
    entries = tuple(
        file_entry(section, study.layout, stems, name)
        for section, name in named
        if name is not None
    )
    if study.layout == "sdtm":
        entries, ignored = _discover(top, folder, entries, stems)
    else:
        if "domains" in top.values:
            top.fail(f"'domains' belongs to layout sdtm, not to {study.layout}.", "domains")
        used = {name for entry in entries for name in entry.files}
        ignored = tuple(name for name in _data_files(folder) if name not in used)
    if not entries and top.sections("files"):
        names = [section.needed("file") for section in top.sections("files")]
        top.fail(
            f"none of the files that it names is there: {listed(names)}. Put them beside it. "
            f"Data files there: {listed(_data_files(folder)) or 'none'}.",
            "files",
        )
    if not entries:
        top.fail(
            "no file to load. Put files named after their domain beside it (dm.csv, tr.xpt, ...), "
            "name them under 'files:', or map other names under 'domains:'."
            + (f" Data files there: {listed(ignored)}." if ignored else "")
            + "".join(f" {name} is {advice}." for name, advice in unread_files(folder))
        )
    for name in [name for entry in entries for name in entry.files]:
        _check_file(top, folder, name)
    return replace(study, entries=entries, ignored=ignored)


def _described(folder: Path, top: Section) -> spec.Study:
    """What study.yml says of the study itself; no entries yet."""
    too_small = top.section("too_small")
    if too_small is not None:
        too_small.only(("values", "becomes_mm"))
    return spec.Study(
        folder=folder,
        study_id=_study_id(top),
        entries=(),
        title=top.text("title"),
        tumor_type=top.text("tumor_type"),
        phase=top.text("phase"),
        sponsor=top.text("sponsor"),
        registry_id=_registry_id(top),
        layout=top.choice("layout", spec.LAYOUTS, "sdtm"),
        day_convention=top.choice("day_convention", spec.DAY_CONVENTIONS, "sdtm"),
        day_zero_rule=top.text("day_zero_rule"),
        patients=top.choice("patients", spec.PATIENTS, "known"),
        readers=_unique(top, "readers"),
        too_small_values=too_small.texts("values") if too_small else (),
        too_small_mm=_positive(too_small, "becomes_mm") if too_small else None,
        local_treatment=top.choice("local_treatment", spec.LOCAL_TREATMENT_POLICIES, None),
        line_of_therapy=top.whole("line_of_therapy"),
        primary_site=top.text("primary_site"),
        arms=_arms(top),
        sites=_sites(top),
        test_codes=_test_codes(top),
    )


def _registry_id(top: Section) -> str | None:
    """Identifier in a trial registry; ClinicalTrials.gov's has eight digits."""
    value = top.text("registry_id")
    if value is None:
        return None
    if value.upper().startswith("NCT") and not re.fullmatch(r"NCT\d{8}", value):
        top.fail(
            f"'registry_id' cannot be {value!r}: an identifier of ClinicalTrials.gov is NCT and "
            "eight digits, as NCT02142244.",
            "registry_id",
        )
    return value


def _study_id(top: Section) -> str:
    value = top.needed("study_id")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        top.fail(
            f"'study_id' cannot be {value!r}: letters, digits, '_', '-' and '.' only, because it "
            "begins the ids of patients and lesions.",
            "study_id",
        )
    return value


def _unique(top: Section, key: str) -> tuple[str, ...]:
    values = top.texts(key)
    for value in values:
        if values.count(value) > 1:
            top.fail(f"{key!r} names {value!r} twice. Keep the first.", key)
    return values


def _positive(section: Section, key: str) -> float | None:
    value = section.number(key)
    if value is not None and not 0 <= value < float("inf"):
        section.fail(f"{key!r} must be 0 or more, not {value:g}.", key)
    return value


def _arms(top: Section) -> tuple[spec.Arm, ...]:
    section = top.section("arms")
    arms = []
    for name in section.values if section else ():
        assert section is not None
        inner = section.section(name)
        if inner is None:
            section.fail(f"the arm {name!r} says nothing. Add 'treatment: ...'.", name)
        inner.only(_ARM_KEYS)
        arms.append(
            spec.Arm(
                arm=name,
                treatment=inner.text("treatment"),
                treatment_class=inner.text("treatment_class"),
                backbone=inner.text("backbone"),
                has_bevacizumab=inner.flag("has_bevacizumab"),
                has_panitumumab=inner.flag("has_panitumumab"),
            )
        )
    return tuple(arms)


def _test_codes(top: Section) -> tuple[tuple[str, str], ...]:
    """Test code of TR -> what it means, as 'test_codes:' says."""
    stated: dict[str, str] = {}
    for code, meaning in top.pairs("test_codes"):
        section = top.section("test_codes")
        assert section is not None
        if meaning not in spec.TEST_MEANINGS:
            section.fail(
                f"the test code {code!r} cannot be {meaning!r}."
                f"{did_you_mean(meaning, spec.TEST_MEANINGS)} "
                f"It may be: {listed(spec.TEST_MEANINGS)}.",
                code,
            )
        if code.strip().upper() in stated:
            section.fail(
                f"the test code {code!r} is there twice; case makes no difference. Keep one.", code
            )
        stated[code.strip().upper()] = meaning
    return tuple(stated.items())


def _sites(top: Section) -> tuple[tuple[str, str], ...]:
    """Site as written -> organ, as 'sites:' says; every organ is one of core.organ."""
    stated = top.pairs("sites")
    unknown = [(site, organ) for site, organ in stated if organ not in _organs()]
    if unknown:
        site, organ = unknown[0]
        section = top.section("sites")
        assert section is not None
        meant = next((near for pattern, near in _site_map() if pattern.search(organ.upper())), None)
        hint = f" Did you mean {meant!r}?" if meant else did_you_mean(organ, _organs())
        section.fail(
            f"the site {site!r} cannot be the organ {organ!r}.{hint} "
            f"It may be: {listed(_organs())}.",
            site,
        )
    return stated


def _seed(name: str) -> list[dict[str, str]]:
    with (content_folder("sql") / "seeds" / f"{name}.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        return list(csv.DictReader(file))


@cache
def _organs() -> tuple[str, ...]:
    return tuple(row["organ"] for row in _seed("core.organ"))


@cache
def _site_map() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns that read a site's words, in their order."""
    rows = sorted(_seed("staging.site_map"), key=lambda row: int(row["priority"]))
    return tuple((re.compile(row["site_raw_pattern"]), row["organ"]) for row in rows)


def _stems(top: Section) -> dict[str, str]:
    """File stem -> domain, as 'domains:' says."""
    for stem, domain in top.pairs("domains"):
        if domain not in (*DOMAIN_COLUMNS, _IGNORE):
            section = top.section("domains")
            assert section is not None
            section.fail(unknown_domain(domain), stem)
    return {stem.lower(): domain for stem, domain in top.pairs("domains")}


def _discover(
    top: Section,
    folder: Path,
    listed_entries: tuple[spec.FileEntry, ...],
    stems: Mapping[str, str],
) -> tuple[tuple[spec.FileEntry, ...], tuple[str, ...]]:
    """Adds the files whose stem is a domain, or is mapped to one; the rest are ignored."""
    named = {name for entry in listed_entries for name in entry.files}
    entries, ignored, seen = list(listed_entries), [], dict[str, str]()
    for name in _data_files(folder):
        if name in named:
            continue
        stem = data_stem(name)
        domain = stems.get(stem, stem if stem in DOMAIN_COLUMNS else _IGNORE)
        if domain == _IGNORE:
            ignored.append(name)
            continue
        if stem in seen:
            top.fail(
                f"both {seen[stem]} and {name} hold {domain}; loaded twice, every record would "
                "count twice. Move one of them away."
            )
        seen[stem] = name
        entries.append(spec.FileEntry(name, domain, keep_columns=True))
    for stem in stems:
        if (
            stems[stem] != _IGNORE
            and stem not in seen
            and not any(data_stem(name) == stem for name in named)
        ):
            section = top.section("domains")
            assert section is not None
            section.fail(
                f"no data file is named {stem!r}."
                f"{did_you_mean(stem, [data_stem(n) for n in ignored])} "
                f"Data files that no domain has: {listed(ignored) or 'none'}."
            )
    return tuple(entries), tuple(ignored)


def _data_files(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.is_file() and is_data_file(item))


def _check_file(top: Section, folder: Path, name: str) -> None:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        top.fail(f"the file {name!r} must lie in the study's folder: name it from there.")
    if not (folder / path).is_file():
        others = _data_files(folder)
        top.fail(
            f"the file {name!r} is not in {folder}.{did_you_mean(name, others)} "
            f"Data files there: {listed(others) or 'none'}."
        )
    if not is_data_file(path):
        top.fail(
            f"{name!r} is of no known format. Known: .csv, .tsv (also .gz), .parquet, .xpt, "
            ".sas7bdat, .xlsx, .json, .ndjson and .dsjc (Dataset-JSON)."
            + "".join(
                f" It is {advice}." for other, advice in unread_files(folder) if other == name
            )
        )


def _found_file(section: Section, folder: Path) -> str | None:
    """The file of an entry; None where it is optional and not there.

    A name that ends in ``.*`` stands for the one data file that begins so, of whatever format.
    """
    name = section.needed("file")
    is_optional = bool(section.flag("optional"))
    if not name.endswith(".*"):
        return None if is_optional and not (folder / name).is_file() else name
    stem = name[:-2].lower()
    found = [other for other in _data_files(folder) if data_stem(other) == stem]
    if len(found) > 1:
        section.fail(
            f"{name!r} fits {listed(found)}. Move all but one away, or name the one that counts.",
            "file",
        )
    if found:
        return found[0]
    if not is_optional:
        others = _data_files(folder)
        section.fail(
            f"no data file is named {name!r}.{did_you_mean(stem, [data_stem(n) for n in others])} "
            f"Data files there: {listed(others) or 'none'}.",
            "file",
        )
    return None
