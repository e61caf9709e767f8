"""CDISC Dataset-JSON: v1.1 (.json and .ndjson) and v1.0's shape (.json), a record at a time.

v1.1 holds ``columns`` and ``rows`` at the top; its NDJSON has the metadata on the first line and a
record on each further one. v1.0 holds ``items`` and ``itemData`` under ``clinicalData`` (or
``referenceData``) / ``itemGroupData`` / the dataset's OID. Source: CDISC Dataset-JSON v1.1
specification, 2024-12-05, and v1.0, 2023-08-23.
"""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.bounds import MAX_GZIP_BYTES, MAX_RATIO, too_much
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import Rejected, Stage, column_names, write_records
from warehouse.sources.text import RAGGED, wrong_encoding

_BLOCK = 1 << 20
# v1.0 numbers its records in a column of that name, which is no variable.
_SEQUENCE = "ITEMGROUPDATASEQ"
_SPACE = " \t\r\n"


@dataclass
class _Dataset:
    """What the metadata says."""

    columns: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    records: int | None = None


def stage_dataset_json(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Stages a Dataset-JSON file; records with more or fewer values than columns are quarantined.

    Raises:
        LesionsError: not Dataset-JSON, not UTF-8, or it ends before it should.
    """
    if file.suffix.lower() == ".dsjc":
        plain = out.with_suffix(".ndjson")
        inflate(file, plain)
        try:
            return stage_dataset_json(connection, plain, options, out)
        except LesionsError as error:
            raise LesionsError(str(error).replace(str(plain), str(file))) from error
    events = _lines if file.suffix.lower() == ".ndjson" else _events
    try:
        dataset = _metadata(file, events)
        names = column_names(file, dataset.columns)
        kept = [place for place, name in enumerate(names) if name.upper() != _SEQUENCE]
        rejected: list[Rejected] = []
        records = _records(file, events, names, kept, rejected)
        rows = write_records([names[place] for place in kept], records, out)
    except UnicodeDecodeError as error:
        raise LesionsError(wrong_encoding(file, "utf-8", can_say=False)) from error
    total = rows + len(rejected)
    if dataset.records is not None and total != dataset.records:
        raise LesionsError(
            f"{file} holds {total} records, but its 'records' says {dataset.records}: it is cut "
            "off, or was changed. Copy it from its source again."
        )
    return Stage(out, tuple(names[place] for place in kept), rows, tuple(rejected))


def inflate(file: Path, out: Path) -> None:
    """Writes a compressed Dataset-JSON file (.dsjc: NDJSON, deflated by zlib) as NDJSON.

    Raises:
        LesionsError: damaged, cut off, or larger than a table of its size can become.
    """
    limit = max(MAX_GZIP_BYTES, MAX_RATIO * file.stat().st_size)
    decoder = zlib.decompressobj()
    written = 0
    with file.open("rb") as packed, out.open("wb") as plain:
        try:
            while block := packed.read(_BLOCK):
                while block:
                    text = decoder.decompress(block, _BLOCK)
                    block = decoder.unconsumed_tail
                    plain.write(text)
                    written += len(text)
                    if written > limit:
                        raise LesionsError(too_much(file))
        except zlib.error as error:
            raise LesionsError(
                f"{file} is not compressed Dataset-JSON (zlib): {error}. Copy it from its source "
                "again."
            ) from error
        plain.write(decoder.flush())
    if not decoder.eof:
        raise LesionsError(f"{file} is cut off: it ends amid its data. Copy it again.")


def column_labels(file: Path) -> dict[str, str]:
    """Column -> label, as the file's metadata has them."""
    if file.suffix.lower() == ".dsjc":
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.ndjson"
            inflate(file, plain)
            return column_labels(plain)
    return _metadata(file, _lines if file.suffix.lower() == ".ndjson" else _events).labels


def _metadata(file: Path, events: Any) -> _Dataset:
    """Columns and number of records: all that stands before the records, or the whole file."""
    dataset = _Dataset()
    with file.open(encoding="utf-8-sig") as handle:
        for kind, value in events(file, handle):
            if kind == "columns":
                if dataset.columns:
                    raise LesionsError(
                        f"{file} holds more than one dataset. Write each to a file of its own."
                    )
                dataset.columns = _names(file, value)
                dataset.labels = {
                    column["name"]: str(column["label"]) for column in value if column.get("label")
                }
            elif kind == "records":
                dataset.records = int(value) if str(value).isdigit() else None
            elif dataset.columns:
                break
    if not dataset.columns:
        raise LesionsError(
            f"{file} is not CDISC Dataset-JSON: it has no 'columns' (v1.1) and no 'items' (v1.0)."
        )
    return dataset


def _names(file: Path, columns: Any) -> list[str]:
    named = isinstance(columns, list) and all(
        isinstance(column, dict) and isinstance(column.get("name"), str) for column in columns
    )
    if not named:
        raise LesionsError(f"{file} is not CDISC Dataset-JSON: a column has no 'name'.")
    return [column["name"] for column in columns]


def _records(
    file: Path, events: Any, names: Sequence[str], kept: Sequence[int], rejected: list[Rejected]
) -> Iterator[tuple[int, list[str | None]]]:
    number = 0
    with file.open(encoding="utf-8-sig") as handle:
        for kind, row in events(file, handle):
            if kind != "row":
                continue
            number += 1
            if isinstance(row, dict):
                row = [row.get(name) for name in names]
            if not isinstance(row, list) or len(row) != len(names):
                found = len(row) if isinstance(row, list) else "no"
                rejected.append(
                    Rejected(
                        number,
                        json.dumps(row, ensure_ascii=False)[:10_000],
                        f"the record has {found} values, the dataset {len(names)} columns",
                        "correct the record where it was written",
                        defect_id=RAGGED,
                    )
                )
                continue
            yield number, [_text(row[place]) for place in kept]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> str:
    """A JSON number as text: 21.0 -> 21, everything else as it is written."""
    whole, _, fraction = text.partition(".")
    return whole if fraction and not fraction.strip("0") else text


# Numbers stay text, so that long ids keep every digit.
_NESTED = "values stand in one another so deep that this is no table. Look at where it comes from."
_DECODER = json.JSONDecoder(parse_float=_number, parse_int=str, parse_constant=lambda _: None)


def _lines(file: Path, handle: IO[str]) -> Iterator[tuple[str, Any]]:
    """Events of an NDJSON file: metadata objects first, then records."""
    is_metadata = True
    for number, line in enumerate(handle, 1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line.strip())
        except json.JSONDecodeError as error:
            raise LesionsError(
                f"{file}, line {number} is not JSON: {error.msg} at character {error.colno}. The "
                "file is cut off or damaged; copy it from its source again."
            ) from error
        except RecursionError as error:
            raise LesionsError(f"{file}, line {number}: {_NESTED}") from error
        # An early form of the format has the columns in an object of their own.
        is_metadata = is_metadata and isinstance(value, dict) and _is_metadata(value)
        if is_metadata:
            for key in ("columns", "records"):
                if key in value:
                    yield key, value[key]
            continue
        yield "row", value


def _is_metadata(value: dict[str, Any]) -> bool:
    return isinstance(value.get("columns"), list) or "datasetJSONVersion" in value


def _events(file: Path, handle: IO[str]) -> Iterator[tuple[str, Any]]:
    """Events of a JSON file, in its order: ('columns', list), ('records', text), ('row', list)."""
    stream = _JsonStream(file, handle)
    yield from _dataset_events(stream, "")
    stream.end()


def _dataset_events(stream: _JsonStream, inside: str) -> Iterator[tuple[str, Any]]:
    for key in stream.names():
        if inside == "" and key in ("clinicalData", "referenceData"):
            yield from _dataset_events(stream, "data")
        elif inside == "data" and key == "itemGroupData":
            for _ in stream.names():
                yield from _dataset_events(stream, "group")
        elif key in ("rows", "itemData") and stream.peek() == "[":
            for row in stream.items():
                yield "row", row
        elif key in ("columns", "items"):
            yield "columns", stream.value()
        elif key == "records":
            yield "records", stream.value()
        else:
            stream.value()


class _JsonStream:
    """Walks a JSON text without holding it: objects key by key, arrays item by item."""

    def __init__(self, file: Path, handle: IO[str]) -> None:
        self._file = file
        self._handle = handle
        self._buffer = ""
        self._at = 0
        self._is_ended = False
        self._before = 0

    def names(self) -> Iterator[str]:
        """Names in the object that begins here; take each value before the next name."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                self._fail("a name is missing")
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def items(self) -> Iterator[Any]:
        """Items of the array that begins here."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def value(self) -> Any:
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if not self._fill():
                    self._fail(error.msg)
                continue
            except RecursionError as error:
                raise LesionsError(f"{self._file}: {_NESTED}") from error
            # A number at the buffer's end may go on in the next block.
            if end == len(self._buffer) and self._fill():
                continue
            self._at = end
            return value

    def peek(self) -> str:
        """The next sign that is no space; '' at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._fill():
                return ""

    def end(self) -> None:
        """Checks that nothing follows."""
        if self.peek():
            self._fail("something follows the dataset")

    def _take(self, wanted: str) -> str:
        sign = self.peek()
        if not sign or sign not in wanted:
            self._fail(f"{' or '.join(wanted)} is missing")
        self._at += 1
        return sign

    def _fill(self) -> bool:
        if self._is_ended:
            return False
        block = self._handle.read(max(_BLOCK, len(self._buffer) - self._at))
        self._before += self._at
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        self._is_ended = not block
        return bool(block)

    def _fail(self, reason: str) -> None:
        place = self._before + self._at + 1
        raise LesionsError(
            f"{self._file} is not whole JSON: {reason} at character {place}. It is cut off or "
            "damaged; copy it from its source again."
        )
