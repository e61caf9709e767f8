"""Simulated patients who leave: sizes, progression, death and withdrawal, visit by visit.

Of patient i with lesions j, in each replicate:

1. u_i ~ N(0, Gamma), phi_ij = mean_ij + u_i + eta_ij with eta_ij ~ N(0, Omega).
2. Events of the hazard h(t) = rate(t) exp(alpha'u_i). A share s of the real events was shown by a
   visit and dated to it; such an event comes at visit k on day t_k with probability

       min(1, s c_k rate(t_k) (t_k - t_(k-1)) exp(alpha'u_i)),

   the hazard at that day times the days since the visit before. c_k, near 1, is the days at risk in
   the piece of rate(t) that holds t_k over the days since the visits before, summed over the real
   visits in the piece: as many events are then expected of the real visits as the likelihood, which
   knows no visits, equates with the days at risk. The other events (deaths) come at any time with
   hazard (1 - s) h(t), and the visits after them are not made.
3. At each visit sizes are y_ij = f(t; phi_ij) + error, and diameters d_ij = cbrt(y_ij / c_ij), c_ij
   being the lesion's volume over its cubed diameter. Their sum ends observation where it is at
   least 20 % and 5 mm above the smallest complete sum so far, the baseline's among them
   (RECIST 1.1).
4. The visit that shows an event or progression is measured, and is the last one. So is the last
   before withdrawal (see ``visits``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.leaving import Leaving
from udfs.growth.likelihood import LARGEST_VOLUME, SMALLEST_VOLUME
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem
from udfs.growth.visits import Visits

LEAVING_PURPOSE = 21
SMALLEST_SHARE = 1e-9
"""Of the variance that lies between a patient's lesions: less is a rounding error, or none."""


@dataclass(frozen=True)
class SimulatedCourse:
    """Some replicates of P patients; m measurements in all."""

    lesion: IntArray
    """(m,) position in ``Visits.lesion``."""
    visit: IntArray
    """(m,) number of the visit, from 0."""
    replicate: IntArray
    """(m,)"""
    volume: FloatArray
    """(m,) mm3; may be negative."""
    end_day: FloatArray
    """(P, count) progression, death, or last visit; -inf for patients without any visit."""
    has_left: BoolArray
    """(P, count) progression or death."""


@dataclass(frozen=True)
class Simulator:
    """What the replicates have in common."""

    problem: Problem
    population: Population
    """With the variance of both levels."""
    leaving: Leaving
    visits: Visits
    cube: FloatArray
    """(n,) volume over cubed diameter, in the order of ``visits``."""
    shown: FloatArray
    """(P, K) expected events that a visit shows of a patient without effects."""

    @classmethod
    def prepare(
        cls,
        problem: Problem,
        population: Population,
        leaving: Leaving,
        visits: Visits,
        cube: FloatArray,
    ) -> Simulator:
        """With what visits show (see the module)."""
        piece = np.clip(
            np.searchsorted(leaving.cuts, visits.day, "left") - 1, 0, len(leaving.rate) - 1
        )
        before = np.concatenate([np.zeros((len(piece), 1)), visits.day[:, :-1]], axis=1)
        with np.errstate(invalid="ignore"):
            days = np.maximum(visits.day, 0.0) - np.maximum(before, 0.0)
        days = np.where(np.isfinite(days), days, 0.0)
        was_made = visits.day <= visits.end_day[:, None]
        passed = np.bincount(piece[was_made], days[was_made], minlength=len(leaving.rate))
        end = np.concatenate([visits.end_day, visits.unmeasured_end])
        end = np.maximum(end, 0.0)[:, None]
        at_risk = (np.clip(end, leaving.cuts[:-1], leaving.cuts[1:]) - leaving.cuts[:-1]).sum(0)
        scale = np.divide(at_risk, passed, out=np.ones_like(passed), where=passed > 0)
        shown = visits.share_at_visit * (leaving.rate * scale)[piece] * days
        return cls(problem, population, leaving, visits, cube, shown)

    def run(self, count: int, seed: int, batch: int) -> SimulatedCourse:
        """``count`` replicates; the same for the same seed and batch."""
        sequence = np.random.SeedSequence(seed, spawn_key=(LEAVING_PURPOSE, batch))
        rng = np.random.Generator(np.random.SFC64(sequence))
        visits, leaving = self.visits, self.leaving
        shape = (len(leaving.between), visits.n_patients, count)
        u = leaving.between[:, None, None] * rng.standard_normal(shape)
        psi = self._lesion_parameters(u, rng)
        risk = leaving.risk(u).ravel()
        share = visits.share_at_visit
        needed = rng.standard_exponential(len(risk))
        death = np.full(len(risk), np.inf)
        if share < 1.0:
            death = leaving.day_of(needed / ((1.0 - share) * risk))
        most = visits.censoring(rng, count).ravel()
        state = _State.at_baseline(visits, self.cube, count)
        pairs = np.arange(len(risk))
        nothing = np.zeros(0, dtype=np.int64)
        parts = [(nothing, nothing, nothing, np.zeros(0))]
        for visit in range(visits.day.shape[1]):
            pairs = state.without_absent(pairs, visits.day[:, visit], death, most > visit)
            if len(pairs) == 0:
                break
            rows = self._measured(pairs, visit, psi, count, rng)
            parts.append((rows.lesion, np.full(len(rows.lesion), visit), rows.replicate, rows.y))
            expected = self.shown[pairs // count, visit] * risk[pairs]
            is_event = rng.random(len(pairs)) < expected
            pairs = state.after_visit(pairs, visits, visit, rows, is_event, leaving)
        lesion, when, replicate, y = (np.concatenate(one) for one in zip(*parts, strict=True))
        grid = (visits.n_patients, count)
        return SimulatedCourse(
            lesion, when, replicate, y, state.end_day.reshape(grid), state.has_left.reshape(grid)
        )

    def _lesion_parameters(self, u: FloatArray, rng: np.random.Generator) -> list[FloatArray]:
        """(n * count,) natural values of each parameter."""
        total = np.diag(self.population.omega)
        own = np.maximum(total - self.leaving.between**2, SMALLEST_SHARE * total)
        within = self.population.omega + np.diag(own - total)
        root = np.linalg.cholesky(within)
        mean = self.problem.design.mean(self.population.coefficients)[:, self.visits.lesion]
        eta = rng.standard_normal((len(root), mean.shape[1], u.shape[2]))
        phi = np.einsum("pq,qnk->pnk", root, eta)
        phi += mean[:, :, None]
        phi += u[:, self.visits.patient]
        return [one.to_psi(phi[k]).ravel() for k, one in enumerate(self.problem.model.parameters)]

    def _measured(
        self,
        pairs: IntArray,
        visit: int,
        psi: list[FloatArray],
        count: int,
        rng: np.random.Generator,
    ) -> _Rows:
        """Sizes at one visit of patients (pair = patient * count + replicate)."""
        visits = self.visits
        due = np.flatnonzero(visits.is_due[:, visit])
        per_patient = np.bincount(visits.patient[due], minlength=visits.n_patients)
        first = np.cumsum(per_patient) - per_patient
        patient = pairs // count
        n = per_patient[patient]
        start = np.cumsum(n) - n
        lesion = due[np.repeat(first[patient] - start, n) + np.arange(int(n.sum()))]
        replicate = np.repeat(pairs % count, n)
        cell = lesion * count + replicate
        day = np.repeat(visits.day[patient, visit], n)
        model = self.problem.model
        times = model.times(day, visits.v0[lesion], visits.t0[lesion])
        f = model.predict([one[cell] for one in psi], times)
        f = np.clip(f, SMALLEST_VOLUME, LARGEST_VOLUME)
        sigma = self.problem.error.sigma(f, self.population.error)
        y = f + sigma * rng.standard_normal(len(f))
        diameter = np.cbrt(np.maximum(y, 0.0) / self.cube[lesion])
        return _Rows(lesion, replicate, y, np.add.reduceat(diameter, start), n)


@dataclass(frozen=True)
class _Rows:
    lesion: IntArray
    replicate: IntArray
    y: FloatArray
    sum_mm: FloatArray
    """(pairs,) sum of the diameters."""
    n_measured: IntArray
    """(pairs,) lesions in it."""


@dataclass(frozen=True)
class _State:
    """Of each pair of patient and replicate; changed visit by visit."""

    nadir: FloatArray
    end_day: FloatArray
    has_left: BoolArray
    baseline_day: FloatArray
    n_lesions: IntArray
    count: int

    @classmethod
    def at_baseline(cls, visits: Visits, cube: FloatArray, count: int) -> _State:
        size = visits.n_patients * count
        sums = np.bincount(visits.patient, weights=np.cbrt(visits.v0 / cube))
        last = np.full(visits.n_patients, -np.inf)
        np.maximum.at(last, visits.patient, visits.t0)
        return cls(
            np.repeat(sums, count),
            np.full(size, -np.inf),
            np.zeros(size, dtype=bool),
            last,
            visits.n_lesions,
            count,
        )

    def without_absent(
        self, pairs: IntArray, day: FloatArray, death: FloatArray, is_allowed: BoolArray
    ) -> IntArray:
        """Pairs that come to a visit; those who died before it are marked as gone."""
        is_allowed = is_allowed[pairs]
        is_dead = death[pairs] < day[pairs // self.count]
        gone = pairs[is_allowed & is_dead]
        was_seen = np.isfinite(self.end_day[gone])
        gone = gone[was_seen]
        self.end_day[gone], self.has_left[gone] = death[gone], True
        return pairs[is_allowed & ~is_dead]

    def after_visit(
        self,
        pairs: IntArray,
        visits: Visits,
        visit: int,
        rows: _Rows,
        is_event: BoolArray,
        leaving: Leaving,
    ) -> IntArray:
        """Pairs that go on after a visit."""
        patient = pairs // self.count
        day = visits.day[patient, visit]
        is_after = day > self.baseline_day[patient]
        lowest = self.nadir[pairs]
        least = np.maximum(leaving.relative_change * lowest, leaving.absolute_change_mm)
        has_grown = is_after & (rows.sum_mm - lowest >= least)
        counts = is_after & (rows.n_measured == self.n_lesions[patient])
        self.nadir[pairs] = np.where(counts, np.minimum(lowest, rows.sum_mm), lowest)
        leaves = has_grown | is_event
        self.end_day[pairs], self.has_left[pairs] = day, leaves
        return pairs[~leaves]
