"""Per-patient growth rates against tumgr's published output and by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import least_squares

from udfs.growth import patient_rates
from udfs.growth.patient_models import fit_patient_model

PUBLISHED = {"dx": 22, "gd": 25, "gdphi": 6, "gx": 4, "not fit": 5}
"""Patients by selected model (data/tumgr_ascent2/PROVENANCE.md)."""
MEDIANS = {"g": 0.001414, "d": 0.020427, "phi": 0.987381}
COUNTS = {"g": 35, "d": 53, "phi": 6}
DIGITS = 5e-7
"""The published medians are rounded to six decimals."""


def test_published_output_of_tumgr_is_reproduced(shared: Path):
    data = pd.read_csv(shared / "data/tumgr_ascent2/sampleData.csv")
    found = patient_rates(data["name"], data["date"], data["size"])
    assert len(found) == 68
    assert Counter(one.selected for one in found if one.selected) == PUBLISHED
    assert Counter(one.excluded for one in found if one.excluded) == {
        "one_evaluation": 5,
        "two_close": 1,
    }
    for name, median in MEDIANS.items():
        values = [getattr(one, name) for one in found if getattr(one, name) is not None]
        assert len(values) == COUNTS[name]
        assert np.median(values) == pytest.approx(median, abs=DIGITS)


@pytest.mark.parametrize("name", ["gd", "dx", "gx", "gdphi"])
def test_least_squares_are_scipys(name: str):
    t = np.array([1.0, 40, 85, 130, 170, 220])
    q = np.array([1.0, 0.8, 0.6, 0.55, 0.7, 0.95])

    def residual(x):
        g, d = x[-2], x[-1]
        models = {
            "gd": lambda: np.exp(-d * t) + np.exp(g * t) - 1,
            "dx": lambda: np.exp(-x[0] * t),
            "gx": lambda: np.exp(x[0] * t),
            "gdphi": lambda: (1 - x[0]) * np.exp(g * t) + x[0] * np.exp(-d * t),
        }
        return models[name]() - q

    found = fit_patient_model(name, t, q, 0.1)
    starts = {"gd": [[0.003, 0.01]], "dx": [[0.005, 0]], "gx": [[0.001, 0]]}
    best = min(
        (
            least_squares(residual, start, bounds=(0, 1), xtol=1e-14, ftol=1e-14, gtol=1e-14)
            for start in starts.get(name, [[0.9, 0.005, 0.005], [0.5, 0.005, 0.02]])
        ),
        key=lambda one: one.cost,
    )
    assert found.sum_of_squares == pytest.approx(2 * best.cost, rel=1e-6)
    k = len(found.estimate)
    if name in ("gd", "gdphi"):
        covariance = np.linalg.inv(best.jac.T @ best.jac) * 2 * best.cost / (6 - k)
        np.testing.assert_allclose(found.standard_error, np.sqrt(np.diag(covariance)), rtol=1e-3)


def test_exponential_decay_by_hand():
    day = np.array([10.0, 50, 90, 130])
    noise = np.array([0.0, 0.01, -0.01, 0.005])
    (found,) = patient_rates([7] * 4, day, 50 * (np.exp(-0.02 * (day - 9)) + noise))
    assert found.selected == "dx"
    assert found.g is None
    assert found.d == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("size", "excluded"),
    [
        ([5.0], "one_evaluation"),
        ([5.0, 5.5], "two_close"),
        ([5.0, 5.0, 5.0], "no_change"),
        ([0.0, 4.0, 5.0], "first_zero"),
    ],
)
def test_patients_who_are_not_analysed(size: list[float], excluded: str):
    (found,) = patient_rates([1] * len(size), np.arange(len(size)) * 30.0, size)
    assert found.excluded == excluded
    assert found.selected == ""
    assert found.fits == ()


def test_rows_without_a_day_or_size_are_dropped_and_negative_sizes_refused():
    (found,) = patient_rates([1, 1], [0.0, np.nan], [5.0, 4.0])
    assert found.n_evaluations == 1
    with pytest.raises(ValueError, match="size is -1 in row 2"):
        patient_rates([1, 1], [0.0, 9.0], [5.0, -1.0])
