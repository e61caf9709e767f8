"""Tables as compact text for a page: columns as typed arrays, compressed, in base64.

A block is, before compression, the length of its head (4 bytes, little endian), the head as JSON
(rows, and for each column its name, kind, null value and texts), and the columns' bytes one after
the other. Bytes of wider numbers are stored plane by plane (all first bytes, then all second
ones), which compresses better. ``assets/data.js`` reads it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

NULL_INTEGER = -(2**31)
SINGLE_PRECISION = 2e-7
"""Largest relative error of a stored number: that of a 4-byte float, six significant digits."""


def encode(table: pa.Table, comments: Mapping[str, str]) -> str:
    """A table as base64 text.

    Floats that fit are stored with 4 bytes (six significant digits); those that do not, such as
    the smallest p-values, make their column 8 bytes wide. Dates and times become text.

    Args:
        table: the rows.
        comments: what the columns mean, shown at the head of the table behind a picture.
    """
    columns: list[dict[str, Any]] = []
    payload: list[bytes] = []
    for name in table.column_names:
        head, values = _column(table.column(name))
        columns.append({"name": name, "comment": comments.get(name, ""), **head})
        payload.append(_planes(values))
    head_bytes = json.dumps(
        {"rows": table.num_rows, "columns": columns}, ensure_ascii=False, separators=(",", ":")
    ).encode()
    block = len(head_bytes).to_bytes(4, "little") + head_bytes + b"".join(payload)
    return base64.b64encode(zlib.compress(block, 9)).decode("ascii")


def _column(column: pa.ChunkedArray) -> tuple[dict[str, Any], np.ndarray]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_boolean(kind):
        codes = pc.fill_null(pc.cast(column, pa.int8()), -1)
        return {"kind": "boolean"}, codes.to_numpy().astype(np.int8)
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return _numbers(pc.cast(column, pa.float64()), pa.types.is_integer(kind))
    text = pc.cast(column, pa.string()).combine_chunks()
    words = sorted(word for word in pc.unique(text).to_pylist() if word is not None)
    codes = pc.fill_null(pc.index_in(text, value_set=pa.array(words, pa.string())), -1)
    values = codes.to_numpy(zero_copy_only=False)
    narrow = np.int8 if len(words) < 127 else np.int16 if len(words) < 32000 else np.int32
    return {"kind": "text", "words": words, **_width(narrow)}, values.astype(narrow)


def _numbers(column: pa.ChunkedArray, is_whole: bool) -> tuple[dict[str, Any], np.ndarray]:
    import numpy as np

    values = column.to_numpy()
    present = values[~np.isnan(values)]
    if is_whole and (not len(present) or np.abs(present).max() < -NULL_INTEGER):
        whole = np.where(np.isnan(values), NULL_INTEGER, values).astype(np.int32)
        steps = np.diff(whole, prepend=np.int32(0))
        return {"kind": "integer", "steps": True, "width": 4}, steps.astype(np.int32)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
        error = np.abs(single[~np.isnan(values)].astype(np.float64) - present)
    if np.all(error <= SINGLE_PRECISION * np.abs(present)):
        return {"kind": "number", "width": 4}, single
    return {"kind": "number", "width": 8}, values


def _width(kind: type) -> dict[str, int]:
    import numpy as np

    return {"width": np.dtype(kind).itemsize}


def _planes(values: np.ndarray) -> bytes:
    import numpy as np

    size = values.dtype.itemsize
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, size).T.tobytes()
