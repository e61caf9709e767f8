"""The step on a small simulated project: accounting, settings, threads, events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from growth_steps.growth_project import (
    TRUTH,
    N,
    core_tables,
    database,
    follow_up,
    one_subset,
    rows,
    run,
)
from scipy.stats import norm

LARGEST_DISTANCE = 0.05
"""Standard errors between a warm and a cold fit."""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with database() as connection:
        notes = run(connection, run__threads=2)
        connection.execute("CREATE TABLE notes AS SELECT unnest(?::VARCHAR[]) AS note", [notes])
        yield connection


def test_every_analysed_target_lesion_is_fitted_or_set_aside(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(con, "SELECT n_lesions, n_excluded FROM analysis.growth_fit") == [(N, 3)]
    assert rows(con, "SELECT lesion_id, reason_id FROM analysis.growth_excluded ORDER BY 1") == [
        ("X1", "one_observation"),
        ("X2", "no_baseline"),
        ("X3", "no_volume"),
    ]
    assert f"growth of {N} target lesions (3 set aside)" in rows(con, "FROM notes")[0][0]


def test_baselines_do_not_count_and_small_volumes_are_censored(
    con: duckdb.DuckDBPyConnection,
) -> None:
    measured = core_tables()["measurement"]
    later = measured[measured["lesion_id"].str.startswith("L") & ~measured["is_baseline"]]
    ((n, n_censored),) = rows(con, "SELECT n_observations, n_censored FROM analysis.growth_fit")
    assert (n, n_censored) == (len(later), (later["volume_mm3"] < 200).sum())
    assert n_censored > 0


def test_estimates_are_near_the_truth(con: duckdb.DuckDBPyConnection) -> None:
    found = rows(con, "SELECT parameter, coalesce(total_sd, estimate), standard_error, estimate, "
                      "ci_lower, ci_upper FROM analysis.growth_population")  # fmt: skip
    assert {row[0] for row in found} == {*TRUTH, "gamma_kg", "gamma_kd", "gamma_f"}
    for parameter, value, error, estimate, low, high in found:
        if parameter.startswith("gamma_"):
            # Lesions of a patient are as different as any others here.
            assert estimate == 0 or low < estimate < high
            continue
        assert abs(value - TRUTH[parameter]) < 4 * error, parameter
        assert low < estimate < high


def test_both_levels_add_up_and_lesions_are_read_under_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(rows(con, "SELECT parameter, estimate FROM analysis.growth_population"))
    totals = dict(rows(con, "SELECT parameter, total_sd FROM analysis.growth_population"))
    ((gain, n_patients, with_patients),) = rows(
        con, "SELECT minus2ll_gain, n_patients, has_patient_effects FROM analysis.growth_fit"
    )
    assert with_patients
    assert n_patients == N // 2
    assert -1.0 < gain < 12.0  # no patient effects were simulated; a little Monte Carlo error
    for name in ("kg", "kd", "f"):
        total = np.hypot(found[f"omega_{name}"], found[f"gamma_{name}"])
        assert totals[f"omega_{name}"] == pytest.approx(total)
    # shrinkage of a lesion is its variance given the data over that between all lesions
    share = rows(con, "SELECT kg_shrinkage, log_kg_sd FROM analysis.growth_lesion")
    for shrinkage, sd in share:
        assert shrinkage == pytest.approx((sd / totals["omega_kg"]) ** 2)


def test_the_way_of_the_fit_leads_to_its_estimates(con: duckdb.DuckDBPyConnection) -> None:
    way = con.sql("FROM analysis.growth_trace ORDER BY step, parameter").df()
    stages = way.groupby("step")["stage"].first()
    assert stages.index.tolist() == list(range(1, len(stages) + 1))
    assert list(dict.fromkeys(stages)) == ["saem", "newton", "patients"]
    assert (stages == "saem").sum() == 100  # of a fit that patients' effects follow
    labels = way.groupby("stage")["parameter"].agg(set)
    estimates = con.sql("FROM analysis.growth_population").df().set_index("parameter")
    assert labels["saem"] == labels["newton"] == set(TRUTH)
    assert labels["patients"] == set(estimates.index)
    # The last step has the most nodes, and moves an estimate by less than half its error.
    last = way[way["step"] == way["step"].max()].set_index("parameter")["estimate"]
    known = estimates[estimates["standard_error"].notna()]
    assert len(known) >= len(TRUTH)
    off = (last[known.index] - known["estimate"]).abs() / known["standard_error"]
    assert off.max() < 0.5
    # Where the likelihood is that of all patients, it ends near the one that is stated.
    ((stated,),) = rows(con, "SELECT minus2ll FROM analysis.growth_fit")
    assert way["minus2ll"].iloc[-1] == pytest.approx(stated, abs=1.0)


def test_without_patient_effects_lesions_are_independent() -> None:
    with database() as other:
        run(other, growth__patient_effects=False)
        assert rows(other, "SELECT DISTINCT stage FROM analysis.growth_trace ORDER BY 1") == [
            ("newton",), ("saem",)
        ]  # fmt: skip
        assert len(rows(other, "FROM analysis.growth_population")) == len(TRUTH)
        assert rows(other, "SELECT n_patients, minus2ll_gain, has_patient_effects "
                           "FROM analysis.growth_fit") == [(None, None, False)]  # fmt: skip


def test_drop_out_is_told(con: duckdb.DuckDBPyConnection) -> None:
    effects = rows(con, "SELECT term, n_events, estimate / standard_error, p_value, hazard_ratio, "
                        "ci_lower, ci_upper FROM analysis.growth_dropout "
                        "WHERE kind = 'effect' ORDER BY term")  # fmt: skip
    assert [row[0] for row in effects] == ["f", "kd", "kg"]
    for _, n_events, z, p_value, ratio, low, high in effects:
        assert n_events == 24
        if z is None:  # patients do not vary in it
            assert ratio == 1.0
            assert (p_value, low, high) == (None, None, None)
            continue
        assert abs(z) < 3.5  # the events are by chance
        assert p_value == pytest.approx(2 * norm.sf(abs(z)))
        assert low < ratio < high
    # one piece: its rate times the time at risk is near the number of events
    ((rate, n_events, start, end),) = rows(
        con, "SELECT estimate, n_events, from_day, to_day FROM analysis.growth_dropout "
             "WHERE kind = 'rate'"
    )  # fmt: skip
    assert (n_events, start, end) == (24, 0.0, None)
    assert rate == pytest.approx(24 / follow_up()["time_days"].sum(), rel=0.35)
    assert rows(con, "SELECT has_dropout, n_dropout_events FROM analysis.growth_fit") == [
        (True, 24)
    ]


def test_drop_out_can_be_left_out() -> None:
    with database() as other:
        run(other, growth__dropout=False)
        assert rows(other, "FROM analysis.growth_dropout") == []
        assert rows(other, "SELECT has_dropout, n_dropout_events FROM analysis.growth_fit") == [
            (False, None)
        ]


def test_lesions_of_unknown_patients_stand_alone_beside_those_of_patients() -> None:
    """Two of the 20 patients of 40 lesions are not known."""
    with database(lesions=40) as other:
        other.execute("UPDATE core.lesion SET patient_id = NULL WHERE patient_id IN ('P3', 'P7')")
        one_subset(other)
        run(other, growth__draws=20)
        assert rows(other, "SELECT n_lesions, n_patients, has_patient_effects "
                           "FROM analysis.growth_fit") == [(40, 22, True)]  # fmt: skip
        assert rows(other, "SELECT count(*), count(patient_id) FROM analysis.growth_lesion "
                           "WHERE estimate_kind = 'conditional_mode'") == [(40, 36)]  # fmt: skip


def test_sizes_after_a_local_treatment_are_no_growth_data() -> None:
    """L000 is treated right after its baseline, L001 after its first scan, L002 not at all."""
    with database(lesions=40) as other:
        first = rows(
            other,
            "SELECT lesion_id, min(day) FROM core.measurement WHERE NOT is_baseline AND lesion_id "
            "IN ('L000', 'L001') GROUP BY ALL ORDER BY ALL",
        )
        treated = [("L000", 1), ("L001", first[1][1] + 1)]
        after = sum(
            rows(other, f"SELECT count(*) FROM core.measurement WHERE lesion_id = '{lesion}' "
                        f"AND day >= {day}")[0][0]
            for lesion, day in treated
        )  # fmt: skip
        run(other, growth__draws=20)
        (before,) = rows(other, "SELECT n_observations FROM analysis.growth_fit")
        other.executemany(
            "INSERT INTO analysis.lesion_cutoff VALUES (?, ?, 'local_treatment')", treated
        )
        run(other, growth__draws=20)
        assert rows(other, "SELECT lesion_id, reason_id FROM analysis.growth_excluded") == [
            ("L000", "local_treatment")
        ]
        (left,) = rows(other, "SELECT n_observations FROM analysis.growth_fit")
        assert (left[0], after > 2) == (before[0] - after, True)
        ends = rows(
            other,
            "SELECT DISTINCT time_days, censor_reason FROM analysis.modelled_event "
            "WHERE lesion_id = 'L001' AND NOT is_event",
        )
        assert ends == [(float(treated[1][1]), "local_treatment")]
        assert rows(
            other,
            "SELECT count(*) FROM analysis.modelled_event "
            f"WHERE lesion_id = 'L001' AND is_event AND time_days > {treated[1][1]}",
        ) == [(0,)]


def test_modelled_events_end_with_the_last_scan_and_the_horizon() -> None:
    """The same curves: events up to the horizon stand as they were, later ones end there."""
    wanted = (
        "SELECT lesion_id, endpoint, rule_set, time_days, is_event FROM analysis.modelled_event "
        "ORDER BY ALL"
    )
    with database(lesions=40) as other:
        run(other, growth__draws=20)
        whole = rows(other, wanted)
        other.execute("UPDATE analysis.scan SET last_day = 120")
        last = dict(rows(other, "SELECT lesion_id, last_measured_day FROM core.lesion"))
        for horizon in (0, 60):
            run(other, growth__draws=20, growth__event_horizon_days=horizon)
            ends = [max(120, last[row[0]]) + horizon for row in whole]
            # A crossing is found by a search, whose last digit depends on where it ends.
            assert rows(other, wanted) == [
                (*row[:3], pytest.approx(row[3], rel=1e-12), row[4])
                if row[3] <= end
                else (*row[:3], min(end, 500), False)
                for row, end in zip(whole, ends, strict=True)
            ]
            assert sum(row[4] and row[3] > end for row, end in zip(whole, ends, strict=True)) > 5


def test_a_warm_start_agrees_with_a_cold_one(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "published.duckdb"
    cold = con.sql("FROM analysis.growth_population").df()
    moved = cold.assign(estimate=cold["estimate"] * 1.1)  # as if lesions had been added since
    with duckdb.connect(str(path)) as published:
        published.register("moved", moved)
        published.execute("CREATE SCHEMA analysis")
        published.execute("CREATE TABLE analysis.growth_population AS SELECT * FROM moved")
    with database() as other:
        run(other, published=path, growth__warm_start=True)
        warm = other.sql("FROM analysis.growth_population").df()
        assert rows(other, "SELECT is_warm_start FROM analysis.growth_fit") == [(True,)]
        run(other, growth__warm_start=True)  # nothing is published
        assert rows(other, "SELECT is_warm_start FROM analysis.growth_fit") == [(False,)]
        again = other.sql("FROM analysis.growth_population").df()
    assert warm["parameter"].tolist() == cold["parameter"].tolist()
    known = cold["standard_error"] > 0
    apart = np.abs(warm["estimate"] - cold["estimate"])[known] / cold["standard_error"][known]
    assert apart.max() < LARGEST_DISTANCE
    pd.testing.assert_frame_equal(again, cold)


def test_threads_change_no_byte(con: duckdb.DuckDBPyConnection) -> None:
    with database() as other:
        run(other, run__threads=1)
        for table in ("growth_fit", "growth_lesion", "growth_curve", "modelled_event"):
            assert rows(other, f"FROM analysis.{table}") == rows(con, f"FROM analysis.{table}")


def test_curves_pass_through_the_model_and_lie_in_their_band(
    con: duckdb.DuckDBPyConnection,
) -> None:
    table = con.execute(
        "SELECT c.day, c.volume_mm3, c.lower, c.upper, g.kg_per_day, g.kd_per_day, g.f, "
        "l.baseline_volume_mm3 AS v0, l.baseline_day AS t0 FROM analysis.growth_curve AS c "
        "INNER JOIN analysis.growth_lesion AS g ON c.lesion_id = g.lesion_id AND g.estimate_kind = "
        "'conditional_mode' INNER JOIN core.lesion AS l ON c.lesion_id = l.lesion_id"
    ).df()
    kg, kd, day, t0 = table["kg_per_day"], table["kd_per_day"], table["day"], table["t0"]
    treated = np.exp(-kg * t0) * (
        table["f"] * np.exp(kg * day) + (1 - table["f"]) * np.exp(-kd * day)
    )
    wanted = table["v0"] * np.where(day < 0, np.exp(kg * (day - t0)), treated)
    np.testing.assert_allclose(table["volume_mm3"], wanted, rtol=1e-9)
    inside = (table["lower"] <= table["volume_mm3"] * (1 + 1e-9)) & (
        table["volume_mm3"] <= table["upper"] * (1 + 1e-9)
    )
    assert inside.mean() > 0.9


def test_modelled_events_meet_their_rule_on_the_curve(con: duckdb.DuckDBPyConnection) -> None:
    table = con.execute(
        "SELECT e.*, g.kg_per_day AS kg, g.kd_per_day AS kd, g.f FROM analysis.modelled_event AS e "
        "INNER JOIN analysis.growth_lesion AS g ON e.lesion_id = g.lesion_id AND g.estimate_kind = "
        "'conditional_mode' WHERE e.rule_set = 'recist_volume'"
    ).df()
    assert len(table) == 2 * N

    def ratio(day: pd.Series) -> pd.Series:
        """Volume over that on day 0."""
        return table["f"] * np.exp(table["kg"] * day) + (1 - table["f"]) * np.exp(
            -table["kd"] * day
        )

    days = np.linspace(0, 500, 5001)
    at = ratio(table["time_days"])
    is_response = table["endpoint"] == "response"
    happened = table["is_event"]
    assert happened.sum() > 10
    np.testing.assert_allclose(at[is_response & happened], 0.343, rtol=1e-8)
    lowest = np.min([ratio(pd.Series(day, table.index)) for day in days], axis=0)
    grown = ~is_response & happened
    np.testing.assert_allclose(at[grown], 1.728 * lowest[grown], rtol=1e-4)
    assert (lowest[is_response & ~happened] > 0.343).all()
    followed = np.maximum(500, table["last_assessment_day"])
    assert (table["time_days"] == followed)[~happened].all()
    assert (table["time_days"] <= followed).all()
    assert set(table.loc[~happened, "censor_reason"]) == {"death"}
    assert (table["time_lower"] <= table["time_upper"]).loc[table["time_upper"].notna()].all()


def test_the_event_baseline_may_be_the_measured_one(con: duckdb.DuckDBPyConnection) -> None:
    with database() as other:
        run(other, growth__event_baseline="measured")
        same = "SELECT kg_per_day FROM analysis.growth_lesion"
        assert rows(other, same) == rows(con, same)
        days = "SELECT time_days FROM analysis.modelled_event WHERE endpoint = 'response'"
        later = np.array(rows(other, days)) - np.array(rows(con, days))
        # The lesion grew until day 0: the measured baseline is smaller and is reached later.
        assert later.min() >= -1e-9
        assert later.max() > 0


def test_too_few_lesions_give_empty_tables_and_a_note() -> None:
    with database(lesions=20) as con:
        assert run(con) == [
            "no growth model: 20 target lesions can be used, growth.fewest_lesions asks for 30"
        ]
        assert rows(con, "SELECT count(*) FROM analysis.growth_fit") == [(0,)]
        assert rows(con, "SELECT count(*) FROM analysis.modelled_event") == [(0,)]
        what = "fit_id, subset, reason_id, reason, count(*)"
        assert rows(con, f"SELECT {what} FROM analysis.growth_excluded GROUP BY ALL") == [
            (
                "all/two_population",
                "all",
                "small_subset",
                "the subset has no fit: 20 target lesions can be used, growth.fewest_lesions asks "
                "for 30",
                20,
            )
        ]


def test_a_fit_that_breaks_down_is_a_verdict_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sizes that hardly vary leave a residual error of 0, and matrices without an inverse."""

    def broken(*args: Any, **kwargs: Any) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr("flows.steps.growth.parts.fitting.fit_growth", broken)
    with database(lesions=40) as con:
        why = "the measurements do not identify the model: Singular matrix during the fit"
        assert run(con) == [f"no growth model: {why}"]
        excluded = "SELECT reason_id, reason, count(*) FROM analysis.growth_excluded GROUP BY ALL"
        assert rows(con, excluded) == [("no_fit", f"the subset has no fit: {why}", 40)]


ESTIMATES = """
SELECT parameter, estimate, standard_error FROM analysis.growth_population
WHERE subset = '{}' ORDER BY 1
"""
EVENTS = """
SELECT * FROM analysis.modelled_event WHERE lesion_id BETWEEN '{}' AND '{}' ORDER BY ALL
"""


def test_a_subset_is_fitted_as_if_it_were_alone() -> None:
    """Forty lesions of one tumor type, and twenty of another, which are too few."""
    with database() as con, database(lesions=40) as alone:
        con.execute(
            "UPDATE analysis.growth_subset SET subset = if(regexp_matches(member_id, "
            "'^P1?[0-9]$'), 'tumor type A', 'tumor type O''B')"
        )
        notes = run(con)
        run(alone)
        assert "growth of 40 target lesions of tumor type A (0 set aside)" in " ".join(notes)
        assert any(
            note.startswith("no growth model of tumor type O'B: 20 target lesions can be used")
            for note in notes
        )
        assert rows(con, "SELECT fit_id, subset, n_lesions FROM analysis.growth_fit") == [
            ("tumor type A/two_population", "tumor type A", 40)
        ]
        assert rows(con, ESTIMATES.format("tumor type A")) == rows(alone, ESTIMATES.format("all"))
        assert rows(con, EVENTS.format("L000", "L039")) == rows(alone, EVENTS.format("L", "M"))
        assert rows(con, EVENTS.format("L040", "X")) == []
        excluded = "SELECT subset, reason_id, count(*) FROM analysis.growth_excluded GROUP BY ALL"
        assert rows(con, excluded) == [("tumor type O'B", "small_subset", 23)]


def test_too_few_lesions_are_told_why() -> None:
    with database() as con:
        assert run(con, growth__fewest_lesions=100) == [
            "no growth model: 60 target lesions can be used, growth.fewest_lesions asks for 100. "
            "Not used are 1: No baseline; 1: measured once only; 1: no positive baseline volume, "
            "or no day for it"
        ]


def test_estimates_are_held_against_the_marginal_truth(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(5)
    phi = rng.normal([-6.0, -4.0, -1.0], [0.8, 0.9, 1.5], (N, 3))
    truth = pd.DataFrame({
        "lesion_id": [f"L{i:03d}" for i in range(N)],
        "kg_per_day": np.exp(phi[:, 0]),
        "kd_per_day": np.exp(phi[:, 1]),
        "f": 1 / (1 + np.exp(-phi[:, 2])),
        "b": 0.25,
    })  # fmt: skip
    model = Path(__file__).resolve().parents[2] / "sql/analysis/growth/growth_truth.sql"
    con.register("truth", truth)
    con.execute("CREATE OR REPLACE TABLE staging.simulated_lesion AS SELECT * FROM truth")
    found = con.sql(model.read_text()).df().set_index("parameter")
    assert set(found.index) == set(TRUTH)
    assert set(found["n_simulated"]) == set(found["n_lesions"]) == {N}
    values = {
        "kg_pop": np.exp(phi[:, 0].mean()),
        "kd_pop": np.exp(phi[:, 1].mean()),
        "f_pop": 1 / (1 + np.exp(-phi[:, 2].mean())),
        "omega_kg": phi[:, 0].std(),
        "omega_kd": phi[:, 1].std(),
        "omega_f": phi[:, 2].std(),
        "b": 0.25,
    }
    stated = dict(rows(con, "SELECT parameter, coalesce(total_sd, estimate) "
                            "FROM analysis.growth_population"))  # fmt: skip
    for parameter, value in values.items():
        row = found.loc[parameter]
        assert row["truth"] == pytest.approx(value, rel=1e-9)
        assert row["relative_difference"] == pytest.approx(stated[parameter] / value - 1, abs=1e-9)
        tolerance = 0.05 if parameter in ("kg_pop", "kd_pop") else 0.1
        assert row["is_within"] == (abs(row["relative_difference"]) <= tolerance)
    # Another model has no F of lesions: its b and its rates are not those that made the data.
    other = "CREATE OR REPLACE TABLE analysis.growth_lesion AS SELECT * REPLACE ({} AS f) FROM kept"
    con.execute("CREATE TEMP TABLE kept AS FROM analysis.growth_lesion")
    con.execute(other.format("NULL::DOUBLE"))
    assert con.sql(model.read_text()).fetchall() == []
    con.execute(other.format("f"))
    con.execute("DELETE FROM staging.simulated_lesion")
    assert con.sql(model.read_text()).fetchall() == []
