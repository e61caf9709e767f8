"""Measures the mixed-effects Cox model, with R's coxme and lifelines beside it in the same run.

``lesions benchmarks hazards``; ``--scale 10`` for ten times the published number of lesions.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PATIENTS, LESIONS = 4_300, 40_000
R_PACKAGE = "Rscript -e 'install.packages(\"coxme\")'"
NO_PACKAGE = 3
"""What the R script returns where R lacks the package."""

FIT = """
import json, resource, sys, time
from udfs.hazards import Options, fit_cox, simulate_lesions
data = simulate_lesions(int(sys.argv[1]), int(sys.argv[2]), seed=int(sys.argv[3])).data()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started, cpu = time.perf_counter(), time.process_time()
fit = fit_cox(data, Options(interval=False))
print(json.dumps({
    "seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu,
    "before_mb": before, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "n_events": fit.n_events, "n_columns": len(fit.columns), "variance": fit.variance,
    "loglik": fit.loglik_integrated, "n_evaluations": fit.n_evaluations,
}))
"""
NAIVE = """
import json, sys, time
import lifelines, pandas
from udfs.hazards import Options, fit_cox, simulate_lesions
data = simulate_lesions(int(sys.argv[1]), int(sys.argv[2]), seed=int(sys.argv[3])).data()
started = time.process_time()
fit_cox(data, Options(variance=0.0))
ours = time.process_time() - started
frame = pandas.DataFrame(data.design.matrix()).assign(t=data.stop, e=data.event)
started = time.process_time()
lifelines.CoxPHFitter().fit(frame, "t", "e")
print(json.dumps({"ours": ours, "lifelines": time.process_time() - started}))
"""
WRITE = """
import sys, pandas
from udfs.hazards import simulate_lesions
s = simulate_lesions(int(sys.argv[1]), int(sys.argv[2]), seed=int(sys.argv[3]))
pandas.DataFrame({"t": s.time_days, "e": s.is_event.astype(int), "organ": s.organ,
    "treatment": s.treatment, "age": s.age_years, "size": s.log_size, "patient": s.patient,
}).to_csv(sys.argv[4], index=False)
"""
COXME = """
if (!suppressMessages(require(coxme, quietly = TRUE))) quit(status = 3)
d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
used <- system.time(f <- coxme(Surv(t, e) ~ organ + treatment + age + size + (1 | patient), d))
cat(sum(used[c("user.self", "sys.self")]), f$loglik[2], unlist(VarCorr(f)))
"""


def hazard_benchmark(scale: int, seed: int) -> list[tuple[str, float | None, str]]:
    """What was measured, seconds, and a note, for each figure.

    Args:
        scale: times 4,300 patients with 40,000 lesions.
        seed: of the simulation.
    """
    size = (str(PATIENTS * scale), str(LESIONS * scale), str(seed))
    ours = min((_python(FIT, *size) for _ in range(2)), key=lambda found: found["cpu"])
    what = f"Cox with random effect, {PATIENTS * scale:,} patients, {LESIONS * scale:,} lesions"
    rows: list[tuple[str, float | None, str]] = [
        (
            f"{what}, ours",
            ours["cpu"],
            f"CPU, best of 2, standard errors included; {ours['n_columns']} columns, "
            f"{ours['n_events']:,} events, variance {ours['variance']:.5f}, log-likelihood "
            f"{ours['loglik']:.3f}, {ours['seconds']:.2f} s by the clock, peak memory "
            f"{ours['peak_mb']:.0f} MB ({ours['before_mb']:.0f} before the fit)",
        )
    ]
    rows += _beside_coxme(size, ours)
    naive = _python(NAIVE, *size)
    ratio = naive["lifelines"] / naive["ours"]
    rows += [
        (
            "the same without random effect, ours",
            naive["ours"],
            f"CPU; lifelines takes {ratio:.1f} x",
        ),
        ("the same without random effect, lifelines", naive["lifelines"], "CPU"),
    ]
    return rows


def _beside_coxme(
    size: tuple[str, str, str], ours: dict[str, Any]
) -> list[tuple[str, float | None, str]]:
    executable = shutil.which("Rscript")
    if executable is None:
        return [("the same, R's coxme", None, f"no R found; install R, then: {R_PACKAGE}")]
    with tempfile.TemporaryDirectory(prefix="lesions-") as folder:
        csv, script = Path(folder) / "lesions.csv", Path(folder) / "fit.R"
        subprocess.run([sys.executable, "-c", WRITE, *size, str(csv)], check=True)
        script.write_text(COXME, encoding="utf-8")
        done = subprocess.run([executable, str(script), str(csv)], capture_output=True, text=True)
    if done.returncode == NO_PACKAGE:
        return [("the same, R's coxme", None, f"R lacks its package coxme; {R_PACKAGE}")]
    if done.returncode:
        reason = done.stderr.strip().splitlines()[:1] or ["no message"]
        return [("the same, R's coxme", None, f"R failed: {reason[0]}")]
    seconds, loglik, variance = (float(part) for part in done.stdout.split()[:3])
    note = f"CPU, {seconds / ours['cpu']:.1f} x ours; variance {variance:.5f}, log-likelihood "
    return [("the same, R's coxme", seconds, f"{note}{loglik:.3f} (its sparse approximation)")]


def _python(code: str, *arguments: str) -> dict[str, Any]:
    """What a fresh process prints as JSON, so that memory and imports are its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))
