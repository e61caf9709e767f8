"""Which file names are data, and which reader each has."""

from __future__ import annotations

import errno
from pathlib import Path, PurePath

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import Stage, quarantine_nul, quarantine_repeated_headers

_SUFFIXES = {
    ".csv": "text",
    ".csv.gz": "text",
    ".tsv": "text",
    ".tsv.gz": "text",
    ".parquet": "parquet",
    ".xpt": "sas",
    ".sas7bdat": "sas",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".json": "dataset_json",
    ".ndjson": "dataset_json",
    ".dsjc": "dataset_json",
}
_OPTIONS = {
    "text": ("encoding", "delimiter"),
    "parquet": (),
    "sas": ("encoding",),
    "excel": (
        *("sheet", "header_rows", "header_join", "first_row"),
        *("stop_column", "stop_value", "skip_blank"),
    ),
    "dataset_json": (),
}


def suffix_of(name: str | PurePath) -> str:
    """The known suffix of a file name, lower case, or '' when the format is not known."""
    lower = PurePath(name).name.lower()
    known = [suffix for suffix in _SUFFIXES if lower.endswith(suffix)]
    return max(known, key=len, default="")


def is_data_file(path: str | PurePath) -> bool:
    """Whether a reader exists for the file, by its name; hidden and lock files are not data."""
    return suffix_of(path) != "" and not PurePath(path).name.startswith((".", "~"))


_UNREAD = {
    ".xls": "an old Excel workbook: save it as .xlsx",
    ".xlsb": "a binary Excel workbook: save it as .xlsx",
    ".ods": "an OpenDocument sheet: save it as .xlsx",
    ".zip": "an archive: unpack it into the folder",
    ".7z": "an archive: unpack it into the folder",
    ".tar": "an archive: unpack it into the folder",
    ".tgz": "an archive: unpack it into the folder",
    ".rar": "an archive: unpack it into the folder",
    ".gz": "packed, and neither .csv.gz nor .tsv.gz: unpack it, or name it so",
    ".rds": "an R object: write.csv() it, or arrow::write_parquet()",
    ".rda": "R objects: write.csv() them, or arrow::write_parquet()",
    ".rdata": "R objects: write.csv() them, or arrow::write_parquet()",
    ".sav": "an SPSS file: save it as CSV",
    ".dta": "a Stata file: save it as CSV (export delimited)",
    ".por": "an SPSS file: save it as CSV",
    ".stc": "a SAS CPORT file, which only SAS can read: write it as XPT or CSV",
    ".mdb": "an Access database: export its tables as CSV",
    ".accdb": "an Access database: export its tables as CSV",
    ".txt": "text: where it is a table, name it .csv or .tsv and say its delimiter",
    ".dat": "data of an unknown form: where it is a table, name it .csv and say its delimiter",
    ".pdf": "",
    ".docx": "",
}
"""Endings of files that no reader takes -> what to do; '' where there is nothing to do."""


def unread_files(folder: Path) -> list[tuple[str, str]]:
    """Files of a folder that may be data and that no reader takes, and what to do with them."""
    found = []
    for item in sorted(folder.iterdir()):
        if not item.is_file() or item.name.startswith((".", "~")) or is_data_file(item):
            continue
        advice = _UNREAD.get(item.suffix.lower(), "")
        if advice:
            found.append((item.name, advice))
    return found


def data_stem(name: str) -> str:
    """A file's name without folder and suffix, lower case: ``x/TR_1.csv.gz`` -> ``tr_1``."""
    lower = PurePath(name).name.lower()
    return lower.removesuffix(suffix_of(name))


def stage_file(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Writes a data file's cells as text to the Parquet file ``out``.

    Raises:
        LesionsError: the file is empty, damaged, in another encoding or format, or an option does
            not fit its format.
    """
    kind = _SUFFIXES[suffix_of(file)]
    default = ReadOptions()
    for name in vars(default):
        if getattr(options, name) != getattr(default, name) and name not in _OPTIONS[kind]:
            key = "stop_at" if name.startswith("stop_") else name
            raise LesionsError(
                f"{file}: the option {key!r} has no meaning for this format. Remove it from the "
                "file's entry in study.yml."
            )
    try:
        size = file.stat().st_size
    except OSError as error:
        raise LesionsError(f"{file} cannot be read: {error.strerror}.") from error
    if size == 0:
        raise LesionsError(f"{file} is empty (0 bytes). Put the real file in its place.")
    # Readers are imported when first used: some take a second to import.
    if kind == "text":
        from warehouse.sources.text import stage_text as reader
    elif kind == "parquet":
        from warehouse.sources.parquet import stage_parquet as reader
    elif kind == "sas":
        from warehouse.sources.sas import stage_sas as reader
    elif kind == "excel":
        from warehouse.sources.excel import stage_excel as reader
    else:
        from warehouse.sources.dataset_json import stage_dataset_json as reader
    try:
        stage = reader(connection, file, options, out)
        if kind in ("text", "excel"):
            stage = quarantine_repeated_headers(connection, stage)
        return quarantine_nul(connection, stage)
    except OSError as error:
        if "writing" in str(error) or error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise  # the stage could not be written; nothing is wrong with the file
        raise LesionsError(f"{file} cannot be read: {error.strerror or error}.") from error
