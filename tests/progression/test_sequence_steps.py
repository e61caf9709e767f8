"""The steps on sequences, on planted ones, and on projects that have little."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from progression.sequence_tables import ANTIBODY, N_FREE, database, planted_tables, run

from udfs.progression import PlantedSequences, adjusted_rand_index
from udfs.survival import kaplan_meier
from warehouse.errors import LesionsError

STEPS = ("progression_cluster", "progression_meaning", "organ_transition", "progression_prediction")
Found = dict[str, pd.DataFrame]
NAMES = {"Mono-Organ", "Liver-First", "Lung-First", "Peritoneum-First", "Hetero-Organ"}


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, pd.DataFrame], PlantedSequences]:
    return planted_tables()


@pytest.fixture(scope="module")
def con(made: tuple[dict[str, pd.DataFrame], PlantedSequences]) -> duckdb.DuckDBPyConnection:
    return database(made[0])


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> Found:
    out: Found = {}
    for name in STEPS:
        out |= run(con, name, progression__hetero_organs=3.5)[0]
    return out


def whole(found: Found, table: str) -> pd.DataFrame:
    frame = found[table]
    return frame[frame["subset"] == "all"]


def test_planted_groups_become_named_clusters(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    members = whole(found, "progression_cluster").sort_values("patient_id")
    assert set(members["cluster_name"]) == NAMES | {"No progression"}
    assert (members["cluster"] == 0).sum() == N_FREE
    clustered = members[members["cluster"] > 0]
    order = np.argsort([f"T{i % 2}/{p}" for i, p in enumerate(made[1].sequences.patient.tolist())])
    truth = made[1].group[order]
    label = clustered["cluster"].to_numpy(np.int64) - 1
    assert adjusted_rand_index(label, truth, np.ones(truth.size)) >= 0.9


def test_choice_has_every_figure_and_one_chosen_row(found: Found) -> None:
    choice = whole(found, "progression_cluster_choice")
    chosen = choice[choice["is_chosen"]]
    assert sorted(chosen["encoding"]) == ["published", "timed"]
    timed = choice[(choice["encoding"] == "timed") & (choice["k"] > 1)]
    columns = ["silhouette", "aic", "bic", "concordance", "stability_ari", "silhouette_by_chance"]
    assert timed[columns].notna().all().all()
    row = chosen.set_index("encoding").loc["timed"]
    assert (row["k"], row["is_stable"], row["is_beyond_chance"]) == (5, True, True)


def test_second_round_takes_the_hetero_organ_cluster(found: Found) -> None:
    hetero = found["progression_cluster_choice"]
    hetero = hetero[(hetero["subset"] == "hetero-organ") & (hetero["encoding"] == "timed")]
    content = whole(found, "progression_cluster_content")
    named = content[(content["encoding"] == "timed") & (content["cluster_name"] == "Hetero-Organ")]
    assert set(hetero["n_patients"]) == set(named["n_patients"])


def test_landmarks_see_nothing_later(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    tables = made[0]
    landmark = found["progression_landmark"]
    day = 180.0
    rows = landmark[landmark["landmark_days"] == day].set_index("patient_id")
    patients = tables["core.patient"].set_index("patient_id")
    assert set(rows.index) == set(patients.index[patients["os_days"] > day])
    sequence = tables["analysis.progression_sequence"]
    early = sequence[sequence["time_days"] <= day]
    count = early.groupby("patient_id").size().reindex(rows.index).fillna(0)
    assert rows["n_progressive_organs"].tolist() == count.tolist()
    np.testing.assert_allclose(rows["days_after"], patients.loc[rows.index, "os_days"] - day)
    assert (rows.loc[count == 0, "cluster_name"] == "No progression").all()


def test_survival_by_cluster_is_that_of_its_patients(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    summary = found["progression_survival_summary"]
    rows = summary[(summary["subset"] == "all") & (summary["endpoint"] == "OS")]
    rows = rows[rows["grouping"] == "progression cluster"].set_index("group_name")
    members = whole(found, "progression_cluster").merge(made[0]["core.patient"], on="patient_id")
    for name, part in members.groupby("cluster_name"):
        curve = kaplan_meier(part["os_days"], part["os_event"])
        assert rows.loc[name, "n_patients"] == len(part)
        assert rows.loc[name, "median_days"] == curve.median.days
    test = found["progression_survival_test"]
    overall = test[(test["subset"] == "all") & (test["group_a"] == "all")]
    assert (overall["p_value"] < 0.01).any()
    within = summary[summary["subset"] == "all; Liver-First"]
    assert set(within["group_name"]) == {"chemotherapy", ANTIBODY}


def test_shares_and_places_count_patients(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    members = whole(found, "progression_cluster").merge(made[0]["core.patient"], on="patient_id")
    share = whole(found, "progression_proportion").set_index(["treatment_class", "cluster_name"])
    treated = members[members["treatment_class"] == ANTIBODY]
    n = int((treated["cluster_name"] == "Lung-First").sum())
    n_of = int((treated["cluster"] > 0).sum())
    assert share.loc[(ANTIBODY, "Lung-First"), ["n", "n_of"]].tolist() == [n, n_of]
    place = whole(found, "progression_place")
    place = place[(place["treatment_class"] == "all") & (place["cluster_name"] == "Lung-First")]
    first = place[place["position"] == 1].set_index("organ")["n_patients"]
    lung_first = members[members["cluster_name"] == "Lung-First"]["patient_id"]
    sequence = made[0]["analysis.progression_sequence"]
    at_first = sequence[sequence["patient_id"].isin(lung_first) & (sequence["position"] == 1)]
    assert first.to_dict() == at_first["organ"].value_counts().to_dict()


def test_treatment_that_does_nothing_goes_with_nothing(found: Found) -> None:
    association = whole(found, "progression_association").set_index("variable")
    assert association.loc["progression cluster", "p_value"] > 0.01


def test_characteristics_add_up(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    rows = whole(found, "progression_characteristic")
    age = rows[rows["variable"] == "age_years"].set_index("cluster_name")
    feature = made[0]["analysis.baseline_feature"]
    assert age.loc["all clusters", "mean"] == pytest.approx(feature["age_years"].mean())
    assert age.loc["all clusters", "n"] == age["n"].iloc[1:].sum()
    sex = rows[(rows["variable"] == "sex") & (rows["cluster_name"] == "all clusters")]
    assert dict(zip(sex["level"], sex["n"], strict=True)) == feature["sex"].value_counts().to_dict()


def test_transitions_count_sequences(
    found: Found, made: tuple[dict[str, pd.DataFrame], PlantedSequences]
) -> None:
    rows = found["organ_transition"]
    rows = rows[rows["stratum"] == "all"].set_index(["from_organ", "to_organ"])
    sequence = made[0]["analysis.progression_sequence"].pivot(
        index="patient_id", columns="organ", values="time_days"
    )
    later = (sequence["lung"] > sequence["liver"]).sum()
    assert rows.loc[("liver", "lung"), "n_transitions"] == later
    assert rows.loc[("none", "liver"), "n_at_risk"] == len(made[0]["core.patient"])
    deaths = rows.xs("death", level="to_organ")["n_transitions"]
    assert deaths["none"] <= N_FREE
    summary = found["organ_incidence_summary"]
    any_organ = summary[(summary["organ"] == "any organ") & (summary["group_name"] == "all")]
    assert any_organ["n_events"].iloc[0] == len(sequence)


def test_prediction_finds_what_baseline_organs_say(found: Found) -> None:
    metric = found["progression_prediction_metric"]
    area = metric[(metric["metric"] == "roc_auc") & (metric["class"] == "all")]
    area = area.set_index(["model", "split"])["value"]
    for model in ("gradient boosting", "logistic regression"):
        assert area[model, "stratified folds"] > 0.85
        assert area[model, "trials left out"] > 0.8
    prediction = found["progression_prediction"]
    chosen = prediction[(prediction["model"] == "gradient boosting")]
    for scheme, part in chosen.groupby("scheme"):
        assert part["patient_id"].is_unique, scheme
    left_out = chosen[chosen["scheme"] == "trial left out"]
    assert (left_out["fold"] == "trial " + left_out["patient_id"].str[:2]).all()


def test_areas_stand_beside_what_the_shares_of_the_clusters_give(found: Found) -> None:
    metric = found["progression_prediction_metric"]
    area = metric[metric["metric"].isin(["roc_auc", "roc_auc_micro"])]
    assert metric.drop(area.index)[["ci_lower", "ci_upper", "by_shares"]].isna().all(axis=None)
    together = area[area["split"].isin(["stratified folds", "trials left out"])]
    known = together.dropna(subset="ci_method")
    assert len(known) > 25
    assert (together.drop(known.index)["value"] == 1).all(), "no limits where nothing errs"
    assert (known["ci_lower"] < known["value"]).all()
    assert (known["value"] < known["ci_upper"]).all()
    assert ((known["ci_method"] == "DeLong") == (known["class"] != "all")).all()
    prediction = found["progression_prediction"].query("scheme == 'stratified folds'")
    count = prediction[prediction["model"] == "gradient boosting"]["actual"].value_counts()
    # Pairs of patient and class, each with the class's share as its score, one by one.
    score = np.repeat(count.to_numpy(), count.sum())
    is_actual = np.concatenate([np.arange(count.sum()) < n for n in count])
    inside, outside = score[is_actual], score[~is_actual]
    won = (inside[:, None] > outside).mean() + (inside[:, None] == outside).mean() / 2
    micro = together[together["metric"] == "roc_auc_micro"]
    np.testing.assert_allclose(micro["by_shares"], won, atol=1e-12)
    np.testing.assert_array_equal(together[together["metric"] == "roc_auc"]["by_shares"], 0.5)


def test_no_grid_search_sees_who_is_held_back(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ages name the patients whom each search is given: those held back are not there."""
    from udfs.progression.prediction import GRID, Features, validation

    con = database(made[0])
    run(con, "progression_cluster", progression__hetero_organs=3.5)
    con.execute(
        "CREATE OR REPLACE TABLE analysis.baseline_feature AS SELECT * REPLACE (CAST(row_number() "
        "OVER (ORDER BY patient_id) AS DOUBLE) AS age_years) FROM analysis.baseline_feature"
    )
    searched: list[set[float]] = []

    def look(features: Features, *given: object) -> object:
        searched.append(set(features.value["age_years"].tolist()))
        return GRID[len(searched) % len(GRID)]

    monkeypatch.setattr(validation, "best_parameters", look)
    given = {"prediction__iterations": 2, "prediction__fewest_patients": 10}
    found, _ = run(con, "progression_prediction", prediction__grid_search=True, **given)
    patients = con.sql("SELECT patient_id, age_years FROM analysis.baseline_feature").df()
    held = found["progression_prediction"].merge(patients, on="patient_id")
    held = held[held["model"] == "gradient boosting"]
    sets = [set(part["age_years"]) for _, part in held.groupby(["scheme", "fold"])]
    assert len(searched) == len(sets) == 5, "three folds and two trials, each searched by itself"
    for training, out in zip(searched, sets, strict=True):
        assert not training & out
        assert len(training | out) == len(held["age_years"].unique())


def test_settings_of_the_prediction_are_followed(con: duckdb.DuckDBPyConnection) -> None:
    """Grid search leaves the iterations to their setting; folds are as many as there can be."""
    given = {"prediction__iterations": 2, "prediction__fewest_patients": 10}
    found, _ = run(con, "progression_prediction", prediction__grid_search=True, **given)
    split = found["progression_prediction_split"]
    assert set(split.loc[split["model"] == "gradient boosting", "iterations"]) == {2}
    smallest = whole(
        run(con, "progression_cluster", progression__hetero_organs=3.5)[0], "progression_cluster"
    )["cluster_name"].value_counts()
    n = int(smallest.min())
    found, notes = run(con, "progression_prediction", prediction__folds=1000, **given)
    assert f"all: {n} folds in place of 1000" in notes[0]
    split = found["progression_prediction_split"]
    assert split["split"].str.startswith("fold").sum() == 2 * n


def test_rows_in_another_order_give_the_same_tables(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences], found: Found
) -> None:
    from threadpoolctl import threadpool_limits

    other = database(made[0], seed=5)
    with threadpool_limits(2):
        for name in STEPS:
            for table, frame in run(other, name, progression__hetero_organs=3.5)[0].items():
                pd.testing.assert_frame_equal(frame, found[table], check_exact=True, obj=table)


def test_patients_without_progression_can_be_clustered_too(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    con = database(made[0])
    found, _ = run(con, "progression_cluster", progression__no_progression="clustered")
    members = whole(found, "progression_cluster")
    assert (members["cluster"] > 0).all()
    assert "No progression" in set(members["cluster_name"])
    label = members.set_index("cluster_name")["cluster"].to_dict()
    landmark = found["progression_landmark"]
    assert landmark["cluster"].tolist() == [label[name] for name in landmark["cluster_name"]]
    nothing_yet = landmark[landmark["n_progressive_organs"] == 0]
    assert set(nothing_yet["cluster_name"]) == {"No progression"}
    meaning, _ = run(con, "progression_meaning", progression__no_progression="clustered")
    summary = meaning["progression_survival_summary"]
    assert not summary.duplicated(["subset", "grouping", "group_name", "endpoint"]).any()
    share = whole(meaning, "progression_proportion").groupby("treatment_class")
    assert (share["n"].sum() == share["n_of"].max()).all()


def test_more_clusters_than_sequences_and_none_to_be_doubted_are_said(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    con = database(made[0])
    same = {"progression__half_life_days": 1e300, "progression__resamples": 0}
    notes = run(con, "progression_cluster", progression__k=5000, **same)[1]
    assert "all: progression.k is 5000, but there are" in notes[0]
    assert not any("nan" in note for note in notes)
    notes = run(con, "progression_cluster", progression__k=1, progression__resamples=0)[1]
    assert not any(note.startswith("all: 1 clusters") for note in notes)


def test_too_few_patients_are_not_clustered_and_that_is_said(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    few = dict(made[0])
    few["core.patient"] = few["core.patient"].iloc[:30]
    con = database(few)
    notes = []
    for name in STEPS:
        out, said = run(con, name)
        notes += said
        if name == "progression_cluster":
            assert set(out["progression_cluster_choice"]["null_reason"]) == {
                "30 patients with a progression; progression.fewest_patients is 50"
            }
            assert out["progression_cluster"].empty
    text = " ".join(notes)
    assert "no clusters of progression sequences: 30 patients" in text
    assert "nothing to predict" in text
    assert not out["progression_prediction_metric"].size


def test_one_organ_is_said_to_have_no_order(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    one = dict(made[0])
    sequence = one["analysis.progression_sequence"]
    one["analysis.progression_sequence"] = sequence[sequence["position"] == 1].assign(organ="liver")
    notes = run(database(one), "progression_cluster")[1]
    assert "liver is the only organ that progressed" in notes[0]
    assert "progression.sites = 'lesion'" in notes[0]


def test_tumor_types_are_clustered_by_themselves(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    two = dict(made[0])
    two["core.study"] = two["core.study"].assign(tumor_type=["colorectal", "head and neck"])
    found, _ = run(database(two), "progression_cluster")
    names = set(found["progression_cluster"]["subset"])
    assert {"tumor type colorectal", "tumor type head and neck"} <= names
    assert "all" not in names


@pytest.mark.parametrize("text", ["soon", "90, -1", "0"])
def test_landmarks_that_are_no_days_are_refused(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences], text: str
) -> None:
    with pytest.raises(LesionsError, match=r"progression\.landmarks"):
        run(database(made[0]), "progression_cluster", progression__landmarks=text)


def test_figures_can_be_made(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    folder = Path(__file__).resolve().parents[2] / "sql" / "mart" / "progression"
    for name in (
        *("sequence", "survival", "interval", "proportion", "choice", "characteristic"),
        *("organ_transition", "organ_incidence", "prediction_curve", "prediction_calibration"),
        "prediction_area",
    ):
        stem = (
            f"fig_{name}" if "organ_" in name or "prediction" in name else f"fig_progression_{name}"
        )
        rows = con.execute((folder / f"{stem}.sql").read_text()).fetchall()
        assert rows, stem


def test_a_cluster_of_one_patient_has_a_cell_without_a_deviation(
    made: tuple[dict[str, pd.DataFrame], PlantedSequences],
) -> None:
    con = database(made[0])
    run(con, "progression_cluster")
    con.execute(
        "UPDATE analysis.progression_cluster SET cluster_name = 'Alone' WHERE subset = 'all' AND "
        "patient_id = (SELECT min(patient_id) FROM analysis.progression_cluster WHERE cluster = 1)"
    )
    run(con, "progression_meaning")
    folder = Path(__file__).resolve().parents[2] / "sql" / "mart" / "progression"
    rows = con.execute((folder / "fig_progression_characteristic.sql").read_text()).df()
    assert rows["cell"].notna().all()
    alone = rows[(rows["cluster_name"] == "Alone") & (rows["subset"] == "all")]
    age = made[0]["analysis.baseline_feature"].set_index("patient_id")["age_years"]
    patient = con.execute(
        "SELECT patient_id FROM analysis.progression_cluster WHERE cluster_name = 'Alone'"
    ).fetchall()[0][0]
    assert alone.set_index("variable").loc["age_years", "cell"] == f"{age[patient]:.1f} (-)"
