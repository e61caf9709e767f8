"""Small warehouses of simulated lesions, with just the tables that the step ``hazard`` reads."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
from scipy.stats import chi2 as chi2_distribution

import flows.steps.hazards.hazard as hazard_module
from udfs.hazards import cox_data, design, fit_cox
from warehouse.build import StepRun
from warehouse.registry import Step, installed_steps
from warehouse.settings import default_values

ORGANS = ("abdomen", "liver", "lung", "ln_distal", "bone", "brain_cns")
SHARE = (0.2, 0.35, 0.2, 0.12, 0.09, 0.04)
LOG_HR = {
    "response": (0.0, 0.5, -0.3, 0.6, -1.2, -0.6),
    "progression": (0.0, 0.6, -0.7, -0.5, 0.6, 1.0),
}
ANTIBODY_LOG_HR = {"response": 0.4, "progression": -0.6}
SAME_FIT = 1e-6
"""Another order of the same sums, and a search that ends elsewhere within its tolerance."""
CHEMOTHERAPY, ANTIBODY = "chemotherapy", "antibody plus chemotherapy"


def lesions(
    n_patients: int = 300,
    n_lesions: int = 2400,
    seed: int = 1,
    tumor_type: str = "colorectal",
    site_sd: float = 0.0,
) -> dict[str, pd.DataFrame]:
    """Tables of patients whose lesions have known hazards by organ and by antibody.

    Both endpoints share patients and organs but not their times; new lesions are one in ten of
    those that progressed. ``noise`` columns of the patient (age, sex, BMI) have no effect; the 25
    sites have one of standard deviation ``site_sd``.
    """
    site_effect = np.random.default_rng(seed).normal(0, site_sd, 25)
    rng = np.random.default_rng(seed)
    patient = np.sort(
        np.concatenate([np.arange(n_patients), rng.integers(0, n_patients, n_lesions - n_patients)])
    )
    organ = rng.choice(len(ORGANS), n_lesions, p=SHARE)
    has_antibody = rng.random(n_patients) < 0.5
    end = np.ceil(rng.exponential(400, n_patients) + 30).clip(max=900)
    effect = rng.normal(0, 0.8, n_patients)
    events = []
    for endpoint, sign in (("response", 1.0), ("progression", -0.5)):
        log_hazard = (
            np.array(LOG_HR[endpoint])[organ]
            + ANTIBODY_LOG_HR[endpoint] * has_antibody[patient]
            + sign * effect[patient]
            + site_effect[patient % 25]
        )
        exact = 220 * np.exp(-log_hazard / 1.2) * rng.weibull(1.2, n_lesions)
        seen = np.ceil(exact / 42) * 42 + patient % 7
        is_event = seen <= end[patient]
        kind = np.where(rng.random(n_lesions) < 0.5, "target", "non-target").astype(object)
        frame = pd.DataFrame(
            {
                "lesion_id": [f"L{k:05d}" for k in range(n_lesions)],
                "patient_id": [f"P{k:04d}" for k in patient],
                "organ": np.array(ORGANS)[organ],
                "lesion_type": kind,
                "endpoint": endpoint,
                "time_days": np.where(is_event, seen, end[patient]),
                "is_event": is_event,
            }
        )
        events.append(frame)
    new = events[1][events[1]["is_event"]].sample(frac=0.1, random_state=seed)
    events.append(new.assign(lesion_id="N" + new["lesion_id"], lesion_type="new"))
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{k:04d}" for k in range(n_patients)],
            "study_id": "S1",
            "site_id": [f"S1/{k % 25:02d}" for k in range(n_patients)],
            "treatment": np.where(has_antibody, "bevacizumab plus FOLFOX", "FOLFOX"),
            "treatment_class": np.where(has_antibody, ANTIBODY, CHEMOTHERAPY),
            "line_of_therapy": 1,
            "age_years": rng.normal(60, 10, n_patients).round(1),
            "sex": rng.choice(["F", "M"], n_patients),
            "race": "WHITE",
            "bmi_kg_m2": rng.normal(26, 4, n_patients).round(1),
            "os_days": end + 50,
            "os_event": rng.random(n_patients) < 0.7,
        }
    )
    return {
        "event": pd.concat(events, ignore_index=True),
        "patient": patients,
        "study": pd.DataFrame({"study_id": ["S1"], "tumor_type": [tumor_type]}),
    }


def warehouse(tables: dict[str, pd.DataFrame], seed: int = 0) -> duckdb.DuckDBPyConnection:
    """A database of these tables, their rows in an order drawn from the seed."""
    event, patient = tables["event"].copy(), tables["patient"].copy()
    for name, value in {
        "rule_set": "recist_1_1",
        "source": "observed",
        "censor_reason": None,
    }.items():
        if name not in event:
            event[name] = value
    for name in ("bsa_m2", "prior_surgery", "prior_radiation", "pfs_days", "pfs_event"):
        if name not in patient:
            patient[name] = None
    patient["is_analysed"] = True
    con = duckdb.connect()
    con.execute("CREATE SCHEMA core; CREATE SCHEMA analysis; CREATE SCHEMA mart")
    con.execute(
        "CREATE TABLE core.patient (patient_id VARCHAR, study_id VARCHAR, site_id VARCHAR, "
        "treatment VARCHAR, "
        "treatment_class VARCHAR, line_of_therapy INTEGER, age_years DOUBLE, sex VARCHAR, "
        "race VARCHAR, bmi_kg_m2 DOUBLE, bsa_m2 DOUBLE, prior_surgery BOOLEAN, "
        "prior_radiation BOOLEAN, os_days DOUBLE, os_event BOOLEAN, pfs_days DOUBLE, "
        "pfs_event BOOLEAN, is_analysed BOOLEAN)"
    )
    con.execute("CREATE TABLE core.study (study_id VARCHAR, tumor_type VARCHAR)")
    con.execute(
        "CREATE TABLE analysis.lesion_event (lesion_id VARCHAR, patient_id VARCHAR, "
        "organ VARCHAR, lesion_type VARCHAR, endpoint VARCHAR, rule_set VARCHAR, source VARCHAR, "
        "time_days DOUBLE, is_event BOOLEAN, censor_reason VARCHAR)"
    )
    for table, frame in (
        ("core.patient", patient),
        ("core.study", tables["study"]),
        ("analysis.lesion_event", event),
    ):
        con.register("given", frame.sample(frac=1, random_state=seed))
        con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
        con.unregister("given")
    con.execute(
        "CREATE TABLE analysis.patient_endpoint AS "
        "SELECT patient_id, 'OS' AS endpoint, os_days AS time_days, os_event AS is_event, "
        "TRUE AS is_counted FROM core.patient UNION ALL "
        "SELECT patient_id, 'PFS', pfs_days, pfs_event, TRUE FROM core.patient"
    )
    return con


def the_step() -> Step:
    return next(s for s in installed_steps() if s.function is hazard_module.hazard)


def run(
    con: duckdb.DuckDBPyConnection, **settings: Any
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Runs the step as the engine does; its tables, also left in the database, and its notes.

    Settings are those of hazards, unless their names have a point. Levels are tested only where
    asked for, which takes as long as all the rest.
    """
    step = the_step()
    settings = {"level_tests": False, **settings}
    given = {n if "." in n else f"hazards.{n}": value for n, value in settings.items()}
    context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None)
    result = step.function(context)
    assert list(result) == [table.name for table in step.writes]
    found = {}
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns), table.name
        con.register("columns", columns)
        con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        con.unregister("columns")
        frame = columns.to_pandas()
        assert not frame.duplicated(list(table.key)).any(), table.name
        assert frame[list(table.key)].notna().all(axis=None), table.name
        found[table.name.split(".")[1]] = frame
    return found, context.notes


__all__ = [
    "ANTIBODY",
    "ANTIBODY_LOG_HR",
    "CHEMOTHERAPY",
    "LOG_HR",
    "ORGANS",
    "lesions",
    "run",
    "warehouse",
]


def organ_rows(found: dict[str, pd.DataFrame], endpoint: str, **wanted: Any) -> pd.DataFrame:
    rows = found["hazard_ratio"]
    wanted = {
        "stratum": "all",
        "model": "final",
        "term": "organ",
        "reference": "abdomen",
        "is_primary": True,
        "endpoint": endpoint,
        **wanted,
    }
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows.set_index("level")


def joined(tables: dict[str, pd.DataFrame], endpoint: str) -> pd.DataFrame:
    event = tables["event"]
    return event[event["endpoint"] == endpoint].merge(tables["patient"], on="patient_id")


def chi2_tail(p_value: float) -> float:
    """The statistic with one degree of freedom that has this p-value."""
    return float(chi2_distribution.isf(p_value, 1))


def direct(frame: pd.DataFrame, *terms: Any) -> Any:
    """The same model fitted to one row per lesion."""
    return fit_cox(
        cox_data(
            frame["time_days"].to_numpy(),
            frame["is_event"].to_numpy(),
            design(*terms),
            group=frame["patient_id"].to_numpy(dtype=str),
        )
    )
