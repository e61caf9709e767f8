"""The step ``hazard`` on simulated lesions with known hazards."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import (
    ANTIBODY,
    ANTIBODY_LOG_HR,
    CHEMOTHERAPY,
    LOG_HR,
    ORGANS,
    SAME_FIT,
    chi2_tail,
    direct,
    joined,
    lesions,
    organ_rows,
    run,
    warehouse,
)

from udfs.hazards import (
    check_proportional,
    cox_data,
    design,
    factor,
    factor_within,
    fit_cox,
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return lesions(n_patients=500, n_lesions=4500, seed=11)


@pytest.fixture(scope="module")
def con(tables: dict[str, pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    return warehouse(tables)


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    result, notes = run(con, level_tests=True)
    assert len(notes) == 1
    assert "no target lesion has a modelled one" in notes[0]
    return result


@pytest.mark.parametrize("endpoint", ["response", "progression"])
def test_final_model_is_that_of_every_lesion_by_itself(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame], endpoint: str
) -> None:
    """The step counts lesions alike and censored together by weights; here each has its row."""
    frame = joined(tables, endpoint)
    fit = direct(
        frame,
        factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
        factor("treatment", frame["treatment"].to_numpy(), reference="FOLFOX"),
    )
    rows = organ_rows(found, endpoint)
    for (term, label), b, se in zip(fit.columns, fit.coefficient, fit.standard_error, strict=True):
        if term == "organ":
            assert rows.loc[label, "log_hr"] == pytest.approx(b, abs=SAME_FIT)
            assert rows.loc[label, "standard_error"] == pytest.approx(se, rel=SAME_FIT)
    model = found["hazard_fit"].set_index("model_id").loc[f"{endpoint}/all/final/laplace"]
    assert model["n_lesions"] == len(frame)
    assert model["n_events"] == frame["is_event"].sum()
    assert model["frailty_variance"] == pytest.approx(fit.variance, rel=1e-4)
    assert model["frailty_variance_upper"] == pytest.approx(fit.variance_upper, rel=1e-3)
    assert model["loglik_integrated"] == pytest.approx(fit.loglik_integrated, abs=1e-5)


def test_naive_model_is_lifelines(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    lifelines = pytest.importorskip("lifelines")
    frame = joined(tables, "progression")
    columns = {organ: (frame["organ"] == organ).astype(float) for organ in ORGANS[1:]}
    columns["antibody"] = (frame["treatment"] != "FOLFOX").astype(float)
    fitter = lifelines.CoxPHFitter().fit(
        pd.DataFrame({**columns, "t": frame["time_days"], "e": frame["is_event"]}), "t", "e"
    )
    rows = organ_rows(found, "progression", is_primary=False, method="naive")
    for organ in ORGANS[1:]:
        assert rows.loc[organ, "log_hr"] == pytest.approx(fitter.params_[organ], abs=1e-5)
        expected = fitter.standard_errors_[organ]
        assert rows.loc[organ, "standard_error"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("endpoint", ["response", "progression"])
def test_true_hazard_ratios_are_found(found: dict[str, pd.DataFrame], endpoint: str) -> None:
    """Within three standard errors, of which 0.3 % would fall outside."""
    rows = organ_rows(found, endpoint)
    for organ, truth in zip(ORGANS[1:], LOG_HR[endpoint][1:], strict=True):
        assert abs(rows.loc[organ, "log_hr"] - truth) < 3 * rows.loc[organ, "standard_error"]


def test_against_the_mean_is_against_the_reference_less_the_mean(
    found: dict[str, pd.DataFrame],
) -> None:
    reference = organ_rows(found, "response")["log_hr"]
    log_hr = pd.concat([reference, pd.Series({"abdomen": 0.0})])
    mean = organ_rows(found, "response", reference="mean")["log_hr"]
    for organ in ORGANS:
        assert mean[organ] == pytest.approx(log_hr[organ] - log_hr.mean(), abs=1e-10)


def test_covariate_with_effect_is_selected_and_each_test_kept(
    found: dict[str, pd.DataFrame],
) -> None:
    tests = found["hazard_term_test"]
    screening = tests[(tests["test"] == "screening") & (tests["endpoint"] == "progression")]
    screening = screening.set_index("term")
    assert list(screening.index[screening["is_selected"]]) == ["treatment"]
    assert screening.loc["treatment", "p_value"] < 1e-6
    assert screening.loc["race", "problem"] == "the same in all lesions"
    assert screening.loc["prior_surgery", "problem"] == "known for 0 % of the lesions"
    final = tests[
        (tests["test"] == "final") & (tests["model_id"] == "progression/all/final/laplace")
    ]
    assert sorted(final["term"]) == ["organ", "treatment"]
    # One coefficient: its likelihood ratio stands beside Wald in hazard_ratio too.
    ratio = organ_rows(found, "progression", term="treatment", reference="FOLFOX")
    expected = final.set_index("term").loc["treatment", "p_value"]
    assert ratio["lr_p_value"].item() == pytest.approx(expected, rel=1e-12)


def test_antibody_within_organ_is_the_interaction(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    for endpoint in ("response", "progression"):
        frame = joined(tables, endpoint)
        fit = direct(
            frame,
            factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
            factor_within(
                "antibody",
                frame["treatment_class"].to_numpy(),
                frame["organ"].to_numpy(),
                reference=CHEMOTHERAPY,
                sources=("treatment_class", "organ"),
            ),
        )
        rows = organ_rows(
            found,
            endpoint,
            model="antibody within organ",
            term="antibody_within_organ",
            reference=CHEMOTHERAPY,
        )
        for organ in ORGANS:
            k = fit.position("antibody", f"{ANTIBODY} within {organ}")
            assert rows.loc[organ, "log_hr"] == pytest.approx(fit.coefficient[k], abs=SAME_FIT)
            error = abs(fit.coefficient[k] - ANTIBODY_LOG_HR[endpoint])
            assert error < 3.5 * fit.standard_error[k]


def test_models_within_classes_of_treatment_are_of_their_patients(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    fits = found["hazard_fit"].set_index("model_id")
    for name in (CHEMOTHERAPY, ANTIBODY):
        frame = joined(tables, "response")
        frame = frame[frame["treatment_class"] == name]
        row = fits.loc[f"response/{name}/final/laplace"]
        assert row["n_lesions"] == len(frame)
        assert row["n_patients"] == frame["patient_id"].nunique()
        fit = direct(frame, factor("organ", frame["organ"].to_numpy(), reference="abdomen"))
        rows = organ_rows(found, "response", stratum=name)
        at = fit.position("organ", "bone")
        assert rows.loc["bone", "log_hr"] == pytest.approx(fit.coefficient[at], abs=SAME_FIT)


def test_new_lesions_stand_in_one_model_of_progression_and_not_in_the_other(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    fits = found["hazard_fit"].set_index("model_id")
    n_new = int((tables["event"]["lesion_type"] == "new").sum())
    with_new = fits.loc["progression/all/final/laplace"]
    without = fits.loc["progression/all/without new lesions/laplace"]
    assert with_new["n_lesions"] - without["n_lesions"] == n_new
    assert with_new["n_events"] - without["n_events"] == n_new
    assert "response/all/without new lesions/laplace" not in fits.index


def test_phenotypes_that_are_sure_are_true(found: dict[str, pd.DataFrame]) -> None:
    rows = found["organ_phenotype"]
    rows = rows[(rows["stratum"] == "all") & (rows["probability"] > 0.95)]
    for comparator in ("reference", "mean"):
        level = {e: np.mean(LOG_HR[e]) if comparator == "mean" else 0.0 for e in LOG_HR}
        sure = rows[rows["comparator"] == comparator]
        assert len(sure) >= 4
        for _, row in sure.iterrows():
            k = ORGANS.index(row["organ"])
            side = ["high" if LOG_HR[e][k] > level[e] else "low" for e in LOG_HR]
            assert row["phenotype"] == "-".join(side)
    assert "abdomen" not in set(rows[rows["comparator"] == "reference"]["organ"])


def test_patients_are_grouped_by_the_phenotypes_of_their_first_organs(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    phenotype = found["organ_phenotype"]
    chosen = phenotype[
        (phenotype["stratum"] == "all")
        & (phenotype["comparator"] == "mean")
        & phenotype["is_assigned"]
    ]
    by_organ = dict(zip(chosen["organ"], chosen["phenotype"], strict=True))
    members = found["patient_phenotype"]
    members = members[members["comparator"] == "mean"].set_index("patient_id")
    event = tables["event"]
    organs = event[event["lesion_type"] != "new"].groupby("patient_id")["organ"].agg(set)
    assert sorted(members.index) == sorted(organs.index)
    for patient, there in organs.items():
        kinds = {by_organ.get(organ) for organ in there}
        assert members.loc[patient, "has_low_high"] == ("low-high" in kinds)
        assert members.loc[patient, "is_high_low_only"] == (kinds == {"high-low"})


def test_survival_by_phenotype_is_that_of_lifelines(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    statistics = pytest.importorskip("lifelines.statistics")
    members = found["patient_phenotype"]
    both = members[members["comparator"] == "mean"].merge(tables["patient"], on="patient_id")
    is_in = both["has_low_high"].to_numpy()
    expected = statistics.logrank_test(
        both["os_days"][is_in],
        both["os_days"][~is_in],
        both["os_event"][is_in],
        both["os_event"][~is_in],
    )
    rows = found["phenotype_survival"]
    rows = rows[(rows["comparator"] == "mean") & (rows["grouping"] == "any low-high")]
    assert sorted(rows["group_name"]) == ["the rest", "yes"]
    assert rows["n_patients"].sum() == len(both)
    assert rows["chi2"].to_numpy() == pytest.approx(expected.test_statistic, rel=1e-9)
    # No progression-free survival is known here.
    assert set(found["phenotype_survival"]["endpoint"]) == {"OS"}


def test_patients_effects_are_those_of_the_fit(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    effect = found["hazard_frailty"]
    effect = effect[(effect["endpoint"] == "response") & (effect["stratum"] == "all")]
    frame = joined(tables, "response")
    fit = direct(
        frame,
        factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
        factor("treatment", frame["treatment"].to_numpy(), reference="FOLFOX"),
    )
    assert list(effect["patient_id"]) == list(fit.frailty.group)
    assert effect["log_hazard"].to_numpy() == pytest.approx(fit.frailty.effect, abs=1e-4)
    assert effect["standard_deviation"].to_numpy() == pytest.approx(fit.frailty.sd, rel=1e-4)


def test_rows_in_another_order_give_the_same_numbers(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    again, _ = run(warehouse(tables, seed=5), level_tests=True)
    for name, frame in found.items():
        pd.testing.assert_frame_equal(frame, again[name], check_exact=True)


def test_figures_show_what_the_tables_hold(
    con: duckdb.DuckDBPyConnection, found: dict[str, pd.DataFrame], sql_models: dict[str, str]
) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE core.organ AS SELECT unnest(?) AS organ, 'x' AS display_name, "
        "1 AS sort_order, FALSE AS is_immune_privileged",
        [list(ORGANS)],
    )
    shown = {name: con.sql(text).df() for name, text in sql_models.items()}
    forest = shown["fig_hazard_organ"]
    assert len(forest) == sum(
        len(ORGANS) * 2
        for model in found["hazard_fit"].query("is_primary")["model"]
        if model != "antibody within organ"
    )
    new = shown["fig_hazard_new_lesion"].set_index("organ")
    with_new = organ_rows(found, "progression")["hazard_ratio"]
    without = organ_rows(found, "progression", model="without new lesions")["hazard_ratio"]
    assert new.loc["bone", "ratio_of_hazard_ratios"] == pytest.approx(
        with_new["bone"] / without["bone"]
    )
    assert len(shown["fig_hazard_antibody"]) == 2 * len(ORGANS)
    chart = shown["fig_organ_phenotype"]
    bone = chart[(chart["stratum"] == "all") & (chart["organ"] == "bone")]
    assert set(bone["probable_phenotype"]) == {"low-high"}
    covariates = shown["fig_hazard_covariate"].set_index(["endpoint", "term"])
    assert covariates.loc[("progression", "treatment"), "level"] == "bevacizumab plus FOLFOX"


def test_proportional_hazards_are_tested_as_of_every_lesion(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    """The step fits rows of lesions alike in all but their number, with weights; here one row per
    lesion."""
    frame = joined(tables, "progression")
    fit_data = cox_data(
        frame["time_days"].to_numpy(),
        frame["is_event"].to_numpy(),
        design(
            factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
            factor("treatment", frame["treatment"].to_numpy(), reference="FOLFOX"),
        ),
        group=frame["patient_id"].to_numpy(dtype=str),
    )
    fit = fit_cox(fit_data)
    rows = found["hazard_ph_test"].set_index(["model_id", "frailty", "term"])
    for frailty in ("known", "estimated"):
        check = check_proportional(fit_data, fit, "km", frailty)  # type: ignore[arg-type]
        for test in check.tests:
            row = rows.loc[("progression/all/final/laplace", frailty, test.term)]
            assert row["chi2"] == pytest.approx(test.chi2, rel=1e-4)
            assert row["df"] == test.df
        only = check.drift[fit.position("treatment", "bevacizumab plus FOLFOX")]
        row = rows.loc[("progression/all/final/laplace", frailty, "treatment")]
        assert row["steepest_change"] == pytest.approx(only, rel=1e-3)
        assert row["steepest_level"] == "bevacizumab plus FOLFOX"
    # The simulated hazards of Weibull times are proportional.
    assert (found["hazard_ph_test"]["p_value"] > 1e-4).all()


def test_organs_and_the_antibody_in_each_have_likelihood_ratio_tests(
    found: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    frame = joined(tables, "response")
    terms = [
        factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
        factor("treatment", frame["treatment"].to_numpy(), reference="FOLFOX"),
    ]
    full = direct(frame, *terms)
    merged = frame["organ"].where(frame["organ"] != "lung", "abdomen").to_numpy()
    without = direct(frame, factor("organ", merged, reference="abdomen"), terms[1])
    chi2 = 2 * (full.loglik_integrated - without.loglik_integrated)
    rows = organ_rows(found, "response")
    # The search for the variance stops sooner in tests: 2e-4 in the likelihood at most.
    assert chi2_tail(rows.loc["lung", "lr_p_value"]) == pytest.approx(chi2, abs=1e-3)
    assert rows["lr_p_value"].notna().all()
    within = found["hazard_ratio"].query("term == 'antibody_within_organ' and is_primary")
    assert within["lr_p_value"].notna().all()
    mean = found["hazard_ratio"].query("reference == 'mean'")
    assert mean["lr_p_value"].isna().all()
