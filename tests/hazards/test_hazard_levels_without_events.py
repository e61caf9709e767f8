"""Organs and levels without events, or with all: hazard ratios of 0 or infinity, with one limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import (
    ANTIBODY,
    CHEMOTHERAPY,
    SAME_FIT,
    chi2_tail,
    organ_rows,
    run,
    warehouse,
)
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2 as chi2_distribution


def test_organ_without_events_has_hazard_ratio_0_with_a_limit(few: dict[str, pd.DataFrame]) -> None:
    """What else is estimated is the limit: the data without the organ's lesions."""
    event = few["event"][few["event"]["lesion_type"] != "new"].copy()
    bone = (event["organ"] == "bone").to_numpy()
    event.loc[bone, "is_event"] = False
    found, _ = run(warehouse({**few, "event": event}), covariates="treatment,age_years")
    without, _ = run(warehouse({**few, "event": event[~bone]}), covariates="treatment,age_years")
    for endpoint in ("response", "progression"):
        rows = organ_rows(found, endpoint)
        row = rows.loc["bone"]
        assert row["is_separated"]
        n = int((bone & (event["endpoint"] == endpoint)).sum())
        assert (row["n_lesions"], row["n_events"]) == (n, 0)
        assert (row["hazard_ratio"], row["ci_lower"]) == (0.0, 0.0)
        # Over a hundred lesions of one in ten: far from abdomen's hazard.
        assert 0 < row["ci_upper"] < 0.5
        assert row["lr_p_value"] < 1e-4
        assert row[["log_hr", "standard_error", "p_value"]].isna().all()
        others = organ_rows(without, endpoint)
        same = rows.drop(index="bone")
        assert set(same.index) == set(others.index)
        for column in ("log_hr", "standard_error"):
            apart = (same[column] - others.loc[same.index, column]).abs()
            assert apart.max() < SAME_FIT, column
    gone = found["hazard_exclusion"].query("model == 'final' and stratum == 'all'")
    assert set(zip(gone["rule"], gone["level"], strict=True)) == {
        ("hazard without maximum", "bone")
    }


def test_organs_without_events_have_limits_where_one_organ_has_all_of_them(
    few: dict[str, pd.DataFrame],
) -> None:
    """No term of organ is left to fit; the limits are those of Cox's likelihood written out."""
    event = few["event"][few["event"]["lesion_type"] != "new"].copy()
    event["is_event"] &= event["organ"] == "liver"
    # A lesion each: without random effect the limit can be worked out in a few lines.
    event = event.drop_duplicates(["patient_id", "endpoint"])
    found, notes = run(warehouse({**few, "event": event}), covariates="age_years")
    assert "one organ alone has a finite hazard ratio" in " ".join(notes)
    assert found["organ_phenotype"].empty
    for endpoint in ("response", "progression"):
        lesions_of = event[event["endpoint"] == endpoint]
        model = found["hazard_fit"].set_index("model_id").loc[f"{endpoint}/all/final/naive"]
        assert model["n_coefficients"] == 0
        rows = organ_rows(found, endpoint, reference="liver")
        assert set(rows.index) == set(lesions_of["organ"]) - {"liver"}
        assert rows["is_separated"].all()
        for organ, row in rows.iterrows():
            two = lesions_of[lesions_of["organ"].isin(["liver", organ])]
            here = (two["organ"] == organ).to_numpy()
            time, is_event = two["time_days"].to_numpy(), two["is_event"].to_numpy()
            day, n_there = np.unique(time[is_event], return_counts=True)
            # Efron: of n events of one day the j-th takes j n-ths of them from the lesions at risk.
            of_liver = np.concatenate(
                [(time[~here] >= d).sum() - np.arange(n) for d, n in zip(day, n_there, strict=True)]
            )
            of_organ = np.repeat([(time[here] >= d).sum() for d in day], n_there)

            def fallen(
                log_hr: float, liver: NDArray[Any] = of_liver, other: NDArray[Any] = of_organ
            ) -> float:
                return float(2 * np.log1p(other * np.exp(log_hr) / liver).sum())

            limit = brentq(lambda b, f=fallen: f(b) - chi2_distribution.isf(0.05, 1), -15, 15)
            # The limit is sought to 1e-4 of its logarithm (LIMIT_TOLERANCE).
            assert row["ci_upper"] == pytest.approx(np.exp(limit), rel=3e-4)
            assert chi2_tail(row["lr_p_value"]) == pytest.approx(fallen(0.0), abs=1e-4)
            assert (row["n_lesions"], row["n_events"]) == (here.sum(), 0)
    in_models = found["hazard_fit"].query("stratum == 'all' and model == 'final' and is_primary")
    gone = found["hazard_exclusion"].query("stratum == 'all' and model == 'final'")
    assert in_models["n_lesions"].sum() + gone["n_lesions"].sum() == len(event)


def test_covariate_level_without_events_has_hazard_ratio_0_with_a_limit(
    few: dict[str, pd.DataFrame],
) -> None:
    """The level is the one of most lesions, and yet not what the others are compared with."""
    patient = few["patient"].copy()
    third = np.arange(len(patient)) % 5
    patient["sex"] = np.select([third < 3, third == 3], ["U", "F"], "M")
    silent = patient.loc[patient["sex"] == "U", "patient_id"]
    event = few["event"][few["event"]["lesion_type"] != "new"].copy()
    here = event["patient_id"].isin(silent).to_numpy()
    event.loc[here, "is_event"] = False
    event.loc[
        ~here & event["patient_id"].isin(patient.loc[patient["sex"] == "F", "patient_id"]),
        "time_days",
    ] *= 0.2
    tables = {**few, "event": event, "patient": patient}
    found, _ = run(warehouse(tables), covariates="sex")
    ratio = found["hazard_ratio"].query("term == 'sex' and model == 'final' and stratum == 'all'")
    ratio = ratio[ratio["endpoint"] == "progression"]
    limit = ratio[ratio["is_separated"]].iloc[0]
    other = ratio[~ratio["is_separated"]].iloc[0]
    assert (limit["level"], limit["n_events"], limit["hazard_ratio"]) == ("U", 0, 0.0)
    assert limit["reference"] == other["reference"] != "U"
    assert 0 < limit["ci_upper"] < 0.1
    gone = found["hazard_exclusion"].query("model == 'final' and stratum == 'all'")
    assert ("hazard without maximum", "sex: U") in set(
        zip(gone["rule"], gone["level"], strict=True)
    )


@pytest.mark.parametrize("silent", [ANTIBODY, CHEMOTHERAPY])
def test_organ_without_events_under_one_treatment_has_the_antibody_s_limit(
    few: dict[str, pd.DataFrame], silent: str
) -> None:
    event = few["event"][few["event"]["lesion_type"] != "new"].copy()
    quiet = few["patient"].loc[few["patient"]["treatment_class"] == silent, "patient_id"]
    here = ((event["organ"] == "lung") & event["patient_id"].isin(quiet)).to_numpy()
    event.loc[here, "is_event"] = False
    found, _ = run(warehouse({**few, "event": event}))
    ratio = found["hazard_ratio"].query("term == 'antibody_within_organ' and is_primary")
    row = ratio[(ratio["level"] == "lung") & (ratio["endpoint"] == "progression")].iloc[0]
    assert row["is_separated"]
    if silent == ANTIBODY:
        assert (row["hazard_ratio"], row["n_events"]) == (0.0, 0)
        assert 0 < row["ci_upper"] < 1
    else:
        assert pd.isna(row["hazard_ratio"])
        assert pd.isna(row["ci_upper"])
        assert row["ci_lower"] > 1
    assert row["lr_p_value"] < 0.01


def test_separated_organ_costs_its_own_estimate_and_not_the_covariates(
    few: dict[str, pd.DataFrame],
) -> None:
    """All lesions of bone progress before any other lesion does."""
    event = few["event"].copy()
    bone = (event["organ"] == "bone") & (event["endpoint"] == "progression")
    event.loc[~bone, "time_days"] += 10
    event.loc[bone, "time_days"] = 5.0
    event.loc[bone, "is_event"] = True
    found, _ = run(warehouse({**few, "event": event}), covariates="treatment,age_years")
    without, _ = run(warehouse({**few, "event": event[~bone]}), covariates="treatment,age_years")
    fit = found["hazard_fit"].set_index("model_id").loc["progression/all/final/laplace"]
    assert fit["is_converged"]
    assert "treatment" in fit["covariates"]
    key = ["model_id", "term", "level", "reference"]
    wanted = "model == 'final' and is_primary and stratum == 'all' and reference != 'mean'"
    primary = found["hazard_ratio"].query(wanted).set_index(key)
    others = without["hazard_ratio"].query(wanted).set_index(key)
    finite = primary[~primary["is_separated"]]
    assert (finite["log_hr"] - others.loc[finite.index, "log_hr"]).abs().max() < SAME_FIT
    (row,) = primary[primary["is_separated"]].reset_index().to_dict("records")
    assert (row["level"], row["n_lesions"], row["n_events"]) == ("bone", bone.sum(), bone.sum())
    assert pd.isna(row["hazard_ratio"])
    assert pd.isna(row["ci_upper"])
    assert row["ci_lower"] > 1
    assert row["lr_p_value"] < 1e-6
