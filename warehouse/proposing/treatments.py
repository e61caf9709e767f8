"""Treatments that stand in columns side by side: a drug or procedure, its begin and its end.

``Systemic treatment (1) | Drug``, ``... | Begin``, ``... | End``, then the same with 2, 3, ...;
``drug1``, ``drug1_start``; ``Surgery | Date``. Each group of columns becomes rows of EX or PR.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from warehouse.proposing.profile import Profile, date_format
from warehouse.proposing.proposal import Derived, Line
from warehouse.proposing.vocabulary import words_of
from warehouse.sources.wording import identifier

if TYPE_CHECKING:
    from warehouse.proposing.tables import View

_ROLES = {
    "drug": re.compile(r"\b(drug|agent|medication|regimen|name|arzneimittel|substanz)s?$"),
    "begin": re.compile(r"\b(begin\w*|start\w*|from|time|day|date|datum|beginn)$"),
    "end": re.compile(r"\b(end|stop\w*|until|ende)$"),
}
"""What a column of a group is, by the end of its name."""
_PROCEDURES = {
    "RADIOTHERAPY": re.compile(
        r"\b(radiotherap\w*|radiosurger\w*|radiation therap\w*|irradiation|wbrt|srs|sbrt|"
        r"strahlentherapie|bestrahlung|radioth[ée]rapie|radioterapia)\b|^rt$"
    ),
    "SURGERY": re.compile(
        r"\b(surger(?:y|ies)|resection|metastasectom\w*|operation|chirurgie|cirug[ií]a)\b"
    ),
}
_DRUGS = re.compile(r"\b(drug|treatment|therap\w*|chemo\w*|medication|agent|regimen|behandlung)\b")
_NEVER = re.compile(
    r"\b(prior|prev\w*|before|vorher\w*|history|necrosis|toxicity|response|dose|frac\w*|type)\b"
)
_OF_DOSES = ("drug", "dose", "dose_unit", "dose_start", "dose_end")
"""Concepts of a table of doses, of which each has one column there."""
_NUMBER = re.compile(r"\(\s*(\d{1,2})\s*\)|(?<=[A-Za-z_ ])(\d{1,2})(?=[_ .]|$)")


@dataclass(frozen=True)
class Course:
    """One treatment's columns.

    Attributes:
        category: RADIOTHERAPY or SURGERY; '' for a drug.
        title: what the group is called.
        drug, begin, end: its columns; '' where there is none.
        is_date: begin and end are dates, not days.
        of_lesion: it differs between lesions of a patient.
    """

    category: str
    title: str
    drug: str
    begin: str
    end: str
    is_date: bool
    of_lesion: bool


def courses(connection: duckdb.DuckDBPyConnection, view: View) -> list[Course]:
    """The treatments of a table, in the order of its columns; columns with a meaning stay out."""
    taken = {m.column for m in view.taken.values() if m.concept not in _OF_DOSES}
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name, profile in view.profiles.items():
        if name in taken or profile.is_blank:
            continue
        split = _split(name)
        if split is not None:
            stem, number, role = split
            groups.setdefault((stem, number), {}).setdefault(role, name)
    found = []
    for (stem, number), columns in groups.items():
        course = _course(view.profiles, stem, number, columns)
        if course is not None:
            is_even = "subject" not in view.taken or _is_even(connection, view, course.begin)
            found.append(replace(course, of_lesion="lesion" in view.taken and not is_even))
    return found


def course_rows(view: View, *, distinct: bool) -> list[Derived]:
    """The rows of EX and PR; ``distinct``: the table has several rows of each patient."""
    rows = []
    for course in view.courses:
        form = "dtc" if course.is_date else "dy"
        prefix = "pr" if course.category else "ex"
        start = Line(f"{prefix}st{form}", course.begin)
        if course.category:
            what = [
                Line("prtrt", {"value": course.title}, "the name of its columns"),
                Line("prcat", {"value": course.category}),
            ]
            if course.of_lesion:
                what.append(view.line("prlnkid", "lesion"))
        else:
            what = [Line("extrt", course.drug, "one of the treatments in columns side by side")]
        lines = [*view.subject, *what, start]
        if course.end and not course.category:  # PR has no end
            lines.append(Line(f"{prefix}en{form}", course.end))
        keys: tuple[str, ...] = ()
        if distinct and not course.of_lesion:
            keys = ("usubjid", start.variable) if course.category else (
                "usubjid", "extrt", start.variable,
            )  # fmt: skip
        needed = (start.variable,) if course.category else ("extrt",)
        rows.append(Derived(prefix, tuple(lines), keys, needed))
    return rows


def _split(name: str) -> tuple[str, str, str] | None:
    """The group's name, its number ('' where it has none), and what the column is."""
    found = _NUMBER.search(name)
    number = (found[1] or found[2]) if found else ""
    bare = name.replace(found[0], " ", 1) if found else name
    words = words_of(bare)
    if _NEVER.search(words):
        return None
    for role, pattern in _ROLES.items():
        match = pattern.search(words)
        if match:
            rest = words[: match.start()].strip(" |")
            # 'drug1' beside 'drug1_start': the column of the drug is all of the group's name.
            return rest or match[0], number, role
    is_drug = bool(number) and _DRUGS.search(words) is not None
    return (words.strip(" |"), number, "drug") if is_drug else None


def _course(
    profiles: Mapping[str, Profile], stem: str, number: str, columns: Mapping[str, str]
) -> Course | None:
    """A group that says what was done and when, its values fitting."""
    begin = columns.get("begin", "")
    if not begin:
        return None
    form, _, _ = date_format(profiles[begin])
    if form is None and profiles[begin].whole < 0.95:
        return None
    end = columns.get("end", "")
    if end and (date_format(profiles[end])[0] is None) != (form is None):
        end = ""
    category = next((c for c, pattern in _PROCEDURES.items() if pattern.search(stem)), "")
    drug = columns.get("drug", "")
    is_drug = drug and profiles[drug].numeric < 0.5
    if not category and not (is_drug and number and _DRUGS.search(f"{stem} drug")):
        return None
    return Course(category, _title(begin), drug if not category else "", begin, end,
                  form is not None, False)  # fmt: skip


def _title(column: str) -> str:
    """What a group is called, in the words of its columns: the widest header, else the name."""
    head = column.split("|")[0] if "|" in column else _NUMBER.sub(" ", column)
    head = re.sub(r"(?i)[\s_]*(begin\w*|start\w*|date|day|datum|time|from)\s*$", "", head)
    return " ".join(head.replace("_", " ").split()) or column


def _is_even(connection: duckdb.DuckDBPyConnection, view: View, column: str) -> bool:
    """Whether a column has one value, or none, in all rows of each patient."""
    subject, cell = identifier(view.column("subject")), identifier(column)
    rows = connection.execute(
        f"SELECT count(*) FROM (SELECT {subject} FROM {view.table.stage.relation} "
        f"WHERE {subject} IS NOT NULL GROUP BY 1 "
        f"HAVING count(DISTINCT coalesce(trim({cell}), '')) > 1)"
    ).fetchall()
    return int(rows[0][0]) == 0
