"""SQL models, seeds and macros: reads the files of ``sql`` and says what each one is and needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokens import TokenType

from warehouse.contents import table_of
from warehouse.declarations import is_declaration, read_header, words
from warehouse.errors import LesionsError
from warehouse.memory import Memory
from warehouse.registry import TableDoc
from warehouse.settings import as_text

SETTING_TABLE = "meta.setting"
SETTING_NUMBER = re.compile(r"([\d.]+)(?=\s*/\*\s*setting\s+([\w.]+)\s*\*/)")
"""A number in a macro that stands for a setting's value."""
LAYERS = ("raw", "staging", "core", "analysis", "quality", "mart", "adam")
MODEL_LAYERS = LAYERS[1:]
ON_DEMAND = ("adam",)
"""Layers of views that are worked out when they are read: a run neither counts nor checks their
rows; 'lesions publish' checks them before it writes them, and so does 'lesions check'."""
VIEW_TAG = "view"


@dataclass(frozen=True)
class SqlModel:
    """A table defined by one SELECT."""

    doc: TableDoc
    path: Path
    text: str
    """The file's text: what is run."""
    normalised: str
    """The same without comments and layout: what is fingerprinted."""
    reads: tuple[str, ...]
    settings: tuple[str, ...]
    macros: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.doc.name

    @property
    def is_view(self) -> bool:
        """Stored as a view, not as a table: its header has the tag ``view``."""
        return VIEW_TAG in self.doc.tags

    def parse(self) -> exp.Query:
        """The SELECT, parsed anew: the caller may change it."""
        return _parse_select(self.name, self.text)


@dataclass(frozen=True)
class Seed:
    """A small literal table kept as CSV beside the SQL, with its columns' types."""

    doc: TableDoc
    path: Path
    types: dict[str, str]

    @property
    def name(self) -> str:
        return self.doc.name


@dataclass(frozen=True)
class Macro:
    """A SQL function stored in the database, so that every client has it.

    A number followed by ``/* setting volume.axis_ratio */`` is that setting's value where the macro
    is created; the file holds its default. A macro that read ``meta.setting`` itself would not work
    from another database that attaches the warehouse.
    """

    name: str
    sql: str
    uses: tuple[str, ...]

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings whose values it holds."""
        return tuple(sorted({name for _, name in SETTING_NUMBER.findall(self.sql)}))

    def with_values(self, values: Mapping[str, Any]) -> str:
        """The statement that creates it, with the project's values."""
        return SETTING_NUMBER.sub(lambda found: as_text(values[found[2]]), self.sql)


def read_macros(folder: Path) -> dict[str, Macro]:
    """Every macro of ``sql/macros`` by name, in an order in which they can be created.

    Raises:
        LesionsError: a file holds no ``CREATE OR REPLACE MACRO``.
    """
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("macros/*.sql")):
        text = path.read_text(encoding="utf-8")
        match = re.search(r"CREATE\s+OR\s+REPLACE\s+MACRO\s+(\w+)", text, re.IGNORECASE)
        if match is None:
            raise LesionsError(f"{path.name}: holds no CREATE OR REPLACE MACRO.")
        texts[match.group(1).lower()] = text
    macros = {
        name: Macro(name, text, tuple(sorted(_called(text, set(texts) - {name}))))
        for name, text in texts.items()
    }
    ordered: dict[str, Macro] = {}

    def place(macro: Macro) -> None:
        for used in macro.uses:
            if used not in ordered:
                place(macros[used])
        ordered.setdefault(macro.name, macro)

    for macro in macros.values():
        place(macro)
    return ordered


def _called(text: str, names: set[str]) -> Iterator[str]:
    for name in names:
        if re.search(rf"\b{name}\s*\(", text, re.IGNORECASE):
            yield name


def read_seeds(folder: Path) -> list[Seed]:
    """Every seed of ``sql/seeds``.

    Raises:
        LesionsError: a CSV without its YAML, or one that misses a part.
    """
    return [read_seed(path) for path in sorted(folder.glob("seeds/*.csv"))]


def read_seed(path: Path) -> Seed:
    """One seed from its CSV and the YAML beside it.

    Raises:
        LesionsError: the YAML is missing, or misses a part.
    """
    described = path.with_suffix(".yml")
    if not described.is_file():
        raise LesionsError(f"{path.name}: {described.name} with its columns is missing beside it.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same by C, where it is there
    content: dict[str, Any] = yaml.load(described.read_text(encoding="utf-8"), Loader=loader)
    try:
        columns = content["columns"]
        doc = TableDoc(
            name=path.stem,
            description=content["description"].strip(),
            grain=content["grain"],
            key=tuple(content["key"]),
            columns={name: column["comment"] for name, column in columns.items()},
        )
        types = {name: column["type"] for name, column in columns.items()}
    except KeyError as error:
        raise LesionsError(f"{described.name}: the entry {error} is missing.") from error
    return Seed(doc, path, types)


def read_models(
    folder: Path,
    known_settings: frozenset[str],
    memory: Memory | None = None,
    macro_folder: Path | None = None,
) -> list[SqlModel]:
    """Every model of ``sql/<layer>/<table>.sql`` and of folders within a layer.

    Args:
        folder: the folder ``sql``.
        known_settings: names of all settings.
        memory: what earlier commands made of the same texts.
        macro_folder: the folder whose macros they may use, if another.

    Raises:
        LesionsError: a file that is not one SELECT, misses its header or a column's comment,
            or reads a later layer.
    """
    macros = read_macros(macro_folder or folder)
    models = [
        read_model(path, known_settings, frozenset(macros), memory)
        for layer in MODEL_LAYERS
        for path in sorted((folder / layer).rglob("*.sql"))
        if not is_declaration(path.read_text(encoding="utf-8"))
    ]
    return [_with_macro_settings(model, macros) for model in models]


def _with_macro_settings(model: SqlModel, macros: Mapping[str, Macro]) -> SqlModel:
    """The model with the settings whose values its macros hold."""
    used = {name for one in macro_closure(macros, model.macros) for name in macros[one].settings}
    return replace(model, settings=tuple(sorted({*model.settings, *used}))) if used else model


def macro_closure(macros: Mapping[str, Macro], names: tuple[str, ...]) -> list[str]:
    """These macros and all that they use, sorted."""
    closed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in closed:
            closed.add(name)
            waiting += macros[name].uses
    return sorted(closed)


def read_model(
    path: Path,
    known_settings: frozenset[str],
    macros: frozenset[str],
    memory: Memory | None = None,
) -> SqlModel:
    """One model from its file; its name is ``<schema>.<file name>``."""
    name = table_of(path)
    text = path.read_text(encoding="utf-8")
    follows_from = (_reader(), name, text, *sorted(known_settings), "", *sorted(macros))
    parts = (memory or Memory()).recall(
        follows_from, lambda: _parts(name, text, known_settings, macros)
    )
    doc = {**parts["doc"], "key": tuple(parts["doc"]["key"]), "tags": tuple(parts["doc"]["tags"])}
    return SqlModel(
        doc=TableDoc(**doc),
        path=path,
        text=text.strip().removesuffix(";"),
        normalised=parts["normalised"],
        reads=tuple(parts["reads"]),
        settings=tuple(parts["settings"]),
        macros=tuple(parts["macros"]),
    )


@cache
def _reader() -> str:
    """This module's own text and the parser's version: what a model's parts also follow from."""
    return Path(__file__).read_text(encoding="utf-8") + sqlglot.__version__


def _parts(
    name: str, text: str, known_settings: frozenset[str], macros: frozenset[str]
) -> dict[str, Any]:
    """All that is said of a model, from its text."""
    expression = _parse_select(name, text)
    reads = table_names(expression)
    _check_layers(name, reads)
    settings = _settings_read(name, expression, known_settings) if SETTING_TABLE in reads else ()
    return {
        "doc": asdict(_describe(name, text, expression)),
        "normalised": _normalised(text),
        "reads": sorted(reads - {SETTING_TABLE}),
        "settings": settings,
        "macros": sorted({f.name.lower() for f in expression.find_all(exp.Anonymous)} & macros),
    }


def _normalised(text: str) -> str:
    """A query's tokens without comments and layout; letter case counts in strings and in quoted
    names only."""
    return " ".join(
        f"{token.token_type.name}:{token.text}"
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        else token.text.upper()
        for token in sqlglot.tokenize(text.strip().removesuffix(";"), read="duckdb")
    )


def _parse_select(name: str, text: str) -> exp.Query:
    try:
        statements = [s for s in sqlglot.parse(text, read="duckdb") if s is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise LesionsError(f"model {name}: cannot be parsed: {first}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise LesionsError(f"model {name}: a model is one SELECT statement and nothing else.")
    return statements[0]


def table_names(expression: exp.Query) -> frozenset[str]:
    """The stored tables that a query reads, ``schema.table``, its CTEs left out."""
    return frozenset(
        f"{source.db}.{source.name}"
        for scope in traverse_scope(expression)
        for source in scope.sources.values()
        if isinstance(source, exp.Table) and source.db
    )


def _check_layers(name: str, reads: frozenset[str]) -> None:
    own = LAYERS.index(name.split(".")[0])
    for table in sorted(reads - {SETTING_TABLE}):
        layer = table.split(".")[0]
        if layer not in LAYERS:
            raise LesionsError(
                f"model {name}: reads {table}; a model reads only {', '.join(LAYERS)} "
                f"and {SETTING_TABLE}."
            )
        if LAYERS.index(layer) > own:
            raise LesionsError(f"model {name}: reads {table}, which is a later layer.")


def _settings_read(name: str, expression: exp.Query, known: frozenset[str]) -> tuple[str, ...]:
    literals = {x.this for x in expression.find_all(exp.Literal) if x.is_string}
    found = literals & known
    sections = {setting.split(".")[0] for setting in known}
    dotted = {
        text
        for text in literals - known
        if re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", text) and text.split(".")[0] in sections
    }
    if not found or dotted:
        wrong = f" ({', '.join(sorted(dotted))} is none)" if dotted else ""
        raise LesionsError(
            f"model {name}: reads {SETTING_TABLE} but names no known setting{wrong}."
        )
    return tuple(sorted(found))


def _describe(name: str, text: str, expression: exp.Query) -> TableDoc:
    description, labelled = read_header(f"model {name}", text, ("Grain", "Key"))
    return TableDoc(
        name=name,
        description=description,
        grain=labelled["Grain"],
        key=words(labelled["Key"]),
        columns=_column_comments(name, expression),
        tags=words(labelled.get("Tags", "")),
    )


def _column_comments(name: str, expression: exp.Query) -> dict[str, str]:
    comments: dict[str, str] = {}
    for column in output_columns(expression):
        words = column.comments or []
        if not words or column.is_star:
            raise LesionsError(
                f"model {name}: its output column {column.alias_or_name!r} has no comment after it."
            )
        comments[column.alias_or_name] = " ".join(word.strip() for word in words)
    return comments


def output_columns(expression: exp.Query) -> list[exp.Expression]:
    """The select list that names a query's columns: its last SELECT's, or where that is
    ``SELECT * FROM cte``, that CTE's; of a union, the first branch's."""
    ctes = {cte.alias: cte.this for cte in expression.ctes}
    select: Any = expression
    while True:
        while isinstance(select, exp.SetOperation):
            select = select.left
        ctes.update({cte.alias: cte.this for cte in select.ctes})
        source = select.args.get("from_")
        target = source.this.name if source is not None else ""
        if len(select.selects) == 1 and select.selects[0].is_star and target in ctes:
            select = ctes.pop(target)
            continue
        return list(select.selects)
