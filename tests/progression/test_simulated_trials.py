"""Planted groups of simulated trials, through files, core and events to clusters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from heterogeneity.pipeline import run_node
from sqlkit import SqlKit

from udfs.progression import adjusted_rand_index
from udfs.progression.simulation import CLEAR
from udfs.simulate import simulate_mcrc
from warehouse.simulate import write_trials
from warehouse.studies import load_study

RECOVERED = 0.9
"""Adjusted Rand index with the planted groups."""
MODELLED = (
    "lesion_id VARCHAR, endpoint VARCHAR, rule_set VARCHAR, source VARCHAR, patient_id VARCHAR, "
    "organ VARCHAR, lesion_type VARCHAR, time_days DOUBLE, time_lower DOUBLE, time_upper DOUBLE, "
    "is_event BOOLEAN, event_probability DOUBLE, rule_id VARCHAR, source_table VARCHAR, "
    "source_row BIGINT, source_file VARCHAR, censor_reason VARCHAR, last_assessment_day DOUBLE, "
    "quantity VARCHAR, observed_value DOUBLE, reference_value DOUBLE, is_imputed BOOLEAN"
)
SEQUENCES = ("analysis.progression_sequence", "analysis.progression_patient")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqlKit, Path]]:
    folder = tmp_path_factory.mktemp("planted")
    write_trials(folder, "mcrc", patients=160, seed=4, sequence_separation=CLEAR)
    for study in sorted((folder / "studies").iterdir()):
        load_study(study, folder / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit() as kit:
        kit.take(folder / "raw")
        kit.connection.execute(f"CREATE TABLE analysis.modelled_event ({MODELLED})")
        kit.build("core.patient", "core.study", "core.organ", "core.lesion", "core.exclusion")
        kit.build("core.lesion_assessment", "core.measurement", "core.response")
        kit.build("analysis.lesion_cutoff")
        kit.build("staging.event_rule", "staging.rule_set", "staging.exclusion_reason")
        for name in ("analysis.scan", "analysis.new_lesion", "analysis.lesion_change"):
            kit.build_one(name)
        for name in ("analysis.lesion_finding", "analysis.lesion_event", *SEQUENCES):
            kit.build_one(name)
        run_node(kit, "progression_cluster", progression__resamples=20, progression__shuffles=5)
        yield kit, folder / "truth"


@pytest.mark.slow
def test_planted_groups_of_trials_are_found(trials: tuple[SqlKit, Path]) -> None:
    kit, truth = trials
    with duckdb.connect() as con:
        planted = dict(
            con.execute(
                "SELECT study_id || '/' || usubjid, sequence_group FROM read_parquet(?)",
                [str(truth / "patients.parquet")],
            ).fetchall()
        )
    found = kit.rows("analysis.progression_cluster", "patient_id, cluster", "subset = 'all'")
    found = [(patient, cluster) for patient, cluster in found if cluster > 0]
    label = np.array([cluster for _, cluster in found])
    _, group = np.unique([planted[patient] for patient, _ in found], return_inverse=True)
    assert label.size == 160
    assert adjusted_rand_index(label, group, np.ones(label.size)) >= RECOVERED
    (chosen,) = kit.rows(
        "analysis.progression_cluster_choice",
        "k, is_stable, is_beyond_chance",
        "subset = 'all' AND encoding = 'timed' AND is_chosen",
    )
    assert chosen == (5, True, True)


@pytest.mark.slow
def test_sequences_are_those_that_were_planted(trials: tuple[SqlKit, Path]) -> None:
    """Every organ that progressed did so on its true day, and none else."""
    kit, truth = trials
    with duckdb.connect() as con:
        planted = con.execute(
            "SELECT study_id || '/' || usubjid, organ, progression_day FROM read_parquet(?)",
            [str(truth / "organs.parquet")],
        ).fetchall()
    found = kit.query(
        "SELECT patient_id, organ, time_days FROM analysis.progression_sequence "
        "WHERE rule_set = 'recist_1_1' AND source = 'observed'"
    )
    included = {patient for (patient,) in kit.query(
        "SELECT patient_id FROM core.patient WHERE is_analysed"
    )}  # fmt: skip
    expected = {row for row in planted if row[0] in included}
    assert len(expected & set(found)) / len(expected | set(found)) > 0.97


def test_truth_states_groups_and_separation_only_where_planted() -> None:
    planted = simulate_mcrc(60, 3, sequence_separation=0.5)
    row = planted.truth_effects["kind"] == "sequence groups"
    assert planted.truth_effects["effect"][row].tolist() == [0.5]
    assert set(planted.truth_patients["sequence_group"]) <= {
        "one organ", "liver first", "lung first", "peritoneum first", "many",
    }  # fmt: skip
    plain = simulate_mcrc(60, 3)
    assert "sequence_group" not in plain.truth_patients
    assert not (plain.truth_effects["kind"] == "sequence groups").any()
    with pytest.raises(ValueError, match="between 0 and 1"):
        simulate_mcrc(60, 3, sequence_separation=1.5)
