"""Measures growth fits, with R's saemix beside them in the same run.

``lesions benchmarks growth``: as many lesions as the paper's head and neck demo data and its
colorectal trials; ``--scale 10`` also ten times the latter. Every measurement is a process of its
own with BLAS at one thread.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SMALL, FULL = 777, 19_180
LESIONS_PER_PATIENT = 4
TARGETS: dict[int, dict[str, float]] = {
    777: {"everything": 5.0},
    19_180: {"population_fit": 20.0, "everything": 40.0},
    191_800: {"population_fit": 200.0},
}
"""CPU seconds by number of lesions."""
LARGEST_MEMORY_MB = 600
"""Of a population fit of 191,800 lesions."""
R_INSTALL = "install R, then: Rscript -e 'install.packages(\"saemix\")'"
MOST_R_SECONDS = 900

FIT = """
import json, sys
from udfs.growth import run_benchmark
found = run_benchmark(n_lesions=int(sys.argv[1]), seed=int(sys.argv[2]))
print(json.dumps({
    "timings": {one.task: one.cpu_seconds for one in found.timings},
    "peak_mb": {one.task: one.peak_memory_mb for one in found.timings},
    "machine": found.machine, "n_rows": found.n_rows, "minus2ll": found.minus2ll,
    "minus2ll_mc_se": found.minus2ll_mc_se, "largest_mc_share": found.largest_mc_share,
}))
"""
PATIENTS = """
import json, sys, time
from dataclasses import replace
import numpy as np
from udfs.growth import fit_growth, fit_second_level, simulate_data, simulate_schedule
from udfs.growth.benchmark import CRC_LIKE
n, seed, family = (int(one) for one in sys.argv[1:4])
within = CRC_LIKE | {"omega_kg": .6, "omega_kd": .7, "omega_f": 1.2}
base = replace(simulate_schedule(n, seed), patient=np.arange(n) // family)
data = simulate_data(base, within, patient_omega={"kg": .5, "kd": .55, "f": .9}, seed=seed)
fit = fit_growth(data, seed=seed)
started = time.process_time()
two = fit_second_level(fit, seed=seed)
print(json.dumps({"cpu": time.process_time() - started, "gain": two.minus2ll_gain,
    "mc_share": float(two.mc_share.max()), "is_converged": two.is_converged}))
"""
WRITE = """
import json, sys, time
import numpy as np, pandas
from udfs.growth import fit_growth, simulate_data, simulate_schedule
from udfs.growth.benchmark import CRC_LIKE
n, seed = int(sys.argv[1]), int(sys.argv[2])
data = simulate_data(simulate_schedule(n, seed), CRC_LIKE, limit_mm3=None, seed=seed)
keep = data.volume > 0
at = data.row_lesion
pandas.DataFrame({"id": at, "time": data.time, "y": data.volume, "v0": data.v0[at],
    "t0": data.t0[at]})[keep & ~data.is_own_baseline].to_csv(sys.argv[3], index=False)
"""
COMPARE = """
import json, sys, time
import pandas
from udfs.growth import FitSettings, GrowthData, fit_growth, minus2ll_at
rows = pandas.read_csv(sys.argv[1])
data = GrowthData.from_arrays(rows.id, rows.time, rows.y, rows.v0, rows.t0, fewest_observations=1)
started = time.process_time()
fit = fit_growth(data, seed=int(sys.argv[2]), settings=FitSettings(report_every=0))
cpu = time.process_time() - started
values = json.loads(sys.argv[3])
ours, theirs = minus2ll_at(fit, {}), minus2ll_at(fit, values)
print(json.dumps({"cpu": cpu, "ours": ours.minus2ll, "theirs": theirs.minus2ll,
    "mc_se": (ours.mc_se ** 2 + theirs.mc_se ** 2) ** .5}))
"""
SAEMIX = """
suppressMessages(library(saemix))
d <- read.csv(commandArgs(TRUE)[1])
f <- function(psi, id, x) {
  t <- x[, 1]; kg <- psi[id, 1]; kd <- psi[id, 2]; part <- psi[id, 3]
  pmin(ifelse(t < 0, x[, 2] * exp(kg * (t - x[, 3])),
    x[, 2] * exp(-kg * x[, 3]) * (part * exp(kg * t) + (1 - part) * exp(-kd * t))), 1e150)
}
start <- matrix(c(.01, .01, .1), nrow = 1, dimnames = list(NULL, c("kg", "kd", "f")))
model <- saemixModel(model = f, modeltype = "structural", psi0 = start, verbose = FALSE,
  transform.par = c(1, 1, 3), covariance.model = diag(3), omega.init = diag(3),
  error.model = "proportional", error.init = c(0, .3))
data <- saemixData(name.data = d, name.group = "id", name.predictors = c("time", "v0", "t0"),
  name.response = "y", name.X = "time", verbose = FALSE)
used <- system.time(r <- saemix(model, data, saemixControl(map = TRUE, fim = TRUE, ll.is = TRUE,
  save = FALSE, save.graphs = FALSE, print = FALSE, displayProgress = FALSE, warnings = FALSE,
  nbiter.saemix = c(500, 200))))
p <- r@results
cat("\\nRESULT", sum(used[c("user.self", "sys.self")]), p@fixed.effects[1:3],
  sqrt(diag(p@omega))[1:3], p@respar[2], "\\n")
"""
LABELS = ("kg_pop", "kd_pop", "f_pop", "omega_kg", "omega_kd", "omega_f", "b")

Row = tuple[str, float | None, str]


def growth_benchmark(scale: int, seed: int) -> list[Row]:
    """What was measured, CPU seconds, and a note, for each figure.

    Args:
        scale: 1, or times 19,180 lesions for a further population fit.
        seed: of the simulation.
    """
    sizes = [SMALL, FULL, *([FULL * scale] if scale > 1 else [])]
    rows: list[Row] = []
    for size in sizes:
        rows += _fit(size, seed)
    rows.append(_patients(FULL, seed))
    return rows + _beside_saemix(SMALL, seed)


def _fit(size: int, seed: int) -> list[Row]:
    found = _python(FIT, str(size), str(seed))
    times, wanted = found["timings"], TARGETS.get(size, {})
    tasks = {
        "population_fit": "estimates, standard errors and conditional moments",
        "everything": "also -2 log-likelihood, modes, shrinkage and draws",
    }
    rows: list[Row] = []
    for task, what in tasks.items():
        target = f", target {wanted[task]:.0f} s" if task in wanted else ""
        note = f"CPU{target}; peak memory until then {found['peak_mb'][task]:.0f} MB"
        rows.append((f"growth of {size:,} lesions, {what}", times[task], note))
    most = f", target {LARGEST_MEMORY_MB} MB" if size >= 10 * FULL else ""
    rows[0] = (
        *rows[0][:2],
        f"{rows[0][2]}{most}; {found['n_rows']:,} measurements, Monte Carlo error at most "
        f"{found['largest_mc_share']:.2f} standard errors; {found['machine']}",
    )
    return rows


def _patients(size: int, seed: int) -> Row:
    found = _python(PATIENTS, str(size), str(seed), str(LESIONS_PER_PATIENT))
    note = (
        f"CPU, on top of the population fit; -2 log-likelihood {found['gain']:,.1f} lower, Monte "
        f"Carlo error {found['mc_share']:.2f} standard errors"
    )
    return (f"effects of {size // LESIONS_PER_PATIENT:,} patients", found["cpu"], note)


def _beside_saemix(size: int, seed: int) -> list[Row]:
    what = f"growth of {size:,} lesions, R's saemix (500 + 200 iterations)"
    executable = shutil.which("Rscript")
    if executable is None:
        return [(what, None, f"no R found; {R_INSTALL}")]
    with tempfile.TemporaryDirectory(prefix="lesions-") as folder:
        csv, script = Path(folder) / "lesions.csv", Path(folder) / "fit.R"
        _run([sys.executable, "-c", WRITE, str(size), str(seed), str(csv)])
        script.write_text(SAEMIX, encoding="utf-8")
        try:
            done = subprocess.run(
                [executable, str(script), str(csv)],
                capture_output=True,
                text=True,
                timeout=MOST_R_SECONDS,
                env=_one_thread(),
            )
        except subprocess.TimeoutExpired:
            return [(what, None, f"not done after {MOST_R_SECONDS} s")]
        if done.returncode or "RESULT" not in done.stdout:
            said = done.stderr.strip().splitlines() or ["no message"]
            reason = next((one for one in said if one.startswith("Error")), said[-1])
            return [(what, None, f"R failed: {reason}; {R_INSTALL}")]
        numbers = [float(one) for one in done.stdout.split("RESULT")[1].split()]
        point = dict(zip(LABELS, numbers[1:], strict=True))
        found = _python(COMPARE, str(csv), str(seed), json.dumps(point))
    above = found["theirs"] - found["ours"]
    return [
        (
            f"growth of {size:,} lesions, the same rows as saemix, ours",
            found["cpu"],
            f"CPU; saemix takes {numbers[0] / found['cpu']:.1f} x",
        ),
        (
            what,
            numbers[0],
            f"CPU; its -2 log-likelihood is {above:+.2f} from ours (Monte Carlo error "
            f"{found['mc_se']:.2f}), both computed by us with the same nodes",
        ),
    ]


def _one_thread() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_one_thread())
    return done.stdout


def _python(code: str, *arguments: str) -> dict[str, Any]:
    """What a fresh process prints as JSON, so that memory and imports are its own."""
    return dict(json.loads(_run([sys.executable, "-c", code, *arguments])))
