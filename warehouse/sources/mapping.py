"""From a stage to rows of a raw domain: the SELECT that a record entry stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.domains import DOMAIN_COLUMNS, PROVENANCE, REQUIRED
from warehouse.sources.expressions import expression_columns
from warehouse.sources.radiomics import (
    CELL,
    FROM_CELL,
    check_others,
    feature_cells,
    feature_columns,
)
from warehouse.sources.spec import ColumnRule, DeriveEntry, FileEntry
from warehouse.sources.stage import RECORD, Stage, text_of
from warehouse.sources.values import value_sql
from warehouse.sources.wording import did_you_mean, identifier, listed, literal, names_subject


@dataclass(frozen=True)
class Origin:
    """What every row of a file carries: its provenance, and how to name the file in a message."""

    study_id: str
    source_file: str
    sha256: str
    loaded_at: str
    place: str


class Mapper:
    """Writes the SELECTs of one record entry over one stage."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        stage: Stage,
        origin: Origin,
        *,
        has_patients: bool,
    ) -> None:
        self._connection = connection
        self._stage = stage
        self._origin = origin
        self._has_patients = has_patients
        self._by_folded = {name.casefold(): name for name in stage.columns}

    def records(self, entry: FileEntry) -> str:
        """SELECT of all records as rows of the entry's domain, those without a subject too.

        An entry with ``features`` gives one row per record and feature column.

        Raises:
            LesionsError: a column or a needed variable is not in the file, or an expression fails.
        """
        rules = {
            rule.variable: self._cell(rule, entry.domain, entry)
            for rule in entry.columns
            if self._is_there(rule)
        }
        if entry.features is not None:
            return self._feature_rows(entry, rules)
        own: dict[str, str] = {}
        if entry.keep_columns:
            own = {
                name.lower(): self._value(name.lower(), identifier(name), entry)
                for name in self._stage.columns
            }
            self._check_reserved(own)
        cells = {**own, **rules}
        self._check_required(entry.domain, set(cells), mapped=not entry.keep_columns)
        return self._select(self._ordered(entry.domain, cells), with_source=bool(entry.columns))

    def _feature_rows(self, entry: FileEntry, rules: dict[str, str]) -> str:
        """One row per record and feature column; ``_source_values`` without the features."""
        features = feature_columns(entry, self._stage.columns, self._origin.place)
        check_others(entry, self._stage.columns, features, self._numbers, self._origin.place)
        cells = {
            variable: self._value(variable, f"{CELL}.{name}", entry)
            for variable, name in FROM_CELL.items()
        }
        if "rfregion" in rules:
            cells["rfregion"] = f"coalesce({CELL}.region, {rules['rfregion']})"
        cells = {**rules, **cells}
        self._check_required(entry.domain, set(cells), mapped=True)
        return self._select(
            self._ordered(entry.domain, cells),
            with_source=True,
            relation=feature_cells(entry, features, self._stage.relation),
            source_columns=[name for name in self._stage.columns if name not in set(features)],
        )

    def _numbers(self, columns: Sequence[str]) -> list[str]:
        """Those of the columns that hold numbers and nothing else."""
        if not columns:
            return []
        tests = ", ".join(
            f"count({cell}) > 0 AND count({cell}) = count(TRY_CAST({cell} AS DOUBLE))"
            for cell in map(identifier, columns)
        )
        row = self._connection.execute(f"SELECT {tests} FROM {self._stage.relation}").fetchone()
        assert row is not None
        return [name for name, is_number in zip(columns, row, strict=True) if is_number]

    def expressions(self, entry: FileEntry) -> list[str]:
        """SQL of the text that each expression of an entry gives, those of its derive too."""
        rules = [(entry.domain, rule) for rule in entry.columns]
        rules += [(inner.domain, rule) for inner in entry.derive for rule in inner.columns]
        return [self._expression(rule, domain) for domain, rule in rules if rule.sql is not None]

    def derived(self, entry: DeriveEntry, records: str, source: FileEntry) -> str:
        """SELECT of the rows that a derive entry makes, one per distinct key, in record order.

        ``source``: the entry that it belongs to.
        ``records``: table expression whose ``_source_row`` are the records that were loaded.
        """
        cells = {
            rule.variable: self._cell(rule, entry.domain, source)
            for rule in entry.columns
            if self._is_there(rule)
        }
        if not set(entry.require) <= cells.keys():
            # What must be there is optional and is not: no record has it.
            cells.update(dict.fromkeys(set(entry.require) - cells.keys(), "CAST(NULL AS VARCHAR)"))
        self._check_required(entry.domain, set(cells), mapped=True)
        rows = self._select(self._ordered(entry.domain, cells), with_source=True)
        conditions = [f"_source_row IN (SELECT _source_row FROM {records})"]
        conditions += [f"{identifier(name)} IS NOT NULL" for name in entry.require]
        if self._has_patients:
            conditions.append(names_subject("usubjid"))
        keys = ", ".join(identifier(name) for name in entry.distinct_on)
        if keys:
            named = " OR ".join(f"{identifier(name)} IS NOT NULL" for name in entry.distinct_on)
            conditions.append(f"({named})")
        query = f"SELECT * FROM ({rows}) WHERE {' AND '.join(conditions)}"
        if keys:
            # The first record of each key: record numbers are unique within a file.
            query += f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _source_row) = 1"
        return f"SELECT * FROM ({query}) ORDER BY _source_row"

    def _is_there(self, rule: ColumnRule) -> bool:
        """Whether a rule can be followed: an optional one only where the file has its column."""
        if not rule.is_optional or rule.column is None:
            return True
        return rule.column.strip().casefold() in self._by_folded

    def _value(self, variable: str, cell: str, entry: FileEntry) -> str:
        """A cell as the variable takes it, by how the entry says that the file writes values."""
        return value_sql(variable, cell, entry.date_formats, entry.decimal)

    def _cell(self, rule: ColumnRule, domain: str, entry: FileEntry) -> str:
        if rule.value is not None:
            return literal(rule.value)
        if rule.column is not None:
            cell = identifier(self._column(rule.column, f"{domain}.{rule.variable}"))
            if rule.mapping:
                cases = " ".join(
                    f"WHEN {literal(old)} THEN nullif({literal(new)}, '')"
                    for old, new in rule.mapping
                )
                cell = f"CASE {cell} {cases} ELSE {cell} END"
            return self._value(rule.variable, cell, entry)
        assert rule.sql is not None
        return self._expression(rule, domain)

    def _column(self, name: str, variable: str) -> str:
        if name in self._stage.columns:
            return name
        found = self._by_folded.get(name.strip().casefold())
        if found is None:
            columns = self._stage.columns
            raise LesionsError(
                f"{self._origin.place}: the file has no column {name!r}, which study.yml names for "
                f"{variable}.{did_you_mean(name, columns)} Columns in the file: {listed(columns)}."
            )
        return found

    def _expression(self, rule: ColumnRule, domain: str) -> str:
        assert rule.sql is not None
        for name in expression_columns(rule.sql):
            self._column(name, f"{domain}.{rule.variable}")
        try:
            described = self._connection.execute(
                f"DESCRIBE SELECT ({rule.sql}\n) AS v FROM {self._stage.relation}"
            ).fetchall()
        except duckdb.Error as error:
            raise LesionsError(self._expression_problem(rule, domain, str(error))) from error
        value, kind = f"({rule.sql}\n)", str(described[0][1])
        # Rendering may name the value several times, so it is worked out once and named; in any
        # case, for DuckDB 2.0 cannot filter by nullif() of a CASE that gives a constant.
        return f"(list_transform([{value}], lambda x: {text_of('x', kind)})[1])"

    def _expression_problem(self, rule: ColumnRule, domain: str, reason: str) -> str:
        return (
            f"{self._origin.place}: the expression {rule.sql!r} for {domain}.{rule.variable} "
            f"fails: {reason.splitlines()[0]} Its columns are all text; cast them as needed."
        )

    def failing_record(self, entry: FileEntry, error: duckdb.Error) -> LesionsError:
        """The message for an expression that failed on some record, naming record and values."""
        rules = [(entry.domain, rule) for rule in entry.columns]
        for inner in entry.derive:
            rules += [(inner.domain, rule) for rule in inner.columns]
        for domain, rule in rules:
            if rule.sql is None:
                continue
            place = self._first_failure(rule.sql)
            if place is not None:
                record, reason, values = place
                return LesionsError(
                    f"{self._origin.place}, record {record}: the expression {rule.sql!r} for "
                    f"{domain}.{rule.variable} fails: {reason} Values there: {values}. Correct the "
                    "value, or use TRY_CAST so that it becomes blank."
                )
        return LesionsError(f"{self._origin.place} cannot be mapped: {str(error).splitlines()[0]}")

    def _first_failure(self, sql: str) -> tuple[int, str, str] | None:
        """The first record on which an expression raises: record, DuckDB's reason, values."""
        names = expression_columns(sql)
        columns = [self._column(name, "") for name in names]
        shown = ", ".join([RECORD, *(identifier(name) for name in columns)])
        try:
            suspects = self._connection.execute(
                f"SELECT {shown} FROM {self._stage.relation} "
                f"WHERE TRY({sql}\n) IS NULL ORDER BY {RECORD} LIMIT 1000"
            ).fetchall()
        except duckdb.Error:
            return None
        for record, *values in suspects:
            try:
                self._connection.execute(
                    f"SELECT ({sql}\n) FROM {self._stage.relation} WHERE {RECORD} = {record}"
                ).fetchall()
            except duckdb.Error as error:
                pairs = zip(columns, values, strict=True)
                texts = listed(f"{name}={value!r}" for name, value in pairs) or "none"
                return int(record), str(error).splitlines()[0], texts
        return None

    def _check_reserved(self, own: dict[str, str]) -> None:
        for name in own:
            if name in PROVENANCE or name == RECORD:
                raise LesionsError(
                    f"{self._origin.place}: the column name {name!r} is kept for the warehouse's "
                    "own use. Rename it in the file."
                )

    def _check_required(self, domain: str, present: set[str], *, mapped: bool) -> None:
        groups = list(REQUIRED[domain])
        if self._has_patients:
            groups.insert(0, ("usubjid",))
        for group in groups:
            if present.isdisjoint(group):
                wanted = " or ".join(group)
                columns = self._stage.columns
                guess = next((g for g in (did_you_mean(n, columns) for n in group) if g), "")
                remedy = (
                    f"Add '{group[0]}: ...' to its columns in study.yml."
                    if mapped
                    else f"Name its column under 'columns:' in study.yml (files: - file: "
                    f"{self._origin.source_file})."
                )
                raise LesionsError(
                    f"{self._origin.place}: domain {domain} needs {wanted}, which is not "
                    f"there.{guess} Columns in the file: {listed(columns)}. {remedy}"
                    + (
                        " If the source has no subject ids, say 'patients: unknown'."
                        if group == ("usubjid",)
                        else ""
                    )
                )

    def _ordered(self, domain: str, cells: dict[str, str]) -> dict[str, str]:
        declared = [name for name in DOMAIN_COLUMNS[domain] if name in cells]
        extra = sorted(name for name in cells if name not in DOMAIN_COLUMNS[domain])
        return {name: cells[name] for name in (*declared, *extra)}

    def _select(
        self,
        cells: dict[str, str],
        *,
        with_source: bool,
        relation: str | None = None,
        source_columns: Sequence[str] | None = None,
    ) -> str:
        origin = self._origin
        source = "NULL"
        shown = self._stage.columns if source_columns is None else source_columns
        if with_source and shown:
            pairs = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in shown)
            source = f"CAST(to_json(struct_pack({pairs})) AS VARCHAR)"
        own = ", ".join(f"{cell} AS {identifier(name)}" for name, cell in cells.items())
        return (
            f"SELECT {own}, {literal(origin.study_id)} AS _study_id, "
            f"{literal(origin.source_file)} AS _source_file, {RECORD} AS _source_row, "
            f"TIMESTAMP {literal(origin.loaded_at)} AS _loaded_at, "
            f"{literal(origin.sha256)} AS _sha256, CAST({source} AS VARCHAR) AS _source_values "
            f"FROM {relation or self._stage.relation}"
        )
