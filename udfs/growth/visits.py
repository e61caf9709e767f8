"""Who is to be seen when: the visits of real patients, and those that would have followed.

A simulated patient may stay longer than the real one did. His visits then go on as those of his
study do: after a visit on day d, the next follows the median of the gaps after the study's visits
nearest to d. Nobody is seen later than the last visit of his study.

Withdrawal and the end of the study are independent of growth. Where the real patient was censored
his own last visit is kept. Where he was not, the day is only known to be later; it is drawn from
the Kaplan-Meier estimate of his study's censoring, given that it is later. Both together are that
estimate again (its self-consistency: Efron 1967), so that numbers under observation are right. The
estimate takes the middle between a censored patient's last visit and the next as the day: who
progressed at the visit was then no longer at risk of withdrawal, who did so at the next one was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.check_data import GrowthDataError
from udfs.growth.leaving import ObservedEnds
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.problem import Problem
from udfs.survival.curve import kaplan_meier

SAME_VISIT_DAYS = 7.0
"""Days so near to each other are one visit, when gaps are counted."""
NEAR_GAPS = 50
"""Gaps whose median is a study's gap at a time."""


@dataclass(frozen=True)
class Visits:
    """P patients with n lesions (sorted by patient) and at most K visits each."""

    lesion: IntArray
    """(n,) fit order."""
    patient: IntArray
    """(n,) ascending, 0 to P - 1."""
    n_lesions: IntArray
    """(P,)"""
    day: FloatArray
    """(P, K) ascending; infinite where there are no more."""
    n_visits: IntArray
    """(P,) with those that did not come to pass."""
    is_due: BoolArray
    """(n, K) the lesion is measured on the visit."""
    end_day: FloatArray
    """(P,) the real patient's end."""
    next_day: FloatArray
    """(P,) when he would have been seen next after his last visit."""
    has_left: BoolArray
    """(P,) it was progression or death."""
    share_at_visit: float
    """Share of the hazard's events that a visit showed, target lesions being measured on it."""
    unmeasured_end: FloatArray
    """(Q,) ends of the patients who were not measured after baseline: they were at risk, too."""
    study: IntArray
    """(P,)"""
    v0: FloatArray
    """(n,) baseline volumes, mm3."""
    t0: FloatArray
    """(n,)"""

    @property
    def n_patients(self) -> int:
        """P."""
        return len(self.n_lesions)

    def censoring(self, rng: np.random.Generator, count: int) -> IntArray:
        """(P, count) visits that each patient makes at most: his own, or drawn."""
        own = (self.day <= self.end_day[:, None]).sum(axis=1)
        out = np.repeat(own[:, None], count, axis=1)
        middle = 0.5 * (self.end_day + np.maximum(self.next_day, self.end_day))
        time = np.maximum(np.where(self.has_left, self.end_day, middle), 0.0)
        for study in np.unique(self.study):
            mine = self.study == study
            left = np.flatnonzero(mine & self.has_left)
            if len(left) == 0:
                continue
            curve = kaplan_meier(time[mine], ~self.has_left[mine])
            level = rng.random((len(left), count)) * curve.at(time[left])[0][:, None]
            drawn = np.append(curve.time, np.inf)[np.searchsorted(-curve.survival, -level)]
            for column in range(count):
                out[left, column] = (self.day[left] <= drawn[:, column, None]).sum(axis=1)
        return np.minimum(out, self.n_visits[:, None])


def plan_visits(problem: Problem, ends: ObservedEnds) -> Visits:
    """Visits of the fitted patients. Those without an end are censored on their last day.

    Raises:
        GrowthDataError: the data hold no patients.
    """
    data = problem.data
    if data.patient is None:
        raise GrowthDataError("who leaves is decided by patient: the data hold none (patient=...)")
    ids, member = np.unique(data.patient[problem.order], return_inverse=True)
    lesion = np.argsort(member, kind="stable")
    patient = member[lesion]
    day, n_real, is_due = _real_visits(problem, lesion, patient, len(ids))
    last = day[np.arange(len(ids)), n_real - 1]
    end_day, has_left, is_event = last.copy(), np.zeros(len(ids), bool), np.zeros(len(ids), bool)
    label = np.full(len(ids), "", dtype=object)
    if len(ends.patient):
        place = np.minimum(np.searchsorted(ends.patient, ids), len(ends.patient) - 1)
        known = ends.patient[place] == ids
        end_day[known] = ends.day[place[known]]
        has_left[known], is_event[known] = ends.has_left[place[known]], ends.is_event[place[known]]
        label[known] = ends.study[place[known]]
    study = np.unique(label.astype(str), return_inverse=True)[1]
    is_apart = ~np.isin(ends.patient, ids)
    n_shown = int((is_event & (day == end_day[:, None]).any(axis=1)).sum())
    n_events = int(is_event.sum() + ends.is_event[is_apart].sum())
    day, next_day = _continued(day, n_real, study)
    is_due = np.pad(is_due, ((0, 0), (0, day.shape[1] - is_due.shape[1])))
    is_later = np.isfinite(day) & (np.arange(day.shape[1]) >= n_real[:, None])
    is_due |= is_later[patient]
    return Visits(
        lesion=lesion,
        patient=patient,
        n_lesions=np.bincount(patient),
        day=day,
        n_visits=np.isfinite(day).sum(axis=1),
        is_due=is_due,
        end_day=end_day,
        next_day=next_day,
        has_left=has_left,
        share_at_visit=n_shown / n_events if n_events else 1.0,
        unmeasured_end=ends.day[is_apart],
        study=study,
        v0=data.v0[problem.order][lesion],
        t0=data.t0[problem.order][lesion],
    )


def _real_visits(
    problem: Problem, lesion: IntArray, patient: IntArray, n_patients: int
) -> tuple[FloatArray, IntArray, BoolArray]:
    """(P, K) days on which any lesion was measured, (P,) their number, (n, K) which lesions."""
    row_lesion = np.repeat(np.arange(problem.n_lesions), np.diff(problem.offsets))
    place = np.argsort(lesion)[row_lesion]
    owner, time = patient[place], problem.data.time[problem.rows]
    order = np.lexsort((time, owner))
    owner, time, place = owner[order], time[order], place[order]
    is_new = np.append(True, (np.diff(owner) > 0) | (np.diff(time) > 0))
    count = np.cumsum(is_new) - 1
    first = np.searchsorted(owner, np.arange(n_patients))
    visit = count - count[first][owner]
    n_real = np.bincount(owner[is_new], minlength=n_patients)
    day = np.full((n_patients, int(n_real.max())), np.inf)
    day[owner, visit] = time
    is_due = np.zeros((len(lesion), day.shape[1]), dtype=bool)
    is_due[place, visit] = True
    return day, n_real, is_due


@dataclass(frozen=True)
class _Plan:
    """A study's visits: days, ascending, and the usual gap after each."""

    start: FloatArray
    gap: FloatArray

    @classmethod
    def of(cls, day: FloatArray) -> _Plan:
        """From the (P, K) visits of its patients; empty where nobody was seen twice."""
        with np.errstate(invalid="ignore"):
            gap = np.diff(day, axis=1)
        is_gap = np.isfinite(gap) & (gap > SAME_VISIT_DAYS)
        start, gap = day[:, :-1][is_gap], gap[is_gap]
        if len(start) == 0:
            return cls(start, gap)
        order = np.lexsort((gap, start))
        start, gap = start[order], gap[order]
        width = min(NEAR_GAPS, len(gap))
        usual = np.median(np.lib.stride_tricks.sliding_window_view(gap, width), axis=1)
        return cls(start, usual[(np.arange(len(gap)) - width // 2).clip(0, len(usual) - 1)])

    def after(self, last: FloatArray) -> FloatArray:
        """The day of the next visit."""
        return last + self.gap[np.searchsorted(self.start, last).clip(0, len(self.gap) - 1)]


def _continued(day: FloatArray, n_real: IntArray, study: IntArray) -> tuple[FloatArray, FloatArray]:
    """(P, K) days of the visits up to the last one of the study, real ones first; (P,) the day
    after the last real one, which may be later than that."""
    real_last = day[np.arange(len(day)), n_real - 1]
    columns, n_visits, next_day = day, n_real.copy(), real_last.copy()
    for one in np.unique(study):
        mine = np.flatnonzero(study == one)
        plan = _Plan.of(day[mine])
        if len(plan.start) == 0:
            continue
        horizon, last = real_last[mine].max(), plan.after(real_last[mine])
        next_day[mine] = last
        while (last <= horizon).any():
            goes_on = last <= horizon
            mine, last = mine[goes_on], last[goes_on]
            if n_visits[mine].max() == columns.shape[1]:
                columns = np.pad(columns, ((0, 0), (0, 8)), constant_values=np.inf)
            columns[mine, n_visits[mine]] = last
            n_visits[mine] += 1
            last = plan.after(last)
    return columns[:, : int(n_visits.max())], next_day
