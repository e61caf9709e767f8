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
from udfs.growth.proposals import Nodes, make_nodes
from udfs.growth.result import GrowthFit
from udfs.growth.settings import PULSE_SECONDS, FitInterruptedError, FitProgress, Progress
from udfs.growth.two_level_theta import (
    floored,
    free_directions,
    split_start,
    two_level_labels,
    two_level_natural,
    two_level_point,
)

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
FEW_LESIONS = 3000
"""Fewer lesions get 5 nodes per axis for 4, and their patients' nodes are put anew once more."""
MOST_AT_FIRST = 800
"""Patients of the first climb, which only has to come near."""


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
        and half a step to where other nodes see the maximum."""
        n = len(self.members)
        few = self.lesion_nodes(min(n_nodes, FIRST_NODES), FIRST_PURPOSE)
        first = min(per_axis, FIRST_PER_AXIS)
        some = np.unique(np.linspace(0, n - 1, MOST_AT_FIRST).astype(np.int64))
        if len(some) < n:
            self.run(few, lambda: self._patient_nodes(self._guess(), some, first))
        everyone = np.arange(n)
        most = MOST_STEPS if len(some) == n else 0
        found = self.run(
            few, lambda: self._patient_nodes(self._guess(), everyone, first), most_steps=most
        )
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

    def _between_nodes(self, found: Reached, nodes: Nodes, where: PatientNodes) -> Reached:
        """Half a Newton step on other nodes: its length is the Monte Carlo error, halved."""
        if not found.decrement < LARGEST_DECREMENT:
            return found
        sums, curve = self._evaluate([(nodes, where)])
        free = free_directions(self.fit, self.theta, curve, may_leave=False)
        step = 0.5 * newton_direction(free)
        self.theta = floored(self.fit, self.theta + step)
        loglik = sums.loglik
        sums = replace(
            found.sums,
            loglik=0.5 * (found.sums.loglik + sums.loglik),
            mean_phi=0.5 * (found.sums.mean_phi + sums.mean_phi),
            sd_phi=0.5 * (found.sums.sd_phi + sums.sd_phi),
        )
        apart = 0.5 * abs(found.sums.loglik - loglik)
        return Reached(self.theta, sums, found.curve, found.decrement, step, apart)

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
        most_steps: int = MOST_STEPS,
    ) -> Reached:
        """Climb until the decrement is below ``tolerance``; patients' effects stay above 0.

        Args:
            nodes: of the lesions.
            place: gives the patients' nodes. Far from the maximum they have to follow each step:
                between fixed ones a shrinking gamma would hide.
        """
        groups = [(nodes, place())]
        sums, curve = self._evaluate(groups)
        for number in range(most_steps + 1):
            direction = newton_direction(free_directions(self.fit, self.theta, curve))
            decrement = float(curve.score @ direction)
            if decrement < tolerance or number == most_steps:
                break
            before, step = self.theta, direction
            step = step * min(1.0, LARGEST_STEP / float(np.abs(direction).max()))
            for _ in range(5):
                self.theta = floored(self.fit, before + step)
                groups = [(nodes, place())]
                new_sums, new_curve = self._evaluate(groups)
                if new_sums.loglik > sums.loglik - LARGEST_FALL:
                    break
                step = 0.5 * step
            else:
                self.theta = before
                break
            sums, curve = new_sums, new_curve
        return Reached(self.theta, sums, curve, decrement)

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
            is_rough=self.fit.n_lesions >= FEW_LESIONS,
        )
        self.n_steps += 1
        self.minus2ll = -2.0 * sums.loglik
        self._say(theta)
        return sums, nested_curvature(self.fit, point, theta, sums, groups)

    def _say(self, theta: FloatArray) -> None:
        """Tell the callback; end the fit if it says so."""
        self.told_at = time.monotonic()
        if self.progress is None:
            return
        natural = two_level_natural(self.fit, theta).tolist()
        values = dict(zip(two_level_labels(self.fit, theta), natural, strict=True))
        state = FitProgress("patients", self.n_steps, MOST_STEPS, self.minus2ll, values)
        if self.progress(state) is False:
            raise FitInterruptedError(state)

    def _pulse(self) -> None:
        """Within a long pass: the last state again."""
        if time.monotonic() - self.told_at > PULSE_SECONDS:
            self._say(self.theta)
