"""The entries of study.yml that a table becomes, by what it is."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from warehouse.proposing.meaning import Meaning, rivals
from warehouse.proposing.patients import criterion_line, patient_lines, patient_rows
from warehouse.proposing.profile import date_format
from warehouse.proposing.proposal import Derived, Entry, Line, Proposal, Rule
from warehouse.proposing.recurrent import stretch_parts
from warehouse.proposing.states import missing_size_lines, state_rows
from warehouse.proposing.tables import SIZES, View, is_unique, time_of
from warehouse.proposing.vocabulary import vocabulary
from warehouse.proposing.written import as_number, time_lines, unit_of, with_values

TEST_NAMES = {
    "LDIAM": "Longest Diameter",
    "LPERP": "Longest Perpendicular",
    "VOLUME": "Volume",
    "SUMDIAM": "Sum of Diameter",
}
_QUESTIONED = ("subject", "lesion", "diameter", "site", "lesion_type", "arm", "reader_role")
"""Concepts for which a second column that comes near is worth a question."""


def ask_rivals(view: View, proposal: Proposal) -> None:
    """Asks where a second column may be meant."""
    for concept in _QUESTIONED:
        if concept not in view.taken:
            continue
        near = rivals(view.meanings, view.taken[concept], view.taken)
        if near:
            proposal.ask(
                f"{view.name}: which column is {vocabulary().concepts[concept].says}?",
                view.column(concept),
                *(f"{meaning.column} ({meaning.because})" for meaning in near[:3]),
            )


def size_entries(
    connection: duckdb.DuckDBPyConnection, view: View, proposal: Proposal, *, with_dm: bool
) -> list[Entry]:
    """A table of sizes: one entry per measure, the first with its lesions and patients."""
    ask_rivals(view, proposal)
    if view.is_order:
        proposal.ask(
            f"{view.name}: no column has a day or a date. Is {view.column('day')} the day, or the "
            "order of the scans?",
            f"trdy: {view.column('day')}, so that durations count scans if it is their order",
            "add days or dates to the table",
        )
    lesion = _lesion_line(connection, view, proposal)
    kind: Rule = {"value": "TARGET"}
    type_line = Line("trgrpid", kind, "measured, so taken for a target lesion")
    if view.has("lesion_type"):
        type_line = view.line("trgrpid", "lesion_type", type_rule(view))
    shared = [*view.subject, lesion, type_line]
    tail = [
        *time_lines(view, "tr", proposal),
        *view.lines(
            {
                "trmethod": "method",
                "treval": "reader_role",
                "trevalid": "reader_which",
                "tracptfl": "accepted",
            }
        ),
    ]
    entries: list[Entry] = []
    for concept, test in SIZES.items():
        if not view.has(concept) or _is_worked_out(connection, view, concept, proposal):
            continue
        ask_negative(view, concept, proposal)
        size = [
            Line("trtestcd", {"value": test}),
            Line("trtest", {"value": TEST_NAMES[test]}),
            view.line("trorres", concept),
            Line("trorresu", unit_of(view, concept, proposal)),
            *missing_size_lines(connection, view, concept),
        ]
        entry = _entry(view, "tr", [*shared, *size, *tail])
        if not entries:
            entry = entry.also(*_lesions(view, lesion, type_line))
            entry = entry.also(*state_rows(view, [*shared, *tail]))
            entry = entry.also(*_beside(view, proposal, with_dm=with_dm))
        entries.append(with_values(view, entry, proposal))
    return entries


def type_rule(view: View) -> Rule:
    """The column of the type, words of other languages mapped."""
    column = view.column("lesion_type")
    mapped = {
        value: meant
        for value, _ in view.profiles[column].values
        for meant, words in vocabulary().words["lesion_type"].items()
        if value.strip().lower() in words
    }
    return {"column": column, "map": mapped} if mapped else column


def _is_worked_out(
    connection: duckdb.DuckDBPyConnection, view: View, concept: str, proposal: Proposal
) -> bool:
    """Whether a short axis or volume is the long axis times a constant: nobody measured it."""
    if concept == "diameter" or not view.has("diameter"):
        return False
    power = 3 if concept == "volume" else 1
    long_axis = as_number(view, view.column("diameter"))
    other = as_number(view, view.column(concept))
    low, high = connection.execute(
        f"SELECT min(r), max(r) FROM (SELECT {other} / power({long_axis}, {power}) AS r "
        f"FROM {view.table.stage.relation} WHERE {long_axis} > 0 AND {other} > 0)"
    ).fetchall()[0]
    if low is None or high - low > 1e-3 * high:
        return False
    name = view.column(concept)
    by = f"1/{1 / low:.3g}" if power == 1 else f"its third power times {low:.3g}"
    proposal.not_read.append(
        (f"{view.name}, {name}", f"always {view.column('diameter')} times {by}: not measured")
    )
    return True


def ask_negative(view: View, concept: str, proposal: Proposal) -> None:
    """Asks about sizes below 0, which are transformed ones or another thing."""
    profile = view.profiles[view.column(concept)]
    if profile.low < 0:
        proposal.ask(
            f"{view.name}: {profile.name} has negative numbers ({profile.low:g} to "
            f"{profile.high:g}). Is it transformed (logarithm, Box-Cox), or a change?",
            "sizes as they are, so that negative ones are quarantined",
            f'trorres: {{sql: exp(CAST("{profile.name}" AS DOUBLE))}}',
        )


def _lesion_line(connection: duckdb.DuckDBPyConnection, view: View, proposal: Proposal) -> Line:
    if view.has("lesion"):
        return view.line("trlnkid", "lesion")
    times = time_of(view)
    if not is_unique(connection, view, ["subject", *times]):
        proposal.ask(
            f"{view.name}: no column names the lesion, and patients have several rows of one "
            "scan. Which rows are of one lesion?",
            "trlnkid: {value: T1}, so that such rows contradict each other",
        )
    return Line("trlnkid", {"value": "T1"}, "no column names a lesion: one per patient")


def _lesions(view: View, lesion: Line, kind: Line) -> list[Derived]:
    """The lesions of a table of sizes."""
    lines = [
        *view.subject,
        replace(lesion, variable="tulnkid", why=""),
        Line("tutestcd", {"value": "TUMIDENT"}),
        Line("tutest", {"value": "Tumor Identification"}),
        replace(kind, variable="tuorres", why=""),
        *view.lines({"tuloc": "site", "tulat": "side", "tumethod": "method"}),
        *view.lines({"tueval": "reader_role", "tuevalid": "reader_which"}),
    ]
    keys = [v for v in ("usubjid", "tulnkid") if v != "usubjid" or view.has("subject")]
    keys += [line.variable for line in lines if line.variable in ("tueval", "tuevalid")]
    return [Derived("tu", tuple(lines), tuple(keys))]


def _beside(view: View, proposal: Proposal, *, with_dm: bool) -> list[Derived]:
    """What a table of many rows per patient says of the patients."""
    if not view.has("subject"):
        return []
    derived = []
    if with_dm:
        lines = [*view.subject, *patient_lines(view, proposal)]
        derived.append(Derived("dm", tuple(lines), ("usubjid",), why="its patients"))
    derived += patient_rows(view, proposal, distinct=True)
    if view.has("response") and view.kind in ("sizes", "sums"):
        lines = [*view.subject, *response_lines(view, proposal)]
        lines += time_lines(view, "rs", proposal)
        time = next(line.variable for line in lines if line.variable in ("rsdy", "rsdtc"))
        keys = ("usubjid", time)
        derived.append(Derived("rs", tuple(lines), keys, ("rsorres",)))
    return derived


def response_lines(view: View, proposal: Proposal) -> list[Line]:
    """Test, criterion and result of an overall response."""
    lines = [
        Line("rstestcd", {"value": "OVRLRESP"}),
        Line("rstest", {"value": "Overall Response"}),
        *criterion_line(view, proposal),
        view.line("rsorres", "response"),
    ]
    profile = view.profiles[view.column("response")]
    if profile.numeric > 0.9:
        proposal.ask(
            f"{view.name}: what do the codes of {profile.name} stand for "
            f"({', '.join(v for v, _ in profile.values[:8])})?",
            "the codes as they are, which no rule of responses knows",
            f'rsorres: {{column: {profile.name}, map: {{"{profile.values[0][0]}": PR}}}}',
        )
    return [
        *lines,
        *view.lines({"rseval": "reader_role", "rsevalid": "reader_which", "rsacptfl": "accepted"}),
    ]


def _entry(view: View, domain: str, lines: list[Line]) -> Entry:
    source = view.table.source
    return Entry(
        file=source.path.name,
        domain=domain,
        lines=tuple(lines),
        options=source.options,
        reasons=dict(source.reasons),
        title=f"{source.title}: {view.why}.",
    )


def sum_entry(view: View, proposal: Proposal, *, with_dm: bool) -> Entry:
    """A table of sums of diameters: rows of TR that are of no lesion."""
    ask_negative(view, "sum", proposal)
    lines = [
        *view.subject,
        Line("trlnkid", {"sql": "NULL"}, "a sum is of no lesion"),
        Line("trtestcd", {"value": "SUMDIAM"}),
        Line("trtest", {"value": TEST_NAMES["SUMDIAM"]}),
        view.line("trorres", "sum"),
        Line("trorresu", unit_of(view, "sum", proposal)),
        *time_lines(view, "tr", proposal),
        *view.lines({"treval": "reader_role"}),
    ]
    entry = _entry(view, "tr", lines).also(*_beside(view, proposal, with_dm=with_dm))
    return with_values(view, entry, proposal)


def wide_entries(view: View, proposal: Proposal, *, with_dm: bool) -> list[Entry]:
    """One entry per visit of a wide sheet."""
    entries: list[Entry] = []
    undated = [wave.column for wave in view.waves if wave.day is None]
    if undated:
        proposal.ask(
            f"{view.name}: on which days were {', '.join(undated)} measured?",
            "no day, so that their rows will be quarantined",
            'trdy: {value: "56"} in the entry of each of them',
        )
    first = view.waves[0].column
    view.taken[view.waves[0].concept] = Meaning(
        view.waves[0].concept, first, 3.0, ("one measure at several visits",)
    )
    for wave in view.waves:
        test = "SUMDIAM" if wave.concept == "sum" else SIZES[wave.concept]
        view.taken[wave.concept] = Meaning(
            wave.concept, wave.column, 3.0, (f"{wave.visit!r} in the name of the column",)
        )
        is_lesion = wave.concept != "sum"
        label: Rule = {"value": "T1"} if is_lesion else {"sql": "NULL"}
        lesion = view.line("trlnkid", "lesion") if view.has("lesion") else Line("trlnkid", label)
        kind = Line("trgrpid", {"value": "TARGET"})
        unit = entries[0].lines if entries else ()
        rule = next((line.rule for line in unit if line.variable == "trorresu"), None)
        day: Rule = {"sql": "NULL"} if wave.day is None else {"value": str(wave.day)}
        lines = [
            *view.subject,
            lesion,
            kind,
            Line("trtestcd", {"value": test}),
            Line("trtest", {"value": TEST_NAMES[test]}),
            view.line("trorres", wave.concept),
            Line("trorresu", rule if rule is not None else unit_of(view, wave.concept, proposal)),
            Line("visit", {"value": wave.visit}),
            Line("trdy", day, "by the visit's name" if wave.day is not None else "not known"),
        ]
        entry = _entry(view, "tr", lines)
        if not entries:
            if is_lesion:
                entry = entry.also(*_lesions(view, lesion, kind))
            entry = entry.also(*_beside(view, proposal, with_dm=with_dm))
        entries.append(with_values(view, entry, proposal))
    others = {wave.column for wave in view.waves}
    return [
        replace(entry, unused=tuple(c for c in entry.unused if c not in others) if n == 0 else ())
        for n, entry in enumerate(entries)
    ]


def response_entry(view: View, proposal: Proposal) -> Entry:
    """A table of responses by visit."""
    lines = [*view.subject, *response_lines(view, proposal), *time_lines(view, "rs", proposal)]
    return with_values(view, _entry(view, "rs", lines), proposal)


def stretch_entry(view: View, proposal: Proposal) -> Entry:
    """A table of stretches of time: new lesions, and survival."""
    lines, derived = stretch_parts(view, proposal)
    return with_values(view, _entry(view, "rs", lines).also(*derived), proposal)


def patient_entry(view: View, proposal: Proposal) -> Entry:
    """A table of patients: DM, with times, covariates and best responses derived."""
    ask_rivals(view, proposal)
    lines = [*view.subject, *patient_lines(view, proposal)]
    entry = _entry(view, "dm", lines).also(*patient_rows(view, proposal, distinct=False))
    return with_values(view, entry, proposal)


def about_patients(view: View, proposal: Proposal) -> list[Entry]:
    """A second table of patients: its times, covariates and responses, but no DM."""
    rows = patient_rows(view, proposal, distinct=False)
    if not rows:
        return []
    first = rows[0]
    entry = _entry(view, first.domain, list(first.lines)).also(*rows[1:])
    return [with_values(view, entry, proposal)]


def lesion_entry(view: View, proposal: Proposal, *, with_dm: bool) -> Entry:
    """A table of lesions without sizes: TU, with the patients derived."""
    ask_rivals(view, proposal)
    kind = Line("tuorres", {"value": "TARGET"}, "no column says of which type")
    if view.has("lesion_type"):
        kind = view.line("tuorres", "lesion_type", type_rule(view))
    lines = [
        *view.subject,
        view.line("tulnkid", "lesion"),
        Line("tutestcd", {"value": "TUMIDENT"}),
        Line("tutest", {"value": "Tumor Identification"}),
        kind,
        *view.lines({"tuloc": "site", "tulat": "side", "tumethod": "method"}),
    ]
    entry = _entry(view, "tu", lines).also(*_beside(view, proposal, with_dm=with_dm))
    return with_values(view, entry, proposal)


def dose_entry(view: View, proposal: Proposal) -> Entry:
    """A table of doses."""
    lines = [*view.subject, *view.lines({"extrt": "drug", "exdose": "dose", "exdosu": "dose_unit"})]
    for variable, concept in (("exst", "dose_start"), ("exen", "dose_end"), ("exst", "day")):
        if view.has(concept) and not any(line.variable.startswith(variable) for line in lines):
            profile = view.profiles[view.column(concept)]
            form, _, _ = date_format(profile)
            lines.append(view.line(f"{variable}{'dy' if form is None else 'dtc'}", concept))
    return with_values(view, _entry(view, "ex", lines), proposal)
