"""Sequences without groups, to hold found clusters against."""

from __future__ import annotations

import numpy as np

from udfs.progression.data import NONE, Sequences


def shuffled(sequences: Sequences, rng: np.random.Generator) -> Sequences:
    """The same patients with organs drawn at random.

    Each patient keeps the number and the days of its progressions; the organs are drawn one after
    another without replacement, each with a probability in proportion to the patients in whom it
    progressed (the model of Plackett and Luce). Who progresses where first then says nothing of
    where next.

    Args:
        sequences: n of them.
        rng: draws.
    """
    n, g = sequences.days.shape
    if g == 0:
        return sequences
    often = np.isfinite(sequences.days).sum(axis=0)
    keys = np.log(np.maximum(often, 1)) + rng.gumbel(size=(n, g))
    drawn = np.argsort(-keys, axis=1, kind="stable")[:, : sequences.order.shape[1]]
    has = sequences.order != NONE
    at = np.take_along_axis(sequences.days, np.maximum(sequences.order, 0), axis=1)
    days = np.full((n, g), np.inf)
    rows, places = np.nonzero(has)
    days[rows, drawn[rows, places]] = at[rows, places]
    return Sequences(sequences.patient, sequences.organ, np.where(has, drawn, NONE), days)
