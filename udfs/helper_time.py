"""Pools of threads whose CPU time is known to the thread that started them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_SPENT = threading.local()


def helper_seconds() -> float:
    """CPU seconds of the tasks of all pools that the calling thread has closed."""
    return float(getattr(_SPENT, "seconds", 0.0))


class CountedPool(ThreadPoolExecutor):
    """A pool of threads; when it is left, its tasks' CPU time counts for the thread that leaves."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self._lock = threading.Lock()
        self._seconds = 0.0

    def submit(self, task: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """As that of ``ThreadPoolExecutor``."""
        return super().submit(self._counted(task, *args, **kwargs))

    def _counted(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
        def run() -> R:
            began = time.thread_time()
            try:
                return task(*args, **kwargs)
            finally:
                with self._lock:
                    self._seconds += time.thread_time() - began

        return run

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        _SPENT.seconds = helper_seconds() + self._seconds
