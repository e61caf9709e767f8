"""A growth fit of one file, without a warehouse: ``lesions growth fit``."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.delimited import delimiter_of
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas as pd

    from udfs.growth.data import GrowthData
    from udfs.growth.settings import FitProgress

REQUIRED = ("lesionID", "time", "DV")
OPTIONAL = ("V0", "T0", "CENSORING", "LIMIT")
NO_VALUE = (".", "", "NA", "NaN", "nan")
ERASE = "\r\x1b[K"
"""Empties the line of a terminal."""
STARTS: tuple[dict[str, float], ...] = (
    {},
    {"kg": 0.001, "kd": 0.1, "f": 0.01, "omega_kg": 0.5, "omega_kd": 0.5, "omega_f": 0.5, "b": 0.1},
    {"kg": 0.03, "kd": 0.003, "f": 0.5, "omega_kg": 2.0, "omega_kd": 2.0, "omega_f": 3.0, "b": 0.8},
    {"kg": 0.002, "kd": 0.03, "f": 0.9, "omega_kg": 1.0, "omega_kd": 1.5, "omega_f": 1.0, "b": 0.3},
    {"kg": 0.02, "kd": 0.02, "f": 0.05, "omega_kg": 0.3, "omega_kd": 0.3, "omega_f": 2.0, "b": 0.5},
    {"kg": 0.005, "kd": 0.2, "f": 0.3, "omega_kg": 1.5, "omega_kd": 0.7, "omega_f": 5.0, "b": 0.2},
)
"""Starting points, the model's own first."""


def fit_file(
    path: Path,
    *,
    seed: int = 20230607,
    n_starts: int = 1,
    threads: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Fits a CSV as Monolix reads it, every row counted, and says a table like Monolix's.

    Args:
        path: one row per measurement; columns lesionID, time (days from first dose) and DV (mm3,
            or the limit of a censored row), and optionally V0, T0 (baseline and its day, by
            default each lesion's first row), CENSORING (1 below DV, -1 above) and LIMIT (other
            bound of a censored row). '.' is no value.
        seed: of the random numbers.
        n_starts: compares fits from as many starting points, at most six.
        threads: blocks of lesions worked on at once; the numbers do not depend on it.
        say: prints a paragraph. How far a fit is goes to standard error, if that is a terminal.

    Raises:
        LesionsError: no such file, a column is missing or no number, or nothing can be fitted.
    """
    from udfs.growth.convergence import assess_convergence
    from udfs.growth.data import GrowthDataError
    from udfs.growth.fit import fit_growth
    from udfs.growth.individual import shrinkage
    from udfs.growth.modes import conditional_modes
    from udfs.growth.summary import format_fit

    show = _progress() if sys.stderr.isatty() else None
    try:
        data = read_growth_file(path)
        fit = fit_growth(data, count_baseline=True, seed=seed, threads=threads, progress=show)
    except GrowthDataError as error:
        raise LesionsError(f"{path.name}: {str(error).rstrip('.')}.") from error
    if n_starts > 1:
        study = assess_convergence(
            data,
            starts=STARTS[:n_starts],
            seeds=(seed,),
            count_baseline=True,
            threads=threads,
            progress=show,
        )
    _erase()
    say(format_fit(fit, shrinkage(fit, conditional_modes(fit, threads=threads))))
    if n_starts > 1:
        say(f"{n_starts} starting points: {study.verdict}")
    for lesion, detail in zip(data.set_aside.lesion, data.set_aside.detail, strict=True):
        say(f"lesion {lesion} set aside: {detail}")
    for note in data.notes:
        say(f"note: {note}")


def _progress() -> Callable[[FitProgress], None]:
    """Shows the iteration and -2 log-likelihood of a running fit on one line of the terminal."""
    last = ""

    def show(state: FitProgress) -> None:
        nonlocal last
        if state.minus2ll is not None:
            last = f", -2LL {state.minus2ll:,.1f}"
        sys.stderr.write(f"{ERASE}{state.stage} {state.iteration}{last}")
        sys.stderr.flush()

    return show


def _erase() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(ERASE)
        sys.stderr.flush()


def read_growth_file(path: Path) -> GrowthData:
    """Reads a Monolix-style CSV; lesion ids are kept as text, or as numbers where all are.

    Columns are separated by commas, semicolons or tabs, whichever the first line has most of.

    Raises:
        LesionsError: no such file, or a column is missing or no number.
        GrowthDataError: no lesion can be used.
    """
    import pandas as pd

    from udfs.growth.data import GrowthData

    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, sep=_delimiter(path))
    except FileNotFoundError as error:
        raise LesionsError(f"there is no file {path}. Give the path of a CSV.") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise LesionsError(f"{path} cannot be read as CSV: {error}.") from error
    for name in REQUIRED:
        if name not in frame:
            raise LesionsError(f"{path.name} has no column {name}. {_remedy(name, list(frame))}")
    columns = {name: _numbers(path, frame, name) for name in (*REQUIRED[1:], *OPTIONAL)}
    lesion = frame["lesionID"].str.strip().to_numpy(dtype=str)
    if np.isin(lesion, NO_VALUE).any():
        row = int(np.flatnonzero(np.isin(lesion, NO_VALUE))[0])
        raise LesionsError(
            f"{path.name}, row {row + 1}: lesionID = {str(lesion[row])!r} is no id. "
            "Every row needs the id of its lesion."
        )
    if all(one.isdecimal() for one in lesion):
        lesion = lesion.astype(np.int64)
    return GrowthData.from_arrays(
        lesion,
        columns["time"],
        columns["DV"],
        columns["V0"],
        columns["T0"],
        columns["CENSORING"],
        columns["LIMIT"],
    )


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as lines:
        return delimiter_of(lines.readline())


def _numbers(path: Path, frame: pd.DataFrame, name: str) -> np.ndarray | None:
    import pandas as pd

    if name not in frame:
        return None
    text = frame[name].str.strip()
    values = pd.to_numeric(text.where(~text.isin(NO_VALUE)), errors="coerce")
    is_wrong = values.isna() & ~text.isin(NO_VALUE)
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        raise LesionsError(
            f"{path.name}, row {row + 1}: {name} = {text.iloc[row]!r} is no number. "
            "Write decimals with a point, and '.' where there is no value."
        )
    return values.to_numpy(dtype=np.float64)


def _remedy(name: str, columns: list[str]) -> str:
    folded = {column.lower(): column for column in columns}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    hint = f"Rename {folded[near[0]]}? " if near else ""
    return (
        f"{hint}Needed are {', '.join(REQUIRED)}; read if there: {', '.join(OPTIONAL)}. "
        f"The file has {', '.join(columns)}."
    )
