"""A small database with what the steps on sequences read, from planted sequences."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd

from udfs.progression import PlantedSequences, simulate_sequences
from udfs.progression.simulation import CLEAR, ORGANS
from warehouse.build import StepRun
from warehouse.registry import Step, installed_steps
from warehouse.settings import default_values

CHEMOTHERAPY, ANTIBODY = "chemotherapy", "antibody plus chemotherapy"
N_FREE = 40
"""Patients without a progression."""
QUICK = {
    "progression.starts": 3,
    "progression.resamples": 10,
    "progression.shuffles": 2,
    "prediction.iterations": 10,
    "prediction.folds": 3,
}
MEDIAN_OS = (700.0, 300.0, 600.0, 500.0, 250.0)
"""Of the planted groups: one organ, liver first, lung first, peritoneum first, many."""


def planted_tables(n: int = 260, seed: int = 1) -> tuple[dict[str, pd.DataFrame], PlantedSequences]:
    """Tables by name, and the truth. Two trials, two treatments that change nothing; the baseline
    bears lesions in the organs that will progress, and in one more.
    """
    planted = simulate_sequences(n, separation=CLEAR, seed=seed)
    rng = np.random.default_rng(seed)
    sequences = planted.sequences
    ids = [f"T{i % 2}/{name}" for i, name in enumerate(sequences.patient.tolist())]
    free = [f"T{i % 2}/F{i:04d}" for i in range(N_FREE)]
    last = np.concatenate(
        [np.where(np.isfinite(sequences.days), sequences.days, 0).max(axis=1), np.full(N_FREE, 200)]
    )
    scan = last + rng.integers(10, 100, last.size)
    median = np.concatenate([np.array(MEDIAN_OS)[planted.group], np.full(N_FREE, 800.0)])
    death = scan + np.ceil(rng.exponential(median / np.log(2)))
    dies = rng.random(last.size) < 0.8
    patients = pd.DataFrame(
        {
            "patient_id": ids + free,
            "study_id": [one[:2] for one in ids + free],
            "treatment_class": np.where(rng.random(last.size) < 0.5, CHEMOTHERAPY, ANTIBODY),
            "os_days": np.where(dies, death, scan + 30),
            "os_event": dies,
            "death_day": np.where(dies, death, np.nan),
            "is_death_date_known": dies,
        }
    )
    rows = [
        (ids[i], k + 1, str(sequences.organ[organ]), float(sequences.days[i, organ]))
        for i in range(n)
        for k, organ in enumerate(sequences.order[i].tolist())
        if organ >= 0
    ]
    sequence = pd.DataFrame(rows, columns=["patient_id", "position", "organ", "time_days"])
    sequence["rule_set"], sequence["source"] = "recist_1_1", "combined"
    return {
        "core.patient": patients,
        "core.study": pd.DataFrame({"study_id": ["T0", "T1"], "tumor_type": "colorectal"}),
        "core.organ": pd.DataFrame(
            {"organ": ORGANS, "display_name": [o.capitalize() for o in ORGANS], "sort_order": 1}
        ),
        "analysis.progression_sequence": sequence,
        "analysis.progression_patient": _patients(sequence, patients, scan),
        **_baseline(sequence, patients, rng),
    }, planted


def _patients(sequence: pd.DataFrame, patients: pd.DataFrame, scan: np.ndarray) -> pd.DataFrame:
    grouped = sequence.sort_values("position").groupby("patient_id")["time_days"]
    out = patients[["patient_id"]].assign(last_assessment_day=scan).set_index("patient_id")
    out["n_progressive_organs"] = grouped.size()
    out["n_progressive_organs"] = out["n_progressive_organs"].fillna(0).astype(int)
    out["first_organ"] = sequence[sequence["position"] == 1].set_index("patient_id")["organ"]
    out["first_days"] = grouped.first()
    for k, name in enumerate(("second", "third", "fourth")):
        out[f"{name}_interval_days"] = (
            grouped.nth(k + 1)
            .to_frame()
            .assign(patient_id=sequence["patient_id"])
            .set_index("patient_id")["time_days"]
            - grouped.nth(k)
            .to_frame()
            .assign(patient_id=sequence["patient_id"])
            .set_index("patient_id")["time_days"]
        )
    out["mean_interval_days"] = grouped.last() / grouped.size()
    out["mean_time_days"] = grouped.mean()
    return out.reset_index().assign(rule_set="recist_1_1", source="combined")


def _baseline(
    sequence: pd.DataFrame, patients: pd.DataFrame, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    organ = sequence[["patient_id", "organ"]]
    more = pd.DataFrame(
        {"patient_id": patients["patient_id"], "organ": rng.choice(ORGANS, len(patients))}
    )
    organ = pd.concat([organ, more]).drop_duplicates().reset_index(drop=True)
    organ["n_lesions"] = rng.integers(1, 4, len(organ))
    organ["n_target_lesions"] = 1
    organ["target_volume_mm3"] = rng.lognormal(8, 1, len(organ))
    n = len(patients)
    count = organ.groupby("patient_id")["n_lesions"].sum()
    feature = pd.DataFrame(
        {
            "patient_id": patients["patient_id"],
            "study_id": patients["study_id"],
            "age_years": rng.normal(60, 10, n),
            "sex": rng.choice(["F", "M"], n),
            "race": "WHITE",
            "bmi_kg_m2": rng.normal(26, 4, n),
            "ecog": rng.integers(0, 2, n),
            "ldh_ratio": rng.lognormal(0, 0.3, n),
            "kras_status": np.where(rng.random(n) < 0.3, None, "mutant"),
            "primary_site": rng.choice(["COLON", "RECTUM"], n),
            "line_of_therapy": 1,
            **{name: rng.random(n) < 0.3 for name in _FLAGS},
            "treatment": np.where(patients["treatment_class"] == ANTIBODY, "BEV", "FOLFOX"),
            "treatment_class": patients["treatment_class"],
            "backbone": "FOLFOX",
            "n_lesions": count.loc[patients["patient_id"]].to_numpy(),
            "n_target_lesions": 2,
            "n_nontarget_lesions": 1,
            "n_organs": organ.groupby("patient_id").size().loc[patients["patient_id"]].to_numpy(),
            "sum_of_diameters_mm": rng.lognormal(4, 0.5, n),
            "target_volume_mm3": rng.lognormal(9, 1, n),
            "largest_volume_mm3": rng.lognormal(8, 1, n),
        }
    )
    return {"analysis.baseline_feature": feature, "analysis.baseline_organ": organ}


_FLAGS = (
    "prior_surgery", "prior_surgery_liver", "prior_surgery_lung", "prior_surgery_ln",
    "prior_radiation", "prior_adjuvant", "has_bevacizumab", "has_panitumumab",
)  # fmt: skip


def database(tables: dict[str, pd.DataFrame], seed: int = 0) -> duckdb.DuckDBPyConnection:
    """A database of these tables, rows in an order drawn from the seed."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA core; CREATE SCHEMA analysis; CREATE SCHEMA mart")
    for name, frame in tables.items():
        con.register("given", frame.sample(frac=1, random_state=seed))
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        con.unregister("given")
    return con


def run(
    con: duckdb.DuckDBPyConnection, name: str, **settings: Any
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Runs a step as the engine does; its tables, also left in the database, and its notes."""
    step: Step = next(one for one in installed_steps() if one.name == name)
    given = {k.replace("__", "."): v for k, v in settings.items()}
    context = StepRun(con, step, {**default_values(), **QUICK, **given}, lambda n, e: None)
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
        for column in frame.select_dtypes("float"):
            assert np.isfinite(frame[column].dropna()).all(), (table.name, column)
        found[table.name.split(".")[1]] = frame
    return found, context.notes
