"""Progression-free survival as a trial records it: censored as the FDA's guidance has it."""

from __future__ import annotations

import numpy as np

from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import NE, NONE, PD, CodeArray

MISSED_ASSESSMENTS = 2
VISIT_WINDOW_DAYS = 14
"""A progression or death later than so many intervals, and this, after the last assessment that
could be evaluated comes after missed assessments."""
NEVER = 10**6


def recorded_pfs(
    overall: CodeArray, day: IntArray, trial: IntArray, death_day: IntArray, procedures: Columns
) -> Columns:
    """``pfs_days`` and ``pfs_event`` of each patient.

    An event is the first progression or, without one, death. Censored at the last assessment that
    could be evaluated are patients without either, those with another anticancer therapy before it
    (there at the last assessment up to it), and those whose event comes after missed assessments
    (FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, 2018, appendix on
    progression-free survival). Who stopped being scanned and dies a year later has no event.

    Args:
        overall: (n, m + 1) responses of the reader that counts; column 0 is the baseline.
        day: (n, m + 1) days of the visits, rising.
        trial: (n,) trial of each patient.
        death_day: (n,) -1 where the patient is not known to have died.
        procedures: table of procedures.

    Hand-worked: SD on days 42 and 84, no progression, death on day 400, interval 42: the death
    comes 316 days after the last assessment, more than 2 x 42 + 14; censored on day 84.
    """
    after = day > 0
    visit = (overall != NONE) & after
    evaluable = visit & (overall != NE)
    progression = np.where((overall == PD) & after, day, NEVER).min(axis=1)
    end = np.minimum(progression, np.where(death_day < 0, NEVER, death_day))
    therapy = np.full(len(end), NEVER)
    later = procedures["category"] == "SUBSEQUENT ANTI-CANCER THERAPY"
    np.minimum.at(therapy, procedures["patient"][later], procedures["day"][later])

    def last(allowed: IntArray) -> IntArray:
        return np.where(evaluable & (day <= allowed[:, None]), day, 0).max(axis=1)

    before = last(end - 1)
    longest = MISSED_ASSESSMENTS * _interval_days(visit, day, trial) + VISIT_WINDOW_DAYS
    has_therapy = therapy < end
    is_event = ~has_therapy & (end < NEVER) & (end - before <= longest)
    days = np.where(has_therapy, last(therapy), np.where(is_event, end, before))
    return {"pfs_days": days.astype(np.int64), "pfs_event": is_event}


def _interval_days(visit: np.ndarray, day: IntArray, trial: IntArray) -> FloatArray:
    """(n,) median days between the visits of the patient's trial, the first from the first dose."""
    patient, scan = np.nonzero(visit)
    at = day[patient, scan]
    gap = at - np.r_[0, np.where(np.diff(patient) == 0, at[:-1], 0)] if len(at) else at
    median = np.zeros(int(trial.max(initial=0)) + 1)
    for i in np.unique(trial[patient]):
        median[i] = np.median(gap[trial[patient] == i])
    return median[trial]
