"""Study folders: finding them, reading their study.yml, loading their files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse.errors import LesionsError
from warehouse.sources import manifest as manifests
from warehouse.sources.loading import DerivedReport, FileReport, LoadReport, Progress, load
from warehouse.sources.parse import parse_study, read_study_id
from warehouse.sources.spec import STUDY_FILE, Study, StudyFolder

__all__ = [
    "DerivedReport",
    "FileReport",
    "LoadReport",
    "Study",
    "StudyFolder",
    "find_studies",
    "links_out",
    "load_study",
    "read_study",
    "study_fingerprint",
]


def find_studies(studies_dir: Path) -> list[StudyFolder]:
    """Folders of ``studies_dir`` that hold a study.yml, by name; links are followed.

    Raises:
        LesionsError: two folders give the same study_id (both are named), or a study.yml that
            cannot be read.
    """
    if not studies_dir.is_dir():
        return []
    found: list[StudyFolder] = []
    by_id: dict[str, Path] = {}
    for folder in sorted(studies_dir.iterdir()):
        file = folder / STUDY_FILE
        if folder.name.startswith(".") or not file.is_file():
            continue
        study_id = read_study_id(file)
        # Folders named after the ids differ by more than letter case on every file system.
        other = by_id.get(study_id.casefold())
        if other is not None:
            raise LesionsError(
                f"the study_id {study_id!r} is used twice: in {other} and in {folder}. Give one "
                "of them another study_id, or remove the folder that is too many."
            )
        by_id[study_id.casefold()] = folder
        found.append(StudyFolder(folder, study_id))
    return found


def read_study(folder: Path) -> Study:
    """The study.yml of a folder, checked.

    Everything is checked that needs no look into the data files: keys, domains, variables, units,
    values, SQL expressions, and that the files are there.

    Raises:
        LesionsError: with file, line, place and what would be right: no study.yml, a key that is
            not known (with the nearest that is) or is there twice, an unknown domain, variable or
            unit, an expression that cannot be used, a data file that is not there.
    """
    return parse_study(folder)


def links_out(study: Study) -> dict[str, Path]:
    """Files of a study that are links to a place outside its folder, each with that place.

    They are read, for data may lie on another disk; they are named, for who unpacks a folder of
    others may not know of them.
    """
    home = study.folder.resolve()
    names = dict.fromkeys((STUDY_FILE, *(entry.file for entry in study.entries)))
    places = {name: (study.folder / name).resolve() for name in names}
    return {name: place for name, place in places.items() if not place.is_relative_to(home)}


def study_fingerprint(folder: Path, previous_manifest: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a study's load depends on: see :func:`warehouse.sources.manifest.fingerprint`.

    The entry ``fingerprint`` stands for the whole, ``domains`` for each domain: a change of one
    file changes those of its domains only.
    """
    return manifests.fingerprint(read_study(folder), previous_manifest)


def load_study(
    folder: Path,
    raw_dir: Path,
    *,
    loaded_at: datetime,
    progress: Progress | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
    is_hashed: bool = False,
) -> LoadReport:
    """Loads a study folder to ``raw_dir/<study_id>/``: Parquet per table, and manifest.json.

    The former load stays until the new one is whole. Nothing is done when the fingerprint is that
    of the former load.

    Args:
        folder: folder with study.yml and data files.
        raw_dir: folder of all loaded studies; made when absent.
        loaded_at: time to write beside each row.
        progress: called with (entries done, entries in all).
        threads: threads to use; all when None.
        memory_limit: DuckDB's memory limit, as '4GB'.
        is_hashed: read every file to compare it, even where its size and time are as before.

    Raises:
        LesionsError: what :func:`read_study` raises, or a file that cannot be loaded: empty,
            damaged, in another encoding, without a column or variable that is needed.
    """
    return load(
        read_study(folder),
        raw_dir,
        loaded_at=loaded_at,
        progress=progress,
        threads=threads,
        memory_limit=memory_limit,
        is_hashed=is_hashed,
    )
