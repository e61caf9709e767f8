"""Coefficients of variation, and their refusal on standardised features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from udfs.radiomics.variation import (
    CENTRED_REASON,
    NEGATIVE_REASON,
    StandardisedFeatureError,
    coefficient_of_variation,
    is_nonnegative,
    refuse_standardised,
    standardised,
    variation_within,
)

# apply(x, 2, function(v) sd(v) / abs(mean(v))) in R 4.2
R_COLUMNS = {
    0.561038980549527: [1, 2, 3, 4, 5, 6.5],
    0.606636837104464: [4.9, 1.2, 4.4, 1.8, 7.7, 3.3],
    0.543349045206133: [-1, -2.2, -2.9, -4.1, -5.2, -6.3],
}
ROUNDING = 1e-13
"""Sums of six numbers in another order."""


def test_by_hand() -> None:
    """1 to 5: mean 3, variance 10 / 4."""
    assert coefficient_of_variation([1, 2, 3, 4, 5]) == pytest.approx(np.sqrt(2.5) / 3, rel=1e-14)


@pytest.mark.parametrize(("wanted", "values"), R_COLUMNS.items())
def test_as_in_r(wanted: float, values: list[float]) -> None:
    assert coefficient_of_variation(values) == pytest.approx(wanted, rel=ROUNDING)


def test_groups_as_pandas_has_them() -> None:
    rng = np.random.default_rng(5)
    group = rng.integers(0, 12, 200)
    values = rng.normal(3, 2, 200)
    values[rng.random(200) < 0.2] = np.nan
    found = variation_within(values, group)
    by = pd.Series(values).groupby(group)
    np.testing.assert_array_equal(found.n, by.count())
    np.testing.assert_allclose(found.cv_abs, (by.std() / by.mean()).abs(), rtol=ROUNDING)


def test_one_value_a_mean_of_0_and_left_out_rows() -> None:
    found = variation_within([4.0, -1, 1, 9, np.nan], [2, 5, 5, -1, 7])
    np.testing.assert_array_equal(found.group, [2, 5, 7])
    np.testing.assert_array_equal(found.n, [1, 2, 0])
    assert np.isnan(found.cv_abs).all()


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) values in \(2,\) groups"):
        variation_within([1.0, 2, 3], [0, 0])


@pytest.mark.parametrize("divisor", [0, 1])
def test_a_z_scored_column_is_refused(divisor: int) -> None:
    x = np.random.default_rng(1).lognormal(size=60)
    z = (x - x.mean()) / x.std(ddof=divisor)
    assert standardised(z) == standardised(np.round(z, 3)) == CENTRED_REASON
    with pytest.raises(StandardisedFeatureError, match="before standardising") as raised:
        coefficient_of_variation(z, name="glcm_Contrast")
    assert "glcm_Contrast has no coefficient of variation" in str(raised.value)


def test_a_centred_column_of_any_scale_is_refused() -> None:
    x = np.random.default_rng(1).lognormal(3, 1, size=60)
    assert standardised(x - x.mean()) == CENTRED_REASON


def test_part_of_a_standardised_table_is_told_by_a_negative_volume() -> None:
    x = np.random.default_rng(1).lognormal(size=60)
    part = ((x - x.mean()) / x.std())[:12]
    assert standardised(part) is None
    assert standardised(part, is_nonnegative=True) == NEGATIVE_REASON
    with pytest.raises(StandardisedFeatureError, match="cannot be"):
        refuse_standardised(part, name="volume_mm3", is_nonnegative=True)


def test_measurements_are_not_refused() -> None:
    rng = np.random.default_rng(3)
    skewness = rng.normal(0.1, 0.5, 300)  # may be negative, and its mean is near 0
    assert standardised(skewness) is None
    assert standardised(rng.lognormal(size=300), is_nonnegative=True) is None
    assert standardised([5.0, 5, 5]) is None


@pytest.mark.parametrize(
    ("feature", "feature_class", "unit", "wanted"),
    [
        ("original_shape_VoxelVolume", "shape", "mm3", True),
        ("original_glcm_Contrast", "GLCM", None, True),
        ("original_glcm_Imc1", "GLCM", None, False),
        ("original_firstorder_Skewness", "first-order", None, False),
        ("original_firstorder_Mean", "first-order", None, False),
        ("original_firstorder_Energy", "first-order", None, True),
        ("malignancy", "other", None, False),
        ("volume_mm3", "shape", "mm3", True),
    ],
)
def test_features_that_cannot_be_negative(
    feature: str, feature_class: str, unit: str | None, wanted: bool
) -> None:
    assert is_nonnegative(feature, feature_class, unit) is wanted


def test_fewer_than_two_values() -> None:
    with pytest.raises(ValueError, match="1 values; a coefficient of variation needs two"):
        coefficient_of_variation([3.0, np.nan])
