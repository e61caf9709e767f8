"""One thread of BLAS and of OpenMP while numbers are computed.

The matrices here are small: two OpenBLAS threads wait for each other longer than they compute (on a
busy machine a hundred times longer), and a sum split over threads depends on their number. Fits may
run side by side in threads of ours; the limit stands until the last of them has ended.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


class _Libraries:
    """The libraries of this process that have threads of their own.

    To look them up reads the process's map of memory and takes a hundredth of a second, more than
    many a fit; a library comes with a module, so it is done anew when modules have been imported.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_modules = 0
        self._controller: ThreadpoolController | None = None

    def now(self) -> ThreadpoolController:
        """Those loaded so far."""
        with self._lock:
            n_modules = len(sys.modules)  # before the look: what comes meanwhile is looked up again
            if self._controller is None or n_modules != self._n_modules:
                self._controller = ThreadpoolController()
                self._n_modules = n_modules
            return self._controller


_LIBRARIES = _Libraries()


class _OneThread:
    """Limits one kind of library while at least one computation is under way, in any thread."""

    def __init__(self, library: Literal["blas", "openmp"]) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                limit = _LIBRARIES.now().limit
                self._limit = limit(limits=1, user_api=self._library)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


_BLAS, _OPENMP = _OneThread("blas"), _OneThread("openmp")


def one_blas_thread() -> AbstractContextManager[None]:
    """A context in which BLAS has one thread."""
    import scipy.linalg  # noqa: F401  (brings a BLAS of its own, which must be limited too)

    return _BLAS


def single_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, run with one BLAS thread."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_blas_thread():
            return function(*args, **kwargs)

    return run


def single_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, run with one BLAS and one OpenMP thread (scikit-learn uses both)."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import sklearn.utils._openmp_helpers  # noqa: F401  (loads OpenMP, so that it is limited)

        with one_blas_thread(), _OPENMP:
            return function(*args, **kwargs)

    return run
