"""Tables of the step ``progression_cluster``: names, grains and columns."""

from __future__ import annotations

from warehouse.declarations import declared

NO_PROGRESSION = "No progression"
"""Name of level 0."""
SUBSET = (
    "all; where there are several tumor types, each by itself; and of each the second round, "
    "hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs"
)
KEYS = {
    "subset": SUBSET,
    "encoding": "timed or published: the setting sequences.encoding",
}

CHOICE = declared("analysis.progression_cluster_choice")
MEMBER = declared("analysis.progression_cluster_member")
CLUSTER = declared("analysis.progression_cluster")
CONTENT = declared("analysis.progression_cluster_content")
LANDMARK = declared("analysis.progression_landmark")
TABLES = (CHOICE, MEMBER, CLUSTER, CONTENT, LANDMARK)
