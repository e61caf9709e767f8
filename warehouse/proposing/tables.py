"""What a table of any layout is, and the entries of study.yml that it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import duckdb

from warehouse.proposing import wide
from warehouse.proposing.files import Table
from warehouse.proposing.meaning import LEAST, Meaning, all_meanings, assign, rivals
from warehouse.proposing.patients import criterion_line, patient_lines, patient_rows
from warehouse.proposing.profile import Profile, date_format
from warehouse.proposing.proposal import Derived, Entry, Line, Proposal, Rule
from warehouse.proposing.recurrent import stretch_parts, stretches
from warehouse.proposing.states import missing_size_lines, state_rows
from warehouse.proposing.treatments import Course, courses
from warehouse.proposing.vocabulary import vocabulary, words_of
from warehouse.sources.radiomics import is_pyradiomics
from warehouse.sources.wording import identifier

SIZES = {"diameter": "LDIAM", "short_axis": "LPERP", "volume": "VOLUME"}
TEST_NAMES = {
    "LDIAM": "Longest Diameter",
    "LPERP": "Longest Perpendicular",
    "VOLUME": "Volume",
    "SUMDIAM": "Sum of Diameter",
}
_TIMES = ("day", "week", "month", "year")
_DAYS_IN = {"week": "7", "month": "30.4375", "year": "365.25"}
_QUESTIONED = ("subject", "lesion", "diameter", "site", "lesion_type", "arm", "reader_role")
"""Concepts for which a second column that comes near is worth a question."""


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
    _mend_subject(connection, view)
    if "subject" in view.taken:
        view.one_per_subject = _is_unique(connection, view, ["subject"])
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
    if is_sum and (not has_size or _is_unique(connection, view, ["subject", *_time_of(view)])):
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
        if not _is_unique(connection, view, keys) and _is_unique(
            connection, view, [*keys, "day"], least=0.9
        ):
            view.is_order = True
            return True
        del view.taken["day"]
    return False


def _part_lesions(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    """Where one lesion's id stands for several, as it restarts with each scan, adds the scan."""
    keys = ["subject", "lesion", "reader_role"]
    if not {"subject", "lesion"} <= view.taken.keys() or _is_unique(connection, view, keys, 1.0):
        return
    used = {meaning.column for meaning in view.taken.values()}
    for profile in view.profiles.values():
        named = re.search(r"\b(id|scan|study|image|series)\b", words_of(profile.name))
        if profile.name in used or not named or profile.distinct < 3:
            continue
        lesion = view.taken["lesion"]
        view.taken["scan"] = Meaning("scan", profile.name, LEAST, ())
        if profile.distinct < 0.5 * profile.rows and _is_unique(connection, view, [*keys, "scan"]):
            parts = f"{identifier(profile.name)} || '-' || {identifier(lesion.column)}"
            view.lesion_rule = {"sql": parts}
            del view.taken["scan"]
            return
        del view.taken["scan"]


def _n_numbers(view: View) -> int:
    return sum(p.numeric > 0.8 and p.distinct > 3 for p in view.profiles.values())


def _time_of(view: View) -> list[str]:
    return [c for c in (*_TIMES, "date", "visit") if c in view.taken][:1]


def _is_unique(
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


def _mend_subject(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    """Where lesion and subject are one and the same column's only claim, the subject goes first."""
    if "subject" in view.taken or "lesion" not in view.taken:
        return
    lesion = view.taken["lesion"].column
    claim = next((m for m in view.meanings if m.concept == "subject" and m.column == lesion), None)
    if claim is not None and claim.score >= view.taken["lesion"].score:
        view.taken["subject"] = claim
        del view.taken["lesion"]


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
        "no day, so that its rows will be set aside",
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
            "sizes as they are, so that negative ones are set aside",
            f'trorres: {{sql: exp(CAST("{profile.name}" AS DOUBLE))}}',
        )


def _lesion_line(connection: duckdb.DuckDBPyConnection, view: View, proposal: Proposal) -> Line:
    if view.has("lesion"):
        return view.line("trlnkid", "lesion")
    times = _time_of(view)
    if not _is_unique(connection, view, ["subject", *times]):
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
            "no day, so that their rows will be set aside",
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
