"""What the tables of a study say together: ids, day zero, readers, sites, words, arms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import duckdb

from warehouse.proposing.meaning import is_known_site, seed_words
from warehouse.proposing.profile import date_format
from warehouse.proposing.proposal import Derived, Entry, Line, Proposal, Rule
from warehouse.proposing.sdtm import SdtmTable
from warehouse.proposing.tables import View, as_number
from warehouse.sources.values import date_sql
from warehouse.sources.wording import identifier

_INDEPENDENT = ("INDEPENDENT", "CENTRAL", "RADIOLOGIST", "BICR", "IRC", "IRF", "BLINDED")


def subject_values(connection: duckdb.DuckDBPyConnection, view: View) -> set[str]:
    """The subjects of a table, as its rule gives them."""
    rule = view.subject_rule
    cell = identifier(view.column("subject"))
    if isinstance(rule, dict) and "sql" in rule:
        cell = rule["sql"]
    rows = connection.execute(
        f"SELECT DISTINCT trim({cell}) FROM {view.table.stage.relation} WHERE {cell} IS NOT NULL"
    ).fetchall()
    return {str(row[0]) for row in rows}


def even_subjects(
    connection: duckdb.DuckDBPyConnection, views: list[View], proposal: Proposal
) -> None:
    """Where ids of one table lost the zeros or got the '.0' of another, gives them alike."""
    named = [view for view in views if "subject" in view.taken]
    if len(named) < 2:
        return
    values = {view.name: subject_values(connection, view) for view in named}
    # The fullest way to write ids: the longest texts with leading zeros.
    model = max(named, key=lambda v: (_padded(values[v.name]), len(values[v.name])))
    for view in named:
        mine, theirs = values[view.name], values[model.name]
        if view is model or not mine or len(mine & theirs) > 0.2 * min(len(mine), len(theirs)):
            continue
        cell = identifier(view.column("subject"))
        bare = f"regexp_replace(trim({cell}), '\\.0+$', '')"
        width = max(len(value) for value in theirs)
        tries = {
            f"lpad({bare}, {width}, '0')": {_bare(v).rjust(width, "0") for v in mine},
            bare: {_bare(v) for v in mine},
        }
        for sql, made in tries.items():
            if len(made & theirs) > 0.5 * min(len(made), len(theirs)):
                # A plain expression where no id has a '.0'.
                if not any(v.endswith(".0") for v in mine):
                    sql = sql.replace(bare, cell)
                view.subject_rule = {"sql": sql}
                break
        else:
            proposal.ask(
                f"{view.name} and {model.name} have no patient in common "
                f"({sorted(mine)[0]!r} against {sorted(theirs)[0]!r}). Are they one study?",
                "both, each with its own patients",
                "put them into two study folders",
            )


def _bare(value: str) -> str:
    return value[:-2] if value.endswith(".0") else value


def _padded(values: set[str]) -> int:
    return sum(value.startswith("0") and len(value) > 1 for value in values)


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


_DEMOGRAPHICS = {
    "first_dose": "rfxstdtc",
    "death_date": "dthdtc",
    "age": "age",
    "race": "race",
    "arm": "arm",
}


def demographics_in(view: View) -> tuple[int, int]:
    """How much a table says for DM, and how many columns of it are understood."""
    return sum(view.has(c) for c in (*_DEMOGRAPHICS, "sex")), len(view.taken)


def with_columns_of(
    connection: duckdb.DuckDBPyConnection, entry: Entry, main: View, views: list[View]
) -> Entry:
    """DM with what only other tables say, alike in all rows of a patient, by the subject."""
    known = {line.variable for line in entry.lines}
    for view in views:
        if view is main or "subject" not in view.taken or view.subject_rule or main.subject_rule:
            continue
        columns: dict[str, str] = {}
        lines: list[Line] = []
        for concept, variable in _DEMOGRAPHICS.items():
            if (
                variable in known
                or not view.has(concept)
                or not _is_even(connection, view, concept)
            ):
                continue
            name = view.column(concept)
            taken = {c.casefold() for c in (*main.table.stage.columns, *columns)}
            new = name if name.casefold() not in taken else f"{name}_2"
            columns[new] = name
            lines.append(Line(variable, new, f"{view.name}; {view.taken[concept].because}"))
            if variable == "age":
                lines.append(Line("ageu", {"value": "YEARS"}))
            form, _, proof = date_format(view.profiles[name])
            if form not in (None, "iso", *entry.date_format):
                entry = replace(
                    entry,
                    date_format=(*entry.date_format, str(form)),
                    reasons={**entry.reasons, "date_format": f"{name}: {proof}"},
                )
        if not columns:
            continue
        known |= {line.variable for line in lines}
        join = {
            "file": view.table.source.path.name,
            **_options_of(view),
            "on": {main.column("subject"): view.column("subject")},
            "columns": columns,
        }
        entry = replace(entry, joins=(*entry.joins, join), lines=(*entry.lines, *lines))
    return entry


def _is_even(connection: duckdb.DuckDBPyConnection, view: View, concept: str) -> bool:
    """Whether a column has one value in all rows of each patient."""
    subject, cell = identifier(view.column("subject")), identifier(view.column(concept))
    rows = connection.execute(
        f"SELECT count(*) FROM (SELECT trim({subject}) FROM {view.table.stage.relation} "
        f"GROUP BY 1 HAVING count(DISTINCT ({cell},)) > 1)"
    ).fetchall()
    return int(rows[0][0]) == 0


def _options_of(view: View) -> dict[str, object]:
    """The options of a table's file, as a join has them."""
    options = view.table.source.options
    given = {
        "encoding": options.encoding,
        "delimiter": "tab" if options.delimiter == "\t" else options.delimiter,
        "sheet": options.sheet,
        "header_rows": list(options.header_rows) or None,
        "stop_at": {"column": options.stop_column, "value": options.stop_value}
        if options.stop_column
        else None,
    }
    return {name: value for name, value in given.items() if value}


def add_readers(
    connection: duckdb.DuckDBPyConnection,
    loaded: list[SdtmTable],
    views: list[View],
    proposal: Proposal,
) -> None:
    """The readers, independent ones first, and of them who measured most."""
    counts: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for table in loaded:
        if table.domain != "tr":
            continue
        names = {name.lower(): name for name in table.table.stage.columns}
        parts = [identifier(names[n]) for n in ("treval", "trevalid") if n in names]
        flag = identifier(names["tracptfl"]) if "tracptfl" in names else "NULL"
        if parts:
            _count(connection, table.table.stage.relation, parts, flag, counts, accepted)
    for view in views:
        if view.kind != "sizes" or not view.has("reader_role"):
            continue
        parts = [identifier(view.column(c)) for c in ("reader_role", "reader_which") if view.has(c)]
        _count(connection, view.table.stage.relation, parts, "NULL", counts, accepted)
    counts.pop("", None)
    if len(counts) < 2:
        return
    order = sorted(
        counts,
        key=lambda name: (
            not any(word in name.upper() for word in _INDEPENDENT),
            -accepted[name],
            -counts[name],
            name,
        ),
    )
    shown = ", ".join(f"{name} ({counts[name]:,} rows)" for name in order)
    proposal.readers = tuple(order)
    proposal.readers_why = "independent ones first, then by accepted records and number of rows"
    proposal.ask("Whose measurements count first?", "; ".join(order), f"another order of: {shown}")


def _count(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    parts: list[str],
    flag: str,
    counts: Counter[str],
    accepted: Counter[str],
) -> None:
    name = (
        f"concat_ws(' / ', {', '.join(f'nullif(trim({part}), {chr(39) * 2})' for part in parts)})"
    )
    rows = connection.execute(
        f"SELECT {name}, count(*), count(*) FILTER ({flag} = 'Y') FROM {relation} GROUP BY 1"
    ).fetchall()
    for reader, number, flagged in rows:
        counts[str(reader)] += int(number)
        accepted[str(reader)] += int(flagged)


def add_sites(
    connection: duckdb.DuckDBPyConnection,
    loaded: list[SdtmTable],
    views: list[View],
    proposal: Proposal,
) -> None:
    """Sites whose organ the warehouse does not know."""
    counts: Counter[str] = Counter()
    for view in views:
        if view.has("site"):
            _values(connection, view.table.stage.relation, view.column("site"), counts)
    for table in loaded:
        if table.domain == "tu" and "TULOC" in {n.upper() for n in table.table.stage.columns}:
            _values(connection, table.table.stage.relation, "TULOC", counts)
    unknown = {
        site: n
        for site, n in counts.items()
        if not is_known_site(site) and site.upper() not in ("OTHER", "UNKNOWN", "")
    }
    if unknown:
        order = sorted(unknown, key=lambda site: (-unknown[site], site))
        proposal.sites = tuple((site, "", f"{unknown[site]:,} rows") for site in order[:40])
        proposal.ask(
            f"Which organs are {', '.join(repr(site) for site in order[:8])}?",
            "their organ is unknown",
            "sites: {SITE: organ}; organs are listed in the table core.organ",
        )


def _values(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, counts: Counter[str]
) -> None:
    rows = connection.execute(
        f"SELECT trim({identifier(column)}), count(*) FROM {relation} "
        f"WHERE trim({identifier(column)}) <> '' GROUP BY 1"
    ).fetchall()
    for value, number in rows:
        counts[str(value)] += int(number)


def add_words(connection: duckdb.DuckDBPyConnection, views: list[View], proposal: Proposal) -> None:
    """Words in the size columns: those for 'too small', and those that nothing knows."""
    known = seed_words("staging.size_word", "word")
    too_small: set[str] = set()
    for view in views:
        if view.kind not in ("sizes", "sums", "wide"):
            continue
        for concept in ("diameter", "short_axis", "volume", "sum"):
            if not view.has(concept):
                continue
            counts: Counter[str] = Counter()
            column = view.column(concept)
            _values(connection, view.table.stage.relation, column, counts)
            words = {v: n for v, n in counts.items() if not _is_number(v)}
            too_small |= {v for v in words if v.lower() in known and "SMALL" in v.upper()}
            odd = [v for v in words if v.lower() not in known]
            if odd:
                order = sorted(odd, key=lambda v: (-words[v], v))
                proposal.ask(
                    f"{view.name}: what do {', '.join(repr(v) for v in order[:5])} mean among the "
                    f"sizes of {column}?",
                    "not a size: such rows are set aside",
                    f"too_small: {{values: [{order[0]}]}}",
                )
    proposal.too_small = tuple(sorted(too_small))


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def arms_of(
    connection: duckdb.DuckDBPyConnection, loaded: list[SdtmTable], views: list[View]
) -> tuple[str, ...]:
    """The labels of the arms, by number of rows."""
    counts: Counter[str] = Counter()
    for view in views:
        if view.has("arm") and view.kind in ("patients", "sizes", "sums", "wide", "lesions"):
            _values(connection, view.table.stage.relation, view.column("arm"), counts)
    for table in loaded:
        names = {name.upper(): name for name in table.table.stage.columns}
        if table.domain == "dm" and "ARM" in names:
            _values(connection, table.table.stage.relation, names["ARM"], counts)
    return tuple(arm for arm, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))[
        :20
    ]
