"""What a setting is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_CONFIDENCE = 0.999999
"""Of an interval: nearer to 1 the limits run off to infinity."""


@dataclass(frozen=True)
class Setting:
    """One setting: its default fixes its type.

    ``minimum``, ``maximum``, ``choices`` and ``pattern`` (a regular expression) bound its values.
    """

    name: str
    default: Any
    comment: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    is_operational: bool = False
    """True where the value cannot change a result (threads, memory): never in a fingerprint."""
    is_private: bool = False
    """True where the value may be a secret (a webhook's address): never in the published file,
    and never in a message."""

    @property
    def type_name(self) -> str:
        return {bool: "boolean", int: "integer", float: "number", str: "text"}[type(self.default)]
