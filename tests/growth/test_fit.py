"""Whole fits of simulated data: truth, determinism, options, interruption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, QUICK
from threadpoolctl import threadpool_limits

from udfs.growth import (
    MODELS,
    FitInterruptedError,
    FitProgress,
    FitSettings,
    GrowthData,
    GrowthDataError,
    GrowthFit,
    SteinFojo,
    TwoPopulation,
    compare_models,
    conditional_draws,
    conditional_modes,
    effect_tests,
    fit_growth,
    fit_second_level,
    format_fit,
    simulate_data,
    simulate_schedule,
)
from udfs.growth.residual_error import ResidualError

FAR = 3.5
"""Standard errors from the truth: exceeded once in 2,000 by an estimate of a right program."""


def distance(fit: GrowthFit, truth: dict[str, float]) -> np.ndarray:
    """(estimate - truth) / standard error."""
    wanted = np.array([truth[label] for label in fit.labels])
    return (fit.estimates - wanted) / fit.standard_errors


def test_known_truth_is_recovered(simulated_fit: GrowthFit):
    assert simulated_fit.convergence.is_converged, simulated_fit.convergence.verdict
    assert np.abs(distance(simulated_fit, CRC_LIKE)).max() < FAR


def test_likelihood_criteria_and_counts(simulated: GrowthData, simulated_fit: GrowthFit):
    fit = simulated_fit
    assert fit.aic == pytest.approx(fit.minus2ll + 14)
    assert fit.bic == pytest.approx(fit.minus2ll + 7 * np.log(300))
    assert fit.n_observations == simulated.n_rows - simulated.is_own_baseline.sum()
    assert fit.n_censored == simulated.is_censored.sum()
    assert fit.minus2ll == pytest.approx(-2 * fit.lesions.loglik.sum())


def shuffled(data: GrowthData, seed: int) -> GrowthData:
    """The same measurements handed over in another order."""
    order = np.random.default_rng(seed).permutation(data.n_rows)
    lesion = data.row_lesion[order]
    return GrowthData.from_arrays(
        data.lesion[lesion],
        data.time[order],
        data.volume[order],
        data.v0[lesion],
        data.t0[lesion],
        data.is_censored[order].astype(int),
        np.where(data.is_censored, data.lower, np.nan)[order],
    )


def test_same_bytes_for_any_threads_and_any_order_of_rows(
    simulated: GrowthData, simulated_fit: GrowthFit
):
    with threadpool_limits(2):
        turned = fit_growth(shuffled(simulated, 5), settings=QUICK, threads=2)
    for name in ("estimates", "standard_errors", "saem_trace"):
        assert getattr(turned, name).tobytes() == getattr(simulated_fit, name).tobytes()
    assert turned.minus2ll == simulated_fit.minus2ll
    for name in ("mean_phi", "sd_phi", "ess"):
        ours, theirs = getattr(simulated_fit.lesions, name), getattr(turned.lesions, name)
        assert ours.tobytes() == theirs.tobytes()


def test_progress_is_told_and_can_interrupt(simulated: GrowthData):
    seen: list[FitProgress] = []

    def stop_at_30(state: FitProgress) -> bool:
        seen.append(state)
        return state.iteration < 30

    with pytest.raises(FitInterruptedError, match="saem 30") as caught:
        fit_growth(simulated, settings=QUICK, progress=stop_at_30)
    # a slow machine is told more than once where the fit is, and that it has begun
    assert sorted({one.iteration for one in seen} - {0}) == list(range(1, 31))
    assert caught.value.progress is seen[-1]
    assert set(seen[0].estimates) == set(CRC_LIKE)
    told = {one.iteration: one.minus2ll for one in reversed(seen)}  # where it was told first
    assert [k for k, value in told.items() if value is not None] == [20]  # every twentieth
    assert told[20] is not None
    assert np.isfinite(told[20])


def test_progress_does_not_change_the_answer(simulated: GrowthData, simulated_fit: GrowthFit):
    values = []
    fit = fit_growth(simulated, settings=QUICK, progress=lambda s: values.append(s.minus2ll))
    assert fit.estimates.tobytes() == simulated_fit.estimates.tobytes()
    assert values[-1] == fit.minus2ll


def test_every_long_stage_asks_whether_to_go_on(
    simulated: GrowthData, monkeypatch: pytest.MonkeyPatch
):
    for module in ("fit", "two_level_climb"):
        monkeypatch.setattr(f"udfs.growth.{module}.PULSE_SECONDS", 0.0)
    told: Counter[tuple[str, int]] = Counter()
    fit = fit_growth(simulated, settings=QUICK, progress=lambda s: told.update([s_key(s)]))
    by_stage = Counter({stage: 0 for stage, _ in told})
    for (stage, _), count in told.items():
        by_stage[stage] = max(by_stage[stage], count)
    # chains, passes over the lesions, the likelihood: several calls within one iteration
    assert min(by_stage[one] for one in ("saem", "proposals", "newton", "estimated")) > 1
    asked: list[int] = []
    conditional_modes(fit, pulse=lambda: asked.append(1))
    conditional_draws(fit, 20, pulse=lambda: asked.append(1))
    assert len(asked) > 2
    nested = replace(simulated, patient=np.arange(300) // 3)
    told.clear()
    fit_second_level(fit_growth(nested, settings=QUICK), progress=lambda s: told.update([s_key(s)]))
    assert max(told.values()) > 1

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conditional_draws(fit, 20, threads=2, pulse=stop)


def s_key(state: FitProgress) -> tuple[str, int]:
    return state.stage, state.iteration


def test_start_is_checked(simulated: GrowthData, simulated_fit: GrowthFit):
    with pytest.raises(ValueError, match="kge"):
        fit_growth(simulated, start={"kge": 0.01})
    with pytest.raises(ValueError, match=r"f = 1\.5 is not possible"):
        fit_growth(simulated, start={"f": 1.5})
    with pytest.raises(ValueError, match="above 0"):
        fit_growth(simulated, start={"omega_kg": -1})
    with pytest.raises(ValueError, match="same model"):
        fit_growth(simulated, model=SteinFojo(), start=simulated_fit)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": "exponential"}, "error = 'exponential' is not possible; it must be prop"),
        ({"omega": "block"}, "omega = 'block' is not possible"),
        ({"censoring": "m3"}, "censoring = 'm3' is not possible"),
        ({"model": "claret"}, "model = 'claret' is not possible"),
    ],
)
def test_options_are_checked(simulated: GrowthData, options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        fit_growth(simulated, **options)


@pytest.mark.parametrize("option", ["baseline", "pretreatment"])
def test_options_of_models_are_checked(option: str):
    with pytest.raises(ValueError, match=f"{option} = 'none' is not possible"):
        TwoPopulation(**{option: "none"})


def test_no_nan_anywhere(simulated_fit: GrowthFit):
    lesions = simulated_fit.lesions
    for one in (
        simulated_fit.estimates,
        simulated_fit.standard_errors,
        lesions.mean_phi,
        lesions.sd_phi,
        lesions.loglik,
    ):
        assert np.isfinite(one).all()


def test_lesions_with_only_a_baseline_are_not_fitted(schedule: Callable):
    base = simulate_data(schedule(60, 1), CRC_LIKE, seed=1)
    first = base.row_lesion != 5
    first[base.offsets[5]] = True
    some = GrowthData.from_arrays(
        base.row_lesion[first],
        base.time[first],
        base.volume[first],
        base.v0[base.row_lesion][first],
        base.t0[base.row_lesion][first],
        fewest_observations=1,
    )
    fit = fit_growth(some, settings=QUICK)
    assert fit.problem.idle.tolist() == [5]
    assert fit.n_lesions == 59
    assert 5 not in fit.lesions.lesion


def test_covariates_recover_planted_effects(schedule: Callable):
    rng = np.random.default_rng(4)
    organ = rng.choice(["liver", "lung", "node"], 400, p=[0.5, 0.3, 0.2])
    age = rng.normal(60, 10, 400)
    base = replace(schedule(400, 4), covariates={"organ": organ, "age": age, "noise": age[::-1]})
    effects = {
        "beta_f_organ_lung": -0.8,
        "beta_f_organ_node": 0.8,
        "beta_kg_organ_lung": 0.5,
        "beta_kg_organ_node": 0.0,
        "beta_kd_age": 0.03,
    }
    planted = {"kg": ("organ",), "f": ("organ",), "kd": ("age",)}
    data = simulate_data(base, CRC_LIKE | effects, covariates=planted, seed=8)
    asked = planted | {"kd": ("age", "noise")}
    fit = fit_growth(data, covariates=asked, references={"organ": "liver"}, settings=QUICK)
    truth = CRC_LIKE | effects | {"beta_kd_noise": 0.0}
    assert np.abs(distance(fit, truth)).max() < FAR
    tests = {(one.parameter, one.covariate): one for one in effect_tests(fit)}
    assert tests["f", "organ"].p_value < 1e-4
    assert tests["f", "organ"].df == 2
    assert tests["f", "organ"].reference == "liver"
    assert tests["kd", "age"].p_value < 0.01
    assert tests["kd", "noise"].p_value > 0.01


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ({"kg": ["organ"]}, "'organ' is missing"),
        ({"kg": ["sex"]}, "'sex' is 'f' for every"),
        ({"kg": ["age"]}, "'age' is missing for 1"),
        ({"kg": ["bmi"]}, "no covariate is called 'bmi'"),
        ({"kge": ["sex"]}, "asked for on 'kge'"),
    ],
)
def test_bad_covariates_give_one_clear_message(
    simulated: GrowthData, covariates: dict, message: str
):
    organ = np.array(["liver", ""] * 150)
    age = np.arange(300.0)
    age[3] = np.nan
    data = replace(simulated, covariates={"organ": organ, "sex": np.full(300, "f"), "age": age})
    with pytest.raises(GrowthDataError, match=message):
        fit_growth(data, covariates=covariates)


def test_full_omega_recovers_planted_correlations(schedule: Callable):
    truth = CRC_LIKE | {"corr_kg_kd": 0.3, "corr_kg_f": 0.4, "corr_kd_f": -0.5}
    data = simulate_data(schedule(500, 11), truth, seed=11)
    fit = fit_growth(data, omega="full", settings=QUICK)
    z = distance(fit, truth)
    assert np.abs(z).max() < FAR
    correlations = [k for k, name in enumerate(fit.labels) if name.startswith("corr")]
    assert np.abs(z[correlations]).max() < 2.0
    table = format_fit(fit)
    assert "corr_kd_f" in table
    assert "Correlations" in table


def test_the_table_holds_what_monolix_prints(schedule: Callable):
    base = replace(schedule(120, 4), covariates={"organ": np.array(["lung", "liver"] * 60)})
    fit = fit_growth(
        simulate_data(base, CRC_LIKE, seed=4), covariates={"kd": ("organ",)}, settings=QUICK
    )
    table = [line.split() for line in format_fit(fit).splitlines()]
    (effect,) = (
        words for words in table if words[:1] == ["beta_kd_organ_lung"] and len(words) == 5
    )
    (test,) = effect_tests(fit)
    assert float(effect[4]) == pytest.approx(test.p_value, rel=0.01)
    (bicc,) = (words for words in table if words[:1] == ["Corrected"])
    wanted = fit.minus2ll + 7 * np.log(120) + np.log(fit.n_observations)
    assert float(bicc[-1]) == pytest.approx(wanted, abs=0.006)
    (row,) = (words for words in table if words[:1] == ["b"] and words[-1] == "1.000")
    spread = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(
        [float(one) for one in row[1:]], fit.covariance[-1] / spread / spread[-1], atol=6e-4
    )


@pytest.mark.parametrize(
    ("error", "values"), [("combined", {"a": 250.0, "b": 0.15}), ("constant", {"a": 3.0})]
)
def test_other_error_models_recover_the_truth(schedule: Callable, error: str, values: dict):
    truth = {name: value for name, value in CRC_LIKE.items() if name != "b"} | values
    base = schedule(300, 5)
    if error == "constant":  # sizes of 15 to 90, as diameters in mm
        base = replace(base, v0=np.clip(base.v0**0.4, 15, 90))
        truth = truth | {"omega_kg": 0.3}
    limit = None if error == "constant" else 200.0
    data = simulate_data(base, truth, error=error, limit_mm3=limit, lower_mm3=-np.inf, seed=2)
    fit = fit_growth(data, error=error, settings=QUICK)
    assert np.abs(distance(fit, truth)).max() < FAR


MODEL_TRUTHS = {
    "two_population": CRC_LIKE,
    "stein_fojo": {"kg_pop": 0.003, "kd_pop": 0.01, "omega_kg": 0.6, "omega_kd": 0.7, "b": 0.2},
    "claret": {
        "kg_pop": 0.003,
        "kd_pop": 0.02,
        "lam_pop": 0.01,
        "omega_kg": 0.5,
        "omega_kd": 0.6,
        "omega_lam": 0.5,
        "b": 0.15,
    },
    "exponential": {"k_pop": -0.002, "omega_k": 0.004, "b": 0.2},
    "gompertz": {
        "k_pop": -0.01,
        "decay_pop": 0.01,
        "omega_k": 0.012,
        "omega_decay": 0.4,
        "b": 0.15,
    },
    "logistic": {"r_pop": 0.01, "q_pop": 0.4, "omega_r": 0.6, "omega_q": 0.8, "b": 0.15},
}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "two_population"])
def test_other_growth_models_recover_the_truth(schedule: Callable, name: str):
    model, truth = MODELS[name](), MODEL_TRUTHS[name]
    data = simulate_data(schedule(250, 6), truth, model=model, seed=6)
    fit = fit_growth(data, model=model, settings=QUICK)
    assert np.abs(distance(fit, truth)).max() < FAR


def test_estimated_baselines_recover_the_truth(schedule: Callable):
    truth = MODEL_TRUTHS["stein_fojo"] | {"v0_pop": 9000.0, "omega_v0": 1.0}
    model = SteinFojo(baseline="parameter")
    data = simulate_data(schedule(250, 9), truth, model=model, seed=9)
    fit = fit_growth(data, model=model, settings=QUICK)
    assert fit.n_observations == data.n_rows
    assert np.abs(distance(fit, truth)).max() < FAR


def test_information_criteria_find_the_model_that_made_the_data():
    truth = MODEL_TRUTHS["stein_fojo"]
    data = simulate_data(simulate_schedule(200, 12), truth, model=SteinFojo(), seed=12)
    models = [MODELS[name]() for name in ("stein_fojo", "exponential", "gompertz")]
    table = compare_models(data, models, settings=QUICK)
    assert table.model[int(np.argmin(table.bic))] == "stein_fojo"
    assert table.delta_bic[0] == 0
    assert table.delta_bic[1] > 10
    mixed = [SteinFojo(), SteinFojo(baseline="parameter")]
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_models(data, mixed, settings=QUICK)


def test_warm_start_agrees_with_a_cold_one(simulated: GrowthData):
    exact = FitSettings(n_nodes=7168, n_likelihood_nodes=448)
    cold = fit_growth(simulated, settings=exact)
    moved = simulate_data(simulate_schedule(300, 7), CRC_LIKE, seed=8)
    other = fit_growth(moved, settings=QUICK)
    warm = fit_growth(simulated, settings=exact, start=other)
    assert len(warm.saem_trace) == 0
    apart = np.abs(warm.estimates - cold.estimates) / cold.standard_errors
    assert apart.max() < 0.05


@pytest.mark.parametrize("error", ["proportional", "constant", "combined"])
def test_curves_through_every_measurement_are_refused(simulated_fit: GrowthFit, error: str):
    """The likelihood has no largest value where the residual error goes to 0."""
    problem = replace(simulated_fit.problem, error=ResidualError(error))
    scale = float(np.median(problem.y[~problem.is_censored]))
    unit = {"proportional": [1.0], "constant": [scale], "combined": [scale / 2, 0.5]}[error]
    problem.refuse_exact_curves(1.01e-4 * np.array(unit))
    with pytest.raises(GrowthDataError, match="go through every measurement"):
        problem.refuse_exact_curves(0.99e-4 * np.array(unit))
