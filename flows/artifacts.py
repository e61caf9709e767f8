"""What a run leaves to read in Prefect; in a plain call of a flow's function, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from flows.orchestration import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    in_flow_run,
    update_progress_artifact,
)


def table_artifact(key: str, description: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table; nothing where there are no rows."""
    if rows and in_flow_run():
        create_table_artifact(list(rows), key=key, description=description)


def markdown_artifact(key: str, description: str, text: str) -> None:
    """A text."""
    if in_flow_run():
        create_markdown_artifact(text, key=key, description=description)


class Progress:
    """A bar from 0 to 100 percent."""

    def __init__(self, key: str, description: str) -> None:
        self._id: UUID | None = None
        if in_flow_run():
            self._id = cast(UUID, create_progress_artifact(0.0, key=key, description=description))

    def show(self, percent: float, description: str) -> None:
        """Moves the bar."""
        if self._id is not None:
            update_progress_artifact(self._id, percent, description=description)
