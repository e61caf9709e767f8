"""``lesions benchmarks growth`` on a small case."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from click.testing import CliRunner

import flows.growth_benchmark as benchmark_module
import warehouse.benchmarks as engine
from warehouse.cli import lesions


def test_figures_are_written_and_a_missing_r_is_skipped_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("growth", "flows.growth_benchmark:growth_benchmark", engine.BENCHMARK_GROUP)
    monkeypatch.setattr(engine, "entry_points", lambda group: EntryPoints([entry]))
    monkeypatch.setattr(benchmark_module, "SMALL", 60)
    monkeypatch.setattr(benchmark_module, "FULL", 100)
    monkeypatch.setattr("shutil.which", lambda name: None)
    output = tmp_path / "figures.json"
    done = CliRunner().invoke(lesions, ["benchmarks", "growth", "-o", str(output)])
    assert done.exit_code == 0, done.output
    figures = json.loads(output.read_text())["figures"]
    assert [one["what"].split(",")[0] for one in figures] == [
        "growth of 60 lesions",
        "growth of 60 lesions",
        "growth of 100 lesions",
        "growth of 100 lesions",
        "effects of 25 patients",
        "growth of 60 lesions",
    ]
    fit, everything = figures[0]["seconds"], figures[1]["seconds"]
    assert 0.3 * everything < fit < everything  # the fit is most of the work
    assert figures[-1]["seconds"] is None
    assert "install.packages" in figures[-1]["note"]
