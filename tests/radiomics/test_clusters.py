"""Clusters of features, and who speaks for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from udfs.radiomics.clusters import absolute_correlation, choose_representatives, cluster_features

X = np.column_stack(
    [
        [1, 2, 3, 4, 5, 6.5],
        [2.1, 3.9, 6.2, 8.1, 9.7, 13.2],
        [5, 1, 4, 2, 8, 3],
        [4.9, 1.2, 4.4, 1.8, 7.7, 3.3],
        [-1, -2.2, -2.9, -4.1, -5.2, -6.3],
    ]
)
# abs(cor(x)) and cutree(hclust(as.dist(1 - abs(cor(x))), "average"), h = 0.3) in R 4.2
R_CORRELATION = {(0, 1): 0.998805366046716, (0, 2): 0.163583443686098, (3, 4): 0.183250720539378}
R_CLUSTERS = [1, 1, 2, 2, 1]


def test_correlations_and_clusters_as_in_r() -> None:
    found = cluster_features(X, cut=0.3)
    for (i, j), r in R_CORRELATION.items():
        assert found.correlation[i, j] == pytest.approx(r, rel=1e-13)
    together = np.equal.outer(found.cluster, found.cluster)
    np.testing.assert_array_equal(together, np.equal.outer(R_CLUSTERS, R_CLUSTERS))


def test_clusters_stand_together_in_the_heat_map() -> None:
    found = cluster_features(X, cut=0.3)
    assert sorted(found.place) == [0, 1, 2, 3, 4]
    ordered = found.cluster[np.argsort(found.place)]
    assert (np.diff(ordered) >= 0).all()
    assert ordered[0] == 1


@pytest.mark.parametrize("method", ["average", "complete", "single"])
def test_the_same_clusters_as_scipy(method: str) -> None:
    rng = np.random.default_rng(2)
    hidden = rng.normal(size=(80, 5))
    x = np.repeat(hidden, 4, axis=1) + 0.5 * rng.normal(size=(80, 20))
    distance = 1 - np.abs(np.corrcoef(x, rowvar=False))
    tree = linkage(squareform(distance, checks=False), method)
    for cut in (0.1, 0.3, 0.6):
        wanted = fcluster(tree, cut, criterion="distance")
        found = cluster_features(x, cut=cut, linkage=method).cluster
        np.testing.assert_array_equal(np.equal.outer(found, found), np.equal.outer(wanted, wanted))


def test_so_many_clusters_as_asked_for() -> None:
    assert set(cluster_features(X, cut=0.3, n_clusters=3).cluster) == {1, 2, 3}


def test_one_feature_is_its_own_cluster() -> None:
    found = cluster_features(X[:, :1], cut=0.3)
    assert (found.cluster.tolist(), found.place.tolist()) == ([1], [0])


def test_a_constant_or_missing_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"columns \[1\] do not vary"):
        absolute_correlation([[1, 2], [2, 2], [3, 2]])
    with pytest.raises(ValueError, match="NaN"):
        absolute_correlation([[1, np.nan], [2, 2]])
    with pytest.raises(ValueError, match="linkage is 'ward'"):
        cluster_features(X, cut=0.3, linkage="ward")


@pytest.mark.parametrize("scale", [1e-170, 1e99])
def test_correlations_do_not_depend_on_the_size_of_numbers(scale: float) -> None:
    """Squares of deviations of 1e-170 are 0 in floating point."""
    np.testing.assert_allclose(absolute_correlation(X * scale), absolute_correlation(X), rtol=1e-12)


def test_the_most_understandable_feature_speaks_for_its_cluster() -> None:
    names = [
        "original_glrlm_GrayLevelNonUniformity",
        "original_shape_MeshVolume",
        "original_shape_VoxelVolume",
        "original_glcm_Idm",
        "original_glcm_Contrast",
        "original_shape_Sphericity",
    ]
    found = choose_representatives(
        names, [1, 1, 1, 2, 2, 3], ["voxelvolume", "MeshVolume", "Sphericity"]
    )
    assert [name for name, chosen in zip(names, found.is_selected, strict=True) if chosen] == [
        "original_shape_VoxelVolume",
        "original_glcm_Contrast",
        "original_shape_Sphericity",
    ]
    assert [reason for reason in found.reason if reason] == [
        "most understandable of its cluster",
        "first by name of its cluster",
        "alone in its cluster",
    ]


def test_a_word_inside_a_name_is_not_the_name() -> None:
    """'Mean' is not MeanAbsoluteDeviation, nor the end of RootMean without an underscore."""
    found = choose_representatives(["a_RootMean", "b_MeanAbsoluteDeviation", "c_Mean"], [1] * 3,
                                   ["Mean"])  # fmt: skip
    assert found.is_selected.tolist() == [False, False, True]
