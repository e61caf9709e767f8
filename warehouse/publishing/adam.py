"""The analysis datasets (ADaM) as a folder per study: transport files, Dataset-JSON, define.xml."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse import checks
from warehouse.catalogue import installed_graph
from warehouse.contents import content_folder
from warehouse.database import open_published
from warehouse.errors import LesionsError
from warehouse.publishing.adam_datasets import (
    ORDER,
    SCHEMA,
    Datasets,
    StudyDataset,
    open_datasets,
)
from warehouse.publishing.dataset_json import write_dataset_json
from warehouse.publishing.define_xml import metadata_oid, write_define_xml
from warehouse.publishing.folder import only_publish
from warehouse.publishing.transport_file import not_ascii, write_transport_file

MANIFEST = "manifest.json"
FORMATS = ("xpt", "json")


@dataclass(frozen=True)
class Handed:
    """What a publish of analysis datasets did."""

    folder: Path
    rows: dict[str, dict[str, int]]
    """Rows by study and dataset."""
    notes: tuple[str, ...]


def publish_adam(published: Path, target: Path, formats: Collection[str] = FORMATS) -> Handed:
    """Writes the analysis datasets of each study into a folder of its own below ``target``.

    A study's folder is replaced as a whole, once all of its files are written. Nothing is written
    where a critical check of the datasets fails.

    Args:
        published: the published warehouse.
        target: the folder; made where it is not there.
        formats: ``xpt`` (SAS transport, version 5) and ``json`` (Dataset-JSON 1.1, also as NDJSON).

    Raises:
        LesionsError: no warehouse, a check that failed, a folder that holds something else, a value
            that a transport file does not hold, a full disk.
    """
    _check_target(target)
    _check_datasets(published)
    with open_datasets(published) as datasets, only_publish(target):
        folders = _folders(datasets)
        rows: dict[str, dict[str, int]] = {}
        notes: list[str] = []
        written: list[tuple[Path, Path]] = []
        try:
            for study_id, title in datasets.studies:
                beside = target / f".writing-{folders[study_id]}"
                shutil.rmtree(beside, ignore_errors=True)
                beside.mkdir()
                written.append((beside, target / folders[study_id]))
                contents = datasets.of_study(study_id)
                notes += _write_study(datasets, contents, study_id, title, beside, formats)
                rows[study_id] = {c.dataset.name: len(c.frame) for c in contents}
            _swap(target, written)
            _write_manifest(datasets, target, folders, rows)
        except OSError as error:
            raise LesionsError(f"writing analysis datasets to {target} failed: {error}") from error
        finally:
            for beside, _ in written:
                shutil.rmtree(beside, ignore_errors=True)
        for study_id in datasets.without_subjects:
            notes.append(f"{study_id} has no subjects, and so no analysis datasets.")
    return Handed(target, rows, tuple(notes))


def _check_datasets(published: Path) -> None:
    """Runs the suites of the layer, which an ordinary run leaves to this moment.

    Raises:
        LesionsError: a critical check failed.
    """
    docs = installed_graph().table_docs
    tables = [f"{SCHEMA}.{name.lower()}" for name in ORDER]
    with open_published(published) as connection:
        there = connection.execute(
            "SELECT list(schema_name || '.' || view_name) FROM duckdb_views()"
        ).fetchall()[0][0]
        results = checks.check_tables(
            connection,
            [table for table in tables if table in there],
            checks.load_suites(content_folder("expectations")),
            "publish",
            datetime.now(UTC).replace(tzinfo=None),
            keys={name: docs[name].key for name in tables},
        )
    checks.gate(results)


def _check_target(target: Path) -> None:
    """A folder with other files is no place for folders that are replaced."""
    if not target.exists():
        return
    if not target.is_dir():
        raise LesionsError(f"{target} is a file. Name a folder for the analysis datasets.")
    ours = {MANIFEST}
    if (target / MANIFEST).is_file():
        try:
            known = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
            ours |= {study["folder"] for study in known["studies"]}
        except (ValueError, KeyError, TypeError) as error:
            raise LesionsError(
                f"{target / MANIFEST} is no list of analysis datasets. Name a new folder."
            ) from error
    others = sorted(
        path.name
        for path in target.iterdir()
        if path.name not in ours and not path.name.startswith((".writing-", ".before-"))
    )
    if others:
        raise LesionsError(
            f"{target} holds other files ({', '.join(others[:3])}). Name a new folder: the "
            "studies' folders in it are replaced at each publish."
        )


def _folders(datasets: Datasets) -> dict[str, str]:
    """Name of each study's folder.

    Raises:
        LesionsError: two studies would have the same folder.
    """
    folders: dict[str, str] = {}
    for study_id, _ in datasets.studies:
        folder = re.sub(r"[^A-Za-z0-9_.-]", "_", study_id).lstrip(".") or "study"
        same = [other for other, name in folders.items() if name.lower() == folder.lower()]
        if same:
            raise LesionsError(
                f"the studies {same[0]!r} and {study_id!r} would both be written to {folder}. "
                "Give one another study_id."
            )
        folders[study_id] = folder
    return folders


def _write_study(
    datasets: Datasets,
    contents: list[StudyDataset],
    study_id: str,
    title: str,
    folder: Path,
    formats: Collection[str],
) -> list[str]:
    """Writes all files of one study; what is to be said of them."""
    notes = []
    about = {
        "studyOID": study_id,
        "metaDataVersionOID": metadata_oid(study_id),
        "datasetJSONCreationDateTime": datasets.finished_at,
        "sourceSystem": {"name": "lesion-warehouse", "version": datasets.version},
    }
    for content in contents:
        if "xpt" in formats:
            file = folder / f"{content.dataset.name.lower()}.xpt"
            write_transport_file(content, file, datasets.finished_at)
            if beyond := not_ascii(content):
                notes.append(
                    f"{study_id}: {', '.join(beyond)} hold letters beyond ASCII, written as UTF-8."
                )
        if "json" in formats:
            write_dataset_json(content, folder, about)
    write_define_xml(
        contents,
        folder / "define.xml",
        study={
            "oid": study_id,
            "name": study_id,
            "title": title,
            "created": datasets.finished_at,
            "version": datasets.version,
        },
        suffix="xpt" if "xpt" in formats else "json",
        decodes=datasets.decodes,
    )
    return notes


def _swap(target: Path, written: list[tuple[Path, Path]]) -> None:
    """Puts the new folders in the place of those before."""
    for beside, folder in written:
        before = target / f".before-{folder.name}"
        shutil.rmtree(before, ignore_errors=True)
        if folder.exists():
            folder.rename(before)
        beside.rename(folder)
        shutil.rmtree(before, ignore_errors=True)


def _write_manifest(
    datasets: Datasets, target: Path, folders: dict[str, str], rows: dict[str, dict[str, int]]
) -> None:
    known = target / MANIFEST
    if known.is_file():
        former = {s["folder"] for s in json.loads(known.read_text(encoding="utf-8"))["studies"]}
        for gone in former - set(folders.values()):
            shutil.rmtree(target / gone, ignore_errors=True)
    content = {
        "finished_at": datasets.finished_at,
        "lesion_warehouse": datasets.version,
        "studies": [
            {"study_id": study, "folder": folders[study], "rows": rows[study]}
            for study in sorted(rows)
        ],
    }
    known.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def report(handed: Handed) -> str:
    """What a publish did, in words."""
    total = sum(sum(rows.values()) for rows in handed.rows.values())
    lines = [
        f"Wrote analysis datasets of {len(handed.rows)} "
        f"{'study' if len(handed.rows) == 1 else 'studies'} ({total:,} rows) to {handed.folder}; "
        "define.xml in each study's folder says what each variable is."
    ]
    for study, rows in handed.rows.items():
        lines.append(f"  {study}: " + ", ".join(f"{name} {n:,}" for name, n in rows.items()))
    return "\n".join([*lines, *handed.notes])


def publish_adam_to(published: Path, folder: Path | None, formats: Collection[str]) -> str:
    """``lesions publish --to adam FOLDER``; returns what is to be said of it.

    Raises:
        LesionsError: no folder; else see ``publish_adam``.
    """
    if folder is None:
        raise LesionsError(
            "analysis datasets go to a folder: lesions publish --to adam FOLDER. (A folder for "
            "Parquet files that is called adam is ./adam.)"
        )
    return report(publish_adam(published, folder.expanduser(), formats or FORMATS))
