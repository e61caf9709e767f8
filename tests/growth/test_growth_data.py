"""What the checks of the data let through, set aside and say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from udfs.growth import GrowthData, GrowthDataError


def two_scans(**changes) -> dict[str, list]:
    """Lesions 1 and 2 with two scans each."""
    rows = {
        "lesion": [1, 1, 2, 2],
        "time": [-5.0, 40.0, -3.0, 45.0],
        "volume": [1000.0, 800.0, 2000.0, 2500.0],
        "v0": [1000.0, 1000.0, 2000.0, 2000.0],
        "t0": [-5.0, -5.0, -3.0, -3.0],
    }
    return rows | changes


def reasons(data: GrowthData) -> dict[object, str]:
    """Reason id per lesion set aside."""
    return dict(zip(data.set_aside.lesion.tolist(), data.set_aside.reason_id.tolist(), strict=True))


def test_baselines_default_to_each_lesions_first_row():
    rows = two_scans()
    given = GrowthData.from_arrays(**rows)
    found = GrowthData.from_arrays(rows["lesion"], rows["time"], rows["volume"])
    np.testing.assert_array_equal(found.v0, given.v0)
    np.testing.assert_array_equal(found.t0, given.t0)
    np.testing.assert_array_equal(found.is_own_baseline, [True, False, True, False])


def test_order_of_rows_does_not_matter():
    rows = two_scans()
    turned = {name: values[::-1] for name, values in rows.items()}
    a, b = GrowthData.from_arrays(**rows), GrowthData.from_arrays(**turned)
    for name in ("lesion", "offsets", "time", "volume", "v0", "t0"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(b.source_row, [3, 2, 1, 0])


def test_censoring_codes_become_bounds():
    rows = two_scans(volume=[1000.0, 200.0, 2000.0, 9000.0])
    data = GrowthData.from_arrays(
        **rows, censoring=[0, 1, 0, -1], limit=[np.nan, 0, np.nan, np.nan]
    )
    np.testing.assert_array_equal(data.lower, [1000, 0, 2000, 9000])
    np.testing.assert_array_equal(data.upper, [1000, 200, 2000, np.inf])
    open_below = GrowthData.from_arrays(**rows, censoring=[0, 1, 0, 0])
    assert open_below.lower[1] == -np.inf


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"volume": [1000.0, -3.0, 2000.0, 2500.0]}, "negative_volume"),
        ({"time": [-5.0, np.nan, -3.0, 45.0]}, "one_observation"),
        ({"time": [np.nan, np.nan, -3.0, 45.0]}, "no_day"),
        ({"volume": [np.nan, np.nan, 2000.0, 2500.0]}, "no_volume"),
        ({"time": [-5.0, -5.0, -3.0, 45.0]}, "duplicated_day"),
        ({"v0": [0.0, 0.0, 2000.0, 2000.0]}, "no_baseline"),
        ({"v0": [np.nan, np.nan, 2000.0, 2000.0]}, "no_baseline"),
        ({"v0": [1000.0, 900.0, 2000.0, 2000.0]}, "varying_baseline"),
        ({"censoring": [1, 1, 0, 0]}, "all_censored"),
        ({"censoring": [0, 1, 0, 0], "limit": [np.nan, 900.0, 0, 0]}, "impossible_censoring"),
    ],
)
def test_a_bad_lesion_is_set_aside_with_its_reason(changes: dict, reason: str):
    data = GrowthData.from_arrays(**two_scans(**changes))
    assert reasons(data) == {1: reason}
    assert data.lesion.tolist() == [2]


def test_equal_rows_are_collapsed_unless_duplicates_are_kept():
    rows = {name: [*values, values[1]] for name, values in two_scans().items()}
    assert GrowthData.from_arrays(**rows).n_rows == 4
    assert GrowthData.from_arrays(**rows, duplicated_days="keep").n_rows == 5


def test_a_baseline_day_alone_says_which_row_is_the_baseline():
    rows = {
        "lesion": [1, 1, 1, 2, 2, 2, 3, 3],
        "time": [-40.0, -5.0, 40.0, -30.0, -3.0, 45.0, -9.0, 50.0],
        "volume": [800.0, 1000.0, 1500.0, 1800.0, 2000.0, 2500.0, 900.0, 950.0],
        "t0": [-5.0] * 3 + [-3.0] * 3 + [0.0] * 2,
    }
    data = GrowthData.from_arrays(**rows)
    assert data.v0.tolist() == [1000.0, 2000.0]
    assert not data.has_contradictory_baseline.any()
    assert reasons(data) == {3: "no_baseline"}


def test_contradictory_baseline_is_noted_or_set_aside():
    rows = two_scans(v0=[700.0, 700.0, 2000.0, 2000.0])
    kept = GrowthData.from_arrays(**rows)
    assert kept.has_contradictory_baseline.tolist() == [True, False]
    assert not kept.is_own_baseline[:2].any()
    assert "not the volume" in " ".join(kept.notes)
    aside = GrowthData.from_arrays(**rows, contradictory_baseline="set_aside")
    assert reasons(aside) == {1: "contradictory_baseline"}


def test_times_in_weeks_or_years_are_noticed():
    rows = two_scans(
        time=[-5 / 365, 40 / 365, -3 / 365, 45 / 365], t0=[-5 / 365] * 2 + [-3 / 365] * 2
    )
    assert "Times must be in days" in " ".join(GrowthData.from_arrays(**rows).notes)


@pytest.mark.parametrize(("days", "is_odd"), [(6, True), (42, False), (365, False), (1008, True)])
def test_six_weeks_in_weeks_or_hours_are_noticed(days: int, is_odd: bool):
    rows = two_scans(time=[-5.0, days - 5, -3.0, days - 3])
    notes = " ".join(GrowthData.from_arrays(**rows).notes)
    assert (f"between scans is {days} days" in notes) is is_odd


def test_rows_that_do_not_count_are_noted():
    rows = {name: [*values, values[1], values[1]] for name, values in two_scans().items()}
    rows["volume"][5] = np.nan
    data = GrowthData.from_arrays(**rows)
    assert data.n_rows == 4
    assert data.notes[:2] == (
        "1 row(s) without a day or a volume do not count",
        "1 row(s) that repeat another one count once",
    )


@pytest.mark.parametrize("none", [None, np.nan, pd.NA, ""])
@pytest.mark.parametrize("name", ["lesion", "patient"])
def test_a_missing_id_is_no_id(name: str, none: object):
    rows = two_scans() | {"patient": ["p", "p", "nan", "nan"]}
    GrowthData.from_arrays(**rows)
    rows[name] = np.array(["p", none, "q", "q"], dtype=object)
    with pytest.raises(GrowthDataError, match=f"{name} is missing in row 2"):
        GrowthData.from_arrays(**rows)


@pytest.mark.parametrize("name", ["contradictory_baseline", "duplicated_days"])
def test_an_unknown_option_is_refused(name: str):
    with pytest.raises(ValueError, match=f"{name} = 'drop' is not possible"):
        GrowthData.from_arrays(**two_scans(), **{name: "drop"})


def test_text_in_a_column_of_numbers_is_named():
    rows = two_scans(volume=["1000", "1,5", "2000", "2500"])
    rows["lesion_id"] = rows.pop("lesion")
    for source in (rows, pd.DataFrame(rows)):
        with pytest.raises(GrowthDataError, match="column 'volume' is not numeric"):
            GrowthData.from_frame(source)


def test_baselines_after_the_first_dose_are_noticed():
    rows = two_scans(time=[5.0, 40.0, 3.0, 45.0], t0=[5.0, 5.0, 3.0, 3.0])
    assert "is day 0 the first dose" in " ".join(GrowthData.from_arrays(**rows).notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lesion": [1, 2, 3, 4]}, "4 lesions: measured once only"),
        ({"censoring": [1, 1, 1, 1]}, "2 lesions: every measurement is censored"),
        ({"time": [np.nan] * 4}, "2 lesions: no measurement has a day"),
        ({"censoring": [0, 2, 0, 0]}, "censoring is 2 in row 2"),
        ({"volume": ["a", "b", "c", "d"]}, "volume is not numeric"),
        ({"time": [0.0, 1.0]}, "time has shape"),
    ],
)
def test_unusable_data_give_one_clear_message(changes: dict, message: str):
    with pytest.raises(GrowthDataError, match=message):
        GrowthData.from_arrays(**two_scans(**changes))


def test_covariates_are_one_value_per_lesion():
    rows = two_scans()
    data = GrowthData.from_arrays(**rows, covariates={"organ": ["liver", "liver", "lung", "lung"]})
    assert data.covariates["organ"].tolist() == ["liver", "lung"]
    with pytest.raises(GrowthDataError, match="organ is lung in row 2 but liver"):
        GrowthData.from_arrays(**rows, covariates={"organ": ["liver", "lung", "lung", "lung"]})


def test_some_lesions_can_be_taken():
    data = GrowthData.from_arrays(**two_scans())
    second = data.take([1])
    assert second.lesion.tolist() == [2]
    np.testing.assert_array_equal(second.volume, [2000, 2500])
    np.testing.assert_array_equal(second.offsets, [0, 2])


def test_a_data_frame_or_a_mapping_of_columns_will_do():
    rows = two_scans(volume=[1000.0, 200.0, 2000.0, 2500.0])
    extra = {"censoring": [0, 1, 0, 0], "limit": [np.nan, 0.0, np.nan, np.nan]}
    plain = GrowthData.from_arrays(**rows, **extra, patient=["p", "p", "q", "q"])
    columns = rows | extra | {"patient_id": ["p", "p", "q", "q"]}
    columns["lesion_id"] = columns.pop("lesion")
    frame = pd.DataFrame(columns).astype({"censoring": "Int64", "limit": "Float64"})
    frame["organ"] = ["liver", "liver", "lung", "lung"]
    for source in (frame, frame.to_dict("list")):
        found = GrowthData.from_frame(source, covariates=["organ"])
        for name in ("lesion", "time", "volume", "lower", "upper", "v0", "t0", "patient"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
        assert found.covariates["organ"].tolist() == ["liver", "lung"]
    with pytest.raises(GrowthDataError, match="no column 'DV'; the columns are"):
        GrowthData.from_frame(frame, volume="DV")
