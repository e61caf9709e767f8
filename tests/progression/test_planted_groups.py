"""Planted groups are found, with their number; where none are planted, that is said."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.progression import (
    Options,
    Sequences,
    adjusted_rand_index,
    cluster_sequences,
    describe_clusters,
    n_points,
    sequences_of,
    simulate_sequences,
)
from udfs.progression.encodings import PlaceEncoding
from udfs.progression.simulation import CLEAR, PROTOTYPES

RECOVERED = 0.9
"""Adjusted Rand index with the planted groups."""
QUICK = Options(encoding="timed", starts=3, samples=20, shuffles=5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clear_groups_are_found_and_counted(seed: int) -> None:
    planted = simulate_sequences(500, separation=CLEAR, seed=seed)
    found = cluster_sequences(planted.sequences, QUICK, seed=9)
    assert found.chosen.k == len(PROTOTYPES)
    assert found.is_stable
    assert found.is_beyond_chance
    everyone = np.ones(planted.group.size)
    assert adjusted_rand_index(found.chosen.label, planted.group, everyone) >= RECOVERED


def test_published_encoding_finds_groups_without_error() -> None:
    planted = simulate_sequences(400, separation=1.0, seed=4)
    options = Options(encoding="published", starts=5, samples=10, shuffles=3)
    found = cluster_sequences(planted.sequences, options, seed=9)
    assert found.chosen.k == len(PROTOTYPES)
    everyone = np.ones(planted.group.size)
    assert adjusted_rand_index(found.chosen.label, planted.group, everyone) >= RECOVERED


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_groups_no_number_of_clusters_is_beyond_chance(seed: int) -> None:
    none = simulate_sequences(500, separation=0.0, seed=seed)
    found = cluster_sequences(none.sequences, QUICK, seed=9)
    assert not found.is_beyond_chance
    assert not any(one.is_beyond_chance for one in found.candidates)
    few = [one for one in found.candidates if 1 < one.k <= 5]
    assert all(one.stability.mean_ari < 0.8 for one in few)


def test_names_come_from_the_content() -> None:
    planted = simulate_sequences(600, separation=CLEAR, seed=5)
    found = cluster_sequences(planted.sequences, QUICK, seed=9)
    contents = describe_clusters(
        planted.sequences, found.chosen.label, hetero_organs=3.5, display={"liver": "Liver"}
    )
    assert sorted(content.name for content in contents) == [
        "Hetero-Organ", "Liver-First", "Lung-First", "Mono-Organ", "Peritoneum-First",
    ]  # fmt: skip
    sizes = [content.n_patients for content in contents]
    assert sizes == sorted(sizes, reverse=True)


def test_patients_without_progression_do_not_keep_a_cluster_from_being_mono_organ() -> None:
    """87 of 100 patients have one progressive organ, 12 none and one has two."""
    days = np.full((100, 2), np.inf)
    days[:60, 0] = days[60:88, 1] = 100.0
    days[87] = (100.0, 200.0)
    organs = np.array(["liver", "lung"])
    order = np.where(np.isfinite(days), np.arange(2), -1)
    order[:, 0] = np.where(order[:, 0] < 0, order[:, 1], order[:, 0])
    order[:87, 1] = order[88:, 1] = -1
    patients = np.array([f"P{i:03}" for i in range(100)])
    sequences = Sequences(patient=patients, organ=organs, order=order, days=days)
    (only,) = describe_clusters(sequences, np.zeros(100, dtype=int), hetero_organs=3.5, display={})
    assert only.name == "Mono-Organ"
    assert only.reason == "one progressive organ in 87%, none in 12%"


def shuffled_rows(sequences: Sequences, seed: int) -> Sequences:
    """The same sequences from rows in another order."""
    rows = [
        (str(patient), place + 1, str(sequences.organ[organ]), float(days[organ]))
        for patient, order, days in zip(
            sequences.patient, sequences.order, sequences.days, strict=True
        )
        for place, organ in enumerate(order.tolist())
        if organ >= 0
    ]
    rng = np.random.default_rng(seed)
    return sequences_of(*zip(*[rows[i] for i in rng.permutation(len(rows))], strict=True))


@pytest.mark.parametrize("encoding", ["timed", "published"])
def test_neither_rows_nor_threads_change_anything(encoding: str) -> None:
    from threadpoolctl import threadpool_limits

    planted = simulate_sequences(300, separation=0.9, seed=6)
    options = Options(encoding=encoding, starts=3, samples=5, shuffles=2)  # type: ignore[arg-type]
    with threadpool_limits(1):
        once = cluster_sequences(planted.sequences, options, seed=1)
    with threadpool_limits(2):
        again = cluster_sequences(shuffled_rows(planted.sequences, 7), options, seed=1)
    for a, b in zip(once.candidates, again.candidates, strict=True):
        assert a.label.tolist() == b.label.tolist()
        assert (a.inertia, a.aic, a.bic) == (b.inertia, b.aic, b.bic)
        np.testing.assert_array_equal(a.silhouette, b.silhouette)
        np.testing.assert_array_equal(a.stability.ari, b.stability.ari)
        np.testing.assert_array_equal(a.silhouette_by_chance, b.silhouette_by_chance)
    assert once.chosen.k == again.chosen.k


@pytest.mark.parametrize("encoding", ["timed", "published"])
def test_sequences_are_assigned_as_they_were_clustered(encoding: str) -> None:
    planted = simulate_sequences(300, separation=CLEAR, seed=2)
    options = Options(encoding=encoding, k=5, starts=3, samples=0, shuffles=1)  # type: ignore[arg-type]
    found = cluster_sequences(planted.sequences, options, seed=1)
    assert found.assign(planted.sequences).tolist() == found.chosen.label.tolist()


def test_rules_choose_by_their_column() -> None:
    planted = simulate_sequences(300, separation=CLEAR, seed=3)
    for rule in ("elbow", "aic", "bic"):
        options = Options(encoding="timed", rule=rule, starts=3, samples=0, shuffles=1)  # type: ignore[arg-type]
        found = cluster_sequences(planted.sequences, options, seed=1)
        values = [getattr(one, rule) for one in found.candidates[1:]]
        best = max(values) if rule == "elbow" else min(values)
        assert getattr(found.chosen, rule) == best


def test_as_many_clusters_as_points_come_to_an_end() -> None:
    """Bootstrap samples of 12 distinct sequences almost never hold all 12."""
    ids = [f"P{i:02d}" for i in range(12)]
    apart = sequences_of(ids * 2, [1] * 12 + [2] * 12, ["liver"] * 12 + ["lung"] * 12,
                         [10.0] * 12 + [20.0 + 30 * i for i in range(12)])  # fmt: skip
    options = Options(encoding="timed", k_max=40, starts=1, samples=5, shuffles=1)
    found = cluster_sequences(apart, options, seed=1)
    assert [one.k for one in found.candidates] == list(range(1, 13))
    assert all(0 <= one.stability.mean_ari <= 1 for one in found.candidates[1:])


@pytest.mark.parametrize("half_life", [1.0, 1e300])
def test_points_that_the_half_life_brings_together_are_one(half_life: float) -> None:
    """Of five sequences 2^-t leaves three points (days beyond 1,074 weigh 0), 1e300 days two."""
    days = {"liver": [0.0] * 5, "lung": [np.inf, 2000.0, 3000.0, 1.0, 2.0]}
    rows = [(f"P{i}", place, organ, days[organ][i])
            for i in range(5) for place, organ in ((1, "liver"), (2, "lung"))
            if np.isfinite(days[organ][i])]  # fmt: skip
    sequences = sequences_of(*zip(*rows, strict=True))
    options = Options(encoding="timed", half_life_days=half_life, samples=3, shuffles=1)
    found = cluster_sequences(sequences, options, seed=1)
    expected = 3 if half_life == 1 else 2
    assert found.n_distinct == n_points(sequences, options) == expected
    assert len(found.candidates) == expected
    assert len(set(found.candidates[-1].label.tolist())) == expected


def test_k_means_is_not_left_in_a_local_minimum() -> None:
    """More clusters never lie further from their means, and more starts find nothing better."""
    from sklearn.cluster import KMeans

    none = simulate_sequences(600, separation=0.3, seed=8).sequences
    options = Options(encoding="published", samples=0, shuffles=1)
    found = [one.inertia for one in cluster_sequences(none, options, seed=1).candidates]
    assert found == sorted(found, reverse=True)
    points = PlaceEncoding.of(none.order).transform(none.order)
    for k in (3, 6):
        best = KMeans(k, n_init=300, random_state=5).fit(points).inertia_
        assert found[k - 1] <= best * 1.005


def test_without_bootstrap_samples_stability_is_not_asked_for() -> None:
    planted = simulate_sequences(300, separation=CLEAR, seed=3)
    options = Options(encoding="timed", starts=3, samples=0, shuffles=2)
    assert cluster_sequences(planted.sequences, options, seed=1).chosen.k == len(PROTOTYPES)


def test_without_survival_concordance_chooses_nothing() -> None:
    planted = simulate_sequences(300, separation=CLEAR, seed=3)
    options = Options(encoding="timed", starts=3, samples=0, shuffles=2, rule="concordance")
    unknown, dead = np.full(300, np.nan), np.zeros(300, dtype=bool)
    found = cluster_sequences(planted.sequences, options, seed=1, time=unknown, event=dead)
    assert found.chosen.k == len(PROTOTYPES)


def test_sequences_all_alike_are_refused() -> None:
    alike = sequences_of(["A", "B"], [1, 1], ["liver", "liver"], [10.0, 20.0])
    with pytest.raises(ValueError, match="all sequences are alike"):
        cluster_sequences(alike, QUICK, seed=1)
