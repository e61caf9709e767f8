"""What the schedule has done already, in small JSON files below ``.lesions``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warehouse.leftovers import replacing


def read_note(path: Path) -> dict[str, Any]:
    """A note's content; nothing where it is not there or is damaged: work is then done again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_note(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces a note as a whole."""
    with replacing(path) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
