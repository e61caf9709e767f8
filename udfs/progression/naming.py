"""What clusters are called, from what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from udfs.progression.data import FloatArray, IntArray, Sequences

MONO_SHARE = 0.9
"""A cluster is mono-organ when so large a share of its patients has at most one progressive
organ."""
PAIR_SHARE = 0.75
"""Two organs name a cluster when each progressed in so large a share of it."""
FIRST_SHARE = 0.5
"""An organ names a cluster when it progressed first (second, third) in so large a share."""
PLACES = ("First", "Second", "Third")


@dataclass(frozen=True)
class ClusterContent:
    """What is in one cluster, and what it is called for it."""

    name: str
    reason: str
    """The rule that named it, with the share that met it."""
    n_patients: int
    share_one_organ: float
    mean_organs: float
    first_organ: str
    """The organ that progressed first in most of its patients."""
    first_organ_share: float
    common_sequence: str
    """The sequence that most of its patients have."""
    common_sequence_share: float


def describe_clusters(
    sequences: Sequences,
    label: IntArray,
    *,
    hetero_organs: float,
    display: Mapping[str, str],
    by_place: bool = False,
) -> list[ClusterContent]:
    """Names and contents of clusters 0 to k - 1.

    Rules, in this order; the first that holds names the cluster. Where patients without a
    progression were clustered with the others: No progression, when they are half of it.
    1. Mono-Organ: 90 % of the patients have at most one progressive organ.
    2. Hetero-Organ: the mean number of progressive organs is at least ``hetero_organs``.
    3. two organs, as in Liver-and-Lung: each progressed in 75 %, and no organ was first in 75 %.
    4. an organ, as in Liver-First: it progressed first in half of them.
    5. Other-First.
    ``by_place`` (the second round, where all have many organs) puts in the place of 1 to 3: an
    organ that is first, else second, else third in half of them (Liver-Second).
    Mono- and Hetero-Organ clusters of one name get the first organ of half of them behind it; what
    is still of one name gets a number by size.

    Args:
        sequences: of n patients.
        label: (n,)
        hetero_organs: see 2.
        display: names of organs to be shown; others are shown as they are.
        by_place: see above.
    """
    k = int(label.max(initial=-1)) + 1
    text = np.asarray(sequences.text(), dtype=object)
    found = []
    for c in range(k):
        rows = np.flatnonzero(label == c)
        part = sequences.take(rows)
        count = part.n_organs
        first_name, first_share = _most_frequent(part, 0)
        name, reason = _name(part, hetero_organs, display, by_place)
        common, n_common = _commonest(text[rows])
        found.append(
            ClusterContent(
                name=name,
                reason=reason,
                n_patients=rows.size,
                share_one_organ=float((count == 1).mean()),
                mean_organs=float(count.mean()),
                first_organ=first_name,
                first_organ_share=first_share,
                common_sequence=common,
                common_sequence_share=n_common / rows.size,
            )
        )
    return _distinct(found, display)


def size_order(sequences: Sequences, label: IntArray) -> IntArray:
    """(k,) new number of each cluster: from the largest; of equal size by their commonest
    sequence, then by the first patient.
    """
    text = np.asarray(sequences.text(), dtype=object)
    k = int(label.max()) + 1
    keys = []
    for c in range(k):
        rows = np.flatnonzero(label == c)
        keys.append((-rows.size, _commonest(text[rows])[0], str(sequences.patient[rows[0]]), c))
    place = np.empty(k, dtype=np.int64)
    for new, (_, _, _, old) in enumerate(sorted(keys)):
        place[old] = new
    return place


def _name(
    part: Sequences, hetero_organs: float, display: Mapping[str, str], by_place: bool
) -> tuple[str, str]:
    count = part.n_organs
    none = float((count == 0).mean())
    if none >= FIRST_SHARE:
        return "No progression", f"no organ progressed in {none:.0%}"
    if by_place:
        for place, word in enumerate(PLACES[: part.order.shape[1]]):
            organ, share = _most_frequent(part, place)
            if share >= FIRST_SHARE:
                return f"{_shown(organ, display)}-{word}", f"{word.lower()} in {share:.0%}"
        return "Other-First", f"no organ holds one of the first places in {FIRST_SHARE:.0%}"
    one = float((count == 1).mean())
    if one + none >= MONO_SHARE:
        without = f", none in {none:.0%}" if none else ""
        return "Mono-Organ", f"one progressive organ in {one:.0%}{without}"
    if count.mean() >= hetero_organs:
        return "Hetero-Organ", f"{count.mean():.1f} progressive organs on average"
    organ, share = _most_frequent(part, 0)
    often = _share_of_organs(part)
    two = [i for i in np.argsort(-often, kind="stable").tolist() if often[i] >= PAIR_SHARE]
    if len(two) == 2 and share < PAIR_SHARE:
        names = sorted(str(part.organ[i]) for i in two)
        pair = "-and-".join(_shown(name, display) for name in names)
        return pair, f"both progressed, each in at least {min(often[i] for i in two):.0%}"
    if share >= FIRST_SHARE:
        return f"{_shown(organ, display)}-First", f"first in {share:.0%}"
    return "Other-First", f"no organ first in {FIRST_SHARE:.0%}; most often {organ}, {share:.0%}"


def _share_of_organs(part: Sequences) -> FloatArray:
    return np.asarray(np.isfinite(part.days).mean(axis=0))


def _most_frequent(part: Sequences, place: int) -> tuple[str, float]:
    """The organ that most have at a place, and their share; of equals the first by name."""
    if part.order.shape[1] <= place:
        return "", 0.0
    column = part.order[:, place]
    count = np.bincount(column[column >= 0], minlength=part.organ.size)
    if count.size == 0 or count.max() == 0:
        return "", 0.0
    return str(part.organ[int(count.argmax())]), float(count.max() / column.size)


def _commonest(text: np.ndarray) -> tuple[str, int]:
    names, count = np.unique(text.astype(str), return_counts=True)
    place = int(count.argmax())
    return str(names[place]), int(count[place])


def _shown(organ: str, display: Mapping[str, str]) -> str:
    """As ``display`` has it; of a lesion ('brain_cns lesion 2') the organ's name and the rest."""
    if organ in display:
        return display[organ]
    name, _, rest = organ.partition(" ")
    if rest and name in display:
        return f"{display[name]} {rest}"
    return organ.replace("_", " ").capitalize()


def _distinct(found: list[ClusterContent], display: Mapping[str, str]) -> list[ClusterContent]:
    """Clusters of one name told apart."""
    from dataclasses import replace

    def told(one: ClusterContent) -> str:
        if not one.name.startswith(("Mono", "Hetero")) or names.count(one.name) == 1:
            return one.name
        if one.first_organ_share < FIRST_SHARE:
            return f"{one.name} (mixed)"
        return f"{one.name} ({_shown(one.first_organ, display)})"

    names = [one.name for one in found]
    longer = [told(one) for one in found]
    out = []
    for c, one in enumerate(found):
        same = sorted(
            (i for i, name in enumerate(longer) if name == longer[c]),
            key=lambda i: (-found[i].n_patients, i),
        )
        number = f" {same.index(c) + 1}" if len(same) > 1 else ""
        out.append(replace(one, name=longer[c] + number))
    return out
