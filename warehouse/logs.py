"""How progress and errors are written: as text for people, or as JSON lines for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

FORMATS = ("text", "json")
_used = ["text"]


def use(name: str) -> None:
    """Sets the format for this process."""
    _used[0] = name


def is_json() -> bool:
    """Whether lines are JSON objects."""
    return _used[0] == "json"


def record(event: str, message: str, **more: Any) -> str:
    """One line: time (UTC), event (``message``, ``stage``, ``error``), message, and more."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": now, "event": event, "message": message, **more}, ensure_ascii=False)
