"""What was worked out from texts that have not changed since, kept between commands.

Parsing every model and step takes longer than all else that ``lesions plan`` does. A project keeps
the results in ``.lesions/definitions.json``, each under a digest of all that it follows from, so
that nothing stale is ever found. What a project does not have yet, another of the same user may: a
second copy is in the user's cache folder (``$XDG_CACHE_HOME/lesion-warehouse`` or the system's).
The files hold what the product's own texts say, no data, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from warehouse.leftovers import replacing

SHARED_AT_MOST = 4
"""Times as many results as one project uses that the user's copy may keep of earlier versions."""


class Memory:
    """Results by the digest of what they follow from."""

    def __init__(self, path: Path | None = None, shared: Path | None = None) -> None:
        """
        Args:
            path: where they are kept; None keeps them nowhere.
            shared: the user's copy, for results that are not in ``path``.
        """
        self._path = path
        self._shared = shared
        self._known: dict[str, Any] | None = None
        self._of_user: dict[str, Any] | None = None
        self._used: dict[str, Any] = {}

    @classmethod
    def of_project(cls, state: Path, name: str) -> Memory:
        """That of a project's file of results, with the user's copy behind it.

        Args:
            state: the project's folder ``.lesions``.
            name: of the file.
        """
        return cls(state / name, user_cache_path("lesion-warehouse") / name)

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
            if digest in self._known:
                self._used[digest] = self._known[digest]
            else:
                if self._of_user is None:
                    self._of_user = _read(self._shared)
                known = self._of_user
                self._used[digest] = known[digest] if digest in known else work()
        return self._used[digest]

    def save(self, *, forgets: bool = True) -> None:
        """Keeps what was recalled since this was made, and forgets the rest.

        Args:
            forgets: False keeps the rest too.

        Nothing is kept where the folder does not exist yet or cannot be written.
        """
        kept = self._used if forgets else {**(self._known or {}), **self._used}
        if self._path is not None and self._known != kept and os.access(self._path.parent, os.W_OK):
            _write(self._path, kept)
        # Read only where the project lacked something: then the user's copy may lack it too.
        if self._shared is not None and self._of_user is not None:
            of_user = {**self._of_user, **self._used}
            if len(of_user) > len(self._of_user):
                is_too_long = len(of_user) > SHARED_AT_MOST * len(self._used)
                _share(self._shared, self._used if is_too_long else of_user)


def _share(path: Path, results: dict[str, Any]) -> None:
    """The user's copy anew. It only saves time: where it cannot be written, nothing is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, results)
    except OSError:
        return


def _write(path: Path, results: dict[str, Any]) -> None:
    with replacing(path) as beside:
        beside.write_text(json.dumps(results), encoding="utf-8")


def _read(path: Path | None) -> dict[str, Any]:
    """The results of a file; none where there is no file, or it is damaged or cannot be read."""
    if path is None or not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
