"""Which day the days of a study count from, by what its tables say together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import duckdb

from warehouse.proposing.profile import date_format
from warehouse.proposing.proposal import Derived, Entry, Line, Proposal, Rule
from warehouse.proposing.sdtm import SdtmTable
from warehouse.proposing.tables import View
from warehouse.proposing.written import as_number
from warehouse.sources.values import date_sql
from warehouse.sources.wording import identifier


def day_convention(
    connection: duckdb.DuckDBPyConnection,
    loaded: list[SdtmTable],
    views: list[View],
    proposal: Proposal,
) -> None:
    """Whether there is a day 0, by the days that occur."""
    days: Counter[int] = Counter()
    for view in views:
        if view.has("day") and view.kind in ("sizes", "sums", "responses", "features"):
            number = as_number(view, view.column("day"))
            days.update(_days(connection, number, view.table.stage.relation))
    for table in loaded:
        for name in table.table.stage.columns:
            if table.domain in ("tr", "tu", "rs") and name.lower() == f"{table.domain}dy":
                cell = f"TRY_CAST({identifier(name)} AS DOUBLE)"
                days.update(_days(connection, cell, table.table.stage.relation))
    _decide(days, proposal, has_sdtm=bool(loaded))


def _decide(days: Counter[int], proposal: Proposal, *, has_sdtm: bool) -> None:
    if days[0]:
        proposal.day_convention = "zero_based"
        proposal.day_why = f"{days[0]:,} rows are on day 0"
    elif has_sdtm:
        proposal.day_convention = "sdtm"
        proposal.day_why = "the standard's study days: no row is on day 0" if days else ""
    elif days[-1] and days[1]:
        proposal.day_convention = "sdtm"
        proposal.day_why = f"no row is on day 0, {days[-1]} on day -1 and {days[1]} on day 1"
    elif days and (days[1] or days[-1] or min(days) < 0):
        proposal.day_convention = "sdtm" if days[1] or days[-1] else "zero_based"
        proposal.day_why = f"no row is on day 0; {days[-1]} are on day -1 and {days[1]} on day 1"
        other = "zero_based" if proposal.day_convention == "sdtm" else "sdtm"
        proposal.ask(
            "Is there a day 0? None of the rows is on it, "
            f"{days[-1]} are on day -1 and {days[1]} on day 1.",
            f"day_convention: {proposal.day_convention}",
            f"day_convention: {other}",
        )


def _days(connection: duckdb.DuckDBPyConnection, number: str, relation: str) -> dict[int, int]:
    rows = connection.execute(
        f"SELECT CAST(round(d) AS INTEGER), count(*) FROM (SELECT {number} AS d FROM {relation}) "
        "WHERE abs(d) < 1e6 GROUP BY 1"
    ).fetchall()
    return {int(day): int(count) for day, count in rows}


def add_day_zero(
    connection: duckdb.DuckDBPyConnection, views: list[View], proposal: Proposal
) -> None:
    """Where scans have dates and no days, the first dose that their days count from."""
    dated = [
        view
        for view in views
        if view.kind in ("sizes", "sums", "responses", "features")
        and view.has("date")
        and not view.has("day", "week", "month", "year")
    ]
    if not dated:
        if any(view.has("day") for view in views) and proposal.layout != "sdtm":
            proposal.day_zero_rule = "first dose"
            proposal.ask(
                "What is day 0 (or day 1)?",
                "day_zero_rule: first dose",
                "randomisation",
                "first scan",
            )
        return
    if any(line.variable == "rfxstdtc" for line in _dm_lines(proposal)):
        proposal.day_zero_rule = "first dose"
        return
    view = dated[0]
    column = view.column("date")
    form, _, _ = date_format(view.profiles[column])
    cell = identifier(column)
    iso = date_sql(cell, [form]) if form not in (None, "iso") else cell
    if form == "iso":
        # Compact and SAS dates have no signs between their parts: as text they do not sort.
        iso = f"coalesce(strftime(try_strptime({cell}, ['%Y%m%d', '%d%b%Y']), '%Y-%m-%d'), {cell})"
    subject = identifier(view.column("subject")) if view.has("subject") else "1"
    begun = _begun_between_scans(connection, views, view, iso)
    first = connection.execute(
        f"SELECT d, count(*) AS n, sum(count(*)) OVER () FROM (SELECT {subject} AS s, min({iso}) "
        f"AS d FROM {view.table.stage.relation} GROUP BY 1) GROUP BY d ORDER BY n DESC, d LIMIT 1"
    ).fetchall()[0]
    rule: Rule
    is_shifted = bool(first[0]) and str(first[0])[:4] < "1950"
    if is_shifted or (first[0] and first[1] > 0.5 * first[2] and first[2] > 2):
        rule = {"value": str(first[0])[:10]}
        proposal.day_zero_rule = "first scan"
        proposal.day_convention = "zero_based"
        why = f"the first scan of {first[1]} of {first[2]} patients is on {first[0]}: shifted dates"
    elif any(v.has("randomised") for v in views):
        rand = next(v for v in views if v.has("randomised"))
        if rand.kind != "patients":
            return
        rule = rand.column("randomised")
        why = rand.taken["randomised"].because
        proposal.day_zero_rule = "randomisation"
        proposal.ask(
            "No column has the date of the first dose. What do days count from?",
            f"the date of randomisation ({rule} of {rand.name})",
            "rfxstdtc: COLUMN in dm",
        )
    elif begun is not None:
        other, name, why = begun
        rule, proposal.day_zero_rule = name, "first dose"
        proposal.ask(
            f"Is {name} of {other.name} the date of the first dose, from which days count?",
            f"rfxstdtc: {name}; {why}",
            "rfxstdtc: COLUMN in dm",
        )
    else:
        partition = f"OVER (PARTITION BY {subject})" if view.has("subject") else "OVER ()"
        rule = {"sql": f"min({iso}) {partition}"}
        why = "no column has the date of the first dose"
        proposal.day_zero_rule = "first scan"
        dates = [
            f"rfxstdtc: {p.name} of {v.name}"
            for v in views
            for p in v.profiles.values()
            if date_format(p)[0] is not None and p.name != column
        ]
        proposal.ask(
            "No column has the date of the first dose, from which days count.",
            "each patient's first scan is day 0",
            *dates[:5],
        )
    made = _with_first_dose(proposal.entries, view, Line("rfxstdtc", rule, why))
    if made == proposal.entries and isinstance(rule, dict) and "sql" in rule:
        # The patients are of another file: its rows cannot look at the scans of this one.
        made = _with_days(made, view, f"CAST({iso} AS DATE)", partition)
    proposal.entries = [_with_format_of(entry, views) for entry in made]


def _begun_between_scans(
    connection: duckdb.DuckDBPyConnection, views: list[View], scans: View, iso: str
) -> tuple[View, str, str] | None:
    """The one free column of the patients' table whose dates lie between each patient's first and
    second scan, as the first dose does: table, column, and how many; None where none or several do.
    """
    main = next((v for v in views if v.kind == "patients" and v.has("subject")), None)
    if main is None or not scans.has("subject") or main.subject_rule or scans.subject_rule:
        return None
    taken = {meaning.column for meaning in main.taken.values()}
    found = []
    for profile in main.profiles.values():
        form, _, _ = date_format(profile)
        if profile.name in taken or form is None:
            continue
        cell = identifier(profile.name)
        day = date_sql(cell, [form]) if form != "iso" else cell
        n, total = connection.execute(
            f"WITH scan AS (SELECT trim({identifier(scans.column('subject'))}) AS s, {iso} AS d "
            f"FROM {scans.table.stage.relation}), ranked AS (SELECT DISTINCT s, d, dense_rank() "
            "OVER (PARTITION BY s ORDER BY d) AS place FROM scan WHERE d IS NOT NULL), "
            "bound AS (SELECT s, min(d) FILTER (place = 1) AS a, min(d) FILTER (place = 2) AS b "
            f"FROM ranked GROUP BY s) SELECT count(*) FILTER ({day} >= a AND {day} < b), "
            f"count(*) FROM {main.table.stage.relation} JOIN bound "
            f"ON trim({identifier(main.column('subject'))}) = s WHERE b IS NOT NULL"
        ).fetchall()[0]
        if total >= 3 and n >= 0.9 * total:
            found.append((main, profile.name, f"it lies between the first and the second scan of "
                                              f"{n} of {total} patients"))  # fmt: skip
    return found[0] if len(found) == 1 else None


def _with_days(entries: list[Entry], view: View, date: str, partition: str) -> list[Entry]:
    """The entries of a table of scans with their days from each patient's first one."""
    sql = f"date_diff('day', min({date}) {partition}, {date})"

    def with_day(domain: str | None, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        if all(line.variable != f"{domain}dtc" or line.rule != view.column("date")
               for line in lines):  # fmt: skip
            return lines
        return (*lines, Line(f"{domain}dy", {"sql": sql}, "days from the patient's first scan"))

    made = []
    for entry in entries:
        if entry.file == view.table.source.path.name:
            derived = tuple(
                replace(one, lines=with_day(one.domain, one.lines)) for one in entry.derived
            )
            entry = replace(entry, lines=with_day(entry.domain, entry.lines), derived=derived)
        made.append(entry)
    return made


def _with_format_of(entry: Entry, views: list[View]) -> Entry:
    """The entry with the format of its first dose, which was added after the others were known."""
    line = next((one for one in entry.lines if one.variable == "rfxstdtc"), None)
    view = next((v for v in views if v.table.source.path.name == entry.file), None)
    if line is None or not isinstance(line.rule, str) or view is None:
        return entry
    profile = view.profiles.get(line.rule)
    form, _, proof = date_format(profile) if profile is not None else (None, (), "")
    if form in (None, "iso", *entry.date_format):
        return entry
    return replace(
        entry,
        date_format=(*entry.date_format, str(form)),
        reasons={**entry.reasons, "date_format": f"{line.rule}: {proof}"},
    )


def _dm_lines(proposal: Proposal) -> list[Line]:
    lines: list[Line] = []
    for entry in proposal.entries:
        if entry.domain == "dm":
            lines += entry.lines
        lines += [line for inner in entry.derived if inner.domain == "dm" for line in inner.lines]
    return lines


def _with_first_dose(entries: list[Entry], view: View, line: Line) -> list[Entry]:
    """Adds the first dose to the rows of DM: of the dated table, or wherever they are made."""
    is_constant = isinstance(line.rule, dict) and "value" in line.rule
    made: list[Entry] = []
    done = False
    for entry in entries:
        fits = is_constant or entry.file == view.table.source.path.name
        if entry.domain == "dm" and not done and (fits or isinstance(line.rule, str)):
            entry, done = replace(entry, lines=(*entry.lines, line)), True
        elif not done and fits and any(inner.domain == "dm" for inner in entry.derived):
            derived: list[Derived] = []
            for inner in entry.derived:
                if inner.domain == "dm" and not done:
                    inner, done = replace(inner, lines=(*inner.lines, line)), True
                derived.append(inner)
            entry = replace(entry, derived=tuple(derived))
        made.append(entry)
    return made
