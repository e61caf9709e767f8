"""The climb to a two-level fit's maximum; see ``second_level``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from udfs.growth.dropout import DropOut
from udfs.growth.information import Curvature
from udfs.growth.nested import PatientSums, nested_curvature, nested_sums
from udfs.growth.newton import newton_direction
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.patient_nodes import (
    Around,
    PatientNodes,
    approximate_effects,
    members_of,
    nodes_around,
)
from udfs.growth.population import Population
from udfs.growth.proposals import Nodes, Parts, make_nodes, make_proposal
from udfs.growth.result import LARGEST_MC_SHARE, GrowthFit
from udfs.growth.settings import PULSE_SECONDS, FitInterruptedError, FitProgress, Progress
from udfs.growth.two_level_theta import (
    between_part,
    dropout_part,
    floored,
    free_directions,
    split_start,
    two_level_labels,
    two_level_natural,
    two_level_point,
)


@dataclass(frozen=True)
class OptimizerSettings:
    """How the two-level optimizer moves, and when it has arrived."""

    largest_step: float = 0.4
    """See ``Climb._capped``."""
    first_tolerance: float = 0.25
    """Newton stops when the squared distance to the maximum, in standard errors, is below this; of
    the first climb, which only has to come near."""
    tolerance_of_many: float = 5e-3
    """The same with many lesions, where a last half step follows anyway."""
    tolerance: float = 2e-4
    """The same with few."""
    largest_decrement: float = 1e-2
    """Squared distance above which a fit is not called converged."""
    most_steps: int = 25
    most_placements: int = 10
    """How often the nodes are put anew."""
    longest_leash: float = 0.25
    """Between fixed nodes: how far log gamma may go before the nodes are put anew. They would be
    too wide for a smaller gamma, and its likelihood too high."""
    fine: tuple[tuple[int, int], ...] = ((6, 1), (7, 2))
    """Nodes of a patient per axis, and how often the lesions' nodes, of the last step; then of a
    second attempt where the nodes still move an estimate by more than ``exact_share`` of its
    standard error."""
    most_patient_nodes: int = 1000
    """Of a patient in all."""
    exact_share: float = LARGEST_MC_SHARE
    """Of a standard error; see ``fine``."""
    steady: float = 0.1
    """With few lesions the nodes are put anew until that moves the maximum no further: squared
    distance in standard errors."""
    small_ratio: float = 0.15
    """Of a patient's standard deviation to the lesion's: below it the climb is tried again from
    ``lifted_ratio``."""
    lifted_ratio: float = 0.4
    least_gain: float = 0.5
    """Of the log-likelihood, for the second try to count."""
    least_of_guess: float = 0.5
    """Of a patient's standard deviation as guessed: nodes are put at least so wide. Too wide ones
    find next to no spread, because all the weight is on one."""
    largest_fall: float = 1.0
    """Of the log-likelihood from its highest value: that much it may seem to fall because the
    nodes moved."""
    first_nodes: int = 112
    """Nodes per lesion of the first climb."""
    first_per_axis: int = 3
    """Of a patient's nodes in the first climb."""
    climb_share: int = 4
    """The climb has so many times fewer nodes per lesion than the last steps: their maximum is
    then a tenth of a standard error or two away, which one Newton step goes."""
    fewest_climb_nodes: int = 224
    few_lesions: int = 3000
    """Fewer lesions get 5 nodes per axis for 4, and their patients' nodes are put anew until
    steady."""
    renewals: int = 2
    """How often the lesions' proposals are made anew."""
    fewest_for_parts: float = 12.0
    """Effective nodes from which what they say of a lesion's spread is taken as it is; with fewer
    the population's goes in."""
    most_at_first: int = 800
    """Patients of the first climb."""


CLIMB = OptimizerSettings()

FIRST_PURPOSE, NESTED_PURPOSE, OTHER_PURPOSE = 49, 50, 51
"""Nodes that come near, and that the lesions' proposals are made from; of the last steps, which are
others: proposals made from the very nodes that are put on them favour what those nodes saw."""


@dataclass(frozen=True)
class Reached:
    """Where a climb ended."""

    theta: FloatArray
    sums: PatientSums
    curve: Curvature
    decrement: float
    mc_step: FloatArray | None = None
    """(size,) Monte Carlo error of theta, one draw of it; None where it was not measured."""
    mc_loglik: float = float("nan")
    """The same of the log-likelihood."""
    is_settled: bool = True
    """The climb was not broken off to put the nodes anew."""
    first_decrement: float = float("nan")
    """Where it began."""


class Climb:
    """Newton's method on the nested likelihood with fixed nodes, in stages."""

    def __init__(
        self,
        fit: GrowthFit,
        member: IntArray,
        seed: int,
        threads: int,
        pool: ThreadPoolExecutor | None,
        progress: Progress | None,
        dropout: DropOut | None = None,
    ) -> None:
        self.dropout = dropout
        self.fit, self.member, self.seed = fit, member, seed
        self.threads, self.pool, self.progress = threads, pool, progress
        self.members = members_of(member)
        self.n_steps = 0
        self.told_at = time.monotonic()
        self.minus2ll: float | None = None
        self.theta = split_start(fit, dropout)

    def lesion_nodes(self, count: int, purpose: int) -> Nodes:
        """Nodes of the lesions."""
        return make_nodes(self.fit.structure.p, count, self.seed, purpose)

    def all_stages(self, n_nodes: int, per_axis: int) -> Reached:
        """Some of the patients; all of them; all, with more nodes where the patients' effects are;
        and a step with yet more (``_refined``)."""
        n = len(self.members)
        few = self.lesion_nodes(min(n_nodes, CLIMB.first_nodes), FIRST_PURPOSE)
        first = min(per_axis, CLIMB.first_per_axis)
        some = np.unique(np.linspace(0, n - 1, CLIMB.most_at_first).astype(np.int64))
        if len(some) < n:
            self.run(few, lambda: self._patient_nodes(self._guess(), some, first))
        everyone = np.arange(n)
        most = CLIMB.most_steps if len(some) == n else 0
        found = self.run(
            few, lambda: self._patient_nodes(self._guess(), everyone, first), most_steps=most
        )
        coming_near = min(n_nodes, max(n_nodes // CLIMB.climb_share, CLIMB.fewest_climb_nodes))
        nodes = self.lesion_nodes(coming_near, NESTED_PURPOSE)
        for _ in range(CLIMB.renewals):
            self._renew_proposals(found, self.lesion_nodes(coming_near, FIRST_PURPOSE), first)
            found = self._settled(found, nodes, per_axis)
        return self._refined(self._lifted(found, nodes, per_axis), coming_near, n_nodes)

    def _renew_proposals(self, found: Reached, nodes: Nodes, per_axis: int) -> None:
        """Has the lesions looked for where all data of their patient put them.

        The first fit's proposals know a lesion's own measurements only. A lesion that was measured
        once, of a patient whose others grow, then is where hardly a node of its own lies.
        """
        point = two_level_point(self.fit, self.theta)
        where = self._patient_nodes(self._found(found.sums), np.arange(len(self.members)), per_axis)
        sums = nested_sums(
            self.fit,
            point,
            [(nodes, where)],
            self.threads,
            self.pool,
            self._pulse,
            dropout=self.dropout,
            is_rough=True,
            with_parts=True,
        )
        if sums.parts is None or sums.ess is None:
            raise RuntimeError("a pass that was asked for parts returned none")
        within = point.population
        known = np.clip(sums.ess / CLIMB.fewest_for_parts, 0.0, 1.0)
        covariance = known * sums.parts.covariance + (1.0 - known) * within.omega[:, :, None]
        total = Population(
            within.coefficients, within.omega + np.diag(point.between**2), within.error
        )
        proposal = make_proposal(Parts(sums.parts.mean, covariance), total)
        self.fit = replace(self.fit, proposal=proposal)

    def _settled(self, found: Reached, nodes: Nodes, per_axis: int) -> Reached:
        """Climbs between nodes that are put anew until they stand where the patients are."""
        is_few = self.fit.n_lesions < CLIMB.few_lesions
        for _ in range(CLIMB.most_placements):
            around = self._found(found.sums)
            where = self._patient_nodes(around, np.arange(len(self.members)), per_axis)
            tolerance = CLIMB.tolerance if is_few else CLIMB.tolerance_of_many
            found = self.run(nodes, self._fixed(where), tolerance, has_leash=True)
            if found.is_settled and (not is_few or found.first_decrement < CLIMB.steady):
                break
        return found

    def _lifted(self, found: Reached, nodes: Nodes, per_axis: int) -> Reached:
        """A second climb from where small patients' effects are not small; the better one counts.

        The likelihood is flat in log gamma near 0: a climb that came there with the first rough
        nodes would stay.
        """
        point = two_level_point(self.fit, self.theta)
        ratio = point.between / point.population.sd
        if not (ratio < CLIMB.small_ratio).any():
            return found
        before = self.theta
        self.theta = before.copy()
        between = np.where(
            ratio < CLIMB.small_ratio, CLIMB.lifted_ratio * point.population.sd, point.between
        )
        self.theta[between_part(self.fit)] = np.log(between)
        lifted = self._settled(found, nodes, per_axis)
        is_better = lifted.sums.loglik > found.sums.loglik + CLIMB.least_gain
        if lifted.decrement < CLIMB.largest_decrement and is_better:
            return lifted
        self.theta = before
        return found

    def _found(self, sums: PatientSums) -> Around:
        """Where the last pass found each patient's effect; never much narrower than guessed."""
        guess, spread = self._guess().spread, sums.patient_cov
        sd, least = (np.sqrt(np.einsum("naa->na", one)) for one in (spread, guess))
        wider = np.maximum(CLIMB.least_of_guess * least, sd) / np.maximum(sd, 1e-300)
        is_lost = (sd < 1e-3 * least).any(axis=1)
        spread = np.where(
            is_lost[:, None, None], guess, spread * wider[:, :, None] * wider[:, None, :]
        )
        return Around(sums.patient_mean, spread)

    @staticmethod
    def _fixed(where: PatientNodes) -> Callable[[], PatientNodes]:
        return lambda: where

    def _refined(self, found: Reached, coming_near: int, n_nodes: int) -> Reached:
        """Newton steps with more nodes of the patients' effects, the first with as many nodes of
        the lesions as before, and half of one to where other nodes see the maximum: its length is
        what the nodes leave uncertain, halved.

        Patients' grids are moved at random (``nodes_around``), each time anew. Other lesion nodes
        move the maximum of 4,308 simulated colorectal patients by 0.35 standard errors where there
        are 224 of them, by 0.12 where there are 448.
        """
        if not found.decrement < CLIMB.largest_decrement:
            return found
        most = int(CLIMB.most_patient_nodes ** (1.0 / self.fit.structure.p) + 1e-9)

        rng = np.random.default_rng([self.seed, OTHER_PURPOSE])

        def expanded(
            sums: PatientSums, count: int, purpose: int, per_axis: int
        ) -> tuple[PatientSums, Curvature]:
            everyone = np.arange(len(self.members))
            where = self._patient_nodes(self._found(sums), everyone, per_axis, rng)
            return self._evaluate([(self.lesion_nodes(count, purpose), where)])

        def stepped(sums: PatientSums, count: int, per_axis: int) -> tuple[PatientSums, float]:
            placed = expanded(sums, count, NESTED_PURPOSE, per_axis)
            step = self._capped(newton_direction(free_directions(self.fit, self.theta, placed[1])))
            self.theta = floored(self.fit, self.theta + step)
            return placed[0], float(placed[1].score @ step)

        sums, _ = stepped(found.sums, coming_near, max(min(CLIMB.fine[0][0], most), 3))
        for wanted, more in CLIMB.fine:
            per_axis = max(min(wanted, most), 3)
            first, gain = stepped(sums, more * n_nodes, per_axis)
            second, curve = expanded(first, more * n_nodes, OTHER_PURPOSE, per_axis)
            free = free_directions(self.fit, self.theta, curve, may_leave=False)
            half = 0.5 * newton_direction(free)
            self.theta = floored(self.fit, self.theta + half)
            # The first log-likelihood is that of before the step; the step's gain is half of this.
            loglik = first.loglik + 0.5 * gain
            sums = replace(
                second,
                loglik=0.5 * (loglik + second.loglik),
                mean_phi=0.5 * (first.mean_phi + second.mean_phi),
                sd_phi=0.5 * (first.sd_phi + second.sd_phi),
            )
            apart = 0.5 * abs(loglik - second.loglik)
            found = replace(
                found, theta=self.theta, sums=sums, curve=curve, mc_step=half, mc_loglik=apart
            )
            if self._is_exact(half, free):
                break
        return found

    def _capped(self, direction: FloatArray) -> FloatArray:
        """A direction, shortened where it is longer than ``largest_step`` in one parameter: of
        typical values in standard deviations of the lesions' or patients' effects, of log hazard
        ratios per standard deviation of the patients', of the others as they are (logs)."""
        fit, point = self.fit, two_level_point(self.fit, self.theta)
        limit = np.full(len(direction), CLIMB.largest_step)
        spread = np.hypot(point.population.sd, point.between)
        limit[: fit.structure.n_effects] *= spread[fit.structure.effect_places[1]]
        if point.dropout is not None:
            tail = dropout_part(fit, self.theta)
            limit[tail.start : tail.start + fit.structure.p] /= point.between
        return direction / max(1.0, float(np.max(np.abs(direction) / limit)))

    @staticmethod
    def _is_exact(step: FloatArray, curve: Curvature) -> bool:
        """Whether a step is short beside the standard errors."""
        spread = np.diag(np.linalg.pinv(curve.observed, hermitian=True))
        return bool(np.all(step**2 <= CLIMB.exact_share**2 * np.maximum(spread, 0.0) + 1e-16))

    def _guess(self) -> Around:
        return approximate_effects(self.fit, two_level_point(self.fit, self.theta), self.member)

    def _patient_nodes(
        self,
        around: Around,
        patients: IntArray,
        per_axis: int,
        rng: np.random.Generator | None = None,
    ) -> PatientNodes:
        between = two_level_point(self.fit, self.theta).between
        return nodes_around(around, between, self.members, patients, per_axis, rng)

    def run(
        self,
        nodes: Nodes,
        place: Callable[[], PatientNodes],
        tolerance: float = CLIMB.first_tolerance,
        most_steps: int = CLIMB.most_steps,
        *,
        has_leash: bool = False,
    ) -> Reached:
        """Climb until the decrement is below ``tolerance``; patients' effects stay above 0.

        Args:
            nodes: of the lesions.
            place: gives the patients' nodes. Far from the maximum they have to follow each step:
                between fixed ones a shrinking gamma would hide.
            has_leash: break off when gamma has gone far from where the nodes were placed.
        """
        groups = [(nodes, place())]
        between = between_part(self.fit)
        placed, is_settled, first = self.theta[between], True, float("nan")
        sums, curve = self._evaluate(groups)
        best = (self.theta, sums, curve)
        for number in range(most_steps + 1):
            direction = newton_direction(free_directions(self.fit, self.theta, curve))
            decrement = float(curve.score @ direction)
            first = decrement if number == 0 else first
            if decrement < tolerance or number == most_steps:
                break
            before, step = self.theta, self._capped(direction)
            for _ in range(5):
                self.theta = floored(self.fit, before + step)
                groups = [(nodes, place())]
                new_sums, new_curve = self._evaluate(groups)
                if new_sums.loglik > best[1].loglik - CLIMB.largest_fall:
                    break
                step = 0.5 * step
            else:
                # No step keeps near the highest value seen: that is where this climb ends.
                self.theta, sums, curve = best
                free = free_directions(self.fit, self.theta, curve)
                decrement = float(curve.score @ newton_direction(free))
                break
            sums, curve = new_sums, new_curve
            if sums.loglik > best[1].loglik:
                best = (self.theta, sums, curve)
            if has_leash and np.abs(self.theta[between] - placed).max() > CLIMB.longest_leash:
                is_settled = False
                break
        return Reached(
            self.theta, sums, curve, decrement, is_settled=is_settled, first_decrement=first
        )

    def _evaluate(
        self, groups: Sequence[tuple[Nodes, PatientNodes]]
    ) -> tuple[PatientSums, Curvature]:
        """Sums and second-order expansion where the climb is."""
        theta = self.theta
        point = two_level_point(self.fit, theta)
        sums = nested_sums(
            self.fit,
            point,
            groups,
            self.threads,
            self.pool,
            self._pulse,
            dropout=self.dropout,
            is_rough=True,
        )
        self.n_steps += 1
        is_of_all = sum(len(placed.patients) for _, placed in groups) == len(self.members)
        self.minus2ll = -2.0 * sums.loglik if is_of_all else None
        self._say(theta)
        return sums, nested_curvature(self.fit, point, theta, sums, groups)

    def _say(self, theta: FloatArray) -> None:
        """Tell the callback; end the fit if it says so."""
        self.told_at = time.monotonic()
        if self.progress is None:
            return
        natural = two_level_natural(self.fit, theta).tolist()
        values = dict(zip(two_level_labels(self.fit, theta), natural, strict=True))
        state = FitProgress("patients", self.n_steps, CLIMB.most_steps, self.minus2ll, values)
        if self.progress(state) is False:
            raise FitInterruptedError(state)

    def _pulse(self) -> None:
        """Within a long pass: the last state again."""
        if time.monotonic() - self.told_at > PULSE_SECONDS:
            self._say(self.theta)
