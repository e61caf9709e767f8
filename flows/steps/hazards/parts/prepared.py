"""The rows and terms of one hazard model, and what was left out to make them so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.hazards.parts.lesions import (
    MERGED_LEVEL,
    LeftOut,
    choose_reference,
    events_by,
    without_rare_organs,
)
from flows.steps.hazards.parts.rules import KINDS, Rules
from udfs.hazards import CoxData, Term, cox_data, design, factor, factor_within, numeric

ANTIBODY = "antibody_within_organ"
CHEMOTHERAPY, WITH_ANTIBODY = "chemotherapy", "antibody plus chemotherapy"
FINAL, WITHOUT_NEW, WITHIN = "final", "without new lesions", "antibody within organ"
OBSERVED = "observed times"
FEW_OF_LEVEL, FEW_OF_ORGAN = "level with few events", "organ with few events"
FEW_OF_TREATMENT = "organ with few events under one treatment"
NO_MAXIMUM = "hazard without maximum"


@dataclass(frozen=True)
class Question:
    """What a model is of."""

    endpoint: str
    stratum: str
    model: str
    covariates: tuple[str, ...]
    """The strongest first."""
    reference: str
    has_interval: bool = False
    """Whether the variance has its interval, which takes as long as the fit."""

    def model_id(self, method: str) -> str:
        return "/".join((self.endpoint, self.stratum, self.model, method))


@dataclass
class Prepared:
    """Rows and terms of a model, and what was left out to make them so."""

    frame: pd.DataFrame
    """One row per lesion."""
    rows: pd.DataFrame
    """One row per event, and one for all of a patient's lesions in an organ that are censored on
    one day: ``weight`` says how many."""
    terms: list[Term]
    """Of ``rows``."""
    reference: str
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    """Organs counted as other."""
    silent: set[tuple[str, str]] = field(default_factory=set)
    """Term and level of what was left out without any event; of the antibody within an organ the
    organs left out for want of events under one treatment."""


@dataclass
class Removed:
    """What earlier attempts at a model showed to be impossible."""

    organs: set[str] = field(default_factory=set)
    """Without a maximum."""
    untold_organs: set[str] = field(default_factory=set)
    """Not to be told from other terms."""
    covariates: set[str] = field(default_factory=set)
    levels: set[tuple[str, str]] = field(default_factory=set)
    is_without_effect: bool = False
    kept: tuple[str, str] | None = None
    """Term and level that stay in however few their events are, for their limit."""

    def less(self, term: str, level: str) -> Removed:
        """With this level in the model after all."""
        return replace(
            self,
            organs=self.organs - ({level} if term == "organ" else set()),
            levels=self.levels - {(term, level)},
            kept=(term, level),
        )


def model_data(prepared: Prepared) -> CoxData:
    """For fitting; lesions of several tumor types have baseline hazards of their own."""
    frame = prepared.rows
    tumor = frame["tumor_type"].fillna("not stated").to_numpy(dtype=str)
    return cox_data(
        frame["time_days"].to_numpy(dtype=float),
        frame["is_event"].to_numpy(),
        design(*prepared.terms, n_rows=len(frame)),
        group=frame["patient"].to_numpy(),
        stratum=tumor if len(np.unique(tumor)) > 1 else None,
        weight=frame["weight"].to_numpy(),
    )


def collapsed(frame: pd.DataFrame) -> pd.DataFrame:
    """Lesions that have everything in common and no event as one row with their number as weight:
    the same likelihood from half the rows."""
    alike = ["patient", "organ", "time_days"]
    censored = frame[~frame["is_event"]]
    kind = censored.groupby(alike, sort=False).ngroup().to_numpy()
    _, first, count = np.unique(kind, return_index=True, return_counts=True)
    place = np.flatnonzero(~frame["is_event"].to_numpy())[first]
    weight = frame["is_event"].to_numpy(dtype=float)
    weight[place] = count
    rows = frame.assign(weight=weight)[weight > 0].reset_index(drop=True)
    # A group for each row would be refused, though there are several lesions to a patient.
    return rows if len(rows) > rows["patient"].nunique() else frame.assign(weight=1.0)


def prepare(
    frame: pd.DataFrame, question: Question, rules: Rules, removed: Removed
) -> Prepared | str:
    """Rows with known covariates, of organs and levels with events enough."""
    rows = frame
    covariates = [c for c in question.covariates if c not in removed.covariates]
    ready = Prepared(frame, frame, [], question.reference)
    while True:
        n = len(rows)
        for covariate in covariates:
            rows = _known(rows, covariate, question, ready)
            if KINDS[covariate] == "factor":
                rows = _without_rare_levels(rows, covariate, question, rules, removed, ready)
        rows = _of_usable_organs(rows, question, rules, removed, ready)
        if len(rows) == n:
            break
    if not rows["is_event"].any():
        return "no event"
    organs = events_by(rows, "organ")
    without_maximum = removed.organs | {name for term, name in ready.silent if term == "organ"}
    if len(organs) < 2 and (question.model == WITHIN or not without_maximum):
        return f"only {len(organs)} organ with {rules.least_events} events or more"
    if ready.reference not in organs.index:
        chosen = choose_reference({question.endpoint: rows}, rules)
        assert chosen is not None
        ready.reference = chosen
    ready.frame, ready.rows = rows, collapsed(rows)
    rows = ready.rows
    if len(organs) > 1:
        organ = rows["organ"].to_numpy(dtype=str)
        ready.terms = [factor("organ", organ, reference=ready.reference)]
    else:
        ready.notes.append(f"organs compared with {ready.reference} have no finite hazard ratio")
    ready.terms += [t for c in covariates if (t := covariate_term(rows, c)) is not None]
    if question.model == WITHIN:
        ready.terms.append(antibody_term(rows, CHEMOTHERAPY))
    return ready


def antibody_term(rows: pd.DataFrame, reference: str) -> Term:
    """The class of treatment within each organ."""
    return factor_within(
        ANTIBODY,
        rows["treatment_class"].to_numpy(dtype=str),
        rows["organ"].to_numpy(dtype=str),
        reference=reference,
        sources=("treatment_class", "organ"),
    )


def covariate_term(rows: pd.DataFrame, name: str, reference: str = "") -> Term | None:
    """The term of a covariate; None where it is the same in all rows.

    The reference is that of :func:`reference_level` unless another level is given.
    """
    values = rows[name]
    if values.nunique() < 2:
        return None
    if KINDS[name] == "numeric":
        return numeric(name, values.to_numpy(dtype=float))
    values = with_shared_reference(rows, name, values)
    if values.nunique() < 2:
        return None
    against = reference or reference_level(rows, name, values)
    return factor(name, values.to_numpy(dtype=str), reference=against)


def with_shared_reference(rows: pd.DataFrame, name: str, values: pd.Series) -> pd.Series:
    """Levels with one reference for all tumor types, which have baseline hazards of their own.

    Levels that no tumor type has together, such as treatments of two tumor types, cannot be
    compared: each such set has a reference, and these become one level, their names joined.
    """
    if rows["tumor_type"].nunique() < 2:
        return values
    sets: list[set[str]] = []
    for _, here in values.dropna().groupby(rows["tumor_type"]):
        met = {str(level) for level in here.unique()}
        sets = [*(s for s in sets if not s & met), met.union(*(s for s in sets if s & met))]
    if len(sets) < 2:
        return values
    each = [values.where(values.isin(one), None) for one in sets]
    main = reference_level(rows, name, values)
    others = sorted({reference_level(rows, name, part) for part in each} - {main})
    return values.where(~values.isin([main, *others]), " / ".join((main, *others)))


def reference_level(rows: pd.DataFrame, name: str, values: pd.Series) -> str:
    """The level that a covariate's others are compared with: the one of most rows, the first by
    name among equals; of treatments a chemotherapy alone, if there is one."""
    if name == "treatment":
        plain = values[(rows["treatment_class"] == CHEMOTHERAPY).to_numpy()]
        values = plain if plain.notna().any() else values
    count = values.dropna().value_counts()
    return min((str(level) for level in count.index), key=lambda level: (-count[level], level))


def _note_left_out(
    ready: Prepared, question: Question, rule: str, level: str, gone: NDArray[np.bool_]
) -> None:
    """``gone`` says of each lesion left out whether it has the event."""
    if len(gone):
        n_events = int(gone.sum())
        ready.left_out.append(
            LeftOut(
                question.endpoint,
                question.stratum,
                question.model,
                rule,
                level,
                len(gone),
                n_events,
            )
        )


def _events_where(rows: pd.DataFrame, chosen: pd.Series) -> NDArray[np.bool_]:
    """Whether each of the chosen lesions has the event."""
    return np.asarray(rows["is_event"].to_numpy()[chosen.to_numpy()], dtype=bool)


def _known(rows: pd.DataFrame, covariate: str, question: Question, ready: Prepared) -> pd.DataFrame:
    known = rows[covariate].notna()
    if known.all():
        return rows
    _note_left_out(ready, question, "covariate unknown", covariate, _events_where(rows, ~known))
    return rows[known]


def _without_rare_levels(
    rows: pd.DataFrame,
    covariate: str,
    question: Question,
    rules: Rules,
    removed: Removed,
    ready: Prepared,
) -> pd.DataFrame:
    """Levels with few events become one; what is too few even so is left out."""
    events = events_by(rows, covariate)
    rare = {
        str(level)
        for level, n in events.items()
        if (n < rules.least_events or (covariate, level) in removed.levels)
        and (covariate, level) != removed.kept
    }
    if not rare:
        return rows
    total = int(events[events.index.isin(rare)].sum())
    if len(rare) > 1 and total >= rules.least_events and MERGED_LEVEL not in rare:
        ready.notes.append(f"{covariate}: {', '.join(sorted(rare))} merged")
        merged = rows[covariate].where(~rows[covariate].isin(rare), MERGED_LEVEL)
        return rows.assign(**{covariate: merged})
    for level in sorted(rare):
        gone = _events_where(rows, rows[covariate] == level)
        _note_left_out(ready, question, FEW_OF_LEVEL, f"{covariate}: {level}", gone)
        if not events[level]:
            ready.silent.add((covariate, level))
    return rows[~rows[covariate].isin(rare)]


def _of_usable_organs(
    rows: pd.DataFrame, question: Question, rules: Rules, removed: Removed, ready: Prepared
) -> pd.DataFrame:
    unusable = frozenset(removed.organs | removed.untold_organs)
    asked = removed.kept[1] if removed.kept and removed.kept[0] == "organ" else None
    kept, fate = without_rare_organs(rows, rules, unusable, asked)
    merged = [organ for organ, what in fate.items() if what == "merged"]
    ready.merged.update(merged)
    if merged:
        ready.notes.append(f"organs with few events counted as other: {', '.join(merged)}")
    for organ, what in fate.items():
        if what == "left out":
            gone = _events_where(rows, rows["organ"] == organ)
            rule = FEW_OF_ORGAN
            if organ in removed.organs:
                rule = NO_MAXIMUM
            elif organ in removed.untold_organs:
                rule = "organ not told from other terms"
            elif not gone.any():
                ready.silent.add(("organ", organ))
            _note_left_out(ready, question, rule, organ, gone)
    if question.model == WITHIN:
        return _with_both_treatments(kept, question, rules, removed, ready)
    return kept


def _with_both_treatments(
    rows: pd.DataFrame, question: Question, rules: Rules, removed: Removed, ready: Prepared
) -> pd.DataFrame:
    """The lesions of organs that have events enough with and without antibody."""
    n_events = rows.pivot_table(
        index="organ", columns="treatment_class", values="is_event", aggfunc="sum", fill_value=0
    ).reindex(columns=[CHEMOTHERAPY, WITH_ANTIBODY], fill_value=0)
    for organ in n_events.index[
        (n_events.min(axis=1) < rules.least_events)
        | n_events.index.isin([level for term, level in removed.levels if term == ANTIBODY])
    ]:
        if removed.kept == (ANTIBODY, organ):
            continue
        here = rows["organ"] == organ
        _note_left_out(ready, question, FEW_OF_TREATMENT, str(organ), _events_where(rows, here))
        few, many = sorted(n_events.loc[organ])
        if few == 0 and many >= rules.least_events and rows["treatment_class"][here].nunique() > 1:
            ready.silent.add((ANTIBODY, str(organ)))
        rows = rows[~here]
    return rows
