"""The simulated lesions' known heterogeneity is found again; nothing else of the trials changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from heterogeneity.pipeline import run_node
from scipy.stats import spearmanr, ttest_ind
from sqlkit import SqlKit

from udfs.radiomics.distances import cosine_distances, heterogeneity, scale_features
from udfs.radiomics.variation import FloatArray, is_nonnegative
from udfs.simulate import simulate_mcrc
from udfs.simulate.radiomic_features import FEATURES
from udfs.simulate.radiomics import (
    LESIONS,
    MULTI,
    OLIGO,
    ORGAN_SHARE,
    choose_patients,
    draw_radiomics,
)
from udfs.simulate.sampling import Columns
from warehouse.simulate import write_numbers
from warehouse.studies import load_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    write_numbers(folder, simulate_mcrc(900, seed=20230607))
    return folder


@pytest.fixture(scope="module")
def kit(folder: Path) -> Iterator[SqlKit]:
    """The trial that has features, through the radiomic steps."""
    [features] = folder.glob("studies/*/rf.csv")
    load_study(features.parent, folder / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit() as kit:
        kit.take(folder / "raw")
        kit.build("core.patient", "core.study", "analysis.radiomic_value")
        for step in (
            *("radiomic_robustness", "radiomic_variation", "radiomic_test"),
            *("radiomic_dissimilarity", "radiomic_sampling"),
        ):
            assert run_node(kit, step) == []
        yield kit


def truth(folder: Path, name: str) -> list[dict[str, object]]:
    return pyarrow.parquet.read_table(folder / "truth" / f"radiomic_{name}.parquet").to_pylist()


def test_robust_features_and_clusters_are_found_again(kit: SqlKit, folder: Path) -> None:
    found = {
        feature: (is_kept, cluster)
        for feature, is_kept, cluster in kit.rows(
            "analysis.radiomic_robustness", "DISTINCT feature, is_kept, cluster"
        )
    }
    known = {str(row["feature"]): row for row in truth(folder, "features")}
    assert len(found) == len(known) == len(FEATURES) == 107
    assert {name for name, (kept, _) in found.items() if kept} == {
        name for name, row in known.items() if row["is_robust"]
    }
    robust = [name for name, row in known.items() if row["is_robust"]]
    assert len(robust) == 27
    for one in robust:
        for other in robust:
            together = found[one][1] == found[other][1]
            assert together == (known[one]["cluster"] == known[other]["cluster"]), (one, other)


def test_the_selected_features_are_the_published_eight(kit: SqlKit) -> None:
    selected = kit.rows("analysis.radiomic_robustness", "DISTINCT feature", "is_selected")
    assert {name.removeprefix("original_") for (name,) in selected} == {
        "firstorder_90Percentile",
        "gldm_LargeDependenceHighGrayLevelEmphasis",
        "gldm_LargeDependenceEmphasis",
        "gldm_DependenceVariance",
        "glcm_Imc1",
        "shape_Sphericity",
        "shape_Maximum2DDiameterSlice",
        "shape_VoxelVolume",
    }


def test_classes_have_as_many_features_as_pyradiomics_has() -> None:
    classes = Counter(feature.feature_class for feature in FEATURES)
    assert classes == {
        "first-order": 18, "shape": 14, "GLCM": 24, "GLRLM": 16, "GLSZM": 16, "GLDM": 14,
        "NGTDM": 5,
    }  # fmt: skip
    assert len({feature.name for feature in FEATURES}) == 107


def test_another_contour_moves_the_surface_by_a_millimetre() -> None:
    """A sphere of 20 mm has 18 or 22 mm then; 1 mm3 voxels have as much total energy as energy."""
    n, value = one_size(20.0)
    names = [feature.short_name for feature in FEATURES]
    diameter = value[names.index("shape_Maximum2DDiameterSlice")]
    for row, wanted in ((1, 18 / 20), (2, 22 / 20)):
        # Noise of a tenth of the feature's own spread (0.08): 0.008 of the logarithm.
        error = 0.008 / np.sqrt(n)
        ratio = np.log(diameter[row] / diameter[0]).mean()
        assert ratio == pytest.approx(np.log(wanted), abs=4 * error)
    energy = value[names.index("firstorder_Energy")]
    np.testing.assert_allclose(value[names.index("firstorder_TotalEnergy")], energy, rtol=1e-12)
    average = value[names.index("glcm_JointAverage")]
    np.testing.assert_allclose(value[names.index("glcm_SumAverage")], 2 * average, rtol=1e-12)


def test_values_stay_where_their_features_can_be() -> None:
    """Shares between 0 and 1, and only features that may be negative are."""
    _, value = one_size(20.0)
    for feature, x in zip(FEATURES, value, strict=True):
        if feature.scale == "share":
            assert ((x > 0) & (x < 1)).all(), feature.name
        if is_nonnegative(feature.name, feature.feature_class, feature.unit or None):
            assert (x >= 0).all(), feature.name


def test_heterogeneity_and_variation_rise_with_what_is_known(kit: SqlKit, folder: Path) -> None:
    known = {str(row["usubjid"]): float(row["heterogeneity"]) for row in truth(folder, "patients")}  # type: ignore[arg-type]
    rows = kit.query(
        "SELECT patient.usubjid, average_tumoral_heterogeneity FROM "
        "analysis.radiomic_heterogeneity JOIN core.patient USING (patient_id)"
    )
    assert len(rows) == len(known) > 40
    h = np.array([known[row[0]] for row in rows])
    # Of 43 patients a correlation of 0.39 has p of 0.01.
    assert spearmanr(h, [row[1] for row in rows]).statistic > 0.39
    # Sizes follow the diameters, whatever h is.
    cv = kit.query(
        "SELECT patient.usubjid, avg(cv_abs) FROM analysis.radiomic_variation JOIN core.patient "
        "USING (patient_id) WHERE organ = 'all' AND feature IN "
        "('original_firstorder_90Percentile', 'original_shape_Sphericity', 'original_glcm_Imc1', "
        "'original_gldm_DependenceVariance') GROUP BY ALL"
    )
    assert spearmanr([known[name] for name, _ in cv], [x for _, x in cv]).statistic > 0.39


def one_size(diameter_mm: float) -> tuple[int, FloatArray]:
    """Lesions of one size of 40 patients: how many of 43 patients, (features, segmentations, n)."""
    values, _, lesions = drawn(diameter_mm, n=80)
    shape = (-1, len(FEATURES), 3)
    return lesions, np.asarray(values["value"]).reshape(shape).transpose(1, 2, 0)


def drawn(diameter_mm: float, n: int, seed: int = 1) -> tuple[Columns, Columns, int]:
    """One trial of ``n`` patients, half of them with 4 and half with 16 lesions in two organs."""
    patients = {"patient": np.arange(n), "trial": np.zeros(n, int), "excluded": np.full(n, "")}
    counts = np.where(np.arange(n) % 2, 4, 16)
    total = counts.sum()
    lesions = {"patient": np.repeat(np.arange(n), counts), "organ": np.arange(total) % 2}
    values, known, _ = draw_radiomics(
        patients, lesions, np.full(total, diameter_mm), np.ones(total, bool),
        np.zeros(n, int), seed=seed,
    )  # fmt: skip
    return values, known, len(values["value"]) // (3 * len(FEATURES))


def test_hidden_numbers_have_the_variance_that_is_said() -> None:
    """h^2 of a variance of 1 lies within patients, three tenths of that between their organs: an
    analysis of variance by hand, of all features that follow no size.
    """
    values, known, n = drawn(20.0, 400)
    value = np.asarray(values["value"]).reshape(n, len(FEATURES), 3)[:, :, 0]
    patient = np.asarray(values["patient"]).reshape(n, -1)[:, 0]
    organ = np.asarray(values["lesion"]).reshape(n, -1)[:, 0] % 2
    found: dict[float, list[tuple[float, float]]] = {}
    for j, feature in enumerate(FEATURES):
        if feature.power or feature.same_as or feature.scale == "signed":
            continue
        z = np.log(np.abs(value[:, j] / feature.typical)) / feature.spread
        if feature.scale == "share":
            odds = feature.typical / (1 - feature.typical)
            slope = feature.spread / (1 - feature.typical)
            z = np.log(value[:, j] / (1 - value[:, j]) / odds) / slope
        for i, h in zip(known["patient"], known["heterogeneity"], strict=True):
            own = [z[(patient == i) & (organ == k)] for k in (0, 1)]
            if own[0].size == 8:
                within = np.mean([x.var(ddof=1) for x in own])
                between = (own[0].mean() - own[1].mean()) ** 2 / 2 - within / 8
                found.setdefault(float(h), []).append((float(within), float(between)))
    assert len(found) == 5
    for h, parts in found.items():
        # Clusters tie the features of a patient together: eight and the features' own parts.
        n_free = 8 * len(parts) / 80
        within, between = np.mean(parts, axis=0)
        # A mean of two variances of 8 values scatters by 38 % of itself; one of one value by 141 %.
        wanted = (1 - ORGAN_SHARE) * h**2
        assert within == pytest.approx(wanted, abs=3 * 0.38 * wanted / np.sqrt(n_free)), h
        error = 1.41 * (ORGAN_SHARE * h**2 + wanted / 8)
        assert between == pytest.approx(ORGAN_SHARE * h**2, abs=3 * error / np.sqrt(n_free)), h
    assert len(known["patient"]) == OLIGO + MULTI


def test_patients_are_those_of_the_paper_s_table() -> None:
    """43 patients with 602 lesions of a trial that can give them; the first with fewer."""
    rng = np.random.default_rng(5)
    few, many = rng.integers(2, 6, 120), rng.integers(15, 23, 60)
    n = np.concatenate([few, many, rng.integers(6, 15, 100), [0, 1, 40]])
    trial = np.zeros(n.size, int)
    chosen = choose_patients(trial, n, np.random.default_rng(1))
    multi = n[chosen][n[chosen] >= 15]
    assert n[chosen].sum() == LESIONS
    assert sorted(multi, reverse=True) == sorted(n, reverse=True)[:MULTI]
    assert ((n[chosen] >= 2) & (n[chosen] <= 5)).sum() == OLIGO
    # A second trial with one more lesion to give is the one that gives.
    both = np.concatenate([n[:50], n])
    where = np.concatenate([np.ones(50, int), trial])
    assert (where[choose_patients(where, both, np.random.default_rng(1))] == 0).all()
    small = np.array([3, 1, 8, 17, 4, 0])
    kept = choose_patients(np.zeros(6, int), small, np.random.default_rng(1))
    assert kept.tolist() == [0, 2, 3, 4]


def test_both_indices_rise_with_the_known_heterogeneity() -> None:
    """Of patients with 16 lesions, over 12 simulations: the most alike below the least alike."""
    robust = [j for j, f in enumerate(FEATURES) if f.is_robust and not f.power]
    found: dict[float, list[tuple[float, float]]] = {}
    for seed in range(12):
        values, known, n = drawn(20.0, 80, seed)
        value = np.asarray(values["value"]).reshape(n, len(FEATURES), 3)[:, robust, 0]
        patient = np.asarray(values["patient"]).reshape(n, -1)[:, 0]
        scaled = scale_features(value)
        for i, h, n_lesions in zip(*known.values(), strict=True):
            if n_lesions == 16:
                index = heterogeneity(cosine_distances(scaled[patient == i]), 16)
                found.setdefault(float(h), []).append((index.average, index.maximum))
    for k in (0, 1):
        alike, unlike = (np.array(found[h])[:, k] for h in (0.15, 0.55))
        assert ttest_ind(unlike, alike, alternative="greater").pvalue < 0.001, k


@pytest.mark.slow
def test_the_published_numbers_are_there_at_full_size() -> None:
    numbers = simulate_mcrc(has_habits=True, has_markers=True, has_messages=True)
    known = numbers.truth_radiomic_patients
    assert len(known["patient"]) == OLIGO + MULTI
    assert known["n_lesions"].sum() == LESIONS
    assert len(numbers.radiomics["value"]) == LESIONS * len(FEATURES) * 3
    is_brain = numbers.lesions["organ"][numbers.radiomics["lesion"]] == "brain_cns"
    assert not is_brain.any()
    # One acquisition of each patient.
    for i in known["patient"]:
        own = numbers.radiomics["patient"] == i
        assert len(set(numbers.radiomics["day"][own])) == 1


def test_what_the_strategies_recover_follows_from_the_definition(kit: SqlKit) -> None:
    """Averaged over pairs all, as published (k - 1) / k, to three Monte Carlo errors."""
    for definition, wanted in (("pairs", {2: 1, 3: 1}), ("published", {2: 1 / 2, 3: 2 / 3})):
        for k, share in wanted.items():
            [(mean, error, n)] = kit.rows(
                "analysis.radiomic_recovery_summary",
                "recovered_mean, recovered_mean_se, n_patients",
                f"definition = '{definition}' AND n_lesions = {k} "
                "AND index = 'average_tumoral_heterogeneity'",
            )
            assert n > 40
            of_two = 0.0
            if definition == "published" and k == 3:
                # Patients with two lesions show both of them: 1/2, not 2/3.
                [(two,)] = kit.query(
                    "SELECT avg(CAST(n_lesions = 2 AS DOUBLE)) FROM "
                    "analysis.radiomic_heterogeneity WHERE n_lesions >= 2"
                )
                of_two = two * (1 / 2 - 2 / 3)
            assert mean == pytest.approx(share + of_two, abs=max(3 * error, 1e-9))


def test_the_other_numbers_do_not_depend_on_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """With other features (another stream of random numbers) every other table is the same."""
    import udfs.simulate.radiomics as module

    one = simulate_mcrc(60, seed=4)
    monkeypatch.setattr(module, "STREAM", 99)
    other = simulate_mcrc(60, seed=4)
    assert (one.radiomics["value"] != other.radiomics["value"]).any()
    for name in vars(one):
        if name not in ("radiomics", "truth_radiomic_patients", "preset", "tumor_type", "seed"):
            for column, values in getattr(one, name).items():
                np.testing.assert_array_equal(values, getattr(other, name)[column])


def test_the_smallest_cohorts_have_features_too() -> None:
    numbers = simulate_mcrc(1, seed=2)
    assert len(numbers.truth_radiomic_patients["patient"]) <= 1
    assert len(numbers.radiomics["value"]) % (3 * len(FEATURES)) == 0
