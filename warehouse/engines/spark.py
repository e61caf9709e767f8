"""Apache Spark as the engine: models by its SQL, tables as Parquet; all else as with DuckDB.

Models run on Spark. What DuckDB answers on the driver, over the same Parquet: raw tables from the
loaded studies, seeds, the queries of Python steps, checks, and views.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from warehouse.database import qualified
from warehouse.engines.dialect import to_spark, to_spark_in_parts, view_name
from warehouse.engines.rewrites import PLACE
from warehouse.engines.store import Store, described, stored_folders
from warehouse.engines.texts import FORMAT
from warehouse.errors import LesionsError
from warehouse.models import SqlModel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOOPBACK = ("local", "spark://127.0.0.1:", "spark://localhost:")
_CHANGING = ("meta.", "quality.check_result")
"""Tables that the run itself writes: Spark gets them as they are when a model asks."""

OPTIONS = {
    # What Spark infers from conditions grows beyond all bounds in long CASEs: a plan never ended.
    "spark.sql.constraintPropagation.enabled": "false",
    # DuckDB has no zones in its timestamps, and an error where a cast fails.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    # Days of a visit are walked through one by one (staging.scan_day): one level a day.
    "spark.sql.cteRecursionLevelLimit": "100000",
    "spark.sql.cteRecursionRowLimit": "-1",
}
"""Without these the tables would be others, or never made."""


def open_session(master: str, values: Mapping[str, Any]) -> SparkSession:
    """A session of Spark's, heard on loopback alone where the master is.

    Args:
        master: ``local[2]``, ``spark://host:port``, or ``sc://host:port`` of Spark Connect.
        values: settings; those of ``spark`` are used.

    Raises:
        LesionsError: pyspark or Java is not there, or the master does not answer.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.logger import PySparkLogger
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise LesionsError(
            "the engine spark needs pyspark: pip install -c constraints.txt "
            "'lesion-warehouse[spark]'."
        ) from error
    options = {**OPTIONS, **_given(str(values["spark.options"]))}
    builder = SparkSession.builder.appName("lesion-warehouse")
    if master.startswith("sc://"):
        builder = builder.remote(master)
    else:
        builder = builder.master(master)
        options = {
            "spark.driver.memory": str(values["spark.driver_memory"]),
            "spark.executor.memory": str(values["spark.executor_memory"]),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            **options,
        }
        if master.startswith(_LOOPBACK):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            options = {
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.shuffle.partitions": "4",
                **options,
            }
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError) as error:
        raise LesionsError(
            f"Spark at {master} cannot be reached: {_first_line(error)} 'lesions doctor' says "
            "whether Java is there, which Spark needs."
        ) from error
    # A failed query is an error of ours in one line; Spark would print its plan and its trace too.
    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    session.udf.register(FORMAT, _number_format(), "string")
    return session


def _given(text: str) -> dict[str, str]:
    """Options of Spark's from a setting: ``name=value``, with blanks between."""
    return dict(part.split("=", 1) for part in text.split())


def _number_format() -> Callable[[str, float | None], str | None]:
    """A number as C's printf writes it; made here so that executors need none of our modules."""

    def written(form: str, number: float | None) -> str | None:
        return None if number is None else form % number

    return written


class SparkEngine:
    """Spark makes the tables of models; see the module."""

    def __init__(
        self,
        session: SparkSession,
        store: Store,
        macros: Mapping[str, str],
        views: Mapping[str, SqlModel],
    ) -> None:
        """Takes a session and lets it go at the end.

        Args:
            session: where models run.
            store: where tables go.
            macros: the statement that creates each macro, with the project's values.
            views: the models that are views.
        """
        self.session = session
        self.store = store
        self.macros = macros
        self.views = views
        self._offered: set[str] = set()
        self._lock = threading.RLock()

    def create(self, cursor: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
        """See ``Engine``."""
        with self._errors(model.name):
            types = described(cursor, model.text)
            self._offer_all(cursor, model)
            cells = ", ".join(
                f"CAST(`{name}` AS {spark_type(kind)}) AS `{name}`" for name, kind in types.items()
            )
            with self._answered_parts(model) as rest:
                frame = self.session.sql(f"SELECT {cells} FROM ({rest}) AS _model")
                frame.write.mode("overwrite").parquet(str(self.store.folder(model.name)))
        self.store.show(cursor, model.name, types)

    @contextmanager
    def _answered_parts(self, model: SqlModel) -> Iterator[str]:
        """The query of a model, while the parts that it reads are there (``parts``)."""
        name = view_name(*model.name.split(".", 1))
        query = to_spark_in_parts(model.text, self.macros, f"_part__{name}__")
        try:
            for part, text in query.parts:
                self._answer_part(part, text)
            yield query.rest
        finally:
            for part, _ in query.parts:
                self.store.remove(part)

    def _answer_part(self, name: str, query: str) -> None:
        """Writes the rows of a part and shows them; Parquet has no columns of NULL alone."""
        from pyspark.sql.types import NullType, StructType

        frame = self.session.sql(query)
        kept = [field for field in frame.schema if not isinstance(field.dataType, NullType)]
        folder = str(self.store.folder(name))
        frame.select(*(f"`{field.name}`" for field in kept)).write.mode("overwrite").parquet(folder)
        cells = [
            f"`{field.name}`" if field in kept else f"NULL AS `{field.name}`"
            for field in frame.schema
        ]
        stored = self.session.read.schema(StructType(kept)).parquet(folder)
        stored.selectExpr(*cells).createOrReplaceTempView(name)

    def keep(self, cursor: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """See ``Engine``. Rows of raw bear their place, which the view in DuckDB does not show."""
        types = described(cursor, query)
        self.store.write(cursor, name, _with_place(name, query))
        self.store.show(cursor, name, types)

    def interrupt(self) -> None:
        """See ``Engine``."""
        if hasattr(self.session, "interruptAll"):
            self.session.interruptAll()

    def close(self) -> None:
        """See ``Engine``."""
        self.session.stop()

    def _offer_all(self, cursor: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
        """Makes Spark see every table that a model reads."""
        reads = [*model.reads, *(["meta.setting"] if model.settings else [])]
        with self._lock:
            folders = stored_folders(cursor)
            for name in reads:
                if name not in self._offered:
                    self._offer(cursor, name, str(folders[name]) if name in folders else "")
                    if not name.startswith(_CHANGING):
                        self._offered.add(name)

    def _offer(self, cursor: duckdb.DuckDBPyConnection, name: str, folder: str) -> None:
        view = view_name(*name.split(".", 1))
        if name in self.views:
            model = self.views[name]
            self._offer_all(cursor, model)
            query = to_spark(model.text, self.macros)
            self.session.sql(query).createOrReplaceTempView(view)
            return
        types = described(cursor, f"SELECT * FROM {qualified(name)}")
        if not folder:  # a table that lies in the DuckDB file
            kept = f"_given.{name}"
            self.store.write(cursor, kept, _with_place(name, f"SELECT * FROM {qualified(name)}"))
            folder = str(self.store.folder(kept))
        columns = {column: spark_type(kind) for column, kind in types.items()}
        if name.startswith("raw."):
            columns[PLACE] = "BIGINT"
        schema = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
        self.session.read.schema(schema).parquet(folder).createOrReplaceTempView(view)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        """Spark's errors in one line, with the table that was to be made."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JError, ConnectionError) as error:
            raise LesionsError(f"{name} could not be built by Spark: {_first_line(error)}") from (
                error
            )
        except LesionsError as error:
            raise LesionsError(f"{name}: {error}") from error


def _with_place(name: str, query: str) -> str:
    """The rows of a table of raw with the place of each, as Spark's have no order."""
    if not name.startswith("raw."):
        return query
    return f"SELECT *, row_number() OVER () AS {PLACE} FROM ({query})"


def spark_type(kind: str) -> str:
    """Spark's type for one of DuckDB's: HUGEINT, of sums, as a number of 38 digits."""
    built = exp.DataType.build(kind.replace("HUGEINT", "DECIMAL(38, 0)"), dialect="duckdb")
    return str(built.sql("spark"))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:500] if str(error).strip() else type(error).__name__
