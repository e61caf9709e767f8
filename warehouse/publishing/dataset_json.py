"""A dataset of one study as CDISC Dataset-JSON 1.1, in one object and as NDJSON.

Source: CDISC, Dataset-JSON v1.1 Specification, 2024-12-05.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warehouse.publishing.adam_datasets import StudyDataset, Variable

VERSION = "1.1.0"
_TYPES = {"text": "string", "float": "double", "integer": "integer", "date": "date"}


def write_dataset_json(content: StudyDataset, folder: Path, about: dict[str, Any]) -> None:
    """Writes ``NAME.json`` and ``NAME.ndjson``.

    Args:
        content: the dataset with its rows.
        folder: where the files go.
        about: the study's ``studyOID``, ``metaDataVersionOID``, ``datasetJSONCreationDateTime`` and
            ``sourceSystem``.
    """
    name = content.dataset.name
    head = {
        "datasetJSONCreationDateTime": about["datasetJSONCreationDateTime"],
        "datasetJSONVersion": VERSION,
        "fileOID": f"{about['studyOID']}.{name}",
        "originator": "lesion-warehouse",
        "sourceSystem": about["sourceSystem"],
        "studyOID": about["studyOID"],
        "metaDataVersionOID": about["metaDataVersionOID"],
        "metaDataRef": "define.xml",
        "itemGroupOID": f"IG.{name}",
        "records": len(content.frame),
        "name": name,
        "label": content.dataset.label,
        "columns": [_column(content, variable) for variable in content.dataset.variables],
    }
    stem = folder / name.lower()
    with stem.with_suffix(".json").open("w", encoding="utf-8") as handle:
        handle.write(_text(head)[:-1] + ', "rows": [')
        handle.writelines(
            ("," if at else "") + "\n" + _text(row) for at, row in enumerate(_rows(content))
        )
        handle.write("\n]}\n")
    with stem.with_suffix(".ndjson").open("w", encoding="utf-8") as handle:
        handle.write(_text(head) + "\n")
        handle.writelines(_text(row) + "\n" for row in _rows(content))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _column(content: StudyDataset, variable: Variable) -> dict[str, Any]:
    column: dict[str, Any] = {
        "itemOID": f"IT.{content.dataset.name}.{variable.name}",
        "name": variable.name,
        "label": variable.label,
        "dataType": _TYPES[variable.kind],
    }
    if variable.kind == "text":
        column["length"] = content.lengths[variable.name]
    if variable.kind == "date":
        column |= {"targetDataType": "integer", "displayFormat": "DATE9."}
    if variable.name in content.dataset.keys:
        column["keySequence"] = content.dataset.keys.index(variable.name) + 1
    return column


def _rows(content: StudyDataset) -> Iterator[list[Any]]:
    """Rows of plain values; nothing is null, and a date is ISO 8601."""
    columns = []
    for variable in content.dataset.variables:
        values = content.frame[variable.name]
        if variable.kind == "date":
            values = values.astype("datetime64[s]").dt.strftime("%Y-%m-%d")
        kind = int if variable.kind == "integer" else None
        plain = values.astype(object).where(values.notna(), None).tolist()
        columns.append([kind(v) if kind and v is not None else v for v in plain])
    yield from (list(row) for row in zip(*columns, strict=True))
