"""What a sample recovers: by hand, by brute force, and what follows from the definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.radiomics.recovery import (
    least_lesions,
    recovered,
    share_alike,
    share_missed,
    spread_of,
)
from udfs.radiomics.sampling import Patient, sampling_study, weighted_quantiles
from udfs.radiomics.strategies import PUBLISHED, Lesions, parse_strategies, parse_strategy

BOTH = ("pooled", "within_site")
D = np.array([0.2, 0.4, 0.9])
ROUNDING = 1e-12


def brute_force(
    d: np.ndarray, rows: tuple[int, ...], site: list[int], definition: str, scope: str
) -> tuple[float, float]:
    """Average and greatest distance of one subset, straight from the definition."""

    def mean_and_max(members: list[int]) -> tuple[float, float, int]:
        matrix = d[np.ix_(members, members)]
        k = len(members)
        if k < 2:
            return 0.0, 0.0, 0
        total = float(matrix.sum())
        pairs = k * (k - 1)
        return total / (pairs if definition == "pairs" else k * k), float(matrix.max()), pairs

    if scope == "pooled":
        return mean_and_max(list(rows))[:2]
    groups = [[r for r in rows if site[r] == s] for s in sorted({site[r] for r in rows})]
    parts = [mean_and_max(group) for group in groups]
    if definition == "published":
        return float(np.mean([p[0] for p in parts])), float(np.mean([p[1] for p in parts]))
    n_pairs = sum(p[2] for p in parts)
    mean = sum(p[0] * p[2] for p in parts) / n_pairs if n_pairs else 0.0
    return mean, max(p[1] for p in parts)


def test_by_hand() -> None:
    """Indices 0.5 and 0.9; the pair (1, 3) has 0.4."""
    found = recovered(D, [[0, 2]], [0, 0, 0])
    assert found["pairs", "pooled"].average[0, 0] == pytest.approx(0.8)
    assert found["published", "pooled"].average[0, 0] == pytest.approx(0.4)
    assert found["pairs", "pooled"].maximum[0, 0] == pytest.approx(0.4 / 0.9)
    assert found["published", "pooled"].maximum[0, 0] == pytest.approx(0.4 / 0.9)


def test_one_lesion_recovers_nothing() -> None:
    for shares in recovered(D, [[0], [1]], [0, 0, 1], scopes=BOTH).values():
        assert shares.average.tolist() == shares.maximum.tolist() == [[0, 0]]


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 7), k=st.integers(2, 7), seed=st.integers(0, 10**6))
def test_as_the_definition_has_it(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = min(n, k)
    matrix = rng.random((n, n))
    matrix = np.triu(matrix, 1) + np.triu(matrix, 1).T
    pairs = matrix[np.triu_indices(n, 1)]
    site = rng.integers(0, 3, n).tolist()
    rows = list(combinations(range(n), k))
    for (definition, scope), shares in recovered(pairs, rows, site, scopes=BOTH).items():
        wanted = np.array([brute_force(matrix, row, site, definition, scope) for row in rows])
        np.testing.assert_allclose(shares.average[0], wanted[:, 0] / pairs.mean(), rtol=ROUNDING)
        np.testing.assert_allclose(shares.maximum[0], wanted[:, 1] / pairs.max(), rtol=ROUNDING)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(3, 9), k=st.integers(2, 8), seed=st.integers(0, 10**6))
def test_random_samples_recover_all_by_pairs_and_k_1_over_k_as_published(
    n: int, k: int, seed: int
) -> None:
    """Each pair is in equally many subsets, so the mean over them is that over all pairs."""
    k = min(k, n)
    pairs = np.random.default_rng(seed).random(n * (n - 1) // 2)
    found = recovered(pairs, list(combinations(range(n), k)), np.zeros(n, int))
    assert found["pairs", "pooled"].average.mean() == pytest.approx(1, rel=ROUNDING)
    assert found["published", "pooled"].average.mean() == pytest.approx((k - 1) / k, rel=ROUNDING)


def test_patients_with_their_own_subsets_and_sites() -> None:
    rng = np.random.default_rng(3)
    d = rng.random((3, 6))
    rows = np.array([[[0, 1, 2]], [[1, 2, 3]], [[0, 2, 3]]])
    site = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 2, 2]])
    together = recovered(d, rows, site, scopes=BOTH)
    for i in range(3):
        alone = recovered(d[i], rows[i], site[i], scopes=BOTH)
        for key, shares in alone.items():
            np.testing.assert_allclose(together[key].average[i], shares.average[0], rtol=ROUNDING)
            np.testing.assert_allclose(together[key].maximum[i], shares.maximum[0], rtol=ROUNDING)


def test_lesions_all_alike_have_nothing_to_recover() -> None:
    found = recovered([0.0, 0, 0], [[0, 1]], [0, 0, 0])
    assert np.isnan(found["pairs", "pooled"].average).all()


def test_wrong_sizes_and_words() -> None:
    with pytest.raises(ValueError, match="3 distances for 4 lesions"):
        recovered(D, [[0, 1]], [0, 0, 0, 0])
    with pytest.raises(ValueError, match="scopes"):
        recovered(D, [[0, 1]], [0, 0, 0], scopes=("everywhere",))  # type: ignore[arg-type]


def test_spread_by_hand() -> None:
    """Of 0, 1, ..., 99 the 2.5 % quantile is the third value, the 97.5 % one the 98th."""
    share = np.arange(100.0)[None]
    found = spread_of(share, is_exact=False)
    assert (found.mean[0], found.lower[0], found.upper[0]) == (49.5, 2, 97)
    assert found.standard_error[0] == pytest.approx(share.std(ddof=1) / 10)
    assert spread_of(share, is_exact=True).standard_error[0] == 0


@pytest.mark.parametrize("s", [40, 120, 280, 560])
def test_limits_are_those_of_whole_numbers_of_subsets(s: int) -> None:
    """2.5 % of 120 are 3 subsets, although 120 (1 - 0.95) / 2 is 3.0000000000000027."""
    share = np.random.default_rng(s).permutation(np.arange(1.0, s + 1))[None]
    found = spread_of(share, is_exact=True)
    assert (found.lower[0], found.upper[0]) == (s // 40, s - s // 40)
    assert found.lower[0] == weighted_quantiles(share[0], np.full(s, 1 / s), 0.025)[0]
    assert np.isnan(spread_of(np.full((1, s), np.nan), is_exact=True).lower[0])


def test_lesions_needed_by_hand() -> None:
    assert least_lesions([2, 3, 4, 5], [0.5, 0.8, 0.7, 0.9], 0.75) == 5
    assert least_lesions([2, 3, 4], [0.5, 0.75, 0.8], 0.75) == 3
    assert least_lesions([2, 3], [0.5, 0.7], 0.75) is None


def test_weighted_quantiles_by_hand() -> None:
    assert weighted_quantiles(np.array([3.0, 1, 2]), np.array([2.0, 1, 1]), 0.3) == (2, 3)


def test_missed_findings_by_hand() -> None:
    rows = [[0, 1], [0, 2], [1, 2]]
    found = share_missed([[True, False, False], [True, True, False], [False] * 3], rows)
    np.testing.assert_allclose(found, [1 / 3, 0, np.nan])
    alike = share_alike([[True, False, False], [True] * 3, [False] * 3], rows)
    np.testing.assert_allclose(alike, [1 / 3, np.nan, np.nan])


def cohort(seed: int, sizes: list[int]) -> list[Patient]:
    rng = np.random.default_rng(seed)
    patients = []
    for i, n in enumerate(sizes):
        site = tuple(rng.choice(["liver", "lung", "bone"], n).tolist())
        lesions = Lesions(site, rng.random(n), rng.random(n) < 0.5)
        patients.append(Patient(f"p{i}", ("c", "all"), lesions, rng.random(n * (n - 1) // 2)))
    return patients


STRATEGIES = parse_strategies(", ".join((*PUBLISHED, "largest 5", "random 4 per_site 2")))


def test_simulated_means_are_the_exact_ones_within_three_monte_carlo_errors() -> None:
    patients = cohort(5, [6, 8, 9, 7])
    options = {"seed": 11, "simulations": 2000, "curve_to": 6}
    exact = sampling_study(patients, STRATEGIES, most_exact=10**6, **options)
    drawn = sampling_study(patients, STRATEGIES, most_exact=0, **options)
    compared = 0
    z = []
    for known, found in zip(
        (*exact.strategies, *exact.curve), (*drawn.strategies, *drawn.curve), strict=True
    ):
        assert (known.label, known.definition, known.index) == (
            found.label, found.definition, found.index
        )  # fmt: skip
        assert known.is_exact.all()
        error = found.standard_error
        is_random = error > 1e-12
        z += ((found.mean - known.mean)[is_random] / error[is_random]).tolist()
        np.testing.assert_allclose(found.mean[~is_random], known.mean[~is_random], rtol=ROUNDING)
        compared += is_random.sum()
    assert compared > 100
    # Three errors hold 99.7 % of independent means; of several hundred dependent ones some lie
    # beyond, none beyond five, and as a whole they scatter as errors should.
    assert np.mean(np.abs(z) <= 3) >= 0.99
    assert np.max(np.abs(z)) < 5
    summary = {
        (s.label, s.definition, s.scope, s.index, s.cohort): s
        for s in (*exact.summary, *exact.curve_summary)
    }
    for s in (*drawn.summary, *drawn.curve_summary):
        known = summary[s.label, s.definition, s.scope, s.index, s.cohort]
        assert s.mean == pytest.approx(known.mean, abs=max(3.5 * s.standard_error, 1e-12))


def test_a_patient_s_samples_do_not_depend_on_the_others() -> None:
    patients = cohort(6, [12, 13, 12, 14])
    options = {"seed": 3, "simulations": 50, "most_exact": 10}
    together = sampling_study(patients, STRATEGIES, **options)
    backwards = sampling_study(patients[::-1], STRATEGIES, **options)
    for one, other in zip(together.strategies, backwards.strategies, strict=True):
        np.testing.assert_array_equal(one.mean, other.mean[::-1])
        np.testing.assert_array_equal(one.lower, other.lower[::-1])
    assert together.summary[0].mean == pytest.approx(backwards.summary[0].mean, rel=1e-14)


def test_curves_rise_and_reach_the_whole() -> None:
    study = sampling_study(cohort(7, [9, 9, 9]), (), seed=1, curve_to=9)
    for definition in ("pairs", "published"):
        points = [p for p in study.curve if p.index == "maximum" and p.definition == definition]
        means = np.array([p.mean for p in points])
        assert (np.diff(means, axis=0) >= -1e-12).all()
        np.testing.assert_allclose(means[-1], 1)


def test_partial_patients_are_those_with_lesions_left_out() -> None:
    study = sampling_study(cohort(8, [2, 3, 6]), [parse_strategy("random 3")], seed=1, curve_to=2)
    first = study.summary[0]
    assert (first.n_patients, first.n_partial) == (3, 1)
