"""The step ``hazard`` on simulated lesions with known hazards, and on projects that have little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    lesions,
    run,
    warehouse,
)
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2 as chi2_distribution

from udfs.hazards import (
    check_proportional,
    cox_data,
    design,
    factor,
    factor_within,
    fit_cox,
)
from warehouse.errors import LesionsError

SAME_FIT = 1e-6
"""Another order of the same sums, and a search that ends elsewhere within its tolerance."""


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return lesions(n_patients=500, n_lesions=4500, seed=11)


@pytest.fixture(scope="module")
def few() -> dict[str, pd.DataFrame]:
    """Enough lesions for a model, few enough to fit many."""
    return lesions(n_patients=160, n_lesions=1200, seed=3)


@pytest.fixture(scope="module")
def con(tables: dict[str, pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    return warehouse(tables)


@pytest.fixture(scope="module")
def sql_models() -> dict[str, str]:
    folder = Path(__file__).resolve().parents[2] / "sql" / "mart" / "hazards"
    return {path.stem: path.read_text() for path in folder.glob("fig_*.sql")}


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    result, notes = run(con, level_tests=True)
    assert len(notes) == 1
    assert "no target lesion has a modelled one" in notes[0]
    return result


def organ_rows(found: dict[str, pd.DataFrame], endpoint: str, **wanted: Any) -> pd.DataFrame:
    rows = found["hazard_ratio"]
    wanted = {
        "stratum": "all",
        "model": "final",
        "term": "organ",
        "reference": "abdomen",
        "is_primary": True,
        "endpoint": endpoint,
        **wanted,
    }
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows.set_index("level")


def joined(tables: dict[str, pd.DataFrame], endpoint: str) -> pd.DataFrame:
    event = tables["event"]
    return event[event["endpoint"] == endpoint].merge(tables["patient"], on="patient_id")


def chi2_tail(p_value: float) -> float:
    """The statistic with one degree of freedom that has this p-value."""
    return float(chi2_distribution.isf(p_value, 1))


def direct(frame: pd.DataFrame, *terms: Any) -> Any:
    """The same model fitted to one row per lesion."""
    return fit_cox(
        cox_data(
            frame["time_days"].to_numpy(),
            frame["is_event"].to_numpy(),
            design(*terms),
            group=frame["patient_id"].to_numpy(dtype=str),
        )
    )


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


def test_organ_with_few_events_is_left_out_or_merged(few: dict[str, pd.DataFrame]) -> None:
    event = few["event"].copy()
    bone = (event["organ"] == "bone") & (event["lesion_type"] != "new")
    event.loc[bone, "is_event"] = event.loc[bone, "lesion_id"].isin(
        event[bone & event["is_event"]].groupby("endpoint")["lesion_id"].first()
    )
    rare = event[~((event["organ"] == "bone") & (event["lesion_type"] == "new"))]
    changed = {**few, "event": rare}
    found, _ = run(warehouse(changed))
    assert "bone" not in organ_rows(found, "response").index
    gone = found["hazard_exclusion"]
    gone = gone[(gone["model"] == "final") & (gone["stratum"] == "all")]
    assert set(zip(gone["rule"], gone["level"], strict=True)) == {("organ with few events", "bone")}
    assert (found["hazard_ratio"]["standard_error"].dropna() < 10).all()

    event = rare.copy()
    event.loc[event["organ"] == "brain_cns", "organ"] = "other"
    found, _ = run(warehouse({**few, "event": event}), rare_organs="merged")
    assert "bone" not in organ_rows(found, "response").index
    other = int(
        ((event["organ"].isin(["bone", "other"])) & (event["endpoint"] == "response")).sum()
    )
    assert organ_rows(found, "response").loc["other", "n_lesions"] == other


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


def test_reference_falls_back_to_the_most_frequent_organ_and_says_so(
    few: dict[str, pd.DataFrame],
) -> None:
    event = few["event"][few["event"]["organ"] != "abdomen"]
    found, notes = run(warehouse({**few, "event": event}))
    assert set(found["hazard_fit"]["organ_reference"]) == {"liver"}
    assert "organs are compared with liver, since abdomen" in " ".join(notes)
    named, notes = run(
        warehouse({**few, "event": event}), reference_organ="lung", event_source="observed"
    )
    assert set(named["hazard_fit"]["organ_reference"]) == {"lung"}
    assert notes == []
    listed, notes = run(warehouse({**few, "event": event}), reference_organ="abdomen, lung, liver")
    assert set(listed["hazard_fit"]["organ_reference"]) == {"lung"}
    assert "organs are compared with lung, since abdomen" in " ".join(notes)


@pytest.mark.parametrize(
    ("wanted", "reference", "said"),
    [
        ("Lung", "lung", None),
        ("livr", "liver", "since livr (hazards.reference_organ) is the organ of no lesion"),
        ("", "liver", "since hazards.reference_organ names none"),
    ],
)
def test_what_reference_organ_may_hold(
    few: dict[str, pd.DataFrame], wanted: str, reference: str, said: str | None
) -> None:
    found, notes = run(warehouse(few), reference_organ=wanted, event_source="observed")
    assert set(found["hazard_fit"]["organ_reference"]) == {reference}
    assert notes == [] if said is None else any(said in note for note in notes)


def test_target_lesions_come_from_the_model_where_it_has_them(
    few: dict[str, pd.DataFrame],
) -> None:
    event = few["event"].assign(source="observed")
    chosen = (event["lesion_type"] == "target") & (event["lesion_id"].str[-1] < "5")
    modelled = event[chosen].assign(source="modelled")
    modelled["time_days"] += 0.25
    both = {**few, "event": pd.concat([event, modelled], ignore_index=True)}
    observed, _ = run(warehouse(both), event_source="observed")
    as_seen, _ = run(warehouse(few))
    pd.testing.assert_frame_equal(observed["hazard_ratio"], as_seen["hazard_ratio"])
    replaced = pd.concat([event[~chosen], modelled], ignore_index=True).assign(source="observed")
    expected, _ = run(warehouse({**few, "event": replaced}))
    found, notes = run(warehouse(both))
    assert notes == []
    ratio = found["hazard_ratio"]
    is_beside = ratio["model"] == "observed times"
    pd.testing.assert_frame_equal(
        ratio[~is_beside].reset_index(drop=True), expected["hazard_ratio"]
    )
    # The same covariates were selected, so that the model beside is the final one as scans show it.
    as_seen = as_seen["hazard_ratio"]
    as_seen = as_seen[(as_seen["model"] == "final") & (as_seen["stratum"] == "all")]
    columns = ["endpoint", "method", "term", "level", "reference", "log_hr", "standard_error"]
    pd.testing.assert_frame_equal(
        ratio.loc[is_beside, columns].reset_index(drop=True),
        as_seen[columns].reset_index(drop=True),
        rtol=1e-6,
    )


def test_an_event_on_day_0_of_the_curve_counts_and_one_on_a_scan_of_day_0_does_not(
    few: dict[str, pd.DataFrame],
) -> None:
    event = few["event"].assign(source="observed")
    targets = event.index[(event["lesion_type"] == "target") & event["is_event"]]
    seen, met = targets[:3], targets[3:7]
    event.loc[seen, "time_days"] = 0.0
    at_once = event.loc[met].assign(source="modelled", time_days=0.0)
    found, _ = run(warehouse({**few, "event": pd.concat([event, at_once], ignore_index=True)}))
    gone = found["hazard_exclusion"].query("model == 'any'")
    assert dict(zip(gone["rule"], gone["n_lesions"], strict=True)) == {
        "no day after the first dose": 3
    }


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


def test_lesions_that_cannot_be_used_are_left_out_by_name_and_all_are_counted(
    few: dict[str, pd.DataFrame],
) -> None:
    event = few["event"].copy()
    response = event.index[event["endpoint"] == "response"]
    event["censor_reason"] = None
    event.loc[response[:7], "patient_id"] = None
    event.loc[response[10:15], "organ"] = "unknown"
    event.loc[response[20:23], ["is_event", "censor_reason"]] = [False, "no_baseline"]
    event.loc[response[30:34], "time_days"] = 0.0
    found, notes = run(warehouse({**few, "event": event}))
    gone = found["hazard_exclusion"]
    gone = gone[(gone["endpoint"] == "response") & (gone["model"] == "any")]
    assert dict(zip(gone["rule"], gone["n_lesions"], strict=True)) == {
        "unknown patient": 7,
        "unknown organ": 5,
        "no event possible": 3,
        "no day after the first dose": 4,
    }
    model = found["hazard_fit"].set_index("model_id").loc["response/all/final/laplace"]
    assert model["n_lesions"] == len(response) - 19
    assert "unknown patient): 7 of response" in " ".join(notes)


def nothing_but(found: dict[str, pd.DataFrame], *tables: str) -> bool:
    return all(frame.empty for name, frame in found.items() if name not in tables)


def test_projects_without_patients_organs_or_events_give_empty_tables_and_a_note(
    few: dict[str, pd.DataFrame],
) -> None:
    event = few["event"]
    for changed, word in (
        (event.assign(patient_id=None), "unknown patient"),
        (event[event["organ"] == "liver"], "only 1 organ"),
        (event.assign(is_event=False), "no organ with 5 events"),
        (event.iloc[:0], "no organ with 5 events"),
    ):
        found, notes = run(warehouse({**few, "event": changed}))
        assert nothing_but(found, "hazard_exclusion")
        assert word in " ".join(notes)


def test_one_lesion_per_patient_has_only_the_naive_model(few: dict[str, pd.DataFrame]) -> None:
    event = few["event"]
    one = event[event["lesion_type"] != "new"].drop_duplicates(["patient_id", "endpoint"])
    found, _ = run(warehouse({**few, "event": one}))
    fits = found["hazard_fit"]
    assert set(fits["method"]) == {"naive"}
    assert fits["is_primary"].all()
    assert fits["notes"].str.contains("without random effect").all()
    assert not found["organ_phenotype"].empty


def anatomical_charts(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """``mart.fig_anatomical_chart`` of a warehouse in which the step has run."""
    folder = Path(__file__).resolve().parents[2] / "sql" / "mart"
    con.execute(
        "CREATE OR REPLACE TABLE core.organ AS SELECT unnest(?) AS organ, 'x' AS display_name, "
        "1 AS sort_order, FALSE AS is_immune_privileged",
        [list(ORGANS)],
    )
    chart = (folder / "hazards" / "fig_organ_phenotype.sql").read_text(encoding="utf-8")
    con.execute(f"CREATE OR REPLACE TABLE mart.fig_organ_phenotype AS {chart}")
    return con.sql(
        (folder / "heterogeneity" / "fig_anatomical_chart.sql").read_text(encoding="utf-8")
    ).df()


def test_tumor_types_have_models_and_baseline_hazards_of_their_own(
    few: dict[str, pd.DataFrame],
) -> None:
    other = lesions(n_patients=120, n_lesions=900, seed=12, tumor_type="head and neck")
    both = {}
    for name in few:
        there = other[name].copy()
        for column in ("patient_id", "lesion_id", "study_id"):
            if column in there:
                there[column] = "H" + there[column]
        both[name] = pd.concat([few[name], there], ignore_index=True)
    con = warehouse(both)
    found, _ = run(con)
    assert {"all", "colorectal", "head and neck"} <= set(found["organ_phenotype"]["stratum"])
    charts = anatomical_charts(con)
    assert set(charts["tumor_type"]) == {"colorectal", "head and neck"}
    phenotype = found["organ_phenotype"].query(
        "stratum == 'head and neck' and comparator == 'mean'"
    )
    best = phenotype.sort_values("probability").groupby("organ").tail(1).set_index("organ")
    theirs = charts.query("tumor_type == 'head and neck' and comparator == 'mean'")
    theirs = theirs.set_index("organ")
    for organ, row in best.iterrows():
        assert theirs.loc[organ, "phenotype"] == row["phenotype"]
        assert theirs.loc[organ, "response_hr"] == row["response_hr"]
    pair = charts[(charts["organ"] == "liver") & (charts["comparator"] == "mean")]
    assert set(pair["n_tumor_types"]) == {2}
    assert set(pair["is_same_phenotype"]) == {pair["phenotype"].nunique() == 1}
    alone_in = warehouse(other)
    alone, _ = run(alone_in)
    assert set(anatomical_charts(alone_in)["tumor_type"]) == {"head and neck"}
    assert anatomical_charts(alone_in)["is_same_phenotype"].isna().all()
    theirs = organ_rows(found, "response", stratum="head and neck")["log_hr"]
    pd.testing.assert_series_equal(
        theirs, organ_rows(alone, "response")["log_hr"], rtol=1e-9, check_names=False
    )


def test_treatments_of_two_tumor_types_have_one_reference(few: dict[str, pd.DataFrame]) -> None:
    """No tumor type has both references, so that their names are joined; the antibody's hazard
    ratio in each tumor type is of a term of its own, with baseline hazards apart."""
    other = lesions(n_patients=160, n_lesions=1200, seed=13, tumor_type="head and neck")
    other["patient"]["treatment"] = other["patient"]["treatment"].map(
        {"FOLFOX": "cisplatin", "bevacizumab plus FOLFOX": "panitumumab plus cisplatin"}
    )
    both = {}
    for name in few:
        there = other[name].copy()
        for column in ("patient_id", "lesion_id", "study_id"):
            if column in there:
                there[column] = "H" + there[column]
        both[name] = pd.concat([few[name], there], ignore_index=True)
    found, _ = run(warehouse(both))
    tests = found["hazard_term_test"].query("stratum == 'all' and term == 'treatment'")
    assert tests["problem"].isna().all()
    rows = organ_rows(found, "progression", term="treatment", reference="FOLFOX / cisplatin")
    assert set(rows.index) == {"bevacizumab plus FOLFOX", "panitumumab plus cisplatin"}
    frame = joined(both, "progression").merge(both["study"], on="study_id")
    fit = fit_cox(
        cox_data(
            frame["time_days"].to_numpy(),
            frame["is_event"].to_numpy(),
            design(
                factor("organ", frame["organ"].to_numpy(), reference="abdomen"),
                factor(
                    "treatment",
                    frame["treatment"].replace("cisplatin", "FOLFOX").to_numpy(str),
                    reference="FOLFOX",
                ),
            ),
            group=frame["patient_id"].to_numpy(str),
            stratum=frame["tumor_type"].to_numpy(str),
        )
    )
    for level in rows.index:
        expected = fit.coefficient[fit.position("treatment", level)]
        assert rows.loc[level, "log_hr"] == pytest.approx(expected, abs=SAME_FIT)


def test_collinear_covariate_goes_and_is_named(few: dict[str, pd.DataFrame]) -> None:
    patient = few["patient"].copy()
    patient["line_of_therapy"] = np.where(patient["treatment"] == "FOLFOX", 1, 2)
    found, _ = run(warehouse({**few, "patient": patient}))
    row = found["hazard_fit"].set_index("model_id").loc["progression/all/final/laplace"]
    assert row["covariates"] in ("treatment", "line_of_therapy")
    assert "taken out" in row["notes"]
    assert row["is_converged"]


def test_stepwise_selection_and_level_tests(few: dict[str, pd.DataFrame]) -> None:
    small = {**few, "event": few["event"][few["event"]["patient_id"] < "P0120"]}
    found, _ = run(warehouse(small), selection="backward", level_tests=True)
    tests = found["hazard_term_test"].query("test == 'screening' and endpoint == 'progression'")
    assert tests["step"].max() > 1
    fits = found["hazard_fit"].set_index("model_id")
    assert fits.loc["progression/all/final/laplace", "covariates"] == "treatment"
    rows = organ_rows(found, "response")
    assert rows["lr_p_value"].notna().all()
    assert rows["lr_p_value"].to_numpy() == pytest.approx(rows["p_value"].to_numpy(), abs=0.05)


def test_unknown_covariate_is_refused_with_the_nearest(few: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(LesionsError, match=r"'bmi_kg', which is none\. Did you mean bmi_kg_m2"):
        run(warehouse(few), covariates="treatment, bmi_kg")


def test_other_is_compared_only_where_it_stands_for_the_same_organs(
    few: dict[str, pd.DataFrame], sql_models: dict[str, str]
) -> None:
    event = few["event"].assign(organ=few["event"]["organ"].replace("brain_cns", "other"))
    con = warehouse({**few, "event": event})
    run(con)
    con.execute(
        "CREATE OR REPLACE TABLE core.organ AS SELECT unnest(?) AS organ, 'x' AS display_name, "
        "1 AS sort_order, FALSE AS is_immune_privileged",
        [[*ORGANS, "other"]],
    )
    told = "UPDATE analysis.hazard_fit SET notes = 'organs with few events counted as other: {}' {}"
    without = "WHERE model = 'without new lesions'"

    def organs() -> set[str]:
        return set(con.sql(sql_models["fig_hazard_new_lesion"]).df()["organ"])

    assert "other" in organs()
    con.execute(told.format("skin, kidney; age_years taken out", ""))
    con.execute(told.format("kidney, skin", without))
    assert "other" in organs()
    con.execute(told.format("kidney, skin, heart", without))
    assert "other" not in organs()
    assert "liver" in organs()


def test_survival_of_phenotypes_follows_the_settings_of_survival(
    few: dict[str, pd.DataFrame],
) -> None:
    usual, _ = run(warehouse(few))
    narrow, _ = run(warehouse(few), **{"survival.confidence": 0.5, "survival.interval": "log-log"})
    key = ["comparator", "grouping", "endpoint", "group_name"]
    before = usual["phenotype_survival"].set_index(key)
    after = narrow["phenotype_survival"].set_index(key)
    assert after["median_days"].equals(before["median_days"])
    known = before["median_upper"].notna()
    assert known.any()
    assert (after["median_upper"][known] <= before["median_upper"][known]).all()
    assert (after["median_upper"][known] < before["median_upper"][known]).any()
