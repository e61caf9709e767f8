"""What the tables of a study say together: ids, day zero, readers, sites, words, arms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import duckdb

from warehouse.proposing.meaning import is_known_site, seed_words
from warehouse.proposing.profile import date_format
from warehouse.proposing.proposal import Entry, Line, Proposal
from warehouse.proposing.sdtm import SdtmTable
from warehouse.proposing.tables import View
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
                    "not a size: such rows are quarantined",
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
