"""Are phenotypes called with 0.9 or more right? On trials as the product simulates them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import flows.steps.hazards.hazard as hazard_module
from udfs.hazards import QUADRANTS, Options, cox_data, design, factor, fit_cox
from warehouse.build import StepRun
from warehouse.project import Project, create_project
from warehouse.registry import installed_steps
from warehouse.run import run_project
from warehouse.settings import default_values
from warehouse.simulate import write_trials

PATIENTS = 300
TIMES = 20
FIVE_YEARS = 1826.0
TRUTH = """
SELECT
    lesion.patient_id, lesion.organ, lesion.lesion_type, patient.treatment, patient.last_day,
    coalesce(truth.{endpoint}_day, 'inf'::DOUBLE) AS true_day, event.time_days AS detected
FROM core.lesion AS lesion
INNER JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN '{truth}' AS truth
    ON truth.usubjid = patient.usubjid AND truth.lesion_label = lesion.lesion_label
    AND truth.rule_set = 'recist_1_1' AND lesion.lesion_type <> 'new'
LEFT JOIN analysis.lesion_event AS event
    ON lesion.lesion_id = event.lesion_id AND lesion.lesion_type = 'new' AND event.is_event
    AND event.endpoint = 'progression' AND event.rule_set = 'recist_1_1'
WHERE
    lesion.is_analysed
    AND (truth.usubjid IS NOT NULL OR ('{endpoint}' = 'progression' AND event.time_days > 0))
ORDER BY lesion.lesion_id
"""


def trials(folder: Path, patients: int, seed: int, growth: bool = True) -> Project:
    """A project of simulated colorectal trials, built up to its lesions' events without checks."""
    write_trials(folder, "mcrc", patients=patients, seed=seed)
    made = create_project(folder)
    if not growth:
        made = replace(made, values={**made.values, "growth.fewest_lesions": 10**9})
    wanted = ["+analysis.lesion_event", "+analysis.patient_endpoint", "+core.study"]
    run_project(made, selectors=wanted, is_gated=False)
    return made


def true_log_hr(project: Project, endpoint: str, new: bool, end: str) -> pd.Series:
    """Log hazard ratios, against abdomen, of the times that the simulation gave each lesion."""
    path = project.root / "truth" / "events.parquet"
    with duckdb.connect(str(project.published), read_only=True) as con:
        frame = con.sql(TRUTH.format(endpoint=endpoint, truth=path)).df()
    is_new = frame["lesion_type"] == "new"
    frame = frame[new | ~is_new]
    is_new = (frame["lesion_type"] == "new").to_numpy()
    last = frame["last_day"].to_numpy(float) if end == "last day" else FIVE_YEARS
    true = np.where(is_new, frame["detected"], frame["true_day"]).astype(float)
    data = cox_data(
        np.clip(np.minimum(true, np.where(is_new, true, last)), 0.5, None),
        is_new | (true <= last),
        design(
            factor("organ", frame["organ"].to_numpy(dtype=str), reference="abdomen"),
            factor("treatment", frame["treatment"].to_numpy(dtype=str)),
        ),
        group=frame["patient_id"].to_numpy(dtype=str),
    )
    fit = fit_cox(data, Options(interval=False))
    found = {
        label: b for (t, label), b in zip(fit.columns, fit.coefficient, strict=True) if t == "organ"
    }
    return pd.Series({"abdomen": 0.0, **found})


def phenotypes(project: Project, **settings: Any) -> pd.DataFrame:
    """``analysis.organ_phenotype`` of a built project under settings of hazards."""
    step = next(s for s in installed_steps() if s.function is hazard_module.hazard)
    given = {f"hazards.{name}": value for name, value in settings.items()}
    with duckdb.connect(str(project.published), read_only=True) as con:
        context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None)
        found = step.function(context)["analysis.organ_phenotype"].to_pandas()
    return found[found["stratum"] == "all"]


def calls(found: pd.DataFrame, truth: dict[str, pd.Series], comparator: str) -> pd.DataFrame:
    """The most probable quadrant of each organ, its probability, and whether it is the true one."""
    rows = found[found["comparator"] == comparator]
    organs = sorted(rows["organ"].unique())
    compared = {}
    for endpoint, log_hr in truth.items():
        level = log_hr[organs].mean() if comparator == "mean" else 0.0
        compared[endpoint] = log_hr[organs] - level
    best = rows.sort_values(["organ", "probability", "phenotype"]).groupby("organ").tail(1)
    true = [
        "-".join("high" if compared[e][organ] > 0 else "low" for e in ("response", "progression"))
        for organ in best["organ"]
    ]
    assert set(true) <= set(QUADRANTS)
    return best.assign(true=true, is_right=best["phenotype"].to_numpy() == np.array(true))[
        ["organ", "comparator", "phenotype", "true", "probability", "is_right"]
    ]


@pytest.mark.slow
def test_phenotypes_called_with_nine_tenths_are_right(tmp_path: Path) -> None:
    """Truth: hazards fitted to the exact times of 20 times as many lesions, all followed for five
    years. Data: 50 sets of trials, read, modelled and fitted as any project is. The issue asks for
    85 % of the quadrants given 0.9 or more."""
    large = trials(tmp_path / "truth", PATIENTS * TIMES, 1, growth=False)
    truth = {
        e: true_log_hr(large, e, new=True, end="five years") for e in ("response", "progression")
    }
    found = []
    for seed in range(2, 52):
        project = trials(tmp_path / str(seed), PATIENTS, seed)
        rows = phenotypes(project, level_tests=False)
        found += [calls(rows, truth, comparator) for comparator in ("reference", "mean")]
    each = pd.concat(found)
    sure = each[each["probability"] >= 0.9]
    for comparator in ("reference", "mean"):
        here = sure[sure["comparator"] == comparator]
        assert len(here) > 100
        assert here["is_right"].mean() >= 0.85
