"""A dataset of one study as a SAS transport file, version 5.

The bytes follow from the content: where the format has the time of writing, the time of the run
stands that made the warehouse. Format: SAS TS-140, "The Record Layout of a Data Set in SAS
Transport (XPORT) Format".
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from warehouse.errors import LesionsError
from warehouse.publishing.adam_datasets import MAX_TEXT_BYTES, StudyDataset

_RECORD = 80
_STAMPS = (_RECORD + 64, 2 * _RECORD, 5 * _RECORD + 64, 6 * _RECORD)
"""Where the 16 bytes of a time of writing stand: library and member, made and changed."""
_LARGEST = 16.0**62
"""The largest number that the writer puts into IBM's format, in which SAS writes, without loss."""
_SAS_EPOCH = "1960-01-01"


def write_transport_file(content: StudyDataset, target: Path, written_at: str) -> None:
    """Writes one dataset.

    Args:
        content: the dataset with its rows.
        target: the file.
        written_at: UTC, ISO 8601: stands in the file as the time of writing.

    Raises:
        LesionsError: a text of more than 200 bytes, or a number that the format does not hold.
    """
    import pandas as pd
    import pyreadstat

    _check_limits(content)
    frame = content.frame.copy()
    formats = {}
    for variable in content.dataset.variables:
        if variable.kind == "date":
            days = frame[variable.name].astype("datetime64[s]") - pd.Timestamp(_SAS_EPOCH)
            frame[variable.name] = days.dt.days.astype("float64")
            formats[variable.name] = "DATE9."
        elif variable.kind == "text":
            frame[variable.name] = frame[variable.name].astype(object).fillna("")
        else:
            frame[variable.name] = frame[variable.name].astype("float64")
    pyreadstat.write_xport(
        frame,
        target,
        file_label=content.dataset.label,
        column_labels=[variable.label for variable in content.dataset.variables],
        table_name=content.dataset.name,
        file_format_version=5,
        variable_format=formats,
    )
    stamp = datetime.fromisoformat(written_at).strftime("%d%b%y:%H:%M:%S").upper().encode()
    with target.open("r+b") as handle:
        for place in _STAMPS:
            handle.seek(place)
            handle.write(stamp)


def _check_limits(content: StudyDataset) -> None:
    for variable in content.dataset.variables:
        values = content.frame[variable.name]
        where = f"{content.dataset.name}.{variable.name}"
        if variable.kind == "text" and content.lengths[variable.name] > MAX_TEXT_BYTES:
            worst = max(values.dropna(), key=lambda text: len(text.encode()))
            subject = content.frame.loc[values == worst, "USUBJID"].iloc[0]
            raise LesionsError(
                f"{where} of {subject} has {len(worst.encode())} bytes, a SAS transport file holds "
                f"{MAX_TEXT_BYTES}: '{worst[:60]}...'. Give it a shorter value in the study's "
                "study.yml, or hand on the Dataset-JSON alone (--format json)."
            )
        if variable.kind in ("float", "integer"):
            too_large = values.abs() >= _LARGEST
            if too_large.any():
                subject = content.frame.loc[too_large, "USUBJID"].iloc[0]
                raise LesionsError(
                    f"{where} of {subject} is {values[too_large].iloc[0]}: larger than the numbers "
                    "of a SAS transport file. Look at its unit in the study's study.yml."
                )


def not_ascii(content: StudyDataset) -> list[str]:
    """Variables with letters beyond ASCII: written as UTF-8, which older SAS sessions misread."""
    return [
        f"{content.dataset.name}.{variable.name}"
        for variable in content.dataset.variables
        if variable.kind == "text"
        and not all(text.isascii() for text in content.frame[variable.name].dropna())
    ]
