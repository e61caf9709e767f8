"""Measures phases and Gower distances, with the package ``gower`` beside them in the same run.

``lesions benchmarks heterogeneity``; ``--scale 100`` for a hundred times the published number of
patients.
"""

from __future__ import annotations

import resource
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.heterogeneity import Variable, gower_matrix, gower_means, gower_pairs
from udfs.heterogeneity.phases import consistent_with_total, response_phases, sum_over_complete_days
from warehouse.benchmarks import timed

PATIENTS, LESIONS = 2_802, 11_404
"""Of Zhou 2021."""
SCANS = 6
MATRIX_ROWS = 10_000
FEW_ROWS = 500
"""On so many rows the two packages are compared number by number."""

Row = tuple[str, float | None, str]


def heterogeneity_benchmark(scale: int, seed: int) -> list[Row]:
    """What was measured, seconds, and a note, for each figure.

    Args:
        scale: times 2,802 patients with 11,404 lesions.
        seed: of the made-up sizes.
    """
    cohort = _cohort(scale, seed)
    taken, pairs = timed(lambda: _phases_and_distances(*cohort))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return [
        (
            f"phases and Gower, {PATIENTS * scale:,} patients, {LESIONS * scale:,} lesions",
            taken,
            f"{cohort[1].size:,} scans, {pairs:,} pairs, peak memory {peak:.2f} GB",
        ),
        *_matrices(seed),
    ]


def _cohort(scale: int, seed: int) -> tuple[NDArray[Any], ...]:
    """Patient, day, size and offsets of lesions; every patient has one or more."""
    rng = np.random.default_rng(seed)
    n_patients, n_lesions = PATIENTS * scale, LESIONS * scale
    more = rng.integers(0, n_patients, n_lesions - n_patients)
    patient = np.sort(np.concatenate((np.arange(n_patients), more)))
    offsets = np.arange(n_lesions + 1) * SCANS
    day = np.tile(np.arange(SCANS) * 56.0, n_lesions)
    change = np.exp(rng.normal(-0.05, 0.25, (n_lesions, SCANS)))
    change[:, 0] = rng.uniform(10, 80, n_lesions)
    return patient, day, np.round(np.cumprod(change, axis=1), 1).ravel(), offsets


def _phases_and_distances(
    patient: NDArray[Any], day: NDArray[Any], size: NDArray[Any], offsets: NDArray[Any]
) -> int:
    """What the steps response_phase and gower compute; returns the number of pairs."""
    phases = response_phases(day, size, offsets)
    sums = sum_over_complete_days(np.where(phases.is_evaluable, patient, -1), day, size, offsets)
    totals = response_phases(sums.day, sums.size, sums.offsets)
    consistent_with_total(phases, totals.take(patient))
    flags = ("has_response", "has_stable", "has_relapse")
    variables = [Variable(name, getattr(phases, name), "symmetric") for name in flags]
    variables += [Variable(name, getattr(phases, name)) for name in ("nadir_ratio", "last_ratio")]
    pairs = gower_pairs(variables, patient)
    gower_means(pairs, patient)
    return int(pairs.first.size)


def _matrices(seed: int) -> list[Row]:
    """All rows against all: three numbers, a nominal and two binary variables."""
    ours, _ = timed(lambda: gower_matrix(_mixed(MATRIX_ROWS, seed)))
    what = f"Gower matrix, {MATRIX_ROWS:,} x {MATRIX_ROWS:,}, six variables"
    rows: list[Row] = [(f"{what}, ours", ours, "double precision")]
    if find_spec("gower") is None:
        return [*rows, (f"{what}, gower of PyPI", None, "not here: pip install gower")]
    difference = np.abs(gower_matrix(_mixed(FEW_ROWS, seed)) - _theirs(FEW_ROWS, seed)).max()
    theirs, _ = timed(lambda: _theirs(MATRIX_ROWS, seed))
    note = f"{theirs / ours:.1f} x ours; single precision, largest difference {difference:.0e}"
    return [*rows, (f"{what}, gower of PyPI", theirs, note)]


def _mixed(n: int, seed: int) -> list[Variable]:
    rng = np.random.default_rng(seed)
    numbers = [Variable(f"x{k}", rng.normal(size=n)) for k in range(3)]
    binaries = [Variable(f"b{k}", rng.integers(0, 2, n), "symmetric") for k in range(2)]
    return [*numbers, Variable("organ", rng.integers(0, 8, n), "nominal"), *binaries]


def _theirs(n: int, seed: int) -> NDArray[Any]:
    import gower
    import pandas

    columns = {v.name: np.asarray(v.values) for v in _mixed(n, seed)}
    is_category = [v.kind != "numeric" for v in _mixed(n, seed)]
    found = gower.gower_matrix(pandas.DataFrame(columns), cat_features=is_category)
    return np.asarray(found)
