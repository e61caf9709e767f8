"""``lesions benchmarks hazards`` on a small case."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from click.testing import CliRunner

import flows.hazard_benchmark as benchmark_module
import warehouse.benchmarks as engine
from warehouse.cli import lesions
from warehouse.errors import LesionsError


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point of pyproject.toml, whatever is installed, and a small case without R."""
    entry = EntryPoint("hazards", "flows.hazard_benchmark:hazard_benchmark", engine.BENCHMARK_GROUP)
    monkeypatch.setattr(engine, "entry_points", lambda group: EntryPoints([entry]))
    monkeypatch.setattr(benchmark_module, "PATIENTS", 300)
    monkeypatch.setattr(benchmark_module, "LESIONS", 3000)
    monkeypatch.setattr("shutil.which", lambda name: None)


@pytest.mark.usefixtures("offered")
def test_figures_are_written_and_a_missing_r_is_skipped_with_a_word(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    done = CliRunner().invoke(lesions, ["benchmarks", "hazards", "-o", str(output)])
    assert done.exit_code == 0, done.output
    figures = json.loads(output.read_text())["figures"]
    assert "3,000 lesions" in figures[0]["what"]
    assert figures[0]["seconds"] > 0
    coxme = figures[1]
    assert coxme["seconds"] is None
    assert "install.packages" in coxme["note"]


@pytest.mark.parametrize(
    ("script", "seconds", "said"),
    [
        ("exit 3", None, r"R lacks its package coxme; .*install\.packages"),
        ("echo 'Error: out of memory' >&2; exit 1", None, "R failed: Error: out of memory"),
        ("echo 12.5 -1000.25 0.5", 12.5, r"CPU, 25\.0 x ours; variance 0\.50000, .* -1000\.250"),
    ],
)
def test_what_r_says_is_told(
    script: str, seconds: float | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable = tmp_path / "Rscript"
    executable.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    executable.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(executable))
    ((what, found, note),) = benchmark_module._beside_coxme(("20", "120", "1"), {"cpu": 0.5})
    assert what == "the same, R's coxme"
    assert found == seconds
    assert re.search(said, note)


@pytest.mark.usefixtures("offered")
def test_unknown_part_is_refused_with_those_there_are() -> None:
    with pytest.raises(LesionsError, match=r"hazard.*Parts: hazards"):
        engine.run_part("hazard", scale=1, seed=1, output=None)
