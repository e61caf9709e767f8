"""Tables as compact text: read back by a reader written apart, they are what went in."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.blocks import read_block

from warehouse.report.encode import SINGLE_PRECISION, encode


def back(values: list[Any], kind: pa.DataType | None = None) -> list[Any]:
    return read_block(encode(pa.table({"x": pa.array(values, kind)}), {}))["x"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], pa.int64()),
        ([None, None], pa.float64()),
        ([3, None, -7, 2**31 - 1], pa.int64()),
        ([True, None, False], pa.bool_()),
        (["b", None, "a", "b", "ä <script>"], pa.string()),
        ([f"word {number}" for number in range(40_000)], pa.string()),
        ([f"word {number}" for number in range(300)], pa.string()),
        ([0.5, None, -2.0, 0.0], pa.float64()),
    ],
    ids=["none", "nulls", "whole", "flags", "text", "many words", "some words", "halves"],
)
def test_values_come_back(values: list[Any], kind: pa.DataType) -> None:
    assert back(values, kind) == values


def test_numbers_too_small_for_four_bytes_are_kept_in_eight() -> None:
    assert back([1e-300, 0.25, None]) == [1e-300, 0.25, None]


def test_whole_numbers_too_large_for_four_bytes_are_kept() -> None:
    assert back([2**40, 1], pa.int64()) == [2.0**40, 1.0]


def test_dates_become_text_and_decimals_numbers() -> None:
    assert back([date(2026, 11, 20), None]) == ["2026-11-20", None]
    assert back([Decimal("1.50")]) == [1.5]


@given(st.lists(st.none() | st.floats(-1e30, 1e30)))
def test_numbers_keep_six_significant_digits(values: list[float | None]) -> None:
    for given_value, found in zip(values, back(values, pa.float64()), strict=True):
        if given_value is None:
            assert found is None
        else:
            # The bound that the encoder states: half a unit in the last place of a 4-byte float.
            assert math.isclose(found, given_value, rel_tol=SINGLE_PRECISION)


@given(st.lists(st.none() | st.integers(-(2**31) + 1, 2**31 - 1)))
def test_whole_numbers_come_back_exactly(values: list[int | None]) -> None:
    assert back(values, pa.int64()) == values
