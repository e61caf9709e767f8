"""Quadrants of organs: probabilities against normal integrals, labels, comparators, calibration."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from udfs.hazards import (
    QUADRANTS,
    Options,
    OrganEffects,
    fit_cox,
    organ_effects,
    organ_phenotypes,
    simulate_lesions,
)
from udfs.hazards.simulation import ORGAN_LOG_HR

# 20,000 draws: a probability's standard error is at most 0.0035; four of them.
MONTE_CARLO = 0.014


def effects(organ: list[str], log_hr: list[float], sd: float, shared: float) -> OrganEffects:
    """Against the first organ, whose own error every other shares."""
    k = len(organ) - 1
    covariance = np.zeros((k + 1, k + 1))
    covariance[1:, 1:] = shared**2 + np.eye(k) * sd**2
    return OrganEffects(tuple(organ), np.array([0.0, *log_hr]), covariance)


RESPONSE = effects(["abdomen", "liver", "lung", "bone"], [0.3, 0.1, -0.4], 0.15, 0.1)
PROGRESSION = effects(["abdomen", "bone", "liver", "lung"], [0.5, 0.2, -0.3], 0.2, 0.15)


def test_against_the_reference_each_quadrant_is_a_product_of_normal_tails() -> None:
    found = organ_phenotypes(RESPONSE, PROGRESSION, comparator="reference", seed=1)
    assert found.organ == ("bone", "liver", "lung")
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    for i, organ in enumerate(found.organ):
        tails = []
        for e in (RESPONSE, PROGRESSION):
            k = e.organ.index(organ)
            tails.append(norm.cdf(e.log_hr[k] / np.sqrt(e.covariance[k, k])))
        high, up = tails
        expected = [high * up, high * (1 - up), (1 - high) * up, (1 - high) * (1 - up)]
        np.testing.assert_allclose(found.probability[i], expected, atol=MONTE_CARLO)


def test_labels_put_response_first() -> None:
    found = organ_phenotypes(RESPONSE, PROGRESSION, comparator="reference", seed=1)
    label = {
        organ: QUADRANTS[int(found.is_assigned[i].argmax())] for i, organ in enumerate(found.organ)
    }
    assert label == {"bone": "low-high", "liver": "high-high", "lung": "high-low"}
    assert found.response_log_hr.tolist() == [-0.4, 0.3, 0.1]
    assert found.progression_log_hr.tolist() == [0.5, 0.2, -0.3]


def test_against_the_mean_every_organ_has_a_quadrant() -> None:
    found = organ_phenotypes(RESPONSE, PROGRESSION, comparator="mean", seed=1)
    assert found.organ == ("abdomen", "bone", "liver", "lung")
    # The means over the four organs are 0 and 0.1.
    np.testing.assert_allclose(found.response_log_hr, [0, -0.4, 0.3, 0.1], atol=1e-12)
    np.testing.assert_allclose(found.progression_log_hr, [-0.1, 0.4, 0.1, -0.4], atol=1e-12)
    centre = np.eye(4) - 1 / 4
    k = RESPONSE.organ.index("bone")
    sd = np.sqrt((centre @ RESPONSE.covariance @ centre.T)[k, k])
    high = found.probability[1, 0] + found.probability[1, 1]
    assert high == pytest.approx(norm.cdf(-0.4 / sd), abs=MONTE_CARLO)


def test_mean_is_over_the_organs_that_both_models_have() -> None:
    more = effects(["abdomen", "bone", "liver", "lung", "skin"], [0.5, 0.2, -0.3, 9.0], 0.2, 0.1)
    found = organ_phenotypes(RESPONSE, more, comparator="mean", seed=1)
    assert "skin" not in found.organ
    np.testing.assert_allclose(found.progression_log_hr, [-0.1, 0.4, 0.1, -0.4], atol=1e-12)


def test_shared_error_of_the_models_shifts_the_quadrants() -> None:
    cross = np.zeros((4, 4))
    i, j = RESPONSE.organ.index("liver"), PROGRESSION.organ.index("liver")
    cross[i, j] = -0.03
    found = organ_phenotypes(
        RESPONSE, PROGRESSION, comparator="reference", seed=1, cross_covariance=cross
    )
    covariance = [[RESPONSE.covariance[i, i], -0.03], [-0.03, PROGRESSION.covariance[j, j]]]
    both = multivariate_normal([-0.3, -0.2], covariance).cdf([0, 0])
    assert found.probability[1, 0] == pytest.approx(both, abs=MONTE_CARLO)


@pytest.mark.parametrize("comparator", ["reference", "mean"])
def test_shared_error_beyond_the_models_own_is_taken_as_all_of_it(
    comparator: Literal["reference", "mean"],
) -> None:
    # As the estimate from a few patients may be: a correlation of 1.5 for the liver alone.
    cross = np.zeros((4, 4))
    i, j = RESPONSE.organ.index("liver"), PROGRESSION.organ.index("liver")
    cross[i, j] = 1.5 * np.sqrt(RESPONSE.covariance[i, i] * PROGRESSION.covariance[j, j])
    found = organ_phenotypes(
        RESPONSE, PROGRESSION, comparator=comparator, seed=1, cross_covariance=cross
    )
    plain = organ_phenotypes(RESPONSE, PROGRESSION, comparator=comparator, seed=1)
    np.testing.assert_array_equal(found.response_error, plain.response_error)
    np.testing.assert_array_equal(found.progression_error, plain.progression_error)
    k = found.organ.index("liver")
    assert 0.5 < found.error_correlation[k] <= 1
    assert np.abs(found.error_correlation).max() <= 1
    # Draws have these moments: high in both is an orthant of their joint normal distribution.
    r, p = found.response_error[k], found.progression_error[k]
    between = found.error_correlation[k] * r * p
    mean = [-found.response_log_hr[k], -found.progression_log_hr[k]]
    joint = multivariate_normal(mean, [[r**2, between], [between, p**2]], allow_singular=True)
    assert found.probability[k, 0] == pytest.approx(joint.cdf([0, 0]), abs=MONTE_CARLO)


def test_organs_too_uncertain_are_not_assigned() -> None:
    found = organ_phenotypes(
        RESPONSE, PROGRESSION, comparator="reference", seed=1, least_probability=0.9
    )
    np.testing.assert_array_equal(found.is_assigned, found.probability >= 0.9)
    again = organ_phenotypes(
        RESPONSE, PROGRESSION, comparator="reference", seed=1, least_probability=0.9
    )
    np.testing.assert_array_equal(found.probability, again.probability)


def test_what_does_not_fit_together_is_refused() -> None:
    other = replace(PROGRESSION, organ=("skin", *PROGRESSION.organ[1:]))
    with pytest.raises(ValueError, match="'abdomen' for response but with 'skin'"):
        organ_phenotypes(RESPONSE, other, comparator="mean", seed=1)
    with pytest.raises(ValueError, match="comparator is 'median'"):
        organ_phenotypes(RESPONSE, PROGRESSION, comparator="median", seed=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"cross_covariance has shape \(2, 2\)"):
        organ_phenotypes(
            RESPONSE, PROGRESSION, comparator="mean", seed=1, cross_covariance=np.eye(2)
        )
    alone = effects(["abdomen", "eye"], [0.1], 0.1, 0.1)
    with pytest.raises(ValueError, match="no organ in common but the reference"):
        organ_phenotypes(alone, PROGRESSION, comparator="reference", seed=1)


def test_effects_of_a_fit_have_the_reference_first() -> None:
    fit = fit_cox(simulate_lesions(120, 900, seed=8).data(covariates=False), Options(variance=0.5))
    found = organ_effects(fit)
    assert found.organ[0] == "abdomen"
    np.testing.assert_array_equal(found.log_hr[1:], fit.coefficient[:19])
    np.testing.assert_array_equal(found.covariance[1:, 1:], fit.covariance[:19, :19])
    assert not found.covariance[0].any()


RESPONSE_LOG_HR = np.random.default_rng(7).permutation(ORGAN_LOG_HR[1:]) * 0.8


def both_endpoints(n_patients: int, n_lesions: int, seed: int, schedule: str) -> list[OrganEffects]:
    """Organ effects on response and on progression, whose patient effects correlate by -0.44."""
    rng = np.random.default_rng(seed + 10_000)
    u = rng.multivariate_normal([0, 0], [[0.6, -0.264], [-0.264, 0.6]], n_patients)
    found = []
    for k, organ in enumerate((np.concatenate([[0.0], RESPONSE_LOG_HR]), ORGAN_LOG_HR)):
        lesions = simulate_lesions(
            n_patients,
            n_lesions,
            seed=seed,
            schedule=schedule,  # type: ignore[arg-type]
            organ_log_hr=organ,
            frailty=u[:, k],
            median_days=(200.0, 300.0)[k],
            n_trials=1,
        )
        fit = fit_cox(lesions.data(), Options(interval=False))
        found.append(organ_effects(fit))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("comparator", ["reference", "mean"])
def test_sure_quadrants_are_right(comparator: str) -> None:
    """Truth: the hazards fitted to 20 times as many lesions at exact times. Data: scans every 42
    days. Of quadrants given 0.9 or more, at least 85 % are right over 50 data sets."""
    truth = organ_phenotypes(
        *both_endpoints(20_000, 160_000, 1, "exact"),
        comparator=comparator,  # type: ignore[arg-type]
        seed=1,
    )
    true = dict(zip(truth.organ, truth.probability.argmax(axis=1), strict=True))
    sure, right = 0, 0
    for seed in range(2, 52):
        found = organ_phenotypes(
            *both_endpoints(1_000, 8_000, seed, "scan"),
            comparator=comparator,  # type: ignore[arg-type]
            seed=1,
        )
        for organ, p in zip(found.organ, found.probability, strict=True):
            if p.max() >= 0.9:
                sure += 1
                right += int(p.argmax()) == true[organ]
    assert sure > 200
    assert right / sure >= 0.85
