"""The simulated lesions' known heterogeneity is found again; nothing else of the trials changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from heterogeneity.pipeline import run_node
from scipy.stats import spearmanr
from sqlkit import SqlKit

from udfs.simulate import simulate_mcrc
from udfs.simulate.radiomics import BETWEEN, FEATURES, MULTI, OLIGO, draw_radiomics
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
    assert len(found) == len(known) == len(FEATURES)
    assert {name for name, (kept, _) in found.items() if kept} == {
        name for name, row in known.items() if row["is_robust"]
    }
    robust = [name for name, row in known.items() if row["is_robust"]]
    for one in robust:
        for other in robust:
            together = found[one][1] == found[other][1]
            assert together == (known[one]["cluster"] == known[other]["cluster"]), (one, other)


def test_indices_rise_with_the_known_heterogeneity(kit: SqlKit, folder: Path) -> None:
    known = {str(row["usubjid"]): float(row["heterogeneity"]) for row in truth(folder, "patients")}  # type: ignore[arg-type]
    rows = kit.query(
        "SELECT patient.usubjid, average_tumoral_heterogeneity, maximal_tumoral_divergence "
        "FROM analysis.radiomic_heterogeneity JOIN core.patient USING (patient_id)"
    )
    assert len(rows) == len(known) > 40
    h = np.array([known[row[0]] for row in rows])
    for index in (1, 2):
        value = np.array([row[index] for row in rows])
        means = [value[h == level].mean() for level in sorted(set(known.values()))]
        assert np.all(np.diff(means) > 0), index
        # Of 45 patients a correlation of 0.5 has p below 0.001.
        assert spearmanr(h, value).statistic > 0.5, index
    cv = kit.query(
        "SELECT patient.usubjid, avg(cv_abs) FROM analysis.radiomic_variation JOIN core.patient "
        "USING (patient_id) WHERE organ = 'all' AND feature <> 'original_shape_VoxelVolume' "
        "GROUP BY ALL"
    )
    assert spearmanr([known[name] for name, _ in cv], [x for _, x in cv]).statistic > 0.5


def test_hidden_numbers_have_the_variance_that_is_said() -> None:
    """h^2 of a variance of 1 lies between a patient's lesions: an analysis of variance by hand."""
    n = 400
    patients = {"patient": np.arange(n), "trial": np.zeros(n, int), "excluded": np.full(n, "")}
    counts = np.where(np.arange(n) % 2, 4, 16)
    lesions = {"patient": np.repeat(np.arange(n), counts)}
    values, known, _ = draw_radiomics(patients, lesions, np.full(counts.sum(), 20.0), seed=1)
    place = [feature.name for feature in FEATURES].index("original_shape_Sphericity")
    own = (values["feature"] == place) & (values["segmentation"] == 0)
    z = np.log(values["value"][own] / 0.7) / 0.1
    patient = values["patient"][own]
    within: dict[float, list[float]] = {}
    for i, h in zip(known["patient"], known["heterogeneity"], strict=True):
        within.setdefault(float(h), []).append(z[patient == i].var(ddof=1))
    for h, variances in within.items():
        # The variance of 16 normal values scatters by 37 % (of 4 by 82 %) of itself.
        error = 0.82 * h**2 / np.sqrt(len(variances))
        assert np.mean(variances) == pytest.approx(h**2, abs=3 * error)
    assert len(known["patient"]) == OLIGO + MULTI


def test_patients_are_those_of_the_paper_s_table(folder: Path) -> None:
    n = np.array([row["n_lesions"] for row in truth(folder, "patients")])
    assert ((n >= 2) & (n <= 5)).sum() == OLIGO
    assert 10 < (n >= 15).sum() <= MULTI
    assert ((n > 5) & (n < 15)).sum() == BETWEEN


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
