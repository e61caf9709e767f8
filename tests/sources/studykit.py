"""A small study folder, loaded and looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.raw import build_raw_table
from warehouse.studies import LoadReport, load_study

LOADED_AT = datetime(2026, 1, 2, 3, 4, 5)


class Workspace:
    """One study folder, its loads, and a database to look at raw tables with."""

    def __init__(self, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = root / "studies" / "trial"
        self.folder.mkdir(parents=True)
        self.raw_dir = root / "raw"
        self.connection = connection

    def write(self, files: Mapping[str, str | bytes], study: str = "study_id: trial\n") -> Path:
        """Writes study.yml and data files; bytes as they are, text as UTF-8."""
        for name, content in {"study.yml": study, **files}.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / name).write_bytes(data)
        return self.folder

    def load(self) -> LoadReport:
        """Loads the folder."""
        return load_study(self.folder, self.raw_dir, loaded_at=LOADED_AT)

    def table(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Rows of a raw table, in its order."""
        build_raw_table(self.connection, self.raw_dir, name)
        return self.connection.sql(f"SELECT {columns} FROM raw.{name}").fetchall()

    def columns(self, name: str) -> list[str]:
        """Columns of a raw table."""
        build_raw_table(self.connection, self.raw_dir, name)
        return [row[0] for row in self.connection.sql(f"DESCRIBE raw.{name}").fetchall()]
