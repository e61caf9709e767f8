"""One heavy import at a time.

Python gives each module a lock while it is imported. Two threads that import packages which share a
third (great_expectations and scikit-learn share narwhals) can each hold what the other waits for;
Python notices and fails one of them. Whoever imports such libraries while the build runs does it
with this lock held.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable

_LOCK = threading.RLock()


def import_alone(names: Iterable[str]) -> None:
    """Imports modules by name while no other thread does the same.

    Raises:
        ImportError: one is not installed.
    """
    for name in names:
        with _LOCK:
            importlib.import_module(name)
