"""A fit put together from its estimates, and larger models climbed from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, QUICK
from scipy.stats import f

from udfs.growth import (
    GrowthData,
    GrowthFit,
    TwoPopulation,
    conditional_draws,
    conditional_modes,
    fit_growth,
    simulate_data,
    simulate_schedule,
)
from udfs.growth.clustered import clustered_correlation
from udfs.growth.effects import clustered_covariance, likelihood_ratios, term_tests
from udfs.growth.restore import extend_fit, fit_at

EFFECTS = {
    "beta_kg_organ_lung": -0.5,
    "beta_kg_organ_bone": 0.3,
    "beta_kd_organ_lung": 0.4,
    "beta_kd_organ_bone": -0.4,
    "beta_f_organ_lung": 0.0,
    "beta_f_organ_bone": 1.2,
    "beta_kg_arm_antibody": -0.2,
    "beta_kd_arm_antibody": 0.1,
    "beta_f_arm_antibody": -0.7,
}
WITH = dict.fromkeys(("kg", "kd", "f"), ("organ", "arm"))
REFERENCES = {"organ": "liver", "arm": "chemotherapy"}


def planted(n: int, seed: int) -> GrowthData:
    """Lesions of three organs under two arms, with planted effects."""
    rng = np.random.default_rng(seed)
    schedule = replace(
        simulate_schedule(n, seed),
        covariates={
            "organ": rng.choice(["liver", "lung", "bone"], n, p=[0.5, 0.3, 0.2]),
            "arm": rng.choice(["chemotherapy", "antibody"], n),
        },
    )
    truth = CRC_LIKE | EFFECTS
    return simulate_data(schedule, truth, covariates=WITH, references=REFERENCES, seed=seed)


@pytest.fixture(scope="module")
def data() -> GrowthData:
    return planted(450, 21)


@pytest.fixture(scope="module")
def small(data: GrowthData) -> GrowthFit:
    return fit_growth(data, settings=QUICK)


@pytest.fixture(scope="module")
def large(data: GrowthData, small: GrowthFit) -> GrowthFit:
    return extend_fit(small, data=data, covariates=WITH, references=REFERENCES)


def values_of(fit: GrowthFit) -> dict[str, float]:
    return dict(zip(fit.labels, fit.estimates.tolist(), strict=True))


def test_a_restored_fit_says_what_the_fit_said(data: GrowthData, small: GrowthFit) -> None:
    found = fit_at(data, values_of(small), model=TwoPopulation())
    assert found.labels == small.labels
    np.testing.assert_allclose(found.estimates, small.estimates, rtol=1e-12)
    error = 4 * (found.minus2ll_mc_se + small.minus2ll_mc_se)
    assert abs(found.minus2ll - small.minus2ll) < error
    np.testing.assert_allclose(found.standard_errors, small.standard_errors, rtol=0.03)
    off = (found.lesions.mean_phi - small.lesions.mean_phi) / small.population.sd
    assert np.sqrt((off**2).mean()) < 0.05  # Monte Carlo error of a few hundred nodes
    modes = conditional_modes(small).phi
    np.testing.assert_allclose(conditional_modes(found).phi, modes, atol=1e-4)
    near = fit_at(data, values_of(small), model=TwoPopulation(), near=modes)
    off = (near.lesions.mean_phi - small.lesions.mean_phi) / small.population.sd
    assert np.sqrt((off**2).mean()) < 0.05


def test_threads_change_no_byte_of_a_restored_fit(data: GrowthData, small: GrowthFit) -> None:
    one = fit_at(data, values_of(small), model=TwoPopulation(), n_nodes=224)
    two = fit_at(data, values_of(small), model=TwoPopulation(), n_nodes=224, threads=2)
    assert one.lesions.mean_phi.tobytes() == two.lesions.mean_phi.tobytes()
    assert one.minus2ll == two.minus2ll


def test_a_label_too_many_or_too_few_is_told(data: GrowthData, small: GrowthFit) -> None:
    values = values_of(small)
    with pytest.raises(ValueError, match="missing: b"):
        fit_at(data, {k: v for k, v in values.items() if k != "b"}, model=TwoPopulation())
    with pytest.raises(ValueError, match="unknown: gamma_kg"):
        fit_at(data, values | {"gamma_kg": 1.0}, model=TwoPopulation())
    with pytest.raises(ValueError, match="near has shape"):
        fit_at(data, values, model=TwoPopulation(), near=np.zeros((3, 3)))


def test_an_extended_fit_is_where_a_cold_fit_ends(data: GrowthData, large: GrowthFit) -> None:
    cold = fit_growth(data, covariates=WITH, references=REFERENCES, settings=QUICK)
    assert large.labels == cold.labels
    off = (large.estimates - cold.estimates) / cold.standard_errors
    assert np.abs(off).max() < 0.3  # each is exact to some tenths of a standard error
    np.testing.assert_allclose(large.standard_errors, cold.standard_errors, rtol=0.05)


def test_planted_effects_are_found(large: GrowthFit) -> None:
    truth = CRC_LIKE | EFFECTS
    z = np.array(
        [
            (value - truth[label]) / error
            for label, value, error in zip(
                large.labels, large.estimates, large.standard_errors, strict=True
            )
            if label.startswith("beta_")
        ]
    )
    assert len(z) == len(EFFECTS)
    assert (np.abs(z) > 2).sum() <= 1  # of nine, 0.4 are to be expected
    assert np.abs(z).max() < 3.5


def test_tests_of_covariates_agree_with_each_other(
    data: GrowthData, small: GrowthFit, large: GrowthFit
) -> None:
    everyone = np.arange(large.n_lesions)
    alone = clustered_covariance(large, everyone)
    ratio = np.sqrt(np.diag(alone) / np.diag(large.theta_covariance))
    assert ratio == pytest.approx(1.0, abs=0.25)  # a right model: sandwich and information agree
    tests = {(t.parameter, t.covariate): t for t in term_tests(large, alone, large.n_lesions)}
    test = tests["f", "organ"]
    places = [large.labels.index(f"beta_f_organ_{one}") for one in ("bone", "lung")]
    effect = large.estimates[places]
    by_hand = effect @ np.linalg.inv(alone[np.ix_(places, places)]) @ effect
    assert (test.chi2, test.df) == (pytest.approx(by_hand), 2)
    assert test.p_value == pytest.approx(f.sf(by_hand / 2, 2, large.n_lesions - 1))
    every, arm = likelihood_ratios(large, [None, "arm"])
    assert (every.df, arm.df) == (9, 3)
    # Worked out another way: from two fits' own likelihoods, each with its Monte Carlo error.
    error = 3 * (small.minus2ll_mc_se + large.minus2ll_mc_se)
    assert every.chi2 == pytest.approx(small.minus2ll - large.minus2ll, abs=error)
    without = fit_growth(
        data,
        covariates=dict.fromkeys(("kg", "kd", "f"), ("organ",)),
        references={"organ": "liver"},
        settings=QUICK,
    )
    error = 3 * (without.minus2ll_mc_se + large.minus2ll_mc_se)
    assert arm.chi2 == pytest.approx(without.minus2ll - large.minus2ll, abs=error)
    with pytest.raises(ValueError, match="no covariate 'sex'"):
        likelihood_ratios(large, ["sex"])


def test_lesions_of_a_patient_do_not_count_twice(large: GrowthFit) -> None:
    """Scores doubled: as if every lesion had a twin in its patient, the variance doubles too."""
    n = large.n_lesions
    twins = replace(large, scores=np.concatenate([large.scores, large.scores]))
    patient = np.concatenate([np.arange(n), np.arange(n)])
    with_twins = clustered_covariance(twins, patient)
    alone = clustered_covariance(large, np.arange(n))
    np.testing.assert_allclose(with_twins, 4 * alone, rtol=1e-9)
    with pytest.raises(ValueError, match="do not carry"):
        clustered_covariance(large, np.zeros(n))


def test_other_rows_are_refused(small: GrowthFit) -> None:
    with pytest.raises(ValueError, match="do not hold the rows"):
        extend_fit(small, data=planted(100, 3), covariates=WITH)


@pytest.mark.parametrize("planted_r", [0.0, 0.6])
def test_draws_know_a_correlation_where_modes_do_not(planted_r: float) -> None:
    """Modes correlate by shrinkage alone; draws of a model that allows a correlation do not."""
    truth = CRC_LIKE | {"corr_kg_kd": planted_r, "corr_kg_f": 0.0, "corr_kd_f": 0.0}
    data = simulate_data(simulate_schedule(700, 5), truth, seed=5)
    fit = fit_growth(data, settings=QUICK)
    n = fit.n_lesions
    full = extend_fit(fit, omega="full", n_nodes=448)
    k = full.labels.index("corr_kd_f")
    modes = conditional_modes(fit).phi
    of_modes = clustered_correlation(modes[:, 1], modes[:, 2], np.arange(n))
    assert abs(of_modes.estimate) > 0.1
    assert of_modes.p_value < 1e-3  # yet kd and F are independent
    draws = conditional_draws(full, 20).phi
    of_draws = clustered_correlation(draws[..., 1], draws[..., 2], np.arange(n))
    # Draws at the estimates have the fit's own correlation, up to Monte Carlo error.
    assert of_draws.estimate == pytest.approx(full.estimates[k], abs=0.05)
    assert abs(full.estimates[k]) < 2.5 * full.standard_errors[k]
    k = full.labels.index("corr_kg_kd")
    assert abs(full.estimates[k] - planted_r) < 2.5 * full.standard_errors[k]
    own = conditional_draws(fit, 20).phi
    of_own = clustered_correlation(own[..., 0], own[..., 1], np.arange(n)).estimate
    if planted_r == 0.0:
        assert abs(of_own) < 0.1
    else:  # independent random effects draw it towards 0
        assert 0.02 < of_own < 0.8 * planted_r
        of_full = clustered_correlation(draws[..., 0], draws[..., 1], np.arange(n)).estimate
        assert abs(of_full - planted_r) < 2.5 * full.standard_errors[k]


@pytest.mark.slow
def test_effects_are_unbiased_and_covered_over_repeats() -> None:
    """Thirty data sets: z scores of nine effects, and of one that is the patient's."""
    z, wald, ratio = [], [], []
    for seed in range(30):
        made = planted(600, 700 + seed)
        fit = extend_fit(
            fit_growth(made, settings=QUICK), data=made, covariates=WITH, references=REFERENCES
        )
        truth = CRC_LIKE | EFFECTS
        places = [k for k, label in enumerate(fit.labels) if label.startswith("beta_")]
        off = np.array([fit.estimates[k] - truth[fit.labels[k]] for k in places])
        z.append(off / fit.standard_errors[places])
        patient = np.arange(600) // 4
        # The arm is the patient's, and so are effects on kg that no covariate knows.
        rng = np.random.default_rng(seed)
        arm = np.where(rng.random(150) < 0.5, "a", "b")[patient]
        schedule = replace(simulate_schedule(600, seed), patient=patient, covariates={"arm": arm})
        alike = simulate_data(
            schedule,
            CRC_LIKE | {"omega_kd": 0.5, "beta_kd_arm_b": 0.0},
            covariates={"kd": ("arm",)},
            references={"arm": "a"},
            patient_omega={"kd": 0.7},
            seed=seed,
        )
        one = extend_fit(
            fit_growth(alike, settings=QUICK),
            data=alike,
            covariates={"kd": ("arm",)},
            references={"arm": "a"},
        )
        k = one.labels.index("beta_kd_arm_b")
        robust = np.sqrt(clustered_covariance(one, patient[one.lesions.position])[k, k])
        wald.append(one.estimates[k] / robust)
        ratio.append(robust / one.standard_errors[k])
    scores = np.array(z)
    print("mean z", scores.mean(axis=0).round(2), "sd z", scores.std(axis=0).round(2))
    print("covered", (np.abs(scores) < 1.96).mean())
    print("patients: sd of z by patient", np.std(wald), "errors over naive", np.mean(ratio))
    assert np.abs(scores.mean(axis=0)).max() < 3 / np.sqrt(30)
    assert 0.91 <= (np.abs(scores) < 1.96).mean() <= 0.98  # 270 intervals, standard error 1.3 %
    assert 0.7 < np.std(wald) < 1.35  # a standard deviation of 30 is known to 13 %
    # Four lesions of a patient, alike in two thirds of what their few scans show.
    assert np.mean(ratio) > 1.1
