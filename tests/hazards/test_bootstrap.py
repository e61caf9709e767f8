"""Patients drawn again: spread, shared draws, levels that vanish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from udfs.hazards import (
    CoxData,
    Options,
    cox_data,
    design,
    factor,
    fit_cox,
    numeric,
    patient_bootstrap,
    simulate_lesions,
)


def two_endpoints(seed: int = 11) -> tuple[list[CoxData], list]:
    rng = np.random.default_rng(seed)
    u = rng.multivariate_normal([0, 0], [[0.8, -0.6], [-0.6, 0.8]], 200)
    data, fits = [], []
    for k in range(2):
        lesions = simulate_lesions(200, 1400, seed=seed, frailty=u[:, k], n_trials=1)
        large = np.where(lesions.organ == "liver", "liver", "other")
        treated = np.where(lesions.treatment == "chemotherapy", "no", "yes")
        terms = design(factor("organ", large), factor("treated", treated))
        data.append(cox_data(lesions.time_days, lesions.is_event, terms, group=lesions.patient))
        fits.append(fit_cox(data[-1], Options(interval=False)))
    return data, fits


def test_spread_is_near_the_standard_errors_and_draws_are_shared() -> None:
    data, fits = two_endpoints()
    done: list[tuple[int, int]] = []
    found = patient_bootstrap(
        data, fits, n_replicates=60, seed=1, progress=lambda a, b: done.append((a, b))
    )
    assert done[-1] == (60, 60)
    assert found.coefficient[0].shape == (60, 2)
    for k in range(2):
        spread = np.sqrt(np.diag(found.covariance(k, k)))
        # A standard deviation of 60 is good to a tenth.
        np.testing.assert_allclose(spread, fits[k].standard_error, rtol=0.4)
    # Patients' effects are opposite, so the treatment's estimates are too; the organs' are not
    # tied to patients.
    assert found.covariance(0, 1)[1, 1] < 0
    np.testing.assert_allclose(found.covariance(0, 1), found.covariance(1, 0).T)
    assert np.isfinite(found.variance).all()


def test_replicate_does_not_depend_on_how_many_follow() -> None:
    data, fits = two_endpoints()
    few = patient_bootstrap(data, fits, n_replicates=2, seed=5)
    more = patient_bootstrap(data, fits, n_replicates=3, seed=5)
    np.testing.assert_array_equal(few.coefficient[0], more.coefficient[0][:2])
    other = patient_bootstrap(data, fits, n_replicates=2, seed=6)
    assert not np.array_equal(few.coefficient[0], other.coefficient[0])


def test_drawing_everyone_once_gives_the_fit_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    data, fits = two_endpoints()
    monkeypatch.setattr(np.random, "default_rng", lambda _: _Everyone())
    found = patient_bootstrap(data, fits, n_replicates=1, seed=1)
    for k in range(2):
        np.testing.assert_allclose(found.coefficient[k][0], fits[k].coefficient, rtol=1e-4)
        assert found.variance[0, k] == pytest.approx(fits[k].variance, rel=1e-4)


class _Everyone:
    def integers(self, _low: int, high: int, _size: int) -> np.ndarray:
        return np.arange(high)

    def standard_normal(self, size: int) -> np.ndarray:
        return np.ones(size)


def test_level_that_no_drawn_patient_has_is_unknown_in_that_replicate() -> None:
    rng = np.random.default_rng(2)
    n = 600
    group = np.repeat(np.arange(100), 6)
    organ = np.where(rng.random(n) < 0.5, "liver", "lung").astype(object)
    organ[3] = "spleen"  # one lesion, of one patient
    stop = rng.exponential(1, n) * np.exp(-rng.normal(0, 0.7, 100))[group]
    event = rng.random(n) < 0.7
    event[3] = True
    terms = design(factor("organ", organ), numeric("x", rng.normal(size=n)))
    data = cox_data(stop, event, terms, group=group)
    fit = fit_cox(data, Options(interval=False))
    found = patient_bootstrap([data], [fit], n_replicates=20, seed=3)
    spleen = fit.position("organ", "spleen")
    lost = np.isnan(found.coefficient[0][:, spleen])
    assert 2 < lost.sum() < 14  # a third of draws miss a given patient
    others = [k for k in range(3) if k != spleen]
    assert np.isfinite(found.coefficient[0][:, others]).all()


def test_naive_fits_stay_naive() -> None:
    data, _ = two_endpoints()
    fit = fit_cox(data[0], Options(variance=0.0))
    found = patient_bootstrap(data[:1], [fit], n_replicates=3, seed=1)
    assert not found.variance.any()
    without = replace(data[0], group=np.asarray(data[0].group).astype(str))
    again = patient_bootstrap([without], [fit], n_replicates=3, seed=1)
    assert again.coefficient[0].shape == (3, 2)
