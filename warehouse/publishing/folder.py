"""The marts as a folder of Parquet files, whose newest version is one link away."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import quoted
from warehouse.errors import LesionsError
from warehouse.publishing.marts import Mart, Marts, open_marts, refuse_missing

LINK = "current"
MANIFEST = "manifest.json"
OURS = re.compile(r"(\.writing-|\.link-)?version-\d{8}T\d{6}-[0-9a-f]{6}")
"""Names of versions, and of what a killed publish may leave."""
PARTITION_COLUMN = "study_id"
PARTITION_ROWS = 50_000
"""A table with fewer rows is one file: many small files are slower to read than one."""


@dataclass(frozen=True)
class Exported:
    """What a publish to a folder did."""

    version: Path
    """Folder of this version; the link ``current`` beside it leads to it."""
    n_tables: int
    n_rows: int
    n_bytes: int
    seconds: float


def publish_to_folder(published: Path, target: Path) -> Exported:
    """Writes every mart as Parquet into a new folder, then turns the link ``current`` to it.

    The version before stays for readers that have begun with it; older ones go.

    Args:
        published: the published warehouse.
        target: the folder of all versions, made where it is not there.

    Raises:
        LesionsError: no warehouse, a folder that holds something else, a full disk.
    """
    started = time.perf_counter()
    refuse_missing(published)
    _check(target)
    name = version_name()
    version, beside = target / name, target / f".writing-{name}"
    with only_publish(target):
        before = _publish(published, version, beside)
        _tidy(target, keep={name, before})
    manifest = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    tables = manifest["tables"]
    files = [file for table in tables for file in table["files"]]
    return Exported(
        version,
        len(tables),
        sum(table["rows"] for table in tables),
        sum(file["bytes"] for file in files),
        time.perf_counter() - started,
    )


def version_name() -> str:
    """A name for a new version: when it was begun, UTC, and what tells two of one second apart."""
    return f"version-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def write_version(marts: Marts, folder: Path) -> list[dict[str, Any]]:
    """Writes every mart and the manifest into a new folder; the manifest's tables."""
    folder.mkdir(parents=True)
    tables = [_write(marts, mart, folder) for mart in marts.tables]
    manifest = {
        "run_id": marts.run_id,
        "finished_at": marts.finished_at,
        "lesion_warehouse": marts.version,
        "tables": tables,
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return tables


@contextmanager
def only_publish(target: Path) -> Iterator[None]:
    """Holds a folder for one publish at a time, for each tidies away what another has begun.

    Raises:
        LesionsError: another publish is writing there, or the folder cannot be made.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_RDONLY)
    except OSError as error:
        raise LesionsError(f"{target} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise LesionsError(
            f"another 'lesions publish' is writing to {target}. Wait until it ends."
        ) from error
    finally:
        os.close(handle)


def _publish(published: Path, version: Path, beside: Path) -> str:
    """Writes a version and turns the link to it; the version that it led to before."""
    target, name = version.parent, version.name
    try:
        with open_marts(published) as marts:
            _tidy_writing(target)
            tables = write_version(marts, beside)
        _sync(beside)
        _verify(beside, tables)
        beside.rename(version)
        before = (target / LINK).readlink().name if (target / LINK).is_symlink() else ""
        link = target / f".link-{name}"
        link.symlink_to(name)
        link.replace(target / LINK)
        return before
    except (OSError, duckdb.Error) as error:
        raise LesionsError(f"writing Parquet files to {target} failed: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _verify(folder: Path, tables: Sequence[Mapping[str, Any]]) -> None:
    """Compares the files with the manifest before anything leads to them.

    Raises:
        OSError: a file is missing, or is not as it was written.
    """
    for table in tables:
        for file in table["files"]:
            path = folder / file["path"]
            if not path.is_file() or _file(path, folder) != file:
                raise OSError(f"{path} is not as it was written")


def _tidy_writing(target: Path) -> None:
    """Removes what publishes that were killed have left half written."""
    for path in target.glob(".writing-*"):
        if _is_ours(path):
            shutil.rmtree(path, ignore_errors=True)


def _check(target: Path) -> None:
    """A folder that holds something else is no place for versions that are tidied away."""
    if not target.exists():
        return
    if not target.is_dir():
        raise LesionsError(f"{target} is a file. Name a folder for the Parquet files.")
    others = [path.name for path in target.iterdir() if not _is_ours(path)]
    if others:
        raise LesionsError(
            f"{target} holds other files ({', '.join(sorted(others)[:3])}). Name a new folder: "
            "old versions are removed from it at each publish."
        )


def _is_ours(path: Path) -> bool:
    return path.name == LINK or OURS.fullmatch(path.name) is not None


def _write(marts: Marts, mart: Mart, folder: Path) -> dict[str, Any]:
    """Writes one mart; returns its entry of the manifest."""
    names = {column.name for column in mart.columns}
    is_split = mart.n_rows >= PARTITION_ROWS and PARTITION_COLUMN in names
    described = {
        "description": mart.description,
        "grain": mart.grain,
        "key": ", ".join(mart.key),
        "columns": json.dumps({c.name: c.comment for c in mart.columns}, ensure_ascii=False),
    }
    metadata = ", ".join(f"{key}: {quoted(text)}" for key, text in described.items())
    options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{metadata}}}"
    target = folder / mart.name
    if is_split:
        options += f", PARTITION_BY ({PARTITION_COLUMN}), WRITE_PARTITION_COLUMNS true"
    else:
        target.mkdir()
        target = target / "data.parquet"
    with marts.connection.cursor() as cursor:
        cursor.execute("USE warehouse")
        cursor.execute(f"COPY ({mart.sql}) TO {quoted(str(target))} ({options})")
    files = sorted((folder / mart.name).rglob("*.parquet"))
    return {
        "name": mart.name,
        "description": mart.description,
        "grain": mart.grain,
        "key": list(mart.key),
        "rows": mart.n_rows,
        "partitioned_by": [PARTITION_COLUMN] if is_split else [],
        "columns": [{"name": c.name, "type": c.type, "comment": c.comment} for c in mart.columns],
        "files": [_file(file, folder) for file in files],
    }


def _file(file: Path, folder: Path) -> dict[str, Any]:
    with file.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {
        "path": file.relative_to(folder).as_posix(),
        "bytes": file.stat().st_size,
        "sha256": digest,
    }


def _sync(folder: Path) -> None:
    """Forces all files of a folder to the disk before anything points to them."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _tidy(target: Path, keep: set[str]) -> None:
    """Removes versions that nothing leads to, and what a killed publish left."""
    for path in target.iterdir():
        if path.name in keep or path.name == LINK:
            continue
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
