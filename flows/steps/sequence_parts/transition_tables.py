"""Tables of the step ``organ_transition``."""

from __future__ import annotations

from flows.columns import COUNT, TEXT
from warehouse.registry import TableDoc

_WHERE = (
    "Reference: Aalen and Johansen, Scand J Stat 1978; Andersen and Keiding, Stat Methods Med Res "
    "2002; asked for in Zhou et al., Nat Commun 2023, Discussion"
)
_DEATH = (
    "A death up to sequences.death_window_days after the last scan competes; a later one is "
    "censored at the last scan, as nobody looked whether the organ had progressed before it."
)
SUBSET = "all; where there are several tumor types, each by itself"
TRANSITION = TableDoc(
    name="analysis.organ_transition",
    description=(
        "How often, per patient and year, an organ progresses for the first time after another "
        "has.\n"
        "Why: whether progression in one organ is followed by progression in others sooner than "
        "elsewhere.\n"
        "How: counts over time at risk, with exact Poisson intervals. A patient is at risk from "
        "the day of the first organ's progression, not from the first dose: no guarantee time. "
        "rate_ratio compares with the time after another organ's progression while the first was "
        f"free. {_DEATH}\n"
        "Caveats: both on one day is no transition (n_same_day): which was first is not known. An "
        "intensity is taken as constant over time. Patients whose disease progresses fast "
        "anywhere are over-represented after any progression: a ratio is an association, no "
        "spread from organ to organ.\n" + _WHERE
    ),
    grain="one row per subset, stratum, from_organ and to_organ",
    key=("subset", "stratum", "from_organ", "to_organ"),
    columns={
        "subset": SUBSET,
        "stratum": "all, or the treatment class",
        "from_organ": "organ that had progressed; none: no organ had",
        "to_organ": "organ that progresses then, or death",
        "n_at_risk": "patients under observation in that state, the other organ free",
        "n_transitions": "progressions (or deaths) from it",
        "n_same_day": "patients in whom both progressed on one day; for none: those of them who "
        "progressed in several organs at once",
        "patient_years": "time at risk, years",
        "rate_per_year": "transitions per patient-year",
        "rate_lower": "lower limit (survival.confidence)",
        "rate_upper": "upper limit",
        "n_transitions_otherwise": "the same after another organ's progression, from_organ free; "
        "NULL for none",
        "patient_years_otherwise": "time at risk of those, years",
        "rate_ratio": "rate over that of otherwise",
        "ratio_lower": "lower limit, exact",
        "ratio_upper": "upper limit; NULL where it is infinite",
        "n_directly_next": "patients in whom to_organ stands directly behind from_organ in the "
        "sequence; NULL for death",
    },
    tags=("public",),
)
INCIDENCE = TableDoc(
    name="analysis.organ_incidence",
    description=(
        "Cumulative incidence of progression in an organ, death competing.\n"
        "Why: one minus Kaplan-Meier would count the dead as if they could still progress.\n"
        "How: Aalen-Johansen; events of one day are taken together. From the first dose by "
        "treatment, for each organ and for any; from the first progression by the organ that it "
        f"was in, for another organ: who is in a group is known when the clock starts. {_DEATH}\n"
        "Caveats: one row at every day with an event. Limits are pointwise.\n" + _WHERE
    ),
    grain="one row per subset, origin, group_name, organ and time_days",
    key=("subset", "origin", "group_name", "organ", "time_days"),
    columns={
        "subset": SUBSET,
        "origin": "first dose, or first progression: where days count from",
        "group_name": "all, the treatment class, or the organ of the first progression",
        "organ": "organ, any organ, or another organ",
        "time_days": "days from the origin",
        "incidence": "probability of progression by the day",
        "ci_lower": "lower limit (survival.confidence)",
        "ci_upper": "upper limit",
        "death_incidence": "probability of death before it by the day",
        "n_at_risk": "patients at risk just before the day",
        "n_events": "progressions on the day",
        "n_deaths": "competing deaths on the day",
    },
    tags=("public",),
)
SUMMARY = TableDoc(
    name="analysis.organ_incidence_summary",
    description=(
        "Cumulative incidence of progression on given days, and its tests.\n"
        "How: days of sequences.landmarks. p_value: log-rank test between the groups of the "
        "organ, deaths censored (cause-specific hazards).\n"
        "Caveats: p-values are not corrected for the number of organs.\n" + _WHERE
    ),
    grain="one row per subset, origin, group_name, organ and day",
    key=("subset", "origin", "group_name", "organ", "day"),
    columns={
        "subset": SUBSET,
        "origin": "first dose, or first progression",
        "group_name": "all, the treatment class, or the organ of the first progression",
        "organ": "organ, any organ, or another organ",
        "day": "days from the origin",
        "n_patients": "patients of the group",
        "n_events": "progressions, whenever",
        "n_deaths": "competing deaths, whenever",
        "n_left": "patients at risk after the day",
        "incidence": "probability of progression by the day; NULL where nobody was followed so far",
        "ci_lower": "lower limit",
        "ci_upper": "upper limit",
        "p_value": "of the groups of this organ and origin; NULL for all, and without events",
    },
    tags=("public",),
)
TABLES = (TRANSITION, INCIDENCE, SUMMARY)
_TEXTS = ("subset", "stratum", "from_organ", "to_organ", "origin", "group_name", "organ")
_COUNTS = (
    "n_at_risk", "n_transitions", "n_same_day", "n_transitions_otherwise", "n_directly_next",
    "n_events", "n_deaths", "n_patients", "n_left",
)  # fmt: skip
TYPES = {**dict.fromkeys(_TEXTS, TEXT), **dict.fromkeys(_COUNTS, COUNT)}
