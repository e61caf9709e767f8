"""How long a fit and what follows it take.

Times are measured with the machine's own clocks and depend on what else runs: ``cpu_seconds`` is
the steadier number. Limit BLAS to one thread (OPENBLAS_NUM_THREADS=1) to measure what is meant.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from udfs.growth.data import GrowthData
from udfs.growth.fit import fit_growth
from udfs.growth.individual import conditional_draws, shrinkage
from udfs.growth.modes import conditional_modes
from udfs.growth.result import GrowthFit
from udfs.growth.settings import FitProgress, FitSettings
from udfs.growth.simulation import simulate_data, simulate_schedule

CRC_LIKE = {
    "kg_pop": 0.0033,
    "kd_pop": 0.015,
    "f_pop": 0.3,
    "omega_kg": 0.8,
    "omega_kd": 0.9,
    "omega_f": 1.5,
    "b": 0.25,
}
"""Truth of the simulated lesions."""


@dataclass(frozen=True)
class Timing:
    """One task."""

    task: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    """Largest resident memory of the process up to the end of the task, data included."""


@dataclass(frozen=True)
class Benchmark:
    """Times of one data set, with what is needed to read them."""

    machine: str
    n_threads: int
    blas_threads: str
    """OPENBLAS_NUM_THREADS, or 'not set'."""
    n_lesions: int
    n_rows: int
    seed: int
    minus2ll: float
    minus2ll_mc_se: float
    largest_mc_share: float
    """Monte Carlo over standard error of the worst estimate."""
    timings: tuple[Timing, ...]
    """population_fit (estimates and standard errors), likelihood, modes, draws, everything."""


def run_benchmark(
    data: GrowthData | None = None,
    *,
    n_lesions: int = 19_180,
    threads: int = 1,
    seed: int = 20230607,
    count_baseline: bool = False,
) -> Benchmark:
    """Fit ``data``, or simulated lesions, and time the tasks.

    Conditional means and standard deviations come with the population fit.
    """
    import resource  # POSIX only; the rest of the package is not

    if data is None:
        data = simulate_data(simulate_schedule(n_lesions, seed), CRC_LIKE, seed=seed)
    stage_start = [time.perf_counter(), time.process_time()]
    marks: list[Timing] = []

    def mark(task: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        marks.append(Timing(task, wall - stage_start[0], cpu - stage_start[1], peak))
        stage_start[:] = [wall, cpu]

    fit = fit_growth(
        data,
        seed=seed,
        threads=threads,
        count_baseline=count_baseline,
        settings=FitSettings(report_every=0),
        progress=_when_newton_ends(lambda: mark("population_fit")),
    )
    mark("likelihood")
    modes = conditional_modes(fit, threads=threads)
    shrinkage(fit, modes)
    mark("modes")
    conditional_draws(fit, 20, threads=threads)
    mark("draws")
    return _benchmark(fit, threads, seed, marks)


def _when_newton_ends(action: Callable[[], None]) -> Callable[[FitProgress], None]:
    """A progress callback that is idle but for the report before the likelihood."""

    seen: set[str] = set()

    def callback(state: FitProgress) -> None:
        if state.stage == "estimated" and not seen:
            seen.add(state.stage)
            action()

    return callback


def _benchmark(fit: GrowthFit, threads: int, seed: int, marks: list[Timing]) -> Benchmark:
    total = Timing(
        "everything",
        sum(one.wall_seconds for one in marks),
        sum(one.cpu_seconds for one in marks),
        marks[-1].peak_memory_mb,
    )
    return Benchmark(
        machine=f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {np.__version__}",
        n_threads=threads,
        blas_threads=os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        n_lesions=fit.n_lesions,
        n_rows=fit.n_observations,
        seed=seed,
        minus2ll=fit.minus2ll,
        minus2ll_mc_se=fit.minus2ll_mc_se,
        largest_mc_share=float(fit.convergence.mc_share.max()),
        timings=(*marks, total),
    )
