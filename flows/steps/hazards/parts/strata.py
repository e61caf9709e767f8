"""The models of one stratum: covariates selected, final models, and what stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from flows.steps.hazards.parts.lesions import ENDPOINTS, LeftOut, choose_reference, events_by
from flows.steps.hazards.parts.models import Model, fit_model, without_separated_organs
from flows.steps.hazards.parts.prepared import (
    ANTIBODY,
    CHEMOTHERAPY,
    FINAL,
    OBSERVED,
    WITH_ANTIBODY,
    WITHIN,
    WITHOUT_NEW,
    Question,
    covariate_term,
    model_data,
    reference_level,
    with_shared_reference,
)
from flows.steps.hazards.parts.rules import KINDS, Rules
from udfs.hazards import (
    Candidate,
    CandidateTest,
    HazardDataError,
    check_proportional,
    coefficient_tests,
    select_covariates,
    term_tests,
)

Say = Callable[[str], None]


@dataclass
class Outcome:
    """All that the step found."""

    models: list[Model] = field(default_factory=list)
    screening: list[tuple[Question, CandidateTest]] = field(default_factory=list)
    """Of the final model of the question."""
    left_out: list[LeftOut] = field(default_factory=list)

    def final(self, endpoint: str, stratum: str) -> Model | None:
        """The final model, if it could be fitted."""
        for model in self.models:
            asked = model.question
            if (asked.endpoint, asked.stratum, asked.model) == (endpoint, stratum, FINAL):
                return model
        return None


def analyse(
    frames: dict[str, pd.DataFrame],
    observed: dict[str, pd.DataFrame] | None,
    rules: Rules,
    say: Say,
) -> Outcome:
    """All models of a project's lesions.

    Args:
        frames: of each endpoint, the lesions at risk.
        observed: the same with observed times throughout; None where ``frames`` have no others.
        rules: the settings.
        say: told what a user should know.
    """
    outcome = Outcome()
    tumor_types = _levels(frames, "tumor_type")
    selected = _with_selection(outcome, frames, "all", tumor_types, rules, say)
    if observed is not None:
        _with_observed_times(outcome, observed, rules, say)
    classes = _levels(frames, "treatment_class")
    if len(classes) > 1:
        for name in classes:
            _one_class(outcome, _only(frames, "treatment_class", name), name, selected, rules, say)
    if {CHEMOTHERAPY, WITH_ANTIBODY} <= set(classes):
        _antibody(outcome, frames, selected, rules, say)
    if len(tumor_types) > 1:
        for name in tumor_types:
            chosen = _only(frames, "tumor_type", name)
            _with_selection(outcome, chosen, name, [name], rules, say)
    return outcome


def _levels(frames: dict[str, pd.DataFrame], column: str) -> list[str]:
    return sorted({str(v) for frame in frames.values() for v in frame[column].dropna().unique()})


def _only(frames: dict[str, pd.DataFrame], column: str, level: str) -> dict[str, pd.DataFrame]:
    return {
        endpoint: frame[frame[column] == level].reset_index(drop=True)
        for endpoint, frame in frames.items()
    }


def _with_selection(
    outcome: Outcome,
    frames: dict[str, pd.DataFrame],
    stratum: str,
    tumor_types: list[str],
    rules: Rules,
    say: Say,
) -> dict[str, tuple[str, ...]]:
    """Covariates selected, final models fitted and tested; the covariates by endpoint."""
    selected: dict[str, tuple[str, ...]] = {}
    reference = choose_reference(frames, rules)
    if reference is None:
        for endpoint in ENDPOINTS:
            say(f"no hazards of {endpoint} ({stratum}): no organ with {rules.least_events} events")
        return selected
    if reference not in rules.reference_organs[:1]:
        why = _why_not_the_first(frames, rules.reference_organs)
        say(f"hazards ({stratum}): organs are compared with {reference}, since {why}")
    for endpoint, frame in frames.items():
        asked = Question(endpoint, stratum, FINAL, (), reference, has_interval=True)
        tests = _screen(frame, asked, rules.candidates(tumor_types), rules)
        outcome.screening += [(asked, test) for test in tests]
        selected[endpoint] = _selected(tests)
        asked = replace(asked, covariates=selected[endpoint])
        model = _fit(outcome, frame, asked, rules, say)
        if model is not None:
            _test(model, rules)
        is_new = frame["lesion_type"] == "new"
        if is_new.any():
            others = frame[~is_new].reset_index(drop=True)
            _fit(outcome, others, replace(asked, model=WITHOUT_NEW, has_interval=False), rules, say)
    return selected


def _why_not_the_first(frames: dict[str, pd.DataFrame], wanted: tuple[str, ...]) -> str:
    """Why the first reference organ of the setting is not the reference."""
    if not wanted:
        return "hazards.reference_organ names none"
    if any((frame["organ"] == wanted[0]).any() for frame in frames.values()):
        return f"{wanted[0]} (hazards.reference_organ) has too few events"
    return f"{wanted[0]} (hazards.reference_organ) is the organ of no lesion here"


def _test(model: Model, rules: Rules) -> None:
    """Tests of a final model's terms and organs, and of hazards being proportional."""
    model.tests = term_tests(model.data, model.fit)
    if rules.tests_levels:
        organs = [column for column in model.fit.columns if column[0] == "organ"]
        model.level_tests = coefficient_tests(model.data, model.fit, organs)
    ways: tuple[Literal["known", "estimated"], ...] = ("known", "estimated")
    if model.fit.variance == 0:
        ways = ("known",)
    if not model.fit.columns:
        ways = ()
    model.proportional = tuple(
        (way, check_proportional(model.data, model.fit, "km", way)) for way in ways
    )


def _with_observed_times(
    outcome: Outcome, observed: dict[str, pd.DataFrame], rules: Rules, say: Say
) -> None:
    """The final models of all lesions, with the times at which scans showed the events."""
    for endpoint, frame in observed.items():
        final = outcome.final(endpoint, "all")
        if final is None:
            continue
        asked = replace(final.question, model=OBSERVED, has_interval=False)
        _fit(outcome, frame, asked, rules, say)


def _screen(
    frame: pd.DataFrame, asked: Question, candidates: tuple[str, ...], rules: Rules
) -> list[CandidateTest]:
    """Tests of the candidates beside organ; of those hardly known, only that they are."""
    ready = without_separated_organs(frame, asked, rules)
    if isinstance(ready, str):
        return []
    tests: dict[str, CandidateTest] = {}
    offered = []
    for name in candidates:
        known = ready.rows[name].notna()
        n_known = float(ready.rows["weight"][known].sum())
        share = n_known / len(ready.frame)
        problem = ""
        if share < rules.least_known:
            problem = f"known for {100 * share:.0f} % of the lesions"
        elif covariate_term(ready.rows[known], name) is None:
            problem = "the same in all lesions"
        if problem:
            n_events = int(ready.rows["is_event"][known].sum())
            tests[name] = _untested(name, problem, n_known, n_events)
            continue
        if KINDS[name] == "numeric":
            offered.append(Candidate(name, ready.rows[name].to_numpy(dtype=float), "numeric"))
        else:
            levels = with_shared_reference(ready.rows, name, _testable(ready.rows, name, rules))
            if levels.nunique() < 2:
                few = "fewer than two levels with enough events"
                tests[name] = _untested(
                    name, few, n_known, int(ready.rows["is_event"][known].sum())
                )
                continue
            base = reference_level(ready.rows, name, levels)
            texts = levels.fillna("").to_numpy(dtype=str)
            offered.append(Candidate(name, texts, "factor", base))
    if not offered:
        return list(tests.values())
    try:
        found = select_covariates(
            model_data(ready),
            offered,
            rules.options,
            level=rules.selection_level,
            mode=rules.selection,
        )
    except HazardDataError as error:
        return [_untested(c.name, str(error), 0.0, 0) for c in offered]
    return [*found.tests, *tests.values()]


def _untested(name: str, problem: str, n_lesions: float, n_events: int) -> CandidateTest:
    nan = float("nan")
    return CandidateTest(1, name, nan, 0, nan, False, 0, n_events, n_lesions, problem)


def _testable(frame: pd.DataFrame, name: str, rules: Rules) -> pd.Series:
    """A factor's levels, unknown where its level has too few events."""
    values = frame[name]
    n_events = events_by(frame, name)
    enough = n_events.index[n_events >= rules.least_events]
    return values.where(values.isin(enough), None)


def _selected(tests: list[CandidateTest]) -> tuple[str, ...]:
    """What the last test of each candidate says, the strongest first."""
    last = {test.name: test for test in tests if not test.problem}
    chosen = [test for test in last.values() if test.is_selected]
    return tuple(t.name for t in sorted(chosen, key=lambda t: (t.p_value, -t.chi2, t.name)))


def _fit(
    outcome: Outcome, frame: pd.DataFrame, asked: Question, rules: Rules, say: Say
) -> Model | None:
    model = fit_model(frame, asked, rules)
    if isinstance(model, str):
        say(f"no hazards of {asked.endpoint} ({asked.stratum}, {asked.model}): {model}")
        return None
    outcome.models.append(model)
    outcome.left_out += model.prepared.left_out
    return model


def _one_class(
    outcome: Outcome,
    frames: dict[str, pd.DataFrame],
    name: str,
    selected: dict[str, tuple[str, ...]],
    rules: Rules,
    say: Say,
) -> None:
    """The final models within one class of treatment, with the covariates selected in all."""
    reference = choose_reference(frames, rules)
    if reference is None:
        say(f"no hazards under {name}: no organ with {rules.least_events} events")
        return
    for endpoint, frame in frames.items():
        asked = Question(endpoint, name, FINAL, selected.get(endpoint, ()), reference)
        _fit(outcome, frame, asked, rules, say)


def _antibody(
    outcome: Outcome,
    frames: dict[str, pd.DataFrame],
    selected: dict[str, tuple[str, ...]],
    rules: Rules,
    say: Say,
) -> None:
    """The antibody's hazard ratio within each organ, in place of the treatment."""
    for endpoint, frame in frames.items():
        rows = frame[frame["treatment_class"].isin([CHEMOTHERAPY, WITH_ANTIBODY])]
        rows = rows.reset_index(drop=True)
        reference = choose_reference({endpoint: rows}, rules)
        if reference is None:
            continue
        covariates = tuple(c for c in selected.get(endpoint, ()) if c != "treatment")
        asked = Question(endpoint, "all", WITHIN, covariates, reference)
        model = _fit(outcome, rows, asked, rules, say)
        if model is not None:
            model.tests = term_tests(model.data, model.fit, [ANTIBODY])
            if rules.tests_levels:
                columns = [c for c in model.fit.columns if c[0] == ANTIBODY]
                model.level_tests = coefficient_tests(model.data, model.fit, columns)
