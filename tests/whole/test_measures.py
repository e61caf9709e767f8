"""The measures: each value worked out a second way, from the facts and not from the views."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest

from warehouse import open_warehouse
from warehouse.errors import LesionsError
from warehouse.project import Project

EXACT = 1e-12
"""Relative: both sides divide the same whole numbers, or take the same middle value."""


@pytest.fixture(scope="module")
def frames(built: Project) -> dict[str, pd.DataFrame]:
    with duckdb.connect(str(built.published), read_only=True) as connection:
        names = ("dim_patient", "dim_lesion", "fct_patient_outcome", "fct_patient_heterogeneity",
                 "fct_lesion_event", "fct_response_phase", "fct_measurement")  # fmt: skip
        found = {name: connection.sql(f"FROM mart.{name}").df() for name in names}
    found["patient"] = found["dim_patient"].query("is_analysed").set_index("patient_id")
    found["outcome"] = found["fct_patient_outcome"].set_index("patient_id").loc[
        found["patient"].index
    ]  # fmt: skip
    found["lesion"] = found["dim_lesion"].query("is_analysed").set_index("lesion_id")
    return found


def by_hand(frames: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Every measure over everything."""
    outcome, lesion = frames["outcome"], frames["lesion"]
    response = outcome["best_overall_response"].dropna()
    event = frames["fct_lesion_event"].query("is_selected_rule_set and source == 'observed'")
    event = event[event["lesion_id"].isin(lesion.index)]
    responses, progressions = (event[event["endpoint"] == e] for e in ("response", "progression"))
    at_risk = progressions[progressions["time_days"] > 0]
    phases = frames["fct_response_phase"]
    phases = phases[phases["lesion_id"].isin(lesion.index)]
    followed = frames["fct_patient_heterogeneity"].set_index("patient_id").loc[outcome.index]
    followed = followed[followed["n_lesions"] >= 1]
    scans = frames["fct_measurement"].query("is_analysed")
    later = scans[scans["is_after_baseline"].astype(bool)]
    seen = outcome["os_event"].notna()
    return {
        "n_patients": len(outcome),
        "n_deaths": outcome["os_event"].sum(),
        "deaths_per_100_patient_years": 100 * outcome["os_event"].sum()
        / (outcome.loc[seen, "os_days"].sum() / 365.25),
        "objective_response_rate": 100 * response.isin(["CR", "PR"]).mean(),
        "disease_control_rate": 100
        * response.isin(["CR", "PR", "SD", "NON-CR/NON-PD"]).mean(),
        "median_best_change_percent": outcome["best_change_percent"].median(),
        "lesions_per_patient": outcome["n_lesions"].mean(),
        "several_organs_share": 100 * (outcome["n_baseline_organs"] > 1).mean(),
        "new_lesion_share": 100 * (outcome["n_new_lesions"] > 0).mean(),
        "median_gower_distance": outcome["gower_distance"].median(),
        "inconsistent_patient_share": 100 * (followed["n_inconsistent_lesions"] > 0).mean(),
        "n_lesions": len(lesion),
        "n_lesion_patients": lesion["patient_id"].nunique(),
        "median_baseline_diameter_mm": lesion["baseline_diameter_mm"].median(),
        "lesion_response_rate": 100 * responses["is_event"].mean(),
        "lesion_progression_rate": 100 * progressions["is_event"].mean(),
        "lesion_progressions_per_100_lesion_years": 100 * at_risk["is_event"].sum()
        / (at_risk["time_days"].sum() / 365.25),
        "consistent_lesion_share": 100
        * phases["is_consistent_with_total"].dropna().astype(bool).mean(),
        "n_measurements": len(scans),
        "n_measured_lesions": scans["lesion_id"].nunique(),
        "median_diameter_mm": scans["diameter_mm"].median(),
        "median_change_percent": later["change_from_baseline_percent"].median(),
        "below_limit_share": 100 * scans["is_below_limit"].dropna().astype(bool).mean(),
        "imputed_share": 100 * scans["is_imputed"].astype(bool).mean(),
    }  # fmt: skip


def test_every_measure_is_what_the_facts_say(
    built: Project, frames: dict[str, pd.DataFrame]
) -> None:
    with open_warehouse(built.root) as warehouse:
        found = dict(
            warehouse.sql(
                "SELECT metric, value FROM mart.metric_value WHERE dimension = 'all'"
            ).fetchall()
        )
    wanted = by_hand(frames)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(float(value), rel=EXACT), name


def test_a_cut_is_the_measure_of_each_group(
    built: Project, frames: dict[str, pd.DataFrame]
) -> None:
    patient = frames["patient"].join(frames["outcome"][["best_overall_response"]])
    known = patient.dropna(subset="best_overall_response")
    wanted = (
        known.assign(hit=known["best_overall_response"].isin(["CR", "PR"]) * 100)
        .groupby("treatment")["hit"].mean()
    )  # fmt: skip
    with open_warehouse(built.root) as warehouse:
        frame = warehouse.measure("objective_response_rate", by=["treatment"])
        stored = warehouse.frame(
            "SELECT group_name, value FROM mart.metric_value WHERE dimension = 'treatment' "
            "AND metric = 'objective_response_rate' ORDER BY 1"
        )
    found = frame.set_index("treatment")["objective_response_rate"]
    assert found.to_dict() == pytest.approx(wanted.to_dict(), rel=EXACT)
    assert stored.set_index("group_name")["value"].to_dict() == pytest.approx(
        wanted.to_dict(), rel=EXACT
    )


def test_progressions_per_year_are_those_of_the_figure(built: Project) -> None:
    """mart.fig_events_by_organ works the same rate out in SQL of its own, over all lesions."""
    with open_warehouse(built.root) as warehouse:
        rates = warehouse.sql(
            "SELECT v.value, f.events_per_100_lesion_years FROM mart.metric_value AS v "
            "INNER JOIN mart.fig_events_by_organ AS f ON v.group_name = f.organ "
            "WHERE v.metric = 'lesion_progressions_per_100_lesion_years' "
            "AND v.dimension = 'organ' AND f.endpoint = 'progression' "
            "AND f.source = 'observed' AND f.is_selected_rule_set "
            "AND NOT EXISTS (SELECT 1 FROM mart.dim_lesion AS l WHERE l.organ = f.organ "
            "AND NOT l.is_analysed)"
        ).fetchall()
    known = [(a, b) for a, b in rates if b is not None]
    assert len(known) > 2
    np.testing.assert_allclose(*np.array(known).T, rtol=EXACT)


def test_survival_by_month_is_the_step_of_the_curve(built: Project) -> None:
    """Looked up one month at a time in the curve's own steps."""
    with open_warehouse(built.root) as warehouse:
        curve = warehouse.frame("FROM mart.fig_survival_curve ORDER BY time_days")
        months = warehouse.frame("FROM mart.metric_survival")
    keys = ["subset", "grouping", "group_name", "endpoint"]
    steps = dict(iter(curve.groupby(keys)))
    assert len(months) > 100
    for row in months.sample(100, random_state=1).itertuples():
        group = steps[(row.subset, row.grouping, row.group_name, row.endpoint)]
        before = group[group["time_days"] <= row.month * 30.4375]
        wanted = before["survival"].iloc[-1] if len(before) else 1.0
        assert row.survival == wanted


def test_postgresql_gives_every_measure_the_same_value(
    built: Project, database: Callable[[str], str]
) -> None:
    """The expressions are run there as they stand, on the mirrored views."""
    import psycopg

    from warehouse.publishing.postgres import publish_to_postgres

    url = database("publisher")
    publish_to_postgres(built.published, url)
    with psycopg.connect(url) as connection:
        metrics = connection.execute(
            "SELECT metric, view_name, expression FROM mart.metric"
        ).fetchall()
        stored = dict(
            connection.execute(
                "SELECT metric, value FROM mart.metric_value WHERE dimension = 'all'"
            ).fetchall()
        )
        for metric, view, expression in metrics:
            ((value,),) = connection.execute(f"SELECT {expression} FROM {view}").fetchall()
            assert float(value) == pytest.approx(stored[metric], rel=EXACT), metric


def test_what_does_not_exist_is_named_with_what_does(built: Project) -> None:
    with open_warehouse(built.published) as warehouse:
        with pytest.raises(LesionsError, match="objective_response_rate"):
            warehouse.measure("objective_rate")
        with pytest.raises(LesionsError, match="treatment"):
            warehouse.measure("n_patients", by=["treatmnt"])
        with pytest.raises(LesionsError, match=r"mart\.dim_patient"):
            warehouse.table("mart.dim_patients")
