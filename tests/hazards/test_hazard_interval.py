"""The step on simulated lesions seen every 42 days: the hazards that made them come out again."""

from __future__ import annotations

from functools import cache

import duckdb
import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import LOG_HR, lesions, run, warehouse
from heterogeneity.pipeline import step_named, values

from warehouse.build import StepRun

EVERY = 42


def with_limits(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The visits between which each event lies; without one the last visit."""
    event = tables["event"].copy()
    late = event["patient_id"].str[1:].astype(int) % 7  # a visit's results come so much later
    visit = np.floor((event["time_days"] - late).clip(lower=0) / EVERY) * EVERY
    is_event = event["is_event"]
    event["time_lower"] = np.where(is_event, visit - EVERY, visit)
    event["time_upper"] = np.where(is_event, visit, np.nan)
    return {**tables, "event": event}


@cache
def fitted() -> tuple[duckdb.DuckDBPyConnection, pd.DataFrame]:
    tables = with_limits(lesions(n_patients=400, n_lesions=3200))
    con = warehouse({**tables, "event": tables["event"].drop(columns=["time_lower", "time_upper"])})
    run(con)
    con.register("given", tables["event"][["lesion_id", "endpoint", "time_lower", "time_upper"]])
    con.execute(
        "CREATE OR REPLACE TABLE analysis.lesion_event AS SELECT * FROM analysis.lesion_event "
        "INNER JOIN given USING (lesion_id, endpoint)"
    )
    return con, interval(con)


def interval(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    step = step_named("hazard_interval")
    context = StepRun(con, step, values(hazards__level_tests=False), lambda name, event: None)
    (table,) = step.function(context).values()
    assert table.column_names == list(step.writes[0].columns)
    frame = table.to_pandas()
    assert not frame.duplicated(list(step.writes[0].key)).any()
    return frame


@pytest.mark.parametrize("endpoint", ["response", "progression"])
def test_hazards_of_organs_and_the_patients_variance_are_found_again(endpoint: str) -> None:
    """Within 3.5 standard errors each; the variance (0.64, 0.16) within a third and 0.05."""
    _, found = fitted()
    rows = found[(found["endpoint"] == endpoint) & (found["stratum"] == "all")]
    organs = rows[rows["term"] == "organ"].set_index("level")
    wanted = dict(zip(("abdomen", "liver", "lung", "ln_distal", "bone", "brain_cns"),
                      LOG_HR[endpoint], strict=True))  # fmt: skip
    assert len(organs) == 5
    for organ, row in organs.iterrows():
        assert abs(row["log_hr"] - wanted[organ]) < 3.5 * row["standard_error"], organ
    assert rows["is_converged"].all()
    variance = {"response": 0.64, "progression": 0.16}[endpoint]
    assert rows["frailty_variance"].iloc[0] == pytest.approx(variance, rel=1 / 3, abs=0.05)


def test_the_model_is_that_of_the_scans_and_new_lesions_are_in_neither() -> None:
    con, found = fitted()
    final = con.execute(
        "SELECT endpoint, stratum, covariates FROM analysis.hazard_fit "
        "WHERE model = 'final' AND is_primary ORDER BY ALL"
    ).fetchall()
    got = found.groupby(["endpoint", "stratum"])["term"].agg(
        lambda terms: ", ".join(dict.fromkeys(term for term in terms if term != "organ"))
    )
    assert [(*key, terms) for key, terms in got.items()] == final
    n_lesions = found[found["stratum"] == "all"].groupby("endpoint")["n_lesions"].first()
    assert n_lesions.to_dict() == {"progression": 3200, "response": 3200}
    # Six weeks between scans change little: each within a standard error of the other.
    apart = (found["log_hr"] - found["scan_log_hr"]).abs() / found["scan_standard_error"]
    assert apart.max() < 1
    assert apart.max() > 1e-3


def test_limits_and_p_values_are_walds() -> None:
    _, found = fitted()
    z = found["log_hr"] / found["standard_error"]
    low, high = (np.exp(found["log_hr"] + s * 1.959964 * found["standard_error"]) for s in (-1, 1))
    np.testing.assert_allclose(found["ci_lower"], low, rtol=1e-6)
    np.testing.assert_allclose(found["ci_upper"], high, rtol=1e-6)
    assert ((found["p_value"] < 0.05) == (z.abs() > 1.959964)).all()


def test_where_there_is_no_model_the_reason_stands() -> None:
    con, _ = fitted()
    with duckdb.connect() as other:
        other.execute("CREATE SCHEMA core; CREATE SCHEMA analysis")
        for name in ("core.patient", "core.study", "analysis.hazard_fit", "analysis.lesion_event"):
            other.register("given", con.execute(f"FROM {name}").df())
            other.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        other.execute("UPDATE analysis.lesion_event SET is_event = FALSE, time_upper = NULL")
        found = interval(other)
    assert found["null_reason"].notna().all()
    assert found["log_hr"].isna().all()
