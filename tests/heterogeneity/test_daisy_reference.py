"""Gower distances equal R's ``cluster::daisy`` on every reference file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from udfs.heterogeneity import Variable, gower_matrix, gower_pairs

# The files of reference/gower hold 12 significant digits, so up to 5e-13 is their rounding.
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
MIXED: list[tuple[str, str, dict[str, Any], list[float] | None]] = [
    ("flower_daisy_default", "flower", FLOWER, None),
    ("flower_daisy_asymm3", "flower", {**FLOWER, "V3": "asymmetric"}, None),
    ("ispy1_first60_daisy", "ispy1_first60_mixed", ISPY, None),
    ("ispy1_first60_daisy_weighted", "ispy1_first60_mixed", ISPY, [1.0] * 6 + [2.0] * 4),
]


def variables_of(
    frame: pd.DataFrame, kinds: dict[str, Any], weights: list[float] | None
) -> list[Variable]:
    shares = weights or [1.0] * len(kinds)
    return [
        Variable(name, frame[name].to_numpy(), kind, weight)
        for (name, kind), weight in zip(kinds.items(), shares, strict=True)
    ]


def folder(shared: Path, name: str) -> Path:
    if not (shared / name).is_dir():
        pytest.skip(f"no reference answers in ../shared/{name}")
    return shared / name


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
    shared: Path, output: str, source: str, kinds: dict[str, Any], weights: Any
) -> None:
    files = folder(shared, "reference/gower")
    data = read(files / f"{source}.csv")
    check(data, data["id"].tolist(), kinds, weights, read(files / f"{output}.csv"))


@pytest.mark.parametrize(("output", "source", "kinds", "weights"), MIXED)
def test_plants_and_patients(
    shared: Path, output: str, source: str, kinds: dict[str, Any], weights: Any
) -> None:
    files = folder(shared, "data/gower_reference")
    data = read(files / f"{source}.csv")
    check(data, list(range(1, len(data) + 1)), kinds, weights, read(files / f"{output}.csv"))


def test_by_default_any_weight_in_common_is_enough(shared: Path) -> None:
    files = folder(shared, "reference/gower")
    data = read(files / "input_missing.csv")
    weighted = variables_of(data, {**NUMBERS, **BINARIES}, WEIGHTS)
    unweighted = variables_of(data, {**NUMBERS, **BINARIES}, None)
    answer = read(files / "out_missing.csv")
    n_missing = int(answer["dissimilarity"].isna().sum())
    upper = np.triu_indices(len(data), 1)
    assert np.isnan(gower_matrix(unweighted)[upper]).sum() == n_missing
    assert np.isnan(gower_matrix(weighted)[upper]).sum() == n_missing


def test_every_reference_file_is_compared(shared: Path) -> None:
    lesions = {path.stem for path in folder(shared, "reference/gower").glob("out_*.csv")}
    assert lesions == {case[0] for case in LESIONS}
    mixed = {path.stem for path in folder(shared, "data/gower_reference").glob("*_daisy*.csv")}
    assert mixed == {case[0] for case in MIXED}
