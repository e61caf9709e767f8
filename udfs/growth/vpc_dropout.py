"""Visual predictive check of a fit that knows who leaves: the simulated patients leave too.

A check on the schedule as it was (``vpc``) compares those who stayed with everybody. Where patients
with fast growth leave, its late bins differ from the measurements though the model is right. Here
the whole joint model is simulated, sizes and drop-out, and what it makes of each patient is cut off
where observation would have ended; the schedule goes on where the real patient left (see
``leaving_simulation`` and ``visits``). Real measurements after progression are left out as well.

Prediction correction (Bergstrand 2011) as in ``vpc``, each simulated row with the population
prediction of its own day,

    pc y = y * (bin's median prediction of the measured rows) / (prediction of the row),

the same factor of the bin on both sides, and the same limits of the bins. Beside the sizes stands
the companion of a drop-out check: the Kaplan-Meier estimate of the share of patients who have
neither progressed nor died, of the real patients and of each replicate, both among those with a
measurement after baseline.

References: Bergstrand 2011, AAPS J 13:143; Monolix documentation, "Correcting the VPC for missing
observations" (drop-out simulated by its own model); "Visual predictive check of longitudinal models
and dropout" (there the full approach, as against one that conditions on the times of drop-out seen,
for which a patient's effects would have to be drawn given that he stayed); Zhudenkov 2022, CPT
Pharmacometrics Syst Pharmacol 11:425 (checks of joint models); Wu and Carroll 1988, Biometrics
44:175 (shared random effects); Efron 1967, Proc 5th Berkeley Symp 4:831 (self-consistency).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from udfs.growth.leaving import Leaving, ObservedEnds
from udfs.growth.leaving_simulation import SMALLEST_SHARE, SimulatedCourse, Simulator
from udfs.growth.likelihood import LARGEST_VOLUME, SMALLEST_VOLUME
from udfs.growth.npde import usual_limit
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.problem import run_blocks
from udfs.growth.residuals import Residuals
from udfs.growth.result import GrowthFit
from udfs.growth.visits import Visits, plan_visits
from udfs.growth.vpc import BATCH, PERCENTILES, PredictiveCheck, bin_edges, bins_of, check_of
from udfs.survival.curve import kaplan_meier
from udfs.volume import AXIS_RATIO


def dropout_checks(
    fit: GrowthFit,
    residuals: Residuals,
    strata: Mapping[str, BoolArray],
    leaving: Leaving,
    ends: ObservedEnds,
    *,
    volume_per_cube: FloatArray | None = None,
    n_bins: int = 12,
    rows_per_bin: int = 50,
    n_simulations: int = 200,
    level: float = 0.90,
    seed: int = 20230607,
    threads: int = 1,
) -> dict[str, PredictiveCheck]:
    """``predictive_checks`` with patients who leave.

    Args:
        fit: with the variance of both levels (``under_total_variance``); its data hold patients.
        residuals: of ``fit``.
        strata: name -> (m,) rows of ``residuals`` that belong to it: all of a lesion or none.
        leaving: of the fit with drop-out, for example ``Leaving.of(two)``.
        ends: when and why the real patients' observation ended.
        volume_per_cube: (n,) volume over cubed diameter of each lesion, in the order of
            ``fit.lesions``; by default that of an ellipsoid with the axis ratio of Zhou 2023.
        n_bins, rows_per_bin, n_simulations, level, seed: as in ``predictive_checks``.
        threads: batches of replicates worked on at once.

    Raises:
        GrowthDataError: the data hold no patients.
        ValueError: the baseline is a parameter (there is then no baseline to progress from), the
            patients' variance exceeds the whole, or a stratum holds part of a lesion, or no row.
    """
    if fit.problem.model.baseline != "regressor":
        raise ValueError("drop-out is simulated from measured baselines only")
    work = _Work.prepare(fit, residuals, leaving, ends, volume_per_cube)
    bins = {name: work.bins(rows, n_bins, rows_per_bin) for name, rows in strata.items()}
    starts = range(0, n_simulations, BATCH)

    def batch(one: int) -> dict[str, _Found]:
        course = work.simulator.run(min(BATCH, n_simulations - starts[one]), seed, one)
        return {name: work.summary(course, bins[name]) for name in bins}

    done = run_blocks(batch, len(starts), threads)
    return {name: work.check(bins[name], [one[name] for one in done], level) for name in bins}


@dataclass(frozen=True)
class _Bins:
    """A stratum's bins: k of them."""

    observed: list[IntArray]
    """Rows of the residuals in each."""
    day_middle: FloatArray
    typical: FloatArray
    """(k,) median population prediction of the measured rows."""
    of_visit: IntArray
    """(P, K) bin of each visit, -1 outside."""
    is_lesion: BoolArray
    """(n,) lesions of the stratum, in the order of the visits."""
    is_patient: BoolArray
    """(P,) patients with such a lesion."""


@dataclass(frozen=True)
class _Found:
    """What a batch of replicates says of a stratum."""

    percentile: FloatArray
    """(count, k, q) prediction-corrected; NaN where nobody was measured."""
    raw: FloatArray
    """(count, k, q) the same without prediction correction."""
    censored: FloatArray
    """(count, k)"""
    followed: FloatArray
    """(count, k)"""


@dataclass(frozen=True)
class _Work:
    """The measurements and what they are held against."""

    residuals: Residuals
    simulator: Simulator
    population: FloatArray
    """(n, K) population prediction of each lesion at each visit."""
    lesion: IntArray
    """(m,) lesion of each row of the residuals, in the order of the visits."""
    day: FloatArray
    """(m,) its day."""
    is_followed: BoolArray
    """(m,) it was measured before the patient's end, or on that day."""
    is_below: BoolArray
    """(m,) it is below the limit of quantification."""
    limit: float
    """The usual limit of quantification."""

    @property
    def visits(self) -> Visits:
        return self.simulator.visits

    @classmethod
    def prepare(
        cls,
        fit: GrowthFit,
        residuals: Residuals,
        leaving: Leaving,
        ends: ObservedEnds,
        volume_per_cube: FloatArray | None,
    ) -> _Work:
        problem, population = fit.problem, fit.population
        visits = plan_visits(problem, ends)
        if volume_per_cube is None:
            cube = np.full(problem.n_lesions, 0.5 / AXIS_RATIO**2)
        else:
            in_fit_order = np.argsort(np.argsort(problem.order))
            cube = np.asarray(volume_per_cube, dtype=np.float64)[in_fit_order][visits.lesion]
        total = np.diag(population.omega)
        if (leaving.between**2 > (1.0 + SMALLEST_SHARE) * total).any():
            raise ValueError(
                "the patients' variance exceeds that of the fit: dropout_checks wants a fit with "
                "the variance of both levels (under_total_variance)"
            )
        row_lesion = problem.back[problem.data.row_lesion[residuals.data_row]]
        lesion = np.argsort(visits.lesion)[row_lesion]
        day = problem.data.time[residuals.data_row]
        order = np.argsort(problem.rows)
        upper = problem.upper[order]
        return cls(
            residuals=residuals,
            simulator=Simulator.prepare(problem, population, leaving, visits, cube),
            population=_at_visits(fit, visits),
            lesion=lesion,
            day=day,
            is_followed=day <= visits.end_day[visits.patient[lesion]],
            is_below=residuals.is_censored & (upper == problem.y[order]),
            limit=usual_limit(np.where(residuals.is_censored, upper, np.nan)),
        )

    def bins(self, rows: BoolArray, n_bins: int, rows_per_bin: int) -> _Bins:
        """Bins of the rows of a stratum that were measured before their patients' ends."""
        visits, population = self.visits, self.residuals.population_mm3
        is_lesion = np.zeros(len(visits.patient), dtype=bool)
        is_lesion[self.lesion[rows]] = True
        if not np.array_equal(is_lesion[self.lesion], rows):
            raise ValueError("a stratum holds some rows of a lesion and not the others")
        kept = np.flatnonzero(rows & self.is_followed)
        if len(kept) == 0:
            raise ValueError("a stratum holds no measurement up to its patients' ends")
        edges = bin_edges(self.day[kept], n_bins, rows_per_bin)
        bin_of = bins_of(self.day[kept], edges)
        present, of_row = np.unique(bin_of, return_inverse=True)
        observed = [kept[of_row == one] for one in range(len(present))]
        is_inside = (visits.day >= edges[0]) & (visits.day <= edges[-1])
        of_visit = np.full(visits.day.shape, -1)
        raw = bins_of(visits.day[is_inside], edges)
        place = np.minimum(np.searchsorted(present, raw), len(present) - 1)
        of_visit[is_inside] = np.where(present[place] == raw, place, -1)
        is_patient = np.zeros(visits.n_patients, dtype=bool)
        is_patient[visits.patient[is_lesion]] = True
        return _Bins(
            observed=observed,
            day_middle=np.array([np.median(self.day[one]) for one in observed]),
            typical=np.array([np.median(population[one]) for one in observed]),
            of_visit=of_visit,
            is_lesion=is_lesion,
            is_patient=is_patient,
        )

    def summary(self, course: SimulatedCourse, bins: _Bins) -> _Found:
        """Percentiles, shares below the limit and shares followed of each replicate."""
        count, k = course.end_day.shape[1], len(bins.observed)
        which = bins.of_visit[self.visits.patient[course.lesion], course.visit]
        kept = bins.is_lesion[course.lesion] & (which >= 0)
        # Small integers are sorted quickly.
        key = (course.replicate[kept] * k + which[kept]).astype(np.min_scalar_type(count * k))
        volume = course.volume[kept]
        corrected = volume / self.population[course.lesion[kept], course.visit[kept]]
        size = np.bincount(key, minlength=count * k)
        below = np.bincount(key, weights=volume < self.limit, minlength=count * k)
        percentile, raw = np.full((2, count * k, len(PERCENTILES)), np.nan)
        stop = np.cumsum(size)
        by_group = np.stack([corrected, volume])[:, np.argsort(key, kind="stable")]
        for group in np.flatnonzero(size):
            values = by_group[:, stop[group] - size[group] : stop[group]]
            percentile[group], raw[group] = np.percentile(values, PERCENTILES, axis=1).T
        with np.errstate(invalid="ignore"):
            censored = below / size
        mine = bins.is_patient
        followed = [
            _followed(course.end_day[mine, one], course.has_left[mine, one], bins.day_middle)
            for one in range(count)
        ]
        return _Found(
            percentile.reshape(count, k, -1) * bins.typical[:, None],
            raw.reshape(count, k, -1),
            censored.reshape(count, k),
            np.array(followed),
        )

    def check(self, bins: _Bins, found: list[_Found], level: float) -> PredictiveCheck:
        """The measurements of a stratum beside its bands."""
        residuals, visits = self.residuals, self.visits
        tails = [0.5 * (1.0 - level), 0.5, 0.5 * (1.0 + level)]
        gone, usual, stayed = _quantiles(np.concatenate([o.followed for o in found]), tails)
        seen = np.zeros(visits.n_patients, dtype=bool)
        seen[visits.patient[self.lesion[self.is_followed]]] = True
        seen &= bins.is_patient
        check = check_of(
            self.day,
            residuals,
            self.is_below,
            bins.observed,
            bins.typical,
            _quantiles(np.concatenate([o.percentile for o in found]), tails),
            _quantiles(np.concatenate([o.raw for o in found]), tails),
            _quantiles(np.concatenate([o.censored for o in found]), tails),
            level,
        )
        return replace(
            check,
            followed_observed=_followed(
                visits.end_day[seen], visits.has_left[seen], bins.day_middle
            ),
            followed_lower=gone,
            followed_median=usual,
            followed_upper=stayed,
        )


def _at_visits(fit: GrowthFit, visits: Visits) -> FloatArray:
    """(n, K) population predictions at all visits; NaN where there is none."""
    problem = fit.problem
    typical = problem.design.mean(fit.population.coefficients)[:, visits.lesion]
    lesion, visit = np.nonzero(np.isfinite(visits.day)[visits.patient])
    times = problem.model.times(
        visits.day[visits.patient[lesion], visit], visits.v0[lesion], visits.t0[lesion]
    )
    psi = [one.to_psi(typical[k])[lesion] for k, one in enumerate(problem.model.parameters)]
    out = np.full((len(visits.lesion), visits.day.shape[1]), np.nan)
    out[lesion, visit] = np.clip(problem.model.predict(psi, times), SMALLEST_VOLUME, LARGEST_VOLUME)
    return out


def _followed(end_day: FloatArray, has_left: BoolArray, days: FloatArray) -> FloatArray:
    """Kaplan-Meier share of patients who have not left by some days; NaN without patients."""
    seen = np.isfinite(end_day)
    if not seen.any():
        return np.full(len(days), np.nan)
    return kaplan_meier(np.maximum(end_day[seen], 0.0), has_left[seen]).at(days)[0]


def _quantiles(values: FloatArray, levels: list[float]) -> FloatArray:
    """(3, ...) quantiles over the replicates that have a value; NaN where none has."""
    out = np.full((len(levels), *values.shape[1:]), np.nan)
    known = np.isfinite(values).any(axis=0)
    out[:, known] = np.nanquantile(values[:, known], levels, axis=0)
    return out
