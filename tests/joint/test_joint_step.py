"""The step on the simulated trial of known truth, as tables of a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from joint.cases import Trial

from udfs.joint.saved import SavedJointModel
from udfs.joint.tgi import sum_metrics, survival_regression
from udfs.survival import kaplan_meier
from warehouse.build import StepRun
from warehouse.errors import LesionsError
from warehouse.registry import installed_steps
from warehouse.settings import default_values

N, FEW = 110, 26
"""Patients; where no estimate is looked at."""
TABLES = (
    "joint_fit",
    "joint_parameter",
    "joint_link",
    "joint_frailty",
    "joint_residual",
    "joint_check",
    "joint_excluded",
    "joint_model",
    "tgi_metric",
    "tgi_survival",
)
QUICK = {"joint.links": "organ value slope ttg kg", "joint.draws": 40, "run.threads": 1}


def ids(numbers: np.ndarray, letter: str) -> np.ndarray:
    return np.array([f"{letter}{int(one):04d}" for one in numbers])


def database(trial: Trial, n: int = N) -> duckdb.DuckDBPyConnection:
    """The first patients; the growth fit is the truth without organs and arms."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA core; CREATE SCHEMA analysis")
    one, size, who = trial.lesion, trial.size, trial.patient
    frames = {
        "core.lesion": pd.DataFrame(
            {
                "lesion_id": ids(one["lesion"], "L"),
                "patient_id": ids(one["patient"], "P"),
                "organ": one["organ"],
                "baseline_day": one["T0"],
                "baseline_volume_mm3": one["V0"],
                "baseline_diameter_mm": np.cbrt(6 * one["V0"] / np.pi),
                "last_measured_day": one["T0"],
                "is_analysed": True,
                "lesion_type": "target",
            }
        ),
        "core.measurement": pd.DataFrame(
            {
                "lesion_id": ids(np.concatenate([one["lesion"], size["lesion"]]), "L"),
                "day": np.concatenate([one["T0"], size["day"]]),
                "volume_mm3": np.concatenate([one["V0"], size["volume_mm3"]]),
                "is_baseline": np.arange(len(one["lesion"]) + len(size["lesion"]))
                < len(one["lesion"]),
            }
        ),
        "core.patient": pd.DataFrame(
            {
                "patient_id": ids(who["patient"], "P"),
                "study_id": "s1",
                "os_days": who["os_days"],
                "os_event": who["is_death"] > 0,
                "last_day": who["os_days"],
                "treatment_class": np.where(who["arm"] > 0, "b", "a"),
            }
        ),
    }
    frames["core.patient"]["line_of_therapy"] = 1
    for column in ("race", "sex", "prior_surgery"):
        frames["core.patient"][column] = "x"
    patients = frames["core.patient"] = frames["core.patient"].iloc[:n]
    lesions = frames["core.lesion"]
    lesions = frames["core.lesion"] = lesions[lesions["patient_id"].isin(patients["patient_id"])]
    rows = frames["core.measurement"]
    frames["core.measurement"] = rows[rows["lesion_id"].isin(lesions["lesion_id"])]
    frames["analysis.patient_profile"] = patients[["patient_id"]].assign(
        therapy="x", targeting="x", treatment=patients["treatment_class"],
        treatment_class=patients["treatment_class"], kras_status="x",
    )  # fmt: skip
    frames["analysis.growth_subset"] = pd.DataFrame(
        {"member_id": [*patients["patient_id"], "P9998", "P9999"], "subset": "all"}
    )
    times = pd.DataFrame(
        {
            "patient_id": [*patients["patient_id"], "P9998"],
            "endpoint": "OS",
            "start_day": 0.0,
            "time_days": [None, *patients["os_days"][1:], 10.0],
            "is_event": [None, *patients["os_event"][1:], True],
            "missing_reason": ["No day is known.", *[None] * n],
            "is_counted": True,
        }
    )
    frames["analysis.patient_endpoint"] = times
    frames["analysis.growth_fit"] = pd.DataFrame(
        {
            "fit_id": ["all/two_population"], "subset": ["all"], "model": ["two_population"],
            "error_model": ["proportional"], "is_baseline_counted": [False], "n_lesions": [0],
        }
    )  # fmt: skip
    truth = trial.truth
    names = ("kg", "kd", "f")
    mu = [np.exp(truth["mu"][0]), np.exp(truth["mu"][1]), 1 / (1 + np.exp(-truth["mu"][2]))]
    values = {f"{name}_pop": value for name, value in zip(names, mu, strict=True)}
    values |= {f"omega_{name}": truth["omega"][k] for k, name in enumerate(names)}
    values |= {f"gamma_{name}": truth["gamma"][k] for k, name in enumerate(names)}
    values["b"] = truth["b"]
    frames["analysis.growth_population"] = pd.DataFrame(
        {"fit_id": "all/two_population", "parameter": list(values), "estimate": values.values()}
    )
    for name, frame in frames.items():
        con.register("frame", frame)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    con.execute(
        "CREATE TABLE analysis.lesion_cutoff "
        "(lesion_id VARCHAR, cutoff_day INTEGER, cutoff_reason VARCHAR); "
        "CREATE TABLE analysis.growth_lesion_parameter "
        "(lesion_id VARCHAR, parameter VARCHAR, gaussian_value DOUBLE, estimate_kind VARCHAR)"
    )
    return con


def run(
    con: duckdb.DuckDBPyConnection, name: str = "joint", **settings: Any
) -> tuple[dict[str, pd.DataFrame], Any]:
    """Tables by name, and the notes."""
    step = next(one for one in installed_steps() if one.name == name)
    given = {key.replace("__", "."): value for key, value in settings.items()}
    context = StepRun(con, step, {**default_values(), **QUICK, **given}, lambda name, event: None)
    result = step.function(context)
    assert set(result) == {table.name for table in step.writes}
    found = {name.removeprefix("analysis."): one.to_pandas() for name, one in result.items()}
    for table in step.writes:
        key = list(table.key)
        assert not found[table.name.removeprefix("analysis.")].duplicated(key).any(), table.name
    return found, context.notes


@pytest.fixture(scope="module")
def con(trial: Trial) -> Iterator[duckdb.DuckDBPyConnection]:
    with database(trial) as connection:
        yield connection


@pytest.fixture(scope="module")
def few(trial: Trial) -> Iterator[duckdb.DuckDBPyConnection]:
    with database(trial, FEW) as connection:
        yield connection


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    return run(con, joint__links="organ kg", joint__baseline="weibull")[0]


def test_every_patient_is_in_the_model_or_excluded_with_a_reason(
    found: dict[str, pd.DataFrame],
) -> None:
    out = found["joint_excluded"].set_index("patient_id")["reason_id"].to_dict()
    assert out == {"P0001": "no_time", "P9998": "no_lesion"}
    assert found["joint_excluded"]["reason"].iloc[0] == "No day is known."
    fit = found["joint_fit"]
    assert (fit["n_patients"] == N - 1).all()
    assert fit["link"].tolist() == ["none", "organ", "kg"]
    assert (fit["verdict_id"] == "estimated").all()
    assert fit["is_best"].tolist() == [False, True, False]
    assert len(found["joint_residual"]) == N - 1


def test_links_are_those_planted(trial: Trial, found: dict[str, pd.DataFrame]) -> None:
    rows = found["joint_link"]
    rows = rows[rows["link"] == "organ"].set_index("term")
    for organ, alpha in trial.truth["alpha_organ"].items():
        # A quarter of the trial, and a growth fit that knows no organ: three standard errors.
        row = rows.loc[organ]
        assert abs(row["estimate"] - alpha) < 3 * row["standard_error"], organ
        size = float(row["per"].split(" sum of ")[1].split(" mm")[0])
        by_hand = ((size + 20) / (size + 10)) ** row["estimate"]
        # The size is rounded to whole mm where it is said.
        assert row["hazard_ratio"] == pytest.approx(by_hand, rel=0.01)


def test_residuals_are_those_of_a_survival_model(found: dict[str, pd.DataFrame]) -> None:
    rows = found["joint_residual"]
    assert rows["martingale"].sum() == pytest.approx(0, abs=1e-2)
    by_hand = rows["is_event"] - rows["cumulative_hazard"]
    np.testing.assert_allclose(rows["martingale"], by_hand, atol=1e-12)
    # Cox-Snell residuals of a right model are unit exponential: their median is log 2.
    curve = kaplan_meier(rows["cox_snell"].to_numpy(), rows["is_event"].to_numpy())
    lower, upper = curve.at([np.log(2.0)])[1:]
    assert lower[0] < 0.5 < upper[0]


def test_simulated_trials_are_like_the_observed_one(
    con: duckdb.DuckDBPyConnection, found: dict[str, pd.DataFrame]
) -> None:
    rows = found["joint_check"]
    times = con.sql(
        "SELECT time_days, is_event FROM analysis.patient_endpoint "
        "WHERE patient_id NOT IN ('P0001', 'P9998')"
    ).df()
    curve = kaplan_meier(times["time_days"].to_numpy(), times["is_event"].to_numpy(dtype=bool))
    everyone = rows[rows["group_name"] == "all"]
    np.testing.assert_allclose(everyone["observed"], curve.at(everyone["day"])[0])
    # Twelve correlated days, each within 95 %.
    assert everyone["is_within"].mean() > 0.9
    assert (np.diff(everyone["simulated"]) <= 0).all()
    assert set(rows["group_name"]) > {"all"}


def test_the_model_is_kept_as_text(found: dict[str, pd.DataFrame]) -> None:
    row = found["joint_model"].iloc[0]
    saved = SavedJointModel.from_text(row["content"])
    assert saved.to_text() == row["content"]
    estimates = found["joint_parameter"]
    estimates = estimates[estimates["link"] == row["link"]]["estimate"]
    np.testing.assert_array_equal(saved.hazard.theta, estimates)
    assert saved.group_of == {one: one for one in ("liver", "lung", "lymph_node")}


def test_growth_metrics_are_near_those_of_the_true_curves(
    trial: Trial, found: dict[str, pd.DataFrame]
) -> None:
    rows = found["tgi_metric"]
    assert len(rows) == N
    truth = sum_metrics(trial.lesions, trial.true_phi)
    off = np.log(rows["week_8_ratio"]) - np.log(truth.ratio_week_8[:N, 0])
    # Sizes with an error of 20 % in volume: 7 % in a diameter.
    assert abs(off.median()) < 0.05
    assert np.quantile(np.abs(off), 0.9) < 0.25
    survival = found["tgi_survival"]
    name = survival[survival["is_best"]]["distribution"].iloc[0]
    slope = survival[survival["is_best"]].set_index("parameter").loc["log_kg"]
    owner, died = trial.owner, trial.patient["is_death"][1:N] > 0
    log_kg = np.bincount(owner, trial.true_phi[:, 0, 0]) / np.bincount(owner)
    known = survival_regression(
        trial.patient["os_days"][1:N],
        died,
        np.stack([log_kg[1:N], np.log(truth.sld_day_0_mm[1:N, 0])], axis=1),
        ("log_kg", "log_sum_day_0"),
        name,
    )
    # True curves differ from drawn ones by what sizes leave open: within one standard error.
    assert abs(slope["estimate"] - known.estimates[1]) < slope["standard_error"]
    assert (survival["between_share"].between(0, 1)).all()


def test_too_few_events_are_a_verdict(few: duckdb.DuckDBPyConnection) -> None:
    # Ten events are enough for one coefficient; no organ has enough for its own.
    assert set(run(few, joint__links="organ kg")[0]["joint_link"]["term"]) == {"other", "kg"}
    few.execute("BEGIN; UPDATE analysis.patient_endpoint SET is_event = false")
    try:
        found, notes = run(few, joint__links="organ kg", joint__draws=20)
    finally:
        few.execute("ROLLBACK")
    assert (found["joint_fit"]["verdict_id"] == "few_events").all()
    assert found["joint_fit"]["loglik"].isna().all()
    assert notes == [
        "OS regressed on growth rates: 0 events, 10 are needed for each of log_kg, log_sum_day_0",
        f"joint model of growth and OS: 0 of {FEW - 1} patients have the event, 10 are needed "
        "(10 for each coefficient of a link)",
    ]
    for name in ("joint_parameter", "joint_link", "joint_residual", "joint_model"):
        assert len(found[name]) == 0


def test_nobody_to_follow_is_a_verdict(few: duckdb.DuckDBPyConnection) -> None:
    few.execute("BEGIN; UPDATE analysis.patient_endpoint SET time_days = 0")
    try:
        found, _ = run(few, joint__links="kg", joint__draws=20)
    finally:
        few.execute("ROLLBACK")
    assert set(found["joint_fit"]["verdict_id"]) == {"no_follow_up"}
    excluded = found["joint_excluded"]["reason_id"].value_counts().to_dict()
    assert excluded == {"before_first_dose": FEW - 1, "no_time": 1, "no_lesion": 1}


def test_settings_that_name_nothing_known_are_refused(few: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(LesionsError, match=r"joint\.links in lesions\.toml names 'sizes'"):
        run(few, joint__links="organ sizes")
    assert all(len(one) == 0 for one in run(few, joint__links="")[0].values())


def test_threads_change_no_byte(few: duckdb.DuckDBPyConnection) -> None:
    one, two = (run(few, joint__links="kg", run__threads=count)[0] for count in (1, 2))
    for name in TABLES:
        pd.testing.assert_frame_equal(one[name], two[name], check_exact=True)


AHEAD = {
    "joint__landmarks": "112",
    "joint__horizons": "180 365",
    "joint__fewest_prediction_events": 20,
    "joint__draws": 20,
}


@pytest.fixture(scope="module")
def predicted(con: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    return run(con, "dynamic_prediction", **AHEAD)[0]


def test_who_lives_at_the_landmark_is_predicted_by_hazards_of_others(
    con: duckdb.DuckDBPyConnection, predicted: dict[str, pd.DataFrame]
) -> None:
    rows = predicted["dynamic_prediction"]
    alive = con.sql(
        "SELECT patient_id FROM analysis.patient_endpoint WHERE time_days > 112"
    ).fetchall()
    assert sorted(set(rows["patient_id"])) == sorted(one for (one,) in alive)
    assert (rows["last_scan_day"] <= 112).all()
    assert rows["fold"].nunique() == 5
    wide = rows.pivot(index="patient_id", columns="horizon_days", values="survival")
    assert (wide[365.0] < wide[180.0]).all()


def test_the_brier_score_of_the_curve_is_that_of_the_folds_by_hand(
    con: duckdb.DuckDBPyConnection, predicted: dict[str, pd.DataFrame]
) -> None:
    """Within 180 days nobody is censored in this trial: plain squares."""
    metric = predicted["dynamic_prediction_metric"].set_index(["horizon_days", "model", "metric"])
    row = metric.loc[(180.0, "kaplan_meier", "brier")]
    assert row["n_censored"] == 0
    times = con.sql("SELECT patient_id, time_days - 112 AS x FROM analysis.patient_endpoint").df()
    x = times.set_index("patient_id")["x"]
    folds = predicted["dynamic_prediction"].drop_duplicates("patient_id").set_index("patient_id")
    total = 0.0
    for fold, mine in folds.groupby("fold"):
        others = x[folds.index[folds["fold"] != fold]]
        risk = (others <= 180).mean()
        total += (((x[mine.index] <= 180) - risk) ** 2).sum()
    assert row["value"] == pytest.approx(total / len(folds), rel=1e-9)
    ours = metric.loc[(180.0, "every_lesion", "brier")]
    assert row["difference"] == pytest.approx(row["value"] - ours["value"], abs=1e-12)


def test_fifths_hold_everyone(predicted: dict[str, pd.DataFrame]) -> None:
    groups = predicted["dynamic_calibration"]
    n = predicted["dynamic_prediction"]["patient_id"].nunique()
    assert set(groups.groupby(["horizon_days", "model"])["n_patients"].sum()) == {n}


def test_sizes_after_the_landmark_change_no_prediction(few: duckdb.DuckDBPyConnection) -> None:
    """Of one patient, by the hazard of a fold that the patient is not in."""
    given = AHEAD | {"joint__fewest_prediction_events": 10, "joint__horizons": "180"}
    before = run(few, "dynamic_prediction", **given)[0]["dynamic_prediction"]
    few.execute(
        "BEGIN; UPDATE core.measurement SET volume_mm3 = 3 * volume_mm3 WHERE day > 112 AND "
        "lesion_id IN (SELECT lesion_id FROM core.lesion WHERE patient_id = 'P0004')"
    )
    try:
        after = run(few, "dynamic_prediction", **given)[0]["dynamic_prediction"]
    finally:
        few.execute("ROLLBACK")
    is_theirs = before["patient_id"] == "P0004"
    assert is_theirs.sum() == 1
    pd.testing.assert_frame_equal(before[is_theirs], after[is_theirs], check_exact=True)
    assert (before["survival"] != after["survival"]).any()


def test_few_deaths_predict_nothing_and_say_so(few: duckdb.DuckDBPyConnection) -> None:
    without, _ = run(few, "dynamic_prediction")
    assert all(rows.empty for rows in without.values())
    found, notes = run(few, "dynamic_prediction", joint__landmarks="112")
    assert len(found["dynamic_prediction"]) == 0
    assert found["dynamic_prediction_metric"]["verdict_id"].tolist() == ["few_events"]
    assert "100 are needed (joint.fewest_prediction_events)" in notes[0]
    with pytest.raises(LesionsError, match=r"joint\.landmarks in lesions\.toml is 'week 8'"):
        run(few, "dynamic_prediction", joint__landmarks="week 8")
