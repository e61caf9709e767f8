"""Groups of patients whose survival is compared: clusters, treatments, what a landmark shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.steps.survival.survival import Analysis

if TYPE_CHECKING:
    import pandas as pd

CLUSTER, TREATMENT = "progression cluster", "treatment class"
FIRST, NUMBER = "first progressive organ", "number of progressive organs"
FROM_FIRST_DOSE = "OS"
NOTHING_YET = "none yet"
OTHER = "Other first"
FREQUENT_FIRST = 2
"""So many organs, the most frequent first ones, are groups of their own; the paper's are two."""


def of_subset(subset: str, part: str | None = None) -> str:
    """Name of a subset, and behind a semicolon of the cluster within it."""
    return subset if part is None else f"{subset}; {part}"


def clusters_by_size(members: pd.DataFrame) -> list[str]:
    """Names of clusters from the largest; those without progression last."""
    named = members[["cluster", "cluster_name"]].drop_duplicates()
    last = named["cluster"].eq(0)
    ordered = named.assign(last=last).sort_values(["last", "cluster"])
    return [str(name) for name in ordered["cluster_name"]]


def treatments(members: pd.DataFrame) -> list[str]:
    """Treatment classes: chemotherapy alone first, as what the others are compared with."""
    names = sorted(set(members["treatment_class"].astype(str)) - {"not stated"})
    return sorted(names, key=lambda name: (name != "chemotherapy", name))


def analysis_of(
    key: dict[str, str],
    names: Sequence[str],
    group: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    *,
    is_ordered: bool = False,
    landmark: float | None = None,
    is_known: bool = False,
) -> Analysis:
    """Groups in the order of ``names``; those without a patient are left out.

    Args:
        landmark: day from which ``time`` counts; by default the first dose.
        is_known: the groups are known when the clock starts.
    """
    present = [name for name in names if (group == name).any()]
    code = np.full(group.size, -1, dtype=np.int64)
    for i, name in enumerate(present):
        code[group == name] = i
    inside, known = code >= 0, ~np.isnan(time)
    return Analysis(
        key=key,
        is_ordered=is_ordered,
        names=present,
        code=code[inside & known],
        time=time[inside & known],
        event=event[inside & known],
        n_missing=np.bincount(code[inside & ~known], minlength=len(present)),
        is_guarantee_time_free=is_known,
        landmark_days=landmark,
    )


def from_first_dose(members: pd.DataFrame, subset: str) -> Iterator[Analysis]:
    """Overall survival by cluster, and by treatment within each (Fig. 4b and 5a)."""
    time = members["os_days"].to_numpy(np.float64)
    event = members["os_event"].to_numpy(dtype=bool)
    names = clusters_by_size(members)
    key = {"subset": subset, "grouping": CLUSTER, "endpoint": FROM_FIRST_DOSE}
    cluster = members["cluster_name"].to_numpy(dtype=object)
    yield analysis_of(key, names, cluster, time, event)
    treatment = members["treatment_class"].to_numpy(dtype=object)
    for name in names:
        here = cluster == name
        key = {"subset": of_subset(subset, name), "grouping": TREATMENT}
        key |= {"endpoint": FROM_FIRST_DOSE}
        yield analysis_of(key, treatments(members), treatment[here], time[here], event[here])


def from_landmarks(landmark: pd.DataFrame, display: dict[str, str]) -> Iterator[Analysis]:
    """Survival after each landmark, by what had progressed until then."""
    for (subset, day), rows in landmark.groupby(["subset", "landmark_days"], sort=True):
        time = rows["days_after"].to_numpy(np.float64)
        event = rows["is_death"].to_numpy(dtype=bool)
        endpoint = f"OS after day {day:g}"
        if rows["cluster_name"].notna().any():
            key = {"subset": str(subset), "grouping": CLUSTER, "endpoint": endpoint}
            cluster = rows["cluster_name"].to_numpy(dtype=object)
            yield analysis_of(
                key, clusters_by_size(rows), cluster, time, event, landmark=float(day)
            )
        first, names = _first_groups(rows, display)
        key = {"subset": str(subset), "grouping": FIRST, "endpoint": endpoint}
        yield analysis_of(key, names, first, time, event, landmark=float(day), is_known=True)
        count = rows["n_progressive_organs"].to_numpy(np.int64)
        number = np.where(count >= 3, "3 or more", count.astype(str)).astype(object)
        key = {"subset": str(subset), "grouping": NUMBER, "endpoint": endpoint}
        yield analysis_of(
            key, ("0", "1", "2", "3 or more"), number, time, event,
            is_ordered=True, landmark=float(day), is_known=True,
        )  # fmt: skip


def _first_groups(rows: pd.DataFrame, display: dict[str, str]) -> tuple[Any, list[str]]:
    """Each patient's group by the first progressive organ, and the groups in their order.

    The organ "other" is of the group of other organs, however frequent: two groups of one name
    would be one key twice.
    """
    count = rows["first_organ"].dropna().value_counts()
    named = [organ for organ in count.index if f"{display.get(organ, organ)} first" != OTHER]
    ordered = sorted(named, key=lambda organ: (-int(count[organ]), str(organ)))
    frequent = [str(organ) for organ in ordered[:FREQUENT_FIRST]]
    shown = {organ: f"{display.get(organ, organ)} first" for organ in frequent}
    first = [
        NOTHING_YET if not isinstance(organ, str) else shown.get(organ, OTHER)
        for organ in rows["first_organ"]
    ]
    return np.array(first, dtype=object), [NOTHING_YET, OTHER, *shown.values()]
