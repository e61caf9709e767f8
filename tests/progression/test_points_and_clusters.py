"""Sequences, their encodings, k clusters and the figures that judge them, worked out otherwise."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import DATA

from udfs.progression import sequences_of
from udfs.progression.chance import shuffled
from udfs.progression.criteria import (
    elbow,
    group_concordance,
    information,
    rank_concordance,
    silhouette,
)
from udfs.progression.data import NONE, Sequences
from udfs.progression.encodings import PlaceEncoding, discounted_states
from udfs.progression.medoids import k_medoids
from udfs.progression.partition import Distances, Points, _Starts
from udfs.progression.stability import adjusted_rand_index, bootstrap_stability

ROUNDING = 1e-9
"""Sums of a few hundred numbers in another order."""
R_DIGITS = 1e-12
"""R's answers were written with 13 digits."""
GRID = 1e-3
"""Error of the rectangle rule with steps of half a day."""


def three() -> Sequences:
    """A: liver on day 90, lung on 270. B: liver on 30. C: bone on 50, lung and liver on 80."""
    return sequences_of(
        ["C", "A", "B", "C", "A", "C"],
        [1, 2, 1, 2, 1, 3],
        ["bone", "lung", "liver", "lung", "liver", "liver"],
        [50.0, 270.0, 30.0, 80.0, 90.0, 80.0],
    )


@pytest.mark.parametrize("k", [2, 5, 8])
def test_starts_are_those_of_scikit_learn(k: int) -> None:
    """The same draws and choices, whatever the seed, from distances that are known."""
    from sklearn.cluster import kmeans_plusplus

    rng = np.random.default_rng(5)
    points, weight = rng.normal(size=(60, 4)), rng.integers(1, 9, 60).astype(float)
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    starter = _Starts(squared, weight)
    for seed in range(20):
        theirs, _ = kmeans_plusplus(points, k, sample_weight=weight, random_state=seed)
        ours = starter(points, k, random_state=np.random.RandomState(seed))
        np.testing.assert_array_equal(ours, theirs)


def test_rows_in_any_order_become_sequences() -> None:
    found = three()
    assert found.patient.tolist() == ["A", "B", "C"]
    assert found.organ.tolist() == ["bone", "liver", "lung"]
    assert found.order.tolist() == [[1, 2, NONE], [1, NONE, NONE], [0, 2, 1]]
    assert found.days.tolist() == [[np.inf, 90, 270], [np.inf, 30, np.inf], [50, 80, 80]]
    assert found.text() == ["liver > lung", "liver", "bone > lung > liver"]
    assert found.n_organs.tolist() == [2, 1, 3]


def test_until_keeps_what_had_happened() -> None:
    cut = three().until(80)
    assert cut.text() == ["", "liver", "bone > lung > liver"]
    assert cut.days.tolist()[0] == [np.inf, np.inf, np.inf]
    assert three().until(90).text()[0] == "liver"


@pytest.mark.parametrize(
    ("place", "organ", "day", "word"),
    [
        ([1, 3], ["liver", "lung"], [1.0, 2.0], "places 1, 2"),
        ([1, 2], ["liver", "liver"], [1.0, 2.0], "each organ once"),
        ([1, 2], ["liver", "lung"], [2.0, 1.0], "go back"),
        ([1, 2], ["liver", "lung"], [1.0, np.nan], "has a day"),
    ],
)
def test_what_is_no_sequence_is_refused(
    place: list[int], organ: list[str], day: list[float], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        sequences_of(["A", "A"], place, organ, day)


def test_published_encoding_is_one_hot_and_softmax_by_place() -> None:
    """As scikit-learn's OneHotEncoder and scipy's softmax give it, column by column."""
    from scipy.special import softmax
    from sklearn.preprocessing import OneHotEncoder

    rng = np.random.default_rng(1)
    order = rng.integers(-1, 5, (60, 4))
    blocks = [
        softmax(OneHotEncoder(sparse_output=False).fit_transform(column[:, None]), axis=1)
        for column in order.T
    ]
    found = PlaceEncoding.of(order).transform(order)
    np.testing.assert_allclose(found, np.hstack(blocks), rtol=0, atol=1e-15)


def test_an_organ_not_seen_at_its_place_before_is_the_same_everywhere() -> None:
    encoding = PlaceEncoding.of(np.array([[0], [1]]))
    assert encoding.transform(np.array([[7]])).tolist() == [[0.5, 0.5]]


def test_distance_is_the_discounted_time_in_which_states_differ() -> None:
    """Integrated numerically: which organs have progressed by t, for every t."""
    given_ = three().since_first()
    half_life = 120.0
    t = np.arange(0.25, 6000, 0.5)
    weight = np.log(2) / half_life * np.exp2(-t / half_life) * 0.5
    has = given_.days[:, :, None] <= t
    at = discounted_states(given_, half_life_days=half_life)
    for a, b in combinations(range(3), 2):
        expected = float(((has[a] != has[b]) * weight).sum())
        assert np.abs(at[a] - at[b]).sum() == pytest.approx(expected, abs=GRID)


def test_hand_worked_distances() -> None:
    """The docstring's example, half-life 180."""
    days = np.array([[np.inf, 0, 180], [np.inf, 0, np.inf], [np.inf, 180, 0], [0, np.inf, np.inf]])
    order = np.full((4, 1), NONE)
    found = Sequences(np.array(list("ABCD")), np.array(["bone", "liver", "lung"]), order, days)
    at = discounted_states(found, half_life_days=180)
    assert [float(np.abs(at[0] - at[i]).sum()) for i in (1, 2, 3)] == [0.5, 1.0, 2.5]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_medoids_are_the_best_there_are(seed: int, k: int) -> None:
    """Against every choice of k of nine points; PAM may stop at a local optimum, never below."""
    rng = np.random.default_rng(seed)
    at = rng.normal(size=(9, 2))
    weight = rng.integers(1, 4, 9).astype(float)
    distance = np.abs(at[:, None] - at[None]).sum(axis=2)
    cost = {
        one: float(weight @ distance[:, list(one)].min(axis=1)) for one in combinations(range(9), k)
    }
    found = tuple(k_medoids(distance, weight, k, starts=3, rng=rng).tolist())
    swaps = [
        one for one in cost if len(set(one) & set(found)) >= k - 1
    ]  # what one swap from it can reach
    assert cost[found] <= min(cost[one] for one in swaps) + ROUNDING
    assert cost[found] >= min(cost.values())


def test_medoids_of_clear_groups_larger_than_a_sample() -> None:
    rng = np.random.default_rng(3)
    centre = np.array([[0, 0], [10, 0], [0, 10]])
    truth = rng.integers(0, 3, 900)
    at = centre[truth] + rng.normal(size=(900, 2))
    distance = np.abs(at[:, None] - at[None]).sum(axis=2)
    space = Distances(np.ones(900), distance)
    label = space.partition(space.weight, 3, starts=2, seed=1).label
    assert adjusted_rand_index(label, truth, np.ones(900)) == 1.0
    renewed = [np.flatnonzero(label == c) for c in range(3)]
    best = [own[distance[np.ix_(own, own)].sum(axis=0).argmin()] for own in renewed]
    found = k_medoids(distance, np.ones(900), 3, starts=2, rng=np.random.default_rng(1))
    assert sorted(best) == found.tolist()


def test_weights_are_patients_at_one_place() -> None:
    """k-means, silhouette and adjusted Rand index of weighted points, against all patients."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rng = np.random.default_rng(5)
    at = np.round(rng.normal(size=(40, 2)) + 4 * rng.integers(0, 2, (40, 1)), 1)
    weight = rng.integers(1, 5, 40)
    space = Points(weight.astype(float), at)
    found = space.partition(space.weight, 3, starts=10, seed=2)
    everyone = np.repeat(np.arange(40), weight)
    peer = KMeans(3, n_init=30, random_state=0).fit(at[everyone])
    assert found.inertia == pytest.approx(peer.inertia_, abs=ROUNDING)
    label = found.label
    expected = silhouette_score(at[everyone], label[everyone])
    assert silhouette(space.distance(), label, space.weight) == pytest.approx(expected, ROUNDING)
    other = rng.integers(0, 4, 40)
    expected = adjusted_rand_score(label[everyone], other[everyone])
    assert adjusted_rand_index(label, other, space.weight) == pytest.approx(expected, abs=ROUNDING)


def test_elbow_by_hand() -> None:
    assert elbow(np.array([10.0, 4, 3, 2])).tolist() == pytest.approx([0, 5 / 12, 5 / 24, 0])


def test_information_by_hand() -> None:
    """Six patients, two clusters of three: log-likelihood 6 log 1/2 + 3 log 1/3 of the organ at the
    first place in the first cluster (three organs), the second cluster all alike.
    """
    order = np.array([[0, 5], [1, 5], [2, 5], [3, 5], [3, 5], [3, 5]])
    aic, bic = information(order, np.array([0, 0, 0, 1, 1, 1]))
    log_likelihood = 6 * np.log(1 / 2) + 3 * np.log(1 / 3)
    assert aic == pytest.approx(2 * (1 + 2 * 3) - 2 * log_likelihood)
    assert bic == pytest.approx(np.log(6) * 7 - 2 * log_likelihood)


def test_concordance_is_that_of_r(shared: Path) -> None:
    import csv

    folder = shared / "reference" / "survival"
    with (folder / "veteran.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    time = np.array([float(row["time"]) for row in rows])
    event = np.array([row["status"] == "1" for row in rows])
    karno = np.array([float(row["karno"]) for row in rows])
    rank = np.unique(-karno, return_inverse=True)[1]
    stated = json.loads((folder / "survival_reference.json").read_text())["concordance"]
    expected = stated["vet_karno"]["c"]
    assert rank_concordance(time, event, rank) == pytest.approx(expected, abs=R_DIGITS)


def test_concordance_of_simulated_patients_is_that_of_r() -> None:
    """survival::concordance of age, tests/data/survival."""
    import csv

    with (DATA / "survival" / "trial.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    time, age = (np.array([float(row[name]) for row in rows]) for name in ("time", "age"))
    event = np.array([row["status"] == "1" for row in rows])
    rank = np.unique(age, return_inverse=True)[1]
    stated = json.loads((DATA / "survival" / "survival_reference.json").read_text())
    expected = stated["concordance"]["age"]["c"]
    assert rank_concordance(time, event, rank) == pytest.approx(expected, abs=R_DIGITS)


def test_groups_are_ordered_by_their_hazard() -> None:
    """Against lifelines, with the groups' hazards as scores."""
    from lifelines.utils import concordance_index

    rng = np.random.default_rng(8)
    group = rng.integers(0, 3, 200)
    time = np.ceil(rng.exponential(100 / np.array([1.0, 4.0, 2.0])[group]))
    event = rng.random(200) < 0.7
    survival = np.array([3.0, 1.0, 2.0])[group]
    expected = concordance_index(time, survival, event)
    assert group_concordance(time, event, group) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(group_concordance(time, np.zeros(200, dtype=bool), group))


def test_shuffled_sequences_keep_numbers_and_days() -> None:
    rng = np.random.default_rng(2)
    given_ = three()
    other = shuffled(given_, rng)
    assert other.n_organs.tolist() == given_.n_organs.tolist()
    np.testing.assert_array_equal(np.sort(other.days), np.sort(given_.days))
    for row, days in zip(other.order, other.days, strict=True):
        kept = row[row != NONE]
        assert len(set(kept.tolist())) == kept.size
        assert (np.diff(days[kept]) >= 0).all()


@pytest.mark.parametrize("samples", [3, 30, 49])
def test_clusters_found_in_every_sample_have_a_similarity_of_one_and_not_more(samples: int) -> None:
    """Forty-nine times 1/49, added up, is more than 1 in binary."""
    points = Points(np.full(4, 20.0), np.array([[0.0], [0.1], [10.0], [10.1]]))
    found = points.partition(points.weight, 2, starts=3, seed=1)
    stability = bootstrap_stability(points, found, 2, samples=samples, starts=3, seed=1)
    assert stability.jaccard.tolist() == [1.0, 1.0]
