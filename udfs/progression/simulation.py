"""Sequences with planted groups, to see whether clusters find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from udfs.progression.data import IntArray, Sequences, sequences_of

ORGANS = ("abdomen", "bone", "brain_cns", "liver", "ln_distal", "ln_regional", "lung", "peritoneum")
PROTOTYPES: tuple[tuple[str, ...], ...] = (
    ("liver",),
    ("liver", "lung", "bone"),
    ("lung", "ln_distal", "brain_cns"),
    ("peritoneum", "abdomen"),
    ("ln_regional", "bone", "abdomen", "liver", "lung", "brain_cns"),
)
"""Planted: one organ, liver first, lung first, another first, and many organs."""
SHARE = (0.3, 0.25, 0.15, 0.15, 0.15)
CLEAR = 0.98
"""Separation that counts as clear: each progression of the prototype is there with this
probability, and one that does not belong comes in with the probability of the rest."""


@dataclass(frozen=True)
class PlantedSequences:
    """Simulated sequences and the truth behind them."""

    sequences: Sequences
    group: IntArray
    """(n,) planted group, 0 to 4; -1 throughout where none is planted."""
    separation: float


def simulate_sequences(n: int, *, separation: float, seed: int) -> PlantedSequences:
    """n patients of five planted groups, or of none.

    A patient of a group has the progressions of its prototype in their order; each is missed with
    probability 1 - ``separation``, and with the same probability one organ at random comes in at a
    random place. The first day is log-normal (median 150 days), and so are the gaps between
    progressions (median 60 days), whatever the group. With separation 0 there are no groups: each
    patient has one organ and a Poisson number (mean 1.2) of others, all drawn at random.

    Args:
        n: patients.
        separation: 0 (no groups) to 1 (prototypes without error); 0.95 and more is clear.
        seed: of the random numbers.

    Raises:
        ValueError: separation is not between 0 and 1.
    """
    if not 0 <= separation <= 1:
        raise ValueError(f"separation is {separation}: it lies between 0 and 1")
    rng = np.random.default_rng(seed)
    planted = rng.choice(len(PROTOTYPES), size=n, p=SHARE)
    rows: list[tuple[str, int, str, float]] = []
    for i in range(n):
        organs = draw_organs(PROTOTYPES[planted[i]], separation, ORGANS, rng)
        gaps = np.ceil(60 * np.exp(0.4 * rng.standard_normal(len(organs) - 1)))
        start = np.round(150 * np.exp(0.5 * rng.standard_normal()))
        days = start + np.concatenate(([0.0], gaps.cumsum()))
        rows += [(f"P{i:05d}", k + 1, organ, days[k]) for k, organ in enumerate(organs)]
    patient, place, organ, day = zip(*rows, strict=True)
    sequences = sequences_of(patient, place, organ, day)
    group = planted if separation > 0 else np.full(n, -1)
    return PlantedSequences(sequences, np.asarray(group, dtype=np.int64), separation)


def draw_organs(
    prototype: Sequence[str], separation: float, organs: Sequence[str], rng: np.random.Generator
) -> list[str]:
    """One patient's organs in their order, at least one; see ``simulate_sequences``.

    Args:
        prototype: the group's.
        separation: 0 draws without regard to it.
        organs: those that a patient can have.
        rng: draws.
    """
    if separation == 0:
        n_organs = 1 + min(int(rng.poisson(1.2)), len(organs) - 1)
        return [str(organ) for organ in rng.permutation(np.asarray(organs))[:n_organs]]
    kept = [organ for organ in prototype if rng.random() < separation] or [prototype[0]]
    if rng.random() > separation:
        other = [organ for organ in organs if organ not in kept]
        kept.insert(int(rng.integers(len(kept) + 1)), other[int(rng.integers(len(other)))])
    return kept
