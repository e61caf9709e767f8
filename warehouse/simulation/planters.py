"""What a planter of defects is, and all that there are.

A planter changes the rows of one subject and says which; it declines a subject that does not suit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warehouse.simulation.sheets import Row, Trial

EVERYTHING = "everything"
"""Scope of a defect that no other may share its subject with."""
LESION = "lesion"
"""Scope of a defect in one lesion: others may touch the subject's other lesions."""


@dataclass(frozen=True)
class Planted:
    """One changed place."""

    domain: str
    row: Row
    column: str = ""
    value: str | None = None
    original: str | None = None
    is_ragged: bool = False
    """The record is to get one field too many when it is written."""


@dataclass(frozen=True)
class Change:
    """What a planter did: the places, and labels of the lesions that it occupies."""

    places: list[Planted]
    labels: tuple[str, ...] = ()


Planter = Callable[[Trial, str, np.random.Generator], Change | None]


@dataclass(frozen=True)
class _Registered:
    defect_id: str
    scope: frozenset[str]
    plant: Planter
    needs_two_readers: bool


PLANTERS: list[_Registered] = []


def planter(defect_id: str, *scope: str, two_readers: bool = False) -> Callable[[Planter], Planter]:
    """Registers a planter. ``scope`` names the tables whose rows of the subject it occupies."""

    def register(function: Planter) -> Planter:
        PLANTERS.append(_Registered(defect_id, frozenset(scope), function, two_readers))
        return function

    return register
