"""The marts as Parquet files in S3-compatible storage, by Arrow's own client.

An object store has no links and renames nothing, but replaces an object whole: each publish writes
a new prefix ``version-...``, and at the end the object ``current.json``, which names it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from warehouse.errors import LesionsError
from warehouse.publishing.folder import MANIFEST, OURS, Exported, version_name, write_version
from warehouse.publishing.marts import open_marts

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CURRENT = "current.json"
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Variables with the address of a store that is not Amazon's; the first that is set counts."""
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
SECONDS = 30.0
"""Longest wait for the store to answer."""


def publish_to_store(published: Path, url: str) -> Exported:
    """Writes every mart below ``s3://bucket/prefix``, then the object that names the version.

    The version before stays for readers that have begun with it; older ones are removed. Keys come
    from the environment or the files of AWS's tools, as Arrow takes them (AWS_ACCESS_KEY_ID, ...).

    Raises:
        LesionsError: no warehouse, no such bucket, no right, a prefix that holds something else.
    """
    started = time.perf_counter()
    place = store_path(url)
    store = _open_store()
    name = version_name()
    try:
        before = _check(store, place, url)
        with tempfile.TemporaryDirectory(prefix="lesions-publish-") as scratch:
            folder = Path(scratch) / name
            with open_marts(published) as marts:
                tables = write_version(marts, folder)
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    _upload(store, file, f"{place}/{name}/{file.relative_to(folder).as_posix()}")
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = [file for table in tables for file in table["files"]]
        _verify(store, f"{place}/{name}", files)
        current = {"version": name, **{k: manifest[k] for k in ("run_id", "finished_at")}}
        with store.open_output_stream(f"{place}/{CURRENT}") as stream:
            stream.write(json.dumps(current, indent=1).encode() + b"\n")
        _tidy(store, place, {name, before})
    except (OSError, duckdb.Error) as error:
        raise LesionsError(f"publishing to {url} failed: {_first_line(error)}") from error
    return Exported(
        Path(f"{place}/{name}"),
        len(tables),
        sum(table["rows"] for table in tables),
        sum(file["bytes"] for file in files),
        time.perf_counter() - started,
    )


def store_path(url: str) -> str:
    """``bucket/prefix`` of an address.

    Raises:
        LesionsError: no bucket, no prefix, or something else in the address.
    """
    parts = urlsplit(url)
    path = parts.path.strip("/")
    is_plain = re.fullmatch(r"[a-z0-9][a-z0-9.-]+", parts.netloc) and not parts.query
    if not is_plain or not path:
        raise LesionsError(
            "a target in S3-compatible storage is s3://bucket/prefix; keys come from the "
            "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a store that is not Amazon's "
            "from AWS_ENDPOINT_URL."
        )
    return f"{parts.netloc}/{path}"


def _open_store() -> FileSystem:
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    region = next((os.environ[name] for name in REGIONS if os.environ.get(name)), None)
    scheme, _, address = endpoint.rpartition("://")
    return S3FileSystem(
        region=region or ("us-east-1" if endpoint else None),
        endpoint_override=address.rstrip("/") or None,
        scheme=scheme or "https",
        connect_timeout=SECONDS,
        request_timeout=SECONDS,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=3),
    )


def _check(store: FileSystem, place: str, url: str) -> str:
    """The version that the prefix leads to now; refuses one that holds something else.

    Raises:
        LesionsError: other objects lie there: old versions are removed at each publish.
    """
    from pyarrow.fs import FileSelector

    names = [
        info.base_name
        for info in store.get_file_info(FileSelector(place, allow_not_found=True))
        if info.base_name
    ]
    others = [one for one in names if one != CURRENT and not OURS.fullmatch(one)]
    if others:
        raise LesionsError(
            f"{url} holds other objects ({', '.join(sorted(others)[:3])}). Name a new prefix: old "
            "versions are removed from it at each publish."
        )
    if CURRENT not in names:
        return ""
    with store.open_input_stream(f"{place}/{CURRENT}") as stream:
        return str(json.loads(stream.read()).get("version", ""))


def _upload(store: FileSystem, file: Path, path: str) -> None:
    with file.open("rb") as source, store.open_output_stream(path) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _verify(store: FileSystem, place: str, files: list[dict[str, object]]) -> None:
    """Compares the objects' sizes with the manifest before anything names them.

    Raises:
        OSError: an object is missing, or of another size.
    """
    for info, file in zip(
        store.get_file_info([f"{place}/{file['path']}" for file in files]), files, strict=True
    ):
        if info.size != file["bytes"]:
            raise OSError(f"{info.path} is not there as it was written")


def _tidy(store: FileSystem, place: str, keep: set[str]) -> None:
    from pyarrow.fs import FileSelector

    for info in store.get_file_info(FileSelector(place)):
        if OURS.fullmatch(info.base_name) and info.base_name not in keep:
            store.delete_dir(info.path)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
