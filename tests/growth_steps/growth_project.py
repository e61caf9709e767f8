"""A small simulated project as the step growth reads it, and a run of the step."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from events.event_models import load_seeds

import flows.steps.growth.growth as growth_module
from udfs.growth import simulate_data, simulate_schedule
from warehouse.build import StepRun
from warehouse.registry import Step, installed_steps
from warehouse.settings import default_values

TRUTH = {"kg_pop": 0.0033, "kd_pop": 0.015, "f_pop": 0.3, "omega_kg": 0.8, "omega_kd": 0.9,
         "omega_f": 1.5, "b": 0.25}  # fmt: skip

N = 60

ORGANS = ("liver", "lung", "bone", "ln_distal")


@cache
def core_tables() -> dict[str, pd.DataFrame]:
    """Sixty simulated target lesions, three that cannot be used, one that is not analysed."""
    data = simulate_data(simulate_schedule(N, 3), TRUTH, seed=3)
    name = np.array([f"L{i:03d}" for i in range(N)])
    rows = pd.DataFrame({
        "lesion_id": name[data.row_lesion],
        "day": data.time.astype(int),
        "volume_mm3": np.where(data.is_censored, 65.5, data.volume),
        "is_baseline": data.is_own_baseline,
    })  # fmt: skip
    odd = pd.DataFrame({
        "lesion_id": ["X1", "X2", "X2", "X4", "X4"],
        "day": [-3, -3, 40, -3, 40],
        "volume_mm3": [500.0, 0.0, 900.0, 500.0, 600.0],
        "is_baseline": [True, True, False, True, False],
    })  # fmt: skip
    rows = pd.concat([rows, odd], ignore_index=True)
    first = rows[rows["is_baseline"]].set_index("lesion_id")
    ids = [*name, "X1", "X2", "X3", "X4"]
    lesions = pd.DataFrame({
        "lesion_id": ids,
        "patient_id": [f"P{i // 2}" for i in range(N)] + ["PX"] * 4,
        "reader": None,
        "organ": [ORGANS[i % 4] for i in range(len(ids))],
        "lesion_type": "target",
        "is_analysed": [one != "X4" for one in ids],
        "exclusion_reason": ["No baseline." if one == "X4" else None for one in ids],
        "baseline_day": first["day"].reindex(ids).to_numpy(),
        "baseline_volume_mm3": first["volume_mm3"].reindex(ids).to_numpy(),
        "last_measured_day": rows.groupby("lesion_id")["day"].max().reindex(ids).to_numpy(),
    })  # fmt: skip
    lesions["baseline_diameter_mm"] = np.cbrt(lesions["baseline_volume_mm3"] * 2 * 1.31**2)
    patients = pd.DataFrame({"patient_id": sorted(set(lesions["patient_id"]))})
    patients["last_day"] = 500
    patients["os_days"], patients["os_event"] = 450.0, True
    return {"lesion": lesions, "measurement": rows, "patient": patients}


def follow_up() -> pd.DataFrame:
    """Events by chance in 24 of the 30 patients."""
    n = N // 2
    days = np.random.default_rng(4).exponential(300.0, n).round() + 1.0
    names = [f"P{i}" for i in range(n)]
    return pd.DataFrame({"patient_id": names, "time_days": days, "is_event": np.arange(n) < 24})


def scans_to_the_end(con: duckdb.DuckDBPyConnection) -> None:
    """Every patient is scanned until the last day."""
    con.execute(
        "CREATE TABLE analysis.scan AS SELECT patient_id, '' AS reader, last_day FROM core.patient"
    )


def one_subset(con: duckdb.DuckDBPyConnection) -> None:
    """All patients, and lesions without one, are fitted together."""
    con.execute(
        "CREATE OR REPLACE TABLE analysis.growth_subset AS SELECT DISTINCT "
        "coalesce(patient_id, lesion_id) AS member_id, 'all' AS subset FROM core.lesion"
    )


def database(lesions: int | None = None) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    load_seeds(con)
    con.execute("CREATE SCHEMA core; CREATE SCHEMA analysis")
    for name, frame in core_tables().items():
        kept = frame
        if lesions is not None and "lesion_id" in frame:
            kept = frame[frame["lesion_id"] < f"L{lesions:03d}"]
        con.register("frame", kept)
        con.execute(f"CREATE TABLE core.{name} AS SELECT * FROM frame")
    con.register("frame", follow_up())
    con.execute("CREATE TABLE analysis.growth_follow_up AS SELECT * FROM frame")
    con.execute(
        "CREATE TABLE analysis.lesion_cutoff "
        "(lesion_id VARCHAR, cutoff_day INTEGER, cutoff_reason VARCHAR)"
    )
    one_subset(con)
    scans_to_the_end(con)
    return con


def run(
    con: duckdb.DuckDBPyConnection, published: Path | None = None, **settings: Any
) -> list[str]:
    """Runs the step as the engine does, writes its tables and returns its notes."""
    step: Step = next(s for s in installed_steps() if s.function is growth_module.growth)
    given = {key.replace("__", "."): value for key, value in settings.items()}
    context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None, published)
    result = step.function(context)
    assert set(result) == {table.name for table in step.writes}
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns), table.name
        con.register("columns", columns)
        con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        key = ", ".join(table.key)
        repeated = f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        assert con.execute(repeated).fetchall() == []
    return context.notes


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()
