"""Reads the tables inside a report the way its page does, written apart from the encoder."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import zlib
from typing import Any

NULL_INTEGER = -(2**31)


def block_of(html: str, name: str) -> str:
    """The text of the element that holds a figure's rows."""
    found = re.search(rf'<script type="application/octet-stream" id="data-{name}">([^<]*)<', html)
    assert found is not None, f"the page holds no rows of {name}"
    return found.group(1)


def read_block(text: str) -> dict[str, list[Any]]:
    """A block's columns as Python values."""
    block = zlib.decompress(base64.b64decode(text))
    (length,) = struct.unpack_from("<I", block)
    head = json.loads(block[4 : 4 + length])
    at = 4 + length
    columns = {}
    for column in head["columns"]:
        width = column.get("width", 1)
        size = head["rows"] * width
        columns[column["name"]] = _values(column, block[at : at + size], head["rows"], width)
        at += size
    assert at == len(block)
    return columns


def _values(column: dict[str, Any], planes: bytes, rows: int, width: int) -> list[Any]:
    cells = [bytes(planes[plane * rows + row] for plane in range(width)) for row in range(rows)]
    if column["kind"] == "number":
        numbers = [struct.unpack("<f" if width == 4 else "<d", cell)[0] for cell in cells]
        return [None if math.isnan(number) else number for number in numbers]
    whole = [int.from_bytes(cell, "little", signed=True) for cell in cells]
    if column["kind"] == "integer":
        total, summed = 0, []
        for step in whole:
            total = (total + step + 2**31) % 2**32 - 2**31
            summed.append(None if total == NULL_INTEGER else total)
        return summed
    if column["kind"] == "boolean":
        return [None if code < 0 else code == 1 for code in whole]
    return [None if code < 0 else column["words"][code] for code in whole]
