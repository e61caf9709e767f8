"""Tables of stretches of time, as models of recurrent events take them: start, stop, what ended.

One row per patient and stretch; it ends with a new lesion, the last one with death or the last
contact. Rows become new lesions (RS, TU) and a time of survival.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from warehouse.proposing.proposal import Derived, Line, Proposal, Rule
from warehouse.proposing.vocabulary import compact
from warehouse.sources.wording import identifier

if TYPE_CHECKING:
    from warehouse.proposing.tables import View

_PAIRS = (
    re.compile(r"^(?:t?start|begin|t(?:ime)?0|tiempo0)$"),
    re.compile(r"^(?:t?stop|end|t(?:ime)?1)$"),
)
_ENDS = re.compile(r"^(?:state|status|death|died|dead|event|terminal)$")
_DAYS_IN = {"DAYS": "1", "WEEKS": "7", "MONTHS": "30.4375", "YEARS": "365.25"}


def stretches(connection: duckdb.DuckDBPyConnection, view: View) -> tuple[str, str, str] | None:
    """The columns of start, stop and of who died, where a table is of stretches; else None.

    Each stretch must begin where the patient's one before ended, in 95 of 100 rows.
    """
    if not {"subject", "new_lesion"} <= view.taken.keys() or view.one_per_subject:
        return None
    numbers = {compact(name): name for name, p in view.profiles.items() if p.numeric > 0.99}
    start = next((name for bare, name in numbers.items() if _PAIRS[0].match(bare)), None)
    stop = next((name for bare, name in numbers.items() if _PAIRS[1].match(bare)), None)
    ended = view.taken.get("os_event")
    flags = [
        name
        for name, p in view.profiles.items()
        if _ENDS.match(compact(name)) and set(p.words) <= {"0", "1"}
    ]
    end = ended.column if ended is not None else next(iter(flags), None)
    if start is None or stop is None or end is None:
        return None
    subject, a, b = (
        identifier(view.column("subject")),
        f"TRY_CAST({identifier(start)} AS DOUBLE)",
        f"TRY_CAST({identifier(stop)} AS DOUBLE)",
    )
    n, fits = connection.execute(
        f"SELECT count(*), count(*) FILTER (a = coalesce(before, 0)) FROM (SELECT {a} AS a, "
        f"lag({b}) OVER (PARTITION BY {subject} ORDER BY {b}) AS before "
        f"FROM {view.table.stage.relation})"
    ).fetchall()[0]
    return (start, stop, end) if n and fits >= 0.95 * n else None


def stretch_parts(view: View, proposal: Proposal) -> tuple[list[Line], list[Derived]]:
    """The lines of RS of such a table, and what it derives: new lesions and survival."""
    assert view.stretches is not None
    _, stop, end = view.stretches
    unit = _unit(view, stop, proposal)
    number = f"TRY_CAST({identifier(stop)} AS DOUBLE)"
    day = f"CAST(round({number} * {_DAYS_IN[unit]}) AS INTEGER)"
    flag = view.column("new_lesion")
    is_new = f"{identifier(flag)} = '1'"
    new: Rule = {"column": flag, "map": {"1": "Y", "0": "N"}}
    lines = [
        *view.subject,
        Line("rstestcd", {"value": "NEWLIND"}),
        Line("rstest", {"value": "New Lesion Indicator"}),
        view.line("rsorres", "new_lesion", new),
        Line("rsdy", {"sql": day}, f"the end of the stretch; {stop} in {unit.lower()}"),
    ]
    lesion = [
        *view.subject,
        Line("tulnkid", {"sql": f"CASE WHEN {is_new} THEN 'NEW' || {day} END"}),
        Line("tutestcd", {"value": "TUMIDENT"}),
        Line("tutest", {"value": "Tumor Identification"}),
        Line("tuorres", {"value": "NEW"}),
        Line("tudy", {"sql": day}),
    ]
    last = f"max({number}) OVER (PARTITION BY {identifier(view.column('subject'))})"
    aval = f"CASE WHEN {number} = {last} THEN {identifier(stop)} END"
    survival = [
        *view.subject,
        Line("paramcd", {"value": "OS"}),
        Line("param", {"value": "Overall Survival"}),
        Line("aval", {"sql": aval}, "the end of the patient's last stretch"),
        Line("avalu", {"value": unit}),
        Line("cnsr", {"column": end, "map": {"1": "0", "0": "1"}}, "1 in it: died"),
    ]
    proposal.ask(
        f"{view.name}: does {end} = 1 in a patient's last row mean that the patient died?",
        "yes, at the end of that row",
        "leave the derive entry of adtte out",
    )
    return lines, [
        Derived("tu", tuple(lesion), (), ("tulnkid",), why="new lesions"),
        Derived("adtte", tuple(survival), (), ("aval",)),
    ]


def _unit(view: View, column: str, proposal: Proposal) -> str:
    high = view.profiles[column].high
    taken = "DAYS" if high > 300 else "MONTHS" if high > 12 else "YEARS"
    proposal.ask(
        f"{view.name}: in which unit is {column} (up to {high:g})?",
        f"{taken}, by its magnitude",
        *(unit for unit in _DAYS_IN if unit != taken),
    )
    return taken
