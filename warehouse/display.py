"""What a person sees while something runs: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from warehouse import logs
from warehouse.errors import printable


@dataclass
class Stage:
    """One stage under way, with a number of parts."""

    progress: Progress
    task: int
    running: dict[str, str] = field(default_factory=dict)

    def observe(self, name: str, event: str) -> None:
        """Takes an event of a part: 'start', 'done', 'note: ...' or how far it is."""
        if event == "start":
            self.running[name] = ""
        elif event == "done":
            self.running.pop(name, None)
            self.progress.advance(self.task)  # type: ignore[arg-type]
        elif not event.startswith("note: "):
            self.running[name] = f" {event}"
        shown = ", ".join(f"{n}{at}" for n, at in list(self.running.items())[:3])
        self.progress.update(self.task, doing=shown)  # type: ignore[arg-type]


PIPED_WIDTH = 120
"""Columns of text where there is no terminal to ask."""


def console(*, stderr: bool = False) -> Console:
    """A console for results (standard output) or for progress and errors (standard error).

    Brackets in a text are text: names of files and patients are no markup.
    """
    found = Console(stderr=stderr, highlight=False, markup=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, markup=False, width=PIPED_WIDTH)


@dataclass
class Display:
    """Shows stages; ``quiet`` shows nothing."""

    console: Console = field(default_factory=lambda: console(stderr=True))
    quiet: bool = False

    def say(self, text: str) -> None:
        """A line."""
        if not self.quiet and logs.is_json():
            print(logs.record("message", printable(text)), file=self.console.file, flush=True)
        elif not self.quiet:
            self.console.print(printable(text), soft_wrap=True)

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Stage]:
        """Shows a stage of ``total`` parts while it runs, and one line when it is done."""
        started = time.perf_counter()
        live = self.console.is_terminal and not self.quiet and not logs.is_json()
        with Progress(
            TextColumn("{task.description:<15}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", style="dim"),
            console=self.console,
            transient=True,
            disable=not live,
        ) as progress:
            yield Stage(progress, progress.add_task(title, total=total, doing=""))
        seconds = time.perf_counter() - started
        if logs.is_json():
            if not self.quiet:
                line = logs.record(
                    "stage", title, total=total, unit=unit, seconds=round(seconds, 3)
                )
                print(line, file=self.console.file, flush=True)
            return
        self.say(f"{title:<15} {total:>4} {unit:<14} {seconds:6.1f} s")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A plain table for the terminal; numbers stand right."""
    result = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        result.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        result.add_row(*("" if value is None else _text(value) for value in row))
    return result


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else printable(str(value))
    )
