"""How sequences become points: the encoding of Zhou 2023's published code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.progression.data import FloatArray, IntArray, Sequences


@dataclass(frozen=True)
class PlaceEncoding:
    """One-hot encoding of the organ at each place, then softmax over the place's columns.

    A place with m categories ('no organ' is one) gives m columns; softmax makes the one that holds
    e / (e + m - 1) and each other 1 / (e + m - 1). So it is the one-hot encoding, shrunk by
    (e - 1) / (e + m - 1): places with few categories, the late ones, weigh more. Every place that
    a shorter sequence lacks counts as the same category, so the number of organs counts once per
    place. Time has no part.

    Source: Zhou et al., Nat Commun 2023, Code availability, 'organorder cluster.py'.
    """

    categories: tuple[IntArray, ...]
    """Of each place the organs seen there, -1 for none, ascending."""

    @classmethod
    def of(cls, order: IntArray) -> PlaceEncoding:
        """The categories of (n, p) sequences."""
        return cls(tuple(np.unique(column) for column in order.T))

    def transform(self, order: IntArray) -> FloatArray:
        """(n, columns) points of (n, p) sequences. An organ not seen at its place before has no
        column: its place is then the same value throughout, as with scikit-learn's
        ``handle_unknown='ignore'``.
        """
        blocks = []
        for place, known in enumerate(self.categories):
            hot = order[:, [place]] == known[None, :]
            raised = np.where(hot, np.e, 1.0)
            blocks.append(raised / raised.sum(axis=1, keepdims=True))
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(order), 0))


def discounted_states(sequences: Sequences, *, half_life_days: float) -> FloatArray:
    """(n, g) what each organ's progression weighs: 2^(-t / half-life), 0 without one.

    t runs from the patient's first progression (``since_first``) or from the first dose, as the
    days do. The sum over organs of the differences between two patients is their distance: the
    Hamming distance between the courses 'which organs have progressed by day t', with time
    discounted by half every ``half_life_days``, as the integral of the discount from t on is
    2^(-t / half-life). It is a metric; the order within a tie has no part; and an organ that was
    not seen to progress differs little from one that would have progressed after the scans ended.

    Hand-worked, half-life 180: liver on day 0 and lung on day 180, against liver alone: 0.5;
    against lung on day 0 and liver on day 180: 0.5 + 0.5 = 1; against bone alone: 2.5.

    Source: Studer and Ritschard, JRSS A 2016 (Hamming distances of state sequences); Gauthier et
    al., Sociol Methodol 2010 (several channels).

    Args:
        sequences: n of them.
        half_life_days: days after which a progression counts half.

    Raises:
        ValueError: a half-life that is not above 0.
    """
    if not half_life_days > 0:
        raise ValueError(f"half_life_days = {half_life_days}: it must be above 0")
    return np.asarray(np.exp2(-sequences.days / half_life_days))
