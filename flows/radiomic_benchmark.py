"""``lesions benchmarks radiomics``: everything of Henry 2022 at its size, and the sampling study
beside the same done one sample at a time.
"""

from __future__ import annotations

import resource
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.radiomics.agreement import concordance
from udfs.radiomics.clusters import cluster_features
from udfs.radiomics.distances import cosine_distances, scale_features
from udfs.radiomics.sampling import Patient, SamplingStudy, sampling_study
from udfs.radiomics.strategies import PUBLISHED, Lesions, parse_strategy
from udfs.radiomics.variation import variation_within
from warehouse.benchmarks import timed

PATIENTS, LESIONS, FEATURES = 43, 602, 107
"""Of Henry 2022."""
SIMULATIONS = 500
ORGANS = ("lymph node", "lung", "liver", "soft_tissue", "peritoneum", "bone")
SHARES = (0.32, 0.33, 0.16, 0.08, 0.06, 0.05)
"""About its Table 1."""

Row = tuple[str, float | None, str]
Array = NDArray[Any]


def radiomic_benchmark(scale: int, seed: int) -> list[Row]:
    """What was measured, seconds, and a note, for each figure.

    Args:
        scale: times 602 lesions: of so many more patients, and of so many more in each patient.
        seed: of the made-up features.
    """
    rows = [_part(PATIENTS * scale, LESIONS * scale, seed)]
    if scale > 1:
        rows.append(_part(PATIENTS, LESIONS * scale, seed))
    return [*rows, *_beside_one_at_a_time(seed)]


def _part(n_patients: int, n_lesions: int, seed: int) -> Row:
    cohort = _cohort(n_patients, n_lesions, seed)
    taken, study = timed(lambda: _everything(*cohort, seed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    what = f"{n_patients:,} patients, {n_lesions:,} lesions, {FEATURES} features"
    note = (
        f"variation, concordance, clusters, distances, {len(PUBLISHED)} strategies and the curve "
        f"to 15 lesions, {SIMULATIONS} samples each, {len(study.summary)} means; peak memory "
        f"{peak:.2f} GB"
    )
    return what, taken, note


def _cohort(n_patients: int, n_lesions: int, seed: int) -> tuple[Array, Array, Array, Array]:
    """Features of two segmentations, patient and organ of each lesion; two lesions or more."""
    rng = np.random.default_rng(seed)
    counts = 2 + rng.multinomial(n_lesions - 2 * n_patients, np.full(n_patients, 1 / n_patients))
    patient = np.repeat(np.arange(n_patients), counts)
    x = np.exp(rng.normal(size=(n_lesions, FEATURES)))
    other = x * np.exp(0.2 * rng.normal(size=x.shape))
    organ = rng.choice(ORGANS, n_lesions, p=SHARES)
    return x, other, patient, organ


def _everything(x: Array, other: Array, patient: Array, organ: Array, seed: int) -> SamplingStudy:
    for column in range(x.shape[1]):
        variation_within(x[:, column], patient)
        concordance(x[:, column], other[:, column])
    cluster_features(x, cut=0.3)
    patients = _patients(x, patient, organ)
    strategies = [parse_strategy(name) for name in PUBLISHED]
    return sampling_study(patients, strategies, seed=seed, simulations=SIMULATIONS, most_exact=0)


def _patients(x: Array, patient: Array, organ: Array) -> list[Patient]:
    scaled = scale_features(x)
    edges = np.flatnonzero(np.diff(patient, prepend=-1, append=patient[-1] + 1))
    found = []
    for begin, end in pairwise(edges):
        n = end - begin
        lesions = Lesions(tuple(organ[begin:end].tolist()), np.ones(n), np.zeros(n, dtype=bool))
        distance = cosine_distances(scaled[begin:end])
        found.append(Patient(f"p{begin}", ("all",), lesions, distance))
    return found


def _beside_one_at_a_time(seed: int) -> list[Row]:
    """Three random lesions, 500 samples per patient: all at once, and one after the other."""
    x, _, patient, organ = _cohort(PATIENTS, LESIONS, seed)
    patients = _patients(x, patient, organ)
    strategy = [parse_strategy("random 3")]
    ours, study = timed(
        lambda: sampling_study(
            patients, strategy, seed=seed, simulations=SIMULATIONS, most_exact=0, curve_to=1
        )
    )
    theirs, mean = timed(lambda: _one_at_a_time(patients, seed))
    known = next(s for s in study.summary if s.definition == "pairs" and s.index == "average")
    what = f"three random lesions, {PATIENTS} x {SIMULATIONS} samples"
    note = f"{theirs / ours:.0f} x ours; means {known.mean:.4f} and {mean:.4f}"
    return [(f"{what}, ours", ours, ""), (f"{what}, one at a time in numpy", theirs, note)]


def _one_at_a_time(patients: list[Patient], seed: int) -> float:
    rng = np.random.default_rng(seed)
    means = []
    for one in patients:
        matrix = np.zeros((one.n, one.n))
        matrix[np.triu_indices(one.n, 1)] = one.distance
        matrix += matrix.T
        k = min(3, one.n)
        shares = []
        for _ in range(SIMULATIONS):
            rows = rng.choice(one.n, k, replace=False)
            part = matrix[np.ix_(rows, rows)]
            shares.append(part.sum() / (k * (k - 1)) / one.distance.mean())
        means.append(np.mean(shares))
    return float(np.mean(means))
