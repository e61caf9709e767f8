"""A growth fit of one file, without a warehouse: ``lesions growth fit``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from flows.growth_columns import read_measurements
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    from udfs.growth.data import GrowthData
    from udfs.growth.model_base import GrowthModel
    from udfs.growth.settings import FitProgress

ERASE = "\r\x1b[K"
"""Empties the line of a terminal."""
SHIFT = 1.5
"""Standard deviations of the model's own start by which other starting points lie away from it."""


def fit_file(
    path: Path,
    *,
    model: str = "two_population",
    columns: Mapping[str, str] | None = None,
    lloq: float | None = None,
    seed: int = 20230607,
    n_starts: int = 1,
    threads: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Fits a CSV as Monolix, NONMEM and nlmixr2 read it, and says a table like Monolix's.

    Every row counts, the baselines too.

    Args:
        path: one row per measurement; columns lesionID or ID, TIME (days from first dose) and DV
            (mm3, or the limit of a censored row), and optionally V0, T0 (baseline and its day, by
            default each lesion's first row), CENS, CENSORING or BLQ (1 below DV, -1 above), LIMIT
            (other bound of a censored row), LLOQ, MDV, EVID. '.' is no value.
        model: name of a shipped growth model.
        columns: role -> name of its column, where it is another.
        lloq: mm3; smaller measurements are censored at it.
        seed: of the random numbers.
        n_starts: compares fits from as many starting points.
        threads: blocks of lesions worked on at once; the numbers do not depend on it.
        say: prints a paragraph. How far a fit is goes to standard error, if that is a terminal.

    Raises:
        LesionsError: no such file or model, the file cannot be read without a doubt, or nothing
            can be fitted.
    """
    from udfs.growth.check_data import GrowthDataError
    from udfs.growth.convergence import assess_convergence
    from udfs.growth.fit import fit_growth
    from udfs.growth.individual import shrinkage
    from udfs.growth.models import MODELS
    from udfs.growth.modes import conditional_modes
    from udfs.growth.summary import format_fit

    if model not in MODELS:
        raise LesionsError(f"no growth model is called {model!r}. Known are {', '.join(MODELS)}.")
    show = _progress() if sys.stderr.isatty() else None
    chosen = MODELS[model]()
    try:
        data = read_growth_file(path, columns=columns, lloq=lloq)
        fit = fit_growth(
            data, model=chosen, count_baseline=True, seed=seed, threads=threads, progress=show
        )
    except GrowthDataError as error:
        raise LesionsError(f"{path.name}: {str(error).rstrip('.')}.") from error
    if n_starts > 1:
        study = assess_convergence(
            data,
            starts=starting_points(chosen, n_starts),
            seeds=(seed,),
            model=chosen,
            count_baseline=True,
            threads=threads,
            progress=show,
        )
    _erase()
    say(format_fit(fit, shrinkage(fit, conditional_modes(fit, threads=threads))))
    if n_starts > 1:
        say(f"{len(study.start)} starting points: {study.verdict}")
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


def read_growth_file(
    path: Path, *, columns: Mapping[str, str] | None = None, lloq: float | None = None
) -> GrowthData:
    """The lesions of a CSV; see ``flows.growth_columns`` for how it is read.

    Raises:
        LesionsError: the file cannot be read, or not without a doubt.
        GrowthDataError: no lesion can be used.
    """
    from udfs.growth.data import GrowthData

    rows = read_measurements(path, columns=columns, lloq=lloq)
    data = GrowthData.from_arrays(
        rows.lesion, rows.time, rows.volume, rows.v0, rows.t0, rows.censoring, rows.limit
    )
    return replace(data, notes=(*rows.notes, *data.notes))


def starting_points(model: GrowthModel, count: int) -> list[dict[str, float]]:
    """Starting points, the model's own first; at most 2 to the power of its parameters and one.

    Parameters lie above or below the model's own, in all combinations; so do the standard
    deviations of the random effects, by a factor of 2.
    """
    points: list[dict[str, float]] = [{}]
    for signs in product((-1, 1), repeat=len(model.parameters)):
        point = {}
        for sign, one in zip(signs, model.parameters, strict=True):
            phi = one.to_phi(one.start) + sign * SHIFT * one.start_omega
            point[one.name] = float(one.to_psi(phi))
            point[f"omega_{one.name}"] = one.start_omega * 2.0 ** (sign * signs[0])
        points.append(point)
    return points[:count]
