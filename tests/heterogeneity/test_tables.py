"""The tables of survival and comparisons: by hand, with nothing to compare, in any order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from heterogeneity.pipeline import ORDER, run_node, run_pipeline
from sqlkit import SqlKit

from flows.steps.survival.survival import Analysis
from flows.steps.survival.survival_cox import group_rows
from udfs.comparisons import clustered_p_value, mann_whitney, shift_between
from udfs.survival import cox_model, log_rank
from warehouse.errors import LesionsError

MONTH = 30.4375
STEPS = [name for name in ORDER if "." not in name]


def test_the_curve_of_an_arm_by_hand(trial: SqlKit) -> None:
    """FOLFOX: deaths at 8 and 10 months, one patient censored at 30, one without survival."""
    rows = trial.rows(
        "analysis.survival_curve",
        "time_days, survival, n_at_risk, n_events, n_censored",
        "subset = 'study s1' AND grouping = 'arm' AND endpoint = 'OS' AND group_name = 'FOLFOX'",
    )
    assert [(t / MONTH, round(s, 12), *rest) for t, s, *rest in rows] == [
        (0, 1.0, 3, 0, 0),
        (8, round(2 / 3, 12), 3, 1, 0),
        (10, round(1 / 3, 12), 2, 1, 0),
        (30, round(1 / 3, 12), 1, 0, 1),
    ]


def test_the_line_of_an_arm_by_hand(trial: SqlKit) -> None:
    rows = trial.rows(
        "analysis.survival_summary",
        "group_name, group_order, n_patients, n_missing, n_events, median_days, null_reason",
        "subset = 'study s1' AND grouping = 'arm' AND endpoint = 'OS'",
    )
    assert rows == [
        ("BEV + FOLFOX", 2, 3, 0, 2, 20 * MONTH, None),
        ("FOLFOX", 1, 3, 1, 2, 10 * MONTH, None),
    ]


def test_tests_and_hazard_ratios_of_the_arms(trial: SqlKit) -> None:
    """The numbers themselves are tested against R; here, that they reach the right rows."""
    time = np.array([20, 25, 4, 10, 8, 30]) * MONTH
    event, arm = [1, 0, 1, 1, 1, 0], ["B", "B", "B", "F", "F", "F"]
    where = "subset = 'study s1' AND endpoint = 'OS' AND {} = 'arm'"
    [test] = trial.rows(
        "analysis.survival_test",
        "test, group_a, statistic, p_value, n_groups, n_patients, n_events, null_reason",
        where.format("grouping"),
    )
    expected = log_rank(time, event, arm)
    assert test[:2] == ("log-rank", "all")
    assert test[2:4] == pytest.approx((expected.statistic, expected.p_value), rel=1e-9)
    assert test[4:] == (2, 6, 4, None)
    [ratio] = trial.rows(
        "analysis.survival_cox",
        "level, reference, hazard_ratio, p_value, n_patients, n_events, unit",
        where.format("model"),
    )
    fit = cox_model(time, event, np.array([[1.0], [1], [1], [0], [0], [0]]))
    assert ratio[:2] == ("BEV + FOLFOX", "FOLFOX")
    assert ratio[2:4] == pytest.approx((np.exp(fit.coefficient[0]), fit.p_value[0]), rel=1e-6)
    assert ratio[4:] == (6, 4, None)


def test_patients_at_risk_under_the_curve(trial: SqlKit) -> None:
    rows = trial.rows(
        "mart.fig_survival_at_risk",
        "day, n_at_risk",
        "subset = 'study s1' AND grouping = 'arm' AND endpoint = 'OS' AND group_name = 'FOLFOX'",
    )
    # Deaths on days 243.5 and 304.4, the last patient followed to 913.1.
    assert rows == [(0, 3), (180, 3), (360, 1), (540, 1), (720, 1), (900, 1), (1080, 0)]


def test_comparisons_reach_the_right_rows(trial: SqlKit) -> None:
    [row] = trial.rows(
        "analysis.group_comparison",
        "group_a, group_b, test, statistic, p_value, n_a, n_b, shift, level, patient_subset, organ",
        "subset = 'bevacizumab or chemotherapy; liver' AND variable = 'nadir_ratio'",
    )
    bevacizumab, chemotherapy = [0.6, 0.6, 0.5], [0.94, 1.2]
    test = mann_whitney(bevacizumab, chemotherapy)
    assert row[:3] == ("bevacizumab plus chemotherapy", "chemotherapy alone", "Mann-Whitney")
    assert row[3:5] == pytest.approx((test.u, test.p_value))
    assert row[5:7] == (3, 2)
    assert row[7] == pytest.approx(shift_between(bevacizumab, chemotherapy).estimate)
    assert row[8:] == ("lesion", "bevacizumab or chemotherapy", "liver")
    [(clustered,)] = trial.rows(
        "analysis.group_comparison",
        "p_clustered",
        "subset = 'bevacizumab or chemotherapy; liver' AND variable = 'nadir_ratio'",
    )
    assert clustered is None  # nothing varies: all of one group lie below the other
    [summary] = trial.rows(
        "analysis.group_summary",
        "n, n_patients, median, minimum, maximum",
        "subset = 'bevacizumab or chemotherapy; liver' AND variable = 'nadir_ratio' "
        "AND group_name = 'bevacizumab plus chemotherapy'",
    )
    assert summary == (3, 2, 0.6, 0.5, 0.6)


def test_what_cannot_be_compared_says_why(trial: SqlKit) -> None:
    rows = dict(
        trial.rows(
            "analysis.survival_test",
            "subset || ' ' || grouping || ' ' || endpoint, null_reason",
            "group_a = 'all' AND null_reason IS NOT NULL AND test = 'log-rank'",
        )
    )
    assert rows["all KRAS OS"] == "no patient has both a group and the endpoint"
    assert rows["panitumumab Gower halves PPS"] == "no patient has both a group and the endpoint"
    assert rows["all liver and lymph node response OS"].startswith("one group only: lymph nodes")
    cox = dict(
        trial.rows(
            "analysis.survival_cox",
            "subset || ' ' || endpoint || ' ' || level, null_reason",
            "null_reason IS NOT NULL AND model IN ('Gower distance', 'lung response')",
        )
    )
    assert "no patient has the endpoint" in cox["panitumumab OS per 0.1"]
    assert cox["all OS none shrank"] == "infinite: no event in group lung shrank, others not"
    none = trial.rows(
        "analysis.group_comparison",
        "group_a, group_b, n_a, null_reason",
        "subset = 'KRAS mutant, with panitumumab' AND variable = 'nadir_ratio'",
    )
    assert none == [("none", "none", 0, "no value in any group")]


@pytest.mark.parametrize("silent", [0, 1])
def test_group_without_death_has_the_limit_that_r_has(silent: int) -> None:
    """R: coxph of groups a to d with d's log hazard ratio held by an offset; the supremum is coxph
    without the rows of d (R 4, survival; the same data as tests/hazards/test_separated.py)."""
    i = np.arange(80)
    group = np.array(["liver", "lung", "bone", "brain"])[(i * 7 + i // 4) % 4]
    event = ((i * 13) % 10 < 6) & (group != "brain")
    names = ["liver", "brain", "bone", "lung"] if silent else ["brain", "liver", "bone", "lung"]
    analysis = Analysis(
        key={"subset": "all", "grouping": "organ", "endpoint": "OS"},
        time=(37 * i) % 101 + 1.0,
        event=event,
        code=np.array([names.index(g) for g in group]),
        names=names,
        is_ordered=False,
        is_guarantee_time_free=True,
        n_missing=np.zeros(4, dtype=int),
    )
    rows = {row["level"]: row for row in group_rows(analysis, 0.95)}
    row = rows["brain" if silent else "liver"]
    assert row["is_separated"]
    assert row["log_hr"] is None
    assert row["lr_p_value"] == pytest.approx(9.2673616e-06, rel=1e-4)
    if silent:
        assert row["hazard_ratio"] == 0
        assert row["ci_upper"] == pytest.approx(np.exp(-1.99799091), rel=1e-3)
        assert not rows["bone"]["is_separated"]
        assert rows["bone"]["n_patients"] == 60
    else:
        assert row["hazard_ratio"] is None
        assert row["ci_lower"] == pytest.approx(np.exp(1.99799091), rel=1e-3)
        assert row["null_reason"] == "infinite: no event in group brain"


def test_inconsistent_lesions_of_patients_and_organs(trial: SqlKit) -> None:
    """Patient 1: the sum responds (49 of 70) as the liver lesion does, the lung lesion does not.

    3: 66 of 80 is no response, the node responds. 4: sum and liver lesion (60, 70) and the other
    two (38 of 30, 25 of 20) relapse, but the sum of 100 to 111 to 133 does so with the last scan,
    like all of them. 5: 31 of 50 responds, the node does not.
    """
    rows = trial.rows(
        "mart.fig_inconsistent_patients", "n_inconsistent, n_patients, n_all", "treatment = 'all'"
    )
    assert rows == [("0", 2, 5), ("1", 3, 5), ("2", 0, 5), ("3 or more", 0, 5)]
    # Every organ has fewer than 50 lesions.
    assert trial.rows("mart.fig_inconsistent_lesions", "organ, n_lesions, n_inconsistent") == [
        ("other", 11, 3)
    ]


@pytest.fixture(scope="module")
def empty() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        run_pipeline(kit)
        yield kit


def test_a_project_without_studies_has_every_table_and_a_reason_in_each_test(
    empty: SqlKit,
) -> None:
    for table in ("survival_test", "survival_cox", "group_comparison", "variable_correlation"):
        rows = empty.query(f"SELECT count(*), count(null_reason) FROM analysis.{table}")
        assert rows[0][0] == rows[0][1] > 0, table
    for table in ("survival_curve", "survival_summary", "survival_resample", "group_summary"):
        assert empty.query(f"SELECT count(*) FROM analysis.{table}") == [(0,)], table


def test_empty_tables_have_the_types_of_full_ones(empty: SqlKit, trial: SqlKit) -> None:
    types = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE schema_name = 'analysis' ORDER BY ALL"
    )
    assert empty.query(types) == trial.query(types)


def test_unknown_patients_and_patients_without_anything_pass_through() -> None:
    with SqlKit() as kit:
        kit.study("u", patients="unknown")
        kit.lesion("L1", usubjid=None)
        kit.size(0, 30, "L1", usubjid=None)
        kit.size(42, 20, "L1", usubjid=None)
        kit.study("s1")
        kit.subject("1", arm="FOLFOX")
        run_pipeline(kit)
        assert kit.query("SELECT count(*) FROM analysis.patient_profile") == [(1,)]
        assert kit.query("SELECT DISTINCT subset FROM analysis.survival_test ORDER BY 1")[-1] == (
            "study s1",
        )


def test_a_time_that_ends_before_the_first_dose_is_none_and_says_so() -> None:
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        for k, (os, pfs) in enumerate([(-5, -5), (100, -3), (120, 50), (130, 60), (90, 0)]):
            kit.subject(str(k), arm="FOLFOX" if k % 2 else "BEV + FOLFOX")
            for code, days in (("OS", os), ("PFS", pfs)):
                row = {"usubjid": str(k), "paramcd": code, "aval": str(days), "avalu": "DAYS"}
                kit.add("adtte", row, cnsr="0")
        run_pipeline(kit)
        assert kit.query(
            "SELECT patient_id, endpoint, missing_reason FROM analysis.patient_endpoint "
            "WHERE time_days IS NULL AND is_counted AND endpoint IN ('OS', 'PFS', 'PPS') "
            "ORDER BY ALL"
        ) == [
            ("s1/0", "OS", "The time ends before the first dose."),
            ("s1/0", "PFS", "The time ends before the first dose."),
            ("s1/0", "PPS", "Progression-free survival ends before the first dose."),
            ("s1/1", "PFS", "The time ends before the first dose."),
            ("s1/1", "PPS", "Progression-free survival ends before the first dose."),
        ]
        shown = kit.rows(
            "analysis.survival_summary",
            "group_name, n_patients, n_missing",
            "subset = 'all' AND grouping = 'treatment' AND endpoint = 'OS'",
        )
        assert sorted((n, missing) for _, n, missing in shown) == [(2, 0), (2, 1)]


def test_one_patient_alone_in_a_stratum_does_no_harm() -> None:
    """Everyone has a treatment of their own: nothing can be compared within a stratum."""
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        for k in range(1, 5):
            kit.subject(str(k), arm=f"Drug {k}")
            kit.add(
                "adtte",
                {"usubjid": str(k), "paramcd": "OS", "aval": str(100 * k), "avalu": "DAYS"},
                cnsr="0",
            )
            for label, last in (("T1", 20 + k), ("T2", 30 - k)):
                kit.lesion(label, usubjid=str(k), tuloc="LIVER")
                kit.size(1, 30, label, usubjid=str(k))
                kit.size(43, last, label, usubjid=str(k))
        notes = run_pipeline(kit)
        [row] = kit.rows(
            "analysis.survival_cox",
            "n_patients, n_strata, hazard_ratio, null_reason",
            "subset = 'all' AND model = 'Gower distance' AND endpoint = 'OS' "
            "AND term = 'baseline_sum_mm'",
        )
        assert row == (4, 4, None, "baseline_sum_mm is the same in every patient")
        assert any("nothing to resample" in note for note in notes)


@pytest.mark.parametrize(
    ("step", "settings", "message"),
    [
        ("survival", {"survival__confidence": 95.0}, "must lie between 0 and 1"),
        ("survival_cox", {"survival__gower_unit": 0.0}, "must be above 0"),
        ("survival_resample", {"survival__subset_share": 1.5}, "above 0 and at most 1"),
        ("organ_phase", {"heterogeneity__shrinkage_percent": 100.0}, "below 100"),
    ],
)
def test_a_setting_out_of_range_is_one_clear_error(
    trial: SqlKit, step: str, settings: dict[str, float], message: str
) -> None:
    with pytest.raises(LesionsError, match=message):
        run_node(trial, step, **settings)


@pytest.fixture(scope="module")
def cohort() -> Iterator[SqlKit]:
    """Sixty patients with random courses; rows of core tables are put in later, in any order."""
    rng = np.random.default_rng(3)
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        arms, organs = ("BEV + FOLFOX", "FOLFOX"), ("LIVER", "LUNG", "LYMPH NODE")
        for k in range(60):
            patient = f"{k:03d}"
            kit.subject(patient, arm=arms[k % 2])
            death, progression = np.sort(rng.integers(50, 900, 2))[::-1]
            for code, day, event in (("OS", death, k % 3), ("PFS", progression, True)):
                row = {"usubjid": patient, "paramcd": code, "aval": str(day), "avalu": "DAYS"}
                kit.add("adtte", row, cnsr="0" if event else "1")
            for label in ("T1", "T2", "T3", "T4")[: rng.integers(2, 5)]:
                kit.lesion(label, usubjid=patient, tuloc=organs[rng.integers(3)])
                changes = rng.uniform([20, 0.5, 0.5, 0.5], [60, 1.5, 1.5, 1.5])
                for visit, size in enumerate(np.cumprod(changes)):
                    kit.size(1 + 42 * visit, f"{size:.1f}", label, usubjid=patient)
        run_pipeline(kit)
        yield kit


def dump(kit: SqlKit) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every result, in the order in which it was written, to the last bit."""
    tables = kit.query(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'analysis' ORDER BY 1"
    )
    return {name: kit.query(f"SELECT * FROM analysis.{name} ORDER BY ALL") for (name,) in tables}


def test_order_of_rows_and_number_of_threads_do_not_change_a_bit(cohort: SqlKit) -> None:
    first = dump(cohort)
    for table in ("core.lesion", "core.measurement", "core.patient"):
        cohort.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} ORDER BY hash({table}::TEXT)"
        )
    cohort.connection.execute("SET threads = 1")
    for name in ORDER:
        run_node(cohort, name)
    assert dump(cohort) == first


def test_a_unit_so_large_that_hazard_ratios_overflow_gives_none_and_says_so(cohort: SqlKit) -> None:
    columns = "log_hr, hazard_ratio, ci_lower, ci_upper, null_reason"
    where = "model = 'Gower distance' AND term = 'patient_gower_distance' AND subset = 'all'"
    run_node(cohort, "survival_cox")
    usual = cohort.rows("analysis.survival_cox", columns, where)
    run_node(cohort, "survival_cox", survival__gower_unit=1e5, survival__burden_unit_mm=1e-6)
    run_node(cohort, "survival_resample", survival__gower_unit=1e5, survival__resamples=3)
    run_node(cohort, "mart.fig_gower_resample")
    for (log_hr, *ratio, reason), (before, *_) in zip(
        cohort.rows("analysis.survival_cox", columns, where), usual, strict=True
    ):
        assert log_hr == pytest.approx(before * 1e6, rel=1e-9)
        assert ratio == [None] * 3
        assert "too large for a number" in reason
    assert (
        cohort.query("SELECT count(*), count(hazard_ratio) FROM mart.fig_gower_resample")[0][0] == 6
    )
    run_node(cohort, "survival_cox")


def test_resampling_follows_the_seed(cohort: SqlKit) -> None:
    columns = "scheme, replicate, log_hr"
    where = "term = 'patient_gower_distance'"
    run_node(cohort, "survival_resample", survival__resamples=5)
    first = cohort.rows("analysis.survival_resample", columns, where)
    assert len(first) == 10
    run_node(cohort, "survival_resample", survival__resamples=5, run__seed=1)
    assert cohort.rows("analysis.survival_resample", columns, where) != first
    sizes = cohort.query(
        "SELECT DISTINCT scheme, n_patients FROM analysis.survival_resample ORDER BY ALL"
    )
    assert sizes == [("bootstrap", 60), ("subset", 48)]


def test_patients_are_clusters_of_their_lesions(cohort: SqlKit) -> None:
    run_node(cohort, "group_comparison", comparisons__correction="none")
    rows = cohort.query(
        "SELECT lesion.patient_id, pooled_organ.organ_class, phase.nadir_ratio "
        "FROM analysis.lesion_phase AS phase INNER JOIN core.lesion AS lesion "
        "ON phase.lesion_id = lesion.lesion_id INNER JOIN analysis.pooled_organ AS pooled_organ "
        "ON lesion.organ = pooled_organ.organ INNER JOIN analysis.patient_subset AS subset "
        "ON phase.patient_id = subset.patient_id AND subset.subset = 'chemotherapy' "
        "WHERE phase.nadir_ratio IS NOT NULL"
    )
    groups = {organ: [r for r in rows if r[1] == organ] for organ in ("liver", "lung")}
    (liver, lung) = groups.values()
    wanted = clustered_p_value(
        [r[2] for r in liver], [r[2] for r in lung], [r[0] for r in liver], [r[0] for r in lung]
    )
    found = cohort.rows(
        "analysis.group_comparison",
        "p_clustered, level",
        "subset = 'chemotherapy' AND variable = 'nadir_ratio' AND grouping = 'organ' "
        "AND group_a = 'liver' AND group_b = 'lung'",
    )
    assert found == [(pytest.approx(wanted, rel=1e-6), "lesion")]
    others = "level = 'patient' OR test = 'Kruskal-Wallis'"
    assert {p for (p,) in cohort.rows("analysis.group_comparison", "p_clustered", others)} == {None}


def test_the_correction_is_a_setting(cohort: SqlKit) -> None:
    query = (
        "SELECT p_value, p_adjusted FROM analysis.group_comparison WHERE test = 'Dunn' "
        "AND subset = 'chemotherapy' AND variable = 'nadir_ratio' ORDER BY p_value"
    )
    for correction, factors in (("bonferroni", (3, 3, 3)), ("holm", (3, 2, 1)), ("none", (1,) * 3)):
        run_node(cohort, "group_comparison", comparisons__correction=correction)
        rows = cohort.query(query)
        wanted = np.maximum.accumulate(
            [min(p * f, 1) for (p, _), f in zip(rows, factors, strict=True)]
        )
        assert [adjusted for _, adjusted in rows] == pytest.approx(list(wanted))
