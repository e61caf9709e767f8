"""Steps on biomarkers, new organs and onsets on literal tables, each against a sum by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from progression.sequence_tables import database, run

from flows.steps.progression.organotropism import steps_of
from udfs.progression.organs import cause_specific
from udfs.progression.transitions import aalen_johansen

LEAD = pd.DataFrame(
    [
        # patient, which, molecular (lower, upper], recist (lower, upper], day, overall survival
        ("s/1", "both", 21, 42, 56, 112, 112, 300, True),
        ("s/2", "both", 42, 63, 56, 112, 112, 200, True),
        ("s/3", "marker only", 84, 105, 140, None, 140, 150, True),
        ("s/4", "disease only", 90, None, 0, 56, 56, 400, False),
        ("s/5", "neither", 90, None, 90, None, 90, 90, True),
    ],
    columns=[
        *("patient_id", "which", "molecular_lower", "molecular_upper", "recist_lower"),
        *("recist_upper", "recist_days", "os_days", "is_dead"),
    ],
).assign(study_id="s", test="ctdna", rule_set="ctdna_rise")


def test_lead_times_are_counted_and_estimated():
    found, _ = run(database({"analysis.biomarker_lead_time": LEAD}), "biomarker_lead")
    summary = found["biomarker_lead_summary"]
    assert summary["subset"].tolist() == ["all", "study s"]
    row = summary.iloc[0]
    counts = ("n_patients", "n_both", "n_marker_only", "n_disease_only", "n_neither")
    assert row[list(counts)].tolist() == [5, 2, 1, 1, 1]
    # Leads in (14, 91] and (-7, 70]: both hold (14, 70], which has all of the mass.
    assert (row["lead_median_from_days"], row["lead_median_to_days"]) == (14, 70)
    assert row["observed_median_days"] == (70 + 49) / 2
    assert row["n_surely_before"] == 1
    assert row["share_before_least"] == pytest.approx(1)
    # From the sample on: 70 and 49 days to progression; 35 days to a last scan, death later.
    assert row["n_at_risk"] == 3
    assert row["progression_after"] == pytest.approx(
        aalen_johansen([70, 49, 35], [1, 1, 0]).at(90)[0]
    )


def test_a_project_without_markers_has_empty_tables():
    con = database({"analysis.biomarker_lead_time": LEAD.head(0)})
    found, notes = run(con, "biomarker_lead")
    assert all(table.empty for table in found.values())
    assert notes == []


def test_organs_of_one_day_share_the_step():
    who, start, end, weight = steps_of(
        np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 3, 0, 1]),
        np.array([10.0, 10, 50, 5, 9, 9]),
    )  # fmt: skip
    steps = sorted(zip(who.tolist(), start.tolist(), end.tolist(), weight.tolist(), strict=True))
    # Liver and lung on day 10, then bone: one step from each. Skin, then liver and lung: half each.
    assert steps == [(0, 0, 2, 1.0), (0, 1, 2, 1.0), (1, 3, 0, 0.5), (1, 3, 1, 0.5)]


@pytest.fixture(scope="module")
def course():
    """Two trials, a hazard of the new organ that is four times as high with liver lesions."""
    rng = np.random.default_rng(22)
    n = 500
    liver = (rng.random(n) < 0.5).astype(float)
    hazard = 0.0012 * np.where(liver == 1, 4.0, 1.0)
    lesion, death = rng.exponential(1 / hazard), rng.exponential(900, n)
    end = rng.uniform(100, 800, n)
    time = np.ceil(np.minimum.reduce([lesion, death, end]))
    cause = np.where(lesion <= np.minimum(death, end), 1, np.where(death <= end, 2, 0))
    return pd.DataFrame(
        {
            "patient_id": [f"t{i % 2}/{i:04d}" for i in range(n)],
            "organ": "any",
            "landmark_days": 0.0,
            "subset": "all",
            "study_id": [f"t{i % 2}" for i in range(n)],
            "time_days": time,
            "cause": cause,
            "n_organs": rng.integers(1, 5, n).astype(float),
            "has_liver": liver,
            "has_lung": (rng.random(n) < 0.4).astype(float),
            "log_sum": np.where(rng.random(n) < 0.05, np.nan, rng.normal(4, 0.5, n)),
            "log_change": np.nan,
            "log_regrowth": np.nan,
        }
    )


def test_a_known_hazard_of_new_organs_is_found_and_of_use(course):
    found, _ = run(database({"analysis.new_organ_course": course}), "new_organ_risk")
    model = found["new_organ_model"].set_index(["cause", "term"])
    liver = model.loc[("new organ", "has_liver")]
    assert abs(liver["log_hr"] - np.log(4)) < 3 * liver["standard_error"]
    accuracy = found["new_organ_accuracy"].set_index("split")
    assert accuracy.loc["by trial", "verdict"] == "of use"
    assert accuracy.loc["by trial", "auc"] > 0.6
    risk = found["new_organ_risk"].sort_values("patient_id").reset_index(drop=True)
    assert risk["is_imputed"].sum() == course["log_sum"].isna().sum()
    # The risk left out of trial t0 is by a model of trial t1 alone.
    ordered = course.sort_values("patient_id").reset_index(drop=True)
    x = ordered[["n_organs", "has_liver", "has_lung", "log_sum"]].to_numpy()
    x[:, 3] = np.where(np.isnan(x[:, 3]), np.nanmedian(x[:, 3]), x[:, 3])
    t1 = ordered["study_id"].eq("t1").to_numpy()
    other = cause_specific(ordered["time_days"][t1], ordered["cause"][t1], x[t1])
    np.testing.assert_allclose(
        risk["risk_left_out"][~t1], other.risk(x[~t1], 180.0), rtol=1e-9, atol=1e-12
    )
    # The truth: constant hazards, so that F(t) = h1 / (h1 + h2) (1 - exp(-(h1 + h2) t)).
    h1 = 0.0012 * np.where(ordered["has_liver"] == 1, 4.0, 1.0)
    h2 = 1 / 900
    true = h1 / (h1 + h2) * (1 - np.exp(-(h1 + h2) * 180))
    covered = (risk["lower"] <= true) & (true <= risk["upper"])
    assert covered.mean() > 0.8
    assert abs(risk["risk"] - true).mean() < 0.05


def test_too_few_new_organs_are_not_fitted(course):
    few = course.head(40)
    found, _ = run(database({"analysis.new_organ_course": few}), "new_organ_risk")
    assert (few["cause"] == 1).sum() < 30
    accuracy = found["new_organ_accuracy"]
    assert accuracy["verdict"].tolist() == ["too few events: not fitted"]
    assert found["new_organ_risk"].empty


def _lesions(days):
    measured = [
        (f"s/1/{name}", day, volume) for name, sizes in days.items() for day, volume in sizes
    ]
    return {
        "core.lesion": pd.DataFrame(
            {
                "lesion_id": [f"s/1/{name}" for name in [*days, "N1"]],
                "patient_id": "s/1",
                "lesion_type": ["target"] * len(days) + ["new"],
                "is_analysed": True,
                "is_analysis_reader": True,
            }
        ),
        "core.measurement": pd.DataFrame(
            measured, columns=["lesion_id", "day", "volume_mm3"]
        ).assign(is_below_limit=False),
        "analysis.new_lesion": pd.DataFrame({"lesion_id": ["s/1/N1"], "detected_day": [112.0]}),
        "analysis.lesion_event": pd.DataFrame(
            {
                "lesion_id": ["s/1/N1"], "endpoint": "progression", "source": "observed",
                "rule_set": "recist_1_1", "time_lower": [56.0],
            }
        ),
    }  # fmt: skip


def test_onset_is_told_by_two_scans_a_stated_rate_or_not_at_all():
    con = database(_lesions({
        "T1": [(-100, 1000.0), (0, 4000.0)],  # doubles in 50 days
        "T2": [(-7, 2000.0)],
        "T3": [(-50, 4000.0), (-1, 3000.0)],  # shrinks
        "T4": [(0, 30.0)],
    }))  # fmt: skip
    found, _ = run(con, "lesion_onset")
    rows = found["lesion_onset"].set_index(["lesion_id", "model", "start"])
    told = rows.loc[("s/1/T1", "exponential", "one cell")]
    assert told["is_identified"]
    # 4,000 mm3 are 4e9 cells: log2(4e9) = 31.9 doublings of 50 days.
    assert told["onset_day"] == pytest.approx(-50 * np.log2(4e9), rel=0.001)
    assert told["onset_lower"] < told["onset_day"] < told["onset_upper"]
    for lesion, why in (("T2", "one scan before"), ("T3", "may be 0"), ("T4", "one scan before")):
        row = rows.loc[(f"s/1/{lesion}", "exponential", "one cell")]
        assert row["refusal"].startswith(("the rate " + why, why))
        assert np.isnan(row["onset_day"])
    assert rows.loc[("s/1/T1", "gompertz", "one cell"), "refusal"].startswith("two growth")
    new = rows.loc[("s/1/N1", "detection", "visible on a scan")]
    assert (new["onset_lower"], new["onset_upper"]) == (56, 112)
    stated, _ = run(con, "lesion_onset", onset__prior_doubling_days=100.0)
    rows = stated["lesion_onset"].set_index(["lesion_id", "model", "start"])
    prior = rows.loc[("s/1/T2", "exponential", "one cell")]
    assert prior["is_prior"]
    assert not prior["is_identified"]
    assert prior["onset_day"] == pytest.approx(-7 - 100 * np.log2(2e9), rel=0.01)
    small = rows.loc[("s/1/T4", "exponential", "visible size")]
    assert small["refusal"] == "smaller than the visible size"
