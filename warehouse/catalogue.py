"""The graph of this installation: its SQL, its seeds, its raw tables, its steps; or a part."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from warehouse.contents import content_folder
from warehouse.graph import Graph, make_graph
from warehouse.memory import Memory
from warehouse.models import read_macros, read_models, read_seed, read_seeds
from warehouse.raw import raw_table_docs
from warehouse.registry import installed_steps
from warehouse.settings import BY_NAME


@cache
def installed_graph(sql_folder: Path | None = None, memory: Memory | None = None) -> Graph:
    """The graph of the shipped SQL (or of another folder's) and the installed steps.

    Args:
        sql_folder: the folder ``sql``; the shipped one where None.
        memory: what earlier commands made of the same files.

    Raises:
        LesionsError: a model that does not fit; see ``models`` and ``graph``.
    """
    folder = sql_folder or content_folder("sql")
    return make_graph(
        sources=raw_table_docs(),
        seeds=read_seeds(folder),
        models=read_models(folder, frozenset(BY_NAME), memory),
        steps=installed_steps(),
        macros=read_macros(folder),
        sql_folder=folder,
    )


def graph_behind(tables: Iterable[str], memory: Memory | None = None) -> Graph:
    """The shipped models, seeds and raw tables that some tables need, and these.

    No step is imported, whose libraries take seconds: none may have a part in these tables.

    Args:
        tables: models, ``schema.table``.
        memory: what earlier commands made of the same files.

    Raises:
        LesionsError: a table that a step fills is needed.
    """
    folder = content_folder("sql")
    models = {m.name: m for m in read_models(folder, frozenset(BY_NAME), memory)}
    needed: set[str] = set()
    waiting = list(tables)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += models[name].reads if name in models else ()
    seeds = [path for path in sorted(folder.glob("seeds/*.csv")) if path.stem in needed]
    return make_graph(
        sources=raw_table_docs(),
        seeds=[read_seed(path) for path in seeds],
        models=[model for name, model in models.items() if name in needed],
        steps=[],
        macros=read_macros(folder),
        sql_folder=folder,
    )
