"""A made-up study whose radiomic tables were worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from heterogeneity.pipeline import run_node
from sqlkit import SqlKit

# patient: lesion: organ, volume, texture, skewness
LESIONS = {
    "1": {"A": ("LIVER", 100, 5, 1.0), "B": ("LIVER", 300, 7, -1.0), "C": ("LUNG", 200, 9, 0.4)},
    "2": {"A": ("LIVER", 150, 4, 0.5), "B": ("BONE", 50, 8, 0.5)},
    "3": {"A": ("LUNG", 220, 6, -0.2)},
}
NAMES = ("original_shape_VoxelVolume", "original_glcm_Contrast", "original_firstorder_Skewness")
# What another contour makes of them: the skewness becomes another number altogether.
ERODED = (lambda x: 0.9 * x, lambda x: x + 0.1, lambda x: 0.3 - x)


@pytest.fixture(scope="module")
def kit() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1", day_convention="zero_based")
        for patient, lesions in LESIONS.items():
            kit.subject(patient)
            for label, (organ, *values) in lesions.items():
                kit.lesion(label, "NON-TARGET", usubjid=patient, tuloc=organ)
                for name, value, eroded in zip(NAMES, values, ERODED, strict=True):
                    for segmentation, shown in (("original", value), ("eroded", eroded(value))):
                        kit.add("rf", {
                            "usubjid": patient, "rflnkid": label, "rftestcd": name,
                            "rforres": str(shown), "rfsegm": segmentation, "rfdy": "0",
                            "rfallfl": "Y",
                        })  # fmt: skip
        kit.build("core.patient", "core.study", "analysis.radiomic_value")
        for step in (
            *("radiomic_robustness", "radiomic_variation", "radiomic_test"),
            *("radiomic_dissimilarity", "radiomic_sampling"),
        ):
            assert run_node(kit, step) == []
        yield kit


def column(place: int) -> np.ndarray:
    return np.array([row[place] for lesions in LESIONS.values() for row in lesions.values()], float)


def test_robust_and_selected_features(kit: SqlKit) -> None:
    found = {
        row[0]: row[1:]
        for row in kit.rows(
            "analysis.radiomic_robustness", "feature, comparison, reference, ccc, is_kept, reason"
        )
    }
    for place, name in enumerate(NAMES, 1):
        x, y = column(place), ERODED[place - 1](column(place))
        ccc = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        assert found[name][:2] == ("eroded", "original")
        assert found[name][2] == pytest.approx(ccc, rel=1e-12)
    assert [found[name][3] for name in NAMES] == [True, True, False]
    assert found[NAMES[2]][4] == "not robust: eroded"


def test_variation_by_hand(kit: SqlKit) -> None:
    """Patient 1: 100, 300, 200: mean 200, sd 100; in the liver 100, 300: sd 141.4."""
    rows = {
        row[:2]: row[2:]
        for row in kit.rows(
            "analysis.radiomic_variation",
            "patient_id, organ, cv_abs, n_lesions, null_reason",
            f"feature = '{NAMES[0]}'",
        )
    }
    assert rows["s1/1", "all"] == (pytest.approx(0.5), 3, None)
    assert rows["s1/1", "liver"] == (pytest.approx(np.sqrt(2) / 2), 2, None)
    assert rows["s1/3", "all"] == (None, 1, "fewer than two lesions")
    assert set(rows) == {("s1/1", "all"), ("s1/1", "liver"), ("s1/2", "all"), ("s1/3", "all")}


def test_a_mean_of_0_is_told(kit: SqlKit) -> None:
    """Liver lesions of patient 1 have skewness 1 and -1."""
    assert kit.rows(
        "analysis.radiomic_variation",
        "cv_abs, null_reason",
        f"patient_id = 's1/1' AND organ = 'liver' AND feature = '{NAMES[2]}'",
    ) == [(None, "the mean is 0")]


def test_distances_and_indices_by_hand(kit: SqlKit) -> None:
    z = np.column_stack([column(place) for place in (1, 2)])
    z = (z - z.mean(axis=0)) / z.std(axis=0, ddof=1)

    def distance(i: int, j: int) -> float:
        return float(1 - z[i] @ z[j] / np.sqrt((z[i] @ z[i]) * (z[j] @ z[j])))

    wanted = [distance(0, 1), distance(0, 2), distance(1, 2)]
    found = kit.rows(
        "analysis.radiomic_dissimilarity",
        "lesion_id, other_lesion_id, cosine_distance, compared",
        "patient_id = 's1/1'",
    )
    assert [row[2] for row in found] == pytest.approx(wanted, rel=1e-12)
    assert {row[3] for row in found} == {"lesions"}
    [(average, maximum, n, features, exhaustive)] = kit.rows(
        "analysis.radiomic_heterogeneity",
        "average_tumoral_heterogeneity, maximal_tumoral_divergence, n_lesions, n_features, "
        "is_exhaustive",
        "patient_id = 's1/1'",
    )
    assert (average, maximum) == pytest.approx((np.mean(wanted), max(wanted)), rel=1e-12)
    assert (n, features, exhaustive) == (3, 2, True)


def test_sampling_of_the_largest_uses_the_volume(kit: SqlKit) -> None:
    """No diameter is known; B (300) and C (200) are patient 1's largest."""
    [(distance,)] = kit.rows(
        "analysis.radiomic_dissimilarity",
        "cosine_distance",
        "lesion_id = 's1/1/-/B' AND other_lesion_id = 's1/1/-/C'",
    )
    [(average,)] = kit.rows(
        "analysis.radiomic_heterogeneity", "average_tumoral_heterogeneity", "patient_id = 's1/1'"
    )
    assert kit.rows(
        "analysis.radiomic_sampling",
        "recovered_mean, is_published",
        "patient_id = 's1/1' AND strategy = 'largest 2' AND definition = 'pairs' "
        "AND index = 'average_tumoral_heterogeneity'",
    ) == [(pytest.approx(distance / average), False)]
    assert kit.rows("analysis.radiomic_sampling", "count(*)", "strategy = 'target'") == [(0,)]
    published = kit.rows("analysis.radiomic_sampling", "DISTINCT strategy", "is_published")
    assert len(published) == 6


def test_every_figure_is_filled(kit: SqlKit) -> None:
    for figure in ("variation", "features", "lesions", "sampling", "recovery"):
        kit.build_one(f"mart.fig_radiomic_{figure}")
        [(n,)] = kit.query(f"SELECT count(*) FROM mart.fig_radiomic_{figure}")
        assert n > 0, figure
    assert kit.query(
        "SELECT count(*), count(DISTINCT row_place), max(cosine_distance) FILTER (lesion_id = "
        "other_lesion_id) FROM mart.fig_radiomic_lesions WHERE patient_id = 's1/1'"
    ) == [(9, 3, 0.0)]


def test_who_was_not_segmented_whole_is_left_out_with_a_word(kit: SqlKit) -> None:
    kit.connection.execute("CREATE OR REPLACE TABLE kept AS FROM analysis.radiomic_heterogeneity")
    kit.connection.execute(
        "UPDATE analysis.radiomic_heterogeneity SET is_exhaustive = FALSE WHERE patient_id = 's1/2'"
    )
    [note] = run_node(kit, "radiomic_sampling")
    assert "s1: 1 patients with two radiomic lesions or more are not in the sampling" in note
    assert kit.rows("analysis.radiomic_sampling", "DISTINCT patient_id") == [("s1/1",)]
    kit.connection.execute("CREATE OR REPLACE TABLE analysis.radiomic_heterogeneity AS FROM kept")
    run_node(kit, "radiomic_sampling")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [("ccc_threshold", 2.0, "not robust: eroded"), ("cluster_distance", 2.0, None)],
)
def test_settings_change_what_is_selected(
    kit: SqlKit, setting: str, value: Any, reason: str | None
) -> None:
    """Nothing is robust above 1; at a distance of 2 all features are one cluster."""
    notes = run_node(kit, "radiomic_robustness", **{f"radiomics__{setting}": value})
    rows = kit.rows("analysis.radiomic_robustness", "is_selected, reason")
    if reason:
        assert {row[1] for row in rows} == {reason}
        assert "none of 3 radiomic features is kept" in notes[0]
        assert run_node(kit, "radiomic_dissimilarity") == []
        assert kit.rows("analysis.radiomic_heterogeneity", "DISTINCT null_reason") == [
            ("no feature is selected",)
        ]
        assert kit.rows("analysis.radiomic_dissimilarity") == []
        assert run_node(kit, "radiomic_sampling") == []
    else:
        assert sum(row[0] for row in rows) == 1
    for step in ("radiomic_robustness", "radiomic_dissimilarity", "radiomic_sampling"):
        assert run_node(kit, step) == []


def test_an_empty_warehouse_has_empty_tables() -> None:
    with SqlKit() as kit:
        kit.build("core.patient", "core.study", "analysis.radiomic_value")
        for step in (
            *("radiomic_robustness", "radiomic_variation", "radiomic_test"),
            *("radiomic_dissimilarity", "radiomic_sampling"),
        ):
            assert run_node(kit, step) == []
        assert kit.rows("analysis.radiomic_sampling_summary") == []
