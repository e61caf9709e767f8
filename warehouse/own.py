"""A project's own parts beside its ``lesions.toml``: models, seeds, rules, checks and steps.

- ``sql/<layer>/<table>.sql``: a table more, or one in place of the shipped one of that name.
- ``seeds/<table>.csv``, ``rules/<table>.csv``: rows added to a shipped seed, or in place of those
  of the same key; a seed of the project's own with a ``.yml`` of its columns beside.
- ``expectations/<layer>/<table>.yml``: checks more, or in place of those of the same id.
- the module that the setting ``project.steps`` names: Python steps.

They stand in one graph with the shipped parts, with the same lineage, gates and fingerprints.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from warehouse.catalogue import installed_graph
from warehouse.checking import kinds as checking_kinds
from warehouse.checking.suites import Suite, read_suite, suite_files
from warehouse.contents import content_folder
from warehouse.errors import LesionsError
from warehouse.gates import suite_digests
from warehouse.graph import Graph, Node, make_graph
from warehouse.memory import Memory
from warehouse.models import Seed, SqlModel, read_models, read_seed
from warehouse.project import Project
from warehouse.raw import raw_table_docs
from warehouse.registry import OWN_MODULE, Step, installed_steps, steps_of
from warehouse.settings import BY_NAME
from warehouse.sources.wording import did_you_mean

SHIPPED = "shipped"
ADDED = "project"
REPLACED = "project, in place of the shipped one"
MERGED = "shipped, with rows of the project"
_FOLDERS = ("sql", "seeds", "rules", "expectations")
_SEED_FOLDERS = ("seeds", "rules")


def has_own_parts(project: Project) -> bool:
    """Whether a project has models, seeds, rules, checks or steps of its own."""
    return bool(project.values["project.steps"]) or any(
        any((project.root / name).rglob("*.*")) for name in _FOLDERS
    )


def project_graph(project: Project, memory: Memory | None = None) -> Graph:
    """The shipped graph with the project's own parts.

    Raises:
        LesionsError: an own part that does not fit; it names the file.
    """
    shipped = installed_graph(memory=memory)
    if not has_own_parts(project):
        _check_rule_set(project, shipped)
        return shipped
    nodes = shipped.nodes.values()
    models = {node.name: node.model for node in nodes if node.model is not None}
    seeds = {node.name: node.seed for node in nodes if node.seed is not None}
    origins: dict[str, str] = {}
    for model in _own_models(project, memory):
        old = models.get(model.name)
        if old is not None:
            _check_replaces(model, old)
        origins[model.name] = ADDED if old is None else REPLACED
        models[model.name] = model
    for seed in _own_seeds(project, seeds):
        origins[seed.name] = MERGED if seed.name in seeds else ADDED
        seeds[seed.name] = seed
    steps = _own_steps(project)
    origins.update(dict.fromkeys((step.name for step in steps), ADDED))
    graph = make_graph(
        sources=raw_table_docs(),
        seeds=list(seeds.values()),
        models=list(models.values()),
        steps=[*installed_steps(), *steps],
        macros=shipped.macros,
        sql_folder=shipped.sql_folder,
    )
    marked: dict[str, Node] = {
        name: replace(node, origin=origins.get(name, SHIPPED)) for name, node in graph.nodes.items()
    }
    whole = replace(graph, nodes=marked)
    _check_rule_set(project, whole)
    return whole


def _check_rule_set(project: Project, graph: Graph) -> None:
    """The rule set of later analyses is one of those there are, the project's own among them."""
    seed = graph.nodes["staging.rule_set"].seed
    assert seed is not None
    names = [row["rule_set"] for row in _rows(seed.path)]
    wanted = project.values["rules.rule_set"]
    if wanted not in names:
        raise LesionsError(
            f"rules.rule_set = {wanted!r} is not one of {', '.join(names)}."
            f"{did_you_mean(wanted, names)}"
        )


class ProjectSuites(Mapping[str, Suite]):
    """The shipped suites with the project's own checks, by table; each is read when asked for.

    Raises:
        LesionsError: a suite that cannot be read; it names the file.
    """

    def __init__(self, project: Project) -> None:
        self._shipped = suite_files(content_folder("expectations"))
        self._own = _own_suites(project)
        self._read: dict[str, Suite] = {}

    def __getitem__(self, table: str) -> Suite:
        if table not in self._read:
            self._read[table] = self._suite(table)
        return self._read[table]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._shipped, *self._own]))

    def __len__(self) -> int:
        return len({*self._shipped, *self._own})

    def _suite(self, table: str) -> Suite:
        if table not in self._own:
            return read_suite(self._shipped[table])
        own = read_suite(self._own[table])
        if table not in self._shipped:
            return own
        both = (*read_suite(self._shipped[table]).checks, *own.checks)
        return replace(own, checks=tuple({check.check_id: check for check in both}.values()))

    def tables_read(self, memory: Memory) -> dict[str, frozenset[str]]:
        """The other tables that each table's checks read; a suite not seen before is read now."""
        kinds = inspect.getsource(checking_kinds)
        found = {}
        for table in self:
            files = [files[table] for files in (self._shipped, self._own) if table in files]
            texts = [file.read_text(encoding="utf-8") for file in files]
            known = memory.recall(
                ("suite", table, kinds, *texts), partial(self._tables_read, table)
            )
            found[table] = frozenset(known)
        return found

    def _tables_read(self, table: str) -> list[str]:
        return sorted(self[table].tables)


def project_suite_digests(project: Project) -> dict[str, str]:
    """Digest of the suites behind each table's checks."""
    found = suite_digests(content_folder("expectations"))
    for table, path in _own_suites(project).items():
        text = found.get(table, "").encode() + path.read_bytes()
        found[table] = hashlib.sha256(text).hexdigest()[:16]
    return found


def _own_suites(project: Project) -> dict[str, Path]:
    folder = project.root / "expectations"
    return suite_files(folder) if folder.is_dir() else {}


def _own_models(project: Project, memory: Memory | None) -> list[SqlModel]:
    folder = project.root / "sql"
    if not folder.is_dir():
        return []
    macros = content_folder("sql")
    try:
        return read_models(folder, frozenset(BY_NAME), memory, macro_folder=macros)
    except LesionsError as error:
        raise LesionsError(f"{folder}: {error}") from error


def _check_replaces(model: SqlModel, old: SqlModel) -> None:
    """A model in place of a shipped one has its columns, for others read them."""
    lacking = [name for name in old.doc.columns if name not in model.doc.columns]
    if lacking:
        raise LesionsError(
            f"{model.path}: it stands in place of the shipped {model.name} and lacks its column "
            f"{lacking[0]!r}"
            + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
            + ", which others may read. Add it, or give the table another name."
        )


def _own_seeds(project: Project, shipped: Mapping[str, Seed]) -> list[Seed]:
    found: dict[str, Path] = {}
    for folder in _SEED_FOLDERS:
        for path in sorted((project.root / folder).glob("*.csv")):
            if path.stem in found:
                raise LesionsError(f"{path}: {found[path.stem]} is of the same table. Keep one.")
            found[path.stem] = path
    seeds = []
    for name, path in found.items():
        base = shipped.get(name)
        if base is None:
            if not path.with_suffix(".yml").is_file():
                raise LesionsError(
                    f"{path}: there is no shipped seed {name!r}.{did_you_mean(name, shipped)} A "
                    f"seed of the project's own needs {path.stem}.yml with its columns beside it."
                )
            seeds.append(read_seed(path))
        else:
            seeds.append(_merged(project, base, path))
    return seeds


def _merged(project: Project, base: Seed, path: Path) -> Seed:
    """A shipped seed with rows of the project: those of a known key replace, others are added."""
    rows = _rows(base.path)
    own = _rows(path)
    header = list(base.types)
    for number, row in enumerate(own, 2):
        for column in row:
            if column not in base.types:
                raise LesionsError(
                    f"{path}: {base.name} has no column {column!r}."
                    f"{did_you_mean(column, header)} It has: {', '.join(header)}."
                )
        for column in base.doc.key:
            if not row.get(column):
                raise LesionsError(
                    f"{path}, line {number}: {column!r} is blank; with {', '.join(base.doc.key)} a "
                    "row says which shipped row it replaces, or that it is new."
                )
    known = {_key(row, base): place for place, row in enumerate(rows)}
    for number, row in enumerate(own, 2):
        place = known.get(_key(row, base))
        if place is not None and place >= 0:
            rows[place] = {**rows[place], **row}
        elif place is None:
            rows.append(row)
        else:
            raise LesionsError(f"{path}, line {number}: its key is there twice. Keep one row.")
        known[_key(row, base)] = -1
    target = project.state / "seeds" / f"{base.name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return replace(base, path=target)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LesionsError(f"{path} cannot be read: {error}. Save it as UTF-8 CSV.") from error
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise LesionsError(
                f"{path}, line {number}: it has more or fewer fields than the header."
            )
    return rows


def _key(row: Mapping[str, str], seed: Seed) -> tuple[str, ...]:
    return tuple(row[column] for column in seed.doc.key)


def _own_steps(project: Project) -> Sequence[Step]:
    name = project.values["project.steps"]
    if not name:
        return ()
    path = project.root / f"{name}.py"
    if not path.is_file():
        raise LesionsError(
            f"project.steps names the module {name!r}, and {path} is not there. Write it, or leave "
            "the setting empty."
        )
    place = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    module_name = f"{OWN_MODULE}{place}_{name}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever a module of the user's raises when it is imported
            del sys.modules[module_name]
            raise LesionsError(
                f"{path} cannot be imported: {type(error).__name__}: {error}."
            ) from (error)
    return steps_of(module_name)
