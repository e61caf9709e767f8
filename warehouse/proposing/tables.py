"""What a table of any layout is, by its columns and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from warehouse.proposing import wide
from warehouse.proposing.files import Table
from warehouse.proposing.meaning import LEAST, Meaning, all_meanings, assign
from warehouse.proposing.profile import Profile
from warehouse.proposing.proposal import Line, Rule
from warehouse.proposing.recurrent import stretches
from warehouse.proposing.treatments import Course, courses
from warehouse.proposing.vocabulary import words_of
from warehouse.sources.radiomics import is_pyradiomics
from warehouse.sources.wording import identifier

SIZES = {"diameter": "LDIAM", "short_axis": "LPERP", "volume": "VOLUME"}
_TIMES = ("day", "week", "month", "year")


@dataclass
class View:
    """A table as it was understood.

    Attributes:
        table, profiles: the table and its columns.
        meanings: all that its columns may hold, best first.
        taken: concept -> column.
        kind: sizes, sums, wide, responses, patients, lesions, doses, features or none.
        why: why it is of that kind, or why of none.
        one_per_subject: no subject has two records.
    """

    table: Table
    profiles: Mapping[str, Profile]
    meanings: list[Meaning]
    taken: dict[str, Meaning]
    kind: str = "none"
    why: str = ""
    one_per_subject: bool = False
    subject_rule: Rule | None = None
    lesion_rule: Rule | None = None
    is_order: bool = False
    waves: list[wide.Wave] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    stretches: tuple[str, str, str] | None = None

    @property
    def name(self) -> str:
        return self.table.source.title

    def has(self, *concepts: str) -> bool:
        """Whether one of some concepts has a column."""
        return any(concept in self.taken for concept in concepts)

    def column(self, concept: str) -> str:
        """The column of a concept."""
        return self.taken[concept].column

    def line(self, variable: str, concept: str, rule: Rule | None = None) -> Line:
        """A variable from a concept's column, with the reasons."""
        meaning = self.taken[concept]
        return Line(variable, rule if rule is not None else meaning.column, meaning.because)

    def lines(self, variables: Mapping[str, str]) -> list[Line]:
        """The same for those variables whose concepts have columns."""
        return [self.line(name, c) for name, c in variables.items() if c in self.taken]

    @property
    def subject(self) -> list[Line]:
        """The line of the subject, where there is one."""
        if "subject" not in self.taken:
            return []
        return [self.line("usubjid", "subject", self.subject_rule)]


def understand(
    connection: duckdb.DuckDBPyConnection, table: Table, profiles: Mapping[str, Profile]
) -> View:
    """What a table is, and what its columns hold."""
    named = [name for name in table.stage.columns if is_pyradiomics(name)]
    kept = {name: p for name, p in profiles.items() if name not in set(named)}
    meanings = all_meanings(kept)
    view = View(table, kept, meanings, assign(meanings))
    _prefer_subject(connection, view)
    if "subject" in view.taken:
        view.one_per_subject = is_unique(connection, view, ["subject"])
    if len(named) >= 5:
        view.kind, view.why = "features", f"{len(named)} columns have pyradiomics' names"
        return view
    view.waves = wide.waves(kept)
    view.kind, view.why = _kind(connection, view)
    if view.kind != "doses":
        view.courses = courses(connection, view)
    return view


def _kind(connection: duckdb.DuckDBPyConnection, view: View) -> tuple[str, str]:
    has_time = view.has(*_TIMES, "date", "visit")
    has_size = view.has(*SIZES)
    if view.waves and view.has("subject"):
        return "wide", f"{len(view.waves)} columns are one measure at several visits"
    is_sum = view.has("sum") and has_time and view.has("subject") and not view.has("lesion")
    if is_sum and (not has_size or is_unique(connection, view, ["subject", *time_of(view)])):
        return "sums", "one row per patient and scan, with a sum of diameters"
    if has_size and has_time and view.has("subject", "lesion"):
        return "sizes", "one row per lesion and scan, with a size"
    if has_size and view.has("subject", "lesion") and _n_numbers(view) >= 12:
        _part_lesions(connection, view)
        return "features", "many measures of each lesion, and no day"
    if view.has("response") and has_time and view.has("subject") and not view.one_per_subject:
        return "responses", "one row per patient and visit, with a response"
    if (
        view.has("subject")
        and view.one_per_subject
        and view.has(
            "age", "sex", "arm", "os_time", "pfs_time", "best_response", "first_dose", "death_date"
        )
    ):
        return "patients", "one row per patient"
    if (
        view.has("lesion")
        and view.has("subject")
        and (view.has("site", "os_time") or view.has("sex", "age"))
    ):
        return "lesions", "one row per lesion, without sizes"
    if has_size and {"subject", "lesion"} <= view.taken.keys() and _order_as_day(connection, view):
        return "sizes", "one row per lesion and scan, with a size"
    if has_size and view.has("subject", "lesion"):
        return "undated", "sizes, and no column with a day, a date or a visit"
    if view.has("drug") and view.has("subject") and view.has("dose_start", "day", "date"):
        return "doses", "one row per dose"
    view.stretches = stretches(connection, view)
    if view.stretches is not None:
        return (
            "stretches",
            "one row per patient and stretch until a new lesion or death",
        )
    missing = "a patient" if not view.has("subject", "lesion") else "a size, a response or a sex"
    return "none", f"no column was found for {missing}"


def _order_as_day(connection: duckdb.DuckDBPyConnection, view: View) -> bool:
    """Takes the order of scans for their day, where a column of whole numbers gives it."""
    used = {meaning.column for meaning in view.taken.values()}
    for profile in view.profiles.values():
        if profile.name in used or profile.whole < 0.99 or profile.distinct < 3:
            continue
        view.taken["day"] = Meaning(
            "day", profile.name, LEAST, ("a whole number that tells a lesion's scans apart",)
        )
        keys = ["subject", "lesion"]
        if not is_unique(connection, view, keys) and is_unique(
            connection, view, [*keys, "day"], least=0.9
        ):
            view.is_order = True
            return True
        del view.taken["day"]
    return False


def _part_lesions(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    """Where one lesion's id stands for several, as it restarts with each scan, adds the scan."""
    keys = ["subject", "lesion", "reader_role"]
    if not {"subject", "lesion"} <= view.taken.keys() or is_unique(connection, view, keys, 1.0):
        return
    used = {meaning.column for meaning in view.taken.values()}
    for profile in view.profiles.values():
        named = re.search(r"\b(id|scan|study|image|series)\b", words_of(profile.name))
        if profile.name in used or not named or profile.distinct < 3:
            continue
        lesion = view.taken["lesion"]
        view.taken["scan"] = Meaning("scan", profile.name, LEAST, ())
        if profile.distinct < 0.5 * profile.rows and is_unique(connection, view, [*keys, "scan"]):
            parts = f"{identifier(profile.name)} || '-' || {identifier(lesion.column)}"
            view.lesion_rule = {"sql": parts}
            del view.taken["scan"]
            return
        del view.taken["scan"]


def _n_numbers(view: View) -> int:
    return sum(p.numeric > 0.8 and p.distinct > 3 for p in view.profiles.values())


def time_of(view: View) -> list[str]:
    """The concept that gives the time of its rows; empty where none does."""
    return [c for c in (*_TIMES, "date", "visit") if c in view.taken][:1]


def is_unique(
    connection: duckdb.DuckDBPyConnection, view: View, concepts: list[str], least: float = 0.98
) -> bool:
    """Whether hardly any two records have the same values of some concepts' columns."""
    cells = ", ".join(identifier(view.column(c)) for c in concepts if c in view.taken)
    if not cells:
        return False
    rows, keys = connection.execute(
        f"SELECT count(*), count(DISTINCT ({cells},)) FROM {view.table.stage.relation} "
        f"WHERE {identifier(view.column(concepts[0]))} IS NOT NULL"
    ).fetchall()[0]
    return bool(rows) and keys >= least * rows


def _prefer_subject(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    """Where one column alone claims to be lesion and subject, it is the subject."""
    if "subject" in view.taken or "lesion" not in view.taken:
        return
    lesion = view.taken["lesion"].column
    claim = next((m for m in view.meanings if m.concept == "subject" and m.column == lesion), None)
    if claim is not None and claim.score >= view.taken["lesion"].score:
        view.taken["subject"] = claim
        del view.taken["lesion"]
