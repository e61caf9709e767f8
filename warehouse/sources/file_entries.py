"""One entry of 'files:' of a study.yml: its columns, options, joins and features, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from warehouse.sources import spec
from warehouse.sources.document import Section
from warehouse.sources.domains import DOMAIN_COLUMNS, UNITS
from warehouse.sources.expressions import ExpressionError, expression_columns
from warehouse.sources.formats import data_stem
from warehouse.sources.lesion_long import ROLES
from warehouse.sources.radiomics import ROLES as RADIOMICS_ROLES
from warehouse.sources.values import EXCEL, FORMATS, strptime_format
from warehouse.sources.wording import did_you_mean, listed

_OPTION_KEYS = (
    *("encoding", "delimiter", "sheet", "header_rows", "header_join"),
    *("first_row", "stop_at", "skip_blank"),
)

_VALUE_KEYS = ("join", "date_format", "decimal")

FEATURE_NAMES = ("pyradiomics", "all")


def file_entry(
    section: Section, layout: str, stems: Mapping[str, str], file: str
) -> spec.FileEntry:
    """The entry of one file, by the study's layout and the domains of file stems."""
    keys = ["file", "optional", "domain", "columns", "derive", *_VALUE_KEYS, *_OPTION_KEYS]
    if layout == "lesion_long" and "domain" not in section.values:
        section.only([*keys, "unit", "lesion_type"])
        derive = tuple(_derive(inner) for inner in section.sections("derive"))
        return _as_stated(
            section, spec.FileEntry(file, "tr", derive=derive, long_table=_long_table(section))
        )
    if layout == "radiomics" and "domain" not in section.values:
        section.only([*keys, "features", "site", "exhaustive"])
        derive = tuple(_derive(inner) for inner in section.sections("derive"))
        entry = spec.FileEntry(
            file,
            "rf",
            derive=derive,
            features=_features(section),
            radiomics=_radiomics_table(section),
        )
        return _as_stated(section, entry)
    section.only([*keys, "features"])
    stem = data_stem(file)
    domain = stems.get(stem, stem) if layout == "sdtm" else ""
    if "domain" in section.values or domain not in DOMAIN_COLUMNS:
        domain = _domain(section)
    columns = _columns(section, domain)
    features = _features(section)
    if features is not None and domain != "rf":
        section.fail(f"'features' goes with 'domain: rf', not with {domain}.", "features")
    for rule in columns if features is not None else ():
        if rule.variable in ("rftestcd", "rforres"):
            section.fail(
                f"'features' makes {rule.variable} from the columns' names and values. Leave its "
                "line out, or leave 'features' out where there is one row per feature.",
                "columns",
            )
    if layout != "sdtm" and not columns:
        section.fail("'columns' is missing: say which column of the file each variable is.")
    entry = spec.FileEntry(
        file=file,
        domain=domain,
        columns=columns,
        derive=tuple(_derive(inner) for inner in section.sections("derive")),
        keep_columns=layout == "sdtm" and features is None,
        features=features,
    )
    return _as_stated(section, entry)


def _as_stated(section: Section, entry: spec.FileEntry) -> spec.FileEntry:
    """The entry with how its file is read: what holds under every layout."""
    return replace(
        entry,
        options=_options(section),
        joins=tuple(_join(inner) for inner in section.sections("join")),
        date_formats=_date_formats(section),
        decimal=section.choice("decimal", (".", ","), "."),
    )


def _features(section: Section) -> spec.FeatureTable | None:
    """Which columns are features: a word, or a mapping."""
    given = section.values.get("features")
    if given is None:
        return None
    if isinstance(given, str):
        return spec.FeatureTable(section.choice("features", FEATURE_NAMES, "all"))
    inner = section.section("features")
    assert inner is not None
    inner.only(("names", "columns", "except", "regions"))
    return spec.FeatureTable(
        inner.choice("names", FEATURE_NAMES, "all"),
        inner.texts("columns"),
        inner.texts("except"),
        inner.texts("regions"),
    )


def _radiomics_table(section: Section) -> spec.RadiomicsTable:
    if (inner := section.section("columns")) is not None:
        inner.only(RADIOMICS_ROLES)
    columns, constants = _roles(section)
    return spec.RadiomicsTable(columns, section.text("site"), section.flag("exhaustive"), constants)


def _long_table(section: Section) -> spec.LongTable:
    if (inner := section.section("columns")) is not None:
        inner.only(ROLES)
    columns, constants = _roles(section)
    unit = section.text("unit")
    if unit is not None:
        _check_unit(section, "unit", "trorresu", unit)
    return spec.LongTable(columns, unit, section.text("lesion_type"), constants)


def _roles(section: Section) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Role -> source column, and role -> the value that every record has (``{value: T1}``)."""
    inner = section.section("columns")
    columns, constants = [], []
    for role in inner.values if inner is not None else ():
        assert inner is not None
        if isinstance(inner.values[role], str):
            columns.append((role, inner.needed(role)))
            continue
        value = inner.section(role)
        if value is None:
            inner.fail(f"{role!r} names no column. Leave the line out.", role)
        value.only(("value",))
        constants.append((role, value.needed("value")))
    return tuple(columns), tuple(constants)


def _date_formats(section: Section) -> tuple[str, ...]:
    """The formats of ``date_format``, checked."""
    formats = tuple(words.strip().lower() for words in section.texts("date_format"))
    for words in formats:
        if words != EXCEL and strptime_format(words) is None:
            section.fail(
                f"'date_format' cannot be {words!r}: it has each of yyyy (or yy), mm (or mmm for "
                f"a month's name) and dd once. Examples: {listed(FORMATS)}.",
                "date_format",
            )
    return formats


def _join(section: Section) -> spec.Join:
    """A second file, the columns that go together, and those that come over."""
    section.only(("file", "on", "columns", "match", *_OPTION_KEYS))
    file = section.needed("file")
    pairs = {}
    for key in ("on", "columns"):
        given = section.values.get(key)
        listed_only = isinstance(given, list | str) and bool(given)
        pairs[key] = (
            tuple((name, name) for name in section.texts(key))
            if listed_only
            else section.pairs(key)
        )
        if not pairs[key]:
            section.fail(
                f"{key!r} is missing: "
                + (
                    "say which columns go together, as 'on: {SUBJID: PATIENT}' (here: there)."
                    if key == "on"
                    else "say which columns come over, as 'columns: {baseline: SIZE}' (new name: "
                    "column there)."
                )
            )
    match = section.choice("match", ("text", "number"), "text")
    return spec.Join(file, pairs["on"], pairs["columns"], _options(section), match)


def _options(section: Section) -> spec.ReadOptions:
    stop = section.section("stop_at")
    if stop is not None:
        stop.only(("column", "value"))
    delimiter = section.text("delimiter")
    if delimiter is not None:
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1:
            section.fail("'delimiter' must be one character, or 'tab'.", "delimiter")
    header_rows = section.wholes("header_rows")
    if list(header_rows) != sorted(set(header_rows)):
        section.fail("'header_rows' must rise, as [13, 14].", "header_rows")
    join = section.values.get("header_join")
    return spec.ReadOptions(
        encoding=section.text("encoding"),
        delimiter=delimiter,
        sheet=section.text("sheet"),
        header_rows=header_rows,
        header_join=join if isinstance(join, str) else " | ",
        first_row=section.whole("first_row"),
        stop_column=stop.needed("column") if stop else None,
        stop_value=stop.needed("value") if stop else None,
        skip_blank=bool(section.flag("skip_blank")),
    )


def _derive(section: Section) -> spec.DeriveEntry:
    section.only(("domain", "distinct_on", "require", "columns"))
    domain = _domain(section)
    columns = _columns(section, domain)
    if not columns:
        section.fail("'columns' is missing: say which column of the file each variable is.")
    mapped = [rule.variable for rule in columns]
    for key in ("distinct_on", "require"):
        for variable in section.texts(key):
            if variable not in mapped:
                section.fail(
                    f"{key!r} names {variable!r}, which is not among its columns."
                    f"{did_you_mean(variable, mapped)} They are: {listed(mapped)}.",
                    key,
                )
    return spec.DeriveEntry(domain, columns, section.texts("distinct_on"), section.texts("require"))


def _domain(section: Section) -> str:
    domain = section.needed("domain")
    if domain not in DOMAIN_COLUMNS:
        section.fail(unknown_domain(domain), "domain")
    return domain


def unknown_domain(domain: str) -> str:
    """What an error says of a domain that is none."""
    return (
        f"unknown domain {domain!r}.{did_you_mean(domain, DOMAIN_COLUMNS)} "
        f"Domains: {listed(DOMAIN_COLUMNS)}."
    )


def _columns(section: Section, domain: str) -> tuple[spec.ColumnRule, ...]:
    inner = section.section("columns")
    if inner is None:
        return ()
    known = DOMAIN_COLUMNS[domain]
    for variable in inner.values:
        if variable not in known:
            inner.fail(
                f"{domain} has no variable {variable!r}.{did_you_mean(variable, known)} "
                f"It has: {listed(known)}.",
                variable,
            )
    return tuple(_rule(inner, variable) for variable in inner.values)


def _rule(section: Section, variable: str) -> spec.ColumnRule:
    given = section.values[variable]
    if isinstance(given, str):
        if not given:
            section.fail(f"{variable!r} names no column. Leave the line out.", variable)
        return spec.ColumnRule(variable, column=given)
    inner = section.section(variable)
    if inner is None:
        section.fail(f"{variable!r} says nothing. Leave the line out.", variable)
    inner.only(("column", "value", "sql", "map", "optional"))
    sources = [key for key in ("column", "value", "sql") if key in inner.values]
    if len(sources) != 1:
        inner.fail(f"{variable!r} needs exactly one of 'column', 'value' and 'sql'.")
    mapping = inner.pairs("map")
    if mapping and sources != ["column"]:
        inner.fail("'map' goes with 'column' only.", "map")
    rule = spec.ColumnRule(
        variable,
        column=inner.needed("column") if sources == ["column"] else None,
        value=inner.needed("value") if sources == ["value"] else None,
        sql=inner.needed("sql") if sources == ["sql"] else None,
        mapping=mapping,
        is_optional=bool(inner.flag("optional")),
    )
    if rule.is_optional and rule.column is None:
        inner.fail("'optional' goes with 'column' only.", "optional")
    if variable in UNITS:
        for unit in [rule.value, *(value for _, value in mapping)]:
            if unit:
                _check_unit(inner, None, variable, unit)
    if rule.sql is not None:
        try:
            expression_columns(rule.sql)
        except ExpressionError as error:
            inner.fail(f"the expression {rule.sql!r} cannot be used: {error}.", "sql")
    return rule


def _check_unit(section: Section, key: str | None, variable: str, unit: str) -> None:
    if unit not in UNITS[variable]:
        units = sorted(UNITS[variable])
        section.fail(
            f"unknown unit {unit!r} for {variable}.{did_you_mean(unit, units)} "
            f"Units: {listed(units)}.",
            key,
        )
