"""The columns of a growth file: names of Monolix, NONMEM and nlmixr2, in any case.

What a row says is settled here, once: whether it is a measurement (MDV, EVID, AMT), whether it is
censored (CENS, CENSORING, BLQ; LLOQ; a stated limit) and what its bounds are (DV, LIMIT). Nothing
is guessed without a word: a column that is not read is named, and a file that leaves open what is
censored is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flows.delimited import delimiter_of
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

ROLES: dict[str, tuple[str, ...]] = {
    "lesion": ("lesionid", "lesion_id", "lesion", "id"),
    "time": ("time", "day"),
    "dv": ("dv", "y"),
    "v0": ("v0",),
    "t0": ("t0",),
    "censoring": ("censoring", "cens", "censored", "blq", "bloq", "bql"),
    "limit": ("limit",),
    "lloq": ("lloq", "loq"),
    "mdv": ("mdv",),
    "evid": ("evid",),
    "amt": ("amt",),
    "kind": ("dvid", "ytype", "obsid"),
}
"""What a column is -> its names in lower case. LIMIT is the other bound of a censored row (Monolix,
nlmixr2); LLOQ the limit of quantification itself (NONMEM data sets)."""
REQUIRED = ("lesion", "time", "dv")
IGNORE = "ignore"
SUSPECT = ("cens", "blq", "bloq", "bql", "lloq", "loq", "lod", "limit")
"""Beginnings of names that may say what is censored: unread they would change every estimate."""
NUMBER_ID = re.compile(r"[0-9]{1,18}(\.0*)?")
NO_VALUE = (".", "", "NA", "NaN", "nan")
MANY_SHOWN = 12

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Measurements:
    """The measurements of a file, in its order (m rows)."""

    lesion: NDArray[np.generic]
    """(m,) ids: numbers where all are."""
    time: Numbers
    volume: Numbers
    """(m,) mm3; of a censored row the bound that is DV or LLOQ."""
    v0: Numbers | None
    t0: Numbers | None
    censoring: Numbers | None
    """(m,) 0 measured, 1 below ``volume``, -1 above it."""
    limit: Numbers | None
    notes: tuple[str, ...]
    """Sentences about what was read otherwise than a reader may think."""


@dataclass(frozen=True)
class _Table:
    """The text of a file and which of its columns is what."""

    name: str
    frame: pd.DataFrame
    """Rows from 0."""
    columns: Mapping[str, str]
    """Role -> name in the file."""

    def fault(self, row: int, role: str, reason: str) -> LesionsError:
        """An error that names file, row, column and value."""
        column = self.columns[role]
        value = str(self.frame[column].loc[row]).strip()
        return LesionsError(f"{self.name}, row {row + 1}: {column} = {value!r} {reason}")

    def numbers(self, role: str) -> Numbers | None:
        """The column of a role as numbers, NaN without a value; None without the column."""
        import pandas as pd

        if role not in self.columns:
            return None
        text = self.frame[self.columns[role]].str.strip()
        values = pd.to_numeric(text.where(~text.isin(NO_VALUE)), errors="coerce")
        is_wrong = ~np.isfinite(values.to_numpy(dtype=np.float64)) & ~text.isin(NO_VALUE)
        if is_wrong.any():
            row = int(text.index[is_wrong][0])
            raise self.fault(
                row,
                role,
                "is no number. Write decimals with a point, and '.' where there is no value.",
            )
        return values.to_numpy(dtype=np.float64)

    def code(self, role: str, allowed: tuple[int, ...] | None = None) -> Numbers | None:
        """The same for a column of codes, 0 without a value."""
        values = self.numbers(role)
        if values is None:
            return None
        values = np.nan_to_num(values, nan=0.0)
        if allowed is not None and not np.isin(values, allowed).all():
            row = int(self.frame.index[~np.isin(values, allowed)][0])
            codes = "0 (measured), 1 (left-censored, below DV) or -1 (right-censored, above DV)"
            raise self.fault(row, role, f"is no code of censoring; possible are {codes}.")
        return values


def read_measurements(
    path: Path, *, columns: Mapping[str, str] | None = None, lloq: float | None = None
) -> Measurements:
    """Reads the measurements of a CSV.

    Args:
        path: columns separated by commas, semicolons or tabs, whichever the first line has most of.
        columns: role (of ``ROLES``) or column to leave out -> name: ``{"dv": "size"}``. The role
            ``ignore`` may hold several names, separated by commas.
        lloq: mm3; rows with a smaller DV are censored at it.

    Raises:
        LesionsError: no such file; a column is missing, named twice or no number; it stays open
            what is censored, or a row contradicts itself.
    """
    frame = _text(path)
    found, unread = _roles(path.name, list(frame), dict(columns or {}))
    notes = [_unread_note(unread)] if unread else []
    table = _Table(path.name, frame, found)
    table = _without_doses(table, notes)
    _one_kind(table)
    lesion = _ids(table)
    volume = table.numbers("dv")
    time = table.numbers("time")
    assert volume is not None
    assert time is not None
    limit = table.numbers("limit")
    censoring, volume = _censored(table, volume, limit, lloq, notes)
    _refuse_impossible(table, volume, censoring)
    if limit is not None and censoring is not None:
        idle = int(np.count_nonzero(np.isfinite(limit) & (censoring == 0)))
        if idle:
            notes.append(f"{table.columns['limit']} of {idle} measured row(s) is not used")
    return Measurements(
        lesion,
        time,
        volume,
        table.numbers("v0"),
        table.numbers("t0"),
        censoring,
        limit,
        tuple(notes),
    )


def _text(path: Path) -> pd.DataFrame:
    """The file as text, its first line the names of the columns."""
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as lines:
            separator = delimiter_of(lines.readline())
        frame = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            sep=separator,
            header=None,
            encoding="utf-8-sig",
        )
    except FileNotFoundError as error:
        raise LesionsError(f"there is no file {path}. Give the path of a CSV.") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise LesionsError(f"{path} cannot be read as CSV: {error}.") from error
    names = [str(name).strip() for name in frame.iloc[0]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LesionsError(f"{path.name} has the column {twice[0]!r} twice. Rename or remove one.")
    return frame.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def _roles(
    name: str, columns: list[str], given: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Role -> column, and the columns that are not read.

    Raises:
        LesionsError: see ``read_measurements``.
    """
    ignored = [one.strip() for one in given.pop(IGNORE, "").split(",") if one.strip()]
    for role, column in [*given.items(), *((IGNORE, one) for one in ignored)]:
        if role not in (*ROLES, IGNORE):
            raise LesionsError(
                f"--column {role}={column}: no column can be {role!r}. "
                f"Possible are {', '.join(ROLES)} and {IGNORE}."
            )
        if column not in columns:
            raise LesionsError(
                f"--column {role}={column}: {name} has no column {column!r}; "
                f"it has {', '.join(columns)}."
            )
    found = dict(given)
    free = [one for one in columns if one not in (*given.values(), *ignored)]
    for role, names in ROLES.items():
        if role not in found:
            fitting = [one for one in free if _folded(one) in names]
            if role == "lesion" and len(fitting) > 1:
                fitting = [one for one in fitting if _folded(one) != "id"]
            if len(fitting) > 1:
                raise LesionsError(
                    f"{name} has {' and '.join(fitting)}, which both can be {role!r}. "
                    f"Say which: --column {role}={fitting[0]}, and --column {IGNORE}={fitting[1]}."
                )
            if fitting:
                found[role] = fitting[0]
    for role in REQUIRED:
        if role not in found:
            raise LesionsError(f"{name} has no column {_shown(role)}. {_remedy(role, columns)}")
    unread = [one for one in free if one not in found.values()]
    for one in unread:
        if _folded(one).startswith(SUSPECT):
            raise LesionsError(
                f"{name}: the column {one!r} may say what is censored, but its name is not known. "
                f"Say what it is (--column censoring={one}, limit={one} or lloq={one}), or "
                f"--column {IGNORE}={one}."
            )
    return found, [*unread, *ignored]


def _folded(name: str) -> str:
    return name.lstrip("#").strip().casefold()


def _shown(role: str) -> str:
    return {"lesion": "lesionID (or ID)", "time": "TIME", "dv": "DV"}[role]


def _remedy(role: str, columns: list[str]) -> str:
    folded = {_folded(column): column for column in columns}
    near = difflib.get_close_matches(ROLES[role][0], folded, n=1, cutoff=0.6)
    hint = f"Is it {folded[near[0]]}? Then --column {role}={folded[near[0]]}. " if near else ""
    return f"{hint}The file has {', '.join(columns)}; --column {role}=NAME says which it is."


def _unread_note(unread: list[str]) -> str:
    more = len(unread) - MANY_SHOWN
    shown = ", ".join(unread[:MANY_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"not read: {shown}"


def _without_doses(table: _Table, notes: list[str]) -> _Table:
    """The table without rows that are no measurements; NONMEM's rules.

    EVID and MDV say it where they are; without both a row with an amount is a dose.
    """
    is_other = np.zeros(len(table.frame), dtype=bool)
    roles = [role for role in ("evid", "mdv") if role in table.columns] or ["amt"]
    for role in roles:
        values = table.code(role)
        if values is not None:
            is_other |= values != 0
    if not is_other.any():
        return table
    named = " or ".join(f"{table.columns[role]} not 0" for role in roles)
    text = f"{int(is_other.sum())} row(s) with {named} are no measurements and do not count"
    censoring = table.code("censoring")
    if censoring is not None and (n_censored := int(np.count_nonzero(censoring[is_other]))):
        text += f"; {n_censored} of them are censored"
    notes.append(text)
    return _Table(table.name, table.frame[~is_other], table.columns)


def _one_kind(table: _Table) -> None:
    """Refuses a file that holds several kinds of observations."""
    if "kind" not in table.columns:
        return
    text = table.frame[table.columns["kind"]].str.strip()
    kinds = sorted(set(text))
    if len(kinds) > 1:
        raise LesionsError(
            f"{table.name}: {table.columns['kind']} says that there are {len(kinds)} kinds of "
            f"observations ({', '.join(kinds[:MANY_SHOWN])}). Keep the rows of the volumes alone."
        )


def _ids(table: _Table) -> NDArray[np.generic]:
    column = table.frame[table.columns["lesion"]].str.strip()
    missing = column.index[column.isin(NO_VALUE)]
    if len(missing):
        raise table.fault(int(missing[0]), "lesion", "is no id. Every row needs one.")
    ids: NDArray[np.generic] = column.to_numpy(dtype=str)
    if len(ids) and all(NUMBER_ID.fullmatch(str(one)) for one in ids):
        # NONMEM writes numbers with decimals: 7 and 7.0 are one lesion.
        ids = np.array([int(str(one).partition(".")[0]) for one in ids], dtype=np.int64)
    return ids


def _censored(
    table: _Table,
    volume: Numbers,
    limit: Numbers | None,
    lloq: float | None,
    notes: list[str],
) -> tuple[Numbers | None, Numbers]:
    """What is censored, and the volumes with the bound of each censored row in place."""
    censoring = table.code("censoring", (-1, 0, 1))
    bound = table.numbers("lloq")
    if bound is not None and lloq is not None:
        raise LesionsError(
            f"{table.name} has limits of its own ({table.columns['lloq']}), and --lloq states "
            f"another. Leave one out (--column {IGNORE}={table.columns['lloq']})."
        )
    if limit is not None and np.isfinite(limit).any() and censoring is None and bound is None:
        raise LesionsError(
            f"{table.name} has {table.columns['limit']} but no column that says what is censored "
            "(CENS, CENSORING or BLQ: 1 below DV, -1 above, 0 measured). Name it with --column "
            f"censoring=NAME, or --column {IGNORE}={table.columns['limit']}."
        )
    if bound is None and lloq is None:
        return censoring, volume
    source = f"--lloq {lloq:g}" if bound is None else table.columns["lloq"]
    bounds = np.full(len(volume), lloq) if bound is None else bound
    with np.errstate(invalid="ignore"):
        is_below = volume < bounds
    if censoring is None or bound is None:
        given = np.zeros(len(volume)) if censoring is None else censoring
        is_new = is_below & (given == 0)
        notes.append(f"{int(is_new.sum())} row(s) with DV below {source} are censored there")
        censoring = np.where(is_new, 1.0, given)
    elif (is_below & (censoring == 0)).any():
        row = int(table.frame.index[is_below & (censoring == 0)][0])
        raise table.fault(row, "dv", f"is below {source}, but the row is said to be measured.")
    is_left = (censoring == 1) & np.isfinite(bounds)
    is_above = is_left & (volume > bounds)
    if bound is not None and is_above.any():
        row = int(table.frame.index[is_above][0])
        raise table.fault(row, "dv", f"is above {source}, but the row is said to be censored.")
    if bound is None:
        is_left &= ~(volume > 0) | is_below
    return censoring, np.where(is_left, bounds, volume)


def _refuse_impossible(table: _Table, volume: Numbers, censoring: Numbers | None) -> None:
    """Refuses measured sizes of 0 or less, and censored rows without a bound."""
    codes = np.zeros(len(volume)) if censoring is None else censoring
    is_open = (codes != 0) & ~(volume > 0)
    if is_open.any():
        row = int(table.frame.index[is_open][0])
        raise table.fault(
            row,
            "dv",
            "in a censored row, whose DV must be the limit (as Monolix and nlmixr2 have it), above "
            "0. Put the limit there or into a column LLOQ, or state it: --lloq MM3.",
        )
    with np.errstate(invalid="ignore"):
        is_gone = (codes == 0) & (volume <= 0)
    if is_gone.any():
        row = int(table.frame.index[is_gone][0])
        raise table.fault(
            row,
            "dv",
            f"is no size that a proportional error can have ({int(is_gone.sum())} such row(s)): "
            "its likelihood has no maximum. Say below which volume lesions are not measured "
            "(--lloq MM3), or mark these rows as censored (CENS = 1, DV = the limit).",
        )
