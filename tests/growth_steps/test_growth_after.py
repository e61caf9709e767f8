"""The steps after the growth fit, on a small simulated project."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import numpy as np
import pytest
from growth_steps.growth_project import ORGANS, N, database
from scipy.stats import kruskal

from flows.steps.growth.parts.checks import vpc_rows
from flows.steps.growth.parts.rebuilt import Rebuilt
from udfs.growth import PredictiveCheck
from warehouse.build import StepRun
from warehouse.errors import LesionsError
from warehouse.registry import installed_steps
from warehouse.settings import default_values

CHAIN = ("growth", "growth_check", "growth_covariate", "growth_association")
FIT_ID = "all/two_population"


def with_patients(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Adds what the steps after the fit know of patients: every other one had an antibody."""
    con.execute("ALTER TABLE core.lesion ADD COLUMN study_id VARCHAR DEFAULT 's1'")
    con.execute(
        "CREATE TABLE analysis.patient_profile AS SELECT patient_id, 'A' AS treatment, "
        "NULL::VARCHAR AS kras_status, if(is_control, 'chemotherapy alone', 'bevacizumab plus "
        "chemotherapy') AS therapy, if(is_control, 'chemotherapy alone', 'targeted plus "
        "chemotherapy') AS targeting, if(is_control, 'chemotherapy', 'antibody plus chemotherapy') "
        "AS treatment_class FROM (SELECT patient_id, coalesce(TRY_CAST(substr(patient_id, 2) AS "
        "INTEGER) % 2 = 0, true) AS is_control FROM core.patient)"
    )
    for column in (
        "race VARCHAR DEFAULT 'WHITE'",
        "sex VARCHAR DEFAULT 'M'",
        "prior_surgery BOOLEAN DEFAULT true",
        "line_of_therapy INTEGER DEFAULT 1",
        "arm VARCHAR DEFAULT 'A'",
        "treatment_class VARCHAR",
    ):
        con.execute(f"ALTER TABLE core.patient ADD COLUMN {column}")
    # Every fifth patient's target lesions progress on the last scan.
    con.execute(
        "CREATE TABLE analysis.visit_response AS SELECT DISTINCT patient_id, day, "
        "day AS target_day, true AS is_analysis_reader, "
        "if(day = max(day) OVER (PARTITION BY patient_id) AND "
        "TRY_CAST(substr(patient_id, 2) AS INTEGER) % 5 = 0, 'PD', 'SD') AS target_response "
        "FROM core.measurement INNER JOIN core.lesion USING (lesion_id)"
    )
    con.execute(
        "UPDATE core.patient SET treatment_class = profile.treatment_class FROM "
        "analysis.patient_profile AS profile WHERE patient.patient_id = profile.patient_id"
    )
    return con


def run(con: duckdb.DuckDBPyConnection, name: str, **settings: Any) -> list[str]:
    """Runs one step as the engine does, writes its tables and returns its notes."""
    step = next(one for one in installed_steps() if one.name == name)
    given = {key.replace("__", "."): value for key, value in settings.items()}
    context = StepRun(con, step, {**default_values(), **given}, lambda name, event: None)
    result = step.function(context)
    assert set(result) == {table.name for table in step.writes}
    for table in step.writes:
        columns = result[table.name]
        assert columns.column_names == list(table.columns), table.name
        con.register("columns", columns)
        con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM columns")
        key = ", ".join(table.key)
        repeated = f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        assert con.execute(repeated).fetchall() == [], table.name
    return context.notes


SIZES = ("p05", "p50", "p95", "p05_uncorrected", "p50_uncorrected", "p95_uncorrected")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with with_patients(database()) as connection:
        for name in CHAIN:
            run(connection, name, run__threads=2)
        yield connection


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def tables_of(*names: str) -> list[str]:
    return [table.name for step in installed_steps() if step.name in names for table in step.writes]


def test_every_evaluated_measurement_has_its_residual(con: duckdb.DuckDBPyConnection) -> None:
    ((n, censored),) = rows(con, "SELECT n_observations, n_censored FROM analysis.growth_fit")
    counted = "SELECT count(*), count(*) FILTER (is_censored) FROM analysis.growth_residual"
    assert rows(con, counted) == [(n, censored)]
    table = con.execute(
        "SELECT r.*, p.estimate AS b FROM analysis.growth_residual AS r, "
        "analysis.growth_population AS p WHERE p.parameter = 'b'"
    ).df()
    measured = table[~table["is_censored"]]
    by_hand = (measured["volume_mm3"] / measured["individual_mm3"] - 1) / measured["b"]
    np.testing.assert_allclose(measured["individual_residual"], by_hand, rtol=1e-9)
    # The curve of growth_curve is the same prediction, worked out by another step.
    curve = con.execute(
        "SELECT r.individual_mm3, c.volume_mm3 FROM analysis.growth_residual AS r INNER JOIN "
        "analysis.growth_curve AS c ON r.lesion_id = c.lesion_id AND r.day = c.day"
    ).df()
    assert len(curve) == n
    np.testing.assert_allclose(curve["individual_mm3"], curve["volume_mm3"], rtol=1e-4)


def test_checks_of_the_fit_come_from_the_residuals(con: duckdb.DuckDBPyConnection) -> None:
    scores = con.execute("SELECT npde, is_censored FROM analysis.growth_residual").df()
    ((n, censored, mean, variance, adequate),) = rows(
        con,
        "SELECT n_rows, n_censored, mean, variance, is_adequate FROM analysis.growth_fit_check "
        "WHERE quantity = 'npde' AND stratum_kind = 'all'",
    )
    assert (n, censored) == (len(scores), scores["is_censored"].sum())
    assert mean == pytest.approx(scores["npde"].mean())
    assert variance == pytest.approx(scores["npde"].var())
    assert adequate == (abs(mean) <= 0.1 and 0.8 <= variance <= 1.25)
    ((shrinkage, spread),) = rows(
        con,
        "SELECT epsilon_shrinkage, 1 - sqrt(variance) FROM analysis.growth_fit_check "
        "WHERE quantity = 'individual_residual' AND stratum_kind = 'all'",
    )
    assert shrinkage == pytest.approx(spread)


def test_predictive_checks_hold_every_row_up_to_the_patients_ends(
    con: duckdb.DuckDBPyConnection,
) -> None:
    n, m = rows(
        con,
        "WITH target AS (SELECT patient_id, min(day) AS day FROM analysis.visit_response WHERE "
        "target_response = 'PD' GROUP BY ALL) SELECT count(*), count(*) FILTER (r.day <= "
        "coalesce(least(if(f.is_event, f.time_days, NULL), t.day), f.time_days, r.day)) FROM "
        "analysis.growth_residual AS r LEFT JOIN analysis.growth_follow_up AS f USING (patient_id) "
        "LEFT JOIN target AS t USING (patient_id)",
    )[0]
    assert m < n  # some were measured after progression
    found = rows(
        con,
        "SELECT stratum_kind, stratum, sum(n_rows) FROM analysis.growth_vpc WHERE quantity = 'p50' "
        "GROUP BY ALL ORDER BY ALL",
    )
    assert found[0] == ("all", "all", m)
    assert sum(count for kind, _, count in found if kind != "all") in (0, m)
    quantities = rows(
        con,
        "SELECT quantity, bool_and(simulates_dropout) FROM analysis.growth_vpc GROUP BY ALL "
        "ORDER BY ALL",
    )
    assert quantities == [(q, True) for q in sorted({*SIZES, "censored", "followed"})]


def test_without_drop_out_every_row_is_checked_and_nobody_leaves(
    con: duckdb.DuckDBPyConnection,
) -> None:
    (n,) = rows(con, "SELECT n_observations FROM analysis.growth_fit")[0]
    con.begin()
    con.execute("DELETE FROM analysis.growth_dropout")
    run(con, "growth_check", growth__vpc_simulations=20, growth__check_strata="none")
    found = rows(
        con,
        "SELECT quantity, simulates_dropout, sum(n_rows), count(is_inside) = count(*) FROM "
        "analysis.growth_vpc GROUP BY ALL ORDER BY ALL",
    )
    con.rollback()
    assert found == [(q, False, n, True) for q in sorted({*SIZES, "censored"})]


def test_a_bin_that_no_simulation_reaches_has_no_band() -> None:
    nothing, one = np.full((1, 3), np.nan), np.ones(1)
    check = PredictiveCheck(
        day_from=one, day_to=one, day_middle=one, n_rows=np.array([7]),
        percentile=np.array([5.0, 50.0, 95.0]), observed=np.array([[1.0, 2.0, 3.0]]),
        lower=nothing, median=nothing, upper=nothing, is_inside=np.zeros((1, 3), dtype=bool),
        censored_observed=0 * one, censored_lower=0 * one, censored_median=0 * one,
        censored_upper=one, level=0.9, followed_observed=0.5 * one, followed_lower=0.6 * one,
        followed_median=0.7 * one, followed_upper=one, raw_observed=np.array([[4.0, 5.0, 6.0]]),
        raw_lower=nothing, raw_median=nothing, raw_upper=nothing,
    )  # fmt: skip
    found = vpc_rows(cast(Rebuilt, SimpleNamespace(fit_id=FIT_ID)), {("all", "all"): check})
    by_name = {row["quantity"]: row for row in found.to_pylist()}
    assert by_name["p50"]["observed"] == 2.0
    assert by_name["p95_uncorrected"]["observed"] == 6.0
    for name in ("simulated_lower", "simulated_median", "simulated_upper", "is_inside"):
        assert by_name["p50"][name] is None
    assert by_name["censored"]["is_inside"] is True
    assert by_name["followed"]["is_inside"] is False


def test_parameters_are_those_of_the_fit(con: duckdb.DuckDBPyConnection) -> None:
    table = con.execute(
        "SELECT p.value, p.sd, p.shrinkage, p.estimate_kind, CASE p.parameter WHEN 'kg' THEN "
        "l.kg_per_day WHEN 'kd' THEN l.kd_per_day ELSE l.f END AS wanted FROM "
        "analysis.growth_lesion_parameter AS p INNER JOIN analysis.growth_lesion AS l USING "
        "(fit_id, lesion_id, estimate_kind)"
    ).df()
    assert len(table) == N * 3 * 2
    modes = table[table["estimate_kind"] == "conditional_mode"]
    np.testing.assert_allclose(modes["value"], modes["wanted"], rtol=2e-3)
    # Means come from other importance nodes: Monte Carlo error of some hundredths.
    means = table[table["estimate_kind"] == "conditional_mean"]
    assert np.abs(np.log(means["value"] / means["wanted"])).median() < 0.03
    draws = con.execute(
        "SELECT d.parameter, list_avg(gaussian_draws) AS middle, p.gaussian_value, p.gaussian_sd "
        "FROM analysis.growth_draw AS d INNER JOIN analysis.growth_lesion_parameter AS p USING "
        "(fit_id, lesion_id, parameter) WHERE p.estimate_kind = 'conditional_mean'"
    ).df()
    off = (draws["middle"] - draws["gaussian_value"]) / draws["gaussian_sd"]
    assert np.sqrt((off**2).mean()) < 1.3 / np.sqrt(20)


def test_rank_tests_are_scipys(con: duckdb.DuckDBPyConnection) -> None:
    table = con.execute(
        "SELECT organ, kd_per_day FROM analysis.growth_lesion WHERE estimate_kind = "
        "'conditional_mode'"
    ).df()
    groups = [part["kd_per_day"].to_numpy() for _, part in table.groupby("organ")]
    reference = kruskal(*groups)
    ((n, statistic, p_value),) = rows(
        con,
        "SELECT n_a, statistic, p_value FROM analysis.growth_comparison WHERE grouping = 'organ' "
        "AND parameter = 'kd' AND estimate_kind = 'conditional_mode' AND test = 'Kruskal-Wallis'",
    )
    assert (n, statistic) == (N, pytest.approx(reference.statistic, rel=1e-6))
    assert p_value == pytest.approx(reference.pvalue, rel=1e-5)
    pairs = "SELECT count(*) FROM analysis.growth_comparison WHERE grouping = 'organ' AND "
    assert rows(con, pairs + "test = 'Dunn'") == [(3 * 2 * 6,)]
    by_organ = rows(con, "SELECT DISTINCT kruskal_wallis_p FROM analysis.growth_by_organ WHERE "
                         "parameter = 'kd_per_day'")  # fmt: skip
    assert by_organ == [(pytest.approx(p_value),)]


def test_covariates_are_compared_with_their_reference(con: duckdb.DuckDBPyConnection) -> None:
    found = rows(con, "SELECT covariate, level, reference, n_lesions + n_reference FROM "
                      "analysis.growth_covariate WHERE parameter = 'f' ORDER BY ALL")  # fmt: skip
    assert [row[:3] for row in found[-1:]] == [
        ("therapy", "bevacizumab plus chemotherapy", "chemotherapy alone")
    ]
    assert found[-1][3] == N
    assert {row[1] for row in found if row[0] == "organ"} | {found[0][2]} == set(ORGANS)
    tests = rows(con, "SELECT covariate, df FROM analysis.growth_covariate_test WHERE test = "
                      "'likelihood ratio' ORDER BY ALL")  # fmt: skip
    assert tests == [("organ", 9), ("therapy", 3)]
    same = rows(
        con,
        "SELECT count(*) FROM analysis.growth_effect AS e INNER JOIN analysis.growth_covariate "
        "AS c ON e.parameter = c.parameter AND e.treatment = c.level AND e.difference = c.effect "
        "WHERE e.estimate_kind = 'covariate_model'",
    )
    assert same == [(3,)]


def test_effects_and_correlations_are_those_of_the_lesions(con: duckdb.DuckDBPyConnection) -> None:
    table = con.execute(
        "SELECT therapy, gaussian_value FROM analysis.growth_lesion_parameter INNER JOIN "
        "core.lesion USING (lesion_id) INNER JOIN analysis.patient_profile USING (patient_id) "
        "WHERE parameter = 'kg' AND estimate_kind = 'conditional_mode'"
    ).df()
    mean = table.groupby("therapy")["gaussian_value"].mean()
    ((difference,),) = rows(
        con,
        "SELECT difference FROM analysis.growth_effect WHERE organ = 'all' AND parameter = 'kg' "
        "AND estimate_kind = 'conditional_mode' AND adjustment = 'none'",
    )
    wanted = mean["bevacizumab plus chemotherapy"] - mean["chemotherapy alone"]
    assert difference == pytest.approx(wanted)
    kinds = rows(con, "SELECT level, estimate_kind, count(*), bool_and(is_ecological) FROM "
                      "analysis.growth_correlation GROUP BY ALL ORDER BY ALL")  # fmt: skip
    assert kinds == [
        ("lesion", "conditional_mean", 3, False),
        ("lesion", "conditional_mode", 3, False),
        ("lesion", "draws", 3, False),
        ("lesion", "full_omega", 3, False),
        ("organ", "conditional_mean", 3, True),
        ("organ", "conditional_mode", 3, True),
        ("organ", "covariate_model", 3, True),
        ("organ", "draws", 3, True),
    ]
    wide = con.execute(
        "PIVOT (SELECT lesion_id, parameter, gaussian_value FROM analysis.growth_lesion_parameter "
        "WHERE estimate_kind = 'conditional_mode') ON parameter USING first(gaussian_value)"
    ).df()
    ((r,),) = rows(
        con,
        "SELECT r FROM analysis.growth_correlation WHERE level = 'lesion' AND estimate_kind = "
        "'conditional_mode' AND x = 'log_kg' AND y = 'logit_f'",
    )
    assert r == pytest.approx(np.corrcoef(wide["kg"], wide["f"])[0, 1])
    volume = con.execute("SELECT lesion_id, baseline_volume_mm3 FROM core.lesion").df()
    both = wide.merge(volume, on="lesion_id")
    ((r,),) = rows(
        con,
        "SELECT r FROM analysis.growth_baseline WHERE burden = 'lesion_volume' AND "
        "parameter = 'kd' AND estimate_kind = 'conditional_mode'",
    )
    wanted = np.corrcoef(np.log(both["baseline_volume_mm3"]), both["kd"])[0, 1]
    assert r == pytest.approx(wanted)


def test_organs_volume_against_growth_is_the_line_through_their_means(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Worked out again from the lesions; the line's slope has the p-value of the correlation."""
    from scipy.stats import linregress

    lesions = con.execute(
        "SELECT organ, ln(baseline_volume_mm3) AS volume, gaussian_value AS kd FROM core.lesion "
        "JOIN analysis.growth_lesion_parameter USING (lesion_id) WHERE parameter = 'kd' AND "
        "estimate_kind = 'conditional_mode'"
    ).df()
    organ = lesions.groupby("organ").filter(lambda part: len(part) >= 5).groupby("organ")
    mean, n = organ.mean(), organ.size()
    wanted = linregress(mean["volume"], mean["kd"])
    chosen = "WHERE parameter = 'kd' AND estimate_kind = 'conditional_mode'"
    found = con.execute(f"FROM analysis.growth_baseline {chosen} AND level = 'organ'").df().iloc[0]
    assert (found["n_organs"], found["n_lesions"]) == (len(n), n.sum())
    assert (found["r"], found["p_value"]) == pytest.approx((wanted.rvalue, wanted.pvalue))
    point = con.execute(f"FROM analysis.growth_baseline_organ {chosen}").df().set_index("organ")
    assert point["n_lesions"].to_dict() == n.to_dict()
    np.testing.assert_allclose(np.log(point["value"]), mean["kd"].loc[point.index])
    np.testing.assert_allclose(np.log(point["baseline_volume_mm3"]), mean["volume"])
    line = wanted.intercept + wanted.slope * mean["volume"]
    np.testing.assert_allclose(np.log(point["fitted"]), line.loc[point.index])


def test_threads_and_order_of_rows_change_no_byte(con: duckdb.DuckDBPyConnection) -> None:
    with with_patients(database()) as other:
        other.execute("CREATE OR REPLACE TABLE core.measurement AS SELECT * FROM core.measurement "
                      "ORDER BY day DESC, lesion_id")  # fmt: skip
        for name in CHAIN:
            run(other, name, run__threads=1)
        for table in tables_of(*CHAIN[1:]):
            assert rows(other, f"FROM {table}") == rows(con, f"FROM {table}"), table


def test_nothing_fitted_gives_empty_tables() -> None:
    with with_patients(database(lesions=20)) as con:
        for name in CHAIN:
            run(con, name)
        for table in tables_of(*CHAIN):
            n = 20 if table == "analysis.growth_excluded" else 0
            assert rows(con, f"SELECT count(*) FROM {table}") == [(n,)], table


def test_covariates_can_be_turned_off_and_must_be_known(con: duckdb.DuckDBPyConnection) -> None:
    with with_patients(database()) as other:
        for table in tables_of("growth", "growth_check"):
            other.register("columns", con.sql(f"FROM {table}").to_arrow_table())
            other.execute(f"CREATE TABLE {table} AS SELECT * FROM columns")
        run(other, "growth_covariate", growth__covariates="", growth__correlated=False)
        assert rows(other, "SELECT count(*) FROM analysis.growth_extended_fit") == [(0,)]
        run(other, "growth_association")
        assert rows(other, "SELECT count(*) FROM analysis.growth_correlation") == [(18,)]
        notes = run(other, "growth_covariate", growth__covariates="sex", growth__correlated=False)
        assert notes == ["growth: sex is the same for all lesions that count, no covariate"]
        with pytest.raises(LesionsError, match="names 'organs', which is no covariate"):
            run(other, "growth_covariate", growth__covariates="organs")


def test_models_are_compared_where_asked() -> None:
    with with_patients(database()) as con:
        run(con, "growth_model_comparison")
        assert rows(con, "SELECT count(*) FROM analysis.growth_model_comparison") == [(0,)]
        run(con, "growth_model_comparison", growth__compare_models=True, growth__compare_lesions=40)
        found = rows(
            con,
            "SELECT model, n_lesions, n_available, n_estimates, is_best FROM "
            "analysis.growth_model_comparison WHERE minus2ll IS NOT NULL ORDER BY bic",
        )
        assert len(found) == 6
        assert {row[1:3] for row in found} == {(40, 60)}
        assert [row[0] for row in found if row[4]] == ["two_population"]
        sizes = {row[0]: row[3] for row in found}
        assert sizes["exponential"] == 3  # k, omega_k, b
        assert sizes["two_population"] == 7


@pytest.mark.parametrize("model", ["stein_fojo", "exponential"])
def test_models_without_f_are_written_too(model: str) -> None:
    with with_patients(database()) as con:
        notes = run(con, "growth", growth__model=model)
        assert f"no modelled events: they need a two_population model, not {model}" in notes
        run(con, "growth_check")
        run(con, "growth_covariate", growth__covariates="organ", growth__correlated=False)
        run(con, "growth_association")
        known = {"stein_fojo": ["kd", "kg"], "exponential": ["k"]}[model]
        found = rows(con, "SELECT DISTINCT parameter FROM analysis.growth_lesion_parameter "
                          "ORDER BY parameter")  # fmt: skip
        assert [name for (name,) in found] == known
        ((n_kg, n_f),) = rows(con, "SELECT count(kg_per_day), count(f) FROM analysis.growth_lesion")
        assert (n_kg, n_f) == (2 * N if model == "stein_fojo" else 0, 0)
        assert rows(con, "SELECT count(*) FROM analysis.modelled_event") == [(0,)]
        # A standard deviation between patients that was estimated as 0 has no interval.
        bounds = rows(con, "SELECT estimate, ci_lower, ci_upper FROM analysis.growth_population "
                           "WHERE ci_lower IS NOT NULL")  # fmt: skip
        assert len(bounds) >= 3
        assert all(low < value < high for value, low, high in bounds)
