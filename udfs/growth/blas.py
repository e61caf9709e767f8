"""One thread for BLAS while a fit runs.

The matrices are small: more threads would spend their time waiting for each other, ten times longer
on a busy machine, and could add up in another order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread where threadpoolctl (a part of scikit-learn's stack) is there."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield
