"""Against exact answers and other programs on real data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from growth.cases import read_hnscc

from udfs.growth import (
    FitSettings,
    GrowthData,
    GrowthFit,
    SteinFojo,
    TwoPopulation,
    conditional_modes,
    fit_growth,
    influence,
    minus2ll_at,
    shrinkage,
)
from udfs.growth.restore import fit_at

EXACT = {
    "kg_pop": 0.00538,
    "kd_pop": 0.02452,
    "f_pop": 0.02125,
    "omega_kg": 1.1946,
    "omega_kd": 1.2796,
    "omega_f": 3.8995,
    "b": 0.35385,
}
"""Exact maximum of the interval convention, found by integrating each lesion's likelihood on a grid
of 100 x 110 x 160 points; -2LL 59542.759, on a finer grid 59542.7587."""
EXACT_MINUS2LL = 59542.76
MONOLIX = {
    "kg_pop": 0.00473,
    "kd_pop": 0.0292,
    "f_pop": 0.051,
    "omega_kg": 1.11,
    "omega_kd": 1.19,
    "omega_f": 3.29,
    "b": 0.366,
}
"""Published by Zhou 2023 with Monolix 2020R1 for the same data."""
STARTS = (
    (0.01, 0.01, 0.1, 1.0, 1.0, 1.0, 0.3),  # Monolix's own
    (0.001, 0.1, 0.5, 1.0, 1.0, 1.0, 0.3),
    (0.05, 0.001, 0.9, 0.5, 0.5, 0.5, 1.0),
    (0.0003, 0.3, 0.01, 2.0, 2.0, 2.0, 0.1),
    (0.02, 0.02, 0.5, 0.2, 0.2, 0.2, 0.2),
    (0.003, 0.015, 0.3, 0.8, 0.9, 1.5, 0.25),
)
"""kge, kkill, F, omegas, b: six very different places."""

LARGEST_DISTANCE = 0.5
"""Exact standard errors from the exact maximum."""
SE_TOLERANCE = 0.05
MINUS2LL_TOLERANCE = 2.0
"""Monte Carlo error of both sides: about 1 each."""


def oracle(shared: Path, name: str) -> dict:
    """One exact_*.json."""
    path = shared / f"reference/nlme_growth/exact_{name}.json"
    return json.loads(path.read_text())


def exact_se(shared: Path, name: str = "interval") -> np.ndarray:
    """Exact standard errors."""
    return np.array(list(oracle(shared, name)["se"].values()))


def named_start(values: tuple[float, ...]) -> dict[str, float]:
    """A start of ``STARTS`` by label."""
    names = ("kg", "kd", "f", "omega_kg", "omega_kd", "omega_f", "b")
    return dict(zip(names, values, strict=True))


def assert_exact(fit: GrowthFit, shared: Path) -> None:
    """Estimates, standard errors and likelihood of the interval convention."""
    se = exact_se(shared)
    wanted = np.array([EXACT[label] for label in fit.labels])
    assert np.abs((fit.estimates - wanted) / se).max() < LARGEST_DISTANCE
    np.testing.assert_allclose(fit.standard_errors / se, 1.0, atol=SE_TOLERANCE)
    assert fit.minus2ll == pytest.approx(EXACT_MINUS2LL, abs=MINUS2LL_TOLERANCE)
    assert fit.convergence.is_converged


def test_exact_maximum_is_reached(shared: Path, hnscc_fit: GrowthFit):
    assert_exact(hnscc_fit, shared)
    assert hnscc_fit.n_lesions == 777
    assert hnscc_fit.n_observations == 3574
    assert hnscc_fit.n_censored == 565


def test_published_monolix_point_is_not_the_maximum(hnscc_fit: GrowthFit):
    ours, theirs = minus2ll_at(hnscc_fit, {}), minus2ll_at(hnscc_fit, MONOLIX)
    # on the grid: 59564.4, 21.6 above the minimum
    assert theirs.minus2ll - ours.minus2ll == pytest.approx(21.6, abs=3.0)
    assert theirs.minus2ll == pytest.approx(59564.4, abs=3.0)


def test_conditional_means_equal_the_oracles(shared: Path, hnscc_fit: GrowthFit):
    path = shared / "reference/nlme_growth/exact_interval_individual.csv"
    exact = pd.read_csv(path).set_index("lesionID").loc[hnscc_fit.lesions.lesion]
    names = ("kge", "kkill", "F")
    mean = exact[[f"mean_phi_{name}" for name in names]].to_numpy()
    sd = exact[[f"sd_phi_{name}" for name in names]].to_numpy()
    off = (hnscc_fit.lesions.mean_phi - mean) / sd
    # the oracle's own Monte Carlo error: 1 / sqrt(80 to 1,000 effective draws) = .03 to .11 sd;
    # its population point lies another .05 standard errors from the exact one
    assert np.sqrt((off**2).mean()) < 0.06
    assert np.quantile(np.abs(off), 0.99) < 0.2
    assert np.abs(off).max() < 0.5
    assert np.median(hnscc_fit.lesions.sd_phi / sd, axis=0) == pytest.approx(1.0, abs=0.02)
    mean_psi = exact[[f"mean_psi_{name}" for name in names]].to_numpy()
    off = (hnscc_fit.lesions.mean_psi - mean_psi) / hnscc_fit.lesions.sd_psi
    assert np.sqrt((off**2).mean()) < 0.06


def test_conditional_modes_equal_the_oracles(shared: Path, hnscc: GrowthData, hnscc_fit: GrowthFit):
    """At the oracle's own population point, so that what is compared are the modes alone."""
    folder = shared / "reference/nlme_growth"
    names = {"kg": "kge", "kd": "kkill", "f": "F"}
    theirs = json.loads((folder / "exact_interval.json").read_text())["estimate"]
    point = {f"{ours}_pop": theirs[name] for ours, name in names.items()}
    point |= {f"omega_{ours}": theirs[f"omega_{name}"] for ours, name in names.items()}
    fit = fit_at(hnscc, {**point, "b": theirs["b"]}, model=TwoPopulation(), count_baseline=True)
    exact = pd.read_csv(folder / "exact_interval_individual.csv").set_index("lesionID")
    exact = exact.loc[fit.lesions.lesion]
    modes = conditional_modes(fit)
    assert modes.is_converged.all()
    psi = exact[[f"mode_psi_{name}" for name in names.values()]].to_numpy()
    parameters = fit.problem.model.parameters
    phi = np.stack([one.to_phi(psi[:, k]) for k, one in enumerate(parameters)], axis=1)
    off = np.abs(modes.phi - phi) / fit.population.sd
    # the oracle's modes come from a random search with steps of 1e-3
    assert np.quantile(off, 0.99) < 1e-3
    assert off.max() < 1e-2
    gain = modes.log_posterior - exact.log_posterior_mode.to_numpy()
    assert np.abs(gain).max() < 1e-3


def test_shrinkage_equals_that_of_another_implementation(hnscc_fit: GrowthFit):
    modes = conditional_modes(hnscc_fit)
    found = shrinkage(hnscc_fit, modes)
    # means .63 .51 .52, modes .61 .65 .55
    np.testing.assert_allclose(found.of_means, [0.63, 0.51, 0.52], atol=0.02)
    np.testing.assert_allclose(found.of_modes, [0.61, 0.65, 0.55], atol=0.03)


def test_the_lesion_with_the_wrong_baseline_is_the_most_influential(hnscc_fit: GrowthFit):
    found = influence(hnscc_fit)
    assert hnscc_fit.lesions.lesion[np.argmax(found.largest_shift)] == 1369
    b = hnscc_fit.labels.index("b")
    assert np.argmax(found.shift[:, b]) == np.argmax(found.largest_shift)


def test_leaving_out_the_baselines_gives_the_documented_estimates(hnscc: GrowthData):
    fit = fit_growth(hnscc, settings=FitSettings(n_nodes=896, n_likelihood_nodes=448))
    assert fit.n_observations == 2798
    # by another implementation, to three or four digits
    documented = np.array([0.00460, 0.0253, 0.0330, 1.153, 1.236, 3.477, 0.4619])
    assert np.abs((fit.estimates - documented) / fit.standard_errors).max() < LARGEST_DISTANCE


@pytest.mark.slow
@pytest.mark.parametrize(("convention", "name"), [("ignore_lower", "m3"), ("as_observed", "asobs")])
def test_other_censoring_conventions_reach_their_maximum(
    shared: Path, hnscc: GrowthData, convention: str, name: str
):
    exact = oracle(shared, name)
    fit = fit_growth(hnscc, count_baseline=True, censoring=convention, seed=1)
    se = exact_se(shared, name)
    wanted = np.array(list(exact["estimate"].values()))
    assert np.abs((fit.estimates - wanted) / se).max() < LARGEST_DISTANCE
    np.testing.assert_allclose(fit.standard_errors / se, 1.0, atol=SE_TOLERANCE)
    theirs = dict(zip(fit.labels, wanted.tolist(), strict=True))
    ours, other = minus2ll_at(fit, {}), minus2ll_at(fit, theirs)
    assert ours.minus2ll <= other.minus2ll + 2 * np.hypot(ours.mc_se, other.mc_se)


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_every_seed_and_start_reaches_the_exact_maximum(
    shared: Path, hnscc: GrowthData, start: tuple[float, ...]
):
    for seed in range(10):
        fit = fit_growth(hnscc, count_baseline=True, start=named_start(start), seed=seed)
        assert_exact(fit, shared)


@pytest.mark.slow
def test_warm_start_agrees_with_a_cold_one_on_real_data(
    shared: Path, hnscc: GrowthData, hnscc_fit: GrowthFit
):
    """A fit warm-started from that of all but 50 lesions."""
    before = fit_growth(hnscc.take(np.arange(727)), count_baseline=True, seed=2)
    warm = fit_growth(hnscc, count_baseline=True, seed=1, start=before)
    apart = np.abs(warm.estimates - hnscc_fit.estimates) / exact_se(shared)
    assert apart.max() < 0.05


def poplar(shared: Path) -> pd.DataFrame:
    """POPLAR under the reference's conventions: zero and too small = 2 mm, 949 rows."""
    path = shared / "data/laleh2022_fir_poplar_imvigor/s006_Study2.csv"
    data = pd.read_csv(path, dtype=str).drop_duplicates()
    data.columns = ["patient", "day", "mm", "arm"]
    data = data[data.mm.notna() & data.day.notna() & (data.mm != "NOT EVALUABLE")]
    mm = data.mm.where(data.mm != "TOO SMALL TO MEASURE", "0").astype(float)
    data = data.assign(mm=mm.where(mm > 0, 2.0), day=data.day.astype(float))
    return data.sort_values(["patient", "day"], kind="stable")


SAEMIX_LABELS = {"ks": "kd", "b0": "v0", "kge": "kg", "kkill": "kd", "F": "f"}


def saemix_points(shared: Path, model: str) -> list[dict[str, float]]:
    """Estimates of both seeds by our labels."""
    path = shared / "data/laleh2022_fir_poplar_imvigor/reference_saemix_POPLAR.csv"
    table = pd.read_csv(path)
    points = []
    for _, rows in table[table.model == model].groupby("seed"):
        values = dict(zip(rows.param, rows.estimate, strict=True))
        point = {"b": values.pop("b.1")}
        for name, value in values.items():
            if name.startswith("Var."):
                continue
            base = name.removeprefix("SD.")
            label = SAEMIX_LABELS.get(base, base)
            point[f"omega_{label}" if name.startswith("SD.") else f"{label}_pop"] = value
        points.append(point)
    return points


@pytest.mark.parametrize("model", ["Zhou2023_volume_days", "SteinFojo_LD_years"])
def test_poplar_likelihood_is_not_above_saemix(shared: Path, model: str):
    data = poplar(shared)
    assert len(data) == 949
    if model.startswith("Zhou"):
        volume, day = 0.5 * data.mm * (data.mm / 1.31) ** 2, data.day
        options = {}
    else:
        volume, day = data.mm, data.day / 365.25
        options = {
            "model": SteinFojo(baseline="parameter"),
            "start": {"v0": 40.0, "kg": 0.35, "kd": 0.5},
        }
    arrays = GrowthData.from_arrays(data.patient, day, volume, duplicated_days="keep")
    assert arrays.n_rows == 949
    fit = fit_growth(
        arrays,
        count_baseline=True,
        settings=FitSettings(n_nodes=3584, n_likelihood_nodes=3584),
        **options,
    )
    ours = minus2ll_at(fit, {})
    for point in saemix_points(shared, model):
        theirs = minus2ll_at(fit, point)
        assert ours.minus2ll <= theirs.minus2ll + 2 * np.hypot(ours.mc_se, theirs.mc_se)


def test_file_order_and_ids_as_text_change_nothing_but_the_ids(shared: Path, hnscc: GrowthData):
    rows = read_hnscc(shared).sample(frac=1.0, random_state=1)
    text = rows.lesionID.map("{:05d}".format)
    again = GrowthData.from_arrays(
        text, rows.time, rows.DV, rows.V0, rows.T0, rows.CENSORING, rows.LIMIT
    )
    np.testing.assert_array_equal(again.time, hnscc.time)
    np.testing.assert_array_equal(again.volume, hnscc.volume)
    assert again.lesion[0] == "00001"
