"""Gower distances equal R's ``cluster::daisy`` on every reference file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from references import DATA, HERE_AND_SHARED, folder_of, folder_with

from udfs.heterogeneity import Variable, gower_matrix, gower_pairs

# The files hold 12 significant digits or more, so up to 5e-13 is their rounding.
DAISY_TOLERANCE = 1e-12

# What cluster 2.1.4, which made the files, asks two rows to have in common; its later source asks
# for any weight above 0. It shows only with weights below 1.
DAISY_LEAST_WEIGHT = 0.5

NUMBERS = {"diam": "numeric", "growth": "numeric", "kkill": "numeric"}
ASYMMETRIC = {"liver": "asymmetric", "lung": "asymmetric", "node": "asymmetric"}
BINARIES = {**ASYMMETRIC, "female": "symmetric", "new": "symmetric"}
CONSTANT = {"const": "numeric"}
UNDECLARED = dict.fromkeys(BINARIES, "numeric")
WEIGHTS = [2, 1, 1, 1, 1, 1, 0.5, 0.5]

# output, input, kind of each variable, weights
LESIONS: list[tuple[str, str, dict[str, Any], list[float] | None]] = [
    ("out_complete", "input_complete", {**NUMBERS, **BINARIES}, None),
    ("out_missing", "input_missing", {**NUMBERS, **BINARIES}, None),
    ("out_missing_weighted", "input_missing", {**NUMBERS, **BINARIES}, WEIGHTS),
    ("out_missing_with_constant", "input_missing", {**NUMBERS, **CONSTANT, **BINARIES}, None),
    ("out_numeric_only", "input_complete", NUMBERS, None),
    ("out_asymm_only", "input_complete", ASYMMETRIC, None),
    ("out_undeclared_binary", "input_complete", {**NUMBERS, **UNDECLARED}, None),
    ("out_complete_logratio", "input_complete", {"diam": "numeric", "kkill": "logratio"}, None),
    ("out_complete_ordratio", "input_complete", {"diam": "ordinal", "kkill": "numeric"}, None),
    (
        "out_patient4",
        "input_patient4",
        {**NUMBERS, "liver": "asymmetric", "lung": "asymmetric"},
        None,
    ),
]

FLOWER: dict[str, Any] = {
    **dict.fromkeys(("V1", "V2", "V3", "V4"), "nominal"),
    **dict.fromkeys(("V5", "V6"), "ordinal"),
    **dict.fromkeys(("V7", "V8"), "numeric"),
}
ISPY: dict[str, Any] = {
    "age": "numeric",
    **dict.fromkeys(("race", "er", "her2", "cat", "lat"), "nominal"),
    **dict.fromkeys(("ld0", "ld1", "ld2", "ld3"), "numeric"),
}
PATIENTS: dict[str, Any] = {
    "age": "numeric",
    **dict.fromkeys(("race", "er"), "nominal"),
    "grade": "ordinal",
    **dict.fromkeys(("ld0", "ld1"), "numeric"),
}
MIXED: list[tuple[str, str, dict[str, Any], list[float] | None]] = [
    ("flower_daisy_default", "flower", FLOWER, None),
    ("flower_daisy_asymm3", "flower", {**FLOWER, "V3": "asymmetric"}, None),
    ("ispy1_first60_daisy", "ispy1_first60_mixed", ISPY, None),
    ("ispy1_first60_daisy_weighted", "ispy1_first60_mixed", ISPY, [1.0] * 6 + [2.0] * 4),
    ("out_patients", "input_patients", PATIENTS, None),
    ("out_patients_weighted", "input_patients", PATIENTS, [1.0] * 3 + [2.0] * 3),
]


def variables_of(
    frame: pd.DataFrame, kinds: dict[str, Any], weights: list[float] | None
) -> list[Variable]:
    shares = weights or [1.0] * len(kinds)
    return [
        Variable(name, frame[name].to_numpy(), kind, weight)
        for (name, kind), weight in zip(kinds.items(), shares, strict=True)
    ]


@pytest.fixture(scope="module", params=HERE_AND_SHARED)
def lesions(request: pytest.FixtureRequest) -> Path:
    """Simulated lesions: the files of both places are named alike."""
    return folder_of(request, "heterogeneity", "reference/gower")


def of_mixed(request: pytest.FixtureRequest, source: str) -> Path:
    """The folder with a data set of mixed kinds."""
    return folder_with(request, f"{source}.csv", "heterogeneity", "data/gower_reference")


def read(path: Path) -> pd.DataFrame:
    """A reference file with its numbers as they stand, to the last bit."""
    return pd.read_csv(path, float_precision="round_trip")


def check(
    data: pd.DataFrame, keys: list[Any], kinds: dict[str, Any], weights: Any, answer: pd.DataFrame
) -> None:
    variables = variables_of(data, kinds, weights)
    matrix = gower_matrix(variables, least_weight=DAISY_LEAST_WEIGHT)
    place = {key: row for row, key in enumerate(keys)}
    i, j = (answer.iloc[:, column].map(place).to_numpy() for column in (0, 1))
    expected = answer.iloc[:, 2].to_numpy(dtype=float)
    assert len(answer) == len(data) * (len(data) - 1) // 2
    np.testing.assert_allclose(matrix[i, j], expected, rtol=0, atol=DAISY_TOLERANCE)
    np.testing.assert_array_equal(matrix, matrix.T)

    pairs = gower_pairs(variables, np.zeros(len(data), dtype=int), least_weight=DAISY_LEAST_WEIGHT)
    np.testing.assert_array_equal(pairs.distance, matrix[pairs.first, pairs.second])


@pytest.mark.parametrize(("output", "source", "kinds", "weights"), LESIONS)
def test_simulated_lesions(
    lesions: Path, output: str, source: str, kinds: dict[str, Any], weights: Any
) -> None:
    data = read(lesions / f"{source}.csv")
    check(data, data["id"].tolist(), kinds, weights, read(lesions / f"{output}.csv"))


@pytest.mark.parametrize(("output", "source", "kinds", "weights"), MIXED)
def test_plants_and_patients(
    request: pytest.FixtureRequest, output: str, source: str, kinds: dict[str, Any], weights: Any
) -> None:
    files = of_mixed(request, source)
    data = read(files / f"{source}.csv")
    check(data, list(range(1, len(data) + 1)), kinds, weights, read(files / f"{output}.csv"))


def test_by_default_any_weight_in_common_is_enough(lesions: Path) -> None:
    data = read(lesions / "input_missing.csv")
    weighted = variables_of(data, {**NUMBERS, **BINARIES}, WEIGHTS)
    unweighted = variables_of(data, {**NUMBERS, **BINARIES}, None)
    answer = read(lesions / "out_missing.csv")
    n_missing = int(answer["dissimilarity"].isna().sum())
    assert n_missing > 0
    upper = np.triu_indices(len(data), 1)
    assert np.isnan(gower_matrix(unweighted)[upper]).sum() == n_missing
    assert np.isnan(gower_matrix(weighted)[upper]).sum() == n_missing


def test_every_reference_file_is_compared(shared: Path) -> None:
    names = {case[0] for case in LESIONS}
    assert {path.stem for path in (shared / "reference/gower").glob("out_*.csv")} == names
    mixed = {case[0] for case in MIXED}
    answers = {path.stem for path in (shared / "data/gower_reference").glob("*_daisy*.csv")}
    assert answers == {name for name in mixed if not name.startswith("out_")}
    here = {path.stem for path in (DATA / "heterogeneity").glob("out_*.csv")}
    assert here == names | (mixed - answers)
