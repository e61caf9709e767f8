"""The engine that a project's settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from warehouse.database import STORE
from warehouse.engines.base import DuckEngine, Engine
from warehouse.engines.store import Store
from warehouse.graph import Graph
from warehouse.project import Project


@contextmanager
def engine_of(project: Project, graph: Graph, run_id: str) -> Iterator[Engine]:
    """What makes the tables of one run, let go of at the end.

    Raises:
        LesionsError: pyspark, Java or the master is not there.
    """
    is_spark = project.values["run.engine"] == "spark"
    engine = spark_engine(project, graph, run_id) if is_spark else DuckEngine()
    try:
        yield engine
    finally:
        engine.close()


def spark_engine(project: Project, graph: Graph, run_id: str) -> Engine:
    """Spark as the settings say, for one run.

    Raises:
        LesionsError: pyspark, Java or the master is not there.
    """
    from warehouse.engines.spark import SparkEngine, open_session

    session = open_session(project.values["spark.master"], project.values)
    macros = {name: macro.with_values(project.values) for name, macro in graph.macros.items()}
    views = {
        node.name: node.model
        for node in graph.nodes.values()
        if node.model is not None and node.model.is_view
    }
    return SparkEngine(session, Store(project.root / STORE, run_id), macros, views)
