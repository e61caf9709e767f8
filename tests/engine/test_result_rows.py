"""Rows of a step become a table, or an error that names what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flows.columns import COUNT, FLAG, NUMBER, TEXT, table_of_rows

TYPES = {"organ": TEXT, "n": COUNT, "median": NUMBER, "is_reached": FLAG}
ROW = {"organ": "liver", "n": 3, "median": 1.5, "is_reached": True}


def test_columns_stand_in_the_order_of_their_types_and_nan_is_null() -> None:
    table = table_of_rows(
        [dict(reversed(ROW.items())), {**ROW, "n": np.int64(4), "median": math.nan}], TYPES
    )
    assert table.column_names == list(TYPES)
    assert table.to_pylist() == [ROW, {**ROW, "n": 4, "median": None}]
    lacking = {name: ROW[name] for name in ("organ", "n")}
    assert table_of_rows([lacking], TYPES).to_pylist() == [
        {**lacking, "median": None, "is_reached": None}
    ]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({**ROW, "median": "1.5 days"}, "median"),
        ({**ROW, "median": True}, "median"),
        ({**ROW, "n": 3.5}, "n"),
        ({**ROW, "n": np.True_}, "n"),
        ({**ROW, "organ": 7}, "organ"),
        ({**ROW, "is_reached": 1}, "is_reached"),
    ],
)
def test_what_does_not_fit_is_named(row: dict[str, object], named: str) -> None:
    with pytest.raises(TypeError, match=named):
        table_of_rows([ROW, row], TYPES)
