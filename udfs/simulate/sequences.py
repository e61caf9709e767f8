"""Planted groups of progression sequences, as new lesions at scans."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from udfs.progression.simulation import draw_organs
from udfs.simulate.course import Course
from udfs.simulate.presets import Preset, SequenceGroups
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import BoolArray, Schedule

FIRST_WITHIN = 3
"""The first progression is seen at one of so many first scans."""
TWO_SCANS_LATER = 0.3
"""Probability that the next is seen at the second scan after it, not at the first."""
GONE = {"kg_per_day": 1e-6, "kd_per_day": 0.03, "f": 1e-6}
"""Curves of lesions that shrink for good: after a hundred days a twentieth of the volume is left,
so that no error of reading is a progression."""


@dataclass(frozen=True)
class PlantedGroups:
    """Of n patients."""

    group: IntArray
    """(n,) position of the group."""
    patient: IntArray
    """(rows,) of each planted progression, by patient and scan."""
    organ: IntArray
    scan: IntArray
    """(rows,) position of the scan that shows it (0 is the baseline)."""

    def first(self, n: int) -> tuple[IntArray, IntArray, IntArray]:
        """(n,) scan and organ of each patient's first progression, and scan of the last."""
        patient, start = np.unique(self.patient, return_index=True)
        scan, organ, last = (np.zeros(n, dtype=np.int64) for _ in range(3))
        scan[patient], organ[patient] = self.scan[start], self.organ[start]
        np.maximum.at(last, self.patient, self.scan)
        return scan, organ, last


def plant_groups(
    groups: SequenceGroups, preset: Preset, schedule: Schedule, rng: np.random.Generator
) -> PlantedGroups:
    """Draws each patient's group, organs and the scans at which these progress.

    One organ per scan, so that the order is seen. Who has fewer scans than organs has the first.
    """
    names = [o.organ for o in preset.organs]
    place = {name: i for i, name in enumerate(names)}
    n = len(schedule.day)
    share = np.asarray(groups.shares) / sum(groups.shares)
    group = rng.choice(len(share), size=n, p=share)
    rows: list[tuple[int, int, int]] = []
    for i in range(n):
        organs = draw_organs(groups.prototypes[group[i]], groups.separation, names, rng)
        made = 1 + np.flatnonzero(schedule.is_made[i])
        steps = 1 + (rng.random(len(organs)) < TWO_SCANS_LATER)
        steps[0] = rng.integers(0, FIRST_WITHIN)
        at = steps.cumsum()
        at[0] = min(int(at[0]), made.size - 1)
        rows += [
            (i, place[organ], int(made[k]))
            for organ, k in zip(organs, at.tolist(), strict=True)
            if k < made.size
        ]
    patient, organ, scan = np.array(rows, dtype=np.int64).T
    return PlantedGroups(group, patient, organ, scan)


def lesions_gone(lesions: Columns) -> Columns:
    """Parameters of lesions that do not progress; readers call what is left of them a scar."""
    n = len(lesions["patient"])
    out: Columns = {name: np.full(n, value) for name, value in GONE.items()}
    return out | {"has_scars": np.ones(n, dtype=bool)}


def planted_days(
    planted: PlantedGroups, schedule: Schedule, n_organs: int
) -> tuple[FloatArray, FloatArray]:
    """(n, organs) first true day of each organ, infinite where none, and (n,) of any."""
    n = len(schedule.day)
    days = np.full((n, n_organs), np.inf)
    at = schedule.day[planted.patient, planted.scan - 1].astype(np.float64)
    days[planted.patient, planted.organ] = at
    return days, days.min(axis=1)


def followed_to_the_end(course: Course, planted: PlantedGroups, schedule: Schedule) -> Course:
    """The course with scans up to the last planted progression, and nobody lost before it."""
    n = len(schedule.day)
    last = np.maximum(course.last_scan, planted.first(n)[2])
    day = schedule.day[np.arange(n), np.maximum(last, 1) - 1].astype(np.float64)
    return replace(
        course,
        last_scan=last,
        death_day=np.maximum(course.death_day, day + 2),
        censor_day=np.maximum(course.censor_day, day),
    )


def planted_rows(planted: PlantedGroups, is_made: BoolArray) -> Columns:
    """New lesions as ``new_lesion_rows`` gives them."""
    seen = is_made[planted.patient, planted.scan]
    return {
        "patient": planted.patient[seen],
        "organ": planted.organ[seen],
        "scan": planted.scan[seen],
    }
