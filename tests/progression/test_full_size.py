"""Clusters and predictions at full size and with the settings as they are."""

from __future__ import annotations

import numpy as np
import pytest
from progression.sequence_tables import database, planted_tables, run

from udfs.progression import Options, adjusted_rand_index, cluster_sequences, simulate_sequences
from udfs.progression.simulation import CLEAR
from warehouse.settings import default_values

pytestmark = pytest.mark.slow
PATIENTS = 4308
NO_SIGNAL = 0.03


@pytest.mark.parametrize("seed", [1, 2])
def test_clear_groups_of_4308_patients(seed: int) -> None:
    planted = simulate_sequences(PATIENTS, separation=CLEAR, seed=seed)
    found = cluster_sequences(planted.sequences, Options(encoding="timed"), seed=3)
    everyone = np.ones(PATIENTS)
    assert found.chosen.k == 5
    assert found.is_stable
    assert found.is_beyond_chance
    assert adjusted_rand_index(found.chosen.label, planted.group, everyone) >= 0.95


def test_no_groups_among_4308_patients() -> None:
    none = simulate_sequences(PATIENTS, separation=0.0, seed=1)
    found = cluster_sequences(none.sequences, Options(encoding="timed"), seed=3)
    assert not found.is_beyond_chance


def test_permuted_clusters_cannot_be_predicted_by_the_step() -> None:
    """The step as a run has it, with the settings' defaults, on permuted clusters, 20 times."""
    con = database(planted_tables(n=500, seed=3)[0])
    run(con, "progression_cluster")
    found = con.sql(
        "FROM analysis.progression_cluster WHERE subset = 'all' ORDER BY patient_id"
    ).df()
    names = ("prediction.iterations", "prediction.folds")
    defaults = {name.replace(".", "__"): default_values()[name] for name in names}
    rng = np.random.default_rng(4)
    areas: dict[str, list[float]] = {"gradient boosting": [], "logistic regression": []}
    for _ in range(20):
        order = rng.permutation(len(found))
        permuted = found.assign(cluster_name=found["cluster_name"].to_numpy()[order])
        con.register("permuted", permuted)
        con.execute("CREATE OR REPLACE TABLE analysis.progression_cluster AS FROM permuted")
        metric = run(con, "progression_prediction", **defaults)[0]["progression_prediction_metric"]
        chosen = metric[(metric["metric"] == "roc_auc") & (metric["class"] == "all")]
        together = chosen[chosen["split"] == "stratified folds"].set_index("model")["value"]
        for model, values in areas.items():
            values.append(float(together[model]))
    for model, values in areas.items():
        assert np.mean(values) == pytest.approx(0.5, abs=NO_SIGNAL), model


def test_grid_search_of_the_step_says_what_each_training_set_chose() -> None:
    from udfs.progression.prediction import GRID

    con = database(planted_tables(n=200, seed=5)[0])
    run(con, "progression_cluster")
    found = run(con, "progression_prediction", prediction__grid_search=True)[0]
    split = found["progression_prediction_split"].query("model == 'gradient boosting'")
    assert split["is_grid_searched"].all()
    tried = {(one.learning_rate, one.leaves, one.is_balanced) for one in GRID}
    columns = ["learning_rate", "leaves", "is_balanced"]
    assert set(split[columns].itertuples(index=False, name=None)) <= tried
