"""A project folder: what is where in it, and its one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from warehouse import settings
from warehouse.errors import CommandError, LesionsError, LockedError, MachineError


@dataclass(frozen=True)
class Project:
    """Paths and settings of one project."""

    root: Path
    values: Mapping[str, Any]

    def with_values(self, given: Mapping[str, Any]) -> Project:
        """The project with settings that a command gives, where it gives them."""
        values = {name: value for name, value in given.items() if value is not None}
        return replace(self, values={**self.values, **values})

    @property
    def studies(self) -> Path:
        """Folder with one folder per study."""
        return self.root / "studies"

    @property
    def published(self) -> Path:
        """The warehouse that readers open."""
        return self.root / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """Work files, loaded sources and logs."""
        return self.root / ".lesions"

    @property
    def raw(self) -> Path:
        """Loaded studies, one folder of Parquet files each."""
        return self.state / "raw"

    @property
    def work(self) -> Path:
        """The database a run builds; only its own run touches it."""
        return self.state / "work.duckdb"

    @property
    def failed(self) -> Path:
        """What a run had built when a check stopped it."""
        return self.state / "failed.duckdb"

    @property
    def left(self) -> Path:
        """Size, times of change and inode of the published file as the last run left it."""
        return self.state / "published.json"

    @property
    def check_page(self) -> Path:
        """Results of the last checks, as a page."""
        return self.state / "checks.html"

    @property
    def log(self) -> Path:
        """One line per run."""
        return self.state / "runs.log"


def open_project(start: Path) -> Project:
    """The project that ``start`` lies in: the nearest folder upwards with a ``lesions.toml``.

    Raises:
        LesionsError: no such folder, or the settings are wrong.
    """
    start = start.expanduser().absolute()
    for folder in (start, *start.parents):
        if (folder / settings.FILE_NAME).is_file():
            return Project(folder, settings.read_settings(folder / settings.FILE_NAME))
    raise CommandError(
        f"{start} is not in a project: no {settings.FILE_NAME} there or above it. "
        "Make one with 'lesions init DIR', or name one with --project DIR."
    )


def create_project(root: Path) -> Project:
    """Makes a project folder; what is already in it stays.

    Raises:
        LesionsError: the folder already holds a project, or cannot be written.
    """
    root = root.expanduser().absolute()
    file = root / settings.FILE_NAME
    if file.exists():
        raise LesionsError(f"{root} already holds a project. Use it, or choose another folder.")
    try:
        (root / "studies").mkdir(parents=True, exist_ok=True)
        file.write_text(settings.template(), encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot make a project in {root}: {error.strerror}.") from error
    return open_project(root)


def check_writable(project: Project) -> None:
    """Tries to write where a run writes, before hours of work go into what cannot be published.

    Raises:
        LesionsError: a folder that cannot be written, named.
    """
    own = (project.root, project.published.resolve().parent, project.state, project.raw)
    for folder in own:
        try:
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            remedy = (
                "Make room on the disk."
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else "Give the user who runs this the right to write there."
            )
            raise MachineError(f"{folder} cannot be written: {error.strerror}. {remedy}") from error


@contextmanager
def single_writer(project: Project) -> Iterator[None]:
    """Holds the project for one writer; the system frees it when the process ends, however.

    Raises:
        LesionsError: another process is writing.
    """
    check_writable(project)
    with (project.state / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            raise LockedError(
                f"another 'lesions' (process {owner}) is writing {project.root}. "
                "Wait until it ends."
            ) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
