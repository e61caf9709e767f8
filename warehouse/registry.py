"""Python steps: functions that read tables and write tables, standing in the same graph as SQL.

A step is declared where it is written (``flows/steps``) and found through the entry point group
``lesion_warehouse.steps``, so the engine never imports it by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas
    import pyarrow

STEP_GROUP = "lesion_warehouse.steps"


class StepContext(Protocol):
    """What a running step is given."""

    @property
    def seed(self) -> int:
        """Seed for ``numpy.random.default_rng``, from the project's seed and the step's name."""

    def frame(self, sql: str) -> pandas.DataFrame:
        """Result of a query that names only tables the step declared in ``reads``."""

    def arrow(self, sql: str) -> pyarrow.Table:
        """The same as an Arrow table."""

    def setting(self, name: str) -> Any:
        """Typed value of a setting the step declared, for example ``gower.range``."""

    def table(self, name: str, given: Rows | Columns) -> pyarrow.Table:
        """One of the step's own tables from rows or columns, typed as its declaration says."""

    def published(self, table: str) -> pandas.DataFrame | None:
        """One of the step's own tables as it stands in the published warehouse; None without one.

        What a step makes of it depends on the past, so a step asks only where a setting says so.
        """

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Shows how far the step is, and what it is at. Ends the step where the run has stopped."""

    def note(self, text: str) -> None:
        """Says something the user should know: shown in the run display, kept in meta.run_note."""


Rows = Iterable[Mapping[str, Any]]
Columns = Mapping[str, Any]
StepResult = Mapping[str, "pandas.DataFrame | pyarrow.Table"]
StepFunction = Callable[[StepContext], StepResult]


@dataclass(frozen=True)
class TableDoc:
    """What a table is: its grain, its key, and a comment for each of its columns, in order.

    It is written down in ``sql/<schema>/<table>.sql`` (see ``declarations``).
    """

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    tags: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    """DuckDB's type of each column, of tables that no query makes."""


@dataclass(frozen=True)
class Step:
    """A registered Python step."""

    name: str
    function: StepFunction
    reads: tuple[str, ...]
    writes: tuple[TableDoc, ...]
    settings: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=())

    @property
    def module(self) -> str:
        """Import name of the module that holds the step."""
        return self.function.__module__


_STEPS: dict[str, Step] = {}
_HELPERS: list[Callable[[], float]] = []
OWN_MODULE = "lesions_project_"
"""What the names of modules begin with that belong to a project and not to an installation."""


def count_helpers(seconds: Callable[[], float]) -> None:
    """Counts the CPU time of the threads that a package's steps start.

    Args:
        seconds: CPU seconds, so far, of the threads that the calling thread has started.
    """
    if seconds not in _HELPERS:
        _HELPERS.append(seconds)


def cpu_seconds_here() -> float:
    """CPU seconds, so far, of this thread and of those that steps have started from it."""
    return time.thread_time() + sum(seconds() for seconds in _HELPERS)


def step(
    *,
    name: str,
    reads: tuple[str, ...],
    writes: tuple[TableDoc, ...],
    settings: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
) -> Callable[[StepFunction], StepFunction]:
    """Registers the decorated function as a step.

    Args:
        name: the step's name in selectors and displays.
        reads: the tables it may query, ``schema.table``.
        writes: the tables it returns, keyed by name in its result.
        settings: the settings it uses; only these reach its fingerprint.
        tags: words that ``tag:`` selects.

    Raises:
        ValueError: another module registered the same name.
    """

    def register(function: StepFunction) -> StepFunction:
        known = _STEPS.get(name)
        if known is not None and known.module != function.__module__:
            raise ValueError(f"two steps are named {name!r}: {known.module}, {function.__module__}")
        _STEPS[name] = Step(name, function, reads, writes, settings, tags)
        return function

    return register


def installed_steps() -> tuple[Step, ...]:
    """The steps of every installed package that offers ``lesion_warehouse.steps``, by name."""
    for entry in sorted(entry_points(group=STEP_GROUP), key=lambda e: e.name):
        _import_steps(entry.load())
    return tuple(
        _STEPS[name] for name in sorted(_STEPS) if not _STEPS[name].module.startswith(OWN_MODULE)
    )


def _import_steps(package: ModuleType) -> None:
    """Imports a package's modules and those of its packages, but for ``parts`` of steps."""
    for module in iter_modules(package.__path__, package.__name__ + "."):
        if not module.ispkg:
            import_module(module.name)
        elif not module.name.endswith(".parts"):
            _import_steps(import_module(module.name))


def steps_of(module: str) -> tuple[Step, ...]:
    """The steps that one module registered, by name."""
    return tuple(_STEPS[name] for name in sorted(_STEPS) if _STEPS[name].module == module)
