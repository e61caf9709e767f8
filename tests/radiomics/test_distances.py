"""Cosine distances, the two indices, clusters of lesions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from udfs.radiomics.distances import (
    LARGEST,
    VARIANTS,
    cluster_lesions,
    cosine_distances,
    heterogeneity,
    pair_rows,
    scale_features,
)

X = np.array(
    [
        [1, 2.1, 5, 4.9, -1],
        [2, 3.9, 1, 1.2, -2.2],
        [3, 6.2, 4, 4.4, -2.9],
        [4, 8.1, 2, 1.8, -4.1],
        [5, 9.7, 8, 7.7, -5.2],
        [6.5, 13.2, 3, 3.3, -6.3],
    ]
)
# m <- scale(x); 1 - m m' / (|m| |m|'), lower triangle by column, in R 4.2
R_COSINE = [
    *(0.5949771468683673, 0.0320954027161348, 1.5659412924122886, 1.2076151079228130),
    *(1.9920200453232322, 0.6950282705482447, 0.4812977549421461, 1.9746024501134123),
    *(1.5066023581463952, 1.6407290452205454, 1.1215264250818624, 1.9404189328906483),
    *(1.6811120617332831, 0.5320351683850664, 0.6870963511526464),
]
R_AVERAGE, R_MAXIMUM = 1.17687318756381, 1.99202004532323
# cutree(hclust(as.dist(cosine), "average"), h = 0.5)
R_CLUSTERS = [1, 2, 1, 2, 3, 4]
ROUNDING = 1e-12


def test_by_hand() -> None:
    """(1, 0), (1, 1), (-1, 0): 1 - 1 / sqrt 2, 2 (the greatest), 1 + 1 / sqrt 2."""
    x = [[1, 0], [1, 1], [-1, 0]]
    root = 1 / np.sqrt(2)
    np.testing.assert_allclose(cosine_distances(x), [1 - root, 2, 1 + root], rtol=ROUNDING)
    np.testing.assert_allclose(cosine_distances(x, "angular"), [0.25, 1, 0.75], rtol=ROUNDING)
    half = cosine_distances(x, "half_one_minus_cosine")
    np.testing.assert_allclose(half, [(1 - root) / 2, 1, (1 + root) / 2], rtol=ROUNDING)


def test_as_in_r_after_scaling() -> None:
    found = cosine_distances(scale_features(X, "z-score"))
    np.testing.assert_allclose(found, R_COSINE, rtol=ROUNDING)
    indices = heterogeneity(found, 6)
    assert indices.average == pytest.approx(R_AVERAGE, rel=ROUNDING)
    assert indices.maximum == pytest.approx(R_MAXIMUM, rel=ROUNDING)


def test_clusters_of_lesions_as_in_r() -> None:
    found = cluster_lesions(R_COSINE, 6, cut=0.5)
    together = np.equal.outer(found.cluster, found.cluster)
    np.testing.assert_array_equal(together, np.equal.outer(R_CLUSTERS, R_CLUSTERS))
    assert sorted(found.place) == list(range(6))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 7),
    f=st.integers(2, 6),
    seed=st.integers(0, 10**6),
    variant=st.sampled_from(VARIANTS),
)
def test_as_scipy_and_within_its_range(n: int, f: int, seed: int, variant: str) -> None:
    x = np.random.default_rng(seed).normal(size=(n, f))
    found = cosine_distances(x, variant)
    cosine = pdist(x, "cosine")
    wanted = {
        "one_minus_cosine": cosine,
        "half_one_minus_cosine": cosine / 2,
        "angular": np.arccos(np.clip(1 - cosine, -1, 1)) / np.pi,
    }[variant]
    # arccos near 1 keeps half of the digits.
    np.testing.assert_allclose(found, wanted, atol=1e-7 if variant == "angular" else 1e-14)
    assert found.max() <= LARGEST[variant]


def test_nearly_alike_lesions_keep_their_distance() -> None:
    """At an angle of 1e-9 the cosine is 1 in double precision; 1 - cos is angle^2 / 2."""
    found = cosine_distances([[1.0, 0], [1, 1e-9]])
    assert found[0] == pytest.approx(5e-19, rel=1e-6)


def test_features_that_are_never_negative_stay_below_1() -> None:
    """The paper's 'maximal value 1.0' holds for these only."""
    x = np.random.default_rng(0).lognormal(size=(40, 6))
    assert cosine_distances(scale_features(x, "min-max")).max() <= 1
    assert cosine_distances(scale_features(x, "none")).max() <= 1
    assert cosine_distances(scale_features(x, "z-score")).max() > 1


def test_a_lesion_without_direction_or_with_a_missing_feature() -> None:
    found = cosine_distances([[0.0, 0], [1, 1], [1, np.nan], [2, 2]])
    np.testing.assert_array_equal(np.isnan(found), [True, True, True, True, False, True])
    assert found[4] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("scaling", "wanted"),
    [
        ("z-score", [[-1, 0], [0, 0], [1, 0]]),
        ("robust", [[-1, 0], [0, 0], [1, 0]]),
        ("min-max", [[0, 0], [0.5, 0], [1, 0]]),
        ("none", [[1, 0.1], [3, 0.1], [5, 0.1]]),
    ],
)
def test_scaling_by_hand(scaling: str, wanted: list[list[float]]) -> None:
    """1, 3, 5: mean 3, sd 2; median 3, quartiles 2 and 4. A constant column becomes 0."""
    found = scale_features([[1, 0.1], [3, 0.1], [5, 0.1]], scaling)
    np.testing.assert_allclose(found, wanted, atol=1e-15)


def test_indices_by_hand_and_of_one_lesion() -> None:
    found = heterogeneity([0.2, 0.4, 0.9], 3)
    assert (found.average, found.maximum) == (pytest.approx(0.5), 0.9)
    one = heterogeneity([], 1)
    assert np.isnan([one.average, one.maximum]).all()
    with pytest.raises(ValueError, match=r"\(2,\) distances for 3 lesions"):
        heterogeneity([0.1, 0.2], 3)


def test_pairs_stand_in_the_order_of_the_distances() -> None:
    first, second = pair_rows(4)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3),
    ]  # fmt: skip


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ValueError, match="variant is 'euclid'"):
        cosine_distances(X, "euclid")
    with pytest.raises(ValueError, match="scaling is 'log'"):
        scale_features(X, "log")
    with pytest.raises(ValueError, match="NaN"):
        cluster_lesions([np.nan], 2, cut=0.5)
