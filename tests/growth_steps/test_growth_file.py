"""``lesions growth fit``: the paper's demo data, and files that cannot be read."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from flows.growth_file import fit_file, read_growth_file
from warehouse.cli import lesions
from warehouse.errors import LesionsError

NAMES = {"kg_pop": "kge", "kd_pop": "kkill", "f_pop": "F", "omega_kg": "omega_kge",
         "omega_kd": "omega_kkill", "omega_f": "omega_F", "b": "b"}  # fmt: skip


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's function, as the package offers it."""
    entry = EntryPoint("growth_fit", "flows.growth_file:fit_file", "lesion_warehouse.commands")

    def entry_points(**wanted: Any) -> list[EntryPoint]:
        assert wanted == {"group": entry.group, "name": entry.name}
        return [entry]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


def test_the_papers_data_within_half_a_standard_error(shared: Path, installed: None) -> None:
    exact = json.loads((shared / "reference/nlme_growth/exact_interval.json").read_text())
    path = shared / "data/hnscc265_zhou2023/265target_monolix.csv"
    result = CliRunner().invoke(lesions, ["growth", "fit", str(path), "--seed", "4"])
    assert result.exit_code == 0, result.output
    assert "777 lesions (0 set aside), 3574 measurements, 565 of them censored" in result.output
    assert "baseline volume that is not the volume measured" in result.output
    found = {}
    for line in result.output.partition("CORRELATION OF")[0].splitlines():
        words = line.replace(" (1/day)", "").split()
        if words and words[0] in NAMES and len(words) == 4:
            found[NAMES[words[0]]] = float(words[1])
    assert set(found) == set(NAMES.values())
    for name, value in found.items():
        assert abs(value - exact["estimate"][name]) < 0.5 * exact["se"][name], name
    (line,) = (one for one in result.output.splitlines() if one.startswith("-2 x log"))
    assert abs(float(line.split()[3]) + 2 * exact["loglik"]) < 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lesionID,time,size\n1,0,5\n", "has no column DV. Needed are lesionID, time, DV"),
        ("lesionid,time,DV\n1,0,5\n", "has no column lesionID. Rename lesionid?"),
        ("lesionID,time,DV\n1,0,5\n1,9,big\n", r"row 2: DV = 'big' is no number"),
        ("lesionID;time;DV\n1;0;5,1\n", r"row 1: DV = '5,1' is no number. Write decimals with"),
        ("lesionID,time,DV\n1,0,5\n ,9,6\n", r"row 2: lesionID = '' is no id"),
        ("", "cannot be read as CSV"),
        ("lesionID,time,DV\n1,0,5\n2,0,6\n", "measured once only"),
    ],
)
def test_a_file_that_cannot_be_fitted_is_one_clear_message(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "lesions.csv"
    path.write_text(text)
    with pytest.raises(LesionsError, match=words):
        fit_file(path)


@pytest.mark.parametrize(("separator", "start"), [(";", ""), ("\t", ""), (",", "\ufeff")])
def test_columns_may_be_separated_otherwise(tmp_path: Path, separator: str, start: str) -> None:
    rows = ["lesionID,time,DV,organ", "a,-7,900.5,lung left", "a,40,700,lung left"]
    path = tmp_path / "lesions.csv"
    path.write_text(start + "\n".join(row.replace(",", separator) for row in rows))
    data = read_growth_file(path)
    assert data.lesion.tolist() == ["a"]
    assert data.volume.tolist() == [900.5, 700.0]


def test_a_terminal_sees_how_far_the_fit_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    rows = ["lesionID,time,DV"]
    for lesion in range(12):
        size = 1000 * rng.lognormal(0, 1)
        for day in (-7, 40, 80, 120):
            rows.append(f"{lesion},{day},{size * np.exp(-0.01 * day) * rng.lognormal(0, 0.2):.1f}")
    path = tmp_path / "lesions.csv"
    path.write_text("\n".join(rows))
    said: list[str] = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    fit_file(path, say=said.append)
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert shown[1].startswith("saem ")
    assert any(one.startswith("newton ") and "-2LL" in one for one in shown)
    assert shown[-1] == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    again: list[str] = []
    fit_file(path, say=again.append)
    assert again == said
    assert capsys.readouterr().err == ""


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match=r"there is no file .*none\.csv"):
        fit_file(tmp_path / "none.csv")


def test_without_the_package_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **wanted: [])
    result = CliRunner().invoke(lesions, ["growth", "fit", "x.csv"])
    assert isinstance(result.exception, LesionsError)
    assert "no command growth_fit is installed" in str(result.exception)
