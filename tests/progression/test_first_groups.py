"""Groups by the first progressive organ."""

from __future__ import annotations

import pandas as pd

from flows.steps.progression.parts.groups import _first_groups


def test_the_organ_other_makes_no_second_group_of_that_name() -> None:
    """Three patients progress first in "other", more than in the liver: one key stood twice."""
    first = ["other", "other", "other", "liver", "liver", "bone", "lung", "lung", None]
    rows = pd.DataFrame({"first_organ": first})
    display = {"other": "Other", "liver": "Liver", "bone": "Bone", "lung": "Lung"}
    groups, names = _first_groups(rows, display)
    assert names == ["none yet", "Other first", "Liver first", "Lung first"]
    assert list(groups) == [
        *["Other first"] * 3, *["Liver first"] * 2, "Other first", *["Lung first"] * 2, "none yet",
    ]  # fmt: skip
