"""Progression across organs as a process with death competing: what Zhou 2023 did not estimate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.steps.survival.survival import confidence_level
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from udfs.progression import Sequences
    from udfs.progression.transitions import Incidence, Rate

TRANSITION = declared("analysis.organ_transition")
INCIDENCE = declared("analysis.organ_incidence")
SUMMARY = declared("analysis.organ_incidence_summary")
TABLES = (TRANSITION, INCIDENCE, SUMMARY)


EVERYONE, NOWHERE, DEATH, ANY, ANOTHER = "all", "none", "death", "any organ", "another organ"
FIRST_DOSE, FIRST_PROGRESSION = "first dose", "first progression"
YEAR = 365.25
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Course:
    """Patients of a subset under observation."""

    subset: str
    sequences: Sequences
    """Of all patients, empty ones too."""
    treatment: np.ndarray
    end: np.ndarray
    """(n,) last day under observation: death that competes, else the last scan."""
    death: np.ndarray
    """(n,) day of a death that competes, infinite without."""


@step(
    name="organ_transition",
    reads=(
        "analysis.progression_sequence",
        "analysis.progression_patient",
        "core.patient",
        "core.study",
        "core.organ",
    ),
    writes=TABLES,
    settings=(
        "rules.rule_set",
        "progression.event_source",
        "progression.death_window_days",
        "progression.landmarks",
        "survival.confidence",
    ),
)
def organ_transition(context: StepContext) -> dict[str, pa.Table]:
    """Intensities from organ to organ, and cumulative incidence, of every subset.

    Raises:
        LesionsError: a setting is out of range.
    """
    from flows.steps.progression.parts.read import landmark_days, organ_names, read_subsets

    confidence, days = confidence_level(context), landmark_days(context)
    display = organ_names(context)
    transitions: Rows = []
    curves: Rows = []
    summaries: Rows = []
    for subset in read_subsets(context):
        course = _course(context, subset)
        transitions += list(_transitions(course, confidence))
        for key, groups in _incidences(course, display):
            curve_rows, summary_rows = _incidence_rows(key, groups, days, confidence)
            curves += curve_rows
            summaries += summary_rows
    return {
        table.name: context.table(table.name, found)
        for table, found in zip(TABLES, (transitions, curves, summaries), strict=True)
    }


def _course(context: StepContext, subset: Any) -> _Course:
    """Who was under observation until when."""
    import numpy as np

    from flows.steps.progression.parts.read import with_empty

    patients: pd.DataFrame = subset.patients
    last = patients["last_assessment_day"].to_numpy(np.float64)
    death = patients["death_day"].to_numpy(np.float64)
    window = float(context.setting("progression.death_window_days"))
    competes = ~np.isnan(death) & (death <= last + window)
    death = np.where(competes, np.maximum(death, last), np.inf)
    end = np.where(competes, death, last)
    kept = end > 0
    n_gone = int((~kept).sum())
    if n_gone:
        context.note(
            f"{subset.name}: {n_gone} patients without a scan after the first dose are not at "
            "risk of progression."
        )
    treatment = patients["treatment_class"].to_numpy(dtype=object)
    everyone = with_empty(subset)
    return _Course(subset.name, everyone.take(kept), treatment[kept], end[kept], death[kept])


def _strata(course: _Course) -> Iterator[tuple[str, Any]]:
    import numpy as np

    yield EVERYONE, np.ones(course.end.size, dtype=bool)
    for name in sorted(set(course.treatment.tolist()) - {"not stated"}):
        yield name, course.treatment == name


def _transitions(course: _Course, confidence: float) -> Iterator[dict[str, Any]]:
    import numpy as np

    from udfs.progression.transitions import first_of_all, rate_after, transition

    for stratum, rows in _strata(course):
        part = course.sequences.take(rows)
        end, death, days = course.end[rows], course.death[rows], part.days
        key = {"subset": course.subset, "stratum": stratum}
        organs = part.organ.tolist()
        first = days.min(axis=1, initial=np.inf)
        n_first = (days == first[:, None]).sum(axis=1)
        next_to = _directly_next(part)
        for j, organ in enumerate(organs):
            found = first_of_all(days, end, days[:, j], confidence)
            at_once = (days[:, j] == first) & np.isfinite(first) & (n_first > 1)
            same: dict[str, Any] = {"n_same_day": int(at_once.sum()), "n_at_risk": len(end)}
            same |= {"n_directly_next": int((part.order[:, :1] == j).sum())}
            same |= {"from_organ": NOWHERE, "to_organ": organ}
            yield {**key, **same, **_of_rate(found), **nulls(RATIO)}
        found = first_of_all(days, end, death, confidence)
        at_risk: dict[str, Any] = {"n_at_risk": len(end), "n_same_day": 0, "n_directly_next": None}
        at_risk |= {"from_organ": NOWHERE, "to_organ": DEATH}
        yield {**key, **at_risk, **_of_rate(found), **nulls(RATIO)}
        for i, source in enumerate(organs):
            for j, target in enumerate(organs):
                if i != j:
                    one = transition(days, end, i, j, confidence)
                    row = {**key, "from_organ": source, "to_organ": target}
                    row |= {"n_at_risk": one.n_at_risk, "n_same_day": one.n_same_day}
                    row |= {**_of_rate(one.after), **_of_ratio(one)}
                    yield row | {"n_directly_next": int(next_to[i, j])}
            found = rate_after(days[:, i], end, death, confidence)
            row = {**key, "from_organ": source, "to_organ": DEATH, "n_same_day": 0}
            row |= {"n_at_risk": int((days[:, i] < end).sum()), "n_directly_next": None}
            yield {**row, **_of_rate(found), **nulls(RATIO)}


def _directly_next(part: Sequences) -> Any:
    """(g, g) patients in whom an organ stands directly behind another."""
    import numpy as np

    g = part.organ.size
    before, behind = part.order[:, :-1].ravel(), part.order[:, 1:].ravel()
    both = behind >= 0
    return np.bincount(before[both] * g + behind[both], minlength=g * g).reshape(g, g)


def _of_rate(rate: Rate) -> dict[str, Any]:
    return {
        "n_transitions": rate.events,
        "patient_years": rate.time / YEAR,
        "rate_per_year": rate.rate * YEAR,
        "rate_lower": rate.lower * YEAR,
        "rate_upper": rate.upper * YEAR,
    }


RATIO = (
    "n_transitions_otherwise",
    "patient_years_otherwise",
    "rate_ratio",
    "ratio_lower",
    "ratio_upper",
)
"""Against another organ's progression; NULL where there is no other organ."""


def _of_ratio(one: Any) -> dict[str, Any]:
    import math

    ratios = (one.ratio, one.ratio_lower, one.ratio_upper)
    finite = [value if math.isfinite(value) else None for value in ratios]
    otherwise = one.otherwise
    return dict(zip(RATIO, (otherwise.events, otherwise.time / YEAR, *finite), strict=True))


def _incidences(
    course: _Course, display: dict[str, str]
) -> Iterator[tuple[dict[str, str], dict[str, tuple[Any, Any]]]]:
    """Days and causes of each group, for each organ and origin."""
    import numpy as np

    days, end, death = course.sequences.days, course.end, course.death
    targets = {organ: days[:, j] for j, organ in enumerate(course.sequences.organ.tolist())}
    if len(targets) > 1:
        targets[ANY] = days.min(axis=1, initial=np.inf)
    for organ, target in targets.items():
        time, cause = _causes(target, end, death)
        key = {"subset": course.subset, "origin": FIRST_DOSE, "organ": organ}
        yield key, {name: (time[rows], cause[rows]) for name, rows in _strata(course)}
    if len(targets) < 2:
        return
    ordered = np.sort(days, axis=1)
    start, second = ordered[:, 0], ordered[:, 1]
    begun = start <= end
    time, cause = _causes(second, end, death)
    first = course.sequences.order[:, 0]
    count = np.bincount(first[begun & (first >= 0)], minlength=course.sequences.organ.size)
    frequent = np.argsort(-count, kind="stable")[:2]
    groups: dict[str, tuple[Any, Any]] = {}
    for name, rows in (
        (EVERYONE, begun),
        *((f"{display.get(str(o), str(o))} first", begun & (first == k))
          for k in frequent.tolist() for o in [course.sequences.organ[k]]),
        ("Other first", begun & (first >= 0) & ~np.isin(first, frequent)),
    ):  # fmt: skip
        if rows.any():
            groups[name] = (np.maximum(time[rows] - start[rows], 0.0), cause[rows])
    key = {"subset": course.subset, "origin": FIRST_PROGRESSION, "organ": ANOTHER}
    yield key, groups


def _causes(target: Any, end: Any, death: Any) -> tuple[Any, Any]:
    """Days to progression, competing death or censoring, and which it is."""
    import numpy as np

    from udfs.progression.transitions import CENSORED, COMPETING, EVENT

    progressed = target <= end
    died = ~progressed & np.isfinite(death)
    cause = np.where(progressed, EVENT, np.where(died, COMPETING, CENSORED))
    return np.where(progressed, np.minimum(target, end), end), cause


def _incidence_rows(
    key: dict[str, str],
    groups: dict[str, tuple[Any, Any]],
    days: list[float],
    confidence: float,
) -> tuple[Rows, Rows]:
    """Curves of the groups, and their values on the days."""
    import numpy as np

    from udfs.progression.transitions import COMPETING, EVENT, aalen_johansen

    p_value = _p_value({name: found for name, found in groups.items() if name != EVERYONE})
    curves: Rows = []
    summaries: Rows = []
    for name, (time, cause) in groups.items():
        found = aalen_johansen(time, cause, confidence=confidence)
        swapped = np.where(cause == EVENT, COMPETING, np.where(cause == COMPETING, EVENT, cause))
        dead = aalen_johansen(time, swapped, confidence=confidence)
        one = {**key, "group_name": name}
        curves += _curve_rows(one, found, dead)
        for day in days:
            value, lower, upper, left = found.at(day)
            row = {**one, "day": day, "n_patients": time.size, "n_left": left}
            row |= {"n_events": int((cause == EVENT).sum())}
            row |= {"n_deaths": int((cause == COMPETING).sum())}
            row |= {"incidence": value, "ci_lower": lower, "ci_upper": upper}
            summaries.append(row | {"p_value": None if name == EVERYONE else p_value})
    return curves, summaries


def _curve_rows(key: dict[str, str], found: Incidence, dead: Incidence) -> Rows:
    import numpy as np

    rows: Rows = []
    for i in np.flatnonzero(found.n_events + found.n_competing).tolist():
        row = {**key, "time_days": float(found.time[i]), "incidence": float(found.incidence[i])}
        row |= {"ci_lower": float(found.lower[i]), "ci_upper": float(found.upper[i])}
        row |= {"death_incidence": float(dead.incidence[i])}
        row |= {"n_at_risk": int(found.n_at_risk[i]), "n_events": int(found.n_events[i])}
        rows.append(row | {"n_deaths": int(found.n_competing[i])})
    return rows


def _p_value(groups: dict[str, tuple[Any, Any]]) -> float | None:
    """Log-rank test of the cause-specific hazards."""
    import numpy as np

    from udfs.progression.transitions import EVENT
    from udfs.survival import log_rank

    if len(groups) < 2:
        return None
    time = np.concatenate([t for t, _ in groups.values()])
    event = np.concatenate([c for _, c in groups.values()]) == EVENT
    code = np.repeat(np.arange(len(groups)), [t.size for t, _ in groups.values()])
    if not event.any():
        return None
    test = log_rank(time, event, code)
    return None if np.isnan(test.p_value) else test.p_value
