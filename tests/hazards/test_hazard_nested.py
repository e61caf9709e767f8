"""The step on simulated lesions of patients in 25 sites, some of which respond more readily."""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import lesions, run, warehouse
from heterogeneity.pipeline import step_named, values

from warehouse.build import StepRun

SITE_SD = 0.6


@cache
def built() -> duckdb.DuckDBPyConnection:
    con = warehouse(lesions(n_patients=400, n_lesions=3200, site_sd=SITE_SD))
    run(con)
    return con


def nested(con: duckdb.DuckDBPyConnection, wanted: str, **more: Any) -> dict[str, pd.DataFrame]:
    step = step_named("hazard_nested")
    settings = values(hazards__level_tests=False, hazards__random_effect=wanted, **more)
    result = step.function(StepRun(con, step, settings, lambda name, event: None))
    found = {}
    for table in step.writes:
        assert result[table.name].column_names == list(table.columns)
        frame = result[table.name].to_pandas()
        assert not frame.duplicated(list(table.key)).any()
        found[table.name.split(".")[1]] = frame
    return found


@cache
def by_site() -> dict[str, pd.DataFrame]:
    return nested(built(), "site/patient")


@pytest.mark.parametrize(
    ("endpoint", "patient_variance"), [("response", 0.64), ("progression", 0.16)]
)
def test_both_variances_are_found_again(endpoint: str, patient_variance: float) -> None:
    fits = by_site()["hazard_nested_fit"].set_index(["endpoint", "stratum"])
    row = fits.loc[endpoint, "all"]
    assert row["is_converged"]
    assert (row["n_sites"], row["n_patients"], row["n_patients_without_site"]) == (25, 400, 0)
    planted = np.random.default_rng(1).normal(0, SITE_SD, 25).var(ddof=1)
    assert row["site_variance_lower"] < planted < row["site_variance_upper"]
    # As without sites (test_hazard_interval.py): events are seen on scan days, which they share.
    assert row["patient_variance"] == pytest.approx(patient_variance, rel=1 / 3, abs=0.05)
    assert row["patient_variance_alone"] > row["patient_variance"] + planted / 3
    assert row["site_p_value"] < 1e-4


def test_sites_effects_follow_the_planted_ones() -> None:
    """Shrunken by what is known of each: slope about 1 on the estimate, correlation above 0.9."""
    sites = by_site()["hazard_site"].set_index(["endpoint", "stratum"]).loc[("response", "all")]
    planted = np.random.default_rng(1).normal(0, SITE_SD, 25)
    estimate = sites.set_index("site_id")["log_hazard"].sort_index().to_numpy()
    assert np.corrcoef(estimate, planted)[0, 1] > 0.9
    error = (estimate - (planted - planted.mean())) / sites["standard_deviation"].to_numpy()
    assert (abs(error) < 3.5).all()
    assert sites["n_lesions"].sum() == 3200


def test_lesions_and_terms_are_those_of_the_final_models() -> None:
    con, found = built(), by_site()
    final = con.execute(
        "SELECT endpoint, stratum, n_lesions, n_events, n_patients, round(loglik_integrated, 6), "
        "round(frailty_variance, 6) FROM analysis.hazard_fit "
        "WHERE model = 'final' AND is_primary ORDER BY ALL"
    ).fetchall()
    fits = found["hazard_nested_fit"]
    columns = ["endpoint", "stratum", "n_lesions", "n_events", "n_patients", "loglik_patient"]
    got = fits[[*columns, "patient_variance_alone"]].round(6)
    assert [tuple(row) for row in got.itertuples(index=False)] == final
    ratios = con.execute(
        "SELECT endpoint, stratum, term, level, log_hr, standard_error FROM analysis.hazard_ratio "
        "WHERE model = 'final' AND is_primary AND reference <> 'mean' AND NOT is_separated"
    ).df()
    key = ["endpoint", "stratum", "term", "level"]
    both = found["hazard_nested_ratio"].merge(ratios, on=key, suffixes=("", "_final"))
    assert len(both) == len(ratios) == len(found["hazard_nested_ratio"])
    np.testing.assert_allclose(both["patient_log_hr"], both["log_hr_final"], atol=1e-9)
    np.testing.assert_allclose(
        both["patient_standard_error"], both["standard_error_final"], atol=1e-9
    )
    # Treatment is drawn for each patient and not for a site: its estimate moves little.
    assert (abs(both["log_hr"] - both["log_hr_final"]) < both["standard_error_final"]).all()


def test_patients_without_a_site_are_one_site_and_counted() -> None:
    tables = lesions(n_patients=400, n_lesions=3200, site_sd=SITE_SD)
    is_known = tables["patient"]["site_id"] != "S1/03"
    tables["patient"]["site_id"] = tables["patient"]["site_id"].where(is_known, None)
    con = warehouse(tables)
    run(con)
    found = nested(con, "site/patient", hazards__confidence=0.8)
    mine, other = found["hazard_nested_fit"], by_site()["hazard_nested_fit"]
    assert (mine["n_patients_without_site"] == mine["n_patients"] / 25).sum() >= 1
    assert "S1/site not stated" in set(found["hazard_site"]["site_id"])
    # The same patients make the site, under another name.
    np.testing.assert_allclose(mine["site_variance"], other["site_variance"], rtol=1e-3)
    assert (mine["site_variance_upper"].dropna() < other["site_variance_upper"].dropna()).all()


def test_one_study_has_no_variance_between_studies_and_says_so() -> None:
    found = nested(built(), "study/patient")
    assert found["hazard_nested_fit"]["null_reason"].str.contains("one site").all()
    assert found["hazard_nested_fit"]["site_variance"].isna().all()
    assert found["hazard_nested_ratio"].empty
    assert found["hazard_site"].empty


def test_without_the_setting_the_tables_are_empty() -> None:
    assert all(frame.empty for frame in nested(built(), "patient").values())
