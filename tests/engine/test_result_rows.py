"""Rows of a step become a table, or an error that names what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flows.columns import COUNT, FLAG, NUMBER, TEXT, columns_of, nulls, table_of_rows

TYPES = {"organ": TEXT, "n": COUNT, "median": NUMBER, "is_reached": FLAG}
ROW = {"organ": "liver", "n": 3, "median": 1.5, "is_reached": True}


def test_columns_stand_in_the_order_of_their_types_and_nan_is_null() -> None:
    table = table_of_rows(
        [dict(reversed(ROW.items())), {**ROW, "n": np.int64(4), "median": math.nan}], TYPES
    )
    assert table.column_names == list(TYPES)
    assert table.to_pylist() == [ROW, {**ROW, "n": 4, "median": None}]
    known = {name: ROW[name] for name in ("organ", "n")}
    rows = [{**known, **nulls(("median", "is_reached"))}]
    assert table_of_rows(rows, TYPES).to_pylist() == [{**known, "median": None, "is_reached": None}]


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


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({**ROW, "medain": 2.0}, "missing: none; no column of the table: medain"),
        (
            {name: ROW[name] for name in ("organ", "n")},
            "missing: is_reached, median; no",
        ),
        (
            {"organ": "liver", "n": 1, "medain": 2.0, "is_reached": None},
            "missing: median; no .*: medain",
        ),
    ],
)
def test_a_name_too_many_or_too_few_is_an_error(row: dict[str, object], named: str) -> None:
    with pytest.raises(TypeError, match=named):
        table_of_rows([ROW, row], TYPES)


def test_a_list_of_several_tables_is_cut_to_each() -> None:
    types = {"n": COUNT, "organ": TEXT}
    rows = columns_of([ROW], types)
    assert table_of_rows(rows, types).to_pylist() == [{"n": 3, "organ": "liver"}]
    with pytest.raises(KeyError, match="size"):
        columns_of([ROW], {"size": NUMBER})
