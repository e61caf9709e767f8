"""One hazard model: its fit with and without the patient's random effect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from flows.steps.hazards.parts.prepared import (
    ANTIBODY,
    Prepared,
    Question,
    Removed,
    model_data,
    prepare,
)
from flows.steps.hazards.parts.rules import KINDS, Rules
from flows.steps.hazards.parts.separation import Separated, separated_levels, with_limit
from udfs.hazards import (
    CoxData,
    CoxFit,
    HazardDataError,
    NoRepetitionError,
    ProportionalCheck,
    SeparatedTermError,
    TermError,
    TermTest,
    fit_cox,
    separated_column,
)
from udfs.hazards.estimate import MAX_STANDARD_ERROR

MAX_ATTEMPTS = 30


@dataclass
class Model:
    """A fitted model."""

    question: Question
    prepared: Prepared
    data: CoxData
    fits: tuple[CoxFit, ...]
    """With the random effect (unless it cannot be had), and without."""
    separated: tuple[Separated, ...] = ()
    tests: tuple[TermTest, ...] = ()
    proportional: tuple[tuple[str, ProportionalCheck], ...] = ()
    """How the random effects were taken, and the tests."""
    level_tests: tuple[TermTest, ...] = ()

    @property
    def fit(self) -> CoxFit:
        """With the random effect, if there is one."""
        return self.fits[0]

    @property
    def compares_organs(self) -> bool:
        """False where all organs but one have hazard ratios of 0 or infinity, beside the model."""
        return any(term.name == "organ" for term in self.prepared.terms)


def fit_model(
    frame: pd.DataFrame, question: Question, rules: Rules, *, has_limits: bool = True
) -> Model | str:
    """Fit a model to the lesions it can be fitted to; says why where there is none.

    What has no finite estimate goes, one thing at a time: an organ or a level whose coefficient
    diverges, a covariate that is constant or collinear, the random effect where each patient has
    one lesion. An organ or level that diverges, or has no event, has an estimate beside the model,
    unless ``has_limits`` is False: these take longer than the model.
    """
    removed = Removed()
    notes: list[str] = []
    for _ in range(MAX_ATTEMPTS):
        ready = prepare(frame, question, rules, removed)
        if isinstance(ready, str):
            return ready
        try:
            data = model_data(ready)
            options = replace(
                rules.options,
                variance=0.0 if removed.is_without_effect else None,
                interval=question.has_interval,
            )
            fit = fit_cox(data, options)
        except (TermError, NoRepetitionError) as error:
            notes.append(_after_refusal(error, removed))
            continue
        except HazardDataError as error:
            return str(error)
        said = _after_divergence(fit, removed)
        if said is None:
            ready.notes += notes
            naive = fit_cox(data, replace(rules.options, method="laplace", variance=0.0))
            fits = (naive,) if removed.is_without_effect else (fit, naive)
            separated: tuple[Separated, ...] = ()
            if has_limits:
                separated = separated_levels(frame, question, rules, removed, ready, options, fit)
            ready.left_out = [with_limit(one, separated) for one in ready.left_out]
            return Model(question, ready, data, fits, separated)
        notes.append(said)
    return f"no stable fit in {MAX_ATTEMPTS} attempts"


def without_separated_organs(
    frame: pd.DataFrame, question: Question, rules: Rules
) -> Prepared | str:
    """Rows and terms of a model without the organs that have no finite hazard ratio in it."""
    removed = Removed()
    while True:
        ready = prepare(frame, question, rules, removed)
        if isinstance(ready, str):
            return ready
        try:
            column = separated_column(model_data(ready), rules.options.ties)
        except HazardDataError as error:
            return str(error)
        if column is None or column[0] != "organ":
            return ready
        removed.organs.add(column[1])


def _after_refusal(error: TermError | NoRepetitionError, removed: Removed) -> str:
    """Takes away what the fit was refused for; says what."""
    if isinstance(error, NoRepetitionError):
        removed.is_without_effect = True
        return f"fitted without random effect: {error}"
    if error.term != "organ" and not (error.label and isinstance(error, SeparatedTermError)):
        removed.covariates.add(error.term)
        return f"{error.term} taken out: {error}"
    if error.term == "organ" and not isinstance(error, SeparatedTermError):
        removed.untold_organs.add(error.label)
        return f"organ {error.label} left out: {error}"
    return _without_column(error.term, error.label, removed)


def _after_divergence(fit: CoxFit, removed: Removed) -> str | None:
    """What is taken away after a coefficient diverged; None where none did."""
    for (term, label), error in zip(fit.columns, fit.standard_error, strict=True):
        if not error < MAX_STANDARD_ERROR:
            return _without_column(term, label, removed)
    return None


def _without_column(term: str, label: str, removed: Removed) -> str:
    if term == "organ":
        removed.organs.add(label)
    elif KINDS.get(term) == "numeric":
        removed.covariates.add(term)
    else:
        removed.levels.add((term, label.split(" within ")[-1] if term == ANTIBODY else label))
    return f"{term} {label} has no finite hazard ratio and was left out"
