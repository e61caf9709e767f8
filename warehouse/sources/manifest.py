"""What a loaded study was made from: sizes, times and SHA-256 of its files, per domain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from warehouse.errors import LesionsError
from warehouse.sources.domains import DOMAIN_COLUMNS, PROVENANCE, STUDY_COLUMNS
from warehouse.sources.spec import STUDY_FILE, Study

# Raise it when the same files would load to other rows.
LOADER_VERSION = "7"
MANIFEST = "manifest.json"
_BLOCK = 1 << 20


def digest(*parts: object) -> str:
    """SHA-256 of some JSON-like values."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(
    study: Study, previous: Mapping[str, Any] | None, *, is_hashed: bool = False
) -> dict[str, Any]:
    """Fingerprints of a study: the whole, each domain, the tables that describe it.

    The SHA-256 of a file is taken from ``previous`` where size and time of change are the same,
    unless ``is_hashed``: a correction may keep both.

    Returns:
        ``study_id``, ``loader_version``, ``fingerprint``, ``study_tables`` (text each), ``domains``
        (domain -> text) and ``files`` (name -> size, mtime_ns, sha256).
    """
    known: Mapping[str, Any] = {} if is_hashed else (previous or {}).get("files", {})
    names = sorted({STUDY_FILE, *(name for entry in study.entries for name in entry.files)})
    files = {name: _file_state(study.folder / name, known.get(name)) for name in names}
    shared = (LOADER_VERSION, study.study_id, study.patients)
    domains = {
        domain: digest(
            *shared,
            [
                (asdict(entry), [files[name]["sha256"] for name in entry.files])
                for entry in study.entries
                if domain in entry.domains
            ],
        )
        for domain in study.domains
    }
    described = asdict(study)
    for key in ("folder", "entries", "ignored"):
        del described[key]
    study_tables = digest(LOADER_VERSION, described)
    return {
        "study_id": study.study_id,
        "loader_version": LOADER_VERSION,
        "fingerprint": digest(domains, study_tables, files[STUDY_FILE]["sha256"]),
        "study_tables": study_tables,
        "domains": domains,
        "files": files,
    }


def _file_state(path: Path, known: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        state = path.stat()
        size, mtime = state.st_size, state.st_mtime_ns
        if known and known["size"] == size and known["mtime_ns"] == mtime:
            return dict(known)
        sha = hashlib.sha256()
        with path.open("rb") as handle:
            while block := handle.read(_BLOCK):
                sha.update(block)
    except OSError as error:
        raise LesionsError(f"{path} cannot be read: {error.strerror}.") from error
    return {"size": size, "mtime_ns": mtime, "sha256": sha.hexdigest()}


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a loaded study, or None when there is none that can be used."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(manifest, dict) and {"fingerprint", "domains", "files"} <= set(manifest)
    return manifest if usable else None


def parts_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Size, time and SHA-256 of each Parquet file of a load, by name."""
    return {path.name: _file_state(path, None) for path in sorted(folder.glob("*.parquet"))}


def check_part(part: Path, manifest: Mapping[str, Any]) -> None:
    """Reads a Parquet file of a load through: a failing disk keeps size and time.

    Raises:
        LesionsError: its content is not what was written.
    """
    known = manifest.get("parts", {}).get(part.name)
    if known is not None and _file_state(part, None)["sha256"] != known["sha256"]:
        raise LesionsError(
            f"{part} is not as it was written: its disk may be failing. Remove {part.parent} and "
            "run again: the study is then loaded anew."
        )


def damaged_parts(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Files of a load that are gone, or are not as they were written by size or time."""
    damaged = []
    for name, known in manifest.get("parts", {}).items():
        path = folder / name
        if not path.is_file() or _file_state(path, known)["sha256"] != known["sha256"]:
            damaged.append(name)
    return damaged


def loaded_studies(raw_dir: Path) -> dict[str, dict[str, Any]]:
    """Manifests of all loaded studies, by study id, sorted."""
    if not raw_dir.is_dir():
        return {}
    found = {}
    for folder in sorted(raw_dir.iterdir()):
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        manifest = read_manifest(folder)
        if manifest is not None:
            found[folder.name] = manifest
    return found


def table_shape(table: str) -> str:
    """Digest of a raw table's declared columns."""
    if table in DOMAIN_COLUMNS:
        return digest(table, list(DOMAIN_COLUMNS[table]), {k: v[0] for k, v in PROVENANCE.items()})
    return digest(table, {name: kind for name, (kind, _) in STUDY_COLUMNS[table].items()})
