"""One thread inside a clustering or a prediction, so that sums do not depend on their number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from udfs.hazards.threads import single_blas_thread

P = ParamSpec("P")
R = TypeVar("R")


def single_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, run with one BLAS and one OpenMP thread (scikit-learn uses both)."""
    limited = single_blas_thread(function)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import sklearn.utils._openmp_helpers  # noqa: F401  (loads OpenMP, so that it is limited)
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="openmp"):
            return limited(*args, **kwargs)

    return run
