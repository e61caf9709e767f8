"""Patients within sites: against R's coxme, dense matrices, integrals by brute force, and truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hazards.hazard_cases import References
from scipy.optimize import minimize

from udfs.hazards import CoxData, NoRepetitionError, Options, cox_data, design, fit_cox, numeric
from udfs.hazards.errors import HazardDataError
from udfs.hazards.nested import fit_nested
from udfs.hazards.prior import Prior
from udfs.hazards.problem import prepare

# coxme 2.2-22 on R 4.2.2, coxme(Surv(y, uncens) ~ trt + (1 | center/trt), eortc,
# sparse = c(1e5, 1e-9), vfixed = list(groups, sites)): integrated and penalised log-likelihood,
# coefficient, standard error, effects of the first centre and of its two groups.
COXME_FIXED = {
    (0.05, 0.05): (-10517.727616500, -10484.956439624, 0.74541869051, 0.08572728994),
    (0.1, 0.02): (-10518.228822305, -10485.566177787, 0.72885917094, 0.07397257311),
    (0.02, 0.2): (-10523.757295062, -10471.014497861, 0.77767179606, 0.12654325768),
}
COXME_EFFECTS = {
    (0.05, 0.05): (0.3240393520, 0.00799281183, 0.31604654016),
    (0.1, 0.02): (0.4988710907, -0.03377455, 0.13354877),
    (0.02, 0.2): (0.08486075524, 0.19946967338, 0.64913787898),
}
# coxme stops at 1e-8 of the penalised log-likelihood, relative to it: see test_r_references.py.
LOGLIK, COEFFICIENT = 1e-6, 1e-6
# In its third row it stopped 4e-7 short in the likelihood and so 1e-6 in coefficient and effects.
EFFECT = 3e-6
# Its own search of the variances, from a grid, ended here; the likelihood is flat.
COXME_FOUND = (0.068704503792, 0.042088919565, -10517.560017868, 0.7421736933, 0.0828748243)


@pytest.fixture
def eortc(references: References) -> tuple[CoxData, np.ndarray]:
    table = references.frame("eortc.csv")
    group = table["center"].astype(str) + "/" + table["trt"].astype(str)
    data = cox_data(table["y"], table["uncens"], design(numeric("trt", table["trt"])), group=group)
    return data, table["center"].to_numpy()


@pytest.mark.parametrize("variances", COXME_FIXED)
def test_given_variances_equal_coxme(
    variances: tuple[float, float], eortc: tuple[CoxData, np.ndarray]
) -> None:
    answer = COXME_FIXED[variances]
    fit = fit_nested(*eortc, variances=variances)
    assert fit.loglik_integrated == pytest.approx(answer[0], abs=LOGLIK)
    assert fit.loglik_penalized == pytest.approx(answer[1], abs=LOGLIK)
    assert fit.coefficient[0] == pytest.approx(answer[2], abs=COEFFICIENT)
    assert fit.standard_error[0] == pytest.approx(answer[3], abs=COEFFICIENT)
    effects = [fit.site.effect[0], *fit.group_effect[:2]]
    np.testing.assert_allclose(effects, COXME_EFFECTS[variances], atol=EFFECT)


def test_estimated_variances_are_at_least_as_likely_as_coxmes(
    eortc: tuple[CoxData, np.ndarray],
) -> None:
    fit = fit_nested(*eortc)
    assert -1e-6 < fit.loglik_integrated - COXME_FOUND[2] < 1e-3
    assert fit.site_variance == pytest.approx(COXME_FOUND[0], rel=0.01)
    assert fit.variance == pytest.approx(COXME_FOUND[1], rel=0.01)
    # 0.01 of the variances moves the coefficient by 2e-4.
    assert fit.coefficient[0] == pytest.approx(COXME_FOUND[3], abs=3e-4)
    assert fit.standard_error[0] == pytest.approx(COXME_FOUND[4], abs=3e-4)
    # The limits are where the profile has fallen by half of 3.841, the other variance free.
    for at in ("site_variance_lower", "site_variance_upper"):
        limit = getattr(fit, at)
        profile = max(
            fit_nested(*eortc, variances=(limit, other)).loglik_integrated
            for other in np.geomspace(0.005, 0.2, 30)
        )
        # The grid misses its maximum by up to 0.01.
        assert fit.loglik_integrated - profile == pytest.approx(3.841459 / 2, abs=0.02)


def _tiny(seed: int, n_sites: int, n_groups: int, n_rows: int) -> tuple[CoxData, np.ndarray]:
    """Sites of groups of rows, times from effects with variances of about 1, some censored."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_sites * n_groups), n_rows)
    site = group // n_groups
    x = random.normal(size=len(group))
    log_hazard = 0.5 * x + random.normal(size=n_sites)[site]
    log_hazard = log_hazard + random.normal(size=group.max() + 1)[group]
    time = np.ceil(10 * random.exponential(size=len(group)) / np.exp(log_hazard))
    event = time < 25
    data = cox_data(np.minimum(time, 25), event, design(numeric("x", x)), group=group)
    return data, site


def test_likelihood_equals_dense_matrices() -> None:
    """Mode by a general optimiser, the determinant of I + S H in full, H by differences."""
    data, site = _tiny(3, 4, 3, 4)
    t2, s2 = 0.7, 0.4
    fit = fit_nested(data, site, variances=(t2, s2))
    problem = prepare(data, "efron")
    same = site[::4][:, None] == site[::4]
    covariance = s2 * np.eye(12) + t2 * same
    precision = np.linalg.inv(covariance)

    def loss(v: np.ndarray) -> float:
        return -problem.partial(v[:1], v[1:]).loglik + v[1:] @ precision @ v[1:] / 2

    found = minimize(loss, np.zeros(13), method="BFGS", options={"gtol": 1e-7})
    assert fit.loglik_penalized == pytest.approx(-found.fun, abs=1e-8)
    hessian = problem.group_hessian(problem.partial(found.x[:1], found.x[1:]))
    dense = np.stack([hessian.times(column) for column in np.eye(12)])
    log_det = np.linalg.slogdet(np.eye(12) + covariance @ dense)[1]
    # BFGS stops at gradients of 1e-7, which move the determinant by about as much.
    assert fit.loglik_integrated == pytest.approx(-found.fun - log_det / 2, abs=1e-6)
    effect = np.r_[fit.site.effect, fit.group_effect]
    v = effect[:4][site[::4]] + effect[4:]
    np.testing.assert_allclose(v, found.x[1:], atol=1e-5)


@pytest.mark.parametrize(("share", "error"), [(1.0, 0.01), (0.1, 0.0003)])
def test_likelihood_is_near_the_integral(share: float, error: float) -> None:
    """Laplace's approximation against the integral over all six effects, by products of 11-point
    Gauss-Hermite rules in the four sums, on which alone the likelihood depends.

    What the approximation leaves out is of the second order in the variances: at a tenth of them a
    hundredth, or less than a thirtieth where the third order counts too.
    """
    data, site = _tiny(5, 2, 2, 8)
    t2, s2 = 0.15 * share, 0.1 * share
    fit = fit_nested(data, site, variances=(t2, s2))
    problem = prepare(data, "efron")
    b = fit.coefficient * problem.columns.scale
    same = site[::8][:, None] == site[::8]
    root = np.linalg.cholesky(s2 * np.eye(4) + t2 * same)
    z, weight = np.polynomial.hermite_e.hermegauss(11)
    weight = weight / weight.sum()
    total = sum(
        np.prod(weight[list(k)])
        * np.exp(problem.partial(b, root @ z[list(k)]).loglik - fit.loglik_integrated)
        for k in product(range(11), repeat=4)
    )
    assert np.log(total) == pytest.approx(0.0, abs=error)


def test_prior_is_that_of_the_dense_covariance() -> None:
    random = np.random.default_rng(0)
    site = random.integers(0, 5, 30)
    prior = Prior(0.3, 1.7, site)
    covariance = 0.3 * np.eye(30) + 1.7 * (site[:, None] == site)
    w, diagonal = random.normal(size=30), random.exponential(size=30)
    precision = np.linalg.inv(covariance)
    np.testing.assert_allclose(prior.precision_times(w), precision @ w, rtol=1e-10)
    assert prior.penalty(w) == pytest.approx(w @ precision @ w / 2, rel=1e-10)
    solved = prior.inner(diagonal).solve(w)
    np.testing.assert_allclose((np.diag(diagonal) + precision) @ solved, w, atol=1e-10)


def test_deviation_of_sites_is_that_of_the_joint_information() -> None:
    """Of coefficients, sites and groups as separate parameters, in full."""
    data, site = _tiny(3, 4, 3, 4)
    t2, s2 = 0.7, 0.4
    fit = fit_nested(data, site, variances=(t2, s2))
    problem = prepare(data, "efron")
    z = (site[::4][:, None] == np.arange(4)) * 1.0
    x = data.design.terms[0].values
    assert x is not None
    b = fit.coefficient * problem.columns.scale
    partial = problem.partial(b, fit.group_effect + z @ fit.site.effect)
    # The problem's rows stand by group, as the data's do, but in an order of their own.
    x = x[problem.rows]
    member = (problem.row_group[:, None] == np.arange(12)) * 1.0
    columns = np.hstack([x, member @ z, member])
    information = columns.T @ np.stack(
        [partial.hessian_times(problem.index, c.copy()) for c in columns.T], axis=1
    )
    information += np.diag(np.r_[0.0, np.full(4, 1 / t2), np.full(12, 1 / s2)])
    deviation = np.sqrt(np.diag(np.linalg.inv(information)))
    assert fit.standard_error[0] == pytest.approx(deviation[0], rel=1e-6)
    np.testing.assert_allclose(fit.site.sd, deviation[1:5], rtol=1e-6)


@pytest.mark.slow  # ten fits; the others hold one against R and quadrature
def test_variances_are_recovered() -> None:
    """40 sites of 10 patients with 15 lesions, of which Laplace's approximation loses little: both
    variances within 3 standard errors of the mean of ten sets, and the 95 % intervals hold the
    truth in at least 8 of 10 (chance of fewer: 1 %)."""
    found, holds = [], []
    for seed in range(10):
        random = np.random.default_rng(seed)
        patient = np.repeat(np.arange(400), 15)
        site = patient // 10
        x = random.integers(0, 2, len(patient)).astype(float)
        w = random.normal(0, np.sqrt(0.3), 40)[site] + random.normal(0, np.sqrt(0.5), 400)[patient]
        time = random.exponential(size=len(patient)) / np.exp(w - 0.4 * x)
        end = random.exponential(1.5, len(patient))
        data = cox_data(np.minimum(time, end), time <= end, design(numeric("x", x)), group=patient)
        fit = fit_nested(data, site)
        found.append((fit.site_variance, fit.variance, fit.coefficient[0]))
        holds.append(
            (
                fit.site_variance_lower < 0.3 < fit.site_variance_upper,
                fit.variance_lower < 0.5 < fit.variance_upper,
            )
        )
    table = pd.DataFrame(found)
    error = table.std() / np.sqrt(10)
    assert (abs(table.mean() - [0.3, 0.5, -0.4]) < 3 * error).all()
    assert (np.sum(holds, axis=0) >= 8).all()


def test_without_site_effect_it_is_the_model_of_patients() -> None:
    """Sites drawn at random: where the likelihood is highest without them, everything else is as
    in the model of one effect."""
    random = np.random.default_rng(4)
    data, _ = _tiny(8, 10, 6, 4)
    alone = fit_cox(data, Options(interval=False))
    fits = [fit_nested(data, random.permutation(60)[data.group] % 10) for _ in range(4)]
    boundary = [fit for fit in fits if fit.site_variance == 0]
    assert boundary
    for fit in boundary:
        assert fit.is_boundary
        assert fit.site_variance_lower == 0
        assert fit.variance == pytest.approx(alone.variance, rel=1e-4)
        assert fit.loglik_integrated == pytest.approx(alone.loglik_integrated, abs=1e-6)
        # The fit stands at a site variance of 1e-6.
        np.testing.assert_allclose(fit.coefficient, alone.coefficient, atol=1e-5)
        assert 0.01 < fit.site_variance_upper < 2


def test_impossible_sites_are_refused() -> None:
    data, site = _tiny(1, 3, 2, 4)
    with pytest.raises(NoRepetitionError, match="one site"):
        fit_nested(data, np.zeros(24))
    with pytest.raises(NoRepetitionError, match="one group"):
        fit_nested(data, data.group)
    mixed = site.copy()
    mixed[0] = 2
    with pytest.raises(HazardDataError, match="several sites"):
        fit_nested(data, mixed)
