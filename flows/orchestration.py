"""Prefect as the flows use it: telemetry off, its own loggers off the terminal."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.prefect_home import quiet_prefect

quiet_prefect()

from prefect import flow, task  # noqa: E402
from prefect.artifacts import (  # noqa: E402
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.context import FlowRunContext  # noqa: E402
from prefect.logging import get_run_logger  # noqa: E402

__all__ = [
    "NO_CACHE",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "errors_without_locals",
    "flow",
    "in_flow_run",
    "run_logger",
    "task",
    "update_progress_artifact",
]

for _name in ("prefect.flow_runs", "prefect.task_runs"):
    # A failure is logged again at each level, with a traceback. The run's page in Prefect has it
    # all; the terminal gets one line from the flow that was asked for.
    logging.getLogger(_name).propagate = False
# Without a handler above it Python prints its warnings; Prefect's would print its news too.
logging.getLogger("great_expectations").propagate = False


@contextmanager
def errors_without_locals() -> Iterator[None]:
    """Lets errors through without the local variables of the frames they come from.

    Prefect keeps a run's error as long as the process lives, and with it, for one, open DuckDB
    connections, which complain when the process ends.
    """
    try:
        yield
    except BaseException as error:
        waiting: list[BaseException | None] = [error]
        seen: set[int] = set()
        while waiting:
            one = waiting.pop()
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                traceback.clear_frames(one.__traceback__)
                waiting += [one.__cause__, one.__context__]
        raise


def in_flow_run() -> bool:
    """True inside a run that a Prefect server follows; false in a plain call of the function."""
    return FlowRunContext.get() is not None


def run_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """The run's log; in a plain call, the program's."""
    return get_run_logger() if in_flow_run() else logging.getLogger("lesions.flows")
