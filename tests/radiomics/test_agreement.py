"""Lin's concordance: by hand, against real readers, and its interval against repeated sampling."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from udfs.radiomics.agreement import concordance

PUBLISHED_DIGITS = 5e-4
"""Three decimals."""


def test_by_hand() -> None:
    """x = 1, 2, 3; y = x + 1: 2 * (2/3) / (2/3 + 2/3 + 1) = 4/7, and r = 1."""
    found = concordance([1, 2, 3], [2, 3, 4])
    assert found.ccc == pytest.approx(4 / 7, rel=1e-14)
    assert found.pearson == pytest.approx(1)


def test_opposite_equal_and_constant_values() -> None:
    assert concordance([1, 2, 3], [3, 2, 1]).ccc == pytest.approx(-1)
    same = concordance([1, 2, 4], [1, 2, 4])
    assert (same.ccc, same.lower, same.upper) == (1, 1, 1)
    constant = concordance([1, 2, 3], [2, 2, 2])
    assert constant.ccc == 0
    assert np.isnan([constant.lower, constant.upper, constant.pearson]).all()
    assert np.isnan(concordance([2, 2], [2, 2]).ccc)
    assert np.isnan(concordance([1, np.nan], [1, 2]).ccc)
    with pytest.raises(ValueError, match="pairs"):
        concordance([1, 2], [1])


def test_interval_is_as_wide_as_repeated_samples_scatter() -> None:
    """Fisher's transform of the coefficient of 4,000 samples of 150 pairs, against the width."""
    rng = np.random.default_rng(8)
    n, repeats = 150, 4000
    z, half = np.empty(repeats), np.empty(repeats)
    for i in range(repeats):
        x = rng.normal(size=n)
        y = 0.3 + 1.2 * (0.8 * x + 0.6 * rng.normal(size=n))
        found = concordance(x, y)
        z[i] = np.arctanh(found.ccc)
        half[i] = (np.arctanh(found.upper) - np.arctanh(found.lower)) / 2 / 1.959964
    # The standard deviation of 4,000 draws is known to 1.1 %; three times that, and 1 % of bias.
    assert half.mean() == pytest.approx(z.std(), rel=0.045)


def test_limits_hold_the_truth_as_often_as_they_say() -> None:
    """rho = 0.8, equal means and variances: ccc is 0.8. Three binomial errors of 1,500 samples."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(1500):
        x = rng.normal(size=80)
        found = concordance(x, 0.8 * x + 0.6 * rng.normal(size=80))
        held += found.lower <= 0.8 <= found.upper
    assert held / 1500 == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1500))


def test_lidc_readers_1_and_2(shared: Path) -> None:
    """Coefficients of 1,882 nodules, worked out apart from this project."""
    folder = shared / "data" / "lidc_nodules"
    with (folder / "annotations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "reference_ccc_reader1_vs_2.csv").open(newline="") as file:
        wanted = list(csv.DictReader(file))
    read = {(row["scan_id"], row["nodule"], row["reader"]): row for row in rows}
    both = [key[:2] for key in read if key[2] == "1" and (*key[:2], "2") in read]
    assert len(wanted) == 12
    for line in wanted:
        name = line["feature"]
        x, y = ([float(read[*key, reader][name]) for key in both] for reader in "12")
        found = concordance(x, y)
        assert found.n == int(line["n"])
        assert found.ccc == pytest.approx(float(line["ccc_biased"]), abs=PUBLISHED_DIGITS), name
        assert found.pearson == pytest.approx(float(line["pearson"]), abs=PUBLISHED_DIGITS), name
