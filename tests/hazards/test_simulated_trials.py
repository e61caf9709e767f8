"""Hazard ratios of the simulated trials at full size, against the truth behind them."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest
from scipy.stats import spearmanr

from udfs.hazards import Options, cox_data, design, factor, fit_cox
from warehouse.project import Project, create_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

PATTERN = {
    "liver": "high-high",
    "lung": "high-low",
    "ln_regional": "high-low",
    "ln_distal": "high-low",
    "bone": "low-high",
    "brain_cns": "low-high",
}
"""Response and progression against abdomen, as Zhou 2023, Fig. 3c, and as the simulation has it."""
TRUTH = """
SELECT
    lesion.patient_id, lesion.organ, patient.treatment, patient.last_day,
    coalesce(truth.{endpoint}_day, 'inf'::DOUBLE) AS true_day
FROM core.lesion AS lesion
INNER JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
INNER JOIN '{truth}' AS truth
    ON truth.usubjid = patient.usubjid AND truth.lesion_label = lesion.lesion_label
WHERE lesion.is_analysed AND lesion.lesion_type <> 'new' AND truth.rule_set = 'recist_1_1'
ORDER BY lesion.lesion_id
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("trials") / "project"
    write_trials(folder, "mcrc", patients=None, seed=20230607)
    made = create_project(folder)
    run_project(made)
    return made


def true_log_hr(project: Project, endpoint: str) -> pd.Series:
    """Log hazard ratios of the times that the simulation gave each lesion, all of them followed for
    five years."""
    path = project.root / "truth" / "events.parquet"
    with duckdb.connect(str(project.published), read_only=True) as con:
        frame = con.sql(TRUTH.format(endpoint=endpoint, truth=path)).df()
    day = frame["true_day"].to_numpy().clip(0.5, 1826)
    data = cox_data(
        day,
        frame["true_day"].to_numpy() < 1826,
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
    return pd.Series(found)


@pytest.mark.slow
def test_organs_stand_in_the_true_order_and_on_the_true_side(project: Project) -> None:
    """Sides of the six organs, and the order of all, are the truth's. Sizes need not be: events are
    seen on scans, non-target lesions are called by a reader's words, and patients leave the trial
    when they progress, so that slow lesions of fast patients are never seen to progress."""
    with duckdb.connect(str(project.published), read_only=True) as con:
        ratio = con.sql(
            "SELECT endpoint, model, level, log_hr FROM analysis.hazard_ratio "
            "WHERE stratum = 'all' AND is_primary AND term = 'organ' AND reference = 'abdomen'"
        ).df()
    for endpoint, model in (("response", "final"), ("progression", "without new lesions")):
        seen = ratio[(ratio["endpoint"] == endpoint) & (ratio["model"] == model)]
        log_hr = seen.set_index("level")["log_hr"]
        truth = true_log_hr(project, endpoint)
        place = 0 if endpoint == "response" else 1
        for organ, quadrant in PATTERN.items():
            is_high = quadrant.split("-")[place] == "high"
            assert (truth[organ] > 0) == is_high, organ
            assert (log_hr[organ] > 0) == is_high, organ
        assert spearmanr(log_hr, truth[log_hr.index]).statistic > 0.9


@pytest.mark.slow
def test_phenotypes_of_the_six_organs_are_those_of_the_paper(project: Project) -> None:
    with duckdb.connect(str(project.published), read_only=True) as con:
        chart = con.sql(
            "SELECT organ, probable_phenotype, probability FROM mart.fig_organ_phenotype "
            "WHERE stratum = 'all' AND comparator = 'reference'"
        ).df()
        warnings = con.sql(
            "SELECT table_name, expectation FROM quality.check_result "
            "WHERE NOT success AND table_name LIKE '%hazard%' AND severity <> 'info'"
        ).fetchall()
    found = chart.set_index("organ")
    for organ, quadrant in PATTERN.items():
        assert found.loc[organ, "probable_phenotype"] == quadrant
        assert found.loc[organ, "probability"] > 0.95
    assert warnings == []
