"""Tables of new patients for ``lesions predict``: read with what is wrong in them named."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.delimited import delimiter_of
from warehouse.errors import LesionsError
from warehouse.leftovers import replacing

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

TRUE, FALSE = ("true", "yes", "y", "1", "1.0"), ("false", "no", "n", "0", "0.0")


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV or Parquet that has these columns, once each.

    Raises:
        LesionsError: it cannot be read, or a column is missing or there twice.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except FileNotFoundError as error:
        raise LesionsError(f"there is no file {path}.") from error
    except (OSError, ValueError, csv.Error) as error:
        raise LesionsError(f"{path} cannot be read as a table: {error}.") from error
    twice = sorted(set(frame.columns[frame.columns.duplicated()]) & set(columns))
    if twice:
        raise LesionsError(f"{path.name} has {twice[0]} twice. Leave one column of that name.")
    for name in columns:
        if name not in frame:
            near = difflib.get_close_matches(name, list(frame), n=1, cutoff=0.8)
            hint = f" Rename {near[0]}?" if near else ""
            raise LesionsError(
                f"{path.name} has no column {name}.{hint} 'lesions predict --template FILE' writes "
                "all of them; a value that is not known stays empty."
            )
    if frame.empty:
        raise LesionsError(f"{path.name} has no rows below its header.")
    return frame


def ids(path: Path, frame: pd.DataFrame, name: str) -> list[str]:
    """A column of ids as text without the spaces around them.

    Raises:
        LesionsError: one is empty.
    """
    found = ["" if one is None or one != one else str(one).strip() for one in frame[name]]
    if "" in found:
        raise LesionsError(f"{path.name}, row {found.index('') + 1}: {name} is empty.")
    return found


def refuse_to_replace(written: Path | None, *kept: Path | None) -> None:
    """Raises:
    LesionsError: what is written would replace the table that is read, or the warehouse.
    """
    for one in kept:
        if written is not None and one is not None and written.resolve() == one.resolve():
            raise LesionsError(f"{written} is read here; write to another file.")


def _read_csv(path: Path) -> pd.DataFrame:
    """Text as it stands, between commas, semicolons or tabs; empty and NA are missing.

    Raises:
        LesionsError: a row has another number of fields than the header. (pandas would take the
            first field as a name of the row, and move all others.)
    """
    import pandas as pd

    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        lines = list(csv.reader(file, delimiter=delimiter_of(first)))
    if not lines:
        raise LesionsError(f"{path.name} is empty. Its first row names the columns.")
    header, *rows = lines
    for number, row in enumerate(rows):
        if row and len(row) != len(header):
            raise LesionsError(
                f"{path.name}, row {number + 1}: {len(row)} fields, but the header has "
                f"{len(header)}. Put text with a comma into quotes."
            )
    values = [[None if one in ("", "NA") else one for one in row] for row in rows if row]
    return pd.DataFrame(values, columns=header, dtype=object)


def numbers(
    path: Path, frame: pd.DataFrame, name: str, *, is_flag: bool = False, least: float = 0.0
) -> NDArray[np.float64]:
    """(n,) a column as numbers, NaN where it is empty; of a flag 1 for true, 0 for false.

    Raises:
        LesionsError: a value is no number, infinite or below ``least``; a flag is neither.
    """
    import pandas as pd

    text = frame[name].astype("string").str.strip().str.lower()
    text = (
        text.replace({**dict.fromkeys(TRUE, "1"), **dict.fromkeys(FALSE, "0")}) if is_flag else text
    )
    values = pd.to_numeric(text, errors="coerce")
    wrong = (values.isna() & text.notna() & (text != "")).to_numpy(dtype=bool)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        wanted = "true or false" if is_flag else "a number"
        raise LesionsError(
            f"{path.name}, row {row + 1}: {name} = {frame[name].iloc[row]!r} is not {wanted}. "
            "Leave it empty where it is not known."
        )
    found = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if is_flag and not np.isin(found[~np.isnan(found)], (0, 1)).all():
        row = int(np.flatnonzero(~np.isnan(found) & ~np.isin(found, (0, 1)))[0])
        raise LesionsError(
            f"{path.name}, row {row + 1}: {name} = {frame[name].iloc[row]!r} is not true or false."
        )
    if np.isinf(found).any():
        row = int(np.flatnonzero(np.isinf(found))[0])
        raise LesionsError(f"{path.name}, row {row + 1}: {name} is infinite.")
    low = found < least
    if low.any():
        row = int(np.flatnonzero(low)[0])
        raise LesionsError(f"{path.name}, row {row + 1}: {name} is below {least:g}.")
    return found


def open_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """The published file, read-only.

    Raises:
        LesionsError: it is not there, or no warehouse.
    """
    import duckdb

    if not path.is_file():
        raise LesionsError(f"there is no warehouse {path}. 'lesions run' makes it.")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise LesionsError(f"{path} cannot be opened as a warehouse: {error}.") from error


def one_subset(subset: str | None, known: Sequence[str]) -> str:
    """The subset that is asked for: without a word the only one.

    Raises:
        LesionsError: it is none of those known, or there are several.
    """
    if subset is None and len(known) == 1:
        return known[0]
    if subset is None or subset not in known:
        raise LesionsError(f"--subset must be one of: {', '.join(known)}.")
    return subset


def write_template(
    template: Path | None, columns: Sequence[str], say: Callable[[str], None], *, of: str, more: str
) -> None:
    """Writes a file that has a table's columns and no rows, where one is asked for."""
    if template is not None:
        write_text(template, ",".join(columns) + "\n")
        say(f"Columns of a file for 'lesions predict{of}' written to {template}.{more}")


def write_answer(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    output: Path | None,
    said: str,
    say: Callable[[str], None],
) -> None:
    """Writes predictions to a CSV and says what they are, or prints them where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    if output is None:
        say(text.getvalue().rstrip("\n"))
        return
    write_text(output, text.getvalue())
    say(said)


def write_text(path: Path, text: str) -> None:
    """Writes a file that is whole or not there."""
    try:
        with replacing(path) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LesionsError(f"{path} cannot be written: {error.strerror}.") from error
