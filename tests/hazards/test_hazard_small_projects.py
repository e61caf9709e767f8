"""The step ``hazard`` on projects that have little, or that ask for more than the data can tell."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hazards.hazard_tables import (
    ORGANS,
    SAME_FIT,
    joined,
    lesions,
    organ_rows,
    run,
    warehouse,
)

from udfs.hazards import (
    cox_data,
    design,
    factor,
    fit_cox,
)
from warehouse.errors import LesionsError


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
    by_type = found["organ_phenotype"].query("organ == 'liver' and comparator == 'mean'")
    wide = by_type[by_type["stratum"].isin(charts["tumor_type"])].pivot(
        index="phenotype", columns="stratum", values="probability"
    )
    same = sum(a * b for a, b in wide.to_numpy())
    np.testing.assert_allclose(pair["probability_same"], same, rtol=1e-12)
    alone = charts[charts["n_tumor_types"] == 1]
    assert alone["probability_same"].isna().all()
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
