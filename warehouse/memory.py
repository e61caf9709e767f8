"""What was worked out from texts that have not changed since, kept between commands.

Parsing every model and step takes longer than all else that ``lesions plan`` does. A project keeps
the results in ``.lesions/definitions.json``, each under a digest of all that it follows from, so
that nothing stale is ever found. The file may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from warehouse.leftovers import replacing


class Memory:
    """Results by the digest of what they follow from."""

    def __init__(self, path: Path | None = None) -> None:
        """
        Args:
            path: where they are kept; None keeps them nowhere.
        """
        self._path = path
        self._known: dict[str, Any] | None = None
        self._used: dict[str, Any] = {}

    def recall(self, key: tuple[str, ...], work: Callable[[], Any]) -> Any:
        """What ``work`` gives, done only where it is not known.

        Args:
            key: all that the result follows from: texts, versions.
            work: makes a result of lists, dictionaries, texts and numbers.
        """
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()
        if self._known is None:
            self._known = _read(self._path)
        if digest not in self._used:
            self._used[digest] = self._known[digest] if digest in self._known else work()
        return self._used[digest]

    def save(self, *, forgets: bool = True) -> None:
        """Keeps what was recalled since this was made, and forgets the rest.

        Args:
            forgets: False keeps the rest too.

        Nothing is kept where the folder does not exist yet or cannot be written.
        """
        kept = self._used if forgets else {**(self._known or {}), **self._used}
        if self._path is None or self._known == kept:
            return
        if not os.access(self._path.parent, os.W_OK):
            return
        with replacing(self._path) as beside:
            beside.write_text(json.dumps(kept), encoding="utf-8")


def _read(path: Path | None) -> dict[str, Any]:
    """The results of a file; none where there is no file, or where it is damaged."""
    if path is None or not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
