"""Class and unit of features; which values are compared: day, segmentation, region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlkit import SqlKit


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        kit.subject("1")
        yield kit


def feature(kit: SqlKit, label: str, value: Any, day: int = 0, **more: Any) -> None:
    row = {"usubjid": "1", "rflnkid": label, "rftestcd": "f", "rforres": str(value)}
    kit.add("rf", {**row, "rfdy": str(day), **more})


# name, class and unit that the source states, class and unit wanted
FEATURES = [
    ("original_firstorder_90Percentile", None, None, ("first-order", None)),
    ("wavelet-LLL_ngtdm_Strength", None, None, ("NGTDM", None)),
    ("original_shape_VoxelVolume", None, None, ("shape", "mm3")),
    ("original_shape_Maximum2DDiameterSlice", None, None, ("shape", "mm")),
    ("original_shape_SurfaceVolumeRatio", None, None, ("shape", "1/mm")),
    ("original_shape_Sphericity", None, None, ("shape", "1")),
    ("original_shape2D_Perimeter", None, None, ("shape", None)),
    ("mirp_gldm_lde", None, None, ("GLDM", None)),
    ("surface_mm2", None, None, ("shape", "mm2")),
    ("Contrast", "glcm", None, ("GLCM", None)),
    ("Mean", "First Order", "HU", ("first-order", "HU")),
    ("Layer7", "deep features", None, ("other", None)),
    ("malignancy", None, None, ("other", None)),
    ("shapeless_thing", None, None, ("other", None)),
]


def test_class_and_unit(kit: SqlKit) -> None:
    for name, stated, unit, _ in FEATURES:
        feature(kit, "T1", 1, rftestcd=name, rfcat=stated, rforresu=unit)
    kit.build("core.radiomic_feature")
    found = {
        name: shown
        for name, *shown in kit.rows("core.radiomic_feature", "feature, feature_class, unit")
    }
    assert found == {name: list(wanted) for name, _, _, wanted in FEATURES}


def test_what_is_no_measurement_is_quarantined(kit: SqlKit) -> None:
    """The largest double is what some programs write where a feature could not be computed."""
    values = ("1.7976931348623157e+308", "-1e100", "inf", "nan", "high", "9e99", "-1e-200")
    for i, value in enumerate(values):
        feature(kit, f"T{i}", value)
    kit.build("staging.lesion_feature_screen")
    found = dict(kit.rows("staging.lesion_feature_screen", "value_raw, reason_id"))
    wrong = dict.fromkeys(values[:5], "not_a_number")
    assert found == {**wrong, **dict.fromkeys(values[5:], "kept")}


def test_lesions_are_compared_on_the_day_before_treatment_that_has_most(kit: SqlKit) -> None:
    """Day 60 has most lesions but lies after the first dose; day -20 has more than day -5."""
    for label, days in {"T1": (-20, -5, 60), "T2": (-20, 60), "T3": (60,)}.items():
        for day in days:
            feature(kit, label, day, day)
    kit.build("analysis.radiomic_value")
    rows = kit.rows("analysis.radiomic_value", "lesion_id, day, value")
    assert rows == [("s1/1/-/T1", -20, -20.0), ("s1/1/-/T2", -20, -20.0)]


def test_of_days_with_as_many_lesions_the_nearest_to_the_first_dose(kit: SqlKit) -> None:
    for day in (-30, -4):
        feature(kit, "T1", day, day)
    kit.build("analysis.radiomic_value")
    assert kit.rows("analysis.radiomic_value", "day") == [(-4,)]


def test_a_patient_seen_only_later_counts_on_the_day_with_most(kit: SqlKit) -> None:
    for label, day in (("T1", 40), ("T1", 80), ("T2", 80)):
        feature(kit, label, day, day)
    kit.build("analysis.radiomic_value")
    assert kit.rows("analysis.radiomic_value", "lesion_id, day") == [
        ("s1/1/-/T1", 80), ("s1/1/-/T2", 80),
    ]  # fmt: skip


def test_reference_segmentation_and_region(kit: SqlKit) -> None:
    """No 'original' and no 'whole' here: the ones with most lesions count, by name where even."""
    for label, readers in {"T1": ("r2", "r1"), "T2": ("r2", "r3")}.items():
        for reader in readers:
            feature(kit, label, 1, rfsegm=reader, rfregion="core")
    feature(kit, "T1", 1, rfsegm="r2", rfregion="rim")
    kit.build("analysis.radiomic_value")
    shown = "DISTINCT segmentation, is_reference_segmentation"
    assert kit.rows("analysis.radiomic_value", shown) == [
        ("r1", False), ("r2", True), ("r3", False),
    ]  # fmt: skip
    assert kit.rows("analysis.radiomic_value", "DISTINCT region, is_reference_region") == [
        ("core", True), ("rim", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "wanted"), [(("Y", "Y"), True), (("Y", None), True), (("Y", "N"), False),
                          ((None, None), False)]
)  # fmt: skip
def test_exhaustive_is_what_the_source_says(
    kit: SqlKit, flags: tuple[Any, ...], wanted: bool
) -> None:
    for number, flag in enumerate(flags):
        feature(kit, f"T{number}", 1, rfallfl=flag)
    kit.build("analysis.radiomic_value")
    assert kit.rows("analysis.radiomic_value", "DISTINCT is_exhaustive") == [(wanted,)]
