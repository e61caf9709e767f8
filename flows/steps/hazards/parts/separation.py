"""Levels without a finite hazard ratio: what the data say of each, beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flows.steps.hazards.parts.lesions import LeftOut
from flows.steps.hazards.parts.prepared import (
    ANTIBODY,
    CHEMOTHERAPY,
    FEW_OF_LEVEL,
    FEW_OF_ORGAN,
    FEW_OF_TREATMENT,
    NO_MAXIMUM,
    WITH_ANTIBODY,
    Prepared,
    Question,
    Removed,
    antibody_term,
    model_data,
    prepare,
)
from flows.steps.hazards.parts.rules import Rules
from udfs.hazards import CoxFit, OneSided, Term, factor, one_sided
from udfs.hazards.estimate import Options


@dataclass(frozen=True)
class Separated:
    """A level without events, or whose events fall on one side of all others: it is in no fit.

    The fit is the limit of the one with it: rows whose hazard is 0 are in no risk set.
    """

    term: str
    level: str
    """Of the antibody within an organ: the organ."""
    reference: str
    n_lesions: int
    n_events: int
    ratio: OneSided
    """Against the reference."""


def separated_levels(
    frame: pd.DataFrame,
    question: Question,
    rules: Rules,
    removed: Removed,
    fitted: Prepared,
    options: Options,
    fit: CoxFit,
) -> tuple[Separated, ...]:
    """What the data say of each level that diverged or has no event, beside the model."""
    found = []
    near = fit.variance or None
    left_out = {(one.rule, one.level) for one in fitted.left_out}
    diverged = {
        (term, level)
        for term, level in removed.levels
        if term == ANTIBODY or (FEW_OF_LEVEL, f"{term}: {level}") in left_out
    }
    diverged |= {("organ", organ) for organ in removed.organs}
    for term, level in sorted(diverged | fitted.silent):
        ready = prepare(frame, question, rules, removed.less(term, level))
        if isinstance(ready, str):
            continue
        if term == ANTIBODY:
            one = _antibody_limit(ready, level, options, near)
        else:
            terms = {one.name: one for one in fitted.terms}
            ready.terms = [_as_fitted(one, terms) for one in ready.terms]
            one = _limit(ready, term, level, options, near)
        if one is not None:
            found.append(one)
    return tuple(found)


def _limit(
    ready: Prepared, term: str, level: str, options: Options, near: float | None
) -> Separated | None:
    data = model_data(ready)
    if (term, level) not in data.design.columns:
        return None
    ratio = one_sided(data, term, level, options, near)
    if ratio is None:
        return None
    reference = next(one.reference for one in ready.terms if one.name == term)
    here = ready.frame[term] == level
    n_events = int(ready.frame["is_event"][here].sum())
    return Separated(term, level, reference, int(here.sum()), n_events, ratio)


def _antibody_limit(
    ready: Prepared, organ: str, options: Options, near: float | None
) -> Separated | None:
    """Of the antibody within an organ. Without events under chemotherapy alone it is chemotherapy
    whose hazard ratio is 0: the antibody's is the inverse."""
    here = ready.frame[ready.frame["organ"] == organ]
    given = here["treatment_class"] == WITH_ANTIBODY
    is_inverse = not here["is_event"][~given].any()
    of, against = (CHEMOTHERAPY, WITH_ANTIBODY) if is_inverse else (WITH_ANTIBODY, CHEMOTHERAPY)
    label = f"{of} within {organ}"
    ready.terms[-1] = antibody_term(ready.rows, against)
    data = model_data(ready)
    if (ANTIBODY, label) not in data.design.columns:
        return None
    ratio = one_sided(data, ANTIBODY, label, options, near)
    if ratio is None:
        return None
    if is_inverse:
        ratio = replace(ratio, is_infinite=True, log_limit=-ratio.log_limit)
    n_events = int(here["is_event"][given].sum())
    return Separated(ANTIBODY, organ, CHEMOTHERAPY, int(given.sum()), n_events, ratio)


def _as_fitted(term: Term, fitted: Mapping[str, Term]) -> Term:
    """With the fitted model's reference: a level more may be the one of most rows."""
    if term.codes is None or term.name not in fitted:
        return term
    reference = fitted[term.name].reference
    if term.within or reference == term.reference or reference not in term.labels:
        return term
    values = np.array((term.reference, *term.labels))[term.codes]
    return factor(term.name, values, reference=reference)


def with_limit(one: LeftOut, separated: tuple[Separated, ...]) -> LeftOut:
    """What has a limit was left out for that, not for few events."""
    told = {
        FEW_OF_ORGAN: {s.level for s in separated if s.term == "organ"},
        FEW_OF_LEVEL: {f"{s.term}: {s.level}" for s in separated},
        FEW_OF_TREATMENT: {s.level for s in separated if s.term == ANTIBODY},
    }
    return replace(one, rule=NO_MAXIMUM) if one.level in told.get(one.rule, ()) else one
