"""``lesions benchmarks heterogeneity`` on a small case."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

import flows.heterogeneity_benchmark as module


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENTS", 40)
    monkeypatch.setattr(module, "LESIONS", 160)
    monkeypatch.setattr(module, "MATRIX_ROWS", 60)
    monkeypatch.setattr(module, "FEW_ROWS", 30)


def test_figures_and_a_word_where_the_peer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    rows = module.heterogeneity_benchmark(scale=2, seed=1)
    assert rows[0][0] == "phases and Gower, 80 patients, 320 lesions"
    assert [seconds is None for _, seconds, _ in rows] == [False, False, True]
    assert "pip install gower" in rows[2][2]


def test_the_peer_is_compared_number_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = types.ModuleType("gower")

    def gower_matrix(table: object, cat_features: list[bool]) -> np.ndarray:
        columns = table.to_numpy(dtype=float)  # type: ignore[attr-defined]
        total = 0.0
        for values, is_category in zip(columns.T, cat_features, strict=True):
            difference = np.abs(np.subtract.outer(values, values))
            total = total + (difference > 0 if is_category else difference / np.ptp(values))
        return np.asarray(total) / len(cat_features)

    peer.gower_matrix = gower_matrix  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gower", peer)
    monkeypatch.setattr(module, "find_spec", lambda name: True)
    note = module.heterogeneity_benchmark(scale=1, seed=1)[2][2]
    assert float(note.rpartition(" ")[2]) < 1e-12
