"""``lesions predict --what survival``: against a sum over curves drawn from the population."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from flows.predict import predict
from udfs.joint.dynamic import FittedHazard
from udfs.joint.hazards import Piecewise
from udfs.joint.saved import SavedJointModel
from warehouse.errors import LesionsError

GROWTH = {
    "kg_pop": 0.004, "kd_pop": 0.02, "f_pop": 0.2, "omega_kg": 0.5, "omega_kd": 0.5,
    "omega_f": 0.8, "gamma_kg": 0.4, "gamma_kd": 0.3, "gamma_f": 0.5, "b": 0.25,
}  # fmt: skip
ALPHA, ARM, LOG_RATE = 0.7, 0.4, float(np.log(1 / 700))
HORIZONS = (180.0, 365.0)
SIZES = {"A": ((-10, 40.0), (60, 30.0), (120, 28.0)), "B": ((-10, 25.0), (60, 26.0), (120, 33.0))}
"""Of a patient's two lesions: day, diameter in mm."""
HEAD = "patient_id,lesion_id,organ,day,diameter_mm,volume_mm3,treatment_class\n"


def saved() -> SavedJointModel:
    hazard = FittedHazard(
        Piecewise(np.array([0.0, np.inf])), ("value",), np.array([ALPHA, ARM, LOG_RATE]),
        np.diag([0.01, 0.01, 0.01]),
    )  # fmt: skip
    return SavedJointModel(
        "two_population", GROWTH, hazard, ("treatment_class: b against a",), ("liver", "other"),
        {"liver": "liver", "lung": "other"}, 10.0, {"n_patients": 400, "n_events": 250},
    )  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("CREATE SCHEMA analysis; CREATE SCHEMA meta")
        con.execute(
            "CREATE TABLE analysis.joint_model AS SELECT 'all' AS subset, 'f' AS fit_id, "
            "'OS' AS endpoint, ? AS content",
            [saved().to_text()],
        )
        con.execute(
            "CREATE TABLE analysis.growth_fit AS SELECT 'f' AS fit_id, 'two_population' AS model, "
            "'proportional' AS error_model, FALSE AS is_baseline_counted"
        )
        con.execute(
            "CREATE TABLE meta.setting AS FROM (VALUES ('joint.horizons', '180 365'), "
            "('joint.draws', '1000'), ('survival.confidence', '0.95'), "
            "('volume.axis_ratio', '1.31')) AS t (name, value)"
        )
    return file


def asked(warehouse: Path, source: Path | None, **more: Any) -> list[str]:
    said: list[str] = []
    predict(source, warehouse=warehouse, what="survival", say=said.append, warn=said.append, **more)
    return said


def rows_of(patient: str, arm: str) -> str:
    organs = {"A": "liver", "B": "lung"}
    return "".join(
        f"{patient},{lesion},{organs[lesion]},{day},{size},,{arm}\n"
        for lesion, seen in SIZES.items()
        for day, size in seen
    )


def by_brute_force(landmark: float = 120.0, n: int = 400_000) -> np.ndarray:
    """Survival in arm b, then a, at the horizons: curves drawn from the population count by the
    density of the sizes and by living."""
    rng = np.random.default_rng(8)
    mu = np.array([np.log(0.004), np.log(0.02), np.log(0.2 / 0.8)])
    omega = np.array([GROWTH[f"omega_{name}"] for name in ("kg", "kd", "f")])
    gamma = np.array([GROWTH[f"gamma_{name}"] for name in ("kg", "kd", "f")])
    shared = gamma * rng.standard_normal((n, 3))
    days = np.arange(0.0, landmark + max(HORIZONS) + 1, 5.0)
    log_weight, sld = np.zeros(n), np.zeros((n, days.size), dtype=np.float32)
    for seen in SIZES.values():
        phi = mu + shared + omega * rng.standard_normal((n, 3))
        kg, kd, f = np.exp(phi[:, :1]), np.exp(phi[:, 1:2]), 1 / (1 + np.exp(-phi[:, 2:]))
        (t0, d0), later = seen[0], np.array(seen[1:])

        def ratio(t: np.ndarray, kg=kg, kd=kd, f=f, t0=t0) -> np.ndarray:
            return np.exp(-kg * t0) * (f * np.exp(kg * t) + (1 - f) * np.exp(-kd * t))

        expected = ratio(later[:, 0]) * d0**3
        log_weight += (
            -0.5 * ((later[:, 1] ** 3 / expected - 1) / GROWTH["b"]) ** 2 - np.log(expected)
        ).sum(axis=1)
        sld += (d0 * np.cbrt(ratio(days))).astype(np.float32)
    hazard = (sld / 50.0) ** ALPHA
    unit = np.cumsum((hazard[:, 1:] + hazard[:, :-1]) / 2 * 5.0, axis=1)
    before, *ahead = (unit[:, int((landmark + h) / 5) - 1] for h in (0.0, *HORIZONS))
    found = []
    for rate in (np.exp(LOG_RATE + ARM), np.exp(LOG_RATE)):
        log_own = log_weight - rate * before
        weight = np.exp(log_own - log_own.max())
        weight /= weight.sum()
        assert 1 / np.square(weight).sum() > 2_000  # so many draws count: an error of .0014
        found += [(weight * np.exp(rate * (before - later))).sum() for later in ahead]
    return np.array(found)


def test_survival_is_that_of_curves_drawn_from_the_population(
    warehouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text(HEAD + rows_of("2", "b") + rows_of("1", "a"))
    asked(warehouse, tmp_path / "new.csv", output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["patient_id"], row["horizon_days"]) for row in found] == [
        ("2", "180"), ("2", "365"), ("1", "180"), ("1", "365"),
    ]  # fmt: skip
    assert {(row["landmark_day"], row["n_lesions"]) for row in found} == {("120", "2")}
    survival = np.array([float(row["survival"]) for row in found])
    # Between draws survival has a standard deviation below .06: four standard errors of 1,000.
    np.testing.assert_allclose(survival, by_brute_force(), atol=0.008)
    lower, upper = (np.array([float(row[name]) for row in found]) for name in ("lower", "upper"))
    assert (lower < survival).all()
    assert (survival < upper).all()


def test_the_template_has_what_the_hazard_knows(warehouse: Path, tmp_path: Path) -> None:
    asked(warehouse, None, template=tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == HEAD


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,A,liver,0,,,a\n", "row 1: a size needs its day and diameter_mm or volume_mm3"),
        ("1,A,liver,0,20,,a\n1,A,liver,0,21,,a\n", "row 2: the lesion has a size on that day"),
        ("1,A,liver,-5,20,,a\n", "patient 1 has no size after the first dose"),
        ("1,A,liver,0,0,,a\n1,A,liver,60,10,,a\n", "row 1: a lesion has no size at its baseline"),
        ("1,A,liver,0,9,,c\n1,A,liver,60,9,,c\n", "treatment_class is 'c'. The model knows a, b"),
        (",A,liver,0,9,,a\n", "row 1: patient_id is empty"),
        ("1,A,liver,0,9,,a\n1,A,lung,60,9,,a\n", "row 1: organ is not the same in all rows of the"),
        ("1,A,liver,0,9,,a\n1,B,liver,60,9,,b\n", "row 1: treatment_class is not the same in all"),
        ("1,A,liver,44000,9,,a\n", "row 1: no lesion has more than"),
        ("1,A,liver,0,30,,a\n1,A,liver,60,0,,a\n", "no curve can be drawn"),
        ("", "has no rows below its header"),
    ],
)
def test_values_that_cannot_be_used_are_named(
    rows: str, message: str, warehouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text(HEAD + rows)
    with pytest.raises(LesionsError, match=message):
        asked(warehouse, tmp_path / "new.csv")


def test_a_volume_is_as_good_as_its_diameter(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEAD + rows_of("1", "a"))
    as_volumes = "".join(
        f"1,{lesion},{organ},{day},,{size**3 / (2 * 1.31**2)!r},a\n"
        for (lesion, seen), organ in zip(SIZES.items(), ("liver", "lung"), strict=True)
        for day, size in seen
    )
    (tmp_path / "b.csv").write_text(HEAD + as_volumes)
    assert asked(warehouse, tmp_path / "a.csv")[0] == asked(warehouse, tmp_path / "b.csv")[0]


def test_what_is_read_is_not_replaced(warehouse: Path, tmp_path: Path) -> None:
    source = tmp_path / "new.csv"
    source.write_text(HEAD + rows_of("1", "a"))
    for written in (source, warehouse):
        with pytest.raises(LesionsError, match="is read here"):
            asked(warehouse, source, output=written)
    assert source.read_text() == HEAD + rows_of("1", "a")


def test_an_organ_without_a_group_is_said(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(HEAD + rows_of("1", "a").replace("lung", "spleen"))
    said = asked(warehouse, tmp_path / "new.csv")
    assert said[0] == "organ: spleen counts as the group 'other'."


def test_a_warehouse_without_a_joint_model_says_what_to_set(
    warehouse: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(warehouse)) as con:
        con.execute("DELETE FROM analysis.joint_model")
    with pytest.raises(LesionsError, match="Set joint"):
        asked(warehouse, tmp_path / "new.csv")
