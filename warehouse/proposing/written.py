"""How a table's file writes its values: dates, decimal signs, units and days."""

from __future__ import annotations

import re
from dataclasses import replace

from warehouse.proposing.profile import Profile, date_format
from warehouse.proposing.proposal import Entry, Line, Proposal, Rule
from warehouse.proposing.tables import View
from warehouse.proposing.vocabulary import vocabulary, words_of
from warehouse.sources.wording import identifier

_DAYS_IN = {"week": "7", "month": "30.4375", "year": "365.25"}


def values_as_written(
    view: View, columns: list[str]
) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """Date formats, decimal sign, and why, of some columns of a table."""
    formats: list[str] = []
    reasons: dict[str, str] = {}
    decimal = "."
    for name in columns:
        profile = view.profiles.get(name)
        if profile is None:
            continue
        form, _, proof = date_format(profile)
        if form is not None and form != "iso" and form not in formats:
            formats.append(form)
            reasons["date_format"] = f"{name}: {proof}"
        if profile.commas > 0:
            decimal = ","
            reasons.setdefault("decimal", f"{name}: {profile.commas:.0%} of its numbers have one")
    return tuple(formats), decimal, reasons


def with_values(view: View, entry: Entry, proposal: Proposal) -> Entry:
    """The entry with how its file writes dates and numbers; asks where days and months may swap."""
    used = columns_used(entry)
    formats, decimal, reasons = values_as_written(view, sorted(used))
    for name in sorted(used):
        profile = view.profiles.get(name)
        if profile is None:
            continue
        form, others, _ = date_format(profile)
        swapped = [o for o in others if form is not None and {o[:2], form[:2]} == {"dd", "mm"}]
        if swapped:
            proposal.ask(
                f"{view.name}: are the dates of {name} ({profile.values[0][0]}, ...) "
                f"{form} or {swapped[0]}? No value tells.",
                f"date_format: {form}",
                *(f"date_format: {other}" for other in swapped),
            )
        if decimal == "," and profile.commas and _may_be_thousands(profile):
            proposal.ask(
                f"{view.name}: is the comma in {name} ({profile.values[0][0]}, ...) a decimal sign "
                "or one between thousands?",
                'decimal: ","',
                "leave the line 'decimal' out, and take the commas out of the file",
            )
    unused = [c for c in view.table.stage.columns if c not in used and c in view.profiles]
    return replace(
        entry,
        date_format=formats,
        decimal=decimal,
        reasons={**entry.reasons, **reasons},
        unused=tuple(c for c in unused if not view.profiles[c].is_blank),
    )


def _may_be_thousands(profile: Profile) -> bool:
    commas = [value for value, _ in profile.values if "," in value]
    return bool(commas) and all(re.fullmatch(r"[1-9]\d{0,2},\d{3}", value) for value in commas)


def columns_used(entry: Entry) -> set[str]:
    """Columns that the lines of an entry read."""
    from warehouse.sources.expressions import expression_columns

    used: set[str] = set()
    for line in [*entry.lines, *(line for inner in entry.derived for line in inner.lines)]:
        if isinstance(line.rule, str):
            used.add(line.rule)
        elif "column" in line.rule:
            used.add(line.rule["column"])
        elif "sql" in line.rule:
            used.update(expression_columns(line.rule["sql"]))
    if isinstance(entry.features, dict):
        used.update(entry.features.get("columns", ()))
    return used


def as_number(view: View, column: str) -> str:
    """SQL of a column as a number, decimal commas read."""
    cell = identifier(column)
    if view.profiles[column].commas:
        cell = f"replace({cell}, ',', '.')"
    return f"TRY_CAST({cell} AS DOUBLE)"


def time_lines(view: View, prefix: str, proposal: Proposal) -> list[Line]:
    """The day or date of a row, from what the table has of it."""
    lines = []
    if view.has("day"):
        lines.append(view.line(f"{prefix}dy", "day"))
    else:
        for concept, factor in _DAYS_IN.items():
            if view.has(concept):
                number = as_number(view, view.column(concept))
                sql = f"CAST(round({number} * {factor}) AS INTEGER)"
                lines.append(view.line(f"{prefix}dy", concept, {"sql": sql}))
                break
    if not lines and view.has("date"):
        lines.append(view.line(f"{prefix}dtc", "date"))
    if not lines and view.has("visit"):
        lines.append(_day_of_visit(view, prefix, proposal))
    if view.has("visit"):
        lines.append(view.line("visit", "visit"))
    return lines


def _day_of_visit(view: View, prefix: str, proposal: Proposal) -> Line:
    """Days from the names of visits, where they say weeks."""
    column = view.column("visit")
    values = [value for value, _ in view.profiles[column].values]
    weeks = [v for v in values if re.search(r"(?i)\b(week|wk|w)\s*-?\d+", v)]
    if len(weeks) >= max(1, len(values) // 2):
        cell = identifier(column)
        sql = (
            f"CASE WHEN regexp_matches(upper({cell}), 'BASE|SCREEN') THEN 0 "
            f"ELSE 7 * TRY_CAST(regexp_extract({cell}, '([0-9]+)', 1) AS INTEGER) END"
        )
        proposal.ask(
            f"{view.name}: no column with a day or date. Are the visits on time?",
            f"7 days for each week that {column} names, 0 for baseline and screening",
            "add the days or dates to the table",
        )
        return view.line(f"{prefix}dy", "visit", {"sql": sql})
    proposal.ask(
        f"{view.name}: on which day were its visits ({', '.join(values[:4])})?",
        "no day, so that its rows will be quarantined",
        f'{prefix}dy: {{column: {column}, map: {{{values[0]}: "0"}}}}',
    )
    return Line(f"{prefix}dy", {"sql": "NULL"}, "no column with a day or a date was found")


def unit_of(view: View, concept: str, proposal: Proposal) -> Rule:
    """The unit of a size: a column's, the name's or the label's, else by its magnitude."""
    column = view.column(concept)
    profile = view.profiles[column]
    if view.has("unit") and concept != "volume":
        return view.column("unit")
    kind = "volume" if concept == "volume" else "diameter"
    found = vocabulary().unit_in(kind, words_of(column)) or vocabulary().unit_in(
        kind, words_of(profile.label)
    )
    if found is not None:
        return {"value": found}
    if kind == "volume":
        taken, other = ("mm3", "cm3") if profile.median > 200 else ("cm3", "mm3")
    else:
        taken, other = ("mm", "cm") if profile.high > 25 or profile.median > 9 else ("cm", "mm")
    proposal.ask(
        f"{view.name}: in which unit is {column} (median {profile.median:g}, largest "
        f"{profile.high:g})?",
        f"trorresu: {{value: {taken}}}, by its magnitude",
        f"trorresu: {{value: {other}}}",
    )
    return {"value": taken}
