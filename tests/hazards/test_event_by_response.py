"""Times by best overall response: against scipy, lifelines and the model fitted by itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import lesions, warehouse
from scipy.stats import kruskal

import flows.steps.events.event_by_response as module
from udfs.hazards import cox_data, design, factor, fit_cox, hazard_ratios, term_tests
from warehouse.build import StepRun
from warehouse.registry import installed_steps
from warehouse.settings import default_values

RESPONSES = ("CR", "PR", "SD", "PD")
MART = Path(__file__).resolve().parents[2] / "sql" / "mart" / "events" / "fig_event_by_response.sql"


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """300 patients: stated responses of most, worked-out ones of the others; modelled target
    lesions, of which some are left out by rule."""
    tables = lesions(n_patients=300, n_lesions=2000, seed=5)
    event = tables["event"].assign(source="observed")
    event["censor_reason"] = np.where(event["is_event"], None, "end_of_follow_up")
    target = event[event["lesion_type"] == "target"]
    event.loc[target.index[:9], "censor_reason"] = "no_assessment_after_baseline"
    modelled = target.assign(source="modelled", time_days=target["time_days"] * 0.9)
    connection = warehouse({**tables, "event": pd.concat([event, modelled], ignore_index=True)})
    answer = np.random.default_rng(1).choice(
        ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"], 300, p=[0.05, 0.3, 0.3, 0.1, 0.2, 0.05]
    )
    stated = pd.DataFrame({"patient_id": [f"P{k:04d}" for k in range(300)], "answer": answer})
    connection.register("stated", stated)
    connection.execute(
        "ALTER TABLE core.patient ADD COLUMN best_overall_response VARCHAR; "
        "UPDATE core.patient SET best_overall_response = answer FROM stated "
        "WHERE stated.patient_id = core.patient.patient_id AND core.patient.patient_id < 'P0250'; "
        "CREATE TABLE analysis.best_overall_response AS SELECT patient_id, 'x' AS reader, "
        "'derived' AS basis, TRUE AS is_counted_reader, answer AS best_overall_response "
        "FROM stated UNION ALL SELECT patient_id, 'y', 'derived', FALSE, 'CR' FROM stated "
        "UNION ALL SELECT patient_id, 'x', 'stated', TRUE, 'CR' FROM stated"
    )
    return connection


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    step = next(s for s in installed_steps() if s.function is module.event_by_response)
    context = StepRun(con, step, default_values(), lambda name, event: None)
    result = step.function(context)
    assert context.notes == []
    tables = {}
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns)
        con.register("columns", columns)
        con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        con.unregister("columns")
        tables[table.name.split(".")[1]] = columns.to_pandas()
    return tables


@pytest.fixture(scope="module")
def rows(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Modelled progression of target lesions with their patients' responses."""
    return con.sql(
        "SELECT e.*, replace(b.best_overall_response, 'NON-CR/NON-PD', 'SD') AS response "
        "FROM analysis.lesion_event AS e JOIN analysis.best_overall_response AS b USING "
        "(patient_id) WHERE b.is_counted_reader AND b.basis = 'derived' "
        "AND e.lesion_type = 'target' AND e.endpoint = 'progression' AND e.source = 'modelled' "
        "AND e.censor_reason IS DISTINCT FROM "
        "'no_assessment_after_baseline' ORDER BY e.lesion_id"
    ).df()


def of(frame: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in {"endpoint": "progression", "source": "modelled", **wanted}.items():
        frame = frame[frame[column] == value]
    return frame


def test_quantiles_are_of_lesions_with_the_event(
    found: dict[str, pd.DataFrame], rows: pd.DataFrame
) -> None:
    table = of(found["event_by_response"]).set_index("best_overall_response")
    assert list(table.index) == ["CR", "PR", "SD", "PD", "NE"]
    for name, group in rows.groupby("response"):
        days = group.loc[group["is_event"], "time_days"]
        row = table.loc[name]
        assert row["n_lesions"] == len(group)
        assert row["n_patients"] == group["patient_id"].nunique()
        assert row["n_events"] == len(days)
        assert row["mean_days"] == pytest.approx(days.mean())
        assert row["first_quartile"] == pytest.approx(days.quantile(0.25))
        assert row["median_event_days"] == pytest.approx(days.median())
        assert row["percentile_90"] == pytest.approx(days.quantile(0.9))


def test_kruskal_wallis_is_scipys_and_dunn_of_every_pair(
    found: dict[str, pd.DataFrame], rows: pd.DataFrame
) -> None:
    table = of(found["event_by_response_test"])
    seen = rows[rows["is_event"]]
    groups = [seen.loc[seen["response"] == name, "time_days"] for name in RESPONSES]
    expected = kruskal(*groups)
    row = table[table["test"] == "Kruskal-Wallis"].iloc[0]
    assert row["statistic"] == pytest.approx(expected.statistic)
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert row["n_a"] == sum(len(g) for g in groups)
    pairs = table[table["test"] == "Dunn"]
    assert len(pairs) == 6
    one = pairs[(pairs["group_a"] == "PR") & (pairs["group_b"] == "SD")].iloc[0]
    rank = pd.concat(groups).rank()
    n, (a, b) = len(rank), (groups[1], groups[2])
    ties = pd.concat(groups).value_counts()
    variance = n * (n + 1) / 12 - float((ties**3 - ties).sum()) / (12 * (n - 1))
    z = rank[a.index].mean() - rank[b.index].mean()
    z /= np.sqrt(variance * (1 / len(a) + 1 / len(b)))
    assert one["statistic"] == pytest.approx(z)
    assert (one["n_a"], one["n_b"]) == (len(a), len(b))


def test_log_rank_is_lifelines_and_its_trend_that_of_scores(
    found: dict[str, pd.DataFrame], rows: pd.DataFrame
) -> None:
    statistics = pytest.importorskip("lifelines.statistics")
    chosen = rows[rows["response"].isin(RESPONSES)]
    expected = statistics.multivariate_logrank_test(
        chosen["time_days"], chosen["response"], chosen["is_event"]
    )
    table = of(found["event_by_response_test"])
    row = table[table["test"] == "log-rank"].iloc[0]
    assert row["statistic"] == pytest.approx(expected.test_statistic, rel=1e-9)
    assert row["df"] == 3
    # The score test of a Cox model with the scores as a number is the test for trend.
    score = chosen["response"].map(RESPONSES.index).to_numpy(float)
    at_risk, event = chosen["time_days"].to_numpy(), chosen["is_event"].to_numpy()
    observed, variance = 0.0, 0.0
    for day in np.unique(at_risk[event]):
        here, dead = at_risk >= day, (at_risk == day) & event
        n, d = int(here.sum()), int(dead.sum())
        observed += score[dead].sum() - d * score[here].mean()
        variance += d * (n - d) / max(n - 1, 1) * score[here].var()
    trend = table[table["test"] == "log-rank trend"].iloc[0]
    assert trend["statistic"] == pytest.approx(observed / np.sqrt(variance), rel=1e-9)
    assert np.isnan(trend["df"])


def test_hazard_ratios_are_of_the_model_with_the_patients_effect(
    found: dict[str, pd.DataFrame], rows: pd.DataFrame
) -> None:
    table = of(found["event_by_response"]).set_index("best_overall_response")
    enough = [n for n in RESPONSES if table.loc[n, "n_events"] >= module.MIN_EVENTS]
    chosen = rows[rows["response"].isin(enough)]
    data = cox_data(
        chosen["time_days"].to_numpy(),
        chosen["is_event"].to_numpy(),
        design(factor("response", chosen["response"].to_numpy(str), reference="SD")),
        group=chosen["patient_id"].to_numpy(str),
    )
    fit = fit_cox(data)
    ratios = hazard_ratios(fit)
    for k, level in enumerate(ratios.level):
        assert table.loc[level, "hazard_ratio"] == pytest.approx(ratios.hazard_ratio[k], rel=1e-5)
        assert table.loc[level, "ci_lower"] == pytest.approx(ratios.lower[k], rel=1e-5)
    assert table.loc["SD", "hazard_ratio"] == 1
    assert np.isnan(table.loc["NE", "hazard_ratio"])
    test = of(found["event_by_response_test"], test="mixed-effects Cox").iloc[0]
    # The test's search for the variance stops sooner: at most 2e-4 in the likelihood.
    assert test["statistic"] == pytest.approx(term_tests(data, fit)[0].chi2, abs=1e-3)


def test_confidence_and_ties_are_settings(
    con: duckdb.DuckDBPyConnection, found: dict[str, pd.DataFrame]
) -> None:
    step = next(s for s in installed_steps() if s.function is module.event_by_response)
    given = {"hazards.confidence": 0.5, "hazards.ties": "breslow", "survival.confidence": 0.5}
    context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None)
    key = ["endpoint", "source", "best_overall_response"]
    narrow = step.function(context)["analysis.event_by_response"].to_pandas().set_index(key)
    usual = found["event_by_response"].set_index(key)
    ratio = narrow.dropna(subset="ci_lower").index
    assert len(ratio) > 0
    assert (narrow.loc[ratio, "ci_lower"] > usual.loc[ratio, "ci_lower"]).all()
    assert (narrow.loc[ratio, "ci_upper"] < usual.loc[ratio, "ci_upper"]).all()
    assert (narrow.loc[ratio, "hazard_ratio"] != usual.loc[ratio, "hazard_ratio"]).any()
    both = narrow["median_lower"].notna() & usual["median_lower"].notna()
    assert (narrow.loc[both, "median_lower"] >= usual.loc[both, "median_lower"]).all()
    assert (narrow.loc[both, "median_lower"] > usual.loc[both, "median_lower"]).any()


def test_a_response_whose_events_all_come_last_has_no_hazard_ratio() -> None:
    """Lesions of patients with CR progress after all others: no maximum."""
    tables = lesions(n_patients=60, n_lesions=300, seed=5)
    event = tables["event"].assign(censor_reason="end_of_follow_up", is_event=True)
    is_last = event["patient_id"] < "P0010"
    event["time_days"] += np.where(is_last, 5000, 0)
    con = warehouse({**tables, "event": event[event["lesion_type"] == "target"]})
    con.execute(
        "ALTER TABLE core.patient ADD COLUMN best_overall_response VARCHAR; UPDATE core.patient "
        "SET best_overall_response = CASE WHEN patient_id < 'P0010' THEN 'CR' ELSE 'SD' END; "
        "CREATE TABLE analysis.best_overall_response (patient_id VARCHAR, reader VARCHAR, "
        "basis VARCHAR, is_counted_reader BOOLEAN, best_overall_response VARCHAR)"
    )
    step = next(s for s in installed_steps() if s.function is module.event_by_response)
    context = StepRun(con, step, default_values(), lambda name, event: None)
    table = step.function(context)["analysis.event_by_response"].to_pandas()
    assert table["hazard_ratio"].isna().all()
    assert any("column 'CR' has no finite hazard ratio" in note for note in context.notes)


def test_a_response_without_events_has_hazard_ratio_0_with_a_limit() -> None:
    """Lesions of patients with PD never respond; the others' ratios are those without them."""
    tables = lesions(n_patients=90, n_lesions=500, seed=5)
    event = tables["event"].assign(censor_reason="end_of_follow_up")
    event = event[(event["lesion_type"] == "target") & (event["endpoint"] == "response")]
    event["is_event"] &= event["patient_id"] >= "P0030"
    found = {}
    for name, kept in (("all", event), ("without", event[event["patient_id"] >= "P0030"])):
        con = warehouse({**tables, "event": kept})
        con.execute(
            "ALTER TABLE core.patient ADD COLUMN best_overall_response VARCHAR; "
            "UPDATE core.patient "
            "SET best_overall_response = CASE WHEN patient_id < 'P0030' THEN 'PD' "
            "WHEN patient_id < 'P0060' THEN 'PR' ELSE 'SD' END; "
            "CREATE TABLE analysis.best_overall_response (patient_id VARCHAR, reader VARCHAR, "
            "basis VARCHAR, is_counted_reader BOOLEAN, best_overall_response VARCHAR)"
        )
        step = next(s for s in installed_steps() if s.function is module.event_by_response)
        context = StepRun(con, step, default_values(), lambda name, event: None)
        table = step.function(context)["analysis.event_by_response"].to_pandas()
        found[name] = table.set_index("best_overall_response")[["hazard_ratio", "ci_upper"]]
    ratio, limit = found["all"].loc["PD"]
    assert ratio == 0
    assert 0 < limit < 0.5
    assert found["all"].loc["PR"].tolist() == found["without"].loc["PR"].tolist()


def test_without_lesions_tables_are_empty_and_with_one_group_there_is_no_test() -> None:
    tables = lesions(n_patients=40, n_lesions=200, seed=5)
    event = tables["event"].assign(censor_reason="end_of_follow_up")
    for kept, n in ((event.iloc[:0], 0), (event, 2)):
        con = warehouse({**tables, "event": kept})
        con.execute(
            "ALTER TABLE core.patient ADD COLUMN best_overall_response VARCHAR DEFAULT 'PR'; "
            "CREATE TABLE analysis.best_overall_response (patient_id VARCHAR, reader VARCHAR, "
            "basis VARCHAR, is_counted_reader BOOLEAN, best_overall_response VARCHAR)"
        )
        step = next(s for s in installed_steps() if s.function is module.event_by_response)
        context = StepRun(con, step, default_values(), lambda name, event: None)
        result = step.function(context)
        assert result["analysis.event_by_response"].num_rows == n
        assert result["analysis.event_by_response_test"].num_rows == 0
        assert len(context.notes) == n


def test_the_figure_shows_both_tables(
    con: duckdb.DuckDBPyConnection, found: dict[str, pd.DataFrame]
) -> None:
    shown = con.sql(MART.read_text(encoding="utf-8")).df()
    assert len(shown) == len(found["event_by_response"])
    row = of(shown, best_overall_response="PR").iloc[0]
    tests = of(found["event_by_response_test"], test="Dunn")
    pair = tests[(tests["group_a"] == "PR") & (tests["group_b"] == "SD")].iloc[0]
    assert row["p_value_against_stable"] == pair["p_adjusted"]
    assert of(shown, best_overall_response="SD")["p_value_against_stable"].isna().all()
    assert row["display_name"] == "Partial response"
