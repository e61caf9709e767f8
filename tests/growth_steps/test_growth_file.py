"""``lesions growth fit``: the paper's demo data, and files that cannot be read."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from flows.growth_file import fit_file, read_growth_file, starting_points
from udfs.growth import MODELS, GrowthData, GrowthDataError, fit_growth
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


def test_the_papers_data_within_half_a_standard_error(
    shared: Path, tmp_path: Path, installed: None
) -> None:
    exact = json.loads((shared / "reference/nlme_growth/exact_interval.json").read_text())
    text = (shared / "data/hnscc265_zhou2023/265target_monolix.csv").read_text()
    path = tmp_path / "nlmixr.csv"
    path.write_text(text.replace("CENSORING", "CENS", 1))
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


@pytest.mark.parametrize("name", ["CENS", "censoring", "Blq"])
def test_the_papers_data_are_the_same_under_other_names(
    shared: Path, tmp_path: Path, name: str
) -> None:
    path = shared / "data/hnscc265_zhou2023/265target_monolix.csv"
    text = path.read_text()
    other = tmp_path / "other.csv"
    other.write_text(text.replace("CENSORING", name, 1).replace("lesionID", "#id", 1))
    one, two = read_growth_file(path), read_growth_file(other)
    assert int(two.is_censored.sum()) == 565
    for field in ("lesion", "offsets", "time", "volume", "lower", "upper", "is_censored", "v0"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert "not read: size, shortaxis, volume, time_o, T02" in two.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "lesionID,time,size\n1,0,5\n",
            "has no column DV. .* has lesionID, time, size; --column dv",
        ),
        (
            "lesions,time,DV\n1,0,5\n",
            "no column lesionID .or ID.. Is it lesions. Then --column les",
        ),
        ("lesionID,time,DV\n1,0,5\n1,9,big\n", r"row 2: DV = 'big' is no number"),
        ("lesionID,time,DV\n1,0,5\n1,9,inf\n", r"row 2: DV = 'inf' is no number"),
        ("lesionID;time;DV\n1;0;5,1\n", r"row 1: DV = '5,1' is no number. Write decimals with"),
        ("lesionID,time,DV\n1,0,5\n ,9,6\n", r"row 2: lesionID = '' is no id"),
        ("", "cannot be read as CSV"),
        ("lesionID,time,DV\n1,0,5\n1,9,5,6\n", "cannot be read as CSV"),
        ("lesionID,time,DV\n1,0,5\n2,0,6\n", "measured once only"),
        ("ID,TIME,DV,DV\n1,0,5,5\n", "has the column 'DV' twice"),
        ("ID,TIME,DV,CENS,BLQ\n1,0,5,0,1\n", "has CENS and BLQ, which both can be 'censoring'"),
        ("ID,TIME,DV,CENS\n1,0,5,2\n", "row 1: CENS = '2' is no code of censoring"),
        ("ID,TIME,DV,LIMIT\n1,0,5,.\n1,9,3,0\n", "has LIMIT but no column that says what is cens"),
        ("ID,TIME,DV,cens_flag\n1,0,5,0\n", "'cens_flag' may say what is censored"),
        ("ID,TIME,DV,DVID\n1,0,5,1\n1,9,3,2\n", "DVID says that there are 2 kinds of observations"),
        ("ID,TIME,DV\n1,0,5\n1,9,0\n1,20,0.0\n", r"row 2: DV = '0' is no size .*\(2 such row"),
        ("ID,TIME,DV\n1,0,5\n1,9,-3\n", "row 2: DV = '-3' is no size that a proportional error"),
        ("ID,TIME,DV,CENS\n1,0,5,0\n1,9,0,1\n", "row 2: DV = '0' in a censored row, whose DV must"),
        ("ID,TIME,DV,CENS\n1,0,5,0\n1,9,.,1\n", r"row 2: DV = '\.' in a censored row"),
        (
            "ID,TIME,DV,BLQ,LLOQ\n1,0,9,0,5\n1,9,3,0,5\n",
            "row 2: DV = '3' is below LLOQ, but the row",
        ),
        (
            "ID,TIME,DV,BLQ,LLOQ\n1,0,9,1,5\n",
            "row 1: DV = '9' is above LLOQ, but the row is said to",
        ),
    ],
)
def test_a_file_that_cannot_be_fitted_is_one_clear_message(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "lesions.csv"
    path.write_text(text)
    with pytest.raises(LesionsError, match=words):
        fit_file(path)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ID,TIME,DV,CENS\na,-7,900,0\na,40,100,1\na,80,600,0\n", {}),
        ("id,time,y,Blq\na,-7,900,\na,40,100,1\na,80,600,.\n", {}),
        ("lesion_id,day,dv,BLQ,LLOQ\na,-7,900,0,100\na,40,0,1,100\na,80,600,0,100\n", {}),
        ("ID,TIME,DV,LLOQ\na,-7,900,100\na,40,99,100\na,80,600,100\n", {}),
        ("ID,TIME,DV\na,-7,900\na,40,0\na,80,600\n", {"lloq": 100.0}),
        ("ID,TIME,DV,CENS\na,-7,900,0\na,40,0,1\na,80,600,0\n", {"lloq": 100.0}),
        ("ID,TIME,DV,CENS,EVID\na,-7,900,0,0\na,0,.,.,1\na,40,100,1,0\na,80,600,0,0\n", {}),
        ("ID,TIME,AMT,DV,CENS,MDV\na,-7,.,900,0,0\na,0,5,7,0,1\na,40,.,100,1,0\na,80,.,600,0,0\n",
         {}),
        ("ID,TIME,AMT,DV,CENS\na,-7,0,900,0\na,0,5,.,0\na,40,0,100,1\na,80,.,600,0\n", {}),
        ("who,TIME,DV,is_low\na,-7,900,0\na,40,100,1\na,80,600,0\n",
         {"columns": {"lesion": "who", "censoring": "is_low"}}),
        ("ID,lesion,TIME,DV,CENS,LIMIT,CMT\nP,a,-7,900,0,.,2\nP,a,40,100,1,.,2\nP,a,80,600,0,3,2\n",
         {}),
    ],
)  # fmt: skip
def test_monolix_nonmem_and_nlmixr_say_the_same(
    tmp_path: Path, text: str, options: dict[str, Any]
) -> None:
    """One lesion of 900, below 100 and 600 mm3 on days -7, 40 and 80, in eleven conventions."""
    path = tmp_path / "lesions.csv"
    path.write_text(text)
    data = read_growth_file(path, **options)
    assert data.lesion.tolist() == ["a"]
    assert data.time.tolist() == [-7.0, 40.0, 80.0]
    assert data.is_censored.tolist() == [False, True, False]
    assert data.upper.tolist() == [900.0, 100.0, 600.0]
    assert data.lower.tolist() == [900.0, -np.inf, 600.0]


def test_an_id_with_and_without_decimals_is_one_lesion(tmp_path: Path) -> None:
    """Rows of 7 and of 7.0 were two lesions; an id longer than an integer holds stays a text."""
    rows = "{},0,1000\n{},20,800\n{},40,700\n"
    path = tmp_path / "nonmem.csv"
    path.write_text("ID,TIME,DV\n" + rows.format("7", "7.0", "7.") + rows.format(8, 8, 8))
    data = read_growth_file(path)
    assert data.lesion.tolist() == [7, 8]
    np.testing.assert_array_equal(data.time, [0, 20, 40, 0, 20, 40])
    long = "9" * 25
    path.write_text("ID,TIME,DV\n" + rows.format(long, long, long))
    assert read_growth_file(path).lesion.tolist() == [long]


def test_what_is_not_read_or_does_not_count_is_said(tmp_path: Path) -> None:
    path = tmp_path / "lesions.csv"
    path.write_text(
        "ID,TIME,DV,CENS,LIMIT,EVID,CMT\na,-7,900,0,8,0,2\na,0,.,1,.,1,1\na,40,700,0,.,0,2\n"
    )
    notes = read_growth_file(path).notes
    assert "not read: CMT" in notes
    assert (
        "1 row(s) with EVID not 0 are no measurements and do not count; 1 of them are censored"
        in (notes)
    )
    assert "LIMIT of 1 measured row(s) is not used" in notes


@pytest.mark.parametrize("value", ["0", "0.0", "-1"])
def test_sizes_of_0_are_never_fitted(tmp_path: Path, value: str) -> None:
    """Fitted as if measured, nine such rows in 1,000 turn f into .002 and look converged."""
    path = tmp_path / "lesions.csv"
    path.write_text(f"ID,TIME,DV\n1,0,100\n1,50,{value}\n1,90,40\n2,0,60\n2,50,30\n")
    result = CliRunner().invoke(lesions, ["growth", "fit", str(path)])
    assert isinstance(result.exception, LesionsError)
    assert "--lloq MM3" in str(result.exception)


def test_a_proportional_error_refuses_measured_zeros() -> None:
    data = GrowthData.from_arrays([1, 1, 1], [0.0, 50.0, 90.0], [100.0, 0.0, 40.0])
    with pytest.raises(GrowthDataError, match=r"1 measured volume\(s\) are 0"):
        fit_growth(data)


def test_a_model_by_name(tmp_path: Path) -> None:
    """An exponential's log slope of lesions without scatter is what they were made with."""
    rng = np.random.default_rng(3)
    rows = ["ID,TIME,DV"]
    slopes = rng.normal(-0.004, 0.002, 40)
    for lesion, slope in enumerate(slopes):
        for day in (0, 60, 120, 180):
            rows.append(f"{lesion},{day},{1000 * np.exp(slope * day) * rng.lognormal(0, 0.02):.6f}")
    path = tmp_path / "lesions.csv"
    path.write_text("\n".join(rows))
    result = CliRunner().invoke(
        lesions, ["growth", "fit", str(path), "--model", "exponential", "--starts", "3"]
    )
    assert result.exit_code == 0, result.output
    estimates = result.output.partition("CORRELATION OF")[0].splitlines()
    (line,) = (one for one in estimates if one.startswith("k_pop"))
    standard_error = float(line.split()[3])
    assert abs(float(line.split()[2]) - slopes.mean()) < standard_error
    assert "3 starting points: 3 runs agree" in result.output


def test_starting_points_lie_on_both_sides_of_the_models_own() -> None:
    for name, kind in MODELS.items():
        model = kind()
        points = starting_points(model, 6)
        assert points[0] == {}
        assert len(points) == min(6, 1 + 2 ** len(model.parameters)), name
        for one in model.parameters:
            values = [point[one.name] for point in points[1:]]
            assert min(values) < one.start < max(values), (name, one.name)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "linear"], "no growth model is called 'linear'. Known are two_population"),
        (["--column", "dv"], "--column 'dv' is not ROLE=NAME"),
        (["--column", "size=DV"], "no column can be 'size'"),
        (["--column", "dv=volume"], "has no column 'volume'; it has ID, TIME, DV, LLOQ"),
        (["--lloq", "4"], r"has limits of its own \(LLOQ\), and --lloq states another"),
    ],
)
def test_an_option_that_cannot_be_is_one_clear_message(
    tmp_path: Path, options: list[str], words: str
) -> None:
    path = tmp_path / "lesions.csv"
    path.write_text("ID,TIME,DV,LLOQ\n1,0,5,1\n1,50,4,1\n")
    result = CliRunner().invoke(lesions, ["growth", "fit", str(path), *options])
    assert isinstance(result.exception, LesionsError)
    assert re.search(words, str(result.exception)), result.exception


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
