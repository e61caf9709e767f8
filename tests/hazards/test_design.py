"""Columns of terms, and of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from udfs.hazards import design, factor, factor_within, numeric


def test_factor_columns_against_the_chosen_reference() -> None:
    term = factor("organ", ["lung", "liver", "bone", "lung"], reference="lung")
    assert term.labels == ("bone", "liver")
    assert term.reference == "lung"
    np.testing.assert_array_equal(design(term).matrix(), [[0, 0], [0, 1], [1, 0], [0, 0]])


def test_levels_set_the_order_and_the_default_reference() -> None:
    values = pd.Series([2, 10, 1, 2])
    assert factor("line", values).labels == ("10", "2")
    assert factor("line", values, levels=[1, 2, 3, 10]).labels == ("2", "10")
    assert factor("line", values, levels=[1, 2, 3, 10]).reference == "1"


def test_flags_and_objects_are_levels_too() -> None:
    assert factor("surgery", [True, False]).labels == ("True",)
    assert factor("sex", np.array(["M", "F"], dtype=object)).labels == ("M",)


def test_effect_within_each_level_of_another_factor() -> None:
    treatment = ["chemo", "antibody", "antibody", "chemo"]
    organ = ["lung", "lung", "bone", "bone"]
    term = factor_within(
        "antibody", treatment, organ, reference="chemo", sources=("treatment", "organ")
    )
    assert term.labels == ("antibody within bone", "antibody within lung")
    whole = design(factor("organ", organ), term)
    np.testing.assert_array_equal(whole.matrix(), [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]])
    new = whole.encode({"organ": ["lung", "bone"], "treatment": ["antibody", "chemo"]})
    np.testing.assert_array_equal(new, [[1, 0, 1], [0, 0, 0]])
    with pytest.raises(ValueError, match="level 'x within bone' is not in the model"):
        whole.encode({"organ": ["bone"], "treatment": ["x"]})


def test_new_rows_are_encoded_as_the_old_ones() -> None:
    organ, age = ["lung", "liver", "bone"], [50.0, 60.0, 70.0]
    whole = design(factor("organ", organ, reference="bone"), numeric("age", age))
    np.testing.assert_array_equal(whole.encode({"organ": organ, "age": age}), whole.matrix())
    assert whole.columns == (("organ", "liver"), ("organ", "lung"), ("age", "age"))


def test_design_less_one_column() -> None:
    x = np.arange(6.0).reshape(3, 2)
    whole = design(
        factor("organ", ["a", "b", "c"]), numeric("spline", x), numeric("age", [1, 2, 4])
    )
    less = whole.less("organ", "b")
    assert less.columns == (("organ", "c"), *whole.columns[2:])
    np.testing.assert_array_equal(less.matrix(), whole.matrix()[:, 1:])
    np.testing.assert_array_equal(
        whole.less("spline", "spline[0]").matrix(), np.delete(whole.matrix(), 2, axis=1)
    )
    np.testing.assert_array_equal(whole.less("age", "age").matrix(), whole.matrix()[:, :-1])
    with pytest.raises(ValueError, match="term 'organ' has no column 'a'"):
        whole.less("organ", "a")


def test_columns_of_one_numeric_term_stay_together() -> None:
    x = np.arange(6.0).reshape(3, 2)
    whole = design(numeric("spline", x), numeric("age", [1, 2, 4]))
    assert whole.slices == {"spline": slice(0, 2), "age": slice(2, 3)}
    assert whole.without("age").columns == (("spline", "spline[0]"), ("spline", "spline[1]"))
    np.testing.assert_array_equal(whole.rows(np.array([2, 0])).matrix(), [[4, 5, 4], [0, 1, 1]])
    np.testing.assert_array_equal(whole.rows(np.array([True, False, True])).n_rows, 2)
