"""``lesions benchmarks radiomics`` on a small case."""

from __future__ import annotations

import pytest

import flows.radiomic_benchmark as module


def test_figures_and_the_same_mean_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PATIENTS": 6, "LESIONS": 60, "FEATURES": 8, "SIMULATIONS": 200}.items():
        monkeypatch.setattr(module, name, value)
    rows = module.radiomic_benchmark(scale=2, seed=1)
    assert [row[0] for row in rows[:2]] == [
        "12 patients, 120 lesions, 8 features", "6 patients, 120 lesions, 8 features",
    ]  # fmt: skip
    assert all(row[1] is not None and row[1] > 0 for row in rows)
    ours, theirs = (float(word) for word in rows[3][2].rpartition("means ")[2].split(" and "))
    assert ours == pytest.approx(theirs, abs=0.03)
