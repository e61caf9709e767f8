"""A second level: lesions within patients.

phi_ij = mean_ij + u_i + eta_ij with u_i ~ N(0, Gamma) shared by all lesions of patient i (Gamma
diagonal) and eta_ij ~ N(0, Omega) the lesion's own. The likelihood is a nested importance sum,

    L_i = mean_k N(u_k; 0, Gamma) / q_i(u_k)
          prod_j mean_s p(y_ij | phi_s) N(phi_s; mean_ij + u_k, Omega) / q_ij(phi_s)

over nodes u_k of the patient and phi_s of each lesion. The latter are those of a fit without the
second level, whose proposals are wide enough. Score and Louis' information follow as in
``importance``, the complete data being (u, phi); Newton's method finds the maximum, first with few
nodes, then with more, put where the first ones found each patient's effect.

Why it matters: a patient leaves a trial when any of his lesions progresses. Given all that was
measured of the patient this drop-out is ignorable; for lesions taken one by one it is not, and kg
comes out too small, F too large (see docs/growth.md for how much).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.growth.blas import one_blas_thread
from udfs.growth.data import GrowthDataError
from udfs.growth.individual import population_from_natural
from udfs.growth.information import Curvature
from udfs.growth.minus2ll import minus2_loglik
from udfs.growth.nested import PatientSums, nested_curvature, nested_sums
from udfs.growth.newton import newton_direction
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.patient_nodes import (
    Around,
    PatientNodes,
    TwoLevelPoint,
    approximate_effects,
    members_of,
    nodes_around,
)
from udfs.growth.proposals import Nodes, make_nodes, nodes_at_least
from udfs.growth.result import GrowthFit
from udfs.growth.settings import PULSE_SECONDS, FitInterruptedError, FitProgress, Progress

FIRST_SHARE = 0.35
"""Share of the total variance that is between patients, to begin with."""
SMALLEST_RATIO = 0.02
"""Of a patient's standard deviation to the lesion's: below this it counts as 0."""
LARGEST_STEP = 0.4
FIRST_TOLERANCE, TOLERANCE_OF_MANY = 0.25, 5e-3
TOLERANCE = 2e-4
"""Newton stops when the squared distance to the maximum in standard errors is below these; with
many lesions a last half step follows anyway."""
LARGEST_DECREMENT = 1e-2
"""Above which a fit is not called converged."""
MOST_STEPS = 25
LARGEST_FALL = 1.0
"""Of the log-likelihood in a step: that much it may seem to fall because the nodes moved."""
FIRST_PURPOSE, NESTED_PURPOSE, OTHER_PURPOSE = 49, 50, 51
FIRST_NODES, FIRST_PER_AXIS = 112, 3
NODE_BUDGET, FEWEST_NODES, MOST_NODES = 800_000, 224, 1792
FEW_LESIONS = 3000
"""Fewer lesions get 5 nodes per axis for 4, and their patients' nodes are put anew once more."""
MOST_AT_FIRST = 800
"""Patients of the first climb, which only has to come near."""
LARGEST_MC_SHARE = 0.5
"""Monte Carlo over standard error above which a fit is not called converged."""


@dataclass(frozen=True)
class TwoLevelFit:
    """A growth model with patient and lesion effects. ``size`` estimates."""

    labels: tuple[str, ...]
    """As in ``GrowthFit``, with gamma_<parameter> for the patients' standard deviations."""
    estimates: FloatArray
    """(size,) natural scale."""
    standard_errors: FloatArray
    """(size,) Louis' information; 0 for a patient effect that was estimated as none."""
    minus2ll: float
    minus2ll_mc_se: float
    """Monte Carlo error of ``minus2ll``: half the difference between two sets of nodes; NaN where
    the climb did not end."""
    minus2ll_gain: float
    """-2 log-likelihood without the second level, on the same nodes, minus ``minus2ll``."""
    aic: float
    bic: float
    """With the number of patients, which are the independent units."""
    n_patients: int
    n_lesions: int
    patient_share: FloatArray
    """(p,) gamma^2 / (gamma^2 + omega^2): how much of the variance lies between patients."""
    is_boundary: BoolArray
    """(p,) the patients' effect was estimated as none."""
    patient: NDArray[np.generic]
    """(n_patients,) ids."""
    patient_mean: FloatArray
    """(n_patients, p) conditional mean of u, Gaussian scale."""
    patient_sd: FloatArray
    """(n_patients, p) conditional standard deviation of u."""
    mean_phi: FloatArray
    """(n, p) conditional means of the lesions' phi given all data of their patient; order of
    the first fit's ``lesions``."""
    sd_phi: FloatArray
    """(n, p) conditional standard deviations."""
    is_converged: bool
    newton_decrement: float
    mc_share: FloatArray
    """(size,) Monte Carlo over standard error: how far other nodes move each estimate, halved."""
    theta: FloatArray
    """(size,) optimiser's scale."""
    covariance: FloatArray
    """(size, size) of ``estimates``."""

    def estimate(self, label: str) -> float:
        """One estimate by label.

        Raises:
            KeyError: no such label.
        """
        if label not in self.labels:
            raise KeyError(f"no estimate is called {label!r}; there are {', '.join(self.labels)}")
        return float(self.estimates[self.labels.index(label)])


def fit_second_level(
    fit: GrowthFit,
    *,
    start: Mapping[str, float] | None = None,
    n_nodes: int = 0,
    n_patient_nodes: int = 0,
    seed: int = 20230607,
    threads: int = 1,
    progress: Progress | None = None,
) -> TwoLevelFit:
    """Split the variance between lesions into patients and lesions.

    Starts from a fit without the second level of data that hold ``patient``. Where patients have
    one lesion each the split is not identified: the information then is nearly singular and
    ``is_converged`` False.

    Args:
        fit: the fit without patients' effects, of the same data.
        start: values by label (omega_ and gamma_ included), for example of an earlier fit.
        n_nodes: nodes per lesion (rounded up to 7 * 2^k); 0 chooses by their number.
        n_patient_nodes: nodes per patient and parameter, of adaptive Gauss-Hermite quadrature; 0
            chooses 4, or 5 with few lesions.
        seed: of the nodes.
        threads: blocks of patients worked on at once.
        progress: called after each Newton step; returning False ends the fit.

    Raises:
        GrowthDataError: the data hold no patients, or no patient has two lesions.
        ValueError: an unknown label in ``start``, or an impossible value.
        FitInterruptedError: the callback returned False.
    """
    patient = fit.problem.data.patient
    if patient is None:
        raise GrowthDataError("a second level needs the patient of each lesion (patient=...)")
    ids, member = np.unique(patient[fit.problem.order], return_inverse=True)
    if len(ids) == len(member):
        raise GrowthDataError("no patient has two fitted lesions: there is no second level")
    own = ThreadPoolExecutor(threads) if threads > 1 else nullcontext()
    with one_blas_thread(), own as pool:
        n_nodes = n_nodes or _node_count(fit.n_lesions)
        n_patient_nodes = n_patient_nodes or (5 if fit.n_lesions < FEW_LESIONS else 4)
        climb = _Climb(fit, member, seed, threads, pool, progress)
        if start:
            climb.theta = _theta_of(fit, start)
        found = climb.all_stages(n_nodes, n_patient_nodes)
        everyone = [(np.arange(fit.n_lesions), climb.lesion_nodes(n_nodes, NESTED_PURPOSE))]
        without = minus2_loglik(
            fit.problem, fit.population, fit.proposal, everyone, threads=threads, pool=pool
        )
    return _result(fit, ids, found, without.minus2ll)


def _node_count(n_lesions: int) -> int:
    return nodes_at_least(min(max(NODE_BUDGET // n_lesions, FEWEST_NODES), MOST_NODES))


@dataclass(frozen=True)
class _Reached:
    """Where a climb ended."""

    theta: FloatArray
    sums: PatientSums
    curve: Curvature
    decrement: float
    mc_step: FloatArray | None = None
    """(size,) Monte Carlo error of theta, one draw of it; None where it was not measured."""
    mc_loglik: float = float("nan")
    """The same of the log-likelihood."""


def split_start(fit: GrowthFit) -> FloatArray:
    """Theta with the total variance split in a fixed proportion."""
    structure = fit.structure
    split = structure.n_effects
    theta = fit.theta.copy()
    theta[split : split + structure.p] += 0.5 * np.log(1.0 - FIRST_SHARE)
    if structure.omega_kind == "full":
        off = slice(split + structure.p, split + structure.n_omega)
        theta[off] *= np.sqrt(1.0 - FIRST_SHARE)
    between = np.log(fit.population.sd) + 0.5 * np.log(FIRST_SHARE)
    end = split + structure.n_omega
    return np.concatenate([theta[:end], between, theta[end:]])


def _theta_of(fit: GrowthFit, values: Mapping[str, float]) -> FloatArray:
    """Theta of values by label; what is missing comes from ``split_start``."""
    theta = split_start(fit)
    found = dict(zip(_labels(fit), _natural(fit, theta).tolist(), strict=True))
    unknown = set(values) - set(found)
    if unknown:
        raise ValueError(f"start holds unknown labels: {', '.join(sorted(unknown))}")
    found |= values
    sd = {name: found[name] for name in found if name.startswith(("omega_", "gamma_"))}
    least = SMALLEST_RATIO * max(sd.values())
    found |= {name: max(value, least) for name, value in sd.items()}
    inner = population_from_natural(
        fit.structure, np.array([found[label] for label in fit.labels], dtype=np.float64)
    )
    between = np.array([found[f"gamma_{name}"] for name in fit.parameter_names])
    own = fit.structure.pack(inner)
    at = fit.structure.n_effects + fit.structure.n_omega
    return np.concatenate([own[:at], np.log(between), own[at:]])


def two_level_point(fit: GrowthFit, theta: FloatArray) -> TwoLevelPoint:
    """Population point and patients' standard deviations of a theta."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = np.concatenate([theta[:start], theta[stop:]])
    return TwoLevelPoint(fit.structure.unpack(inner), np.exp(theta[start:stop]))


class _Climb:
    """Newton's method on the nested likelihood with fixed nodes, in stages."""

    def __init__(
        self,
        fit: GrowthFit,
        member: IntArray,
        seed: int,
        threads: int,
        pool: ThreadPoolExecutor | None,
        progress: Progress | None,
    ) -> None:
        self.fit, self.member, self.seed = fit, member, seed
        self.threads, self.pool, self.progress = threads, pool, progress
        self.members = members_of(member)
        self.n_steps = 0
        self.told_at = time.monotonic()
        self.minus2ll: float | None = None
        self.theta = split_start(fit)

    def lesion_nodes(self, count: int, purpose: int) -> Nodes:
        """Nodes of the lesions."""
        return make_nodes(self.fit.structure.p, count, self.seed, purpose)

    def all_stages(self, n_nodes: int, per_axis: int) -> _Reached:
        """Some of the patients; all of them; all, with more nodes where the patients' effects are;
        and half a step to where other nodes see the maximum."""
        n = len(self.members)
        few = self.lesion_nodes(min(n_nodes, FIRST_NODES), FIRST_PURPOSE)
        first = min(per_axis, FIRST_PER_AXIS)
        some = np.unique(np.linspace(0, n - 1, MOST_AT_FIRST).astype(np.int64))
        if len(some) < n:
            self.run(few, lambda: self._patient_nodes(self._guess(), some, first))
        everyone = np.arange(n)
        found = self.run(few, lambda: self._patient_nodes(self._guess(), everyone, first))
        nodes = self.lesion_nodes(n_nodes, NESTED_PURPOSE)
        tolerances = (TOLERANCE,) * 2 if self.fit.n_lesions < FEW_LESIONS else (TOLERANCE_OF_MANY,)
        for tolerance in tolerances:
            around = Around(found.sums.patient_mean, found.sums.patient_cov)
            where = self._patient_nodes(around, everyone, per_axis)
            found = self.run(nodes, self._fixed(where), tolerance)
        return self._between_nodes(found, self.lesion_nodes(n_nodes, OTHER_PURPOSE), where)

    @staticmethod
    def _fixed(where: PatientNodes) -> Callable[[], PatientNodes]:
        return lambda: where

    def _between_nodes(self, found: _Reached, nodes: Nodes, where: PatientNodes) -> _Reached:
        """Half a Newton step on other nodes: its length is the Monte Carlo error, halved."""
        if not found.decrement < LARGEST_DECREMENT:
            return found
        sums, curve = self._evaluate([(nodes, where)])
        step = 0.5 * newton_direction(_free(self.fit, self.theta, curve))
        self.theta = _floored(self.fit, self.theta + step)
        loglik = sums.loglik
        sums = replace(
            found.sums,
            loglik=0.5 * (found.sums.loglik + sums.loglik),
            mean_phi=0.5 * (found.sums.mean_phi + sums.mean_phi),
            sd_phi=0.5 * (found.sums.sd_phi + sums.sd_phi),
        )
        apart = 0.5 * abs(found.sums.loglik - loglik)
        return _Reached(self.theta, sums, found.curve, found.decrement, step, apart)

    def _guess(self) -> Around:
        return approximate_effects(self.fit, two_level_point(self.fit, self.theta), self.member)

    def _patient_nodes(self, around: Around, patients: IntArray, per_axis: int) -> PatientNodes:
        between = two_level_point(self.fit, self.theta).between
        return nodes_around(around, between, self.members, patients, per_axis)

    def run(
        self,
        nodes: Nodes,
        place: Callable[[], PatientNodes],
        tolerance: float = FIRST_TOLERANCE,
    ) -> _Reached:
        """Climb until the decrement is below ``tolerance``; patients' effects stay above 0.

        Args:
            nodes: of the lesions.
            place: gives the patients' nodes. Far from the maximum they have to follow each step:
                between fixed ones a shrinking gamma would hide.
        """
        groups = [(nodes, place())]
        sums, curve = self._evaluate(groups)
        for _ in range(MOST_STEPS):
            direction = newton_direction(_free(self.fit, self.theta, curve))
            decrement = float(curve.score @ direction)
            if decrement < tolerance:
                break
            before, step = self.theta, direction
            step = step * min(1.0, LARGEST_STEP / float(np.abs(direction).max()))
            for _ in range(5):
                self.theta = _floored(self.fit, before + step)
                groups = [(nodes, place())]
                new_sums, new_curve = self._evaluate(groups)
                if new_sums.loglik > sums.loglik - LARGEST_FALL:
                    break
                step = 0.5 * step
            else:
                self.theta = before
                break
            sums, curve = new_sums, new_curve
        return _Reached(self.theta, sums, curve, decrement)

    def _evaluate(
        self, groups: Sequence[tuple[Nodes, PatientNodes]]
    ) -> tuple[PatientSums, Curvature]:
        """Sums and second-order expansion where the climb is."""
        theta = self.theta
        point = two_level_point(self.fit, theta)
        sums = nested_sums(self.fit, point, groups, self.threads, self.pool, self._pulse)
        self.n_steps += 1
        self.minus2ll = -2.0 * sums.loglik
        self._say(theta)
        return sums, nested_curvature(self.fit, point, theta, sums, groups)

    def _say(self, theta: FloatArray) -> None:
        """Tell the callback; end the fit if it says so."""
        self.told_at = time.monotonic()
        if self.progress is None:
            return
        values = dict(zip(_labels(self.fit), _natural(self.fit, theta).tolist(), strict=True))
        state = FitProgress("patients", self.n_steps, MOST_STEPS, self.minus2ll, values)
        if self.progress(state) is False:
            raise FitInterruptedError(state)

    def _pulse(self) -> None:
        """Within a long pass: the last state again."""
        if time.monotonic() - self.told_at > PULSE_SECONDS:
            self._say(self.theta)


def _at_floor(fit: GrowthFit, theta: FloatArray) -> BoolArray:
    """(p,) patients' effects at their floor."""
    point = two_level_point(fit, theta)
    return point.between <= 1.001 * SMALLEST_RATIO * point.population.sd


def _floored(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    """Patients' standard deviations kept at or above the floor."""
    point = two_level_point(fit, theta)
    start = fit.structure.n_effects + fit.structure.n_omega
    out = theta.copy()
    least = np.log(SMALLEST_RATIO * point.population.sd)
    out[start : start + fit.structure.p] = np.maximum(out[start : start + fit.structure.p], least)
    return out


def _free(fit: GrowthFit, theta: FloatArray, curve: Curvature) -> Curvature:
    """The expansion without the directions that push a floored effect further down."""
    start = fit.structure.n_effects + fit.structure.n_omega
    stuck = start + np.flatnonzero(_at_floor(fit, theta))
    stuck = stuck[curve.score[stuck] <= 0]
    if len(stuck) == 0:
        return curve
    score, observed = curve.score.copy(), curve.observed.copy()
    score[stuck] = 0.0
    observed[stuck] = 0.0
    observed[:, stuck] = 0.0
    observed[stuck, stuck] = np.maximum(np.diag(curve.complete)[stuck], 1.0)
    return Curvature(score, observed, curve.complete, curve.score_error)


def _labels(fit: GrowthFit) -> tuple[str, ...]:
    end = fit.structure.n_effects + fit.structure.n_omega
    between = [f"gamma_{name}" for name in fit.parameter_names]
    return (*fit.labels[:end], *between, *fit.labels[end:])


def _natural(fit: GrowthFit, theta: FloatArray) -> FloatArray:
    start = fit.structure.n_effects + fit.structure.n_omega
    stop = start + fit.structure.p
    inner = fit.structure.natural(np.concatenate([theta[:start], theta[stop:]]))
    return np.concatenate([inner[:start], np.exp(theta[start:stop]), inner[start:]])


def _result(
    fit: GrowthFit, ids: NDArray[np.generic], found: _Reached, minus2ll_without: float
) -> TwoLevelFit:
    theta, sums = found.theta, found.sums
    size, start = len(theta), fit.structure.n_effects + fit.structure.n_omega
    at_floor = _at_floor(fit, theta)
    free = np.setdiff1d(np.arange(size), start + np.flatnonzero(at_floor))
    slopes = np.empty((size, size))
    for k in range(size):
        shift = np.zeros(size)
        shift[k] = 1e-5
        slopes[:, k] = (_natural(fit, theta + shift) - _natural(fit, theta - shift)) / 2e-5
    observed = found.curve.observed[np.ix_(free, free)]
    is_regular = bool(np.linalg.eigvalsh(observed)[0] > 0)
    inverse = np.zeros((size, size))
    inverse[np.ix_(free, free)] = np.linalg.pinv(observed, hermitian=True)
    covariance = slopes @ inverse @ slopes.T
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    mc_step = np.full(size, np.nan) if found.mc_step is None else found.mc_step
    mc_share = np.abs(slopes @ mc_step) / np.where(errors > 0, errors, 1.0)
    point = two_level_point(fit, theta)
    between = np.where(at_floor, 0.0, point.between)
    natural = _natural(fit, theta)
    natural[start : start + fit.structure.p] = between
    back = np.argsort(fit.problem.order)
    minus2ll, n_free = -2.0 * sums.loglik, len(free)
    is_exact = found.decrement < LARGEST_DECREMENT and float(mc_share.max()) <= LARGEST_MC_SHARE
    return TwoLevelFit(
        labels=_labels(fit),
        estimates=natural,
        standard_errors=errors,
        minus2ll=minus2ll,
        minus2ll_mc_se=2.0 * found.mc_loglik,
        minus2ll_gain=minus2ll_without - minus2ll,
        aic=minus2ll + 2.0 * n_free,
        bic=minus2ll + n_free * float(np.log(len(ids))),
        n_patients=len(ids),
        n_lesions=fit.n_lesions,
        patient_share=between**2 / (between**2 + point.population.sd**2),
        is_boundary=at_floor,
        patient=ids,
        patient_mean=sums.patient_mean,
        patient_sd=np.sqrt(np.maximum(np.einsum("Paa->Pa", sums.patient_cov), 0.0)),
        mean_phi=sums.mean_phi[back],
        sd_phi=sums.sd_phi[back],
        is_converged=is_exact and is_regular,
        newton_decrement=found.decrement,
        mc_share=mc_share,
        theta=theta,
        covariance=covariance,
    )
