"""What a table says of patients: demographics, covariates, times to event, best responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from warehouse.proposing.profile import Profile
from warehouse.proposing.proposal import Derived, Line, Proposal, Rule
from warehouse.proposing.treatments import course_rows
from warehouse.proposing.vocabulary import vocabulary, words_of
from warehouse.sources.wording import identifier

if TYPE_CHECKING:
    from warehouse.proposing.tables import View

_COVARIATES = {
    "ecog": ("ECOG", "ECOG performance status at baseline"),
    "kras": ("KRAS", "KRAS status"),
    "bmi": ("BMI", "Body mass index"),
    "prior_surgery": ("PRSURG", "Prior surgery"),
    "prior_radiation": ("PRRAD", "Prior radiation"),
    "primary_site": ("PRIMSITE", "Primary tumor site"),
}
_ENDPOINTS = {
    "OS": ("Overall Survival", "os_time", "os_censored", "os_event"),
    "PFS": ("Progression-Free Survival", "pfs_time", "pfs_censored", "pfs_event"),
}
_ENDED = ("1", "y", "yes", "true", "dead", "died", "event", "death", "d")


def patient_lines(view: View, proposal: Proposal) -> list[Line]:
    """The variables of DM, without the subject."""
    lines = []
    if view.has("first_dose"):
        lines.append(view.line("rfxstdtc", "first_dose"))
    if view.has("death_date"):
        lines.append(view.line("dthdtc", "death_date"))
    if view.has("death_day") and not view.has("os_time") and not _is_follow_up(view):
        lines.append(view.line("dthdy", "death_day"))
    if view.has("age"):
        lines += [view.line("age", "age"), Line("ageu", {"value": "YEARS"})]
    if view.has("sex"):
        lines.append(_sex(view, proposal))
    return [*lines, *view.lines({"race": "race", "arm": "arm"})]


def _sex(view: View, proposal: Proposal) -> Line:
    """Sex, its words mapped to M and F; asks where they are numbers."""
    profile = view.profiles[view.column("sex")]
    mapped: dict[str, str] = {}
    unknown = []
    for value, _ in profile.values:
        word = value.strip().lower()
        meant = next(
            (sex for sex, words in vocabulary().words["sex"].items() if word in map(str, words)),
            None,
        )
        if meant is not None and meant != value:
            mapped[value] = meant
        elif meant is None and word.replace(".0", "").isdigit():
            unknown.append(value)
    if unknown:
        # ISO/IEC 5218: 1 male, 2 female.
        taken = {
            v: {"1": "M", "2": "F", "0": "F"}[v.split(".")[0]]
            for v in unknown
            if v.split(".")[0] in ("0", "1", "2")
        }
        if {"0", "1", "2"} <= {v.split(".")[0] for v in unknown}:
            taken = {v: s for v, s in taken.items() if v.split(".")[0] != "0"}
        mapped.update(taken)
        shown = ", ".join(f'"{v}": {s}' for v, s in taken.items())
        swapped = ", ".join(f'"{v}": {"F" if s == "M" else "M"}' for v, s in taken.items())
        proposal.ask(
            f"{view.name}: which sex do the numbers of {profile.name} stand for?",
            f"sex: {{column: {profile.name}, map: {{{shown}}}}}, as ISO 5218 has it",
            f"map: {{{swapped}}}",
        )
    rule: Rule = {"column": profile.name, "map": mapped} if mapped else profile.name
    return view.line("sex", "sex", rule)


def patient_rows(view: View, proposal: Proposal, *, distinct: bool) -> list[Derived]:
    """Rows of other domains about patients; ``distinct``: the table has several of each."""
    keys = ("usubjid",) if distinct else ()
    found = [
        derived
        for code, (title, time, censored, event) in _ENDPOINTS.items()
        if (derived := _endpoint(view, proposal, code, title, time, censored, event, keys))
    ]
    if view.has("last_contact"):
        found.append(_last_contact(view, proposal, keys))
    found += course_rows(view, distinct=distinct)
    if view.has("best_response"):
        found.append(_best_response(view, proposal, keys))
    for concept, (code, label) in _COVARIATES.items():
        if view.has(concept):
            found.append(_covariate(view, concept, code, label, view.column(concept), keys))
    if view.has("lines"):
        column = view.column("lines")
        rule = {"sql": f'CAST("{column}" AS INTEGER) + 1'}
        found.append(_covariate(view, "lines", "LINETHER", "Line of therapy", rule, keys))
    return found


def _last_contact(view: View, proposal: Proposal, keys: tuple[str, ...]) -> Derived:
    """The day on which a patient was last known alive; none for those with a date of death.

    Where no column has that date, but one says who died, the last contact of the dead is their
    death: asked, and taken so.
    """
    status: Rule = {"value": "ALIVE"}
    line = Line("ssorres", status)
    if view.has("death_date"):
        cell = identifier(view.column("death_date"))
        line = Line(
            "ssorres", {"sql": f"CASE WHEN nullif(trim({cell}), '') IS NULL THEN 'ALIVE' END"}
        )
    elif view.has("os_event") and not view.has("os_time", "death_day"):
        name = view.column("os_event")
        mapped = _flag_map(view, "os_event", proposal, died="DEAD", lived="ALIVE")
        line = view.line("ssorres", "os_event", {"column": name, "map": mapped})
        proposal.ask(
            f"{view.name}: no column has the date of death. Did those who died by {name} die on "
            f"{view.column('last_contact')}?",
            "yes",
            "dthdtc: COLUMN in dm",
        )
    lines = (
        *view.subject,
        Line("sstestcd", {"value": "SURVSTAT"}),
        line,
        view.line("ssdtc", "last_contact"),
    )
    return Derived("ss", lines, keys, ("ssorres", "ssdtc"))


def _covariate(
    view: View, concept: str, code: str, label: str, rule: Rule, keys: tuple[str, ...]
) -> Derived:
    column = view.column(concept)
    missing = {
        value: "" for value, _ in view.profiles[column].values if value in (".", "NA", "n/a")
    }
    if missing and isinstance(rule, str):
        rule = {"column": column, "map": missing}
    return Derived(
        "suppdm",
        (
            *view.subject,
            Line("rdomain", {"value": "DM"}),
            Line("qnam", {"value": code}),
            Line("qlabel", {"value": label}),
            view.line("qval", concept, rule),
        ),
        keys,
        ("qval",),
    )


def _is_follow_up(view: View) -> bool:
    """Whether the day of death is filled for those who live: then it is their last day."""
    if "death_day" not in view.taken or "os_event" not in view.taken:
        return False
    time = view.profiles[view.column("death_day")]
    event = view.profiles[view.column("os_event")]
    died = sum(n for value, n in event.values if value.strip().lower() in _ENDED)
    return time.filled > died * 1.05


def _endpoint(
    view: View,
    proposal: Proposal,
    code: str,
    title: str,
    time: str,
    censored: str,
    event: str,
    keys: tuple[str, ...],
) -> Derived | None:
    if code == "OS" and time not in view.taken and _is_follow_up(view):
        time = "death_day"
    if time not in view.taken:
        return None
    if not view.has(censored, event) and re.search(r"death|dth|died", words_of(view.column(time))):
        proposal.ask(
            f"{view.name}: {view.column(time)} has no column beside it that says who died.",
            "all who have a time died",
            "cnsr: COLUMN (1 = censored)",
        )
    elif not view.has(censored, event):
        proposal.ask(
            f"{view.name}: {view.column(time)} looks like a time of {title.lower()}, and no column "
            "says who had the event.",
            "not used",
            "cnsr: COLUMN (1 = censored) in a derive entry of adtte",
        )
        return None
    lines = [
        *view.subject,
        Line("paramcd", {"value": code}),
        Line("param", {"value": title}),
        view.line("aval", time),
        Line("avalu", {"value": _time_unit(view, time, proposal)}),
    ]
    if view.has(censored):
        lines.append(view.line("cnsr", censored))
    elif not view.has(event):
        lines.append(Line("cnsr", {"value": "0"}, "a time of death: the event"))
    else:
        lines.append(view.line("cnsr", event, _censoring(view, event, proposal)))
    return Derived("adtte", tuple(lines), (*keys, "paramcd") if keys else (), ("aval",))


def _time_unit(view: View, time: str, proposal: Proposal) -> str:
    profile = view.profiles[view.column(time)]
    for words in (words_of(profile.name), words_of(profile.label)):
        unit = vocabulary().unit_in("time", words)
        if unit is not None:
            return unit
    if profile.high > 300:
        return "DAYS"
    taken = "MONTHS" if profile.high > 12 else "YEARS"
    proposal.ask(
        f"{view.name}: in which unit is {profile.name} (up to {profile.high:g})?",
        f"avalu: {{value: {taken}}}, by its magnitude",
        *(f"avalu: {{value: {u}}}" for u in ("DAYS", "WEEKS", "MONTHS", "YEARS") if u != taken),
    )
    return taken


def _censoring(view: View, event: str, proposal: Proposal) -> Rule:
    """The map from an event's flag to CNSR, where 1 is censored."""
    mapped = _flag_map(view, event, proposal, died="0", lived="1")
    profile = view.profiles[view.column(event)]
    if set(mapped.values()) == {"0"} and profile.filled < profile.rows:
        return {"sql": f"CASE WHEN nullif(trim({identifier(profile.name)}), '') IS NULL "
                       "THEN '1' ELSE '0' END"}  # fmt: skip
    return {"column": profile.name, "map": mapped}


def _flag_map(
    view: View, event: str, proposal: Proposal, *, died: str, lived: str
) -> dict[str, str]:
    """The map from a flag's values to words for those with the event and those without; asks
    where the values do not say."""
    profile = view.profiles[view.column(event)]
    values = [value for value, _ in profile.values]
    yes = {*_ENDED, *vocabulary().set_of("words_of_yes")}
    mapped = {value: died if value.strip().lower() in yes else lived for value in values}
    if set(mapped.values()) != {died, lived} or not _is_plain(profile):
        proposal.ask(
            f"{view.name}: which values of {profile.name} ({', '.join(values)}) mean that the "
            "event happened?",
            ", ".join(f"{v} = {'event' if c == died else 'none'}" for v, c in mapped.items())
            + (", blank = none" if set(mapped.values()) == {died} else ""),
        )
    return mapped


def _is_plain(profile: Profile) -> bool:
    words = vocabulary()
    known = {
        *_ENDED,
        *words.set_of("words_of_yes"),
        *words.set_of("words_of_no"),
        "alive",
        "censored",
        "a",
    }
    return all(value.strip().lower() in known for value, _ in profile.values)


def criterion_line(view: View, proposal: Proposal) -> list[Line]:
    """The criterion of responses: a column's, else RECIST 1.1 with a question."""
    if view.has("criterion"):
        return [view.line("rscat", "criterion")]
    text = f"{view.name}: by which criterion are its responses?"
    if all(question.text != text for question in proposal.questions):
        proposal.ask(text, "rscat: {value: RECIST 1.1}", "RECIST 1.0", "WHO", "MRECIST", "iRECIST")
    return [Line("rscat", {"value": "RECIST 1.1"}, "no column names it")]


def _best_response(view: View, proposal: Proposal, keys: tuple[str, ...]) -> Derived:
    profile = view.profiles[view.column("best_response")]
    rule: Rule = profile.name
    missing = {value: "" for value, _ in profile.values if value in (".", "NA", "n/a")}
    if missing:
        rule = {"column": profile.name, "map": missing}
    if profile.numeric > 0.9:
        proposal.ask(
            f"{view.name}: what do the codes of {profile.name} stand for?",
            "the codes as they are, which no rule of responses knows",
            f'rsorres: {{column: {profile.name}, map: {{"{profile.values[0][0]}": PR}}}}',
        )
    lines = (
        *view.subject,
        Line("rstestcd", {"value": "BESTRESP"}),
        Line("rstest", {"value": "Best Overall Response"}),
        *criterion_line(view, proposal),
        view.line("rsorres", "best_response", rule),
    )
    return Derived("rs", lines, keys, ("rsorres",))
